//! What is put into a frame.

use bytes::Bytes;

use super::TopicId;

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
