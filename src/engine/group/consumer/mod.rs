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
//!   [`ConsumerGroup::revoked`]), then those that are new come ([`Event::Joined`]), then the coordinator is told. Partitions
//!   in both go on undisturbed. A target that comes meanwhile is taken up afterwards.
//! - Nothing is taken up while an answer is awaited to a heartbeat that told what we own: the coordinator takes back at once
//!   what a member does not name, and may have done so.
//! - A topic whose name is not known yet ([`Event::TopicsUnknown`]) stays out, the rest of the target is reconciled.
//! - A member that the coordinator has fenced or does not know has lost everything ([`Event::Lost`]) and joins again at once.
//! - Who joins is refused while its place is taken, also by itself: a static member (UNRELEASED_INSTANCE_ID), and one that the coordinator
//!   still has in a later epoch (FENCED_MEMBER_EPOCH). If it may be, the place is given back first; another one's is waited for.
//!
//! The machine does not know where the coordinator is: see `group::classic`, which keeps the same contract.

mod answers;
mod machine;
mod state;
mod target;
#[cfg(test)]
mod tests;
mod told;

use std::time::Duration;

pub use machine::ConsumerGroup;

#[cfg(doc)]
use crate::engine::group::Event;

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
