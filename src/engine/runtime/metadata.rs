//! What one client's connections have learned of the cluster by questions of JavaScript's: read by its consumers when they
//! start, and brought to those that run. The siblings hear of what may be news to them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::engine::clients::consumer::News;
use crate::engine::network::clock;
use crate::engine::protocol::metadata::MetadataResponse;

use super::consumer::ConsumerClient;
use super::shared::Shared;
use super::siblings::Siblings;

/// See the module's documentation. A cheap handle.
///
/// Locks are taken in this order: admin client, this, consumer or producer.
#[derive(Clone, Default)]
pub struct SharedMetadata {
    known: Arc<Mutex<Known>>,
    siblings: Siblings,
}

#[derive(Default)]
struct Known {
    latest: MetadataResponse,
    consumers: Vec<Weak<Shared<ConsumerClient>>>,
}

impl SharedMetadata {
    /// Of a client with these siblings.
    pub fn new(siblings: Siblings) -> SharedMetadata {
        SharedMetadata { siblings, ..SharedMetadata::default() }
    }

    /// The clients of the same `Kafka`.
    pub(super) fn siblings(&self) -> &Siblings {
        &self.siblings
    }

    /// The last answer. One that tells of brokers only has taken no topics away.
    pub fn latest(&self) -> MetadataResponse {
        self.lock().latest.clone()
    }

    /// What a connection to a seed has told. Consumers that run ask for themselves: all that they knew may be wrong.
    pub fn connected(&self, answer: MetadataResponse) {
        self.lock().latest = answer;
    }

    /// A broker has answered this. Is there a consumer that runs? It has heard several brokers, and says which brokers there are
    /// no more; the one that answered may be behind.
    pub fn learn(&self, answer: &MetadataResponse) -> bool {
        let mut known = self.lock();
        if answer.topics.is_empty() {
            let topics = std::mem::take(&mut known.latest.topics);
            known.latest = MetadataResponse { topics, ..answer.clone() };
        } else {
            known.latest = answer.clone();
        }
        known.consumers.retain(|consumer| consumer.strong_count() > 0);
        let mut is_heard = false;
        for consumer in
            known.consumers.iter().filter_map(Weak::upgrade).filter(|consumer| !consumer.is_broken())
        {
            is_heard |= consumer.lock().learned(clock::now(), answer);
            consumer.driver.notify_one();
        }
        drop(known);
        if let Some(news) = News::of(answer) {
            self.siblings.tell(&news);
        }
        is_heard
    }

    /// Brings it what is learned from now on, here and by the siblings.
    pub(super) fn bring_to(&self, consumer: &Arc<Shared<ConsumerClient>>) {
        self.siblings.add(consumer);
        self.lock().consumers.push(Arc::downgrade(consumer));
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
