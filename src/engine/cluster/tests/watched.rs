//! A producer's topics: one comes after the other, and there may be many.

use std::time::Duration;

use super::{MAX_AGE, World, closed, metadata, topic};
use crate::engine::cluster::machine::SPACING;
use crate::engine::machine::Machine;
use crate::engine::protocol::Request;

/// One that watches `t` and is at rest.
fn watching() -> World {
    let mut world = World::new();
    watch(&mut world, "t");
    world.answer_refresh(Ok(metadata(vec![topic("t", 7)])));
    world.pass(SPACING);
    assert_eq!(names(&world), None);
    world
}

fn watch(world: &mut World, name: &str) {
    world.cluster.watch(name.into());
    world.settle();
}

/// What the request under way asks for.
fn names(world: &World) -> Option<Vec<&str>> {
    let [outbound] = &world.in_flight[..] else { return None };
    let Request::Metadata(request) = &outbound.body else { panic!("{outbound:?}") };
    Some(request.topics.iter().flatten().filter_map(|topic| topic.name.as_deref()).collect())
}

#[test]
fn a_new_topic_is_asked_for_alone_and_the_others_with_it_when_they_are_old() {
    let mut world = watching();
    world.pass(MAX_AGE / 2);
    watch(&mut world, "u");
    assert_eq!(names(&world), Some(vec!["u"]));
    watch(&mut world, "v");
    world.answer_refresh(Ok(metadata(vec![topic("u", 7)])));
    assert_eq!(names(&world), Some(vec!["v"]), "at once");
    world.answer_refresh(Ok(metadata(vec![topic("v", 7)])));
    watch(&mut world, "v");
    world.pass(MAX_AGE / 2 - 2 * SPACING);
    assert_eq!(names(&world), None);
    // No younger for what was asked about the others.
    world.pass(2 * SPACING);
    assert_eq!(names(&world), Some(vec!["t", "u", "v"]));
}

#[test]
fn what_is_new_and_missing_is_asked_for_again_alone() {
    let mut world = watching();
    watch(&mut world, "u");
    watch(&mut world, "v");
    world.answer_refresh(Ok(metadata(vec![])));
    world.pass(Duration::from_secs(1));
    assert_eq!(names(&world), Some(vec!["u", "v"]));
    world.answer_refresh(Ok(metadata(vec![topic("v", 7)])));
    world.pass(Duration::from_secs(1));
    assert_eq!(names(&world), Some(vec!["u"]));
    world.answer_refresh(Err(closed()));
    world.pass(Duration::from_secs(2));
    assert_eq!(names(&world), Some(vec!["u"]));
    world.answer_refresh(Ok(metadata(vec![topic("u", 7)])));
    world.pass(Duration::from_secs(2));
    assert_eq!(names(&world), None);
}

#[test]
fn a_doubt_concerns_all_topics_until_it_is_answered() {
    let mut world = watching();
    watch(&mut world, "u");
    world.cluster.refresh();
    world.answer_refresh(Ok(metadata(vec![topic("u", 7)])));
    world.pass(SPACING);
    assert_eq!(names(&world), Some(vec!["t", "u"]));
    world.answer_refresh(Err(closed()));
    watch(&mut world, "v");
    assert_eq!(names(&world), Some(vec!["t", "u", "v"]));
    world.answer_refresh(Ok(metadata(vec![topic("t", 7), topic("u", 7), topic("v", 7)])));
    world.pass(SPACING);
    assert_eq!(names(&world), None);
}

#[test]
fn what_is_not_sent_to_any_more_is_not_asked_for() {
    let mut world = watching();
    for name in ["u", "v", "w"] {
        watch(&mut world, name);
    }
    // One that is missing, and one that is known.
    world.cluster.ignore(&"w".into());
    world.answer_refresh(Ok(metadata(vec![topic("u", 7)])));
    assert_eq!(names(&world), Some(vec!["v"]));
    world.answer_refresh(Ok(metadata(vec![topic("v", 7)])));
    world.cluster.ignore(&"t".into());
    world.cluster.forget(&["u".into()]);
    let counts = ["t", "u", "v"].map(|name| world.cluster.metadata().partition_count(name));
    assert_eq!(counts, [Some(1), None, Some(1)]);
    world.pass(MAX_AGE);
    assert_eq!(names(&world), Some(vec!["v"]));
    assert_eq!(world.cluster.poll_event(), None);
}
