//! What a member of a group owns, and the step from one assignment to the next (KIP-429, KIP-848).
//!
//! ```text
//!           owned          target
//!        ┌─────────┐    ┌─────────┐
//!        │ revoked │    │         │      revoked: handlers end, offsets are committed, then released
//!        │      ┌──┼────┼──┐      │      kept:    nothing happens to them
//!        └──────┼──┘kept└──┼──────┘      added:   their positions are looked up, then they are fetched
//!               └──────────┘ added
//! ```
//! *Lost* is what the group has given away already: released at once, and not committed.
//! An eager group is the case in which all is revoked before a member joins again, so that nothing is ever kept.

use std::collections::{BTreeMap, BTreeSet};

use super::TopicPartition;

/// Some of the partitions that a member owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owned {
    /// Each of them, and with them the part in this generation: nothing is committed in it any more once they are released.
    All,
    /// These. The member goes on with the others. Those that are not owned are left alone.
    Only(BTreeSet<TopicPartition>),
}

impl Owned {
    /// Is this partition, which is owned, among them?
    pub fn contains(&self, partition: &TopicPartition) -> bool {
        match self {
            Owned::All => true,
            Owned::Only(partitions) => partitions.contains(partition),
        }
    }
}

/// The step from what is owned to what is assigned.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AssignmentDelta {
    /// Assigned and not owned before, in the order of the assignment.
    pub added: Vec<TopicPartition>,
    /// Assigned and owned already, in the order of the assignment.
    pub kept: Vec<TopicPartition>,
    /// Owned and not assigned any more.
    pub revoked: BTreeSet<TopicPartition>,
}

impl AssignmentDelta {
    /// A partition that `target` names twice counts once.
    pub fn between<'a>(
        owned: impl IntoIterator<Item = &'a TopicPartition>,
        target: impl IntoIterator<Item = TopicPartition>,
    ) -> AssignmentDelta {
        let mut delta = AssignmentDelta::default();
        let owned: BTreeSet<&TopicPartition> = owned.into_iter().collect();
        let mut assigned = BTreeSet::new();
        for partition in target {
            if !assigned.insert(partition.clone()) {
                continue;
            }
            let place = if owned.contains(&partition) { &mut delta.kept } else { &mut delta.added };
            place.push(partition);
        }
        delta.revoked = owned.into_iter().filter(|owned| !assigned.contains(*owned)).cloned().collect();
        delta
    }
}

/// The partitions of an assignment as it is on the wire, in its order.
pub fn partitions_of(assignment: &[(String, Vec<i32>)]) -> Vec<TopicPartition> {
    let topics = assignment.iter().flat_map(|(topic, numbers)| {
        let topic: std::sync::Arc<str> = topic.as_str().into();
        numbers.iter().map(move |&partition| TopicPartition { topic: topic.clone(), partition })
    });
    topics.collect()
}

/// The reverse: these partitions by topic, as an assignment is on the wire. Partitions stay in their order.
pub fn by_topic<'a>(partitions: impl IntoIterator<Item = &'a TopicPartition>) -> Vec<(String, Vec<i32>)> {
    let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for TopicPartition { topic, partition } in partitions {
        topics.entry(topic).or_default().push(*partition);
    }
    topics.into_iter().map(|(topic, partitions)| (topic.to_owned(), partitions)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tp(partition: i32) -> TopicPartition {
        TopicPartition { topic: "t".into(), partition }
    }

    fn tps(partitions: &[i32]) -> Vec<TopicPartition> {
        partitions.iter().copied().map(tp).collect()
    }

    fn between(owned: &[i32], target: &[i32]) -> AssignmentDelta {
        AssignmentDelta::between(&tps(owned), tps(target))
    }

    #[test]
    fn a_step_adds_keeps_and_revokes() {
        let delta = between(&[0, 1, 2], &[4, 2, 3, 1]);
        assert_eq!(delta.added, tps(&[4, 3]));
        assert_eq!(delta.kept, tps(&[2, 1]));
        assert_eq!(delta.revoked, tps(&[0]).into_iter().collect());
    }

    #[test]
    fn an_eager_member_owns_nothing_before_it_is_assigned() {
        let delta = between(&[], &[1, 0]);
        assert_eq!((delta.added, delta.kept, delta.revoked), (tps(&[1, 0]), Vec::new(), BTreeSet::new()));
    }

    #[test]
    fn a_partition_that_is_named_twice_counts_once() {
        let delta = between(&[0], &[1, 0, 1, 0]);
        assert_eq!((delta.added, delta.kept), (tps(&[1]), tps(&[0])));
        assert!(delta.revoked.is_empty());
    }

    #[test]
    fn the_same_number_of_another_topic_is_another_partition() {
        let other = TopicPartition { topic: "u".into(), partition: 0 };
        let delta = AssignmentDelta::between(&tps(&[0]), [other.clone()]);
        assert_eq!((delta.added, delta.revoked), (vec![other], tps(&[0]).into_iter().collect()));
    }

    #[test]
    fn an_assignment_is_flattened_in_its_order() {
        let assignment =
            [("t".to_owned(), vec![2, 0]), ("none".to_owned(), vec![]), ("t".to_owned(), vec![0])];
        assert_eq!(partitions_of(&assignment), tps(&[2, 0, 0]));
    }

    proptest! {
        #[test]
        fn releasing_and_adding_leads_from_what_is_owned_to_the_target(
            owned in prop::collection::btree_set(0..8, 0..8), target in prop::collection::vec(0..8, 0..12)
        ) {
            let before = tps(&owned.iter().copied().collect::<Vec<_>>());
            let delta = AssignmentDelta::between(&before, tps(&target));
            let kept: BTreeSet<_> = before.into_iter().filter(|p| !delta.revoked.contains(p)).collect();
            prop_assert_eq!(&kept, &delta.kept.iter().cloned().collect());
            let after: BTreeSet<_> = kept.into_iter().chain(delta.added.clone()).collect();
            prop_assert_eq!(after.len(), delta.kept.len() + delta.added.len());
            prop_assert_eq!(after, tps(&target).into_iter().collect());
        }
    }
}
