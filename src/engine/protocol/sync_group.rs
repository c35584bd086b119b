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
    pub(crate) fn encode(&self, version: i16, out: &mut Writer) {
        out.string(&self.group_id);
        out.i32(self.generation_id);
        out.string(&self.member_id);
        if version >= 3 {
            out.nullable_string(&self.group_instance_id);
        }
        if version >= 5 {
            out.nullable_string(&self.protocol_type);
            out.nullable_string(&self.protocol_name);
        }
        out.array(&self.assignments, |out, member| {
            out.string(&member.member_id);
            out.bytes(&member.assignment);
        });
        out.tags();
    }
}

impl SyncGroupResponse {
    pub(crate) fn decode(version: i16, input: &mut Reader) -> Result<SyncGroupResponse, DecodeError> {
        let response = SyncGroupResponse {
            throttle_time_ms: if version >= 1 { input.i32()? } else { 0 },
            error: input.error()?,
            protocol_type: if version >= 5 { input.nullable_string()? } else { None },
            protocol_name: if version >= 5 { input.nullable_string()? } else { None },
            assignment: input.bytes()?,
        };
        input.tags()?;
        Ok(response)
    }
}
