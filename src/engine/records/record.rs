//! One record of a batch of magic 2.
//!
//! ```text
//! length varint │ attributes i8 │ timestampDelta varlong │ offsetDelta varint │ keyLength varint │ key
//!               │ valueLength varint │ value │ headerCount varint │ (nameLength varint, name, valueLength varint, value)*
//! ```

use super::varint::Cursor;

/// What the index needs to know of a record; shared with the old formats.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record {
    /// From the batch's base offset.
    pub(super) offset_delta: i32,
    /// From the timestamp that the format counts from.
    pub(super) timestamp_delta: i64,
    pub(super) key: Field,
    pub(super) value: Field,
    pub(super) header_count: u32,
    /// Where the headers begin.
    pub(super) headers_at: u32,
    /// Where the record ends.
    pub(super) end: u32,
}

/// A nullable run of bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    /// Where it starts.
    pub(super) at: u32,
    /// Its length, -1 for null.
    pub(super) length: i32,
}

/// How the records of a body are written.
pub(super) trait Format {
    /// What the timestamp deltas count from.
    fn base_timestamp(&self) -> i64;
    /// Reads the record at `at`. Its fields lie inside of it, its headers are not looked at.
    fn read(&self, bytes: &[u8], at: u32) -> Option<Record>;
    /// Why [`Format::read`] answered `None`. Told apart only then, because that keeps the inner loop short.
    fn explain(&self, bytes: &[u8], at: u32) -> Unreadable;
}

/// Why a record cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// The bytes end before it does.
    Cut,
    /// It cannot be.
    Invalid(&'static str),
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
    fn read(&self, bytes: &[u8], at: u32) -> Option<Record> {
        let mut cursor = Cursor::starting_at(bytes, at);
        let length = u32::try_from(cursor.varint()?).ok()?;
        let end = cursor.at().checked_add(length)?;
        let mut record = fields(&mut cursor, end)?;
        if self.same_timestamp {
            record.timestamp_delta = 0;
        }
        // Fields may run into the next record, so it is here that their end is checked. Headers are not read yet.
        let is_whole = if record.header_count == 0 { cursor.at() == end } else { cursor.at() < end };
        (is_whole && end as usize <= bytes.len()).then_some(record)
    }

    #[cold]
    fn explain(&self, bytes: &[u8], at: u32) -> Unreadable {
        let mut cursor = Cursor::starting_at(bytes, at);
        match cursor.varint().map(usize::try_from) {
            None if cursor.remaining() < MAX_VARINT => Unreadable::Cut,
            None | Some(Err(_)) => Unreadable::Invalid("a record with an impossible length"),
            Some(Ok(length)) if length > cursor.remaining() => Unreadable::Cut,
            Some(Ok(_)) => Unreadable::Invalid(MALFORMED),
        }
    }
}

#[inline(always)]
fn fields(cursor: &mut Cursor<'_>, end: u32) -> Option<Record> {
    cursor.skip(1); // attributes, unused
    let timestamp_delta = cursor.varlong()?;
    let offset_delta = cursor.varint()?;
    let key = field(cursor)?;
    let value = field(cursor)?;
    let header_count = u32::try_from(cursor.varint()?).ok()?;
    Some(Record { offset_delta, timestamp_delta, key, value, header_count, headers_at: cursor.at(), end })
}

/// A length, of which any negative one is null, and its bytes, which are skipped.
#[inline(always)]
pub(super) fn field(cursor: &mut Cursor<'_>) -> Option<Field> {
    let length = cursor.varint()?;
    let at = cursor.at();
    match u32::try_from(length) {
        Ok(bytes) => {
            cursor.skip(bytes);
            Some(Field { at, length })
        }
        Err(_) => Some(Field { at, length: -1 }),
    }
}

/// Its fields do not add up to its length.
pub(super) const MALFORMED: &str = "a record whose fields do not fit it";
/// The shortest record: a length, attributes, two deltas, two lengths and a count.
pub(super) const MIN_RECORD: usize = 7;
/// The longest an i32 gets.
const MAX_VARINT: usize = 5;
