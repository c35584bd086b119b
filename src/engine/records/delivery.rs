//! Fills one slab: record bytes first, behind them the tables.

use super::batch::Batch;
use super::layout::{self, int, words, write_rows};
use super::record::{Format, MALFORMED, MIN_RECORD, Unreadable};
use super::tables::{Run, Stop, Tables, TablesMark};

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
    /// The leader epoch of all batches that were opened for it (KIP-320); None when there is none, or more than one.
    pub leader_epoch: Option<i32>,
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
    /// None: no batch so far. -1: several epochs.
    leader_epoch: Option<i32>,
    mark: Mark,
}

/// A delivery before the batch that is being read.
#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    position: i64,
    tables: TablesMark,
    data_end: usize,
    left: usize,
    covered: Option<(i64, i64)>,
    leader_epoch: Option<i32>,
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

impl<'a> Delivery<'a> {
    /// `slab` must hold the header at least; `max_messages` must not be 0. `position` = the next offset to deliver.
    pub(super) fn new(
        slab: &'a mut [u8],
        tables: &'a mut Tables,
        max_messages: usize,
        position: i64,
    ) -> Delivery<'a> {
        let length = slab.len().min(MAX_SLAB);
        let slab = slab.split_at_mut(length).0;
        tables.clear();
        let mut delivery = Delivery {
            left: slab.len().saturating_sub(layout::HEADER_BYTES + layout::TABLE_PADDING),
            slab,
            tables,
            max_messages,
            data_end: layout::HEADER_BYTES,
            base_offset: 0,
            base_timestamp: 0,
            covered: None,
            leader_epoch: None,
            mark: Mark::default(),
        };
        delivery.begin(position);
        delivery
    }

    /// A batch begins here. What is wrong with it may turn out behind records that were taken over already.
    pub(super) fn begin(&mut self, position: i64) {
        self.mark = Mark {
            position,
            tables: self.tables.mark(),
            data_end: self.data_end,
            left: self.left,
            covered: self.covered,
            leader_epoch: self.leader_epoch,
        };
    }

    /// Gives up what this delivery has of the batch that began last. Answers the position before it.
    pub(super) fn undo(&mut self) -> i64 {
        let Mark { position, tables, data_end, left, covered, leader_epoch } = self.mark;
        self.tables.rewind(tables);
        (self.data_end, self.left) = (data_end, left);
        (self.covered, self.leader_epoch) = (covered, leader_epoch);
        position
    }

    /// Worth opening a batch? An empty delivery always is: if not even one record fits, that is to be found out.
    pub(super) fn has_room(&self) -> bool {
        let messages = self.tables.messages();
        messages == 0
            || messages < self.max_messages
                && self.left >= layout::BATCH_BYTES + layout::INDEX_BYTES + MIN_RECORD
    }

    /// Notes that a batch was reached, whatever comes of it.
    pub(super) fn reach(&mut self, batch: &Batch) {
        let is_other = self.leader_epoch.is_some_and(|known| known != batch.leader_epoch);
        self.leader_epoch = Some(if is_other { -1 } else { batch.leader_epoch });
    }

    /// Notes that offsets were passed.
    pub(super) fn cover(&mut self, first: i64, last: i64) {
        let (earliest, latest) = self.covered.unwrap_or((first, last));
        self.covered = Some((earliest.min(first), latest.max(last)));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tables.messages() == 0
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
        let Some(first) = format.read(body, 0) else {
            return Appended { stop: Stop::Invalid(explain(format, body, 0)), ..skipped };
        };
        if self.is_empty() {
            self.base_offset = batch.base_offset.saturating_add(first.offset_delta.into());
            // A sum of timestamps that overflows wraps around, as it does in Java.
            self.base_timestamp = format.base_timestamp().wrapping_add(first.timestamp_delta);
        }

        // Copied first and parsed there: the copy is cache-warm, and the names table can point into the slab.
        // What is copied but does not fit in the end is overwritten by the tables.
        let left = self.left.saturating_sub(layout::BATCH_BYTES);
        let fitting = body.len().min(left);
        let messages = self.max_messages.saturating_sub(self.tables.messages());
        let portion = if messages < count {
            // Only as much is copied as is likely to be delivered: of a batch for many deliveries, each would copy the whole rest.
            (body.len() / count).saturating_mul(messages.saturating_add(messages / 8)).max(first.end as usize)
        } else {
            fitting
        };
        let end = self.data_end + portion.min(fitting);
        if let (Some(to), Some(from)) =
            (self.slab.get_mut(self.data_end..end), body.get(..end - self.data_end))
        {
            to.copy_from_slice(from);
        }
        let first_message = self.tables.messages();
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
                cut: if portion < fitting {
                    Stop::Again
                } else if fitting < body.len() {
                    Stop::Full
                } else {
                    Stop::Invalid(FEWER_RECORDS)
                },
                offset_shift: batch.base_offset.saturating_sub(self.base_offset),
                timestamp_shift: format.base_timestamp().wrapping_sub(self.base_timestamp),
            },
        );

        let bytes = ran.at as usize - self.data_end;
        let mut appended = Appended {
            bytes: skipped.bytes + bytes,
            records: skipped.records + ran.records,
            next_offset: None,
            stop: ran.stop,
        };
        if self.tables.messages() > first_message {
            self.left = ran.left;
            self.data_end = ran.at as usize;
            self.tables.push_batch(batch, first_message);
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
        let messages = self.tables.messages();
        let (first_offset, last_offset) = self.covered.unwrap_or((next_offset - 1, next_offset - 1));
        let base_offset = if messages == 0 { first_offset } else { self.base_offset };
        let used = self.tables.write(self.slab, self.data_end);
        for (at, value) in [
            (layout::BASE_OFFSET_AT, base_offset),
            (layout::BASE_TIMESTAMP_AT, self.base_timestamp),
            (layout::FIRST_OFFSET_AT, first_offset),
            (layout::LAST_OFFSET_AT, last_offset),
            (layout::NEXT_OFFSET_AT, next_offset),
            (layout::HIGH_WATERMARK_AT, high_watermark),
            (layout::FETCH_OFFSET_AT, fetch_offset),
        ] {
            write_rows(self.slab, at, &[words(value)]);
        }
        Summary {
            base_offset,
            first_offset,
            last_offset,
            next_offset,
            messages: int(messages).unsigned_abs(),
            used,
            bytes: self.data_end - layout::HEADER_BYTES,
            leader_epoch: self.leader_epoch.filter(|epoch| *epoch >= 0),
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
    let mut at = 0;
    while batch.base_offset < from && skipped.records < count {
        let record = format.read(body, at).ok_or_else(|| explain(format, body, at))?;
        if batch.base_offset.saturating_add(record.offset_delta.into()) >= from {
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
        // A record that claims more headers than fit into it is refused here, before anybody makes room for so many.
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

/// Positions are i32.
const MAX_SLAB: usize = i32::MAX as usize;
/// The shortest header: two lengths.
const MIN_HEADER: u32 = 2;
/// What a delivery of one message needs beside its record.
const MIN_SLAB: usize =
    layout::HEADER_BYTES + layout::TABLE_PADDING + layout::BATCH_BYTES + layout::INDEX_BYTES;

const FEWER_RECORDS: &str = "fewer records than the batch says";
