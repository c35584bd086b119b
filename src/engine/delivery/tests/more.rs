//! A lane whose handlers run beside each other takes more of its partition before it has finished with what it has.

use crate::engine::delivery::Finished;
use crate::engine::delivery::LANE_STOP;
use crate::engine::delivery::Outcome;

use super::supplier::*;

/// Six messages of partition 0, three in each delivery; lane 0 has the first.
fn with_more() -> Supplier {
    let mut supplier = Supplier::of(&[0, 1]);
    supplier.acquire(0, &[10; 6]);
    supplier.decode_all();
    assert!(supplier.take(0));
    supplier
}

#[test]
fn what_follows_is_part_of_its_work() {
    let mut supplier = with_more();
    let more = supplier.deliveries.take_more(0).expect("three more");
    assert_eq!((more.start, more.summary.next_offset), (3, 6));
    let slot = supplier.slot(0);
    assert_eq!(supplier.deliveries.resolve_to(0, None), Some((slot, 0, 6)));
    assert_eq!(supplier.deliveries.resolve_to(0, Some(4)), Some((slot, 4, 6)));
    assert_eq!(
        supplier.deliveries.finish(0, Outcome::Done),
        Some((slot, Finished::Returned { from: 4, end: 6 }))
    );
}

#[test]
fn a_lane_that_wants_more_is_woken_for_it_once() {
    let mut supplier = with_more();
    assert!(!supplier.deliveries.has_ready(), "it has not asked");
    assert!(supplier.deliveries.take_more(0).is_some() && supplier.deliveries.take_more(0).is_none());
    assert!(!supplier.deliveries.has_ready());
    supplier.acquire(0, &[10; 3]);
    supplier.decode_all();
    assert!(supplier.deliveries.has_ready());
    supplier.deliveries.woken();
    assert!(!supplier.deliveries.has_ready(), "nobody is woken again for what is not asked for");
    assert!(supplier.deliveries.take_more(0).is_some());
}

#[test]
fn a_lane_that_is_to_stop_gets_no_more() {
    let mut supplier = with_more();
    supplier.pause(0);
    assert_eq!(supplier.flags(0), LANE_STOP);
    assert!(supplier.deliveries.take_more(0).is_none() && !supplier.deliveries.has_ready());
    let mut supplier = with_more();
    supplier.deliveries.suspend(false);
    assert!(supplier.deliveries.take_more(0).is_none());
    assert!(supplier.deliveries.take_more(1).is_none() && supplier.deliveries.take_more(99).is_none());
    let mut supplier = with_more();
    supplier.void(0);
    assert!(supplier.deliveries.take_more(0).is_none());
    assert_eq!(supplier.deliveries.resolve_to(0, Some(2)), None, "an older epoch");
}
