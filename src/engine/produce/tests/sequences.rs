//! Sequences and epochs (KIP-98, KIP-360).

use std::time::Duration;

use super::world::{Fate, World, first, send, sequence};
use crate::engine::produce::{ProduceConfig, Reason};
use crate::engine::protocol::ErrorCode;

/// Every send is a batch of its own.
fn small() -> ProduceConfig {
    ProduceConfig { batch_size: 1, ..ProduceConfig::default() }
}

fn numbers(world: &World) -> Vec<(i64, i16, i32)> {
    world.sent.iter().filter_map(|(.., request)| sequence(request)).collect()
}

/// A world in which partition 0 has a record of this producer's: before that, its batches go one by one.
fn known() -> World {
    let mut world = World::ready(small());
    world.send(0, 0, &["z"]);
    world.run();
    world.sent.clear();
    world
}

/// Sends `a` to `e` to partition 0, one batch each.
fn five(world: &mut World) {
    let sends: Vec<_> =
        ["a", "b", "c", "d", "e"].into_iter().zip(1..).map(|(v, n)| send(n, "t", 0, &[v])).collect();
    world.submit(&sends);
}

#[test]
fn an_attempt_that_was_written_is_not_written_again() {
    for fates in
        [vec![Fate::LostAfter], [Fate::LostBefore, Fate::LostAfter].to_vec(), [Fate::LostAfter].repeat(3)]
    {
        let mut world = known();
        world.fates = first(&fates);
        five(&mut world);
        world.run();
        assert_eq!(world.brokers.values("t", 0), ["z", "a", "b", "c", "d", "e"], "{fates:?}");
        assert_eq!(world.offsets(5), [(0, 5)]);
    }
}

#[test]
fn what_is_tried_again_keeps_its_number_and_goes_first_and_alone() {
    let mut world = known();
    world.fates = first(&[Fate::Refused(ErrorCode::NOT_ENOUGH_REPLICAS)]);
    five(&mut world);
    world.run();
    assert_eq!(world.brokers.values("t", 0), ["z", "a", "b", "c", "d", "e"]);
    // b to e are refused because a is missing.
    let bases: Vec<i32> = numbers(&world).iter().map(|(_, _, base)| *base).collect();
    assert_eq!(bases, [1, 2, 3, 4, 5, 1, 2, 3, 4, 5]);
    assert!(numbers(&world).iter().all(|(id, epoch, _)| (*id, *epoch) == (1001, 0)));
}

/// A leader that knows nothing of a producer takes any sequence: what is behind a refused batch would overtake it.
#[test]
fn the_first_batch_of_a_partition_goes_alone() {
    let mut world = World::ready(small());
    world.fates = first(&[Fate::Refused(ErrorCode::NOT_ENOUGH_REPLICAS)]);
    five(&mut world);
    assert_eq!(world.sent.len(), 1);
    world.run();
    assert_eq!(world.brokers.values("t", 0), ["a", "b", "c", "d", "e"]);
}

/// Nor does a leader that comes later know of one always: an unclean election has lost what it had written.
#[test]
fn the_first_batch_at_another_leader_goes_alone() {
    for is_out in [false, true] {
        let mut world = known();
        if is_out {
            world.fates = first(&[Fate::LostBefore, Fate::Refused(ErrorCode::NOT_LEADER_OR_FOLLOWER)]);
            world.latency = Box::new(|| Duration::from_millis(50));
            world.send(9, 0, &["y"]);
        } else {
            world.fates = first(&[Fate::Refused(ErrorCode::NOT_LEADER_OR_FOLLOWER)]);
        }
        world.brokers.partition("t", 0).unwrap().forget_producers();
        world.brokers.move_leader("t", 0, 2);
        world.refresh();
        five(&mut world);
        world.run();
        let values = world.brokers.values("t", 0);
        assert_eq!(values[values.len() - 5..], ["a", "b", "c", "d", "e"], "is out: {is_out}");
        assert!(!is_out || values[1] == "y", "{values:?}");
    }
}

/// In between another one may have led, without what this one had: it has come back without it.
#[test]
fn the_first_batch_at_a_leader_that_is_elected_again_goes_alone() {
    for is_out in [false, true] {
        let mut world = known();
        let refused = Fate::Refused(ErrorCode::NOT_ENOUGH_REPLICAS);
        world.fates = if is_out { first(&[Fate::Answer, refused]) } else { first(&[refused]) };
        if is_out {
            // It is acknowledged by the leader that there was.
            world.latency = Box::new(|| Duration::from_millis(50));
            world.send(9, 0, &["y"]);
        }
        world.brokers.move_leader("t", 0, 1);
        world.refresh();
        five(&mut world);
        if is_out {
            world.run_for(Duration::from_millis(60));
        }
        world.brokers.partition("t", 0).unwrap().forget_producers();
        world.run();
        let values = world.brokers.values("t", 0);
        assert_eq!(values[values.len() - 5..], ["a", "b", "c", "d", "e"], "is out: {is_out}");
    }
}

#[test]
fn a_batch_that_is_given_up_leaves_a_gap_that_a_higher_epoch_closes() {
    let mut world = known();
    world.fates = first(&[Fate::Refused(ErrorCode::TOPIC_AUTHORIZATION_FAILED)]);
    five(&mut world);
    world.run();
    assert!(matches!(&world.failure(1).failed[0].reason, Reason::Broker { .. }));
    assert_eq!(world.brokers.values("t", 0), ["z", "b", "c", "d", "e"]);
    let last: Vec<_> = numbers(&world).into_iter().rev().take(4).collect();
    assert_eq!(last, [(1001, 1, 3), (1001, 1, 2), (1001, 1, 1), (1001, 1, 0)]);
}

#[test]
fn a_batch_in_doubt_before_one_that_is_split_is_not_written_again() {
    let mut world = known();
    world.fates =
        first(&[Fate::Lied(ErrorCode::REQUEST_TIMED_OUT), Fate::Refused(ErrorCode::MESSAGE_TOO_LARGE)]);
    world.submit(&[send(1, "t", 0, &["a"]), send(2, "t", 0, &["b", "c"]), send(3, "t", 0, &["d"])]);
    world.run();
    assert_eq!(world.brokers.values("t", 0), ["z", "a", "b", "c", "d"]);
    assert_eq!([world.offsets(1), world.offsets(2), world.offsets(3)].concat(), [(0, 1), (0, 2), (0, 4)]);
}

#[test]
fn a_batch_in_doubt_is_not_split() {
    let mut world = known();
    world.fates = first(&[Fate::LostAfter, Fate::Refused(ErrorCode::MESSAGE_TOO_LARGE)]);
    world.submit(&[send(1, "t", 0, &["a", "b"])]);
    world.run();
    let code = ErrorCode::MESSAGE_TOO_LARGE;
    assert_eq!(world.failure(1).failed[0].reason, Reason::Broker { code, message: None });
    world.send(2, 0, &["c"]);
    world.run();
    assert_eq!(world.brokers.values("t", 0), ["z", "a", "b", "c"], "it was there, as nobody could know");
}

#[test]
fn a_lost_answer_and_a_batch_that_then_times_out_do_not_confuse_the_next() {
    let mut world = World::ready(ProduceConfig { retries: 0, ..small() });
    world.fates = first(&[Fate::LostAfter]);
    world.send(1, 0, &["a"]);
    world.run();
    assert!(matches!(&world.failure(1).failed[0].reason, Reason::Net(_)));
    world.send(2, 0, &["b"]);
    world.run();
    // It was written, as nobody knew. What counts: the next send has an offset of its own.
    assert_eq!(world.brokers.values("t", 0), ["a", "b"]);
    assert_eq!(world.offsets(2), [(0, 1)]);
}

/// A leader that is none any more says so of what it has appended, too: its successor may have it.
#[test]
fn a_leader_that_has_lost_its_office_may_have_written_what_it_refuses() {
    for code in [ErrorCode::NOT_LEADER_OR_FOLLOWER, ErrorCode::KAFKA_STORAGE_ERROR] {
        let mut world = World::ready(ProduceConfig { retries: 0, ..small() });
        world.send(0, 0, &["z"]);
        world.run();
        world.fates = first(&[Fate::Lied(code)]);
        world.send(1, 0, &["a"]);
        world.run();
        assert!(world.failure(1).failed[0].may_be_written);
        world.send(2, 0, &["b"]);
        world.run();
        // With the number of the first one, the second would be taken for a repetition, and lost.
        assert_eq!(world.brokers.values("t", 0), ["z", "a", "b"]);
        assert_eq!(world.offsets(2), [(0, 2)]);
    }
}

#[test]
fn a_batch_that_was_sent_to_the_wrong_broker_is_split_all_the_same() {
    let mut world = known();
    let fates = [ErrorCode::NOT_LEADER_OR_FOLLOWER, ErrorCode::MESSAGE_TOO_LARGE].map(Fate::Refused);
    world.fates = first(&fates);
    world.submit(&[send(1, "t", 0, &["a", "b"])]);
    world.run();
    assert_eq!(world.brokers.values("t", 0), ["z", "a", "b"]);
    assert_eq!(world.offsets(1), [(0, 1)]);
}

#[test]
fn a_failure_says_whether_its_messages_may_be_written() {
    let retries = |retries| ProduceConfig { retries, ..small() };
    for (fates, may_be_written) in [
        (vec![Fate::LostAfter], true),
        (vec![Fate::Lied(ErrorCode::REQUEST_TIMED_OUT)], true),
        (vec![Fate::LostBefore, Fate::Refused(ErrorCode::NOT_ENOUGH_REPLICAS)], true),
        (vec![Fate::Refused(ErrorCode::NOT_ENOUGH_REPLICAS)], false),
        (vec![Fate::Refused(ErrorCode::TOPIC_AUTHORIZATION_FAILED)], false),
    ] {
        let mut world = World::ready(retries(u32::try_from(fates.len()).unwrap() - 1));
        world.fates = first(&fates);
        world.send(1, 0, &["a"]);
        world.run();
        assert_eq!(world.failure(1).failed[0].may_be_written, may_be_written, "{fates:?}");
    }
    // What is out when there is no more time may be written, what is not may not.
    let mut world = World::ready(small());
    world.latency = Box::new(|| Duration::from_secs(10));
    world.send(1, 0, &["a"]);
    world.send(2, 0, &["b"]);
    world.machine.close(world.now, Duration::from_secs(1));
    world.run_for(Duration::from_secs(5));
    let told = [1, 2].map(|ticket| world.failure(ticket).failed[0].may_be_written);
    assert_eq!(told, [true, false]);
}

#[test]
fn a_broker_that_has_forgotten_us_does_not_end_the_producer() {
    let mut world = World::ready(small());
    world.send(0, 0, &["z"]);
    world.run();
    for code in [ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER, ErrorCode::UNKNOWN_PRODUCER_ID] {
        world.brokers.partition("t", 0).unwrap().forget_producers();
        let before = world.brokers.values("t", 0).len();
        world.fates = first(&[Fate::Refused(code)]);
        world.sent.clear();
        world.send(i32::from(code.0), 0, &["y"]);
        world.run();
        assert_eq!(world.offsets(i32::from(code.0)), [(0, i64::try_from(before).unwrap())]);
        let (first, last) = (numbers(&world)[0], *numbers(&world).last().unwrap());
        assert_eq!((last.1, last.2), (first.1 + 1, 0));
    }
}

#[test]
fn an_epoch_that_does_not_count_any_more_is_replaced_by_a_new_id() {
    let mut world = known();
    world.fates = first(&[Fate::Refused(ErrorCode::INVALID_PRODUCER_EPOCH); 5]);
    five(&mut world);
    world.run();
    assert_eq!(world.brokers.values("t", 0), ["z", "a", "b", "c", "d", "e"]);
    assert_eq!(numbers(&world).last().map(|(id, ..)| *id), Some(1002));
}

#[test]
fn a_duplicate_that_the_broker_does_not_remember_counts_as_written() {
    let mut world = World::ready(small());
    world.fates = first(&[Fate::Lied(ErrorCode::DUPLICATE_SEQUENCE_NUMBER)]);
    world.send(1, 0, &["a"]);
    world.run();
    assert_eq!(world.offsets(1), [(0, -1)]);
    world.send(2, 0, &["b"]);
    world.run();
    assert_eq!(world.brokers.values("t", 0), ["a", "b"]);
}

#[test]
fn another_partition_does_not_notice() {
    let mut world = World::ready(small());
    world.fates = Box::new(|node, _| if node == 1 { Fate::LostBefore } else { Fate::Answer });
    world.send(1, 0, &["a"]);
    world.run_for(Duration::from_millis(50));
    for ticket in 10..20 {
        world.send(ticket, 1, &["b"]);
    }
    world.run_for(Duration::from_millis(50));
    assert_eq!(world.answer(1), None);
    assert_eq!(world.offsets(19), [(1, 9)]);
}
