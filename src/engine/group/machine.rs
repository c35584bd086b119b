//! The state, the commands, the contract.
//!
//! ```text
//!           join                protocols()            leader
//!   Idle ─────────▶ Preparing ──────────────▶ Joining ────────▶ Assigning
//!    ▲               ▲  ▲  ▲                   │    │ follower     │ assignments()
//!    │               │  │  └─ refused, or out ─┤    ▼              ▼
//!    │               │  │     of date          └─ Syncing ◀────────┘
//!    │     revoked() │  │ Lost                      │
//!    │               │  │                           ▼
//!    │            Revoking ◀────────────────────  Stable
//!    │                     rebalance, rejoin
//!    │ lost()
//!    ├───────────── Leaving ◀── leave(), lost() ── any of the above
//!                      │
//!                      ▼
//!                     Left                      Failed ◀── any: fatal refusal, callback error
//! ```

use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::engine::cluster::Backoff;
use crate::engine::cluster::Failure;
use crate::engine::cluster::Log;
use crate::engine::cluster::LogLevel;
use crate::engine::cluster::Outbound;
use crate::engine::cluster::Target;
use crate::engine::protocol::ApiKey;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::NetError;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::join_group::JoinGroupProtocol;
use crate::engine::protocol::sync_group::SyncGroupAssignment;

use super::requests::{Due, Line, Sent};
use super::{Event, GroupConfig, Membership};

/// Membership in a consumer group. See the room's documentation.
#[derive(Debug)]
pub struct Group {
    pub(super) config: GroupConfig,
    pub(super) rng: Rng,
    pub(super) state: State,
    /// Counts the steps of the machine: requests and jobs of an older epoch are void.
    pub(super) epoch: u64,
    /// Empty while unknown.
    pub(super) member_id: String,
    pub(super) generation_id: Option<i32>,
    pub(super) topics: Vec<String>,
    /// Why we join again, for the broker's log (KIP-800).
    pub(super) reason: Option<String>,
    /// The join that is under way is out of date: start over when its answer is there.
    pub(super) again: bool,
    /// Does the owner hold an assignment?
    pub(super) owns: bool,
    pub(super) noticed: Option<ErrorCode>,
    pub(super) joining_since: Option<Instant>,
    /// Joins that were refused since the last one that succeeded.
    pub(super) refusals: u32,

    /// JoinGroup, SyncGroup, LeaveGroup.
    pub(super) call: Line,
    pub(super) backoff: Backoff,
    /// Heartbeat.
    pub(super) beat: Line,
    pub(super) beat_backoff: Backoff,
    /// When we must have heard from the coordinator; None once [`Event::CoordinatorLost`] has said that we did not.
    pub(super) session: Option<Instant>,
    pub(super) last_id: u64,
    pub(super) events: VecDeque<Event>,
}

#[derive(Debug)]
pub(super) enum State {
    /// Not a member, and not asked to be one.
    Idle,
    /// The owner gives its partitions back.
    Revoking,
    /// The owner writes its subscriptions.
    Preparing,
    /// JoinGroup is due or outstanding.
    Joining { protocols: Vec<JoinGroupProtocol> },
    /// The owner, our group's leader, computes the assignment.
    Assigning { round: Round },
    /// SyncGroup is due or outstanding.
    Syncing { round: Round, assignments: Vec<SyncGroupAssignment> },
    /// A member of the current generation, as far as we know.
    Stable,
    /// LeaveGroup is due or outstanding, or waits for the answer to the request before it.
    Leaving { next: Next, until: Instant, reason: String },
    /// The end.
    Left,
    /// The other end.
    Failed,
}

/// What JoinGroup told about the generation.
#[derive(Debug, Clone)]
pub(super) struct Round {
    pub(super) protocol: String,
    pub(super) leader: String,
}

/// Where Leaving leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Left,
    Idle,
    /// `join` was called meanwhile.
    Join,
}

// ---- commands

impl Group {
    /// Not a member yet. All randomness (back-off jitter) comes from `seed`.
    pub fn new(config: GroupConfig, seed: u64) -> Group {
        Group {
            config: config.within_bounds(),
            rng: Rng::with_seed(seed),
            state: State::Idle,
            epoch: 0,
            member_id: String::new(),
            generation_id: None,
            topics: Vec::new(),
            reason: None,
            again: false,
            owns: false,
            noticed: None,
            joining_since: None,
            refusals: 0,
            call: Line::default(),
            backoff: Backoff::default(),
            beat: Line::default(),
            beat_backoff: Backoff::default(),
            session: None,
            last_id: 0,
            events: VecDeque::new(),
        }
    }

    /// Become a member that subscribes to `topics`; a member whose topics have changed joins again.
    pub fn join(&mut self, now: Instant, topics: Vec<String>) {
        match &mut self.state {
            State::Left | State::Failed | State::Leaving { next: Next::Left, .. } => return,
            State::Leaving { next, .. } => {
                *next = Next::Join;
                self.topics = topics;
            }
            State::Idle => {
                self.topics = topics;
                self.prepare(now);
            }
            _ => {
                let changed = !same_topics(&self.topics, &topics);
                self.topics = topics;
                if changed {
                    self.start_over(now, "the subscription has changed", true);
                }
            }
        }
        self.handle_timeout(now);
    }

    /// Join again, as `reason` asks for (the partition count of a topic has changed, …). Nothing happens while we
    /// are not a member; while a join is under way it is remembered.
    pub fn rejoin(&mut self, now: Instant, reason: &str) {
        self.start_over(now, reason, false);
        self.handle_timeout(now);
    }

    /// Answers [`Event::ProtocolsNeeded`]: the offered assignors, preferred first.
    pub fn protocols(&mut self, now: Instant, job: u64, answer: Result<Vec<JoinGroupProtocol>, String>) {
        if job == self.epoch && matches!(self.state, State::Preparing) {
            match answer {
                Ok(protocols) => {
                    self.transition(State::Joining { protocols });
                    self.call.due = self.after_backoff();
                }
                Err(message) => self.fail(Failure::Callback(message)),
            }
        }
        self.handle_timeout(now);
    }

    /// Answers [`Event::AssignmentNeeded`]: what each member gets.
    pub fn assignments(&mut self, now: Instant, job: u64, answer: Result<Vec<SyncGroupAssignment>, String>) {
        if job == self.epoch
            && let State::Assigning { round } = &self.state
        {
            match answer {
                Ok(assignments) => self.sync(round.clone(), assignments),
                Err(message) => self.fail(Failure::Callback(message)),
            }
        }
        self.handle_timeout(now);
    }

    /// Answers [`Event::Revoke`]: the handlers are done and what could be committed is committed.
    pub fn revoked(&mut self, now: Instant) {
        if matches!(self.state, State::Revoking) {
            self.owns = false;
            self.prepare(now);
        }
        self.handle_timeout(now);
    }

    /// Leave for good: ends in [`Event::Left`] within five seconds, from any state. A dynamic member sends one
    /// LeaveGroup; a JoinGroup that is outstanding is waited for, because its answer may bring the member id that
    /// must not stay behind in the group. A static member keeps its place until its session expires (KIP-345).
    pub fn leave(&mut self, now: Instant) {
        match &mut self.state {
            State::Left => {}
            State::Leaving { next, .. } => *next = Next::Left,
            _ => self.depart(now, Next::Left, "the consumer is being closed"),
        }
        self.handle_timeout(now);
    }

    /// The owner makes no progress and must not keep its partitions any longer: they are lost, the group is left,
    /// and the machine waits for [`Group::join`].
    pub fn lost(&mut self, now: Instant, reason: &str) {
        match &mut self.state {
            State::Idle | State::Left | State::Failed | State::Leaving { next: Next::Left, .. } => {}
            State::Leaving { next, .. } => *next = Next::Idle,
            _ => {
                self.lose(reason);
                // What the coordinator will say to a handler that is still at it.
                self.noticed = Some(ErrorCode::UNKNOWN_MEMBER_ID);
                self.depart(now, Next::Idle, reason);
            }
        }
        self.handle_timeout(now);
    }
}

// ---- contract

impl Group {
    /// The answer to the request with this id, or why there is none. Each request must get one.
    pub fn handle_response(&mut self, now: Instant, id: u64, response: Result<Response, NetError>) {
        let sent = self.call.answered(id).or_else(|| self.beat.answered(id));
        // The one place where late answers end: of requests that were given up, and of older epochs.
        if let Some(Sent { api, epoch, .. }) = sent
            && epoch == self.epoch
        {
            self.answered(now, api, response);
        }
        self.handle_timeout(now);
    }

    /// The instant of [`Group::poll_timeout`] has come. Harmless at any other time.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.call.settle(now);
        self.beat.settle(now);
        if matches!(self.state, State::Leaving { until, .. } if until <= now) {
            self.departed(now);
        }
        if self.beats() && self.session.is_some_and(|session| session <= now) {
            self.session_expired(now);
        }
    }

    /// The next request to send, to the coordinator. Call it only while the coordinator is known.
    pub fn poll_request(&mut self, now: Instant) -> Option<Outbound> {
        self.handle_timeout(now);
        if self.call.is_ready()
            && let Some((body, held)) = self.call_body()
        {
            self.call.due = Due::Never;
            let (sent, outbound) = self.outbound(body, held);
            self.call.sent = Some(sent);
            return Some(outbound);
        }
        if self.beat.is_ready()
            && self.beats()
            && let Some(generation_id) = self.generation_id
        {
            self.beat.due = Due::At(now + self.config.heartbeat_interval);
            let body = self.config.heartbeat_request(&self.member_id, generation_id).into();
            let (sent, outbound) = self.outbound(body, Duration::ZERO);
            self.beat.sent = Some(sent);
            return Some(outbound);
        }
        None
    }

    /// What has happened, or is needed.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`Group::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let until = match self.state {
            State::Leaving { until, .. } => Some(until),
            _ => None,
        };
        let (beat, session) = if self.beats() { (self.beat.timer(), self.session) } else { (None, None) };
        [self.call.timer(), beat, session, until].into_iter().flatten().min()
    }

    /// Who we are; None before the first generation and when it is over for good. Kept through a rebalance, so that
    /// what is revoked can be committed.
    pub fn membership(&self) -> Option<Membership> {
        match self.state {
            State::Idle | State::Leaving { .. } | State::Left | State::Failed => None,
            _ => Some(Membership {
                generation_id: self.generation_id?,
                member_id: self.member_id.clone(),
                group_instance_id: self.config.group_instance_id.clone(),
            }),
        }
    }

    /// A member with an assignment, and nothing known that would end it?
    pub fn is_stable(&self) -> bool {
        matches!(self.state, State::Stable)
    }

    /// On the way into the group or into its next generation?
    pub fn is_rebalancing(&self) -> bool {
        match self.state {
            State::Revoking
            | State::Preparing
            | State::Joining { .. }
            | State::Assigning { .. }
            | State::Syncing { .. } => true,
            State::Idle | State::Stable | State::Leaving { .. } | State::Left | State::Failed => false,
        }
    }

    /// What stands against our membership since it was last stable, for the user's `heartbeat()` to reject with:
    /// REBALANCE_IN_PROGRESS, ILLEGAL_GENERATION or UNKNOWN_MEMBER_ID.
    pub fn pending_error(&self) -> Option<ErrorCode> {
        self.noticed
    }
}

// ---- moves

impl Group {
    /// The owner shall write subscriptions, for a JoinGroup.
    pub(super) fn prepare(&mut self, now: Instant) {
        self.again = false;
        self.joining_since.get_or_insert(now);
        self.transition(State::Preparing);
        self.events.push_back(Event::ProtocolsNeeded { job: self.epoch, topics: self.topics.clone() });
    }

    /// The owner shall give back what it has.
    pub(super) fn revoke(&mut self, noticed: ErrorCode) {
        self.transition(State::Revoking);
        self.events.push_back(Event::Revoke { member_id: self.member_id.clone(), noticed });
    }

    pub(super) fn sync(&mut self, round: Round, assignments: Vec<SyncGroupAssignment>) {
        self.transition(State::Syncing { round, assignments });
        self.call.due = Due::Now;
    }

    /// Our subscription or the world has changed: what was joined, or is being joined, is out of date.
    fn start_over(&mut self, now: Instant, reason: &str, topics_changed: bool) {
        let in_flight = self.call.sent.is_some_and(|sent| sent.epoch == self.epoch);
        match self.state {
            State::Idle | State::Leaving { .. } | State::Left | State::Failed => return,
            State::Stable => self.revoke(ErrorCode::NONE),
            State::Joining { .. } | State::Syncing { .. } if in_flight => self.again = true,
            // The JoinGroup that is about to go out says it all.
            State::Revoking => {}
            State::Preparing | State::Joining { .. } if !topics_changed => {}
            State::Preparing | State::Joining { .. } | State::Assigning { .. } | State::Syncing { .. } => {
                self.prepare(now);
            }
        }
        self.reason = Some(reason.to_owned());
    }

    pub(super) fn lose(&mut self, reason: &str) {
        if self.owns {
            self.owns = false;
            self.events.push_back(Event::Lost { reason: reason.to_owned() });
        }
    }

    /// Goes out of the group by way of LeaveGroup, if there is something to leave.
    fn depart(&mut self, now: Instant, next: Next, reason: &str) {
        let joining =
            self.call.sent.is_some_and(|sent| sent.epoch == self.epoch && sent.api == ApiKey::JoinGroup);
        self.owns = false;
        let nothing = self.member_id.is_empty() && !joining;
        if nothing || self.config.group_instance_id.is_some() {
            self.arrive(now, next);
        } else {
            let until = now + LEAVE_WITHIN;
            self.transition(State::Leaving { next, until, reason: reason.to_owned() });
            self.call.due = Due::Now;
        }
    }

    /// Leaving is over, well or not.
    pub(super) fn departed(&mut self, now: Instant) {
        if let State::Leaving { next, .. } = self.state {
            self.arrive(now, next);
        }
    }

    fn arrive(&mut self, now: Instant, next: Next) {
        self.member_id.clear();
        self.generation_id = None;
        self.session = None;
        self.joining_since = None;
        self.reason = None;
        match next {
            Next::Left => {
                self.transition(State::Left);
                self.events.push_back(Event::Left);
            }
            Next::Idle => self.transition(State::Idle),
            Next::Join => {
                self.transition(State::Idle);
                self.prepare(now);
            }
        }
    }

    pub(super) fn fail(&mut self, failure: Failure) {
        self.owns = false;
        self.transition(State::Failed);
        self.events.push_back(Event::Failed(failure));
    }

    /// Every change of state goes through here. A new state is a new epoch, but for the two in which the answers to
    /// earlier requests still count: heartbeats while revoking, a JoinGroup while leaving.
    pub(super) fn transition(&mut self, to: State) {
        let legal = self.state.may_become(&to);
        debug_assert!(legal, "{} cannot become {}", self.state.name(), to.name());
        let message = format!("Group membership: {} -> {}", self.state.name(), to.name());
        if !legal {
            // Staying is safe: the ends stay ends, and elsewhere an answer or a timer is still to come.
            self.log(LogLevel::Error, format!("{message} is not possible"), Vec::new());
            return;
        }
        self.log(LogLevel::Debug, message, Vec::new());
        if !matches!(to, State::Revoking | State::Leaving { .. }) {
            self.epoch += 1;
        }
        self.call.due = Due::Never;
        self.state = to;
    }
}

impl State {
    /// The table of legal moves: the diagram above.
    fn may_become(&self, to: &State) -> bool {
        use State::*;
        match to {
            Preparing => !matches!(self, Leaving { .. } | Left | Failed),
            Joining { .. } => matches!(self, Preparing),
            Assigning { .. } => matches!(self, Joining { .. }),
            Syncing { .. } => matches!(self, Joining { .. } | Assigning { .. }),
            Stable => matches!(self, Syncing { .. }),
            Revoking => matches!(self, Stable),
            Leaving { .. } => !matches!(self, Idle | Leaving { .. } | Left),
            Idle => !matches!(self, Idle | Left | Failed),
            Left => !matches!(self, Left),
            Failed => !matches!(self, Idle | Leaving { .. } | Left | Failed),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            State::Idle => "Idle",
            State::Revoking => "Revoking",
            State::Preparing => "Preparing",
            State::Joining { .. } => "Joining",
            State::Assigning { .. } => "Assigning",
            State::Syncing { .. } => "Syncing",
            State::Stable => "Stable",
            State::Leaving { .. } => "Leaving",
            State::Left => "Left",
            State::Failed => "Failed",
        }
    }
}

// ---- helpers

impl Group {
    /// Are heartbeats to be sent?
    pub(super) fn beats(&self) -> bool {
        let member = match self.state {
            State::Revoking
            | State::Preparing
            | State::Assigning { .. }
            | State::Syncing { .. }
            | State::Stable => self.generation_id.is_some(),
            State::Idle | State::Joining { .. } | State::Leaving { .. } | State::Left | State::Failed => {
                false
            }
        };
        member && self.call.sent.is_none()
    }

    /// What the state wants to send, and how long the broker may hold its answer back.
    fn call_body(&self) -> Option<(Request, Duration)> {
        match &self.state {
            State::Joining { protocols } => {
                let body = self.config.join_request(&self.member_id, protocols, self.reason.as_deref());
                Some((body.into(), self.config.rebalance_timeout + JOIN_MARGIN))
            }
            State::Syncing { round, assignments } => {
                let generation_id = self.generation_id?;
                let body =
                    self.config.sync_request(&self.member_id, generation_id, &round.protocol, assignments);
                Some((body.into(), self.config.rebalance_timeout))
            }
            State::Leaving { reason, .. } if !self.member_id.is_empty() => {
                Some((self.config.leave_request(&self.member_id, reason).into(), Duration::ZERO))
            }
            _ => None,
        }
    }

    fn outbound(&mut self, body: Request, held: Duration) -> (Sent, Outbound) {
        self.last_id += 1;
        let id = self.last_id;
        let sent = Sent { id, api: body.key(), epoch: self.epoch };
        (sent, Outbound { id, to: Target::AnyCoordinator, body, held })
    }

    pub(super) fn after_backoff(&self) -> Due {
        self.backoff.ready_at().map_or(Due::Now, Due::At)
    }

    pub(super) fn log(
        &mut self,
        level: LogLevel,
        message: impl Into<String>,
        mut extra: Vec<(&'static str, String)>,
    ) {
        extra.push(("groupId", self.config.group_id.clone()));
        extra.push(("memberId", self.member_id.clone()));
        let message = message.into();
        self.events.push_back(Event::Log(Log { level, namespace: "ConsumerGroup", message, extra }));
    }
}

fn same_topics(a: &[String], b: &[String]) -> bool {
    a.iter().collect::<BTreeSet<_>>() == b.iter().collect::<BTreeSet<_>>()
}

/// What kafkajs adds to the rebalance timeout: the coordinator answers late rather than early.
const JOIN_MARGIN: Duration = Duration::from_secs(5);
/// How long `leave` may take, whatever the coordinator does.
const LEAVE_WITHIN: Duration = Duration::from_secs(5);
