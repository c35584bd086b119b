//! Membership in a consumer group of the consumer protocol (KIP-848): the coordinator assigns, members reconcile. Pure, on its
//! owner's time.
//!
//! One request does it all, ConsumerGroupHeartbeat: at epoch 0 it joins, at the member's epoch it keeps the membership and
//! tells what is owned, at -1 or -2 it leaves. The answer brings the member's epoch and the target assignment. There is no
//! barrier: each member moves from what it owns to its target by itself, and the coordinator gives nobody a partition that
//! somebody else has not given up.
//!
//! The rules:
//!
//! - One heartbeat is outstanding at a time. The interval between two comes with each answer; one that joins, acknowledges
//!   or leaves goes out at once.
//! - Only what has changed since the last answered heartbeat is told; after an error or a lost connection everything is.
//! - Reconciliation: partitions that are not in the target go first ([`Event::Revoke`], answered by
//!   [`ConsumerGroup::revoked`]), then those that are new come ([`Event::Assigned`]), then the coordinator is told. Partitions
//!   in both go on undisturbed. A target that comes meanwhile is taken up afterwards.
//! - Nothing is taken up while an answer is awaited to a heartbeat that told what we own: the coordinator takes back at once
//!   what a member does not name, and may have done so.
//! - A topic whose name is not known yet stays out ([`Event::TopicsUnknown`]), the rest of the target is reconciled.
//! - A member that the coordinator has fenced or does not know has lost everything ([`Event::Lost`]) and joins again at once.
//!
//! The machine does not know where the coordinator is: see `group::classic`, which keeps the same contract.

mod answers;
mod machine;
mod state;
mod target;
#[cfg(test)]
mod tests;
mod told;

use std::collections::BTreeSet;
use std::time::Duration;

use crate::engine::machine::Failure;
use crate::engine::machine::Log;
use crate::engine::machine::TopicPartition;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::TopicId;

pub use machine::ConsumerGroup;

/// Who wants to be a member of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerGroupConfig {
    /// The group.
    pub group_id: String,
    /// Static membership: a member that comes back within the session timeout takes its old place.
    pub group_instance_id: Option<String>,
    /// Our rack.
    pub rack_id: Option<String>,
    /// How long the coordinator waits for us to give partitions up.
    pub rebalance_timeout: Duration,
    /// The broker's assignor, `uniform` or `range`; None = what the broker prefers.
    pub server_assignor: Option<String>,
}

/// What to subscribe to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subscription {
    /// By name.
    pub topics: Vec<String>,
    /// An RE2 expression that the broker evaluates.
    pub regex: Option<String>,
}

/// What the owner of the machine must know or do.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// These partitions are in the target no more: finish their handlers, commit, then call [`ConsumerGroup::revoked`].
    Revoke(BTreeSet<TopicPartition>),
    /// What we own from now on. Those that we did not own before are nobody else's any more.
    Assigned {
        /// Is it the first assignment since we joined?
        joined: bool,
        /// All of it, the kept ones included.
        assignment: BTreeSet<TopicPartition>,
    },
    /// Our epoch is another: commits have to carry it.
    EpochChanged,
    /// The partitions may belong to somebody else by now, nothing can be committed. The machine joins again by itself,
    /// except after [`ConsumerGroup::lost`].
    Lost {
        /// Why, as the coordinator put it.
        code: ErrorCode,
    },
    /// The target has partitions of topics whose names are not known: look them up, then call [`ConsumerGroup::learn`].
    TopicsUnknown(Vec<TopicId>),
    /// The coordinator answered a heartbeat and all is well.
    Heartbeat,
    /// Look the coordinator up again. Member id and epoch are kept.
    CoordinatorLost,
    /// What the coordinator's connection brought makes no sense: the next request is to take another one.
    Suspect,
    /// Out of the group, by [`ConsumerGroup::leave`]. Nothing comes after this.
    Left,
    /// Out of order. Only [`ConsumerGroup::leave`] still does something.
    Failed {
        /// Why.
        failure: Failure,
        /// What the broker says of it.
        message: Option<String>,
    },
    /// A line for the user's log.
    Log(Log),
}
