//! Where partitions start.

use std::time::Duration;

use crate::engine::machine::Failure;
use crate::engine::machine::Log;
use crate::engine::machine::Machine;
use crate::engine::machine::NetError;
use crate::engine::offsets::Event;
use crate::engine::offsets::OffsetsConfig;
use crate::engine::offsets::Place;
use crate::engine::offsets::Reset;
use crate::engine::offsets::ResetPolicy;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Response;
use crate::engine::protocol::list_offsets::{EARLIEST, LATEST};
use crate::engine::protocol::metadata::MetadataResponse;
use crate::engine::protocol::offset_fetch::OffsetFetchResponse;

use super::world::*;

#[test]
fn the_groups_offsets_come_first() {
    let mut world = World::new();
    world.assign(&[0, 1], true);
    assert_eq!(world.fetching(), [0, 1], "in one request");
    world.answer_fetch(&[(1, 7), (0, 5)]);
    let position = |partition, offset| Event::Position { partition: t(partition), offset, leader_epoch: 3 };
    assert_eq!(world.events(), [position(0, 5), position(1, 7)]);
    assert!(world.is_quiet());
    assert_eq!(world.offsets.committed_offset(&t(0)), Some(5));
    assert_eq!(world.offsets.poll_timeout(world.now), None);
}

#[test]
fn without_one_the_topics_from_beginning_decides() {
    for (from_beginning, timestamp) in [(true, EARLIEST), (false, LATEST)] {
        // kafkajs is known to commit -1 and -2.
        for none in [-1, -2] {
            let mut world = World::new();
            world.assign(&[0], from_beginning);
            world.answer_fetch(&[(0, none)]);
            assert_eq!(world.listing(), [(0, timestamp)]);
            assert!(world.sent_list().read_committed);
            world.answer_list(&[(0, 42)]);
            assert!(world.has(&Event::Position { partition: t(0), offset: 42, leader_epoch: 0 }));
            assert_eq!(world.warnings(), 0, "nothing was lost");
        }
    }
}

#[test]
fn each_leader_is_asked_for_its_partitions() {
    let mut world = World::with(OffsetsConfig { read_committed: false, ..config() });
    world.assign(&[0, 1, 2], true);
    world.answer_fetch(&[(0, -1), (1, -1), (2, -1)]);
    assert_eq!(world.in_flight.len(), 2);
    assert_eq!(world.listing(), [(0, EARLIEST), (1, EARLIEST)]);
    assert!(!world.sent_list().read_committed);
    let second = world.in_flight.remove(1);
    world.hand(second, Ok(found_are(&[(2, 3)])));
    assert_eq!(world.positions(), [(2, 3)], "the answer to one is no answer to the other");
    world.answer_list(&[(0, 1), (1, 2)]);
    assert_eq!(world.positions(), [(0, 1), (1, 2)]);
    assert!(world.is_quiet());
}

#[test]
fn an_unknown_coordinator_is_waited_for_without_a_timer() {
    let mut world = World::new();
    world.coordinator_known = false;
    world.assign(&[0], true);
    world.pass(PATIENCE);
    assert!(world.is_quiet());
    assert_eq!(world.offsets.poll_timeout(world.now), None);
    world.coordinator_known = true;
    world.settle();
    assert_eq!(world.fetching(), [0]);
}

#[test]
fn omitted_partitions_are_asked_for_again() {
    let mut world = World::new();
    world.assign(&[0, 1, 2], true);
    world.answer_fetch(&[(1, 7)]);
    assert_eq!(world.positions(), [(1, 7)]);
    world.pass(PATIENCE);
    assert_eq!(world.fetching(), [0, 2]);
    world.answer_fetch(&[(0, -1), (2, 9)]);
    assert_eq!(world.positions(), [(2, 9)]);
    world.answer_list(&[]);
    world.pass(PATIENCE);
    world.answer_list(&[(0, 3)]);
    assert_eq!(world.positions(), [(0, 3)]);
}

#[test]
fn pending_transactions_are_waited_for_without_end() {
    let mut world = World::new();
    world.assign(&[0], true);
    for _ in 0..50 {
        world.refuse_fetch(ErrorCode::UNSTABLE_OFFSET_COMMIT);
        assert!(world.is_quiet(), "not at once");
        world.pass(PATIENCE);
    }
    world.answer_fetch(&[(0, 5)]);
    assert_eq!(world.positions(), [(0, 5)]);
}

/// B10: nothing but "no offset" and the owner's word may reset a position.
#[test]
fn trouble_never_resets_a_position() {
    let troubles: [Result<ErrorCode, NetError>; 13] = [
        Ok(ErrorCode::NOT_COORDINATOR),
        Ok(ErrorCode::COORDINATOR_NOT_AVAILABLE),
        Ok(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS),
        Ok(ErrorCode::UNSTABLE_OFFSET_COMMIT),
        Ok(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
        Ok(ErrorCode::REQUEST_TIMED_OUT),
        Ok(ErrorCode::UNKNOWN_SERVER_ERROR),
        Ok(ErrorCode::TOPIC_AUTHORIZATION_FAILED),
        Ok(ErrorCode::GROUP_AUTHORIZATION_FAILED),
        Err(closed()),
        Err(timed_out()),
        Err(refused()),
        Err(NetError::NoBroker),
    ];
    for trouble in troubles {
        let mut world = World::new();
        world.assign(&[0], true);
        match trouble {
            Ok(code) => world.refuse_fetch(code),
            Err(error) => world.cut("OffsetFetch", error),
        }
        world.pass(PATIENCE);
        assert_eq!(world.index_of("ListOffsets"), None);
        assert_eq!(world.positions(), []);
    }
}

#[test]
fn an_error_of_the_whole_group_concerns_every_partition() {
    let mut world = World::new();
    world.assign(&[0, 1], true);
    let error = ErrorCode::NOT_COORDINATOR;
    let answer = Response::OffsetFetch(OffsetFetchResponse { error, ..Default::default() });
    let outbound = world.in_flight.remove(0);
    world.hand(outbound, Ok(answer));
    assert_eq!(world.events(), [Event::CoordinatorLost], "said once");
    world.pass(PATIENCE);
    assert_eq!(world.fetching(), [0, 1]);
}

#[test]
fn a_coordinator_that_does_not_answer_is_looked_up_again() {
    for error in [closed(), timed_out(), NetError::NoBroker] {
        let mut world = World::new();
        world.assign(&[0], true);
        world.cut("OffsetFetch", error);
        assert!(world.has(&Event::CoordinatorLost));
        world.pass(PATIENCE);
        world.answer_fetch(&[(0, 5)]);
        assert_eq!(world.positions(), [(0, 5)]);
    }
}

#[test]
fn a_stale_leader_is_looked_up_and_asked_again() {
    for code in [
        ErrorCode::NOT_LEADER_OR_FOLLOWER,
        ErrorCode::FENCED_LEADER_EPOCH,
        ErrorCode::UNKNOWN_LEADER_EPOCH,
        ErrorCode::OFFSET_NOT_AVAILABLE,
        ErrorCode::KAFKA_STORAGE_ERROR,
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
    ] {
        let mut world = World::new();
        world.assign(&[2], true);
        world.answer_fetch(&[(2, -1)]);
        world.refuse_list(code);
        assert_eq!(world.events(), [Event::RefreshMetadata]);
        assert!(world.is_quiet(), "not at once");
        world.lead(&[1, 1, 3]);
        world.pass(PATIENCE);
        world.answer_list(&[(2, 8)]);
        assert_eq!(world.positions(), [(2, 8)]);
    }
}

#[test]
fn what_asking_again_will_not_change_is_told() {
    // UNSUPPORTED_VERSION, UNSUPPORTED_FOR_MESSAGE_FORMAT, and one that we have never heard of.
    for code in [35, 43, 9999].map(ErrorCode) {
        let failure = || Failure::Broker { code, partition: Some(t(2)) };
        let mut world = World::new();
        world.assign(&[2], true);
        world.refuse_fetch(code);
        assert_eq!(world.failures(), [failure()]);
        world.pass(PATIENCE);
        assert!(world.is_quiet());

        let mut world = World::new();
        world.assign(&[2], true);
        world.answer_fetch(&[(2, -1)]);
        world.refuse_list(code);
        assert_eq!(world.failures(), [failure()]);
        world.pass(PATIENCE);
        assert!(world.is_quiet());
    }
}

#[test]
fn a_missing_leader_is_asked_for_now_and_then() {
    let mut world = World::new();
    world.lead(&[1, 1, -1]);
    world.assign(&[1, 2], true);
    world.answer_fetch(&[(1, -1), (2, -1)]);
    assert_eq!(world.listing(), [(1, EARLIEST)], "the others do not wait for it");
    assert!(world.has(&Event::RefreshMetadata));
    world.answer_list(&[(1, 8)]);
    world.events.clear();
    world.settle();
    assert_eq!(world.events(), [], "not at every look");
    world.pass(PATIENCE);
    assert!(world.has(&Event::RefreshMetadata));
    world.lead(&[1, 1, 2]);
    world.pass(PATIENCE);
    world.answer_list(&[(2, 9)]);
    assert_eq!(world.positions(), [(2, 9)]);
}

#[test]
fn what_the_user_may_not_read_is_a_failure_that_names_it() {
    let mut world = World::new();
    world.assign(&[0, 1], true);
    let code = ErrorCode::TOPIC_AUTHORIZATION_FAILED;
    world.refuse_fetch(code);
    let failures = world.failures();
    assert_eq!(failures[0], Failure::Broker { code, partition: Some(t(0)) });
    world.pass(PATIENCE);
    assert!(world.is_quiet(), "asking again will not help");

    world.assign(&[0], true);
    let code = ErrorCode::GROUP_AUTHORIZATION_FAILED;
    world.refuse_fetch(code);
    assert_eq!(world.failures(), [Failure::Broker { code, partition: None }]);

    world.assign(&[0], true);
    world.cut("OffsetFetch", refused());
    assert_eq!(world.failures(), [Failure::Net(refused())]);
    world.pass(PATIENCE);
    assert!(world.is_quiet());
}

// ---- resets

#[test]
fn a_position_outside_the_log_becomes_what_the_topic_says_and_is_told() {
    let mut world = World::new();
    world.assign(&[0], true);
    world.answer_fetch(&[(0, 10)]);
    world.resolve(0, 25);
    world.events.clear();
    world.offsets.reset(&t(0), Reset::ByPolicy);
    world.settle();
    assert_eq!(world.listing(), [(0, EARLIEST)]);
    world.answer_list(&[(0, 500)]);
    assert_eq!(world.offsets.position_of(&t(0)), Some(500));
    let events = world.events();
    let [Event::Log(Log { message, extra, .. }), Event::Position { offset: 500, .. }] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(message, "Offset out of range, resetting to default offset");
    assert!(extra.contains(&("default", "earliest".into())), "{extra:?}");
    assert!(extra.contains(&("from", "25".into())) && extra.contains(&("to", "500".into())), "{extra:?}");
}

#[test]
fn a_position_outside_the_log_fails_if_the_user_wants_it_so() {
    let mut world = World::with(OffsetsConfig { reset: ResetPolicy::None, ..config() });
    world.assign(&[0], false);
    world.answer_fetch(&[(0, -1)]);
    world.answer_list(&[(0, 42)]);
    assert_eq!(world.positions(), [(0, 42)], "no offset at all is another matter");
    world.offsets.reset(&t(0), Reset::ByPolicy);
    world.settle();
    assert_eq!(world.failures(), [Failure::OffsetOutOfRange(t(0))]);
    assert!(world.is_quiet());
    world.offsets.reset(&t(0), Reset::Latest);
    world.settle();
    assert_eq!(world.listing(), [(0, LATEST)], "the user's own wish");
}

/// Where a partition begins of which nothing is committed, and where it goes when its position is lost.
fn places(reset: ResetPolicy, from_beginning: bool) -> [i64; 2] {
    let mut world = World::with(OffsetsConfig { reset, ..config() });
    world.offsets.set_wall_clock(world.now, 1_000_000);
    world.assign(&[0], from_beginning);
    world.answer_fetch(&[(0, -1)]);
    let first = world.listing()[0].1;
    world.answer_list(&[(0, 42)]);
    world.offsets.reset(&t(0), Reset::ByPolicy);
    world.settle();
    [first, world.listing()[0].1]
}

#[test]
fn a_policy_counts_for_the_first_position_and_for_a_lost_one() {
    let hour = Duration::from_millis(400_000);
    for (place, timestamp) in
        [(Place::Earliest, EARLIEST), (Place::Latest, LATEST), (Place::Within(hour), 600_000)]
    {
        assert_eq!(places(ResetPolicy::To(place), false), [timestamp; 2]);
        assert_eq!(places(ResetPolicy::To(place), true), [EARLIEST; 2], "what its topic says");
    }
    assert_eq!(places(ResetPolicy::ByTopic, false), [LATEST; 2]);
    let for_ever = Place::Within(Duration::from_secs(1 << 40));
    assert_eq!(places(ResetPolicy::To(for_ever), false), [0; 2], "no time lies before the epoch");
}

#[test]
fn a_place_by_time_moves_on_with_the_clock_and_is_the_end_where_all_is_older() {
    let reset = ResetPolicy::To(Place::Within(Duration::from_secs(60)));
    let mut world = World::with(OffsetsConfig { reset, ..config() });
    world.offsets.set_wall_clock(world.now, 1_000_000);
    world.pass(Duration::from_secs(5));
    world.assign(&[0], false);
    world.answer_fetch(&[(0, -1)]);
    assert_eq!(world.listing(), [(0, 945_000)]);
    world.answer_list(&[(0, -1)]);
    assert_eq!(world.listing(), [(0, LATEST)]);
    world.answer_list(&[(0, 7)]);
    world.answer_list(&[(0, -1)]);
    assert_eq!((world.positions(), world.warnings()), (vec![(0, 7)], 0));

    world.offsets.reset(&t(0), Reset::ByPolicy);
    world.settle();
    world.answer_list(&[(0, -1)]);
    world.answer_list(&[(0, 9)]);
    world.answer_list(&[(0, -1)]);
    let events = world.events();
    let [Event::Log(Log { message, .. }), Event::Position { offset: 9, .. }] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(message, "Offset out of range, resetting to default offset", "lost is lost");
}

#[test]
fn what_is_written_before_the_end_is_known_is_not_older_than_a_place_by_time() {
    let reset = ResetPolicy::To(Place::Within(Duration::from_secs(60)));
    let mut world = World::with(OffsetsConfig { reset, ..config() });
    world.offsets.set_wall_clock(world.now, 1_000_000);
    world.assign(&[0], false);
    world.answer_fetch(&[(0, -1)]);
    world.answer_list(&[(0, -1)]);
    // All seven records are older, and the leader moves: when the next one says where the log ends, an eighth is there.
    world.refuse_list(ErrorCode::NOT_LEADER_OR_FOLLOWER);
    world.pass(PATIENCE);
    world.answer_list(&[(0, 8)]);
    assert_eq!(world.listing(), [(0, 941_200)]);
    world.answer_list(&[(0, 7)]);
    assert_eq!(world.positions(), [(0, 7)]);
}

#[test]
fn seek_to_an_end_finds_it() {
    for (how, timestamp) in [(Reset::Earliest, EARLIEST), (Reset::Latest, LATEST)] {
        let mut world = World::consuming(config());
        world.offsets.reset(&t(1), how);
        world.settle();
        assert_eq!(world.listing(), [(1, timestamp)]);
        world.answer_list(&[(1, 77)]);
        assert_eq!(world.warnings(), 0);
        assert_eq!(world.positions(), [(1, 77)]);
        world.batch_end();
        assert!(world.is_quiet(), "a position that we learned is not one that was resolved");
    }
}

// ---- late answers (B2, B9)

#[test]
fn a_seek_cancels_a_running_lookup() {
    let mut world = World::with(OffsetsConfig { auto_commit: false, ..config() });
    world.assign(&[0, 1], true);
    world.seek(0, 33);
    world.answer_fetch(&[(0, 5), (1, 6)]);
    assert_eq!(world.positions(), [(1, 6)]);

    world.offsets.reset(&t(0), Reset::Latest);
    world.settle();
    world.seek(0, 34);
    world.answer_list(&[(0, 99)]);
    assert_eq!(world.positions(), []);
    world.pass(PATIENCE);
    assert!(world.is_quiet());
}

#[test]
fn the_newest_of_several_questions_counts() {
    let mut world = World::consuming(config());
    world.offsets.reset(&t(0), Reset::Latest);
    world.settle();
    world.seek(0, 5);
    world.answer_commit();
    world.offsets.reset(&t(0), Reset::Latest);
    world.settle();
    assert_eq!(world.in_flight.len(), 2, "the end may have moved since the first question");
    world.answer_list(&[(0, 99)]);
    assert_eq!(world.positions(), []);
    world.answer_list(&[(0, 101)]);
    assert_eq!(world.positions(), [(0, 101)]);
}

#[test]
fn answers_of_an_earlier_generation_are_nobodys() {
    let mut world = World::new();
    world.assign(&[0, 1], true);
    let old = world.in_flight.remove(0);
    world.assign(&[0], true);
    world.hand(old, Ok(committed_are(&[(0, 5), (1, 5)])));
    assert_eq!(world.positions(), []);
    world.answer_fetch(&[(0, 8)]);
    assert_eq!(world.positions(), [(0, 8)]);

    let mut world = World::new();
    world.assign(&[0], true);
    world.revoke_all();
    world.cut("OffsetFetch", closed());
    assert_eq!(world.events(), [], "nobody waits for that coordinator");
    world.pass(PATIENCE);
    assert!(world.is_quiet());
}

#[test]
fn strangers_are_left_alone() {
    let mut world = World::consuming(config());
    world.offsets.reset(&t(9), Reset::Latest);
    world.seek(9, 5);
    world.resolve(9, 5);
    world.batch_end();
    assert!(world.is_quiet());
    assert_eq!(world.uncommitted(), []);
}

#[test]
fn a_recreated_topic_starts_over() {
    let mut world = World::consuming(config());
    world.resolve(0, 25);
    assert_eq!(world.offsets.recreated(&"t".into()), [t(0), t(1)]);
    world.flush();
    assert_eq!(world.events(), [Event::Flushed], "25 means nothing in the new log");
    assert_eq!(world.fetching(), [0, 1]);
    world.answer_fetch(&[(0, -1), (1, -1)]);
    world.answer_list(&[(0, 0), (1, 0)]);
    assert_eq!(world.positions(), [(0, 0), (1, 0)]);
    assert_eq!(world.offsets.recreated(&"u".into()), []);
}

#[test]
fn an_answer_to_another_question_is_no_answer() {
    let mut world = World::new();
    world.assign(&[0], true);
    let outbound = world.in_flight.remove(0);
    world.hand(outbound, Ok(Response::Metadata(MetadataResponse::default())));
    world.pass(PATIENCE);
    world.answer_fetch(&[(0, 5)]);
    assert_eq!(world.positions(), [(0, 5)]);
}
