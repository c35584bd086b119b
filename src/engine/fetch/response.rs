//! What a Fetch brought: data into the slots' queues, errors into back-off, refresh or reset.

use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use bytes::Bytes;

use crate::engine::delivery::SlotId;
use crate::engine::machine::Failure;
use crate::engine::machine::NetError;
use crate::engine::machine::TopicPartition;
use crate::engine::machine::jittered;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Response;
use crate::engine::protocol::TopicId;
use crate::engine::protocol::fetch::FetchResponse;
use crate::engine::protocol::fetch::FetchResponsePartition;
use crate::engine::records::FetchedRecords;
use crate::engine::records::LeaderEpochs;
use crate::engine::records::end_offset;

use super::Event;
use super::cursor::State;
use super::machine::{Fetch, InFlight};
use super::source::Source;

impl Fetch {
    /// The answer to the Fetch with this id.
    pub(super) fn take_in(&mut self, now: Instant, id: u64, response: Result<Response, NetError>) {
        let Some((node, in_flight, express)) = self.landed(id) else { return };
        self.may_ask = true;
        let duration = now.saturating_duration_since(in_flight.sent_at);
        self.events.push_back(Event::FetchEnd { node, duration });
        match response {
            Ok(Response::Fetch(response)) => self.answered(now, node, express, &in_flight, response),
            Ok(_) => {}
            Err(error) => self.unanswered(now, node, express, &in_flight, error),
        }
        for slot in &in_flight.asked {
            if let Some(cursor) = self.cursor(*slot)
                && cursor.in_flight.is_some_and(|asked| asked.request == id)
            {
                cursor.in_flight = None;
            }
        }
    }

    fn unanswered(
        &mut self,
        now: Instant,
        node_id: i32,
        express: bool,
        in_flight: &InFlight,
        error: NetError,
    ) {
        for id in &in_flight.asked {
            if let Some(cursor) = self.cursor(*id)
                && cursor.source.is_follower(node_id)
            {
                cursor.source = Source::failed(now);
            }
        }
        let mut told = None;
        if let Some(node) = self.nodes.get_mut(&node_id) {
            told = node.silent.goes_on(now);
            let since = node.unanswered.as_ref().map_or(in_flight.sent_at, |(since, _)| *since);
            node.unanswered = Some((since, error.clone()));
            // The broker may or may not have taken the request in. An express Fetch is none of the session's.
            if !express {
                node.session.reset();
            }
            node.muted_until = Some(now + jittered(NODE_BACKOFF, self.rng.f64()));
        }
        match error {
            NetError::Authentication { .. } | NetError::UnsupportedApi { .. } | NetError::Repelled { .. } => {
                self.events.push_back(Event::Failed(Failure::Net(error)));
            }
            NetError::ClientClosed => {}
            error => {
                self.events.push_back(Event::Unanswered { node: node_id, error, told });
                self.refresh_metadata();
            }
        }
    }

    fn landed(&mut self, id: u64) -> Option<(i32, InFlight, bool)> {
        for (node_id, node) in &mut self.nodes {
            if node.main.as_ref().is_some_and(|f| f.id == id) {
                return node.main.take().map(|f| (*node_id, f, false));
            }
            if node.express.as_ref().is_some_and(|f| f.id == id) {
                return node.express.take().map(|f| (*node_id, f, true));
            }
        }
        None
    }

    fn answered(
        &mut self,
        now: Instant,
        node_id: i32,
        express: bool,
        in_flight: &InFlight,
        response: FetchResponse,
    ) {
        let lost_session = matches!(
            response.error,
            ErrorCode::FETCH_SESSION_ID_NOT_FOUND | ErrorCode::INVALID_FETCH_SESSION_EPOCH
        );
        let mut lost_again = false;
        if let Some(node) = self.nodes.get_mut(&node_id) {
            node.silent.over();
            node.unanswered = None;
            lost_again = std::mem::replace(&mut node.lost_session, lost_session) && lost_session;
            let mut partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
            let empty = partitions.all(|partition| partition.records.is_empty());
            match response.error {
                _ if express => node.vain = if empty { node.vain.saturating_add(1) } else { 0 },
                ErrorCode::NONE => node.session.answered(response.session_id),
                ErrorCode::FETCH_SESSION_ID_NOT_FOUND => node.session.forget_id(),
                _ => node.session.reset(),
            }
            if !express {
                node.idle = empty;
            }
        }
        if response.error.is_err() {
            // A session that is gone is opened again at once; one after the other, there is no use in that.
            if lost_again || !lost_session {
                in_flight.asked.iter().for_each(|slot| {
                    self.mute(*slot, now);
                    self.in_trouble(now, *slot, response.error);
                });
                self.refresh_metadata();
            }
            return;
        }
        if !response.node_endpoints.is_empty() {
            self.events.push_back(Event::NodesNamed(response.node_endpoints));
        }
        let partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
        let frame: usize = partitions.map(|partition| partition.records.len()).sum();
        let mut small = if frame < LARGE_FRAME { 0 } else { frame / SMALL_PART };
        let mut news = in_flight.asked.iter().any(|id| self.has_left(*id, in_flight.id));
        for topic in response.topics {
            let named = |(id, name): &&(TopicId, Arc<str>)| match topic.topic_id.is_zero() {
                true => **name == *topic.name,
                false => *id == topic.topic_id,
            };
            let Some((_, name)) = in_flight.topics.iter().find(named) else { continue };
            for mut answer in topic.partitions {
                let partition = TopicPartition { topic: name.clone(), partition: answer.partition };
                if let Some(slot) = self.deliveries.assigned_slot(&partition) {
                    if let Some(rest) = small.checked_sub(answer.records.len()) {
                        // As a slice it would keep the whole frame, for as long as it waits.
                        answer.records = Bytes::copy_from_slice(&answer.records);
                        small = rest;
                    }
                    news |= self.partition_answered(now, slot, node_id, in_flight.id, answer);
                }
            }
        }
        if !news && let Some(node) = self.nodes.get_mut(&node_id) {
            // The broker did not hold the Fetch back: it does not hold any, or was told not to (`maxWaitTimeInMs: 0`).
            node.muted_until = node.muted_until.max(Some(in_flight.sent_at + PACE));
        }
    }

    /// Does this slot not wait for the answer to this Fetch any more?
    fn has_left(&self, id: SlotId, request: u64) -> bool {
        let cursor = self.cursors.get(id.index());
        let waits =
            cursor.is_some_and(|cursor| cursor.in_flight.is_some_and(|asked| asked.request == request));
        !waits || self.deliveries.is_paused(id)
    }

    /// Returns whether the next question is another one.
    fn partition_answered(
        &mut self,
        now: Instant,
        id: SlotId,
        node: i32,
        request: u64,
        answer: FetchResponsePartition,
    ) -> bool {
        let Some(cursor) = self.cursors.get_mut(id.index()) else { return true };
        let Some(asked) = cursor.in_flight.filter(|asked| asked.request == request) else { return true };
        let State::Fetching { position, fetch_offset } = cursor.state else { return true };
        if fetch_offset != asked.offset {
            // Nothing else may go into the queue than what follows it, or records would be lost.
            return true;
        }
        let refuses = answer.error.is_err() || answer.diverging_epoch.is_some();
        if refuses && cursor.source.is_follower(node) {
            // The follower may lag behind, or follow no more. Only the leader's word counts.
            cursor.source = Source::failed(now);
            self.refresh_metadata();
            return true;
        }
        if answer.error.is_err() {
            self.partition_failed(now, id, &answer);
            return true;
        }
        if let Some((leader_epoch, end)) = answer.diverging_epoch {
            if !self.awaits_leader(now, id) {
                self.diverged(now, id, asked.offset, leader_epoch, end);
            }
            return true;
        }
        cursor.log_end = (answer.high_watermark, answer.last_stable_offset);
        let mut news = false;
        match answer.preferred_read_replica.filter(|_| answer.records.is_empty()) {
            Some(follower) if cursor.source == Source::Leader && follower != node => {
                let until = now + self.config.follower_max_age;
                cursor.source = Source::Follower { node: follower, until };
                let partition = self.deliveries.partition(id).cloned();
                let named = partition.map(|partition| Event::FollowerNamed { partition, node: follower });
                self.events.extend(named);
                news = true;
            }
            // The leader goes on naming a follower although it was not told our rack, and gives nothing.
            Some(_) if matches!(cursor.source, Source::LeaderOnly { .. }) => {
                self.mute(id, now);
                return false;
            }
            _ => {}
        }
        // What is damaged is well again when it has been read, not before.
        let is_well = !cursor.damaged;
        if is_well {
            cursor.refusals = 0;
            cursor.trouble = None;
        }
        cursor.redirected = false;
        if answer.records.is_empty() {
            if is_well {
                cursor.backoff.reset();
            }
            return news;
        }
        let leader_epochs = LeaderEpochs {
            least: cursor.known_epoch.at(asked.offset),
            last: if asked.leader_epoch < 0 { i32::MAX } else { asked.leader_epoch },
        };
        match end_offset(&answer.records, leader_epochs).filter(|(end, _)| *end > asked.offset) {
            Some((end, leader_epoch)) => {
                cursor.state = State::Fetching { position, fetch_offset: end };
                cursor.known_epoch = cursor.known_epoch.having_read(leader_epoch, end);
                if is_well {
                    cursor.backoff.reset();
                }
                news = true;
            }
            // Bytes without a whole batch, or batches before the position, move nothing. The reader will say what is wrong with
            // them; if nothing is, the same Fetch would bring the same again at once.
            None => cursor.backoff.failed(now, &mut self.rng),
        }
        cursor.brought = Some((node, request));
        let fetched = FetchedRecords {
            records: answer.records,
            fetch_offset: asked.offset,
            high_watermark: answer.high_watermark,
            leader_epochs,
            aborted: answer.aborted,
            read_committed: self.config.read_committed,
            check_crcs: self.config.check_crcs,
        };
        self.deliveries.push(id, fetched);
        news
    }

    fn partition_failed(&mut self, now: Instant, id: SlotId, answer: &FetchResponsePartition) {
        let Some(partition) = self.deliveries.partition(id).cloned() else { return };
        if answer.error != ErrorCode::OFFSET_OUT_OF_RANGE {
            self.in_trouble(now, id, answer.error);
        }
        match answer.error {
            // The leader that has it is to be found.
            ErrorCode::OFFSET_OUT_OF_RANGE if self.awaits_leader(now, id) => {}
            ErrorCode::OFFSET_OUT_OF_RANGE => {
                if let Some(cursor) = self.cursor(id) {
                    cursor.out_of_range = true;
                }
                // The broker may say the same of the next position, too.
                self.mute(id, now);
                self.report_dead_end(id);
            }
            ErrorCode::NOT_LEADER_OR_FOLLOWER | ErrorCode::FENCED_LEADER_EPOCH => {
                let hint = answer.current_leader.filter(|(node, _)| *node >= 0);
                let cursor = self.cursor(id);
                // KIP-951: no need to wait for the metadata, unless brokers send us to and fro.
                let follow =
                    cursor.is_some_and(|cursor| !std::mem::replace(&mut cursor.redirected, hint.is_some()));
                match hint {
                    Some((node, epoch)) => {
                        self.events.push_back(Event::LeaderMoved { partition, node, epoch });
                        if !follow {
                            self.mute(id, now);
                        }
                    }
                    None => self.mute(id, now),
                }
                self.refresh_metadata();
            }
            ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
            | ErrorCode::LEADER_NOT_AVAILABLE
            | ErrorCode::REPLICA_NOT_AVAILABLE
            | ErrorCode::KAFKA_STORAGE_ERROR
            | ErrorCode::OFFSET_NOT_AVAILABLE
            | ErrorCode::UNKNOWN_TOPIC_ID
            | ErrorCode::INCONSISTENT_TOPIC_ID
            // The broker is behind, or the epoch that we know is nobody's.
            | ErrorCode::UNKNOWN_LEADER_EPOCH => {
                self.mute(id, now);
                self.refresh_metadata();
            }
            ErrorCode::UNKNOWN_SERVER_ERROR
            | ErrorCode::REQUEST_TIMED_OUT
            | ErrorCode::NETWORK_EXCEPTION => self.mute(id, now),
            code if code.retriable() && self.may_pass(now, id) => {}
            code => {
                // Tell it once; the partition is not asked for again.
                self.restate(id, State::Awaiting);
                let failure = Failure::Broker { code, partition: Some(partition) };
                self.events.push_back(Event::Failed(failure));
            }
        }
    }
}

/// From a Fetch that brought nothing to the next one, at least: a broker that does not hold them would be asked as fast as it
/// answers.
pub(super) const PACE: Duration = Duration::from_millis(5);
/// Smaller frames may as well be kept whole.
const LARGE_FRAME: usize = 64 * 1024;
/// This part of a frame, at most, is copied out of it: hardly work, compared with reading the rest.
const SMALL_PART: usize = 8;
const NODE_BACKOFF: Duration = Duration::from_millis(200);
