//! A producer's transactions (KIP-98, 360, 447, 890): who the producer is, what belongs to a transaction, and how it ends. Pure.
//!
//! ```text
//!  begin ─► InitProducerId ─► Begun { id, epoch } ─► the messages' machine numbers its batches by them
//!  a partition is to be written ─► AddPartitionsToTxn (v1) ─► Joined ─► its batches go out
//!  send_offsets ─► AddOffsetsToTxn (v1) ─► TxnOffsetCommit, to the group's coordinator
//!  commit, abort ─► (every message and offset is answered) ─► EndTxn
//! ```
//!
//! * **Two protocols.** Where the cluster has finalized `transaction.version` 2 (KIP-890), partitions and groups join by being written
//!   to, and the answer to EndTxn brings the next epoch. The coordinator is asked which one it speaks; a transaction ends as it began.
//! * **Errors.** What may pass is repeated. What only an abort can mend *dooms* the transaction: everything fails with the first
//!   cause until it is aborted. What another producer with our transactional id has caused is *fatal*: everything fails with it,
//!   for good.
//! * **The end.** Commit and abort are repeated until they are answered. When there is no answer for too long, nobody knows; then the
//!   next transaction waits for the answer; a commit that is refused then is aborted, as nobody else would.
//! * **Zombies.** An id that we had is always given along with InitProducerId: a producer that was replaced is refused, instead of
//!   throwing its successor out.

mod answers;
mod machine;
mod requests;
mod state;
mod verdict;

use std::sync::Arc;
use std::time::Duration;

use crate::engine::machine::CoordinatorKey;
use crate::engine::machine::Log;
use crate::engine::machine::TopicPartition;
use crate::engine::produce::ProducerId;
use crate::engine::produce::Reason;
use crate::engine::protocol::offset_commit::OffsetCommitTopic;

pub use machine::Transaction;

/// The rules.
#[derive(Debug, Clone)]
pub struct TransactionConfig {
    /// Whose transactions: a name that outlives the process.
    pub transactional_id: Arc<str>,
    /// After how long the coordinator aborts a transaction that is neither committed nor aborted.
    pub transaction_timeout: Duration,
    /// For how long a call is repeated that is not answered, or not well.
    pub patience: Duration,
}

/// What the machine is shown of its surroundings.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The node of a coordinator, while it is known.
    pub coordinator: &'a dyn Fn(&CoordinatorKey) -> Option<i32>,
    /// Is every message answered that was sent?
    pub is_settled: bool,
}

/// Offsets that count when the transaction is committed.
#[derive(Debug, Clone, PartialEq)]
pub struct Offsets {
    /// Whose.
    pub group: GroupMetadata,
    /// Per topic.
    pub topics: Vec<OffsetCommitTopic>,
}

/// A consumer group, and the member of it that has read (KIP-447). A coordinator refuses one that is not a member any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMetadata {
    /// Group.
    pub group_id: Arc<str>,
    /// The member's generation, or epoch; -1 when unknown: nobody is refused.
    pub generation_id: i32,
    /// Its member id, empty when unknown.
    pub member_id: String,
    /// Static membership.
    pub group_instance_id: Option<String>,
}

impl GroupMetadata {
    /// A group of which no member is known.
    pub fn of_group(group_id: &str) -> GroupMetadata {
        let (generation_id, member_id) = (-1, String::new());
        GroupMetadata { group_id: group_id.into(), generation_id, member_id, group_instance_id: None }
    }
}

/// What the machine tells its owner.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// This coordinator is to be found.
    CoordinatorWanted(CoordinatorKey),
    /// This coordinator has moved, or does not answer: it is to be found again.
    CoordinatorLost(CoordinatorKey),
    /// A transaction has begun: its messages are numbered so.
    Begun {
        /// By whom.
        producer: ProducerId,
        /// Are partitions told to the coordinator before they are written ([`Event::Joined`])? Else they join by being written.
        transactions_v1: bool,
    },
    /// These partitions belong to the transaction, and may be written.
    Joined(Vec<TopicPartition>),
    /// Nothing of the transaction is written any more: what is not out fails with this.
    Over(Reason),
    /// How a call ended.
    Answered {
        /// Which.
        ticket: u64,
        /// How.
        result: Result<(), Trouble>,
    },
    /// For the user's log.
    Log(Log),
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq)]
pub enum Trouble {
    /// The transaction can only be aborted.
    Doomed(Reason),
    /// This producer can do nothing any more: another one has its transactional id, or it is not allowed to have it.
    Fatal(Reason),
    /// No answer for too long. A commit or an abort may have taken effect.
    Unanswered(Reason),
    /// There is no transaction to which this could apply, or there is one already.
    Misplaced,
}
