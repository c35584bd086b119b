//! Joining, positions, seeks, commits, and what happens between two generations.

use std::time::Duration;

use crate::engine::clients::consumer::ConsumerConfig;
use crate::engine::clients::consumer::Event;
use crate::engine::protocol::ErrorCode;

use super::world::*;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_consumer_joins_consumes_and_commits() {
    let world = World::running();
    assert_eq!(world.delivered.len(), 40);
    assert_eq!((world.joined, world.cluster.generation), (1, 1));
}

#[test]
fn an_idle_consumer_is_quiet() {
    let mut world = World::running();
    world.run(5 * SECOND);
    let before = world.requests.len();
    world.run(60 * SECOND);
    let fetches = world.sent_since(before, "Fetch");
    let beats = world.sent_since(before, "Heartbeat");
    assert!(fetches <= 2 * 62, "{fetches} for two brokers that hold each Fetch for a second");
    assert!((55..=61).contains(&beats));
    assert_eq!(world.requests.len() - before, fetches + beats);
}

#[test]
fn resolved_offsets_are_committed_before_the_group_is_joined_again() {
    let mut world = World::running();
    world.handler = Some(Duration::from_millis(300));
    world.append_all(20);
    world.run(Duration::from_millis(700));
    let before = world.requests.len();
    world.cluster.rebalancing = true;
    world.run_until(|world| world.requests[before..].iter().any(|(_, name)| *name == "JoinGroup"));
    // Busy lanes have finished their message, and the group knows of it.
    assert!(world.lanes.iter().all(Option::is_none));
    let handled = world.handled.clone();
    for (partition, handled) in handled {
        assert_eq!(world.cluster.committed[&partition], handled);
    }
    let names: Vec<_> = world.requests[before..].iter().map(|(_, name)| *name).collect();
    let commit = names.iter().position(|name| *name == "OffsetCommit").unwrap();
    assert!(commit < names.iter().position(|name| *name == "JoinGroup").unwrap(), "{names:?}");
    assert!(world.events.iter().any(|event| matches!(event, Event::Rebalancing { .. })));
    world.handler = Some(Duration::from_millis(1));
    world.run(3 * SECOND);
    world.assert_all_committed();
    assert_eq!(world.delivered.len(), 120, "each message once");
}

#[test]
fn a_lane_that_does_not_finish_is_not_waited_for_longer_than_the_group_waits() {
    let mut world = World::running();
    world.handler = None;
    world.append(0, 5);
    world.run(SECOND);
    let before = world.now;
    world.cluster.rebalancing = true;
    world.run_until(|world| world.joined == 2);
    let took = world.now - before;
    assert!(took > REBALANCE.mul_f64(0.7) && took < REBALANCE + SECOND, "{took:?}");
    // Its late progress is nobody's, and its partition is not handed out beside it.
    let commits = world.cluster.commits.len();
    world.run(2 * SECOND);
    assert_eq!(world.lanes.iter().flatten().count(), 1);
    world.release();
    world.run(3 * SECOND);
    world.assert_all_committed();
    assert!(world.cluster.commits[commits..].iter().all(|(partition, _)| *partition == 0));
    assert_eq!(world.delivered.iter().filter(|message| **message == (0, 10)).count(), 2, "delivered again");
}

#[test]
fn a_member_that_is_thrown_out_commits_nothing_and_joins_again() {
    let mut world = World::running();
    world.handler = None;
    world.append(0, 5);
    world.run(SECOND);
    let before = world.requests.len();
    world.cluster.members.clear();
    // Somebody else gets on with it.
    world.cluster.committed.insert(0, 12);
    world.run(3 * SECOND);
    assert_eq!(world.joined, 2);
    assert_eq!(world.sent_since(before, "OffsetCommit"), 0);
    world.release();
    world.run(3 * SECOND);
    assert!(world.cluster.commits.iter().all(|commit| *commit != (0, 11)));
    world.assert_all_committed();
}

#[test]
fn partitions_that_went_elsewhere_are_left_alone() {
    let mut world = World::running();
    world.cluster.share = vec![1, 3];
    world.cluster.rebalancing = true;
    world.run(3 * SECOND);
    assert_eq!(world.consumer.assignment(), [tp(1), tp(3)]);
    world.append_all(5);
    world.run(2 * SECOND);
    assert!(world.delivered[40..].iter().all(|(partition, _)| [1, 3].contains(partition)));
    assert_eq!(world.cluster.committed[&0], 10);
}

#[test]
fn a_commit_between_two_generations_waits_for_the_next() {
    let mut world = World::running();
    world.cluster.holds_joins = true;
    world.cluster.rebalancing = true;
    world.run(2 * SECOND);
    let before = world.requests.len();
    world.commit(1, 0, 7);
    world.run(3 * SECOND);
    assert_eq!(world.sent_since(before, "OffsetCommit"), 0);
    assert!(world.done(1).is_none());
    world.cluster.holds_joins = false;
    world.run(2 * SECOND);
    assert_eq!(world.done(1), Some(Ok(())));
    assert!(world.cluster.commits.contains(&(0, 7)));
}

#[test]
fn a_seek_before_the_join_is_where_it_starts() {
    let mut world = World::new();
    world.append_all(10);
    world.cluster.committed.extend([(0, 3), (1, 3)]);
    world.holes.extend([0, 1, 2, 3]);
    world.start();
    world.consumer.seek(tp(0), 7);
    world.consumer.seek(tp(1), -1);
    world.consumer.seek(tp(2), -2);
    world.run(3 * SECOND);
    let first = |partition| world.delivered.iter().find(|(p, _)| *p == partition).map(|(_, offset)| *offset);
    assert_eq!([first(0), first(1), first(2), first(3)], [Some(7), None, Some(0), Some(0)]);
    world.append(1, 1);
    world.run(SECOND);
    assert_eq!(world.delivered.last(), Some(&(1, 10)));
}

#[test]
fn a_seek_before_the_start_is_where_it_begins() {
    let mut world = World::new();
    world.append_all(10);
    world.holes.extend([0, 1]);
    world.consumer.seek(tp(0), 3);
    world.consumer.seek(tp(0), 7);
    world.consumer.seek(tp(1), -1);
    world.start();
    world.run(2 * SECOND);
    let first = |partition| world.delivered.iter().find(|(p, _)| *p == partition).map(|(_, offset)| *offset);
    assert_eq!([first(0), first(1), first(2)], [Some(7), None, Some(0)], "the last seek counts");
}

#[test]
fn a_seek_at_any_step_of_a_rebalance_counts_once() {
    for step in 0..40 {
        let mut world = World::running();
        world.holes.insert(0);
        world.cluster.rebalancing = true;
        world.run_until(|world| world.events.iter().any(|e| matches!(e, Event::Rebalancing { .. })));
        world.run(step * Duration::from_millis(1));
        world.consumer.seek(tp(0), 4);
        world.settle();
        world.run(2 * SECOND);
        let again: Vec<_> = world.delivered[40..].iter().map(|(_, offset)| *offset).collect();
        assert_eq!(again, [4, 5, 6, 7, 8, 9], "{step}");
        // Used up: the next generation begins where the group is.
        world.cluster.rebalancing = true;
        world.run(2 * SECOND);
        assert_eq!((world.joined, world.delivered.len()), (3, 46));
    }
}

#[test]
fn a_seek_during_a_rebalance_counts_after_it() {
    for auto_commit in [true, false] {
        let mut world = World::with(ConsumerConfig { auto_commit, ..config() }, 7);
        world.holes.insert(0);
        world.append_all(10);
        world.start();
        world.run(2 * SECOND);
        world.handler = None;
        world.append(1, 1);
        world.run(SECOND);
        world.cluster.rebalancing = true;
        world.run(2 * SECOND);
        world.consumer.seek(tp(0), 4);
        world.release();
        world.run(3 * SECOND);
        let again = world.delivered.iter().skip(41).filter(|(partition, _)| *partition == 0);
        let again: Vec<_> = again.map(|(_, offset)| *offset).collect();
        assert_eq!(again, [4, 5, 6, 7, 8, 9]);
    }
}

#[test]
fn a_seek_is_known_to_the_group_and_survives_a_rebalance() {
    let mut world = World::running();
    world.holes.insert(0);
    world.consumer.pause("t", None);
    world.consumer.seek(tp(0), 4);
    world.settle();
    world.run(SECOND);
    assert_eq!(world.cluster.committed[&0], 4);
    world.cluster.rebalancing = true;
    world.run(3 * SECOND);
    assert_eq!(world.consumer.paused().len(), 4, "a pause survives too");
    world.consumer.resume("t", None);
    world.settle();
    world.run(2 * SECOND);
    assert_eq!(world.delivered[40..].first(), Some(&(0, 4)));
}

#[test]
fn a_coordinator_that_moves_costs_no_generation() {
    let mut world = World::running();
    world.cluster.coordinator = 1;
    world.append_all(5);
    world.commit(1, 0, 12);
    world.run(5 * SECOND);
    assert_eq!(world.done(1), Some(Ok(())));
    assert_eq!(world.joined, 1);
    world.append_all(5);
    world.run(3 * SECOND);
    assert_eq!(world.delivered.len(), 80);
    assert_eq!(world.cluster.committed[&1], 20);
}

#[test]
fn a_network_that_is_down_for_a_while_costs_nothing_but_time() {
    let mut world = World::running();
    world.append_all(5);
    world.down = true;
    world.cut();
    let before = world.requests.len();
    world.run(5 * SECOND);
    assert!(world.requests.len() - before < 5 * 30, "{} in five seconds", world.requests.len() - before);
    world.down = false;
    world.run(5 * SECOND);
    world.assert_all_committed();
}

#[test]
fn a_leader_that_moves_is_followed_without_a_rebalance() {
    let mut world = World::running();
    world.cluster.move_leader(0, 1);
    world.append_all(5);
    world.run(3 * SECOND);
    world.assert_all_committed();
    assert_eq!(world.joined, 1);
}

#[test]
fn commits_that_race_a_rebalance_are_few() {
    let rarely = ConsumerConfig { heartbeat_interval: 5 * SECOND, ..config() };
    let mut world = World::with(rarely, 7);
    world.start();
    world.run(6 * SECOND);
    world.handler = Some(Duration::from_millis(5));
    world.cluster.generation += 1;
    let before = world.requests.len();
    world.append_all(1000);
    world.run_until(|world| world.joined == 2);
    let commits = world.sent_since(before, "OffsetCommit");
    assert!((1..12).contains(&commits), "{commits} until the heartbeat tells");
    world.run(20 * SECOND);
    world.assert_all_committed();
    assert_eq!(world.consumer.pending_error(), None);
}

#[test]
fn a_handler_that_asks_for_a_heartbeat_waits_for_its_answer_and_for_nothing_else() {
    let often = ConsumerConfig { heartbeat_interval: Duration::from_millis(50), ..config() };
    let mut world = World::with(often, 7);
    world.heartbeat(1);
    assert_eq!(world.beaten(), [1], "not a member yet");
    world.start();
    world.run_until(|world| world.joined == 1);
    world.heartbeat(2);
    assert_eq!(world.beaten(), [1, 2], "too early for one");

    world.run(Duration::from_millis(60));
    let before = world.requests.len();
    world.heartbeat(3);
    world.heartbeat(4);
    assert_eq!((world.beaten().len(), world.sent_since(before, "Heartbeat")), (2, 1));
    world.run(Duration::from_millis(40));
    assert_eq!(world.beaten(), [1, 2, 3, 4]);
    assert_eq!(world.sent_since(before, "Heartbeat"), 1);

    // The end of the consumer is an answer too.
    world.run(Duration::from_millis(60));
    world.heartbeat(5);
    world.stop();
    assert_eq!(world.beaten(), [1, 2, 3, 4, 5]);
}

#[test]
fn a_heartbeat_that_brings_a_rebalance_answers_whoever_asked() {
    let often = ConsumerConfig { heartbeat_interval: Duration::from_millis(50), ..config() };
    let mut world = World::with(often, 7);
    world.handler = None;
    world.append_all(1);
    world.start();
    world.run_until(|world| world.joined == 1);
    world.run(Duration::from_millis(60));
    world.cluster.rebalancing = true;
    world.heartbeat(1);
    world.run(Duration::from_millis(40));
    assert_eq!(world.beaten(), [1]);
    assert_eq!(world.consumer.pending_error(), Some(ErrorCode::REBALANCE_IN_PROGRESS));
    assert_eq!(world.joined, 1, "the handler is still at it");
}

/// A member that has just joined, and whose host has not had a turn yet.
fn unheard() -> World {
    let mut world = World::new();
    world.append_all(10);
    world.deaf = true;
    world.start();
    world.run_until(|world| world.joined == 1);
    world.run(SECOND);
    world
}

#[test]
fn what_is_committed_in_the_turn_of_the_join_is_where_we_begin() {
    let mut world = unheard();
    world.holes.extend([0, 1]);
    world.commit(1, 0, 7);
    world.commit(2, 1, 4);
    world.run(SECOND);
    let (commits, lookups) = (world.sent_since(0, "OffsetCommit"), world.sent_since(0, "OffsetFetch"));
    assert_eq!((commits, lookups), (0, 0));
    world.consumer.complete_join();
    world.settle();
    world.run(2 * SECOND);
    assert_eq!((world.done(1), world.done(2)), (Some(Ok(())), Some(Ok(()))));
    let first = |number| world.delivered.iter().find(|(partition, _)| *partition == number).unwrap().1;
    assert_eq!([0, 1, 2, 3].map(first), [7, 4, 0, 0]);
    world.assert_all_committed();
}

#[test]
fn a_commit_that_fails_in_the_turn_of_the_join_keeps_nobody() {
    let mut world = unheard();
    world.cluster.coordinator = 1;
    world.holes.insert(0);
    world.commit(1, 0, 7);
    world.consumer.complete_join();
    world.settle();
    world.run(5 * SECOND);
    assert_eq!(world.done(1), Some(Ok(())));
    world.assert_all_committed();
}

#[test]
fn whoever_never_hears_of_the_join_can_leave() {
    let mut world = unheard();
    world.stop();
    world.run(SECOND);
    assert_eq!(world.stopped, 1);
}
