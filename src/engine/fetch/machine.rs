//! The machine: which partitions are ours, where they stand, and what to ask which broker for.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use fastrand::Rng;

use crate::engine::cluster::Metadata;
use crate::engine::delivery::Deliveries;
use crate::engine::delivery::SlotId;
use crate::engine::machine::ConnectionKind;
use crate::engine::machine::Machine;
use crate::engine::machine::NetError;
use crate::engine::machine::Outbound;
use crate::engine::machine::Owned;
use crate::engine::machine::Reminder;
use crate::engine::machine::Target;
use crate::engine::machine::TopicPartition;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::TopicId;
use crate::engine::protocol::fetch::FetchPartition;
use crate::engine::protocol::fetch::FetchRequest;

use super::cursor::{Asked, Cursor, Place, State};
use super::session::{Session, Wanted};
use super::source::Source;
use super::truncation::KnownEpoch;
use super::{Event, FetchConfig, MOST_BYTES};

/// Positions and sessions of one consumer, and its deliveries.
pub struct Fetch {
    pub(super) config: FetchConfig,
    pub(super) rng: Rng,
    /// What is fetched. The slots are numbered there.
    pub(super) deliveries: Deliveries,
    /// One for each slot.
    pub(super) cursors: Vec<Cursor>,
    /// The version of the metadata that said where the assigned slots lie; None when it is to be asked again.
    located_by: Option<u64>,
    /// Has anything happened since `poll_request` found nothing to ask for? Else there is nothing before
    /// `asks_at`: with many partitions a look at each would cost more than all the rest.
    pub(super) may_ask: bool,
    asks_at: Option<Instant>,
    /// Where among the assigned slots a Fetch begins. It rotates so that every partition comes first once: brokers fill an
    /// answer in the order of the request.
    fetch_first: usize,
    pub(super) nodes: HashMap<i32, Node>,
    pub(super) next_request: u64,
    pub(super) events: VecDeque<Event>,
    /// Was a partition not fetched because it was paused?
    passed_over: bool,
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
    /// It answers no Fetch.
    pub(super) silent: Reminder,
    /// Since when the first of those went out, and what became of the last.
    pub(super) unanswered: Option<(Instant, NetError)>,
}

impl InFlight {
    /// Has it been out for longer than a broker holds it back?
    pub(super) fn is_late(&self, now: Instant) -> bool {
        self.late || now >= self.overdue_at
    }
}

impl Node {
    pub(super) fn in_flight(&self) -> impl Iterator<Item = &InFlight> {
        self.main.iter().chain(&self.express)
    }

    /// A handler that has sought may seek again at once, and must not wait for the express Fetch of the seek before: the first
    /// ones are held shortly.
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
    /// That time has come once.
    pub(super) late: bool,
    pub(super) asked: Vec<SlotId>,
    /// From v13 on the answer names topics by their ids only.
    pub(super) topics: Vec<(TopicId, Arc<str>)>,
}

impl Fetch {
    /// A machine without partitions.
    pub fn new(config: FetchConfig, seed: u64) -> Fetch {
        Fetch {
            deliveries: Deliveries::new(config.delivery),
            config,
            rng: Rng::with_seed(seed),
            cursors: Vec::new(),
            located_by: None,
            may_ask: true,
            asks_at: None,
            fetch_first: 0,
            nodes: HashMap::new(),
            next_request: 0,
            events: VecDeque::new(),
            passed_over: false,
        }
    }

    /// These partitions are ours from now on, beside those that are already. Each waits for its position.
    pub fn assign(&mut self, added: &[TopicPartition]) {
        self.deliveries.proceed();
        for partition in added {
            self.assign_one(partition);
        }
    }

    /// This partition is ours, too. It waits for its position, unless it was ours already: a group's leader may name a
    /// partition twice.
    fn assign_one(&mut self, partition: &TopicPartition) {
        let Some(id) = self.deliveries.assign(partition) else { return };
        if self.cursors.len() <= id.index() {
            self.cursors.resize_with(id.index() + 1, Cursor::default);
        }
        self.restate(id, State::Awaiting);
        if let Some(cursor) = self.cursor(id) {
            cursor.source = Source::Leader;
        }
        self.located_by = None;
    }

    /// These partitions are not ours any more. Lanes that are at work in them are told that they are stale. The others keep
    /// their slots, epochs, positions, buffers and lanes.
    pub fn unassign(&mut self, removed: &Owned) {
        let is_removed = |id: &SlotId| self.deliveries.partition(*id).is_none_or(|it| removed.contains(it));
        let ids: Vec<SlotId> = self.deliveries.assigned().iter().copied().filter(is_removed).collect();
        // From the end, where the search for each begins.
        for id in ids.into_iter().rev() {
            self.unassign_one(id);
        }
    }

    /// This slot is not ours any more. A lane at work in it is told that it is stale.
    fn unassign_one(&mut self, id: SlotId) {
        if let Some(cursor) = self.cursor(id) {
            cursor.transition(State::Unassigned);
        }
        self.may_ask = true;
        let dropped = self.deliveries.unassign(id);
        self.events.extend(dropped.map(Event::Dropped));
    }

    /// Delivery of this partition goes on at `offset`: an offset lookup ended, or the user seeks. `leader_epoch` = of the
    /// record before it, or [`UNKNOWN_EPOCH`](super::UNKNOWN_EPOCH).
    pub fn set_position(&mut self, partition: &TopicPartition, offset: i64, leader_epoch: i32) {
        if let Some(id) = self.deliveries.assigned_slot(partition) {
            self.rewind(id, offset, KnownEpoch::new(leader_epoch, offset));
        }
    }

    /// The position is being looked up; nothing of this partition is delivered until [`Fetch::set_position`].
    pub fn await_position(&mut self, partition: &TopicPartition) {
        if let Some(id) = self.deliveries.assigned_slot(partition) {
            self.restate(id, State::Awaiting);
        }
    }

    /// High watermark and last stable offset of a partition, as its broker has told them last.
    pub fn log_end(&self, partition: &TopicPartition) -> (Option<i64>, Option<i64>) {
        let slot = self.deliveries.assigned_slot(partition);
        let cursor = slot.and_then(|slot| self.cursors.get(slot.index()));
        let (high_watermark, last_stable) = cursor.map_or((-1, -1), |cursor| cursor.log_end);
        let known = |offset: i64| (offset >= 0).then_some(offset);
        (known(high_watermark), known(last_stable))
    }

    /// Stops fetching and delivery of these partitions (None = the whole topic), assigned or not, until [`Fetch::resume`].
    pub fn pause(&mut self, topic: &Arc<str>, partitions: Option<&[i32]>) {
        self.may_ask = true;
        self.deliveries.pause(topic, partitions);
    }

    /// Takes them up again. Has anything that is paused been passed over, so that there may be something to do now?
    pub fn resume(&mut self, topic: &Arc<str>, partitions: Option<&[i32]>) -> bool {
        self.may_ask = true;
        let is_undecoded = self.deliveries.resume(topic, partitions);
        std::mem::take(&mut self.passed_over) || is_undecoded
    }

    /// Neither fetches nor hands out anything until the next assignment. See [`Deliveries::suspend`].
    pub fn suspend(&mut self, closing: bool) {
        self.deliveries.suspend(closing);
    }

    /// See [`Deliveries::drain`].
    pub fn drain(&mut self, partitions: &Owned) {
        self.deliveries.drain(partitions);
    }

    /// See [`Deliveries::interrupt`].
    pub fn interrupt(&mut self) {
        self.deliveries.interrupt();
    }

    /// See [`Deliveries::reassure`].
    pub fn reassure(&mut self) {
        self.deliveries.reassure();
    }

    /// Where Fetches are under way.
    pub fn asked(&self) -> impl Iterator<Item = Target> {
        self.nodes.iter().flat_map(|(id, node)| {
            let kinds = [(ConnectionKind::Fetch, &node.main), (ConnectionKind::FetchExpress, &node.express)];
            kinds.into_iter().filter(|(_, fetch)| fetch.is_some()).map(|(kind, _)| Target::Node(*id, kind))
        })
    }

    fn find_request(&mut self, now: Instant, metadata: &Metadata) -> Option<Outbound> {
        self.look_for_overdue(now);
        if self.stays_full() {
            return None;
        }
        self.locate(metadata);
        let mut wanted: Vec<(i32, SlotId)> = Vec::new();
        let count = self.deliveries.assigned().len();
        for step in 0..count {
            let at = (self.fetch_first + step) % count;
            let Some(&id) = self.deliveries.assigned().get(at) else { continue };
            let Some(cursor) = self.cursors.get_mut(id.index()) else { continue };
            if !self.deliveries.wants(id) || !cursor.may_fetch(now) {
                self.passed_over |= self.deliveries.is_paused(id);
                continue;
            }
            let Some(place) = cursor.place else {
                cursor.is_in_trouble(now, ErrorCode::LEADER_NOT_AVAILABLE);
                self.mute(id, now);
                self.refresh_metadata();
                continue;
            };
            let source = cursor.source.at(now, metadata);
            let lost = source != cursor.source && matches!(source, Source::LeaderOnly { .. });
            cursor.source = source;
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
                self.fetch_first = self.fetch_first.wrapping_add(1) % count;
                return Some(outbound);
            }
        }
        None
    }

    /// Is as much buffered as may be? What paused partitions have does not count: it is dropped if need be, and asked
    /// for again after the pause, or they would keep the others from being fetched.
    fn stays_full(&mut self) -> bool {
        if self.deliveries.is_full() {
            for id in self.deliveries.kept_in_pause() {
                if let Some(State::Fetching { position, .. }) = self.cursor(id).map(|cursor| cursor.state) {
                    self.back_to(id, position);
                }
            }
            for (id, from) in self.deliveries.shed_paused() {
                self.cursor(id).into_iter().for_each(|cursor| cursor.fetch_again(from));
            }
        }
        self.deliveries.is_full()
    }

    /// Reads in the metadata where the partitions lie, when that may have changed. Each Fetch needs it of each partition: to look it
    /// up every time would cost two maps for each.
    fn locate(&mut self, metadata: &Metadata) {
        if self.located_by.replace(metadata.version()) == Some(metadata.version()) {
            return;
        }
        for id in self.deliveries.assigned() {
            if let (Some(cursor), Some(partition)) =
                (self.cursors.get_mut(id.index()), self.deliveries.partition(*id))
            {
                cursor.locate(partition, metadata);
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
        let mut in_flight =
            InFlight { id, sent_at: now, overdue_at, late: false, asked: Vec::new(), topics: Vec::new() };
        let mut wanted = Vec::with_capacity(of_node.len());
        let mut leader_only = false;
        for (_, slot_id) in of_node {
            let Some(cursor) = self.cursors.get_mut(slot_id.index()) else { continue };
            let Some(TopicPartition { topic, partition }) = self.deliveries.partition(*slot_id) else {
                continue;
            };
            let (State::Fetching { fetch_offset, .. }, Some(Place { leader, topic_id })) =
                (cursor.state, cursor.place)
            else {
                continue;
            };
            let leader_epoch = leader.epoch;
            cursor.in_flight = Some(Asked { request: id, node: node_id, offset: fetch_offset, leader_epoch });
            in_flight.asked.push(*slot_id);
            if in_flight.topics.last().is_none_or(|(_, name)| name != topic) {
                in_flight.topics.push((topic_id, topic.clone()));
            }
            leader_only |= matches!(cursor.source, Source::LeaderOnly { .. });
            wanted.push(Wanted {
                slot: *slot_id,
                topic: topic.clone(),
                topic_id,
                partition: FetchPartition {
                    partition: *partition,
                    current_leader_epoch: leader.epoch,
                    fetch_offset,
                    last_fetched_epoch: cursor.known_epoch.epoch(),
                    max_bytes: self.config.max_bytes_per_partition,
                },
            });
        }
        let rack_id = if leader_only { String::new() } else { self.config.rack_id.clone() };
        let mut request = FetchRequest {
            max_wait_ms: i32::try_from(max_wait.as_millis()).unwrap_or(i32::MAX),
            // With `minBytes: 0` the broker would answer empty at once, again and again: it is to wait for the first byte.
            min_bytes: self.config.min_bytes.max(1),
            max_bytes: self.config.max_bytes.min(MOST_BYTES),
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
                in_flight.late = true;
                found = true;
            }
        }
        if found {
            self.refresh_metadata();
        }
    }

    pub(super) fn mute(&mut self, id: SlotId, now: Instant) {
        if let Some(cursor) = self.cursors.get_mut(id.index()) {
            cursor.backoff.failed(now, &mut self.rng);
        }
    }

    pub(super) fn in_trouble(&mut self, now: Instant, id: SlotId, code: ErrorCode) {
        self.cursor(id).into_iter().for_each(|cursor| cursor.is_in_trouble(now, code));
    }

    pub(super) fn refresh_metadata(&mut self) {
        if !self.events.contains(&Event::RefreshMetadata) {
            self.events.push_back(Event::RefreshMetadata);
        }
    }

    pub(super) fn cursor(&mut self, id: SlotId) -> Option<&mut Cursor> {
        self.cursors.get_mut(id.index())
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
        if !self.deliveries.is_suspended() {
            self.look_for_overdue(now);
        }
    }

    fn poll_request(&mut self, now: Instant, metadata: &Metadata) -> Option<Outbound> {
        if self.deliveries.is_suspended() {
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
        if self.deliveries.is_suspended() {
            return None;
        }
        if !self.may_ask && self.asks_at.is_none_or(|at| now < at) {
            return self.asks_at;
        }
        let slots = self.deliveries.assigned().iter().filter(|id| !self.deliveries.is_held(**id));
        let cursors = slots.filter_map(|id| self.cursors.get(id.index()));
        let express = self.nodes.values().filter(|node| node.express.is_none());
        let express = express.filter_map(|node| node.main.as_ref().map(|main| main.sent_at + EXPRESS_AFTER));
        let nodes = self.nodes.values().flat_map(|node| node.muted_until.into_iter().chain(node.joins_at()));
        let overdue = self.nodes.values().flat_map(Node::in_flight).map(|in_flight| in_flight.overdue_at);
        let waits = express.chain(nodes).filter(|at| *at > now);
        cursors.filter_map(|cursor| cursor.wakes_at(now)).chain(waits).chain(overdue).min()
    }
}

/// The long poll is given this long to come back before a second Fetch goes out beside it.
const EXPRESS_AFTER: Duration = Duration::from_millis(20);
/// That second Fetch is held back no longer than this, so that its slots soon join the long poll.
const EXPRESS_WAIT: Duration = Duration::from_millis(250);
/// The first one after something came is held this long; each that brings nothing doubles it.
const FIRST_EXPRESS_WAIT: Duration = Duration::from_millis(25);
/// An answer that is so much later than the broker may hold it back is overdue: the metadata is read, the broker may be dead.
const OVERDUE: Duration = Duration::from_secs(2);
const WITHOUT_SESSION: i32 = -1;
