//! A member by KIP-848: its epoch stands where the generation does, and changes while it is a member.

use crate::engine::machine::Owned;
use crate::engine::offsets::Event;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Request;

use super::world::*;

fn member() -> World {
    let mut world = World::new();
    world.by_epoch = true;
    world.assign(&[0, 1], false);
    world
}

fn consuming() -> World {
    let mut world = member();
    world.answer_fetch(&[(0, 10), (1, 10)]);
    world.events.clear();
    world
}

#[test]
fn look_ups_carry_the_member_and_its_epoch() {
    let asked = |world: &World| match &world.in_flight[world.index_of("OffsetFetch").unwrap()].body {
        Request::OffsetFetch(request) => (request.member_id.clone(), request.member_epoch),
        other => panic!("{other:?}"),
    };
    assert_eq!(asked(&member()), (Some("member".to_owned()), 1));
    let mut classic = World::new();
    classic.assign(&[0], false);
    assert_eq!(asked(&classic), (None, -1));
}

#[test]
fn a_look_up_in_an_epoch_that_is_over_is_repeated_in_the_next() {
    for code in [ErrorCode::STALE_MEMBER_EPOCH, ErrorCode::FENCED_MEMBER_EPOCH, ErrorCode::UNKNOWN_MEMBER_ID]
    {
        let mut world = member();
        world.refuse_fetch(code);
        assert_eq!((world.failures(), world.is_quiet()), (Vec::new(), true));
        world.next_generation();
        world.pass(PATIENCE);
        world.answer_fetch(&[(0, 10), (1, 11)]);
        assert_eq!(world.positions(), [(0, 10), (1, 11)]);
    }
}

#[test]
fn a_commit_in_an_epoch_that_is_over_goes_out_as_soon_as_the_next_is_known() {
    let mut world = consuming();
    world.resolve(0, 12);
    world.batch_end();
    world.refuse_commit(ErrorCode::STALE_MEMBER_EPOCH);
    assert!(world.is_quiet(), "the coordinator is not asked all the time");
    world.next_generation();
    world.pass_ms(20); // what automatic commits keep between each other
    assert_eq!((world.committing(), world.sent_commit().generation_id), (vec![(0, 12)], 2));
    // The answer that tells the next one may also be faster than the refusal.
    world.commit(1, Some(vec![offset(1, 20)]));
    world.answer_commit();
    world.next_generation();
    world.refuse_commit(ErrorCode::STALE_MEMBER_EPOCH);
    assert_eq!((world.committing(), world.sent_commit().generation_id), (vec![(1, 20)], 3));
    world.answer_commit();
    assert_eq!((world.done(), world.warnings()), (vec![(1, Ok(()))], 0));
}

#[test]
fn before_partitions_go_it_is_tried_a_few_times_only() {
    let mut world = consuming();
    world.resolve(0, 12);
    world.offsets.flush(Owned::Only([t(0)].into()));
    world.settle();
    let mut tries = 0;
    while !world.has(&Event::Flushed) {
        world.refuse_commit(ErrorCode::STALE_MEMBER_EPOCH);
        world.pass(PATIENCE);
        tries += 1;
    }
    assert_eq!(tries, 3);
}

#[test]
fn an_explicit_commit_whose_epoch_nobody_hears_of_ends_some_day() {
    let mut world = consuming();
    world.commit(1, Some(vec![offset(0, 12)]));
    for _ in 0..10 {
        world.refuse_commit(ErrorCode::STALE_MEMBER_EPOCH);
        world.pass(PATIENCE);
    }
    assert_eq!(world.done(), [(1, Err(ErrorCode::STALE_MEMBER_EPOCH))]);
}
