//! Letting go of partitions in good order: lanes finish their message, resolved offsets are committed, then the
//! partitions go. A rebalance rejoins after it, a stop leaves the group. Also here: the poll-interval guard, which
//! lets go when a handler does not: it skips the lanes, and leaves the group until the handler moves on.
//!
//! ```text
//! Lanes ──all idle, or deadline──► Flush ──flushed, or deadline──► released
//! ```

use std::time::Duration;
use std::time::Instant;

use crate::engine::machine::Failure;
use crate::engine::machine::Log;
use crate::engine::machine::LogLevel;
use crate::engine::machine::Machine;
use crate::engine::offsets;
use crate::engine::protocol::ErrorCode;

use super::Event;
use super::machine::{Consumer, Phase};
use super::opening::Opening;

#[derive(Debug, Clone, Copy)]
pub(super) struct Drain {
    step: Step,
    deadline: Instant,
    /// Silence moves the deadline forward to [`SILENCE`], answers move it back, but not beyond this.
    limit: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Lanes,
    Flush,
    /// Only when stopping: LeaveGroup is on its way.
    Leave,
}

impl Drain {
    pub(super) fn waiting(deadline: Instant) -> Drain {
        Drain { step: Step::Lanes, deadline, limit: deadline }
    }

    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }
}

impl Consumer {
    /// The group asks for our partitions.
    pub(super) fn begin_drain(&mut self, now: Instant) {
        if self.drain.is_none() {
            self.fetch.suspend(false);
            // The coordinator gives up on us after the rebalance timeout; the commit and the join need some of it.
            let deadline = now + self.config.rebalance_timeout.mul_f64(0.8);
            self.drain = Some(Drain::waiting(deadline));
        }
        self.step_drain(now);
    }

    /// Takes every step that is due.
    pub(super) fn step_drain(&mut self, now: Instant) {
        let Some(drain) = self.drain else { return };
        let late = now >= drain.deadline;
        match drain.step {
            Step::Lanes if late || self.fetch.deliveries().lanes_idle() => self.flush(now),
            Step::Flush if late => self.released(now),
            Step::Leave if late => self.stopped(),
            _ => {}
        }
    }

    /// Commits what is resolved. A rebalance has time for that; whoever leaves does not wait for brokers that are silent.
    fn flush(&mut self, now: Instant) {
        let limit = now + FLUSH_BOUND;
        let rebalances = self.phase == Phase::Running && !self.stalled;
        let deadline = if rebalances { limit } else { now + SILENCE };
        self.drain = Some(Drain { step: Step::Flush, deadline, limit });
        self.opening = Opening::Open;
        self.offsets.flush();
    }

    /// A broker has answered: it is worth waiting for the next answer.
    pub(super) fn heard(&mut self, now: Instant) {
        if let Some(drain) = &mut self.drain
            && drain.step == Step::Flush
        {
            drain.deadline = drain.deadline.max(now + SILENCE).min(drain.limit);
        }
    }

    /// The last commit has ended, well or not.
    pub(super) fn flushed(&mut self, now: Instant) {
        if self.drain.is_some_and(|drain| drain.step == Step::Flush) {
            self.released(now);
        }
    }

    fn released(&mut self, now: Instant) {
        let silent = self.drain.is_some_and(|drain| now >= drain.deadline);
        self.fetch.unassign_all();
        self.offsets.revoke_all();
        self.drain = None;
        if let Phase::Stopping { .. } = self.phase {
            // The first JoinGroup may bring a member id that must not stay behind: the group would wait for it.
            let bound = match silent {
                _ if self.group.awaits_member_id() => JOIN_BOUND,
                true => LEAVE_BOUND_IN_SILENCE,
                false => LEAVE_BOUND,
            };
            let deadline = now + bound;
            self.drain = Some(Drain { step: Step::Leave, deadline, limit: deadline });
            self.group.leave(now);
        } else if self.stalled {
            self.leave_until_progress(now);
        } else {
            self.group.revoked(now);
        }
    }

    /// The partitions are gone already: nothing to commit, nothing to wait for.
    pub(super) fn lost(&mut self, now: Instant) {
        self.fetch.suspend(matches!(self.phase, Phase::Stopping { .. }));
        self.fetch.unassign_all();
        self.offsets.revoke_all();
        self.opening = Opening::Open;
        // The guard was about to leave.
        let leaving = self.stalled && self.drain.is_some();
        if self.phase == Phase::Running {
            self.drain = None;
        }
        self.refuse_vain_commits();
        self.flushed(now);
        if leaving && self.phase == Phase::Running {
            self.leave_until_progress(now);
        }
    }

    /// A handler may be waiting for a commit that waits for a generation, and the generation for the handler: those
    /// commits fail.
    pub(super) fn refuse_vain_commits(&mut self) {
        if self.stalled {
            let code = ErrorCode::UNKNOWN_MEMBER_ID;
            self.offsets.refuse_commits(&Failure::Broker { code, partition: None });
        } else if matches!(self.phase, Phase::Stopping { .. }) && !self.offsets.is_member() {
            self.offsets.refuse_commits(&Failure::Stopped);
        }
    }

    /// The group is left, as far as it goes.
    pub(super) fn stopped(&mut self) {
        self.phase = Phase::Stopped;
        self.drain = None;
        self.fetch.suspend(true);
        self.fetch.unassign_all();
        self.offsets.close();
        while let Some(event) = self.offsets.poll_event() {
            if let offsets::Event::CommitDone { ticket, result } = event {
                self.events.push_back(Event::CommitDone { ticket, result });
            }
        }
        self.settle_heartbeats();
        self.events.push_back(Event::Stopped);
    }

    // ---- the poll-interval guard

    /// A lane has begun, moved on, or ended.
    pub(super) fn touch(&mut self, now: Instant, lane: usize, busy: bool) {
        if let Some(progress) = self.lane_progress.get_mut(lane) {
            *progress = busy.then_some(now);
        }
        // Another handler's progress does not heal the one that is stuck. What is being committed comes first.
        let leaving = self.drain.is_some();
        if self.stalled && !leaving && self.oldest_progress_ends().is_none_or(|end| now < end) {
            self.rejoin_after_stall(now);
        }
    }

    /// Nobody has looked since `since`, although somebody was to at `due`: this process stood still. That is no handler's fault.
    pub fn looked(&mut self, since: Instant, due: Option<Instant>, now: Instant) {
        if due.is_some_and(|due| now.saturating_duration_since(due) >= STOOD_STILL) {
            let still = now.saturating_duration_since(since);
            for progress in self.lane_progress.iter_mut().flatten() {
                *progress = (*progress + still).min(now);
            }
        }
    }

    pub(super) fn poll_interval_ends(&self) -> Option<Instant> {
        if self.stalled || self.phase != Phase::Running {
            return None;
        }
        self.oldest_progress_ends()
    }

    fn oldest_progress_ends(&self) -> Option<Instant> {
        let oldest = self.lane_progress.iter().flatten().min()?;
        Some(*oldest + self.config.max_poll_interval)
    }

    /// Gives the partitions up when a handler has made no progress for `max_poll_interval`: others can do its work.
    pub(super) fn guard_poll_interval(&mut self, now: Instant) {
        if self.poll_interval_ends().is_some_and(|end| now >= end) {
            self.stalled = true;
            let bound = self.config.max_poll_interval.as_millis();
            self.events.push_back(Event::Log(Log {
                level: LogLevel::Error,
                namespace: "ConsumerGroup",
                message: format!(
                    "A handler has made no progress for maxPollInterval ({bound} ms): leaving the group until it does"
                ),
                extra: Vec::new(),
            }));
            // What is resolved would come again elsewhere.
            self.fetch.suspend(false);
            self.fetch.unassign_all();
            self.flush(now);
        }
    }

    /// The partitions are given up and what could be committed is committed.
    fn leave_until_progress(&mut self, now: Instant) {
        self.refuse_vain_commits();
        self.group.lost(now, "maxPollInterval exceeded");
        if self.oldest_progress_ends().is_none_or(|end| now < end) {
            self.rejoin_after_stall(now);
        }
    }

    fn rejoin_after_stall(&mut self, now: Instant) {
        self.stalled = false;
        if self.phase == Phase::Running {
            self.group.join(now, self.topics.keys().cloned().collect());
        }
    }
}

/// A timer that rings so much too late could not ring.
const STOOD_STILL: Duration = Duration::from_secs(1);
/// One commit on a healthy broker takes milliseconds.
const FLUSH_BOUND: Duration = Duration::from_secs(5);
/// Whoever leaves waits so long for an answer, whichever.
const SILENCE: Duration = Duration::from_millis(1_500);
/// Leaving is a courtesy: the session's end would do. A broker that is merely slow finds the request when it gets to it.
const LEAVE_BOUND: Duration = Duration::from_secs(1);
/// When the last commit was not answered, this will hardly be.
const LEAVE_BOUND_IN_SILENCE: Duration = Duration::from_millis(300);
/// More than the group itself needs to give up on a JoinGroup.
const JOIN_BOUND: Duration = Duration::from_secs(6);
