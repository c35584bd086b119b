//! ListPartitionReassignments (key 46, KIP-455): which partitions are on their way to other brokers.

use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak.
pub const VERSIONS: VersionRange = VersionRange { min: 0, max: 0 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 0;

/// ListPartitionReassignments request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListPartitionReassignmentsRequest {
    /// How long the broker may take, ms.
    pub timeout_ms: i32,
    /// Topic → partitions; null = all.
    pub topics: Option<Vec<(String, Vec<i32>)>>,
}

/// ListPartitionReassignments response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListPartitionReassignmentsResponse {
    /// KIP-219 throttle.
    pub throttle_time_ms: i32,
    /// The result.
    pub error: ErrorCode,
    /// The broker's words.
    pub error_message: Option<String>,
    /// Topic → partitions that are on their way.
    pub topics: Vec<(String, Vec<OngoingReassignment>)>,
}

/// One partition.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OngoingReassignment {
    /// Partition.
    pub partition: i32,
    /// All replicas, those that go included.
    pub replicas: Vec<i32>,
    /// Those that come.
    pub adding_replicas: Vec<i32>,
    /// Those that go.
    pub removing_replicas: Vec<i32>,
}

impl ListPartitionReassignmentsRequest {
    pub(crate) fn encode(&self, _version: i16, out: &mut Writer) {
        out.i32(self.timeout_ms);
        out.nullable_array(&self.topics, |out, (topic, partitions)| {
            out.string(topic);
            out.i32s(partitions);
        });
        out.tags();
    }
}

impl ListPartitionReassignmentsResponse {
    pub(crate) fn decode(
        _version: i16,
        input: &mut Reader,
    ) -> Result<ListPartitionReassignmentsResponse, DecodeError> {
        let response = ListPartitionReassignmentsResponse {
            throttle_time_ms: input.i32()?,
            error: input.error()?,
            error_message: input.nullable_string()?,
            topics: input.array(3, |input| {
                let topic = input.string()?;
                let partitions = input.array(8, |input| {
                    Ok(OngoingReassignment {
                        partition: input.i32()?,
                        replicas: input.i32s()?,
                        adding_replicas: input.i32s()?,
                        removing_replicas: input.i32s()?,
                    })
                })?;
                Ok((topic, partitions))
            })?,
        };
        input.tags()?;
        Ok(response)
    }
}
