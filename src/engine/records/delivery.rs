//! Fills one slab: record bytes first, then the tables that were collected meanwhile.

use super::batch::Batch;
use super::layout::{self, int, words, write_rows};
use super::names::NameTable;
use super::record::{self, Format, Record};

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
#[derive(Debug)]
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
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// All records are done with.
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
        let mut done = Appended { bytes: 0, records: 0, next_offset: None, stop: Stop::BatchEnd };
        if batch.base_offset < from
            && let Err(what) = skip(format, batch, body, count, from, &mut done)
        {
            done.stop = Stop::Invalid(what);
            return done;
        }
        let (body, count) = (body.get(done.bytes..).unwrap_or_default(), count - done.records);
        if count == 0 {
            return done;
        }
        let Some(mut left) = self.left.checked_sub(layout::BATCH_BYTES) else {
            done.stop = self.stop_full(format, body);
            return done;
        };

        // Copied first and parsed there: the copy is cache-warm, and the names table can point into the slab.
        // What is copied but does not fit in the end is overwritten by the tables.
        let copied = body.len().min(left);
        let end = self.data_end + copied;
        match (self.slab.get_mut(self.data_end..end), body.get(..copied)) {
            (Some(to), Some(from)) => to.copy_from_slice(from),
            _ => return done,
        }
        let is_cut = copied < body.len();
        let slab: &[u8] = self.slab;
        let tables = &mut *self.tables;
        let first_message = tables.index.len();
        let room = self.max_messages.saturating_sub(first_message).min(count);
        tables.index.reserve(room.min(left / (layout::INDEX_BYTES + MIN_RECORD)));

        // deltas of this batch → deltas of this delivery
        let mut offset_shift = batch.base_offset - self.base_offset;
        let mut timestamp_shift = format.base_timestamp().wrapping_sub(self.base_timestamp);
        let mut first_covered = i64::MAX;
        let mut last_covered = -1;
        let mut rest = slab.get(self.data_end..end).unwrap_or_default();
        let mut records = 0;
        let stop = loop {
            if records == count {
                break Stop::BatchEnd;
            }
            let (bytes, tail) = match format.split(rest) {
                Ok(Some(split)) => split,
                Ok(None) if is_cut => break Stop::Full,
                Ok(None) => break Stop::Invalid(FEWER_RECORDS),
                Err(what) => break Stop::Invalid(what),
            };
            let framed = rest.len() - tail.len();
            let record = match format.read(bytes, end - tail.len()) {
                Ok(record) => record,
                Err(what) => break Stop::Invalid(what),
            };
            if record.offset_delta < 0 || record.offset_delta > i64::from(batch.last_offset_delta) {
                break Stop::Invalid(BAD_OFFSET);
            }
            let offset = batch.base_offset + record.offset_delta;
            if offset < from {
                // out of order, or else it would have been skipped above
                let Some(after) = left.checked_sub(framed) else { break Stop::Full };
                left = after;
                records += 1;
                rest = tail;
                continue;
            }
            if tables.index.len() >= self.max_messages {
                break Stop::Full;
            }
            if tables.index.is_empty() {
                self.base_offset = offset;
                // timestamps wrap around, as they do in Java
                self.base_timestamp = format.base_timestamp().wrapping_add(record.timestamp_delta);
                offset_shift = -record.offset_delta;
                timestamp_shift = record.timestamp_delta.wrapping_neg();
            }
            let (Ok(offset_delta), Ok(timestamp_delta)) = (
                i32::try_from(offset_shift + record.offset_delta),
                i32::try_from(timestamp_shift.wrapping_add(record.timestamp_delta)),
            ) else {
                // too far from the base for an i32: goes on in the next delivery
                break Stop::Full;
            };
            let mut cost = framed + layout::INDEX_BYTES;
            if cost > left {
                break Stop::Full;
            }
            let first_header = tables.headers.len();
            if record.header_count > 0 {
                let first_name = tables.names.len();
                let pushed = tables.push_headers(slab, &record, end - tail.len());
                cost += (tables.headers.len() - first_header) * layout::HEADER_ENTRY_BYTES
                    + (tables.names.len() - first_name) * layout::NAME_BYTES;
                let stop = match pushed {
                    Err(what) => Some(Stop::Invalid(what)),
                    Ok(()) if cost > left => Some(Stop::Full),
                    Ok(()) => None,
                };
                if let Some(stop) = stop {
                    tables.headers.truncate(first_header);
                    tables.names.truncate(first_name);
                    break stop;
                }
            }
            tables.index.push([
                record.key.position,
                record.key.length,
                record.value.position,
                record.value.length,
                int(first_header),
                int(record.header_count),
                offset_delta,
                timestamp_delta,
            ]);
            left -= cost;
            first_covered = first_covered.min(offset);
            last_covered = last_covered.max(offset);
            records += 1;
            rest = tail;
        };

        let used = end - self.data_end - rest.len();
        let messages = self.tables.index.len() - first_message;
        done.bytes += used;
        done.records += records;
        done.stop = stop;
        if messages > 0 {
            self.left = left;
            self.data_end += used;
            self.tables.batches.push(batch_row(batch, first_message, messages));
        }
        if last_covered >= first_covered {
            self.cover(first_covered, last_covered);
            done.next_offset = Some(last_covered + 1);
        }
        if done.stop == Stop::Full {
            done.stop = self.stop_full(format, body.get(used..).unwrap_or_default());
        }
        done
    }

    /// Full, or was even one record too much? `body` starts with the record that did not fit.
    #[cold]
    fn stop_full<F: Format>(&self, format: &F, body: &[u8]) -> Stop {
        if !self.is_empty() {
            return Stop::Full;
        }
        let (record, tail) = match format.split(body) {
            Ok(Some(split)) => split,
            Ok(None) => return Stop::Invalid(FEWER_RECORDS),
            Err(what) => return Stop::Invalid(what),
        };
        match format.read(record, body.len() - tail.len()) {
            Ok(record) => {
                let headers =
                    record.header_count.saturating_mul(layout::HEADER_ENTRY_BYTES + layout::NAME_BYTES);
                Stop::TooSmall((body.len() - tail.len()).saturating_add(headers).saturating_add(MIN_SLAB))
            }
            Err(what) => Stop::Invalid(what),
        }
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

impl Tables {
    /// Lists the headers of a record that ends at position `end` of the slab.
    fn push_headers(&mut self, slab: &[u8], record: &Record<'_>, end: usize) -> Result<(), &'static str> {
        let mut cursor = record.headers;
        for nth in 0..record.header_count {
            let length = cursor.varint().and_then(|length| usize::try_from(length).ok()).ok_or(BAD_NAME)?;
            let position = end - cursor.remaining();
            let name = cursor.bytes(length).ok_or(record::CUT)?;
            let value = record::field(&mut cursor, end).ok_or(record::CUT)?;
            let id = self.names.intern(slab, nth, position, name);
            self.headers.push([id, value.position, value.length]);
        }
        if cursor.remaining() > 0 { Err(record::TOO_LONG) } else { Ok(()) }
    }
}

/// Passes over the records before offset `from`; the batch began before what was asked for.
fn skip<F: Format>(
    format: &F,
    batch: &Batch,
    body: &[u8],
    count: usize,
    from: i64,
    done: &mut Appended,
) -> Result<(), &'static str> {
    let mut rest = body;
    while done.records < count {
        let (bytes, tail) = format.split(rest)?.ok_or(FEWER_RECORDS)?;
        let record = format.read(bytes, body.len() - tail.len())?;
        if batch.base_offset.saturating_add(record.offset_delta) >= from {
            break;
        }
        rest = tail;
        done.records += 1;
        done.bytes = body.len() - rest.len();
    }
    Ok(())
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
