//! Fetch.

use kafka_protocol::messages as theirs;
use kafka_protocol::messages::{fetch_request as their_request, fetch_response as their_response};

use super::super::fetch::*;
use super::*;

fn request(fill: Fill) -> FetchRequest {
    FetchRequest {
        max_wait_ms: 500,
        min_bytes: 1,
        max_bytes: 50 << 20,
        read_committed: true,
        session_id: 1234,
        session_epoch: 5,
        topics: fill.list([
            FetchTopic {
                name: fill.text("topic"),
                topic_id: ID,
                partitions: fill.list([
                    FetchPartition {
                        partition: 3,
                        current_leader_epoch: 9,
                        fetch_offset: 1 << 33,
                        last_fetched_epoch: 8,
                        max_bytes: 1 << 20,
                    },
                    FetchPartition { current_leader_epoch: -1, last_fetched_epoch: -1, ..Default::default() },
                ]),
            },
            FetchTopic { name: long_name(), topic_id: TopicId([9; 16]), partitions: vec![] },
        ]),
        forgotten: fill.list([ForgottenTopic {
            name: fill.text("gone"),
            topic_id: TopicId([7; 16]),
            partitions: fill.list([1, 2]),
        }]),
        rack_id: fill.text("rack-1"),
        by_name: false,
    }
}

/// The topic's name below v13, its id from there on.
fn topic_key<T: From<StrBytes>, U: TryFrom<Vec<u8>, Error: Debug>>(
    version: i16,
    topic: &str,
    id: TopicId,
) -> (T, U) {
    (name(since_or(version, 13, "", topic)), uuid(since(version, 13, id)))
}

#[test]
fn requests_agree() {
    for fill in Fill::ALL {
        let ours = request(fill);
        check_request(ours.clone(), |version| {
            let partition = |p: &FetchPartition| {
                their_request::FetchPartition::default()
                    .with_partition(p.partition)
                    .with_current_leader_epoch(since_or(version, 9, p.current_leader_epoch, -1))
                    .with_fetch_offset(p.fetch_offset)
                    .with_last_fetched_epoch(since_or(version, 12, p.last_fetched_epoch, -1))
                    .with_log_start_offset(-1)
                    .with_partition_max_bytes(p.max_bytes)
            };
            let topic = |t: &FetchTopic| {
                let (name, id) = topic_key(version, &t.name, t.topic_id);
                their_request::FetchTopic::default()
                    .with_topic(name)
                    .with_topic_id(id)
                    .with_partitions(each(&t.partitions, partition))
            };
            let forgotten = |t: &ForgottenTopic| {
                let (name, id) = topic_key(version, &t.name, t.topic_id);
                their_request::ForgottenTopic::default()
                    .with_topic(name)
                    .with_topic_id(id)
                    .with_partitions(t.partitions.clone())
            };
            theirs::FetchRequest::default()
                .with_replica_id((-1).into())
                .with_max_wait_ms(ours.max_wait_ms)
                .with_min_bytes(ours.min_bytes)
                .with_max_bytes(ours.max_bytes)
                .with_isolation_level(1)
                .with_session_id(since(version, 7, ours.session_id))
                .with_session_epoch(since_or(version, 7, ours.session_epoch, -1))
                .with_topics(each(&ours.topics, topic))
                .with_forgotten_topics_data(since(version, 7, each(&ours.forgotten, forgotten)))
                .with_rack_id(since(version, 11, name(&ours.rack_id)))
        });
    }
}

#[test]
fn a_topic_without_id_forces_names() {
    assert_eq!(request(Fill::Full).max_version(), 17);
    let mut by_name = request(Fill::Full);
    by_name.topics[1].topic_id = TopicId::ZERO;
    assert_eq!(by_name.max_version(), 12);
    let mut by_name = request(Fill::Full);
    by_name.forgotten[0].topic_id = TopicId::ZERO;
    assert_eq!(by_name.max_version(), 12);
    let by_name = FetchRequest { by_name: true, ..request(Fill::Full) };
    assert_eq!(by_name.max_version(), 12);
}

fn response(fill: Fill, version: i16) -> FetchResponse {
    FetchResponse {
        throttle_time_ms: 13,
        error: since(version, 7, ErrorCode::FETCH_SESSION_ID_NOT_FOUND),
        session_id: since(version, 7, 4321),
        topics: fill.list([
            FetchResponseTopic {
                name: since_or(version, 13, String::new(), fill.text("topic")),
                topic_id: since(version, 13, ID),
                partitions: fill.list([
                    FetchResponsePartition {
                        partition: 1,
                        error: ErrorCode::NOT_LEADER_OR_FOLLOWER,
                        high_watermark: 100,
                        last_stable_offset: 90,
                        log_start_offset: since_or(version, 5, 10, -1),
                        aborted: fill.list([
                            AbortedTransaction { producer_id: 7, first_offset: 20 },
                            AbortedTransaction { producer_id: 8, first_offset: 10 },
                        ]),
                        preferred_read_replica: since(version, 11, Some(2)),
                        current_leader: since(version, 12, Some((3, 44))),
                        diverging_epoch: since(version, 12, Some((43, 300))),
                        records: fill.bytes(&[0xab; 300]),
                    },
                    FetchResponsePartition {
                        log_start_offset: -1,
                        preferred_read_replica: None,
                        ..Default::default()
                    },
                ]),
            },
            FetchResponseTopic::default(),
        ]),
        node_endpoints: since(
            version,
            16,
            fill.list([NodeEndpoint {
                node_id: 3,
                host: fill.text("kafka-3.example"),
                port: 9093,
                rack: fill.maybe("rack-c"),
            }]),
        ),
    }
}

pub(super) fn samples(fill: Fill) -> Vec<Sample> {
    let theirs = move |version| {
        let ours = response(fill, version);
        let aborted = |a: &AbortedTransaction| {
            their_response::AbortedTransaction::default()
                .with_producer_id(a.producer_id.into())
                .with_first_offset(a.first_offset)
        };
        let partition = |p: &FetchResponsePartition| {
            // Null where ours is empty, in the sample of nulls.
            let nulls = matches!(fill, Fill::Null);
            let (leader, epoch) = p.current_leader.unwrap_or((-1, -1));
            let (diverging, end) = p.diverging_epoch.unwrap_or((-1, -1));
            let partition = their_response::PartitionData::default()
                .with_partition_index(p.partition)
                .with_error_code(p.error.0)
                .with_high_watermark(p.high_watermark)
                .with_last_stable_offset(p.last_stable_offset)
                .with_log_start_offset(p.log_start_offset)
                .with_aborted_transactions(
                    Some(each(&p.aborted, aborted)).filter(|a| !(nulls && a.is_empty())),
                )
                .with_preferred_read_replica(p.preferred_read_replica.unwrap_or(-1).into())
                .with_records(Some(p.records.clone()).filter(|r| !(nulls && r.is_empty())))
                .with_current_leader(
                    their_response::LeaderIdAndEpoch::default()
                        .with_leader_id(leader.into())
                        .with_leader_epoch(epoch),
                )
                .with_diverging_epoch(
                    their_response::EpochEndOffset::default().with_epoch(diverging).with_end_offset(end),
                );
            if version < 12 {
                return partition;
            }
            // Their neighbour, which we skip, and one that nobody knows.
            partition
                .with_snapshot_id(their_response::SnapshotId::default().with_end_offset(3).with_epoch(4))
                .with_unknown_tagged_field(99, Bytes::from_static(b"later"))
        };
        let topic = |t: &FetchResponseTopic| {
            let (name, id) = topic_key(version, &t.name, t.topic_id);
            their_response::FetchableTopicResponse::default()
                .with_topic(name)
                .with_topic_id(id)
                .with_partitions(each(&t.partitions, partition))
        };
        let endpoint = |e: &NodeEndpoint| {
            their_response::NodeEndpoint::default()
                .with_node_id(e.node_id.into())
                .with_host(name(&e.host))
                .with_port(e.port)
                .with_rack(maybe_name(&e.rack))
        };
        theirs::FetchResponse::default()
            .with_throttle_time_ms(ours.throttle_time_ms)
            .with_error_code(ours.error.0)
            .with_session_id(ours.session_id)
            .with_responses(each(&ours.topics, topic))
            .with_node_endpoints(each(&ours.node_endpoints, endpoint))
    };
    Sample::per_version(ApiKey::Fetch, theirs, move |version| Response::Fetch(response(fill, version)))
}

#[test]
fn responses_agree() {
    Fill::ALL.into_iter().flat_map(samples).for_each(|sample| sample.check());
}

#[test]
fn records_are_a_slice_of_the_frame() {
    for sample in samples(Fill::Full) {
        let Ok(Response::Fetch(response)) = sample.decode() else { panic!("a fetch response") };
        let frame = sample.body.as_ptr_range();
        let records = response.topics[0].partitions[0].records.as_ptr_range();
        assert!(frame.start < records.start && records.end < frame.end, "v{}", sample.version);
    }
}

/// Tags that say "no leader" and "no end" in so many words.
#[test]
fn a_current_leader_or_an_end_of_minus_one_is_none() {
    let theirs = |epoch| {
        let leader = their_response::LeaderIdAndEpoch::default().with_leader_epoch(epoch);
        let diverging = their_response::EpochEndOffset::default().with_epoch(epoch);
        let partition = their_response::PartitionData::default();
        let partition = partition.with_current_leader(leader).with_diverging_epoch(diverging);
        theirs::FetchResponse::default().with_responses(vec![
            their_response::FetchableTopicResponse::default().with_partitions(vec![partition]),
        ])
    };
    let mut body = BytesMut::new();
    theirs(7).encode(&mut body, 17).unwrap();
    let Ok(Response::Fetch(response)) = Response::decode(ApiKey::Fetch, 17, body.freeze()) else {
        panic!("a fetch response")
    };
    assert_eq!(response.topics[0].partitions[0].current_leader, None);
    assert_eq!(response.topics[0].partitions[0].diverging_epoch, None);
}
