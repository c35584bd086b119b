//! Writes record batches (magic 2, KIP-98): a record is written once, behind the ones before, and stays where it is; the
//! header in front of them is written for each attempt, with the sequence that the batch has then.
//!
//! ```text
//! append ─► append ─► … ─► close ─► Records ── header(base sequence …) ─► 61 bytes ┐
//!                                      └ compress (a job, off the lock)  ─► body   ┴► Produce
//! ```

use std::iter;

use bytes::{Bytes, BytesMut};

use super::batch::{BATCH_OVERHEAD, LOG_OVERHEAD, TRANSACTIONAL};
use super::codec::{CompressError, Compressor};
use super::error::Codec;
use super::turn::{Compression, Message};
use super::varint::Cursor;

/// Records that come to be a batch.
#[derive(Debug, Default)]
pub struct BatchWriter {
    body: BytesMut,
    count: i32,
    first_timestamp: i64,
    max_timestamp: i64,
}

/// The records of a batch, complete. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Records {
    body: Bytes,
    codec: Option<Codec>,
    count: i32,
    first_timestamp: i64,
    max_timestamp: i64,
}

/// A record of a batch, without what says where in it: it can be copied into another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written<'a> {
    timestamp: i64,
    rest: &'a [u8],
}

/// Who a batch is from, for the broker to tell a repetition from a gap (KIP-98).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sequence {
    /// The producer.
    pub producer_id: i64,
    /// Its epoch.
    pub epoch: i16,
    /// The number of the batch's first record.
    pub base: i32,
}

impl BatchWriter {
    /// Writes into `buffer`, whatever it held.
    pub fn reusing(mut buffer: BytesMut) -> BatchWriter {
        buffer.clear();
        BatchWriter { body: buffer, ..BatchWriter::default() }
    }

    /// How many records it has.
    pub fn count(&self) -> i32 {
        self.count
    }

    /// Its bytes, without the header.
    pub fn len(&self) -> usize {
        self.body.len()
    }

    /// Has it no record?
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// What `message` will take, the header aside.
    pub fn size_of(&self, message: &Message<'_>) -> usize {
        let size = self.record_size(message);
        size + varint_size(long(size))
    }

    /// Adds a record.
    pub fn append(&mut self, message: &Message<'_>) {
        if self.count == 0 {
            self.first_timestamp = message.timestamp;
            self.max_timestamp = message.timestamp;
        }
        let size = self.record_size(message);
        let timestamp_delta = message.timestamp.wrapping_sub(self.first_timestamp);
        self.body.reserve(size + MAX_VARINT);
        self.varint(long(size));
        self.body.extend_from_slice(&[0]); // attributes
        self.varint(timestamp_delta);
        self.varint(self.count.into());
        self.field(message.key);
        self.field(message.value);
        self.varint(long(message.headers.count()));
        for (name, value) in message.headers.iter() {
            self.field(Some(name));
            self.field(value);
        }
        self.count += 1;
        self.max_timestamp = self.max_timestamp.max(message.timestamp);
    }

    /// No more records.
    pub fn close(self) -> Records {
        let BatchWriter { body, count, first_timestamp, max_timestamp } = self;
        Records { body: body.freeze(), codec: None, count, first_timestamp, max_timestamp }
    }

    /// Adds a record of another batch.
    pub fn copy(&mut self, Written { timestamp, rest }: Written<'_>) {
        if self.count == 0 {
            self.first_timestamp = timestamp;
            self.max_timestamp = timestamp;
        }
        let delta = timestamp.wrapping_sub(self.first_timestamp);
        let size = 1 + varint_size(delta) + varint_size(self.count.into()) + rest.len();
        self.varint(long(size));
        self.body.extend_from_slice(&[0]); // attributes
        self.varint(delta);
        self.varint(self.count.into());
        self.body.extend_from_slice(rest);
        self.count += 1;
        self.max_timestamp = self.max_timestamp.max(timestamp);
    }

    fn record_size(&self, message: &Message<'_>) -> usize {
        let timestamp_delta = match self.count {
            0 => 0,
            _ => message.timestamp.wrapping_sub(self.first_timestamp),
        };
        let headers = message.headers;
        let of_headers: usize =
            headers.iter().map(|(name, value)| field_size(Some(name)) + field_size(value)).sum();
        1 + varint_size(timestamp_delta)
            + varint_size(self.count.into())
            + field_size(message.key)
            + field_size(message.value)
            + varint_size(long(headers.count()))
            + of_headers
    }

    fn field(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => {
                self.varint(long(bytes.len()));
                self.body.extend_from_slice(bytes);
            }
            None => self.varint(-1),
        }
    }

    #[inline]
    fn varint(&mut self, value: i64) {
        let mut raw = zigzag(value);
        while raw >= 0x80 {
            let [low, ..] = raw.to_le_bytes();
            self.body.extend_from_slice(&[low | 0x80]);
            raw >>= 7;
        }
        let [low, ..] = raw.to_le_bytes();
        self.body.extend_from_slice(&[low]);
    }
}

impl<'a> Written<'a> {
    /// Null, or bytes, perhaps none.
    pub fn key(self) -> Option<&'a [u8]> {
        let mut cursor = Cursor::new(self.rest);
        cursor.varint().and_then(|length| cursor.bytes(usize::try_from(length).ok()?))
    }
}

impl Records {
    /// How many.
    pub fn count(&self) -> i32 {
        self.count
    }

    /// The bytes behind the header.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Bytes of the whole batch.
    pub fn size(&self) -> usize {
        BATCH_OVERHEAD + self.body.len()
    }

    /// The same records, compressed. Whatever the codec makes of them is taken, as in kafkajs: asking for compression and not
    /// getting it would surprise more than a batch that has grown.
    ///
    /// # Errors
    ///
    /// The level is none of the codec's.
    pub fn compress(
        &self,
        compressor: &mut Compressor,
        compression: Compression,
    ) -> Result<Records, CompressError> {
        let body = compressor.compress(compression, &self.body)?;
        Ok(Records { body: body.into(), codec: Some(compression.codec), ..self.clone() })
    }

    /// The header of a batch of these records. `None`: a producer that is not idempotent.
    pub fn header(&self, sequence: Option<Sequence>, transactional: bool) -> [u8; BATCH_OVERHEAD] {
        let Sequence { producer_id, epoch, base } =
            sequence.unwrap_or(Sequence { producer_id: -1, epoch: -1, base: -1 });
        let codec = match self.codec {
            None => 0,
            Some(Codec::Gzip) => 1,
            Some(Codec::Snappy) => 2,
            Some(Codec::Lz4) => 3,
            Some(Codec::Zstd) => 4,
        };
        let attributes: i16 = codec | if transactional { TRANSACTIONAL } else { 0 };
        let length = i32::try_from(self.size() - LOG_OVERHEAD).unwrap_or(i32::MAX);

        let mut header = [0; BATCH_OVERHEAD];
        let (before, covered) = header.split_at_mut(CRC_START);
        let mut fields = Fields(covered);
        fields.put(attributes.to_be_bytes());
        fields.put((self.count - 1).to_be_bytes());
        fields.put(self.first_timestamp.to_be_bytes());
        fields.put(self.max_timestamp.to_be_bytes());
        fields.put(producer_id.to_be_bytes());
        fields.put(epoch.to_be_bytes());
        fields.put(base.to_be_bytes());
        fields.put(self.count.to_be_bytes());
        let crc = crc32c::crc32c_append(crc32c::crc32c(covered), &self.body);

        let mut fields = Fields(before);
        fields.put(0i64.to_be_bytes()); // base offset: the broker's to give
        fields.put(length.to_be_bytes());
        fields.put(LEADER_EPOCH.to_be_bytes());
        fields.put(2i8.to_be_bytes()); // magic
        fields.put(crc.to_be_bytes());
        header
    }

    /// The same records in two batches, the first of which has `at`: the offsets and timestamps of the others begin anew.
    /// `None` when that leaves one of them empty, or these are compressed.
    pub fn split(&self, at: i32) -> Option<(Records, Records)> {
        if self.codec.is_some() || at <= 0 || at >= self.count {
            return None;
        }
        let (mut first, mut second) = (BatchWriter::default(), BatchWriter::default());
        for (n, record) in (0..).zip(self.iter()) {
            let part = if n < at { &mut first } else { &mut second };
            part.copy(record);
        }
        Some((first.close(), second.close()))
    }

    /// Each record; none of them when they are compressed.
    pub fn iter(&self) -> impl Iterator<Item = Written<'_>> {
        let mut cursor = Cursor::new(if self.codec.is_none() { &self.body } else { &[] });
        iter::from_fn(move || {
            let size = usize::try_from(cursor.varint()?).ok()?;
            let mut record = Cursor::new(cursor.bytes(size)?);
            let _attributes: [u8; 1] = record.array()?;
            let timestamp = self.first_timestamp.wrapping_add(record.varlong()?);
            record.varint()?;
            Some(Written { timestamp, rest: record.rest() })
        })
    }

    /// The buffer, for the next batch; `None` while somebody else has a part of it.
    pub fn into_buffer(self) -> Option<BytesMut> {
        self.body.try_into_mut().ok()
    }
}

/// Fields of known size into a header of their sizes' sum.
struct Fields<'a>(&'a mut [u8]);

impl Fields<'_> {
    fn put<const N: usize>(&mut self, field: [u8; N]) {
        if let Some((room, rest)) = std::mem::take(&mut self.0).split_first_chunk_mut() {
            *room = field;
            self.0 = rest;
        }
    }
}

fn field_size(bytes: Option<&[u8]>) -> usize {
    bytes.map_or(1, |bytes| varint_size(long(bytes.len())) + bytes.len())
}

/// Bytes of a varint: seven bits each.
#[inline]
fn varint_size(value: i64) -> usize {
    let bits = 64 - (zigzag(value) | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

#[inline]
fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

#[inline]
fn long(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// The CRC covers everything from here, the attributes, on.
const CRC_START: usize = 21;
/// The leader writes its own.
const LEADER_EPOCH: i32 = -1;
/// Bytes of the longest varint that is a size.
const MAX_VARINT: usize = 5;
