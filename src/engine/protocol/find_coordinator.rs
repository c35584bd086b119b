//! FindCoordinator (key 10): which broker coordinates a group.

use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak. 1 = key type, 4 = KIP-699 batches.
pub const VERSIONS: VersionRange = VersionRange { min: 0, max: 6 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 3;

/// FindCoordinator request for one group.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FindCoordinatorRequest {
    /// The group id (key type 0).
    pub key: String,
}

/// FindCoordinator response: the one coordinator asked for, whatever the version's shape.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FindCoordinatorResponse {
    /// KIP-219 throttle (v1).
    pub throttle_time_ms: i32,
    /// The result.
    pub error: ErrorCode,
    /// The broker's words (v1).
    pub error_message: Option<String>,
    /// The coordinator.
    pub node_id: i32,
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: i32,
}

impl FindCoordinatorRequest {
    pub(crate) fn encode(&self, version: i16, out: &mut Writer) {
        if version < 4 {
            out.string(&self.key);
        }
        if version >= 1 {
            out.i8(GROUP);
        }
        if version >= 4 {
            out.strings(std::slice::from_ref(&self.key));
        }
        out.tags();
    }
}

impl FindCoordinatorResponse {
    pub(crate) fn decode(version: i16, input: &mut Reader) -> Result<FindCoordinatorResponse, DecodeError> {
        let throttle_time_ms = if version >= 1 { input.i32()? } else { 0 };
        let found = if version >= 4 { decode_batch(input)? } else { decode_single(version, input)? };
        input.tags()?;
        Ok(FindCoordinatorResponse { throttle_time_ms, ..found })
    }
}

fn decode_single(version: i16, input: &mut Reader) -> Result<FindCoordinatorResponse, DecodeError> {
    Ok(FindCoordinatorResponse {
        throttle_time_ms: 0,
        error: input.error()?,
        error_message: if version >= 1 { input.nullable_string()? } else { None },
        node_id: input.i32()?,
        host: input.string()?,
        port: input.i32()?,
    })
}

/// We asked for one key, so the first answer is ours.
fn decode_batch(input: &mut Reader) -> Result<FindCoordinatorResponse, DecodeError> {
    let coordinators = input.array(14, |input| {
        input.string()?; // key
        Ok(FindCoordinatorResponse {
            throttle_time_ms: 0,
            node_id: input.i32()?,
            host: input.string()?,
            port: input.i32()?,
            error: input.error()?,
            error_message: input.nullable_string()?,
        })
    })?;
    coordinators.into_iter().next().ok_or(DecodeError::Invalid { what: "coordinator count", value: 0 })
}

/// Key type.
const GROUP: i8 = 0;
