//! Messages of transactions: whose rules are the `transaction` room's, which says as whom they are written, where they may be, and
//! when it is over.
//!
//! ```text
//!  (over) ─ begin_transaction ─► the partition's turn: Joins ─► joined ─► its batches go out ─► … ─ end_transaction ─► (over)
//! ```
//! One batch of a partition is out at a time. So what is refused leaves no gap in the sequences, and whatever is in doubt ends the
//! transaction, whose successor has another epoch: no partition raises its own.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::machine::Reminder;
use crate::engine::machine::TopicPartition;

use super::identity::ProducerId;
use super::machine::Produce;
use super::{Event, Reason};

/// The transaction that messages belong to.
#[derive(Debug)]
pub(super) struct Membership {
    pub(super) transactional_id: Arc<str>,
    pub(super) transactions_v1: bool,
    /// Slots that may be written.
    joined: BTreeSet<usize>,
    /// Slots that are to be.
    asked: BTreeSet<usize>,
    /// To be told in [`Event::Joins`].
    pub(super) joining: Vec<TopicPartition>,
    /// Why nothing is written.
    pub(super) over: Option<Reason>,
    /// For the end of the transaction before.
    pub(super) waits: Reminder,
}

impl Membership {
    pub(super) fn new(transactional_id: Arc<str>) -> Membership {
        Membership {
            transactional_id,
            transactions_v1: true,
            joined: BTreeSet::new(),
            asked: BTreeSet::new(),
            joining: Vec::new(),
            over: Some(Reason::Aborted),
            waits: Reminder::after(LONG),
        }
    }

    /// Does the transaction know this slot?
    pub(super) fn knows(&self, slot: usize) -> bool {
        self.joined.contains(&slot) || self.asked.contains(&slot)
    }

    /// May this partition be written? If not, that is asked for, once.
    pub(super) fn admits(&mut self, slot: usize, at: &TopicPartition) -> bool {
        if self.over.is_some() {
            return false;
        }
        let is_in = self.joined.contains(&slot);
        if !is_in && self.asked.insert(slot) {
            self.joining.push(at.clone());
        }
        is_in
    }
}

impl Produce {
    /// What is sent from now on belongs to a transaction, and is numbered as this producer's.
    pub fn begin_transaction(&mut self, producer: ProducerId, transactions_v1: bool) {
        if let Some(membership) = &mut self.membership {
            let transactional_id = membership.transactional_id.clone();
            *membership = Membership { transactions_v1, over: None, ..Membership::new(transactional_id) };
            self.identity.set(producer);
        }
    }

    /// These partitions, which [`Event::Joins`] has told of, may be written.
    pub fn joined(&mut self, partitions: &[TopicPartition]) {
        for TopicPartition { topic, partition } in partitions {
            let topic = self.names.get(topic).and_then(|index| self.topics.get(*index));
            if let (Some(membership), Some(slot)) =
                (&mut self.membership, topic.and_then(|topic| topic.slot(*partition)))
            {
                membership.joined.insert(slot);
            }
        }
    }

    /// Nothing of the transaction is written any more: what is not out fails with this, and so does what is sent later. What is out
    /// is waited for.
    pub fn end_transaction(&mut self, reason: Reason) {
        if let Some(membership) = &mut self.membership {
            membership.over = Some(reason);
            self.sweep();
        }
    }

    /// Fails what is not out, if the transaction is over.
    pub(super) fn sweep(&mut self) {
        if let Some(reason) = self.over() {
            self.fail_all(&reason);
        }
    }

    /// Why nothing is written.
    pub(super) fn over(&self) -> Option<Reason> {
        self.membership.as_ref()?.over.clone()
    }

    /// The partitions of [`Event::Joins`].
    pub(super) fn joins(&mut self) -> Option<Event> {
        let joining = std::mem::take(&mut self.membership.as_mut()?.joining);
        (!joining.is_empty()).then_some(Event::Joins(joining))
    }
}

/// What the end of a transaction never takes.
const LONG: Duration = Duration::from_secs(10);

/// How long to wait until the brokers may be done with a transaction: they need milliseconds until all its partitions have heard of its
/// end.
pub const UNTIL_ENDED: Duration = Duration::from_millis(20);
