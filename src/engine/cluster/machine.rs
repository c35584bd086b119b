//! Keeps the metadata fresh and knows the group's coordinator. Two single-flight requests with back-off.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::NetError;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::find_coordinator::FindCoordinatorRequest;
use crate::engine::protocol::find_coordinator::FindCoordinatorResponse;
use crate::engine::protocol::metadata::MetadataBroker;
use crate::engine::protocol::metadata::MetadataRequest;
use crate::engine::protocol::metadata::MetadataRequestTopic;
use crate::engine::protocol::metadata::MetadataResponse;

use super::metadata::{Change, Leader, Metadata};
use super::{Backoff, Failure, Log, LogLevel, Outbound, Target, TopicPartition};

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
    backoff: Backoff,
}

impl Single {
    fn is_due(&self, now: Instant) -> bool {
        self.wanted && self.in_flight.is_none() && self.backoff.is_ready(now)
    }

    fn due_at(&self) -> Option<Instant> {
        (self.wanted && self.in_flight.is_none()).then(|| self.backoff.ready_at()).flatten()
    }
}

/// See the module's documentation.
#[derive(Debug)]
pub struct Cluster {
    config: ClusterConfig,
    rng: Rng,
    metadata: Metadata,
    topics: Vec<Arc<str>>,
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

    /// Topics that refreshes ask for. Looks for the coordinator as well, from the first call on.
    pub fn set_topics(&mut self, topics: &[Arc<str>]) {
        self.topics = topics.to_vec();
        self.refresh.wanted = true;
        self.lookup.wanted = self.coordinator.is_none();
    }

    /// Somebody met a stale leader.
    pub fn refresh(&mut self) {
        self.refresh.wanted = true;
    }

    /// KIP-951: an error named the new leader.
    pub fn leader_moved(&mut self, partition: &TopicPartition, node: i32, epoch: i32) {
        self.metadata.update_leader(partition, Leader { node, epoch });
    }

    /// The coordinator has moved, or does not answer.
    pub fn coordinator_lost(&mut self) {
        self.coordinator = None;
        self.lookup.wanted = true;
    }

    /// The answer to the request with this id; others are dropped.
    pub fn handle_response(&mut self, now: Instant, id: u64, response: Result<Response, NetError>) {
        if self.refresh.in_flight == Some(id) {
            self.refresh.in_flight = None;
            match response {
                Ok(Response::Metadata(answer)) => self.refreshed(now, &answer),
                Ok(_) => {}
                Err(error) => {
                    self.refresh.wanted = true;
                    self.refresh.backoff.failed(now, &mut self.rng);
                    self.unanswered("Failed to refresh metadata", error);
                }
            }
        } else if self.lookup.in_flight == Some(id) {
            self.lookup.in_flight = None;
            match response {
                Ok(Response::FindCoordinator(answer)) => self.found(now, answer),
                Ok(_) => {}
                Err(error) => {
                    self.lookup.wanted = true;
                    self.lookup.backoff.failed(now, &mut self.rng);
                    self.unanswered("Failed to find the group coordinator", error);
                }
            }
        }
    }

    /// The instant of [`Cluster::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.expires.is_some_and(|expires| now >= expires) {
            self.expires = None;
            self.refresh.wanted = true;
        }
    }

    /// The next request.
    pub fn poll_request(&mut self, now: Instant) -> Option<Outbound> {
        let body: Request = if self.lookup.is_due(now) {
            self.lookup.wanted = false;
            self.lookup.in_flight = Some(self.next_id);
            FindCoordinatorRequest { key: self.config.group_id.clone() }.into()
        } else if self.refresh.is_due(now) {
            self.refresh.wanted = false;
            self.refresh.in_flight = Some(self.next_id);
            let names = self.topics.iter().map(|name| Some(name.to_string()));
            let topics = names.map(|name| MetadataRequestTopic { name, ..Default::default() }).collect();
            let allow_auto_topic_creation = self.config.allow_auto_topic_creation;
            MetadataRequest { topics: Some(topics), allow_auto_topic_creation }.into()
        } else {
            return None;
        };
        let id = self.next_id;
        self.next_id += 1;
        Some(Outbound { id, to: Target::Any, body, held: Duration::ZERO })
    }

    /// See [`Event`].
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When something is due by itself.
    pub fn poll_timeout(&self) -> Option<Instant> {
        [self.expires, self.refresh.due_at(), self.lookup.due_at()].into_iter().flatten().min()
    }

    fn refreshed(&mut self, now: Instant, answer: &MetadataResponse) {
        let change = self.metadata.apply(answer);
        self.expires = Some(now + self.config.metadata_max_age);
        // Answers that come in quick succession mean that the leaders are still moving.
        self.refresh.backoff.reset();
        self.refresh.backoff.failed(now, &mut self.rng);
        self.events.push_back(Event::Metadata(change));
        for topic in &answer.topics {
            match topic.error {
                ErrorCode::NONE => {}
                ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
                | ErrorCode::LEADER_NOT_AVAILABLE
                | ErrorCode::UNKNOWN_TOPIC_ID
                | ErrorCode::UNKNOWN_SERVER_ERROR
                | ErrorCode::REQUEST_TIMED_OUT => self.refresh.wanted = true,
                code => {
                    let topic = topic.name.as_deref().unwrap_or_default().into();
                    self.events.push_back(Event::TopicError { topic, code });
                }
            }
        }
    }

    fn found(&mut self, now: Instant, answer: FindCoordinatorResponse) {
        match answer.error {
            ErrorCode::NONE => {
                self.lookup.wanted = false;
                self.lookup.backoff.reset();
                let FindCoordinatorResponse { node_id, host, port, .. } = answer;
                self.metadata.add_broker(MetadataBroker { node_id, host, port, rack: None });
                self.coordinator = Some(node_id);
                self.events.push_back(Event::Coordinator(node_id));
            }
            ErrorCode::COORDINATOR_NOT_AVAILABLE
            | ErrorCode::COORDINATOR_LOAD_IN_PROGRESS
            | ErrorCode::NOT_COORDINATOR
            | ErrorCode::REQUEST_TIMED_OUT
            | ErrorCode::UNKNOWN_SERVER_ERROR => {
                self.lookup.wanted = true;
                self.lookup.backoff.failed(now, &mut self.rng);
            }
            code => {
                let cause = Failure::Broker { code, partition: None };
                self.events.push_back(Event::Failed(Failure::CoordinatorNotFound(Box::new(cause))));
            }
        }
    }

    fn unanswered(&mut self, what: &str, error: NetError) {
        match error {
            NetError::Authentication { .. } | NetError::UnsupportedApi { .. } => {
                self.events.push_back(Event::Failed(Failure::Net(error)));
            }
            NetError::ClientClosed => {}
            error => self.events.push_back(Event::Log(Log {
                level: LogLevel::Warn,
                namespace: "Cluster",
                message: format!("{what}, trying again: {error}"),
                extra: Vec::new(),
            })),
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "any instant will do")]
mod tests {
    use super::*;
    use crate::engine::protocol::metadata::MetadataTopic;

    fn cluster() -> Cluster {
        let config = ClusterConfig {
            group_id: "g".into(),
            metadata_max_age: Duration::from_secs(300),
            allow_auto_topic_creation: true,
        };
        Cluster::new(config, 1)
    }

    fn asks(cluster: &mut Cluster, now: Instant) -> Vec<Outbound> {
        std::iter::from_fn(|| cluster.poll_request(now)).collect()
    }

    fn coordinator(node_id: i32, error: ErrorCode) -> Result<Response, NetError> {
        Ok(Response::FindCoordinator(FindCoordinatorResponse { node_id, error, ..Default::default() }))
    }

    #[test]
    fn each_question_is_asked_once_and_again_after_a_loss() {
        let (mut cluster, now) = (cluster(), Instant::now());
        assert!(asks(&mut cluster, now).is_empty());
        cluster.set_topics(&["t".into()]);
        let first = asks(&mut cluster, now);
        assert_eq!(first.len(), 2);
        assert_eq!(cluster.poll_timeout(), None, "only answers are awaited");
        cluster.handle_response(now, first[0].id, coordinator(3, ErrorCode::NONE));
        assert_eq!(cluster.coordinator(), Some(3));
        cluster.coordinator_lost();
        let again = asks(&mut cluster, now);
        assert!(matches!(again[..], [Outbound { body: Request::FindCoordinator(_), .. }]));
        cluster.handle_response(now, first[0].id, coordinator(9, ErrorCode::NONE));
        assert_eq!(cluster.coordinator(), None, "a late answer is nobody's");
    }

    #[test]
    fn a_missing_coordinator_is_looked_for_again_with_patience() {
        let (mut cluster, mut now) = (cluster(), Instant::now());
        cluster.set_topics(&[]);
        for _ in 0..20 {
            let lookup =
                asks(&mut cluster, now).into_iter().find(|o| o.body.key().name() == "GroupCoordinator");
            let id = lookup.unwrap().id;
            cluster.handle_response(now, id, coordinator(-1, ErrorCode::COORDINATOR_NOT_AVAILABLE));
            assert!(asks(&mut cluster, now).is_empty());
            now = cluster.poll_timeout().unwrap();
        }
        let forbidden = ErrorCode::GROUP_AUTHORIZATION_FAILED;
        let id = asks(&mut cluster, now)[0].id;
        cluster.handle_response(now, id, coordinator(-1, forbidden));
        let failed = std::iter::from_fn(|| cluster.poll_event()).last();
        let cause = Failure::Broker { code: forbidden, partition: None };
        assert_eq!(failed, Some(Event::Failed(Failure::CoordinatorNotFound(Box::new(cause)))));
    }

    #[test]
    fn metadata_ages_and_missing_topics_are_asked_for_again() {
        let (mut cluster, mut now) = (cluster(), Instant::now());
        cluster.set_topics(&["t".into()]);
        let id = asks(&mut cluster, now)[1].id;
        let missing = MetadataTopic {
            name: Some("t".into()),
            error: ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
            ..Default::default()
        };
        let answer = MetadataResponse { topics: vec![missing], ..Default::default() };
        cluster.handle_response(now, id, Ok(Response::Metadata(answer)));
        assert!(asks(&mut cluster, now).is_empty(), "not at once");
        now = cluster.poll_timeout().unwrap();
        let id = asks(&mut cluster, now)[0].id;
        cluster.handle_response(now, id, Ok(Response::Metadata(MetadataResponse::default())));
        now = cluster.poll_timeout().unwrap();
        assert!(asks(&mut cluster, now).is_empty());
        cluster.handle_timeout(now);
        assert_eq!(asks(&mut cluster, now).len(), 1);
    }
}
