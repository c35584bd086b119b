//! A broker that does not answer may hold a JoinGroup back, or be frozen. The metadata knows sooner than the request times
//! out: when the cluster has given the broker up, its connections are closed, and whoever waits looks elsewhere. Who only
//! waits for the others to join is not disturbed.
//!
//! For membership and offsets. Fetches look after themselves, and look-ups go to another broker by themselves.

use std::time::{Duration, Instant};

use super::machine::Tag;

/// The requests that are out, and when their brokers are silent for too long.
#[derive(Debug, Default)]
pub(super) struct Unanswered {
    requests: Vec<(Tag, Instant)>,
}

impl Unanswered {
    pub(super) fn sent(&mut self, now: Instant, tag: Tag) {
        self.requests.push((tag, now + OVERDUE));
    }

    pub(super) fn answered(&mut self, tag: Tag) {
        self.requests.retain(|(sent, _)| *sent != tag);
    }

    /// Is one of them overdue? It will be again after the same time.
    pub(super) fn take_overdue(&mut self, now: Instant) -> bool {
        let mut found = false;
        for (_, overdue_at) in self.requests.iter_mut().filter(|(_, at)| *at <= now) {
            *overdue_at = now + OVERDUE;
            found = true;
        }
        found
    }

    /// When the next one is overdue.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.requests.iter().map(|(_, overdue_at)| *overdue_at).min()
    }
}

/// Longer than a coordinator waits for the first members of a group, three seconds.
const OVERDUE: Duration = Duration::from_secs(5);
