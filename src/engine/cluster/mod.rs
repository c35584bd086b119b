//! What we know of the cluster: brokers, topics and their leaders, the group's coordinator. Pure.

mod machine;
mod metadata;
mod survey;
#[cfg(test)]
mod tests;

pub use machine::{Cluster, ClusterConfig, Event};
pub use metadata::{Change, Leader, Metadata};
