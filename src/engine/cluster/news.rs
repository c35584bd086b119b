//! What one client has found out about the cluster, for others of the same cluster that have not heard it yet.

use std::collections::HashMap;

use crate::engine::protocol::TopicId;
use crate::engine::protocol::metadata::MetadataBroker;
use crate::engine::protocol::metadata::MetadataResponse;

use super::metadata::Leader;

/// Facts that no later answer takes back: leaders with the epochs that they were elected in, and with them the partitions that there are,
/// each of a topic by its id. Not among them is what a broker that is behind may say as well: that a topic was made anew, or is gone.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct News {
    pub(super) cluster_id: String,
    /// Among them those that lead.
    pub(super) brokers: Vec<MetadataBroker>,
    pub(super) leaders: HashMap<TopicId, Vec<(i32, Leader)>>,
}

impl News {
    /// What an answer says of leaders. None: nothing, or it does not say of which cluster.
    pub fn of(answer: &MetadataResponse) -> Option<News> {
        let mut news = News {
            cluster_id: answer.cluster_id.clone()?,
            brokers: answer.brokers.clone(),
            ..News::default()
        };
        for topic in answer.topics.iter().filter(|topic| !topic.error.is_err()) {
            for partition in &topic.partitions {
                let leader = Leader { node: partition.leader, epoch: partition.leader_epoch };
                news.add(topic.topic_id, partition.partition, leader);
            }
        }
        news.unless_empty()
    }

    /// Without an id or an epoch nothing tells what is later, and that there is no leader its next one will tell.
    pub(super) fn add(&mut self, topic: TopicId, partition: i32, leader: Leader) {
        if !topic.is_zero() && partition >= 0 && leader.node >= 0 && leader.epoch >= 0 {
            self.leaders.entry(topic).or_default().push((partition, leader));
        }
    }

    pub(super) fn unless_empty(self) -> Option<News> {
        (!self.leaders.is_empty()).then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Metadata;
    use super::*;
    use crate::engine::machine::TopicPartition;
    use crate::engine::protocol::ErrorCode;
    use crate::engine::protocol::metadata::{MetadataPartition, MetadataTopic};

    fn broker(node_id: i32) -> MetadataBroker {
        MetadataBroker { node_id, host: "h".into(), port: 9, rack: None }
    }

    /// Of topic `t` with this id: each partition's leader and its epoch.
    fn answer(id: u8, leaders: &[(i32, i32)]) -> MetadataResponse {
        let partitions = (0..).zip(leaders).map(|(partition, &(leader, leader_epoch))| MetadataPartition {
            partition,
            leader,
            leader_epoch,
            ..Default::default()
        });
        let topic = MetadataTopic {
            name: Some("t".into()),
            topic_id: TopicId([id; 16]),
            partitions: partitions.collect(),
            ..Default::default()
        };
        MetadataResponse {
            cluster_id: Some("c".into()),
            brokers: vec![broker(6), broker(7)],
            topics: vec![topic],
            ..Default::default()
        }
    }

    fn known(answer: &MetadataResponse) -> Metadata {
        let mut metadata = Metadata::default();
        metadata.apply(answer);
        metadata
    }

    fn leader(metadata: &Metadata, partition: i32) -> Option<(i32, i32)> {
        let partition = TopicPartition { topic: "t".into(), partition };
        metadata.leader(&partition).map(|leader| (leader.node, leader.epoch))
    }

    fn hear(metadata: &mut Metadata, answer: &MetadataResponse) -> bool {
        News::of(answer).and_then(|news| metadata.hear(&news)).is_some()
    }

    #[test]
    fn a_later_leader_and_an_added_partition_are_news_once() {
        let mut metadata = known(&answer(1, &[(6, 5)]));
        let later = answer(1, &[(7, 6), (6, 0)]);
        assert!(hear(&mut metadata, &later));
        assert_eq!((leader(&metadata, 0), leader(&metadata, 1)), (Some((7, 6)), Some((6, 0))));
        let version = metadata.version();
        assert!(!hear(&mut metadata, &later));
        assert_eq!(metadata.version(), version);
    }

    #[test]
    fn who_is_behind_or_speaks_of_something_else_changes_nothing() {
        let first = answer(1, &[(6, 5)]);
        let other_cluster = MetadataResponse { cluster_id: Some("d".into()), ..answer(1, &[(7, 9)]) };
        let nameless_cluster = MetadataResponse { cluster_id: None, ..answer(1, &[(7, 9)]) };
        let mut error = answer(1, &[(7, 9)]);
        error.topics[0].error = ErrorCode::LEADER_NOT_AVAILABLE;
        let others = [
            answer(1, &[(7, 4)]),
            answer(1, &[(7, 5)]),
            answer(2, &[(7, 9), (7, 9)]),
            answer(0, &[(7, 9)]),
            answer(1, &[(-1, 9)]),
            answer(1, &[(7, -1)]),
            other_cluster,
            nameless_cluster,
            error,
        ];
        for other in others {
            let mut metadata = known(&first);
            assert!(!hear(&mut metadata, &other), "{other:?}");
            assert_eq!((leader(&metadata, 0), metadata.existing("t")), (Some((6, 5)), vec![0]));
        }
        // Nor does a client listen that does not know its own cluster, or has no such topic.
        assert!(!hear(&mut Metadata::default(), &first));
        assert!(!hear(&mut known(&MetadataResponse { topics: Vec::new(), ..first.clone() }), &first));
    }

    #[test]
    fn a_leader_is_told_with_its_address_or_not_at_all() {
        let mut metadata = known(&answer(1, &[(6, 5)]));
        assert!(!hear(&mut metadata, &answer(1, &[(8, 6)])), "nobody could be asked there");
        let later = MetadataResponse { brokers: vec![broker(8), broker(9)], ..answer(1, &[(8, 6)]) };
        let change = metadata.hear(&News::of(&later).unwrap()).unwrap();
        assert!(change.brokers_changed);
        assert_eq!(metadata.brokers(), [broker(6), broker(7), broker(8)], "and no other broker");
        assert_eq!(leader(&metadata, 0), Some((8, 6)));
    }

    #[test]
    fn an_answer_is_news_as_far_as_it_says_more_than_the_one_before() {
        let mut metadata = Metadata::default();
        let mut told = |answer: &MetadataResponse| {
            let later = metadata.apply(answer).later;
            metadata.news(&later).map(|news| news.leaders)
        };
        assert_eq!(told(&answer(1, &[(6, 5), (6, 5)])), None, "the first one");
        assert_eq!(told(&answer(1, &[(6, 5), (6, 5)])), None);
        assert_eq!(told(&answer(1, &[(7, 4), (7, 4)])), None, "a broker that is behind");
        let id = TopicId([1; 16]);
        let leader = |node, epoch| Leader { node, epoch };
        let moved = HashMap::from([(id, vec![(1, leader(7, 6))])]);
        assert_eq!(told(&answer(1, &[(6, 5), (7, 6)])), Some(moved));
        let added = HashMap::from([(id, vec![(2, leader(7, 0))])]);
        assert_eq!(told(&answer(1, &[(6, 5), (7, 6), (7, 0)])), Some(added));
        assert_eq!(told(&answer(1, &[(-1, 8), (7, 6), (7, 0)])), None, "no leader");
        assert_eq!(told(&answer(2, &[(6, 0), (6, 0), (6, 0)])), None, "made anew");
        assert_eq!(
            told(&answer(0, &[(6, 9), (6, 9), (6, 9)])),
            None,
            "a broker that knows no ids, or nearly"
        );
    }

    #[test]
    fn an_error_that_names_the_new_leader_is_news() {
        let mut metadata = known(&answer(1, &[(6, 5)]));
        let partition = TopicPartition { topic: "t".into(), partition: 0 };
        assert_eq!(metadata.update_leader(&partition, Leader { node: 7, epoch: 5 }), None);
        let moved = metadata.update_leader(&partition, Leader { node: 7, epoch: 6 });
        assert_eq!(moved, Some(TopicId([1; 16])));
    }
}
