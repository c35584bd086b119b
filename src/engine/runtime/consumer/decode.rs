//! The decode task: raw bytes in, filled slabs out.
//!
//! What takes microseconds it does beside the sockets, as soon as it is handed over. For what takes longer it goes to a thread for work, and
//! waits there for what comes next: while large answers come, who gives a slab wakes that thread and no other.

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

/// After so many jobs in a row other consumers get their turn on the thread.
const TURNS: u32 = 16;

pub(super) async fn run(shared: Arc<Shared<ConsumerClient>>) {
    let mut codecs =
        Decompressor::new(shared.outside.max_decompressed_bytes).with_largest_delivery(LARGEST_DELIVERY);
    let mut next = wait_for_job(&shared).await;
    while let Some(job) = next {
        if job.is_small() {
            carry_out(&shared, &mut codecs, job);
            tokio::task::yield_now().await;
            next = wait_for_job(&shared).await;
        } else {
            (codecs, next) = executor::work(carry_out_large(shared.clone(), codecs, job)).await;
        }
    }
}

/// On a thread for work: this job, and all that follow, up to a small one, which is returned, or to the end.
async fn carry_out_large(
    shared: Arc<Shared<ConsumerClient>>,
    mut codecs: Decompressor,
    first: Job,
) -> (Decompressor, Option<Job>) {
    let mut next = Some(first);
    for turn in 1_u32.. {
        match next {
            Some(job) if !job.is_small() => carry_out(&shared, &mut codecs, job),
            small_or_none => return (codecs, small_or_none),
        }
        if turn.is_multiple_of(TURNS) {
            tokio::task::yield_now().await;
        }
        next = wait_for_job(&shared).await;
    }
    (codecs, next)
}

/// None when there will be no further one.
async fn wait_for_job(shared: &Arc<Shared<ConsumerClient>>) -> Option<Job> {
    loop {
        if let Some(job) = next_job(shared) {
            return Some(job);
        }
        let has_ended = {
            let client = shared.lock();
            client.closed || client.stopped
        };
        if has_ended {
            return None;
        }
        shared.outside.decoder.notified().await;
    }
}

struct Job {
    decode: DecodeJob,
    memory: Slab,
    writing: Option<Writing>,
}

impl Job {
    fn is_small(&self) -> bool {
        self.decode.estimate.bytes <= SMALL && !self.decode.estimate.is_packed
    }
}

type Slab = Option<Box<dyn SlabMemory>>;

fn next_job(shared: &Arc<Shared<ConsumerClient>>) -> Option<Job> {
    let mut client = shared.lock();
    if client.closed {
        return None;
    }
    let decode = client.consumer.poll_decode()?;
    let memory = match decode.buffer {
        Buffer::Slab(slab) => client.slabs.remove(&slab),
        Buffer::Staged(_) | Buffer::Kept { .. } => None,
    };
    let writing = memory.is_some().then(|| Writing::begin(shared, &mut client));
    Some(Job { decode, memory, writing })
}

fn carry_out(shared: &Shared<ConsumerClient>, codecs: &mut Decompressor, job: Job) {
    // What is named last is dropped first, after a panic too: the memory must be let go of before `Writing` says that the decoder does
    // not write into it any more.
    let Job { writing: _writing, decode, mut memory } = job;
    let DecodeJob { slot, epoch, mut reader, mut buffer, .. } = decode;
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
    // Only what ends an answer makes room for the next one. For a delivery of many no thread is woken.
    let is_news = reader.is_exhausted() || !matches!(result, Ok(Fill::Delivery(_)));
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
    if is_news {
        shared.driver.notify_one();
    }
}
