//! What brokers say instead of data.

use std::time::Duration;

use bytes::Bytes;

use crate::engine::delivery::Outcome;
use crate::engine::fetch::Event;
use crate::engine::machine::Failure;
use crate::engine::machine::NetError;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Response;
use crate::engine::protocol::fetch::{
    FetchResponse, FetchResponsePartition, FetchResponseTopic, NodeEndpoint,
};

use super::world::*;
use crate::engine::fetch::response::PACE;
use crate::engine::testing::broker::{TOPIC, refused};

fn with_data(partitions: &[i32]) -> World {
    let mut world = World::consuming(partitions);
    for partition in partitions {
        world.logs.get_mut(partition).unwrap().append(&[10; 3]);
    }
    world
}

#[test]
fn a_session_that_is_gone_is_opened_again_at_once() {
    let mut world = with_data(&[0]);
    world.answer_news();
    world.consume();
    world.brokers.get_mut(&0).unwrap().evict();
    world.logs.get_mut(&0).unwrap().append(&[10; 3]);
    world.answer(0);
    world.answer_news();
    world.consume();
    assert_eq!(world.delivered.len(), 6);
    assert!(world.events.is_empty());
}

#[test]
fn session_errors_are_healed_by_a_new_session() {
    for code in [70, 71, 106] {
        let mut world = with_data(&[0]);
        world.answer_news();
        world.consume();
        world.logs.get_mut(&0).unwrap().append(&[10; 3]);
        world.answer_with(0, Ok(Response::Fetch(refused(ErrorCode(code)))));
        world.advance(Duration::from_millis(200));
        let request = &world.in_flight[0].request;
        assert_eq!((request.session_epoch, request.session_id == 0), (0, code == 70), "{code}");
        world.answer_news();
        world.consume();
        assert_eq!(world.delivered.len(), 6, "{code}");
    }
}

#[test]
fn a_broker_that_loses_every_session_is_no_reason_to_spin() {
    // Several brokers behind one address, say: each knows only its own.
    for code in [70, 71] {
        let mut world = with_data(&[0]);
        let before = world.requests;
        for _ in 0..200 {
            if !world.in_flight.is_empty() {
                world.answer_with(0, Ok(Response::Fetch(refused(ErrorCode(code)))));
            }
            world.advance(Duration::from_millis(10));
        }
        assert!(world.requests - before < 15, "{} in two seconds", world.requests - before);
        world.advance(Duration::from_secs(2));
        world.answer_news();
        world.consume();
        assert_eq!(world.delivered.len(), 3);
    }
}

#[test]
fn a_broker_without_room_for_sessions_is_no_reason_to_spin() {
    let mut world = World::new();
    world.brokers.get_mut(&0).unwrap().grants = false;
    world.assign(&[0, 1]);
    world.set_position(0, 0);
    world.set_position(1, 0);
    for partition in [0, 1] {
        world.logs.get_mut(&partition).unwrap().append(&[10; 3]);
    }
    world.answer_news();
    world.consume();
    assert_eq!(world.delivered.len(), 6);
    let before = world.requests;
    world.advance(Duration::from_secs(4));
    assert!(world.requests <= before + 1);
}

#[test]
fn a_broken_connection_costs_a_pause_and_the_session() {
    for taken_in in [false, true] {
        let mut world = with_data(&[0]);
        world.answer_news();
        world.consume();
        world.logs.get_mut(&0).unwrap().append(&[10; 3]);
        world.lose(0, taken_in);
        assert!(world.in_flight.is_empty(), "not at once");
        assert!(world.events.contains(&Event::RefreshMetadata));
        world.advance(Duration::from_millis(300));
        assert_eq!(world.in_flight[0].request.session_epoch, 0);
        world.answer_news();
        world.consume();
        assert_eq!(world.delivered.len(), 6);
    }
}

#[test]
fn an_express_that_breaks_leaves_the_session_alone() {
    let mut world = with_data(&[0, 1]);
    world.answer_news();
    world.consume();
    world.advance(MAX_WAIT);
    while let Some(express) = world.in_flight.iter().position(|sent| sent.express) {
        world.answer(express);
    }
    world.answer(0);
    world.set_position(1, 0);
    world.advance(Duration::from_millis(30));
    let express = world.in_flight.iter().position(|sent| sent.express).unwrap();
    world.lose(express, true);
    // The long poll comes back; from here on the broker must be told what we no longer want.
    world.pause(0);
    let main = world.in_flight.iter().position(|sent| !sent.express).unwrap();
    world.answer(main);
    world.advance(Duration::from_secs(1));
    world.answer_news();
    world.consume();
    assert!(world.delivered.iter().filter(|(partition, _)| *partition == 1).count() >= 6);
}

#[test]
fn only_authentication_ends_it() {
    let mut world = with_data(&[0]);
    let error = NetError::Authentication { broker: "b".into(), code: None, message: "no".into() };
    world.answer_with(0, Err(error.clone()));
    assert_eq!(world.events, [Event::Failed(Failure::Net(error))]);
}

#[test]
fn an_error_of_one_partition_is_its_own() {
    use ErrorCode as E;
    let refreshes = [
        E::NOT_LEADER_OR_FOLLOWER,
        E::FENCED_LEADER_EPOCH,
        E::UNKNOWN_TOPIC_OR_PARTITION,
        E::LEADER_NOT_AVAILABLE,
        E::REPLICA_NOT_AVAILABLE,
        E::KAFKA_STORAGE_ERROR,
        E::OFFSET_NOT_AVAILABLE,
        E::UNKNOWN_TOPIC_ID,
        E::INCONSISTENT_TOPIC_ID,
        E::UNKNOWN_LEADER_EPOCH,
        E::CORRUPT_MESSAGE,
        ErrorCode(89), // THROTTLING_QUOTA_EXCEEDED
    ];
    for code in refreshes.into_iter().chain([E::UNKNOWN_SERVER_ERROR]) {
        let mut world = with_data(&[0, 1]);
        world.brokers.get_mut(&0).unwrap().errors.insert(0, (code, None));
        let before = world.requests;
        for _ in 0..20 {
            world.answer(0);
            world.consume();
            world.advance(Duration::from_millis(50));
        }
        assert_eq!(world.delivered.len(), 3, "{code:?}: the other partition goes on");
        assert!(world.requests - before <= 40);
        assert_eq!(world.events.contains(&Event::RefreshMetadata), refreshes.contains(&code), "{code:?}");
        world.brokers.get_mut(&0).unwrap().errors.clear();
        for _ in 0..20 {
            world.advance(Duration::from_millis(100));
            world.answer_news();
            world.consume();
        }
        assert_eq!(world.delivered.len(), 6, "{code:?}: and this one when it can");
    }
}

#[test]
fn a_partition_that_stays_corrupt_is_an_end_and_keeps_no_other() {
    let mut world = with_data(&[0, 1]);
    world.brokers.get_mut(&0).unwrap().errors.insert(0, (ErrorCode::CORRUPT_MESSAGE, None));
    let started = world.now;
    let is_failure = |event: &Event| matches!(event, Event::Failed(Failure::Broker { .. }));
    while !world.events.iter().any(is_failure) {
        assert!(world.now < started + Duration::from_secs(30), "never told");
        while !world.in_flight.is_empty() && world.in_flight[0].sent_at < world.now {
            world.answer(0);
        }
        world.consume();
        world.advance(Duration::from_millis(50));
    }
    assert!(world.now > started + Duration::from_secs(8), "kafkajs tries for nine seconds");
    assert_eq!(world.delivered.len(), 3, "the other partition");
    assert_eq!(world.events.iter().filter(|event| is_failure(event)).count(), 1);
}

#[test]
fn a_named_leader_is_gone_to_at_once_and_not_in_circles() {
    let mut world = with_data(&[0]);
    world.brokers.get_mut(&0).unwrap().errors.insert(0, (ErrorCode::NOT_LEADER_OR_FOLLOWER, Some((1, 2))));
    world.answer(0);
    assert_eq!((world.in_flight.len(), world.in_flight[0].node), (1, 1));
    // The other one sends us back with no newer knowledge.
    world.brokers.get_mut(&1).unwrap().errors.insert(0, (ErrorCode::NOT_LEADER_OR_FOLLOWER, Some((0, 2))));
    let before = world.requests;
    for _ in 0..200 {
        if !world.in_flight.is_empty() {
            world.answer(0);
        }
        world.advance(Duration::from_millis(10));
    }
    assert!(world.requests - before < 15, "{} in two seconds", world.requests - before);
    world.brokers.get_mut(&1).unwrap().errors.clear();
    world.advance(Duration::from_secs(2));
    world.answer_news();
    world.consume();
    assert_eq!(world.delivered.len(), 3);
}

#[test]
fn where_the_new_leader_is_is_told_before_it_is_asked() {
    let mut world = with_data(&[0]);
    let partition = FetchResponsePartition {
        partition: 0,
        error: ErrorCode::NOT_LEADER_OR_FOLLOWER,
        current_leader: Some((9, 2)),
        ..Default::default()
    };
    let topics =
        vec![FetchResponseTopic { topic_id: TOPIC, partitions: vec![partition], ..Default::default() }];
    let node = NodeEndpoint { node_id: 9, host: "nine".into(), port: 9092, rack: None };
    let node_endpoints = vec![node.clone()];
    let response = FetchResponse { topics, node_endpoints, ..Default::default() };
    world.answer_with(0, Ok(Response::Fetch(response)));
    assert_eq!(world.events, [Event::NodesNamed(vec![node]), Event::RefreshMetadata]);
    assert_eq!(world.in_flight[0].node, 9);
}

#[test]
fn a_partition_that_moves_is_fetched_there_and_forgotten_here() {
    let mut world = with_data(&[0, 1]);
    world.answer_news();
    world.consume();
    world.set_leaders([1, 0, 1, 1], 2);
    world.logs.get_mut(&0).unwrap().append(&[10; 3]);
    world.logs.get_mut(&1).unwrap().append(&[10; 3]);
    for _ in 0..10 {
        // `World::answer` compares what the brokers' sessions hold.
        if !world.in_flight.is_empty() {
            world.answer(0);
        }
        world.answer_news();
        world.consume();
        world.advance(Duration::from_millis(100));
    }
    assert_eq!(world.delivered.len(), 12);
    assert!(world.in_flight.iter().any(|sent| sent.node == 1));
}

#[test]
fn partitions_of_a_silent_broker_go_on_elsewhere_as_soon_as_they_have_moved() {
    let mut world = with_data(&[0, 1]);
    world.answer_news();
    world.consume();
    assert_eq!((world.in_flight.len(), world.asked(0)), (1, vec![0, 1]));
    world.events.clear();
    world.advance(MAX_WAIT + Duration::from_secs(1));
    assert_eq!(world.events, [], "it may take its time");
    world.advance(Duration::from_secs(1));
    assert_eq!(world.events, [Event::RefreshMetadata]);
    world.advance(Duration::from_secs(2));
    assert_eq!(world.events.len(), 2, "and again, as long as it is silent");

    world.set_leaders([1, 0, 1, 1], 2);
    world.logs.get_mut(&0).unwrap().append(&[10; 3]);
    assert_eq!((world.in_flight.len(), world.in_flight[1].node, world.asked(1)), (2, 1, vec![0]));
    world.answer(1);
    world.consume();
    assert_eq!(world.delivered.len(), 9);
    // The silent one wakes up: what it says about partition 0 is nobody's, about 1 it still leads.
    world.logs.get_mut(&1).unwrap().append(&[10; 3]);
    world.answer(0);
    world.consume();
    assert_eq!(world.delivered.len(), 12);
}

#[test]
fn a_partition_without_a_leader_is_patient() {
    let mut world = with_data(&[0]);
    world.answer_news();
    world.consume();
    world.set_leaders([-1, 0, 1, 1], 3);
    world.answer(0);
    let before = world.requests;
    world.advance(Duration::from_secs(10));
    assert_eq!(world.requests, before);
    assert!(world.events.contains(&Event::RefreshMetadata));
    world.set_leaders([0, 0, 1, 1], 4);
    world.advance(Duration::from_millis(1300));
    assert_eq!(world.asked(0), [0]);
}

#[test]
fn a_position_out_of_range_asks_for_another() {
    let mut world = with_data(&[0]);
    world.set_position(0, 50);
    world.answer(0);
    world.answer(0);
    assert_eq!(world.events, [Event::OutOfRange(tp(0))]);
    let before = world.requests;
    world.advance(Duration::from_secs(10));
    assert_eq!(world.requests, before, "until there is one");
    world.set_position(0, 0);
    world.answer_news();
    world.consume();
    assert_eq!(world.delivered.len(), 3);
}

#[test]
fn what_is_buffered_is_handled_before_a_position_is_given_up() {
    let mut world = with_data(&[0]);
    world.answer(0);
    assert!(world.take(0));
    // The log is cut below what we have read (an unclean election), or deleted beyond it.
    world.logs.get_mut(&0).unwrap().append(&[10]);
    world.logs.get_mut(&0).unwrap().append(&[10]);
    world.logs.get_mut(&0).unwrap().delete_before(5);
    world.answer(0);
    assert!(world.events.is_empty(), "{:?}", world.events);
    assert_eq!(world.fetch.deliveries.lane_flags().next(), Some(0), "the handler is not disturbed");
    assert_eq!(world.progress(0, 3), Some((0, 3)));
    world.finish(0, Outcome::Done);
    assert_eq!(world.events, [Event::OutOfRange(tp(0))]);
}

#[test]
fn what_may_not_be_read_is_told_once() {
    let mut world = with_data(&[0, 1]);
    let code = ErrorCode::TOPIC_AUTHORIZATION_FAILED;
    world.brokers.get_mut(&0).unwrap().errors.insert(0, (code, None));
    for _ in 0..5 {
        world.answer(0);
        world.consume();
        world.advance(MAX_WAIT);
    }
    assert_eq!(world.events, [Event::Failed(Failure::Broker { code, partition: Some(tp(0)) })]);
    assert_eq!(world.delivered.len(), 3);
}

#[test]
fn a_partition_that_is_in_an_answer_twice_is_taken_once() {
    let mut world = World::consuming(&[0]);
    world.logs.get_mut(&0).unwrap().append(&[10; 2]);
    let request = world.in_flight[0].request.clone();
    let mut response = world.brokers.get_mut(&0).unwrap().fetch(&request, &world.logs);
    response.topics.extend(response.topics.clone());
    world.answer_with(0, Ok(Response::Fetch(response)));
    world.consume();
    assert_eq!(world.delivered, [(0, 0), (0, 1)]);
}

#[test]
fn a_small_part_of_an_answer_does_not_keep_all_of_it_in_memory() {
    for (lengths, copied) in [
        ([100_000, 10, 0, 500], vec![1, 2, 3]),
        // Of a small frame nothing, and of a large one no more than an eighth.
        ([20_000, 10, 0, 500], vec![]),
        ([30_000; 4], vec![]),
        ([60_000, 6_000, 6_000, 10], vec![1, 3]),
    ] {
        let mut world = World::consuming(&[0, 1, 2, 3]);
        world.set_leaders([0; 4], 2);
        world.eager = false;
        world.advance(2 * MAX_WAIT);
        while world.asked(0) != [0, 1, 2, 3] {
            world.answer(0);
            world.advance(PACE);
        }
        for (partition, length) in (0..).zip(lengths) {
            world.logs.get_mut(&partition).unwrap().append(&[length]);
        }
        let request = world.in_flight[0].request.clone();
        let mut response = world.brokers.get_mut(&0).unwrap().fetch(&request, &world.logs);
        let mut partitions: Vec<_> =
            response.topics.iter_mut().flat_map(|topic| &mut topic.partitions).collect();
        let frame = Bytes::from(partitions.iter().flat_map(|p| p.records.to_vec()).collect::<Vec<_>>());
        let mut at = 0;
        for partition in &mut partitions {
            let end = at + partition.records.len();
            partition.records = frame.slice(at..end);
            at = end;
        }
        world.answer_with(0, Ok(Response::Fetch(response)));
        let is_apart = |partition: &i32| {
            let slot = world.fetch.deliveries.assigned_slot(&tp(*partition)).unwrap();
            let queued = world.fetch.deliveries.queued(slot).next().unwrap();
            !frame.as_ptr_range().contains(&queued.records.as_ptr())
        };
        assert_eq!((0..4).filter(is_apart).collect::<Vec<_>>(), copied, "{lengths:?}");
    }
}
