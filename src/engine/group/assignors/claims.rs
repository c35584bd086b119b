//! Whose partitions are whose before an assignment: what the members say, and what is to be believed of it (KIP-792).

use super::input::{Input, Owners};
use super::{Member, Partitions};

/// What the members own, or say that they do.
#[derive(Debug)]
pub(super) struct Claims {
    /// The owner to believe in: the only one of the highest generation. Two that claim a partition in one generation cannot
    /// both be right, and it is neither's.
    pub(super) owners: Owners,
    /// All that claim the partition, right or wrong.
    pub(super) claimants: Vec<Vec<usize>>,
}

impl Claims {
    /// `claim` reads partitions and generation from what a member says.
    pub(super) fn new(input: &Input, claim: impl Fn(&Member) -> (Partitions, i32)) -> Claims {
        let none = Claims {
            owners: vec![None; input.partitions.len()],
            claimants: vec![Vec::new(); input.partitions.len()],
        };
        let mut generations = vec![i32::MIN; input.partitions.len()];
        let claims = input.members.iter().map(|subscriber| claim(subscriber.member)).enumerate();
        claims.fold(none, |mut claims, (member, (partitions, generation))| {
            let numbers = partitions
                .iter()
                .flat_map(|(topic, ids)| ids.iter().filter_map(|id| input.partition(topic, *id)));
            for partition in numbers {
                // The members come one after the other: if this one has said the same before, it was the last.
                if claims.claimants[partition].last() == Some(&member) {
                    continue;
                }
                claims.claimants[partition].push(member);
                if generation > generations[partition] {
                    generations[partition] = generation;
                    claims.owners[partition] = Some(member);
                } else if generation == generations[partition] {
                    claims.owners[partition] = None;
                }
            }
            claims
        })
    }
}
