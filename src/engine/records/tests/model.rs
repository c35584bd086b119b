//! Random logs against a naive model: what a consumer must see, whatever the batches, codecs, transactions, fetch
//! offset and slab size.

use bytes::Bytes;
use proptest::prelude::*;

use super::{FetchedRecords, drain, messages};
use crate::engine::protocol::fetch::AbortedTransaction;
use crate::engine::records::{LeaderEpochs, end_offset};
use crate::engine::testing::encode::{TestBatch, TestRecord};

/// What one producer does next.
#[derive(Debug, Clone)]
enum Step {
    /// Writes a batch: the gap before it, its records each with the gap behind it, codec, LogAppendTime.
    Data { gap: i64, records: Vec<(TestRecord, i64)>, codec: i16, log_append: bool },
    /// Ends its transaction.
    End { commit: bool },
    /// Compaction left nothing of a batch.
    Empty { length: i32 },
}

/// A batch in the log and whether READ_COMMITTED hides it.
#[derive(Debug)]
struct Entry {
    batch: TestBatch,
    aborted: bool,
}

#[derive(Debug)]
struct Log {
    entries: Vec<Entry>,
    /// Aborted transactions and the offset that ends each.
    aborted: Vec<(AbortedTransaction, i64)>,
}

/// Producers 0 to 2 are transactional, 3 is not.
fn log(base: i64, steps: Vec<(i64, Step)>, abort_the_open: bool) -> Log {
    let mut log = Log { entries: vec![], aborted: vec![] };
    let mut open: [Option<i64>; 3] = [None; 3];
    let mut next = base;
    for (producer, step) in steps {
        let transaction = open.get_mut(producer as usize);
        let transactional = transaction.is_some();
        let producer_id = if transactional { 100 + producer } else { -1 };
        let batch = match step {
            Step::Data { gap, records, codec, log_append } => {
                let base_offset = next + gap;
                let mut offset = base_offset;
                let records: Vec<_> = records
                    .into_iter()
                    .map(|(record, gap)| {
                        let record = TestRecord { offset, ..record };
                        offset += 1 + gap;
                        record
                    })
                    .collect();
                let last_offset_delta = (offset - 1 - base_offset) as i32;
                if let Some(first) = transaction {
                    first.get_or_insert(base_offset);
                }
                let log_append_time = log_append.then_some(1234);
                let batch = TestBatch {
                    base_offset,
                    last_offset_delta,
                    codec,
                    log_append_time,
                    ..TestBatch::default()
                };
                TestBatch { transactional, producer_id, records, ..batch }
            }
            Step::End { commit } => {
                let Some(transaction) = transaction else { continue };
                if let (Some(first_offset), false) = (transaction.take(), commit) {
                    log.abort(producer_id, first_offset, next);
                }
                TestBatch::marker(next, producer_id, commit)
            }
            Step::Empty { length } => {
                TestBatch { base_offset: next, last_offset_delta: length, ..TestBatch::default() }
            }
        };
        next = batch.base_offset + i64::from(batch.last_offset_delta) + 1;
        log.entries.push(Entry { batch, aborted: false });
    }
    // ended by markers beyond what was fetched
    for (producer, first) in open.into_iter().enumerate() {
        if let (Some(first), true) = (first, abort_the_open) {
            log.abort(100 + producer as i64, first, next + 10);
        }
    }
    log
}

impl Log {
    fn abort(&mut self, producer_id: i64, first_offset: i64, marker: i64) {
        self.aborted.push((AbortedTransaction { producer_id, first_offset }, marker));
        for entry in &mut self.entries {
            let batch = &entry.batch;
            if batch.transactional && batch.producer_id == producer_id && batch.base_offset >= first_offset {
                entry.aborted = true;
            }
        }
    }
}

fn bytes(max: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..max)
}

fn any_record() -> impl Strategy<Value = TestRecord> {
    let timestamp = prop_oneof![20 => 1_000_000..1_000_100i64, 1 => (0..10i64).prop_map(|n| n << 33)];
    let name = prop_oneof![4 => prop::sample::select(vec![b"a".to_vec(), b"trace".to_vec()]), 1 => bytes(3)];
    let headers = prop_oneof![
        2 => Just(vec![]),
        1 => prop::collection::vec((name, prop::option::of(bytes(5))), 0..4),
    ];
    let value = prop_oneof![20 => bytes(30), 1 => bytes(300)];
    (timestamp, prop::option::of(bytes(5)), prop::option::of(value), headers)
        .prop_map(|(timestamp, key, value, headers)| TestRecord { offset: 0, timestamp, key, value, headers })
}

fn any_step() -> impl Strategy<Value = Step> {
    let gap = || prop_oneof![10 => Just(0i64), 2 => 1..5i64];
    let far = prop_oneof![20 => Just(0i64), 2 => 1..5i64, 1 => Just(5_000_000_000i64)];
    let records = prop::collection::vec((any_record(), gap()), 1..8);
    prop_oneof![
        6 => (far, records, 0..=4i16, prop::bool::weighted(0.1))
            .prop_map(|(gap, records, codec, log_append)| Step::Data { gap, records, codec, log_append }),
        2 => any::<bool>().prop_map(|commit| Step::End { commit }),
        1 => (0..5i32).prop_map(|length| Step::Empty { length }),
    ]
}

proptest! {
    #[test]
    fn deliveries_are_what_the_model_says(
        base in prop_oneof![Just(0i64), Just((1i64 << 53) + 1)],
        steps in prop::collection::vec((0..4i64, any_step()), 1..12),
        abort_the_open: bool,
        read_committed: bool,
        start: prop::sample::Index,
        into in 0..10i64,
        cut in prop::option::of(any::<prop::sample::Index>()),
        shuffle: u64,
        slab_size in 0..3000usize,
        max_messages in 0..12usize,
    ) {
        let log = log(base, steps, abort_the_open);
        prop_assume!(!log.entries.is_empty());
        let start = start.index(log.entries.len());
        let fetched_entries = &log.entries[start..];
        let first = &fetched_entries[0].batch;
        let fetch_offset = first.base_offset + into.min(first.last_offset_delta.into());

        let encoded: Vec<_> = fetched_entries.iter().map(|entry| entry.batch.encode()).collect();
        let mut records = encoded.concat();
        if let Some(cut) = cut {
            let again = &encoded[encoded.len() - 1];
            records.extend_from_slice(&again[..cut.index(again.len())]);
        }
        let mut aborted: Vec<_> = log.aborted.iter()
            .filter(|(_, marker)| *marker >= fetch_offset)
            .map(|(transaction, _)| *transaction)
            .collect();
        fastrand::Rng::with_seed(shuffle).shuffle(&mut aborted);

        let expected: Vec<(TestRecord, &TestBatch)> = fetched_entries.iter()
            .filter(|entry| !(entry.batch.control || read_committed && entry.aborted))
            .flat_map(|entry| entry.batch.records.iter().map(move |record| {
                let timestamp = entry.batch.log_append_time.unwrap_or(record.timestamp);
                (TestRecord { timestamp, ..record.clone() }, &entry.batch)
            }))
            .filter(|(record, _)| record.offset >= fetch_offset)
            .collect();
        let last = &fetched_entries[fetched_entries.len() - 1].batch;
        let end = last.base_offset + i64::from(last.last_offset_delta) + 1;

        prop_assert_eq!(end_offset(&records, LeaderEpochs::ANY).map(|(end, _)| end), Some(end));
        let fetched = FetchedRecords {
            records: Bytes::from(records),
            fetch_offset,
            high_watermark: end + 3,
            leader_epochs: LeaderEpochs::ANY,
            aborted,
            read_committed,
            check_crcs: true,
        };
        let (deliveries, error) = drain(fetched, slab_size, max_messages);
        prop_assert_eq!(error, None);
        let wanted: Vec<_> = expected.iter().map(|(record, _)| record.clone()).collect();
        prop_assert_eq!(messages(&deliveries), wanted);

        let mut position = fetch_offset;
        let mut batches = expected.iter().map(|(_, batch)| batch);
        for (summary, delivery) in &deliveries {
            prop_assert!(summary.first_offset >= position);
            prop_assert!(summary.next_offset > position);
            position = summary.next_offset;
            for message in &delivery.messages {
                prop_assert!((summary.first_offset..=summary.last_offset).contains(&message.offset));
            }
            let mut row_start = 0;
            for row in &delivery.batches {
                prop_assert_eq!(row.messages.start, row_start);
                row_start = row.messages.end;
                for _ in row.messages.clone() {
                    let batch = batches.next().unwrap();
                    prop_assert_eq!(row.first_offset, batch.base_offset);
                    prop_assert_eq!(row.producer_id, batch.producer_id);
                    prop_assert_eq!(row.max_timestamp, batch.max_timestamp());
                    prop_assert_eq!(row.words[1], batch.last_offset_delta);
                    prop_assert_eq!(row.words[4], i32::from(batch.attributes()));
                }
            }
            prop_assert_eq!(row_start, delivery.messages.len());
        }
        prop_assert_eq!(position, end);
    }
}
