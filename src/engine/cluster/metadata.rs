//! The snapshot: brokers, topics, leaders.

use std::collections::HashMap;
use std::sync::Arc;

use crate::engine::protocol::TopicId;
use crate::engine::protocol::metadata::MetadataBroker;
use crate::engine::protocol::metadata::MetadataResponse;
use crate::engine::protocol::metadata::MetadataTopic;

use super::TopicPartition;

/// What we know of the cluster.
#[derive(Debug, Clone, Default)]
pub struct Metadata {
    cluster_id: Option<String>,
    brokers: Vec<MetadataBroker>,
    topics: HashMap<Arc<str>, Topic>,
    names: HashMap<TopicId, Arc<str>>,
}

/// Who leads a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leader {
    /// The leader's node id.
    pub node: i32,
    /// Its epoch, -1 when the brokers are too old to tell.
    pub epoch: i32,
}

/// What an answer has changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    /// The set of brokers or an address.
    pub brokers_changed: bool,
    /// Known topics whose number of partitions is another now.
    pub partitions_changed: Vec<Arc<str>>,
}

#[derive(Debug, Clone, Default)]
struct Topic {
    id: TopicId,
    /// By partition number; node -1 = no leader right now.
    leaders: HashMap<i32, Leader>,
}

impl Metadata {
    /// The partition's leader, if it has one.
    pub fn leader(&self, partition: &TopicPartition) -> Option<Leader> {
        let leader = self.topics.get(&partition.topic)?.leaders.get(&partition.partition)?;
        (leader.node >= 0).then_some(*leader)
    }

    /// The topic's id; zero when unknown.
    pub fn topic_id(&self, topic: &str) -> TopicId {
        self.topics.get(topic).map_or(TopicId::ZERO, |topic| topic.id)
    }

    /// The topic with this id.
    pub fn topic_name(&self, id: TopicId) -> Option<&Arc<str>> {
        self.names.get(&id)
    }

    /// How many partitions the topic has; None when the topic is unknown.
    pub fn partition_count(&self, topic: &str) -> Option<usize> {
        self.topics.get(topic).map(|topic| topic.leaders.len())
    }

    /// The cluster's id.
    pub fn cluster_id(&self) -> Option<&str> {
        self.cluster_id.as_deref()
    }

    /// The brokers, by node id.
    pub fn brokers(&self) -> &[MetadataBroker] {
        &self.brokers
    }

    /// Takes an answer in. Topics that it does not mention stay as they were.
    pub fn apply(&mut self, answer: &MetadataResponse) -> Change {
        let mut change = Change::default();
        if answer.cluster_id.is_some() {
            self.cluster_id.clone_from(&answer.cluster_id);
        }
        let mut brokers = answer.brokers.clone();
        brokers.sort_by_key(|broker| broker.node_id);
        if !brokers.is_empty() && brokers != self.brokers {
            self.brokers = brokers;
            change.brokers_changed = true;
        }
        for topic in &answer.topics {
            if let (Some(name), false) = (&topic.name, topic.error.is_err()) {
                self.apply_topic(name, topic, &mut change);
            }
        }
        change
    }

    /// A broker that another answer named (FindCoordinator, KIP-951).
    pub fn add_broker(&mut self, broker: MetadataBroker) -> bool {
        match self.brokers.iter_mut().find(|known| known.node_id == broker.node_id) {
            Some(known) if known.host == broker.host && known.port == broker.port => false,
            Some(known) => {
                *known = broker;
                true
            }
            None => {
                self.brokers.push(broker);
                self.brokers.sort_by_key(|broker| broker.node_id);
                true
            }
        }
    }

    /// KIP-951: an error told us the new leader. Older epochs than the known one are ignored.
    pub fn update_leader(&mut self, partition: &TopicPartition, leader: Leader) {
        if let Some(topic) = self.topics.get_mut(&partition.topic)
            && let Some(known) = topic.leaders.get_mut(&partition.partition)
            && leader.epoch > known.epoch
        {
            *known = leader;
        }
    }

    fn apply_topic(&mut self, name: &str, answer: &MetadataTopic, change: &mut Change) {
        let name = match self.topics.get_key_value(name) {
            Some((known, _)) => known.clone(),
            None => name.into(),
        };
        let is_known = self.topics.contains_key(&name);
        let topic = self.topics.entry(name.clone()).or_default();
        if topic.id != answer.topic_id {
            // Deleted and made again: epochs start over.
            self.names.remove(&topic.id);
            topic.leaders.clear();
            topic.id = answer.topic_id;
            if !topic.id.is_zero() {
                self.names.insert(topic.id, name.clone());
            }
        }
        let count = topic.leaders.len();
        for partition in &answer.partitions {
            let leader = Leader { node: partition.leader, epoch: partition.leader_epoch };
            match topic.leaders.get_mut(&partition.partition) {
                // A broker that lags behind (KIP-320).
                Some(known) if leader.epoch >= 0 && leader.epoch < known.epoch => {}
                Some(known) => *known = leader,
                None => {
                    topic.leaders.insert(partition.partition, leader);
                }
            }
        }
        if is_known && topic.leaders.len() != count {
            change.partitions_changed.push(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::protocol::metadata::MetadataPartition;

    fn answer(id: u8, leaders: &[(i32, i32)]) -> MetadataResponse {
        let partitions = leaders.iter().enumerate().map(|(partition, &(leader, leader_epoch))| {
            let partition = i32::try_from(partition).unwrap();
            MetadataPartition { partition, leader, leader_epoch, ..Default::default() }
        });
        let topic = MetadataTopic {
            name: Some("t".into()),
            topic_id: TopicId([id; 16]),
            partitions: partitions.collect(),
            ..Default::default()
        };
        MetadataResponse { topics: vec![topic], ..Default::default() }
    }

    fn zero() -> TopicPartition {
        TopicPartition { topic: "t".into(), partition: 0 }
    }

    #[test]
    fn a_lagging_broker_does_not_undo_an_election() {
        let mut metadata = Metadata::default();
        metadata.apply(&answer(1, &[(7, 5)]));
        metadata.apply(&answer(1, &[(6, 4)]));
        assert_eq!(metadata.leader(&zero()), Some(Leader { node: 7, epoch: 5 }));
        metadata.update_leader(&zero(), Leader { node: 9, epoch: 6 });
        metadata.update_leader(&zero(), Leader { node: 8, epoch: 6 });
        assert_eq!(metadata.leader(&zero()), Some(Leader { node: 9, epoch: 6 }));
        // A leaderless partition is news of the same epoch or a later one.
        metadata.apply(&answer(1, &[(-1, 7)]));
        assert_eq!(metadata.leader(&zero()), None);
    }

    #[test]
    fn a_recreated_topic_starts_over() {
        let mut metadata = Metadata::default();
        metadata.apply(&answer(1, &[(7, 5)]));
        metadata.apply(&answer(2, &[(6, 0)]));
        assert_eq!(metadata.leader(&zero()), Some(Leader { node: 6, epoch: 0 }));
        assert_eq!(metadata.topic_name(TopicId([1; 16])), None);
        assert_eq!(metadata.topic_name(TopicId([2; 16])).map(|name| &**name), Some("t"));
    }

    #[test]
    fn more_partitions_are_news_but_a_new_topic_is_not() {
        let mut metadata = Metadata::default();
        assert!(metadata.apply(&answer(1, &[(7, 0)])).partitions_changed.is_empty());
        let change = metadata.apply(&answer(1, &[(7, 0), (7, 0)]));
        assert_eq!(change.partitions_changed, ["t".into()]);
        assert_eq!(metadata.partition_count("t"), Some(2));
    }
}
