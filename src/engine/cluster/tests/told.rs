//! What is told of look-ups that go on in vain, and how often.

use std::time::Duration;

use crate::engine::cluster::{Cluster, ClusterConfig, CoordinatorKey, Event};
use crate::engine::machine::LogLevel;
use crate::engine::machine::NetError;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Response;
use crate::engine::protocol::metadata::{MetadataPartition, MetadataTopic};

use super::{MAX_AGE, World, broken, closed, coordinator, metadata, topic};

impl World {
    /// For this long each request of this kind is answered so, every second: the warnings, and after how many seconds.
    fn goes_on(
        &mut self,
        kind: &str,
        seconds: u64,
        answer: impl Fn() -> Result<Response, NetError>,
    ) -> Vec<(u64, String)> {
        let mut told = Vec::new();
        for second in 0..seconds {
            while self.asked().contains(&kind) {
                self.answer(kind, answer());
            }
            told.extend(self.events().into_iter().filter_map(|event| match event {
                Event::Log(log) if log.level == LogLevel::Warn => Some((second, log.message)),
                _ => None,
            }));
            self.pass(Duration::from_secs(1));
        }
        told
    }
}

/// In tens of seconds: a line waits for the next answer, and that for its back-off.
fn at(told: &[(u64, String)]) -> Vec<u64> {
    told.iter().map(|(second, _)| second / 10 * 10).collect()
}

/// A topic is watched that the first answer does not know, and the next one does: what is told of it.
fn appears(allow_auto_topic_creation: bool) -> Vec<(LogLevel, String)> {
    let config = ClusterConfig { metadata_max_age: MAX_AGE, allow_auto_topic_creation };
    let mut world = World { cluster: Cluster::new(config, 1), ..World::new() };
    world.cluster.watch("new".into());
    world.settle();
    world.answer_refresh(Ok(metadata(vec![broken("new", ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)])));
    for time in [Duration::from_secs(1), MAX_AGE] {
        world.pass(time);
        world.answer_refresh(Ok(metadata(vec![topic("new", 7)])));
    }
    let logs = world.events().into_iter().filter_map(|event| match event {
        Event::Log(log) => Some((log.level, log.message)),
        _ => None,
    });
    logs.collect()
}

#[test]
fn a_topic_that_a_question_has_had_created_is_told_once() {
    let told = "Topic \"new\" did not exist and was created (allowAutoTopicCreation)";
    assert_eq!(appears(true), [(LogLevel::Info, told.to_owned())]);
    // Somebody else has created it.
    assert_eq!(appears(false), []);
}

#[test]
fn a_coordinator_that_never_comes_is_told_again_with_the_likely_cause() {
    let mut world = World::new();
    world.set_topics(&[]);
    let answer = || Ok(coordinator(-1, ErrorCode::COORDINATOR_NOT_AVAILABLE));
    let told = world.goes_on("GroupCoordinator", 75, answer);
    assert_eq!(at(&told), [0, 10, 40, 70]);
    let first =
        "Failed to find the coordinator of group \"g\", trying again: GROUP_COORDINATOR_NOT_AVAILABLE";
    assert_eq!(told[0].1, first);
    let again = &told[2].1;
    assert!(again.starts_with("Failed to find the coordinator of group \"g\" for 4"), "{again}");
    for part in [
        " s, trying again: GROUP_COORDINATOR_NOT_AVAILABLE: ",
        "__consumer_offsets",
        "Known brokers: 0",
        "offsets.topic.replication.factor",
    ] {
        assert!(again.contains(part), "{again}");
    }
}

#[test]
fn a_broker_that_closes_at_the_question_is_named() {
    let mut world = World::new();
    world.set_topics(&[]);
    let told = world.goes_on("GroupCoordinator", 12, || Err(closed()));
    assert_eq!(at(&told), [0, 10]);
    assert!(
        told[1].1.ends_with(" s, trying again: h:9092 closed the connection: its log says why"),
        "{told:?}"
    );
}

#[test]
fn a_transaction_has_a_topic_of_its_own() {
    let mut world = World::new();
    world.cluster.look_up(&CoordinatorKey::transaction("x"));
    world.settle();
    let answer = || Ok(coordinator(-1, ErrorCode::COORDINATOR_NOT_AVAILABLE));
    let told = world.goes_on("GroupCoordinator", 12, answer);
    assert!(told[1].1.contains("transactional id \"x\""), "{told:?}");
    assert!(told[1].1.contains("transaction.state.log.replication.factor"), "{told:?}");
}

#[test]
fn metadata_that_never_comes_is_told_again() {
    let mut world = World::new();
    world.set_topics(&["t"]);
    let told = world.goes_on("Metadata", 45, || Err(closed()));
    assert_eq!(at(&told), [0, 10, 40]);
    assert!(told[2].1.starts_with("Failed to refresh the metadata for 4"), "{told:?}");
    assert!(
        told[2].1.ends_with(" s, trying again: h:9092 closed the connection: its log says why"),
        "{told:?}"
    );
}

#[test]
fn a_topic_that_does_not_exist_is_named_with_what_to_do() {
    for (allow_auto_topic_creation, remedy) in
        [(true, "auto.create.topics.enable"), (false, "or set allowAutoTopicCreation")]
    {
        let mut world = World::new();
        let config = ClusterConfig { metadata_max_age: MAX_AGE, allow_auto_topic_creation };
        world.cluster = Cluster::new(config, 1);
        world.set_topics(&["orders"]);
        let answer = || Ok(metadata(vec![broken("orders", ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)]));
        let told = world.goes_on("Metadata", 55, answer);
        assert_eq!(at(&told), [10, 20, 50], "not while it may be on its way");
        assert!(told[1].1.starts_with("Topic \"orders\" does not exist for 2"), "{told:?}");
        assert!(told[1].1.contains(" s: create it") && told[1].1.contains(remedy), "{told:?}");
    }
}

#[test]
fn partitions_without_a_leader_are_named_with_their_brokers() {
    let mut world = World::new();
    world.set_topics(&["t"]);
    let partition = |partition| MetadataPartition {
        partition,
        leader: if partition == 0 { 1 } else { -1 },
        replicas: vec![2, 3],
        ..Default::default()
    };
    let answer = || {
        let partitions = (0..6).map(partition).collect();
        Ok(metadata(vec![MetadataTopic { partitions, ..topic("t", 1) }]))
    };
    let told = world.goes_on("Metadata", 25, answer);
    assert_eq!(at(&told), [10, 20]);
    let says = "No leader of \"t\" partition 1 (replicas on brokers 2, 3), \"t\" partition 2";
    assert!(told[0].1.starts_with(says), "{told:?}");
    assert!(told[0].1.contains(" and 2 more for 1"), "{told:?}");
    assert!(told[0].1.ends_with(" s: are these brokers up?"), "{told:?}");
    assert_eq!(world.goes_on("Metadata", 60, || Ok(metadata(vec![topic("t", 1)]))), []);
}
