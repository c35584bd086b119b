//! From the queues to the ready deliveries: what is decoded next, and what came of it. The decoding itself belongs to the
//! runtime.

use crate::engine::records::BatchReader;
use crate::engine::records::Estimate;
use crate::engine::records::Fill;
use crate::engine::records::RecordError;
use crate::engine::records::Unreadable;

use super::deliveries::Deliveries;
use super::slot::{Open, Reading};
use super::{Buffer, Delivery, SlotId};

/// Decode what follows of this slot's data into this buffer.
pub struct DecodeJob {
    /// Whose data.
    pub slot: SlotId,
    /// Its epoch when the job was made.
    pub epoch: u32,
    /// The data, positioned.
    pub reader: BatchReader,
    /// How much that will be.
    pub estimate: Estimate,
    /// Where to; a staged buffer has its full length already, or none when there was no memory for it.
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

/// What decoding says of a slot's data.
#[derive(Debug)]
pub enum Verdict {
    /// The epoch of the job is over: its data does not matter any more.
    Void,
    /// It is sound, and a delivery of it is ready.
    Sound,
    /// No delivery came of it: it ends, or its next message needs a larger buffer and will get one.
    Empty,
    /// It cannot be read. What was decoded before stands, everything queued behind is given up.
    Damaged {
        /// The next offset that was not delivered.
        next: i64,
        /// What is wrong.
        error: RecordError,
        /// With what, if one can go on behind it.
        batch: Option<Unreadable>,
    },
}

impl Deliveries {
    /// An empty slab, which JavaScript gave.
    pub fn give(&mut self, slab: u32) {
        self.slabs.give(slab);
        self.may_decode = true;
    }

    /// The next thing to decode that is wanted, if there is something and a place for it.
    pub fn poll_decode(&mut self, is_wanted: impl Fn(&Estimate) -> bool) -> Option<DecodeJob> {
        if !self.may_decode() {
            return None;
        }
        let mut is_left = false;
        let job = self.find_job(|estimate| {
            let is_wanted = is_wanted(estimate);
            is_left |= !is_wanted;
            is_wanted
        });
        self.may_decode = is_left || job.is_some();
        job
    }

    /// May [`Deliveries::poll_decode`] find something?
    pub fn may_decode(&self) -> bool {
        self.may_decode && !self.suspended && self.queued_bytes > 0
    }

    /// May memory of the engine's be filled that is as large as a slab? Not when lanes have something to take, and what is decoded and
    /// not taken yet fills, with what is queued, what may be: with many partitions, each of which would have a delivery ready, that
    /// would be a gigabyte.
    fn may_stage(&self) -> bool {
        let staged: usize = self.ready.iter().map(|delivery| delivery.buffer.staged_bytes()).sum();
        self.held_bytes().saturating_add(staged) < self.config.max_queued_bytes
            || !self.ready.iter().any(|delivery| self.is_takeable(delivery))
    }

    fn find_job(&mut self, mut is_wanted: impl FnMut(&Estimate) -> bool) -> Option<DecodeJob> {
        let may_stage = self.slabs.is_any_free() || self.may_stage();
        self.held_back = !may_stage;
        for step in 0..self.assigned.len() {
            let at = (self.decode_from + step) % self.assigned.len();
            let id = *self.assigned.get(at)?;
            let slot = self.slots.get_mut(id.index())?;
            self.passed_over |= slot.paused;
            if slot.is_held() || slot.ready >= READY_PER_SLOT {
                continue;
            }
            let Some(open) = slot.open() else { continue };
            let may_wait = !slot.is_handled() || !may_stage;
            let estimate = open.reader.estimate();
            let buffer = if is_wanted(&estimate) {
                self.slabs.buffer(open.needs, estimate.bytes, may_wait)
            } else {
                None
            };
            let Some(buffer) = buffer else {
                slot.reading = Reading::Open(open);
                continue;
            };
            let Open { reader, bytes, needs } = open;
            slot.reading = Reading::Decoding { start: reader.next_offset(), bytes, needs };
            self.decode_from = at + 1;
            return Some(DecodeJob { slot: id, epoch: slot.epoch(), reader, estimate, buffer });
        }
        None
    }

    /// A job was carried out. Its delivery joins the ready ones, unless the epoch of its slot is over.
    pub fn decoded(&mut self, decoded: Decoded) -> Verdict {
        let Decoded { slot: id, epoch, reader, buffer, result } = decoded;
        self.may_decode = true;
        let slot = self.slots.get_mut(id.index()).filter(|slot| slot.is_current(epoch));
        let reading = slot.map(|slot| (std::mem::take(&mut slot.reading), slot));
        let Some((Reading::Decoding { start, bytes, needs: asked }, slot)) = reading else {
            self.slabs.release(&buffer);
            return Verdict::Void;
        };
        let next = reader.next_offset();
        let batch = reader.unreadable();
        // Too small although it was made for this message: there was no memory for it.
        let missing = asked.filter(|asked| matches!(&buffer, Buffer::Staged(bytes) if bytes.len() < *asked));
        let result = match (result, missing) {
            (Ok(Fill::TooSmall { .. }), Some(bytes)) => Err(RecordError::NoMemory { offset: next, bytes }),
            (result, _) => result,
        };
        let is_over = reader.is_exhausted() || matches!(result, Ok(Fill::End) | Err(_));
        if is_over {
            self.queued_bytes = self.queued_bytes.saturating_sub(bytes);
        } else {
            let needs = if let Ok(Fill::TooSmall { need }) = result { Some(need) } else { None };
            slot.reading = Reading::Open(Open { reader, bytes, needs });
        }
        match result {
            Ok(Fill::Delivery(summary)) => {
                slot.ready += 1;
                self.slabs.average_size(&summary);
                self.ready.push_back(Delivery { slot: id, epoch, buffer, start, summary });
                Verdict::Sound
            }
            Ok(Fill::TooSmall { .. } | Fill::End) => {
                self.slabs.release(&buffer);
                Verdict::Empty
            }
            Err(error) => {
                let queued = slot.queued_bytes();
                slot.shed();
                self.queued_bytes = self.queued_bytes.saturating_sub(queued);
                self.slabs.release(&buffer);
                Verdict::Damaged { next, error, batch }
            }
        }
    }
}

/// Deliveries of one slot that may wait for a lane: one being handled, one behind it, one being decoded.
const READY_PER_SLOT: usize = 2;
