//! Membership by the classic protocol: join, sync, heartbeat, leave.
//!
//! The rules, each of which has cost some client a stuck consumer:
//!
//! - At most one JoinGroup or SyncGroup is outstanding. What changes meanwhile is remembered, and the join starts
//!   over when the answer is there.
//! - Heartbeats have a timer of their own and run while the owner revokes, writes its protocols or computes the
//!   assignment. They rest while a JoinGroup or SyncGroup is outstanding: the broker reads the requests of one
//!   connection in order, so they would only queue up behind it, and it keeps such a member alive by itself.
//! - Every request and every job carries the epoch in which it was made; answers for an older one are dropped.
//! - Eager rebalancing: a member that owns an assignment gets one [`Event::Revoke`] of all of it before it joins again, or
//!   one [`Event::Lost`] when there is nothing left to commit to.
//! - Cooperative rebalancing (KIP-429), when each assignor that we offer is cooperative: a member joins again with what it owns,
//!   and owns it until it is told otherwise. [`Event::Revoke`] comes behind [`Event::Joined`], of what was owned and is not
//!   assigned any more, and a further join follows it, in which the others get that. What is not subscribed any more is revoked
//!   before the join.
//!
//! The machine does not know where the coordinator is. It says [`Event::CoordinatorLost`] when it must be looked up
//! again, is shown which node that is when it is asked for a request, and makes none while that is unknown.

mod answers;
mod commands;
mod errors;
mod machine;
mod requests;
mod state;
#[cfg(test)]
mod tests;

pub use machine::Group;

#[cfg(doc)]
use crate::engine::group::Event;
