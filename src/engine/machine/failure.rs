//! What ends a consumer, or an operation of its user: facts as data. The facade makes kafkajs's error classes of it.

use std::sync::Arc;

use crate::engine::machine::NetError;
use crate::engine::protocol::ErrorCode;

use super::{CoordinatorKey, TopicPartition};

/// Why something failed for good.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// A broker said no.
    Broker {
        /// Its code.
        code: ErrorCode,
        /// Which partition it was about, if one.
        partition: Option<TopicPartition>,
    },
    /// A broker said no, in words of its own.
    Refused {
        /// Its code.
        code: ErrorCode,
        /// Its words.
        message: String,
    },
    /// No answer.
    Net(NetError),
    /// The metadata has no broker with this node id.
    UnknownBroker(i32),
    /// No broker could name a coordinator, and trying again would not help.
    CoordinatorNotFound {
        /// Whose.
        key: CoordinatorKey,
        /// Why.
        cause: Box<Failure>,
    },
    /// The position lies outside the log and the user chose not to reset it.
    OffsetOutOfRange(TopicPartition),
    /// The partition's data cannot be read: checksum, compression or format.
    Records {
        /// Whose data.
        partition: TopicPartition,
        /// Where in it.
        offset: i64,
        /// What is wrong.
        message: Arc<str>,
    },
    /// An assigner or another callback of the user's failed; the facade holds the original error.
    Callback(String),
    /// We have panicked, which is our bug.
    Bug(String),
    /// The consumer is stopping or has stopped.
    Stopped,
}
