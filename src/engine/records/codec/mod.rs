//! Compression, and decompression into buffers that are reused and never grow beyond a limit.
//!
//! No size field is trusted for more than a modest multiple of the input: a wrong one costs a few growth steps.

mod compress;
mod gzip;
mod lz4;
mod snappy;
mod zstd;

pub use compress::{CompressError, Compressor};

use super::error::{Codec, CodecError};
use super::tables::Tables;

/// What reading records reuses from batch to batch: codec states, buffers, tables. One per thread.
pub struct Decompressor {
    limit: usize,
    largest_delivery: usize,
    gzip: gzip::Gzip,
    snappy: snap::raw::Decoder,
    zstd: zstd::Zstd,
    spare: Vec<u8>,
    pub(super) tables: Tables,
}

impl Decompressor {
    /// `limit`: how many bytes one batch may decompress to; never more than `i32::MAX`. See also
    /// [`Decompressor::largest_delivery`].
    pub fn new(limit: usize) -> Decompressor {
        let limit = limit.min(i32::MAX as usize);
        Decompressor {
            limit,
            largest_delivery: limit.saturating_mul(2).min(i32::MAX as usize),
            gzip: gzip::Gzip::default(),
            snappy: snap::raw::Decoder::new(),
            zstd: zstd::Zstd::default(),
            spare: Vec::new(),
            tables: Tables::default(),
        }
    }

    /// How many bytes of slab one record may need, at least: a record that is not compressed knows no limit.
    #[must_use]
    pub fn with_largest_delivery(mut self, bytes: usize) -> Decompressor {
        self.largest_delivery = self.largest_delivery.max(bytes).min(i32::MAX as usize);
        self
    }

    /// How many bytes of slab one record may need: as many as a batch may decompress to, and the same again for what is
    /// listed of its headers, if nobody said more. Without headers a record is never so large.
    pub(super) fn largest_delivery(&self) -> usize {
        self.largest_delivery
    }

    /// Decompresses the records of one batch.
    pub(super) fn decompress(&mut self, codec: Codec, packed: &[u8]) -> Result<Output, CodecError> {
        let mut output = Output { buffer: std::mem::take(&mut self.spare), length: 0, limit: self.limit };
        let result = match codec {
            Codec::Gzip => self.gzip.decompress(packed, &mut output),
            Codec::Snappy => snappy::decompress(&mut self.snappy, packed, &mut output),
            Codec::Lz4 => lz4::decompress(packed, &mut output),
            Codec::Zstd => self.zstd.decompress(packed, &mut output),
        };
        match result {
            Ok(()) => Ok(output),
            Err(error) => {
                self.recycle(output);
                Err(error)
            }
        }
    }

    /// Takes a buffer back.
    pub(super) fn recycle(&mut self, output: Output) {
        let size = output.buffer.len();
        if size > self.spare.len() && size <= MAX_SPARE {
            self.spare = output.buffer;
        }
    }
}

impl std::fmt::Debug for Decompressor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decompressor").field("limit", &self.limit).finish_non_exhaustive()
    }
}

/// Decompressed bytes.
pub(super) struct Output {
    /// Initialised as far as it was ever used, so that reuse need not clear it.
    buffer: Vec<u8>,
    /// How much of it counts.
    length: usize,
    limit: usize,
}

impl Output {
    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer.get(..self.length).unwrap_or_default()
    }

    /// What was written, and room for `want` more bytes or, when that is beyond the limit, for one byte more than
    /// the limit allows: [`Output::advance`] finds out. When the process cannot have the memory, that is an error: the limit
    /// may be larger than what is left, and an allocation that fails would end the process.
    fn parts(&mut self, want: usize) -> Result<(&[u8], &mut [u8]), CodecError> {
        let end = self.length.saturating_add(want).min(self.limit.saturating_add(1));
        if end > self.buffer.len() {
            let more = end - self.buffer.len();
            self.buffer.try_reserve(more).map_err(|_| CodecError::NoMemory { bytes: end })?;
            self.buffer.resize(end, 0);
        }
        let (written, room) = self.buffer.split_at_mut(self.length);
        Ok((written, room.split_at_mut(end - self.length).0))
    }

    /// The room alone.
    fn room(&mut self, want: usize) -> Result<&mut [u8], CodecError> {
        Ok(self.parts(want)?.1)
    }

    /// Room that is there already, for whatever it is good.
    fn spare(&self) -> usize {
        self.buffer.len() - self.length
    }

    /// Counts `n` bytes of the room as written.
    fn advance(&mut self, n: usize) -> Result<(), CodecError> {
        self.length += n;
        if self.length > self.limit { Err(self.too_large()) } else { Ok(()) }
    }

    fn too_large(&self) -> CodecError {
        CodecError::TooLarge { limit: self.limit }
    }

    /// Does room for `want` bytes reach the limit?
    fn is_last(&self, want: usize) -> bool {
        self.length.saturating_add(want) > self.limit
    }
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Output({} bytes)", self.length)
    }
}

/// How far a size field is believed, given the bytes that it came with.
fn believe(claimed: u64, packed: usize) -> usize {
    let plausible = packed.saturating_mul(BELIEVED_RATIO).max(BELIEVED_SIZE);
    usize::try_from(claimed).unwrap_or(usize::MAX).min(plausible)
}

/// Compression ratio up to which a size field is believed.
const BELIEVED_RATIO: usize = 32;
/// Size up to which it is believed in any case.
const BELIEVED_SIZE: usize = 64 * 1024;
/// Larger buffers are not kept.
const MAX_SPARE: usize = 16 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_the_process_cannot_have_is_an_error() {
        let mut output = Output { buffer: vec![0; 8], length: 8, limit: usize::MAX };
        let more = isize::MAX.unsigned_abs();
        assert_eq!(output.room(more).err(), Some(CodecError::NoMemory { bytes: more + 8 }));
        assert_eq!(output.room(16).map(|room| room.len()), Ok(16), "what there is goes on to be used");
    }
}
