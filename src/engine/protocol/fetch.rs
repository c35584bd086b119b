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
    /// The session goes by names: whatever changes, also nothing, is told to it by names.
    pub by_name: bool,
}

impl FetchRequest {
    /// The highest version that can carry this request: topics without an id force names (v12), and a session stays what
    /// it was opened as, or the answer is FETCH_SESSION_TOPIC_ID_ERROR.
    pub fn max_version(&self) -> i16 {
        let named = self.by_name
            || self.topics.iter().any(|t| t.topic_id.is_zero())
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
    /// The leader epoch of the record before it (KIP-595, v12), -1 when unknown: then nobody looks for truncation.
    pub last_fetched_epoch: i32,
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
    /// KIP-392: fetch from this node instead (v11).
    pub preferred_read_replica: Option<i32>,
    /// KIP-951: the current leader and its epoch (tagged field, v12).
    pub current_leader: Option<(i32, i32)>,
    /// KIP-595: the log parts from what was fetched before; its largest epoch that is not above `last_fetched_epoch`, and
    /// where that one ends (tagged field, v12).
    pub diverging_epoch: Option<(i32, i64)>,
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
    pub(crate) fn encode(&self, version: i16, out: &mut Writer) {
        if version < 15 {
            out.i32(-1); // replica_id: a consumer; from v15 a tagged field with that default
        }
        out.i32(self.max_wait_ms);
        out.i32(self.min_bytes);
        out.i32(self.max_bytes);
        out.bool(self.read_committed); // isolation_level
        if version >= 7 {
            out.i32(self.session_id);
            out.i32(self.session_epoch);
        }
        out.array(&self.topics, |out, topic| {
            encode_topic(version, &topic.name, topic.topic_id, out);
            out.array(&topic.partitions, |out, partition| partition.encode(version, out));
        });
        if version >= 7 {
            out.array(&self.forgotten, |out, topic| {
                encode_topic(version, &topic.name, topic.topic_id, out);
                out.i32s(&topic.partitions);
            });
        }
        if version >= 11 {
            out.string(&self.rack_id);
        }
        out.tags();
    }
}

impl FetchPartition {
    fn encode(&self, version: i16, out: &mut Writer) {
        out.i32(self.partition);
        if version >= 9 {
            out.i32(self.current_leader_epoch);
        }
        out.i64(self.fetch_offset);
        if version >= 12 {
            out.i32(self.last_fetched_epoch);
        }
        if version >= 5 {
            out.i64(-1); // log_start_offset: followers only
        }
        out.i32(self.max_bytes);
    }
}

fn encode_topic(version: i16, name: &str, id: TopicId, out: &mut Writer) {
    if version >= FIRST_WITH_TOPIC_IDS {
        out.uuid(id);
    } else {
        out.string(name);
    }
}

impl FetchResponse {
    pub(crate) fn decode(version: i16, input: &mut Reader) -> Result<FetchResponse, DecodeError> {
        Ok(FetchResponse {
            throttle_time_ms: input.i32()?,
            error: if version >= 7 { input.error()? } else { ErrorCode::NONE },
            session_id: if version >= 7 { input.i32()? } else { 0 },
            topics: input.array(3, |input| FetchResponseTopic::decode(version, input))?,
            node_endpoints: NodeEndpoint::decode_tagged(input)?,
        })
    }
}

impl FetchResponseTopic {
    fn decode(version: i16, input: &mut Reader) -> Result<FetchResponseTopic, DecodeError> {
        let by_id = version >= FIRST_WITH_TOPIC_IDS;
        Ok(FetchResponseTopic {
            name: if by_id { String::new() } else { input.string()? },
            topic_id: if by_id { input.uuid()? } else { TopicId::ZERO },
            partitions: input.elements(30, |input| FetchResponsePartition::decode(version, input))?,
        })
    }
}

impl FetchResponsePartition {
    fn decode(version: i16, input: &mut Reader) -> Result<FetchResponsePartition, DecodeError> {
        let mut partition = FetchResponsePartition {
            partition: input.i32()?,
            error: input.error()?,
            high_watermark: input.i64()?,
            last_stable_offset: input.i64()?,
            log_start_offset: if version >= 5 { input.i64()? } else { -1 },
            aborted: input.array(16, |input| {
                Ok(AbortedTransaction { producer_id: input.i64()?, first_offset: input.i64()? })
            })?,
            preferred_read_replica: if version >= 11 {
                Some(input.i32()?).filter(|node| *node >= 0)
            } else {
                None
            },
            records: input.nullable_bytes()?.unwrap_or_default(),
            current_leader: None,
            diverging_epoch: None,
        };
        input.known_tags(|tag, input| {
            if tag == CURRENT_LEADER {
                partition.current_leader = decode_leader(input)?;
            } else if tag == DIVERGING_EPOCH {
                let (epoch, end) = (input.i32()?, input.i64()?);
                partition.diverging_epoch = (end >= 0).then_some((epoch, end));
            }
            Ok(())
        })?;
        Ok(partition)
    }
}

/// KIP-951, as Produce tells it, too: who leads now, and in which epoch.
pub(super) fn decode_leader(input: &mut Reader) -> Result<Option<(i32, i32)>, DecodeError> {
    let (node, epoch) = (input.i32()?, input.i32()?);
    Ok((node >= 0).then_some((node, epoch)))
}

impl NodeEndpoint {
    /// The tagged fields at the end of a response, of Produce, too.
    pub(super) fn decode_tagged(input: &mut Reader) -> Result<Vec<NodeEndpoint>, DecodeError> {
        let mut endpoints = Vec::new();
        input.known_tags(|tag, input| {
            if tag == NODE_ENDPOINTS {
                endpoints = input.array(11, NodeEndpoint::decode)?;
            }
            Ok(())
        })?;
        Ok(endpoints)
    }

    fn decode(input: &mut Reader) -> Result<NodeEndpoint, DecodeError> {
        Ok(NodeEndpoint {
            node_id: input.i32()?,
            host: input.string()?,
            port: input.i32()?,
            rack: input.nullable_string()?,
        })
    }
}

/// Tag of [`FetchResponse::node_endpoints`], and of those of Produce.
const NODE_ENDPOINTS: u32 = 0;
/// Tag of [`FetchResponsePartition::diverging_epoch`].
const DIVERGING_EPOCH: u32 = 0;
/// Tag of [`FetchResponsePartition::current_leader`].
const CURRENT_LEADER: u32 = 1;
