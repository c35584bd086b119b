//! Many coordinators at once.

use std::time::Duration;

use crate::engine::cluster::CoordinatorKey;
use crate::engine::cluster::Event;
use crate::engine::machine::Failure;
use crate::engine::machine::Log;
use crate::engine::machine::LogLevel;
use crate::engine::machine::Machine;
use crate::engine::machine::NetError;
use crate::engine::machine::Outbound;
use crate::engine::machine::Target;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::find_coordinator::FindCoordinatorResponse;
use crate::engine::protocol::find_coordinator::FoundCoordinator;
use crate::engine::protocol::find_coordinator::KeyType;

use super::{World, closed};

impl World {
    fn looking_up(keys: &[CoordinatorKey]) -> World {
        let mut world = World::new();
        keys.iter().for_each(|key| world.cluster.look_up(key));
        world.settle_many();
        world
    }

    /// As `settle`, with as many look-ups as there are.
    fn settle_many(&mut self) {
        self.in_flight.extend(std::iter::from_fn(|| self.cluster.poll_request(self.now, ())));
        self.events.extend(std::iter::from_fn(|| self.cluster.poll_event()));
        assert!(self.cluster.poll_timeout(self.now).is_none_or(|at| at > self.now), "a busy loop");
    }

    /// What each look-up in flight asks for.
    fn asked_for(&self) -> Vec<(KeyType, Vec<&str>)> {
        let keys = |outbound: &'_ Outbound| match &outbound.body {
            Request::FindCoordinator(request) => request.clone(),
            other => panic!("{other:?}"),
        };
        let requests: Vec<_> = self.in_flight.iter().map(keys).collect();
        let known = ["a", "b", "c", "x", "y"];
        let names = |keys: &[String]| {
            keys.iter().map(|key| *known.iter().find(|known| *known == key).unwrap()).collect()
        };
        requests.iter().map(|request| (request.key_type, names(&request.keys))).collect()
    }

    /// Answers the first look-up in flight.
    fn tell(&mut self, found: Vec<FoundCoordinator>) {
        let answer = FindCoordinatorResponse { coordinators: found, ..Default::default() };
        self.hand(Ok(Response::FindCoordinator(answer)));
    }

    fn hand(&mut self, response: Result<Response, NetError>) {
        let outbound = self.in_flight.remove(0);
        self.cluster.handle_response(self.now, outbound.id, response);
        self.settle_many();
    }

    fn nodes(&self, keys: &[CoordinatorKey]) -> Vec<Option<i32>> {
        keys.iter().map(|key| self.cluster.coordinator(key)).collect()
    }

    fn warnings(&mut self) -> Vec<String> {
        let events = self.events().into_iter();
        let warning = |event| match event {
            Event::Log(Log { level: LogLevel::Warn, message, .. }) => Some(message),
            _ => None,
        };
        events.filter_map(warning).collect()
    }
}

fn groups() -> [CoordinatorKey; 3] {
    ["a", "b", "c"].map(CoordinatorKey::group)
}

fn found(key: &str, node_id: i32) -> FoundCoordinator {
    FoundCoordinator {
        key: key.into(),
        node_id,
        host: format!("h{node_id}"),
        port: 9092,
        ..Default::default()
    }
}

fn refused(key: &str, error: ErrorCode) -> FoundCoordinator {
    FoundCoordinator { key: key.into(), node_id: -1, error, ..Default::default() }
}

fn too_old() -> NetError {
    NetError::UnsupportedApi { api: "GroupCoordinator", key: 10, theirs: None }
}

#[test]
fn groups_share_a_request_and_transactions_another() {
    let [a, b, _] = groups();
    let [x, y] = ["x", "y"].map(CoordinatorKey::transaction);
    let keys = [a, b, x, y];
    let mut world = World::looking_up(&keys);
    assert_eq!(world.asked_for(), [(KeyType::Group, vec!["a", "b"]), (KeyType::Transaction, vec!["x", "y"])]);
    world.tell(vec![found("b", 2), found("a", 1)]);
    assert_eq!(world.nodes(&keys), [Some(1), Some(2), None, None], "by key, not by place");
    world.tell(vec![found("x", 1), found("y", 3)]);
    assert_eq!(world.nodes(&keys), [Some(1), Some(2), Some(1), Some(3)]);
    let of = |event: &Event| matches!(event, Event::CoordinatorFound { .. });
    assert_eq!(world.events().iter().filter(|event| of(event)).count(), 4);
    assert!([1, 2, 3].iter().all(|node| world.cluster.metadata().has_broker(*node)));
    keys.iter().for_each(|key| world.cluster.look_up(key));
    world.settle_many();
    assert_eq!(world.asked_for(), [], "what is known is not asked for");
}

#[test]
fn a_group_and_a_transaction_of_the_same_name_are_two() {
    let keys = [CoordinatorKey::group("a"), CoordinatorKey::transaction("a")];
    let mut world = World::looking_up(&keys);
    world.tell(vec![found("a", 1)]);
    assert_eq!(world.nodes(&keys), [Some(1), None]);
    world.tell(vec![found("a", 2)]);
    assert_eq!(world.nodes(&keys), [Some(1), Some(2)]);
}

#[test]
fn one_that_fails_keeps_the_others_from_nothing() {
    let keys = groups();
    let mut world = World::looking_up(&keys);
    world.tell(vec![
        refused("a", ErrorCode::GROUP_AUTHORIZATION_FAILED),
        refused("b", ErrorCode::COORDINATOR_NOT_AVAILABLE),
        found("c", 3),
    ]);
    assert_eq!(world.nodes(&keys), [None, None, Some(3)]);
    let cause = Failure::Broker { code: ErrorCode::GROUP_AUTHORIZATION_FAILED, partition: None };
    let failure = Failure::CoordinatorNotFound { key: keys[0].clone(), cause: Box::new(cause) };
    let failed = Event::CoordinatorFailed { key: keys[0].clone(), failure };
    assert!(world.events.contains(&failed), "{:?}", world.events);
    let told = "Failed to find the coordinator of group \"b\", trying again: GROUP_COORDINATOR_NOT_AVAILABLE";
    assert_eq!(world.warnings(), [told]);
    world.pass(Duration::from_millis(130));
    assert_eq!(world.asked_for(), [(KeyType::Group, vec!["b"])], "after a while, and nobody else");
    assert_eq!(world.in_flight[0].to, Target::AnyOther);
    world.tell(vec![found("b", 2)]);
    assert_eq!(world.nodes(&keys), [None, Some(2), Some(3)]);
}

#[test]
fn a_key_that_the_answer_leaves_out_is_asked_for_again() {
    let keys = groups();
    let mut world = World::looking_up(&keys);
    world.tell(vec![found("b", 2), found("unheard-of", 9), found("b", 7)]);
    assert_eq!(world.nodes(&keys)[0], None);
    assert!(world.nodes(&keys)[1].is_some());
    world.pass(Duration::from_millis(130));
    assert_eq!(world.asked_for(), [(KeyType::Group, vec!["a", "c"])], "together, as they failed together");
}

#[test]
fn each_moves_by_itself() {
    let keys = groups();
    let mut world = World::looking_up(&keys);
    world.tell(vec![found("a", 1), found("b", 2), found("c", 3)]);
    world.pass(Duration::from_secs(1));
    world.cluster.coordinator_lost(&keys[1]);
    world.settle_many();
    assert_eq!(world.nodes(&keys), [Some(1), None, Some(3)]);
    assert_eq!(
        (world.asked_for(), world.in_flight[0].to),
        (vec![(KeyType::Group, vec!["b"])], Target::AnyBut(2))
    );
    // Lost while another one is being looked up: a request of its own.
    world.cluster.coordinator_lost(&keys[0]);
    world.settle_many();
    assert_eq!(world.asked_for(), [(KeyType::Group, vec!["b"]), (KeyType::Group, vec!["a"])]);
    world.tell(vec![found("b", 3)]);
    world.hand(Err(closed()));
    assert_eq!(world.nodes(&keys), [None, Some(3), Some(3)]);
    world.pass(Duration::from_millis(130));
    world.tell(vec![found("a", 2)]);
    assert_eq!(world.nodes(&keys), [Some(2), Some(3), Some(3)]);
}

#[test]
fn what_is_forgotten_is_not_looked_for_and_its_answer_is_nobodys() {
    let keys = groups();
    let mut world = World::looking_up(&keys);
    world.cluster.forget_coordinator(&keys[0]);
    world.tell(vec![found("a", 1), found("b", 2), refused("c", ErrorCode::COORDINATOR_NOT_AVAILABLE)]);
    assert_eq!(world.nodes(&keys), [None, Some(2), None]);
    world.cluster.forget_coordinator(&keys[2]);
    world.pass(Duration::from_secs(9));
    assert_eq!(world.asked_for(), []);
    assert_eq!(world.cluster.poll_timeout(world.now), None);
}

#[test]
fn older_brokers_are_asked_for_each_key_by_itself() {
    let keys = groups();
    let mut world = World::looking_up(&keys);
    world.hand(Err(too_old()));
    let each = ["a", "b", "c"].map(|key| (KeyType::Group, vec![key]));
    assert_eq!(world.asked_for(), each, "at once");
    assert!(world.events().is_empty(), "that is nothing to tell of");
    // Before v4 answers do not say whose coordinator they tell.
    world.tell(vec![found("", 1)]);
    world.tell(vec![refused("", ErrorCode::COORDINATOR_LOAD_IN_PROGRESS)]);
    world.tell(vec![found("", 3)]);
    assert_eq!(world.nodes(&keys), [Some(1), None, Some(3)]);
    world.pass(Duration::from_secs(1));
    world.cluster.coordinator_lost(&keys[2]);
    world.settle_many();
    assert_eq!(world.asked_for(), [each[1].clone(), each[2].clone()], "it stays so");
}

#[test]
fn one_key_for_which_there_is_no_version_is_an_end() {
    let mut world = World::looking_up(&[CoordinatorKey::transaction("x")]);
    world.hand(Err(too_old()));
    assert_eq!(world.events(), [Event::Failed(Failure::Net(too_old()))]);
    world.pass(Duration::from_secs(9));
    assert_eq!(world.asked_for(), []);
}

#[test]
fn keys_say_what_they_are() {
    assert_eq!(CoordinatorKey::group("orders").to_string(), "group \"orders\"");
    assert_eq!(CoordinatorKey::transaction("x").to_string(), "transactional id \"x\"");
}
