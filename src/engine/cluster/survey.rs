//! Reading what the leader of a group assigns by: the metadata of all members' topics, from answers to questions that were
//! asked after the members had come together.
//!
//! A partition that the survey leaves out is assigned to no member, and nobody reads it. So a topic that an answer does not
//! tell of, or not of all its partitions, is asked for again, of another broker; within bounds, because the group waits.
//!
//! ```text
//!          told                      every broker that was asked says: no such topic; forbidden
//!  Read ◄──────── Asked ──────────────────────────────────────────────────────────────────────► Nothing
//!                   └── time is over: what is known of the topic
//! ```

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::metadata::{MetadataPartition, MetadataResponse, MetadataTopic};

use crate::engine::machine::TopicPartition;

use super::Metadata;

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Survey {
    /// Answers to requests before this one are older than the question.
    first: u64,
    topics: BTreeMap<Arc<str>, Topic>,
    /// What is known of the cluster: told by the last answer, its topics left out.
    cluster: MetadataResponse,
}

#[derive(Debug)]
enum Topic {
    /// `absences`: how many answers in a row did not know it. `partial`: an answer that left partitions out which others know.
    Asked {
        absences: u32,
        partial: Option<MetadataTopic>,
    },
    Read(MetadataTopic),
    Nothing,
}

impl Survey {
    /// Answers to requests before `first` do not count.
    pub(super) fn new(first: u64, topics: &[Arc<str>], metadata: &Metadata) -> Survey {
        let asked = || Topic::Asked { absences: 0, partial: None };
        let topics = topics.iter().map(|name| (name.clone(), asked())).collect();
        let cluster = MetadataResponse {
            brokers: metadata.brokers().to_vec(),
            cluster_id: metadata.cluster_id().map(Into::into),
            controller_id: -1,
            ..Default::default()
        };
        Survey { first, topics, cluster }
    }

    /// Is there nothing left to ask for?
    pub(super) fn is_done(&self) -> bool {
        self.topics.values().all(|topic| !matches!(topic, Topic::Asked { .. }))
    }

    /// An answer to request `id`, which `metadata` has taken in. Returns whether it counts.
    pub(super) fn hear(&mut self, id: u64, answer: &MetadataResponse, metadata: &Metadata) -> bool {
        if id < self.first {
            return false;
        }
        self.cluster = MetadataResponse { topics: Vec::new(), ..answer.clone() };
        let named = answer.topics.iter().filter_map(|topic| Some((topic.name.as_deref()?, topic)));
        let told: HashMap<&str, &MetadataTopic> = named.collect();
        for (name, topic) in &mut self.topics {
            if let (Topic::Asked { absences, partial }, Some(told)) = (&mut *topic, told.get(&**name)) {
                match told.error {
                    // Of a topic that was there before.
                    ErrorCode::NONE if is_another(told, name, metadata) => {}
                    ErrorCode::NONE => {
                        let told = sound(told);
                        let missing = absent(&told, name, metadata).next();
                        if missing.is_none() && !told.partitions.is_empty() {
                            *topic = Topic::Read(told);
                        } else {
                            *partial = Some(told);
                        }
                    }
                    ErrorCode::UNKNOWN_TOPIC_OR_PARTITION if *absences + 1 == ABSENCES => {
                        *topic = Topic::Nothing;
                    }
                    ErrorCode::UNKNOWN_TOPIC_OR_PARTITION => *absences += 1,
                    ErrorCode::TOPIC_AUTHORIZATION_FAILED | ErrorCode::INVALID_TOPIC_EXCEPTION => {
                        *topic = Topic::Nothing;
                    }
                    // Being created, or not now.
                    _ => {}
                }
            }
        }
        true
    }

    /// What was read. Topics that could not be read are as `metadata` knows them.
    pub(super) fn end(self, metadata: &Metadata) -> MetadataResponse {
        let topics = self.topics.into_iter().filter_map(|(name, topic)| {
            let topic = match topic {
                Topic::Read(topic) => topic,
                Topic::Asked { partial, .. } => completed(&name, partial, metadata),
                Topic::Nothing => return None,
            };
            (!topic.partitions.is_empty()).then_some(topic)
        });
        MetadataResponse { topics: topics.collect(), ..self.cluster }
    }
}

/// Is this not the topic that `metadata`, which has taken the answer in, believes in?
fn is_another(told: &MetadataTopic, name: &str, metadata: &Metadata) -> bool {
    !told.topic_id.is_zero() && told.topic_id != metadata.topic_id(name)
}

/// Each partition once, and none that cannot be.
fn sound(told: &MetadataTopic) -> MetadataTopic {
    let mut topic = told.clone();
    let mut numbers = BTreeSet::new();
    topic.partitions.retain(|told| told.partition >= 0 && numbers.insert(told.partition));
    topic
}

/// The partitions that we know and this answer does not.
fn absent<'a>(
    told: &MetadataTopic,
    name: &str,
    metadata: &'a Metadata,
) -> impl Iterator<Item = i32> + use<'a> {
    let told: BTreeSet<i32> = told.partitions.iter().map(|told| told.partition).collect();
    metadata.existing(name).into_iter().filter(move |known| !told.contains(known))
}

fn completed(name: &Arc<str>, partial: Option<MetadataTopic>, metadata: &Metadata) -> MetadataTopic {
    let mut topic =
        partial.unwrap_or_else(|| MetadataTopic { name: Some(name.to_string()), ..Default::default() });
    for partition in absent(&topic, name, metadata) {
        let leader = metadata.leader(&TopicPartition { topic: name.clone(), partition });
        topic.partitions.push(MetadataPartition {
            partition,
            leader: leader.map_or(-1, |leader| leader.node),
            leader_epoch: leader.map_or(-1, |leader| leader.epoch),
            ..Default::default()
        });
    }
    topic
}

/// A topic does not exist when so many answers in a row say so: two brokers may be behind. When more are, the topic is new;
/// a later refresh tells of it, and the group rebalances.
const ABSENCES: u32 = 3;
