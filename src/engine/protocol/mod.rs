//! The Kafka wire protocol: what a request or a response *is*, in every version that we speak. Pure.
//!
//! One file per API holds the request and response as plain structs (the union of all versions; a field names
//! the version that added it) with the version range, the first flexible version, the encoder and the decoder.
//! Decoders never panic and never allocate more than a small multiple of the bytes they were given.

pub mod api;
pub mod error;
mod error_table;
pub mod header;
pub mod primitives;

pub mod acl;
pub mod add_offsets_to_txn;
pub mod add_partitions_to_txn;
pub mod alter_client_quotas;
pub mod alter_configs;
pub mod alter_partition_reassignments;
pub mod alter_user_scram_credentials;
pub mod api_versions;
pub mod consumer_group_describe;
pub mod consumer_group_heartbeat;
pub mod create_acls;
pub mod create_partitions;
pub mod create_topics;
pub mod delete_acls;
pub mod delete_groups;
pub mod delete_records;
pub mod delete_topics;
pub mod describe_acls;
pub mod describe_client_quotas;
pub mod describe_cluster;
pub mod describe_configs;
pub mod describe_groups;
pub mod describe_log_dirs;
pub mod describe_producers;
pub mod describe_transactions;
pub mod describe_user_scram_credentials;
pub mod elect_leaders;
pub mod end_txn;
pub mod fetch;
pub mod find_coordinator;
pub mod heartbeat;
pub mod incremental_alter_configs;
pub mod init_producer_id;
pub mod join_group;
pub mod leave_group;
pub mod list_groups;
pub mod list_offsets;
pub mod list_partition_reassignments;
pub mod list_transactions;
pub mod metadata;
pub mod offset_commit;
pub mod offset_delete;
pub mod offset_fetch;
pub mod offset_for_leader_epoch;
pub mod produce;
pub mod sasl_authenticate;
pub mod sasl_handshake;
pub mod share_group_describe;
pub mod streams_group_describe;
pub mod sync_group;
pub mod txn_offset_commit;
pub mod write_txn_markers;

pub mod consumer_protocol;

pub use api::{ApiKey, Request, Response, VersionRange};
pub use consumer_protocol::{Assignment, Subscription};
pub use error::{DecodeError, ErrorCode};
pub use header::{decode_response_header, encode_frame};
pub use primitives::{Reader, TopicId, Writer};

#[cfg(test)]
mod tests;
