//! What the consumer waits for, told when it takes long: a generation that does not come about, handlers that hold up a
//! rebalance or the end, partitions that there are not enough of. What look-ups, the network and refusals keep waiting is told by
//! the machines that ask.

use std::time::Duration;
use std::time::Instant;

use crate::engine::group::Waits;
use crate::engine::machine::Log;
use crate::engine::machine::LogLevel;
use crate::engine::machine::Reminder;
use crate::engine::machine::seconds;

use super::Event;
use super::machine::Consumer;
use super::state::{Drain, State, Step};

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Waiting {
    /// The group rebalances, or is joined. A generation that does not last counts as a part of that.
    unrest: Reminder,
    /// When the last generation began.
    settled: Option<Instant>,
    /// Generations since the unrest began.
    generations: u32,
    handlers: Reminder,
    /// Nothing is assigned. Told once, until something is.
    spare: Reminder,
    told_spare: bool,
}

impl Default for Waiting {
    fn default() -> Waiting {
        Waiting {
            unrest: Reminder::after(UNREST),
            settled: None,
            generations: 0,
            handlers: Reminder::after(HANDLERS),
            spare: Reminder::after(SPARE),
            told_spare: false,
        }
    }
}

impl Consumer {
    /// Time has passed, or something has happened.
    pub(super) fn remind(&mut self, now: Instant) {
        let waits_for_lanes = self.waits_for_lanes();
        match self.state {
            _ if self.state.is_rebalancing() => {
                self.waiting.unrest_begins(now);
                if let Some(waited) = self.waiting.unrest.goes_on(now)
                    && !waits_for_lanes
                {
                    self.tell_unrest(waited);
                }
            }
            State::Stable if self.waiting.settled.is_none() => {
                self.waiting.settled = Some(now);
                self.waiting.generations += 1;
            }
            _ => {}
        }
        if self.waiting.handlers.sees(now, waits_for_lanes).is_some() {
            self.tell_handlers(now);
        }
        let is_spare = self.is_spare();
        if !is_spare {
            self.waiting.told_spare &= self.fetch.deliveries().assigned().is_empty();
            self.waiting.spare.over();
        } else if !self.waiting.told_spare && self.waiting.spare.goes_on(now).is_some() {
            self.waiting.told_spare = true;
            self.tell_spare();
        }
    }

    /// When [`Consumer::remind`] has something to tell, unless something happens.
    pub(super) fn reminds_at(&self) -> Option<Instant> {
        let Waiting { unrest, handlers, spare, told_spare, .. } = &self.waiting;
        let timers = [
            if self.state.is_rebalancing() { unrest.poll_timeout() } else { None },
            if self.waits_for_lanes() { handlers.poll_timeout() } else { None },
            if self.is_spare() && !told_spare { spare.poll_timeout() } else { None },
        ];
        timers.into_iter().flatten().min()
    }

    fn waits_for_lanes(&self) -> bool {
        matches!(self.state, State::Draining(Drain { step: Step::Lanes { .. }, .. }))
    }

    fn is_spare(&self) -> bool {
        self.state == State::Stable
            && self.fetch.deliveries().assigned().is_empty()
            && !self.topics.is_empty()
    }

    /// A coordinator that nobody knows, and one that refuses, are told of elsewhere.
    fn tell_unrest(&mut self, waited: Duration) {
        let Some(node) = self.cluster.coordinator(&self.coordinator_key) else { return };
        let bound = self.config.rebalance_timeout.as_millis();
        let what = match self.group.waits_for() {
            Some(Waits::Members) => format!(
                "broker {node}, its coordinator, answers JoinGroup when all members have joined; one whose handler is at work \
                 has its rebalanceTimeout for that ({bound} ms here)"
            ),
            Some(Waits::Leader) => {
                format!(
                    "broker {node}, its coordinator, answers SyncGroup when the leader of the group has assigned"
                )
            }
            Some(Waits::Assignment) => "this member leads it, and has not assigned yet".to_owned(),
            Some(Waits::Protocols) | None if self.waiting.generations > 0 => {
                "it rebalances again and again".to_owned()
            }
            Some(Waits::Protocols) => "the protocols of the partitionAssigners are not there yet".to_owned(),
            None => return,
        };
        let generations = match self.waiting.generations {
            0 => String::new(),
            some => format!(", in which {some} generations have come and gone"),
        };
        let group = &self.config.group_id;
        let message =
            format!("Group {group:?} has not come to rest for {}{generations}: {what}", seconds(waited));
        self.remark(LogLevel::Warn, message);
    }

    fn tell_handlers(&mut self, now: Instant) {
        let Some(what) = self.state.drained() else { return };
        let deliveries = self.fetch.deliveries();
        let busy = deliveries.busy_lanes().filter_map(|(lane, slot)| {
            let partition = deliveries.partition(slot).filter(|partition| what.contains(partition))?;
            let progress = self.lane_progress.get(lane).copied().flatten()?;
            let still = seconds(now.saturating_duration_since(progress));
            Some(format!("{:?} partition {} (no progress for {still})", partition.topic, partition.partition))
        });
        let busy: Vec<String> = busy.collect();
        let (named, more) = busy.split_at(busy.len().min(SHOWN));
        let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
        let who = if self.state.is_stopping() { "Stopping" } else { "The rebalance" };
        let left = self.state.ends_at().map_or(Duration::ZERO, |end| end.saturating_duration_since(now));
        let message = format!(
            "{who} waits for the handler of {}{more}, for {} more at the longest",
            named.join(", "),
            seconds(left)
        );
        self.remark(LogLevel::Warn, message);
    }

    fn tell_spare(&mut self) {
        let partitions: usize =
            self.topics.keys().map(|topic| self.cluster.metadata().partitions(topic).len()).sum();
        // Topics that do not exist are told of by themselves.
        if partitions > 0 {
            let group = &self.config.group_id;
            let message = format!(
                "This member of group {group:?} has no partitions: its topics have {partitions} in all, which other members \
                 have. More members than partitions stand by"
            );
            self.remark(LogLevel::Info, message);
        }
    }

    /// A line about this consumer and its group.
    pub(super) fn remark(&mut self, level: LogLevel, message: String) {
        let extra = vec![("groupId", self.config.group_id.clone())];
        self.events.push_back(Event::Log(Log { level, namespace: "ConsumerGroup", message, extra }));
    }
}

impl Waiting {
    fn unrest_begins(&mut self, now: Instant) {
        let lasted =
            self.settled.take().is_some_and(|settled| now.saturating_duration_since(settled) >= REST);
        if lasted {
            self.unrest.over();
            self.generations = 0;
        }
    }
}

/// A join takes seconds: coordinators wait for the first members of a group, and for handlers.
const UNREST: Duration = Duration::from_secs(10);
/// A generation that lasts for so long is one.
const REST: Duration = Duration::from_secs(10);
const HANDLERS: Duration = Duration::from_secs(5);
/// Members that start together get their partitions one after the other.
const SPARE: Duration = Duration::from_secs(5);
/// Of busy handlers in a line.
const SHOWN: usize = 3;
