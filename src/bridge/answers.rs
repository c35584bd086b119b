//! Answers to the facade's queries as objects of `native.d.ts`.

use bytes::Bytes;
use napi::bindgen_prelude::{Array, BufferSlice, Object, Unknown};
use napi::{Env, JsValue, Result};

use crate::engine::clients::admin::CommittedOffset;
use crate::engine::machine::TopicPartition;
use crate::engine::protocol::metadata::MetadataBroker;
use crate::engine::protocol::metadata::MetadataResponse;
use crate::engine::protocol::metadata::MetadataTopic;

pub(super) fn metadata<'env>(env: &'env Env, metadata: MetadataResponse) -> Result<Unknown<'env>> {
    let mut object = Object::new(env)?;
    object.set("clusterId", metadata.cluster_id)?;
    object.set("controllerId", metadata.controller_id)?;
    let brokers = metadata.brokers.into_iter().map(|broker| self::broker(env, broker));
    object.set("brokers", brokers.collect::<Result<Vec<_>>>()?)?;
    let topics = metadata.topics.into_iter().map(|topic| self::topic(env, topic));
    object.set("topics", topics.collect::<Result<Vec<_>>>()?)?;
    Ok(object.to_unknown())
}

pub(super) fn broker<'env>(env: &'env Env, broker: MetadataBroker) -> Result<Object<'env>> {
    let mut object = Object::new(env)?;
    object.set("nodeId", broker.node_id)?;
    object.set("host", broker.host)?;
    object.set("port", broker.port)?;
    object.set("rack", broker.rack)?;
    Ok(object)
}

fn topic<'env>(env: &'env Env, topic: MetadataTopic) -> Result<Object<'env>> {
    let mut object = Object::new(env)?;
    object.set("errorCode", i32::from(topic.error.0))?;
    object.set("name", topic.name.unwrap_or_default())?;
    object.set("isInternal", topic.is_internal)?;
    let partitions = topic.partitions.into_iter().map(|partition| {
        let mut object = Object::new(env)?;
        object.set("errorCode", i32::from(partition.error.0))?;
        object.set("partitionId", partition.partition)?;
        object.set("leader", partition.leader)?;
        object.set("leaderEpoch", partition.leader_epoch)?;
        object.set("replicas", partition.replicas)?;
        object.set("isr", partition.isr)?;
        object.set("offlineReplicas", partition.offline_replicas)?;
        Ok(object)
    });
    object.set("partitions", partitions.collect::<Result<Vec<_>>>()?)?;
    Ok(object)
}

/// `[{ topic, partition, offset, metadata }]`
pub(super) fn offsets<'env>(
    env: &'env Env,
    offsets: impl IntoIterator<Item = (TopicPartition, i64, Option<String>)>,
) -> Result<Unknown<'env>> {
    let offsets = offsets.into_iter().map(|(partition, offset, metadata)| {
        let mut object = Object::new(env)?;
        object.set("topic", partition.topic.to_string())?;
        object.set("partition", partition.partition)?;
        object.set("offset", offset.to_string())?;
        object.set("metadata", metadata)?;
        Ok(object)
    });
    Ok(Array::from_vec(env, offsets.collect::<Result<Vec<_>>>()?)?.to_unknown())
}

/// `[{ topic, partition, offset, metadata, leaderEpoch }]`
pub(super) fn committed(env: &Env, found: Vec<CommittedOffset>) -> Result<Unknown<'_>> {
    let found = found.into_iter().map(|(partition, offset, leader_epoch, metadata)| {
        let mut object = Object::new(env)?;
        object.set("topic", partition.topic.to_string())?;
        object.set("partition", partition.partition)?;
        object.set("offset", offset.to_string())?;
        object.set("metadata", metadata)?;
        object.set("leaderEpoch", Some(leader_epoch).filter(|epoch| *epoch >= 0))?;
        Ok(object)
    });
    Ok(Array::from_vec(env, found.collect::<Result<Vec<_>>>()?)?.to_unknown())
}

pub(super) fn bytes(env: &Env, bytes: Bytes) -> Result<Unknown<'_>> {
    Ok(BufferSlice::copy_from(env, &bytes)?.to_unknown())
}
