//! Tests of the room as a whole: batches in, deliveries out.

mod bench;
mod deliveries;
mod golden;
mod hostile;
mod model;
mod writing;

use bytes::Bytes;

use super::{
    BatchReader, Decompressor, FetchedRecords, Fill, LeaderEpochs, RecordError, Summary, end_offset,
};
use crate::engine::testing::encode;
use crate::engine::testing::encode::{Decoded, TestBatch, TestRecord, decode};

const LIMIT: usize = 1 << 20;

fn fetched(records: Vec<u8>, fetch_offset: i64) -> FetchedRecords {
    FetchedRecords {
        records: Bytes::from(records),
        fetch_offset,
        high_watermark: i64::MAX,
        leader_epochs: LeaderEpochs::ANY,
        aborted: vec![],
        read_committed: false,
        check_crcs: true,
    }
}

/// Everything that a reader delivers, and how it ended.
fn drain(
    fetched: FetchedRecords,
    slab_size: usize,
    max_messages: usize,
) -> (Vec<(Summary, Decoded)>, Option<RecordError>) {
    let mut reader = BatchReader::new(fetched);
    let mut codecs = Decompressor::new(LIMIT);
    let mut deliveries = Vec::new();
    let mut slab = vec![0xee; slab_size];
    loop {
        slab.fill(0xee);
        match reader.fill(&mut codecs, &mut slab, max_messages) {
            Ok(Fill::Delivery(summary)) => {
                let decoded = decode(&slab[..summary.used]);
                assert!(summary.used <= slab.len());
                assert_eq!(decoded.end, summary.used);
                assert_eq!(decoded.messages.len(), summary.messages as usize);
                assert!(decoded.messages.len() <= max_messages.max(1));
                let headers: usize = decoded.messages.iter().map(|message| message.headers.len()).sum();
                assert_eq!((decoded.headers, decoded.names), (headers, decoded.names_in_use));
                assert_eq!(decoded.base_offset, summary.base_offset);
                assert_eq!(decoded.first_offset, summary.first_offset);
                assert_eq!(decoded.last_offset, summary.last_offset);
                assert_eq!(decoded.next_offset, summary.next_offset);
                assert_eq!(summary.next_offset, reader.next_offset());
                assert!(summary.first_offset <= summary.last_offset);
                assert!(summary.last_offset < summary.next_offset);
                // untouched: the runtime's words
                assert_eq!(slab[super::layout::RUNTIME_AT..super::layout::HEADER_BYTES], [0xee; 32]);
                deliveries.push((summary, decoded));
            }
            Ok(Fill::TooSmall { need }) => {
                assert!(need > slab.len(), "{need}");
                slab.resize(need, 0);
            }
            Ok(Fill::End) => {
                assert!(reader.is_exhausted());
                return (deliveries, None);
            }
            Err(error) => {
                assert_eq!(reader.fill(&mut codecs, &mut slab, max_messages), Err(error.clone()));
                return (deliveries, Some(error));
            }
        }
    }
}

fn messages(deliveries: &[(Summary, Decoded)]) -> Vec<TestRecord> {
    deliveries.iter().flat_map(|(_, decoded)| decoded.messages.clone()).collect()
}

fn record(offset: i64, value: &str) -> TestRecord {
    TestRecord {
        offset,
        timestamp: 1_700_000_000_000 + offset,
        key: Some(b"k".to_vec()),
        value: Some(value.as_bytes().to_vec()),
        headers: vec![],
    }
}

/// One delivery for everything.
fn read_all(fetched: FetchedRecords) -> Decoded {
    let (mut deliveries, error) = drain(fetched, 1 << 20, usize::MAX);
    assert_eq!(error, None);
    assert_eq!(deliveries.len(), 1, "{deliveries:?}");
    deliveries.remove(0).1
}

#[test]
fn every_codec_delivers_the_same() {
    for codec in 0..=4 {
        let records: Vec<_> = (10..40).map(|offset| record(offset, "some value")).collect();
        let batch = TestBatch { codec, ..TestBatch::of(records.clone()) };
        let delivery = read_all(fetched(batch.encode(), 10));
        assert_eq!(delivery.messages, records);
        assert_eq!((delivery.first_offset, delivery.last_offset, delivery.next_offset), (10, 39, 40));
        assert_eq!((delivery.high_watermark, delivery.fetch_offset), (i64::MAX, 10));
        assert_eq!(delivery.batches.len(), 1);
        assert_eq!(delivery.batches[0].messages, 0..30);
        assert_eq!(delivery.batches[0].words, [7, 29, -1, -1, codec.into(), 2]);
        assert_eq!(delivery.batches[0].first_timestamp, 1_700_000_000_010);
        assert_eq!(delivery.batches[0].max_timestamp, 1_700_000_000_039);
    }
}

#[test]
fn null_is_not_empty_and_headers_repeat_in_order() {
    let headers = |names: &[&str]| -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        let value = |n: usize| [None, Some(vec![]), Some(b"v".to_vec())][n % 3].clone();
        names.iter().enumerate().map(|(n, name)| (name.as_bytes().to_vec(), value(n))).collect()
    };
    let records = vec![
        TestRecord {
            key: None,
            value: Some(vec![]),
            headers: headers(&["a", "b", "a", "a"]),
            ..record(0, "")
        },
        TestRecord { key: Some(vec![]), value: None, headers: vec![], ..record(1, "") },
        TestRecord { headers: headers(&["b", "", "a"]), ..record(2, "x") },
    ];
    let delivery = read_all(fetched(TestBatch::of(records.clone()).encode(), 0));
    assert_eq!(delivery.messages, records);
    assert_eq!(delivery.names, 3, "a, b and the empty one");
}

#[test]
fn records_before_the_fetch_offset_are_not_delivered() {
    for codec in 0..=4 {
        let records: Vec<_> = (10..20).map(|offset| record(offset, "some value")).collect();
        let behind = TestBatch { codec, ..TestBatch::of(vec![record(5, "behind")]) };
        let batch = TestBatch { codec, ..TestBatch::of(records.clone()) };
        let delivery = read_all(fetched([behind.encode(), batch.encode()].concat(), 17));
        assert_eq!(delivery.messages, records[7..]);
        assert_eq!((delivery.first_offset, delivery.last_offset, delivery.next_offset), (17, 19, 20));
    }
}

#[test]
fn records_out_of_order_are_delivered_as_they_come() {
    // brokers once took the offset deltas of producers on trust
    let records = vec![record(4, "a"), record(3, "b"), record(3, "c"), record(5, "d")];
    let batch = TestBatch { base_offset: 3, last_offset_delta: 2, ..TestBatch::of(records.clone()) };
    for max_messages in 1..4 {
        let (deliveries, error) = drain(fetched(batch.encode(), 0), 1 << 10, max_messages);
        assert_eq!(error, None);
        assert_eq!(messages(&deliveries), records);
    }
    assert_eq!(read_all(fetched(batch.encode(), 4)).messages, [records[0].clone(), records[3].clone()]);
}

#[test]
fn a_compacted_batch_moves_the_position_to_its_end() {
    let batch =
        TestBatch { base_offset: 100, last_offset_delta: 50, ..TestBatch::of(vec![record(120, "x")]) };
    let delivery = read_all(fetched(batch.encode(), 90));
    assert_eq!(delivery.messages.len(), 1);
    assert_eq!((delivery.first_offset, delivery.last_offset, delivery.next_offset), (120, 120, 151));
}

#[test]
fn an_empty_batch_moves_the_position() {
    let batch = TestBatch { base_offset: 100, last_offset_delta: 9, codec: 4, ..TestBatch::default() };
    let delivery = read_all(fetched(batch.encode_around(&[]), 100));
    assert_eq!(delivery.messages, []);
    assert_eq!((delivery.last_offset, delivery.next_offset), (109, 110));
}

#[test]
fn control_batches_are_passed_but_counted() {
    let data = TestBatch { transactional: true, producer_id: 9, ..TestBatch::of(vec![record(0, "x")]) };
    let markers = [TestBatch::marker(1, 9, true), TestBatch::marker(2, 9, false)];
    for read_committed in [false, true] {
        let only_markers = [markers[0].encode(), markers[1].encode()].concat();
        let delivery = read_all(FetchedRecords { read_committed, ..fetched(only_markers.clone(), 1) });
        assert_eq!(delivery.messages, []);
        assert_eq!((delivery.first_offset, delivery.last_offset, delivery.next_offset), (1, 2, 3));

        // behind the last message they still belong to the same delivery, full or not
        let all = [data.encode(), only_markers].concat();
        let (deliveries, error) = drain(FetchedRecords { read_committed, ..fetched(all, 0) }, 1 << 10, 1);
        assert_eq!((deliveries.len(), error), (1, None));
        let delivery = &deliveries[0].1;
        assert_eq!(delivery.messages.len(), 1);
        assert_eq!((delivery.first_offset, delivery.last_offset, delivery.next_offset), (0, 2, 3));
    }
}

#[test]
fn log_append_time_is_every_records_timestamp() {
    let records = vec![record(1, "a"), record(2, "b")];
    let batch = TestBatch { log_append_time: Some(9999), ..TestBatch::of(records) };
    let delivery = read_all(fetched(batch.encode(), 0));
    assert!(delivery.messages.iter().all(|message| message.timestamp == 9999));
    assert_eq!(delivery.batches[0].words[4], 8);
}

#[test]
fn the_last_offsets_that_there_are_can_be_read() {
    let last = i64::MAX - 1; // the position behind it is an offset too
    let at = |offset| TestRecord { offset, ..record(0, "x") };
    let records = [vec![at(last - 3), at(last - 2)], vec![at(last - 1), at(last)]];
    let bytes: Vec<u8> = records.iter().flat_map(|records| TestBatch::of(records.clone()).encode()).collect();
    assert_eq!(end_offset(&bytes, LeaderEpochs::ANY), Some((i64::MAX, 7)));
    for from in last - 3..=last {
        let (deliveries, error) = drain(fetched(bytes.clone(), from), 1 << 12, 1);
        assert_eq!(error, None);
        let wanted: Vec<_> = records.concat().into_iter().filter(|record| record.offset >= from).collect();
        assert_eq!(messages(&deliveries), wanted);
    }
}

#[test]
fn timestamps_at_both_ends_of_time_do_not_overflow() {
    let at = |offset, timestamp| TestRecord { offset, timestamp, ..record(0, "x") };
    // the deltas wrap around, when they are written and when they are read
    let bytes = [
        TestBatch::of(vec![at(0, i64::MAX), at(1, i64::MIN)]).encode(),
        TestBatch::of(vec![at(2, i64::MIN), at(3, i64::MAX)]).encode(),
        TestBatch::of(vec![at(4, 5)]).encode(),
    ]
    .concat();
    let delivery = read_all(fetched(bytes, 0));
    let timestamps: Vec<_> = delivery.messages.iter().map(|message| message.timestamp).collect();
    assert_eq!(timestamps, [i64::MAX, i64::MIN, i64::MIN, i64::MAX, 5]);
}

#[test]
fn a_cut_batch_at_the_end_is_ignored() {
    let whole = TestBatch::of(vec![record(0, "x")]).encode();
    for length in 0..whole.len() {
        let bytes = [&whole[..], &whole[..length]].concat();
        let delivery = read_all(fetched(bytes, 0));
        assert_eq!(delivery.messages.len(), 1);
        assert_eq!(delivery.next_offset, 1);
    }
}

#[test]
fn bytes_without_a_whole_batch_are_an_error() {
    let whole = TestBatch::of(vec![record(0, "x")]).encode();
    for length in 1..whole.len() {
        let (deliveries, error) = drain(fetched(whole[..length].to_vec(), 7), 1 << 10, 10);
        assert_eq!(deliveries, []);
        assert_eq!(error, Some(RecordError::NoCompleteBatch { offset: 7, length }));
    }
    assert_eq!(drain(fetched(vec![], 7), 1 << 10, 10), (vec![], None));
}

#[test]
fn what_comes_before_a_bad_batch_is_delivered_before_the_error() {
    let good = TestBatch::of(vec![record(0, "x")]);
    let mut bad = TestBatch::of(vec![record(1, "y")]).encode();
    *bad.last_mut().unwrap() ^= 1;
    let bytes = [good.encode(), bad].concat();
    let (deliveries, error) = drain(fetched(bytes.clone(), 0), 1 << 10, 10);
    assert_eq!(messages(&deliveries), [record(0, "x")]);
    assert_eq!(deliveries[0].0.next_offset, 1);
    let error = error.unwrap();
    assert!(matches!(error, RecordError::CrcMismatch { offset: 1, .. }), "{error}");
    assert_eq!(error.offset(), 1);

    let unchecked = FetchedRecords { check_crcs: false, ..fetched(bytes, 0) };
    let (deliveries, error) = drain(unchecked, 1 << 10, 10);
    assert!(matches!(error, Some(RecordError::InvalidRecord { .. }) | None));
    assert!(!messages(&deliveries).is_empty());
}

#[test]
fn a_batch_that_is_found_out_gives_nothing_and_those_before_it_everything() {
    let before = TestBatch::of(vec![record(0, "a"), record(1, "b")]);
    let mut batch = TestBatch::of(vec![record(2, "x"), record(3, "y")]);
    let body = batch.encode()[61..].to_vec();
    let named = |name: &str| TestRecord { headers: vec![(name.into(), None)], ..record(3, "") };
    for codec in [0, 4] {
        batch.codec = codec;
        for (records, what) in [(1, "more bytes than records"), (3, "fewer records than the batch says")] {
            batch.records.resize_with(records, || named("lost"));
            let bytes = [before.encode(), batch.encode_around(&encode::compress(codec, &body))].concat();
            let (deliveries, error) = drain(fetched(bytes, 0), 1 << 10, 10);
            assert_eq!(error, Some(RecordError::InvalidRecord { offset: 2, what }));
            assert_eq!(messages(&deliveries), before.records);
            let (summary, decoded) = &deliveries[0];
            assert_eq!((summary.last_offset, summary.next_offset, decoded.batches.len()), (1, 2, 1));
        }
    }
}

#[test]
fn of_a_batch_that_takes_several_deliveries_the_last_one_is_kept_back() {
    let mut batch = TestBatch::of((0..10).map(|offset| record(offset, "x")).collect());
    let body = batch.encode()[61..].to_vec();
    batch.records.push(record(9, ""));
    let mut reader = BatchReader::new(fetched(batch.encode_around(&body), 0));
    let (mut codecs, mut slab) = (Decompressor::new(LIMIT), vec![0; 4096]);
    for next in [4, 8] {
        assert!(matches!(reader.fill(&mut codecs, &mut slab, 4), Ok(Fill::Delivery(_))));
        assert_eq!(reader.next_offset(), next);
    }
    assert!(reader.fill(&mut codecs, &mut slab, 4).is_err());
    assert_eq!(reader.next_offset(), 8, "where to go on when it is fetched again");
}

#[test]
fn batches_are_where_they_can_be() {
    let at = |offset| TestBatch::of(vec![record(offset, "x"), record(offset + 1, "y")]).encode();
    let end = |bytes: &[Vec<u8>], fetch_offset, high_watermark| {
        let fetched = FetchedRecords { high_watermark, ..fetched(bytes.concat(), fetch_offset) };
        let (deliveries, error) = drain(fetched, 1 << 12, 10);
        let offsets: Vec<_> = messages(&deliveries).iter().map(|message| message.offset).collect();
        (offsets, error.map(|error| (error.offset(), matches!(error, RecordError::OutOfPlace { .. }))))
    };
    // The log is compacted; the first batch begins before the position, or is none of ours.
    assert_eq!(end(&[at(4), at(10), at(50)], 5, 52), (vec![5, 10, 11, 50, 51], None));
    assert_eq!(end(&[at(1), at(4)], 5, 6), (vec![5], None));
    // A broker reads the records after their end.
    assert_eq!(end(&[at(4)], 4, 0), (vec![4, 5], None));
    // The bit that was flipped: the records of the batch would be left out, come twice, or move the position away.
    assert_eq!(end(&[at(4), at(5)], 4, 9), (vec![4, 5], Some((5, true))));
    assert_eq!(end(&[at(4), at(1)], 4, 9), (vec![4, 5], Some((1, true))));
    assert_eq!(end(&[at(1), at(6)], 4, 9), (vec![], Some((6, true))));
    assert_eq!(end(&[at(4), at(6 + (1 << 24))], 4, 9), (vec![4, 5], Some((6 + (1 << 24), true))));
}

#[test]
fn an_epoch_that_the_leader_cannot_have_is_none() {
    for (leader_epoch, told) in [(6, Some(6)), (7, Some(7)), (8, None), (7 + (1 << 30), None)] {
        let batch = TestBatch { leader_epoch, ..TestBatch::of(vec![record(0, "x")]) };
        let leader_epochs = LeaderEpochs { last: 7, ..LeaderEpochs::ANY };
        let fetched = FetchedRecords { leader_epochs, ..fetched(batch.encode(), 0) };
        assert_eq!(drain(fetched, 1 << 10, 10).0[0].0.leader_epoch, told);
    }
}

#[test]
fn tables_of_many_small_headers_fit_every_slab() {
    let headers: Vec<_> = (0..30).map(|n| (vec![n % 20], None)).collect();
    let records: Vec<_> =
        (0..20).map(|n| TestRecord { headers: headers[n..n + 8].to_vec(), ..record(n as i64, "") }).collect();
    let bytes = TestBatch::of(records.clone()).encode();
    for slab_size in (450..4000).step_by(7) {
        let (deliveries, error) = drain(fetched(bytes.clone(), 0), slab_size, 100);
        assert_eq!(error, None);
        assert_eq!(messages(&deliveries), records);
        assert!(deliveries.iter().all(|(summary, _)| summary.used <= slab_size));
    }
}

#[test]
fn the_leader_epoch_is_told_when_there_is_one_only() {
    let epochs = |batches: &[(i64, i32)], max_messages: usize| {
        let encode = |(offset, leader_epoch): &(i64, i32)| {
            let records = vec![record(*offset, "x"), record(*offset + 1, "y")];
            TestBatch { leader_epoch: *leader_epoch, ..TestBatch::of(records) }.encode()
        };
        let mut reader = BatchReader::new(fetched(batches.iter().flat_map(encode).collect(), 0));
        let mut codecs = Decompressor::new(1 << 20);
        let mut epochs = Vec::new();
        while let Ok(Fill::Delivery(summary)) = reader.fill(&mut codecs, &mut [0; 4096], max_messages) {
            epochs.push(summary.leader_epoch);
        }
        epochs
    };
    assert_eq!(epochs(&[(0, 4), (2, 4)], 9), [Some(4)]);
    assert_eq!(epochs(&[(0, 4), (2, 5)], 9), [None]);
    assert_eq!(epochs(&[(0, 4), (2, 5)], 2), [None, Some(5)], "the second batch was opened already");
    assert_eq!(epochs(&[(0, 4), (2, 4)], 1), [Some(4); 4], "in the middle of a batch, too");
    assert_eq!(epochs(&[(0, -1), (2, -1)], 9), [None]);
}

#[test]
fn a_record_must_fill_its_length() {
    for headers in [vec![], vec![(b"a".to_vec(), None)]] {
        let batch = TestBatch::of(vec![TestRecord { headers, ..record(0, "x") }]);
        let body = batch.encode()[61..].to_vec();
        // one byte more and one less than the fields take
        let longer = [&[body[0] + 2], &body[1..], &[0]].concat();
        let shorter = [&[body[0] - 2], &body[1..]].concat();
        for body in [longer, shorter] {
            let (deliveries, error) = drain(fetched(batch.encode_around(&body), 0), 1 << 10, 10);
            assert_eq!(deliveries, []);
            assert!(matches!(error, Some(RecordError::InvalidRecord { offset: 0, .. })), "{error:?}");
        }
    }
}

#[test]
fn a_large_batch_in_small_deliveries_is_delivered_whole() {
    // records of very different size, so that no guess of what to copy is right
    let value = |n: i64| "x".repeat(if n % 50 == 0 { 3000 } else { (n % 7) as usize });
    let records: Vec<_> = (0..500).map(|n| record(n, &value(n))).collect();
    for codec in [0, 3] {
        let batch = TestBatch { codec, ..TestBatch::of(records.clone()) };
        for max_messages in [1, 2, 60, 499, 500] {
            let (deliveries, error) = drain(fetched(batch.encode(), 0), 1 << 20, max_messages);
            assert_eq!(error, None);
            assert_eq!(messages(&deliveries), records);
            assert_eq!(deliveries.len(), 500usize.div_ceil(max_messages), "each but the last is full");
        }
    }
}

#[test]
fn a_slab_that_is_too_small_says_what_it_needs() {
    let headers = vec![(b"name".to_vec(), Some(b"value".to_vec())); 3];
    let batch = TestBatch::of(vec![TestRecord { headers, ..record(0, &"x".repeat(1000)) }]);
    for codec in [0, 4] {
        let batch = TestBatch { codec, ..batch.clone() };
        let mut reader = BatchReader::new(fetched(batch.encode(), 0));
        let mut codecs = Decompressor::new(LIMIT);
        let mut need = 0;
        for size in 0..2000 {
            match reader.fill(&mut codecs, &mut vec![0; size], 10) {
                Ok(Fill::TooSmall { need: now }) => (need, _) = (now, assert!(now > size)),
                Ok(Fill::Delivery(summary)) => {
                    assert_eq!(summary.messages, 1);
                    assert!(size <= need, "{need} would have been enough, not only {size}");
                    break;
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(reader.is_exhausted());
    }
}

#[test]
fn the_estimate_is_enough_for_records_without_headers() {
    for size in [1, 100, 1000] {
        let value = "x".repeat(size);
        let batches = (0..10).map(|n| (n * 20..n * 20 + 20).map(|offset| record(offset, &value)).collect());
        let bytes: Vec<u8> = batches.flat_map(|records| TestBatch::of(records).encode()).collect();
        let mut reader = BatchReader::new(fetched(bytes, 0));
        let mut codecs = Decompressor::new(LIMIT);
        let mut first = vec![0; reader.estimate().bytes / 3];
        assert!(matches!(reader.fill(&mut codecs, &mut first, 1000), Ok(Fill::Delivery(_))));
        let mut rest = vec![0; reader.estimate().bytes];
        let Ok(Fill::Delivery(summary)) = reader.fill(&mut codecs, &mut rest, 1000) else { panic!() };
        assert!(reader.is_exhausted());
        assert!(summary.used * 5 > rest.len() * 4, "{} of {}", summary.used, rest.len());
    }
}

#[test]
fn end_offset_is_that_of_the_last_whole_batch() {
    let first = TestBatch { last_offset_delta: 9, ..TestBatch::of(vec![record(0, "x")]) }.encode();
    let second = TestBatch::of(vec![record(20, "x")]).encode();
    let both = [&first[..], &second[..]].concat();
    assert_eq!(end_offset(&both, LeaderEpochs::ANY), Some((21, 7)));
    assert_eq!(end_offset(&both[..both.len() - 1], LeaderEpochs::ANY), Some((10, 7)));
    assert_eq!(end_offset(&first[..first.len() - 1], LeaderEpochs::ANY), None);
    assert_eq!(end_offset(&[], LeaderEpochs::ANY), None);
}
