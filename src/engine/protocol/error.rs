//! Broker error codes, and what can go wrong between us and a broker.

use std::borrow::Cow;
use std::fmt;

use super::error_table::row;

/// An error code as a broker sends it. Unknown codes are kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ErrorCode(pub i16);

#[allow(missing_docs, reason = "the names are Kafka's own; the table below carries the messages")]
impl ErrorCode {
    pub const UNKNOWN_SERVER_ERROR: ErrorCode = ErrorCode(-1);
    pub const NONE: ErrorCode = ErrorCode(0);
    pub const OFFSET_OUT_OF_RANGE: ErrorCode = ErrorCode(1);
    pub const CORRUPT_MESSAGE: ErrorCode = ErrorCode(2);
    pub const UNKNOWN_TOPIC_OR_PARTITION: ErrorCode = ErrorCode(3);
    pub const LEADER_NOT_AVAILABLE: ErrorCode = ErrorCode(5);
    pub const NOT_LEADER_OR_FOLLOWER: ErrorCode = ErrorCode(6);
    pub const REQUEST_TIMED_OUT: ErrorCode = ErrorCode(7);
    pub const REPLICA_NOT_AVAILABLE: ErrorCode = ErrorCode(9);
    pub const MESSAGE_TOO_LARGE: ErrorCode = ErrorCode(10);
    pub const OFFSET_METADATA_TOO_LARGE: ErrorCode = ErrorCode(12);
    pub const NETWORK_EXCEPTION: ErrorCode = ErrorCode(13);
    pub const COORDINATOR_LOAD_IN_PROGRESS: ErrorCode = ErrorCode(14);
    pub const COORDINATOR_NOT_AVAILABLE: ErrorCode = ErrorCode(15);
    pub const NOT_COORDINATOR: ErrorCode = ErrorCode(16);
    pub const INVALID_TOPIC_EXCEPTION: ErrorCode = ErrorCode(17);
    pub const RECORD_LIST_TOO_LARGE: ErrorCode = ErrorCode(18);
    pub const NOT_ENOUGH_REPLICAS: ErrorCode = ErrorCode(19);
    pub const NOT_ENOUGH_REPLICAS_AFTER_APPEND: ErrorCode = ErrorCode(20);
    pub const ILLEGAL_GENERATION: ErrorCode = ErrorCode(22);
    pub const INCONSISTENT_GROUP_PROTOCOL: ErrorCode = ErrorCode(23);
    pub const INVALID_GROUP_ID: ErrorCode = ErrorCode(24);
    pub const UNKNOWN_MEMBER_ID: ErrorCode = ErrorCode(25);
    pub const INVALID_SESSION_TIMEOUT: ErrorCode = ErrorCode(26);
    pub const REBALANCE_IN_PROGRESS: ErrorCode = ErrorCode(27);
    pub const TOPIC_AUTHORIZATION_FAILED: ErrorCode = ErrorCode(29);
    pub const GROUP_AUTHORIZATION_FAILED: ErrorCode = ErrorCode(30);
    pub const CLUSTER_AUTHORIZATION_FAILED: ErrorCode = ErrorCode(31);
    pub const UNSUPPORTED_SASL_MECHANISM: ErrorCode = ErrorCode(33);
    pub const ILLEGAL_SASL_STATE: ErrorCode = ErrorCode(34);
    pub const UNSUPPORTED_VERSION: ErrorCode = ErrorCode(35);
    pub const NOT_CONTROLLER: ErrorCode = ErrorCode(41);
    pub const OUT_OF_ORDER_SEQUENCE_NUMBER: ErrorCode = ErrorCode(45);
    pub const DUPLICATE_SEQUENCE_NUMBER: ErrorCode = ErrorCode(46);
    pub const INVALID_PRODUCER_EPOCH: ErrorCode = ErrorCode(47);
    pub const INVALID_TXN_STATE: ErrorCode = ErrorCode(48);
    pub const INVALID_PRODUCER_ID_MAPPING: ErrorCode = ErrorCode(49);
    pub const CONCURRENT_TRANSACTIONS: ErrorCode = ErrorCode(51);
    pub const TRANSACTIONAL_ID_AUTHORIZATION_FAILED: ErrorCode = ErrorCode(53);
    pub const OPERATION_NOT_ATTEMPTED: ErrorCode = ErrorCode(55);
    pub const KAFKA_STORAGE_ERROR: ErrorCode = ErrorCode(56);
    pub const SASL_AUTHENTICATION_FAILED: ErrorCode = ErrorCode(58);
    pub const UNKNOWN_PRODUCER_ID: ErrorCode = ErrorCode(59);
    pub const GROUP_ID_NOT_FOUND: ErrorCode = ErrorCode(69);
    pub const FETCH_SESSION_ID_NOT_FOUND: ErrorCode = ErrorCode(70);
    pub const INVALID_FETCH_SESSION_EPOCH: ErrorCode = ErrorCode(71);
    pub const FENCED_LEADER_EPOCH: ErrorCode = ErrorCode(74);
    pub const UNKNOWN_LEADER_EPOCH: ErrorCode = ErrorCode(75);
    pub const OFFSET_NOT_AVAILABLE: ErrorCode = ErrorCode(78);
    pub const MEMBER_ID_REQUIRED: ErrorCode = ErrorCode(79);
    pub const GROUP_MAX_SIZE_REACHED: ErrorCode = ErrorCode(81);
    pub const FENCED_INSTANCE_ID: ErrorCode = ErrorCode(82);
    pub const UNSTABLE_OFFSET_COMMIT: ErrorCode = ErrorCode(88);
    pub const PRODUCER_FENCED: ErrorCode = ErrorCode(90);
    pub const UNKNOWN_TOPIC_ID: ErrorCode = ErrorCode(100);
    pub const INCONSISTENT_TOPIC_ID: ErrorCode = ErrorCode(103);
    pub const FETCH_SESSION_TOPIC_ID_ERROR: ErrorCode = ErrorCode(106);
    pub const FENCED_MEMBER_EPOCH: ErrorCode = ErrorCode(110);
    pub const UNRELEASED_INSTANCE_ID: ErrorCode = ErrorCode(111);
    pub const UNSUPPORTED_ASSIGNOR: ErrorCode = ErrorCode(112);
    pub const STALE_MEMBER_EPOCH: ErrorCode = ErrorCode(113);
    pub const TRANSACTION_ABORTABLE: ErrorCode = ErrorCode(120);
    pub const REBOOTSTRAP_REQUIRED: ErrorCode = ErrorCode(129);
}

impl ErrorCode {
    /// Is this anything but NONE?
    pub fn is_err(self) -> bool {
        self != ErrorCode::NONE
    }

    /// kafkajs's name of the code (its error's `type`), Kafka's own from 89 on, `KAFKAJS_UNKNOWN_ERROR_CODE` for a
    /// code that we do not know. Below 89 it can be older than the constant: NOT_LEADER_FOR_PARTITION, not
    /// NOT_LEADER_OR_FOLLOWER.
    pub fn name(self) -> &'static str {
        row(self).map_or("KAFKAJS_UNKNOWN_ERROR_CODE", |row| row.name)
    }

    /// kafkajs's words for the code.
    pub fn message(self) -> Cow<'static, str> {
        match row(self) {
            Some(row) => Cow::Borrowed(row.message),
            None => Cow::Owned(format!("Unknown error code {}", self.0)),
        }
    }

    /// Can the same request succeed later, in kafkajs's opinion? The rooms decide by what a code means to them; this
    /// is for errors that reach the user.
    pub fn retriable(self) -> bool {
        row(self).is_some_and(|row| row.retriable)
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ErrorCode({} {})", self.0, self.name())
    }
}

/// Bytes that are not what the protocol says. The peer is at fault, or we are out of step with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The input ended inside a field.
    #[error("the input ends {missing} bytes early")]
    Truncated {
        /// How many more bytes the field wanted.
        missing: usize,
    },
    /// A length, count or value that cannot be.
    #[error("invalid {what}: {value}")]
    Invalid {
        /// Which field.
        what: &'static str,
        /// The offending value.
        value: i64,
    },
    /// The process cannot have the memory for an array.
    #[error("there is no memory for an array of {bytes} bytes")]
    NoMemory {
        /// How much was asked for, bytes.
        bytes: usize,
    },
    /// A string that is not UTF-8.
    #[error("a string is not UTF-8")]
    NotUtf8,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_kafkajs_users_know() {
        assert_eq!(ErrorCode::UNKNOWN_SERVER_ERROR.name(), "UNKNOWN");
        assert_eq!(ErrorCode::NOT_LEADER_OR_FOLLOWER.name(), "NOT_LEADER_FOR_PARTITION");
        assert_eq!(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS.name(), "GROUP_LOAD_IN_PROGRESS");
        assert_eq!(ErrorCode::COORDINATOR_NOT_AVAILABLE.name(), "GROUP_COORDINATOR_NOT_AVAILABLE");
        assert_eq!(ErrorCode::NOT_COORDINATOR.name(), "NOT_COORDINATOR_FOR_GROUP");
        assert_eq!(ErrorCode::UNKNOWN_TOPIC_ID.name(), "UNKNOWN_TOPIC_ID");
    }

    #[test]
    fn an_unknown_code_keeps_its_number() {
        let code = ErrorCode(1234);
        assert_eq!(code.name(), "KAFKAJS_UNKNOWN_ERROR_CODE");
        assert_eq!(code.message(), "Unknown error code 1234");
        assert!(!code.retriable() && code.is_err());
    }

    #[test]
    fn rows_belong_to_their_codes() {
        assert!(ErrorCode::UNSTABLE_OFFSET_COMMIT.retriable());
        assert!(!ErrorCode::REBALANCE_IN_PROGRESS.retriable());
        assert_eq!(ErrorCode::REQUEST_TIMED_OUT.message(), "The request timed out");
        assert_eq!(ErrorCode(129).name(), "REBOOTSTRAP_REQUIRED");
    }
}
