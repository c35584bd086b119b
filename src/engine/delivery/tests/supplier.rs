//! A supplier without positions: it acquires records, and keeps a state for each, as a share group does (KIP-932). What a lane
//! returns it releases, and acquires it again when the test says so, after what has come meanwhile.
//!
//! ```text
//!             take           progress
//!  Acquired ───────► Taken ────────────► Accepted
//!     ▲ ▲   kept      │ │ returned, void
//!     │ └─────────────┘ └──────► Released ◄── damaged, shed, void
//!     └───── acquire_again ──────────┘
//! ```

use std::collections::BTreeMap;

use crate::engine::delivery::Buffer;
use crate::engine::delivery::DecodeJob;
use crate::engine::delivery::Decoded;
use crate::engine::delivery::Deliveries;
use crate::engine::delivery::DeliveryConfig;
use crate::engine::delivery::Finished;
use crate::engine::delivery::Outcome;
use crate::engine::delivery::SlotId;
use crate::engine::delivery::Verdict;
use crate::engine::machine::TopicPartition;
use crate::engine::records::Decompressor;
use crate::engine::records::FetchedRecords;
use crate::engine::records::LeaderEpochs;
use crate::engine::testing;
use crate::engine::testing::encode::TestBatch;
use crate::engine::testing::encode::TestRecord;
use crate::engine::testing::encode::decode;

pub(super) const SLAB: usize = 32 * 1024;
/// Three of these are no small delivery any more.
pub(super) const BIG: usize = 6_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Acquired,
    Taken,
    Accepted,
    Released,
}

/// What a lane works on.
#[derive(Debug, Clone)]
pub(super) struct Lane {
    pub(super) slot: SlotId,
    pub(super) offsets: Vec<i64>,
    base: i64,
    bytes: Vec<u8>,
    slab: Option<u32>,
}

pub(super) struct Supplier {
    pub(super) deliveries: Deliveries,
    /// The state of each record, and how long its value is.
    records: BTreeMap<(SlotId, i64), (State, usize)>,
    pub(super) lanes: Vec<Option<Lane>>,
    /// What JavaScript keeps.
    pub(super) kept: BTreeMap<u32, Vec<u8>>,
    job: Option<DecodeJob>,
    /// The process can have no memory.
    pub(super) is_poor: bool,
    codecs: Decompressor,
    memory: BTreeMap<u32, Vec<u8>>,
    next_slab: u32,
}

pub(super) fn tp(partition: i32) -> TopicPartition {
    TopicPartition { topic: "t".into(), partition }
}

impl Supplier {
    /// Two lanes, eight slabs, these partitions.
    pub(super) fn of(partitions: &[i32]) -> Supplier {
        let mut supplier = Supplier::with(testing::config::delivery(2));
        supplier.assign(partitions);
        (0..8).for_each(|_| supplier.give());
        supplier
    }

    pub(super) fn with(config: DeliveryConfig) -> Supplier {
        Supplier {
            lanes: vec![None; config.lanes],
            deliveries: Deliveries::new(config),
            records: BTreeMap::new(),
            kept: BTreeMap::new(),
            job: None,
            is_poor: false,
            codecs: Decompressor::new(1 << 20),
            memory: BTreeMap::new(),
            next_slab: 0,
        }
    }

    pub(super) fn assign(&mut self, partitions: &[i32]) {
        self.deliveries.proceed();
        for partition in partitions {
            self.deliveries.assign(&tp(*partition));
        }
        self.check();
    }

    pub(super) fn unassign(&mut self) {
        while let Some(id) = self.deliveries.assigned().last().copied() {
            let dropped = self.deliveries.unassign(id);
            self.drop_kept(dropped);
            self.release(id, 0, &[State::Acquired, State::Taken]);
        }
        self.check();
    }

    pub(super) fn slot(&self, partition: i32) -> SlotId {
        self.deliveries.slot_of(&tp(partition)).unwrap()
    }

    pub(super) fn state(&self, partition: i32, offset: i64) -> State {
        self.records[&(self.slot(partition), offset)].0
    }

    /// The records of this partition in this state.
    pub(super) fn offsets(&self, partition: i32, state: State) -> Vec<i64> {
        let slot = self.slot(partition);
        let found = self.records.iter().filter(|((of, _), (is, _))| (*of, *is) == (slot, state));
        found.map(|((_, offset), _)| *offset).collect()
    }

    /// How many records of this partition there are.
    pub(super) fn acquired(&self, partition: i32) -> i64 {
        let slot = self.slot(partition);
        self.records.keys().filter(|(of, _)| *of == slot).map(|(_, offset)| offset + 1).max().unwrap_or(0)
    }

    fn set(&mut self, slot: SlotId, offsets: impl IntoIterator<Item = i64>, state: State) {
        for offset in offsets {
            self.records.get_mut(&(slot, offset)).expect("a record that was acquired").0 = state;
        }
    }

    /// All of this slot in these states are released.
    fn release(&mut self, slot: SlotId, from: i64, states: &[State]) {
        for ((of, offset), (state, _)) in &mut self.records {
            if *of == slot && *offset >= from && states.contains(state) {
                *state = State::Released;
            }
        }
    }

    // ---- the broker

    /// New records with values of these lengths.
    pub(super) fn acquire(&mut self, partition: i32, lengths: &[usize]) {
        self.acquire_changed(partition, lengths, |_| ());
    }

    /// Something happens to them on their way.
    pub(super) fn acquire_changed(
        &mut self,
        partition: i32,
        lengths: &[usize],
        change: impl FnOnce(&mut Vec<u8>),
    ) {
        let (slot, offsets) = (self.slot(partition), self.acquired(partition)..);
        self.push(slot, &offsets.zip(lengths.iter().copied()).collect::<Vec<_>>(), change);
    }

    /// Those that were released come again.
    pub(super) fn acquire_again(&mut self, partition: i32) {
        let slot = self.slot(partition);
        let released = self.offsets(partition, State::Released);
        let released: Vec<_> =
            released.into_iter().map(|offset| (offset, self.records[&(slot, offset)].1)).collect();
        self.push(slot, &released, |_| ());
    }

    fn push(&mut self, slot: SlotId, records: &[(i64, usize)], change: impl FnOnce(&mut Vec<u8>)) {
        let batch = records.iter().map(|(offset, length)| TestRecord {
            offset: *offset,
            timestamp: 1,
            value: Some(vec![7; *length]),
            ..TestRecord::default()
        });
        let mut bytes = TestBatch::of(batch.collect()).encode();
        change(&mut bytes);
        let state = |(offset, length): &(i64, usize)| ((slot, *offset), (State::Acquired, *length));
        self.records.extend(records.iter().map(state));
        self.deliveries.push(
            slot,
            FetchedRecords {
                records: bytes.into(),
                fetch_offset: records[0].0,
                high_watermark: records[records.len() - 1].0 + 1,
                leader_epochs: LeaderEpochs::ANY,
                aborted: Vec::new(),
                read_committed: false,
                check_crcs: true,
            },
        );
        self.check();
    }

    // ---- the decoder

    pub(super) fn give(&mut self) {
        self.memory.insert(self.next_slab, vec![0; SLAB]);
        self.deliveries.give(self.next_slab);
        self.next_slab += 1;
        self.check();
    }

    pub(super) fn is_decoding(&self) -> bool {
        self.job.is_some()
    }

    pub(super) fn begin_decode(&mut self) -> bool {
        assert!(self.job.is_none(), "one decoder");
        self.job = self.deliveries.poll_decode(|_| true);
        self.job.is_some()
    }

    pub(super) fn end_decode(&mut self) -> Verdict {
        let DecodeJob { slot, epoch, mut reader, mut buffer, .. } = self.job.take().unwrap();
        let memory = match &mut buffer {
            Buffer::Slab(slab) => self.memory.get_mut(slab).unwrap(),
            Buffer::Staged(bytes) => {
                bytes.truncate(if self.is_poor { 0 } else { bytes.len() });
                bytes
            }
            Buffer::Kept { .. } => panic!("nothing to decode"),
        };
        let result = reader.fill(&mut self.codecs, memory, 3);
        let verdict = self.deliveries.decoded(Decoded { slot, epoch, reader, buffer, result });
        if let Verdict::Damaged { next, .. } = verdict {
            self.release(slot, next, &[State::Acquired]);
        }
        self.check();
        verdict
    }

    pub(super) fn decode_all(&mut self) {
        for round in 0.. {
            assert!(round < 1000, "busy loop");
            if !self.begin_decode() {
                return;
            }
            self.end_decode();
        }
    }

    // ---- the lanes

    /// An idle lane asks for work.
    pub(super) fn take(&mut self, lane: usize) -> bool {
        let Some(delivery) = self.deliveries.take(lane) else { return false };
        let (bytes, slab) = match delivery.buffer {
            Buffer::Slab(slab) => (self.memory.remove(&slab).expect("a slab that is ours"), Some(slab)),
            Buffer::Staged(bytes) => (bytes, None),
            Buffer::Kept { number, .. } => (self.kept.remove(&number).expect("what is kept"), None),
        };
        let (slot, base) = (delivery.slot, delivery.summary.base_offset);
        assert!(self.lanes.iter().flatten().all(|other| other.slot != slot), "one partition in two lanes");
        let offsets: Vec<i64> = decode(&bytes).messages.iter().map(|message| message.offset).collect();
        let offsets: Vec<i64> = offsets.into_iter().filter(|offset| *offset >= delivery.start).collect();
        for offset in &offsets {
            assert_eq!(self.records[&(slot, *offset)].0, State::Acquired, "{offset}");
        }
        self.set(slot, offsets.iter().copied(), State::Taken);
        self.lanes[lane] = Some(Lane { slot, offsets, base, bytes, slab });
        self.check();
        true
    }

    /// The handler has gone through everything before `next`. Is that news?
    pub(super) fn progress(&mut self, lane: usize, next: i64) -> bool {
        let Lane { slot, base, offsets, .. } = self.lanes[lane].clone().unwrap();
        let news = self.deliveries.progress(lane, i32::try_from(next - base).unwrap());
        if news.is_some() {
            assert_eq!(news, Some((slot, next)));
            self.set(slot, offsets.into_iter().filter(|offset| *offset < next), State::Accepted);
        }
        news.is_some()
    }

    pub(super) fn complete(&mut self, lane: usize) {
        let last = self.lanes[lane].as_ref().unwrap().offsets.last().copied();
        self.progress(lane, last.unwrap() + 1);
        assert_eq!(self.finish(lane, Outcome::Done), Finished::Resolved);
    }

    pub(super) fn finish(&mut self, lane: usize, outcome: Outcome) -> Finished {
        let Lane { slot, offsets, bytes, slab, .. } = self.lanes[lane].take().unwrap();
        let (of, finished) = self.deliveries.finish(lane, outcome).unwrap();
        assert_eq!(of, slot);
        let rest = |from| offsets.into_iter().filter(move |offset| *offset >= from);
        match finished {
            Finished::Void | Finished::Resolved => {}
            Finished::Kept { number, from } => {
                self.set(slot, rest(from), State::Acquired);
                assert!(self.kept.insert(number, bytes).is_none());
            }
            Finished::Returned { from, .. } => self.set(slot, rest(from), State::Released),
        }
        if let Some(slab) = slab {
            self.memory.insert(slab, vec![0; SLAB]);
            self.deliveries.give(slab);
        }
        self.check();
        finished
    }

    /// Everything that is ready, through both lanes.
    pub(super) fn consume(&mut self) {
        for round in 0.. {
            assert!(round < 1000, "busy loop");
            self.decode_all();
            let Some(lane) =
                (0..self.lanes.len()).find(|lane| self.lanes[*lane].is_none() && self.take(*lane))
            else {
                return;
            };
            self.complete(lane);
        }
    }

    // ---- what is given up

    /// The acquisition of this partition is over, whatever has become of its records.
    pub(super) fn void(&mut self, partition: i32) {
        let slot = self.slot(partition);
        let dropped = self.deliveries.void(slot);
        self.drop_kept(dropped);
        self.release(slot, 0, &[State::Acquired, State::Taken]);
        self.check();
    }

    pub(super) fn shed_paused(&mut self) {
        for (slot, from) in self.deliveries.shed_paused() {
            self.release(slot, from, &[State::Acquired]);
        }
        self.check();
    }

    pub(super) fn pause(&mut self, partition: i32) {
        self.deliveries.pause(&"t".into(), Some(&[partition]));
    }

    pub(super) fn resume(&mut self, partition: i32) -> bool {
        self.deliveries.resume(&"t".into(), Some(&[partition]))
    }

    pub(super) fn flags(&self, lane: usize) -> i32 {
        self.deliveries.lane_flags().nth(lane).unwrap()
    }

    fn drop_kept(&mut self, dropped: Option<u32>) {
        if let Some(number) = dropped {
            assert!(self.kept.remove(&number).is_some(), "{number} is not kept");
        }
    }

    fn check(&self) {
        self.deliveries.check(self.job.as_ref(), self.memory.keys(), self.kept.keys());
    }
}
