//! Requests about membership and offsets that are overdue. A broker that does not answer may hold a JoinGroup back on purpose,
//! or be frozen; the metadata knows that long before the request times out. So an overdue request asks for the metadata: when
//! the cluster has given the broker up, its connections are closed, and the machine that waits for an answer looks elsewhere.
//! A member that only waits for the others to join is not disturbed.
//!
//! Fetches have the same rule in `fetch`, and look-ups in the metadata go to another broker by themselves.

use std::time::{Duration, Instant};

use super::machine::{Room, Tag};

/// The requests that are out, and when their brokers are silent for too long.
#[derive(Debug, Default)]
pub(super) struct Outstanding {
    requests: Vec<(Tag, Instant)>,
}

impl Outstanding {
    pub(super) fn sent(&mut self, now: Instant, tag: Tag) {
        self.requests.push((tag, now + OVERDUE));
    }

    pub(super) fn answered(&mut self, tag: Tag) {
        self.requests.retain(|(sent, _)| *sent != tag);
    }

    /// Is one of this room's out?
    pub(super) fn are_of(&self, room: Room) -> bool {
        self.requests.iter().any(|(tag, _)| tag.room == room)
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
