//! What all calls have in common.
//!
//! ```text
//!         parts                 every broker is known        every part is answered
//!  call ─────────► Looking up ─────────────────────► Asking ───────────────────────► answer
//!                      └──────── an error ─────────────┴───────────────────────────► of its parts, or of the call
//! ```

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use crate::engine::machine::CoordinatorKey;
use crate::engine::machine::Failure;
use crate::engine::machine::NetError;
use crate::engine::machine::Target;
use crate::engine::machine::TopicPartition;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::find_coordinator::{FindCoordinatorRequest, FindCoordinatorResponse};
use crate::engine::protocol::metadata::MetadataResponse;
use crate::engine::protocol::metadata::MetadataTopic;

use super::calls;
use super::machine::Outbox;

/// A call: its parts, which broker each of them is for, the request for those that are for the same one, and what comes of
/// the answers.
///
/// A call for one broker whose answer is the broker's is no type of its own: see [`calls::Ask`].
pub trait Call: Send + 'static {
    /// What one part is about: a group, a partition, a topic. `()` where there is but one.
    type Part: Clone + Send;
    /// What the call answers.
    type Answer: Send + 'static;

    /// The parts, and where each belongs. Those that belong to the same broker become one request.
    fn parts(&mut self) -> Vec<(Recipient, Self::Part)>;

    /// Topics whose metadata [`Call::request`] needs, beside those whose leaders are asked.
    fn topics(&self) -> Vec<String> {
        Vec::new()
    }

    /// How long the broker may take on purpose, beyond the request timeout.
    fn held(&self) -> Duration {
        Duration::ZERO
    }

    /// The request for these parts, in their order.
    fn request(&mut self, asked: &Asked<Self::Part>, found: &Found) -> Request;

    /// Takes the answer to one request in.
    ///
    /// # Errors
    /// Of the whole call. What is wrong with one part only may go into the answer instead.
    fn response(&mut self, asked: Asked<Self::Part>, response: Response) -> Result<(), Failure>;

    /// These were not asked, or not answered: their broker was not found, or is down.
    ///
    /// # Errors
    /// Of the whole call, which is the rule. A call that answers in parts says it in the answer instead, and goes on.
    fn failed(&mut self, _asked: Asked<Self::Part>, failure: Failure) -> Result<(), Failure> {
        Err(failure)
    }

    /// Every request is answered.
    ///
    /// # Errors
    /// Something is missing.
    fn answer(self) -> Result<Self::Answer, Failure>;
}

/// What one broker is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked<Part> {
    /// The node id; None = any broker, or the one that was not found.
    pub broker: Option<i32>,
    /// In their order.
    pub parts: Vec<Part>,
}

/// The broker that a part of a call is for.
#[derive(Debug, Clone, PartialEq)]
pub enum Recipient {
    /// Any broker knows the answer.
    Any,
    /// The controller. (Every broker of a cluster without ZooKeeper passes on what is the controller's, and says that it is it.)
    Controller,
    /// Each broker of the cluster; [`Asked::broker`] tells them apart.
    AllBrokers,
    /// The broker with this node id. One that is in no metadata fails as [`Failure::UnknownBroker`].
    Broker(i32),
    /// The coordinator of this group or transaction.
    Coordinator(CoordinatorKey),
    /// The leader of this partition.
    Leader(TopicPartition),
}

impl Recipient {
    /// The coordinator of the group with this id.
    pub fn group(id: &str) -> Recipient {
        Recipient::Coordinator(CoordinatorKey::group(id))
    }

    fn needs_metadata(&self) -> bool {
        !matches!(self, Recipient::Any | Recipient::Coordinator(_))
    }
}

/// What was looked up.
#[derive(Debug)]
pub struct Found {
    /// None: it was not needed.
    metadata: Result<Option<MetadataResponse>, Failure>,
    topics: HashMap<String, MetadataTopic>,
    coordinators: HashMap<CoordinatorKey, Result<i32, Failure>>,
}

impl Found {
    fn nothing() -> Found {
        Found { metadata: Ok(None), topics: HashMap::new(), coordinators: HashMap::new() }
    }

    /// The metadata of a topic that [`Call::topics`] or a part has named.
    pub fn topic(&self, name: &str) -> Option<&MetadataTopic> {
        self.topics.get(name)
    }

    fn told(&mut self, mut metadata: MetadataResponse) {
        let topics = std::mem::take(&mut metadata.topics);
        self.topics = topics.into_iter().filter_map(|topic| Some((topic.name.clone()?, topic))).collect();
        self.metadata = Ok(Some(metadata));
    }

    fn metadata(&self) -> Result<&MetadataResponse, Failure> {
        self.metadata.as_ref().map_err(Failure::clone)?.as_ref().ok_or(calls::OUT_OF_STEP)
    }

    fn targets(&self, recipient: &Recipient) -> Result<Vec<Target>, Failure> {
        let one = match recipient {
            Recipient::Any => Target::Any,
            Recipient::Controller => match self.metadata()?.controller_id {
                node @ 0.. => Target::node(node),
                _ => return Err(Failure::Broker { code: ErrorCode::NOT_CONTROLLER, partition: None }),
            },
            Recipient::AllBrokers => {
                let brokers = &self.metadata()?.brokers;
                // Who has answered lists nobody, not even itself: it is only coming up, or its controller has given it up. Nobody
                // asked is no answer of all.
                if brokers.is_empty() {
                    return Err(Failure::Net(NetError::NoBroker));
                }
                return Ok(brokers.iter().map(|broker| Target::node(broker.node_id)).collect());
            }
            Recipient::Broker(node) => {
                match self.metadata()?.brokers.iter().any(|broker| broker.node_id == *node) {
                    true => Target::node(*node),
                    false => return Err(Failure::UnknownBroker(*node)),
                }
            }
            Recipient::Coordinator(key) => {
                let found = self.coordinators.get(key).cloned();
                Target::node(found.unwrap_or(Err(calls::OUT_OF_STEP))?)
            }
            Recipient::Leader(partition) => Target::node(self.leader(partition)?),
        };
        Ok(vec![one])
    }

    fn leader(&self, partition: &TopicPartition) -> Result<i32, Failure> {
        self.metadata()?;
        let topic = self.topic(&partition.topic);
        let told =
            topic.and_then(|topic| topic.partitions.iter().find(|p| p.partition == partition.partition));
        told.map(|told| told.leader).filter(|leader| *leader >= 0).ok_or_else(|| {
            let code = match (topic, told) {
                (Some(topic), _) if topic.error.is_err() => topic.error,
                (Some(_), Some(_)) => ErrorCode::LEADER_NOT_AVAILABLE,
                _ => ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
            };
            Failure::Broker { code, partition: Some(partition.clone()) }
        })
    }
}

/// How a call that has moved stands: None while it waits for answers.
type Progress = Result<Option<Box<dyn Any + Send>>, Failure>;

/// A call of any kind.
pub(super) trait Running: Send {
    /// The answer to one of its requests.
    fn answered(&mut self, id: u64, response: Result<Response, NetError>, out: &mut Outbox) -> Progress;
}

/// A call that runs.
pub(super) struct Run<C: Call> {
    /// None when it has ended.
    call: Option<C>,
    /// Those that are not asked yet: all of them while brokers are looked up.
    parts: Vec<(Recipient, C::Part)>,
    found: Found,
    waiting: HashMap<u64, Question<C::Part>>,
}

/// What a request is to find out.
enum Question<Part> {
    /// Of one kind.
    Coordinators(Vec<CoordinatorKey>),
    Metadata,
    Parts(Asked<Part>),
}

impl<C: Call> Run<C> {
    pub(super) fn new(mut call: C) -> Run<C> {
        let parts = call.parts();
        Run { call: Some(call), parts, found: Found::nothing(), waiting: HashMap::new() }
    }

    /// Looks the brokers up.
    pub(super) fn begin(&mut self, out: &mut Outbox) -> Progress {
        let mut keys: BTreeMap<_, BTreeSet<CoordinatorKey>> = BTreeMap::new();
        let mut topics: BTreeSet<String> = self.call.iter().flat_map(Call::topics).collect();
        let mut needs_metadata = !topics.is_empty();
        for (recipient, _) in &self.parts {
            needs_metadata |= recipient.needs_metadata();
            match recipient {
                Recipient::Coordinator(key) => drop(keys.entry(key.kind).or_default().insert(key.clone())),
                Recipient::Leader(partition) => drop(topics.insert(partition.topic.to_string())),
                _ => {}
            }
        }
        for keys in keys.into_values() {
            self.look_up(keys.into_iter().collect(), out);
        }
        if needs_metadata {
            let request = calls::metadata_request(Some(topics.into_iter().collect()), false);
            let id = out.ask(Target::Any, request, Duration::ZERO);
            self.waiting.insert(id, Question::Metadata);
        }
        self.go_on(out)
    }

    /// Asks for the coordinators of these, which are of one kind.
    fn look_up(&mut self, keys: Vec<CoordinatorKey>, out: &mut Outbox) {
        let Some(first) = keys.first() else { return };
        let ids = keys.iter().map(|key| key.id.to_string()).collect();
        let request = FindCoordinatorRequest { key_type: first.kind, keys: ids };
        let id = out.ask(Target::Any, request.into(), Duration::ZERO);
        self.waiting.insert(id, Question::Coordinators(keys));
    }

    /// Takes the step that is due, if one is.
    fn go_on(&mut self, out: &mut Outbox) -> Progress {
        if self.waiting.is_empty() {
            self.ask(out)?;
        }
        if self.waiting.is_empty()
            && let Some(call) = self.call.take()
        {
            return Ok(Some(Box::new(call.answer()?)));
        }
        Ok(None)
    }

    /// One request to each broker. Nothing is sent if one of them is not known and the call does not go on without it.
    fn ask(&mut self, out: &mut Outbox) -> Result<(), Failure> {
        let Some(call) = &mut self.call else { return Ok(()) };
        let mut order = Vec::new();
        let mut requests: HashMap<Target, Vec<C::Part>> = HashMap::new();
        for (recipient, part) in self.parts.drain(..) {
            match self.found.targets(&recipient) {
                Ok(targets) => {
                    for to in targets {
                        let parts = requests.entry(to).or_default();
                        if parts.is_empty() {
                            order.push(to);
                        }
                        parts.push(part.clone());
                    }
                }
                Err(failure) => {
                    let broker = match recipient {
                        Recipient::Broker(node) => Some(node),
                        _ => None,
                    };
                    call.failed(Asked { broker, parts: vec![part] }, failure)?;
                }
            }
        }
        for to in order {
            let broker = match to {
                Target::Node(node, _) => Some(node),
                Target::Any | Target::AnyOther | Target::AnyBut(_) => None,
            };
            let asked = Asked { broker, parts: requests.remove(&to).unwrap_or_default() };
            let request = call.request(&asked, &self.found);
            let id = out.ask(to, request, call.held());
            self.waiting.insert(id, Question::Parts(asked));
        }
        Ok(())
    }

    fn coordinators(&mut self, keys: Vec<CoordinatorKey>, answer: Result<FindCoordinatorResponse, Failure>) {
        match answer {
            Ok(answer) => {
                for key in keys {
                    let node = calls::coordinator(&key, &answer).map(|broker| broker.node_id);
                    self.found.coordinators.insert(key, node);
                }
            }
            Err(failure) => {
                let found = keys.into_iter().map(|key| (key, Err(failure.clone())));
                self.found.coordinators.extend(found);
            }
        }
    }
}

impl<C: Call> Running for Run<C> {
    fn answered(&mut self, id: u64, response: Result<Response, NetError>, out: &mut Outbox) -> Progress {
        let Some(question) = self.waiting.remove(&id) else { return Ok(None) };
        match (question, response) {
            // The broker does not know several keys in one request.
            (Question::Coordinators(keys), Err(NetError::UnsupportedApi { .. })) if keys.len() > 1 => {
                for key in keys {
                    self.look_up(vec![key], out);
                }
            }
            (Question::Coordinators(keys), Ok(Response::FindCoordinator(found))) => {
                self.coordinators(keys, Ok(found));
            }
            (Question::Coordinators(keys), Err(error)) => self.coordinators(keys, Err(Failure::Net(error))),
            (Question::Metadata, Ok(Response::Metadata(metadata))) => match calls::whole(metadata) {
                Ok(metadata) => self.found.told(metadata),
                Err(failure) => self.found.metadata = Err(failure),
            },
            (Question::Metadata, Err(error)) => self.found.metadata = Err(Failure::Net(error)),
            (Question::Parts(asked), response) => {
                if let Some(call) = &mut self.call {
                    match response {
                        Ok(response) => call.response(asked, response)?,
                        Err(error) => call.failed(asked, Failure::Net(error))?,
                    }
                }
            }
            _ => return Err(calls::OUT_OF_STEP),
        }
        self.go_on(out)
    }
}
