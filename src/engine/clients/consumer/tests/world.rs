//! The consumer, its owner, its handlers, the cluster, the network and the time.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use crate::engine::clients::consumer::Assigned;
use crate::engine::clients::consumer::Consumer;
use crate::engine::clients::consumer::ConsumerConfig;
use crate::engine::clients::consumer::Event;
use crate::engine::clients::consumer::GroupMembershipOperation;
use crate::engine::clients::consumer::GroupProtocol;
use crate::engine::clients::consumer::Offered;
use crate::engine::clients::consumer::Tag;
use crate::engine::delivery::Buffer;
use crate::engine::delivery::DecodeJob;
use crate::engine::delivery::Decoded;
use crate::engine::machine;
use crate::engine::machine::Failure;
use crate::engine::machine::Machine;
use crate::engine::machine::NetError;
use crate::engine::machine::Target;
use crate::engine::machine::TopicPartition;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::Subscription;
use crate::engine::protocol::join_group::JoinGroupProtocol;
use crate::engine::protocol::sync_group::SyncGroupAssignment;
use crate::engine::records::Decompressor;
use crate::engine::testing;
use crate::engine::testing::broker::Log;

use super::cluster::{COOPERATIVE, Cluster};
use super::handlers::Lane;
use super::ledger::Ledger;
use super::listener::Listener;
use super::network::{Coming, Sent};

pub(super) const SESSION: Duration = Duration::from_secs(10);
pub(super) const LATENCY: Duration = Duration::from_millis(2);
pub(super) const REBALANCE: Duration = Duration::from_secs(10);
pub(super) const MAX_POLL: Duration = Duration::from_secs(20);

pub(super) struct World {
    pub(super) consumer: Consumer,
    pub(super) now: Instant,
    pub(super) cluster: Cluster,
    pub(super) rng: fastrand::Rng,
    pub(super) sent: Vec<Sent>,
    /// Answers on their way back.
    pub(super) coming: Vec<Coming>,
    pub(super) lanes: Vec<Option<Lane>>,
    /// What lanes have let go of.
    pub(super) kept: HashMap<u32, Lane>,
    /// How long a handler takes per message; None = for ever.
    pub(super) handler: Option<Duration>,
    /// One in so many messages fails; 0 = none.
    pub(super) failures: u32,
    pub(super) listener: Listener,
    pub(super) ledger: Ledger,
    pub(super) events: Vec<Event>,
    pub(super) lines: Vec<machine::Log>,
    pub(super) stopped: usize,
    pub(super) joined: usize,
    /// JoinGroup is out and Joined has not come.
    pub(super) joining: bool,
    /// Joins are not completed.
    pub(super) deaf: bool,
    /// Next offset after everything handled, per partition.
    pub(super) handled: BTreeMap<i32, i64>,
    pub(super) delivered: Vec<(i32, i64)>,
    /// Seeks and other members may leave holes.
    pub(super) holes: BTreeSet<i32>,
    /// What `commitOffsets` was called with: the user may commit what he likes.
    explicit: BTreeSet<(i32, i64)>,
    pub(super) requests: Vec<(Instant, &'static str)>,
    /// When what renews the session was sent.
    renewing: HashMap<Tag, Instant>,
    /// When the last of those that were answered well was sent.
    pub(super) renewed: Option<Instant>,
    /// The network is down: what is sent breaks.
    pub(super) down: bool,
    /// Requests arrive, and no answer comes.
    pub(super) silent: bool,
    /// This broker takes requests and does nothing.
    pub(super) frozen: Option<i32>,
    /// Each way of a message takes up to so many ms; 0 = [`LATENCY`].
    pub(super) jitter: u64,
    /// The decoder takes so long for an answer.
    pub(super) decoding_takes: Duration,
    /// What it has, and until when.
    decoding: Option<(Instant, DecodeJob)>,
    codecs: Decompressor,
    pub(super) memory: HashMap<u32, Vec<u8>>,
}

pub(super) fn tp(partition: i32) -> TopicPartition {
    TopicPartition { topic: "t".into(), partition }
}

pub(super) fn config() -> ConsumerConfig {
    ConsumerConfig {
        session_timeout: SESSION,
        rebalance_timeout: REBALANCE,
        max_poll_interval: MAX_POLL,
        ..testing::config::consumer(2)
    }
}

impl World {
    pub(super) fn new() -> World {
        World::with(config(), 7)
    }

    #[expect(clippy::disallowed_methods, reason = "any instant will do to start from")]
    pub(super) fn with(config: ConsumerConfig, seed: u64) -> World {
        let lanes = config.fetch.delivery.lanes;
        let mut world = World {
            consumer: Consumer::new(config, seed),
            now: Instant::now(),
            cluster: Cluster::new(),
            rng: fastrand::Rng::with_seed(seed),
            sent: Vec::new(),
            coming: Vec::new(),
            lanes: (0..lanes).map(|_| None).collect(),
            handler: Some(Duration::from_millis(1)),
            failures: 0,
            listener: Listener::default(),
            ledger: Ledger::default(),
            events: Vec::new(),
            lines: Vec::new(),
            stopped: 0,
            joined: 0,
            joining: false,
            deaf: false,
            handled: BTreeMap::new(),
            delivered: Vec::new(),
            holes: BTreeSet::new(),
            explicit: BTreeSet::new(),
            requests: Vec::new(),
            renewing: HashMap::new(),
            renewed: None,
            down: false,
            silent: false,
            frozen: None,
            jitter: 0,
            decoding_takes: Duration::ZERO,
            decoding: None,
            codecs: Decompressor::new(1 << 20),
            memory: HashMap::new(),
            kept: HashMap::new(),
        };
        for slab in 0..4 {
            world.memory.insert(slab, vec![0; 32 * 1024]);
            world.consumer.give(slab);
        }
        world
    }

    pub(super) fn start(&mut self) {
        self.consumer.start(self.now, [("t".to_owned(), true)].into(), None);
        self.settle();
    }

    /// A member of generation 1 with four partitions of ten messages each, all handled and committed.
    pub(super) fn running() -> World {
        let mut world = World::new();
        world.append_all(10);
        world.start();
        world.run(Duration::from_secs(2));
        world.assert_all_committed();
        world
    }

    /// The same in a group that rebalances cooperatively, with these partitions.
    pub(super) fn cooperative(share: &[i32]) -> World {
        World::cooperative_with(config(), share)
    }

    pub(super) fn cooperative_with(config: ConsumerConfig, share: &[i32]) -> World {
        let config = ConsumerConfig { assignors: vec![Offered::COOPERATIVE], ..config };
        let mut world = World::with(config, 7);
        world.cluster.protocol = COOPERATIVE;
        world.join_for(share);
        world
    }

    /// The same in a group of KIP-848.
    pub(super) fn by_epoch(share: &[i32]) -> World {
        World::by_epoch_with(config(), share)
    }

    pub(super) fn by_epoch_with(config: ConsumerConfig, share: &[i32]) -> World {
        let config = ConsumerConfig { group_protocol: GroupProtocol::Consumer, ..config };
        let mut world = World::with(config, 7);
        world.cluster.kip848.is_spoken = true;
        world.join_for(share);
        world
    }

    /// It joins and gets these partitions, each with ten messages.
    fn join_for(&mut self, share: &[i32]) {
        self.cluster.share = share.to_vec();
        for partition in share {
            self.append(*partition, 10);
        }
        self.start();
        self.run(Duration::from_secs(2));
        assert_eq!(self.joined, 1);
    }

    pub(super) fn append(&mut self, partition: i32, messages: usize) {
        self.log(partition).append(&vec![20; messages]);
        self.settle();
    }

    pub(super) fn append_all(&mut self, messages: usize) {
        (0..4).for_each(|partition| self.append(partition, messages));
    }

    pub(super) fn log(&mut self, partition: i32) -> &mut Log {
        self.cluster.logs.get_mut(&partition).unwrap()
    }

    pub(super) fn stop(&mut self) {
        self.consumer.stop(self.now, GroupMembershipOperation::Default);
        self.settle();
    }

    pub(super) fn commit(&mut self, ticket: u64, partition: i32, offset: i64) {
        self.explicit.insert((partition, offset));
        self.consumer.commit(ticket, Some(vec![(tp(partition), offset, None)]));
        self.settle();
    }

    /// The user may commit what he likes.
    pub(super) fn explicit(&mut self, partition: i32, offset: i64) {
        self.explicit.insert((partition, offset));
    }

    pub(super) fn heartbeat(&mut self, ticket: u64) {
        self.consumer.heartbeat(self.now, ticket);
        self.settle();
    }

    /// Who asked for a heartbeat and was answered, in order.
    pub(super) fn beaten(&self) -> Vec<u64> {
        let tickets = self.events.iter().filter_map(|event| match event {
            Event::HeartbeatDone { ticket } => Some(*ticket),
            _ => None,
        });
        tickets.collect()
    }

    /// How the commit with this ticket has ended, if it has.
    pub(super) fn done(&self, ticket: u64) -> Option<Result<(), Failure>> {
        let mut ends = self.events.iter().filter_map(|event| match event {
            Event::CommitDone { ticket: of, result } if *of == ticket => Some(result.clone()),
            _ => None,
        });
        let end = ends.next();
        assert!(ends.next().is_none(), "a promise settles once");
        end
    }

    pub(super) fn crashed(&self) -> bool {
        self.events.iter().any(|event| matches!(event, Event::Crashed(_)))
    }

    pub(super) fn sent_since(&self, since: usize, name: &str) -> usize {
        self.requests[since..].iter().filter(|(_, other)| *other == name).count()
    }

    pub(super) fn assert_all_committed(&self) {
        for (partition, log) in &self.cluster.logs {
            let committed = self.cluster.committed.get(partition).copied().unwrap_or(0);
            assert_eq!(committed, log.end, "partition {partition}: {:?}", self.handled);
        }
    }

    // ---- time

    /// Lets time pass: answers arrive, handlers finish, timers ring.
    pub(super) fn run(&mut self, by: Duration) {
        let end = self.now + by;
        for round in 0.. {
            assert!(round < 200_000, "busy loop");
            let Some(at) = self.next_instant().filter(|at| *at <= end) else { break };
            assert!(at >= self.now);
            self.now = at;
            self.happen();
        }
        self.now = end;
        self.happen();
    }

    /// As [`World::run`], until `what` holds.
    pub(super) fn run_until(&mut self, what: impl Fn(&World) -> bool) {
        for _ in 0..100_000 {
            if what(self) {
                return;
            }
            self.now = self.next_instant().unwrap();
            self.happen();
        }
        panic!("never");
    }

    fn next_instant(&self) -> Option<Instant> {
        let sent = self.sent.iter().map(|sent| sent.deadline.unwrap_or(sent.arrives));
        let coming = self.coming.iter().map(|coming| coming.at);
        let lanes = self.lanes.iter().flatten().filter_map(|lane| lane.until);
        let timer = self.consumer.poll_timeout(self.now);
        let decoding = self.decoding.iter().map(|(until, _)| *until);
        sent.chain(coming).chain(lanes).chain(decoding).chain(timer).chain(self.listener.ends_at()).min()
    }

    pub(super) fn happen(&mut self) {
        self.arrive();
        let (due, coming): (Vec<_>, _) =
            std::mem::take(&mut self.coming).into_iter().partition(|coming| coming.at <= self.now);
        self.coming = coming;
        for Coming { tag, answer, .. } in due {
            self.hear(tag, &answer);
            self.consumer.handle_response(self.now, tag, answer);
        }
        if self.consumer.poll_timeout(self.now).is_some_and(|at| at <= self.now) {
            self.consumer.handle_timeout(self.now);
        }
        for lane in 0..self.lanes.len() {
            self.work(lane);
        }
        self.end_hook();
        self.settle();
    }

    /// The process stands still. Who goes on first is the JavaScript thread.
    pub(super) fn stand_still(&mut self, by: Duration) {
        let (since, due) = (self.now, self.consumer.poll_timeout(self.now));
        self.now += by;
        for lane in 0..self.lanes.len() {
            self.work(lane);
            if self.lanes[lane].is_none() {
                self.take(lane);
            }
        }
        self.consumer.looked(since, due, self.now);
        self.happen();
    }

    /// Nobody else can have our partitions before a session is over that begins now.
    fn hear(&mut self, tag: Tag, response: &Result<Response, NetError>) {
        let sent = self.renewing.remove(&tag);
        let renews = match response {
            Ok(Response::Heartbeat(answer)) => {
                matches!(answer.error, ErrorCode::NONE | ErrorCode::REBALANCE_IN_PROGRESS)
            }
            // A member that may join had not been thrown out before.
            Ok(Response::JoinGroup(answer)) => answer.error == ErrorCode::NONE,
            Ok(Response::SyncGroup(answer)) => answer.error == ErrorCode::NONE,
            Ok(Response::ConsumerGroupHeartbeat(answer)) => answer.error == ErrorCode::NONE,
            _ => false,
        };
        if renews {
            self.renewed = sent.max(self.renewed);
        }
    }

    // ---- the promises

    /// What the driver, the decoder and the facade do after each step, and what must hold then.
    pub(super) fn settle(&mut self) {
        for round in 0.. {
            assert!(round < 1_000, "busy loop");
            let mut stirred = false;
            stirred |= self.decode();
            while let Some(outbound) = self.consumer.poll_request(self.now, ()) {
                self.see_request(outbound.id, outbound.to, outbound.body);
                stirred = true;
            }
            while let Some(event) = self.consumer.poll_event() {
                self.see(event);
                stirred = true;
            }
            self.keep_ledger();
            for lane in 0..self.lanes.len() {
                stirred |= self.lanes[lane].is_none() && self.take(lane);
            }
            if !stirred {
                break;
            }
        }
        let timeout = self.consumer.poll_timeout(self.now);
        assert!(timeout.is_none_or(|at| at > self.now), "a timer that has rung already: busy loop");
    }

    fn decode(&mut self) -> bool {
        let mut stirred = false;
        while self.decoding.as_ref().is_none_or(|(until, _)| *until <= self.now) {
            let due = self.decoding.take().map(|(_, job)| job);
            let is_due = due.is_some();
            let Some(job) = due.or_else(|| self.consumer.poll_decode(|_| true)) else { break };
            stirred = true;
            if is_due || self.decoding_takes.is_zero() {
                self.carry_out(job);
            } else {
                self.decoding = Some((self.now + self.decoding_takes, job));
            }
        }
        stirred
    }

    fn carry_out(&mut self, job: DecodeJob) {
        let DecodeJob { slot, epoch, mut reader, mut buffer, .. } = job;
        let memory = match &mut buffer {
            Buffer::Slab(slab) => self.memory.get_mut(slab).unwrap(),
            Buffer::Staged(bytes) => bytes,
            Buffer::Kept { .. } => panic!("nothing to decode"),
        };
        let result = reader.fill(&mut self.codecs, memory, 5);
        self.consumer.decoded(self.now, Decoded { slot, epoch, reader, buffer, result });
    }

    fn see_request(&mut self, tag: Tag, to: Target, body: Request) {
        assert_eq!(self.stopped, 0, "after Stopped: {body:?}");
        self.requests.push((self.now, body.key().name()));
        match &body {
            Request::JoinGroup(_) => {
                self.joining = true;
                self.renewing.insert(tag, self.now);
            }
            Request::SyncGroup(_) | Request::Heartbeat(_) | Request::ConsumerGroupHeartbeat(_) => {
                self.renewing.insert(tag, self.now);
            }
            Request::OffsetFetch(request) => self.looked_up(request),
            Request::OffsetCommit(request) => {
                let current = request.topics.iter().filter(|topic| topic.topic_id == self.cluster.topic_id);
                for partition in current.flat_map(|topic| &topic.partitions) {
                    let handled = self.handled.get(&partition.partition).copied().unwrap_or(0);
                    let committed = self.cluster.committed.get(&partition.partition).copied().unwrap_or(0);
                    let number = partition.partition;
                    let is_free =
                        self.holes.contains(&number) || self.explicit.contains(&(number, partition.offset));
                    let log = &self.cluster.logs[&number];
                    let is_nothing = |offset: i64| offset < log.start || log.markers.contains(&offset);
                    let is_handled = (handled.max(committed)..partition.offset).all(is_nothing);
                    assert!(is_free || is_handled, "{number}: commits {} after {handled}", partition.offset);
                }
            }
            _ => {}
        }
        let arrives = self.arrives(to);
        self.sent.push(Sent { tag, to, body, arrives, deadline: None });
    }

    fn see(&mut self, event: Event) {
        assert_eq!(self.stopped, 0, "after Stopped: {event:?}");
        match event {
            Event::ProtocolsNeeded { job, .. } => {
                let name = self.cluster.protocol.to_owned();
                let protocol = JoinGroupProtocol { name, metadata: Subscription::default().encode() };
                self.consumer.protocols(self.now, job, Ok(vec![protocol]));
            }
            Event::AssignmentNeeded { job, members, metadata, .. } => {
                let seen = metadata.topics.iter().map(|topic| {
                    let partitions = topic.partitions.iter().map(|p| p.partition);
                    (topic.name.clone().unwrap(), partitions.collect())
                });
                let seen = seen.collect();
                let assignment = self.cluster.assignment();
                let shares = members.into_iter().map(|member| SyncGroupAssignment {
                    member_id: member.member_id,
                    assignment: assignment.clone(),
                });
                let assigned = Assigned { shares: shares.collect(), seen };
                self.consumer.assignments(self.now, job, Ok(assigned));
            }
            Event::Joined(_) => {
                self.joining = false;
                self.joined += 1;
                if !self.deaf {
                    self.consumer.complete_join();
                }
                // Others may have come further with what was theirs meanwhile.
                for (partition, committed) in &self.cluster.committed {
                    let handled = self.handled.entry(*partition).or_default();
                    *handled = (*handled).max(*committed);
                }
            }
            Event::HookNeeded { job, hook, partitions } => self.hook_needed(job, hook, &partitions),
            Event::Stopped => self.stopped += 1,
            Event::Brokers(brokers) => self.retire(&brokers),
            Event::Log(log) => self.lines.push(log),
            Event::FetchStart { .. } | Event::FetchEnd { .. } => {}
            event => self.events.push(event),
        }
    }
}
