//! The admin client: any number of calls at once, each a few requests to the brokers that know. Pure.
//!
//! ```text
//! machine    the calls that run; requests and answers by number
//! call       what all calls have in common: look up the brokers, ask each of them, make one answer of theirs
//! calls/     what each of them has of its own, one file for a call; `Ask` is all those that are one
//!            request to one broker, `Spread` those that several brokers answer in parts
//! ```
//!
//! A call is one attempt: the facade tries again what [`Failure`] calls retriable, as kafkajs does, and as often as its user
//! wants. Nothing is kept between two calls: each looks up its brokers anew, so that another attempt finds what has moved. The first error
//! ends a call, but for those that answer in parts: there a part has an error of its own, and the facade asks again for that
//! part alone.

mod call;
mod calls;
mod machine;
#[cfg(test)]
mod tests;

use std::any::Any;

use crate::engine::machine::Failure;
use crate::engine::protocol::metadata::MetadataBroker;
use crate::engine::protocol::metadata::MetadataResponse;

pub use call::{Asked, Call, Found, Recipient};
pub use calls::{
    Ask, CommittedOffset, FindCoordinator, ListGroupOffsets, ListOffsets, ReadMetadata, Spread, Told,
};
pub use calls::{
    abort_transaction, alter_quotas, alter_scram_credentials, commit_offsets, create_acls, delete_acls,
    delete_groups, delete_offsets, describe_acls, describe_classic_groups, describe_consumer_groups,
    describe_producers, describe_quotas, describe_scram_credentials, describe_share_groups,
    describe_streams_groups, describe_transactions, fetch_offsets, list_groups, list_transactions,
    member_bytes, remove_members,
};
pub use calls::{
    alter_configs, alter_partition_reassignments, create_partitions, create_topics, delete_records,
    delete_topics, describe_cluster, describe_configs, describe_features, describe_log_dirs, elect_leaders,
    incremental_alter_configs, list_partition_offsets, list_partition_reassignments,
};
pub use machine::Admin;

/// What the machine tells.
#[derive(Debug)]
pub enum Event {
    /// A broker has told this of the cluster, for whichever call.
    Metadata(MetadataResponse),
    /// A broker has named this one as a coordinator. It is to be known when the requests are sent that were polled before.
    Broker(MetadataBroker),
    /// A call has ended.
    Done {
        /// From [`Admin::call`].
        ticket: u64,
        /// Its [`Call::Answer`].
        result: Result<Box<dyn Any + Send>, Failure>,
    },
}
