//! Offsets by timestamp, of the partitions' leaders.

use crate::engine::clients::admin::call::{Asked, Call, Found, Recipient};
use crate::engine::machine::Failure;
use crate::engine::machine::TopicPartition;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::list_offsets::ListOffsetsPartition;
use crate::engine::protocol::list_offsets::ListOffsetsRequest;
use crate::engine::protocol::list_offsets::ListOffsetsTopic;

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
        let mut topics: Vec<ListOffsetsTopic> = Vec::new();
        for TopicPartition { topic, partition } in &asked.parts {
            let asked = ListOffsetsPartition {
                partition: *partition,
                current_leader_epoch: -1,
                timestamp: self.timestamp,
            };
            match topics.last_mut().filter(|last| *last.name == **topic) {
                Some(last) => last.partitions.push(asked),
                None => topics.push(ListOffsetsTopic { name: topic.to_string(), partitions: vec![asked] }),
            }
        }
        ListOffsetsRequest {
            read_committed: self.read_committed,
            topics,
            timeout_ms: LIST_OFFSETS_TIMEOUT_MS,
        }
        .into()
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
