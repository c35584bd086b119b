//! The four requests.

use std::time::Duration;

use crate::engine::group::GroupConfig;
use crate::engine::protocol::ApiKey;
use crate::engine::protocol::heartbeat::HeartbeatRequest;
use crate::engine::protocol::join_group::{JoinGroupProtocol, JoinGroupRequest};
use crate::engine::protocol::leave_group::LeaveGroupRequest;
use crate::engine::protocol::sync_group::{SyncGroupAssignment, SyncGroupRequest};

/// What is remembered of a request that is out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) api: ApiKey,
    /// The epoch in which it was made.
    pub(super) epoch: u64,
    /// A heartbeat, or what stands in its place (see [`Proof`](super::state::Proof)).
    pub(super) beats: bool,
}

impl GroupConfig {
    pub(super) fn join_request(
        &self,
        member_id: &str,
        protocols: &[JoinGroupProtocol],
        reason: Option<&str>,
    ) -> JoinGroupRequest {
        JoinGroupRequest {
            group_id: self.group_id.clone(),
            session_timeout_ms: millis(self.session_timeout),
            rebalance_timeout_ms: millis(self.rebalance_timeout),
            member_id: member_id.to_owned(),
            group_instance_id: self.group_instance_id.clone(),
            protocol_type: PROTOCOL_TYPE.to_owned(),
            protocols: protocols.to_vec(),
            reason: reason.map(cut),
        }
    }

    pub(super) fn sync_request(
        &self,
        member_id: &str,
        generation_id: i32,
        protocol: &str,
        assignments: &[SyncGroupAssignment],
    ) -> SyncGroupRequest {
        SyncGroupRequest {
            group_id: self.group_id.clone(),
            generation_id,
            member_id: member_id.to_owned(),
            group_instance_id: self.group_instance_id.clone(),
            protocol_type: Some(PROTOCOL_TYPE.to_owned()),
            protocol_name: Some(protocol.to_owned()),
            assignments: assignments.to_vec(),
        }
    }

    pub(super) fn heartbeat_request(&self, member_id: &str, generation_id: i32) -> HeartbeatRequest {
        HeartbeatRequest {
            group_id: self.group_id.clone(),
            generation_id,
            member_id: member_id.to_owned(),
            group_instance_id: self.group_instance_id.clone(),
        }
    }

    pub(super) fn leave_request(&self, member_id: &str, reason: &str) -> LeaveGroupRequest {
        LeaveGroupRequest {
            group_id: self.group_id.clone(),
            member_id: member_id.to_owned(),
            group_instance_id: self.group_instance_id.clone(),
            reason: Some(cut(reason)),
            others: Vec::new(),
        }
    }

    /// Between two heartbeats of our own: an interval that is meant for the time between two messages may be shorter
    /// than what a timer should ask of a coordinator.
    pub(super) fn own_interval(&self) -> Duration {
        let shortest = SHORTEST_OWN_INTERVAL.min(self.session_timeout / 3).min(self.rebalance_timeout / 3);
        self.heartbeat_interval.max(shortest)
    }

    /// Durations that fit the protocol's milliseconds, so that adding them to an instant cannot overflow, and a
    /// heartbeat interval that cannot become a busy loop, nor let a rebalance end unheard: a heartbeat tells of it, and
    /// who has not joined by its end is thrown out, joins anew, and so throws out the next.
    pub(super) fn within_bounds(mut self) -> GroupConfig {
        self.session_timeout = self.session_timeout.min(LONGEST);
        self.rebalance_timeout = self.rebalance_timeout.min(LONGEST);
        self.heartbeat_interval = self
            .heartbeat_interval
            .min(self.rebalance_timeout / 3)
            .clamp(SHORTEST_HEARTBEAT_INTERVAL, LONGEST);
        self
    }
}

fn millis(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}

/// Brokers refuse longer reasons (KIP-800).
fn cut(reason: &str) -> String {
    reason.chars().take(255).collect()
}

/// The protocol type of all consumer groups.
pub(super) const PROTOCOL_TYPE: &str = "consumer";

const LONGEST: Duration = Duration::from_millis(i32::MAX as u64);
const SHORTEST_HEARTBEAT_INTERVAL: Duration = Duration::from_millis(10);
const SHORTEST_OWN_INTERVAL: Duration = Duration::from_millis(300);
