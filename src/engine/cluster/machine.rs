//! Keeps the metadata fresh and knows the coordinators that its owner needs, by requests that are repeated with back-off
//! until they are answered well (see [`RequestState`]).

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::engine::machine::CoordinatorKey;
use crate::engine::machine::Failure;
use crate::engine::machine::LogLevel;
use crate::engine::machine::Machine;
use crate::engine::machine::NetError;
use crate::engine::machine::Outbound;
use crate::engine::machine::Reminder;
use crate::engine::machine::RequestState;
use crate::engine::machine::Target;
use crate::engine::machine::Timers;
use crate::engine::machine::TopicPartition;
use crate::engine::machine::timers;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::TopicId;
use crate::engine::protocol::fetch::NodeEndpoint;
use crate::engine::protocol::metadata::MetadataBroker;
use crate::engine::protocol::metadata::MetadataRequest;
use crate::engine::protocol::metadata::MetadataRequestTopic;
use crate::engine::protocol::metadata::MetadataResponse;
use crate::engine::protocol::metadata::MetadataTopic;

use super::coordinators::{Coordinators, Lookup, asks_too_much};
use super::metadata::{Leader, Metadata};
use super::names::Names;
use super::news::News;
use super::survey::Survey;
use super::told::{self, log};
use super::{ClusterConfig, Event};

timers! {
    /// What happens by itself.
    enum Timer {
        /// The metadata is too old.
        Expiry,
        /// The survey has taken long enough.
        Survey,
    }
}

/// See the module's documentation.
#[derive(Debug)]
pub struct Cluster {
    config: ClusterConfig,
    rng: Rng,
    metadata: Metadata,
    /// Ours: what is wrong with them is an error of ours.
    topics: BTreeSet<Arc<str>>,
    /// Those of them that no answer has told of.
    fresh: BTreeSet<Arc<str>>,
    /// Those of these that did not exist at the first question, which has had them created.
    created: BTreeSet<Arc<str>>,
    /// What others of the group subscribe to, while we lead it.
    others: Vec<Arc<str>>,
    survey: Option<Survey>,
    /// The topics that the refresh under way asks for.
    asked: Vec<Arc<str>>,
    /// Are these all? Else they are what was fresh.
    asks_all: bool,
    /// Is the next refresh to ask for all topics?
    wants_all: bool,
    refresh: RequestState,
    names: Names,
    coordinators: Coordinators,
    /// No broker tells the metadata.
    unanswered: Reminder,
    /// What brokers tell lacks topics of ours.
    missing: Reminder,
    /// It names partitions without a leader.
    leaderless: Reminder,
    timers: Timers<Timer>,
    next_id: u64,
    events: VecDeque<Event>,
}

impl Cluster {
    /// A machine that knows nothing, and asks for nothing before [`Cluster::set_topics`] and [`Cluster::look_up`].
    pub fn new(config: ClusterConfig, seed: u64) -> Cluster {
        Cluster {
            config,
            rng: Rng::with_seed(seed),
            metadata: Metadata::default(),
            topics: BTreeSet::new(),
            fresh: BTreeSet::new(),
            created: BTreeSet::new(),
            others: Vec::new(),
            survey: None,
            asked: Vec::new(),
            asks_all: true,
            wants_all: true,
            refresh: RequestState::default(),
            names: Names::default(),
            coordinators: Coordinators::default(),
            unanswered: Reminder::default(),
            missing: Reminder::after(PATIENCE_IN_CREATION),
            leaderless: Reminder::after(PATIENCE_IN_ELECTION),
            timers: Timers::default(),
            next_id: 0,
            events: VecDeque::new(),
        }
    }

    /// The snapshot.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The node of this coordinator, while it is believed in.
    pub fn coordinator(&self, key: &CoordinatorKey) -> Option<i32> {
        self.coordinators.node(key)
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
        self.names.heard(&self.metadata);
        self.events.push_back(Event::Metadata(change));
    }

    /// What another client of the same cluster has found out. If it is news, it ends in [`Event::Metadata`].
    pub fn hear(&mut self, news: &News) {
        self.events.extend(self.metadata.hear(news).map(Event::Metadata));
    }

    /// Topics that refreshes ask for; a new one is asked for at once.
    pub fn set_topics(&mut self, topics: &[Arc<str>]) {
        let is_fresh = self.timers.get(Timer::Expiry).is_some();
        if !is_fresh || topics.iter().any(|topic| !self.topics.contains(topic)) {
            self.wants_all = true;
            self.refresh.want();
            self.refresh.succeeded();
        }
        self.topics = topics.iter().cloned().collect();
        self.others.retain(|topic| !topics.contains(topic));
    }

    /// One topic more that refreshes ask for. It is asked for at once, and the others are not: there may be many (KIP-526).
    pub fn watch(&mut self, topic: Arc<str>) {
        if self.topics.insert(topic.clone()) {
            self.fresh.insert(topic);
            self.refresh.want();
            self.refresh.succeeded();
            self.refresh.space_until(None);
        }
    }

    /// Refreshes do not ask for this topic any more.
    pub fn ignore(&mut self, topic: &Arc<str>) {
        self.topics.remove(topic);
        self.fresh.remove(topic);
        self.created.remove(topic);
    }

    /// Refreshes do not ask for these topics any more, and what is known of them is forgotten.
    pub fn forget(&mut self, topics: &[Arc<str>]) {
        for topic in topics {
            self.ignore(topic);
            self.metadata.forget(topic);
        }
    }

    /// Asks for the topics with these ids until the metadata knows their names. Others that were asked for before are of no use
    /// any more. Ends in [`Event::Metadata`].
    pub fn name_topics(&mut self, ids: &[TopicId]) {
        self.names.set(ids, &self.metadata);
    }

    /// Looks for this coordinator until it is found, unless it is known. Those that are looked for at the same time share
    /// requests. Ends in [`Event::CoordinatorFound`] or [`Event::CoordinatorFailed`].
    pub fn look_up(&mut self, key: &CoordinatorKey) {
        self.coordinators.look_up(key);
    }

    /// This coordinator has moved, or does not answer: it is looked for again.
    pub fn coordinator_lost(&mut self, key: &CoordinatorKey) {
        self.coordinators.lost(key);
    }

    /// This coordinator is not needed any more.
    pub fn forget_coordinator(&mut self, key: &CoordinatorKey) {
        self.coordinators.forget(key);
    }

    /// Topics of others that refreshes ask for as well.
    pub fn set_others(&mut self, topics: impl Iterator<Item = Arc<str>>) {
        self.others = topics.filter(|topic| !self.topics.contains(topic)).collect();
    }

    /// The topics that refreshes ask for: ours and those of others.
    pub fn watched(&self) -> Vec<Arc<str>> {
        self.topics.iter().chain(&self.others).cloned().collect()
    }

    /// Metadata older than this is read again from now on, instead of [`ClusterConfig::metadata_max_age`].
    pub fn set_max_age(&mut self, now: Instant, age: Duration) {
        self.config.metadata_max_age = age;
        self.timers.hasten(Timer::Expiry, now + age);
    }

    /// Asks one broker after another for our topics and these of others, until each topic has been told of. Takes `within` at
    /// the most, and five seconds from the first answer on. Ends in [`Event::Surveyed`], unless another one begins.
    pub fn survey(&mut self, now: Instant, others: impl Iterator<Item = Arc<str>>, within: Duration) {
        self.set_others(others);
        self.survey = Some(Survey::new(self.next_id, &self.watched(), &self.metadata));
        self.timers.set(Timer::Survey, now + within);
        self.wants_all = true;
        self.refresh.at_once();
    }

    /// The metadata is out of date: a broker that it calls a leader is none. Another broker than the last one is asked.
    pub fn refresh(&mut self) {
        self.wants_all = true;
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

    /// KIP-951: an error named the new leader. A node whose address is unknown cannot be asked: then nothing changes, and the
    /// refresh that the error leads to anyway will tell both.
    pub fn leader_moved(&mut self, partition: &TopicPartition, node: i32, epoch: i32) {
        if !self.metadata.has_broker(node) {
            return;
        }
        let leader = Leader { node, epoch };
        if let Some(topic) = self.metadata.update_leader(partition, leader) {
            self.tell(&[(topic, partition.partition, leader)]);
        }
    }
}

impl Machine for Cluster {
    type Id = u64;
    type View<'a> = ();
    type Event = Event;

    fn handle_response(&mut self, now: Instant, id: u64, response: Result<Response, NetError>) {
        if self.refresh.land(id).is_some() {
            match response {
                Ok(Response::Metadata(answer)) => self.refreshed(now, id, &answer),
                Ok(_) => self.not_refreshed(now, &NetError::OutOfStep.to_string()),
                Err(error) if is_final(&error) => self.fail(Failure::Net(error)),
                Err(error) => self.not_refreshed(now, &error.told()),
            }
            return;
        }
        if self.names.land(id) {
            self.named(now, response);
            return;
        }
        let keys = self.coordinators.land(id);
        if keys.is_empty() {
            return;
        }
        let response = match response {
            Ok(Response::FindCoordinator(answer)) => Ok(answer),
            Ok(_) => Err(NetError::OutOfStep),
            Err(error) => Err(error),
        };
        match response {
            Err(error) if is_final(&error) && !asks_too_much(&keys, &error) => {
                self.fail(Failure::Net(error));
            }
            Err(error) => {
                let lookups = self.coordinators.unanswered(now, keys, &error, &mut self.rng);
                self.looked_up(lookups);
            }
            Ok(answer) => {
                let lookups = self.coordinators.answered(now, keys, answer, &mut self.rng);
                self.looked_up(lookups);
            }
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        while let Some(timer) = self.timers.expired(now) {
            match timer {
                // Another broker is asked although nothing is known to be wrong: one that is cut off from its controllers
                // would go unnoticed if it answered every time.
                Timer::Expiry => self.refresh(),
                Timer::Survey => self.end_survey(),
            }
        }
    }

    fn poll_request(&mut self, now: Instant, (): ()) -> Option<Outbound> {
        let id = self.next_id;
        let (to, body): (Target, Request) = if let Some((to, body)) = self.coordinators.poll(now, id) {
            (to, body.into())
        } else if let Some((to, body)) = self.names.poll(now, id) {
            (to, body.into())
        } else if self.refresh.is_due(now) {
            let to = self.refresh.send(now, id, ());
            self.asks_all = std::mem::take(&mut self.wants_all) || self.fresh.is_empty();
            self.asked = if self.asks_all { self.watched() } else { self.fresh.iter().cloned().collect() };
            let names =
                self.asked.iter().filter(|name| can_be_asked(name)).map(|name| Some(name.to_string()));
            let topics = names.map(|name| MetadataRequestTopic { name, ..Default::default() }).collect();
            // A member that subscribes to a topic may create it; a leader that only looks at it must not.
            let allow_auto_topic_creation = self.config.allow_auto_topic_creation && self.others.is_empty();
            (to, MetadataRequest { topics: Some(topics), allow_auto_topic_creation }.into())
        } else {
            return None;
        };
        self.next_id += 1;
        Some(Outbound { id, to, body, held: Duration::ZERO })
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn poll_timeout(&self, _now: Instant) -> Option<Instant> {
        let requests = [self.refresh.due_at(), self.names.due_at(), self.coordinators.due_at()];
        requests.into_iter().flatten().chain(self.timers.next()).min()
    }
}

impl Cluster {
    fn refreshed(&mut self, now: Instant, id: u64, answer: &MetadataResponse) {
        if answer.error.is_err() {
            self.not_refreshed(now, answer.error.name());
            return;
        }
        self.unanswered.over();
        let change = self.metadata.apply(answer);
        self.tell(&change.later);
        self.names.heard(&self.metadata);
        if self.asks_all {
            self.timers.set(Timer::Expiry, now + self.config.metadata_max_age);
        }
        for topic in &change.deleted {
            self.events.push_back(Event::Log(told::deletion(topic)));
        }
        let is_behind = change.is_behind;
        let mut is_settled = !is_behind;
        self.events.push_back(Event::Metadata(change));
        let may_be_created = self.config.allow_auto_topic_creation;
        let (mut missing, mut leaderless) = (Vec::new(), Vec::new());
        let unspeakable = MetadataTopic { error: ErrorCode::INVALID_TOPIC_EXCEPTION, ..Default::default() };
        let told: HashMap<_, _> = answer.topics.iter().map(|topic| (topic.name.as_deref(), topic)).collect();
        for name in &self.asked {
            let told =
                if can_be_asked(name) { told.get(&Some(&**name)).copied() } else { Some(&unspeakable) };
            match told {
                // Elections are over soon: asking until there is a leader spares the fetches a round of their own.
                Some(MetadataTopic { error: ErrorCode::NONE, partitions, .. }) => {
                    let without = partitions.iter().filter(|partition| partition.leader < 0);
                    leaderless.extend(without.map(|partition| (&**name, partition)));
                    is_settled &= !partitions.is_empty();
                    if !is_behind && !partitions.is_empty() {
                        self.fresh.remove(name);
                        if self.created.remove(name) {
                            self.events.push_back(Event::Log(told::creation(name)));
                        }
                    }
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
                told => {
                    is_settled = false;
                    if self.topics.contains(name) {
                        let code = told.map_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, |topic| topic.error);
                        missing.push((&**name, code));
                        let is_unknown = code == ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
                        if is_unknown && may_be_created && self.fresh.contains(name) {
                            self.created.insert(name.clone());
                        }
                        self.events.push_back(Event::TopicMissing { topic: name.clone(), code });
                    }
                }
            }
        }
        is_settled &= leaderless.is_empty();
        let lines = [
            self.missing
                .sees(now, !missing.is_empty())
                .map(|waited| told::missing(waited, &missing, may_be_created)),
            self.leaderless
                .sees(now, !leaderless.is_empty())
                .map(|waited| told::leaderless(waited, &leaderless)),
        ];
        self.events.extend(lines.into_iter().flatten().map(|line| Event::Log(log(LogLevel::Warn, line))));
        if let Some(survey) = &mut self.survey {
            if survey.hear(id, answer, &self.metadata) {
                self.timers.hasten(Timer::Survey, now + PATIENCE);
            }
            if survey.is_done() {
                self.end_survey();
            } else {
                is_settled = false;
            }
        }
        if is_settled {
            self.refresh.succeeded();
            // What came meanwhile is another question.
            self.refresh.space_until(self.fresh.is_empty().then_some(now + SPACING));
        } else {
            self.ask_again(now);
        }
    }

    fn tell(&mut self, later: &[(TopicId, i32, Leader)]) {
        self.events.extend(self.metadata.news(later).map(Event::News));
    }

    fn ask_again(&mut self, now: Instant) {
        self.wants_all |= self.asks_all;
        self.refresh.failed(now, &mut self.rng);
        self.refresh.doubt();
    }

    /// The answer to a question by ids, or why there is none. It tells of topics that nobody may watch yet.
    fn named(&mut self, now: Instant, response: Result<Response, NetError>) {
        match response {
            Ok(Response::Metadata(answer)) if !answer.error.is_err() => {
                let change = self.metadata.learn(&answer);
                self.names.heard(&self.metadata);
                self.events.push_back(Event::Metadata(change));
            }
            Ok(Response::Metadata(_)) => {}
            Ok(_) => self.log(None, format!("Topics could not be named: {}", NetError::OutOfStep)),
            // A broker that is older than the coordinator: another one is asked.
            Err(error) if is_final(&error) && !matches!(error, NetError::UnsupportedApi { .. }) => {
                return self.fail(Failure::Net(error));
            }
            Err(error) => self.log(None, format!("Topics could not be named: {error}")),
        }
        self.names.answered(now, &mut self.rng);
    }

    fn end_survey(&mut self) {
        self.timers.clear(Timer::Survey);
        if let Some(survey) = self.survey.take() {
            self.events.push_back(Event::Surveyed(survey.end(&self.metadata)));
        }
    }

    fn not_refreshed(&mut self, now: Instant, why: &str) {
        self.ask_again(now);
        let told = self.unanswered.goes_on(now);
        self.log(told, told::metadata(told.unwrap_or_default(), why));
    }

    fn looked_up(&mut self, lookups: Vec<Lookup>) {
        for lookup in lookups {
            match lookup {
                Lookup::Found { key, broker } => {
                    let node = broker.node_id;
                    self.metadata.add_broker(broker);
                    self.events.push_back(Event::CoordinatorFound { key, node });
                }
                Lookup::Again { key, why, code, told } => {
                    let brokers = self.metadata.brokers().len();
                    let line = told::coordinator(&key, told.unwrap_or_default(), &why, code, brokers);
                    self.log(told, line);
                }
                Lookup::Failed { key, failure } => {
                    self.events.push_back(Event::CoordinatorFailed { key, failure });
                }
            }
        }
    }

    /// Trying again will not help, and might lock an account.
    fn fail(&mut self, failure: Failure) {
        self.refresh.cancel();
        self.names.cancel();
        self.coordinators.cancel();
        if failure != Failure::Net(NetError::ClientClosed) {
            self.events.push_back(Event::Failed(failure));
        }
    }

    /// An outage should not fill the log: what a [`Reminder`] has told is for everybody, the rest for the curious.
    fn log(&mut self, told: Option<Duration>, message: String) {
        let level = if told.is_some() { LogLevel::Warn } else { LogLevel::Debug };
        self.events.push_back(Event::Log(log(level, message)));
    }
}

/// The wire has no room for a longer name: a broker closes the connection, whatever else it is asked. (A shorter one that is too long
/// for a topic it refuses by its name.)
fn can_be_asked(topic: &str) -> bool {
    i16::try_from(topic.len()).is_ok()
}

fn is_final(error: &NetError) -> bool {
    matches!(
        error,
        NetError::Authentication { .. }
            | NetError::UnsupportedApi { .. }
            | NetError::Repelled { .. }
            | NetError::ClientClosed
    )
}

/// A survey goes on for so long behind the first answer: the group waits for it.
const PATIENCE: Duration = Duration::from_secs(5);
/// A topic that is created, or made anew, is not known to all brokers at once.
const PATIENCE_IN_CREATION: Duration = Duration::from_secs(10);
/// An election takes about as long as a controller waits for a broker's heartbeat.
const PATIENCE_IN_ELECTION: Duration = Duration::from_secs(10);
/// Between two answers to the same question.
pub(super) const SPACING: Duration = Duration::from_millis(100);
