//! Which partitions the user has paused. Survives rebalances: a pause is about a topic's partition, assigned or not.

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::sync::Arc;

use crate::engine::machine::TopicPartition;

use super::deliveries::Deliveries;
use super::slot::Slot;
use super::{LANE_STOP, SlotId};

#[derive(Debug, Default)]
pub(super) struct Pauses {
    topics: HashMap<Arc<str>, TopicPause>,
}

/// `All { but }`: the topic was paused as a whole, then some of its partitions resumed.
#[derive(Debug)]
enum TopicPause {
    Some(BTreeSet<i32>),
    All { but: BTreeSet<i32> },
}

impl Pauses {
    /// `partitions: None` = the whole topic.
    pub(super) fn pause(&mut self, topic: &Arc<str>, partitions: Option<&[i32]>) {
        let entry = self.topics.entry(topic.clone()).or_insert_with(|| TopicPause::Some(BTreeSet::new()));
        match (entry, partitions) {
            (entry, None) => *entry = TopicPause::All { but: BTreeSet::new() },
            (TopicPause::Some(paused), Some(partitions)) => paused.extend(partitions),
            (TopicPause::All { but }, Some(partitions)) => but.retain(|p| !partitions.contains(p)),
        }
    }

    pub(super) fn resume(&mut self, topic: &Arc<str>, partitions: Option<&[i32]>) {
        match (self.topics.get_mut(topic), partitions) {
            (None, _) => {}
            (Some(_), None) => {
                self.topics.remove(topic);
            }
            (Some(TopicPause::Some(paused)), Some(partitions)) => paused.retain(|p| !partitions.contains(p)),
            (Some(TopicPause::All { but }), Some(partitions)) => but.extend(partitions),
        }
    }

    pub(super) fn contains(&self, partition: &TopicPartition) -> bool {
        match self.topics.get(&partition.topic) {
            None => false,
            Some(TopicPause::Some(paused)) => paused.contains(&partition.partition),
            Some(TopicPause::All { but }) => !but.contains(&partition.partition),
        }
    }
}

impl Deliveries {
    /// Stops delivery of these partitions (None = the whole topic), assigned or not, until [`Deliveries::resume`].
    pub fn pause(&mut self, topic: &Arc<str>, partitions: Option<&[i32]>) {
        self.pauses.pause(topic, partitions);
        self.apply_pauses(topic, partitions);
    }

    /// Takes up delivery again. Has anything that is paused been passed over by [`Deliveries::poll_decode`], so that there may
    /// be something to do now?
    pub fn resume(&mut self, topic: &Arc<str>, partitions: Option<&[i32]>) -> bool {
        self.pauses.resume(topic, partitions);
        self.apply_pauses(topic, partitions);
        std::mem::take(&mut self.passed_over)
    }

    /// Is this slot paused?
    pub fn is_paused(&self, id: SlotId) -> bool {
        self.slots.get(id.index()).is_some_and(|slot| slot.paused)
    }

    /// Is this slot paused, or about to go?
    pub fn is_held(&self, id: SlotId) -> bool {
        self.slots.get(id.index()).is_some_and(Slot::is_held)
    }

    /// Some pause one partition of many at every message: only that one is looked at.
    fn apply_pauses(&mut self, topic: &Arc<str>, partitions: Option<&[i32]>) {
        self.may_decode = true;
        let ids: Vec<SlotId> = match partitions {
            None => self.assigned.clone(),
            Some(partitions) => {
                let named =
                    partitions.iter().map(|&partition| TopicPartition { topic: topic.clone(), partition });
                named.filter_map(|named| self.assigned_slot(&named)).collect()
            }
        };
        for id in ids {
            let Some(slot) = self.slots.get_mut(id.index()) else { continue };
            if slot.partition.topic != *topic {
                continue;
            }
            slot.paused = self.pauses.contains(&slot.partition);
            if slot.paused {
                self.flag_lane(id, LANE_STOP);
            } else {
                self.unflag_lane(id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paused(pauses: &Pauses) -> Vec<i32> {
        (0..4)
            .filter(|&partition| pauses.contains(&TopicPartition { topic: "t".into(), partition }))
            .collect()
    }

    #[test]
    fn topics_and_partitions_unite() {
        let mut pauses = Pauses::default();
        let topic: Arc<str> = "t".into();
        pauses.pause(&topic, Some(&[1]));
        pauses.pause(&topic, Some(&[3]));
        assert_eq!(paused(&pauses), [1, 3]);
        pauses.resume(&topic, Some(&[1, 2]));
        assert_eq!(paused(&pauses), [3]);
        pauses.pause(&topic, None);
        assert_eq!(paused(&pauses), [0, 1, 2, 3]);
        pauses.resume(&topic, Some(&[1, 2]));
        assert_eq!(paused(&pauses), [0, 3]);
        pauses.pause(&topic, Some(&[1]));
        assert_eq!(
            paused(&pauses),
            [0, 1, 3],
            "pausing a partition leaves the rest of a paused topic paused"
        );
        pauses.resume(&topic, None);
        assert!(paused(&pauses).is_empty());
        pauses.resume(&"other".into(), Some(&[0]));
    }
}
