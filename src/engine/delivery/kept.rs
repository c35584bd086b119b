//! What a pause leaves of a delivery. The lane ends after its message; the rest, which no handler has seen, stays in the slab
//! that JavaScript has, and is handed out from there after the pause: a kept delivery is a ready one like the others, and
//! as void as they are when the epoch of its slot ends.
//!
//! What a handler *has* seen is always returned to the supplier instead: the handler may have written into it.

use super::deliveries::Deliveries;
use super::lanes::Work;
use super::{Buffer, Delivery, SlotId};

impl Deliveries {
    /// The number under which JavaScript keeps the rest of this delivery. None when there is no room for it.
    pub(super) fn keep(&mut self, work: &Work) -> Option<u32> {
        let &Work { slot: id, epoch, summary, bytes, resolved } = work;
        let has_room = self.held_bytes().saturating_add(bytes) <= self.config.max_queued_bytes;
        if self.suspended || self.slots.get(id.index())?.draining || !has_room {
            return None;
        }
        let slot = self.slots.get_mut(id.index())?;
        slot.ready += 1;
        let number = self.next_kept;
        self.next_kept = self.next_kept.wrapping_add(1);
        self.kept_bytes += bytes;
        // Before everything else of its slot. `resolveOffset` may have gone anywhere, but messages are handled in order.
        let next = self.ready.iter().position(|delivery| delivery.slot == id).unwrap_or(self.ready.len());
        let buffer = Buffer::Kept { number, bytes };
        self.ready.insert(next, Delivery { slot: id, epoch, buffer, start: resolved, summary });
        Some(number)
    }

    /// The paused slots for which something is kept. To void them makes room.
    pub fn kept_in_pause(&self) -> Vec<SlotId> {
        let kept = self.ready.iter().filter(|delivery| delivery.buffer.kept_bytes() > 0);
        kept.map(|delivery| delivery.slot).filter(|id| self.is_paused(*id)).collect()
    }
}
