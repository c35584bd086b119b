//! Compression, with states that are reused from batch to batch.

use std::io::Write;

use flate2::write::GzEncoder;
use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};

use crate::engine::records::error::Codec;
use crate::engine::records::turn::Compression;

/// What compressing reuses. One per thread.
pub struct Compressor {
    zstd: Option<zstd::bulk::Compressor<'static>>,
    snappy: snap::raw::Encoder,
}

/// Why records could not be compressed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompressError {
    /// The codec has no such level.
    #[error("{codec} has no compression level {level}; it has {lowest} to {highest}")]
    Level {
        /// Which codec.
        codec: Codec,
        /// What was asked for.
        level: i32,
        /// The lowest level that there is.
        lowest: i32,
        /// The highest.
        highest: i32,
    },
    /// The codec failed, which is no property of the records.
    #[error("{codec}: {what}")]
    Codec {
        /// Which codec.
        codec: Codec,
        /// Its words.
        what: String,
    },
}

impl Default for Compressor {
    fn default() -> Compressor {
        Compressor { zstd: None, snappy: snap::raw::Encoder::new() }
    }
}

impl Compressor {
    /// Compresses the records of one batch, as Java's client and kafkajs read them.
    pub(crate) fn compress(
        &mut self,
        compression: Compression,
        body: &[u8],
    ) -> Result<Vec<u8>, CompressError> {
        let Compression { codec, level } = compression;
        check_level(compression)?;
        let failed = |error: &dyn std::fmt::Display| CompressError::Codec { codec, what: error.to_string() };
        match codec {
            Codec::Gzip => {
                let level = level.and_then(|level| u32::try_from(level).ok()).unwrap_or(GZIP_LEVEL);
                let mut encoder = GzEncoder::new(room_for(body), flate2::Compression::new(level));
                encoder.write_all(body).and_then(|()| encoder.finish()).map_err(|error| failed(&error))
            }
            Codec::Snappy => self.xerial(body).map_err(|error| failed(&error)),
            Codec::Lz4 => {
                // As Java writes them: independent blocks of 64 KiB. It refuses linked ones.
                let info = FrameInfo::new().block_size(BlockSize::Max64KB).block_mode(BlockMode::Independent);
                let mut encoder = FrameEncoder::with_frame_info(info, room_for(body));
                encoder.write_all(body).map_err(|error| failed(&error))?;
                encoder.finish().map_err(|error| failed(&error))
            }
            Codec::Zstd => {
                let level = level.unwrap_or(ZSTD_LEVEL);
                let compressor = match &mut self.zstd {
                    Some(compressor) => compressor,
                    none => none.insert(zstd::bulk::Compressor::new(level).map_err(|error| failed(&error))?),
                };
                compressor
                    .set_compression_level(level)
                    .and_then(|()| compressor.compress(body))
                    .map_err(|error| failed(&error))
            }
        }
    }

    /// The framing of snappy-java, in blocks of its size: Java reads nothing else.
    fn xerial(&mut self, body: &[u8]) -> Result<Vec<u8>, snap::Error> {
        let mut out = room_for(body);
        out.extend_from_slice(XERIAL);
        for block in body.chunks(XERIAL_BLOCK) {
            let at = out.len();
            out.resize(at + 4 + snap::raw::max_compress_len(block.len()), 0);
            let (size, room) = out.get_mut(at..).unwrap_or_default().split_at_mut(4);
            let length = self.snappy.compress(block, room)?;
            size.copy_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
            out.truncate(at + 4 + length);
        }
        Ok(out)
    }
}

impl std::fmt::Debug for Compressor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compressor").finish_non_exhaustive()
    }
}

/// snappy has no levels and what is asked of it does not matter; nor has LZ4 as it is written here.
fn check_level(Compression { codec, level }: Compression) -> Result<(), CompressError> {
    let (lowest, highest) = match codec {
        Codec::Gzip => (0, 9),
        Codec::Zstd => (*zstd::compression_level_range().start(), *zstd::compression_level_range().end()),
        Codec::Snappy | Codec::Lz4 => return Ok(()),
    };
    match level {
        Some(level) if !(lowest..=highest).contains(&level) => {
            Err(CompressError::Level { codec, level, lowest, highest })
        }
        _ => Ok(()),
    }
}

/// A buffer that mostly will do.
fn room_for(body: &[u8]) -> Vec<u8> {
    Vec::with_capacity(body.len() / 2 + 64)
}

/// Node's and so kafkajs's default.
const GZIP_LEVEL: u32 = 6;
/// zstd's and so Java's default.
const ZSTD_LEVEL: i32 = 3;
/// Magic, version 1, compatible with version 1.
const XERIAL: &[u8] = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01";
/// snappy-java's block.
const XERIAL_BLOCK: usize = 32 * 1024;
