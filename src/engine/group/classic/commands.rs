//! What the owner may ask of the machine, and the moves that follow.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::engine::group::Event;
use crate::engine::group::GroupMembershipOperation;
use crate::engine::machine::Failure;
use crate::engine::machine::Machine;
use crate::engine::machine::Owned;
use crate::engine::machine::Timers;
use crate::engine::machine::TopicPartition;
use crate::engine::protocol::ApiKey;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::join_group::JoinGroupProtocol;
use crate::engine::protocol::sync_group::SyncGroupAssignment;

use super::machine::{Group, Timer};
use super::requests::Asked;
use super::state::{MemberState, Next, Round};

impl Group {
    /// Become a member that subscribes to `topics`; a member whose topics have changed joins again.
    pub fn join(&mut self, now: Instant, topics: Vec<String>) {
        match &mut self.state {
            MemberState::Left | MemberState::Failed | MemberState::Leaving { next: Next::Left, .. } => return,
            MemberState::Leaving { next, .. } => {
                *next = Next::Join;
                self.topics = topics;
            }
            MemberState::Idle => {
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
        if job == self.epoch && matches!(self.state, MemberState::Preparing) {
            match answer {
                Ok(protocols) => {
                    self.transition(MemberState::Joining { protocols });
                    self.call.want();
                }
                Err(message) => self.fail(Failure::Callback(message)),
            }
        }
        self.handle_timeout(now);
    }

    /// Answers [`Event::AssignmentNeeded`]: what each member gets.
    pub fn assignments(&mut self, now: Instant, job: u64, answer: Result<Vec<SyncGroupAssignment>, String>) {
        if job == self.epoch
            && let MemberState::Assigning { round } = &self.state
        {
            match answer {
                Ok(assignments) => self.sync(round.clone(), assignments),
                Err(message) => self.fail(Failure::Callback(message)),
            }
        }
        self.handle_timeout(now);
    }

    /// A handler asks for a heartbeat: it goes out unless the last one was answered within the interval. See
    /// [`Group::is_beating`].
    pub fn heartbeat(&mut self, now: Instant) {
        if self.is_stable() && self.beat.is_ready(now) {
            self.beat.want_now();
        }
        self.handle_timeout(now);
    }

    /// Answers [`Event::Revoke`]: the handlers are done and what could be committed is committed.
    pub fn revoked(&mut self, now: Instant) {
        if let MemberState::Revoking { partitions } = &self.state {
            match (partitions, &mut self.owned) {
                (Owned::All, owned) => *owned = None,
                (Owned::Only(revoked), Some(owned)) => owned.retain(|partition| !revoked.contains(partition)),
                (Owned::Only(_), None) => {}
            }
            self.prepare(now);
        }
        self.handle_timeout(now);
    }

    /// Leave for good: ends in [`Event::Left`] within five seconds, from any state. A dynamic member sends one
    /// LeaveGroup, beside a JoinGroup or SyncGroup that the coordinator holds back. Only the first JoinGroup is waited
    /// for, because its answer brings the member id that must not stay behind in the group; that answer comes at once
    /// (KIP-394). Whether anything is sent is for `operation` to say (KIP-1092).
    pub fn leave(&mut self, now: Instant, operation: GroupMembershipOperation) {
        match &mut self.state {
            MemberState::Left => {}
            MemberState::Leaving { next, .. } => *next = Next::Left,
            _ => self.depart(now, Next::Left, operation, "the consumer is being closed"),
        }
        self.handle_timeout(now);
    }

    /// The owner makes no progress and must not keep its partitions any longer: they are lost, the group is left,
    /// and the machine waits for [`Group::join`].
    pub fn lost(&mut self, now: Instant, reason: &str) {
        match &mut self.state {
            MemberState::Idle
            | MemberState::Left
            | MemberState::Failed
            | MemberState::Leaving { next: Next::Left, .. } => {}
            MemberState::Leaving { next, .. } => *next = Next::Idle,
            _ => {
                self.lose(reason);
                // What the coordinator will say to a handler that is still at it.
                self.noticed = Some(ErrorCode::UNKNOWN_MEMBER_ID);
                self.depart(now, Next::Idle, GroupMembershipOperation::Default, reason);
            }
        }
        self.handle_timeout(now);
    }
}

// ---- moves

impl Group {
    /// The owner shall write subscriptions, for a JoinGroup.
    pub(super) fn prepare(&mut self, now: Instant) {
        self.again = false;
        self.joining_since.get_or_insert(now);
        self.note_rebalance();
        self.transition(MemberState::Preparing);
        self.events.push_back(Event::ProtocolsNeeded { job: self.epoch, topics: self.topics.clone() });
    }

    /// The rebalance has begun, though not before the session was last confirmed to a member at rest. The coordinator waits for the
    /// rebalance timeout; one that has never got our JoinGroup gives away then what we have kept.
    pub(super) fn note_rebalance(&mut self) {
        if let (true, Some(until), None) = (self.is_cooperative(), self.valid_until(), self.join_ends) {
            self.join_ends = Some(until - self.config.session_timeout + self.config.rebalance_timeout);
        }
    }

    /// On the way into another generation: what the owner shall give back first.
    pub(super) fn revoke(&mut self, now: Instant) {
        if !self.is_cooperative() {
            return self.revoke_these(Owned::All);
        }
        let owned = self.owned.iter().flatten();
        let unsubscribed =
            owned.filter(|partition| self.topics.iter().all(|topic| **topic != *partition.topic));
        let unsubscribed: BTreeSet<TopicPartition> = unsubscribed.cloned().collect();
        if unsubscribed.is_empty() {
            self.prepare(now);
        } else {
            self.revoke_these(Owned::Only(unsubscribed));
        }
    }

    pub(super) fn revoke_these(&mut self, partitions: Owned) {
        self.transition(MemberState::Revoking { partitions: partitions.clone() });
        self.events.push_back(Event::Revoke { partitions });
    }

    pub(super) fn sync(&mut self, round: Round, assignments: Vec<SyncGroupAssignment>) {
        self.transition(MemberState::Syncing { round, assignments });
        self.call.want_now();
    }

    /// Our subscription or the world has changed: what was joined, or is being joined, is out of date.
    fn start_over(&mut self, now: Instant, reason: &str, topics_changed: bool) {
        let in_flight = self.call.sent().is_some_and(|sent| sent.about.epoch == self.epoch);
        match self.state {
            MemberState::Idle | MemberState::Leaving { .. } | MemberState::Left | MemberState::Failed => {
                return;
            }
            MemberState::Stable => self.revoke(now),
            MemberState::Joining { .. } | MemberState::Syncing { .. } if in_flight => self.again = true,
            // The JoinGroup that is about to go out says it all.
            MemberState::Revoking { .. } => {}
            MemberState::Preparing | MemberState::Joining { .. } if !topics_changed => {}
            MemberState::Preparing
            | MemberState::Joining { .. }
            | MemberState::Assigning { .. }
            | MemberState::Syncing { .. } => {
                self.prepare(now);
            }
        }
        self.reason = Some(reason.to_owned());
    }

    pub(super) fn lose(&mut self, reason: &str) {
        if self.owned.take().is_some() {
            self.events.push_back(Event::Lost { partitions: Owned::All, reason: reason.to_owned() });
        }
    }

    /// Goes out of the group by way of LeaveGroup, if there is something to leave.
    fn depart(&mut self, now: Instant, next: Next, operation: GroupMembershipOperation, reason: &str) {
        let is_join = |asked: &Asked| asked.epoch == self.epoch && asked.api == ApiKey::JoinGroup;
        let joining = self.call.sent().filter(|sent| is_join(&sent.about)).map(|sent| sent.at);
        self.owned = None;
        let nothing = self.member_id.is_empty() && joining.is_none();
        let remains = match operation {
            GroupMembershipOperation::Default => self.config.group_instance_id.is_some(),
            GroupMembershipOperation::LeaveGroup => false,
            GroupMembershipOperation::RemainInGroup => true,
        };
        if nothing || remains {
            self.arrive(now, next);
        } else {
            // A coordinator that has been silent at our first JoinGroup for as long does not get as long again.
            let since = joining.filter(|_| self.member_id.is_empty()).unwrap_or(now);
            self.timers.set(Timer::Departure, (since + LEAVE_WITHIN).max(now + LEAVE_AT_LEAST));
            if !self.member_id.is_empty() {
                self.held = self.call.give_up().map(|sent| sent.id).or(self.held);
            }
            let beside = self.held.is_some();
            self.transition(MemberState::Leaving { next, reason: reason.to_owned(), beside });
            self.call.want_now();
        }
    }

    /// Leaving is over, well or not.
    pub(super) fn departed(&mut self, now: Instant) {
        if let MemberState::Leaving { next, .. } = self.state {
            self.arrive(now, next);
        }
    }

    fn arrive(&mut self, now: Instant, next: Next) {
        self.member_id.clear();
        self.generation_id = None;
        self.timers = Timers::default();
        self.joining_since = None;
        self.reason = None;
        match next {
            Next::Left => {
                self.transition(MemberState::Left);
                self.events.push_back(Event::Left);
            }
            Next::Idle => self.transition(MemberState::Idle),
            Next::Join => {
                self.transition(MemberState::Idle);
                self.prepare(now);
            }
        }
    }

    pub(super) fn fail(&mut self, failure: Failure) {
        self.owned = None;
        self.transition(MemberState::Failed);
        self.events.push_back(Event::Failed(failure));
    }
}

fn same_topics(a: &[String], b: &[String]) -> bool {
    a.iter().collect::<BTreeSet<_>>() == b.iter().collect::<BTreeSet<_>>()
}

/// How long `leave` may take, whatever the coordinator does.
const LEAVE_WITHIN: Duration = Duration::from_secs(5);
/// How long the coordinator gets at the least to take a LeaveGroup.
const LEAVE_AT_LEAST: Duration = Duration::from_secs(1);
