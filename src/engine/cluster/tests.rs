//! One question at a time, asked until it is answered well.

#![expect(clippy::disallowed_methods, reason = "any instant will do to start from")]

mod coordinators;
mod metadata;
mod names;
mod random;
mod surveys;
mod told;
mod watched;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::machine::Machine;
use crate::engine::machine::NetError;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::fetch::NodeEndpoint;
use crate::engine::protocol::find_coordinator::FindCoordinatorResponse;
use crate::engine::protocol::find_coordinator::FoundCoordinator;
use crate::engine::protocol::metadata::{MetadataBroker, MetadataPartition, MetadataResponse, MetadataTopic};

use super::machine::SPACING;
use crate::engine::machine::{Failure, LogLevel, Outbound, Target, TopicPartition};

use super::{Cluster, ClusterConfig, CoordinatorKey, Event};

struct World {
    cluster: Cluster,
    now: Instant,
    in_flight: Vec<Outbound>,
    events: Vec<Event>,
}

impl World {
    fn new() -> World {
        let config = ClusterConfig { metadata_max_age: MAX_AGE, allow_auto_topic_creation: true };
        World {
            cluster: Cluster::new(config, 1),
            now: Instant::now(),
            in_flight: Vec::new(),
            events: Vec::new(),
        }
    }

    /// Everything known and at rest.
    fn settled() -> World {
        let mut world = World::new();
        world.set_topics(&["t"]);
        world.answer_lookup(Ok(coordinator(3, ErrorCode::NONE)));
        world.answer_refresh(Ok(metadata(vec![topic("t", 7)])));
        world.pass(Duration::from_secs(1));
        world.events.clear();
        assert_eq!(world.asked(), [""; 0]);
        world
    }

    fn set_topics(&mut self, topics: &[&str]) {
        let topics: Vec<Arc<str>> = topics.iter().map(|topic| (*topic).into()).collect();
        self.cluster.set_topics(&topics);
        self.cluster.look_up(&group());
        self.settle();
    }

    fn settle(&mut self) {
        self.in_flight.extend(std::iter::from_fn(|| self.cluster.poll_request(self.now, ())));
        self.events.extend(std::iter::from_fn(|| self.cluster.poll_event()));
        assert!(self.in_flight.len() <= 2, "{:?}", self.in_flight);
        let any = |to| matches!(to, Target::Any | Target::AnyOther | Target::AnyBut(_));
        assert!(self.in_flight.iter().all(|outbound| any(outbound.to)));
        assert!(self.cluster.poll_timeout(self.now).is_none_or(|at| at > self.now), "a busy loop");
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.cluster.poll_timeout(self.now).filter(|at| *at <= end) {
            self.now = at;
            self.cluster.handle_timeout(at);
            self.settle();
        }
        self.now = end;
        self.settle();
    }

    /// The kinds of the requests in flight.
    fn asked(&self) -> Vec<&'static str> {
        self.in_flight.iter().map(|outbound| outbound.body.key().name()).collect()
    }

    fn answer(&mut self, kind: &str, response: Result<Response, NetError>) {
        let at = self.asked().iter().position(|asked| *asked == kind).unwrap();
        let outbound = self.in_flight.remove(at);
        self.cluster.handle_response(self.now, outbound.id, response);
        self.settle();
    }

    /// Where the only request in flight goes.
    fn asks(&self) -> Target {
        let [outbound] = &self.in_flight[..] else { panic!("{:?}", self.in_flight) };
        outbound.to
    }

    fn answer_lookup(&mut self, response: Result<Response, NetError>) {
        self.answer("GroupCoordinator", response);
    }

    fn answer_refresh(&mut self, response: Result<Response, NetError>) {
        self.answer("Metadata", response);
    }

    fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    fn failures(&mut self) -> Vec<Failure> {
        let failed = |event| match event {
            Event::Failed(failure) | Event::CoordinatorFailed { failure, .. } => Some(failure),
            _ => None,
        };
        self.events().into_iter().filter_map(failed).collect()
    }
}

const MAX_AGE: Duration = Duration::from_secs(300);

/// The consumer's.
fn group() -> CoordinatorKey {
    CoordinatorKey::group("g")
}

fn coordinator(node_id: i32, error: ErrorCode) -> Response {
    let host = "h".into();
    let found = FoundCoordinator { node_id, error, host, port: 9092, ..Default::default() };
    Response::FindCoordinator(FindCoordinatorResponse { coordinators: vec![found], ..Default::default() })
}

fn topic(name: &str, leader: i32) -> MetadataTopic {
    let partitions = vec![MetadataPartition { leader, ..Default::default() }];
    MetadataTopic { name: Some(name.into()), partitions, ..Default::default() }
}

fn broken(name: &str, error: ErrorCode) -> MetadataTopic {
    MetadataTopic { name: Some(name.into()), error, ..Default::default() }
}

fn metadata(topics: Vec<MetadataTopic>) -> Response {
    Response::Metadata(MetadataResponse { topics, ..Default::default() })
}

fn closed() -> NetError {
    NetError::Closed { broker: "h:9092".into() }
}

fn refused() -> NetError {
    NetError::Authentication { broker: "h:9092".into(), message: "no".into(), code: None }
}

#[test]
fn each_question_is_asked_once_and_again_after_a_loss() {
    let mut world = World::new();
    world.settle();
    assert_eq!(world.asked(), [""; 0], "nobody wants to know");
    world.set_topics(&["t"]);
    assert_eq!(world.asked(), ["GroupCoordinator", "Metadata"]);
    assert_eq!(world.cluster.poll_timeout(world.now), None, "only answers are awaited");

    let first = world.in_flight[0].id;
    world.answer_lookup(Ok(coordinator(3, ErrorCode::NONE)));
    assert_eq!(world.cluster.coordinator(&group()), Some(3));
    world.cluster.coordinator_lost(&group());
    world.pass(SPACING);
    assert_eq!(world.asked(), ["Metadata", "GroupCoordinator"]);
    world.cluster.handle_response(world.now, first, Ok(coordinator(9, ErrorCode::NONE)));
    assert_eq!(world.cluster.coordinator(&group()), None, "a late answer is nobody's");
}

#[test]
fn the_coordinator_is_a_broker_that_can_be_reached() {
    let mut world = World::new();
    world.set_topics(&[]);
    world.answer_lookup(Ok(coordinator(3, ErrorCode::NONE)));
    assert_eq!(world.events(), [Event::CoordinatorFound { key: group(), node: 3 }]);
    let brokers = world.cluster.metadata().brokers();
    assert!(matches!(brokers, [MetadataBroker { node_id: 3, port: 9092, .. }]), "{brokers:?}");
}

#[test]
fn a_missing_coordinator_is_looked_for_again_with_patience() {
    let mut world = World::new();
    world.set_topics(&[]);
    for round in 0..50 {
        assert_eq!(world.asked().first(), Some(&"GroupCoordinator"), "{round}");
        world.answer_lookup(match round % 5 {
            0 => Ok(coordinator(-1, ErrorCode::COORDINATOR_NOT_AVAILABLE)),
            1 => Ok(coordinator(-1, ErrorCode::COORDINATOR_LOAD_IN_PROGRESS)),
            2 => Ok(coordinator(-1, ErrorCode(1234))),
            3 => Err(closed()),
            _ => Ok(Response::Metadata(MetadataResponse::default())),
        });
        assert_eq!(world.asked(), ["Metadata"], "not at once");
        world.pass(Duration::from_millis(1_200));
        world.in_flight.sort_by_key(|outbound| outbound.body.key().name());
    }
    let warnings = |event: &Event| matches!(event, Event::Log(log) if log.level == LogLevel::Warn);
    let told = world.events().iter().filter(|event| warnings(event)).count();
    assert_eq!(told, 3, "at once, after ten seconds, after forty");
    world.answer_lookup(Ok(coordinator(4, ErrorCode::NONE)));
    assert_eq!(world.cluster.coordinator(&group()), Some(4));
}

#[test]
fn a_group_that_is_not_ours_is_an_end() {
    for code in [ErrorCode::GROUP_AUTHORIZATION_FAILED, ErrorCode::INVALID_GROUP_ID] {
        let mut world = World::new();
        world.set_topics(&[]);
        world.answer_lookup(Ok(coordinator(-1, code)));
        let cause = Box::new(Failure::Broker { code, partition: None });
        assert_eq!(world.failures(), [Failure::CoordinatorNotFound { key: group(), cause }]);
        world.pass(MAX_AGE);
        assert_eq!(world.asked(), ["Metadata"], "nobody looks any more");
    }
}

#[test]
fn refused_credentials_are_an_end() {
    let mut world = World::new();
    world.set_topics(&["t"]);
    world.answer_refresh(Err(refused()));
    world.answer_lookup(Err(refused()));
    assert_eq!(world.failures(), vec![Failure::Net(refused()); 2]);
    world.pass(MAX_AGE);
    assert_eq!(world.asked(), [""; 0], "an account is locked easily");
}

#[test]
fn a_closing_client_asks_no_more_and_says_nothing() {
    let mut world = World::settled();
    world.cluster.refresh();
    world.settle();
    world.answer_refresh(Err(NetError::ClientClosed));
    world.pass(MAX_AGE / 2);
    assert_eq!((world.asked(), world.events()), (vec![], vec![]));
}

#[test]
fn nodes_that_a_fetch_names_are_brokers_unless_the_metadata_knows_better() {
    let mut world = World::settled();
    let node = |node_id, host: &str| NodeEndpoint { node_id, host: host.into(), port: 9, rack: None };
    assert!(world.cluster.nodes_named(vec![node(3, "old"), node(8, "new")]));
    let named = |world: &World, id| {
        let broker = world.cluster.metadata().brokers().iter().find(|broker| broker.node_id == id);
        broker.map(|broker| broker.host.clone())
    };
    assert_eq!(named(&world, 8).as_deref(), Some("new"));
    assert_ne!(named(&world, 3).as_deref(), Some("old"));
    assert!(!world.cluster.nodes_named(vec![node(8, "newer")]), "the metadata will tell");
}

#[test]
fn a_leader_that_is_nowhere_is_not_believed_in() {
    let mut world = World::settled();
    let zero = TopicPartition { topic: "t".into(), partition: 0 };
    let leader = |world: &World| world.cluster.metadata().leader(&zero).map(|leader| leader.node);
    world.cluster.leader_moved(&zero, 77, 1_000);
    assert_eq!(leader(&world), Some(7));
    let node = NodeEndpoint { node_id: 77, host: "h".into(), port: 9, rack: None };
    world.cluster.nodes_named(vec![node]);
    world.cluster.leader_moved(&zero, 77, 1_000);
    assert_eq!(leader(&world), Some(77));
}

#[test]
fn metadata_ages() {
    let mut world = World::settled();
    world.pass(MAX_AGE - Duration::from_secs(2));
    assert_eq!(world.asked(), [""; 0]);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.asked(), ["Metadata"]);
    // An outage does not make it forget.
    for _ in 0..30 {
        world.answer_refresh(Err(closed()));
        assert_eq!(world.asked(), [""; 0]);
        world.pass(Duration::from_millis(1_200));
    }
    world.answer_refresh(Ok(metadata(vec![topic("t", 7)])));
    world.pass(MAX_AGE);
    assert_eq!(world.asked(), ["Metadata"]);
}

#[test]
fn many_who_meet_a_stale_leader_cost_one_refresh() {
    let mut world = World::settled();
    for _ in 0..10 {
        world.cluster.refresh();
        world.settle();
    }
    assert_eq!(world.asked(), ["Metadata"]);
    world.answer_refresh(Ok(metadata(vec![topic("t", 7)])));
    assert_eq!(world.asked(), [""; 0], "ten asked while one was under way: once more, but not at once");
    world.pass(SPACING);
    assert_eq!(world.asked(), ["Metadata"]);
    world.answer_refresh(Ok(metadata(vec![topic("t", 8)])));
    world.pass(MAX_AGE / 2);
    assert_eq!(world.asked(), [""; 0]);
}

#[test]
fn a_missing_topic_is_asked_for_until_it_comes() {
    for code in [
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
        ErrorCode::LEADER_NOT_AVAILABLE,
        ErrorCode::UNKNOWN_SERVER_ERROR,
        ErrorCode(72), // LISTENER_NOT_FOUND
    ] {
        let mut world = World::new();
        world.set_topics(&["t"]);
        world.answer_lookup(Ok(coordinator(3, ErrorCode::NONE)));
        for _ in 0..20 {
            world.answer_refresh(Ok(metadata(vec![broken("t", code)])));
            assert_eq!(world.asked(), [""; 0], "not at once");
            world.pass(Duration::from_millis(1_200));
        }
        assert!(!world.events().iter().any(|event| matches!(event, Event::TopicError { .. })));
        world.answer_refresh(Ok(metadata(vec![topic("t", 7)])));
        world.pass(MAX_AGE / 2);
        assert_eq!(world.asked(), [""; 0]);
    }
}

#[test]
fn a_topic_that_an_answer_leaves_out_is_asked_for_until_it_is_told() {
    for answer in [vec![], vec![topic("u", 7)], vec![MetadataTopic { partitions: vec![], ..topic("t", 7) }]] {
        let mut world = World::settled();
        world.cluster.refresh();
        world.settle();
        for _ in 0..5 {
            world.answer_refresh(Ok(metadata(answer.clone())));
            world.pass(Duration::from_millis(1_200));
            assert_eq!(world.asks(), Target::AnyOther);
        }
        world.answer_refresh(Ok(metadata(vec![topic("t", 7)])));
        world.pass(MAX_AGE / 2);
        assert_eq!(world.asked(), [""; 0]);
    }
}

#[test]
fn a_deleted_topic_is_told_by_its_name_at_once_and_after_ten_seconds() {
    let mut world = World::settled();
    world.cluster.refresh();
    world.settle();
    for _ in 0..20 {
        world.answer_refresh(Ok(metadata(vec![broken("t", ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)])));
        world.pass(Duration::from_millis(1_200));
    }
    let events = world.events();
    let warnings = events.iter().filter_map(|event| match event {
        Event::Log(log) if log.level == LogLevel::Warn => Some(log),
        _ => None,
    });
    let warnings: Vec<_> = warnings.collect();
    let [deleted, later @ ..] = &warnings[..] else { panic!("{warnings:?}") };
    assert_eq!(deleted.extra, [("topic", "t".to_owned())]);
    assert_eq!(later.len(), 2);
    assert!(later.iter().all(|log| log.message.starts_with("Topic \"t\" does not exist for ")), "{later:?}");
}

#[test]
fn a_partition_without_a_leader_is_asked_for_until_it_has_one() {
    let mut world = World::settled();
    world.cluster.refresh();
    world.settle();
    world.answer_refresh(Ok(metadata(vec![topic("t", -1)])));
    world.pass(Duration::from_millis(200));
    world.answer_refresh(Ok(metadata(vec![topic("t", 8)])));
    let zero = TopicPartition { topic: "t".into(), partition: 0 };
    assert_eq!(world.cluster.metadata().leader(&zero).map(|leader| leader.node), Some(8));
    world.pass(MAX_AGE / 2);
    assert_eq!(world.asked(), [""; 0]);
}

#[test]
fn a_topic_that_the_user_may_not_read_is_told() {
    for code in [ErrorCode::TOPIC_AUTHORIZATION_FAILED, ErrorCode::INVALID_TOPIC_EXCEPTION] {
        let mut world = World::settled();
        world.cluster.refresh();
        world.settle();
        world.answer_refresh(Ok(metadata(vec![broken("t", code), topic("u", 7)])));
        assert!(world.events().contains(&Event::TopicError { topic: "t".into(), code }));
        world.pass(MAX_AGE / 2);
        assert_eq!(world.asked(), [""; 0], "asking again will not help");
    }
}

#[test]
fn a_name_that_no_request_has_room_for_is_told_and_keeps_nobody_else_from_being_asked_for() {
    let mut world = World::settled();
    let name = "n".repeat(40_000);
    world.set_topics(&["t", &name, "u"]);
    let [Outbound { body: Request::Metadata(request), .. }] = &world.in_flight[..] else { panic!() };
    let asked: Vec<_> = request.topics.iter().flatten().map(|topic| topic.name.as_deref()).collect();
    assert!(asked.contains(&Some("u")) && !asked.contains(&Some(&*name)));
    world.answer_refresh(Ok(metadata(vec![topic("t", 7), topic("u", 7)])));
    let code = ErrorCode::INVALID_TOPIC_EXCEPTION;
    assert!(world.events().contains(&Event::TopicError { topic: name.as_str().into(), code }));
    world.pass(MAX_AGE / 2);
    assert_eq!(world.asked(), [""; 0], "asking again will not help");
}

#[test]
fn a_new_topic_is_asked_for_at_once() {
    let mut world = World::settled();
    world.set_topics(&["t"]);
    assert_eq!(world.asked(), [""; 0], "nothing new");
    world.set_topics(&["t", "u"]);
    assert_eq!(world.asked(), ["Metadata"]);
    // In trouble, too.
    world.answer_refresh(Err(closed()));
    assert_eq!(world.asked(), [""; 0]);
    world.set_topics(&["t", "u", "w"]);
    assert_eq!(world.asked(), ["Metadata"]);
    // Another one while that question is under way.
    world.set_topics(&["t", "u", "w", "v"]);
    world.answer_refresh(Ok(metadata(vec![topic("t", 7), topic("u", 7), topic("w", 7)])));
    world.pass(SPACING);
    let Request::Metadata(request) = &world.in_flight[0].body else { panic!("{:?}", world.in_flight) };
    assert_eq!(request.topics.as_ref().map(Vec::len), Some(4));
    assert!(request.allow_auto_topic_creation);
}

#[test]
fn what_others_have_asked_tells_of_our_topics_only() {
    let mut world = World::settled();
    let Response::Metadata(answer) = metadata(vec![topic("t", 8), topic("x", 7)]) else { unreachable!() };
    world.cluster.learn(&answer);
    let leader = |name: &str| {
        let partition = TopicPartition { topic: name.into(), partition: 0 };
        world.cluster.metadata().leader(&partition).map(|leader| leader.node)
    };
    assert_eq!((leader("t"), leader("x")), (Some(8), None));
    assert!(matches!(world.cluster.poll_event(), Some(Event::Metadata(_))));
    assert_eq!(world.cluster.poll_event(), None);
}

#[test]
fn an_error_of_the_whole_answer_changes_nothing() {
    let mut world = World::settled();
    world.cluster.refresh();
    world.settle();
    let rebootstrap = MetadataResponse { error: ErrorCode(129), ..Default::default() };
    world.answer_refresh(Ok(Response::Metadata(rebootstrap)));
    assert!(!world.events().iter().any(|event| matches!(event, Event::Metadata(_))));
    world.pass(Duration::from_millis(200));
    assert_eq!(world.asked(), ["Metadata"]);
}

#[test]
fn whoever_answered_in_vain_is_not_asked_again_at_once() {
    let mut world = World::new();
    world.set_topics(&["t"]);
    assert!(world.in_flight.iter().all(|outbound| outbound.to == Target::Any), "nothing speaks against it");
    world.answer_refresh(Ok(metadata(vec![topic("t", 7)])));
    for _ in 0..3 {
        world.answer_lookup(Ok(coordinator(-1, ErrorCode::COORDINATOR_NOT_AVAILABLE)));
        world.pass(Duration::from_millis(1_200));
        assert_eq!(world.asks(), Target::AnyOther);
    }
    world.answer_lookup(Ok(coordinator(3, ErrorCode::NONE)));
    // Named by somebody who should not have, perhaps itself.
    world.cluster.coordinator_lost(&group());
    world.pass(SPACING);
    // The others may know nothing: in the end its own word is better than none.
    for _ in 0..4 {
        assert_eq!(world.asks(), Target::AnyBut(3));
        world.answer_lookup(Ok(coordinator(-1, ErrorCode::COORDINATOR_NOT_AVAILABLE)));
        world.pass(Duration::from_millis(1_200));
    }
    assert_eq!(world.asks(), Target::AnyOther);
    world.answer_lookup(Ok(coordinator(3, ErrorCode::NONE)));

    // A stale leader, no answer, and nothing at all: in the end each broker has been asked.
    world.cluster.refresh();
    world.pass(SPACING);
    assert_eq!(world.asks(), Target::AnyOther);
    world.answer_refresh(Err(closed()));
    world.pass(Duration::from_millis(200));
    assert_eq!(world.asks(), Target::AnyOther);
    world.answer_refresh(Ok(metadata(vec![topic("t", 7)])));
    world.pass(MAX_AGE);
    assert_eq!(world.asks(), Target::AnyOther);
    world.answer_refresh(Ok(metadata(vec![topic("t", 7)])));
    world.set_topics(&["t", "u"]);
    world.pass(SPACING);
    assert_eq!(world.asks(), Target::Any);
}

#[test]
fn an_answer_that_is_older_than_what_we_know_is_no_answer() {
    let leader = |leader_epoch| {
        let partitions = vec![MetadataPartition { leader: 7, leader_epoch, ..Default::default() }];
        metadata(vec![MetadataTopic { name: Some("t".into()), partitions, ..Default::default() }])
    };
    let mut world = World::settled();
    world.cluster.refresh();
    world.settle();
    world.answer_refresh(Ok(leader(5)));
    world.pass(MAX_AGE);
    world.answer_refresh(Ok(leader(4)));
    world.pass(Duration::from_millis(200));
    assert_eq!(world.asks(), Target::AnyOther);
    world.answer_refresh(Ok(leader(5)));
    world.pass(MAX_AGE / 2);
    assert_eq!(world.asked(), [""; 0]);
}
