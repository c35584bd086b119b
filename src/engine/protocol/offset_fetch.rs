//! OffsetFetch (key 9): the group's committed offsets.

use super::{DecodeError, ErrorCode, Reader, TopicId, VersionRange, Writer};

/// Versions that we speak. 5 = leader epoch, 7 = require stable, 8 = several groups, 9 = member epoch, 10 = topic ids
/// instead of names.
pub const VERSIONS: VersionRange = VersionRange { min: 1, max: 10 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 6;
/// From this version on topics go by id; see [`OffsetFetchRequest::max_version`].
pub const FIRST_WITH_TOPIC_IDS: i16 = 10;

/// OffsetFetch request for one group, or for several; see [`OffsetFetchRequest::min_version`].
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
    /// Further groups (v8), each with its topics.
    pub others: Vec<(String, Option<Vec<OffsetFetchTopic>>)>,
}

/// Partitions of one topic.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetFetchTopic {
    /// Name (to v9).
    pub name: String,
    /// Id (v10).
    pub topic_id: TopicId,
    /// Partitions.
    pub partitions: Vec<i32>,
}

/// OffsetFetch response for one group, or for several.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetFetchResponse {
    /// KIP-219 throttle (v3).
    pub throttle_time_ms: i32,
    /// The group (v8).
    pub group_id: String,
    /// Group level error (v2).
    pub error: ErrorCode,
    /// Per topic.
    pub topics: Vec<OffsetFetchResponseTopic>,
    /// Further groups (v8).
    pub others: Vec<OffsetFetchResponseGroup>,
}

/// The answer for one of several groups.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetFetchResponseGroup {
    /// The group.
    pub group_id: String,
    /// Group level error.
    pub error: ErrorCode,
    /// Per topic.
    pub topics: Vec<OffsetFetchResponseTopic>,
}

/// One topic's committed offsets.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetFetchResponseTopic {
    /// Name (to v9), empty above.
    pub name: String,
    /// Id (v10), zero below.
    pub topic_id: TopicId,
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
    /// The highest version that can carry this request: topics without an id force names (v9), and so does the question
    /// for every topic, whose answer would name them by ids that nobody here knows.
    pub fn max_version(&self) -> i16 {
        let by_id = |topics: &Option<Vec<OffsetFetchTopic>>| {
            topics.as_ref().is_some_and(|topics| topics.iter().all(|t| !t.topic_id.is_zero()))
        };
        let by_id = by_id(&self.topics) && self.others.iter().all(|(_, topics)| by_id(topics));
        if by_id { VERSIONS.max } else { FIRST_WITH_TOPIC_IDS - 1 }
    }

    /// The lowest version that can carry this request: older ones ask for one group (KIP-709), and v1 not for all topics.
    pub fn min_version(&self) -> i16 {
        match (self.others.is_empty(), &self.topics) {
            (false, _) => FIRST_WITH_SEVERAL,
            (true, None) => 2,
            (true, Some(_)) => VERSIONS.min,
        }
    }

    pub(crate) fn encode(&self, version: i16, out: &mut Writer) {
        if version >= FIRST_WITH_SEVERAL {
            let others = self.others.iter().map(|(group_id, topics)| (group_id, topics));
            let groups: Vec<_> = std::iter::once((&self.group_id, &self.topics)).chain(others).collect();
            out.array(&groups, |out, (group_id, topics)| {
                out.string(group_id);
                if version >= 9 {
                    out.nullable_string(&self.member_id);
                    out.i32(self.member_epoch);
                }
                encode_topics(topics, version, out);
            });
        } else {
            out.string(&self.group_id);
            encode_topics(&self.topics, version, out);
        }
        if version >= 7 {
            out.bool(self.require_stable);
        }
        out.tags();
    }
}

fn encode_topics(topics: &Option<Vec<OffsetFetchTopic>>, version: i16, out: &mut Writer) {
    let write = |out: &mut Writer, topic: &OffsetFetchTopic| {
        if version >= FIRST_WITH_TOPIC_IDS {
            out.uuid(topic.topic_id);
        } else {
            out.string(&topic.name);
        }
        out.i32s(&topic.partitions);
    };
    if version >= 2 {
        out.nullable_array(topics, write);
    } else {
        out.array(topics.as_deref().unwrap_or_default(), write);
    }
}

impl OffsetFetchResponse {
    pub(crate) fn decode(version: i16, input: &mut Reader) -> Result<OffsetFetchResponse, DecodeError> {
        let throttle_time_ms = if version >= 3 { input.i32()? } else { 0 };
        let mut others = Vec::new();
        let OffsetFetchResponseGroup { group_id, error, topics } = if version >= FIRST_WITH_SEVERAL {
            // In the order in which they were asked for.
            others = input.array(5, |input| {
                let group_id = input.string()?;
                decode_group(version, group_id, input)
            })?;
            if others.is_empty() {
                return Err(DecodeError::Invalid { what: "group count", value: 0 });
            }
            others.remove(0)
        } else {
            decode_group(version, String::new(), input)?
        };
        input.tags()?;
        Ok(OffsetFetchResponse { throttle_time_ms, group_id, error, topics, others })
    }
}

fn decode_group(
    version: i16,
    group_id: String,
    input: &mut Reader,
) -> Result<OffsetFetchResponseGroup, DecodeError> {
    let by_id = version >= FIRST_WITH_TOPIC_IDS;
    Ok(OffsetFetchResponseGroup {
        group_id,
        topics: input.array(3, |input| {
            Ok(OffsetFetchResponseTopic {
                name: if by_id { String::new() } else { input.string()? },
                topic_id: if by_id { input.uuid()? } else { TopicId::ZERO },
                partitions: input.array(16, |input| {
                    Ok(OffsetFetchResponsePartition {
                        partition: input.i32()?,
                        offset: input.i64()?,
                        leader_epoch: if version >= 5 { input.i32()? } else { -1 },
                        metadata: input.nullable_string()?,
                        error: input.error()?,
                    })
                })?,
            })
        })?,
        error: if version >= 2 { input.error()? } else { ErrorCode::NONE },
    })
}

/// KIP-709.
const FIRST_WITH_SEVERAL: i16 = 8;
