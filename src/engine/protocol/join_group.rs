//! JoinGroup (key 11): enter the group, or re-enter it for the next generation.

use bytes::Bytes;

use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak. 4 = KIP-394 member id, 5 = KIP-345 static members, 8 = KIP-800 reason, 9 = KIP-814.
pub const VERSIONS: VersionRange = VersionRange { min: 0, max: 9 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 6;

/// JoinGroup request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct JoinGroupRequest {
    /// The group.
    pub group_id: String,
    /// How long the coordinator waits for a heartbeat, in ms.
    pub session_timeout_ms: i32,
    /// How long the coordinator waits for members to rejoin, in ms (v1).
    pub rebalance_timeout_ms: i32,
    /// Empty on the first join.
    pub member_id: String,
    /// Static membership (v5).
    pub group_instance_id: Option<String>,
    /// `"consumer"`.
    pub protocol_type: String,
    /// Offered assignors, preferred first.
    pub protocols: Vec<JoinGroupProtocol>,
    /// Why the member (re)joins (v8), at most 255 characters.
    pub reason: Option<String>,
}

/// One offered assignor.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct JoinGroupProtocol {
    /// Assignor name.
    pub name: String,
    /// Its ConsumerProtocolSubscription bytes.
    pub metadata: Bytes,
}

/// JoinGroup response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct JoinGroupResponse {
    /// KIP-219 throttle (v2).
    pub throttle_time_ms: i32,
    /// The result.
    pub error: ErrorCode,
    /// The new generation.
    pub generation_id: i32,
    /// The group's protocol type (v7).
    pub protocol_type: Option<String>,
    /// The chosen assignor; null when none (v7+), empty below.
    pub protocol_name: Option<String>,
    /// The leader's member id.
    pub leader: String,
    /// KIP-814: the leader must not compute an assignment (v9).
    pub skip_assignment: bool,
    /// Our member id.
    pub member_id: String,
    /// All members, only sent to the leader.
    pub members: Vec<JoinGroupMember>,
}

/// A member as the leader sees it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct JoinGroupMember {
    /// Member id.
    pub member_id: String,
    /// Static membership (v5).
    pub group_instance_id: Option<String>,
    /// Its subscription bytes for the chosen assignor.
    pub metadata: Bytes,
}

impl JoinGroupRequest {
    pub(crate) fn encode(&self, version: i16, out: &mut Writer) {
        out.string(&self.group_id);
        out.i32(self.session_timeout_ms);
        if version >= 1 {
            out.i32(self.rebalance_timeout_ms);
        }
        out.string(&self.member_id);
        if version >= 5 {
            out.nullable_string(&self.group_instance_id);
        }
        out.string(&self.protocol_type);
        out.array(&self.protocols, |out, protocol| {
            out.string(&protocol.name);
            out.bytes(&protocol.metadata);
        });
        if version >= 8 {
            out.nullable_string(&self.reason);
        }
        out.tags();
    }
}

impl JoinGroupResponse {
    pub(crate) fn decode(version: i16, input: &mut Reader) -> Result<JoinGroupResponse, DecodeError> {
        let response = JoinGroupResponse {
            throttle_time_ms: if version >= 2 { input.i32()? } else { 0 },
            error: input.error()?,
            generation_id: input.i32()?,
            protocol_type: if version >= 7 { input.nullable_string()? } else { None },
            protocol_name: input.nullable_string()?,
            leader: input.string()?,
            skip_assignment: if version >= 9 { input.bool()? } else { false },
            member_id: input.string()?,
            members: input.array(4, |input| {
                Ok(JoinGroupMember {
                    member_id: input.string()?,
                    group_instance_id: if version >= 5 { input.nullable_string()? } else { None },
                    metadata: input.bytes()?,
                })
            })?,
        };
        input.tags()?;
        Ok(response)
    }
}
