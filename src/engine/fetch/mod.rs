//! Positions, fetch sessions, buffers and their hand-over: from "this partition starts at offset n" to "lane 2
//! handles these messages". Pure.
//!
//! A partition's data goes through four places, each bounded:
//!
//! ```text
//!  broker ──Fetch──► queue ──BatchReader──► ready ──take──► lane
//!          raw bytes         slabs, decoded          one handler, one partition
//! ```
//!
//! * A **slot** is the number of a topic-partition; slots are never reused for another one.
//! * Each slot has an **epoch**. Seek, reset, rewind and (un)assignment bump it; a Fetch answer, a decoded delivery
//!   or a lane's result with an older epoch is dropped (`Slot::is_current`). Pausing does not bump it: what the
//!   lane has not got to is kept, see `kept`.
//! * The **position** moves forwards in one place only: when a delivery is taken by a lane.
//! * A **lane** is one of the N handlers that may run at once. A slot is in at most one lane.

mod damage;
mod handover;
mod kept;
mod machine;
mod pauses;
mod response;
mod session;
mod slot;
mod source;
#[cfg(test)]
pub(crate) mod tests;
mod truncation;

use std::sync::Arc;
use std::time::Duration;

use crate::engine::machine::Failure;
use crate::engine::machine::NetError;
use crate::engine::machine::TopicPartition;
use crate::engine::protocol::fetch::NodeEndpoint;

pub use handover::{Buffer, DecodeJob, Decoded, Delivery, MAX_MESSAGES, Outcome};
pub use machine::Fetch;
pub use slot::SlotId;
pub use truncation::UNKNOWN_EPOCH;

/// How to fetch.
#[derive(Debug, Clone)]
pub struct FetchConfig {
    /// How long a broker may hold a Fetch back (`maxWaitTimeInMs`).
    pub max_wait: Duration,
    /// When it answers before that (`minBytes`).
    pub min_bytes: i32,
    /// Soft limit of one answer (`maxBytes`).
    pub max_bytes: i32,
    /// Soft limit per partition in it (`maxBytesPerPartition`).
    pub max_bytes_per_partition: i32,
    /// Isolation level.
    pub read_committed: bool,
    /// Check CRC-32C.
    pub check_crcs: bool,
    /// Our rack (KIP-392), empty for none.
    pub rack_id: String,
    /// How long a follower in it is fetched from before the leader is asked again.
    pub follower_max_age: Duration,
    /// Raw bytes buffered over all partitions, up to the end of their decoding, and what is kept during pauses: beyond this
    /// nothing more is asked for, and nothing more is kept.
    pub max_queued_bytes: usize,
    /// Handlers at once.
    pub lanes: usize,
}

/// What the machine tells its owner.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A Fetch goes out to this node.
    FetchStart {
        /// Node id.
        node: i32,
    },
    /// Its answer came.
    FetchEnd {
        /// Node id.
        node: i32,
        /// Since it went out.
        duration: Duration,
    },
    /// A leader is stale or gone.
    RefreshMetadata,
    /// KIP-951: the answer says where these nodes are.
    NodesNamed(Vec<NodeEndpoint>),
    /// KIP-951: the answer itself says who leads now.
    LeaderMoved {
        /// Whose leader.
        partition: TopicPartition,
        /// The new leader.
        node: i32,
        /// Its epoch.
        epoch: i32,
    },
    /// KIP-392: the leader has named a follower, from which this partition is fetched now.
    FollowerNamed {
        /// Which.
        partition: TopicPartition,
        /// Node id.
        node: i32,
    },
    /// What was kept under this number is void.
    Dropped(u32),
    /// The position lies outside the log and everything before it is handled; the slot waits for a new one.
    OutOfRange(TopicPartition),
    /// KIP-320: records that were handed over are not in the log any more; the position has gone back to where others may be
    /// in their place.
    Truncated {
        /// Which.
        partition: TopicPartition,
        /// Where it was.
        from: i64,
        /// Where it is.
        to: i64,
    },
    /// What came for this partition fails our checks. It will be fetched again.
    Damaged {
        /// Which.
        partition: TopicPartition,
        /// Base offset of the batch at fault.
        offset: i64,
        /// What is wrong with it.
        message: Arc<str>,
    },
    /// What came over the connections for Fetches to this node was damaged: the next Fetch is to take others.
    Suspect {
        /// Node id.
        node: i32,
    },
    /// This cannot be consumed; trying again would not help.
    Failed(Failure),
    /// A Fetch got no answer. It will be tried again.
    Unanswered {
        /// Node id.
        node: i32,
        /// Why.
        error: NetError,
    },
}

/// Lane flag: do not start another message.
pub const LANE_STOP: i32 = 1;
/// Lane flag: the position of this partition has changed, or it may be somebody else's by now (`isStale`).
pub const LANE_STALE: i32 = 2;
/// Lane flag: the consumer is stopping (`isRunning` is false).
pub const LANE_CLOSING: i32 = 4;
