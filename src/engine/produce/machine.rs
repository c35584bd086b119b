//! The machine's state, how batches end, and the machine's side of the contract.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use fastrand::Rng;

use crate::engine::cluster::Metadata;
use crate::engine::machine::Arena;
use crate::engine::machine::Machine;
use crate::engine::machine::NetError;
use crate::engine::machine::Outbound;
use crate::engine::machine::TopicPartition;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Response;

use super::batch::Batch;
use super::identity::Identity;
use super::intake::span;
use super::partition::{End, Move, Partition};
use super::requests::Requests;
use super::sends::SendTable;
use super::topics::{Topic, Waiting};
use super::transactional::Membership;
use super::unused::Sweep;
use super::verdict::Doubt;
use super::{Answer, Event, FailedPart, PackJob, Packed, ProduceConfig, Reason, Row};

/// See the module's documentation.
#[derive(Debug)]
pub struct Produce {
    pub(super) config: ProduceConfig,
    pub(super) rng: Rng,
    pub(super) identity: Identity,
    /// None = messages belong to no transactions.
    pub(super) membership: Option<Membership>,
    pub(super) topics: Arena<Topic>,
    pub(super) names: HashMap<Arc<str>, usize>,
    /// Those with messages that wait for their metadata.
    pub(super) waiting: BTreeSet<usize>,
    pub(super) sweep: Sweep,
    pub(super) partitions: Arena<Partition>,
    /// Those with a batch in their queue.
    pub(super) active: BTreeSet<usize>,
    pub(super) requests: Requests,
    pub(super) sends: SendTable,
    /// Bytes of messages that are not answered.
    pub(super) used: usize,
    /// How many bytes the next send wants that was not taken for lack of room.
    pub(super) wanted: Option<usize>,
    /// Buffers of batches that have ended.
    pub(super) spare: Vec<BytesMut>,
    life: Life,
    /// Was there ever a batch to compress?
    pub(super) compresses: bool,
    pub(super) next_batch: u64,
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

impl Produce {
    /// A machine that knows no topic.
    pub fn new(config: ProduceConfig, seed: u64) -> Produce {
        Produce {
            identity: match config.transactional_id {
                Some(_) => Identity::given(),
                None => Identity::new(config.idempotence),
            },
            membership: config.transactional_id.clone().map(Membership::new),
            config,
            rng: Rng::with_seed(seed),
            topics: Arena::default(),
            names: HashMap::new(),
            waiting: BTreeSet::new(),
            sweep: Sweep::default(),
            partitions: Arena::default(),
            active: BTreeSet::new(),
            requests: Requests::default(),
            sends: SendTable::default(),
            used: 0,
            wanted: None,
            spare: Vec::new(),
            life: Life::Open,
            compresses: false,
            next_batch: 0,
            wants_metadata: false,
            events: VecDeque::new(),
        }
    }

    /// The topics whose metadata is needed.
    #[cfg(test)]
    pub(super) fn wanted(&self) -> impl Iterator<Item = &str> {
        let topics = self.names.values().filter_map(|index| self.topics.get(*index));
        topics.filter(|topic| topic.is_wanted).map(|topic| &*topic.name)
    }

    /// May [`Produce::poll_job`] ever have one? So far nothing was to be compressed, if not.
    pub fn compresses(&self) -> bool {
        self.compresses
    }

    /// Bytes of messages that are not answered, and of what is kept of their sends.
    pub fn memory(&self) -> usize {
        self.used.saturating_add(self.sends.memory())
    }

    /// Is everything answered?
    pub fn is_idle(&self) -> bool {
        self.sends.is_empty()
    }

    /// Is it known whether batches are numbered?
    pub fn is_identified(&self) -> bool {
        self.identity.is_off() || self.identity.known().is_some()
    }

    /// Nothing more can be sent for now: what is not out fails, what is sent later is tried.
    pub fn fail_all(&mut self, reason: &Reason) {
        for index in self.waiting.clone() {
            self.fail_waiting(index, |_| true, reason);
        }
        for slot in self.active.clone() {
            self.fail_idle(slot, |_| Some(reason.clone()));
        }
    }

    /// A broker's answer about a topic that is not simply there. Codes that may pass are tried again.
    pub fn topic_refused(&mut self, now: Instant, topic: &str, code: ErrorCode) {
        let Some(topic) = self.names.get(topic).copied() else { return };
        let is_final = match code {
            ErrorCode::UNKNOWN_TOPIC_OR_PARTITION => match self.topics.get_mut(topic) {
                Some(topic) => {
                    topic.absences = topic.absences.saturating_add(1);
                    let since = topic.waiting.front().map_or(now, |part| part.since);
                    topic.absences > self.config.topic_retries && since + self.config.retry_time <= now
                }
                None => false,
            },
            code => !code.retriable(),
        };
        if is_final {
            self.fail_topic(topic, &Reason::Broker { code, message: None });
            // Nobody asks for it any more until it is sent to again.
            if let Some(topic) = self.topics.get_mut(topic) {
                topic.is_wanted = false;
                self.events.push_back(Event::TopicUnwanted(topic.name.clone()));
            }
        }
    }

    /// Does not wait for `linger`. Ends in [`Answer::Flushed`](super::Answer::Flushed) when everything that was sent before is answered.
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
        self.look(view);
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

    /// Asks for metadata.
    pub(super) fn refresh(&mut self) {
        self.wants_metadata = true;
    }

    pub(super) fn is_closing(&self) -> bool {
        self.life != Life::Open
    }

    /// Must nothing linger?
    pub(super) fn is_hurried(&self) -> bool {
        self.sends.is_flushing() || self.is_closing()
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
            let part = FailedPart {
                topic: topic.clone(),
                partition: Some(partition),
                messages: share.messages.to_vec(),
                reason: reason.clone(),
                may_be_written: batch.doubt > Doubt::No,
            };
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
        let (first, second) = batch.split(id);
        // A send in both halves has one part more.
        if let (Some(last), Some(next)) =
            (first.shares.last(), second.as_ref().and_then(|second| second.shares.first()))
            && last.send == next.send
        {
            self.sends.add_part(last.send);
        }
        for batch in second.into_iter().chain([first]) {
            self.used += batch.size();
            partition.queue.insert(place, batch);
        }
        self.settle(slot);
    }

    /// What follows when a batch has left its queue.
    pub(super) fn ended(&mut self, slot: usize, batch: Batch) {
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

    /// Is there room for this many bytes more? There always is when nothing else takes any.
    pub(super) fn has_room(&self, wanted: usize) -> bool {
        let memory = self.memory();
        memory == 0 || memory.saturating_add(wanted) <= self.config.buffer_memory
    }

    pub(super) fn make_room(&mut self) {
        if let Some(wanted) = self.wanted
            && self.has_room(wanted)
        {
            self.wanted = None;
            self.events.push_back(Event::Answer(Answer::Room));
        }
    }

    pub(super) fn end_of_life(&mut self) {
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
        if topic.waiting.is_empty() {
            self.waiting.remove(&index);
        }
        for Waiting { origin, first, count, bytes, .. } in failed {
            self.used = self.used.saturating_sub(bytes.len());
            let (topic, messages, reason) = (name.clone(), vec![span(first, count)], reason.clone());
            let part = FailedPart { topic, partition: None, messages, reason, may_be_written: false };
            self.sends.failed(origin.send, part);
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
                    let end = batch.end();
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
        for index in self.waiting.clone() {
            let is_unknown = self.topics.get(index).is_some_and(|topic| topic.absences > 0);
            let code = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
            let reason = if is_unknown { Reason::Broker { code, message: None } } else { Reason::TimedOut };
            self.fail_waiting(index, |part| part.since + timeout <= now, &reason);
        }
    }

    /// Fails all that is left, out or not.
    fn stop(&mut self) {
        for index in self.waiting.clone() {
            self.fail_waiting(index, |_| true, &Reason::Stopped);
        }
        for slot in self.active.clone() {
            while let Some(batch) =
                self.partitions.get_mut(slot).and_then(|partition| partition.queue.front_mut())
            {
                if batch.is_in_flight() {
                    batch.doubt = Doubt::Strong;
                }
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
            Some(Ok(())) if self.is_identified() => self.events.push_back(Event::Identified(Ok(()))),
            Some(Ok(())) => {}
            Some(Err(reason)) => {
                self.events.push_back(Event::Identified(Err(reason.clone())));
                for slot in self.active.clone() {
                    self.fail_idle(slot, |batch| {
                        (batch.terms.acks == -1 && batch.sequence.is_none()).then(|| reason.clone())
                    });
                }
            }
            None => self.answered(now, id, response),
        }
        self.sweep();
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
        self.sweep();
        self.look(view);
        self.next_request(now, view)
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.events
            .pop_front()
            .or_else(|| self.joins())
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
        let waiting = self.waiting.iter().filter_map(|index| self.topics.get(*index)?.waiting.front());
        let waiting = waiting.map(|part| part.since + timeout);
        let closing = match self.life {
            Life::Closing(until) => Some(until),
            _ => None,
        };
        let identity = self.identity.due_at().filter(|at| *at > now);
        of_partitions.flatten().chain(waiting).chain(closing).chain(identity).min()
    }
}

/// Buffers that are kept for later batches, and how large one of them may be: together 16 MiB at the most.
const MOST_SPARE: usize = 32;
const LARGEST_SPARE: usize = 512 << 10;
