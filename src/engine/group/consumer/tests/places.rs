//! The place of a member in its group, which the coordinator keeps although the member joins anew.

use std::time::Duration;

use crate::engine::group::ConsumerGroupConfig;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::consumer_group_heartbeat::*;

use super::world::*;

#[test]
fn a_place_that_is_still_taken_is_waited_for() {
    let mut world = World::new(ConsumerGroupConfig { group_instance_id: Some("a".to_owned()), ..config() });
    world.join(&["orders"]);
    for _ in 0..20 {
        world.sent();
        world.answer(refusal(ErrorCode::UNRELEASED_INSTANCE_ID));
        assert!(world.sends_nothing());
        world.advance(Duration::from_millis(1201));
    }
    assert_eq!(world.events(), []);
    world.sent();
    world.answer(answer(1, None));
    assert!(world.group.is_stable());
}

/// The coordinator refuses it to whoever joins, also to the member that has it, until the session is over.
#[test]
fn a_place_that_may_be_our_own_is_given_back_and_taken_anew() {
    let lost = |config| {
        let mut world = World::new(config);
        world.join(&["orders"]);
        world.sent();
        world.respond(lost_connection());
        world.advance(Duration::from_millis(1201));
        world
    };
    let silent = |config| {
        let mut world = World::new(config);
        world.join(&["orders"]);
        world.sent();
        world.advance(INTERVAL * 3);
        world.advance(Duration::from_millis(1201));
        world
    };
    let fenced = |config| {
        let mut world = World::member(config);
        world.advance(INTERVAL);
        world.sent();
        world.answer(refusal(ErrorCode::FENCED_MEMBER_EPOCH));
        world
    };
    let left = |config| {
        let mut world = World::member(config);
        world.group.lost(world.now, "no progress");
        world.sent();
        world.join(&["orders"]);
        world.advance(Duration::from_secs(5));
        world
    };
    let instance = ConsumerGroupConfig { group_instance_id: Some("a".to_owned()), ..config() };
    for (config, code, epoch) in [
        (instance, ErrorCode::UNRELEASED_INSTANCE_ID, LEAVE_EPOCH_OF_STATIC),
        (config(), ErrorCode::FENCED_MEMBER_EPOCH, LEAVE_EPOCH),
    ] {
        let worlds =
            [lost(config.clone()), silent(config.clone()), fenced(config.clone()), left(config.clone())];
        for mut world in worlds {
            let member_id = world.sent().member_id;
            world.answer(refusal(code));
            let farewell = world.sent();
            assert_eq!((farewell.member_epoch, &farewell.member_id), (epoch, &member_id));
            world.answer(answer(epoch, None));
            let join = world.sent();
            assert_eq!((join.member_epoch, &join.member_id), (JOIN_EPOCH, &member_id));
            world.answer(answer(1, None));
            assert!(world.group.is_stable());
        }
        // It is not ours: it is waited for.
        let mut world = lost(config);
        world.sent();
        world.answer(refusal(code));
        assert_eq!(world.sent().member_epoch, epoch);
        world.answer(refusal(ErrorCode::FENCED_INSTANCE_ID));
        for _ in 0..3 {
            assert_eq!(world.sent().member_epoch, JOIN_EPOCH);
            world.answer(refusal(code));
            assert!(world.sends_nothing());
            world.advance(Duration::from_millis(1201));
        }
    }
}
