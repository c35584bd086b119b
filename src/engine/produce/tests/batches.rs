//! What travels together, what does not, and in which order.

use std::time::Duration;

use super::brokers::Brokers;
use super::world::{World, message, send, sequence};
use crate::engine::produce::{Answer, Event, Idempotence, ProduceConfig, Reason};
use crate::engine::protocol::ErrorCode;
use crate::engine::testing::turns::TestSend;

fn config() -> ProduceConfig {
    ProduceConfig::default()
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn a_lone_send_leaves_at_once() {
    let mut world = World::ready(config());
    let at = world.since_start();
    world.send(1, 0, &["a"]);
    assert_eq!(world.sent.len(), 1);
    assert_eq!(world.sent[0].0, at);
    world.run();
    assert_eq!(world.offsets(1), [(0, 0)]);
    assert_eq!(world.answer(1).unwrap().0, at + ms(2));
    assert_eq!(world.machine.memory(), 0);
}

#[test]
fn the_sends_of_a_turn_travel_together_and_have_their_own_offsets() {
    let mut world = World::ready(config());
    let sends = [
        send(1, "t", 0, &["a", "b"]),
        send(2, "t", 0, &["c"]),
        send(3, "t", 1, &["d"]),
        send(4, "t", 0, &["e"]),
    ];
    assert_eq!(world.submit(&sends).sends, 4);
    world.run();
    assert_eq!(world.sent.len(), 2, "one for each of two leaders");
    assert_eq!(world.brokers.values("t", 0), ["a", "b", "c", "e"]);
    assert_eq!([world.offsets(1), world.offsets(2), world.offsets(4)].concat(), [(0, 0), (0, 2), (0, 3)]);
    assert_eq!(world.offsets(3), [(1, 0)]);
}

#[test]
fn what_comes_while_a_batch_is_out_travels_in_the_next() {
    let mut world = World::ready(config());
    for ticket in 0..50 {
        world.send(ticket, 0, &[&format!("m{ticket}")]);
    }
    assert_eq!(world.sent.len(), 1);
    world.run();
    assert_eq!(world.brokers.topics["t"].partitions[0].batches, [1, 49]);
    assert_eq!(world.offsets(49), [(0, 49)]);
}

#[test]
fn full_batches_do_not_wait_for_each_other_when_they_are_numbered() {
    for (idempotence, out) in [(Idempotence::IfAllowed, 5), (Idempotence::Off, 1)] {
        let mut world = World::ready(ProduceConfig { idempotence, batch_size: 100, ..config() });
        world.send(100, 0, &["first"]);
        world.run();
        world.sent.clear();
        for ticket in 0..9 {
            world.send(ticket, 0, &["x".repeat(120).as_str()]);
        }
        assert_eq!(world.sent.len(), out, "{idempotence:?}");
        world.run();
        assert_eq!(world.brokers.topics["t"].partitions[0].batches, [1; 10]);
        let numbers: Vec<_> = world.sent.iter().filter_map(|(.., request)| sequence(request)).collect();
        let expected: Vec<_> = (1..10).map(|base| (1001, 0, base)).collect();
        assert_eq!(numbers, if out == 5 { expected } else { vec![] });
    }
}

#[test]
fn a_batch_lingers_if_it_is_told_to_and_nobody_flushes() {
    let config = ProduceConfig { linger: ms(20), ..config() };
    let mut world = World::ready(config.clone());
    world.send(1, 0, &["a"]);
    world.run_for(ms(10));
    world.send(2, 0, &["b"]);
    assert!(world.sent.is_empty());
    world.run();
    assert_eq!(world.brokers.topics["t"].partitions[0].batches, [2]);
    assert_eq!(world.sent[0].0, ms(30), "20 ms after the first message");

    let mut world = World::ready(config);
    world.send(1, 0, &["a"]);
    world.machine.flush(77);
    world.turn();
    assert_eq!(world.sent.len(), 1);
    world.run();
    assert_eq!(world.events.last().map(|(_, event)| event), Some(&Event::Answer(Answer::Flushed(77))));
}

#[test]
fn a_flush_of_nothing_is_over() {
    let mut world = World::ready(config());
    world.machine.flush(5);
    world.turn();
    assert_eq!(world.events.last().map(|(_, event)| event), Some(&Event::Answer(Answer::Flushed(5))));
}

#[test]
fn different_terms_share_no_batch_and_keep_the_order() {
    let mut world = World::ready(config());
    let mut sends: Vec<TestSend> = (0..6).map(|n| send(n, "t", 0, &[&format!("m{n}")])).collect();
    sends[1].acks = 1;
    sends[2].codec = 1;
    sends[3].timeout = 7;
    sends[4].acks = 0;
    world.submit(&sends);
    world.run();
    assert_eq!(world.brokers.values("t", 0), ["m0", "m1", "m2", "m3", "m4", "m5"]);
    assert_eq!(world.brokers.topics["t"].partitions[0].batches, [1; 6]);
    assert_eq!(world.offsets(5), [(0, 5)]);
    assert_eq!(world.offsets(4), [], "nobody tells");
    let plain: Vec<bool> = world.sent.iter().map(|(.., request)| sequence(request).is_none()).collect();
    assert_eq!(plain, [false, true, false, false, true, false]);
}

#[test]
fn every_codec_is_applied_off_the_lock_and_a_wrong_level_fails_by_name() {
    let mut world = World::ready(config());
    for codec in 1..=4 {
        world.submit(&[TestSend { codec, ..send(codec, "t", 0, &["some value"; 20]) }]);
        world.run();
        let header = &world.sent.last().unwrap().2.topics[0].partitions[0].header;
        assert_eq!(header[22], u8::try_from(codec).unwrap());
    }
    world.submit(&[TestSend { codec: 1, level: 12, ..send(9, "t", 0, &["a"]) }, send(10, "t", 0, &["b"])]);
    world.run();
    let Reason::Compression(error) = &world.failure(9).failed[0].reason else {
        panic!("{:?}", world.failure(9))
    };
    assert_eq!(error.to_string(), "gzip has no compression level 12; it has 0 to 9");
    assert_eq!(world.offsets(10), [(0, 80)]);
}

#[test]
fn messages_wait_for_their_topic_in_order() {
    let mut brokers = Brokers::new(3);
    brokers.create("t", 3);
    brokers.create("u", 1);
    let mut world = World::new(config(), brokers);
    let both = TestSend {
        ticket: 1,
        topics: vec![("t".into(), vec![(0, message("a"))]), ("u".into(), vec![(0, message("b"))])],
        ..TestSend::default()
    };
    world.submit(&[both, send(2, "t", 0, &["c"]), send(3, "u", -1, &["d"])]);
    assert!(world.sent.is_empty());
    world.run();
    assert_eq!(
        (world.brokers.values("t", 0), world.brokers.values("u", 0)),
        (vec!["a".into(), "c".into()], vec!["b".into(), "d".into()])
    );
    assert_eq!(world.machine.memory(), 0);
}

#[test]
fn a_topic_that_comes_later_is_waited_for_and_one_that_does_not_fails() {
    let mut world = World::new(config(), Brokers::new(1));
    world.send(1, -1, &["a"]);
    world.run_for(ms(500));
    world.brokers.create("t", 1);
    world.run();
    assert_eq!(world.offsets(1), [(0, 0)]);

    world.submit(&[send(2, "nowhere", -1, &["a", "b"])]);
    world.run();
    let failed = &world.failure(2).failed[0];
    assert_eq!((&*failed.topic, failed.partition, failed.messages[0].clone()), ("nowhere", None, 0..2));
    let code = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
    assert_eq!(failed.reason, Reason::Broker { code, message: None });
}

#[test]
fn keyless_messages_take_turns_and_keyed_ones_have_a_home() {
    let mut world = World::ready(config());
    let mut messages: Vec<_> = (0..9).map(|n| (-1, message(&format!("m{n}")))).collect();
    messages.extend((0..4).map(|_| {
        let mut keyed = message("keyed");
        keyed.key = Some(b"100:48069".to_vec());
        (-1, keyed)
    }));
    world.submit(&[TestSend { ticket: 1, topics: vec![("t".into(), messages)], ..TestSend::default() }]);
    world.run();
    // murmur2 of the key is 1009543857, a multiple of three.
    let keyed = |p| world.brokers.values("t", p).iter().filter(|value| *value == "keyed").count();
    assert_eq!([keyed(0), keyed(1), keyed(2)], [4, 0, 0]);
    assert!((0..3).all(|p| world.brokers.values("t", p).len() - keyed(p) == 3));
    assert_eq!(world.offsets(1).len(), 3);
}

#[test]
fn a_full_buffer_takes_no_send_until_there_is_room() {
    let mut world = World::ready(ProduceConfig { buffer_memory: 2000, ..config() });
    let value = "x".repeat(300);
    let sends: Vec<TestSend> = (0..4).map(|n| send(n, "t", 0, &[&value])).collect();
    let submitted = world.submit(&sends);
    assert_eq!((submitted.sends, submitted.bytes), (2, sends[0].encode().len() * 2));
    world.run();
    assert_eq!(world.events.iter().filter(|(_, event)| *event == Event::Answer(Answer::Room)).count(), 1);
    assert_eq!(world.submit(&sends[2..]).sends, 2);
    world.run();
    assert_eq!(world.offsets(3), [(0, 3)]);
    // One that will never fit goes alone.
    let large = send(9, "t", 0, &["x".repeat(3000).as_str()]);
    assert_eq!(world.submit(&[large.clone(), large]).sends, 1);
    world.run();
    assert_eq!(world.offsets(9), [(0, 4)]);
}

#[test]
fn there_is_room_again_when_a_send_without_messages_is_answered() {
    let mut world = World::ready(ProduceConfig { buffer_memory: 1200, ..config() });
    world.brokers.create("new", 1);
    let large = send(2, "t", 0, &["x".repeat(300).as_str()]);
    assert_eq!(world.submit(&[send(1, "new", 0, &[]), large.clone()]).sends, 1, "the topic is not known yet");
    world.run();
    assert_eq!(world.offsets(1), []);
    assert_eq!(world.events.iter().filter(|(_, event)| *event == Event::Answer(Answer::Room)).count(), 1);
    assert_eq!(world.submit(&[large]).sends, 1);
}

#[test]
fn small_sends_count_with_what_is_kept_of_them() {
    let mut world = World::ready(ProduceConfig { buffer_memory: 100_000, ..config() });
    let sends: Vec<TestSend> = (0..10_000).map(|n| send(n, "t", 0, &["x"])).collect();
    let taken = world.submit(&sends).sends;
    assert!((100..200).contains(&taken), "{taken} sends of a byte are more than their bytes");
    assert!(world.machine.memory() <= 100_000);
    world.run();
    assert_eq!(world.machine.memory(), 0);
}

#[test]
fn an_empty_send_is_answered() {
    let mut world = World::ready(config());
    world.submit(&[TestSend { ticket: 1, ..TestSend::default() }, send(2, "t", 0, &[])]);
    assert_eq!([world.offsets(1), world.offsets(2)], [vec![], vec![]]);
}

#[test]
fn a_damaged_turn_is_refused_whole() {
    let mut world = World::ready(config());
    let mut turn = [send(1, "t", 0, &["a"]).encode(), send(2, "t", 0, &["b"]).encode()].concat();
    turn.pop();
    let error = world.machine.submit(world.now, &world.metadata, &turn).unwrap_err();
    assert!(error.to_string().starts_with("the hand-over buffer is damaged at byte"), "{error}");
    assert!(world.machine.is_idle());
}
