//! A group's committed offsets, of its coordinator.

use crate::engine::clients::admin::call::{Asked, Call, Found, Recipient};
use crate::engine::machine::Failure;
use crate::engine::machine::TopicPartition;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::TopicId;
use crate::engine::protocol::offset_fetch::OffsetFetchRequest;
use crate::engine::protocol::offset_fetch::OffsetFetchTopic;

use super::{OUT_OF_STEP, TopicPartitions, accepted};

/// Answers offsets (-1 for none) with the leader epoch of the record before them (-1 where nobody has said it) and their metadata. An error of one partition is the call's.
pub struct ListGroupOffsets {
    group_id: String,
    topics: TopicPartitions,
    asked: Vec<OffsetFetchTopic>,
    found: Vec<CommittedOffset>,
}

/// Partition, offset, leader epoch, metadata.
pub type CommittedOffset = (TopicPartition, i64, i32, Option<String>);

impl ListGroupOffsets {
    /// Of these partitions.
    pub fn new(group_id: String, topics: Vec<(String, Vec<i32>)>) -> ListGroupOffsets {
        ListGroupOffsets { group_id, topics, asked: Vec::new(), found: Vec::new() }
    }
}

impl Call for ListGroupOffsets {
    type Part = ();
    type Answer = Vec<CommittedOffset>;

    fn parts(&mut self) -> Vec<(Recipient, ())> {
        vec![(Recipient::group(&self.group_id), ())]
    }

    /// For their ids. Brokers that do not tell them are asked by name.
    fn topics(&self) -> Vec<String> {
        self.topics.iter().map(|(topic, _)| topic.clone()).collect()
    }

    fn request(&mut self, _: &Asked<()>, found: &Found) -> Request {
        let with_id = |(name, partitions): (String, Vec<i32>)| {
            let topic_id = found.topic(&name).map_or(TopicId::ZERO, |topic| topic.topic_id);
            OffsetFetchTopic { name, topic_id, partitions }
        };
        self.asked = std::mem::take(&mut self.topics).into_iter().map(with_id).collect();
        OffsetFetchRequest {
            group_id: self.group_id.clone(),
            member_epoch: -1,
            topics: Some(self.asked.clone()),
            require_stable: true,
            ..Default::default()
        }
        .into()
    }

    fn response(&mut self, _: Asked<()>, response: Response) -> Result<(), Failure> {
        let Response::OffsetFetch(answer) = response else { return Err(OUT_OF_STEP) };
        if answer.error.is_err() {
            return Err(Failure::Broker { code: answer.error, partition: None });
        }
        for topic in answer.topics {
            // From v10 on the answer names topics by their ids only.
            let is_meant = |asked: &&OffsetFetchTopic| {
                !topic.topic_id.is_zero() && asked.topic_id == topic.topic_id || asked.name == topic.name
            };
            let Some(OffsetFetchTopic { name, .. }) = self.asked.iter().find(is_meant) else { continue };
            for told in topic.partitions {
                let partition = accepted(name, told.partition, told.error)?;
                self.found.push((partition, told.offset, told.leader_epoch, told.metadata));
            }
        }
        Ok(())
    }

    fn answer(self) -> Result<Vec<CommittedOffset>, Failure> {
        Ok(self.found)
    }
}
