//! Every partition of every topic that a member subscribes to has an owner, one: whatever brokers answered while it was
//! assigned, whatever has become of the topics since. And the group gets quiet.

mod topics;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

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
