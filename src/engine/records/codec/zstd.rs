//! zstd, one shot into a reused buffer with a reused context.
//!
//! The Java client streams, so its frames do not say how large their content is. One shot needs no such thing, only
//! a buffer that is large enough, and the one from the last batch mostly is. If not: a larger one, and once more.
//! That is faster than zstd's streaming, which decodes into a window of its own and copies.

use zstd::zstd_safe::{DCtx, get_error_name, get_frame_content_size};

use super::{CodecError, Output, believe};

/// A reused context; made at the first use, it takes more than 100 KB.
#[derive(Default)]
pub(super) struct Zstd {
    context: Option<DCtx<'static>>,
}

impl Zstd {
    pub(super) fn decompress(&mut self, packed: &[u8], output: &mut Output) -> Result<(), CodecError> {
        let context = match &mut self.context {
            Some(context) => context,
            none => none.insert(DCtx::try_create().ok_or_else(|| CodecError::corrupt("out of memory"))?),
        };
        let mut want = match get_frame_content_size(packed) {
            Ok(Some(claimed)) => believe(claimed, packed.len()),
            _ => packed.len().saturating_mul(LIKELY_RATIO),
        };
        loop {
            want = want.max(output.spare());
            match context.decompress(output.room(want)?, packed) {
                Ok(length) => return output.advance(length),
                Err(TOO_SMALL) if output.is_last(want) => return Err(output.too_large()),
                Err(TOO_SMALL) => want = want.max(MIN_ROOM).saturating_mul(2),
                Err(code) => return Err(CodecError::corrupt(get_error_name(code))),
            }
        }
    }
}

/// zstd's `ZSTD_error_dstSize_tooSmall`, which is part of its stable interface, as a return value.
const TOO_SMALL: usize = 70usize.wrapping_neg();
/// First guess at the ratio.
const LIKELY_RATIO: usize = 4;
/// First step up from a guess of nothing.
const MIN_ROOM: usize = 4096;
