//! What is retried, for how long, and how it ends.

use std::time::Duration;

use super::world::{Fate, World, first, message, send, sequence};
use crate::engine::machine::{NetError, Pace, TopicPartition};
use crate::engine::produce::{Answer, Event, Idempotence, ProduceConfig, ProducerId, Reason};
use crate::engine::protocol::ErrorCode;
use crate::engine::testing::encode::TestRecord;
use crate::engine::testing::turns::TestSend;

fn config() -> ProduceConfig {
    ProduceConfig::default()
}

fn plain() -> ProduceConfig {
    ProduceConfig { idempotence: Idempotence::Off, ..config() }
}

#[test]
fn a_leader_that_an_error_names_is_asked_at_once() {
    for hints in [true, false] {
        let mut world = World::ready(config());
        world.brokers.hints = hints;
        world.brokers.move_leader("t", 0, 2);
        world.send(1, 0, &["a"]);
        world.run();
        assert_eq!(world.offsets(1), [(0, 0)]);
        let nodes: Vec<i32> = world.sent.iter().map(|(_, node, _)| *node).collect();
        assert_eq!(nodes, [1, 2]);
        let wait = world.sent[1].0 - world.sent[0].0;
        // The round trip, and without a hint that of the metadata.
        assert!(if hints { wait.as_millis() == 2 } else { wait.as_millis() < 8 }, "{wait:?}");
    }
}

#[test]
fn the_same_leader_is_asked_again_after_a_while() {
    let mut world = World::ready(config());
    world.fates = first(&[Fate::Refused(ErrorCode::NOT_ENOUGH_REPLICAS); 3]);
    world.send(1, 0, &["a"]);
    world.run();
    assert_eq!(world.offsets(1), [(0, 0)]);
    let times: Vec<Duration> = world.sent.iter().map(|(at, ..)| *at).collect();
    let waits: Vec<u128> = times.windows(2).map(|pair| (pair[1] - pair[0]).as_millis()).collect();
    assert!(waits[0] >= 80 && waits[1] >= 160 && waits[2] >= 320, "{waits:?}");
    assert!(world.sent.windows(2).all(|pair| pair[0].2 == pair[1].2), "the same bytes");
}

#[test]
fn the_waits_are_as_long_as_is_asked_for() {
    let ms = Duration::from_millis;
    let pace = Pace { first: ms(500), longest: ms(3000), multiplier: 4.0, jitter: 0.0 };
    let mut world = World::ready(ProduceConfig { pace, ..config() });
    world.fates = first(&[Fate::Refused(ErrorCode::NOT_ENOUGH_REPLICAS); 4]);
    world.send(1, 0, &["a"]);
    world.run();
    assert_eq!(world.offsets(1), [(0, 0)]);
    let times: Vec<Duration> = world.sent.iter().map(|(at, ..)| *at).collect();
    let waits: Vec<u128> = times.windows(2).map(|pair| (pair[1] - pair[0]).as_millis()).collect();
    // And the round trip.
    assert_eq!(waits, [502, 2002, 3002, 3002]);
}

#[test]
fn a_plain_batch_that_is_tried_again_holds_up_its_partition_alone() {
    let mut world = World::ready(plain());
    let mut of_first = first(&[Fate::Refused(ErrorCode::NOT_ENOUGH_REPLICAS); 2]);
    world.fates = Box::new(move |node, body| if node == 1 { of_first(node, body) } else { Fate::Answer });
    world.send(1, 0, &["a"]);
    world.run_for(Duration::from_millis(3));
    world.send(2, 0, &["b"]);
    world.send(3, 1, &["c"]);
    world.run();
    assert_eq!(world.brokers.values("t", 0), ["a", "b"]);
    assert!(world.answer(3).unwrap().0 < Duration::from_millis(20));
}

#[test]
fn a_batch_that_is_too_large_is_split_and_a_message_that_is_fails_by_name() {
    for config in [config(), plain()] {
        let mut world = World::ready(config);
        world.brokers.largest = Some(500);
        let large = "x".repeat(600);
        let sends = [
            send(1, "t", 0, &["a".repeat(100).as_str(), "b"]),
            send(2, "t", 0, &["c", &large, "d"]),
            send(3, "t", 0, &["e".repeat(200).as_str()]),
        ];
        world.submit(&sends);
        world.run_for(Duration::from_millis(1));
        world.send(4, 0, &["f"]);
        world.run();
        let first_letters: Vec<String> =
            world.brokers.values("t", 0).iter().map(|v| v[..1].to_owned()).collect();
        assert_eq!(first_letters, ["a", "b", "c", "d", "e", "f"]);
        assert_eq!(
            (world.offsets(1), world.offsets(3), world.offsets(4)),
            (vec![(0, 0)], vec![(0, 4)], vec![(0, 5)])
        );
        let failure = world.failure(2);
        assert_eq!(failure.failed.len(), 1);
        assert_eq!(failure.failed[0].messages[0], 1..2);
        assert_eq!(
            failure.failed[0].reason,
            Reason::Broker { code: ErrorCode::MESSAGE_TOO_LARGE, message: None }
        );
        assert_eq!(failure.rows[0].base_offset, 2);
        assert_eq!(world.machine.memory(), 0);
    }
}

#[test]
fn a_refusal_for_good_is_not_tried_again() {
    let mut world = World::ready(config());
    world.fates = first(&[Fate::Refused(ErrorCode::TOPIC_AUTHORIZATION_FAILED)]);
    world.send(1, 0, &["a"]);
    world.run();
    world.send(2, 0, &["b"]);
    world.run();
    assert_eq!(world.sent.len(), 2);
    let code = ErrorCode::TOPIC_AUTHORIZATION_FAILED;
    assert_eq!(world.failure(1).failed[0].reason, Reason::Broker { code, message: None });
    assert_eq!(world.offsets(2), [(0, 0)]);
    assert_eq!(world.sent[0].2.topics[0].partitions[0].partition, 0);
    let bases: Vec<_> = world.sent.iter().map(|(.., request)| sequence(request).unwrap()).collect();
    assert_eq!(bases, [(1001, 0, 0), (1001, 0, 0)], "the number was not used");
}

#[test]
fn what_is_not_delivered_in_time_fails_with_the_last_error_and_is_not_sent_later() {
    let mut world = World::ready(config());
    world.fates = Box::new(|_, _| Fate::LostBefore);
    world.send(1, 0, &["a"]);
    world.run();
    let at = world.answer(1).unwrap().0;
    assert!((120.0..121.0).contains(&at.as_secs_f64()), "{at:?}");
    assert_eq!(world.failure(1).failed[0].reason, Reason::Net(NetError::Closed { broker: "b".into() }));
    let last = world.sent.last().unwrap().0;
    assert!(last < Duration::from_secs(121), "{last:?}");
    // A partition that nobody leads.
    world.brokers.move_leader("t", 0, -1);
    world.refresh();
    let sent = world.sent.len();
    world.send(2, 0, &["b"]);
    world.run();
    assert_eq!((world.sent.len(), &world.failure(2).failed[0].reason), (sent, &Reason::TimedOut));
}

#[test]
fn a_producer_that_may_not_number_its_batches_is_plain_unless_it_must() {
    for code in [ErrorCode::CLUSTER_AUTHORIZATION_FAILED, ErrorCode::UNSUPPORTED_VERSION] {
        let brokers = || {
            let mut brokers = super::brokers::Brokers::new(1);
            brokers.create("t", 1);
            brokers
        };
        let mut world = World::new(plain(), brokers());
        world.machine = crate::engine::produce::Produce::new(config(), 1);
        world.init = Err(code);
        world.send(1, 0, &["a"]);
        world.run();
        assert_eq!(world.offsets(1), [(0, 0)]);
        assert_eq!(sequence(&world.sent[0].2), None);

        let required = ProduceConfig { idempotence: Idempotence::Required, ..config() };
        let mut world = World::new(plain(), brokers());
        world.machine = crate::engine::produce::Produce::new(required, 1);
        world.init = Err(code);
        world.send(1, 0, &["a"]);
        world.run();
        assert_eq!(world.failure(1).failed[0].reason, Reason::Broker { code, message: None });
    }
}

#[test]
fn closing_waits_for_what_can_be_delivered_and_not_for_ever() {
    let mut world = World::ready(config());
    world.fates = Box::new(|node, _| if node == 1 { Fate::LostBefore } else { Fate::Answer });
    world.submit(&[send(1, "t", 0, &["a"]), send(2, "t", 1, &["b"])]);
    world.machine.close(world.now, Duration::from_secs(1));
    world.submit(&[send(3, "t", 1, &["c"])]);
    world.run();
    assert_eq!(world.offsets(2), [(1, 0)]);
    assert_eq!(world.failure(1).failed[0].reason, Reason::Stopped);
    assert_eq!(world.failure(3).failed[0].reason, Reason::Stopped);
    let (at, last) = world.events.last().unwrap();
    assert_eq!(*last, Event::Closed);
    assert!(*at <= Duration::from_millis(1011), "{at:?}");
    assert!(world.sent.iter().all(|(sent, ..)| sent <= at));
    assert_eq!(world.machine.memory(), 0);
}

/// What brokers tell of other topics says nothing about it.
#[test]
fn a_partition_fails_that_several_answers_about_its_topic_do_not_have() {
    let mut world = World::ready(ProduceConfig { delivery_timeout: LONG, ..ProduceConfig::default() });
    world.refresh_delay = LONG;
    world.brokers.create("other", 1);
    world.send(1, 9, &["v"]);
    for _ in 0..10 {
        world.metadata.apply(&world.brokers.metadata(["other"].into_iter()));
        world.run_for(Duration::from_secs(5));
    }
    assert_eq!(world.answer(1), None);
    for _ in 0..2 {
        world.refresh();
        world.run_for(Duration::from_secs(5));
    }
    let code = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
    assert_eq!(world.failure(1).failed[0].reason, Reason::Broker { code, message: None });
}

const LONG: Duration = Duration::from_secs(3600);

/// The time that a message may take is that from its send.
#[test]
fn the_wait_for_metadata_counts() {
    let mut world = World::ready(ProduceConfig { topic_retries: u32::MAX, ..config() });
    world.submit(&[send(1, "new", 0, &["v"])]);
    world.run_for(Duration::from_secs(80));
    world.brokers.create("new", 1);
    world.fates = Box::new(|_, _| Fate::Refused(ErrorCode::NOT_ENOUGH_REPLICAS));
    world.run();
    let (at, _) = world.answer(1).unwrap();
    assert!(at > Duration::from_secs(119) && at < Duration::from_secs(122), "{at:?}");
    assert_eq!(world.failure(1).failed[0].partition, Some(0));
}

/// With acks 0, too, what goes well ends a failure.
#[test]
fn a_failure_is_told_each_time_that_one_begins() {
    for acks in [-1, 1, 0] {
        let mut world = World::ready(plain());
        for ticket in [1, 2] {
            world.fates = first(&[Fate::LostBefore]);
            world.submit(&[TestSend { acks, ..send(ticket, "t", 0, &["v"]) }]);
            world.run();
            assert!(matches!(world.answer(ticket), Some((_, Event::Answer(Answer::Sent { .. })))));
        }
        let lines = world.events.iter().filter(|(_, event)| matches!(event, Event::Log(_))).count();
        assert_eq!(lines, 2, "acks {acks}");
    }
}

/// A transaction right behind another one, whose end not all brokers have heard of yet: its first batches are refused so.
fn right_behind(config: ProduceConfig, times: usize) -> World {
    let mut world = World::ready(ProduceConfig { transactional_id: Some("x".into()), ..config });
    world.fates = first(&vec![Fate::Refused(ErrorCode::CONCURRENT_TRANSACTIONS); times]);
    world.machine.begin_transaction(ProducerId { id: 5, epoch: 3 }, false);
    world.send(1, 0, &["a"]);
    world.machine.joined(&[TopicPartition { topic: "t".into(), partition: 0 }]);
    world
}

fn lines(world: &World) -> usize {
    world.events.iter().filter(|(_, event)| matches!(event, Event::Log(_))).count()
}

#[test]
fn a_transaction_whose_predecessor_is_still_ending_waits_for_it_a_moment() {
    let mut world = right_behind(ProduceConfig { retries: 0, retry_time: Duration::ZERO, ..config() }, 20);
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.offsets(1), [(0, 0)]);
    assert_eq!(world.sent.len(), 21);
    assert_eq!(lines(&world), 0, "nothing is wrong");
}

#[test]
fn a_predecessor_that_does_not_end_is_told_of_and_is_the_cause_in_the_end() {
    let mut world = right_behind(config(), 10_000);
    world.run_for(Duration::from_secs(9));
    assert_eq!(lines(&world), 0);
    world.run_for(Duration::from_secs(2));
    assert_eq!(lines(&world), 1);
    world.run();
    assert_eq!(lines(&world), 5, "after 10, 20, 50, 80 and 110 s");
    let code = ErrorCode::CONCURRENT_TRANSACTIONS;
    assert_eq!(world.failure(1).failed[0].reason, Reason::Broker { code, message: None });
}

/// kafkajs partitions at each attempt.
#[test]
fn what_the_partitioner_had_placed_on_a_partition_that_is_gone_it_places_again() {
    for codec in [0, 4] {
        let mut world = World::ready(config());
        world.send(1, -1, &["a", "b", "c", "d"]);
        world.run_for(Duration::from_secs(1));
        world.brokers.create("t", 1);
        world.brokers.move_leader("t", 0, 2);
        let keyed = |partition, key: &str| (partition, TestRecord { key: Some(key.into()), ..message(key) });
        let messages = ["k", "l", "m", "n"].map(|key| keyed(-1, key)).to_vec();
        let topics = vec![("t".to_owned(), messages)];
        world.submit(&[TestSend { ticket: 2, codec, topics, ..TestSend::default() }]);
        world.send(3, -1, &["e", "f", "g"]);
        world.run();
        let partitions = |ticket| world.offsets(ticket).iter().map(|(p, _)| *p).collect::<Vec<_>>();
        assert_eq!([partitions(2), partitions(3)], [[0], [0]]);
        let mut written = world.brokers.values("t", 0);
        written.sort();
        assert_eq!(written, ["e", "f", "g", "k", "l", "m", "n"]);
        assert_eq!(world.machine.memory(), 0);
    }
}

#[test]
fn what_the_program_has_placed_there_fails_and_so_does_what_may_be_written() {
    let mut world = World::ready(config());
    world.send(1, 2, &["a"]);
    world.run_for(Duration::from_secs(1));
    // It is out, and the broker has it, when the topic goes.
    world.fates = first(&[Fate::LostAfter; 3]);
    world.send(2, -1, &["b", "c", "d"]);
    world.run_for(Duration::from_millis(3));
    world.brokers.create("t", 1);
    world.send(3, 2, &["e"]);
    world.run();
    let part = &world.failure(3).failed[0];
    let code = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
    assert_eq!((part.partition, &part.reason), (Some(2), &Reason::Broker { code, message: None }));
    assert!(!part.may_be_written);
    assert!(world.failure(2).failed.iter().all(|part| part.may_be_written));
}
