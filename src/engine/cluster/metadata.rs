//! The snapshot: brokers, topics, leaders.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::TopicId;
use crate::engine::protocol::metadata::MetadataBroker;
use crate::engine::protocol::metadata::MetadataResponse;
use crate::engine::protocol::metadata::MetadataTopic;

use crate::engine::machine::TopicPartition;

use super::news::News;

/// What we know of the cluster.
#[derive(Debug, Clone, Default)]
pub struct Metadata {
    version: u64,
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
    /// Topics that were deleted and made again: offsets in the old log mean nothing in the new one.
    pub recreated: Vec<Arc<str>>,
    /// Topics that were there and are gone: told once, when a second answer in a row says so.
    pub deleted: Vec<Arc<str>>,
    /// The answer speaks of leaders that are not leaders any more, or leaves out partitions that exist: another broker is
    /// to be asked.
    pub is_behind: bool,
    /// Partitions of topics that were known, which were added or have got a leader of a later epoch.
    pub later: Vec<(TopicId, i32, Leader)>,
}

#[derive(Debug, Clone, Default)]
struct Topic {
    id: TopicId,
    /// The ids that it had before, and how many answers in a row spoke of one of them.
    former: Vec<TopicId>,
    reverted: u32,
    /// By partition number. Empty while the topic is missing.
    leaders: HashMap<i32, Known>,
    /// How many answers in a row did not know the topic.
    absences: u32,
    /// How many answers have told of it.
    told: u64,
}

/// What we believe of a partition.
#[derive(Debug, Clone)]
struct Known {
    /// Node -1 = the partition has no leader at present.
    leader: Leader,
    /// How many answers in a row spoke of an older epoch.
    older: u32,
    /// How many answers in a row told of the topic and not of this partition.
    missing: u32,
}

impl Known {
    fn new(leader: Leader) -> Known {
        Known { leader, older: 0, missing: 0 }
    }

    /// An older epoch comes from a broker that lags behind (KIP-320), unless all brokers speak of it: then the epoch that we
    /// know does not exist any more, and waiting for a later one would never end. More than `laggards`
    /// answers in a row are those of all brokers. Returns whether the answer lags.
    fn hear(&mut self, leader: Leader, laggards: u32) -> bool {
        let lags = leader.epoch >= 0 && leader.epoch < self.leader.epoch && self.older < laggards;
        self.missing = 0;
        if lags {
            self.older += 1;
        } else {
            *self = Known::new(leader);
        }
        lags
    }
}

impl Metadata {
    /// Another number after every change: what was looked up under this one still holds under it.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The partition's leader, if it has one.
    pub fn leader(&self, partition: &TopicPartition) -> Option<Leader> {
        let leader = self.topics.get(&partition.topic)?.leaders.get(&partition.partition)?.leader;
        (leader.node >= 0).then_some(leader)
    }

    /// The topic's id; zero when unknown.
    pub fn topic_id(&self, topic: &str) -> TopicId {
        self.topics.get(topic).map_or(TopicId::ZERO, |topic| topic.id)
    }

    /// The topic with this id.
    pub fn topic_name(&self, id: TopicId) -> Option<&Arc<str>> {
        self.names.get(&id)
    }

    /// The numbers of the topic's partitions, in order; empty when the topic is unknown.
    pub fn partitions(&self, topic: &str) -> Vec<i32> {
        let known = self.topics.get(topic).map(|topic| topic.leaders.keys().copied());
        let mut numbers: Vec<i32> = known.into_iter().flatten().collect();
        numbers.sort_unstable();
        numbers
    }

    /// As [`Metadata::partitions`], and empty when the last answer about the topic did not know it.
    pub fn existing(&self, topic: &str) -> Vec<i32> {
        let is_there = self.topics.get(topic).is_some_and(|topic| topic.absences == 0);
        if is_there { self.partitions(topic) } else { Vec::new() }
    }

    /// How many partitions the topic has; None when the topic is unknown.
    pub fn partition_count(&self, topic: &str) -> Option<usize> {
        self.topics.get(topic).map(|topic| topic.leaders.len()).filter(|count| *count > 0)
    }

    /// How many answers have told of this topic.
    pub fn times_told(&self, topic: &str) -> u64 {
        self.topics.get(topic).map_or(0, |topic| topic.told)
    }

    /// How many topics are known.
    #[cfg(test)]
    pub(crate) fn topic_count(&self) -> usize {
        self.topics.len()
    }

    /// The cluster's id.
    pub fn cluster_id(&self) -> Option<&str> {
        self.cluster_id.as_deref()
    }

    /// The brokers, by node id.
    pub fn brokers(&self) -> &[MetadataBroker] {
        &self.brokers
    }

    /// Is this node among them?
    pub fn has_broker(&self, node: i32) -> bool {
        self.brokers.iter().any(|broker| broker.node_id == node)
    }

    /// Takes an answer in. Topics that it does not mention stay as they were.
    pub fn apply(&mut self, answer: &MetadataResponse) -> Change {
        let mut change = Change::default();
        self.version += 1;
        if answer.cluster_id.is_some() {
            self.cluster_id.clone_from(&answer.cluster_id);
        }
        for topic in &answer.topics {
            let Some(name) = &topic.name else { continue };
            if !topic.error.is_err() {
                self.apply_topic(name, topic, &mut change);
            } else if topic.error == ErrorCode::UNKNOWN_TOPIC_OR_PARTITION {
                self.apply_absence(name, &mut change);
            }
        }
        let mut brokers = answer.brokers.clone();
        brokers.sort_by_key(|broker| broker.node_id);
        // A broker that is behind may not have heard of some of the others: the connections to those should stay.
        if !brokers.is_empty() && brokers != self.brokers && !change.is_behind {
            self.brokers = brokers;
            change.brokers_changed = true;
        }
        change
    }

    /// As [`Metadata::apply`], with an answer that says nothing about how many brokers agree with it: topics that it is behind
    /// about, or does not know, stay as they were and as doubtful as they were. So do the brokers.
    pub fn learn(&mut self, answer: &MetadataResponse) -> Change {
        let mut change = Change::default();
        for topic in answer.topics.iter().filter(|topic| !topic.error.is_err()) {
            let Some(name) = &topic.name else { continue };
            let before = self.topics.get(&**name).cloned();
            let mut one = Change::default();
            self.apply_topic(name, topic, &mut one);
            match before {
                Some(before) if one.is_behind => drop(self.topics.insert(name.as_str().into(), before)),
                _ => change.recreated.extend(one.recreated),
            }
        }
        self.version += 1;
        change
    }

    /// What another client of the same cluster has found out. None: it is known, or of another cluster.
    pub fn hear(&mut self, news: &News) -> Option<Change> {
        if self.cluster_id() != Some(&news.cluster_id) {
            return None;
        }
        let mut change = Change::default();
        let mut is_news = false;
        for topic in self.topics.values_mut() {
            for &(partition, leader) in news.leaders.get(&topic.id).into_iter().flatten() {
                let known = topic.leaders.get(&partition);
                if known.is_some_and(|known| leader.epoch <= known.leader.epoch) {
                    continue;
                }
                if !self.brokers.iter().any(|broker| broker.node_id == leader.node) {
                    let broker = news.brokers.iter().find(|broker| broker.node_id == leader.node);
                    // Nobody could be asked there.
                    let Some(broker) = broker else { continue };
                    self.brokers.push(broker.clone());
                    change.brokers_changed = true;
                }
                topic.leaders.insert(partition, Known::new(leader));
                is_news = true;
            }
        }
        if !is_news {
            return None;
        }
        self.brokers.sort_by_key(|broker| broker.node_id);
        self.version += 1;
        Some(change)
    }

    /// What of this others may not know. None: it is nothing, or the brokers do not say of which cluster they are.
    pub fn news(&self, later: &[(TopicId, i32, Leader)]) -> Option<News> {
        if later.is_empty() {
            return None;
        }
        let mut news =
            News { cluster_id: self.cluster_id.clone()?, brokers: self.brokers.clone(), ..News::default() };
        later.iter().for_each(|&(topic, partition, leader)| news.add(topic, partition, leader));
        news.unless_empty()
    }

    /// Nobody asks for this topic any more.
    pub fn forget(&mut self, topic: &str) {
        if let Some(topic) = self.topics.remove(topic) {
            self.names.remove(&topic.id);
            self.version += 1;
        }
    }

    /// A broker that another answer named (FindCoordinator, KIP-951).
    pub fn add_broker(&mut self, broker: MetadataBroker) -> bool {
        self.version += 1;
        match self.brokers.iter_mut().find(|known| known.node_id == broker.node_id) {
            Some(known) if known.host == broker.host && known.port == broker.port => false,
            Some(known) => {
                known.host = broker.host;
                known.port = broker.port;
                true
            }
            None => {
                self.brokers.push(broker);
                self.brokers.sort_by_key(|broker| broker.node_id);
                true
            }
        }
    }

    /// KIP-951: an error told us the new leader. Older epochs than the known one are ignored. Says of which topic that was news.
    pub fn update_leader(&mut self, partition: &TopicPartition, leader: Leader) -> Option<TopicId> {
        if let Some(topic) = self.topics.get_mut(&partition.topic)
            && let Some(known) = topic.leaders.get_mut(&partition.partition)
            && leader.epoch > known.leader.epoch
        {
            *known = Known::new(leader);
            self.version += 1;
            return Some(topic.id);
        }
        None
    }

    fn apply_topic(&mut self, name: &str, answer: &MetadataTopic, change: &mut Change) {
        let name = self.intern(name);
        let laggards = self.laggards();
        let topic = self.topics.entry(name.clone()).or_default();
        topic.told += 1;
        // No topic id is given twice, so a broker that speaks of one that was replaced is behind. If all brokers do, the
        // addresses lead to another cluster, one that was left and is back.
        if topic.former.contains(&answer.topic_id) && topic.reverted < laggards {
            topic.reverted += 1;
            change.is_behind = true;
            return;
        }
        topic.reverted = 0;
        topic.absences = 0;
        // Brokers that cannot tell the id (before 2.8, while a cluster is upgraded) do not contradict those that can.
        if topic.id != answer.topic_id && !answer.topic_id.is_zero() {
            self.names.remove(&topic.id);
            if !topic.id.is_zero() {
                // Epochs start over.
                topic.leaders.clear();
                change.recreated.push(name.clone());
                topic.former.retain(|id| *id != answer.topic_id);
                topic.former.push(topic.id);
                let surplus = topic.former.len().saturating_sub(MOST_FORMER);
                topic.former.drain(..surplus);
            }
            topic.id = answer.topic_id;
            self.names.insert(topic.id, name);
        }
        let is_the_same = !topic.leaders.is_empty();
        let mut told = HashSet::new();
        for partition in answer.partitions.iter().filter(|partition| partition.partition >= 0) {
            let leader = Leader { node: partition.leader, epoch: partition.leader_epoch };
            told.insert(partition.partition);
            let is_later;
            match topic.leaders.get_mut(&partition.partition) {
                Some(known) => {
                    is_later = leader.epoch > known.leader.epoch;
                    change.is_behind |= known.hear(leader, laggards);
                }
                None => {
                    is_later = is_the_same;
                    topic.leaders.insert(partition.partition, Known::new(leader));
                }
            }
            if is_later {
                change.later.push((answer.topic_id, partition.partition, leader));
            }
        }
        // Without ids (brokers before 2.8) nothing else tells that a topic was made again with fewer partitions.
        topic.leaders.retain(|partition, known| {
            let lags = !told.contains(partition) && known.missing < laggards;
            if lags && !told.is_empty() {
                known.missing += 1;
                change.is_behind = true;
            }
            lags || told.contains(partition)
        });
    }

    /// The topic does not exist, says a broker. Perhaps it is behind: what we know of the topic stays.
    fn apply_absence(&mut self, name: &str, change: &mut Change) {
        let name = self.intern(name);
        let topic = self.topics.entry(name.clone()).or_default();
        topic.told += 1;
        topic.absences = topic.absences.saturating_add(1);
        if topic.absences == ABSENCES && !topic.leaders.is_empty() {
            change.deleted.push(name);
        }
        if topic.id.is_zero() {
            // Nothing else will tell that the topic has been made again, its epochs starting over.
            topic.leaders.values_mut().for_each(|known| known.leader.epoch = -1);
        }
    }

    /// An answer does not tell whose it is. It is another broker's than the one before ([`Target::AnyOther`]), unless some
    /// cannot be asked for a while: so each is given two turns, and the last of these answers counts.
    ///
    /// [`Target::AnyOther`]: super::Target::AnyOther
    fn laggards(&self) -> u32 {
        let brokers = u32::try_from(self.brokers.len()).unwrap_or(u32::MAX).max(1);
        brokers.saturating_mul(2) - 1
    }

    fn intern(&self, name: &str) -> Arc<str> {
        self.topics.get_key_value(name).map_or_else(|| name.into(), |(known, _)| known.clone())
    }
}

/// A topic is gone when so many answers in a row do not know it: one broker may be behind.
const ABSENCES: u32 = 2;
/// So many former ids of a topic are remembered: no broker is behind by more.
const MOST_FORMER: usize = 8;
