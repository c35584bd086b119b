//! The user's rebalance hooks: what they are told of partitions that come and go, and when. The order is that of Java's
//! `ConsumerRebalanceListener`, and each partition's story is the same in every group:
//!
//! ```text
//!                joined                             revoked: its lanes have ended, and it can still be committed
//!  not ours ────────────────► Assigned ──► ours ──┬─────────────────────────────────────────────────────────────► Revoked
//!                             (held)              └─────────────────────────────────────────────────────────────► Lost
//!                                                   lost: it may be another member's already
//! ```
//! * A partition whose Assigned has not ended is **held**: its position is not looked up and nothing of it is handed out, while
//!   others go on. A seek waits for the end of the hook, and is where the partition begins.
//! * The drain waits for Revoked, between the lanes and the last commit. Nothing waits for Lost but the hooks that follow it.
//! * Calls are serialised, in the order of what has happened: `waiting` ─► `running` ─► ended.
//! * A call that has not begun and is out of date is not made: Assigned of partitions that have gone since is dropped, Revoked of
//!   partitions that have been lost since becomes Lost. So no partition is told of twice.
//! * A hook that throws is a crash. One that has not ended after `rebalance_timeout` is a crash, too, and the last that is called:
//!   another one would run beside it.
//!
//! Without hooks nothing is queued, and so nobody waits.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use crate::engine::machine::Failure;
use crate::engine::machine::LogLevel;
use crate::engine::machine::Owned;
use crate::engine::machine::TopicPartition;

use super::Event;
use super::first_positions::FirstPositions;
use super::machine::Consumer;
use super::state::State;

/// Which hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    /// `onPartitionsAssigned`: these are ours, and nothing of them has been handed out yet.
    Assigned,
    /// `onPartitionsRevoked`: these go, their handlers have ended, and their offsets can still be committed.
    Revoked,
    /// `onPartitionsLost`: these are gone already.
    Lost,
}

impl Hook {
    /// The name of the option.
    pub fn name(self) -> &'static str {
        match self {
            Hook::Assigned => "onPartitionsAssigned",
            Hook::Revoked => "onPartitionsRevoked",
            Hook::Lost => "onPartitionsLost",
        }
    }
}

/// Which hooks there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HooksGiven {
    /// See [`Hook::Assigned`].
    pub assigned: bool,
    /// See [`Hook::Revoked`].
    pub revoked: bool,
    /// See [`Hook::Lost`].
    pub lost: bool,
}

impl HooksGiven {
    fn has(self, hook: Hook) -> bool {
        match hook {
            Hook::Assigned => self.assigned,
            Hook::Revoked => self.revoked,
            Hook::Lost => self.lost,
        }
    }
}

#[derive(Debug)]
struct Call {
    job: u64,
    hook: Hook,
    partitions: BTreeSet<TopicPartition>,
}

#[derive(Debug)]
struct Running {
    call: Call,
    /// It must have ended by then.
    until: Instant,
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub(super) struct Hooks {
    given: HooksGiven,
    /// Partitions that have come, and whose going is still to be told.
    ours: BTreeSet<TopicPartition>,
    /// Oldest first.
    waiting: VecDeque<Call>,
    running: Option<Running>,
    last_job: u64,
    held: BTreeMap<TopicPartition, Held>,
}

/// A partition whose Assigned has not ended.
#[derive(Debug)]
struct Held {
    /// The number of that call. An earlier one may still be running, if the partition was lost and has come back since.
    job: u64,
    /// Where the user wants it to begin.
    seek: Option<i64>,
}

impl Hooks {
    pub(super) fn new(given: HooksGiven) -> Hooks {
        Hooks { given, ..Hooks::default() }
    }

    /// Nobody is called, and nobody is waited for.
    pub(super) fn is_idle(&self) -> bool {
        self.running.is_none() && self.waiting.is_empty()
    }

    /// These partitions have come. Returns whether they are held.
    fn come(&mut self, added: &[TopicPartition]) -> bool {
        if self.given == HooksGiven::default() {
            return false;
        }
        self.ours.extend(added.iter().cloned());
        if self.given.assigned && !added.is_empty() {
            let job = self.last_job + 1;
            let held = |partition: &TopicPartition| (partition.clone(), Held { job, seek: None });
            self.held.extend(added.iter().map(held));
            self.queue(Hook::Assigned, added.iter().cloned().collect());
        }
        self.given.assigned
    }

    /// These partitions are about to go: what has not been told of their coming will not be.
    pub(super) fn withdraw(&mut self, what: &Owned) {
        for Call { partitions, .. } in self.waiting.iter_mut().filter(|call| call.hook == Hook::Assigned) {
            for partition in partitions.iter().filter(|partition| what.contains(partition)) {
                self.ours.remove(partition);
            }
            partitions.retain(|partition| !what.contains(partition));
        }
        self.waiting.retain(|call| !call.partitions.is_empty());
    }

    /// These partitions go, by Revoked or Lost.
    pub(super) fn go(&mut self, hook: Hook, what: &Owned) {
        self.withdraw(what);
        let (mut gone, ours) = std::mem::take(&mut self.ours)
            .into_iter()
            .partition::<BTreeSet<_>, _>(|partition| what.contains(partition));
        self.ours = ours;
        if hook == Hook::Lost {
            for Call { partitions, .. } in self.waiting.iter_mut().filter(|call| call.hook == Hook::Revoked) {
                gone.extend(partitions.iter().filter(|partition| what.contains(partition)).cloned());
                partitions.retain(|partition| !what.contains(partition));
            }
            self.waiting.retain(|call| !call.partitions.is_empty());
        }
        if self.given.has(hook) && !gone.is_empty() {
            self.queue(hook, gone);
        }
    }

    fn queue(&mut self, hook: Hook, partitions: BTreeSet<TopicPartition>) {
        self.last_job += 1;
        self.waiting.push_back(Call { job: self.last_job, hook, partitions });
    }

    /// Begins the next call, unless one is running. It must have ended by `until`.
    fn begin(&mut self, until: Instant) -> Option<Event> {
        if self.running.is_some() {
            return None;
        }
        let call = self.waiting.pop_front()?;
        let partitions = call.partitions.iter().cloned().collect();
        let event = Event::HookNeeded { job: call.job, hook: call.hook, partitions };
        self.running = Some(Running { call, until });
        Some(event)
    }

    /// The call with this number has ended. None: it was not waited for any more.
    fn ended(&mut self, job: u64) -> Option<Call> {
        self.running.take_if(|running| running.call.job == job).map(|running| running.call)
    }

    /// The call that has taken too long; after it nobody is called any more.
    fn take_overdue(&mut self, now: Instant) -> Option<Hook> {
        let running = self.running.take_if(|running| running.until <= now)?;
        self.given = HooksGiven::default();
        self.waiting.clear();
        Some(running.call.hook)
    }

    /// When the running call has taken too long.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.running.as_ref().map(|running| running.until)
    }

    /// The process did not run for so long, and neither did the hook.
    pub(super) fn stood_still(&mut self, still: Duration) {
        if let Some(running) = &mut self.running {
            running.until += still;
        }
    }

    /// Is the beginning of this partition still to be decided? Then it is `offset` from now on.
    pub(super) fn seek(&mut self, partition: &TopicPartition, offset: i64) -> bool {
        let held = self.held.get_mut(partition);
        held.map(|held| held.seek = Some(offset)).is_some()
    }

    /// These partitions are not ours any more, and neither is what was sought in them.
    pub(super) fn unassign(&mut self, what: &Owned) {
        self.held.retain(|partition, _| !what.contains(partition));
    }
}

impl Consumer {
    /// Answers [`Event::HookNeeded`]: the hook has ended; `Err` = it has thrown this, which is the end of the consumer.
    pub fn hook_done(&mut self, now: Instant, job: u64, result: Result<(), String>) {
        let Some(call) = self.hooks.ended(job) else { return };
        match result {
            Ok(()) if call.hook == Hook::Assigned => self.begin_consuming(job),
            Ok(()) => {}
            // While the consumer stops, this ends nothing: the facade has told of it.
            Err(message) => self.crash(Failure::Callback(message)),
        }
        self.call_hooks(now);
        self.step_drain(now);
        self.route(now);
    }

    /// These partitions are assigned. Returns whether their positions have to wait for the hook.
    pub(super) fn hold(&mut self, now: Instant, added: &[TopicPartition]) -> bool {
        let is_held = self.hooks.come(added);
        if is_held {
            self.offsets.hold(added);
            for partition in added {
                if let Some(offset) = self.pending_seeks.remove(partition) {
                    self.hooks.seek(partition, offset);
                }
            }
        }
        self.call_hooks(now);
        is_held
    }

    /// Makes the next call, if there is one and nobody is called.
    pub(super) fn call_hooks(&mut self, now: Instant) {
        if self.state != State::Stopped {
            let call = self.hooks.begin(now + self.config.rebalance_timeout);
            self.events.extend(call);
        }
    }

    /// Is the hook that is running too late?
    pub(super) fn guard_hooks(&mut self, now: Instant) {
        let Some(hook) = self.hooks.take_overdue(now) else { return };
        let bound: Duration = self.config.rebalance_timeout;
        let message =
            format!("{} has not ended within rebalanceTimeout ({} ms)", hook.name(), bound.as_millis());
        self.remark(LogLevel::Error, message.clone());
        self.crash(Failure::Callback(message));
    }

    /// This Assigned has ended: from here its partitions are like those of a consumer without hooks. Those that have gone meanwhile,
    /// or are about to, are left alone.
    fn begin_consuming(&mut self, job: u64) {
        let is_going = |partition: &TopicPartition| match &self.state {
            State::Stable => false,
            state => state.drained().is_none_or(|drained| drained.contains(partition)),
        };
        let held = std::mem::take(&mut self.hooks.held).into_iter();
        let (begun, held): (BTreeMap<_, _>, _) =
            held.partition(|(partition, held)| held.job == job && !is_going(partition));
        self.hooks.held = held;
        self.offsets.release(begun.keys());
        // What the hook has committed without waiting for it goes before the look-ups, as behind `run()`.
        if self.first_positions == FirstPositions::Open {
            self.first_positions = FirstPositions::Commits;
        }
        for (partition, Held { seek, .. }) in begun {
            if let Some(offset) = seek {
                self.apply_seek(&partition, offset);
            }
        }
    }
}
