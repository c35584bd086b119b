//! gzip (RFC 1952): members one after the other, each a header, a deflate stream and a trailer.
//!
//! The framing is read by hand around a raw inflater, because that can be reused from member to member.

use flate2::{Decompress, FlushDecompress, Status};

use super::{CodecError, Output, believe};
use crate::engine::records::varint::Cursor;

/// A reused inflater.
#[derive(Debug)]
pub(super) struct Gzip {
    inflater: Decompress,
}

impl Default for Gzip {
    fn default() -> Gzip {
        Gzip { inflater: Decompress::new(false) }
    }
}

impl Gzip {
    pub(super) fn decompress(&mut self, packed: &[u8], output: &mut Output) -> Result<(), CodecError> {
        let mut rest = packed;
        loop {
            rest = self.member(rest, output)?;
            // What follows and is no further member counts as padding, as in Java.
            if !rest.starts_with(&MAGIC) {
                return Ok(());
            }
        }
    }

    /// Inflates one member; answers what follows it.
    fn member<'a>(&mut self, packed: &'a [u8], output: &mut Output) -> Result<&'a [u8], CodecError> {
        let mut rest = skip_header(packed)?;
        // If this is the only member, the last four bytes of the input are its size. If not, they are a guess as good as another.
        let claimed = packed.last_chunk().map_or(0, |size| u32::from_le_bytes(*size));
        let mut want = believe(claimed.into(), packed.len()).max(MIN_ROOM).saturating_add(1);
        let start = output.bytes().len();
        self.inflater.reset(false);
        loop {
            let (read, written) = (self.inflater.total_in(), self.inflater.total_out());
            let room = output.room(want)?;
            let status = self
                .inflater
                .decompress(rest, room, FlushDecompress::None)
                .map_err(|error| CodecError::corrupt(error.message().unwrap_or("invalid deflate stream")))?;
            let (read, written) = (self.inflater.total_in() - read, self.inflater.total_out() - written);
            let is_full = written == room.len() as u64;
            output.advance(usize::try_from(written).unwrap_or(usize::MAX))?;
            rest = usize::try_from(read).ok().and_then(|read| rest.get(read..)).unwrap_or_default();
            match status {
                Status::StreamEnd => break,
                _ if !is_full => return Err(CodecError::Truncated),
                _ => want = output.bytes().len().max(MIN_ROOM),
            }
        }
        let mut trailer = Cursor::new(rest);
        let (Some(crc), Some(size)) = (trailer.array(), trailer.array()) else {
            return Err(CodecError::Truncated);
        };
        let inflated = output.bytes().get(start..).unwrap_or_default();
        if u64::from(u32::from_le_bytes(size)) != inflated.len() as u64 & 0xffff_ffff {
            return Err(CodecError::corrupt("the size in the gzip trailer is wrong"));
        }
        if u32::from_le_bytes(crc) != crc32fast::hash(inflated) {
            return Err(CodecError::corrupt("the CRC in the gzip trailer is wrong"));
        }
        Ok(trailer.rest())
    }
}

fn skip_header(packed: &[u8]) -> Result<&[u8], CodecError> {
    let mut cursor = Cursor::new(packed);
    let [id1, id2, method, flags] = cursor.array().ok_or(CodecError::Truncated)?;
    if [id1, id2] != MAGIC || method != DEFLATE || flags & RESERVED != 0 {
        return Err(CodecError::corrupt("no gzip header"));
    }
    let _time_xfl_os = cursor.bytes(6).ok_or(CodecError::Truncated)?;
    if flags & EXTRA != 0 {
        let length = u16::from_le_bytes(cursor.array().ok_or(CodecError::Truncated)?);
        cursor.bytes(length.into()).ok_or(CodecError::Truncated)?;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            let end = cursor.rest().iter().position(|byte| *byte == 0).ok_or(CodecError::Truncated)?;
            cursor.bytes(end + 1).ok_or(CodecError::Truncated)?;
        }
    }
    if flags & HEADER_CRC != 0 {
        cursor.bytes(2).ok_or(CodecError::Truncated)?;
    }
    Ok(cursor.rest())
}

const MAGIC: [u8; 2] = [0x1f, 0x8b];
const DEFLATE: u8 = 8;
const HEADER_CRC: u8 = 1 << 1;
const EXTRA: u8 = 1 << 2;
const NAME: u8 = 1 << 3;
const COMMENT: u8 = 1 << 4;
const RESERVED: u8 = 0b1110_0000;
/// The inflater is fastest with a few hundred bytes to spare.
const MIN_ROOM: usize = 1024;
