//! Whether our session is confirmed, so that what we hold is certainly still ours. A process that stood still, or is cut off
//! from its coordinator, is told by nobody that its session is over, while another member may have its partitions already. So
//! the clock decides, at each hand-over: from the end of the session on nothing is handed out or committed, and busy lanes are
//! told, until the coordinator answers.
//!
//! ```text
//!           valid_until is over                  answered: no member of this generation
//! Confirmed ──────────────────────► Expired ──────────────────────────────────────────────► lost, joins again
//!   ▲                                 │ answered: still a member
//!   └─────────────────────────────────┘
//! ```
//! A member that the coordinator still knows goes on where it was: nobody else had its partitions meanwhile. What lanes were told is
//! withdrawn, so a batch that was at work all the time counts, unless its handler has asked, and may have left it early (`lane.js`).
//!
//! No part of the consumer's state: a session may run out while the consumer is stable, drains or stops, and each of these goes
//! on as it would, only without deliveries and commits.

use std::time::Instant;

use super::machine::Consumer;

/// See the module's documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Session {
    /// Nobody else can have what is ours; also when nothing is.
    Confirmed,
    /// The coordinator has not confirmed it for as long as it would have kept it.
    Expired,
}

impl Consumer {
    /// Time has passed, or an answer has come.
    pub fn check_session(&mut self, now: Instant) {
        let until = self.group.valid_until();
        let expired = until.is_some_and(|until| until <= now);
        if expired && !self.is_expired() {
            self.fetch.interrupt();
        } else if until.is_some() && !expired && self.is_expired() {
            self.fetch.reassure();
        }
        self.session = if expired { Session::Expired } else { Session::Confirmed };
    }

    /// Is the session over, as far as we know?
    pub fn is_expired(&self) -> bool {
        self.session == Session::Expired
    }

    /// When it will be; None once it is.
    pub(super) fn session_ends(&self) -> Option<Instant> {
        self.group.valid_until().filter(|_| !self.is_expired())
    }
}
