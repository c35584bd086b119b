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
    pub(crate) fn encode(&self, _version: i16, _out: &mut Writer) {
        todo!()
    }
}

impl ListOffsetsResponse {
    pub(crate) fn decode(_version: i16, _input: &mut Reader) -> Result<ListOffsetsResponse, DecodeError> {
        todo!()
    }
}
