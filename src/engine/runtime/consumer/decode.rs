//! The decode task: raw bytes in, filled slabs out. It is beside the sockets, with what is done as soon as it is handed over;
//! what takes more than microseconds is done on a thread of its own.

use std::sync::Arc;

use crate::engine::delivery::Buffer;
use crate::engine::delivery::DecodeJob;
use crate::engine::delivery::Decoded;
use crate::engine::delivery::MAX_MESSAGES;
use crate::engine::network::clock;
use crate::engine::records::Decompressor;
use crate::engine::records::Fill;
use crate::engine::records::layout::RUNTIME_AT;
use crate::engine::runtime::executor;
use crate::engine::runtime::shared::Shared;

use super::client::{ConsumerClient, SlabMemory, Writing};

/// Slab that one record may need that is not compressed, whatever the limit of those that are.
const LARGEST_DELIVERY: usize = 1 << 30;

/// So many bytes that are not compressed are decoded beside the sockets: to hand them over would take longer. What is compressed
/// may be much more than it looks.
const SMALL: usize = 16 * 1024;

pub(super) async fn run(shared: Arc<Shared<ConsumerClient>>) {
    let mut codecs =
        Decompressor::new(shared.outside.max_decompressed_bytes).with_largest_delivery(LARGEST_DELIVERY);
    loop {
        let Some((job, memory, writing)) = next_job(&shared) else {
            if shared.lock().closed || shared.lock().stopped {
                return;
            }
            shared.outside.decoder.notified().await;
            continue;
        };
        if job.estimate.bytes <= SMALL && !job.estimate.is_packed {
            carry_out(&shared, &mut codecs, writing, job, memory);
            tokio::task::yield_now().await;
            continue;
        }
        let shared = shared.clone();
        codecs = executor::work(move || {
            carry_out(&shared, &mut codecs, writing, job, memory);
            codecs
        })
        .await;
    }
}

type Slab = Option<Box<dyn SlabMemory>>;

fn next_job(shared: &Arc<Shared<ConsumerClient>>) -> Option<(DecodeJob, Slab, Option<Writing>)> {
    let mut client = shared.lock();
    if client.closed {
        return None;
    }
    let job = client.consumer.poll_decode()?;
    let memory = match job.buffer {
        Buffer::Slab(slab) => client.slabs.remove(&slab),
        Buffer::Staged(_) | Buffer::Kept { .. } => None,
    };
    let writing = memory.is_some().then(|| Writing::begin(shared, &mut client));
    Some((job, memory, writing))
}

/// `memory` stands behind `_writing` on purpose: parameters are dropped from the last to the first, after a panic too, and the
/// memory must be let go of before [`Writing`] says that the decoder does not write into it any more.
fn carry_out(
    shared: &Shared<ConsumerClient>,
    codecs: &mut Decompressor,
    _writing: Option<Writing>,
    job: DecodeJob,
    mut memory: Slab,
) {
    let DecodeJob { slot, epoch, mut reader, mut buffer, .. } = job;
    let into: &mut [u8] = match (&mut memory, &mut buffer) {
        (Some(memory), _) => memory.bytes(),
        (None, Buffer::Staged(bytes)) => bytes,
        (None, Buffer::Slab(_) | Buffer::Kept { .. }) => &mut [],
    };
    let result = reader.fill(codecs, into, MAX_MESSAGES);
    if let Ok(Fill::Delivery(summary)) = &result {
        // The delivery says whose it is.
        if let Some(field) = into.get_mut(RUNTIME_AT..RUNTIME_AT + 4) {
            field.copy_from_slice(&slot.0.to_le_bytes());
        }
        if let Buffer::Staged(bytes) = &mut buffer {
            bytes.truncate(summary.used);
        }
    }
    let mut client = shared.lock();
    if let (Buffer::Slab(slab), Some(memory)) = (&buffer, memory) {
        client.slabs.insert(*slab, memory);
    }
    client.consumer.decoded(clock::now(), Decoded { slot, epoch, reader, buffer, result });
    let wake = client.must_wake();
    drop(client);
    if wake {
        shared.outside.host.wake();
    }
    // Perhaps it was the last of an answer: time to fetch again.
    shared.driver.notify_one();
}
