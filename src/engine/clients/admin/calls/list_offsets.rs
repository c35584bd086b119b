//! Offsets by timestamp, of the partitions' leaders.

use crate::engine::clients::admin::call::{Asked, Call, Found, Recipient};
use crate::engine::machine::Failure;
use crate::engine::machine::TopicPartition;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::list_offsets::ListOffsetsPartition;
use crate::engine::protocol::list_offsets::ListOffsetsRequest;
use crate::engine::protocol::list_offsets::ListOffsetsTopic;

use super::spread::by_topic;
use super::{LIST_OFFSETS_TIMEOUT_MS, OUT_OF_STEP, TopicPartitions, accepted};

/// Answers the first offset at or behind a time. An error of one partition is the call's.
pub struct ListOffsets {
    topics: TopicPartitions,
    timestamp: i64,
    read_committed: bool,
    found: Vec<(TopicPartition, i64)>,
}

impl ListOffsets {
    /// `timestamp`: ms, -1 latest, -2 earliest.
    pub fn new(topics: Vec<(String, Vec<i32>)>, timestamp: i64, read_committed: bool) -> ListOffsets {
        ListOffsets { topics, timestamp, read_committed, found: Vec::new() }
    }
}

impl Call for ListOffsets {
    type Part = TopicPartition;
    type Answer = Vec<(TopicPartition, i64)>;

    fn parts(&mut self) -> Vec<(Recipient, TopicPartition)> {
        let topics = std::mem::take(&mut self.topics).into_iter();
        let partitions = topics.flat_map(|(topic, partitions)| {
            let topic: std::sync::Arc<str> = topic.into();
            partitions.into_iter().map(move |partition| TopicPartition { topic: topic.clone(), partition })
        });
        partitions.map(|partition| (Recipient::Leader(partition.clone()), partition)).collect()
    }

    fn request(&mut self, asked: &Asked<TopicPartition>, _: &Found) -> Request {
        let asked = asked.parts.iter().map(|partition| (partition, self.timestamp));
        list_offsets_request(asked, self.read_committed).into()
    }

    fn response(&mut self, _: Asked<TopicPartition>, response: Response) -> Result<(), Failure> {
        let Response::ListOffsets(answer) = response else { return Err(OUT_OF_STEP) };
        for topic in answer.topics {
            for told in topic.partitions {
                self.found.push((accepted(&topic.name, told.partition, told.error)?, told.offset));
            }
        }
        Ok(())
    }

    fn answer(self) -> Result<Vec<(TopicPartition, i64)>, Failure> {
        Ok(self.found)
    }
}

/// Each partition, and the time or special timestamp that is asked for.
pub(super) fn list_offsets_request<'a>(
    asked: impl Iterator<Item = (&'a TopicPartition, i64)>,
    read_committed: bool,
) -> ListOffsetsRequest {
    let asked = asked.map(|(TopicPartition { topic, partition }, timestamp)| {
        (&**topic, ListOffsetsPartition { partition: *partition, current_leader_epoch: -1, timestamp })
    });
    let topics = by_topic(asked).into_iter();
    let topics = topics.map(|(name, partitions)| ListOffsetsTopic { name, partitions }).collect();
    ListOffsetsRequest { read_committed, topics, timeout_ms: LIST_OFFSETS_TIMEOUT_MS }
}
