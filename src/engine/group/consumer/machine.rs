//! The machine itself: what it remembers, what its owner may ask, its side of the contract.

use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::engine::group::search::Search;
use crate::engine::group::{Event, GroupMembershipOperation, Membership, Subscription};
use crate::engine::machine::Log;
use crate::engine::machine::LogLevel;
use crate::engine::machine::Machine;
use crate::engine::machine::NetError;
use crate::engine::machine::Outbound;
use crate::engine::machine::Owned;
use crate::engine::machine::Reminder;
use crate::engine::machine::RequestState;
use crate::engine::machine::Target as To;
use crate::engine::machine::Timers;
use crate::engine::machine::TopicPartition;
use crate::engine::machine::by_topic;
use crate::engine::machine::timers;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Response;
use crate::engine::protocol::TopicId;
use crate::engine::protocol::consumer_group_heartbeat::{JOIN_EPOCH, LEAVE_EPOCH, LEAVE_EPOCH_OF_STATIC};

use super::ConsumerGroupConfig;
use super::state::{Next, State};
use super::target::Target;
use super::told::Told;

timers! {
    /// What happens by itself.
    pub(super) enum Timer {
        /// The way out of the group has taken long enough.
        Departure,
        /// The heartbeat that is out must have been answered by then.
        Answer,
    }
}

/// Membership in a group of the consumer protocol. See the room's documentation.
#[derive(Debug, Clone)]
pub struct ConsumerGroup {
    pub(super) config: ConsumerGroupConfig,
    pub(super) rng: Rng,
    pub(super) state: State,
    /// Ours, made once: the coordinator knows us by it through every leave and join.
    pub(super) member_id: String,
    /// From the coordinator; 0 while we are no member.
    pub(super) epoch: i32,
    pub(super) subscription: Subscription,
    pub(super) target: Target,
    /// What is ours.
    pub(super) owned: BTreeSet<TopicPartition>,
    /// Has there been an assignment since we joined?
    pub(super) assigned: bool,
    /// Partitions were given up since the last [`Event::Joined`].
    pub(super) has_revoked: bool,
    /// Since when there is something that the next [`Event::Joined`] tells.
    pub(super) joining_since: Option<Instant>,
    pub(super) told: Told,
    /// Does the coordinator have, or may it have, a heartbeat of ours that tells what we own, whose answer we have not got? By
    /// it it may have taken back what our target still has: nothing is taken up meanwhile.
    pub(super) is_telling: bool,
    /// The topics without a name that our owner was told of last.
    pub(super) nameless: Vec<TopicId>,
    /// Our owner was told of topics without a name, and has not said yet which of them it knows: the target waits for that.
    pub(super) awaits_names: bool,
    /// Does the coordinator know us as a member, or may it, as far as we have heard?
    pub(super) may_be_known: bool,
    /// Leave for good although static members come back.
    pub(super) leave_for_good: bool,
    /// What is outstanding comes with what the coordinator remembers once it has taken it. Spaced for the user's
    /// `heartbeat()`.
    pub(super) beat: RequestState<Told>,
    /// It is not taken, again and again.
    pub(super) vain: Reminder,
    pub(super) timers: Timers<Timer>,
    /// Between two heartbeats, as the coordinator wants it.
    pub(super) interval: Duration,
    /// Until then we have joined a short while ago, and heartbeats are closer together.
    pub(super) newcomer_until: Option<Instant>,
    pub(super) valid_until: Option<Instant>,
    pub(super) search: Search,
    /// Why `heartbeat()` should reject, since we were last stable.
    pub(super) noticed: Option<ErrorCode>,
    /// Answers that made no sense since the last one that did.
    pub(super) nonsense: u32,
    pub(super) is_unsupported: bool,
    pub(super) last_id: u64,
    pub(super) events: VecDeque<Event>,
}

// ---- commands

impl ConsumerGroup {
    /// Not a member yet. The member id and all randomness (back-off jitter) come from `seed`.
    pub fn new(config: ConsumerGroupConfig, seed: u64) -> ConsumerGroup {
        let mut rng = Rng::with_seed(seed);
        ConsumerGroup {
            config,
            member_id: member_id(&mut rng),
            rng,
            state: State::Idle,
            epoch: JOIN_EPOCH,
            subscription: Subscription::default(),
            target: Target::default(),
            owned: BTreeSet::new(),
            assigned: false,
            has_revoked: false,
            joining_since: None,
            told: Told::default(),
            is_telling: false,
            nameless: Vec::new(),
            awaits_names: false,
            may_be_known: false,
            leave_for_good: false,
            beat: RequestState::default(),
            vain: Reminder::default(),
            timers: Timers::default(),
            interval: FIRST_INTERVAL,
            newcomer_until: None,
            valid_until: None,
            search: Search::default(),
            noticed: None,
            nonsense: 0,
            is_unsupported: false,
            last_id: 0,
            events: VecDeque::new(),
        }
    }

    /// Become a member that subscribes to this; a member tells the coordinator of the change at once.
    pub fn join(&mut self, now: Instant, subscription: Subscription) {
        let changed = subscription != self.subscription;
        match &mut self.state {
            State::Left | State::Failed | State::Leaving { next: Next::Left, .. } => return,
            State::Leaving { next } => *next = Next::Join,
            State::Idle => self.begin(now),
            State::Joining | State::Revoking { .. } | State::Acknowledging | State::Stable => {
                if changed {
                    self.beat.want_now();
                }
            }
        }
        self.subscription = subscription;
    }

    /// Answers [`Event::Revoke`]: the handlers are done and what could be committed is committed.
    pub fn revoked(&mut self, now: Instant) {
        if let State::Revoking { partitions } = &self.state {
            // Not what the target says by now: those that it has lost since are still being handled.
            self.owned.retain(|partition| !partitions.contains(partition));
            self.has_revoked = true;
            if self.is_telling {
                self.transition(State::Acknowledging);
                self.beat.want_now();
            } else {
                self.reconcile(now);
            }
        }
    }

    /// Answers [`Event::TopicsUnknown`], and is to be called again whenever the metadata has changed: names of topics that were
    /// not known may be.
    pub fn learn(&mut self, now: Instant, name_of: impl Fn(TopicId) -> Option<Arc<str>>) {
        let is_awaited = std::mem::take(&mut self.awaits_names);
        let has_news = self.target.learn(name_of);
        self.nameless = self.target.missing();
        let takes_up = matches!(self.state, State::Joining | State::Stable | State::Acknowledging);
        if (has_news || is_awaited) && takes_up && !self.is_telling && self.epoch != JOIN_EPOCH {
            self.reconcile(now);
        }
    }

    /// A handler asks for a heartbeat: it goes out unless the last one was answered within the interval. See
    /// [`ConsumerGroup::is_beating`].
    pub fn heartbeat(&mut self, now: Instant) {
        if self.state == State::Stable && self.beat.is_ready(now) {
            self.beat.want_now();
        }
    }

    /// Leave: ends in [`Event::Left`] within [`LEAVE_WITHIN`], from any state. Partitions must have been given up before. A
    /// static member says that it may come back, unless it is to leave; a dynamic one that is to remain says nothing.
    pub fn leave(&mut self, now: Instant, operation: GroupMembershipOperation) {
        self.leave_for_good = operation == GroupMembershipOperation::LeaveGroup;
        let is_silent =
            operation == GroupMembershipOperation::RemainInGroup && self.config.group_instance_id.is_none();
        match &mut self.state {
            State::Left => {}
            _ if is_silent => {
                self.owned.clear();
                self.forget_target();
                self.arrive(now, Next::Left);
            }
            State::Leaving { next } => *next = Next::Left,
            _ => self.depart(now, Next::Left),
        }
    }

    /// The owner makes no progress and must not keep its partitions: they are lost, the group is left, and the machine waits
    /// for [`ConsumerGroup::join`].
    pub fn lost(&mut self, now: Instant, reason: &str) {
        match &mut self.state {
            State::Idle | State::Left | State::Failed | State::Leaving { next: Next::Left } => {}
            State::Leaving { next } => *next = Next::Idle,
            _ => {
                self.lose(reason);
                // What the coordinator will say to a handler that is still at it.
                self.noticed = Some(ErrorCode::UNKNOWN_MEMBER_ID);
                self.depart(now, Next::Idle);
            }
        }
    }
}

// ---- questions

impl ConsumerGroup {
    /// Who we are: what commits have to carry. The epoch stands where the generation of a classic group does.
    pub fn membership(&self) -> Option<Membership> {
        let is_member = match self.state {
            State::Revoking { .. } | State::Acknowledging | State::Stable => true,
            // A member that is fenced joins anew; one that has never been one has nothing to commit.
            State::Joining | State::Idle | State::Leaving { .. } | State::Left | State::Failed => false,
        };
        is_member.then(|| Membership {
            generation_id: self.epoch,
            by_epoch: true,
            member_id: self.member_id.clone(),
            group_instance_id: self.config.group_instance_id.clone(),
        })
    }

    /// Until then nobody else can have been given what we own, whatever we do not hear; None while we own nothing. The session
    /// timeout is the broker's secret. It is a multiple of the interval; three intervals without an answer are taken for its end.
    pub fn valid_until(&self) -> Option<Instant> {
        self.valid_until.filter(|_| !self.owned.is_empty())
    }

    /// A member that owns what it is to own?
    pub fn is_stable(&self) -> bool {
        self.state == State::Stable
    }

    /// Is a heartbeat of a stable member outstanding, or about to be?
    pub fn is_beating(&self) -> bool {
        self.is_stable() && (self.beat.is_in_flight() || self.beat.is_settled())
    }

    /// On the way into the group, or from one assignment to the next?
    pub fn is_rebalancing(&self) -> bool {
        matches!(self.state, State::Joining | State::Revoking { .. } | State::Acknowledging)
    }

    /// What the user's `heartbeat()` should reject with.
    pub fn pending_error(&self) -> Option<ErrorCode> {
        self.noticed
    }

    /// Has it failed because the coordinator does not speak this protocol, or does not any more?
    pub fn is_unsupported(&self) -> bool {
        self.is_unsupported
    }

    /// Has the coordinator ever taken us for a member?
    pub fn was_member(&self) -> bool {
        self.beat.spaced_until().is_some()
    }
}

impl Machine for ConsumerGroup {
    type Id = u64;
    /// The coordinator, while it is known.
    type View<'a> = Option<i32>;
    type Event = Event;

    fn handle_response(&mut self, now: Instant, id: u64, response: Result<Response, NetError>) {
        if let Some(sent) = self.beat.land(id) {
            self.timers.clear(Timer::Answer);
            self.answered(now, sent, response);
        }
        self.handle_timeout(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        while let Some(timer) = self.timers.expired(now) {
            match timer {
                Timer::Departure => self.departed(now),
                Timer::Answer => self.fall_silent(now),
            }
        }
        self.beat.settle(now);
    }

    fn poll_request(&mut self, now: Instant, coordinator: Option<i32>) -> Option<Outbound> {
        self.search.found(coordinator);
        self.handle_timeout(now);
        let coordinator = coordinator?;
        if !self.beat.is_settled() {
            return None;
        }
        let (body, told) = match self.state {
            State::Idle | State::Left | State::Failed => return None,
            State::Leaving { .. } => {
                (self.config.farewell(&self.member_id, self.epoch_to_leave()), Told::default())
            }
            State::Joining | State::Revoking { .. } | State::Acknowledging | State::Stable => {
                let owned = self.target.by_id(&self.owned);
                self.config.heartbeat(&self.member_id, self.epoch, &self.subscription, owned, &self.told)
            }
        };
        self.last_id += 1;
        self.is_telling |= body.owned.is_some();
        self.beat.send(now, self.last_id, told);
        self.timers.set(Timer::Answer, now + self.interval * SESSION_INTERVALS);
        Some(Outbound {
            id: self.last_id,
            to: To::coordinator(coordinator),
            body: body.into(),
            held: Duration::ZERO,
        })
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn poll_timeout(&self, _now: Instant) -> Option<Instant> {
        self.beat.due_at().into_iter().chain(self.timers.next()).min()
    }
}

// ---- moves

impl ConsumerGroup {
    /// Every change of state goes through here.
    pub(super) fn transition(&mut self, to: State) {
        let legal = self.state.may_become(&to);
        let (from, to_name) = (self.state.name(), to.name());
        let (level, message) = LogLevel::of_transition("Group membership", from, to_name, legal);
        self.log(level, message, Vec::new());
        if !legal {
            // Staying is safe: the ends stay ends, and elsewhere an answer or a timer is still to come.
            return;
        }
        self.state = to;
    }

    /// Joins, as somebody who owns nothing.
    pub(super) fn begin(&mut self, now: Instant) {
        self.transition(State::Joining);
        self.epoch = JOIN_EPOCH;
        self.told = Told::default();
        self.is_telling = false;
        self.forget_target();
        self.owned.clear();
        self.assigned = false;
        self.has_revoked = false;
        self.joining_since = Some(now);
        self.valid_until = None;
        // What is outstanding was said by the member that we were.
        self.give_up();
        self.beat.want_now();
    }

    /// What the target has that is to be said of it before it is taken up: which topics have no name. True = the owner answers.
    pub(super) fn ask_for_names(&mut self) -> bool {
        let missing = self.target.missing();
        if missing == self.nameless {
            return false;
        }
        self.nameless.clone_from(&missing);
        self.awaits_names = true;
        self.events.push_back(Event::TopicsUnknown(missing));
        true
    }

    /// Moves from what we own to what the coordinator wants us to own.
    pub(super) fn reconcile(&mut self, now: Instant) {
        let target = self.target.resolved();
        let revoked: BTreeSet<TopicPartition> = self.owned.difference(&target).cloned().collect();
        if !revoked.is_empty() {
            self.transition(State::Revoking { partitions: revoked.clone() });
            self.rebalancing(ErrorCode::REBALANCE_IN_PROGRESS);
            self.events.push_back(Event::Revoke { partitions: Owned::Only(revoked) });
            return;
        }
        if !self.assigned || self.has_revoked || target != self.owned {
            self.assigned = true;
            self.owned = target;
            self.tell_joined(now);
        }
        self.acknowledge();
    }

    fn tell_joined(&mut self, now: Instant) {
        let since = self.joining_since.take().unwrap_or(now);
        self.has_revoked = false;
        let joined = Event::Joined {
            duration: now.saturating_duration_since(since),
            is_leader: false,
            leader_id: String::new(),
            member_id: self.member_id.clone(),
            generation_id: self.epoch,
            protocol: PROTOCOL.to_owned(),
            assignment: by_topic(&self.owned),
        };
        self.events.push_back(joined);
    }

    /// The coordinator is told what we own, unless it knows.
    fn acknowledge(&mut self) {
        if !self.told.owns(&self.target.by_id(&self.owned)) {
            self.transition(State::Acknowledging);
            self.beat.want_now();
        } else if self.state != State::Stable {
            self.transition(State::Stable);
            self.noticed = None;
            self.joining_since = None;
        }
    }

    pub(super) fn rebalancing(&mut self, code: ErrorCode) {
        self.events.push_back(Event::Rebalancing { member_id: self.member_id.clone(), code });
    }

    pub(super) fn lose(&mut self, reason: &str) {
        if !std::mem::take(&mut self.owned).is_empty() || self.assigned {
            self.events.push_back(Event::Lost { partitions: Owned::All, reason: reason.to_owned() });
        }
        self.assigned = false;
    }

    /// Nothing is to be ours.
    fn forget_target(&mut self) {
        self.target.clear();
        self.awaits_names = false;
        if !std::mem::take(&mut self.nameless).is_empty() {
            self.events.push_back(Event::TopicsUnknown(Vec::new()));
        }
    }

    /// The answer to the heartbeat that is out is not waited for any more.
    pub(super) fn give_up(&mut self) {
        let is_farewell = matches!(self.state, State::Leaving { .. });
        self.may_be_known |= self.beat.give_up().is_some() && !is_farewell;
        self.timers.clear(Timer::Answer);
    }

    /// The place in the group that is refused to us may be our own: of an attempt to join whose answer was lost, of a farewell that was, or
    /// that of the member that was fenced. It is given back, and then taken anew, or it would be nobody's until the session is over. If
    /// it is another member's, the coordinator says so.
    pub(super) fn give_place_back(&mut self, now: Instant) {
        self.transition(State::Leaving { next: Next::Join });
        self.timers.set(Timer::Departure, now + LEAVE_WITHIN);
        self.beat.want_now();
    }

    /// Goes out of the group, if it was asked to be in it.
    pub(super) fn depart(&mut self, now: Instant, next: Next) {
        self.owned.clear();
        self.forget_target();
        let joins = self.state == State::Joining && !self.beat.is_in_flight();
        // The coordinator takes the requests of a connection in order: it need not wait for the answer to the last one.
        self.give_up();
        if joins || matches!(self.state, State::Idle | State::Failed) {
            self.arrive(now, next);
        } else {
            self.transition(State::Leaving { next });
            self.timers.set(Timer::Departure, now + LEAVE_WITHIN);
            self.beat.want_now();
        }
    }

    /// Leaving is over, well or not.
    pub(super) fn departed(&mut self, now: Instant) {
        if let State::Leaving { next } = self.state {
            self.arrive(now, next);
        }
    }

    fn arrive(&mut self, now: Instant, next: Next) {
        self.beat.cancel();
        self.give_up();
        self.timers.clear(Timer::Departure);
        self.epoch = JOIN_EPOCH;
        self.valid_until = None;
        match next {
            Next::Left => {
                self.transition(State::Left);
                self.events.push_back(Event::Left);
            }
            Next::Idle => self.rest(),
            Next::Join => {
                self.rest();
                self.begin(now);
            }
        }
    }

    fn rest(&mut self) {
        if self.state != State::Idle {
            self.transition(State::Idle);
        }
    }

    fn epoch_to_leave(&self) -> i32 {
        let comes_back = self.config.group_instance_id.is_some() && !self.leave_for_good;
        if comes_back { LEAVE_EPOCH_OF_STATIC } else { LEAVE_EPOCH }
    }

    pub(super) fn log(
        &mut self,
        level: LogLevel,
        message: impl Into<String>,
        mut extra: Vec<(&'static str, String)>,
    ) {
        extra.push(("groupId", self.config.group_id.clone()));
        extra.push(("memberId", self.member_id.clone()));
        let (namespace, message) = ("ConsumerGroup", message.into());
        self.events.push_back(Event::Log(Log { level, namespace, message, extra }));
    }
}

/// 16 random bytes as base64url, like Kafka's own UUIDs.
fn member_id(rng: &mut Rng) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    (0..22).map(|_| char::from(ALPHABET[rng.usize(..ALPHABET.len())])).collect()
}

/// In the place where a classic group has its assignor.
const PROTOCOL: &str = "consumer";
/// So many intervals without an answer are the end of the session, as far as we can know.
pub(super) const SESSION_INTERVALS: u32 = 3;
/// Until the coordinator says otherwise: Kafka's default.
const FIRST_INTERVAL: Duration = Duration::from_secs(5);
/// How long `leave` may take, whatever the coordinator does.
const LEAVE_WITHIN: Duration = Duration::from_secs(5);
