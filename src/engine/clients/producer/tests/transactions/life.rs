//! A transaction from its beginning to its end, when nothing goes wrong.

use crate::engine::clients::producer::Trouble;

use super::world::Scripted;
use super::{MS, SECOND, all_committed, both};

#[test]
fn messages_and_offsets_of_a_transaction_count_when_it_is_committed() {
    both(|mut world| {
        let begun = world.begin();
        world.run_for(SECOND);
        assert!(world.is_done(begun));
        world.send(0);
        world.send(1);
        let sent = world.send_offsets(2);
        world.run_for(SECOND);
        assert!(world.is_done(sent));
        assert_eq!((all_committed(&world), world.model.offset("g")), (vec![], None));
        let committed = world.commit();
        world.run_for(SECOND);
        assert!(world.is_done(committed));
        assert_eq!((all_committed(&world), world.model.offset("g")), (vec![0, 1], Some(2)));
        let asks = |name| world.asked.iter().filter(|asked| **asked == name).count();
        let of_v1 = usize::from(!world.model.is_v2);
        assert_eq!((asks("EndTxn"), asks("AddOffsetsToTxn"), asks("InitProducerId")), (1, of_v1, 1));
        assert!(asks("AddPartitionsToTxn") <= 2 * of_v1, "{:?}", world.asked);
    });
}

#[test]
fn a_commit_waits_for_what_was_sent_before() {
    both(|mut world| {
        world.begin();
        world.run_for(SECOND);
        world.send(0);
        world.send_offsets(1);
        let committed = world.commit();
        world.run_for(SECOND);
        assert!(world.is_done(committed));
        assert_eq!((all_committed(&world), world.model.offset("g")), (vec![0], Some(1)));
    });
}

#[test]
fn nothing_of_an_aborted_transaction_counts_and_the_next_one_goes_on() {
    both(|mut world| {
        for round in 0..3 {
            world.begin();
            world.run_for(SECOND);
            world.send(round);
            world.send_offsets(9);
            world.run_for(if round == 0 { MS } else { SECOND });
            let aborted = world.abort();
            world.run_for(SECOND);
            assert!(world.is_done(aborted));
        }
        assert_eq!((all_committed(&world), world.model.offset("g")), (vec![], Some(0)));
        world.begin();
        world.run_for(SECOND);
        world.send(5);
        let committed = world.commit();
        world.run_for(SECOND);
        assert!(world.is_done(committed));
        assert_eq!(all_committed(&world), [5]);
    });
}

#[test]
fn an_empty_transaction_is_nobodys_business() {
    both(|mut world| {
        for round in 0..2 {
            let begun = world.begin();
            world.run_for(SECOND);
            let ended = if round == 0 { world.commit() } else { world.abort() };
            world.run_for(SECOND);
            assert!(world.is_done(begun) && world.is_done(ended));
        }
        assert!(!world.asked.contains(&"EndTxn"));
    });
}

#[test]
fn a_second_begin_and_an_end_without_a_beginning_are_misplaced() {
    both(|mut world| {
        let ended = world.commit();
        assert_eq!(world.answer(ended), Some(Err(Trouble::Misplaced)));
        world.begin();
        let again = world.begin();
        world.run_for(SECOND);
        assert_eq!(world.answer(again), Some(Err(Trouble::Misplaced)));
        let again = world.begin();
        world.run_for(SECOND);
        assert_eq!(world.answer(again), Some(Err(Trouble::Misplaced)));
    });
}

#[test]
fn closing_aborts_what_is_open() {
    both(|mut world| {
        world.begin();
        world.run_for(SECOND);
        world.send(0);
        world.run_for(SECOND);
        let at = world.at();
        world.program().producer.close(at, SECOND);
        world.turn();
        world.run_for(SECOND / 2);
        assert!(world.program().is_closed);
        world.run_for(SECOND);
        assert!(!world.model.is_open(), "readers do not wait for it");
        assert_eq!(all_committed(&world), []);
    });
}

#[test]
fn closing_ends_in_time_when_no_coordinator_answers() {
    both(|mut world| {
        world.begin();
        world.run_for(SECOND);
        world.send(0);
        world.run_for(SECOND);
        world.scripted = vec![("EndTxn", Scripted::LostBefore); 1000];
        let at = world.at();
        world.program().producer.close(at, SECOND);
        world.turn();
        world.run_for(SECOND * 9 / 10);
        assert!(!world.program().is_closed);
        world.run_for(SECOND / 5);
        assert!(world.program().is_closed);
    });
}

/// `transaction.version` is raised or lowered under a producer that runs.
#[test]
fn the_cluster_may_speak_another_protocol_a_minute_later() {
    both(|mut world| {
        let first = world.model.is_v2;
        let mut before = None;
        for (round, is_v2) in (0..).zip([first, first, !first, !first, first]) {
            world.model.is_v2 = is_v2;
            world.run_for(61 * SECOND);
            world.asked.clear();
            let begun = world.begin();
            world.run_for(SECOND);
            assert!(world.is_done(begun));
            assert_eq!(world.asked.contains(&"InitProducerId"), before != Some(is_v2), "another epoch");
            world.send(round);
            world.send_offsets(i64::try_from(round).unwrap() + 1);
            let committed = world.commit();
            world.run_for(SECOND);
            assert!(world.is_done(committed));
            assert_eq!(world.asked.contains(&"AddOffsetsToTxn"), !is_v2);
            before = Some(is_v2);
        }
        assert_eq!((all_committed(&world), world.model.offset("g")), (vec![0, 1, 2, 3, 4], Some(5)));
        world.asked.clear();
        let begun = world.begin();
        assert!(world.is_done(begun) && world.asked.is_empty(), "one right behind another asks nobody");
    });
}
