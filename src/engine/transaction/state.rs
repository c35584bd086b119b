//! Where a transactional producer is.
//!
//! ```text
//!                    begin                    answered
//!  Uninitialized ────────────► Initializing ──────────────┐
//!     ▲   ▲                         │ not in time         ▼      commit, abort           answered
//!     │   └─────────────────────────┘           begin ─► Open ───────────────► Ending ─────────────► Ready ─► (begin)
//!     │                                                   │                    ▲  │ │
//!     │                     something has failed for good │                    │  │ │ aborted (v1): the epoch is raised first
//!     │                                                   ▼        abort       │  │ │
//!     │                                                 Doomed ────────────────┘  │ │
//!     │                                                   ▲      cannot commit    │ │
//!     │                                                   └───────────────────────┘ │
//!     └─────────────────────────────────────────────────────────────────────────────┘
//!
//!  Ready: where it is time to ask for the protocol, begin leads to Initializing first.
//!  Fatal: from everywhere, for good.
//! ```

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use crate::engine::machine::TopicPartition;
use crate::engine::produce::Reason;

use super::Offsets;

/// See the module's documentation.
#[derive(Debug)]
pub(super) enum State {
    Uninitialized,
    Initializing {
        /// Whom to tell.
        ticket: u64,
        until: Instant,
        /// The protocol of the producer that is known already; only another one needs another epoch.
        known: Option<Protocol>,
    },
    Ready,
    Open(Open),
    /// Because of this.
    Doomed(Open, Reason),
    Ending(Ending),
    Fatal(Reason),
}

/// What belongs to the transaction.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) protocol: Protocol,
    pub(super) partitions: BTreeMap<TopicPartition, Membership>,
    pub(super) groups: BTreeSet<Arc<str>>,
    pub(super) offsets: VecDeque<OffsetsCall>,
    pub(super) started: Started,
    /// Its end was asked for, and not answered: it may be carried out, now or later.
    pub(super) is_in_doubt: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Membership {
    Wanted,
    In,
}

/// A `send_offsets` that is not answered.
#[derive(Debug)]
pub(super) struct OffsetsCall {
    pub(super) ticket: u64,
    pub(super) offsets: Offsets,
    pub(super) until: Instant,
}

/// A commit or an abort.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) transaction: Open,
    /// Whom to tell; None = nobody any more: it takes too long, or the producer is closing.
    pub(super) ticket: Option<u64>,
    pub(super) committed: bool,
    pub(super) until: Instant,
}

/// Does the coordinator know of the transaction? Then it has to be ended there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Started {
    No,
    /// It was told, and has not answered.
    Perhaps,
    Yes,
}

/// How transactions are spoken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// The coordinator is told of each partition and group first.
    V1,
    /// They join by being written to; each transaction has an epoch of its own (KIP-890).
    V2,
}

impl Open {
    pub(super) fn new(protocol: Protocol) -> Open {
        Open {
            protocol,
            partitions: BTreeMap::new(),
            groups: BTreeSet::new(),
            offsets: VecDeque::new(),
            started: Started::No,
            is_in_doubt: false,
        }
    }

    /// The partitions of which the coordinator does not know yet.
    pub(super) fn wanted(&self) -> Vec<TopicPartition> {
        let wanted = self.partitions.iter().filter(|(_, place)| **place == Membership::Wanted);
        wanted.map(|(partition, _)| partition.clone()).collect()
    }

    /// The first call whose group the coordinator has still to be told of.
    pub(super) fn group_to_add(&self) -> Option<&Arc<str>> {
        let group = &self.offsets.front()?.offsets.group.group_id;
        (self.protocol == Protocol::V1 && !self.groups.contains(group)).then_some(group)
    }
}

impl State {
    pub(super) fn name(&self) -> &'static str {
        match self {
            State::Uninitialized => "uninitialized",
            State::Initializing { .. } => "initializing",
            State::Ready => "ready",
            State::Open(_) => "open",
            State::Doomed(..) => "doomed",
            State::Ending(Ending { committed: true, .. }) => "committing",
            State::Ending(_) => "aborting",
            State::Fatal(_) => "fatal",
        }
    }

    pub(super) fn may_become(&self, to: &State) -> bool {
        match (self, to) {
            (State::Fatal(_), _) => false,
            (_, State::Fatal(_)) => true,
            (State::Uninitialized, to) => matches!(to, State::Initializing { .. }),
            (State::Initializing { .. }, to) => matches!(to, State::Uninitialized | State::Open(_)),
            (State::Ready, to) => matches!(to, State::Open(_) | State::Initializing { .. }),
            (State::Open(_), to) => matches!(to, State::Doomed(..) | State::Ending(_)),
            (State::Doomed(..), to) => matches!(to, State::Ending(Ending { committed: false, .. })),
            (State::Ending(_), to) => matches!(to, State::Ready | State::Uninitialized | State::Doomed(..)),
        }
    }

    /// The transaction that may still grow: one that is to be committed waits for what was sent before.
    pub(super) fn growing(&mut self) -> Option<&mut Open> {
        match self {
            State::Open(open) => Some(open),
            State::Ending(Ending { committed: true, transaction, .. }) => Some(transaction),
            _ => None,
        }
    }

    /// See [`State::growing`].
    pub(super) fn grown(&self) -> Option<&Open> {
        match self {
            State::Open(open) => Some(open),
            State::Ending(Ending { committed: true, transaction, .. }) => Some(transaction),
            _ => None,
        }
    }
}
