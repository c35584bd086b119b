//! Assignments that change by some partitions: what is kept goes on, what is revoked beside it ends in good order.

use std::time::Duration;

use crate::engine::clients::consumer::ConsumerConfig;
use crate::engine::clients::consumer::Event;
use crate::engine::clients::consumer::Offered;
use crate::engine::delivery::{LANE_STALE, LANE_STOP};
use crate::engine::group::assignors::Assignor;
use crate::engine::machine::Failure;
use crate::engine::machine::Owned;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Subscription;
use crate::engine::protocol::join_group::JoinGroupProtocol;

use super::handlers::*;
use super::world::*;

const SECOND: Duration = Duration::from_secs(1);

/// Two handlers in the middle of a message of partitions 0 and 1, with more behind it.
fn busy(share: &[i32]) -> World {
    at_work(World::cooperative(share))
}

/// The group rebalances and gives us these.
fn assign(world: &mut World, share: &[i32]) {
    let joined = world.joined;
    world.cluster.share = share.to_vec();
    world.cluster.rebalancing = true;
    world.run_until(|world| world.joined > joined);
}

#[test]
fn a_kept_partition_is_delivered_and_committed_through_the_whole_rebalance() {
    let mut world = busy(&[0, 1]);
    world.cluster.holds_joins = true;
    world.cluster.rebalancing = true;
    let before = world.requests.len();
    world.run_until(|world| world.sent_since(before, "JoinGroup") == 1);
    let (had, commits) = (delivered(&world, 0).len(), world.cluster.commits.len());
    for _ in 0..10 {
        world.run(MESSAGE);
        assert_eq!((flags(&world, 0), flags(&world, 1)), (0, 0), "no lane is asked to stop");
        assert_eq!(world.consumer.pending_error(), None, "no handler is told of a rebalance");
    }
    assert!(delivered(&world, 0).len() >= had + 9, "while JoinGroup is held back");
    assert!(world.cluster.commits.len() > commits || world.consumer.uncommitted().len() == 2);
    world.cluster.holds_joins = false;
    world.run(20 * SECOND);
    assert_eq!((world.joined, world.sent_since(before, "OffsetFetch")), (2, 0), "no position is looked up");
    for partition in [0, 1] {
        assert_eq!(delivered(&world, partition), (0..50).collect::<Vec<_>>(), "each message once");
    }
    world.assert_all_committed();
}

#[test]
fn a_revoked_partition_ends_is_committed_and_released_while_its_neighbour_goes_on() {
    let mut world = busy(&[0, 1]);
    let before = world.requests.len();
    assign(&mut world, &[0]);
    assert_eq!(flags(&world, 0), 0, "the kept one is left alone");
    assert_eq!(flags(&world, 1), LANE_STOP, "the revoked one ends after its message");
    assert_eq!(world.consumer.assignment(), [tp(0), tp(1)], "it is ours until it is committed");
    assert_eq!(world.consumer.pending_error(), None);
    let (kept, revoked) = (delivered(&world, 0).len(), delivered(&world, 1));
    world.run_until(|world| world.sent_since(before, "JoinGroup") == 2);
    assert_eq!(world.consumer.assignment(), [tp(0)]);
    assert_eq!(world.cluster.committed[&1], world.handled[&1], "committed before the others can have it");
    world.run(2 * SECOND);
    assert_eq!(delivered(&world, 1), revoked, "nothing of it was handed out any more");
    assert!(delivered(&world, 0).len() > kept + 4);
    assert_eq!(world.joined, 3);
    world.run(20 * SECOND);
    assert_eq!(delivered(&world, 0), (0..50).collect::<Vec<_>>(), "each message once");
    assert_eq!(world.cluster.committed[&0], 50);
    assert_eq!(world.cluster.committed[&1], world.handled[&1]);
}

#[test]
fn a_handler_that_does_not_end_holds_up_its_own_partition_only() {
    let mut world = busy(&[0, 1]);
    let lane = world.lanes.iter().position(|lane| lane.as_ref().is_some_and(|l| l.partition == 1)).unwrap();
    world.lanes[lane].as_mut().unwrap().until = None;
    assign(&mut world, &[0]);
    let had = delivered(&world, 0).len();
    world.run(4 * SECOND);
    assert!(delivered(&world, 0).len() > had + 10);
    world.run(REBALANCE);
    assert_eq!(world.joined, 3, "it is waited for as long as the group waits for us");
    let stale = world.consumer.lane_flags().nth(lane).unwrap();
    assert_eq!(stale & LANE_STALE, LANE_STALE);
    let commits = world.cluster.commits.len();
    world.release();
    world.run(20 * SECOND);
    assert!(world.cluster.commits[commits..].iter().all(|(partition, _)| *partition == 0), "a late commit");
    assert_eq!(world.cluster.committed[&0], 50);
}

#[test]
fn only_what_is_added_begins_anew() {
    let mut world = busy(&[0, 1]);
    world.append(2, 5);
    let before = world.requests.len();
    assign(&mut world, &[2, 1, 0]);
    world.run(20 * SECOND);
    assert_eq!((world.joined, world.sent_since(before, "OffsetFetch")), (2, 1));
    assert_eq!(delivered(&world, 2), [0, 1, 2, 3, 4]);
    for partition in [0, 1] {
        assert_eq!(delivered(&world, partition), (0..50).collect::<Vec<_>>(), "each message once");
    }
    world.assert_all_committed();
}

#[test]
fn partitions_that_come_while_others_go() {
    let mut world = busy(&[0, 1]);
    world.append(2, 5);
    world.cluster.committed.insert(2, 3);
    assign(&mut world, &[0, 2]);
    world.run(2 * SECOND);
    assert_eq!(world.consumer.assignment(), [tp(0), tp(2)]);
    world.run(20 * SECOND);
    assert_eq!(delivered(&world, 2), [3, 4]);
    assert_eq!((world.cluster.committed[&0], world.cluster.committed[&2]), (50, 5));
    assert_eq!(world.cluster.committed[&1], world.handled[&1]);
}

#[test]
fn a_pause_and_what_is_buffered_behind_it_outlive_the_rebalance() {
    let mut world = busy(&[0, 1]);
    world.consumer.pause("t", Some(&[0]));
    world.run(SECOND);
    let had = delivered(&world, 0);
    assign(&mut world, &[0]);
    world.run(2 * SECOND);
    assert_eq!((world.joined, world.consumer.paused()), (3, vec![tp(0)]));
    assert_eq!(delivered(&world, 0), had, "nothing comes of it");
    // What was kept of the delivery is handed out, although no broker answers any more.
    world.down = true;
    world.consumer.resume("t", Some(&[0]));
    world.settle();
    assert_eq!(delivered(&world, 0).len(), had.len() + 1);
    world.down = false;
    world.run(20 * SECOND);
    assert_eq!(delivered(&world, 0), (0..50).collect::<Vec<_>>(), "each message once");
}

#[test]
fn an_offset_that_nobody_has_committed_yet_is_still_there() {
    let mut world = World::cooperative_with(ConsumerConfig { auto_commit: false, ..config() }, &[0, 1]);
    let uncommitted = world.consumer.uncommitted();
    assert_eq!(uncommitted.len(), 2);
    assign(&mut world, &[0, 1]);
    world.run(SECOND);
    assert_eq!(world.consumer.uncommitted(), uncommitted);
    assign(&mut world, &[0]);
    world.run(SECOND);
    assert_eq!(world.consumer.uncommitted(), uncommitted[..1]);
    world.consumer.commit(1, None);
    world.settle();
    world.run(SECOND);
    assert_eq!(world.done(1), Some(Ok(())));
    assert_eq!(world.cluster.commits, [(0, 10)]);
}

#[test]
fn a_commit_under_way_is_repeated_in_the_next_generation() {
    let mut world = World::cooperative(&[0, 1]);
    world.handler = None;
    world.append(0, 5);
    world.run(SECOND);
    world.cluster.holds_commits = true;
    world.commit(1, 0, 11);
    assign(&mut world, &[0, 1]);
    world.cluster.holds_commits = false;
    world.run(SECOND);
    assert_eq!(world.done(1), Some(Ok(())));
    assert_eq!(world.cluster.committed[&0], 11);
    assert_eq!(world.joined, 2);
}

#[test]
fn a_member_that_the_group_does_not_know_any_more_loses_all_and_commits_nothing() {
    for step in 0..40 {
        let mut world = busy(&[0, 1]);
        world.cluster.rebalancing = true;
        world.run_until(|world| world.events.iter().any(|e| matches!(e, Event::Rebalancing { .. })));
        world.run(step * Duration::from_millis(1));
        let joined = world.joined;
        world.cluster.members.clear();
        for partition in [0, 1] {
            world.cluster.committed.insert(partition, 50);
        }
        let commits = world.cluster.commits.len();
        world.run(20 * SECOND);
        assert!(world.joined > joined, "{step}");
        assert_eq!(world.cluster.commits[commits..], [], "{step}");
        assert_eq!((world.cluster.committed[&0], world.cluster.committed[&1]), (50, 50));
    }
}

#[test]
fn a_seek_beside_a_revocation() {
    let mut world = busy(&[0, 1]);
    world.holes.extend([0, 1]);
    assign(&mut world, &[0]);
    world.consumer.seek(tp(0), 4);
    world.consumer.seek(tp(1), 6);
    world.settle();
    assert_eq!(flags(&world, 0) & LANE_STALE, LANE_STALE, "a kept partition goes there at once");
    world.run(2 * SECOND);
    let after = delivered(&world, 0);
    assert!(after.contains(&4) && after.iter().filter(|offset| **offset == 5).count() == 2);
    let had = delivered(&world, 1).len();
    assign(&mut world, &[0, 1]);
    world.run(2 * SECOND);
    assert_eq!(delivered(&world, 1)[had], 6, "the revoked one when it is ours again");
}

#[test]
fn a_stop_at_every_step_commits_everything() {
    for step in 0..60 {
        let mut world = busy(&[0, 1]);
        world.cluster.share = vec![0];
        world.cluster.rebalancing = true;
        world.run_until(|world| world.events.iter().any(|e| matches!(e, Event::Rebalancing { .. })));
        world.run(step * Duration::from_millis(10));
        world.stop();
        world.run(3 * SECOND);
        assert_eq!(world.stopped, 1, "{step}");
        for partition in [0, 1] {
            assert_eq!(world.cluster.committed[&partition], world.handled[&partition], "{step}");
        }
    }
}

#[test]
fn a_handler_that_hangs_while_another_partition_is_revoked_costs_the_membership() {
    let mut world = busy(&[0, 1]);
    world.handler = None;
    world.run(MESSAGE);
    assign(&mut world, &[0]);
    world.run(MAX_POLL + 2 * SECOND);
    assert!(world.consumer.assignment().is_empty());
    assert_eq!(world.cluster.left, 1);
    world.commit(1, 0, 20);
    let refused = Failure::Broker { code: ErrorCode::UNKNOWN_MEMBER_ID, partition: None };
    assert_eq!(world.done(1), Some(Err(refused)));
    world.cluster.share = vec![0, 1];
    world.release();
    world.run(20 * SECOND);
    world.assert_all_committed();
}

#[test]
fn a_commit_between_two_generations_waits_for_the_next_one() {
    let mut world = World::cooperative_with(ConsumerConfig { auto_commit: false, ..config() }, &[0, 1]);
    world.cluster.share = vec![0];
    world.cluster.holds_syncs = true;
    world.cluster.rebalancing = true;
    let before = world.requests.len();
    world.run_until(|world| world.sent_since(before, "SyncGroup") == 1);
    world.commit(1, 0, 10);
    world.commit(2, 1, 9);
    world.run(SECOND);
    assert_eq!((world.done(1), world.done(2)), (None, None), "neither refused nor taken");
    assert_eq!(world.sent_since(before, "OffsetCommit"), 1, "and not asked again for nothing");
    world.cluster.holds_syncs = false;
    world.run(SECOND);
    assert_eq!((world.done(1), world.done(2)), (Some(Ok(())), Some(Ok(()))));
    assert_eq!((world.cluster.committed[&0], world.cluster.committed[&1]), (10, 9), "both were ours still");
}

#[test]
fn a_commit_that_waits_for_a_generation_without_us_is_refused() {
    let mut world = World::cooperative_with(ConsumerConfig { auto_commit: false, ..config() }, &[0, 1]);
    world.cluster.holds_syncs = true;
    world.cluster.rebalancing = true;
    let before = world.requests.len();
    world.run_until(|world| world.sent_since(before, "SyncGroup") == 1);
    world.commit(1, 0, 10);
    world.run(SECOND);
    world.cluster.members.clear();
    world.cluster.share = vec![1];
    world.cluster.holds_syncs = false;
    world.run(20 * SECOND);
    let refused = Failure::Broker { code: ErrorCode::ILLEGAL_GENERATION, partition: Some(tp(0)) };
    assert_eq!(world.done(1), Some(Err(refused)));
    assert_eq!(world.cluster.commits, []);
}

#[test]
fn a_join_that_is_held_back_for_longer_than_the_session_stops_nothing_that_is_kept() {
    let mut world = World::cooperative_with(
        ConsumerConfig { rebalance_timeout: 4 * SESSION, max_poll_interval: 10 * SESSION, ..config() },
        &[0, 1],
    );
    world.handler = Some(MESSAGE);
    world.append(0, 400);
    world.cluster.holds_joins = true;
    world.cluster.rebalancing = true;
    let before = world.requests.len();
    world.run_until(|world| world.sent_since(before, "JoinGroup") == 1);
    for _ in 0..4 {
        let had = delivered(&world, 0).len();
        world.run(SESSION / 2);
        assert!(delivered(&world, 0).len() > had + 10, "heartbeats beside it tell that all is well");
    }
    // One that has never arrived is not waited for: the partitions are somebody else's then.
    world.run(4 * SESSION);
    let had = delivered(&world, 0).len();
    world.run(SESSION);
    assert_eq!(delivered(&world, 0).len(), had);
    world.cluster.holds_joins = false;
    world.run(2 * SECOND);
    assert!(delivered(&world, 0).len() > had, "but this one had");
    assert_eq!(world.joined, 2);
}

/// The coordinator waits for the rebalance timeout, however long a session is.
#[test]
fn a_join_that_never_arrives_ends_what_is_kept_when_the_rebalance_does() {
    let config = ConsumerConfig { rebalance_timeout: SESSION / 2, ..config() };
    let mut world = World::cooperative_with(config, &[0, 1]);
    world.handler = Some(MESSAGE);
    world.append(0, 100);
    world.run(SECOND);
    world.cluster.rebalancing = true;
    let before = world.requests.len();
    world.run_until(|world| world.sent_since(before, "JoinGroup") == 1);
    world.silent = true;
    let had = delivered(&world, 0).len();
    world.run(SESSION / 2);
    let goes = delivered(&world, 0).len();
    assert!(goes > had + 5, "it is ours until then");
    world.run(SESSION);
    assert_eq!(delivered(&world, 0).len(), goes);
}

#[test]
fn what_goes_right_after_a_join_does_not_wait_for_javascript() {
    let mut world = busy(&[0, 1]);
    world.append(2, 5);
    world.deaf = true;
    let before = world.requests.len();
    assign(&mut world, &[0, 2]);
    world.run_until(|world| world.sent_since(before, "JoinGroup") == 2);
    assert_eq!(world.cluster.committed[&1], world.handled[&1]);
    world.run(SECOND);
    assert_eq!(world.sent_since(before, "OffsetFetch"), 0, "what has come waits for its turn");
    world.deaf = false;
    world.consumer.complete_join();
    world.settle();
    world.run(20 * SECOND);
    assert_eq!(delivered(&world, 2), [0, 1, 2, 3, 4]);
    assert_eq!(delivered(&world, 0), (0..50).collect::<Vec<_>>(), "each message once");
}

#[test]
fn some_partitions_may_be_lost_alone() {
    let mut world = busy(&[0, 1]);
    let lane = world.lanes.iter().position(|lane| lane.as_ref().is_some_and(|l| l.partition == 1)).unwrap();
    let had = delivered(&world, 0).len();
    world.consumer.lost(world.now, &Owned::Only([tp(1)].into()));
    world.settle();
    let stale = world.consumer.lane_flags().nth(lane).unwrap();
    assert_eq!(stale & LANE_STALE, LANE_STALE);
    assert_eq!(world.consumer.assignment(), [tp(0)]);
    let commits = world.cluster.commits.len();
    world.run(4 * SECOND);
    assert!(
        world.cluster.commits[commits..].iter().all(|(partition, _)| *partition == 0),
        "not ours to commit"
    );
    assert!(delivered(&world, 0).len() > had + 10);
    assert_eq!(world.joined, 1);
}

#[test]
fn a_member_says_what_it_has_kept_and_since_when() {
    let assignors = vec![Offered::Engine(Assignor::CooperativeSticky), Offered::COOPERATIVE];
    let mut world = World::cooperative(&[0, 2]);
    world.consumer.config.assignors = assignors;
    let metadata = Subscription { version: 1, topics: vec!["t".into()], ..Subscription::default() }.encode();
    let of_facade = JoinGroupProtocol { name: "own".into(), metadata };
    let offered = world.consumer.with_ours(vec![of_facade]).unwrap();
    assert_eq!(
        offered.iter().map(|offered| &*offered.name).collect::<Vec<_>>(),
        ["cooperative-sticky", "own"]
    );
    let user_data = [Some(&[0, 0, 0, 1][..]), None];
    for (protocol, user_data) in offered.into_iter().zip(user_data) {
        let said = Subscription::decode(protocol.metadata).unwrap();
        assert_eq!(said.owned, [("t".to_owned(), vec![0, 2])]);
        assert_eq!((said.generation, said.topics), (1, vec!["t".to_owned()]));
        assert_eq!(said.user_data.as_deref(), user_data);
    }
    let unreadable = JoinGroupProtocol { name: "own".into(), metadata: "?".into() };
    let refusal = world.consumer.with_ours(vec![unreadable]).unwrap_err();
    assert!(refusal.starts_with("The assigner \"own\" is cooperative"), "{refusal}");
}
