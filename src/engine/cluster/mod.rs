//! What we know of the cluster: brokers, topics and their leaders, coordinators of groups and transactions. Pure.

mod coordinators;
mod machine;
mod metadata;
mod names;
mod news;
mod survey;
#[cfg(test)]
mod tests;
mod told;

use std::sync::Arc;
use std::time::Duration;

use crate::engine::machine::Failure;
use crate::engine::machine::Log;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::metadata::MetadataResponse;

pub use crate::engine::machine::CoordinatorKey;
pub use machine::Cluster;
pub use metadata::{Change, Leader, Metadata};
pub use news::News;

/// What the machine must know.
#[derive(Debug, Clone)]
pub struct ClusterConfig {
    /// Metadata older than this is read again.
    pub metadata_max_age: Duration,
    /// May brokers create missing topics?
    pub allow_auto_topic_creation: bool,
}

/// What the machine tells its owner.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// An answer was taken in.
    Metadata(Change),
    /// For the other clients of this cluster, see [`Cluster::hear`].
    News(News),
    /// The end of [`Cluster::survey`]: what was read. A topic that is not in it does not exist, or we are not
    /// authorized to see it.
    Surveyed(MetadataResponse),
    /// A coordinator is known. Its address is among the brokers.
    CoordinatorFound {
        /// Whose.
        key: CoordinatorKey,
        /// Its node.
        node: i32,
    },
    /// A coordinator cannot be found, and asking again will not help. It is not looked for any more.
    CoordinatorFailed {
        /// Whose.
        key: CoordinatorKey,
        /// Why.
        failure: Failure,
    },
    /// A subscribed topic that we may not read, or that cannot exist.
    TopicError {
        /// Topic.
        topic: Arc<str>,
        /// Why.
        code: ErrorCode,
    },
    /// An answer does not know this topic of ours, or says that it is not there at present. It may be about to be created; it is
    /// asked for again.
    TopicMissing {
        /// Topic.
        topic: Arc<str>,
        /// What the answer says.
        code: ErrorCode,
    },
    /// No use trying again.
    Failed(Failure),
    /// For the user.
    Log(Log),
}
