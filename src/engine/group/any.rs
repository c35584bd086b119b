//! Membership by either protocol, or none: what the owner of a group asks of all these machines.
//!
//! ```text
//!  Classic ───────────────────────────────────────────────► classic
//!  Consumer ──────────────────────────────► consumer
//!  Auto ──► consumer ── the coordinator does not speak it ─► classic
//!  Manual ────────────────────────────────────────────────► manual
//! ```

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use crate::engine::machine::Log;
use crate::engine::machine::LogLevel;
use crate::engine::machine::Machine;
use crate::engine::machine::NetError;
use crate::engine::machine::Outbound;
use crate::engine::machine::Owned;
use crate::engine::machine::TopicPartition;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Response;
use crate::engine::protocol::TopicId;
use crate::engine::protocol::join_group::JoinGroupProtocol;
use crate::engine::protocol::sync_group::SyncGroupAssignment;

use super::assignors::Partitions;
use super::{
    ConsumerGroup, ConsumerGroupConfig, Event, Group, GroupConfig, GroupMembershipOperation,
    ManualAssignment, Membership, Subscription, Waits,
};

/// One of the two machines. See the module's documentation.
#[derive(Debug)]
pub struct AnyGroup {
    machine: Either,
    /// What to go on with by the classic protocol if the coordinator does not speak the other one.
    fallback: Option<Fallback>,
    /// What is told of that: what the machine before had still to tell, and what its member loses.
    told: VecDeque<Event>,
}

#[derive(Debug)]
enum Either {
    Classic(Box<Group>),
    Consumer(Box<ConsumerGroup>),
    Manual(Box<ManualAssignment>),
}

#[derive(Debug)]
struct Fallback {
    config: GroupConfig,
    seed: u64,
    subscription: Subscription,
}

/// Calls the same method of whichever machine it is.
macro_rules! either {
    ($group:expr, $machine:ident => $call:expr) => {
        match $group {
            Either::Classic($machine) => $call,
            Either::Consumer($machine) => $call,
            Either::Manual($machine) => $call,
        }
    };
}

// ---- commands

impl AnyGroup {
    /// Not a member yet, by the classic protocol. All randomness comes from `seed`.
    pub fn classic(config: GroupConfig, seed: u64) -> AnyGroup {
        AnyGroup {
            machine: Either::Classic(Box::new(Group::new(config, seed))),
            fallback: None,
            told: VecDeque::new(),
        }
    }

    /// Not a member yet, by KIP-848. A coordinator that does not speak it is met by the classic protocol, if there is a
    /// configuration for that.
    pub fn consumer(config: ConsumerGroupConfig, fallback: Option<GroupConfig>, seed: u64) -> AnyGroup {
        let subscription = Subscription::default();
        let fallback = fallback.map(|config| Fallback { config, seed, subscription });
        AnyGroup {
            machine: Either::Consumer(Box::new(ConsumerGroup::new(config, seed))),
            fallback,
            told: VecDeque::new(),
        }
    }

    /// No member of a group: the user assigns. `commits`: there is a group to commit to.
    pub fn manual(commits: bool) -> AnyGroup {
        let machine = Either::Manual(Box::new(ManualAssignment::new(commits)));
        AnyGroup { machine, fallback: None, told: VecDeque::new() }
    }

    /// See [`ManualAssignment::assign`].
    pub fn assign(&mut self, partitions: impl IntoIterator<Item = TopicPartition>) {
        if let Either::Manual(group) = &mut self.machine {
            group.assign(partitions);
        }
    }

    /// See [`Group::join`] and [`ConsumerGroup::join`].
    pub fn join(&mut self, now: Instant, subscription: Subscription) {
        if let Some(fallback) = &mut self.fallback {
            fallback.subscription.clone_from(&subscription);
        }
        match &mut self.machine {
            Either::Classic(group) => group.join(now, subscription.topics),
            Either::Consumer(group) => group.join(now, subscription),
            Either::Manual(_) => {}
        }
    }

    /// See [`Group::rejoin`]. By KIP-848 the coordinator watches the topics itself.
    pub fn rejoin(&mut self, now: Instant, reason: &str) {
        if let Either::Classic(group) = &mut self.machine {
            group.rejoin(now, reason);
        }
    }

    /// Answers [`Event::ProtocolsNeeded`].
    pub fn protocols(&mut self, now: Instant, job: u64, answer: Result<Vec<JoinGroupProtocol>, String>) {
        if let Either::Classic(group) = &mut self.machine {
            group.protocols(now, job, answer);
        }
    }

    /// Answers [`Event::AssignmentNeeded`].
    pub fn assignments(&mut self, now: Instant, job: u64, answer: Result<Vec<SyncGroupAssignment>, String>) {
        if let Either::Classic(group) = &mut self.machine {
            group.assignments(now, job, answer);
        }
    }

    /// See [`Group::owned`]. By KIP-848 no subscription says it.
    pub fn owned(&self) -> Partitions {
        match &self.machine {
            Either::Classic(group) => group.owned(),
            Either::Consumer(_) | Either::Manual(_) => Partitions::new(),
        }
    }

    /// Answers [`Event::TopicsUnknown`]; see [`ConsumerGroup::learn`].
    pub fn learn(&mut self, now: Instant, name_of: impl Fn(TopicId) -> Option<Arc<str>>) {
        if let Either::Consumer(group) = &mut self.machine {
            group.learn(now, name_of);
        }
    }

    /// Answers [`Event::Revoke`].
    pub fn revoked(&mut self, now: Instant) {
        either!(&mut self.machine, group => group.revoked(now));
    }

    /// A handler asks for a heartbeat; see [`AnyGroup::is_beating`].
    pub fn heartbeat(&mut self, now: Instant) {
        either!(&mut self.machine, group => group.heartbeat(now));
    }

    /// Leave; ends in [`Event::Left`] within five seconds, from any state. See [`Group::leave`] and [`ConsumerGroup::leave`].
    pub fn leave(&mut self, now: Instant, operation: GroupMembershipOperation) {
        either!(&mut self.machine, group => group.leave(now, operation));
    }

    /// The owner makes no progress: see [`Group::lost`] and [`ConsumerGroup::lost`].
    pub fn lost(&mut self, now: Instant, reason: &str) {
        either!(&mut self.machine, group => group.lost(now, reason));
    }
}

// ---- questions

impl AnyGroup {
    /// Who we are; None while there is nothing to commit as.
    pub fn membership(&self) -> Option<Membership> {
        either!(&self.machine, group => group.membership())
    }

    /// Until then nobody else can have been given what we own; None while we own nothing.
    pub fn valid_until(&self) -> Option<Instant> {
        either!(&self.machine, group => group.valid_until())
    }

    /// A member with an assignment, and nothing known that would end it?
    pub fn is_stable(&self) -> bool {
        either!(&self.machine, group => group.is_stable())
    }

    /// Does this [`Event::AssignmentNeeded`] wait for its answer?
    pub fn awaits_assignments(&self, job: u64) -> bool {
        matches!(&self.machine, Either::Classic(group) if group.awaits_assignments(job))
    }

    /// Is a heartbeat of a stable member outstanding, or about to be?
    pub fn is_beating(&self) -> bool {
        either!(&self.machine, group => group.is_beating())
    }

    /// On the way into the group or into its next generation?
    pub fn is_rebalancing(&self) -> bool {
        either!(&self.machine, group => group.is_rebalancing())
    }

    /// See [`Group::waits_for`]. By KIP-848 nobody waits for others, and failures are told by the machine itself.
    pub fn waits_for(&self) -> Option<Waits> {
        match &self.machine {
            Either::Classic(group) => group.waits_for(),
            Either::Consumer(_) | Either::Manual(_) => None,
        }
    }

    /// Does the coordinator have a request whose answer brings the first member id? By KIP-848 the id is ours.
    pub fn awaits_member_id(&self) -> bool {
        matches!(&self.machine, Either::Classic(group) if group.awaits_member_id())
    }

    /// What the user's `heartbeat()` should reject with.
    pub fn pending_error(&self) -> Option<ErrorCode> {
        either!(&self.machine, group => group.pending_error())
    }
}

impl Machine for AnyGroup {
    type Id = u64;
    /// The coordinator, while it is known.
    type View<'a> = Option<i32>;
    type Event = Event;

    fn handle_response(&mut self, now: Instant, id: u64, response: Result<Response, NetError>) {
        either!(&mut self.machine, group => group.handle_response(now, id, response));
        self.fall_back(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        either!(&mut self.machine, group => group.handle_timeout(now));
    }

    fn poll_request(&mut self, now: Instant, coordinator: Option<i32>) -> Option<Outbound> {
        either!(&mut self.machine, group => group.poll_request(now, coordinator))
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.told.pop_front().or_else(|| either!(&mut self.machine, group => group.poll_event()))
    }

    fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        either!(&self.machine, group => group.poll_timeout(now))
    }
}

impl AnyGroup {
    /// A coordinator that does not speak KIP-848 has heard nothing of us yet, or `group.version` was lowered under its members, whose
    /// sessions it ends. An expression that only a coordinator evaluates has no other way: then the failure stands.
    fn fall_back(&mut self, now: Instant) {
        let Either::Consumer(before) = &mut self.machine else { return };
        let is_unsupported = before.is_unsupported();
        let fallback = self.fallback.take_if(|to| is_unsupported && to.subscription.regex.is_none());
        let Some(Fallback { config, seed, subscription }) = fallback else { return };
        while let Some(event) = before.poll_event() {
            if !matches!(event, Event::Failed(_)) {
                self.told.push_back(event);
            }
        }
        if before.was_member() {
            let reason = ErrorCode::UNSUPPORTED_VERSION.message().into_owned();
            self.told.push_back(Event::Lost { partitions: Owned::All, reason });
        }
        let extra = vec![("groupId", config.group_id.clone())];
        let message = "The coordinator does not speak the protocol of KIP-848, joining by the classic one";
        let (level, namespace) = (LogLevel::Info, "ConsumerGroup");
        self.told.push_back(Event::Log(Log { level, namespace, message: message.to_owned(), extra }));
        let mut group = Group::new(config, seed);
        group.join(now, subscription.topics);
        self.machine = Either::Classic(Box::new(group));
    }
}
