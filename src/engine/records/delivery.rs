//! Fills one slab: record bytes first, then the tables that were collected meanwhile.

use std::cmp::Ordering;

use super::batch::Batch;
use super::layout::{self, int, words, write_rows};
use super::names::NameTable;
use super::record::{self, Format, Record};
use super::varint::Cursor;

/// One finished delivery. The slab's header says the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// What the offset deltas of the index add to: the first message's offset (or `first_offset` without messages).
    pub base_offset: i64,
    /// kafkajs's `batch.firstOffset()`: the first offset that this delivery covers, counted before the
    /// transaction and control filters.
    pub first_offset: i64,
    /// kafkajs's `batch.lastOffset()`: the last such offset.
    pub last_offset: i64,
    /// Where the next delivery goes on.
    pub next_offset: i64,
    /// How many messages.
    pub messages: u32,
    /// Bytes of the slab in use, tables included.
    pub used: usize,
    /// Bytes of the records themselves.
    pub bytes: usize,
    /// Leader epoch of the last batch that was looked at, -1 when unknown (KIP-320).
    pub leader_epoch: i32,
}

/// The tables of a delivery while it grows; kept for the next one. Their final place depends on how much data
/// comes before them, so they are copied behind it at the end.
#[derive(Debug, Default)]
pub(super) struct Tables {
    batches: Vec<[i32; 16]>,
    index: Vec<[i32; 8]>,
    headers: Vec<[i32; 3]>,
    names: NameTable,
}

/// A slab being filled.
#[derive(Debug)]
pub(super) struct Delivery<'a> {
    slab: &'a mut [u8],
    tables: &'a mut Tables,
    max_messages: usize,
    /// Where the record bytes end.
    data_end: usize,
    /// Bytes that neither data nor tables need yet.
    left: usize,
    base_offset: i64,
    base_timestamp: i64,
    /// First and last offset that it covers.
    covered: Option<(i64, i64)>,
    leader_epoch: i32,
}

/// How far [`Delivery::append`] came.
#[derive(Debug, Default)]
pub(super) struct Appended {
    /// Bytes of the body that are done with.
    pub(super) bytes: usize,
    /// Records that are done with.
    pub(super) records: usize,
    /// The offset after the records that were taken over, if there were any.
    pub(super) next_offset: Option<i64>,
    pub(super) stop: Stop,
}

/// Why it went no further.
#[derive(Debug, PartialEq, Eq, Default)]
pub(super) enum Stop {
    /// All records are done with.
    #[default]
    BatchEnd,
    /// The delivery takes no more.
    Full,
    /// The next record needs an empty slab of so many bytes.
    TooSmall(usize),
    /// The next record cannot be.
    Invalid(&'static str),
}

impl<'a> Delivery<'a> {
    /// `slab` must hold the header at least; `max_messages` must not be 0.
    pub(super) fn new(slab: &'a mut [u8], tables: &'a mut Tables, max_messages: usize) -> Delivery<'a> {
        let length = slab.len().min(MAX_SLAB);
        let slab = slab.split_at_mut(length).0;
        tables.batches.clear();
        tables.index.clear();
        tables.headers.clear();
        tables.names.clear();
        Delivery {
            left: slab.len().saturating_sub(layout::HEADER_BYTES + layout::TABLE_PADDING),
            slab,
            tables,
            max_messages,
            data_end: layout::HEADER_BYTES,
            base_offset: 0,
            base_timestamp: 0,
            covered: None,
            leader_epoch: -1,
        }
    }

    /// Worth opening a batch? An empty delivery always is: if not even one record fits, that is to be found out.
    pub(super) fn has_room(&self) -> bool {
        let messages = self.tables.index.len();
        messages == 0
            || messages < self.max_messages
                && self.left >= layout::BATCH_BYTES + layout::INDEX_BYTES + MIN_RECORD
    }

    /// Notes that a batch was reached, whatever comes of it.
    pub(super) fn reach(&mut self, batch: &Batch) {
        self.leader_epoch = batch.leader_epoch;
    }

    /// Notes that offsets were passed.
    pub(super) fn cover(&mut self, first: i64, last: i64) {
        let (earliest, latest) = self.covered.unwrap_or((first, last));
        self.covered = Some((earliest.min(first), latest.max(last)));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tables.index.is_empty()
    }

    /// Takes over as many of the next `count` records in `body` as fit, without those before offset `from`.
    pub(super) fn append<F: Format>(
        &mut self,
        format: &F,
        batch: &Batch,
        body: &[u8],
        count: usize,
        from: i64,
    ) -> Appended {
        let skipped = match skip(format, batch, body, count, from) {
            Ok(skipped) => skipped,
            Err(what) => return Appended { stop: Stop::Invalid(what), ..Appended::default() },
        };
        let body = body.get(skipped.bytes..).unwrap_or_default();
        let count = count - skipped.records;
        if count == 0 {
            return skipped;
        }
        if self.is_empty() {
            match format.read(body, 0) {
                Ok(Some(first)) => {
                    self.base_offset = batch.base_offset.wrapping_add(first.offset_delta);
                    // timestamps wrap around, as they do in Java
                    self.base_timestamp = format.base_timestamp().wrapping_add(first.timestamp_delta);
                }
                Ok(None) => return Appended { stop: Stop::Invalid(FEWER_RECORDS), ..skipped },
                Err(what) => return Appended { stop: Stop::Invalid(what), ..skipped },
            }
        }

        // Copied first and parsed there: the copy is cache-warm, and the names table can point into the slab.
        // What is copied but does not fit in the end is overwritten by the tables.
        let left = self.left.saturating_sub(layout::BATCH_BYTES);
        let end = self.data_end + body.len().min(left);
        if let (Some(to), Some(from)) =
            (self.slab.get_mut(self.data_end..end), body.get(..end - self.data_end))
        {
            to.copy_from_slice(from);
        }
        let first_message = self.tables.index.len();
        let run = self.tables.index_records(
            format,
            batch,
            self.slab.get(..end).unwrap_or_default(),
            Run {
                at: self.data_end,
                left,
                count,
                from,
                max_messages: self.max_messages,
                is_cut: end - self.data_end < body.len(),
                offset_shift: batch.base_offset.wrapping_sub(self.base_offset),
                timestamp_shift: format.base_timestamp().wrapping_sub(self.base_timestamp),
            },
        );

        let bytes = run.at - self.data_end;
        let messages = self.tables.index.len() - first_message;
        let mut appended = Appended {
            bytes: skipped.bytes + bytes,
            records: skipped.records + run.records,
            next_offset: None,
            stop: run.stop,
        };
        if messages > 0 {
            self.left = run.left;
            self.data_end = run.at;
            self.tables.batches.push(batch_row(batch, first_message, messages));
            self.cover(run.first_offset, run.last_offset);
            appended.next_offset = Some(run.last_offset + 1);
        }
        if appended.stop == Stop::Full && self.is_empty() {
            appended.stop = too_small(format, body.get(bytes..).unwrap_or_default());
        }
        appended
    }

    /// Writes the tables and the header.
    pub(super) fn finish(self, next_offset: i64, high_watermark: i64, fetch_offset: i64) -> Summary {
        let Delivery { slab, tables, data_end, .. } = self;
        let messages = tables.index.len();
        let (first_offset, last_offset) = self.covered.unwrap_or((next_offset - 1, next_offset - 1));
        let base_offset = if messages == 0 { first_offset } else { self.base_offset };

        let batches_at = layout::tables_at(data_end);
        let index_at = write_rows(slab, batches_at, &tables.batches);
        let headers_at = write_rows(slab, index_at, &tables.index);
        let names_at = write_rows(slab, headers_at, &tables.headers);
        let used = write_rows(slab, names_at, tables.names.rows());

        let counts = [
            (layout::MESSAGE_COUNT_AT, messages),
            (layout::INDEX_AT, index_at),
            (layout::HEADER_TABLE_AT, headers_at),
            (layout::HEADER_COUNT_AT, tables.headers.len()),
            (layout::NAMES_AT, names_at),
            (layout::NAME_COUNT_AT, tables.names.len()),
            (layout::BATCH_TABLE_AT, batches_at),
            (layout::BATCH_COUNT_AT, tables.batches.len()),
        ];
        for (at, value) in counts {
            write_rows(slab, at, &[[int(value)]]);
        }
        let offsets = [
            (layout::BASE_OFFSET_AT, base_offset),
            (layout::BASE_TIMESTAMP_AT, self.base_timestamp),
            (layout::FIRST_OFFSET_AT, first_offset),
            (layout::LAST_OFFSET_AT, last_offset),
            (layout::NEXT_OFFSET_AT, next_offset),
            (layout::HIGH_WATERMARK_AT, high_watermark),
            (layout::FETCH_OFFSET_AT, fetch_offset),
        ];
        for (at, value) in offsets {
            write_rows(slab, at, &[words(value)]);
        }
        Summary {
            base_offset,
            first_offset,
            last_offset,
            next_offset,
            messages: int(messages).unsigned_abs(),
            used,
            bytes: data_end - layout::HEADER_BYTES,
            leader_epoch: self.leader_epoch,
        }
    }
}

/// A run of records of one batch, as [`Tables::index_records`] begins it.
struct Run {
    /// Where in the slab the records are.
    at: usize,
    /// Bytes for data and tables together.
    left: usize,
    /// How many records there are.
    count: usize,
    /// The first offset wanted.
    from: i64,
    max_messages: usize,
    /// The slab had no room for the rest of the bytes.
    is_cut: bool,
    /// From deltas of the batch to deltas of the delivery.
    offset_shift: i64,
    timestamp_shift: i64,
}

/// And as it ends it.
struct Ran {
    at: usize,
    left: usize,
    records: usize,
    /// The lowest and the highest offset taken, if any was.
    first_offset: i64,
    last_offset: i64,
    stop: Stop,
}

impl Tables {
    /// The inner loop: records of `slab` from `run.at` on, into the index.
    fn index_records<F: Format>(&mut self, format: &F, batch: &Batch, slab: &[u8], run: Run) -> Ran {
        let likely = run.left / (layout::INDEX_BYTES + MIN_RECORD);
        self.index.reserve(run.count.min(run.max_messages).min(likely));
        let last_offset_delta = i64::from(batch.last_offset_delta);
        let Run { mut at, mut left, .. } = run;
        let mut records = 0;
        let mut first_offset = i64::MAX;
        let mut last_offset = i64::MIN;
        let stop = loop {
            if records == run.count {
                break Stop::BatchEnd;
            }
            let record = match format.read(slab, at) {
                Ok(Some(record)) => record,
                Ok(None) if run.is_cut => break Stop::Full,
                Ok(None) => break Stop::Invalid(FEWER_RECORDS),
                Err(what) => break Stop::Invalid(what),
            };
            if record.offset_delta < 0 || record.offset_delta > last_offset_delta {
                break Stop::Invalid(BAD_OFFSET);
            }
            let offset = batch.base_offset + record.offset_delta;
            let bytes = record.end - at;
            if offset < run.from {
                // out of order, or else it would have been skipped before
                let Some(after) = left.checked_sub(bytes) else { break Stop::Full };
                (left, at, records) = (after, record.end, records + 1);
                continue;
            }
            let mut cost = bytes + layout::INDEX_BYTES;
            if cost > left || self.index.len() >= run.max_messages {
                break Stop::Full;
            }
            let (Ok(offset_delta), Ok(timestamp_delta)) = (
                i32::try_from(run.offset_shift.wrapping_add(record.offset_delta)),
                i32::try_from(run.timestamp_shift.wrapping_add(record.timestamp_delta)),
            ) else {
                // too far from the base for an i32: goes on in the next delivery
                break Stop::Full;
            };
            let first_header = self.headers.len();
            if record.header_count > 0 {
                let first_name = self.names.len();
                let pushed = self.push_headers(slab, &record);
                cost += (self.headers.len() - first_header) * layout::HEADER_ENTRY_BYTES
                    + (self.names.len() - first_name) * layout::NAME_BYTES;
                let stop = match pushed {
                    Err(what) => Some(Stop::Invalid(what)),
                    Ok(()) if cost > left => Some(Stop::Full),
                    Ok(()) => None,
                };
                if let Some(stop) = stop {
                    self.headers.truncate(first_header);
                    self.names.truncate(first_name);
                    break stop;
                }
            }
            self.index.push([
                int(record.key.at),
                record.key.length,
                int(record.value.at),
                record.value.length,
                int(first_header),
                int(record.header_count),
                offset_delta,
                timestamp_delta,
            ]);
            first_offset = first_offset.min(offset);
            last_offset = last_offset.max(offset);
            (left, at, records) = (left - cost, record.end, records + 1);
        };
        Ran { at, left, records, first_offset, last_offset, stop }
    }

    /// Lists the headers of a record.
    fn push_headers(&mut self, slab: &[u8], record: &Record) -> Result<(), &'static str> {
        let bytes = slab.get(..record.end).unwrap_or_default();
        let mut cursor = Cursor::starting_at(bytes, record.headers_at);
        for nth in 0..record.header_count {
            let length = cursor.varint().and_then(|length| usize::try_from(length).ok()).ok_or(BAD_NAME)?;
            let position = cursor.at();
            let name = cursor.bytes(length).ok_or(record::CUT)?;
            let value = record::field(&mut cursor).ok_or(record::CUT)?;
            let id = self.names.intern(slab, nth, position, name);
            self.headers.push([id, int(value.at), value.length]);
        }
        match cursor.at().cmp(&record.end) {
            Ordering::Less => Err(record::TOO_LONG),
            Ordering::Equal => Ok(()),
            Ordering::Greater => Err(record::CUT),
        }
    }
}

/// Passes over the records before offset `from`, when the batch began before that.
fn skip<F: Format>(
    format: &F,
    batch: &Batch,
    body: &[u8],
    count: usize,
    from: i64,
) -> Result<Appended, &'static str> {
    let mut skipped = Appended::default();
    while batch.base_offset < from && skipped.records < count {
        let record = format.read(body, skipped.bytes)?.ok_or(FEWER_RECORDS)?;
        if batch.base_offset.saturating_add(record.offset_delta) >= from {
            break;
        }
        skipped.bytes = record.end;
        skipped.records += 1;
    }
    Ok(skipped)
}

/// What the first record of `body` needs by itself.
#[cold]
fn too_small<F: Format>(format: &F, body: &[u8]) -> Stop {
    match format.read(body, 0) {
        // the count is checked before anybody makes room for so many; a header takes two bytes at least
        Ok(Some(record)) if record.header_count > (record.end - record.headers_at) / 2 => {
            Stop::Invalid(record::CUT)
        }
        Ok(Some(record)) => {
            let headers = record.header_count * (layout::HEADER_ENTRY_BYTES + layout::NAME_BYTES);
            Stop::TooSmall(MIN_SLAB + record.end + headers)
        }
        Ok(None) => Stop::Invalid(FEWER_RECORDS),
        Err(what) => Stop::Invalid(what),
    }
}

fn batch_row(batch: &Batch, first_message: usize, messages: usize) -> [i32; 16] {
    let [offset, offset_high] = words(batch.base_offset);
    let [first_timestamp, first_timestamp_high] = words(batch.first_timestamp);
    let [max_timestamp, max_timestamp_high] = words(batch.max_timestamp);
    let [producer_id, producer_id_high] = words(batch.producer_id);
    [
        int(first_message),
        int(messages),
        offset,
        offset_high,
        first_timestamp,
        first_timestamp_high,
        max_timestamp,
        max_timestamp_high,
        producer_id,
        producer_id_high,
        batch.leader_epoch,
        batch.last_offset_delta,
        batch.base_sequence,
        batch.producer_epoch.into(),
        batch.attributes.into(),
        batch.magic.into(),
    ]
}

/// Positions are i32.
const MAX_SLAB: usize = i32::MAX as usize;
/// The shortest record: a length, attributes, two deltas, two lengths and a count.
const MIN_RECORD: usize = 7;
/// What a delivery of one message needs beside its record.
const MIN_SLAB: usize =
    layout::HEADER_BYTES + layout::TABLE_PADDING + layout::BATCH_BYTES + layout::INDEX_BYTES;

const FEWER_RECORDS: &str = "fewer records than the batch says";
const BAD_OFFSET: &str = "a record's offset lies outside of its batch";
const BAD_NAME: &str = "a header without a name";
