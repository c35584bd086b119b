//! Anything may happen in any order; the promises that [`World`] checks hold, and a calm afterwards finds every position
//! and commits everything.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use crate::engine::offsets::Reset;
use crate::engine::protocol::ErrorCode;

use super::world::*;

#[derive(Debug, Clone)]
enum Step {
    Assign(Vec<i32>),
    Revoke,
    Resolve(i32, i64),
    BatchEnd,
    Seek(i32, i64),
    Reset(i32, Reset),
    Commit(Option<(i32, i64)>),
    Flush,
    Answer(usize, i16),
    Lose(usize),
    CoordinatorFound,
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Step> {
    let codes = [0, 0, 0, 0, 3, 6, 7, 14, 15, 16, 22, 25, 27, 88, -1];
    prop_oneof![
        2 => prop::collection::btree_set(0i32..3, 0..3).prop_map(|p| Step::Assign(p.into_iter().collect())),
        1 => Just(Step::Revoke),
        8 => (0i32..3, 0i64..200).prop_map(|(p, o)| Step::Resolve(p, o)),
        6 => Just(Step::BatchEnd),
        3 => (0i32..3, 0i64..200).prop_map(|(p, o)| Step::Seek(p, o)),
        3 => (0i32..3, prop::sample::select(vec![Reset::ByPolicy, Reset::Earliest, Reset::Latest]))
            .prop_map(|(p, how)| Step::Reset(p, how)),
        3 => prop::option::of((0i32..4, 0i64..200)).prop_map(Step::Commit),
        1 => Just(Step::Flush),
        20 => (0usize..3, prop::sample::select(codes.to_vec())).prop_map(|(i, code)| Step::Answer(i, code)),
        2 => (0usize..3).prop_map(Step::Lose),
        4 => Just(Step::CoordinatorFound),
        10 => (1u64..1500).prop_map(Step::Pass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_storm_ends_with_positions_and_commits(steps in prop::collection::vec(steps(), 1..120)) {
        let mut world = World::new();
        let (mut generation, mut tickets) = (0, 0);
        let mut assigned = BTreeSet::new();
        // Which partitions a position is owed to.
        let mut awaiting = BTreeSet::new();
        for step in steps {
            match step {
                Step::Assign(partitions) => {
                    generation += 1;
                    assigned = partitions.iter().copied().collect();
                    awaiting = assigned.clone();
                    world.assign(generation, &partitions, true);
                }
                Step::Revoke => {
                    assigned.clear();
                    awaiting.clear();
                    world.revoke();
                }
                Step::Resolve(p, next) if assigned.contains(&p) => world.resolve(p, next),
                Step::BatchEnd => world.batch_end(),
                Step::Seek(p, offset) if assigned.contains(&p) => {
                    awaiting.remove(&p);
                    world.seek(p, offset);
                }
                Step::Reset(p, how) if assigned.contains(&p) => {
                    awaiting.insert(p);
                    world.offsets.reset(&tp(p), how);
                    world.settle();
                }
                Step::Resolve(..) | Step::Seek(..) | Step::Reset(..) => {}
                Step::Commit(offset) => {
                    tickets += 1;
                    let offsets = offset.map(|offset| [offset]);
                    world.commit(tickets, offsets.as_ref().map(|offsets| &offsets[..]));
                }
                Step::Flush => {
                    world.offsets.flush();
                    world.settle();
                }
                Step::Answer(index, code) => if index < world.in_flight.len() {
                    world.answer_with(index, |p| if p % 2 == 0 { ErrorCode(code) } else { ErrorCode::NONE });
                },
                Step::Lose(index) => if index < world.in_flight.len() {
                    world.answer(index, Err(closed()));
                },
                Step::CoordinatorFound => {
                    world.found = true;
                    world.settle();
                }
                Step::Pass(millis) => world.advance(Duration::from_millis(millis)),
            }
            for (partition, _) in std::mem::take(&mut world.positions) {
                prop_assert!(awaiting.remove(&partition), "nobody asked for a position of {partition}");
            }
        }
        if generation == 0 || world.offsets.uncommitted().is_empty() && assigned.is_empty() {
            world.assign(generation + 1, &[0], true);
            awaiting = [0].into();
        }
        world.offsets.batch_end();
        for _ in 0..60 {
            world.found = true;
            world.settle();
            world.answer_all();
            world.advance(Duration::from_millis(300));
        }
        let found: BTreeSet<i32> = world.positions.iter().map(|(partition, _)| *partition).collect();
        prop_assert_eq!(found, awaiting);
        prop_assert_eq!(world.offsets.uncommitted(), vec![]);
        for ticket in 1..=tickets {
            prop_assert!(world.done(ticket).is_some(), "ticket {ticket} waits for ever");
        }
        prop_assert_eq!(world.offsets.poll_timeout(world.now), None);
    }
}
