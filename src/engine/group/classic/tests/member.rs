//! The life of a member: heartbeats, rebalances, the loss of the coordinator.

use std::time::Duration;

use crate::engine::group::Event;
use crate::engine::group::Group;
use crate::engine::group::GroupConfig;
use crate::engine::machine::Machine;
use crate::engine::machine::NetError;
use crate::engine::machine::Owned;
use crate::engine::protocol::ErrorCode;

use super::world::*;

#[test]
fn heartbeats_go_out_at_their_interval_and_one_at_a_time() {
    let mut world = World::stable();
    for _ in 0..10 {
        world.advance(INTERVAL - Duration::from_millis(1));
        assert!(world.in_flight.is_empty());
        world.advance(Duration::from_millis(1));
        let request = world.sent_heartbeat();
        assert_eq!((request.member_id.as_str(), request.generation_id), (MEMBER, 1));
        world.answer_heartbeat(ErrorCode::NONE);
        assert_eq!(world.events(), [Event::Heartbeat]);
    }
}

#[test]
fn heartbeats_are_answered_no_more_often_than_their_interval() {
    let mut world = World::stable();
    world.advance(INTERVAL);
    world.sent_heartbeat();
    for slow in [Duration::from_millis(40), INTERVAL * 3] {
        world.advance(slow);
        world.answer_heartbeat(ErrorCode::NONE);
        assert!(world.in_flight.is_empty());
        world.advance(INTERVAL - Duration::from_millis(1));
        assert!(world.in_flight.is_empty());
        world.advance(Duration::from_millis(1));
        world.sent_heartbeat();
    }
}

#[test]
fn a_member_at_rest_is_woken_by_heartbeats_alone() {
    let mut world = World::stable();
    for _ in 0..100 {
        world.advance(INTERVAL);
        world.answer_heartbeat(ErrorCode::NONE);
    }
    assert!(world.wakes <= 110, "{}", world.wakes);
}

#[test]
fn waiting_for_the_owner_needs_no_timer() {
    let mut world = World::new();
    world.join(&["orders"]);
    assert_eq!(world.group.poll_timeout(world.now), None);
    world.give_protocols();
    assert_eq!(world.group.poll_timeout(world.now), None, "nor does waiting for JoinGroup");
    world.answer_join(follower(1));
    assert_eq!(world.group.poll_timeout(world.now), None, "nor does waiting for SyncGroup");
}

#[test]
fn a_heartbeat_interval_of_zero_is_not_a_busy_loop() {
    let mut world = World::new();
    let config = GroupConfig {
        session_timeout: Duration::MAX,
        rebalance_timeout: Duration::MAX,
        heartbeat_interval: Duration::ZERO,
        ..config()
    };
    world.group = Group::new(config, 1);
    world.make_stable();
    for _ in 0..3 {
        world.advance(Duration::from_millis(299));
        assert!(world.in_flight.is_empty());
        world.advance(Duration::from_millis(1));
        world.answer_heartbeat(ErrorCode::NONE);
    }
}

#[test]
fn a_heartbeat_that_is_asked_for_keeps_the_interval_too() {
    let mut world = World::new();
    let config =
        GroupConfig { rebalance_timeout: SESSION, heartbeat_interval: Duration::from_millis(50), ..config() };
    world.group = Group::new(config, 1);
    world.group.heartbeat(world.now);
    assert!(!world.group.is_beating(), "not a member yet");
    world.make_stable();
    for _ in 0..10 {
        world.advance(Duration::from_millis(49));
        world.ask_for_heartbeat();
        assert!(world.in_flight.is_empty() && !world.group.is_beating());
        world.advance(Duration::from_millis(1));
        world.ask_for_heartbeat();
        world.ask_for_heartbeat();
        world.sent_heartbeat();
        assert!(world.group.is_beating());
        world.advance(Duration::from_millis(5));
        world.answer_heartbeat(ErrorCode::NONE);
        assert!(!world.group.is_beating());
        assert_eq!(world.events(), [Event::Heartbeat]);
    }
    // Our own come from the last answer on.
    world.advance(Duration::from_millis(299));
    assert!(world.in_flight.is_empty());
    world.advance(Duration::from_millis(1));
    world.sent_heartbeat();
}

#[test]
fn nobody_waits_for_a_heartbeat_that_a_rebalance_or_a_back_off_answers() {
    let mut world = World::stable();
    world.advance(INTERVAL - Duration::from_millis(1));
    world.ask_for_heartbeat();
    assert!(!world.group.is_beating());
    world.advance(Duration::from_millis(1));
    world.answer_heartbeat(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS);
    world.ask_for_heartbeat();
    assert!(world.in_flight.is_empty(), "the back-off holds");
    assert!(!world.group.is_beating());
    world.advance(INTERVAL);
    assert!(world.group.is_beating());
    world.answer_heartbeat(ErrorCode::REBALANCE_IN_PROGRESS);
    world.ask_for_heartbeat();
    assert!(!world.group.is_beating());
    assert_eq!(world.group.pending_error(), Some(ErrorCode::REBALANCE_IN_PROGRESS));
}

#[test]
fn a_rebalance_revokes_and_then_joins() {
    let mut world = World::stable();
    world.advance(INTERVAL);
    world.answer_heartbeat(ErrorCode::REBALANCE_IN_PROGRESS);
    let code = ErrorCode::REBALANCE_IN_PROGRESS;
    let rebalancing = Event::Rebalancing { member_id: MEMBER.into(), code };
    assert_eq!(world.events(), [rebalancing, Event::Revoke { partitions: Owned::All }]);
    assert_eq!(world.group.pending_error(), Some(ErrorCode::REBALANCE_IN_PROGRESS));
    assert_eq!(world.group.membership().unwrap().generation_id, 1, "to commit with");
    assert!(world.group.is_rebalancing());

    // The handlers take longer than the session: heartbeats keep us in, and one Revoke is enough.
    for _ in 0..15 {
        world.advance(INTERVAL);
        world.answer_heartbeat(ErrorCode::REBALANCE_IN_PROGRESS);
    }
    world.rejoin();
    assert_eq!(world.events(), []);

    world.revoked();
    world.give_protocols();
    assert_eq!(world.sent_join().member_id, MEMBER);
    assert_eq!(world.group.membership().unwrap().generation_id, 1);
    world.answer_join(follower(2));
    world.answer_sync(synced());
    let joined = world.events().pop();
    assert!(matches!(joined, Some(Event::Joined { generation_id: 2, .. })), "{joined:?}");
    assert_eq!(world.group.pending_error(), None);
}

#[test]
fn own_reasons_revoke_too() {
    let mut world = World::stable();
    world.rejoin();
    assert_eq!(world.events(), [Event::Revoke { partitions: Owned::All }]);
    assert_eq!(world.group.pending_error(), None);
    world.join(&["payments"]);
    assert_eq!(world.events(), [], "one Revoke is enough");
    world.revoked();
    let events = world.events();
    assert!(
        matches!(&events[..], [Event::ProtocolsNeeded { topics, .. }] if *topics == ["payments"]),
        "{events:?}"
    );
    world.finish_join();
    world.join(&["payments", "orders"]);
    assert_eq!(world.events(), [Event::Revoke { partitions: Owned::All }]);
}

#[test]
fn revoked_without_revoke_does_nothing() {
    let mut world = World::stable();
    world.revoked();
    assert!(world.group.is_stable());
    assert_eq!(world.events(), []);
}

#[test]
fn a_member_that_the_coordinator_forgot_loses_its_partitions_and_joins_as_new() {
    let mut world = World::stable();
    world.advance(INTERVAL);
    world.answer_heartbeat(ErrorCode::UNKNOWN_MEMBER_ID);
    let events = world.events();
    assert!(matches!(&events[..], [Event::Lost { .. }, Event::ProtocolsNeeded { .. }]), "{events:?}");
    assert_eq!(world.group.pending_error(), Some(ErrorCode::UNKNOWN_MEMBER_ID));
    assert_eq!(world.group.membership(), None);
    world.give_protocols();
    assert_eq!(world.sent_join().member_id, "");
    world.answer_join(follower(9));
    world.answer_sync(synced());
    assert_eq!(world.group.pending_error(), None);
}

#[test]
fn a_generation_that_is_over_is_lost_but_the_member_id_stays() {
    let mut world = World::stable();
    world.advance(INTERVAL);
    world.answer_heartbeat(ErrorCode::ILLEGAL_GENERATION);
    let events = world.events();
    assert!(
        matches!(&events[..], [Event::Rebalancing { .. }, Event::Lost { .. }, Event::ProtocolsNeeded { .. }]),
        "{events:?}"
    );
    assert_eq!(world.group.pending_error(), Some(ErrorCode::ILLEGAL_GENERATION));
    world.give_protocols();
    assert_eq!(world.sent_join().member_id, MEMBER);
}

#[test]
fn handlers_that_outlast_the_rebalance_timeout_lose_what_they_were_to_revoke() {
    let mut world = World::stable();
    world.advance(INTERVAL);
    world.answer_heartbeat(ErrorCode::REBALANCE_IN_PROGRESS);
    world.advance(INTERVAL);
    world.events();
    world.answer_heartbeat(ErrorCode::UNKNOWN_MEMBER_ID);
    let events = world.events();
    assert!(matches!(&events[..], [Event::Lost { .. }, Event::ProtocolsNeeded { .. }]), "{events:?}");
    // The handlers are done at last; nobody waits for that any more.
    world.group.revoked(world.now);
    assert_eq!(world.events(), []);
    world.finish_join();
}

#[test]
fn a_heartbeat_that_finds_us_forgotten_while_we_assign_starts_over_as_new() {
    let mut world = World::new();
    world.join(&["orders"]);
    world.give_protocols();
    world.answer_join(leader(1));
    world.advance(INTERVAL);
    world.answer_heartbeat(ErrorCode::REBALANCE_IN_PROGRESS);
    assert!(matches!(world.asked, Some(Asked::Assignments(_))), "SyncGroup will say so");
    world.advance(INTERVAL);
    world.answer_heartbeat(ErrorCode::UNKNOWN_MEMBER_ID);
    world.give_protocols();
    assert_eq!(world.sent_join().member_id, "");
}

#[test]
fn a_member_forgotten_while_it_prepares_joins_as_new() {
    let mut world = World::stable();
    world.rejoin();
    world.revoked();
    let asked = world.asked;
    world.advance(INTERVAL);
    world.answer_heartbeat(ErrorCode::UNKNOWN_MEMBER_ID);
    assert_eq!(world.asked, asked, "the job is still good");
    world.give_protocols();
    assert_eq!(world.sent_join().member_id, "");
}

#[test]
fn the_coordinator_moves_and_the_member_stays() {
    let causes = [
        Ok(ErrorCode::NOT_COORDINATOR),
        Ok(ErrorCode::COORDINATOR_NOT_AVAILABLE),
        Err(closed()),
        Err(timed_out()),
        Err(NetError::NoBroker),
    ];
    for cause in causes {
        let mut world = World::stable();
        world.advance(INTERVAL);
        match cause {
            Ok(code) => world.refuse(code),
            Err(error) => world.answer(0, Err(error)),
        }
        assert_eq!(world.events(), [Event::CoordinatorLost]);
        assert!(world.group.is_stable());
        assert_eq!(world.group.membership().unwrap().generation_id, 1);
        world.advance(SESSION * 3);
        assert_eq!(world.events(), [], "said once");
        assert_eq!(world.group.poll_timeout(world.now), None, "only the owner can help");
        world.found();
        // It was looked for so long that it may have a successor.
        world.answer_heartbeat(ErrorCode::NONE);
        assert_eq!(world.events(), [Event::CoordinatorLost]);
        world.found();
        world.answer_sync(synced());
        world.answer_heartbeat(ErrorCode::NONE);
        assert_eq!(world.events(), [Event::Heartbeat]);
    }
}

#[test]
fn a_coordinator_that_is_found_and_lost_in_turn_is_not_hammered() {
    let mut world = World::stable();
    let start = world.now;
    world.advance(INTERVAL);
    for _ in 0..20 {
        world.refuse(ErrorCode::NOT_COORDINATOR);
        world.found();
        assert!(world.in_flight.is_empty());
        world.advance(Duration::from_millis(1200));
    }
    assert!(world.now - start > Duration::from_secs(15));
}

#[test]
fn a_loading_coordinator_is_asked_again_soon() {
    let mut world = World::stable();
    world.advance(INTERVAL);
    world.answer_heartbeat(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS);
    assert_eq!(world.events(), []);
    assert!(world.in_flight.is_empty());
    world.advance(Duration::from_millis(150));
    world.answer_heartbeat(ErrorCode::NONE);
}

#[test]
fn the_coordinator_is_lost_during_a_join() {
    let mut world = World::new();
    world.join(&["orders"]);
    world.give_protocols();
    world.events();
    world.answer(0, Err(timed_out()));
    assert_eq!(world.events(), [Event::CoordinatorLost]);
    world.found();
    assert!(world.in_flight.is_empty(), "after a back-off");
    world.advance(Duration::from_millis(150));
    world.answer_join(follower(1));

    // During SyncGroup: the new coordinator does not know of this round.
    world.answer(0, Err(closed()));
    let events = world.events();
    assert!(matches!(&events[..], [Event::CoordinatorLost, Event::ProtocolsNeeded { .. }]), "{events:?}");
    world.found();
    world.give_protocols();
    world.advance(Duration::from_millis(300));
    assert_eq!(world.in_flight.len(), 1);
    assert_eq!(world.sent_join().member_id, MEMBER);
}

#[test]
fn the_session_expires_once_and_the_late_answer_is_not_missed() {
    let mut world = World::stable();
    world.advance(INTERVAL);
    world.sent_heartbeat();
    world.advance(SESSION - INTERVAL - Duration::from_millis(1));
    assert_eq!(world.events(), []);
    world.advance(Duration::from_millis(1));
    assert_eq!(world.events(), [Event::CoordinatorLost]);
    assert!(world.group.is_stable());
    world.advance(SESSION * 2);
    assert_eq!(world.events(), [], "said once");

    world.found();
    assert_eq!(world.in_flight.len(), 2, "a new request, though the old one has no answer");
    // The old one was given up: whatever comes of it is nothing to us.
    world.answer(0, Err(closed()));
    assert_eq!(world.events(), []);
    world.answer_heartbeat(ErrorCode::NONE);
    assert_eq!(
        world.events(),
        [Event::CoordinatorLost],
        "it was looked for so long that it may have a successor"
    );
    world.found();
    world.answer_sync(synced());
    world.answer_heartbeat(ErrorCode::NONE);
    assert_eq!(world.events(), [Event::Heartbeat]);
    // And the clock runs again.
    world.advance(SESSION);
    assert_eq!(world.events(), [Event::CoordinatorLost]);
}

#[test]
fn heartbeats_of_an_older_epoch_are_nothing_to_the_new_one() {
    let mut world = World::stable();
    world.rejoin();
    world.advance(INTERVAL);
    world.sent_heartbeat();
    world.revoked();
    world.give_protocols();
    world.events();
    // JoinGroup is out; the heartbeat of before says that we are unknown.
    assert_eq!(world.in_flight.len(), 2);
    let beat = world.in_flight[0].clone();
    world.answer(0, Ok(refusal(&beat.body, ErrorCode::UNKNOWN_MEMBER_ID)));
    assert_eq!(world.events(), []);
    assert_eq!(world.sent_join().member_id, MEMBER);
    world.answer_join(follower(2));
    world.answer_sync(synced());
    assert_eq!(world.group.membership().unwrap().member_id, MEMBER);
}

#[test]
fn a_heartbeat_in_flight_while_sync_goes_out_leaves_the_verdict_to_sync() {
    for error in [ErrorCode::UNKNOWN_MEMBER_ID, ErrorCode::NOT_COORDINATOR, ErrorCode::REBALANCE_IN_PROGRESS]
    {
        let mut world = World::new();
        world.join(&["orders"]);
        world.give_protocols();
        world.answer_join(leader(1));
        world.advance(INTERVAL);
        world.give_assignments();
        world.events();
        let beat = world.in_flight[0].clone();
        world.answer(0, Ok(refusal(&beat.body, error)));
        assert_eq!(world.events(), []);
        world.answer_sync(synced());
        assert!(world.group.is_stable());
    }
}

#[test]
fn answers_to_nothing_are_nothing() {
    let mut world = World::stable();
    world.group.handle_response(world.now, 999, Err(closed()));
    assert_eq!(world.events(), []);
    assert!(world.group.is_stable());
}

#[test]
fn a_sync_held_for_longer_than_the_session_is_no_lost_coordinator() {
    let mut world = World::new();
    world.join(&["orders"]);
    world.give_protocols();
    world.answer_join(follower(1));
    world.advance(SESSION + INTERVAL);
    world.events();
    world.refuse(ErrorCode::REBALANCE_IN_PROGRESS);
    let events = world.events();
    assert!(matches!(&events[..], [Event::ProtocolsNeeded { .. }]), "{events:?}");
}

#[test]
fn success_forgives() {
    let short = Duration::from_millis(150);
    // Joins: what went wrong before the last generation slows nothing down now.
    let mut world = World::stable();
    for _ in 0..3 {
        world.rejoin();
        world.revoked();
        world.give_protocols();
        world.answer_join(follower(1));
        world.refuse(ErrorCode::REBALANCE_IN_PROGRESS);
        world.give_protocols();
        world.answer_join(follower(1));
        world.refuse(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS);
        world.advance(short);
        world.answer_sync(synced());
    }
    // Heartbeats.
    for _ in 0..3 {
        world.advance(INTERVAL);
        world.answer_heartbeat(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS);
        world.advance(short);
        world.answer_heartbeat(ErrorCode::NONE);
    }
}

#[test]
fn a_back_off_that_is_overtaken_leaves_no_timer_behind() {
    let mut world = World::new();
    world.join(&["orders"]);
    world.give_protocols();
    world.refuse(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS);
    assert!(world.group.poll_timeout(world.now).is_some());
    world.join(&["payments"]);
    assert_eq!(world.group.poll_timeout(world.now), None, "waits for the owner alone");
}

#[test]
fn heartbeats_keep_a_session_that_is_shorter_than_their_interval_or_half_used_up() {
    let mut world = World::new();
    let config = GroupConfig { heartbeat_interval: SESSION, ..config() };
    world.group = Group::new(config, 1);
    world.make_stable();
    for _ in 0..5 {
        world.advance(SESSION * 2 / 3);
        assert!(world.group.valid_until().unwrap() > world.now);
        world.answer_heartbeat(ErrorCode::NONE);
    }
}

#[test]
fn heartbeats_hear_of_a_rebalance_well_before_it_ends() {
    for rebalance in [Duration::from_secs(1), Duration::from_millis(300)] {
        let mut world = World::new();
        let config = GroupConfig { rebalance_timeout: rebalance, ..config() };
        world.group = Group::new(config, 1);
        world.make_stable();
        for _ in 0..5 {
            world.advance(rebalance / 3);
            world.sent_heartbeat();
            world.answer_heartbeat(ErrorCode::NONE);
        }
    }
}
