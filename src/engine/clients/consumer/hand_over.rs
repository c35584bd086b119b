//! The hand-over: what the decode task and the lanes of JavaScript ask of the consumer, and what becomes of what they have done.

use std::time::Instant;

use crate::engine::delivery::DecodeJob;
use crate::engine::delivery::Decoded;
use crate::engine::delivery::Delivery;
use crate::engine::delivery::Estimate;
use crate::engine::delivery::Outcome;
use crate::engine::delivery::SlotId;
#[cfg(doc)]
use crate::engine::fetch::Fetch;
use crate::engine::machine::TopicPartition;
use crate::engine::offsets::Range;

use super::machine::Consumer;

impl Consumer {
    /// See [`Fetch::give`].
    pub fn give(&mut self, slab: u32) {
        self.fetch.give(slab);
    }

    /// See [`Fetch::poll_decode`].
    pub fn poll_decode(&mut self, is_wanted: impl Fn(&Estimate) -> bool) -> Option<DecodeJob> {
        self.fetch.poll_decode(is_wanted)
    }

    /// May [`Consumer::poll_decode`] find something?
    pub fn may_decode(&self) -> bool {
        self.fetch.deliveries().may_decode()
    }

    /// See [`Fetch::decoded`].
    pub fn decoded(&mut self, now: Instant, decoded: Decoded) {
        self.fetch.decoded(now, decoded);
        self.route_fetch();
    }

    /// Is there a delivery that an idle lane could take?
    pub fn has_ready(&self) -> bool {
        !self.is_expired() && self.fetch.deliveries().has_ready()
    }

    /// See [`Fetch::take`].
    pub fn take(&mut self, now: Instant, lane: usize) -> Option<Delivery> {
        self.check_session(now);
        if self.is_expired() {
            return None;
        }
        let delivery = self.fetch.take(lane)?;
        self.touch(now, lane, true);
        Some(delivery)
    }

    /// See [`Fetch::progress`].
    pub fn progress(&mut self, now: Instant, lane: usize, delta: i32) {
        if let Some((slot, next)) = self.fetch.progress(lane, delta) {
            self.resolved(now, lane, slot, next);
        }
    }

    /// See [`Fetch::resolve`].
    pub fn resolve(&mut self, now: Instant, lane: usize, next: i64) {
        if let Some((slot, next)) = self.fetch.resolve(lane, next) {
            self.resolved(now, lane, slot, next);
        }
    }

    /// See [`Fetch::resolve_returned`].
    pub fn resolve_returned(&mut self, slot: SlotId, next: i64) {
        if self.fetch.resolve_returned(slot, next)
            && let Some(partition) = self.fetch.deliveries().partition(slot)
        {
            self.offsets.resolved(partition, next, None);
            self.offsets.batch_end();
        }
    }

    /// See [`Fetch::take_more`].
    pub fn take_more(&mut self, now: Instant, lane: usize) -> Option<Delivery> {
        self.check_session(now);
        if self.is_expired() {
            return None;
        }
        self.fetch.take_more(lane)
    }

    /// JavaScript was woken: lanes that want more ask for it again.
    pub fn woken(&mut self) {
        self.fetch.woken();
    }

    /// Where handlers run beside each other: everything before `next` is finished in this lane's partition (None: nothing new is), and of
    /// what lies behind it `finished`.
    pub fn finished(&mut self, now: Instant, lane: usize, next: Option<i64>, finished: Vec<Range>) {
        self.touch(now, lane, true);
        self.last_progress = Some(now);
        let Some((slot, next, end)) = self.fetch.resolve_to(lane, next) else { return };
        let epoch = self.fetch.deliveries().leader_epoch(lane, next);
        if let Some(partition) = self.fetch.deliveries().partition(slot) {
            self.offsets.finished(partition, next, epoch, end, finished);
        }
    }

    /// What handlers, or those of an earlier member, have finished in this lane's partition beyond its position.
    pub fn finished_beyond(&self, lane: usize) -> &[Range] {
        let slot = self.fetch.deliveries().slot_in(lane);
        let partition = slot.and_then(|slot| self.fetch.deliveries().partition(slot));
        partition.map_or(&[], |partition| self.offsets.finished_beyond(partition))
    }

    /// See [`Fetch::finish`].
    pub fn finish(&mut self, now: Instant, lane: usize, outcome: Outcome) -> Option<u32> {
        let kept = self.fetch.finish(now, lane, outcome);
        self.touch(now, lane, false);
        self.offsets.batch_end();
        self.route_fetch();
        self.step_drain(now);
        kept
    }

    /// Which partition a slot is.
    pub fn slot(&self, slot: SlotId) -> Option<&TopicPartition> {
        self.fetch.deliveries().partition(slot)
    }

    /// Each lane's flags, for the cells.
    pub fn lane_flags(&self) -> impl Iterator<Item = i32> {
        self.fetch.deliveries().lane_flags()
    }

    /// Bytes that a slab should have, so that one delivery fills it.
    pub fn slab_size(&self) -> usize {
        self.fetch.deliveries().slab_size()
    }

    fn resolved(&mut self, now: Instant, lane: usize, slot: SlotId, next: i64) {
        self.touch(now, lane, true);
        self.last_progress = Some(now);
        let epoch = self.fetch.deliveries().leader_epoch(lane, next);
        if let Some(partition) = self.fetch.deliveries().partition(slot) {
            self.offsets.resolved(partition, next, epoch);
        }
    }
}
