//! Which partitions this generation has taken care of already, so that nobody joins again because of them when the own
//! metadata comes to know them, too: the facade assigns by newer metadata than the engine's.
//!
//! The leader knows what it has shared out. Whoever follows knows its own share only: if that goes beyond the metadata,
//! what else is new is the leader's business.

use std::collections::HashMap;

use crate::engine::cluster::Metadata;
use crate::engine::protocol::consumer_protocol::Assignment;
use crate::engine::protocol::sync_group::SyncGroupAssignment;

/// See the module. Partition numbers have no gaps: of each topic the highest one counts.
#[derive(Debug, Default)]
pub(super) struct Coverage {
    /// What we have shared out as the leader.
    given: HashMap<String, i32>,
    /// What we were given and do not know.
    unknown: HashMap<String, i32>,
}

impl Coverage {
    /// We lead, and share these out.
    pub(super) fn gave(&mut self, assignments: &[SyncGroupAssignment]) {
        let shares = assignments.iter().filter_map(|to| Assignment::decode(to.assignment.clone()).ok());
        self.given = highest(shares.flat_map(|share| share.topics));
    }

    /// Our share of a new generation.
    pub(super) fn joined(&mut self, is_leader: bool, share: &[(String, Vec<i32>)], metadata: &Metadata) {
        if !is_leader {
            self.given.clear();
        }
        self.unknown = if self.given.is_empty() { highest(share.iter().cloned()) } else { HashMap::new() };
        self.refreshed(metadata);
    }

    /// Have these partitions, which are new to the metadata, an owner in this generation?
    pub(super) fn covers(&self, topic: &str, new: &[i32]) -> bool {
        let given = self.given.get(topic).is_some_and(|given| new.iter().all(|partition| partition <= given));
        given || self.unknown.contains_key(topic)
    }

    /// The metadata is newer.
    pub(super) fn refreshed(&mut self, metadata: &Metadata) {
        self.unknown.retain(|topic, partition| !metadata.partitions(topic).contains(partition));
    }
}

fn highest(shares: impl Iterator<Item = (String, Vec<i32>)>) -> HashMap<String, i32> {
    let mut highest = HashMap::new();
    for (topic, partitions) in shares {
        if let Some(last) = partitions.into_iter().max() {
            let known = highest.entry(topic).or_insert(last);
            *known = last.max(*known);
        }
    }
    highest
}
