//! Turns as JavaScript writes them, written from the description in `turn.rs`.

use crate::engine::records::turn::DEFAULT_LEVEL;

use super::encode::TestRecord;

/// A `sendBatch()`.
#[derive(Debug, Clone)]
pub(crate) struct TestSend {
    pub(crate) ticket: i32,
    pub(crate) acks: i32,
    pub(crate) timeout: i32,
    pub(crate) codec: i32,
    pub(crate) level: i32,
    /// Topic by topic; -1 = no partition.
    pub(crate) topics: Vec<(String, Vec<(i32, TestRecord)>)>,
}

impl Default for TestSend {
    fn default() -> TestSend {
        TestSend { ticket: 0, acks: -1, timeout: 30_000, codec: 0, level: DEFAULT_LEVEL, topics: vec![] }
    }
}

impl TestSend {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for word in [0, self.ticket, self.acks, self.timeout, self.codec, self.level, len(&self.topics), 0] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        for (name, messages) in &self.topics {
            let start = out.len();
            for word in [0, len(name.as_bytes()), len(messages), 0] {
                out.extend_from_slice(&word.to_le_bytes());
            }
            out.extend_from_slice(name.as_bytes());
            pad(&mut out);
            for (partition, record) in messages {
                put_message(&mut out, *partition, record);
            }
            let size = len(&out[start..]);
            out[start..start + 4].copy_from_slice(&size.to_le_bytes());
        }
        let size = len(&out);
        out[..4].copy_from_slice(&size.to_le_bytes());
        out
    }
}

fn put_message(out: &mut Vec<u8>, partition: i32, record: &TestRecord) {
    let nullable = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(-1, |bytes| len(bytes));
    out.extend_from_slice(&partition.to_le_bytes());
    out.extend_from_slice(&record.timestamp.to_le_bytes());
    for word in [nullable(&record.key), nullable(&record.value), len(&record.headers)] {
        out.extend_from_slice(&word.to_le_bytes());
    }
    for (name, value) in &record.headers {
        out.extend_from_slice(&len(name).to_le_bytes());
        out.extend_from_slice(&nullable(value).to_le_bytes());
    }
    out.extend_from_slice(record.key.as_deref().unwrap_or_default());
    out.extend_from_slice(record.value.as_deref().unwrap_or_default());
    for (name, value) in &record.headers {
        out.extend_from_slice(name);
        out.extend_from_slice(value.as_deref().unwrap_or_default());
    }
    pad(out);
}

fn pad(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(4), 0);
}

fn len<T>(elements: &[T]) -> i32 {
    i32::try_from(elements.len()).unwrap()
}
