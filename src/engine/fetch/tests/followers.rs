//! Fetching from a follower nearby (KIP-392).

use std::time::Duration;

use crate::engine::fetch::Event;
use crate::engine::fetch::FetchConfig;
use crate::engine::fetch::source::PROBATION;
use crate::engine::protocol::ErrorCode;

use super::world::*;

const LEADER: i32 = 0;
const FOLLOWER: i32 = 2;
const STRANGER: i32 = 9;

/// Partition 0, led by a node that knows a better place for us.
fn consuming(preferred: i32) -> World {
    let mut world = World::with(FetchConfig { rack_id: "rack-2".into(), ..config(1) });
    for _ in 0..8 {
        world.give();
    }
    world.brokers.get_mut(&LEADER).unwrap().preferred = Some(preferred);
    world.logs.get_mut(&0).unwrap().append(&[10, 10, 10]);
    world.assign(&[0]);
    world.set_position(0, 0);
    world
}

fn named(node: i32) -> Event {
    Event::FollowerNamed { partition: tp(0), node }
}

/// Who is being asked, and with which rack.
fn asking(world: &World) -> Vec<(i32, &str)> {
    world.in_flight.iter().map(|sent| (sent.node, sent.request.rack_id.as_str())).collect()
}

/// At work at the follower.
fn following() -> World {
    let mut world = consuming(FOLLOWER);
    assert_eq!(asking(&world), [(LEADER, "rack-2")]);
    world.answer(0);
    assert_eq!(asking(&world), [(FOLLOWER, "rack-2")], "at once");
    assert_eq!(std::mem::take(&mut world.events), [named(FOLLOWER)]);
    world
}

#[test]
fn the_leader_names_a_follower_and_the_follower_serves() {
    let mut world = following();
    world.answer_news();
    world.consume();
    assert_eq!(world.delivered, [(0, 0), (0, 1), (0, 2)]);
    for _ in 0..5 {
        world.logs.get_mut(&0).unwrap().append(&[10]);
        world.answer(0);
        world.consume();
        assert_eq!(asking(&world), [(FOLLOWER, "rack-2")], "the leader is not asked any more");
    }
    assert_eq!(world.events, []);
}

#[test]
fn after_a_while_the_leader_is_asked_again() {
    let mut world = following();
    world.answer_news();
    world.consume();
    world.advance(Duration::from_secs(301));
    world.brokers.get_mut(&LEADER).unwrap().preferred = None;
    world.logs.get_mut(&0).unwrap().append(&[10]);
    world.answer(0);
    world.consume();
    world.logs.get_mut(&0).unwrap().append(&[10]);
    assert_eq!(asking(&world), [(LEADER, "rack-2")]);
    world.answer(0);
    world.consume();
    assert_eq!(world.delivered.len(), 5);
}

#[test]
fn a_seek_stays_with_the_follower_and_a_new_assignment_does_not() {
    let mut world = following();
    world.answer_news();
    world.set_position(0, 1);
    world.advance(Duration::from_millis(50));
    assert!(world.in_flight.iter().all(|sent| sent.node == FOLLOWER), "{:?}", asking(&world));
    world.assign(&[0]);
    world.set_position(0, 0);
    world.advance(Duration::from_millis(50));
    assert_eq!(asking(&world).last(), Some(&(LEADER, "rack-2")));
}

#[test]
fn whatever_the_follower_says_only_the_leader_decides() {
    for error in [
        ErrorCode::OFFSET_OUT_OF_RANGE,
        ErrorCode::NOT_LEADER_OR_FOLLOWER,
        ErrorCode::FENCED_LEADER_EPOCH,
        ErrorCode::OFFSET_NOT_AVAILABLE,
        ErrorCode::TOPIC_AUTHORIZATION_FAILED,
    ] {
        let mut world = following();
        world.brokers.get_mut(&FOLLOWER).unwrap().errors.insert(0, (error, None));
        world.answer(0);
        assert_eq!(world.events, [Event::RefreshMetadata], "{error:?}: nothing is reset, nothing fails");
        assert_eq!(asking(&world), [(LEADER, "")], "{error:?}: at once, and with no word of our rack");
        world.answer(0);
        world.consume();
        assert_eq!(world.delivered, [(0, 0), (0, 1), (0, 2)]);
    }
}

#[test]
fn a_leader_that_finds_the_offset_out_of_range_is_believed() {
    let mut world = following();
    world.logs.get_mut(&0).unwrap().delete_before(2);
    world.answer(0);
    world.events.clear();
    world.answer(0);
    assert_eq!(world.events, [Event::OutOfRange(tp(0))]);
}

#[test]
fn a_follower_that_does_not_answer_is_left_for_a_while() {
    let mut world = following();
    world.lose(0, false);
    assert_eq!(asking(&world), [(LEADER, "")], "at once");
    let start = world.now;
    while world.now < start + PROBATION {
        world.logs.get_mut(&0).unwrap().append(&[10]);
        world.answer_news();
        world.consume();
        assert!(world.in_flight.iter().all(|sent| sent.node == LEADER));
        world.advance(Duration::from_millis(900));
    }
    world.logs.get_mut(&0).unwrap().append(&[10]);
    world.answer(0);
    world.consume();
    assert_eq!(asking(&world), [(LEADER, "rack-2")]);
    world.answer(0);
    assert_eq!(asking(&world), [(FOLLOWER, "rack-2")], "once more");
}

#[test]
fn a_follower_that_nobody_knows_is_not_waited_for() {
    let mut world = consuming(STRANGER);
    world.answer(0);
    assert_eq!(world.events, [named(STRANGER), Event::RefreshMetadata]);
    assert_eq!(asking(&world), [(LEADER, "")]);
    world.answer(0);
    world.consume();
    assert_eq!(world.delivered, [(0, 0), (0, 1), (0, 2)]);
}

#[test]
fn a_leader_that_insists_is_no_reason_to_spin() {
    let mut world = consuming(STRANGER);
    world.answer(0);
    // Sends everybody away, whatever they say of themselves.
    let mut requests = 0;
    for _ in 0..500 {
        if let Some(sent) = world.in_flight.first_mut() {
            sent.request.rack_id = "any".into();
            requests += 1;
            world.answer(0);
        }
        world.advance(Duration::from_millis(10));
    }
    assert!(requests < 20, "{requests} in five seconds");
}
