//! ListOffsets (key 2): offsets by timestamp; latest and earliest are timestamps -1 and -2.

use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak. 2 = isolation level, 4 = leader epochs, 7 = max timestamp, 8-11 = tiers, 10 = timeout.
pub const VERSIONS: VersionRange = VersionRange { min: 1, max: 11 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 6;

/// The end of the log (last stable offset under READ_COMMITTED).
pub const LATEST: i64 = -1;
/// The start of the log.
pub const EARLIEST: i64 = -2;
/// The record with the largest timestamp (v7, KIP-734).
pub const MAX_TIMESTAMP: i64 = -3;
/// The start of what the broker itself has (v8, KIP-405).
pub const EARLIEST_LOCAL: i64 = -4;
/// The end of what is in the remote tier (v9, KIP-1005).
pub const LATEST_TIERED: i64 = -5;
/// The start of what is not in the remote tier yet (v11, KIP-1023).
pub const EARLIEST_PENDING_UPLOAD: i64 = -6;

/// ListOffsets request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListOffsetsRequest {
    /// READ_COMMITTED (v2).
    pub read_committed: bool,
    /// Per topic.
    pub topics: Vec<ListOffsetsTopic>,
    /// Broker-side timeout in ms (v10).
    pub timeout_ms: i32,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListOffsetsTopic {
    /// Topic.
    pub name: String,
    /// Per partition.
    pub partitions: Vec<ListOffsetsPartition>,
}

/// One partition.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListOffsetsPartition {
    /// Partition.
    pub partition: i32,
    /// The leader epoch that we know (v4), -1 when unknown.
    pub current_leader_epoch: i32,
    /// Milliseconds, or [`LATEST`], [`EARLIEST`].
    pub timestamp: i64,
}

/// ListOffsets response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListOffsetsResponse {
    /// KIP-219 throttle (v2).
    pub throttle_time_ms: i32,
    /// Per topic.
    pub topics: Vec<ListOffsetsResponseTopic>,
}

/// One topic's results.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListOffsetsResponseTopic {
    /// Topic.
    pub name: String,
    /// Per partition.
    pub partitions: Vec<ListOffsetsResponsePartition>,
}

/// One partition's result.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListOffsetsResponsePartition {
    /// Partition.
    pub partition: i32,
    /// The result.
    pub error: ErrorCode,
    /// Timestamp of the found record, -1 when none.
    pub timestamp: i64,
    /// The found offset, -1 when none.
    pub offset: i64,
    /// Its leader epoch (v4), -1 when unknown.
    pub leader_epoch: i32,
}

impl ListOffsetsRequest {
    /// The lowest version that can carry this request: older brokers take the younger special timestamps for times.
    pub fn min_version(&self) -> i16 {
        let partitions = self.topics.iter().flat_map(|topic| &topic.partitions);
        let versions = partitions.map(|partition| match partition.timestamp {
            ..=EARLIEST_PENDING_UPLOAD => 11,
            LATEST_TIERED => 9,
            EARLIEST_LOCAL => 8,
            MAX_TIMESTAMP => 7,
            _ => VERSIONS.min,
        });
        versions.max().unwrap_or(VERSIONS.min)
    }

    pub(crate) fn encode(&self, version: i16, out: &mut Writer) {
        out.i32(-1); // replica_id: a consumer
        if version >= 2 {
            out.bool(self.read_committed); // isolation_level
        }
        out.array(&self.topics, |out, topic| {
            out.string(&topic.name);
            out.array(&topic.partitions, |out, partition| {
                out.i32(partition.partition);
                if version >= 4 {
                    out.i32(partition.current_leader_epoch);
                }
                out.i64(partition.timestamp);
            });
        });
        if version >= 10 {
            out.i32(self.timeout_ms);
        }
        out.tags();
    }
}

impl ListOffsetsResponse {
    pub(crate) fn decode(version: i16, input: &mut Reader) -> Result<ListOffsetsResponse, DecodeError> {
        let response = ListOffsetsResponse {
            throttle_time_ms: if version >= 2 { input.i32()? } else { 0 },
            topics: input.array(3, |input| {
                Ok(ListOffsetsResponseTopic {
                    name: input.string()?,
                    partitions: input.array(22, |input| {
                        Ok(ListOffsetsResponsePartition {
                            partition: input.i32()?,
                            error: input.error()?,
                            timestamp: input.i64()?,
                            offset: input.i64()?,
                            leader_epoch: if version >= 4 { input.i32()? } else { -1 },
                        })
                    })?,
                })
            })?,
        };
        input.tags()?;
        Ok(response)
    }
}
