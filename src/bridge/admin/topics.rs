//! Topics: made, made larger, deleted.

use napi::bindgen_prelude::Object;
use napi::{Env, Result};
use napi_derive::napi;

use crate::bridge::client::NativeClient;
use crate::engine::clients::admin::{ReadMetadata, create_partitions, create_topics, delete_topics};
use crate::engine::protocol::create_partitions::{CreatePartitionsRequest, CreatePartitionsTopic};
use crate::engine::protocol::create_topics::{CreatableTopic, CreateTopicsRequest};
use crate::engine::protocol::delete_topics::{DeleteTopicsRequest, DeletedTopic};

use super::{NativeNamedValue, NativeResult, list};

#[napi(object, object_to_js = false, use_nullable = true)]
pub struct NativeNewTopic {
    pub name: String,
    pub num_partitions: i32,
    pub replication_factor: i16,
    pub assignments: Vec<NativeReplicas>,
    pub configs: Vec<NativeNamedValue>,
}

#[napi(object, object_to_js = false, use_nullable = true)]
pub struct NativeReplicas {
    pub partition: i32,
    pub replicas: Vec<i32>,
}

#[napi(object, object_to_js = false, use_nullable = true)]
pub struct NativeMorePartitions {
    pub name: String,
    pub count: i32,
    pub assignments: Option<Vec<Vec<i32>>>,
}

#[napi]
impl NativeClient {
    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn list_topics<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        self.call(env, ReadMetadata::new(None, false), |env, metadata| {
            list(env, metadata.topics.into_iter().filter_map(|topic| topic.name))
        })
    }

    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn create_topics<'env>(
        &self,
        env: &'env Env,
        topics: Vec<NativeNewTopic>,
        timeout_ms: i32,
        validate_only: bool,
    ) -> Result<Object<'env>> {
        let topics = topics.into_iter().map(|topic| CreatableTopic {
            name: topic.name,
            num_partitions: topic.num_partitions,
            replication_factor: topic.replication_factor,
            assignments: topic.assignments.into_iter().map(|a| (a.partition, a.replicas)).collect(),
            configs: topic.configs.into_iter().map(|config| (config.name, config.value)).collect(),
        });
        let request = CreateTopicsRequest { topics: topics.collect(), timeout_ms, validate_only };
        self.call(env, create_topics(request), |env, answer| {
            list(env, answer.topics.into_iter().map(|t| NativeResult::new(t.name, t.error, t.error_message)))
        })
    }

    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn delete_topics<'env>(
        &self,
        env: &'env Env,
        topics: Vec<String>,
        timeout_ms: i32,
    ) -> Result<Object<'env>> {
        self.call(env, delete_topics(DeleteTopicsRequest { topics, timeout_ms }), |env, answer| {
            let named =
                |t: DeletedTopic| NativeResult::new(t.name.unwrap_or_default(), t.error, t.error_message);
            list(env, answer.topics.into_iter().map(named))
        })
    }

    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn create_partitions<'env>(
        &self,
        env: &'env Env,
        topics: Vec<NativeMorePartitions>,
        timeout_ms: i32,
        validate_only: bool,
    ) -> Result<Object<'env>> {
        let topics = topics.into_iter().map(|topic| CreatePartitionsTopic {
            name: topic.name,
            count: topic.count,
            assignments: topic.assignments,
        });
        let request = CreatePartitionsRequest { topics: topics.collect(), timeout_ms, validate_only };
        self.call(env, create_partitions(request), |env, answer| {
            list(env, answer.topics.into_iter().map(|t| NativeResult::new(t.name, t.error, t.error_message)))
        })
    }
}
