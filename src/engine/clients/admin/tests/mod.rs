mod world;

use std::collections::BTreeMap;

use fastrand::Rng;

use crate::engine::clients::admin::*;
use crate::engine::machine::CoordinatorKey;
use crate::engine::machine::Machine;
use crate::engine::machine::NetError;
use crate::engine::machine::TopicPartition;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::consumer_protocol::{Assignment, Subscription};
use crate::engine::protocol::describe_configs::DescribeConfigsResource;
use crate::engine::protocol::describe_groups::{DescribeGroupsResponse, DescribedGroup};
use crate::engine::protocol::metadata::MetadataResponse;

use world::World;

fn at(topic: &str, partition: i32) -> TopicPartition {
    TopicPartition { topic: topic.into(), partition }
}

fn topics(topics: &[(&str, &[i32])]) -> Vec<(String, Vec<i32>)> {
    topics.iter().map(|(name, partitions)| ((*name).to_owned(), partitions.to_vec())).collect()
}

fn refused(code: ErrorCode, partition: Option<TopicPartition>) -> Failure {
    Failure::Broker { code, partition }
}

fn ids(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

/// What each of these is told to be, in their order.
fn described(world: &mut World, groups: &[&str]) -> Vec<Result<DescribedGroup, Failure>> {
    let mut found = vec![None; groups.len()];
    for Told { parts, answer, .. } in world.call(describe_classic_groups(ids(groups))).unwrap() {
        for part in parts {
            let is_meant = |group: &&DescribedGroup| group.group_id == groups[part];
            let of = |answer: &DescribeGroupsResponse| answer.groups.iter().find(is_meant).unwrap().clone();
            found[part] = Some(answer.as_ref().map(of).map_err(Failure::clone));
        }
    }
    found.into_iter().map(Option::unwrap).collect()
}

#[test]
fn metadata_is_any_brokers_and_what_is_wrong_with_a_topic_stands_in_it() {
    let mut world = World::new(1);
    let answer = world.call(ReadMetadata::new(None, false)).unwrap();
    assert_eq!((answer.topics.len(), answer.brokers.len()), (2, 3));
    let answer = world.call(ReadMetadata::new(Some(vec!["nope".into()]), true)).unwrap();
    assert_eq!(answer.topics[0].error, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    assert_eq!(world.sent, [(-1, "Metadata"); 2]);
    assert_eq!(world.told, 2);
    world.cluster.metadata_error = ErrorCode::UNKNOWN_SERVER_ERROR;
    let failure = world.call(ReadMetadata::new(None, false)).unwrap_err();
    assert_eq!(failure, refused(ErrorCode::UNKNOWN_SERVER_ERROR, None));
    assert_eq!(world.told, 2, "a refusal tells nothing");
}

#[test]
fn each_leader_is_asked_once_for_all_that_it_leads() {
    for seed in 0..8 {
        let mut world = World::new(seed);
        let asked = topics(&[("t", &[0, 1, 2]), ("u", &[0])]);
        let mut found = world.call(ListOffsets::new(asked, -1, true)).unwrap();
        found.sort();
        let expected = [(at("t", 0), 99), (at("t", 1), 100), (at("t", 2), 101), (at("u", 0), 99)];
        assert_eq!(found, expected);
        world.sent.sort_unstable();
        assert_eq!(world.sent, [(-1, "Metadata"), (1, "ListOffsets"), (2, "ListOffsets")]);
    }
}

#[test]
fn a_partition_without_a_leader_fails_the_call_before_any_leader_is_asked() {
    let cases = [
        ("nope", 0, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
        ("forbidden", 0, ErrorCode::TOPIC_AUTHORIZATION_FAILED),
        ("t", 7, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
        ("leaderless", 0, ErrorCode::LEADER_NOT_AVAILABLE),
    ];
    for (topic, partition, code) in cases {
        let mut world = World::new(1);
        let mut add = |name: &str, leaders, error| {
            world.cluster.topics.insert(name.to_owned(), (9, leaders, error));
        };
        add("forbidden", vec![], ErrorCode::TOPIC_AUTHORIZATION_FAILED);
        add("leaderless", vec![-1], ErrorCode::NONE);
        let asked = topics(&[("t", &[0]), (topic, &[partition])]);
        let failure = world.call(ListOffsets::new(asked, -2, false)).unwrap_err();
        assert_eq!(failure, refused(code, Some(at(topic, partition))));
        assert_eq!(world.sent, [(-1, "Metadata")]);
    }
}

#[test]
fn a_partitions_error_names_it() {
    let mut world = World::new(1);
    world.cluster.partition_error = ErrorCode::UNSTABLE_OFFSET_COMMIT;
    let failure = Err(refused(ErrorCode::UNSTABLE_OFFSET_COMMIT, Some(at("u", 0))));
    let asked = || topics(&[("u", &[0])]);
    assert_eq!(world.call(ListOffsets::new(asked(), -1, true)), failure);
    let failure = failure.map(|_: Vec<(TopicPartition, i64)>| Vec::new());
    assert_eq!(world.call(ListGroupOffsets::new("a".into(), asked())), failure);
}

#[test]
fn groups_with_the_same_coordinator_share_a_request_and_keep_their_order() {
    for seed in 0..8 {
        let mut world = World::new(seed);
        let described: Result<Vec<_>, _> = described(&mut world, &["c", "b", "a"]).into_iter().collect();
        let described = described.unwrap();
        assert_eq!(described.iter().map(|group| &*group.group_id).collect::<Vec<_>>(), ["c", "b", "a"]);
        assert!(described.iter().all(|group| group.error == ErrorCode::NONE));
        let count = |to, api| world.sent.iter().filter(|sent| **sent == (to, api)).count();
        assert_eq!((count(-1, "GroupCoordinator"), count(1, "DescribeGroups")), (1, 1));
        assert_eq!((count(2, "DescribeGroups"), world.sent.len()), (1, 3));
        world.named.sort_unstable();
        assert_eq!(world.named, [1, 1, 2], "they may be in no metadata yet");
    }
}

#[test]
fn brokers_that_do_not_know_several_keys_are_asked_for_each() {
    let mut world = World::new(1);
    world.cluster.one_key = true;
    let described = described(&mut world, &["a", "b", "c"]);
    assert_eq!(described.iter().filter(|group| group.is_ok()).count(), 3);
    let lookups = world.sent.iter().filter(|sent| **sent == (-1, "GroupCoordinator")).count();
    assert_eq!(lookups, 1 + 3);
}

#[test]
fn what_is_wrong_with_a_described_group_stands_in_it() {
    let mut world = World::new(1);
    world.cluster.group_error = ErrorCode::GROUP_AUTHORIZATION_FAILED;
    let described = described(&mut world, &["a"]);
    assert_eq!(described[0].as_ref().unwrap().error, ErrorCode::GROUP_AUTHORIZATION_FAILED);
}

#[test]
fn a_coordinator_is_found_or_the_reason_is_told() {
    let mut world = World::new(1);
    let found = world.call(FindCoordinator::new("b".into())).unwrap();
    assert_eq!((found.node_id, &*found.host, found.port), (2, "b2", 9092));
    let code = ErrorCode::COORDINATOR_NOT_AVAILABLE;
    let cause = Box::new(refused(code, None));
    let failure = Failure::CoordinatorNotFound { key: CoordinatorKey::group("new"), cause };
    assert_eq!(world.call(FindCoordinator::new("new".into())).unwrap_err(), failure);
    assert_eq!(described(&mut world, &["new"]), [Err(failure.clone())]);
    assert_eq!(world.call(ListGroupOffsets::new("new".into(), Vec::new())).unwrap_err(), failure);
    assert!(world.sent.iter().all(|(node, _)| *node == -1), "no coordinator was asked: {:?}", world.sent);
}

#[test]
fn committed_offsets_go_by_id_where_brokers_tell_them() {
    // 0: they do not.
    for id in [7, 0] {
        let mut world = World::new(1);
        world.cluster.topics.get_mut("u").unwrap().0 = id;
        let asked = topics(&[("t", &[0, 2]), ("u", &[0])]);
        let found = world.call(ListGroupOffsets::new("b".into(), asked)).unwrap();
        let told = |topic, partition| {
            (at(topic, partition), i64::from(partition) - 1, 0, Some(format!("m{partition}")))
        };
        assert_eq!(found, [told("t", 0), told("t", 2), told("u", 0)]);
        assert!(world.sent.contains(&(2, "OffsetFetch")));
    }
    let mut world = World::new(1);
    world.cluster.group_error = ErrorCode::GROUP_AUTHORIZATION_FAILED;
    let failure = world.call(ListGroupOffsets::new("b".into(), Vec::new())).unwrap_err();
    assert_eq!(failure, refused(ErrorCode::GROUP_AUTHORIZATION_FAILED, None));
}

#[test]
fn nothing_asked_for_is_nothing_sent() {
    let mut world = World::new(1);
    assert_eq!(world.call(ListOffsets::new(Vec::new(), -1, true)), Ok(Vec::new()));
    assert_eq!(world.call(describe_classic_groups(Vec::new())), Ok(Vec::new()));
    assert_eq!(world.sent, []);
}

#[test]
fn an_error_ends_its_call_and_no_other() {
    let mut world = World::new(1);
    world.cluster.topics.get_mut("u").unwrap().1 = vec![-1];
    world.admin.call(1, ListOffsets::new(topics(&[("t", &[0]), ("u", &[0])]), -1, true));
    world.admin.call(2, FindCoordinator::new("new".into()));
    world.admin.call(3, ListOffsets::new(topics(&[("t", &[0, 1])]), -1, true));
    world.run();
    let failure = refused(ErrorCode::LEADER_NOT_AVAILABLE, Some(at("u", 0)));
    assert_eq!(world.end::<ListOffsets>(1), Some(Err(failure)));
    assert!(matches!(world.end::<FindCoordinator>(2), Some(Err(Failure::CoordinatorNotFound { .. }))));
    assert_eq!(world.end::<ListOffsets>(3).unwrap().unwrap().len(), 2);
}

#[test]
fn a_call_that_has_failed_sends_nothing_more_and_drops_what_comes_late() {
    let mut world = World::new(1);
    world.admin.call(1, ListOffsets::new(topics(&[("t", &[0, 1])]), -1, true));
    world.answer_one();
    let (first, second) = (world.in_flight[0].id, world.in_flight[1].id);
    let closed = NetError::Closed { broker: "b1:9092".into() };
    world.admin.handle_response(world.now, first, Err(closed.clone()));
    world.poll();
    assert_eq!(world.end::<ListOffsets>(1), Some(Err(Failure::Net(closed))));
    assert!(world.admin.is_idle());
    let late = NetError::NoBroker;
    world.admin.handle_response(world.now, second, Err(late.clone()));
    world.admin.handle_response(world.now, first, Err(late));
    world.poll();
    assert!(world.admin.is_idle());
    assert_eq!(world.sent.len(), 3);
}

#[test]
fn an_answer_to_another_question_is_an_error() {
    let calls: [fn(&mut Admin); 5] = [
        |admin| admin.call(0, ReadMetadata::new(None, false)),
        |admin| admin.call(0, FindCoordinator::new("a".into())),
        |admin| admin.call(0, describe_classic_groups(ids(&["a"]))),
        |admin| admin.call(0, ListOffsets::new(topics(&[("t", &[0])]), -1, true)),
        |admin| admin.call(0, ListGroupOffsets::new("a".into(), Vec::new())),
    ];
    for call in calls {
        let mut world = World::new(1);
        call(&mut world.admin);
        world.poll();
        for outbound in std::mem::take(&mut world.in_flight) {
            world.admin.handle_response(world.now, outbound.id, Ok(Response::Heartbeat(Default::default())));
        }
        world.poll();
        let end = world.end::<ReadMetadata>(0);
        assert_eq!(end, Some(Err(Failure::Net(NetError::OutOfStep))));
    }
}

/// A call to the controller, as those that make topics will be.
struct Probe(usize);

impl Call for Probe {
    type Part = usize;
    type Answer = usize;

    fn parts(&mut self) -> Vec<(Recipient, usize)> {
        (1..=self.0).map(|part| (Recipient::Controller, part)).collect()
    }

    fn request(&mut self, asked: &Asked<usize>, _: &Found) -> Request {
        assert_eq!(asked.parts, (1..=self.0).collect::<Vec<_>>());
        crate::engine::protocol::metadata::MetadataRequest::default().into()
    }

    fn response(&mut self, asked: Asked<usize>, _: Response) -> Result<(), Failure> {
        assert_eq!(asked.broker, Some(3));
        self.0 += 10;
        Ok(())
    }

    fn answer(self) -> Result<usize, Failure> {
        Ok(self.0)
    }
}

#[test]
fn what_is_the_controllers_goes_to_the_controller() {
    let mut world = World::new(1);
    assert_eq!(world.call(Probe(2)), Ok(12), "one request for both parts");
    assert_eq!(world.sent, [(-1, "Metadata"), (3, "Metadata")]);
    world.cluster.controller = -1;
    assert_eq!(world.call(Probe(2)), Err(refused(ErrorCode::NOT_CONTROLLER, None)));
}

/// A call that answers in parts: what it was told of each, by broker.
struct Parts {
    to: Vec<Recipient>,
    told: Vec<(Option<i32>, usize, Option<Failure>)>,
}

impl Parts {
    fn of(to: impl Into<Vec<Recipient>>) -> Parts {
        Parts { to: to.into(), told: Vec::new() }
    }

    fn take(&mut self, asked: Asked<usize>, failure: Option<Failure>) {
        self.told.extend(asked.parts.iter().map(|part| (asked.broker, *part, failure.clone())));
    }
}

impl Call for Parts {
    type Part = usize;
    type Answer = Vec<(Option<i32>, usize, Option<Failure>)>;

    fn parts(&mut self) -> Vec<(Recipient, usize)> {
        self.to.iter().cloned().zip(0..).collect()
    }

    fn request(&mut self, _: &Asked<usize>, _: &Found) -> Request {
        crate::engine::protocol::metadata::MetadataRequest::default().into()
    }

    fn response(&mut self, asked: Asked<usize>, _: Response) -> Result<(), Failure> {
        self.take(asked, None);
        Ok(())
    }

    fn failed(&mut self, asked: Asked<usize>, failure: Failure) -> Result<(), Failure> {
        self.take(asked, Some(failure));
        Ok(())
    }

    fn answer(mut self) -> Result<Self::Answer, Failure> {
        self.told.sort_by_key(|(broker, part, _)| (*part, *broker));
        Ok(self.told)
    }
}

#[test]
fn each_broker_is_asked_and_one_that_is_down_is_named() {
    let mut world = World::new(1);
    world.cluster.down = Some(2);
    let closed = Failure::Net(NetError::Closed { broker: "b2:9092".into() });
    let told = world.call(Parts::of([Recipient::AllBrokers])).unwrap();
    assert_eq!(told, [(Some(1), 0, None), (Some(2), 0, Some(closed.clone())), (Some(3), 0, None)]);
    let told = world.call(Parts::of([1, 2, 9].map(Recipient::Broker))).unwrap();
    let nobody = Failure::UnknownBroker(9);
    assert_eq!(told, [(Some(1), 0, None), (Some(2), 1, Some(closed)), (Some(9), 2, Some(nobody))]);
}

#[test]
fn a_cluster_that_lists_no_broker_has_not_been_asked() {
    let mut world = World::new(1);
    world.cluster.brokers.clear();
    let told = world.call(list_groups(Vec::new(), Vec::new())).unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].answer, Err(Failure::Net(NetError::NoBroker)));
}

#[test]
fn parts_that_cannot_be_asked_do_not_keep_the_others() {
    let mut world = World::new(1);
    let to = [
        Recipient::Leader(at("t", 1)),
        Recipient::Leader(at("nope", 0)),
        Recipient::group("new"),
        Recipient::group("a"),
        Recipient::Coordinator(CoordinatorKey::transaction("b")),
    ];
    let told = world.call(Parts::of(to.clone())).unwrap();
    let unknown = refused(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, Some(at("nope", 0)));
    let cause = Box::new(refused(ErrorCode::COORDINATOR_NOT_AVAILABLE, None));
    let not_found = Failure::CoordinatorNotFound { key: CoordinatorKey::group("new"), cause };
    let ends = [
        (Some(2), 0, None),
        (None, 1, Some(unknown)),
        (None, 2, Some(not_found)),
        (Some(1), 3, None),
        (Some(2), 4, None),
    ];
    assert_eq!(told, ends);
    world.cluster.metadata_error = ErrorCode::UNKNOWN_SERVER_ERROR;
    let failure = Some(refused(ErrorCode::UNKNOWN_SERVER_ERROR, None));
    let told = world.call(Parts::of(to)).unwrap();
    assert_eq!(told[..2], [(None, 0, failure.clone()), (None, 1, failure)]);
    assert_eq!(told[3], (Some(1), 3, None));
}

#[test]
fn ten_thousand_topics_are_one_round_of_requests() {
    let mut world = World::new(1);
    let names: Vec<String> = (0..10_000).map(|i| format!("topic-{i}")).collect();
    for (name, leader) in names.iter().zip((1..=3).cycle()) {
        world.cluster.topics.insert(name.clone(), (1, vec![leader], ErrorCode::NONE));
    }
    let asked = names.iter().map(|name| (at(name, 0), -1)).collect();
    let told = world.call(list_partition_offsets(asked, false)).unwrap();
    assert_eq!(told.iter().map(|told| told.parts.len()).sum::<usize>(), 10_000);
    let answers = told.iter().flat_map(|told| &told.answer.as_ref().unwrap().topics);
    assert!(answers.flat_map(|topic| &topic.partitions).all(|partition| !partition.error.is_err()));
    world.sent.sort_unstable();
    assert_eq!(world.sent, [(-1, "Metadata"), (1, "ListOffsets"), (2, "ListOffsets"), (3, "ListOffsets")]);
}

#[test]
fn configs_of_a_broker_are_its_own_and_all_others_anybodys() {
    let mut world = World::new(1);
    world.cluster.down = Some(2);
    let resource = |resource_type, name: &str| DescribeConfigsResource {
        resource_type,
        resource_name: name.to_owned(),
        keys: None,
    };
    let resources =
        vec![resource(2, "t"), resource(4, "2"), resource(8, "9"), resource(4, ""), resource(2, "7")];
    let mut told = world.call(describe_configs(resources, false, false)).unwrap();
    told.sort_by_key(|told| told.parts.clone());
    let ends: Vec<_> = told.iter().map(|told| (told.broker, &*told.parts, told.answer.is_ok())).collect();
    assert_eq!(ends, [(None, &[0, 3, 4][..], true), (Some(2), &[1], false), (Some(9), &[2], false)]);
    assert_eq!(told[2].answer, Err(Failure::UnknownBroker(9)));
}

#[test]
fn one_request_is_a_call_and_its_answer_the_calls() {
    let mut world = World::new(1);
    let request = crate::engine::protocol::metadata::MetadataRequest::default();
    let ask = Ask::<MetadataResponse>::new(Recipient::Controller, request.clone()).held_for(5000);
    world.admin.call(0, ask);
    world.answer_one();
    assert_eq!(world.in_flight[0].held, std::time::Duration::from_secs(5));
    world.run();
    let answer = world.end::<Ask<MetadataResponse>>(0).unwrap().unwrap();
    assert_eq!(answer.topics.len(), 2);
    let ask = Ask::<crate::engine::protocol::heartbeat::HeartbeatResponse>::new(Recipient::Any, request);
    assert_eq!(world.call(ask), Err(Failure::Net(NetError::OutOfStep)));
}

#[test]
fn each_of_many_calls_at_once_ends_once() {
    for seed in 0..200 {
        let mut rng = Rng::with_seed(seed);
        let mut world = World::new(seed);
        let mut kinds = BTreeMap::new();
        for ticket in 0..rng.u64(1..20) {
            let kind = rng.u8(..5);
            kinds.insert(ticket, kind);
            let group = ["a", "b", "c", "new"][rng.usize(..4)].to_owned();
            let asked = topics(&[("t", &[0, 1]), (["u", "nope"][rng.usize(..2)], &[0])]);
            match kind {
                0 => world.admin.call(ticket, ReadMetadata::new(None, false)),
                1 => world.admin.call(ticket, FindCoordinator::new(group)),
                2 => world.admin.call(ticket, describe_classic_groups(vec!["a".into(), group])),
                3 => world.admin.call(ticket, ListOffsets::new(asked, -1, true)),
                _ => world.admin.call(ticket, ListGroupOffsets::new(group, asked)),
            }
            for _ in 0..rng.usize(..6) {
                world.cluster.net_error = rng.u8(..8).eq(&0).then_some(NetError::NoBroker);
                world.answer_one();
            }
        }
        world.cluster.net_error = None;
        world.run();
        for (ticket, kind) in kinds {
            let ended = match kind {
                0 => world.end::<ReadMetadata>(ticket).is_some(),
                1 => world.end::<FindCoordinator>(ticket).is_some(),
                2 => world.end::<Spread<DescribeGroupsResponse>>(ticket).is_some(),
                3 => world.end::<ListOffsets>(ticket).is_some(),
                _ => world.end::<ListGroupOffsets>(ticket).is_some(),
            };
            assert!(ended, "seed {seed}, call {ticket}");
        }
    }
}

#[test]
fn a_group_of_kip_848_is_told_in_the_words_of_the_others() {
    let mut world = World::new(1);
    let told = world.call(describe_consumer_groups(ids(&["b", "a"]))).unwrap();
    let found = told.iter().flat_map(|told| &told.answer.as_ref().unwrap().groups);
    let group = found.clone().find(|group| group.group_id == "a").unwrap();
    assert_eq!(found.count(), 2);
    assert_eq!((&*group.state, &*group.assignor), ("Reconciling", "uniform"), "a live group is never Dead");
    let member = &group.members[0];
    let (metadata, assignment) = member_bytes(&member.topics, &member.assignment);
    let subscription = Subscription::decode(metadata).unwrap();
    assert_eq!((subscription.version, subscription.topics), (0, vec!["t".to_owned(), "u".to_owned()]));
    let assignment = Assignment::decode(assignment).unwrap();
    assert_eq!((assignment.version, assignment.topics), (0, topics(&[("t", &[2, 0])])));
}

#[test]
fn offsets_of_several_groups_are_one_request_to_each_coordinator() {
    let mut world = World::new(1);
    let groups = ["c", "b", "a", "new"].map(|group| (group.to_owned(), None)).to_vec();
    let mut told = world.call(fetch_offsets(groups, false)).unwrap();
    told.sort_by_key(|told| told.broker);
    let parts: Vec<_> = told.iter().map(|told| (told.broker, told.parts.clone())).collect();
    assert_eq!(parts, [(None, vec![3]), (Some(1), vec![0, 2]), (Some(2), vec![1])]);
    assert!(matches!(told[0].answer, Err(Failure::CoordinatorNotFound { .. })));
    let asked = world.sent.iter().filter(|(_, api)| *api == "OffsetFetch").count();
    assert_eq!(asked, 2);
}
