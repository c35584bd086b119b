//! Message sets of magic 0 and 1, which brokers up to 4.x still have in old segments.
//!
//! ```text
//! offset i64 │ size i32 │ crc u32 │ magic i8 │ attributes i8 │ timestamp i64 (magic 1) │ key │ value
//! ```
//!
//! Keys and values have an i32 length, -1 for null. There are no batches: each message stands alone, unless it is
//! compressed; then its value is a message set, and its own offset is that of the last message in there. The inner
//! offsets of magic 1 are relative, those of magic 0 absolute.

use std::ops::Range;

use super::batch::{Batch, LOG_OVERHEAD, are_offsets};
use super::error::RecordError;
use super::record::{Field, Format, MALFORMED, Record, Unreadable};
use super::varint::Cursor;

/// Reads a whole outer message and says where its records are: in itself or, compressed, in its value.
pub(super) fn read(entry: &[u8], check_crc: bool) -> Result<(Option<Batch>, Range<usize>), RecordError> {
    let Some(message) = Message::read(entry, 0) else { return Ok((None, 0..0)) };
    let offset = message.offset;
    if !are_offsets(offset, 0) {
        return Err(RecordError::InvalidBatch { offset, what: "offset", value: offset });
    }
    if check_crc {
        let actual = crc32fast::hash(entry.get(CRC_START..).unwrap_or_default());
        if actual != message.crc {
            return Err(RecordError::CrcMismatch { offset, expected: message.crc, actual });
        }
    }
    let batch = Batch {
        base_offset: offset,
        leader_epoch: -1,
        magic: message.magic,
        attributes: message.attributes.into(),
        last_offset_delta: 0,
        first_timestamp: message.timestamp,
        max_timestamp: message.timestamp,
        producer_id: -1,
        producer_epoch: -1,
        base_sequence: -1,
        record_count: 1,
    };
    // Bits that only attributes of record batches have (magic 2: transactional, control) are cleared: in a message they mean nothing.
    let batch = Batch { attributes: batch.attributes & KNOWN_ATTRIBUTES, ..batch };
    if batch.codec()?.is_none() {
        return Ok((Some(batch), 0..entry.len()));
    }
    match usize::try_from(message.value.length) {
        Ok(length) => {
            let start = message.value.at as usize;
            Ok((Some(batch), start..start + length))
        }
        Err(_) => Err(RecordError::InvalidRecord { offset, what: "a compressed message without a value" }),
    }
}

/// Looks over the decompressed value of an outer message: sets the batch's offsets and answers how many messages.
pub(super) fn unwrap(batch: &mut Batch, inner: &[u8]) -> Result<usize, RecordError> {
    let outer = batch.base_offset;
    let invalid = |what| RecordError::InvalidRecord { offset: outer, what };
    let first = raw_offset(inner).ok_or(invalid("a compressed message without messages"))?;
    let (mut at, mut last, mut count) = (0, first, 0usize);
    while (at as usize) < inner.len() {
        last = raw_offset(inner.get(at as usize..).unwrap_or_default()).ok_or(invalid(CUT))?;
        at = message_end(inner, at).ok_or(invalid(CUT))?;
        count += 1;
    }
    let base = match batch.magic {
        0 => Some(first),
        _ => last.checked_sub(first).and_then(|span| outer.checked_sub(span)),
    };
    let base = base.filter(|base| (0..=outer).contains(base)).ok_or(invalid("impossible inner offsets"))?;
    batch.base_offset = base;
    batch.last_offset_delta =
        i32::try_from(outer - base).map_err(|_| invalid("inner offsets too far apart"))?;
    Ok(count)
}

/// The messages of one [`Batch`].
#[derive(Debug)]
pub(super) struct Legacy {
    /// The first message's offset as written.
    first: i64,
    timestamp: i64,
    same_timestamp: bool,
    magic: i8,
}

impl Legacy {
    /// `body` is the whole body, from its first message on.
    pub(super) fn new(batch: &Batch, body: &[u8]) -> Legacy {
        Legacy {
            first: raw_offset(body).unwrap_or(batch.base_offset),
            timestamp: batch.first_timestamp,
            same_timestamp: batch.is_log_append_time(),
            magic: batch.magic,
        }
    }
}

impl Format for Legacy {
    fn base_timestamp(&self) -> i64 {
        self.timestamp
    }

    fn read(&self, bytes: &[u8], at: u32) -> Option<Record> {
        let end = message_end(bytes, at)?;
        let message = Message::read(bytes, at)?;
        let timestamp = if self.same_timestamp { self.timestamp } else { message.timestamp };
        let is_whole = message.end == end && message.magic == self.magic;
        is_whole.then_some(Record {
            offset_delta: message.offset.checked_sub(self.first)?.try_into().ok()?,
            timestamp_delta: timestamp.wrapping_sub(self.timestamp),
            key: message.key,
            value: message.value,
            header_count: 0,
            headers_at: end,
            end,
        })
    }

    fn explain(&self, bytes: &[u8], at: u32) -> Unreadable {
        match message_end(bytes, at) {
            None => Unreadable::Cut,
            Some(_) => Unreadable::Invalid(MALFORMED),
        }
    }
}

struct Message {
    offset: i64,
    crc: u32,
    magic: i8,
    attributes: i8,
    /// -1 in magic 0.
    timestamp: i64,
    key: Field,
    value: Field,
    end: u32,
}

impl Message {
    fn read(bytes: &[u8], at: u32) -> Option<Message> {
        let mut cursor = Cursor::starting_at(bytes, at);
        let offset = i64::from_be_bytes(cursor.array()?);
        let _size: [u8; 4] = cursor.array()?;
        let crc = u32::from_be_bytes(cursor.array()?);
        let magic = i8::from_be_bytes(cursor.array()?);
        let attributes = i8::from_be_bytes(cursor.array()?);
        let timestamp = if magic == 0 { -1 } else { i64::from_be_bytes(cursor.array()?) };
        let key = field(&mut cursor)?;
        let value = field(&mut cursor)?;
        Some(Message { offset, crc, magic, attributes, timestamp, key, value, end: cursor.at() })
    }
}

fn field(cursor: &mut Cursor<'_>) -> Option<Field> {
    let length = i32::from_be_bytes(cursor.array()?);
    let at = cursor.at();
    let Ok(bytes) = usize::try_from(length) else { return Some(Field { at, length: -1 }) };
    cursor.bytes(bytes)?;
    Some(Field { at, length })
}

/// Where the message at `at` ends; `None` when it is cut. A negative size is taken for a large one.
fn message_end(bytes: &[u8], at: u32) -> Option<u32> {
    let mut cursor = Cursor::starting_at(bytes, at);
    let _offset: [u8; 8] = cursor.array()?;
    let size = u32::from_be_bytes(cursor.array()?);
    cursor.at().checked_add(size).filter(|end| *end as usize <= bytes.len())
}

fn raw_offset(message: &[u8]) -> Option<i64> {
    message.first_chunk().map(|offset| i64::from_be_bytes(*offset))
}

/// The CRC-32 covers everything behind itself.
const CRC_START: usize = LOG_OVERHEAD + 4;
const CUT: &str = "a compressed message whose last message is cut";
/// Codec and timestamp type.
const KNOWN_ATTRIBUTES: i16 = 0b1111;
