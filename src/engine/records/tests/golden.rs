//! Bytes that other implementations made.

use bytes::{Bytes, BytesMut};
use kafka_protocol::indexmap::IndexMap;
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records::{Compression, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType};

use super::{drain, fetched, messages, read_all};
use crate::engine::records::{BatchReader, Decompressor, Fill, RecordError};
use crate::engine::testing::encode::{TestRecord, compress};

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn record(
    offset: i64,
    timestamp: i64,
    key: Option<&str>,
    value: Option<&str>,
    headers: &[(&str, &str)],
) -> TestRecord {
    let bytes = |text: &str| text.as_bytes().to_vec();
    let headers = headers.iter().map(|(name, value)| (bytes(name), Some(bytes(value)))).collect();
    TestRecord { offset, timestamp, key: key.map(bytes), value: value.map(bytes), headers }
}

#[test]
fn batches_of_kafkajs() {
    let base = 9_007_199_254_740_993;
    let time = 1_700_000_000_000;
    let expected = [
        record(base, time, Some("key"), Some("some value"), &[("a", "1"), ("a", "2"), ("b", "3")]),
        record(base + 1, time + 300, None, None, &[]),
        record(base + 5, time - 7, Some(""), Some("xxxxxxxxxxxxxxxxxxxx"), &[("a", "4")]),
    ];
    for bytes in [BATCH, BATCH_GZIP] {
        let delivery = read_all(fetched(hex(bytes), base));
        assert_eq!(delivery.messages, expected);
        assert_eq!(delivery.next_offset, base + 6);
        assert_eq!(delivery.batches[0].words[0], 3);
        assert_eq!(delivery.names, 2);
    }
}

/// `timestamp`: magic 0 has none.
fn legacy_expected(first: i64, magic: i8) -> Vec<TestRecord> {
    let time = |time| if magic == 0 { -1 } else { time };
    vec![
        record(first, time(1000), Some("k1"), Some("v1"), &[]),
        record(first + 1, time(1005), None, Some("v2"), &[]),
        record(first + 2, time(990), Some("k3"), None, &[]),
    ]
}

#[test]
fn message_sets_of_kafkajs() {
    for (bytes, first, magic) in [(PLAIN_0, 7, 0), (PLAIN_1, 7, 1), (GZIP_0, 20, 0), (GZIP_1, 20, 1)] {
        let expected = legacy_expected(first, magic);
        for fetch_offset in [0, first, first + 1, first + 2] {
            for max_messages in 1..4 {
                let (deliveries, error) = drain(fetched(hex(bytes), fetch_offset), 200, max_messages);
                assert_eq!(error, None);
                let wanted = expected.iter().filter(|record| record.offset >= fetch_offset);
                assert_eq!(messages(&deliveries), wanted.cloned().collect::<Vec<_>>());
                assert_eq!(deliveries.last().unwrap().0.next_offset, first + 3);
            }
        }
        let row = &read_all(fetched(hex(bytes), 0)).batches[0];
        assert_eq!((row.producer_id, row.words[5]), (-1, magic.into()));
    }
}

#[test]
fn a_flipped_bit_in_a_message_set_is_found() {
    for text in [PLAIN_0, PLAIN_1, GZIP_0, GZIP_1] {
        let mut bytes = hex(text);
        bytes[17] ^= 16;
        let (_, error) = drain(fetched(bytes, 0), 1000, 10);
        assert!(matches!(error, Some(RecordError::CrcMismatch { .. })), "{error:?}");
    }
}

#[test]
fn old_and_new_formats_follow_each_other() {
    let bytes = [hex(PLAIN_0), hex(GZIP_1), hex(BATCH)].concat();
    // the batch is too far from the others for an i32
    let (deliveries, error) = drain(fetched(bytes, 0), 1000, 100);
    assert_eq!((deliveries.len(), error), (2, None));
    let offsets: Vec<_> = messages(&deliveries).iter().map(|message| message.offset).collect();
    let base = 9_007_199_254_740_993;
    assert_eq!(offsets, [7, 8, 9, 20, 21, 22, base, base + 1, base + 5]);
}

#[test]
fn log_append_time_of_an_outer_message_counts_for_the_inner_ones() {
    let mut bytes = hex(GZIP_1);
    bytes[17] |= 8;
    let crc = crc32fast::hash(&bytes[16..]);
    bytes[12..16].copy_from_slice(&crc.to_be_bytes());
    let delivery = read_all(fetched(bytes, 0));
    assert!(delivery.messages.iter().all(|message| message.timestamp == 1005));
}

#[test]
fn batches_of_the_kafka_protocol_crate() {
    for codec in 0..=4i16 {
        let compression = match codec {
            0 => Compression::None,
            1 => Compression::Gzip,
            2 => Compression::Snappy,
            3 => Compression::Lz4,
            _ => Compression::Zstd,
        };
        let make = |n: i64| Record {
            transactional: false,
            control: false,
            delete_horizon: false,
            partition_leader_epoch: 4,
            producer_id: 77,
            producer_epoch: 2,
            timestamp_type: TimestampType::Creation,
            offset: 500 + n,
            sequence: 30 + n as i32,
            timestamp: 1_600_000_000_000 + n * n,
            key: (n % 3 != 0).then(|| Bytes::from(vec![b'k'; n as usize])),
            value: (n % 5 != 0).then(|| Bytes::from(vec![b'v'; 20 * n as usize])),
            headers: (0..n % 4)
                .map(|h| {
                    (
                        StrBytes::from(format!("header-{h}")),
                        (h != 1).then(|| Bytes::from(vec![1; h as usize])),
                    )
                })
                .collect::<IndexMap<_, _>>(),
        };
        let records: Vec<_> = (0..100).map(make).collect();
        let mut out = BytesMut::new();
        let options = RecordEncodeOptions { version: 2, compression };
        let by_hand = |input: &mut BytesMut, output: &mut BytesMut, _| {
            output.extend_from_slice(&compress(codec, input));
            Ok(())
        };
        RecordBatchEncoder::encode_with_custom_compression(&mut out, &records, &options, Some(by_hand))
            .unwrap();

        let delivery = read_all(fetched(out.to_vec(), 0));
        assert_eq!(delivery.messages.len(), 100);
        for (ours, theirs) in delivery.messages.iter().zip(&records) {
            assert_eq!(ours.offset, theirs.offset);
            assert_eq!(ours.timestamp, theirs.timestamp);
            assert_eq!(ours.key.as_deref(), theirs.key.as_deref());
            assert_eq!(ours.value.as_deref(), theirs.value.as_deref());
            let headers: Vec<_> = theirs
                .headers
                .iter()
                .map(|(name, value)| (name.as_bytes().to_vec(), value.as_ref().map(|value| value.to_vec())))
                .collect();
            assert_eq!(ours.headers, headers);
        }
        assert!(delivery.batches.iter().all(|row| (row.producer_id, row.words[3]) == (77, 2)));
        assert_eq!(delivery.names, 3);
    }
}

#[test]
fn a_reader_may_change_decompressors_and_threads_in_the_middle_of_a_batch() {
    fn may_change_threads<T: Send>(_: &T) {}
    let mut second = hex(BATCH_GZIP);
    second[7] += 16;
    let mut reader = BatchReader::new(fetched([hex(BATCH_GZIP), second].concat(), 0));
    may_change_threads(&reader);
    let mut found = 0;
    while !reader.is_exhausted() {
        let mut codecs = Decompressor::new(1000);
        may_change_threads(&codecs);
        match reader.fill(&mut codecs, &mut [0; 1000], 1) {
            Ok(Fill::Delivery(summary)) => found += summary.messages,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(found, 6);
}

const BATCH: &str = "00200000000000010000007800000003020ea333050000000000050000018bcfe568000000018bcfe5692cffffffffffff\
ffff000000000000000000033e000000066b657914736f6d652076616c7565060261023102610232026202330e00d804020101003c000d0a002878\
787878787878787878787878787878787878780202610234";
const BATCH_GZIP: &str = "00200000000000010000007b00000003020f6083090001000000050000018bcfe568000000018bcfe5692cffffff\
ffffffffff000000000000000000031f8b0800000000000003b363606060cb4ead1429cecf4d55284bcc294d65634a6432644a6432624a6232e663\
b8c1c2c4c8c860c3c0cbc5a051810530312532990000f3f48ab447000000";
const PLAIN_0: &str = "00000000000000070000001257e7496e0000000000026b31000000027631000000000000000800000010d5960a7800\
00ffffffff000000027632000000000000000900000010b643ca6a0000000000026b33ffffffff";
const GZIP_0: &str = "00000000000000160000005a4352724c0001ffffffff0000004c1f8b08000000000000036360000311060606a1f0e7\
9e79601e53b621882c3384483288323030085c9dc655c1c0f0ffffffff603923a89c18486e9bf3a92ca84e63900a00b2a29c9156000000";
const PLAIN_1: &str = "00000000000000070000001ab1a6ec76010000000000000003e8000000026b3100000002763100000000000000080000\
00185fce508c010000000000000003edffffffff0000000276320000000000000009000000188d93bd83010000000000000003de000000026b33ff\
ffffff";
const GZIP_1: &str = "000000000000001600000066e60ab406010100000000000003edffffffff000000501f8b080000000000000363608003\
a98dcbde94314239cc2f18181898b20d4164992154102429117f2ea007aeeaedffffffff83d518418598406a7a27ef6d86abb90736c918a412006d\
b69fd56e000000";
