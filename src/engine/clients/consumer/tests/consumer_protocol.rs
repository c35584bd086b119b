//! The whole consumer in a group of KIP-848: the coordinator assigns, and the consumer gives up and takes partition by partition.

use std::time::Duration;

use crate::engine::clients::consumer::{ConsumerConfig, Event, GroupProtocol, Pattern};
use crate::engine::delivery::LANE_STOP;
use crate::engine::machine::Failure;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::consumer_group_heartbeat::{LEAVE_EPOCH, LEAVE_EPOCH_OF_STATIC};

use super::handlers::*;
use super::world::*;

const SECOND: Duration = Duration::from_secs(1);

/// Two handlers in the middle of a message of partitions 0 and 1, with more behind it.
fn busy(share: &[i32]) -> World {
    at_work(World::by_epoch(share))
}

fn is_rebalancing(world: &World) -> bool {
    world.events.iter().any(|event| matches!(event, Event::Rebalancing { .. }))
}

#[test]
fn alone_it_joins_consumes_commits_and_leaves() {
    let mut world = World::by_epoch(&[0, 1, 2, 3]);
    world.assert_all_committed();
    assert_eq!(world.sent_since(0, "JoinGroup"), 0);
    let beats = world.sent_since(0, "ConsumerGroupHeartbeat");
    world.run(10 * SECOND);
    assert!(
        (36..=44).contains(&(world.sent_since(0, "ConsumerGroupHeartbeat") - beats)),
        "four times as often as asked for"
    );
    world.stop();
    world.run(3 * SECOND);
    assert_eq!((world.stopped, world.cluster.kip848.left_at.clone()), (1, vec![LEAVE_EPOCH]));
}

#[test]
fn a_static_member_says_that_it_will_be_back() {
    let config = ConsumerConfig { group_instance_id: Some("one".into()), ..config() };
    let mut world = World::by_epoch_with(config, &[0, 1]);
    world.stop();
    world.run(3 * SECOND);
    assert_eq!((world.stopped, world.cluster.kip848.left_at.clone()), (1, vec![LEAVE_EPOCH_OF_STATIC]));
}

#[test]
fn a_revoked_partition_ends_is_committed_and_released_while_its_neighbour_goes_on() {
    let mut world = busy(&[0, 1]);
    let before = world.requests.len();
    world.cluster.share = vec![0];
    world.run_until(is_rebalancing);
    assert_eq!((flags(&world, 0), flags(&world, 1)), (0, LANE_STOP));
    assert_eq!(world.consumer.assignment(), [tp(0), tp(1)], "it is ours until it is committed");
    let (kept, revoked) = (delivered(&world, 0).len(), delivered(&world, 1));
    world.run_until(|world| world.cluster.kip848.owned == [0]);
    assert_eq!(world.cluster.committed[&1], world.handled[&1], "committed before the others can have it");
    assert_eq!(world.consumer.assignment(), [tp(0)]);
    world.run(3 * SECOND);
    assert_eq!(delivered(&world, 1), revoked, "nothing of it was handed out any more");
    assert!(delivered(&world, 0).len() > kept + 6);
    world.run(20 * SECOND);
    assert_eq!(delivered(&world, 0), (0..50).collect::<Vec<_>>(), "each message once");
    assert_eq!((world.joined, world.sent_since(before, "OffsetFetch")), (2, 0));
    assert_eq!(world.cluster.committed[&0], 50);
}

#[test]
fn only_what_is_added_is_looked_up_and_what_is_kept_is_committed_in_the_new_epoch() {
    let mut world = busy(&[0, 1]);
    world.append(2, 5);
    world.cluster.committed.insert(2, 3);
    let before = world.requests.len();
    world.cluster.share = vec![0, 1, 2];
    world.run(20 * SECOND);
    assert_eq!((world.joined, world.sent_since(before, "OffsetFetch")), (2, 1));
    assert_eq!(delivered(&world, 2), [3, 4]);
    for partition in [0, 1] {
        assert_eq!(delivered(&world, partition), (0..50).collect::<Vec<_>>(), "each message once");
    }
    world.assert_all_committed();
}

#[test]
fn a_commit_that_the_new_epoch_overtakes_is_repeated_in_it() {
    let mut world = World::by_epoch(&[0, 1]);
    world.handler = None;
    world.append(0, 5);
    world.run(SECOND);
    world.cluster.holds_commits = true;
    world.commit(1, 0, 11);
    world.cluster.share = vec![0, 1, 2];
    world.run_until(|world| world.joined == 2);
    world.cluster.holds_commits = false;
    world.run(SECOND);
    assert_eq!((world.done(1), world.cluster.committed[&0]), (Some(Ok(())), 11));
}

#[test]
fn a_member_that_is_fenced_or_forgotten_loses_all_and_commits_nothing() {
    for (step, is_forgotten) in (0..30).map(|step| (step, step % 2 == 0)) {
        let mut world = busy(&[0, 1]);
        world.cluster.share = vec![0];
        world.run_until(is_rebalancing);
        world.run(step * Duration::from_millis(20));
        let joined = world.joined;
        if is_forgotten {
            world.cluster.members.clear();
        } else {
            world.cluster.generation += 7;
        }
        for partition in [0, 1] {
            world.cluster.committed.insert(partition, 50);
        }
        let commits = world.cluster.commits.len();
        world.run(20 * SECOND);
        assert!(world.joined > joined, "{step}");
        assert_eq!(world.cluster.commits[commits..], [], "{step}");
        assert_eq!((world.cluster.committed[&0], world.cluster.committed[&1]), (50, 50));
        assert_eq!(world.consumer.pending_error(), None, "{step}");
    }
}

#[test]
fn a_coordinator_that_moves_is_followed_and_nothing_changes() {
    let mut world = busy(&[0, 1]);
    world.cluster.coordinator = 1;
    world.cut();
    world.run(20 * SECOND);
    assert_eq!((world.joined, is_rebalancing(&world)), (1, false));
    for partition in [0, 1] {
        assert_eq!(delivered(&world, partition), (0..50).collect::<Vec<_>>(), "each message once");
    }
    world.assert_all_committed();
}

#[test]
fn without_an_answer_for_three_intervals_nothing_is_handed_out() {
    let mut world = busy(&[0, 1]);
    world.frozen = Some(0);
    world.run(4 * SECOND);
    let had = world.delivered.len();
    assert!(world.consumer.is_expired() && world.lanes.iter().flatten().next().is_none());
    world.run(4 * SECOND);
    assert_eq!(world.delivered.len(), had);
    assert_eq!(world.consumer.pending_error(), Some(ErrorCode::REBALANCE_IN_PROGRESS));
    world.frozen = None;
    world.cut();
    world.run(30 * SECOND);
    for partition in [0, 1] {
        assert_eq!(delivered(&world, partition), (0..50).collect::<Vec<_>>(), "each message once");
    }
    assert_eq!(world.joined, 1, "nobody else had them meanwhile");
}

#[test]
fn a_stop_at_every_step_commits_everything_and_leaves() {
    for step in 0..60 {
        let mut world = busy(&[0, 1]);
        world.cluster.share = vec![0];
        world.run_until(is_rebalancing);
        world.run(step * Duration::from_millis(10));
        world.stop();
        world.run(3 * SECOND);
        assert_eq!((world.stopped, world.cluster.left), (1, 1), "{step}");
        for partition in [0, 1] {
            assert_eq!(world.cluster.committed[&partition], world.handled[&partition], "{step}");
        }
    }
}

#[test]
fn a_handler_that_hangs_costs_the_membership_until_it_goes_on() {
    let mut world = busy(&[0, 1]);
    world.handler = None;
    world.run(MAX_POLL + 2 * SECOND);
    assert_eq!((world.consumer.assignment(), world.cluster.left), (Vec::new(), 1));
    world.commit(1, 0, 20);
    let refused = Failure::Broker { code: ErrorCode::UNKNOWN_MEMBER_ID, partition: None };
    assert_eq!(world.done(1), Some(Err(refused)));
    world.release();
    world.run(20 * SECOND);
    world.assert_all_committed();
    assert_eq!(world.joined, 2);
}

#[test]
fn a_pause_and_a_seek_outlive_the_change() {
    let mut world = busy(&[0, 1]);
    world.holes.extend([0, 1]);
    world.consumer.pause("t", Some(&[0]));
    world.run(SECOND);
    let had = delivered(&world, 0);
    world.cluster.share = vec![0];
    world.run_until(is_rebalancing);
    world.consumer.seek(tp(1), 6);
    world.run(3 * SECOND);
    assert_eq!((world.consumer.paused(), delivered(&world, 0)), (vec![tp(0)], had.clone()));
    world.consumer.resume("t", Some(&[0]));
    let had = delivered(&world, 1).len();
    world.cluster.share = vec![0, 1];
    world.run(4 * SECOND);
    assert_eq!(delivered(&world, 1)[had], 6, "the revoked one goes there when it is ours again");
    world.run(20 * SECOND);
    assert_eq!(world.cluster.committed[&0], 50);
}

#[test]
fn a_broker_that_does_not_speak_it_is_met_by_the_classic_protocol_if_that_may_be() {
    for group_protocol in [GroupProtocol::Auto, GroupProtocol::Consumer] {
        let mut world = World::with(ConsumerConfig { group_protocol, ..config() }, 7);
        world.append_all(10);
        world.start();
        world.run(3 * SECOND);
        if group_protocol == GroupProtocol::Auto {
            world.assert_all_committed();
            assert_eq!((world.joined, world.crashed()), (1, false));
        } else {
            assert!(world.crashed());
            world.stop();
            world.run(SECOND);
            assert_eq!(world.stopped, 1);
        }
    }
}

/// `group.version` is lowered under its members.
#[test]
fn a_broker_where_it_is_switched_off_is_met_by_the_classic_protocol_if_that_may_be() {
    for group_protocol in [GroupProtocol::Auto, GroupProtocol::Consumer] {
        let mut world = World::with(ConsumerConfig { group_protocol, ..config() }, 7);
        world.cluster.kip848.is_spoken = true;
        world.cluster.share = vec![0, 1, 2, 3];
        world.append_all(10);
        world.start();
        world.run(3 * SECOND);
        world.assert_all_committed();
        assert_eq!(world.sent_since(0, "JoinGroup"), 0);
        world.cluster.kip848.is_spoken = false;
        world.run(10 * SECOND);
        assert_eq!(world.crashed(), group_protocol == GroupProtocol::Consumer);
        if group_protocol == GroupProtocol::Auto {
            world.append_all(10);
            world.run(10 * SECOND);
            world.assert_all_committed();
            assert!(world.sent_since(0, "JoinGroup") > 0);
        }
    }
}

#[test]
fn what_the_coordinator_finds_by_a_pattern_is_consumed_although_nobody_here_has_named_it() {
    let mut world = World::with(ConsumerConfig { group_protocol: GroupProtocol::Consumer, ..config() }, 7);
    world.cluster.kip848.is_spoken = true;
    world.append_all(10);
    let pattern = Pattern { regex: "t.*".into(), from_beginning: true };
    world.consumer.start(world.now, [].into(), Some(pattern));
    world.settle();
    world.run(3 * SECOND);
    world.assert_all_committed();
    // Its leaders are looked after as those of any topic.
    world.cluster.move_leader(0, 1);
    world.append(0, 5);
    world.run(5 * SECOND);
    world.assert_all_committed();
    assert_eq!(world.consumer.assignment().len(), 4);
}
