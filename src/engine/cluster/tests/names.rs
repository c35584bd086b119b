//! Topics that are known by their ids.

use std::time::Duration;

use crate::engine::cluster::Event;
use crate::engine::machine::{NetError, Target};
use crate::engine::protocol::metadata::{MetadataResponse, MetadataTopic};
use crate::engine::protocol::{ErrorCode, Request, Response, TopicId};

use super::{World, metadata, topic};

const ID: TopicId = TopicId([7; 16]);
const OTHER: TopicId = TopicId([8; 16]);

fn named(id: TopicId, name: &str) -> Response {
    let named = MetadataTopic { topic_id: id, ..topic(name, 7) };
    Response::Metadata(MetadataResponse { topics: vec![named], ..Default::default() })
}

fn nobody_knows(id: TopicId) -> Response {
    let error = ErrorCode::UNKNOWN_TOPIC_ID;
    let unknown = MetadataTopic { error, topic_id: id, ..Default::default() };
    Response::Metadata(MetadataResponse { topics: vec![unknown], ..Default::default() })
}

impl World {
    fn name(&mut self, ids: &[TopicId]) {
        self.cluster.name_topics(ids);
        self.settle();
    }

    /// What the request in flight asks for, by id; names are not in it.
    fn asks_by_id(&self) -> Vec<TopicId> {
        let [outbound] = &self.in_flight[..] else { panic!("{:?}", self.in_flight) };
        let Request::Metadata(request) = &outbound.body else { panic!("{outbound:?}") };
        assert_eq!((request.allow_auto_topic_creation, outbound.body.min_version()), (false, 12));
        let topics = request.topics.iter().flatten();
        topics.inspect(|topic| assert_eq!(topic.name, None)).map(|topic| topic.topic_id).collect()
    }
}

#[test]
fn a_topic_is_named_by_its_id_and_the_owner_hears_of_it() {
    let mut world = World::settled();
    world.name(&[ID]);
    assert_eq!(world.asks_by_id(), [ID]);
    world.answer_refresh(Ok(named(ID, "u")));
    assert_eq!(world.cluster.metadata().topic_name(ID).map(|name| &**name), Some("u"));
    assert!(matches!(world.events()[..], [Event::Metadata(_)]));
    assert_eq!(world.asked(), [""; 0]);
    world.name(&[ID]);
    assert_eq!(world.asked(), [""; 0], "it is known");
}

#[test]
fn what_nobody_knows_yet_is_asked_of_others_with_a_back_off() {
    let mut world = World::settled();
    world.name(&[ID]);
    for _ in 0..20 {
        world.answer_refresh(Ok(nobody_knows(ID)));
        assert_eq!(world.asked(), [""; 0], "a busy loop");
        world.name(&[ID]);
        assert_eq!(world.asked(), [""; 0], "it is no news that it is wanted");
        world.pass(Duration::from_millis(1_300));
        assert_eq!((world.asks_by_id(), world.asks()), (vec![ID], Target::AnyOther));
    }
    // A broker that is too old for the question, one that hangs up: others are asked, and nothing fails.
    let old = NetError::UnsupportedApi { api: "Metadata", key: 3, theirs: None };
    for error in [old, NetError::Closed { broker: "b:9092".into() }] {
        world.answer_refresh(Err(error));
        world.pass(Duration::from_millis(1_300));
    }
    assert_eq!(world.failures(), []);
    world.answer_refresh(Ok(named(ID, "u")));
    world.pass(Duration::from_secs(10));
    assert_eq!(world.asked(), [""; 0]);
}

#[test]
fn only_what_is_wanted_last_is_asked_for() {
    let mut world = World::settled();
    world.name(&[ID]);
    world.answer_refresh(Ok(nobody_knows(ID)));
    world.name(&[OTHER]);
    assert_eq!(world.asks_by_id(), [OTHER], "a new one is not held up");
    world.answer_refresh(Ok(nobody_knows(OTHER)));
    world.name(&[]);
    world.pass(Duration::from_secs(60));
    assert_eq!(world.asked(), [""; 0]);
}

#[test]
fn a_refresh_that_names_it_answers_the_question() {
    let mut world = World::settled();
    world.name(&[ID]);
    world.answer_refresh(Ok(nobody_knows(ID)));
    world.set_topics(&["t", "u"]);
    let u = MetadataTopic { topic_id: ID, ..topic("u", 7) };
    world.answer_refresh(Ok(metadata(vec![topic("t", 7), u])));
    world.pass(Duration::from_secs(60));
    assert_eq!(world.asked(), [""; 0]);
}
