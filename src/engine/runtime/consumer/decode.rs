//! Decoding: raw bytes in, filled slabs out. One at a time, who has the [`Decompressor`].
//!
//! What takes microseconds is done where it is found: by the driver with the answer, before it asks for the next one, or by the call
//! that makes room for it. For the rest there is a task. It goes to a thread for work, and waits there for what comes next: while
//! large answers come, who gives a slab wakes that thread and no other.

use std::sync::Arc;

use crate::engine::delivery::Buffer;
use crate::engine::delivery::DecodeJob;
use crate::engine::delivery::Decoded;
use crate::engine::delivery::Estimate;
use crate::engine::delivery::MAX_MESSAGES;
use crate::engine::network::clock;
use crate::engine::records::Decompressor;
use crate::engine::records::Fill;
use crate::engine::records::layout::RUNTIME_AT;
use crate::engine::runtime::executor;
use crate::engine::runtime::shared::Shared;

use super::client::{ConsumerClient, SlabMemory, Writing};

/// So many bytes that are not compressed are decoded at once: to hand them over would take longer. What is compressed may be much
/// more than it looks.
const SMALL: usize = 16 * 1024;

/// After so many jobs in a row others get their turn on the thread.
const TURNS: u32 = 16;

pub(super) async fn run(shared: Arc<Shared<ConsumerClient>>) {
    let mut turn = 0_u32;
    let mut next = wait_for_job(&shared).await;
    while let Some(job) = next {
        if is_small(&job.decode.estimate) {
            carry_out(&shared, job);
            turn = turn.wrapping_add(1);
            if turn.is_multiple_of(TURNS) {
                tokio::task::yield_now().await;
            }
            next = wait_for_job(&shared).await;
        } else {
            next = executor::work(carry_out_large(shared.clone(), job)).await;
        }
    }
}

/// On a thread for work: this job, and all that follow, up to a small one, which is returned, or to the end.
async fn carry_out_large(shared: Arc<Shared<ConsumerClient>>, first: Job) -> Option<Job> {
    let mut next = Some(first);
    for turn in 1_u32.. {
        match next {
            Some(job) if !is_small(&job.decode.estimate) => _ = carry_out(&shared, job),
            small_or_none => return small_or_none,
        }
        if turn.is_multiple_of(TURNS) {
            tokio::task::yield_now().await;
        }
        next = wait_for_job(&shared).await;
    }
    next
}

/// What is small, here and now. Is there something left for the task?
pub(super) fn small_ones(shared: &Arc<Shared<ConsumerClient>>) -> bool {
    let mut has_woken = false;
    for _ in 0..TURNS {
        let Some(job) = next_job(shared, is_small) else { break };
        has_woken |= carry_out(shared, job);
    }
    if has_woken {
        // JavaScript may have been woken on this very core, and what comes next can wait for its turn: the handler is what somebody
        // waits for.
        std::thread::yield_now();
    }
    let client = shared.lock();
    client.closed || client.stopped || client.consumer.may_decode()
}

/// None when there will be no further one.
async fn wait_for_job(shared: &Arc<Shared<ConsumerClient>>) -> Option<Job> {
    loop {
        if let Some(job) = next_job(shared, |_| true) {
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
    codecs: Box<Decompressor>,
}

fn is_small(estimate: &Estimate) -> bool {
    estimate.bytes <= SMALL && !estimate.is_packed
}

type Slab = Option<Box<dyn SlabMemory>>;

/// None, too, while somebody else decodes, who looks for what is next when he is done.
fn next_job(shared: &Arc<Shared<ConsumerClient>>, is_wanted: impl Fn(&Estimate) -> bool) -> Option<Job> {
    let mut client = shared.lock();
    if client.closed {
        return None;
    }
    let codecs = client.codecs.take()?;
    let Some(decode) = client.consumer.poll_decode(is_wanted) else {
        client.codecs = Some(codecs);
        return None;
    };
    let memory = match decode.buffer {
        Buffer::Slab(slab) => client.slabs.remove(&slab),
        Buffer::Staged(_) | Buffer::Kept { .. } => None,
    };
    let writing = memory.is_some().then(|| Writing::begin(shared, &mut client));
    Some(Job { decode, memory, writing, codecs })
}

/// Has it woken JavaScript?
fn carry_out(shared: &Shared<ConsumerClient>, job: Job) -> bool {
    // What is named last is dropped first, after a panic too: the memory must be let go of before `Writing` says that the decoder does
    // not write into it any more.
    let Job { writing: _writing, decode, mut memory, mut codecs } = job;
    let DecodeJob { slot, epoch, mut reader, mut buffer, .. } = decode;
    let into: &mut [u8] = match (&mut memory, &mut buffer) {
        (Some(memory), _) => memory.bytes(),
        (None, Buffer::Staged(bytes)) => bytes,
        (None, Buffer::Slab(_) | Buffer::Kept { .. }) => &mut [],
    };
    let result = reader.fill(&mut codecs, into, MAX_MESSAGES);
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
    client.codecs = Some(codecs);
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
    wake
}
