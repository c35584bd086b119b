//! The machine itself: what it remembers, its side of the contract, and the one way from state to state.

use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::engine::group::assignors::{Partitions, RebalanceProtocol};
use crate::engine::group::search::Search;
use crate::engine::group::{Event, GroupConfig, Membership, Waits};
use crate::engine::machine::Log;
use crate::engine::machine::LogLevel;
use crate::engine::machine::Machine;
use crate::engine::machine::NetError;
use crate::engine::machine::Outbound;
use crate::engine::machine::Reminder;
use crate::engine::machine::RequestState;
use crate::engine::machine::Target;
use crate::engine::machine::Timers;
use crate::engine::machine::TopicPartition;
use crate::engine::machine::by_topic;
use crate::engine::machine::timers;
use crate::engine::protocol::ApiKey;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;

use super::requests::Asked;
use super::state::{MemberState, Proof};

timers! {
    /// What happens by itself.
    pub(super) enum Timer {
        /// The way out of the group has taken long enough.
        Departure,
        /// We must have heard from the coordinator by then. Not set once [`Event::CoordinatorLost`] has said that we did not.
        Session,
    }
}

impl Timer {
    /// The session rests while no heartbeats are sent: a JoinGroup or SyncGroup that is out keeps the member alive.
    fn counts(self, beats: bool) -> bool {
        match self {
            Timer::Departure => true,
            Timer::Session => beats,
        }
    }
}

/// Membership in a consumer group. See the room's documentation.
#[derive(Debug, Clone)]
pub struct Group {
    pub(super) config: GroupConfig,
    pub(super) rng: Rng,
    pub(super) state: MemberState,
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
    /// What the last SyncGroup was about.
    pub(super) protocol: String,
    /// The assignment that the owner holds, as the leaders have written it; None while it holds none.
    pub(super) owned: Option<BTreeSet<TopicPartition>>,
    pub(super) noticed: Option<ErrorCode>,
    pub(super) joining_since: Option<Instant>,
    /// Joins that were refused since the last one that succeeded.
    pub(super) refusals: u32,
    /// JoinGroup or SyncGroup fails again and again.
    pub(super) vain: Reminder,
    /// Answers that made no sense since the last join that succeeded.
    pub(super) nonsense: u32,

    /// JoinGroup, SyncGroup, LeaveGroup.
    pub(super) call: RequestState<Asked>,
    /// The id of a JoinGroup or SyncGroup that was given up while the coordinator held its answer back: the coordinator
    /// reads no other one on that connection before it has answered.
    pub(super) held: Option<u64>,
    /// Heartbeat. It is spaced for the user's `heartbeat()`: the timer has an interval of its own.
    pub(super) beat: RequestState<Asked>,
    /// The distance of the next heartbeat of our own, while a follow-up of the last rebalance is to be expected.
    pub(super) follow_up: Option<Duration>,
    /// See [`Group::valid_until`].
    pub(super) valid_until: Option<Instant>,
    pub(super) search: Search,
    pub(super) proof: Proof,
    /// By then the coordinator may have gone on without our JoinGroup, if it has never arrived.
    pub(super) join_ends: Option<Instant>,
    pub(super) timers: Timers<Timer>,
    pub(super) last_id: u64,
    pub(super) events: VecDeque<Event>,
}

impl Group {
    /// Not a member yet. All randomness (back-off jitter) comes from `seed`.
    pub fn new(config: GroupConfig, seed: u64) -> Group {
        Group {
            config: config.within_bounds(),
            rng: Rng::with_seed(seed),
            state: MemberState::Idle,
            epoch: 0,
            member_id: String::new(),
            generation_id: None,
            topics: Vec::new(),
            reason: None,
            again: false,
            protocol: String::new(),
            owned: None,
            noticed: None,
            joining_since: None,
            refusals: 0,
            vain: Reminder::after(PATIENCE),
            nonsense: 0,
            call: RequestState::default(),
            held: None,
            beat: RequestState::default(),
            follow_up: None,
            valid_until: None,
            search: Search::default(),
            proof: Proof::Wanted,
            join_ends: None,
            timers: Timers::default(),
            last_id: 0,
            events: VecDeque::new(),
        }
    }

    /// Who we are; None before the first generation and when it is over for good. Kept through a rebalance, so that
    /// what is revoked can be committed.
    pub fn membership(&self) -> Option<Membership> {
        match self.state {
            MemberState::Idle | MemberState::Leaving { .. } | MemberState::Left | MemberState::Failed => None,
            _ => Some(Membership {
                generation_id: self.generation_id?,
                by_epoch: false,
                member_id: self.member_id.clone(),
                group_instance_id: self.config.group_instance_id.clone(),
            }),
        }
    }

    /// Until then no other member can have been given what we own, even if the coordinator cannot be reached; None while we
    /// own nothing.
    ///
    /// The coordinator counts the session from when it takes a heartbeat or answers SyncGroup. We do not know when that was, but
    /// it was not before we had sent the request: so we count from there. (It also counts from an OffsetCommit, but not in groups of
    /// KIP-848; and heartbeats are frequent enough.)
    /// A rebalance that has not got our JoinGroup may be over before the session is.
    pub fn valid_until(&self) -> Option<Instant> {
        let until = self.valid_until.filter(|_| self.owned.is_some())?;
        Some(self.join_ends.map_or(until, |ends| ends.min(until)))
    }

    /// Does a member keep what it may keep (KIP-429)?
    pub(super) fn is_cooperative(&self) -> bool {
        self.config.rebalance_protocol == RebalanceProtocol::Cooperative
    }

    /// What a member that joins now has kept, by topic: what its subscriptions say. Nothing under an eager protocol.
    pub fn owned(&self) -> Partitions {
        by_topic(self.owned.iter().flatten())
    }

    /// A member with an assignment, and nothing known that would end it?
    pub fn is_stable(&self) -> bool {
        matches!(self.state, MemberState::Stable)
    }

    /// Does this [`Event::AssignmentNeeded`] wait for its answer?
    pub fn awaits_assignments(&self, job: u64) -> bool {
        matches!(self.state, MemberState::Assigning { .. }) && job == self.epoch
    }

    /// Is a heartbeat of a stable member outstanding, or about to be?
    pub fn is_beating(&self) -> bool {
        self.is_stable() && (self.beat.is_in_flight() || self.beat.is_settled())
    }

    /// On the way into the group or into its next generation?
    pub fn is_rebalancing(&self) -> bool {
        match self.state {
            MemberState::Revoking { .. }
            | MemberState::Preparing
            | MemberState::Joining { .. }
            | MemberState::Assigning { .. }
            | MemberState::Syncing { .. } => true,
            MemberState::Idle
            | MemberState::Stable
            | MemberState::Leaving { .. }
            | MemberState::Left
            | MemberState::Failed => false,
        }
    }

    /// What is waited for; None while nothing is, or the next request is not out.
    pub fn waits_for(&self) -> Option<Waits> {
        match self.state {
            MemberState::Preparing => Some(Waits::Protocols),
            MemberState::Joining { .. } => self.call.is_in_flight().then_some(Waits::Members),
            MemberState::Assigning { .. } => Some(Waits::Assignment),
            MemberState::Syncing { .. } => self.call.is_in_flight().then_some(Waits::Leader),
            _ => None,
        }
    }

    /// Does the coordinator have a JoinGroup whose answer brings the first member id?
    pub fn awaits_member_id(&self) -> bool {
        self.member_id.is_empty() && self.call.is_in_flight()
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
        self.held.take_if(|held| *held == id);
        let sent = self.call.land(id).or_else(|| self.beat.land(id));
        // The one place where late answers end: of requests that were given up, and of older epochs.
        if let Some(sent) = sent
            && sent.about.epoch == self.epoch
        {
            self.answered(now, sent, response);
        }
        self.handle_timeout(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.call.settle(now);
        self.beat.settle(now);
        while let Some(timer) = self.expired(now) {
            match timer {
                Timer::Departure => self.departed(now),
                Timer::Session => self.session_expired(now),
            }
        }
    }

    fn poll_request(&mut self, now: Instant, coordinator: Option<i32>) -> Option<Outbound> {
        self.search.found(coordinator);
        self.handle_timeout(now);
        let coordinator = coordinator?;
        let barred = self.held.is_some() && !matches!(self.state, MemberState::Leaving { .. });
        if !barred
            && self.call.is_settled()
            && let Some((body, held)) = self.call_body()
        {
            let (asked, outbound) = self.outbound(coordinator, body, held, false);
            self.call.send(now, outbound.id, asked);
            return Some(outbound);
        }
        if self.beat.is_settled()
            && (self.beats() || self.beats_beside())
            && let Some(generation_id) = self.generation_id
        {
            let body = if self.is_to_prove(now) {
                self.config.sync_request(&self.member_id, generation_id, &self.protocol, &[]).into()
            } else {
                self.config.heartbeat_request(&self.member_id, generation_id).into()
            };
            let (asked, outbound) = self.outbound(coordinator, body, Duration::ZERO, true);
            self.beat.send(now, outbound.id, asked);
            self.beat.want_at(now + self.config.own_interval());
            return Some(outbound);
        }
        None
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn poll_timeout(&self, _now: Instant) -> Option<Instant> {
        let beat = if self.beats() || self.beats_beside() { self.beat.due_at() } else { None };
        let timer = self.timers.next_among(|timer| timer.counts(self.beats()));
        [self.call.due_at(), beat, timer].into_iter().flatten().min()
    }
}

impl Group {
    /// Every change of state goes through here. A new state is a new epoch, but for the two in which the answers to
    /// earlier requests still count: heartbeats while revoking, a JoinGroup while leaving.
    pub(super) fn transition(&mut self, to: MemberState) {
        let legal = self.state.may_become(&to);
        let (from, to_name) = (self.state.name(), to.name());
        let (level, message) = LogLevel::of_transition("Group membership", from, to_name, legal);
        self.log(level, message, Vec::new());
        if !legal {
            // Staying is safe: the ends stay ends, and elsewhere an answer or a timer is still to come.
            return;
        }
        if !matches!(to, MemberState::Revoking { .. } | MemberState::Leaving { .. }) {
            self.epoch += 1;
            self.proof = Proof::Wanted;
        }
        self.call.cancel();
        self.state = to;
    }

    fn expired(&mut self, now: Instant) -> Option<Timer> {
        let beats = self.beats();
        self.timers.expired_among(now, |timer| timer.counts(beats))
    }

    /// Are heartbeats to be sent?
    pub(super) fn beats(&self) -> bool {
        let member = match self.state {
            MemberState::Revoking { .. }
            | MemberState::Preparing
            | MemberState::Assigning { .. }
            | MemberState::Syncing { .. }
            | MemberState::Stable => self.generation_id.is_some(),
            MemberState::Idle
            | MemberState::Joining { .. }
            | MemberState::Leaving { .. }
            | MemberState::Left
            | MemberState::Failed => false,
        };
        member && !self.call.is_in_flight()
    }

    /// Are heartbeats to be sent beside a JoinGroup or SyncGroup that is held back? A member that has kept partitions goes on with
    /// them meanwhile, so it has to know whether they are its own: the answer to such a heartbeat tells it.
    pub(super) fn beats_beside(&self) -> bool {
        let is_held = matches!(self.state, MemberState::Joining { .. } | MemberState::Syncing { .. });
        is_held && self.call.is_in_flight() && self.owned.is_some() && self.generation_id.is_some()
    }

    /// May the session be over?
    pub(super) fn is_doubtful(&self, now: Instant) -> bool {
        self.valid_until().is_some_and(|until| until <= now)
    }

    /// Has another broker told us lately who the coordinator is, because of a doubt?
    pub(super) fn is_named(&self, now: Instant) -> bool {
        self.search.is_fresh(now, self.config.session_timeout)
    }

    /// Is the next heartbeat a SyncGroup?
    fn is_to_prove(&self, now: Instant) -> bool {
        self.proof == Proof::Wanted && self.is_doubtful(now) && self.is_named(now) && self.may_prove()
    }

    /// Does a SyncGroup change nothing? Elsewhere the group may wait for one of ours that assigns; a join renews the session itself.
    pub(super) fn may_prove(&self) -> bool {
        matches!(self.state, MemberState::Stable | MemberState::Revoking { .. })
    }

    /// What the state wants to send, and how long the broker may hold its answer back.
    fn call_body(&self) -> Option<(Request, Duration)> {
        match &self.state {
            MemberState::Joining { protocols } => {
                let body = self.config.join_request(&self.member_id, protocols, self.reason.as_deref());
                Some((body.into(), self.config.rebalance_timeout + JOIN_MARGIN))
            }
            MemberState::Syncing { round, assignments } => {
                let generation_id = self.generation_id?;
                let body =
                    self.config.sync_request(&self.member_id, generation_id, &round.protocol, assignments);
                Some((body.into(), self.config.rebalance_timeout))
            }
            MemberState::Leaving { reason, .. } if !self.member_id.is_empty() => {
                Some((self.config.leave_request(&self.member_id, reason).into(), Duration::ZERO))
            }
            _ => None,
        }
    }

    fn outbound(&mut self, node: i32, body: Request, held: Duration, beats: bool) -> (Asked, Outbound) {
        self.last_id += 1;
        let id = self.last_id;
        let asked = Asked { api: body.key(), epoch: self.epoch, beats };
        let to = match self.state {
            // Over the connection for requests: the coordinator's own waits for an answer that is held back.
            MemberState::Leaving { beside: true, .. } => Target::node(node),
            _ if asked.api == ApiKey::Heartbeat && self.beats_beside() => Target::node(node),
            _ => Target::coordinator(node),
        };
        (asked, Outbound { id, to, body, held })
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

/// A failure that another attempt mends is no news.
const PATIENCE: Duration = Duration::from_secs(10);
/// What kafkajs adds to the rebalance timeout: the coordinator answers late rather than early.
const JOIN_MARGIN: Duration = Duration::from_secs(5);
