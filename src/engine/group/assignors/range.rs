//! `range`: of each topic, contiguous partitions for each of its subscribers, one more for the first ones.
//!
//! With racks (KIP-881) two steps come before, which keep to the same numbers of partitions:
//!
//! 1. Topics with the same subscribers and the same partitions stay together: all partitions of one number go to the first
//!    member that can have them all in its rack.
//! 2. Of a topic that stands alone, members get partitions of their rack.
//!
//! What is left after that is shared out in ranges.

use std::collections::BTreeMap;

use super::input::{Input, Owners};

pub(super) fn assign(input: &Input) -> Owners {
    let mut owners = vec![None; input.partitions.len()];
    let mut topics: Vec<Ranges> = (0..input.topics.len()).map(|topic| Ranges::new(input, topic)).collect();
    let matters = |topic: usize| {
        let topic = &input.topics[topic];
        input.racks_matter(topic.subscribers.iter().copied(), topic.partitions.clone())
    };
    let rack_aware: Vec<bool> = (0..input.topics.len()).map(matters).collect();
    if rack_aware.contains(&true) {
        for alike in co_partitioned(input) {
            match alike[..] {
                [topic] if rack_aware[topic] => {
                    topics[topic]
                        .assign(&mut owners, |member, partition| input.racks_match(member, partition));
                }
                [_] => {}
                _ => assign_together(input, &alike, &mut topics, &mut owners),
            }
        }
    }
    topics.iter_mut().for_each(|topic| topic.assign(&mut owners, |_, _| true));
    owners
}

/// Topics with the same subscribers and the same partitions.
fn co_partitioned(input: &Input) -> Vec<Vec<usize>> {
    let mut groups: BTreeMap<(&[usize], Vec<i32>), Vec<usize>> = BTreeMap::new();
    for (number, topic) in input.topics.iter().enumerate() {
        let ids = input.partitions[topic.partitions.clone()].iter().map(|partition| partition.id);
        groups.entry((&topic.subscribers, ids.collect())).or_default().push(number);
    }
    groups.into_values().collect()
}

fn assign_together(input: &Input, alike: &[usize], topics: &mut [Ranges], owners: &mut Owners) {
    let Some(first) = alike.first() else { return };
    let has_racks = |member: &usize| input.members[*member].rack.is_some();
    if !input.topics[*first].subscribers.iter().any(has_racks) {
        return;
    }
    let mut remaining: Vec<usize> = (0..input.topics[*first].subscribers.len()).collect();
    for number in 0..input.topics[*first].partitions.len() {
        let of = |topic: usize| input.topics[topic].partitions.start + number;
        let fits = |place: &usize| {
            let member = input.topics[*first].subscribers[*place];
            alike.iter().all(|&topic| topics[topic].room(*place) > 0 && input.racks_match(member, of(topic)))
        };
        let Some(position) = remaining.iter().position(fits) else { continue };
        let place = remaining[position];
        for &topic in alike {
            topics[topic].give(owners, place, &[of(topic)]);
        }
        if alike.iter().all(|&topic| topics[topic].room(place) == 0) {
            remaining.remove(position);
        }
    }
}

/// A topic that is being shared out. Its subscribers are numbers: their place among the topic's subscribers.
struct Ranges<'a> {
    subscribers: &'a [usize],
    /// What each subscriber has.
    counts: Vec<usize>,
    /// What nobody has.
    left: Vec<usize>,
    /// What each subscriber gets at least.
    quota: usize,
    /// How many more get one more than that.
    extra: usize,
}

impl<'a> Ranges<'a> {
    fn new(input: &'a Input, topic: usize) -> Ranges<'a> {
        let topic = &input.topics[topic];
        let (partitions, subscribers) = (topic.partitions.len(), topic.subscribers.len());
        Ranges {
            subscribers: &topic.subscribers,
            counts: vec![0; subscribers],
            left: topic.partitions.clone().collect(),
            quota: partitions / subscribers,
            extra: partitions % subscribers,
        }
    }

    /// How many partitions the subscriber may still get.
    fn room(&self, place: usize) -> usize {
        (self.quota + usize::from(self.extra > 0)).saturating_sub(self.counts[place])
    }

    /// `partitions` are in ascending order.
    fn give(&mut self, owners: &mut Owners, place: usize, partitions: &[usize]) {
        for &partition in partitions {
            owners[partition] = Some(self.subscribers[place]);
        }
        self.left.retain(|partition| partitions.binary_search(partition).is_err());
        self.counts[place] += partitions.len();
        if self.counts[place] > self.quota {
            self.extra = self.extra.saturating_sub(1);
        }
    }

    /// To one subscriber after the other, as many as it may get of those that fit it.
    fn assign(&mut self, owners: &mut Owners, fits: impl Fn(usize, usize) -> bool) {
        for place in 0..self.subscribers.len() {
            if self.left.is_empty() {
                break;
            }
            let member = self.subscribers[place];
            let fitting = self.left.iter().copied().filter(|&partition| fits(member, partition));
            let partitions: Vec<usize> = fitting.take(self.room(place)).collect();
            if !partitions.is_empty() {
                self.give(owners, place, &partitions);
            }
        }
    }
}
