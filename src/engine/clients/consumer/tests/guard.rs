//! The poll-interval guard: a handler that makes no progress must not keep its partitions.

use std::time::Duration;

use crate::engine::machine::Failure;
use crate::engine::protocol::ErrorCode;

use super::world::*;

const SECOND: Duration = Duration::from_secs(1);

/// One handler hangs in partition 0; the guard has not fired yet.
fn hanging() -> World {
    let mut world = World::running();
    world.handler = None;
    world.append(0, 3);
    world.run(MAX_POLL - 2 * SECOND);
    assert_eq!(world.cluster.left, 0);
    world
}

#[test]
fn a_handler_that_hangs_costs_the_membership_until_it_goes_on() {
    let mut world = hanging();
    world.run(3 * SECOND);
    assert_eq!((world.cluster.left, world.cluster.members.len()), (1, 0));
    assert!(world.consumer.assignment().is_empty(), "lost");
    let before = world.requests.len();
    world.run(60 * SECOND);
    assert_eq!(world.requests.len() - before, 0, "nothing to do: {:?}", &world.requests[before..]);
    // Somebody else does its work.
    world.cluster.committed.insert(0, 12);
    world.release();
    world.run(3 * SECOND);
    assert_eq!(world.joined, 2);
    assert!(!world.cluster.commits.contains(&(0, 11)), "a late commit");
    world.assert_all_committed();
}

#[test]
fn time_in_which_the_process_stood_still_is_not_the_handlers() {
    for forgotten in [false, true] {
        let mut world = hanging();
        if forgotten {
            world.cluster.members.clear();
        }
        for _ in 0..3 {
            world.stand_still(3 * MAX_POLL);
        }
        let stalls = |world: &World| {
            world.lines.iter().filter(|line| line.message.contains("maxPollInterval")).count()
        };
        world.run(SECOND);
        assert_eq!((stalls(&world), world.cluster.left), (0, 0));
        assert_eq!(world.joined, if forgotten { 2 } else { 1 }, "the session's end is another matter");
        // But what it takes awake is.
        world.run(3 * SECOND);
        assert_eq!(stalls(&world), 1);
    }
}

/// Two of five messages are handled and not committed; the handler hangs in the third.
fn half_done() -> World {
    let mut world = World::running();
    world.handler = Some(SECOND);
    world.append(0, 5);
    world.run(2 * SECOND + SECOND / 2);
    world.handler = None;
    world.run(MAX_POLL - SECOND);
    assert_eq!((world.handled[&0], world.cluster.committed[&0]), (13, 10));
    world
}

#[test]
fn what_is_handled_is_committed_before_the_group_is_left() {
    let mut world = half_done();
    world.run(4 * SECOND);
    assert_eq!((world.cluster.committed[&0], world.cluster.left), (13, 1));
    let names: Vec<_> = world.requests.iter().map(|(_, name)| *name).collect();
    let last = |name: &str| names.iter().rposition(|other| *other == name).unwrap();
    assert!(last("OffsetCommit") < last("LeaveGroup"));
    world.release();
    world.run(3 * SECOND);
    assert_eq!(world.joined, 2);
    world.assert_all_committed();
}

#[test]
fn a_handler_that_goes_on_while_its_offsets_are_being_committed() {
    let mut world = half_done();
    world.cluster.holds_commits = true;
    world.run(2 * SECOND);
    assert_eq!(world.cluster.left, 0, "the commit comes first");
    world.release();
    world.run(SECOND);
    world.cluster.holds_commits = false;
    world.run(3 * SECOND);
    assert_eq!((world.cluster.left, world.joined), (1, 2));
    world.assert_all_committed();
}

#[test]
fn a_commit_that_is_not_answered_does_not_keep_the_membership() {
    let mut world = half_done();
    world.cluster.holds_commits = true;
    world.run(8 * SECOND);
    assert_eq!(world.cluster.left, 1);
    world.cluster.holds_commits = false;
    world.release();
    world.run(8 * SECOND);
    assert_eq!(world.joined, 2);
    world.assert_all_committed();
}

#[test]
fn a_membership_that_is_lost_meanwhile_is_not_taken_up_again() {
    let mut world = half_done();
    world.cluster.holds_commits = true;
    world.run(2 * SECOND);
    world.cluster.members.clear();
    world.run(30 * SECOND);
    world.cluster.holds_commits = false;
    assert_eq!(world.joined, 1, "nobody handles anything");
    world.release();
    world.run(8 * SECOND);
    assert_eq!(world.joined, 2);
    world.assert_all_committed();
}

#[test]
fn slow_is_not_stuck() {
    let mut world = World::running();
    world.handler = Some(MAX_POLL - SECOND);
    world.append(0, 5);
    world.run(6 * MAX_POLL);
    assert_eq!((world.cluster.left, world.joined), (0, 1));
    world.assert_all_committed();
}

#[test]
fn progress_of_one_handler_does_not_heal_another() {
    let mut world = hanging();
    world.append(1, 3);
    world.run(SECOND);
    assert_eq!(world.lanes.iter().flatten().count(), 2);
    world.run(3 * SECOND);
    assert_eq!(world.cluster.left, 1);
    // The second one goes on, the first one does not.
    let lane = world.lanes.iter().position(|lane| lane.as_ref().is_some_and(|lane| lane.partition == 1));
    world.lanes[lane.unwrap()] = None;
    world.consumer.finish(world.now, lane.unwrap(), crate::engine::delivery::Outcome::Done);
    world.settle();
    world.run(5 * SECOND);
    assert_eq!((world.joined, world.cluster.left), (1, 1));
    world.consumer.start(world.now, [("t".to_owned(), true)].into(), None);
    world.settle();
    world.run(5 * SECOND);
    assert_eq!(world.joined, 1, "nor does another subscription");
    world.release();
    world.run(3 * SECOND);
    assert_eq!(world.joined, 2);
    world.assert_all_committed();
}

#[test]
fn a_handler_that_waits_for_a_commit_is_not_waited_for() {
    let refused = Some(Err(Failure::Broker { code: ErrorCode::UNKNOWN_MEMBER_ID, partition: None }));
    let mut world = hanging();
    world.run(3 * SECOND);
    world.commit(1, 0, 11);
    assert_eq!(world.done(1), refused);

    // The commit came first, and cannot be.
    let mut world = hanging();
    world.down = true;
    world.cut();
    world.commit(1, 0, 11);
    world.run(6 * SECOND);
    assert!(world.done(1).is_some());
    world.down = false;
    world.release();
    world.run(8 * SECOND);
    world.assert_all_committed();
}

#[test]
fn a_stop_while_a_handler_hangs() {
    let mut world = hanging();
    world.run(3 * SECOND);
    world.stop();
    world.run(MAX_POLL + 2 * SECOND);
    assert_eq!(world.stopped, 1);
}

#[test]
fn a_seek_while_a_handler_hangs_counts_when_it_goes_on() {
    let mut world = hanging();
    world.holes.insert(0);
    world.run(3 * SECOND);
    world.consumer.seek(tp(0), 4);
    world.release();
    world.run(3 * SECOND);
    let again: Vec<_> = world.delivered[41..].iter().map(|(_, offset)| *offset).collect();
    assert_eq!(again, [4, 5, 6, 7, 8, 9, 10, 11, 12]);
}
