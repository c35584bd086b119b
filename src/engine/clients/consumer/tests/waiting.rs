//! What is told of waits that are long, and how often.

use std::time::Duration;

use crate::engine::machine::LogLevel;

use super::world::*;

const SECOND: Duration = Duration::from_secs(1);

impl World {
    /// The lines of the next so many seconds that are no details, and after how many seconds they came.
    fn told(&mut self, seconds: u64) -> Vec<(u64, String)> {
        let mut told = Vec::new();
        self.lines.clear();
        for second in 1..=seconds {
            self.run(SECOND);
            let lines = self.lines.drain(..).filter(|log| log.level != LogLevel::Debug);
            told.extend(lines.map(|log| (second, log.message)));
        }
        told
    }
}

fn at(told: &[(u64, String)]) -> Vec<u64> {
    told.iter().map(|(second, _)| *second).collect()
}

#[test]
fn a_healthy_life_is_not_worth_a_line() {
    let mut world = World::new();
    world.append_all(10);
    world.start();
    assert_eq!(world.told(120), []);
    world.cluster.rebalancing = true;
    assert_eq!(world.told(30), []);
    world.stop();
    assert_eq!(world.told(5), []);
}

#[test]
fn a_join_that_nobody_completes_is_told_again_and_again() {
    let mut world = World::new();
    world.cluster.holds_joins = true;
    world.start();
    let told = world.told(75);
    assert_eq!(at(&told), [10, 20, 50]);
    assert!(told[1].1.starts_with("Group \"g\" has not come to rest for 20 s: broker "), "{told:?}");
    assert!(told[1].1.contains("answers JoinGroup when all members have joined"), "{told:?}");
}

#[test]
fn a_handler_that_holds_up_the_end_is_named() {
    let mut world = World::new();
    world.handler = None;
    world.append(2, 1);
    world.start();
    world.run(2 * SECOND);
    world.stop();
    let told = world.told(20);
    assert_eq!(at(&told), [5, 15]);
    let says = "Stopping waits for the handler of \"t\" partition 2 (no progress for 6 s), for ";
    assert!(told[0].1.starts_with(says) && told[0].1.ends_with(" s more at the longest"), "{told:?}");
}

#[test]
fn a_handler_that_holds_up_a_rebalance_is_named() {
    let mut world = World::new();
    world.handler = None;
    world.append(1, 1);
    world.start();
    world.run(2 * SECOND);
    world.cluster.rebalancing = true;
    world.run_until(|world| world.consumer.pending_error().is_some());
    let told = world.told(8);
    assert_eq!(at(&told), [5]);
    assert!(told[0].1.starts_with("The rebalance waits for the handler of \"t\" partition 1 ("), "{told:?}");
}

#[test]
fn a_member_without_partitions_is_told_once_that_it_stands_by() {
    let mut world = World::cooperative(&[]);
    let told = world.told(60);
    let [(_, line)] = &told[..] else { panic!("{told:?}") };
    assert!(
        line.starts_with("This member of group \"g\" has no partitions: its topics have 4 in all"),
        "{line}"
    );
}

#[test]
fn a_seek_of_a_partition_of_somebody_else_is_told_once() {
    let mut world = World::cooperative(&[0, 1]);
    world.told(1);
    world.consumer.seek(tp(0), 0);
    world.consumer.seek(tp(3), 7);
    world.consumer.seek(tp(3), 8);
    let told = world.told(10);
    let [(_, line)] = &told[..] else { panic!("{told:?}") };
    let says = "seek() of \"t\" partition 3 to offset 7: it is not assigned to this member";
    assert!(line.starts_with(says), "{line}");
}

#[test]
fn an_outage_is_no_flood() {
    for silent in [false, true] {
        let mut world = World::running();
        (world.down, world.silent) = (!silent, silent);
        let told = world.told(120);
        assert!(!told.is_empty());
        // A cause, with its broker if any, is what its line begins with.
        let cause = |line: &str| line.chars().take(20).collect::<String>();
        for (at, (second, line)) in told.iter().enumerate() {
            let next = told[at + 1..].iter().find(|(_, other)| cause(other) == cause(line));
            assert!(next.is_none_or(|(later, _)| later - second >= 9), "{line}: {told:#?}");
        }
    }
}
