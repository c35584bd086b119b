//! What becomes of topics that nobody sends to any more.

use std::time::Duration;

use super::world::{World, send, sequence};
use crate::engine::machine::TopicPartition;
use crate::engine::produce::{ProduceConfig, ProducerId, Reason};

/// A topic with one partition, which is known.
fn create(world: &mut World, topic: &str) {
    world.brokers.create(topic, 1);
    know(world, topic);
}

/// Its metadata is read.
fn know(world: &mut World, topic: &str) {
    world.metadata.apply(&world.brokers.metadata([topic].into_iter()));
}

/// Sends to partition 0 of a topic, and waits for the answer. Returns epoch and base sequence.
fn write(world: &mut World, ticket: i32, topic: &str) -> (i16, i32) {
    world.sent.clear();
    world.submit(&[send(ticket, topic, 0, &["v"])]);
    world.run_for(Duration::from_millis(3));
    assert_eq!(world.offsets(ticket), [(0, world.brokers.values(topic, 0).len() as i64 - 1)]);
    world.events.clear();
    let (_, epoch, base) = sequence(&world.sent[0].2).unwrap();
    (epoch, base)
}

#[test]
fn a_topic_that_is_not_sent_to_any_more_is_forgotten_and_comes_back_in_a_higher_epoch() {
    let mut world = World::ready(ProduceConfig::default());
    create(&mut world, "old");
    assert_eq!([1, 2].map(|ticket| write(&mut world, ticket, "old")), [(0, 0), (0, 1)]);
    assert_eq!(write(&mut world, 3, "t"), (0, 0));
    world.run_for(Duration::from_secs(299));
    assert_eq!(write(&mut world, 4, "t"), (0, 1));
    world.run_for(Duration::from_secs(2));
    create(&mut world, "new");
    // What is new begins behind what is forgotten, what is known goes on.
    assert_eq!(write(&mut world, 5, "new"), (1, 0));
    assert_eq!(write(&mut world, 6, "t"), (0, 2));
    let mut wanted: Vec<_> = world.machine.wanted().collect();
    wanted.sort_unstable();
    assert_eq!(wanted, ["new", "t"]);
    assert_eq!(world.metadata.partition_count("old"), None);
    // Its first number again would be taken for a repetition.
    know(&mut world, "old");
    assert_eq!([7, 8].map(|ticket| write(&mut world, ticket, "old")), [(1, 0), (1, 1)]);
    assert_eq!(world.brokers.values("old", 0).len(), 4);
}

#[test]
fn a_program_that_goes_on_to_ever_new_topics_does_not_grow() {
    const MOST: usize = 100;
    let mut world = World::ready(ProduceConfig { most_topics: MOST, ..ProduceConfig::default() });
    world.refresh_delay = Duration::from_secs(3600);
    assert_eq!(write(&mut world, 0, "t"), (0, 0));
    for ticket in 1..=2_000 {
        let topic = format!("topic-{ticket}");
        create(&mut world, &topic);
        write(&mut world, ticket, &topic);
        world.brokers.topics.remove(&topic);
        let machine = &world.machine;
        assert!(machine.names.len() <= MOST);
        assert!(machine.topics.peak() <= MOST && machine.partitions.peak() <= MOST);
        assert!(world.metadata.topic_count() <= MOST);
    }
    know(&mut world, "t");
    let (epoch, base) = write(&mut world, -1, "t");
    assert!(epoch > 2 && base == 0, "{epoch}: it was forgotten long ago");
}

/// A transactional producer's epoch is its coordinator's to raise.
#[test]
fn what_a_transaction_is_numbered_by_is_not_forgotten() {
    let config = ProduceConfig { transactional_id: Some("x".into()), ..ProduceConfig::default() };
    let mut world = World::ready(config);
    create(&mut world, "old");
    let id = ProducerId { id: 5, epoch: 3 };
    for (ticket, expected) in [(1, (3, 0)), (2, (3, 1))] {
        world.machine.begin_transaction(id, true);
        world.submit(&[send(ticket, "old", 0, &["v"])]);
        let old = TopicPartition { topic: "old".into(), partition: 0 };
        world.machine.joined(&[old]);
        world.run_for(Duration::from_millis(3));
        let (_, epoch, base) = sequence(&world.sent.last().unwrap().2).unwrap();
        assert_eq!((epoch, base), expected);
        world.machine.end_transaction(Reason::Aborted);
        world.run_for(Duration::from_secs(400));
        // Somebody else is sent to.
        world.submit(&[send(ticket + 10, &format!("new-{ticket}"), 0, &["v"])]);
        world.run_for(Duration::from_secs(1));
    }
}
