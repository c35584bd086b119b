//! The machine, a cluster, and the time.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use crate::engine::cluster::{Leader, Metadata};
use crate::engine::machine::{Machine, NetError, Outbound, Target};
use crate::engine::produce::{Answer, Event, Produce, ProduceConfig, Submitted};
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::init_producer_id::InitProducerIdResponse;
use crate::engine::protocol::produce::{ProduceRequest, ProduceResponse};
use crate::engine::protocol::{Request, Response};
use crate::engine::records::Compressor;
use crate::engine::testing::encode::TestRecord;
use crate::engine::testing::turns::TestSend;

use super::brokers::Brokers;

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is answered.
    Answer,
    /// The connection breaks before it is read.
    LostBefore,
    /// The connection breaks when it is written.
    LostAfter,
    /// The connection breaks, and it is read nevertheless, so much later.
    Late(Duration),
    /// Nothing is written, and this is said.
    Refused(ErrorCode),
    /// It is written, and this is said.
    Lied(ErrorCode),
}

struct Flight {
    arrives: Instant,
    id: u64,
    node: i32,
    body: Request,
    fate: Option<Fate>,
}

type Fates = Box<dyn FnMut(i32, &ProduceRequest) -> Fate>;

pub(super) struct World {
    pub(super) start: Instant,
    pub(super) now: Instant,
    pub(super) machine: Produce,
    /// As the machine sees the cluster.
    pub(super) metadata: Metadata,
    pub(super) brokers: Brokers,
    /// Everything that was told, and when.
    pub(super) events: Vec<(Duration, Event)>,
    /// Everything that was sent, and when.
    pub(super) sent: Vec<(Duration, i32, ProduceRequest)>,
    pub(super) fates: Fates,
    pub(super) latency: Box<dyn FnMut() -> Duration>,
    /// InitProducerId is answered so.
    pub(super) init: Result<(), ErrorCode>,
    flights: Vec<Flight>,
    /// What is read late: when, and where.
    late: Vec<(Instant, i32, ProduceRequest)>,
    /// When something was.
    pub(super) read_late: HashSet<Duration>,
    refresh_at: Option<Instant>,
    pub(super) refresh_delay: Duration,
    compressor: Compressor,
}

impl World {
    #[expect(clippy::disallowed_methods, reason = "where virtual time begins")]
    pub(super) fn new(config: ProduceConfig, brokers: Brokers) -> World {
        let start = Instant::now();
        let mut world = World {
            start,
            now: start,
            machine: Produce::new(config, 7),
            metadata: Metadata::default(),
            brokers,
            events: vec![],
            sent: vec![],
            fates: Box::new(|_, _| Fate::Answer),
            latency: Box::new(|| Duration::from_millis(2)),
            init: Ok(()),
            flights: vec![],
            late: vec![],
            read_late: HashSet::new(),
            refresh_at: None,
            refresh_delay: Duration::from_millis(5),
            compressor: Compressor::default(),
        };
        world.run_for(Duration::from_millis(10));
        world
    }

    /// Three nodes, a topic `t` of three partitions that is known already.
    pub(super) fn ready(config: ProduceConfig) -> World {
        let mut brokers = Brokers::new(3);
        brokers.create("t", 3);
        let mut world = World::new(config, brokers);
        world.metadata.apply(&world.brokers.metadata(["t"].into_iter()));
        world
    }

    pub(super) fn since_start(&self) -> Duration {
        self.now - self.start
    }

    /// `send({topic: 't', messages})` to one partition, -1 = by the partitioner.
    pub(super) fn send(&mut self, ticket: i32, partition: i32, values: &[&str]) {
        self.submit(&[send(ticket, "t", partition, values)]);
    }

    pub(super) fn submit(&mut self, sends: &[TestSend]) -> Submitted {
        let turn: Vec<u8> = sends.iter().flat_map(TestSend::encode).collect();
        let submitted = self.machine.submit(self.now, &self.metadata, &turn).unwrap();
        self.turn();
        submitted
    }

    /// All that needs no time.
    pub(super) fn turn(&mut self) {
        loop {
            let mut idle = true;
            while let Some(job) = self.machine.poll_job(self.now, &self.metadata) {
                self.machine.handle_packed(job.run(&mut self.compressor));
                idle = false;
            }
            while let Some(out) = self.machine.poll_request(self.now, &self.metadata) {
                self.launch(out);
                idle = false;
            }
            while let Some(event) = self.machine.poll_event() {
                self.heard(event);
                idle = false;
            }
            if idle {
                return;
            }
        }
    }

    fn heard(&mut self, event: Event) {
        match &event {
            Event::RefreshMetadata | Event::TopicWanted(_) => {
                self.refresh_at.get_or_insert(self.now + self.refresh_delay);
                return;
            }
            Event::TopicUnwanted(_) => return,
            Event::TopicsForgotten(topics) => {
                topics.iter().for_each(|topic| self.metadata.forget(topic));
                return;
            }
            Event::LeaderMoved { partition, node, epoch } => {
                self.metadata.update_leader(partition, Leader { node: *node, epoch: *epoch });
            }
            _ => {}
        }
        self.events.push((self.since_start(), event));
    }

    fn launch(&mut self, out: Outbound) {
        let node = match out.to {
            Target::Node(node, _) => node,
            _ => 0,
        };
        let mut fate = None;
        if let Request::Produce(body) = &out.body {
            let in_flight = self.flights.iter().filter(|f| f.node == node).count();
            assert!(in_flight < 5, "more than five requests out to node {node}");
            fate = Some((self.fates)(node, body));
            self.sent.push((self.since_start(), node, body.clone()));
        }
        // A connection keeps the order.
        let last = self.flights.iter().filter(|f| f.node == node).map(|f| f.arrives).max();
        let arrives = (self.now + (self.latency)()).max(last.unwrap_or(self.now));
        self.flights.push(Flight { arrives, id: out.id, node, body: out.body, fate });
    }

    /// Lets time pass up to the next thing that happens, at most until `end`.
    fn step(&mut self, end: Instant) -> bool {
        self.turn();
        let flight = self.flights.iter().map(|f| f.arrives).min();
        let timer = self.machine.poll_timeout(self.now);
        let late = self.late.iter().map(|(at, ..)| *at).min();
        let next = [flight, timer, self.refresh_at, late].into_iter().flatten().min();
        let Some(next) = next.filter(|next| *next <= end) else {
            self.now = end;
            return false;
        };
        self.now = next.max(self.now);
        if self.refresh_at.is_some_and(|at| at <= self.now) {
            self.refresh_at = None;
            self.refresh();
        }
        while let Some(at) = self.late.iter().position(|(at, ..)| *at <= self.now) {
            let (_, node, request) = self.late.remove(at);
            self.brokers.clock = self.since_start();
            self.read_late.insert(self.brokers.clock);
            self.brokers.produce(node, &request, None);
        }
        while let Some(at) = self.flights.iter().position(|f| f.arrives <= self.now) {
            let flight = self.flights.remove(at);
            self.arrive(flight);
        }
        if timer.is_some_and(|at| at <= self.now) {
            self.machine.handle_timeout(self.now);
            let next = self.machine.poll_timeout(self.now);
            assert!(next.is_none_or(|at| at > self.now), "a timer that rings on and on");
        }
        true
    }

    pub(super) fn refresh(&mut self) {
        let answer = self.brokers.metadata(self.machine.wanted());
        self.metadata.apply(&answer);
        for topic in answer.topics.iter().filter(|topic| topic.error.is_err()) {
            self.machine.topic_refused(self.now, topic.name.as_deref().unwrap(), topic.error);
            // As the cluster does: until the topic is there.
            self.refresh_at.get_or_insert(self.now + Duration::from_millis(300));
        }
    }

    fn arrive(&mut self, flight: Flight) {
        let Flight { id, node, body, fate, .. } = flight;
        let request = match body {
            Request::InitProducerId(_) => {
                self.brokers.next_producer += 1;
                let error = self.init.err().unwrap_or_default();
                let (producer_id, producer_epoch) = (self.brokers.next_producer, 0);
                let answer =
                    InitProducerIdResponse { error, producer_id, producer_epoch, throttle_time_ms: 0 };
                self.machine.handle_response(self.now, id, Ok(Response::InitProducerId(answer)));
                return;
            }
            Request::Produce(request) => request,
            other => panic!("{other:?}"),
        };
        self.brokers.clock = self.since_start();
        let closed = || NetError::Closed { broker: "b".into() };
        let response = match fate.unwrap_or(Fate::Answer) {
            Fate::Answer if !self.brokers.nodes.contains(&node) => Err(closed()),
            Fate::Answer => Ok(self.brokers.produce(node, &request, None)),
            Fate::Refused(code) => Ok(self.brokers.produce(node, &request, Some(code))),
            Fate::Lied(code) => {
                self.brokers.produce(node, &request, None);
                Ok(self.brokers.produce(node, &request, Some(code)))
            }
            Fate::LostBefore | Fate::Late(_) => {
                if let Some(Fate::Late(by)) = fate {
                    self.late.push((self.now + by, node, request.clone()));
                }
                self.break_connection(node, false);
                Err(closed())
            }
            Fate::LostAfter => {
                self.brokers.produce(node, &request, None);
                self.break_connection(node, true);
                Err(closed())
            }
        };
        let response =
            if request.acks == 0 { response.map(|_| ProduceResponse::default()) } else { response };
        self.machine.handle_response(self.now, id, response.map(Response::Produce));
    }

    /// What is behind on the same connection is lost, too; the first of it may have been read.
    fn break_connection(&mut self, node: i32, was_read: bool) {
        let mut read = was_read;
        for flight in self.flights.iter_mut().filter(|f| f.node == node && f.fate.is_some()) {
            flight.arrives = self.now;
            read &= flight.id % 2 == 0;
            flight.fate = Some(if read { Fate::LostAfter } else { Fate::LostBefore });
        }
    }

    pub(super) fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        let mut steps = 0;
        while self.step(end) {
            steps += 1;
            assert!(steps < 200_000, "it does not come to rest");
        }
    }

    /// Until nothing is under way, for at most five virtual minutes.
    pub(super) fn run(&mut self) {
        self.run_for(Duration::from_secs(300));
    }

    /// When and how a send was answered.
    pub(super) fn answer(&self, ticket: i32) -> Option<(Duration, &Event)> {
        let mut answers = self.events.iter().filter(|(_, event)| match event {
            Event::Answer(Answer::Sent { ticket: other, .. }) => *other == ticket,
            Event::Answer(Answer::Failed(failed)) => failed.ticket == ticket,
            _ => false,
        });
        let answer = answers.next().map(|(at, event)| (*at, event));
        assert!(answers.next().is_none(), "send {ticket} was answered twice");
        answer
    }

    /// The base offsets of a send that succeeded, by partition.
    pub(super) fn offsets(&self, ticket: i32) -> Vec<(i32, i64)> {
        match self.answer(ticket) {
            Some((_, Event::Answer(Answer::Sent { rows, .. }))) => {
                rows.iter().map(|row| (row.partition.partition, row.base_offset)).collect()
            }
            other => panic!("send {ticket}: {other:?}"),
        }
    }

    pub(super) fn failure(&self, ticket: i32) -> &crate::engine::produce::FailedSend {
        match self.answer(ticket) {
            Some((_, Event::Answer(Answer::Failed(failed)))) => failed,
            other => panic!("send {ticket}: {other:?}"),
        }
    }
}

pub(super) fn message(value: &str) -> TestRecord {
    TestRecord { timestamp: 1_700_000_000_000, value: Some(value.into()), ..TestRecord::default() }
}

pub(super) fn send(ticket: i32, topic: &str, partition: i32, values: &[&str]) -> TestSend {
    let messages = values.iter().map(|value| (partition, message(value))).collect();
    TestSend { ticket, topics: vec![(topic.to_owned(), messages)], ..TestSend::default() }
}

/// Fates for the first requests, then answers.
pub(super) fn first(fates: &[Fate]) -> Fates {
    let mut fates = std::collections::VecDeque::from(fates.to_vec());
    Box::new(move |_, _| fates.pop_front().unwrap_or(Fate::Answer))
}

/// The number under which a batch went out: epoch and base sequence; None = plain.
pub(super) fn sequence(request: &ProduceRequest) -> Option<(i64, i16, i32)> {
    let header = &request.topics[0].partitions[0].header;
    let id = i64::from_be_bytes(header[43..51].try_into().unwrap());
    let epoch = i16::from_be_bytes(header[51..53].try_into().unwrap());
    let base = i32::from_be_bytes(header[53..57].try_into().unwrap());
    (id >= 0).then_some((id, epoch, base))
}
