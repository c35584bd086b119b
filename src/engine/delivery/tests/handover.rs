//! From what a supplier pushes to a lane, and back.

use std::time::Duration;

use crate::engine::delivery::Buffer;
use crate::engine::delivery::DeliveryConfig;
use crate::engine::delivery::Finished;
use crate::engine::delivery::LANE_CLOSING;
use crate::engine::delivery::LANE_STALE;
use crate::engine::delivery::LANE_STOP;
use crate::engine::delivery::Outcome;
use crate::engine::delivery::Verdict;
use crate::engine::delivery::slabs::Slabs;
use crate::engine::records::Estimate;
use crate::engine::records::RecordError;
use crate::engine::testing;

use super::supplier::State::{Accepted, Acquired, Released, Taken};
use super::supplier::*;

#[test]
fn a_source_hears_what_becomes_of_its_records() {
    let mut supplier = Supplier::of(&[0]);
    supplier.acquire(0, &[10; 5]);
    supplier.decode_all();
    assert_eq!(supplier.offsets(0, Acquired), [0, 1, 2, 3, 4]);
    assert!(supplier.take(0));
    assert_eq!(supplier.offsets(0, Taken), [0, 1, 2]);
    assert!(!supplier.take(1), "one partition, one lane");
    assert!(supplier.progress(0, 2) && !supplier.progress(0, 2), "no news");
    assert_eq!(supplier.finish(0, Outcome::Done), Finished::Returned { from: 2, end: 3 });
    assert_eq!((supplier.offsets(0, Accepted), supplier.offsets(0, Released)), (vec![0, 1], vec![2]));
    // What is ready behind it stays ready: this supplier wants no order.
    supplier.consume();
    assert_eq!(supplier.offsets(0, Accepted), [0, 1, 3, 4]);
    supplier.acquire_again(0);
    supplier.acquire(0, &[10]);
    supplier.consume();
    assert_eq!(supplier.offsets(0, Accepted), [0, 1, 2, 3, 4, 5]);
    assert!(supplier.deliveries.is_drained(supplier.slot(0)));
}

#[test]
fn a_failed_handler_returns_what_it_has_not_resolved() {
    let mut supplier = Supplier::of(&[0]);
    supplier.acquire(0, &[10; 3]);
    supplier.decode_all();
    assert!(supplier.take(0));
    let again = Outcome::Again(Duration::from_millis(5));
    assert_eq!(supplier.finish(0, again), Finished::Returned { from: 0, end: 3 });
    supplier.acquire_again(0);
    supplier.decode_all();
    assert!(supplier.take(0) && supplier.progress(0, 3));
    // It may fail behind its last message, too.
    assert_eq!(supplier.finish(0, again), Finished::Returned { from: 3, end: 3 });
    assert!(supplier.offsets(0, Released).is_empty());
}

#[test]
fn what_was_returned_may_come_again_behind_what_has_come_meanwhile() {
    let mut supplier = Supplier::of(&[0]);
    supplier.acquire(0, &[10; 3]);
    supplier.decode_all();
    assert!(supplier.take(0));
    supplier.progress(0, 1);
    supplier.finish(0, Outcome::Done);
    supplier.acquire(0, &[10; 3]);
    supplier.acquire_again(0);
    supplier.decode_all();
    assert!(supplier.take(0));
    assert_eq!(supplier.lanes[0].as_ref().unwrap().offsets, [3, 4, 5]);
    supplier.complete(0);
    assert!(supplier.take(0));
    assert_eq!(supplier.lanes[0].as_ref().unwrap().offsets, [1, 2]);
}

#[test]
fn a_void_epoch_is_void_everywhere() {
    let mut supplier = Supplier::of(&[0]);
    for _ in 0..4 {
        supplier.acquire(0, &[10; 3]);
    }
    supplier.decode_all();
    assert!(supplier.take(0));
    // In a lane, ready, being decoded, and queued.
    assert!(supplier.begin_decode());
    supplier.void(0);
    assert_eq!(supplier.flags(0), LANE_STOP | LANE_STALE);
    assert!(!supplier.deliveries.has_ready());
    assert!(matches!(supplier.end_decode(), Verdict::Void));
    assert!(!supplier.deliveries.has_ready(), "a late decode");
    assert!(!supplier.progress(0, 3), "a stale lane resolves nothing");
    assert_eq!(supplier.deliveries.held_bytes(), 0);
    supplier.acquire_again(0);
    supplier.decode_all();
    assert!(!supplier.take(1), "not while the stale handler is at it");
    assert_eq!(supplier.finish(0, Outcome::Done), Finished::Void);
    supplier.consume();
    assert!(supplier.offsets(0, Accepted).into_iter().eq(0..12));
}

#[test]
fn what_is_damaged_goes_back_to_the_source_and_what_was_before_it_stands() {
    let mut supplier = Supplier::of(&[0, 1]);
    supplier.acquire(0, &[10; 3]);
    supplier.acquire_changed(0, &[10; 3], |bytes| *bytes.last_mut().unwrap() ^= 1);
    supplier.acquire(0, &[10; 3]);
    supplier.acquire(1, &[10; 3]);
    supplier.decode_all();
    assert_eq!(supplier.offsets(0, Released), [3, 4, 5, 6, 7, 8]);
    assert_eq!(supplier.deliveries.queued_bytes(), 0);
    supplier.acquire_again(0);
    supplier.consume();
    assert!(supplier.offsets(0, Accepted).into_iter().eq(0..9));
    assert_eq!(supplier.offsets(1, Accepted), [0, 1, 2]);
}

#[test]
fn nothing_is_handed_out_while_it_is_suspended() {
    let mut supplier = Supplier::of(&[0, 1]);
    supplier.acquire(0, &[10; 3]);
    supplier.acquire(1, &[10; 3]);
    supplier.decode_all();
    assert!(supplier.take(0));
    supplier.deliveries.suspend(false);
    assert_eq!(supplier.flags(0), LANE_STOP);
    assert!(!supplier.deliveries.has_ready() && !supplier.take(1) && !supplier.begin_decode());
    assert!(supplier.progress(0, 1), "still ours: what the handler finishes counts");
    supplier.unassign();
    assert!(!supplier.progress(0, 2));
    supplier.finish(0, Outcome::Done);
    supplier.deliveries.suspend(true);
    assert!((0..2).all(|lane| supplier.flags(lane) & LANE_CLOSING == 0), "idle lanes need no flags");
    supplier.assign(&[0, 1]);
    supplier.acquire_again(0);
    supplier.acquire_again(1);
    supplier.consume();
    assert_eq!(
        (supplier.offsets(0, Accepted), supplier.offsets(1, Accepted)),
        (vec![0, 1, 2], vec![0, 1, 2])
    );
}

#[test]
fn a_slot_stays_the_same_partitions() {
    let mut supplier = Supplier::of(&[0, 1]);
    let slots = [supplier.slot(0), supplier.slot(1)];
    assert_eq!(supplier.deliveries.assign(&tp(1)), None, "it is ours already");
    supplier.unassign();
    assert!(!supplier.deliveries.is_assigned(&tp(0)));
    supplier.assign(&[2, 1, 0]);
    assert_eq!([supplier.slot(0), supplier.slot(1)], slots);
    assert_eq!(supplier.deliveries.assignment(), [tp(0), tp(1), tp(2)]);
    // One goes, the others stay.
    let dropped = supplier.deliveries.unassign(slots[1]);
    assert_eq!((dropped, supplier.deliveries.assignment()), (None, vec![tp(0), tp(2)]));
}

/// Its partition may have been another member's in between, and is handed out again from where that one came to.
#[test]
fn a_lane_that_outlives_its_assignment_owns_nothing_of_the_next() {
    let mut supplier = Supplier::of(&[0, 1]);
    supplier.acquire(0, &[10; 3]);
    supplier.decode_all();
    assert!(supplier.take(0));
    let seek = supplier.deliveries.void(supplier.slot(0));
    assert_eq!((seek, supplier.deliveries.owned()), (None, vec![tp(0), tp(1)]), "a seek is no rebalance");
    supplier.unassign();
    assert_eq!(supplier.deliveries.owned(), []);
    supplier.assign(&[0, 1]);
    assert_eq!(supplier.deliveries.assignment(), [tp(0), tp(1)]);
    assert_eq!(supplier.deliveries.owned(), [tp(1)]);
    supplier.finish(0, Outcome::Done);
    assert_eq!(supplier.deliveries.owned(), [tp(0), tp(1)]);
}

#[test]
fn a_message_larger_than_a_slab_is_staged() {
    let mut supplier = Supplier::of(&[0]);
    supplier.acquire(0, &[10, 5 * SLAB, BIG, BIG, BIG, BIG]);
    supplier.consume();
    assert_eq!(supplier.offsets(0, Accepted).len(), 6);
}

#[test]
fn a_message_that_there_is_no_memory_for_goes_back_to_the_source() {
    for length in [10, 2 * SLAB] {
        let mut supplier = Supplier::of(&[0]);
        supplier.is_poor = true;
        supplier.acquire(0, &[length]);
        assert!(supplier.begin_decode());
        assert!(matches!(supplier.end_decode(), Verdict::Empty), "it asks for what it needs");
        assert!(supplier.begin_decode());
        let verdict = supplier.end_decode();
        let Verdict::Damaged { next: 0, error: RecordError::NoMemory { offset: 0, bytes }, batch: None } =
            verdict
        else {
            panic!("{verdict:?}");
        };
        assert!(bytes > length);
        assert!(!supplier.begin_decode(), "nobody asks for it again and again");
        supplier.is_poor = false;
        supplier.acquire_again(0);
        supplier.consume();
        assert_eq!(supplier.offsets(0, Accepted), [0]);
    }
}

#[test]
fn without_a_free_slab_there_is_progress() {
    let mut supplier = Supplier::with(testing::config::delivery(2));
    supplier.assign(&[0, 1]);
    supplier.give();
    supplier.give();
    supplier.acquire(0, &[BIG; 9]);
    // Paused with both slabs, perhaps for hours.
    supplier.decode_all();
    assert_eq!(supplier.deliveries.ready_slabs(), 2);
    supplier.pause(0);
    supplier.acquire(1, &[BIG; 9]);
    supplier.decode_all();
    assert!(supplier.take(0), "staged");
    assert_eq!(supplier.lanes[0].as_ref().unwrap().slot, supplier.slot(1));
    supplier.complete(0);
    supplier.consume();
    assert_eq!(supplier.offsets(1, Accepted).len(), 9);
}

#[test]
fn what_many_partitions_have_ready_is_bounded() {
    let partitions: Vec<i32> = (0..40).collect();
    let mut supplier = Supplier::with(DeliveryConfig { max_queued_bytes: 10 * SLAB, lanes: 1 });
    supplier.assign(&partitions);
    supplier.give();
    for &partition in &partitions {
        // One delivery each: nothing raw is left of it once it is decoded.
        supplier.acquire(partition, &[BIG; 4]);
        supplier.decode_all();
    }
    assert!(supplier.deliveries.staged_bytes() < 11 * SLAB, "{}", supplier.deliveries.staged_bytes());
    // Paused ones cannot be taken: they keep nobody from being decoded.
    assert!(supplier.deliveries.is_crowded());
    for &partition in &partitions[..39] {
        supplier.pause(partition);
    }
    supplier.decode_all();
    assert!(supplier.take(0));
    assert_eq!(supplier.lanes[0].as_ref().unwrap().slot, supplier.slot(39));
    supplier.complete(0);
    for &partition in &partitions[..39] {
        supplier.resume(partition);
    }
    supplier.consume();
    for partition in partitions {
        assert_eq!(supplier.offsets(partition, Accepted).len(), 4, "{partition}");
    }
}

#[test]
fn the_slab_that_has_waited_longest_is_filled_first() {
    let mut slabs = Slabs::default();
    (0..3).for_each(|slab| slabs.give(slab));
    let mut next = || slabs.buffer(None, 1 << 20, true);
    assert_eq!(next(), Some(Buffer::Slab(0)));
    assert_eq!(next(), Some(Buffer::Slab(1)));
    // What was not needed has waited longer than what is still there.
    slabs.release(&Buffer::Slab(0));
    slabs.give(3);
    let rest: Vec<_> = (0..4).map(|_| slabs.buffer(None, 1 << 20, true)).collect();
    assert_eq!(rest, [Some(Buffer::Slab(0)), Some(Buffer::Slab(2)), Some(Buffer::Slab(3)), None]);
}

#[test]
fn what_a_decoder_does_not_want_waits_for_one_that_does() {
    let mut supplier = Supplier::of(&[0, 1]);
    supplier.acquire(0, &[BIG, BIG]);
    supplier.acquire(1, &[10]);
    let small = |estimate: &Estimate| estimate.bytes < BIG;
    let job = supplier.deliveries.poll_decode(small).expect("the small one, although it is behind");
    assert_eq!(job.slot, supplier.slot(1));
    assert!(supplier.deliveries.poll_decode(small).is_none());
    assert!(supplier.deliveries.may_decode(), "the other is there still");
    let job = supplier.deliveries.poll_decode(|_| true).unwrap();
    assert_eq!(job.slot, supplier.slot(0));
    assert!(supplier.deliveries.poll_decode(|_| true).is_none());
    assert!(!supplier.deliveries.may_decode(), "all that there is is being decoded");
}
