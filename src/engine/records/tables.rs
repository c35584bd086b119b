//! The tables of a delivery while it grows.

use std::ops::RangeInclusive;

use super::batch::Batch;
use super::layout::{self, int, words, write_rows};
use super::names::NameTable;
use super::record::{self, Format, MALFORMED, MIN_RECORD, Record, Unreadable};
use super::varint::Cursor;

/// Batch table, index, far timestamps, headers and names. Their final place depends on how much data comes before them, so they are
/// copied behind it at the end. The buffers are kept for the next delivery.
#[derive(Debug, Default)]
pub(super) struct Tables {
    batches: Vec<[i32; 16]>,
    /// As long as it ever was, so that no row is cleared before it is written; `messages` of them count.
    index: Vec<[i32; 8]>,
    messages: usize,
    far_timestamps: Vec<[i32; 2]>,
    headers: Headers,
}

/// How far they had grown.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct TablesMark {
    batches: usize,
    messages: usize,
    headers: usize,
    names: usize,
}

/// Why it went no further.
#[derive(Debug, PartialEq, Eq, Default)]
pub(super) enum Stop {
    /// All records are done with.
    #[default]
    BatchEnd,
    /// The delivery takes no more.
    Full,
    /// To be called again: what comes next is to be passed over, or it was not copied yet.
    Again,
    /// The next record needs an empty slab of so many bytes.
    TooSmall(usize),
    /// The next record cannot be.
    Invalid(&'static str),
}

/// A run of records of one batch, as [`Tables::index_records`] begins it.
pub(super) struct Run {
    /// Where in the slab the records are.
    pub(super) at: u32,
    /// Bytes for data and tables together.
    pub(super) left: usize,
    /// How many records there are.
    pub(super) count: usize,
    /// The first offset wanted. The first record is not before it.
    pub(super) from: i64,
    pub(super) max_messages: usize,
    /// What it means when the bytes end inside a record.
    pub(super) cut: Stop,
    /// From deltas of the batch to deltas of the delivery.
    pub(super) offset_shift: i64,
    pub(super) timestamp_shift: i64,
}

/// And as it ends it.
pub(super) struct Ran {
    pub(super) at: u32,
    pub(super) left: usize,
    pub(super) records: usize,
    /// The lowest and the highest offset taken, if any was.
    pub(super) first_offset: i64,
    pub(super) last_offset: i64,
    pub(super) stop: Stop,
}

impl Tables {
    /// Nothing listed; buffers are kept.
    pub(super) fn clear(&mut self) {
        self.batches.clear();
        self.messages = 0;
        self.far_timestamps.clear();
        self.headers.rows.clear();
        self.headers.names.clear();
    }

    pub(super) fn mark(&self) -> TablesMark {
        let Headers { rows, names } = &self.headers;
        let (batches, messages) = (self.batches.len(), self.messages);
        TablesMark { batches, messages, headers: rows.len(), names: names.len() }
    }

    /// Forgets what was listed since then. Only before [`Tables::clear`], as [`NameTable::truncate`].
    pub(super) fn rewind(&mut self, mark: TablesMark) {
        self.batches.truncate(mark.batches);
        self.messages = mark.messages;
        self.headers.rows.truncate(mark.headers);
        self.headers.names.truncate(mark.names);
    }

    /// How many messages are listed.
    pub(super) fn messages(&self) -> usize {
        self.messages
    }

    /// Lists the batch that the messages from `first_message` on belong to.
    pub(super) fn push_batch(&mut self, batch: &Batch, first_message: usize) {
        self.batches.push(batch_row(batch, first_message, self.messages - first_message));
    }

    /// Writes all tables into `slab`, behind the data that ends at `data_end`, and where they are into its header.
    /// Answers where the last one ends.
    pub(super) fn write(&self, slab: &mut [u8], data_end: usize) -> usize {
        let names = self.headers.names.rows();
        let index = self.index.get(..self.messages).unwrap_or_default();
        let batches_at = layout::tables_at(data_end);
        let index_at = write_rows(slab, batches_at, &self.batches);
        let far_timestamps_at = write_rows(slab, index_at, index);
        let headers_at = write_rows(slab, far_timestamps_at, &self.far_timestamps);
        let names_at = write_rows(slab, headers_at, &self.headers.rows);
        let end = write_rows(slab, names_at, names);
        for (at, value) in [
            (layout::MESSAGE_COUNT_AT, self.messages),
            (layout::INDEX_AT, index_at),
            (layout::HEADER_TABLE_AT, headers_at),
            (layout::HEADER_COUNT_AT, self.headers.rows.len()),
            (layout::NAMES_AT, names_at),
            (layout::NAME_COUNT_AT, names.len()),
            (layout::BATCH_TABLE_AT, batches_at),
            (layout::BATCH_COUNT_AT, self.batches.len()),
        ] {
            write_rows(slab, at, &[[int(value)]]);
        }
        end
    }

    /// The inner loop: records of `slab` from `run.at` on, into the index. Every nanosecond here is one per record;
    /// what hardly ever happens is kept out of it.
    #[inline(never)] // so that it has the registers for itself
    pub(super) fn index_records<F: Format>(
        &mut self,
        format: &F,
        batch: &Batch,
        slab: &[u8],
        run: Run,
    ) -> Ran {
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
                        Unreadable::Cut => run.cut,
                        Unreadable::Invalid(what) => Stop::Invalid(what),
                    };
                };
                if record.offset_delta <= highest || record.offset_delta > max_delta {
                    // Offset deltas may be out of order: old brokers took those that producers wrote on trust.
                    if !(0..=batch.last_offset_delta).contains(&record.offset_delta) {
                        break 'run Stop::Invalid(BAD_OFFSET);
                    }
                    if !(min_delta..=max_delta).contains(&record.offset_delta) {
                        break 'run Stop::Full;
                    }
                    if batch.base_offset + i64::from(record.offset_delta) < run.from {
                        break 'run Stop::Again;
                    }
                    lowest = lowest.min(record.offset_delta);
                }
                let timestamp_delta = run.timestamp_shift.wrapping_add(record.timestamp_delta);
                let is_far = !NEAR.contains(&timestamp_delta);
                let mut cost = (record.end - at) as usize
                    + layout::INDEX_BYTES
                    + usize::from(is_far) * layout::FAR_TIMESTAMP_BYTES;
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
                    words(timestamp_delta)[0],
                ];
                if record.header_count > 0 {
                    match self.headers.push(slab, &record, left - cost) {
                        Ok(Some(bytes)) => cost += bytes,
                        Ok(None) => break 'run Stop::Full,
                        Err(what) => break 'run Stop::Invalid(what),
                    }
                    first_header = int(self.headers.rows.len());
                }
                if is_far {
                    let timestamp = format.base_timestamp().wrapping_add(record.timestamp_delta);
                    row[7] = list_far(&mut self.far_timestamps, timestamp);
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
        // Without a record `lowest` is still the highest i32, so the sum may overflow: it saturates, and nobody looks at it.
        let [first_offset, last_offset] =
            [lowest, highest].map(|delta| batch.base_offset.saturating_add(delta.into()));
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
        // An empty header takes two bytes in the record and many times that in the list: the count may ask for more than there is room.
        if (record.header_count as usize).saturating_mul(layout::HEADER_ENTRY_BYTES) > room {
            return Ok(None);
        }
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

/// What the index says of a timestamp that is far from the delivery's base. Runs of equal ones share an entry.
#[cold]
fn list_far(listed: &mut Vec<[i32; 2]>, timestamp: i64) -> i32 {
    let timestamp = words(timestamp);
    if listed.last() != Some(&timestamp) {
        listed.push(timestamp);
    }
    // The slab has no room for so many that this could reach `NEAREST`.
    i32::MIN + int(listed.len() - 1)
}

fn clamp(delta: i64) -> i32 {
    i32::try_from(delta).unwrap_or(if delta < 0 { i32::MIN } else { i32::MAX })
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

/// Timestamp deltas that the index can hold. The sum with the base may wrap around, as it does in Java.
const NEAR: RangeInclusive<i64> = layout::NEAREST as i64..=i32::MAX as i64;
const BAD_OFFSET: &str = "a record's offset lies outside of its batch";

#[cfg(test)]
mod tests {
    use super::record::Field;
    use super::*;

    #[test]
    fn headers_without_room_are_not_even_looked_at() {
        let slab = [0; 2000];
        let field = Field { at: 0, length: -1 };
        let record = Record {
            offset_delta: 0,
            timestamp_delta: 0,
            key: field,
            value: field,
            header_count: 1000,
            headers_at: 0,
            end: 2000,
        };
        let mut headers = Headers::default();
        assert_eq!(headers.push(&slab, &record, 11_999), Ok(None));
        assert_eq!(headers.rows.capacity(), 0);
        assert_eq!(headers.push(&slab, &record, 12_008), Ok(Some(12_008)));
    }
}
