//! From sends to acknowledged records: partitioning, batches, sequences, retries. Pure.
//!
//! ```text
//! turn ─ submit ─► Topic ───────► Partition ─ queue of Batch ─ poll_request ─► Produce to the leader
//!        intake.rs topics.rs      partition.rs                 requests.rs         │
//!                  waits for      order, sequence, epoch                          │
//!                  its metadata                                                   ▼
//!        Sent or Failed ◄──────── sends.rs ◄───────────────── answers.rs ◄──── answer
//! ```
//!
//! * **Order.** A partition's batches are one queue, in the order of the calls; a batch leaves it when its fate is known, and is
//!   retried in its place, with the same records. An idempotent partition may have several out; one of a plain producer has one.
//! * **Batches.** What is sent while a partition's earlier batch is out travels together in the next; a lone send leaves at once.
//!   A send is never divided between two batches of a partition, unless the broker finds its batch too large.
//! * **Truth.** A send is answered when all its batches have ended. What is reported as written is written, and nothing is sent for
//!   a message any more whose send has failed. An attempt that was not answered may have been written: with idempotence
//!   the next one finds out.
//! * **Sequences.** See [`partition`]: a gap that the broker finds is closed by a higher epoch, of this partition alone (KIP-360).
//!
//! JavaScript keeps the sends that do not fit into `bufferMemory`, and hands them over again at [`Answer::Room`].

mod answers;
mod batch;
mod identity;
mod intake;
mod machine;
mod partition;
mod partitioner;
mod requests;
mod sends;
#[cfg(test)]
mod tests;
mod topics;
mod transactional;
mod unused;
mod verdict;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::machine::Log;
use crate::engine::machine::NetError;
use crate::engine::machine::Pace;
use crate::engine::machine::TopicPartition;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::fetch::NodeEndpoint;
use crate::engine::records::CompressError;

pub use batch::{PackJob, Packed};
pub use identity::ProducerId;
pub use intake::Submitted;
pub use machine::Produce;
pub use partitioner::{Choice, Partitioner};
pub use transactional::UNTIL_ENDED;

/// The rules.
#[derive(Debug, Clone)]
pub struct ProduceConfig {
    /// Are batches numbered, so that brokers recognise a repetition?
    pub idempotence: Idempotence,
    /// All messages belong to transactions of this name, see [`Produce::begin_transaction`]: then they are numbered, too.
    pub transactional_id: Option<Arc<str>>,
    /// How often a batch is tried again before its sends fail.
    pub retries: u32,
    /// For how long it is tried at least, however many attempts fail meanwhile: an election takes its time.
    pub retry_time: Duration,
    /// The waits between the attempts of a partition; none for a leader at which none has failed.
    pub pace: Pace,
    /// How long a message may take from its send to its acknowledgement, all attempts together. An attempt that is out is
    /// waited for.
    pub delivery_timeout: Duration,
    /// How long a batch waits for more to come; zero = not at all.
    pub linger: Duration,
    /// A batch of this many bytes takes no further send.
    pub batch_size: usize,
    /// Bytes of messages that wait or are under way, beyond which no send is taken. What is kept of a send beside its messages counts
    /// as well.
    pub buffer_memory: usize,
    /// A request of this many bytes takes no further batch.
    pub max_request_size: usize,
    /// Produce requests that may be out to one broker.
    pub max_in_flight: usize,
    /// For messages without a partition.
    pub partitioner: Partitioner,
    /// After how many answers in a row that do not know a topic its messages fail, when `retry_time` is over as well.
    pub topic_retries: u32,
    /// A topic that has not been sent to for so long is not asked for any more.
    pub metadata_max_idle: Duration,
    /// So many topics may be known. What is more are the ones that have not been sent to for the longest time.
    pub most_topics: usize,
}

impl Default for ProduceConfig {
    fn default() -> ProduceConfig {
        ProduceConfig {
            idempotence: Idempotence::IfAllowed,
            transactional_id: None,
            retries: u32::MAX,
            retry_time: Duration::ZERO,
            pace: Pace::default(),
            delivery_timeout: Duration::from_secs(120),
            linger: Duration::ZERO,
            // Just below what a broker takes by default, 1 MiB and the header.
            batch_size: 1_000_000,
            buffer_memory: 32 << 20,
            max_request_size: 4 << 20,
            max_in_flight: MAX_IN_FLIGHT,
            partitioner: Partitioner::Default,
            topic_retries: 5,
            metadata_max_idle: Duration::from_secs(300),
            most_topics: 10_000,
        }
    }
}

/// Are batches numbered?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idempotence {
    /// No.
    Off,
    /// Where the brokers allow it; else plainly, without a word.
    IfAllowed,
    /// Yes; brokers that do not allow it fail the sends.
    Required,
}

/// What those who send are told, in the order in which it happens.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Every message of this send is in the log; with `acks` 0, on its way.
    Sent {
        /// Which send.
        ticket: i32,
        /// One row per partition; none with `acks` 0.
        rows: Vec<Row>,
    },
    /// At least one message of this send is not in the log, as far as we know, and nobody tries any longer.
    Failed(Box<FailedSend>),
    /// There is room again for sends that were not taken.
    Room,
    /// What was sent before [`Produce::flush`] with this ticket is answered.
    Flushed(i32),
}

/// What the machine tells its owner.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// To those who send.
    Answer(Answer),
    /// Metadata is missing or out of date: [`Cluster::refresh`](crate::engine::cluster::Cluster::refresh).
    RefreshMetadata,
    /// This topic is sent to: its metadata is needed.
    TopicWanted(Arc<str>),
    /// This one is not any more: its messages have failed.
    TopicUnwanted(Arc<str>),
    /// Nobody has sent to these for long.
    TopicsForgotten(Vec<Arc<str>>),
    /// These partitions are to be written by a transaction that does not know of them: see [`Produce::joined`].
    Joins(Vec<TopicPartition>),
    /// KIP-951: an error told where nodes are. To be taken in before what follows.
    NodesNamed(Vec<NodeEndpoint>),
    /// KIP-951: an error named the new leader.
    LeaderMoved {
        /// Of what.
        partition: TopicPartition,
        /// Its node.
        node: i32,
        /// Its epoch.
        epoch: i32,
    },
    /// Batches are numbered from now on, or never will be, which is nobody's fault; or the brokers refuse it although it is required.
    Identified(Result<(), Reason>),
    /// The end of [`Produce::close`].
    Closed,
    /// For the user's log.
    Log(Log),
}

/// Where a send's messages are in one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Which.
    pub partition: TopicPartition,
    /// Offset of this send's first message there, the others follow it; -1 where the broker has forgotten it.
    pub base_offset: i64,
    /// When the broker appended it, ms, if the topic is so configured; else -1.
    pub log_append_time: i64,
    /// Start of the log, -1 when unknown.
    pub log_start_offset: i64,
}

/// A send that is not written, or not all of it.
#[derive(Debug, Clone, PartialEq)]
pub struct FailedSend {
    /// Which send.
    pub ticket: i32,
    /// What failed, first things first. Never empty.
    pub failed: Vec<FailedPart>,
    /// What is in the log nevertheless.
    pub rows: Vec<Row>,
}

/// Messages that failed together.
#[derive(Debug, Clone, PartialEq)]
pub struct FailedPart {
    /// Their topic.
    pub topic: Arc<str>,
    /// Their partition; None while the topic's partitions are unknown.
    pub partition: Option<i32>,
    /// Which messages of the send, counted through all its topics.
    pub messages: Vec<Range<u32>>,
    /// Why.
    pub reason: Reason,
    /// May they be in the log nevertheless, or come there yet? Some attempt was not answered, or by a leader that was none any more.
    pub may_be_written: bool,
}

/// Why messages failed.
#[derive(Debug, Clone, PartialEq)]
pub enum Reason {
    /// A broker said so.
    Broker {
        /// Its code.
        code: ErrorCode,
        /// Its words, about the first record that it names if it names one.
        message: Option<String>,
    },
    /// No answer.
    Net(NetError),
    /// They could not be compressed as was asked.
    Compression(CompressError),
    /// `delivery_timeout` has passed without an attempt.
    TimedOut,
    /// The producer is closing or closed.
    Stopped,
    /// Their transaction was aborted, or there is none.
    Aborted,
}

/// As many as a broker remembers of a producer (KIP-98): of more, a repetition would not be recognised.
pub const MAX_IN_FLIGHT: usize = 5;
