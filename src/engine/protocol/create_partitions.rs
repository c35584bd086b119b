//! CreatePartitions (key 37): the controller makes topics larger.

use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak. 3 = quotas.
pub const VERSIONS: VersionRange = VersionRange { min: 0, max: 3 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 2;

/// CreatePartitions request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CreatePartitionsRequest {
    /// The topics.
    pub topics: Vec<CreatePartitionsTopic>,
    /// How long the broker may wait for the partitions to be made, ms.
    pub timeout_ms: i32,
    /// Check only, make nothing.
    pub validate_only: bool,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CreatePartitionsTopic {
    /// Its name.
    pub name: String,
    /// How many partitions it is to have, the old ones included.
    pub count: i32,
    /// The replicas of each new partition; null = the controller chooses.
    pub assignments: Option<Vec<Vec<i32>>>,
}

/// CreatePartitions response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CreatePartitionsResponse {
    /// KIP-219 throttle.
    pub throttle_time_ms: i32,
    /// Per topic.
    pub topics: Vec<CreatePartitionsResult>,
}

/// What became of one topic.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CreatePartitionsResult {
    /// Its name.
    pub name: String,
    /// The result.
    pub error: ErrorCode,
    /// The broker's words.
    pub error_message: Option<String>,
}

impl CreatePartitionsRequest {
    pub(crate) fn encode(&self, _version: i16, out: &mut Writer) {
        out.array(&self.topics, |out, topic| {
            out.string(&topic.name);
            out.i32(topic.count);
            out.nullable_array(&topic.assignments, |out, brokers| out.i32s(brokers));
        });
        out.i32(self.timeout_ms);
        out.bool(self.validate_only);
        out.tags();
    }
}

impl CreatePartitionsResponse {
    pub(crate) fn decode(_version: i16, input: &mut Reader) -> Result<CreatePartitionsResponse, DecodeError> {
        let response = CreatePartitionsResponse {
            throttle_time_ms: input.i32()?,
            topics: input.array(5, |input| {
                Ok(CreatePartitionsResult {
                    name: input.string()?,
                    error: input.error()?,
                    error_message: input.nullable_string()?,
                })
            })?,
        };
        input.tags()?;
        Ok(response)
    }
}
