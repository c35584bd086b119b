//! The guard of `maxPollInterval`: a handler that makes no progress for that long must not keep its partitions from members
//! that could handle them. What it has resolved is committed, the lanes are not waited for, and the group is left until the
//! handler goes on.

use std::time::Duration;
use std::time::Instant;

use crate::engine::machine::Log;
use crate::engine::machine::LogLevel;
use crate::engine::machine::Owned;

use super::machine::Consumer;
use super::state::{State, Why};
use super::{Event, GroupProtocol};

impl Consumer {
    /// A lane has begun, moved on, or ended.
    pub(super) fn touch(&mut self, now: Instant, lane: usize, busy: bool) {
        if let Some(progress) = self.lane_progress.get_mut(lane) {
            *progress = busy.then_some(now);
        }
        // Another handler's progress does not heal the one that is stuck.
        if self.state == State::Stalled && self.has_progress(now) {
            self.rejoin_after_stall(now);
        }
    }

    /// The driver has not looked since `since`, although a timer was to ring at `due`: this process stood still. Handlers could
    /// make no progress meanwhile, nor could hooks, so that time does not count.
    pub fn looked(&mut self, since: Instant, due: Option<Instant>, now: Instant) {
        if due.is_some_and(|due| now.saturating_duration_since(due) >= STOOD_STILL) {
            let still = now.saturating_duration_since(since);
            for progress in self.lane_progress.iter_mut().flatten() {
                *progress = (*progress + still).min(now);
            }
            self.hooks.stood_still(still);
        }
    }

    /// When the guard fires, unless a handler makes progress. Who is no member of a group has no place in it to lose.
    pub(super) fn poll_interval_ends(&self) -> Option<Instant> {
        let is_member = self.config.group_protocol != GroupProtocol::Manual;
        self.oldest_progress_ends().filter(|_| is_member && self.state.heeds_poll_interval())
    }

    fn oldest_progress_ends(&self) -> Option<Instant> {
        let oldest = self.lane_progress.iter().flatten().min()?;
        Some(*oldest + self.config.max_poll_interval)
    }

    /// Has every busy lane made progress within `max_poll_interval`?
    fn has_progress(&self, now: Instant) -> bool {
        self.oldest_progress_ends().is_none_or(|end| now < end)
    }

    /// Gives the partitions up when a handler has made no progress for `max_poll_interval`: others can do its work.
    pub(super) fn guard_poll_interval(&mut self, now: Instant) {
        if self.poll_interval_ends().is_none_or(|end| now < end) {
            return;
        }
        let bound = self.config.max_poll_interval.as_millis();
        self.events.push_back(Event::Log(Log {
            level: LogLevel::Error,
            namespace: "ConsumerGroup",
            message: format!(
                "A handler has made no progress for maxPollInterval ({bound} ms): leaving the group until it does"
            ),
            extra: Vec::new(),
        }));
        self.fetch.suspend(false);
        self.unassign(&Owned::All);
        // What is resolved and not committed would be handled again by the next owner.
        self.flush(now, Why::PollInterval, Owned::All);
    }

    /// The partitions are given up and what could be committed is committed.
    pub(super) fn leave_until_progress(&mut self, now: Instant) {
        self.transition(State::Stalled);
        self.refuse_vain_commits();
        self.group.lost(now, "maxPollInterval exceeded");
        if self.has_progress(now) {
            self.rejoin_after_stall(now);
        }
    }

    fn rejoin_after_stall(&mut self, now: Instant) {
        self.transition(State::Joining);
        self.group.join(now, self.subscription());
    }
}

/// A timer that rings this much too late could not ring earlier: the process did not run.
const STOOD_STILL: Duration = Duration::from_secs(1);
