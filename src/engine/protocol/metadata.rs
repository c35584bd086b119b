//! Metadata (key 3): brokers, topics, partitions and their leaders.

use super::{DecodeError, ErrorCode, Reader, TopicId, VersionRange, Writer};

/// Versions that we speak. 7 = leader epoch, 10 = topic ids (12 = usable in requests), 13 = top-level error.
pub const VERSIONS: VersionRange = VersionRange { min: 1, max: 13 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 9;

/// Metadata request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MetadataRequest {
    /// Null = every topic; empty = none, only the brokers.
    pub topics: Option<Vec<MetadataRequestTopic>>,
    /// May the broker create missing topics (v4)?
    pub allow_auto_topic_creation: bool,
}

/// A topic by name, or by id with a null name (v12).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MetadataRequestTopic {
    /// Id (v10), zero when asked by name.
    pub topic_id: TopicId,
    /// Name; null only from v12.
    pub name: Option<String>,
}

/// Metadata response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MetadataResponse {
    /// KIP-219 throttle (v3).
    pub throttle_time_ms: i32,
    /// The live brokers.
    pub brokers: Vec<MetadataBroker>,
    /// The cluster's id (v2).
    pub cluster_id: Option<String>,
    /// The controller, -1 when unknown.
    pub controller_id: i32,
    /// The topics.
    pub topics: Vec<MetadataTopic>,
    /// Top-level error (v13).
    pub error: ErrorCode,
}

/// One broker.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MetadataBroker {
    /// Node id.
    pub node_id: i32,
    /// Host.
    pub host: String,
    /// Port.
    pub port: i32,
    /// Rack.
    pub rack: Option<String>,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MetadataTopic {
    /// The result for this topic.
    pub error: ErrorCode,
    /// Name; null for an unknown id (v12).
    pub name: Option<String>,
    /// Id (v10).
    pub topic_id: TopicId,
    /// An internal topic of the broker's?
    pub is_internal: bool,
    /// Its partitions.
    pub partitions: Vec<MetadataPartition>,
}

/// One partition.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MetadataPartition {
    /// The result for this partition.
    pub error: ErrorCode,
    /// Partition.
    pub partition: i32,
    /// Leader node, -1 when there is none.
    pub leader: i32,
    /// Leader epoch (v7), -1 when unknown.
    pub leader_epoch: i32,
    /// All replicas.
    pub replicas: Vec<i32>,
    /// In-sync replicas.
    pub isr: Vec<i32>,
    /// Offline replicas (v5).
    pub offline_replicas: Vec<i32>,
}

impl MetadataRequest {
    pub(crate) fn encode(&self, _version: i16, _out: &mut Writer) {
        todo!()
    }
}

impl MetadataResponse {
    pub(crate) fn decode(_version: i16, _input: &mut Reader) -> Result<MetadataResponse, DecodeError> {
        todo!()
    }
}
