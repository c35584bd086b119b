//! The assignors of a consumer, in its order of preference: the engine's own, which answer here, and those of the facade,
//! which is asked.
//!
//! ```text
//!  group: protocols needed ──► any of the facade's? ──no──► ours
//!                                       └──yes──► the facade offers its own ──► ours put between them
//!  group: assignment needed ──► survey ──► is it ours? ──yes──► assigned
//!                                             └──no──► the facade assigns ──► if it is cooperative: what others
//!                                                                             still own is withheld
//! ```
//!
//! A cooperative assignor of the facade's need not know how: what the member owns is written into its subscription here, and what
//! it gives away too early is withheld by the leader, as Kafka does for its own. (Kafka refuses that of others.)

use std::collections::BTreeMap;
use std::time::Instant;

use crate::engine::group::assignors::{
    Assignor, Joining, Member, Partition, Partitions, RebalanceProtocol, Topic, rebalance_protocol,
};
use crate::engine::protocol::join_group::{JoinGroupMember, JoinGroupProtocol};
use crate::engine::protocol::metadata::{MetadataPartition, MetadataResponse, MetadataTopic};
use crate::engine::protocol::sync_group::SyncGroupAssignment;
use crate::engine::protocol::{Assignment, Subscription};

use super::machine::Consumer;
use super::{Assigned, Event};

/// An assignor that a consumer offers to its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offered {
    /// One of the engine's.
    Engine(Assignor),
    /// The next one of the facade's, which works under these protocols.
    Facade(&'static [RebalanceProtocol]),
}

impl Offered {
    /// An assignor of the facade's that knows nothing of KIP-429.
    pub const EAGER: Offered = Offered::Facade(&[RebalanceProtocol::Eager]);
    /// One of the facade's that does.
    pub const COOPERATIVE: Offered =
        Offered::Facade(&[RebalanceProtocol::Eager, RebalanceProtocol::Cooperative]);

    fn rebalance_protocols(self) -> &'static [RebalanceProtocol] {
        match self {
            Offered::Engine(assignor) => assignor.rebalance_protocols(),
            Offered::Facade(protocols) => protocols,
        }
    }

    fn is_cooperative(self) -> bool {
        self.rebalance_protocols().contains(&RebalanceProtocol::Cooperative)
    }
}

/// How a member that offers these gives up partitions.
pub(super) fn mode_of(assignors: &[Offered]) -> RebalanceProtocol {
    let protocols = assignors.iter().map(|offered| offered.rebalance_protocols());
    rebalance_protocol(protocols).unwrap_or(RebalanceProtocol::Eager)
}

/// What we were assigned last, and in which generation. What `sticky` goes by, though we have given it back before we join.
#[derive(Debug)]
pub(super) struct Previous {
    partitions: Partitions,
    generation: i32,
}

impl Default for Previous {
    fn default() -> Previous {
        Previous { partitions: Partitions::new(), generation: -1 }
    }
}

impl Previous {
    pub(super) fn new(partitions: Partitions, generation: i32) -> Previous {
        Previous { partitions, generation }
    }
}

impl Consumer {
    /// The group wants to know what we offer.
    pub(super) fn offer(&mut self, now: Instant, job: u64, topics: Vec<String>) {
        if self.config.assignors.iter().any(|offered| matches!(offered, Offered::Facade(_))) {
            self.events.push_back(Event::ProtocolsNeeded { job, topics });
        } else {
            let protocols = self.with_ours(Vec::new());
            self.group.protocols(now, job, protocols);
        }
    }

    /// What the facade offers, and what the engine does, in the order of preference. An error says that a cooperative one of the
    /// facade's has written something in which nothing can be said of what the member owns.
    pub(super) fn with_ours(
        &mut self,
        of_facade: Vec<JoinGroupProtocol>,
    ) -> Result<Vec<JoinGroupProtocol>, String> {
        let rack = Some(&self.config.fetch.rack_id).filter(|rack| !rack.is_empty());
        let joining = Joining {
            topics: self.topics.keys().cloned().collect(),
            owned: self.group.owned(),
            previous: self.previous.partitions.clone(),
            generation: self.previous.generation,
            rack: rack.cloned(),
        };
        let mut of_facade = of_facade.into_iter();
        let mut protocols = Vec::new();
        self.cooperative_names.clear();
        for offered in &self.config.assignors {
            match offered {
                Offered::Engine(assignor) => protocols.push(JoinGroupProtocol {
                    name: assignor.name().to_owned(),
                    metadata: assignor.subscription(&joining).encode(),
                }),
                Offered::Facade(_) => {
                    let Some(protocol) = of_facade.next() else { continue };
                    if offered.is_cooperative() {
                        self.cooperative_names.insert(protocol.name.clone());
                        protocols.push(completed(protocol, &joining)?);
                    } else {
                        protocols.push(protocol);
                    }
                }
            }
        }
        protocols.extend(of_facade);
        Ok(protocols)
    }

    /// Is this a cooperative assignor of the facade's?
    pub(super) fn is_cooperative_of_facade(&self, protocol: &str) -> bool {
        self.cooperative_names.contains(protocol)
    }

    /// The engine's assignor of this name, if we offer it.
    pub(super) fn own_assignor(&self, protocol: &str) -> Option<Assignor> {
        let own = Assignor::from_name(protocol)?;
        self.config.assignors.contains(&Offered::Engine(own)).then_some(own)
    }
}

/// What a cooperative assignor of the facade's offers, and what the member owns. Its own version, which is no
/// more than the layout's for all others, gives way to the one that has these fields.
fn completed(protocol: JoinGroupProtocol, joining: &Joining) -> Result<JoinGroupProtocol, String> {
    let JoinGroupProtocol { name, metadata } = protocol;
    let subscription = Subscription::decode(metadata).map_err(|error| {
        format!(
            "The assigner \"{name}\" is cooperative, so its metadata has to be what AssignerProtocol.MemberMetadata.encode() \
             returns: {error}"
        )
    })?;
    let subscription = Subscription {
        version: Subscription::default().version,
        owned: joining.owned.clone(),
        generation: joining.generation,
        rack: joining.rack.clone(),
        ..subscription
    };
    Ok(JoinGroupProtocol { name, metadata: subscription.encode() })
}

/// As the leader sees it. One whose subscription cannot be read subscribes to nothing and owns nothing.
pub(super) fn member(member: JoinGroupMember) -> Member {
    Member {
        id: member.member_id,
        instance_id: member.group_instance_id,
        subscription: Subscription::decode(member.metadata).unwrap_or_default(),
    }
}

/// Shares out what the metadata tells of. A member whose subscription cannot be read gets nothing.
pub(super) fn assign(
    assignor: Assignor,
    members: Vec<JoinGroupMember>,
    metadata: &MetadataResponse,
) -> Assigned {
    let members: Vec<Member> = members.into_iter().map(member).collect();
    let brokers = metadata.brokers.iter();
    let racks: BTreeMap<i32, &String> =
        brokers.filter_map(|broker| Some((broker.node_id, broker.rack.as_ref()?))).collect();
    let topics: Vec<Topic> = metadata.topics.iter().filter_map(|topic| existing(topic, &racks)).collect();
    let seen = topics
        .iter()
        .map(|topic| (topic.name.clone(), topic.partitions.iter().map(|partition| partition.id).collect()));
    let seen = seen.collect();
    let shares = assignor.assign(&members, &topics).into_iter().zip(members);
    let shares = shares.map(|(topics, member)| SyncGroupAssignment {
        member_id: member.id,
        assignment: Assignment { version: Subscription::default().version, topics, user_data: None }.encode(),
    });
    Assigned { shares: shares.collect(), seen }
}

fn existing(topic: &MetadataTopic, racks: &BTreeMap<i32, &String>) -> Option<Topic> {
    let partition = |partition: &MetadataPartition| Partition {
        id: partition.partition,
        racks: partition
            .replicas
            .iter()
            .filter_map(|node| racks.get(node).map(|rack| (*rack).clone()))
            .collect(),
    };
    Some(Topic { name: topic.name.clone()?, partitions: topic.partitions.iter().map(partition).collect() })
}
