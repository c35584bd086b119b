//! The states and the legal moves between them.
//!
//! ```text
//!           join                protocols()            leader
//!   Idle ─────────▶ Preparing ──────────────▶ Joining ────────▶ Assigning
//!    ▲               ▲  ▲  ▲                   │    │ follower     │ assignments()
//!    │               │  │  └─ refused, or out ─┤    ▼              ▼
//!    │               │  │     of date          └─ Syncing ◀────────┘
//!    │     revoked() │  │ Lost                      │
//!    │               │  └────── cooperative ─────── ▼
//!    │            Revoking ◀────────────────────  Stable
//!    │                     rebalance, rejoin; cooperative: after the join
//!    │ lost()
//!    ├───────────── Leaving ◀── leave(), lost() ── any of the above
//!                      │
//!                      ▼
//!                     Left        Failed ◀── any but Idle and Leaving: fatal refusal, callback error;
//!                                            leave() takes it to Leaving or Left
//! ```

use crate::engine::machine::Owned;
use crate::engine::protocol::join_group::JoinGroupProtocol;
use crate::engine::protocol::sync_group::SyncGroupAssignment;

#[derive(Debug, Clone)]
pub(super) enum MemberState {
    /// Not a member, and not asked to be one.
    Idle,
    /// The owner gives these back.
    Revoking { partitions: Owned },
    /// The owner writes its subscriptions.
    Preparing,
    /// JoinGroup is due or outstanding.
    Joining { protocols: Vec<JoinGroupProtocol> },
    /// The owner, our group's leader, computes the assignment.
    Assigning { round: Round },
    /// SyncGroup is due or outstanding.
    Syncing { round: Round, assignments: Vec<SyncGroupAssignment> },
    /// A member of the current generation, as far as we know.
    Stable,
    /// LeaveGroup is due or outstanding, or waits for the answer to the first JoinGroup. `beside`: a request that was
    /// given up still holds the coordinator's connection.
    Leaving { next: Next, reason: String, beside: bool },
    /// The end.
    Left,
    /// The other end.
    Failed,
}

/// What JoinGroup told about the generation.
#[derive(Debug, Clone)]
pub(super) struct Round {
    pub(super) protocol: String,
    pub(super) leader: String,
}

/// What shows that a session that may be over ([`Group::valid_until`]) is not. An answer to Heartbeat does not: a coordinator that is
/// still loading the group says that all is well to whoever asks, and so does one that stood still while its successor was
/// chosen. So another broker is asked who the coordinator is ([`Search`]), that one whether we are a member (SyncGroup, which it
/// knows only when it has the group, and which changes nothing), and then for a Heartbeat.
///
/// [`Group::valid_until`]: super::Group::valid_until
/// [`Search`]: crate::engine::group::search::Search
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// The coordinator is asked by SyncGroup, once it is found and if there is still a doubt.
    Wanted,
    /// It has the group, so all answers to the next Heartbeat count.
    Given,
    /// The group rebalances, by the word of somebody who may not know: a former coordinator, or SyncGroup of one that is loading.
    /// That one says to a Heartbeat that all is well, so an answer to the next one counts if it is again that the group rebalances.
    Rebalance,
}

/// Where Leaving leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Left,
    Idle,
    /// `join` was called meanwhile.
    Join,
}

impl MemberState {
    /// The diagram above as a table.
    pub(super) fn may_become(&self, to: &MemberState) -> bool {
        use MemberState::*;
        match to {
            Preparing => !matches!(self, Leaving { .. } | Left | Failed),
            Joining { .. } => matches!(self, Preparing),
            Assigning { .. } => matches!(self, Joining { .. }),
            Syncing { .. } => matches!(self, Joining { .. } | Assigning { .. }),
            Stable => matches!(self, Syncing { .. }),
            Revoking { .. } => matches!(self, Stable),
            Leaving { .. } => !matches!(self, Idle | Leaving { .. } | Left),
            Idle => !matches!(self, Idle | Left | Failed),
            Left => !matches!(self, Left),
            Failed => !matches!(self, Idle | Leaving { .. } | Left | Failed),
        }
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            MemberState::Idle => "Idle",
            MemberState::Revoking { .. } => "Revoking",
            MemberState::Preparing => "Preparing",
            MemberState::Joining { .. } => "Joining",
            MemberState::Assigning { .. } => "Assigning",
            MemberState::Syncing { .. } => "Syncing",
            MemberState::Stable => "Stable",
            MemberState::Leaving { .. } => "Leaving",
            MemberState::Left => "Left",
            MemberState::Failed => "Failed",
        }
    }
}
