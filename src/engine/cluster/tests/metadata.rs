//! Whom to believe: brokers that lag, elections, topics that are made anew.

use crate::engine::machine::TopicPartition;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::TopicId;
use crate::engine::protocol::metadata::{MetadataBroker, MetadataPartition, MetadataResponse, MetadataTopic};

use super::super::metadata::{Change, Leader, Metadata};

fn answer(id: u8, leaders: &[(i32, i32)]) -> MetadataResponse {
    let partitions = leaders.iter().enumerate().map(|(partition, &(leader, leader_epoch))| {
        let partition = i32::try_from(partition).unwrap();
        MetadataPartition { partition, leader, leader_epoch, ..Default::default() }
    });
    let topic = MetadataTopic {
        name: Some("t".into()),
        topic_id: TopicId([id; 16]),
        partitions: partitions.collect(),
        ..Default::default()
    };
    MetadataResponse { topics: vec![topic], ..Default::default() }
}

fn absence() -> MetadataResponse {
    let error = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
    let topic = MetadataTopic { name: Some("t".into()), error, ..Default::default() };
    MetadataResponse { topics: vec![topic], ..Default::default() }
}

fn zero() -> TopicPartition {
    TopicPartition { topic: "t".into(), partition: 0 }
}

#[test]
fn a_lagging_broker_does_not_undo_an_election() {
    let mut metadata = Metadata::default();
    metadata.apply(&answer(1, &[(7, 5)]));
    metadata.apply(&answer(1, &[(6, 4)]));
    assert_eq!(metadata.leader(&zero()), Some(Leader { node: 7, epoch: 5 }));
    metadata.update_leader(&zero(), Leader { node: 9, epoch: 6 });
    metadata.update_leader(&zero(), Leader { node: 8, epoch: 6 });
    assert_eq!(metadata.leader(&zero()), Some(Leader { node: 9, epoch: 6 }));
    // A leaderless partition is news of the same epoch or a later one.
    metadata.apply(&answer(1, &[(-1, 7)]));
    assert_eq!(metadata.leader(&zero()), None);
}

#[test]
fn an_epoch_that_nobody_knows_is_forgotten() {
    let mut metadata = Metadata::default();
    let leader = |metadata: &Metadata| metadata.leader(&zero());
    let future = Leader { node: 9, epoch: 1_000 };
    metadata.apply(&answer(1, &[(7, 5)]));
    metadata.update_leader(&zero(), future);
    metadata.apply(&answer(1, &[(7, 5)]));
    assert_eq!(leader(&metadata), Some(future), "one may lag behind");
    metadata.apply(&answer(1, &[(9, 1_000)]));
    metadata.apply(&answer(1, &[(7, 5)]));
    assert_eq!(leader(&metadata), Some(future), "another one knew");
    metadata.apply(&answer(1, &[(7, 5)]));
    assert_eq!(leader(&metadata), Some(Leader { node: 7, epoch: 5 }));
    metadata.apply(&answer(1, &[(6, 6)]));
    assert_eq!(leader(&metadata), Some(Leader { node: 6, epoch: 6 }));
}

#[test]
fn a_broker_that_lags_for_ever_is_not_everybody() {
    let mut metadata = Metadata::default();
    let broker = |node_id| MetadataBroker { node_id, host: "h".into(), port: 9, rack: None };
    let brokers = vec![broker(6), broker(7), broker(8)];
    metadata.apply(&MetadataResponse { brokers, ..answer(1, &[(7, 5)]) });
    let leader = |metadata: &Metadata| metadata.leader(&zero()).map(|leader| leader.node);
    // It may be the only one that answers for a while: each of the others fails, and is passed over.
    for _ in 0..5 {
        assert!(metadata.apply(&answer(1, &[(6, 4)])).is_behind);
        assert_eq!(leader(&metadata), Some(7));
    }
    assert!(!metadata.apply(&answer(1, &[(6, 4)])).is_behind, "everybody was asked twice");
    assert_eq!(leader(&metadata), Some(6));
}

#[test]
fn brokers_that_a_lagging_broker_has_not_heard_of_are_brokers() {
    let broker = |node_id| MetadataBroker { node_id, host: "h".into(), port: 9, rack: None };
    let mut metadata = Metadata::default();
    let brokers = vec![broker(7), broker(8)];
    metadata.apply(&MetadataResponse { brokers, ..answer(1, &[(8, 5)]) });
    let stale = MetadataResponse { brokers: vec![broker(6), broker(7)], ..answer(1, &[(6, 4)]) };
    let change = metadata.apply(&stale);
    assert!(change.is_behind && !change.brokers_changed);
    assert_eq!(metadata.brokers(), [broker(7), broker(8)]);
    (0..3).for_each(|_| drop(metadata.apply(&stale)));
    assert_eq!(metadata.brokers(), [broker(6), broker(7)], "they all say so");
}

#[test]
fn a_recreated_topic_starts_over() {
    let mut metadata = Metadata::default();
    metadata.apply(&answer(1, &[(7, 5)]));
    metadata.apply(&answer(2, &[(6, 0)]));
    assert_eq!(metadata.leader(&zero()), Some(Leader { node: 6, epoch: 0 }));
    assert_eq!(metadata.topic_name(TopicId([1; 16])), None);
    assert_eq!(metadata.topic_name(TopicId([2; 16])).map(|name| &**name), Some("t"));
}

#[test]
fn a_broker_that_has_not_heard_of_a_recreation_does_not_undo_it() {
    let broker = |node_id| MetadataBroker { node_id, host: "h".into(), port: 9, rack: None };
    let brokers = vec![broker(6), broker(7)];
    let mut metadata = Metadata::default();
    metadata.apply(&MetadataResponse { brokers, ..answer(1, &[(7, 5)]) });
    metadata.apply(&answer(2, &[(6, 0), (6, 0)]));
    metadata.apply(&answer(3, &[(6, 0)]));
    let behind = Change { is_behind: true, ..Change::default() };
    for id in [1, 2, 2] {
        assert_eq!(metadata.apply(&answer(id, &[(7, 5), (7, 5)])), behind, "no id is given twice");
        assert_eq!((metadata.topic_id("t"), metadata.existing("t")), (TopicId([3; 16]), vec![0]));
        assert_eq!(metadata.leader(&zero()), Some(Leader { node: 6, epoch: 0 }));
    }
    let back = metadata.apply(&answer(2, &[(7, 5)]));
    assert_eq!(back.recreated, ["t".into()], "everybody was asked twice");
    assert_eq!(metadata.topic_id("t"), TopicId([2; 16]));
    assert!(metadata.apply(&answer(3, &[(6, 0)])).is_behind);
}

#[test]
fn a_recreated_topic_is_news_and_has_the_size_that_it_has_now() {
    let mut metadata = Metadata::default();
    assert_eq!(metadata.apply(&answer(1, &[(7, 5)])), Change::default());
    let change = metadata.apply(&answer(2, &[(7, 0)]));
    assert_eq!(change, Change { recreated: vec!["t".into()], ..Change::default() });
    let change = metadata.apply(&answer(3, &[(7, 0), (7, 0)]));
    assert_eq!((change.recreated.len(), metadata.partition_count("t")), (1, Some(2)));
    let change = metadata.apply(&answer(4, &[(7, 0)]));
    assert_eq!((change.recreated.len(), metadata.partition_count("t")), (1, Some(1)));
}

#[test]
fn an_id_that_becomes_known_is_no_recreation() {
    // The brokers have been upgraded to a version that tells.
    let mut metadata = Metadata::default();
    metadata.apply(&answer(0, &[(7, 5)]));
    assert_eq!(metadata.apply(&answer(1, &[(7, 5)])), Change::default());
    assert_eq!(metadata.leader(&zero()), Some(Leader { node: 7, epoch: 5 }));
    // One of them has not been upgraded yet.
    assert_eq!(metadata.apply(&answer(0, &[(7, 5)])), Change::default());
    assert_eq!(metadata.topic_id("t"), TopicId([1; 16]));
}

#[test]
fn partitions_that_an_answer_leaves_out_stay_until_everybody_leaves_them_out() {
    for id in [0, 1] {
        let broker = |node_id| MetadataBroker { node_id, host: "h".into(), port: 9, rack: None };
        let brokers = vec![broker(6), broker(7)];
        let mut metadata = Metadata::default();
        metadata.apply(&MetadataResponse { brokers, ..answer(id, &[(7, 0), (7, 0)]) });
        for _ in 0..2 {
            for _ in 0..3 {
                assert!(metadata.apply(&answer(id, &[(7, 0)])).is_behind);
                assert_eq!(metadata.existing("t"), [0, 1], "somebody may be behind");
            }
            assert!(!metadata.apply(&answer(id, &[(7, 0), (7, 0)])).is_behind);
        }
        assert!(metadata.apply(&answer(id, &[])) == Change::default(), "there is no such topic");
        assert_eq!(metadata.existing("t"), [0, 1]);
        (0..4).for_each(|_| drop(metadata.apply(&answer(id, &[(7, 0)]))));
        assert_eq!(metadata.existing("t"), [0], "everybody was asked twice");
        assert!(!metadata.apply(&answer(id, &[(7, 0)])).is_behind);
    }
}

#[test]
fn a_topic_exists_while_the_last_answer_says_so() {
    let mut metadata = Metadata::default();
    metadata.apply(&absence());
    assert_eq!((metadata.partition_count("t"), metadata.existing("t")), (None, vec![]));
    metadata.apply(&answer(1, &[(7, 0)]));
    assert_eq!(metadata.existing("t"), [0]);
    metadata.apply(&absence());
    assert_eq!((metadata.partitions("t"), metadata.existing("t")), (vec![0], vec![]));
}

#[test]
fn a_topic_that_is_gone_is_told_once() {
    let mut metadata = Metadata::default();
    let deleted = |metadata: &mut Metadata, answer| metadata.apply(&answer).deleted;
    assert_eq!(deleted(&mut metadata, absence()), deleted(&mut metadata, absence()), "never there");
    metadata.apply(&answer(1, &[(7, 5)]));
    assert_eq!(deleted(&mut metadata, absence()), [], "a broker that is behind");
    assert_eq!(deleted(&mut metadata, absence()), ["t".into()]);
    assert_eq!(deleted(&mut metadata, absence()), []);
    metadata.apply(&answer(2, &[(7, 5)]));
    assert_eq!(deleted(&mut metadata, absence()), []);
    assert_eq!(deleted(&mut metadata, absence()), ["t".into()]);
}

#[test]
fn an_absence_hides_nothing_and_without_ids_it_resets_the_epochs() {
    let mut metadata = Metadata::default();
    metadata.apply(&answer(0, &[(7, 5)]));
    metadata.apply(&absence());
    assert_eq!(metadata.leader(&zero()).map(|leader| leader.node), Some(7));
    metadata.apply(&answer(0, &[(6, 0)]));
    assert_eq!(metadata.leader(&zero()), Some(Leader { node: 6, epoch: 0 }));

    metadata.apply(&answer(1, &[(7, 5)]));
    metadata.apply(&absence());
    metadata.apply(&answer(1, &[(6, 4)]));
    assert_eq!(metadata.leader(&zero()), Some(Leader { node: 7, epoch: 5 }), "ids tell better");
}

#[test]
fn a_node_that_moves_takes_its_new_address_at_once() {
    let broker = |node_id, port| MetadataBroker { node_id, host: "h".into(), port, rack: Some("r".into()) };
    let brokers = |brokers| MetadataResponse { brokers, ..Default::default() };
    let mut metadata = Metadata::default();
    assert!(metadata.apply(&brokers(vec![broker(2, 92), broker(1, 91)])).brokers_changed);
    assert!(!metadata.apply(&brokers(vec![broker(1, 91), broker(2, 92)])).brokers_changed, "order");
    assert!(!metadata.apply(&brokers(Vec::new())).brokers_changed, "no brokers is no news");
    assert!(!metadata.add_broker(MetadataBroker { rack: None, ..broker(1, 91) }));
    assert!(metadata.add_broker(MetadataBroker { rack: None, ..broker(1, 99) }));
    assert!(metadata.add_broker(broker(3, 93)));
    assert_eq!(metadata.brokers(), [broker(1, 99), broker(2, 92), broker(3, 93)]);
    assert!(metadata.apply(&brokers(vec![broker(1, 91)])).brokers_changed);
    assert_eq!(metadata.brokers(), [broker(1, 91)]);
}

#[test]
fn what_was_read_for_another_purpose_brings_news_and_raises_no_doubts() {
    let mut metadata = Metadata::default();
    metadata.apply(&answer(1, &[(7, 5)]));
    assert_eq!(metadata.learn(&answer(1, &[(8, 6), (9, 0)])), Change::default());
    assert_eq!(metadata.leader(&zero()), Some(Leader { node: 8, epoch: 6 }));
    assert_eq!(metadata.existing("t"), [0, 1]);
    // The same broker, perhaps, and as often as it likes: it is behind in one way or another.
    for behind in [answer(1, &[(7, 5), (9, 0)]), answer(1, &[(8, 6)]), absence()] {
        (0..20).for_each(|_| assert_eq!(metadata.learn(&behind), Change::default()));
        assert_eq!(metadata.leader(&zero()), Some(Leader { node: 8, epoch: 6 }));
        assert_eq!(metadata.existing("t"), [0, 1]);
    }
    assert_eq!(metadata.learn(&answer(2, &[(6, 0)])).recreated, ["t".into()]);
    (0..20).for_each(|_| assert_eq!(metadata.learn(&answer(1, &[(8, 6)])), Change::default()));
    assert_eq!((metadata.topic_id("t"), metadata.existing("t")), (TopicId([2; 16]), vec![0]));
    assert!(metadata.apply(&answer(1, &[(8, 6)])).is_behind, "nobody has counted");
}

#[test]
fn hostile_partition_numbers_are_no_partitions() {
    let mut metadata = Metadata::default();
    let mut hostile = answer(1, &[(7, 0), (7, 0)]);
    hostile.topics[0].partitions[1].partition = -5;
    metadata.apply(&hostile);
    assert_eq!(metadata.partition_count("t"), Some(1));
}
