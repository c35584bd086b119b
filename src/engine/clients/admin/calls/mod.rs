//! The calls, a file each; those that are one request to one broker, a file for each area.

mod ask;
mod cluster;
mod configs;
mod find_coordinator;
mod groups;
mod list_group_offsets;
mod list_offsets;
mod partitions;
mod read_metadata;
mod security;
mod spread;
mod topics;
mod transactions;

use crate::engine::machine::Failure;
use crate::engine::machine::NetError;
use crate::engine::machine::TopicPartition;
use crate::engine::protocol::ErrorCode;

pub use ask::Ask;
pub use cluster::{describe_cluster, describe_features};
pub use configs::{alter_configs, describe_configs, incremental_alter_configs};
pub use find_coordinator::FindCoordinator;
pub(super) use find_coordinator::{broker, coordinator};
pub use groups::{
    commit_offsets, delete_groups, delete_offsets, describe_classic_groups, describe_consumer_groups,
    describe_share_groups, describe_streams_groups, fetch_offsets, list_groups, member_bytes, remove_members,
};
pub use list_group_offsets::{CommittedOffset, ListGroupOffsets};
pub use list_offsets::ListOffsets;
pub use partitions::{
    alter_partition_reassignments, delete_records, describe_log_dirs, elect_leaders, list_partition_offsets,
    list_partition_reassignments,
};
pub use read_metadata::ReadMetadata;
pub(super) use read_metadata::{metadata_request, whole};
pub use security::{
    alter_quotas, alter_scram_credentials, create_acls, delete_acls, describe_acls, describe_quotas,
    describe_scram_credentials,
};
pub use spread::{Spread, Told};
pub use topics::{create_partitions, create_topics, delete_topics};
pub use transactions::{abort_transaction, describe_producers, describe_transactions, list_transactions};

/// Topic → partitions, as the facade names them.
type TopicPartitions = Vec<(String, Vec<i32>)>;

/// How long a broker may look for offsets, from v10 of ListOffsets on.
const LIST_OFFSETS_TIMEOUT_MS: i32 = 30_000;

/// An answer of another kind than the question: cannot happen while the network room is sound.
pub(super) const OUT_OF_STEP: Failure = Failure::Net(NetError::OutOfStep);

/// The partition, unless the broker has something against it.
fn accepted(topic: &str, partition: i32, code: ErrorCode) -> Result<TopicPartition, Failure> {
    let partition = TopicPartition { topic: topic.into(), partition };
    if code.is_err() {
        return Err(Failure::Broker { code, partition: Some(partition) });
    }
    Ok(partition)
}
