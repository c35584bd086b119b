//! When the session may be over, and what shows that it is not.

use std::time::Duration;

use crate::engine::group::Event;
use crate::engine::protocol::ErrorCode;

use super::world::*;

#[test]
fn a_session_counts_from_the_request_that_was_answered() {
    let mut world = World::new();
    world.join(&["orders"]);
    world.give_protocols();
    world.answer_join(follower(1));
    assert_eq!(world.group.valid_until(), None, "nothing is ours yet");
    let synced_at = world.now;
    world.advance(Duration::from_secs(2));
    world.answer_sync(synced());
    assert_eq!(world.group.valid_until(), Some(synced_at + SESSION));

    world.advance(INTERVAL);
    let sent_at = world.now;
    world.advance(Duration::from_secs(1));
    world.answer_heartbeat(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS);
    assert_eq!(world.group.valid_until(), Some(synced_at + SESSION), "that was no renewal");
    world.advance(Duration::from_secs(1));
    assert!(world.now > sent_at);
    let sent_at = world.now;
    world.advance(SESSION * 2);
    assert!(world.group.valid_until().unwrap() < world.now);
    world.found();
    assert!(world.group.valid_until().unwrap() < world.now, "asking is not enough");
    world.answer(0, Err(closed()));
    world.answer_heartbeat(ErrorCode::REBALANCE_IN_PROGRESS);
    assert!(world.group.valid_until().unwrap() < world.now, "it may have a successor");
    world.found();
    let asked_at = world.now;
    world.advance(Duration::from_secs(1));
    world.answer_heartbeat(ErrorCode::REBALANCE_IN_PROGRESS);
    assert!(asked_at > sent_at);
    assert_eq!(world.group.valid_until(), Some(asked_at + SESSION), "a member, if one that must rejoin");
    world.revoked();
    assert_eq!(world.group.valid_until(), None);
}

#[test]
fn an_answer_that_took_a_session_renews_nothing_and_is_asked_for_again_at_once() {
    let mut world = World::new();
    world.join(&["orders"]);
    world.give_protocols();
    world.answer_join(follower(1));
    // The leader takes its time.
    world.advance(SESSION);
    world.answer_sync(synced());
    assert!(world.group.valid_until().unwrap() <= world.now);
    // Or we stood still, and the coordinator, too.
    world.answer_heartbeat(ErrorCode::NONE);
    assert!(world.group.valid_until().unwrap() <= world.now);
    world.found();
    world.answer_sync(synced());
    world.answer_heartbeat(ErrorCode::NONE);
    assert_eq!(world.group.valid_until(), Some(world.now + SESSION));
}

/// A member whose heartbeat is out, and has no answer when its session may be over.
fn in_doubt() -> World {
    let mut world = World::stable();
    world.advance(INTERVAL);
    world.sent_heartbeat();
    world.now += SESSION;
    world
}

#[test]
fn a_session_that_may_be_over_is_confirmed_by_a_coordinator_that_others_name() {
    let mut world = in_doubt();
    let over = world.group.valid_until();
    world.answer_heartbeat(ErrorCode::NONE);
    assert_eq!(world.events(), [Event::CoordinatorLost]);
    assert!(world.in_flight.is_empty());
    world.found();
    let proof = world.sent_sync();
    assert_eq!((proof.generation_id, &proof.member_id[..], proof.assignments.len()), (1, MEMBER, 0));
    world.answer_sync(synced());
    assert_eq!((world.events(), world.group.valid_until()), (vec![], over), "not by this alone");
    world.answer_heartbeat(ErrorCode::NONE);
    assert_eq!(world.events(), [Event::Heartbeat]);
    assert_eq!(world.group.valid_until(), Some(world.now + SESSION));
    // From then on all is as before.
    world.advance(INTERVAL);
    world.answer_heartbeat(ErrorCode::NONE);
    assert_eq!(world.events(), [Event::Heartbeat]);
}

#[test]
fn a_coordinator_that_answers_a_session_later_may_have_a_successor_by_then() {
    let mut world = in_doubt();
    let over = world.group.valid_until();
    world.answer_heartbeat(ErrorCode::NONE);
    world.found();
    world.events();
    for _ in 0..3 {
        world.now += SESSION;
        world.answer_sync(synced());
        world.answer_heartbeat(ErrorCode::NONE);
        assert_eq!((world.events(), world.group.valid_until()), (vec![Event::CoordinatorLost], over));
        world.found();
    }
    world.answer_sync(synced());
    world.answer_heartbeat(ErrorCode::NONE);
    assert_eq!(world.events(), [Event::Heartbeat]);
}

#[test]
fn a_coordinator_that_does_not_know_us_any_more_is_believed_at_once() {
    for refused in ["heartbeat", "proof"] {
        let mut world = in_doubt();
        if refused == "proof" {
            world.answer_heartbeat(ErrorCode::NONE);
            world.found();
            world.sent_sync();
        }
        world.refuse(ErrorCode::UNKNOWN_MEMBER_ID);
        assert_eq!(world.group.valid_until(), None, "{refused}");
        world.give_protocols();
        assert_eq!(world.sent_join().member_id, "");
    }
}

#[test]
fn that_the_group_rebalances_is_no_proof_either_until_a_coordinator_says_so_that_others_name() {
    let mut world = in_doubt();
    let over = world.group.valid_until();
    world.answer_heartbeat(ErrorCode::REBALANCE_IN_PROGRESS);
    assert!(world.events().contains(&Event::CoordinatorLost));
    assert_eq!(world.group.valid_until(), over);
    world.found();
    world.answer_heartbeat(ErrorCode::REBALANCE_IN_PROGRESS);
    assert_eq!(world.events(), []);
    assert_eq!(world.group.valid_until(), Some(world.now + SESSION));
}

#[test]
fn a_rebalance_that_begins_after_the_proof_is_as_good_a_confirmation() {
    let mut world = in_doubt();
    world.answer_heartbeat(ErrorCode::NONE);
    world.found();
    world.answer_sync(synced());
    world.events();
    world.answer_heartbeat(ErrorCode::REBALANCE_IN_PROGRESS);
    assert!(!world.events().contains(&Event::CoordinatorLost));
    assert_eq!(world.group.valid_until(), Some(world.now + SESSION));
}

/// It knows the member and its generation, and has another protocol by now: it has turned the group into one of KIP-848.
#[test]
fn a_group_that_has_another_protocol_by_now_has_us_all_the_same() {
    let mut world = in_doubt();
    world.answer_heartbeat(ErrorCode::NONE);
    world.found();
    world.refuse(ErrorCode::INCONSISTENT_GROUP_PROTOCOL);
    world.events();
    world.answer_heartbeat(ErrorCode::NONE);
    assert_eq!(world.events(), [Event::Heartbeat]);
    assert_eq!(world.group.valid_until(), Some(world.now + SESSION));
}

/// We stand still when we have asked who the coordinator is: what was said then has lain unread.
#[test]
fn who_was_named_before_a_stand_may_have_a_successor_since() {
    let mut world = in_doubt();
    let over = world.group.valid_until();
    world.answer_heartbeat(ErrorCode::NONE);
    world.now += SESSION;
    world.found();
    world.answer_heartbeat(ErrorCode::NONE);
    assert_eq!((world.group.valid_until(), world.found), (over, false));
    world.found();
    world.answer_sync(synced());
    world.answer_heartbeat(ErrorCode::NONE);
    assert_eq!(world.group.valid_until(), Some(world.now + SESSION));
}

#[test]
fn a_coordinator_that_is_loading_says_that_the_group_rebalances_and_that_all_is_well() {
    let mut world = in_doubt();
    let over = world.group.valid_until();
    world.answer_heartbeat(ErrorCode::NONE);
    world.found();
    world.events();
    world.refuse(ErrorCode::REBALANCE_IN_PROGRESS);
    world.answer_heartbeat(ErrorCode::NONE);
    assert!(world.events().contains(&Event::CoordinatorLost));
    assert_eq!(world.group.valid_until(), over);
    // It has loaded.
    world.found();
    world.answer_sync(synced());
    world.answer_heartbeat(ErrorCode::NONE);
    assert_eq!(world.group.valid_until(), Some(world.now + SESSION));
}
