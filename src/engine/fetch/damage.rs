//! What cannot be read now may be readable later: a broker says that its copy is corrupt, or what came fails our own checks.
//!
//! ```text
//!             refused (CORRUPT_MESSAGE, …), damaged
//!   well ──────────────────────────────────────────► tried again, with back-off ── PARTITION_TRIES ──► Failed
//!     ▲                                                   │
//!     └── refused: an answer · damaged: sound records ◄───┘
//! ```
//! The other partitions go on. Damage may be the broker's, or of the way to us: so the same is asked for over another
//! connection (and not of a follower again). Everything from the damaged batch on is void, what was decoded before it stands.

use std::time::Instant;

use crate::engine::delivery::SlotId;
use crate::engine::machine::Failure;
use crate::engine::protocol::ErrorCode;
use crate::engine::records::RecordError;

use super::Event;
use super::machine::Fetch;
use super::source::Source;

impl Fetch {
    /// The data of this slot cannot be read from `next` on.
    pub(super) fn damaged(&mut self, now: Instant, id: SlotId, next: i64, error: &RecordError) {
        let Some(cursor) = self.cursors.get_mut(id.index()) else { return };
        let Some(partition) = self.deliveries.partition(id).cloned() else { return };
        cursor.damaged = true;
        cursor.is_in_trouble(now, ErrorCode::CORRUPT_MESSAGE);
        cursor.fetch_again(next);
        let (offset, message) = (error.offset(), error.to_string().into());
        if self.may_pass(now, id) {
            self.suspect(now, id);
            self.events.push_back(Event::Damaged { partition, offset, message });
        } else if let Some(cursor) = self.cursor(id) {
            cursor.poison = Some(Failure::Records { partition, offset, message });
        }
    }

    /// Counts a failure that may pass. Is it worth another try? Then the slot waits for that.
    pub(super) fn may_pass(&mut self, now: Instant, id: SlotId) -> bool {
        let Some(cursor) = self.cursor(id) else { return false };
        cursor.refusals = cursor.refusals.saturating_add(1);
        let may_pass = cursor.refusals < PARTITION_TRIES;
        if may_pass {
            self.mute(id, now);
            // Another leader may do better.
            self.refresh_metadata();
        }
        may_pass
    }

    /// What came last for this slot is not to be asked for in the same way again. An answer to a Fetch that went out before
    /// the connections were exchanged says nothing about the new ones.
    fn suspect(&mut self, now: Instant, id: SlotId) {
        let Some(cursor) = self.cursors.get_mut(id.index()) else { return };
        let Some((node_id, request)) = cursor.brought else { return };
        if cursor.source.is_follower(node_id) {
            cursor.source = Source::failed(now);
        }
        let Some(node) = self.nodes.get_mut(&node_id) else { return };
        if request >= node.trusted_from {
            node.trusted_from = self.next_request;
            self.events.push_back(Event::Suspect { node: node_id });
        }
    }
}

/// Some ten seconds, as long as kafkajs tries by default.
pub(super) const PARTITION_TRIES: u32 = 13;
