//! Fixed and variable integers, strings, arrays, tagged fields: the alphabet of the protocol.
//!
//! [`Reader`] and [`Writer`] carry a *flexible* switch (KIP-482), set once per body from the API's first flexible
//! version. It decides between the two spellings of every length, so that an API file reads like the grammar:
//!
//! ```text
//!             fixed spelling                  flexible ("compact") spelling
//! string      i16 length, -1 = null           varint length + 1, 0 = null
//! bytes       i32 length, -1 = null           varint length + 1, 0 = null
//! array       i32 count,  -1 = null           varint count + 1,  0 = null
//! structure   its fields                      its fields, then tagged fields
//! ```

use bytes::{Buf, Bytes, TryGetError};

use super::error::{DecodeError, ErrorCode};

/// A topic's id (KIP-516); all zero when the topic has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct TopicId(pub [u8; 16]);

impl TopicId {
    /// "This topic has no id."
    pub const ZERO: TopicId = TopicId([0; 16]);

    /// Is this [`TopicId::ZERO`]?
    pub fn is_zero(&self) -> bool {
        *self == TopicId::ZERO
    }
}

/// Reads from one frame. Owns the frame, so byte fields are slices of it, not copies.
///
/// Nothing here panics, and no length is believed before it is compared with the bytes that are left.
#[derive(Debug)]
pub struct Reader {
    buf: Bytes,
    flexible: bool,
}

impl Reader {
    /// Reads `buf` from its start, in the fixed spelling.
    pub fn new(buf: Bytes) -> Reader {
        Reader { buf, flexible: false }
    }

    /// Chooses the spelling of what follows.
    pub fn set_flexible(&mut self, flexible: bool) {
        self.flexible = flexible;
    }

    /// Bytes left.
    pub fn remaining(&self) -> usize {
        self.buf.len()
    }

    /// The bytes left.
    pub fn into_rest(self) -> Bytes {
        self.buf
    }

    /// INT8.
    pub fn i8(&mut self) -> Result<i8, DecodeError> {
        Ok(self.buf.try_get_i8()?)
    }

    /// INT16.
    pub fn i16(&mut self) -> Result<i16, DecodeError> {
        Ok(self.buf.try_get_i16()?)
    }

    /// INT32.
    pub fn i32(&mut self) -> Result<i32, DecodeError> {
        Ok(self.buf.try_get_i32()?)
    }

    /// INT64.
    pub fn i64(&mut self) -> Result<i64, DecodeError> {
        Ok(self.buf.try_get_i64()?)
    }

    /// FLOAT64.
    pub fn f64(&mut self) -> Result<f64, DecodeError> {
        Ok(self.buf.try_get_f64()?)
    }

    /// BOOLEAN: like Kafka, anything but 0 is true.
    pub fn bool(&mut self) -> Result<bool, DecodeError> {
        Ok(self.i8()? != 0)
    }

    /// INT16 that is an error code.
    pub fn error(&mut self) -> Result<ErrorCode, DecodeError> {
        Ok(ErrorCode(self.i16()?))
    }

    /// UUID.
    pub fn uuid(&mut self) -> Result<TopicId, DecodeError> {
        let mut id = [0; 16];
        self.buf.try_copy_to_slice(&mut id)?;
        Ok(TopicId(id))
    }

    /// UNSIGNED_VARINT: seven bits per byte, lowest first, at most 32 bits.
    pub fn unsigned_varint(&mut self) -> Result<u32, DecodeError> {
        let mut value = 0u64;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.buf.try_get_u8()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return u32::try_from(value).map_err(|_| invalid("varint", value));
            }
        }
        Err(invalid("varint", value))
    }

    /// STRING.
    pub fn string(&mut self) -> Result<String, DecodeError> {
        self.nullable_string()?.ok_or(invalid("string length", -1))
    }

    /// NULLABLE_STRING.
    pub fn nullable_string(&mut self) -> Result<Option<String>, DecodeError> {
        let length = if self.flexible {
            self.compact_length()?
        } else {
            fixed_length("string length", i32::from(self.i16()?))?
        };
        let Some(length) = length else { return Ok(None) };
        let text = self.buf.get(..length).ok_or_else(|| self.truncated(length))?;
        let text = str::from_utf8(text).map_err(|_| DecodeError::NotUtf8)?.to_owned();
        self.buf.advance(length);
        Ok(Some(text))
    }

    /// BYTES, as a slice of the frame.
    pub fn bytes(&mut self) -> Result<Bytes, DecodeError> {
        self.nullable_bytes()?.ok_or(invalid("bytes length", -1))
    }

    /// NULLABLE_BYTES (and RECORDS), as a slice of the frame.
    pub fn nullable_bytes(&mut self) -> Result<Option<Bytes>, DecodeError> {
        match self.length("bytes length")? {
            Some(length) => self.take(length).map(Some),
            None => Ok(None),
        }
    }

    /// ARRAY of structures: `read` reads the fields, the tagged fields behind each are skipped. Null reads as empty.
    ///
    /// `min_size` is what the smallest element takes on the wire, over all versions. A count that cannot fit into
    /// the bytes that are left is refused before anything is allocated.
    pub fn array<T>(
        &mut self,
        min_size: usize,
        mut read: impl FnMut(&mut Reader) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        self.elements(min_size, |input| {
            let element = read(input)?;
            input.tags()?;
            Ok(element)
        })
    }

    /// As [`Reader::array`], of elements that have no tagged fields or read them themselves.
    pub fn elements<T>(
        &mut self,
        min_size: usize,
        mut read: impl FnMut(&mut Reader) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let count = self.length("array count")?.unwrap_or(0);
        if count > self.remaining() / min_size.max(1) {
            return Err(invalid("array count", i64::try_from(count).unwrap_or(i64::MAX)));
        }
        // In memory an element may be many times what it is on the wire, and a failing allocation would end the process.
        let mut elements = Vec::new();
        elements
            .try_reserve_exact(count)
            .map_err(|_| DecodeError::NoMemory { bytes: count.saturating_mul(size_of::<T>()) })?;
        for _ in 0..count {
            elements.push(read(self)?);
        }
        Ok(elements)
    }

    /// ARRAY of INT32.
    pub fn i32s(&mut self) -> Result<Vec<i32>, DecodeError> {
        self.elements(4, Reader::i32)
    }

    /// ARRAY of STRING.
    pub fn strings(&mut self) -> Result<Vec<String>, DecodeError> {
        self.elements(1, Reader::string)
    }

    /// Skips the tagged fields at the end of a structure. Nothing in the fixed spelling.
    pub fn tags(&mut self) -> Result<(), DecodeError> {
        self.known_tags(|_, _| Ok(()))
    }

    /// Reads the tagged fields at the end of a structure. `read` gets each tag with a reader of its field alone, and
    /// leaves the tags that it does not know.
    pub fn known_tags(
        &mut self,
        mut read: impl FnMut(u32, &mut Reader) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        if !self.flexible {
            return Ok(());
        }
        for _ in 0..self.unsigned_varint()? {
            let tag = self.unsigned_varint()?;
            let size = to_usize(self.unsigned_varint()?);
            read(tag, &mut Reader { buf: self.take(size)?, flexible: true })?;
        }
        Ok(())
    }

    /// The length of bytes or of an array; `None` is null.
    fn length(&mut self, what: &'static str) -> Result<Option<usize>, DecodeError> {
        if self.flexible { self.compact_length() } else { fixed_length(what, self.i32()?) }
    }

    fn compact_length(&mut self) -> Result<Option<usize>, DecodeError> {
        Ok(self.unsigned_varint()?.checked_sub(1).map(to_usize))
    }

    fn take(&mut self, length: usize) -> Result<Bytes, DecodeError> {
        if length > self.buf.len() {
            return Err(self.truncated(length));
        }
        Ok(self.buf.split_to(length))
    }

    fn truncated(&self, wanted: usize) -> DecodeError {
        DecodeError::Truncated { missing: wanted.saturating_sub(self.buf.len()) }
    }
}

impl From<TryGetError> for DecodeError {
    fn from(error: TryGetError) -> DecodeError {
        DecodeError::Truncated { missing: error.requested.saturating_sub(error.available) }
    }
}

fn fixed_length(what: &'static str, length: i32) -> Result<Option<usize>, DecodeError> {
    match length {
        -1 => Ok(None),
        _ => usize::try_from(length).map(Some).map_err(|_| invalid(what, length)),
    }
}

fn invalid(what: &'static str, value: impl TryInto<i64>) -> DecodeError {
    DecodeError::Invalid { what, value: value.try_into().unwrap_or(i64::MAX) }
}

fn to_usize(value: u32) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// Writes one frame.
#[derive(Debug, Default)]
pub struct Writer {
    buf: Vec<u8>,
    flexible: bool,
}

impl Writer {
    /// An empty frame, in the fixed spelling.
    pub fn new() -> Writer {
        Writer::default()
    }

    /// An empty frame with room for `capacity` bytes.
    pub fn with_capacity(capacity: usize) -> Writer {
        Writer { buf: Vec::with_capacity(capacity), flexible: false }
    }

    /// Chooses the spelling of what follows.
    pub fn set_flexible(&mut self, flexible: bool) {
        self.flexible = flexible;
    }

    /// What was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.buf
    }

    /// INT8.
    pub fn i8(&mut self, value: i8) {
        self.buf.extend(value.to_be_bytes());
    }

    /// INT16.
    pub fn i16(&mut self, value: i16) {
        self.buf.extend(value.to_be_bytes());
    }

    /// INT32.
    pub fn i32(&mut self, value: i32) {
        self.buf.extend(value.to_be_bytes());
    }

    /// INT64.
    pub fn i64(&mut self, value: i64) {
        self.buf.extend(value.to_be_bytes());
    }

    /// FLOAT64.
    pub fn f64(&mut self, value: f64) {
        self.buf.extend(value.to_be_bytes());
    }

    /// BOOLEAN.
    pub fn bool(&mut self, value: bool) {
        self.i8(i8::from(value));
    }

    /// UUID.
    pub fn uuid(&mut self, id: TopicId) {
        self.buf.extend(id.0);
    }

    /// UNSIGNED_VARINT.
    pub fn unsigned_varint(&mut self, mut value: u32) {
        while value >= 0x80 {
            let [low, ..] = value.to_le_bytes();
            self.buf.push(low | 0x80);
            value >>= 7;
        }
        let [low, ..] = value.to_le_bytes();
        self.buf.push(low);
    }

    /// STRING. The fixed spelling ends at 32,767 bytes and a longer string is cut there: no name may be nearly that
    /// long (a topic 249, a group's metadata 4,096 by default), and the frame must stay well-formed.
    pub fn string(&mut self, text: &str) {
        if self.flexible {
            self.compact_length(text.len());
            self.buf.extend(text.as_bytes());
        } else {
            let text = prefix(text, usize::from(i16::MAX.unsigned_abs()));
            self.i16(i16::try_from(text.len()).unwrap_or(i16::MAX));
            self.buf.extend(text.as_bytes());
        }
    }

    /// NULLABLE_STRING.
    pub fn nullable_string(&mut self, text: &Option<String>) {
        match text {
            Some(text) => self.string(text),
            None if self.flexible => self.unsigned_varint(0),
            None => self.i16(-1),
        }
    }

    /// BYTES.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.buf.extend(bytes);
    }

    /// BYTES that lie in several places.
    pub fn bytes_of(&mut self, parts: &[&[u8]]) {
        self.length(parts.iter().map(|part| part.len()).sum());
        parts.iter().for_each(|part| self.buf.extend_from_slice(part));
    }

    /// NULLABLE_BYTES.
    pub fn nullable_bytes(&mut self, bytes: &Option<Bytes>) {
        match bytes {
            Some(bytes) => self.bytes(bytes),
            None => self.null(),
        }
    }

    /// ARRAY of structures: `write` writes the fields; no tagged fields follow.
    pub fn array<T>(&mut self, elements: &[T], mut write: impl FnMut(&mut Writer, &T)) {
        self.length(elements.len());
        for element in elements {
            write(self, element);
            self.tags();
        }
    }

    /// ARRAY of structures, or null.
    pub fn nullable_array<T>(&mut self, elements: &Option<Vec<T>>, write: impl FnMut(&mut Writer, &T)) {
        match elements {
            Some(elements) => self.array(elements, write),
            None => self.null(),
        }
    }

    /// ARRAY of INT32.
    pub fn i32s(&mut self, values: &[i32]) {
        self.length(values.len());
        values.iter().for_each(|&value| self.i32(value));
    }

    /// ARRAY of INT64.
    pub fn i64s(&mut self, values: &[i64]) {
        self.length(values.len());
        values.iter().for_each(|&value| self.i64(value));
    }

    /// ARRAY of INT32, or null.
    pub fn nullable_i32s(&mut self, values: &Option<Vec<i32>>) {
        match values {
            Some(values) => self.i32s(values),
            None => self.null(),
        }
    }

    /// ARRAY of STRING.
    pub fn strings(&mut self, values: &[String]) {
        self.length(values.len());
        values.iter().for_each(|value| self.string(value));
    }

    /// ARRAY of STRING, or null.
    pub fn nullable_strings(&mut self, values: &Option<Vec<String>>) {
        match values {
            Some(values) => self.strings(values),
            None => self.null(),
        }
    }

    /// The end of a structure: no tagged fields. Nothing in the fixed spelling.
    pub fn tags(&mut self) {
        if self.flexible {
            self.unsigned_varint(0);
        }
    }

    /// Writes what `body` writes behind its length as an INT32.
    pub fn sized(&mut self, body: impl FnOnce(&mut Writer)) {
        let start = self.buf.len();
        self.i32(0);
        body(self);
        if let Some((length, body)) = self.buf.get_mut(start..).and_then(|tail| tail.split_first_chunk_mut())
        {
            *length = i32::try_from(body.len()).unwrap_or(i32::MAX).to_be_bytes();
        }
    }

    /// The length of bytes or of an array.
    fn length(&mut self, length: usize) {
        if self.flexible {
            self.compact_length(length);
        } else {
            self.i32(i32::try_from(length).unwrap_or(i32::MAX));
        }
    }

    fn compact_length(&mut self, length: usize) {
        self.unsigned_varint(u32::try_from(length).unwrap_or(u32::MAX).saturating_add(1));
    }

    /// Null instead of bytes or of an array.
    fn null(&mut self) {
        if self.flexible {
            self.unsigned_varint(0);
        } else {
            self.i32(-1);
        }
    }
}

/// The longest prefix of `text` within `max` bytes that ends between two characters.
fn prefix(text: &str, max: usize) -> &str {
    let end = (0..=max.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    end.and_then(|end| text.get(..end)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reader(bytes: &[u8], flexible: bool) -> Reader {
        let mut input = Reader::new(Bytes::copy_from_slice(bytes));
        input.set_flexible(flexible);
        input
    }

    fn invalid<T>(what: &'static str, value: i64) -> Result<T, DecodeError> {
        Err(DecodeError::Invalid { what, value })
    }

    #[test]
    fn varints_end_at_32_bits() {
        let mut last = reader(&[0xff, 0xff, 0xff, 0xff, 0x0f], true);
        assert_eq!(last.unsigned_varint(), Ok(u32::MAX));
        let mut too_large = reader(&[0xff, 0xff, 0xff, 0xff, 0x1f], true);
        assert_eq!(too_large.unsigned_varint(), invalid("varint", 0x1_ffff_ffff));
        let mut too_long = reader(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x01], true);
        assert_eq!(too_long.unsigned_varint(), invalid("varint", 0));
        assert_eq!(reader(&[0x80], true).unsigned_varint(), Err(DecodeError::Truncated { missing: 1 }));
    }

    #[test]
    fn null_where_there_is_no_null_is_an_error() {
        assert_eq!(reader(&[0xff, 0xff], false).string(), invalid("string length", -1));
        assert_eq!(reader(&[0], true).string(), invalid("string length", -1));
        assert_eq!(reader(&[0xff; 4], false).bytes(), invalid("bytes length", -1));
        assert_eq!(reader(&[0], true).bytes(), invalid("bytes length", -1));
    }

    #[test]
    fn a_null_array_reads_as_empty() {
        assert_eq!(reader(&[0xff; 4], false).i32s(), Ok(vec![]));
        assert_eq!(reader(&[0], true).i32s(), Ok(vec![]));
    }

    #[test]
    fn negative_lengths_are_errors() {
        assert_eq!(reader(&[0xff, 0xfe], false).nullable_string(), invalid("string length", -2));
        assert_eq!(reader(&[0x80, 0, 0, 0], false).nullable_bytes(), invalid("bytes length", -1 << 31));
        assert_eq!(reader(&[0xff, 0xff, 0xff, 0xfe], false).i32s(), invalid("array count", -2));
    }

    #[test]
    fn a_count_is_compared_with_the_bytes_left() {
        let two = [0, 0, 0, 2, 0, 0, 0, 7, 0, 0, 0, 8];
        assert_eq!(reader(&two, false).i32s(), Ok(vec![7, 8]));
        assert_eq!(reader(&two[..11], false).i32s(), invalid("array count", 2));
    }

    #[test]
    fn strings_are_utf8() {
        assert_eq!(reader(&[0, 1, 0xfc], false).string(), Err(DecodeError::NotUtf8));
        assert_eq!(reader(&[0, 3, b'a'], false).string(), Err(DecodeError::Truncated { missing: 2 }));
    }

    #[test]
    fn tagged_fields_are_read_alone_and_the_unknown_skipped() {
        // Three fields: 0 = two bytes, 5 = i16 and a byte from a later version, 6 = nothing.
        let bytes = [3, 0, 2, 0xaa, 0xbb, 5, 3, 1, 2, 0xcc, 6, 0, 0x77];
        let mut input = reader(&bytes, true);
        let mut seen = Vec::new();
        let mut read = |tag, field: &mut Reader| {
            if tag == 5 {
                seen.push(field.i16()?);
            }
            Ok(())
        };
        assert_eq!(input.known_tags(&mut read), Ok(()));
        assert_eq!((seen, input.i8()), (vec![0x0102], Ok(0x77)));

        let mut fixed = reader(&bytes, false);
        assert_eq!(fixed.tags(), Ok(()));
        assert_eq!(fixed.remaining(), bytes.len());
    }

    #[test]
    fn a_tagged_field_cannot_read_behind_its_end() {
        let mut input = reader(&[1, 5, 1, 0xaa, 0xbb, 0xcc], true);
        let error = input.known_tags(|_, field| field.i16().map(drop));
        assert_eq!(error, Err(DecodeError::Truncated { missing: 1 }));
    }

    #[test]
    fn a_string_too_long_for_its_length_is_cut_between_characters() {
        let mut out = Writer::new();
        out.string(&"ü".repeat(20_000));
        assert_eq!(reader(&out.into_bytes(), false).string(), Ok("ü".repeat(16_383)));

        let mut out = Writer::new();
        out.set_flexible(true);
        out.string(&"ü".repeat(20_000));
        assert_eq!(reader(&out.into_bytes(), true).string(), Ok("ü".repeat(20_000)));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            flexible: bool,
            varint: u32,
            text: Option<String>,
            bytes: Option<Vec<u8>>,
            numbers: Vec<i32>,
            texts: Vec<String>,
        ) {
            let bytes = bytes.map(Bytes::from);
            let mut out = Writer::new();
            out.set_flexible(flexible);
            out.unsigned_varint(varint);
            out.nullable_string(&text);
            out.nullable_bytes(&bytes);
            out.sized(|out| out.i32s(&numbers));
            out.strings(&texts);

            let mut input = reader(&out.into_bytes(), flexible);
            prop_assert_eq!(input.unsigned_varint(), Ok(varint));
            prop_assert_eq!(input.nullable_string(), Ok(text));
            prop_assert_eq!(input.nullable_bytes(), Ok(bytes));
            let size = usize::try_from(input.i32().unwrap()).unwrap();
            let behind = input.remaining() - size;
            prop_assert_eq!(input.i32s(), Ok(numbers));
            prop_assert_eq!(input.remaining(), behind);
            prop_assert_eq!(input.strings(), Ok(texts));
            prop_assert_eq!(input.remaining(), 0);
        }
    }
}
