//! What is asked about partitions: DeleteRecords, DescribeLogDirs, ElectLeaders, reassignments; and DescribeCluster.

use kafka_protocol::messages as theirs;
use kafka_protocol::messages::{
    alter_partition_reassignments_request as their_move,
    alter_partition_reassignments_response as their_moved, delete_records_request as their_delete,
    delete_records_response as their_deleted, describe_cluster_response as their_cluster,
    describe_log_dirs_request as their_describe, describe_log_dirs_response as their_dirs,
    elect_leaders_request as their_elect, elect_leaders_response as their_elected,
    list_partition_reassignments_request as their_list,
    list_partition_reassignments_response as their_listed,
};

use super::alter_partition_reassignments::*;
use super::delete_records::*;
use super::describe_cluster::*;
use super::describe_log_dirs::*;
use super::elect_leaders::*;
use super::list_partition_reassignments::*;
use super::*;

pub(super) fn samples(fill: Fill) -> Vec<Sample> {
    let mut samples = deleted(fill);
    samples.extend(log_dirs(fill));
    samples.extend(elected(fill));
    samples.extend(moved(fill));
    samples.extend(listed(fill));
    samples.extend(cluster(fill));
    samples
}

#[test]
fn responses_agree() {
    Fill::ALL.into_iter().flat_map(samples).for_each(|sample| sample.check());
}

fn some_topics(fill: Fill) -> Option<Vec<(String, Vec<i32>)>> {
    let topics = fill.list([(fill.text("orders"), fill.list([0, 3])), (long_name(), fill.list([1]))]);
    if let Fill::Null = fill { None } else { Some(topics) }
}

#[test]
fn delete_requests_agree() {
    for fill in Fill::ALL {
        let topic =
            DeleteRecordsTopic { name: fill.text("orders"), partitions: fill.list([(0, 17), (1, -1)]) };
        let ours = DeleteRecordsRequest { topics: fill.list([topic]), timeout_ms: 5000 };
        check_request(ours.clone(), |_| {
            let partition = |(partition, offset): &(i32, i64)| {
                their_delete::DeleteRecordsPartition::default()
                    .with_partition_index(*partition)
                    .with_offset(*offset)
            };
            let topic = |topic: &DeleteRecordsTopic| {
                their_delete::DeleteRecordsTopic::default()
                    .with_name(name(&topic.name))
                    .with_partitions(each(&topic.partitions, partition))
            };
            theirs::DeleteRecordsRequest::default()
                .with_topics(each(&ours.topics, topic))
                .with_timeout_ms(ours.timeout_ms)
        });
    }
}

fn deleted(fill: Fill) -> Vec<Sample> {
    let full = move || DeleteRecordsResponse {
        throttle_time_ms: 3,
        topics: fill.list([DeleteRecordsTopicResult {
            name: fill.text("orders"),
            partitions: fill.list([DeleteRecordsResult {
                partition: 2,
                low_watermark: 17,
                error: ErrorCode::OFFSET_OUT_OF_RANGE,
            }]),
        }]),
    };
    let theirs = move |_| {
        let partition = |partition: &DeleteRecordsResult| {
            their_deleted::DeleteRecordsPartitionResult::default()
                .with_partition_index(partition.partition)
                .with_low_watermark(partition.low_watermark)
                .with_error_code(partition.error.0)
        };
        let topic = |topic: &DeleteRecordsTopicResult| {
            their_deleted::DeleteRecordsTopicResult::default()
                .with_name(name(&topic.name))
                .with_partitions(each(&topic.partitions, partition))
        };
        theirs::DeleteRecordsResponse::default()
            .with_throttle_time_ms(3)
            .with_topics(each(&full().topics, topic))
    };
    Sample::per_version(ApiKey::DeleteRecords, theirs, move |_| Response::DeleteRecords(full()))
}

#[test]
fn log_dir_requests_agree() {
    for fill in Fill::ALL {
        let ours = DescribeLogDirsRequest { topics: some_topics(fill) };
        check_request(ours.clone(), |_| {
            let topic = |(topic, partitions): &(String, Vec<i32>)| {
                their_describe::DescribableLogDirTopic::default()
                    .with_topic(name(topic))
                    .with_partitions(partitions.clone())
            };
            theirs::DescribeLogDirsRequest::default()
                .with_topics(ours.topics.as_ref().map(|topics| each(topics, topic)))
        });
    }
}

fn log_dirs(fill: Fill) -> Vec<Sample> {
    let full = move |version| DescribeLogDirsResponse {
        throttle_time_ms: 3,
        error: since(version, 3, ErrorCode::CLUSTER_AUTHORIZATION_FAILED),
        log_dirs: fill.list([LogDir {
            error: ErrorCode::KAFKA_STORAGE_ERROR,
            path: fill.text("/var/kafka"),
            topics: fill.list([(
                fill.text("orders"),
                fill.list([LogDirPartition { partition: 1, size: 1 << 40, offset_lag: 7, is_future: true }]),
            )]),
            total_bytes: since_or(version, 4, 1 << 50, -1),
            usable_bytes: since_or(version, 4, 1 << 49, -1),
            is_cordoned: None,
        }]),
    };
    let theirs = move |version| {
        let ours = full(version);
        let partition = |partition: &LogDirPartition| {
            their_dirs::DescribeLogDirsPartition::default()
                .with_partition_index(partition.partition)
                .with_partition_size(partition.size)
                .with_offset_lag(partition.offset_lag)
                .with_is_future_key(partition.is_future)
        };
        let topic = |(topic, partitions): &(String, Vec<LogDirPartition>)| {
            their_dirs::DescribeLogDirsTopic::default()
                .with_name(name(topic))
                .with_partitions(each(partitions, partition))
        };
        let dir = |dir: &LogDir| {
            their_dirs::DescribeLogDirsResult::default()
                .with_error_code(dir.error.0)
                .with_log_dir(name(&dir.path))
                .with_topics(each(&dir.topics, topic))
                .with_total_bytes(dir.total_bytes)
                .with_usable_bytes(dir.usable_bytes)
        };
        theirs::DescribeLogDirsResponse::default()
            .with_throttle_time_ms(3)
            .with_error_code(ours.error.0)
            .with_results(each(&ours.log_dirs, dir))
    };
    Sample::per_version(ApiKey::DescribeLogDirs, theirs, move |version| {
        Response::DescribeLogDirs(full(version))
    })
}

#[test]
fn election_requests_agree() {
    for fill in Fill::ALL {
        for unclean in [false, true] {
            let ours = ElectLeadersRequest { unclean, topics: some_topics(fill), timeout_ms: 9 };
            check_request(ours.clone(), |_| {
                let topic = |(topic, partitions): &(String, Vec<i32>)| {
                    their_elect::TopicPartitions::default()
                        .with_topic(name(topic))
                        .with_partitions(partitions.clone())
                };
                theirs::ElectLeadersRequest::default()
                    .with_election_type(i8::from(unclean))
                    .with_topic_partitions(ours.topics.as_ref().map(|topics| each(topics, topic)))
                    .with_timeout_ms(9)
            });
        }
    }
}

fn elected(fill: Fill) -> Vec<Sample> {
    let full = move |version| ElectLeadersResponse {
        throttle_time_ms: 3,
        error: since(version, 1, ErrorCode::CLUSTER_AUTHORIZATION_FAILED),
        topics: fill.list([(
            fill.text("orders"),
            fill.list([PartitionOutcome {
                partition: 1,
                error: ErrorCode(84),
                error_message: fill.maybe("it leads"),
            }]),
        )]),
    };
    let theirs = move |version| {
        let ours = full(version);
        let partition = |partition: &PartitionOutcome| {
            their_elected::PartitionResult::default()
                .with_partition_id(partition.partition)
                .with_error_code(partition.error.0)
                .with_error_message(maybe_name(&partition.error_message))
        };
        let topic = |(topic, partitions): &(String, Vec<PartitionOutcome>)| {
            their_elected::ReplicaElectionResult::default()
                .with_topic(name(topic))
                .with_partition_result(each(partitions, partition))
        };
        theirs::ElectLeadersResponse::default()
            .with_throttle_time_ms(3)
            .with_error_code(ours.error.0)
            .with_replica_election_results(each(&ours.topics, topic))
    };
    Sample::per_version(ApiKey::ElectLeaders, theirs, move |version| Response::ElectLeaders(full(version)))
}

#[test]
fn reassignment_requests_agree() {
    for fill in Fill::ALL {
        let replicas = fill.list([1, 2]);
        let ours = AlterPartitionReassignmentsRequest {
            timeout_ms: 5000,
            topics: fill.list([ReassignedTopic {
                name: fill.text("orders"),
                partitions: fill.list([(0, if let Fill::Null = fill { None } else { Some(replicas) })]),
            }]),
        };
        check_request(ours.clone(), |_| {
            let partition = |(partition, replicas): &(i32, Option<Vec<i32>>)| {
                their_move::ReassignablePartition::default()
                    .with_partition_index(*partition)
                    .with_replicas(replicas.as_ref().map(|ids| each(ids, |id| (*id).into())))
            };
            let topic = |topic: &ReassignedTopic| {
                their_move::ReassignableTopic::default()
                    .with_name(name(&topic.name))
                    .with_partitions(each(&topic.partitions, partition))
            };
            theirs::AlterPartitionReassignmentsRequest::default()
                .with_timeout_ms(5000)
                .with_allow_replication_factor_change(true)
                .with_topics(each(&ours.topics, topic))
        });
    }
}

fn moved(fill: Fill) -> Vec<Sample> {
    let full = move || AlterPartitionReassignmentsResponse {
        throttle_time_ms: 3,
        error: ErrorCode::CLUSTER_AUTHORIZATION_FAILED,
        error_message: fill.maybe("no"),
        topics: fill.list([(
            fill.text("orders"),
            fill.list([PartitionOutcome {
                partition: 1,
                error: ErrorCode(39),
                error_message: fill.maybe("no broker 9"),
            }]),
        )]),
    };
    let theirs = move |version| {
        let ours = full();
        let partition = |partition: &PartitionOutcome| {
            their_moved::ReassignablePartitionResponse::default()
                .with_partition_index(partition.partition)
                .with_error_code(partition.error.0)
                .with_error_message(maybe_name(&partition.error_message))
        };
        let topic = |(topic, partitions): &(String, Vec<PartitionOutcome>)| {
            their_moved::ReassignableTopicResponse::default()
                .with_name(name(topic))
                .with_partitions(each(partitions, partition))
        };
        theirs::AlterPartitionReassignmentsResponse::default()
            .with_throttle_time_ms(3)
            .with_allow_replication_factor_change(since_or(version, 1, false, true))
            .with_error_code(ours.error.0)
            .with_error_message(maybe_name(&ours.error_message))
            .with_responses(each(&ours.topics, topic))
    };
    Sample::per_version(ApiKey::AlterPartitionReassignments, theirs, move |_| {
        Response::AlterPartitionReassignments(full())
    })
}

#[test]
fn list_requests_agree() {
    for fill in Fill::ALL {
        let ours = ListPartitionReassignmentsRequest { timeout_ms: 5000, topics: some_topics(fill) };
        check_request(ours.clone(), |_| {
            let topic = |(topic, partitions): &(String, Vec<i32>)| {
                their_list::ListPartitionReassignmentsTopics::default()
                    .with_name(name(topic))
                    .with_partition_indexes(partitions.clone())
            };
            theirs::ListPartitionReassignmentsRequest::default()
                .with_timeout_ms(5000)
                .with_topics(ours.topics.as_ref().map(|topics| each(topics, topic)))
        });
    }
}

fn listed(fill: Fill) -> Vec<Sample> {
    let full = move || ListPartitionReassignmentsResponse {
        throttle_time_ms: 3,
        error: ErrorCode::CLUSTER_AUTHORIZATION_FAILED,
        error_message: fill.maybe("no"),
        topics: fill.list([(
            fill.text("orders"),
            fill.list([OngoingReassignment {
                partition: 1,
                replicas: fill.list([1, 2, 3]),
                adding_replicas: fill.list([3]),
                removing_replicas: fill.list([1]),
            }]),
        )]),
    };
    let theirs = move |_| {
        let ours = full();
        let ids = |ids: &Vec<i32>| each(ids, |id| (*id).into());
        let partition = |partition: &OngoingReassignment| {
            their_listed::OngoingPartitionReassignment::default()
                .with_partition_index(partition.partition)
                .with_replicas(ids(&partition.replicas))
                .with_adding_replicas(ids(&partition.adding_replicas))
                .with_removing_replicas(ids(&partition.removing_replicas))
        };
        let topic = |(topic, partitions): &(String, Vec<OngoingReassignment>)| {
            their_listed::OngoingTopicReassignment::default()
                .with_name(name(topic))
                .with_partitions(each(partitions, partition))
        };
        theirs::ListPartitionReassignmentsResponse::default()
            .with_throttle_time_ms(3)
            .with_error_code(ours.error.0)
            .with_error_message(maybe_name(&ours.error_message))
            .with_topics(each(&ours.topics, topic))
    };
    Sample::per_version(ApiKey::ListPartitionReassignments, theirs, move |_| {
        Response::ListPartitionReassignments(full())
    })
}

#[test]
fn cluster_requests_agree() {
    let ours = DescribeClusterRequest { include_fenced_brokers: true };
    check_request(ours, |version| {
        theirs::DescribeClusterRequest::default()
            .with_endpoint_type(1)
            .with_include_fenced_brokers(since(version, 2, true))
    });
}

fn cluster(fill: Fill) -> Vec<Sample> {
    let full = move |version| DescribeClusterResponse {
        throttle_time_ms: 3,
        error: ErrorCode::CLUSTER_AUTHORIZATION_FAILED,
        error_message: fill.maybe("no"),
        cluster_id: fill.text("cluster"),
        controller_id: -1,
        brokers: fill.list([DescribedBroker {
            node_id: 1,
            host: fill.text("b1"),
            port: 9092,
            rack: fill.maybe("r1"),
            is_fenced: since(version, 2, true),
        }]),
    };
    let theirs = move |version| {
        let ours = full(version);
        let broker = |broker: &DescribedBroker| {
            their_cluster::DescribeClusterBroker::default()
                .with_broker_id(broker.node_id.into())
                .with_host(name(&broker.host))
                .with_port(broker.port)
                .with_rack(maybe_name(&broker.rack))
                .with_is_fenced(broker.is_fenced)
        };
        theirs::DescribeClusterResponse::default()
            .with_throttle_time_ms(3)
            .with_error_code(ours.error.0)
            .with_error_message(maybe_name(&ours.error_message))
            .with_endpoint_type(since_or(version, 1, 2, 1))
            .with_cluster_id(name(&ours.cluster_id))
            .with_controller_id(ours.controller_id.into())
            .with_brokers(each(&ours.brokers, broker))
    };
    Sample::per_version(ApiKey::DescribeCluster, theirs, move |version| {
        Response::DescribeCluster(full(version))
    })
}
