//! AddPartitionsToTxn, AddOffsetsToTxn, EndTxn, TxnOffsetCommit.

use kafka_protocol::messages as theirs;
use kafka_protocol::messages::{
    add_partitions_to_txn_request as their_add_request, add_partitions_to_txn_response as their_add,
    txn_offset_commit_request as their_commit_request, txn_offset_commit_response as their_commit,
};

use super::super::add_offsets_to_txn::*;
use super::super::add_partitions_to_txn::*;
use super::super::end_txn::*;
use super::super::offset_commit::{OffsetCommitPartition, OffsetCommitTopic};
use super::super::txn_offset_commit::*;
use super::*;

pub(super) fn samples(fill: Fill) -> Vec<Sample> {
    [add_partitions(fill), add_offsets(), end_txn(), txn_offset_commit(fill)].into_iter().flatten().collect()
}

#[test]
fn responses_agree() {
    Fill::ALL.into_iter().flat_map(samples).for_each(|sample| sample.check());
}

#[test]
fn add_partitions_requests_agree() {
    for fill in Fill::ALL {
        let ours = AddPartitionsToTxnRequest {
            transactional_id: fill.text("transaction"),
            producer_id: 1 << 40,
            producer_epoch: 7,
            topics: fill.list([
                TxnTopic { name: fill.text("topic"), partitions: fill.list([0, 5]) },
                TxnTopic { name: long_name(), partitions: vec![] },
            ]),
        };
        check_request(ours.clone(), |_| {
            let topic = |t: &TxnTopic| {
                their_add_request::AddPartitionsToTxnTopic::default()
                    .with_name(name(&t.name))
                    .with_partitions(t.partitions.clone())
            };
            theirs::AddPartitionsToTxnRequest::default()
                .with_v3_and_below_transactional_id(name(&ours.transactional_id))
                .with_v3_and_below_producer_id(ours.producer_id.into())
                .with_v3_and_below_producer_epoch(ours.producer_epoch)
                .with_v3_and_below_topics(each(&ours.topics, topic))
        });
    }
}

fn results(fill: Fill) -> Vec<TxnTopicResult> {
    fill.list([
        TxnTopicResult {
            name: fill.text("topic"),
            partitions: fill.list([
                TxnPartitionResult { partition: 1, error: ErrorCode::NONE },
                TxnPartitionResult { partition: 2, error: ErrorCode::CONCURRENT_TRANSACTIONS },
            ]),
        },
        TxnTopicResult::default(),
    ])
}

fn add_partitions(fill: Fill) -> Vec<Sample> {
    let full = move || AddPartitionsToTxnResponse { throttle_time_ms: 9, topics: results(fill) };
    let theirs = move |_| {
        let partition = |p: &TxnPartitionResult| {
            their_add::AddPartitionsToTxnPartitionResult::default()
                .with_partition_index(p.partition)
                .with_partition_error_code(p.error.0)
        };
        let topic = |t: &TxnTopicResult| {
            their_add::AddPartitionsToTxnTopicResult::default()
                .with_name(name(&t.name))
                .with_results_by_partition(each(&t.partitions, partition))
        };
        theirs::AddPartitionsToTxnResponse::default()
            .with_throttle_time_ms(9)
            .with_results_by_topic_v3_and_below(each(&full().topics, topic))
    };
    Sample::per_version(ApiKey::AddPartitionsToTxn, theirs, move |_| Response::AddPartitionsToTxn(full()))
}

#[test]
fn add_offsets_requests_agree() {
    for fill in Fill::ALL {
        let ours = AddOffsetsToTxnRequest {
            transactional_id: fill.text("transaction"),
            producer_id: 1 << 40,
            producer_epoch: 7,
            group_id: fill.text("group"),
        };
        check_request(ours.clone(), |_| {
            theirs::AddOffsetsToTxnRequest::default()
                .with_transactional_id(name(&ours.transactional_id))
                .with_producer_id(ours.producer_id.into())
                .with_producer_epoch(ours.producer_epoch)
                .with_group_id(name(&ours.group_id))
        });
    }
}

fn add_offsets() -> Vec<Sample> {
    let theirs = |_| theirs::AddOffsetsToTxnResponse::default().with_throttle_time_ms(9).with_error_code(51);
    let ours = AddOffsetsToTxnResponse { throttle_time_ms: 9, error: ErrorCode::CONCURRENT_TRANSACTIONS };
    Sample::per_version(ApiKey::AddOffsetsToTxn, theirs, move |_| Response::AddOffsetsToTxn(ours.clone()))
}

#[test]
fn end_txn_requests_agree() {
    for fill in Fill::ALL {
        let ours = EndTxnRequest {
            transactional_id: fill.text("transaction"),
            producer_id: 1 << 40,
            producer_epoch: 7,
            committed: true,
            transactions_v1: false,
        };
        check_request(ours.clone(), |_| {
            theirs::EndTxnRequest::default()
                .with_transactional_id(name(&ours.transactional_id))
                .with_producer_id(ours.producer_id.into())
                .with_producer_epoch(ours.producer_epoch)
                .with_committed(true)
        });
    }
}

fn end_txn() -> Vec<Sample> {
    let theirs = |version| {
        theirs::EndTxnResponse::default()
            .with_throttle_time_ms(9)
            .with_error_code(51)
            .with_producer_id(since_or(version, 5, 1 << 40, -1).into())
            .with_producer_epoch(since_or(version, 5, 8, -1))
    };
    Sample::per_version(ApiKey::EndTxn, theirs, |version| {
        Response::EndTxn(EndTxnResponse {
            throttle_time_ms: 9,
            error: ErrorCode::CONCURRENT_TRANSACTIONS,
            producer_id: since_or(version, 5, 1 << 40, -1),
            producer_epoch: since_or(version, 5, 8, -1),
        })
    })
}

#[test]
fn txn_offset_commit_requests_agree() {
    for fill in Fill::ALL {
        let ours = TxnOffsetCommitRequest {
            transactional_id: fill.text("transaction"),
            group_id: fill.text("group"),
            producer_id: 1 << 40,
            producer_epoch: 7,
            generation_id: 12,
            member_id: fill.text("member-1"),
            group_instance_id: fill.maybe("instance-1"),
            topics: fill.list([OffsetCommitTopic {
                name: fill.text(&long_name()),
                topic_id: ID,
                partitions: fill.list([
                    OffsetCommitPartition {
                        partition: 3,
                        offset: i64::MAX,
                        leader_epoch: 4,
                        metadata: fill.maybe("note"),
                    },
                    OffsetCommitPartition { leader_epoch: -1, ..Default::default() },
                ]),
            }]),
            transactions_v1: false,
        };
        check_request(ours.clone(), |version| {
            let partition = |p: &OffsetCommitPartition| {
                their_commit_request::TxnOffsetCommitRequestPartition::default()
                    .with_partition_index(p.partition)
                    .with_committed_offset(p.offset)
                    .with_committed_leader_epoch(since_or(version, 2, p.leader_epoch, -1))
                    .with_committed_metadata(maybe_name(&p.metadata))
            };
            let topic = |t: &OffsetCommitTopic| {
                their_commit_request::TxnOffsetCommitRequestTopic::default()
                    .with_name(name(&t.name))
                    .with_partitions(each(&t.partitions, partition))
            };
            theirs::TxnOffsetCommitRequest::default()
                .with_transactional_id(name(&ours.transactional_id))
                .with_group_id(name(&ours.group_id))
                .with_producer_id(ours.producer_id.into())
                .with_producer_epoch(ours.producer_epoch)
                .with_generation_id(since_or(version, 3, ours.generation_id, -1))
                .with_member_id(since(version, 3, name(&ours.member_id)))
                .with_group_instance_id(since(version, 3, maybe_name(&ours.group_instance_id)))
                .with_topics(each(&ours.topics, topic))
        });
    }
}

fn txn_offset_commit(fill: Fill) -> Vec<Sample> {
    let full = move || TxnOffsetCommitResponse { throttle_time_ms: 9, topics: results(fill) };
    let theirs = move |_| {
        let partition = |p: &TxnPartitionResult| {
            their_commit::TxnOffsetCommitResponsePartition::default()
                .with_partition_index(p.partition)
                .with_error_code(p.error.0)
        };
        let topic = |t: &TxnTopicResult| {
            their_commit::TxnOffsetCommitResponseTopic::default()
                .with_name(name(&t.name))
                .with_partitions(each(&t.partitions, partition))
        };
        theirs::TxnOffsetCommitResponse::default()
            .with_throttle_time_ms(9)
            .with_topics(each(&full().topics, topic))
    };
    Sample::per_version(ApiKey::TxnOffsetCommit, theirs, move |_| Response::TxnOffsetCommit(full()))
}

#[test]
fn the_first_transaction_protocol_does_not_look_like_the_second() {
    let end = |transactions_v1| EndTxnRequest { transactions_v1, ..Default::default() }.max_version();
    assert_eq!((end(true), end(false)), (4, 5));
    let commit =
        |transactions_v1| TxnOffsetCommitRequest { transactions_v1, ..Default::default() }.max_version();
    assert_eq!((commit(true), commit(false)), (4, 5));
}
