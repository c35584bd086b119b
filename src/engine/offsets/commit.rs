//! Committing: one OffsetCommit at a time; whatever is newer rides in the next one.
//!
//! Automatic commits follow the end of every batch. A busy consumer ends thousands of batches a second, so they are
//! spaced by [`SPACING`]; an idle one commits at once.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::engine::cluster::Backoff;
use crate::engine::cluster::Failure;
use crate::engine::cluster::Log;
use crate::engine::cluster::LogLevel;
use crate::engine::cluster::Outbound;
use crate::engine::cluster::Target;
use crate::engine::cluster::TopicPartition;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::NetError;
use crate::engine::protocol::Response;
use crate::engine::protocol::offset_commit::OffsetCommitPartition;
use crate::engine::protocol::offset_commit::OffsetCommitRequest;
use crate::engine::protocol::offset_commit::OffsetCommitResponsePartition;
use crate::engine::protocol::offset_commit::OffsetCommitTopic;

use super::machine::Offsets;
use super::{Event, Offset};

/// What is to be committed, and what is on its way.
#[derive(Debug, Default)]
pub(super) struct Commits {
    /// Commits that somebody waits for, oldest first.
    manual: VecDeque<Manual>,
    /// An automatic commit is wanted.
    wanted: bool,
    in_flight: Option<InFlight>,
    backoff: Backoff,
    /// When the last one ended: the next automatic one keeps its distance.
    ended_at: Option<Instant>,
    /// What `autoCommitInterval` counts from.
    last_at: Option<Instant>,
    /// Everything must go out now: a rebalance or the end.
    flushing: bool,
    /// How often in a row a partition was unknown to the coordinator.
    unknown: u32,
}

#[derive(Debug)]
struct Manual {
    ticket: u64,
    /// None = whatever is uncommitted when its turn comes.
    offsets: Option<Vec<Offset>>,
}

#[derive(Debug)]
struct InFlight {
    id: u64,
    offsets: Vec<Offset>,
    /// None for an automatic one.
    manual: Option<Manual>,
}

/// What the coordinator's answer means.
enum Verdict {
    Committed,
    /// Try the same again.
    Again,
    /// Try again: the coordinator may not have heard of the topic yet. Not for ever, or everything behind would wait
    /// for a topic that does not exist.
    Unknown(Failure),
    /// The coordinator is elsewhere; try again there.
    Moved,
    /// We are no member of this generation (any more).
    Rebalance(ErrorCode),
    No(Failure),
}

impl Commits {
    pub(super) fn want(&mut self) {
        self.wanted = true;
    }

    pub(super) fn assigned(&mut self, now: Instant) {
        self.last_at = Some(now);
        self.backoff.reset();
    }

    /// The partitions are gone: what rode on them goes too. Explicit commits stay, they are the user's.
    pub(super) fn revoked(&mut self) {
        self.wanted = false;
        if self.in_flight.as_ref().is_some_and(|flight| flight.manual.is_none()) {
            self.in_flight = None;
        }
    }

    /// Has everything been written that can be? Without a member id nothing can.
    fn is_flushed(&self, is_member: bool) -> bool {
        self.in_flight.is_none() && !self.wanted && (self.manual.is_empty() || !is_member)
    }

    pub(super) fn is_in_flight(&self, id: u64) -> bool {
        self.in_flight.as_ref().is_some_and(|flight| flight.id == id)
    }
}

impl Offsets {
    /// Commits these offsets, or (None) everything uncommitted, as soon as there is a generation to do it in. Ends in
    /// [`Event::CommitDone`].
    pub fn commit(&mut self, ticket: u64, offsets: Option<Vec<Offset>>) {
        self.commits.manual.push_back(Manual { ticket, offsets });
    }

    /// Commits everything uncommitted if the interval or the threshold says so. Ends in [`Event::CommitDone`].
    pub fn commit_if_necessary(&mut self, now: Instant, ticket: u64) {
        if self.is_commit_necessary(now) {
            self.commit(ticket, None);
        } else {
            self.events.push_back(Event::CommitDone { ticket, result: Ok(()) });
        }
    }

    /// A batch is over: with autoCommit, what it resolved goes to the group.
    pub fn batch_end(&mut self) {
        if self.config.auto_commit && self.partitions.values().any(|state| state.uncommitted().is_some()) {
            self.commits.want();
        }
    }

    /// Commits everything resolved (with autoCommit) and everything asked for, now. Ends in [`Event::Flushed`].
    pub fn flush(&mut self) {
        self.batch_end();
        self.commits.flushing = true;
        self.settle_flush();
    }

    /// There will be no further generation, or not in time: whoever still waits for a commit gets `failure`.
    pub fn refuse_commits(&mut self, failure: &Failure) {
        let in_flight = self.commits.in_flight.take().and_then(|flight| flight.manual);
        for Manual { ticket, .. } in in_flight.into_iter().chain(self.commits.manual.drain(..)) {
            self.events.push_back(Event::CommitDone { ticket, result: Err(failure.clone()) });
        }
    }

    pub(super) fn settle_flush(&mut self) {
        if self.commits.flushing && self.commits.is_flushed(self.member.is_some()) {
            self.commits.flushing = false;
            self.events.push_back(Event::Flushed);
        }
    }

    pub(super) fn is_commit_necessary(&self, now: Instant) -> bool {
        let interval = self.config.auto_commit_interval.zip(self.commits.last_at);
        if interval.is_some_and(|(interval, last)| now.saturating_duration_since(last) >= interval) {
            return self.partitions.values().any(|state| state.uncommitted().is_some());
        }
        let Some(threshold) = self.config.auto_commit_threshold else { return false };
        let pending = self.partitions.values().filter_map(|state| {
            let base = state.committed.or(state.start).unwrap_or(0);
            Some(state.resolved?.saturating_sub(base).max(0).unsigned_abs())
        });
        pending.fold(0u64, u64::saturating_add) >= threshold
    }

    pub(super) fn poll_commit(&mut self, now: Instant) -> Option<Outbound> {
        let is_ready = self.commits.in_flight.is_none() && self.commits.backoff.is_ready(now);
        if !is_ready || self.member.is_none() {
            return None;
        }
        while let Some(manual) = self.commits.manual.pop_front() {
            let offsets = manual.offsets.clone().unwrap_or_else(|| self.all_uncommitted());
            if offsets.is_empty() {
                let ticket = manual.ticket;
                self.events.push_back(Event::CommitDone { ticket, result: Ok(()) });
                continue;
            }
            return Some(self.send(offsets, Some(manual)));
        }
        if !self.commits.wanted || self.spaced_until(now).is_some() {
            return None;
        }
        self.commits.wanted = false;
        let offsets = self.all_uncommitted();
        if offsets.is_empty() { None } else { Some(self.send(offsets, None)) }
    }

    pub(super) fn commit_due_at(&self, now: Instant) -> Option<Instant> {
        let commits = &self.commits;
        let is_due = commits.in_flight.is_none() && (commits.wanted || !commits.manual.is_empty());
        if !is_due || self.member.is_none() {
            return None;
        }
        let spaced = if commits.manual.is_empty() { self.spaced_until(now) } else { None };
        commits.backoff.ready_at().into_iter().chain(spaced).filter(|at| *at > now).max()
    }

    pub(super) fn commit_answered(&mut self, now: Instant, response: Result<Response, NetError>) {
        let Some(flight) = self.commits.in_flight.take() else { return };
        self.commits.ended_at = Some(now);
        self.note_accepted(&flight, &response);
        let verdict = verdict(response);
        self.commits.unknown = match verdict {
            Verdict::Unknown(_) => self.commits.unknown.saturating_add(1),
            _ => 0,
        };
        match verdict {
            Verdict::Committed => self.committed(now, flight),
            Verdict::Unknown(failure) if self.commits.unknown >= UNKNOWN_ATTEMPTS => {
                self.commits.unknown = 0;
                self.refused(now, flight, failure);
            }
            Verdict::Again | Verdict::Unknown(_) => self.again(now, flight),
            Verdict::Moved => {
                self.once(Event::CoordinatorLost);
                self.again(now, flight);
            }
            Verdict::Rebalance(code) => {
                self.once(Event::Rebalance(code));
                self.refused(now, flight, Failure::Broker { code, partition: None });
            }
            Verdict::No(failure) => self.refused(now, flight, failure),
        }
        self.settle_flush();
    }

    /// One partition's refusal does not undo the others' success.
    fn note_accepted(&mut self, flight: &InFlight, response: &Result<Response, NetError>) {
        let Ok(Response::OffsetCommit(answer)) = response else { return };
        for (partition, offset, _) in &flight.offsets {
            let topic = answer.topics.iter().find(|topic| *topic.name == *partition.topic);
            let of_partition = |p: &&OffsetCommitResponsePartition| p.partition == partition.partition;
            let answer = topic.and_then(|topic| topic.partitions.iter().find(of_partition));
            if answer.is_some_and(|answer| !answer.error.is_err())
                && let Some(state) = self.partitions.get_mut(partition)
            {
                state.committed = Some(*offset);
            }
        }
    }

    fn committed(&mut self, now: Instant, flight: InFlight) {
        self.commits.backoff.reset();
        self.commits.last_at = Some(now);
        let explicit = flight.manual.as_ref().is_some_and(|manual| manual.offsets.is_some());
        self.events.push_back(Event::Committed { automatic: !explicit, offsets: flight.offsets });
        if let Some(Manual { ticket, .. }) = flight.manual {
            self.events.push_back(Event::CommitDone { ticket, result: Ok(()) });
        }
    }

    fn again(&mut self, now: Instant, flight: InFlight) {
        self.commits.backoff.failed(now, &mut self.rng);
        match flight.manual {
            Some(manual) => self.commits.manual.push_front(manual),
            None => self.commits.wanted = true,
        }
    }

    fn refused(&mut self, now: Instant, flight: InFlight, failure: Failure) {
        match flight.manual {
            Some(Manual { ticket, .. }) => {
                self.commits.backoff.reset();
                self.events.push_back(Event::CommitDone { ticket, result: Err(failure) });
            }
            None => {
                // The next batch will want the same: until the cause is gone, not with every batch.
                self.commits.backoff.failed(now, &mut self.rng);
                self.events.push_back(Event::Log(Log {
                    level: LogLevel::Warn,
                    namespace: "OffsetManager",
                    message: format!("Offsets were not committed: {}", describe(&failure)),
                    extra: Vec::new(),
                }));
            }
        }
    }

    fn send(&mut self, offsets: Vec<Offset>, manual: Option<Manual>) -> Outbound {
        let mut topics: Vec<OffsetCommitTopic> = Vec::new();
        for (TopicPartition { topic, partition }, offset, metadata) in &offsets {
            let wanted = OffsetCommitPartition {
                partition: *partition,
                offset: *offset,
                leader_epoch: -1,
                metadata: metadata.clone(),
            };
            match topics.iter_mut().find(|other| *other.name == **topic) {
                Some(other) => other.partitions.push(wanted),
                None => {
                    topics.push(OffsetCommitTopic { name: topic.to_string(), partitions: vec![wanted] });
                }
            }
        }
        let member = self.member.clone().unwrap_or_default();
        let id = self.take_id();
        self.commits.in_flight = Some(InFlight { id, offsets, manual });
        let request = OffsetCommitRequest {
            group_id: self.config.group_id.clone(),
            generation_id: member.generation_id,
            member_id: member.member_id,
            group_instance_id: member.group_instance_id,
            topics,
        };
        Outbound { id, to: Target::AnyCoordinator, body: request.into(), held: Duration::ZERO }
    }

    fn all_uncommitted(&self) -> Vec<Offset> {
        self.uncommitted().into_iter().map(|(partition, offset)| (partition, offset, None)).collect()
    }

    /// Until when automatic commits keep their distance from the last one.
    fn spaced_until(&self, now: Instant) -> Option<Instant> {
        let until = self.commits.ended_at? + SPACING;
        (!self.commits.flushing && until > now).then_some(until)
    }
}

fn verdict(response: Result<Response, NetError>) -> Verdict {
    let answer = match response {
        Ok(Response::OffsetCommit(answer)) => answer,
        Ok(_) | Err(NetError::ClientClosed) => return Verdict::No(Failure::Stopped),
        Err(error @ (NetError::Authentication { .. } | NetError::UnsupportedApi { .. })) => {
            return Verdict::No(Failure::Net(error));
        }
        Err(_) => return Verdict::Moved,
    };
    let mut verdict = Verdict::Committed;
    for topic in answer.topics {
        for partition in topic.partitions {
            match partition.error {
                ErrorCode::NONE => {}
                ErrorCode::NOT_COORDINATOR | ErrorCode::COORDINATOR_NOT_AVAILABLE => return Verdict::Moved,
                ErrorCode::COORDINATOR_LOAD_IN_PROGRESS
                | ErrorCode::REQUEST_TIMED_OUT
                | ErrorCode::LEADER_NOT_AVAILABLE
                | ErrorCode::NOT_LEADER_OR_FOLLOWER => verdict = Verdict::Again,
                code @ ErrorCode::UNKNOWN_TOPIC_OR_PARTITION => {
                    let topic = topic.name.as_str().into();
                    let partition = Some(TopicPartition { topic, partition: partition.partition });
                    verdict = Verdict::Unknown(Failure::Broker { code, partition });
                }
                code @ (ErrorCode::REBALANCE_IN_PROGRESS
                | ErrorCode::ILLEGAL_GENERATION
                | ErrorCode::UNKNOWN_MEMBER_ID) => return Verdict::Rebalance(code),
                code => {
                    let topic = topic.name.as_str().into();
                    let partition = Some(TopicPartition { topic, partition: partition.partition });
                    return Verdict::No(Failure::Broker { code, partition });
                }
            }
        }
    }
    verdict
}

fn describe(failure: &Failure) -> String {
    match failure {
        Failure::Broker { code, .. } => code.name().to_owned(),
        Failure::Net(error) => error.to_string(),
        _ => "the consumer has stopped".to_owned(),
    }
}

/// As often as kafkajs tries.
const UNKNOWN_ATTEMPTS: u32 = 6;
/// Between two automatic commits of a busy consumer: at most some fifty a second.
const SPACING: Duration = Duration::from_millis(20);
