//! Tests of the room as a whole: batches in, deliveries out.

pub(crate) mod encode;

use bytes::Bytes;

use self::encode::{Decoded, TestBatch, TestRecord, decode};
use super::{BatchReader, Codec, CodecError, Decompressor, FetchedRecords, Fill, RecordError, Summary};

const LIMIT: usize = 1 << 20;

fn fetched(records: Vec<u8>, fetch_offset: i64) -> FetchedRecords {
    FetchedRecords {
        records: Bytes::from(records),
        fetch_offset,
        high_watermark: 1000,
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

#[test]
fn every_codec_delivers_the_same() {
    for codec in 0..=4 {
        let records: Vec<_> = (10..40).map(|offset| record(offset, "some value")).collect();
        let batch = TestBatch { codec, ..TestBatch::of(records.clone()) };
        let (deliveries, error) = drain(fetched(batch.encode(), 10), 1 << 16, 1000);
        assert_eq!(error, None);
        assert_eq!(deliveries.len(), 1);
        assert_eq!(messages(&deliveries), records);
        assert_eq!(deliveries[0].0.next_offset, 40);
    }
}
