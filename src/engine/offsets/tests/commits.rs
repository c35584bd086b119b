//! What is committed, and when.

use std::time::Duration;

use crate::engine::cluster::Failure;
use crate::engine::offsets::Event;
use crate::engine::offsets::OffsetsConfig;
use crate::engine::offsets::answer::PARTITION_TRIES;
use crate::engine::offsets::commit::SPACING;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::NetError;
use crate::engine::protocol::Response;
use crate::engine::protocol::metadata::MetadataResponse;

use super::world::*;

fn manual() -> OffsetsConfig {
    OffsetsConfig { auto_commit: false, ..config() }
}

// ---- by itself

#[test]
fn the_end_of_a_batch_commits_what_is_resolved_everywhere() {
    let mut world = World::consuming(config());
    world.resolve(0, 12);
    world.resolve(1, 15);
    assert!(world.is_quiet(), "not within the batch");
    world.batch_end();
    assert_eq!(world.committing(), [(0, 12), (1, 15)]);
    let request = world.sent_commit();
    assert_eq!((request.generation_id, request.member_id.as_str()), (1, "member"));
    assert_eq!(request.group_instance_id.as_deref(), Some("instance"));
    world.answer_commit();
    let offsets = vec![offset(0, 12), offset(1, 15)];
    assert_eq!(world.events(), [Event::Committed { automatic: true, offsets }]);
    assert_eq!(world.offsets.uncommitted(), []);
    world.batch_end();
    world.pass(PATIENCE);
    assert!(world.is_quiet(), "nothing new");
}

#[test]
fn a_commit_says_which_leader_wrote_the_last_record_if_it_is_known() {
    let mut world = World::consuming(manual());
    let epoch = |world: &World| world.sent_commit().topics[0].partitions[0].leader_epoch;
    world.resolve(0, 12);
    world.commit(1, None);
    assert_eq!(epoch(&world), 6);
    world.answer_commit();
    world.commit(2, Some(vec![offset(0, 11)]));
    assert_eq!(epoch(&world), -1, "of another record");
    world.answer_commit();
    world.seek(0, 12);
    world.commit(3, None);
    assert_eq!(epoch(&world), -1, "nothing was read there");
}

#[test]
fn an_idle_consumer_commits_at_once_and_a_busy_one_fifty_times_a_second() {
    let mut world = World::consuming(config());
    let start = world.now;
    let mut commits = 0;
    for next in 11..=1_010 {
        world.pass_ms(1);
        world.resolve(0, next);
        world.batch_end();
        if next == 11 {
            assert_eq!(world.committing(), [(0, 11)], "at once");
        }
        if world.index_of("OffsetCommit").is_some() {
            commits += 1;
            world.answer_commit();
        }
    }
    assert_eq!(world.now - start, Duration::from_secs(1));
    assert!((45..=51).contains(&commits), "{commits}");
    world.pass(SPACING);
    assert_eq!(world.committing(), [(0, 1_010)], "the last one is not forgotten");
}

#[test]
fn what_is_newer_rides_in_the_next_commit() {
    let mut world = World::consuming(config());
    world.resolve(0, 11);
    world.batch_end();
    world.resolve(0, 12);
    world.batch_end();
    world.resolve(1, 12);
    world.batch_end();
    assert_eq!(world.committing(), [(0, 11)]);
    world.pass(PATIENCE);
    world.answer_commit();
    assert!(world.is_quiet(), "keeps its distance");
    world.pass(SPACING);
    assert_eq!(world.committing(), [(0, 12), (1, 12)]);
    world.answer_commit();
    world.pass(PATIENCE);
    assert!(world.is_quiet());
}

#[test]
fn without_auto_commit_nothing_is_committed_by_itself() {
    let interval = Some(Duration::from_millis(50));
    let mut world = World::consuming(OffsetsConfig {
        auto_commit_interval: interval,
        auto_commit_threshold: Some(1),
        ..manual()
    });
    world.resolve(0, 50);
    world.seek(1, 5);
    world.batch_end();
    world.pass(PATIENCE);
    world.flush();
    assert!(world.is_quiet());
    assert_eq!(world.offsets.uncommitted(), [(t(0), 50), (t(1), 5)]);
}

#[test]
fn the_interval_commits_within_a_batch() {
    let interval = Some(Duration::from_millis(500));
    let mut world = World::consuming(OffsetsConfig { auto_commit_interval: interval, ..config() });
    world.pass_ms(700);
    assert!(world.is_quiet(), "nothing is uncommitted");
    world.resolve(0, 11);
    assert_eq!(world.committing(), [(0, 11)], "long due");
    world.answer_commit();
    world.resolve(0, 12);
    world.pass_ms(499);
    assert!(world.is_quiet());
    world.pass_ms(1);
    assert_eq!(world.committing(), [(0, 12)], "by the clock: the handler of message 13 takes its time");
}

#[test]
fn the_threshold_commits_within_a_batch() {
    let mut world = World::consuming(OffsetsConfig { auto_commit_threshold: Some(10), ..config() });
    world.resolve(0, 15);
    world.resolve(1, 14);
    assert!(world.is_quiet(), "5 + 4");
    world.resolve(1, 15);
    assert_eq!(world.committing(), [(0, 15), (1, 15)]);
    world.answer_commit();
    world.pass(SPACING);
    world.resolve(0, 24);
    assert!(world.is_quiet(), "counts from the last commit");
    world.resolve(0, 25);
    assert_eq!(world.committing(), [(0, 25)]);
}

#[test]
fn what_is_on_its_way_counts_neither_for_the_interval_nor_for_the_threshold() {
    let interval = Some(Duration::from_millis(500));
    let threshold = Some(10);
    for config in [
        OffsetsConfig { auto_commit_interval: interval, ..config() },
        OffsetsConfig { auto_commit_threshold: threshold, ..config() },
    ] {
        let mut world = World::consuming(config);
        world.pass_ms(500);
        world.resolve(0, 20);
        assert_eq!(world.committing(), [(0, 20)]);
        world.resolve(0, 21);
        world.answer_commit();
        world.pass(SPACING);
        assert!(world.is_quiet(), "one message since");
    }
}

#[test]
fn a_threshold_that_is_reached_while_a_commit_is_on_its_way_commits_after_it() {
    let mut world = World::consuming(OffsetsConfig { auto_commit_threshold: Some(10), ..config() });
    world.resolve(0, 20);
    assert_eq!(world.committing(), [(0, 20)]);
    world.resolve(0, 30);
    world.answer_commit();
    world.pass(SPACING);
    assert_eq!(world.committing(), [(0, 30)]);
}

/// B3: another member may have moved on since.
#[test]
fn an_offset_learned_from_the_group_is_never_written_back() {
    let mut world = World::consuming(config());
    world.batch_end();
    world.flush();
    world.commit(1, None);
    assert!(world.is_quiet());
    assert_eq!(world.done(), [(1, Ok(()))]);
}

#[test]
fn resolving_backwards_commits_backwards() {
    let mut world = World::consuming(config());
    world.resolve(0, 20);
    world.batch_end();
    world.answer_commit();
    world.resolve(0, 15);
    world.batch_end();
    world.pass(SPACING);
    assert_eq!(world.committing(), [(0, 15)]);
}

#[test]
fn a_negative_offset_is_never_committed() {
    let mut world = World::consuming(config());
    world.resolve(0, -1);
    world.seek(1, -2);
    world.batch_end();
    assert!(world.is_quiet());
    world.commit(1, Some(vec![offset(0, 5), offset(1, -1)]));
    assert!(world.is_quiet());
    assert_eq!(world.done(), [(1, Err(ErrorCode::OFFSET_OUT_OF_RANGE))]);
}

#[test]
fn a_sought_offset_is_committed() {
    let mut world = World::consuming(config());
    world.resolve(0, 20);
    world.batch_end();
    world.seek(0, 3);
    world.answer_commit();
    world.pass(SPACING);
    assert_eq!(world.committing(), [(0, 3)], "though a newer one was on its way");
    world.answer_commit();
    assert_eq!(world.offsets.committed_offset(&t(0)), Some(3));
}

// ---- on demand

#[test]
fn a_commit_of_everything_and_one_of_something() {
    let mut world = World::consuming(manual());
    world.resolve(0, 12);
    world.commit(1, None);
    assert_eq!(world.committing(), [(0, 12)]);
    world.commit(2, Some(vec![(t(1), 99, Some("note".into()))]));
    world.answer_commit();
    assert_eq!(world.committing(), [(1, 99)], "at once: somebody waits");
    let partition = &world.sent_commit().topics[0].partitions[0];
    assert_eq!(partition.metadata.as_deref(), Some("note"));
    world.answer_commit();
    let events = world.events();
    let explicit = vec![(t(1), 99, Some("note".into()))];
    assert!(events.contains(&Event::Committed { automatic: false, offsets: explicit }));
    assert!(events.contains(&Event::Committed { automatic: true, offsets: vec![offset(0, 12)] }));
    assert_eq!(events.iter().filter(|e| matches!(e, Event::CommitDone { result: Ok(()), .. })).count(), 2);
    assert_eq!(world.offsets.committed_offset(&t(1)), Some(99));
}

#[test]
fn commit_if_necessary_obeys_interval_and_threshold_without_auto_commit() {
    let mut world = World::consuming(manual());
    world.resolve(0, 1_000);
    world.offsets.commit_if_necessary(world.now, 1);
    world.settle();
    assert_eq!(world.done(), [(1, Ok(()))]);
    assert!(world.is_quiet(), "neither is set");

    let mut world = World::consuming(OffsetsConfig { auto_commit_threshold: Some(3), ..manual() });
    world.resolve(0, 12);
    world.offsets.commit_if_necessary(world.now, 1);
    world.settle();
    assert!(world.is_quiet());
    world.resolve(0, 13);
    world.offsets.commit_if_necessary(world.now, 2);
    world.settle();
    assert_eq!(world.committing(), [(0, 13)]);
    world.answer_commit();
    assert_eq!(world.done(), [(1, Ok(())), (2, Ok(()))]);

    let interval = Some(Duration::from_millis(100));
    let mut world = World::consuming(OffsetsConfig { auto_commit_interval: interval, ..manual() });
    world.resolve(0, 12);
    world.pass_ms(100);
    assert!(world.is_quiet());
    world.offsets.commit_if_necessary(world.now, 1);
    world.settle();
    assert_eq!(world.committing(), [(0, 12)]);
}

#[test]
fn a_commit_while_joining_waits_for_the_join() {
    let mut world = World::consuming(manual());
    world.revoke_all();
    world.commit(1, Some(vec![offset(0, 12)]));
    world.pass(PATIENCE);
    assert!(world.is_quiet());
    world.assign(&[0], false);
    assert_eq!(world.committing(), [(0, 12)]);
    assert_eq!(world.sent_commit().generation_id, 2);
    world.answer_commit();
    assert_eq!(world.done(), [(1, Ok(()))]);
}

/// So does a follower that finds the group as it was, and a classic member of a KIP-848 group that gets no other epoch.
#[test]
fn a_commit_that_waited_goes_out_in_a_generation_that_is_still_the_same() {
    let mut world = World::consuming(manual());
    world.revoke_all();
    world.commit(1, Some(vec![offset(0, 12)]));
    world.generation_id -= 1;
    world.assign(&[0, 1], false);
    assert_eq!(world.committing(), [(0, 12)]);
}

/// B3 again: what waits must not overtake the partition's new owner.
#[test]
fn a_commit_that_waited_fails_when_its_partition_is_somebody_elses() {
    let mut world = World::consuming(manual());
    world.revoke_all();
    world.commit(1, Some(vec![offset(0, 12), offset(1, 12)]));
    world.assign(&[1, 2], false);
    assert_eq!(world.done(), [(1, Err(ErrorCode::ILLEGAL_GENERATION))]);
    assert_eq!(world.index_of("OffsetCommit"), None);

    // Ours again, but a generation went by without us.
    let mut world = World::consuming(manual());
    world.revoke_all();
    world.commit(1, Some(vec![offset(0, 12)]));
    world.generation_id += 1;
    world.assign(&[0, 1], false);
    assert_eq!(world.done(), [(1, Err(ErrorCode::ILLEGAL_GENERATION))]);
    assert_eq!(world.index_of("OffsetCommit"), None);
}

#[test]
fn in_its_own_generation_a_commit_may_name_any_partition() {
    let mut world = World::consuming(manual());
    world.commit(1, Some(vec![offset(7, 12)]));
    assert_eq!(world.committing(), [(7, 12)], "as in kafkajs");
}

#[test]
fn a_commit_of_nothing_is_done() {
    let mut world = World::consuming(manual());
    world.commit(1, None);
    world.commit(2, Some(Vec::new()));
    assert_eq!(world.done(), [(1, Ok(())), (2, Ok(()))]);
    assert!(world.is_quiet());
}

// ---- refusals

#[test]
fn trouble_with_the_coordinator_is_waited_out() {
    let moved =
        [ErrorCode::NOT_COORDINATOR, ErrorCode::COORDINATOR_NOT_AVAILABLE, ErrorCode::REQUEST_TIMED_OUT];
    let troubles = moved.into_iter().map(|code| (Ok(code), true)).chain([
        (Ok(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS), false),
        (Err(closed()), true),
        (Err(timed_out()), true),
        (Err(NetError::NoBroker), true),
    ]);
    for (trouble, lost) in troubles {
        let mut world = World::consuming(manual());
        world.commit(1, Some(vec![offset(0, 12)]));
        for _ in 0..30 {
            match trouble.clone() {
                Ok(code) => world.refuse_commit(code),
                Err(error) => world.cut("OffsetCommit", error),
            }
            assert_eq!(world.has(&Event::CoordinatorLost), lost, "{trouble:?}");
            assert!(world.is_quiet(), "not at once");
            world.pass(PATIENCE);
        }
        world.answer_commit();
        assert_eq!(world.done(), [(1, Ok(()))]);
    }
}

#[test]
fn a_commit_to_be_tried_once_is_tried_once() {
    let mut world = World::consuming(manual());
    world.offsets.commit_once(1, Some(vec![offset(0, 12)]));
    world.settle();
    world.refuse_commit(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS);
    assert_eq!(world.done(), [(1, Err(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS))]);
    world.pass(PATIENCE);
    assert!(world.is_quiet());

    world.offsets.commit_once(2, None);
    world.offsets.commit_once(3, Some(vec![offset(0, 12)]));
    world.settle();
    world.cut("OffsetCommit", closed());
    let result = Err(Failure::Net(closed()));
    assert!(world.has(&Event::CommitDone { ticket: 3, result }));
}

#[test]
fn automatic_commits_go_on_with_what_is_newer_after_trouble() {
    let mut world = World::consuming(config());
    world.resolve(0, 12);
    world.batch_end();
    world.cut("OffsetCommit", closed());
    world.coordinator_known = false;
    world.resolve(0, 14);
    world.pass(PATIENCE);
    assert!(world.is_quiet());
    world.coordinator_known = true;
    world.settle();
    assert_eq!(world.committing(), [(0, 14)]);
}

#[test]
fn a_lost_generation_fails_manual_commits_and_repeats_automatic_ones() {
    for code in [
        ErrorCode::REBALANCE_IN_PROGRESS,
        ErrorCode::ILLEGAL_GENERATION,
        ErrorCode::UNKNOWN_MEMBER_ID,
        ErrorCode::FENCED_INSTANCE_ID,
    ] {
        let mut world = World::consuming(config());
        world.commit(1, Some(vec![offset(0, 12)]));
        world.refuse_commit(code);
        assert!(world.has(&Event::Rebalance(code)));
        assert_eq!(world.done(), [(1, Err(code))]);
        world.pass(PATIENCE);
        assert!(world.is_quiet());

        // Until the group knows: a warning now and then, not one per batch.
        let mut refusals = 0;
        for next in 13..1_013 {
            world.resolve(0, next);
            world.batch_end();
            if world.index_of("OffsetCommit").is_some() {
                world.refuse_commit(code);
                refusals += 1;
            }
            world.pass_ms(3);
        }
        assert!((2..8).contains(&refusals), "{refusals}");
        assert_eq!(world.warnings(), refusals);
        assert!(world.failures().is_empty());
    }
}

#[test]
fn a_refused_automatic_commit_is_repeated_although_no_batch_follows() {
    for code in [
        ErrorCode::REBALANCE_IN_PROGRESS,
        ErrorCode::ILLEGAL_GENERATION,
        ErrorCode::UNKNOWN_MEMBER_ID,
        ErrorCode::FENCED_INSTANCE_ID,
    ] {
        let mut world = World::consuming(config());
        world.resolve(0, 12);
        world.batch_end();
        world.refuse_commit(code);
        world.pass(PATIENCE);
        world.answer_commit();
        assert_eq!(world.offsets.uncommitted(), [], "{code:?}");
        world.pass(PATIENCE);
        assert!(world.is_quiet());
    }
}

#[test]
fn a_coordinator_that_does_not_know_the_group_knows_no_generation_of_it() {
    let mut world = World::consuming(config());
    world.commit(1, Some(vec![offset(0, 12)]));
    world.refuse_commit(ErrorCode::GROUP_ID_NOT_FOUND);
    assert_eq!(world.done(), [(1, Err(ErrorCode::ILLEGAL_GENERATION))]);
    world.resolve(0, 12);
    world.batch_end();
    world.pass(PATIENCE);
    world.refuse_commit(ErrorCode::GROUP_ID_NOT_FOUND);
    assert!(world.has(&Event::Rebalance(ErrorCode::ILLEGAL_GENERATION)));
    assert!(world.failures().is_empty());
}

#[test]
fn every_partition_of_an_answer_is_read() {
    let mut world = World::consuming(config());
    world.resolve(0, 12);
    world.resolve(1, 13);
    world.batch_end();
    world.answer_commit_with(&[(0, ErrorCode::NONE), (1, ErrorCode::COORDINATOR_LOAD_IN_PROGRESS)]);
    assert!(world.has(&Event::Committed { automatic: true, offsets: vec![offset(0, 12)] }));
    world.pass(PATIENCE);
    assert_eq!(world.committing(), [(1, 13)]);
    world.answer_commit_with(&[]);
    world.pass(PATIENCE);
    assert_eq!(world.committing(), [(1, 13)], "an omission is no success");

    let mut world = World::consuming(manual());
    world.commit(1, Some(vec![offset(0, 12), offset(1, 13)]));
    world.answer_commit_with(&[(1, ErrorCode::NONE), (0, ErrorCode::NOT_COORDINATOR)]);
    world.pass(PATIENCE);
    assert_eq!(world.committing(), [(0, 12)]);
    world.answer_commit();
    assert_eq!(world.done(), [(1, Ok(()))]);
}

#[test]
fn a_deleted_topic_does_not_keep_anybody_waiting_for_ever() {
    let mut world = World::consuming(manual());
    world.commit(1, Some(vec![offset(0, 12)]));
    for _ in 0..PARTITION_TRIES {
        assert_eq!(world.done(), []);
        world.refuse_commit(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
        world.pass(PATIENCE);
    }
    assert_eq!(world.done(), [(1, Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION))]);
    assert!(world.is_quiet());
}

#[test]
fn what_the_user_may_not_commit_is_a_failure() {
    for code in [
        ErrorCode::TOPIC_AUTHORIZATION_FAILED,
        ErrorCode::GROUP_AUTHORIZATION_FAILED,
        ErrorCode(12), // OFFSET_METADATA_TOO_LARGE
    ] {
        let mut world = World::consuming(config());
        world.commit(1, Some(vec![offset(0, 12)]));
        world.refuse_commit(code);
        assert_eq!(world.done(), [(1, Err(code))]);
        world.pass(SPACING);
        world.resolve(0, 13);
        world.batch_end();
        world.refuse_commit(code);
        assert_eq!(world.failures(), [Failure::Broker { code, partition: Some(t(0)) }]);
        world.pass(PATIENCE);
        assert!(world.is_quiet());
    }
}

#[test]
fn an_answer_to_another_question_is_no_answer() {
    let mut world = World::consuming(config());
    world.resolve(0, 12);
    world.batch_end();
    let outbound = world.in_flight.remove(0);
    world.hand(outbound, Ok(Response::Metadata(MetadataResponse::default())));
    world.pass(PATIENCE);
    assert_eq!(world.committing(), [(0, 12)]);
}

// ---- topics that nobody knows (any more)

#[test]
fn a_deleted_topic_keeps_nobody_elses_commits() {
    for code in [ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, ErrorCode::UNKNOWN_TOPIC_ID] {
        let mut world = World::consuming(config());
        world.resolve(0, 12);
        world.resolve(1, 15);
        world.batch_end();
        world.answer_commit_with(&[(0, code), (1, ErrorCode::NONE)]);
        assert!(world.has(&Event::RefreshMetadata), "is it gone?");
        world.resolve(1, 16);
        world.batch_end();
        world.pass(SPACING);
        assert_eq!(world.committing(), [(1, 16)]);
        world.answer_commit();
        world.pass(PATIENCE);
        assert_eq!(world.committing(), [(0, 12)], "perhaps it is on its way");
        world.answer_commit();
        assert_eq!((world.offsets.uncommitted(), world.warnings()), (vec![], 0));
    }
}

#[test]
fn a_deleted_topic_commits_nothing_by_itself() {
    let mut world = World::consuming(manual());
    world.resolve(0, 12);
    world.resolve(1, 15);
    world.commit(1, None);
    while !world.is_quiet() {
        let codes = [(0, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION), (1, ErrorCode::NONE)];
        world.answer_commit_with(&codes[..world.committing().len()]);
        world.resolve(1, 16);
        world.pass(PATIENCE);
    }
    assert_eq!(world.done(), [(1, Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION))]);
    assert_eq!(world.offsets.uncommitted(), [(t(0), 12), (t(1), 16)]);
}

#[test]
fn a_deleted_topic_is_given_up() {
    let mut world = World::consuming(config());
    world.resolve(0, 12);
    world.batch_end();
    for _ in 0..PARTITION_TRIES {
        world.refuse_commit(ErrorCode::UNKNOWN_TOPIC_ID);
        world.pass(PATIENCE);
    }
    assert!(world.is_quiet());
    assert_eq!((world.offsets.poll_timeout(world.now), world.warnings()), (None, 1));
    world.resolve(1, 15);
    world.batch_end();
    assert_eq!(world.committing(), [(1, 15)]);
    world.answer_commit();
    // It is not gone after all.
    world.resolve(0, 13);
    world.batch_end();
    world.pass(SPACING);
    assert_eq!(world.committing(), [(0, 13)]);
    world.answer_commit();
    assert_eq!((world.offsets.uncommitted(), world.warnings()), (vec![], 1));
}

#[test]
fn a_deleted_topic_makes_no_others_commits_necessary() {
    let threshold = OffsetsConfig { auto_commit_threshold: Some(5), ..config() };
    let interval = OffsetsConfig { auto_commit_interval: Some(Duration::from_secs(5)), ..config() };
    for config in [threshold, interval] {
        let mut world = World::consuming(config);
        world.resolve(0, 20);
        world.batch_end();
        while !world.is_quiet() {
            world.refuse_commit(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
            world.pass(PATIENCE);
        }
        world.resolve(1, 11);
        world.pass(SPACING * 2);
        assert!(world.is_quiet());
    }
}
