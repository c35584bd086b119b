//! A partition: its batches in the order of the calls, and their sequences.
//!
//! ```text
//!                  a numbered batch is to be tried again
//!   Normal ───────────────────────────────────────────────► Retrying      the first alone, nothing new
//!    ▲ │ ▲                       all of them have ended        │ │
//!    │ │ └─────────────────────────────────────────────────────┘ │
//!    │ │    one was not written, or split, and others behind     │
//!    │ ├─────────────────────────────────────────────────────────┤
//!    │ │                                                         ▼
//!    │ │    all numbered have ended: the epoch is raised    Unresolved    as Retrying, for others may have been written
//!    │ ├◄────────────────────────────────────────────────────────┤
//!    │ │                                                         │ what comes before the first is missing, or was split
//!    │ ▼                                                         ▼
//!    └──────────────────────────────────────────────────────── Raising    nothing goes out
//!         nothing is out any more: all lose their sequences,
//!         the epoch is raised, they are numbered anew, in order
//! ```
//! The epoch is this partition's own. Brokers keep sequence and epoch per partition and producer, and a producer that is not
//! transactional need not ask anybody for a higher one (KIP-360).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::engine::cluster::Leader;
use crate::engine::machine::Backoff;
use crate::engine::machine::Pace;
use crate::engine::machine::TopicPartition;
use crate::engine::protocol::TopicId;
use crate::engine::records::Sequence;

use super::batch::Batch;
use super::identity::{Identity, ProducerId};
use super::{MAX_IN_FLIGHT, ProduceConfig};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Flow {
    Normal,
    Retrying,
    Unresolved,
    Raising,
}

/// How the partition's next batch is numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Numbers {
    of: ProducerId,
    next: i32,
    /// When this leader acknowledged a batch of this id and epoch last. A leader that knows nothing of a producer takes any sequence
    /// for the first one: a second batch, out at the same time, would be taken although the first was refused.
    proven: Option<Instant>,
}

/// What a partition could do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Move {
    /// Nothing, until something ends.
    Wait,
    /// Nothing before this instant.
    Until(Instant),
    /// Compress the batch at this place.
    Pack(usize),
    /// Send the batch at this place.
    Send(usize),
}

#[derive(Debug)]
pub(super) struct Partition {
    pub(super) at: TopicPartition,
    pub(super) queue: VecDeque<Batch>,
    flow: Flow,
    numbers: Option<Numbers>,
    pub(super) backoff: Backoff,
    /// The leader at which the last attempt failed; another one need not wait for the back-off.
    pub(super) failed_on: Option<i32>,
    /// The topic's id, and who led the partition, when they were looked at last.
    topic_id: TopicId,
    leader: Option<Leader>,
    /// How often brokers had told of the topic when it had no such partition for the first time.
    pub(super) absent_since: Option<u64>,
}

/// How a batch ended, as far as its number goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Written,
    /// For certain.
    NotWritten,
    Unknown,
}

impl Partition {
    pub(super) fn new(at: TopicPartition, pace: Pace) -> Partition {
        Partition {
            at,
            queue: VecDeque::new(),
            flow: Flow::Normal,
            numbers: None,
            backoff: Backoff::new(pace),
            failed_on: None,
            topic_id: TopicId::ZERO,
            leader: None,
            absent_since: None,
        }
    }

    /// The topic has this id. Another one is another log, whose leader knows nothing of us. Nor may another leader: an unclean election
    /// makes one of a replica that has not heard of us, and one that was made when our records were gone has not either. The same broker
    /// in another epoch is another one: in between somebody else may have led, whose log it has taken over.
    pub(super) fn look(&mut self, topic_id: TopicId, leader: Option<Leader>) {
        let leader = leader.or(self.leader);
        if (self.topic_id, self.leader) != (topic_id, leader) {
            (self.topic_id, self.leader) = (topic_id, leader);
            if let Some(numbers) = &mut self.numbers {
                numbers.proven = None;
            }
        }
    }

    /// The place of a batch in the queue.
    pub(super) fn find(&self, batch: u64) -> Option<usize> {
        self.queue.iter().position(|candidate| candidate.id == batch)
    }

    /// What could go out, whoever leads the partition and however long it must wait after a failure.
    pub(super) fn next_move(
        &self,
        now: Instant,
        identity: &Identity,
        is_hurried: bool,
        config: &ProduceConfig,
    ) -> Move {
        let out = self.queue.iter().take_while(|batch| batch.is_in_flight()).count();
        let Some(batch) = self.queue.get(out) else { return Move::Wait };
        let go = |batch: &Batch| {
            if batch.is_to_be_packed() {
                Move::Pack(out)
            } else if batch.is_idle() {
                Move::Send(out)
            } else {
                Move::Wait
            }
        };
        if batch.sequence.is_some() {
            // One that was out already: alone, or what is behind it could be written before it.
            let is_alone = !self.queue.iter().any(Batch::is_in_flight);
            return if is_alone && self.flow != Flow::Raising { go(batch) } else { Move::Wait };
        }
        let is_numbered = batch.terms.acks == -1 && !identity.is_off();
        if self.flow != Flow::Normal || (is_numbered && identity.known().is_none()) {
            return Move::Wait;
        }
        let is_full = !batch.is_open() || batch.size() >= config.batch_size || out + 1 < self.queue.len();
        if let Some(before) = out.checked_sub(1).and_then(|before| self.queue.get(before)) {
            // A batch without a number could overtake, and one of another producer id is no successor.
            let follows =
                before.sequence.is_some_and(|s| Some(s.producer_id) == identity.known().map(|id| id.id));
            // What comes while an earlier batch is out travels together.
            let is_proven = self.numbers.and_then(|n| n.proven).is_some_and(|at| at + REMEMBERED > now);
            let has_room = out < MAX_IN_FLIGHT && !identity.is_given();
            if !is_numbered || !follows || !is_proven || !has_room || !(is_full || is_hurried) {
                return Move::Wait;
            }
        }
        let lingers_until = batch.created + config.linger;
        if !is_full && !is_hurried && lingers_until > now {
            return Move::Until(lingers_until);
        }
        go(batch)
    }

    /// The number for a batch that has none yet.
    pub(super) fn number(&mut self, place: usize, identity: &Identity) {
        let outstanding = self.queue.iter().any(|batch| batch.sequence.is_some());
        let (Some(id), Some(batch)) = (identity.known(), self.queue.get_mut(place)) else { return };
        if batch.sequence.is_some() || batch.terms.acks != -1 {
            return;
        }
        let is_of_this_id = self.numbers.is_some_and(|numbers| match identity.is_given() {
            true => numbers.of == id,
            // The epoch is the partition's own.
            false => numbers.of.id == id.id,
        });
        if !is_of_this_id && !outstanding {
            self.numbers = Some(Numbers { of: id, next: 0, proven: None });
        }
        if let Some(Numbers { of, next, .. }) = &mut self.numbers {
            batch.sequence = Some(Sequence { producer_id: of.id, epoch: of.epoch, base: *next });
            *next = behind(*next, batch.count());
        }
    }

    /// Whose numbers its batches have.
    pub(super) fn numbered_by(&self) -> Option<ProducerId> {
        self.numbers.map(|numbers| numbers.of)
    }

    /// Is every numbered batch before this one answered?
    pub(super) fn is_first_numbered(&self, place: usize) -> bool {
        self.queue.iter().take(place).all(|batch| batch.sequence.is_none())
    }

    /// The batch at this place is acknowledged by this leader, in the log of the topic with this id.
    pub(super) fn succeeded(&mut self, now: Instant, place: usize, topic_id: TopicId, leader: Leader) {
        self.backoff.reset();
        self.failed_on = None;
        if (topic_id, Some(leader)) == (self.topic_id, self.leader)
            && let Some(numbers) = &mut self.numbers
            && let Some(sequence) = self.queue.get(place).and_then(|batch| batch.sequence)
            && (sequence.producer_id, sequence.epoch) == (numbers.of.id, numbers.of.epoch)
        {
            numbers.proven = Some(now);
        }
    }

    /// The epoch must be raised before anything else goes out.
    pub(super) fn raise(&mut self) {
        self.transition(Flow::Raising);
    }

    /// The batch at this place is to be tried again.
    pub(super) fn retry(&mut self, place: usize) {
        let Some(batch) = self.queue.get_mut(place) else { return };
        batch.back();
        if batch.sequence.is_some() {
            self.transition(Flow::Retrying);
        }
    }

    /// Takes a batch out that has ended.
    pub(super) fn remove(&mut self, place: usize, end: End) -> Option<Batch> {
        let batch = self.queue.remove(place)?;
        let Some(sequence) = batch.sequence else { return Some(batch) };
        let is_last = !self.queue.iter().skip(place).any(|batch| batch.sequence.is_some());
        match end {
            End::Written => {}
            End::NotWritten if is_last => {
                // As if it had never been numbered.
                if let Some(numbers) = &mut self.numbers {
                    numbers.next = sequence.base;
                }
            }
            End::NotWritten | End::Unknown => self.transition(Flow::Unresolved),
        }
        Some(batch)
    }

    /// Something has ended: goes on as far as that allows. Returns whether a new producer id is needed.
    pub(super) fn settle(&mut self) -> bool {
        let outstanding = self.queue.iter().any(|batch| batch.sequence.is_some());
        match self.flow {
            Flow::Retrying if !outstanding => self.transition(Flow::Normal),
            Flow::Unresolved if !outstanding => return self.raised(),
            // The halves of a batch that was split come first: what is numbered behind them is missing something, too.
            Flow::Unresolved if self.queue.front().is_some_and(|batch| batch.sequence.is_none()) => {
                self.transition(Flow::Raising);
            }
            _ => {}
        }
        if self.flow == Flow::Raising && !self.queue.iter().any(Batch::is_in_flight) {
            self.queue.iter_mut().for_each(|batch| batch.sequence = None);
            return self.raised();
        }
        false
    }

    fn raised(&mut self) -> bool {
        self.transition(Flow::Normal);
        let Some(numbers) = &mut self.numbers else { return false };
        numbers.next = 0;
        numbers.proven = None;
        match numbers.of.raised() {
            Some(raised) => {
                numbers.of = raised;
                false
            }
            None => true,
        }
    }

    /// A worse state wins; only [`Partition::settle`] leads back.
    fn transition(&mut self, to: Flow) {
        if to == Flow::Normal || to > self.flow {
            self.flow = to;
        }
    }
}

/// For how long a leader remembers a producer that is silent, at least; `producer.id.expiration.ms` is a day by default.
const REMEMBERED: Duration = Duration::from_secs(600);

/// The sequence of the record `count` behind `base`; after 2³¹ - 1 comes 0.
fn behind(base: i32, count: i32) -> i32 {
    base.wrapping_add(count) & i32::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_begin_again_at_zero() {
        assert_eq!(behind(0, 7), 7);
        assert_eq!(behind(i32::MAX - 1, 1), i32::MAX);
        assert_eq!(behind(i32::MAX, 1), 0);
        assert_eq!(behind(i32::MAX - 2, 10), 7);
    }
}
