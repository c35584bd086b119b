//! How messages come in: read, given a partition, and written behind the others of its batch.

use std::ops::Range;
use std::time::Instant;

use crate::engine::cluster::Metadata;
use crate::engine::machine::TopicPartition;
use crate::engine::records::BatchWriter;
use crate::engine::records::turn::{Send, Sends, TopicMessages, TurnError};

use super::batch::{Batch, Share, Spans, State, Terms};
use super::machine::Produce;
use super::partition::{End, Partition};
use super::sends::SEND_MEMORY;
use super::topics::{Origin, Topic, Waiting};
use super::{Event, FailedPart, Reason};

/// What [`Produce::submit`] took of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Submitted {
    /// How many sends, from the first on.
    pub sends: usize,
    /// Their bytes: where the rest begins, to be handed over again at [`Answer::Room`](super::Answer::Room), before anything newer.
    pub bytes: usize,
}

impl Produce {
    /// Takes in the sends of a turn (see [`turn`](crate::engine::records::turn)), as far as there is room for them. Each of them
    /// ends in [`Answer::Sent`](super::Answer::Sent) or [`Answer::Failed`](super::Answer::Failed).
    ///
    /// # Errors
    ///
    /// The bytes are no turn; then none of the sends is taken.
    pub fn submit(&mut self, now: Instant, view: &Metadata, turn: &[u8]) -> Result<Submitted, TurnError> {
        for send in Sends::new(turn) {
            send?.check()?;
        }
        self.look(view);
        let mut submitted = Submitted::default();
        for send in Sends::new(turn) {
            let send = send?;
            // A send that is larger than the buffer goes alone.
            let wanted = send.bytes.len().saturating_add(SEND_MEMORY);
            if !self.has_room(wanted) {
                self.wanted = Some(wanted);
                break;
            }
            submitted.sends += 1;
            submitted.bytes += send.bytes.len();
            self.take(now, view, &send)?;
        }
        Ok(submitted)
    }

    /// Takes one send in.
    fn take(&mut self, now: Instant, view: &Metadata, send: &Send<'_>) -> Result<(), TurnError> {
        let number = self.sends.begin(send.ticket);
        let terms = Terms { acks: send.acks, timeout_ms: send.timeout_ms, compression: send.compression };
        let origin = Origin { send: number, terms, size: send.bytes.len() };
        let mut first = 0u32;
        for topic in send.topics() {
            let topic = topic?;
            let count = u32::try_from(topic.count()).unwrap_or(u32::MAX);
            let is_over = if self.is_closing() { Some(Reason::Stopped) } else { self.over() };
            if let Some(reason) = is_over {
                let (topic, messages) = (topic.name.into(), vec![span(first, count)]);
                self.sends.failed(
                    number,
                    FailedPart { topic, partition: None, messages, reason, may_be_written: false },
                );
            } else {
                self.take_topic(now, view, origin, first, &topic)?;
            }
            first = first.saturating_add(count);
        }
        self.sends.end_part(number, &mut self.events);
        Ok(())
    }

    fn take_topic(
        &mut self,
        now: Instant,
        view: &Metadata,
        origin: Origin,
        first: u32,
        messages: &TopicMessages<'_>,
    ) -> Result<(), TurnError> {
        let (index, is_new) = self.topic(now, messages.name);
        let Some(topic) = self.topics.get_mut(index) else { return Ok(()) };
        topic.used_at = now;
        if topic.look(view) && topic.waiting.is_empty() {
            return self.append(now, index, origin, first, messages);
        }
        let count = u32::try_from(messages.count()).unwrap_or(u32::MAX);
        let bytes: Box<[u8]> = messages.whole.into();
        self.used += bytes.len();
        // Who waits already is asked for, until there is no use in it.
        let is_asked_for = is_new || !topic.waiting.is_empty();
        topic.waiting.push_back(Waiting { origin, first, count, bytes, since: now });
        self.waiting.insert(index);
        self.sends.add_part(origin.send);
        if !is_asked_for {
            self.refresh();
        }
        Ok(())
    }

    /// Puts messages that were sent at this time into the batches of their partitions.
    fn append(
        &mut self,
        since: Instant,
        index: usize,
        origin: Origin,
        first: u32,
        messages: &TopicMessages<'_>,
    ) -> Result<(), TurnError> {
        for (nth, message) in (first..).zip(messages.messages()) {
            let message = message?;
            let Some(slot) = self.slot_for(index, message.partition, message.key) else { return Ok(()) };
            let batch = self.append_to(since, slot, origin, nth, |writer| writer.append(&message));
            if let Some(batch) = batch {
                batch.is_bound |= message.partition.is_some();
            }
        }
        Ok(())
    }

    /// The slot of the partition that the program or else the partitioner chooses.
    fn slot_for(&mut self, index: usize, chosen: Option<i32>, key: Option<&[u8]>) -> Option<usize> {
        let topic = self.topics.get_mut(index)?;
        let partition = chosen.unwrap_or_else(|| {
            let mut turn = topic.turn;
            let partition = self.config.partitioner.partition(key, topic.choice(), &mut turn);
            topic.turn = turn;
            partition
        });
        Some(topic.slot(partition).unwrap_or_else(|| {
            let at = TopicPartition { topic: topic.name.clone(), partition };
            let slot = self.partitions.insert(Partition::new(at, self.config.pace));
            topic.add_slot(partition, slot);
            slot
        }))
    }

    /// Puts a message into a batch of this partition, which is returned.
    fn append_to(
        &mut self,
        since: Instant,
        slot: usize,
        origin: Origin,
        nth: u32,
        write: impl FnOnce(&mut BatchWriter),
    ) -> Option<&mut Batch> {
        let partition = self.partitions.get_mut(slot)?;
        let joins = partition.queue.back().is_some_and(|batch| match &batch.state {
            State::Open(writer) => {
                batch.terms == origin.terms
                    && (batch.shares.last().is_some_and(|share| share.send == origin.send)
                        || writer.len() + origin.size <= self.config.batch_size)
            }
            _ => false,
        });
        if !joins {
            if let Some(batch) = partition.queue.back_mut() {
                batch.close();
            }
            let writer = BatchWriter::reusing(self.spare.pop().unwrap_or_default());
            partition.queue.push_back(Batch::new(self.next_batch, origin.terms, writer, since));
            self.next_batch += 1;
            self.active.insert(slot);
            self.compresses |= origin.terms.compression.is_some();
        }
        let batch = partition.queue.back_mut()?;
        let State::Open(writer) = &mut batch.state else { return None };
        let before = writer.len();
        write(writer);
        self.used += writer.len() - before;
        match batch.shares.last_mut() {
            Some(share) if share.send == origin.send => {
                share.records += 1;
                share.messages.push(nth);
            }
            _ => {
                batch.shares.push(Share { send: origin.send, records: 1, messages: Spans::new(nth) });
                self.sends.add_part(origin.send);
            }
        }
        Some(batch)
    }

    /// A partition is gone: the topic was made anew with fewer. What only the partitioner had placed there it places again, as in
    /// kafkajs, where it does so at each attempt.
    pub(super) fn place_again(&mut self, view: &Metadata, slot: usize) {
        let Some(partition) = self.partitions.get(slot) else { return };
        let Some(index) = self.names.get(&partition.at.topic).copied() else { return };
        if !self.topics.get_mut(index).is_some_and(|topic| topic.look(view)) {
            return;
        }
        let mut place = 0;
        while let Some(partition) = self.partitions.get_mut(slot)
            && let Some(batch) = partition.queue.get_mut(place)
        {
            if !batch.may_move() {
                place += 1;
                continue;
            }
            batch.close();
            let Some(batch) = partition.remove(place, End::NotWritten) else { return };
            let mut records = batch.records();
            for share in &batch.shares {
                let origin = Origin { send: share.send, terms: batch.terms, size: batch.size() };
                for (nth, record) in share.messages.to_vec().into_iter().flatten().zip(records.by_ref()) {
                    if let Some(slot) = self.slot_for(index, None, record.key()) {
                        self.append_to(batch.created, slot, origin, nth, |writer| writer.copy(record));
                    }
                }
            }
            drop(records);
            self.ended(slot, batch);
        }
    }

    /// The topic of this name, from now on one of those whose metadata is needed. Says whether it was none before.
    fn topic(&mut self, now: Instant, name: &str) -> (usize, bool) {
        let index = self.names.get(name).copied().unwrap_or_else(|| {
            self.forget_unused(now);
            let topic = Topic::new(name, self.rng.u32(..), now);
            let name = topic.name.clone();
            let index = self.topics.insert(topic);
            self.names.insert(name, index);
            index
        });
        let Some(topic) = self.topics.get_mut(index) else { return (index, false) };
        let is_new = !std::mem::replace(&mut topic.is_wanted, true);
        if is_new {
            topic.absences = 0;
            self.events.push_back(Event::TopicWanted(topic.name.clone()));
        }
        (index, is_new)
    }

    /// Takes news of the metadata in: messages that waited for it go to their partitions.
    pub(super) fn look(&mut self, view: &Metadata) {
        if self.waiting.is_empty() {
            return;
        }
        for index in self.waiting.clone() {
            let Some(topic) = self.topics.get_mut(index) else { continue };
            if !topic.look(view) {
                continue;
            }
            self.waiting.remove(&index);
            for part in std::mem::take(&mut topic.waiting) {
                self.used = self.used.saturating_sub(part.bytes.len());
                // It was read once already.
                if let Ok(messages) = TopicMessages::read(&part.bytes) {
                    let _ = self.append(part.since, index, part.origin, part.first, &messages);
                }
                self.sends.end_part(part.origin.send, &mut self.events);
            }
            // One without messages is answered by that.
            self.make_room();
            self.end_of_life();
        }
    }
}

/// `count` messages from `first` on.
pub(super) fn span(first: u32, count: u32) -> Range<u32> {
    first..first.saturating_add(count)
}
