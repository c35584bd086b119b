//! OffsetCommit, OffsetFetch, ListOffsets, OffsetForLeaderEpoch.

use kafka_protocol::messages as theirs;
use kafka_protocol::messages::{
    list_offsets_request as their_list_request, list_offsets_response as their_list,
    offset_commit_request as their_commit_request, offset_commit_response as their_commit,
    offset_fetch_request as their_fetch_request, offset_fetch_response as their_fetch,
    offset_for_leader_epoch_request as their_epoch_request, offset_for_leader_epoch_response as their_epoch,
};

use super::list_offsets::*;
use super::offset_commit::*;
use super::offset_fetch::*;
use super::offset_for_leader_epoch::*;
use super::*;

pub(super) fn samples(fill: Fill) -> Vec<Sample> {
    [offset_commit(fill), offset_fetch(fill), list_offsets(fill), offset_for_leader_epoch(fill)]
        .into_iter()
        .flatten()
        .collect()
}

#[test]
fn responses_agree() {
    Fill::ALL.into_iter().flat_map(samples).for_each(|sample| sample.check());
}

#[test]
fn offset_commit_requests_agree() {
    for fill in Fill::ALL {
        let ours = OffsetCommitRequest {
            group_id: fill.text("group"),
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
        };
        check_request(ours.clone(), |version| {
            let partition = |p: &OffsetCommitPartition| {
                their_commit_request::OffsetCommitRequestPartition::default()
                    .with_partition_index(p.partition)
                    .with_committed_offset(p.offset)
                    .with_committed_leader_epoch(since_or(version, 6, p.leader_epoch, -1))
                    .with_committed_metadata(maybe_name(&p.metadata))
            };
            let topic = |t: &OffsetCommitTopic| {
                their_commit_request::OffsetCommitRequestTopic::default()
                    .with_name(name(&t.name))
                    .with_partitions(each(&t.partitions, partition))
            };
            theirs::OffsetCommitRequest::default()
                .with_group_id(name(&ours.group_id))
                .with_generation_id_or_member_epoch(ours.generation_id)
                .with_member_id(name(&ours.member_id))
                .with_group_instance_id(since(version, 7, maybe_name(&ours.group_instance_id)))
                .with_retention_time_ms(-1)
                .with_topics(each(&ours.topics, topic))
        });
    }
}

fn offset_commit(fill: Fill) -> Vec<Sample> {
    let full = move |version| OffsetCommitResponse {
        throttle_time_ms: since(version, 3, 9),
        topics: fill.list([
            OffsetCommitResponseTopic {
                name: named(version, fill),
                topic_id: since(version, 10, ID),
                partitions: fill.list([
                    OffsetCommitResponsePartition { partition: 1, error: ErrorCode::NONE },
                    OffsetCommitResponsePartition { partition: 2, error: ErrorCode::UNKNOWN_MEMBER_ID },
                ]),
            },
            OffsetCommitResponseTopic::default(),
        ]),
    };
    let theirs = move |version| {
        let ours = full(version);
        let partition = |p: &OffsetCommitResponsePartition| {
            their_commit::OffsetCommitResponsePartition::default()
                .with_partition_index(p.partition)
                .with_error_code(p.error.0)
        };
        let topic = |t: &OffsetCommitResponseTopic| {
            their_commit::OffsetCommitResponseTopic::default()
                .with_name(name(&t.name))
                .with_topic_id(uuid(t.topic_id))
                .with_partitions(each(&t.partitions, partition))
        };
        theirs::OffsetCommitResponse::default()
            .with_throttle_time_ms(ours.throttle_time_ms)
            .with_topics(each(&ours.topics, topic))
    };
    Sample::per_version(ApiKey::OffsetCommit, theirs, move |version| Response::OffsetCommit(full(version)))
}

#[test]
fn offset_fetch_requests_agree() {
    for (fill, several) in Fill::ALL.into_iter().flat_map(|fill| [(fill, false), (fill, true)]) {
        let topics = fill.list([OffsetFetchTopic {
            name: fill.text("topic"),
            topic_id: ID,
            partitions: fill.list([0, 5]),
        }]);
        let others = vec![(fill.text("other"), None), (long_name(), Some(topics.clone()))];
        let ours = OffsetFetchRequest {
            group_id: fill.text("group"),
            member_id: fill.maybe("member-1"),
            member_epoch: 3,
            topics: if let Fill::Null = fill { None } else { Some(topics) },
            require_stable: true,
            others: if several { others } else { Vec::new() },
        };
        check_request(ours.clone(), |version| {
            let theirs = theirs::OffsetFetchRequest::default().with_require_stable(version >= 7);
            if version >= 8 {
                let topic = |t: &OffsetFetchTopic| {
                    their_fetch_request::OffsetFetchRequestTopics::default()
                        .with_name(name(&t.name))
                        .with_partition_indexes(t.partitions.clone())
                };
                let first = (ours.group_id.clone(), ours.topics.clone());
                let groups: Vec<_> = std::iter::once(first).chain(ours.others.clone()).collect();
                theirs.with_groups(each(&groups, |(group_id, topics)| {
                    their_fetch_request::OffsetFetchRequestGroup::default()
                        .with_group_id(name(group_id))
                        .with_member_id(since(version, 9, maybe_name(&ours.member_id)))
                        .with_member_epoch(since_or(version, 9, ours.member_epoch, -1))
                        .with_topics(topics.as_ref().map(|topics| each(topics, topic)))
                }))
            } else {
                let topic = |t: &OffsetFetchTopic| {
                    their_fetch_request::OffsetFetchRequestTopic::default()
                        .with_name(name(&t.name))
                        .with_partition_indexes(t.partitions.clone())
                };
                // v1 has no null.
                let topics = ours.topics.clone().or((version < 2).then(Vec::new));
                theirs
                    .with_group_id(name(&ours.group_id))
                    .with_topics(topics.map(|topics| each(&topics, topic)))
            }
        });
    }
}

fn offset_fetch(fill: Fill) -> Vec<Sample> {
    let full = move |version| OffsetFetchResponse {
        throttle_time_ms: since(version, 3, 10),
        group_id: since(version, 8, "group".to_owned()),
        error: since(version, 2, ErrorCode::UNSTABLE_OFFSET_COMMIT),
        others: since(
            version,
            8,
            fill.list([OffsetFetchResponseGroup {
                group_id: "other".to_owned(),
                error: ErrorCode::NOT_COORDINATOR,
                topics: Vec::new(),
            }]),
        ),
        topics: fill.list([
            OffsetFetchResponseTopic {
                name: named(version, fill),
                topic_id: since(version, 10, ID),
                partitions: fill.list([
                    OffsetFetchResponsePartition {
                        partition: 6,
                        offset: -1,
                        leader_epoch: since_or(version, 5, 2, -1),
                        metadata: fill.maybe("note"),
                        error: ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
                    },
                    OffsetFetchResponsePartition { leader_epoch: -1, ..Default::default() },
                ]),
            },
            OffsetFetchResponseTopic::default(),
        ]),
    };
    let theirs = move |version| {
        let ours = full(version);
        let theirs = theirs::OffsetFetchResponse::default().with_throttle_time_ms(ours.throttle_time_ms);
        if version >= 8 {
            let partition = |p: &OffsetFetchResponsePartition| {
                their_fetch::OffsetFetchResponsePartitions::default()
                    .with_partition_index(p.partition)
                    .with_committed_offset(p.offset)
                    .with_committed_leader_epoch(p.leader_epoch)
                    .with_metadata(maybe_name(&p.metadata))
                    .with_error_code(p.error.0)
            };
            let topic = |t: &OffsetFetchResponseTopic| {
                their_fetch::OffsetFetchResponseTopics::default()
                    .with_name(name(&t.name))
                    .with_topic_id(uuid(t.topic_id))
                    .with_partitions(each(&t.partitions, partition))
            };
            let group = their_fetch::OffsetFetchResponseGroup::default()
                .with_group_id(name("group"))
                .with_topics(each(&ours.topics, topic))
                .with_error_code(ours.error.0);
            let other = |other: &OffsetFetchResponseGroup| {
                their_fetch::OffsetFetchResponseGroup::default()
                    .with_group_id(name(&other.group_id))
                    .with_topics(each(&other.topics, topic))
                    .with_error_code(other.error.0)
            };
            theirs.with_groups(std::iter::once(group).chain(each(&ours.others, other)).collect())
        } else {
            let partition = |p: &OffsetFetchResponsePartition| {
                their_fetch::OffsetFetchResponsePartition::default()
                    .with_partition_index(p.partition)
                    .with_committed_offset(p.offset)
                    .with_committed_leader_epoch(p.leader_epoch)
                    .with_metadata(maybe_name(&p.metadata))
                    .with_error_code(p.error.0)
            };
            let topic = |t: &OffsetFetchResponseTopic| {
                their_fetch::OffsetFetchResponseTopic::default()
                    .with_name(name(&t.name))
                    .with_partitions(each(&t.partitions, partition))
            };
            theirs.with_topics(each(&ours.topics, topic)).with_error_code(ours.error.0)
        }
    };
    Sample::per_version(ApiKey::OffsetFetch, theirs, move |version| Response::OffsetFetch(full(version)))
}

/// From v10 on responses have no names.
fn named(version: i16, fill: Fill) -> String {
    if version < 10 { fill.text("topic") } else { String::new() }
}

/// kafka-protocol ends at v9 of these requests: written by kafka-clients 4.3.1.
#[test]
fn requests_by_topic_id_are_spelled_as_by_kafkas_own_client() {
    let commit = OffsetCommitRequest {
        group_id: "group".into(),
        generation_id: 12,
        member_id: "member-1".into(),
        group_instance_id: Some("instance-1".into()),
        topics: vec![OffsetCommitTopic {
            name: "topic".into(),
            topic_id: ID,
            partitions: vec![
                OffsetCommitPartition {
                    partition: 3,
                    offset: i64::MAX,
                    leader_epoch: 4,
                    metadata: Some("note".into()),
                },
                OffsetCommitPartition { leader_epoch: -1, ..Default::default() },
            ],
        }],
    };
    assert_eq!(
        body(commit, 10),
        "0667726f75700000000c096d656d6265722d310b696e7374616e63652d3102\
         0102030405060708090a0b0c0d0e0f1003000000037fffffffffffffff00000004056e6f746500\
         000000000000000000000000ffffffff00000000"
    );
    let fetch = OffsetFetchRequest {
        group_id: "group".into(),
        member_id: None,
        member_epoch: -1,
        topics: Some(vec![OffsetFetchTopic { name: "topic".into(), topic_id: ID, partitions: vec![0, 5] }]),
        require_stable: true,
        others: Vec::new(),
    };
    assert_eq!(
        body(fetch, 10),
        "020667726f757000ffffffff020102030405060708090a0b0c0d0e0f1003000000000000000500000100"
    );
}

fn body(request: impl Into<Request>, version: i16) -> String {
    let mut out = Writer::new();
    request.into().encode(version, &mut out);
    out.into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn ids_are_spoken_only_when_every_topic_has_one() {
    let commit = |ids: &[TopicId]| {
        let topics = each(ids, |id| OffsetCommitTopic { topic_id: *id, ..Default::default() });
        Request::from(OffsetCommitRequest { topics, ..Default::default() }).max_version()
    };
    assert_eq!((commit(&[ID, ID]), commit(&[ID, TopicId::ZERO])), (10, 9));
    let fetch = |ids: Option<&[TopicId]>| {
        let topics = ids.map(|ids| each(ids, |id| OffsetFetchTopic { topic_id: *id, ..Default::default() }));
        Request::from(OffsetFetchRequest { topics, ..Default::default() }).max_version()
    };
    assert_eq!((fetch(Some(&[ID, ID])), fetch(Some(&[TopicId::ZERO, ID]))), (10, 9));
    assert_eq!(fetch(None), 9, "the answer would name topics by ids that we never heard of");
}

#[test]
fn an_offset_fetch_without_our_group_is_an_error() {
    let body = Bytes::from_static(&[0, 0, 0, 0, 1, 0]);
    let error = Response::decode(ApiKey::OffsetFetch, 8, body).unwrap_err();
    assert_eq!(error, DecodeError::Invalid { what: "group count", value: 0 });
}

fn list_offsets_request(fill: Fill) -> ListOffsetsRequest {
    ListOffsetsRequest {
        read_committed: true,
        topics: fill.list([ListOffsetsTopic {
            name: fill.text("topic"),
            partitions: fill.list([
                ListOffsetsPartition { partition: 0, current_leader_epoch: 7, timestamp: LATEST },
                ListOffsetsPartition { partition: 1, current_leader_epoch: -1, timestamp: EARLIEST },
            ]),
        }]),
        timeout_ms: 1234,
    }
}

#[test]
fn list_offsets_requests_agree() {
    for fill in Fill::ALL {
        let ours = list_offsets_request(fill);
        check_request(ours.clone(), |version| {
            let partition = |p: &ListOffsetsPartition| {
                their_list_request::ListOffsetsPartition::default()
                    .with_partition_index(p.partition)
                    .with_current_leader_epoch(since_or(version, 4, p.current_leader_epoch, -1))
                    .with_timestamp(p.timestamp)
            };
            let topic = |t: &ListOffsetsTopic| {
                their_list_request::ListOffsetsTopic::default()
                    .with_name(name(&t.name))
                    .with_partitions(each(&t.partitions, partition))
            };
            theirs::ListOffsetsRequest::default()
                .with_replica_id((-1).into())
                .with_isolation_level(since(version, 2, 1))
                .with_topics(each(&ours.topics, topic))
                .with_timeout_ms(since(version, 10, ours.timeout_ms))
        });
    }
}

/// kafka-protocol ends at v10. v11 only allows one more timestamp; the bytes are those of v10.
#[test]
fn list_offsets_v11_is_spelled_like_v10() {
    let body = |version| {
        let request = Request::from(list_offsets_request(Fill::Full));
        let mut out = Writer::new();
        request.encode(version, &mut out);
        out.into_bytes()
    };
    assert_eq!(body(11), body(10));
    let v10 = list_offsets(Fill::Full).into_iter().find(|s| s.version == 10).unwrap();
    assert_eq!(Response::decode(ApiKey::ListOffsets, 11, v10.body), Ok(v10.expected));
}

fn list_offsets(fill: Fill) -> Vec<Sample> {
    let full = move |version| ListOffsetsResponse {
        throttle_time_ms: since(version, 2, 3),
        topics: fill.list([
            ListOffsetsResponseTopic {
                name: fill.text("topic"),
                partitions: fill.list([ListOffsetsResponsePartition {
                    partition: 4,
                    error: ErrorCode::FENCED_LEADER_EPOCH,
                    timestamp: 1_700_000_000_000,
                    offset: 99,
                    leader_epoch: since_or(version, 4, 8, -1),
                }]),
            },
            ListOffsetsResponseTopic::default(),
        ]),
    };
    let theirs = move |version| {
        let ours = full(version);
        let partition = |p: &ListOffsetsResponsePartition| {
            their_list::ListOffsetsPartitionResponse::default()
                .with_partition_index(p.partition)
                .with_error_code(p.error.0)
                .with_timestamp(p.timestamp)
                .with_offset(p.offset)
                .with_leader_epoch(p.leader_epoch)
        };
        let topic = |t: &ListOffsetsResponseTopic| {
            their_list::ListOffsetsTopicResponse::default()
                .with_name(name(&t.name))
                .with_partitions(each(&t.partitions, partition))
        };
        theirs::ListOffsetsResponse::default()
            .with_throttle_time_ms(ours.throttle_time_ms)
            .with_topics(each(&ours.topics, topic))
    };
    Sample::per_version(ApiKey::ListOffsets, theirs, move |version| Response::ListOffsets(full(version)))
}

#[test]
fn offset_for_leader_epoch_requests_agree() {
    for fill in Fill::ALL {
        let ours = OffsetForLeaderEpochRequest {
            topics: fill.list([EpochTopic {
                name: fill.text("topic"),
                partitions: fill.list([EpochPartition {
                    partition: 1,
                    current_leader_epoch: 3,
                    leader_epoch: 2,
                }]),
            }]),
        };
        check_request(ours.clone(), |version| {
            let partition = |p: &EpochPartition| {
                their_epoch_request::OffsetForLeaderPartition::default()
                    .with_partition(p.partition)
                    .with_current_leader_epoch(p.current_leader_epoch)
                    .with_leader_epoch(p.leader_epoch)
            };
            let topic = |t: &EpochTopic| {
                their_epoch_request::OffsetForLeaderTopic::default()
                    .with_topic(name(&t.name))
                    .with_partitions(each(&t.partitions, partition))
            };
            // Below v3 the field is absent, which they read as -2.
            theirs::OffsetForLeaderEpochRequest::default()
                .with_replica_id(since_or(version, 3, -1, -2).into())
                .with_topics(each(&ours.topics, topic))
        });
    }
}

fn offset_for_leader_epoch(fill: Fill) -> Vec<Sample> {
    let full = move || OffsetForLeaderEpochResponse {
        throttle_time_ms: 1,
        topics: fill.list([
            EpochEndTopic {
                name: fill.text("topic"),
                partitions: fill.list([EpochEnd {
                    error: ErrorCode::UNKNOWN_LEADER_EPOCH,
                    partition: 2,
                    leader_epoch: 5,
                    end_offset: 1 << 40,
                }]),
            },
            EpochEndTopic::default(),
        ]),
    };
    let theirs = move |_| {
        let ours = full();
        let partition = |p: &EpochEnd| {
            their_epoch::EpochEndOffset::default()
                .with_error_code(p.error.0)
                .with_partition(p.partition)
                .with_leader_epoch(p.leader_epoch)
                .with_end_offset(p.end_offset)
        };
        let topic = |t: &EpochEndTopic| {
            their_epoch::OffsetForLeaderTopicResult::default()
                .with_topic(name(&t.name))
                .with_partitions(each(&t.partitions, partition))
        };
        theirs::OffsetForLeaderEpochResponse::default()
            .with_throttle_time_ms(ours.throttle_time_ms)
            .with_topics(each(&ours.topics, topic))
    };
    Sample::per_version(ApiKey::OffsetForLeaderEpoch, theirs, move |_| Response::OffsetForLeaderEpoch(full()))
}
