//! Where decoded messages lie, and how large that should be. The memory itself belongs to the runtime.

use std::collections::VecDeque;

use crate::engine::records::Summary;

/// Where decoded messages lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Buffer {
    /// In the slab with this number, which JavaScript gave.
    Slab(u32),
    /// In engine memory, copied out at `take`: small deliveries would waste a slab, huge ones do not fit one.
    Staged(Vec<u8>),
    /// Where JavaScript has kept it under this number: the rest of a delivery whose lane was stopped by a pause.
    Kept {
        /// From [`Finished::Kept`](super::Finished::Kept).
        number: u32,
        /// How many bytes that holds.
        bytes: usize,
    },
}

impl Buffer {
    /// Bytes of the engine's memory that it has.
    pub(super) fn staged_bytes(&self) -> usize {
        if let Buffer::Staged(bytes) = self { bytes.len() } else { 0 }
    }

    /// Bytes that JavaScript keeps for it.
    pub(super) fn kept_bytes(&self) -> usize {
        if let Buffer::Kept { bytes, .. } = self { *bytes } else { 0 }
    }
}

/// The empty slabs that we have, and the size that the next ones should have.
///
/// The oldest is filled first: one that waits for long outlives V8's young generation, and what is old there costs a collection of
/// everything.
#[derive(Debug)]
pub(super) struct Slabs {
    pub(super) free: VecDeque<u32>,
    size: usize,
    average_message: usize,
}

impl Default for Slabs {
    fn default() -> Slabs {
        Slabs { free: VecDeque::new(), size: FIRST_SIZE, average_message: FIRST_GUESS }
    }
}

impl Slabs {
    pub(super) fn give(&mut self, slab: u32) {
        self.free.push_back(slab);
    }

    pub(super) fn is_any_free(&self) -> bool {
        !self.free.is_empty()
    }

    /// Bytes that a slab should have, so that one delivery fills it.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// What was to be filled is not needed any more.
    pub(super) fn release(&mut self, buffer: &Buffer) {
        if let Buffer::Slab(slab) = buffer {
            self.free.push_front(*slab);
        }
    }

    /// A buffer for about `estimate` bytes, or for one message that needs `needs` of them. None without a slab, when the
    /// delivery is large and `may_wait`. A staged one is empty when the process cannot have the memory.
    pub(super) fn buffer(&mut self, needs: Option<usize>, estimate: usize, may_wait: bool) -> Option<Buffer> {
        if let Some(needs) = needs {
            return Some(Buffer::Staged(zeroed(needs)));
        }
        if estimate <= SMALL {
            return Some(Buffer::Staged(zeroed(estimate.max(SMALLEST_STAGE))));
        }
        if let Some(slab) = self.free.pop_front() {
            return Some(Buffer::Slab(slab));
        }
        // Other partitions have all slabs, perhaps for long: that must not stop a partition that has nothing else.
        (!may_wait).then(|| Buffer::Staged(zeroed(estimate.min(self.size))))
    }

    /// Small messages: 256 KiB hold some 2000 of them, the most that one delivery should have (more would outlive
    /// V8's young generation). Large ones: up to a megabyte.
    pub(super) fn average_size(&mut self, summary: &Summary) {
        let messages = usize::try_from(summary.messages).unwrap_or(usize::MAX);
        if let Some(average) = summary.used.checked_div(messages) {
            let smoothed = (self.average_message * 7 + average) / 8;
            self.average_message = smoothed.max(1);
            let wanted = self.average_message.saturating_mul(MAX_MESSAGES).next_multiple_of(SLAB_STEP);
            self.size = wanted.clamp(SMALLEST_SLAB, LARGEST_SLAB);
        }
    }
}

/// So many bytes, or none: an allocation that fails would end the process, and a single record may ask for gigabytes.
fn zeroed(bytes: usize) -> Vec<u8> {
    let mut buffer = Vec::new();
    if buffer.try_reserve_exact(bytes).is_ok() {
        buffer.resize(bytes, 0);
    }
    buffer
}

/// Messages in one delivery, at most.
pub const MAX_MESSAGES: usize = 2000;
/// At or below this many bytes a delivery is staged instead of taking a slab of up to a megabyte.
const SMALL: usize = 16 * 1024;
/// A staged buffer is not worth starting when it is smaller than this.
const SMALLEST_STAGE: usize = 4 * 1024;
/// Bytes of a slab before a message was seen, and of a message.
const FIRST_SIZE: usize = 256 * 1024;
const FIRST_GUESS: usize = 128;
const SLAB_STEP: usize = 64 * 1024;
const SMALLEST_SLAB: usize = 128 * 1024;
const LARGEST_SLAB: usize = 1024 * 1024;
