//! Every partition of every topic that a member subscribes to has an owner, one: whatever brokers answered while it was
//! assigned, whatever has become of the topics since. And the group gets quiet.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use proptest::prelude::*;

use crate::engine::clients::consumer::{Assigned, Consumer, Event, Tag};
use crate::engine::machine::Machine;
use crate::engine::machine::NetError;
use crate::engine::machine::Target;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::TopicId;
use crate::engine::protocol::consumer_protocol::{Assignment, Subscription};
use crate::engine::protocol::fetch::{FetchResponse, FetchResponsePartition, FetchResponseTopic};
use crate::engine::protocol::find_coordinator::FindCoordinatorResponse;
use crate::engine::protocol::find_coordinator::FoundCoordinator;
use crate::engine::protocol::join_group::JoinGroupMember;
use crate::engine::protocol::join_group::JoinGroupProtocol;
use crate::engine::protocol::list_offsets::{
    ListOffsetsResponse, ListOffsetsResponsePartition, ListOffsetsResponseTopic,
};
use crate::engine::protocol::metadata::{
    MetadataBroker, MetadataPartition, MetadataRequest, MetadataResponse, MetadataTopic,
};
use crate::engine::protocol::offset_fetch::{
    OffsetFetchResponse, OffsetFetchResponsePartition, OffsetFetchResponseTopic,
};
use crate::engine::protocol::sync_group::SyncGroupAssignment;

use super::coordinator::{Call, Coordinator};
use super::world::config;

const SECOND: Duration = Duration::from_secs(1);
const MAX_AGE: Duration = Duration::from_secs(5);
const BROKERS: usize = 3;

type Topics = BTreeMap<&'static str, (TopicId, i32)>;
type Owned = BTreeMap<(String, i32), usize>;

/// What is wrong with an answer to Metadata.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    Half,
    NoTopics,
    Nothing,
    Code(ErrorCode),
    Lost,
}

struct Member {
    consumer: Consumer,
    alive: bool,
    topics: BTreeSet<&'static str>,
    /// The assignor asks this broker itself, and believes it.
    asks: Option<usize>,
}

struct Group {
    now: Instant,
    coordinator: Coordinator,
    members: Vec<Member>,
    /// What is true, and since when each broker knows what.
    topics: Topics,
    views: Vec<Vec<(Instant, Topics)>>,
    has_ids: bool,
    last_id: u8,
    /// The next answers to Metadata while somebody assigns.
    faults: Vec<Fault>,
    /// Who has joined, and not synced.
    assigning: BTreeSet<usize>,
    turn: usize,
    sent: Vec<(Instant, Call, Target, Request)>,
    calls: BTreeMap<Call, (usize, Tag)>,
    coming: Vec<(Instant, Call, Result<Response, NetError>)>,
    last_call: Call,
    requests: Vec<(Instant, &'static str)>,
    crashes: usize,
}

impl Group {
    #[expect(clippy::disallowed_methods, reason = "any instant will do to start from")]
    fn new(topics: &[(&'static str, i32)], subscriptions: &[&[&'static str]]) -> Group {
        let now = Instant::now();
        let mut group = Group {
            now,
            coordinator: Coordinator::new(),
            members: Vec::new(),
            topics: Topics::new(),
            views: vec![vec![(now, Topics::new())]; BROKERS],
            has_ids: true,
            last_id: 0,
            faults: Vec::new(),
            assigning: BTreeSet::new(),
            turn: 0,
            sent: Vec::new(),
            calls: BTreeMap::new(),
            coming: Vec::new(),
            last_call: 0,
            requests: Vec::new(),
            crashes: 0,
        };
        for (topic, count) in topics {
            group.make(topic, *count);
        }
        for topics in subscriptions {
            group.enter(topics, None);
        }
        group
    }

    /// As [`Group::new`], at rest.
    fn running(topics: &[(&'static str, i32)], subscriptions: &[&[&'static str]]) -> Group {
        let mut group = Group::new(topics, subscriptions);
        group.run(20 * SECOND);
        group.assert_owned();
        group
    }

    fn enter(&mut self, topics: &[&'static str], instance: Option<&str>) -> usize {
        let mut config = config();
        config.metadata_max_age = MAX_AGE;
        config.group_instance_id = instance.map(Into::into);
        let index = self.members.len();
        let consumer = Consumer::new(config, index as u64);
        let topics: BTreeSet<&str> = topics.iter().copied().collect();
        self.members.push(Member { consumer, alive: true, topics: topics.clone(), asks: None });
        let now = self.now;
        self.members[index].consumer.start(
            now,
            topics.iter().map(|topic| ((*topic).to_owned(), true)).collect(),
            None,
        );
        self.settle();
        index
    }

    /// The process ends, without a word.
    fn kill(&mut self, index: usize) {
        self.members[index].alive = false;
    }

    // ---- topics

    fn make(&mut self, topic: &'static str, count: i32) {
        self.last_id += 1;
        let id = if self.has_ids { TopicId([self.last_id; 16]) } else { TopicId::ZERO };
        self.topics.insert(topic, (id, count));
        self.publish(&[]);
    }

    fn grow(&mut self, topic: &'static str, by: i32) {
        if let Some((_, count)) = self.topics.get_mut(topic) {
            *count += by;
            self.publish(&[]);
        }
    }

    fn delete(&mut self, topic: &'static str) {
        self.topics.remove(topic);
        self.publish(&[]);
    }

    /// Brokers know it at once, but these do not for a while.
    fn publish(&mut self, behind: &[(usize, Duration)]) {
        for (broker, view) in self.views.iter_mut().enumerate() {
            let lag = behind.iter().find(|(node, _)| *node == broker).map_or(Duration::ZERO, |(_, lag)| *lag);
            let last = view.last().map_or(self.now, |(at, _)| *at);
            view.push(((self.now + lag).max(last), self.topics.clone()));
        }
    }

    /// What this broker is told of now it hears later.
    fn lag(&mut self, broker: usize, by: Duration) {
        let view = &mut self.views[broker];
        if let Some((at, _)) = view.last_mut() {
            *at = (*at).max(self.now + by);
        }
    }

    fn view(&self, broker: usize) -> &Topics {
        let heard = self.views[broker].iter().rfind(|(at, _)| *at <= self.now);
        &heard.unwrap_or(&self.views[broker][0]).1
    }

    // ---- time

    fn run(&mut self, by: Duration) {
        let end = self.now + by;
        for round in 0.. {
            assert!(round < 400_000, "busy loop");
            let timers = self.alive().filter_map(|member| member.consumer.poll_timeout(self.now));
            let sent = self.sent.iter().map(|(at, ..)| *at);
            let coming = self.coming.iter().map(|(at, ..)| *at);
            let next = timers.chain(sent).chain(coming).chain(self.coordinator.timeout()).min();
            let Some(at) = next.filter(|at| *at <= end) else { break };
            self.now = self.now.max(at);
            self.happen();
        }
        self.now = end;
        self.happen();
    }

    fn alive(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| member.alive)
    }

    fn happen(&mut self) {
        let (due, sent): (Vec<_>, _) =
            std::mem::take(&mut self.sent).into_iter().partition(|(at, ..)| *at <= self.now);
        self.sent = sent;
        for (_, call, to, request) in due {
            if !self.coordinator.take(self.now, call, &request)
                && let Some(response) = self.answer(call, to, &request)
            {
                let held = if matches!(request, Request::Fetch(_)) { SECOND / 2 } else { LATENCY };
                self.coming.push((self.now + held, call, response));
            }
        }
        self.coordinator.step(self.now);
        let ready = std::mem::take(&mut self.coordinator.answers);
        self.coming
            .extend(ready.into_iter().map(|(call, response)| (self.now + LATENCY, call, Ok(response))));
        let (due, coming): (Vec<_>, _) =
            std::mem::take(&mut self.coming).into_iter().partition(|(at, ..)| *at <= self.now);
        self.coming = coming;
        for (_, call, response) in due {
            let Some((member, tag)) = self.calls.remove(&call) else { continue };
            match &response {
                Ok(Response::JoinGroup(joined)) if joined.leader == joined.member_id => {
                    self.assigning.insert(member);
                }
                Ok(Response::SyncGroup(_)) => {
                    self.assigning.remove(&member);
                }
                _ => {}
            }
            self.members[member].consumer.handle_response(self.now, tag, response);
        }
        let now = self.now;
        for member in self.members.iter_mut().filter(|member| member.alive) {
            if member.consumer.poll_timeout(now).is_some_and(|at| at <= now) {
                member.consumer.handle_timeout(now);
            }
        }
        self.settle();
    }

    fn settle(&mut self) {
        for index in 0..self.members.len() {
            let mut stirred = self.members[index].alive;
            while std::mem::take(&mut stirred) {
                let now = self.now;
                while let Some(outbound) = self.members[index].consumer.poll_request(now, ()) {
                    stirred = true;
                    self.last_call += 1;
                    self.calls.insert(self.last_call, (index, outbound.id));
                    self.requests.push((now, outbound.body.key().name()));
                    self.sent.push((now + LATENCY, self.last_call, outbound.to, outbound.body));
                }
                while let Some(event) = self.members[index].consumer.poll_event() {
                    stirred = true;
                    self.see(index, event);
                }
            }
        }
    }

    fn see(&mut self, index: usize, event: Event) {
        let now = self.now;
        match event {
            Event::ProtocolsNeeded { job, topics } => {
                let metadata = Subscription { version: 0, topics, ..Default::default() }.encode();
                let protocol = JoinGroupProtocol { name: "RoundRobinAssigner".into(), metadata };
                self.members[index].consumer.protocols(now, job, Ok(vec![protocol]));
            }
            Event::AssignmentNeeded { job, members, metadata, .. } => {
                let mut seen: BTreeMap<String, Vec<i32>> = BTreeMap::new();
                for topic in metadata.topics {
                    let partitions = topic.partitions.iter().map(|p| p.partition).collect();
                    seen.insert(topic.name.unwrap(), partitions);
                }
                if let Some(broker) = self.members[index].asks {
                    for (topic, partitions) in &mut seen {
                        let told = self.view(broker).get(topic.as_str()).map_or(0, |(_, count)| *count);
                        partitions.retain(|partition| *partition < told);
                    }
                }
                let shares = shares(&members, &seen);
                let assigned = Assigned { shares, seen: seen.into_iter().collect() };
                self.members[index].consumer.assignments(now, job, Ok(assigned));
            }
            Event::Joined(_) => self.members[index].consumer.complete_join(),
            Event::Crashed(_) => self.crashes += 1,
            _ => {}
        }
    }

    // ---- brokers

    fn answer(&mut self, call: Call, to: Target, request: &Request) -> Option<Result<Response, NetError>> {
        Some(Ok(match request {
            Request::Metadata(request) => {
                let member = self.calls[&call].0;
                let broker = match to {
                    Target::AnyOther => {
                        self.turn += 1;
                        self.turn % BROKERS
                    }
                    _ => member % BROKERS,
                };
                let fault = if self.assigning.contains(&member) { self.faults.pop() } else { None };
                match fault {
                    Some(Fault::Lost) => return Some(Err(NetError::Closed { broker: "b:9092".into() })),
                    fault => Response::Metadata(self.metadata(broker, request, fault)),
                }
            }
            Request::FindCoordinator(_) => Response::FindCoordinator(FindCoordinatorResponse {
                coordinators: vec![FoundCoordinator { host: "b0".into(), port: 9092, ..Default::default() }],
                ..Default::default()
            }),
            Request::OffsetFetch(request) => {
                let topics = request.topics.iter().flatten().map(|topic| OffsetFetchResponseTopic {
                    name: topic.name.clone(),
                    topic_id: topic.topic_id,
                    partitions: topic.partitions.iter().map(|partition| none_committed(*partition)).collect(),
                });
                let topics = topics.collect();
                Response::OffsetFetch(OffsetFetchResponse { topics, ..Default::default() })
            }
            Request::ListOffsets(request) => {
                let topics = request.topics.iter().map(|topic| {
                    let partitions = topic.partitions.iter().map(|asked| ListOffsetsResponsePartition {
                        partition: asked.partition,
                        error: self.state_of(&topic.name, asked.partition),
                        ..Default::default()
                    });
                    ListOffsetsResponseTopic { name: topic.name.clone(), partitions: partitions.collect() }
                });
                let topics = topics.collect();
                Response::ListOffsets(ListOffsetsResponse { topics, ..Default::default() })
            }
            Request::Fetch(request) => {
                let topics = request.topics.iter().map(|topic| {
                    let partitions = topic.partitions.iter().map(|asked| FetchResponsePartition {
                        partition: asked.partition,
                        error: self.state_of(&topic.name, asked.partition),
                        ..Default::default()
                    });
                    let partitions = partitions.collect();
                    FetchResponseTopic { name: topic.name.clone(), topic_id: topic.topic_id, partitions }
                });
                Response::Fetch(FetchResponse { topics: topics.collect(), ..Default::default() })
            }
            other => panic!("{other:?}"),
        }))
    }

    fn state_of(&self, topic: &str, partition: i32) -> ErrorCode {
        let exists = self.topics.get(topic).is_some_and(|(_, count)| partition < *count);
        if exists { ErrorCode::NONE } else { ErrorCode::UNKNOWN_TOPIC_OR_PARTITION }
    }

    fn metadata(&self, broker: usize, request: &MetadataRequest, fault: Option<Fault>) -> MetadataResponse {
        let brokers = (0..BROKERS).map(|node| MetadataBroker {
            node_id: i32::try_from(node).unwrap(),
            host: format!("b{node}"),
            port: 9092,
            rack: None,
        });
        let names = request.topics.iter().flatten().filter_map(|topic| topic.name.clone());
        let mut topics: Vec<MetadataTopic> = names.map(|name| told(self.view(broker), name)).collect();
        match fault {
            Some(Fault::Half) => {
                topics.iter_mut().for_each(|topic| topic.partitions.truncate(topic.partitions.len() / 2));
            }
            Some(Fault::NoTopics) => topics.clear(),
            Some(Fault::Nothing) => topics.iter_mut().for_each(|topic| topic.partitions.clear()),
            Some(Fault::Code(error)) => {
                let broken = |topic: &MetadataTopic| MetadataTopic {
                    error,
                    name: topic.name.clone(),
                    ..Default::default()
                };
                topics = topics.iter().map(broken).collect();
            }
            Some(Fault::Lost) | None => {}
        }
        MetadataResponse { brokers: brokers.collect(), topics, ..Default::default() }
    }

    // ---- the promises

    fn owned(&self) -> Owned {
        let mut owned = Owned::new();
        for member in self.alive() {
            for partition in member.consumer.assignment() {
                *owned.entry((partition.topic.to_string(), partition.partition)).or_default() += 1;
            }
        }
        owned
    }

    fn wanted(&self) -> Owned {
        let subscribed: BTreeSet<&str> = self.alive().flat_map(|member| &member.topics).copied().collect();
        let existing = subscribed.into_iter().filter_map(|topic| Some((topic, self.topics.get(topic)?.1)));
        let all =
            existing.flat_map(|(topic, count)| (0..count).map(move |number| (topic.to_owned(), number)));
        all.map(|partition| (partition, 1)).collect()
    }

    /// Topics that are gone may still be assigned: they may come back.
    fn assert_owned(&self) {
        let mut owned = self.owned();
        owned.retain(|(topic, _), _| self.topics.contains_key(topic.as_str()));
        assert_eq!(owned, self.wanted());
        assert_eq!(self.crashes, 0);
    }

    fn count(&self, name: &str, since: Instant) -> usize {
        self.requests.iter().filter(|(at, sent)| *at >= since && *sent == name).count()
    }

    /// Nobody joins any more, and metadata is read when it is old, or looked for when a topic is missing.
    fn assert_quiet(&mut self) {
        let since = self.now;
        self.run(60 * SECOND);
        assert_eq!(self.count("JoinGroup", since), 0);
        let watched = self.alive().flat_map(|member| &member.topics).collect::<BTreeSet<_>>();
        if watched.iter().all(|topic| self.topics.contains_key(**topic)) {
            let asked = self.count("Metadata", since);
            assert!(asked <= self.alive().count() * 14, "{asked} in a minute");
        }
    }
}

fn told(topics: &Topics, name: String) -> MetadataTopic {
    let Some((topic_id, count)) = topics.get(name.as_str()) else {
        let error = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
        return MetadataTopic { error, name: Some(name), ..Default::default() };
    };
    let partitions = (0..*count).map(|partition| MetadataPartition { partition, ..Default::default() });
    let partitions = partitions.collect();
    MetadataTopic { name: Some(name), topic_id: *topic_id, partitions, ..Default::default() }
}

fn none_committed(partition: i32) -> OffsetFetchResponsePartition {
    OffsetFetchResponsePartition { partition, offset: -1, ..Default::default() }
}

/// In turn, to those who subscribed.
fn shares(members: &[JoinGroupMember], seen: &BTreeMap<String, Vec<i32>>) -> Vec<SyncGroupAssignment> {
    let subscriptions: Vec<Vec<String>> =
        members.iter().map(|member| Subscription::decode(member.metadata.clone()).unwrap().topics).collect();
    let mut shares = vec![BTreeMap::<String, Vec<i32>>::new(); members.len()];
    for (topic, partitions) in seen {
        let takers: Vec<usize> = (0..members.len()).filter(|i| subscriptions[*i].contains(topic)).collect();
        for (turn, partition) in partitions.iter().enumerate() {
            if let Some(taker) = takers.get(turn % takers.len().max(1)) {
                shares[*taker].entry(topic.clone()).or_default().push(*partition);
            }
        }
    }
    let encoded = shares.into_iter().zip(members).map(|(topics, member)| SyncGroupAssignment {
        member_id: member.member_id.clone(),
        assignment: Assignment { topics: topics.into_iter().collect(), ..Default::default() }.encode(),
    });
    encoded.collect()
}

const LATENCY: Duration = Duration::from_millis(2);

const FAULTS: [Fault; 8] = [
    Fault::Half,
    Fault::NoTopics,
    Fault::Nothing,
    Fault::Code(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
    Fault::Code(ErrorCode::LEADER_NOT_AVAILABLE),
    Fault::Code(ErrorCode::UNKNOWN_SERVER_ERROR),
    Fault::Code(ErrorCode(72)),
    Fault::Lost,
];

#[test]
fn an_answer_that_leaves_something_out_is_not_what_is_assigned_by() {
    for fault in FAULTS {
        for members in [&[&["t"][..]][..], &[&["t", "u"], &["t"]], &[&["t"], &["u"]]] {
            let mut group = Group::new(&[("t", 4), ("u", 3)], members);
            group.run(20 * SECOND);
            // Known by now, so half of it is an answer of somebody who is behind.
            let generation = group.coordinator.generation;
            group.faults = vec![fault];
            group.enter(members[0], None);
            group.run(4 * SECOND);
            assert_eq!(group.faults, []);
            group.assert_owned();
            assert_eq!(
                group.coordinator.generation,
                generation + 1,
                "{fault:?}: asked again before, not after"
            );
            group.assert_quiet();
        }
    }
}

#[test]
fn nobody_knows_better_at_first() {
    for fault in FAULTS {
        let mut group = Group::new(&[("t", 4)], &[&["t"]]);
        // The metadata that is read before has not been heard of, either.
        group.faults = vec![fault];
        group.run(2 * MAX_AGE);
        group.assert_owned();
        assert!(group.coordinator.generation <= 2, "{fault:?}");
        group.assert_quiet();
    }
}

#[test]
fn a_broker_that_is_behind_delays_what_it_does_not_know() {
    for behind in [vec![0], vec![1], vec![0, 2], vec![0, 1, 2]] {
        let mut group = Group::running(&[("t", 2)], &[&["t"], &["t"]]);
        let generation = group.coordinator.generation;
        group.topics.get_mut("t").unwrap().1 = 5;
        let lags: Vec<_> = behind.iter().map(|broker| (*broker, 5 * SECOND)).collect();
        group.publish(&lags);
        group.run(20 * SECOND);
        group.assert_owned();
        assert!(group.coordinator.generation <= generation + 2, "{behind:?}");
        group.assert_quiet();
    }
}

#[test]
fn an_assignor_that_asks_somebody_who_is_behind_is_asked_again_but_not_all_the_time() {
    let mut group = Group::running(&[("t", 2)], &[&["t"]]);
    let generation = group.coordinator.generation;
    group.members[0].asks = Some(1);
    group.topics.get_mut("t").unwrap().1 = 5;
    group.publish(&[(1, 30 * SECOND)]);
    group.run(100 * SECOND);
    group.assert_owned();
    let generations = group.coordinator.generation - generation;
    assert!((2..=8).contains(&generations), "{generations}");
    group.assert_quiet();
}

#[test]
fn a_topic_of_others_that_grows_is_the_leaders_business() {
    let mut group = Group::running(&[("x", 2), ("y", 2)], &[&["x"], &["y"]]);
    let generation = group.coordinator.generation;
    group.grow("y", 3);
    group.run(2 * MAX_AGE);
    group.assert_owned();
    assert_eq!(group.coordinator.generation, generation + 1);
    group.assert_quiet();
}

#[test]
fn a_topic_that_grows_again_and_again_has_no_partition_without_an_owner() {
    let mut group = Group::running(&[("t", 1)], &[&["t"], &["t"], &["t"]]);
    for step in 0..100 {
        group.grow("t", 1);
        group.lag(step % 3, Duration::from_millis(700));
        group.run(2 * MAX_AGE);
        group.assert_owned();
    }
    group.assert_quiet();
}

#[test]
fn a_topic_that_was_gone_while_it_was_assigned_is_assigned_when_it_is_made_again() {
    for has_ids in [true, false] {
        let mut group = Group::new(&[], &[]);
        group.has_ids = has_ids;
        group.make("t", 3);
        group.enter(&["t"], None);
        group.run(20 * SECOND);
        group.delete("t");
        group.run(3 * SECOND);
        group.enter(&["t"], None);
        group.run(20 * SECOND);
        assert_eq!(group.owned(), Owned::new(), "nothing to own");
        let generation = group.coordinator.generation;
        group.run(60 * SECOND);
        assert_eq!(group.coordinator.generation, generation, "nothing to join for");
        group.make("t", 3);
        group.run(5 * SECOND);
        group.assert_owned();
        group.assert_quiet();
    }
}

#[test]
fn a_topic_made_anew_is_not_taken_for_the_old_one_again() {
    let mut group = Group::running(&[("t", 3)], &[&["t"], &["t"]]);
    let since = group.now;
    group.delete("t");
    group.lag(1, 25 * SECOND);
    group.make("t", 3);
    group.run(60 * SECOND);
    // Each looks once where the new log begins: whoever looked again would leave out what has come since.
    assert_eq!((group.count("OffsetFetch", since), group.count("JoinGroup", since)), (2, 0));
    group.assert_owned();
}

#[test]
fn a_topic_that_does_not_exist_holds_nothing_up_for_long() {
    let mut group = Group::running(&[("x", 2)], &[&["x"], &["x", "missing"]]);
    assert!(group.count("Metadata", group.now - SECOND) > 0, "it is looked for");
    let generation = group.coordinator.generation;
    let entered = group.now;
    group.enter(&["x", "missing"], None);
    while group.owned() != group.wanted() || group.coordinator.generation == generation {
        group.run(SECOND / 10);
        assert!(group.now < entered + 4 * SECOND);
    }
    group.make("missing", 2);
    group.run(3 * SECOND);
    group.assert_owned();
    group.assert_quiet();
}

#[test]
fn partitions_that_are_gone_are_not_asked_for_for_ever() {
    for has_ids in [true, false] {
        let mut group = Group::new(&[], &[]);
        group.has_ids = has_ids;
        group.make("t", 5);
        group.enter(&["t"], None);
        group.enter(&["t"], None);
        group.run(20 * SECOND);
        group.delete("t");
        group.make("t", 2);
        group.run(30 * SECOND);
        group.assert_owned();
        group.assert_quiet();
    }
}

#[test]
fn a_static_leader_that_is_back_looks_after_what_was_assigned() {
    let mut group = Group::new(&[("x", 2), ("y", 2)], &[]);
    let leader = group.enter(&["x"], Some("first"));
    group.run(5 * SECOND);
    group.enter(&["y"], Some("second"));
    group.run(20 * SECOND);
    group.assert_owned();
    let generation = group.coordinator.generation;
    group.kill(leader);
    group.enter(&["x"], Some("first"));
    group.run(10 * SECOND);
    group.assert_owned();
    assert_eq!(group.coordinator.generation, generation, "KIP-814");
    group.grow("y", 2);
    group.run(2 * MAX_AGE);
    group.assert_owned();
    group.assert_quiet();
}

#[derive(Debug, Clone)]
enum Step {
    Make(usize, i32),
    Grow(usize, i32),
    Delete(usize),
    Lag(usize, u64),
    Fault(usize),
    Enter(usize),
    Kill(usize),
    Asks(usize, usize),
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => (0usize..3, 1..5i32).prop_map(|(topic, count)| Step::Make(topic, count)),
        4 => (0usize..3, 1..3i32).prop_map(|(topic, by)| Step::Grow(topic, by)),
        2 => (0usize..3).prop_map(Step::Delete),
        3 => (0usize..BROKERS, 0u64..8_000).prop_map(|(broker, by)| Step::Lag(broker, by)),
        4 => (0usize..FAULTS.len()).prop_map(Step::Fault),
        2 => (1usize..8).prop_map(Step::Enter),
        1 => (0usize..8).prop_map(Step::Kill),
        1 => (0usize..8, 0usize..BROKERS).prop_map(|(member, broker)| Step::Asks(member, broker)),
        8 => (0u64..6_000).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..40)
}

const TOPICS: [&str; 3] = ["a", "b", "c"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_to_topics_two_rebalances_later_each_partition_has_an_owner(
        has_ids in any::<bool>(),
        steps in steps(),
    ) {
        let mut group = Group::new(&[], &[]);
        group.has_ids = has_ids;
        group.make("a", 2);
        group.enter(&["a"], None);
        for step in steps {
            match step {
                Step::Make(topic, count) => group.make(TOPICS[topic], count),
                Step::Grow(topic, by) => group.grow(TOPICS[topic], by),
                Step::Delete(topic) => group.delete(TOPICS[topic]),
                Step::Lag(broker, by) => group.lag(broker, Duration::from_millis(by)),
                Step::Fault(fault) => group.faults.push(FAULTS[fault]),
                Step::Enter(topics) => {
                    let topics: Vec<_> = (0..3).filter(|bit| topics & 1 << bit != 0).map(|bit| TOPICS[bit]).collect();
                    group.enter(&topics, None);
                }
                Step::Kill(member) => {
                    let member = member % group.members.len();
                    if group.alive().count() > 1 {
                        group.kill(member);
                    }
                }
                Step::Asks(member, broker) => {
                    let member = member % group.members.len();
                    group.members[member].asks = Some(broker);
                }
                Step::Pass(millis) => group.run(Duration::from_millis(millis)),
            }
        }
        // The last change; what was wrong before it may take this long to be seen.
        group.faults.clear();
        group.run(30 * SECOND);
        let generation = group.coordinator.generation;
        group.run(90 * SECOND);
        group.assert_owned();
        prop_assert!(group.coordinator.generation <= generation + 2);
        group.assert_quiet();
    }
}
