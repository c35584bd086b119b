//! What groups have committed: read, written, forgotten.

use napi::bindgen_prelude::{Object, ToNapiValue};
use napi::{Env, Result};
use napi_derive::napi;

use crate::bridge::client::NativeClient;
use crate::bridge::options::{NativeOffset, NativeTopicPartitions};
use crate::engine::clients::admin::{commit_offsets, delete_offsets, fetch_offsets};
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::offset_commit::{OffsetCommitPartition, OffsetCommitTopic};
use crate::engine::protocol::offset_fetch::OffsetFetchResponseTopic;

use super::partitions::{NativePartitionResult, NativePartitionResults};
use super::{code, number, told};

#[napi(object, object_to_js = false, use_nullable = true)]
pub struct NativeGroupQuery {
    pub group_id: String,
    pub topics: Option<Vec<NativeTopicPartitions>>,
}

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeGroupOffsets {
    pub error_code: i32,
    pub partitions: Vec<NativeCommitted>,
}

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeCommitted {
    pub topic: String,
    pub partition: i32,
    pub offset: String,
    pub leader_epoch: i32,
    pub metadata: Option<String>,
    pub error_code: i32,
}

#[napi]
impl NativeClient {
    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn fetch_group_offsets<'env>(
        &self,
        env: &'env Env,
        groups: Vec<NativeGroupQuery>,
        require_stable: bool,
    ) -> Result<Object<'env>> {
        let groups = groups.into_iter().map(|NativeGroupQuery { group_id, topics }| {
            let topics = topics.map(|topics| topics.into_iter().map(|t| (t.topic, t.partitions)).collect());
            (group_id, topics)
        });
        self.call(env, fetch_offsets(groups.collect(), require_stable), |env, answers| {
            told(env, answers, |answer| {
                let first = group(answer.error, answer.topics);
                let others = answer.others.into_iter().map(|other| group(other.error, other.topics));
                std::iter::once(first).chain(others).collect::<Vec<_>>()
            })
        })
    }

    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn commit_group_offsets<'env>(
        &self,
        env: &'env Env,
        group_id: String,
        offsets: Vec<NativeOffset>,
    ) -> Result<Object<'env>> {
        let mut topics: Vec<OffsetCommitTopic> = Vec::new();
        for NativeOffset { topic, partition, offset, metadata, leader_epoch } in offsets {
            let offset = number(&offset)?;
            let leader_epoch = leader_epoch.unwrap_or(-1);
            let partition = OffsetCommitPartition { partition, offset, leader_epoch, metadata };
            match topics.iter_mut().find(|known| known.name == topic) {
                Some(known) => known.partitions.push(partition),
                None => {
                    let partitions = vec![partition];
                    topics.push(OffsetCommitTopic { name: topic, partitions, ..Default::default() });
                }
            }
        }
        self.call(env, commit_offsets(group_id, topics), |env, answer| {
            let results = answer.topics.iter().flat_map(|topic| {
                let results = topic.partitions.iter();
                results.map(|told| NativePartitionResult::new(&topic.name, told.partition, told.error))
            });
            results.collect::<Vec<_>>().into_unknown(env)
        })
    }

    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn delete_group_offsets<'env>(
        &self,
        env: &'env Env,
        group_id: String,
        topics: Vec<NativeTopicPartitions>,
    ) -> Result<Object<'env>> {
        let topics = topics.into_iter().map(|t| (t.topic, t.partitions)).collect();
        self.call(env, delete_offsets(group_id, topics), |env, answer| {
            let results = answer.topics.iter().flat_map(|(topic, partitions)| {
                let results = partitions.iter();
                results.map(|(partition, error)| NativePartitionResult::new(topic, *partition, *error))
            });
            let (error_code, partitions) = (code(answer.error), results.collect());
            NativePartitionResults { error_code, error_message: None, partitions }.into_unknown(env)
        })
    }
}

fn group(error: ErrorCode, topics: Vec<OffsetFetchResponseTopic>) -> NativeGroupOffsets {
    let partitions = topics.into_iter().flat_map(|topic| {
        let name = topic.name;
        topic.partitions.into_iter().map(move |told| NativeCommitted {
            topic: name.clone(),
            partition: told.partition,
            offset: told.offset.to_string(),
            leader_epoch: told.leader_epoch,
            metadata: told.metadata,
            error_code: code(told.error),
        })
    });
    NativeGroupOffsets { error_code: code(error), partitions: partitions.collect() }
}
