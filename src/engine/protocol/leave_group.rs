//! LeaveGroup (key 13): hand the partitions over without waiting for the session to expire.

use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak. 3 = members as an array, 5 = KIP-800 reason.
pub const VERSIONS: VersionRange = VersionRange { min: 0, max: 5 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 4;

/// LeaveGroup request; below v3 only one member can leave.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LeaveGroupRequest {
    /// The group.
    pub group_id: String,
    /// Our member id.
    pub member_id: String,
    /// Static membership (v3).
    pub group_instance_id: Option<String>,
    /// Why (v5).
    pub reason: Option<String>,
}

/// LeaveGroup response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LeaveGroupResponse {
    /// KIP-219 throttle (v1).
    pub throttle_time_ms: i32,
    /// The result; at v3+ the member's own error when the top-level one is NONE.
    pub error: ErrorCode,
}

impl LeaveGroupRequest {
    pub(crate) fn encode(&self, _version: i16, _out: &mut Writer) {
        todo!()
    }
}

impl LeaveGroupResponse {
    pub(crate) fn decode(_version: i16, _input: &mut Reader) -> Result<LeaveGroupResponse, DecodeError> {
        todo!()
    }
}
