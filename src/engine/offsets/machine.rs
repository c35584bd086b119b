//! The machine's state and its side of the contract; `lookup` finds positions, `commit` writes them.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::engine::cluster::Metadata;
use crate::engine::machine::Failure;
use crate::engine::machine::Log;
use crate::engine::machine::LogLevel;
use crate::engine::machine::Machine;
use crate::engine::machine::NetError;
use crate::engine::machine::Outbound;
use crate::engine::machine::Owned;
use crate::engine::machine::Reminder;
use crate::engine::machine::RequestState;
use crate::engine::machine::TopicPartition;
use crate::engine::protocol::Response;
use crate::engine::protocol::list_offsets::{EARLIEST, LATEST};

use super::commit::Commits;
use super::finished::{Finished, NOTE_LIMIT, is_note};
use super::lookup::{Asked, Question};
use super::{Event, Member, Offset, OffsetsConfig, Place, Range, Reset, ResetPolicy, Search};

/// Positions and commits of one consumer.
#[derive(Debug)]
pub struct Offsets {
    pub(super) config: OffsetsConfig,
    pub(super) rng: Rng,
    /// As whom we commit; None between two memberships.
    pub(super) member: Option<Member>,
    /// The member joins again and keeps partitions: its generation may be over at the coordinator, and the next one is not known.
    pub(super) is_rejoining: bool,
    /// The last generation that we were a member of.
    pub(super) generation_id: Option<i32>,
    /// Counts what is assigned, what is taken away, and the ends of memberships: tells whether a partition has been ours all
    /// the time since a commit was asked for.
    pub(super) epoch: u64,
    /// What is assigned.
    pub(super) partitions: BTreeMap<TopicPartition, Partition>,
    /// How many of them have a question.
    pub(super) searching: usize,
    /// Positions are looked up in vain.
    pub(super) unknown: Reminder,
    pub(super) commits: Commits,
    /// The most bytes that the brokers take as metadata of a commit; 0 = ours are too long for them.
    pub(super) note_limit: usize,
    /// What it said, and when: ms since the Unix epoch.
    wall_clock: Option<(Instant, i64)>,
    pub(super) last_id: u64,
    pub(super) events: VecDeque<Event>,
}

#[derive(Debug)]
pub(super) struct Partition {
    /// The epoch with which it became ours.
    since: u64,
    pub(super) from_beginning: bool,
    /// Its question waits for [`Offsets::release`].
    pub(super) is_held: bool,
    /// What is still to be found out before the position is known. Every change goes through [`Offsets::ask_for`].
    pub(super) question: Option<Question>,
    /// The request that asks it, which it shares with other partitions.
    pub(super) request: RequestState<Asked>,
    pub(super) start: Option<i64>,
    /// The leader epoch of the record before `start`.
    pub(super) start_epoch: Option<i32>,
    /// Nothing has been resolved since `start` was found: reading goes on there, wherever it was before.
    pub(super) is_at_start: bool,
    pub(super) resolved: Option<i64>,
    /// The leader epoch of the record before `resolved` (KIP-320).
    pub(super) resolved_epoch: Option<i32>,
    pub(super) committed: Option<i64>,
    /// Or another one: a commit that we have chosen was not answered well, and may have been taken.
    pub(super) in_doubt: bool,
    /// The user has committed another offset since the last one was resolved, and has the last word: it is not committed by itself
    /// before a batch ends, or another one is resolved. How many had ended then, see [`Commits::batches`].
    pub(super) overruled_at: Option<u64>,
    /// What a transaction has committed: nothing before it is committed by itself, until the position is another one.
    transacted: Option<i64>,
    /// What is finished beyond `resolved`.
    pub(super) finished: Finished,
    /// That, as the metadata of a commit of `resolved`.
    pub(super) note: Option<String>,
    /// The metadata of ours that the coordinator has.
    pub(super) committed_note: Option<String>,
}

impl Partition {
    fn new(since: u64, from_beginning: bool) -> Partition {
        let mut request = RequestState::default();
        request.want();
        Partition {
            since,
            from_beginning,
            is_held: false,
            question: Some(Question::Committed),
            request,
            start: None,
            start_epoch: None,
            is_at_start: true,
            resolved: None,
            resolved_epoch: None,
            committed: None,
            in_doubt: false,
            overruled_at: None,
            transacted: None,
            finished: Finished::default(),
            note: None,
            committed_note: None,
        }
    }

    /// What a commit would write: resolved, and not committed already.
    pub(super) fn uncommitted(&self) -> Option<i64> {
        let is_news = |resolved: &i64| {
            self.in_doubt || Some(*resolved) != self.committed || self.note != self.committed_note
        };
        let is_past = |resolved: &i64| self.transacted.is_some_and(|offset| *resolved < offset);
        self.resolved.filter(|resolved| is_news(resolved) && !is_past(resolved))
    }

    /// The position is another one: what was finished behind the old one is to be handled again.
    pub(super) fn forget_finished(&mut self) {
        self.finished.clear();
        self.note = None;
        self.overruled_at = None;
        self.transacted = None;
    }
}

// ---- commands

impl Offsets {
    /// A machine without partitions.
    pub fn new(config: OffsetsConfig, seed: u64) -> Offsets {
        Offsets {
            config,
            rng: Rng::with_seed(seed),
            member: None,
            is_rejoining: false,
            generation_id: None,
            epoch: 0,
            partitions: BTreeMap::new(),
            searching: 0,
            unknown: Reminder::after(PATIENCE),
            commits: Commits::default(),
            note_limit: NOTE_LIMIT,
            wall_clock: None,
            last_id: 0,
            events: VecDeque::new(),
        }
    }

    /// As whom we commit from now on. A membership goes on through generations: what is under way for partitions that we keep
    /// is sent again in the new one if the coordinator refuses the old. None = it is over: commits that the user asked for
    /// wait for the next one, and the others are void.
    pub fn member_changed(&mut self, now: Instant, member: Option<Member>) {
        match &member {
            None => {
                self.epoch += 1;
                self.revoke_commits();
            }
            Some(member) => {
                self.commits.joined(now, self.member.is_none());
                self.generation_id = Some(member.generation_id);
            }
        }
        self.member = member;
        self.set_rejoining(false);
    }

    /// A member joins again and keeps partitions. What the coordinator refuses because this generation is over waits from now on for
    /// the next one, of which [`Offsets::member_changed`] tells. False: there will be none, refusals count as ever.
    pub fn set_rejoining(&mut self, is_rejoining: bool) {
        self.is_rejoining = is_rejoining && self.member.is_some();
        self.commits.is_overtaken &= self.is_rejoining;
    }

    /// The OffsetCommit that is out.
    pub fn commit_under_way(&self) -> Option<u64> {
        self.commits.request.sent().map(|sent| sent.id)
    }

    /// These partitions (with their topic's `fromBeginning`) are ours from now on, beside those that are already. Each gets an
    /// [`Event::Position`].
    pub fn assign(&mut self, added: Vec<(TopicPartition, bool)>) {
        self.epoch += 1;
        for (partition, from_beginning) in added {
            if !self.partitions.contains_key(&partition) {
                self.partitions.insert(partition, Partition::new(self.epoch, from_beginning));
                self.searching += 1;
            }
        }
    }

    /// The positions of these partitions are not looked up until [`Offsets::release`]: the user may choose them before.
    pub fn hold(&mut self, partitions: &[TopicPartition]) {
        for partition in partitions {
            if let Some(state) = self.partitions.get_mut(partition) {
                state.is_held = true;
            }
        }
    }

    /// They are looked up now, unless the user has chosen them.
    pub fn release<'a>(&mut self, partitions: impl IntoIterator<Item = &'a TopicPartition>) {
        for partition in partitions {
            if let Some(state) = self.partitions.get_mut(partition) {
                state.is_held = false;
            }
        }
    }

    /// These partitions are not ours any more: late answers are dropped, their resolved offsets are not ours to
    /// commit.
    pub fn unassign(&mut self, removed: &Owned) {
        self.epoch += 1;
        self.partitions.retain(|partition, _| !removed.contains(partition));
        self.searching = self.partitions.values().filter(|state| state.question.is_some()).count();
        if self.searching == 0 {
            self.unknown.over();
        }
        self.commits.unassigned(removed);
    }

    /// Has this partition been ours since that epoch, without a break?
    pub(super) fn is_ours_since(&self, partition: &TopicPartition, epoch: u64) -> bool {
        self.partitions.get(partition).is_some_and(|state| state.since <= epoch)
    }

    /// Is there a membership to commit in?
    pub fn is_member(&self) -> bool {
        self.member.is_some()
    }

    /// The end: commits that are waited for fail with [`Failure::Stopped`].
    pub fn close(&mut self) {
        self.close_commits();
        self.member = None;
        self.unassign(&Owned::All);
    }

    /// The leader's log ends before our position (KIP-320), which goes back to where the log goes on. False when the policy
    /// forbids that: then the failure is told, and nothing of the partition must be delivered.
    pub fn truncated(&mut self, partition: &TopicPartition) -> bool {
        let may_go_back = self.config.reset != ResetPolicy::None;
        if !may_go_back {
            self.reset(partition, Reset::ByPolicy);
        }
        if let Some(state) = self.partitions.get_mut(partition) {
            state.forget_finished();
        }
        may_go_back
    }

    /// Finds a new position.
    pub fn reset(&mut self, partition: &TopicPartition, how: Reset) {
        let Some(state) = self.partitions.get_mut(partition) else { return };
        state.forget_finished();
        let question = match how {
            Reset::ByPolicy if self.config.reset == ResetPolicy::None => {
                self.ask_for(partition, None);
                self.events.push_back(Event::Failed(Failure::OffsetOutOfRange(partition.clone())));
                return;
            }
            Reset::ByPolicy => {
                Question::End { place: self.config.reset.place(state.from_beginning), lost: true }
            }
            Reset::Earliest => Question::End { place: Place::Earliest, lost: false },
            Reset::Latest => Question::End { place: Place::Latest, lost: false },
        };
        self.ask_anew(partition, question);
    }

    /// The topic was deleted and made again: its old offsets are void. Returns which partitions of ours that concerns;
    /// each gets a new [`Event::Position`].
    pub fn recreated(&mut self, topic: &Arc<str>) -> Vec<TopicPartition> {
        self.void_commits(topic);
        let ours = self.partitions.keys().filter(|partition| partition.topic == *topic);
        let ours: Vec<TopicPartition> = ours.cloned().collect();
        for partition in &ours {
            if let Some(state) = self.partitions.get_mut(partition) {
                (state.start, state.resolved, state.committed) = (None, None, None);
                (state.start_epoch, state.resolved_epoch) = (None, None);
                (state.is_at_start, state.in_doubt) = (true, false);
                state.forget_finished();
                state.committed_note = None;
            }
            self.ask_anew(partition, Question::Committed);
        }
        ours
    }

    /// The user has chosen a position: a running lookup is void, and with autoCommit the group learns of it.
    pub fn sought(&mut self, partition: &TopicPartition, offset: i64) {
        let Some(state) = self.partitions.get_mut(partition) else { return };
        if offset < 0 {
            return;
        }
        state.start = Some(offset);
        state.start_epoch = None;
        state.is_at_start = true;
        state.resolved = Some(offset);
        state.resolved_epoch = None;
        state.forget_finished();
        self.ask_for(partition, None);
        if self.config.auto_commit {
            self.commits.wanted = true;
        }
    }

    /// Handlers have finished everything before `next`. May go back: `resolveOffset` may. `epoch` = of the leader that
    /// wrote the record before it, if known.
    pub fn resolved(&mut self, partition: &TopicPartition, next: i64, epoch: Option<i32>) {
        let Some(state) = self.partitions.get_mut(partition) else { return };
        if next < 0 {
            return;
        }
        state.resolved = Some(next);
        state.resolved_epoch = epoch;
        state.is_at_start = false;
        state.overruled_at = None;
    }

    /// The user commits these, by hand.
    pub(super) fn overrule(&mut self, offsets: &[Offset]) {
        let at = self.commits.batches;
        for (partition, offset, _) in offsets {
            if let Some(state) = self.partitions.get_mut(partition) {
                state.overruled_at = state.resolved.filter(|resolved| resolved != offset).map(|_| at);
            }
        }
    }

    pub(super) fn is_overruled(&self, partition: &TopicPartition) -> bool {
        self.partitions.get(partition).is_some_and(|state| state.overruled_at == Some(self.commits.batches))
    }

    /// A transaction has committed this offset. What handlers had finished before must not be committed behind it.
    pub fn committed_elsewhere(&mut self, partition: &TopicPartition, offset: i64) {
        if let Some(state) = self.partitions.get_mut(partition) {
            (state.committed, state.transacted) = (Some(offset), Some(offset));
            state.in_doubt = false;
        }
    }

    /// As [`Offsets::resolved`], where handlers run beside each other: `finished` is all that they have finished between `next` and
    /// `end`. An automatic commit may follow, unless interval or threshold say when.
    pub fn finished(
        &mut self,
        partition: &TopicPartition,
        next: i64,
        epoch: Option<i32>,
        end: i64,
        finished: Vec<Range>,
    ) {
        let limit = self.note_limit;
        let Some(state) = self.partitions.get_mut(partition) else { return };
        if next < 0 {
            return;
        }
        state.resolved = Some(next);
        state.resolved_epoch = epoch;
        state.is_at_start = false;
        state.overruled_at = None;
        state.finished.replace_before(end, finished);
        state.note = state.finished.encode(next, limit);
        let OffsetsConfig { auto_commit_interval, auto_commit_threshold, .. } = self.config;
        if auto_commit_interval.is_none() && auto_commit_threshold.is_none() {
            self.batch_end();
        }
    }

    /// What is finished beyond the position of this partition, in order.
    pub fn finished_beyond(&self, partition: &TopicPartition) -> &[Range] {
        self.partitions.get(partition).map_or(&[], |state| state.finished.ranges())
    }

    /// The group has committed this, with this metadata.
    pub(super) fn read_committed(&mut self, partition: &TopicPartition, offset: i64, metadata: Option<&str>) {
        let Some(state) = self.partitions.get_mut(partition) else { return };
        (state.committed, state.in_doubt) = (Some(offset), false);
        if self.config.keeps_finished {
            state.finished = metadata.map_or_else(Finished::default, |note| Finished::decode(note, offset));
            state.note = metadata.filter(|_| !state.finished.is_empty()).map(str::to_owned);
            state.committed_note = state.note.clone();
        }
    }

    /// The coordinator has taken this.
    pub(super) fn took(&mut self, partition: &TopicPartition, offset: i64, note: Option<&str>) {
        let Some(state) = self.partitions.get_mut(partition) else { return };
        (state.committed, state.in_doubt) = (Some(offset), false);
        if self.config.keeps_finished {
            // Metadata of the user's is not written over before there is something new to say.
            let is_theirs = note.is_some_and(|note| !is_note(note));
            state.committed_note = if is_theirs { state.note.clone() } else { note.map(str::to_owned) };
        }
    }

    /// The brokers take no metadata as long as ours: the offsets alone are committed from now on.
    pub(super) fn stop_noting(&mut self) {
        self.note_limit = 0;
        for state in self.partitions.values_mut() {
            (state.note, state.committed_note) = (None, None);
        }
    }

    /// Resolved but not committed, in order.
    pub fn uncommitted(&self) -> impl Iterator<Item = (&TopicPartition, i64)> {
        self.partitions.iter().filter_map(|(partition, state)| Some((partition, state.uncommitted()?)))
    }

    /// The next offset to read, as far as handlers have come.
    pub fn resolved_offset(&self, partition: &TopicPartition) -> Option<i64> {
        self.partitions.get(partition)?.resolved
    }

    /// The next offset to read: behind what handlers have finished, or where reading begins. None until that is known.
    pub fn position_of(&self, partition: &TopicPartition) -> Option<i64> {
        let state = self.partitions.get(partition)?;
        if state.is_at_start { state.start } else { state.resolved }
    }

    /// The leader epoch of the record before that position, if it is known (KIP-320).
    pub fn epoch_at(&self, partition: &TopicPartition) -> Option<i32> {
        let state = self.partitions.get(partition)?;
        if state.is_at_start { state.start_epoch } else { state.resolved_epoch }
    }

    /// Why this partition has no position yet; None: it has one, or is not ours.
    pub fn searches(&self, partition: &TopicPartition) -> Option<Search> {
        let state = self.partitions.get(partition).filter(|state| state.question.is_some())?;
        Some(if state.is_held { Search::Held } else { Search::Asks })
    }

    /// What the clock on the wall says. Places by time are asked for by it.
    pub fn set_wall_clock(&mut self, now: Instant, unix_ms: i64) {
        self.wall_clock = Some((now, unix_ms));
    }

    /// The timestamp by which a leader finds this place.
    pub(super) fn timestamp_of(&self, now: Instant, place: Place) -> i64 {
        match place {
            Place::Earliest => EARLIEST,
            Place::Latest => LATEST,
            Place::Within(age) => {
                let ms = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
                let today = self
                    .wall_clock
                    .map_or(0, |(at, unix_ms)| unix_ms.saturating_add(ms(now.saturating_duration_since(at))));
                today.saturating_sub(ms(age)).max(0)
            }
        }
    }

    /// What the group has committed, as far as we know.
    pub fn committed_offset(&self, partition: &TopicPartition) -> Option<i64> {
        self.partitions.get(partition)?.committed
    }
}

// ---- contract

/// What the machine must be shown to ask: leaders and topic ids, and where the coordinator is.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The cluster.
    pub metadata: &'a Metadata,
    /// The group's coordinator, while it is known and may be asked.
    pub coordinator: Option<i32>,
    /// The coordinator is to be asked for no positions.
    pub only_commits: bool,
}

impl Machine for Offsets {
    type Id = u64;
    type View<'a> = View<'a>;
    type Event = Event;

    fn handle_response(&mut self, now: Instant, id: u64, response: Result<Response, NetError>) {
        if let Some(flight) = self.commits.land(id) {
            self.commit_answered(now, flight, response);
        } else {
            self.lookup_answered(now, id, response);
        }
    }

    /// Everything due is made by [`Machine::poll_request`].
    fn handle_timeout(&mut self, _now: Instant) {}

    fn poll_request(&mut self, now: Instant, view: View<'_>) -> Option<Outbound> {
        let commit = self.poll_commit(now, view);
        let coordinator = view.coordinator.filter(|_| !view.only_commits);
        let view = View { coordinator, ..view };
        let outbound = commit.or_else(|| self.poll_lookup(now, view));
        self.settle_flush();
        outbound
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        self.lookup_due_at(now).into_iter().chain(self.commit_due_at(now)).min()
    }
}

// ---- shared by the concerns

impl Offsets {
    pub(super) fn take_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    pub(super) fn once(&mut self, event: Event) {
        if !self.events.contains(&event) {
            self.events.push_back(event);
        }
    }

    pub(super) fn log(&mut self, level: LogLevel, message: String, extra: Vec<(&'static str, String)>) {
        self.events.push_back(Event::Log(Log { level, namespace: "ConsumerGroup", message, extra }));
    }
}

/// A failure that another attempt mends is no news.
const PATIENCE: Duration = Duration::from_secs(10);
