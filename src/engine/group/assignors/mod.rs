//! The assignors that come with the engine, by Kafka's names: `range`, `roundrobin`, `sticky`, `cooperative-sticky`. Pure.
//!
//! ```text
//!  every member: Assignor::subscription ──► JoinGroup ──► the leader: Assignor::assign ──► SyncGroup
//! ```
//!
//! `range` and `roundrobin` give exactly what Kafka's own give, so it does not matter who of a mixed group leads. `sticky` and
//! `cooperative-sticky` are as balanced and as sticky, by a way of their own (see `sticky`). All four give the same for the
//! same members and topics, in whatever order these come.

mod claims;
mod cooperative;
mod input;
mod range;
mod round_robin;
mod sticky;
#[cfg(test)]
mod tests;
mod user_data;

use crate::engine::protocol::Subscription;

use claims::Claims;
pub use cooperative::withhold;
use input::Input;

/// One of the assignors that come with the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Assignor {
    /// Contiguous partitions of each topic; partitions of the same number together where topics are alike (co-partitioning).
    Range,
    /// One partition after the other to one member after the other.
    RoundRobin,
    /// Balanced, with as few moves as possible; everybody revokes everything before it joins.
    Sticky,
    /// As [`Assignor::Sticky`], and what a member keeps is never revoked (KIP-429).
    CooperativeSticky,
}

/// How members give up partitions in a rebalance (KIP-429).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RebalanceProtocol {
    /// All of them before JoinGroup.
    Eager,
    /// Those that the new assignment has taken away, after SyncGroup.
    Cooperative,
}

/// Topics and partitions, as [`Subscription`] and [`Assignment`](crate::engine::protocol::Assignment) have them.
pub type Partitions = Vec<(String, Vec<i32>)>;

/// A member, as the leader of the group sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Given by the coordinator.
    pub id: String,
    /// Static membership (KIP-345).
    pub instance_id: Option<String>,
    /// What it subscribes to, what it owns, where it is.
    pub subscription: Subscription,
}

/// A topic that exists. One that members subscribe to and that is not among those of [`Assignor::assign`] is nobody's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Its partitions.
    pub partitions: Vec<Partition>,
}

/// A partition that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Its number.
    pub id: i32,
    /// The racks of its replicas (KIP-881); of those that have none, nothing.
    pub racks: Vec<String>,
}

/// What a member knows of itself before it joins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Joining {
    /// Subscribed topics.
    pub topics: Vec<String>,
    /// What it still owns: nothing, where rebalancing is eager.
    pub owned: Partitions,
    /// What it was assigned last, though it may have given that back since: what `sticky` goes by.
    pub previous: Partitions,
    /// The generation of both; -1 if there was none.
    pub generation: i32,
    /// The member's rack.
    pub rack: Option<String>,
}

impl Assignor {
    /// All that there are.
    pub const ALL: [Assignor; 4] =
        [Assignor::Range, Assignor::RoundRobin, Assignor::Sticky, Assignor::CooperativeSticky];

    /// The name by which the members of a group agree on it.
    pub fn name(self) -> &'static str {
        match self {
            Assignor::Range => "range",
            Assignor::RoundRobin => "roundrobin",
            Assignor::Sticky => "sticky",
            Assignor::CooperativeSticky => "cooperative-sticky",
        }
    }

    /// The assignor of this [`Assignor::name`].
    pub fn from_name(name: &str) -> Option<Assignor> {
        Assignor::ALL.into_iter().find(|assignor| assignor.name() == name)
    }

    /// The protocols under which it works.
    pub fn rebalance_protocols(self) -> &'static [RebalanceProtocol] {
        match self {
            Assignor::CooperativeSticky => &[RebalanceProtocol::Eager, RebalanceProtocol::Cooperative],
            Assignor::Range | Assignor::RoundRobin | Assignor::Sticky => &[RebalanceProtocol::Eager],
        }
    }

    /// What a member that joins says of itself under this name.
    pub fn subscription(self, joining: &Joining) -> Subscription {
        let Joining { previous, generation, .. } = joining;
        let user_data = match self {
            Assignor::Sticky if !previous.is_empty() || *generation >= 0 => {
                Some(user_data::encode_previous(previous, *generation))
            }
            Assignor::CooperativeSticky if *generation >= 0 => {
                Some(user_data::encode_generation(*generation))
            }
            Assignor::Range | Assignor::RoundRobin | Assignor::Sticky | Assignor::CooperativeSticky => None,
        };
        Subscription {
            topics: joining.topics.clone(),
            user_data,
            owned: joining.owned.clone(),
            generation: *generation,
            rack: joining.rack.clone(),
            ..Subscription::default()
        }
    }

    /// Shares out the topics: what each member gets, in the order of `members`. Each partition that somebody subscribes to
    /// is in one share; under [`Assignor::CooperativeSticky`] in none while a member that is to lose it owns it.
    pub fn assign(self, members: &[Member], topics: &[Topic]) -> Vec<Partitions> {
        let input = Input::new(members, topics);
        let owners = match self {
            Assignor::Range => range::assign(&input),
            Assignor::RoundRobin => round_robin::assign(&input),
            Assignor::Sticky => sticky::assign(&input, &Claims::new(&input, user_data::previous), true),
            Assignor::CooperativeSticky => {
                let claims = Claims::new(&input, user_data::owned);
                // In a second round, which gives away what was withheld in the first, racks are no reason for a third one.
                let is_complete = claims.owners.iter().all(Option::is_some);
                let mut owners = sticky::assign(&input, &claims, is_complete);
                cooperative::withhold_owners(&mut owners, &claims);
                owners
            }
        };
        input.shares(&owners)
    }
}

/// How a member of these assignors rebalances: by the best protocol that all of them have, as they may be chosen in any
/// generation. So a group gets from an eager assignor to a cooperative one in two steps: both names, then the new one alone.
pub fn rebalance_protocol<'a>(
    assignors: impl IntoIterator<Item = &'a [RebalanceProtocol]>,
) -> Option<RebalanceProtocol> {
    let mut common = vec![RebalanceProtocol::Eager, RebalanceProtocol::Cooperative];
    for protocols in assignors {
        common.retain(|protocol| protocols.contains(protocol));
    }
    common.into_iter().max()
}
