//! Metadata (key 3): brokers, topics, partitions and their leaders.

use super::{DecodeError, ErrorCode, Reader, TopicId, VersionRange, Writer};

/// Versions that we speak. 7 = leader epoch, 10 = topic ids (12 = usable in requests), 13 = top-level error.
pub const VERSIONS: VersionRange = VersionRange { min: 1, max: 13 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 9;
/// From this version on topics may be asked for by their ids.
pub const FIRST_WITHOUT_NAMES: i16 = 12;

/// Metadata request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MetadataRequest {
    /// Null = every topic; empty = none, only the brokers.
    pub topics: Option<Vec<MetadataRequestTopic>>,
    /// May the broker create missing topics (v4)?
    pub allow_auto_topic_creation: bool,
}

/// A topic by name, or by id with a null name (v12). A broker that is asked for some by their ids leaves out those that are
/// asked for by name.
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
    /// The lowest version that can carry this request: below v12 a topic has to have a name.
    pub fn min_version(&self) -> i16 {
        let is_nameless = self.topics.iter().flatten().any(|topic| topic.name.is_none());
        if is_nameless { FIRST_WITHOUT_NAMES } else { VERSIONS.min }
    }

    pub(crate) fn encode(&self, version: i16, out: &mut Writer) {
        out.nullable_array(&self.topics, |out, topic| {
            if version >= 10 {
                out.uuid(topic.topic_id);
                out.nullable_string(&topic.name);
            } else {
                out.string(topic.name.as_deref().unwrap_or_default());
            }
        });
        if version >= 4 {
            out.bool(self.allow_auto_topic_creation);
        }
        if (8..=10).contains(&version) {
            out.bool(false); // include_cluster_authorized_operations
        }
        if version >= 8 {
            out.bool(false); // include_topic_authorized_operations
        }
        out.tags();
    }
}

impl MetadataResponse {
    pub(crate) fn decode(version: i16, input: &mut Reader) -> Result<MetadataResponse, DecodeError> {
        let mut response = MetadataResponse {
            throttle_time_ms: if version >= 3 { input.i32()? } else { 0 },
            brokers: input.array(11, |input| {
                Ok(MetadataBroker {
                    node_id: input.i32()?,
                    host: input.string()?,
                    port: input.i32()?,
                    rack: input.nullable_string()?,
                })
            })?,
            cluster_id: if version >= 2 { input.nullable_string()? } else { None },
            controller_id: input.i32()?,
            topics: input.array(9, |input| MetadataTopic::decode(version, input))?,
            error: ErrorCode::NONE,
        };
        if (8..=10).contains(&version) {
            input.i32()?; // cluster_authorized_operations
        }
        if version >= 13 {
            response.error = input.error()?;
        }
        input.tags()?;
        Ok(response)
    }
}

impl MetadataTopic {
    fn decode(version: i16, input: &mut Reader) -> Result<MetadataTopic, DecodeError> {
        let topic = MetadataTopic {
            error: input.error()?,
            name: input.nullable_string()?,
            topic_id: if version >= 10 { input.uuid()? } else { TopicId::ZERO },
            is_internal: input.bool()?,
            partitions: input.array(18, |input| {
                Ok(MetadataPartition {
                    error: input.error()?,
                    partition: input.i32()?,
                    leader: input.i32()?,
                    leader_epoch: if version >= 7 { input.i32()? } else { -1 },
                    replicas: input.i32s()?,
                    isr: input.i32s()?,
                    offline_replicas: if version >= 5 { input.i32s()? } else { Vec::new() },
                })
            })?,
        };
        if version >= 8 {
            input.i32()?; // topic_authorized_operations
        }
        Ok(topic)
    }
}
