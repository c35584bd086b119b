//! The target assignment: which partitions the coordinator wants us to own. It comes by topic ids; names come from the
//! metadata, which may know an id later than the coordinator does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::engine::machine::TopicPartition;
use crate::engine::protocol::TopicId;
use crate::engine::protocol::consumer_group_heartbeat::TopicPartitions;

/// See the module's documentation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Target {
    partitions: BTreeMap<TopicId, BTreeSet<i32>>,
    /// Names that were told once. A topic that is deleted leaves the metadata before it leaves the assignment.
    names: BTreeMap<TopicId, Arc<str>>,
}

impl Target {
    /// The coordinator's latest word. Negative partitions are none. Says whether it is another one than the last.
    pub(super) fn set(&mut self, told: &[TopicPartitions]) -> bool {
        let former = std::mem::take(&mut self.partitions);
        for TopicPartitions { topic_id, partitions } in told {
            let known = self.partitions.entry(*topic_id).or_default();
            known.extend(partitions.iter().filter(|partition| **partition >= 0));
        }
        self.partitions.retain(|_, partitions| !partitions.is_empty());
        self.partitions != former
    }

    /// We are a member no more: nothing is to be ours.
    pub(super) fn clear(&mut self) {
        self.partitions.clear();
    }

    /// Asks for the names that are missing. Says whether one of them was found.
    pub(super) fn learn(&mut self, name_of: impl Fn(TopicId) -> Option<Arc<str>>) -> bool {
        let missing = self.missing();
        for id in &missing {
            if let Some(name) = name_of(*id) {
                self.names.insert(*id, name);
            }
        }
        self.missing().len() < missing.len()
    }

    /// The topics whose names are not known.
    pub(super) fn missing(&self) -> Vec<TopicId> {
        self.partitions.keys().filter(|id| !self.names.contains_key(id)).copied().collect()
    }

    /// The part of the assignment whose names are known.
    pub(super) fn resolved(&self) -> BTreeSet<TopicPartition> {
        let named =
            self.partitions.iter().filter_map(|(id, partitions)| Some((self.names.get(id)?, partitions)));
        named
            .flat_map(|(topic, partitions)| {
                partitions.iter().map(|&partition| TopicPartition { topic: topic.clone(), partition })
            })
            .collect()
    }

    /// What we own, as the coordinator wants to be told: by ids. Of a topic that was deleted and made again both ids have
    /// the name; the one of the assignment is meant.
    pub(super) fn by_id(&self, owned: &BTreeSet<TopicPartition>) -> Vec<TopicPartitions> {
        let mut ids: BTreeMap<&Arc<str>, TopicId> = BTreeMap::new();
        for (id, name) in &self.names {
            if self.partitions.contains_key(id) || !ids.contains_key(name) {
                ids.insert(name, *id);
            }
        }
        let mut told: BTreeMap<TopicId, Vec<i32>> = BTreeMap::new();
        for TopicPartition { topic, partition } in owned {
            if let Some(id) = ids.get(topic) {
                told.entry(*id).or_default().push(*partition);
            }
        }
        told.into_iter().map(|(topic_id, partitions)| TopicPartitions { topic_id, partitions }).collect()
    }
}
