//! All interleavings of few members, not some at random: each state that can be reached is, up to a depth.
//!
//! Time is left out: a member that waits for nothing may beat at any moment, and no session ends. What can happen: a member comes or
//! beats, the coordinator takes a request, a member hears the answer, its handlers have given up what they should; and, as often as
//! the case allows, a connection breaks, on either leg.

use std::collections::HashSet;
use std::collections::VecDeque;

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
    path: Vec<(usize, Step)>,
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
        Node { coordinator, clients, start: now, clocks: vec![now; members], breaks, path: Vec::new() }
    }

    /// What comes of the step, if it is possible.
    fn after(&self, number: usize, step: Step) -> Option<Node> {
        let client = &self.clients[number];
        let is_out = !client.requests.is_empty() || !client.responses.is_empty();
        let is_possible = match step {
            Step::Enter => !client.wants_in,
            Step::Beat => client.wants_in && !is_out,
            Step::Arrive => !client.requests.is_empty(),
            Step::Hear => !client.responses.is_empty(),
            Step::GiveUp => client.revoking.is_some(),
            Step::Break => is_out && self.breaks > 0,
        };
        is_possible.then(|| {
            let mut next = self.clone();
            next.happen(number, step);
            next
        })
    }

    fn happen(&mut self, number: usize, step: Step) {
        self.path.push((number, step));
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

    /// Nobody's session is over: a partition has one owner at most.
    fn check(&self) {
        let mut owned = BTreeSet::new();
        for partition in self.clients.iter().flat_map(|client| &client.handles) {
            assert!(owned.insert(partition), "{partition:?} has two owners: {:?}", self.path);
        }
    }

    /// All that matters: not when it is, nor how requests are numbered.
    fn fingerprint(&self) -> String {
        let members =
            self.coordinator.members.iter().map(|(id, member)| {
                (id, member.epoch, member.former_epoch, &member.assigned, &member.revoking)
            });
        let members: Vec<_> = members.collect();
        let clients = self.clients.iter().map(|client| {
            let Client { group, handles, revoking, requests, responses, wants_in, .. } = client;
            let requests: Vec<_> = requests.iter().map(|outbound| &outbound.body).collect();
            let responses: Vec<_> = responses.iter().map(|(_, response)| response).collect();
            let machine = (&group.state, group.epoch, &group.target, &group.owned, group.assigned);
            let told = (&group.told, group.is_telling, group.beat.is_in_flight(), group.beat.is_wanted());
            format!("{machine:?} {told:?} {handles:?} {revoking:?} {requests:?} {responses:?} {wants_in}")
        });
        let clients: Vec<String> = clients.collect();
        format!("{} {} {members:?} {clients:?}", self.breaks, self.coordinator.epoch)
    }

    /// From here on all goes well, and everybody comes: does each partition get an owner, and everybody rest?
    fn settles(&self) -> bool {
        let mut node = self.clone();
        (0..40).any(|_| {
            for number in 0..node.clients.len() {
                for step in CALM {
                    if let Some(next) = node.after(number, step) {
                        node = next;
                    }
                }
            }
            let mut owned: Vec<i32> =
                node.clients.iter().flat_map(|client| &client.handles).map(|owned| owned.partition).collect();
            owned.sort_unstable();
            owned.into_iter().eq(0..node.coordinator.partitions)
                && node.clients.iter().all(|client| client.group.is_stable())
        })
    }
}

/// Goes through all states up to this depth. Returns how many there are.
fn explore(members: usize, partitions: i32, breaks: u32, depth: usize) -> usize {
    let first = Node::new(members, partitions, breaks);
    let mut seen = HashSet::from([first.fingerprint()]);
    let mut open = VecDeque::from([first]);
    while let Some(node) = open.pop_front() {
        assert!(node.settles(), "no rest: {:?}", node.path);
        if node.path.len() == depth {
            continue;
        }
        for number in 0..members {
            let next = STEPS.into_iter().filter_map(|step| node.after(number, step));
            open.extend(next.filter(|next| seen.insert(next.fingerprint())));
        }
    }
    seen.len()
}

#[test]
fn two_members_share_three_partitions_in_all_interleavings() {
    let all = explore(2, 3, 0, usize::MAX);
    assert_eq!(explore(2, 3, 0, 100), all, "there is an end");
    assert!(all > 200, "{all}");
}

#[test]
fn two_members_come_through_a_broken_connection_in_all_interleavings() {
    assert!(explore(2, 3, 1, 14) > 900);
}

#[test]
fn three_members_share_three_partitions_in_all_interleavings() {
    assert!(explore(3, 3, 0, 10) > 500);
}
