//! One producer: the room where sends meet the cluster's metadata. Pure.
//!
//! ```text
//! machine    the machines that a producer is made of, and what each of them tells the other
//! transact   what users want of its transactions
//! ```
//! What becomes of messages is `produce`'s to decide, who leads a partition and coordinates a transaction `cluster`'s, and what
//! belongs to a transaction `transaction`'s.

mod machine;
#[cfg(test)]
mod tests;
mod transact;

use crate::engine::machine::Log;
use crate::engine::protocol::metadata::MetadataBroker;

pub use crate::engine::cluster::{ClusterConfig, News};
pub use crate::engine::produce::{
    Answer, FailedPart, FailedSend, Idempotence, PackJob, Packed, Partitioner, ProduceConfig, Reason, Row,
    Submitted,
};
pub use crate::engine::transaction::{GroupMetadata, Offsets, TransactionConfig, Trouble};
pub use machine::{Producer, Tag};

/// Everything that a producer must be told. Defaults belong to the facade.
#[derive(Debug, Clone)]
pub struct ProducerConfig {
    /// Of its messages.
    pub produce: ProduceConfig,
    /// Of its metadata.
    pub cluster: ClusterConfig,
    /// Of its transactions, if all that it sends belongs to some.
    pub transaction: Option<TransactionConfig>,
}

/// What the producer tells its owner.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// To those who send.
    Answer(Answer),
    /// The answer to [`Producer::is_identified`] is known: see [`produce::Event::Identified`](crate::engine::produce::Event).
    Identified(Result<(), Reason>),
    /// How a call about a transaction ended.
    Transacted {
        /// Which call.
        ticket: u64,
        /// How.
        result: Result<(), Trouble>,
    },
    /// The end of [`Producer::close`].
    Closed,
    /// The brokers and their addresses have changed: for the network, before the requests that were polled with this.
    Brokers(Vec<MetadataBroker>),
    /// For the other clients of this cluster, see [`Producer::hear`].
    News(News),
    /// For the user's log.
    Log(Log),
}
