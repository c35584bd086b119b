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
    pub(super) offset_delta: i64,
    /// From the timestamp that the format counts from.
    pub(super) timestamp_delta: i64,
    pub(super) key: Field,
    pub(super) value: Field,
    pub(super) header_count: usize,
    /// Where the headers begin.
    pub(super) headers_at: usize,
    /// Where the record ends.
    pub(super) end: usize,
}

/// A nullable run of bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    /// Where it starts.
    pub(super) at: usize,
    /// Its length, -1 for null.
    pub(super) length: i32,
}

/// How the records of a body are written.
pub(super) trait Format {
    /// What the timestamp deltas count from.
    fn base_timestamp(&self) -> i64;
    /// Reads the record at `at`; `None` when it is cut. Its fields lie inside of it, its headers are not looked at.
    fn read(&self, bytes: &[u8], at: usize) -> Result<Option<Record>, &'static str>;
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
    fn read(&self, bytes: &[u8], at: usize) -> Result<Option<Record>, &'static str> {
        let mut cursor = Cursor::starting_at(bytes, at);
        let Some(length) = cursor.varint() else {
            // five bytes and still no varint: no more bytes would help
            return if bytes.len() - at < 5 { Ok(None) } else { Err(BAD_LENGTH) };
        };
        let Ok(length) = usize::try_from(length) else { return Err(BAD_LENGTH) };
        let end = cursor.at() + length;
        if end > bytes.len() {
            return Ok(None);
        }
        let mut record = fields(&mut cursor, end).ok_or(CUT)?;
        if self.same_timestamp {
            record.timestamp_delta = 0;
        }
        // The fields may have run into the next record, so this is where their end is checked. Headers come last and
        // are checked when they are read.
        match record.header_count {
            0 if cursor.at() == end => Ok(Some(record)),
            0 if cursor.at() < end => Err(TOO_LONG),
            _ if cursor.at() < end => Ok(Some(record)),
            _ => Err(CUT),
        }
    }
}

#[inline(always)]
fn fields(cursor: &mut Cursor<'_>, end: usize) -> Option<Record> {
    cursor.skip(1); // attributes, unused
    let timestamp_delta = cursor.varlong()?;
    let offset_delta = i64::from(cursor.varint()?);
    let key = field(cursor)?;
    let value = field(cursor)?;
    let header_count = usize::try_from(cursor.varint()?).ok()?;
    Some(Record { offset_delta, timestamp_delta, key, value, header_count, headers_at: cursor.at(), end })
}

/// A length, of which any negative one is null, and its bytes, which are skipped.
#[inline(always)]
pub(super) fn field(cursor: &mut Cursor<'_>) -> Option<Field> {
    let length = cursor.varint()?;
    let at = cursor.at();
    match usize::try_from(length) {
        Ok(bytes) => {
            cursor.skip(bytes);
            Some(Field { at, length })
        }
        Err(_) => Some(Field { at, length: -1 }),
    }
}

pub(super) const CUT: &str = "a record ends inside a field";
pub(super) const TOO_LONG: &str = "a record is longer than its fields";
const BAD_LENGTH: &str = "a record with an impossible length";
