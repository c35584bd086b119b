use crate::engine::group::assignors::{Assignor, RebalanceProtocol};
use crate::engine::machine::Machine;
use crate::engine::protocol::join_group::{JoinGroupMember, JoinGroupProtocol};
use crate::engine::protocol::metadata::{MetadataBroker, MetadataPartition, MetadataResponse, MetadataTopic};
use crate::engine::protocol::{Assignment, Subscription};

use super::world::{World, config};
use crate::engine::clients::consumer::assignors::mode_of;
use crate::engine::clients::consumer::{ConsumerConfig, Event, Offered, assignors};

fn world(assignors: Vec<Offered>) -> World {
    World::with(ConsumerConfig { assignors, ..config() }, 7)
}

#[test]
fn ours_and_the_facades_are_offered_in_order() {
    let offered = [Offered::EAGER, Offered::Engine(Assignor::Range), Offered::EAGER];
    let mut world = world(offered.to_vec());
    let facades =
        ["first", "second"].map(|name| JoinGroupProtocol { name: name.into(), metadata: "m".into() });
    let protocols = world.consumer.with_ours(facades.to_vec()).unwrap();
    let names: Vec<String> = protocols.into_iter().map(|protocol| protocol.name).collect();
    assert_eq!(names, ["first", "range", "second"]);
}

#[test]
fn the_facade_is_not_asked_for_what_is_ours() {
    let mut world = world(vec![Offered::Engine(Assignor::Range)]);
    world.consumer.offer(world.now, 1, vec!["t".into()]);
    let asked = std::iter::from_fn(|| world.consumer.poll_event())
        .any(|event| matches!(event, Event::ProtocolsNeeded { .. }));
    assert!(!asked);
    assert_eq!(world.consumer.own_assignor("range"), Some(Assignor::Range));
    assert_eq!(world.consumer.own_assignor("sticky"), None, "which we do not offer");
}

#[test]
fn racks_come_from_the_brokers() {
    let broker =
        |node_id, rack: &str| MetadataBroker { node_id, rack: Some(rack.into()), ..Default::default() };
    let partition =
        |partition, node| MetadataPartition { partition, replicas: vec![node], ..Default::default() };
    let topic = MetadataTopic {
        name: Some("t".into()),
        partitions: vec![partition(0, 1), partition(1, 2)],
        ..Default::default()
    };
    let metadata = MetadataResponse {
        brokers: vec![broker(1, "a"), broker(2, "b")],
        topics: vec![topic],
        ..Default::default()
    };
    let member = |id: &str, rack: &str| {
        let subscription =
            Subscription { topics: vec!["t".into()], rack: Some(rack.into()), ..Subscription::default() };
        JoinGroupMember { member_id: id.into(), group_instance_id: None, metadata: subscription.encode() }
    };
    let unreadable = JoinGroupMember { member_id: "z".into(), group_instance_id: None, metadata: "?".into() };
    let members = vec![member("x", "b"), member("y", "a"), unreadable];
    let assigned = assignors::assign(Assignor::Range, members, &metadata);
    assert_eq!(assigned.seen, [("t".to_owned(), vec![0, 1])]);
    let share = |at: usize| Assignment::decode(assigned.shares[at].assignment.clone()).unwrap().topics;
    assert_eq!(share(0), [("t".to_owned(), vec![1])]);
    assert_eq!(share(1), [("t".to_owned(), vec![0])]);
    assert_eq!(share(2), []);
}

#[test]
fn a_member_is_cooperative_if_all_that_it_offers_is() {
    let ours = Offered::Engine(Assignor::CooperativeSticky);
    let lists: [(&[Offered], RebalanceProtocol); 6] = [
        (&[ours], RebalanceProtocol::Cooperative),
        (&[ours, Offered::Engine(Assignor::Range)], RebalanceProtocol::Eager),
        (&[Offered::Engine(Assignor::Sticky), ours], RebalanceProtocol::Eager),
        (&[ours, Offered::COOPERATIVE], RebalanceProtocol::Cooperative),
        (&[Offered::COOPERATIVE, Offered::EAGER], RebalanceProtocol::Eager),
        (&[Offered::EAGER], RebalanceProtocol::Eager),
    ];
    for (offered, mode) in lists {
        assert_eq!(mode_of(offered), mode, "{offered:?}");
    }
}
