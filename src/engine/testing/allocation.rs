//! How much memory a piece of code asks for: an allocator that counts, per thread. A binary has one allocator, so this
//! is the one of every unit test.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Runs `code` and says how many bytes it held at most, beyond what was held before.
pub(crate) fn peak_of<T>(code: impl FnOnce() -> T) -> (T, usize) {
    let before = HELD.get();
    PEAK.set(before);
    let result = code();
    (result, PEAK.get().saturating_sub(before))
}

thread_local! {
    static HELD: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[expect(unsafe_code, reason = "GlobalAlloc is an unsafe trait; everything goes to the system allocator")]
// SAFETY: every call is passed on unchanged. `realloc` is the default one, made of the two below.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // `try_with`: a thread that ends allocates after its locals are gone.
        let _ = HELD.try_with(|held| {
            held.set(held.get().saturating_add(layout.size()));
            PEAK.set(PEAK.get().max(held.get()));
        });
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let _ = HELD.try_with(|held| held.set(held.get().saturating_sub(layout.size())));
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[test]
fn counts_the_peak_and_not_the_sum() {
    let (_, peak) = peak_of(|| {
        for _ in 0..3 {
            drop(std::hint::black_box(vec![0u8; 1000]));
        }
    });
    assert_eq!(peak, 1000);
}
