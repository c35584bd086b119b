//! What was asked beside the consumer, over the same connections.

use std::time::Duration;

use crate::engine::clients::consumer::Event;
use crate::engine::cluster::News;
use crate::engine::machine::Target;
use crate::engine::protocol::Response;
use crate::engine::protocol::metadata::{MetadataRequest, MetadataResponse};

use super::world::*;

const SECOND: Duration = Duration::from_secs(1);

/// What a broker tells now.
fn told(world: &mut World) -> MetadataResponse {
    let answer = world.cluster.answer(world.now, Target::Any, &MetadataRequest::default().into());
    let Some(Ok(Response::Metadata(answer))) = answer else { unreachable!() };
    answer
}

fn learn(world: &mut World, answer: &MetadataResponse) {
    assert!(world.consumer.learned(world.now, answer));
    world.settle();
}

/// A new partition is assigned as soon as this has told the consumer of it.
fn assert_assigned(tell: fn(&mut World)) {
    let mut world = World::running();
    let new = world.cluster.add_partition();
    world.cluster.share.push(new);
    let before = world.requests.len();
    tell(&mut world);
    world.run_until(|world| world.joined == 2);
    assert_eq!(world.sent_since(before, "Metadata"), 1, "by which the leader assigns");
    world.append_all(3);
    world.run(3 * SECOND);
    world.assert_all_committed();
}

#[test]
fn a_partition_that_an_assigner_has_read_of_is_assigned_without_being_asked_for() {
    assert_assigned(|world| {
        let answer = told(world);
        learn(world, &answer);
    });
}

#[test]
fn an_answer_of_a_broker_that_is_behind_changes_nothing() {
    let mut world = World::running();
    let behind = told(&mut world);
    let new = world.cluster.add_partition();
    world.cluster.share.push(new);
    world.cluster.move_leader(0, 1);
    let answer = told(&mut world);
    learn(&mut world, &answer);
    world.run_until(|world| world.joined == 2);
    for _ in 0..20 {
        learn(&mut world, &behind);
        world.run(SECOND);
    }
    world.append_all(3);
    world.run(3 * SECOND);
    world.assert_all_committed();
    assert_eq!(world.joined, 2);
}

#[test]
fn a_consumer_that_does_not_run_takes_nothing_in() {
    let mut world = World::new();
    let answer = told(&mut world);
    assert!(!world.consumer.learned(world.now, &answer));
    world.start();
    world.run(SECOND);
    world.stop();
    world.run(10 * SECOND);
    assert!(!world.consumer.learned(world.now, &answer));
}

/// Another client of the same cluster has found out what a broker tells now.
fn hear(world: &mut World) {
    let news = News::of(&told(world)).unwrap();
    world.consumer.hear(world.now, &news);
    world.settle();
}

#[test]
fn a_partition_that_another_client_has_found_is_assigned() {
    assert_assigned(hear);
}

#[test]
fn a_leader_that_another_client_has_found_is_read_from() {
    let mut world = World::running();
    world.run(3 * SECOND);
    world.cluster.move_leader(0, 1);
    let before = world.requests.len();
    hear(&mut world);
    world.append_all(3);
    world.run(3 * SECOND);
    world.assert_all_committed();
    assert_eq!(world.sent_since(before, "Metadata"), 0);
}

#[test]
fn what_a_consumer_finds_out_is_told_once() {
    let mut world = World::running();
    world.run(3 * SECOND);
    let is_news = |event: &&Event| matches!(event, Event::News(_));
    assert_eq!(world.events.iter().filter(is_news).count(), 0, "what it has heard first is no news");
    world.cluster.move_leader(0, 1);
    world.append_all(3);
    world.run(3 * SECOND);
    world.assert_all_committed();
    assert_eq!(world.events.iter().filter(is_news).count(), 1);
}

#[test]
fn a_consumer_that_does_not_run_hears_nothing() {
    let mut world = World::new();
    hear(&mut world);
    assert!(world.consumer.cluster.metadata().brokers().is_empty());
}
