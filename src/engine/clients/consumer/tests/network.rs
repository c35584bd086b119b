//! The network: each way of a message takes its time, connections break, brokers are silent.

use std::time::{Duration, Instant};

use crate::engine::clients::consumer::Tag;
use crate::engine::machine::ConnectionKind;
use crate::engine::machine::NetError;
use crate::engine::machine::Target;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::fetch::FetchRequest;
use crate::engine::protocol::metadata::MetadataBroker;
use crate::engine::testing::broker::Broker;

use super::cluster::Cluster;
use super::world::{LATENCY, World};

/// A request under way.
pub(super) struct Sent {
    pub(super) tag: Tag,
    pub(super) to: Target,
    pub(super) body: Request,
    pub(super) arrives: Instant,
    /// A held Fetch is answered by then.
    pub(super) deadline: Option<Instant>,
}

/// An answer on its way back from there.
pub(super) struct Coming {
    pub(super) at: Instant,
    pub(super) tag: Tag,
    pub(super) from: Target,
    pub(super) answer: Result<Response, NetError>,
}

fn closed() -> Result<Response, NetError> {
    Err(NetError::Closed { broker: "broker:9092".into() })
}

fn node(to: Target) -> Option<i32> {
    match to {
        Target::Node(node, _) => Some(node),
        Target::Any | Target::AnyOther | Target::AnyBut(_) => None,
    }
}

impl World {
    fn latency(&mut self) -> Duration {
        if self.jitter == 0 { LATENCY } else { Duration::from_millis(self.rng.u64(1..=self.jitter)) }
    }

    /// When a request to there arrives: behind those before it on its connection.
    pub(super) fn arrives(&mut self, to: Target) -> Instant {
        let others = self.sent.iter().filter(|sent| sent.to == to).map(|sent| sent.arrives);
        let others = others.max();
        others.max(Some(self.now + self.latency())).unwrap()
    }

    /// The same of an answer.
    pub(super) fn comes(&mut self, from: Target) -> Instant {
        let others = self.coming.iter().filter(|coming| coming.from == from).map(|coming| coming.at);
        let others = others.max();
        others.max(Some(self.now + self.latency())).unwrap()
    }

    /// Requests reach their broker.
    pub(super) fn arrive(&mut self) {
        if self.silent {
            self.sent.clear();
            return;
        }
        for sent in std::mem::take(&mut self.sent) {
            let Sent { tag, to, body, arrives, deadline } = sent;
            if node(to).is_some_and(|node| self.frozen == Some(node)) {
                let deadline = Some(self.now + Duration::from_secs(3_600));
                self.sent.push(Sent { tag, to, body, arrives, deadline });
                continue;
            }
            let is_due = deadline.unwrap_or(arrives) <= self.now;
            let response = match &body {
                _ if self.down && arrives <= self.now => Some(closed()),
                Request::Fetch(request) if arrives <= self.now => {
                    let held = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap());
                    let expired = deadline.is_some() && is_due;
                    match self.fetched(to, request, expired) {
                        Some(response) => Some(Ok(response)),
                        None => {
                            let deadline = deadline.or(Some(self.now + held));
                            self.sent.push(Sent { tag, to, body, arrives, deadline });
                            continue;
                        }
                    }
                }
                body if is_due => self.cluster.answer(self.now, to, body),
                _ => None,
            };
            match response {
                Some(answer) => {
                    let at = self.comes(to);
                    self.coming.push(Coming { at, tag, from: to, answer });
                }
                // Held back by the coordinator, or still on its way.
                None if is_due => {
                    let arrives = self.now + Duration::from_millis(5);
                    self.sent.push(Sent { tag, to, body, arrives, deadline });
                }
                None => self.sent.push(Sent { tag, to, body, arrives, deadline }),
            }
        }
    }

    fn fetched(&mut self, to: Target, request: &FetchRequest, expired: bool) -> Option<Response> {
        let Target::Node(node, ConnectionKind::Fetch | ConnectionKind::FetchExpress) = to else {
            panic!("{to:?}")
        };
        let Cluster { brokers, logs, .. } = &mut self.cluster;
        let broker: &mut Broker = brokers.get_mut(&node).unwrap();
        let answers = expired || broker.has_news(request, logs);
        let answer = answers.then(|| broker.fetch(request, logs));
        answer.map(|answer| Response::Fetch(self.cluster.spoil(answer)))
    }

    /// The network closes its connections to brokers that are gone.
    pub(super) fn retire(&mut self, brokers: &[MetadataBroker]) {
        let gone = |to| node(to).is_some_and(|node| brokers.iter().all(|broker| broker.node_id != node));
        let (lost, sent) = std::mem::take(&mut self.sent).into_iter().partition(|sent| gone(sent.to));
        self.sent = sent;
        let lost: Vec<Sent> = lost;
        lost.into_iter().for_each(|sent| self.break_off(sent.tag, sent.to));
    }

    /// Every connection breaks; held requests get no answer.
    pub(super) fn cut(&mut self) {
        for sent in std::mem::take(&mut self.sent) {
            self.break_off(sent.tag, sent.to);
        }
        self.happen();
    }

    fn break_off(&mut self, tag: Tag, from: Target) {
        self.coming.push(Coming { at: self.now, tag, from, answer: closed() });
    }

    /// One connection breaks: answers on their way back are lost, and of the requests the broker may have taken the first ones in.
    pub(super) fn break_one(&mut self) {
        let targets = self.sent.iter().map(|sent| sent.to);
        let targets: Vec<Target> = targets.chain(self.coming.iter().map(|coming| coming.from)).collect();
        let Some(broken) = self.rng.choice(targets) else { return };
        for coming in self.coming.iter_mut().filter(|coming| coming.from == broken) {
            coming.answer = closed();
        }
        let (lost, sent) = std::mem::take(&mut self.sent).into_iter().partition(|sent| sent.to == broken);
        self.sent = sent;
        let lost: Vec<Sent> = lost;
        let mut arrives = true;
        for Sent { tag, to, body, .. } in lost {
            arrives &= self.rng.bool();
            match &body {
                Request::Fetch(request) if arrives => drop(self.fetched(to, request, true)),
                body if arrives => drop(self.cluster.answer(self.now, to, body)),
                _ => {}
            }
            self.break_off(tag, to);
        }
        self.happen();
    }
}
