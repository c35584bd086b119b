//! Cooperative rebalancing (KIP-429): a member joins again with what it owns.

use std::time::Duration;

use crate::engine::group::Event;
use crate::engine::machine::Owned;
use crate::engine::machine::TopicPartition;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Response;
use crate::engine::protocol::heartbeat::HeartbeatResponse;

use super::world::*;

fn only(partitions: &[i32]) -> Owned {
    let partition = |partition: &i32| TopicPartition { topic: "orders".into(), partition: *partition };
    Owned::Only(partitions.iter().map(partition).collect())
}

/// The group rebalances, and the member hears of it.
fn rebalance(world: &mut World) {
    world.advance(INTERVAL);
    world.answer_heartbeat(ErrorCode::REBALANCE_IN_PROGRESS);
}

fn assigned(events: &[Event]) -> Option<Vec<i32>> {
    events.iter().find_map(|event| match event {
        Event::Joined { assignment, .. } => Some(assignment[0].1.clone()),
        _ => None,
    })
}

#[test]
fn it_joins_again_without_giving_anything_back() {
    let mut world = World::cooperative();
    rebalance(&mut world);
    let events = world.events();
    assert!(
        matches!(&events[..], [Event::Rebalancing { .. }, Event::ProtocolsNeeded { .. }]),
        "nothing is revoked: {events:?}"
    );
    assert_eq!(world.group.pending_error(), None, "handlers of kept partitions have nothing to fear");
    assert!(world.group.valid_until().is_some(), "what it owns is its own meanwhile");
    world.rejoins(2, &[0, 1, 2]);
    let events = world.events();
    assert_eq!(assigned(&events), Some(vec![0, 1, 2]));
    assert!(world.group.is_stable(), "nothing to give back, no further join: {events:?}");
}

#[test]
fn what_is_not_assigned_any_more_is_given_back_and_then_it_joins_again() {
    let mut world = World::cooperative();
    rebalance(&mut world);
    world.rejoins(2, &[1, 3]);
    let events = world.events();
    assert_eq!(assigned(&events), Some(vec![1, 3]));
    assert_eq!(events.last(), Some(&Event::Revoke { partitions: only(&[0]) }), "after the join");
    assert_eq!(
        world.group.membership().map(|member| member.generation_id),
        Some(2),
        "commits go by the new one"
    );
    // Heartbeats go on while the handlers end.
    world.advance(INTERVAL);
    world.answer_heartbeat(ErrorCode::REBALANCE_IN_PROGRESS);
    assert!(world.events().is_empty(), "it is about to join anyway");
    world.revoked();
    assert!(matches!(&world.events()[..], [Event::ProtocolsNeeded { .. }]));
    world.rejoins(3, &[1, 3]);
    assert!(world.group.is_stable());
    assert_eq!(assigned(&world.events()), Some(vec![1, 3]));
}

#[test]
fn a_topic_that_is_not_subscribed_any_more_is_given_back_before_the_join() {
    let mut world = World::cooperative();
    world.join(&["payments"]);
    assert_eq!(world.events(), [Event::Revoke { partitions: only(&[0, 1]) }]);
    world.revoked();
    assert!(matches!(&world.events()[..], [Event::ProtocolsNeeded { .. }]));
}

#[test]
fn a_member_that_the_group_does_not_know_any_more_loses_all_at_whatever_step() {
    for code in [ErrorCode::UNKNOWN_MEMBER_ID, ErrorCode::ILLEGAL_GENERATION] {
        for step in 0..4 {
            let mut world = World::cooperative();
            if step > 0 {
                rebalance(&mut world);
            }
            world.events();
            match step {
                0 => {
                    world.advance(INTERVAL);
                    world.answer_heartbeat(code);
                }
                1 => {
                    world.give_protocols();
                    world.refuse(code);
                }
                2 => {
                    world.give_protocols();
                    world.answer_join(cooperative_follower(2));
                    world.refuse(code);
                }
                _ => {
                    world.rejoins(2, &[1]);
                    world.advance(INTERVAL);
                    world.answer_heartbeat(code);
                }
            }
            let events = world.events();
            let lost =
                events.iter().filter(|event| matches!(event, Event::Lost { partitions: Owned::All, .. }));
            assert_eq!(lost.count(), 1, "{step}: {events:?}");
            assert!(matches!(events.last(), Some(Event::ProtocolsNeeded { .. })), "{step}: {events:?}");
            assert_eq!(world.group.valid_until(), None);
        }
    }
}

#[test]
fn a_refusal_that_is_about_the_round_costs_nothing() {
    let mut world = World::cooperative();
    rebalance(&mut world);
    world.events();
    world.give_protocols();
    world.answer_join(cooperative_follower(2));
    world.refuse(ErrorCode::REBALANCE_IN_PROGRESS);
    assert!(matches!(&world.events()[..], [Event::ProtocolsNeeded { .. }]));
    world.rejoins(3, &[0, 1]);
    assert!(world.group.is_stable());
}

#[test]
fn a_follow_up_is_heard_of_soon_and_then_heartbeats_keep_their_interval() {
    let mut world = World::cooperative();
    let mut distance = Duration::from_millis(50);
    for _ in 0..8 {
        world.advance(distance - Duration::from_millis(1));
        assert!(world.in_flight.is_empty(), "{distance:?}");
        world.advance(Duration::from_millis(1));
        world.answer_heartbeat(ErrorCode::NONE);
        distance = (distance * 2).min(INTERVAL);
    }
    assert_eq!(distance, INTERVAL);
}

#[test]
fn heartbeats_beside_a_join_that_is_held_back_tell_whether_what_is_kept_is_still_ours() {
    let heartbeat = |error| Ok(Response::Heartbeat(HeartbeatResponse { error, ..Default::default() }));
    let mut world = World::cooperative();
    rebalance(&mut world);
    world.give_protocols();
    for code in
        [ErrorCode::REBALANCE_IN_PROGRESS, ErrorCode::ILLEGAL_GENERATION, ErrorCode::UNKNOWN_MEMBER_ID]
    {
        let before = world.group.valid_until();
        world.advance(INTERVAL);
        assert_eq!(world.in_flight.len(), 2, "JoinGroup and Heartbeat");
        world.answer(1, heartbeat(code));
        let after = world.group.valid_until();
        match code {
            ErrorCode::REBALANCE_IN_PROGRESS => assert!(after > before, "the session is renewed"),
            ErrorCode::ILLEGAL_GENERATION => assert_eq!(after, before, "the answer to JoinGroup will tell"),
            _ => assert!(after <= Some(world.now), "it is not ours any more"),
        }
    }
    assert!(
        !world.events().iter().any(|event| matches!(event, Event::Lost { .. })),
        "that JoinGroup will tell"
    );
    world.refuse(ErrorCode::UNKNOWN_MEMBER_ID);
    assert!(matches!(world.events()[..], [Event::Lost { .. }, Event::ProtocolsNeeded { .. }]));
}

/// A leader takes its time. No heartbeat moves the end of the rebalance, so there is no hurry to send one before it.
#[test]
fn heartbeats_beside_a_sync_that_is_held_back_keep_their_interval_to_the_end_of_the_rebalance() {
    let mut world = World::cooperative();
    rebalance(&mut world);
    world.give_protocols();
    world.answer_join(follower(2));
    let (end, mut heartbeats) = (world.now + REBALANCE, 0);
    while world.now < end {
        world.advance(Duration::from_millis(10));
        if world.in_flight.len() > 1 {
            let answer = HeartbeatResponse { error: ErrorCode::NONE, ..Default::default() };
            world.answer(1, Ok(Response::Heartbeat(answer)));
            heartbeats += 1;
        }
    }
    let most = REBALANCE.as_secs() / INTERVAL.as_secs();
    assert!(heartbeats > most / 2 && heartbeats <= most + 8, "{heartbeats} heartbeats");
}
