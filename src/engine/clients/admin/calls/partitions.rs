//! Partitions: their offsets, their records, their leaders, where they are and where they go.

use crate::engine::clients::admin::call::Recipient;
use crate::engine::machine::TopicPartition;
use crate::engine::protocol::alter_partition_reassignments::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse,
};
use crate::engine::protocol::delete_records::{
    DeleteRecordsRequest, DeleteRecordsResponse, DeleteRecordsTopic,
};
use crate::engine::protocol::describe_log_dirs::{DescribeLogDirsRequest, DescribeLogDirsResponse};
use crate::engine::protocol::elect_leaders::{ElectLeadersRequest, ElectLeadersResponse};
use crate::engine::protocol::list_offsets::ListOffsetsResponse;
use crate::engine::protocol::list_partition_reassignments::{
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse,
};

use super::list_offsets::list_offsets_request;
use super::spread::{at, by_topic};
use super::{Ask, Spread};

fn leaders<X>(partitions: &[(TopicPartition, X)]) -> Vec<Recipient> {
    partitions.iter().map(|(partition, _)| Recipient::Leader(partition.clone())).collect()
}

/// Partition → the offset by a time in ms, or by a special timestamp of [`crate::engine::protocol::list_offsets`].
pub fn list_partition_offsets(
    partitions: Vec<(TopicPartition, i64)>,
    read_committed: bool,
) -> Spread<ListOffsetsResponse> {
    Spread::new(leaders(&partitions), move |parts| {
        let asked = at(&partitions, parts).map(|(partition, timestamp)| (partition, *timestamp));
        list_offsets_request(asked, read_committed)
    })
}

/// Partition → the first offset to keep; -1 = keep none.
pub fn delete_records(
    partitions: Vec<(TopicPartition, i64)>,
    timeout_ms: i32,
) -> Spread<DeleteRecordsResponse> {
    let call = Spread::new(leaders(&partitions), move |parts| {
        let asked = at(&partitions, parts).map(|(at, offset)| (&*at.topic, (at.partition, *offset)));
        let topics = by_topic(asked).into_iter();
        let topics = topics.map(|(name, partitions)| DeleteRecordsTopic { name, partitions }).collect();
        DeleteRecordsRequest { topics, timeout_ms }
    });
    call.held_for(timeout_ms)
}

/// Of these brokers: of these partitions, or of all.
pub fn describe_log_dirs(
    brokers: Vec<i32>,
    topics: Option<Vec<(String, Vec<i32>)>>,
) -> Spread<DescribeLogDirsResponse> {
    let to = brokers.into_iter().map(Recipient::Broker);
    Spread::new(to.collect(), move |_| DescribeLogDirsRequest { topics: topics.clone() })
}

/// Elects leaders.
pub fn elect_leaders(request: ElectLeadersRequest) -> Ask<ElectLeadersResponse> {
    let timeout_ms = request.timeout_ms;
    Ask::new(Recipient::Controller, request).held_for(timeout_ms)
}

/// Moves partitions to other brokers, or ends that.
pub fn alter_partition_reassignments(
    request: AlterPartitionReassignmentsRequest,
) -> Ask<AlterPartitionReassignmentsResponse> {
    let timeout_ms = request.timeout_ms;
    Ask::new(Recipient::Controller, request).held_for(timeout_ms)
}

/// Which partitions are on their way.
pub fn list_partition_reassignments(
    request: ListPartitionReassignmentsRequest,
) -> Ask<ListPartitionReassignmentsResponse> {
    let timeout_ms = request.timeout_ms;
    Ask::new(Recipient::Controller, request).held_for(timeout_ms)
}
