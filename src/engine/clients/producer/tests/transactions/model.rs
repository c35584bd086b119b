//! A cluster with transactions, as brokers have them: coordinators, markers, offsets that count later (KIP-98, 360, 447, 890).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::end_txn::{EndTxnRequest, EndTxnResponse};
use crate::engine::protocol::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};
use crate::engine::protocol::txn_offset_commit::TxnOffsetCommitRequest;
use crate::engine::testing::broker::read_batch;

/// How long the markers of a transaction take.
const MARKERS: Duration = Duration::from_millis(15);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TxnState {
    Empty,
    Ongoing,
    Prepare { commit: bool, until: Duration },
    Complete { commit: bool },
}

/// What the coordinator knows of a transactional id.
#[derive(Debug, Clone)]
struct Txn {
    id: i64,
    epoch: i16,
    /// The epoch before the coordinator raised it at the end of a transaction.
    last_epoch: Option<i16>,
    state: TxnState,
    began: Duration,
    partitions: BTreeSet<usize>,
    groups: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    Data { producer: i64, value: u64 },
    Marker { producer: i64, commit: bool },
}

#[derive(Debug, Clone, Default)]
struct Known {
    epoch: i16,
    /// First and last sequence of the last batches, and their offset.
    batches: Vec<(i32, i32, i64)>,
}

#[derive(Debug, Clone, Default)]
struct Log {
    entries: Vec<Entry>,
    known: HashMap<i64, Known>,
}

#[derive(Debug)]
pub(super) struct Model {
    pub(super) now: Duration,
    /// `transaction.version` 2.
    pub(super) is_v2: bool,
    pub(super) transaction_timeout: Duration,
    pub(super) leaders: Vec<i32>,
    pub(super) transaction_coordinator: i32,
    pub(super) group_coordinator: i32,
    /// The generation of the group; a member of another one is refused.
    pub(super) generation: i32,
    txns: BTreeMap<String, Txn>,
    logs: Vec<Log>,
    offsets: HashMap<String, i64>,
    pending_offsets: HashMap<(i64, String), i64>,
    next_id: i64,
    /// A batch of more records is too large for the brokers.
    pub(super) largest: usize,
    /// Every offset that was ever committed.
    pub(super) history: Vec<i64>,
    /// How often an ongoing transaction was aborted under a higher epoch.
    pub(super) fences: usize,
}

impl Model {
    pub(super) fn new(partitions: usize, is_v2: bool) -> Model {
        Model {
            now: Duration::ZERO,
            is_v2,
            transaction_timeout: Duration::from_secs(60),
            leaders: (0..partitions).map(|n| i32::try_from(n % 3).unwrap()).collect(),
            transaction_coordinator: 0,
            group_coordinator: 1,
            generation: 1,
            txns: BTreeMap::new(),
            logs: vec![Log::default(); partitions],
            offsets: HashMap::new(),
            pending_offsets: HashMap::new(),
            next_id: 100,
            largest: usize::MAX,
            history: Vec::new(),
            fences: 0,
        }
    }

    /// What a reader of committed messages gets of each partition.
    pub(super) fn committed(&self, partition: usize) -> Vec<u64> {
        let entries = &self.logs[partition].entries;
        let values = entries.iter().enumerate().filter_map(|(at, entry)| {
            let Entry::Data { producer, value } = entry else { return None };
            let end = entries[at..].iter().find_map(|later| match later {
                Entry::Marker { producer: of, commit } if of == producer => Some(*commit),
                _ => None,
            });
            (end == Some(true)).then_some(*value)
        });
        values.collect()
    }

    /// The offset that the group has committed, when no transaction is about to change that.
    pub(super) fn offset(&self, group: &str) -> Option<i64> {
        let is_stable = !self.pending_offsets.keys().any(|(_, of)| of == group);
        is_stable.then(|| self.offsets.get(group).copied().unwrap_or(0))
    }

    /// Does any transaction hold its readers up?
    pub(super) fn is_open(&self) -> bool {
        self.txns.values().any(|txn| matches!(txn.state, TxnState::Ongoing | TxnState::Prepare { .. }))
    }

    pub(super) fn pass(&mut self, now: Duration) {
        self.now = now;
        for name in self.txns.keys().cloned().collect::<Vec<_>>() {
            let txn = &self.txns[&name];
            if txn.state == TxnState::Ongoing && txn.began + self.transaction_timeout <= now {
                self.fence(&name);
            }
            if let TxnState::Prepare { commit, until } = self.txns[&name].state
                && until <= now
            {
                self.complete(&name, commit);
            }
        }
    }

    /// When something happens by itself.
    pub(super) fn due(&self) -> Option<Duration> {
        let due = self.txns.values().filter_map(|txn| match txn.state {
            TxnState::Ongoing => Some(txn.began + self.transaction_timeout),
            TxnState::Prepare { until, .. } => Some(until),
            _ => None,
        });
        due.min()
    }

    /// Aborts an ongoing transaction under a higher epoch. Only by the second protocol its producer can learn that epoch, by an abort of
    /// its own.
    fn fence(&mut self, name: &str) {
        let until = self.now + MARKERS;
        let txn = self.txns.get_mut(name).unwrap();
        txn.last_epoch = self.is_v2.then_some(txn.epoch);
        txn.epoch += 1;
        txn.state = TxnState::Prepare { commit: false, until };
        self.fences += 1;
    }

    fn complete(&mut self, name: &str, commit: bool) {
        let txn = self.txns.get_mut(name).unwrap();
        txn.state = TxnState::Complete { commit };
        let (producer, epoch) = (txn.id, txn.epoch);
        for partition in std::mem::take(&mut txn.partitions) {
            let log = &mut self.logs[partition];
            log.entries.push(Entry::Marker { producer, commit });
            let known = log.known.entry(producer).or_default();
            if epoch > known.epoch {
                *known = Known { epoch, batches: vec![] };
            }
        }
        for group in std::mem::take(&mut txn.groups) {
            if let Some(offset) = self.pending_offsets.remove(&(producer, group.clone()))
                && commit
            {
                self.offsets.insert(group, offset);
                self.history.push(offset);
            }
        }
    }

    pub(super) fn init(&mut self, request: &InitProducerIdRequest) -> InitProducerIdResponse {
        let name = request.transactional_id.clone().unwrap();
        if !self.txns.contains_key(&name) {
            self.next_id += 1;
            let txn = Txn {
                id: self.next_id,
                epoch: -1,
                last_epoch: None,
                state: TxnState::Empty,
                began: self.now,
                partitions: BTreeSet::new(),
                groups: BTreeSet::new(),
            };
            self.txns.insert(name.clone(), txn);
        }
        let refused = |error| InitProducerIdResponse { error, ..Default::default() };
        let txn = self.txns.get_mut(&name).unwrap();
        let is_ours = request.producer_id < 0
            || (request.producer_id == txn.id
                && (request.producer_epoch == txn.epoch || Some(request.producer_epoch) == txn.last_epoch));
        if !is_ours {
            return refused(ErrorCode::PRODUCER_FENCED);
        }
        match txn.state {
            TxnState::Prepare { .. } => return refused(ErrorCode::CONCURRENT_TRANSACTIONS),
            TxnState::Ongoing => {
                self.fence(&name);
                return refused(ErrorCode::CONCURRENT_TRANSACTIONS);
            }
            TxnState::Empty | TxnState::Complete { .. } => {}
        }
        let is_repetition = request.producer_id >= 0 && request.producer_epoch != txn.epoch;
        if !is_repetition {
            txn.last_epoch = (request.producer_id >= 0).then_some(txn.epoch);
            txn.epoch += 1;
        }
        txn.state = TxnState::Empty;
        InitProducerIdResponse { producer_id: txn.id, producer_epoch: txn.epoch, ..Default::default() }
    }

    /// Adds a partition or a group to a transaction.
    pub(super) fn add(&mut self, name: &str, id: i64, epoch: i16, what: &Added) -> ErrorCode {
        let now = self.now;
        let Some(txn) = self.txns.get_mut(name).filter(|txn| txn.id == id) else {
            return ErrorCode::INVALID_PRODUCER_ID_MAPPING;
        };
        if txn.epoch != epoch {
            return ErrorCode::PRODUCER_FENCED;
        }
        match txn.state {
            TxnState::Prepare { .. } => return ErrorCode::CONCURRENT_TRANSACTIONS,
            TxnState::Ongoing => {}
            TxnState::Empty | TxnState::Complete { .. } => {
                txn.state = TxnState::Ongoing;
                txn.began = now;
            }
        }
        match what {
            Added::Partition(partition) => drop(txn.partitions.insert(*partition)),
            Added::Group(group) => drop(txn.groups.insert(group.clone())),
        }
        ErrorCode::NONE
    }

    pub(super) fn end(&mut self, request: &EndTxnRequest) -> EndTxnResponse {
        let answer =
            |error| EndTxnResponse { error, producer_id: -1, producer_epoch: -1, ..Default::default() };
        let (now, is_v2) = (self.now, !request.transactions_v1);
        let Some(txn) = self.txns.get_mut(&request.transactional_id) else {
            return answer(ErrorCode::INVALID_PRODUCER_ID_MAPPING);
        };
        let next = |txn: &Txn| match is_v2 {
            true => EndTxnResponse { producer_id: txn.id, producer_epoch: txn.epoch, ..Default::default() },
            false => answer(ErrorCode::NONE),
        };
        let has_ended = matches!(txn.state, TxnState::Prepare { .. } | TxnState::Complete { .. });
        let is_repetition = is_v2 && has_ended && Some(request.producer_epoch) == txn.last_epoch;
        if txn.epoch != request.producer_epoch && !is_repetition {
            return answer(ErrorCode::PRODUCER_FENCED);
        }
        match txn.state {
            TxnState::Ongoing => {
                txn.state = TxnState::Prepare { commit: request.committed, until: now + MARKERS };
                txn.last_epoch = None;
                if is_v2 {
                    txn.last_epoch = Some(txn.epoch);
                    txn.epoch += 1;
                }
                next(txn)
            }
            TxnState::Prepare { commit, .. } if commit == request.committed => {
                answer(ErrorCode::CONCURRENT_TRANSACTIONS)
            }
            TxnState::Complete { commit }
                if commit == request.committed && is_repetition | request.transactions_v1 =>
            {
                next(txn)
            }
            TxnState::Empty | TxnState::Complete { .. } if is_v2 && !request.committed && !is_repetition => {
                txn.last_epoch = Some(txn.epoch);
                txn.epoch += 1;
                txn.state = TxnState::Complete { commit: false };
                next(txn)
            }
            _ => answer(ErrorCode::INVALID_TXN_STATE),
        }
    }

    /// By the second protocol other brokers add to a transaction, and have a word of their own for one that is fenced.
    fn add_unasked(&mut self, name: &str, id: i64, epoch: i16, what: &Added) -> Result<(), ErrorCode> {
        match self.add(name, id, epoch, what) {
            ErrorCode::NONE => Ok(()),
            ErrorCode::PRODUCER_FENCED => Err(ErrorCode::INVALID_PRODUCER_EPOCH),
            code => Err(code),
        }
    }

    pub(super) fn commit_offsets(&mut self, request: &TxnOffsetCommitRequest) -> Result<(), ErrorCode> {
        if request.generation_id >= 0 && request.generation_id != self.generation {
            return Err(ErrorCode::ILLEGAL_GENERATION);
        }
        let (name, id, epoch) = (&request.transactional_id, request.producer_id, request.producer_epoch);
        if request.transactions_v1 {
            let is_in = self.txns.get(name).is_some_and(|txn| {
                (txn.id, txn.epoch, txn.state) == (id, epoch, TxnState::Ongoing)
                    && txn.groups.contains(&request.group_id)
            });
            if !is_in {
                return Err(ErrorCode::INVALID_TXN_STATE);
            }
        } else {
            let added = Added::Group(request.group_id.clone());
            self.add_unasked(name, id, epoch, &added)?;
        }
        let offset = request.topics[0].partitions[0].offset;
        self.pending_offsets.insert((id, request.group_id.clone()), offset);
        Ok(())
    }

    /// Writes a batch of a transaction.
    pub(super) fn append(
        &mut self,
        name: &str,
        is_v1: bool,
        partition: usize,
        batch: Vec<u8>,
    ) -> Result<i64, ErrorCode> {
        let (id, epoch, base, last, values) = read(batch);
        if values.len() > self.largest {
            return Err(ErrorCode::MESSAGE_TOO_LARGE);
        }
        let known = self.logs[partition].known.get(&id).cloned().unwrap_or_default();
        if epoch < known.epoch {
            return Err(ErrorCode::INVALID_PRODUCER_EPOCH);
        }
        if epoch == known.epoch
            && let Some((.., offset)) = known.batches.iter().find(|(b, l, _)| (*b, *l) == (base, last))
        {
            return Ok(*offset);
        }
        if is_v1 {
            let is_in = self.txns.get(name).is_some_and(|txn| {
                (txn.id, txn.epoch, txn.state) == (id, epoch, TxnState::Ongoing)
                    && txn.partitions.contains(&partition)
            });
            if !is_in {
                return Err(ErrorCode::INVALID_TXN_STATE);
            }
        } else {
            self.add_unasked(name, id, epoch, &Added::Partition(partition))?;
        }
        let log = &mut self.logs[partition];
        let known = log.known.entry(id).or_default();
        if epoch > known.epoch {
            *known = Known { epoch, batches: vec![] };
        }
        let next = known.batches.last().map_or(0, |(_, last, _)| last + 1);
        if base != next {
            return Err(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER);
        }
        let offset = i64::try_from(log.entries.len()).unwrap();
        known.batches.push((base, last, offset));
        log.entries.extend(values.into_iter().map(|value| Entry::Data { producer: id, value }));
        Ok(offset)
    }
}

/// What joins a transaction.
pub(super) enum Added {
    Partition(usize),
    Group(String),
}

/// Id, epoch, first and last sequence, and the values of a batch.
fn read(batch: Vec<u8>) -> (i64, i16, i32, i32, Vec<u64>) {
    let decoded = read_batch(batch);
    let row = &decoded.batches[0];
    let [_, last_delta, base, epoch, ..] = row.words;
    let text = |value: Option<Vec<u8>>| String::from_utf8(value.unwrap()).unwrap().parse().unwrap();
    let values = decoded.messages.into_iter().map(|record| text(record.value)).collect();
    (row.producer_id, i16::try_from(epoch).unwrap(), base, base + last_delta, values)
}
