//! Giving partitions up in good order: their lanes end their message, the user's hook is called, their resolved offsets are
//! committed, then they are released. A rebalance joins again after that, the poll-interval guard and a stop leave the group. Partitions that are not given
//! up notice nothing.
//!
//! ```text
//! Lanes ──idle, or too late──► Hook ──ended──► Flush ──flushed, or too late──► released
//! ```

use std::time::Duration;
use std::time::Instant;

use crate::engine::group::GroupMembershipOperation;
use crate::engine::machine::Failure;
use crate::engine::machine::Machine;
use crate::engine::machine::Owned;
use crate::engine::machine::Target;
use crate::engine::offsets;
use crate::engine::protocol::ErrorCode;

use super::Event;
use super::hooks::Hook;
use super::machine::{Consumer, Room};
use super::state::{Drain, State, Step, Why};

impl Consumer {
    /// The group asks for these partitions.
    pub(super) fn revoke(&mut self, now: Instant, what: Owned) {
        // A consumer that has crashed gives them up when it is stopped: nobody would take new ones.
        if self.state != State::Stable {
            return;
        }
        self.fetch.drain(&what);
        self.hooks.withdraw(&what);
        // The coordinator gives up on us after the rebalance timeout; the commit and the join need some of it.
        let until = now + self.config.rebalance_timeout.mul_f64(0.8);
        self.transition(State::Draining(Drain { what, why: Why::Rebalance, step: Step::Lanes { until } }));
        self.step_drain(now);
    }

    /// Lanes finish their message, offsets are committed, the group is left; ends in [`Event::Stopped`].
    ///
    /// The first call decides what becomes of the membership.
    pub fn stop(&mut self, now: Instant, leave: GroupMembershipOperation) {
        match &self.state {
            State::Idle => self.stopped(),
            State::Leaving { .. } | State::Stopped => {}
            state if state.is_stopping() => {}
            _ => {
                // A handler has as long as it ever has.
                let until = now + self.config.rebalance_timeout.max(self.config.max_poll_interval);
                self.leave = leave;
                self.fetch.suspend(true);
                self.hooks.withdraw(&Owned::All);
                let (what, why) = (Owned::All, Why::Stop);
                self.transition(State::Draining(Drain { what, why, step: Step::Lanes { until } }));
                self.refuse_vain_commits();
                self.step_drain(now);
            }
        }
    }

    /// Takes every step that is due.
    pub(super) fn step_drain(&mut self, now: Instant) {
        let late = self.state.ends_at().is_some_and(|until| now >= until);
        match &self.state {
            State::Draining(Drain { what, why, step: Step::Lanes { .. } })
                if late || self.fetch.deliveries().is_idle(what) =>
            {
                self.tell_hook(now, *why, what.clone());
            }
            State::Draining(Drain { what, why, step: Step::Hook }) if self.hooks.is_idle() => {
                self.flush(now, *why, what.clone());
            }
            State::Draining(Drain { step: Step::Flush { .. }, .. }) if late => self.released(now),
            State::Leaving { .. } if late => self.stopped(),
            _ => {}
        }
    }

    /// The handlers have ended: the user's code hears of it while it can still commit. A member that the group has put out, without
    /// our having heard of it as a loss, has lost its partitions.
    fn tell_hook(&mut self, now: Instant, why: Why, what: Owned) {
        let is_member = self.group.membership().is_some();
        self.hooks.go(if is_member { Hook::Revoked } else { Hook::Lost }, &what);
        self.call_hooks(now);
        if self.hooks.is_idle() {
            self.flush(now, why, what);
        } else {
            self.transition(State::Draining(Drain { what, why, step: Step::Hook }));
        }
    }

    /// Commits what is resolved. A rebalance has time for that. A member that leaves the group gives up on brokers that answer
    /// nothing, because its user, or the group, is waiting for it.
    pub(super) fn flush(&mut self, now: Instant, why: Why, what: Owned) {
        let limit = now + FLUSH_BOUND;
        let until = if why == Why::Rebalance { limit } else { now + ANSWER_WITHIN };
        if what == Owned::All {
            self.first_positions.open();
        }
        self.offsets.flush(what.clone());
        self.transition(State::Draining(Drain { what, why, step: Step::Flush { until, limit } }));
    }

    /// A broker has answered: it is worth waiting for the next answer.
    pub(super) fn heard(&mut self, now: Instant) {
        if let State::Draining(Drain { step: Step::Flush { until, limit }, .. }) = &mut self.state {
            *until = (*until).max(now + ANSWER_WITHIN).min(*limit);
        }
    }

    /// The last commit has ended, well or not.
    pub(super) fn flushed(&mut self, now: Instant) {
        if let State::Draining(Drain { step: Step::Flush { .. }, .. }) = self.state {
            self.released(now);
        }
    }

    fn released(&mut self, now: Instant) {
        let State::Draining(Drain { what, why, .. }) = self.state.clone() else { return };
        let silent = self.state.ends_at().is_some_and(|until| now >= until);
        self.release(now, &what);
        match why {
            Why::Rebalance => {
                self.transition(if what == Owned::All { State::Joining } else { State::Stable });
                self.group.revoked(now);
            }
            Why::PollInterval => self.leave_until_progress(now),
            Why::Stop => {
                let bound = match silent {
                    // The first JoinGroup may bring a member id that must not stay behind: the group would wait for it.
                    _ if self.group.awaits_member_id() => JOIN_BOUND,
                    true => LEAVE_BOUND_IN_SILENCE,
                    false => LEAVE_BOUND,
                };
                self.transition(State::Leaving { until: now + bound });
                self.group.leave(now, self.leave);
            }
        }
    }

    /// These partitions are not ours any more, nor is the membership if that is all of them.
    fn release(&mut self, now: Instant, what: &Owned) {
        self.unassign(what);
        if *what == Owned::All {
            self.offsets.member_changed(now, None);
        }
        self.offsets.unassign(what);
    }

    /// Nothing of these partitions is handed out any more, and no hook decides where they begin.
    pub(super) fn unassign(&mut self, what: &Owned) {
        self.fetch.unassign(what);
        self.hooks.unassign(what);
    }

    /// The group says that these partitions are gone already: nothing to commit, no lane to wait for.
    pub(super) fn lost(&mut self, now: Instant, what: &Owned) {
        self.hooks.go(Hook::Lost, what);
        self.call_hooks(now);
        if *what != Owned::All {
            return self.release(now, what);
        }
        self.fetch.suspend(self.state.is_stopping());
        self.release(now, what);
        self.first_positions.open();
        match self.state {
            State::Stable | State::Draining(Drain { why: Why::Rebalance, .. }) => {
                self.transition(State::Joining);
            }
            _ => {}
        }
        self.refuse_vain_commits();
        match self.state {
            State::Draining(Drain { why: Why::PollInterval, .. }) => self.leave_until_progress(now),
            // Busy lanes still have their time to end, and the commits of a lost membership none.
            State::Draining(Drain { why: Why::Stop, step: Step::Flush { .. }, .. }) => self.released(now),
            _ => {}
        }
    }

    /// A handler may be waiting for a commit that waits for the next generation, while that generation, or the end, waits for
    /// the handler: such commits fail.
    pub(super) fn refuse_vain_commits(&mut self) {
        if self.state.is_stalled() {
            let code = ErrorCode::UNKNOWN_MEMBER_ID;
            self.offsets.refuse_commits(&Failure::Broker { code, partition: None });
        } else if self.state.is_stopping() && !self.offsets.is_member() {
            self.offsets.refuse_commits(&Failure::Stopped);
        }
    }

    /// The group is left, as far as it goes.
    pub(super) fn stopped(&mut self) {
        self.transition(State::Stopped);
        self.fetch.suspend(true);
        self.unassign(&Owned::All);
        self.offsets.close();
        while let Some(event) = self.offsets.poll_event() {
            if let offsets::Event::CommitDone { ticket, result } = event {
                self.events.push_back(Event::CommitDone { ticket, result });
            }
        }
        self.settle_heartbeats();
        self.leave_behind();
        self.events.push_back(Event::Stopped);
    }

    /// What brokers still hold back, a long poll or a join, keeps its connections: those of a run that follows are others, or its first
    /// requests would wait behind that.
    fn leave_behind(&mut self) {
        let coordinator = self.cluster.coordinator(&self.coordinator_key);
        let coordinator = coordinator.filter(|_| self.outstanding.are_of(Room::Group));
        let held = coordinator.map(Target::coordinator).into_iter().chain(self.fetch.asked());
        self.events.extend(held.map(Event::Renew));
    }
}

/// One commit on a healthy broker takes milliseconds.
const FLUSH_BOUND: Duration = Duration::from_secs(5);
/// A member that leaves the group waits this long for an answer to any request about offsets or the cluster.
const ANSWER_WITHIN: Duration = Duration::from_millis(1_500);
/// Leaving is a courtesy: the session's end would do. A broker that is merely slow finds the request when it gets to it.
const LEAVE_BOUND: Duration = Duration::from_secs(1);
/// When the last commit was not answered, this will hardly be.
const LEAVE_BOUND_IN_SILENCE: Duration = Duration::from_millis(300);
/// More than the group itself needs to give up on a JoinGroup.
const JOIN_BOUND: Duration = Duration::from_secs(6);
