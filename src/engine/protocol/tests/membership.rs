//! The consumer protocol: subscription and assignment bytes.

use kafka_protocol::messages::consumer_protocol_assignment as theirs_assigned;
use kafka_protocol::messages::consumer_protocol_subscription as theirs_owned;
use kafka_protocol::messages::{ConsumerProtocolAssignment, ConsumerProtocolSubscription};

use super::*;

fn subscription(fill: Fill) -> Subscription {
    Subscription {
        version: 3,
        topics: fill.list(["a".to_owned(), long_name()]),
        user_data: if let Fill::Null = fill { None } else { Some(fill.bytes(&[1, 2, 3])) },
        owned: fill.list([("a".to_owned(), fill.list([0, 7])), (String::new(), vec![])]),
        generation: 42,
        rack: fill.maybe("rack-1"),
    }
}

fn assignment(fill: Fill) -> Assignment {
    Assignment {
        version: 3,
        topics: fill.list([(long_name(), fill.list([3, 1, 2])), ("b".to_owned(), vec![])]),
        user_data: if let Fill::Null = fill { None } else { Some(fill.bytes(&[9])) },
    }
}

/// Their bytes carry no version of their own.
fn with_version(version: i16, message: impl Encodable) -> Bytes {
    let mut bytes = BytesMut::from(&version.to_be_bytes()[..]);
    message.encode(&mut bytes, version).unwrap();
    bytes.freeze()
}

#[test]
fn subscriptions_agree_in_every_version() {
    for fill in Fill::ALL {
        for version in 0..=3 {
            let full = subscription(fill);
            let ours = Subscription {
                version,
                owned: since(version, 1, full.owned),
                generation: since_or(version, 2, full.generation, -1),
                rack: since(version, 3, full.rack),
                ..full
            };
            let owned = |(topic, partitions): &(String, Vec<i32>)| {
                theirs_owned::TopicPartition::default()
                    .with_topic(name(topic))
                    .with_partitions(partitions.clone())
            };
            let theirs = ConsumerProtocolSubscription::default()
                .with_topics(each(&ours.topics, |t| name(t)))
                .with_user_data(ours.user_data.clone())
                .with_owned_partitions(each(&ours.owned, owned))
                .with_generation_id(ours.generation)
                .with_rack_id(maybe_name(&ours.rack));
            let bytes = with_version(version, theirs);
            assert_eq!(ours.encode(), bytes);
            assert_eq!(Subscription::decode(bytes).as_ref(), Ok(&ours));
        }
    }
}

#[test]
fn assignments_agree_in_every_version() {
    for fill in Fill::ALL {
        for version in 0..=3 {
            let ours = Assignment { version, ..assignment(fill) };
            let topic = |(topic, partitions): &(String, Vec<i32>)| {
                theirs_assigned::TopicPartition::default()
                    .with_topic(name(topic))
                    .with_partitions(partitions.clone())
            };
            let theirs = ConsumerProtocolAssignment::default()
                .with_assigned_partitions(each(&ours.topics, topic))
                .with_user_data(ours.user_data.clone());
            let bytes = with_version(version, theirs);
            assert_eq!(ours.encode(), bytes);
            assert_eq!(Assignment::decode(bytes).as_ref(), Ok(&ours));
        }
    }
}

#[test]
fn no_bytes_are_an_empty_assignment() {
    assert_eq!(Assignment::decode(Bytes::new()), Ok(Assignment::default()));
    assert!(Subscription::decode(Bytes::new()).is_err());
}

#[test]
fn a_later_version_is_read_with_the_highest_layout_and_its_tail_ignored() {
    let mut bytes = BytesMut::from(&subscription(Fill::Full).encode()[..]);
    bytes[..2].copy_from_slice(&9i16.to_be_bytes());
    bytes.extend_from_slice(b"what v9 adds");
    let decoded = Subscription::decode(bytes.freeze()).unwrap();
    assert_eq!(decoded, Subscription { version: 9, ..subscription(Fill::Full) });
    assert_eq!(decoded.encode(), subscription(Fill::Full).encode(), "goes out in the layout that was read");

    let mut bytes = BytesMut::from(&assignment(Fill::Full).encode()[..]);
    bytes[..2].copy_from_slice(&9i16.to_be_bytes());
    bytes.extend_from_slice(b"what v9 adds");
    let decoded = Assignment::decode(bytes.freeze()).unwrap();
    assert_eq!(decoded, Assignment { version: 9, ..assignment(Fill::Full) });
}

#[test]
fn an_early_version_ends_before_the_later_fields() {
    let later = subscription(Fill::Full);
    for version in 0..3i16 {
        let mut bytes = BytesMut::from(&later.encode()[..]);
        bytes[..2].copy_from_slice(&version.to_be_bytes());
        let decoded = Subscription::decode(bytes.freeze()).unwrap();
        assert_eq!(decoded.owned, since(version, 1, later.owned.clone()));
        assert_eq!(decoded.generation, since_or(version, 2, later.generation, -1));
        assert_eq!(decoded.rack, None);
    }
}

#[test]
fn the_smallest_owned_topic_is_read() {
    let smallest =
        Subscription { version: 1, owned: vec![(String::new(), vec![])], ..Subscription::default() };
    assert_eq!(Subscription::decode(smallest.encode()), Ok(smallest));
}

#[test]
fn a_negative_version_is_an_error() {
    let bytes = Bytes::from_static(&[0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert!(Subscription::decode(bytes.clone()).is_err());
    assert!(Assignment::decode(bytes).is_err());
}

#[test]
fn a_v1_with_the_fields_of_v0_is_read_as_such() {
    let v0 = Subscription { version: 0, ..subscription(Fill::Full) }.encode();
    let mut bytes = BytesMut::from(&v0[..]);
    bytes[..2].copy_from_slice(&1i16.to_be_bytes());
    let decoded = Subscription::decode(bytes.clone().freeze()).unwrap();
    assert_eq!((decoded.version, decoded.topics), (1, subscription(Fill::Full).topics));
    assert_eq!((decoded.owned, decoded.generation, decoded.rack), (vec![], -1, None));

    // The same with the first bytes of the owned partitions.
    bytes.extend_from_slice(&[0, 0, 0, 9, 0]);
    let decoded = Subscription::decode(bytes.freeze()).unwrap();
    assert_eq!(decoded.owned, vec![]);
    assert_eq!(decoded.user_data, subscription(Fill::Full).user_data);
}

#[test]
fn user_data_may_be_left_out() {
    let bytes = Bytes::from_static(&[0, 0, 0, 0, 0, 1, 0, 1, b'a']);
    let decoded = Subscription::decode(bytes).unwrap();
    assert_eq!((decoded.topics, decoded.user_data), (vec!["a".to_owned()], None));
    let bytes = Bytes::from_static(&[0, 0, 0, 0, 0, 1, 0, 1, b'a', 0, 0, 0, 1, 0, 0, 0, 5]);
    let decoded = Assignment::decode(bytes).unwrap();
    assert_eq!((decoded.topics, decoded.user_data), (vec![("a".to_owned(), vec![5])], None));
}
