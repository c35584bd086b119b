//! Members and topics in the one order in which all assignors go through them, with numbers instead of names.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::{Member, Partitions, Topic};

/// Who gets each partition, by the numbers of [`Input`].
pub(super) type Owners = Vec<Option<usize>>;

/// Members, topics and partitions are numbers: their place in these lists.
#[derive(Debug)]
pub(super) struct Input<'a> {
    /// Static members by instance id, then the others by member id.
    pub(super) members: Vec<Subscriber<'a>>,
    /// Those that exist and that somebody subscribes to, by name.
    pub(super) topics: Vec<SubscribedTopic<'a>>,
    /// Of all `topics`, topic by topic, by number.
    pub(super) partitions: Vec<Place>,
}

#[derive(Debug)]
pub(super) struct Subscriber<'a> {
    pub(super) member: &'a Member,
    /// Its place in the order of the caller.
    place: usize,
    /// A number, as are those of [`Place`]. An empty rack is none.
    pub(super) rack: Option<usize>,
}

#[derive(Debug)]
pub(super) struct SubscribedTopic<'a> {
    pub(super) name: &'a str,
    pub(super) partitions: Range<usize>,
    /// In ascending order, never empty.
    pub(super) subscribers: Vec<usize>,
}

#[derive(Debug)]
pub(super) struct Place {
    pub(super) topic: usize,
    pub(super) id: i32,
    /// Of its replicas, in ascending order.
    racks: Vec<usize>,
}

impl<'a> Input<'a> {
    pub(super) fn new(members: &'a [Member], topics: &'a [Topic]) -> Input<'a> {
        let mut racks: BTreeMap<&str, usize> = BTreeMap::new();
        let mut number = |rack: &'a str| {
            let next = racks.len();
            *racks.entry(rack).or_insert(next)
        };
        let subscriber = |(place, member): (usize, &'a Member)| {
            let rack = member.subscription.rack.as_deref().filter(|rack| !rack.is_empty());
            Subscriber { member, place, rack: rack.map(&mut number) }
        };
        let mut members: Vec<Subscriber<'a>> = members.iter().enumerate().map(subscriber).collect();
        members.sort_by(|one, other| order(one.member, other.member));

        let mut subscribers: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (number, subscriber) in members.iter().enumerate() {
            let names: BTreeSet<&str> =
                subscriber.member.subscription.topics.iter().map(String::as_str).collect();
            names.into_iter().for_each(|name| subscribers.entry(name).or_default().push(number));
        }
        let existing: BTreeMap<&str, &Topic> =
            topics.iter().map(|topic| (topic.name.as_str(), topic)).collect();
        let mut input = Input { members, topics: Vec::new(), partitions: Vec::new() };
        for (name, subscribers) in subscribers {
            let partitions = existing.get(name).map_or(&[][..], |topic| &topic.partitions);
            let ids: BTreeMap<i32, _> =
                partitions.iter().map(|partition| (partition.id, partition)).collect();
            if ids.is_empty() {
                continue;
            }
            let (topic, start) = (input.topics.len(), input.partitions.len());
            input.partitions.extend(ids.into_iter().map(|(id, partition)| {
                let racks: BTreeSet<usize> = partition.racks.iter().map(|rack| number(rack)).collect();
                Place { topic, id, racks: racks.into_iter().collect() }
            }));
            let partitions = start..input.partitions.len();
            input.topics.push(SubscribedTopic { name, partitions, subscribers });
        }
        input
    }

    /// The number of a partition that exists and that somebody subscribes to.
    pub(super) fn partition(&self, topic: &str, id: i32) -> Option<usize> {
        let topic = self.topics.binary_search_by(|known| known.name.cmp(topic)).ok()?;
        let range = self.topics[topic].partitions.clone();
        let found = self.partitions[range.clone()].binary_search_by_key(&id, |partition| partition.id);
        found.ok().map(|behind| range.start + behind)
    }

    /// Does the member subscribe to the partition's topic?
    pub(super) fn may_have(&self, member: usize, partition: usize) -> bool {
        let topic = &self.topics[self.partitions[partition].topic];
        topic.subscribers.binary_search(&member).is_ok()
    }

    /// Can the member read the partition in its own rack? One without a rack does not care.
    pub(super) fn racks_match(&self, member: usize, partition: usize) -> bool {
        self.members[member].rack.is_none_or(|rack| self.partitions[partition].racks.contains(&rack))
    }

    /// Do racks make a difference for these members and partitions? Not if no replica is where a member is, or each
    /// partition has replicas in the same racks (KIP-881).
    pub(super) fn racks_matter(
        &self,
        members: impl Iterator<Item = usize>,
        partitions: impl Iterator<Item = usize> + Clone,
    ) -> bool {
        let of_members: BTreeSet<usize> = members.filter_map(|member| self.members[member].rack).collect();
        if of_members.is_empty() {
            return false;
        }
        let racks = partitions.map(|partition| &self.partitions[partition].racks);
        let all: BTreeSet<usize> = racks.clone().flatten().copied().collect();
        let mut partial = racks.filter(|racks| racks.len() < all.len());
        !of_members.is_disjoint(&all) && partial.next().is_some()
    }

    /// What each member gets, in the order of the caller.
    pub(super) fn shares(&self, owners: &Owners) -> Vec<Partitions> {
        let mut shares = vec![Partitions::new(); self.members.len()];
        for (partition, owner) in self.partitions.iter().zip(owners) {
            let Some(owner) = owner else { continue };
            let share = &mut shares[self.members[*owner].place];
            let name = self.topics[partition.topic].name;
            match share.last_mut() {
                Some((topic, ids)) if topic == name => ids.push(partition.id),
                _ => share.push((name.to_owned(), vec![partition.id])),
            }
        }
        shares
    }
}

/// Kafka's order of members. Java compares strings by their UTF-16 units.
fn order(one: &Member, other: &Member) -> Ordering {
    let by = |one: &str, other: &str| one.encode_utf16().cmp(other.encode_utf16());
    match (&one.instance_id, &other.instance_id) {
        (Some(one), Some(other)) => by(one, other),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => by(&one.id, &other.id),
    }
}
