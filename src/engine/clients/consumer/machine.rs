//! The consumer's commands and its side of the machine contract.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use crate::engine::cluster::Cluster;
use crate::engine::cluster::ClusterConfig;
use crate::engine::cluster::CoordinatorKey;
use crate::engine::cluster::News;
use crate::engine::delivery::SlotId;
use crate::engine::fetch::Fetch;
use crate::engine::fetch::UNKNOWN_EPOCH;
use crate::engine::group::GroupMembershipOperation;
use crate::engine::group::Membership;
use crate::engine::group::{AnyGroup, ConsumerGroupConfig, GroupConfig, GroupProtocol, Subscription};
use crate::engine::machine::Failure;
use crate::engine::machine::LogLevel;
use crate::engine::machine::Machine;
use crate::engine::machine::NetError;
use crate::engine::machine::Outbound;
use crate::engine::machine::Owned;
use crate::engine::machine::TopicPartition;
use crate::engine::offsets::Epochs;
use crate::engine::offsets::Necessity;
use crate::engine::offsets::Offset;
use crate::engine::offsets::Offsets;
use crate::engine::offsets::OffsetsConfig;
use crate::engine::offsets::Reset;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Response;
use crate::engine::protocol::join_group::JoinGroupProtocol;
use crate::engine::protocol::metadata::MetadataResponse;

use super::assignors::{Previous, mode_of};
use super::first_positions::FirstPositions;
use super::hooks::Hooks;
use super::leadership::Leadership;
use super::overdue::Outstanding;
use super::session::Session;
use super::state::State;
use super::waiting::Waiting;
use super::{Assigned, ConsumerConfig, Event, Pattern};

/// A consumer of a group. See the module's documentation.
pub struct Consumer {
    pub(super) config: ConsumerConfig,
    pub(super) state: State,
    /// What becomes of the membership when we stop.
    pub(super) leave: GroupMembershipOperation,
    pub(super) session: Session,
    pub(super) first_positions: FirstPositions,
    pub(super) hooks: Hooks,
    pub(super) cluster: Cluster,
    /// Whose coordinator is ours.
    pub(super) coordinator_key: CoordinatorKey,
    pub(super) group: AnyGroup,
    pub(super) offsets: Offsets,
    pub(super) fetch: Fetch,
    pub(super) outstanding: Outstanding,
    pub(super) waiting: Waiting,
    /// While we lead the group, or are about to.
    pub(super) leadership: Leadership,
    pub(super) previous: Previous,
    /// Under which the facade has offered cooperative assignors last.
    pub(super) cooperative_names: BTreeSet<String>,
    /// Topic → `fromBeginning`.
    pub(super) topics: BTreeMap<String, bool>,
    /// What the coordinator is to match topics with (KIP-848).
    pub(super) pattern: Option<Pattern>,
    /// Seeks that wait until their partition is ours: made before the start, between two generations, or for a partition
    /// that is being given up.
    pub(super) pending_seeks: HashMap<TopicPartition, i64>,
    /// When each busy lane last made progress.
    pub(super) lane_progress: Vec<Option<Instant>>,
    /// When anything was finished last.
    pub(super) last_progress: Option<Instant>,
    /// When the coordinator has answered a heartbeat last.
    pub(super) last_heartbeat: Option<Instant>,
    /// Tickets of handlers that wait for a heartbeat.
    pub(super) beating: Vec<u64>,
    pub(super) events: VecDeque<Event>,
}

fn group_of(config: &ConsumerConfig, seed: u64) -> AnyGroup {
    let classic = || GroupConfig {
        group_id: config.group_id.clone(),
        group_instance_id: config.group_instance_id.clone(),
        session_timeout: config.session_timeout,
        rebalance_timeout: config.rebalance_timeout,
        heartbeat_interval: config.heartbeat_interval,
        rebalance_protocol: mode_of(&config.assignors),
    };
    let consumer = || ConsumerGroupConfig {
        group_id: config.group_id.clone(),
        group_instance_id: config.group_instance_id.clone(),
        rack_id: Some(config.fetch.rack_id.clone()).filter(|rack| !rack.is_empty()),
        rebalance_timeout: config.rebalance_timeout,
        server_assignor: config.group_remote_assignor.clone(),
    };
    match config.group_protocol {
        GroupProtocol::Classic => AnyGroup::classic(classic(), seed),
        GroupProtocol::Consumer => AnyGroup::consumer(consumer(), None, seed),
        GroupProtocol::Auto => AnyGroup::consumer(consumer(), Some(classic()), seed),
        GroupProtocol::Manual => AnyGroup::manual(!config.group_id.is_empty()),
    }
}

/// Which machine sent a request, and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tag {
    pub(super) room: Room,
    id: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Room {
    Cluster,
    Group,
    Offsets,
    Fetch,
}

impl Consumer {
    /// A consumer that does nothing yet. All randomness comes from `seed`.
    pub fn new(config: ConsumerConfig, seed: u64) -> Consumer {
        let cluster = ClusterConfig {
            metadata_max_age: config.metadata_max_age,
            allow_auto_topic_creation: config.allow_auto_topic_creation,
        };
        let offsets = OffsetsConfig {
            group_id: config.group_id.clone(),
            read_committed: config.fetch.read_committed,
            auto_commit: config.auto_commit,
            auto_commit_interval: config.auto_commit_interval,
            auto_commit_threshold: config.auto_commit_threshold,
            keeps_finished: config.keeps_finished,
            reset: config.auto_offset_reset,
        };
        Consumer {
            state: State::Idle,
            leave: GroupMembershipOperation::Default,
            session: Session::Confirmed,
            first_positions: FirstPositions::Open,
            hooks: Hooks::new(config.hooks),
            outstanding: Outstanding::default(),
            waiting: Waiting::default(),
            leadership: Leadership::default(),
            previous: Previous::default(),
            cooperative_names: BTreeSet::new(),
            cluster: Cluster::new(cluster, seed),
            coordinator_key: CoordinatorKey::group(&config.group_id),
            group: group_of(&config, seed.wrapping_add(1)),
            offsets: Offsets::new(offsets, seed.wrapping_add(2)),
            fetch: Fetch::new(config.fetch.clone(), seed.wrapping_add(3)),
            topics: BTreeMap::new(),
            pattern: None,
            pending_seeks: HashMap::new(),
            lane_progress: vec![None; config.fetch.delivery.lanes],
            last_progress: None,
            last_heartbeat: None,
            beating: Vec::new(),
            events: VecDeque::new(),
            config,
        }
    }

    // ---- commands

    /// What the first connection learned about the cluster.
    pub fn seed_metadata(&mut self, metadata: &MetadataResponse) {
        self.cluster.seed(metadata);
    }

    /// A broker has told this of the cluster in answer to a question that another user of the same connections has asked. Returns
    /// whether this consumer runs: only then it takes it in.
    pub fn learned(&mut self, now: Instant, answer: &MetadataResponse) -> bool {
        let is_running = self.state.is_running();
        if is_running {
            self.cluster.learn(answer);
            self.route(now);
        }
        is_running
    }

    /// Another client of the same cluster has found this out.
    pub fn hear(&mut self, now: Instant, news: &News) {
        if self.state.is_running() {
            self.cluster.hear(news);
            self.route(now);
        }
    }

    /// Joins the group for these topics (name → `fromBeginning`) and those that the coordinator finds by the pattern, or changes
    /// them.
    pub fn start(&mut self, now: Instant, topics: BTreeMap<String, bool>, pattern: Option<Pattern>) {
        if self.state == State::Idle {
            self.transition(State::Joining);
        } else if !self.state.is_running() {
            return;
        }
        let names: Vec<Arc<str>> = topics.keys().map(|topic| topic.as_str().into()).collect();
        self.cluster.set_topics(&names);
        self.cluster.look_up(&self.coordinator_key);
        self.topics = topics;
        self.pattern = pattern;
        // A handler that hangs keeps us out of the group, whatever is subscribed.
        if !self.state.is_stalled() {
            self.group.join(now, self.subscription());
        }
    }

    /// Reads these partitions, and no others any more, as the user says ([`GroupProtocol::Manual`]). With an offset (-1 = latest, -2 =
    /// earliest) one that is added begins there, else where the group has committed. Those that stay go on.
    pub fn assign(&mut self, now: Instant, partitions: Vec<(TopicPartition, Option<i64>)>) {
        if self.state == State::Idle {
            self.transition(State::Joining);
        } else if !self.state.is_running() {
            return;
        }
        let topics: BTreeSet<Arc<str>> =
            partitions.iter().map(|(partition, _)| partition.topic.clone()).collect();
        let names: Vec<Arc<str>> = topics.into_iter().collect();
        self.cluster.set_topics(&names);
        if !self.config.group_id.is_empty() {
            self.cluster.look_up(&self.coordinator_key);
        }
        self.topics = names.iter().map(|name| (name.to_string(), false)).collect();
        for (partition, offset) in &partitions {
            if let Some(offset) = offset
                && !self.stays_ours(partition)
            {
                self.pending_seeks.insert(partition.clone(), *offset);
            }
        }
        self.group.assign(partitions.into_iter().map(|(partition, _)| partition));
        self.route(now);
    }

    pub(super) fn subscription(&self) -> Subscription {
        let regex = self.pattern.as_ref().map(|pattern| pattern.regex.clone());
        Subscription { topics: self.topics.keys().cloned().collect(), regex }
    }

    /// The `fromBeginning` by which this topic is subscribed; None = it is not. Which topics match a pattern is the coordinator's
    /// to say, so with one all are.
    pub(super) fn subscription_of(&self, topic: &str) -> Option<bool> {
        let by_pattern = || self.pattern.as_ref().map(|pattern| pattern.from_beginning);
        self.topics.get(topic).copied().or_else(by_pattern)
    }

    /// Answers [`Event::ProtocolsNeeded`].
    pub fn protocols(&mut self, now: Instant, job: u64, answer: Result<Vec<JoinGroupProtocol>, String>) {
        let protocols = answer.and_then(|protocols| self.with_ours(protocols));
        self.group.protocols(now, job, protocols);
    }

    /// Answers [`Event::AssignmentNeeded`].
    pub fn assignments(&mut self, now: Instant, job: u64, answer: Result<Assigned, String>) {
        let shares = answer.map(|assigned| self.assigned(job, assigned));
        self.group.assignments(now, job, shares);
    }

    /// The next message of this partition is the one at `offset`; -1 = latest, -2 = earliest. At any time, before
    /// [`Consumer::start`] too: a partition that is not ours, or is being given up, starts there when it is ours next.
    pub fn seek(&mut self, partition: TopicPartition, offset: i64) {
        if self.hooks.seek(&partition, offset) {
            return;
        }
        if self.stays_ours(&partition) {
            self.apply_seek(&partition, offset);
        } else {
            let TopicPartition { topic, partition: number } = &partition;
            let message = format!(
                "seek() of {topic:?} partition {number} to offset {offset}: it is not assigned to this member, and will begin \
                 there when it is"
            );
            let is_news = self.pending_seeks.insert(partition, offset).is_none();
            if is_news && self.state == State::Stable {
                self.remark(LogLevel::Warn, message);
            }
        }
    }

    /// Is this partition ours, and not about to go?
    fn stays_ours(&self, partition: &TopicPartition) -> bool {
        let is_going = self.state.drained().is_some_and(|drained| drained.contains(partition));
        self.fetch.deliveries().is_assigned(partition) && !is_going
    }

    /// Stops delivery; None = every partition of the topic.
    pub fn pause(&mut self, topic: &str, partitions: Option<&[i32]>) {
        self.fetch.pause(&topic.into(), partitions);
    }

    /// Takes up delivery. See [`Fetch::resume`].
    pub fn resume(&mut self, topic: &str, partitions: Option<&[i32]>) -> bool {
        self.fetch.resume(&topic.into(), partitions)
    }

    /// Does a pause make room for others?
    pub fn is_crowded(&self) -> bool {
        self.fetch.deliveries().is_crowded()
    }

    /// Assigned and paused, sorted.
    pub fn paused(&self) -> Vec<TopicPartition> {
        self.fetch.deliveries().paused()
    }

    /// Assigned, sorted.
    pub fn assignment(&self) -> Vec<TopicPartition> {
        self.fetch.deliveries().assignment()
    }

    /// The assigned partitions of which a transaction may commit offsets, sorted. A handler that outlives its assignment must not, although
    /// the partition may be ours again.
    pub fn owned(&self) -> Vec<TopicPartition> {
        self.fetch.deliveries().owned()
    }

    /// Resolved but not committed, sorted by partition.
    pub fn uncommitted(&self) -> Vec<(SlotId, i64)> {
        let uncommitted = self.offsets.uncommitted();
        // Nobody can have resolved what was in no slot.
        uncommitted
            .filter_map(|(partition, offset)| Some((self.fetch.deliveries().slot_of(partition)?, offset)))
            .collect()
    }

    /// A transaction has committed this offset: it is not uncommitted any more, and neither is what was resolved before it.
    pub fn mark_committed(&mut self, partition: &TopicPartition, offset: i64) {
        self.offsets.committed_elsewhere(partition, offset);
    }

    /// The leader epoch of the record before this offset (KIP-320), for a transaction that commits it: of what a handler is at work on, or
    /// has resolved. None where it is not known.
    pub fn epoch_before(&self, partition: &TopicPartition, offset: i64) -> Option<i32> {
        let deliveries = self.fetch.deliveries();
        let of_work = deliveries.slot_of(partition).and_then(|slot| deliveries.epoch_before(slot, offset));
        of_work.or_else(|| self.offsets.epoch_before(partition, offset))
    }

    /// As whom this consumer commits, now; None while it is no member.
    pub fn membership(&self) -> Option<Membership> {
        self.group.membership()
    }

    /// Commits these offsets, or everything uncommitted. Answered by [`Event::CommitDone`].
    pub fn commit(&mut self, ticket: u64, offsets: Option<Vec<Offset>>) {
        self.commit_with(ticket, offsets, Epochs::new());
    }

    /// As [`Consumer::commit`], with leader epochs of the user's.
    pub fn commit_with(&mut self, ticket: u64, offsets: Option<Vec<Offset>>, epochs: Epochs) {
        if self.accepts_commits(ticket) {
            self.offsets.commit_with(ticket, offsets, epochs);
            self.refuse_vain_commits();
        }
    }

    /// See [`Offsets::send_commits`].
    pub fn send_commits(&mut self) {
        self.offsets.send_commits();
    }

    /// What the clock on the wall says, ms since the Unix epoch.
    pub fn set_wall_clock(&mut self, now: Instant, unix_ms: i64) {
        self.offsets.set_wall_clock(now, unix_ms);
    }

    /// Commits if the interval or the threshold says so. Answered by [`Event::CommitDone`].
    pub fn commit_if_necessary(&mut self, now: Instant, ticket: u64) {
        if self.accepts_commits(ticket) {
            self.offsets.commit_if_necessary(now, ticket);
            self.refuse_vain_commits();
        }
    }

    /// See [`Offsets::necessity`]; whether it is possible is another question.
    pub fn commit_necessity(&mut self, now: Instant) -> Necessity {
        self.offsets.necessity(now)
    }

    fn accepts_commits(&mut self, ticket: u64) -> bool {
        let accepts = !matches!(self.state, State::Stopped | State::Idle);
        if !accepts {
            let result = Err(Failure::Stopped);
            self.events.push_back(Event::CommitDone { ticket, result });
        }
        accepts
    }

    /// The user's `heartbeat()`: one goes out unless the last was answered within the interval. Answered by
    /// [`Event::HeartbeatDone`] when none is outstanding; then [`Consumer::pending_error`] knows.
    pub fn heartbeat(&mut self, now: Instant, ticket: u64) {
        self.group.heartbeat(now);
        self.beating.push(ticket);
        self.settle_heartbeats();
    }

    /// A `heartbeat()` waits for the heartbeat that is out and for no later one: a rebalance, a back-off and the end answer it
    /// as well.
    pub(super) fn settle_heartbeats(&mut self) {
        if !self.state.is_running() || self.is_expired() || !self.group.is_beating() {
            let done = self.beating.drain(..).map(|ticket| Event::HeartbeatDone { ticket });
            self.events.extend(done);
        }
    }

    /// What the user's `heartbeat()` should reject with.
    pub fn pending_error(&self) -> Option<ErrorCode> {
        let all_go = self.state.drained() == Some(&Owned::All);
        if (all_go || self.is_expired()) && self.state.is_running() {
            return Some(ErrorCode::REBALANCE_IN_PROGRESS);
        }
        self.group.pending_error()
    }

    // ---- shared by the verbs

    fn next_request(&mut self, now: Instant) -> Option<Outbound<Tag>> {
        let tagged = |room| move |id| Tag { room, id };
        if let Some(outbound) = self.cluster.poll_request(now, ()) {
            return Some(outbound.tagged(tagged(Room::Cluster)));
        }
        let coordinator = self.cluster.coordinator(&self.coordinator_key);
        if let Some(outbound) = self.group.poll_request(now, coordinator) {
            return Some(outbound.tagged(tagged(Room::Group)));
        }
        if let Some(outbound) = self.poll_offsets(now, coordinator) {
            return Some(outbound.tagged(tagged(Room::Offsets)));
        }
        if !self.state.is_running() {
            return None;
        }
        let outbound = self.fetch.poll_request(now, self.cluster.metadata())?;
        Some(outbound.tagged(tagged(Room::Fetch)))
    }

    pub(super) fn apply_seek(&mut self, partition: &TopicPartition, offset: i64) {
        match offset {
            -1 | -2 => {
                let how = if offset == -1 { Reset::Latest } else { Reset::Earliest };
                self.fetch.await_position(partition);
                self.offsets.reset(partition, how);
            }
            offset => {
                self.offsets.sought(partition, offset);
                self.fetch.set_position(partition, offset, UNKNOWN_EPOCH);
            }
        }
    }

    pub(super) fn crash(&mut self, failure: Failure) {
        if self.state.is_running() {
            self.transition(State::Crashed);
            self.fetch.suspend(true);
            self.offsets.set_rejoining(false);
            self.events.push_back(Event::Crashed(failure));
        }
    }
}

impl Machine for Consumer {
    type Id = Tag;
    type View<'a> = ();
    type Event = Event;

    fn handle_response(&mut self, now: Instant, tag: Tag, response: Result<Response, NetError>) {
        if response.is_ok() && matches!(tag.room, Room::Cluster | Room::Offsets) {
            self.heard(now);
        }
        self.outstanding.answered(tag);
        match tag.room {
            Room::Cluster => self.cluster.handle_response(now, tag.id, response),
            Room::Group => self.group.handle_response(now, tag.id, response),
            Room::Offsets => {
                self.offsets.handle_response(now, tag.id, response);
                self.offsets_answered(tag.id);
            }
            Room::Fetch => self.fetch.handle_response(now, tag.id, response),
        }
        self.route(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.cluster.handle_timeout(now);
        self.group.handle_timeout(now);
        self.offsets.handle_timeout(now);
        if self.state.is_running() {
            self.fetch.handle_timeout(now);
        }
        if self.outstanding.take_overdue(now) {
            self.cluster.refresh();
        }
        if self.leadership.poll_timeout().is_some_and(|at| now >= at) {
            self.compare(now);
        }
        self.guard_poll_interval(now);
        self.guard_hooks(now);
        self.step_drain(now);
        self.route(now);
    }

    fn poll_request(&mut self, now: Instant, (): ()) -> Option<Outbound<Tag>> {
        if matches!(self.state, State::Idle | State::Stopped) {
            return None;
        }
        self.route(now);
        let mut found = self.next_request(now);
        self.route(now);
        if found.is_none() {
            // Asking can stir the others: the last commit is done, so the group can be left; a leader is missing.
            found = self.next_request(now);
            self.route(now);
        }
        let outbound = found?;
        if matches!(outbound.id.room, Room::Group | Room::Offsets) {
            self.outstanding.sent(now, outbound.id);
        }
        Some(outbound)
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        if matches!(self.state, State::Idle | State::Stopped) {
            return None;
        }
        let look = if self.fetch.deliveries().lanes_idle() { None } else { self.offsets.next_look(now) };
        let timeouts = [
            self.cluster.poll_timeout(now),
            self.group.poll_timeout(now),
            self.offsets.poll_timeout(now),
            if self.state.is_running() { self.fetch.poll_timeout(now) } else { None },
            self.outstanding.poll_timeout(),
            self.leadership.poll_timeout(),
            self.poll_interval_ends(),
            self.session_ends(),
            self.reminds_at(),
            self.state.ends_at(),
            self.hooks.poll_timeout(),
            look,
        ];
        timeouts.into_iter().flatten().min()
    }
}
