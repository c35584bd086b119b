//! When the positions of a new assignment are looked up: when those who were told of the join have had a turn, and what they
//! have committed in it is answered. So a commit right behind `run()` decides where we begin, as in kafkajs, and a race never
//! does.
//!
//! ```text
//!  joined ──► Turn ──complete_join──► Commits ──none──► Open
//!                                      │   ▲
//!                         OffsetCommit └─► Answer
//! ```
//! A drain opens, whatever it was: there is something to commit, and nothing to look up.

use std::time::Instant;

use crate::engine::machine::Machine;
use crate::engine::machine::Outbound;
use crate::engine::offsets::View;
use crate::engine::protocol::Request;

use super::machine::Consumer;

/// See the module's documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    Turn,
    Commits,
    Answer { id: u64 },
    Open,
}

impl Consumer {
    /// Answers [`Event::Joined`](super::Event::Joined): whoever wanted to commit something before positions are looked up
    /// has done so.
    pub fn complete_join(&mut self) {
        if self.opening == Opening::Turn {
            self.opening = Opening::Commits;
        }
    }

    /// What `offsets` asks next.
    pub(super) fn poll_offsets(&mut self, now: Instant, coordinator: Option<i32>) -> Option<Outbound> {
        let may_ask = !self.expired && matches!(self.opening, Opening::Commits | Opening::Open);
        let coordinator = coordinator.filter(|_| may_ask);
        let metadata = self.cluster.metadata();
        let outbound = self.offsets.poll_request(now, View { metadata, coordinator });
        if coordinator.is_some() {
            self.opening = match &outbound {
                Some(Outbound { id, body: Request::OffsetCommit(_), .. })
                    if self.opening == Opening::Commits =>
                {
                    Opening::Answer { id: *id }
                }
                _ => Opening::Open,
            };
        }
        outbound
    }

    /// The request with this id has ended, well or not.
    pub(super) fn offsets_answered(&mut self, id: u64) {
        if self.opening == (Opening::Answer { id }) {
            self.opening = Opening::Commits;
        }
    }
}
