//! What the lanes and the decoder tell, and what it means for the position.
//!
//! ```text
//!   taken: position → behind it      kept, returned: position → what was resolved
//!  ──┬──────────────────┬──────────────────────┬────────────────────────┬──────► offsets
//!    position           │ decoded, ready       │ queued                 fetch_offset
//! ```

use std::time::Instant;

use crate::engine::delivery::DecodeJob;
use crate::engine::delivery::Decoded;
use crate::engine::delivery::Deliveries;
use crate::engine::delivery::Delivery;
use crate::engine::delivery::Estimate;
use crate::engine::delivery::Finished;
use crate::engine::delivery::Outcome;
use crate::engine::delivery::SlotId;
use crate::engine::delivery::Verdict;

use super::Event;
use super::cursor::{Poison, State};
use super::machine::Fetch;
use super::truncation::KnownEpoch;

impl Fetch {
    /// What is buffered and in lanes. It is changed by way of this machine only: the positions follow.
    pub fn deliveries(&self) -> &Deliveries {
        &self.deliveries
    }

    /// See [`Deliveries::give`].
    pub fn give(&mut self, slab: u32) {
        self.deliveries.give(slab);
    }

    /// See [`Deliveries::poll_decode`].
    pub fn poll_decode(&mut self, is_wanted: impl Fn(&Estimate) -> bool) -> Option<DecodeJob> {
        self.deliveries.poll_decode(is_wanted)
    }

    /// See [`Deliveries::decoded`].
    pub fn decoded(&mut self, now: Instant, decoded: Decoded) {
        let id = decoded.slot;
        self.may_ask = true;
        match self.deliveries.decoded(decoded) {
            Verdict::Void => {}
            Verdict::Sound => {
                if let Some(cursor) = self.cursor(id).filter(|cursor| cursor.damaged) {
                    cursor.recover();
                }
            }
            Verdict::Empty => self.report_dead_end(id),
            Verdict::Damaged { next, error, batch } => {
                self.damaged(now, id, next, &error, batch);
                self.report_dead_end(id);
            }
        }
    }

    /// See [`Deliveries::take`]. The position moves behind the delivery.
    pub fn take(&mut self, lane: usize) -> Option<Delivery> {
        let delivery = self.deliveries.take(lane)?;
        if let Some(cursor) = self.cursor(delivery.slot) {
            cursor.hand_over(delivery.summary.next_offset);
        }
        Some(delivery)
    }

    /// See [`Deliveries::take_more`]. The position moves behind the delivery.
    pub fn take_more(&mut self, lane: usize) -> Option<Delivery> {
        let delivery = self.deliveries.take_more(lane)?;
        if let Some(cursor) = self.cursor(delivery.slot) {
            cursor.hand_over(delivery.summary.next_offset);
        }
        Some(delivery)
    }

    /// See [`Deliveries::woken`].
    pub fn woken(&mut self) {
        self.deliveries.woken();
    }

    /// See [`Deliveries::resolve_to`].
    pub fn resolve_to(&mut self, lane: usize, next: Option<i64>) -> Option<(SlotId, i64, i64)> {
        self.deliveries.resolve_to(lane, next)
    }

    /// See [`Deliveries::progress`].
    pub fn progress(&mut self, lane: usize, delta: i32) -> Option<(SlotId, i64)> {
        self.deliveries.progress(lane, delta)
    }

    /// See [`Deliveries::resolve`].
    pub fn resolve(&mut self, lane: usize, next: i64) -> Option<(SlotId, i64)> {
        self.deliveries.resolve(lane, next)
    }

    /// The lane is idle again. Call [`Fetch::progress`] first. Returns the number under which the rest of the delivery is to be
    /// kept, if it is.
    pub fn finish(&mut self, now: Instant, lane: usize, outcome: Outcome) -> Option<u32> {
        let (id, finished) = self.deliveries.finish(lane, outcome)?;
        match finished {
            Finished::Kept { number, from } => {
                self.cursor(id)?.hand_over(from);
                return Some(number);
            }
            Finished::Returned { from, end } => {
                let muted_until = match outcome {
                    Outcome::Again(wait) if !wait.is_zero() => Some(now + wait),
                    _ => None,
                };
                self.take_back(id, from, end, muted_until);
            }
            Finished::Resolved | Finished::Void => {}
        }
        self.report_dead_end(id);
        None
    }

    /// Resolves what a lane has returned unresolved: a handler's work may outlast the handler. Only forwards, and only as
    /// long as nothing else has happened to the slot. Is that so?
    pub fn resolve_returned(&mut self, id: SlotId, next: i64) -> bool {
        if self.deliveries.is_in_lane(id) {
            return false;
        }
        let Some(cursor) = self.cursor(id) else { return false };
        let (Some(end), State::Fetching { position, .. }) = (cursor.returned, cursor.state) else {
            return false;
        };
        if next <= position || next > end {
            return false;
        }
        let muted_until = cursor.muted_until;
        self.take_back(id, next, end, muted_until);
        true
    }

    /// Delivery goes on at `offset`, not before `muted_until`; what lies between that and `end` was handed out already.
    fn take_back(&mut self, id: SlotId, offset: i64, end: i64, muted_until: Option<Instant>) {
        self.back_to(id, offset);
        if let Some(cursor) = self.cursor(id) {
            cursor.returned = Some(end);
            cursor.muted_until = muted_until;
        }
    }

    /// Everything of this slot that is buffered is void; delivery goes on at `offset`, within what was fetched of the same log.
    pub(super) fn back_to(&mut self, id: SlotId, offset: i64) {
        if let Some(known_epoch) = self.cursor(id).map(|cursor| cursor.epoch_before(offset)) {
            self.rewind(id, offset, known_epoch);
        }
    }

    /// Everything of this slot that is buffered is void; delivery goes on at `offset`.
    pub(super) fn rewind(&mut self, id: SlotId, offset: i64, known_epoch: KnownEpoch) {
        self.restate(id, State::Fetching { position: offset, fetch_offset: offset });
        if let Some(cursor) = self.cursor(id) {
            cursor.known_epoch = known_epoch;
        }
    }

    /// Moves the slot to another state; what is buffered for it is void.
    pub(super) fn restate(&mut self, id: SlotId, state: State) {
        let Some(cursor) = self.cursor(id) else { return };
        cursor.transition(state);
        self.may_ask = true;
        let dropped = self.deliveries.void(id);
        self.events.extend(dropped.map(Event::Dropped));
    }

    /// Unreadable data, or the end of the log's range, matter only once everything before them has been handled.
    pub(super) fn report_dead_end(&mut self, id: SlotId) {
        let Some(cursor) = self.cursors.get_mut(id.index()) else { return };
        if cursor.poison.is_some() && self.deliveries.is_handled(id) {
            // As with a refusal: told once, and not asked for again.
            self.events.extend(cursor.poison.take().map(|poison| match poison {
                Poison { failure, batch: Some(batch) } if self.config.sets_aside => {
                    Event::Unreadable { failure, batch }
                }
                Poison { failure, .. } => Event::Failed(failure),
            }));
            self.restate(id, State::Awaiting);
        } else if cursor.out_of_range && self.deliveries.is_drained(id) {
            self.events.extend(self.deliveries.partition(id).cloned().map(Event::OutOfRange));
            self.restate(id, State::Awaiting);
        }
    }
}
