//! Memory that JavaScript owns and the engine touches from other threads: slabs and cells.

use std::sync::atomic::{AtomicI32, Ordering};

use napi::bindgen_prelude::{Int32Array, Uint8Array};

use crate::engine::runtime::Cells;
use crate::engine::runtime::SlabMemory;

/// A slab: a Uint8Array that the facade has given away until a `take` returns its number.
pub(super) struct Slab(pub(super) Uint8Array);

impl SlabMemory for Slab {
    fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: the array keeps its ArrayBuffer alive and V8 never moves a backing store. The facade neither
        // reads, writes, transfers nor resizes a slab between `give` and the `take` that returns it, and gives each
        // ArrayBuffer once, so this is the only reference. When the environment ends, `ConsumerHandle::close` waits
        // for the one writer before V8 frees the memory.
        #[expect(unsafe_code, reason = "see the proof above")]
        unsafe {
            self.0.as_mut()
        }
    }
}

/// The cells; see `src/consumer/cells.js` for the layout.
pub(super) struct SharedCells {
    array: Int32Array,
    lanes: usize,
}

impl SharedCells {
    /// None when the array is too short for so many lanes.
    pub(super) fn new(array: Int32Array, lanes: usize) -> Option<SharedCells> {
        let needed = lanes.checked_add(1)?.checked_mul(STRIDE)?;
        (array.len() >= needed).then_some(SharedCells { array, lanes })
    }

    fn cell(&self, index: usize) -> Option<&AtomicI32> {
        let cells: &[i32] = self.array.as_ref();
        let cell = cells.get(index)?;
        // SAFETY: AtomicI32 has the size and alignment of i32, and the array's memory is valid and in place as long
        // as `self.array` lives (cells are dropped under the consumer's lock before the environment ends). JavaScript
        // reads and writes single Int32 elements from its own thread; on our side every access is atomic.
        #[expect(unsafe_code, reason = "see the proof above")]
        let cell = unsafe { AtomicI32::from_ptr(std::ptr::from_ref(cell).cast_mut()) };
        Some(cell)
    }

    fn store(&self, index: usize, value: i32) {
        if let Some(cell) = self.cell(index) {
            cell.store(value, Ordering::Relaxed);
        }
    }

    /// The index of a lane's field; one that no cell has for a lane that does not exist.
    fn lane(&self, lane: usize, field: usize) -> usize {
        if lane < self.lanes { (lane + 1) * STRIDE + field } else { usize::MAX }
    }
}

impl Cells for SharedCells {
    fn resolved(&self, lane: usize) -> Option<i32> {
        let delta = self.cell(self.lane(lane, RESOLVED))?.load(Ordering::Relaxed);
        (delta != NOTHING_RESOLVED).then_some(delta)
    }

    fn clear(&mut self, lane: usize) {
        self.store(self.lane(lane, RESOLVED), NOTHING_RESOLVED);
        self.store(self.lane(lane, FLAGS), 0);
    }

    fn set_flags(&mut self, lane: usize, flags: i32) {
        self.store(self.lane(lane, FLAGS), flags);
    }

    fn set_group_error(&mut self, code: i32) {
        self.store(GROUP_ERROR, code);
    }

    fn set_slab_size(&mut self, bytes: usize) {
        self.store(SLAB_SIZE, i32::try_from(bytes).unwrap_or(i32::MAX));
    }

    fn set_commit_distance(&mut self, wait: i32, offsets: i32) {
        self.store(COMMIT_WAIT, wait);
        self.store(COMMIT_OFFSETS, offsets);
    }
}

/// A lane's cells, and the global ones before them, fill a cache line each.
const STRIDE: usize = 16;
const GROUP_ERROR: usize = 0;
const SLAB_SIZE: usize = 1;
const COMMIT_WAIT: usize = 2;
const COMMIT_OFFSETS: usize = 3;
const RESOLVED: usize = 0;
const FLAGS: usize = 1;
const NOTHING_RESOLVED: i32 = i32::MIN;
