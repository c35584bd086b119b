//! What a refusal means. Codes that are not named are fatal: retrying what we do not understand would hide it.

use crate::engine::machine::Failure;
use crate::engine::machine::NetError;
use crate::engine::protocol::ApiKey;
use crate::engine::protocol::ErrorCode;

/// What to do about a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// The same again after a back-off.
    Retry,
    /// The same at the right coordinator, after a back-off.
    FindCoordinator,
    /// Join again with the member id that came with the refusal (KIP-394).
    TakeMemberId,
    /// The group goes on to its next generation: join it.
    Rejoin,
    /// Our generation is over: join again as the same member.
    ForgetGeneration,
    /// The coordinator does not know us: join again as a new member.
    ForgetMember,
    /// Give up.
    Fatal,
}

/// Why a request was refused or not answered, and what to do about it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RequestError {
    pub(super) action: Action,
    pub(super) failure: Failure,
}

impl RequestError {
    /// The coordinator refused a request of this API.
    pub(super) fn of(api: ApiKey, code: ErrorCode) -> RequestError {
        let code = match code {
            // A coordinator without the group knows no member of it, and mostly says so; not when it cannot turn a group
            // of KIP-848 back into a classic one, for instance. UNKNOWN_MEMBER_ID is what users know.
            ErrorCode::GROUP_ID_NOT_FOUND => ErrorCode::UNKNOWN_MEMBER_ID,
            code => code,
        };
        let action = match (api, code) {
            (ApiKey::JoinGroup, ErrorCode::MEMBER_ID_REQUIRED) => Action::TakeMemberId,
            (_, ErrorCode::COORDINATOR_LOAD_IN_PROGRESS) => Action::Retry,
            (_, ErrorCode::COORDINATOR_NOT_AVAILABLE | ErrorCode::NOT_COORDINATOR) => Action::FindCoordinator,
            (_, ErrorCode::REBALANCE_IN_PROGRESS) => Action::Rejoin,
            // We have joined with what the group had in common. It has become one of KIP-848 since, where the first of our
            // own protocols counts: JoinGroup tells which. If the group is not for us at all, it tells that.
            (ApiKey::SyncGroup, ErrorCode::INCONSISTENT_GROUP_PROTOCOL) => Action::Rejoin,
            (_, ErrorCode::ILLEGAL_GENERATION) => Action::ForgetGeneration,
            (_, ErrorCode::UNKNOWN_MEMBER_ID) => Action::ForgetMember,
            // GROUP_AUTHORIZATION_FAILED, INVALID_GROUP_ID, INVALID_SESSION_TIMEOUT, INCONSISTENT_GROUP_PROTOCOL,
            // GROUP_MAX_SIZE_REACHED, FENCED_INSTANCE_ID, and what we do not know.
            _ => Action::Fatal,
        };
        RequestError { action, failure: Failure::Broker { code, partition: None } }
    }

    /// There was no answer.
    pub(super) fn of_network(error: NetError) -> RequestError {
        let action = match error {
            NetError::Connect { .. }
            | NetError::Closed { .. }
            | NetError::Timeout { .. }
            | NetError::Decode { .. }
            | NetError::OutOfStep
            | NetError::NoBroker => Action::FindCoordinator,
            NetError::UnsupportedApi { .. }
            | NetError::Authentication { .. }
            | NetError::Repelled { .. }
            | NetError::ClientClosed => Action::Fatal,
        };
        RequestError { action, failure: Failure::Net(error) }
    }

    /// The broker's code; None when there was no answer.
    pub(super) fn code(&self) -> Option<ErrorCode> {
        match self.failure {
            Failure::Broker { code, .. } => Some(code),
            _ => None,
        }
    }

    /// For a line of its own: with the broker, or the name of the code.
    pub(super) fn told(&self) -> String {
        match &self.failure {
            Failure::Broker { code, .. } => format!("{}: {}", code.name(), code.message()),
            Failure::Net(error) => error.told(),
            _ => self.message(),
        }
    }

    /// For the log.
    pub(super) fn message(&self) -> String {
        match &self.failure {
            Failure::Broker { code, .. } => code.message().into_owned(),
            Failure::Net(error) => error.to_string(),
            other => format!("{other:?}"),
        }
    }
}
