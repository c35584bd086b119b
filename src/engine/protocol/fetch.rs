//! Fetch (key 1): records, with incremental sessions (KIP-227) and topic ids (KIP-516).

use bytes::Bytes;

use super::{DecodeError, ErrorCode, Reader, TopicId, VersionRange, Writer};

/// Versions that we speak. 4 = record batches v2, 7 = sessions, 9 = leader epoch, 11 = rack, 12 = flexible,
/// 13 = topic ids instead of names, 15 = replica as a tagged field, 16 = KIP-951 node endpoints, 17 = directory ids.
pub const VERSIONS: VersionRange = VersionRange { min: 4, max: 17 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 12;
/// From this version on topics go by id; see [`FetchRequest::max_version`].
pub const FIRST_WITH_TOPIC_IDS: i16 = 13;

/// Fetch request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FetchRequest {
    /// How long the broker may wait for `min_bytes`, in ms.
    pub max_wait_ms: i32,
    /// When to answer.
    pub min_bytes: i32,
    /// Soft limit of the whole answer.
    pub max_bytes: i32,
    /// READ_COMMITTED.
    pub read_committed: bool,
    /// Session id (v7), 0 for a new or no session.
    pub session_id: i32,
    /// Session epoch (v7): 0 opens, -1 closes or goes without.
    pub session_epoch: i32,
    /// Partitions to fetch; in a session, only what changed.
    pub topics: Vec<FetchTopic>,
    /// Partitions to drop from the session (v7).
    pub forgotten: Vec<ForgottenTopic>,
    /// Our rack (v11).
    pub rack_id: String,
}

impl FetchRequest {
    /// The highest version that can carry this request: topics without an id force names (v12).
    pub fn max_version(&self) -> i16 {
        let named = self.topics.iter().any(|t| t.topic_id.is_zero())
            || self.forgotten.iter().any(|t| t.topic_id.is_zero());
        if named { FIRST_WITH_TOPIC_IDS - 1 } else { VERSIONS.max }
    }
}

/// One topic to fetch.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FetchTopic {
    /// Name (to v12).
    pub name: String,
    /// Id (v13).
    pub topic_id: TopicId,
    /// Its partitions.
    pub partitions: Vec<FetchPartition>,
}

/// One partition to fetch.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FetchPartition {
    /// Partition.
    pub partition: i32,
    /// The leader epoch that we know (v9), -1 when unknown.
    pub current_leader_epoch: i32,
    /// Next offset wanted.
    pub fetch_offset: i64,
    /// Soft limit for this partition.
    pub max_bytes: i32,
}

/// Partitions to drop from the session.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ForgottenTopic {
    /// Name (to v12).
    pub name: String,
    /// Id (v13).
    pub topic_id: TopicId,
    /// Its partitions.
    pub partitions: Vec<i32>,
}

/// Fetch response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FetchResponse {
    /// KIP-219 throttle.
    pub throttle_time_ms: i32,
    /// Top-level error (v7).
    pub error: ErrorCode,
    /// The session (v7), 0 when the broker gave none.
    pub session_id: i32,
    /// Per topic.
    pub topics: Vec<FetchResponseTopic>,
    /// Where the new leaders are (KIP-951, v16).
    pub node_endpoints: Vec<NodeEndpoint>,
}

/// One topic's data.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FetchResponseTopic {
    /// Name (to v12), empty above.
    pub name: String,
    /// Id (v13), zero below.
    pub topic_id: TopicId,
    /// Per partition.
    pub partitions: Vec<FetchResponsePartition>,
}

/// One partition's data.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FetchResponsePartition {
    /// Partition.
    pub partition: i32,
    /// The result.
    pub error: ErrorCode,
    /// Next offset to be written.
    pub high_watermark: i64,
    /// End of the data that READ_COMMITTED may see, -1 when unknown.
    pub last_stable_offset: i64,
    /// Start of the log (v5), -1 when unknown.
    pub log_start_offset: i64,
    /// Aborted transactions in this data, only under READ_COMMITTED.
    pub aborted: Vec<AbortedTransaction>,
    /// KIP-392: fetch from this node instead (v11), -1 when none.
    pub preferred_read_replica: i32,
    /// KIP-951: the current leader and its epoch (tagged field, v12).
    pub current_leader: Option<(i32, i32)>,
    /// Record batches, the last one possibly cut. A slice of the response frame.
    pub records: Bytes,
}

/// One aborted transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AbortedTransaction {
    /// Who aborted.
    pub producer_id: i64,
    /// First offset of the transaction.
    pub first_offset: i64,
}

/// A broker's address (KIP-951).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NodeEndpoint {
    /// Node id.
    pub node_id: i32,
    /// Host.
    pub host: String,
    /// Port.
    pub port: i32,
    /// Rack.
    pub rack: Option<String>,
}

impl FetchRequest {
    pub(crate) fn encode(&self, _version: i16, _out: &mut Writer) {
        todo!()
    }
}

impl FetchResponse {
    pub(crate) fn decode(_version: i16, _input: &mut Reader) -> Result<FetchResponse, DecodeError> {
        todo!()
    }
}
