//! What holds after every step, whichever the supplier.

use std::collections::BTreeSet;

use crate::engine::delivery::Buffer;
use crate::engine::delivery::DecodeJob;
use crate::engine::delivery::Deliveries;
use crate::engine::delivery::SlotId;
use crate::engine::records::FetchedRecords;

impl Deliveries {
    /// `slabs` were given and not taken, `kept` is what JavaScript keeps, `job` is under way.
    pub(crate) fn check<'a>(
        &self,
        job: Option<&DecodeJob>,
        slabs: impl Iterator<Item = &'a u32>,
        kept: impl Iterator<Item = &'a u32>,
    ) {
        let queued: usize = self.slots.iter().map(|slot| slot.queued_bytes()).sum();
        assert_eq!(queued, self.queued_bytes);
        // Every slab is in one place.
        let mut found = BTreeSet::new();
        let ready = self.ready.iter().map(|delivery| &delivery.buffer);
        let filled = ready.chain(job.map(|job| &job.buffer)).filter_map(|buffer| match buffer {
            Buffer::Slab(slab) => Some(*slab),
            Buffer::Staged(_) | Buffer::Kept { .. } => None,
        });
        for slab in self.slabs.free.iter().copied().chain(filled) {
            assert!(found.insert(slab), "slab {slab} is in two places");
        }
        assert_eq!(found, slabs.copied().collect());
        // What JavaScript keeps is what waits here.
        let waits = self.ready.iter().filter_map(|delivery| match delivery.buffer {
            Buffer::Kept { number, bytes } => Some((number, bytes)),
            _ => None,
        });
        let numbers: BTreeSet<u32> = waits.clone().map(|(number, _)| number).collect();
        assert_eq!(numbers, kept.copied().collect());
        assert_eq!(waits.map(|(_, bytes)| bytes).sum::<usize>(), self.kept_bytes);
        // Slots know what they have.
        for (id, slot) in self.slots.iter().enumerate() {
            let ready = self.ready.iter().filter(|delivery| delivery.slot.index() == id);
            assert!(ready.clone().all(|delivery| slot.is_current(delivery.epoch)), "a stale delivery");
            assert_eq!(ready.count(), slot.ready);
        }
    }

    pub(crate) fn queued_bytes(&self) -> usize {
        self.queued_bytes
    }

    /// The raw answers of a slot that no reader has begun.
    pub(crate) fn queued(&self, id: SlotId) -> impl ExactSizeIterator<Item = &FetchedRecords> {
        self.slots[id.index()].queue.iter()
    }

    pub(crate) fn ready_slabs(&self) -> usize {
        self.ready.iter().filter(|delivery| matches!(delivery.buffer, Buffer::Slab(_))).count()
    }

    /// Of the engine's memory, in deliveries that no lane has taken.
    pub(crate) fn staged_bytes(&self) -> usize {
        self.ready.iter().map(|delivery| delivery.buffer.staged_bytes()).sum()
    }
}
