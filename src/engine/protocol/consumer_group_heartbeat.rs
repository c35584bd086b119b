//! ConsumerGroupHeartbeat (key 68, KIP-848): joins a group, keeps the membership, owns up to partitions, and leaves; the
//! answer brings the target assignment.

use super::{DecodeError, ErrorCode, Reader, TopicId, VersionRange, Writer};

/// Versions that we speak. 0 is the preview of Kafka 3.7, whose groups no broker of today keeps; 1 = regular expressions,
/// and member ids that the client makes.
pub const VERSIONS: VersionRange = VersionRange { min: 1, max: 1 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 0;

/// Epoch of a member that joins.
pub const JOIN_EPOCH: i32 = 0;
/// Epoch of a member that leaves for good.
pub const LEAVE_EPOCH: i32 = -1;
/// Epoch of a static member that will be back: its partitions are kept for the session timeout.
pub const LEAVE_EPOCH_OF_STATIC: i32 = -2;

/// ConsumerGroupHeartbeat request. What is None has not changed since the last one.
#[derive(Debug, Clone, PartialEq)]
pub struct ConsumerGroupHeartbeatRequest {
    /// The group.
    pub group_id: String,
    /// Our member id, which we have made.
    pub member_id: String,
    /// Our epoch, or one of [`JOIN_EPOCH`], [`LEAVE_EPOCH`], [`LEAVE_EPOCH_OF_STATIC`].
    pub member_epoch: i32,
    /// Static membership.
    pub group_instance_id: Option<String>,
    /// Our rack.
    pub rack_id: Option<String>,
    /// The longest time to give up partitions, -1 = unchanged.
    pub rebalance_timeout_ms: i32,
    /// Subscribed topics.
    pub topics: Option<Vec<String>>,
    /// An RE2 expression that the broker evaluates; empty = none any more.
    pub topic_regex: Option<String>,
    /// The broker's assignor.
    pub server_assignor: Option<String>,
    /// What we own.
    pub owned: Option<Vec<TopicPartitions>>,
}

/// Partitions of one topic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TopicPartitions {
    /// Topic id.
    pub topic_id: TopicId,
    /// Partitions.
    pub partitions: Vec<i32>,
}

/// ConsumerGroupHeartbeat response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerGroupHeartbeatResponse {
    /// KIP-219 throttle.
    pub throttle_time_ms: i32,
    /// The result.
    pub error: ErrorCode,
    /// What the broker says of it.
    pub error_message: Option<String>,
    /// Our member id.
    pub member_id: Option<String>,
    /// Our epoch.
    pub member_epoch: i32,
    /// When the next heartbeat is due.
    pub heartbeat_interval_ms: i32,
    /// The target assignment; None = unchanged.
    pub assignment: Option<Vec<TopicPartitions>>,
}

impl ConsumerGroupHeartbeatRequest {
    pub(crate) fn encode(&self, _version: i16, out: &mut Writer) {
        out.string(&self.group_id);
        out.string(&self.member_id);
        out.i32(self.member_epoch);
        out.nullable_string(&self.group_instance_id);
        out.nullable_string(&self.rack_id);
        out.i32(self.rebalance_timeout_ms);
        out.nullable_strings(&self.topics);
        out.nullable_string(&self.topic_regex);
        out.nullable_string(&self.server_assignor);
        out.nullable_array(&self.owned, |out, topic| {
            out.uuid(topic.topic_id);
            out.i32s(&topic.partitions);
        });
        out.tags();
    }
}

impl ConsumerGroupHeartbeatResponse {
    pub(crate) fn decode(
        _version: i16,
        input: &mut Reader,
    ) -> Result<ConsumerGroupHeartbeatResponse, DecodeError> {
        let response = ConsumerGroupHeartbeatResponse {
            throttle_time_ms: input.i32()?,
            error: input.error()?,
            error_message: input.nullable_string()?,
            member_id: input.nullable_string()?,
            member_epoch: input.i32()?,
            heartbeat_interval_ms: input.i32()?,
            assignment: decode_assignment(input)?,
        };
        input.tags()?;
        Ok(response)
    }
}

/// A struct that may be null has a byte in front of it: -1 for null.
fn decode_assignment(input: &mut Reader) -> Result<Option<Vec<TopicPartitions>>, DecodeError> {
    if input.i8()? < 0 {
        return Ok(None);
    }
    let topics = input
        .array(18, |input| Ok(TopicPartitions { topic_id: input.uuid()?, partitions: input.i32s()? }))?;
    input.tags()?;
    Ok(Some(topics))
}
