//! What an answer means for a batch.

use crate::engine::machine::NetError;
use crate::engine::protocol::ErrorCode;

/// May an attempt have been written although it was not acknowledged?
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Doubt {
    No,
    /// A leader that has lost its office, or its disk, says so of what it has appended, too: the next leader may have it. Mostly it was
    /// none to begin with.
    Slight,
    /// It was not answered, or in a way that says so.
    Strong,
}

/// What becomes of a batch that was not simply written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It was written before: the answer to an earlier attempt was lost.
    Duplicate,
    /// It may succeed later.
    Retry {
        /// Its leader may be another one.
        is_stale: bool,
        doubt: Doubt,
    },
    /// It may very soon: the brokers are not done with the end of the transaction before. Nothing is wrong.
    Soon,
    /// What comes before it by its sequence is not in the log.
    Gap,
    /// Its producer id or epoch does not count any more.
    Fenced,
    /// It is larger than the broker takes.
    TooLarge,
    /// It will not be written.
    Refused { doubt: Doubt },
}

/// What a broker's code says. `numbered`: the batch carries a sequence.
pub(super) fn of_code(code: ErrorCode, numbered: bool) -> Verdict {
    match code {
        ErrorCode::DUPLICATE_SEQUENCE_NUMBER if numbered => Verdict::Duplicate,
        // UNKNOWN_PRODUCER_ID: the broker has forgotten us, with our last records (brokers before 2.5).
        ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER | ErrorCode::UNKNOWN_PRODUCER_ID if numbered => Verdict::Gap,
        ErrorCode::INVALID_PRODUCER_EPOCH | ErrorCode::PRODUCER_FENCED if numbered => Verdict::Fenced,
        ErrorCode::MESSAGE_TOO_LARGE | ErrorCode::RECORD_LIST_TOO_LARGE => Verdict::TooLarge,
        ErrorCode::NOT_LEADER_OR_FOLLOWER | ErrorCode::KAFKA_STORAGE_ERROR => {
            Verdict::Retry { is_stale: true, doubt: Doubt::Slight }
        }
        ErrorCode::CONCURRENT_TRANSACTIONS => Verdict::Soon,
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
        | ErrorCode::LEADER_NOT_AVAILABLE
        | ErrorCode::REPLICA_NOT_AVAILABLE
        | ErrorCode::FENCED_LEADER_EPOCH
        | ErrorCode::UNKNOWN_LEADER_EPOCH
        | ErrorCode::UNKNOWN_TOPIC_ID
        | ErrorCode::INCONSISTENT_TOPIC_ID => Verdict::Retry { is_stale: true, doubt: Doubt::No },
        // The leader has it; the replicas may get it yet.
        ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND
        | ErrorCode::REQUEST_TIMED_OUT
        | ErrorCode::NETWORK_EXCEPTION => Verdict::Retry { is_stale: false, doubt: Doubt::Strong },
        code if code.retriable() => Verdict::Retry { is_stale: false, doubt: Doubt::No },
        ErrorCode::UNKNOWN_SERVER_ERROR => Verdict::Refused { doubt: Doubt::Strong },
        _ => Verdict::Refused { doubt: Doubt::No },
    }
}

/// What it means that there is no answer.
pub(super) fn of_silence(error: &NetError) -> Verdict {
    match error {
        NetError::Connect { .. } | NetError::NoBroker => Verdict::Retry { is_stale: true, doubt: Doubt::No },
        NetError::UnsupportedApi { .. } | NetError::Authentication { .. } => {
            Verdict::Refused { doubt: Doubt::No }
        }
        NetError::ClientClosed | NetError::Repelled { .. } => Verdict::Refused { doubt: Doubt::Strong },
        _ => Verdict::Retry { is_stale: true, doubt: Doubt::Strong },
    }
}
