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
    pub(crate) fn encode(&self, version: i16, out: &mut Writer) {
        out.string(&self.group_id);
        if version >= 3 {
            out.array(std::slice::from_ref(self), |out, member| {
                out.string(&member.member_id);
                out.nullable_string(&member.group_instance_id);
                if version >= 5 {
                    out.nullable_string(&member.reason);
                }
            });
        } else {
            out.string(&self.member_id);
        }
        out.tags();
    }
}

impl LeaveGroupResponse {
    pub(crate) fn decode(version: i16, input: &mut Reader) -> Result<LeaveGroupResponse, DecodeError> {
        let mut response = LeaveGroupResponse {
            throttle_time_ms: if version >= 1 { input.i32()? } else { 0 },
            error: input.error()?,
        };
        if version >= 3 {
            let member_errors = input.array(5, |input| {
                input.string()?; // member_id
                input.nullable_string()?; // group_instance_id
                input.error()
            })?;
            if !response.error.is_err() {
                response.error = member_errors.into_iter().find(|e| e.is_err()).unwrap_or_default();
            }
        }
        input.tags()?;
        Ok(response)
    }
}
