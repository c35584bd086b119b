//! Committing: one OffsetCommit at a time; whatever is newer rides in the next one. All that was asked for meanwhile travels
//! together: of the same partition the last one counts, and each learns what became of its own partitions.
//!
//! ```text
//!  commit ───────────► manual ──┐
//!  batch_end, resolved,         ├─ poll_request ──► in flight ──┬─ taken ──► Committed, CommitDone
//!  sought, interval ─► wanted ──┘                     ▲         ├─ not now ─► back to where it came from
//!                                                     │         └─ no ──────► CommitDone(error), or a log line
//!  flush: no spacing, few tries ──────────────────────┘
//! ```
//! A partition whose topic the coordinator does not know is tried again by itself, see `unknown_topics`.
//!
//! Automatic commits follow the end of every batch. A busy consumer ends thousands of batches a second, so they are
//! spaced by [`SPACING`]; an idle one commits at once.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::cluster::Metadata;
use crate::engine::machine::Failure;
use crate::engine::machine::Outbound;
use crate::engine::machine::Owned;
use crate::engine::machine::RequestState;
use crate::engine::machine::Sent;
use crate::engine::machine::Target;
use crate::engine::machine::TopicPartition;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::TopicId;
use crate::engine::protocol::offset_commit::OffsetCommitPartition;
use crate::engine::protocol::offset_commit::OffsetCommitRequest;
use crate::engine::protocol::offset_commit::OffsetCommitTopic;

use super::answer::PARTITION_TRIES;
use super::flush::{FLUSH_TRIES, Flush};
use super::machine::{Offsets, Partition, View};
use super::unknown_topics::UnknownTopics;
use super::{Epochs, Event, Necessity, Offset};

/// What is to be committed, and what is on its way.
#[derive(Debug, Default)]
pub(super) struct Commits {
    /// Commits with a ticket, oldest first.
    pub(super) manual: VecDeque<Manual>,
    /// An automatic commit is wanted.
    pub(super) wanted: bool,
    /// Those who wait for the next request go together with those who have just been answered and commit again: until the caller says that it
    /// has heard of these answers ([`Offsets::send_commits`]), at the latest until then.
    pub(super) gathers_until: Option<Instant>,
    /// OffsetCommit: the one that is out, the back-off of all and the distance that automatic ones keep. What makes one due
    /// is what is wanted and what is refused, see [`Offsets::commit_due_at`].
    pub(super) request: RequestState<InFlight>,
    /// Manual ones of earlier memberships whose answers are still to come.
    strays: Vec<Sent<InFlight>>,
    /// The coordinator has refused the generation that we are about to leave: nothing is sent before the next one.
    pub(super) is_overtaken: bool,
    /// Automatic commits leave these partitions out until it is their turn again.
    pub(super) unknown_topics: UnknownTopics,
    /// What `autoCommitInterval` counts from.
    pub(super) last_at: Option<Instant>,
    /// What must go out now: before partitions are given up.
    pub(super) flush: Option<Flush>,
    /// How many batches have ended, of whichever partitions, as in kafkajs: what the user had overruled counts again then.
    pub(super) batches: u64,
}

#[derive(Debug)]
pub(super) struct Manual {
    pub(super) ticket: u64,
    pub(super) offsets: Vec<Offset>,
    /// Where the user has said them.
    epochs: Epochs,
    /// The offsets are everything that was uncommitted then.
    pub(super) automatic: bool,
    /// When it was asked for, see [`Offsets::epoch`].
    epoch: u64,
    /// The generation that was the last one then.
    generation_id: Option<i32>,
    pub(super) tries: u32,
}

#[derive(Debug)]
pub(super) struct InFlight {
    /// When it was sent, see [`Offsets::epoch`].
    pub(super) epoch: u64,
    /// In which generation.
    pub(super) generation_id: i32,
    /// The membership in which it was sent is over.
    pub(super) is_stray: bool,
    pub(super) offsets: Vec<Offset>,
    /// From v10 on the answer names topics by their ids only.
    pub(super) topics: BTreeMap<TopicId, Arc<str>>,
    /// Topics that were made anew since it was sent: what becomes of their offsets is no news about the new log.
    void: Vec<Arc<str>>,
    /// Those that travel in it, oldest first; none in an automatic one.
    pub(super) manual: Vec<Manual>,
}

impl InFlight {
    /// Is this about a log that is no more?
    pub(super) fn is_void(&self, partition: &TopicPartition) -> bool {
        self.void.contains(&partition.topic)
    }
}

impl Commits {
    /// There is another generation; `anew`: we were no member before.
    pub(super) fn joined(&mut self, now: Instant, anew: bool) {
        self.request.succeeded();
        if anew {
            self.last_at = Some(now);
        }
    }

    /// These partitions went: nothing is tried again for them, and their flush is over.
    pub(super) fn unassigned(&mut self, removed: &Owned) {
        self.unknown_topics.forget_partitions(removed);
        self.flush.take_if(|flush| *removed == Owned::All || flush.of == *removed);
    }

    /// The commit with this id, unless it was an automatic one of an earlier generation.
    pub(super) fn land(&mut self, id: u64) -> Option<InFlight> {
        let stray = self.strays.iter().position(|sent| sent.id == id);
        let sent = match stray {
            Some(at) => Some(self.strays.swap_remove(at)),
            None => self.request.land(id),
        };
        sent.map(|sent| sent.about)
    }
}

// ---- commands

impl Offsets {
    /// Commits these offsets, or (None) everything uncommitted, however often it takes. Ends in [`Event::CommitDone`].
    ///
    /// Between two generations it waits for the next one, and fails if another member has, or had, a partition of it.
    pub fn commit(&mut self, ticket: u64, offsets: Option<Vec<Offset>>) {
        self.commit_with(ticket, offsets, Epochs::new());
    }

    /// As [`Offsets::commit`], with leader epochs of the user's.
    pub fn commit_with(&mut self, ticket: u64, offsets: Option<Vec<Offset>>, epochs: Epochs) {
        let automatic = offsets.is_none();
        // Now, not when its turn comes: a later ticket must not find something newer committed already.
        let offsets = offsets.map_or_else(|| self.noted(self.open()), |offsets| self.with_notes(offsets));
        if offsets.is_empty() {
            self.done(ticket, Ok(()));
        } else if let Some((partition, ..)) = offsets.iter().find(|(_, offset, _)| *offset < 0) {
            let (code, partition) = (ErrorCode::OFFSET_OUT_OF_RANGE, Some(partition.clone()));
            self.done(ticket, Err(Failure::Broker { code, partition }));
        } else {
            let Offsets { epoch, generation_id, .. } = *self;
            if !automatic {
                self.overrule(&offsets);
            }
            let manual = Manual { ticket, offsets, epochs, automatic, epoch, generation_id, tries: 0 };
            self.commits.manual.push_back(manual);
        }
    }

    /// The caller has heard of all answers that there were, and has no commits to add: what waits goes out.
    pub fn send_commits(&mut self) {
        self.commits.gathers_until = None;
    }

    /// Commits everything uncommitted if the interval or the threshold says so. Ends in [`Event::CommitDone`].
    pub fn commit_if_necessary(&mut self, now: Instant, ticket: u64) {
        if self.is_commit_necessary(now) {
            self.commit(ticket, None);
        } else {
            self.done(ticket, Ok(()));
        }
    }

    /// Is a commit necessary by interval or threshold? Else what has to happen before one can be.
    pub fn necessity(&mut self, now: Instant) -> Necessity {
        if self.is_commit_necessary(now) {
            return Necessity::Now;
        }
        let interval = self.config.auto_commit_interval;
        if self.is_interval_over(now) {
            // As in kafkajs: the interval begins anew when it finds nothing to commit.
            self.commits.last_at = Some(now);
        }
        let ends = interval.map(|interval| self.commits.last_at.map_or(now, |last| last + interval));
        let threshold = self.config.auto_commit_threshold;
        Necessity::Later {
            wait: ends.map(|ends| ends.saturating_duration_since(now)),
            offsets: threshold.map(|threshold| threshold.saturating_sub(self.pending())),
        }
    }

    /// A batch is over: with autoCommit, what it resolved goes to the group.
    pub fn batch_end(&mut self) {
        self.commits.batches += 1;
        self.want_open();
    }

    pub(super) fn want_open(&mut self) {
        if self.config.auto_commit && self.has_open() {
            self.commits.wanted = true;
        }
    }

    /// No further generation will come, so the commits that wait for one fail with `failure`. Those that are on their way
    /// get their answers.
    pub fn refuse_commits(&mut self, failure: &Failure) {
        for manual in std::mem::take(&mut self.commits.manual) {
            self.give_up(manual, failure.clone());
        }
    }

    /// The topic was deleted and made again: offsets of the old log must not be written into the new one.
    pub(super) fn void_commits(&mut self, topic: &Arc<str>) {
        self.commits.unknown_topics.forget_topic(topic);
        let strays = self.commits.strays.iter_mut().map(|sent| &mut sent.about);
        for flight in strays.chain(self.commits.request.about_mut()) {
            flight.void.push(topic.clone());
        }
        for mut manual in std::mem::take(&mut self.commits.manual) {
            let first = manual.offsets.iter().find(|(partition, ..)| partition.topic == *topic);
            let first = first.map(|(partition, ..)| partition.clone());
            if manual.automatic || first.is_none() {
                manual.offsets.retain(|(partition, ..)| partition.topic != *topic);
                self.commits.manual.push_back(manual);
            } else {
                self.give_up(manual, no_such_topic(first));
            }
        }
    }
}

// ---- when

impl Offsets {
    pub(super) fn is_commit_necessary(&self, now: Instant) -> bool {
        if self.is_interval_over(now) {
            return self.committable(now).next().is_some();
        }
        self.config.auto_commit_threshold.is_some_and(|threshold| self.pending() >= threshold)
    }

    fn is_interval_over(&self, now: Instant) -> bool {
        let interval = self.config.auto_commit_interval.zip(self.commits.last_at);
        interval.is_some_and(|(interval, last)| now >= last + interval)
    }

    /// What `autoCommitThreshold` counts.
    fn pending(&self) -> u64 {
        let Commits { unknown_topics: unknown, batches, .. } = &self.commits;
        let is_overruled = |state: &Partition| state.overruled_at == Some(*batches);
        let counts = self.partitions.iter().filter(|(partition, _)| !unknown.contains(partition));
        let pending = counts.filter(|(_, state)| !is_overruled(state)).filter_map(|(_, state)| {
            let base = state.committed.or(state.start).unwrap_or(0);
            Some(state.resolved?.saturating_sub(base).max(0).unsigned_abs())
        });
        pending.fold(0u64, u64::saturating_add)
    }

    /// `autoCommitInterval` and `autoCommitThreshold` are about every single message, and no call tells of one: when should
    /// busy handlers' progress be read, if it is not before? No commit goes out earlier.
    pub fn next_look(&self, now: Instant) -> Option<Instant> {
        let commits = &self.commits;
        if !self.config.auto_commit || self.member.is_none() || commits.request.is_in_flight() {
            return None;
        }
        let soon = now + SPACING;
        if self.config.auto_commit_threshold.is_some() {
            return Some(soon);
        }
        let end =
            self.config.auto_commit_interval.zip(commits.last_at).map(|(interval, last)| last + interval)?;
        let spaced = commits.request.spaced_until().map_or(end, |until| end.max(until));
        Some(if spaced > now { spaced } else { soon })
    }

    pub(super) fn poll_commit(&mut self, now: Instant, view: View<'_>) -> Option<Outbound> {
        let (node, metadata) = (view.coordinator?, view.metadata);
        let is_barred = self.member.is_none() || self.commits.is_overtaken;
        if is_barred || self.commits.request.is_in_flight() || self.is_backing_off(now) || self.gathers(now) {
            return None;
        }
        if self.lets_own_commit_pass()
            && let Some(outbound) = self.send_own(now, node, metadata)
        {
            return Some(outbound);
        }
        let mut riders = Vec::new();
        while let Some(manual) = self.commits.manual.pop_front() {
            match self.offsets_of(&manual) {
                Ok(offsets) if offsets.is_empty() => self.done(manual.ticket, Ok(())),
                Ok(offsets) => riders.push(Manual { offsets, ..manual }),
                Err(failure) => self.give_up(manual, failure),
            }
        }
        if !riders.is_empty() {
            return self.send(now, node, united(&riders), riders, metadata);
        }
        self.send_own(now, node, metadata)
    }

    /// What nobody has asked for; of a partition for which a commit waits to be tried again, nothing goes before that.
    fn send_own(&mut self, now: Instant, node: i32, metadata: &Metadata) -> Option<Outbound> {
        if !self.wants_commit(now) || self.spaced_until().is_some_and(|until| now < until) {
            return None;
        }
        let waits = |(at, ..): &Offset| self.commits.manual.iter().any(|manual| names(manual, at));
        let (waiting, offsets): (Vec<_>, Vec<_>) =
            self.noted(self.committable(now)).into_iter().partition(waits);
        self.commits.wanted = !waiting.is_empty();
        if offsets.is_empty() { None } else { self.send(now, node, offsets, Vec::new(), metadata) }
    }

    pub(super) fn commit_due_at(&self, now: Instant) -> Option<Instant> {
        let commits = &self.commits;
        if self.member.is_none() || commits.is_overtaken || commits.request.is_in_flight() {
            return None;
        }
        let due_at = match (commits.manual.is_empty(), self.wants_commit(now)) {
            (false, _) => self.commits.gathers_until.filter(|_| self.gathers(now)),
            (true, true) => self.spaced_until(),
            (true, false) => Some(self.interval_ends(now).into_iter().chain(self.refused_until()).min()?),
        };
        due_at.into_iter().chain(commits.request.backoff_until()).max().filter(|at| *at > now)
    }

    /// Is there a batch that ended, an interval that is over, a threshold that is reached, a refused partition to try
    /// again? Not asked while a commit is under way: what that one writes must not count twice.
    fn wants_commit(&self, now: Instant) -> bool {
        let necessary = || self.config.auto_commit && self.is_commit_necessary(now);
        self.commits.wanted || necessary() || self.refused_until().is_some_and(|until| until <= now)
    }

    /// When the first of the partitions that were refused is tried again.
    fn refused_until(&self) -> Option<Instant> {
        self.refused().filter_map(|(_, until)| until).min()
    }

    /// The partitions that were refused and are to be tried again, and when.
    pub(super) fn refused(&self) -> impl Iterator<Item = (&TopicPartition, Option<Instant>)> {
        self.commits.unknown_topics.iter().filter(|(partition, _)| {
            let offset = self.partitions.get(partition).and_then(Partition::uncommitted);
            offset.is_some_and(|offset| self.is_tried(partition, offset))
        })
    }

    /// When `autoCommitInterval` makes a commit due within a batch.
    fn interval_ends(&self, now: Instant) -> Option<Instant> {
        let interval = self.config.auto_commit_interval.filter(|_| self.config.auto_commit)?;
        let end = self.commits.last_at? + interval;
        self.committable(now).next().map(|_| end)
    }

    /// Does what waits still wait for others? Not where partitions are to be given up.
    fn gathers(&self, now: Instant) -> bool {
        self.commits.flush.is_none() && self.commits.gathers_until.is_some_and(|until| now < until)
    }

    /// Did the last attempts fail, and is it too early for another one?
    fn is_backing_off(&self, now: Instant) -> bool {
        self.commits.request.backoff_until().is_some_and(|until| now < until)
    }

    /// Until when automatic commits keep their distance from the last one.
    fn spaced_until(&self) -> Option<Instant> {
        self.commits.request.spaced_until().filter(|_| self.commits.flush.is_none())
    }
}

// ---- what

impl Offsets {
    /// An offset that was to be committed before its partition became ours may have been overtaken by another owner: now, or in
    /// a generation that went by without us.
    fn offsets_of(&self, manual: &Manual) -> Result<Vec<Offset>, Failure> {
        let offsets = &manual.offsets;
        let is_kept = |offset: &&Offset| self.is_ours_since(&offset.0, manual.epoch);
        if manual.automatic {
            if !offsets.iter().all(|offset| is_kept(&offset)) {
                return Err(Failure::Broker { code: ErrorCode::REBALANCE_IN_PROGRESS, partition: None });
            }
            let is_open = |offset: &&Offset| !self.is_committed(offset);
            return Ok(offsets.iter().filter(is_open).cloned().collect());
        }
        if manual.epoch == self.epoch {
            return Ok(offsets.clone());
        }
        // A member that rejoins may find the group as it was, in the same generation.
        let follows =
            |then: i32| self.generation_id.is_some_and(|now| now == then || now == then.wrapping_add(1));
        let has_gap = manual.generation_id.is_some_and(|then| !follows(then));
        let is_lost =
            |offset: &&Offset| !is_kept(offset) && (has_gap || !self.partitions.contains_key(&offset.0));
        match offsets.iter().find(is_lost) {
            None => Ok(offsets.clone()),
            Some((partition, ..)) => {
                let (code, partition) = (ErrorCode::ILLEGAL_GENERATION, Some(partition.clone()));
                Err(Failure::Broker { code, partition })
            }
        }
    }

    fn send(
        &mut self,
        now: Instant,
        node: i32,
        offsets: Vec<Offset>,
        manual: Vec<Manual>,
        metadata: &Metadata,
    ) -> Option<Outbound> {
        let member = self.member.clone()?;
        let mut topics: Vec<OffsetCommitTopic> = Vec::new();
        let mut ids = BTreeMap::new();
        let has_epochs = manual.iter().any(|manual| !manual.epochs.is_empty());
        for (at, offset, note) in &offsets {
            let TopicPartition { topic, partition } = at;
            let said = if has_epochs { epoch_said(&manual, topic, *partition) } else { None };
            let wanted = OffsetCommitPartition {
                partition: *partition,
                offset: *offset,
                leader_epoch: said.or_else(|| self.epoch_before(at, *offset)).unwrap_or(-1),
                metadata: note.clone(),
            };
            match topics.iter_mut().find(|other| *other.name == **topic) {
                Some(other) => other.partitions.push(wanted),
                None => {
                    let topic_id = metadata.topic_id(topic);
                    ids.insert(topic_id, topic.clone());
                    let (name, partitions) = (topic.to_string(), vec![wanted]);
                    topics.push(OffsetCommitTopic { name, topic_id, partitions });
                }
            }
        }
        let id = self.take_id();
        let flight = InFlight {
            epoch: self.epoch,
            generation_id: member.generation_id,
            is_stray: false,
            offsets,
            topics: ids,
            void: Vec::new(),
            manual,
        };
        self.commits.request.send(now, id, flight);
        let request = OffsetCommitRequest {
            group_id: self.config.group_id.clone(),
            generation_id: member.generation_id,
            member_id: member.member_id,
            group_instance_id: member.group_instance_id,
            topics,
        };
        Some(Outbound { id, to: Target::coordinator(node), body: request.into(), held: Duration::ZERO })
    }

    /// The leader epoch of the record before this offset, for those who read the commit (KIP-320).
    pub fn epoch_before(&self, partition: &TopicPartition, offset: i64) -> Option<i32> {
        let state = self.partitions.get(partition)?;
        state.resolved_epoch.filter(|_| state.resolved == Some(offset))
    }

    /// What is to be committed, and waited for.
    pub(super) fn open(&self) -> impl Iterator<Item = (&TopicPartition, i64)> {
        self.uncommitted().filter(|(partition, offset)| self.is_open(partition, *offset))
    }

    fn has_open(&self) -> bool {
        self.open().any(|(partition, _)| !self.is_overruled(partition))
    }

    /// With what is finished beyond them.
    fn noted<'a>(&self, offsets: impl Iterator<Item = (&'a TopicPartition, i64)>) -> Vec<Offset> {
        let note_of = |partition| self.partitions.get(partition).and_then(|state| state.note.clone());
        offsets.map(|(partition, offset)| (partition.clone(), offset, note_of(partition))).collect()
    }

    /// The user's offsets, and where he has no note of his own, what is finished beyond them.
    fn with_notes(&self, mut offsets: Vec<Offset>) -> Vec<Offset> {
        if self.config.keeps_finished {
            for (partition, offset, note) in offsets.iter_mut().filter(|(.., note)| note.is_none()) {
                let state = self.partitions.get(partition);
                *note = state.and_then(|state| state.finished.encode(*offset, self.note_limit));
            }
        }
        offsets
    }

    /// Has the coordinator exactly this?
    fn is_committed(&self, (partition, offset, note): &Offset) -> bool {
        let is_same = |state: &Partition| {
            !state.in_doubt && state.committed == Some(*offset) && state.committed_note == *note
        };
        self.partitions.get(partition).is_some_and(is_same)
    }

    /// What an automatic commit writes now.
    fn committable(&self, now: Instant) -> impl Iterator<Item = (&TopicPartition, i64)> {
        self.uncommitted().filter(move |(partition, offset)| {
            self.is_tried(partition, *offset) && self.commits.unknown_topics.is_ready(partition, now)
        })
    }

    /// Is this offset worth waiting for its commit? For a partition that is about to go, a topic that the coordinator does not know is
    /// tried less often: the rebalance does not wait for it.
    fn is_open(&self, partition: &TopicPartition, offset: i64) -> bool {
        let tries = if self.is_going(partition) { FLUSH_TRIES } else { PARTITION_TRIES };
        self.commits.unknown_topics.is_open(partition, offset, tries)
    }

    /// Is it tried, now or later? What is given up is tried rarely, unless it is about to go.
    fn is_tried(&self, partition: &TopicPartition, offset: i64) -> bool {
        !self.is_overruled(partition) && (!self.is_going(partition) || self.is_open(partition, offset))
    }

    /// It does not come about: what its user had put aside with it counts again, unless another one is still to be sent.
    pub(super) fn give_up(&mut self, Manual { ticket, offsets, automatic, .. }: Manual, failure: Failure) {
        for (partition, ..) in offsets.iter().filter(|_| !automatic) {
            let waits = |manual: &Manual| !manual.automatic && names(manual, partition);
            if !self.commits.manual.iter().any(waits)
                && let Some(state) = self.partitions.get_mut(partition)
            {
                state.overruled_at = None;
            }
        }
        self.done(ticket, Err(failure));
    }

    pub(super) fn done(&mut self, ticket: u64, result: Result<(), Failure>) {
        self.events.push_back(Event::CommitDone { ticket, result });
    }
}

// ---- ends

impl Offsets {
    /// The membership is over, and what was to be committed in it by itself. Explicit commits stay, they are the user's.
    pub(super) fn revoke_commits(&mut self) {
        self.commits.wanted = false;
        self.commits.flush = None;
        self.commits.request.space_until(None);
        self.commits.unknown_topics = UnknownTopics::default();
        let stray = self.commits.request.give_up().filter(|sent| !sent.about.manual.is_empty());
        self.commits.strays.extend(stray.map(|mut sent| {
            sent.about.is_stray = true;
            sent
        }));
        let (gone, kept) = std::mem::take(&mut self.commits.manual).into_iter().partition(|m| m.automatic);
        self.commits.manual = kept;
        for Manual { ticket, .. } in Vec::from(gone) {
            let failure = Failure::Broker { code: ErrorCode::REBALANCE_IN_PROGRESS, partition: None };
            self.done(ticket, Err(failure));
        }
    }

    /// The end of all commits: each that waits for an answer fails.
    pub(super) fn close_commits(&mut self) {
        let Commits { manual, mut request, strays, .. } = std::mem::take(&mut self.commits);
        let flights = strays.into_iter().chain(request.give_up()).flat_map(|sent| sent.about.manual);
        for manual in flights.chain(manual) {
            self.done(manual.ticket, Err(Failure::Stopped));
        }
    }
}

/// Of each partition what was asked for last.
fn united(riders: &[Manual]) -> Vec<Offset> {
    let mut last: BTreeMap<&TopicPartition, &Offset> = BTreeMap::new();
    last.extend(riders.iter().flat_map(|manual| &manual.offsets).map(|offset| (&offset.0, offset)));
    last.into_values().cloned().collect()
}

fn names(manual: &Manual, partition: &TopicPartition) -> bool {
    manual.offsets.iter().any(|(of, ..)| of == partition)
}

/// The leader epoch that came with what [`united`] takes of this partition.
fn epoch_said(riders: &[Manual], topic: &Arc<str>, partition: i32) -> Option<i32> {
    let partition = TopicPartition { topic: topic.clone(), partition };
    let last = riders.iter().rev().find(|manual| names(manual, &partition))?;
    last.epochs.get(&partition).copied()
}

/// What v9 says where v10 speaks of an unknown id.
pub(super) fn no_such_topic(partition: Option<TopicPartition>) -> Failure {
    Failure::Broker { code: ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, partition }
}

/// Between two automatic commits of a busy consumer: at most some fifty a second.
pub(super) const SPACING: Duration = Duration::from_millis(20);
/// Longer than it takes to hear of an answer; a caller that is busy for longer does not hold up the others.
pub(super) const GATHERING: Duration = Duration::from_millis(1);
