//! Membership in a consumer group. Pure, on its owner's time.
//!
//! `classic` is the machine for the classic protocol (JoinGroup, SyncGroup), `consumer` the one for the protocol of KIP-848, `manual`
//! stands for a group that decides nothing, because the user assigns, and `any` is one of them. Here is what their owner knows of all: the configuration, the membership that commits carry, and the events.

mod any;
pub mod assignors;
mod classic;
mod consumer;
mod manual;
mod search;

use std::time::Duration;

use crate::engine::machine::Failure;
use crate::engine::machine::Log;
use crate::engine::machine::Owned;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::TopicId;
use crate::engine::protocol::join_group::JoinGroupMember;

use assignors::RebalanceProtocol;

pub use any::AnyGroup;
pub use classic::Group;
pub use consumer::{ConsumerGroup, ConsumerGroupConfig};
pub use manual::ManualAssignment;

/// By which protocol a member speaks to its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupProtocol {
    /// Members join together, and one of them assigns.
    Classic,
    /// The coordinator assigns (KIP-848).
    Consumer,
    /// KIP-848 where the coordinator speaks it, else the classic protocol.
    Auto,
    /// By none: the user assigns.
    Manual,
}

/// What to subscribe to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subscription {
    /// By name.
    pub topics: Vec<String>,
    /// An RE2 expression that the coordinator evaluates (KIP-848).
    pub regex: Option<String>,
}

/// Who wants to be a member of what, by the classic protocol.
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

/// What becomes of a membership when the consumer ends (KIP-1092).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GroupMembershipOperation {
    /// A dynamic member leaves the group, a static one keeps its place until its session expires.
    #[default]
    Default,
    /// Leave: the group rebalances at once.
    LeaveGroup,
    /// Say nothing: the group rebalances when the session expires, unless the member is back by then.
    RemainInGroup,
}

/// Who we are in the group: what offset commits must carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The generation that was joined last; by KIP-848 the member's epoch.
    pub generation_id: i32,
    /// The generation is the epoch of this member alone.
    pub by_epoch: bool,
    /// The member id that the coordinator gave; by KIP-848 our own choice.
    pub member_id: String,
    /// Static membership (KIP-345).
    pub group_instance_id: Option<String>,
}

/// What a member that is on its way into a generation waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waits {
    /// The answer to [`Event::ProtocolsNeeded`].
    Protocols,
    /// The answer to JoinGroup, which the coordinator holds back until all members have joined.
    Members,
    /// The answer to [`Event::AssignmentNeeded`].
    Assignment,
    /// The answer to SyncGroup, which the coordinator holds back until the leader has assigned.
    Leader,
}

/// What the owner of the machine must know or do.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A JoinGroup needs the assignors' subscriptions; answer with [`AnyGroup::protocols`].
    ProtocolsNeeded {
        /// Comes back with the answer; a newer job makes older ones void.
        job: u64,
        /// What to subscribe to.
        topics: Vec<String>,
    },
    /// We lead this generation; answer with [`AnyGroup::assignments`].
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
    /// The coordinator told a member of a generation that this generation is over, or about to be; by KIP-848: that
    /// partitions are to go. Comes before [`Event::Revoke`] or [`Event::Lost`], not before those that have another reason.
    Rebalancing {
        /// Our member id.
        member_id: String,
        /// REBALANCE_IN_PROGRESS, ILLEGAL_GENERATION or FENCED_MEMBER_EPOCH.
        code: ErrorCode,
    },
    /// Give these partitions back (finish handlers, commit), then call [`AnyGroup::revoked`]. Comes at most once before each
    /// rejoin of a classic member that owns an assignment, unless [`Event::Lost`] comes instead or overtakes it.
    Revoke {
        /// Which.
        partitions: Owned,
    },
    /// These partitions may belong to another member by now, nothing of them can be committed. The machine joins again by
    /// itself, except after [`AnyGroup::lost`].
    Lost {
        /// Which.
        partitions: Owned,
        /// Why.
        reason: String,
    },
    /// Member of a new generation, with these partitions. Those that we own already are kept; those that we own and that are
    /// not among these are ours until [`Event::Revoke`] has asked for them.
    Joined {
        /// From the first attempt of this join; by KIP-848 from when we heard that the assignment was to change.
        duration: Duration,
        /// Do we lead?
        is_leader: bool,
        /// Who leads; nobody by KIP-848, and the text is empty.
        leader_id: String,
        /// Our member id.
        member_id: String,
        /// The generation, or our epoch.
        generation_id: i32,
        /// The assignor that the coordinator chose; `consumer` by KIP-848.
        protocol: String,
        /// What we got, as the leader wrote it: topics that we did not subscribe to included. By KIP-848 in order.
        assignment: Vec<(String, Vec<i32>)>,
    },
    /// Our epoch is another one (KIP-848): commits have to carry it.
    EpochChanged,
    /// These topics, of which the coordinator wants us to own partitions, have names that are not known (KIP-848). Answer with
    /// [`AnyGroup::learn`], at once with what the metadata knows, and again when it knows more. Those that were asked for before
    /// and are not named here are of no use any more.
    TopicsUnknown(Vec<TopicId>),
    /// The coordinator answered a heartbeat and all is well.
    Heartbeat,
    /// Look the coordinator up again and close the connection to the old one: a heartbeat in flight there is given
    /// up. Member id and generation are kept.
    CoordinatorLost,
    /// What the coordinator's connection brought makes no sense: the next request is to take another one.
    Suspect,
    /// Out of the group, by [`AnyGroup::leave`]. Nothing comes after this.
    Left,
    /// Out of order. Only [`AnyGroup::leave`] still does something: it gives the member id back.
    Failed(Failure),
    /// A line for the user's log.
    Log(Log),
}
