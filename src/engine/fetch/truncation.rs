//! Truncated logs (KIP-320). A leader that is elected although it has not everything (unclean election) takes away records
//! that have been read already, and producers use their offsets anew:
//!
//! ```text
//!  what we have read      epoch 0: 0 ─────────────────── 499   position 500
//!  the new leader's log   epoch 0: 0 ── 299 │ epoch 1: 300 ────────── 599
//! ```
//!
//! 500 is in range: nobody would ever read 300..499. So each Fetch says of which leader epoch the last record was that we
//! have (KIP-595, `last_fetched_epoch`, from v12 on). A leader with a log that ends this epoch before the fetch offset gives no
//! data but that end. What is buffered is void then, and the position goes back.
//! A lane at work is left alone where its delivery lies before that end: only what is buffered behind it is void.
//!
//! One number per slot is enough, also when the position goes back within what was fetched: the epoch of a *later* record of
//! the same log finds the same truncations.
//!
//! No checksum covers it. One that was damaged on the way, and is lower than the log's, would be taken for a truncation: so one that is
//! lower than that of the record before is none.

use std::time::Instant;

use crate::engine::delivery::SlotId;
use crate::engine::protocol::ErrorCode;

use super::Event;
use super::cursor::{Asked, Cursor, State};
use super::machine::Fetch;

/// Instead of a leader epoch: then the leader is not asked whether its log is the one that we have read.
pub const UNKNOWN_EPOCH: i32 = -1;

/// The leader epoch of a record of the log that we have read.
#[derive(Debug, Clone, Copy)]
pub(super) struct KnownEpoch {
    /// Or [`UNKNOWN_EPOCH`].
    epoch: i32,
    /// The offset behind it.
    end: i64,
}

impl KnownEpoch {
    pub(super) const NONE: KnownEpoch = KnownEpoch { epoch: UNKNOWN_EPOCH, end: 0 };

    pub(super) fn new(epoch: i32, end: i64) -> KnownEpoch {
        if epoch < 0 { KnownEpoch::NONE } else { KnownEpoch { epoch, end } }
    }

    pub(super) fn epoch(self) -> i32 {
        self.epoch
    }

    /// That of the record before this offset, if it is known, and not only that of a later one.
    pub(super) fn at(self, offset: i64) -> i32 {
        if self.end <= offset { self.epoch } else { UNKNOWN_EPOCH }
    }

    /// Records until `end` were fetched, the last of this epoch.
    pub(super) fn having_read(self, epoch: i32, end: i64) -> KnownEpoch {
        if end < self.end {
            // Once more: what we know of a later one holds.
            KnownEpoch { epoch: self.epoch.max(epoch), ..self }
        } else if epoch < self.epoch {
            // One of the two cannot be.
            KnownEpoch::NONE
        } else {
            KnownEpoch::new(epoch, end)
        }
    }
}

impl Cursor {
    /// What may be sent with this offset.
    pub(super) fn epoch_before(&self, offset: i64) -> KnownEpoch {
        match self.state {
            State::Fetching { fetch_offset, .. } if offset <= fetch_offset => self.known_epoch,
            // `resolveOffset` may go beyond everything that was fetched: nothing is known of a record there.
            _ => KnownEpoch::NONE,
        }
    }
}

impl Fetch {
    /// Was the record before the fetch offset written under a later leader than the one that was asked? That one has not heard yet that
    /// it leads no more (it stood still, for instance), and knows nothing of what was written since: whether its log has the offset, and
    /// where it ends, says nothing. The other leader is looked for, for as long as any refusal that should pass.
    pub(super) fn awaits_leader(&mut self, now: Instant, id: SlotId) -> bool {
        let Some(cursor) = self.cursors.get(id.index()) else { return false };
        let is_former = |asked: Asked| (0..cursor.known_epoch.epoch()).contains(&asked.leader_epoch);
        let awaits = cursor.in_flight.is_some_and(is_former) && self.may_pass(now, id);
        if awaits {
            self.in_trouble(now, id, ErrorCode::OFFSET_OUT_OF_RANGE);
        }
        awaits
    }

    /// The leader's log has `leader_epoch` until `end`, and none between that and the epoch of the last record that we have.
    pub(super) fn diverged(&mut self, now: Instant, id: SlotId, asked: i64, leader_epoch: i32, end: i64) {
        let Some(cursor) = self.cursors.get_mut(id.index()) else { return };
        let State::Fetching { position, .. } = cursor.state else { return };
        // A leader that goes on saying so is no reason to spin.
        cursor.backoff.failed(now, &mut self.rng);
        if end >= asked {
            // An epoch without records: there is nothing that we should not have read.
            cursor.known_epoch = KnownEpoch::new(leader_epoch, end);
            return;
        }
        if end >= position && self.deliveries.resolved(id).is_some() {
            // What a lane has is in this log: it goes on. The epoch of what lies behind that may have been damaged on the way, which no
            // checksum covers; to hand out again what a handler is about would be wrong.
            if self.deliveries.give_up_buffered(id)
                && let Some(cursor) = self.cursor(id)
            {
                cursor.fetch_again(position);
                cursor.known_epoch = KnownEpoch::new(leader_epoch, end);
            }
            return;
        }
        // A lane at work stops after its message, as after a seek; what it has not resolved is to come again.
        let to = self.deliveries.resolved(id).unwrap_or(position).min(end);
        if end < position
            && let Some(partition) = self.deliveries.partition(id).cloned()
        {
            self.events.push_back(Event::Truncated { partition, from: position, to });
        }
        self.rewind(id, to, KnownEpoch::new(leader_epoch, end));
    }
}
