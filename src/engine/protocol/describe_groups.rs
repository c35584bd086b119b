//! DescribeGroups (key 15): a group's state and members.

use bytes::Bytes;

use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak. 4 = static members, 6 = GROUP_ID_NOT_FOUND for unknown groups (we stop at 5, where an
/// unknown group is `Dead`, as kafkajs users know it).
pub const VERSIONS: VersionRange = VersionRange { min: 0, max: 5 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 5;

/// DescribeGroups request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeGroupsRequest {
    /// The groups.
    pub groups: Vec<String>,
}

/// DescribeGroups response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeGroupsResponse {
    /// KIP-219 throttle (v1).
    pub throttle_time_ms: i32,
    /// Per group.
    pub groups: Vec<DescribedGroup>,
}

/// One group.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribedGroup {
    /// The result.
    pub error: ErrorCode,
    /// The group.
    pub group_id: String,
    /// `Stable`, `PreparingRebalance`, `Dead`, …
    pub state: String,
    /// `consumer`.
    pub protocol_type: String,
    /// The assignor.
    pub protocol: String,
    /// Its members.
    pub members: Vec<DescribedGroupMember>,
}

/// One member.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribedGroupMember {
    /// Member id.
    pub member_id: String,
    /// Static membership (v4).
    pub group_instance_id: Option<String>,
    /// Client id.
    pub client_id: String,
    /// Client host.
    pub client_host: String,
    /// Subscription bytes.
    pub metadata: Bytes,
    /// Assignment bytes.
    pub assignment: Bytes,
}

impl DescribeGroupsRequest {
    pub(crate) fn encode(&self, version: i16, out: &mut Writer) {
        out.strings(&self.groups);
        if version >= 3 {
            out.bool(false); // include_authorized_operations
        }
        out.tags();
    }
}

impl DescribeGroupsResponse {
    pub(crate) fn decode(version: i16, input: &mut Reader) -> Result<DescribeGroupsResponse, DecodeError> {
        let response = DescribeGroupsResponse {
            throttle_time_ms: if version >= 1 { input.i32()? } else { 0 },
            groups: input.array(12, |input| DescribedGroup::decode(version, input))?,
        };
        input.tags()?;
        Ok(response)
    }
}

impl DescribedGroup {
    fn decode(version: i16, input: &mut Reader) -> Result<DescribedGroup, DecodeError> {
        let group = DescribedGroup {
            error: input.error()?,
            group_id: input.string()?,
            state: input.string()?,
            protocol_type: input.string()?,
            protocol: input.string()?,
            members: input.array(7, |input| {
                Ok(DescribedGroupMember {
                    member_id: input.string()?,
                    group_instance_id: if version >= 4 { input.nullable_string()? } else { None },
                    client_id: input.string()?,
                    client_host: input.string()?,
                    metadata: input.bytes()?,
                    assignment: input.bytes()?,
                })
            })?,
        };
        if version >= 3 {
            input.i32()?; // authorized_operations
        }
        Ok(group)
    }
}
