//! Topics that get more partitions.

use std::time::Duration;

use crate::engine::clients::consumer::Event;

use super::world::*;

const SECOND: Duration = Duration::from_secs(1);

/// How often the group was joined again because the topic had changed.
fn resyncs(world: &World) -> usize {
    world.events.iter().filter(|event| matches!(event, Event::TopicUpdated { .. })).count()
}

#[test]
fn more_partitions_mean_another_generation() {
    let mut world = World::running();
    let new = world.cluster.add_partition();
    world.cluster.share.push(new);
    world.run(310 * SECOND);
    assert_eq!(world.joined, 2);
    world.append(4, 3);
    world.run(SECOND);
    assert_eq!(world.cluster.committed[&4], 3);
}

#[test]
fn a_leader_that_has_assigned_the_new_partitions_has_no_reason_to_do_it_again() {
    let mut world = World::running();
    let new = world.cluster.add_partition();
    world.cluster.share.push(new);
    world.cluster.rebalancing = true;
    world.run(10 * SECOND);
    world.append(new, 3);
    world.run(310 * SECOND);
    assert_eq!(world.cluster.committed[&new], 3);
    assert_eq!((world.joined, resyncs(&world)), (2, 0));
}

#[test]
fn a_leader_assigns_again_what_it_could_not_see() {
    let mut world = World::running();
    let new = world.cluster.add_partition();
    world.cluster.share.push(new);
    world.cluster.rebalancing = true;
    world.run_until(|world| world.joined == 2);
    world.cluster.add_partition();
    world.run(310 * SECOND);
    assert_eq!((world.joined, resyncs(&world)), (3, 1));
    world.run(310 * SECOND);
    assert_eq!((world.joined, resyncs(&world)), (3, 1), "it has seen it, and has given it to nobody");
}

#[test]
fn the_leader_of_a_cooperative_group_looks_for_new_partitions_six_times_as_often() {
    let mut world = World::cooperative(&[0, 1]);
    world.run(SECOND);
    let before = world.requests.len();
    world.run(300 * SECOND);
    assert_eq!(world.sent_since(before, "Metadata"), 6);
    let new = world.cluster.add_partition();
    world.cluster.share.push(new);
    world.run(52 * SECOND);
    assert_eq!((world.joined, resyncs(&world)), (2, 1));
    world.cluster.follows = true;
    world.cluster.rebalancing = true;
    world.run_until(|world| world.joined == 3);
    world.run(110 * SECOND);
    let before = world.requests.len();
    world.run(600 * SECOND);
    assert_eq!(world.sent_since(before, "Metadata"), 2, "it leads no more");
}

#[test]
fn a_member_that_follows_leaves_new_partitions_to_the_leader() {
    let mut world = World::new();
    world.cluster.follows = true;
    world.append_all(1);
    world.start();
    world.run(2 * SECOND);
    let mine = world.cluster.add_partition();
    world.cluster.add_partition();
    world.cluster.share.push(mine);
    world.cluster.rebalancing = true;
    world.run(10 * SECOND);
    assert!(world.events.iter().any(|event| matches!(event, Event::PartitionsUnknown { .. })));
    world.append(mine, 3);
    world.run(SECOND);
    assert_eq!(world.cluster.committed[&mine], 3);
    world.cluster.add_partition();
    world.run(310 * SECOND);
    assert_eq!((world.joined, resyncs(&world)), (2, 0));
}
