//! Partitions whose offsets the coordinator does not take because it does not know their topic: deleted, or so new that it
//! has not heard of it. Each is tried again by itself, so that the commits of other partitions do not wait. After ten times it is
//! given up: nobody waits for it any more. But who does not know may only be far behind, cut off from its controllers for
//! instance, and nothing may be handled behind that offset: so as long as the partition is ours it is tried every half minute.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::engine::machine::Backoff;
use crate::engine::machine::Owned;
use crate::engine::machine::Pace;
use crate::engine::machine::TopicPartition;

use super::answer::PARTITION_TRIES;

/// See the module's documentation. Empty as long as all is well.
#[derive(Debug, Default)]
pub(super) struct UnknownTopics(BTreeMap<TopicPartition, Refused>);

#[derive(Debug)]
struct Refused {
    offset: i64,
    tries: u32,
    backoff: Backoff,
}

impl UnknownTopics {
    /// This offset was refused. How often in a row has the partition been?
    pub(super) fn refused(
        &mut self,
        now: Instant,
        partition: &TopicPartition,
        offset: i64,
        rng: &mut Rng,
    ) -> u32 {
        let new = || Refused { offset, tries: 0, backoff: Backoff::default() };
        let refusal = self.0.entry(partition.clone()).or_insert_with(new);
        refusal.offset = offset;
        refusal.tries = refusal.tries.saturating_add(1);
        if refusal.tries == PARTITION_TRIES {
            refusal.backoff = Backoff::new(Pace { first: RARELY, longest: RARELY, ..Pace::default() });
        }
        refusal.backoff.failed(now, rng);
        refusal.tries
    }

    /// The coordinator knows the partition.
    pub(super) fn forget(&mut self, partition: &TopicPartition) {
        self.0.remove(partition);
    }

    /// The topic is another one now.
    pub(super) fn forget_topic(&mut self, topic: &str) {
        self.0.retain(|partition, _| *partition.topic != *topic);
    }

    /// These partitions are not ours any more.
    pub(super) fn forget_partitions(&mut self, gone: &Owned) {
        self.0.retain(|partition, _| !gone.contains(partition));
    }

    pub(super) fn contains(&self, partition: &TopicPartition) -> bool {
        self.0.contains_key(partition)
    }

    /// Is this offset worth waiting for another try? It has had its share after `tries`; progress gets one more.
    pub(super) fn is_open(&self, partition: &TopicPartition, offset: i64, tries: u32) -> bool {
        self.0.get(partition).is_none_or(|refusal| refusal.tries < tries || refusal.offset != offset)
    }

    /// May the partition be tried now?
    pub(super) fn is_ready(&self, partition: &TopicPartition, now: Instant) -> bool {
        self.0.get(partition).is_none_or(|refusal| refusal.backoff.is_ready(now))
    }

    /// The partitions that were refused, and when each may be tried again.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&TopicPartition, Option<Instant>)> {
        self.0.iter().map(|(partition, refusal)| (partition, refusal.backoff.ready_at()))
    }
}

/// Between two tries of what is given up; ±20 %.
pub(super) const RARELY: Duration = Duration::from_secs(30);
