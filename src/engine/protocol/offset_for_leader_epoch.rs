//! OffsetForLeaderEpoch (key 23): where an epoch ended (KIP-320).

use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak.
pub const VERSIONS: VersionRange = VersionRange { min: 2, max: 4 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 4;

/// OffsetForLeaderEpoch request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetForLeaderEpochRequest {
    /// Per topic.
    pub topics: Vec<EpochTopic>,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EpochTopic {
    /// Topic.
    pub name: String,
    /// Per partition.
    pub partitions: Vec<EpochPartition>,
}

/// One partition.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EpochPartition {
    /// Partition.
    pub partition: i32,
    /// The leader epoch that we know, -1 when unknown.
    pub current_leader_epoch: i32,
    /// The epoch asked about.
    pub leader_epoch: i32,
}

/// OffsetForLeaderEpoch response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetForLeaderEpochResponse {
    /// KIP-219 throttle.
    pub throttle_time_ms: i32,
    /// Per topic.
    pub topics: Vec<EpochEndTopic>,
}

/// One topic's results.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EpochEndTopic {
    /// Topic.
    pub name: String,
    /// Per partition.
    pub partitions: Vec<EpochEnd>,
}

/// One partition's result.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EpochEnd {
    /// The result.
    pub error: ErrorCode,
    /// Partition.
    pub partition: i32,
    /// The largest epoch not above the one asked about, -1 when unknown.
    pub leader_epoch: i32,
    /// Its end offset, -1 when unknown.
    pub end_offset: i64,
}

impl OffsetForLeaderEpochRequest {
    pub(crate) fn encode(&self, version: i16, out: &mut Writer) {
        if version >= 3 {
            out.i32(-1); // replica_id: a consumer
        }
        out.array(&self.topics, |out, topic| {
            out.string(&topic.name);
            out.array(&topic.partitions, |out, partition| {
                out.i32(partition.partition);
                out.i32(partition.current_leader_epoch);
                out.i32(partition.leader_epoch);
            });
        });
        out.tags();
    }
}

impl OffsetForLeaderEpochResponse {
    pub(crate) fn decode(
        _version: i16,
        input: &mut Reader,
    ) -> Result<OffsetForLeaderEpochResponse, DecodeError> {
        let response = OffsetForLeaderEpochResponse {
            throttle_time_ms: input.i32()?,
            topics: input.array(3, |input| {
                Ok(EpochEndTopic {
                    name: input.string()?,
                    partitions: input.array(18, |input| {
                        Ok(EpochEnd {
                            error: input.error()?,
                            partition: input.i32()?,
                            leader_epoch: input.i32()?,
                            end_offset: input.i64()?,
                        })
                    })?,
                })
            })?,
        };
        input.tags()?;
        Ok(response)
    }
}
