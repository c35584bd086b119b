//! One consumer: the only room where membership, offsets, fetching and the cluster's metadata meet. Pure.
//!
//! Split by verb: `machine` (commands and the contract), `state` (what the consumer is doing, and the one way from state to
//! state), `route` (whose answer is this, what does it mean for the others), `drain` (the way to a rebalance or to the end: lanes
//! idle → offsets committed → partitions released), `poll_interval` (handlers that hang), `first_positions` (from the join to the
//! first look-ups), `hooks` (what the user's code is told of partitions that come and go, and who waits for it), `overdue` (brokers
//! that do not answer), `session` (whether what we hold is certainly ours), `leadership` (what the group's leader assigns by, and
//! whether that is still true), `waiting` (what is told of waits that are long), `health` (what is shown to who asks).

mod assignors;
mod drain;
mod first_positions;
mod hand_over;
mod health;
mod hooks;
mod leadership;
mod machine;
mod overdue;
mod poll_interval;
mod route;
mod session;
mod state;
#[cfg(test)]
mod tests;
mod waiting;

use std::sync::Arc;
use std::time::Duration;

use crate::engine::fetch::FetchConfig;
use crate::engine::fetch::Unreadable;
use crate::engine::machine::Failure;
use crate::engine::machine::Log;
use crate::engine::machine::Target;
use crate::engine::machine::TopicPartition;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::join_group::JoinGroupMember;
use crate::engine::protocol::metadata::MetadataBroker;
use crate::engine::protocol::metadata::MetadataResponse;
use crate::engine::protocol::sync_group::SyncGroupAssignment;

pub use crate::engine::cluster::News;
pub use crate::engine::group::GroupMembershipOperation;
pub use crate::engine::group::GroupProtocol;
pub use crate::engine::group::Membership;
pub use crate::engine::offsets::Epochs;
pub use crate::engine::offsets::Necessity;
pub use crate::engine::offsets::Place;
pub use crate::engine::offsets::Range;
pub use crate::engine::offsets::ResetPolicy;
pub use assignors::Offered;
pub use health::{Health, PartitionHealth, Wait, WaitReason};
pub use hooks::{Hook, HooksGiven};
pub use machine::{Consumer, Tag};

/// Everything that a consumer must be told. Defaults belong to the facade.
#[derive(Debug, Clone)]
pub struct ConsumerConfig {
    /// The group.
    pub group_id: String,
    /// Static membership (KIP-345).
    pub group_instance_id: Option<String>,
    /// By which protocol we are a member of the group.
    pub group_protocol: GroupProtocol,
    /// By KIP-848: the assignor that the coordinator is to use, `uniform` or `range`; None = what it prefers.
    pub group_remote_assignor: Option<String>,
    /// The assignors that it offers in a classic group, preferred first.
    pub assignors: Vec<Offered>,
    /// The coordinator removes a member after this long without a heartbeat. By KIP-848 this, and how often there is one, is the
    /// coordinator's to say.
    pub session_timeout: Duration,
    /// The coordinator waits this long for members to rejoin.
    pub rebalance_timeout: Duration,
    /// Between heartbeats.
    pub heartbeat_interval: Duration,
    /// A handler that makes no progress for this long costs the membership.
    pub max_poll_interval: Duration,
    /// Metadata older than this is read again.
    pub metadata_max_age: Duration,
    /// Which rebalance hooks the user has given.
    pub hooks: HooksGiven,
    /// May brokers create missing topics?
    pub allow_auto_topic_creation: bool,
    /// Where a partition begins without a committed offset, and what a lost position becomes.
    pub auto_offset_reset: ResetPolicy,
    /// No batch may decompress to more than this. (The machine does not decompress: its owner heeds it.)
    pub max_decompressed_bytes: usize,
    /// Commit resolved offsets without being asked.
    pub auto_commit: bool,
    /// Commit within a batch after this long.
    pub auto_commit_interval: Option<Duration>,
    /// Commit within a batch after this many offsets.
    pub auto_commit_threshold: Option<u64>,
    /// Handlers of one partition run beside each other: see `offsets`.
    pub keeps_finished: bool,
    /// How to fetch.
    pub fetch: FetchConfig,
}

/// What the coordinator is to match topics with (KIP-848).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// In the language of RE2, for whole names.
    pub regex: String,
    /// Of its topics.
    pub from_beginning: bool,
}

/// What the user should know, and what the runtime must do.
#[derive(Debug)]
pub enum Event {
    /// The brokers' addresses have changed.
    Brokers(Vec<MetadataBroker>),
    /// For the other clients of this cluster, see [`Consumer::hear`].
    News(News),
    /// The next request to this target is to take another connection.
    Renew(Target),
    /// Which assignors to offer? Answer with [`Consumer::protocols`].
    ProtocolsNeeded {
        /// Number of the question.
        job: u64,
        /// What we subscribe.
        topics: Vec<String>,
    },
    /// We lead. Who gets what? Answer with [`Consumer::assignments`].
    AssignmentNeeded {
        /// Number of the question.
        job: u64,
        /// The group's assignor.
        protocol: String,
        /// All members with their subscriptions.
        members: Vec<JoinGroupMember>,
        /// What the brokers have told of all members' topics just now. Topics that do not exist are not in it.
        metadata: MetadataResponse,
    },
    /// We have been assigned partitions that we do not know; the metadata is read again. Comes before [`Event::Joined`].
    PartitionsUnknown {
        /// Our member id.
        member_id: String,
        /// Our generation.
        generation_id: i32,
        /// The first topic of which this is true.
        topic: String,
        /// Those that we know.
        known: Vec<i32>,
        /// Those that are ours.
        assigned: Vec<i32>,
    },
    /// We have a new assignment. Answer with [`Consumer::complete_join`]: positions are not looked up before.
    Joined(Box<Joined>),
    /// The user's hook is to be called. Answer with [`Consumer::hook_done`]; no other one is needed before that.
    HookNeeded {
        /// Number of the call.
        job: u64,
        /// Which.
        hook: Hook,
        /// Of which partitions, sorted; never none.
        partitions: Vec<TopicPartition>,
    },
    /// The group rebalances; we shall rejoin.
    Rebalancing {
        /// Our member id.
        member_id: String,
        /// How the coordinator has put it.
        code: ErrorCode,
    },
    /// The coordinator took a heartbeat.
    Heartbeat {
        /// Our member id.
        member_id: String,
        /// Our generation.
        generation_id: i32,
    },
    /// The coordinator took offsets.
    Committed {
        /// Our member id.
        member_id: String,
        /// Our generation.
        generation_id: i32,
        /// Whose commit it was, from [`Consumer::commit`] and its neighbour; None = one that nobody asked for.
        ticket: Option<u64>,
        /// The offsets are our own choice: everything that was uncommitted.
        automatic: bool,
        /// Partition, offset, metadata.
        offsets: Vec<(TopicPartition, i64, Option<String>)>,
    },
    /// A manual commit ended.
    CommitDone {
        /// From [`Consumer::commit`].
        ticket: u64,
        /// How.
        result: Result<(), Failure>,
    },
    /// No heartbeat is outstanding.
    HeartbeatDone {
        /// From [`Consumer::heartbeat`].
        ticket: u64,
    },
    /// The partitions of a topic are others than we, as the leader, have assigned by; we shall rejoin.
    TopicUpdated {
        /// Its name.
        topic: Arc<str>,
        /// Its new partitions.
        unknown: Vec<i32>,
    },
    /// A partition is fetched from a follower from now on, because its leader says so (KIP-392).
    FollowerNamed {
        /// Which.
        partition: TopicPartition,
        /// Node id.
        node: i32,
    },
    /// What was kept under this number, see [`Consumer::finish`], will not be taken.
    Dropped(u32),
    /// A batch that cannot be read, everything before it is handled, and its partition waits: [`Consumer::seek`] goes on behind it, if the
    /// partition is still ours then.
    Unreadable {
        /// Why it cannot.
        failure: Failure,
        /// The batch.
        batch: Unreadable,
    },
    /// A Fetch went out.
    FetchStart {
        /// Where to.
        node: i32,
    },
    /// Its answer came.
    FetchEnd {
        /// From where.
        node: i32,
        /// After this long.
        duration: Duration,
    },
    /// The end by [`Consumer::stop`]; the last event.
    Stopped,
    /// The end by a failure; nothing is fetched any more, [`Consumer::stop`] still leaves the group.
    Crashed(Failure),
    /// For the user's log.
    Log(Log),
}

/// How far a partition is, as far as we know without asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Which.
    pub partition: TopicPartition,
    /// The next message to handle; None until that is known.
    pub position: Option<i64>,
    /// The leader epoch of the record before that, if it is known (KIP-320).
    pub leader_epoch: Option<i32>,
    /// What the group has committed; None if that is nothing, or was not asked.
    pub committed: Option<i64>,
    /// Behind the last message that all replicas have; None before the first answer.
    pub high_watermark: Option<i64>,
    /// Before the first message of an open transaction; None before the first answer.
    pub last_stable_offset: Option<i64>,
}

/// What the facade assigns: see [`Consumer::assignments`].
#[derive(Debug, Clone, PartialEq)]
pub struct Assigned {
    /// What each member gets.
    pub shares: Vec<SyncGroupAssignment>,
    /// The partitions that the assignor saw, by topic: what it leaves out of these it leaves out on purpose.
    pub seen: Vec<(String, Vec<i32>)>,
}

/// See [`Event::Joined`].
#[derive(Debug, Clone, PartialEq)]
pub struct Joined {
    /// From JoinGroup sent to SyncGroup answered; by KIP-848 from when it was heard that the assignment was to change.
    pub duration: Duration,
    /// Are we the leader?
    pub is_leader: bool,
    /// Who is; nobody by KIP-848, and the text is empty.
    pub leader_id: String,
    /// Our member id.
    pub member_id: String,
    /// The generation, or our epoch.
    pub generation_id: i32,
    /// The assignor; `consumer` by KIP-848.
    pub protocol: String,
    /// What is ours.
    pub assignment: Vec<(String, Vec<i32>)>,
    /// All topics that the leader gave us, in its order. Those that we never subscribed are dropped.
    pub assigned_topics: Vec<String>,
}
