//! What all calls have in common.
//!
//! ```text
//!         parts                 every broker is known        every part is answered
//!  call ─────────► Looking up ─────────────────────► Asking ───────────────────────► answer
//!                      └──────── an error ─────────────┴───────────────────────────► failure
//! ```

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::engine::machine::Failure;
use crate::engine::machine::NetError;
use crate::engine::machine::Target;
use crate::engine::machine::TopicPartition;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::find_coordinator::FindCoordinatorRequest;
use crate::engine::protocol::metadata::MetadataResponse;
use crate::engine::protocol::metadata::MetadataTopic;

use super::calls;
use super::machine::Outbox;

/// A call: its parts, which broker each of them is for, the request for those that are for the same one, and what comes of
/// the answers.
pub trait Call: Send + 'static {
    /// What one part is about: a group, a partition, a topic.
    type Part: Send;
    /// What the call answers.
    type Answer: Send + 'static;

    /// The parts, and where each belongs. Those that belong to the same broker become one request.
    fn parts(&mut self) -> Vec<(Recipient, Self::Part)>;

    /// Topics whose metadata [`Call::request`] needs, beside those whose leaders are asked.
    fn topics(&self) -> Vec<String> {
        Vec::new()
    }

    /// The request for these parts, in their order.
    fn request(&mut self, parts: Vec<Self::Part>, found: &Found) -> Request;

    /// Takes the answer to one request in.
    ///
    /// # Errors
    /// Of the whole call. What is wrong with one part only may go into the answer instead.
    fn response(&mut self, response: Response) -> Result<(), Failure>;

    /// Every request is answered.
    ///
    /// # Errors
    /// Something is missing.
    fn answer(self) -> Result<Self::Answer, Failure>;
}

/// The broker that a part of a call is for.
#[derive(Debug, Clone, PartialEq)]
pub enum Recipient {
    /// Any broker knows the answer.
    Any,
    /// The controller. (Every broker of a cluster without ZooKeeper passes on what is the controller's, and says that it is it.)
    Controller,
    /// The coordinator of this group.
    Coordinator(String),
    /// The leader of this partition.
    Leader(TopicPartition),
}

/// What was looked up.
#[derive(Debug, Default)]
pub struct Found {
    metadata: MetadataResponse,
    /// Node ids by group.
    coordinators: BTreeMap<String, i32>,
}

impl Found {
    /// The metadata of a topic that [`Call::topics`] or a part has named.
    pub fn topic(&self, name: &str) -> Option<&MetadataTopic> {
        self.metadata.topics.iter().find(|topic| topic.name.as_deref() == Some(name))
    }

    fn target(&self, recipient: &Recipient) -> Result<Target, Failure> {
        match recipient {
            Recipient::Any => Ok(Target::Any),
            Recipient::Controller if self.metadata.controller_id < 0 => {
                Err(Failure::Broker { code: ErrorCode::NOT_CONTROLLER, partition: None })
            }
            Recipient::Controller => Ok(Target::node(self.metadata.controller_id)),
            Recipient::Coordinator(group) => {
                self.coordinators.get(group).copied().map(Target::node).ok_or(calls::OUT_OF_STEP)
            }
            Recipient::Leader(partition) => self.leader(partition).map(Target::node),
        }
    }

    fn leader(&self, partition: &TopicPartition) -> Result<i32, Failure> {
        let topic = self.topic(&partition.topic);
        let told =
            topic.and_then(|topic| topic.partitions.iter().find(|p| p.partition == partition.partition));
        told.map(|told| told.leader).filter(|leader| *leader >= 0).ok_or_else(|| {
            let code = match topic {
                None => ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
                Some(topic) if topic.error.is_err() => topic.error,
                Some(_) => ErrorCode::LEADER_NOT_AVAILABLE,
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
    waiting: HashMap<u64, Question>,
}

/// What a request is to find out.
enum Question {
    Coordinator(String),
    Metadata,
    Parts,
}

impl<C: Call> Run<C> {
    pub(super) fn new(mut call: C) -> Run<C> {
        let parts = call.parts();
        Run { call: Some(call), parts, found: Found::default(), waiting: HashMap::new() }
    }

    /// Looks the brokers up.
    pub(super) fn begin(&mut self, out: &mut Outbox) -> Progress {
        let mut groups = BTreeSet::new();
        let mut topics: BTreeSet<String> = self.call.iter().flat_map(Call::topics).collect();
        let mut needs_controller = false;
        for (recipient, _) in &self.parts {
            match recipient {
                Recipient::Any => {}
                Recipient::Controller => needs_controller = true,
                Recipient::Coordinator(group) => drop(groups.insert(group.clone())),
                Recipient::Leader(partition) => drop(topics.insert(partition.topic.to_string())),
            }
        }
        for key in groups {
            let id = out.ask(Target::Any, FindCoordinatorRequest::of_group(&key).into());
            self.waiting.insert(id, Question::Coordinator(key));
        }
        if needs_controller || !topics.is_empty() {
            let id = out.ask(Target::Any, calls::metadata_request(Some(topics.into_iter().collect()), false));
            self.waiting.insert(id, Question::Metadata);
        }
        self.go_on(out)
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

    /// One request to each broker. Nothing is sent if one of them is not known.
    fn ask(&mut self, out: &mut Outbox) -> Result<(), Failure> {
        let mut requests: Vec<(Target, Vec<C::Part>)> = Vec::new();
        for (recipient, part) in self.parts.drain(..) {
            let to = self.found.target(&recipient)?;
            match requests.iter_mut().find(|(other, _)| *other == to) {
                Some((_, parts)) => parts.push(part),
                None => requests.push((to, vec![part])),
            }
        }
        if let Some(call) = &mut self.call {
            for (to, parts) in requests {
                let id = out.ask(to, call.request(parts, &self.found));
                self.waiting.insert(id, Question::Parts);
            }
        }
        Ok(())
    }
}

impl<C: Call> Running for Run<C> {
    fn answered(&mut self, id: u64, response: Result<Response, NetError>, out: &mut Outbox) -> Progress {
        let Some(question) = self.waiting.remove(&id) else { return Ok(None) };
        match (question, response.map_err(Failure::Net)?) {
            (Question::Coordinator(group), Response::FindCoordinator(found)) => {
                let node = calls::coordinator(&group, &found)?.node_id;
                self.found.coordinators.insert(group, node);
            }
            (Question::Metadata, Response::Metadata(metadata)) => {
                self.found.metadata = calls::whole(metadata)?;
            }
            (Question::Parts, response) => {
                if let Some(call) = &mut self.call {
                    call.response(response)?;
                }
            }
            _ => return Err(calls::OUT_OF_STEP),
        }
        self.go_on(out)
    }
}
