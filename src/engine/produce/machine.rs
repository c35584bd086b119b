//! The machine's state, and how messages come into it.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use fastrand::Rng;

use crate::engine::cluster::Metadata;
use crate::engine::machine::Machine;
use crate::engine::machine::NetError;
use crate::engine::machine::Outbound;
use crate::engine::machine::TopicPartition;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Response;
use crate::engine::records::BatchWriter;
use crate::engine::records::turn::{Message, Send, Sends, TopicMessages, TurnError};

use super::batch::{Batch, Share, State, Terms};
use super::identity::Identity;
use super::partition::{End, Move, Partition};
use super::requests::Requests;
use super::sends::SendTable;
use super::topics::{Origin, Topic, Waiting};
use super::{Event, FailedPart, PackJob, Packed, ProduceConfig, Reason, Row};

/// See the module's documentation.
#[derive(Debug)]
pub struct Produce {
    pub(super) config: ProduceConfig,
    pub(super) rng: Rng,
    pub(super) identity: Identity,
    topics: Vec<Topic>,
    names: HashMap<Arc<str>, usize>,
    pub(super) partitions: Vec<Partition>,
    /// Those with a batch in their queue.
    pub(super) active: BTreeSet<usize>,
    pub(super) requests: Requests,
    pub(super) sends: SendTable,
    /// Bytes of messages, as `buffer_memory` counts them.
    used: usize,
    /// How many bytes the next send wants that was not taken for lack of room.
    wanted: Option<usize>,
    /// Buffers of batches that have ended.
    spare: Vec<BytesMut>,
    life: Life,
    next_batch: u64,
    wants_metadata: bool,
    pub(super) events: VecDeque<Event>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    Open,
    /// What was sent before is still tried, until then.
    Closing(Instant),
    Closed,
}

/// What [`Produce::submit`] took of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Submitted {
    /// How many sends, from the first on.
    pub sends: usize,
    /// Their bytes: where the rest begins, to be handed over again at [`Event::Room`], before anything newer.
    pub bytes: usize,
}

impl Produce {
    /// A machine that knows no topic.
    pub fn new(config: ProduceConfig, seed: u64) -> Produce {
        Produce {
            identity: Identity::new(config.idempotence),
            config,
            rng: Rng::with_seed(seed),
            topics: Vec::new(),
            names: HashMap::new(),
            partitions: Vec::new(),
            active: BTreeSet::new(),
            requests: Requests::default(),
            sends: SendTable::default(),
            used: 0,
            wanted: None,
            spare: Vec::new(),
            life: Life::Open,
            next_batch: 0,
            wants_metadata: false,
            events: VecDeque::new(),
        }
    }

    /// The topics whose metadata is needed.
    pub fn topics(&self) -> Vec<Arc<str>> {
        self.names.keys().cloned().collect()
    }

    /// Bytes of messages that are not answered.
    pub fn memory(&self) -> usize {
        self.used
    }

    /// Is everything answered?
    pub fn is_idle(&self) -> bool {
        self.sends.is_empty()
    }

    /// Takes in the sends of a turn (see [`turn`](crate::engine::records::turn)), as far as there is room for them. Each of them
    /// ends in [`Event::Sent`] or [`Event::Failed`].
    ///
    /// # Errors
    ///
    /// The bytes are no turn; then none of the sends is taken.
    pub fn submit(&mut self, now: Instant, view: &Metadata, turn: &[u8]) -> Result<Submitted, TurnError> {
        for send in Sends::new(turn) {
            send?.check()?;
        }
        self.look(now, view);
        let mut submitted = Submitted::default();
        for send in Sends::new(turn) {
            let send = send?;
            // A send that is larger than the buffer goes alone.
            if self.used > 0 && self.used.saturating_add(send.bytes.len()) > self.config.buffer_memory {
                self.wanted = Some(send.bytes.len());
                break;
            }
            submitted.sends += 1;
            submitted.bytes += send.bytes.len();
            self.take(now, view, &send)?;
        }
        Ok(submitted)
    }

    /// A broker's answer about a topic that is not simply there. Codes that may pass are tried again.
    pub fn topic_refused(&mut self, topic: &str, code: ErrorCode) {
        let Some(topic) = self.names.get(topic).copied() else { return };
        let is_final = match code {
            ErrorCode::UNKNOWN_TOPIC_OR_PARTITION => match self.topics.get_mut(topic) {
                Some(topic) => {
                    topic.absences = topic.absences.saturating_add(1);
                    topic.absences > self.config.topic_retries
                }
                None => false,
            },
            code => !code.retriable(),
        };
        if is_final {
            self.fail_topic(topic, &Reason::Broker { code, message: None });
        }
    }

    /// Does not wait for `linger`. Ends in [`Event::Flushed`] when everything that was sent before is answered.
    pub fn flush(&mut self, ticket: i32) {
        self.sends.flush(ticket, &mut self.events);
    }

    /// Takes no more sends, and goes on with those before for at most `within`: what is then unanswered fails with
    /// [`Reason::Stopped`], and what is out of it may still be written. Ends in [`Event::Closed`].
    pub fn close(&mut self, now: Instant, within: Duration) {
        if self.life == Life::Open {
            self.life = Life::Closing(now + within);
            self.end_of_life();
        }
    }

    /// The next batch to be compressed. `None` until something happens.
    pub fn poll_job(&mut self, now: Instant, view: &Metadata) -> Option<PackJob> {
        self.look(now, view);
        let is_hurried = self.is_hurried();
        for slot in &self.active {
            let Some(partition) = self.partitions.get_mut(*slot) else { continue };
            if let Move::Pack(place) = partition.next_move(now, &self.identity, is_hurried, &self.config)
                && let Some(batch) = partition.queue.get_mut(place)
                && let Some((records, compression)) = batch.pack()
            {
                return Some(PackJob { place: (*slot, batch.id), records, compression });
            }
        }
        None
    }

    /// A job is done.
    pub fn handle_packed(&mut self, packed: Packed) {
        let (slot, batch) = packed.place;
        let Some(partition) = self.partitions.get_mut(slot) else { return };
        let Some(place) = partition.find(batch) else { return };
        let Some(batch) = partition.queue.get_mut(place) else { return };
        match packed.result {
            Ok(records) => batch.packed(Some(records)),
            Err(error) => {
                batch.packed(None);
                self.fail_batch(slot, place, End::NotWritten, Reason::Compression(error));
            }
        }
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
            if self.life != Life::Open {
                let (topic, messages) = (topic.name.into(), vec![first..first.saturating_add(count)]);
                let reason = Reason::Stopped;
                self.sends.failed(number, FailedPart { topic, partition: None, messages, reason });
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
        let index = self.topic(now, messages.name);
        let Some(topic) = self.topics.get_mut(index) else { return Ok(()) };
        topic.used_at = now;
        if topic.look(view) && topic.waiting.is_empty() {
            return self.append(now, index, origin, first, messages);
        }
        let bytes: Box<[u8]> = messages.whole.into();
        self.used += bytes.len();
        let count = u32::try_from(messages.count()).unwrap_or(u32::MAX);
        topic.waiting.push_back(Waiting { origin, first, count, bytes, since: now });
        self.sends.add_part(origin.send);
        self.refresh();
        Ok(())
    }

    /// Puts messages into the batches of their partitions.
    fn append(
        &mut self,
        now: Instant,
        index: usize,
        origin: Origin,
        first: u32,
        messages: &TopicMessages<'_>,
    ) -> Result<(), TurnError> {
        for (nth, message) in (first..).zip(messages.messages()) {
            let message = message?;
            let Some(topic) = self.topics.get_mut(index) else { return Ok(()) };
            let partition = message.partition.unwrap_or_else(|| {
                let mut turn = topic.turn;
                let partition = self.config.partitioner.partition(message.key, topic.choice(), &mut turn);
                topic.turn = turn;
                partition
            });
            let slot = topic.slot(partition).unwrap_or_else(|| {
                let slot = self.partitions.len();
                topic.add_slot(partition, slot);
                self.partitions.push(Partition::new(TopicPartition { topic: topic.name.clone(), partition }));
                slot
            });
            self.append_to(now, slot, origin, nth, &message);
        }
        Ok(())
    }

    fn append_to(&mut self, now: Instant, slot: usize, origin: Origin, nth: u32, message: &Message<'_>) {
        let Some(partition) = self.partitions.get_mut(slot) else { return };
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
            partition.queue.push_back(Batch::new(self.next_batch, origin.terms, writer, now));
            self.next_batch += 1;
            self.active.insert(slot);
        }
        let Some(batch) = partition.queue.back_mut() else { return };
        let State::Open(writer) = &mut batch.state else { return };
        let before = writer.len();
        writer.append(message);
        self.used += writer.len() - before;
        match batch.shares.last_mut() {
            Some(share) if share.send == origin.send => {
                share.records += 1;
                match share.messages.last_mut() {
                    Some(range) if range.end == nth => range.end += 1,
                    _ => share.messages.push(one(nth)),
                }
            }
            _ => {
                batch.shares.push(Share { send: origin.send, records: 1, messages: vec![one(nth)] });
                self.sends.add_part(origin.send);
            }
        }
    }

    /// The topic of this name, from now on one of those whose metadata is needed.
    fn topic(&mut self, now: Instant, name: &str) -> usize {
        if let Some(index) = self.names.get(name) {
            return *index;
        }
        self.forget_unused(now);
        // One that was forgotten keeps its place: its partitions keep their sequences.
        let index = self.topics.iter().position(|topic| &*topic.name == name).unwrap_or_else(|| {
            self.topics.push(Topic::new(name, self.rng.u32(..), now));
            self.topics.len() - 1
        });
        if let Some(topic) = self.topics.get_mut(index) {
            topic.absences = 0;
            self.names.insert(topic.name.clone(), index);
        }
        self.events.push_back(Event::TopicsChanged);
        index
    }

    fn forget_unused(&mut self, now: Instant) {
        let idle = self.config.metadata_max_idle;
        self.names.retain(|_, index| {
            let Some(topic) = self.topics.get(*index) else { return false };
            let is_active = || topic.all_slots().any(|slot| self.active.contains(&slot));
            topic.used_at + idle > now || !topic.waiting.is_empty() || is_active()
        });
    }

    /// Takes news of the metadata in: messages that waited for it go to their partitions.
    pub(super) fn look(&mut self, now: Instant, view: &Metadata) {
        for index in 0..self.topics.len() {
            let Some(topic) = self.topics.get_mut(index) else { continue };
            if topic.waiting.is_empty() || !topic.look(view) {
                continue;
            }
            for part in std::mem::take(&mut topic.waiting) {
                self.used = self.used.saturating_sub(part.bytes.len());
                // It was read once already.
                if let Ok(messages) = TopicMessages::read(&part.bytes) {
                    let _ = self.append(now, index, part.origin, part.first, &messages);
                }
                self.sends.end_part(part.origin.send, &mut self.events);
            }
        }
    }

    /// Asks for metadata.
    pub(super) fn refresh(&mut self) {
        self.wants_metadata = true;
    }

    /// Must nothing linger?
    pub(super) fn is_hurried(&self) -> bool {
        self.sends.is_flushing() || self.life != Life::Open
    }

    /// A batch is written: its first record at this offset, or nobody knows where.
    pub(super) fn batch_written(&mut self, slot: usize, place: usize, row: Option<Row>) {
        let Some(partition) = self.partitions.get_mut(slot) else { return };
        let Some(batch) = partition.remove(place, End::Written) else { return };
        let mut offset = 0i64;
        for share in &batch.shares {
            let row = row.clone().map(|row| {
                let base_offset = if row.base_offset < 0 { -1 } else { row.base_offset + offset };
                Row { base_offset, ..row }
            });
            offset += i64::from(share.records);
            self.sends.written(share.send, row);
        }
        self.ended(slot, batch);
    }

    /// A batch is given up.
    pub(super) fn fail_batch(&mut self, slot: usize, place: usize, end: End, reason: Reason) {
        let Some(partition) = self.partitions.get_mut(slot) else { return };
        let Some(batch) = partition.remove(place, end) else { return };
        let TopicPartition { topic, partition } = partition.at.clone();
        for share in &batch.shares {
            let (messages, reason) = (share.messages.clone(), reason.clone());
            let part = FailedPart { topic: topic.clone(), partition: Some(partition), messages, reason };
            self.sends.failed(share.send, part);
        }
        self.ended(slot, batch);
    }

    /// Two batches take the place of one that is too large. What was numbered behind it cannot be in the log, but what is before it
    /// may be: that is found out first, see [`Partition::settle`].
    pub(super) fn batch_split(&mut self, slot: usize, place: usize, end: End) {
        let id = self.next_batch;
        self.next_batch += 1;
        let Some(partition) = self.partitions.get_mut(slot) else { return };
        let Some(batch) = partition.remove(place, end) else { return };
        self.used = self.used.saturating_sub(batch.size());
        let halves = match batch.split(id) {
            Ok((first, second)) => {
                // A send in both halves has one part more.
                if let (Some(last), Some(next)) = (first.shares.last(), second.shares.first())
                    && last.send == next.send
                {
                    self.sends.add_part(last.send);
                }
                vec![second, first]
            }
            Err(batch) => vec![batch],
        };
        for batch in halves {
            self.used += batch.size();
            partition.queue.insert(place, batch);
        }
        self.settle(slot);
    }

    /// What follows when a batch has left its queue.
    fn ended(&mut self, slot: usize, batch: Batch) {
        self.used = self.used.saturating_sub(batch.size());
        for share in &batch.shares {
            self.sends.end_part(share.send, &mut self.events);
        }
        if let Some(buffer) = batch.into_records().and_then(crate::engine::records::Records::into_buffer)
            && buffer.capacity() <= LARGEST_SPARE
            && self.spare.len() < MOST_SPARE
        {
            self.spare.push(buffer);
        }
        self.settle(slot);
        if let Some(partition) = self.partitions.get(slot)
            && partition.queue.is_empty()
        {
            self.active.remove(&slot);
        }
        self.make_room();
        self.end_of_life();
    }

    /// Goes on with a partition as far as what has happened allows it.
    pub(super) fn settle(&mut self, slot: usize) {
        let Some(partition) = self.partitions.get_mut(slot) else { return };
        if partition.settle()
            && let Some(known) = self.identity.known()
        {
            self.identity.expire(known.id);
        }
    }

    fn make_room(&mut self) {
        if let Some(wanted) = self.wanted
            && (self.used == 0 || self.used.saturating_add(wanted) <= self.config.buffer_memory)
        {
            self.wanted = None;
            self.events.push_back(Event::Room);
        }
    }

    fn end_of_life(&mut self) {
        if matches!(self.life, Life::Closing(_)) && self.sends.is_empty() {
            self.life = Life::Closed;
            self.events.push_back(Event::Closed);
        }
    }

    /// Fails what waits for this topic and what is not out.
    fn fail_topic(&mut self, index: usize, reason: &Reason) {
        let Some(topic) = self.topics.get_mut(index) else { return };
        let slots: Vec<usize> = topic.all_slots().collect();
        self.fail_waiting(index, |_| true, reason);
        for slot in slots {
            self.fail_idle(slot, |_| Some(reason.clone()));
        }
    }

    fn fail_waiting(&mut self, index: usize, which: impl Fn(&Waiting) -> bool, reason: &Reason) {
        let Some(topic) = self.topics.get_mut(index) else { return };
        let name = topic.name.clone();
        let (failed, waiting) = std::mem::take(&mut topic.waiting).into_iter().partition(|part| which(part));
        topic.waiting = waiting;
        for Waiting { origin, first, count, bytes, .. } in failed {
            self.used = self.used.saturating_sub(bytes.len());
            let (topic, messages, reason) = (name.clone(), vec![first..first + count], reason.clone());
            self.sends.failed(origin.send, FailedPart { topic, partition: None, messages, reason });
            self.sends.end_part(origin.send, &mut self.events);
        }
        self.make_room();
        self.end_of_life();
    }

    /// Fails the batches of a partition for which `why` knows a reason, if they are not out.
    pub(super) fn fail_idle(&mut self, slot: usize, why: impl Fn(&Batch) -> Option<Reason>) {
        let mut place = 0;
        while let Some(batch) = self.partitions.get(slot).and_then(|partition| partition.queue.get(place)) {
            match why(batch).filter(|_| batch.is_idle()) {
                Some(reason) => {
                    let end = if batch.in_doubt { End::Unknown } else { End::NotWritten };
                    self.fail_batch(slot, place, end, reason);
                }
                None => place += 1,
            }
        }
    }

    /// Fails what is too old.
    fn expire(&mut self, now: Instant) {
        let timeout = self.config.delivery_timeout;
        for slot in self.active.clone() {
            self.fail_idle(slot, |batch| {
                let reason = || batch.last_failure.clone().unwrap_or(Reason::TimedOut);
                (batch.created + timeout <= now).then(reason)
            });
        }
        for index in 0..self.topics.len() {
            let is_unknown = self.topics.get(index).is_some_and(|topic| topic.absences > 0);
            let code = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
            let reason = if is_unknown { Reason::Broker { code, message: None } } else { Reason::TimedOut };
            self.fail_waiting(index, |part| part.since + timeout <= now, &reason);
        }
    }

    /// Fails all that is left, out or not.
    fn stop(&mut self) {
        for index in 0..self.topics.len() {
            self.fail_waiting(index, |_| true, &Reason::Stopped);
        }
        for slot in self.active.clone() {
            while self.partitions.get(slot).is_some_and(|partition| !partition.queue.is_empty()) {
                self.fail_batch(slot, 0, End::Unknown, Reason::Stopped);
            }
        }
    }
}

impl Machine for Produce {
    type Id = u64;
    type View<'a> = &'a Metadata;
    type Event = Event;

    fn handle_response(&mut self, now: Instant, id: u64, response: Result<Response, NetError>) {
        match self.identity.handle_response(now, id, &response, &mut self.rng) {
            Some(Ok(())) => {}
            Some(Err(reason)) => {
                for slot in self.active.clone() {
                    self.fail_idle(slot, |batch| {
                        (batch.terms.acks == -1 && batch.sequence.is_none()).then(|| reason.clone())
                    });
                }
            }
            None => self.answered(now, id, response),
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.expire(now);
        if let Life::Closing(until) = self.life
            && until <= now
        {
            self.stop();
        }
    }

    fn poll_request(&mut self, now: Instant, view: &Metadata) -> Option<Outbound> {
        self.look(now, view);
        self.next_request(now, view)
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.events
            .pop_front()
            .or_else(|| std::mem::take(&mut self.wants_metadata).then_some(Event::RefreshMetadata))
    }

    fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        let timeout = self.config.delivery_timeout;
        let is_hurried = self.is_hurried();
        let of_partitions =
            self.active.iter().filter_map(|slot| self.partitions.get(*slot)).flat_map(|partition| {
                let oldest =
                    partition.queue.iter().find(|batch| batch.is_idle()).map(|b| b.created + timeout);
                let lingers = match partition.next_move(now, &self.identity, is_hurried, &self.config) {
                    Move::Until(at) => Some(at),
                    _ => None,
                };
                let backs_off = partition.backoff.ready_at().filter(|at| *at > now);
                [oldest, lingers, backs_off]
            });
        let waiting = self.topics.iter().filter_map(|topic| Some(topic.waiting.front()?.since + timeout));
        let closing = match self.life {
            Life::Closing(until) => Some(until),
            _ => None,
        };
        let identity = self.identity.due_at().filter(|at| *at > now);
        of_partitions.flatten().chain(waiting).chain(closing).chain(identity).min()
    }
}

fn one(nth: u32) -> Range<u32> {
    nth..nth.saturating_add(1)
}

/// Buffers that are kept for later batches, and how large one of them may be: together 16 MiB at the most.
const MOST_SPARE: usize = 32;
const LARGEST_SPARE: usize = 512 << 10;
