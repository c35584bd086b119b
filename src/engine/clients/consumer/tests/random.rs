//! Anything may happen; [`World`]'s ledger holds, and a calm afterwards delivers and commits everything, once the last
//! consumer stands: each offset at least once, in order between rewinds, nothing committed that was not handled.

use crate::engine::clients::consumer::ConsumerConfig;
use crate::engine::clients::consumer::HooksGiven;
use crate::engine::clients::consumer::Offered;
use crate::engine::machine::Machine;

use std::time::Duration;

use super::cluster::{COOPERATIVE, EAGER};
use super::world::*;
use crate::engine::testing::soak::cases;

const SECOND: Duration = Duration::from_secs(1);

impl World {
    fn misfortune(&mut self) {
        let partition = self.rng.i32(0..4);
        if self.listener.given != HooksGiven::default() {
            let takes = Duration::from_millis(self.rng.u64(0..2_000));
            self.listener.takes[self.rng.usize(0..3)] = Some(takes);
        }
        match self.rng.u32(0..18) {
            0 | 1 => self.cluster.rebalancing = true,
            2 => {
                self.cluster.share = (0..4).filter(|_| self.rng.bool()).collect();
                self.cluster.rebalancing = true;
            }
            3 => self.cluster.members.clear(),
            4 => self.cut(),
            5 => self.down = true,
            6 => self.down = false,
            7 => self.cluster.coordinator = 1 - self.cluster.coordinator,
            8 => {
                let node = self.rng.i32(0..2);
                self.cluster.move_leader(partition, node);
            }
            9 => self.cluster.brokers.values_mut().for_each(|broker| broker.evict()),
            10 => self.consumer.pause("t", Some(&[partition])),
            11 => {
                self.consumer.resume("t", None);
            }
            12 => self.cluster.holds_joins = !self.cluster.holds_joins,
            13 => self.cluster.holds_commits = !self.cluster.holds_commits,
            14 => self.handler = None,
            15 | 16 => {
                let still = Duration::from_millis(self.rng.u64(0..15_000));
                self.stand_still(still);
            }
            _ => self.release(),
        }
        self.settle();
    }

    pub(super) fn calm(&mut self) {
        self.down = false;
        self.cluster.holds_joins = false;
        self.cluster.holds_commits = false;
        self.cluster.share = vec![0, 1, 2, 3];
        self.cluster.rebalancing = true;
        self.failures = 0;
        self.consumer.resume("t", None);
        self.release();
    }
}

fn storm(seed: u64, protocol: &'static str) -> World {
    storm_with(seed, protocol, HooksGiven::default())
}

pub(super) fn storm_with(seed: u64, protocol: &'static str, hooks: HooksGiven) -> World {
    let assignor = if protocol == COOPERATIVE { Offered::COOPERATIVE } else { Offered::EAGER };
    let config = ConsumerConfig { assignors: vec![assignor], ..config() };
    let mut world = World::with_hooks(config, hooks, seed);
    world.cluster.protocol = protocol;
    world.failures = 20;
    world.append_all(10);
    world.start();
    for _ in 0..world.rng.u32(5..60) {
        let partition = world.rng.i32(0..4);
        let messages = world.rng.usize(1..6);
        world.append(partition, messages);
        world.misfortune();
        let pause = Duration::from_millis(world.rng.u64(0..2_000));
        world.run(pause);
    }
    assert!(!world.crashed(), "{seed}: {:?}", world.events);
    world
}

/// An eager group, and one that rebalances cooperatively.
fn storms() -> impl Iterator<Item = (u64, &'static str)> {
    let of = |count: u32, protocol| (0..u64::from(cases(count))).map(move |seed| (seed, protocol));
    of(200, EAGER).chain(of(100, COOPERATIVE))
}

#[test]
fn after_a_storm_everything_was_delivered_and_is_committed() {
    for (seed, protocol) in storms() {
        let mut world = storm(seed, protocol);
        world.calm();
        world.run(60 * SECOND);
        world.append_all(1);
        world.run(20 * SECOND);
        assert_eq!(world.consumer.assignment().len(), 4, "seed {seed}");
        world.assert_all_committed();
        for (partition, log) in &world.cluster.logs {
            for offset in 0..log.end {
                assert!(world.delivered.contains(&(*partition, offset)), "seed {seed}: {partition}/{offset}");
            }
        }
    }
}

#[test]
fn a_storm_can_always_be_left() {
    for (seed, protocol) in storms() {
        let mut world = storm(seed, protocol);
        let calm = world.rng.bool();
        if calm {
            world.calm();
        }
        world.commit(1, 0, 0);
        world.stop();
        // Hanging handlers, a last commit, a last join.
        world.run(MAX_POLL + 12 * SECOND);
        assert_eq!(world.stopped, 1, "seed {seed}");
        assert!(world.done(1).is_some(), "seed {seed}");
        assert_eq!(world.consumer.poll_timeout(world.now), None);
    }
}
