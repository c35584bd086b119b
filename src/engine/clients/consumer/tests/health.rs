//! What is shown to who asks how the consumer is.

use std::time::Duration;

use crate::engine::clients::consumer::{Health, Wait, WaitReason};
use crate::engine::protocol::ErrorCode;

use super::world::*;

const SECOND: Duration = Duration::from_secs(1);

impl World {
    fn health(&self) -> Health {
        self.consumer.health(self.now)
    }

    fn reason(&self, partition: i32) -> Option<WaitReason> {
        self.wait(partition).map(|wait| wait.reason)
    }

    fn wait(&self, partition: i32) -> Option<Wait> {
        let partitions = self.health().partitions;
        partitions.into_iter().find(|health| health.progress.partition == tp(partition))?.wait
    }
}

fn reason_of(health: &Health) -> Option<WaitReason> {
    health.wait.as_ref().map(|wait| wait.reason)
}

#[test]
fn one_that_has_read_everything_waits_for_messages() {
    let mut world = World::new();
    assert_eq!((world.health().state, world.health().membership), ("connecting", None));
    world.append_all(10);
    world.start();
    assert_eq!(world.health().state, "joining");
    assert_eq!(reason_of(&world.health()), Some(WaitReason::Coordinator));
    world.run(2 * SECOND);
    let health = world.health();
    assert_eq!((health.state, health.wait, health.partitions.len()), ("running", None, 4));
    assert_eq!(health.membership.unwrap().generation_id, 1);
    assert_eq!(world.reason(2), Some(WaitReason::Messages));
    // Asked every second, within the last one answered.
    assert!(health.last_heartbeat.unwrap() <= SECOND + SECOND / 2);
    let then = health.last_progress.unwrap();
    world.run(5 * SECOND);
    assert_eq!(world.health().last_progress, Some(then + 5 * SECOND));
    world.stop();
    world.run(SECOND);
    assert_eq!(world.health().state, "stopped");
}

#[test]
fn a_handler_at_work_is_named_with_what_it_has_taken() {
    let mut world = World::new();
    world.handler = None;
    world.append_all(10);
    world.start();
    world.run(2 * SECOND);
    let before = world.wait(0).unwrap();
    assert_eq!((before.reason, before.partition), (WaitReason::Handler, Some(tp(0))));
    world.run(7 * SECOND);
    assert_eq!(world.wait(0).unwrap().lasted, before.lasted.map(|lasted| lasted + 7 * SECOND));
    // There are two lanes: the others wait for one of these.
    let other = world.wait(3).unwrap();
    assert_eq!(other.reason, WaitReason::Handler);
    assert!(other.partition == Some(tp(0)) || other.partition == Some(tp(1)), "{other:?}");
    // Out of the group, which nothing but the handler can change.
    world.run(MAX_POLL);
    let health = world.health();
    assert_eq!((health.state, reason_of(&health)), ("overdue", Some(WaitReason::Handler)));
    assert!(health.wait.unwrap().lasted.unwrap() >= MAX_POLL);
}

#[test]
fn a_paused_partition_says_so() {
    let mut world = World::running();
    world.consumer.pause("t", Some(&[1]));
    let health = world.health();
    let paused: Vec<_> = health.partitions.iter().map(|partition| partition.is_paused).collect();
    assert_eq!(paused, [false, true, false, false]);
}

#[test]
fn a_broker_that_refuses_or_does_not_answer_is_named() {
    let mut world = World::running();
    world.cluster.brokers.get_mut(&1).unwrap().errors.insert(3, (ErrorCode::KAFKA_STORAGE_ERROR, None));
    world.run(10 * SECOND);
    let wait = world.wait(3).unwrap();
    assert_eq!((wait.reason, wait.node), (WaitReason::Fetch, Some(1)));
    assert!(wait.error.unwrap().starts_with("KAFKA_STORAGE_ERROR: "));
    assert!(wait.lasted.unwrap() >= 8 * SECOND, "{:?}", wait.lasted);
    assert_eq!(world.reason(1), Some(WaitReason::Messages), "the others go on");
    world.cluster.brokers.get_mut(&1).unwrap().errors.clear();
    world.run(5 * SECOND);
    assert_eq!(world.reason(3), Some(WaitReason::Messages));

    world.frozen = Some(1);
    world.run(5 * SECOND);
    let wait = world.wait(1).unwrap();
    assert_eq!((wait.reason, wait.node), (WaitReason::Fetch, Some(1)));
    assert_eq!(wait.error.as_deref(), Some("it does not answer"));
}

#[test]
fn a_session_that_nobody_confirms_keeps_everything_waiting() {
    let mut world = World::running();
    world.silent = true;
    world.run(SESSION + SECOND);
    let health = world.health();
    assert_eq!((health.state, reason_of(&health)), ("running", Some(WaitReason::Session)));
    assert_eq!(world.reason(2), Some(WaitReason::Session));
    assert!(health.last_heartbeat.unwrap() >= SESSION);
}

#[test]
fn a_join_that_is_held_back_waits_for_the_group_and_one_without_coordinator_for_that() {
    let mut world = World::new();
    world.cluster.holds_joins = true;
    world.start();
    world.run(5 * SECOND);
    assert_eq!(reason_of(&world.health()), Some(WaitReason::Group));

    let mut world = World::new();
    world.down = true;
    world.start();
    world.run(5 * SECOND);
    let health = world.health();
    assert_eq!((health.state, reason_of(&health)), ("joining", Some(WaitReason::Coordinator)));
    assert_eq!(health.partitions, []);
}
