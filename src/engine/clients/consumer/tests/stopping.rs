//! `stop` at any moment ends once, in time, and leaves nobody behind in the group.

use std::time::Duration;

use crate::engine::clients::consumer::Event;
use crate::engine::clients::consumer::GroupMembershipOperation;
use crate::engine::machine::ConnectionKind;
use crate::engine::machine::Failure;
use crate::engine::machine::Machine;
use crate::engine::machine::Target;

use super::world::*;

const SECOND: Duration = Duration::from_secs(1);

impl World {
    /// Ends within `bound`, once, and quietly.
    fn must_stop_within(&mut self, bound: Duration) {
        self.run(bound);
        assert_eq!(self.stopped, 1);
        assert_eq!(self.consumer.poll_timeout(self.now), None);
        self.stop();
        self.run(60 * SECOND);
        assert_eq!(self.stopped, 1, "stopping twice is stopping once");
        assert!(self.cluster.members.is_empty(), "a member without a client: {:?}", self.cluster.members);
    }
}

#[test]
fn before_the_start() {
    let mut world = World::new();
    world.stop();
    world.must_stop_within(Duration::ZERO);
    world.start();
    world.run(SECOND);
    assert!(world.requests.is_empty());
}

#[test]
fn at_every_step_of_the_first_join() {
    for step in 0..40 {
        let mut world = World::new();
        world.append_all(1);
        world.start();
        world.run(step * Duration::from_millis(1));
        world.stop();
        world.must_stop_within(7 * SECOND);
    }
}

#[test]
fn while_the_coordinator_holds_the_join() {
    let mut world = World::new();
    world.cluster.holds_joins = true;
    world.start();
    world.run(SECOND);
    world.stop();
    world.run(2 * SECOND);
    assert_eq!(world.stopped, 0, "the answer brings a member id that must not stay behind");
    world.cluster.holds_joins = false;
    world.must_stop_within(SECOND);
    assert_eq!(world.cluster.left, 1);
}

#[test]
fn while_the_coordinator_holds_the_join_of_a_member_and_says_nothing() {
    let mut world = World::running();
    world.cluster.rebalancing = true;
    world.cluster.holds_joins = true;
    world.run_until(|world| world.events.iter().any(|e| matches!(e, Event::Rebalancing { .. })));
    world.run(SECOND);
    world.silent = true;
    world.stop();
    world.run(SECOND);
    assert_eq!(world.stopped, 1, "the session's end would do");
}

#[test]
fn at_rest() {
    let mut world = World::running();
    world.stop();
    world.must_stop_within(SECOND);
    assert_eq!(world.cluster.left, 1);
}

#[test]
fn while_handlers_are_at_work_they_finish_their_message() {
    let mut world = World::running();
    world.handler = Some(Duration::from_millis(400));
    world.append_all(10);
    world.run(Duration::from_millis(100));
    let busy: Vec<i32> = world.lanes.iter().flatten().map(|lane| lane.partition).collect();
    assert_eq!(busy.len(), 2);
    world.stop();
    world.must_stop_within(SECOND);
    assert_eq!(world.delivered.len(), 42, "and nothing new begins");
    for partition in busy {
        assert_eq!(world.cluster.committed[&partition], 11);
    }
}

#[test]
fn while_a_handler_hangs() {
    let mut world = World::running();
    world.handler = None;
    world.append_all(10);
    world.run(SECOND);
    world.stop();
    world.must_stop_within(MAX_POLL + 2 * SECOND);
    world.release();
    assert_eq!(world.stopped, 1);
}

#[test]
fn at_every_step_of_a_rebalance() {
    for busy in [false, true] {
        for step in 0..60 {
            let mut world = World::running();
            if busy {
                world.handler = Some(Duration::from_millis(30));
                world.append_all(100);
                world.run(Duration::from_millis(40));
            }
            world.cluster.rebalancing = true;
            world.run_until(|world| world.events.iter().any(|e| matches!(e, Event::Rebalancing { .. })));
            world.run(step * Duration::from_millis(1));
            world.stop();
            world.must_stop_within(3 * SECOND);
            let handled = world.handled.clone();
            for (partition, handled) in handled {
                assert_eq!(world.cluster.committed[&partition], handled, "{step}");
            }
        }
    }
}

#[test]
fn a_commit_on_the_way_out_is_committed_before_the_group_is_left() {
    let mut world = World::running();
    world.handler = Some(Duration::from_millis(400));
    world.append_all(10);
    world.run(Duration::from_millis(100));
    world.stop();
    world.commit(1, 3, 5);
    world.must_stop_within(2 * SECOND);
    assert_eq!(world.done(1), Some(Ok(())));
    let order: Vec<_> = world.requests.iter().rev().map(|(_, name)| *name).take(2).collect();
    assert_eq!(order, ["LeaveGroup", "OffsetCommit"]);
}

#[test]
fn a_commit_that_cannot_be_is_settled_all_the_same() {
    // No generation yet.
    let mut world = World::new();
    world.cluster.holds_joins = true;
    world.start();
    world.run(SECOND);
    world.commit(1, 0, 5);
    world.stop();
    assert_eq!(world.done(1), Some(Err(Failure::Stopped)), "the handler may be waiting for it");
    world.commit(2, 0, 5);
    assert_eq!(world.done(2), Some(Err(Failure::Stopped)));
    world.cluster.holds_joins = false;
    world.must_stop_within(7 * SECOND);

    // No answer.
    let mut world = World::running();
    world.cluster.holds_commits = true;
    world.commit(1, 0, 5);
    world.commit(2, 0, 6);
    world.stop();
    world.must_stop_within(7 * SECOND);
    assert!(world.done(1).is_some() && world.done(2).is_some());
    assert!(matches!(world.done(2), Some(Err(_))));

    // Stopped for good.
    world.stopped = 0;
    world.commit(3, 0, 5);
    assert_eq!(world.done(3), Some(Err(Failure::Stopped)));
}

#[test]
fn without_a_network() {
    for busy in [false, true] {
        let mut world = World::running();
        if busy {
            world.handler = Some(Duration::from_millis(10));
            world.append_all(10);
            world.run(Duration::from_millis(15));
        }
        world.down = true;
        world.cut();
        world.stop();
        world.run(8 * SECOND);
        assert_eq!(world.stopped, 1);
    }
}

#[test]
fn after_a_crash() {
    let mut world = World::running();
    world.log(0).append_corrupt();
    world.append_all(3);
    world.run(12 * SECOND);
    assert!(world.crashed());
    let delivered = world.delivered.len();
    world.run(3 * SECOND);
    assert_eq!(world.delivered.len(), delivered);
    world.stop();
    world.must_stop_within(2 * SECOND);
    assert_eq!(world.events.iter().filter(|event| matches!(event, Event::Crashed(_))).count(), 1);
}

#[test]
fn after_a_crash_at_every_step_of_a_rebalance() {
    for step in 0..60 {
        let mut world = World::running();
        world.handler = Some(Duration::from_millis(30));
        world.append_all(100);
        world.run(Duration::from_millis(40));
        world.cluster.rebalancing = true;
        world.run_until(|world| world.events.iter().any(|e| matches!(e, Event::Rebalancing { .. })));
        world.run(step * Duration::from_millis(1));
        let joined = world.joined;
        world.consumer.crash(Failure::OffsetOutOfRange(tp(0)));
        world.settle();
        let delivered = world.delivered.len();
        world.run(SECOND);
        assert!(world.delivered.len() - delivered <= 2, "nothing but the messages that handlers had: {step}");
        assert_eq!(world.joined, joined, "{step}");
        world.stop();
        world.must_stop_within(3 * SECOND);
        for (partition, handled) in world.handled.clone() {
            assert_eq!(world.cluster.committed[&partition], handled, "{step}");
        }
        let crashes = world.events.iter().filter(|event| matches!(event, Event::Crashed(_))).count();
        assert_eq!(crashes, 1);
    }
}

#[test]
fn when_thrown_out_on_the_way() {
    let mut world = World::running();
    world.handler = None;
    world.append_all(3);
    world.run(SECOND);
    world.stop();
    world.cluster.members.clear();
    world.run(3 * SECOND);
    world.commit(1, 0, 5);
    assert!(world.done(1).is_some(), "no generation will come");
    world.release();
    world.must_stop_within(8 * SECOND);
}

#[test]
fn brokers_that_are_silent_are_not_waited_for() {
    let mut world = World::running();
    world.handler = Some(SECOND);
    world.append(0, 5);
    world.run(2 * SECOND + SECOND / 2);
    world.silent = true;
    world.stop();
    world.run(SECOND);
    assert_eq!(world.stopped, 0, "a handler ends, a commit is tried");
    world.run(2 * SECOND);
    assert_eq!(world.stopped, 1);
}

#[test]
fn a_slow_coordinator_is_waited_for() {
    let mut world = World::running();
    world.handler = Some(SECOND);
    world.append(0, 5);
    world.run(2 * SECOND + SECOND / 2);
    world.cluster.holds_commits = true;
    world.stop();
    world.run(SECOND + SECOND / 2);
    assert_eq!(world.stopped, 0);
    world.cluster.holds_commits = false;
    world.must_stop_within(2 * SECOND);
    assert_eq!(world.cluster.committed[&0], 13);
}

/// A run that follows would wait behind it.
#[test]
fn what_brokers_hold_back_is_left_to_its_connections() {
    let renewed = |world: &World| -> Vec<Target> {
        let targets = world.events.iter().filter_map(|event| match event {
            Event::Renew(target) => Some(*target),
            _ => None,
        });
        targets.collect()
    };
    let mut world = World::running();
    world.stop();
    world.must_stop_within(SECOND);
    let mut targets = renewed(&world);
    targets.sort_by_key(|target| format!("{target:?}"));
    assert_eq!(targets, [0, 1].map(|node| Target::Node(node, ConnectionKind::Fetch)));

    // A static member says nothing, and its JoinGroup stays where it is.
    let mut world = World::new();
    world.cluster.holds_joins = true;
    world.start();
    world.run(SECOND);
    world.consumer.stop(world.now, GroupMembershipOperation::RemainInGroup);
    world.settle();
    world.run(SECOND);
    assert_eq!((world.stopped, renewed(&world)), (1, vec![Target::coordinator(0)]));
}

#[test]
fn what_is_decoded_after_the_end_tells_nothing() {
    let mut world = World::running();
    world.decoding_takes = 30 * SECOND;
    world.append(0, 5);
    world.run(Duration::from_millis(100));
    world.stop();
    // Within that the long polls are answered, and the decoder is through: whatever they tell would come behind the last event.
    world.must_stop_within(2 * SECOND);
}
