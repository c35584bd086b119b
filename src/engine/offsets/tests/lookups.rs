//! Finding positions.

use std::time::Duration;

use crate::engine::cluster::Failure;
use crate::engine::offsets::Event;
use crate::engine::offsets::OffsetsConfig;
use crate::engine::offsets::Reset;
use crate::engine::offsets::ResetPolicy;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::NetError;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;

use super::world::*;

#[test]
fn a_committed_offset_is_the_position_and_is_not_written_back() {
    let mut world = World::new();
    world.committed.insert(0, 42);
    world.assign(1, &[0], false);
    world.answer_all();
    assert_eq!(world.positions, [(0, 42)]);
    world.batch_end();
    world.offsets.flush();
    world.settle();
    assert!(world.saw(&Event::Flushed) && world.commits.is_empty());
    assert!(world.offsets.uncommitted().is_empty());
}

#[test]
fn without_a_commit_the_topic_decides() {
    for (from_beginning, position) in [(true, START), (false, END)] {
        // -1 = none; kafkajs is known to commit -1 and -2 literally.
        for literal in [None, Some(-1), Some(-2)] {
            let mut world = World::new();
            literal.map(|literal| world.committed.insert(0, literal));
            world.assign(1, &[0], from_beginning);
            world.answer_all();
            assert_eq!(world.positions, [(0, position)]);
        }
    }
}

#[test]
fn no_error_resets_a_position() {
    use ErrorCode as E;
    let codes = [
        E::NOT_COORDINATOR,
        E::COORDINATOR_NOT_AVAILABLE,
        E::COORDINATOR_LOAD_IN_PROGRESS,
        E::UNSTABLE_OFFSET_COMMIT,
        E::UNKNOWN_TOPIC_OR_PARTITION,
        E::UNKNOWN_SERVER_ERROR,
        E::REQUEST_TIMED_OUT,
        E::UNKNOWN_MEMBER_ID,
    ];
    let mut world = World::new();
    world.committed.insert(0, 42);
    world.assign(1, &[0], true);
    for round in 0..50 {
        assert_eq!(world.names(), ["OffsetFetch"], "{round}");
        match codes.get(round % (codes.len() + 1)) {
            Some(code) => world.answer_with(0, |_| *code),
            None => world.answer(0, Err(closed())),
        }
        assert!(world.in_flight.is_empty(), "patience");
        world.found = true;
        world.advance(Duration::from_millis(1300));
    }
    assert!(world.positions.is_empty());
    world.answer_all();
    assert_eq!(world.positions, [(0, 42)]);
}

#[test]
fn leaders_are_asked_until_they_answer() {
    use ErrorCode as E;
    let mut world = World::new();
    world.assign(1, &[0], false);
    world.answer_well(0);
    for code in [E::NOT_LEADER_OR_FOLLOWER, E::FENCED_LEADER_EPOCH, E::OFFSET_NOT_AVAILABLE, E::NONE] {
        assert_eq!(world.names(), ["ListOffsets"]);
        world.events.clear();
        match code {
            E::NONE => world.answer(0, Err(closed())),
            code => world.answer_with(0, |_| code),
        }
        assert_eq!(world.events, [Event::RefreshMetadata]);
        world.advance(Duration::from_millis(1300));
    }
    world.answer_all();
    assert_eq!(world.positions, [(0, END)]);
}

#[test]
fn a_partition_without_a_leader_waits_for_one() {
    let mut world = World::new();
    world.set_leader(-1);
    world.assign(1, &[0], true);
    world.answer_well(0);
    assert!(world.in_flight.is_empty() && world.saw(&Event::RefreshMetadata));
    world.set_leader(3);
    world.advance(Duration::from_millis(1300));
    world.answer_all();
    assert_eq!(world.positions, [(0, START)]);
}

#[test]
fn what_an_answer_leaves_out_is_asked_again() {
    let mut world = World::new();
    world.committed.extend([(0, 20), (1, 21)]);
    world.assign(1, &[0, 1], true);
    let Request::OffsetFetch(request) = world.in_flight[0].body.clone() else { panic!() };
    assert_eq!(request.topics.unwrap()[0].partitions, [0, 1]);
    world.answer(0, Ok(Response::OffsetFetch(Default::default())));
    assert!(world.in_flight.is_empty());
    world.advance(Duration::from_millis(130));
    world.answer_all();
    world.positions.sort_unstable();
    assert_eq!(world.positions, [(0, 20), (1, 21)]);

    world.offsets.reset(&tp(0), Reset::Latest);
    world.settle();
    world.answer(0, Ok(Response::ListOffsets(Default::default())));
    world.advance(Duration::from_millis(130));
    world.answer_all();
    assert_eq!(world.positions.last(), Some(&(0, END)));
}

#[test]
fn an_error_of_one_partition_does_not_hold_the_others() {
    let mut world = World::new();
    world.committed.extend([(0, 20), (1, 21)]);
    world.assign(1, &[0, 1], true);
    world.answer_with(0, |p| if p == 0 { ErrorCode::UNSTABLE_OFFSET_COMMIT } else { ErrorCode::NONE });
    assert_eq!(world.positions, [(1, 21)]);
    assert!(
        world.events.is_empty(),
        "an open transaction is no reason to look anything up: {:?}",
        world.events
    );
}

#[test]
fn a_seek_voids_the_lookup_under_way() {
    let mut world = World::new();
    world.committed.insert(0, 42);
    world.assign(1, &[0], true);
    world.seek(0, 77);
    assert_eq!(world.names(), ["OffsetFetch", "OffsetCommit"]);
    world.answer_well(0);
    world.answer_all();
    assert!(world.positions.is_empty());
    assert_eq!(world.committed[&0], 77, "the group learns of the seek");
}

#[test]
fn latest_means_after_the_seek_that_asks_for_it() {
    let mut world = World::at_work(config(), &[0]);
    world.offsets.reset(&tp(0), Reset::Latest);
    world.settle();
    world.seek(0, 50);
    world.offsets.reset(&tp(0), Reset::Latest);
    world.settle();
    assert_eq!(world.names(), ["ListOffsets", "OffsetCommit", "ListOffsets"]);
    world.answer_well(0);
    assert!(world.positions.is_empty(), "an answer to an older question");
    world.answer_all();
    assert_eq!(world.positions, [(0, END)]);
}

#[test]
fn an_answer_of_the_last_generation_is_dropped() {
    let mut world = World::new();
    world.committed.insert(0, 42);
    world.assign(1, &[0], true);
    world.committed.insert(0, 43);
    world.assign(2, &[0], true);
    assert_eq!(world.names(), ["OffsetFetch", "OffsetFetch"]);
    world.answer_with(0, |_| ErrorCode::NONE);
    assert!(world.positions.is_empty());
    world.answer_all();
    assert_eq!(world.positions, [(0, 43)]);
}

#[test]
fn without_a_policy_a_lost_position_is_an_error() {
    let mut world = World::at_work(OffsetsConfig { reset: ResetPolicy::None, ..config() }, &[0]);
    world.offsets.reset(&tp(0), Reset::ByPolicy);
    world.settle();
    assert_eq!(world.events, [Event::Failed(Failure::OffsetOutOfRange(tp(0)))]);
    assert!(world.in_flight.is_empty());
    // A seek to the end is the user's wish and not a policy.
    world.offsets.reset(&tp(0), Reset::Latest);
    world.settle();
    world.answer_all();
    assert_eq!(world.positions, [(0, END)]);
}

#[test]
fn what_will_not_change_is_told() {
    let authentication = NetError::Authentication { broker: "b".into(), message: "no".into() };
    let mut world = World::new();
    world.assign(1, &[0], true);
    world.answer(0, Err(authentication.clone()));
    assert_eq!(world.events, [Event::Failed(Failure::Net(authentication))]);
    let code = ErrorCode::GROUP_AUTHORIZATION_FAILED;
    let mut world = World::new();
    world.assign(1, &[0], true);
    world.answer_with(0, |_| code);
    assert_eq!(world.events, [Event::Failed(Failure::Broker { code, partition: Some(tp(0)) })]);
}
