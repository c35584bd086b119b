//! A member, its owner, and a coordinator whose answers are given by hand.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::group::{ConsumerGroup, ConsumerGroupConfig, Event, Subscription};
use crate::engine::machine::Failure;
use crate::engine::machine::Machine;
use crate::engine::machine::NetError;
use crate::engine::machine::Owned;
use crate::engine::machine::TopicPartition;
use crate::engine::machine::partitions_of;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::TopicId;
use crate::engine::protocol::consumer_group_heartbeat::*;

pub(super) const ORDERS: TopicId = TopicId([1; 16]);
pub(super) const LATER: TopicId = TopicId([2; 16]);
pub(super) const INTERVAL: Duration = Duration::from_secs(5);

pub(super) struct World {
    pub(super) now: Instant,
    pub(super) group: ConsumerGroup,
    pub(super) in_flight: Vec<(u64, ConsumerGroupHeartbeatRequest)>,
}

pub(super) fn config() -> ConsumerGroupConfig {
    ConsumerGroupConfig {
        group_id: "group".to_owned(),
        group_instance_id: None,
        rack_id: Some("rack-1".to_owned()),
        rebalance_timeout: Duration::from_secs(60),
        server_assignor: Some("uniform".to_owned()),
    }
}

pub(super) fn orders(partitions: &[i32]) -> BTreeSet<TopicPartition> {
    let topic: Arc<str> = "orders".into();
    partitions.iter().map(|&partition| TopicPartition { topic: topic.clone(), partition }).collect()
}

/// What the owner hears, log lines left out.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Seen {
    Assigned(BTreeSet<TopicPartition>),
    Rebalancing(ErrorCode),
    Revoke(BTreeSet<TopicPartition>),
    Lost(ErrorCode),
    EpochChanged,
    TopicsUnknown(Vec<TopicId>),
    Heartbeat,
    CoordinatorLost,
    Suspect,
    Left,
    Failed(Failure),
}

impl Seen {
    pub(super) fn of(event: Event) -> Option<Seen> {
        let seen = match event {
            Event::Joined { is_leader, leader_id, protocol, assignment, .. } => {
                assert_eq!((is_leader, &*leader_id, &*protocol), (false, "", "consumer"));
                Seen::Assigned(partitions_of(&assignment).into_iter().collect())
            }
            Event::Rebalancing { code, .. } => Seen::Rebalancing(code),
            Event::Revoke { partitions: Owned::Only(partitions) } => Seen::Revoke(partitions),
            Event::Lost { partitions: Owned::All, reason } => {
                Seen::Lost(LOSSES.into_iter().find(|code| *code.message() == *reason).expect("a reason"))
            }
            Event::EpochChanged => Seen::EpochChanged,
            Event::TopicsUnknown(ids) => Seen::TopicsUnknown(ids),
            Event::Heartbeat => Seen::Heartbeat,
            Event::CoordinatorLost => Seen::CoordinatorLost,
            Event::Suspect => Seen::Suspect,
            Event::Left => Seen::Left,
            Event::Failed(failure) => Seen::Failed(failure),
            Event::Log(_) => return None,
            event => panic!("{event:?}"),
        };
        Some(seen)
    }
}

pub(super) const LOSSES: [ErrorCode; 3] =
    [ErrorCode::FENCED_MEMBER_EPOCH, ErrorCode::UNKNOWN_MEMBER_ID, ErrorCode::GROUP_ID_NOT_FOUND];

pub(super) const GOING: Seen = Seen::Rebalancing(ErrorCode::REBALANCE_IN_PROGRESS);

pub(super) fn ids(topic_id: TopicId, partitions: &[i32]) -> TopicPartitions {
    TopicPartitions { topic_id, partitions: partitions.to_vec() }
}

pub(super) fn answer(epoch: i32, assignment: Option<Vec<TopicPartitions>>) -> ConsumerGroupHeartbeatResponse {
    let heartbeat_interval_ms = 5000;
    ConsumerGroupHeartbeatResponse {
        member_epoch: epoch,
        heartbeat_interval_ms,
        assignment,
        ..Default::default()
    }
}

pub(super) fn refusal(error: ErrorCode) -> ConsumerGroupHeartbeatResponse {
    ConsumerGroupHeartbeatResponse { error, ..Default::default() }
}

pub(super) fn lost_connection() -> Result<Response, NetError> {
    Err(NetError::Closed { broker: "kafka-1:9092".to_owned() })
}

impl World {
    pub(super) fn new(config: ConsumerGroupConfig) -> World {
        #[expect(clippy::disallowed_methods, reason = "any instant will do")]
        let now = Instant::now();
        World { now, group: ConsumerGroup::new(config, 7), in_flight: Vec::new() }
    }

    /// A member that owns partitions 0 and 1, at epoch 3.
    pub(super) fn member(config: ConsumerGroupConfig) -> World {
        let mut world = World::new(config);
        world.join(&["orders"]);
        world.sent();
        world.answer(answer(3, Some(vec![ids(ORDERS, &[0, 1])])));
        world.events();
        world.group.learn(world.now, |id| (id == ORDERS).then(|| "orders".into()));
        world.events();
        world.sent();
        world.answer(answer(3, None));
        assert!(world.group.is_stable());
        world.events();
        world
    }

    pub(super) fn join(&mut self, topics: &[&str]) {
        let topics = topics.iter().map(|topic| (*topic).to_owned()).collect();
        self.group.join(self.now, Subscription { topics, regex: None });
    }

    /// The heartbeat that goes out now.
    #[track_caller]
    pub(super) fn sent(&mut self) -> ConsumerGroupHeartbeatRequest {
        let outbound = self.group.poll_request(self.now, Some(1)).expect("a heartbeat");
        let Request::ConsumerGroupHeartbeat(body) = outbound.body else { panic!("{:?}", outbound.body) };
        self.in_flight.push((outbound.id, body.clone()));
        assert_eq!(self.group.poll_request(self.now, Some(1)), None, "one at a time");
        body
    }

    pub(super) fn sends_nothing(&mut self) -> bool {
        self.group.poll_request(self.now, Some(1)).is_none()
    }

    pub(super) fn answer(&mut self, answer: ConsumerGroupHeartbeatResponse) {
        self.respond(Ok(Response::ConsumerGroupHeartbeat(answer)));
    }

    pub(super) fn respond(&mut self, response: Result<Response, NetError>) {
        let (id, _) = self.in_flight.pop().expect("a heartbeat in flight");
        self.group.handle_response(self.now, id, response);
    }

    pub(super) fn advance(&mut self, by: Duration) {
        self.now += by;
        self.group.handle_timeout(self.now);
    }

    /// Without the lines for the log.
    pub(super) fn events(&mut self) -> Vec<Seen> {
        std::iter::from_fn(|| self.group.poll_event()).filter_map(Seen::of).collect()
    }
}
