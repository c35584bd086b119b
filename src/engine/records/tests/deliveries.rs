//! Nothing but a full slab, and the most messages that one may have, ends a delivery: each costs a call of the user's.

use super::{FetchedRecords, drain, fetched, messages, record};
use crate::engine::protocol::fetch::AbortedTransaction;
use crate::engine::records::layout;
use crate::engine::testing::encode::{TestBatch, TestRecord, legacy_message};

const SLAB: usize = 256 << 10;
const DAY: i64 = 86_400_000;
const NOW: i64 = 1_763_700_000_000;

/// One fetch, and what of it is to be delivered.
struct Case {
    name: &'static str,
    fetched: FetchedRecords,
    wanted: Vec<TestRecord>,
}

fn case(name: &'static str, batches: &[TestBatch]) -> Case {
    let records = batches.iter().flat_map(TestBatch::encode).collect();
    let wanted = batches.iter().flat_map(|batch| {
        let appended = batch.log_append_time;
        let records = batch.records.iter().cloned();
        records.map(move |record| TestRecord { timestamp: appended.unwrap_or(record.timestamp), ..record })
    });
    Case { name, fetched: fetched(records, 0), wanted: wanted.collect() }
}

fn records(change: impl Fn(usize, &mut TestRecord)) -> Vec<TestRecord> {
    let records = (0..400).map(|n| {
        let mut record = record(n as i64, "some value");
        change(n, &mut record);
        record
    });
    records.collect()
}

/// One batch whose records have these timestamps, over and over.
fn times(name: &'static str, times: &[i64]) -> Case {
    let records = records(|n, record| record.timestamp = times[n % times.len()]);
    case(name, &[TestBatch::of(records)])
}

/// Batches of five, each changed.
fn batches(change: impl Fn(usize, &mut TestBatch)) -> Vec<TestBatch> {
    let records = records(|_, _| {});
    let batches = records.chunks(5).enumerate().map(|(n, records)| {
        let mut batch = TestBatch::of(records.to_vec());
        change(n, &mut batch);
        batch
    });
    batches.collect()
}

fn headers(names: impl Fn(usize) -> Vec<String>) -> Vec<TestRecord> {
    records(|n, record| {
        record.headers = names(n).into_iter().map(|name| (name.into_bytes(), None)).collect();
    })
}

fn shifted(batch: &mut TestBatch, by: i64) {
    batch.base_offset += by;
    batch.records.iter_mut().for_each(|record| record.offset += by);
}

fn cases() -> Vec<Case> {
    let mut all = vec![
        case("nothing special", &batches(|_, _| {})),
        times("live and a month old", &[NOW, NOW - 31 * DAY]),
        times("live and of the last century", &[NOW, NOW - 1, 0, NOW + 1]),
        times("none, and live", &[-1, NOW, NOW + 1, NOW + 2]),
        times("live, and none", &[NOW, -1]),
        times("0 and live", &[0, NOW]),
        times("both ends of time", &[i64::MAX, i64::MIN, 0, -1, NOW]),
        times("the other way round", &[i64::MIN, i64::MAX]),
        times("just near", &[NOW, NOW + i64::from(i32::MAX), NOW + i64::from(layout::NEAREST)]),
        times("just far", &[NOW, NOW + i64::from(i32::MAX) + 1, NOW + i64::from(layout::NEAREST) - 1]),
        case(
            "each batch of another year",
            &batches(|n, batch| {
                batch.records.iter_mut().for_each(|record| record.timestamp = n as i64 * 365 * DAY);
            }),
        ),
        case(
            "some with LogAppendTime",
            &batches(|n, batch| batch.log_append_time = (n % 2 == 0).then_some(NOW * 2)),
        ),
        case("each batch of another codec", &batches(|n, batch| batch.codec = n as i16 % 5)),
        case("each batch of another leader epoch", &batches(|n, batch| batch.leader_epoch = n as i32)),
        case("each batch of another producer", &batches(|n, batch| batch.producer_id = n as i64)),
        case(
            "some transactional",
            &batches(|n, batch| {
                (batch.transactional, batch.producer_id) = (n % 2 == 0, 9);
            }),
        ),
        case("compacted: gaps between batches", &batches(|n, batch| shifted(batch, n as i64 * 20_000_000))),
        case(
            "compacted: gaps at the end of batches",
            &batches(|n, batch| {
                shifted(batch, n as i64 * 100);
                batch.last_offset_delta = 99;
            }),
        ),
        case(
            "compacted: gaps within a batch",
            &[TestBatch::of(records(|n, record| record.offset *= if n == 0 { 0 } else { 5_000_000 }))],
        ),
        case(
            "offsets out of order",
            &[TestBatch {
                base_offset: 0,
                last_offset_delta: 399,
                ..TestBatch::of(records(|n, record| record.offset = n as i64 ^ 1))
            }],
        ),
        case(
            "null keys and values",
            &[TestBatch::of(records(|n, record| {
                record.key = (n % 3 == 0).then(Vec::new);
                record.value = (n % 2 == 0).then(Vec::new);
            }))],
        ),
        case("headers, now and then", &[TestBatch::of(headers(|n| vec!["a".into(); n % 4]))]),
        case("another header name each", &[TestBatch::of(headers(|n| vec![format!("name-{n}")]))]),
        case(
            "more header names than the table has places",
            &[TestBatch::of(headers(|n| (0..4).map(|at| format!("name-{n}-{at}")).collect()))],
        ),
    ];

    let mut aborted = case(
        "every other transaction aborted",
        &batches(|n, batch| {
            (batch.transactional, batch.producer_id) = (true, (n % 2) as i64);
        }),
    );
    aborted.fetched.read_committed = true;
    aborted.fetched.aborted = vec![AbortedTransaction { producer_id: 1, first_offset: 0 }];
    aborted.wanted.retain(|record| record.offset / 5 % 2 == 0);
    all.push(aborted);

    let mut marked = case("a marker behind each batch", &[]);
    let (mut bytes, mut offset) = (Vec::new(), 0);
    for mut batch in batches(|_, _| {}) {
        batch.records.iter_mut().zip(offset..).for_each(|(record, offset)| record.offset = offset);
        marked.wanted.extend(batch.records.clone());
        bytes.extend(TestBatch::of(batch.records).encode());
        bytes.extend(TestBatch::marker(offset + 5, 9, true).encode());
        offset += 6;
    }
    marked.fetched = fetched(bytes, 0);
    all.push(marked);

    let old = records(|_, _| {});
    let magic = |n: usize| (n % 2) as i8;
    let bytes = old.iter().enumerate().flat_map(|(n, record)| legacy_message(magic(n), record)).collect();
    let wanted = old.into_iter().enumerate().map(|(n, record)| {
        let timestamp = if magic(n) == 0 { -1 } else { record.timestamp };
        TestRecord { timestamp, ..record }
    });
    all.push(Case {
        name: "messages of magic 0 and 1",
        fetched: fetched(bytes, 0),
        wanted: wanted.collect(),
    });
    all
}

#[test]
fn whatever_a_batch_is_like_it_is_one_delivery() {
    for Case { name, fetched, wanted } in cases() {
        let (deliveries, error) = drain(fetched, SLAB, usize::MAX);
        assert_eq!(error, None, "{name}");
        assert_eq!(messages(&deliveries), wanted, "{name}");
        assert_eq!(deliveries.len(), 1, "{name}");
    }
}

#[test]
fn in_small_slabs_each_delivery_but_the_last_is_full() {
    for Case { name, fetched, wanted } in cases() {
        let slab_size = 3000;
        let (deliveries, error) = drain(fetched, slab_size, usize::MAX);
        assert_eq!(error, None, "{name}");
        assert_eq!(messages(&deliveries), wanted, "{name}");
        let bytes: usize = deliveries.iter().map(|(summary, _)| summary.used).sum();
        // what is left at the end of a slab is not enough for a batch of one record
        assert!(
            deliveries.len() <= 1 + bytes * 10 / (slab_size * 8),
            "{name}: {} for {bytes}",
            deliveries.len()
        );
    }
}

#[test]
fn an_offset_that_32_bits_do_not_reach_begins_a_delivery() {
    let far = i64::from(i32::MAX);
    let at = |offset| record(offset, "x");
    let base = 1 << 60;
    let batches = [
        vec![at(base), at(base + far)],
        vec![at(base + far + 1), at(base + far + 2)],
        vec![at(base + 3 * far)],
    ];
    let bytes = batches.iter().flat_map(|records| TestBatch::of(records.clone()).encode()).collect();
    let (deliveries, error) = drain(fetched(bytes, base), SLAB, 1000);
    assert_eq!(error, None);
    assert_eq!(messages(&deliveries), batches.concat());
    let counts: Vec<_> = deliveries.iter().map(|(summary, _)| summary.messages).collect();
    assert_eq!(counts, [2, 2, 1], "a batch is at most cut once");
}
