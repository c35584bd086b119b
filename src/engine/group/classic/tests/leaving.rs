//! `leave` and `lost`, from every state.

use std::time::Duration;

use crate::engine::group::Event;
use crate::engine::group::GroupMembershipOperation;
use crate::engine::machine::Failure;
use crate::engine::machine::Machine;
use crate::engine::machine::Owned;
use crate::engine::machine::Target;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Response;
use crate::engine::protocol::join_group::JoinGroupResponse;
use crate::engine::protocol::leave_group::LeaveGroupResponse;

use super::world::*;

const BOUND: Duration = Duration::from_secs(5);

/// A member of generation 1 in each state that it can be in with nothing but heartbeats outstanding.
fn members() -> Vec<World> {
    let stable = World::stable();
    let mut revoking = World::stable();
    revoking.rejoin();
    let mut preparing = World::stable();
    preparing.rejoin();
    preparing.revoked();
    let mut joining_after_refusal = World::stable();
    joining_after_refusal.rejoin();
    joining_after_refusal.revoked();
    joining_after_refusal.give_protocols();
    joining_after_refusal.refuse(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS);
    let mut assigning = World::new();
    assigning.join(&["orders"]);
    assigning.give_protocols();
    assigning.answer_join(leader(1));
    let mut syncing_after_refusal = World::new();
    syncing_after_refusal.join(&["orders"]);
    syncing_after_refusal.give_protocols();
    syncing_after_refusal.answer_join(follower(1));
    syncing_after_refusal.refuse(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS);
    let mut failed = World::new();
    failed.join(&["orders"]);
    failed.give_protocols();
    failed.answer_join(leader(1));
    let Some(Asked::Assignments(job)) = failed.asked else { panic!() };
    failed.group.assignments(failed.now, job, Err("no assignment".into()));
    failed.advance(Duration::ZERO);

    let mut all =
        vec![stable, revoking, preparing, joining_after_refusal, assigning, syncing_after_refusal, failed];
    all.iter_mut().for_each(|world| drop(world.events()));
    all
}

#[test]
fn a_member_leaves_with_one_request() {
    for mut world in members() {
        world.leave();
        let request = world.sent_leave();
        assert_eq!((request.group_id.as_str(), request.member_id.as_str()), ("group", MEMBER));
        assert!(request.reason.is_some());
        assert_eq!(world.group.membership(), None);
        world.leave();
        world.answer_leave(ErrorCode::NONE);
        assert_eq!(world.events(), [Event::Left]);
        assert_eq!(world.group.poll_timeout(world.now), None);
        // Nothing wakes the dead.
        world.leave();
        world.join(&["orders"]);
        world.rejoin();
        world.lost();
        world.advance(SESSION);
        assert_eq!(world.events(), []);
        assert_eq!(world.leaves, 1);
    }
}

#[test]
fn leaving_ends_whatever_the_coordinator_does() {
    for error in
        [ErrorCode::UNKNOWN_MEMBER_ID, ErrorCode::NOT_COORDINATOR, ErrorCode::COORDINATOR_LOAD_IN_PROGRESS]
    {
        for mut world in members() {
            world.leave();
            world.answer_leave(error);
            assert_eq!(world.events(), [Event::Left]);
        }
    }
    for mut world in members() {
        world.leave();
        world.answer(0, Err(closed()));
        assert_eq!(world.events(), [Event::Left]);
    }
    // No answer.
    for mut world in members() {
        world.leave();
        world.advance(BOUND - Duration::from_millis(1));
        assert_eq!(world.events(), []);
        world.advance(Duration::from_millis(1));
        assert_eq!(world.events(), [Event::Left]);
        world.answer_leave(ErrorCode::NONE);
        assert_eq!(world.events(), []);
    }
    // No coordinator.
    for mut world in members() {
        world.found = false;
        world.leave();
        world.advance(BOUND);
        assert_eq!(world.events(), [Event::Left]);
        assert_eq!(world.leaves, 0);
    }
}

#[test]
fn with_nothing_to_leave_it_is_over_at_once() {
    let mut world = World::new();
    world.leave();
    assert_eq!(world.events(), [Event::Left]);

    let mut world = World::new();
    world.join(&["orders"]);
    world.events();
    let Some(Asked::Protocols(job)) = world.asked else { panic!() };
    world.leave();
    assert_eq!(world.events(), [Event::Left]);
    world.group.protocols(world.now, job, Ok(protocols()));
    world.advance(SESSION);
    assert!(world.in_flight.is_empty(), "no zombie join");

    let mut world = World::new();
    world.found = false;
    world.join(&["orders"]);
    world.give_protocols();
    world.events();
    world.leave();
    assert_eq!(world.events(), [Event::Left]);
    world.found();
    assert!(world.in_flight.is_empty(), "no zombie join");
}

#[test]
fn a_join_in_flight_brings_the_id_to_leave_with() {
    for response in [
        follower(1),
        JoinGroupResponse {
            error: ErrorCode::MEMBER_ID_REQUIRED,
            member_id: MEMBER.into(),
            ..Default::default()
        },
    ] {
        let mut world = World::new();
        world.join(&["orders"]);
        world.give_protocols();
        world.events();
        world.leave();
        world.sent_join();
        world.advance(Duration::from_secs(3));
        world.answer_join(response);
        assert_eq!(world.sent_leave().member_id, MEMBER);
        world.answer_leave(ErrorCode::NONE);
        assert_eq!(world.events(), [Event::Left]);
    }
}

#[test]
fn a_coordinator_that_was_silent_at_the_first_join_is_not_waited_for_as_long_again() {
    for (silent, waited) in [(0, 5), (3, 2), (4, 1), (20, 1)] {
        let mut world = World::new();
        world.join(&["orders"]);
        world.give_protocols();
        world.sent_join();
        world.advance(Duration::from_secs(silent));
        world.events();
        world.leave();
        world.advance(Duration::from_secs(waited) - Duration::from_millis(1));
        assert_eq!(world.events(), [], "{silent}");
        world.advance(Duration::from_millis(1));
        assert_eq!(world.events(), [Event::Left], "{silent}");
    }
}

#[test]
fn a_join_in_flight_that_comes_to_nothing_leaves_nothing() {
    for answer in [Ok(ErrorCode::GROUP_MAX_SIZE_REACHED), Ok(ErrorCode::NOT_COORDINATOR), Err(closed())] {
        let mut world = World::new();
        world.join(&["orders"]);
        world.give_protocols();
        world.events();
        world.leave();
        match answer {
            Ok(code) => world.refuse(code),
            Err(error) => world.answer(0, Err(error)),
        }
        assert_eq!(world.events(), [Event::Left]);
        assert_eq!(world.leaves, 0);
    }
    // Not answered in time: Left, and the late answer changes nothing.
    let mut world = World::new();
    world.join(&["orders"]);
    world.give_protocols();
    world.events();
    world.leave();
    world.advance(BOUND);
    assert_eq!(world.events(), [Event::Left]);
    world.answer_join(follower(1));
    assert_eq!(world.events(), []);
    assert!(world.in_flight.is_empty());
}

#[test]
fn a_member_does_not_wait_for_what_the_coordinator_holds_back() {
    let mut joining = World::new();
    joining.join(&["orders"]);
    joining.give_protocols();
    joining.answer_join(JoinGroupResponse {
        error: ErrorCode::MEMBER_ID_REQUIRED,
        member_id: MEMBER.into(),
        ..Default::default()
    });
    let mut rejoining = World::stable();
    rejoining.rejoin();
    rejoining.revoked();
    rejoining.give_protocols();
    let mut syncing = World::new();
    syncing.join(&["orders"]);
    syncing.give_protocols();
    syncing.answer_join(follower(1));

    for mut world in [joining, rejoining, syncing] {
        world.events();
        world.leave();
        let [held, leave] = &world.in_flight[..] else { panic!("{:?}", world.in_flight) };
        assert_eq!(leave.to, Target::node(COORDINATOR));
        // The late answer changes nothing.
        let late = refusal(&held.body, ErrorCode::UNKNOWN_MEMBER_ID);
        world.answer(0, Ok(late));
        assert_eq!(world.events(), []);
        assert_eq!(world.sent_leave().member_id, MEMBER);
        world.answer_leave(ErrorCode::NONE);
        assert_eq!(world.events(), [Event::Left]);
    }
}

#[test]
fn a_heartbeat_in_flight_does_not_hold_up_leaving() {
    let mut world = World::stable();
    world.advance(INTERVAL);
    world.leave();
    assert_eq!(world.in_flight.len(), 2);
    let beat = world.in_flight[0].clone();
    world.answer(0, Ok(refusal(&beat.body, ErrorCode::UNKNOWN_MEMBER_ID)));
    assert_eq!(world.events(), []);
    world.answer_leave(ErrorCode::NONE);
    assert_eq!(world.events(), [Event::Left]);
}

#[test]
fn static_members_keep_their_place() {
    let mut world = World::with_instance(Some("static-1"));
    world.make_stable();
    world.leave();
    assert_eq!(world.events(), [Event::Left]);

    let mut world = World::with_instance(Some("static-1"));
    world.join(&["orders"]);
    world.give_protocols();
    world.events();
    world.leave();
    assert_eq!(world.events(), [Event::Left]);
    world.answer_join(follower(1));
    assert!(world.in_flight.is_empty());
}

#[test]
fn a_static_member_leaves_when_it_is_told_to() {
    let mut world = World::with_instance(Some("static-1"));
    world.make_stable();
    world.operation = GroupMembershipOperation::LeaveGroup;
    world.leave();
    let request = world.sent_leave();
    assert_eq!(
        (request.member_id.as_str(), request.group_instance_id.as_deref()),
        (MEMBER, Some("static-1"))
    );
    world.answer_leave(ErrorCode::NONE);
    assert_eq!(world.events(), [Event::Left]);
}

#[test]
fn any_member_remains_without_a_word_when_it_is_told_to() {
    for mut world in members() {
        world.operation = GroupMembershipOperation::RemainInGroup;
        world.leave();
        assert_eq!(world.events(), [Event::Left]);
        world.advance(SESSION * 2);
        assert_eq!(world.leaves, 0);
    }
}

#[test]
fn a_stalled_member_loses_its_partitions_leaves_and_waits_to_be_called() {
    let mut world = World::stable();
    world.lost();
    assert_eq!(world.events(), [Event::Lost { partitions: Owned::All, reason: "no progress".into() }]);
    assert_eq!(world.group.pending_error(), Some(ErrorCode::UNKNOWN_MEMBER_ID));
    assert_eq!(world.sent_leave().reason.as_deref(), Some("no progress"));
    world.answer_leave(ErrorCode::NONE);
    world.rejoin();
    world.advance(SESSION * 2);
    assert_eq!(world.events(), []);
    assert!(world.in_flight.is_empty());
    assert_eq!(world.group.poll_timeout(world.now), None);

    world.join(&["orders"]);
    world.give_protocols();
    assert_eq!(world.sent_join().member_id, "");
    assert_eq!(world.sent_join().reason, None);
    world.answer_join(follower(2));
    world.answer_sync(synced());
    assert_eq!(world.group.pending_error(), None);
}

#[test]
fn progress_while_the_stalled_member_leaves_joins_after_it() {
    let mut world = World::stable();
    world.lost();
    world.join(&["payments"]);
    world.events();
    world.sent_leave();
    world.answer_leave(ErrorCode::NONE);
    let events = world.events();
    assert!(
        matches!(&events[..], [Event::ProtocolsNeeded { topics, .. }] if *topics == ["payments"]),
        "{events:?}"
    );
    world.finish_join();
}

#[test]
fn a_stalled_member_may_still_be_closed() {
    let mut world = World::stable();
    world.lost();
    world.join(&["orders"]);
    world.leave();
    world.events();
    world.answer_leave(ErrorCode::NONE);
    assert_eq!(world.events(), [Event::Left]);

    let mut world = World::stable();
    world.lost();
    world.answer_leave(ErrorCode::NONE);
    world.events();
    world.leave();
    assert_eq!(world.events(), [Event::Left]);
    assert_eq!(world.leaves, 1);
}

#[test]
fn a_stalled_static_member_falls_silent() {
    let mut world = World::with_instance(Some("static-1"));
    world.make_stable();
    world.lost();
    world.advance(SESSION * 2);
    assert_eq!(world.events(), [Event::Lost { partitions: Owned::All, reason: "no progress".into() }]);
    assert!(world.in_flight.is_empty());
    world.join(&["orders"]);
    world.give_protocols();
    let request = world.sent_join();
    assert_eq!((request.member_id.as_str(), request.group_instance_id.as_deref()), ("", Some("static-1")));
}

#[test]
fn a_member_stalled_while_it_revokes_leaves() {
    let mut world = World::stable();
    world.advance(INTERVAL);
    world.answer_heartbeat(ErrorCode::REBALANCE_IN_PROGRESS);
    world.events();
    world.lost();
    assert_eq!(world.events(), [Event::Lost { partitions: Owned::All, reason: "no progress".into() }]);
    world.sent_leave();
    world.group.revoked(world.now);
    world.answer_leave(ErrorCode::NONE);
    assert_eq!(world.events(), []);
}

#[test]
fn a_member_stalled_while_it_rejoins_leaves_beside_the_join_that_is_held() {
    let mut world = World::stable();
    world.rejoin();
    world.revoked();
    world.give_protocols();
    world.lost();
    world.events();
    let [_, leave] = &world.in_flight[..] else { panic!("{:?}", world.in_flight) };
    assert_eq!(leave.to, Target::node(COORDINATOR));
    let response = LeaveGroupResponse { error: ErrorCode::NONE, ..Default::default() };
    world.answer(1, Ok(Response::LeaveGroup(response)));
    world.join(&["orders"]);
    world.give_protocols();
    assert_eq!(world.in_flight.len(), 1, "two JoinGroups at once are never right");
    // The coordinator answers the one that was held when its member has left.
    world.answer(0, Ok(Response::JoinGroup(follower(1))));
    assert_eq!(world.sent_join().member_id, "");
}

#[test]
fn a_join_given_up_by_a_stalled_member_still_bars_the_next_one() {
    let mut world = World::new();
    world.join(&["orders"]);
    world.give_protocols();
    world.lost();
    world.advance(BOUND);
    world.join(&["orders"]);
    world.give_protocols();
    // Two JoinGroups at once are never right.
    assert_eq!(world.in_flight.len(), 1);
    world.answer(0, Ok(Response::JoinGroup(follower(1))));
    assert_eq!(world.sent_join().member_id, "", "the answer was of an older epoch");
}

#[test]
fn the_failed_are_told_once_and_can_give_their_member_id_back() {
    let mut world = World::stable();
    world.advance(INTERVAL);
    world.answer_heartbeat(ErrorCode::GROUP_AUTHORIZATION_FAILED);
    let failure = Failure::Broker { code: ErrorCode::GROUP_AUTHORIZATION_FAILED, partition: None };
    assert_eq!(world.events(), [Event::Failed(failure)]);
    world.join(&["payments"]);
    world.rejoin();
    world.lost();
    world.advance(SESSION * 2);
    assert_eq!(world.events(), []);
    assert!(world.in_flight.is_empty());
    world.leave();
    world.answer_leave(ErrorCode::GROUP_AUTHORIZATION_FAILED);
    assert_eq!(world.events(), [Event::Left]);
}
