//! Why nothing new of a partition comes, for those who ask. Nothing in here changes anything.

use std::time::Instant;

use crate::engine::machine::TopicPartition;
use crate::engine::protocol::ErrorCode;

use super::cursor::State;
use super::machine::Fetch;

/// See the module's documentation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waits {
    /// A handler has failed, or wants to be asked later.
    Backoff {
        /// When it is asked again.
        until: Instant,
    },
    /// As far as the brokers tell, nobody leads it.
    Leader {
        /// Since when, if that was noticed.
        since: Option<Instant>,
    },
    /// A broker answers no Fetch.
    Unanswered {
        /// Node id.
        node: i32,
        /// When the first one went out that got no answer.
        since: Instant,
        /// What became of the last one; None: it is out.
        error: Option<String>,
    },
    /// The leader refuses it, or what it sends cannot be read.
    Refused {
        /// Node id.
        node: i32,
        /// Since when.
        since: Instant,
        /// How that was put last.
        code: ErrorCode,
    },
    /// As much is buffered as may be: lanes have to take of that first.
    Room,
    /// A broker is asked, or about to be.
    Records,
}

impl Fetch {
    /// What this partition waits for. None: it is not ours, has no position, or there is something of it that lanes have not taken.
    pub fn waits_for(&self, now: Instant, partition: &TopicPartition) -> Option<Waits> {
        let id = self.deliveries.assigned_slot(partition)?;
        let cursor = self.cursors.get(id.index())?;
        if !matches!(cursor.state, State::Fetching { .. }) {
            return None;
        }
        if let Some(until) = cursor.muted_until.filter(|until| *until > now) {
            return Some(Waits::Backoff { until });
        }
        if self.deliveries.has_waiting(id) {
            return None;
        }
        let Some(place) = cursor.place else {
            return Some(Waits::Leader { since: cursor.trouble.map(|(since, _)| since) });
        };
        let node = cursor.source.node(place.leader.node);
        if let Some((since, code)) = cursor.trouble {
            return Some(Waits::Refused { node, since, code });
        }
        let broker = self.nodes.get(&node);
        if let Some((since, error)) = broker.and_then(|broker| broker.unanswered.as_ref()) {
            return Some(Waits::Unanswered { node, since: *since, error: Some(error.told()) });
        }
        let asked = cursor
            .in_flight
            .and_then(|asked| broker?.in_flight().find(|in_flight| in_flight.id == asked.request));
        if let Some(silent) = asked.filter(|asked| asked.is_late(now)) {
            return Some(Waits::Unanswered { node, since: silent.sent_at, error: None });
        }
        let is_full = cursor.in_flight.is_none() && self.deliveries.is_full();
        Some(if is_full { Waits::Room } else { Waits::Records })
    }
}
