//! Transactions: listed and described by their coordinators, looked for and ended at the partitions' leaders.

use crate::engine::clients::admin::call::Recipient;
use crate::engine::machine::CoordinatorKey;
use crate::engine::machine::TopicPartition;
use crate::engine::protocol::describe_producers::{DescribeProducersRequest, DescribeProducersResponse};
use crate::engine::protocol::describe_transactions::{
    DescribeTransactionsRequest, DescribeTransactionsResponse,
};
use crate::engine::protocol::list_transactions::{ListTransactionsRequest, ListTransactionsResponse};
use crate::engine::protocol::write_txn_markers::{
    TxnMarker, WriteTxnMarkersRequest, WriteTxnMarkersResponse,
};

use super::spread::{at, by_topic};
use super::{Ask, Spread};

/// Who writes to these partitions, as their leaders know.
pub fn describe_producers(partitions: Vec<TopicPartition>) -> Spread<DescribeProducersResponse> {
    let to = partitions.iter().cloned().map(Recipient::Leader).collect();
    Spread::new(to, move |parts| {
        let asked = at(&partitions, parts).map(|partition| (&*partition.topic, partition.partition));
        DescribeProducersRequest { topics: by_topic(asked) }
    })
}

/// How these transactional ids stand.
pub fn describe_transactions(ids: Vec<String>) -> Spread<DescribeTransactionsResponse> {
    let to = ids.iter().map(|id| Recipient::Coordinator(CoordinatorKey::transaction(id))).collect();
    Spread::new(to, move |parts| DescribeTransactionsRequest {
        transactional_ids: at(&ids, parts).cloned().collect(),
    })
}

/// The transactional ids of every coordinator.
pub fn list_transactions(request: ListTransactionsRequest) -> Spread<ListTransactionsResponse> {
    Spread::new(vec![Recipient::AllBrokers], move |_| request.clone())
}

/// Ends a producer's transaction in one partition, whatever its coordinator thinks of it: for those that hang.
pub fn abort_transaction(
    partition: TopicPartition,
    producer_id: i64,
    producer_epoch: i16,
    coordinator_epoch: i32,
) -> Ask<WriteTxnMarkersResponse> {
    let topics = vec![(partition.topic.to_string(), vec![partition.partition])];
    let marker = TxnMarker { producer_id, producer_epoch, commit: false, topics, coordinator_epoch };
    Ask::new(Recipient::Leader(partition), WriteTxnMarkersRequest { markers: vec![marker] })
}
