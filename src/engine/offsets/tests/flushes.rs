//! The last commit before partitions go, and what happens to those that miss it.

use crate::engine::machine::Failure;
use crate::engine::machine::Owned;
use crate::engine::offsets::Event;
use crate::engine::offsets::OffsetsConfig;
use crate::engine::protocol::ErrorCode;

use super::world::*;

#[test]
fn nothing_to_flush_is_flushed_at_once() {
    let mut world = World::consuming(config());
    world.flush();
    assert_eq!(world.events(), [Event::Flushed]);
    world.coordinator_known = false;
    world.flush();
    assert_eq!(world.events(), [Event::Flushed]);
    World::new().flush();
}

#[test]
fn a_member_of_nothing_has_nothing_to_flush() {
    let mut world = World::new();
    world.commit(1, Some(vec![offset(0, 5)]));
    world.flush();
    assert_eq!(world.events(), [Event::Flushed], "the commit waits for the join");
}

#[test]
fn a_flush_waits_for_what_is_on_its_way_and_sends_the_rest_at_once() {
    let mut world = World::consuming(config());
    world.resolve(0, 12);
    world.batch_end();
    world.resolve(0, 15);
    world.resolve(1, 15);
    world.flush();
    assert_eq!(world.events(), []);
    world.answer_commit();
    assert_eq!(world.committing(), [(0, 15), (1, 15)], "without spacing");
    assert!(!world.has(&Event::Flushed));
    world.answer_commit();
    assert_eq!(world.events().last(), Some(&Event::Flushed));
    assert_eq!(world.uncommitted(), []);
}

#[test]
fn a_flush_carries_the_commits_that_users_wait_for() {
    let mut world = World::consuming(OffsetsConfig { auto_commit: false, ..config() });
    world.resolve(1, 15);
    world.offsets.commit(1, Some(vec![offset(0, 12)]));
    world.flush();
    assert_eq!(world.committing(), [(0, 12)]);
    world.answer_commit();
    assert_eq!(world.events().last(), Some(&Event::Flushed));
    assert_eq!(world.uncommitted(), [(t(1), 15)], "not without autoCommit");
}

#[test]
fn a_flush_overcomes_a_short_trouble() {
    let mut world = World::consuming(config());
    world.resolve(0, 12);
    world.flush();
    world.refuse_commit(ErrorCode::NOT_COORDINATOR);
    assert!(!world.has(&Event::Flushed));
    world.pass(PATIENCE);
    world.answer_commit();
    assert_eq!(world.events().last(), Some(&Event::Flushed));
    assert_eq!(world.uncommitted(), []);
}

#[test]
fn a_flush_does_not_try_for_ever() {
    let mut world = World::consuming(config());
    world.resolve(0, 12);
    world.offsets.commit(1, Some(vec![offset(1, 12)]));
    world.flush();
    let mut tries = 0;
    while !world.has(&Event::Flushed) {
        world.cut("OffsetCommit", closed());
        tries += 1;
        world.pass(PATIENCE);
    }
    assert_eq!(tries, 3);

    let mut world = World::consuming(config());
    world.resolve(0, 12);
    world.flush();
    world.cut("OffsetCommit", timed_out());
    assert!(world.has(&Event::Flushed), "half a minute is enough");
}

#[test]
fn a_refused_flush_is_over() {
    for code in [
        ErrorCode::REBALANCE_IN_PROGRESS,
        ErrorCode::ILLEGAL_GENERATION,
        ErrorCode::UNKNOWN_MEMBER_ID,
        ErrorCode::GROUP_AUTHORIZATION_FAILED,
    ] {
        let mut world = World::consuming(config());
        world.resolve(0, 12);
        world.flush();
        world.refuse_commit(code);
        assert_eq!(world.events().last(), Some(&Event::Flushed), "{code:?}");
        world.pass(PATIENCE);
        assert!(world.is_quiet());
    }
}

#[test]
fn what_is_kept_is_committed_although_the_flush_of_what_goes_is_refused() {
    for code in [ErrorCode::REBALANCE_IN_PROGRESS, ErrorCode::ILLEGAL_GENERATION] {
        let mut world = World::consuming(config());
        world.resolve(0, 12);
        world.resolve(1, 15);
        world.offsets.flush(Owned::Only([t(0)].into()));
        world.settle();
        world.refuse_commit(code);
        assert_eq!(world.events().last(), Some(&Event::Flushed), "{code:?}");
        world.remove(&[0]);
        world.pass(PATIENCE);
        assert_eq!(world.committing(), [(1, 15)], "{code:?}");
        world.answer_commit();
        assert_eq!(world.uncommitted(), []);
    }
}

#[test]
fn a_flush_does_not_wait_for_a_deleted_topic() {
    let mut world = World::consuming(config());
    world.resolve(0, 12);
    world.batch_end();
    for _ in 0..3 {
        world.refuse_commit(ErrorCode::UNKNOWN_TOPIC_ID);
        world.pass(PATIENCE);
    }
    world.refuse_commit(ErrorCode::UNKNOWN_TOPIC_ID);
    world.resolve(1, 15);
    world.flush();
    assert_eq!(world.committing(), [(1, 15)]);
    world.answer_commit();
    assert_eq!(world.events().last(), Some(&Event::Flushed));

    // One that is refused for the first time may be new.
    let mut world = World::consuming(config());
    world.resolve(0, 12);
    world.flush();
    world.refuse_commit(ErrorCode::UNKNOWN_TOPIC_ID);
    assert!(!world.has(&Event::Flushed));
    world.pass(PATIENCE);
    world.answer_commit();
    assert_eq!(world.events().last(), Some(&Event::Flushed));
}

// ---- revocation

#[test]
fn what_is_revoked_is_not_committed() {
    let mut world = World::consuming(config());
    world.resolve(0, 12);
    world.offsets.batch_end();
    world.revoke_all();
    assert!(world.is_quiet());
    assert_eq!((world.uncommitted(), world.offsets.resolved_offset(&t(0))), (vec![], None));
    world.assign(&[0, 1], false);
    world.answer_fetch(&[(0, 500), (1, 10)]);
    world.resolve(1, 11);
    world.batch_end();
    assert_eq!(world.committing(), [(1, 11)], "12 is the past: somebody else has come to 500");
}

#[test]
fn the_answer_to_a_revoked_commit_says_nothing_about_the_new_generation() {
    let mut world = World::consuming(config());
    world.resolve(0, 12);
    world.batch_end();
    let old = world.in_flight.remove(0);
    world.assign(&[0], false);
    world.answer_fetch(&[(0, 10)]);
    world.events.clear();
    world.hand(old, Ok(commit_codes([(0, ErrorCode::NONE)].into_iter())));
    assert_eq!(world.events(), []);
    assert_eq!(world.offsets.committed_offset(&t(0)), Some(10));
}

#[test]
fn a_users_commit_survives_the_end_of_its_generation() {
    let manual = OffsetsConfig { auto_commit: false, ..config() };
    // Its answer comes late.
    let mut world = World::consuming(manual.clone());
    world.commit(1, Some(vec![offset(0, 12)]));
    world.revoke_all();
    world.answer_commit();
    assert_eq!(world.done(), [(1, Ok(()))]);

    // Its answer never comes: the next generation tries again.
    let mut world = World::consuming(manual.clone());
    world.commit(1, Some(vec![offset(0, 12)]));
    world.assign(&[0], false);
    world.cut("OffsetCommit", closed());
    assert!(!world.has(&Event::CoordinatorLost), "that one is gone already");
    assert_eq!(world.committing(), [(0, 12)]);
    world.answer_commit();
    assert_eq!(world.done(), [(1, Ok(()))]);

    // Its answer comes when the next generation has heard otherwise.
    let mut world = World::consuming(manual.clone());
    world.commit(1, Some(vec![offset(0, 12)]));
    world.assign(&[0], false);
    world.answer_fetch(&[(0, 500)]);
    world.answer_commit();
    assert_eq!(world.done(), [(1, Ok(()))]);
    assert_eq!(world.offsets.committed_offset(&t(0)), Some(500));

    // The coordinator had moved on to the next generation.
    let mut world = World::consuming(manual);
    world.commit(1, Some(vec![offset(0, 12)]));
    world.assign(&[0], false);
    world.refuse_commit(ErrorCode::ILLEGAL_GENERATION);
    assert_eq!(world.done(), [(1, Err(ErrorCode::ILLEGAL_GENERATION))]);
}

#[test]
fn a_commit_of_everything_fails_with_what_it_was_to_commit() {
    let mut world = World::consuming(OffsetsConfig { auto_commit: false, ..config() });
    world.coordinator_known = false;
    world.commit(1, None);
    world.revoke_all();
    assert_eq!(world.done(), [(1, Ok(()))], "there was nothing");

    world.assign(&[0], false);
    world.resolve(0, 12);
    world.commit(2, None);
    world.revoke_all();
    assert_eq!(world.done(), [(2, Err(ErrorCode::REBALANCE_IN_PROGRESS))]);

    world.coordinator_known = true;
    world.assign(&[0], false);
    world.resolve(0, 12);
    world.commit(3, None);
    world.assign(&[0], false);
    world.refuse_commit(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS);
    assert_eq!(world.done(), [(3, Err(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS))]);
}

#[test]
fn revoking_ends_a_flush_without_a_word() {
    let mut world = World::consuming(config());
    world.resolve(0, 12);
    world.flush();
    world.revoke_all();
    world.answer_commit();
    world.assign(&[0], false);
    world.answer_fetch(&[(0, 12)]);
    world.pass(PATIENCE);
    assert!(!world.has(&Event::Flushed));
}

#[test]
fn at_the_end_everybody_who_waits_is_told() {
    let mut world = World::consuming(OffsetsConfig { auto_commit: false, ..config() });
    world.commit(1, Some(vec![offset(0, 12)]));
    world.assign(&[0, 1], false);
    world.commit(2, Some(vec![offset(0, 13)]));
    world.resolve(1, 5);
    world.commit(3, None);
    world.commit(4, Some(vec![offset(0, 14)]));
    world.events.clear();
    world.offsets.close();
    world.ours.clear();
    world.settle();
    let stopped = |ticket| Event::CommitDone { ticket, result: Err(Failure::Stopped) };
    assert_eq!(world.events(), [1, 2, 3, 4].map(stopped));
    for outbound in std::mem::take(&mut world.in_flight) {
        world.hand(outbound, Err(closed()));
    }
    assert_eq!(world.events(), []);
}

#[test]
fn a_commit_that_is_refused_does_not_keep_a_flush_from_committing_what_is_handled() {
    let mut world = World::consuming(config());
    world.resolve(0, 12);
    world.commit(1, Some(vec![offset(7, 5)]));
    assert_eq!(world.committing(), [(7, 5)]);
    world.flush();
    world.refuse_commit(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    world.pass(PATIENCE);
    assert_eq!(world.committing(), [(0, 12)]);
    world.answer_commit();
    assert!(!world.has(&Event::Flushed), "it has tries left");
    while !world.has(&Event::Flushed) {
        assert_eq!(world.committing(), [(7, 5)]);
        world.refuse_commit(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
        world.pass(PATIENCE);
    }
    assert_eq!(world.uncommitted(), []);
}

#[test]
fn a_commit_that_is_refused_comes_before_what_is_handled_of_its_partition() {
    let mut world = World::consuming(config());
    world.commit(1, Some(vec![offset(0, 5)]));
    world.resolve(0, 12);
    world.resolve(1, 13);
    world.flush();
    world.refuse_commit(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS);
    world.pass(PATIENCE);
    assert_eq!(world.committing(), [(1, 13)]);
    world.answer_commit();
    assert_eq!(world.committing(), [(0, 5)]);
    world.answer_commit();
    assert_eq!(world.committing(), [(0, 12)]);
    world.answer_commit();
    assert_eq!(world.events().last(), Some(&Event::Flushed));
}
