//! Brokers that take a request and do not answer.

use std::time::Duration;

use super::world::*;

const SECOND: Duration = Duration::from_secs(1);

/// A member whose JoinGroup has just gone out.
fn joining() -> World {
    let mut world = World::running();
    let before = world.requests.len();
    world.cluster.rebalancing = true;
    world.cluster.holds_joins = true;
    world.run_until(|world| world.sent_since(before, "JoinGroup") == 1);
    world
}

/// Node 0 is fenced: the cluster goes on without it.
fn elect(world: &mut World) {
    world.cluster.brokers.remove(&0);
    (0..4).for_each(|partition| world.cluster.move_leader(partition, 1));
    world.cluster.coordinator = 1;
}

#[test]
fn a_coordinator_that_freezes_during_a_join_is_left_when_the_cluster_has_another() {
    let mut world = joining();
    world.frozen = Some(0);
    world.cluster.holds_joins = false;
    let before = world.requests.len();
    world.run(6 * SECOND);
    assert_eq!((world.sent_since(before, "Metadata"), world.sent_since(before, "JoinGroup")), (1, 0));
    assert_eq!(world.joined, 1);
    elect(&mut world);
    world.run(8 * SECOND);
    assert_eq!(world.joined, 2);
    world.append_all(3);
    world.run(2 * SECOND);
    world.assert_all_committed();
}

#[test]
fn a_join_that_the_coordinator_holds_back_is_waited_for() {
    let mut world = joining();
    let before = world.requests.len();
    world.run(31 * SECOND);
    assert_eq!(world.sent_since(before, "Metadata"), 6, "now and then");
    assert_eq!(world.requests.len() - before, 6, "and nothing else");
    world.cluster.holds_joins = false;
    world.run(SECOND);
    assert_eq!((world.joined, world.sent_since(before, "JoinGroup")), (2, 0));
}

#[test]
fn positions_that_a_frozen_broker_should_tell_are_asked_of_the_next() {
    let mut world = World::new();
    world.append_all(3);
    world.start();
    world.run_until(|world| world.sent_since(0, "ListOffsets") > 0);
    world.frozen = Some(0);
    world.run(6 * SECOND);
    elect(&mut world);
    world.run(8 * SECOND);
    world.assert_all_committed();
}
