//! The machines that a producer is made of.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::engine::cluster;
use crate::engine::cluster::Cluster;
use crate::engine::cluster::News;
use crate::engine::machine::Failure;
use crate::engine::machine::Machine;
use crate::engine::machine::NetError;
use crate::engine::machine::Outbound;
use crate::engine::produce;
use crate::engine::produce::{PackJob, Packed, Produce, ProduceConfig, Reason, Submitted};
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Response;
use crate::engine::protocol::metadata::MetadataResponse;
use crate::engine::records::turn::TurnError;
use crate::engine::transaction::Transaction;

use super::transact::Closing;
use super::{Answer, Event, ProducerConfig};

/// Whose request it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// Of the metadata.
    Cluster(u64),
    /// Of the messages.
    Produce(u64),
    /// Of the transactions.
    Transaction(u64),
}

/// See the module's documentation.
#[derive(Debug)]
pub struct Producer {
    pub(super) cluster: Cluster,
    pub(super) produce: Produce,
    /// None = what is sent belongs to no transactions.
    pub(super) transaction: Option<Transaction>,
    /// The messages are all answered after [`Producer::close`]; the transaction may still be ending, until then.
    pub(super) closing: Option<Closing>,
    pub(super) events: VecDeque<Event>,
}

impl Producer {
    /// A producer that knows nothing of the cluster.
    pub fn new(config: ProducerConfig, seed: u64) -> Producer {
        let ProducerConfig { produce, cluster, transaction } = config;
        let transactional_id = transaction.as_ref().map(|config| config.transactional_id.clone());
        Producer {
            cluster: Cluster::new(cluster, seed),
            produce: Produce::new(ProduceConfig { transactional_id, ..produce }, seed.wrapping_add(1)),
            transaction: transaction.map(|config| Transaction::new(config, seed.wrapping_add(2))),
            closing: None,
            events: VecDeque::new(),
        }
    }

    /// What another connection has learned already.
    pub fn seed_metadata(&mut self, answer: &MetadataResponse) {
        self.cluster.seed(answer);
    }

    /// Another client of the same cluster has found this out.
    pub fn hear(&mut self, now: Instant, news: &News) {
        self.cluster.hear(news);
        self.route(now);
    }

    /// Takes in the sends of a turn (see [`turn`](crate::engine::records::turn)), as far as there is room for them.
    ///
    /// # Errors
    ///
    /// The bytes are no turn; then none of the sends is taken.
    pub fn submit(&mut self, now: Instant, turn: &[u8]) -> Result<Submitted, TurnError> {
        let submitted = self.produce.submit(now, self.cluster.metadata(), turn);
        self.route(now);
        submitted
    }

    /// Does not wait for `linger`. Ends in [`Answer::Flushed`] when everything that was sent before is answered.
    pub fn flush(&mut self, now: Instant, ticket: i32) {
        self.produce.flush(ticket);
        self.route(now);
    }

    /// Takes no more sends, and goes on with those before for at most `within`; a transaction that is open is aborted. Ends in
    /// [`Event::Closed`].
    pub fn close(&mut self, now: Instant, within: Duration) {
        self.close_transaction(now, within);
        self.produce.close(now, within);
        self.route(now);
    }

    /// Is it known whether batches are numbered? Ends in [`Event::Identified`] if not.
    pub fn is_identified(&self) -> bool {
        self.produce.is_identified()
    }

    /// May [`Producer::poll_job`] ever have a batch?
    pub fn compresses(&self) -> bool {
        self.produce.compresses()
    }

    /// Is everything answered?
    pub fn is_idle(&self) -> bool {
        self.produce.is_idle()
    }

    /// Bytes of messages that are not answered, and of what is kept of their sends.
    pub fn memory(&self) -> usize {
        self.produce.memory()
    }

    /// The next batch to be compressed. `None` until something happens.
    pub fn poll_job(&mut self, now: Instant) -> Option<PackJob> {
        self.produce.poll_job(now, self.cluster.metadata())
    }

    /// A job is done.
    pub fn handle_packed(&mut self, now: Instant, packed: Packed) {
        self.produce.handle_packed(packed);
        self.route(now);
    }

    /// Tells each machine what the other one has told, until none has anything to tell.
    pub(super) fn route(&mut self, now: Instant) {
        loop {
            if let Some(event) = self.cluster.poll_event() {
                self.cluster_event(now, event);
            } else if let Some(event) = self.produce.poll_event() {
                self.produce_event(event);
            } else if let Some(event) = self.transaction.as_mut().and_then(Transaction::poll_event) {
                self.transaction_event(event);
            } else {
                break;
            }
        }
        self.end_of_life();
    }

    fn cluster_event(&mut self, now: Instant, event: cluster::Event) {
        match event {
            cluster::Event::Metadata(change) => {
                if change.brokers_changed {
                    self.tell_brokers();
                }
            }
            cluster::Event::News(news) => self.events.push_back(Event::News(news)),
            cluster::Event::TopicError { topic, code } | cluster::Event::TopicMissing { topic, code } => {
                self.produce.topic_refused(now, &topic, code);
            }
            cluster::Event::Failed(failure) => {
                let reason = reason_of(failure);
                if let Some(transaction) = &mut self.transaction {
                    transaction.lookups_failed(&reason);
                }
                self.produce.fail_all(&reason);
            }
            cluster::Event::Log(log) => self.events.push_back(Event::Log(log)),
            cluster::Event::CoordinatorFound { key, .. } => {
                if let Some(transaction) = &mut self.transaction {
                    transaction.coordinator_found(&key);
                }
                self.tell_brokers();
            }
            cluster::Event::CoordinatorFailed { key, failure } => {
                if let Some(transaction) = &mut self.transaction {
                    transaction.coordinator_failed(&key, reason_of(failure));
                }
            }
            // Nobody asks for it.
            cluster::Event::Surveyed(_) => {}
        }
    }

    fn produce_event(&mut self, event: produce::Event) {
        match event {
            produce::Event::Answer(answer) => {
                if let Answer::Failed(failed) = &answer
                    && let (Some(transaction), Some(part)) = (&mut self.transaction, failed.failed.first())
                {
                    transaction.failed(&part.reason);
                }
                self.events.push_back(Event::Answer(answer));
            }
            produce::Event::Joins(partitions) => {
                if let Some(transaction) = &mut self.transaction {
                    transaction.join(partitions);
                }
            }
            produce::Event::Identified(result) => self.events.push_back(Event::Identified(result)),
            produce::Event::Closed => self.messages_closed(),
            produce::Event::Log(log) => self.events.push_back(Event::Log(log)),
            produce::Event::RefreshMetadata => self.cluster.refresh(),
            produce::Event::TopicWanted(topic) => self.cluster.watch(topic),
            produce::Event::TopicUnwanted(topic) => self.cluster.ignore(&topic),
            produce::Event::TopicsForgotten(topics) => self.cluster.forget(&topics),
            produce::Event::NodesNamed(nodes) => {
                if self.cluster.nodes_named(nodes) {
                    self.tell_brokers();
                }
            }
            produce::Event::LeaderMoved { partition, node, epoch } => {
                self.cluster.leader_moved(&partition, node, epoch);
            }
        }
    }

    fn tell_brokers(&mut self) {
        self.events.push_back(Event::Brokers(self.cluster.metadata().brokers().to_vec()));
    }
}

impl Machine for Producer {
    type Id = Tag;
    type View<'a> = ();
    type Event = Event;

    fn handle_response(&mut self, now: Instant, tag: Tag, response: Result<Response, NetError>) {
        match tag {
            Tag::Cluster(id) => self.cluster.handle_response(now, id, response),
            Tag::Produce(id) => self.produce.handle_response(now, id, response),
            Tag::Transaction(id) => {
                if let Some(transaction) = &mut self.transaction {
                    transaction.handle_response(now, id, response);
                }
            }
        }
        self.route(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.cluster.handle_timeout(now);
        self.produce.handle_timeout(now);
        if let Some(transaction) = &mut self.transaction {
            transaction.handle_timeout(now);
        }
        self.close_at(now);
        self.route(now);
    }

    fn poll_request(&mut self, now: Instant, (): ()) -> Option<Outbound<Tag>> {
        if let Some(request) = self.produce.poll_request(now, self.cluster.metadata()) {
            return Some(request.tagged(Tag::Produce));
        }
        // What it found missing in the metadata or in the transaction is asked for at once.
        self.route(now);
        if self.transaction.is_some()
            && let Some(request) = self.produce.poll_request(now, self.cluster.metadata())
        {
            // Of a partition that has joined the transaction just now.
            return Some(request.tagged(Tag::Produce));
        }
        if let Some(request) = self.transaction_request(now) {
            return Some(request.tagged(Tag::Transaction));
        }
        self.cluster.poll_request(now, ()).map(|request| request.tagged(Tag::Cluster))
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        let transaction = self.transaction.as_ref().and_then(|transaction| transaction.poll_timeout(now));
        let closing = self.closing.as_ref().map(|closing| closing.until);
        let timeouts = [self.cluster.poll_timeout(now), self.produce.poll_timeout(now), transaction, closing];
        timeouts.into_iter().flatten().min()
    }
}

/// What ended the look at the metadata, as what ends messages.
fn reason_of(failure: Failure) -> Reason {
    match failure {
        Failure::Net(error) => Reason::Net(error),
        Failure::Broker { code, .. } => Reason::Broker { code, message: None },
        Failure::Refused { code, message } => Reason::Broker { code, message: Some(message) },
        Failure::CoordinatorNotFound { cause, .. } => reason_of(*cause),
        // No look at metadata ends so.
        Failure::UnknownBroker(_)
        | Failure::OffsetOutOfRange(_)
        | Failure::Records { .. }
        | Failure::Callback(_)
        | Failure::Bug(_)
        | Failure::Stopped => Reason::Broker { code: ErrorCode::UNKNOWN_SERVER_ERROR, message: None },
    }
}
