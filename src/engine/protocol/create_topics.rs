//! CreateTopics (key 19): the controller makes topics.

use super::{DecodeError, ErrorCode, Reader, TopicId, VersionRange, Writer};

/// Versions that we speak. 4 = defaults for -1 (KIP-464), 5 = what was made, 6 = quotas, 7 = topic ids.
pub const VERSIONS: VersionRange = VersionRange { min: 2, max: 7 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 5;

/// CreateTopics request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CreateTopicsRequest {
    /// The topics.
    pub topics: Vec<CreatableTopic>,
    /// How long the broker may wait for the topics to be made, ms.
    pub timeout_ms: i32,
    /// Check only, make nothing.
    pub validate_only: bool,
}

/// One topic to make.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CreatableTopic {
    /// Its name.
    pub name: String,
    /// How many partitions; -1 = the broker's default (brokers from v4 on), or as assigned.
    pub num_partitions: i32,
    /// How many replicas; -1 as above.
    pub replication_factor: i16,
    /// Replicas by partition; empty = the controller chooses.
    pub assignments: Vec<(i32, Vec<i32>)>,
    /// Name → value.
    pub configs: Vec<(String, Option<String>)>,
}

/// CreateTopics response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CreateTopicsResponse {
    /// KIP-219 throttle.
    pub throttle_time_ms: i32,
    /// Per topic.
    pub topics: Vec<CreatedTopic>,
}

/// What became of one topic.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CreatedTopic {
    /// Its name.
    pub name: String,
    /// Its id (v7).
    pub topic_id: TopicId,
    /// The result.
    pub error: ErrorCode,
    /// The broker's words.
    pub error_message: Option<String>,
    /// How many partitions it has (v5), -1 when not told.
    pub num_partitions: i32,
    /// How many replicas each has (v5), -1 when not told.
    pub replication_factor: i16,
}

impl CreateTopicsRequest {
    pub(crate) fn encode(&self, _version: i16, out: &mut Writer) {
        out.array(&self.topics, |out, topic| {
            out.string(&topic.name);
            out.i32(topic.num_partitions);
            out.i16(topic.replication_factor);
            out.array(&topic.assignments, |out, (partition, brokers)| {
                out.i32(*partition);
                out.i32s(brokers);
            });
            out.array(&topic.configs, |out, (name, value)| {
                out.string(name);
                out.nullable_string(value);
            });
        });
        out.i32(self.timeout_ms);
        out.bool(self.validate_only);
        out.tags();
    }
}

impl CreateTopicsResponse {
    pub(crate) fn decode(version: i16, input: &mut Reader) -> Result<CreateTopicsResponse, DecodeError> {
        let response = CreateTopicsResponse {
            throttle_time_ms: input.i32()?,
            topics: input.array(6, |input| CreatedTopic::decode(version, input))?,
        };
        input.tags()?;
        Ok(response)
    }
}

impl CreatedTopic {
    fn decode(version: i16, input: &mut Reader) -> Result<CreatedTopic, DecodeError> {
        let mut topic = CreatedTopic {
            name: input.string()?,
            topic_id: if version >= 7 { input.uuid()? } else { TopicId::ZERO },
            error: input.error()?,
            error_message: input.nullable_string()?,
            num_partitions: -1,
            replication_factor: -1,
        };
        if version >= 5 {
            topic.num_partitions = input.i32()?;
            topic.replication_factor = input.i16()?;
            input.array(6, |input| {
                input.string()?; // name
                input.nullable_string()?; // value
                input.bool()?; // read_only
                input.i8()?; // config_source
                input.bool() // is_sensitive
            })?;
        }
        Ok(topic)
    }
}
