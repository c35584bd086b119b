//! What a frame says.

use bytes::{Buf, Bytes, TryGetError};

use crate::engine::protocol::error::{DecodeError, ErrorCode};

use super::TopicId;

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
