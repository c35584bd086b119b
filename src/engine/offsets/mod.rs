//! Where each partition starts, what its handlers have finished, and what the group has committed. Pure.
//!
//! Three numbers per partition, each the next offset to read:
//!
//! * **start**: from the committed offset (OffsetFetch), else from the reset policy (ListOffsets), else from a seek;
//! * **resolved**: what handlers have finished, or what the user has sought. Only this is ever committed: an offset
//!   that we merely learned from the group is never written back over the progress of another member;
//! * **committed**: what the coordinator has acknowledged.
//!
//! A reset happens for two reasons only: the group has no committed offset, or the owner asks for it. An error, a
//! timeout or a lost connection never resets a position.
//!
//! Where handlers of one partition run beside each other, more may be **finished** beyond the resolved offset: it travels in the
//! metadata of the commit, see `finished`.
//!
//! `machine` holds the state and its side of the contract, `lookup` finds positions, `commit` writes them, `answer`
//! reads what the coordinator says to that, `unknown_topics` remembers the partitions whose topic it does not know.

mod answer;
mod commit;
mod finished;
mod flush;
mod lookup;
mod machine;
#[cfg(test)]
mod tests;
mod unknown_topics;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::machine::Failure;
use crate::engine::machine::Log;
use crate::engine::machine::TopicPartition;

pub use finished::Range;
pub use machine::{Offsets, View};

/// The rules.
#[derive(Debug, Clone)]
pub struct OffsetsConfig {
    /// The group.
    pub group_id: String,
    /// "Latest" means the last stable offset.
    pub read_committed: bool,
    /// Commit resolved offsets without being asked.
    pub auto_commit: bool,
    /// Commit within a batch after this long.
    pub auto_commit_interval: Option<Duration>,
    /// Commit within a batch after this many offsets.
    pub auto_commit_threshold: Option<u64>,
    /// Handlers of one partition run beside each other: what is finished beyond the resolved offset is kept in the metadata of
    /// commits, and read back.
    pub keeps_finished: bool,
    /// Where a partition without a committed offset begins, and what a position outside the log becomes.
    pub reset: ResetPolicy,
}

/// `autoOffsetReset`: where a partition without a committed offset begins, and what to do about a position that lies outside the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResetPolicy {
    /// The start or the end of the log, by the topic's `fromBeginning`, for both.
    ByTopic,
    /// By the topic's `fromBeginning` the first time; a position outside the log is a failure.
    None,
    /// There, for both; a topic with `fromBeginning` begins at its start.
    To(Place),
}

impl ResetPolicy {
    /// Where the policy sends a partition of a topic with this `fromBeginning`.
    fn place(self, from_beginning: bool) -> Place {
        match self {
            _ if from_beginning => Place::Earliest,
            ResetPolicy::To(place) => place,
            ResetPolicy::ByTopic | ResetPolicy::None => Place::Latest,
        }
    }
}

/// A place in a log that its leader knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Its start.
    Earliest,
    /// Its end.
    Latest,
    /// The first record that is not older than this; the end where all are (KIP-1106).
    Within(Duration),
}

/// A position to look up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    /// The position was outside the log: by the policy.
    ByPolicy,
    /// The start of the log.
    Earliest,
    /// Its end.
    Latest,
}

/// Why a partition has no position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Search {
    /// It is not looked up before [`Offsets::release`].
    Held,
    /// Somebody is asked for it, or will be.
    Asks,
}

/// As whom we commit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Member {
    /// The generation, or by KIP-848 the member's epoch.
    pub generation_id: i32,
    /// By KIP-848: questions carry member and epoch, too.
    pub by_epoch: bool,
    /// The member.
    pub member_id: String,
    /// Static membership.
    pub group_instance_id: Option<String>,
}

/// Does `autoCommitInterval` or `autoCommitThreshold` say that a commit is due?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Necessity {
    /// Yes.
    Now,
    /// Not before this much time has passed, or so many more offsets are resolved. None = never by that.
    Later {
        /// `autoCommitInterval`.
        wait: Option<Duration>,
        /// `autoCommitThreshold`.
        offsets: Option<u64>,
    },
}

/// A partition, its next offset to read, and the user's note.
pub type Offset = (TopicPartition, i64, Option<String>);

/// The leader epochs of the records before the offsets of a commit, where the user has said them (KIP-320).
pub type Epochs = BTreeMap<TopicPartition, i32>;

/// What the machine tells its owner.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Fetching may start here.
    Position {
        /// Whose position.
        partition: TopicPartition,
        /// Next offset to read.
        offset: i64,
        /// The epoch of the leader that wrote the record before it, as far as the answer told; else -1.
        leader_epoch: i32,
    },
    /// A commit with a ticket has ended.
    CommitDone {
        /// From the command.
        ticket: u64,
        /// How.
        result: Result<(), Failure>,
    },
    /// The coordinator took these.
    Committed {
        /// Whose commit it was, from the command; None = one that nobody asked for.
        ticket: Option<u64>,
        /// The offsets are our own choice: everything that was uncommitted.
        automatic: bool,
        /// What.
        offsets: Vec<Offset>,
    },
    /// What [`Offsets::flush`] asked for is done, or cannot be done in time.
    Flushed,
    /// A leader is stale.
    RefreshMetadata,
    /// The coordinator has moved or does not answer.
    CoordinatorLost,
    /// No use going on.
    Failed(Failure),
    /// For the user.
    Log(Log),
}
