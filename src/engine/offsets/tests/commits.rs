//! Writing offsets.

use std::time::Duration;

use crate::engine::cluster::Failure;
use crate::engine::offsets::Event;
use crate::engine::offsets::OffsetsConfig;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::NetError;
use crate::engine::protocol::Request;

use super::world::*;

const SPACING: Duration = Duration::from_millis(20);

#[test]
fn an_idle_consumer_commits_at_once_and_a_busy_one_every_20_ms() {
    let mut world = World::at_work(config(), &[0]);
    world.resolve(0, 11);
    assert!(world.commits.is_empty(), "within a batch nothing is due");
    world.batch_end();
    assert_eq!(world.names(), ["OffsetCommit"]);
    for next in 12..200 {
        world.resolve(0, next);
        world.batch_end();
        if !world.in_flight.is_empty() {
            world.answer_well(0);
        }
        world.advance(Duration::from_millis(1));
    }
    for pair in world.commits.windows(2) {
        assert!(pair[1].0 - pair[0].0 >= SPACING, "{:?}", world.commits);
    }
    assert!((8..=11).contains(&world.commits.len()), "{}", world.commits.len());
    world.answer_all();
    world.advance(SPACING);
    world.answer_all();
    assert_eq!(world.committed[&0], 199, "the last batch is not forgotten");
    assert_eq!(world.offsets.poll_timeout(world.now), None);
    world.advance(Duration::from_secs(10));
    let before = world.commits.len();
    world.resolve(0, 200);
    world.batch_end();
    assert_eq!(world.commits.len(), before + 1, "idle again");
}

#[test]
fn without_auto_commit_only_the_user_commits() {
    let config = OffsetsConfig { auto_commit: false, auto_commit_threshold: Some(1), ..config() };
    let mut world = World::at_work(config, &[0]);
    world.resolve(0, 50);
    world.batch_end();
    world.offsets.flush();
    world.settle();
    assert!(world.saw(&Event::Flushed) && world.commits.is_empty());
    assert_eq!(world.offsets.uncommitted(), [(tp(0), 50)]);
    world.commit(1, None);
    world.answer_all();
    assert_eq!((world.done(1), world.committed[&0]), (Some(true), 50));
    assert!(world.events.contains(&Event::Committed { automatic: true, offsets: vec![(tp(0), 50, None)] }));
    world.commit(2, None);
    assert_eq!(world.done(2), Some(true), "nothing to do");
    assert_eq!(world.commits.len(), 1);
}

#[test]
fn threshold_and_interval_commit_within_a_batch() {
    let mut world = World::at_work(OffsetsConfig { auto_commit_threshold: Some(5), ..config() }, &[0, 1]);
    world.resolve(0, START + 3);
    world.resolve(1, START + 1);
    assert!(world.commits.is_empty());
    world.offsets.commit_if_necessary(world.now, 1);
    world.settle();
    assert_eq!(world.done(1), Some(true), "not necessary is well");
    world.resolve(1, START + 2);
    assert_eq!(world.commits.len(), 1, "five over all partitions");
    world.answer_all();

    let interval = Duration::from_secs(5);
    let mut world = World::at_work(OffsetsConfig { auto_commit_interval: Some(interval), ..config() }, &[0]);
    world.resolve(0, 20);
    world.advance(interval - Duration::from_millis(1));
    world.resolve(0, 21);
    assert!(world.commits.is_empty());
    world.advance(Duration::from_millis(1));
    world.resolve(0, 22);
    assert_eq!(world.commits.len(), 1);
    world.answer_all();
    world.resolve(0, 23);
    assert_eq!(world.commits.len(), 1, "the interval counts from the last commit");
    world.advance(interval);
    world.offsets.commit_if_necessary(world.now, 2);
    world.settle();
    assert_eq!((world.commits.len(), world.done(2)), (2, None));
    world.answer_all();
    assert_eq!((world.committed[&0], world.done(2)), (23, Some(true)));
}

#[test]
fn one_commit_at_a_time_in_order() {
    let mut world = World::at_work(config(), &[0]);
    world.commit(1, Some(&[(0, 30)]));
    world.commit(2, Some(&[(0, 20)]));
    world.resolve(0, 40);
    world.batch_end();
    assert_eq!(world.names(), ["OffsetCommit"]);
    world.answer_well(0);
    assert_eq!((world.done(1), world.done(2), world.committed[&0]), (Some(true), None, 30));
    world.answer_well(0);
    assert_eq!((world.done(2), world.committed[&0]), (Some(true), 20), "commitOffsets may go back");
    world.advance(SPACING);
    world.answer_all();
    assert_eq!(world.committed[&0], 40);
}

#[test]
fn explicit_commits_survive_a_move_of_the_coordinator() {
    let mut world = World::at_work(config(), &[0]);
    world.commit(1, Some(&[(0, 30)]));
    for round in 0..20 {
        assert_eq!(world.names(), ["OffsetCommit"], "{round}");
        match round % 3 {
            0 => world.answer(0, Err(closed())),
            1 => world.answer_with(0, |_| ErrorCode::NOT_COORDINATOR),
            _ => world.answer_with(0, |_| ErrorCode::COORDINATOR_NOT_AVAILABLE),
        }
        assert!(!world.found, "the coordinator is looked up again");
        world.advance(Duration::from_secs(2));
        assert!(world.in_flight.is_empty(), "nobody to send to");
        world.found = true;
        world.settle();
    }
    world.answer_all();
    assert_eq!((world.done(1), world.committed[&0]), (Some(true), 30));
}

#[test]
fn a_loading_coordinator_is_asked_again_for_as_long_as_it_takes() {
    let mut world = World::at_work(config(), &[0]);
    world.commit(1, Some(&[(0, 30)]));
    for _ in 0..30 {
        world.answer_with(0, |_| ErrorCode::COORDINATOR_LOAD_IN_PROGRESS);
        assert!(world.in_flight.is_empty() && world.found, "with patience, at the same place");
        world.advance(Duration::from_millis(1300));
    }
    world.answer_all();
    assert_eq!(world.done(1), Some(true));
}

#[test]
fn a_topic_that_does_not_exist_does_not_block_the_others_for_ever() {
    let mut world = World::at_work(config(), &[0, 1]);
    world.commit(1, Some(&[(9, 5)]));
    world.resolve(0, 20);
    world.batch_end();
    let unknown = |p| if p == 9 { ErrorCode::UNKNOWN_TOPIC_OR_PARTITION } else { ErrorCode::NONE };
    for _ in 0..20 {
        if !world.in_flight.is_empty() {
            world.answer_with(0, unknown);
        }
        world.advance(Duration::from_millis(1300));
    }
    assert_eq!(world.done(1), Some(false));
    assert_eq!(world.committed[&0], 20);
}

#[test]
fn a_refused_partition_does_not_undo_the_success_of_others() {
    let mut world = World::at_work(config(), &[0, 1]);
    world.resolve(0, 20);
    world.resolve(1, 21);
    world.batch_end();
    let forbidden = |p| if p == 1 { ErrorCode::TOPIC_AUTHORIZATION_FAILED } else { ErrorCode::NONE };
    world.answer_with(0, forbidden);
    assert_eq!(world.offsets.uncommitted(), [(tp(1), 21)]);
    assert!(matches!(world.events[..], [Event::Log(_)]), "{:?}", world.events);
}

#[test]
fn the_end_of_our_membership_ends_a_commit() {
    for code in
        [ErrorCode::ILLEGAL_GENERATION, ErrorCode::UNKNOWN_MEMBER_ID, ErrorCode::REBALANCE_IN_PROGRESS]
    {
        let mut world = World::at_work(config(), &[0]);
        world.commit(1, Some(&[(0, 30)]));
        world.answer_with(0, |_| code);
        let failure = Failure::Broker { code, partition: None };
        assert!(world.saw(&Event::Rebalance(code)));
        assert!(world.saw(&Event::CommitDone { ticket: 1, result: Err(failure) }));
    }
    let mut world = World::at_work(config(), &[0]);
    let authentication = NetError::Authentication { broker: "b".into(), message: "no".into() };
    world.commit(1, Some(&[(0, 30)]));
    world.answer(0, Err(authentication.clone()));
    assert!(world.saw(&Event::CommitDone { ticket: 1, result: Err(Failure::Net(authentication)) }));
}

#[test]
fn refused_automatic_commits_do_not_hammer_the_coordinator() {
    let mut world = World::at_work(config(), &[0]);
    for next in 11..3011 {
        world.resolve(0, next);
        world.batch_end();
        if !world.in_flight.is_empty() {
            world.answer_with(0, |_| ErrorCode::REBALANCE_IN_PROGRESS);
        }
        world.advance(Duration::from_millis(1));
    }
    assert!(world.commits.len() < 12, "{} in three seconds", world.commits.len());
}

#[test]
fn a_flush_goes_out_at_once_and_always_ends() {
    let mut world = World::at_work(config(), &[0]);
    world.resolve(0, 20);
    world.batch_end();
    world.answer_all();
    world.resolve(0, 21);
    world.commit(1, Some(&[(3, 5)]));
    world.offsets.flush();
    world.settle();
    assert!(!world.saw(&Event::Flushed));
    world.answer_well(0);
    assert_eq!(world.done(1), Some(true));
    assert!(!world.saw(&Event::Flushed));
    world.answer_well(0);
    assert!(world.saw(&Event::Flushed));
    assert_eq!(world.committed[&0], 21, "without spacing");

    // A refusal ends it too, and so does a revocation.
    for end in 0..2 {
        let mut world = World::at_work(config(), &[0]);
        world.resolve(0, 21);
        world.offsets.flush();
        world.settle();
        match end {
            0 => world.answer_with(0, |_| ErrorCode::ILLEGAL_GENERATION),
            _ => world.revoke(),
        }
        assert!(world.saw(&Event::Flushed), "{end}");
    }
    let mut world = World::new();
    world.offsets.flush();
    world.settle();
    assert!(world.saw(&Event::Flushed), "nothing to do");
}

#[test]
fn commits_wait_for_a_generation() {
    let mut world = World::new();
    world.commit(1, Some(&[(0, 30)]));
    world.commit(2, None);
    assert!(world.in_flight.is_empty() && world.offsets.poll_timeout(world.now).is_none());
    // A flush without a membership has nothing that it could write.
    world.offsets.flush();
    world.settle();
    assert!(world.saw(&Event::Flushed));
    world.assign(5, &[0], true);
    let commit = world.in_flight.iter().find_map(|outbound| match &outbound.body {
        Request::OffsetCommit(request) => Some(request.clone()),
        _ => None,
    });
    assert_eq!(commit.unwrap().generation_id, 5);
    world.answer_all();
    assert_eq!((world.done(1), world.done(2)), (Some(true), Some(true)));

    world.revoke();
    world.commit(3, Some(&[(0, 31)]));
    assert!(world.in_flight.is_empty());
    world.offsets.refuse_commits(&Failure::Stopped);
    world.settle();
    assert_eq!(world.done(3), Some(false));
}

#[test]
fn a_commit_on_its_way_is_settled_once_whatever_happens() {
    let mut world = World::at_work(config(), &[0]);
    world.commit(1, Some(&[(0, 30)]));
    world.commit(2, Some(&[(0, 31)]));
    world.offsets.refuse_commits(&Failure::Stopped);
    world.settle();
    world.answer_all();
    assert_eq!((world.done(1), world.done(2)), (Some(false), Some(false)));
}

#[test]
fn progress_of_the_last_generation_is_not_committed_by_the_next() {
    let mut world = World::at_work(config(), &[0]);
    world.resolve(0, 100);
    world.batch_end();
    world.revoke();
    world.committed.insert(0, 500);
    world.assign(2, &[0], true);
    let stale = world.in_flight.iter().position(|o| matches!(o.body, Request::OffsetCommit(_))).unwrap();
    world.answer_with(stale, |_| ErrorCode::ILLEGAL_GENERATION);
    world.batch_end();
    world.answer_all();
    world.advance(Duration::from_secs(10));
    assert_eq!(world.committed[&0], 500);
    assert_eq!(world.positions, [(0, 500)]);
    assert_eq!(world.commits.len(), 1);
}
