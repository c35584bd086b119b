//! The machine, its brokers, its decoder, its lanes, its slabs and the time.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use crate::engine::cluster::Leader;
use crate::engine::cluster::Metadata;
use crate::engine::delivery::Buffer;
use crate::engine::delivery::DecodeJob;
use crate::engine::delivery::Decoded;
use crate::engine::delivery::DeliveryConfig;
use crate::engine::delivery::Outcome;
use crate::engine::delivery::SlotId;
use crate::engine::fetch::Event;
use crate::engine::fetch::Fetch;
use crate::engine::fetch::FetchConfig;
use crate::engine::fetch::UNKNOWN_EPOCH;
use crate::engine::fetch::cursor::State;
use crate::engine::machine::ConnectionKind;
use crate::engine::machine::Failure;
use crate::engine::machine::Machine;
use crate::engine::machine::NetError;
use crate::engine::machine::Owned;
use crate::engine::machine::Target;
use crate::engine::machine::TopicPartition;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::fetch::FetchRequest;
use crate::engine::protocol::fetch::FetchResponse;
use crate::engine::protocol::metadata::MetadataBroker;
use crate::engine::protocol::metadata::MetadataPartition;
use crate::engine::protocol::metadata::MetadataResponse;
use crate::engine::protocol::metadata::MetadataTopic;
use crate::engine::records::Decompressor;
use crate::engine::testing;
use crate::engine::testing::broker::{Broker, Log, TOPIC, VALUE};
use crate::engine::testing::encode::decode;

pub(super) const MAX_WAIT: Duration = Duration::from_secs(5);
pub(super) const SLAB: usize = 32 * 1024;
/// More than this is staged only in need; see `SMALL` of the hand-over.
pub(super) const BIG: usize = 5_000;

/// A Fetch that is under way. The broker has taken it in when it was sent; what it answers shows the log as it is when
/// the answer is given.
pub(super) struct Sent {
    pub(super) id: u64,
    pub(super) node: i32,
    pub(super) express: bool,
    pub(super) sent_at: Instant,
    pub(super) request: FetchRequest,
}

/// What a lane works on.
#[derive(Debug, Clone)]
pub(super) struct Lane {
    pub(super) partition: i32,
    pub(super) base: i64,
    pub(super) next: i64,
    pub(super) offsets: Vec<i64>,
    /// Of their values.
    pub(super) lengths: Vec<usize>,
    pub(super) slab: Option<u32>,
    bytes: Vec<u8>,
}

pub(super) struct World {
    pub(super) fetch: Fetch,
    pub(super) now: Instant,
    pub(super) brokers: BTreeMap<i32, Broker>,
    pub(super) logs: BTreeMap<i32, Log>,
    pub(super) metadata: Metadata,
    pub(super) in_flight: Vec<Sent>,
    pub(super) lanes: Vec<Option<Lane>>,
    pub(super) job: Option<DecodeJob>,
    pub(super) events: Vec<Event>,
    /// Per assigned partition: the offset of the next message that may be delivered.
    pub(super) expected: BTreeMap<i32, i64>,
    /// What has been delivered, as (partition, offset).
    pub(super) delivered: Vec<(i32, i64)>,
    pub(super) requests: usize,
    /// Is what `poll_decode` offers carried out at once?
    pub(super) eager: bool,
    codecs: Decompressor,
    memory: HashMap<u32, Vec<u8>>,
    /// What lanes have let go of.
    pub(super) kept: BTreeMap<u32, Vec<u8>>,
    next_slab: u32,
}

pub(super) fn tp(partition: i32) -> TopicPartition {
    TopicPartition { topic: "t".into(), partition }
}

pub(super) fn config(lanes: usize) -> FetchConfig {
    FetchConfig { max_wait: MAX_WAIT, max_bytes_per_partition: 60_000, ..testing::config::fetch(lanes) }
}

/// The same with less room.
pub(super) fn config_with(lanes: usize, max_queued_bytes: usize) -> FetchConfig {
    FetchConfig { delivery: DeliveryConfig { max_queued_bytes, lanes }, ..config(lanes) }
}

impl World {
    /// Partitions 0 to 3 (0 and 1 led by node 0, 2 and 3 by node 1), two lanes, eight slabs.
    pub(super) fn new() -> World {
        let mut world = World::with(config(2));
        for _ in 0..8 {
            world.give();
        }
        world
    }

    #[expect(clippy::disallowed_methods, reason = "any instant will do to start from")]
    pub(super) fn with(config: FetchConfig) -> World {
        let mut world = World {
            lanes: vec![None; config.delivery.lanes],
            fetch: Fetch::new(config, 7),
            now: Instant::now(),
            brokers: BTreeMap::new(),
            logs: (0..4).map(|partition| (partition, Log::default())).collect(),
            metadata: Metadata::default(),
            in_flight: Vec::new(),
            job: None,
            events: Vec::new(),
            expected: BTreeMap::new(),
            delivered: Vec::new(),
            requests: 0,
            eager: true,
            codecs: Decompressor::new(1 << 20),
            memory: HashMap::new(),
            kept: BTreeMap::new(),
            next_slab: 0,
        };
        for node in 0..3 {
            world.brokers.insert(node, Broker::new());
        }
        world.set_leaders([0, 0, 1, 1], 1);
        world
    }

    /// These partitions are assigned and begin at 0.
    pub(super) fn consuming(partitions: &[i32]) -> World {
        let mut world = World::new();
        world.assign(partitions);
        for partition in partitions {
            world.set_position(*partition, 0);
        }
        world
    }

    pub(super) fn set_leaders(&mut self, leaders: [i32; 4], leader_epoch: i32) {
        let partitions = leaders.iter().zip(0..).map(|(leader, partition)| MetadataPartition {
            partition,
            leader: *leader,
            leader_epoch,
            ..Default::default()
        });
        let partitions = partitions.collect();
        let topic =
            MetadataTopic { name: Some("t".into()), topic_id: TOPIC, partitions, ..Default::default() };
        let brokers =
            self.brokers.keys().map(|node| MetadataBroker { node_id: *node, ..Default::default() }).collect();
        self.metadata.apply(&MetadataResponse { brokers, topics: vec![topic], ..Default::default() });
        self.fetch.leaders_changed(&self.metadata);
        self.settle();
    }

    // ---- the owner

    pub(super) fn assign(&mut self, partitions: &[i32]) {
        let assigned: Vec<_> = partitions.iter().map(|p| tp(*p)).collect();
        self.fetch.unassign(&Owned::All);
        self.fetch.assign(&assigned);
        self.expected.clear();
        self.settle();
    }

    pub(super) fn unassign(&mut self) {
        self.fetch.suspend(false);
        self.fetch.unassign(&Owned::All);
        self.expected.clear();
        self.settle();
    }

    /// A seek, or the end of a lookup.
    pub(super) fn set_position(&mut self, partition: i32, offset: i64) {
        self.fetch.set_position(&tp(partition), offset, UNKNOWN_EPOCH);
        if self.fetch.deliveries.is_assigned(&tp(partition)) {
            self.expected.insert(partition, offset);
        }
        self.settle();
    }

    pub(super) fn pause(&mut self, partition: i32) {
        self.fetch.pause(&"t".into(), Some(&[partition]));
        self.settle();
    }

    pub(super) fn resume(&mut self, partition: i32) {
        self.fetch.resume(&"t".into(), Some(&[partition]));
        self.settle();
    }

    // ---- hand-over

    pub(super) fn give(&mut self) -> u32 {
        let slab = self.next_slab;
        self.next_slab += 1;
        self.memory.insert(slab, vec![0; SLAB]);
        self.fetch.give(slab);
        self.settle();
        slab
    }

    pub(super) fn begin_decode(&mut self) {
        assert!(self.job.is_none(), "one decoder");
        self.job = self.fetch.poll_decode(|_| true);
        if let Some(DecodeJob { buffer: Buffer::Staged(bytes), .. }) = &self.job {
            assert!(!bytes.is_empty());
        }
    }

    pub(super) fn end_decode(&mut self) {
        let Some(DecodeJob { slot, epoch, mut reader, mut buffer, .. }) = self.job.take() else { return };
        let memory = match &mut buffer {
            Buffer::Slab(slab) => self.memory.get_mut(slab).unwrap(),
            Buffer::Staged(bytes) => bytes,
            Buffer::Kept { .. } => panic!("nothing to decode"),
        };
        let result = reader.fill(&mut self.codecs, memory, 3);
        self.fetch.decoded(self.now, Decoded { slot, epoch, reader, buffer, result });
        self.settle();
    }

    /// What the decoder of the runtime does.
    pub(super) fn decode_all(&mut self) {
        for round in 0.. {
            assert!(round < 10_000, "busy loop");
            self.begin_decode();
            if self.job.is_none() {
                return;
            }
            self.end_decode();
        }
    }

    /// An idle lane asks for work; what it gets must be what comes next.
    pub(super) fn take(&mut self, lane: usize) -> bool {
        let Some(delivery) = self.fetch.take(lane) else {
            self.settle();
            return false;
        };
        assert!(self.lanes[lane].is_none(), "a busy lane");
        let partition = self.fetch.deliveries.partition(delivery.slot).unwrap().partition;
        assert!(!self.fetch.deliveries.paused().contains(&tp(partition)), "a paused partition");
        let expected = self.expected.get(&partition).copied();
        let expected = expected.expect("a delivery of a partition without a position");
        assert_eq!(delivery.start, expected, "a delivery starts at the position");
        let mut others = self.lanes.iter().flatten();
        assert!(others.all(|other| other.partition != partition), "one partition in two lanes");
        let mut kept = false;
        let (bytes, slab) = match delivery.buffer {
            Buffer::Slab(slab) => (self.memory.remove(&slab).expect("a slab that is ours"), Some(slab)),
            Buffer::Staged(bytes) => (bytes, None),
            Buffer::Kept { number, .. } => {
                kept = true;
                (self.kept.remove(&number).expect("what is kept"), None)
            }
        };
        let mut decoded = decode(&bytes);
        if kept {
            decoded.messages.retain(|message| message.offset >= expected);
        }
        let offsets: Vec<i64> = decoded.messages.iter().map(|message| message.offset).collect();
        let values = decoded.messages.iter().map(|message| message.value.as_ref());
        let lengths = values.clone().map(|value| value.map_or(0, Vec::len)).collect();
        assert!(values.flatten().flatten().all(|byte| *byte == VALUE), "an altered value");
        let summary = delivery.summary;
        assert!(offsets.is_sorted() && offsets.iter().all(|offset| *offset < summary.next_offset));
        if let Some(first) = offsets.first() {
            assert!(
                *first >= expected && (kept || summary.base_offset == *first),
                "{first} instead of {expected}"
            );
        }
        let passed_over = (expected..summary.next_offset).filter(|offset| !offsets.contains(offset));
        let lost: Vec<_> =
            passed_over.filter(|offset| !self.logs[&partition].markers.contains(offset)).collect();
        assert!(lost.is_empty(), "{lost:?} of partition {partition} are lost");
        self.delivered.extend(offsets.iter().map(|offset| (partition, *offset)));
        self.expected.insert(partition, summary.next_offset);
        let (base, next) = (summary.base_offset, summary.next_offset);
        self.lanes[lane] = Some(Lane { partition, base, next, offsets, lengths, slab, bytes });
        self.settle();
        true
    }

    /// The handler has gone through everything before `next`.
    pub(super) fn progress(&mut self, lane: usize, next: i64) -> Option<(i32, i64)> {
        let base = self.lanes[lane].as_ref().unwrap().base;
        let news = self.fetch.progress(lane, i32::try_from(next - base).unwrap());
        let news = news.map(|(slot, next)| (self.fetch.deliveries.partition(slot).unwrap().partition, next));
        self.settle();
        news
    }

    /// The lane ends after everything that it has; JavaScript gives the slab again.
    pub(super) fn complete(&mut self, lane: usize) {
        let Some(work) = self.lanes[lane].clone() else { return };
        self.progress(lane, work.next);
        self.finish(lane, Outcome::Done);
    }

    pub(super) fn finish(&mut self, lane: usize, outcome: Outcome) {
        let work = self.lanes[lane].take().unwrap();
        let slot = self.fetch.deliveries.slot_of(&tp(work.partition)).unwrap();
        let resolved = self.fetch.deliveries.resolved(slot);
        if let Some(number) = self.fetch.finish(self.now, lane, outcome) {
            assert!(resolved.is_some() && outcome == Outcome::Stopped);
            assert!(self.kept.insert(number, work.bytes).is_none());
        }
        // None: the epoch was over.
        if let Some(resolved) = resolved.filter(|resolved| outcome != Outcome::Done || *resolved != work.next)
        {
            self.expected.insert(work.partition, resolved);
        }
        if let Some(slab) = work.slab {
            self.memory.insert(slab, vec![0; SLAB]);
            self.fetch.give(slab);
        }
        self.settle();
    }

    /// The handler's work ends behind its own end.
    pub(super) fn resolve_returned(&mut self, partition: i32, next: i64) -> bool {
        let slot =
            (0..).map(SlotId).find(|slot| self.fetch.deliveries.partition(*slot) == Some(&tp(partition)));
        let resolved = self.fetch.resolve_returned(slot.unwrap(), next);
        if resolved {
            self.expected.insert(partition, next);
        }
        self.settle();
        resolved
    }

    /// Everything that is ready, through both lanes.
    pub(super) fn consume(&mut self) {
        for round in 0.. {
            assert!(round < 10_000, "busy loop");
            let mut any = false;
            for lane in 0..self.lanes.len() {
                any |= self.lanes[lane].is_none() && self.take(lane);
                self.complete(lane);
            }
            if !any {
                return;
            }
        }
    }

    // ---- the brokers

    /// The partitions that the Fetch at `index` asks its broker for, session and all.
    pub(super) fn asked(&self, index: usize) -> Vec<i32> {
        let sent = &self.in_flight[index];
        let mut asked: Vec<i32> = self.fetch.nodes[&sent.node]
            .main
            .iter()
            .chain(&self.fetch.nodes[&sent.node].express)
            .filter(|in_flight| in_flight.id == sent.id)
            .flat_map(|in_flight| &in_flight.asked)
            .map(|slot| self.fetch.deliveries.partition(*slot).unwrap().partition)
            .collect();
        asked.sort_unstable();
        asked
    }

    pub(super) fn answer(&mut self, index: usize) {
        self.answer_changed(index, |_| ());
    }

    /// Something happens to the answer on its way.
    pub(super) fn answer_changed(&mut self, index: usize, change: impl FnOnce(&mut FetchResponse)) {
        let sent = self.in_flight.remove(index);
        let broker = self.brokers.get_mut(&sent.node).unwrap();
        let mut response = broker.fetch(&sent.request, &self.logs);
        if !sent.express && !response.error.is_err() && response.session_id != 0 {
            // What the broker has in the session is what we asked for.
            let main = self.fetch.nodes[&sent.node].main.as_ref().unwrap();
            let mut asked: Vec<i32> = main
                .asked
                .iter()
                .map(|slot| self.fetch.deliveries.partition(*slot).unwrap().partition)
                .collect();
            asked.sort_unstable();
            assert_eq!(broker.session_partitions(), asked);
        }
        let answers = response.topics.iter().flat_map(|topic| &topic.partitions);
        let parted = answers.filter(|answer| answer.diverging_epoch.is_some());
        let parted: Vec<i32> = parted.map(|answer| answer.partition).collect();
        change(&mut response);
        self.fetch.handle_response(self.now, sent.id, Ok(Response::Fetch(response)));
        for partition in parted {
            self.see_position(partition);
        }
        self.settle();
    }

    /// The position may have gone back.
    fn see_position(&mut self, partition: i32) {
        let slot = self.fetch.deliveries.assigned_slot(&tp(partition)).unwrap();
        let State::Fetching { position, .. } = self.fetch.cursors[slot.index()].state else { return };
        let expected = self.expected.insert(partition, position).unwrap();
        assert!(position <= expected, "{position} instead of {expected}");
    }

    pub(super) fn answer_with(&mut self, index: usize, response: Result<Response, NetError>) {
        let sent = self.in_flight.remove(index);
        self.fetch.handle_response(self.now, sent.id, response);
        self.settle();
    }

    /// The connection breaks, after or before the broker took the request in.
    pub(super) fn lose(&mut self, index: usize, taken_in: bool) {
        let sent = &self.in_flight[index];
        if taken_in {
            self.brokers.get_mut(&sent.node).unwrap().fetch(&sent.request, &self.logs);
        }
        self.answer_with(index, Err(NetError::Closed { broker: "broker:9092".into() }));
    }

    /// Answers each Fetch that has data, as a broker does, until only long polls without data are left.
    pub(super) fn answer_news(&mut self) {
        for round in 0.. {
            assert!(round < 10_000, "busy loop");
            let news = (0..self.in_flight.len()).find(|index| self.has_news(*index));
            let Some(index) = news else { return };
            self.answer(index);
        }
    }

    /// For so long each Fetch that has data is answered.
    pub(super) fn answer_for(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.answer_news();
            self.advance(Duration::from_millis(50));
        }
    }

    /// What has ended the consumer.
    pub(super) fn failure(&self) -> Option<&Failure> {
        let mut failures = self.events.iter().filter_map(|event| match event {
            Event::Failed(failure) => Some(failure),
            _ => None,
        });
        let failure = failures.next();
        assert_eq!(failures.next(), None, "told twice");
        failure
    }

    fn has_news(&self, index: usize) -> bool {
        self.asked(index).iter().any(|partition| {
            let slot = self.fetch.deliveries.assigned_slot(&tp(*partition));
            let slot = slot.and_then(|slot| self.fetch.cursors.get(slot.index()));
            let asked = slot.and_then(|cursor| cursor.in_flight);
            asked.is_some_and(|asked| asked.offset != self.logs[partition].end)
        })
    }

    // ---- time

    pub(super) fn advance(&mut self, by: Duration) {
        let end = self.now + by;
        let mut wakes = 0;
        while let Some(at) = self.fetch.poll_timeout(self.now).filter(|at| *at <= end) {
            wakes += 1;
            assert!(wakes < 1000, "busy loop");
            self.now = at;
            self.fetch.handle_timeout(at);
            self.settle();
        }
        self.now = end;
        self.settle();
    }

    // ---- the promises

    /// What a driver does after each step, and what must hold then.
    pub(super) fn settle(&mut self) {
        for round in 0.. {
            assert!(round < 1000, "busy loop");
            self.see_events();
            if self.eager && self.job.is_none() {
                self.begin_decode();
                if self.job.is_some() {
                    self.end_decode();
                }
            }
            if !self.see_requests() {
                break;
            }
        }
        self.see_events();
        self.check();
    }

    fn see_events(&mut self) {
        while let Some(event) = self.fetch.poll_event() {
            match event {
                Event::LeaderMoved { partition, node, epoch } => {
                    self.metadata.update_leader(&partition, Leader { node, epoch });
                }
                Event::FetchStart { .. } | Event::FetchEnd { .. } => {}
                Event::Dropped(number) => {
                    assert!(self.kept.remove(&number).is_some(), "{number} is not kept")
                }
                Event::Truncated { ref partition, to, .. } => {
                    self.expected.insert(partition.partition, to);
                    self.events.push(event);
                }
                event => self.events.push(event),
            }
        }
    }

    fn see_requests(&mut self) -> bool {
        let before = self.in_flight.len();
        while let Some(outbound) = self.fetch.poll_request(self.now, &self.metadata) {
            let Request::Fetch(request) = outbound.body else { panic!() };
            let (node, express) = match outbound.to {
                Target::Node(node, ConnectionKind::Fetch) => (node, false),
                Target::Node(node, ConnectionKind::FetchExpress) => (node, true),
                other => panic!("{other:?}"),
            };
            let same = |sent: &Sent| (sent.node, sent.express) == (node, express);
            assert!(!self.in_flight.iter().any(same), "two on one connection");
            assert_eq!(express, request.session_epoch == -1);
            self.requests += 1;
            self.in_flight.push(Sent { id: outbound.id, node, express, sent_at: self.now, request });
            let asked = self.asked(self.in_flight.len() - 1);
            assert!(
                asked.iter().all(|p| !self.fetch.deliveries.paused().contains(&tp(*p))),
                "a paused partition"
            );
        }
        self.in_flight.len() > before
    }

    fn check(&self) {
        let fetch = &self.fetch;
        let timeout = fetch.poll_timeout(self.now);
        assert!(timeout.is_none_or(|at| at > self.now), "a timer that has rung already");
        fetch.deliveries.check(self.job.as_ref(), self.memory.keys(), self.kept.keys());
    }
}
