//! Brokers that are behind or answer wrongly, and topics that grow, go and come again.

use proptest::prelude::*;

use super::*;
use crate::engine::testing::soak::cases;

#[test]
fn an_answer_that_leaves_something_out_is_not_what_is_assigned_by() {
    for fault in FAULTS {
        for members in [&[&["t"][..]][..], &[&["t", "u"], &["t"]], &[&["t"], &["u"]]] {
            let mut group = Group::new(&[("t", 4), ("u", 3)], members);
            group.run(20 * SECOND);
            // Known by now, so half of it is an answer of somebody who is behind.
            let generation = group.coordinator.generation;
            group.faults = vec![fault];
            group.enter(members[0], None);
            group.run(4 * SECOND);
            assert_eq!(group.faults, []);
            group.assert_owned();
            assert_eq!(
                group.coordinator.generation,
                generation + 1,
                "{fault:?}: asked again before, not after"
            );
            group.assert_quiet();
        }
    }
}

#[test]
fn nobody_knows_better_at_first() {
    for fault in FAULTS {
        let mut group = Group::new(&[("t", 4)], &[&["t"]]);
        // The metadata that is read before has not been heard of, either.
        group.faults = vec![fault];
        group.run(2 * MAX_AGE);
        group.assert_owned();
        assert!(group.coordinator.generation <= 2, "{fault:?}");
        group.assert_quiet();
    }
}

#[test]
fn a_broker_that_is_behind_delays_what_it_does_not_know() {
    for behind in [vec![0], vec![1], vec![0, 2], vec![0, 1, 2]] {
        let mut group = Group::running(&[("t", 2)], &[&["t"], &["t"]]);
        let generation = group.coordinator.generation;
        group.topics.get_mut("t").unwrap().1 = 5;
        let lags: Vec<_> = behind.iter().map(|broker| (*broker, 5 * SECOND)).collect();
        group.publish(&lags);
        group.run(20 * SECOND);
        group.assert_owned();
        assert!(group.coordinator.generation <= generation + 2, "{behind:?}");
        group.assert_quiet();
    }
}

#[test]
fn an_assignor_that_asks_somebody_who_is_behind_is_asked_again_but_not_all_the_time() {
    let mut group = Group::running(&[("t", 2)], &[&["t"]]);
    let generation = group.coordinator.generation;
    group.members[0].asks = Some(1);
    group.topics.get_mut("t").unwrap().1 = 5;
    group.publish(&[(1, 30 * SECOND)]);
    group.run(100 * SECOND);
    group.assert_owned();
    let generations = group.coordinator.generation - generation;
    assert!((2..=8).contains(&generations), "{generations}");
    group.assert_quiet();
}

#[test]
fn a_topic_of_others_that_grows_is_the_leaders_business() {
    let mut group = Group::running(&[("x", 2), ("y", 2)], &[&["x"], &["y"]]);
    let generation = group.coordinator.generation;
    group.grow("y", 3);
    group.run(2 * MAX_AGE);
    group.assert_owned();
    assert_eq!(group.coordinator.generation, generation + 1);
    group.assert_quiet();
}

#[test]
fn a_topic_that_grows_again_and_again_has_no_partition_without_an_owner() {
    let mut group = Group::running(&[("t", 1)], &[&["t"], &["t"], &["t"]]);
    for step in 0..100 {
        group.grow("t", 1);
        group.lag(step % 3, Duration::from_millis(700));
        group.run(2 * MAX_AGE);
        group.assert_owned();
    }
    group.assert_quiet();
}

#[test]
fn a_topic_that_was_gone_while_it_was_assigned_is_assigned_when_it_is_made_again() {
    for has_ids in [true, false] {
        let mut group = Group::new(&[], &[]);
        group.has_ids = has_ids;
        group.make("t", 3);
        group.enter(&["t"], None);
        group.run(20 * SECOND);
        group.delete("t");
        group.run(3 * SECOND);
        group.enter(&["t"], None);
        group.run(20 * SECOND);
        assert_eq!(group.owned(), Owned::new(), "nothing to own");
        let generation = group.coordinator.generation;
        group.run(60 * SECOND);
        assert_eq!(group.coordinator.generation, generation, "nothing to join for");
        group.make("t", 3);
        group.run(5 * SECOND);
        group.assert_owned();
        group.assert_quiet();
    }
}

#[test]
fn a_topic_made_anew_is_not_taken_for_the_old_one_again() {
    let mut group = Group::running(&[("t", 3)], &[&["t"], &["t"]]);
    let since = group.now;
    group.delete("t");
    group.lag(1, 25 * SECOND);
    group.make("t", 3);
    group.run(60 * SECOND);
    // Each looks once where the new log begins: whoever looked again would leave out what has come since.
    assert_eq!((group.count("OffsetFetch", since), group.count("JoinGroup", since)), (2, 0));
    group.assert_owned();
}

#[test]
fn a_topic_that_does_not_exist_holds_nothing_up_for_long() {
    let mut group = Group::running(&[("x", 2)], &[&["x"], &["x", "missing"]]);
    assert!(group.count("Metadata", group.now - SECOND) > 0, "it is looked for");
    let generation = group.coordinator.generation;
    let entered = group.now;
    group.enter(&["x", "missing"], None);
    while group.owned() != group.wanted() || group.coordinator.generation == generation {
        group.run(SECOND / 10);
        assert!(group.now < entered + 4 * SECOND);
    }
    group.make("missing", 2);
    group.run(3 * SECOND);
    group.assert_owned();
    group.assert_quiet();
}

#[test]
fn partitions_that_are_gone_are_not_asked_for_for_ever() {
    for has_ids in [true, false] {
        let mut group = Group::new(&[], &[]);
        group.has_ids = has_ids;
        group.make("t", 5);
        group.enter(&["t"], None);
        group.enter(&["t"], None);
        group.run(20 * SECOND);
        group.delete("t");
        group.make("t", 2);
        group.run(30 * SECOND);
        group.assert_owned();
        group.assert_quiet();
    }
}

#[test]
fn a_static_leader_that_is_back_looks_after_what_was_assigned() {
    let mut group = Group::new(&[("x", 2), ("y", 2)], &[]);
    let leader = group.enter(&["x"], Some("first"));
    group.run(5 * SECOND);
    group.enter(&["y"], Some("second"));
    group.run(20 * SECOND);
    group.assert_owned();
    let generation = group.coordinator.generation;
    group.kill(leader);
    group.enter(&["x"], Some("first"));
    group.run(10 * SECOND);
    group.assert_owned();
    assert_eq!(group.coordinator.generation, generation, "KIP-814");
    group.grow("y", 2);
    group.run(2 * MAX_AGE);
    group.assert_owned();
    group.assert_quiet();
}

#[derive(Debug, Clone)]
enum Step {
    Make(usize, i32),
    Grow(usize, i32),
    Delete(usize),
    Lag(usize, u64),
    Fault(usize),
    Enter(usize),
    Kill(usize),
    Asks(usize, usize),
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => (0usize..3, 1..5i32).prop_map(|(topic, count)| Step::Make(topic, count)),
        4 => (0usize..3, 1..3i32).prop_map(|(topic, by)| Step::Grow(topic, by)),
        2 => (0usize..3).prop_map(Step::Delete),
        3 => (0usize..BROKERS, 0u64..8_000).prop_map(|(broker, by)| Step::Lag(broker, by)),
        4 => (0usize..FAULTS.len()).prop_map(Step::Fault),
        2 => (1usize..8).prop_map(Step::Enter),
        1 => (0usize..8).prop_map(Step::Kill),
        1 => (0usize..8, 0usize..BROKERS).prop_map(|(member, broker)| Step::Asks(member, broker)),
        8 => (0u64..6_000).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..40)
}

const TOPICS: [&str; 3] = ["a", "b", "c"];

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(150), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_to_topics_two_rebalances_later_each_partition_has_an_owner(
        has_ids in any::<bool>(),
        steps in steps(),
    ) {
        let mut group = Group::new(&[], &[]);
        group.has_ids = has_ids;
        group.make("a", 2);
        group.enter(&["a"], None);
        for step in steps {
            match step {
                Step::Make(topic, count) => group.make(TOPICS[topic], count),
                Step::Grow(topic, by) => group.grow(TOPICS[topic], by),
                Step::Delete(topic) => group.delete(TOPICS[topic]),
                Step::Lag(broker, by) => group.lag(broker, Duration::from_millis(by)),
                Step::Fault(fault) => group.faults.push(FAULTS[fault]),
                Step::Enter(topics) => {
                    let topics: Vec<_> = (0..3).filter(|bit| topics & 1 << bit != 0).map(|bit| TOPICS[bit]).collect();
                    group.enter(&topics, None);
                }
                Step::Kill(member) => {
                    let member = member % group.members.len();
                    if group.alive().count() > 1 {
                        group.kill(member);
                    }
                }
                Step::Asks(member, broker) => {
                    let member = member % group.members.len();
                    group.members[member].asks = Some(broker);
                }
                Step::Pass(millis) => group.run(Duration::from_millis(millis)),
            }
        }
        // The last change; what was wrong before it may take this long to be seen.
        group.faults.clear();
        group.run(30 * SECOND);
        let generation = group.coordinator.generation;
        group.run(90 * SECOND);
        group.assert_owned();
        prop_assert!(group.coordinator.generation <= generation + 2);
        group.assert_quiet();
    }
}
