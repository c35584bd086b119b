//! What the network tells about itself, as data: kafkajs's network events, log lines, and what it asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use crate::engine::machine::LogLevel;

/// Something happened. Times are ms: `*_at` since the Unix epoch, `*duration` differences.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are those of kafkajs's `consumer.network.*` events")]
pub enum NetworkEvent {
    /// An answer came. Only made while [`Network::request_events`](super::Network::request_events) is on.
    Request {
        broker: Arc<str>,
        client_id: Arc<str>,
        correlation_id: i32,
        size: usize,
        created_at: u64,
        sent_at: u64,
        pending_duration: u64,
        duration: u64,
        api_name: &'static str,
        api_key: i16,
        api_version: i16,
    },
    /// No answer came in time. Only made while request events are on.
    RequestTimeout {
        broker: Arc<str>,
        client_id: Arc<str>,
        correlation_id: i32,
        created_at: u64,
        sent_at: u64,
        pending_duration: u64,
        api_name: &'static str,
        api_key: i16,
        api_version: i16,
    },
    /// A request began or ceased to wait, for a throttled connection or for `max_in_flight`. Only made while
    /// request events are on.
    RequestQueueSize { broker: Arc<str>, client_id: Arc<str>, queue_size: usize },
    /// This connection needs an authentication that is not ours to do: rounds through
    /// [`Network::sasl_authenticate`](super::Network::sasl_authenticate), then
    /// [`Network::authenticated`](super::Network::authenticated).
    Authenticate { session: u64, host: String, port: u16, mechanism: String },
    /// A connection over TLS could not be opened: certificates may have changed, see [`Network::set_tls`](super::Network::set_tls).
    NotOpened,
    /// A broker has refused the credentials that we have. Are there others by now? [`Network::credentials`](super::Network::credentials)
    /// says so. Only made when [`SaslConfig::may_change`](super::SaslConfig::may_change) is on.
    CredentialsRefused { refusal: u64 },
    /// This broker's certificate is in order, but may it go by this name? [`Network::server_identity`](super::Network::server_identity)
    /// says so. `chain` = what the broker sent, DER, its own certificate first.
    CheckServerIdentity { check: u64, servername: String, chain: Vec<Bytes> },
    /// Which addresses has this name? [`Network::addresses`](super::Network::addresses) says so. Only made when
    /// [`NetworkConfig::lookup`](super::NetworkConfig::lookup) is on.
    LookUp { lookup: u64, host: String },
    /// None of the brokers that we know has answered lately: perhaps they all have new addresses (KIP-899). Or one has
    /// said that we know nothing any more, and all connections are closed (KIP-1102). The seeds may know, by way of
    /// [`Network::connect_seed`](super::Network::connect_seed). Comes again with every request to any broker that finds
    /// none.
    Unreachable,
    /// A log line.
    Log { level: LogLevel, namespace: &'static str, message: String, extra: Vec<(&'static str, String)> },
}

/// The way out for events.
#[derive(Clone)]
pub(super) struct Events {
    notify: Arc<dyn Fn(NetworkEvent) + Send + Sync>,
    requests: Arc<AtomicBool>,
    client_id: Arc<str>,
}

impl Events {
    pub(super) fn new(client_id: &str, notify: impl Fn(NetworkEvent) + Send + Sync + 'static) -> Events {
        Events {
            notify: Arc::new(notify),
            requests: Arc::new(AtomicBool::new(false)),
            client_id: client_id.into(),
        }
    }

    pub(super) fn emit(&self, event: NetworkEvent) {
        (self.notify)(event);
    }

    /// Emits if request events are on: there are as many as requests, so a client without a listener gets none.
    pub(super) fn emit_request(&self, event: impl FnOnce(Arc<str>) -> NetworkEvent) {
        if self.requests.load(Ordering::Relaxed) {
            self.emit(event(self.client_id.clone()));
        }
    }

    pub(super) fn set_requests(&self, on: bool) {
        self.requests.store(on, Ordering::Relaxed);
    }

    pub(super) fn log(&self, level: LogLevel, broker: &str, message: impl Into<String>) {
        self.log_as("Connection", level, broker, message);
    }

    pub(super) fn log_as(
        &self,
        namespace: &'static str,
        level: LogLevel,
        broker: &str,
        message: impl Into<String>,
    ) {
        let extra = vec![("broker", broker.to_owned()), ("clientId", self.client_id.to_string())];
        self.emit(NetworkEvent::Log { level, namespace, message: message.into(), extra });
    }
}
