//! Groups, of whichever kind: listed, described, deleted; their members and their offsets.

use bytes::Bytes;

use crate::engine::clients::admin::call::Recipient;
use crate::engine::protocol::consumer_group_describe::{
    ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, NamedTopicPartitions,
};
use crate::engine::protocol::consumer_protocol::{Assignment, Subscription};
use crate::engine::protocol::delete_groups::{DeleteGroupsRequest, DeleteGroupsResponse};
use crate::engine::protocol::describe_groups::{DescribeGroupsRequest, DescribeGroupsResponse};
use crate::engine::protocol::leave_group::{LeaveGroupRequest, LeaveGroupResponse};
use crate::engine::protocol::list_groups::{ListGroupsRequest, ListGroupsResponse};
use crate::engine::protocol::offset_commit::{OffsetCommitRequest, OffsetCommitResponse, OffsetCommitTopic};
use crate::engine::protocol::offset_delete::{OffsetDeleteRequest, OffsetDeleteResponse};
use crate::engine::protocol::offset_fetch::{OffsetFetchRequest, OffsetFetchResponse, OffsetFetchTopic};
use crate::engine::protocol::share_group_describe::{ShareGroupDescribeRequest, ShareGroupDescribeResponse};
use crate::engine::protocol::streams_group_describe::{
    StreamsGroupDescribeRequest, StreamsGroupDescribeResponse,
};

use super::spread::at;
use super::{Ask, Spread, TopicPartitions};

/// Those of every broker, in one of these states and of one of these types; none = in any, of any.
pub fn list_groups(states: Vec<String>, types: Vec<String>) -> Spread<ListGroupsResponse> {
    Spread::new(vec![Recipient::AllBrokers], move |_| ListGroupsRequest {
        states: states.clone(),
        types: types.clone(),
    })
}

/// As groups of the classic protocol: all others look `Dead`.
pub fn describe_classic_groups(groups: Vec<String>) -> Spread<DescribeGroupsResponse> {
    to_coordinators(groups, |groups| DescribeGroupsRequest { groups })
}

/// As groups of KIP-848; GROUP_ID_NOT_FOUND of all others.
pub fn describe_consumer_groups(groups: Vec<String>) -> Spread<ConsumerGroupDescribeResponse> {
    to_coordinators(groups, |groups| ConsumerGroupDescribeRequest { groups })
}

/// As share groups; GROUP_ID_NOT_FOUND of all others.
pub fn describe_share_groups(groups: Vec<String>) -> Spread<ShareGroupDescribeResponse> {
    to_coordinators(groups, |groups| ShareGroupDescribeRequest { groups })
}

/// As groups of Kafka Streams; GROUP_ID_NOT_FOUND of all others.
pub fn describe_streams_groups(groups: Vec<String>) -> Spread<StreamsGroupDescribeResponse> {
    to_coordinators(groups, |groups| StreamsGroupDescribeRequest { groups })
}

/// Forgets groups without members.
pub fn delete_groups(groups: Vec<String>) -> Spread<DeleteGroupsResponse> {
    to_coordinators(groups, |groups| DeleteGroupsRequest { groups })
}

/// What groups have committed for these topics, or for all. Brokers before 3.0 are asked for one group at a time: several of one
/// coordinator fail there as [`crate::engine::machine::NetError::UnsupportedApi`].
pub fn fetch_offsets(
    groups: Vec<(String, Option<TopicPartitions>)>,
    require_stable: bool,
) -> Spread<OffsetFetchResponse> {
    let to = groups.iter().map(|(group_id, _)| Recipient::group(group_id)).collect();
    Spread::new(to, move |parts| {
        let topic = |(name, partitions): &(String, Vec<i32>)| OffsetFetchTopic {
            name: name.clone(),
            partitions: partitions.clone(),
            ..Default::default()
        };
        let mut asked = at(&groups, parts).map(|(group_id, topics)| {
            let topics = topics.as_ref().map(|topics| topics.iter().map(topic).collect());
            (group_id.clone(), topics)
        });
        let (group_id, topics) = asked.next().unwrap_or_default();
        OffsetFetchRequest {
            group_id,
            member_epoch: NO_MEMBER,
            topics,
            require_stable,
            others: asked.collect(),
            ..Default::default()
        }
    })
}

/// Commits for a group without being in it, which its coordinator allows while it has no members.
pub fn commit_offsets(group_id: String, topics: Vec<OffsetCommitTopic>) -> Ask<OffsetCommitResponse> {
    let to = Recipient::group(&group_id);
    Ask::new(to, OffsetCommitRequest { group_id, generation_id: NO_MEMBER, topics, ..Default::default() })
}

/// Forgets what a group has committed for partitions of topics that it does not read.
pub fn delete_offsets(group_id: String, topics: TopicPartitions) -> Ask<OffsetDeleteResponse> {
    Ask::new(Recipient::group(&group_id), OffsetDeleteRequest { group_id, topics })
}

/// Members, each by its member id or its instance id, leave. `None` if there are none.
pub fn remove_members(
    group_id: String,
    members: Vec<(String, Option<String>)>,
    reason: String,
) -> Option<Ask<LeaveGroupResponse>> {
    let mut members = members.into_iter();
    let (member_id, group_instance_id) = members.next()?;
    let to = Recipient::group(&group_id);
    let others = members.collect();
    let request = LeaveGroupRequest { group_id, member_id, group_instance_id, reason: Some(reason), others };
    Some(Ask::new(to, request))
}

/// What a member of a classic group would have written for its assignor, and got from its leader, at version 0, which every
/// program reads.
pub fn member_bytes(topics: &[String], assignment: &[NamedTopicPartitions]) -> (Bytes, Bytes) {
    let subscription = Subscription { version: 0, topics: topics.to_vec(), ..Subscription::default() };
    let partitions = |NamedTopicPartitions { topic, partitions, .. }: &NamedTopicPartitions| {
        (topic.clone(), partitions.clone())
    };
    let topics = assignment.iter().map(partitions).collect();
    (subscription.encode(), Assignment { version: 0, topics, user_data: None }.encode())
}

/// One request to each coordinator, for all groups that are its.
fn to_coordinators<Q, R>(groups: Vec<String>, request: fn(Vec<String>) -> Q) -> Spread<R>
where
    Q: Into<crate::engine::protocol::Request> + 'static,
    R: crate::engine::protocol::api::Body,
{
    let to = groups.iter().map(|group| Recipient::group(group)).collect();
    Spread::new(to, move |parts| request(at(&groups, parts).cloned().collect()))
}

/// The generation, or the epoch, of somebody who is in no group.
const NO_MEMBER: i32 = -1;
