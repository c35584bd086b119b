//! Heartbeat (key 12): the member is alive.

use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak.
pub const VERSIONS: VersionRange = VersionRange { min: 0, max: 4 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 4;

/// Heartbeat request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HeartbeatRequest {
    /// The group.
    pub group_id: String,
    /// Our generation.
    pub generation_id: i32,
    /// Our member id.
    pub member_id: String,
    /// Static membership (v3).
    pub group_instance_id: Option<String>,
}

/// Heartbeat response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HeartbeatResponse {
    /// KIP-219 throttle (v1).
    pub throttle_time_ms: i32,
    /// The result.
    pub error: ErrorCode,
}

impl HeartbeatRequest {
    pub(crate) fn encode(&self, version: i16, out: &mut Writer) {
        out.string(&self.group_id);
        out.i32(self.generation_id);
        out.string(&self.member_id);
        if version >= 3 {
            out.nullable_string(&self.group_instance_id);
        }
        out.tags();
    }
}

impl HeartbeatResponse {
    pub(crate) fn decode(version: i16, input: &mut Reader) -> Result<HeartbeatResponse, DecodeError> {
        let response = HeartbeatResponse {
            throttle_time_ms: if version >= 1 { input.i32()? } else { 0 },
            error: input.error()?,
        };
        input.tags()?;
        Ok(response)
    }
}
