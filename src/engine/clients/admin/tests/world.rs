//! The machine beside a cluster that answers by a script: in any order, and only what the asked broker knows.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::engine::clients::admin::{Admin, Call, Event};
use crate::engine::machine::Failure;
use crate::engine::machine::Machine;
use crate::engine::machine::NetError;
use crate::engine::machine::Outbound;
use crate::engine::machine::Target;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::TopicId;
use crate::engine::protocol::consumer_group_describe::*;
use crate::engine::protocol::describe_groups::{DescribeGroupsResponse, DescribedGroup};
use crate::engine::protocol::find_coordinator::FindCoordinatorResponse;
use crate::engine::protocol::find_coordinator::FoundCoordinator;
use crate::engine::protocol::list_offsets::*;
use crate::engine::protocol::metadata::*;
use crate::engine::protocol::offset_fetch::*;

/// Topics, groups, and what is wrong with them.
pub(super) struct Cluster {
    /// Those that are alive, by their own metadata.
    pub(super) brokers: Vec<i32>,
    pub(super) controller: i32,
    /// Name → id, leaders by partition, error.
    pub(super) topics: BTreeMap<String, (u8, Vec<i32>, ErrorCode)>,
    /// Group → coordinator.
    pub(super) groups: BTreeMap<String, Result<i32, ErrorCode>>,
    /// Of every partition, whatever is asked.
    pub(super) partition_error: ErrorCode,
    /// Of every group that is described or whose offsets are read.
    pub(super) group_error: ErrorCode,
    /// Of the whole metadata.
    pub(super) metadata_error: ErrorCode,
    /// Instead of an answer.
    pub(super) net_error: Option<NetError>,
    /// Brokers know one key in a FindCoordinator, as before KIP-699.
    pub(super) one_key: bool,
    /// This broker closes the connection.
    pub(super) down: Option<i32>,
}

impl Cluster {
    pub(super) fn new() -> Cluster {
        let topic = |id, leaders: &[i32]| (id, leaders.to_vec(), ErrorCode::NONE);
        Cluster {
            brokers: vec![1, 2, 3],
            controller: 3,
            topics: [("t", topic(1, &[1, 2, 1])), ("u", topic(2, &[2]))]
                .map(|(name, topic)| (name.to_owned(), topic))
                .into(),
            groups: [("a", 1), ("b", 2), ("c", 1)].map(|(name, node)| (name.to_owned(), Ok(node))).into(),
            partition_error: ErrorCode::NONE,
            group_error: ErrorCode::NONE,
            metadata_error: ErrorCode::NONE,
            net_error: None,
            one_key: false,
            down: None,
        }
    }

    fn answer(&self, outbound: &Outbound) -> Result<Response, NetError> {
        if let Some(error) = &self.net_error {
            return Err(error.clone());
        }
        let node = match outbound.to {
            Target::Node(node, _) => node,
            _ => -1,
        };
        if self.down == Some(node) {
            return Err(NetError::Closed { broker: format!("b{node}:9092") });
        }
        Ok(match &outbound.body {
            Request::FindCoordinator(request) if self.one_key && request.keys.len() > 1 => {
                return Err(NetError::UnsupportedApi { api: "GroupCoordinator", key: 10, theirs: None });
            }
            Request::Metadata(request) => Response::Metadata(self.metadata(request)),
            Request::FindCoordinator(request) => {
                let coordinators = request.keys.iter().map(|key| {
                    let found = self.groups.get(key).copied();
                    let nobody =
                        FoundCoordinator { key: key.clone(), node_id: -1, port: -1, ..Default::default() };
                    match found.unwrap_or(Err(ErrorCode::COORDINATOR_NOT_AVAILABLE)) {
                        Ok(node_id) => {
                            FoundCoordinator { node_id, host: format!("b{node_id}"), port: 9092, ..nobody }
                        }
                        Err(error) => FoundCoordinator { error, ..nobody },
                    }
                });
                let coordinators = coordinators.collect();
                Response::FindCoordinator(FindCoordinatorResponse { coordinators, ..Default::default() })
            }
            Request::DescribeConfigs(_) => Response::DescribeConfigs(Default::default()),
            Request::DescribeGroups(request) => {
                let describe = |group_id: &String| DescribedGroup {
                    error: self.of_group(node, group_id),
                    group_id: group_id.clone(),
                    state: "Stable".into(),
                    ..Default::default()
                };
                let groups = request.groups.iter().rev().map(describe).collect();
                Response::DescribeGroups(DescribeGroupsResponse { groups, ..Default::default() })
            }
            Request::ConsumerGroupDescribe(request) => {
                let describe = |group_id: &String| DescribedConsumerGroup {
                    error: self.of_group(node, group_id),
                    group_id: group_id.clone(),
                    state: "Reconciling".into(),
                    assignor: "uniform".into(),
                    members: vec![ConsumerGroupMember {
                        member_id: "m".into(),
                        topics: vec!["t".into(), "u".into()],
                        assignment: vec![NamedTopicPartitions {
                            topic: "t".into(),
                            partitions: vec![2, 0],
                            ..Default::default()
                        }],
                        ..Default::default()
                    }],
                    ..Default::default()
                };
                let groups = request.groups.iter().rev().map(describe).collect();
                Response::ConsumerGroupDescribe(ConsumerGroupDescribeResponse {
                    groups,
                    ..Default::default()
                })
            }
            Request::ListOffsets(request) => {
                let topics = request.topics.iter().map(|topic| ListOffsetsResponseTopic {
                    name: topic.name.clone(),
                    partitions: topic.partitions.iter().map(|p| self.offset(node, &topic.name, p)).collect(),
                });
                Response::ListOffsets(ListOffsetsResponse { topics: topics.collect(), ..Default::default() })
            }
            Request::OffsetFetch(request) => {
                // As from v10 on where every topic is asked for by its id.
                let by_id = request.max_version() >= FIRST_WITH_TOPIC_IDS;
                let topics = request.topics.iter().flatten().map(|topic| OffsetFetchResponseTopic {
                    name: if by_id { String::new() } else { topic.name.clone() },
                    topic_id: if by_id { topic.topic_id } else { TopicId::ZERO },
                    partitions: topic.partitions.iter().map(|p| self.committed(*p)).collect(),
                });
                let topics = topics.collect();
                let error = self.of_group(node, &request.group_id);
                Response::OffsetFetch(OffsetFetchResponse { error, topics, ..Default::default() })
            }
            other => panic!("{other:?}"),
        })
    }

    fn of_group(&self, node: i32, group: &str) -> ErrorCode {
        match self.groups[group] {
            Ok(coordinator) if coordinator == node => self.group_error,
            _ => ErrorCode::NOT_COORDINATOR,
        }
    }

    fn offset(&self, node: i32, topic: &str, asked: &ListOffsetsPartition) -> ListOffsetsResponsePartition {
        let leads = self.topics[topic].1[asked.partition as usize] == node;
        ListOffsetsResponsePartition {
            partition: asked.partition,
            error: if leads { self.partition_error } else { ErrorCode::NOT_LEADER_OR_FOLLOWER },
            offset: 100 + i64::from(asked.partition) + asked.timestamp,
            ..Default::default()
        }
    }

    fn committed(&self, partition: i32) -> OffsetFetchResponsePartition {
        OffsetFetchResponsePartition {
            partition,
            offset: i64::from(partition) - 1,
            metadata: Some(format!("m{partition}")),
            error: self.partition_error,
            ..Default::default()
        }
    }

    fn metadata(&self, request: &MetadataRequest) -> MetadataResponse {
        let names: Vec<String> = match &request.topics {
            Some(topics) => topics.iter().filter_map(|topic| topic.name.clone()).collect(),
            None => self.topics.keys().cloned().collect(),
        };
        let topics = names.into_iter().map(|name| match self.topics.get(&name) {
            Some((id, leaders, error)) => MetadataTopic {
                error: *error,
                name: Some(name),
                topic_id: if *id == 0 { TopicId::ZERO } else { TopicId([*id; 16]) },
                partitions: leaders
                    .iter()
                    .zip(0..)
                    .map(|(&leader, partition)| MetadataPartition { partition, leader, ..Default::default() })
                    .collect(),
                ..Default::default()
            },
            None => MetadataTopic {
                error: ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
                name: Some(name),
                ..Default::default()
            },
        });
        let broker =
            |node_id| MetadataBroker { node_id, host: format!("b{node_id}"), port: 9092, rack: None };
        MetadataResponse {
            brokers: self.brokers.iter().copied().map(broker).collect(),
            controller_id: self.controller,
            topics: topics.collect(),
            error: self.metadata_error,
            ..Default::default()
        }
    }
}

pub(super) struct World {
    pub(super) admin: Admin,
    pub(super) cluster: Cluster,
    pub(super) now: Instant,
    rng: Rng,
    pub(super) in_flight: Vec<Outbound>,
    /// Everything that was sent: to which node (-1 = any), API.
    pub(super) sent: Vec<(i32, &'static str)>,
    /// How each call ended.
    ended: BTreeMap<u64, Result<Box<dyn std::any::Any + Send>, Failure>>,
    /// Nodes that were named as coordinators, and how often metadata was told.
    pub(super) named: Vec<i32>,
    pub(super) told: usize,
}

impl World {
    #[expect(clippy::disallowed_methods, reason = "any instant will do")]
    pub(super) fn new(seed: u64) -> World {
        World {
            admin: Admin::default(),
            cluster: Cluster::new(),
            now: Instant::now(),
            rng: Rng::with_seed(seed),
            in_flight: Vec::new(),
            sent: Vec::new(),
            ended: BTreeMap::new(),
            named: Vec::new(),
            told: 0,
        }
    }

    /// As the driver does.
    pub(super) fn poll(&mut self) {
        assert_eq!(self.admin.poll_timeout(self.now), None);
        while let Some(outbound) = self.admin.poll_request(self.now, ()) {
            let node = match outbound.to {
                Target::Any => -1,
                Target::Node(node, _) => node,
                to => panic!("{to:?}"),
            };
            self.sent.push((node, outbound.body.key().name()));
            self.in_flight.push(outbound);
        }
        while let Some(event) = self.admin.poll_event() {
            match event {
                Event::Metadata(_) => self.told += 1,
                Event::Broker(broker) => self.named.push(broker.node_id),
                Event::Done { ticket, result } => {
                    assert!(self.ended.insert(ticket, result).is_none(), "call {ticket} has ended before");
                }
            }
        }
    }

    /// Answers one request that is under way. Is there another?
    pub(super) fn answer_one(&mut self) -> bool {
        self.poll();
        if self.in_flight.is_empty() {
            return false;
        }
        let outbound = self.in_flight.swap_remove(self.rng.usize(..self.in_flight.len()));
        let response = self.cluster.answer(&outbound);
        self.now += Duration::from_millis(1);
        self.admin.handle_response(self.now, outbound.id, response);
        self.poll();
        !self.in_flight.is_empty()
    }

    /// Until nothing is under way.
    pub(super) fn run(&mut self) {
        self.poll();
        while self.answer_one() {}
        assert!(self.admin.is_idle());
    }

    /// How the call has ended; None while it runs.
    pub(super) fn end<C: Call>(&mut self, ticket: u64) -> Option<Result<C::Answer, Failure>> {
        let end = self.ended.remove(&ticket)?;
        Some(end.map(|answer| *answer.downcast().expect("its own answer")))
    }

    /// From beginning to end.
    pub(super) fn call<C: Call>(&mut self, call: C) -> Result<C::Answer, Failure> {
        self.admin.call(0, call);
        self.run();
        self.end::<C>(0).expect("an end")
    }
}
