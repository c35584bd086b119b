//! What brokers do with requests: the model's answers, as the protocol has them.

use crate::engine::protocol::add_offsets_to_txn::AddOffsetsToTxnResponse;
use crate::engine::protocol::add_partitions_to_txn::{
    AddPartitionsToTxnResponse, TxnPartitionResult, TxnTopicResult,
};
use crate::engine::protocol::api_versions::{ApiVersionsResponse, Feature};
use crate::engine::protocol::end_txn::EndTxnResponse;
use crate::engine::protocol::find_coordinator::{FindCoordinatorResponse, FoundCoordinator, KeyType};
use crate::engine::protocol::init_producer_id::InitProducerIdResponse;
use crate::engine::protocol::metadata::{MetadataBroker, MetadataPartition, MetadataResponse, MetadataTopic};
use crate::engine::protocol::produce::{ProduceResponse, ProduceResponsePartition, ProduceResponseTopic};
use crate::engine::protocol::txn_offset_commit::TxnOffsetCommitResponse;
use crate::engine::protocol::{ErrorCode, Request, Response, TopicId};

use super::model::{Added, Model};
use super::world::World;

impl World {
    /// What the broker does with a request.
    pub(super) fn read(&mut self, node: i32, body: &Request) -> Response {
        let model = &mut self.model;
        let is_coordinator = node == model.transaction_coordinator;
        match body {
            Request::Metadata(_) => metadata(model),
            Request::FindCoordinator(request) => {
                let node_id = match request.key_type {
                    KeyType::Group => model.group_coordinator,
                    KeyType::Transaction => model.transaction_coordinator,
                };
                let found = |key: &String| FoundCoordinator {
                    key: key.clone(),
                    node_id,
                    host: "h".to_owned(),
                    port: 1,
                    ..FoundCoordinator::default()
                };
                let coordinators = request.keys.iter().map(found).collect();
                Response::FindCoordinator(FindCoordinatorResponse { coordinators, throttle_time_ms: 0 })
            }
            Request::ApiVersions(_) => Response::ApiVersions(ApiVersionsResponse {
                finalized_features: vec![Feature {
                    name: "transaction.version".to_owned(),
                    min: 0,
                    max: if model.is_v2 { 2 } else { 1 },
                }],
                ..ApiVersionsResponse::default()
            }),
            Request::InitProducerId(_)
            | Request::AddPartitionsToTxn(_)
            | Request::AddOffsetsToTxn(_)
            | Request::EndTxn(_)
                if !is_coordinator =>
            {
                refusal(body, ErrorCode::NOT_COORDINATOR)
            }
            Request::InitProducerId(request) => Response::InitProducerId(model.init(request)),
            Request::AddPartitionsToTxn(request) => {
                let (name, id, epoch) =
                    (&request.transactional_id, request.producer_id, request.producer_epoch);
                let topics = request.topics.iter().map(|topic| {
                    let partitions = topic.partitions.iter().map(|partition| {
                        let added = Added::Partition(usize::try_from(*partition).unwrap());
                        let error = model.add(name, id, epoch, &added);
                        TxnPartitionResult { partition: *partition, error }
                    });
                    TxnTopicResult { name: topic.name.clone(), partitions: partitions.collect() }
                });
                Response::AddPartitionsToTxn(AddPartitionsToTxnResponse {
                    topics: topics.collect(),
                    throttle_time_ms: 0,
                })
            }
            Request::AddOffsetsToTxn(request) => {
                let (name, id, epoch) =
                    (&request.transactional_id, request.producer_id, request.producer_epoch);
                let error = model.add(name, id, epoch, &Added::Group(request.group_id.clone()));
                Response::AddOffsetsToTxn(AddOffsetsToTxnResponse { error, throttle_time_ms: 0 })
            }
            Request::EndTxn(request) => Response::EndTxn(model.end(request)),
            Request::TxnOffsetCommit(request) => {
                let result = match node == model.group_coordinator {
                    true => model.commit_offsets(request),
                    false => Err(ErrorCode::NOT_COORDINATOR),
                };
                refusal(body, result.err().unwrap_or_default())
            }
            Request::Produce(request) => {
                let topics = request.topics.iter().map(|topic| {
                    let partitions = topic.partitions.iter().map(|out| {
                        let partition = usize::try_from(out.partition).unwrap();
                        let mut row =
                            ProduceResponsePartition { partition: out.partition, ..Default::default() };
                        let batch = [&out.header[..], &out.records].concat();
                        let name = request.transactional_id.as_deref().unwrap();
                        let result = match model.leaders[partition] == node {
                            true => model.append(name, request.transactions_v1, partition, batch),
                            false => Err(ErrorCode::NOT_LEADER_OR_FOLLOWER),
                        };
                        match result {
                            Ok(offset) => row.base_offset = offset,
                            Err(code) => row.error = code,
                        }
                        row
                    });
                    let (name, topic_id) = (topic.name.clone(), topic.topic_id);
                    ProduceResponseTopic { name, topic_id, partitions: partitions.collect() }
                });
                Response::Produce(ProduceResponse { topics: topics.collect(), ..Default::default() })
            }
            other => panic!("nobody asked for {other:?}"),
        }
    }
}

fn metadata(model: &Model) -> Response {
    let partition = |(n, leader): (usize, &i32)| MetadataPartition {
        partition: i32::try_from(n).unwrap(),
        leader: *leader,
        ..MetadataPartition::default()
    };
    let topic = MetadataTopic {
        name: Some("t".to_owned()),
        topic_id: TopicId([1; 16]),
        partitions: model.leaders.iter().enumerate().map(partition).collect(),
        ..MetadataTopic::default()
    };
    let broker = |node_id| MetadataBroker { node_id, host: "h".to_owned(), port: 1, rack: None };
    Response::Metadata(MetadataResponse {
        brokers: (0..3).map(broker).collect(),
        topics: vec![topic],
        ..MetadataResponse::default()
    })
}

/// An answer that says this of everything that was asked.
pub(super) fn refusal(body: &Request, error: ErrorCode) -> Response {
    match body {
        Request::InitProducerId(_) => {
            Response::InitProducerId(InitProducerIdResponse { error, ..Default::default() })
        }
        Request::AddPartitionsToTxn(request) => {
            let topics = request.topics.iter().map(|topic| TxnTopicResult {
                name: topic.name.clone(),
                partitions: topic
                    .partitions
                    .iter()
                    .map(|partition| TxnPartitionResult { partition: *partition, error })
                    .collect(),
            });
            Response::AddPartitionsToTxn(AddPartitionsToTxnResponse {
                topics: topics.collect(),
                throttle_time_ms: 0,
            })
        }
        Request::AddOffsetsToTxn(_) => {
            Response::AddOffsetsToTxn(AddOffsetsToTxnResponse { error, throttle_time_ms: 0 })
        }
        Request::EndTxn(_) => Response::EndTxn(EndTxnResponse {
            error,
            producer_id: -1,
            producer_epoch: -1,
            ..Default::default()
        }),
        Request::TxnOffsetCommit(request) => {
            let topics = request.topics.iter().map(|topic| TxnTopicResult {
                name: topic.name.clone(),
                partitions: topic
                    .partitions
                    .iter()
                    .map(|row| TxnPartitionResult { partition: row.partition, error })
                    .collect(),
            });
            Response::TxnOffsetCommit(TxnOffsetCommitResponse {
                topics: topics.collect(),
                throttle_time_ms: 0,
            })
        }
        Request::Produce(request) => {
            let topics = request.topics.iter().map(|topic| ProduceResponseTopic {
                name: topic.name.clone(),
                topic_id: topic.topic_id,
                partitions: topic
                    .partitions
                    .iter()
                    .map(|out| ProduceResponsePartition {
                        partition: out.partition,
                        error,
                        ..Default::default()
                    })
                    .collect(),
            });
            Response::Produce(ProduceResponse { topics: topics.collect(), ..Default::default() })
        }
        Request::FindCoordinator(request) => {
            let coordinators = request
                .keys
                .iter()
                .map(|key| FoundCoordinator {
                    key: key.clone(),
                    error: ErrorCode::COORDINATOR_NOT_AVAILABLE,
                    ..Default::default()
                })
                .collect();
            Response::FindCoordinator(FindCoordinatorResponse { coordinators, throttle_time_ms: 0 })
        }
        Request::ApiVersions(_) => {
            Response::ApiVersions(ApiVersionsResponse { error, ..ApiVersionsResponse::default() })
        }
        _ => Response::Metadata(MetadataResponse { error, ..MetadataResponse::default() }),
    }
}
