//! States and members of groups of KIP-848, of their coordinators, in the words of DescribeGroups: as kafkajs users read them.

use bytes::Bytes;

use crate::engine::clients::admin::call::{Asked, Call, Found, Recipient};
use crate::engine::machine::Failure;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::consumer_group_describe::{
    ConsumerGroupDescribeRequest, ConsumerGroupMember, DescribedConsumerGroup, NamedTopicPartitions,
};
use crate::engine::protocol::consumer_protocol::{Assignment, Subscription};
use crate::engine::protocol::describe_groups::{DescribedGroup, DescribedGroupMember};

use super::OUT_OF_STEP;

/// Answers the groups in the order in which they were named. What is wrong with a group stands in it: GROUP_ID_NOT_FOUND of a
/// group of another kind.
pub struct DescribeConsumerGroups {
    groups: Vec<String>,
    described: Vec<DescribedConsumerGroup>,
}

impl DescribeConsumerGroups {
    /// Of these groups.
    pub fn new(groups: Vec<String>) -> DescribeConsumerGroups {
        DescribeConsumerGroups { groups, described: Vec::new() }
    }
}

impl Call for DescribeConsumerGroups {
    type Part = String;
    type Answer = Vec<DescribedGroup>;

    fn parts(&mut self) -> Vec<(Recipient, String)> {
        self.groups.iter().map(|group| (Recipient::group(group), group.clone())).collect()
    }

    fn request(&mut self, asked: &Asked<String>, _: &Found) -> Request {
        ConsumerGroupDescribeRequest { groups: asked.parts.clone() }.into()
    }

    fn response(&mut self, _: Asked<String>, response: Response) -> Result<(), Failure> {
        let Response::ConsumerGroupDescribe(answer) = response else { return Err(OUT_OF_STEP) };
        self.described.extend(answer.groups);
        Ok(())
    }

    fn answer(self) -> Result<Vec<DescribedGroup>, Failure> {
        let DescribeConsumerGroups { groups, described } = self;
        let find = |group: &String| described.iter().find(|described| described.group_id == *group);
        groups.iter().map(|group| find(group).map(translated).ok_or(OUT_OF_STEP)).collect()
    }
}

/// The state stays what the coordinator calls it. The protocol is its assignor.
fn translated(group: &DescribedConsumerGroup) -> DescribedGroup {
    DescribedGroup {
        error: group.error,
        group_id: group.group_id.clone(),
        state: group.state.clone(),
        protocol_type: PROTOCOL_TYPE.to_owned(),
        protocol: group.assignor.clone(),
        members: group.members.iter().map(member).collect(),
    }
}

fn member(member: &ConsumerGroupMember) -> DescribedGroupMember {
    let (metadata, assignment) = member_bytes(&member.topics, &member.assignment);
    DescribedGroupMember {
        member_id: member.member_id.clone(),
        group_instance_id: member.group_instance_id.clone(),
        client_id: member.client_id.clone(),
        client_host: member.client_host.clone(),
        metadata,
        assignment,
    }
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

/// Of all consumers' groups.
const PROTOCOL_TYPE: &str = "consumer";
