//! The states of a member of the consumer protocol, and the legal moves between them.
//!
//! ```text
//!          join            answered          a target without something that we own
//!   Idle ────────▶ Joining ─────────▶ Stable ─────────────────────────────────────▶ Revoking
//!    ▲              ▲  ▲             │   ▲                                             │ revoked()
//!    │              │  │ fenced, or  │   │ answered                                    │
//!    │              │  │ not known   ▼   │                                             │
//!    │              │  └─────────  Acknowledging ◀──────────────────────────────────────┘
//!    │              │     (any of these)
//!    │              │ join() meanwhile
//!    │ lost()       │
//!    ├───────── Leaving ◀── leave(), lost() ── any of the above
//!                   │
//!                   ▼
//!                  Left       Failed ◀── a fatal refusal; leave() takes it to Left
//! ```

use std::collections::BTreeSet;

use crate::engine::machine::TopicPartition;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// Not a member, and not asked to be one.
    Idle,
    /// The heartbeat that joins (epoch 0) is due or outstanding.
    Joining,
    /// The owner gives these up, which are not in the target assignment.
    Revoking { partitions: BTreeSet<TopicPartition> },
    /// The heartbeat that tells the coordinator what we own now is due or outstanding.
    Acknowledging,
    /// A member whose assignment is the target assignment, as far as we know.
    Stable,
    /// The heartbeat that leaves (epoch -1 or -2) is due or outstanding.
    Leaving { next: Next },
    /// The end.
    Left,
    /// The other end.
    Failed,
}

/// Where Leaving leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Left,
    Idle,
    /// `join` was called meanwhile.
    Join,
}

impl State {
    /// The diagram above as a table.
    pub(super) fn may_become(&self, to: &State) -> bool {
        use State::*;
        match to {
            Joining => matches!(self, Idle | Joining | Revoking { .. } | Acknowledging | Stable),
            Revoking { .. } => matches!(self, Revoking { .. } | Acknowledging | Stable),
            Acknowledging => matches!(self, Joining | Revoking { .. } | Acknowledging | Stable),
            Stable => matches!(self, Joining | Revoking { .. } | Acknowledging),
            Leaving { .. } => matches!(self, Joining | Revoking { .. } | Acknowledging | Stable),
            Idle => !matches!(self, Idle | Left | Failed),
            Left => !matches!(self, Left),
            Failed => !matches!(self, Idle | Leaving { .. } | Left | Failed),
        }
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            State::Idle => "Idle",
            State::Joining => "Joining",
            State::Revoking { .. } => "Revoking",
            State::Acknowledging => "Acknowledging",
            State::Stable => "Stable",
            State::Leaving { .. } => "Leaving",
            State::Left => "Left",
            State::Failed => "Failed",
        }
    }
}
