//! What comes damaged is fetched again, over another connection; only what stays damaged is an end.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use crate::engine::delivery::SlotId;
use crate::engine::fetch::Event;
use crate::engine::fetch::FetchConfig;
use crate::engine::machine::Failure;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::fetch::FetchResponse;

use super::world::*;
use crate::engine::fetch::response::PACE;
use crate::engine::testing::soak::cases;

/// A bit of the records of a partition is flipped on the way.
fn flip(partition: i32, at: usize) -> impl FnOnce(&mut FetchResponse) {
    move |response| {
        let mut answers = response.topics.iter_mut().flat_map(|topic| &mut topic.partitions);
        let answer = answers.find(|answer| answer.partition == partition).unwrap();
        let mut records = answer.records.to_vec();
        records[at] ^= 1;
        answer.records = records.into();
    }
}

fn damage_told(world: &World) -> Vec<(i32, i64)> {
    let told = world.events.iter().filter_map(|event| match event {
        Event::Damaged { partition, offset, .. } => Some((partition.partition, *offset)),
        _ => None,
    });
    told.collect()
}

fn suspects(world: &World) -> usize {
    world.events.iter().filter(|event| matches!(event, Event::Suspect { .. })).count()
}

/// The Fetch for this partition, which goes out after its back-off.
fn next_fetch(world: &mut World, partition: i32) -> usize {
    for _ in 0..400 {
        let slot = world.fetch.deliveries.assigned_slot(&tp(partition)).unwrap();
        let asked = world.fetch.cursors[slot.index()].in_flight.map(|asked| asked.request);
        let index = world.in_flight.iter().position(|sent| Some(sent.id) == asked);
        if let Some(index) = index {
            return index;
        }
        world.advance(Duration::from_millis(5));
    }
    panic!("partition {partition} is not fetched");
}

#[test]
fn a_flipped_byte_is_fetched_again_later_and_over_another_connection() {
    let mut world = World::consuming(&[0, 1]);
    world.logs.get_mut(&0).unwrap().append(&[10; 3]);
    let mut waits = Vec::new();
    for round in 1..=3 {
        let index = next_fetch(&mut world, 0);
        let before = world.now;
        world.answer_changed(index, flip(0, 70));
        assert_eq!(damage_told(&world), vec![(0, 0); round]);
        assert_eq!(suspects(&world), round);
        assert!(world.delivered.iter().all(|(partition, _)| *partition == 1));
        // The other partition goes on, whatever is asked for.
        world.logs.get_mut(&1).unwrap().append(&[10]);
        let other = next_fetch(&mut world, 1);
        world.answer_changed(other, |_| ());
        world.consume();
        assert!(world.delivered.ends_with(&[(1, i64::try_from(round).unwrap() - 1)]));
        next_fetch(&mut world, 0);
        waits.push(world.now - before);
    }
    assert!(waits.is_sorted() && waits[0] >= Duration::from_millis(80), "{waits:?}");
    world.answer_for(Duration::from_secs(1));
    world.consume();
    world.delivered.retain(|(partition, _)| *partition == 0);
    assert_eq!(world.delivered, [(0, 0), (0, 1), (0, 2)]);
    assert_eq!(world.failure(), None);
}

#[test]
fn what_stays_damaged_is_an_end_after_some_ten_seconds_and_says_why() {
    let mut world = World::consuming(&[0, 1]);
    world.logs.get_mut(&0).unwrap().append_corrupt();
    let started = world.now;
    while world.failure().is_none() {
        assert!(world.now < started + Duration::from_secs(30), "never told");
        world.logs.get_mut(&1).unwrap().append(&[10]);
        world.answer_for(Duration::from_millis(50));
        world.consume();
    }
    assert!(world.now > started + Duration::from_secs(8), "as long as what the broker calls corrupt");
    let Some(Failure::Records { partition, offset: 0, message }) = world.failure() else { panic!() };
    assert_eq!(*partition, tp(0));
    assert!(message.contains("CRC is"), "{message}");
    assert!(world.delivered.len() > 100, "the other partition went on");
    assert!(world.delivered.iter().all(|(partition, _)| *partition == 1), "nothing is skipped");
    let requests = world.requests;
    world.pause(1);
    world.answer_for(Duration::from_secs(10));
    assert!(world.requests <= requests + 1, "and not asked for again");
}

#[test]
fn what_stays_damaged_may_be_set_aside_and_its_partition_goes_on_behind_it() {
    let mut world = World::with(FetchConfig { sets_aside: true, ..config(1) });
    world.assign(&[0]);
    world.set_position(0, 0);
    world.logs.get_mut(&0).unwrap().append(&[10; 3]);
    world.logs.get_mut(&0).unwrap().append_corrupt();
    world.logs.get_mut(&0).unwrap().append(&[10; 2]);
    world.answer_for(Duration::from_secs(20));
    world.consume();
    world.answer_for(Duration::from_secs(1));
    assert_eq!(world.failure(), None);
    let told: Vec<(&Failure, i64)> = world
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Unreadable { failure, batch } => Some((failure, batch.next)),
            _ => None,
        })
        .collect();
    let [(Failure::Records { offset: 3, .. }, 4)] = told[..] else { panic!("{told:?}") };
    assert_eq!(world.delivered, [(0, 0), (0, 1), (0, 2)]);
    world.set_position(0, 4);
    world.answer_for(Duration::from_secs(1));
    world.consume();
    assert_eq!(world.delivered[3..], [(0, 4), (0, 5)]);
}

#[test]
fn answers_without_records_do_not_count_as_sound_and_other_refusals_count_as_well() {
    let mut world = World::consuming(&[0]);
    world.logs.get_mut(&0).unwrap().append_corrupt();
    for round in 0.. {
        assert!(round < 40, "never told");
        let index = next_fetch(&mut world, 0);
        match round % 3 {
            // No room for it in this answer: brokers fill them in turn.
            0 => world.answer_changed(index, |response| {
                let answers = response.topics.iter_mut().flat_map(|topic| &mut topic.partitions);
                answers.for_each(|answer| answer.records.clear());
            }),
            1 => {
                world.brokers.get_mut(&0).unwrap().errors.insert(0, (ErrorCode::CORRUPT_MESSAGE, None));
                world.answer(index);
                world.brokers.get_mut(&0).unwrap().errors.clear();
            }
            _ => world.answer(index),
        }
        if world.failure().is_some() {
            break;
        }
    }
}

#[test]
fn sound_records_end_the_count() {
    let mut world = World::consuming(&[0]);
    for round in 0..40 {
        world.logs.get_mut(&0).unwrap().append(&[10]);
        let index = next_fetch(&mut world, 0);
        let started: Instant = world.now;
        world.answer_changed(index, flip(0, 70));
        next_fetch(&mut world, 0);
        assert!(world.now - started < Duration::from_millis(250), "the first wait of round {round}");
        world.answer_for(Duration::from_millis(50));
        world.consume();
        assert_eq!(world.delivered.len(), round + 1);
    }
    assert_eq!(world.failure(), None);
}

#[test]
fn what_was_read_before_the_damage_stands_and_is_not_fetched_again() {
    let mut world = World::consuming(&[0]);
    world.logs.get_mut(&0).unwrap().append(&[10; 3]);
    let first_batch = world.brokers.get(&0).unwrap().clone().fetch(&world.in_flight[0].request, &world.logs);
    let length = first_batch.topics[0].partitions[0].records.len();
    world.logs.get_mut(&0).unwrap().append(&[10; 3]);
    world.logs.get_mut(&0).unwrap().append(&[10; 3]);
    world.answer_changed(0, flip(0, length + 70));
    assert!(world.take(0));
    world.advance(Duration::from_millis(200));
    let index = next_fetch(&mut world, 0);
    let request = &world.in_flight[index].request;
    assert_eq!(request.topics[0].partitions[0].fetch_offset, 3);
    assert_eq!(world.fetch.deliveries.lane_flags().next(), Some(0), "the handler is not disturbed");
    world.answer_news();
    world.complete(0);
    world.consume();
    assert_eq!(world.delivered.len(), 9);
}

#[test]
fn what_was_under_way_behind_the_damage_is_dropped_with_it() {
    let mut world = World::consuming(&[0]);
    world.eager = false;
    world.logs.get_mut(&0).unwrap().append(&[10; 3]);
    world.answer_changed(0, flip(0, 70));
    world.logs.get_mut(&0).unwrap().append(&[10; 3]);
    world.answer(0);
    let queued = |world: &World| world.fetch.deliveries.queued(SlotId(0)).len();
    assert_eq!(queued(&world), 2);
    world.decode_all();
    assert_eq!((queued(&world), world.fetch.deliveries.queued_bytes()), (0, 0));
    world.eager = true;
    world.answer_for(Duration::from_secs(1));
    world.consume();
    assert_eq!(world.delivered.len(), 6);
}

#[test]
fn a_connection_is_exchanged_once_for_what_came_over_it() {
    let mut world = World::consuming(&[0, 1]);
    world.eager = false;
    world.advance(2 * MAX_WAIT);
    while world.in_flight.len() > 1 || world.asked(0) != [0, 1] {
        world.answer(0);
        world.advance(PACE);
    }
    for partition in [0, 1] {
        world.logs.get_mut(&partition).unwrap().append(&[10; 3]);
    }
    let index = next_fetch(&mut world, 1);
    assert_eq!(world.asked(index), [0, 1]);
    world.answer_changed(index, |response| {
        flip(0, 70)(response);
        flip(1, 70)(response);
    });
    world.decode_all();
    assert_eq!((damage_told(&world).len(), suspects(&world)), (2, 1));
    (0..world.in_flight.len()).for_each(|_| world.answer(0));
    let index = next_fetch(&mut world, 0);
    world.answer_changed(index, flip(0, 70));
    world.decode_all();
    assert_eq!(suspects(&world), 2, "and again for what came over the new one");
}

#[test]
fn a_follower_that_sends_damage_is_left() {
    let mut world = World::with(FetchConfig { rack_id: "rack".into(), ..config(2) });
    (0..4).for_each(|_| {
        world.give();
    });
    world.brokers.get_mut(&0).unwrap().preferred = Some(2);
    world.assign(&[0]);
    world.set_position(0, 0);
    world.logs.get_mut(&0).unwrap().append(&[10; 3]);
    world.answer(0);
    let index = next_fetch(&mut world, 0);
    assert_eq!(world.in_flight[index].node, 2);
    world.answer_changed(index, flip(0, 70));
    let index = next_fetch(&mut world, 0);
    assert_eq!(world.in_flight[index].node, 0, "the leader has the last word");
    world.answer_for(Duration::from_millis(100));
    world.consume();
    assert_eq!(world.delivered.len(), 3);
}

#[test]
fn a_seek_past_the_damage_begins_anew() {
    let mut world = World::consuming(&[0]);
    world.logs.get_mut(&0).unwrap().append_corrupt();
    world.answer_for(Duration::from_secs(3));
    world.set_position(0, 1);
    world.logs.get_mut(&0).unwrap().append(&[10; 3]);
    world.answer_for(Duration::from_secs(15));
    world.consume();
    assert_eq!(world.delivered.len(), 3);
    assert_eq!(world.failure(), None);
}

#[derive(Debug, Clone)]
enum Step {
    Append(i32, Vec<usize>),
    Damage(prop::sample::Index, prop::sample::Index, u8),
    Cut(prop::sample::Index, prop::sample::Index),
    Answer,
    Consume,
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Step> {
    let length = prop_oneof![4 => 0usize..200, 1 => Just(BIG), 1 => Just(2 * SLAB)];
    let index = any::<prop::sample::Index>;
    prop_oneof![
        4 => (0i32..4, prop::collection::vec(length, 1..9)).prop_map(|(p, lengths)| Step::Append(p, lengths)),
        6 => (index(), index(), 1..=255u8).prop_map(|(p, at, bits)| Step::Damage(p, at, bits)),
        1 => (index(), index()).prop_map(|(p, at)| Step::Cut(p, at)),
        2 => Just(Step::Answer),
        4 => Just(Step::Consume),
        4 => (1u64..500).prop_map(Step::Pass),
    ]
}

/// Is this a byte of a batch that nothing protects, so that nobody can tell? The lower part of the base offset.
fn is_unprotected(records: &[u8], at: usize) -> bool {
    let mut start = 0;
    while let Some(length) = records.get(start + 8..start + 12) {
        let next = start + 12 + u32::from_be_bytes(length.try_into().unwrap()) as usize;
        if at < next {
            return (5..8).contains(&(at - start));
        }
        start = next;
    }
    false
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(300), failure_persistence: None, ..ProptestConfig::default() })]

    /// [`World::take`] holds the ledger: each record once, in order, unaltered, none lost.
    #[test]
    fn whatever_is_damaged_on_the_way_everything_arrives_once(steps in prop::collection::vec(steps(), 1..120)) {
        let mut world = World::consuming(&[0, 1, 2, 3]);
        for step in steps {
            let damaged = |world: &mut World, which: prop::sample::Index, change: &dyn Fn(&mut Vec<u8>)| {
                if world.in_flight.is_empty() {
                    return;
                }
                world.answer_changed(which.index(world.in_flight.len()), |response| {
                    for answer in response.topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
                        let mut records = answer.records.to_vec();
                        if !records.is_empty() {
                            change(&mut records);
                        }
                        answer.records = records.into();
                    }
                });
            };
            match step {
                Step::Append(partition, lengths) => world.logs.get_mut(&partition).unwrap().append(&lengths),
                Step::Damage(which, at, bits) => damaged(&mut world, which, &|records| {
                    // Most of it is values, most of what matters are headers.
                    let at = if bits % 2 == 0 { at.index(records.len()) } else { at.index(records.len().min(80)) };
                    if !is_unprotected(records, at) {
                        records[at] ^= bits;
                    }
                }),
                Step::Cut(which, at) => damaged(&mut world, which, &|records| records.truncate(at.index(records.len()))),
                Step::Answer => world.answer_news(),
                Step::Consume => world.consume(),
                Step::Pass(millis) => world.advance(Duration::from_millis(millis)),
            }
            if world.failure().is_some() {
                // Damaged thirteen times in a row: it may.
                return Ok(());
            }
        }
        for _ in 0..40 {
            world.answer_for(Duration::from_millis(100));
            world.consume();
            if let Some(stale) = (0..world.in_flight.len()).next() {
                world.answer(stale);
            }
        }
        for partition in 0..4 {
            prop_assert_eq!(world.expected[&partition], world.logs[&partition].end, "partition {} stands still", partition);
        }
        prop_assert_eq!(world.fetch.deliveries.queued_bytes(), 0);
    }
}
