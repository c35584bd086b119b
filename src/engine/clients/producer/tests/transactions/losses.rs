//! Requests and answers that are lost.

use crate::engine::clients::producer::{Reason, Trouble};
use crate::engine::protocol::ErrorCode;

use super::world::{Scripted, World};
use super::{SECOND, all_committed, both, broker};

#[test]
fn an_end_is_asked_for_until_it_is_answered() {
    let misfortunes = [
        Scripted::LostAfter,
        Scripted::LostBefore,
        Scripted::Code(ErrorCode::CONCURRENT_TRANSACTIONS),
        Scripted::Code(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS),
        Scripted::Code(ErrorCode::NOT_COORDINATOR),
        Scripted::Code(ErrorCode::COORDINATOR_NOT_AVAILABLE),
    ];
    for misfortune in misfortunes {
        both(|mut world| {
            world.begin();
            world.run_for(SECOND);
            world.send(0);
            world.send_offsets(1);
            world.run_for(SECOND);
            world.scripted = vec![("EndTxn", misfortune.clone()), ("EndTxn", misfortune.clone())];
            world.model.transaction_coordinator = 2;
            let committed = world.commit();
            world.run_for(5 * SECOND);
            assert!(world.is_done(committed), "{misfortune:?}");
            assert_eq!((all_committed(&world), world.model.offset("g")), (vec![0], Some(1)));
            world.begin();
            world.run_for(SECOND);
            world.send(1);
            let committed = world.commit();
            world.run_for(SECOND);
            assert!(world.is_done(committed), "{misfortune:?}");
        });
    }
}

#[test]
fn what_is_lost_on_the_way_into_a_transaction_is_repeated() {
    for api in ["InitProducerId", "AddPartitionsToTxn", "AddOffsetsToTxn", "TxnOffsetCommit", "Produce"] {
        for misfortune in [Scripted::LostAfter, Scripted::LostBefore] {
            both(|mut world| {
                world.scripted = vec![(api, misfortune.clone()), (api, misfortune.clone())];
                world.begin();
                world.run_for(5 * SECOND);
                world.send(0);
                world.send_offsets(1);
                let committed = world.commit();
                world.run_for(5 * SECOND);
                assert!(world.is_done(committed), "{api} {misfortune:?}");
                assert_eq!((all_committed(&world), world.model.offset("g")), (vec![0], Some(1)));
            });
        }
    }
}

/// A commit whose answers are lost until its patience ends.
fn give_up_a_commit(world: &mut World, misfortune: Scripted) {
    world.begin();
    world.run_for(SECOND);
    world.send(0);
    world.run_for(SECOND);
    world.model.transaction_timeout = 3600 * SECOND;
    world.scripted = vec![("EndTxn", misfortune); 1000];
    let committed = world.commit();
    world.run_for(61 * SECOND);
    assert!(matches!(world.answer(committed), Some(Err(Trouble::Unanswered(Reason::Net(_))))));
}

#[test]
fn patience_ends_and_the_end_is_found_out_before_the_next_transaction() {
    both(|mut world| {
        give_up_a_commit(&mut world, Scripted::LostAfter);
        let begun = world.begin();
        world.run_for(SECOND);
        assert_eq!(world.answer(begun), None);
        world.scripted.clear();
        world.run_for(5 * SECOND);
        assert!(world.is_done(begun));
        world.send(1);
        let committed = world.commit();
        world.run_for(SECOND);
        assert!(world.is_done(committed));
        assert_eq!(all_committed(&world), [0, 1]);
    });
}

/// An attempt of which nobody hears may be carried out, whatever the next one is answered.
#[test]
fn a_commit_that_is_refused_behind_an_attempt_that_was_not_answered_is_in_doubt() {
    let code = ErrorCode::TRANSACTION_ABORTABLE;
    for (lost, is_committed) in [(Scripted::LostAfter, true), (Scripted::LostBefore, false)] {
        both(|mut world| {
            world.begin();
            world.run_for(SECOND);
            world.send(0);
            world.run_for(SECOND);
            world.scripted = vec![("EndTxn", lost.clone()), ("EndTxn", Scripted::Code(code))];
            let committed = world.commit();
            world.run_for(SECOND);
            assert_eq!(world.answer(committed), Some(Err(Trouble::Unanswered(broker(code)))));
            let begun = world.begin();
            world.run_for(SECOND);
            assert!(world.is_done(begun));
            world.send(1);
            let committed = world.commit();
            world.run_for(SECOND);
            assert!(world.is_done(committed));
            assert_eq!(all_committed(&world), if is_committed { vec![0, 1] } else { vec![1] });
        });
    }
}

/// By the first protocol transactions share an epoch, until one is asked for.
#[test]
fn what_is_read_late_of_the_end_of_a_transaction_does_not_end_the_next_one() {
    both(|mut world| {
        world.begin();
        world.run_for(SECOND);
        world.send(0);
        world.run_for(SECOND);
        world.scripted = vec![("EndTxn", Scripted::Late(3 * SECOND))];
        let committed = world.commit();
        world.run_for(SECOND);
        assert!(world.is_done(committed));
        world.begin();
        world.run_for(SECOND);
        world.send(1);
        world.run_for(3 * SECOND);
        assert_eq!(all_committed(&world), [0]);
        world.send(2);
        let committed = world.commit();
        world.run_for(SECOND);
        assert!(world.is_done(committed));
        assert_eq!(all_committed(&world), [0, 1, 2]);
    });
}

#[test]
fn a_commit_that_is_refused_when_nobody_waits_for_it_is_aborted_and_the_next_transaction_begins() {
    for waits in [false, true] {
        both(|mut world| {
            give_up_a_commit(&mut world, Scripted::LostBefore);
            let waiting = waits.then(|| world.begin());
            world.scripted = vec![("EndTxn", Scripted::Code(ErrorCode::TRANSACTION_ABORTABLE))];
            world.run_for(5 * SECOND);
            let begun = waiting.unwrap_or_else(|| world.begin());
            world.run_for(5 * SECOND);
            assert_eq!(world.answer(begun), Some(Ok(())), "{waits}");
            world.send(1);
            let committed = world.commit();
            world.run_for(SECOND);
            assert!(world.is_done(committed), "{waits}");
            assert_eq!(all_committed(&world), [1]);
        });
    }
}

/// By the first protocol the coordinator raises the epoch as it does for a successor, and tells nobody: who asked for the next one
/// could throw a successor out. So it is final, as in Java; a producer that is made anew goes on.
#[test]
fn a_commit_that_is_never_carried_out_is_aborted_after_the_transactions_time() {
    both(|mut world| {
        give_up_a_commit(&mut world, Scripted::LostBefore);
        world.model.transaction_timeout = 60 * SECOND;
        world.run_for(SECOND);
        world.scripted.clear();
        let begun = world.begin();
        world.run_for(5 * SECOND);
        if !world.model.is_v2 {
            let fenced = Trouble::Fatal(broker(ErrorCode::PRODUCER_FENCED));
            assert_eq!(world.answer(begun), Some(Err(fenced)));
            world.begin_program();
            world.begin();
            world.run_for(SECOND);
        }
        world.send(1);
        let committed = world.commit();
        world.run_for(SECOND);
        assert!(world.is_done(committed));
        assert_eq!(all_committed(&world), [1]);
    });
}

#[test]
fn a_beginning_that_is_not_answered_can_be_repeated() {
    both(|mut world| {
        world.scripted = vec![("InitProducerId", Scripted::LostBefore); 1000];
        let begun = world.begin();
        world.run_for(61 * SECOND);
        assert!(matches!(world.answer(begun), Some(Err(Trouble::Unanswered(_)))));
        world.scripted.clear();
        let begun = world.begin();
        world.run_for(5 * SECOND);
        assert!(world.is_done(begun));
    });
}

#[test]
fn what_the_coordinator_has_aborted_can_only_be_aborted_and_the_next_transaction_goes_on() {
    both(|mut world| {
        world.begin();
        world.run_for(SECOND);
        world.send(0);
        world.run_for(SECOND);
        world.scripted = vec![("EndTxn", Scripted::Code(ErrorCode::INVALID_TXN_STATE))];
        let committed = world.commit();
        world.run_for(SECOND);
        assert!(matches!(world.answer(committed), Some(Err(Trouble::Doomed(_)))));
        let aborted = world.abort();
        world.run_for(SECOND);
        assert!(world.is_done(aborted));
        world.begin();
        world.run_for(SECOND);
        world.send(1);
        let committed = world.commit();
        world.run_for(SECOND);
        assert!(world.is_done(committed));
    });
}
