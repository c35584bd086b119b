//! Produce and InitProducerId.

use kafka_protocol::messages as theirs;
use kafka_protocol::messages::{produce_request as their_request, produce_response as their_response};

use super::super::fetch::NodeEndpoint;
use super::super::init_producer_id::*;
use super::super::produce::*;
use super::*;

pub(super) fn samples(fill: Fill) -> Vec<Sample> {
    [produce(fill), init_producer_id(fill)].into_iter().flatten().collect()
}

#[test]
fn responses_agree() {
    Fill::ALL.into_iter().flat_map(samples).for_each(|sample| sample.check());
}

fn request(fill: Fill) -> ProduceRequest {
    let header = Bytes::from_static(&[0xab; 61]);
    ProduceRequest {
        transactional_id: fill.maybe("transaction"),
        transactions_v1: false,
        acks: -1,
        timeout_ms: 30_000,
        topics: fill.list([
            ProduceTopic {
                name: fill.text("topic"),
                topic_id: ID,
                partitions: fill.list([
                    ProducePartition { partition: 3, header: header.clone(), records: fill.bytes(&[7; 300]) },
                    ProducePartition { partition: 4, header, records: fill.bytes(b"x") },
                ]),
            },
            ProduceTopic { name: long_name(), topic_id: TopicId([9; 16]), partitions: vec![] },
        ]),
    }
}

#[test]
fn requests_agree() {
    for fill in Fill::ALL {
        let ours = request(fill);
        check_request(ours.clone(), |version| {
            let partition = |p: &ProducePartition| {
                their_request::PartitionProduceData::default()
                    .with_index(p.partition)
                    .with_records(Some([&p.header[..], &p.records].concat().into()))
            };
            let topic = |t: &ProduceTopic| {
                their_request::TopicProduceData::default()
                    .with_name(name(since_or(version, 13, "", &t.name)))
                    .with_topic_id(uuid(since(version, 13, t.topic_id)))
                    .with_partition_data(each(&t.partitions, partition))
            };
            theirs::ProduceRequest::default()
                .with_transactional_id(maybe_name(&ours.transactional_id))
                .with_acks(ours.acks)
                .with_timeout_ms(ours.timeout_ms)
                .with_topic_data(each(&ours.topics, topic))
        });
    }
}

#[test]
fn the_buffer_of_a_frame_is_made_for_its_records() {
    let topic = |records: usize| ProduceTopic {
        name: long_name(),
        topic_id: ID,
        partitions: vec![ProducePartition {
            partition: 0,
            header: Bytes::new(),
            records: vec![1; records].into(),
        }],
    };
    let request =
        Request::from(ProduceRequest { topics: vec![topic(70_000), topic(10)], ..Default::default() });
    for version in 3..=13 {
        let frame = encode_frame(&request, version, 1, "client");
        assert!(
            frame.capacity() < frame.len() + 1024,
            "v{version}: {} for {}",
            frame.capacity(),
            frame.len()
        );
    }
}

#[test]
fn what_a_request_says_limits_its_version() {
    assert_eq!(request(Fill::Full).max_version(), 13);
    let mut by_name = request(Fill::Full);
    by_name.topics[1].topic_id = TopicId::ZERO;
    assert_eq!(by_name.max_version(), 12);
    let first = ProduceRequest { transactions_v1: true, ..request(Fill::Full) };
    assert_eq!(first.max_version(), 11);
    let plain = ProduceRequest { transactional_id: None, ..first };
    assert_eq!(plain.max_version(), 13, "no transaction");
}

fn response(fill: Fill, version: i16) -> ProduceResponse {
    ProduceResponse {
        topics: fill.list([
            ProduceResponseTopic {
                name: since_or(version, 13, String::new(), fill.text("topic")),
                topic_id: since(version, 13, ID),
                partitions: fill.list([
                    ProduceResponsePartition {
                        partition: 1,
                        error: ErrorCode::NOT_LEADER_OR_FOLLOWER,
                        base_offset: 1 << 33,
                        log_append_time_ms: 1_700_000_000_000,
                        log_start_offset: since_or(version, 5, 12, -1),
                        record_errors: since(
                            version,
                            8,
                            fill.list([
                                ProduceRecordError { index: 3, message: fill.maybe("no key") },
                                ProduceRecordError::default(),
                            ]),
                        ),
                        error_message: since(version, 8, fill.maybe("refused")),
                        current_leader: since(version, 10, Some((3, 44))),
                    },
                    ProduceResponsePartition { log_start_offset: -1, ..Default::default() },
                ]),
            },
            ProduceResponseTopic::default(),
        ]),
        throttle_time_ms: 13,
        node_endpoints: since(
            version,
            10,
            fill.list([NodeEndpoint {
                node_id: 3,
                host: fill.text("kafka-3.example"),
                port: 9093,
                rack: fill.maybe("rack-c"),
            }]),
        ),
    }
}

fn produce(fill: Fill) -> Vec<Sample> {
    let theirs = move |version| {
        let ours = response(fill, version);
        let record_error = |e: &ProduceRecordError| {
            their_response::BatchIndexAndErrorMessage::default()
                .with_batch_index(e.index)
                .with_batch_index_error_message(maybe_name(&e.message))
        };
        let partition = |p: &ProduceResponsePartition| {
            let (leader, epoch) = p.current_leader.unwrap_or((-1, -1));
            let partition = their_response::PartitionProduceResponse::default()
                .with_index(p.partition)
                .with_error_code(p.error.0)
                .with_base_offset(p.base_offset)
                .with_log_append_time_ms(p.log_append_time_ms)
                .with_log_start_offset(p.log_start_offset)
                .with_record_errors(each(&p.record_errors, record_error))
                .with_error_message(maybe_name(&p.error_message))
                .with_current_leader(
                    their_response::LeaderIdAndEpoch::default()
                        .with_leader_id(leader.into())
                        .with_leader_epoch(epoch),
                );
            if version < 9 {
                return partition;
            }
            partition.with_unknown_tagged_field(99, Bytes::from_static(b"later"))
        };
        let topic = |t: &ProduceResponseTopic| {
            their_response::TopicProduceResponse::default()
                .with_name(name(&t.name))
                .with_topic_id(uuid(t.topic_id))
                .with_partition_responses(each(&t.partitions, partition))
        };
        let endpoint = |e: &NodeEndpoint| {
            their_response::NodeEndpoint::default()
                .with_node_id(e.node_id.into())
                .with_host(name(&e.host))
                .with_port(e.port)
                .with_rack(maybe_name(&e.rack))
        };
        theirs::ProduceResponse::default()
            .with_responses(each(&ours.topics, topic))
            .with_throttle_time_ms(ours.throttle_time_ms)
            .with_node_endpoints(each(&ours.node_endpoints, endpoint))
    };
    Sample::per_version(ApiKey::Produce, theirs, move |version| Response::Produce(response(fill, version)))
}

#[test]
fn init_producer_id_requests_agree() {
    for fill in Fill::ALL {
        let ours = InitProducerIdRequest {
            transactional_id: fill.maybe("transaction"),
            transaction_timeout_ms: 60_000,
            producer_id: 1 << 40,
            producer_epoch: 7,
        };
        check_request(ours.clone(), |version| {
            theirs::InitProducerIdRequest::default()
                .with_transactional_id(maybe_name(&ours.transactional_id))
                .with_transaction_timeout_ms(ours.transaction_timeout_ms)
                .with_producer_id(since_or(version, 3, ours.producer_id, -1).into())
                .with_producer_epoch(since_or(version, 3, ours.producer_epoch, -1))
        });
    }
}

fn init_producer_id(_: Fill) -> Vec<Sample> {
    let ours = InitProducerIdResponse {
        throttle_time_ms: 4,
        error: ErrorCode::CLUSTER_AUTHORIZATION_FAILED,
        producer_id: 1 << 40,
        producer_epoch: i16::MAX,
    };
    let theirs = |_| {
        theirs::InitProducerIdResponse::default()
            .with_throttle_time_ms(4)
            .with_error_code(31)
            .with_producer_id((1 << 40).into())
            .with_producer_epoch(i16::MAX)
    };
    Sample::per_version(ApiKey::InitProducerId, theirs, move |_| Response::InitProducerId(ours.clone()))
}
