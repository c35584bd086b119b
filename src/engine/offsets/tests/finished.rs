//! What is finished beyond the resolved offset travels with the commit.

use crate::engine::offsets::Offset;
use crate::engine::offsets::OffsetsConfig;
use crate::engine::offsets::Range;
use crate::engine::protocol::ErrorCode;

use super::world::*;
use crate::engine::offsets::commit::SPACING;

fn keeping() -> OffsetsConfig {
    OffsetsConfig { keeps_finished: true, ..config() }
}

fn finish(world: &mut World, next: i64, end: i64, finished: &[Range]) {
    world.offsets.finished(&t(0), next, Some(6), end, finished.to_vec());
    world.settle();
}

/// The metadata with which the group goes on.
fn note_of(world: &World) -> String {
    match world.noting().as_slice() {
        [(0, _, Some(note))] => note.clone(),
        other => panic!("no note in {other:?}"),
    }
}

#[test]
fn the_next_owner_reads_what_is_finished() {
    let mut world = World::consuming(keeping());
    finish(&mut world, 11, 30, &[(13, 15), (20, 21)]);
    assert_eq!(world.committing(), [(0, 11)]);
    let note = note_of(&world);
    world.answer_commit();
    assert_eq!(world.uncommitted(), []);

    let mut next = World::with(keeping());
    next.assign(&[0], false);
    next.answer_fetch_with(11, &note);
    assert_eq!(next.offsets.finished_beyond(&t(0)), [(13, 15), (20, 21)]);
    assert_eq!(next.uncommitted(), [], "what was read is no progress");
    // What lies behind what its handlers have been given so far is kept.
    finish(&mut next, 15, 16, &[]);
    assert_eq!(next.offsets.finished_beyond(&t(0)), [(20, 21)]);
    assert!(note_of(&next).starts_with("kafkars:1:15:"));
}

#[test]
fn progress_behind_a_message_that_is_stuck_is_committed() {
    let mut world = World::consuming(keeping());
    finish(&mut world, 10, 30, &[(11, 12)]);
    let first = note_of(&world);
    world.answer_commit();
    world.pass(SPACING);
    finish(&mut world, 10, 30, &[(11, 12)]);
    assert!(world.is_quiet(), "no news");
    finish(&mut world, 10, 30, &[(11, 13)]);
    world.pass(SPACING);
    assert_ne!(note_of(&world), first);
    world.answer_commit();
    world.pass(SPACING);
    finish(&mut world, 13, 30, &[]);
    world.pass(SPACING);
    assert_eq!(world.noting(), [(0, 13, None)]);
}

#[test]
fn another_position_begins_anew() {
    for elsewhere in [5, 12] {
        let mut world = World::consuming(keeping());
        finish(&mut world, 10, 30, &[(11, 13)]);
        world.answer_commit();
        world.seek(0, elsewhere);
        assert_eq!(world.offsets.finished_beyond(&t(0)), []);
        world.pass(SPACING);
        assert_eq!(world.noting(), [(0, elsewhere, None)]);
    }
}

#[test]
fn metadata_of_the_users_stays_his() {
    let mut world = World::consuming(keeping());
    finish(&mut world, 11, 30, &[(13, 15)]);
    world.answer_commit();
    let theirs: Offset = (t(0), 11, Some("theirs".to_owned()));
    world.commit(1, Some(vec![theirs]));
    assert_eq!(world.noting(), [(0, 11, Some("theirs".to_owned()))]);
    world.answer_commit();
    world.pass(PATIENCE);
    assert!(world.is_quiet(), "it is not written over without news");
    world.commit(2, Some(vec![offset(0, 14)]));
    assert!(note_of(&world).starts_with("kafkars:1:14:"), "who says nothing of his own has ours");
}

#[test]
fn who_handles_in_order_neither_reads_nor_writes_it() {
    let mut world = World::with(config());
    world.assign(&[0], false);
    world.answer_fetch_with(11, "kafkars:1:11:rCB");
    assert_eq!(world.offsets.finished_beyond(&t(0)), []);
    world.resolve(0, 12);
    world.batch_end();
    assert_eq!(world.noting(), [(0, 12, None)]);
}

#[test]
fn a_broker_that_takes_no_metadata_gets_the_offset_alone() {
    let mut world = World::consuming(keeping());
    finish(&mut world, 11, 30, &[(13, 15)]);
    world.refuse_commit(ErrorCode::OFFSET_METADATA_TOO_LARGE);
    assert_eq!(world.warnings(), 1);
    world.pass(PATIENCE);
    assert_eq!(world.noting(), [(0, 11, None)]);
    world.answer_commit();
    finish(&mut world, 12, 30, &[(13, 15)]);
    world.pass(SPACING);
    assert_eq!(world.noting(), [(0, 12, None)]);
    // In a flush, too, and in what JavaScript has asked for.
    let mut world = World::consuming(keeping());
    finish(&mut world, 11, 30, &[(13, 15)]);
    world.answer_commit();
    finish(&mut world, 11, 30, &[(13, 16)]);
    world.commit(1, None);
    world.refuse_commit(ErrorCode::OFFSET_METADATA_TOO_LARGE);
    world.pass(PATIENCE);
    assert_eq!(world.done(), [(1, Ok(()))]);
}
