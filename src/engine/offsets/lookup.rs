//! Finding positions: what the group has committed, else the start or the end of the log.
//!
//! ```text
//!  assign ──► Committed? ──OffsetFetch──► asked ──┬─ an offset ──► known, Event::Position
//!                  ▲                        │     └─ none ──► End?
//!                  └ error, omitted, unstable                  │
//!  reset ───► End? ──ListOffsets──► asked ── an offset ──► known, Event::Position
//!                  ▲                  │ │
//!                  └─ error, omitted ─┘ └─ by time, and all is older ──► Behind?: the end, and once more by time
//!  seek ────► known, whatever was asked
//! ```

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::engine::cluster::Metadata;
use crate::engine::machine::Failure;
use crate::engine::machine::LogLevel;
use crate::engine::machine::NetError;
use crate::engine::machine::Outbound;
use crate::engine::machine::Target;
use crate::engine::machine::TopicPartition;
use crate::engine::machine::seconds;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::TopicId;
use crate::engine::protocol::list_offsets::ListOffsetsPartition;
use crate::engine::protocol::list_offsets::ListOffsetsRequest;
use crate::engine::protocol::list_offsets::ListOffsetsResponse;
use crate::engine::protocol::list_offsets::ListOffsetsTopic;
use crate::engine::protocol::offset_fetch::OffsetFetchRequest;
use crate::engine::protocol::offset_fetch::OffsetFetchResponse;
use crate::engine::protocol::offset_fetch::OffsetFetchTopic;

use super::machine::{Offsets, Partition, View};
use super::{Event, Place};

/// What is remembered of a partition in a request that is out. The answer counts only as long as it is awaited: a seek or a
/// reset in between makes it void.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    question: Question,
    /// From v10 on OffsetFetch answers name topics by their ids only. Zero when the request did not say it.
    topic_id: TopicId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// What has the group committed?
    Committed,
    /// Where is this place in the log? `lost`: because our position lay outside.
    End { place: Place, lost: bool },
    /// All records were older than this, so it is the end: where is that? Then (offset and leader epoch are known) once more by time.
    /// What is written before the end is known, seconds later perhaps if the leader moves, is not older, and lies before that end.
    Behind { age: Duration, lost: bool, end: Option<(i64, i32)> },
}

impl Question {
    /// The place that a leader is asked for.
    fn place(self) -> Option<Place> {
        match self {
            Question::Committed => None,
            Question::End { place, .. } => Some(place),
            Question::Behind { end: None, .. } => Some(Place::Latest),
            Question::Behind { age, .. } => Some(Place::Within(age)),
        }
    }
}

impl Offsets {
    pub(super) fn poll_lookup(&mut self, now: Instant, view: View<'_>) -> Option<Outbound> {
        if self.searching == 0 {
            return None;
        }
        if let Some(node) = view.coordinator
            && let Some(outbound) = self.ask_coordinator(now, node, view.metadata)
        {
            return Some(outbound);
        }
        self.ask_leader(now, view.metadata)
    }

    pub(super) fn lookup_due_at(&self, now: Instant) -> Option<Instant> {
        if self.searching == 0 {
            return None;
        }
        let free = self.partitions.values().filter(|state| !state.is_held);
        let due = free.filter_map(|state| state.request.due_at());
        due.filter(|at| *at > now).min()
    }

    pub(super) fn lookup_answered(&mut self, now: Instant, id: u64, response: Result<Response, NetError>) {
        let asked = self.land(id);
        match response {
            Ok(Response::OffsetFetch(answer)) => self.coordinator_answered(now, &asked, &answer),
            Ok(Response::ListOffsets(answer)) => self.leader_answered(now, &asked, &answer),
            Ok(_) => self.again(now, asked.iter().map(|(partition, _)| partition)),
            Err(error) => self.unanswered(now, &asked, error),
        }
    }

    /// A new question, or the old one anew.
    pub(super) fn ask_anew(&mut self, partition: &TopicPartition, question: Question) {
        if let Some(state) = self.partitions.get_mut(partition) {
            state.request.succeeded();
        }
        self.ask_for(partition, Some(question));
    }

    /// Every change of a question goes through here: an answer to the old one is void. None = the position is known.
    pub(super) fn ask_for(&mut self, partition: &TopicPartition, question: Option<Question>) {
        let Some(state) = self.partitions.get_mut(partition) else { return };
        self.searching += usize::from(question.is_some());
        self.searching -= usize::from(state.question.is_some());
        if self.searching == 0 {
            self.unknown.over();
        }
        state.question = question;
        state.request.give_up();
        match question {
            Some(_) => state.request.want(),
            None => state.request.cancel(),
        }
    }

    /// Takes the request with this id for answered. Returns the partitions that wait for its answer: none, when it comes late.
    fn land(&mut self, id: u64) -> Vec<(TopicPartition, Asked)> {
        let waiting = self.partitions.iter_mut().filter_map(|(partition, state)| {
            let sent = state.request.land(id)?;
            Some((partition.clone(), sent.about))
        });
        waiting.collect()
    }

    /// Which partitions may ask now, and what.
    fn due(&self, now: Instant) -> impl Iterator<Item = (&TopicPartition, Question)> {
        let is_due = move |state: &Partition| !state.is_held && state.request.is_due(now);
        let due = self.partitions.iter().filter(move |(_, state)| is_due(state));
        due.filter_map(|(partition, state)| Some((partition, state.question?)))
    }
}

// ---- what the group has committed

impl Offsets {
    fn ask_coordinator(&mut self, now: Instant, node: i32, metadata: &Metadata) -> Option<Outbound> {
        let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
        let mut asked = Vec::new();
        for (partition, question) in self.due(now) {
            if question == Question::Committed {
                topics.entry(&partition.topic).or_default().push(partition.partition);
                let topic_id = metadata.topic_id(&partition.topic);
                asked.push((partition.clone(), Asked { question, topic_id }));
            }
        }
        if asked.is_empty() {
            return None;
        }
        let topics = topics.into_iter().map(|(name, partitions)| {
            let (name, topic_id) = (name.to_owned(), metadata.topic_id(name));
            OffsetFetchTopic { name, topic_id, partitions }
        });
        let member = self.member.as_ref().filter(|member| member.by_epoch);
        let body = OffsetFetchRequest {
            group_id: self.config.group_id.clone(),
            member_id: member.map(|member| member.member_id.clone()),
            member_epoch: member.map_or(-1, |member| member.generation_id),
            topics: Some(topics.collect()),
            require_stable: true,
            others: Vec::new(),
        };
        Some(self.ask(now, Target::coordinator(node), body.into(), asked))
    }

    fn coordinator_answered(
        &mut self,
        now: Instant,
        asked: &[(TopicPartition, Asked)],
        answer: &OffsetFetchResponse,
    ) {
        if answer.error.is_err() {
            let mut again: Vec<_> = asked.iter().map(|(partition, _)| partition).collect();
            again.retain(|partition| self.lookup_failed(now, partition, answer.error));
            self.again(now, again);
            return;
        }
        let names: BTreeMap<TopicId, &str> =
            asked.iter().map(|(partition, asked)| (asked.topic_id, &*partition.topic)).collect();
        let mut found = BTreeMap::new();
        for topic in &answer.topics {
            let name = match topic.topic_id.is_zero() {
                true => Some(topic.name.as_str()),
                false => names.get(&topic.topic_id).copied(),
            };
            let Some(name) = name else { continue };
            found.extend(topic.partitions.iter().map(|found| ((name, found.partition), found)));
        }
        let mut again = Vec::new();
        for (partition, _) in asked {
            match found.get(&(&*partition.topic, partition.partition)) {
                // Some brokers leave partitions out of their answers.
                None => again.push(partition),
                Some(found) if found.error.is_err() => {
                    again.extend(self.lookup_failed(now, partition, found.error).then_some(partition));
                }
                Some(found) if found.offset >= 0 => {
                    self.read_committed(partition, found.offset, found.metadata.as_deref());
                    self.position(partition, found.offset, found.leader_epoch);
                }
                // Nothing committed, or the -1 and -2 that kafkajs is known to commit.
                Some(_) => {
                    let from_beginning = self.partitions.get(partition).is_some_and(|p| p.from_beginning);
                    let place = self.config.reset.place(from_beginning);
                    self.ask_anew(partition, Question::End { place, lost: false });
                }
            }
        }
        self.again(now, again);
    }
}

// ---- where the log begins and ends

impl Offsets {
    /// One leader at a time; `poll_request` comes back for the next one.
    fn ask_leader(&mut self, now: Instant, metadata: &Metadata) -> Option<Outbound> {
        let mut node = None;
        let mut topics: Vec<ListOffsetsTopic> = Vec::new();
        let mut asked = Vec::new();
        let mut leaderless = Vec::new();
        for (partition, question) in self.due(now) {
            let Some(place) = question.place() else { continue };
            let Some(leader) = metadata.leader(partition) else {
                leaderless.push(partition.clone());
                continue;
            };
            if *node.get_or_insert(leader.node) != leader.node {
                continue;
            }
            let wanted = ListOffsetsPartition {
                partition: partition.partition,
                current_leader_epoch: leader.epoch,
                timestamp: self.timestamp_of(now, place),
            };
            // Partitions come in order, so a topic's are neighbours.
            match topics.last_mut().filter(|topic| *topic.name == *partition.topic) {
                Some(topic) => topic.partitions.push(wanted),
                None => topics
                    .push(ListOffsetsTopic { name: partition.topic.to_string(), partitions: vec![wanted] }),
            }
            asked.push((partition.clone(), Asked { question, topic_id: TopicId::ZERO }));
        }
        if !leaderless.is_empty() {
            self.once(Event::RefreshMetadata);
            self.again(now, &leaderless);
        }
        let read_committed = self.config.read_committed;
        let body = ListOffsetsRequest { read_committed, topics, timeout_ms: BROKER_TIMEOUT_MS };
        Some(self.ask(now, Target::node(node?), body.into(), asked))
    }

    fn leader_answered(
        &mut self,
        now: Instant,
        asked: &[(TopicPartition, Asked)],
        answer: &ListOffsetsResponse,
    ) {
        let mut found = BTreeMap::new();
        for topic in &answer.topics {
            found
                .extend(topic.partitions.iter().map(|found| ((topic.name.as_str(), found.partition), found)));
        }
        let mut again = Vec::new();
        for (partition, Asked { question, .. }) in asked {
            match found.get(&(&*partition.topic, partition.partition)) {
                None => again.push(partition),
                Some(found) if found.error.is_err() => {
                    again.extend(self.lookup_failed(now, partition, found.error).then_some(partition));
                }
                Some(found) => match (*question, found.offset) {
                    (Question::Behind { age, lost, end: None }, end @ 0..) => {
                        let end = Some((end, found.leader_epoch));
                        self.ask_anew(partition, Question::Behind { age, lost, end });
                    }
                    (_, offset @ 0..) => self.found(partition, *question, offset, found.leader_epoch),
                    // All records are older.
                    (Question::End { place: Place::Within(age), lost }, _) => {
                        self.ask_anew(partition, Question::Behind { age, lost, end: None });
                    }
                    (Question::Behind { age: _, lost, end: Some((end, leader_epoch)) }, _) => {
                        let question = Question::End { place: Place::Latest, lost };
                        self.found(partition, question, end, leader_epoch);
                    }
                    _ => again.extend(self.lookup_failed(now, partition, found.error).then_some(partition)),
                },
            }
        }
        self.again(now, again);
    }

    fn found(&mut self, partition: &TopicPartition, question: Question, offset: i64, leader_epoch: i32) {
        self.tell_reset(partition, question, offset);
        self.position(partition, offset, leader_epoch);
    }

    /// A log line: a reset loses records or brings some again, and the user must be able to see why.
    fn tell_reset(&mut self, partition: &TopicPartition, question: Question, to: i64) {
        let (Question::End { lost: true, .. } | Question::Behind { lost: true, .. }) = question else {
            return;
        };
        let Some(place) = question.place() else { return };
        let state = self.partitions.get(partition);
        let from = state.and_then(|state| state.resolved.or(state.start));
        let mut extra = vec![
            ("topic", partition.topic.to_string()),
            ("partition", partition.partition.to_string()),
            ("to", to.to_string()),
        ];
        extra.extend(from.map(|from| ("from", from.to_string())));
        let default = match place {
            Place::Earliest => "earliest".to_owned(),
            Place::Latest => "latest".to_owned(),
            Place::Within(age) => format!("duration of {} ms", age.as_millis()),
        };
        extra.push(("default", default));
        extra.push(("groupId", self.config.group_id.clone()));
        extra.extend(self.member.as_ref().map(|member| ("memberId", member.member_id.clone())));
        let message = "Offset out of range, resetting to default offset".to_owned();
        self.log(LogLevel::Error, message, extra);
    }
}

// ---- helpers

impl Offsets {
    fn ask(
        &mut self,
        now: Instant,
        to: Target,
        body: Request,
        asked: Vec<(TopicPartition, Asked)>,
    ) -> Outbound {
        let id = self.take_id();
        for (partition, asked) in asked {
            if let Some(state) = self.partitions.get_mut(&partition) {
                state.request.send(now, id, asked);
            }
        }
        Outbound { id, to, body, held: Duration::ZERO }
    }

    fn position(&mut self, partition: &TopicPartition, offset: i64, leader_epoch: i32) {
        let Some(state) = self.partitions.get_mut(partition) else { return };
        state.start = Some(offset);
        state.is_at_start = true;
        state.start_epoch = Some(leader_epoch).filter(|epoch| *epoch >= 0);
        state.request.succeeded();
        self.ask_for(partition, None);
        let partition = partition.clone();
        self.events.push_back(Event::Position { partition, offset, leader_epoch });
    }

    /// Is it any use asking again?
    fn lookup_failed(&mut self, now: Instant, partition: &TopicPartition, code: ErrorCode) -> bool {
        let again = self.heed(partition, code);
        if again {
            self.tell_unknown(now, partition, || format!("{}: {}", code.name(), code.message()));
        }
        again
    }

    fn heed(&mut self, partition: &TopicPartition, code: ErrorCode) -> bool {
        let about = match code {
            ErrorCode::COORDINATOR_LOAD_IN_PROGRESS | ErrorCode::UNSTABLE_OFFSET_COMMIT => return true,
            ErrorCode::NOT_COORDINATOR | ErrorCode::COORDINATOR_NOT_AVAILABLE => {
                self.once(Event::CoordinatorLost);
                return true;
            }
            // The next heartbeat will be answered the same, and decides what becomes of the membership.
            ErrorCode::REBALANCE_IN_PROGRESS
            | ErrorCode::ILLEGAL_GENERATION
            | ErrorCode::STALE_MEMBER_EPOCH
            | ErrorCode::FENCED_MEMBER_EPOCH
            | ErrorCode::UNKNOWN_MEMBER_ID => return true,
            // Whatever else may pass: a leader may no longer be the leader, or has no offset yet. Never a reason to reset.
            code if code.retriable() || matches!(code, ErrorCode::NONE | ErrorCode::UNKNOWN_SERVER_ERROR) => {
                self.once(Event::RefreshMetadata);
                return true;
            }
            ErrorCode::GROUP_AUTHORIZATION_FAILED | ErrorCode::INVALID_GROUP_ID => None,
            _ => Some(partition.clone()),
        };
        self.once(Event::Failed(Failure::Broker { code, partition: about }));
        self.ask_for(partition, None);
        false
    }

    /// A partition without a position is not read.
    fn tell_unknown(&mut self, now: Instant, partition: &TopicPartition, why: impl FnOnce() -> String) {
        let Some(lasted) = self.unknown.goes_on(now) else { return };
        let more = match self.searching.saturating_sub(1) {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        let TopicPartition { topic, partition } = partition;
        let (lasted, why) = (seconds(lasted), why());
        let message = format!(
            "The position in {topic:?} partition {partition}{more} is not known for {lasted}, trying again: {why}"
        );
        self.log(LogLevel::Warn, message, vec![("groupId", self.config.group_id.clone())]);
    }

    fn unanswered(&mut self, now: Instant, asked: &[(TopicPartition, Asked)], error: NetError) {
        // Of a broker that cannot be reached the network tells.
        if let Some((partition, _)) = asked.first()
            && !matches!(error, NetError::Connect { .. } | NetError::ClientClosed)
        {
            self.tell_unknown(now, partition, || error.told());
        }
        match error {
            _ if asked.is_empty() => {}
            NetError::Authentication { .. } | NetError::UnsupportedApi { .. } | NetError::Repelled { .. } => {
                self.once(Event::Failed(Failure::Net(error)));
                for (partition, _) in asked {
                    self.ask_for(partition, None);
                }
                return;
            }
            NetError::ClientClosed => {}
            _ if asked.iter().any(|(_, asked)| asked.question == Question::Committed) => {
                self.once(Event::CoordinatorLost);
            }
            _ => self.once(Event::RefreshMetadata),
        }
        self.again(now, asked.iter().map(|(partition, _)| partition));
    }

    /// The same question after a while: those that failed together wait together, and share the next request.
    fn again<'a>(&mut self, now: Instant, partitions: impl IntoIterator<Item = &'a TopicPartition>) {
        let jitter = self.rng.fork();
        for partition in partitions {
            let Some(state) = self.partitions.get_mut(partition) else { continue };
            state.request.failed(now, &mut jitter.clone());
            if state.question.is_some() {
                state.request.want();
            }
        }
    }
}

const BROKER_TIMEOUT_MS: i32 = 30_000;
