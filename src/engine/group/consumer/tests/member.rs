//! One member, answers by hand.

use std::time::Duration;

use crate::engine::group::GroupMembershipOperation::{Default as ByKind, LeaveGroup, RemainInGroup};
use crate::engine::group::{ConsumerGroupConfig, Subscription};
use crate::engine::machine::Failure;
use crate::engine::machine::Machine;
use crate::engine::machine::NetError;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Response;
use crate::engine::protocol::consumer_group_heartbeat::*;

use super::world::*;

#[test]
fn joins_and_takes_its_partitions() {
    let mut world = World::new(config());
    assert_eq!(world.group.poll_timeout(world.now), None);
    world.join(&["orders"]);
    let request = world.sent();
    assert_eq!(request.member_epoch, JOIN_EPOCH);
    assert_eq!(request.member_id.len(), 22);
    assert_eq!((request.rack_id.as_deref(), request.rebalance_timeout_ms), (Some("rack-1"), 60_000));
    assert_eq!(request.server_assignor.as_deref(), Some("uniform"));
    assert_eq!(request.topics, Some(vec!["orders".to_owned()]));
    assert_eq!((request.topic_regex, request.owned), (None, Some(vec![])));
    assert_eq!(world.group.membership(), None);
    assert!(world.group.is_rebalancing());

    // Who owns nothing yet is a member nevertheless, and may hear of it.
    world.answer(answer(1, Some(vec![])));
    let first = Seen::Assigned(orders(&[]));
    assert_eq!(world.events(), [Seen::EpochChanged, Seen::Heartbeat, first]);
    assert!(world.group.is_stable());
    assert_eq!(world.group.membership().unwrap().generation_id, 1);
    assert_eq!(world.group.valid_until(), None, "nothing to lose");

    // Nothing has changed, so nothing is said but that we are here.
    assert!(world.sends_nothing());
    world.advance(INTERVAL);
    let request = world.sent();
    assert_eq!(request.member_epoch, 1);
    assert_eq!((request.topics, request.owned, request.rebalance_timeout_ms), (None, None, -1));
    assert_eq!((request.rack_id, request.server_assignor), (None, None));

    world.answer(answer(2, Some(vec![ids(ORDERS, &[1, 0])])));
    let unknown = Seen::TopicsUnknown(vec![ORDERS]);
    assert_eq!(world.events(), [Seen::EpochChanged, Seen::Heartbeat, unknown]);
    world.group.learn(world.now, |_| None);
    assert_eq!(world.events(), []);
    world.group.learn(world.now, |_| Some("orders".into()));
    assert_eq!(world.events(), [Seen::Assigned(orders(&[0, 1]))]);

    // It is told at once what is owned now.
    let request = world.sent();
    assert_eq!(request.owned, Some(vec![ids(ORDERS, &[0, 1])]));
    assert!(!world.group.is_stable());
    world.answer(answer(2, None));
    assert!(world.group.is_stable());
    assert_eq!(world.group.valid_until(), Some(world.now + 3 * INTERVAL));
}

/// What it is to have the others give up at their heartbeats, and none of these tells a newcomer.
#[test]
fn a_newcomer_asks_soon_what_the_others_have_given_up() {
    let mut world = World::new(config());
    world.join(&["orders"]);
    world.sent();
    world.answer(answer(1, Some(vec![])));
    let soon = INTERVAL / 5;
    for _ in 0..10 {
        world.advance(soon - Duration::from_millis(1));
        assert!(world.sends_nothing());
        world.advance(Duration::from_millis(1));
        assert_eq!(world.sent().topics, None);
        world.answer(answer(1, None));
    }
    // Two intervals are over: by now everybody has been asked to give up.
    world.advance(soon);
    assert!(world.sends_nothing());
    world.advance(INTERVAL - soon);
    world.sent();

    // Who is fenced comes anew.
    world.answer(refusal(ErrorCode::FENCED_MEMBER_EPOCH));
    world.sent();
    world.answer(answer(2, Some(vec![])));
    world.advance(soon);
    world.sent();
}

#[test]
fn gives_up_first_and_takes_the_rest_afterwards() {
    let mut world = World::member(config());
    world.advance(INTERVAL);
    world.sent();
    world.answer(answer(3, Some(vec![ids(ORDERS, &[1, 2])])));
    assert_eq!(world.events(), [Seen::Heartbeat, GOING, Seen::Revoke(orders(&[0]))]);
    assert!(world.group.membership().is_some(), "what is given up can be committed");

    // Heartbeats go on meanwhile, and still name it.
    world.advance(INTERVAL);
    assert_eq!(world.sent().owned, Some(vec![ids(ORDERS, &[0, 1])]));
    // A newer target takes away what is not being given up yet.
    world.answer(answer(4, Some(vec![ids(ORDERS, &[2])])));
    assert_eq!(world.events(), [Seen::EpochChanged, Seen::Heartbeat]);

    world.group.revoked(world.now);
    assert_eq!(world.events(), [GOING, Seen::Revoke(orders(&[1]))]);
    world.group.revoked(world.now);
    assert_eq!(world.events(), [Seen::Assigned(orders(&[2]))]);
    assert_eq!(world.sent().owned, Some(vec![ids(ORDERS, &[2])]));
    world.answer(answer(4, None));
    assert!(world.group.is_stable());
}

#[test]
fn what_came_back_while_it_was_given_up_is_taken_anew() {
    let mut world = World::member(config());
    world.advance(INTERVAL);
    world.sent();
    world.answer(answer(3, Some(vec![ids(ORDERS, &[1])])));
    world.advance(INTERVAL);
    world.sent();
    world.answer(answer(5, Some(vec![ids(ORDERS, &[0, 1])])));
    world.events();
    world.group.revoked(world.now);
    assert_eq!(world.events(), [Seen::Assigned(orders(&[0, 1]))]);
}

#[test]
fn a_topic_that_nobody_knows_yet_does_not_hold_up_the_others() {
    let mut world = World::member(config());
    world.advance(INTERVAL);
    world.sent();
    world.answer(answer(4, Some(vec![ids(ORDERS, &[0, 1, 2]), ids(LATER, &[0])])));
    let unknown = Seen::TopicsUnknown(vec![LATER]);
    assert_eq!(world.events(), [Seen::EpochChanged, Seen::Heartbeat, unknown]);
    world.group.learn(world.now, |_| None);
    assert_eq!(world.events(), [Seen::Assigned(orders(&[0, 1, 2]))]);
    assert_eq!(world.sent().owned, Some(vec![ids(ORDERS, &[0, 1, 2])]));
    world.answer(answer(4, None));
    assert!(world.group.is_stable());
    world.events();
    world.group.learn(world.now, |id| (id == LATER).then(|| "later".into()));
    let events = world.events();
    assert!(matches!(&events[..], [Seen::Assigned(assignment)] if assignment.len() == 4), "{events:?}");
}

/// The coordinator takes back at once what a member does not say that it owns. It may have done so while the answer is out.
#[test]
fn nothing_is_taken_up_while_the_coordinator_is_being_told_what_is_owned() {
    let mut world = World::new(config());
    world.join(&["orders"]);
    world.sent();
    world.answer(answer(1, Some(vec![ids(ORDERS, &[0])])));
    world.group.learn(world.now, |_| None);
    world.events();
    assert_eq!(world.sent().owned, Some(vec![]), "nothing yet, for want of a name");
    world.group.learn(world.now, |_| Some("orders".into()));
    assert_eq!(world.events(), []);
    world.respond(lost_connection());
    world.group.learn(world.now, |_| Some("orders".into()));
    assert_eq!(world.events(), [Seen::CoordinatorLost], "it may have got there");

    world.advance(Duration::from_millis(121));
    world.sent();
    world.answer(answer(2, Some(vec![ids(ORDERS, &[1])])));
    let taken = Seen::Assigned(orders(&[1]));
    assert_eq!(world.events(), [Seen::EpochChanged, Seen::Heartbeat, taken]);
}

#[test]
fn a_changed_subscription_is_told_at_once() {
    let mut world = World::member(config());
    world.join(&["orders", "payments"]);
    let request = world.sent();
    assert_eq!(request.topics.unwrap(), ["orders", "payments"]);
    assert_eq!((request.owned, request.topic_regex), (None, None));
    world.answer(answer(3, None));

    let regex = Some("o.*".to_owned());
    world.group.join(world.now, Subscription { topics: vec![], regex });
    let request = world.sent();
    assert_eq!((request.topics, request.topic_regex.as_deref()), (Some(vec![]), Some("o.*")));
    world.answer(answer(3, None));

    world.join(&["orders"]);
    let request = world.sent();
    assert_eq!(request.topic_regex.as_deref(), Some(""), "the expression is taken back");
}

#[test]
fn after_an_error_everything_is_told_again() {
    for response in [
        lost_connection(),
        Ok(Response::ConsumerGroupHeartbeat(refusal(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS))),
        Ok(Response::ConsumerGroupHeartbeat(refusal(ErrorCode::NOT_COORDINATOR))),
    ] {
        let mut world = World::member(config());
        world.advance(INTERVAL);
        world.sent();
        world.respond(response);
        assert!(world.sends_nothing(), "there is a back-off");
        world.advance(Duration::from_millis(121));
        let request = world.sent();
        assert_eq!(request.member_epoch, 3);
        assert_eq!(request.topics, Some(vec!["orders".to_owned()]));
        assert_eq!(request.owned, Some(vec![ids(ORDERS, &[0, 1])]));
        assert_eq!(request.rebalance_timeout_ms, 60_000);
        // The answer to a whole request brings the whole assignment, which is no news.
        world.events();
        world.answer(answer(3, Some(vec![ids(ORDERS, &[0, 1])])));
        assert_eq!(world.events(), [Seen::Heartbeat]);
        assert!(world.group.is_stable());
    }
}

#[test]
fn a_member_that_is_fenced_has_lost_everything_and_joins_at_once() {
    for code in [ErrorCode::FENCED_MEMBER_EPOCH, ErrorCode::UNKNOWN_MEMBER_ID, ErrorCode::GROUP_ID_NOT_FOUND]
    {
        let mut world = World::member(config());
        let id = world.group.member_id.clone();
        world.advance(INTERVAL);
        world.sent();
        world.answer(refusal(code));
        assert_eq!(world.events(), [Seen::Rebalancing(code), Seen::Lost(code)]);
        assert_eq!(world.group.pending_error(), Some(ErrorCode::UNKNOWN_MEMBER_ID));
        assert_eq!(world.group.membership(), None);
        let request = world.sent();
        assert_eq!((request.member_epoch, request.member_id), (JOIN_EPOCH, id));
        assert_eq!(request.owned, Some(vec![]));
        // Who is refused like that while it joins must not do so all the time.
        world.answer(refusal(code));
        assert_eq!(world.events(), []);
        if code == ErrorCode::FENCED_MEMBER_EPOCH {
            assert_eq!(world.sent().member_epoch, LEAVE_EPOCH, "see `places`");
            world.answer(answer(LEAVE_EPOCH, None));
            world.sent();
            world.answer(refusal(code));
        }
        assert!(world.sends_nothing());
        world.advance(Duration::from_millis(121));
        world.sent();
        world.answer(answer(9, Some(vec![ids(ORDERS, &[1])])));
        let again = Seen::Assigned(orders(&[1]));
        assert_eq!(world.events(), [Seen::EpochChanged, Seen::Heartbeat, again]);
        assert_eq!(world.sent().owned, Some(vec![ids(ORDERS, &[1])]));
        world.answer(answer(9, None));
        assert_eq!(world.group.pending_error(), None);
    }
}

#[test]
fn what_was_being_given_up_is_lost_when_the_member_is_fenced() {
    let mut world = World::member(config());
    world.advance(INTERVAL);
    world.sent();
    world.answer(answer(3, Some(vec![])));
    world.advance(INTERVAL);
    world.sent();
    world.events();
    world.answer(refusal(ErrorCode::FENCED_MEMBER_EPOCH));
    let code = ErrorCode::FENCED_MEMBER_EPOCH;
    assert_eq!(world.events(), [Seen::Rebalancing(code), Seen::Lost(code)]);
    world.group.revoked(world.now);
    assert_eq!(world.events(), [], "nobody waits for it any more");
    assert_eq!(world.sent().member_epoch, JOIN_EPOCH);
}

#[test]
fn a_fatal_refusal_is_told_with_the_brokers_words() {
    for code in [
        ErrorCode::UNSUPPORTED_ASSIGNOR,
        ErrorCode::UNSUPPORTED_VERSION,
        ErrorCode::GROUP_MAX_SIZE_REACHED,
        ErrorCode::FENCED_INSTANCE_ID,
        ErrorCode::GROUP_AUTHORIZATION_FAILED,
    ] {
        let mut world = World::new(config());
        world.join(&["orders"]);
        world.sent();
        let message = Some("because".to_owned());
        world.answer(ConsumerGroupHeartbeatResponse { error_message: message.clone(), ..refusal(code) });
        let refused = Failure::Refused { code, message: "because".to_owned() };
        assert_eq!(world.events(), [Seen::Failed(refused)]);
        world.advance(INTERVAL);
        assert!(world.sends_nothing());
        assert_eq!(world.group.poll_timeout(world.now), None);
        world.group.leave(world.now, ByKind);
        assert_eq!(world.events(), [Seen::Left]);
    }
}

#[test]
fn each_kind_of_member_leaves_at_its_own_epoch() {
    let instance = |id: &str| ConsumerGroupConfig { group_instance_id: Some(id.to_owned()), ..config() };
    for (config, operation, epoch) in [
        (config(), ByKind, LEAVE_EPOCH),
        (config(), LeaveGroup, LEAVE_EPOCH),
        (instance("a"), ByKind, LEAVE_EPOCH_OF_STATIC),
        (instance("a"), RemainInGroup, LEAVE_EPOCH_OF_STATIC),
        (instance("a"), LeaveGroup, LEAVE_EPOCH),
    ] {
        let mut world = World::member(config);
        // A heartbeat that is outstanding is not waited for.
        world.advance(INTERVAL);
        world.sent();
        world.group.leave(world.now, operation);
        let request = world.sent();
        assert_eq!(request.member_epoch, epoch);
        assert_eq!((request.topics, request.owned), (None, None));
        world.answer(answer(epoch, None));
        assert_eq!(world.events(), [Seen::Left]);
        assert!(world.sends_nothing());
    }
}

#[test]
fn a_dynamic_member_that_is_to_remain_says_nothing() {
    let mut world = World::member(config());
    world.group.leave(world.now, RemainInGroup);
    assert_eq!(world.events(), [Seen::Left]);
    assert!(world.sends_nothing());
}

#[test]
fn leaving_ends_within_five_seconds() {
    let mut world = World::member(config());
    world.group.leave(world.now, ByKind);
    world.sent();
    world.respond(lost_connection());
    assert_eq!(world.events(), [Seen::CoordinatorLost]);
    world.advance(Duration::from_millis(121));
    world.sent();
    world.advance(Duration::from_secs(5));
    assert_eq!(world.events(), [Seen::Left]);
    assert_eq!(world.group.poll_timeout(world.now), None);
}

#[test]
fn who_never_joined_has_nothing_to_leave() {
    let mut world = World::new(config());
    world.group.leave(world.now, ByKind);
    assert_eq!(world.events(), [Seen::Left]);
}

#[test]
fn an_owner_without_progress_is_out_until_it_joins_again() {
    let mut world = World::member(config());
    world.group.lost(world.now, &ErrorCode::UNKNOWN_MEMBER_ID.message());
    assert_eq!(world.events(), [Seen::Lost(ErrorCode::UNKNOWN_MEMBER_ID)]);
    assert_eq!(world.sent().member_epoch, LEAVE_EPOCH);
    // It moves on before the broker has answered.
    world.join(&["orders"]);
    world.answer(answer(LEAVE_EPOCH, None));
    assert_eq!(world.sent().member_epoch, JOIN_EPOCH);
}

#[test]
fn a_coordinator_that_is_silent_is_looked_up_again() {
    let mut world = World::member(config());
    world.advance(INTERVAL);
    let (silent, _) = {
        world.sent();
        world.in_flight[0].clone()
    };
    assert_eq!(world.group.poll_timeout(world.now), Some(world.now + 3 * INTERVAL));
    world.advance(3 * INTERVAL);
    assert_eq!(world.events(), [Seen::CoordinatorLost]);
    world.advance(Duration::from_millis(121));
    assert_eq!(world.sent().topics, Some(vec!["orders".to_owned()]));
    // The late answer is nobody's.
    world.group.handle_response(
        world.now,
        silent,
        Ok(Response::ConsumerGroupHeartbeat(refusal(ErrorCode::UNKNOWN_MEMBER_ID))),
    );
    assert_eq!(world.events(), []);
}

/// A coordinator that stood still while its successor was chosen says that all is well.
#[test]
fn an_answer_that_comes_when_the_session_may_be_over_is_as_none_until_others_name_the_coordinator() {
    let mut world = World::member(config());
    world.advance(INTERVAL);
    world.sent();
    let over = world.group.valid_until();
    world.now += 3 * INTERVAL;
    world.answer(answer(4, Some(vec![ids(ORDERS, &[0])])));
    assert_eq!(world.events(), [Seen::CoordinatorLost]);
    assert_eq!(world.group.membership().unwrap().generation_id, 3);
    assert_eq!(world.group.valid_until(), over);
    // The one that others name is told everything.
    let request = world.sent();
    assert_eq!((request.member_epoch, request.topics), (3, Some(vec!["orders".to_owned()])));
    assert_eq!(request.owned, Some(vec![ids(ORDERS, &[0, 1])]));
    // It may stand still, too, until it has a successor.
    world.now += 3 * INTERVAL;
    world.answer(answer(3, None));
    assert_eq!((world.events(), world.group.valid_until()), (vec![Seen::CoordinatorLost], over));
    world.sent();
    world.answer(answer(4, Some(vec![ids(ORDERS, &[0, 1])])));
    assert_eq!(world.events(), [Seen::EpochChanged, Seen::Heartbeat]);
    assert_eq!(world.group.valid_until(), Some(world.now + 3 * INTERVAL));
}

#[test]
fn nonsense_is_asked_again_over_another_connection_and_not_for_ever() {
    let mut world = World::member(config());
    for _ in 0..13 {
        world.advance(INTERVAL);
        world.sent();
        world.answer(answer(-7, None));
        assert_eq!(world.events(), [Seen::Suspect]);
    }
    world.advance(INTERVAL);
    world.sent();
    world.answer(answer(0, None));
    let failure = Failure::Net(NetError::OutOfStep);
    assert_eq!(world.events(), [Seen::Failed(failure)]);
}

#[test]
fn of_four_heartbeats_in_an_interval_none_is_a_handlers() {
    let mut world = World::member(config());
    world.advance(2 * INTERVAL);
    world.sent();
    for _ in 0..8 {
        world.answer(answer(3, None));
        world.group.heartbeat(world.now);
        assert!(world.sends_nothing(), "no newcomer any more");
        world.advance(INTERVAL / 4 - Duration::from_millis(1));
        world.group.heartbeat(world.now);
        assert!(world.sends_nothing());
        world.advance(Duration::from_millis(2));
        world.sent();
    }
}

/// A timer that is over asks for a call at once, and the call must leave none behind (see `Machine`), or its owner is kept busy.
#[test]
fn what_is_due_waits_for_the_coordinator_without_a_timer() {
    let rings = |world: &World| world.group.poll_timeout(world.now).is_some_and(|at| at <= world.now);
    let unknown = |world: &mut World| {
        for _ in 0..3 {
            world.advance(INTERVAL);
            assert_eq!(world.group.poll_request(world.now, None), None);
            assert!(!rings(world));
        }
    };
    let mut joining = World::new(config());
    joining.join(&["orders"]);
    assert!(!rings(&joining));
    unknown(&mut joining);
    assert_eq!(joining.sent().member_epoch, JOIN_EPOCH);

    let mut beating = World::member(config());
    unknown(&mut beating);
    beating.sent();
    beating.respond(lost_connection());
    unknown(&mut beating);
    beating.sent();

    let mut revoking = World::member(config());
    revoking.advance(INTERVAL);
    revoking.sent();
    revoking.answer(answer(3, Some(vec![])));
    unknown(&mut revoking);
    revoking.group.revoked(revoking.now);
    unknown(&mut revoking);
    assert_eq!(revoking.sent().owned, Some(vec![]));

    let mut leaving = World::member(config());
    leaving.group.leave(leaving.now, ByKind);
    assert!(!rings(&leaving));
    leaving.advance(INTERVAL);
    assert_eq!((leaving.events().pop(), leaving.group.poll_timeout(leaving.now)), (Some(Seen::Left), None));
}

#[test]
fn names_that_are_of_no_use_any_more_are_not_asked_for() {
    let mut world = World::member(config());
    world.advance(INTERVAL);
    world.sent();
    world.answer(answer(4, Some(vec![ids(ORDERS, &[0, 1]), ids(LATER, &[0])])));
    assert_eq!(world.events().pop(), Some(Seen::TopicsUnknown(vec![LATER])));
    world.group.learn(world.now, |_| None);
    world.sent();
    // The topic was deleted before anybody knew its name.
    world.answer(answer(5, Some(vec![ids(ORDERS, &[0, 1])])));
    assert_eq!(world.events().pop(), Some(Seen::TopicsUnknown(vec![])));
    world.group.learn(world.now, |_| None);
    world.sent();
    world.answer(answer(5, None));
    assert!(world.group.is_stable());
    assert_eq!(world.events(), [Seen::Heartbeat]);
}

#[test]
fn a_coordinator_that_does_not_speak_the_protocol_is_told_apart() {
    let api = Err(NetError::UnsupportedApi { api: "ConsumerGroupHeartbeat", key: 68, theirs: None });
    let off = Ok(Response::ConsumerGroupHeartbeat(refusal(ErrorCode::UNSUPPORTED_VERSION)));
    for response in [api, off] {
        let mut world = World::new(config());
        world.join(&["orders"]);
        world.sent();
        world.respond(response.clone());
        assert!(world.group.is_unsupported() && !world.group.was_member());
        assert!(matches!(world.events()[..], [Seen::Failed(_)]));
        let mut world = World::member(config());
        world.advance(INTERVAL);
        world.sent();
        world.respond(response);
        assert!(world.group.is_unsupported() && world.group.was_member());
        assert!(matches!(world.events()[..], [Seen::Failed(_)]));
    }
}

/// The coordinator has a heartbeat that names what is given up, so what is left is told behind its answer.
#[test]
fn what_was_given_up_is_told_also_when_a_heartbeat_was_under_way() {
    let mut world = World::member(config());
    world.advance(INTERVAL);
    world.sent();
    world.answer(answer(3, Some(vec![ids(ORDERS, &[1])])));
    world.advance(INTERVAL);
    assert_eq!(world.sent().owned, Some(vec![ids(ORDERS, &[0, 1])]));
    world.events();
    world.group.revoked(world.now);
    assert_eq!(world.events(), []);
    world.answer(answer(3, None));
    assert_eq!(world.events(), [Seen::Heartbeat, Seen::Assigned(orders(&[1]))]);
    assert_eq!(world.sent().owned, Some(vec![ids(ORDERS, &[1])]));
    world.answer(answer(3, None));
    assert_eq!(world.events(), [Seen::Heartbeat], "once");
    assert!(world.group.is_stable());
}
