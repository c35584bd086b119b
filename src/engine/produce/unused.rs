//! Topics that nobody sends to any more: a program may go on to ever new ones.
//!
//! What is forgotten with a topic is what its partitions were numbered by. Who begins anew in one of them begins in a higher epoch
//! ([`Identity::outlive`](super::identity::Identity::outlive)).

use std::sync::Arc;
use std::time::Instant;

use super::Event;
use super::machine::Produce;
use super::partition::Partition;
use super::topics::Topic;

/// When to look for topics that are not used.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    at: Option<Instant>,
    /// How many topics are too many, if that is more than `most_topics`.
    crowd: usize,
}

impl Produce {
    /// Forgets the topics that were not sent to for `metadata_max_idle`, and those beyond `most_topics`: half of them, or each new one
    /// would need a look at all.
    pub(super) fn forget_unused(&mut self, now: Instant) {
        let most = self.config.most_topics;
        let is_crowded = self.names.len() >= most.max(self.sweep.crowd);
        if !is_crowded && self.sweep.at.is_some_and(|at| now < at) {
            return;
        }
        let topics = self.names.values().filter_map(|index| Some((*index, self.topics.get(*index)?)));
        let unused = topics.filter(|(_, topic)| self.is_unused(topic));
        let mut unused: Vec<_> = unused.map(|(index, topic)| (topic.used_at, index)).collect();
        unused.sort_unstable();
        let idle = self.config.metadata_max_idle;
        let old = unused.partition_point(|(used_at, _)| *used_at + idle <= now);
        let surplus = if is_crowded { self.names.len() - most / 2 } else { 0 };
        unused.truncate(old.max(surplus));
        let forgotten: Vec<_> = unused.into_iter().filter_map(|(_, index)| self.forget(index)).collect();
        if !forgotten.is_empty() {
            self.events.push_back(Event::TopicsForgotten(forgotten));
        }
        // Those that are left may all be in use.
        let crowd = if is_crowded { self.names.len() * 2 } else { 0 };
        self.sweep = Sweep { at: Some(now + idle / 8), crowd };
    }

    /// Does nothing of this topic wait, or is needed?
    fn is_unused(&self, topic: &Topic) -> bool {
        topic.waiting.is_empty()
            && topic.all_slots().all(|slot| {
                let is_member = self.membership.as_ref().is_some_and(|membership| membership.knows(slot));
                // A transactional producer's epoch is not a partition's to raise.
                let numbers = self.partitions.get(slot).and_then(Partition::numbered_by);
                let is_numbered =
                    self.identity.is_given() && numbers.is_some() && numbers == self.identity.known();
                !is_member && !is_numbered && !self.active.contains(&slot)
            })
    }

    fn forget(&mut self, index: usize) -> Option<Arc<str>> {
        let topic = self.topics.remove(index)?;
        for slot in topic.all_slots() {
            if let Some(numbers) = self.partitions.remove(slot).and_then(|partition| partition.numbered_by())
            {
                self.identity.outlive(numbers);
            }
        }
        self.names.remove(&topic.name);
        Some(topic.name)
    }
}
