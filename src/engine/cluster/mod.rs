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

pub use crate::engine::machine::CoordinatorKey;
pub use machine::{Cluster, ClusterConfig, Event};
pub use metadata::{Change, Leader, Metadata};
pub use news::News;
