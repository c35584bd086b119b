//! Refreshes, losses and answers in any order.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Refresh,
    Lose,
    Topics(usize),
    /// 0 = well, 1 = a code, 2 = no answer.
    Answer(usize, u8),
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => Just(Step::Refresh),
        2 => Just(Step::Lose),
        1 => (0usize..4).prop_map(Step::Topics),
        6 => (0usize..2, 0u8..3).prop_map(|(index, how)| Step::Answer(index, how)),
        4 => (0u64..2_000).prop_map(Step::Pass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// At most one of each kind is in flight and no timer has rung already: [`World::settle`] looks at every step.
    #[test]
    fn whatever_happens_a_calm_ends_in_fresh_knowledge(steps in prop::collection::vec(steps(), 1..80)) {
        let mut world = World::new();
        world.set_topics(&["a"]);
        for step in steps {
            match step {
                Step::Refresh => world.cluster.refresh(),
                Step::Lose => world.cluster.coordinator_lost(&group()),
                Step::Topics(count) => world.set_topics(&["a", "b", "c", "d"][..=count]),
                Step::Answer(index, how) => {
                    if let Some(&kind) = world.asked().get(index) {
                        world.answer(kind, answer(kind, how));
                    }
                }
                Step::Pass(millis) => world.pass(Duration::from_millis(millis)),
            }
            world.settle();
            let mut kinds = world.asked();
            kinds.dedup();
            prop_assert_eq!(kinds.len(), world.in_flight.len(), "two of a kind");
        }
        world.cluster.refresh();
        for _ in 0..6 {
            while let Some(&kind) = world.asked().first() {
                world.answer(kind, answer(kind, 0));
            }
            world.pass(Duration::from_millis(1_200));
        }
        prop_assert_eq!(world.cluster.coordinator(&group()), Some(3));
        prop_assert_eq!(world.cluster.metadata().partition_count("a"), Some(1));
        prop_assert!(world.in_flight.is_empty());
    }
}

fn answer(kind: &str, how: u8) -> Result<Response, NetError> {
    match (kind, how) {
        ("Metadata", 0) => Ok(metadata(["a", "b", "c", "d"].map(|name| topic(name, 7)).into())),
        ("Metadata", 1) => Ok(metadata(vec![broken("a", ErrorCode::LEADER_NOT_AVAILABLE)])),
        (_, 0) => Ok(coordinator(3, ErrorCode::NONE)),
        (_, 1) => Ok(coordinator(-1, ErrorCode::COORDINATOR_NOT_AVAILABLE)),
        _ => Err(closed()),
    }
}
