//! Fills one slab: record bytes first, then the tables that were collected meanwhile.

use super::batch::Batch;
use super::layout::{self, int, words, write_rows};
use super::names::NameTable;
use super::record::{self, Format, MALFORMED, Record, Unreadable};
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
    /// As long as it ever was, so that no row is cleared before it is written; `messages` of them count.
    index: Vec<[i32; 8]>,
    messages: usize,
    headers: Headers,
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
    /// Again, please: what comes next is to be passed over.
    Skip,
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
        tables.messages = 0;
        tables.headers.rows.clear();
        tables.headers.names.clear();
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
        let messages = self.tables.messages;
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
        self.tables.messages == 0
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
            let Some(first) = format.read(body, 0) else {
                return Appended { stop: Stop::Invalid(explain(format, body, 0)), ..skipped };
            };
            self.base_offset = batch.base_offset + i64::from(first.offset_delta);
            // timestamps wrap around, as they do in Java
            self.base_timestamp = format.base_timestamp().wrapping_add(first.timestamp_delta);
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
        let first_message = self.tables.messages;
        let ran = self.tables.index_records(
            format,
            batch,
            self.slab.get(..end).unwrap_or_default(),
            Run {
                at: int(self.data_end).unsigned_abs(),
                left,
                count,
                from,
                max_messages: self.max_messages,
                is_cut: end - self.data_end < body.len(),
                offset_shift: batch.base_offset - self.base_offset,
                timestamp_shift: format.base_timestamp().wrapping_sub(self.base_timestamp),
            },
        );

        let bytes = ran.at as usize - self.data_end;
        let messages = self.tables.messages - first_message;
        let mut appended = Appended {
            bytes: skipped.bytes + bytes,
            records: skipped.records + ran.records,
            next_offset: None,
            stop: ran.stop,
        };
        if messages > 0 {
            self.left = ran.left;
            self.data_end = ran.at as usize;
            self.tables.batches.push(batch_row(batch, first_message, messages));
            self.cover(ran.first_offset, ran.last_offset);
            appended.next_offset = Some(ran.last_offset + 1);
        }
        if appended.stop == Stop::Full && self.is_empty() {
            appended.stop = too_small(format, body.get(bytes..).unwrap_or_default());
        }
        appended
    }

    /// Writes the tables and the header.
    pub(super) fn finish(self, next_offset: i64, high_watermark: i64, fetch_offset: i64) -> Summary {
        let Delivery { slab, tables, data_end, .. } = self;
        let messages = tables.messages;
        let (first_offset, last_offset) = self.covered.unwrap_or((next_offset - 1, next_offset - 1));
        let base_offset = if messages == 0 { first_offset } else { self.base_offset };

        let batches_at = layout::tables_at(data_end);
        let index_at = write_rows(slab, batches_at, &tables.batches);
        let index = tables.index.get(..messages).unwrap_or_default();
        let headers_at = write_rows(slab, index_at, index);
        let names_at = write_rows(slab, headers_at, &tables.headers.rows);
        let used = write_rows(slab, names_at, tables.headers.names.rows());

        let counts = [
            (layout::MESSAGE_COUNT_AT, messages),
            (layout::INDEX_AT, index_at),
            (layout::HEADER_TABLE_AT, headers_at),
            (layout::HEADER_COUNT_AT, tables.headers.rows.len()),
            (layout::NAMES_AT, names_at),
            (layout::NAME_COUNT_AT, tables.headers.names.len()),
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
    at: u32,
    /// Bytes for data and tables together.
    left: usize,
    /// How many records there are.
    count: usize,
    /// The first offset wanted. The first record is not before it.
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
    at: u32,
    left: usize,
    records: usize,
    /// The lowest and the highest offset taken, if any was.
    first_offset: i64,
    last_offset: i64,
    stop: Stop,
}

impl Tables {
    /// The inner loop: records of `slab` from `run.at` on, into the index. Every nanosecond here is one per record;
    /// what hardly ever happens is kept out of it.
    #[inline(never)] // so that it has the registers for itself
    fn index_records<F: Format>(&mut self, format: &F, batch: &Batch, slab: &[u8], run: Run) -> Ran {
        let first_message = self.messages;
        let rows = run.left / (layout::INDEX_BYTES + MIN_RECORD);
        let rows = rows.min(run.count).min(run.max_messages.saturating_sub(first_message));
        if self.index.len() < first_message + rows {
            self.index.resize(first_message + rows, [0; 8]);
        }
        let rows = self.index.get_mut(first_message..first_message + rows).unwrap_or_default();
        // offset deltas that fit the batch, and an i32 when they count from the delivery's base
        let max_delta =
            clamp(i64::from(i32::MAX).saturating_sub(run.offset_shift)).min(batch.last_offset_delta);
        let min_delta = clamp(i64::from(i32::MIN).saturating_sub(run.offset_shift)).max(0);
        let [offset_shift, _] = words(run.offset_shift);
        let (mut lowest, mut highest) = (i32::MAX, min_delta - 1);
        let Run { mut at, mut left, .. } = run;
        let mut first_header = int(self.headers.rows.len());
        let mut records = 0;
        let stop = 'run: {
            for row in rows {
                let Some(record) = format.read(slab, at) else {
                    break 'run match format.explain(slab, at) {
                        Unreadable::Cut if run.is_cut => Stop::Full,
                        Unreadable::Cut => Stop::Invalid(FEWER_RECORDS),
                        Unreadable::Invalid(what) => Stop::Invalid(what),
                    };
                };
                if record.offset_delta <= highest || record.offset_delta > max_delta {
                    // Out of order, for one: brokers once took the offset deltas of producers on trust.
                    if !(0..=batch.last_offset_delta).contains(&record.offset_delta) {
                        break 'run Stop::Invalid(BAD_OFFSET);
                    }
                    if !(min_delta..=max_delta).contains(&record.offset_delta) {
                        break 'run Stop::Full;
                    }
                    if batch.base_offset + i64::from(record.offset_delta) < run.from {
                        break 'run Stop::Skip;
                    }
                    lowest = lowest.min(record.offset_delta);
                }
                let timestamp_delta = run.timestamp_shift.wrapping_add(record.timestamp_delta);
                let Ok(timestamp_delta) = i32::try_from(timestamp_delta) else {
                    // too far from the base: goes on in the next delivery
                    break 'run Stop::Full;
                };
                let mut cost = (record.end - at) as usize + layout::INDEX_BYTES;
                if cost > left {
                    break 'run Stop::Full;
                }
                *row = [
                    record.key.at.cast_signed(),
                    record.key.length,
                    record.value.at.cast_signed(),
                    record.value.length,
                    first_header,
                    record.header_count.cast_signed(),
                    offset_shift.wrapping_add(record.offset_delta),
                    timestamp_delta,
                ];
                if record.header_count > 0 {
                    match self.headers.push(slab, &record, left - cost) {
                        Ok(Some(bytes)) => cost += bytes,
                        Ok(None) => break 'run Stop::Full,
                        Err(what) => break 'run Stop::Invalid(what),
                    }
                    first_header = int(self.headers.rows.len());
                }
                if records == 0 {
                    lowest = record.offset_delta;
                }
                highest = highest.max(record.offset_delta);
                (left, at, records) = (left - cost, record.end, records + 1);
            }
            if records == run.count { Stop::BatchEnd } else { Stop::Full }
        };
        self.messages += records;
        let [first_offset, last_offset] = [lowest, highest].map(|delta| batch.base_offset + i64::from(delta));
        Ran { at, left, records, first_offset, last_offset, stop }
    }
}

/// The headers of a delivery.
#[derive(Debug, Default)]
struct Headers {
    rows: Vec<[i32; 3]>,
    names: NameTable,
}

impl Headers {
    /// Lists the headers of a record and answers how many bytes that takes; `None`, and nothing is listed, when that
    /// is more than `room`.
    fn push(&mut self, slab: &[u8], record: &Record, room: usize) -> Result<Option<usize>, &'static str> {
        let (rows, names) = (self.rows.len(), self.names.len());
        let listed = self.list(slab, record);
        let bytes = (self.rows.len() - rows) * layout::HEADER_ENTRY_BYTES
            + (self.names.len() - names) * layout::NAME_BYTES;
        if listed.is_some() && bytes <= room {
            return Ok(Some(bytes));
        }
        self.rows.truncate(rows);
        self.names.truncate(names);
        listed.map(|()| None).ok_or(MALFORMED)
    }

    fn list(&mut self, slab: &[u8], record: &Record) -> Option<()> {
        let mut cursor = Cursor::starting_at(slab.get(..record.end as usize)?, record.headers_at);
        for nth in 0..record.header_count as usize {
            let length = usize::try_from(cursor.varint()?).ok()?;
            let position = cursor.at();
            let name = cursor.bytes(length)?;
            let value = record::field(&mut cursor)?;
            let id = self.names.intern(slab, nth, position, name);
            self.rows.push([id, value.at.cast_signed(), value.length]);
        }
        (cursor.at() == record.end).then_some(())
    }
}

fn clamp(delta: i64) -> i32 {
    i32::try_from(delta).unwrap_or(if delta < 0 { i32::MIN } else { i32::MAX })
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
    let mut at = 0;
    while batch.base_offset < from && skipped.records < count {
        let record = format.read(body, at).ok_or_else(|| explain(format, body, at))?;
        if batch.base_offset + i64::from(record.offset_delta) >= from {
            break;
        }
        at = record.end;
        skipped.bytes = at as usize;
        skipped.records += 1;
    }
    Ok(skipped)
}

/// What the first record of `body` needs by itself.
#[cold]
fn too_small<F: Format>(format: &F, body: &[u8]) -> Stop {
    match format.read(body, 0) {
        // the count is checked before anybody makes room for so many
        Some(record) if record.header_count > (record.end - record.headers_at) / MIN_HEADER => {
            Stop::Invalid(MALFORMED)
        }
        Some(record) => {
            let headers = record.header_count as usize * (layout::HEADER_ENTRY_BYTES + layout::NAME_BYTES);
            Stop::TooSmall(MIN_SLAB + record.end as usize + headers)
        }
        None => Stop::Invalid(explain(format, body, 0)),
    }
}

/// Why the record at `at` cannot be read although nothing was cut off.
fn explain<F: Format>(format: &F, body: &[u8], at: u32) -> &'static str {
    match format.explain(body, at) {
        Unreadable::Cut => FEWER_RECORDS,
        Unreadable::Invalid(what) => what,
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
/// The shortest header: two lengths.
const MIN_HEADER: u32 = 2;
/// What a delivery of one message needs beside its record.
const MIN_SLAB: usize =
    layout::HEADER_BYTES + layout::TABLE_PADDING + layout::BATCH_BYTES + layout::INDEX_BYTES;

const FEWER_RECORDS: &str = "fewer records than the batch says";
const BAD_OFFSET: &str = "a record's offset lies outside of its batch";
