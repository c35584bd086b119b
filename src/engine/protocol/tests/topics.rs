//! CreateTopics, DeleteTopics, CreatePartitions.

use kafka_protocol::messages as theirs;
use kafka_protocol::messages::{
    create_partitions_request as their_more, create_partitions_response as their_grown,
    create_topics_request as their_create, create_topics_response as their_created,
    delete_topics_request as their_delete, delete_topics_response as their_deleted,
};

use super::create_partitions::*;
use super::create_topics::*;
use super::delete_topics::*;
use super::*;

pub(super) fn samples(fill: Fill) -> Vec<Sample> {
    let mut samples = created(fill);
    samples.extend(deleted(fill));
    samples.extend(grown(fill));
    samples
}

#[test]
fn responses_agree() {
    Fill::ALL.into_iter().flat_map(samples).for_each(|sample| sample.check());
}

#[test]
fn create_requests_agree() {
    for fill in Fill::ALL {
        let ours = CreateTopicsRequest {
            topics: fill.list([CreatableTopic {
                name: fill.text(&long_name()),
                num_partitions: -1,
                replication_factor: 3,
                assignments: fill.list([(0, fill.list([1, 2])), (1, fill.list([2]))]),
                configs: fill.list([(fill.text("cleanup.policy"), fill.maybe("compact"))]),
            }]),
            timeout_ms: 5000,
            validate_only: true,
        };
        check_request(ours.clone(), |_| {
            let topic = |topic: &CreatableTopic| {
                let replicas = |(partition, brokers): &(i32, Vec<i32>)| {
                    their_create::CreatableReplicaAssignment::default()
                        .with_partition_index(*partition)
                        .with_broker_ids(each(brokers, |broker| (*broker).into()))
                };
                let config = |(config, value): &(String, Option<String>)| {
                    their_create::CreatableTopicConfig::default()
                        .with_name(name(config))
                        .with_value(maybe_name(value))
                };
                their_create::CreatableTopic::default()
                    .with_name(name(&topic.name))
                    .with_num_partitions(topic.num_partitions)
                    .with_replication_factor(topic.replication_factor)
                    .with_assignments(each(&topic.assignments, replicas))
                    .with_configs(each(&topic.configs, config))
            };
            theirs::CreateTopicsRequest::default()
                .with_topics(each(&ours.topics, topic))
                .with_timeout_ms(ours.timeout_ms)
                .with_validate_only(ours.validate_only)
        });
    }
}

fn created(fill: Fill) -> Vec<Sample> {
    let full = move |version| CreateTopicsResponse {
        throttle_time_ms: 7,
        topics: fill.list([
            CreatedTopic {
                name: fill.text("orders"),
                topic_id: since(version, 7, ID),
                error: ErrorCode(36),
                error_message: fill.maybe("it is there"),
                num_partitions: since_or(version, 5, 12, -1),
                replication_factor: since_or(version, 5, 3, -1),
            },
            CreatedTopic { num_partitions: -1, replication_factor: -1, ..CreatedTopic::default() },
        ]),
    };
    let theirs = move |version| {
        let ours = full(version);
        let topic = |topic: &CreatedTopic| {
            let config = their_created::CreatableTopicConfigs::default()
                .with_name(name("retention.ms"))
                .with_value(Some(name("1")))
                .with_read_only(true)
                .with_config_source(5)
                .with_is_sensitive(true);
            their_created::CreatableTopicResult::default()
                .with_name(name(&topic.name))
                .with_topic_id(uuid(topic.topic_id))
                .with_error_code(topic.error.0)
                .with_error_message(maybe_name(&topic.error_message))
                .with_topic_config_error_code(since(version, 5, 9))
                .with_num_partitions(topic.num_partitions)
                .with_replication_factor(topic.replication_factor)
                .with_configs(if version >= 5 { Some(fill.list([config])) } else { Some(Vec::new()) })
        };
        theirs::CreateTopicsResponse::default()
            .with_throttle_time_ms(ours.throttle_time_ms)
            .with_topics(each(&ours.topics, topic))
    };
    Sample::per_version(ApiKey::CreateTopics, theirs, move |version| Response::CreateTopics(full(version)))
}

#[test]
fn delete_requests_agree() {
    for fill in Fill::ALL {
        let ours = DeleteTopicsRequest { topics: fill.list([fill.text("a"), long_name()]), timeout_ms: 100 };
        check_request(ours.clone(), |version| {
            let theirs = theirs::DeleteTopicsRequest::default().with_timeout_ms(ours.timeout_ms);
            let state =
                |topic: &String| their_delete::DeleteTopicState::default().with_name(Some(name(topic)));
            if version >= 6 {
                theirs.with_topics(each(&ours.topics, state))
            } else {
                theirs.with_topic_names(each(&ours.topics, |topic| name(topic)))
            }
        });
    }
}

fn deleted(fill: Fill) -> Vec<Sample> {
    let full = move |version| DeleteTopicsResponse {
        throttle_time_ms: 3,
        topics: fill.list([DeletedTopic {
            name: if version >= 6 { fill.maybe("orders") } else { Some(fill.text("orders")) },
            topic_id: since(version, 6, ID),
            error: ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
            error_message: if version >= 5 { fill.maybe("gone") } else { None },
        }]),
    };
    let theirs = move |version| {
        let ours = full(version);
        let topic = |topic: &DeletedTopic| {
            their_deleted::DeletableTopicResult::default()
                .with_name(maybe_name(&topic.name))
                .with_topic_id(uuid(topic.topic_id))
                .with_error_code(topic.error.0)
                .with_error_message(maybe_name(&topic.error_message))
        };
        theirs::DeleteTopicsResponse::default()
            .with_throttle_time_ms(ours.throttle_time_ms)
            .with_responses(each(&ours.topics, topic))
    };
    Sample::per_version(ApiKey::DeleteTopics, theirs, move |version| Response::DeleteTopics(full(version)))
}

#[test]
fn partitions_requests_agree() {
    for fill in Fill::ALL {
        let assignments = fill.list([fill.list([1, 2]), fill.list([2, 3])]);
        let ours = CreatePartitionsRequest {
            topics: fill.list([CreatePartitionsTopic {
                name: fill.text("orders"),
                count: 6,
                assignments: if let Fill::Null = fill { None } else { Some(assignments) },
            }]),
            timeout_ms: 5000,
            validate_only: true,
        };
        check_request(ours.clone(), |_| {
            let brokers = |brokers: &Vec<i32>| {
                their_more::CreatePartitionsAssignment::default()
                    .with_broker_ids(each(brokers, |broker| (*broker).into()))
            };
            let topic = |topic: &CreatePartitionsTopic| {
                their_more::CreatePartitionsTopic::default()
                    .with_name(name(&topic.name))
                    .with_count(topic.count)
                    .with_assignments(topic.assignments.as_ref().map(|list| each(list, brokers)))
            };
            theirs::CreatePartitionsRequest::default()
                .with_topics(each(&ours.topics, topic))
                .with_timeout_ms(ours.timeout_ms)
                .with_validate_only(ours.validate_only)
        });
    }
}

fn grown(fill: Fill) -> Vec<Sample> {
    let full = move || CreatePartitionsResponse {
        throttle_time_ms: 3,
        topics: fill.list([CreatePartitionsResult {
            name: fill.text("orders"),
            error: ErrorCode(37),
            error_message: fill.maybe("fewer"),
        }]),
    };
    let theirs = move |_| {
        let topic = |topic: &CreatePartitionsResult| {
            their_grown::CreatePartitionsTopicResult::default()
                .with_name(name(&topic.name))
                .with_error_code(topic.error.0)
                .with_error_message(maybe_name(&topic.error_message))
        };
        theirs::CreatePartitionsResponse::default()
            .with_throttle_time_ms(3)
            .with_results(each(&full().topics, topic))
    };
    Sample::per_version(ApiKey::CreatePartitions, theirs, move |_| Response::CreatePartitions(full()))
}
