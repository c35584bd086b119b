//! AlterPartitionReassignments (key 45, KIP-455): the controller moves partitions to other brokers, or ends that.

use super::elect_leaders::{PartitionOutcome, decode_outcomes};
use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak. 1 = may the number of replicas change?
pub const VERSIONS: VersionRange = VersionRange { min: 0, max: 1 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 0;

/// AlterPartitionReassignments request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AlterPartitionReassignmentsRequest {
    /// How long the broker may wait for the reassignments to begin, ms.
    pub timeout_ms: i32,
    /// Per topic.
    pub topics: Vec<ReassignedTopic>,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ReassignedTopic {
    /// Topic.
    pub name: String,
    /// Partition → brokers, the preferred leader first; null = end a reassignment that is under way.
    pub partitions: Vec<(i32, Option<Vec<i32>>)>,
}

/// AlterPartitionReassignments response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AlterPartitionReassignmentsResponse {
    /// KIP-219 throttle.
    pub throttle_time_ms: i32,
    /// Of the whole request.
    pub error: ErrorCode,
    /// The broker's words.
    pub error_message: Option<String>,
    /// Topic → partitions.
    pub topics: Vec<(String, Vec<PartitionOutcome>)>,
}

impl AlterPartitionReassignmentsRequest {
    pub(crate) fn encode(&self, version: i16, out: &mut Writer) {
        out.i32(self.timeout_ms);
        if version >= 1 {
            out.bool(true); // allow_replication_factor_change: as in v0
        }
        out.array(&self.topics, |out, topic| {
            out.string(&topic.name);
            out.array(&topic.partitions, |out, (partition, replicas)| {
                out.i32(*partition);
                out.nullable_i32s(replicas);
            });
        });
        out.tags();
    }
}

impl AlterPartitionReassignmentsResponse {
    pub(crate) fn decode(
        version: i16,
        input: &mut Reader,
    ) -> Result<AlterPartitionReassignmentsResponse, DecodeError> {
        let throttle_time_ms = input.i32()?;
        if version >= 1 {
            input.bool()?; // allow_replication_factor_change
        }
        let response = AlterPartitionReassignmentsResponse {
            throttle_time_ms,
            error: input.error()?,
            error_message: input.nullable_string()?,
            topics: decode_outcomes(input)?,
        };
        input.tags()?;
        Ok(response)
    }
}
