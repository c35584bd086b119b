//! Transactions and the producers of partitions.

use napi::bindgen_prelude::{Object, ToNapiValue};
use napi::{Env, Result};
use napi_derive::napi;

use crate::bridge::client::NativeClient;
use crate::bridge::options::NativeTopicPartitions;
use crate::engine::clients::admin::{
    abort_transaction, describe_producers, describe_transactions, list_transactions,
};
use crate::engine::machine::TopicPartition;
use crate::engine::protocol::describe_producers::ProducerState;
use crate::engine::protocol::describe_transactions::DescribedTransaction;
use crate::engine::protocol::list_transactions::{ListTransactionsRequest, ListedTransaction};

use super::partitions::NativePartitionResult;
use super::{code, number, told};

#[napi(object, object_to_js = false, use_nullable = true)]
pub struct NativePartition {
    pub topic: String,
    pub partition: i32,
}

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativePartitionProducers {
    pub topic: String,
    pub partition: i32,
    pub error_code: i32,
    pub error_message: Option<String>,
    pub producers: Vec<NativeProducerState>,
}

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeProducerState {
    pub producer_id: String,
    pub producer_epoch: i32,
    pub last_sequence: i32,
    pub last_timestamp: String,
    pub coordinator_epoch: i32,
    pub current_transaction_start_offset: String,
}

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeTransaction {
    pub error_code: i32,
    pub transactional_id: String,
    pub state: String,
    pub timeout: i32,
    pub start_time: String,
    pub producer_id: String,
    pub producer_epoch: i32,
    pub topics: Vec<NativeTopicPartitions>,
}

#[napi(object, object_to_js = false, use_nullable = true)]
pub struct NativeTransactionFilter {
    pub states: Vec<String>,
    pub producer_ids: Vec<String>,
    pub duration: f64,
    pub transactional_id_pattern: Option<String>,
}

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeListedTransactions {
    pub error_code: i32,
    pub unknown_states: Vec<String>,
    pub transactions: Vec<NativeListedTransaction>,
}

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeListedTransaction {
    pub transactional_id: String,
    pub producer_id: String,
    pub state: String,
}

/// The transaction that is to be aborted in one partition.
#[napi(object, object_to_js = false, use_nullable = true)]
pub struct NativeHangingTransaction {
    pub topic: String,
    pub partition: i32,
    pub producer_id: String,
    pub producer_epoch: i16,
    pub coordinator_epoch: i32,
}

#[napi]
impl NativeClient {
    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn describe_producers<'env>(
        &self,
        env: &'env Env,
        partitions: Vec<NativePartition>,
    ) -> Result<Object<'env>> {
        let at = |NativePartition { topic, partition }| TopicPartition { topic: topic.into(), partition };
        self.call(env, describe_producers(partitions.into_iter().map(at).collect()), |env, answers| {
            told(env, answers, |answer| {
                let partitions = answer.topics.into_iter().flat_map(|(topic, partitions)| {
                    partitions.into_iter().map(move |told| NativePartitionProducers {
                        topic: topic.clone(),
                        partition: told.partition,
                        error_code: code(told.error),
                        error_message: told.error_message,
                        producers: told.producers.into_iter().map(producer).collect(),
                    })
                });
                partitions.collect::<Vec<_>>()
            })
        })
    }

    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn describe_transactions<'env>(
        &self,
        env: &'env Env,
        transactional_ids: Vec<String>,
    ) -> Result<Object<'env>> {
        self.call(env, describe_transactions(transactional_ids), |env, answers| {
            told(env, answers, |answer| answer.transactions.into_iter().map(transaction).collect::<Vec<_>>())
        })
    }

    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn list_transactions<'env>(
        &self,
        env: &'env Env,
        filter: NativeTransactionFilter,
    ) -> Result<Object<'env>> {
        let ids = filter.producer_ids.iter().map(|id| number(id));
        let request = ListTransactionsRequest {
            states: filter.states,
            producer_ids: ids.collect::<Result<Vec<_>>>()?,
            duration_ms: filter.duration as i64,
            transactional_id_pattern: filter.transactional_id_pattern,
        };
        self.call(env, list_transactions(request), |env, answers| {
            told(env, answers, |answer| {
                let listed = |listed: ListedTransaction| NativeListedTransaction {
                    transactional_id: listed.transactional_id,
                    producer_id: listed.producer_id.to_string(),
                    state: listed.state,
                };
                NativeListedTransactions {
                    error_code: code(answer.error),
                    unknown_states: answer.unknown_states,
                    transactions: answer.transactions.into_iter().map(listed).collect(),
                }
            })
        })
    }

    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn abort_transaction<'env>(
        &self,
        env: &'env Env,
        transaction: NativeHangingTransaction,
    ) -> Result<Object<'env>> {
        let NativeHangingTransaction { topic, partition, producer_id, producer_epoch, coordinator_epoch } =
            transaction;
        let partition = TopicPartition { topic: topic.into(), partition };
        let producer_id = number(&producer_id)?;
        let call = abort_transaction(partition, producer_id, producer_epoch, coordinator_epoch);
        self.call(env, call, |env, answer| {
            let topics = answer.markers.iter().flat_map(|marker| &marker.topics);
            let results = topics.flat_map(|(topic, partitions)| {
                let results = partitions.iter();
                results.map(|(partition, error)| NativePartitionResult::new(topic, *partition, *error))
            });
            results.collect::<Vec<_>>().into_unknown(env)
        })
    }
}

fn producer(state: ProducerState) -> NativeProducerState {
    NativeProducerState {
        producer_id: state.producer_id.to_string(),
        producer_epoch: state.producer_epoch,
        last_sequence: state.last_sequence,
        last_timestamp: state.last_timestamp.to_string(),
        coordinator_epoch: state.coordinator_epoch,
        current_transaction_start_offset: state.current_txn_start_offset.to_string(),
    }
}

fn transaction(told: DescribedTransaction) -> NativeTransaction {
    let topics = told.topics.into_iter();
    NativeTransaction {
        error_code: code(told.error),
        transactional_id: told.transactional_id,
        state: told.state,
        timeout: told.timeout_ms,
        start_time: told.start_time_ms.to_string(),
        producer_id: told.producer_id.to_string(),
        producer_epoch: i32::from(told.producer_epoch),
        topics: topics.map(|(topic, partitions)| NativeTopicPartitions { topic, partitions }).collect(),
    }
}
