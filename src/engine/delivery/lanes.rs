//! From the ready deliveries to a lane, and what comes back from it.

use std::time::Duration;

use crate::engine::machine::Owned;
use crate::engine::records::Summary;

use super::deliveries::Deliveries;
use super::{Buffer, SlotId};

/// Decoded messages of one partition, ready for a lane.
#[derive(Debug)]
pub struct Delivery {
    /// Whose messages.
    pub slot: SlotId,
    /// The slot's epoch.
    pub epoch: u32,
    /// Where they lie.
    pub buffer: Buffer,
    /// The first offset that it stands for: where the delivery before it ends, or what a lane has resolved of it.
    pub start: i64,
    /// Which offsets they cover.
    pub summary: Summary,
}

/// How a lane ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The handler went through the delivery.
    Done,
    /// It stopped early or failed: deliver again from the resolved offset, not before this wait is over.
    Again(Duration),
    /// It was asked to stop, and no handler has seen what is not resolved: that may be kept.
    Stopped,
}

/// What has become of a delivery that was in a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finished {
    /// The epoch was over before the lane ended: the supplier has seen to it.
    Void,
    /// All of it is resolved.
    Resolved,
    /// What is not resolved is ready again. JavaScript has to keep it under this number.
    Kept {
        /// Until it is taken or void.
        number: u32,
        /// The first offset that is not resolved.
        from: i64,
    },
    /// What is not resolved is nowhere any more. To deliver it again before what follows, the supplier voids the slot and
    /// pushes from there.
    Returned {
        /// The first offset that is not resolved.
        from: i64,
        /// Behind the last one that was handed out.
        end: i64,
    },
}

/// A lane at work.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) slot: SlotId,
    pub(super) epoch: u32,
    pub(super) summary: Summary,
    pub(super) resolved: i64,
    /// Bytes that JavaScript holds for it.
    pub(super) bytes: usize,
}

#[derive(Debug, Default)]
pub(super) struct Lane {
    pub(super) work: Option<Work>,
    pub(super) flags: i32,
    /// It has asked for more of its slot, and there was none.
    wants_more: bool,
}

impl Deliveries {
    /// Is there a delivery that an idle lane could take?
    pub fn has_ready(&self) -> bool {
        !self.suspended && self.ready.iter().any(|next| self.is_takeable(next) || self.is_wanted(next))
    }

    /// The lanes at work, and whose messages are in them.
    pub fn busy_lanes(&self) -> impl Iterator<Item = (usize, SlotId)> {
        let lanes = self.lanes.iter().enumerate();
        lanes.filter_map(|(lane, Lane { work, .. })| Some((lane, work.as_ref()?.slot)))
    }

    /// The next delivery for this idle lane. Its slot belongs to the lane until [`Deliveries::finish`].
    pub fn take(&mut self, lane: usize) -> Option<Delivery> {
        if self.suspended || self.lanes.get(lane)?.work.is_some() {
            return None;
        }
        let at = self.ready.iter().position(|delivery| self.is_takeable(delivery))?;
        let delivery = self.ready.remove(at)?;
        let slot = self.slots.get_mut(delivery.slot.index())?;
        slot.ready -= 1;
        slot.lane = Some(lane);
        self.may_decode = true;
        let bytes = match &delivery.buffer {
            Buffer::Slab(_) => self.slabs.size().max(delivery.summary.used),
            Buffer::Staged(bytes) => bytes.len(),
            Buffer::Kept { bytes, .. } => *bytes,
        };
        self.kept_bytes -= delivery.buffer.kept_bytes();
        let lane = self.lanes.get_mut(lane)?;
        lane.flags = 0;
        let Delivery { slot, epoch, start, summary, .. } = delivery;
        lane.work = Some(Work { slot, epoch, summary, resolved: start, bytes });
        Some(delivery)
    }

    /// The next delivery of the partition that this lane is at work in, whose handlers run beside each other: a part of its work from
    /// now on. None: there is none, or the lane is to stop.
    pub fn take_more(&mut self, lane: usize) -> Option<Delivery> {
        if self.suspended {
            return None;
        }
        let (work, flags) = self.lanes.get(lane).map(|lane| (lane.work.as_ref(), lane.flags))?;
        let (id, epoch) = work.map(|work| (work.slot, work.epoch))?;
        let slot = self.slots.get_mut(id.index())?;
        if flags != 0 || slot.is_held() || !slot.is_current(epoch) {
            return None;
        }
        let Some(at) = self.ready.iter().position(|delivery| delivery.slot == id) else {
            self.lanes.get_mut(lane)?.wants_more = true;
            return None;
        };
        let delivery = self.ready.remove(at)?;
        slot.ready -= 1;
        self.may_decode = true;
        self.kept_bytes -= delivery.buffer.kept_bytes();
        let work = self.lanes.get_mut(lane)?.work.as_mut()?;
        let summary = &delivery.summary;
        work.summary.next_offset = summary.next_offset;
        // The epoch before an offset in the middle is not known any more when there is more than one.
        work.summary.leader_epoch =
            work.summary.leader_epoch.filter(|_| work.summary.leader_epoch == summary.leader_epoch);
        Some(delivery)
    }

    /// Lanes that want more ask for it again from now on.
    pub fn woken(&mut self) {
        for lane in &mut self.lanes {
            lane.wants_more = false;
        }
    }

    /// Whose messages this lane has.
    pub fn slot_in(&self, lane: usize) -> Option<SlotId> {
        Some(self.lanes.get(lane)?.work.as_ref()?.slot)
    }

    /// Everything before `next` is resolved in this lane; None = no more than was. Returns the slot, the next offset to read, and where
    /// the lane's work ends. None when its epoch is over.
    pub fn resolve_to(&mut self, lane: usize, next: Option<i64>) -> Option<(SlotId, i64, i64)> {
        let work = self.lanes.get_mut(lane)?.work.as_mut()?;
        work.resolved = next.unwrap_or(work.resolved);
        let stand = (work.slot, work.resolved, work.summary.next_offset);
        self.slots.get(work.slot.index())?.is_current(work.epoch).then_some(stand)
    }

    /// What a busy lane's cell says: `delta` is the next offset to read, relative to the delivery's base offset.
    /// Returns the slot and the offset when that is news, and its epoch is not over.
    pub fn progress(&mut self, lane: usize, delta: i32) -> Option<(SlotId, i64)> {
        let work = self.lanes.get(lane)?.work.as_ref()?;
        let next = work.summary.base_offset.saturating_add(i64::from(delta));
        self.resolve(lane, next)
    }

    /// As [`Deliveries::progress`], for offsets that a delta cannot reach.
    pub fn resolve(&mut self, lane: usize, next: i64) -> Option<(SlotId, i64)> {
        let work = self.lanes.get_mut(lane)?.work.as_mut()?;
        if work.resolved == next {
            return None;
        }
        work.resolved = next;
        let (id, epoch) = (work.slot, work.epoch);
        self.slots.get(id.index())?.is_current(epoch).then_some((id, next))
    }

    /// What the lane that handles this slot has resolved in this epoch, if there is such a lane.
    pub fn resolved(&self, id: SlotId) -> Option<i64> {
        let slot = self.slots.get(id.index())?;
        let work = self.lanes.get(slot.lane?)?.work.as_ref()?;
        slot.is_current(work.epoch).then_some(work.resolved)
    }

    /// The leader epoch of the record before `next` in this lane's delivery (KIP-320), if it is known.
    pub fn leader_epoch(&self, lane: usize, next: i64) -> Option<i32> {
        let summary = &self.lanes.get(lane)?.work.as_ref()?.summary;
        summary.leader_epoch.filter(|_| summary.base_offset < next && next <= summary.next_offset)
    }

    /// The same of the lane that handles this slot, if there is one.
    pub fn epoch_before(&self, id: SlotId, next: i64) -> Option<i32> {
        self.leader_epoch(self.slots.get(id.index())?.lane?, next)
    }

    /// The lane is idle again. Call [`Deliveries::progress`] first. None if it was.
    pub fn finish(&mut self, lane: usize, outcome: Outcome) -> Option<(SlotId, Finished)> {
        let lane = self.lanes.get_mut(lane)?;
        let work = lane.work.take()?;
        lane.flags = 0;
        lane.wants_more = false;
        let slot = self.slots.get_mut(work.slot.index())?;
        slot.lane = None;
        self.may_decode = true;
        let (from, end) = (work.resolved, work.summary.next_offset);
        let finished = if !slot.is_current(work.epoch) {
            Finished::Void
        } else if from == end && !matches!(outcome, Outcome::Again(_)) {
            Finished::Resolved
        } else if outcome == Outcome::Stopped
            && let Some(number) = self.keep(&work)
        {
            Finished::Kept { number, from }
        } else {
            Finished::Returned { from, end }
        };
        Some((work.slot, finished))
    }

    /// Does a lane handle this slot?
    pub fn is_in_lane(&self, id: SlotId) -> bool {
        self.slots.get(id.index()).is_some_and(|slot| slot.lane.is_some())
    }

    /// Is no lane at work?
    pub fn lanes_idle(&self) -> bool {
        self.lanes.iter().all(|lane| lane.work.is_none())
    }

    /// Is no lane at work in these partitions?
    pub fn is_idle(&self, partitions: &Owned) -> bool {
        let in_lane = |partition| self.slot_of(partition).is_some_and(|id| self.is_in_lane(id));
        match partitions {
            Owned::All => self.lanes_idle(),
            Owned::Only(partitions) => !partitions.iter().any(in_lane),
        }
    }

    /// Each lane's flags, for the cells.
    pub fn lane_flags(&self) -> impl Iterator<Item = i32> {
        self.lanes.iter().map(|lane| lane.flags)
    }

    /// Hands nothing out any more, and asks busy lanes to stop before their next message: a rebalance or the end.
    pub fn suspend(&mut self, closing: bool) {
        self.suspended = true;
        self.flag_busy(if closing { LANE_STOP | LANE_CLOSING } else { LANE_STOP });
    }

    /// These partitions are about to go: nothing of them is handed out any more, and their lanes are asked to stop before their
    /// next message. The others go on.
    pub fn drain(&mut self, partitions: &Owned) {
        let Owned::Only(partitions) = partitions else { return self.suspend(false) };
        self.may_decode = true;
        for id in partitions.iter().filter_map(|partition| self.assigned_slot(partition)).collect::<Vec<_>>()
        {
            if let Some(slot) = self.slots.get_mut(id.index()) {
                slot.draining = true;
            }
            self.flag_lane(id, LANE_STOP);
        }
    }

    /// Is nothing handed out, since [`Deliveries::suspend`]?
    pub fn is_suspended(&self) -> bool {
        self.suspended
    }

    /// Tells busy lanes that what they have may be somebody else's by now: to go on would be to do it twice.
    pub fn interrupt(&mut self) {
        self.flag_busy(LANE_STOP | LANE_STALE);
    }

    /// Nobody else had it: what [`Deliveries::interrupt`] has said is withdrawn. Who has stopped by then goes on with the next delivery.
    pub fn reassure(&mut self) {
        for lane in self.lanes.iter_mut() {
            let Some(work) = &lane.work else { continue };
            let slot = self.slots.get(work.slot.index());
            let Some(slot) = slot.filter(|slot| slot.is_current(work.epoch)) else { continue };
            lane.flags &= !LANE_STALE;
            if !self.suspended && !slot.is_held() {
                lane.flags &= !LANE_STOP;
            }
        }
    }

    fn flag_busy(&mut self, flags: i32) {
        for lane in self.lanes.iter_mut().filter(|lane| lane.work.is_some()) {
            lane.flags |= flags;
        }
    }

    /// Flags the lane that handles `id`, if one does.
    pub(super) fn flag_lane(&mut self, id: SlotId, flags: i32) {
        let lane = self.slots.get(id.index()).and_then(|slot| slot.lane);
        if let Some(lane) = lane.and_then(|lane| self.lanes.get_mut(lane)) {
            lane.flags |= flags;
        }
    }

    /// The pause of `id` is over before its lane has seen the flag: the lane goes on, unless it is to stop for another reason.
    pub(super) fn unflag_lane(&mut self, id: SlotId) {
        let Some(slot) = self.slots.get(id.index()) else { return };
        let Some(lane) = slot.lane.and_then(|lane| self.lanes.get_mut(lane)) else { return };
        let is_ours = lane.flags & LANE_STALE == 0;
        let goes_on = is_ours && !self.suspended && !slot.draining;
        if goes_on && lane.work.as_ref().is_some_and(|work| slot.is_current(work.epoch)) {
            lane.flags &= !LANE_STOP;
        }
    }

    /// Does the lane that handles this slot want it?
    fn is_wanted(&self, delivery: &Delivery) -> bool {
        let slot = self.slots.get(delivery.slot.index()).filter(|slot| !slot.is_held());
        let lane = slot.and_then(|slot| self.lanes.get(slot.lane?));
        lane.is_some_and(|lane| lane.wants_more && lane.flags == 0)
    }

    pub(super) fn is_takeable(&self, delivery: &Delivery) -> bool {
        self.slots.get(delivery.slot.index()).is_some_and(|slot| slot.lane.is_none() && !slot.is_held())
    }
}

/// Lane flag: do not start another message.
pub const LANE_STOP: i32 = 1;
/// Lane flag: the position of this partition has changed, or it may be somebody else's by now (`isStale`).
pub const LANE_STALE: i32 = 2;
/// Lane flag: the consumer is stopping (`isRunning` is false).
pub const LANE_CLOSING: i32 = 4;
