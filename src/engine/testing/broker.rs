//! A broker's half of Fetch: logs, incremental sessions, limits.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::TopicId;
use crate::engine::protocol::fetch::AbortedTransaction;
use crate::engine::protocol::fetch::FetchPartition;
use crate::engine::protocol::fetch::FetchRequest;
use crate::engine::protocol::fetch::FetchResponse;
use crate::engine::protocol::fetch::FetchResponsePartition;
use crate::engine::protocol::fetch::FetchResponseTopic;
use crate::engine::records::{BatchReader, Decompressor, FetchedRecords, LeaderEpochs};
use crate::engine::testing::encode::Decoded;
use crate::engine::testing::encode::TestBatch;
use crate::engine::testing::encode::TestRecord;
use crate::engine::testing::encode::decode;

/// The topic `t`.
pub(crate) const TOPIC: TopicId = TopicId([1; 16]);

/// Values are made of it.
pub(crate) const VALUE: u8 = 7;

/// One partition's log.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) start: i64,
    pub(crate) end: i64,
    /// First offset, offset after the last, bytes.
    batches: Vec<(i64, i64, Vec<u8>)>,
    /// Offsets that no consumer sees: markers, what compaction has taken, and what was aborted.
    pub(crate) markers: BTreeSet<i64>,
    /// Transactions that have not ended: by producer, the offsets that belong to them.
    open: BTreeMap<i64, BTreeSet<i64>>,
    /// Those that were aborted: producer, first offset, marker.
    aborted: Vec<(i64, i64, i64)>,
    /// How often the topic was made: its values are [`VALUE`] and this.
    pub(crate) made: u8,
    /// Of its leader.
    pub(crate) epoch: i32,
    /// Leader epochs and their first offsets, in order.
    epochs: Vec<(i32, i64)>,
}

impl Log {
    /// Appends a batch of messages with values of these lengths.
    pub(crate) fn append(&mut self, lengths: &[usize]) {
        let records = lengths.iter().zip(self.end..).map(|(length, offset)| TestRecord {
            offset,
            timestamp: 1,
            value: Some(vec![VALUE + self.made; *length]),
            ..Default::default()
        });
        self.push(TestBatch::of(records.collect()), lengths.len());
    }

    /// Appends a batch of which compaction has taken those messages whose length is 0: perhaps all of them.
    pub(crate) fn append_compacted(&mut self, lengths: &[usize]) {
        let (base_offset, value) = (self.end, VALUE + self.made);
        let kept = lengths.iter().zip(base_offset..).filter(|(length, _)| **length > 0);
        let records = kept.map(|(length, offset)| TestRecord {
            offset,
            value: Some(vec![value; *length]),
            ..Default::default()
        });
        let records: Vec<TestRecord> = records.collect();
        let gone = lengths.iter().zip(base_offset..).filter(|(length, _)| **length == 0);
        self.markers.extend(gone.map(|(_, offset)| offset));
        let last_offset_delta = i32::try_from(lengths.len()).unwrap() - 1;
        self.push(
            TestBatch { base_offset, last_offset_delta, records, ..TestBatch::default() },
            lengths.len(),
        );
    }

    /// Compaction has taken whole batches with so many offsets. (The last batch of a log it leaves.)
    pub(crate) fn append_gap(&mut self, offsets: i64) {
        self.markers.extend(self.end..self.end + offsets);
        self.end += offsets;
    }

    /// Appends a batch of this producer's transaction.
    pub(crate) fn append_of(&mut self, producer_id: i64, messages: usize) {
        let offsets = self.end..self.end + i64::try_from(messages).unwrap();
        let records = offsets.clone().map(|offset| TestRecord {
            offset,
            value: Some(vec![VALUE + self.made; 20]),
            ..Default::default()
        });
        let batch = TestBatch { transactional: true, producer_id, ..TestBatch::of(records.collect()) };
        self.push(batch, messages);
        self.open.entry(producer_id).or_default().extend(offsets);
    }

    /// Ends this producer's transaction, which may have no messages.
    pub(crate) fn end_transaction(&mut self, producer_id: i64, commits: bool) {
        let offsets = self.open.remove(&producer_id).unwrap_or_default();
        if let Some(first) = offsets.first().filter(|_| !commits) {
            self.aborted.push((producer_id, *first, self.end));
            self.markers.extend(offsets);
        }
        self.markers.insert(self.end);
        self.push(TestBatch::marker(self.end, producer_id, commits), 1);
    }

    /// Ends all transactions.
    pub(crate) fn end_transactions(&mut self) {
        for producer_id in self.open.keys().copied().collect::<Vec<_>>() {
            self.end_transaction(producer_id, producer_id % 2 == 0);
        }
    }

    /// Before the first message of an open transaction.
    pub(crate) fn last_stable(&self) -> i64 {
        self.open.values().filter_map(|offsets| offsets.first()).min().copied().unwrap_or(self.end)
    }

    /// Its topic was deleted and made again.
    pub(crate) fn made_anew(&self) -> Log {
        Log { made: self.made + 1, ..Log::default() }
    }

    /// Appends offsets that no consumer sees.
    pub(crate) fn append_marker(&mut self) {
        self.markers.insert(self.end);
        self.push(TestBatch::marker(self.end, 9, true), 1);
    }

    /// Appends a batch whose checksum is wrong.
    pub(crate) fn append_corrupt(&mut self) {
        let record = TestRecord { offset: self.end, value: Some(vec![7; 10]), ..Default::default() };
        self.push(TestBatch::of(vec![record]), 1);
        *self.batches.last_mut().unwrap().2.last_mut().unwrap() ^= 1;
    }

    fn push(&mut self, batch: TestBatch, offsets: usize) {
        if self.epochs.is_empty() {
            self.epochs.push((self.epoch, self.end));
        }
        let next = self.end + i64::try_from(offsets).unwrap();
        self.batches.push((self.end, next, TestBatch { leader_epoch: self.epoch, ..batch }.encode()));
        self.end = next;
    }

    /// A new leader, which has only the batches that end at `end` or before (KIP-101).
    pub(crate) fn elect(&mut self, end: i64) {
        self.batches.retain(|(_, next, _)| *next <= end);
        self.end = self.batches.last().map_or(self.start, |(_, next, _)| *next);
        self.epoch += 1;
        self.epochs.retain(|(_, start)| *start < self.end);
        self.epochs.push((self.epoch, self.end));
    }

    /// The largest epoch that is not above this one, and where it ends.
    fn end_of(&self, epoch: i32) -> (i32, i64) {
        let higher = self.epochs.iter().find(|(other, _)| *other > epoch);
        let floor = self.epochs.iter().rfind(|(other, _)| *other <= epoch);
        (
            floor.map_or(epoch.min(self.epoch), |(floor, _)| *floor),
            higher.map_or(self.end, |(_, start)| *start),
        )
    }

    /// KIP-595.
    fn diverging(&self, asked: &FetchPartition) -> Option<(i32, i64)> {
        let (epoch, end) = self.end_of(asked.last_fetched_epoch);
        let diverges = end < asked.fetch_offset || epoch < asked.last_fetched_epoch;
        (asked.last_fetched_epoch >= 0 && asked.fetch_offset >= self.start && diverges)
            .then_some((epoch, end))
    }

    /// Everything before `offset` is gone.
    pub(crate) fn delete_before(&mut self, offset: i64) {
        self.start = offset;
        self.batches.retain(|(_, next, _)| *next > offset);
    }

    fn read(&self, asked: &FetchPartition, read_committed: bool) -> Result<Bytes, ErrorCode> {
        if asked.fetch_offset < self.start || asked.fetch_offset > self.end {
            return Err(ErrorCode::OFFSET_OUT_OF_RANGE);
        }
        let end = if read_committed { self.last_stable() } else { self.end };
        let mut bytes = Vec::new();
        let mut whole = 0;
        for (first, next, batch) in &self.batches {
            if *next > asked.fetch_offset && *first < end {
                bytes.extend_from_slice(batch);
                whole = if whole == 0 { bytes.len() } else { whole };
            }
        }
        // At least the first batch, else a cut one at the end (KIP-74).
        bytes.truncate(whole.max(usize::try_from(asked.max_bytes).unwrap()));
        Ok(bytes.into())
    }

    /// The aborted transactions that have not ended before this offset, in no order.
    fn aborted_from(&self, offset: i64) -> Vec<AbortedTransaction> {
        let aborted = self.aborted.iter().rev().filter(|(_, _, marker)| *marker >= offset);
        aborted
            .map(|&(producer_id, first_offset, _)| AbortedTransaction { producer_id, first_offset })
            .collect()
    }
}

#[derive(Clone)]
pub(crate) struct Broker {
    /// The topic's id, which is another one when it was made anew.
    pub(crate) topic_id: TopicId,
    session: Option<(i32, i32)>,
    wanted: BTreeMap<(TopicId, i32), FetchPartition>,
    sessions: i32,
    /// Does the cache of sessions have a place for us?
    pub(crate) grants: bool,
    /// Partitions that answer with an error, and perhaps the leader they know.
    pub(crate) errors: BTreeMap<i32, (ErrorCode, Option<(i32, i32)>)>,
    /// Where it sends consumers that say where they are (KIP-392).
    pub(crate) preferred: Option<i32>,
    /// It does not lead these, and gives of them what it has.
    pub(crate) follows: BTreeSet<i32>,
}

impl Broker {
    pub(crate) fn new() -> Broker {
        Broker {
            topic_id: TOPIC,
            session: None,
            wanted: BTreeMap::new(),
            sessions: 0,
            grants: true,
            errors: BTreeMap::new(),
            preferred: None,
            follows: BTreeSet::new(),
        }
    }

    /// Forgets the session: evicted, or restarted.
    pub(crate) fn evict(&mut self) {
        self.session = None;
    }

    /// Would it answer at once?
    pub(crate) fn has_news(&self, request: &FetchRequest, logs: &BTreeMap<i32, Log>) -> bool {
        let answer = self.clone().fetch(request, logs);
        let mut partitions = answer.topics.iter().flat_map(|topic| &topic.partitions);
        answer.error.is_err()
            || partitions.any(|p| p.error.is_err() || p.diverging_epoch.is_some() || !p.records.is_empty())
    }

    /// What the long poll of the session asks for.
    pub(crate) fn session_partitions(&self) -> Vec<i32> {
        self.wanted.keys().map(|(_, partition)| *partition).collect()
    }

    pub(crate) fn fetch(&mut self, request: &FetchRequest, logs: &BTreeMap<i32, Log>) -> FetchResponse {
        let mut wanted = BTreeMap::new();
        let mut session_id = 0;
        if request.session_epoch >= 0 {
            match self.session {
                _ if request.session_epoch == 0 => {
                    self.wanted.clear();
                    self.sessions += 1;
                    self.session = self.grants.then_some((self.sessions, 1));
                }
                Some((id, _)) if id != request.session_id => return refused(ErrorCode(70)),
                Some((_, epoch)) if epoch != request.session_epoch => return refused(ErrorCode(71)),
                Some((_, epoch)) => self.session = Some((request.session_id, epoch + 1)),
                None => return refused(ErrorCode(70)),
            }
            wanted = std::mem::take(&mut self.wanted);
            session_id = self.session.map_or(0, |(id, _)| id);
        }
        for topic in &request.forgotten {
            assert!(request.session_epoch > 0);
            for partition in &topic.partitions {
                let is_known = wanted.remove(&(topic.topic_id, *partition)).is_some();
                assert!(is_known, "forgotten but never asked for: {partition}");
            }
        }
        for topic in &request.topics {
            for partition in &topic.partitions {
                wanted.insert((topic.topic_id, partition.partition), partition.clone());
            }
        }
        let mut topics: Vec<FetchResponseTopic> = Vec::new();
        for ((topic_id, partition), asked) in &wanted {
            let mut answer = self.answer(*topic_id, *partition, asked, logs, request.read_committed);
            let is_led = !self.follows.contains(partition);
            if !request.rack_id.is_empty() && !answer.error.is_err() && self.preferred.is_some() && is_led {
                answer.preferred_read_replica = self.preferred;
                answer.records = Bytes::new();
            }
            let is_news = answer.error.is_err()
                || answer.diverging_epoch.is_some()
                || !answer.records.is_empty()
                || answer.preferred_read_replica.is_some();
            if is_news || request.session_epoch <= 0 {
                match topics.last_mut().filter(|topic| topic.topic_id == *topic_id) {
                    Some(topic) => topic.partitions.push(answer),
                    None => topics.push(FetchResponseTopic {
                        topic_id: *topic_id,
                        partitions: vec![answer],
                        ..Default::default()
                    }),
                }
            }
        }
        if request.session_epoch >= 0 {
            self.wanted = wanted;
        }
        FetchResponse { session_id, topics, ..Default::default() }
    }

    fn answer(
        &self,
        topic_id: TopicId,
        partition: i32,
        asked: &FetchPartition,
        logs: &BTreeMap<i32, Log>,
        read_committed: bool,
    ) -> FetchResponsePartition {
        let Some(log) = logs.get(&partition).filter(|_| topic_id == self.topic_id) else {
            let error = if topic_id == self.topic_id {
                ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
            } else {
                ErrorCode::UNKNOWN_TOPIC_ID
            };
            return FetchResponsePartition { partition, error, ..Default::default() };
        };
        let mut answer = FetchResponsePartition {
            partition,
            high_watermark: log.end,
            last_stable_offset: log.last_stable(),
            ..Default::default()
        };
        match self.errors.get(&partition) {
            Some((error, leader)) => (answer.error, answer.current_leader) = (*error, *leader),
            None => match (log.diverging(asked), log.read(asked, read_committed)) {
                (Some(diverging), _) => answer.diverging_epoch = Some(diverging),
                (None, Ok(records)) => {
                    answer.records = records;
                    answer.aborted = log.aborted_from(asked.fetch_offset);
                }
                (None, Err(error)) => answer.error = error,
            },
        }
        answer
    }
}

pub(crate) fn refused(error: ErrorCode) -> FetchResponse {
    FetchResponse { error, ..Default::default() }
}

/// A batch that a producer has sent, its checksum verified.
pub(crate) fn read_batch(batch: Vec<u8>) -> Decoded {
    let mut slab = vec![0; 8 * batch.len() + 4096];
    let mut reader = BatchReader::new(FetchedRecords {
        records: batch.into(),
        fetch_offset: 0,
        high_watermark: i64::MAX,
        leader_epochs: LeaderEpochs::ANY,
        aborted: vec![],
        read_committed: false,
        check_crcs: true,
    });
    reader.fill(&mut Decompressor::new(1 << 20), &mut slab, usize::MAX).unwrap();
    assert!(reader.is_exhausted());
    decode(&slab)
}
