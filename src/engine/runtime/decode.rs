//! The decode task: raw bytes in, filled slabs out. The only work that takes more than microseconds.

use std::sync::Arc;

use crate::engine::fetch::Buffer;
use crate::engine::fetch::DecodeJob;
use crate::engine::fetch::Decoded;
use crate::engine::fetch::MAX_MESSAGES;
use crate::engine::records::Decompressor;
use crate::engine::records::Fill;

use super::shared::{Shared, SlabMemory};

/// One batch may not decompress to more than this.
const DECOMPRESSED_LIMIT: usize = 512 * 1024 * 1024;

pub(super) async fn run(shared: Arc<Shared>) {
    let mut codecs = Decompressor::new(DECOMPRESSED_LIMIT);
    loop {
        let Some((job, memory)) = next_job(&shared) else {
            if shared.lock().closed || shared.lock().stopped {
                return;
            }
            shared.decoder.notified().await;
            continue;
        };
        carry_out(&shared, &mut codecs, job, memory);
        // Heartbeats and sockets share this thread.
        tokio::task::yield_now().await;
    }
}

fn next_job(shared: &Shared) -> Option<(DecodeJob, Option<Box<dyn SlabMemory>>)> {
    let mut inner = shared.lock();
    if inner.closed {
        return None;
    }
    let job = inner.consumer.poll_decode()?;
    let memory = match job.buffer {
        Buffer::Slab(slab) => inner.slabs.remove(&slab),
        Buffer::Staged(_) => None,
    };
    inner.writing = memory.is_some();
    drop(inner);
    // A queue may have become empty: time to fetch again.
    shared.driver.notify_one();
    Some((job, memory))
}

fn carry_out(
    shared: &Shared,
    codecs: &mut Decompressor,
    job: DecodeJob,
    mut memory: Option<Box<dyn SlabMemory>>,
) {
    let DecodeJob { slot, epoch, mut reader, mut buffer } = job;
    let into: &mut [u8] = match (&mut memory, &mut buffer) {
        (Some(memory), _) => memory.bytes(),
        (None, Buffer::Staged(bytes)) => bytes,
        (None, Buffer::Slab(_)) => &mut [],
    };
    let result = reader.fill(codecs, into, MAX_MESSAGES);
    if let Ok(Fill::Delivery(summary)) = &result {
        if let Some(field) = into.get_mut(SLOT_FIELD..SLOT_FIELD + 4) {
            field.copy_from_slice(&slot.0.to_le_bytes());
        }
        if let Buffer::Staged(bytes) = &mut buffer {
            bytes.truncate(summary.used);
        }
    }
    let mut inner = shared.lock();
    if let (Buffer::Slab(slab), Some(memory)) = (&buffer, memory) {
        inner.slabs.insert(*slab, memory);
        shared.written(&mut inner);
    }
    inner.consumer.decoded(Decoded { slot, epoch, reader, buffer, result });
    let wake = inner.must_wake();
    drop(inner);
    if wake {
        shared.host.wake();
    }
}

/// Where a delivery's header says whose it is.
const SLOT_FIELD: usize = 96;
