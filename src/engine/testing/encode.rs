//! A small encoder of record batches and a decoder of deliveries, written from the formats' descriptions and
//! independent of the reader.

use std::io::Write;

use crate::engine::records::layout;

/// A record as the producer has it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct TestRecord {
    pub(crate) offset: i64,
    pub(crate) timestamp: i64,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

/// A batch of them; `Default` is an empty one at offset 0.
#[derive(Debug, Clone)]
pub(crate) struct TestBatch {
    pub(crate) base_offset: i64,
    pub(crate) last_offset_delta: i32,
    pub(crate) leader_epoch: i32,
    pub(crate) codec: i16,
    pub(crate) log_append_time: Option<i64>,
    pub(crate) transactional: bool,
    pub(crate) control: bool,
    pub(crate) producer_id: i64,
    pub(crate) records: Vec<TestRecord>,
}

impl Default for TestBatch {
    fn default() -> TestBatch {
        TestBatch {
            base_offset: 0,
            last_offset_delta: 0,
            leader_epoch: 7,
            codec: 0,
            log_append_time: None,
            transactional: false,
            control: false,
            producer_id: -1,
            records: Vec::new(),
        }
    }
}

impl TestBatch {
    /// A batch that holds exactly these.
    pub(crate) fn of(records: Vec<TestRecord>) -> TestBatch {
        let (first, last) = (records[0].offset, records[records.len() - 1].offset);
        TestBatch {
            base_offset: first,
            last_offset_delta: i32::try_from(last - first).unwrap(),
            records,
            ..TestBatch::default()
        }
    }

    /// A transaction marker.
    pub(crate) fn marker(offset: i64, producer_id: i64, commit: bool) -> TestBatch {
        let key = vec![0, 0, 0, u8::from(commit)];
        let value = Some(vec![0; 6]);
        let record = TestRecord { offset, timestamp: 5, key: Some(key), value, headers: vec![] };
        TestBatch { transactional: true, control: true, producer_id, ..TestBatch::of(vec![record]) }
    }

    pub(crate) fn first_timestamp(&self) -> i64 {
        self.records.first().map_or(-1, |record| record.timestamp)
    }

    pub(crate) fn max_timestamp(&self) -> i64 {
        let of_records = self.records.iter().map(|record| record.timestamp).max().unwrap_or(-1);
        self.log_append_time.unwrap_or(of_records)
    }

    pub(crate) fn attributes(&self) -> i16 {
        self.codec
            | i16::from(self.log_append_time.is_some()) << 3
            | i16::from(self.transactional) << 4
            | i16::from(self.control) << 5
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        for record in &self.records {
            let mut bytes = vec![0];
            put_varint(&mut bytes, record.timestamp.wrapping_sub(self.first_timestamp()));
            put_varint(&mut bytes, record.offset.wrapping_sub(self.base_offset));
            put_field(&mut bytes, record.key.as_deref());
            put_field(&mut bytes, record.value.as_deref());
            put_varint(&mut bytes, record.headers.len() as i64);
            for (name, value) in &record.headers {
                put_field(&mut bytes, Some(name));
                put_field(&mut bytes, value.as_deref());
            }
            put_varint(&mut body, bytes.len() as i64);
            body.extend_from_slice(&bytes);
        }
        self.encode_around(&compress(self.codec, &body))
    }

    /// The header and CRC around a body that is compressed already.
    pub(crate) fn encode_around(&self, body: &[u8]) -> Vec<u8> {
        let mut covered = Vec::new();
        covered.extend_from_slice(&self.attributes().to_be_bytes());
        covered.extend_from_slice(&self.last_offset_delta.to_be_bytes());
        covered.extend_from_slice(&self.first_timestamp().to_be_bytes());
        covered.extend_from_slice(&self.max_timestamp().to_be_bytes());
        covered.extend_from_slice(&self.producer_id.to_be_bytes());
        covered.extend_from_slice(&(if self.producer_id < 0 { -1i16 } else { 3 }).to_be_bytes());
        covered.extend_from_slice(&(-1i32).to_be_bytes());
        covered.extend_from_slice(&(self.records.len() as i32).to_be_bytes());
        covered.extend_from_slice(body);
        let mut out = Vec::new();
        out.extend_from_slice(&self.base_offset.to_be_bytes());
        out.extend_from_slice(&(covered.len() as i32 + 9).to_be_bytes());
        out.extend_from_slice(&self.leader_epoch.to_be_bytes());
        out.push(2);
        out.extend_from_slice(&crc32c::crc32c(&covered).to_be_bytes());
        out.extend_from_slice(&covered);
        out
    }
}

/// A message of magic 0 or 1, by itself.
pub(crate) fn legacy_message(magic: i8, record: &TestRecord) -> Vec<u8> {
    let mut covered = vec![magic as u8, 0];
    if magic > 0 {
        covered.extend_from_slice(&record.timestamp.to_be_bytes());
    }
    for field in [&record.key, &record.value] {
        let length = field.as_ref().map_or(-1, |bytes| bytes.len() as i32);
        covered.extend_from_slice(&length.to_be_bytes());
        covered.extend_from_slice(field.as_deref().unwrap_or_default());
    }
    let mut out = record.offset.to_be_bytes().to_vec();
    out.extend_from_slice(&(covered.len() as i32 + 4).to_be_bytes());
    out.extend_from_slice(&crc32fast::hash(&covered).to_be_bytes());
    out.extend_from_slice(&covered);
    out
}

/// Compresses as Kafka clients do; `codec` is the attribute.
pub(crate) fn compress(codec: i16, body: &[u8]) -> Vec<u8> {
    match codec {
        0 => body.to_vec(),
        1 => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(body).unwrap();
            encoder.finish().unwrap()
        }
        2 => xerial(body, 300),
        3 => lz4(body, lz4_flex::frame::FrameInfo::new()),
        4 => zstd_stream(body),
        _ => panic!("no such codec"),
    }
}

/// snappy-java's framing.
pub(crate) fn xerial(body: &[u8], block: usize) -> Vec<u8> {
    let mut out = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01".to_vec();
    for chunk in body.chunks(block) {
        let packed = snap::raw::Encoder::new().compress_vec(chunk).unwrap();
        out.extend_from_slice(&(packed.len() as u32).to_be_bytes());
        out.extend_from_slice(&packed);
    }
    out
}

pub(crate) fn lz4(body: &[u8], info: lz4_flex::frame::FrameInfo) -> Vec<u8> {
    let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

/// Streamed, as the Java client does it: without a content size.
pub(crate) fn zstd_stream(body: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

/// A zigzag varint of any width.
pub(crate) fn put_varint(out: &mut Vec<u8>, value: i64) {
    let mut raw = ((value << 1) ^ (value >> 63)) as u64;
    while raw >= 0x80 {
        out.push(raw as u8 | 0x80);
        raw >>= 7;
    }
    out.push(raw as u8);
}

fn put_field(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        Some(bytes) => {
            put_varint(out, bytes.len() as i64);
            out.extend_from_slice(bytes);
        }
        None => put_varint(out, -1),
    }
}

/// What JavaScript sees in a slab.
#[derive(Debug, PartialEq)]
pub(crate) struct Decoded {
    pub(crate) messages: Vec<TestRecord>,
    pub(crate) batches: Vec<DecodedBatch>,
    pub(crate) base_offset: i64,
    pub(crate) first_offset: i64,
    pub(crate) last_offset: i64,
    pub(crate) next_offset: i64,
    pub(crate) high_watermark: i64,
    pub(crate) fetch_offset: i64,
    pub(crate) names: usize,
    pub(crate) headers: usize,
    /// Names that a header refers to.
    pub(crate) names_in_use: usize,
    /// Where the last table ends.
    pub(crate) end: usize,
}

/// A row of the batch table.
#[derive(Debug, PartialEq)]
pub(crate) struct DecodedBatch {
    pub(crate) messages: std::ops::Range<usize>,
    pub(crate) first_offset: i64,
    pub(crate) first_timestamp: i64,
    pub(crate) max_timestamp: i64,
    pub(crate) producer_id: i64,
    pub(crate) words: [i32; 6],
}

/// Reads a delivery as `layout.rs` describes it. Panics when a position is out of the slab.
pub(crate) fn decode(slab: &[u8]) -> Decoded {
    let int = |at: usize| i32::from_le_bytes(slab[at..at + 4].try_into().unwrap());
    let size = |at: usize| usize::try_from(int(at)).unwrap();
    let long = |at: usize| i64::from_le_bytes(slab[at..at + 8].try_into().unwrap());
    let bytes = |at: usize| slab[size(at)..size(at) + size(at + 4)].to_vec();
    let nullable = |at: usize| (int(at + 4) >= 0).then(|| bytes(at));
    assert_eq!(size(layout::BATCH_TABLE_AT) % 8, 0);
    assert_eq!(size(layout::INDEX_AT) % 4, 0);

    let (base_offset, base_timestamp) = (long(layout::BASE_OFFSET_AT), long(layout::BASE_TIMESTAMP_AT));
    let headers_at = size(layout::HEADER_TABLE_AT);
    let names_at = size(layout::NAMES_AT);
    let header = |n: usize| {
        let at = headers_at + 12 * n;
        (bytes(names_at + 8 * size(at)), nullable(at + 4))
    };
    let message = |n: usize| {
        let at = size(layout::INDEX_AT) + 32 * n;
        let (first, count) = (size(at + 16), size(at + 20));
        let timestamp_delta = int(at + 28);
        let far_timestamps_at = size(layout::INDEX_AT) + 32 * size(layout::MESSAGE_COUNT_AT);
        TestRecord {
            offset: base_offset + i64::from(int(at + 24)),
            timestamp: if timestamp_delta < layout::NEAREST {
                let nth = usize::try_from(timestamp_delta.wrapping_sub(i32::MIN)).unwrap();
                long(far_timestamps_at + 8 * nth)
            } else {
                base_timestamp.wrapping_add(timestamp_delta.into())
            },
            key: nullable(at),
            value: nullable(at + 8),
            headers: (first..first + count).map(header).collect(),
        }
    };
    let batch = |n: usize| {
        let at = size(layout::BATCH_TABLE_AT) + 64 * n;
        DecodedBatch {
            messages: size(at)..size(at) + size(at + 4),
            first_offset: long(at + 8),
            first_timestamp: long(at + 16),
            max_timestamp: long(at + 24),
            producer_id: long(at + 32),
            words: std::array::from_fn(|n| int(at + 40 + 4 * n)),
        }
    };
    Decoded {
        messages: (0..size(layout::MESSAGE_COUNT_AT)).map(message).collect(),
        batches: (0..size(layout::BATCH_COUNT_AT)).map(batch).collect(),
        base_offset,
        first_offset: long(layout::FIRST_OFFSET_AT),
        last_offset: long(layout::LAST_OFFSET_AT),
        next_offset: long(layout::NEXT_OFFSET_AT),
        high_watermark: long(layout::HIGH_WATERMARK_AT),
        fetch_offset: long(layout::FETCH_OFFSET_AT),
        names: size(layout::NAME_COUNT_AT),
        headers: size(layout::HEADER_COUNT_AT),
        names_in_use: (0..size(layout::HEADER_COUNT_AT))
            .map(|n| size(headers_at + 12 * n))
            .collect::<std::collections::HashSet<_>>()
            .len(),
        end: names_at + 8 * size(layout::NAME_COUNT_AT),
    }
}
