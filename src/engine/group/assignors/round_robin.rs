//! `roundrobin`: all partitions, topic by topic, are dealt to the members in turn; a member that does not subscribe to the
//! topic is passed over.

use super::input::{Input, Owners};

pub(super) fn assign(input: &Input) -> Owners {
    let mut next = 0;
    let deal = |partition: usize| {
        let topic = &input.topics[input.partitions[partition].topic];
        // The first subscriber from `next` on, beginning anew behind the last member.
        let place = topic.subscribers.partition_point(|&subscriber| subscriber < next);
        let owner = topic.subscribers.get(place).or(topic.subscribers.first()).copied();
        next = owner.map_or(next, |owner| owner + 1);
        owner
    };
    (0..input.partitions.len()).map(deal).collect()
}
