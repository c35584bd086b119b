//! Anything may happen in any order; the promises that [`World`] checks hold, and a calm afterwards delivers everything.

use std::time::Duration;

use proptest::prelude::*;

use crate::engine::delivery::Outcome;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Response;

use super::world::*;
use crate::engine::testing::broker::refused;
use crate::engine::testing::soak::cases;

#[derive(Debug, Clone)]
enum Step {
    Append(i32, Vec<usize>),
    Marker(i32),
    Give,
    BeginDecode,
    EndDecode,
    Take(usize),
    Progress(usize, usize),
    Complete(usize),
    Finish(usize, u64),
    Stop(usize),
    Seek(i32, usize),
    Await(i32),
    Pause(i32),
    Crowd(i32),
    Resume(i32),
    Suspend,
    Assign(Vec<i32>),
    Answer(usize),
    Lose(usize, bool),
    Refuse(usize, i16),
    Errs(i32, i32, i16),
    Heal,
    Evict(i32),
    Grants(i32, bool),
    Leaders(Vec<i32>),
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Step> {
    let length = prop_oneof![4 => 0usize..200, 2 => Just(BIG), 1 => Just(2 * SLAB)];
    let codes = vec![3i16, 5, 6, 9, 56, 74, 75, 78, 100, 103, -1];
    prop_oneof![
        8 => (0i32..4, prop::collection::vec(length, 1..6)).prop_map(|(p, lengths)| Step::Append(p, lengths)),
        1 => (0i32..4).prop_map(Step::Marker),
        1 => Just(Step::Give),
        12 => Just(Step::BeginDecode),
        12 => Just(Step::EndDecode),
        10 => (0usize..2).prop_map(Step::Take),
        4 => (0usize..2, 0usize..4).prop_map(|(lane, n)| Step::Progress(lane, n)),
        8 => (0usize..2).prop_map(Step::Complete),
        3 => (0usize..2, prop::sample::select(vec![0u64, 0, 100, 3000]))
            .prop_map(|(lane, wait)| Step::Finish(lane, wait)),
        4 => (0usize..2).prop_map(Step::Stop),
        3 => (0i32..4, any::<prop::sample::Index>()).prop_map(|(p, at)| Step::Seek(p, at.index(1000))),
        1 => (0i32..4).prop_map(Step::Await),
        3 => (0i32..4).prop_map(Step::Pause),
        3 => (0i32..4).prop_map(Step::Crowd),
        3 => (0i32..4).prop_map(Step::Resume),
        1 => Just(Step::Suspend),
        1 => prop::collection::btree_set(0i32..4, 0..4).prop_map(|p| Step::Assign(p.into_iter().collect())),
        20 => (0usize..4).prop_map(Step::Answer),
        2 => (0usize..4, any::<bool>()).prop_map(|(i, taken_in)| Step::Lose(i, taken_in)),
        1 => (0usize..4, prop::sample::select(vec![70i16, 71, 106, -1])).prop_map(|(i, code)| Step::Refuse(i, code)),
        1 => (0i32..3, 0i32..4, prop::sample::select(codes)).prop_map(|(n, p, code)| Step::Errs(n, p, code)),
        2 => Just(Step::Heal),
        1 => (0i32..3).prop_map(Step::Evict),
        1 => (0i32..3, any::<bool>()).prop_map(|(node, grants)| Step::Grants(node, grants)),
        1 => prop::collection::vec(-1i32..3, 4).prop_map(Step::Leaders),
        8 => (1u64..400).prop_map(Step::Pass),
    ]
}

impl World {
    /// A partition is paused while it has something and is being asked for more, and what the others bring crowds it out.
    fn crowd(&mut self, partition: i32) {
        let asking = |world: &World, wanted: bool| {
            (0..world.in_flight.len()).find(|index| world.asked(*index).contains(&partition) == wanted)
        };
        self.logs.get_mut(&partition).unwrap().append(&[10]);
        asking(self, true).into_iter().for_each(|index| self.answer(index));
        self.pause(partition);
        for (other, log) in &mut self.logs {
            log.append(if *other == partition { &[10] } else { &[2 * SLAB] });
        }
        asking(self, false).into_iter().for_each(|index| self.answer(index));
    }

    fn step(&mut self, step: Step, epoch: &mut i32) {
        match step {
            Step::Append(partition, lengths) => self.logs.get_mut(&partition).unwrap().append(&lengths),
            Step::Marker(partition) => self.logs.get_mut(&partition).unwrap().append_marker(),
            Step::Give => {
                self.give();
            }
            Step::BeginDecode => {
                if self.job.is_none() {
                    self.begin_decode();
                    self.settle();
                }
            }
            Step::EndDecode => self.end_decode(),
            Step::Take(lane) => {
                if self.lanes[lane].is_none() {
                    self.take(lane);
                }
            }
            Step::Progress(lane, n) => {
                if let Some(work) = &self.lanes[lane]
                    && let Some(offset) = work.offsets.get(n)
                {
                    self.progress(lane, offset + 1);
                }
            }
            Step::Complete(lane) => self.complete(lane),
            Step::Finish(lane, wait) => {
                if self.lanes[lane].is_some() {
                    self.finish(lane, Outcome::Again(Duration::from_millis(wait)));
                }
            }
            Step::Stop(lane) => {
                if self.lanes[lane].is_some() {
                    self.finish(lane, Outcome::Stopped);
                }
            }
            Step::Seek(partition, at) => {
                let log = &self.logs[&partition];
                let offset = i64::try_from(at).unwrap() % (log.end + 1);
                self.set_position(partition, offset);
            }
            Step::Await(partition) => {
                self.fetch.await_position(&tp(partition));
                self.expected.remove(&partition);
                self.settle();
            }
            Step::Pause(partition) => self.pause(partition),
            Step::Crowd(partition) => self.crowd(partition),
            Step::Resume(partition) => self.resume(partition),
            Step::Suspend => self.unassign(),
            Step::Assign(partitions) => {
                self.assign(&partitions);
                for partition in partitions {
                    self.set_position(partition, 0);
                }
            }
            Step::Answer(index) if index < self.in_flight.len() => self.answer(index),
            Step::Lose(index, taken_in) if index < self.in_flight.len() => self.lose(index, taken_in),
            Step::Refuse(index, code) if index < self.in_flight.len() => {
                self.answer_with(index, Ok(Response::Fetch(refused(ErrorCode(code)))));
            }
            Step::Answer(_) | Step::Lose(..) | Step::Refuse(..) => {}
            Step::Errs(node, partition, code) => {
                let leader = (code == 6).then_some((node, *epoch));
                self.brokers.get_mut(&node).unwrap().errors.insert(partition, (ErrorCode(code), leader));
            }
            Step::Heal => self.brokers.values_mut().for_each(|broker| broker.errors.clear()),
            Step::Evict(node) => self.brokers.get_mut(&node).unwrap().evict(),
            Step::Grants(node, grants) => self.brokers.get_mut(&node).unwrap().grants = grants,
            Step::Leaders(leaders) => {
                *epoch += 1;
                self.set_leaders(leaders.try_into().unwrap(), *epoch);
            }
            Step::Pass(millis) => self.advance(Duration::from_millis(millis)),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(400), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_storm_ends_with_everything_delivered(
        steps in prop::collection::vec(steps(), 1..250),
        // The smaller it is, the more often what is paused gives up what it has.
        max_queued_bytes in prop::sample::select(vec![6_000usize, 60_000]),
    ) {
        let mut world = World::with(config_with(2, max_queued_bytes));
        world.eager = false;
        for _ in 0..3 {
            world.give();
        }
        let mut epoch = 1;
        world.step(Step::Assign(vec![0, 1, 2]), &mut epoch);
        for step in steps {
            world.step(step, &mut epoch);
        }
        if world.fetch.deliveries.assignment().is_empty() {
            world.step(Step::Assign(vec![0, 1, 2]), &mut epoch);
        }
        for partition in world.fetch.deliveries.assignment() {
            if !world.expected.contains_key(&partition.partition) {
                world.set_position(partition.partition, 0);
            }
        }
        world.step(Step::Heal, &mut epoch);
        world.step(Step::Leaders(vec![0, 1, 2, 0]), &mut epoch);
        for partition in 0..4 {
            world.resume(partition);
            world.logs.get_mut(&partition).unwrap().append(&[10]);
        }
        world.end_decode();
        world.eager = true;
        world.settle();
        for _ in 0..100 {
            for lane in 0..2 {
                world.complete(lane);
            }
            world.answer_news();
            world.consume();
            world.advance(Duration::from_millis(60));
            if let Some(stale) = (0..world.in_flight.len()).next() {
                world.answer(stale);
            }
        }
        for partition in world.fetch.deliveries.assignment() {
            let p = partition.partition;
            prop_assert_eq!(world.expected[&p], world.logs[&p].end, "partition {} stands still", p);
        }
        prop_assert_eq!(world.fetch.deliveries.held_bytes(), 0, "everything is handled");
    }
}
