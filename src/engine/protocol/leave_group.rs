//! LeaveGroup (key 13): hand the partitions over without waiting for the session to expire.

use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak. 3 = members as an array, 5 = KIP-800 reason.
pub const VERSIONS: VersionRange = VersionRange { min: 0, max: 5 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 4;

/// LeaveGroup request of one member, or of several; see [`LeaveGroupRequest::min_version`].
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
    /// Who else is to leave (v3), and for the same reason: member id and instance id.
    pub others: Vec<(String, Option<String>)>,
}

/// LeaveGroup response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LeaveGroupResponse {
    /// KIP-219 throttle (v1).
    pub throttle_time_ms: i32,
    /// The result; at v3+ the first error of a member when the top-level one is NONE.
    pub error: ErrorCode,
    /// Per member (v3).
    pub members: Vec<LeftMember>,
}

/// What became of one member.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LeftMember {
    /// Its member id; empty if it was named by its instance id.
    pub member_id: String,
    /// Its instance id.
    pub group_instance_id: Option<String>,
    /// Its result.
    pub error: ErrorCode,
}

impl LeaveGroupRequest {
    /// The lowest version that can carry this request: below v3 only one member can leave, by its member id.
    pub fn min_version(&self) -> i16 {
        let has_name_only = self.member_id.is_empty() && self.group_instance_id.is_some();
        let is_one = self.others.is_empty() && !has_name_only;
        if is_one { VERSIONS.min } else { FIRST_WITH_SEVERAL }
    }

    pub(crate) fn encode(&self, version: i16, out: &mut Writer) {
        out.string(&self.group_id);
        if version >= FIRST_WITH_SEVERAL {
            let first = (self.member_id.clone(), self.group_instance_id.clone());
            let members: Vec<_> = std::iter::once(&first).chain(&self.others).collect();
            out.array(&members, |out, (member_id, group_instance_id)| {
                out.string(member_id);
                out.nullable_string(group_instance_id);
                if version >= 5 {
                    out.nullable_string(&self.reason);
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
            members: Vec::new(),
        };
        if version >= FIRST_WITH_SEVERAL {
            response.members = input.array(5, |input| {
                Ok(LeftMember {
                    member_id: input.string()?,
                    group_instance_id: input.nullable_string()?,
                    error: input.error()?,
                })
            })?;
            if !response.error.is_err() {
                let mut errors = response.members.iter().map(|member| member.error);
                response.error = errors.find(|e| e.is_err()).unwrap_or_default();
            }
        }
        input.tags()?;
        Ok(response)
    }
}

/// KIP-345.
const FIRST_WITH_SEVERAL: i16 = 3;
