//! Positions and fetch sessions: from "this partition starts at offset n" to records of it in a queue, and what to ask which
//! broker for. Pure.
//!
//! ```text
//!  metadata ──► which broker ──Fetch──► response ──push──► delivery ──► lanes
//!                    ▲                                         │
//!                    └── fetch_offset, position ◄── handover ◄─┘ taken, resolved, returned, damaged
//! ```
//!
//! * What is fetched goes into [`Deliveries`](crate::engine::delivery::Deliveries), which this machine owns: there are the
//!   queues, the decoding and the lanes, and the numbers of the partitions (slots). For each slot there is a `Cursor` here.
//! * The **position** of a slot is set by a state change (`Fetch::restate`: assignment, seek, reset, what a lane returns),
//!   which voids what delivery has of the slot. Without that it moves in one place only, `Cursor::hand_over`: behind what a lane
//!   takes, and back to where a pause has stopped the lane.
//! * A state change also disowns the Fetch that is under way for the slot (`Cursor::in_flight`): its answer is dropped.

mod cursor;
mod damage;
mod handover;
mod machine;
mod response;
mod session;
mod source;
#[cfg(test)]
mod tests;
mod truncation;
mod waits;

use std::sync::Arc;
use std::time::Duration;

use crate::engine::delivery::DeliveryConfig;
use crate::engine::machine::Failure;
use crate::engine::machine::LARGEST_ANSWER;
use crate::engine::machine::NetError;
use crate::engine::machine::TopicPartition;
use crate::engine::protocol::fetch::NodeEndpoint;

pub use crate::engine::records::Unreadable;
pub use machine::Fetch;
pub use truncation::UNKNOWN_EPOCH;
pub use waits::Waits;

/// No answer is asked to be larger: brokers give more than that where the first batch is (KIP-74), and what is not records comes on top.
/// They give less by themselves, unless their `fetch.max.bytes` is raised, or they have none (before 2.5).
const MOST_BYTES: i32 = LARGEST_ANSWER / 2;

/// How to fetch.
#[derive(Debug, Clone)]
pub struct FetchConfig {
    /// How long a broker may hold a Fetch back (`maxWaitTimeInMs`).
    pub max_wait: Duration,
    /// When it answers before that (`minBytes`).
    pub min_bytes: i32,
    /// Soft limit of one answer (`maxBytes`); more than half of [`LARGEST_ANSWER`] counts as that.
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
    /// Is a batch that cannot be read told of by [`Event::Unreadable`], if one can go on behind it, and not by [`Event::Failed`]?
    pub sets_aside: bool,
    /// How much may be buffered, and for how many handlers.
    pub delivery: DeliveryConfig,
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
    /// The same, and everything before it is handled; the slot waits for a position behind the batch.
    Unreadable {
        /// Why.
        failure: Failure,
        /// The batch.
        batch: Unreadable,
    },
    /// A Fetch got no answer. It will be tried again.
    Unanswered {
        /// Node id.
        node: i32,
        /// Why.
        error: NetError,
        /// For how long it has been so, when that is worth a line.
        told: Option<Duration>,
    },
}
