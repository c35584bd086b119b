//! Fixed and variable integers, strings, arrays, tagged fields: the alphabet of the protocol.

use bytes::Bytes;

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
#[derive(Debug)]
pub struct Reader {
    buf: Bytes,
}

impl Reader {
    /// Reads `buf` from its start.
    pub fn new(buf: Bytes) -> Reader {
        Reader { buf }
    }

    /// Bytes left.
    pub fn remaining(&self) -> usize {
        self.buf.len()
    }
}

/// Writes one frame.
#[derive(Debug, Default)]
pub struct Writer {
    buf: Vec<u8>,
}

impl Writer {
    /// An empty frame.
    pub fn new() -> Writer {
        Writer::default()
    }

    /// What was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.buf
    }
}
