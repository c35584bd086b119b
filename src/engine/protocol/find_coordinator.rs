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
    pub(crate) fn encode(&self, _version: i16, _out: &mut Writer) {
        todo!()
    }
}

impl FindCoordinatorResponse {
    pub(crate) fn decode(_version: i16, _input: &mut Reader) -> Result<FindCoordinatorResponse, DecodeError> {
        todo!()
    }
}
