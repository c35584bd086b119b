//! What a heartbeat says. The coordinator remembers what it was told, so only changes are told; after an answer that was an
//! error, or none, nobody knows what it remembers, and everything is told again.

use std::time::Duration;

use crate::engine::group::Subscription;
use crate::engine::protocol::consumer_group_heartbeat::ConsumerGroupHeartbeatRequest;
use crate::engine::protocol::consumer_group_heartbeat::TopicPartitions;

use super::ConsumerGroupConfig;

/// What the coordinator remembers of us, as far as we know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Told {
    subscription: Option<Subscription>,
    owned: Option<Vec<TopicPartitions>>,
    /// Rebalance timeout, assignor and rack, which do not change.
    config: bool,
}

impl Told {
    /// It waits to be told what we own, even if that is what it was told before: it may have given us, and taken back, what
    /// we never came to own, and gives that to nobody else until then.
    pub(super) fn awaits_owned(&mut self) {
        self.owned = None;
    }

    /// Does it know that this is what we own?
    pub(super) fn owns(&self, owned: &[TopicPartitions]) -> bool {
        self.owned.as_deref() == Some(owned)
    }
}

impl ConsumerGroupConfig {
    /// The heartbeat of a member at `epoch`, and what the coordinator will remember once it has answered.
    pub(super) fn heartbeat(
        &self,
        member_id: &str,
        epoch: i32,
        subscription: &Subscription,
        owned: Vec<TopicPartitions>,
        told: &Told,
    ) -> (ConsumerGroupHeartbeatRequest, Told) {
        let resubscribes = told.subscription.as_ref() != Some(subscription);
        let configures = !told.config;
        let is_news = !told.owns(&owned);
        let former_regex = told.subscription.as_ref().and_then(|former| former.regex.clone());
        // An empty expression takes the former one back.
        let regex = subscription.regex.clone().or_else(|| former_regex.map(|_| String::new()));
        let request = ConsumerGroupHeartbeatRequest {
            group_id: self.group_id.clone(),
            member_id: member_id.to_owned(),
            member_epoch: epoch,
            group_instance_id: self.group_instance_id.clone(),
            rack_id: self.rack_id.clone().filter(|_| configures),
            rebalance_timeout_ms: if configures { millis(self.rebalance_timeout) } else { -1 },
            topics: resubscribes.then(|| subscription.topics.clone()),
            topic_regex: regex.filter(|_| resubscribes),
            server_assignor: self.server_assignor.clone().filter(|_| configures),
            owned: is_news.then(|| owned.clone()),
        };
        let told = Told { subscription: Some(subscription.clone()), owned: Some(owned), config: true };
        (request, told)
    }

    /// The last heartbeat, at one of the epochs that leave.
    pub(super) fn farewell(&self, member_id: &str, epoch: i32) -> ConsumerGroupHeartbeatRequest {
        ConsumerGroupHeartbeatRequest {
            group_id: self.group_id.clone(),
            member_id: member_id.to_owned(),
            member_epoch: epoch,
            group_instance_id: self.group_instance_id.clone(),
            rack_id: None,
            rebalance_timeout_ms: -1,
            topics: None,
            topic_regex: None,
            server_assignor: None,
            owned: None,
        }
    }
}

fn millis(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}
