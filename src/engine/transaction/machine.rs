//! The machine's state, what its owner wants of it, and its side of the contract.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::engine::machine::CoordinatorKey;
use crate::engine::machine::Log;
use crate::engine::machine::LogLevel;
use crate::engine::machine::Machine;
use crate::engine::machine::NetError;
use crate::engine::machine::Outbound;
use crate::engine::machine::RequestState;
use crate::engine::machine::TopicPartition;
use crate::engine::produce::ProducerId;
use crate::engine::produce::Reason;
use crate::engine::protocol::Response;

use super::requests::Asked;
use super::state::{Ending, Membership, OffsetsCall, Open, Protocol, Started, State};
use super::{Event, Offsets, TransactionConfig, Trouble, View};

/// See the module's documentation.
#[derive(Debug)]
pub struct Transaction {
    pub(super) config: TransactionConfig,
    pub(super) rng: Rng,
    pub(super) key: CoordinatorKey,
    pub(super) state: State,
    /// The last id and epoch that the coordinator gave.
    pub(super) producer: Option<ProducerId>,
    /// What the coordinator speaks; None = it is to be asked.
    pub(super) protocol: Option<Protocol>,
    /// When it said so; None = it may be another coordinator by now.
    pub(super) told: Option<Instant>,
    /// To the transaction's coordinator.
    pub(super) request: RequestState<Asked>,
    /// TxnOffsetCommit, to the coordinator of the first call's group. What is remembered is the call.
    pub(super) commit: RequestState<u64>,
    /// Why the last attempts failed.
    pub(super) last_failure: Option<Reason>,
    /// A `begin` that waits for the end of a transaction whose end is not known yet.
    next: Option<(u64, Instant)>,
    /// The coordinators that are being looked for.
    pub(super) looked_for: BTreeSet<CoordinatorKey>,
    is_closing: bool,
    pub(super) next_id: u64,
    pub(super) events: VecDeque<Event>,
}

impl Transaction {
    /// A producer that nobody knows yet.
    pub fn new(config: TransactionConfig, seed: u64) -> Transaction {
        Transaction {
            key: CoordinatorKey::transaction(&config.transactional_id),
            config,
            rng: Rng::with_seed(seed),
            state: State::Uninitialized,
            producer: None,
            protocol: None,
            told: None,
            request: RequestState::default(),
            commit: RequestState::default(),
            last_failure: None,
            next: None,
            looked_for: BTreeSet::new(),
            is_closing: false,
            next_id: 0,
            events: VecDeque::new(),
        }
    }

    /// Begins a transaction. The first one makes the producer known, which ends the transaction of the last producer of this name.
    pub fn begin(&mut self, now: Instant, ticket: u64) {
        let until = now + self.config.patience;
        match &self.state {
            _ if self.is_closing => self.answer(ticket, Err(Trouble::Fatal(Reason::Stopped))),
            State::Fatal(reason) => {
                let reason = reason.clone();
                self.answer(ticket, Err(Trouble::Fatal(reason)));
            }
            State::Uninitialized => {
                self.look_anew(now);
                self.transition(State::Initializing { ticket, until, known: None });
            }
            State::Ready => match self.look_anew(now) {
                None => self.open(ticket),
                known => self.transition(State::Initializing { ticket, until, known }),
            },
            State::Ending(Ending { ticket: None, .. }) if self.next.is_none() => {
                self.next = Some((ticket, until));
            }
            State::Initializing { .. } | State::Open(_) | State::Doomed(..) | State::Ending(_) => {
                self.answer(ticket, Err(Trouble::Misplaced));
            }
        }
    }

    /// There are messages for these partitions. Those that may be written come back in [`Event::Joined`], each once per transaction.
    pub fn join(&mut self, partitions: Vec<TopicPartition>) {
        let Some(open) = self.state.growing() else { return };
        let mut joined = Vec::new();
        for partition in partitions {
            let place = match open.protocol {
                Protocol::V1 => Membership::Wanted,
                Protocol::V2 => {
                    open.started = Started::Yes;
                    joined.push(partition.clone());
                    Membership::In
                }
            };
            open.partitions.entry(partition).or_insert(place);
        }
        if !joined.is_empty() {
            self.events.push_back(Event::Joined(joined));
        }
    }

    /// Commits offsets with the transaction.
    pub fn send_offsets(&mut self, now: Instant, ticket: u64, offsets: Offsets) {
        let until = now + self.config.patience;
        let result = match &mut self.state {
            State::Open(open) => {
                open.offsets.push_back(OffsetsCall { ticket, offsets, until });
                return;
            }
            State::Doomed(_, reason) => Err(Trouble::Doomed(reason.clone())),
            State::Fatal(reason) => Err(Trouble::Fatal(reason.clone())),
            _ => Err(Trouble::Misplaced),
        };
        self.answer(ticket, result);
    }

    /// Ends the transaction when everything that was sent before is answered: all of it counts, or, if something failed, nothing is
    /// committed, and only an abort is left.
    pub fn commit(&mut self, now: Instant, ticket: u64) {
        match &self.state {
            State::Doomed(_, reason) => {
                let reason = reason.clone();
                self.answer(ticket, Err(Trouble::Doomed(reason)));
            }
            _ => self.end(now, ticket, true),
        }
    }

    /// Ends the transaction: nothing of it counts. What is not out yet is not sent any more.
    pub fn abort(&mut self, now: Instant, ticket: u64) {
        self.end(now, ticket, false);
    }

    /// Something of the transaction is not written, and nobody tries any longer.
    pub fn failed(&mut self, reason: &Reason) {
        self.doom(reason.clone());
    }

    /// A coordinator is known.
    pub fn coordinator_found(&mut self, key: &CoordinatorKey) {
        self.looked_for.remove(key);
    }

    /// None is looked for any more, and asking again does not help.
    pub fn lookups_failed(&mut self, reason: &Reason) {
        let keys = std::mem::take(&mut self.looked_for);
        // Whoever needs one later looks for it anew.
        if !self.is_at_rest() {
            keys.iter().for_each(|key| self.coordinator_failed(key, reason.clone()));
        }
    }

    /// A coordinator cannot be found, and asking again does not help.
    pub fn coordinator_failed(&mut self, key: &CoordinatorKey, reason: Reason) {
        self.looked_for.remove(key);
        if *key == self.key {
            self.fail(reason);
        } else {
            self.doom(reason);
        }
    }

    /// Nothing begins any more; a transaction that nobody ends is aborted.
    pub fn close(&mut self, now: Instant) {
        self.is_closing = true;
        match &self.state {
            State::Open(_) | State::Doomed(..) => self.leave(now + self.config.patience, None, false),
            State::Initializing { ticket, .. } => {
                let ticket = *ticket;
                self.request.give_up();
                self.transition(State::Uninitialized);
                self.answer(ticket, Err(Trouble::Fatal(Reason::Stopped)));
            }
            _ => {}
        }
    }

    /// Is there no transaction, none that begins and none that ends?
    pub fn is_at_rest(&self) -> bool {
        matches!(self.state, State::Uninitialized | State::Ready | State::Fatal(_))
    }

    // ---- inside

    /// The cluster may speak another protocol by now: what it spoke before, if it is to be asked again.
    fn look_anew(&mut self, now: Instant) -> Option<Protocol> {
        let is_old = self.told.is_none_or(|told| now.saturating_duration_since(told) >= PROTOCOL_AGE);
        if is_old { self.protocol.take() } else { None }
    }

    fn end(&mut self, now: Instant, ticket: u64, committed: bool) {
        match &self.state {
            State::Open(_) | State::Doomed(..) => {
                self.leave(now + self.config.patience, Some(ticket), committed);
            }
            State::Fatal(reason) => {
                let reason = reason.clone();
                self.answer(ticket, Err(Trouble::Fatal(reason)));
            }
            _ => self.answer(ticket, Err(Trouble::Misplaced)),
        }
    }

    fn leave(&mut self, until: Instant, ticket: Option<u64>, committed: bool) {
        let transaction = match std::mem::replace(&mut self.state, State::Uninitialized) {
            State::Open(open) => {
                self.state = State::Open(Open::new(open.protocol));
                open
            }
            State::Doomed(open, reason) => {
                self.state = State::Doomed(Open::new(open.protocol), reason);
                open
            }
            other => {
                self.state = other;
                return;
            }
        };
        self.last_failure = None;
        self.transition(State::Ending(Ending { transaction, ticket, committed, until }));
        if !committed {
            self.drop_offsets(&Trouble::Doomed(Reason::Aborted));
            self.events.push_back(Event::Over(Reason::Aborted));
        }
    }

    /// Everything fails from now on, until the transaction is aborted.
    pub(super) fn doom(&mut self, reason: Reason) {
        let trouble = Trouble::Doomed(reason.clone());
        let mut abandoned = None;
        let open = match std::mem::replace(&mut self.state, State::Uninitialized) {
            State::Open(open) => {
                self.state = State::Open(Open::new(open.protocol));
                open
            }
            State::Ending(Ending { transaction, ticket, committed: true, until }) => {
                let place = Open::new(transaction.protocol);
                self.state =
                    State::Ending(Ending { transaction: place, ticket: None, committed: true, until });
                match ticket {
                    Some(ticket) => self.answer(ticket, Err(trouble.clone())),
                    None => abandoned = Some(until),
                }
                transaction
            }
            other => {
                self.state = other;
                return;
            }
        };
        self.transition(State::Doomed(open, reason.clone()));
        self.drop_offsets(&trouble);
        self.events.push_back(Event::Over(reason));
        // Nobody else would abort it, and the next transaction waits for its end.
        if let Some(until) = abandoned {
            self.leave(until, None, false);
        }
    }

    /// Everything fails, for good.
    pub(super) fn fail(&mut self, reason: Reason) {
        let trouble = Trouble::Fatal(reason.clone());
        self.drop_offsets(&trouble);
        let ticket = match &self.state {
            State::Fatal(_) => return,
            State::Initializing { ticket, .. } => Some(*ticket),
            State::Ending(ending) => ending.ticket,
            _ => None,
        };
        self.transition(State::Fatal(reason.clone()));
        let waiting = ticket.into_iter().chain(self.next.take().map(|(ticket, _)| ticket));
        for ticket in waiting {
            self.answer(ticket, Err(trouble.clone()));
        }
        self.events.push_back(Event::Over(reason));
    }

    fn drop_offsets(&mut self, trouble: &Trouble) {
        let open = match &mut self.state {
            State::Open(open) | State::Doomed(open, _) => open,
            State::Ending(ending) => &mut ending.transaction,
            _ => return,
        };
        for call in std::mem::take(&mut open.offsets) {
            self.events.push_back(Event::Answered { ticket: call.ticket, result: Err(trouble.clone()) });
        }
    }

    /// The producer is known: a transaction begins, of which nobody needs to hear yet.
    pub(super) fn open(&mut self, ticket: u64) {
        let (Some(producer), Some(protocol)) = (self.producer, self.protocol) else { return };
        self.last_failure = None;
        self.transition(State::Open(Open::new(protocol)));
        self.events.push_back(Event::Begun { producer, transactions_v1: protocol == Protocol::V1 });
        self.answer(ticket, Ok(()));
    }

    /// The transaction has ended, in one way or the other.
    pub(super) fn ended(&mut self, now: Instant) {
        let State::Ending(Ending { transaction, ticket, committed, .. }) = &self.state else { return };
        let ticket = *ticket;
        // The next one needs another epoch. What was out when this one was given up may be written, so that sequences could not go on;
        // and what the coordinator reads late would be the end of the next one.
        let is_tainted = transaction.protocol == Protocol::V1
            && transaction.started != Started::No
            && (!committed || transaction.is_in_doubt);
        self.transition(if is_tainted { State::Uninitialized } else { State::Ready });
        if let Some(ticket) = ticket {
            self.answer(ticket, Ok(()));
        }
        self.begin_next(now);
    }

    /// Begins the transaction that has waited for the end of this one.
    pub(super) fn begin_next(&mut self, now: Instant) {
        if let Some((ticket, _)) = self.next.take() {
            self.begin(now, ticket);
        }
    }

    pub(super) fn answer(&mut self, ticket: u64, result: Result<(), Trouble>) {
        self.events.push_back(Event::Answered { ticket, result });
    }

    pub(super) fn transition(&mut self, to: State) {
        let is_legal = self.state.may_become(&to);
        let what = format!("Transaction of {:?}", self.config.transactional_id);
        let (level, message) = LogLevel::of_transition(&what, self.state.name(), to.name(), is_legal);
        self.log(level, message);
        if is_legal {
            self.state = to;
        }
    }

    pub(super) fn log(&mut self, level: LogLevel, message: String) {
        let extra = vec![("transactionalId", self.config.transactional_id.to_string())];
        self.events.push_back(Event::Log(Log { level, namespace: "Transaction", message, extra }));
    }

    /// Why a call is given up.
    fn why(&self) -> Reason {
        self.last_failure.clone().unwrap_or(Reason::TimedOut)
    }

    /// The group whose offsets are committed next.
    pub(super) fn group(&self) -> Option<&Arc<str>> {
        Some(&self.state.grown()?.offsets.front()?.offsets.group.group_id)
    }

    /// When patience ends, for whichever call comes first.
    fn deadlines(&self) -> impl Iterator<Item = Instant> {
        let call = match &self.state {
            State::Initializing { until, .. } => Some(*until),
            State::Ending(Ending { ticket: Some(_), until, .. }) => Some(*until),
            _ => None,
        };
        let offsets = self.state.grown().and_then(|open| open.offsets.front()).map(|call| call.until);
        call.into_iter().chain(offsets).chain(self.next.map(|(_, until)| until))
    }
}

impl Machine for Transaction {
    type Id = u64;
    type View<'a> = View<'a>;
    type Event = Event;

    fn handle_response(&mut self, now: Instant, id: u64, response: Result<Response, NetError>) {
        if let Some(sent) = self.request.land(id) {
            self.answered(now, sent.about, response);
        } else if let Some(sent) = self.commit.land(id) {
            self.offsets_answered(now, sent.about, response);
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if let State::Initializing { ticket, until, .. } = self.state
            && until <= now
        {
            let why = self.why();
            self.request.give_up();
            self.transition(State::Uninitialized);
            self.answer(ticket, Err(Trouble::Unanswered(why)));
        }
        let why = self.why();
        if let State::Ending(ending) = &mut self.state
            && ending.until <= now
            && let Some(ticket) = ending.ticket.take()
        {
            self.answer(ticket, Err(Trouble::Unanswered(why.clone())));
        }
        if let Some((ticket, _)) = self.next.take_if(|(_, until)| *until <= now) {
            self.answer(ticket, Err(Trouble::Unanswered(why.clone())));
        }
        let overdue = self.state.grown().and_then(|open| open.offsets.front());
        if overdue.is_some_and(|call| call.until <= now) {
            self.doom(why);
        }
    }

    fn poll_request(&mut self, now: Instant, view: View<'_>) -> Option<Outbound> {
        self.advance(now, view.is_settled);
        self.next_request(now, view)
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        let requests = [self.request.due_at(), self.commit.due_at()].into_iter().flatten();
        requests.filter(|at| *at > now).chain(self.deadlines()).min()
    }
}

/// For so long it is taken for granted which protocol the cluster speaks.
const PROTOCOL_AGE: Duration = Duration::from_secs(60);
