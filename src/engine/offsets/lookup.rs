//! Finding positions: what the group has committed, else the start or the end of the log.
//!
//! ```text
//! Committed ──OffsetFetch──► an offset ─────────────► Position
//!               └── none ──► Earliest | Latest ──ListOffsets──► Position
//! ```

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::engine::cluster::Failure;
use crate::engine::cluster::Metadata;
use crate::engine::cluster::Outbound;
use crate::engine::cluster::Target;
use crate::engine::cluster::TopicPartition;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::NetError;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::list_offsets::EARLIEST;
use crate::engine::protocol::list_offsets::LATEST;
use crate::engine::protocol::list_offsets::ListOffsetsPartition;
use crate::engine::protocol::list_offsets::ListOffsetsRequest;
use crate::engine::protocol::list_offsets::ListOffsetsTopic;
use crate::engine::protocol::offset_fetch::OffsetFetchRequest;
use crate::engine::protocol::offset_fetch::OffsetFetchResponse;
use crate::engine::protocol::offset_fetch::OffsetFetchTopic;

use super::Event;
use super::machine::{Offsets, Partition};

/// What a partition still has to find out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lookup {
    None,
    Committed,
    Earliest,
    Latest,
}

/// The lookups under way.
#[derive(Debug, Default)]
pub(super) struct Lookups {
    in_flight: HashMap<u64, Vec<Asked>>,
}

/// One partition's question.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    partition: TopicPartition,
    lookup: Lookup,
}

impl Lookups {
    pub(super) fn land(&mut self, id: u64) -> Option<Vec<Asked>> {
        self.in_flight.remove(&id)
    }

    /// The partition's question has changed: what is on its way answers the old one.
    pub(super) fn forget(&mut self, partition: &TopicPartition) {
        self.in_flight.values_mut().for_each(|asked| asked.retain(|asked| asked.partition != *partition));
    }

    fn is_asked(&self, partition: &TopicPartition, lookup: Lookup) -> bool {
        let mut asked = self.in_flight.values().flatten();
        asked.any(|asked| asked.lookup == lookup && asked.partition == *partition)
    }
}

impl Offsets {
    pub(super) fn poll_lookup(
        &mut self,
        now: Instant,
        metadata: &Metadata,
        coordinator_known: bool,
    ) -> Option<Outbound> {
        if self.partitions.values().all(|state| state.lookup == Lookup::None) {
            return None;
        }
        if coordinator_known && let Some(outbound) = self.ask_committed(now) {
            return Some(outbound);
        }
        self.ask_leaders(now, metadata)
    }

    fn ask_committed(&mut self, now: Instant) -> Option<Outbound> {
        let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
        let mut asked = Vec::new();
        for (partition, state) in &self.partitions {
            if self.is_due(now, partition, state, Lookup::Committed) {
                topics.entry(&partition.topic).or_default().push(partition.partition);
                asked.push(Asked { partition: partition.clone(), lookup: Lookup::Committed });
            }
        }
        if asked.is_empty() {
            return None;
        }
        let topics = topics.into_iter().map(|(name, partitions)| {
            let name = name.to_owned();
            OffsetFetchTopic { name, partitions }
        });
        let body: Request = OffsetFetchRequest {
            group_id: self.config.group_id.clone(),
            member_id: None,
            member_epoch: -1,
            topics: Some(topics.collect()),
            require_stable: true,
        }
        .into();
        Some(self.ask(Target::AnyCoordinator, body, asked))
    }

    fn ask_leaders(&mut self, now: Instant, metadata: &Metadata) -> Option<Outbound> {
        let mut node = None;
        let mut topics: Vec<ListOffsetsTopic> = Vec::new();
        let mut asked = Vec::new();
        let mut leaderless = Vec::new();
        for (partition, state) in &self.partitions {
            let timestamp = match state.lookup {
                Lookup::Earliest => EARLIEST,
                Lookup::Latest => LATEST,
                Lookup::None | Lookup::Committed => continue,
            };
            if !self.is_due(now, partition, state, state.lookup) {
                continue;
            }
            let Some(leader) = metadata.leader(partition) else {
                leaderless.push(partition.clone());
                continue;
            };
            if *node.get_or_insert(leader.node) != leader.node {
                continue;
            }
            let wanted = ListOffsetsPartition {
                partition: partition.partition,
                current_leader_epoch: leader.epoch,
                timestamp,
            };
            match topics.iter_mut().find(|topic| *topic.name == *partition.topic) {
                Some(topic) => topic.partitions.push(wanted),
                None => topics
                    .push(ListOffsetsTopic { name: partition.topic.to_string(), partitions: vec![wanted] }),
            }
            asked.push(Asked { partition: partition.clone(), lookup: state.lookup });
        }
        for partition in leaderless {
            self.wait(now, &partition);
            self.once(Event::RefreshMetadata);
        }
        let read_committed = self.config.read_committed;
        let body = ListOffsetsRequest { read_committed, topics, timeout_ms: BROKER_TIMEOUT_MS };
        Some(self.ask(Target::Node(node?), body.into(), asked))
    }

    pub(super) fn lookup_answered(
        &mut self,
        now: Instant,
        asked: Vec<Asked>,
        response: Result<Response, NetError>,
    ) {
        match response {
            Ok(Response::OffsetFetch(answer)) => self.committed_answered(now, &asked, &answer),
            Ok(Response::ListOffsets(answer)) => {
                let mut found = HashMap::new();
                for topic in answer.topics {
                    let name: std::sync::Arc<str> = topic.name.into();
                    for answer in topic.partitions {
                        let partition = TopicPartition { topic: name.clone(), partition: answer.partition };
                        found.insert(partition, answer);
                    }
                }
                for Asked { partition, .. } in asked {
                    match found.get(&partition) {
                        Some(answer) if !answer.error.is_err() && answer.offset >= 0 => {
                            self.position(&partition, answer.offset);
                        }
                        Some(answer) => self.lookup_failed(now, &partition, answer.error),
                        None => self.wait(now, &partition),
                    }
                }
            }
            Ok(_) => {}
            Err(error) => self.unanswered(now, &asked, error),
        }
    }

    fn committed_answered(&mut self, now: Instant, asked: &[Asked], answer: &OffsetFetchResponse) {
        for Asked { partition, .. } in asked {
            if answer.error.is_err() {
                self.lookup_failed(now, partition, answer.error);
                continue;
            }
            let topic = answer.topics.iter().find(|topic| *topic.name == *partition.topic);
            let found = topic.and_then(|t| t.partitions.iter().find(|p| p.partition == partition.partition));
            match found {
                // Some brokers leave partitions out of their answers.
                None => self.wait(now, partition),
                Some(found) if found.error.is_err() => self.lookup_failed(now, partition, found.error),
                Some(found) if found.offset >= 0 => {
                    if let Some(state) = self.partitions.get_mut(partition) {
                        state.committed = Some(found.offset);
                    }
                    self.position(partition, found.offset);
                }
                // Nothing committed, or the -1 and -2 that kafkajs is known to commit.
                Some(_) => {
                    if let Some(state) = self.partitions.get_mut(partition) {
                        state.lookup = if state.from_beginning { Lookup::Earliest } else { Lookup::Latest };
                        state.backoff.reset();
                    }
                }
            }
        }
    }

    fn position(&mut self, partition: &TopicPartition, offset: i64) {
        let Some(state) = self.partitions.get_mut(partition) else { return };
        state.lookup = Lookup::None;
        state.start = Some(offset);
        state.backoff.reset();
        self.events.push_back(Event::Position { partition: partition.clone(), offset });
    }

    fn lookup_failed(&mut self, now: Instant, partition: &TopicPartition, code: ErrorCode) {
        match code {
            ErrorCode::GROUP_AUTHORIZATION_FAILED
            | ErrorCode::TOPIC_AUTHORIZATION_FAILED
            | ErrorCode::INVALID_GROUP_ID
            | ErrorCode::INVALID_TOPIC_EXCEPTION => {
                let partition = Some(partition.clone());
                self.once(Event::Failed(Failure::Broker { code, partition }));
            }
            ErrorCode::NOT_COORDINATOR | ErrorCode::COORDINATOR_NOT_AVAILABLE => {
                self.once(Event::CoordinatorLost);
            }
            ErrorCode::COORDINATOR_LOAD_IN_PROGRESS | ErrorCode::UNSTABLE_OFFSET_COMMIT => {}
            // Whatever else a leader says: it may no longer be the leader. Never a reason to reset.
            _ => self.once(Event::RefreshMetadata),
        }
        self.wait(now, partition);
    }

    fn unanswered(&mut self, now: Instant, asked: &[Asked], error: NetError) {
        let of_group = asked.iter().any(|asked| asked.lookup == Lookup::Committed);
        match error {
            NetError::Authentication { .. } | NetError::UnsupportedApi { .. } => {
                self.once(Event::Failed(Failure::Net(error)));
            }
            _ if of_group => self.once(Event::CoordinatorLost),
            _ => self.once(Event::RefreshMetadata),
        }
        for asked in asked {
            self.wait(now, &asked.partition);
        }
    }

    fn is_due(&self, now: Instant, partition: &TopicPartition, state: &Partition, lookup: Lookup) -> bool {
        state.lookup == lookup && state.backoff.is_ready(now) && !self.lookups.is_asked(partition, lookup)
    }

    fn wait(&mut self, now: Instant, partition: &TopicPartition) {
        if let Some(state) = self.partitions.get_mut(partition) {
            state.backoff.failed(now, &mut self.rng);
        }
    }

    fn ask(&mut self, to: Target, body: Request, asked: Vec<Asked>) -> Outbound {
        let id = self.take_id();
        self.lookups.in_flight.insert(id, asked);
        Outbound { id, to, body, held: Duration::ZERO }
    }
}

const BROKER_TIMEOUT_MS: i32 = 30_000;
