//! What can be wrong with fetched records. Every error names the offset of the batch, so that the user can seek past it.

use std::fmt;

/// A compression codec, by its number in a batch's attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// 1: gzip (RFC 1952), possibly several members.
    Gzip,
    /// 2: snappy, raw or in the framing of xerial's snappy-java.
    Snappy,
    /// 3: LZ4 frames.
    Lz4,
    /// 4: zstd (KIP-110).
    Zstd,
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Codec::Gzip => "gzip",
            Codec::Snappy => "snappy",
            Codec::Lz4 => "lz4",
            Codec::Zstd => "zstd",
        })
    }
}

/// Why a batch could not be decompressed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The input ends inside the stream.
    #[error("the compressed data ends early")]
    Truncated,
    /// Not what the codec calls a stream.
    #[error("{what}")]
    Corrupt {
        /// The codec's words.
        what: String,
    },
    /// More output than a batch may have: perhaps a decompression bomb.
    #[error("it decompresses to more than maxDecompressedBytes ({limit})")]
    TooLarge {
        /// The limit of [`super::Decompressor::new`], bytes.
        limit: usize,
    },
    /// The process cannot have the memory for what it decompresses to.
    #[error(
        "there is no memory for the {bytes} bytes that it decompresses to; maxDecompressedBytes limits them"
    )]
    NoMemory {
        /// How much was asked for, bytes.
        bytes: usize,
    },
}

impl CodecError {
    pub(super) fn corrupt(what: impl fmt::Display) -> CodecError {
        CodecError::Corrupt { what: what.to_string() }
    }
}

/// Records that cannot be read. `offset` is the base offset of the batch at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Bytes, but not one complete batch; brokers send at least the first batch whole (KIP-74).
    #[error("{length} bytes fetched at offset {offset} hold no complete record batch")]
    NoCompleteBatch {
        /// The offset asked for.
        offset: i64,
        /// How many bytes came.
        length: usize,
    },
    /// A field of the batch header that cannot be.
    #[error("record batch at offset {offset}: invalid {what}: {value}")]
    InvalidBatch {
        /// Base offset of the batch.
        offset: i64,
        /// Which field.
        what: &'static str,
        /// Its value.
        value: i64,
    },
    /// The checksum does not fit the bytes.
    #[error("record batch at offset {offset}: CRC is {actual:#010x}, the batch says {expected:#010x}")]
    CrcMismatch {
        /// Base offset of the batch.
        offset: i64,
        /// What the batch says.
        expected: u32,
        /// What its bytes give.
        actual: u32,
    },
    /// Decompression failed.
    #[error("record batch at offset {offset}: {codec}: {error}")]
    Decompress {
        /// Base offset of the batch.
        offset: i64,
        /// Which codec.
        codec: Codec,
        /// Why.
        error: CodecError,
    },
    /// A batch where none can be. The checksum does not cover its base offset.
    #[error("record batch at offset {offset}: out of place at position {position} of {high_watermark}")]
    OutOfPlace {
        /// Base offset of the batch.
        offset: i64,
        /// The next offset to be read.
        position: i64,
        /// The partition's end, as told with it.
        high_watermark: i64,
    },
    /// The process cannot have the memory for a record.
    #[error("record batch at offset {offset}: there is no memory for a record of {bytes} bytes")]
    NoMemory {
        /// The position: the record's offset, or one before it.
        offset: i64,
        /// How much was asked for, bytes.
        bytes: usize,
    },
    /// A record that cannot be. Earlier deliveries may have had records of its batch; this one has none.
    #[error("record batch at offset {offset}: {what}")]
    InvalidRecord {
        /// Base offset of the batch.
        offset: i64,
        /// What is wrong with it.
        what: &'static str,
    },
}

impl RecordError {
    /// Is it the batch that cannot be read? Not when it is in the wrong place or incomplete, or when the process has no memory for it.
    pub(super) fn is_of_batch(&self) -> bool {
        match self {
            RecordError::InvalidBatch { .. }
            | RecordError::CrcMismatch { .. }
            | RecordError::InvalidRecord { .. } => true,
            RecordError::Decompress { error, .. } => !matches!(error, CodecError::NoMemory { .. }),
            RecordError::NoCompleteBatch { .. }
            | RecordError::OutOfPlace { .. }
            | RecordError::NoMemory { .. } => false,
        }
    }

    /// Base offset of the batch at fault (for [`RecordError::NoCompleteBatch`] the offset asked for).
    pub fn offset(&self) -> i64 {
        match self {
            RecordError::NoCompleteBatch { offset, .. }
            | RecordError::InvalidBatch { offset, .. }
            | RecordError::OutOfPlace { offset, .. }
            | RecordError::CrcMismatch { offset, .. }
            | RecordError::Decompress { offset, .. }
            | RecordError::NoMemory { offset, .. }
            | RecordError::InvalidRecord { offset, .. } => *offset,
        }
    }
}
