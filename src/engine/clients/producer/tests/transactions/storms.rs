//! Anything may happen, in any order.

use crate::engine::clients::producer::Trouble;

use super::program::Step;
use super::world::World;
use super::{MS, PARTITIONS, SECOND, all_committed};

impl World {
    /// Lets every program do what it can.
    pub(super) fn go_on(&mut self) {
        for index in 0..self.programs.len() {
            let input = self.input;
            let stable = self.model.offset("g");
            let commits = self.rng.u32(0..5) > 0;
            let count = self.rng.u64(1..4);
            let at = self.at();
            let program = &mut self.programs[index];
            program.go_on(at, stable, input, count, commits);
        }
        self.turn();
    }

    /// Of the cluster.
    pub(super) fn disturb(&mut self) {
        let node = self.rng.i32(0..3);
        match self.rng.u32(0..6) {
            0 => self.model.transaction_coordinator = node,
            1 => self.model.group_coordinator = node,
            2 | 3 => {
                let partition = self.rng.usize(0..PARTITIONS);
                self.model.leaders[partition] = node;
            }
            _ => self.faults = [0, 3, 10, 30][self.rng.usize(0..4)],
        }
    }

    pub(super) fn misfortune(&mut self) {
        match self.rng.u32(0..4) {
            // kill -9: what it has sent may still arrive.
            0 if self.rng.bool() => {
                let program = self.programs.len() - 1;
                self.programs[program].step = Step::Dead(Trouble::Misplaced);
                self.begin_program();
                self.program().step = Step::Begin;
            }
            // Another one with its name, while it goes on.
            0 => {
                self.begin_program();
                self.program().step = Step::Begin;
            }
            _ => self.disturb(),
        }
    }
}

/// Anything may happen; a calm afterwards lets the last program come to the end of its input.
#[test]
fn storms() {
    for seed in 0..60 {
        let mut world = World::new(seed % 2 == 1, seed);
        world.model.transaction_timeout = 20 * SECOND;
        world.program().step = Step::Begin;
        for _ in 0..120 {
            if world.rng.u32(0..12) == 0 {
                world.misfortune();
            }
            world.input += world.rng.u64(0..3);
            world.go_on();
            let time = MS * world.rng.u32(1..100);
            world.run_for(time);
        }
        world.faults = 0;
        let mut restarts = 0;
        for _ in 0..4000 {
            if matches!(world.program().step, Step::Dead(_)) {
                restarts += 1;
                world.begin_program();
                world.program().step = Step::Begin;
            }
            world.go_on();
            world.run_for(50 * MS);
            if world.program().step == Step::Write && world.model.offset("g") == Some(world.input as i64) {
                break;
            }
        }
        let step = world.program().step.clone();
        let input = world.input;
        assert_eq!(world.model.offset("g"), Some(input as i64), "seed {seed}, {restarts} restarts, {step:?}");
        assert_eq!(all_committed(&world), (0..input).collect::<Vec<u64>>(), "seed {seed}");
        for partition in 0..PARTITIONS {
            assert!(world.model.committed(partition).is_sorted(), "seed {seed}");
        }
        assert!(!world.model.is_open(), "seed {seed}");
    }
}
