//! ListGroups, DeleteGroups, OffsetDelete, ShareGroupDescribe.

use kafka_protocol::messages as theirs;
use kafka_protocol::messages::{
    delete_groups_response as their_deleted, list_groups_response as their_listed,
    offset_delete_request as their_forget, offset_delete_response as their_forgotten,
    share_group_describe_response as their_share,
};

use super::consumer_group_describe::NamedTopicPartitions;
use super::delete_groups::*;
use super::list_groups::*;
use super::offset_delete::*;
use super::share_group_describe::*;
use super::*;

pub(super) fn samples(fill: Fill) -> Vec<Sample> {
    let mut samples = listed(fill);
    samples.extend(deleted(fill));
    samples.extend(forgotten(fill));
    samples.extend(shared(fill));
    samples
}

#[test]
fn responses_agree() {
    Fill::ALL.into_iter().flat_map(samples).for_each(|sample| sample.check());
}

#[test]
fn list_requests_agree() {
    let some = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    for (states, types) in [(&[][..], &[][..]), (&["Stable"], &[]), (&[], &["share"]), (&["A", "B"], &["C"])]
    {
        let ours = ListGroupsRequest { states: some(states), types: some(types) };
        check_request(ours.clone(), |version| {
            theirs::ListGroupsRequest::default()
                .with_states_filter(since(version, 4, each(&ours.states, |state| name(state))))
                .with_types_filter(since(version, 5, each(&ours.types, |group_type| name(group_type))))
        });
    }
}

#[test]
fn a_filter_is_never_left_out() {
    let request = |states: &[&str], types: &[&str]| {
        let some = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        ListGroupsRequest { states: some(states), types: some(types) }.min_version()
    };
    assert_eq!(
        [request(&[], &[]), request(&["A"], &[]), request(&[], &["B"]), request(&["A"], &["B"])],
        [0, 4, 5, 5]
    );
}

fn listed(fill: Fill) -> Vec<Sample> {
    let full = move |version| ListGroupsResponse {
        throttle_time_ms: since(version, 1, 5),
        error: ErrorCode::COORDINATOR_NOT_AVAILABLE,
        groups: fill.list([
            ListedGroup {
                group_id: fill.text(&long_name()),
                protocol_type: fill.text("consumer"),
                state: since(version, 4, fill.text("Stable")),
                group_type: since(version, 5, fill.text("classic")),
            },
            ListedGroup::default(),
        ]),
    };
    let theirs = move |version| {
        let ours = full(version);
        let group = |group: &ListedGroup| {
            their_listed::ListedGroup::default()
                .with_group_id(name(&group.group_id))
                .with_protocol_type(name(&group.protocol_type))
                .with_group_state(name(&group.state))
                .with_group_type(name(&group.group_type))
        };
        theirs::ListGroupsResponse::default()
            .with_throttle_time_ms(ours.throttle_time_ms)
            .with_error_code(ours.error.0)
            .with_groups(each(&ours.groups, group))
    };
    Sample::per_version(ApiKey::ListGroups, theirs, move |version| Response::ListGroups(full(version)))
}

#[test]
fn delete_requests_agree() {
    for fill in Fill::ALL {
        let ours = DeleteGroupsRequest { groups: fill.list([fill.text("a"), long_name()]) };
        check_request(ours.clone(), |_| {
            theirs::DeleteGroupsRequest::default().with_groups_names(each(&ours.groups, |group| name(group)))
        });
    }
}

fn deleted(fill: Fill) -> Vec<Sample> {
    let full = move || DeleteGroupsResponse {
        throttle_time_ms: 5,
        results: fill.list([(fill.text("a"), ErrorCode(68)), (long_name(), ErrorCode::NONE)]),
    };
    let theirs = move |_| {
        let result = |(group, error): &(String, ErrorCode)| {
            their_deleted::DeletableGroupResult::default().with_group_id(name(group)).with_error_code(error.0)
        };
        theirs::DeleteGroupsResponse::default()
            .with_throttle_time_ms(5)
            .with_results(each(&full().results, result))
    };
    Sample::per_version(ApiKey::DeleteGroups, theirs, move |_| Response::DeleteGroups(full()))
}

#[test]
fn offset_delete_requests_agree() {
    for fill in Fill::ALL {
        let ours = OffsetDeleteRequest {
            group_id: fill.text("group"),
            topics: fill.list([(fill.text("orders"), fill.list([3, 1])), (long_name(), vec![])]),
        };
        check_request(ours.clone(), |_| {
            let partition = |partition: &i32| {
                their_forget::OffsetDeleteRequestPartition::default().with_partition_index(*partition)
            };
            let topic = |(topic, partitions): &(String, Vec<i32>)| {
                their_forget::OffsetDeleteRequestTopic::default()
                    .with_name(name(topic))
                    .with_partitions(each(partitions, partition))
            };
            theirs::OffsetDeleteRequest::default()
                .with_group_id(name(&ours.group_id))
                .with_topics(each(&ours.topics, topic))
        });
    }
}

fn forgotten(fill: Fill) -> Vec<Sample> {
    let full = move || OffsetDeleteResponse {
        error: ErrorCode::GROUP_ID_NOT_FOUND,
        throttle_time_ms: 5,
        topics: fill.list([(fill.text("orders"), fill.list([(3, ErrorCode(86)), (1, ErrorCode::NONE)]))]),
    };
    let theirs = move |_| {
        let partition = |(partition, error): &(i32, ErrorCode)| {
            their_forgotten::OffsetDeleteResponsePartition::default()
                .with_partition_index(*partition)
                .with_error_code(error.0)
        };
        let topic = |(topic, partitions): &(String, Vec<(i32, ErrorCode)>)| {
            their_forgotten::OffsetDeleteResponseTopic::default()
                .with_name(name(topic))
                .with_partitions(each(partitions, partition))
        };
        let ours = full();
        theirs::OffsetDeleteResponse::default()
            .with_error_code(ours.error.0)
            .with_throttle_time_ms(ours.throttle_time_ms)
            .with_topics(each(&ours.topics, topic))
    };
    Sample::per_version(ApiKey::OffsetDelete, theirs, move |_| Response::OffsetDelete(full()))
}

#[test]
fn share_requests_agree() {
    for fill in Fill::ALL {
        let ours = ShareGroupDescribeRequest { groups: fill.list([fill.text("a"), long_name()]) };
        check_request(ours.clone(), |_| {
            theirs::ShareGroupDescribeRequest::default().with_group_ids(each(&ours.groups, |g| name(g)))
        });
    }
}

fn shared(fill: Fill) -> Vec<Sample> {
    let full = move || ShareGroupDescribeResponse {
        throttle_time_ms: 2,
        groups: fill.list([
            DescribedShareGroup {
                error: ErrorCode::GROUP_AUTHORIZATION_FAILED,
                error_message: fill.maybe("no"),
                group_id: fill.text("group"),
                state: fill.text("Stable"),
                group_epoch: 12,
                assignment_epoch: 11,
                assignor: fill.text("simple"),
                members: fill.list([ShareGroupMember {
                    member_id: fill.text("member-1"),
                    rack_id: fill.maybe("rack-1"),
                    member_epoch: 10,
                    client_id: fill.text("client"),
                    client_host: fill.text("/127.0.0.1"),
                    topics: fill.list([fill.text("orders")]),
                    assignment: fill.list([NamedTopicPartitions {
                        topic_id: ID,
                        topic: fill.text("orders"),
                        partitions: vec![1, 2],
                    }]),
                }]),
            },
            DescribedShareGroup::default(),
        ]),
    };
    let theirs = move |_| {
        let topic = |topic: &NamedTopicPartitions| {
            their_share::TopicPartitions::default()
                .with_topic_id(uuid(topic.topic_id))
                .with_topic_name(name(&topic.topic))
                .with_partitions(topic.partitions.clone())
        };
        let member = |member: &ShareGroupMember| {
            let assignment =
                their_share::Assignment::default().with_topic_partitions(each(&member.assignment, topic));
            their_share::Member::default()
                .with_member_id(name(&member.member_id))
                .with_rack_id(maybe_name(&member.rack_id))
                .with_member_epoch(member.member_epoch)
                .with_client_id(name(&member.client_id))
                .with_client_host(name(&member.client_host))
                .with_subscribed_topic_names(each(&member.topics, |topic| name(topic)))
                .with_assignment(assignment)
        };
        let group = |group: &DescribedShareGroup| {
            their_share::DescribedGroup::default()
                .with_error_code(group.error.0)
                .with_error_message(maybe_name(&group.error_message))
                .with_group_id(name(&group.group_id))
                .with_group_state(name(&group.state))
                .with_group_epoch(group.group_epoch)
                .with_assignment_epoch(group.assignment_epoch)
                .with_assignor_name(name(&group.assignor))
                .with_members(each(&group.members, member))
                .with_authorized_operations(0x0d0c)
        };
        theirs::ShareGroupDescribeResponse::default()
            .with_throttle_time_ms(2)
            .with_groups(each(&full().groups, group))
    };
    Sample::per_version(ApiKey::ShareGroupDescribe, theirs, move |_| Response::ShareGroupDescribe(full()))
}
