//! From a broker's answer to a lane, and back when it does not end well.

use std::time::Duration;

use crate::engine::delivery::LANE_CLOSING;
use crate::engine::delivery::LANE_STALE;
use crate::engine::delivery::LANE_STOP;
use crate::engine::delivery::Outcome;

use super::world::*;

/// After this long a Fetch goes beside the long poll.
const EXPRESS: Duration = Duration::from_millis(20);

#[test]
fn messages_arrive_once_and_in_order() {
    let mut world = World::consuming(&[0, 2]);
    for _ in 0..30 {
        world.logs.get_mut(&0).unwrap().append(&[100, 0, BIG, 70]);
        world.logs.get_mut(&2).unwrap().append(&[BIG, BIG]);
        world.logs.get_mut(&2).unwrap().append_marker();
    }
    for _ in 0..40 {
        world.answer_news();
        world.consume();
        world.advance(Duration::from_millis(20));
    }
    let of =
        |partition| world.delivered.iter().filter(move |(p, _)| *p == partition).map(|(_, offset)| *offset);
    assert!(of(0).eq(0..120));
    assert!(of(2).eq((0..90).filter(|offset| offset % 3 != 2)));
}

#[test]
fn the_position_moves_when_a_lane_takes() {
    let mut world = World::consuming(&[0]);
    world.logs.get_mut(&0).unwrap().append(&[10; 3]);
    world.logs.get_mut(&0).unwrap().append(&[10; 3]);
    world.answer_news();
    // Nothing was taken: a new assignment that begins at 0 loses nothing.
    world.assign(&[0]);
    world.set_position(0, 0);
    world.answer(0);
    world.answer_news();
    assert!(world.take(0));
    assert_eq!(world.lanes[0].as_ref().unwrap().offsets, [0, 1, 2]);
    assert!(!world.take(1), "one partition, one lane");
    assert_eq!(world.progress(0, 2), Some((0, 2)));
    assert_eq!(world.progress(0, 2), None, "no news");
    // The handler ended early: the rest comes again.
    world.finish(0, Outcome::Done);
    world.advance(EXPRESS);
    world.answer_news();
    world.consume();
    assert_eq!(world.delivered.iter().map(|(_, o)| *o).collect::<Vec<_>>(), [0, 1, 2, 2, 3, 4, 5]);
}

#[test]
fn what_a_lane_returns_can_be_resolved_later() {
    let mut world = World::consuming(&[0]);
    world.logs.get_mut(&0).unwrap().append(&[10; 3]);
    world.logs.get_mut(&0).unwrap().append(&[10; 3]);
    world.answer_news();
    assert!(world.take(0));
    assert!(!world.resolve_returned(0, 3), "it has not returned");
    world.pause(0);
    world.finish(0, Outcome::Done);
    assert!(world.resolve_returned(0, 1) && world.resolve_returned(0, 2));
    for vain in [2, 1, 0, 4] {
        assert!(!world.resolve_returned(0, vain), "{vain}");
    }
    world.resume(0);
    world.advance(EXPRESS);
    world.answer_news();
    assert!(world.take(0));
    assert_eq!(world.lanes[0].as_ref().unwrap().offsets.first(), Some(&2));
    assert!(!world.resolve_returned(0, 3), "a lane is at it again");
    world.complete(0);
    assert!(!world.resolve_returned(0, 3), "it is behind");

    // Whatever moves the position has the last word.
    world.set_position(0, 0);
    world.advance(EXPRESS);
    world.answer_news();
    assert!(world.take(0));
    world.finish(0, Outcome::Done);
    world.set_position(0, 1);
    assert!(!world.resolve_returned(0, 3));
}

#[test]
fn a_failed_lane_waits_alone() {
    let mut world = World::consuming(&[0, 1]);
    for partition in [0, 1] {
        world.logs.get_mut(&partition).unwrap().append(&[10; 3]);
    }
    world.answer_news();
    assert!(world.take(0));
    let failed = world.lanes[0].as_ref().unwrap().partition;
    world.progress(0, 1);
    world.finish(0, Outcome::Again(Duration::from_millis(300)));
    let other = 1 - failed;
    for _ in 0..5 {
        world.logs.get_mut(&other).unwrap().append(&[10]);
        world.advance(Duration::from_millis(50));
        world.answer_news();
        world.consume();
    }
    let count = |world: &World, partition| world.delivered.iter().filter(|(p, _)| *p == partition).count();
    assert_eq!((count(&world, failed), count(&world, other)), (3, 8));
    world.advance(Duration::from_millis(60));
    world.answer_news();
    world.consume();
    assert_eq!(count(&world, failed), 5, "from the first unresolved message on");
}

#[test]
fn a_seek_voids_everything_under_way() {
    let mut world = World::consuming(&[0]);
    world.eager = false;
    for _ in 0..4 {
        world.logs.get_mut(&0).unwrap().append(&[10; 3]);
    }
    world.answer_news();
    world.decode_all();
    assert!(world.take(0));
    // In a lane, ready, being decoded, and on its way from the broker.
    world.logs.get_mut(&0).unwrap().append(&[10; 3]);
    world.begin_decode();
    world.set_position(0, 7);
    assert_eq!(world.fetch.deliveries.lane_flags().next(), Some(LANE_STOP | LANE_STALE));
    assert!(!world.fetch.deliveries.has_ready());
    world.end_decode();
    assert!(!world.fetch.deliveries.has_ready(), "a late decode");
    assert_eq!(world.progress(0, 3), None, "a stale lane resolves nothing");
    world.advance(EXPRESS);
    world.answer_news();
    world.decode_all();
    assert!(!world.take(1), "not while the stale handler is at it");
    world.finish(0, Outcome::Done);
    world.eager = true;
    world.settle();
    world.answer_news();
    world.consume();
    assert_eq!(world.delivered[3], (0, 7));
}

#[test]
fn an_answer_from_before_a_seek_is_dropped() {
    let mut world = World::consuming(&[0]);
    world.logs.get_mut(&0).unwrap().append(&[10; 3]);
    world.logs.get_mut(&0).unwrap().append(&[10; 3]);
    world.set_position(0, 4);
    world.answer(0);
    assert!(!world.fetch.deliveries.has_ready() && world.fetch.deliveries.queued_bytes() == 0);
    world.answer_news();
    world.consume();
    assert_eq!(world.delivered, [(0, 4), (0, 5)]);
}

#[test]
fn nothing_is_handed_out_between_revocation_and_assignment() {
    let mut world = World::consuming(&[0, 1]);
    world.logs.get_mut(&0).unwrap().append(&[10; 3]);
    world.logs.get_mut(&1).unwrap().append(&[10; 3]);
    world.answer_news();
    assert!(world.take(0));
    world.fetch.suspend(false);
    assert_eq!(world.fetch.deliveries.lane_flags().next(), Some(LANE_STOP));
    assert!(!world.fetch.deliveries.has_ready() && !world.take(1));
    world.begin_decode();
    assert!(world.job.is_none());
    // Still ours: what the handler finishes counts.
    let partition = world.lanes[0].as_ref().unwrap().partition;
    assert_eq!(world.progress(0, 1), Some((partition, 1)));
    world.unassign();
    assert_eq!(world.progress(0, 2), None);
    world.finish(0, Outcome::Done);
    let before = world.requests;
    world.advance(MAX_WAIT);
    assert_eq!(world.requests, before);
    world.fetch.suspend(true);
    assert!(
        world.fetch.deliveries.lane_flags().all(|flags| flags & LANE_CLOSING == 0),
        "idle lanes need no flags"
    );
}

#[test]
fn a_partition_named_twice_is_assigned_once() {
    let mut world = World::new();
    world.assign(&[0, 0, 1]);
    assert_eq!(world.fetch.deliveries.assignment(), [tp(0), tp(1)]);
    world.set_position(0, 0);
    world.logs.get_mut(&0).unwrap().append(&[10; 3]);
    assert_eq!(world.asked(0), [0]);
    world.answer_news();
    world.consume();
    assert_eq!(world.delivered.len(), 3);
}

#[test]
fn unreadable_data_is_an_error_after_everything_before_it() {
    let mut world = World::consuming(&[0]);
    world.logs.get_mut(&0).unwrap().append(&[10; 3]);
    world.logs.get_mut(&0).unwrap().append_corrupt();
    world.logs.get_mut(&0).unwrap().append(&[10; 3]);
    world.answer_news();
    assert!(world.take(0));
    world.answer_for(Duration::from_secs(15));
    assert!(world.failure().is_none(), "the handler is not through");
    world.complete(0);
    assert!(world.failure().is_some());
    assert_eq!(world.delivered, [(0, 0), (0, 1), (0, 2)]);
}

#[test]
fn unreadable_data_is_told_though_a_stale_handler_was_at_it() {
    let mut world = World::consuming(&[0]);
    world.logs.get_mut(&0).unwrap().append(&[10; 3]);
    world.answer_news();
    assert!(world.take(0));
    world.logs.get_mut(&0).unwrap().append_corrupt();
    world.set_position(0, 3);
    world.advance(EXPRESS);
    world.answer_for(Duration::from_secs(15));
    assert!(world.failure().is_none());
    world.finish(0, Outcome::Done);
    assert!(world.failure().is_some());
}
