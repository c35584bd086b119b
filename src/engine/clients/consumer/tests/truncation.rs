//! A new leader has less than was read (KIP-320).

use std::time::Duration;

use crate::engine::clients::consumer::ConsumerConfig;
use crate::engine::clients::consumer::Event;
use crate::engine::clients::consumer::ResetPolicy;
use crate::engine::machine::Failure;
use crate::engine::machine::LogLevel;

use super::world::*;

const SECOND: Duration = Duration::from_secs(1);

/// Partition 0 with 5 + 5 messages that are handled and committed; the new leader has the first five and writes ten more.
fn truncated(config: ConsumerConfig) -> World {
    let mut world = World::with(config, 7);
    world.append(0, 5);
    world.append(0, 5);
    world.start();
    world.run(2 * SECOND);
    world.assert_all_committed();
    world.delivered.clear();
    world.log(0).elect(5);
    world.append(0, 10);
    world.run(2 * SECOND);
    world
}

#[test]
fn the_position_goes_back_and_the_log_says_from_where_to_where() {
    let world = truncated(config());
    assert_eq!(world.delivered, (5..15).map(|offset| (0, offset)).collect::<Vec<_>>());
    world.assert_all_committed();
    let mut warnings = world.lines.iter().filter(|line| line.level == LogLevel::Warn);
    let extra = &warnings.next().unwrap().extra;
    assert!(
        extra.contains(&("from", "10".to_owned())) && extra.contains(&("to", "5".to_owned())),
        "{extra:?}"
    );
    assert_eq!(warnings.next(), None);
}

#[test]
fn who_wants_no_jump_is_told_and_commits_nothing_of_it() {
    let world = truncated(ConsumerConfig { auto_offset_reset: ResetPolicy::None, ..config() });
    let crash = world.events.iter().find_map(|event| match event {
        Event::Crashed(failure) => Some(failure.clone()),
        _ => None,
    });
    assert_eq!(crash, Some(Failure::OffsetOutOfRange(tp(0))));
    assert_eq!(world.delivered, []);
    assert_eq!(world.cluster.committed[&0], 10);
}

#[test]
fn a_new_member_learns_it_by_the_epoch_of_the_committed_offset() {
    let mut world = World::new();
    world.append(0, 5);
    world.log(0).elect(3);
    world.append(0, 10);
    // The coordinator knows epoch 0 of it.
    world.cluster.committed.insert(0, 5);
    world.start();
    world.run(2 * SECOND);
    assert_eq!(
        world.delivered,
        (0..10).map(|offset| (0, offset)).collect::<Vec<_>>(),
        "the batch went as a whole"
    );
}
