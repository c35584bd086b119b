//! Assignments that change by some partitions, while the others are kept.

use crate::engine::machine::Owned;
use crate::engine::offsets::Event;
use crate::engine::offsets::OffsetsConfig;
use crate::engine::protocol::ErrorCode;

use super::world::*;

fn only(partitions: &[i32]) -> Owned {
    Owned::Only(partitions.iter().map(|partition| t(*partition)).collect())
}

#[test]
fn only_what_is_added_is_looked_up() {
    let mut world = World::consuming(config());
    world.resolve(0, 12);
    world.add(&[2, 1]);
    assert_eq!(world.fetching(), [2], "what is assigned again is kept");
    world.answer_fetch(&[(2, 5)]);
    assert_eq!(world.positions(), [(2, 5)]);
    assert_eq!(world.uncommitted(), [(t(0), 12)], "what is resolved stays to be committed");
}

#[test]
fn a_look_up_of_what_is_kept_goes_on() {
    let mut world = World::new();
    world.assign(&[0, 1], false);
    world.add(&[2]);
    world.remove(&[1]);
    world.answer_fetch(&[(0, 10), (1, 10)]);
    assert_eq!(world.positions(), [(0, 10)]);
    world.answer_fetch(&[(2, 7)]);
    assert_eq!(world.positions(), [(2, 7)]);
    assert!(world.is_quiet());
}

#[test]
fn a_commit_that_the_new_generation_overtakes_is_sent_again_in_it() {
    for code in [ErrorCode::ILLEGAL_GENERATION, ErrorCode::REBALANCE_IN_PROGRESS] {
        let mut world = World::consuming(config());
        world.resolve(0, 12);
        world.batch_end();
        let generation = world.sent_commit().generation_id;
        world.next_generation();
        world.refuse_commit(code);
        world.pass(PATIENCE);
        assert_eq!(world.committing(), [(0, 12)]);
        assert_eq!(world.sent_commit().generation_id, generation + 1);
        assert_eq!(world.warnings(), 0, "nothing is lost");
        world.answer_commit();
        assert_eq!(world.uncommitted(), []);
    }
}

#[test]
fn so_is_one_that_the_user_waits_for() {
    let mut world = World::consuming(config());
    world.commit(1, Some(vec![offset(0, 12)]));
    world.add(&[2]);
    world.refuse_commit(ErrorCode::ILLEGAL_GENERATION);
    assert_eq!(world.committing(), [(0, 12)]);
    world.answer_commit();
    assert_eq!(world.done(), [(1, Ok(()))]);
}

#[test]
fn a_refusal_in_the_same_generation_is_told() {
    let mut world = World::consuming(config());
    world.commit(1, Some(vec![offset(0, 12)]));
    world.refuse_commit(ErrorCode::REBALANCE_IN_PROGRESS);
    assert_eq!(world.done(), [(1, Err(ErrorCode::REBALANCE_IN_PROGRESS))]);
}

#[test]
fn a_commit_for_what_went_meanwhile_is_not_repeated() {
    let mut world = World::consuming(config());
    world.commit(1, Some(vec![offset(0, 12)]));
    world.commit(2, Some(vec![offset(1, 12)]));
    world.next_generation();
    world.remove(&[0]);
    world.refuse_commit(ErrorCode::ILLEGAL_GENERATION);
    world.send_commits();
    assert_eq!(world.committing(), [(1, 12)]);
    world.answer_commit();
    assert_eq!(world.done(), [(1, Err(ErrorCode::ILLEGAL_GENERATION)), (2, Ok(()))]);
}

#[test]
fn what_was_resolved_of_what_went_is_not_committed_and_comes_back_as_another() {
    let mut world = World::consuming(OffsetsConfig { auto_commit: true, ..config() });
    world.resolve(0, 12);
    world.batch_end();
    world.resolve(0, 15);
    world.remove(&[0]);
    world.add(&[0]);
    world.answer_commit();
    assert_eq!(world.offsets.committed_offset(&t(0)), None, "it may be another owner's by now");
    world.batch_end();
    world.answer_fetch(&[(0, 40)]);
    assert_eq!(world.positions(), [(0, 40)]);
    assert!(world.is_quiet());
    assert_eq!(world.uncommitted(), []);
}

#[test]
fn a_commit_of_everything_that_loses_a_part_says_so() {
    let mut world = World::consuming(OffsetsConfig { auto_commit: false, ..config() });
    world.resolve(0, 12);
    world.resolve(1, 13);
    world.coordinator_known = false;
    world.commit(1, None);
    world.remove(&[0]);
    world.coordinator_known = true;
    world.settle();
    assert_eq!(world.done(), [(1, Err(ErrorCode::REBALANCE_IN_PROGRESS))]);
    assert_eq!(world.uncommitted(), [(t(1), 13)]);
}

#[test]
fn a_flush_of_some_does_not_wait_for_the_others() {
    let mut world = World::consuming(config());
    world.resolve(0, 12);
    world.offsets.flush(only(&[0]));
    world.settle();
    assert_eq!(world.committing(), [(0, 12)]);
    // The other one goes on and on.
    world.commit(7, Some(vec![offset(1, 12)]));
    world.resolve(1, 13);
    world.batch_end();
    world.answer_commit();
    assert!(world.has(&Event::Flushed));
    world.remove(&[0]);
    assert_eq!(world.committing(), [(1, 12)]);
    world.answer_commit();
    world.pass(PATIENCE);
    assert_eq!(world.committing(), [(1, 13)], "and what it has resolved is not forgotten");
}

#[test]
fn a_flush_of_what_has_nothing_to_commit_ends_at_once() {
    let mut world = World::consuming(config());
    world.resolve(1, 12);
    world.batch_end();
    world.events.clear();
    world.offsets.flush(only(&[0]));
    world.settle();
    assert_eq!(world.events(), [Event::Flushed]);
}

#[test]
fn a_flush_whose_partitions_are_released_is_over_without_a_word() {
    let mut world = World::consuming(config());
    world.resolve(0, 12);
    world.offsets.flush(only(&[0]));
    world.settle();
    world.remove(&[0]);
    world.answer_commit();
    world.pass(PATIENCE);
    assert!(!world.has(&Event::Flushed));
}
