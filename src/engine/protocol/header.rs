//! Request and response headers, and whole request frames.
//!
//! ```text
//! request   v1  key i16, version i16, correlation id i32, client id (nullable string)
//!           v2  the same, then tagged fields; the client id keeps its fixed spelling
//! response  v0  correlation id i32
//!           v1  the same, then tagged fields
//! ```
//! The later header goes with the flexible versions of an API. The one exception is the response header of
//! ApiVersions, always v0: a client that asked in a version unknown to the broker must be able to read the refusal.

use bytes::Bytes;

use super::{ApiKey, DecodeError, Reader, Request, Writer};

/// A whole request: length, header, body.
///
/// `version` must lie within [`ApiKey::versions`]. A client id is cut at 32,767 bytes.
pub fn encode_frame(request: &Request, version: i16, correlation_id: i32, client_id: &str) -> Vec<u8> {
    let key = request.key();
    let mut out = Writer::with_capacity(TYPICAL_FRAME + request.size_hint());
    out.sized(|out| {
        out.i16(key.code());
        out.i16(version);
        out.i32(correlation_id);
        out.string(client_id);
        out.set_flexible(key.is_flexible(version));
        out.tags();
        request.encode(version, out);
    });
    out.into_bytes()
}

/// Splits a response frame (without its length) into correlation id and body.
///
/// `key` and `version` are those of the request that the frame answers. A broker answers the requests of one
/// connection in order, so that is known before the correlation id is.
pub fn decode_response_header(key: ApiKey, version: i16, frame: Bytes) -> Result<(i32, Bytes), DecodeError> {
    let mut input = Reader::new(frame);
    let correlation_id = input.i32()?;
    input.set_flexible(key.is_flexible(version) && key != ApiKey::ApiVersions);
    input.tags()?;
    Ok((correlation_id, input.into_rest()))
}

/// Heartbeats, commits and most fetches fit, and what is around the records of a Produce.
const TYPICAL_FRAME: usize = 256;
