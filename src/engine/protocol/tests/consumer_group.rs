//! ConsumerGroupHeartbeat, ConsumerGroupDescribe.

use kafka_protocol::messages as theirs;
use kafka_protocol::messages::{
    consumer_group_describe_response as their_describe, consumer_group_heartbeat_request as their_request,
    consumer_group_heartbeat_response as their_beat,
};

use super::consumer_group_describe::*;
use super::consumer_group_heartbeat::*;
use super::*;

pub(super) fn samples(fill: Fill) -> Vec<Sample> {
    let mut samples = heartbeat(fill);
    samples.extend(describe(fill));
    samples
}

#[test]
fn responses_agree() {
    Fill::ALL.into_iter().flat_map(samples).for_each(|sample| sample.check());
}

#[test]
fn heartbeat_requests_agree() {
    for fill in Fill::ALL {
        let maybe_list = |list: Vec<String>| if let Fill::Null = fill { None } else { Some(fill.list(list)) };
        let owned = TopicPartitions { topic_id: ID, partitions: fill.list([0, 7]) };
        let ours = ConsumerGroupHeartbeatRequest {
            group_id: fill.text("group"),
            member_id: fill.text("member-1"),
            member_epoch: LEAVE_EPOCH_OF_STATIC,
            group_instance_id: fill.maybe("instance-1"),
            rack_id: fill.maybe("rack-1"),
            rebalance_timeout_ms: 300_000,
            topics: maybe_list(vec!["a".to_owned(), long_name()]),
            topic_regex: fill.maybe("a.*"),
            server_assignor: fill.maybe("uniform"),
            owned: if let Fill::Null = fill { None } else { Some(fill.list([owned])) },
        };
        check_request(ours.clone(), |_| {
            let owned = |topic: &TopicPartitions| {
                their_request::TopicPartitions::default()
                    .with_topic_id(uuid(topic.topic_id))
                    .with_partitions(topic.partitions.clone())
            };
            theirs::ConsumerGroupHeartbeatRequest::default()
                .with_group_id(name(&ours.group_id))
                .with_member_id(name(&ours.member_id))
                .with_member_epoch(ours.member_epoch)
                .with_instance_id(maybe_name(&ours.group_instance_id))
                .with_rack_id(maybe_name(&ours.rack_id))
                .with_rebalance_timeout_ms(ours.rebalance_timeout_ms)
                .with_subscribed_topic_names(ours.topics.as_ref().map(|topics| each(topics, |t| name(t))))
                .with_subscribed_topic_regex(maybe_name(&ours.topic_regex))
                .with_server_assignor(maybe_name(&ours.server_assignor))
                .with_topic_partitions(ours.owned.as_ref().map(|topics| each(topics, owned)))
        });
    }
}

fn heartbeat(fill: Fill) -> Vec<Sample> {
    let full = move || ConsumerGroupHeartbeatResponse {
        throttle_time_ms: 9,
        error: ErrorCode::UNKNOWN_MEMBER_ID,
        error_message: fill.maybe("who?"),
        member_id: fill.maybe("member-1"),
        member_epoch: 41,
        heartbeat_interval_ms: 5000,
        assignment: if let Fill::Null = fill {
            None
        } else {
            Some(fill.list([TopicPartitions { topic_id: ID, partitions: vec![3, 1] }]))
        },
    };
    let theirs = move |_| {
        let ours = full();
        let topic = |topic: &TopicPartitions| {
            their_beat::TopicPartitions::default()
                .with_topic_id(uuid(topic.topic_id))
                .with_partitions(topic.partitions.clone())
        };
        let assignment = ours
            .assignment
            .as_ref()
            .map(|topics| their_beat::Assignment::default().with_topic_partitions(each(topics, topic)));
        theirs::ConsumerGroupHeartbeatResponse::default()
            .with_throttle_time_ms(ours.throttle_time_ms)
            .with_error_code(ours.error.0)
            .with_error_message(maybe_name(&ours.error_message))
            .with_member_id(maybe_name(&ours.member_id))
            .with_member_epoch(ours.member_epoch)
            .with_heartbeat_interval_ms(ours.heartbeat_interval_ms)
            .with_assignment(assignment)
    };
    Sample::per_version(ApiKey::ConsumerGroupHeartbeat, theirs, move |_| {
        Response::ConsumerGroupHeartbeat(full())
    })
}

#[test]
fn describe_requests_agree() {
    for fill in Fill::ALL {
        let ours = ConsumerGroupDescribeRequest { groups: fill.list([fill.text("a"), long_name()]) };
        check_request(ours.clone(), |_| {
            theirs::ConsumerGroupDescribeRequest::default().with_group_ids(each(&ours.groups, |g| name(g)))
        });
    }
}

fn describe(fill: Fill) -> Vec<Sample> {
    let partitions = move |partitions: Vec<i32>| {
        fill.list([NamedTopicPartitions { topic_id: ID, topic: fill.text("orders"), partitions }])
    };
    let full = move |version| ConsumerGroupDescribeResponse {
        throttle_time_ms: 2,
        groups: fill.list([
            DescribedConsumerGroup {
                error: ErrorCode::GROUP_AUTHORIZATION_FAILED,
                error_message: fill.maybe("no"),
                group_id: fill.text("group"),
                state: fill.text("Stable"),
                group_epoch: 12,
                assignment_epoch: 11,
                assignor: fill.text("uniform"),
                members: fill.list([ConsumerGroupMember {
                    member_id: fill.text("member-1"),
                    group_instance_id: fill.maybe("instance-1"),
                    rack_id: fill.maybe("rack-1"),
                    member_epoch: 10,
                    client_id: fill.text("client"),
                    client_host: fill.text("/127.0.0.1"),
                    topics: fill.list([fill.text("orders")]),
                    topic_regex: fill.maybe("o.*"),
                    assignment: partitions(vec![1, 2]),
                    target: partitions(vec![2]),
                    member_type: since_or(version, 1, 1, -1),
                }]),
            },
            DescribedConsumerGroup::default(),
        ]),
    };
    let assignment = |topics: &[NamedTopicPartitions]| {
        let topic = |topic: &NamedTopicPartitions| {
            their_describe::TopicPartitions::default()
                .with_topic_id(uuid(topic.topic_id))
                .with_topic_name(name(&topic.topic))
                .with_partitions(topic.partitions.clone())
        };
        their_describe::Assignment::default().with_topic_partitions(each(topics, topic))
    };
    let member = move |m: &ConsumerGroupMember| {
        their_describe::Member::default()
            .with_member_id(name(&m.member_id))
            .with_instance_id(maybe_name(&m.group_instance_id))
            .with_rack_id(maybe_name(&m.rack_id))
            .with_member_epoch(m.member_epoch)
            .with_client_id(name(&m.client_id))
            .with_client_host(name(&m.client_host))
            .with_subscribed_topic_names(each(&m.topics, |topic| name(topic)))
            .with_subscribed_topic_regex(maybe_name(&m.topic_regex))
            .with_assignment(assignment(&m.assignment))
            .with_target_assignment(assignment(&m.target))
            .with_member_type(m.member_type)
    };
    let theirs = move |version| {
        let ours = full(version);
        let group = |g: &DescribedConsumerGroup| {
            their_describe::DescribedGroup::default()
                .with_error_code(g.error.0)
                .with_error_message(maybe_name(&g.error_message))
                .with_group_id(name(&g.group_id))
                .with_group_state(name(&g.state))
                .with_group_epoch(g.group_epoch)
                .with_assignment_epoch(g.assignment_epoch)
                .with_assignor_name(name(&g.assignor))
                .with_members(each(&g.members, member))
        };
        theirs::ConsumerGroupDescribeResponse::default()
            .with_throttle_time_ms(ours.throttle_time_ms)
            .with_groups(each(&ours.groups, group))
    };
    Sample::per_version(ApiKey::ConsumerGroupDescribe, theirs, move |version| {
        Response::ConsumerGroupDescribe(full(version))
    })
}
