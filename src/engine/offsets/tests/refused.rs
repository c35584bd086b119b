//! Commits that the coordinator does not take.

use std::time::Duration;

use crate::engine::machine::Failure;
use crate::engine::machine::NetError;
use crate::engine::offsets::Event;
use crate::engine::offsets::OffsetsConfig;
use crate::engine::offsets::answer::PARTITION_TRIES;
use crate::engine::offsets::commit::SPACING;
use crate::engine::offsets::unknown_topics::RARELY;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Response;
use crate::engine::protocol::metadata::MetadataResponse;

use super::world::*;

/// What is said to whoever is no member of this generation.
const NOT_A_MEMBER: [ErrorCode; 4] = [
    ErrorCode::REBALANCE_IN_PROGRESS,
    ErrorCode::ILLEGAL_GENERATION,
    ErrorCode::UNKNOWN_MEMBER_ID,
    ErrorCode::FENCED_INSTANCE_ID,
];

#[test]
fn trouble_with_the_coordinator_is_waited_out() {
    let moved =
        [ErrorCode::NOT_COORDINATOR, ErrorCode::COORDINATOR_NOT_AVAILABLE, ErrorCode::REQUEST_TIMED_OUT];
    let troubles = moved.into_iter().map(|code| (Ok(code), true)).chain([
        (Ok(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS), false),
        (Err(closed()), true),
        (Err(timed_out()), true),
        (Err(NetError::NoBroker), true),
    ]);
    for (trouble, lost) in troubles {
        let mut world = World::consuming(manual());
        world.commit(1, Some(vec![offset(0, 12)]));
        for _ in 0..30 {
            match trouble.clone() {
                Ok(code) => world.refuse_commit(code),
                Err(error) => world.cut("OffsetCommit", error),
            }
            assert_eq!(world.has(&Event::CoordinatorLost), lost, "{trouble:?}");
            assert!(world.is_quiet(), "not at once");
            world.pass(PATIENCE);
        }
        world.answer_commit();
        assert_eq!(world.done(), [(1, Ok(()))]);
    }
}

#[test]
fn automatic_commits_go_on_with_what_is_newer_after_trouble() {
    let mut world = World::consuming(config());
    world.resolve(0, 12);
    world.batch_end();
    world.cut("OffsetCommit", closed());
    world.coordinator_known = false;
    world.resolve(0, 14);
    world.pass(PATIENCE);
    assert!(world.is_quiet());
    world.coordinator_known = true;
    world.settle();
    assert_eq!(world.committing(), [(0, 14)]);
}

#[test]
fn a_lost_generation_fails_manual_commits_and_repeats_automatic_ones() {
    for code in NOT_A_MEMBER {
        let mut world = World::consuming(config());
        world.commit(1, Some(vec![offset(0, 12)]));
        world.refuse_commit(code);
        assert_eq!(world.done(), [(1, Err(code))]);
        world.pass(PATIENCE);
        assert!(world.is_quiet());

        // Until the group knows: a warning now and then, not one per batch.
        let mut refusals = 0;
        for next in 13..1_013 {
            world.resolve(0, next);
            world.batch_end();
            if world.index_of("OffsetCommit").is_some() {
                world.refuse_commit(code);
                refusals += 1;
            }
            world.pass_ms(3);
        }
        assert!((2..8).contains(&refusals), "{refusals}");
        assert_eq!(world.warnings(), refusals);
        assert!(world.failures().is_empty());
    }
}

#[test]
fn a_refused_automatic_commit_is_repeated_although_no_batch_follows() {
    for code in NOT_A_MEMBER {
        let mut world = World::consuming(config());
        world.resolve(0, 12);
        world.batch_end();
        world.refuse_commit(code);
        world.pass(PATIENCE);
        world.answer_commit();
        assert_eq!(world.uncommitted(), [], "{code:?}");
        world.pass(PATIENCE);
        assert!(world.is_quiet());
    }
}

#[test]
fn a_coordinator_that_does_not_know_the_group_knows_no_generation_of_it() {
    let mut world = World::consuming(config());
    world.commit(1, Some(vec![offset(0, 12)]));
    world.refuse_commit(ErrorCode::GROUP_ID_NOT_FOUND);
    assert_eq!(world.done(), [(1, Err(ErrorCode::ILLEGAL_GENERATION))]);
    world.resolve(0, 12);
    world.batch_end();
    world.pass(PATIENCE);
    world.refuse_commit(ErrorCode::GROUP_ID_NOT_FOUND);
    assert_eq!(world.warnings(), 1, "its messages may come again");
    assert!(world.failures().is_empty());
}

#[test]
fn every_partition_of_an_answer_is_read() {
    let mut world = World::consuming(config());
    world.resolve(0, 12);
    world.resolve(1, 13);
    world.batch_end();
    world.answer_commit_with(&[(0, ErrorCode::NONE), (1, ErrorCode::COORDINATOR_LOAD_IN_PROGRESS)]);
    let offsets = vec![offset(0, 12)];
    assert!(world.has(&Event::Committed { ticket: None, automatic: true, offsets }));
    world.pass(PATIENCE);
    assert_eq!(world.committing(), [(1, 13)]);
    world.answer_commit_with(&[]);
    world.pass(PATIENCE);
    assert_eq!(world.committing(), [(1, 13)], "an omission is no success");

    let mut world = World::consuming(manual());
    world.commit(1, Some(vec![offset(0, 12), offset(1, 13)]));
    world.answer_commit_with(&[(1, ErrorCode::NONE), (0, ErrorCode::NOT_COORDINATOR)]);
    world.pass(PATIENCE);
    assert_eq!(world.committing(), [(0, 12)]);
    world.answer_commit();
    assert_eq!(world.done(), [(1, Ok(()))]);
}

#[test]
fn a_deleted_topic_does_not_keep_anybody_waiting_for_ever() {
    let mut world = World::consuming(manual());
    world.commit(1, Some(vec![offset(0, 12)]));
    for _ in 0..PARTITION_TRIES {
        assert_eq!(world.done(), []);
        world.refuse_commit(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
        world.pass(PATIENCE);
    }
    assert_eq!(world.done(), [(1, Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION))]);
    assert!(world.is_quiet());
}

#[test]
fn what_the_user_may_not_commit_is_a_failure() {
    for code in [
        ErrorCode::TOPIC_AUTHORIZATION_FAILED,
        ErrorCode::GROUP_AUTHORIZATION_FAILED,
        ErrorCode(12), // OFFSET_METADATA_TOO_LARGE
    ] {
        let mut world = World::consuming(config());
        world.commit(1, Some(vec![offset(0, 12)]));
        world.refuse_commit(code);
        assert_eq!(world.done(), [(1, Err(code))]);
        world.pass(SPACING);
        world.resolve(0, 13);
        world.batch_end();
        world.refuse_commit(code);
        assert_eq!(world.failures(), [Failure::Broker { code, partition: Some(t(0)) }]);
        world.pass(PATIENCE);
        assert!(world.is_quiet());
    }
}

#[test]
fn an_answer_to_another_question_is_no_answer() {
    let mut world = World::consuming(config());
    world.resolve(0, 12);
    world.batch_end();
    let outbound = world.in_flight.remove(0);
    world.hand(outbound, Ok(Response::Metadata(MetadataResponse::default())));
    world.pass(PATIENCE);
    assert_eq!(world.committing(), [(0, 12)]);
}

#[test]
fn what_may_be_committed_is_taken_back_when_the_user_goes_back() {
    let misfortunes: [fn(&mut World); 4] = [
        |world| world.cut("OffsetCommit", closed()),
        |world| world.cut("OffsetCommit", timed_out()),
        |world| world.refuse_commit(ErrorCode::REQUEST_TIMED_OUT),
        |world| world.answer_commit_with(&[]),
    ];
    for fail in misfortunes {
        let mut world = World::consuming(config());
        world.resolve(0, 12);
        world.batch_end();
        fail(&mut world);
        // To where the group was, as far as we know; by now it may be at 12.
        world.seek(0, 10);
        world.pass(PATIENCE);
        assert_eq!(world.committing(), [(0, 10)]);
        world.answer_commit();
        world.pass(PATIENCE);
        assert!(world.is_quiet());
        assert_eq!(world.uncommitted(), []);
    }
}

// ---- topics that nobody knows (any more)

#[test]
fn a_deleted_topic_keeps_nobody_elses_commits() {
    for code in [ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, ErrorCode::UNKNOWN_TOPIC_ID] {
        let mut world = World::consuming(config());
        world.resolve(0, 12);
        world.resolve(1, 15);
        world.batch_end();
        world.answer_commit_with(&[(0, code), (1, ErrorCode::NONE)]);
        assert!(world.has(&Event::RefreshMetadata), "is it gone?");
        world.resolve(1, 16);
        world.batch_end();
        world.pass(SPACING);
        assert_eq!(world.committing(), [(1, 16)]);
        world.answer_commit();
        world.pass(PATIENCE);
        assert_eq!(world.committing(), [(0, 12)], "perhaps it is on its way");
        world.answer_commit();
        assert_eq!((world.uncommitted(), world.warnings()), (vec![], 0));
    }
}

#[test]
fn a_deleted_topic_commits_nothing_by_itself() {
    let mut world = World::consuming(manual());
    world.resolve(0, 12);
    world.resolve(1, 15);
    world.commit(1, None);
    while !world.is_quiet() {
        let codes = [(0, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION), (1, ErrorCode::NONE)];
        world.answer_commit_with(&codes[..world.committing().len()]);
        world.resolve(1, 16);
        world.pass(PATIENCE);
    }
    assert_eq!(world.done(), [(1, Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION))]);
    assert_eq!(world.uncommitted(), [(t(0), 12), (t(1), 16)]);
}

#[test]
fn a_topic_that_is_unknown_for_long_is_tried_rarely() {
    let mut world = World::consuming(config());
    world.resolve(0, 12);
    world.batch_end();
    for _ in 0..PARTITION_TRIES {
        world.refuse_commit(ErrorCode::UNKNOWN_TOPIC_ID);
        world.pass(PATIENCE);
    }
    assert!(world.is_quiet());
    assert_eq!(world.warnings(), 1);
    world.resolve(1, 15);
    world.batch_end();
    assert_eq!(world.committing(), [(1, 15)]);
    world.answer_commit();
    world.pass(RARELY.mul_f64(0.7));
    assert!(world.is_quiet());
    // Nothing is handled behind it, and nobody else commits it.
    world.pass(RARELY.mul_f64(0.6));
    assert_eq!(world.committing(), [(0, 12)]);
    world.refuse_commit(ErrorCode::UNKNOWN_TOPIC_ID);
    world.pass(RARELY.mul_f64(0.7));
    assert!(world.is_quiet());
    world.pass(RARELY.mul_f64(0.6));
    assert_eq!(world.committing(), [(0, 12)], "the coordinator may only be far behind");
    world.answer_commit();
    assert_eq!((world.uncommitted(), world.warnings()), (vec![], 1));
    world.pass(RARELY * 2);
    assert!(world.is_quiet());
}

#[test]
fn progress_in_a_topic_that_is_unknown_for_long_is_tried_at_once() {
    let mut world = World::consuming(config());
    world.resolve(0, 12);
    world.batch_end();
    for _ in 0..PARTITION_TRIES {
        world.refuse_commit(ErrorCode::UNKNOWN_TOPIC_ID);
        world.pass(PATIENCE);
    }
    world.commit(1, None);
    assert_eq!(world.done(), [(1, Ok(()))], "nobody waits for what is given up");
    world.resolve(0, 13);
    world.commit(2, None);
    assert_eq!(world.committing(), [(0, 13)]);
    world.answer_commit();
    assert_eq!((world.done(), world.uncommitted()), (vec![(2, Ok(()))], vec![]));
}

#[test]
fn a_deleted_topic_makes_no_others_commits_necessary() {
    let threshold = OffsetsConfig { auto_commit_threshold: Some(5), ..config() };
    let interval = OffsetsConfig { auto_commit_interval: Some(Duration::from_secs(5)), ..config() };
    for config in [threshold, interval] {
        let mut world = World::consuming(config);
        world.resolve(0, 20);
        world.batch_end();
        while !world.is_quiet() {
            world.refuse_commit(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
            world.pass(PATIENCE);
        }
        world.resolve(1, 11);
        world.pass(SPACING * 2);
        assert!(world.is_quiet());
    }
}
