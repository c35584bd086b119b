//! Partitions: offsets, records, sizes, leaders, reassignments.

use napi::bindgen_prelude::{Object, ToNapiValue};
use napi::{Env, Result};
use napi_derive::napi;

use crate::bridge::client::NativeClient;
use crate::bridge::options::NativeTopicPartitions;
use crate::engine::clients::admin::{
    alter_partition_reassignments, delete_records, describe_log_dirs, elect_leaders, list_partition_offsets,
    list_partition_reassignments,
};
use crate::engine::machine::TopicPartition;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::alter_partition_reassignments::{
    AlterPartitionReassignmentsRequest, ReassignedTopic,
};
use crate::engine::protocol::describe_log_dirs::{LogDir, LogDirPartition};
use crate::engine::protocol::elect_leaders::ElectLeadersRequest;
use crate::engine::protocol::list_partition_reassignments::ListPartitionReassignmentsRequest;

use super::{code, told};

/// `offset`: a decimal, or a timestamp where one is asked for.
#[napi(object, object_to_js = false, use_nullable = true)]
pub struct NativePartitionOffset {
    pub topic: String,
    pub partition: i32,
    pub offset: String,
}

#[napi(object, object_to_js = false, use_nullable = true)]
pub struct NativeReassignment {
    pub topic: String,
    pub partitions: Vec<NativeReassignedPartition>,
}

#[napi(object, object_to_js = false, use_nullable = true)]
pub struct NativeReassignedPartition {
    pub partition: i32,
    pub replicas: Option<Vec<i32>>,
}

/// What a broker says of one partition.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativePartitionResult {
    pub topic: String,
    pub partition: i32,
    pub error_code: i32,
    pub error_message: Option<String>,
    pub offset: Option<String>,
    pub timestamp: Option<String>,
    pub leader_epoch: Option<i32>,
}

impl NativePartitionResult {
    pub(super) fn new(topic: &str, partition: i32, error: ErrorCode) -> NativePartitionResult {
        NativePartitionResult {
            topic: topic.to_owned(),
            partition,
            error_code: code(error),
            error_message: None,
            offset: None,
            timestamp: None,
            leader_epoch: None,
        }
    }
}

/// What a broker says of a request, and of its partitions.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativePartitionResults {
    pub error_code: i32,
    pub error_message: Option<String>,
    pub partitions: Vec<NativePartitionResult>,
}

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeOngoing {
    pub topic: String,
    pub partition: i32,
    pub replicas: Vec<i32>,
    pub adding_replicas: Vec<i32>,
    pub removing_replicas: Vec<i32>,
}

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeOngoings {
    pub error_code: i32,
    pub error_message: Option<String>,
    pub partitions: Vec<NativeOngoing>,
}

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeLogDirs {
    pub error_code: i32,
    pub log_dirs: Vec<NativeLogDir>,
}

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeLogDir {
    pub error_code: i32,
    pub path: String,
    pub total_bytes: f64,
    pub usable_bytes: f64,
    pub is_cordoned: Option<bool>,
    pub topics: Vec<NativeLogDirTopic>,
}

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeLogDirTopic {
    pub topic: String,
    pub partitions: Vec<NativeLogDirPartition>,
}

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeLogDirPartition {
    pub partition: i32,
    pub size: f64,
    pub offset_lag: String,
    pub is_future: bool,
}

#[napi]
impl NativeClient {
    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn list_partition_offsets<'env>(
        &self,
        env: &'env Env,
        partitions: Vec<NativePartitionOffset>,
        read_committed: bool,
    ) -> Result<Object<'env>> {
        let call = list_partition_offsets(numbers(partitions)?, read_committed);
        self.call(env, call, |env, answers| {
            told(env, answers, |answer| {
                let topics = answer.topics.iter();
                let found = topics.flat_map(|topic| {
                    topic.partitions.iter().map(|found| NativePartitionResult {
                        offset: Some(found.offset.to_string()),
                        timestamp: Some(found.timestamp.to_string()),
                        leader_epoch: Some(found.leader_epoch),
                        ..NativePartitionResult::new(&topic.name, found.partition, found.error)
                    })
                });
                found.collect::<Vec<_>>()
            })
        })
    }

    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn delete_records<'env>(
        &self,
        env: &'env Env,
        partitions: Vec<NativePartitionOffset>,
        timeout_ms: i32,
    ) -> Result<Object<'env>> {
        self.call(env, delete_records(numbers(partitions)?, timeout_ms), |env, answers| {
            told(env, answers, |answer| {
                let topics = answer.topics.iter();
                let deleted = topics.flat_map(|topic| {
                    topic.partitions.iter().map(|deleted| NativePartitionResult {
                        offset: Some(deleted.low_watermark.to_string()),
                        ..NativePartitionResult::new(&topic.name, deleted.partition, deleted.error)
                    })
                });
                deleted.collect::<Vec<_>>()
            })
        })
    }

    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn describe_log_dirs<'env>(
        &self,
        env: &'env Env,
        brokers: Vec<i32>,
        topics: Option<Vec<NativeTopicPartitions>>,
    ) -> Result<Object<'env>> {
        self.call(env, describe_log_dirs(brokers, pairs(topics)), |env, answers| {
            told(env, answers, |answer| NativeLogDirs {
                error_code: code(answer.error),
                log_dirs: answer.log_dirs.into_iter().map(log_dir).collect(),
            })
        })
    }

    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn elect_leaders<'env>(
        &self,
        env: &'env Env,
        unclean: bool,
        topics: Option<Vec<NativeTopicPartitions>>,
        timeout_ms: i32,
    ) -> Result<Object<'env>> {
        let request = ElectLeadersRequest { unclean, topics: pairs(topics), timeout_ms };
        self.call(env, elect_leaders(request), |env, answer| {
            let partitions = answer.topics.into_iter().flat_map(|(topic, partitions)| {
                partitions.into_iter().map(move |elected| NativePartitionResult {
                    error_message: elected.error_message,
                    ..NativePartitionResult::new(&topic, elected.partition, elected.error)
                })
            });
            let results = NativePartitionResults {
                error_code: code(answer.error),
                error_message: None,
                partitions: partitions.collect(),
            };
            results.into_unknown(env)
        })
    }

    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn alter_partition_reassignments<'env>(
        &self,
        env: &'env Env,
        topics: Vec<NativeReassignment>,
        timeout_ms: i32,
    ) -> Result<Object<'env>> {
        let topics = topics.into_iter().map(|NativeReassignment { topic, partitions }| ReassignedTopic {
            name: topic,
            partitions: partitions.into_iter().map(|p| (p.partition, p.replicas)).collect(),
        });
        let request = AlterPartitionReassignmentsRequest { timeout_ms, topics: topics.collect() };
        self.call(env, alter_partition_reassignments(request), |env, answer| {
            let partitions = answer.topics.into_iter().flat_map(|(topic, partitions)| {
                partitions.into_iter().map(move |moved| NativePartitionResult {
                    error_message: moved.error_message,
                    ..NativePartitionResult::new(&topic, moved.partition, moved.error)
                })
            });
            let results = NativePartitionResults {
                error_code: code(answer.error),
                error_message: answer.error_message,
                partitions: partitions.collect(),
            };
            results.into_unknown(env)
        })
    }

    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn list_partition_reassignments<'env>(
        &self,
        env: &'env Env,
        topics: Option<Vec<NativeTopicPartitions>>,
        timeout_ms: i32,
    ) -> Result<Object<'env>> {
        let request = ListPartitionReassignmentsRequest { timeout_ms, topics: pairs(topics) };
        self.call(env, list_partition_reassignments(request), |env, answer| {
            let partitions = answer.topics.into_iter().flat_map(|(topic, partitions)| {
                partitions.into_iter().map(move |ongoing| NativeOngoing {
                    topic: topic.clone(),
                    partition: ongoing.partition,
                    replicas: ongoing.replicas,
                    adding_replicas: ongoing.adding_replicas,
                    removing_replicas: ongoing.removing_replicas,
                })
            });
            let results = NativeOngoings {
                error_code: code(answer.error),
                error_message: answer.error_message,
                partitions: partitions.collect(),
            };
            results.into_unknown(env)
        })
    }
}

fn pairs(topics: Option<Vec<NativeTopicPartitions>>) -> Option<Vec<(String, Vec<i32>)>> {
    topics.map(|topics| topics.into_iter().map(|t| (t.topic, t.partitions)).collect())
}

fn numbers(partitions: Vec<NativePartitionOffset>) -> Result<Vec<(TopicPartition, i64)>> {
    let number = |NativePartitionOffset { topic, partition, offset }| {
        Ok((TopicPartition { topic: topic.into(), partition }, super::number(&offset)?))
    };
    partitions.into_iter().map(number).collect()
}

fn log_dir(dir: LogDir) -> NativeLogDir {
    let partition = |LogDirPartition { partition, size, offset_lag, is_future }| NativeLogDirPartition {
        partition,
        size: size as f64,
        offset_lag: offset_lag.to_string(),
        is_future,
    };
    let topic = |(topic, partitions): (String, Vec<LogDirPartition>)| NativeLogDirTopic {
        topic,
        partitions: partitions.into_iter().map(partition).collect(),
    };
    NativeLogDir {
        error_code: code(dir.error),
        path: dir.path,
        total_bytes: dir.total_bytes as f64,
        usable_bytes: dir.usable_bytes as f64,
        is_cordoned: dir.is_cordoned,
        topics: dir.topics.into_iter().map(topic).collect(),
    }
}
