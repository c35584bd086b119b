//! Which broker a partition is fetched from: its leader, or a follower nearby that the leader has named (KIP-392).
//!
//! ```text
//!            the leader names a follower
//!  Leader ────────────────────────────────► Follower ── metadataMaxAge over, gone ──► Leader
//!    ▲                                          │ it fails, in whatever way
//!    └──────── PROBATION is over ───────── LeaderOnly
//! ```
//! A leader that knows a better place gives no data. So while a follower is not to be trusted, the leader must not learn
//! our rack, or it would send us there again and again.

use std::time::Duration;
use std::time::Instant;

use crate::engine::cluster::Metadata;

use super::machine::Fetch;

/// See the module's documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Source {
    #[default]
    Leader,
    Follower {
        node: i32,
        until: Instant,
    },
    LeaderOnly {
        until: Instant,
    },
}

impl Source {
    /// What is true at this moment: terms end.
    pub(super) fn at(self, now: Instant, metadata: &Metadata) -> Source {
        match self {
            Source::Follower { until, .. } | Source::LeaderOnly { until } if now >= until => Source::Leader,
            Source::Follower { node, .. } if !metadata.has_broker(node) => {
                Source::LeaderOnly { until: now + PROBATION }
            }
            source => source,
        }
    }

    /// The broker to ask.
    pub(super) fn node(self, leader: i32) -> i32 {
        match self {
            Source::Follower { node, .. } => node,
            Source::Leader | Source::LeaderOnly { .. } => leader,
        }
    }

    /// Is this broker asked because the leader has named it?
    pub(super) fn is_follower(self, asked: i32) -> bool {
        matches!(self, Source::Follower { node, .. } if node == asked)
    }

    /// The follower did not deliver: for a while the leader must.
    pub(super) fn failed(now: Instant) -> Source {
        Source::LeaderOnly { until: now + PROBATION }
    }
}

impl Fetch {
    /// The metadata has changed. Partitions that are led by another broker now are asked for there at once: the one that
    /// has been asked may be dead, and its answer, if one comes, is dropped.
    pub fn leaders_changed(&mut self, metadata: &Metadata) {
        self.may_ask = true;
        for id in self.deliveries.assigned() {
            let Some(cursor) = self.cursors.get_mut(id.index()) else { continue };
            let Some(asked) = cursor.in_flight else { continue };
            let leader = self.deliveries.partition(*id).and_then(|partition| metadata.leader(partition));
            if leader.is_some_and(|leader| cursor.source.node(leader.node) != asked.node) {
                cursor.in_flight = None;
            }
        }
    }
}

/// How long a follower that failed is not asked again. Controllers take some ten seconds to notice a dead broker, and
/// until then a leader goes on naming it.
pub(super) const PROBATION: Duration = Duration::from_secs(10);
