//! What makes `sticky` cooperative (KIP-429): nobody gets a partition that somebody else still has.

use std::collections::BTreeMap;

use crate::engine::protocol::consumer_protocol::Assignment;
use crate::engine::protocol::sync_group::SyncGroupAssignment;

use super::Member;
use super::claims::Claims;
use super::input::Owners;

/// Takes back what its new owner must not have yet. Its old owner sees that it has lost the partition, revokes it and joins
/// again; that is the rebalance in which the partition is given away.
pub(super) fn withhold_owners(owners: &mut Owners, claims: &Claims) {
    for ((owner, kept), claimants) in owners.iter_mut().zip(&claims.owners).zip(&claims.claimants) {
        let is_claimed = |member| claimants.iter().any(|claimant| *claimant != member);
        // Against an owner that is to be believed, others are of an older generation: they know already, or will hear of it.
        if owner.is_some_and(|member| *kept != Some(member) && is_claimed(member)) {
            *owner = None;
        }
    }
}

/// The same for what an assignor that we do not know has given: a partition that another member says it owns is taken out of the
/// share, unless the receiver is the one to believe. What cannot be read is left as it is.
pub fn withhold(shares: &mut [SyncGroupAssignment], members: &[Member]) {
    let mut claims: BTreeMap<(&str, i32), Vec<(&str, i32)>> = BTreeMap::new();
    for member in members {
        for (topic, ids) in &member.subscription.owned {
            for id in ids {
                let claim = (member.id.as_str(), member.subscription.generation);
                claims.entry((topic, *id)).or_default().push(claim);
            }
        }
    }
    for share in shares {
        let Ok(mut assignment) = Assignment::decode(share.assignment.clone()) else { continue };
        let mut is_whole = true;
        for (topic, ids) in &mut assignment.topics {
            ids.retain(|id| {
                let claimants = claims.get(&(topic.as_str(), *id)).map_or(&[][..], Vec::as_slice);
                let may_have = may_have(&share.member_id, claimants);
                is_whole &= may_have;
                may_have
            });
        }
        if !is_whole {
            assignment.topics.retain(|(_, ids)| !ids.is_empty());
            share.assignment = assignment.encode();
        }
    }
}

/// Is the partition nobody else's? Of those that claim it, with a generation, only one of the highest is to be believed.
fn may_have(member: &str, claimants: &[(&str, i32)]) -> bool {
    let own = claimants.iter().find(|(claimant, _)| *claimant == member);
    let mut others = claimants.iter().filter(|(claimant, _)| *claimant != member);
    others.all(|(_, generation)| own.is_some_and(|(_, own)| own > generation))
}
