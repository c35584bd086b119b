//! The user's rebalance hooks: which are called, of what, in which order, and who waits for them.

use std::time::Duration;

use crate::engine::clients::consumer::ConsumerConfig;
use crate::engine::clients::consumer::Event;
use crate::engine::clients::consumer::Hook::{self, Assigned, Lost, Revoked};
use crate::engine::clients::consumer::HooksGiven;
use crate::engine::clients::consumer::Offered;
use crate::engine::machine::Failure;
use crate::engine::machine::Machine;

use super::cluster::{COOPERATIVE, EAGER};
use super::listener::ALL;
use super::world::*;

const SECOND: Duration = Duration::from_secs(1);
const MESSAGE: Duration = Duration::from_millis(300);

fn takes(world: &mut World, hook: Hook, takes: Option<Duration>) {
    world.listener.takes[hook as usize] = takes;
}

/// With all hooks, in a group that rebalances cooperatively.
fn cooperative(share: &[i32]) -> World {
    let config = ConsumerConfig { assignors: vec![Offered::COOPERATIVE], ..config() };
    let mut world = World::with_hooks(config, ALL, 7);
    world.cluster.protocol = COOPERATIVE;
    world.cluster.share = share.to_vec();
    world.append_all(10);
    world.start();
    world.run(2 * SECOND);
    assert_eq!(world.listener.story(), [(Assigned, share.to_vec())]);
    world
}

fn rebalance(world: &mut World, share: &[i32]) {
    world.cluster.share = share.to_vec();
    world.cluster.rebalancing = true;
}

fn delivered(world: &World, partition: i32) -> Vec<i64> {
    let of = world.delivered.iter().filter(|(other, _)| *other == partition);
    of.map(|(_, offset)| *offset).collect()
}

fn failure(world: &World) -> Option<&Failure> {
    world.events.iter().find_map(|event| match event {
        Event::Crashed(failure) => Some(failure),
        _ => None,
    })
}

#[test]
fn an_eager_group_revokes_all_and_assigns_all() {
    let mut world = World::listening();
    assert_eq!(world.listener.calls, [(Assigned, vec![0, 1, 2, 3], 0)]);
    rebalance(&mut world, &[1, 3]);
    world.run(3 * SECOND);
    let story = [(Assigned, vec![0, 1, 2, 3]), (Revoked, vec![0, 1, 2, 3]), (Assigned, vec![1, 3])];
    assert_eq!(world.listener.story(), story);
    world.stop();
    world.run(SECOND);
    assert_eq!(world.listener.story()[3..], [(Revoked, vec![1, 3])]);
    assert_eq!((world.stopped, world.cluster.left), (1, 1));
}

#[test]
fn a_cooperative_group_tells_only_what_comes_and_goes() {
    let mut world = cooperative(&[0, 1]);
    rebalance(&mut world, &[0, 2]);
    world.run(5 * SECOND);
    assert_eq!(world.listener.story()[1..], [(Assigned, vec![2]), (Revoked, vec![1])]);
    rebalance(&mut world, &[0, 2]);
    world.run(5 * SECOND);
    assert_eq!(world.listener.calls.len(), 3, "nothing comes, nothing goes");
    world.stop();
    world.run(SECOND);
    assert_eq!(world.listener.story()[3..], [(Revoked, vec![0, 2])]);
}

#[test]
fn nothing_of_what_is_added_is_looked_up_or_handed_out_before_its_hook_has_ended() {
    let mut world = cooperative(&[0]);
    takes(&mut world, Assigned, Some(3 * SECOND));
    world.handler = Some(MESSAGE);
    world.append(0, 40);
    let before = world.requests.len();
    rebalance(&mut world, &[0, 1]);
    world.run_until(|world| world.listener.calls.len() == 2);
    let kept = delivered(&world, 0).len();
    world.run(2 * SECOND);
    assert!(world.listener.is_running());
    assert_eq!((world.sent_since(before, "OffsetFetch"), world.sent_since(before, "ListOffsets")), (0, 0));
    assert!(delivered(&world, 1).is_empty());
    assert!(delivered(&world, 0).len() >= kept + 6, "the kept one goes on");
    world.run(5 * SECOND);
    assert_eq!(delivered(&world, 1), (0..10).collect::<Vec<_>>());
    assert_eq!(world.sent_since(before, "OffsetFetch"), 1);
}

#[test]
fn a_seek_in_the_hook_decides_where_a_partition_begins() {
    for later in [Duration::ZERO, SECOND] {
        let mut world = World::with_hooks(config(), ALL, 7);
        world.append_all(10);
        world.cluster.committed.extend([(0, 3), (1, 3), (2, 3), (3, 3)]);
        world.holes.extend([0, 1, 2, 3]);
        world.listener.seeks.extend([(0, 7), (1, -2), (2, -1)]);
        takes(&mut world, Assigned, Some(later));
        world.start();
        world.consumer.seek(tp(0), 5);
        world.run(4 * SECOND);
        assert_eq!(delivered(&world, 0), (7..10).collect::<Vec<_>>(), "also behind a seek before the join");
        assert_eq!(delivered(&world, 1), (0..10).collect::<Vec<_>>());
        assert!(delivered(&world, 2).is_empty());
        assert_eq!(
            delivered(&world, 3),
            (3..10).collect::<Vec<_>>(),
            "where none is sought, the group decides"
        );
    }
}

#[test]
fn what_is_sought_in_the_hook_goes_with_the_partition() {
    let mut world = World::with_hooks(config(), ALL, 7);
    world.append_all(10);
    world.listener.seeks.insert(0, 7);
    world.holes.insert(0);
    takes(&mut world, Assigned, None);
    world.start();
    world.run(SECOND);
    world.cluster.members.clear();
    world.run(3 * SECOND);
    world.listener.seeks.clear();
    // The partitions are there again, and held by a call that is still to come.
    takes(&mut world, Assigned, Some(SECOND));
    takes(&mut world, Lost, Some(SECOND));
    world.run(REBALANCE / 2);
    assert!(world.listener.is_running());
    world.finish_hook();
    world.run(3 * SECOND);
    assert_eq!(
        world.listener.story(),
        [(Assigned, vec![0, 1, 2, 3]), (Lost, vec![0, 1, 2, 3]), (Assigned, vec![0, 1, 2, 3])]
    );
    assert_eq!(delivered(&world, 0), (0..10).collect::<Vec<_>>());
}

#[test]
fn a_commit_in_the_hook_says_where_a_partition_begins() {
    let mut world = World::with_hooks(config(), ALL, 7);
    world.append_all(10);
    world.holes.insert(0);
    takes(&mut world, Assigned, Some(SECOND));
    world.start();
    world.run_until(|world| world.listener.is_running());
    world.commit(1, 0, 4);
    world.run(SECOND / 2);
    assert_eq!(world.done(1), Some(Ok(())), "it does not wait for the hook that waits for it");
    world.run(3 * SECOND);
    assert_eq!(delivered(&world, 0), (4..10).collect::<Vec<_>>());
}

#[test]
fn revoked_is_called_behind_the_handlers_and_can_commit() {
    let mut world = World::with_hooks(ConsumerConfig { auto_commit: false, ..config() }, ALL, 7);
    world.append_all(10);
    world.start();
    world.run(2 * SECOND);
    takes(&mut world, Revoked, Some(SECOND));
    world.listener.commits.insert(0, (1, 10));
    world.handler = Some(MESSAGE);
    world.append_all(5);
    world.run(MESSAGE / 2);
    let before = world.requests.len();
    rebalance(&mut world, &[0]);
    world.run_until(|world| world.listener.is_running());
    assert!(world.lanes.iter().all(Option::is_none), "they have ended their message");
    let had = world.delivered.len();
    assert_eq!(world.consumer.uncommitted().len(), 4, "what can be committed is told");
    world.run(SECOND / 2);
    assert_eq!(world.done(1), Some(Ok(())));
    assert_eq!(
        world.sent_since(before, "JoinGroup"),
        0,
        "the partitions do not go before the hook has ended"
    );
    assert_eq!(world.delivered.len(), had);
    world.run(2 * SECOND);
    assert_eq!((world.joined, &*world.cluster.commits), (2, &[(0, 10)][..]));
}

#[test]
fn what_the_hook_commits_without_waiting_is_committed_before_the_partitions_go() {
    let mut world = World::with_hooks(ConsumerConfig { auto_commit: false, ..config() }, ALL, 7);
    world.append_all(10);
    world.start();
    world.run(2 * SECOND);
    world.listener.commits.insert(0, (1, 10));
    rebalance(&mut world, &[0]);
    world.run(3 * SECOND);
    assert_eq!(world.done(1), Some(Ok(())));
    assert_eq!(world.cluster.commits, [(0, 10)]);
}

#[test]
fn a_loss_is_told_without_a_commit_and_holds_up_no_join() {
    let mut world = World::listening();
    takes(&mut world, Lost, Some(2 * SECOND));
    world.handler = None;
    world.append(0, 5);
    world.run(SECOND);
    let (commits, joined) = (world.cluster.commits.len(), world.joined);
    world.cluster.members.clear();
    world.run_until(|world| world.joined > joined);
    assert!(world.listener.is_running(), "the group is joined beside it");
    assert_eq!(world.listener.story()[1..], [(Lost, vec![0, 1, 2, 3])]);
    assert_eq!(world.cluster.commits.len(), commits);
    world.release();
    world.run(5 * SECOND);
    assert_eq!(world.listener.story()[2..], [(Assigned, vec![0, 1, 2, 3])], "one behind the other");
    world.assert_all_committed();
}

#[test]
fn what_is_lost_while_it_is_revoked_is_told_once() {
    let mut world = World::listening();
    takes(&mut world, Revoked, Some(3 * SECOND));
    world.cluster.rebalancing = true;
    world.run_until(|world| world.listener.is_running());
    world.cluster.members.clear();
    world.run(2 * SECOND);
    assert_eq!((world.joined, world.listener.is_running()), (2, true));
    world.run(3 * SECOND);
    assert_eq!(world.listener.story()[1..], [(Revoked, vec![0, 1, 2, 3]), (Assigned, vec![0, 1, 2, 3])]);
}

#[test]
fn a_rebalance_overtakes_assigned() {
    let mut world = World::with_hooks(config(), ALL, 7);
    world.append_all(10);
    takes(&mut world, Assigned, Some(2 * SECOND));
    world.start();
    world.run_until(|world| world.listener.is_running());
    world.cluster.rebalancing = true;
    world.run(SECOND * 3 / 2);
    assert_eq!((world.listener.calls.len(), world.joined), (1, 1), "the group waits for the hooks");
    world.run(5 * SECOND);
    let all = vec![0, 1, 2, 3];
    assert_eq!(world.listener.story(), [(Assigned, all.clone()), (Revoked, all.clone()), (Assigned, all)]);
    world.assert_all_committed();
}

#[test]
fn assigned_that_has_not_begun_when_its_partitions_go_is_not_called() {
    let mut world = cooperative(&[0]);
    takes(&mut world, Assigned, Some(4 * SECOND));
    rebalance(&mut world, &[0, 1]);
    world.run_until(|world| world.listener.calls.len() == 2);
    rebalance(&mut world, &[0, 1, 2, 3]);
    world.run_until(|world| world.joined == 3);
    rebalance(&mut world, &[0, 1, 3]);
    world.run(10 * SECOND);
    assert_eq!(world.listener.story()[1..], [(Assigned, vec![1]), (Assigned, vec![3])]);
    world.run(5 * SECOND);
    assert_eq!(delivered(&world, 3), (0..10).collect::<Vec<_>>());
}

#[test]
fn a_stop_waits_for_the_hook_at_work_and_revokes() {
    for step in 0..40 {
        let mut world = World::with_hooks(config(), ALL, 7);
        world.append_all(10);
        takes(&mut world, Assigned, Some(SECOND));
        takes(&mut world, Revoked, Some(SECOND));
        world.start();
        world.run(step * Duration::from_millis(50));
        let assigned = world.listener.calls.len();
        world.stop();
        world.run(7 * SECOND);
        assert_eq!(world.stopped, 1, "{step}");
        let all = vec![0, 1, 2, 3];
        let told = [(Assigned, all.clone()), (Revoked, all)];
        assert_eq!(world.listener.story(), told[..2 * assigned], "{step}");
        assert!(world.cluster.members.is_empty(), "{step}");
    }
}

#[test]
fn a_stop_while_a_rebalance_waits_for_revoked() {
    let mut world = World::listening();
    takes(&mut world, Revoked, Some(3 * SECOND));
    world.cluster.rebalancing = true;
    world.run_until(|world| world.listener.is_running());
    world.stop();
    world.run(2 * SECOND);
    assert_eq!(world.stopped, 0);
    world.run(3 * SECOND);
    assert_eq!((world.stopped, world.listener.calls.len()), (1, 2), "once is enough");
}

#[test]
fn a_hook_that_throws_is_a_crash() {
    for hook in [Assigned, Revoked, Lost] {
        let mut world = World::with_hooks(config(), ALL, 7);
        world.append_all(10);
        world.listener.throws = Some(hook);
        world.start();
        world.run(2 * SECOND);
        match hook {
            Assigned => {}
            Revoked => world.cluster.rebalancing = true,
            Lost => world.cluster.members.clear(),
        }
        world.run(3 * SECOND);
        assert_eq!(failure(&world), Some(&Failure::Callback("thrown".into())), "{hook:?}");
        if hook == Assigned {
            assert_eq!(world.delivered, []);
        }
        world.stop();
        world.run(3 * SECOND);
        assert_eq!(world.stopped, 1, "{hook:?}");
    }
}

#[test]
fn a_hook_that_never_ends_is_a_crash_by_name_and_the_last_one() {
    for hook in [Assigned, Revoked, Lost] {
        let mut world = World::with_hooks(config(), ALL, 7);
        world.append_all(10);
        takes(&mut world, hook, None);
        world.start();
        world.run(2 * SECOND);
        match hook {
            Assigned => {}
            Revoked => world.cluster.rebalancing = true,
            Lost => world.cluster.members.clear(),
        }
        world.run(REBALANCE + 3 * SECOND);
        let message = format!("{} has not ended within rebalanceTimeout (10000 ms)", hook.name());
        assert!(world.lines.iter().any(|line| line.message == message), "{hook:?}");
        assert_eq!(failure(&world), Some(&Failure::Callback(message)));
        let calls = world.listener.calls.len();
        world.stop();
        world.run(3 * SECOND);
        assert_eq!((world.stopped, world.listener.calls.len()), (1, calls), "{hook:?}");
        assert!(world.cluster.members.is_empty(), "{hook:?}");
    }
}

#[test]
fn a_stop_does_not_wait_for_ever_for_a_hook() {
    for hook in [Assigned, Revoked] {
        let mut world = World::with_hooks(config(), ALL, 7);
        world.append_all(10);
        takes(&mut world, hook, None);
        world.start();
        world.run(2 * SECOND);
        world.stop();
        world.run(REBALANCE + SECOND);
        assert_eq!(world.stopped, 1, "{hook:?}");
        assert_eq!(failure(&world), None, "a stop does not crash");
        assert!(world.lines.iter().any(|line| line.message.starts_with(hook.name())));
        assert_eq!(world.consumer.poll_timeout(world.now), None);
    }
}

#[test]
fn that_the_process_stood_still_is_no_fault_of_a_hook() {
    let mut world = World::with_hooks(config(), ALL, 7);
    world.append_all(10);
    takes(&mut world, Assigned, Some(SECOND));
    world.start();
    world.run_until(|world| world.listener.is_running());
    world.stand_still(REBALANCE + SECOND);
    world.run(5 * SECOND);
    assert!(!world.crashed());
    world.assert_all_committed();
}

#[test]
fn a_handler_that_hangs_loses_its_partitions() {
    let mut world = World::listening();
    world.handler = None;
    world.append(0, 5);
    world.run(MAX_POLL + 2 * SECOND);
    assert_eq!(world.listener.story()[1..], [(Lost, vec![0, 1, 2, 3])]);
    world.release();
    world.run(5 * SECOND);
    assert_eq!(world.listener.story()[2..], [(Assigned, vec![0, 1, 2, 3])]);
    world.assert_all_committed();
}

#[test]
fn a_member_that_is_fenced_has_lost_its_partitions() {
    let mut world = World::listening();
    world.cluster.fenced = true;
    world.run(3 * SECOND);
    assert!(world.crashed());
    world.stop();
    world.run(3 * SECOND);
    assert_eq!(world.listener.story()[1..], [(Lost, vec![0, 1, 2, 3])]);
}

#[test]
fn each_hook_may_be_the_only_one() {
    for hook in [Assigned, Revoked, Lost] {
        let given = HooksGiven { assigned: hook == Assigned, revoked: hook == Revoked, lost: hook == Lost };
        let mut world = World::with_hooks(config(), given, 7);
        world.append_all(10);
        world.start();
        world.run(2 * SECOND);
        world.cluster.rebalancing = true;
        world.run(3 * SECOND);
        world.cluster.members.clear();
        world.run(3 * SECOND);
        world.stop();
        world.run(3 * SECOND);
        let count = if hook == Lost {
            1
        } else if hook == Revoked {
            2
        } else {
            3
        };
        assert_eq!(world.listener.story(), vec![(hook, vec![0, 1, 2, 3]); count]);
        assert_eq!(world.stopped, 1);
        world.assert_all_committed();
    }
}

/// Hooks of any length beside anything that may happen: the ledger of [`super::listener`] holds, and all is consumed in the end.
#[test]
fn a_storm_with_hooks() {
    for (seed, protocol) in (0..60).map(|seed| (seed, if seed % 2 == 0 { EAGER } else { COOPERATIVE })) {
        let mut world = super::random::storm_with(seed, protocol, ALL);
        world.calm();
        world.run(90 * SECOND);
        world.append_all(1);
        world.run(20 * SECOND);
        assert!(!world.crashed(), "seed {seed}: {:?}", failure(&world));
        assert_eq!(world.consumer.assignment().len(), 4, "seed {seed}");
        world.assert_all_committed();
        assert!(!world.listener.calls.is_empty(), "seed {seed}");
        world.stop();
        world.run(20 * SECOND);
        assert_eq!(world.stopped, 1, "seed {seed}");
        assert_eq!(world.listener.story().last().map(|(hook, _)| *hook), Some(Revoked), "seed {seed}");
    }
}
