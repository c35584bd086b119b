//! Leaders that have less than we have read (KIP-320).

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use crate::engine::delivery::Outcome;
use crate::engine::fetch::Event;
use crate::engine::fetch::UNKNOWN_EPOCH;
use crate::engine::fetch::Waits;
use crate::engine::machine::Machine;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Response;
use crate::engine::protocol::fetch::FetchPartition;
use crate::engine::protocol::fetch::FetchResponse;
use crate::engine::protocol::fetch::FetchResponsePartition;
use crate::engine::protocol::fetch::FetchResponseTopic;

use super::world::*;
use crate::engine::testing::broker::{Log, TOPIC};

/// Partition 0 with messages 0..3 and 3..5, all of them handled.
fn having_read() -> World {
    let mut world = World::consuming(&[0]);
    log(&mut world).append(&[10; 3]);
    log(&mut world).append(&[10; 2]);
    world.answer_news();
    world.consume();
    assert_eq!(world.delivered.len(), 5);
    world
}

fn log(world: &mut World) -> &mut Log {
    world.logs.get_mut(&0).unwrap()
}

fn truncated(from: i64, to: i64) -> Event {
    Event::Truncated { partition: tp(0), from, to }
}

/// What the last Fetch asks for partition 0: offset and epoch.
fn asking(world: &World) -> Option<(i64, i32)> {
    let partitions = |sent: &Sent| sent.request.topics.iter().flat_map(|t| t.partitions.clone()).collect();
    let last: Vec<FetchPartition> = world.in_flight.last().map(partitions)?;
    last.iter().find(|p| p.partition == 0).map(|p| (p.fetch_offset, p.last_fetched_epoch))
}

fn diverging(end: i64) -> Result<Response, crate::engine::machine::NetError> {
    let partition = FetchResponsePartition { diverging_epoch: Some((0, end)), ..Default::default() };
    let topics =
        vec![FetchResponseTopic { topic_id: TOPIC, partitions: vec![partition], ..Default::default() }];
    Ok(Response::Fetch(FetchResponse { session_id: 1, topics, ..Default::default() }))
}

/// Goes on until nothing comes any more.
fn calm(world: &mut World) {
    for _ in 0..20 {
        for index in (0..world.in_flight.len()).rev() {
            world.answer(index);
        }
        world.consume();
        world.advance(Duration::from_millis(300));
    }
}

#[test]
fn records_of_the_new_log_are_read_from_where_the_old_one_ended() {
    let mut world = having_read();
    log(&mut world).elect(3);
    log(&mut world).append(&[20; 4]);
    world.delivered.clear();
    calm(&mut world);
    assert_eq!(world.events, [truncated(5, 3)]);
    assert_eq!(world.delivered, [(0, 3), (0, 4), (0, 5), (0, 6)]);
}

#[test]
fn a_position_behind_the_new_end_goes_back_and_is_not_out_of_range() {
    let mut world = having_read();
    log(&mut world).elect(3);
    calm(&mut world);
    assert_eq!(world.events, [truncated(5, 3)]);
    log(&mut world).append(&[20]);
    world.delivered.clear();
    calm(&mut world);
    assert_eq!(world.delivered, [(0, 3)]);
}

#[test]
fn a_log_that_was_cut_several_times_while_nobody_looked() {
    let mut world = having_read();
    log(&mut world).elect(5);
    log(&mut world).append(&[20; 2]);
    world.answer_news();
    world.consume();
    log(&mut world).elect(5);
    log(&mut world).append(&[30; 4]);
    log(&mut world).elect(3);
    log(&mut world).append(&[40; 9]);
    world.delivered.clear();
    calm(&mut world);
    assert_eq!(world.events, [truncated(7, 3)]);
    assert_eq!(world.delivered, (3..12).map(|offset| (0, offset)).collect::<Vec<_>>());
}

#[test]
fn an_election_that_loses_nothing_is_none_of_our_business() {
    let mut world = having_read();
    for _ in 0..3 {
        log(&mut world).elect(5);
        world.set_leaders([1, 0, 1, 1], 2);
        world.set_leaders([0, 0, 1, 1], 3);
    }
    log(&mut world).append(&[20; 2]);
    world.delivered.clear();
    calm(&mut world);
    assert_eq!((world.events.as_slice(), world.delivered.as_slice()), (&[][..], &[(0, 5), (0, 6)][..]));
}

#[test]
fn what_is_buffered_is_void() {
    let mut world = World::consuming(&[0]);
    log(&mut world).append(&[10; 3]);
    world.answer_news();
    world.consume();
    // Two answers that no lane has taken.
    for _ in 0..2 {
        log(&mut world).append(&[10; 2]);
        world.answer(0);
    }
    log(&mut world).elect(3);
    log(&mut world).append(&[20; 8]);
    world.delivered.clear();
    calm(&mut world);
    assert_eq!(world.events, [], "nothing that was handed over is concerned");
    assert_eq!(world.delivered, (3..11).map(|offset| (0, offset)).collect::<Vec<_>>());
}

#[test]
fn a_lane_at_work_stops_and_what_it_has_not_resolved_comes_again() {
    let mut world = World::consuming(&[0]);
    log(&mut world).append(&[10; 3]);
    world.answer(0);
    assert!(world.take(0));
    world.progress(0, 1);
    log(&mut world).elect(0);
    log(&mut world).append(&[20; 5]);
    world.answer(0);
    assert_eq!(world.events, [truncated(3, 0)]);
    assert_ne!(world.fetch.deliveries.lane_flags().next(), Some(0));
    assert_eq!(world.progress(0, 3), None, "its offsets are those of other records");
    world.finish(0, Outcome::Done);
    world.delivered.clear();
    calm(&mut world);
    assert_eq!(world.delivered.len(), 5);
}

#[test]
fn a_decoded_delivery_of_the_old_log_is_dropped() {
    let mut world = having_read();
    world.eager = false;
    log(&mut world).append(&[10; 2]);
    world.answer(0);
    world.begin_decode();
    log(&mut world).elect(3);
    log(&mut world).append(&[20; 4]);
    world.answer(0);
    world.end_decode();
    assert!(!world.fetch.deliveries.has_ready());
    assert_eq!(world.events, [truncated(5, 3)]);
}

#[test]
fn an_answer_to_what_was_asked_before_a_seek_is_nobodys() {
    let mut world = having_read();
    world.set_position(0, 4);
    world.answer_with(0, diverging(3));
    assert_eq!(world.events, []);
    assert_eq!(asking(&world), Some((4, UNKNOWN_EPOCH)), "what the user wants has no epoch");
}

#[test]
fn a_late_answer_after_the_truncation_is_dropped() {
    let mut world = having_read();
    log(&mut world).elect(3);
    let stale = world.in_flight[0].id;
    world.answer(0);
    assert_eq!(world.events, [truncated(5, 3)]);
    world.fetch.handle_response(world.now, stale, diverging(1));
    world.settle();
    assert_eq!(world.events, [truncated(5, 3)]);
}

#[test]
fn an_unknown_epoch_is_never_claimed() {
    let mut world = World::consuming(&[0]);
    assert_eq!(asking(&world), Some((0, UNKNOWN_EPOCH)));
    log(&mut world).append(&[10; 3]);
    world.answer(0);
    assert_eq!(asking(&world), Some((3, 0)));
    world.set_position(0, 1);
    world.answer(0);
    assert_eq!(asking(&world), Some((1, UNKNOWN_EPOCH)));
}

#[test]
fn the_epoch_of_a_committed_offset_is_claimed() {
    let mut world = World::new();
    log(&mut world).append(&[10; 3]);
    log(&mut world).elect(1);
    log(&mut world).append(&[20; 5]);
    world.assign(&[0]);
    world.fetch.set_position(&tp(0), 3, 0);
    world.expected.insert(0, 3);
    world.settle();
    assert_eq!(asking(&world), Some((3, 0)));
    world.answer(0);
    assert_eq!(world.events, [truncated(3, 0)], "the batch went as a whole");
}

fn out_of_range(world: &mut World) {
    let error = ErrorCode::OFFSET_OUT_OF_RANGE;
    let partition = FetchResponsePartition { partition: 0, error, ..Default::default() };
    let topics =
        vec![FetchResponseTopic { topic_id: TOPIC, partitions: vec![partition], ..Default::default() }];
    world.answer_with(0, Ok(Response::Fetch(FetchResponse { session_id: 1, topics, ..Default::default() })));
}

/// The committed offset was read of a leader that our metadata does not know yet; the former one wakes up, and does not know either.
fn with_former_leader() -> World {
    let mut world = World::new();
    world.assign(&[0]);
    world.set_leaders([0, 0, 1, 1], 4);
    world.fetch.set_position(&tp(0), 7, 5);
    world.expected.insert(0, 7);
    world.settle();
    assert_eq!(asking(&world), Some((7, 5)));
    world
}

#[test]
fn what_a_former_leader_does_not_have_is_not_out_of_range() {
    for answers in [out_of_range, |world: &mut World| world.answer_with(0, diverging(3))] {
        let mut world = with_former_leader();
        answers(&mut world);
        assert_eq!(world.events, [Event::RefreshMetadata]);
        world.events.clear();
        let waits = world.fetch.waits_for(world.now + Duration::from_secs(1), &tp(0));
        assert!(
            matches!(waits, Some(Waits::Refused { code: ErrorCode::OFFSET_OUT_OF_RANGE, .. })),
            "{waits:?}"
        );
        log(&mut world).append(&[10; 9]);
        world.set_leaders([1, 0, 1, 1], 5);
        calm(&mut world);
        assert_eq!((world.events.as_slice(), world.expected[&0]), (&[][..], 9));
    }
}

#[test]
fn a_leader_that_nobody_else_knows_is_not_waited_for_for_ever() {
    let mut world = with_former_leader();
    let reset = Event::OutOfRange(tp(0));
    let mut answers = 0;
    while !world.events.contains(&reset) {
        out_of_range(&mut world);
        answers += 1;
        assert!(answers < 100);
        while world.in_flight.is_empty() && !world.events.contains(&reset) {
            world.advance(Duration::from_millis(100));
        }
    }
    assert!(answers > 3);
}

#[test]
fn a_retry_claims_the_epoch_but_not_for_an_offset_that_nobody_has_fetched() {
    for (resolved, epoch) in [(1, 0), (3, 0), (50, UNKNOWN_EPOCH)] {
        let mut world = World::consuming(&[0]);
        log(&mut world).append(&[10; 3]);
        world.answer(0);
        assert!(world.take(0));
        world.progress(0, resolved);
        world.finish(0, Outcome::Again(Duration::ZERO));
        world.lose(0, false);
        world.advance(Duration::from_secs(1));
        assert_eq!(asking(&world), Some((resolved, epoch)));
    }
}

/// The epoch that we know of what lies behind may have been damaged on the way; a transaction of the handler's may be committed meanwhile.
#[test]
fn what_a_lane_has_is_not_handed_out_again_when_its_log_goes_on() {
    let mut world = World::consuming(&[0]);
    log(&mut world).append(&[10; 3]);
    world.answer(0);
    assert!(world.take(0));
    log(&mut world).append(&[20; 4]);
    world.answer(0);
    world.events.clear();
    assert_eq!(asking(&world), Some((7, 0)));
    world.answer_with(0, diverging(3));
    assert_eq!(world.events, []);
    world.advance(Duration::from_secs(1));
    assert_eq!(asking(&world), Some((3, 0)));
    // The session of the broker has not heard of the answer above.
    world.answer(0);
    world.answer(0);
    world.complete(0);
    world.consume();
    // It starts where the lane's has ended, or `take` complains.
    assert_eq!(world.expected.get(&0), Some(&7));
}

/// The record batches of the next answer come with another leader epoch than the log's; no checksum covers it.
fn answer_with_epochs(world: &mut World, epochs: &[i32]) {
    world.answer_changed(world.in_flight.len() - 1, |response| {
        for partition in response.topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
            let mut records = partition.records.to_vec();
            let mut at = 0;
            for epoch in epochs {
                let length = i32::from_be_bytes(records[at + 8..at + 12].try_into().unwrap());
                records[at + 12..at + 16].copy_from_slice(&epoch.to_be_bytes());
                at += 12 + usize::try_from(length).unwrap();
            }
            partition.records = records.into();
        }
    });
}

/// Messages 0..3 of epoch 0, 3..5 of epoch 1: epochs never go down in a log.
#[test]
fn an_epoch_that_went_down_on_the_way_is_no_truncation() {
    for (epochs, known) in
        [(&[0][..], UNKNOWN_EPOCH), (&[1, 0], UNKNOWN_EPOCH), (&[-7], UNKNOWN_EPOCH), (&[0, 1], 1)]
    {
        let mut world = having_read();
        log(&mut world).elect(5);
        log(&mut world).append(&[10; 2]);
        world.answer_news();
        world.consume();
        assert_eq!(asking(&world), Some((7, 1)));
        epochs.iter().for_each(|_| log(&mut world).append(&[10; 2]));
        answer_with_epochs(&mut world, epochs);
        world.consume();
        let end = log(&mut world).end;
        assert_eq!(asking(&world), Some((end, known)));
        log(&mut world).append(&[10]);
        calm(&mut world);
        assert_eq!((world.events.as_slice(), world.expected[&0]), (&[][..], end + 1));
    }
}

#[test]
fn what_is_read_again_tells_nothing_new_of_its_epoch() {
    let mut world = having_read();
    log(&mut world).elect(5);
    log(&mut world).append(&[10; 2]);
    world.answer_news();
    assert!(world.take(0));
    world.finish(0, Outcome::Again(Duration::ZERO));
    world.advance(Duration::from_secs(1));
    assert_eq!(asking(&world), Some((5, 1)));
    answer_with_epochs(&mut world, &[0]);
    world.consume();
    assert_eq!(asking(&world), Some((7, UNKNOWN_EPOCH)), "one of both is wrong");
    calm(&mut world);
    assert_eq!(world.events, []);
}

#[test]
fn a_follower_that_lags_truncates_nothing() {
    let mut config = config(1);
    config.rack_id = "rack-2".into();
    let mut world = World::with(config);
    world.brokers.get_mut(&0).unwrap().preferred = Some(2);
    log(&mut world).append(&[10; 3]);
    world.assign(&[0]);
    world.set_position(0, 0);
    world.answer(0);
    world.answer(0);
    world.consume();
    world.events.clear();
    world.answer_with(0, diverging(1));
    assert_eq!(world.events, [Event::RefreshMetadata]);
    assert_eq!((world.in_flight[0].node, asking(&world)), (0, Some((3, 0))), "the leader decides");
}

#[test]
fn a_leader_that_goes_on_saying_so_is_no_reason_to_spin() {
    for end in [0, 3, 1 << 40] {
        let mut world = having_read();
        let before = world.requests;
        for _ in 0..200 {
            if !world.in_flight.is_empty() {
                world.answer_with(0, diverging(end));
            }
            world.advance(Duration::from_millis(10));
        }
        assert!(world.requests - before < 15, "{} in two seconds", world.requests - before);
        assert_eq!(world.events.len(), usize::from(end < 5));
    }
}

#[derive(Debug, Clone)]
enum Step {
    Append(usize),
    Elect(prop::sample::Index),
    Answer,
    Take,
    Progress(usize),
    Complete,
    Again,
    Pause(bool),
    Lose,
    Pass,
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (1usize..5).prop_map(Step::Append),
        2 => any::<prop::sample::Index>().prop_map(Step::Elect),
        12 => Just(Step::Answer),
        6 => Just(Step::Take),
        3 => (0usize..4).prop_map(Step::Progress),
        6 => Just(Step::Complete),
        2 => Just(Step::Again),
        2 => any::<bool>().prop_map(Step::Pause),
        1 => Just(Step::Lose),
        5 => Just(Step::Pass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whenever leaders lose what, and whatever lanes do meanwhile: all that is in the log in the end has been handled.
    #[test]
    fn everything_that_stays_in_the_log_is_handled(steps in prop::collection::vec(steps(), 1..120)) {
        let mut world = World::with(crate::engine::fetch::FetchConfig { max_bytes_per_partition: 300, ..config_with(1, 300) });
        (0..3).for_each(|_| { world.give(); });
        // Brokers refuse whoever knows an older epoch than theirs: here it is known from the beginning.
        world.set_leaders([0, 0, 1, 1], 1000);
        world.assign(&[0]);
        world.set_position(0, 0);
        // Each message has a length of its own.
        let mut next_length = 1;
        let mut kept: Vec<(i64, usize)> = Vec::new();
        let mut handled = BTreeSet::new();
        let complete = |world: &mut World, handled: &mut BTreeSet<usize>| {
            handled.extend(world.lanes[0].iter().flat_map(|lane| &lane.lengths));
            world.complete(0);
        };
        for step in steps.into_iter().chain([Step::Pause(false)]) {
            match step {
                Step::Append(count) => {
                    let end = log(&mut world).end;
                    let lengths: Vec<usize> = (next_length..next_length + count).collect();
                    log(&mut world).append(&lengths);
                    kept.extend((end..).zip(lengths));
                    next_length += count;
                }
                Step::Elect(index) => {
                    let end = log(&mut world).end;
                    log(&mut world).elect(i64::try_from(index.index(usize::try_from(end).unwrap() + 1)).unwrap());
                    let end = log(&mut world).end;
                    kept.retain(|(offset, _)| *offset < end);
                }
                Step::Answer if !world.in_flight.is_empty() => world.answer(0),
                Step::Lose if !world.in_flight.is_empty() => world.lose(0, true),
                Step::Answer | Step::Lose => {}
                Step::Take => {
                    if world.lanes[0].is_none() {
                        world.take(0);
                    }
                }
                Step::Progress(n) => {
                    let lane = world.lanes[0].clone();
                    if let Some((offset, lane)) = lane.and_then(|lane| Some((*lane.offsets.get(n)?, lane))) {
                        handled.extend(&lane.lengths[..=n]);
                        world.progress(0, offset + 1);
                    }
                }
                Step::Complete => complete(&mut world, &mut handled),
                Step::Again => {
                    if world.lanes[0].is_some() {
                        world.finish(0, Outcome::Again(Duration::ZERO));
                    }
                }
                Step::Pause(true) => world.pause(0),
                Step::Pause(false) => world.resume(0),
                Step::Pass => world.advance(Duration::from_millis(150)),
            }
        }
        for _ in 0..60 {
            for index in (0..world.in_flight.len()).rev() {
                world.answer(index);
            }
            complete(&mut world, &mut handled);
            while world.take(0) {
                complete(&mut world, &mut handled);
            }
            world.advance(Duration::from_millis(300));
        }
        let lost: Vec<_> = kept.iter().filter(|(_, length)| !handled.contains(length)).collect();
        prop_assert!(lost.is_empty(), "{lost:?} of {kept:?}");
    }
}
