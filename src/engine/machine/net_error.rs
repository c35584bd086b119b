//! What became of a request that was not answered.

use std::borrow::Cow;
use std::time::Duration;

use crate::engine::protocol::ApiKey;
use crate::engine::protocol::DecodeError;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::VersionRange;

use super::seconds;

/// Why a request got no answer. Says whether the request may have reached the broker only through its variant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetError {
    /// The connection could not be made.
    #[error("{message}")]
    Connect {
        /// `host:port`.
        broker: String,
        /// Node's name of the error where it has one (`ECONNREFUSED`), or the user's.
        code: Option<Cow<'static, str>>,
        /// kafkajs's words.
        message: String,
    },
    /// The broker closed the connection, or it broke.
    #[error("Closed connection")]
    Closed {
        /// `host:port`.
        broker: String,
    },
    /// No broker has ever answered this request, and they close the connection whenever they get it.
    #[error(
        "{broker} closes the connection at each {api} request, {times} times in {}: its log says why",
        seconds(*lasted)
    )]
    Repelled {
        /// `host:port`: the last one.
        broker: String,
        /// kafkajs's name of the API.
        api: &'static str,
        /// How often in a row.
        times: u32,
        /// From the first time to the last.
        lasted: Duration,
    },
    /// No answer in time. The connection stays open.
    #[error("Request {api}(key: {key}, version: {version}) timed out")]
    Timeout {
        /// `host:port`.
        broker: String,
        /// kafkajs's name of the API.
        api: &'static str,
        /// Its key.
        key: i16,
        /// The version spoken.
        version: i16,
        /// Which request.
        correlation_id: i32,
        /// When it was made, ms since the Unix epoch.
        created_at: u64,
        /// When it was sent.
        sent_at: u64,
        /// How long it waited in between, ms.
        pending_duration: u64,
    },
    /// The broker offers no version of this API that we speak.
    #[error("The Kafka server does not support the api key {key} ({api}){}", theirs.map(versions).unwrap_or_default())]
    UnsupportedApi {
        /// kafkajs's name of the API.
        api: &'static str,
        /// Its key.
        key: i16,
        /// The versions that it has; None = it does not know the API at all.
        theirs: Option<VersionRange>,
    },
    /// The answer could not be read.
    #[error("{broker} sent an unreadable {api} response: {error}", api = api.name())]
    Decode {
        /// `host:port`.
        broker: String,
        /// Which API.
        api: ApiKey,
        /// What was wrong.
        error: DecodeError,
    },
    /// Authentication failed; trying again will not help.
    #[error("{message}")]
    Authentication {
        /// `host:port`.
        broker: String,
        /// kafkajs's words, never a secret.
        message: String,
        /// The broker's error code, where nobody has given its refusal a meaning: in the handshake, and in a round
        /// that is driven from outside.
        code: Option<ErrorCode>,
    },
    /// The answer belongs to another question: our own bug, if it ever comes.
    #[error("an answer to another question")]
    OutOfStep,
    /// The node is not in the metadata (any more), or no broker is known at all.
    #[error("No broker available")]
    NoBroker,
    /// The client is closing.
    #[error("The client is closed")]
    ClientClosed,
}

impl NetError {
    /// For the log: as the text for users, which is kafkajs's, and with the broker where that does not name it.
    pub fn told(&self) -> String {
        match self {
            NetError::Closed { broker } => format!("{broker} closed the connection: its log says why"),
            NetError::Timeout { broker, .. } => format!("{self} at {broker}"),
            NetError::Connect { broker, message, .. } if !message.contains(broker) => {
                format!("{self} ({broker})")
            }
            _ => self.to_string(),
        }
    }
}

fn versions(theirs: VersionRange) -> String {
    format!(" in a version of ours: it has {} to {}", theirs.min, theirs.max)
}
