//! DescribeProducers, DescribeTransactions, ListTransactions, WriteTxnMarkers.

use kafka_protocol::messages as theirs;
use kafka_protocol::messages::{
    describe_producers_request as their_ask_producers, describe_producers_response as their_producers,
    describe_transactions_response as their_described, list_transactions_response as their_listed,
    write_txn_markers_request as their_write, write_txn_markers_response as their_written,
};

use super::describe_producers::*;
use super::describe_transactions::*;
use super::list_transactions::*;
use super::write_txn_markers::*;
use super::*;

pub(super) fn samples(fill: Fill) -> Vec<Sample> {
    let mut samples = producers(fill);
    samples.extend(described(fill));
    samples.extend(listed(fill));
    samples.extend(written(fill));
    samples
}

#[test]
fn responses_agree() {
    Fill::ALL.into_iter().flat_map(samples).for_each(|sample| sample.check());
}

fn topics(fill: Fill) -> Vec<(String, Vec<i32>)> {
    fill.list([(fill.text("orders"), fill.list([4, 2])), (long_name(), vec![])])
}

#[test]
fn requests_agree() {
    for fill in Fill::ALL {
        let ours = DescribeProducersRequest { topics: topics(fill) };
        check_request(ours.clone(), |_| {
            let topic = |(topic, partitions): &(String, Vec<i32>)| {
                their_ask_producers::TopicRequest::default()
                    .with_name(name(topic))
                    .with_partition_indexes(partitions.clone())
            };
            theirs::DescribeProducersRequest::default().with_topics(each(&ours.topics, topic))
        });
        let ours =
            DescribeTransactionsRequest { transactional_ids: fill.list([fill.text("a"), long_name()]) };
        check_request(ours.clone(), |_| {
            theirs::DescribeTransactionsRequest::default()
                .with_transactional_ids(each(&ours.transactional_ids, |id| name(id)))
        });
        let ours = WriteTxnMarkersRequest {
            markers: fill.list([TxnMarker {
                producer_id: 1 << 40,
                producer_epoch: 7,
                commit: fill.list([()]).is_empty(),
                topics: topics(fill),
                coordinator_epoch: 9,
            }]),
        };
        check_request(ours.clone(), |_| {
            let topic = |(topic, partitions): &(String, Vec<i32>)| {
                their_write::WritableTxnMarkerTopic::default()
                    .with_name(name(topic))
                    .with_partition_indexes(partitions.clone())
            };
            let marker = |marker: &TxnMarker| {
                their_write::WritableTxnMarker::default()
                    .with_producer_id(marker.producer_id.into())
                    .with_producer_epoch(marker.producer_epoch)
                    .with_transaction_result(marker.commit)
                    .with_topics(each(&marker.topics, topic))
                    .with_coordinator_epoch(marker.coordinator_epoch)
            };
            theirs::WriteTxnMarkersRequest::default().with_markers(each(&ours.markers, marker))
        });
    }
}

#[test]
fn list_requests_agree() {
    let some = ListTransactionsRequest {
        states: vec!["Ongoing".into()],
        producer_ids: vec![1 << 40, -1],
        ..Default::default()
    };
    let long = ListTransactionsRequest { duration_ms: 1000, ..some.clone() };
    let named = ListTransactionsRequest { transactional_id_pattern: Some("a.*".into()), ..long.clone() };
    let requests = [ListTransactionsRequest::default(), some, long, named];
    assert_eq!(requests.each_ref().map(ListTransactionsRequest::min_version), [0, 0, 1, 2]);
    for ours in requests {
        check_request(ours.clone(), |version| {
            theirs::ListTransactionsRequest::default()
                .with_state_filters(each(&ours.states, |state| name(state)))
                .with_producer_id_filters(each(&ours.producer_ids, |id| (*id).into()))
                .with_duration_filter(since_or(version, 1, ours.duration_ms, -1))
                .with_transactional_id_pattern(since(version, 2, maybe_name(&ours.transactional_id_pattern)))
        });
    }
}

fn producers(fill: Fill) -> Vec<Sample> {
    let full = move || {
        let state = ProducerState {
            producer_id: 1 << 40,
            producer_epoch: 7,
            last_sequence: 9,
            last_timestamp: 11,
            coordinator_epoch: 13,
            current_txn_start_offset: 15,
        };
        let partition = PartitionProducers {
            partition: 3,
            error: ErrorCode::NOT_LEADER_OR_FOLLOWER,
            error_message: fill.maybe("no"),
            producers: fill.list([state, ProducerState::default()]),
        };
        DescribeProducersResponse {
            throttle_time_ms: 2,
            topics: fill.list([(fill.text("orders"), fill.list([partition, PartitionProducers::default()]))]),
        }
    };
    let theirs = move |_| {
        let state = |state: &ProducerState| {
            their_producers::ProducerState::default()
                .with_producer_id(state.producer_id.into())
                .with_producer_epoch(state.producer_epoch)
                .with_last_sequence(state.last_sequence)
                .with_last_timestamp(state.last_timestamp)
                .with_coordinator_epoch(state.coordinator_epoch)
                .with_current_txn_start_offset(state.current_txn_start_offset)
        };
        let partition = |partition: &PartitionProducers| {
            their_producers::PartitionResponse::default()
                .with_partition_index(partition.partition)
                .with_error_code(partition.error.0)
                .with_error_message(maybe_name(&partition.error_message))
                .with_active_producers(each(&partition.producers, state))
        };
        let topic = |(topic, partitions): &(String, Vec<PartitionProducers>)| {
            their_producers::TopicResponse::default()
                .with_name(name(topic))
                .with_partitions(each(partitions, partition))
        };
        theirs::DescribeProducersResponse::default()
            .with_throttle_time_ms(2)
            .with_topics(each(&full().topics, topic))
    };
    Sample::per_version(ApiKey::DescribeProducers, theirs, move |_| Response::DescribeProducers(full()))
}

fn described(fill: Fill) -> Vec<Sample> {
    let full = move || DescribeTransactionsResponse {
        throttle_time_ms: 2,
        transactions: fill.list([
            DescribedTransaction {
                error: ErrorCode::NOT_COORDINATOR,
                transactional_id: fill.text("a"),
                state: fill.text("Ongoing"),
                timeout_ms: 60_000,
                start_time_ms: 1 << 41,
                producer_id: 1 << 40,
                producer_epoch: 7,
                topics: topics(fill),
            },
            DescribedTransaction::default(),
        ]),
    };
    let theirs = move |_| {
        let topic = |(topic, partitions): &(String, Vec<i32>)| {
            their_described::TopicData::default().with_topic(name(topic)).with_partitions(partitions.clone())
        };
        let transaction = |told: &DescribedTransaction| {
            their_described::TransactionState::default()
                .with_error_code(told.error.0)
                .with_transactional_id(name(&told.transactional_id))
                .with_transaction_state(name(&told.state))
                .with_transaction_timeout_ms(told.timeout_ms)
                .with_transaction_start_time_ms(told.start_time_ms)
                .with_producer_id(told.producer_id.into())
                .with_producer_epoch(told.producer_epoch)
                .with_topics(each(&told.topics, topic))
        };
        theirs::DescribeTransactionsResponse::default()
            .with_throttle_time_ms(2)
            .with_transaction_states(each(&full().transactions, transaction))
    };
    Sample::per_version(ApiKey::DescribeTransactions, theirs, move |_| Response::DescribeTransactions(full()))
}

fn listed(fill: Fill) -> Vec<Sample> {
    let full = move || ListTransactionsResponse {
        throttle_time_ms: 2,
        error: ErrorCode::COORDINATOR_LOAD_IN_PROGRESS,
        unknown_states: fill.list([fill.text("Odd")]),
        transactions: fill.list([
            ListedTransaction {
                transactional_id: fill.text("a"),
                producer_id: 1 << 40,
                state: fill.text("Ongoing"),
            },
            ListedTransaction::default(),
        ]),
    };
    let theirs = move |_| {
        let ours = full();
        let transaction = |told: &ListedTransaction| {
            their_listed::TransactionState::default()
                .with_transactional_id(name(&told.transactional_id))
                .with_producer_id(told.producer_id.into())
                .with_transaction_state(name(&told.state))
        };
        theirs::ListTransactionsResponse::default()
            .with_throttle_time_ms(ours.throttle_time_ms)
            .with_error_code(ours.error.0)
            .with_unknown_state_filters(each(&ours.unknown_states, |state| name(state)))
            .with_transaction_states(each(&ours.transactions, transaction))
    };
    Sample::per_version(ApiKey::ListTransactions, theirs, move |_| Response::ListTransactions(full()))
}

fn written(fill: Fill) -> Vec<Sample> {
    let full = move || {
        let partitions = fill.list([(3, ErrorCode(52)), (1, ErrorCode::NONE)]);
        let topics = fill.list([(fill.text("orders"), partitions), (long_name(), vec![])]);
        let markers = fill.list([WrittenMarker { producer_id: 1 << 40, topics }, WrittenMarker::default()]);
        WriteTxnMarkersResponse { markers }
    };
    let theirs = move |_| {
        let partition = |(partition, error): &(i32, ErrorCode)| {
            their_written::WritableTxnMarkerPartitionResult::default()
                .with_partition_index(*partition)
                .with_error_code(error.0)
        };
        let topic = |(topic, partitions): &(String, Vec<(i32, ErrorCode)>)| {
            their_written::WritableTxnMarkerTopicResult::default()
                .with_name(name(topic))
                .with_partitions(each(partitions, partition))
        };
        let marker = |marker: &WrittenMarker| {
            their_written::WritableTxnMarkerResult::default()
                .with_producer_id(marker.producer_id.into())
                .with_topics(each(&marker.topics, topic))
        };
        theirs::WriteTxnMarkersResponse::default().with_markers(each(&full().markers, marker))
    };
    Sample::per_version(ApiKey::WriteTxnMarkers, theirs, move |_| Response::WriteTxnMarkers(full()))
}
