//! LZ4 frames: walked by hand around the block decoder, straight into the output.
//!
//! Checksums are not looked at: the CRC of the batch covers them, and the header checksum that clients wrote into
//! messages of magic 0 is wrong (KAFKA-3160).
//!
//! ```text
//! magic u32 │ FLG │ BD │ content size u64? │ dictionary id u32? │ header checksum │ (size u32, block, checksum u32?)*
//!           │ end mark u32 = 0 │ content checksum u32?
//! ```

use lz4_flex::block::{DecompressError, decompress_into, decompress_into_with_dict};

use super::{CodecError, Output, believe};
use crate::engine::records::varint::Cursor;

pub(super) fn decompress(packed: &[u8], output: &mut Output) -> Result<(), CodecError> {
    let mut cursor = Cursor::new(packed);
    loop {
        frame(&mut cursor, output)?;
        if !cursor.rest().starts_with(&MAGIC) {
            return Ok(());
        }
    }
}

fn frame(cursor: &mut Cursor<'_>, output: &mut Output) -> Result<(), CodecError> {
    let magic: [u8; 4] = cursor.array().ok_or(CodecError::Truncated)?;
    let [flags, descriptor] = cursor.array().ok_or(CodecError::Truncated)?;
    if magic != MAGIC || flags & VERSION_MASK != VERSION {
        return Err(CodecError::corrupt("no LZ4 frame header"));
    }
    let max_block = match descriptor >> 4 & 0b111 {
        4 => 64 * 1024,
        5 => 256 * 1024,
        6 => 1024 * 1024,
        7 => 4 * 1024 * 1024,
        _ => return Err(CodecError::corrupt("unknown LZ4 block size")),
    };
    if flags & CONTENT_SIZE != 0 {
        let claimed = u64::from_le_bytes(cursor.array().ok_or(CodecError::Truncated)?);
        output.room(believe(claimed, cursor.remaining()))?;
    }
    if flags & DICTIONARY != 0 {
        return Err(CodecError::corrupt("LZ4 dictionaries are not supported"));
    }
    let _header_checksum = cursor.bytes(1).ok_or(CodecError::Truncated)?;
    let start = output.bytes().len();
    loop {
        let size = u32::from_le_bytes(cursor.array().ok_or(CodecError::Truncated)?);
        if size == END_MARK {
            break;
        }
        let is_stored = size & STORED != 0;
        let size = usize::try_from(size & !STORED).map_err(|_| CodecError::Truncated)?;
        if size > max_block {
            return Err(CodecError::corrupt("an LZ4 block is larger than its frame allows"));
        }
        let block = cursor.bytes(size).ok_or(CodecError::Truncated)?;
        if flags & BLOCK_CHECKSUM != 0 {
            cursor.bytes(4).ok_or(CodecError::Truncated)?;
        }
        if is_stored {
            store(block, output)?;
        } else {
            let is_linked = flags & INDEPENDENT == 0;
            inflate(block, max_block, is_linked.then_some(start), output)?;
        }
    }
    if flags & CONTENT_CHECKSUM != 0 {
        cursor.bytes(4).ok_or(CodecError::Truncated)?;
    }
    Ok(())
}

fn store(block: &[u8], output: &mut Output) -> Result<(), CodecError> {
    match output.room(block.len())? {
        room if room.len() == block.len() => room.copy_from_slice(block),
        _ => return Err(output.too_large()),
    }
    output.advance(block.len())
}

/// Decompresses a block. A linked one may refer to the 64 KiB before it, from `linked` on.
fn inflate(
    block: &[u8],
    max_block: usize,
    linked: Option<usize>,
    output: &mut Output,
) -> Result<(), CodecError> {
    let want = max_block.min(block.len().saturating_mul(MAX_RATIO));
    let is_last = output.is_last(want);
    let (written, room) = output.parts(want)?;
    let window = match linked {
        Some(start) => written.get(start.max(written.len().saturating_sub(WINDOW))..).unwrap_or_default(),
        None => &[],
    };
    let inflated = match window {
        [] => decompress_into(block, room),
        _ => decompress_into_with_dict(block, room, window),
    };
    match inflated {
        Ok(length) => output.advance(length),
        Err(DecompressError::OutputTooSmall { .. }) if is_last => Err(output.too_large()),
        Err(error) => Err(CodecError::corrupt(error)),
    }
}

const MAGIC: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];
const VERSION_MASK: u8 = 0b1100_0000;
const VERSION: u8 = 0b0100_0000;
const INDEPENDENT: u8 = 1 << 5;
const BLOCK_CHECKSUM: u8 = 1 << 4;
const CONTENT_SIZE: u8 = 1 << 3;
const CONTENT_CHECKSUM: u8 = 1 << 2;
const DICTIONARY: u8 = 1;
const END_MARK: u32 = 0;
/// Set in the size of a block that is not compressed.
const STORED: u32 = 1 << 31;
/// A byte that lengthens a match adds 255 bytes at most.
const MAX_RATIO: usize = 255;
/// How far back a match may reach.
const WINDOW: usize = 64 * 1024;
