//! Programs, their requests on the way, and the time.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::engine::clients::producer::{
    ClusterConfig, GroupMetadata, ProduceConfig, Producer, ProducerConfig, Tag, TransactionConfig, Trouble,
};
use crate::engine::machine::{Machine, NetError, Outbound, Target};
use crate::engine::protocol::{ErrorCode, Request, Response};

use super::broker::refusal;
use super::model::Model;
use super::program::{Program, Step, offsets};
use super::{MS, PARTITIONS, SECOND};

#[derive(Debug)]
pub(super) struct Flight {
    pub(super) program: usize,
    pub(super) tag: Tag,
    pub(super) node: i32,
    pub(super) body: Request,
    /// When the broker reads it, and when the answer is there; None = never.
    pub(super) read_at: Option<Duration>,
    pub(super) answer_at: Duration,
    pub(super) answer: Option<Result<Response, NetError>>,
    /// Its producer has the answer. The broker may read it later: it was in the buffers of a connection that is closed.
    pub(super) is_told: bool,
}

pub(super) struct World {
    pub(super) start: Instant,
    pub(super) now: Duration,
    pub(super) rng: Rng,
    pub(super) model: Model,
    pub(super) programs: Vec<Program>,
    pub(super) flights: Vec<Flight>,
    /// One of so many requests goes wrong; 0 = none.
    pub(super) faults: u32,
    /// Requests that were sent, by name.
    pub(super) asked: Vec<&'static str>,
    /// Answers that are given instead of the model's, to the first request of that name.
    pub(super) scripted: Vec<(&'static str, Scripted)>,
    pub(super) input: u64,
}

#[derive(Debug, Clone)]
pub(super) enum Scripted {
    Code(ErrorCode),
    /// It is read, and the answer is lost.
    LostAfter,
    LostBefore,
    /// It is taken for lost, and read so much later.
    Late(Duration),
    /// It is not sent at all.
    Unsent(NetError),
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
    pub(super) fn new(is_v2: bool, seed: u64) -> World {
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

    pub(super) fn begin_program(&mut self) {
        let seed = self.rng.u64(..);
        self.programs.push(Program {
            producer: Producer::new(config(60 * SECOND), seed),
            step: Step::Await,
            position: 0,
            next_ticket: 0,
            group: GroupMetadata::of_group("g"),
            answers: BTreeMap::new(),
            sent: BTreeMap::new(),
            failed: Vec::new(),
            is_closed: false,
        });
    }

    pub(super) fn at(&self) -> Instant {
        self.start + self.now
    }

    pub(super) fn program(&mut self) -> &mut Program {
        self.programs.last_mut().unwrap()
    }

    // ---- what the program calls

    pub(super) fn call(&mut self, call: impl FnOnce(&mut Producer, Instant, u64)) -> u64 {
        let at = self.at();
        let program = self.program();
        program.next_ticket += 1;
        let ticket = program.next_ticket;
        call(&mut program.producer, at, ticket);
        self.turn();
        ticket
    }

    pub(super) fn begin(&mut self) -> u64 {
        self.call(Producer::begin_transaction)
    }

    pub(super) fn commit(&mut self) -> u64 {
        self.call(Producer::commit_transaction)
    }

    pub(super) fn abort(&mut self) -> u64 {
        self.call(Producer::abort_transaction)
    }

    pub(super) fn send(&mut self, value: u64) {
        self.send_all(&[value]);
    }

    pub(super) fn send_all(&mut self, values: &[u64]) -> u64 {
        let at = self.at();
        let ticket = self.program().send(at, values);
        self.turn();
        ticket
    }

    pub(super) fn send_offsets(&mut self, next: i64) -> u64 {
        let offsets = offsets(self.program().group.clone(), next);
        self.call(|producer, now, ticket| producer.send_offsets(now, ticket, offsets))
    }

    pub(super) fn answer(&mut self, ticket: u64) -> Option<Result<(), Trouble>> {
        self.program().answers.get(&ticket).cloned()
    }

    pub(super) fn is_done(&mut self, ticket: u64) -> bool {
        self.answer(ticket) == Some(Ok(()))
    }

    // ---- time

    pub(super) fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let programs = self.programs.iter().filter(|program| !program.is_closed);
            let timers = programs.filter_map(|program| program.producer.poll_timeout(self.at()));
            let timers = timers.map(|at| at.saturating_duration_since(self.start));
            let timer = timers.min();
            let flights = self.flights.iter().flat_map(|flight| [flight.read_at, Some(flight.answer_at)]);
            let next = timer.into_iter().chain(flights.flatten()).chain(self.model.due());
            self.now = next.filter(|at| *at > self.now).min().unwrap_or(end).min(end);
            self.model.pass(self.now);
            let at = self.at();
            let has_happened = self.land() || timer.is_some_and(|at| at <= self.now);
            for program in self.programs.iter_mut().filter(|program| !program.is_closed) {
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
    pub(super) fn land(&mut self) -> bool {
        let mut flights = std::mem::take(&mut self.flights);
        flights.sort_by_key(|flight| flight.read_at);
        for flight in &mut flights {
            if flight.read_at.is_some_and(|at| at <= self.now) {
                flight.read_at = None;
                let answer = self.read(flight.node, &flight.body);
                flight.answer.get_or_insert(Ok(answer));
            }
        }
        let mut has_landed = false;
        for flight in &mut flights {
            let is_there = flight.answer.is_some() || flight.read_at.is_none();
            if !flight.is_told && is_there && flight.answer_at <= self.now {
                has_landed = true;
                flight.is_told = true;
                let lost = || Err(NetError::Closed { broker: "h:1".to_owned() });
                let answer = flight.answer.take().unwrap_or_else(lost);
                let at = self.at();
                self.programs[flight.program].producer.handle_response(at, flight.tag, answer);
            }
        }
        flights.retain(|flight| !flight.is_told || flight.read_at.is_some());
        self.flights = flights;
        has_landed
    }

    /// All that needs no time.
    pub(super) fn turn(&mut self) {
        let at = self.at();
        for index in 0..self.programs.len() {
            while !self.programs[index].is_closed {
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

    pub(super) fn launch(&mut self, program: usize, Outbound { id, to, body, .. }: Outbound<Tag>) {
        let node = match to {
            Target::Node(node, _) => node,
            Target::Any | Target::AnyOther | Target::AnyBut(_) => 0,
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
            Some(Scripted::Unsent(error)) => {
                read_at = None;
                answer = Some(Err(error));
            }
            Some(Scripted::Late(by)) => {
                read_at = Some(answer_at + by);
                answer = Some(lost);
            }
            None if self.faults > 0 && self.rng.u32(0..self.faults) == 0 => match self.rng.u32(0..4) {
                0 => answer = Some(lost),
                // Nobody can guard against an InitProducerId, or an offset, that is read behind the next one.
                3 if !["InitProducerId", "TxnOffsetCommit"].contains(&name) => {
                    read_at = Some(answer_at + MS * self.rng.u32(0..3000));
                    answer = Some(lost);
                }
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
                        ErrorCode::NOT_LEADER_OR_FOLLOWER,
                    ];
                    let codes = match name {
                        "Produce" => &codes[3..],
                        // By the versions that have nothing to abort.
                        "InitProducerId" => &codes[..4],
                        _ => &codes[..5],
                    };
                    read_at = None;
                    answer = Some(Ok(refusal(&body, codes[self.rng.usize(0..codes.len())])));
                }
            },
            None => {}
        }
        self.flights.push(Flight {
            program,
            tag: id,
            node,
            body,
            read_at,
            answer_at,
            answer,
            is_told: false,
        });
    }
}
