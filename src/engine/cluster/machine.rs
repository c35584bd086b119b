//! Keeps the metadata fresh and knows the group's coordinator: two single-flight requests, each repeated with back-off
//! until it is answered well.
//!
//! ```text
//!          wanted                    poll_request              answered
//!  at rest ──────► due (back-off) ─────────────► in flight ─────────────► at rest
//!                   ▲                                │
//!                   └──── failed, or still wanted ───┘
//! ```

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::engine::machine::Backoff;
use crate::engine::machine::Failure;
use crate::engine::machine::Log;
use crate::engine::machine::LogLevel;
use crate::engine::machine::Machine;
use crate::engine::machine::NetError;
use crate::engine::machine::Outbound;
use crate::engine::machine::Target;
use crate::engine::machine::TopicPartition;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::fetch::NodeEndpoint;
use crate::engine::protocol::find_coordinator::FindCoordinatorRequest;
use crate::engine::protocol::find_coordinator::FindCoordinatorResponse;
use crate::engine::protocol::metadata::MetadataBroker;
use crate::engine::protocol::metadata::MetadataRequest;
use crate::engine::protocol::metadata::MetadataRequestTopic;
use crate::engine::protocol::metadata::MetadataResponse;
use crate::engine::protocol::metadata::MetadataTopic;

use super::metadata::{Change, Leader, Metadata};
use super::survey::Survey;

/// What the machine must know.
#[derive(Debug, Clone)]
pub struct ClusterConfig {
    /// Whose coordinator.
    pub group_id: String,
    /// Metadata older than this is read again.
    pub metadata_max_age: Duration,
    /// May brokers create missing topics?
    pub allow_auto_topic_creation: bool,
}

/// What the machine tells its owner.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// An answer was taken in.
    Metadata(Change),
    /// The end of [`Cluster::survey`]: what was read. A topic that is not in it does not exist, or nobody may tell us.
    Surveyed(MetadataResponse),
    /// The coordinator is known: this node. Its address is among the brokers.
    Coordinator(i32),
    /// A subscribed topic that we may not read, or that cannot exist.
    TopicError {
        /// Topic.
        topic: Arc<str>,
        /// Why.
        code: ErrorCode,
    },
    /// No use trying again.
    Failed(Failure),
    /// For the user.
    Log(Log),
}

/// A single-flight request: is one under way, is one wanted, when may it go?
#[derive(Debug, Default)]
struct Single {
    wanted: bool,
    in_flight: Option<u64>,
    /// Was the last answer of no use, or is it old? Then somebody else should be asked.
    other: bool,
    backoff: Backoff,
    /// After a success: somebody who asks again at once has not waited for things to settle.
    spaced_until: Option<Instant>,
}

impl Single {
    fn is_due(&self, now: Instant) -> bool {
        self.is_waiting() && self.ready_at().is_none_or(|at| now >= at)
    }

    fn due_at(&self) -> Option<Instant> {
        if self.is_waiting() { self.ready_at() } else { None }
    }

    fn is_waiting(&self) -> bool {
        self.wanted && self.in_flight.is_none()
    }

    fn ready_at(&self) -> Option<Instant> {
        self.backoff.ready_at().max(self.spaced_until)
    }

    /// To be asked of somebody else than before: what he said is not true, or not any more.
    fn doubt(&mut self) {
        self.wanted = true;
        self.other = true;
    }

    /// To be asked now, whatever the answer says that is on its way: it would be older than the question.
    fn at_once(&mut self) {
        self.wanted = true;
        self.other |= self.in_flight.take().is_some();
        self.backoff.reset();
        self.spaced_until = None;
    }

    /// Returns who is to be asked.
    fn sent(&mut self, id: u64) -> Target {
        self.wanted = false;
        self.in_flight = Some(id);
        if std::mem::take(&mut self.other) { Target::AnyOther } else { Target::Any }
    }

    /// Is this the answer?
    fn lands(&mut self, id: u64) -> bool {
        let ours = self.in_flight == Some(id);
        if ours {
            self.in_flight = None;
        }
        ours
    }

    fn succeeded(&mut self, now: Instant) {
        self.backoff.reset();
        self.spaced_until = Some(now + SPACING);
    }

    /// To be asked again. Returns whether this is the first failure in a row.
    fn failed(&mut self, now: Instant, rng: &mut Rng) -> bool {
        let first = self.backoff.ready_at().is_none();
        self.doubt();
        self.backoff.failed(now, rng);
        first
    }
}

/// See the module's documentation.
#[derive(Debug)]
pub struct Cluster {
    config: ClusterConfig,
    rng: Rng,
    metadata: Metadata,
    /// Ours: what is wrong with them is an error of ours.
    topics: Vec<Arc<str>>,
    /// What others of the group subscribe to, while we lead it.
    others: Vec<Arc<str>>,
    survey: Option<Survey>,
    /// The topics that the refresh under way asks for.
    asked: Vec<Arc<str>>,
    refresh: Single,
    /// When the metadata is too old.
    expires: Option<Instant>,
    lookup: Single,
    coordinator: Option<i32>,
    next_id: u64,
    events: VecDeque<Event>,
}

impl Cluster {
    /// A machine that knows nothing and asks for nothing before [`Cluster::set_topics`].
    pub fn new(config: ClusterConfig, seed: u64) -> Cluster {
        Cluster {
            config,
            rng: Rng::with_seed(seed),
            metadata: Metadata::default(),
            topics: Vec::new(),
            others: Vec::new(),
            survey: None,
            asked: Vec::new(),
            refresh: Single::default(),
            expires: None,
            lookup: Single::default(),
            coordinator: None,
            next_id: 0,
            events: VecDeque::new(),
        }
    }

    /// The snapshot.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The coordinator's node id, while it is believed in.
    pub fn coordinator(&self) -> Option<i32> {
        self.coordinator
    }

    /// What another connection has learned already.
    pub fn seed(&mut self, answer: &MetadataResponse) {
        self.metadata.apply(answer);
    }

    /// An answer to a question that was not ours, and may be of the same broker over and over: news of the topics that we watch
    /// are taken in, and what is behind what we know counts for nothing. Ends in [`Event::Metadata`].
    pub fn learn(&mut self, answer: &MetadataResponse) {
        let is_watched = |topic: &MetadataTopic| {
            let mut watched = self.topics.iter().chain(&self.others);
            watched.any(|name| Some(&**name) == topic.name.as_deref())
        };
        let topics = answer.topics.iter().filter(|topic| is_watched(topic)).cloned().collect();
        let change = self.metadata.learn(&MetadataResponse { topics, ..answer.clone() });
        self.events.push_back(Event::Metadata(change));
    }

    /// Topics that refreshes ask for; a new one is asked for at once. Looks for the coordinator as well, from the first
    /// call on.
    pub fn set_topics(&mut self, topics: &[Arc<str>]) {
        if self.expires.is_none() || topics.iter().any(|topic| !self.topics.contains(topic)) {
            self.refresh.wanted = true;
            self.refresh.backoff.reset();
        }
        self.topics = topics.to_vec();
        self.others.retain(|topic| !topics.contains(topic));
        self.lookup.wanted |= self.coordinator.is_none();
    }

    /// Topics of others that refreshes ask for as well.
    pub fn set_others(&mut self, topics: impl Iterator<Item = Arc<str>>) {
        self.others = topics.filter(|topic| !self.topics.contains(topic)).collect();
    }

    /// The topics that refreshes ask for: ours and those of others.
    pub fn watched(&self) -> Vec<Arc<str>> {
        self.topics.iter().chain(&self.others).cloned().collect()
    }

    /// Asks for our topics and these of others until each of them is told of, by whom it may be; for as long as `within`, and
    /// not as long once brokers answer. Ends in [`Event::Surveyed`], unless another one begins.
    pub fn survey(&mut self, now: Instant, others: impl Iterator<Item = Arc<str>>, within: Duration) {
        self.set_others(others);
        let ends = now + within;
        self.survey = Some(Survey::new(self.next_id, ends, &self.watched(), &self.metadata));
        self.refresh.at_once();
    }

    /// Somebody met a stale leader.
    pub fn refresh(&mut self) {
        self.refresh.doubt();
    }

    /// KIP-951: an error told where nodes are. Says whether one of them is new; what metadata says of the others is no
    /// older.
    pub fn nodes_named(&mut self, nodes: Vec<NodeEndpoint>) -> bool {
        let mut news = false;
        for NodeEndpoint { node_id, host, port, rack } in nodes {
            if !self.metadata.has_broker(node_id) {
                news |= self.metadata.add_broker(MetadataBroker { node_id, host, port, rack });
            }
        }
        news
    }

    /// KIP-951: an error named the new leader. If nobody has told where that node is, only the metadata can help, for which
    /// whoever met the error asks anyway.
    pub fn leader_moved(&mut self, partition: &TopicPartition, node: i32, epoch: i32) {
        if !self.metadata.has_broker(node) {
            return;
        }
        self.metadata.update_leader(partition, Leader { node, epoch });
    }

    /// The coordinator has moved, or does not answer.
    pub fn coordinator_lost(&mut self) {
        self.coordinator = None;
        self.lookup.doubt();
    }
}

impl Machine for Cluster {
    type Id = u64;
    type View<'a> = ();
    type Event = Event;

    fn handle_response(&mut self, now: Instant, id: u64, response: Result<Response, NetError>) {
        if self.refresh.lands(id) {
            match response {
                Ok(Response::Metadata(answer)) => self.refreshed(now, id, &answer),
                Ok(_) => self.not_refreshed(now, &NetError::OutOfStep),
                Err(error) if is_final(&error) => self.fail(Failure::Net(error)),
                Err(error) => self.not_refreshed(now, &error),
            }
        } else if self.lookup.lands(id) {
            match response {
                Ok(Response::FindCoordinator(answer)) => self.found(now, answer),
                Ok(_) => self.not_found(now, &NetError::OutOfStep),
                Err(error) if is_final(&error) => self.fail(Failure::Net(error)),
                Err(error) => self.not_found(now, &error),
            }
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.expires.is_some_and(|expires| now >= expires) {
            self.expires = None;
            // Nobody has complained; but a broker that is cut off would go unnoticed if it were asked every time.
            self.refresh.doubt();
        }
        if self.survey.as_ref().is_some_and(|survey| now >= survey.ends()) {
            self.end_survey();
        }
    }

    fn poll_request(&mut self, now: Instant, (): ()) -> Option<Outbound> {
        let (to, body): (Target, Request) = if self.lookup.is_due(now) {
            let to = self.lookup.sent(self.next_id);
            (to, FindCoordinatorRequest { key: self.config.group_id.clone() }.into())
        } else if self.refresh.is_due(now) {
            let to = self.refresh.sent(self.next_id);
            self.asked = self.watched();
            let names = self.asked.iter().map(|name| Some(name.to_string()));
            let topics = names.map(|name| MetadataRequestTopic { name, ..Default::default() }).collect();
            // Whoever subscribes to a topic may create it, others may not.
            let allow_auto_topic_creation = self.config.allow_auto_topic_creation && self.others.is_empty();
            (to, MetadataRequest { topics: Some(topics), allow_auto_topic_creation }.into())
        } else {
            return None;
        };
        let id = self.next_id;
        self.next_id += 1;
        Some(Outbound { id, to, body, held: Duration::ZERO })
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn poll_timeout(&self, _now: Instant) -> Option<Instant> {
        let survey = self.survey.as_ref().map(Survey::ends);
        [self.expires, self.refresh.due_at(), self.lookup.due_at(), survey].into_iter().flatten().min()
    }
}

impl Cluster {
    fn refreshed(&mut self, now: Instant, id: u64, answer: &MetadataResponse) {
        if answer.error.is_err() {
            self.not_refreshed(now, &answer.error.name());
            return;
        }
        let change = self.metadata.apply(answer);
        self.expires = Some(now + self.config.metadata_max_age);
        for topic in &change.deleted {
            self.events.push_back(Event::Log(deletion(topic)));
        }
        let mut is_settled = !change.is_behind;
        self.events.push_back(Event::Metadata(change));
        let told: HashMap<_, _> = answer.topics.iter().map(|topic| (topic.name.as_deref(), topic)).collect();
        for name in &self.asked {
            match told.get(&Some(&**name)) {
                // Elections are over soon; those who wait for a leader should not have to ask.
                Some(MetadataTopic { error: ErrorCode::NONE, partitions, .. }) => {
                    is_settled &= !partitions.is_empty() && partitions.iter().all(|p| p.leader >= 0);
                }
                Some(MetadataTopic {
                    error: code @ (ErrorCode::TOPIC_AUTHORIZATION_FAILED | ErrorCode::INVALID_TOPIC_EXCEPTION),
                    ..
                }) => {
                    if self.topics.contains(name) {
                        self.events.push_back(Event::TopicError { topic: name.clone(), code: *code });
                    }
                }
                // It may be on its way: brokers answer so while they create a topic.
                _ => is_settled = false,
            }
        }
        if let Some(survey) = &mut self.survey {
            survey.hear(now, id, answer, &self.metadata);
            if survey.is_done() {
                self.end_survey();
            } else {
                is_settled = false;
            }
        }
        if is_settled {
            self.refresh.succeeded(now);
        } else {
            self.refresh.failed(now, &mut self.rng);
        }
    }

    fn end_survey(&mut self) {
        if let Some(survey) = self.survey.take() {
            self.events.push_back(Event::Surveyed(survey.end(&self.metadata)));
        }
    }

    fn not_refreshed(&mut self, now: Instant, why: &dyn fmt::Display) {
        let first = self.refresh.failed(now, &mut self.rng);
        self.log(first, format!("Failed to refresh the metadata, trying again: {why}"));
    }

    fn found(&mut self, now: Instant, answer: FindCoordinatorResponse) {
        match answer.error {
            ErrorCode::NONE => {
                self.lookup.succeeded(now);
                self.lookup.wanted = false;
                let FindCoordinatorResponse { node_id, host, port, .. } = answer;
                self.metadata.add_broker(MetadataBroker { node_id, host, port, rack: None });
                self.coordinator = Some(node_id);
                self.events.push_back(Event::Coordinator(node_id));
            }
            code @ (ErrorCode::GROUP_AUTHORIZATION_FAILED | ErrorCode::INVALID_GROUP_ID) => {
                let cause = Failure::Broker { code, partition: None };
                self.fail(Failure::CoordinatorNotFound(Box::new(cause)));
            }
            code => self.not_found(now, &code.name()),
        }
    }

    fn not_found(&mut self, now: Instant, why: &dyn fmt::Display) {
        let first = self.lookup.failed(now, &mut self.rng);
        self.log(first, format!("Failed to find the group coordinator, trying again: {why}"));
    }

    /// Trying again will not help, and might lock an account.
    fn fail(&mut self, failure: Failure) {
        self.refresh.wanted = false;
        self.lookup.wanted = false;
        if failure != Failure::Net(NetError::ClientClosed) {
            self.events.push_back(Event::Failed(failure));
        }
    }

    /// An outage should not fill the log: the first failure is for everybody, the rest for the curious.
    fn log(&mut self, first: bool, message: String) {
        let level = if first { LogLevel::Warn } else { LogLevel::Debug };
        self.events.push_back(Event::Log(Log { level, namespace: "Cluster", message, extra: Vec::new() }));
    }
}

/// Its partitions stay assigned, and wait for it to come back.
fn deletion(topic: &str) -> Log {
    let message = format!("Topic {topic} does not exist any more, waiting for it to come back");
    let extra = vec![("topic", topic.to_owned())];
    Log { level: LogLevel::Warn, namespace: "Cluster", message, extra }
}

fn is_final(error: &NetError) -> bool {
    matches!(
        error,
        NetError::Authentication { .. } | NetError::UnsupportedApi { .. } | NetError::ClientClosed
    )
}

/// Between two answers to the same question.
pub(super) const SPACING: Duration = Duration::from_millis(100);
