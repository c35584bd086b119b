//! Whether what we hold is still ours. A process that stood still, or is cut off from its coordinator, learns from nobody that its
//! session is over, while another member may be at its partitions. So the clock decides, at each hand-over: from the end of the
//! session on nothing is handed out or committed, and who has got something is told, until the coordinator answers.
//!
//! ```text
//!         valid_until is over                  answered: no member of this generation
//! Valid ──────────────────────► Expired ──────────────────────────────────────────────► lost, joins again
//!   ▲                              │ answered: still a member
//!   └──────────────────────────────┘
//! ```
//! A member that the coordinator still knows goes on where it was: nobody else had its partitions meanwhile.

use std::time::Instant;

use super::machine::Consumer;

impl Consumer {
    /// Time has passed, or an answer has come.
    pub fn check_session(&mut self, now: Instant) {
        let expired = self.group.valid_until().is_some_and(|until| until <= now);
        if expired && !self.expired {
            self.fetch.interrupt();
        }
        self.expired = expired;
    }

    /// Is the session over, as far as we know?
    pub fn is_expired(&self) -> bool {
        self.expired
    }

    /// When it will be; None once it is.
    pub(super) fn session_ends(&self) -> Option<Instant> {
        self.group.valid_until().filter(|_| !self.expired)
    }
}
