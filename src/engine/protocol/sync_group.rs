//! SyncGroup (key 14): the leader hands in the assignment, everyone gets their part.

use bytes::Bytes;

use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak.
pub const VERSIONS: VersionRange = VersionRange { min: 0, max: 5 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 4;

/// SyncGroup request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SyncGroupRequest {
    /// The group.
    pub group_id: String,
    /// The generation that JoinGroup gave.
    pub generation_id: i32,
    /// Our member id.
    pub member_id: String,
    /// Static membership (v3).
    pub group_instance_id: Option<String>,
    /// Protocol type (v5).
    pub protocol_type: Option<String>,
    /// Chosen assignor (v5).
    pub protocol_name: Option<String>,
    /// Per member; empty unless we lead.
    pub assignments: Vec<SyncGroupAssignment>,
}

/// One member's part.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SyncGroupAssignment {
    /// Member id.
    pub member_id: String,
    /// ConsumerProtocolAssignment bytes.
    pub assignment: Bytes,
}

/// SyncGroup response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SyncGroupResponse {
    /// KIP-219 throttle (v1).
    pub throttle_time_ms: i32,
    /// The result.
    pub error: ErrorCode,
    /// Protocol type (v5).
    pub protocol_type: Option<String>,
    /// Chosen assignor (v5).
    pub protocol_name: Option<String>,
    /// Our ConsumerProtocolAssignment bytes.
    pub assignment: Bytes,
}

impl SyncGroupRequest {
    pub(crate) fn encode(&self, _version: i16, _out: &mut Writer) {
        todo!()
    }
}

impl SyncGroupResponse {
    pub(crate) fn decode(_version: i16, _input: &mut Reader) -> Result<SyncGroupResponse, DecodeError> {
        todo!()
    }
}
