//! OffsetFetch (key 9): the group's committed offsets.

use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak. 5 = leader epoch, 7 = require stable, 8 = several groups, 9 = member epoch, 10 = topic ids.
pub const VERSIONS: VersionRange = VersionRange { min: 1, max: 9 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 6;

/// OffsetFetch request for one group.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetFetchRequest {
    /// The group.
    pub group_id: String,
    /// KIP-848 member id (v9); null for the classic protocol.
    pub member_id: Option<String>,
    /// KIP-848 member epoch (v9); -1 for the classic protocol.
    pub member_epoch: i32,
    /// Null = every partition with a commit (v2).
    pub topics: Option<Vec<OffsetFetchTopic>>,
    /// Wait for pending transactional commits (v7).
    pub require_stable: bool,
}

/// Partitions of one topic.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetFetchTopic {
    /// Topic.
    pub name: String,
    /// Partitions.
    pub partitions: Vec<i32>,
}

/// OffsetFetch response for one group.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetFetchResponse {
    /// KIP-219 throttle (v3).
    pub throttle_time_ms: i32,
    /// Group level error (v2).
    pub error: ErrorCode,
    /// Per topic.
    pub topics: Vec<OffsetFetchResponseTopic>,
}

/// One topic's committed offsets.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetFetchResponseTopic {
    /// Topic.
    pub name: String,
    /// Per partition.
    pub partitions: Vec<OffsetFetchResponsePartition>,
}

/// One committed offset.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetFetchResponsePartition {
    /// Partition.
    pub partition: i32,
    /// The committed offset, -1 when there is none.
    pub offset: i64,
    /// Leader epoch of the commit (v5), -1 when unknown.
    pub leader_epoch: i32,
    /// The commit's metadata.
    pub metadata: Option<String>,
    /// The result for this partition.
    pub error: ErrorCode,
}

impl OffsetFetchRequest {
    pub(crate) fn encode(&self, _version: i16, _out: &mut Writer) {
        todo!()
    }
}

impl OffsetFetchResponse {
    pub(crate) fn decode(_version: i16, _input: &mut Reader) -> Result<OffsetFetchResponse, DecodeError> {
        todo!()
    }
}
