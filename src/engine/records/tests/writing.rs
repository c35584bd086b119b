//! What is handed over, written into batches, and read back: by our reader, and by the kafka-protocol crate.

use kafka_protocol::records::{RecordBatchDecoder, TimestampType};
use proptest::prelude::*;

use super::encode::TestRecord;
use super::{fetched, read_all};
use crate::engine::records::turn::{Compression, Send, Sends, TurnError};
use crate::engine::records::{BatchWriter, Codec, CompressError, Compressor, Records, Sequence};
use crate::engine::testing::turns::TestSend;

const CODECS: [Codec; 4] = [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];

/// All messages of a turn in one batch.
fn written(turn: &[u8]) -> Records {
    let mut writer = BatchWriter::default();
    for send in Sends::new(turn) {
        let send = send.unwrap();
        assert_eq!(send.check(), Ok(()));
        for topic in send.topics() {
            for message in topic.unwrap().messages() {
                let message = message.unwrap();
                let end = writer.len() + writer.size_of(&message);
                writer.append(&message);
                assert_eq!(writer.len(), end);
            }
        }
    }
    writer.close()
}

fn batch(records: &Records, sequence: Option<Sequence>, transactional: bool) -> Vec<u8> {
    [&records.header(sequence, transactional)[..], records.body()].concat()
}

fn send(records: &[TestRecord]) -> TestSend {
    let messages = records.iter().map(|record| (-1, record.clone())).collect();
    TestSend { topics: vec![("topic".into(), messages)], ..TestSend::default() }
}

fn samples() -> Vec<TestRecord> {
    let record = |offset: i64, timestamp, key: Option<&str>, value: Option<&str>| TestRecord {
        offset,
        timestamp,
        key: key.map(|key| key.into()),
        value: value.map(|value| value.into()),
        headers: vec![],
    };
    vec![
        record(0, 1_700_000_000_000, Some("key"), Some("value")),
        TestRecord {
            headers: vec![
                (b"a".to_vec(), Some(b"1".to_vec())),
                (b"a".to_vec(), None),
                ("ü".into(), Some(vec![])),
            ],
            ..record(1, 1_700_000_000_300, None, Some(""))
        },
        record(2, 1_699_999_999_000, Some(""), None),
        record(3, 1_700_000_000_200, None, Some(&"large ".repeat(30_000))),
    ]
}

#[test]
fn our_reader_reads_it_with_every_codec() {
    let plain = written(&send(&samples()).encode());
    let mut compressor = Compressor::default();
    let packed =
        CODECS.map(|codec| plain.compress(&mut compressor, Compression { codec, level: None }).unwrap());
    for records in std::iter::once(&plain).chain(&packed) {
        let delivery = read_all(fetched(batch(records, None, false), 0));
        assert_eq!(delivery.messages, samples());
        let row = &delivery.batches[0];
        assert_eq!((row.first_timestamp, row.max_timestamp), (1_700_000_000_000, 1_700_000_000_300));
        assert_eq!((row.producer_id, &row.words[..4]), (-1, &[-1, 3, -1, -1][..]));
    }
    assert!(packed.iter().all(|records| records.size() < plain.size() / 10));
}

/// The same buffers again, for other records: nothing of the last batch may show.
#[test]
fn a_compressor_and_a_buffer_are_reused() {
    let mut compressor = Compressor::default();
    let mut buffer = None;
    for n in 0..20usize {
        let records: Vec<TestRecord> = samples().into_iter().skip(n % 4).take(1).collect();
        let records: Vec<_> = records.into_iter().map(|r| TestRecord { offset: 0, ..r }).collect();
        let turn = send(&records).encode();
        let mut writer = BatchWriter::reusing(buffer.take().unwrap_or_default());
        let send = Sends::new(&turn).next().unwrap().unwrap();
        let topic = send.topics().next().unwrap().unwrap();
        topic.messages().for_each(|message| writer.append(&message.unwrap()));
        let plain = writer.close();
        for codec in CODECS {
            let packed = plain.compress(&mut compressor, Compression { codec, level: None }).unwrap();
            assert_eq!(read_all(fetched(batch(&packed, None, false), 0)).messages, records, "{codec}");
        }
        let body = plain.body().clone();
        assert!(plain.clone().into_buffer().is_none(), "somebody reads it");
        drop(body);
        buffer = plain.into_buffer();
        assert!(buffer.is_some());
    }
}

#[test]
fn a_batch_is_split_between_any_two_records() {
    let records = written(&send(&samples()).encode());
    for at in 1..4 {
        let (first, second) = records.split(at).unwrap();
        assert_eq!((first.count(), second.count()), (at, 4 - at));
        let read = |records: &Records, base: i64| {
            let messages = read_all(fetched(batch(records, None, false), 0)).messages;
            messages.into_iter().map(move |record| TestRecord { offset: record.offset + base, ..record })
        };
        let both: Vec<_> = read(&first, 0).chain(read(&second, at.into())).collect();
        assert_eq!(both, samples());
    }
    assert!([-1, 0, 4, 5].into_iter().all(|at| records.split(at).is_none()));
}

#[test]
fn the_sequence_is_that_of_the_attempt() {
    let records = written(&send(&samples()).encode());
    for (base, epoch) in [(0, 0), (i32::MAX, i16::MAX), (77, 3)] {
        let sequence = Sequence { producer_id: 1 << 40, epoch, base };
        for transactional in [false, true] {
            let delivery = read_all(fetched(batch(&records, Some(sequence), transactional), 0));
            let row = &delivery.batches[0];
            let attributes = i32::from(transactional) << 4;
            assert_eq!(row.producer_id, 1 << 40);
            assert_eq!(row.words, [-1, 3, base, epoch.into(), attributes, 2]);
            assert_eq!(delivery.messages, samples());
        }
    }
}

#[test]
fn the_kafka_protocol_crate_reads_it() {
    let sequence = Sequence { producer_id: 9, epoch: 2, base: 70 };
    let records = written(&send(&samples()).encode());
    let bytes = batch(&records, Some(sequence), true);
    let sets = RecordBatchDecoder::decode_all(&mut bytes::Bytes::from(bytes)).unwrap();
    let theirs = &sets[0].records;
    assert_eq!(theirs.len(), 4);
    for (n, (theirs, ours)) in theirs.iter().zip(samples()).enumerate() {
        assert_eq!((theirs.offset, theirs.timestamp), (ours.offset, ours.timestamp));
        assert_eq!(theirs.key.as_deref(), ours.key.as_deref());
        assert_eq!(theirs.value.as_deref(), ours.value.as_deref());
        assert_eq!((theirs.producer_id, theirs.producer_epoch), (9, 2));
        assert_eq!(theirs.sequence, 70 + i32::try_from(n).unwrap());
        assert!(theirs.transactional && !theirs.control);
        assert_eq!(theirs.timestamp_type, TimestampType::Creation);
    }
    // Theirs keeps one header of a name: the last.
    let header =
        |name: &str| theirs[1].headers.iter().find(|(key, _)| key.as_str() == name).map(|(_, v)| v.clone());
    assert_eq!((header("a"), header("ü")), (Some(None), Some(Some(bytes::Bytes::new()))));
}

#[test]
fn levels_are_the_codecs_own() {
    let records = written(&send(&samples()).encode());
    let mut compressor = Compressor::default();
    let mut size = |codec, level| {
        let packed = records.compress(&mut compressor, Compression { codec, level: Some(level) })?;
        assert_eq!(read_all(fetched(batch(&packed, None, false), 0)).messages, samples());
        Ok::<_, CompressError>(packed.size())
    };
    assert!(size(Codec::Gzip, 0).unwrap() > 180_000, "stored");
    assert!(size(Codec::Gzip, 9).unwrap() < 3_000);
    assert!(size(Codec::Zstd, 19).unwrap() < 3_000);
    assert!(size(Codec::Zstd, -5).is_ok());
    for (codec, level, message) in [
        (Codec::Gzip, 10, "gzip has no compression level 10; it has 0 to 9"),
        (Codec::Gzip, -1, "gzip has no compression level -1; it has 0 to 9"),
    ] {
        assert_eq!(size(codec, level).unwrap_err().to_string(), message);
    }
    assert!(matches!(size(Codec::Zstd, 23), Err(CompressError::Level { .. })));
}

#[test]
fn a_send_says_what_it_wants() {
    let turn = TestSend { ticket: 7, acks: 1, timeout: 99, codec: 4, level: 5, ..send(&samples()) };
    let other = TestSend { ticket: -8, acks: 0, codec: 1, ..send(&samples()[..1]) };
    let turn = [turn.encode(), other.encode()].concat();
    let sends: Vec<Send<'_>> = Sends::new(&turn).map(Result::unwrap).collect();
    assert_eq!((sends[0].ticket, sends[0].acks, sends[0].timeout_ms), (7, 1, 99));
    assert_eq!(sends[0].compression, Some(Compression { codec: Codec::Zstd, level: Some(5) }));
    assert_eq!((sends[1].ticket, sends[1].acks), (-8, 0));
    assert_eq!(sends[1].compression, Some(Compression { codec: Codec::Gzip, level: None }));
    assert_eq!(Sends::new(sends[1].bytes).next(), Some(Ok(sends[1])));
}

fn any_record() -> impl Strategy<Value = TestRecord> {
    let bytes = || proptest::option::of(proptest::collection::vec(any::<u8>(), 0..200));
    let name = proptest::collection::vec(any::<u8>(), 0..10);
    let headers = proptest::collection::vec((name, bytes()), 0..4);
    let timestamp = prop_oneof![0..2_000_000_000_000i64, Just(-1), Just(i64::MAX)];
    (timestamp, bytes(), bytes(), headers).prop_map(|(timestamp, key, value, headers)| TestRecord {
        offset: 0,
        timestamp,
        key,
        value,
        headers,
    })
}

proptest! {
    #[test]
    fn whatever_is_handed_over_comes_back(records in proptest::collection::vec(any_record(), 1..40), cut in 0..40usize) {
        let records: Vec<TestRecord> =
            (0i64..).zip(records).map(|(offset, record)| TestRecord { offset, ..record }).collect();
        let (first, second) = records.split_at(cut.min(records.len()));
        let mut turn = send(first);
        turn.topics.push(("thé-topic".into(), second.iter().map(|record| (0, record.clone())).collect()));
        let records_written = written(&turn.encode());
        let delivery = read_all(fetched(batch(&records_written, None, false), 0));
        prop_assert_eq!(delivery.messages, records);
    }

    #[test]
    fn a_damaged_turn_is_an_error_or_another_turn(
        records in proptest::collection::vec(any_record(), 1..4),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut turn = send(&records).encode();
        for (at, value) in damage {
            let at = at.index(turn.len());
            turn[at] = value;
        }
        turn.truncate(cut.index(turn.len() + 1));
        let mut writer = BatchWriter::default();
        let mut read = || -> Result<(), TurnError> {
            for send in Sends::new(&turn) {
                let send = send?;
                send.check()?;
                for topic in send.topics() {
                    for message in topic?.messages() {
                        writer.append(&message?);
                    }
                }
            }
            Ok(())
        };
        let _ = read();
        prop_assert!(writer.len() <= 4 * turn.len() + 64);
    }
}

#[test]
fn every_cut_turn_is_an_error() {
    let turn = send(&samples()[..3]).encode();
    for end in 1..turn.len() {
        let result = Sends::new(&turn[..end]).next().unwrap();
        assert!(result.is_err(), "{end} of {}", turn.len());
    }
    assert_eq!(Sends::new(&[]).next(), None);
}
