//! Snappy: one raw block, or xerial's framing (snappy-java, which the Java client uses).
//!
//! ```text
//! \x82SNAPPY\0 │ version i32 │ compatible version i32 │ (block length u32, raw block)*
//! ```

use super::{CodecError, Output};
use crate::engine::records::varint::Cursor;
use snap::raw::{Decoder, decompress_len};

pub(super) fn decompress(
    decoder: &mut Decoder,
    packed: &[u8],
    output: &mut Output,
) -> Result<(), CodecError> {
    if !packed.starts_with(MAGIC) {
        return block(decoder, packed, output);
    }
    let mut cursor = Cursor::new(packed);
    while cursor.remaining() > 0 {
        // Another stream may follow, with a header of its own.
        if cursor.rest().starts_with(MAGIC) {
            cursor.bytes(STREAM_HEADER).ok_or(CodecError::Truncated)?;
            continue;
        }
        let length = u32::from_be_bytes(cursor.array().ok_or(CodecError::Truncated)?);
        let length = usize::try_from(length).map_err(|_| CodecError::Truncated)?;
        block(decoder, cursor.bytes(length).ok_or(CodecError::Truncated)?, output)?;
    }
    Ok(())
}

fn block(decoder: &mut Decoder, packed: &[u8], output: &mut Output) -> Result<(), CodecError> {
    let length = decompress_len(packed).map_err(CodecError::corrupt)?;
    if output.is_last(length) {
        return Err(output.too_large());
    }
    if length > packed.len().saturating_mul(MAX_RATIO) {
        return Err(CodecError::corrupt("a snappy block claims an impossible size"));
    }
    let written = decoder.decompress(packed, output.room(length)?).map_err(CodecError::corrupt)?;
    output.advance(written)
}

const MAGIC: &[u8] = b"\x82SNAPPY\0";
/// Magic and two versions.
const STREAM_HEADER: usize = 16;
/// A copy of three bytes stands for 64 at most.
const MAX_RATIO: usize = 22;
