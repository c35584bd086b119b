//! The machine's state and its side of the contract; `lookup` finds positions, `commit` writes them.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::time::Instant;

use fastrand::Rng;

use crate::engine::cluster::Backoff;
use crate::engine::cluster::Failure;
use crate::engine::cluster::Log;
use crate::engine::cluster::LogLevel;
use crate::engine::cluster::Metadata;
use crate::engine::cluster::Outbound;
use crate::engine::cluster::TopicPartition;
use crate::engine::protocol::NetError;
use crate::engine::protocol::Response;

use super::commit::Commits;
use super::lookup::{Lookup, Lookups};
use super::{Event, Member, OffsetsConfig, Reset, ResetPolicy};

/// Positions and commits of one consumer.
#[derive(Debug)]
pub struct Offsets {
    pub(super) config: OffsetsConfig,
    pub(super) rng: Rng,
    /// As whom we commit; None between two generations: commits wait for the next one.
    pub(super) member: Option<Member>,
    /// What is assigned.
    pub(super) partitions: BTreeMap<TopicPartition, Partition>,
    pub(super) lookups: Lookups,
    pub(super) commits: Commits,
    pub(super) next_id: u64,
    pub(super) events: VecDeque<Event>,
}

#[derive(Debug)]
pub(super) struct Partition {
    pub(super) from_beginning: bool,
    pub(super) lookup: Lookup,
    pub(super) backoff: Backoff,
    pub(super) start: Option<i64>,
    pub(super) resolved: Option<i64>,
    pub(super) committed: Option<i64>,
}

impl Partition {
    /// What a commit would write: resolved, and not committed already.
    pub(super) fn uncommitted(&self) -> Option<i64> {
        self.resolved.filter(|resolved| Some(*resolved) != self.committed)
    }
}

impl Offsets {
    /// A machine without partitions.
    pub fn new(config: OffsetsConfig, seed: u64) -> Offsets {
        Offsets {
            config,
            rng: Rng::with_seed(seed),
            member: None,
            partitions: BTreeMap::new(),
            lookups: Lookups::default(),
            commits: Commits::default(),
            next_id: 0,
            events: VecDeque::new(),
        }
    }

    /// A new generation: these partitions (with their topic's `fromBeginning`) and no others. Each gets an
    /// [`Event::Position`].
    pub fn assign(&mut self, now: Instant, partitions: Vec<(TopicPartition, bool)>, member: Member) {
        self.revoke_all();
        self.member = Some(member);
        self.commits.assigned(now);
        for (partition, from_beginning) in partitions {
            let state = Partition {
                from_beginning,
                lookup: Lookup::Committed,
                backoff: Backoff::default(),
                start: None,
                resolved: None,
                committed: None,
            };
            self.partitions.insert(partition, state);
        }
    }

    /// Nothing is ours any more: late answers are nobody's, resolved offsets are not ours to commit. Explicit commits
    /// wait for the next generation.
    pub fn revoke_all(&mut self) {
        self.member = None;
        self.partitions.clear();
        self.lookups = Lookups::default();
        self.commits.revoked();
        self.settle_flush();
    }

    /// Finds a new position.
    pub fn reset(&mut self, partition: &TopicPartition, how: Reset) {
        let policy = self.config.reset;
        let Some(state) = self.partitions.get_mut(partition) else { return };
        if how == Reset::ByPolicy && policy == ResetPolicy::None {
            let failure = Failure::OffsetOutOfRange(partition.clone());
            self.events.push_back(Event::Failed(failure));
            return;
        }
        let latest = match how {
            Reset::Latest => true,
            Reset::Earliest => false,
            Reset::ByPolicy => !state.from_beginning,
        };
        state.lookup = if latest { Lookup::Latest } else { Lookup::Earliest };
        state.backoff.reset();
        self.lookups.forget(partition);
        if how == Reset::ByPolicy {
            let (topic, number) = (&partition.topic, partition.partition);
            let to = if latest { "latest" } else { "earliest" };
            self.events.push_back(Event::Log(Log {
                level: LogLevel::Warn,
                namespace: "OffsetManager",
                message: format!("Offset out of range, resetting to the {to} offset"),
                extra: vec![("topic", topic.to_string()), ("partition", number.to_string())],
            }));
        }
    }

    /// The user has chosen a position: a running lookup is void, and with autoCommit the group learns of it.
    pub fn sought(&mut self, partition: &TopicPartition, offset: i64) {
        let Some(state) = self.partitions.get_mut(partition) else { return };
        state.lookup = Lookup::None;
        state.start = Some(offset);
        self.lookups.forget(partition);
        if self.config.auto_commit {
            state.resolved = Some(offset);
            self.commits.want();
        }
    }

    /// Handlers have finished everything before `next`. May go back: `resolveOffset` may.
    pub fn resolved(&mut self, now: Instant, partition: &TopicPartition, next: i64) {
        let Some(state) = self.partitions.get_mut(partition) else { return };
        if next < 0 {
            return;
        }
        state.resolved = Some(next);
        if self.config.auto_commit && self.is_commit_necessary(now) {
            self.commits.want();
        }
    }

    /// Resolved but not committed, in order.
    pub fn uncommitted(&self) -> Vec<(TopicPartition, i64)> {
        let uncommitted =
            self.partitions.iter().filter_map(|(p, state)| Some((p.clone(), state.uncommitted()?)));
        uncommitted.collect()
    }

    /// The answer to the request with this id; one that a seek, a reset or a revocation has
    /// overtaken is nobody's.
    pub fn handle_response(&mut self, now: Instant, id: u64, response: Result<Response, NetError>) {
        if self.commits.is_in_flight(id) {
            self.commit_answered(now, response);
        } else if let Some(asked) = self.lookups.land(id) {
            self.lookup_answered(now, asked, response);
        }
    }

    /// The instant of [`Offsets::poll_timeout`] has come. Everything due is made by [`Offsets::poll_request`].
    pub fn handle_timeout(&mut self, _now: Instant) {}

    /// The next request. Those to the coordinator only while it is known.
    pub fn poll_request(
        &mut self,
        now: Instant,
        metadata: &Metadata,
        coordinator_known: bool,
    ) -> Option<Outbound> {
        let commit = if coordinator_known { self.poll_commit(now) } else { None };
        let outbound = commit.or_else(|| self.poll_lookup(now, metadata, coordinator_known));
        self.settle_flush();
        outbound
    }

    /// See [`Event`].
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When something is due by itself.
    pub fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        let waiting = self.partitions.values().filter(|state| state.lookup != Lookup::None);
        let retries = waiting.filter_map(|state| state.backoff.ready_at());
        retries.filter(|at| *at > now).chain(self.commit_due_at(now)).min()
    }

    pub(super) fn take_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    pub(super) fn once(&mut self, event: Event) {
        if !self.events.contains(&event) {
            self.events.push_back(event);
        }
    }
}
