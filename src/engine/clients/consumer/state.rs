//! What the consumer is doing, and the legal moves between that.
//!
//! ```text
//!        start            joined    ┌─ joined again (cooperative)
//!  Idle ───────► Joining ───────► Stable ◄───── some released ────────────────────┐
//!                 ▲ ▲ ▲            │  │                                          │
//!                 │ │ └─── lost ───┘  └─ revoke ─► Draining(Rebalance): Lanes ─► Hook ─► Flush
//!                 │ └───────────────────────── all released, or lost ────────────┘
//!                 │
//!                 └─ progress ─ Stalled ◄─ released, or lost ─ Draining(PollInterval): Flush
//!                                                                         ▲
//!            Joining, Stable, Draining(Rebalance) ─ maxPollInterval is over ─┘
//!
//!  all of these but Idle ── stop ──► Draining(Stop): Lanes ─► Hook ─► Flush ─► Leaving ─► Stopped
//!   │                        ▲                                                       ▲
//!   └─ failure ─► Crashed ───┘                                        Idle ── stop ──┘
//! ```
//!
//! Two facts are no part of this, because each may be true or not in most of these states and follows from other events:
//! whether our session is confirmed (`session`), and whether the first positions may be looked up (`first_positions`).

use std::time::Instant;

use crate::engine::machine::LogLevel;
use crate::engine::machine::Owned;

use super::machine::Consumer;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// Not started.
    Idle,
    /// On the way into the group or into its next generation; nothing is ours.
    Joining,
    /// A member with an assignment.
    Stable,
    /// Partitions are given up in good order.
    Draining(Drain),
    /// A handler has made no progress for `max_poll_interval`: we are out of the group until it does.
    Stalled,
    /// A failure has ended delivery. We stay a member until [`Consumer::stop`].
    Crashed,
    /// Stopping: LeaveGroup is on its way, and is waited for until then.
    Leaving { until: Instant },
    /// The end.
    Stopped,
}

/// Lanes end their message, then the user's hook is called, then what is resolved is committed, then the partitions are released. Partitions that are not
/// drained go on meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Drain {
    pub(super) what: Owned,
    pub(super) why: Why,
    pub(super) step: Step,
}

/// What is to follow a drain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// The group asks for partitions; we join again.
    Rebalance,
    /// A handler hangs; we leave the group until it goes on.
    PollInterval,
    /// The user wants the end; we leave the group for good.
    Stop,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Busy lanes have until then to end their message.
    Lanes { until: Instant },
    /// The hooks that are called, or waited for, must end: each has its own bound, see `hooks`.
    Hook,
    /// Commits have until then to end. Every answer of a broker moves that, but not beyond `limit`.
    Flush { until: Instant, limit: Instant },
}

impl State {
    /// The diagram above as a table.
    fn may_become(&self, to: &State) -> bool {
        use State::{Crashed, Draining, Idle, Joining, Leaving, Stable, Stalled, Stopped};
        match to {
            Idle => false,
            Joining => matches!(self, Idle | Stable | Stalled) || self.drains_for(Why::Rebalance),
            Stable => matches!(self, Joining | Stable) || self.drains_for(Why::Rebalance),
            Draining(Drain { why: Why::Rebalance, .. }) => {
                matches!(self, Stable) || self.drains_for(Why::Rebalance)
            }
            Draining(Drain { why: Why::PollInterval, .. }) => self.heeds_poll_interval(),
            Draining(Drain { why: Why::Stop, .. }) => {
                self.is_running() || self.drains_for(Why::Stop) || matches!(self, Crashed)
            }
            Stalled => self.drains_for(Why::PollInterval),
            Crashed => self.is_running(),
            Leaving { .. } => self.drains_for(Why::Stop),
            Stopped => matches!(self, Idle | Leaving { .. }),
        }
    }

    /// Started, and neither stopping nor at an end?
    pub(super) fn is_running(&self) -> bool {
        match self {
            State::Joining | State::Stable | State::Stalled => true,
            State::Draining(Drain { why, .. }) => *why != Why::Stop,
            State::Idle | State::Crashed | State::Leaving { .. } | State::Stopped => false,
        }
    }

    /// Has the user asked for the end, and is it still to come?
    pub(super) fn is_stopping(&self) -> bool {
        matches!(self, State::Leaving { .. }) || self.drains_for(Why::Stop)
    }

    /// Are we out of the group, or about to be, because of a handler that hangs?
    pub(super) fn is_stalled(&self) -> bool {
        matches!(self, State::Stalled) || self.drains_for(Why::PollInterval)
    }

    /// Would a handler that makes no progress cost the membership?
    pub(super) fn heeds_poll_interval(&self) -> bool {
        matches!(self, State::Stable) || self.is_rebalancing()
    }

    /// On the way into the group, or into its next generation?
    pub(super) fn is_rebalancing(&self) -> bool {
        matches!(self, State::Joining) || self.drains_for(Why::Rebalance)
    }

    /// What is being given up.
    pub(super) fn drained(&self) -> Option<&Owned> {
        match self {
            State::Draining(drain) => Some(&drain.what),
            _ => None,
        }
    }

    pub(super) fn drains_for(&self, why: Why) -> bool {
        matches!(self, State::Draining(drain) if drain.why == why)
    }

    /// When the present step has taken too long.
    pub(super) fn ends_at(&self) -> Option<Instant> {
        match self {
            State::Draining(Drain { step: Step::Lanes { until } | Step::Flush { until, .. }, .. })
            | State::Leaving { until } => Some(*until),
            _ => None,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            State::Idle => "Idle",
            State::Joining => "Joining",
            State::Stable => "Stable",
            State::Draining(Drain { step: Step::Lanes { .. }, .. }) => "Draining (lanes)",
            State::Draining(Drain { step: Step::Hook, .. }) => "Draining (hook)",
            State::Draining(Drain { step: Step::Flush { .. }, .. }) => "Draining (commits)",
            State::Stalled => "Stalled",
            State::Crashed => "Crashed",
            State::Leaving { .. } => "Leaving",
            State::Stopped => "Stopped",
        }
    }
}

impl Consumer {
    /// Every change of state goes through here.
    pub(super) fn transition(&mut self, to: State) {
        let legal = self.state.may_become(&to);
        let (level, message) = LogLevel::of_transition("Consumer", self.state.name(), to.name(), legal);
        self.remark(level, message);
        // Staying is safe: an end stays an end, and in every other state an answer, a timer or the user moves us on.
        if legal {
            self.state = to;
        }
    }
}
