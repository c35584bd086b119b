//! How much a coordinator's word is worth that a session is not over.

use std::time::{Duration, Instant};

/// The look-up of the coordinator by another broker's word, since an answer has counted. A broker that stood still may have a
/// successor, and does not know it: what it says of our session counts only if others still take it for the coordinator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Search {
    /// There was none.
    #[default]
    None,
    /// Since then the owner looks for it. (It has been told that the coordinator is lost.)
    On(Instant),
    /// Somebody has named it, when it had been looked for since then.
    Over(Instant),
}

impl Search {
    /// The owner says who the coordinator is.
    pub(super) fn found(&mut self, coordinator: Option<i32>) {
        if let (Search::On(since), Some(_)) = (*self, coordinator) {
            *self = Search::Over(since);
        }
    }

    /// Was it found, and looked for since less than a session ago? A successor that was chosen since gives all members that long, so
    /// nobody else can have what is ours: not even if the answer is that of a broker that stood still meanwhile, or if we did, and
    /// what was said of the coordinator has lain unread.
    pub(super) fn is_fresh(self, now: Instant, session: Duration) -> bool {
        matches!(self, Search::Over(since) if now < since + session)
    }
}
