//! The log is the truth: what has to come next of each partition, message by message. Kept where nobody but the storm changes what
//! the group has committed.
//!
//! ```text
//!  assigned: where the group has committed ──► the next one ──► the next one …
//!                                     ▲ failed: the same one again      ▲ sought: exactly there
//! ```
//! What no consumer sees is passed over, and so is what retention has deleted. Nothing else is, and nothing comes twice.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::protocol::offset_fetch::OffsetFetchRequest;

use super::world::*;

#[derive(Default)]
pub(super) struct Ledger {
    pub(super) is_kept: bool,
    ours: BTreeSet<i32>,
    /// What comes next is the first message from here on; none: from where the group has committed.
    expected: BTreeMap<i32, i64>,
    /// Counts what ends the work of lanes: seeks, and assignments that are over.
    stamps: BTreeMap<i32, u32>,
    /// Where partitions begin that are not ours yet.
    pending: BTreeMap<i32, i64>,
    /// Handed out to us, handled by others, or jumped over by a seek.
    done: BTreeMap<i32, BTreeSet<i64>>,
    /// The last log of which something was handed out.
    made: BTreeMap<i32, u8>,
}

impl Ledger {
    pub(super) fn stamp(&self, partition: i32) -> u32 {
        self.stamps.get(&partition).copied().unwrap_or(0)
    }

    fn end_work(&mut self, partition: i32) {
        *self.stamps.entry(partition).or_default() += 1;
        self.expected.remove(&partition);
    }

    /// The message fails in a lane that began with this stamp.
    pub(super) fn failed(&mut self, partition: i32, stamp: u32, offset: i64) {
        if self.stamp(partition) == stamp {
            self.expected.insert(partition, offset);
        }
    }

    /// The topic is made anew: nothing is true any more.
    pub(super) fn forget_all(&mut self) {
        for partition in std::mem::take(&mut self.ours) {
            self.end_work(partition);
        }
        self.done.clear();
    }
}

impl World {
    /// What has come and gone.
    pub(super) fn keep_ledger(&mut self) {
        if !self.ledger.is_kept {
            return;
        }
        let ours: BTreeSet<i32> = self.consumer.assignment().iter().map(|it| it.partition).collect();
        for gone in self.ledger.ours.difference(&ours).copied().collect::<Vec<_>>() {
            self.ledger.end_work(gone);
        }
        for come in ours.difference(&self.ledger.ours).copied().collect::<Vec<_>>() {
            self.ledger.end_work(come);
        }
        let is_over = |partition: &i32| !self.consumer.pending_seeks.contains_key(&tp(*partition));
        let applied: Vec<i32> = self.ledger.pending.keys().copied().filter(is_over).collect();
        for partition in applied {
            let offset = self.ledger.pending.remove(&partition);
            self.ledger.expected.extend(offset.map(|offset| (partition, offset)));
        }
        self.ledger.ours = ours;
    }

    /// The group is asked where these begin: they are ours anew, perhaps within one step.
    pub(super) fn looked_up(&mut self, request: &OffsetFetchRequest) {
        for partition in request.topics.iter().flatten().flat_map(|topic| &topic.partitions) {
            self.ledger.end_work(*partition);
        }
    }

    /// A handler gets this message of the log that was made so often.
    pub(super) fn write_down(&mut self, partition: i32, made: u8, offset: i64) {
        if !self.ledger.is_kept {
            return;
        }
        let log = &self.cluster.logs[&partition];
        let last = self.ledger.made.insert(partition, made);
        assert!(last.is_none_or(|last| last <= made), "{partition}: a log that is no more");
        if made < log.made {
            // Nobody has told it yet.
            return;
        }
        let told = self.cluster.told.get(&partition).copied().unwrap_or(0);
        let from = self.ledger.expected.get(&partition).copied().unwrap_or(told);
        let may_pass = |offset: &i64| *offset < log.start || log.markers.contains(offset);
        let lost: Vec<i64> = (from..offset).filter(|offset| !may_pass(offset)).collect();
        assert!(lost.is_empty(), "{partition}: {offset} comes, {lost:?} do not, from {from} on");
        assert!(offset >= from, "{partition}: {offset} comes again, {from} is expected");
        self.ledger.expected.insert(partition, offset + 1);
        self.ledger.done.entry(partition).or_default().insert(offset);
    }

    /// The user seeks.
    pub(super) fn seek(&mut self, partition: i32, offset: i64) {
        self.consumer.seek(tp(partition), offset);
        self.ledger.end_work(partition);
        if self.consumer.pending_seeks.contains_key(&tp(partition)) {
            self.ledger.pending.insert(partition, offset);
        } else {
            self.ledger.expected.insert(partition, offset);
        }
        let handled = self.handled.entry(partition).or_default();
        self.ledger.done.entry(partition).or_default().extend(*handled..offset);
        *handled = (*handled).max(offset);
        self.cluster.rewinds.insert(partition);
        self.settle();
    }

    /// Everything that is there was handed out, or was somebody else's.
    pub(super) fn assert_nothing_is_missing(&self) {
        let none = BTreeSet::new();
        for (partition, log) in &self.cluster.logs {
            let done = self.ledger.done.get(partition).unwrap_or(&none);
            let others = self.cluster.others.get(partition).unwrap_or(&none);
            let is_missing = |offset: &i64| {
                !done.contains(offset) && !others.contains(offset) && !log.markers.contains(offset)
            };
            let missing: Vec<i64> = (log.start..log.end).filter(is_missing).collect();
            assert!(missing.is_empty(), "{partition}: {missing:?} of {} are missing", log.end);
        }
    }
}
