//! The brokers: metadata, the group's coordinator, logs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use bytes::Bytes;

use crate::engine::machine::NetError;
use crate::engine::machine::Target;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::Subscription;
use crate::engine::protocol::TopicId;
use crate::engine::protocol::consumer_group_heartbeat::ConsumerGroupHeartbeatResponse;
use crate::engine::protocol::consumer_protocol::Assignment;
use crate::engine::protocol::fetch::FetchResponse;
use crate::engine::protocol::find_coordinator::FindCoordinatorResponse;
use crate::engine::protocol::find_coordinator::FoundCoordinator;
use crate::engine::protocol::heartbeat::HeartbeatResponse;
use crate::engine::protocol::join_group::JoinGroupMember;
use crate::engine::protocol::join_group::JoinGroupRequest;
use crate::engine::protocol::join_group::JoinGroupResponse;
use crate::engine::protocol::leave_group::LeaveGroupResponse;
use crate::engine::protocol::list_offsets::LATEST;
use crate::engine::protocol::list_offsets::ListOffsetsResponse;
use crate::engine::protocol::list_offsets::ListOffsetsResponsePartition;
use crate::engine::protocol::list_offsets::ListOffsetsResponseTopic;
use crate::engine::protocol::metadata::MetadataBroker;
use crate::engine::protocol::metadata::MetadataPartition;
use crate::engine::protocol::metadata::MetadataResponse;
use crate::engine::protocol::metadata::MetadataTopic;
use crate::engine::protocol::offset_commit::OffsetCommitResponse;
use crate::engine::protocol::offset_commit::OffsetCommitResponsePartition;
use crate::engine::protocol::offset_commit::OffsetCommitResponseTopic;
use crate::engine::protocol::offset_fetch::OffsetFetchResponse;
use crate::engine::protocol::offset_fetch::OffsetFetchResponsePartition;
use crate::engine::protocol::offset_fetch::OffsetFetchResponseTopic;
use crate::engine::protocol::sync_group::SyncGroupResponse;
use crate::engine::testing::broker::Broker;
use crate::engine::testing::broker::Log;
use crate::engine::testing::broker::TOPIC;

use super::kip848::{Kip848, refused};

/// Two brokers; the first one is the coordinator until it moves.
pub(super) struct Cluster {
    pub(super) brokers: BTreeMap<i32, Broker>,
    pub(super) logs: BTreeMap<i32, Log>,
    pub(super) leaders: BTreeMap<i32, i32>,
    pub(super) leader_epoch: i32,
    pub(super) coordinator: i32,
    pub(super) generation: i32,
    pub(super) members: BTreeSet<String>,
    /// Another process has come with our group instance id.
    pub(super) fenced: bool,
    /// The assignor of the members.
    pub(super) protocol: &'static str,
    next_member: usize,
    /// Heartbeats are told to rejoin until somebody does.
    pub(super) rebalancing: bool,
    /// The coordinator is still loading the group.
    pub(super) loading: bool,
    /// This broker was the coordinator, and does not know yet that it is not.
    pub(super) former: Option<i32>,
    /// JoinGroups are held back.
    pub(super) holds_joins: bool,
    /// SyncGroups are held back.
    pub(super) holds_syncs: bool,
    /// OffsetCommits are held back.
    pub(super) holds_commits: bool,
    /// What the next assignment gives us.
    pub(super) share: Vec<i32>,
    former_share: Vec<i32>,
    /// Somebody else leads the group, and assigns.
    pub(super) follows: bool,
    pub(super) committed: BTreeMap<i32, i64>,
    /// That, as it was told last.
    pub(super) told: BTreeMap<i32, i64>,
    /// Every commit that was taken.
    pub(super) commits: Vec<(i32, i64)>,
    pub(super) left: usize,
    /// The groups of KIP-848: there our generation is our epoch.
    pub(super) kip848: Kip848,
    /// Of the topic as it is now.
    pub(super) topic_id: TopicId,
    /// One in so many requests is refused, or answered in part; 0 = none.
    pub(super) moods: u32,
    pub(super) rng: fastrand::Rng,
    /// Followers are read from, too.
    pub(super) has_followers: bool,
    /// Other members take up what is not ours, and come further with it.
    pub(super) has_others: bool,
    /// What they have handled.
    pub(super) others: BTreeMap<i32, BTreeSet<i64>>,
    /// Partitions whose committed offset may go back, because the user has said so.
    pub(super) rewinds: BTreeSet<i32>,
}

impl Cluster {
    pub(super) fn new() -> Cluster {
        Cluster {
            brokers: (0..2).map(|node| (node, Broker::new())).collect(),
            logs: (0..4).map(|partition| (partition, Log::default())).collect(),
            leaders: (0..4).map(|partition| (partition, partition % 2)).collect(),
            leader_epoch: 1,
            coordinator: 0,
            generation: 0,
            members: BTreeSet::new(),
            fenced: false,
            protocol: EAGER,
            next_member: 0,
            rebalancing: false,
            loading: false,
            former: None,
            holds_joins: false,
            holds_syncs: false,
            holds_commits: false,
            share: vec![0, 1, 2, 3],
            former_share: Vec::new(),
            follows: false,
            committed: BTreeMap::new(),
            told: BTreeMap::new(),
            commits: Vec::new(),
            left: 0,
            kip848: Kip848::default(),
            topic_id: TOPIC,
            moods: 0,
            rng: fastrand::Rng::with_seed(1),
            has_followers: false,
            has_others: false,
            others: BTreeMap::new(),
            rewinds: BTreeSet::new(),
        }
    }

    /// Is the next request refused?
    fn is_moody(&mut self) -> bool {
        self.moods > 0 && self.rng.u32(0..self.moods) == 0
    }

    /// A broker takes a Fetch in, and answers with less, or with an error.
    pub(super) fn spoil(&mut self, mut answer: FetchResponse) -> FetchResponse {
        if !self.is_moody() {
            return answer;
        }
        match self.rng.u32(0..3) {
            // FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH, FETCH_SESSION_TOPIC_ID_ERROR, UNKNOWN_SERVER_ERROR
            0 => FetchResponse {
                error: ErrorCode(self.rng.choice([70, 71, 106, -1]).unwrap()),
                ..Default::default()
            },
            // It throttles us.
            1 => {
                answer.topics.clear();
                answer
            }
            _ => {
                for topic in &mut answer.topics {
                    topic.partitions.retain(|_| self.rng.bool());
                }
                answer
            }
        }
    }

    /// Perhaps one of these.
    fn mood(&mut self, codes: &[i16]) -> ErrorCode {
        if self.is_moody() { ErrorCode(self.rng.choice(codes).copied().unwrap()) } else { ErrorCode::NONE }
    }

    /// Another member has had this partition, and has come somewhat further.
    pub(super) fn pass_on(&mut self, partition: i32) {
        let Some(log) = self.logs.get(&partition).filter(|_| self.has_others) else { return };
        let from = self.committed.get(&partition).copied().unwrap_or(0).max(log.start);
        let to = self.rng.i64(from..=log.last_stable().max(from));
        self.others.entry(partition).or_default().extend(from..to);
        self.committed.insert(partition, to);
    }

    /// The coordinator has put us out, and others have taken everything over.
    pub(super) fn put_out(&mut self) {
        self.members.clear();
        for partition in self.partitions() {
            self.pass_on(partition);
        }
    }

    pub(super) fn partitions(&self) -> Vec<i32> {
        self.logs.keys().copied().collect()
    }

    /// The topic is deleted and made anew, with as many partitions.
    pub(super) fn recreate(&mut self) {
        self.topic_id.0[0] += 1;
        for log in self.logs.values_mut() {
            *log = log.made_anew();
        }
        for broker in self.brokers.values_mut() {
            broker.topic_id = self.topic_id;
        }
        self.leader_epoch = 1;
        self.committed.clear();
        self.told.clear();
        self.others.clear();
        self.rewinds.clear();
        self.kip848.assigned.clear();
        self.kip848.is_news = true;
        self.heal();
    }

    /// Is this the topic as it is now? Who knows no ids speaks of its name.
    fn is_current(&self, id: TopicId) -> bool {
        id.is_zero() || id == self.topic_id
    }

    /// Partitions have no other trouble than that a broker does not lead them.
    pub(super) fn heal(&mut self) {
        for (partition, node) in self.leaders.clone() {
            self.lead(partition, node);
        }
    }

    pub(super) fn assignment(&self) -> Bytes {
        let topics = vec![("t".to_owned(), self.share.clone())];
        Assignment { topics, ..Default::default() }.encode()
    }

    /// The topic gets one more partition.
    pub(super) fn add_partition(&mut self) -> i32 {
        let new = i32::try_from(self.logs.len()).unwrap();
        self.logs.insert(new, Log::default());
        self.leaders.insert(new, 0);
        new
    }

    /// The partition's leader is this node from now on.
    pub(super) fn move_leader(&mut self, partition: i32, node: i32) {
        self.leader_epoch += 1;
        self.lead(partition, node);
    }

    fn lead(&mut self, partition: i32, node: i32) {
        self.leaders.insert(partition, node);
        for (id, broker) in &mut self.brokers {
            broker.follows.remove(&partition);
            if *id == node {
                broker.errors.remove(&partition);
            } else if self.has_followers {
                broker.errors.remove(&partition);
                broker.follows.insert(partition);
            } else {
                broker.errors.insert(partition, (ErrorCode::NOT_LEADER_OR_FOLLOWER, None));
            }
        }
    }

    /// None: not yet.
    pub(super) fn answer(
        &mut self,
        _now: Instant,
        to: Target,
        request: &Request,
    ) -> Option<Result<Response, NetError>> {
        if let Some(answer) = self.answer_of_former(to, request) {
            return Some(Ok(answer));
        }
        let elsewhere = to != Target::coordinator(self.coordinator);
        let not_coordinator = if elsewhere { ErrorCode::NOT_COORDINATOR } else { ErrorCode::NONE };
        let loading = ErrorCode::COORDINATOR_LOAD_IN_PROGRESS;
        let is_of_group = !matches!(
            request,
            Request::Metadata(_)
                | Request::FindCoordinator(_)
                | Request::ListOffsets(_)
                | Request::LeaveGroup(_)
        );
        // COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR
        let mood = if is_of_group { self.mood(&[14, 15, 16]) } else { ErrorCode::NONE };
        let elsewhere = elsewhere || mood.is_err();
        let not_coordinator = if mood.is_err() { mood } else { not_coordinator };
        Some(Ok(match request {
            Request::Metadata(request) => {
                let mut answer = self.metadata();
                if self.is_moody()
                    && let Some(partition) = self.rng.choice(&mut answer.topics[0].partitions)
                {
                    (partition.error, partition.leader) = (ErrorCode::LEADER_NOT_AVAILABLE, -1);
                }
                // Without a list all topics are meant. Ids hide the names beside them.
                let is_asked = |topic: &MetadataTopic| {
                    request.topics.as_ref().is_none_or(|asked| {
                        asked.iter().any(|asked| match &asked.name {
                            None => asked.topic_id == topic.topic_id,
                            Some(_) => asked.name == topic.name,
                        })
                    })
                };
                answer.topics.retain(is_asked);
                Response::Metadata(answer)
            }
            Request::ConsumerGroupHeartbeat(_) if !self.kip848.is_spoken => {
                let (api, key, theirs) = ("ConsumerGroupHeartbeat", 68, None);
                return Some(Err(NetError::UnsupportedApi { api, key, theirs }));
            }
            Request::ConsumerGroupHeartbeat(request) => {
                let answer = if elsewhere {
                    refused(not_coordinator)
                } else if self.loading {
                    refused(loading)
                } else {
                    self.beat(request)
                };
                Response::ConsumerGroupHeartbeat(answer)
            }
            Request::FindCoordinator(_) if self.is_moody() => {
                let error = ErrorCode::COORDINATOR_NOT_AVAILABLE;
                let coordinators = vec![FoundCoordinator { node_id: -1, error, ..Default::default() }];
                Response::FindCoordinator(FindCoordinatorResponse { coordinators, ..Default::default() })
            }
            Request::FindCoordinator(_) => found(self.coordinator),
            Request::JoinGroup(_) if self.holds_joins && !elsewhere => return None,
            Request::JoinGroup(request) => {
                let mut answer =
                    JoinGroupResponse { member_id: request.member_id.clone(), ..Default::default() };
                if elsewhere {
                    answer.error = not_coordinator;
                } else if self.loading {
                    answer.error = loading;
                } else if request.member_id.is_empty() && request.group_instance_id.is_some() {
                    // KIP-345: who comes again under its name takes its own place.
                    self.members = [self.new_member()].into();
                    answer.member_id = self.members.iter().next().cloned().unwrap();
                    self.welcome(&mut answer, &owned_in(request));
                } else if request.member_id.is_empty() {
                    answer.member_id = self.new_member();
                    answer.error = ErrorCode::MEMBER_ID_REQUIRED;
                    // KIP-394: pending, which counts: a client that goes away now should say so.
                    self.members.insert(answer.member_id.clone());
                } else if !self.members.contains(&request.member_id) {
                    answer.error = ErrorCode::UNKNOWN_MEMBER_ID;
                } else {
                    self.welcome(&mut answer, &owned_in(request));
                }
                Response::JoinGroup(answer)
            }
            Request::SyncGroup(_) if self.holds_syncs && !elsewhere => return None,
            Request::SyncGroup(request) => {
                let mut error = self.membership(&request.member_id, request.generation_id);
                if error == ErrorCode::NONE && self.rebalancing {
                    error = ErrorCode::REBALANCE_IN_PROGRESS;
                }
                let error = if self.loading { loading } else { error };
                let error = if elsewhere { not_coordinator } else { error };
                let assigned = request.assignments.first().map(|a| a.assignment.clone());
                let assignment = if self.follows { Some(self.assignment()) } else { assigned };
                Response::SyncGroup(SyncGroupResponse {
                    error,
                    protocol_type: Some("consumer".into()),
                    protocol_name: Some(self.protocol.into()),
                    assignment: assignment.unwrap_or_default(),
                    ..Default::default()
                })
            }
            Request::Heartbeat(request) => {
                // Beside a JoinGroup that is held back it goes over another connection of the coordinator.
                let elsewhere = elsewhere && to != Target::node(self.coordinator);
                let mut error = self.membership(&request.member_id, request.generation_id);
                if error == ErrorCode::NONE && self.rebalancing {
                    error = ErrorCode::REBALANCE_IN_PROGRESS;
                }
                // To whoever asks.
                let error = if self.loading { ErrorCode::NONE } else { error };
                let error = if elsewhere { not_coordinator } else { error };
                Response::Heartbeat(HeartbeatResponse { error, ..Default::default() })
            }
            Request::LeaveGroup(request) => {
                // Beside a JoinGroup that is held back it goes over another connection of the coordinator.
                let elsewhere = elsewhere && to != Target::node(self.coordinator);
                if !elsewhere {
                    self.members.remove(&request.member_id);
                    self.left += 1;
                }
                let error = if elsewhere { not_coordinator } else { ErrorCode::NONE };
                Response::LeaveGroup(LeaveGroupResponse { error, ..Default::default() })
            }
            Request::OffsetCommit(_) if self.holds_commits && !elsewhere => return None,
            Request::OffsetCommit(request) => {
                let error = self.membership(&request.member_id, request.generation_id);
                let error = if self.loading { loading } else { error };
                let error = if elsewhere { not_coordinator } else { error };
                let mut topics = Vec::new();
                for topic in &request.topics {
                    let mut partitions = Vec::new();
                    for asked in &topic.partitions {
                        // REQUEST_TIMED_OUT, UNKNOWN_TOPIC_OR_PARTITION, REBALANCE_IN_PROGRESS
                        let mood = self.mood(&[7, 3, 27]);
                        let error = if error == ErrorCode::NONE { mood } else { error };
                        let error = if error == ErrorCode::NONE && !self.is_current(topic.topic_id) {
                            ErrorCode::UNKNOWN_TOPIC_ID
                        } else {
                            error
                        };
                        if error == ErrorCode::NONE {
                            self.commits.push((asked.partition, asked.offset));
                            let former = self.committed.insert(asked.partition, asked.offset);
                            let goes_back = former.is_some_and(|former| asked.offset < former);
                            let may = !self.has_others || self.rewinds.contains(&asked.partition);
                            assert!(!goes_back || may, "{}: back from {former:?}", asked.partition);
                        }
                        partitions.push(OffsetCommitResponsePartition { partition: asked.partition, error });
                    }
                    let (name, topic_id) = spelled(request.max_version(), &topic.name, topic.topic_id);
                    topics.push(OffsetCommitResponseTopic { name, topic_id, partitions });
                }
                Response::OffsetCommit(OffsetCommitResponse { topics, ..Default::default() })
            }
            Request::OffsetFetch(request) => {
                let mut topics = Vec::new();
                for topic in request.topics.iter().flatten() {
                    let is_known = self.is_current(topic.topic_id);
                    let mut partitions = Vec::new();
                    for p in &topic.partitions {
                        // UNSTABLE_OFFSET_COMMIT
                        let error = self.mood(&[88]);
                        let error = if is_known { error } else { ErrorCode::UNKNOWN_TOPIC_ID };
                        let offset = self.committed.get(p).copied().unwrap_or(-1);
                        let offset = if error.is_err() { -1 } else { offset };
                        if is_known {
                            self.told.insert(*p, offset.max(0));
                        }
                        let answer = OffsetFetchResponsePartition {
                            partition: *p,
                            offset,
                            error,
                            ..Default::default()
                        };
                        // Some brokers leave partitions out.
                        partitions.extend((!self.is_moody()).then_some(answer));
                    }
                    let (name, topic_id) = spelled(request.max_version(), &topic.name, topic.topic_id);
                    topics.push(OffsetFetchResponseTopic { name, topic_id, partitions });
                }
                Response::OffsetFetch(OffsetFetchResponse {
                    error: not_coordinator,
                    topics,
                    ..Default::default()
                })
            }
            Request::ListOffsets(request) => {
                let mut topics = Vec::new();
                for topic in &request.topics {
                    let mut partitions = Vec::new();
                    for asked in &topic.partitions {
                        // OFFSET_NOT_AVAILABLE, UNKNOWN_LEADER_EPOCH, FENCED_LEADER_EPOCH, KAFKA_STORAGE_ERROR
                        let mood = self.mood(&[78, 75, 74, 56]);
                        let log = &self.logs[&asked.partition];
                        let leads = to == Target::node(self.leaders[&asked.partition]);
                        let error = if leads { mood } else { ErrorCode::NOT_LEADER_OR_FOLLOWER };
                        let offset = if asked.timestamp == LATEST { log.end } else { log.start };
                        partitions.push(ListOffsetsResponsePartition {
                            partition: asked.partition,
                            error,
                            offset: if error.is_err() { -1 } else { offset },
                            ..Default::default()
                        });
                    }
                    topics.push(ListOffsetsResponseTopic { name: topic.name.clone(), partitions });
                }
                Response::ListOffsets(ListOffsetsResponse { topics, ..Default::default() })
            }
            other => panic!("not a consumer's request: {other:?}"),
        }))
    }

    fn new_member(&mut self) -> String {
        self.next_member += 1;
        format!("m{}", self.next_member)
    }

    /// The member of this answer is in the next generation.
    fn welcome(&mut self, answer: &mut JoinGroupResponse, owned: &[i32]) {
        self.generation += 1;
        self.rebalancing = false;
        // What was ours in the last generation, and is to be ours again, nobody else has had.
        let former = std::mem::replace(&mut self.former_share, self.share.clone());
        for partition in 0..i32::try_from(self.logs.len()).unwrap() {
            let is_kept = former.contains(&partition) || owned.contains(&partition);
            if !is_kept && self.share.contains(&partition) {
                self.pass_on(partition);
            }
        }
        answer.generation_id = self.generation;
        answer.protocol_type = Some("consumer".into());
        answer.protocol_name = Some(self.protocol.into());
        answer.leader = if self.follows { "another".into() } else { answer.member_id.clone() };
        let member_id = answer.member_id.clone();
        answer.members = vec![JoinGroupMember { member_id, ..Default::default() }];
    }

    fn membership(&self, member_id: &str, generation_id: i32) -> ErrorCode {
        if self.fenced {
            ErrorCode::FENCED_INSTANCE_ID
        } else if member_id.is_empty() && generation_id < 0 {
            // Of nobody: its partitions are assigned by the user.
            ErrorCode::NONE
        } else if !self.members.contains(member_id) {
            ErrorCode::UNKNOWN_MEMBER_ID
        } else if generation_id != self.generation {
            if self.kip848.is_spoken { ErrorCode::STALE_MEMBER_EPOCH } else { ErrorCode::ILLEGAL_GENERATION }
        } else {
            ErrorCode::NONE
        }
    }

    fn metadata(&self) -> MetadataResponse {
        let brokers = self.brokers.keys().map(|node| MetadataBroker {
            node_id: *node,
            host: format!("b{node}"),
            port: 9092,
            rack: None,
        });
        let partitions = self.leaders.iter().map(|(partition, leader)| MetadataPartition {
            partition: *partition,
            leader: *leader,
            leader_epoch: self.leader_epoch,
            ..Default::default()
        });
        let topic = MetadataTopic {
            name: Some("t".into()),
            topic_id: self.topic_id,
            partitions: partitions.collect(),
            ..Default::default()
        };
        MetadataResponse {
            cluster_id: Some("c".into()),
            brokers: brokers.collect(),
            topics: vec![topic],
            ..Default::default()
        }
    }
}

impl Cluster {
    /// To a coordinator that stood still nothing has happened meanwhile.
    fn answer_of_former(&self, to: Target, request: &Request) -> Option<Response> {
        let former = self.former?;
        let is_asked = to == Target::coordinator(former);
        match request {
            // Nobody else has been asked on purpose.
            Request::FindCoordinator(_) if to != Target::AnyBut(former) => Some(found(former)),
            Request::Heartbeat(_) if is_asked => Some(Response::Heartbeat(HeartbeatResponse::default())),
            Request::SyncGroup(_) if is_asked => Some(Response::SyncGroup(SyncGroupResponse {
                protocol_type: Some("consumer".into()),
                protocol_name: Some(self.protocol.into()),
                assignment: self.assignment(),
                ..Default::default()
            })),
            Request::ConsumerGroupHeartbeat(request) if is_asked => {
                Some(Response::ConsumerGroupHeartbeat(ConsumerGroupHeartbeatResponse {
                    member_id: Some(request.member_id.clone()),
                    member_epoch: request.member_epoch,
                    heartbeat_interval_ms: 1_000,
                    ..Default::default()
                }))
            }
            _ => None,
        }
    }
}

/// What the member has kept (KIP-429).
fn owned_in(request: &JoinGroupRequest) -> Vec<i32> {
    let metadata = request.protocols.first().map(|protocol| protocol.metadata.clone());
    let subscription = metadata.map(|metadata| Subscription::decode(metadata).unwrap());
    subscription
        .into_iter()
        .flat_map(|subscription| subscription.owned)
        .flat_map(|(_, owned)| owned)
        .collect()
}

fn found(node_id: i32) -> Response {
    let host = format!("b{node_id}");
    let coordinator = FoundCoordinator { node_id, host, port: 9092, ..Default::default() };
    let coordinators = vec![coordinator];
    Response::FindCoordinator(FindCoordinatorResponse { coordinators, ..Default::default() })
}

/// The assignor of kafkajs.
pub(super) const EAGER: &str = "RoundRobinAssigner";
/// The assignor of KIP-429.
pub(super) const COOPERATIVE: &str = "cooperative-sticky";

/// From v10 on answers about offsets name topics by their ids only.
fn spelled(version: i16, name: &str, id: TopicId) -> (String, TopicId) {
    if version >= 10 { (String::new(), id) } else { (name.to_owned(), TopicId::ZERO) }
}
