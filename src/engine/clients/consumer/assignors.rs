//! The assignors of a consumer, in its order of preference: the engine's own, which answer here, and those of the facade,
//! which is asked.
//!
//! ```text
//!  group: protocols needed ──► any of the facade's? ──no──► ours
//!                                       └──yes──► the facade offers its own ──► ours put between them
//!  group: assignment needed ──► survey ──► is it ours? ──yes──► assigned
//!                                             └──no──► the facade assigns
//! ```

use std::collections::BTreeMap;
use std::time::Instant;

use crate::engine::group::assignors::{Assignor, Joining, Member, Partition, Partitions, Topic};
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
    /// The next one of the facade's.
    Facade,
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
        if self.config.assignors.contains(&Offered::Facade) {
            self.events.push_back(Event::ProtocolsNeeded { job, topics });
        } else {
            let protocols = self.with_ours(Vec::new());
            self.group.protocols(now, job, Ok(protocols));
        }
    }

    /// What the facade offers, and what the engine does, in the order of preference.
    pub(super) fn with_ours(&self, of_facade: Vec<JoinGroupProtocol>) -> Vec<JoinGroupProtocol> {
        let rack = Some(&self.config.fetch.rack_id).filter(|rack| !rack.is_empty());
        let joining = Joining {
            topics: self.topics.keys().cloned().collect(),
            owned: Partitions::new(), // eager: nothing is kept over a rebalance
            previous: self.previous.partitions.clone(),
            generation: self.previous.generation,
            rack: rack.cloned(),
        };
        let mut of_facade = of_facade.into_iter();
        let assignors = self.config.assignors.iter();
        let mut protocols: Vec<JoinGroupProtocol> = assignors
            .filter_map(|offered| match offered {
                Offered::Facade => of_facade.next(),
                Offered::Engine(assignor) => Some(JoinGroupProtocol {
                    name: assignor.name().to_owned(),
                    metadata: assignor.subscription(&joining).encode(),
                }),
            })
            .collect();
        protocols.extend(of_facade);
        protocols
    }

    /// The engine's assignor of this name, if we offer it.
    pub(super) fn own_assignor(&self, protocol: &str) -> Option<Assignor> {
        let own = Assignor::from_name(protocol)?;
        self.config.assignors.contains(&Offered::Engine(own)).then_some(own)
    }
}

/// Shares out what the metadata tells of. A member whose subscription cannot be read gets nothing.
pub(super) fn assign(
    assignor: Assignor,
    members: Vec<JoinGroupMember>,
    metadata: &MetadataResponse,
) -> Assigned {
    let member = |member: JoinGroupMember| Member {
        id: member.member_id,
        instance_id: member.group_instance_id,
        subscription: Subscription::decode(member.metadata).unwrap_or_default(),
    };
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
