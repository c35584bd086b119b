//! As in `random`, and worse: by either protocol, static or not, beside other members that take over what is not ours, with answers
//! that are lost, refused or given in part, logs with gaps, markers and aborted transactions that are cut at their beginning, topics
//! that grow and are made anew, seeks, pauses and commits at any moment. The [`super::ledger`] holds: nothing is left out, nothing
//! comes twice without a reason, nothing is committed that was not handled, and no committed offset goes back. Afterwards all is
//! consumed and committed, and nothing spins.

use crate::engine::clients::consumer::ConsumerConfig;
use crate::engine::clients::consumer::GroupProtocol;
use crate::engine::clients::consumer::Offered;
use crate::engine::clients::consumer::Place;
use crate::engine::clients::consumer::ResetPolicy;
use crate::engine::machine::Machine;
use crate::engine::protocol::ErrorCode;
use crate::engine::testing::broker::Log;
use crate::engine::testing::soak::cases;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::cluster::{COOPERATIVE, EAGER};
use super::world::*;

const SECOND: Duration = Duration::from_secs(1);
const MOST_PARTITIONS: usize = 6;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Protocol {
    Eager,
    Cooperative,
    ByEpoch,
    /// The user assigns.
    Manual,
}

struct Storm {
    name: (u64, Protocol),
    world: World,
    /// Seeks, or the topic is made anew: what a seek means in a log that is no more is nobody's promise.
    seeks: bool,
    tickets: u64,
}

impl Storm {
    fn new(seed: u64, protocol: Protocol) -> Storm {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut config = ConsumerConfig {
            group_instance_id: rng.bool().then(|| "one".into()),
            metadata_max_age: 5 * SECOND,
            ..config()
        };
        config.fetch.read_committed = true;
        config.auto_commit_interval = rng.bool().then_some(3 * SECOND);
        config.auto_commit_threshold = rng.bool().then_some(7);
        let has_followers = rng.bool();
        if has_followers {
            config.fetch.rack_id = "r".into();
            config.fetch.follower_max_age = 3 * SECOND;
        }
        config.fetch.delivery.max_queued_bytes = rng.choice([3_000, 20_000, 1 << 20]).unwrap();
        match protocol {
            Protocol::Eager => config.assignors = vec![Offered::EAGER],
            Protocol::Cooperative => config.assignors = vec![Offered::COOPERATIVE],
            Protocol::ByEpoch => config.group_protocol = GroupProtocol::Consumer,
            Protocol::Manual => {
                config.group_protocol = GroupProtocol::Manual;
                config.auto_offset_reset = ResetPolicy::To(Place::Earliest);
            }
        }
        let mut world = World::with(config, seed);
        world.ledger.is_kept = true;
        world.jitter = rng.choice([0, 5, 60]).unwrap();
        world.decoding_takes = Duration::from_millis(rng.choice([0, 1, 50]).unwrap());
        world.cluster.has_others = protocol != Protocol::Manual;
        world.cluster.has_followers = has_followers;
        world.cluster.heal();
        world.cluster.rng = rng.fork();
        world.cluster.protocol = if protocol == Protocol::Cooperative { COOPERATIVE } else { EAGER };
        world.cluster.kip848.is_spoken = protocol == Protocol::ByEpoch;
        world.failures = 30;
        let mut storm = Storm { name: (seed, protocol), world, seeks: rng.u32(0..3) > 0, tickets: 0 };
        storm.world.append_all(5);
        if protocol == Protocol::Manual {
            storm.world.assign_share();
        } else {
            storm.world.start();
        }
        for _ in 0..storm.world.rng.u32(5..60) {
            storm.write();
            storm.misfortune();
            storm.world.settle();
            let pause = Duration::from_millis(storm.world.rng.u64(0..1_500));
            storm.world.run(pause);
        }
        assert!(!storm.world.crashed(), "{:?}", storm.world.events);
        storm
    }

    fn any_partition(&mut self) -> i32 {
        let partitions = self.world.cluster.partitions();
        self.world.rng.choice(partitions).unwrap()
    }

    /// Somebody writes into a log.
    fn write(&mut self) {
        let partition = self.any_partition();
        let rng = &mut self.world.rng;
        let (kind, messages) = (rng.u32(0..8), rng.usize(1..6));
        let lengths: Vec<usize> = (0..messages).map(|_| rng.usize(0..3) * 700).collect();
        let producer = rng.i64(1..4);
        let gap = rng.i64(1..9);
        // Nothing but a value says of which log a message is.
        let values: Vec<usize> = lengths.iter().map(|length| length + 1).collect();
        let log: &mut Log = self.world.log(partition);
        match kind {
            0..3 => log.append(&values),
            3 => log.append_compacted(&lengths),
            4 => {
                log.append_gap(gap);
                log.append_compacted(&lengths);
            }
            5 => log.append_of(producer, messages),
            6 => log.end_transaction(producer, producer == 2),
            _ => {
                log.append_of(producer, messages);
                log.append(&values);
                log.end_transaction(producer, false);
            }
        }
    }

    fn misfortune(&mut self) {
        let partition = self.any_partition();
        let Storm { world, seeks, tickets, .. } = self;
        match world.rng.u32(0..33) {
            0..3 => {
                let all = world.cluster.partitions();
                world.cluster.share = all.into_iter().filter(|_| world.rng.u32(0..4) > 0).collect();
                world.cluster.rebalancing = true;
                world.assign_share();
            }
            3 => world.cluster.put_out(),
            4 => world.cut(),
            5 => world.down = !world.down,
            6 => world.cluster.coordinator = 1 - world.cluster.coordinator,
            7 | 8 => {
                let node = world.rng.i32(0..2);
                world.cluster.move_leader(partition, node);
            }
            9 => world.cluster.brokers.values_mut().for_each(|broker| broker.evict()),
            10 => {
                let grants = world.rng.bool();
                world.cluster.brokers.values_mut().for_each(|broker| broker.grants = grants);
            }
            11 | 12 => world.consumer.pause("t", Some(&[partition])),
            13 => {
                world.consumer.resume("t", None);
            }
            14 => world.cluster.holds_joins = !world.cluster.holds_joins,
            15 => world.cluster.holds_syncs = !world.cluster.holds_syncs,
            16 => world.cluster.loading = !world.cluster.loading,
            17 => world.handler = None,
            18 => {
                let still = Duration::from_millis(world.rng.u64(0..15_000));
                if still > SESSION {
                    world.cluster.put_out();
                }
                world.stand_still(still);
            }
            19..22 => world.break_one(),
            22 => {
                let codes = [3, 5, 9, 56, 74, 75, 78, 100, 103, -1];
                let (node, code) = (world.rng.i32(0..2), world.rng.choice(codes).unwrap());
                let broker = world.cluster.brokers.get_mut(&node).unwrap();
                broker.errors.insert(partition, (ErrorCode(code), None));
            }
            23 => world.cluster.heal(),
            24 | 25 if *seeks => {
                let end = world.cluster.logs[&partition].last_stable();
                let offset = world.rng.i64(0..=end);
                world.seek(partition, offset);
            }
            24 if world.cluster.logs[&partition].made < 3 => world.recreate(),
            26 => {
                *tickets += 1;
                world.consumer.commit(*tickets, None);
            }
            27 => world.cluster.moods = if world.cluster.moods == 0 { 4 } else { 0 },
            28 => {
                let log = world.cluster.logs.get_mut(&partition).unwrap();
                let offset = world.rng.i64(log.start..=log.last_stable().max(log.start));
                log.delete_before(offset);
            }
            29 if world.cluster.logs.len() < MOST_PARTITIONS => {
                let new = world.cluster.add_partition();
                world.cluster.share.push(new);
            }
            30 => world.cluster.generation += 7,
            31 => {
                for (node, broker) in &mut world.cluster.brokers {
                    broker.preferred = world.rng.bool().then_some(1 - *node);
                }
            }
            _ => world.release(),
        }
    }

    fn calm(&mut self) {
        let world = &mut self.world;
        world.down = false;
        world.failures = 0;
        let cluster = &mut world.cluster;
        (cluster.holds_joins, cluster.holds_syncs, cluster.loading) = (false, false, false);
        (cluster.moods, cluster.rebalancing) = (0, true);
        cluster.share = cluster.partitions();
        cluster.brokers.values_mut().for_each(|broker| (broker.grants, broker.preferred) = (true, None));
        cluster.logs.values_mut().for_each(Log::end_transactions);
        cluster.heal();
        world.assign_share();
        world.consumer.resume("t", None);
        world.release();
    }

    /// Each ticket is answered, once.
    fn assert_answered(&self) {
        for ticket in 1..=self.tickets {
            assert!(self.world.done(ticket).is_some(), "commit {ticket}");
        }
    }

    /// Nothing was asked for again and again: so many requests of a kind go out in any second, at the most.
    fn assert_paced(&self) {
        let mut seconds: BTreeMap<(u64, &str), usize> = BTreeMap::new();
        let first = self.world.requests.first().map(|(at, _)| *at);
        for (at, name) in &self.world.requests {
            let second = first.map_or(0, |first| (*at - first).as_secs());
            *seconds.entry((second, name)).or_default() += 1;
        }
        for ((second, name), count) in seconds {
            assert!(count <= 60, "{count} × {name} in second {second}");
        }
    }
}

impl Drop for Storm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("storm {:?}", self.name);
        }
    }
}

impl World {
    fn recreate(&mut self) {
        self.cluster.recreate();
        self.handled.clear();
        self.ledger.forget_all();
    }

    /// The user assigns what is to be ours.
    fn assign_share(&mut self) {
        if self.consumer.config.group_protocol == GroupProtocol::Manual {
            let share = self.cluster.share.clone();
            let share = share.into_iter().map(|partition| (tp(partition), None));
            self.consumer.assign(self.now, share.collect());
            self.settle();
        }
    }

    fn append_everywhere(&mut self) {
        for partition in self.cluster.partitions() {
            self.append(partition, 1);
        }
    }

    fn requests_since(&self, since: Instant) -> usize {
        self.requests.iter().filter(|(at, _)| *at >= since).count()
    }
}

fn storms() -> impl Iterator<Item = (u64, Protocol)> {
    let protocols = [Protocol::Eager, Protocol::Cooperative, Protocol::ByEpoch, Protocol::Manual];
    (0..seeds()).map(move |seed| (seed, protocols[usize::try_from(seed % 4).unwrap()]))
}

/// `SEEDS` = how many.
fn seeds() -> u64 {
    std::env::var("SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(u64::from(cases(200)))
}

#[test]
fn after_the_worst_storm_everything_was_delivered_in_order_and_is_committed() {
    for (seed, protocol) in storms() {
        let mut storm = Storm::new(seed, protocol);
        storm.calm();
        storm.world.run(70 * SECOND);
        storm.world.append_everywhere();
        storm.world.run(20 * SECOND);
        let world = &mut storm.world;
        assert!(!world.crashed(), "seed {seed}");
        assert_eq!(world.consumer.assignment().len(), world.cluster.logs.len(), "seed {seed} {protocol:?}");
        world.assert_all_committed();
        world.assert_nothing_is_missing();
        let since = world.now;
        world.run(10 * SECOND);
        let requests = world.requests_since(since);
        // Of which four a second may be heartbeats.
        assert!(requests <= 70, "seed {seed}: {requests} requests in ten seconds of nothing");
        storm.assert_answered();
        storm.assert_paced();
    }
}

#[test]
fn the_worst_storm_can_always_be_left() {
    for (seed, protocol) in storms() {
        let mut storm = Storm::new(seed, protocol);
        if storm.world.rng.bool() {
            storm.calm();
        }
        storm.world.stop();
        // Hanging handlers, a last commit, a last join.
        storm.world.run(MAX_POLL + 12 * SECOND);
        assert_eq!(storm.world.stopped, 1, "seed {seed}");
        storm.assert_answered();
        assert_eq!(storm.world.consumer.poll_timeout(storm.world.now), None);
    }
}
