//! The machine itself: what it remembers, its side of the contract, and the one way from state to state.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::engine::machine::Backoff;
use crate::engine::machine::Log;
use crate::engine::machine::LogLevel;
use crate::engine::machine::Machine;
use crate::engine::machine::NetError;
use crate::engine::machine::Outbound;
use crate::engine::machine::Target;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;

use super::requests::{Due, Line, Sent};
use super::state::State;
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
    /// Answers that made no sense since the last join that succeeded.
    pub(super) nonsense: u32,

    /// JoinGroup, SyncGroup, LeaveGroup.
    pub(super) call: Line,
    /// A JoinGroup or SyncGroup that we left beside, while the coordinator held it back: the next one comes after it.
    pub(super) held: Option<Sent>,
    pub(super) backoff: Backoff,
    /// Heartbeat.
    pub(super) beat: Line,
    /// From when on the user's `heartbeat()` sends one.
    pub(super) beat_allowed: Option<Instant>,
    pub(super) beat_backoff: Backoff,
    /// See [`Group::valid_until`].
    pub(super) valid_until: Option<Instant>,
    /// When we must have heard from the coordinator; None once [`Event::CoordinatorLost`] has said that we did not.
    pub(super) session: Option<Instant>,
    pub(super) last_id: u64,
    pub(super) events: VecDeque<Event>,
}

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
            nonsense: 0,
            call: Line::default(),
            held: None,
            backoff: Backoff::default(),
            beat: Line::default(),
            beat_allowed: None,
            beat_backoff: Backoff::default(),
            valid_until: None,
            session: None,
            last_id: 0,
            events: VecDeque::new(),
        }
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

    /// Until then nobody else can have been given what we own, whatever we do not hear; None while we own nothing.
    ///
    /// The coordinator counts the session from when it takes a heartbeat or answers SyncGroup. When that was we do not know,
    /// but not before we had asked: so we count from there. (It also counts from an OffsetCommit, but not in groups of
    /// KIP-848; and heartbeats are frequent enough.)
    pub fn valid_until(&self) -> Option<Instant> {
        self.valid_until.filter(|_| self.owns)
    }

    /// A member with an assignment, and nothing known that would end it?
    pub fn is_stable(&self) -> bool {
        matches!(self.state, State::Stable)
    }

    /// Does this [`Event::AssignmentNeeded`] wait for its answer?
    pub fn awaits_assignments(&self, job: u64) -> bool {
        matches!(self.state, State::Assigning { .. }) && job == self.epoch
    }

    /// Is a heartbeat of a stable member outstanding, or about to be?
    pub fn is_beating(&self) -> bool {
        self.is_stable() && (self.beat.sent.is_some() || self.beat.due == Due::Now)
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

    /// Does the coordinator have a JoinGroup whose answer brings the first member id?
    pub fn awaits_member_id(&self) -> bool {
        self.member_id.is_empty() && self.call.sent.is_some()
    }

    /// What stands against our membership since it was last stable, for the user's `heartbeat()` to reject with:
    /// REBALANCE_IN_PROGRESS, ILLEGAL_GENERATION or UNKNOWN_MEMBER_ID.
    pub fn pending_error(&self) -> Option<ErrorCode> {
        self.noticed
    }
}

impl Machine for Group {
    type Id = u64;
    /// The coordinator, while it is known.
    type View<'a> = Option<i32>;
    type Event = Event;

    fn handle_response(&mut self, now: Instant, id: u64, response: Result<Response, NetError>) {
        self.held.take_if(|held| held.id == id);
        let sent = self.call.answered(id).or_else(|| self.beat.answered(id));
        // The one place where late answers end: of requests that were given up, and of older epochs.
        if let Some(sent) = sent
            && sent.epoch == self.epoch
        {
            self.answered(now, sent, response);
        }
        self.handle_timeout(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.call.settle(now);
        self.beat.settle(now);
        if matches!(self.state, State::Leaving { until, .. } if until <= now) {
            self.departed(now);
        }
        if self.beats() && self.session.is_some_and(|session| session <= now) {
            self.session_expired(now);
        }
    }

    fn poll_request(&mut self, now: Instant, coordinator: Option<i32>) -> Option<Outbound> {
        self.handle_timeout(now);
        let coordinator = coordinator?;
        let barred = self.held.is_some() && !matches!(self.state, State::Leaving { .. });
        if !barred
            && self.call.is_ready()
            && let Some((body, held)) = self.call_body()
        {
            self.call.due = Due::Never;
            let (sent, outbound) = self.outbound(now, coordinator, body, held);
            self.call.sent = Some(sent);
            return Some(outbound);
        }
        if self.beat.is_ready()
            && self.beats()
            && let Some(generation_id) = self.generation_id
        {
            self.beat.due = Due::At(now + self.config.own_interval());
            let body = self.config.heartbeat_request(&self.member_id, generation_id).into();
            let (sent, outbound) = self.outbound(now, coordinator, body, Duration::ZERO);
            self.beat.sent = Some(sent);
            return Some(outbound);
        }
        None
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn poll_timeout(&self, _now: Instant) -> Option<Instant> {
        let until = match self.state {
            State::Leaving { until, .. } => Some(until),
            _ => None,
        };
        let (beat, session) = if self.beats() { (self.beat.timer(), self.session) } else { (None, None) };
        [self.call.timer(), beat, session, until].into_iter().flatten().min()
    }
}

impl Group {
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

    fn outbound(&mut self, now: Instant, node: i32, body: Request, held: Duration) -> (Sent, Outbound) {
        self.last_id += 1;
        let id = self.last_id;
        let sent = Sent { id, api: body.key(), epoch: self.epoch, at: now };
        let to = match self.state {
            // Over the connection for requests: the coordinator's own waits for an answer that is held back.
            State::Leaving { beside: true, .. } => Target::node(node),
            _ => Target::coordinator(node),
        };
        (sent, Outbound { id, to, body, held })
    }

    pub(super) fn after_backoff(&self) -> Due {
        self.backoff.ready_at().map_or(Due::Now, Due::At)
    }

    pub(super) fn log(
        &mut self,
        level: LogLevel,
        message: impl Into<String>,
        extra: Vec<(&'static str, String)>,
    ) {
        self.log_as("ConsumerGroup", level, message, extra);
    }

    /// In the name of another one: a line that programs know from kafkajs's runner.
    pub(super) fn log_as(
        &mut self,
        namespace: &'static str,
        level: LogLevel,
        message: impl Into<String>,
        mut extra: Vec<(&'static str, String)>,
    ) {
        extra.push(("groupId", self.config.group_id.clone()));
        extra.push(("memberId", self.member_id.clone()));
        let message = message.into();
        self.events.push_back(Event::Log(Log { level, namespace, message, extra }));
    }
}

/// What kafkajs adds to the rebalance timeout: the coordinator answers late rather than early.
const JOIN_MARGIN: Duration = Duration::from_secs(5);
