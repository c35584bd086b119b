//! When the positions of newly assigned partitions are looked up: after the user's code has heard of the join and had a turn,
//! and after the commits that it made in that turn are answered. So a commit right behind `run()` decides where consumption
//! begins, as in kafkajs, whatever the timing.
//!
//! ```text
//!  joined ──► Turn ──complete_join──► Commits ──none──► Open
//!                                      │   ▲
//!                         OffsetCommit └─► Answer
//! ```
//! No part of the consumer's state: it is about the partitions that have come, whatever happens to others meanwhile. Only the
//! flush before partitions go opens it, because commits must not wait for a turn then.

use std::time::Instant;

use crate::engine::machine::Machine;
use crate::engine::machine::Outbound;
use crate::engine::machine::Owned;
use crate::engine::offsets::View;
use crate::engine::protocol::Request;

use super::machine::Consumer;

/// See the module's documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FirstPositions {
    /// [`Event::Joined`](super::Event::Joined) is told and not answered. The OffsetCommit with this id is under way: of partitions
    /// that are kept, or that go at once.
    Turn { commit: Option<u64> },
    /// Commits go first; the first time that there is none, look-ups may go.
    Commits,
    /// The OffsetCommit with this id is under way.
    Answer { id: u64 },
    /// Nothing is held back.
    Open,
}

impl FirstPositions {
    /// Holds nothing back any more.
    pub(super) fn open(&mut self) {
        *self = FirstPositions::Open;
    }

    /// A request went out while asking was allowed; None = there was none to send.
    fn asked(&mut self, outbound: Option<&Outbound>) {
        let commit = outbound.filter(|outbound| matches!(outbound.body, Request::OffsetCommit(_)));
        let commit = commit.map(|outbound| outbound.id);
        *self = match (*self, commit) {
            (FirstPositions::Turn { commit: under_way }, commit) => {
                FirstPositions::Turn { commit: commit.or(under_way) }
            }
            (FirstPositions::Commits, Some(id)) => FirstPositions::Answer { id },
            _ => FirstPositions::Open,
        };
    }
}

impl Consumer {
    /// Answers [`Event::Joined`](super::Event::Joined): what the user's code wanted to commit before positions are looked up has
    /// been passed to [`Consumer::commit`].
    pub fn complete_join(&mut self) {
        if let FirstPositions::Turn { commit } = self.first_positions {
            self.first_positions = commit.map_or(FirstPositions::Commits, |id| FirstPositions::Answer { id });
        }
    }

    /// What `offsets` asks next.
    pub(super) fn poll_offsets(&mut self, now: Instant, coordinator: Option<i32>) -> Option<Outbound> {
        // What goes again right after a join does not wait for a turn of JavaScript's: others wait for it.
        let goes = matches!(self.state.drained(), Some(Owned::Only(_)));
        let (is_open, only_commits) = match self.first_positions {
            FirstPositions::Commits | FirstPositions::Open => (true, false),
            FirstPositions::Turn { commit } => (goes && commit.is_none(), true),
            FirstPositions::Answer { .. } => (false, false),
        };
        let coordinator = coordinator.filter(|_| is_open && !self.is_expired());
        let metadata = self.cluster.metadata();
        let outbound = self.offsets.poll_request(now, View { metadata, coordinator, only_commits });
        if coordinator.is_some() {
            self.first_positions.asked(outbound.as_ref());
        }
        outbound
    }

    /// The request with this id has ended, well or not.
    pub(super) fn offsets_answered(&mut self, id: u64) {
        match &mut self.first_positions {
            FirstPositions::Turn { commit } => *commit = commit.filter(|commit| *commit != id),
            first if *first == (FirstPositions::Answer { id }) => *first = FirstPositions::Commits,
            _ => {}
        }
    }
}
