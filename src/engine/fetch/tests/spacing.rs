//! What brings nothing is not asked for again at once; what makes progress is.

use std::time::Duration;

use bytes::Bytes;

use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Response;
use crate::engine::protocol::fetch::{FetchResponse, FetchResponsePartition, FetchResponseTopic};
use crate::engine::testing::encode::{TestBatch, TestRecord};

use super::world::*;
use crate::engine::fetch::MOST_BYTES;
use crate::engine::fetch::response::PACE;
use crate::engine::testing::broker::{TOPIC, VALUE, refused};

const ROUND_TRIP: Duration = Duration::from_millis(1);

fn answer(partitions: Vec<FetchResponsePartition>) -> Response {
    let topics = vec![FetchResponseTopic { topic_id: TOPIC, partitions, ..Default::default() }];
    Response::Fetch(FetchResponse { session_id: 0, topics, ..Default::default() })
}

/// A second of a broker that answers everything at once, as `answer` says.
fn requests_in_a_second(world: &mut World, answer: impl Fn(&World) -> Response) -> usize {
    let before = world.requests;
    for _ in 0..1000 {
        world.advance(ROUND_TRIP);
        while !world.in_flight.is_empty() && world.in_flight[0].sent_at < world.now {
            let response = answer(world);
            world.answer_with(0, Ok(response));
            world.consume();
        }
    }
    world.requests - before
}

/// A batch that ends before `offset`.
fn behind(offset: i64) -> Bytes {
    let record = TestRecord { offset: offset - 1, value: Some(vec![VALUE]), ..Default::default() };
    TestBatch::of(vec![record]).encode().into()
}

fn empty(partition: i32) -> FetchResponsePartition {
    FetchResponsePartition { partition, ..Default::default() }
}

#[test]
fn a_broker_that_holds_no_fetch_is_asked_two_hundred_times_a_second() {
    let mut world = World::consuming(&[0, 1]);
    let requests = requests_in_a_second(&mut world, |_| answer(vec![empty(0), empty(1)]));
    assert!((150..=201).contains(&requests), "{requests}");
    let requests = requests_in_a_second(&mut world, |_| answer(vec![]));
    assert!((150..=201).contains(&requests), "{requests}, in a session");
}

#[test]
fn a_leader_that_prefers_itself_is_no_reason_to_spin() {
    let mut world = World::consuming(&[0]);
    let named = FetchResponsePartition { preferred_read_replica: Some(0), ..empty(0) };
    let requests = requests_in_a_second(&mut world, |_| answer(vec![named.clone()]));
    assert!(requests <= 201, "{requests}");
}

#[test]
fn no_answer_is_asked_to_be_larger_than_the_network_takes() {
    for (max_bytes, asked) in [(1000, 1000), (MOST_BYTES, MOST_BYTES), (i32::MAX, MOST_BYTES)] {
        let mut world = World::with(crate::engine::fetch::FetchConfig { max_bytes, ..config(1) });
        world.assign(&[0]);
        world.set_position(0, 0);
        assert_eq!(world.in_flight[0].request.max_bytes, asked);
    }
}

#[test]
fn without_min_bytes_the_broker_tells_of_the_first() {
    for (min_bytes, asked) in [(0, 1), (1, 1), (500, 500)] {
        let mut world = World::with(crate::engine::fetch::FetchConfig { min_bytes, ..config(1) });
        world.assign(&[0]);
        world.set_position(0, 0);
        assert_eq!(world.in_flight[0].request.min_bytes, asked);
    }
}

#[test]
fn batches_before_the_position_are_asked_for_less_and_less() {
    let mut world = World::new();
    world.assign(&[0]);
    world.set_position(0, 50);
    let old = |_: &World| answer(vec![FetchResponsePartition { records: behind(50), ..empty(0) }]);
    let requests = requests_in_a_second(&mut world, old);
    assert!((2..=7).contains(&requests), "{requests}");
    requests_in_a_second(&mut world, old);
    let requests = requests_in_a_second(&mut world, old);
    assert!((1..=2).contains(&requests), "{requests}");
    assert!(world.delivered.is_empty());
}

#[test]
fn whoever_makes_progress_does_not_wait_for_those_who_do_not() {
    let mut world = World::consuming(&[0, 1]);
    world.set_position(0, 50);
    let requests = requests_in_a_second(&mut world, |world| {
        let sent = &world.in_flight[0];
        let mut partitions = Vec::new();
        for partition in world.asked(0) {
            partitions.push(match partition {
                0 => FetchResponsePartition { records: behind(50), ..empty(0) },
                _ => FetchResponsePartition { records: next(sent), ..empty(1) },
            });
        }
        answer(partitions)
    });
    let of = |partition| world.delivered.iter().filter(|(of, _)| *of == partition).count();
    assert_eq!(of(0), 0);
    assert!(of(1) >= 990, "{} of {requests}", of(1));
}

/// One record at the position of partition 1.
fn next(sent: &Sent) -> Bytes {
    let mut asked = sent.request.topics.iter().flat_map(|topic| &topic.partitions);
    let offset = asked.find(|asked| asked.partition == 1).unwrap().fetch_offset;
    behind(offset + 1)
}

#[test]
fn a_position_that_is_out_of_range_wherever_it_is_looked_up_is_no_reason_to_spin() {
    let mut world = World::consuming(&[0]);
    let before = world.requests;
    for _ in 0..1000 {
        world.advance(ROUND_TRIP);
        if !world.in_flight.is_empty() {
            let out = FetchResponsePartition { error: ErrorCode::OFFSET_OUT_OF_RANGE, ..empty(0) };
            world.answer_with(0, Ok(answer(vec![out])));
            world.set_position(0, 0);
        }
    }
    let requests = world.requests - before;
    assert!((2..=7).contains(&requests), "{requests}");
}

#[test]
fn no_error_of_a_fetch_is_a_reason_to_spin() {
    for code in [1, 2, 3, 5, 6, 9, 56, 70, 71, 74, 75, 76, 78, 100, 103, 106, 110, -1] {
        let mut world = World::consuming(&[0]);
        let requests = requests_in_a_second(&mut world, |_| Response::Fetch(refused(ErrorCode(code))));
        assert!(requests <= 10, "{code}: {requests} refused");
        let mut world = World::consuming(&[0]);
        let failed = FetchResponsePartition { error: ErrorCode(code), ..empty(0) };
        let requests = requests_in_a_second(&mut world, |_| answer(vec![failed.clone()]));
        assert!(requests <= 10, "{code}: {requests} failed");
    }
}

#[test]
fn what_changes_nothing_for_the_others_is_no_reason_to_look_at_them() {
    let mut world = World::consuming(&[0, 1]);
    world.logs.get_mut(&0).unwrap().append(&[10; 3]);
    world.advance(4 * PACE);
    world.answer_news();
    assert!(!world.fetch.may_ask && !world.fetch.deliveries.may_decode(), "everybody has been looked at");
    assert!(world.take(0));
    assert!(!world.fetch.may_ask, "a lane takes");
    world.complete(0);
    assert!(!world.fetch.may_ask, "and ends");
    world.advance(MAX_WAIT / 2);
    assert!(!world.fetch.may_ask, "time passes");
    world.pause(0);
    world.resume(0);
    world.logs.get_mut(&0).unwrap().append(&[10; 3]);
    world.answer_news();
    world.consume();
    assert_eq!(world.delivered.len(), 6);
}
