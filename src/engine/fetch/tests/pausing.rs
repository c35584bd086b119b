//! Pauses, limits and the Fetch beside the long poll.

use std::time::Duration;

use crate::engine::delivery::LANE_STOP;
use crate::engine::delivery::Outcome;
use crate::engine::machine::Machine;

use super::world::*;
use crate::engine::fetch::response::PACE;

#[test]
fn a_pause_keeps_what_is_buffered() {
    let mut world = World::consuming(&[0]);
    world.logs.get_mut(&0).unwrap().append(&[10; 9]);
    world.answer_news();
    assert!(world.fetch.deliveries.has_ready());
    world.pause(0);
    assert!(!world.fetch.deliveries.has_ready() && !world.take(0));
    world.advance(3 * MAX_WAIT);
    let before = world.requests;
    world.advance(3 * MAX_WAIT);
    assert_eq!(world.requests, before, "a paused partition is not fetched");
    assert_eq!(world.fetch.deliveries.paused(), [tp(0)]);
    world.resume(0);
    world.consume();
    assert_eq!(world.delivered.len(), 9, "without asking again");
    assert!(world.delivered.is_sorted());
}

#[test]
fn a_pause_stops_the_lane_and_is_no_change_of_position() {
    let mut world = World::consuming(&[0]);
    world.logs.get_mut(&0).unwrap().append(&[10; 3]);
    world.answer_news();
    assert!(world.take(0));
    world.pause(0);
    assert_eq!(world.fetch.deliveries.lane_flags().next(), Some(LANE_STOP));
    assert_eq!(world.progress(0, 1), Some((0, 1)), "what it finishes counts");
    world.finish(0, Outcome::Again(Duration::ZERO));
    world.resume(0);
    world.advance(Duration::from_millis(21));
    world.answer_news();
    world.consume();
    assert_eq!(world.delivered.iter().map(|(_, o)| *o).collect::<Vec<_>>(), [0, 1, 2, 1, 2]);
}

#[test]
fn the_rest_that_no_handler_has_seen_waits_where_it_is() {
    let mut world = World::consuming(&[0]);
    world.logs.get_mut(&0).unwrap().append(&[10; 3]);
    world.logs.get_mut(&0).unwrap().append(&[10; 3]);
    world.answer_news();
    let requests = world.requests;
    for next in 1..6 {
        assert!(world.take(0));
        world.pause(0);
        world.progress(0, next);
        world.finish(0, Outcome::Stopped);
        assert!(!world.take(0), "paused");
        world.advance(3 * MAX_WAIT);
        world.resume(0);
    }
    world.consume();
    // Each lane gets the rest of what it had, then what comes behind.
    let rests: &[&[i64]] = &[&[0, 1, 2], &[1, 2], &[2], &[3, 4, 5], &[4, 5], &[5]];
    assert_eq!(world.delivered.iter().map(|(_, offset)| *offset).collect::<Vec<_>>(), rests.concat());
    assert!(world.kept.is_empty());
    world.answer(0);
    assert!(world.requests <= requests + 2, "nothing is fetched twice");
}

#[test]
fn a_resume_says_whether_anybody_has_passed_over_what_was_paused() {
    let mut world = World::consuming(&[0]);
    let topic = "t".into();
    world.fetch.pause(&topic, Some(&[0]));
    assert!(!world.fetch.resume(&topic, Some(&[0])), "nobody has looked");
    world.pause(0);
    world.advance(Duration::from_millis(1));
    assert!(world.fetch.resume(&topic, Some(&[0])));
    assert!(!world.fetch.resume(&topic, Some(&[0])));
}

/// Takes three messages of partition 0, and pauses after the first.
fn kept() -> World {
    let mut world = World::consuming(&[0, 1]);
    world.logs.get_mut(&0).unwrap().append(&[10; 3]);
    world.answer_news();
    assert!(world.take(0));
    world.pause(0);
    world.progress(0, 1);
    world.finish(0, Outcome::Stopped);
    assert_eq!(world.kept.len(), 1);
    world.delivered.clear();
    world
}

#[test]
fn what_waits_is_void_when_the_position_changes_or_the_partition_goes() {
    let mut world = kept();
    world.set_position(0, 2);
    assert!(world.kept.is_empty(), "the owner is told");
    world.resume(0);
    world.advance(Duration::from_millis(21));
    world.answer_news();
    world.consume();
    assert_eq!(world.delivered, [(0, 2)]);

    let mut world = kept();
    world.unassign();
    assert!(world.kept.is_empty());

    let mut world = kept();
    world.fetch.await_position(&tp(0));
    world.settle();
    assert!(world.kept.is_empty());
}

#[test]
fn what_a_handler_has_seen_is_fetched_again() {
    for outcome in [Outcome::Done, Outcome::Again(Duration::from_millis(5))] {
        let mut world = World::consuming(&[0]);
        world.logs.get_mut(&0).unwrap().append(&[10; 3]);
        world.answer_news();
        assert!(world.take(0));
        world.pause(0);
        world.progress(0, 1);
        world.finish(0, outcome);
        assert!(world.kept.is_empty());
    }
}

#[test]
fn what_waits_makes_room_for_the_others() {
    let max_queued_bytes = 50_000;
    let mut world = World::with(config_with(2, max_queued_bytes));
    world.assign(&[0, 2]);
    for partition in [0, 2] {
        world.set_position(partition, 0);
        world.logs.get_mut(&partition).unwrap().append(&[BIG; 3]);
    }
    world.answer_news();
    for lane in [0, 1] {
        assert!(world.take(lane));
    }
    let (one, other) = (world.lanes[0].as_ref().unwrap().partition, 1);
    world.pause(one);
    world.finish(0, Outcome::Stopped);
    assert_eq!(world.kept.len(), 1);
    let partition = world.lanes[other].as_ref().unwrap().partition;
    world.logs.get_mut(&partition).unwrap().append(&[BIG; 9]);
    world.eager = false;
    world.answer_news();
    assert!(world.kept.is_empty(), "it is fetched again after the pause");
    world.eager = true;
    world.resume(one);
    for _ in 0..9 {
        world.advance(Duration::from_millis(21));
        world.answer_news();
        world.complete(other);
        world.consume();
    }
    assert_eq!(world.expected, [(0, world.logs[&0].end), (2, world.logs[&2].end)].into());
}

#[test]
fn without_room_nothing_is_kept() {
    let max_queued_bytes = 2 * BIG;
    let mut world = World::with(config_with(2, max_queued_bytes));
    world.assign(&[0]);
    world.set_position(0, 0);
    world.logs.get_mut(&0).unwrap().append(&[BIG; 3]);
    world.answer_news();
    assert!(world.take(0));
    world.pause(0);
    world.progress(0, 1);
    world.finish(0, Outcome::Stopped);
    assert!(world.kept.is_empty());
    world.resume(0);
    world.advance(Duration::from_millis(21));
    world.answer_news();
    world.consume();
    let offsets: Vec<_> = world.delivered.iter().map(|(_, offset)| *offset).collect();
    assert_eq!(offsets, [0, 1, 2, 1, 2]);
}

#[test]
fn data_that_arrives_during_a_pause_is_kept() {
    let mut world = World::consuming(&[0]);
    world.pause(0);
    world.logs.get_mut(&0).unwrap().append(&[10; 3]);
    world.answer(0);
    world.consume();
    assert!(world.delivered.is_empty());
    world.resume(0);
    world.consume();
    assert_eq!(world.delivered.len(), 3);
}

#[test]
fn a_seek_during_a_pause_is_not_lost() {
    let mut world = World::consuming(&[0]);
    world.logs.get_mut(&0).unwrap().append(&[10; 9]);
    world.answer_news();
    world.pause(0);
    world.set_position(0, 8);
    world.resume(0);
    world.advance(Duration::from_millis(21));
    world.answer_news();
    world.consume();
    assert_eq!(world.delivered, [(0, 8)]);
}

#[test]
fn what_is_paused_does_not_keep_the_others_from_being_fetched() {
    let mut world = World::with(config_with(2, 3_000));
    world.eager = false;
    world.assign(&[0, 1]);
    world.set_position(0, 0);
    world.logs.get_mut(&0).unwrap().append(&[4_000]);
    world.answer_news();
    assert!(world.fetch.deliveries.queued_bytes() > 3_000);
    world.set_position(1, 0);
    world.advance(MAX_WAIT);
    assert!(world.in_flight.is_empty(), "enough is buffered");
    world.pause(0);
    assert_eq!(world.asked(0), [1]);
    assert_eq!(world.fetch.deliveries.queued_bytes(), 0);
    world.resume(0);
    world.advance(Duration::from_millis(21));
    world.eager = true;
    world.settle();
    world.answer_news();
    world.consume();
    assert_eq!(world.delivered, [(0, 0)], "asked for again");
}

#[test]
fn what_is_dropped_during_a_fetch_is_asked_for_again() {
    let mut world = World::with(config_with(2, 3_000));
    world.eager = false;
    world.assign(&[0, 2]);
    world.set_position(0, 0);
    world.logs.get_mut(&0).unwrap().append(&[10]);
    world.answer_news();
    world.pause(0);
    world.set_position(2, 0);
    world.logs.get_mut(&2).unwrap().append(&[4_000]);
    let node_1 = world.in_flight.iter().position(|sent| sent.node == 1).unwrap();
    world.answer(node_1);
    assert!(
        world.fetch.deliveries.queued_bytes() > 4_000 && world.fetch.deliveries.queued_bytes() < 4_100,
        "without partition 0"
    );
    // The Fetch from 1 was under way: behind a gap its answer is of no use.
    world.logs.get_mut(&0).unwrap().append(&[10]);
    world.answer(0);
    world.resume(0);
    world.eager = true;
    world.settle();
    world.advance(Duration::from_millis(21));
    world.answer_news();
    world.consume();
    world.delivered.retain(|(partition, _)| *partition == 0);
    assert_eq!(world.delivered, [(0, 0), (0, 1)]);
}

#[test]
fn what_is_being_decoded_counts_until_nothing_is_left_of_it() {
    let mut world = World::with(config_with(2, 30_000));
    world.assign(&[0, 1]);
    world.set_position(0, 0);
    // Of 45 KB the decoder is ahead by one delivery of three messages.
    world.logs.get_mut(&0).unwrap().append(&[BIG; 9]);
    world.answer_news();
    assert!(world.fetch.deliveries.queued_bytes() > 9 * BIG, "{}", world.fetch.deliveries.queued_bytes());
    world.set_position(1, 0);
    world.advance(MAX_WAIT);
    assert!(world.in_flight.iter().all(|sent| sent.express), "enough is buffered");
    world.consume();
    assert_eq!((world.delivered.len(), world.fetch.deliveries.queued_bytes()), (9, 0));
    world.advance(MAX_WAIT);
    assert!(!world.in_flight.is_empty());
}

#[test]
fn what_is_half_decoded_does_not_keep_the_others_from_being_fetched_either() {
    let mut world = World::with(config_with(2, 30_000));
    world.assign(&[0, 2]);
    world.set_position(0, 0);
    world.logs.get_mut(&0).unwrap().append(&[BIG; 9]);
    world.answer_news();
    assert!(world.take(0));
    world.complete(0);
    world.pause(0);
    world.set_position(2, 0);
    world.logs.get_mut(&2).unwrap().append(&[10]);
    world.answer_news();
    world.consume();
    assert_eq!(world.delivered, [(0, 0), (0, 1), (0, 2), (2, 0)]);
    assert_eq!(world.fetch.deliveries.queued_bytes(), 0);
    world.resume(0);
    world.advance(Duration::from_millis(21));
    world.answer_news();
    world.consume();
    let of_0 = world.delivered.iter().filter(|(partition, _)| *partition == 0);
    assert!(of_0.map(|(_, offset)| *offset).eq(0..9), "{:?}", world.delivered);
}

#[test]
fn a_full_partition_does_not_starve_its_neighbour() {
    let mut world = World::consuming(&[0, 1]);
    for _ in 0..50 {
        world.logs.get_mut(&0).unwrap().append(&[BIG; 3]);
    }
    // Lane 0 is stuck in partition 0.
    world.answer_news();
    assert!(world.take(0));
    for round in 0..20 {
        world.logs.get_mut(&1).unwrap().append(&[10]);
        world.advance(Duration::from_millis(100));
        world.answer_news();
        while world.take(1) {
            world.complete(1);
        }
        assert_eq!(world.delivered.iter().filter(|(p, _)| *p == 1).count(), round + 1);
    }
}

#[test]
fn who_joins_during_a_long_poll_does_not_wait_for_it() {
    for how in 0..3 {
        let mut world = World::consuming(&[0, 1]);
        world.logs.get_mut(&1).unwrap().append(&[10; 3]);
        match how {
            0 => world.pause(1),
            1 => world.fetch.await_position(&tp(1)),
            _ => world.set_position(1, 1),
        }
        world.advance(PACE);
        world.answer(0);
        world.consume();
        world.delivered.clear();
        world.set_position(1, 0);
        assert!(world.in_flight.iter().all(|sent| !sent.express));
        match how {
            0 => world.resume(1),
            1 => world.set_position(1, 0),
            _ => {}
        }
        world.advance(Duration::from_millis(20));
        let express = world.in_flight.iter().position(|sent| sent.express);
        let express = express.unwrap_or_else(|| panic!("{how}: nobody asks"));
        assert_eq!(world.asked(express), [1]);
        assert!(world.in_flight[express].request.max_wait_ms <= 250);
        world.answer_news();
        world.consume();
        assert_eq!(world.delivered.len(), 3, "{how}");
    }
}

#[test]
fn who_seeks_again_and_again_does_not_wait_for_the_fetch_before() {
    let mut world = World::consuming(&[0, 1]);
    world.logs.get_mut(&1).unwrap().append(&[10; 3]);
    world.pause(1);
    world.advance(PACE);
    world.answer(0);
    world.resume(1);
    for _ in 0..3 {
        let mut held = Vec::new();
        for round in 0..6 {
            world.advance(Duration::from_millis(20));
            let express = world.in_flight.iter().position(|sent| sent.express).unwrap();
            assert_eq!(world.asked(express), [1]);
            held.push(world.in_flight[express].request.max_wait_ms);
            if round == 0 {
                world.answer_news();
                world.consume();
            } else {
                world.answer(express);
            }
        }
        assert_eq!(held[1..], [25, 50, 100, 200, 250]);
        world.set_position(1, 0);
        let express = world.in_flight.iter().position(|sent| sent.express);
        express.into_iter().for_each(|express| world.answer(express));
    }
}

#[test]
fn an_idle_consumer_asks_as_often_as_it_must() {
    let mut world = World::consuming(&[0, 1, 2, 3]);
    world.logs.get_mut(&0).unwrap().append(&[10]);
    world.answer_news();
    world.consume();
    let end = world.now + Duration::from_secs(120);
    let before = world.requests;
    let mut wakes = 0;
    while world.now < end {
        // A broker answers an idle Fetch when it must.
        let held = |sent: &Sent| Duration::from_millis(u64::try_from(sent.request.max_wait_ms).unwrap());
        let sent = world.in_flight.iter().enumerate();
        let (index, at) =
            sent.map(|(i, sent)| (i, sent.sent_at + held(sent))).min_by_key(|(_, at)| *at).unwrap();
        match world.fetch.poll_timeout(world.now) {
            Some(timeout) if timeout < at => {
                wakes += 1;
                world.advance(timeout - world.now);
            }
            _ => {
                world.advance(at - world.now);
                world.answer(index);
            }
        }
    }
    // Two brokers, one long poll each.
    let requests = world.requests - before;
    assert!(requests <= 2 * 120 / 5 + 25, "{requests} requests in two minutes");
    assert!(wakes <= 2 * requests, "{wakes} wakes");
}

#[test]
fn what_was_asked_behind_dropped_data_is_dropped_with_it() {
    let mut world = World::with(config_with(1, 1000));
    world.give();
    world.eager = false;
    world.assign(&[0, 2]);
    world.set_position(0, 0);
    world.set_position(2, 0);
    world.logs.get_mut(&0).unwrap().append(&[200; 2]);
    world.answer(0);
    world.pause(0);
    world.logs.get_mut(&0).unwrap().append(&[10; 2]);
    // Too much for both: partition 0 is to ask again, and an answer is on its way.
    world.logs.get_mut(&2).unwrap().append(&[1000]);
    world.answer(0);
    assert_eq!(world.asked(0), [0]);
    world.answer(0);
    world.resume(0);
    world.eager = true;
    world.decode_all();
    for _ in 0..5 {
        world.answer_news();
        world.consume();
    }
    world.delivered.retain(|(partition, _)| *partition == 0);
    assert_eq!(world.delivered, [(0, 0), (0, 1), (0, 2), (0, 3)]);
}
