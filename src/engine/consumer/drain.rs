//! Letting go of partitions in good order: lanes finish their message, resolved offsets are committed, then the
//! partitions go. A rebalance rejoins after it, a stop leaves the group. Also here: the poll-interval guard, which
//! lets go when a handler does not.
//!
//! ```text
//! Lanes ──all idle, or deadline──► Flush ──flushed, or deadline──► released
//! ```

use std::time::Duration;
use std::time::Instant;

use crate::engine::cluster::Failure;
use crate::engine::cluster::Log;
use crate::engine::cluster::LogLevel;
use crate::engine::offsets;
use crate::engine::protocol::ErrorCode;

use super::Event;
use super::machine::{Consumer, Phase};

#[derive(Debug, Clone, Copy)]
pub(super) struct Drain {
    step: Step,
    deadline: Instant,
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
        Drain { step: Step::Lanes, deadline }
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
            Step::Lanes if late || self.fetch.lanes_idle() => {
                self.drain = Some(Drain { step: Step::Flush, deadline: now + FLUSH_BOUND });
                self.offsets.flush();
            }
            Step::Flush if late => self.released(now),
            Step::Leave if late => self.stopped(),
            _ => {}
        }
    }

    /// The last commit has ended, well or not.
    pub(super) fn flushed(&mut self, now: Instant) {
        if self.drain.is_some_and(|drain| drain.step == Step::Flush) {
            self.released(now);
        }
    }

    fn released(&mut self, now: Instant) {
        self.fetch.unassign_all();
        self.offsets.revoke_all();
        if let Phase::Stopping { .. } = self.phase {
            // A JoinGroup under way may bring a member id that must not stay behind: the group waits for it.
            let bound = if self.group.is_rebalancing() { JOIN_BOUND } else { LEAVE_BOUND };
            self.drain = Some(Drain { step: Step::Leave, deadline: now + bound });
            self.group.leave(now);
        } else {
            self.drain = None;
            self.group.revoked(now);
        }
    }

    /// The partitions are gone already: nothing to commit, nothing to wait for.
    pub(super) fn lost(&mut self, now: Instant) {
        self.fetch.suspend(matches!(self.phase, Phase::Stopping { .. }));
        self.fetch.unassign_all();
        self.offsets.revoke_all();
        if self.phase == Phase::Running {
            self.drain = None;
        }
        self.refuse_vain_commits();
        self.flushed(now);
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
        // Another handler's progress does not heal the one that is stuck.
        if self.stalled && self.oldest_progress_ends().is_none_or(|end| now < end) {
            self.stalled = false;
            if self.phase == Phase::Running {
                self.group.join(now, self.topics.keys().cloned().collect());
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
            self.lost(now);
            self.group.lost(now, "maxPollInterval exceeded");
        }
    }
}

/// One commit on a healthy broker takes milliseconds.
const FLUSH_BOUND: Duration = Duration::from_secs(5);
/// Leaving is a courtesy: the session's end would do.
const LEAVE_BOUND: Duration = Duration::from_secs(1);
/// More than the group itself needs to give up on a JoinGroup.
const JOIN_BOUND: Duration = Duration::from_secs(6);
