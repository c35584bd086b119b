//! All interleavings of few members, not some at random.
//!
//! Time is left out: a member that waits for nothing may beat at any moment, and no session ends. What can happen: a member comes or
//! beats, the coordinator takes a request, a member hears the answer, its handlers have given up what they should; and, as often as
//! the case allows, a connection breaks, on either leg.

use std::fmt::{self, Write};

use crate::engine::testing::exploration::{Model, explore};

use super::*;

/// What happens to a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Enter,
    Beat,
    Arrive,
    Hear,
    GiveUp,
    Break,
}

const STEPS: [Step; 6] = [Step::Enter, Step::Beat, Step::Arrive, Step::Hear, Step::GiveUp, Step::Break];

/// In this order nothing stands in the way of rest.
const CALM: [Step; 5] = [Step::Enter, Step::Arrive, Step::Hear, Step::GiveUp, Step::Beat];

#[derive(Clone)]
struct Node {
    coordinator: Coordinator,
    clients: Vec<Client>,
    /// The coordinator's clock stands still, each member has its own.
    start: Instant,
    clocks: Vec<Instant>,
    /// How often a connection may still break.
    breaks: u32,
}

impl Node {
    fn new(members: usize, partitions: i32, breaks: u32) -> Node {
        // Their seeds are for back-off alone, of which there is none without time.
        let World { now, mut coordinator, mut clients, .. } = World::new(1);
        let client = clients.remove(0);
        coordinator.partitions = partitions;
        let mut clients = vec![client; members];
        for (number, client) in clients.iter_mut().enumerate() {
            client.group.member_id = format!("member-{number}");
        }
        Node { coordinator, clients, start: now, clocks: vec![now; members], breaks }
    }

    fn is_possible(&self, number: usize, step: Step) -> bool {
        let client = &self.clients[number];
        let is_out = !client.requests.is_empty() || !client.responses.is_empty();
        match step {
            Step::Enter => !client.wants_in,
            Step::Beat => client.wants_in && !is_out,
            Step::Arrive => !client.requests.is_empty(),
            Step::Hear => !client.responses.is_empty(),
            Step::GiveUp => client.revoking.is_some(),
            Step::Break => is_out && self.breaks > 0,
        }
    }

    /// Nobody's session is over: a partition has one owner at most.
    fn check(&self) {
        let mut owned = BTreeSet::new();
        for partition in self.clients.iter().flat_map(|client| &client.handles) {
            assert!(owned.insert(partition), "{partition:?} has two owners");
        }
    }
}

impl Model for Node {
    type Step = (usize, Step);

    fn steps(&self) -> Vec<(usize, Step)> {
        let all = (0..self.clients.len()).flat_map(|number| STEPS.map(|step| (number, step)));
        all.filter(|(number, step)| self.is_possible(*number, *step)).collect()
    }

    fn happen(&mut self, (number, step): (usize, Step)) {
        let client = &mut self.clients[number];
        let clock = &mut self.clocks[number];
        match step {
            Step::Enter => {
                client.wants_in = true;
                client.group.join(*clock, World::subscription());
            }
            Step::Beat => {
                // Longer than any back-off after one broken connection, shorter than the session.
                *clock += INTERVAL + INTERVAL / 2;
                client.group.handle_timeout(*clock);
            }
            Step::Arrive => {
                let outbound = client.requests.remove(0);
                let Request::ConsumerGroupHeartbeat(body) = &outbound.body else { panic!("{outbound:?}") };
                let response = self.coordinator.handle(self.start, body);
                client.responses.push((outbound.id, response));
            }
            Step::Hear => {
                let (id, response) = client.responses.remove(0);
                client.group.handle_response(*clock, id, Ok(Response::ConsumerGroupHeartbeat(response)));
            }
            Step::GiveUp => {
                let partitions = client.revoking.take().unwrap_or_default();
                client.handles.retain(|partition| !partitions.contains(partition));
                client.group.revoked(*clock);
            }
            Step::Break => {
                self.breaks -= 1;
                let broken = client.requests.drain(..).map(|outbound| outbound.id);
                let ids: Vec<u64> = broken.chain(client.responses.drain(..).map(|(id, _)| id)).collect();
                for id in ids {
                    let error = NetError::Closed { broker: "kafka-1:9092".to_owned() };
                    client.group.handle_response(*clock, id, Err(error));
                }
            }
        }
        client.hear(*clock, true);
        client.requests.extend(client.group.poll_request(*clock, Some(1)));
        client.hear(*clock, true);
        self.check();
    }

    /// Not when it is, nor how requests are numbered.
    fn describe(&self, out: &mut dyn Write) -> fmt::Result {
        write!(out, "{} {}", self.breaks, self.coordinator.epoch)?;
        for (id, member) in &self.coordinator.members {
            let Member { epoch, former_epoch, assigned, revoking, .. } = member;
            write!(out, "{id} {epoch} {former_epoch} {assigned:?} {revoking:?}")?;
        }
        for client in &self.clients {
            let Client { group, handles, revoking, requests, responses, wants_in, .. } = client;
            let machine = (&group.state, group.epoch, &group.target, &group.owned, group.assigned);
            let told = (&group.told, group.is_telling, group.beat.is_in_flight(), group.beat.is_wanted());
            write!(out, "{machine:?} {told:?} {handles:?} {revoking:?} {wants_in}")?;
            requests.iter().try_for_each(|request| write!(out, "{:?}", request.body))?;
            responses.iter().try_for_each(|(_, response)| write!(out, "{response:?}"))?;
        }
        Ok(())
    }

    fn calm_down(&mut self) {
        for number in 0..self.clients.len() {
            for step in CALM {
                if self.is_possible(number, step) {
                    self.happen((number, step));
                }
            }
        }
    }

    /// Has each partition an owner, is everybody at rest, and is there nothing that the coordinator still wants of somebody?
    fn is_at_rest(&self) -> bool {
        let Coordinator { partitions, epoch, members, is_strict: _ } = &self.coordinator;
        let is_done = |(id, member): (&String, &Member)| {
            member.epoch == *epoch && member.assigned == self.coordinator.target(id)
        };
        let mut owned: Vec<i32> =
            self.clients.iter().flat_map(|client| &client.handles).map(|owned| owned.partition).collect();
        owned.sort_unstable();
        owned.into_iter().eq(0..*partitions)
            && members.iter().all(is_done)
            && self.clients.iter().all(|client| client.wants_in && client.group.is_stable())
    }
}

#[test]
fn two_members_come_through_a_broken_connection_in_all_interleavings() {
    let all = explore(Node::new(2, 3, 1), usize::MAX);
    assert!(all > 1_000, "{all}");
}

#[test]
fn three_members_share_three_partitions_in_all_interleavings() {
    let all = explore(Node::new(3, 3, 0), usize::MAX);
    assert!(all > 40_000, "{all}");
}
