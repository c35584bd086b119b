//! What is committed, and when.

use std::time::Duration;

use crate::engine::offsets::Event;
use crate::engine::offsets::Necessity;
use crate::engine::offsets::OffsetsConfig;
use crate::engine::offsets::commit::{GATHERING, SPACING};
use crate::engine::protocol::ErrorCode;

use super::world::*;

// ---- together

/// One commit is out at a time. Lanes that wait for theirs would fall into two groups for good, each of which waits for the other's.
#[test]
fn those_that_wait_go_with_the_next_ones_of_those_that_were_answered() {
    let mut world = World::consuming(manual());
    world.commit(1, Some(vec![offset(0, 11)]));
    world.commit(2, Some(vec![offset(1, 11)]));
    assert_eq!(world.committing(), [(0, 11)]);
    world.answer_commit();
    assert_eq!(world.done(), [(1, Ok(()))]);
    assert!(world.is_quiet(), "the one that was answered has not heard of it");
    world.commit(3, Some(vec![offset(0, 12)]));
    world.send_commits();
    assert_eq!(world.committing(), [(0, 12), (1, 11)]);
    world.answer_commit();
    assert_eq!(world.done(), [(2, Ok(())), (3, Ok(()))]);
    world.commit(4, Some(vec![offset(0, 13)]));
    assert_eq!(world.committing(), [(0, 13)], "there is nobody else");
}

#[test]
fn nobody_waits_long_for_one_that_is_busy() {
    let mut world = World::consuming(manual());
    world.commit(1, Some(vec![offset(0, 11)]));
    world.commit(2, Some(vec![offset(1, 11)]));
    world.answer_commit();
    assert!(world.is_quiet());
    world.pass(GATHERING);
    assert_eq!(world.committing(), [(1, 11)]);
}

#[test]
fn what_is_to_be_committed_before_partitions_go_does_not_wait_for_others() {
    let mut world = World::consuming(manual());
    world.commit(1, Some(vec![offset(0, 11)]));
    world.commit(2, Some(vec![offset(1, 11)]));
    world.flush();
    world.answer_commit();
    assert_eq!(world.committing(), [(1, 11)]);
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
    assert_eq!(world.events(), [Event::Committed { ticket: None, automatic: true, offsets }]);
    assert_eq!(world.uncommitted(), []);
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
fn what_a_transaction_has_committed_is_not_taken_back_by_what_was_resolved_before() {
    let mut world = World::consuming(config());
    world.resolve(0, 12);
    world.batch_end();
    world.answer_commit();
    world.pass(PATIENCE);
    world.transacted(0, 13);
    // The handler of the message is not back yet; another partition's is.
    world.resolve(1, 15);
    world.batch_end();
    assert_eq!(world.committing(), [(1, 15)]);
    world.answer_commit();
    world.resolve(0, 13);
    assert_eq!(world.uncommitted(), []);
    world.resolve(0, 14);
    assert_eq!(world.uncommitted(), [(t(0), 14)]);
    world.seek(0, 11);
    assert_eq!(world.uncommitted(), [(t(0), 11)], "the user goes back");
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
    assert_eq!(world.uncommitted(), [(t(0), 50), (t(1), 5)]);
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
fn what_was_resolved_before_a_commit_by_hand_is_not_written_over_it() {
    let interval = OffsetsConfig { auto_commit_interval: Some(PATIENCE), ..config() };
    let threshold = OffsetsConfig { auto_commit_threshold: Some(5), ..config() };
    for config in [config(), interval, threshold] {
        let mut world = World::consuming(config);
        world.resolve(0, 16);
        world.batch_end();
        world.answer_commit();
        world.pass(SPACING);
        world.commit(1, Some(vec![offset(0, 2)]));
        assert_eq!(world.committing(), [(0, 2)]);
        world.answer_commit();
        world.pass(PATIENCE * 2);
        assert!(world.is_quiet());
        assert_eq!(world.uncommitted(), [(t(0), 16)], "for who asks");
        world.events();
        world.flush();
        assert_eq!(world.events(), [Event::Flushed]);
        assert!(world.is_quiet());
        world.resolve(0, 17);
        world.flush();
        assert_eq!(world.committing(), [(0, 17)]);
    }
}

#[test]
fn a_commit_by_hand_counts_though_an_automatic_one_has_still_to_be_sent() {
    let mut world = World::consuming(config());
    world.resolve(0, 12);
    world.batch_end();
    world.answer_commit();
    world.resolve(0, 16);
    world.batch_end();
    world.commit(1, Some(vec![offset(0, 2)]));
    assert_eq!(world.committing(), [(0, 2)]);
    world.answer_commit();
    world.pass(PATIENCE);
    assert!(world.is_quiet());
    // As in kafkajs, whichever partition it is of.
    world.batch_end();
    assert_eq!(world.committing(), [(0, 16)]);
}

#[test]
fn a_commit_by_hand_that_is_refused_has_overruled_nothing() {
    let mut world = World::consuming(config());
    world.resolve(0, 16);
    world.commit(1, Some(vec![offset(0, 2)]));
    assert_eq!(world.committing(), [(0, 2)]);
    world.refuse_commit(ErrorCode::GROUP_AUTHORIZATION_FAILED);
    world.pass(PATIENCE);
    world.flush();
    assert_eq!(world.committing(), [(0, 16)]);
}

#[test]
fn a_commit_that_is_refused_leaves_to_a_later_one_what_that_has_overruled() {
    for first in [None, Some(vec![offset(0, 4)])] {
        let mut world = World::consuming(config());
        world.resolve(0, 16);
        world.commit(1, first);
        assert_eq!(world.committing().len(), 1);
        world.commit(2, Some(vec![offset(0, 2)]));
        world.refuse_commit(ErrorCode::OFFSET_METADATA_TOO_LARGE);
        world.pass(PATIENCE);
        assert_eq!(world.committing(), [(0, 2)]);
        world.answer_commit();
        world.events();
        world.flush();
        assert_eq!(world.events(), [Event::Flushed]);
        assert!(world.is_quiet());
    }
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
    world.send_commits();
    assert_eq!(world.committing(), [(1, 99)], "at once: somebody waits");
    let partition = &world.sent_commit().topics[0].partitions[0];
    assert_eq!(partition.metadata.as_deref(), Some("note"));
    world.answer_commit();
    let events = world.events();
    let explicit = vec![(t(1), 99, Some("note".into()))];
    assert!(events.contains(&Event::Committed { ticket: Some(2), automatic: false, offsets: explicit }));
    let everything = vec![offset(0, 12)];
    assert!(events.contains(&Event::Committed { ticket: Some(1), automatic: true, offsets: everything }));
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
fn commits_that_wait_travel_together_and_each_learns_of_its_own() {
    let mut world = World::consuming(manual());
    world.commit(1, Some(vec![offset(0, 11)]));
    world.commit(2, Some(vec![offset(0, 12)]));
    world.commit(3, Some(vec![offset(1, 21)]));
    world.commit(4, Some(vec![offset(0, 13)]));
    assert_eq!(world.committing(), [(0, 11)]);
    world.answer_commit();
    world.send_commits();
    assert_eq!(world.committing(), [(0, 13), (1, 21)], "of the same partition the last one");
    world.events.clear();
    world.answer_commit_with(&[(0, ErrorCode::NONE), (1, ErrorCode(12))]);
    let automatic = false;
    let ended: Vec<_> =
        world.events.iter().filter(|event| matches!(event, Event::Committed { .. })).collect();
    assert_eq!(
        ended,
        [
            &Event::Committed { ticket: Some(2), automatic, offsets: vec![offset(0, 12)] },
            &Event::Committed { ticket: Some(4), automatic, offsets: vec![offset(0, 13)] },
        ],
        "one for each, with what it has asked for"
    );
    let refused = Err(ErrorCode(12));
    assert_eq!(world.done(), [(2, Ok(())), (3, refused), (4, Ok(()))]);
    assert!(world.is_quiet());
}

#[test]
fn commits_that_travelled_together_are_tried_again_in_their_order() {
    let mut world = World::consuming(manual());
    world.commit(1, Some(vec![offset(1, 20)]));
    world.commit(2, Some(vec![offset(0, 12)]));
    world.commit(3, Some(vec![offset(0, 13), offset(1, 21)]));
    world.answer_commit();
    world.send_commits();
    world.answer_commit_with(&[(0, ErrorCode::COORDINATOR_LOAD_IN_PROGRESS), (1, ErrorCode::NONE)]);
    world.commit(4, Some(vec![offset(1, 22)]));
    world.pass(PATIENCE);
    assert_eq!(world.committing(), [(0, 13), (1, 22)], "what is committed already does not go back");
    world.answer_commit();
    assert_eq!(world.done(), [(1, Ok(())), (2, Ok(())), (3, Ok(())), (4, Ok(()))]);
}

#[test]
fn how_far_off_a_necessary_commit_is() {
    let later = |wait: Option<u64>, offsets| {
        let wait = wait.map(Duration::from_millis);
        Necessity::Later { wait, offsets }
    };
    let mut world = World::consuming(manual());
    world.resolve(0, 1_000);
    assert_eq!(world.offsets.necessity(world.now), later(None, None), "neither is set");

    let interval = Some(Duration::from_millis(500));
    let rules = OffsetsConfig { auto_commit_interval: interval, auto_commit_threshold: Some(10), ..manual() };
    let mut world = World::consuming(rules);
    world.pass_ms(100);
    world.resolve(0, 13);
    world.resolve(1, 14);
    assert_eq!(world.offsets.necessity(world.now), later(Some(400), Some(3)));
    world.resolve(1, 17);
    assert_eq!(world.offsets.necessity(world.now), Necessity::Now);
    world.commit(1, None);
    world.answer_commit();
    assert_eq!(world.offsets.necessity(world.now), later(Some(500), Some(10)));
    world.pass_ms(600);
    assert_eq!(world.offsets.necessity(world.now), later(Some(500), Some(10)), "begins anew: as in kafkajs");
    world.resolve(0, 14);
    world.pass_ms(500);
    assert_eq!(world.offsets.necessity(world.now), Necessity::Now);
}

/// Nobody tells of a message that is handled: the progress is read when a commit could be due.
#[test]
fn when_to_look_at_what_busy_handlers_have_done() {
    let ms = Duration::from_millis;
    assert_eq!(World::consuming(config()).looks_in(), None, "the end of a batch is told");
    let threshold = OffsetsConfig { auto_commit_threshold: Some(10), ..config() };
    let mut world = World::consuming(threshold.clone());
    assert_eq!(world.looks_in(), Some(SPACING));
    world.resolve(0, 20);
    assert_eq!(world.looks_in(), None, "a commit is on its way");
    world.answer_commit();
    assert_eq!(world.looks_in(), Some(SPACING));
    world.revoke_all();
    assert_eq!(world.looks_in(), None);
    let without = OffsetsConfig { auto_commit: false, ..threshold };
    assert_eq!(World::consuming(without).looks_in(), None);

    let interval = OffsetsConfig { auto_commit_interval: Some(ms(500)), ..config() };
    let mut world = World::consuming(interval);
    world.pass_ms(100);
    assert_eq!(world.looks_in(), Some(ms(400)));
    world.pass_ms(400);
    assert_eq!(world.looks_in(), Some(SPACING), "due with the next message");
    let tiny = OffsetsConfig { auto_commit_interval: Some(ms(1)), ..config() };
    let mut world = World::consuming(tiny);
    world.pass_ms(1);
    world.resolve(0, 20);
    world.answer_commit();
    assert_eq!(world.looks_in(), Some(SPACING), "no commit goes out before");
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

#[test]
fn a_leader_epoch_that_the_user_says_goes_with_its_offset() {
    let epochs = |world: &World| -> Vec<i32> {
        let topics = &world.sent_commit().topics;
        topics.iter().flat_map(|topic| &topic.partitions).map(|partition| partition.leader_epoch).collect()
    };
    let mut world = World::consuming(manual());
    world.offsets.resolved(&t(1), 20, Some(3));
    let offsets = Some(vec![offset(0, 12), offset(1, 20)]);
    world.offsets.commit_with(1, offsets, [(t(0), 5)].into());
    world.settle();
    assert_eq!(epochs(&world), [5, 3], "and what is known where he does not");
    // Two that travel together: of each partition the last one counts, with what it says.
    world.offsets.commit_with(2, Some(vec![offset(0, 13)]), [(t(0), 6)].into());
    world.commit(3, Some(vec![offset(0, 14)]));
    world.answer_commit();
    world.send_commits();
    assert_eq!((world.committing(), epochs(&world)), (vec![(0, 14)], vec![-1]));
    world.answer_commit();
    assert_eq!(world.done(), [(1, Ok(())), (2, Ok(())), (3, Ok(()))]);
}
