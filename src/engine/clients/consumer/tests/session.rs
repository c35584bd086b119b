//! Whoever has lost the group, or may have, hands nothing out. [`World`] checks that for every message; here is what comes of it.

use std::time::Duration;

use crate::engine::clients::consumer::ConsumerConfig;
use crate::engine::delivery::{LANE_STALE, LANE_STOP};
use crate::engine::machine::Failure;
use crate::engine::protocol::ErrorCode;

use super::world::*;

const SECOND: Duration = Duration::from_secs(1);

/// Two handlers in the middle of what they have, and more is queued. Nothing of it is committed.
fn busy() -> World {
    at_work(World::running())
}

/// The same of a static member (KIP-345).
fn busy_static() -> World {
    let config = ConsumerConfig { group_instance_id: Some("one".into()), ..config() };
    let mut world = World::with(config, 7);
    world.append_all(10);
    world.start();
    world.run(2 * SECOND);
    world.assert_all_committed();
    at_work(world)
}

/// The same in a group of KIP-848.
fn busy_by_epoch() -> World {
    at_work(World::by_epoch(&[0, 1, 2, 3]))
}

fn at_work(mut world: World) -> World {
    world.handler = Some(SECOND);
    world.append_all(20);
    world.run(2 * SECOND + SECOND / 2);
    assert_eq!(world.lanes.iter().flatten().count(), 2);
    world
}

fn assert_nothing_twice(world: &World) {
    let mut once = world.delivered.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), world.delivered.len(), "twice: {:?}", world.delivered);
}

/// The group knows us no more, and somebody else has handled all that there is.
fn others_are_through(world: &mut World) {
    world.cluster.members.clear();
    for partition in 0..4 {
        world.cluster.committed.insert(partition, 30);
    }
}

/// For a session, and in the seconds behind it. How much was handed out before?
fn stands_still_and_hands_out_nothing(world: &mut World) -> usize {
    let delivered = world.delivered.len();
    world.stand_still(SESSION);
    world.run(5 * SECOND);
    assert_eq!(world.delivered.len(), delivered, "{:?}", &world.delivered[delivered..]);
    delivered
}

fn is_stale(world: &World, lane: usize) -> bool {
    world.consumer.lane_flags().nth(lane).unwrap() & LANE_STALE != 0
}

#[test]
fn who_stood_still_for_longer_than_the_session_hands_out_nothing_that_others_have() {
    let mut world = busy();
    others_are_through(&mut world);
    stands_still_and_hands_out_nothing(&mut world);
    assert_eq!(world.joined, 2);
    world.assert_all_committed();
    assert!(world.cluster.commits.iter().all(|(_, offset)| *offset <= 10), "{:?}", world.cluster.commits);
    // And it goes on.
    world.append_all(3);
    world.run(10 * SECOND);
    world.assert_all_committed();
}

#[test]
fn who_is_still_a_member_goes_on_where_it_was() {
    let mut world = busy();
    world.stand_still(SESSION + SECOND);
    world.run(60 * SECOND);
    world.assert_all_committed();
    assert_eq!((world.joined, world.cluster.left), (1, 0));
    assert_nothing_twice(&world);
}

#[test]
fn a_shorter_stand_is_nothing() {
    let mut world = busy();
    world.stand_still(SESSION / 2);
    assert_eq!(world.lanes.iter().flatten().count(), 2);
    world.run(60 * SECOND);
    world.assert_all_committed();
    assert_eq!(world.joined, 1);
}

#[test]
fn who_is_cut_off_stops_when_the_session_is_over_and_goes_on_when_it_is_heard() {
    let mut world = busy();
    world.down = true;
    world.run(SESSION + SECOND);
    let delivered = world.delivered.len();
    assert!(world.lanes.iter().all(Option::is_none), "stopped in the middle");
    world.run(5 * SESSION);
    assert_eq!(world.delivered.len(), delivered);
    assert!(world.renewed.is_some_and(|renewed| world.now - renewed > 5 * SESSION));
    assert!(!world.crashed());
    world.down = false;
    world.run(60 * SECOND);
    assert_eq!(world.joined, 1);
    world.assert_all_committed();
}

#[test]
fn a_handler_that_runs_on_is_told() {
    let mut world = busy();
    world.handler = None;
    world.run(SECOND);
    world.down = true;
    assert!(!is_stale(&world, 0));
    world.run(SESSION);
    assert!(is_stale(&world, 0) && is_stale(&world, 1));
    assert_eq!(world.consumer.pending_error(), Some(ErrorCode::REBALANCE_IN_PROGRESS));
    world.heartbeat(1);
    assert_eq!(world.beaten(), [1], "it does not wait");
    world.down = false;
    world.run(5 * SECOND);
    assert_eq!(world.consumer.pending_error(), None);
    assert!(!is_stale(&world, 0) && !is_stale(&world, 1), "nobody else had it");
    assert_eq!(world.joined, 1);
}

#[test]
fn what_is_to_stop_for_another_reason_is_not_to_go_on_when_the_session_is_confirmed() {
    for reason in ["pause", "seek", "stop"] {
        let mut world = busy();
        world.handler = None;
        world.run(SECOND);
        world.down = true;
        world.run(SESSION);
        match reason {
            "pause" => world.consumer.pause("t", None),
            "seek" => (0..4).for_each(|partition| world.consumer.seek(tp(partition), 0)),
            _ => world.stop(),
        }
        world.down = false;
        world.run(SECOND);
        let flags: Vec<i32> = world.consumer.lane_flags().collect();
        assert!(flags.iter().all(|flags| flags & LANE_STOP != 0), "{reason}: {flags:?}");
        assert_eq!(is_stale(&world, 0), reason == "seek", "{reason}");
    }
}

#[test]
fn the_end_of_a_pause_is_not_the_end_of_that() {
    let mut world = busy();
    world.handler = None;
    world.run(SECOND);
    world.down = true;
    world.run(SESSION);
    world.consumer.pause("t", None);
    world.consumer.resume("t", None);
    let delivered = world.delivered.len();
    world.release();
    assert_eq!(world.delivered.len(), delivered);
}

#[test]
fn a_handler_that_asks_before_anybody_else_knows_is_told_too() {
    let mut world = busy();
    world.handler = None;
    world.run(SECOND);
    world.now += SESSION;
    world.consumer.heartbeat(world.now, 1);
    world.consumer.check_session(world.now);
    assert!(is_stale(&world, 0));
    assert_eq!(world.consumer.pending_error(), Some(ErrorCode::REBALANCE_IN_PROGRESS));
}

#[test]
fn commits_wait_for_an_answer() {
    let mut world = busy();
    world.down = true;
    world.run(SESSION + SECOND);
    let before = world.requests.len();
    world.commit(7, 3, 12);
    world.run(SESSION);
    assert_eq!(world.done(7), None);
    assert_eq!(world.sent_since(before, "OffsetCommit"), 0);
    world.down = false;
    world.run(2 * SECOND);
    assert_eq!(world.done(7), Some(Ok(())));
    assert_eq!(world.joined, 1);
}

#[test]
fn a_commit_of_somebody_who_is_no_member_any_more_is_one_of_an_older_generation() {
    let mut world = busy();
    world.cluster.members.clear();
    world.cluster.share = vec![0, 1];
    world.now += SESSION;
    world.commit(7, 3, 12);
    world.happen();
    world.run(3 * SECOND);
    let code = ErrorCode::ILLEGAL_GENERATION;
    assert!(
        matches!(world.done(7), Some(Err(Failure::Broker { code: found, .. })) if found == code),
        "{:?}",
        world.done(7)
    );
    assert_eq!(world.joined, 2);
}

#[test]
fn stopping_after_the_session_is_as_quick_as_ever() {
    for forgotten in [false, true] {
        let mut world = busy();
        world.handler = Some(Duration::from_millis(1));
        world.now += SESSION;
        if forgotten {
            world.cluster.members.clear();
        }
        world.stop();
        world.happen();
        world.run(2 * SECOND);
        assert_eq!(world.stopped, 1);
        assert_eq!(world.cluster.members.len(), 0);
    }
}

#[test]
fn a_static_member_that_is_still_known_goes_on_where_it_was() {
    for still in [SESSION / 2, SESSION + SECOND] {
        let mut world = busy_static();
        world.stand_still(still);
        world.run(60 * SECOND);
        assert_eq!((world.joined, world.cluster.left), (1, 0));
        world.assert_all_committed();
        assert_nothing_twice(&world);
    }
}

#[test]
fn a_static_member_whose_session_is_over_hands_out_nothing_before_it_has_joined_again() {
    let mut world = busy_static();
    others_are_through(&mut world);
    let delivered = world.delivered.len();
    world.stand_still(SESSION);
    world.run(5 * SECOND);
    assert_eq!(world.delivered.len(), delivered);
    assert_eq!(world.joined, 2);
    assert!(world.cluster.commits.iter().all(|(_, offset)| *offset <= 10), "{:?}", world.cluster.commits);
    world.append_all(3);
    world.run(10 * SECOND);
    world.assert_all_committed();
}

#[test]
fn a_static_member_whose_place_another_process_has_taken_ends() {
    let mut world = busy_static();
    world.cluster.fenced = true;
    let delivered = world.delivered.len();
    world.stand_still(SESSION);
    world.run(5 * SECOND);
    assert!(world.crashed());
    assert_eq!(world.delivered.len(), delivered);
    assert!(world.cluster.commits.iter().all(|(_, offset)| *offset <= 10), "{:?}", world.cluster.commits);
}

#[test]
fn who_is_known_to_the_next_coordinator_goes_on_where_it_was() {
    for still in [SESSION / 2, SESSION + SECOND] {
        let mut world = busy();
        world.cluster.coordinator = 1;
        world.stand_still(still);
        world.run(60 * SECOND);
        assert_eq!(world.joined, 1);
        world.assert_all_committed();
        assert_nothing_twice(&world);
    }
}

#[test]
fn who_is_unknown_to_the_next_coordinator_hands_out_nothing_that_others_have() {
    let mut world = busy();
    world.cluster.coordinator = 1;
    others_are_through(&mut world);
    stands_still_and_hands_out_nothing(&mut world);
    assert_eq!(world.joined, 2);
    world.assert_all_committed();
}

#[test]
fn a_coordinator_that_is_gone_after_a_stand_holds_up_and_costs_nothing() {
    let mut world = busy();
    let delivered = world.delivered.len();
    world.down = true;
    world.stand_still(SESSION + SECOND);
    world.run(2 * SECOND);
    assert_eq!(world.delivered.len(), delivered, "until somebody answers");
    world.cluster.coordinator = 1;
    world.down = false;
    world.run(60 * SECOND);
    assert_eq!(world.joined, 1);
    world.assert_all_committed();
    assert_nothing_twice(&world);
}

/// Such a coordinator answers each Heartbeat, whoever asks.
#[test]
fn the_word_of_a_coordinator_that_is_still_loading_the_group_is_no_proof() {
    for is_member in [false, true] {
        let mut world = busy();
        world.cluster.coordinator = 1;
        world.cluster.loading = true;
        if !is_member {
            others_are_through(&mut world);
        }
        let delivered = stands_still_and_hands_out_nothing(&mut world);
        world.cluster.loading = false;
        world.run(60 * SECOND);
        assert_eq!(world.joined, if is_member { 1 } else { 2 });
        world.assert_all_committed();
        if is_member {
            assert_nothing_twice(&world);
        } else {
            assert_eq!(world.delivered.len(), delivered, "{:?}", &world.delivered[delivered..]);
        }
    }
}

#[test]
fn the_word_of_a_coordinator_that_stood_still_itself_is_no_proof() {
    for mut world in [busy(), busy_by_epoch()] {
        world.cluster.former = Some(0);
        world.cluster.coordinator = 1;
        others_are_through(&mut world);
        stands_still_and_hands_out_nothing(&mut world);
        assert_eq!(world.joined, 2);
        world.assert_all_committed();
    }
}

#[test]
fn who_is_still_a_member_of_the_next_coordinator_goes_on_although_the_former_one_is_wrong() {
    for mut world in [busy(), busy_by_epoch()] {
        world.cluster.former = Some(0);
        world.cluster.coordinator = 1;
        world.stand_still(SESSION);
        world.run(60 * SECOND);
        assert_eq!(world.joined, 1);
        world.assert_all_committed();
        assert_nothing_twice(&world);
    }
}

#[test]
fn a_rebalance_that_a_stand_has_missed_takes_nothing_that_is_not_committed() {
    let mut world = busy();
    world.cluster.rebalancing = true;
    world.stand_still(SESSION + SECOND);
    world.run(60 * SECOND);
    assert_eq!(world.joined, 2);
    world.assert_all_committed();
    assert_nothing_twice(&world);
}
