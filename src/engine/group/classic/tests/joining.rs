//! From `join` to Joined.

use std::time::Duration;

use crate::engine::group::Event;
use crate::engine::machine::Failure;
use crate::engine::machine::Machine;
use crate::engine::machine::NetError;
use crate::engine::machine::Outbound;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Request;
use crate::engine::protocol::join_group::JoinGroupResponse;
use crate::engine::protocol::sync_group::SyncGroupResponse;

use super::world::*;

#[test]
fn a_follower_joins() {
    let mut world = World::new();
    assert_eq!(world.group.poll_timeout(world.now), None);
    assert_eq!(world.group.membership(), None);
    world.join(&["orders"]);
    let needed = world.events();
    assert!(
        matches!(&needed[..], [Event::ProtocolsNeeded { topics, .. }] if *topics == ["orders"]),
        "{needed:?}"
    );
    world.give_protocols();

    let outbound = world.in_flight[0].clone();
    assert_eq!(outbound.held, REBALANCE + Duration::from_secs(5));
    let request = world.sent_join();
    assert_eq!(request.group_id, "group");
    assert_eq!((request.session_timeout_ms, request.rebalance_timeout_ms), (30_000, 60_000));
    assert_eq!((request.member_id.as_str(), request.protocol_type.as_str()), ("", "consumer"));
    assert_eq!(request.protocols, protocols());

    world.advance(Duration::from_secs(2));
    world.answer_join(follower(4));
    assert_eq!(world.in_flight[0].held, REBALANCE);
    let request = world.sent_sync();
    assert_eq!((request.member_id.as_str(), request.generation_id), (MEMBER, 4));
    assert_eq!(request.protocol_type.as_deref(), Some("consumer"));
    assert_eq!(request.protocol_name.as_deref(), Some("RoundRobinAssigner"));
    assert_eq!(request.assignments, []);
    assert!(world.group.is_rebalancing());

    world.advance(Duration::from_secs(1));
    world.answer_sync(synced());
    let joined = Event::Joined {
        duration: Duration::from_secs(3),
        is_leader: false,
        leader_id: "member-0".into(),
        member_id: MEMBER.into(),
        generation_id: 4,
        protocol: "RoundRobinAssigner".into(),
        assignment: vec![("orders".into(), vec![0, 1])],
    };
    assert_eq!(world.events(), [joined]);
    let member = world.group.membership().unwrap();
    assert_eq!((member.member_id.as_str(), member.generation_id), (MEMBER, 4));
    assert_eq!(member.group_instance_id, None);
}

#[test]
fn a_leader_assigns_and_its_heartbeats_go_on_meanwhile() {
    let mut world = World::new();
    world.join(&["orders"]);
    world.give_protocols();
    world.answer_join(leader(1));
    let events = world.events();
    let Some(Event::AssignmentNeeded { protocol, members, .. }) = events.last() else { panic!("{events:?}") };
    assert_eq!(protocol, "RoundRobinAssigner");
    assert_eq!(members.len(), 1);

    // The assignor takes its time.
    for _ in 0..20 {
        world.advance(INTERVAL);
        let request = world.sent_heartbeat();
        assert_eq!((request.member_id.as_str(), request.generation_id), (MEMBER, 1));
        world.answer_heartbeat(ErrorCode::NONE);
    }
    assert!(world.events().iter().all(|event| *event == Event::Heartbeat));

    world.give_assignments();
    assert_eq!(world.sent_sync().assignments, assignments());
    // Behind a SyncGroup a heartbeat would only queue up; and a slow leader does not mean a lost coordinator.
    world.advance(SESSION * 2);
    world.sent_sync();
    world.answer_sync(synced());
    let events = world.events();
    assert!(matches!(&events[..], [Event::Joined { is_leader: true, .. }]), "{events:?}");
}

#[test]
fn a_leader_that_must_not_assign_syncs_with_nothing() {
    let mut world = World::with_instance(Some("static-1"));
    world.join(&["orders"]);
    world.give_protocols();
    assert_eq!(world.sent_join().group_instance_id.as_deref(), Some("static-1"));
    world.answer_join(JoinGroupResponse { skip_assignment: true, ..leader(3) });
    assert_eq!(world.sent_sync().assignments, []);
    assert_eq!(world.sent_sync().group_instance_id.as_deref(), Some("static-1"));
    let events = world.events();
    let Some(Event::AssignmentKept { members }) = events.last() else { panic!("{events:?}") };
    assert_eq!(*members, leader(3).members, "whose topics it has to look after");
    world.answer_sync(synced());
    let events = world.events();
    assert!(matches!(events.last(), Some(Event::Joined { is_leader: true, .. })), "{events:?}");
    assert_eq!(world.group.membership().unwrap().group_instance_id.as_deref(), Some("static-1"));
    world.advance(INTERVAL);
    assert_eq!(world.sent_heartbeat().group_instance_id.as_deref(), Some("static-1"));
}

#[test]
fn member_id_required_joins_again_at_once_with_the_id() {
    let mut world = World::new();
    world.join(&["orders"]);
    world.give_protocols();
    world.events();
    world.refuse(ErrorCode::MEMBER_ID_REQUIRED);
    let request = world.sent_join();
    assert_eq!(request.member_id, MEMBER);
    assert_eq!(request.protocols, protocols());
    assert_eq!(world.events(), [], "the owner need not be asked again");
    world.answer_join(follower(1));
    world.answer_sync(synced());
    assert!(world.group.is_stable());
}

#[test]
fn a_coordinator_that_never_is_content_with_the_member_id_is_not_hammered() {
    let mut world = World::new();
    world.join(&["orders"]);
    world.give_protocols();
    world.refuse(ErrorCode::MEMBER_ID_REQUIRED);
    let start = world.now;
    for _ in 0..20 {
        world.refuse(ErrorCode::MEMBER_ID_REQUIRED);
        world.give_protocols();
        if world.in_flight.is_empty() {
            world.advance(Duration::from_millis(1200));
        }
    }
    assert!(world.now - start > Duration::from_secs(10));
}

#[test]
fn the_members_of_a_loading_group_wait() {
    let mut world = World::new();
    world.join(&["orders"]);
    world.give_protocols();
    for _ in 0..5 {
        world.refuse(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS);
        assert!(world.in_flight.is_empty());
        assert!(world.found);
        world.advance(Duration::from_millis(1200));
    }
    world.answer_join(follower(1));
    world.refuse(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS);
    assert!(world.in_flight.is_empty());
    world.advance(Duration::from_millis(1200));
    world.answer_sync(synced());
    assert!(world.group.is_stable());
}

#[test]
fn a_rebalance_during_sync_joins_the_next_generation_as_the_same_member() {
    let mut world = World::new();
    world.join(&["orders"]);
    world.give_protocols();
    world.answer_join(follower(1));
    world.refuse(ErrorCode::REBALANCE_IN_PROGRESS);
    world.give_protocols();
    assert_eq!(world.sent_join().member_id, MEMBER, "at once: the group waits for us");
    world.answer_join(leader(2));
    world.give_assignments();
    // Again: from now on, more slowly.
    world.refuse(ErrorCode::REBALANCE_IN_PROGRESS);
    world.give_protocols();
    assert!(world.in_flight.is_empty());
    world.advance(Duration::from_millis(150));
    world.answer_join(follower(3));
    world.answer_sync(synced());
    let joined = world.events().pop();
    assert!(matches!(joined, Some(Event::Joined { generation_id: 3, .. })), "{joined:?}");
}

#[test]
fn a_round_that_always_fails_is_not_a_busy_loop() {
    // What a rebalance timeout of 0 does on a real broker.
    let mut world = World::new();
    world.join(&["orders"]);
    let start = world.now;
    for round in 0..30 {
        world.give_protocols();
        if world.in_flight.is_empty() {
            world.advance(Duration::from_millis(1200));
        }
        assert_eq!(world.sent_join().member_id, "");
        world.answer_join(follower(round));
        world.refuse(ErrorCode::UNKNOWN_MEMBER_ID);
    }
    assert!(world.now - start > Duration::from_secs(20));
}

#[test]
fn a_subscription_change_during_a_join_waits_for_its_answer() {
    let mut world = World::new();
    world.join(&["orders"]);
    world.give_protocols();
    world.join(&["orders", "payments"]);
    world.rejoin();
    world.sent_join();
    assert_eq!(world.asked, None);
    world.answer_join(follower(1));
    let events = world.events();
    let Some(Event::ProtocolsNeeded { topics, .. }) = events.last() else { panic!("{events:?}") };
    assert_eq!(*topics, ["orders", "payments"]);
    world.give_protocols();
    let request = world.sent_join();
    assert_eq!(request.member_id, MEMBER);
    assert!(request.reason.is_some());
    world.answer_join(follower(2));

    // The same while SyncGroup is outstanding: what it brings is not taken.
    world.join(&["payments"]);
    world.sent_sync();
    world.answer_sync(synced());
    let events = world.events();
    assert!(matches!(&events[..], [Event::ProtocolsNeeded { .. }]), "{events:?}");
    world.finish_join();
}

#[test]
fn a_join_that_is_out_of_date_is_not_repeated_after_a_refusal() {
    for error in [ErrorCode::COORDINATOR_LOAD_IN_PROGRESS, ErrorCode::NOT_COORDINATOR] {
        let mut world = World::new();
        world.join(&["orders"]);
        world.give_protocols();
        world.join(&["payments"]);
        world.refuse(error);
        world.found();
        let events = world.events();
        let Some(Event::ProtocolsNeeded { topics, .. }) = events.last() else { panic!("{events:?}") };
        assert_eq!(*topics, ["payments"]);
        world.give_protocols();
        assert!(world.in_flight.is_empty(), "the back-off still counts");
        world.advance(Duration::from_millis(150));
        world.sent_join();
    }
}

#[test]
fn a_subscription_change_before_the_join_goes_out_makes_a_new_job() {
    let mut world = World::new();
    world.join(&["orders"]);
    let Some(Asked::Protocols(old)) = world.asked else { panic!() };
    world.join(&["payments"]);
    let Some(Asked::Protocols(new)) = world.asked else { panic!() };
    assert_ne!(old, new);
    // The answer to the old one, even an error, is nobody's business any more.
    world.group.protocols(world.now, old, Err("too late".into()));
    assert!(world.group.poll_request(world.now, Some(COORDINATOR)).is_none());
    world.finish_join();
}

#[test]
fn the_same_topics_in_another_order_are_no_change() {
    let mut world = World::new();
    world.join(&["orders", "payments"]);
    world.finish_join();
    world.join(&["payments", "orders"]);
    assert_eq!(world.events(), []);
    assert!(world.group.is_stable());
}

#[test]
fn a_rejoin_while_the_leader_assigns_starts_over() {
    let mut world = World::new();
    world.join(&["orders"]);
    world.give_protocols();
    world.answer_join(leader(1));
    let Some(Asked::Assignments(old)) = world.asked else { panic!() };
    world.rejoin();
    world.group.assignments(world.now, old, Ok(assignments()));
    assert!(
        world.group.poll_request(world.now, Some(COORDINATOR)).is_none(),
        "no SyncGroup of the old round"
    );
    world.give_protocols();
    world.answer_join(leader(2));
    world.give_assignments();
    world.answer_sync(synced());
    assert!(world.group.is_stable());
}

#[test]
fn a_rejoin_before_the_join_goes_out_changes_nothing() {
    let mut world = World::new();
    world.rejoin();
    assert_eq!(world.events(), [], "not a member");
    world.join(&["orders"]);
    let asked = world.asked;
    world.rejoin();
    assert_eq!(world.asked, asked);
    world.finish_join();
}

#[test]
fn errors_of_callbacks_are_fatal() {
    let mut world = World::new();
    world.join(&["orders"]);
    let Some(Asked::Protocols(job)) = world.asked else { panic!() };
    world.group.protocols(world.now, job, Err("no protocol".into()));
    world.advance(SESSION);
    assert_eq!(world.events().pop(), Some(Event::Failed(Failure::Callback("no protocol".into()))));

    let mut world = World::new();
    world.join(&["orders"]);
    world.give_protocols();
    world.answer_join(leader(1));
    let Some(Asked::Assignments(job)) = world.asked else { panic!() };
    world.group.assignments(world.now, job, Err("no assignment".into()));
    world.advance(SESSION);
    assert_eq!(world.events().pop(), Some(Event::Failed(Failure::Callback("no assignment".into()))));
    assert!(world.in_flight.is_empty());
}

#[test]
fn brokers_of_old_name_neither_type_nor_protocol_in_sync() {
    let mut world = World::new();
    world.join(&["orders"]);
    world.give_protocols();
    world.answer_join(JoinGroupResponse { protocol_type: None, ..follower(1) });
    world.answer_sync(SyncGroupResponse { protocol_type: None, protocol_name: None, ..synced() });
    assert!(world.group.is_stable());
}

#[test]
fn an_empty_assignment_is_an_assignment() {
    let mut world = World::new();
    world.join(&["orders"]);
    world.give_protocols();
    world.answer_join(follower(1));
    world.answer_sync(SyncGroupResponse::default());
    let joined = world.events().pop();
    assert!(matches!(joined, Some(Event::Joined { assignment, .. }) if assignment.is_empty()));
}

#[test]
fn an_answer_that_makes_no_sense_is_asked_for_again_over_another_connection() {
    let other_kind = || JoinGroupResponse { protocol_type: Some("connect".into()), ..follower(1) };
    let unreadable = || SyncGroupResponse { assignment: "\0".into(), ..synced() };
    let mut world = World::new();
    world.join(&["orders"]);
    world.give_protocols();
    world.answer_join(other_kind());
    world.advance(Duration::from_secs(1));
    world.answer_join(follower(1));
    world.answer_sync(unreadable());
    assert!(world.in_flight.is_empty(), "not at once");
    world.advance(Duration::from_secs(1));
    world.answer_sync(SyncGroupResponse { protocol_name: Some("range".into()), ..synced() });
    world.advance(Duration::from_secs(1));
    world.answer_sync(synced());
    assert!(world.group.is_stable());
    let events = world.events();
    assert_eq!(events.iter().filter(|event| **event == Event::Suspect).count(), 3);
}

#[test]
fn an_answer_that_goes_on_making_no_sense_is_fatal() {
    let inconsistent = Failure::Broker { code: ErrorCode::INCONSISTENT_GROUP_PROTOCOL, partition: None };
    type Answer = fn(&mut World);
    let cases: [(Answer, Answer, Option<Failure>); 3] = [
        (
            |_| (),
            |world| {
                world.answer_join(JoinGroupResponse { protocol_type: Some("connect".into()), ..follower(1) });
            },
            Some(inconsistent.clone()),
        ),
        (
            |world| world.answer_join(follower(1)),
            |world| world.answer_sync(SyncGroupResponse { protocol_name: Some("range".into()), ..synced() }),
            Some(inconsistent),
        ),
        (
            |world| world.answer_join(follower(1)),
            |world| world.answer_sync(SyncGroupResponse { assignment: "\0".into(), ..synced() }),
            None,
        ),
    ];
    for (begin, nonsense, wanted) in cases {
        let mut world = World::new();
        world.join(&["orders"]);
        world.give_protocols();
        begin(&mut world);
        let started = world.now;
        let failure = loop {
            nonsense(&mut world);
            if let Some(Event::Failed(failure)) = world.events().pop() {
                break failure;
            }
            while world.in_flight.is_empty() {
                world.advance(Duration::from_millis(50));
                if matches!(world.in_flight[..], [Outbound { body: Request::Heartbeat(_), .. }]) {
                    world.answer_heartbeat(ErrorCode::NONE);
                    world.events();
                }
            }
        };
        assert!(world.now - started > Duration::from_secs(8), "after some ten seconds");
        match wanted {
            Some(wanted) => assert_eq!(failure, wanted),
            None => assert!(matches!(failure, Failure::Net(NetError::Decode { .. })), "{failure:?}"),
        }
    }
}

#[test]
fn reasons_are_cut_to_what_brokers_take() {
    let mut world = World::stable();
    world.group.rejoin(world.now, &"ü".repeat(300));
    world.join(&["orders"]);
    world.revoked();
    world.give_protocols();
    assert_eq!(world.sent_join().reason, Some("ü".repeat(255)));
}
