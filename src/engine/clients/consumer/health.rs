//! How the consumer is, for those who ask: what it does, what it waits for, how far its partitions are. Nothing in here changes
//! anything, and nothing is remembered for it but two instants and what `fetch` knows of brokers in trouble.

use std::time::{Duration, Instant};

use crate::engine::fetch::Waits;
use crate::engine::group::{self, Membership};
use crate::engine::machine::TopicPartition;
use crate::engine::offsets::Search;

use super::Progress;
use super::machine::Consumer;
use super::state::{Drain, State, Step, Why};

/// See the module's documentation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// What the consumer does.
    pub state: &'static str,
    /// As whom, while it is a member.
    pub membership: Option<Membership>,
    /// Since the coordinator has answered a heartbeat.
    pub last_heartbeat: Option<Duration>,
    /// Since a handler has finished anything.
    pub last_progress: Option<Duration>,
    /// What everything waits for.
    pub wait: Option<Wait>,
    /// What is assigned, sorted.
    pub partitions: Vec<PartitionHealth>,
}

/// One partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionHealth {
    /// How far it is.
    pub progress: Progress,
    /// The user has paused it.
    pub is_paused: bool,
    /// What it waits for; None: it is about to go on.
    pub wait: Option<Wait>,
}

/// What is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// What.
    pub reason: WaitReason,
    /// For how long already, where that is known.
    pub lasted: Option<Duration>,
    /// Whose handler, if it is one.
    pub partition: Option<TopicPartition>,
    /// Which broker, if it is one.
    pub node: Option<i32>,
    /// How that broker, or the network, has put it.
    pub error: Option<String>,
}

/// See [`Wait`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitReason {
    /// The group's coordinator is not known, or does not answer.
    Coordinator,
    /// The coordinator waits for other members of the group.
    Group,
    /// A partition assigner of the user's.
    Assigner,
    /// A rebalance hook of the user's.
    Hook,
    /// Offsets are being committed before partitions go.
    Commit,
    /// The session is over as far as we know, and the coordinator has not confirmed it.
    Session,
    /// The position is being looked up.
    Position,
    /// Nobody leads the partition.
    Leader,
    /// A broker refuses Fetch, or does not answer.
    Fetch,
    /// A handler is at work.
    Handler,
    /// There is something to take, and no handler is at work: nobody asks.
    Taker,
    /// A handler that has failed is called again later.
    Backoff,
    /// Records that are not written yet.
    Messages,
}

impl WaitReason {
    /// For users.
    pub fn name(self) -> &'static str {
        match self {
            WaitReason::Coordinator => "coordinator",
            WaitReason::Group => "group",
            WaitReason::Assigner => "assigner",
            WaitReason::Hook => "hook",
            WaitReason::Commit => "commit",
            WaitReason::Session => "session",
            WaitReason::Position => "position",
            WaitReason::Leader => "leader",
            WaitReason::Fetch => "fetch",
            WaitReason::Handler => "handler",
            WaitReason::Taker => "taker",
            WaitReason::Backoff => "back-off",
            WaitReason::Messages => "messages",
        }
    }
}

impl Wait {
    fn of(reason: WaitReason) -> Wait {
        Wait { reason, lasted: None, partition: None, node: None, error: None }
    }
}

impl Consumer {
    /// How it is now.
    pub fn health(&self, now: Instant) -> Health {
        let ago = |at: Option<Instant>| at.map(|at| now.saturating_duration_since(at));
        let wait = self.waits_for(now);
        let partitions = self.progresses().into_iter().map(|progress| PartitionHealth {
            is_paused: self.is_paused(&progress.partition),
            wait: wait.clone().or_else(|| self.partition_waits_for(now, &progress)),
            progress,
        });
        Health {
            state: self.doing(),
            membership: self.membership(),
            last_heartbeat: ago(self.last_heartbeat),
            last_progress: ago(self.last_progress),
            partitions: partitions.collect(),
            wait,
        }
    }

    /// How far each assigned partition is, sorted.
    pub fn progresses(&self) -> Vec<Progress> {
        let assignment = self.fetch.deliveries().assignment().into_iter();
        let progress = assignment.map(|partition| {
            let (high_watermark, last_stable_offset) = self.fetch.log_end(&partition);
            Progress {
                position: self.offsets.position_of(&partition),
                leader_epoch: self.offsets.epoch_at(&partition),
                committed: self.offsets.committed_offset(&partition),
                high_watermark,
                last_stable_offset,
                partition,
            }
        });
        progress.collect()
    }

    fn doing(&self) -> &'static str {
        match &self.state {
            State::Idle => "connecting",
            State::Joining => "joining",
            State::Stable => "running",
            State::Draining(Drain { why: Why::Rebalance, .. }) => "rebalancing",
            State::Draining(Drain { why: Why::PollInterval, .. }) | State::Stalled => "overdue",
            State::Crashed => "crashed",
            State::Draining(Drain { why: Why::Stop, .. }) | State::Leaving { .. } => "stopping",
            State::Stopped => "stopped",
        }
    }

    fn is_paused(&self, partition: &TopicPartition) -> bool {
        let deliveries = self.fetch.deliveries();
        deliveries.assigned_slot(partition).is_some_and(|id| deliveries.is_paused(id))
    }

    /// What keeps all partitions waiting.
    fn waits_for(&self, now: Instant) -> Option<Wait> {
        match &self.state {
            State::Idle | State::Crashed | State::Stopped => None,
            State::Joining => Some(self.waits_for_group()),
            State::Stable if self.is_expired() => {
                let over = self.group.valid_until();
                let lasted = over.map(|over| now.saturating_duration_since(over));
                Some(Wait { lasted, node: self.coordinator(), ..Wait::of(WaitReason::Session) })
            }
            State::Stable => None,
            State::Stalled | State::Draining(Drain { step: Step::Lanes { .. }, .. }) => {
                Some(self.waits_for_handlers(now))
            }
            State::Draining(Drain { step: Step::Hook, .. }) => Some(Wait::of(WaitReason::Hook)),
            State::Draining(Drain { step: Step::Flush { .. }, .. }) => {
                Some(Wait { node: self.coordinator(), ..Wait::of(WaitReason::Commit) })
            }
            State::Leaving { .. } => {
                Some(Wait { node: self.coordinator(), ..Wait::of(WaitReason::Coordinator) })
            }
        }
    }

    fn coordinator(&self) -> Option<i32> {
        self.cluster.coordinator(&self.coordinator_key)
    }

    /// A coordinator that holds a join back waits for others; one that we know and that has nothing of us does not answer.
    fn waits_for_group(&self) -> Wait {
        let node = self.coordinator();
        let reason = match self.group.waits_for().filter(|_| node.is_some()) {
            None => WaitReason::Coordinator,
            Some(group::Waits::Members | group::Waits::Leader) => WaitReason::Group,
            Some(group::Waits::Protocols | group::Waits::Assignment) => WaitReason::Assigner,
        };
        Wait { node, ..Wait::of(reason) }
    }

    fn partition_waits_for(&self, now: Instant, progress: &Progress) -> Option<Wait> {
        let deliveries = self.fetch.deliveries();
        let partition = &progress.partition;
        let id = deliveries.assigned_slot(partition)?;
        if let Some((lane, _)) = deliveries.busy_lanes().find(|(_, slot)| *slot == id) {
            let since = self.lane_progress.get(lane).copied().flatten();
            let lasted = since.map(|since| now.saturating_duration_since(since));
            let partition = Some(partition.clone());
            return Some(Wait { lasted, partition, ..Wait::of(WaitReason::Handler) });
        }
        match self.offsets.searches(partition) {
            Some(Search::Held) => return Some(Wait::of(WaitReason::Hook)),
            Some(Search::Asks) if self.cluster.metadata().leader(partition).is_none() => {
                return Some(Wait::of(WaitReason::Leader));
            }
            Some(Search::Asks) => return Some(Wait::of(WaitReason::Position)),
            None => {}
        }
        let lasted = |since: Instant| Some(now.saturating_duration_since(since));
        let of = Wait::of;
        Some(match self.fetch.waits_for(now, partition) {
            // What is there waits for a lane.
            None | Some(Waits::Room) => return self.waits_for_lane(now),
            Some(Waits::Backoff { .. }) => of(WaitReason::Backoff),
            Some(Waits::Leader { since }) => {
                Wait { lasted: since.and_then(lasted), ..of(WaitReason::Leader) }
            }
            Some(Waits::Unanswered { node, since, error }) => {
                let error = error.or_else(|| Some("it does not answer".to_owned()));
                Wait { lasted: lasted(since), node: Some(node), error, ..of(WaitReason::Fetch) }
            }
            Some(Waits::Refused { node, since, code }) => {
                let error = Some(format!("{}: {}", code.name(), code.message()));
                Wait { lasted: lasted(since), node: Some(node), error, ..of(WaitReason::Fetch) }
            }
            Some(Waits::Records) => of(WaitReason::Messages),
        })
    }

    /// Something is there to be taken, or as much is buffered as may be.
    fn waits_for_lane(&self, now: Instant) -> Option<Wait> {
        if self.fetch.deliveries().has_ready() {
            let is_idle = self.lane_progress.iter().any(Option::is_none);
            return Some(if is_idle { Wait::of(WaitReason::Taker) } else { self.waits_for_handlers(now) });
        }
        let is_busy = self.lane_progress.iter().any(Option::is_some);
        is_busy.then(|| self.waits_for_handlers(now))
    }

    /// The handler that has made no progress for the longest time.
    fn waits_for_handlers(&self, now: Instant) -> Wait {
        let deliveries = self.fetch.deliveries();
        let busy = deliveries.busy_lanes().filter_map(|(lane, slot)| {
            let progress = self.lane_progress.get(lane).copied().flatten()?;
            Some((progress, deliveries.partition(slot)?.clone()))
        });
        let oldest = busy.min_by_key(|(progress, _)| *progress);
        // Of one whose partition is gone only the lane is known.
        let since = self.lane_progress.iter().flatten().min().copied();
        Wait {
            lasted: since.map(|since| now.saturating_duration_since(since)),
            partition: oldest.map(|(_, partition)| partition),
            ..Wait::of(WaitReason::Handler)
        }
    }
}
