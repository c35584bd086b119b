//! What coordinators and leaders refuse: what only an abort can mend, and what nothing can.

use crate::engine::clients::producer::{GroupMetadata, Reason, Trouble};
use crate::engine::machine::NetError;
use crate::engine::protocol::ErrorCode;

use super::world::{Scripted, World};
use super::{SECOND, all_committed, both, broker};

#[test]
fn after_an_error_a_transaction_can_only_be_aborted_and_then_all_is_well() {
    let refusals = [
        ("Produce", ErrorCode::TRANSACTION_ABORTABLE),
        ("Produce", ErrorCode::TOPIC_AUTHORIZATION_FAILED),
        ("Produce", ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER),
        ("Produce", ErrorCode::UNKNOWN_PRODUCER_ID),
        ("Produce", ErrorCode::INVALID_PRODUCER_EPOCH),
        ("TxnOffsetCommit", ErrorCode::ILLEGAL_GENERATION),
        ("TxnOffsetCommit", ErrorCode::UNKNOWN_MEMBER_ID),
        ("TxnOffsetCommit", ErrorCode::GROUP_AUTHORIZATION_FAILED),
        ("AddPartitionsToTxn", ErrorCode::TOPIC_AUTHORIZATION_FAILED),
        ("AddOffsetsToTxn", ErrorCode::GROUP_AUTHORIZATION_FAILED),
    ];
    for (api, code) in refusals {
        both(|mut world| {
            if world.model.is_v2 && api.starts_with("Add") {
                return;
            }
            world.begin();
            world.run_for(SECOND);
            world.send(7);
            let sent = world.send_offsets(1);
            world.run_for(SECOND);
            assert!(world.is_done(sent));
            // Of another partition and another group, so that each of them is asked.
            world.scripted = vec![(api, Scripted::Code(code))];
            world.program().group = GroupMetadata::of_group("other");
            world.send(8);
            let sent = world.send_offsets(1);
            world.run_for(SECOND);
            assert!(world.scripted.is_empty(), "{api}");
            let doomed = Some(Err(Trouble::Doomed(broker(code))));
            let is_of_message = api == "Produce" || api == "AddPartitionsToTxn";
            assert!(is_of_message || world.answer(sent) == doomed, "{api} {code:?}");
            assert_eq!(world.program().failed.contains(&broker(code)), is_of_message, "{api} {code:?}");
            let committed = world.commit();
            assert_eq!(world.answer(committed), doomed, "{api}");
            world.send(9);
            assert_eq!(world.program().failed.last(), Some(&broker(code)), "nothing is sent any more");
            let aborted = world.abort();
            world.run_for(SECOND);
            assert!(world.is_done(aborted), "{api} {code:?}");
            world.begin();
            world.run_for(SECOND);
            world.send(1);
            world.send_offsets(2);
            let committed = world.commit();
            world.run_for(SECOND);
            assert!(world.is_done(committed), "{api} {code:?}");
            assert_eq!(all_committed(&world), [1]);
        });
    }
}

#[test]
fn offsets_of_a_topic_that_there_is_not_are_refused_by_name_when_patience_ends() {
    both(|mut world| {
        world.begin();
        world.run_for(SECOND);
        let code = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
        world.scripted = (0..1000).map(|_| ("TxnOffsetCommit", Scripted::Code(code))).collect();
        let sent = world.send_offsets(1);
        world.run_for(SECOND);
        assert_eq!(world.answer(sent), None, "it may only just have been made");
        world.run_for(120 * SECOND);
        let message = Some("topic \"in\" has no partition 0, or does not exist".to_owned());
        let doomed = Some(Err(Trouble::Doomed(Reason::Broker { code, message })));
        assert_eq!(world.answer(sent), doomed);
    });
}

#[test]
fn a_producer_that_was_replaced_is_refused_for_good() {
    both(|mut world| {
        world.begin();
        world.run_for(SECOND);
        world.send(0);
        world.run_for(SECOND);
        world.begin_program();
        let begun = world.begin();
        world.run_for(SECOND);
        assert!(world.is_done(begun), "the new one has aborted the old one's transaction");
        world.send(1);
        let committed = world.commit();
        world.run_for(SECOND);
        assert!(world.is_done(committed));

        let new = world.programs.pop().unwrap();
        world.send(2);
        let committed = world.commit();
        world.run_for(SECOND);
        let fenced = |answer: Option<Result<(), Trouble>>| match answer {
            Some(Err(Trouble::Doomed(Reason::Broker { code, .. }))) => {
                code == ErrorCode::INVALID_PRODUCER_EPOCH
            }
            Some(Err(Trouble::Fatal(Reason::Broker { code, .. }))) => code == ErrorCode::PRODUCER_FENCED,
            _ => false,
        };
        let answer = world.answer(committed);
        assert!(fenced(answer.clone()), "{answer:?}");
        let aborted = world.abort();
        world.run_for(SECOND);
        assert_eq!(world.answer(aborted), Some(Err(Trouble::Fatal(broker(ErrorCode::PRODUCER_FENCED)))));
        let begun = world.begin();
        assert_eq!(world.answer(begun), Some(Err(Trouble::Fatal(broker(ErrorCode::PRODUCER_FENCED)))));

        world.programs.push(new);
        let begun = world.begin();
        world.run_for(SECOND);
        assert!(world.is_done(begun), "and the new one does not notice");
        assert_eq!(all_committed(&world), [1]);
    });
}

#[test]
fn a_member_of_an_older_generation_does_not_commit() {
    both(|mut world| {
        world.model.generation = 5;
        let group =
            GroupMetadata { generation_id: 4, member_id: "m".to_owned(), ..GroupMetadata::of_group("g") };
        world.program().group = group;
        world.begin();
        world.run_for(SECOND);
        world.send(0);
        let sent = world.send_offsets(1);
        let committed = world.commit();
        world.run_for(SECOND);
        let doomed = Some(Err(Trouble::Doomed(broker(ErrorCode::ILLEGAL_GENERATION))));
        assert_eq!((world.answer(sent), world.answer(committed)), (doomed.clone(), doomed));
    });
}

#[test]
fn a_transaction_that_takes_too_long_is_aborted_by_its_coordinator_and_its_producer_told() {
    both(|mut world| {
        world.begin();
        world.run_for(SECOND);
        world.send(0);
        world.run_for(62 * SECOND);
        let committed = world.commit();
        world.run_for(SECOND);
        let told = match world.model.is_v2 {
            false => Trouble::Fatal(broker(ErrorCode::PRODUCER_FENCED)),
            true => Trouble::Doomed(broker(ErrorCode::INVALID_TXN_STATE)),
        };
        assert_eq!(world.answer(committed), Some(Err(told)));
        assert_eq!(all_committed(&world), []);
    });
}

/// As in Java: what is wrong with the producer itself is no abort's to mend.
#[test]
fn what_a_coordinator_says_of_the_producer_is_final() {
    let codes = [
        ErrorCode::INVALID_TXN_STATE,
        ErrorCode::PRODUCER_FENCED,
        ErrorCode::INVALID_PRODUCER_EPOCH,
        ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    ];
    for api in ["AddPartitionsToTxn", "AddOffsetsToTxn"] {
        for code in codes {
            let mut world = World::new(false, 7);
            world.begin();
            world.run_for(SECOND);
            world.scripted = vec![(api, Scripted::Code(code))];
            world.send(7);
            world.send_offsets(1);
            let committed = world.commit();
            world.run_for(SECOND);
            let fatal = Some(Err(Trouble::Fatal(broker(code))));
            assert_eq!(world.answer(committed), fatal, "{api} {code:?}");
            let aborted = world.abort();
            let begun = world.begin();
            assert_eq!(
                (world.answer(aborted), world.answer(begun)),
                (fatal.clone(), fatal),
                "{api} {code:?}"
            );
        }
    }
}

/// Its numbers go on: in the log they are behind those of what was written before, which the first of them would repeat.
#[test]
fn a_batch_that_is_too_large_for_the_next_leader_is_divided_and_nothing_of_it_is_lost() {
    both(|mut world| {
        world.begin();
        world.run_for(SECOND);
        world.send(0);
        world.run_for(SECOND);
        let codes = [ErrorCode::NOT_LEADER_OR_FOLLOWER, ErrorCode::MESSAGE_TOO_LARGE];
        world.scripted = codes.map(|code| ("Produce", Scripted::Code(code))).to_vec();
        world.send_all(&[3, 6]);
        let committed = world.commit();
        world.run_for(5 * SECOND);
        assert!(world.is_done(committed));
        assert_eq!(world.model.committed(0), [0, 3, 6]);
    });
}

/// No broker lets us in: nobody looks for the coordinator any more, so nobody may wait for it.
#[test]
fn who_is_not_let_in_waits_for_no_coordinator() {
    let error = NetError::Authentication { broker: "h:1".into(), message: "no".into(), code: None };
    for api in ["GroupCoordinator", "InitProducerId"] {
        both(|mut world| {
            world.scripted = vec![(api, Scripted::Unsent(error.clone()))];
            let begun = world.begin();
            world.run_for(SECOND);
            let fatal = Some(Err(Trouble::Fatal(Reason::Net(error.clone()))));
            assert_eq!(world.answer(begun), fatal, "{api}");
        });
    }
    both(|mut world| {
        world.begin();
        world.run_for(SECOND);
        world.scripted = vec![
            ("TxnOffsetCommit", Scripted::Code(ErrorCode::NOT_COORDINATOR)),
            ("GroupCoordinator", Scripted::Unsent(error.clone())),
            ("GroupCoordinator", Scripted::Unsent(error.clone())),
        ];
        let sent = world.send_offsets(1);
        world.run_for(SECOND);
        let doomed = Some(Err(Trouble::Doomed(Reason::Net(error.clone()))));
        assert_eq!(world.answer(sent), doomed);
        world.scripted.clear();
        let aborted = world.abort();
        world.run_for(SECOND);
        assert!(world.is_done(aborted));
        world.begin();
        world.run_for(SECOND);
        world.send_offsets(2);
        let committed = world.commit();
        world.run_for(SECOND);
        assert!(world.is_done(committed));
    });
}
