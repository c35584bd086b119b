//! ApiVersions (key 18): what the broker speaks. The response header is always v0, and a broker that does not know
//! our version answers error 35 in the v0 body.

use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak.
pub const VERSIONS: VersionRange = VersionRange { min: 0, max: 4 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 3;

/// ApiVersions request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ApiVersionsRequest {
    /// KIP-511 (v3): matches `[A-Za-z0-9](?:[A-Za-z0-9\-.]*[A-Za-z0-9])?`.
    pub client_software_name: String,
    /// KIP-511 (v3).
    pub client_software_version: String,
}

/// ApiVersions response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ApiVersionsResponse {
    /// The result.
    pub error: ErrorCode,
    /// Raw key → versions; keys that we do not know are kept.
    pub apis: Vec<(i16, VersionRange)>,
    /// KIP-219 throttle (v1).
    pub throttle_time_ms: i32,
}

impl ApiVersionsRequest {
    pub(crate) fn encode(&self, _version: i16, _out: &mut Writer) {
        todo!()
    }
}

impl ApiVersionsResponse {
    pub(crate) fn decode(_version: i16, _input: &mut Reader) -> Result<ApiVersionsResponse, DecodeError> {
        todo!()
    }
}
