//! Topics by id (v10, KIP-516), and topics that are deleted and made again.

use crate::engine::offsets::Event;
use crate::engine::offsets::OffsetsConfig;
use crate::engine::offsets::answer::PARTITION_TRIES;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Request;
use crate::engine::protocol::TopicId;

use super::world::*;

const OLD: u8 = 1;
const NEW: u8 = 2;

fn consuming(config: OffsetsConfig) -> World {
    let mut world = World::with(config);
    world.identify(OLD);
    world.assign(&[0, 1], false);
    assert_eq!(world.in_flight[0].body.max_version(), 10);
    world.answer_fetch(&[(0, 10), (1, 10)]);
    assert_eq!(world.positions(), [(0, 10), (1, 10)], "found by the id");
    world
}

/// The id that the OffsetCommit in flight carries.
fn id_in_commit(world: &World) -> TopicId {
    world.sent_commit().topics[0].topic_id
}

#[test]
fn answers_are_read_by_the_ids_of_their_requests() {
    let mut world = consuming(config());
    world.resolve(0, 12);
    world.resolve(1, 13);
    world.batch_end();
    assert_eq!(Request::from(world.sent_commit().clone()).max_version(), 10);
    world.answer_commit();
    let offsets = vec![offset(0, 12), offset(1, 13)];
    assert_eq!(world.events(), [Event::Committed { ticket: None, automatic: true, offsets }]);
    assert_eq!(world.uncommitted(), []);
}

#[test]
fn until_the_metadata_is_there_topics_go_by_name() {
    let mut world = World::new();
    world.assign(&[0], false);
    assert_eq!(world.in_flight[0].body.max_version(), 9);
    world.identify(OLD);
    world.answer_fetch(&[(0, 10)]);
    assert_eq!(world.positions(), [(0, 10)], "asked by name, answered by name");
    world.resolve(0, 11);
    world.batch_end();
    assert_eq!(id_in_commit(&world), TopicId([OLD; 16]));
}

#[test]
fn one_topic_without_an_id_is_enough_to_go_by_name() {
    let mut world = consuming(manual());
    let strange = (crate::engine::machine::TopicPartition { topic: "u".into(), partition: 0 }, 5, None);
    world.commit(1, Some(vec![offset(0, 12), strange]));
    assert_eq!(Request::from(world.sent_commit().clone()).max_version(), 9);
}

#[test]
fn an_unknown_id_refreshes_the_metadata_and_is_tried_again() {
    let mut world = consuming(config());
    world.resolve(0, 12);
    world.batch_end();
    world.refuse_commit(ErrorCode::UNKNOWN_TOPIC_ID);
    assert!(world.has(&Event::RefreshMetadata));
    assert!(world.is_quiet(), "not at once");
    world.pass(PATIENCE);
    assert_eq!(world.committing(), [(0, 12)], "the coordinator may have been behind");
    world.answer_commit();
    assert_eq!(world.uncommitted(), []);
}

#[test]
fn an_unknown_id_in_a_lookup_is_asked_for_again() {
    let mut world = World::new();
    world.identify(OLD);
    world.assign(&[0], false);
    world.refuse_fetch(ErrorCode::UNKNOWN_TOPIC_ID);
    assert_eq!(world.events(), [Event::RefreshMetadata]);
    world.pass(PATIENCE);
    world.answer_fetch(&[(0, 10)]);
    assert_eq!(world.positions(), [(0, 10)]);
}

#[test]
fn offsets_of_a_log_that_is_gone_are_not_written_into_the_new_one() {
    let mut world = consuming(config());
    world.resolve(0, 12);
    world.batch_end();
    world.refuse_commit(ErrorCode::UNKNOWN_TOPIC_ID);
    world.identify(NEW);
    world.pass(PATIENCE);
    assert_eq!(world.index_of("OffsetCommit"), None, "12 means nothing in the new log");
    world.answer_fetch(&[(0, -1), (1, -1)]);
    world.answer_list(&[(0, 0), (1, 0)]);
    world.resolve(0, 3);
    world.batch_end();
    assert_eq!((world.committing(), id_in_commit(&world)), (vec![(0, 3)], TopicId([NEW; 16])));
}

#[test]
fn a_commit_on_its_way_says_nothing_about_the_new_log() {
    let mut world = consuming(config());
    world.resolve(0, 3);
    world.batch_end();
    world.identify(NEW);
    world.answer_commit();
    assert_eq!(world.offsets.committed_offset(&t(0)), None, "3 was committed in the old log");
    world.answer_fetch(&[(0, -1), (1, -1)]);
    world.answer_list(&[(0, 0), (1, 0)]);
    world.resolve(0, 3);
    world.batch_end();
    world.pass(PATIENCE);
    assert_eq!(world.committing(), [(0, 3)], "and now it must be in the new one");
}

#[test]
fn a_commit_that_somebody_waits_for_fails_with_its_log() {
    // Refused before the metadata tells, after it, and never sent at all.
    for told_first in [false, true] {
        let mut world = consuming(manual());
        world.commit(1, Some(vec![offset(0, 12)]));
        world.commit(2, Some(vec![offset(1, 12)]));
        if told_first {
            world.identify(NEW);
            assert_eq!(world.done(), [(2, Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION))]);
        }
        world.refuse_commit(ErrorCode::UNKNOWN_TOPIC_ID);
        if !told_first {
            assert_eq!(world.done(), []);
            world.identify(NEW);
        }
        let done = world.done();
        assert!(done.contains(&(1, Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION))), "{done:?}");
        world.pass(PATIENCE);
        assert_eq!(world.index_of("OffsetCommit"), None);
    }
}

#[test]
fn a_commit_of_everything_goes_on_without_the_log_that_is_gone() {
    let mut world = consuming(manual());
    world.resolve(0, 12);
    world.commit(1, None);
    world.refuse_commit(ErrorCode::UNKNOWN_TOPIC_ID);
    world.identify(NEW);
    world.pass(PATIENCE);
    assert_eq!(world.done(), [(1, Ok(()))], "nothing is left to commit");
}

#[test]
fn an_id_that_stays_unknown_ends_in_what_it_is_by_name() {
    let mut world = consuming(manual());
    world.commit(1, Some(vec![offset(0, 12)]));
    for _ in 0..PARTITION_TRIES {
        assert_eq!(world.done(), []);
        world.refuse_commit(ErrorCode::UNKNOWN_TOPIC_ID);
        world.pass(PATIENCE);
    }
    assert_eq!(world.done(), [(1, Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION))]);
    assert!(world.is_quiet());
}

#[test]
fn automatic_commits_of_a_deleted_topic_become_rare() {
    let mut world = consuming(config());
    world.resolve(0, 12);
    world.batch_end();
    let mut refused = 0;
    for _ in 0..600 {
        if world.index_of("OffsetCommit").is_some() {
            refused += 1;
            world.refuse_commit(ErrorCode::UNKNOWN_TOPIC_ID);
        }
        world.pass_ms(100);
    }
    assert!((1..=2).contains(&(refused - PARTITION_TRIES)), "{refused} in a minute");
}
