//! Anything may happen in any order; what `promises` checks holds, and a calm afterwards accepts every record.

use std::time::Duration;

use proptest::prelude::*;

use crate::engine::delivery::Outcome;

use super::supplier::State::{Accepted, Released};
use super::supplier::*;

#[derive(Debug, Clone)]
enum Step {
    Acquire(i32, Vec<usize>),
    AcquireAgain(i32),
    Decode,
    Take(usize),
    Progress(usize, usize),
    Finish(usize, Outcome),
    Pause(i32),
    Resume(i32),
    Void(i32),
}

fn steps() -> impl Strategy<Value = Step> {
    let length = prop_oneof![4 => 0usize..200, 2 => Just(BIG), 1 => Just(2 * SLAB)];
    let outcomes = vec![Outcome::Done, Outcome::Again(Duration::ZERO), Outcome::Stopped];
    prop_oneof![
        6 => (0i32..3, prop::collection::vec(length, 1..6)).prop_map(|(p, lengths)| Step::Acquire(p, lengths)),
        3 => (0i32..3).prop_map(Step::AcquireAgain),
        12 => Just(Step::Decode),
        8 => (0usize..2).prop_map(Step::Take),
        6 => (0usize..2, 0usize..4).prop_map(|(lane, nth)| Step::Progress(lane, nth)),
        6 => (0usize..2, prop::sample::select(outcomes)).prop_map(|(lane, outcome)| Step::Finish(lane, outcome)),
        3 => (0i32..3).prop_map(Step::Pause),
        3 => (0i32..3).prop_map(Step::Resume),
        1 => (0i32..3).prop_map(Step::Void),
    ]
}

impl Supplier {
    fn step(&mut self, step: Step) {
        match step {
            Step::Acquire(partition, lengths) => self.acquire(partition, &lengths),
            Step::AcquireAgain(partition) => {
                if !self.offsets(partition, Released).is_empty() {
                    self.acquire_again(partition);
                }
            }
            // Between the two anything else may happen.
            Step::Decode if self.is_decoding() => {
                self.end_decode();
            }
            Step::Decode => {
                self.begin_decode();
            }
            Step::Take(lane) if self.lanes[lane].is_none() => {
                self.take(lane);
            }
            Step::Progress(lane, nth) => {
                let offset = self.lanes[lane].as_ref().and_then(|lane| lane.offsets.get(nth).copied());
                if let Some(offset) = offset {
                    self.progress(lane, offset + 1);
                }
            }
            Step::Finish(lane, outcome) if self.lanes[lane].is_some() => {
                self.finish(lane, outcome);
            }
            Step::Take(_) | Step::Finish(..) => {}
            Step::Pause(partition) => self.pause(partition),
            Step::Resume(partition) => {
                self.resume(partition);
            }
            Step::Void(partition) => self.void(partition),
        }
    }
}

proptest! {
    #[test]
    fn no_record_is_forgotten(steps in prop::collection::vec(steps(), 1..120)) {
        let mut supplier = Supplier::of(&[0, 1, 2]);
        steps.into_iter().for_each(|step| supplier.step(step));
        (0..3).for_each(|partition| supplier.step(Step::Resume(partition)));
        (0..2).for_each(|lane| supplier.step(Step::Finish(lane, Outcome::Done)));
        if supplier.is_decoding() {
            supplier.end_decode();
        }
        supplier.consume();
        (0..3).for_each(|partition| supplier.step(Step::AcquireAgain(partition)));
        supplier.consume();
        prop_assert_eq!(supplier.deliveries.held_bytes(), 0);
        for partition in 0..3 {
            let accepted = supplier.offsets(partition, Accepted);
            prop_assert!(supplier.deliveries.is_drained(supplier.slot(partition)));
            prop_assert!(accepted.iter().copied().eq(0..supplier.acquired(partition)), "{:?}", accepted);
        }
    }
}
