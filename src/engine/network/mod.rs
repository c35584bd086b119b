//! Connections to brokers: TCP, TLS, SASL, framing, correlation, version negotiation. Knows the protocol, not what
//! the requests are for; retries nothing that may have reached a broker.
//!
//! ```text
//! mod         the handle                        connection  one connection: its task, correlation
//! pool        connections by node and kind      admission   throttling, max_in_flight
//! link        opened once, and again            frame       length-prefixed frames
//! open        stream → ApiVersions → SASL       dial, tls   names, addresses, TCP, TLS
//! identity    brokers judged from outside       sasl        PLAIN, SCRAM, mechanisms driven from outside
//! lookup      the system's names, or outside's  questions   what is asked outside
//! outbox      what goes to the socket, in order
//! clock       the time of the brokers           deadline    time limits
//! closings    requests that brokers repel       unreachable brokers that cannot be reached
//! ```
//! A connection is opened when it is first needed, and again after it has died, with back-off per broker. A request
//! on a connection that dies gets [`NetError::Closed`]; what to do then is the sender's decision.

#![allow(clippy::disallowed_methods, reason = "this room does touch the world: clock and chance")]

mod admission;
pub mod clock;
mod closings;
mod config;
mod connection;
mod context;
mod deadline;
mod dial;
mod events;
mod frame;
mod identity;
mod link;
mod lookup;
mod open;
mod outbox;
mod pool;
mod questions;
mod sasl;
mod threads;
mod throttle;
mod tls;
mod unreachable;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::engine::machine::NetError;
use crate::engine::machine::Target;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::metadata::{MetadataBroker, MetadataRequest, MetadataResponse};

use context::{Clock, Context, Outside};
use deadline::within;
use dial::TcpDialer;
use events::Events;
use pool::Pool;
use tls::Tls;

pub use config::{Credentials, NetworkConfig, NetworkConfigError, Pfx, SaslConfig, TlsConfig, TlsVersion};
pub use dial::{Address, BoxStream, Dial, Stream, Wire, node_code};
pub use events::NetworkEvent;
pub use identity::UnknownIdentity;
pub use lookup::UnknownName;
pub use sasl::Unauthenticated;

/// The connections of one client. A cheap handle; the last one dropped closes everything. Its async methods need a
/// tokio runtime.
#[derive(Clone)]
pub struct Network {
    inner: Arc<Inner>,
}

/// Why a seed broker has not told the brokers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedError {
    /// What has failed.
    pub error: NetError,
    /// It has answered ApiVersions, and what an authentication asks. A broker that is then silent for good may want one.
    pub has_answered: bool,
}

impl From<NetError> for SeedError {
    fn from(error: NetError) -> SeedError {
        SeedError { error, has_answered: false }
    }
}

struct Inner {
    context: Arc<Context>,
    pool: Mutex<Pool>,
}

impl Network {
    /// A network without a connection. `events` is called from the network's tasks and must not block.
    ///
    /// # Errors
    /// TLS material that cannot be used.
    pub fn new(
        config: NetworkConfig,
        events: impl Fn(NetworkEvent) + Send + Sync + 'static,
    ) -> Result<Network, NetworkConfigError> {
        let events = Events::new(&config.client_id, events);
        let outside = Outside::new(&config, &events);
        if let Some(tls) = &config.tls {
            outside.tls.replace(Tls::new(tls, outside.identities.clone())?);
        }
        let (tls, lookups) = (outside.tls.clone(), outside.lookups.clone());
        let dialer = TcpDialer { connection_timeout: config.connection_timeout, lookups, tls };
        Ok(Network::assemble(config, events, Box::new(dialer), outside, Box::new(clock::now)))
    }

    /// A network over streams and in a time of the caller's making; [`NetworkConfig::tls`] is the dialer's business then.
    pub fn with_dialer(
        config: NetworkConfig,
        events: impl Fn(NetworkEvent) + Send + Sync + 'static,
        dialer: impl Dial + 'static,
        clock: impl Fn() -> Instant + Send + Sync + 'static,
    ) -> Network {
        let events = Events::new(&config.client_id, events);
        let outside = Outside::new(&config, &events);
        Network::assemble(config, events, Box::new(dialer), outside, Box::new(clock))
    }

    fn assemble(
        config: NetworkConfig,
        events: Events,
        dialer: Box<dyn Dial>,
        outside: Outside,
        clock: Clock,
    ) -> Network {
        let context = Context::new(config, events, dialer, outside, clock);
        let pool = Mutex::new(Pool::new(context.clone()));
        Network { inner: Arc::new(Inner { context, pool }) }
    }

    /// Connects to a seed broker and learns the brokers from it. The connection then serves [`Target::Any`].
    pub async fn connect_seed(&self, host: &str, port: u16) -> Result<MetadataResponse, SeedError> {
        let link = self.pool().seed(Address { host: host.to_owned(), port })?;
        let request = MetadataRequest { topics: Some(Vec::new()), allow_auto_topic_creation: false }.into();
        let connection = link.connection_for(&request).await?;
        let sent = connection.send(&request, Duration::ZERO).await;
        let answer = sent.map_err(|error| SeedError { error, has_answered: true })?;
        if is_rebootstrap(&answer) {
            self.pool().forget();
            let reason = ErrorCode::REBOOTSTRAP_REQUIRED.message();
            return Err(dial::connect_error(connection.address(), None, reason).into());
        }
        match answer {
            Response::Metadata(metadata) => {
                self.update_brokers(&metadata.brokers);
                Ok(metadata)
            }
            _ => Err(link.closed().into()),
        }
    }

    /// Takes over the brokers of a metadata response. A node whose address changed gets new connections, a node that
    /// vanished loses them: senders waiting on those get [`NetError::Closed`]. An empty list changes nothing.
    pub fn update_brokers(&self, brokers: &[MetadataBroker]) {
        self.pool().update(brokers);
    }

    /// Takes over one broker, as another answer (FindCoordinator) names it. The others stay as they are.
    pub fn update_broker(&self, broker: &MetadataBroker) {
        self.pool().update_one(broker);
    }

    /// Takes over those of these brokers that are not known yet. The others stay as they are.
    pub fn add_brokers(&self, brokers: &[MetadataBroker]) {
        self.pool().add(brokers);
    }

    /// Sends a request and waits for its answer. `held` = how long the broker may hold it back on purpose.
    ///
    /// Connects if need be. Dropping the future is safe at any time; the request may have been sent by then.
    ///
    /// # Errors
    /// [`NetError::NoBroker`] for a node that is not known. [`NetError::Connect`], [`NetError::Authentication`] and [`NetError::UnsupportedApi`]: not sent.
    /// [`NetError::Closed`], [`NetError::Timeout`] and [`NetError::Decode`]: it may have had its effect.
    pub async fn send(&self, to: Target, request: Request, held: Duration) -> Result<Response, NetError> {
        if matches!(to, Target::Any | Target::AnyOther | Target::AnyBut(_)) {
            return self.send_to_any(&request, held, to).await;
        }
        let link = self.pool().route(to)?;
        let connection = link.connection_for(&request).await?;
        let (mut request, mut held) = (request, held);
        if let Request::Fetch(fetch) = &mut request
            && link.is_shared()
        {
            held = held.min(SHARED_WAIT);
            fetch.max_wait_ms = fetch.max_wait_ms.min(SHARED_WAIT.as_millis() as i32);
        }
        connection.send(&request, held).await
    }

    /// The next request to this target takes a new connection. The present one closes when everything that is in flight on
    /// it has been answered.
    pub fn renew(&self, to: Target) {
        self.pool().renew(to);
    }

    /// Is any broker connected?
    pub fn is_connected(&self) -> bool {
        self.pool().is_connected()
    }

    /// Makes request events, or not (the default): they are many.
    pub fn request_events(&self, on: bool) {
        self.inner.context.events.set_requests(on);
    }

    /// One round of an authentication that [`NetworkEvent::Authenticate`] asked for: the client's message, and the
    /// broker's answer to it.
    ///
    /// # Errors
    /// [`NetError::Authentication`] with the broker's refusal, or when the session is over.
    pub async fn sasl_authenticate(&self, session: u64, bytes: Bytes) -> Result<Bytes, NetError> {
        match &self.inner.context.sasl {
            Some(sasl) => sasl.round(session, bytes).await,
            None => Err(NetError::NoBroker),
        }
    }

    /// The authentication that [`NetworkEvent::Authenticate`] asked for has ended, well or not. The error's text
    /// becomes that of [`NetError::Authentication`], or of [`NetError::Connect`] when it may be tried again.
    pub fn authenticated(&self, session: u64, result: Result<(), Unauthenticated>) {
        if let Some(sasl) = &self.inner.context.sasl {
            sasl.finish(session, result);
        }
    }

    /// Answers [`NetworkEvent::CredentialsRefused`], with what there is by now, changed or not. None: nothing that can be used.
    pub fn credentials(&self, refusal: u64, credentials: Option<Credentials>) {
        if let Some(sasl) = &self.inner.context.sasl {
            sasl.given(refusal, credentials);
        }
    }

    /// Other certificates and keys, for the connections that are opened from now on; see [`NetworkEvent::NotOpened`].
    ///
    /// # Errors
    /// Material that cannot be used: what was before stays.
    pub fn set_tls(&self, config: &TlsConfig) -> Result<(), NetworkConfigError> {
        let outside = &self.inner.context.outside;
        outside.tls.replace(Tls::new(config, outside.identities.clone())?);
        Ok(())
    }

    /// Answers [`NetworkEvent::CheckServerIdentity`]. The error becomes a [`NetError::Connect`].
    pub fn server_identity(&self, check: u64, verdict: Result<(), UnknownIdentity>) {
        self.inner.context.outside.identities.answer(check, verdict);
    }

    /// Answers [`NetworkEvent::LookUp`]: best first. The error becomes a [`NetError::Connect`].
    pub fn addresses(&self, lookup: u64, addresses: Result<Vec<IpAddr>, UnknownName>) {
        self.inner.context.outside.lookups.answer(lookup, addresses);
    }

    /// Closes every connection. Requests that wait, and later ones, get [`NetError::ClientClosed`]. Resolves when
    /// all tasks have ended. Idempotent.
    pub async fn close(&self) {
        self.pool().close();
        self.inner.context.all_ended().await;
    }

    /// Tries a few brokers as long as they cannot be reached or are silent: what any broker can answer may be asked twice.
    /// An error after that is the caller's, but the next request will go elsewhere.
    async fn send_to_any(&self, request: &Request, held: Duration, to: Target) -> Result<Response, NetError> {
        let result = self.try_any(request, held, to).await;
        let is_stale = result.as_ref().is_ok_and(is_rebootstrap);
        if is_stale {
            self.pool().forget();
        }
        if is_stale || result.is_err() && self.pool().is_forsaken() {
            self.inner.context.events.emit(NetworkEvent::Unreachable);
        }
        result
    }

    async fn try_any(&self, request: &Request, held: Duration, to: Target) -> Result<Response, NetError> {
        let candidates = self.pool().any(request.key(), to)?;
        let mut last = NetError::NoBroker;
        let attempts = candidates.len().min(ATTEMPTS_AT_ANY);
        for (attempt, link) in candidates.into_iter().take(attempts).enumerate() {
            self.pool().asks(&link, request.key());
            let asking = async {
                let connection = link.connection_for(request).await.map_err(Unsent)?;
                Ok(connection.send(request, held).await)
            };
            let is_last = attempt + 1 == attempts;
            let error = match patiently(is_last, asking).await {
                Some(Ok(result)) => {
                    match &result {
                        Err(NetError::Closed { .. } | NetError::Timeout { .. } | NetError::Decode { .. }) => {
                            self.pool().failed(&link);
                        }
                        _ => link.note(None),
                    }
                    return result;
                }
                Some(Err(Unsent(error))) => error,
                None => link.closed(),
            };
            if matches!(error, NetError::Authentication { .. } | NetError::ClientClosed) {
                return Err(error);
            }
            self.pool().failed(&link);
            last = error;
        }
        Err(last)
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.inner.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.pool.get_mut().unwrap_or_else(PoisonError::into_inner).close();
    }
}

/// Is what we know of the cluster no longer true (KIP-1102)?
fn is_rebootstrap(answer: &Response) -> bool {
    matches!(answer, Response::Metadata(answer) if answer.error == ErrorCode::REBOOTSTRAP_REQUIRED)
}

/// There was no connection to send a request on.
struct Unsent(NetError);

/// None = no answer, and there are others to ask.
async fn patiently<T>(is_last: bool, answer: impl Future<Output = T>) -> Option<T> {
    match is_last {
        true => Some(answer.await),
        false => within(SILENCE, answer).await.ok(),
    }
}

/// A broker that is silent for so long may be frozen, which it could be for longer than a request may take.
const SILENCE: Duration = Duration::from_secs(3);
/// A long poll holds up whatever else goes over its connection: then it is no longer than this.
const SHARED_WAIT: Duration = Duration::from_millis(250);
/// How many brokers one request to any broker tries.
const ATTEMPTS_AT_ANY: usize = 3;

#[cfg(test)]
pub(crate) mod tests;
