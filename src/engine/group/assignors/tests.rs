use std::collections::{BTreeMap, BTreeSet};

use crate::engine::protocol::sync_group::SyncGroupAssignment;
use crate::engine::protocol::{Assignment, Subscription};

use super::*;

mod golden;
mod joining;
mod properties;

/// Who has each partition.
type Owned = BTreeMap<(String, i32), String>;

/// A group that lives on from one assignment to the next.
#[derive(Debug, Clone)]
struct World {
    members: Vec<Member>,
    topics: Vec<Topic>,
}

impl World {
    fn subscribes(&self, member: &str, topic: &str) -> bool {
        let member = self.members.iter().find(|other| other.id == member);
        member.is_some_and(|member| member.subscription.topics.iter().any(|other| other == topic))
    }

    /// All partitions that somebody subscribes to.
    fn partitions(&self) -> BTreeSet<(String, i32)> {
        let subscribed: BTreeSet<&String> =
            self.members.iter().flat_map(|member| &member.subscription.topics).collect();
        let topics = self.topics.iter().filter(|topic| subscribed.contains(&topic.name));
        topics.flat_map(|topic| topic.partitions.iter().map(|p| (topic.name.clone(), p.id))).collect()
    }

    fn assign(&self, assignor: Assignor) -> Owned {
        owned(&self.members, &assignor.assign(&self.members, &self.topics))
    }

    /// What the members say that they own, each partition as often as it is claimed.
    fn claims(&self) -> BTreeMap<(String, i32), Vec<&Member>> {
        let mut claims: BTreeMap<(String, i32), Vec<&Member>> = BTreeMap::new();
        for member in &self.members {
            let partitions = member.subscription.owned.iter();
            let partitions = partitions.flat_map(|(topic, ids)| ids.iter().map(|id| (topic.clone(), *id)));
            partitions.for_each(|partition| claims.entry(partition).or_default().push(member));
        }
        claims
    }

    /// Those that can be believed: the only one of the highest generation, where it may still have the partition.
    fn believed(&self) -> Owned {
        let mut believed = Owned::new();
        for (partition, claimants) in self.claims() {
            let highest = claimants.iter().map(|member| member.subscription.generation).max();
            let mut latest =
                claimants.iter().filter(|member| Some(member.subscription.generation) == highest);
            if let (Some(member), None) = (latest.next(), latest.next())
                && self.partitions().contains(&partition)
                && self.subscribes(&member.id, &partition.0)
            {
                believed.insert(partition, member.id.clone());
            }
        }
        believed
    }

    /// How many partitions are taken from somebody who has them.
    fn moves(&self, given: &Owned) -> usize {
        self.believed().iter().filter(|(partition, member)| given.get(partition) != Some(member)).count()
    }

    /// The sum of all differences between two members' numbers of partitions: the lower, the more balanced.
    fn imbalance(&self, given: &Owned) -> usize {
        let mut loads: BTreeMap<&str, usize> =
            self.members.iter().map(|member| (member.id.as_str(), 0)).collect();
        given.values().for_each(|member| *loads.entry(member).or_default() += 1);
        let differences =
            loads.values().map(|one| loads.values().map(|other| one.abs_diff(*other)).sum::<usize>());
        differences.sum::<usize>() / 2
    }

    /// How many partitions are in none of their members' racks.
    fn far(&self, given: &Owned) -> usize {
        let racks = |(name, id): &(String, i32)| {
            let topic = self.topics.iter().find(|topic| topic.name == *name).unwrap();
            &topic.partitions.iter().find(|partition| partition.id == *id).unwrap().racks
        };
        let rack = |id: &String| {
            self.members.iter().find(|other| other.id == *id).unwrap().subscription.rack.as_ref()
        };
        let far = given
            .iter()
            .filter(|(place, member)| rack(member).is_some_and(|rack| !racks(place).contains(rack)));
        far.count()
    }

    /// Each partition once, and only to who subscribes to it.
    fn assert_complete(&self, given: &Owned) {
        assert_eq!(given.keys().cloned().collect::<BTreeSet<_>>(), self.partitions());
        self.assert_subscribed(given);
    }

    fn assert_subscribed(&self, given: &Owned) {
        for ((topic, id), member) in given {
            assert!(self.subscribes(member, topic), "{member} has {topic}-{id}");
        }
    }

    /// No partition goes to one while another has it.
    fn assert_withheld(&self, given: &Owned) {
        let (claims, believed) = (self.claims(), self.believed());
        for (partition, member) in given {
            let kept = believed.get(partition) == Some(member);
            let claimants = claims.get(partition).into_iter().flatten();
            let others: Vec<_> = claimants.filter(|other| other.id != *member).collect();
            assert!(kept || others.is_empty(), "{partition:?} goes to {member}, and {others:?} has it");
        }
    }

    /// If something was withheld, those that have lost it join again, and with them everybody.
    fn second_round(&mut self, first: &Owned) -> Owned {
        if first.len() == self.partitions().len() {
            return first.clone();
        }
        self.rejoin(first, 7);
        let second = self.assign(Assignor::CooperativeSticky);
        self.assert_withheld(&second);
        second
    }

    /// All have got this, and join again.
    fn rejoin(&mut self, given: &Owned, generation: i32) {
        for member in &mut self.members {
            let mut owned: BTreeMap<String, Vec<i32>> = BTreeMap::new();
            let own = given.iter().filter(|(_, owner)| **owner == member.id);
            own.for_each(|((topic, id), _)| owned.entry(topic.clone()).or_default().push(*id));
            let owned: Partitions = owned.into_iter().collect();
            own_now(member, owned, generation);
        }
    }
}

/// Both in the subscription's own fields and in the user data of `sticky`.
fn own_now(member: &mut Member, owned: Partitions, generation: i32) {
    let subscription = &member.subscription;
    let joining = Joining {
        topics: subscription.topics.clone(),
        owned: owned.clone(),
        previous: owned,
        generation,
        rack: subscription.rack.clone(),
    };
    member.subscription = Assignor::Sticky.subscription(&joining);
}

fn owned(members: &[Member], shares: &[Partitions]) -> Owned {
    assert_eq!(members.len(), shares.len());
    let mut given = Owned::new();
    for (member, share) in members.iter().zip(shares) {
        for (topic, ids) in share {
            for id in ids {
                let before = given.insert((topic.clone(), *id), member.id.clone());
                assert_eq!(before, None, "{topic}-{id} is given twice");
            }
        }
    }
    given
}

fn member(id: &str, topics: &[&str]) -> Member {
    let topics = topics.iter().map(|topic| (*topic).to_owned()).collect();
    Member {
        id: id.to_owned(),
        instance_id: None,
        subscription: Subscription { topics, ..Subscription::default() },
    }
}

fn topic(name: &str, partitions: i32) -> Topic {
    let partitions = (0..partitions).map(|id| Partition { id, racks: Vec::new() }).collect();
    Topic { name: name.to_owned(), partitions }
}

#[test]
fn what_others_still_own_is_withheld_from_any_assignment() {
    let member = |id: &str, owned: &[i32], generation| Member {
        id: id.into(),
        instance_id: None,
        subscription: Subscription {
            owned: vec![("t".into(), owned.to_vec())],
            generation,
            ..Subscription::default()
        },
    };
    let members =
        [member("a", &[0, 1], 7), member("b", &[1, 2], 6), member("c", &[3], 7), member("d", &[3], 7)];
    let share = |id: &str, partitions: &[i32]| {
        let topics = vec![("t".to_owned(), partitions.to_vec())];
        let assignment = Assignment { version: 1, topics, user_data: Some("x".into()) };
        SyncGroupAssignment { member_id: id.into(), assignment: assignment.encode() }
    };
    let unreadable = SyncGroupAssignment { member_id: "d".into(), assignment: "?".into() };
    // 0 is a's. 1 is a's, which b has not heard of yet. 3 is claimed by two of one generation: by neither, and it is waited for.
    let mut shares = [share("a", &[1, 2, 4]), share("b", &[0, 1]), share("c", &[3, 5]), unreadable.clone()];
    withhold(&mut shares, &members);
    let given = |share: &SyncGroupAssignment| Assignment::decode(share.assignment.clone()).unwrap();
    assert_eq!(given(&shares[0]).topics, [("t".to_owned(), vec![1, 4])]);
    assert_eq!(given(&shares[0]).user_data, Some("x".into()));
    assert_eq!(given(&shares[1]).topics, []);
    assert_eq!(given(&shares[2]).topics, [("t".to_owned(), vec![5])]);
    assert_eq!(shares[3], unreadable);
    let mut untouched = [share("b", &[6]), share("new", &[])];
    withhold(&mut untouched, &members);
    assert_eq!(untouched, [share("b", &[6]), share("new", &[])]);
}
