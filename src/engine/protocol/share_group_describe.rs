//! ShareGroupDescribe (key 77): the state and members of share groups (KIP-932).

use super::consumer_group_describe::{NamedTopicPartitions, decode_assignment};
use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak. 0 was early access.
pub const VERSIONS: VersionRange = VersionRange { min: 1, max: 1 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 0;

/// ShareGroupDescribe request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ShareGroupDescribeRequest {
    /// The groups.
    pub groups: Vec<String>,
}

/// ShareGroupDescribe response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ShareGroupDescribeResponse {
    /// KIP-219 throttle.
    pub throttle_time_ms: i32,
    /// Per group.
    pub groups: Vec<DescribedShareGroup>,
}

/// One group.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribedShareGroup {
    /// The result.
    pub error: ErrorCode,
    /// The broker's words.
    pub error_message: Option<String>,
    /// The group.
    pub group_id: String,
    /// `Stable`, `Empty`, `Dead`.
    pub state: String,
    /// Goes up with each change of members, subscriptions and topics.
    pub group_epoch: i32,
    /// The epoch that the target assignment was made for.
    pub assignment_epoch: i32,
    /// The broker's assignor.
    pub assignor: String,
    /// Its members.
    pub members: Vec<ShareGroupMember>,
}

/// One member.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ShareGroupMember {
    /// Member id.
    pub member_id: String,
    /// Its rack.
    pub rack_id: Option<String>,
    /// Its epoch.
    pub member_epoch: i32,
    /// Client id.
    pub client_id: String,
    /// Client host.
    pub client_host: String,
    /// The topics that it names.
    pub topics: Vec<String>,
    /// What it reads.
    pub assignment: Vec<NamedTopicPartitions>,
}

impl ShareGroupDescribeRequest {
    pub(crate) fn encode(&self, _version: i16, out: &mut Writer) {
        out.strings(&self.groups);
        out.bool(false); // include_authorized_operations
        out.tags();
    }
}

impl ShareGroupDescribeResponse {
    pub(crate) fn decode(
        _version: i16,
        input: &mut Reader,
    ) -> Result<ShareGroupDescribeResponse, DecodeError> {
        let response = ShareGroupDescribeResponse {
            throttle_time_ms: input.i32()?,
            groups: input.array(20, DescribedShareGroup::decode)?,
        };
        input.tags()?;
        Ok(response)
    }
}

impl DescribedShareGroup {
    fn decode(input: &mut Reader) -> Result<DescribedShareGroup, DecodeError> {
        let group = DescribedShareGroup {
            error: input.error()?,
            error_message: input.nullable_string()?,
            group_id: input.string()?,
            state: input.string()?,
            group_epoch: input.i32()?,
            assignment_epoch: input.i32()?,
            assignor: input.string()?,
            members: input.array(12, |input| {
                Ok(ShareGroupMember {
                    member_id: input.string()?,
                    rack_id: input.nullable_string()?,
                    member_epoch: input.i32()?,
                    client_id: input.string()?,
                    client_host: input.string()?,
                    topics: input.strings()?,
                    assignment: decode_assignment(input)?,
                })
            })?,
        };
        input.i32()?; // authorized_operations
        Ok(group)
    }
}
