//! What a coordinator's refusal means.

use crate::engine::machine::NetError;
use crate::engine::produce::Reason;
use crate::engine::protocol::ErrorCode;

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// To be asked again.
    Retry {
        /// Of another broker: this one is not the coordinator.
        is_lost: bool,
        /// Very soon: what is in the way is the end of the transaction before, which takes milliseconds.
        is_short: bool,
    },
    /// The transaction can only be aborted.
    Doomed,
    /// Nothing can be done any more.
    Fatal,
}

const RETRY: Verdict = Verdict::Retry { is_lost: false, is_short: false };
const LOST: Verdict = Verdict::Retry { is_lost: true, is_short: false };

/// What all of these requests have in common; None = it depends on the request.
fn common(code: ErrorCode) -> Option<Verdict> {
    match code {
        ErrorCode::NOT_COORDINATOR | ErrorCode::COORDINATOR_NOT_AVAILABLE | ErrorCode::REQUEST_TIMED_OUT => {
            Some(LOST)
        }
        ErrorCode::CONCURRENT_TRANSACTIONS => Some(Verdict::Retry { is_lost: false, is_short: true }),
        ErrorCode::COORDINATOR_LOAD_IN_PROGRESS | ErrorCode::NETWORK_EXCEPTION => Some(RETRY),
        // INVALID_PRODUCER_EPOCH is what brokers before 2.8 call PRODUCER_FENCED.
        ErrorCode::PRODUCER_FENCED
        | ErrorCode::INVALID_PRODUCER_EPOCH
        | ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED
        | ErrorCode::CLUSTER_AUTHORIZATION_FAILED
        | ErrorCode::INVALID_TXN_STATE => Some(Verdict::Fatal),
        // The coordinator has forgotten us: what it knew of the transaction is gone.
        ErrorCode::TRANSACTION_ABORTABLE
        | ErrorCode::INVALID_PRODUCER_ID_MAPPING
        | ErrorCode::UNKNOWN_PRODUCER_ID => Some(Verdict::Doomed),
        _ => None,
    }
}

/// InitProducerId. With `is_ours` an id was given along.
pub(super) fn of_init(code: ErrorCode, is_ours: bool) -> Verdict {
    match code {
        // The coordinator has expired our id: a new one is as good.
        ErrorCode::INVALID_PRODUCER_ID_MAPPING | ErrorCode::UNKNOWN_PRODUCER_ID if is_ours => Verdict::Doomed,
        code => match common(code) {
            Some(Verdict::Doomed) | None => Verdict::Fatal,
            // What is in the way is somebody else's transaction, which is being aborted.
            Some(Verdict::Retry { is_lost, .. }) => Verdict::Retry { is_lost, is_short: false },
            Some(verdict) => verdict,
        },
    }
}

/// AddPartitionsToTxn, one partition.
pub(super) fn of_partition(code: ErrorCode) -> Verdict {
    match code {
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION => RETRY,
        code => common(code).unwrap_or(Verdict::Doomed),
    }
}

/// AddOffsetsToTxn.
pub(super) fn of_group(code: ErrorCode) -> Verdict {
    match code {
        ErrorCode::GROUP_AUTHORIZATION_FAILED | ErrorCode::INVALID_GROUP_ID => Verdict::Doomed,
        code => common(code).unwrap_or(Verdict::Fatal),
    }
}

/// TxnOffsetCommit, one partition. Mostly it is about the group: a member that is none any more must not commit.
pub(super) fn of_offsets(code: ErrorCode) -> Verdict {
    match code {
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION | ErrorCode::REBALANCE_IN_PROGRESS => RETRY,
        // That of a group's coordinator, whose log may be behind: the transaction's will say whether it is final.
        ErrorCode::INVALID_PRODUCER_EPOCH | ErrorCode::INVALID_TXN_STATE => Verdict::Doomed,
        code => common(code).unwrap_or(Verdict::Doomed),
    }
}

/// EndTxn.
pub(super) fn of_end(code: ErrorCode, committed: bool) -> Verdict {
    match code {
        // The coordinator has aborted it, after its timeout. The answer to our abort brings the epoch to go on in.
        ErrorCode::INVALID_TXN_STATE if committed => Verdict::Doomed,
        code => common(code).unwrap_or(Verdict::Fatal),
    }
}

/// No answer.
pub(super) fn of_silence(error: &NetError) -> Verdict {
    match error {
        NetError::UnsupportedApi { .. }
        | NetError::Authentication { .. }
        | NetError::Repelled { .. }
        | NetError::ClientClosed => Verdict::Fatal,
        _ => LOST,
    }
}

/// What a broker says without saying more.
pub(super) fn refusal(code: ErrorCode) -> Reason {
    Reason::Broker { code, message: None }
}
