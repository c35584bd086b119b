//! From raw bytes to a lane: decode jobs, deliveries, lanes. All decisions about who may be decoded and delivered
//! next; the decoding itself and the slabs' memory belong to the runtime.

use std::time::Duration;
use std::time::Instant;

use crate::engine::records::BatchReader;
use crate::engine::records::Fill;
use crate::engine::records::RecordError;
use crate::engine::records::Summary;

use super::machine::Fetch;
use super::slot::State;
use super::truncation::UNKNOWN_EPOCH;
use super::{LANE_CLOSING, LANE_STALE, LANE_STOP, SlotId};

/// Where decoded messages lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Buffer {
    /// In the slab with this number, which JavaScript gave.
    Slab(u32),
    /// In engine memory, copied out at `take`: small deliveries would waste a slab, huge ones do not fit one.
    Staged(Vec<u8>),
    /// Where JavaScript has kept it under this number: the rest of a delivery that a lane has let go of.
    Kept {
        /// From [`Fetch::finish`].
        number: u32,
        /// How many bytes that holds.
        bytes: usize,
    },
}

/// Decode what follows of this slot's data into this buffer.
pub struct DecodeJob {
    /// Whose data.
    pub slot: SlotId,
    /// Its epoch when the job was made.
    pub epoch: u32,
    /// The data, positioned.
    pub reader: BatchReader,
    /// Where to; a staged buffer has its full length already.
    pub buffer: Buffer,
}

/// A [`DecodeJob`] that was carried out.
pub struct Decoded {
    /// From the job.
    pub slot: SlotId,
    /// From the job.
    pub epoch: u32,
    /// From the job, advanced.
    pub reader: BatchReader,
    /// From the job, filled.
    pub buffer: Buffer,
    /// What came of it.
    pub result: Result<Fill, RecordError>,
}

/// Decoded messages of one partition, ready for a lane.
#[derive(Debug)]
pub struct Delivery {
    /// Whose messages.
    pub slot: SlotId,
    /// The slot's epoch.
    pub epoch: u32,
    /// Where they lie.
    pub buffer: Buffer,
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

/// A lane at work.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) slot: SlotId,
    pub(super) epoch: u32,
    pub(super) base_offset: i64,
    pub(super) next_offset: i64,
    pub(super) resolved: i64,
    pub(super) leader_epoch: Option<i32>,
    pub(super) summary: Summary,
    /// Bytes that JavaScript holds for it.
    pub(super) bytes: usize,
}

#[derive(Debug, Default)]
pub(super) struct Lane {
    pub(super) work: Option<Work>,
    pub(super) flags: i32,
}

/// At or below this many bytes a delivery is staged instead of taking a slab of up to a megabyte.
const SMALL: usize = 16 * 1024;
/// Deliveries of one slot that may wait for a lane: one being handled, one behind it, one being decoded.
const READY_PER_SLOT: usize = 2;
/// A slab is not worth starting when it is smaller than this.
const SMALLEST_STAGE: usize = 4 * 1024;

impl Fetch {
    /// An empty slab of `len` bytes, which JavaScript gave.
    pub fn give(&mut self, slab: u32) {
        self.free_slabs.push(slab);
        self.may_decode = true;
    }

    /// The next thing to decode, if there is something and a place for it.
    pub fn poll_decode(&mut self) -> Option<DecodeJob> {
        if !self.may_decode() {
            return None;
        }
        let job = self.find_job();
        self.may_decode = job.is_some();
        job
    }

    /// May [`Fetch::poll_decode`] find something?
    pub fn may_decode(&self) -> bool {
        self.may_decode && !self.suspended
    }

    fn find_job(&mut self) -> Option<DecodeJob> {
        for step in 0..self.assigned.len() {
            let at = (self.decode_cursor + step) % self.assigned.len();
            let id = *self.assigned.get(at)?;
            let has_slab = !self.free_slabs.is_empty();
            let slab_size = self.slab_size;
            let slot = self.slots.get_mut(id.index())?;
            self.passed_over |= slot.paused;
            if slot.decoding || slot.paused || slot.poison.is_some() || slot.ready >= READY_PER_SLOT {
                continue;
            }
            let reader = slot.reader.take().or_else(|| {
                let fetched = slot.queue.pop_front()?;
                slot.reading = fetched.records.len();
                Some(BatchReader::new(fetched))
            });
            let Some(reader) = reader else { continue };
            let estimate = reader.estimate();
            let buffer = match slot.needs {
                Some(need) => Buffer::Staged(vec![0; need]),
                None if estimate <= SMALL => Buffer::Staged(vec![0; estimate.max(SMALLEST_STAGE)]),
                None if has_slab => match self.free_slabs.pop() {
                    Some(slab) => Buffer::Slab(slab),
                    None => continue,
                },
                // Other partitions have all slabs, perhaps for long: that must not stop this one.
                None if slot.is_handled() => Buffer::Staged(vec![0; estimate.min(slab_size)]),
                None => {
                    slot.reader = Some(reader);
                    continue;
                }
            };
            slot.decoding = true;
            self.decode_cursor = at + 1;
            return Some(DecodeJob { slot: id, epoch: slot.epoch, reader, buffer });
        }
        None
    }

    /// A job was carried out. Its delivery joins the ready ones, unless the slot has moved on meanwhile.
    pub fn decoded(&mut self, now: Instant, decoded: Decoded) {
        let Decoded { slot: id, epoch, reader, buffer, result } = decoded;
        let Some(slot) = self.slots.get_mut(id.index()) else { return };
        self.may_ask = true;
        self.may_decode = true;
        if !slot.is_current(epoch) {
            self.free(buffer);
            return;
        }
        slot.decoding = false;
        slot.needs = None;
        let next_offset = reader.next_offset();
        if reader.is_exhausted() || matches!(result, Ok(Fill::End) | Err(_)) {
            self.queued_bytes = self.queued_bytes.saturating_sub(std::mem::take(&mut slot.reading));
        } else {
            slot.reader = Some(reader);
        }
        match result {
            Ok(Fill::Delivery(summary)) => {
                slot.ready += 1;
                if slot.damaged {
                    slot.recover();
                }
                self.average_size(&summary);
                self.ready.push_back(Delivery { slot: id, epoch, buffer, summary });
                return;
            }
            Ok(Fill::TooSmall { need }) => slot.needs = Some(need),
            Ok(Fill::End) => {}
            Err(error) => self.damaged(now, id, next_offset, &error),
        }
        self.free(buffer);
        self.report_dead_end(id);
    }

    /// Is there a delivery that an idle lane could take?
    pub fn has_ready(&self) -> bool {
        !self.suspended && self.ready.iter().any(|delivery| self.is_takeable(delivery))
    }

    /// The next delivery for this idle lane. Its slot belongs to the lane until [`Fetch::finish`].
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
        let (base_offset, next_offset) = (delivery.summary.base_offset, delivery.summary.next_offset);
        let mut start = base_offset;
        if let State::Fetching { position, .. } = &mut slot.state {
            start = *position;
            *position = next_offset;
        }
        let bytes = match &delivery.buffer {
            Buffer::Slab(_) => self.slab_size.max(delivery.summary.used),
            Buffer::Staged(bytes) => bytes.len(),
            Buffer::Kept { bytes, .. } => *bytes,
        };
        self.kept_bytes -= delivery.buffer.kept_bytes();
        let lane = self.lanes.get_mut(lane)?;
        lane.flags = 0;
        lane.work = Some(Work {
            slot: delivery.slot,
            epoch: delivery.epoch,
            base_offset,
            next_offset,
            resolved: start,
            leader_epoch: delivery.summary.leader_epoch,
            summary: delivery.summary,
            bytes,
        });
        Some(delivery)
    }

    /// What a busy lane's cell says: `delta` is the next offset to read, relative to the delivery's base offset.
    /// Returns the slot and the offset when that is news about a slot that is still ours.
    pub fn progress(&mut self, lane: usize, delta: i32) -> Option<(SlotId, i64)> {
        let work = self.lanes.get(lane)?.work.as_ref()?;
        let next = work.base_offset.saturating_add(i64::from(delta));
        self.resolve(lane, next)
    }

    /// As [`Fetch::progress`], for offsets that a delta cannot reach.
    pub fn resolve(&mut self, lane: usize, next: i64) -> Option<(SlotId, i64)> {
        let work = self.lanes.get_mut(lane)?.work.as_mut()?;
        if work.resolved == next {
            return None;
        }
        work.resolved = next;
        let (id, epoch) = (work.slot, work.epoch);
        self.slots.get(id.index())?.is_current(epoch).then_some((id, next))
    }

    /// The leader epoch of the record before `next` in this lane's delivery (KIP-320), if it is known.
    pub fn leader_epoch(&self, lane: usize, next: i64) -> Option<i32> {
        let work = self.lanes.get(lane)?.work.as_ref()?;
        work.leader_epoch.filter(|_| work.base_offset < next && next <= work.next_offset)
    }

    /// The lane is idle again. Call [`Fetch::progress`] first. Returns the number under which the rest of the delivery is to be
    /// kept, if it is.
    pub fn finish(&mut self, now: Instant, lane: usize, outcome: Outcome) -> Option<u32> {
        let lane = self.lanes.get_mut(lane)?;
        let work = lane.work.take()?;
        lane.flags = 0;
        let slot = self.slots.get_mut(work.slot.index())?;
        slot.lane = None;
        self.may_decode = true;
        let comes_again = matches!(outcome, Outcome::Again(_)) || work.resolved != work.next_offset;
        if slot.is_current(work.epoch) && comes_again {
            if outcome == Outcome::Stopped
                && let Some(kept) = self.keep(&work)
            {
                return Some(kept);
            }
            let muted_until = match outcome {
                Outcome::Again(wait) if !wait.is_zero() => Some(now + wait),
                _ => None,
            };
            self.take_back(work.slot, work.resolved, work.next_offset, muted_until);
        }
        self.report_dead_end(work.slot);
        None
    }

    /// Resolves what a lane has returned unresolved: a handler's work may outlast the handler. Only forwards, and only as
    /// long as nothing else has happened to the slot. Is that so?
    pub fn resolve_returned(&mut self, id: SlotId, next: i64) -> bool {
        let Some(slot) = self.slots.get(id.index()) else { return false };
        let (Some((epoch, end)), State::Fetching { position, .. }) = (slot.returned, slot.state) else {
            return false;
        };
        if !slot.is_current(epoch) || slot.lane.is_some() || next <= position || next > end {
            return false;
        }
        let muted_until = slot.muted_until;
        self.take_back(id, next, end, muted_until);
        true
    }

    /// Delivery goes on at `offset`, not before `muted_until`; what lies between that and `end` was handed out already.
    fn take_back(&mut self, id: SlotId, offset: i64, end: i64, muted_until: Option<Instant>) {
        let Some(slot) = self.slots.get(id.index()) else { return };
        let leader_epoch = slot.epoch_before(offset);
        self.rewind(id, offset, leader_epoch);
        if let Some(slot) = self.slots.get_mut(id.index()) {
            slot.returned = Some((slot.epoch, end));
            slot.muted_until = muted_until;
        }
    }

    /// Is no lane at work?
    pub fn lanes_idle(&self) -> bool {
        self.lanes.iter().all(|lane| lane.work.is_none())
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

    /// Tells busy lanes that what they have may be somebody else's by now: to go on would be to do it twice.
    pub fn interrupt(&mut self) {
        self.flag_busy(LANE_STOP | LANE_STALE);
    }

    fn flag_busy(&mut self, flags: i32) {
        for lane in self.lanes.iter_mut().filter(|lane| lane.work.is_some()) {
            lane.flags |= flags;
        }
    }

    /// Bytes that a slab should have, so that one delivery fills it.
    pub fn slab_size(&self) -> usize {
        self.slab_size
    }

    /// Flags the lane that handles `id`, if one does.
    pub(super) fn flag_lane(&mut self, id: SlotId, flags: i32) {
        let lane = self.slots.get(id.index()).and_then(|slot| slot.lane);
        if let Some(lane) = lane.and_then(|lane| self.lanes.get_mut(lane)) {
            lane.flags |= flags;
        }
    }

    /// Everything of this slot that is buffered is void; delivery goes on at `offset`.
    pub(super) fn rewind(&mut self, id: SlotId, offset: i64, leader_epoch: i32) {
        self.restate(id, State::Fetching { position: offset, fetch_offset: offset });
        if let Some(slot) = self.slots.get_mut(id.index()) {
            slot.leader_epoch = leader_epoch.max(UNKNOWN_EPOCH);
        }
    }

    /// Moves the slot to another state and gives back what the old one held.
    pub(super) fn restate(&mut self, id: SlotId, state: State) {
        let Some(slot) = self.slots.get_mut(id.index()) else { return };
        self.queued_bytes = self.queued_bytes.saturating_sub(slot.transition(state));
        self.stir();
        self.flag_lane(id, LANE_STOP | LANE_STALE);
        let mut kept = std::mem::take(&mut self.ready);
        kept.retain_mut(|delivery| {
            let stale = delivery.slot == id;
            match delivery.buffer {
                Buffer::Slab(slab) if stale => self.free_slabs.push(slab),
                // Not ours to fill again: handlers may hold what they have seen of it.
                Buffer::Kept { number, bytes } if stale => {
                    self.kept_bytes -= bytes;
                    self.events.push_back(super::Event::Dropped(number));
                }
                _ => {}
            }
            !stale
        });
        self.ready = kept;
    }

    fn is_takeable(&self, delivery: &Delivery) -> bool {
        self.slots.get(delivery.slot.index()).is_some_and(|slot| slot.lane.is_none() && !slot.paused)
    }

    fn free(&mut self, buffer: Buffer) {
        if let Buffer::Slab(slab) = buffer {
            self.free_slabs.push(slab);
        }
    }

    /// Unreadable data, or the end of the log's range, matter only once everything before them has been handled.
    pub(super) fn report_dead_end(&mut self, id: SlotId) {
        let Some(slot) = self.slots.get_mut(id.index()) else { return };
        if slot.is_handled()
            && let Some(failure) = slot.poison.take()
        {
            // As with a refusal: told once, and not asked for again.
            self.events.push_back(super::Event::Failed(failure));
            self.restate(id, State::Awaiting);
        } else if slot.out_of_range && slot.is_drained() {
            self.events.push_back(super::Event::OutOfRange(slot.partition.clone()));
            self.restate(id, State::Awaiting);
        }
    }

    /// Small messages: 256 KiB hold some 2000 of them, the most that one delivery should have (more would outlive
    /// V8's young generation). Large ones: up to a megabyte.
    fn average_size(&mut self, summary: &Summary) {
        let messages = usize::try_from(summary.messages).unwrap_or(usize::MAX);
        if let Some(average) = summary.used.checked_div(messages) {
            let smoothed = (self.average_message * 7 + average) / 8;
            self.average_message = smoothed.max(1);
            let wanted = self.average_message.saturating_mul(MAX_MESSAGES).next_multiple_of(SLAB_STEP);
            self.slab_size = wanted.clamp(SMALLEST_SLAB, LARGEST_SLAB);
        }
    }
}

/// Messages in one delivery, at most.
pub const MAX_MESSAGES: usize = 2000;
const SLAB_STEP: usize = 64 * 1024;
const SMALLEST_SLAB: usize = 128 * 1024;
const LARGEST_SLAB: usize = 1024 * 1024;
