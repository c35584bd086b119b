//! How fast it is: `cargo test --release --no-default-features --lib records::tests::bench -- --ignored --nocapture`.

use std::time::Instant;

use bytes::Bytes;

use super::{BatchReader, Decompressor, FetchedRecords, Fill, LeaderEpochs};
use crate::engine::testing::encode::{TestBatch, TestRecord, compress};

struct Case {
    name: &'static str,
    value_bytes: usize,
    with_headers: bool,
    batch_bytes: usize,
    codec: i16,
}

impl Case {
    /// About 1 MB of records.
    fn records(&self) -> (Bytes, usize) {
        let mut rng = fastrand::Rng::with_seed(7);
        let per_batch = (self.batch_bytes / (self.value_bytes + 10)).max(1);
        let batches = ((1 << 20) / self.batch_bytes).max(1);
        let mut out = Vec::new();
        let mut offset = 5_000_000_000;
        for _ in 0..batches {
            let records = (0..per_batch)
                .map(|n| {
                    let mut value = Vec::new();
                    while value.len() < self.value_bytes {
                        let field = format!("{{\"id\":{},\"name\":\"user-{}\"}}", rng.u32(..), rng.u8(..));
                        value.extend_from_slice(field.as_bytes());
                    }
                    value.truncate(self.value_bytes);
                    let header = |name: &str| (name.as_bytes().to_vec(), Some(b"0123456789abcdef".to_vec()));
                    let headers =
                        if self.with_headers { vec![header("traceparent"), header("type")] } else { vec![] };
                    let key = self.with_headers.then(|| format!("key-{n}").into_bytes());
                    offset += 1;
                    let timestamp = 1_700_000_000_000 + n as i64 / 4;
                    TestRecord { offset: offset - 1, timestamp, key, value: Some(value), headers }
                })
                .collect();
            let batch = TestBatch { codec: 0, ..TestBatch::of(records) };
            let packed = compress(self.codec, &batch.encode()[61..]);
            out.extend_from_slice(&TestBatch { codec: self.codec, ..batch }.encode_around(&packed));
        }
        (Bytes::from(out), batches * per_batch)
    }

    /// ns per record: with CRC, and without.
    #[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
    fn measure(&self, slab_bytes: usize) -> (f64, f64, f64) {
        let (records, count) = self.records();
        let mut codecs = Decompressor::new(64 << 20);
        let mut slab = vec![0; slab_bytes];
        let mut unpacked = 0;
        let [with, without] = [true, false].map(|check_crcs| {
            let mut best = f64::MAX;
            for _ in 0..300 {
                let mut reader = BatchReader::new(FetchedRecords {
                    records: records.clone(),
                    fetch_offset: 0,
                    high_watermark: 0,
                    leader_epochs: LeaderEpochs::ANY,
                    aborted: vec![],
                    read_committed: true,
                    check_crcs,
                });
                let mut seen = 0;
                unpacked = 0;
                let start = Instant::now();
                while let Fill::Delivery(summary) = reader.fill(&mut codecs, &mut slab, usize::MAX).unwrap() {
                    seen += summary.messages as usize;
                    unpacked += summary.bytes;
                }
                best = best.min(start.elapsed().as_nanos() as f64 / count as f64);
                assert_eq!(seen, count);
            }
            best
        });
        (with, without, unpacked as f64 / (with * count as f64))
    }
}

#[test]
#[ignore = "a benchmark"]
fn nanoseconds_per_record() {
    let case = |name, value_bytes, with_headers, batch_bytes, codec| Case {
        name,
        value_bytes,
        with_headers,
        batch_bytes,
        codec,
    };
    let cases = [
        case("100 B", 100, false, 16 << 10, 0),
        case("100 B, 1 MB batches", 100, false, 1 << 20, 0),
        case("100 B, key, 2 headers", 100, true, 16 << 10, 0),
        case("1 KB", 1024, false, 16 << 10, 0),
        case("10 KB", 10240, false, 64 << 10, 0),
        case("1 record of 100 B per batch", 100, false, 110, 0),
        case("1 KB gzip", 1024, false, 64 << 10, 1),
        case("1 KB snappy", 1024, false, 64 << 10, 2),
        case("1 KB lz4", 1024, false, 64 << 10, 3),
        case("1 KB zstd", 1024, false, 64 << 10, 4),
        case("100 B zstd", 100, false, 64 << 10, 4),
    ];
    let only = std::env::var("CASE").unwrap_or_default();
    for case in cases.into_iter().filter(|case| case.name.contains(&only)) {
        let (with, without, rate) = case.measure(256 << 10);
        println!("{:32} {with:8.1} ns with CRC {without:8.1} ns without {rate:6.2} GB/s", case.name);
    }
}
