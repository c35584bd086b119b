//! OffsetCommit (key 8): the next offset to read, per partition.

use super::{DecodeError, ErrorCode, Reader, TopicId, VersionRange, Writer};

/// Versions that we speak. 6 = leader epoch, 7 = static members, 9 = KIP-848 epochs, 10 = topic ids instead of names.
pub const VERSIONS: VersionRange = VersionRange { min: 2, max: 10 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 8;
/// From this version on topics go by id; see [`OffsetCommitRequest::max_version`].
pub const FIRST_WITH_TOPIC_IDS: i16 = 10;

/// OffsetCommit request. Retention (v2-4) is always the broker's default.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetCommitRequest {
    /// The group.
    pub group_id: String,
    /// Generation, or member epoch under KIP-848; -1 outside a group.
    pub generation_id: i32,
    /// Our member id; empty outside a group.
    pub member_id: String,
    /// Static membership (v7).
    pub group_instance_id: Option<String>,
    /// Per topic.
    pub topics: Vec<OffsetCommitTopic>,
}

/// One topic's offsets.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetCommitTopic {
    /// Name (to v9).
    pub name: String,
    /// Id (v10).
    pub topic_id: TopicId,
    /// Per partition.
    pub partitions: Vec<OffsetCommitPartition>,
}

/// One partition's offset.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetCommitPartition {
    /// Partition.
    pub partition: i32,
    /// Next offset to read.
    pub offset: i64,
    /// Epoch of the last consumed record (v6), -1 when unknown.
    pub leader_epoch: i32,
    /// The user's note.
    pub metadata: Option<String>,
}

/// OffsetCommit response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetCommitResponse {
    /// KIP-219 throttle (v3).
    pub throttle_time_ms: i32,
    /// Per topic.
    pub topics: Vec<OffsetCommitResponseTopic>,
}

/// One topic's results.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetCommitResponseTopic {
    /// Name (to v9), empty above.
    pub name: String,
    /// Id (v10), zero below.
    pub topic_id: TopicId,
    /// Per partition.
    pub partitions: Vec<OffsetCommitResponsePartition>,
}

/// One partition's result.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetCommitResponsePartition {
    /// Partition.
    pub partition: i32,
    /// The result.
    pub error: ErrorCode,
}

impl OffsetCommitRequest {
    /// The highest version that can carry this request: topics without an id force names (v9).
    pub fn max_version(&self) -> i16 {
        let named = self.topics.iter().any(|topic| topic.topic_id.is_zero());
        if named { FIRST_WITH_TOPIC_IDS - 1 } else { VERSIONS.max }
    }

    pub(crate) fn encode(&self, version: i16, out: &mut Writer) {
        out.string(&self.group_id);
        out.i32(self.generation_id);
        out.string(&self.member_id);
        if version >= 7 {
            out.nullable_string(&self.group_instance_id);
        }
        if version <= 4 {
            out.i64(BROKER_RETENTION);
        }
        out.array(&self.topics, |out, topic| {
            if version >= FIRST_WITH_TOPIC_IDS {
                out.uuid(topic.topic_id);
            } else {
                out.string(&topic.name);
            }
            out.array(&topic.partitions, |out, partition| partition.encode(version >= 6, out));
        });
        out.tags();
    }
}

impl OffsetCommitPartition {
    /// TxnOffsetCommit has the same fields, the epoch since another version.
    pub(super) fn encode(&self, has_epoch: bool, out: &mut Writer) {
        out.i32(self.partition);
        out.i64(self.offset);
        if has_epoch {
            out.i32(self.leader_epoch);
        }
        out.nullable_string(&self.metadata);
    }
}

impl OffsetCommitResponse {
    pub(crate) fn decode(version: i16, input: &mut Reader) -> Result<OffsetCommitResponse, DecodeError> {
        let by_id = version >= FIRST_WITH_TOPIC_IDS;
        let response = OffsetCommitResponse {
            throttle_time_ms: if version >= 3 { input.i32()? } else { 0 },
            topics: input.array(3, |input| {
                Ok(OffsetCommitResponseTopic {
                    name: if by_id { String::new() } else { input.string()? },
                    topic_id: if by_id { input.uuid()? } else { TopicId::ZERO },
                    partitions: input.array(6, |input| {
                        Ok(OffsetCommitResponsePartition { partition: input.i32()?, error: input.error()? })
                    })?,
                })
            })?,
        };
        input.tags()?;
        Ok(response)
    }
}

/// retention_time_ms: as configured at the broker.
const BROKER_RETENTION: i64 = -1;
