//! Consume, transform, produce: a program that reads numbers, writes them, and commits how far it has read with them. Whatever
//! happens to it, to its requests and to its coordinators, a reader of committed messages gets each number once, in order.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::engine::clients::producer::{
    ClusterConfig, Event, GroupMetadata, Offsets, ProduceConfig, Producer, ProducerConfig, Reason, Tag,
    TransactionConfig, Trouble,
};
use crate::engine::machine::{Machine, NetError, Outbound, Target};
use crate::engine::protocol::add_offsets_to_txn::AddOffsetsToTxnResponse;
use crate::engine::protocol::add_partitions_to_txn::{
    AddPartitionsToTxnResponse, TxnPartitionResult, TxnTopicResult,
};
use crate::engine::protocol::api_versions::{ApiVersionsResponse, Feature};
use crate::engine::protocol::find_coordinator::{FindCoordinatorResponse, FoundCoordinator, KeyType};
use crate::engine::protocol::metadata::{MetadataBroker, MetadataPartition, MetadataResponse, MetadataTopic};
use crate::engine::protocol::offset_commit::{OffsetCommitPartition, OffsetCommitTopic};
use crate::engine::protocol::produce::{ProduceResponse, ProduceResponsePartition, ProduceResponseTopic};
use crate::engine::protocol::txn_offset_commit::TxnOffsetCommitResponse;
use crate::engine::protocol::{ErrorCode, Request, Response, TopicId};
use crate::engine::testing::encode::TestRecord;
use crate::engine::testing::turns::TestSend;

use super::coordinator::{Added, Model};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const PARTITIONS: usize = 3;

/// What the program does next.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    Begin,
    /// How far it has read is looked up, when nothing is about to change that.
    Read,
    Write,
    /// A commit or an abort is awaited; None = an abort after an error.
    End {
        next: Option<u64>,
    },
    Await,
    /// It has been replaced.
    Dead(Trouble),
}

/// The program.
struct Program {
    producer: Producer,
    step: Step,
    position: u64,
    next_ticket: u64,
    group: GroupMetadata,
    /// Everything that its calls were answered, by ticket.
    answers: BTreeMap<u64, Result<(), Trouble>>,
    /// Sends that failed.
    failed: Vec<Reason>,
    is_closed: bool,
}

#[derive(Debug)]
struct Flight {
    program: usize,
    tag: Tag,
    node: i32,
    body: Request,
    /// When the broker reads it, and when the answer is there; None = never.
    read_at: Option<Duration>,
    answer_at: Duration,
    answer: Option<Result<Response, NetError>>,
}

struct World {
    start: Instant,
    now: Duration,
    rng: Rng,
    model: Model,
    programs: Vec<Program>,
    flights: Vec<Flight>,
    /// One of so many requests goes wrong; 0 = none.
    faults: u32,
    /// Requests that were sent, by name.
    asked: Vec<&'static str>,
    /// Answers that are given instead of the model's, to the first request of that name.
    scripted: Vec<(&'static str, Scripted)>,
    input: u64,
}

#[derive(Debug, Clone)]
enum Scripted {
    Code(ErrorCode),
    /// It is read, and the answer is lost.
    LostAfter,
    LostBefore,
}

fn config(patience: Duration) -> ProducerConfig {
    ProducerConfig {
        produce: ProduceConfig { retries: u32::MAX, ..ProduceConfig::default() },
        cluster: ClusterConfig {
            metadata_max_age: Duration::from_secs(300),
            allow_auto_topic_creation: true,
        },
        transaction: Some(TransactionConfig {
            transactional_id: "x".into(),
            transaction_timeout: Duration::from_secs(60),
            patience,
        }),
    }
}

impl World {
    #[expect(clippy::disallowed_methods, reason = "where virtual time begins")]
    fn new(is_v2: bool, seed: u64) -> World {
        let mut world = World {
            start: Instant::now(),
            now: Duration::ZERO,
            rng: Rng::with_seed(seed),
            model: Model::new(PARTITIONS, is_v2),
            programs: Vec::new(),
            flights: Vec::new(),
            faults: 0,
            asked: Vec::new(),
            scripted: Vec::new(),
            input: 0,
        };
        world.begin_program();
        world
    }

    fn begin_program(&mut self) {
        let seed = self.rng.u64(..);
        self.programs.push(Program {
            producer: Producer::new(config(60 * SECOND), seed),
            step: Step::Await,
            position: 0,
            next_ticket: 0,
            group: GroupMetadata::of_group("g"),
            answers: BTreeMap::new(),
            failed: Vec::new(),
            is_closed: false,
        });
    }

    fn at(&self) -> Instant {
        self.start + self.now
    }

    fn program(&mut self) -> &mut Program {
        self.programs.last_mut().unwrap()
    }

    // ---- what the program calls

    fn call(&mut self, call: impl FnOnce(&mut Producer, Instant, u64)) -> u64 {
        let at = self.at();
        let program = self.program();
        program.next_ticket += 1;
        let ticket = program.next_ticket;
        call(&mut program.producer, at, ticket);
        self.turn();
        ticket
    }

    fn begin(&mut self) -> u64 {
        self.call(Producer::begin_transaction)
    }

    fn commit(&mut self) -> u64 {
        self.call(Producer::commit_transaction)
    }

    fn abort(&mut self) -> u64 {
        self.call(Producer::abort_transaction)
    }

    fn send(&mut self, value: u64) {
        let at = self.at();
        self.program().send(at, &[value]);
        self.turn();
    }

    fn send_offsets(&mut self, next: i64) -> u64 {
        let offsets = offsets(self.program().group.clone(), next);
        self.call(|producer, now, ticket| producer.send_offsets(now, ticket, offsets))
    }

    fn answer(&mut self, ticket: u64) -> Option<Result<(), Trouble>> {
        self.program().answers.get(&ticket).cloned()
    }

    fn is_done(&mut self, ticket: u64) -> bool {
        self.answer(ticket) == Some(Ok(()))
    }

    // ---- time

    fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let timers = self.programs.iter().filter_map(|program| program.producer.poll_timeout(self.at()));
            let timers = timers.map(|at| at.saturating_duration_since(self.start));
            let timer = timers.min();
            let flights = self.flights.iter().flat_map(|flight| [flight.read_at, Some(flight.answer_at)]);
            // The cluster's own time passes in steps.
            let next = timer.into_iter().chain(flights.flatten()).filter(|at| *at > self.now).min();
            let next = next.unwrap_or(end).min(self.now + 5 * MS).min(end);
            self.now = next;
            self.model.pass(self.now);
            let at = self.at();
            let has_happened = self.land() || timer.is_some_and(|at| at <= self.now);
            for program in &mut self.programs {
                if program.producer.poll_timeout(at).is_some_and(|due| due <= at) {
                    program.producer.handle_timeout(at);
                }
            }
            // A driver sleeps until something happens.
            if has_happened {
                self.turn();
            }
            if self.now >= end {
                return;
            }
        }
    }

    /// Returns whether an answer has come.
    fn land(&mut self) -> bool {
        let mut flights = std::mem::take(&mut self.flights);
        flights.sort_by_key(|flight| flight.read_at);
        for flight in &mut flights {
            if flight.read_at.is_some_and(|at| at <= self.now) {
                flight.read_at = None;
                let answer = self.read(flight.node, &flight.body);
                flight.answer.get_or_insert(Ok(answer));
            }
        }
        let (landed, left): (Vec<_>, Vec<_>) =
            flights.into_iter().partition(|flight| flight.read_at.is_none() && flight.answer_at <= self.now);
        self.flights = left;
        let has_landed = !landed.is_empty();
        for Flight { program, tag, answer, .. } in landed {
            let at = self.at();
            let lost = || Err(NetError::Closed { broker: "h:1".to_owned() });
            self.programs[program].producer.handle_response(at, tag, answer.unwrap_or_else(lost));
        }
        has_landed
    }

    /// All that needs no time.
    fn turn(&mut self) {
        let at = self.at();
        for index in 0..self.programs.len() {
            loop {
                let mut is_idle = true;
                while let Some(outbound) = self.programs[index].producer.poll_request(at, ()) {
                    is_idle = false;
                    self.launch(index, outbound);
                }
                while let Some(event) = self.programs[index].producer.poll_event() {
                    is_idle = false;
                    self.programs[index].heard(event);
                }
                if is_idle {
                    break;
                }
            }
        }
    }

    fn launch(&mut self, program: usize, Outbound { id, to, body, .. }: Outbound<Tag>) {
        let node = match to {
            Target::Node(node, _) => node,
            Target::Any | Target::AnyOther => 0,
        };
        let name = body.key().name();
        self.asked.push(name);
        let latency = MS * self.rng.u32(1..8);
        let (mut read_at, answer_at) = (Some(self.now + latency / 2), self.now + latency);
        let mut answer = None;
        let lost = Err(NetError::Closed { broker: "h:1".to_owned() });
        let scripted = self.scripted.iter().position(|(of, _)| *of == name);
        match scripted.map(|at| self.scripted.remove(at).1) {
            Some(Scripted::Code(code)) => {
                read_at = None;
                answer = Some(Ok(refusal(&body, code)));
            }
            Some(Scripted::LostAfter) => answer = Some(lost),
            Some(Scripted::LostBefore) => {
                read_at = None;
                answer = Some(lost);
            }
            None if self.faults > 0 && self.rng.u32(0..self.faults) == 0 => match self.rng.u32(0..3) {
                0 => answer = Some(lost),
                1 => {
                    read_at = None;
                    answer = Some(lost);
                }
                _ => {
                    let codes = [
                        ErrorCode::COORDINATOR_LOAD_IN_PROGRESS,
                        ErrorCode::NOT_COORDINATOR,
                        ErrorCode::COORDINATOR_NOT_AVAILABLE,
                        ErrorCode::CONCURRENT_TRANSACTIONS,
                        ErrorCode::TRANSACTION_ABORTABLE,
                    ];
                    read_at = None;
                    answer = Some(Ok(refusal(&body, codes[self.rng.usize(0..codes.len())])));
                }
            },
            None => {}
        }
        self.flights.push(Flight { program, tag: id, node, body, read_at, answer_at, answer });
    }

    /// What the broker does with a request.
    fn read(&mut self, node: i32, body: &Request) -> Response {
        let model = &mut self.model;
        let is_coordinator = node == model.transaction_coordinator;
        match body {
            Request::Metadata(_) => metadata(model),
            Request::FindCoordinator(request) => {
                let node_id = match request.key_type {
                    KeyType::Group => model.group_coordinator,
                    KeyType::Transaction => model.transaction_coordinator,
                };
                let found = |key: &String| FoundCoordinator {
                    key: key.clone(),
                    node_id,
                    host: "h".to_owned(),
                    port: 1,
                    ..FoundCoordinator::default()
                };
                let coordinators = request.keys.iter().map(found).collect();
                Response::FindCoordinator(FindCoordinatorResponse { coordinators, throttle_time_ms: 0 })
            }
            Request::ApiVersions(_) => Response::ApiVersions(ApiVersionsResponse {
                finalized_features: vec![Feature {
                    name: "transaction.version".to_owned(),
                    min: 0,
                    max: if model.is_v2 { 2 } else { 1 },
                }],
                ..ApiVersionsResponse::default()
            }),
            Request::InitProducerId(_)
            | Request::AddPartitionsToTxn(_)
            | Request::AddOffsetsToTxn(_)
            | Request::EndTxn(_)
                if !is_coordinator =>
            {
                refusal(body, ErrorCode::NOT_COORDINATOR)
            }
            Request::InitProducerId(request) => Response::InitProducerId(model.init(request)),
            Request::AddPartitionsToTxn(request) => {
                let (name, id, epoch) =
                    (&request.transactional_id, request.producer_id, request.producer_epoch);
                let topics = request.topics.iter().map(|topic| {
                    let partitions = topic.partitions.iter().map(|partition| {
                        let added = Added::Partition(usize::try_from(*partition).unwrap());
                        let error = model.add(name, id, epoch, &added);
                        TxnPartitionResult { partition: *partition, error }
                    });
                    TxnTopicResult { name: topic.name.clone(), partitions: partitions.collect() }
                });
                Response::AddPartitionsToTxn(AddPartitionsToTxnResponse {
                    topics: topics.collect(),
                    throttle_time_ms: 0,
                })
            }
            Request::AddOffsetsToTxn(request) => {
                let (name, id, epoch) =
                    (&request.transactional_id, request.producer_id, request.producer_epoch);
                let error = model.add(name, id, epoch, &Added::Group(request.group_id.clone()));
                Response::AddOffsetsToTxn(AddOffsetsToTxnResponse { error, throttle_time_ms: 0 })
            }
            Request::EndTxn(request) => Response::EndTxn(model.end(request)),
            Request::TxnOffsetCommit(request) => {
                let error = match node == model.group_coordinator {
                    true => model.commit_offsets(request),
                    false => ErrorCode::NOT_COORDINATOR,
                };
                refusal(body, error)
            }
            Request::Produce(request) => {
                let topics = request.topics.iter().map(|topic| {
                    let partitions = topic.partitions.iter().map(|out| {
                        let partition = usize::try_from(out.partition).unwrap();
                        let mut row =
                            ProduceResponsePartition { partition: out.partition, ..Default::default() };
                        let batch = [&out.header[..], &out.records].concat();
                        let name = request.transactional_id.as_deref().unwrap();
                        let result = match model.leaders[partition] == node {
                            true => model.append(name, request.transactions_v1, partition, batch),
                            false => Err(ErrorCode::NOT_LEADER_OR_FOLLOWER),
                        };
                        match result {
                            Ok(offset) => row.base_offset = offset,
                            Err(code) => row.error = code,
                        }
                        row
                    });
                    let (name, topic_id) = (topic.name.clone(), topic.topic_id);
                    ProduceResponseTopic { name, topic_id, partitions: partitions.collect() }
                });
                Response::Produce(ProduceResponse { topics: topics.collect(), ..Default::default() })
            }
            other => panic!("nobody asked for {other:?}"),
        }
    }

    // ---- the program, by itself

    /// Lets every program do what it can.
    fn go_on(&mut self) {
        for index in 0..self.programs.len() {
            let input = self.input;
            let stable = self.model.offset("g");
            let commits = self.rng.u32(0..5) > 0;
            let count = self.rng.u64(1..4);
            let at = self.at();
            let program = &mut self.programs[index];
            program.go_on(at, stable, input, count, commits);
        }
        self.turn();
    }

    fn misfortune(&mut self) {
        let node = self.rng.i32(0..3);
        match self.rng.u32(0..8) {
            0 => self.model.transaction_coordinator = node,
            1 => self.model.group_coordinator = node,
            2 | 3 => {
                let partition = self.rng.usize(0..PARTITIONS);
                self.model.leaders[partition] = node;
            }
            // kill -9: what it has sent may still arrive.
            4 => {
                let program = self.programs.len() - 1;
                self.programs[program].step = Step::Dead(Trouble::Misplaced);
                self.begin_program();
                self.program().step = Step::Begin;
            }
            // Another one with its name, while it goes on.
            5 => {
                self.begin_program();
                self.program().step = Step::Begin;
            }
            _ => self.faults = [0, 3, 10, 30][self.rng.usize(0..4)],
        }
    }
}

impl Program {
    fn heard(&mut self, event: Event) {
        match event {
            Event::Transacted { ticket, result } => drop(self.answers.insert(ticket, result)),
            Event::Failed(failed) => self.failed.push(failed.failed[0].reason.clone()),
            Event::Closed => self.is_closed = true,
            _ => {}
        }
    }

    fn send(&mut self, at: Instant, values: &[u64]) {
        self.next_ticket += 1;
        let record = |value: &u64| {
            let partition = i32::try_from(value % PARTITIONS as u64).unwrap();
            (partition, TestRecord { value: Some(value.to_string().into_bytes()), ..TestRecord::default() })
        };
        let topics = vec![("t".to_owned(), values.iter().map(record).collect())];
        let ticket = i32::try_from(self.next_ticket).unwrap();
        let turn = TestSend { ticket, topics, ..TestSend::default() }.encode();
        assert_eq!(self.producer.submit(at, &turn).unwrap().sends, 1);
    }

    fn ticket(&mut self) -> u64 {
        self.next_ticket += 1;
        self.next_ticket
    }

    fn go_on(&mut self, at: Instant, stable: Option<i64>, input: u64, count: u64, commits: bool) {
        // A call is awaited: its ticket is the last one.
        let answer = self.answers.get(&self.next_ticket).cloned();
        match (self.step.clone(), answer) {
            (Step::Begin, _) => {
                let ticket = self.ticket();
                self.producer.begin_transaction(at, ticket);
                self.step = Step::Read;
            }
            // Only now: the transaction of the one before has ended.
            (Step::Read, Some(Ok(()))) => {
                if let Some(stable) = stable {
                    self.position = u64::try_from(stable).unwrap();
                    self.step = Step::Write;
                }
            }
            (Step::Write, _) if self.position < input => {
                let next = (self.position + count).min(input);
                let values: Vec<u64> = (self.position..next).collect();
                self.send(at, &values);
                let ticket = self.ticket();
                let offset = i64::try_from(next).unwrap();
                self.producer.send_offsets(at, ticket, offsets(self.group.clone(), offset));
                let ticket = self.ticket();
                match commits {
                    true => self.producer.commit_transaction(at, ticket),
                    false => self.producer.abort_transaction(at, ticket),
                }
                self.step = Step::End { next: commits.then_some(next) };
            }
            (Step::End { .. }, Some(Ok(()))) => {
                let ticket = self.ticket();
                self.producer.begin_transaction(at, ticket);
                self.step = Step::Read;
            }
            (Step::End { next: Some(_) }, Some(Err(Trouble::Doomed(_)))) => {
                let ticket = self.ticket();
                self.producer.abort_transaction(at, ticket);
                self.step = Step::End { next: None };
            }
            (Step::Read | Step::End { .. }, Some(Err(trouble))) => self.step = Step::Dead(trouble),
            _ => {}
        }
    }
}

fn offsets(group: GroupMetadata, offset: i64) -> Offsets {
    let partitions = vec![OffsetCommitPartition { partition: 0, offset, leader_epoch: -1, metadata: None }];
    Offsets {
        group,
        topics: vec![OffsetCommitTopic { name: "in".to_owned(), partitions, ..Default::default() }],
    }
}

fn metadata(model: &Model) -> Response {
    let partition = |(n, leader): (usize, &i32)| MetadataPartition {
        partition: i32::try_from(n).unwrap(),
        leader: *leader,
        ..MetadataPartition::default()
    };
    let topic = MetadataTopic {
        name: Some("t".to_owned()),
        topic_id: TopicId([1; 16]),
        partitions: model.leaders.iter().enumerate().map(partition).collect(),
        ..MetadataTopic::default()
    };
    let broker = |node_id| MetadataBroker { node_id, host: "h".to_owned(), port: 1, rack: None };
    Response::Metadata(MetadataResponse {
        brokers: (0..3).map(broker).collect(),
        topics: vec![topic],
        ..MetadataResponse::default()
    })
}

/// An answer that says this of everything that was asked.
fn refusal(body: &Request, error: ErrorCode) -> Response {
    match body {
        Request::InitProducerId(_) => {
            Response::InitProducerId(crate::engine::protocol::init_producer_id::InitProducerIdResponse {
                error,
                ..Default::default()
            })
        }
        Request::AddPartitionsToTxn(request) => {
            let topics = request.topics.iter().map(|topic| TxnTopicResult {
                name: topic.name.clone(),
                partitions: topic
                    .partitions
                    .iter()
                    .map(|partition| TxnPartitionResult { partition: *partition, error })
                    .collect(),
            });
            Response::AddPartitionsToTxn(AddPartitionsToTxnResponse {
                topics: topics.collect(),
                throttle_time_ms: 0,
            })
        }
        Request::AddOffsetsToTxn(_) => {
            Response::AddOffsetsToTxn(AddOffsetsToTxnResponse { error, throttle_time_ms: 0 })
        }
        Request::EndTxn(_) => Response::EndTxn(crate::engine::protocol::end_txn::EndTxnResponse {
            error,
            producer_id: -1,
            producer_epoch: -1,
            ..Default::default()
        }),
        Request::TxnOffsetCommit(request) => {
            let topics = request.topics.iter().map(|topic| TxnTopicResult {
                name: topic.name.clone(),
                partitions: topic
                    .partitions
                    .iter()
                    .map(|row| TxnPartitionResult { partition: row.partition, error })
                    .collect(),
            });
            Response::TxnOffsetCommit(TxnOffsetCommitResponse {
                topics: topics.collect(),
                throttle_time_ms: 0,
            })
        }
        Request::Produce(request) => {
            let topics = request.topics.iter().map(|topic| ProduceResponseTopic {
                name: topic.name.clone(),
                topic_id: topic.topic_id,
                partitions: topic
                    .partitions
                    .iter()
                    .map(|out| ProduceResponsePartition {
                        partition: out.partition,
                        error,
                        ..Default::default()
                    })
                    .collect(),
            });
            Response::Produce(ProduceResponse { topics: topics.collect(), ..Default::default() })
        }
        Request::FindCoordinator(request) => {
            let coordinators = request
                .keys
                .iter()
                .map(|key| FoundCoordinator {
                    key: key.clone(),
                    error: ErrorCode::COORDINATOR_NOT_AVAILABLE,
                    ..Default::default()
                })
                .collect();
            Response::FindCoordinator(FindCoordinatorResponse { coordinators, throttle_time_ms: 0 })
        }
        Request::ApiVersions(_) => {
            Response::ApiVersions(ApiVersionsResponse { error, ..ApiVersionsResponse::default() })
        }
        _ => Response::Metadata(MetadataResponse { error, ..MetadataResponse::default() }),
    }
}

fn all_committed(world: &World) -> Vec<u64> {
    let mut all: Vec<u64> = (0..PARTITIONS).flat_map(|partition| world.model.committed(partition)).collect();
    all.sort_unstable();
    all
}

fn broker(code: ErrorCode) -> Reason {
    Reason::Broker { code, message: None }
}

/// Both protocols.
fn both(test: impl Fn(World)) {
    for is_v2 in [false, true] {
        test(World::new(is_v2, 7));
    }
}

#[test]
fn messages_and_offsets_of_a_transaction_count_when_it_is_committed() {
    both(|mut world| {
        let begun = world.begin();
        world.run_for(SECOND);
        assert!(world.is_done(begun));
        world.send(0);
        world.send(1);
        let sent = world.send_offsets(2);
        world.run_for(SECOND);
        assert!(world.is_done(sent));
        assert_eq!((all_committed(&world), world.model.offset("g")), (vec![], None));
        let committed = world.commit();
        world.run_for(SECOND);
        assert!(world.is_done(committed));
        assert_eq!((all_committed(&world), world.model.offset("g")), (vec![0, 1], Some(2)));
        let asks = |name| world.asked.iter().filter(|asked| **asked == name).count();
        let of_v1 = usize::from(!world.model.is_v2);
        assert_eq!((asks("EndTxn"), asks("AddOffsetsToTxn"), asks("InitProducerId")), (1, of_v1, 1));
        assert!(asks("AddPartitionsToTxn") <= 2 * of_v1, "{:?}", world.asked);
    });
}

#[test]
fn a_commit_waits_for_what_was_sent_before() {
    both(|mut world| {
        world.begin();
        world.run_for(SECOND);
        world.send(0);
        world.send_offsets(1);
        let committed = world.commit();
        world.run_for(SECOND);
        assert!(world.is_done(committed));
        assert_eq!((all_committed(&world), world.model.offset("g")), (vec![0], Some(1)));
    });
}

#[test]
fn nothing_of_an_aborted_transaction_counts_and_the_next_one_goes_on() {
    both(|mut world| {
        for round in 0..3 {
            world.begin();
            world.run_for(SECOND);
            world.send(round);
            world.send_offsets(9);
            world.run_for(if round == 0 { MS } else { SECOND });
            let aborted = world.abort();
            world.run_for(SECOND);
            assert!(world.is_done(aborted));
        }
        assert_eq!((all_committed(&world), world.model.offset("g")), (vec![], Some(0)));
        world.begin();
        world.run_for(SECOND);
        world.send(5);
        let committed = world.commit();
        world.run_for(SECOND);
        assert!(world.is_done(committed));
        assert_eq!(all_committed(&world), [5]);
    });
}

#[test]
fn an_empty_transaction_is_nobodys_business() {
    both(|mut world| {
        for round in 0..2 {
            let begun = world.begin();
            world.run_for(SECOND);
            let ended = if round == 0 { world.commit() } else { world.abort() };
            world.run_for(SECOND);
            assert!(world.is_done(begun) && world.is_done(ended));
        }
        assert!(!world.asked.contains(&"EndTxn"));
    });
}

#[test]
fn a_second_begin_and_an_end_without_a_beginning_are_misplaced() {
    both(|mut world| {
        let ended = world.commit();
        assert_eq!(world.answer(ended), Some(Err(Trouble::Misplaced)));
        world.begin();
        let again = world.begin();
        world.run_for(SECOND);
        assert_eq!(world.answer(again), Some(Err(Trouble::Misplaced)));
        let again = world.begin();
        world.run_for(SECOND);
        assert_eq!(world.answer(again), Some(Err(Trouble::Misplaced)));
    });
}

#[test]
fn an_end_is_asked_for_until_it_is_answered() {
    let misfortunes = [
        Scripted::LostAfter,
        Scripted::LostBefore,
        Scripted::Code(ErrorCode::CONCURRENT_TRANSACTIONS),
        Scripted::Code(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS),
        Scripted::Code(ErrorCode::NOT_COORDINATOR),
        Scripted::Code(ErrorCode::COORDINATOR_NOT_AVAILABLE),
    ];
    for misfortune in misfortunes {
        both(|mut world| {
            world.begin();
            world.run_for(SECOND);
            world.send(0);
            world.send_offsets(1);
            world.run_for(SECOND);
            world.scripted = vec![("EndTxn", misfortune.clone()), ("EndTxn", misfortune.clone())];
            world.model.transaction_coordinator = 2;
            let committed = world.commit();
            world.run_for(5 * SECOND);
            assert!(world.is_done(committed), "{misfortune:?}");
            assert_eq!((all_committed(&world), world.model.offset("g")), (vec![0], Some(1)));
            world.begin();
            world.run_for(SECOND);
            world.send(1);
            let committed = world.commit();
            world.run_for(SECOND);
            assert!(world.is_done(committed), "{misfortune:?}");
        });
    }
}

#[test]
fn what_is_lost_on_the_way_into_a_transaction_is_repeated() {
    for api in ["InitProducerId", "AddPartitionsToTxn", "AddOffsetsToTxn", "TxnOffsetCommit", "Produce"] {
        for misfortune in [Scripted::LostAfter, Scripted::LostBefore] {
            both(|mut world| {
                world.scripted = vec![(api, misfortune.clone()), (api, misfortune.clone())];
                world.begin();
                world.run_for(5 * SECOND);
                world.send(0);
                world.send_offsets(1);
                let committed = world.commit();
                world.run_for(5 * SECOND);
                assert!(world.is_done(committed), "{api} {misfortune:?}");
                assert_eq!((all_committed(&world), world.model.offset("g")), (vec![0], Some(1)));
            });
        }
    }
}

#[test]
fn after_an_error_a_transaction_can_only_be_aborted_and_then_all_is_well() {
    let refusals = [
        ("Produce", ErrorCode::TRANSACTION_ABORTABLE),
        ("Produce", ErrorCode::TOPIC_AUTHORIZATION_FAILED),
        ("Produce", ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER),
        ("Produce", ErrorCode::UNKNOWN_PRODUCER_ID),
        ("Produce", ErrorCode::INVALID_PRODUCER_EPOCH),
        ("TxnOffsetCommit", ErrorCode::ILLEGAL_GENERATION),
        ("TxnOffsetCommit", ErrorCode::UNKNOWN_MEMBER_ID),
        ("TxnOffsetCommit", ErrorCode::GROUP_AUTHORIZATION_FAILED),
        ("AddPartitionsToTxn", ErrorCode::TOPIC_AUTHORIZATION_FAILED),
        ("AddOffsetsToTxn", ErrorCode::GROUP_AUTHORIZATION_FAILED),
    ];
    for (api, code) in refusals {
        both(|mut world| {
            if world.model.is_v2 && api.starts_with("Add") {
                return;
            }
            world.begin();
            world.run_for(SECOND);
            world.send(7);
            let sent = world.send_offsets(1);
            world.run_for(SECOND);
            assert!(world.is_done(sent));
            // Of another partition and another group, so that each of them is asked.
            world.scripted = vec![(api, Scripted::Code(code))];
            world.program().group = GroupMetadata::of_group("other");
            world.send(8);
            let sent = world.send_offsets(1);
            world.run_for(SECOND);
            assert!(world.scripted.is_empty(), "{api}");
            let doomed = Some(Err(Trouble::Doomed(broker(code))));
            let is_of_message = api == "Produce" || api == "AddPartitionsToTxn";
            assert!(is_of_message || world.answer(sent) == doomed, "{api} {code:?}");
            assert_eq!(world.program().failed.contains(&broker(code)), is_of_message, "{api} {code:?}");
            let committed = world.commit();
            assert_eq!(world.answer(committed), doomed, "{api}");
            world.send(9);
            assert_eq!(world.program().failed.last(), Some(&broker(code)), "nothing is sent any more");
            let aborted = world.abort();
            world.run_for(SECOND);
            assert!(world.is_done(aborted), "{api} {code:?}");
            world.begin();
            world.run_for(SECOND);
            world.send(1);
            world.send_offsets(2);
            let committed = world.commit();
            world.run_for(SECOND);
            assert!(world.is_done(committed), "{api} {code:?}");
            assert_eq!(all_committed(&world), [1]);
        });
    }
}

#[test]
fn a_producer_that_was_replaced_is_refused_for_good() {
    both(|mut world| {
        world.begin();
        world.run_for(SECOND);
        world.send(0);
        world.run_for(SECOND);
        world.begin_program();
        let begun = world.begin();
        world.run_for(SECOND);
        assert!(world.is_done(begun), "the new one has aborted the old one's transaction");
        world.send(1);
        let committed = world.commit();
        world.run_for(SECOND);
        assert!(world.is_done(committed));

        let new = world.programs.pop().unwrap();
        world.send(2);
        let committed = world.commit();
        world.run_for(SECOND);
        let fenced = |answer: Option<Result<(), Trouble>>| match answer {
            Some(Err(Trouble::Doomed(Reason::Broker { code, .. }))) => {
                code == ErrorCode::INVALID_PRODUCER_EPOCH
            }
            Some(Err(Trouble::Fatal(Reason::Broker { code, .. }))) => code == ErrorCode::PRODUCER_FENCED,
            _ => false,
        };
        let answer = world.answer(committed);
        assert!(fenced(answer.clone()), "{answer:?}");
        let aborted = world.abort();
        world.run_for(SECOND);
        assert_eq!(world.answer(aborted), Some(Err(Trouble::Fatal(broker(ErrorCode::PRODUCER_FENCED)))));
        let begun = world.begin();
        assert_eq!(world.answer(begun), Some(Err(Trouble::Fatal(broker(ErrorCode::PRODUCER_FENCED)))));

        world.programs.push(new);
        let begun = world.begin();
        world.run_for(SECOND);
        assert!(world.is_done(begun), "and the new one does not notice");
        assert_eq!(all_committed(&world), [1]);
    });
}

#[test]
fn a_member_of_an_older_generation_does_not_commit() {
    both(|mut world| {
        world.model.generation = 5;
        let group =
            GroupMetadata { generation_id: 4, member_id: "m".to_owned(), ..GroupMetadata::of_group("g") };
        world.program().group = group;
        world.begin();
        world.run_for(SECOND);
        world.send(0);
        let sent = world.send_offsets(1);
        let committed = world.commit();
        world.run_for(SECOND);
        let doomed = Some(Err(Trouble::Doomed(broker(ErrorCode::ILLEGAL_GENERATION))));
        assert_eq!((world.answer(sent), world.answer(committed)), (doomed.clone(), doomed));
    });
}

#[test]
fn patience_ends_and_the_end_is_found_out_before_the_next_transaction() {
    both(|mut world| {
        world.begin();
        world.run_for(SECOND);
        world.send(0);
        world.run_for(SECOND);
        world.model.transaction_timeout = 3600 * SECOND;
        world.scripted = vec![("EndTxn", Scripted::LostAfter); 1000];
        let committed = world.commit();
        world.run_for(61 * SECOND);
        assert!(matches!(world.answer(committed), Some(Err(Trouble::Unanswered(Reason::Net(_))))));
        let begun = world.begin();
        world.run_for(SECOND);
        assert_eq!(world.answer(begun), None);
        world.scripted.clear();
        world.run_for(5 * SECOND);
        assert!(world.is_done(begun));
        world.send(1);
        let committed = world.commit();
        world.run_for(SECOND);
        assert!(world.is_done(committed));
        assert_eq!(all_committed(&world), [0, 1]);
    });
}

#[test]
fn a_beginning_that_is_not_answered_can_be_repeated() {
    both(|mut world| {
        world.scripted = vec![("InitProducerId", Scripted::LostBefore); 1000];
        let begun = world.begin();
        world.run_for(61 * SECOND);
        assert!(matches!(world.answer(begun), Some(Err(Trouble::Unanswered(_)))));
        world.scripted.clear();
        let begun = world.begin();
        world.run_for(5 * SECOND);
        assert!(world.is_done(begun));
    });
}

#[test]
fn a_transaction_that_takes_too_long_is_aborted_by_its_coordinator_and_its_producer_told() {
    both(|mut world| {
        world.begin();
        world.run_for(SECOND);
        world.send(0);
        world.run_for(62 * SECOND);
        let committed = world.commit();
        world.run_for(SECOND);
        let fenced = broker(ErrorCode::PRODUCER_FENCED);
        assert_eq!(world.answer(committed), Some(Err(Trouble::Fatal(fenced))));
        assert_eq!(all_committed(&world), []);
    });
}

#[test]
fn closing_aborts_what_is_open() {
    both(|mut world| {
        world.begin();
        world.run_for(SECOND);
        world.send(0);
        world.run_for(SECOND);
        let at = world.at();
        world.program().producer.close(at, SECOND);
        world.turn();
        world.run_for(SECOND / 2);
        assert!(world.program().is_closed);
        world.run_for(SECOND);
        assert!(!world.model.is_open(), "readers do not wait for it");
        assert_eq!(all_committed(&world), []);
    });
}

#[test]
fn closing_ends_in_time_when_no_coordinator_answers() {
    both(|mut world| {
        world.begin();
        world.run_for(SECOND);
        world.send(0);
        world.run_for(SECOND);
        world.scripted = vec![("EndTxn", Scripted::LostBefore); 1000];
        let at = world.at();
        world.program().producer.close(at, SECOND);
        world.turn();
        world.run_for(SECOND * 9 / 10);
        assert!(!world.program().is_closed);
        world.run_for(SECOND / 5);
        assert!(world.program().is_closed);
    });
}

/// Anything may happen; a calm afterwards lets the last program come to the end of its input.
#[test]
fn storms() {
    for seed in 0..60 {
        let mut world = World::new(seed % 2 == 1, seed);
        world.model.transaction_timeout = 20 * SECOND;
        world.program().step = Step::Begin;
        for _ in 0..120 {
            if world.rng.u32(0..12) == 0 {
                world.misfortune();
            }
            world.input += world.rng.u64(0..3);
            world.go_on();
            let time = MS * world.rng.u32(1..100);
            world.run_for(time);
        }
        world.faults = 0;
        let mut restarts = 0;
        for _ in 0..4000 {
            if matches!(world.program().step, Step::Dead(_)) {
                restarts += 1;
                world.begin_program();
                world.program().step = Step::Begin;
            }
            world.go_on();
            world.run_for(50 * MS);
            if world.program().step == Step::Write && world.model.offset("g") == Some(world.input as i64) {
                break;
            }
        }
        let step = world.program().step.clone();
        let input = world.input;
        assert_eq!(world.model.offset("g"), Some(input as i64), "seed {seed}, {restarts} restarts, {step:?}");
        assert_eq!(all_committed(&world), (0..input).collect::<Vec<u64>>(), "seed {seed}");
        for partition in 0..PARTITIONS {
            assert!(world.model.committed(partition).is_sorted(), "seed {seed}");
        }
        assert!(!world.model.is_open(), "seed {seed}");
    }
}
