//! What is buffered and in lanes: the slots, and how much it is.

use std::collections::HashMap;
use std::collections::VecDeque;

use crate::engine::machine::TopicPartition;
use crate::engine::records::FetchedRecords;

use super::lanes::Lane;
use super::pauses::Pauses;
use super::slabs::Slabs;
use super::slot::{Reading, Slot};
use super::{Buffer, Delivery, DeliveryConfig, LANE_STALE, LANE_STOP, SlotId};

/// Buffers and lanes of one consumer. See the module's documentation.
pub struct Deliveries {
    pub(super) config: DeliveryConfig,
    pub(super) slots: Vec<Slot>,
    by_partition: HashMap<TopicPartition, SlotId>,
    pub(super) pauses: Pauses,
    /// The slots that are assigned, in assignment order.
    pub(super) assigned: Vec<SlotId>,
    /// Those that were, until the next assignment: their pauses are told meanwhile.
    former: Vec<SlotId>,
    /// Decoded, oldest first.
    pub(super) ready: VecDeque<Delivery>,
    pub(super) lanes: Vec<Lane>,
    pub(super) slabs: Slabs,
    pub(super) suspended: bool,
    /// Raw bytes of all slots.
    pub(super) queued_bytes: usize,
    /// What JavaScript keeps of deliveries whose lanes were stopped by a pause.
    pub(super) kept_bytes: usize,
    pub(super) next_kept: u32,
    /// Has anything happened since [`Deliveries::poll_decode`] found nothing? Else it will find nothing: with many partitions
    /// a look at each would cost more than all the rest.
    pub(super) may_decode: bool,
    /// Where among `assigned` it looks first: behind the slot that had the last job.
    pub(super) decode_from: usize,
    /// Was a slot not decoded because it was paused?
    pub(super) passed_over: bool,
    /// Is nothing large decoded without a slab, because there is enough to take?
    pub(super) held_back: bool,
}

impl Deliveries {
    /// Without partitions and slabs.
    pub fn new(config: DeliveryConfig) -> Deliveries {
        let mut lanes = Vec::new();
        lanes.resize_with(config.lanes, Lane::default);
        Deliveries {
            config,
            slots: Vec::new(),
            by_partition: HashMap::new(),
            pauses: Pauses::default(),
            assigned: Vec::new(),
            former: Vec::new(),
            ready: VecDeque::new(),
            lanes,
            slabs: Slabs::default(),
            suspended: false,
            queued_bytes: 0,
            kept_bytes: 0,
            next_kept: 0,
            may_decode: true,
            decode_from: 0,
            passed_over: false,
            held_back: false,
        }
    }

    // ---- whose data

    /// A new assignment is in force: deliveries are handed out again, and only the pauses of what is assigned are told.
    pub fn proceed(&mut self) {
        self.suspended = false;
        self.former.clear();
    }

    /// This partition is ours. Returns its slot; None if it was ours already.
    pub fn assign(&mut self, partition: &TopicPartition) -> Option<SlotId> {
        let id = self.intern(partition);
        let paused = self.pauses.contains(partition);
        let slot = self.slots.get_mut(id.index())?;
        if slot.assigned {
            return None;
        }
        slot.assign();
        slot.paused = paused;
        slot.draining = false;
        self.assigned.push(id);
        Some(id)
    }

    /// This slot is not ours any more, what is buffered for it is void. Returns what [`Deliveries::void`] returns.
    #[must_use]
    pub fn unassign(&mut self, id: SlotId) -> Option<u32> {
        // Searched from the end, where a supplier begins that unassigns all of many partitions.
        if let Some(at) = self.assigned.iter().rposition(|assigned| *assigned == id) {
            self.assigned.remove(at);
            self.former.push(id);
            self.decode_from = 0;
        }
        self.slots.get_mut(id.index())?.assigned = false;
        self.void(id)
    }

    /// The assigned slots, in assignment order.
    pub fn assigned(&self) -> &[SlotId] {
        &self.assigned
    }

    /// The slot of this partition, if it is assigned.
    pub fn assigned_slot(&self, partition: &TopicPartition) -> Option<SlotId> {
        let id = *self.by_partition.get(partition)?;
        self.slots.get(id.index())?.assigned.then_some(id)
    }

    /// Is this partition ours?
    pub fn is_assigned(&self, partition: &TopicPartition) -> bool {
        self.assigned_slot(partition).is_some()
    }

    /// The assigned partitions, sorted.
    pub fn assignment(&self) -> Vec<TopicPartition> {
        self.sorted(&self.assigned, |_| true)
    }

    /// The assigned partitions, sorted, without those in which a lane is still at work for an assignment that is over: in between
    /// they may have been another member's, and what the lane has read is handed out again.
    pub fn owned(&self) -> Vec<TopicPartition> {
        self.sorted(&self.assigned, |slot| {
            let work = slot.lane.and_then(|lane| self.lanes.get(lane)?.work.as_ref());
            work.is_none_or(|work| slot.is_of_assignment(work.epoch))
        })
    }

    /// The assigned partitions that are paused, sorted; between two assignments, those of the last one.
    pub fn paused(&self) -> Vec<TopicPartition> {
        let ids = if self.assigned.is_empty() { &self.former } else { &self.assigned };
        self.sorted(ids, |slot| self.pauses.contains(&slot.partition))
    }

    /// Which partition a slot is.
    pub fn partition(&self, id: SlotId) -> Option<&TopicPartition> {
        self.slots.get(id.index()).map(|slot| &slot.partition)
    }

    /// The slot of a partition that is ours, or was.
    pub fn slot_of(&self, partition: &TopicPartition) -> Option<SlotId> {
        self.by_partition.get(partition).copied()
    }

    fn intern(&mut self, partition: &TopicPartition) -> SlotId {
        if let Some(id) = self.by_partition.get(partition) {
            return *id;
        }
        let id = SlotId(u32::try_from(self.slots.len()).unwrap_or(u32::MAX));
        self.slots.push(Slot::new(partition.clone()));
        self.by_partition.insert(partition.clone(), id);
        id
    }

    fn sorted(&self, ids: &[SlotId], keep: impl Fn(&Slot) -> bool) -> Vec<TopicPartition> {
        let slots = ids.iter().filter_map(|id| self.slots.get(id.index()));
        let mut partitions: Vec<_> = slots.filter(|s| keep(s)).map(|s| s.partition.clone()).collect();
        partitions.sort();
        partitions
    }

    // ---- what the supplier brings

    /// Records of this slot. They are delivered behind what was pushed before.
    pub fn push(&mut self, id: SlotId, fetched: FetchedRecords) {
        let Some(slot) = self.slots.get_mut(id.index()) else { return };
        self.queued_bytes += fetched.records.len();
        self.may_decode = true;
        slot.queue.push_back(fetched);
    }

    /// Should the supplier ask for more of this slot? Not when it is paused or about to go, nor when enough of it
    /// is queued.
    pub fn wants(&self, id: SlotId) -> bool {
        self.slots.get(id.index()).is_some_and(|slot| !slot.is_held() && slot.has_room())
    }

    /// Has everything that was pushed for this slot been handled?
    pub fn is_drained(&self, id: SlotId) -> bool {
        self.slots.get(id.index()).is_some_and(Slot::is_drained)
    }

    /// Has everything that was decoded for this slot been handled?
    pub fn is_handled(&self, id: SlotId) -> bool {
        self.slots.get(id.index()).is_some_and(Slot::is_handled)
    }

    /// Is there something that no lane has taken yet?
    pub fn has_waiting(&self, id: SlotId) -> bool {
        self.slots.get(id.index()).is_some_and(|slot| slot.ready > 0 || !slot.has_read_all())
    }

    /// Is as much buffered as may be?
    pub fn is_full(&self) -> bool {
        self.held_bytes() >= self.config.max_queued_bytes
    }

    /// Does a pause make room: for the supplier to ask for more, or to decode more?
    pub fn is_crowded(&self) -> bool {
        self.is_full() || self.held_back
    }

    /// What counts for `max_queued_bytes`.
    pub(crate) fn held_bytes(&self) -> usize {
        self.queued_bytes + self.kept_bytes
    }

    /// Bytes that a slab should have, so that one delivery fills it.
    pub fn slab_size(&self) -> usize {
        self.slabs.size()
    }

    // ---- what is given up

    /// Ends the epoch of this slot: everything of it that is buffered or in a lane is void. Returns the number under which
    /// JavaScript has kept some of it, which it may let go.
    #[must_use]
    pub fn void(&mut self, id: SlotId) -> Option<u32> {
        let slot = self.slots.get_mut(id.index())?;
        self.queued_bytes = self.queued_bytes.saturating_sub(slot.void());
        self.may_decode = true;
        self.flag_lane(id, LANE_STOP | LANE_STALE);
        self.drop_ready(id)
    }

    /// Gives up what is buffered of this slot behind what a lane has, whose epoch goes on. `false`: nothing is given up, because some of it is
    /// being decoded, or kept.
    pub fn give_up_buffered(&mut self, id: SlotId) -> bool {
        let Some(slot) = self.slots.get_mut(id.index()) else { return false };
        let is_kept = |delivery: &Delivery| matches!(delivery.buffer, Buffer::Kept { .. });
        let is_being_decoded = matches!(slot.reading, Reading::Decoding { .. });
        if is_being_decoded || self.ready.iter().any(|delivery| delivery.slot == id && is_kept(delivery)) {
            return false;
        }
        self.queued_bytes = self.queued_bytes.saturating_sub(slot.queued_bytes());
        slot.shed();
        slot.ready = 0;
        self.may_decode = true;
        self.drop_ready(id);
        true
    }

    /// Nobody will take what is decoded of this slot. Returns the number under which JavaScript has kept some of it.
    fn drop_ready(&mut self, id: SlotId) -> Option<u32> {
        let mut dropped = None;
        self.ready.retain(|delivery| {
            let is_void = delivery.slot == id;
            match delivery.buffer {
                // A slot has one at most. It is no slab to be filled again: handlers may hold what they have seen of it.
                Buffer::Kept { number, bytes } if is_void => {
                    self.kept_bytes -= bytes;
                    dropped = Some(number);
                }
                ref buffer if is_void => self.slabs.release(buffer),
                _ => {}
            }
            !is_void
        });
        dropped
    }

    /// Gives up what is queued for paused slots, so that others have room. Returns from which offset on the supplier has to
    /// push it again; what it is about to push lies behind that.
    pub fn shed_paused(&mut self) -> Vec<(SlotId, i64)> {
        let mut given_up = Vec::new();
        for id in &self.assigned {
            let Some(slot) = self.slots.get_mut(id.index()).filter(|slot| slot.paused) else { continue };
            let before = slot.queued_bytes();
            given_up.extend(slot.shed().map(|from| (*id, from)));
            self.queued_bytes = self.queued_bytes.saturating_sub(before - slot.queued_bytes());
        }
        given_up
    }
}
