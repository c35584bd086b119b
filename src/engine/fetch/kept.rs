//! What a pause leaves of a delivery. The lane ends after its message; the rest, which no handler has seen, stays in the slab
//! that JavaScript has, and is handed out from there after the pause: a kept delivery is a ready one like the others, and
//! as void as they are when the position changes or the partition goes.
//!
//! What a handler *has* seen is always fetched again: it may have written into it.

use super::handover::{Buffer, Delivery, Work};
use super::machine::Fetch;
use super::slot::State;
use super::{LANE_STALE, LANE_STOP, SlotId};

impl Buffer {
    pub(super) fn kept_bytes(&self) -> usize {
        if let Buffer::Kept { bytes, .. } = self { *bytes } else { 0 }
    }
}

impl Fetch {
    /// The number under which JavaScript keeps the rest of this delivery. None when there is no room for it.
    pub(super) fn keep(&mut self, work: &Work) -> Option<u32> {
        let &Work { slot: id, epoch, summary, bytes, resolved, .. } = work;
        if self.suspended || self.held_bytes().saturating_add(bytes) > self.config.max_queued_bytes {
            return None;
        }
        let slot = self.slots.get_mut(id.index())?;
        let State::Fetching { position, .. } = &mut slot.state else { return None };
        // `resolveOffset` may have gone anywhere, but messages are handled in order.
        *position = resolved;
        slot.ready += 1;
        let number = self.next_kept;
        self.next_kept = self.next_kept.wrapping_add(1);
        self.kept_bytes += bytes;
        let next = self.ready.iter().position(|delivery| delivery.slot == id).unwrap_or(self.ready.len());
        let buffer = Buffer::Kept { number, bytes };
        self.ready.insert(next, Delivery { slot: id, epoch, buffer, summary });
        Some(number)
    }

    /// What counts for `max_queued_bytes`.
    pub(super) fn held_bytes(&self) -> usize {
        self.queued_bytes + self.kept_bytes
    }

    /// Gives up what is kept for paused partitions; it is fetched again after the pause.
    pub(super) fn shed_kept(&mut self) {
        let kept = self.ready.iter().filter(|delivery| delivery.buffer.kept_bytes() > 0);
        let slots: Vec<SlotId> = kept.map(|delivery| delivery.slot).collect();
        for id in slots {
            let Some(slot) = self.slots.get(id.index()) else { continue };
            if let (true, State::Fetching { position, .. }) = (slot.paused, slot.state) {
                let leader_epoch = slot.epoch_before(position);
                self.rewind(id, position, leader_epoch);
            }
        }
    }

    /// The pause is over before the lane has seen it: it goes on, unless what it has may be somebody else's.
    pub(super) fn unflag_lane(&mut self, id: SlotId) {
        let Some(slot) = self.slots.get(id.index()) else { return };
        let Some(lane) = slot.lane.and_then(|lane| self.lanes.get_mut(lane)) else { return };
        let is_ours = lane.flags & LANE_STALE == 0;
        if is_ours && !self.suspended && lane.work.as_ref().is_some_and(|work| slot.is_current(work.epoch)) {
            lane.flags &= !LANE_STOP;
        }
    }
}
