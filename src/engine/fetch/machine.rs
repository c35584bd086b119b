//! The machine: which partitions are ours, where they stand, and what to ask which broker for.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use fastrand::Rng;

use crate::engine::cluster::Metadata;
use crate::engine::machine::ConnectionKind;
use crate::engine::machine::Machine;
use crate::engine::machine::NetError;
use crate::engine::machine::Outbound;
use crate::engine::machine::Target;
use crate::engine::machine::TopicPartition;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::TopicId;
use crate::engine::protocol::fetch::FetchPartition;
use crate::engine::protocol::fetch::FetchRequest;

use super::handover::{Delivery, Lane};
use super::pauses::Pauses;
use super::session::{Session, Wanted};
use super::slot::{Asked, Place, Slot, State};
use super::source::Source;
use super::{Event, FetchConfig, SlotId};

/// Positions, sessions, buffers and lanes of one consumer.
pub struct Fetch {
    pub(super) config: FetchConfig,
    pub(super) rng: Rng,
    pub(super) slots: Vec<Slot>,
    by_partition: HashMap<TopicPartition, SlotId>,
    pauses: Pauses,
    /// The slots that are assigned, in assignment order.
    pub(super) assigned: Vec<SlotId>,
    /// Those that were, until the next assignment: their pauses are told meanwhile.
    former: Vec<SlotId>,
    /// The version of the metadata that said where the assigned slots lie; None when it is to be asked again.
    located_by: Option<u64>,
    /// Has anything happened since `poll_request` found nothing to ask for? Else there is nothing before
    /// `asks_at`: with many partitions a look at each would cost more than all the rest.
    pub(super) may_ask: bool,
    asks_at: Option<Instant>,
    /// The same of [`Fetch::poll_decode`].
    pub(super) may_decode: bool,
    pub(super) decode_cursor: usize,
    /// Rotates so that every partition comes first once: brokers fill an answer in the order of the request.
    fetch_cursor: usize,
    pub(super) nodes: HashMap<i32, Node>,
    pub(super) next_request: u64,
    pub(super) ready: VecDeque<Delivery>,
    pub(super) free_slabs: Vec<u32>,
    pub(super) lanes: Vec<Lane>,
    pub(super) suspended: bool,
    pub(super) queued_bytes: usize,
    /// What JavaScript keeps of deliveries that lanes have let go of.
    pub(super) kept_bytes: usize,
    pub(super) next_kept: u32,
    pub(super) average_message: usize,
    pub(super) slab_size: usize,
    pub(super) events: VecDeque<Event>,
    /// Was a partition not fetched or not decoded because it was paused?
    pub(super) passed_over: bool,
}

/// What is under way at one broker.
#[derive(Default)]
pub(super) struct Node {
    pub(super) session: Session,
    /// The long poll, in the session.
    pub(super) main: Option<InFlight>,
    /// A Fetch beside the long poll, without a session, for slots that want data while the long poll (which does not
    /// ask for them) is being held: after a seek, a resume, an assignment, a drained buffer.
    pub(super) express: Option<InFlight>,
    /// How many of those in a row brought nothing.
    pub(super) vain: u32,
    /// The last answer said that there is no such session.
    pub(super) lost_session: bool,
    /// The last long poll brought nothing.
    pub(super) idle: bool,
    /// The first request that went over its present connections.
    pub(super) trusted_from: u64,
    pub(super) muted_until: Option<Instant>,
}

impl Node {
    fn in_flight(&self) -> impl Iterator<Item = &InFlight> {
        self.main.iter().chain(&self.express)
    }

    /// Somebody who seeks may seek again at once, and must not wait for the Fetch before that: the first are held shortly.
    fn express_wait(&self) -> Duration {
        (FIRST_EXPRESS_WAIT * 2_u32.saturating_pow(self.vain)).min(EXPRESS_WAIT)
    }

    /// An idle broker's long poll waits for the express Fetch to come back, so that one Fetch asks for everything
    /// again; otherwise the two would miss each other for ever.
    fn joins_at(&self) -> Option<Instant> {
        let express = self.express.as_ref().filter(|_| self.idle && self.main.is_none())?;
        Some(express.sent_at + 2 * EXPRESS_WAIT)
    }
}

pub(super) struct InFlight {
    pub(super) id: u64,
    pub(super) sent_at: Instant,
    /// An answer should have come by then: long enough to wonder whether the broker lives.
    pub(super) overdue_at: Instant,
    pub(super) asked: Vec<SlotId>,
    /// From v13 on the answer names topics by their ids only.
    pub(super) topics: Vec<(TopicId, Arc<str>)>,
}

impl Fetch {
    /// A machine without partitions.
    pub fn new(config: FetchConfig, seed: u64) -> Fetch {
        let mut lanes = Vec::new();
        lanes.resize_with(config.lanes, Lane::default);
        Fetch {
            config,
            rng: Rng::with_seed(seed),
            slots: Vec::new(),
            by_partition: HashMap::new(),
            pauses: Pauses::default(),
            assigned: Vec::new(),
            former: Vec::new(),
            located_by: None,
            may_ask: true,
            asks_at: None,
            may_decode: true,
            decode_cursor: 0,
            fetch_cursor: 0,
            nodes: HashMap::new(),
            next_request: 0,
            ready: VecDeque::new(),
            free_slabs: Vec::new(),
            lanes,
            suspended: false,
            queued_bytes: 0,
            kept_bytes: 0,
            next_kept: 0,
            average_message: FIRST_GUESS,
            slab_size: 256 * 1024,
            events: VecDeque::new(),
            passed_over: false,
        }
    }

    /// These partitions are ours from now on, and no others. Each waits for its position.
    pub fn assign(&mut self, partitions: &[TopicPartition]) {
        self.unassign_all();
        self.former.clear();
        self.located_by = None;
        self.suspended = false;
        for partition in partitions {
            let id = self.intern(partition);
            if self.assigned_slot(partition).is_some() {
                // A leader that names a partition twice.
                continue;
            }
            self.restate(id, State::Awaiting);
            let paused = self.pauses.contains(partition);
            if let Some(slot) = self.slots.get_mut(id.index()) {
                slot.paused = paused;
                slot.source = Source::Leader;
            }
            self.assigned.push(id);
        }
    }

    /// Nothing is ours any more. Lanes at work are told that they are stale.
    pub fn unassign_all(&mut self) {
        for id in std::mem::take(&mut self.assigned) {
            self.restate(id, State::Unassigned);
            self.former.push(id);
        }
        self.decode_cursor = 0;
    }

    /// Delivery of this partition goes on at `offset`: an offset lookup ended, or the user seeks. `leader_epoch` = of the
    /// record before it, or [`UNKNOWN_EPOCH`](super::UNKNOWN_EPOCH).
    pub fn set_position(&mut self, partition: &TopicPartition, offset: i64, leader_epoch: i32) {
        if let Some(id) = self.assigned_slot(partition) {
            self.rewind(id, offset, leader_epoch);
        }
    }

    /// The position is being looked up; nothing of this partition is delivered until [`Fetch::set_position`].
    pub fn await_position(&mut self, partition: &TopicPartition) {
        if let Some(id) = self.assigned_slot(partition) {
            self.restate(id, State::Awaiting);
        }
    }

    /// Stops delivery of these partitions (None = the whole topic), assigned or not, until [`Fetch::resume`].
    pub fn pause(&mut self, topic: &Arc<str>, partitions: Option<&[i32]>) {
        self.pauses.pause(topic, partitions);
        self.apply_pauses(topic, partitions);
    }

    /// Takes up delivery again. Has anything that is paused been passed over, so that there may be something to do now?
    pub fn resume(&mut self, topic: &Arc<str>, partitions: Option<&[i32]>) -> bool {
        self.pauses.resume(topic, partitions);
        self.apply_pauses(topic, partitions);
        std::mem::take(&mut self.passed_over)
    }

    /// The assigned partitions, sorted.
    pub fn assignment(&self) -> Vec<TopicPartition> {
        self.sorted(&self.assigned, |_| true)
    }

    /// The assigned partitions that are paused, sorted; between two assignments, those of the last one.
    pub fn paused(&self) -> Vec<TopicPartition> {
        let ids = if self.assigned.is_empty() { &self.former } else { &self.assigned };
        self.sorted(ids, |slot| self.pauses.contains(&slot.partition))
    }

    /// Which partition a slot is.
    pub fn partition(&self, id: SlotId) -> Option<&TopicPartition> {
        self.slots.get(id.index()).map(|slot| &slot.partition)
    }

    /// Where a partition is, or was.
    pub fn slot_of(&self, partition: &TopicPartition) -> Option<SlotId> {
        self.by_partition.get(partition).copied()
    }

    /// Is this partition ours?
    pub fn is_assigned(&self, partition: &TopicPartition) -> bool {
        self.assigned_slot(partition).is_some()
    }

    fn find_request(&mut self, now: Instant, metadata: &Metadata) -> Option<Outbound> {
        self.look_for_overdue(now);
        if self.stays_full() {
            return None;
        }
        self.locate(metadata);
        let mut wanted: Vec<(i32, SlotId)> = Vec::new();
        let count = self.assigned.len();
        for step in 0..count {
            let Some(&id) = self.assigned.get((self.fetch_cursor + step) % count) else { continue };
            let Some(slot) = self.slots.get_mut(id.index()) else { continue };
            if !slot.wants_fetch(now) {
                self.passed_over |= slot.paused;
                continue;
            }
            let Some(place) = slot.place else {
                self.mute(id, now);
                self.refresh_metadata();
                continue;
            };
            let source = slot.source.at(now, metadata);
            let lost = source != slot.source && matches!(source, Source::LeaderOnly { .. });
            slot.source = source;
            wanted.push((source.node(place.leader.node), id));
            if lost {
                // The follower is not among the brokers that we know.
                self.refresh_metadata();
            }
        }
        // Each broker's are in the order of their turns.
        wanted.sort_by_key(|(node, _)| *node);
        for of_node in wanted.chunk_by(|(node, _), (other, _)| node == other) {
            if let Some(outbound) = self.fetch_from(now, of_node) {
                self.fetch_cursor = self.fetch_cursor.wrapping_add(1) % count;
                return Some(outbound);
            }
        }
        None
    }

    /// Is as much buffered as may be?
    pub fn is_full(&self) -> bool {
        self.held_bytes() >= self.config.max_queued_bytes
    }

    /// Is as much buffered as may be? What paused partitions have does not count: it is dropped if need be, and asked
    /// for again after the pause, or they would keep the others from being fetched.
    fn stays_full(&mut self) -> bool {
        if self.is_full() {
            self.shed_kept();
            let freed = self.slots.iter_mut().filter(|slot| slot.paused).map(Slot::shed).sum();
            self.queued_bytes = self.queued_bytes.saturating_sub(freed);
        }
        self.is_full()
    }

    /// Finds out where the partitions lie, when that may have changed: it is asked of each before each Fetch.
    fn locate(&mut self, metadata: &Metadata) {
        if self.located_by.replace(metadata.version()) == Some(metadata.version()) {
            return;
        }
        for id in &self.assigned {
            if let Some(slot) = self.slots.get_mut(id.index()) {
                slot.locate(metadata);
            }
        }
    }

    fn fetch_from(&mut self, now: Instant, of_node: &[(i32, SlotId)]) -> Option<Outbound> {
        let node_id = of_node.first()?.0;
        let node = self.nodes.entry(node_id).or_default();
        if node.muted_until.is_some_and(|until| now < until) || node.joins_at().is_some_and(|at| now < at) {
            return None;
        }
        let express = match (&node.main, &node.express) {
            (None, _) => false,
            (Some(main), None) if now >= main.sent_at + EXPRESS_AFTER => true,
            _ => return None,
        };
        let id = self.next_request;
        self.next_request += 1;
        let max_wait =
            if express { self.config.max_wait.min(node.express_wait()) } else { self.config.max_wait };
        let overdue_at = now + max_wait + OVERDUE;
        let mut in_flight = InFlight { id, sent_at: now, overdue_at, asked: Vec::new(), topics: Vec::new() };
        let mut wanted = Vec::with_capacity(of_node.len());
        let mut leader_only = false;
        for (_, slot_id) in of_node {
            let Some(slot) = self.slots.get_mut(slot_id.index()) else { continue };
            let (State::Fetching { fetch_offset, .. }, Some(Place { leader, topic_id })) =
                (slot.state, slot.place)
            else {
                continue;
            };
            let leader_epoch = leader.epoch;
            slot.in_flight = Some(Asked { request: id, node: node_id, offset: fetch_offset, leader_epoch });
            in_flight.asked.push(*slot_id);
            let topic = &slot.partition.topic;
            if in_flight.topics.last().is_none_or(|(_, name)| name != topic) {
                in_flight.topics.push((topic_id, topic.clone()));
            }
            leader_only |= matches!(slot.source, Source::LeaderOnly { .. });
            wanted.push(Wanted {
                slot: *slot_id,
                topic: topic.clone(),
                topic_id,
                partition: FetchPartition {
                    partition: slot.partition.partition,
                    current_leader_epoch: leader.epoch,
                    fetch_offset,
                    last_fetched_epoch: slot.leader_epoch,
                    max_bytes: self.config.max_bytes_per_partition,
                },
            });
        }
        let rack_id = if leader_only { String::new() } else { self.config.rack_id.clone() };
        let mut request = FetchRequest {
            max_wait_ms: i32::try_from(max_wait.as_millis()).unwrap_or(i32::MAX),
            // Who wants to be answered without a byte is told of the first one as it comes, and need not ask again and again.
            min_bytes: self.config.min_bytes.max(1),
            max_bytes: self.config.max_bytes,
            read_committed: self.config.read_committed,
            rack_id,
            ..FetchRequest::default()
        };
        if express {
            let mut once = Session::default();
            once.fill(wanted, &mut request);
            request.session_epoch = WITHOUT_SESSION;
        } else {
            node.session.fill(wanted, &mut request);
        }
        let to = if express {
            node.express = Some(in_flight);
            Target::Node(node_id, ConnectionKind::FetchExpress)
        } else {
            node.main = Some(in_flight);
            Target::Node(node_id, ConnectionKind::Fetch)
        };
        self.events.push_back(Event::FetchStart { node: node_id });
        Some(Outbound { id, to, body: Request::Fetch(request), held: max_wait })
    }

    /// A broker that is silent may be dead, and its partitions may have moved: the metadata will tell, long before the
    /// request times out.
    fn look_for_overdue(&mut self, now: Instant) {
        let mut found = false;
        for in_flight in
            self.nodes.values_mut().flat_map(|node| node.main.iter_mut().chain(&mut node.express))
        {
            if now >= in_flight.overdue_at {
                in_flight.overdue_at = now + OVERDUE;
                found = true;
            }
        }
        if found {
            self.refresh_metadata();
        }
    }

    pub(super) fn mute(&mut self, id: SlotId, now: Instant) {
        if let Some(slot) = self.slots.get_mut(id.index()) {
            slot.backoff.failed(now, &mut self.rng);
        }
    }

    pub(super) fn refresh_metadata(&mut self) {
        if !self.events.contains(&Event::RefreshMetadata) {
            self.events.push_back(Event::RefreshMetadata);
        }
    }

    fn intern(&mut self, partition: &TopicPartition) -> SlotId {
        if let Some(id) = self.by_partition.get(partition) {
            return *id;
        }
        let id = SlotId(u32::try_from(self.slots.len()).unwrap_or(u32::MAX));
        self.slots.push(Slot::new(partition.clone()));
        self.by_partition.insert(partition.clone(), id);
        id
    }

    pub(super) fn assigned_slot(&self, partition: &TopicPartition) -> Option<SlotId> {
        let id = *self.by_partition.get(partition)?;
        self.slots.get(id.index())?.is_assigned().then_some(id)
    }

    /// Something has happened: who waits for data, or for a place to decode it, may have got it.
    pub(super) fn stir(&mut self) {
        self.may_ask = true;
        self.may_decode = true;
    }

    /// Some pause one partition of many at every message: only that one is looked at.
    fn apply_pauses(&mut self, topic: &Arc<str>, partitions: Option<&[i32]>) {
        self.stir();
        let ids: Vec<SlotId> = match partitions {
            None => self.assigned.clone(),
            Some(partitions) => {
                let named =
                    partitions.iter().map(|&partition| TopicPartition { topic: topic.clone(), partition });
                named.filter_map(|named| self.assigned_slot(&named)).collect()
            }
        };
        for id in ids {
            let Some(slot) = self.slots.get_mut(id.index()) else { continue };
            if slot.partition.topic != *topic {
                continue;
            }
            slot.paused = self.pauses.contains(&slot.partition);
            if slot.paused {
                self.flag_lane(id, super::LANE_STOP);
            } else {
                self.unflag_lane(id);
            }
        }
    }

    fn sorted(&self, ids: &[SlotId], keep: impl Fn(&Slot) -> bool) -> Vec<TopicPartition> {
        let slots = ids.iter().filter_map(|id| self.slots.get(id.index()));
        let mut partitions: Vec<_> = slots.filter(|s| keep(s)).map(|s| s.partition.clone()).collect();
        partitions.sort();
        partitions
    }
}

impl Machine for Fetch {
    type Id = u64;
    /// Who leads, and where the brokers are.
    type View<'a> = &'a Metadata;
    type Event = Event;

    fn handle_response(&mut self, now: Instant, id: u64, response: Result<Response, NetError>) {
        self.take_in(now, id, response);
    }

    fn handle_timeout(&mut self, now: Instant) {
        if !self.suspended {
            self.look_for_overdue(now);
        }
    }

    fn poll_request(&mut self, now: Instant, metadata: &Metadata) -> Option<Outbound> {
        if self.suspended {
            return None;
        }
        let is_located = self.located_by == Some(metadata.version());
        if !self.may_ask && is_located && self.asks_at.is_none_or(|at| now < at) {
            return None;
        }
        self.may_ask = true;
        let found = self.find_request(now, metadata);
        if found.is_none() {
            self.asks_at = self.poll_timeout(now);
            self.may_ask = false;
        }
        found
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        if self.suspended {
            return None;
        }
        if !self.may_ask && self.asks_at.is_none_or(|at| now < at) {
            return self.asks_at;
        }
        let slots = self.assigned.iter().filter_map(|id| self.slots.get(id.index()));
        let express = self.nodes.values().filter(|node| node.express.is_none());
        let express = express.filter_map(|node| node.main.as_ref().map(|main| main.sent_at + EXPRESS_AFTER));
        let nodes = self.nodes.values().flat_map(|node| node.muted_until.into_iter().chain(node.joins_at()));
        let overdue = self.nodes.values().flat_map(Node::in_flight).map(|in_flight| in_flight.overdue_at);
        let waits = express.chain(nodes).filter(|at| *at > now);
        slots.filter_map(|slot| slot.wakes_at(now)).chain(waits).chain(overdue).min()
    }
}

/// The long poll is given this long to come back before a second Fetch goes out beside it.
const EXPRESS_AFTER: Duration = Duration::from_millis(20);
/// That second Fetch is held back no longer than this, so that its slots soon join the long poll.
const EXPRESS_WAIT: Duration = Duration::from_millis(250);
/// The first one after something came is held this long; each that brings nothing doubles it.
const FIRST_EXPRESS_WAIT: Duration = Duration::from_millis(25);
/// An answer that is so late is missed.
const OVERDUE: Duration = Duration::from_secs(2);
const WITHOUT_SESSION: i32 = -1;
/// Bytes of a message before we have seen one.
const FIRST_GUESS: usize = 128;
