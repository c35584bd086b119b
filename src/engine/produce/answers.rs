//! What brokers say to a Produce, and what it leads to.

use std::time::Instant;

use crate::engine::machine::Log;
use crate::engine::machine::LogLevel;
use crate::engine::machine::NetError;
use crate::engine::protocol::Response;
use crate::engine::protocol::produce::{ProduceResponse, ProduceResponsePartition};

use super::machine::Produce;
use super::partition::End;
use super::requests::{Sent, SentBatch};
use super::verdict::{Doubt, Verdict, of_code, of_silence};
use super::{Event, Reason, Row};

impl Produce {
    pub(super) fn answered(&mut self, now: Instant, id: u64, response: Result<Response, NetError>) {
        let Some(sent) = self.requests.land(id) else { return };
        match response {
            Ok(Response::Produce(_)) if sent.acks == 0 => {
                for sent in sent.batches {
                    if let Some(place) = self.place(sent.slot, sent.batch) {
                        self.succeeded(now, &sent, place);
                        self.batch_written(sent.slot, place, None);
                    }
                }
            }
            Ok(Response::Produce(answer)) => self.answered_well(now, sent, answer),
            Ok(_) => self.unanswered(now, &sent.batches, sent.node, &NetError::OutOfStep),
            Err(error) => self.unanswered(now, &sent.batches, sent.node, &error),
        }
    }

    fn answered_well(&mut self, now: Instant, mut sent: Sent, answer: ProduceResponse) {
        if !answer.node_endpoints.is_empty() {
            self.events.push_back(Event::NodesNamed(answer.node_endpoints));
        }
        // Brokers answer in the order of the request, mostly.
        sent.batches.reverse();
        for topic in answer.topics {
            for row in topic.partitions {
                let is_it = |sent: &SentBatch| {
                    let is_topic = if topic.topic_id.is_zero() {
                        *sent.at.topic == *topic.name
                    } else {
                        sent.topic_id == topic.topic_id
                    };
                    is_topic && sent.at.partition == row.partition
                };
                if let Some(at) = sent.batches.iter().rposition(is_it) {
                    let batch = sent.batches.remove(at);
                    self.told(now, sent.node, &batch, row);
                }
            }
        }
        // What an answer leaves out, nobody knows.
        sent.batches.reverse();
        self.unanswered(now, &sent.batches, sent.node, &NetError::OutOfStep);
    }

    /// One partition's answer.
    fn told(&mut self, now: Instant, node: i32, sent: &SentBatch, row: ProduceResponsePartition) {
        let Some(place) = self.place(sent.slot, sent.batch) else { return };
        if let Some(leader) = row.current_leader {
            self.tell_leader(sent.at.clone(), leader);
        }
        let written = |base_offset| Row {
            partition: sent.at.clone(),
            base_offset,
            log_append_time: row.log_append_time_ms,
            log_start_offset: row.log_start_offset,
        };
        if !row.error.is_err() {
            self.succeeded(now, sent, place);
            self.batch_written(sent.slot, place, Some(written(row.base_offset)));
            return;
        }
        let numbered = self.partitions.get(sent.slot).and_then(|p| p.queue.get(place)?.sequence).is_some();
        let verdict = of_code(row.error, numbered);
        if verdict == Verdict::Duplicate {
            self.succeeded(now, sent, place);
            self.batch_written(sent.slot, place, Some(written(-1)));
            return;
        }
        let of_record = row.record_errors.into_iter().find_map(|error| error.message);
        let reason = Reason::Broker { code: row.error, message: of_record.or(row.error_message) };
        self.failed(now, node, sent.slot, place, verdict, reason);
    }

    fn unanswered(&mut self, now: Instant, batches: &[SentBatch], node: i32, error: &NetError) {
        for sent in batches {
            if let Some(place) = self.place(sent.slot, sent.batch) {
                self.failed(now, node, sent.slot, place, of_silence(error), Reason::Net(error.clone()));
            }
        }
    }

    /// An attempt has failed.
    fn failed(
        &mut self,
        now: Instant,
        node: i32,
        slot: usize,
        place: usize,
        verdict: Verdict,
        reason: Reason,
    ) {
        let Some(partition) = self.partitions.get_mut(slot) else { return };
        let is_first = partition.is_first_numbered(place);
        let Some(batch) = partition.queue.get_mut(place) else { return };
        if let Verdict::Retry { doubt, .. } | Verdict::Refused { doubt } = verdict {
            batch.doubt = batch.doubt.max(doubt);
        }
        let sequence = batch.sequence;
        let end = batch.end();
        // That a batch behind another one that is not written is refused says nothing about it.
        let is_consequence = verdict == Verdict::Gap && !is_first;
        if !is_consequence {
            batch.failures = batch.failures.saturating_add(1);
            batch.last_failure = Some(reason.clone());
        }
        let is_tried = batch.failures > self.config.retries && batch.created + self.config.retry_time <= now;
        let is_over = is_tried || batch.created + self.config.delivery_timeout <= now;
        // One that may be in the log already is not written again under other numbers. A leader that had it did not find it too large.
        let may_be_split = batch.count() > 1 && !(batch.doubt == Doubt::Strong && sequence.is_some());
        if verdict == Verdict::TooLarge && may_be_split {
            self.batch_split(slot, place, end);
            return;
        }
        match verdict {
            Verdict::TooLarge | Verdict::Refused { .. } | Verdict::Duplicate => {
                self.fail_batch(slot, place, end, reason);
                return;
            }
            // Another epoch is another transaction.
            Verdict::Gap | Verdict::Fenced if self.identity.is_given() => {
                self.fail_batch(slot, place, End::Unknown, reason);
                return;
            }
            Verdict::Retry { .. } | Verdict::Gap | Verdict::Fenced if is_over && !is_consequence => {
                self.fail_batch(slot, place, end, reason);
                return;
            }
            Verdict::Retry { is_stale, .. } => {
                partition.retry(place);
                if is_stale {
                    self.refresh();
                }
            }
            Verdict::Gap => {
                partition.retry(place);
                if is_first {
                    partition.raise();
                }
            }
            Verdict::Fenced => {
                partition.retry(place);
                partition.raise();
                if let Some(sequence) = sequence {
                    self.identity.expire(sequence.producer_id);
                }
            }
        }
        if !is_consequence {
            self.back_off(now, node, slot, &reason);
        }
        self.settle(slot);
    }

    /// The next attempt waits, unless somebody else leads by then.
    fn back_off(&mut self, now: Instant, node: i32, slot: usize, reason: &Reason) {
        let Some(partition) = self.partitions.get_mut(slot) else { return };
        let is_first = partition.backoff.ready_at().is_none();
        // The batches of one request, or of several that were out together, fail for one reason.
        if partition.backoff.is_ready(now) {
            partition.backoff.failed(now, &mut self.rng);
        }
        partition.failed_on = Some(node);
        if is_first {
            let message = match reason {
                Reason::Broker { code, .. } => code.message().into_owned(),
                Reason::Net(error) => error.to_string(),
                _ => return,
            };
            let extra = vec![
                ("topic", partition.at.topic.to_string()),
                ("partition", partition.at.partition.to_string()),
            ];
            let message = format!("Failed to send messages, they are sent again: {message}");
            let log = Log { level: LogLevel::Warn, namespace: "Producer", message, extra };
            self.events.push_back(Event::Log(log));
        }
    }

    fn succeeded(&mut self, now: Instant, sent: &SentBatch, place: usize) {
        if let Some(partition) = self.partitions.get_mut(sent.slot) {
            partition.succeeded(now, place, sent.topic_id);
        }
    }

    fn place(&self, slot: usize, batch: u64) -> Option<usize> {
        self.partitions.get(slot)?.find(batch)
    }
}
