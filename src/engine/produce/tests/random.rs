//! Storms: leaders move, answers are lost before and after the write, brokers say what they say, topics are made anew. A ledger of
//! every message then shows whether the machine has told the truth.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use fastrand::Rng;

use super::brokers::Brokers;
use super::world::{Fate, World, message};
use crate::engine::produce::sends::SEND_MEMORY;
use crate::engine::produce::{Answer, Event, Idempotence, ProduceConfig};
use crate::engine::protocol::ErrorCode;
use crate::engine::testing::turns::TestSend;

const SECOND: Duration = Duration::from_secs(1);

#[derive(Clone, Copy)]
struct Storm {
    idempotence: Idempotence,
    /// Topics are deleted and made again, with any number of partitions; their old logs are gone, with what was acknowledged.
    recreates: bool,
    /// Sends may fail for good.
    refuses: bool,
}

/// What a send consisted of: topic, partition if it was chosen, value; in order.
type Ledger = HashMap<i32, Vec<(String, i32, String)>>;

const REFUSALS: [ErrorCode; 8] = [
    ErrorCode::NOT_LEADER_OR_FOLLOWER,
    ErrorCode::NOT_ENOUGH_REPLICAS,
    ErrorCode::KAFKA_STORAGE_ERROR,
    ErrorCode::CORRUPT_MESSAGE,
    ErrorCode::LEADER_NOT_AVAILABLE,
    ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
    ErrorCode::UNKNOWN_LEADER_EPOCH,
    ErrorCode::COORDINATOR_NOT_AVAILABLE,
];
const LIES: [ErrorCode; 5] = [
    ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND,
    ErrorCode::REQUEST_TIMED_OUT,
    ErrorCode::NETWORK_EXCEPTION,
    ErrorCode::NOT_LEADER_OR_FOLLOWER,
    ErrorCode::KAFKA_STORAGE_ERROR,
];

fn storm(seed: u64, storm: Storm) {
    let mut rng = Rng::with_seed(seed);
    let config = ProduceConfig {
        idempotence: storm.idempotence,
        batch_size: pick(&mut rng, &[1, 60, 400, 1_000_000]),
        buffer_memory: pick(&mut rng, &[6_000, 1 << 20]),
        linger: Duration::from_millis(pick(&mut rng, &[0, 0, 20])),
        retries: if storm.refuses { pick(&mut rng, &[3, u32::MAX]) } else { u32::MAX },
        max_request_size: pick(&mut rng, &[300, 1 << 20]),
        topic_retries: u32::MAX,
        delivery_timeout: SECOND * if storm.refuses { pick(&mut rng, &[1, 5, 120]) } else { 120 },
        // Topics are forgotten between two sends to them.
        metadata_max_idle: SECOND * pick(&mut rng, &[0, 300]),
        ..ProduceConfig::default()
    };
    let memory = config.buffer_memory;
    let mut brokers = Brokers::new(3);
    brokers.hints = rng.bool();
    // One that has been out without an answer is not divided.
    brokers.largest = if storm.refuses { pick(&mut rng, &[None, Some(160)]) } else { None };
    let topics = ["t", "u"];
    topics.iter().for_each(|topic| brokers.create(topic, rng.usize(1..4)));
    let mut world = World::new(config, brokers);
    let mut of_latency = rng.fork();
    world.latency = Box::new(move || Duration::from_micros(of_latency.u64(500..20_000)));

    let mut ledger = Ledger::new();
    let mut waiting: Vec<TestSend> = Vec::new();
    let mut ticket = 0;
    let mut largest_send = 0;
    let mut incarnations: HashSet<&str> = HashSet::new();
    for round in 0..60 {
        // A calm at the end of each third.
        let calm = round % 20 >= 15;
        let mut of_fate = rng.fork();
        let (refuses, numbered) = (storm.refuses, storm.idempotence != Idempotence::Off);
        world.fates = Box::new(move |_, _| match of_fate.u32(..100) {
            _ if calm => Fate::Answer,
            0..60 => Fate::Answer,
            60..64 if numbered => Fate::Late(Duration::from_millis(of_fate.u64(..3000))),
            60..72 => Fate::LostBefore,
            72..84 => Fate::LostAfter,
            84..92 => Fate::Refused(REFUSALS[of_fate.usize(..REFUSALS.len())]),
            92..98 => Fate::Lied(LIES[of_fate.usize(..LIES.len())]),
            98 if refuses => Fate::Refused(ErrorCode::TOPIC_AUTHORIZATION_FAILED),
            99 if refuses => Fate::Lied(ErrorCode::UNKNOWN_SERVER_ERROR),
            _ => Fate::Answer,
        });
        for _ in 0..rng.usize(..6) {
            let mut send = TestSend { ticket, codec: pick(&mut rng, &[0, 0, 0, 4]), ..TestSend::default() };
            for _ in 0..rng.usize(1..3) {
                let topic = pick(&mut rng, &topics);
                let count = world.brokers.topics[topic].partitions.len();
                let messages: Vec<_> = (0..rng.usize(..5))
                    .map(|_| {
                        let entries = ledger.entry(ticket).or_default();
                        let value = format!("{ticket}.{}", entries.len());
                        let partition =
                            if rng.bool() { -1 } else { i32::try_from(rng.usize(..count)).unwrap() };
                        entries.push((topic.to_owned(), partition, value.clone()));
                        (partition, message(&value))
                    })
                    .collect();
                send.topics.push((topic.to_owned(), messages));
            }
            ledger.entry(ticket).or_default();
            ticket += 1;
            waiting.push(send);
        }
        largest_send =
            largest_send.max(waiting.iter().map(|send| send.encode().len() + SEND_MEMORY).max().unwrap_or(0));
        let taken = world.submit(&waiting).sends;
        waiting.drain(..taken);
        assert!(world.machine.memory() <= memory.max(largest_send), "memory");
        if !calm {
            match rng.u32(..12) {
                0..3 => {
                    let (topic, to) = (pick(&mut rng, &topics), pick(&mut rng, &[1, 2, 3, -1]));
                    let partition = rng.usize(..world.brokers.topics[topic].partitions.len());
                    world.brokers.move_leader(topic, i32::try_from(partition).unwrap(), to);
                }
                3 if world.brokers.topics["t"].partitions.len() < 6 => world.brokers.add_partition("t"),
                4 if storm.recreates => {
                    let topic = pick(&mut rng, &topics);
                    world.brokers.create(topic, rng.usize(1..6));
                    incarnations.insert(topic);
                }
                5 => world.refresh(),
                _ => {}
            }
        }
        world.run_for(Duration::from_millis(rng.u64(..400)));
    }
    // The weather clears up.
    world.fates = Box::new(|_, _| Fate::Answer);
    for topic in topics {
        for partition in 0..world.brokers.topics[topic].partitions.len() {
            let to = pick(&mut rng, &[1, 2, 3]);
            world.brokers.move_leader(topic, i32::try_from(partition).unwrap(), to);
        }
    }
    while !waiting.is_empty() {
        world.run_for(Duration::from_secs(5));
        let taken = world.submit(&waiting).sends;
        waiting.drain(..taken);
        assert!(world.since_start() < Duration::from_secs(2_000), "no room");
    }
    world.run();
    assert_eq!(world.machine.memory(), 0);
    assert!(world.machine.is_idle());
    judge(&world, &ledger, storm, &incarnations);
}

fn pick<T: Copy>(rng: &mut Rng, among: &[T]) -> T {
    among[rng.usize(..among.len())]
}

fn judge(world: &World, ledger: &Ledger, storm: Storm, recreated: &HashSet<&str>) {
    // Where each message is: topic, partition, offsets.
    let mut places: HashMap<&str, Vec<(&str, usize, usize)>> = HashMap::new();
    let logs: Vec<(&str, usize, Vec<String>)> = world
        .brokers
        .topics
        .iter()
        .flat_map(|(name, topic)| (0..topic.partitions.len()).map(move |p| (&**name, p)))
        .map(|(name, p)| (name, p, world.brokers.values(name, p)))
        .collect();
    for (topic, partition, log) in &logs {
        for (offset, value) in log.iter().enumerate() {
            places.entry(value).or_default().push((topic, *partition, offset));
        }
    }
    let idempotent = storm.idempotence != Idempotence::Off;
    for (ticket, messages) in ledger {
        let (_, event) = world.answer(*ticket).unwrap_or_else(|| panic!("send {ticket} was not answered"));
        let rows = match event {
            Event::Answer(Answer::Sent { rows, .. }) => rows,
            Event::Answer(Answer::Failed(failed)) => {
                assert!(storm.refuses, "{failed:?}");
                &failed.rows
            }
            _ => unreachable!(),
        };
        let failed: HashSet<u32> = match event {
            Event::Answer(Answer::Failed(failed)) => {
                failed.failed.iter().flat_map(|part| part.messages.clone()).flatten().collect()
            }
            _ => HashSet::new(),
        };
        let mut seen: HashMap<(&str, usize), i64> = HashMap::new();
        for (index, (topic, partition, value)) in (0u32..).zip(messages) {
            if failed.contains(&index) || recreated.contains(&**topic) {
                continue;
            }
            let at = places.get(&**value).cloned().unwrap_or_default();
            assert!(!at.is_empty(), "{value} was acknowledged and is not there");
            assert!(!idempotent || at.len() == 1, "{value} is there {} times: {at:?}", at.len());
            assert!(at.iter().all(|place| place.0 == topic && place.1 == at[0].1), "{value} went to {at:?}");
            assert!(
                *partition < 0 || usize::try_from(*partition) == Ok(at[0].1),
                "{value} is in {}",
                at[0].1
            );
            let row = rows.iter().find(|row| {
                *row.partition.topic == **topic && usize::try_from(row.partition.partition) == Ok(at[0].1)
            });
            let row = row.unwrap_or_else(|| panic!("no row for {value}"));
            let nth = seen.entry((topic, at[0].1)).or_insert(0);
            // What failed in the middle moves the others; only whole rows can be checked.
            if row.base_offset >= 0 && failed.is_empty() {
                let offset = usize::try_from(row.base_offset + *nth).unwrap();
                assert!(at.iter().any(|place| place.2 == offset), "{value} is at {at:?}, not at {offset}");
            }
            *nth += 1;
        }
    }
    let mut given_up: HashSet<&str> = HashSet::new();
    for (ticket, messages) in ledger {
        let Some((at, Event::Answer(Answer::Failed(failed)))) = world.answer(*ticket) else { continue };
        for part in &failed.failed {
            for index in part.messages.clone().into_iter().flatten() {
                let value = &messages[index as usize].2;
                given_up.insert(value);
                for (topic, partition, offset) in places.get(&**value).into_iter().flatten() {
                    assert!(part.may_be_written, "{value} is said not to be written: {:?}", part.reason);
                    let written = world.brokers.topics[*topic].partitions[*partition].times[*offset];
                    let is_in_time = written <= at || world.read_late.contains(&written);
                    assert!(is_in_time, "{value} has failed at {at:?} and was written at {written:?}");
                }
            }
        }
    }
    for (topic, partition, log) in &logs {
        let order = |value: &str| {
            let (ticket, index) = value.split_once('.').unwrap();
            (ticket.parse::<i32>().unwrap(), index.parse::<u32>().unwrap())
        };
        // What was placed again, because its partition was gone, has lost its turn.
        let keeps_its_turn = |value: &&String| {
            let (ticket, index) = order(value);
            !recreated.contains(topic) || ledger[&ticket][index as usize].1 >= 0
        };
        let log: Vec<&String> = log.iter().filter(keeps_its_turn).collect();
        // Repetitions aside, which a plain producer may cause, and only next to each other.
        let mut seen = HashSet::new();
        let firsts: Vec<_> =
            log.iter().filter(|value| seen.insert(**value)).map(|value| order(value)).collect();
        assert!(firsts.is_sorted(), "{topic}-{partition}: {firsts:?}");
        seen.clear();
        // What was given up may have been written once, and what came before it again behind it.
        let kept = log.into_iter().filter(|value| !given_up.contains(&***value));
        let lasts: Vec<_> =
            kept.rev().filter(|value| seen.insert(*value)).map(|value| order(value)).collect();
        assert!(lasts.is_sorted_by(|a, b| a >= b), "{topic}-{partition}: {lasts:?}");
    }
}

fn storms(what: Storm) {
    let seeds = std::env::var("SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(40);
    for seed in 0..seeds {
        let run = std::panic::AssertUnwindSafe(|| storm(seed, what));
        if let Err(panic) = std::panic::catch_unwind(run) {
            eprintln!("seed {seed}");
            std::panic::resume_unwind(panic);
        }
    }
}

#[test]
fn an_idempotent_producer_writes_each_message_once_and_in_order() {
    storms(Storm { idempotence: Idempotence::IfAllowed, recreates: false, refuses: false });
}

#[test]
fn a_plain_producer_loses_nothing_and_keeps_the_order() {
    storms(Storm { idempotence: Idempotence::Off, recreates: false, refuses: false });
}

#[test]
fn refusals_for_good_do_not_disturb_the_rest() {
    storms(Storm { idempotence: Idempotence::IfAllowed, recreates: false, refuses: true });
    storms(Storm { idempotence: Idempotence::Off, recreates: false, refuses: true });
}

#[test]
fn topics_that_are_made_anew_are_written_to_again() {
    storms(Storm { idempotence: Idempotence::IfAllowed, recreates: true, refuses: true });
}
