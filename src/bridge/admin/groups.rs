//! Groups: listed, described, deleted; their members.

use napi::bindgen_prelude::{Buffer, Object, ToNapiValue};
use napi::{Env, Error, Result, Status};
use napi_derive::napi;

use crate::bridge::client::NativeClient;
use crate::bridge::options::NativeTopicPartitions;
use crate::engine::clients::admin::{
    delete_groups, describe_classic_groups, describe_consumer_groups, describe_share_groups,
    describe_streams_groups, list_groups, member_bytes, remove_members,
};
use crate::engine::protocol::Assignment;
use crate::engine::protocol::consumer_group_describe::{
    ConsumerGroupMember, DescribedConsumerGroup, NamedTopicPartitions,
};
use crate::engine::protocol::describe_groups::{DescribedGroup, DescribedGroupMember};
use crate::engine::protocol::leave_group::LeftMember;
use crate::engine::protocol::list_groups::ListedGroup;
use crate::engine::protocol::share_group_describe::{DescribedShareGroup, ShareGroupMember};
use crate::engine::protocol::streams_group_describe::{
    DescribedStreamsGroup, StreamsGroupMember, Subtopology, TaskIds, Tasks, Topology,
};

use super::{NativeResult, code, told};

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeListedGroups {
    pub error_code: i32,
    pub groups: Vec<NativeListedGroup>,
}

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeListedGroup {
    pub group_id: String,
    pub protocol_type: String,
    pub state: String,
    #[napi(js_name = "type")]
    pub group_type: String,
}

/// A group of any kind. What its kind does not have is null.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeGroup {
    pub error_code: i32,
    pub error_message: Option<String>,
    pub group_id: String,
    pub state: String,
    pub protocol_type: String,
    pub protocol: String,
    pub group_epoch: Option<i32>,
    pub assignment_epoch: Option<i32>,
    pub topology: Option<NativeTopology>,
    pub members: Vec<NativeGroupMember>,
}

/// What a program of Kafka Streams is made of.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeTopology {
    pub epoch: i32,
    pub subtopologies: Vec<NativeSubtopology>,
}

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeSubtopology {
    pub subtopology_id: String,
    pub source_topics: Vec<String>,
    pub repartition_sink_topics: Vec<String>,
    pub repartition_source_topics: Vec<String>,
    pub state_changelog_topics: Vec<String>,
}

/// Tasks of a member of a program of Kafka Streams.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeTasks {
    pub active: Vec<NativeTaskIds>,
    pub standby: Vec<NativeTaskIds>,
    pub warmup: Vec<NativeTaskIds>,
}

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeTaskIds {
    pub subtopology_id: String,
    pub partitions: Vec<i32>,
}

#[napi(object, object_from_js = false, use_nullable = true)]
#[derive(Default)]
pub struct NativeGroupMember {
    pub member_id: String,
    pub group_instance_id: Option<String>,
    pub rack_id: Option<String>,
    pub client_id: String,
    pub client_host: String,
    pub member_metadata: Buffer,
    pub member_assignment: Buffer,
    pub member_epoch: Option<i32>,
    pub topics: Option<Vec<String>>,
    pub topic_regex: Option<String>,
    pub assignment: Option<Vec<NativeTopicPartitions>>,
    pub target_assignment: Option<Vec<NativeTopicPartitions>>,
    pub is_classic: Option<bool>,
    pub process_id: Option<String>,
    pub topology_epoch: Option<i32>,
    pub tasks: Option<NativeTasks>,
    pub target_tasks: Option<NativeTasks>,
}

#[napi(object, object_to_js = false, use_nullable = true)]
pub struct NativeMember {
    pub member_id: String,
    pub group_instance_id: Option<String>,
}

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeLeft {
    pub error_code: i32,
    pub members: Vec<NativeLeftMember>,
}

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeLeftMember {
    pub member_id: String,
    pub group_instance_id: Option<String>,
    pub error_code: i32,
}

#[napi]
impl NativeClient {
    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn list_groups<'env>(
        &self,
        env: &'env Env,
        states: Vec<String>,
        types: Vec<String>,
    ) -> Result<Object<'env>> {
        self.call(env, list_groups(states, types), |env, answers| {
            told(env, answers, |answer| {
                let group = |group: ListedGroup| NativeListedGroup {
                    group_id: group.group_id,
                    protocol_type: group.protocol_type,
                    state: group.state,
                    group_type: group.group_type,
                };
                let groups = answer.groups.into_iter().map(group).collect();
                NativeListedGroups { error_code: code(answer.error), groups }
            })
        })
    }

    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn describe_classic_groups<'env>(&self, env: &'env Env, groups: Vec<String>) -> Result<Object<'env>> {
        self.call(env, describe_classic_groups(groups), |env, answers| {
            told(env, answers, |answer| answer.groups.into_iter().map(classic).collect::<Vec<_>>())
        })
    }

    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn describe_consumer_groups<'env>(
        &self,
        env: &'env Env,
        groups: Vec<String>,
    ) -> Result<Object<'env>> {
        self.call(env, describe_consumer_groups(groups), |env, answers| {
            told(env, answers, |answer| answer.groups.into_iter().map(consumer).collect::<Vec<_>>())
        })
    }

    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn describe_share_groups<'env>(&self, env: &'env Env, groups: Vec<String>) -> Result<Object<'env>> {
        self.call(env, describe_share_groups(groups), |env, answers| {
            told(env, answers, |answer| answer.groups.into_iter().map(share).collect::<Vec<_>>())
        })
    }

    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn describe_streams_groups<'env>(&self, env: &'env Env, groups: Vec<String>) -> Result<Object<'env>> {
        self.call(env, describe_streams_groups(groups), |env, answers| {
            told(env, answers, |answer| answer.groups.into_iter().map(streams).collect::<Vec<_>>())
        })
    }

    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn delete_groups<'env>(&self, env: &'env Env, groups: Vec<String>) -> Result<Object<'env>> {
        self.call(env, delete_groups(groups), |env, answers| {
            told(env, answers, |answer| {
                let results = answer.results.into_iter();
                results.map(|(name, error)| NativeResult::new(name, error, None)).collect::<Vec<_>>()
            })
        })
    }

    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn remove_members<'env>(
        &self,
        env: &'env Env,
        group_id: String,
        members: Vec<NativeMember>,
        reason: String,
    ) -> Result<Object<'env>> {
        let members = members.into_iter().map(|member| (member.member_id, member.group_instance_id));
        let call = remove_members(group_id, members.collect(), reason)
            .ok_or_else(|| Error::new(Status::InvalidArg, "no members"))?;
        self.call(env, call, |env, answer| {
            let member = |member: LeftMember| NativeLeftMember {
                member_id: member.member_id,
                group_instance_id: member.group_instance_id,
                error_code: code(member.error),
            };
            let members = answer.members.into_iter().map(member).collect();
            NativeLeft { error_code: code(answer.error), members }.into_unknown(env)
        })
    }
}

fn classic(group: DescribedGroup) -> NativeGroup {
    let is_of_consumers = group.protocol_type == "consumer";
    let member = |member: DescribedGroupMember| NativeGroupMember {
        assignment: is_of_consumers.then(|| assigned(&member)).flatten(),
        member_id: member.member_id,
        group_instance_id: member.group_instance_id,
        client_id: member.client_id,
        client_host: member.client_host,
        member_metadata: member.metadata.to_vec().into(),
        member_assignment: member.assignment.to_vec().into(),
        ..Default::default()
    };
    NativeGroup {
        error_code: code(group.error),
        error_message: None,
        group_id: group.group_id,
        state: group.state,
        protocol_type: group.protocol_type,
        protocol: group.protocol,
        group_epoch: None,
        assignment_epoch: None,
        topology: None,
        members: group.members.into_iter().map(member).collect(),
    }
}

/// What its leader has assigned to a member of a classic group; nothing yet is no partition. Null: these bytes are no assignment.
fn assigned(member: &DescribedGroupMember) -> Option<Vec<NativeTopicPartitions>> {
    if member.assignment.is_empty() {
        return Some(Vec::new());
    }
    let topics = Assignment::decode(member.assignment.clone()).ok()?.topics.into_iter();
    Some(topics.map(|(topic, partitions)| NativeTopicPartitions { topic, partitions }).collect())
}

fn consumer(group: DescribedConsumerGroup) -> NativeGroup {
    let member = |member: ConsumerGroupMember| {
        let (metadata, assignment) = member_bytes(&member.topics, &member.assignment);
        NativeGroupMember {
            member_id: member.member_id,
            group_instance_id: member.group_instance_id,
            rack_id: member.rack_id,
            client_id: member.client_id,
            client_host: member.client_host,
            member_metadata: metadata.to_vec().into(),
            member_assignment: assignment.to_vec().into(),
            member_epoch: Some(member.member_epoch),
            topics: Some(member.topics),
            topic_regex: member.topic_regex,
            assignment: Some(partitions(member.assignment)),
            target_assignment: Some(partitions(member.target)),
            is_classic: (member.member_type >= 0).then_some(member.member_type == 0),
            ..Default::default()
        }
    };
    NativeGroup {
        error_code: code(group.error),
        error_message: group.error_message,
        group_id: group.group_id,
        state: group.state,
        protocol_type: "consumer".to_owned(),
        protocol: group.assignor,
        group_epoch: Some(group.group_epoch),
        assignment_epoch: Some(group.assignment_epoch),
        topology: None,
        members: group.members.into_iter().map(member).collect(),
    }
}

fn share(group: DescribedShareGroup) -> NativeGroup {
    let member = |member: ShareGroupMember| {
        let (metadata, assignment) = member_bytes(&member.topics, &member.assignment);
        NativeGroupMember {
            member_id: member.member_id,
            rack_id: member.rack_id,
            client_id: member.client_id,
            client_host: member.client_host,
            member_metadata: metadata.to_vec().into(),
            member_assignment: assignment.to_vec().into(),
            member_epoch: Some(member.member_epoch),
            topics: Some(member.topics),
            assignment: Some(partitions(member.assignment)),
            ..Default::default()
        }
    };
    NativeGroup {
        error_code: code(group.error),
        error_message: group.error_message,
        group_id: group.group_id,
        state: group.state,
        protocol_type: "share".to_owned(),
        protocol: group.assignor,
        group_epoch: Some(group.group_epoch),
        assignment_epoch: Some(group.assignment_epoch),
        topology: None,
        members: group.members.into_iter().map(member).collect(),
    }
}

/// Which partitions its tasks read is not told here: that takes the topics.
fn streams(group: DescribedStreamsGroup) -> NativeGroup {
    let member = |member: StreamsGroupMember| NativeGroupMember {
        member_id: member.member_id,
        group_instance_id: member.group_instance_id,
        rack_id: member.rack_id,
        client_id: member.client_id,
        client_host: member.client_host,
        member_epoch: Some(member.member_epoch),
        is_classic: Some(member.is_classic),
        process_id: Some(member.process_id),
        topology_epoch: Some(member.topology_epoch),
        tasks: Some(tasks(member.assignment)),
        target_tasks: Some(tasks(member.target)),
        ..Default::default()
    };
    let subtopology = |part: Subtopology| NativeSubtopology {
        subtopology_id: part.subtopology_id,
        source_topics: part.source_topics,
        repartition_sink_topics: part.repartition_sink_topics,
        repartition_source_topics: part.repartition_source_topics,
        state_changelog_topics: part.state_changelog_topics,
    };
    NativeGroup {
        error_code: code(group.error),
        error_message: group.error_message,
        group_id: group.group_id,
        state: group.state,
        protocol_type: "streams".to_owned(),
        protocol: String::new(),
        group_epoch: Some(group.group_epoch),
        assignment_epoch: Some(group.assignment_epoch),
        topology: group.topology.map(|Topology { epoch, subtopologies }| NativeTopology {
            epoch,
            subtopologies: subtopologies.into_iter().map(subtopology).collect(),
        }),
        members: group.members.into_iter().map(member).collect(),
    }
}

fn tasks(Tasks { active, standby, warmup }: Tasks) -> NativeTasks {
    let ids = |tasks: Vec<TaskIds>| {
        let of_subtopology =
            |TaskIds { subtopology_id, partitions }| NativeTaskIds { subtopology_id, partitions };
        tasks.into_iter().map(of_subtopology).collect()
    };
    NativeTasks { active: ids(active), standby: ids(standby), warmup: ids(warmup) }
}

fn partitions(topics: Vec<NamedTopicPartitions>) -> Vec<NativeTopicPartitions> {
    let of_topic =
        |NamedTopicPartitions { topic, partitions, .. }| NativeTopicPartitions { topic, partitions };
    topics.into_iter().map(of_topic).collect()
}
