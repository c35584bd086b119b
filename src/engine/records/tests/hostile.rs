//! What a broken or evil broker could send: nothing may panic, loop or take memory without bound.

use std::io::Write;

use lz4_flex::frame::{BlockMode, BlockSize, FrameInfo};
use proptest::prelude::*;

use super::{FetchedRecords, LIMIT, drain, fetched, read_all, record};
use crate::engine::records::{
    BatchReader, Codec, CodecError, Decompressor, Fill, LeaderEpochs, RecordError, end_offset,
};
use crate::engine::testing::encode;
use crate::engine::testing::encode::{TestBatch, TestRecord, compress, lz4, xerial, zstd_stream};

fn error_of(codec: i16, body: &[u8]) -> RecordError {
    let batch = TestBatch { codec, ..TestBatch::of(vec![record(0, "x")]) };
    let (deliveries, error) = drain(fetched(batch.encode_around(body), 0), 1 << 12, 10);
    assert_eq!(deliveries, []);
    error.unwrap()
}

fn is_too_large(error: &RecordError) -> bool {
    matches!(error, RecordError::Decompress { error: CodecError::TooLarge { limit: LIMIT }, .. })
}

#[test]
fn bombs_are_defused() {
    let zeroes = vec![0; 50 << 20];
    for codec in 1..=4 {
        let error = error_of(codec, &compress(codec, &zeroes));
        assert!(is_too_large(&error), "{error}");
    }
    // the ways around: sizes that are told, raw snappy, linked lz4 blocks, many small gzip members
    assert!(is_too_large(&error_of(4, &zstd::bulk::compress(&zeroes, 3).unwrap())));
    assert!(is_too_large(&error_of(2, &snap::raw::Encoder::new().compress_vec(&zeroes).unwrap())));
    let info = FrameInfo::new().block_mode(BlockMode::Linked).content_size(Some(50 << 20));
    assert!(is_too_large(&error_of(3, &lz4(&zeroes, info.block_size(BlockSize::Max4MB)))));
    let member = compress(1, &zeroes[..LIMIT / 2]);
    assert!(is_too_large(&error_of(1, &member.repeat(3))));
}

#[test]
fn exactly_the_limit_is_allowed() {
    let overhead =
        TestBatch::of(vec![record(0, &"x".repeat(LIMIT - 100))]).encode().len() - 61 - (LIMIT - 100);
    for codec in 1..=4 {
        for (size, fits) in [(LIMIT, true), (LIMIT + 1, false)] {
            let value = "x".repeat(size - overhead);
            let batch = TestBatch { codec, ..TestBatch::of(vec![record(0, &value)]) };
            let (deliveries, error) = drain(fetched(batch.encode(), 0), 1 << 12, 10);
            assert_eq!(deliveries.len(), usize::from(fits), "codec {codec}: {error:?}");
            assert_eq!(error.as_ref().is_some_and(is_too_large), !fits);
        }
    }
}

#[test]
fn claimed_sizes_are_not_believed() {
    // a zstd frame that claims 2^60 bytes, a snappy block of 4 GiB, an lz4 frame of 2^60
    let zstd = [&[0x28, 0xb5, 0x2f, 0xfd, 0xe0][..], &(1u64 << 60).to_le_bytes(), &[1, 0, 0]].concat();
    assert!(matches!(error_of(4, &zstd), RecordError::Decompress { codec: Codec::Zstd, .. }));
    let snappy = [0xff, 0xff, 0xff, 0xff, 0x0f, 0x00, b'x'];
    assert!(is_too_large(&error_of(2, &snappy)));
    let impossible = [0x80, 0x80, 0x20, 0x00, b'x'];
    assert!(matches!(
        error_of(2, &impossible),
        RecordError::Decompress { error: CodecError::Corrupt { .. }, .. }
    ));
    let info = FrameInfo::new().content_size(Some(5));
    let mut lz4 = lz4(b"hello", info);
    lz4[6..14].copy_from_slice(&(1u64 << 60).to_le_bytes());
    // the content is fine, only not a record
    assert!(matches!(error_of(3, &lz4), RecordError::InvalidRecord { .. }));
}

#[test]
fn the_shapes_that_codecs_take() {
    let records: Vec<_> =
        (0..2000).map(|offset| record(offset, &format!("value {offset} {}", offset % 7))).collect();
    let batch = TestBatch::of(records.clone());
    let body = batch.encode()[61..].to_vec();
    let (front, back) = body.split_at(body.len() / 2);
    let mut gzip_with_name = flate2::GzBuilder::new()
        .filename("name")
        .comment("comment")
        .extra(b"extra".to_vec())
        .write(Vec::new(), flate2::Compression::fast());
    gzip_with_name.write_all(&body).unwrap();
    let linked = |size| FrameInfo::new().block_mode(BlockMode::Linked).block_size(size);
    let mut noisy =
        FrameInfo::new().block_checksums(true).content_checksum(true).block_size(BlockSize::Max64KB);
    noisy = noisy.content_size(Some(body.len() as u64));
    let mut bad_header_checksum = compress(3, &body);
    bad_header_checksum[6] ^= 0xff;
    let shapes: Vec<(i16, Vec<u8>)> = vec![
        (1, [compress(1, front), compress(1, back)].concat()),
        (1, [compress(1, &body), vec![0; 100]].concat()),
        (1, gzip_with_name.finish().unwrap()),
        (1, {
            let mut stored = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
            stored.write_all(&body).unwrap();
            stored.finish().unwrap()
        }),
        (2, snap::raw::Encoder::new().compress_vec(&body).unwrap()),
        (2, xerial(&body, 32 * 1024)),
        (2, [xerial(front, 1000), xerial(back, 7)].concat()),
        (3, lz4(&body, linked(BlockSize::Max64KB))),
        (3, lz4(&body, linked(BlockSize::Max4MB))),
        (3, lz4(&body, noisy)),
        (3, [compress(3, front), lz4(back, linked(BlockSize::Max256KB))].concat()),
        (3, bad_header_checksum),
        (4, zstd::bulk::compress(&body, 3).unwrap()),
        (4, [zstd_stream(front), zstd::bulk::compress(back, 1).unwrap()].concat()),
    ];
    // one decompressor for all: no state may leak from one to the next
    let mut codecs = Decompressor::new(LIMIT);
    let mut slab = vec![0; 1 << 20];
    for (n, (codec, packed)) in shapes.into_iter().enumerate() {
        let batch = TestBatch { codec, ..batch.clone() };
        let mut reader = BatchReader::new(fetched(batch.encode_around(&packed), 0));
        let Ok(Fill::Delivery(summary)) = reader.fill(&mut codecs, &mut slab, 5000) else {
            panic!("shape {n} of codec {codec}");
        };
        assert_eq!(super::decode(&slab[..summary.used]).messages, records, "shape {n} of codec {codec}");
    }
}

#[test]
fn a_linked_lz4_block_of_random_data_refers_to_the_one_before() {
    // incompressible by itself, so every byte of the second half comes from the window
    let mut rng = fastrand::Rng::with_seed(1);
    let noise: Vec<u8> = (0..50_000).map(|_| rng.u8(..)).collect();
    let value = [noise.clone(), noise.clone(), noise].concat();
    let batch = TestBatch::of(vec![TestRecord { value: Some(value), ..record(0, "") }]);
    let body = &batch.encode()[61..];
    let packed = lz4(body, FrameInfo::new().block_mode(BlockMode::Linked).block_size(BlockSize::Max64KB));
    assert!(packed.len() < body.len() * 2 / 3);
    let batch = TestBatch { codec: 3, ..batch };
    assert_eq!(read_all(fetched(batch.encode_around(&packed), 0)).messages, batch.records);
}

#[test]
fn every_flipped_bit_fails_the_crc() {
    let good = TestBatch::of(vec![record(3, "some value"), record(4, "another")]).encode();
    for bit in 8 * 17..8 * good.len() {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let (deliveries, error) = drain(fetched(bad, 0), 1 << 10, 10);
        assert_eq!(deliveries, []);
        assert!(matches!(error, Some(RecordError::CrcMismatch { offset: 3, .. })));
    }
}

#[test]
fn impossible_headers_are_named() {
    let cases: [(usize, &[u8], &str); 7] = [
        (0, &[0x80], "base offset"),
        (0, &[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "base offset"),
        (23, &[0x80], "last offset delta"),
        (8, &[0x80], "length"),
        (16, &[3], "magic"),
        (22, &[5], "compression codec"),
        (57, &[0x80], "record count"),
    ];
    for (at, bytes, wanted) in cases {
        let mut bad = TestBatch::of(vec![record(0, "x")]).encode();
        bad[at..at + bytes.len()].copy_from_slice(bytes);
        let (_, error) = drain(FetchedRecords { check_crcs: false, ..fetched(bad, 0) }, 1 << 10, 10);
        assert!(matches!(error, Some(RecordError::InvalidBatch { what, .. }) if what == wanted), "{error:?}");
    }
}

#[test]
fn deltas_that_leave_their_batch_at_the_end_of_all_offsets_do_not_overflow() {
    let at = |offset| TestRecord { offset, ..record(0, "x") };
    for delta in [i64::from(i32::MIN), -1, 2, i64::from(i32::MAX)] {
        for place in 0..2 {
            let mut batch = TestBatch::of(vec![at(i64::MAX - 2), at(i64::MAX - 1)]);
            batch.records[place].offset = (i64::MAX - 2).wrapping_add(delta);
            for from in [0, i64::MAX - 2, i64::MAX - 1] {
                let (_, error) = drain(fetched(batch.encode(), from), 1 << 10, 10);
                assert!(matches!(error, None | Some(RecordError::InvalidRecord { .. })), "{error:?}");
            }
        }
    }
}

#[test]
fn no_slab_is_large_enough_for_a_lie_about_headers() {
    let mut record = vec![0, 0, 0, 1, 1];
    encode::put_varint(&mut record, 1 << 20);
    let mut body = Vec::new();
    encode::put_varint(&mut body, record.len() as i64);
    body.extend_from_slice(&record);
    let bytes = TestBatch::of(vec![super::record(0, "x")]).encode_around(&body);
    for slab_size in [128, 240, 4096] {
        let (deliveries, error) = drain(fetched(bytes.clone(), 0), slab_size, 10);
        assert_eq!(deliveries, []);
        assert!(matches!(error, Some(RecordError::InvalidRecord { .. })));
    }
}

#[test]
fn a_record_that_is_nearly_only_headers_is_given_no_memory() {
    let with_headers = |offset, count| {
        let mut record = vec![0, 0];
        encode::put_varint(&mut record, offset);
        record.extend_from_slice(&[1, 1]);
        encode::put_varint(&mut record, count);
        record.resize(record.len() + 2 * count as usize, 0); // nameless and empty
        let mut body = Vec::new();
        encode::put_varint(&mut body, record.len() as i64);
        [body, record].concat()
    };
    // A true record of 300 KB that would need 3 MB.
    let (small, large) = (with_headers(0, 50_000), with_headers(1, 150_000));
    for codec in [0, 4] {
        let batch = TestBatch { codec, ..TestBatch::of(vec![record(0, "x"), record(1, "x")]) };
        let bytes = batch.encode_around(&compress(codec, &[small.clone(), large.clone()].concat()));
        let (deliveries, error) = drain(fetched(bytes, 0), 4096, 10);
        let headers: Vec<_> = deliveries.iter().map(|(_, decoded)| decoded.headers).collect();
        assert_eq!(headers, [50_000]);
        assert!(matches!(error, Some(RecordError::InvalidRecord { offset: 0, .. })), "{error:?}");
    }
}

/// A change to bytes.
#[derive(Debug, Clone)]
enum Damage {
    Flip(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Overwrite(prop::sample::Index, [u8; 4]),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (any::<prop::sample::Index>(), 1..=255u8).prop_map(|(at, bits)| Damage::Flip(at, bits)),
        any::<prop::sample::Index>().prop_map(Damage::Cut),
        (
            any::<prop::sample::Index>(),
            prop::sample::select(vec![[0xff; 4], [0x7f, 0xff, 0xff, 0xff], [0; 4]])
        )
            .prop_map(|(at, bytes)| Damage::Overwrite(at, bytes)),
    ]
}

fn apply(damage: &Damage, bytes: &mut Vec<u8>) {
    if bytes.is_empty() {
        return;
    }
    match damage {
        Damage::Flip(at, bits) => *at.get_mut(bytes.as_mut_slice()) ^= bits,
        Damage::Cut(at) => bytes.truncate(at.index(bytes.len())),
        Damage::Overwrite(at, new) => {
            let at = at.index(bytes.len());
            bytes.iter_mut().skip(at).zip(new).for_each(|(to, from)| *to = *from);
        }
    }
}

/// Reads until the end or an error; panics on anything that no caller could live with.
fn survive(bytes: Vec<u8>, slab_size: usize) {
    let length = bytes.len();
    let _ = end_offset(&bytes, LeaderEpochs::ANY);
    let mut reader =
        BatchReader::new(FetchedRecords { check_crcs: false, read_committed: true, ..fetched(bytes, 2) });
    let mut codecs = Decompressor::new(1 << 16);
    let mut slab = vec![0; slab_size];
    let mut output = 0;
    let mut rounds = 0;
    loop {
        rounds += 1;
        assert!(rounds < 10_000, "no end");
        let _ = reader.estimate();
        let before = reader.next_offset();
        match reader.fill(&mut codecs, &mut slab, 50) {
            Ok(Fill::Delivery(summary)) => {
                super::decode(&slab[..summary.used]);
                assert!(reader.next_offset() > before || summary.messages > 0);
                output += summary.bytes;
            }
            Ok(Fill::TooSmall { need }) => {
                assert!(need > slab.len());
                assert!(need < (1 << 18) + 40 * length, "{need} for {length} bytes");
                slab.resize(need, 0);
            }
            Ok(Fill::End) | Err(_) => break,
        }
    }
    assert!(output <= length * (1 << 16) / 61 + length, "{output} from {length}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn damaged_batches_are_survived(
        codec in 0..=4i16,
        damages in prop::collection::vec(damage(), 1..4),
        inside: bool,
        slab_size in 0..2000usize,
    ) {
        let headers = vec![(b"trace".to_vec(), Some(b"12345".to_vec())), (b"b".to_vec(), None)];
        let records: Vec<_> = (0..20)
            .map(|offset| TestRecord { headers: headers.clone(), ..record(offset, "some value, some value") })
            .collect();
        let batch = TestBatch { codec, transactional: true, producer_id: 4, ..TestBatch::of(records) };
        let plain = TestBatch { codec: 0, ..batch.clone() }.encode()[61..].to_vec();
        let mut bytes = if inside {
            // beneath the compression
            let mut body = plain;
            damages.iter().for_each(|damage| apply(damage, &mut body));
            batch.encode_around(&compress(codec, &body))
        } else {
            let mut body = compress(codec, &plain);
            damages.iter().for_each(|damage| apply(damage, &mut body));
            batch.encode_around(&body)
        };
        survive(bytes.clone(), slab_size);
        bytes.extend_from_slice(&batch.encode());
        damages.iter().for_each(|damage| apply(damage, &mut bytes));
        survive(bytes, slab_size);
    }

    #[test]
    fn damaged_message_sets_are_survived(
        messages in prop::collection::vec((any::<bool>(), 0..5i64), 1..5),
        packed: bool,
        damages in prop::collection::vec(damage(), 1..4),
        slab_size in 0..1000usize,
    ) {
        let mut set = Vec::new();
        for (is_new, offset) in messages {
            put_message(&mut set, u8::from(is_new), 0, offset, b"value");
        }
        let mut bytes = set;
        if packed {
            damages.iter().for_each(|damage| apply(damage, &mut bytes));
            let mut outer = Vec::new();
            put_message(&mut outer, 1, 1, 10, &compress(1, &bytes));
            bytes = outer;
        }
        survive(bytes.clone(), slab_size);
        damages.iter().for_each(|damage| apply(damage, &mut bytes));
        survive(bytes, slab_size);
    }

    #[test]
    fn noise_is_survived(mut noise in prop::collection::vec(any::<u8>(), 0..300), magic in 0..4u8, slab_size in 0..1000usize) {
        if noise.len() > 16 {
            let length = noise.len() as u32 - 12;
            noise[0] = 0;
            noise[8..12].copy_from_slice(&length.to_be_bytes());
            noise[16] = magic;
        }
        survive(noise, slab_size);
    }
}

fn put_message(out: &mut Vec<u8>, magic: u8, attributes: u8, offset: i64, value: &[u8]) {
    let mut covered = vec![magic, attributes];
    if magic == 1 {
        covered.extend_from_slice(&1000i64.to_be_bytes());
    }
    covered.extend_from_slice(&(-1i32).to_be_bytes());
    covered.extend_from_slice(&(value.len() as i32).to_be_bytes());
    covered.extend_from_slice(value);
    out.extend_from_slice(&offset.to_be_bytes());
    out.extend_from_slice(&(covered.len() as i32 + 4).to_be_bytes());
    out.extend_from_slice(&crc32fast::hash(&covered).to_be_bytes());
    out.extend_from_slice(&covered);
}

/// What the reader would set aside of these batches, read from offset 0 to the first error.
fn set_aside(records: Vec<u8>, high_watermark: i64) -> Option<(i64, usize)> {
    let mut reader = BatchReader::new(FetchedRecords { high_watermark, ..fetched(records, 0) });
    let mut codecs = Decompressor::new(LIMIT);
    let mut slab = vec![0; 1 << 12];
    while reader.fill(&mut codecs, &mut slab, 10).is_ok_and(|fill| fill != Fill::End) {}
    reader.unreadable().map(|batch| (batch.next, batch.bytes.len()))
}

#[test]
fn a_batch_is_set_aside_only_where_its_end_is_known() {
    let batch = |first: i64| TestBatch::of(vec![record(first, "x"), record(first + 1, "y")]);
    let flipped = |at: usize| {
        let mut bytes = batch(0).encode();
        bytes[at] ^= 1;
        bytes
    };
    let length = batch(0).encode().len();
    let followed = |mut bytes: Vec<u8>, next: i64| {
        bytes.extend(batch(next).encode());
        bytes
    };
    // its last byte, which the checksum covers
    let damaged = flipped(length - 1);
    assert_eq!(set_aside(damaged.clone(), 2), Some((2, length)));
    assert_eq!(set_aside(followed(damaged.clone(), 2), 4), Some((2, length)));
    assert_eq!(set_aside(damaged.clone(), 1), None, "beyond the end of the partition");
    // the last offset's delta, in one of its bytes
    assert_eq!(set_aside(flipped(26), 9), None, "nobody knows where it ends");
    assert_eq!(set_aside(followed(flipped(26), 5), 9), Some((5, length)));
    // A checksum that fits is believed, whatever follows.
    let garbage = TestBatch { codec: 1, ..batch(0) }.encode_around(b"no gzip");
    let whole = garbage.len();
    assert_eq!(set_aside(followed(garbage, 7), 9), Some((2, whole)));
    let unknown = TestBatch { codec: 6, ..batch(0) };
    let unknown = unknown.encode_around(b"who knows");
    assert!(set_aside(unknown, 2).is_some());
    // What is sound, or cut, is not set aside.
    assert_eq!(set_aside(batch(0).encode(), 2), None);
    assert_eq!(set_aside(damaged[..length - 1].to_vec(), 2), None);
    // What came before is delivered.
    let mut behind = batch(0).encode();
    let mut second = batch(2).encode();
    *second.last_mut().unwrap() ^= 1;
    behind.extend(second);
    assert_eq!(set_aside(behind, 4), Some((4, length)));
}
