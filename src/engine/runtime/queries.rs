//! Questions that the facade asks the cluster outside of a membership: one attempt each; the facade retries.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::machine::Failure;
use crate::engine::machine::NetError;
use crate::engine::machine::Target;
use crate::engine::machine::TopicPartition;
use crate::engine::network::Network;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::TopicId;
use crate::engine::protocol::describe_groups::DescribeGroupsRequest;
use crate::engine::protocol::describe_groups::DescribedGroup;
use crate::engine::protocol::find_coordinator::FindCoordinatorRequest;
use crate::engine::protocol::list_offsets::ListOffsetsPartition;
use crate::engine::protocol::list_offsets::ListOffsetsRequest;
use crate::engine::protocol::list_offsets::ListOffsetsTopic;
use crate::engine::protocol::metadata::MetadataBroker;
use crate::engine::protocol::metadata::MetadataRequest;
use crate::engine::protocol::metadata::MetadataRequestTopic;
use crate::engine::protocol::metadata::MetadataResponse;
use crate::engine::protocol::offset_fetch::OffsetFetchRequest;
use crate::engine::protocol::offset_fetch::OffsetFetchTopic;

/// Topic → partitions, as the facade names them.
pub type TopicPartitions = Vec<(String, Vec<i32>)>;

/// Brokers and topics; None = all topics.
pub async fn metadata(
    network: &Network,
    topics: Option<Vec<String>>,
    allow_auto_topic_creation: bool,
) -> Result<MetadataResponse, Failure> {
    let topics = topics.map(|names| {
        names
            .into_iter()
            .map(|name| MetadataRequestTopic { name: Some(name), ..Default::default() })
            .collect()
    });
    let request = MetadataRequest { topics, allow_auto_topic_creation };
    match ask(network, Target::Any, request).await? {
        // The whole question was refused; older brokers say so topic by topic.
        Response::Metadata(metadata) if metadata.error.is_err() => {
            Err(Failure::Broker { code: metadata.error, partition: None })
        }
        Response::Metadata(metadata) => {
            network.update_brokers(&metadata.brokers);
            Ok(metadata)
        }
        _ => Err(out_of_step()),
    }
}

/// State and members of a group.
pub async fn describe_group(network: &Network, group_id: &str) -> Result<DescribedGroup, Failure> {
    let coordinator = coordinator(network, group_id).await?;
    let request = DescribeGroupsRequest { groups: vec![group_id.to_owned()] };
    match ask(network, coordinator, request).await? {
        Response::DescribeGroups(mut answer) => answer.groups.pop().ok_or_else(out_of_step),
        _ => Err(out_of_step()),
    }
}

/// Offsets by timestamp (-1 latest, -2 earliest).
pub async fn list_offsets(
    network: &Network,
    topics: TopicPartitions,
    timestamp: i64,
    read_committed: bool,
) -> Result<Vec<(TopicPartition, i64)>, Failure> {
    let names = topics.iter().map(|(topic, _)| topic.clone()).collect();
    let metadata = metadata(network, Some(names), false).await?;
    let mut by_leader: BTreeMap<i32, Vec<ListOffsetsTopic>> = BTreeMap::new();
    for (name, partitions) in topics {
        let known = metadata.topics.iter().find(|topic| topic.name.as_deref() == Some(name.as_str()));
        for partition in partitions {
            let leader = known.and_then(|t| t.partitions.iter().find(|p| p.partition == partition));
            let Some(leader) = leader.filter(|p| p.leader >= 0) else {
                let code = known.map_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, |topic| topic.error);
                let code = if code.is_err() { code } else { ErrorCode::LEADER_NOT_AVAILABLE };
                let topic = name.as_str().into();
                return Err(Failure::Broker { code, partition: Some(TopicPartition { topic, partition }) });
            };
            let asked = ListOffsetsPartition { partition, current_leader_epoch: -1, timestamp };
            let topics = by_leader.entry(leader.leader).or_default();
            match topics.iter_mut().find(|topic| topic.name == name) {
                Some(topic) => topic.partitions.push(asked),
                None => topics.push(ListOffsetsTopic { name: name.clone(), partitions: vec![asked] }),
            }
        }
    }
    let mut found = Vec::new();
    for (leader, topics) in by_leader {
        let request = ListOffsetsRequest { read_committed, topics, timeout_ms: 30_000 };
        let Response::ListOffsets(answer) = ask(network, Target::node(leader), request).await? else {
            return Err(out_of_step());
        };
        for topic in answer.topics {
            for answer in topic.partitions {
                let topic = topic.name.as_str().into();
                let partition = TopicPartition { topic, partition: answer.partition };
                if answer.error.is_err() {
                    return Err(Failure::Broker { code: answer.error, partition: Some(partition) });
                }
                found.push((partition, answer.offset));
            }
        }
    }
    Ok(found)
}

/// A group's committed offsets (-1 for none) with their metadata.
pub async fn offset_fetch(
    network: &Network,
    group_id: &str,
    topics: TopicPartitions,
) -> Result<Vec<(TopicPartition, i64, Option<String>)>, Failure> {
    let coordinator = coordinator(network, group_id).await?;
    let names = topics.iter().map(|(topic, _)| topic.clone()).collect();
    let metadata = metadata(network, Some(names), false).await?;
    // By name only as long as brokers do not tell the ids.
    let ids: BTreeMap<&str, TopicId> =
        metadata.topics.iter().filter_map(|topic| Some((topic.name.as_deref()?, topic.topic_id))).collect();
    let asked = topics.into_iter().map(|(name, partitions)| {
        let topic_id = ids.get(name.as_str()).copied().unwrap_or(TopicId::ZERO);
        OffsetFetchTopic { name, topic_id, partitions }
    });
    let asked: Vec<OffsetFetchTopic> = asked.collect();
    let request = OffsetFetchRequest {
        group_id: group_id.to_owned(),
        member_epoch: -1,
        topics: Some(asked.clone()),
        require_stable: true,
        ..Default::default()
    };
    let Response::OffsetFetch(answer) = ask(network, coordinator, request).await? else {
        return Err(out_of_step());
    };
    if answer.error.is_err() {
        return Err(Failure::Broker { code: answer.error, partition: None });
    }
    let mut found = Vec::new();
    for topic in answer.topics {
        // From v10 on the answer names topics by their ids only.
        let by_id = |asked: &&OffsetFetchTopic| {
            !topic.topic_id.is_zero() && asked.topic_id == topic.topic_id || asked.name == topic.name
        };
        let Some(OffsetFetchTopic { name, .. }) = asked.iter().find(by_id) else { continue };
        for answer in topic.partitions {
            let partition = TopicPartition { topic: name.as_str().into(), partition: answer.partition };
            if answer.error.is_err() {
                return Err(Failure::Broker { code: answer.error, partition: Some(partition) });
            }
            found.push((partition, answer.offset, answer.metadata));
        }
    }
    Ok(found)
}

/// The broker that coordinates a group, where the cluster says it is.
pub async fn find_coordinator(network: &Network, group_id: &str) -> Result<MetadataBroker, Failure> {
    let request = FindCoordinatorRequest { key: group_id.to_owned() };
    let Response::FindCoordinator(found) = ask(network, Target::Any, request).await? else {
        return Err(out_of_step());
    };
    if found.error.is_err() {
        let cause = Failure::Broker { code: found.error, partition: None };
        return Err(Failure::CoordinatorNotFound(Box::new(cause)));
    }
    Ok(MetadataBroker { node_id: found.node_id, host: found.host, port: found.port, rack: None })
}

async fn coordinator(network: &Network, group_id: &str) -> Result<Target, Failure> {
    let found = find_coordinator(network, group_id).await?;
    let node = Target::node(found.node_id);
    let metadata = metadata(network, Some(Vec::new()), false).await?;
    let mut brokers = metadata.brokers;
    if brokers.iter().all(|broker| broker.node_id != found.node_id) {
        brokers.push(found);
        network.update_brokers(&brokers);
    }
    Ok(node)
}

async fn ask(network: &Network, to: Target, request: impl Into<Request>) -> Result<Response, Failure> {
    network.send(to, request.into(), Duration::ZERO).await.map_err(Failure::Net)
}

/// An answer of another kind than the question: cannot happen while the network room is sound.
fn out_of_step() -> Failure {
    Failure::Net(NetError::OutOfStep)
}
