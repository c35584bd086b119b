//! What makes `sticky` cooperative (KIP-429): nobody gets a partition that somebody else still has.

use super::claims::Claims;
use super::input::Owners;

/// Takes back what its new owner must not have yet. Its old owner sees that it has lost the partition, revokes it and joins
/// again; that is the rebalance in which the partition is given away.
pub(super) fn withhold(owners: &mut Owners, claims: &Claims) {
    for ((owner, kept), claimants) in owners.iter_mut().zip(&claims.owners).zip(&claims.claimants) {
        let is_claimed = |member| claimants.iter().any(|claimant| *claimant != member);
        // Against an owner that is to be believed, others are of an older generation: they know already, or will hear of it.
        if owner.is_some_and(|member| *kept != Some(member) && is_claimed(member)) {
            *owner = None;
        }
    }
}
