//! Goes through the batches of one fetched partition, from delivery to delivery.
//!
//! ```text
//!              next batch has records for us
//!   Between ──────────────────────────────────► Inside
//!      ▲ │ ▲                                     │ │
//!      │ └─┘ control, aborted, empty, before     │ │ a record cannot be, or does not decompress
//!      │     the fetch offset: only the position │ ▼
//!      │     moves                               │ Failed ◄── (Between: bad header, bad CRC)
//!      └─────────────────────────────────────────┘
//!              its last record is delivered
//! ```
//! A batch that fails a check gives nothing to the delivery that finds it out. Its header, its checksum and its compression are
//! checked before its first record. Only of a batch that takes several deliveries the first ones may be out by then:
//! they stand, and the position is behind them.

use std::ops::Range;

use bytes::Bytes;

use super::batch::{BATCH_OVERHEAD, Batch, Frame, LeaderEpochs};
use super::codec::{Decompressor, Output};
use super::delivery::{Delivery, Summary};
use super::error::{Codec, RecordError};
use super::layout;
use super::legacy;
use super::record::Current;
use super::tables::Stop;
use super::transactions::TransactionFilter;
use super::unreadable::Unreadable;
use crate::engine::protocol::fetch::AbortedTransaction;

/// What one Fetch response has for one partition.
#[derive(Debug, Clone)]
pub struct FetchedRecords {
    /// Record batches, the last possibly cut.
    pub records: Bytes,
    /// The first offset wanted. The first batch may begin before it.
    pub fetch_offset: i64,
    /// Next offset to be written to the partition.
    pub high_watermark: i64,
    /// What its batches can have.
    pub leader_epochs: LeaderEpochs,
    /// Aborted transactions that overlap the records, in any order; only for READ_COMMITTED.
    pub aborted: Vec<AbortedTransaction>,
    /// READ_COMMITTED: leave out what belongs to aborted transactions.
    pub read_committed: bool,
    /// Check the CRC of every batch.
    pub check_crcs: bool,
}

/// What [`BatchReader::fill`] made of a slab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// The slab holds a delivery. It may hold no message: everything was filtered, but the position moved.
    Delivery(Summary),
    /// Nothing was written: the next record needs a slab of this size.
    TooSmall {
        /// Bytes.
        need: usize,
    },
    /// Nothing is left.
    End,
}

/// What can be said of records that are still to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// About how many bytes of slab they need.
    pub bytes: usize,
    /// Some of them are compressed, or may be: they may need much more.
    pub is_packed: bool,
}

/// A cursor over one [`FetchedRecords`].
#[derive(Debug)]
pub struct BatchReader {
    records: Bytes,
    /// Where in `records` the next batch begins.
    at: usize,
    /// Where the last one begins that was looked at.
    looked_at: usize,
    fetch_offset: i64,
    high_watermark: i64,
    leader_epochs: LeaderEpochs,
    check_crcs: bool,
    /// Batches before the fetch offset were passed over.
    has_passed: bool,
    /// Only for READ_COMMITTED.
    transactions: Option<TransactionFilter>,
    /// Next offset to deliver.
    position: i64,
    state: State,
}

#[derive(Debug)]
enum State {
    Between,
    Inside(OpenBatch),
    /// Every further call says so.
    Failed(RecordError),
}

/// A batch whose records are being delivered.
#[derive(Debug)]
struct OpenBatch {
    batch: Batch,
    body: Body,
    /// Where in the body the next record begins.
    at: usize,
    /// How many records are to come.
    records: usize,
}

#[derive(Debug)]
enum Body {
    /// A range of the fetched bytes.
    Plain(Range<usize>),
    /// The same, compressed.
    Packed(Codec, Range<usize>),
    Unpacked(Output),
}

/// Why a delivery ended.
enum Pause {
    Full,
    TooSmall(usize),
    End,
}

impl BatchReader {
    /// Reads nothing yet.
    pub fn new(fetched: FetchedRecords) -> BatchReader {
        BatchReader {
            records: fetched.records,
            at: 0,
            looked_at: 0,
            fetch_offset: fetched.fetch_offset,
            high_watermark: fetched.high_watermark,
            leader_epochs: fetched.leader_epochs,
            check_crcs: fetched.check_crcs,
            has_passed: false,
            transactions: fetched.read_committed.then(|| TransactionFilter::new(fetched.aborted)),
            position: fetched.fetch_offset,
            state: State::Between,
        }
    }

    /// Fills `slab` with as many messages as fit, at most `max_messages` (0 counts as 1), and goes on where the last
    /// call stopped. See [`layout`] for what it writes.
    ///
    /// An error is kept back until everything before it is delivered, and comes again with every further call.
    pub fn fill(
        &mut self,
        codecs: &mut Decompressor,
        slab: &mut [u8],
        max_messages: usize,
    ) -> Result<Fill, RecordError> {
        if self.is_exhausted() {
            return Ok(Fill::End);
        }
        if slab.len() < layout::HEADER_BYTES {
            return Ok(Fill::TooSmall { need: self.estimate().bytes.max(layout::HEADER_BYTES) });
        }
        let mut tables = std::mem::take(&mut codecs.tables);
        let before = self.position;
        let mut delivery = Delivery::new(slab, &mut tables, max_messages.max(1), before);
        let paused = self.advance(codecs, &mut delivery);
        if paused.is_err() {
            self.position = delivery.undo();
        }
        let filled = if self.position > before || !delivery.is_empty() {
            if let Err(error) = paused {
                self.fail(codecs, error);
            }
            Ok(Fill::Delivery(delivery.finish(self.position, self.high_watermark, self.fetch_offset)))
        } else {
            match paused {
                Ok(Pause::TooSmall(need)) => Ok(Fill::TooSmall { need }),
                Ok(Pause::Full | Pause::End) => Ok(Fill::End),
                Err(error) => {
                    self.fail(codecs, error.clone());
                    Err(error)
                }
            }
        };
        codecs.tables = tables;
        filled
    }

    /// About how many bytes of slab the rest needs, to size the next one. Headers and compression ratios are not
    /// known yet: a guess, mostly too high.
    pub fn estimate(&self) -> Estimate {
        let mut data = 0usize;
        let mut records = 0usize;
        let mut batches = 1usize;
        let mut is_packed = false;
        if let State::Inside(open) = &self.state {
            data = match &open.body {
                Body::Plain(range) => range.len() - open.at,
                Body::Packed(_, range) => range.len().saturating_mul(COMPRESSION_RATIO),
                Body::Unpacked(output) => output.bytes().len() - open.at,
            };
            records = open.records.min(data);
            is_packed = matches!(open.body, Body::Packed(..));
        }
        let mut rest = self.records.get(self.at..).unwrap_or_default();
        for _ in 0..ESTIMATED_BATCHES {
            let Ok(Some(frame)) = Frame::peek(rest) else {
                return Estimate { bytes: total(data, records, batches), is_packed };
            };
            let Some((entry, tail)) = rest.split_at_checked(frame.length) else {
                return Estimate {
                    bytes: total(data.saturating_add(rest.len()), records, batches),
                    is_packed,
                };
            };
            let (count, packed) = match Batch::read(entry, false) {
                Ok(Some(batch)) if frame.magic == 2 => {
                    (batch.record_count, !matches!(batch.codec(), Ok(None)))
                }
                _ => (1, false),
            };
            let bytes = frame.length.saturating_mul(if packed { COMPRESSION_RATIO } else { 1 });
            data = data.saturating_add(bytes);
            records = records.saturating_add(count.min(bytes));
            batches += 1;
            // A message of an old format (magic 0 and 1) counts as compressed, because whether it is stands too deep inside to be read
            // here.
            is_packed |= packed || frame.magic != 2;
            rest = tail;
        }
        let bytes = total(data.saturating_add(rest.len()), records, batches);
        Estimate { bytes, is_packed: is_packed || !rest.is_empty() }
    }

    /// Is there nothing left? A failed reader never is.
    pub fn is_exhausted(&self) -> bool {
        matches!(self.state, State::Between) && self.at >= self.records.len()
    }

    /// The position after everything read so far.
    pub fn next_offset(&self) -> i64 {
        self.position
    }

    /// The batch that this reader has failed at. `None` when it has not, when nobody can say where that batch ends, or when it is not the
    /// batch's fault.
    pub fn unreadable(&self) -> Option<Unreadable> {
        let State::Failed(error) = &self.state else { return None };
        if !error.is_of_batch() {
            return None;
        }
        let records = self.records.slice(self.looked_at.min(self.records.len())..);
        Unreadable::find(&records, self.position, self.high_watermark)
    }

    fn fail(&mut self, codecs: &mut Decompressor, error: RecordError) {
        if let State::Inside(OpenBatch { body: Body::Unpacked(output), .. }) =
            std::mem::replace(&mut self.state, State::Failed(error))
        {
            codecs.recycle(output);
        }
    }

    /// Moves on until the delivery or the batches end.
    fn advance(
        &mut self,
        codecs: &mut Decompressor,
        delivery: &mut Delivery<'_>,
    ) -> Result<Pause, RecordError> {
        loop {
            match &self.state {
                State::Between => {
                    if !self.next_batch(delivery)? {
                        return Ok(Pause::End);
                    }
                }
                State::Inside(_) if !delivery.has_room() => return Ok(Pause::Full),
                State::Inside(_) => {
                    if let Some(pause) = self.deliver(codecs, delivery)? {
                        return Ok(pause);
                    }
                }
                State::Failed(error) => return Err(error.clone()),
            }
        }
    }

    /// Opens the next batch, or passes over it when it has nothing for us. `false`: there is none.
    fn next_batch(&mut self, delivery: &mut Delivery<'_>) -> Result<bool, RecordError> {
        delivery.begin(self.position);
        self.looked_at = self.at;
        let rest = self.records.get(self.at..).unwrap_or_default();
        let Some(frame) = Frame::peek(rest)? else {
            if self.at == 0 && !rest.is_empty() {
                return Err(RecordError::NoCompleteBatch { offset: self.fetch_offset, length: rest.len() });
            }
            self.at = self.records.len();
            return Ok(false);
        };
        let entry = rest.get(..frame.length).unwrap_or_default();
        let (batch, body) = match frame.magic {
            2 => (Batch::read(entry, self.check_crcs)?, BATCH_OVERHEAD..frame.length),
            _ => legacy::read(entry, self.check_crcs)?,
        };
        let Some(mut batch) = batch else {
            let (offset, value) = (frame.base_offset, frame.length as u64);
            return Err(RecordError::InvalidBatch { offset, what: "length", value: value.cast_signed() });
        };
        let codec = batch.codec()?;
        let is_behind = batch.last_offset() < self.fetch_offset;
        self.check_place(&batch, is_behind)?;
        // We would send it back to the broker with later requests.
        batch.leader_epoch = self.leader_epochs.next(batch.leader_epoch);
        delivery.reach(&batch);
        let is_filtered = match &mut self.transactions {
            Some(filter) => filter.skips(&batch, entry.get(body.clone()).unwrap_or_default()),
            None => false,
        };
        self.has_passed |= is_behind;
        let body = self.at + body.start..self.at + body.end;
        self.at += frame.length;
        if batch.record_count == 0 || batch.is_control() || is_filtered || is_behind {
            if batch.record_count > 0 && !is_behind {
                delivery.cover(batch.base_offset.max(self.fetch_offset), batch.last_offset());
            }
            self.pass(&batch);
            return Ok(true);
        }
        let records = batch.record_count;
        let body = match codec {
            Some(codec) => Body::Packed(codec, body),
            None => Body::Plain(body),
        };
        self.state = State::Inside(OpenBatch { batch, body, at: 0, records });
        Ok(true)
    }

    /// Batches follow each other. Compaction leaves gaps, so one that begins too late is found only where it cannot be: far
    /// behind the end of the partition (not just behind it: brokers read the end first, and the records then), or
    /// right after one that has nothing for us. The old formats name their last offset instead.
    fn check_place(&self, batch: &Batch, is_behind: bool) -> Result<(), RecordError> {
        let (position, high_watermark) = (self.position, self.high_watermark);
        let is_overlapping = position > self.fetch_offset && batch.base_offset < position;
        let is_ahead = high_watermark >= 0 && batch.last_offset().saturating_sub(high_watermark) > RACE;
        let is_apart =
            self.has_passed && !is_behind && position == self.fetch_offset && batch.base_offset > position;
        if batch.magic == 2 && (is_overlapping || is_ahead || is_apart) {
            return Err(RecordError::OutOfPlace { offset: batch.base_offset, position, high_watermark });
        }
        Ok(())
    }

    /// Delivers records of the open batch until it ends (`None`) or the delivery does.
    fn deliver(
        &mut self,
        codecs: &mut Decompressor,
        delivery: &mut Delivery<'_>,
    ) -> Result<Option<Pause>, RecordError> {
        let State::Inside(open) = &mut self.state else { return Ok(None) };
        // The batch may have been opened by an earlier delivery; this one has to know of it as well.
        delivery.reach(&open.batch);
        if let Body::Packed(codec, range) = &open.body {
            let packed = self.records.get(range.clone()).unwrap_or_default();
            let output = codecs.decompress(*codec, packed).map_err(|error| RecordError::Decompress {
                offset: open.batch.base_offset,
                codec: *codec,
                error,
            })?;
            open.body = Body::Unpacked(output);
            if open.batch.magic < 2 {
                open.records = legacy::unwrap(&mut open.batch, open.body.bytes(&self.records))?;
            }
        }
        let OpenBatch { batch, body, at, records } = open;
        let bytes = body.bytes(&self.records);
        let rest = bytes.get(*at..).unwrap_or_default();
        let appended = if batch.magic < 2 {
            delivery.append(&legacy::Legacy::new(batch, bytes), batch, rest, *records, self.fetch_offset)
        } else {
            let same_timestamp = batch.is_log_append_time();
            let base_timestamp = if same_timestamp { batch.max_timestamp } else { batch.first_timestamp };
            let format = Current { base_timestamp, same_timestamp };
            delivery.append(&format, batch, rest, *records, self.fetch_offset)
        };
        *at += appended.bytes;
        *records -= appended.records;
        if let Some(next) = appended.next_offset {
            self.position = self.position.max(next);
        }
        let invalid = |what| Err(RecordError::InvalidRecord { offset: batch.base_offset, what });
        match appended.stop {
            Stop::Full => Ok(Some(Pause::Full)),
            Stop::Again => Ok(None),
            Stop::TooSmall(need) if need > codecs.largest_delivery() => {
                invalid("a record that needs too much memory")
            }
            Stop::TooSmall(need) => Ok(Some(Pause::TooSmall(need))),
            Stop::Invalid(what) => invalid(what),
            Stop::BatchEnd if *at < bytes.len() => invalid("more bytes than records"),
            Stop::BatchEnd => {
                if let State::Inside(open) = std::mem::replace(&mut self.state, State::Between) {
                    self.pass(&open.batch);
                    if let Body::Unpacked(output) = open.body {
                        codecs.recycle(output);
                    }
                }
                Ok(None)
            }
        }
    }

    /// The batch is done with. Compaction removes records but keeps the batch's last offset, so the position comes
    /// from there and never from the last record.
    fn pass(&mut self, batch: &Batch) {
        self.position = self.position.max(batch.last_offset() + 1);
    }
}

impl Body {
    fn bytes<'a>(&'a self, records: &'a Bytes) -> &'a [u8] {
        match self {
            Body::Plain(range) => records.get(range.clone()).unwrap_or_default(),
            Body::Packed(..) => &[],
            Body::Unpacked(output) => output.bytes(),
        }
    }
}

fn total(data: usize, records: usize, batches: usize) -> usize {
    (layout::HEADER_BYTES + layout::TABLE_PADDING)
        .saturating_add(data)
        .saturating_add(records.saturating_mul(layout::INDEX_BYTES))
        .saturating_add(batches.saturating_mul(layout::BATCH_BYTES))
}

/// What compressed data is taken to grow to before it is known.
const COMPRESSION_RATIO: usize = 4;
/// More offsets than are written while a broker answers.
const RACE: i64 = 1 << 20;
/// How many batches an estimate looks at; of the rest it counts the bytes.
const ESTIMATED_BATCHES: usize = 1024;
