//! Membership in a consumer group. Pure, on its owner's time.
//!
//! `classic` is the machine for the classic protocol (JoinGroup, SyncGroup), `consumer` the one for the protocol of KIP-848. Here is
//! what their owner knows of them: the configuration, the membership that commits carry, and the events.

pub mod assignors;
mod classic;
pub mod consumer;

use std::time::Duration;

use crate::engine::machine::Failure;
use crate::engine::machine::Log;
use crate::engine::machine::Owned;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::join_group::JoinGroupMember;

use assignors::RebalanceProtocol;

pub use classic::Group;

/// Who wants to be a member of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupConfig {
    /// The group.
    pub group_id: String,
    /// Static membership (KIP-345): a restart within the session timeout takes the old place.
    pub group_instance_id: Option<String>,
    /// How long the coordinator waits for a heartbeat.
    pub session_timeout: Duration,
    /// How long the coordinator waits for members to rejoin.
    pub rebalance_timeout: Duration,
    /// How often a heartbeat is sent.
    pub heartbeat_interval: Duration,
    /// How partitions are given up for a rebalance of the classic protocol: the best way that all offered assignors have.
    pub rebalance_protocol: RebalanceProtocol,
}

/// Who we are in the group: what offset commits must carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The generation that was joined last.
    pub generation_id: i32,
    /// The member id that the coordinator gave.
    pub member_id: String,
    /// Static membership (KIP-345).
    pub group_instance_id: Option<String>,
}

/// What the owner of the machine must know or do.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A JoinGroup needs the assignors' subscriptions; answer with [`Group::protocols`].
    ProtocolsNeeded {
        /// Comes back with the answer; a newer job makes older ones void.
        job: u64,
        /// What to subscribe to.
        topics: Vec<String>,
    },
    /// We lead this generation; answer with [`Group::assignments`].
    AssignmentNeeded {
        /// Comes back with the answer; a newer job makes older ones void.
        job: u64,
        /// The assignor that the coordinator chose.
        protocol: String,
        /// All members with their subscriptions for that assignor.
        members: Vec<JoinGroupMember>,
    },
    /// We lead a generation that is assigned already (KIP-814), and have to look after it.
    AssignmentKept {
        /// All members with their subscriptions.
        members: Vec<JoinGroupMember>,
    },
    /// The coordinator told a member of a generation that this generation is over, or about to be. Comes before
    /// [`Event::Revoke`] or [`Event::Lost`], not before those that have another reason.
    Rebalancing {
        /// Our member id.
        member_id: String,
        /// REBALANCE_IN_PROGRESS or ILLEGAL_GENERATION.
        code: ErrorCode,
    },
    /// Give these partitions back (finish handlers, commit), then call [`Group::revoked`]. Comes at most once before each
    /// rejoin of a member that owns an assignment, unless [`Event::Lost`] comes instead or overtakes it.
    Revoke {
        /// Which.
        partitions: Owned,
    },
    /// These partitions may belong to another member by now, nothing of them can be committed. The machine joins again by
    /// itself, except after [`Group::lost`].
    Lost {
        /// Which.
        partitions: Owned,
        /// Why.
        reason: String,
    },
    /// Member of a new generation, with these partitions. Those that we own already are kept; those that we own and that are
    /// not among these are ours until [`Event::Revoke`] has asked for them.
    Joined {
        /// From the first attempt of this join.
        duration: Duration,
        /// Do we lead?
        is_leader: bool,
        /// Who leads.
        leader_id: String,
        /// Our member id.
        member_id: String,
        /// The generation.
        generation_id: i32,
        /// The assignor that the coordinator chose.
        protocol: String,
        /// What we got, as the leader wrote it: topics that we did not subscribe to included.
        assignment: Vec<(String, Vec<i32>)>,
    },
    /// The coordinator answered a heartbeat and all is well.
    Heartbeat,
    /// Look the coordinator up again and close the connection to the old one: a heartbeat in flight there is given
    /// up. Member id and generation are kept.
    CoordinatorLost,
    /// What the coordinator's connection brought makes no sense: the next request is to take another one.
    Suspect,
    /// Out of the group, by [`Group::leave`]. Nothing comes after this.
    Left,
    /// Out of order. Only [`Group::leave`] still does something: it gives the member id back.
    Failed(Failure),
    /// A line for the user's log.
    Log(Log),
}
