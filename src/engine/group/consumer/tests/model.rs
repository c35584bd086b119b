//! Members against a model of the coordinator, in random interleavings: requests that are lost on their way, answers that
//! are, members that come and go, are fenced, die and stand still, topics that grow.
//!
//! What must hold at each step: no partition has two owners among the members whose session is not over. And once nothing
//! goes wrong any more: each partition has one owner, and everybody is at rest.

mod exhaustive;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::engine::group::{ConsumerGroup, ConsumerGroupConfig, Event, Subscription};
use crate::engine::machine::Machine;
use crate::engine::machine::NetError;
use crate::engine::machine::Outbound;
use crate::engine::machine::Owned;
use crate::engine::machine::TopicPartition;
use crate::engine::machine::partitions_of;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::TopicId;
use crate::engine::protocol::consumer_group_heartbeat::*;

const TOPIC: TopicId = TopicId([1; 16]);
const INTERVAL: Duration = Duration::from_secs(1);
/// Longer than three intervals, as on every broker.
const SESSION: Duration = Duration::from_secs(6);

/// The coordinator as KIP-848 has it: a target for each member, and a current assignment that follows it.
#[derive(Debug, Clone, Default)]
struct Coordinator {
    partitions: i32,
    epoch: i32,
    members: BTreeMap<String, Member>,
    /// One that it knows does not join again: it has to leave before, or its session has to end.
    is_strict: bool,
}

#[derive(Debug, Clone, Default)]
struct Member {
    epoch: i32,
    former_epoch: i32,
    assigned: BTreeSet<i32>,
    /// Not to be given to others before the member has said that it is without them.
    revoking: BTreeSet<i32>,
    heard_at: Option<Instant>,
}

impl Coordinator {
    /// The members in turn.
    fn target(&self, member_id: &str) -> BTreeSet<i32> {
        let count = i32::try_from(self.members.len()).unwrap();
        let place = self.members.keys().position(|id| id == member_id);
        let place = i32::try_from(place.unwrap()).unwrap();
        (0..self.partitions).filter(|partition| partition % count == place).collect()
    }

    fn is_free(&self, partition: i32) -> bool {
        let holds =
            |member: &Member| member.assigned.contains(&partition) || member.revoking.contains(&partition);
        !self.members.values().any(holds)
    }

    fn grow(&mut self) {
        self.partitions += 1;
        self.epoch += 1;
    }

    fn remove(&mut self, member_id: &str) {
        if self.members.remove(member_id).is_some() {
            self.epoch += 1;
        }
    }

    fn end_sessions(&mut self, now: Instant) {
        let over = |member: &Member| member.heard_at.is_some_and(|at| at + SESSION <= now);
        let gone: Vec<String> =
            self.members.iter().filter(|(_, member)| over(member)).map(|(id, _)| id.clone()).collect();
        gone.iter().for_each(|id| self.remove(id));
    }

    fn handle(
        &mut self,
        now: Instant,
        request: &ConsumerGroupHeartbeatRequest,
    ) -> ConsumerGroupHeartbeatResponse {
        self.end_sessions(now);
        let id = &request.member_id;
        if request.member_epoch == LEAVE_EPOCH {
            self.remove(id);
            return ConsumerGroupHeartbeatResponse { member_epoch: LEAVE_EPOCH, ..Default::default() };
        }
        let owned = request.owned.as_ref().map(|topics| {
            topics.iter().flat_map(|topic| topic.partitions.iter().copied()).collect::<BTreeSet<i32>>()
        });
        if request.member_epoch == JOIN_EPOCH {
            // Unless the answer to its first attempt may have been lost.
            let is_known = self.members.get(id).is_some_and(|known| known.former_epoch != 0);
            if self.is_strict && is_known {
                let error = ErrorCode::FENCED_MEMBER_EPOCH;
                return ConsumerGroupHeartbeatResponse { error, ..Default::default() };
            }
            if !self.members.contains_key(id) {
                self.epoch += 1;
            }
            // It owns nothing, whatever it had.
            self.members.insert(id.clone(), Member::default());
        }
        let refused = |error| ConsumerGroupHeartbeatResponse { error, ..Default::default() };
        let Some(known) = self.members.get(id) else { return refused(ErrorCode::UNKNOWN_MEMBER_ID) };
        let mut member = known.clone();
        let is_current = [JOIN_EPOCH, member.epoch].contains(&request.member_epoch);
        let is_former = request.member_epoch == member.former_epoch
            && owned.as_ref().is_some_and(|owned| owned.is_subset(&member.assigned));
        if !is_current && !is_former {
            return refused(ErrorCode::FENCED_MEMBER_EPOCH);
        }
        member.heard_at = Some(now);
        // Unless it says otherwise, it still has what it had.
        let has_any = |partitions: &BTreeSet<i32>| {
            !partitions.is_empty() && owned.as_ref().is_none_or(|owned| !owned.is_disjoint(partitions))
        };
        if !has_any(&member.revoking) {
            member.revoking.clear();
        }
        let before = member.assigned.clone();
        let target = self.target(id);
        if member.revoking.is_empty() {
            let revoking: BTreeSet<i32> = member.assigned.difference(&target).copied().collect();
            let has_revoking = has_any(&revoking);
            member.assigned = member.assigned.difference(&revoking).copied().collect();
            if has_revoking {
                member.revoking = revoking;
            } else {
                self.members.insert(id.clone(), member.clone());
                member.assigned.extend(target.iter().filter(|partition| self.is_free(**partition)));
                if member.epoch != self.epoch {
                    member.former_epoch = std::mem::replace(&mut member.epoch, self.epoch);
                }
            }
        }
        let is_whole = request.topics.is_some() || request.member_epoch == JOIN_EPOCH;
        let is_news = member.assigned != before || !member.revoking.is_empty();
        let partitions = member.assigned.iter().copied().collect();
        let assignment = vec![TopicPartitions { topic_id: TOPIC, partitions }];
        let response = ConsumerGroupHeartbeatResponse {
            member_id: Some(id.clone()),
            member_epoch: member.epoch.max(1),
            heartbeat_interval_ms: i32::try_from(INTERVAL.as_millis()).unwrap(),
            assignment: (is_whole || is_news).then_some(assignment),
            ..Default::default()
        };
        self.members.insert(id.clone(), member);
        response
    }
}

/// A member with its owner, and what is on its way.
#[derive(Clone)]
struct Client {
    group: ConsumerGroup,
    /// What the owner handles: until it has given it up, or lost it.
    handles: BTreeSet<TopicPartition>,
    revoking: Option<BTreeSet<TopicPartition>>,
    requests: Vec<Outbound>,
    responses: Vec<(u64, ConsumerGroupHeartbeatResponse)>,
    stands_still: bool,
    wants_in: bool,
}

struct World {
    now: Instant,
    rng: Rng,
    seed: u64,
    coordinator: Coordinator,
    clients: Vec<Client>,
    /// Does the metadata know the topic?
    is_named: bool,
}

impl World {
    fn new(seed: u64) -> World {
        #[expect(clippy::disallowed_methods, reason = "any instant will do")]
        let now = Instant::now();
        let mut rng = Rng::with_seed(seed);
        let is_strict = rng.bool();
        let coordinator =
            Coordinator { partitions: rng.i32(1..4), epoch: 1, is_strict, ..Default::default() };
        let clients = (0..rng.u64(1..4)).map(|number| Client {
            group: ConsumerGroup::new(
                ConsumerGroupConfig {
                    group_id: "group".to_owned(),
                    group_instance_id: None,
                    rack_id: None,
                    rebalance_timeout: Duration::from_secs(60),
                    server_assignor: None,
                },
                seed.wrapping_mul(31).wrapping_add(number),
            ),
            handles: BTreeSet::new(),
            revoking: None,
            requests: Vec::new(),
            responses: Vec::new(),
            stands_still: false,
            wants_in: false,
        });
        World { now, seed, coordinator, clients: clients.collect(), is_named: rng.bool(), rng }
    }

    fn subscription() -> Subscription {
        Subscription { topics: vec!["orders".to_owned()], regex: None }
    }

    /// One thing happens.
    fn step(&mut self, calm: bool) {
        let number = self.rng.usize(..self.clients.len());
        let now = self.now;
        let client = &mut self.clients[number];
        let choice = if calm { self.rng.u32(..7) } else { self.rng.u32(..16) };
        match choice {
            0 | 1 if !client.stands_still => {
                client.group.handle_timeout(now);
                client.requests.extend(client.group.poll_request(now, Some(1)));
            }
            2 if !client.requests.is_empty() => {
                let outbound = client.requests.remove(0);
                let Request::ConsumerGroupHeartbeat(body) = &outbound.body else { panic!("{outbound:?}") };
                let response = self.coordinator.handle(now, body);
                client.responses.push((outbound.id, response));
            }
            3 if !client.stands_still && !client.responses.is_empty() => {
                let (id, response) = client.responses.remove(0);
                client.group.handle_response(now, id, Ok(Response::ConsumerGroupHeartbeat(response)));
            }
            4 if !client.stands_still => {
                if let Some(partitions) = client.revoking.take() {
                    client.handles.retain(|partition| !partitions.contains(partition));
                    client.group.revoked(now);
                }
            }
            5 => {
                // Much slower than messages when all is well, or sessions would end.
                self.now += Duration::from_millis(self.rng.u64(1..if calm { 40 } else { 300 }));
                self.coordinator.end_sessions(self.now);
            }
            6 if self.is_named || calm => {
                self.is_named = true;
                client.group.learn(now, |id| (id == TOPIC).then(|| "orders".into()));
            }
            7 if !client.stands_still => {
                client.wants_in = true;
                client.group.join(now, World::subscription());
            }
            // The connection breaks: what is on its way is lost, on either leg.
            8 if !client.stands_still => {
                let broken = client.requests.drain(..).map(|outbound| outbound.id);
                let ids: Vec<u64> = broken.chain(client.responses.drain(..).map(|(id, _)| id)).collect();
                for id in ids {
                    let error = NetError::Closed { broker: "kafka-1:9092".to_owned() };
                    client.group.handle_response(now, id, Err(error));
                }
            }
            9 if self.rng.u8(..8) == 0 && self.coordinator.partitions < 6 => self.coordinator.grow(),
            10 if self.rng.u8(..8) == 0 => {
                client.wants_in = false;
                // The poll-interval guard; `drain` has ended what was handled.
                client.handles.clear();
                client.revoking = None;
                client.group.lost(now, "no progress");
            }
            11 if self.rng.u8(..8) == 0 => client.stands_still = !client.stands_still,
            12 if self.rng.u8(..16) == 0 => {
                // The coordinator forgets a member to which it has given nothing.
                let id = client.group.member_id.clone();
                let has_none = |member: &Member| member.assigned.is_empty() && member.revoking.is_empty();
                if self.coordinator.members.get(&id).is_some_and(has_none) {
                    self.coordinator.remove(&id);
                }
            }
            13 => self.is_named = true,
            _ => {}
        }
        for client in self.clients.iter_mut().filter(|client| !client.stands_still) {
            client.hear(self.now, self.is_named);
        }
        self.check();
    }

    /// Nobody whose session may be over counts: the owner hands nothing out then.
    fn check(&self) {
        let mut owners: BTreeMap<&TopicPartition, usize> = BTreeMap::new();
        for (number, client) in self.clients.iter().enumerate() {
            if client.group.valid_until().is_none_or(|until| until <= self.now) {
                continue;
            }
            for partition in &client.handles {
                let other = owners.insert(partition, number);
                assert_eq!(other, None, "seed {}: {partition:?} has a second owner, {number}", self.seed);
            }
        }
    }

    /// From now on nothing goes wrong, and everybody wants in.
    fn settle(&mut self) {
        for client in &mut self.clients {
            client.stands_still = false;
            client.group.join(self.now, World::subscription());
        }
        let settled = (0..1_000).any(|_| {
            (0..100).for_each(|_| self.step(true));
            self.is_settled()
        });
        let states: Vec<_> =
            self.clients.iter().map(|client| (&client.group.state, &client.handles)).collect();
        assert!(settled, "seed {}: {:#?} {states:#?}", self.seed, self.coordinator);
    }

    /// Has each partition one owner, and is everybody at rest?
    fn is_settled(&self) -> bool {
        let mut owned: Vec<&TopicPartition> =
            self.clients.iter().flat_map(|client| &client.handles).collect();
        owned.sort();
        let owned: Vec<i32> = owned.iter().map(|partition| partition.partition).collect();
        let all: Vec<i32> = (0..self.coordinator.partitions).collect();
        let rests = |client: &Client| client.group.is_stable() && client.group.owned == client.handles;
        owned == all && self.clients.iter().all(rests)
    }
}

impl Client {
    fn hear(&mut self, now: Instant, is_named: bool) {
        while let Some(event) = self.group.poll_event() {
            match event {
                Event::Revoke { partitions: Owned::Only(partitions) } => {
                    assert!(partitions.is_subset(&self.handles));
                    self.revoking = Some(partitions);
                }
                Event::TopicsUnknown(_) => {
                    self.group.learn(now, |id| (is_named && id == TOPIC).then(|| "orders".into()));
                }
                Event::Joined { assignment, .. } => {
                    let assignment: BTreeSet<TopicPartition> =
                        partitions_of(&assignment).into_iter().collect();
                    assert_eq!(self.revoking, None, "what is given up comes first");
                    assert!(self.handles.is_subset(&assignment), "kept partitions stay");
                    self.handles = assignment;
                }
                Event::Lost { .. } => {
                    self.handles.clear();
                    self.revoking = None;
                }
                Event::Failed(failure) => panic!("{failure:?}"),
                _ => {}
            }
        }
    }
}

#[test]
fn a_partition_has_one_owner_at_most_and_one_in_the_end() {
    for seed in 0..300 {
        let mut world = World::new(seed);
        for _ in 0..1_500 {
            world.step(false);
        }
        world.settle();
    }
}
