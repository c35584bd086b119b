//! Produce (key 0): record batches for the leaders of their partitions.

use bytes::Bytes;

use super::fetch::{NodeEndpoint, decode_leader};
use super::{DecodeError, ErrorCode, Reader, TopicId, VersionRange, Writer};

/// Versions that we speak. 3 = record batches v2, 5 = start of the log, 7 = zstd, 8 = errors of single records,
/// 9 = flexible, 10 = KIP-951 leaders, 12 = the partition joins the transaction by itself (KIP-890), 13 = topic ids.
pub const VERSIONS: VersionRange = VersionRange { min: 3, max: 13 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 9;
/// From this version on topics go by id; see [`ProduceRequest::max_version`].
pub const FIRST_WITH_TOPIC_IDS: i16 = 13;
/// From this version on a Produce adds its partitions to the transaction (KIP-890).
pub const FIRST_OF_TRANSACTIONS_V2: i16 = 12;

/// Produce request. One with `acks` 0 is never answered.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProduceRequest {
    /// Null outside a transaction.
    pub transactional_id: Option<String>,
    /// The transaction was begun under `transaction.version` 0 or 1: AddPartitionsToTxn speaks of its partitions.
    pub transactions_v1: bool,
    /// -1 all in-sync replicas, 1 the leader, 0 nobody.
    pub acks: i16,
    /// How long the leader may wait for the replicas, in ms.
    pub timeout_ms: i32,
    /// Per topic.
    pub topics: Vec<ProduceTopic>,
}

/// One topic's batches.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProduceTopic {
    /// Name (to v12).
    pub name: String,
    /// Id (v13).
    pub topic_id: TopicId,
    /// Per partition.
    pub partitions: Vec<ProducePartition>,
}

/// One partition's batch, in two parts: the header is written anew for each attempt, the records stay where they are.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProducePartition {
    /// Partition.
    pub partition: i32,
    /// The batch's header.
    pub header: Bytes,
    /// The records behind it.
    pub records: Bytes,
}

/// Produce response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProduceResponse {
    /// Per topic.
    pub topics: Vec<ProduceResponseTopic>,
    /// KIP-219 throttle.
    pub throttle_time_ms: i32,
    /// Where the new leaders are (KIP-951, v10).
    pub node_endpoints: Vec<NodeEndpoint>,
}

/// One topic's results.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProduceResponseTopic {
    /// Name (to v12), empty above.
    pub name: String,
    /// Id (v13), zero below.
    pub topic_id: TopicId,
    /// Per partition.
    pub partitions: Vec<ProduceResponsePartition>,
}

/// One partition's result.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProduceResponsePartition {
    /// Partition.
    pub partition: i32,
    /// The result.
    pub error: ErrorCode,
    /// Offset of the batch's first record; -1 where the broker has forgotten it (a duplicate).
    pub base_offset: i64,
    /// When it was appended, ms, where the topic says so; else -1.
    pub log_append_time_ms: i64,
    /// Start of the log (v5), -1 when unknown.
    pub log_start_offset: i64,
    /// The records that made the broker refuse the batch (v8).
    pub record_errors: Vec<ProduceRecordError>,
    /// The broker's words (v8).
    pub error_message: Option<String>,
    /// KIP-951: the current leader and its epoch (tagged field, v10).
    pub current_leader: Option<(i32, i32)>,
}

/// What is wrong with one record.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProduceRecordError {
    /// Its place in the batch.
    pub index: i32,
    /// The broker's words.
    pub message: Option<String>,
}

impl ProduceRequest {
    /// The highest version that can carry this request: topics without an id force names (v12), transactions of the
    /// first protocol the version before the second.
    pub fn max_version(&self) -> i16 {
        if self.transactions_v1 && self.transactional_id.is_some() {
            FIRST_OF_TRANSACTIONS_V2 - 1
        } else if self.topics.iter().any(|topic| topic.topic_id.is_zero()) {
            FIRST_WITH_TOPIC_IDS - 1
        } else {
            VERSIONS.max
        }
    }

    /// About how long the body is: what the frame's buffer is made for.
    pub fn size_hint(&self) -> usize {
        let partition = |p: &ProducePartition| p.header.len() + p.records.len() + PARTITION_OVERHEAD;
        let topic = |t: &ProduceTopic| {
            t.name.len() + TOPIC_OVERHEAD + t.partitions.iter().map(partition).sum::<usize>()
        };
        self.topics.iter().map(topic).sum()
    }

    pub(crate) fn encode(&self, version: i16, out: &mut Writer) {
        out.nullable_string(&self.transactional_id);
        out.i16(self.acks);
        out.i32(self.timeout_ms);
        out.array(&self.topics, |out, topic| {
            if version >= FIRST_WITH_TOPIC_IDS {
                out.uuid(topic.topic_id);
            } else {
                out.string(&topic.name);
            }
            out.array(&topic.partitions, |out, partition| {
                out.i32(partition.partition);
                out.bytes_of(&[&partition.header, &partition.records]);
            });
        });
        out.tags();
    }
}

impl ProduceResponse {
    pub(crate) fn decode(version: i16, input: &mut Reader) -> Result<ProduceResponse, DecodeError> {
        Ok(ProduceResponse {
            topics: input.array(3, |input| ProduceResponseTopic::decode(version, input))?,
            throttle_time_ms: input.i32()?,
            node_endpoints: NodeEndpoint::decode_tagged(input)?,
        })
    }
}

impl ProduceResponseTopic {
    fn decode(version: i16, input: &mut Reader) -> Result<ProduceResponseTopic, DecodeError> {
        let by_id = version >= FIRST_WITH_TOPIC_IDS;
        Ok(ProduceResponseTopic {
            name: if by_id { String::new() } else { input.string()? },
            topic_id: if by_id { input.uuid()? } else { TopicId::ZERO },
            partitions: input.elements(22, |input| ProduceResponsePartition::decode(version, input))?,
        })
    }
}

impl ProduceResponsePartition {
    fn decode(version: i16, input: &mut Reader) -> Result<ProduceResponsePartition, DecodeError> {
        let mut partition = ProduceResponsePartition {
            partition: input.i32()?,
            error: input.error()?,
            base_offset: input.i64()?,
            log_append_time_ms: input.i64()?,
            log_start_offset: if version >= 5 { input.i64()? } else { -1 },
            ..ProduceResponsePartition::default()
        };
        if version >= 8 {
            partition.record_errors = input.array(5, |input| {
                Ok(ProduceRecordError { index: input.i32()?, message: input.nullable_string()? })
            })?;
            partition.error_message = input.nullable_string()?;
        }
        input.known_tags(|tag, input| {
            if tag == CURRENT_LEADER {
                partition.current_leader = decode_leader(input)?;
            }
            Ok(())
        })?;
        Ok(partition)
    }
}

/// Tag of [`ProduceResponsePartition::current_leader`].
const CURRENT_LEADER: u32 = 0;
/// Number, length of the records, tags.
const PARTITION_OVERHEAD: usize = 10;
/// Length of the name or the id, count, tags.
const TOPIC_OVERHEAD: usize = 24;
