//! ConsumerGroupDescribe (key 69, KIP-848): the state and the members of a group of the consumer protocol. Of other groups
//! the answer is GROUP_ID_NOT_FOUND.

use super::{DecodeError, ErrorCode, Reader, TopicId, VersionRange, Writer};

/// Versions that we speak. 1 = what protocol a member speaks.
pub const VERSIONS: VersionRange = VersionRange { min: 0, max: 1 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 0;

/// ConsumerGroupDescribe request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerGroupDescribeRequest {
    /// The groups.
    pub groups: Vec<String>,
}

/// ConsumerGroupDescribe response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerGroupDescribeResponse {
    /// KIP-219 throttle.
    pub throttle_time_ms: i32,
    /// Per group.
    pub groups: Vec<DescribedConsumerGroup>,
}

/// One group.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribedConsumerGroup {
    /// The result.
    pub error: ErrorCode,
    /// What the broker says of it.
    pub error_message: Option<String>,
    /// The group.
    pub group_id: String,
    /// `Stable`, `Assigning`, `Reconciling`, `Empty`, `Dead`.
    pub state: String,
    /// Goes up with each change of members, subscriptions and topics.
    pub group_epoch: i32,
    /// The epoch that the target assignment was made for.
    pub assignment_epoch: i32,
    /// The broker's assignor.
    pub assignor: String,
    /// Its members.
    pub members: Vec<ConsumerGroupMember>,
}

/// One member.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerGroupMember {
    /// Member id.
    pub member_id: String,
    /// Static membership.
    pub group_instance_id: Option<String>,
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
    /// The expression that the broker evaluates for it.
    pub topic_regex: Option<String>,
    /// What it owns.
    pub assignment: Vec<NamedTopicPartitions>,
    /// What it is to own.
    pub target: Vec<NamedTopicPartitions>,
    /// 0 = a member of the classic protocol, 1 = of the consumer protocol (v1), -1 = unknown.
    pub member_type: i8,
}

/// Partitions of one topic.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NamedTopicPartitions {
    /// Topic id.
    pub topic_id: TopicId,
    /// Topic name.
    pub topic: String,
    /// Partitions.
    pub partitions: Vec<i32>,
}

impl ConsumerGroupDescribeRequest {
    pub(crate) fn encode(&self, _version: i16, out: &mut Writer) {
        out.strings(&self.groups);
        out.bool(false); // include_authorized_operations
        out.tags();
    }
}

impl ConsumerGroupDescribeResponse {
    pub(crate) fn decode(
        version: i16,
        input: &mut Reader,
    ) -> Result<ConsumerGroupDescribeResponse, DecodeError> {
        let response = ConsumerGroupDescribeResponse {
            throttle_time_ms: input.i32()?,
            groups: input.array(20, |input| DescribedConsumerGroup::decode(version, input))?,
        };
        input.tags()?;
        Ok(response)
    }
}

impl DescribedConsumerGroup {
    fn decode(version: i16, input: &mut Reader) -> Result<DescribedConsumerGroup, DecodeError> {
        let group = DescribedConsumerGroup {
            error: input.error()?,
            error_message: input.nullable_string()?,
            group_id: input.string()?,
            state: input.string()?,
            group_epoch: input.i32()?,
            assignment_epoch: input.i32()?,
            assignor: input.string()?,
            members: input.array(16, |input| {
                Ok(ConsumerGroupMember {
                    member_id: input.string()?,
                    group_instance_id: input.nullable_string()?,
                    rack_id: input.nullable_string()?,
                    member_epoch: input.i32()?,
                    client_id: input.string()?,
                    client_host: input.string()?,
                    topics: input.strings()?,
                    topic_regex: input.nullable_string()?,
                    assignment: decode_assignment(input)?,
                    target: decode_assignment(input)?,
                    member_type: if version >= 1 { input.i8()? } else { -1 },
                })
            })?,
        };
        input.i32()?; // authorized_operations
        Ok(group)
    }
}

pub(super) fn decode_assignment(input: &mut Reader) -> Result<Vec<NamedTopicPartitions>, DecodeError> {
    let topics = input.array(19, |input| {
        Ok(NamedTopicPartitions {
            topic_id: input.uuid()?,
            topic: input.string()?,
            partitions: input.i32s()?,
        })
    })?;
    input.tags()?;
    Ok(topics)
}
