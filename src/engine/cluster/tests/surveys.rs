//! The metadata of all topics of a group, read for its leader.

use super::*;

impl World {
    fn survey(&mut self, others: &[&str]) {
        self.cluster.survey(self.now, others.iter().map(|topic| (*topic).into()), 30 * SECOND);
        self.settle();
    }

    /// What the survey has read, if it has ended: topics with the numbers of their partitions.
    fn surveyed(&mut self) -> Option<Vec<(String, Vec<i32>)>> {
        let mut ends = self.events().into_iter().filter_map(|event| match event {
            Event::Surveyed(read) => Some(read.topics.into_iter().map(|topic| {
                let partitions = topic.partitions.iter().map(|partition| partition.partition);
                (topic.name.unwrap(), partitions.collect())
            })),
            _ => None,
        });
        let end = ends.next();
        assert!(ends.next().is_none(), "it ends once");
        end.map(Iterator::collect)
    }
}

fn sized(name: &str, partitions: i32) -> MetadataTopic {
    let partitions = (0..partitions).map(|partition| MetadataPartition { partition, ..Default::default() });
    MetadataTopic { name: Some(name.into()), partitions: partitions.collect(), ..Default::default() }
}

fn read(topics: &[(&str, i32)]) -> Option<Vec<(String, Vec<i32>)>> {
    Some(topics.iter().map(|(topic, count)| ((*topic).to_owned(), (0..*count).collect())).collect())
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_survey_asks_for_the_topics_of_others_and_creates_none() {
    let mut world = World::settled();
    world.survey(&["t", "u"]);
    let Request::Metadata(request) = &world.in_flight[0].body else { panic!("{:?}", world.in_flight) };
    let names = request.topics.iter().flatten().map(|topic| topic.name.as_deref().unwrap());
    assert_eq!(names.collect::<Vec<_>>(), ["t", "u"]);
    assert!(!request.allow_auto_topic_creation);
    world.answer_refresh(Ok(metadata(vec![sized("t", 1), sized("u", 2)])));
    assert_eq!(world.surveyed(), read(&[("t", 1), ("u", 2)]));
    world.pass(MAX_AGE);
    let Request::Metadata(request) = &world.in_flight[0].body else { panic!("{:?}", world.in_flight) };
    assert_eq!(request.topics.as_ref().map(Vec::len), Some(2), "they are looked after");
}

#[test]
fn a_survey_asks_somebody_else_until_all_is_told() {
    let answers = [
        vec![],
        vec![sized("t", 2)],
        vec![sized("t", 2), sized("u", 0)],
        vec![sized("t", 2), broken("u", ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)],
        vec![sized("t", 2), broken("u", ErrorCode::LEADER_NOT_AVAILABLE)],
        vec![sized("t", 2), broken("u", ErrorCode::UNKNOWN_SERVER_ERROR)],
        vec![sized("t", 1), sized("u", 2)],
    ];
    for answer in answers {
        let mut world = World::settled();
        world.cluster.refresh();
        world.settle();
        world.answer_refresh(Ok(metadata(vec![sized("t", 2)])));
        world.survey(&["u"]);
        world.answer_refresh(Err(closed()));
        world.pass(SECOND / 4);
        assert_eq!(world.asks(), Target::AnyOther);
        world.answer_refresh(Ok(metadata(answer)));
        assert_eq!(world.surveyed(), None);
        world.pass(SECOND / 2);
        assert_eq!(world.asks(), Target::AnyOther);
        world.answer_refresh(Ok(metadata(vec![sized("t", 2), sized("u", 2)])));
        assert_eq!(world.surveyed(), read(&[("t", 2), ("u", 2)]));
    }
}

#[test]
fn a_survey_waits_for_nothing_that_is_not_there() {
    let mut world = World::settled();
    let missing = broken("u", ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    world.survey(&["u"]);
    for _ in 0..2 {
        world.answer_refresh(Ok(metadata(vec![sized("t", 1), missing.clone()])));
        assert_eq!(world.surveyed(), None);
        world.pass(SECOND / 2);
    }
    world.answer_refresh(Ok(metadata(vec![sized("t", 1), missing])));
    assert_eq!(world.surveyed(), read(&[("t", 1)]));

    // What we may not see is no failure of ours, unless we subscribe to it.
    for code in [ErrorCode::TOPIC_AUTHORIZATION_FAILED, ErrorCode::INVALID_TOPIC_EXCEPTION] {
        let mut world = World::settled();
        world.survey(&["u"]);
        world.answer_refresh(Ok(metadata(vec![sized("t", 1), broken("u", code)])));
        assert!(!world.events.iter().any(|event| matches!(event, Event::TopicError { .. })));
        assert_eq!(world.surveyed(), read(&[("t", 1)]));
        world.pass(MAX_AGE / 2);
        assert_eq!(world.asked(), [""; 0]);
    }
}

#[test]
fn a_survey_ends_with_what_is_known_when_time_is_over() {
    let mut world = World::settled();
    world.survey(&["u"]);
    let began = world.now;
    loop {
        let broken = broken("u", ErrorCode::LEADER_NOT_AVAILABLE);
        world.answer_refresh(Ok(metadata(vec![sized("t", 1), broken])));
        world.pass(SECOND);
        if let Some(end) = world.surveyed() {
            assert_eq!(end, [("t".to_owned(), vec![0])]);
            break;
        }
        assert!(world.now < began + 10 * SECOND);
    }

    // Nobody answers at all.
    let mut world = World::settled();
    world.survey(&["u"]);
    world.pass(29 * SECOND);
    assert_eq!(world.surveyed(), None);
    world.pass(SECOND);
    assert_eq!(world.surveyed(), read(&[("t", 1)]));
}

#[test]
fn what_was_asked_before_a_survey_is_older_than_it() {
    let mut world = World::settled();
    world.cluster.refresh();
    world.settle();
    let before = world.in_flight.pop().unwrap();
    world.survey(&[]);
    world.cluster.handle_response(world.now, before.id, Ok(metadata(vec![sized("t", 1)])));
    world.settle();
    assert_eq!(world.surveyed(), None);
    assert_eq!(world.asks(), Target::AnyOther, "who has not answered yet may be silent");
    world.answer_refresh(Ok(metadata(vec![sized("t", 3)])));
    assert_eq!(world.surveyed(), read(&[("t", 3)]));
}
