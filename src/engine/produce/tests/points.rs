//! The points of kafkajs's producer that were mistakes: P1 … P18, each under its number.

use std::time::Duration;

use super::world::{Fate, World, first, message, send, sequence};
use crate::engine::produce::{Event, Idempotence, ProduceConfig, Reason};
use crate::engine::protocol::ErrorCode;
use crate::engine::testing::turns::TestSend;

fn plain() -> ProduceConfig {
    ProduceConfig { idempotence: Idempotence::Off, ..ProduceConfig::default() }
}

/// One send to all three partitions.
fn to_all(ticket: i32) -> TestSend {
    let messages = (0..3).map(|p| (p, message(&format!("m{p}")))).collect();
    TestSend { ticket, topics: vec![("t".into(), messages)], ..TestSend::default() }
}

#[test]
fn p1_a_leader_that_moves_to_a_broker_that_has_answered() {
    for config in [plain(), ProduceConfig::default()] {
        let mut world = World::ready(config);
        world.brokers.move_leader("t", 0, 2);
        world.submit(&[to_all(1)]);
        world.run();
        assert_eq!(world.offsets(1).len(), 3);
        assert!((0..3).all(|p| world.brokers.values("t", p) == [format!("m{p}")]));
    }
}

#[test]
fn p2_a_retry_does_not_repeat_what_is_still_under_way() {
    let mut world = World::ready(plain());
    world.fates = Box::new({
        let mut failed = false;
        move |node, _| {
            let fails = node == 1 && !failed;
            failed |= fails;
            if fails { Fate::Refused(ErrorCode::NOT_ENOUGH_REPLICAS) } else { Fate::Answer }
        }
    });
    let mut latencies = [2, 2000, 2].into_iter();
    world.latency = Box::new(move || Duration::from_millis(latencies.next().unwrap_or(2)));
    world.submit(&[to_all(1)]);
    world.run();
    assert!((0..3).all(|p| world.brokers.values("t", p) == [format!("m{p}")]));
    assert_eq!(world.sent.len(), 4);
}

#[test]
fn p3_a_retry_does_not_choose_partitions_again() {
    let mut world = World::ready(plain());
    world.fates = first(&[Fate::Refused(ErrorCode::NOT_ENOUGH_REPLICAS)]);
    let values: Vec<String> = (0..30).map(|n| format!("m{n}")).collect();
    world.send(1, -1, &values.iter().map(String::as_str).collect::<Vec<_>>());
    world.run();
    let mut all: Vec<String> = (0..3).flat_map(|p| world.brokers.values("t", p)).collect();
    let mut expected = values;
    all.sort();
    expected.sort();
    assert_eq!(all, expected);
}

#[test]
fn p4_one_partition_of_an_answer_that_failed_is_sent_alone() {
    let mut world = World::ready(plain());
    for partition in [1, 2] {
        world.brokers.move_leader("t", partition, 1);
    }
    world.refresh();
    world.metadata.apply(&world.brokers.metadata(["t"].into_iter()));
    world.brokers.move_leader("t", 1, 3);
    world.submit(&[to_all(1)]);
    world.run();
    assert_eq!(world.sent[0].2.topics[0].partitions.len(), 3);
    assert_eq!(world.sent[1].2.topics[0].partitions.len(), 1);
    assert!((0..3).all(|p| world.brokers.values("t", p) == [format!("m{p}")]));
    assert_eq!(world.offsets(1).len(), 3);
}

#[test]
fn p5_a_partition_that_does_not_exist() {
    let mut world = World::ready(ProduceConfig::default());
    world.submit(&[send(1, "t", 9, &["a"]), send(2, "t", 0, &["b"])]);
    world.run();
    assert_eq!(world.offsets(2), [(0, 0)]);
    let failed = &world.failure(1).failed[0];
    assert_eq!((&*failed.topic, failed.partition), ("t", Some(9)));
    let code = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
    assert_eq!(failed.reason, Reason::Broker { code, message: None });
    assert!(world.answer(1).unwrap().0 < Duration::from_secs(5), "a look at the metadata is enough");

    // One that has just been made.
    world.brokers.add_partition("t");
    world.send(3, 3, &["c"]);
    world.run();
    assert_eq!(world.offsets(3), [(3, 0)]);
}

#[test]
fn p6_a_batch_that_was_written_and_answered_with_an_error_keeps_its_number() {
    let mut world = World::ready(ProduceConfig::default());
    world.fates = first(&[Fate::Lied(ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND)]);
    world.send(1, 0, &["a"]);
    world.send(2, 0, &["b"]);
    world.run();
    assert_eq!(world.brokers.values("t", 0), ["a", "b"]);
    assert_eq!((world.offsets(1), world.offsets(2)), (vec![(0, 0)], vec![(0, 1)]));
}

#[test]
fn p7_a_batch_whose_answer_was_lost_keeps_its_number() {
    let mut world = World::ready(ProduceConfig::default());
    world.fates = first(&[Fate::LostAfter]);
    world.send(1, 0, &["a"]);
    world.send(2, 0, &["b"]);
    world.run();
    assert_eq!(world.brokers.values("t", 0), ["a", "b"]);
    assert_eq!((world.offsets(1), world.offsets(2)), (vec![(0, 0)], vec![(0, 1)]));
    let bases: Vec<_> = world.sent.iter().map(|(.., request)| sequence(request).unwrap().2).collect();
    assert_eq!(bases, [0, 0, 1]);
}

#[test]
fn p9_a_header_may_be_null_and_p10_values_are_any_bytes() {
    let mut world = World::ready(ProduceConfig::default());
    let mut odd = message("");
    odd.value = Some(vec![0, 255, 128]);
    odd.headers = vec![(b"h".to_vec(), None), (b"h".to_vec(), Some(vec![]))];
    let topics = vec![("t".to_owned(), vec![(0, odd.clone())])];
    world.submit(&[TestSend { ticket: 1, topics, ..TestSend::default() }]);
    world.run();
    assert_eq!(world.brokers.topics["t"].partitions[0].log, [odd]);
}

#[test]
fn p11_timestamps_are_those_of_the_call_whenever_it_is_sent() {
    let mut world = World::ready(ProduceConfig::default());
    world.fates = first(&[Fate::LostBefore; 3]);
    let times = [1_700_000_000_300, 999_999_999_999, 1_700_000_000_200];
    let messages = times.iter().map(|time| {
        let mut message = message("m");
        message.timestamp = *time;
        (0, message)
    });
    let topics = vec![("t".to_owned(), messages.collect())];
    world.submit(&[TestSend { ticket: 1, topics, ..TestSend::default() }]);
    world.run();
    let log = &world.brokers.topics["t"].partitions[0].log;
    assert_eq!(log.iter().map(|record| record.timestamp).collect::<Vec<_>>(), times);
    for (.., request) in &world.sent {
        let max = &request.topics[0].partitions[0].header[35..43];
        assert_eq!(max, 1_700_000_000_300i64.to_be_bytes());
    }
}

#[test]
fn p12_closing_waits_for_a_send_between_two_attempts_and_nothing_goes_out_after_it() {
    let mut world = World::ready(ProduceConfig::default());
    world.fates = first(&[Fate::Refused(ErrorCode::NOT_ENOUGH_REPLICAS); 2]);
    world.send(1, 0, &["a"]);
    world.run_for(Duration::from_millis(10));
    world.machine.close(world.now, Duration::from_secs(5));
    world.run();
    assert_eq!(world.offsets(1), [(0, 0)]);
    let (at, last) = world.events.last().unwrap();
    assert_eq!(*last, Event::Closed);
    assert!(world.sent.iter().all(|(sent, ..)| sent < at));
}

#[test]
fn p13_a_deleted_topic_spoils_no_other() {
    let mut world = World::ready(ProduceConfig::default());
    world.brokers.create("u", 1);
    world.submit(&[send(1, "u", 0, &["a"]), send(2, "t", 0, &["b"])]);
    world.run();
    world.brokers.topics.remove("u");
    world.submit(&[send(3, "u", 0, &["c"]), send(4, "t", 0, &["d"])]);
    let begun = world.since_start();
    world.run();
    assert_eq!(world.offsets(4), [(0, 1)]);
    assert!(world.answer(4).unwrap().0 < begun + Duration::from_millis(20));
    let failed = &world.failure(3).failed[0];
    assert_eq!((&*failed.topic, failed.partition), ("u", Some(0)));
    assert!(world.answer(3).unwrap().0 < begun + Duration::from_secs(20));
    // Nobody asks for it for ever.
    world.run_for(Duration::from_secs(600));
    world.submit(&[send(5, "v", 0, &["e"])]);
    assert!(!world.machine.wanted().any(|topic| topic == "u"));
}

#[test]
fn p18_a_failure_names_topic_partition_and_messages_and_what_is_written_nevertheless() {
    let mut world = World::ready(ProduceConfig { retries: 1, ..ProduceConfig::default() });
    world.fates =
        Box::new(
            |node, _| {
                if node == 2 { Fate::Refused(ErrorCode::NOT_ENOUGH_REPLICAS) } else { Fate::Answer }
            },
        );
    let messages = [0, 1, 1, 2, 1].into_iter().map(|p| (p, message("m"))).collect();
    world.submit(&[TestSend { ticket: 1, topics: vec![("t".into(), messages)], ..TestSend::default() }]);
    world.run();
    let failure = world.failure(1);
    let failed = &failure.failed[0];
    assert_eq!((failure.failed.len(), &*failed.topic, failed.partition), (1, "t", Some(1)));
    assert_eq!(failed.messages, [1..3, 4..5]);
    assert_eq!(failed.reason, Reason::Broker { code: ErrorCode::NOT_ENOUGH_REPLICAS, message: None });
    assert_eq!(failure.rows.iter().map(|row| row.partition.partition).collect::<Vec<_>>(), [0, 2]);
    assert_eq!(world.sent.iter().filter(|(_, node, _)| *node == 2).count(), 2, "one retry");
}
