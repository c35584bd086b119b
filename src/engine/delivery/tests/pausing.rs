//! Pauses, and what they leave of a delivery.

use crate::engine::delivery::DeliveryConfig;
use crate::engine::delivery::Finished;
use crate::engine::delivery::LANE_CLOSING;
use crate::engine::delivery::LANE_STALE;
use crate::engine::delivery::LANE_STOP;
use crate::engine::delivery::Outcome;

use super::supplier::State::{Accepted, Acquired, Released};
use super::supplier::*;

/// Takes three messages of partition 0, and pauses after the first.
fn kept() -> Supplier {
    let mut supplier = Supplier::of(&[0]);
    supplier.acquire(0, &[10; 6]);
    supplier.decode_all();
    assert!(supplier.take(0));
    supplier.pause(0);
    supplier.progress(0, 1);
    assert!(matches!(supplier.finish(0, Outcome::Stopped), Finished::Kept { from: 1, .. }));
    assert_eq!(supplier.kept.len(), 1);
    supplier
}

#[test]
fn the_rest_that_no_handler_has_seen_is_taken_first() {
    let mut supplier = kept();
    assert_eq!(supplier.offsets(0, Acquired), [1, 2, 3, 4, 5]);
    assert!(!supplier.take(0), "paused");
    supplier.resume(0);
    assert!(supplier.take(0));
    assert_eq!(supplier.lanes[0].as_ref().unwrap().offsets, [1, 2]);
    supplier.complete(0);
    supplier.consume();
    assert_eq!(supplier.offsets(0, Accepted).len(), 6);
}

#[test]
fn what_waits_is_void_with_its_epoch() {
    let mut supplier = kept();
    assert_eq!(supplier.deliveries.kept_in_pause(), [supplier.slot(0)]);
    supplier.void(0);
    assert!(supplier.kept.is_empty() && supplier.deliveries.kept_in_pause().is_empty());
    let mut supplier = kept();
    supplier.unassign();
    assert!(supplier.kept.is_empty());
}

#[test]
fn nothing_is_kept_for_a_partition_that_is_about_to_go() {
    let mut supplier = Supplier::of(&[0]);
    supplier.acquire(0, &[10; 3]);
    supplier.decode_all();
    assert!(supplier.take(0));
    supplier.deliveries.suspend(false);
    assert_eq!(supplier.finish(0, Outcome::Stopped), Finished::Returned { from: 0, end: 3 });
}

#[test]
fn without_room_nothing_is_kept() {
    let mut supplier = Supplier::with(DeliveryConfig { max_queued_bytes: 2 * BIG, lanes: 1 });
    supplier.assign(&[0]);
    supplier.acquire(0, &[BIG; 3]);
    assert!(supplier.deliveries.is_full());
    supplier.decode_all();
    assert!(!supplier.deliveries.is_full());
    assert!(supplier.take(0));
    supplier.pause(0);
    assert_eq!(supplier.finish(0, Outcome::Stopped), Finished::Returned { from: 0, end: 3 });
}

#[test]
fn a_pause_that_ends_before_the_lane_has_seen_it_does_not_stop_it() {
    let mut supplier = Supplier::of(&[0, 1]);
    supplier.acquire(0, &[10; 3]);
    supplier.decode_all();
    assert!(supplier.take(0));
    supplier.pause(0);
    supplier.resume(1);
    assert_eq!(supplier.flags(0), LANE_STOP, "another partition");
    supplier.resume(0);
    assert_eq!(supplier.flags(0), 0);
    // Neither what is void nor what is going away.
    supplier.pause(0);
    supplier.void(0);
    supplier.resume(0);
    assert_eq!(supplier.flags(0), LANE_STOP | LANE_STALE);
    supplier.finish(0, Outcome::Stopped);
    supplier.acquire_again(0);
    supplier.decode_all();
    assert!(supplier.take(0));
    supplier.pause(0);
    supplier.deliveries.suspend(true);
    supplier.resume(0);
    assert_eq!(supplier.flags(0), LANE_STOP | LANE_CLOSING);
}

#[test]
fn a_resume_says_whether_the_decoder_has_passed_over_what_was_paused() {
    let mut supplier = Supplier::of(&[0]);
    supplier.pause(0);
    assert!(!supplier.resume(0), "it has not looked");
    supplier.pause(0);
    supplier.acquire(0, &[10]);
    assert!(!supplier.begin_decode());
    assert!(supplier.resume(0) && !supplier.resume(0));
    assert!(supplier.begin_decode());
}

#[test]
fn pauses_are_about_partitions_that_come_back_too() {
    let mut supplier = Supplier::of(&[0, 1]);
    supplier.pause(0);
    supplier.unassign();
    supplier.unassign();
    assert_eq!(supplier.deliveries.paused(), [tp(0)], "a resume of all that is paused means these");
    supplier.pause(1);
    assert_eq!(supplier.deliveries.paused(), [tp(0), tp(1)]);
    supplier.resume(1);
    supplier.assign(&[0, 1]);
    assert_eq!(supplier.deliveries.paused(), [tp(0)]);
    supplier.unassign();
    supplier.assign(&[1]);
    assert!(supplier.deliveries.paused().is_empty());
    supplier.unassign();
    supplier.assign(&[]);
    assert!(supplier.deliveries.paused().is_empty());
}

#[test]
fn what_is_queued_in_a_pause_can_make_room() {
    let mut supplier = Supplier::of(&[0, 1]);
    supplier.acquire(0, &[10; 9]);
    supplier.acquire(1, &[10; 9]);
    // Partition 0 is half decoded, and more of it is queued.
    assert!(supplier.begin_decode());
    supplier.end_decode();
    supplier.acquire(0, &[10]);
    assert!(!supplier.deliveries.wants(supplier.slot(0)) && supplier.deliveries.wants(supplier.slot(1)));
    let before = supplier.deliveries.queued_bytes();
    supplier.pause(0);
    supplier.shed_paused();
    assert!(supplier.deliveries.queued_bytes() < before);
    assert_eq!(supplier.offsets(0, Released), [3, 4, 5, 6, 7, 8, 9]);
    assert!(!supplier.deliveries.wants(supplier.slot(0)), "paused");
    supplier.resume(0);
    assert!(supplier.deliveries.wants(supplier.slot(0)));
    supplier.acquire_again(0);
    supplier.consume();
    assert_eq!((supplier.offsets(0, Accepted).len(), supplier.offsets(1, Accepted).len()), (10, 9));
    assert_eq!((supplier.deliveries.held_bytes(), supplier.state(0, 9)), (0, Accepted));
}
