//! What brokers say to a Produce, and what it leads to.

use std::cmp::Ordering;
use std::time::Instant;

use crate::engine::machine::Log;
use crate::engine::machine::LogLevel;
use crate::engine::machine::NetError;
use crate::engine::protocol::Response;
use crate::engine::protocol::TopicId;
use crate::engine::protocol::produce::{ProduceResponse, ProduceResponsePartition};

use super::machine::Produce;
use super::partition::End;
use super::requests::{Sent, SentBatch};
use super::transactional::UNTIL_ENDED;
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

    fn answered_well(&mut self, now: Instant, sent: Sent, answer: ProduceResponse) {
        if !answer.node_endpoints.is_empty() {
            self.events.push_back(Event::NodesNamed(answer.node_endpoints));
        }
        let mut asked = Asked::new(&sent.batches);
        for topic in answer.topics {
            let which = Which { topic_id: topic.topic_id, name: &topic.name };
            for row in topic.partitions {
                if let Some(batch) = asked.take(which, row.partition) {
                    self.told(now, sent.node, batch, row);
                }
            }
        }
        // What an answer leaves out, nobody knows.
        let left: Vec<_> = asked.left().cloned().collect();
        self.unanswered(now, &left, sent.node, &NetError::OutOfStep);
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
            // An attempt that comes too early is none.
            batch.failures = batch.failures.saturating_add(u32::from(verdict != Verdict::Soon));
            batch.last_failure = Some(reason.clone());
        }
        let is_tried = batch.failures > self.config.retries && batch.created + self.config.retry_time <= now;
        let is_late = batch.created + self.config.delivery_timeout <= now;
        let is_over = is_tried || is_late;
        // One that may be in the log already is not written again under other numbers. A leader that had it did not find it too large.
        let may_be_split = batch.count() > 1 && !(batch.doubt == Doubt::Strong && sequence.is_some());
        if verdict == Verdict::TooLarge && may_be_split {
            // No partition of a transaction has an epoch of its own to raise: its numbers go on. If the slight doubt was right after all,
            // the leader refuses them.
            let end = if self.identity.is_given() { End::NotWritten } else { end };
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
            Verdict::Soon if is_late => {
                self.fail_batch(slot, place, end, reason);
                return;
            }
            Verdict::Soon => {
                partition.retry(place);
                partition.backoff.wait_until(now + UNTIL_ENDED);
                partition.failed_on = Some(node);
                self.predecessor_goes_on(now, slot, &reason);
                self.settle(slot);
                return;
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
        let is_first = partition.backoff.failures() == 0;
        // The batches of one request, or of several that were out together, fail for one reason.
        if is_first || partition.backoff.is_ready(now) {
            partition.backoff.failed(now, &mut self.rng);
        }
        partition.failed_on = Some(node);
        if is_first {
            self.sent_again(slot, reason);
        }
    }

    /// The end of the transaction before is waited for, and told of when that takes long.
    fn predecessor_goes_on(&mut self, now: Instant, slot: usize, reason: &Reason) {
        let waits = self.membership.as_mut().map(|membership| &mut membership.waits);
        if waits.and_then(|waits| waits.goes_on(now)).is_some() {
            self.sent_again(slot, reason);
        }
    }

    fn sent_again(&mut self, slot: usize, reason: &Reason) {
        let Some(partition) = self.partitions.get(slot) else { return };
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
        self.events.push_back(Event::Log(Log {
            level: LogLevel::Warn,
            namespace: "Producer",
            message,
            extra,
        }));
    }

    fn succeeded(&mut self, now: Instant, sent: &SentBatch, place: usize) {
        if let Some(partition) = self.partitions.get_mut(sent.slot) {
            partition.succeeded(now, place, sent.topic_id, sent.leader);
        }
    }

    fn place(&self, slot: usize, batch: u64) -> Option<usize> {
        self.partitions.get(slot)?.find(batch)
    }
}

/// A topic, as an answer names it: by its id, from the version on that has one.
#[derive(Clone, Copy)]
struct Which<'a> {
    topic_id: TopicId,
    name: &'a str,
}

/// The batches of a request, whose answer may have them in any order: there may be thousands.
struct Asked<'a> {
    batches: &'a [SentBatch],
    answered: Vec<bool>,
    /// Short answers are in the order of the request, mostly.
    next: usize,
    /// Their places in the order of topics and partitions, once that is needed.
    sorted: Option<Vec<usize>>,
}

impl<'a> Asked<'a> {
    fn new(batches: &'a [SentBatch]) -> Asked<'a> {
        Asked { batches, answered: vec![false; batches.len()], next: 0, sorted: None }
    }

    /// The batch that this is about, once.
    fn take(&mut self, which: Which<'_>, partition: i32) -> Option<&'a SentBatch> {
        let batches = self.batches;
        let is_by_id = !which.topic_id.is_zero();
        let order = |batch: &SentBatch, topic_id: &TopicId, name: &str, partition: i32| {
            let of_topic = if is_by_id { batch.topic_id.cmp(topic_id) } else { (*batch.at.topic).cmp(name) };
            of_topic.then(batch.at.partition.cmp(&partition))
        };
        let is_it = |at: usize| {
            batches
                .get(at)
                .map_or(Ordering::Less, |batch| order(batch, &which.topic_id, which.name, partition))
        };
        let at = if is_it(self.next).is_eq() {
            self.next
        } else {
            let sorted = self.sorted.get_or_insert_with(|| {
                let mut places: Vec<_> = batches.iter().enumerate().collect();
                places.sort_unstable_by(|(_, one), (_, other)| {
                    order(one, &other.topic_id, &other.at.topic, other.at.partition)
                });
                places.into_iter().map(|(at, _)| at).collect()
            });
            *sorted.get(sorted.binary_search_by(|at| is_it(*at)).ok()?)?
        };
        self.next = at + 1;
        let is_told = std::mem::replace(self.answered.get_mut(at)?, true);
        batches.get(at).filter(|_| !is_told)
    }

    /// Those that nothing was said about.
    fn left(&self) -> impl Iterator<Item = &'a SentBatch> {
        self.batches.iter().zip(&self.answered).filter(|(_, answered)| !**answered).map(|(batch, _)| batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::cluster::Leader;
    use crate::engine::machine::TopicPartition;

    fn topic_id(topic: u128) -> TopicId {
        TopicId(topic.to_be_bytes())
    }

    /// Five topics, whose ids are in another order than their names, of three partitions each.
    fn batches() -> Vec<SentBatch> {
        let at = |place: u64| TopicPartition {
            topic: format!("t{}", place % 5).into(),
            partition: (place / 5) as i32,
        };
        let batch = |place: u64| SentBatch {
            slot: 0,
            batch: place,
            at: at(place),
            topic_id: topic_id(u128::from(9 - place % 5)),
            leader: Leader { node: 1, epoch: 1 },
        };
        (0..15).map(batch).collect()
    }

    #[test]
    fn answers_in_any_order_find_their_batches_once() {
        let batches = batches();
        let mut places: Vec<usize> = (0..15).collect();
        let mut rng = fastrand::Rng::with_seed(7);
        for round in 0..200 {
            let by_id = round % 2 == 0;
            if round > 1 {
                rng.shuffle(&mut places);
            }
            let told = rng.usize(0..=15);
            let mut asked = Asked::new(&batches);
            for at in &places[..told] {
                let SentBatch { at, topic_id: id, batch, .. } = &batches[*at];
                let which = if by_id {
                    Which { topic_id: *id, name: "" }
                } else {
                    Which { topic_id: TopicId::default(), name: &at.topic }
                };
                assert_eq!(asked.take(which, at.partition).map(|found| found.batch), Some(*batch));
                assert!(asked.take(which, at.partition).is_none(), "told twice");
                assert!(asked.take(which, 3).is_none(), "not asked for");
                let unknown = Which { topic_id: topic_id(u128::from(by_id)), name: "u" };
                assert!(asked.take(unknown, at.partition).is_none(), "not asked for");
            }
            let mut left = places[told..].to_vec();
            left.sort_unstable();
            assert_eq!(asked.left().map(|batch| batch.batch as usize).collect::<Vec<_>>(), left);
        }
    }
}
