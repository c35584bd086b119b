//! One record of a batch of magic 2.
//!
//! ```text
//! length varint │ attributes i8 │ timestampDelta varlong │ offsetDelta varint │ keyLength varint │ key
//!               │ valueLength varint │ value │ headerCount varint │ (nameLength varint, name, valueLength varint, value)*
//! ```

use super::layout::int;
use super::varint::Cursor;

/// What the index needs to know of a record; shared with the old formats.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a> {
    /// From the batch's base offset.
    pub(super) offset_delta: i64,
    /// From the timestamp that the format counts from.
    pub(super) timestamp_delta: i64,
    pub(super) key: Field,
    pub(super) value: Field,
    pub(super) header_count: usize,
    /// Where the headers are.
    pub(super) headers: Cursor<'a>,
}

/// A nullable run of bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    /// Where it starts.
    pub(super) position: i32,
    /// Its length, -1 for null.
    pub(super) length: i32,
}

/// The first record without or with its framing, and what follows; `None` when it is cut.
pub(super) type Split<'a> = Result<Option<(&'a [u8], &'a [u8])>, &'static str>;

/// How the records of a body are written.
pub(super) trait Format {
    /// What the timestamp deltas count from.
    fn base_timestamp(&self) -> i64;
    /// Splits off the first record with its framing; `None` when it is cut.
    fn split<'a>(&self, body: &'a [u8]) -> Split<'a>;
    /// Reads what [`Format::split`] split off and that ends at position `end`.
    fn read<'a>(&self, record: &'a [u8], end: usize) -> Result<Record<'a>, &'static str>;
}

/// Magic 2.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) base_timestamp: i64,
    /// LogAppendTime: the base is everybody's timestamp.
    pub(super) same_timestamp: bool,
}

impl Format for Current {
    fn base_timestamp(&self) -> i64 {
        self.base_timestamp
    }

    #[inline(always)]
    fn split<'a>(&self, body: &'a [u8]) -> Split<'a> {
        split(body)
    }

    #[inline(always)]
    fn read<'a>(&self, record: &'a [u8], end: usize) -> Result<Record<'a>, &'static str> {
        let mut cursor = Cursor::new(record);
        let mut record = read(&mut cursor, end).ok_or(CUT)?;
        if self.same_timestamp {
            record.timestamp_delta = 0;
        }
        if record.header_count == 0 && cursor.remaining() > 0 {
            return Err(TOO_LONG);
        }
        Ok(record)
    }
}

/// Splits off the first record, without its length. `None` when it is cut.
#[inline(always)]
pub(super) fn split(body: &[u8]) -> Split<'_> {
    let mut cursor = Cursor::new(body);
    let Some(length) = cursor.varint() else {
        // five bytes and still no varint: no more bytes would help
        return if body.len() < 5 { Ok(None) } else { Err(BAD_LENGTH) };
    };
    let Ok(length) = usize::try_from(length) else { return Err(BAD_LENGTH) };
    let Some(record) = cursor.bytes(length) else { return Ok(None) };
    Ok(Some((record, cursor.rest())))
}

/// The key of a record, `None` when it is null or malformed.
pub(super) fn key(record: &[u8]) -> Option<&[u8]> {
    let mut cursor = Cursor::new(record);
    let _attributes = cursor.bytes(1)?;
    let _timestamp_delta = cursor.varlong()?;
    let _offset_delta = cursor.varint()?;
    let length = usize::try_from(cursor.varint()?).ok()?;
    cursor.bytes(length)
}

#[inline(always)]
fn read<'a>(cursor: &mut Cursor<'a>, end: usize) -> Option<Record<'a>> {
    let _attributes = cursor.bytes(1)?;
    let timestamp_delta = cursor.varlong()?;
    let offset_delta = i64::from(cursor.varint()?);
    let key = field(cursor, end)?;
    let value = field(cursor, end)?;
    let header_count = usize::try_from(cursor.varint()?).ok()?;
    Some(Record { offset_delta, timestamp_delta, key, value, header_count, headers: *cursor })
}

/// A length (any negative one is null) and its bytes, in a record that ends at position `end`.
#[inline(always)]
pub(super) fn field(cursor: &mut Cursor<'_>, end: usize) -> Option<Field> {
    let length = cursor.varint()?;
    let position = int(end - cursor.remaining());
    match usize::try_from(length) {
        Ok(bytes) => {
            cursor.bytes(bytes)?;
            Some(Field { position, length })
        }
        Err(_) => Some(Field { position, length: -1 }),
    }
}

pub(super) const CUT: &str = "a record ends inside a field";
pub(super) const TOO_LONG: &str = "a record is longer than its fields";
const BAD_LENGTH: &str = "a record with an impossible length";
