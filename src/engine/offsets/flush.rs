//! The last commit before partitions are given up: what is resolved and what was asked for goes out now, with a few tries.

use crate::engine::machine::Owned;
use crate::engine::machine::TopicPartition;

use super::commit::Commits;
use super::machine::Offsets;
use super::{Event, Offset};

/// See [`Offsets::flush`].
#[derive(Debug)]
pub(super) struct Flush {
    pub(super) of: Owned,
    /// How many tries are left.
    pub(super) tries: u32,
}

impl Offsets {
    /// Commits everything resolved (with autoCommit) and everything asked for, now: without spacing, and with a few
    /// tries at most. Ends in [`Event::Flushed`] as soon as nothing of these partitions is to be committed any more, unless they
    /// are unassigned or the membership ends before.
    pub fn flush(&mut self, of: Owned) {
        self.want_open();
        self.commits.flush = Some(Flush { of, tries: FLUSH_TRIES });
        self.settle_flush();
    }

    /// Ends the flush when there is nothing left to send of its partitions, or there is no membership to send it in.
    pub(super) fn settle_flush(&mut self) {
        let commits = &self.commits;
        let Some(Flush { of, .. }) = &commits.flush else { return };
        let concerns = |offsets: &[Offset]| offsets.iter().any(|(partition, ..)| of.contains(partition));
        let is_under_way = commits.request.sent().is_some_and(|sent| concerns(&sent.about.offsets));
        let is_asked_for = commits.manual.iter().any(|manual| concerns(&manual.offsets));
        let is_open = |open: (&TopicPartition, i64)| of.contains(open.0) && !self.is_overruled(open.0);
        let is_wanted = commits.wanted && self.open().any(is_open)
            || self.refused().any(|(partition, _)| of.contains(partition));
        if self.member.is_none() || !(is_under_way || is_asked_for || is_wanted) {
            self.end_flush();
        }
    }

    pub(super) fn end_flush(&mut self) {
        if let Some(Flush { of, .. }) = self.commits.flush.take() {
            // What is left of kept partitions goes on.
            self.commits.wanted &= of != Owned::All;
            self.events.push_back(Event::Flushed);
        }
    }

    /// What the coordinator has refused once must not keep back what it was not asked yet: the flush ends after a few tries.
    pub(super) fn lets_own_commit_pass(&self) -> bool {
        let Commits { flush, manual, .. } = &self.commits;
        flush.is_some() && !manual.is_empty() && manual.iter().all(|manual| manual.tries > 0)
    }

    pub(super) fn is_going(&self, partition: &TopicPartition) -> bool {
        self.commits.flush.as_ref().is_some_and(|flush| flush.of.contains(partition))
    }
}

/// Before a rebalance goes on without the commit. The owner has a deadline as well.
pub(super) const FLUSH_TRIES: u32 = 3;
