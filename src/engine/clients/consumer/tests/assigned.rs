//! Partitions that the user assigns.

use std::time::Duration;

use crate::engine::clients::consumer::ConsumerConfig;
use crate::engine::clients::consumer::GroupProtocol;

use super::handlers::{MESSAGE, at_work, delivered};
use super::world::*;

const SECOND: Duration = Duration::from_secs(1);

impl World {
    /// These, each where the group has committed or at an offset.
    fn assign(&mut self, partitions: &[(i32, Option<i64>)]) {
        let partitions = partitions.iter().map(|(partition, offset)| (tp(*partition), *offset));
        self.consumer.assign(self.now, partitions.collect());
        self.settle();
    }
}

/// A consumer that reads these from their beginning on, without messages.
fn assigned(partitions: &[i32]) -> World {
    let config = ConsumerConfig { group_protocol: GroupProtocol::Manual, ..config() };
    let mut world = World::with(config, 7);
    let partitions: Vec<_> = partitions.iter().map(|partition| (*partition, Some(-2))).collect();
    world.assign(&partitions);
    world.run(SECOND);
    world
}

#[test]
fn what_is_taken_away_while_others_go_is_not_read_any_more() {
    let mut world = at_work(assigned(&[0, 1]));
    world.assign(&[(1, None)]);
    world.assign(&[(2, Some(-2))]);
    world.run(SECOND);
    assert_eq!(world.consumer.assignment(), [tp(2)]);
    let before = delivered(&world, 1);
    world.append(1, 5);
    world.append(2, 5);
    world.run(10 * SECOND);
    assert_eq!((delivered(&world, 1), delivered(&world, 2).len()), (before, 5));
}

#[test]
fn what_comes_back_before_it_has_gone_begins_where_the_user_says() {
    let mut world = at_work(assigned(&[0, 1]));
    world.holes.insert(0);
    world.assign(&[(1, None)]);
    world.assign(&[(1, None), (0, Some(30))]);
    let before = delivered(&world, 0).len();
    world.run(3 * MESSAGE);
    assert_eq!(delivered(&world, 0)[before..][0], 30);
}

#[test]
fn a_handler_that_hangs_loses_nothing_and_is_waited_for_as_long_as_ever() {
    let mut world = assigned(&[0, 1]);
    world.handler = None;
    world.append(0, 1);
    world.run(3 * MAX_POLL);
    assert_eq!(world.consumer.assignment(), [tp(0), tp(1)]);
    world.stop();
    world.run(REBALANCE.max(MAX_POLL) + 2 * SECOND);
    assert_eq!(world.stopped, 1);
}
