//! One connection: a task that reads and writes, and any number of senders that wait for their answers.
//!
//! ```text
//!  send ──► admit (mute, max_in_flight, re-authentication) ──► frame ──► outbox ──► socket
//!    ▲                                                                               │
//!    └───── oneshot, found by correlation id ◄── decoded ◄── frame reader (task) ◄───┘
//! ```
//! A connection dies once, for one reason, and every request that waits on it gets that reason. A sender that stops
//! waiting (timeout, or its future is dropped) leaves its entry behind; the late answer finds no receiver and is dropped.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tokio::sync::{Notify, SemaphorePermit, oneshot, watch};
use tokio::time::{Instant, sleep};

use crate::engine::machine::NetError;
use crate::engine::protocol::ApiKey;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::VersionRange;
use crate::engine::protocol::header::{decode_response_header, encode_frame};
use crate::engine::protocol::produce::ProduceResponse;

use super::admission::Admission;
use super::context::Context;
use super::deadline::{Late, within};
use super::dial::{Address, Wire};
use super::events::NetworkEvent;
use super::frame::{FrameError, FrameReader};
use super::outbox::{self, Frame, Outbox, Reader, Writer};
use super::throttle::throttle_time;
use super::tls::explain;
use crate::engine::machine::LogLevel;

/// An open connection.
pub(super) struct Connection {
    context: Arc<Context>,
    address: Address,
    broker: Arc<str>,
    /// What the broker speaks, once it has said so.
    versions: OnceLock<HashMap<i16, VersionRange>>,
    outbox: Outbox,
    admission: Admission,
    next_correlation_id: AtomicI32,
    received: AtomicU64,
    /// A request that gets no answer was sent. Some brokers (Azure Event Hubs) answer it nevertheless.
    has_unanswered: AtomicBool,
    /// A request has been sent; see [`Connection::keep_pace`].
    sent: Notify,
    state: Mutex<State>,
    /// Why the connection is dead; None while it lives.
    death: watch::Sender<Option<NetError>>,
}

#[derive(Default)]
struct State {
    waiting: HashMap<i32, Waiter>,
    /// Takes no further request, and closes when all that are in flight have been answered.
    finishing: bool,
    /// Requests in a row that timed out while `silent_since` was all that had ever been received.
    silent_timeouts: u32,
    silent_since: u64,
    /// When the SASL session is over (KIP-368), by the clock of the context.
    session_ends: Option<std::time::Instant>,
}

/// A request that the broker has not answered yet.
struct Waiter {
    key: ApiKey,
    version: i16,
    times: Times,
    reply: oneshot::Sender<Result<Response, NetError>>,
}

#[derive(Clone, Copy)]
struct Times {
    created: Instant,
    sent: Instant,
}

impl Connection {
    /// Starts the connection's task on a fresh stream. The caller goes on with [`Connection::set_versions`].
    pub(super) fn start(context: &Arc<Context>, address: Address, wire: Wire) -> Arc<Connection> {
        let (reader, outbox, writer) = outbox::split(wire);
        let broker: Arc<str> = address.broker().into();
        let connection = Arc::new(Connection {
            context: context.clone(),
            broker: broker.clone(),
            address,
            versions: OnceLock::new(),
            outbox,
            admission: Admission::new(context.config.max_in_flight, broker.clone(), context.events.clone()),
            next_correlation_id: AtomicI32::new(0),
            received: AtomicU64::new(0),
            has_unanswered: AtomicBool::new(false),
            sent: Notify::new(),
            state: Mutex::default(),
            death: watch::Sender::new(None),
        });
        context.spawn(connection.clone().run(reader, writer));
        connection
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    pub(super) fn context(&self) -> &Arc<Context> {
        &self.context
    }

    pub(super) fn set_versions(&self, versions: HashMap<i16, VersionRange>) {
        // Set once, while the connection is opened.
        let _ = self.versions.set(versions);
    }

    pub(super) fn is_alive(&self) -> bool {
        self.death.borrow().is_none()
    }

    /// The broker has authenticated us, for so long.
    pub(super) fn authenticated(&self, lifetime: Option<Duration>) {
        let ends = lifetime.and_then(|lifetime| (self.context.clock)().checked_add(lifetime));
        self.lock().session_ends = ends;
    }

    /// Is the SASL session over? A broker closes at the next request then. The timer that is to authenticate before may come
    /// too late: it stands still while the computer sleeps.
    pub(super) fn is_expired(&self) -> bool {
        self.lock().session_ends.is_some_and(|ends| ends <= (self.context.clock)())
    }

    /// Can a request be sent?
    pub(super) fn is_usable(&self) -> bool {
        self.is_alive() && !self.is_expired()
    }

    /// Ends the connection: its task stops, the socket closes, and every request that waits gets `reason`. The first reason
    /// stays. Returns whether it was this one.
    pub(super) fn kill(&self, reason: NetError) -> bool {
        let first = self.death.send_if_modified(|death| {
            let first = death.is_none();
            if first {
                *death = Some(reason);
            }
            first
        });
        self.lock().waiting.clear();
        first
    }

    /// Ends the connection as soon as everything that is in flight has been answered.
    pub(super) fn finish(&self) {
        self.lock().finishing = true;
        self.end_if_finished();
    }

    /// Has it been put aside? What is in flight is answered, and nothing that comes later is sent.
    pub(super) fn is_finishing(&self) -> bool {
        self.lock().finishing
    }

    fn end_if_finished(&self) -> bool {
        let finished = {
            let state = self.lock();
            state.finishing && state.waiting.is_empty()
        };
        finished && self.kill(self.closed())
    }

    /// Sends a request and waits for its answer, at most the request timeout and `held`. Dropping the future is safe.
    pub(super) async fn send(&self, request: &Request, held: Duration) -> Result<Response, NetError> {
        let version = self.version_for(request)?;
        let created = Instant::now();
        let converse = async {
            let _place = self.admission.admit(request).await;
            // It was closed while this request waited to be admitted. The next request gets another connection.
            if self.is_expired() {
                return Err(self.closed());
            }
            self.exchange(request, version, held, created).await
        };
        let result = tokio::select! {
            biased;
            result = converse => result,
            reason = self.died() => Err(reason),
        };
        let (api, closings) = (request.key(), &self.context.closings);
        result
            .inspect(|_| closings.answered(api))
            .map_err(|error| closings.unanswered(Instant::now().into_std(), created.into_std(), api, error))
    }

    /// One request and its answer past the queue, in a version of the caller's choice: for opening the connection, and
    /// for authentication, during which the queue stands still.
    pub(super) async fn send_now(&self, request: &Request, version: i16) -> Result<Response, NetError> {
        tokio::select! {
            biased;
            result = self.exchange(request, version, Duration::ZERO, Instant::now()) => result,
            reason = self.died() => Err(reason),
        }
    }

    /// The highest version that both sides speak and that can carry `request`.
    pub(super) fn version_for(&self, request: &Request) -> Result<i16, NetError> {
        let key = request.key();
        let theirs = self.versions.get().and_then(|versions| versions.get(&key.code()).copied());
        let ours = VersionRange { min: request.min_version(), max: request.max_version() };
        ours.negotiate(theirs).ok_or(NetError::UnsupportedApi { api: key.name(), key: key.code(), theirs })
    }

    /// Waits until no request is in flight, and keeps new ones back until the permit is dropped. None when the
    /// connection died meanwhile.
    pub(super) async fn quiesce(&self) -> Option<SemaphorePermit<'_>> {
        tokio::select! {
            permit = self.admission.quiesce() => permit,
            _ = self.died() => None,
        }
    }

    /// Resolves with the reason when the connection is dead.
    pub(super) async fn died(&self) -> NetError {
        let mut death = self.death.subscribe();
        match death.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or_else(|| self.closed()),
            Err(_) => self.closed(),
        }
    }

    pub(super) fn log(&self, level: LogLevel, message: impl Into<String>) {
        self.context.events.log(level, &self.broker, message);
    }

    async fn exchange(
        &self,
        request: &Request,
        version: i16,
        held: Duration,
        created: Instant,
    ) -> Result<Response, NetError> {
        // A request that was admitted because the connection died while it waited at the door.
        if let Some(reason) = &*self.death.borrow() {
            return Err(reason.clone());
        }
        let key = request.key();
        let correlation_id = self.next_correlation_id.fetch_add(1, Ordering::Relaxed) & i32::MAX;
        let frame = encode_frame(request, version, correlation_id, &self.context.config.client_id);
        let received = self.received.load(Ordering::Relaxed);
        let times = Times { created, sent: Instant::now() };
        let frame = Frame::of(request, frame);
        let outcome = async {
            if !request.is_answered() {
                return self.write_only(frame, key, version, correlation_id, times).await;
            }
            let (reply, answer) = oneshot::channel();
            self.lock().waiting.insert(correlation_id, Waiter { key, version, times, reply });
            // If the task has ended, `answer` will say so.
            self.outbox.put(frame, None);
            self.sent.notify_one();
            match answer.await {
                Ok(result) => result,
                Err(_) => Err(self.died().await),
            }
        };
        let Some(limit) = self.context.config.request_timeout else { return outcome.await };
        within(limit.saturating_add(held), outcome).await.unwrap_or_else(|Late| {
            self.timed_out(key, version, correlation_id, times, received);
            // What is sent again over another connection must not be overtaken by this.
            if key == ApiKey::Produce {
                self.kill(self.closed());
            }
            Err(NetError::Timeout {
                broker: self.broker.to_string(),
                api: key.name(),
                key: key.code(),
                version,
                correlation_id,
                created_at: epoch_ms(times.created),
                sent_at: epoch_ms(times.sent),
                pending_duration: ms(times.sent - times.created),
            })
        })
    }

    /// A request that gets no answer: that it is written to the socket is all there will be.
    async fn write_only(
        &self,
        frame: Frame,
        key: ApiKey,
        version: i16,
        correlation_id: i32,
        times: Times,
    ) -> Result<Response, NetError> {
        self.has_unanswered.store(true, Ordering::Relaxed);
        let (written, is_written) = oneshot::channel();
        self.outbox.put(frame, Some(written));
        self.sent.notify_one();
        if is_written.await.is_err() {
            return Err(self.died().await);
        }
        self.emit_answered(key, version, correlation_id, times, 0);
        Ok(Response::Produce(ProduceResponse::default()))
    }

    /// A peer that answers nothing at all is gone, whatever TCP believes: close. One that is merely slow is not.
    fn timed_out(&self, key: ApiKey, version: i16, correlation_id: i32, times: Times, received_before: u64) {
        self.context.events.emit_request(|client_id| NetworkEvent::RequestTimeout {
            broker: self.broker.clone(),
            client_id,
            correlation_id,
            created_at: epoch_ms(times.created),
            sent_at: epoch_ms(times.sent),
            pending_duration: ms(times.sent - times.created),
            api_name: key.name(),
            api_key: key.code(),
            api_version: version,
        });
        let received = self.received.load(Ordering::Relaxed);
        let silent = {
            let mut state = self.lock();
            if received != received_before || received != state.silent_since {
                state.silent_since = received;
                state.silent_timeouts = 0;
            }
            if received == received_before {
                state.silent_timeouts += 1;
            }
            state.silent_timeouts >= SILENT_TIMEOUTS
        };
        if silent && self.kill(self.closed()) {
            self.log(
                LogLevel::Error,
                "Connection timeout: several requests in a row got no answer, not a byte",
            );
        }
    }

    async fn run(self: Arc<Self>, reader: Reader, writer: Writer) {
        // Also when this task panics, which would be a bug of ours: no request may wait for ever.
        let _dead = KillOnDrop::new(&self);
        let end = tokio::select! {
            biased;
            _ = self.died() => return,
            end = self.read_frames(reader) => end,
            end = writer.run(&self.outbox) => end.map_err(FrameError::Io),
            () = self.keep_pace() => return,
        };
        let (level, message, code) = match end {
            Ok(()) => (LogLevel::Debug, "Kafka server has closed connection".to_owned(), None),
            Err(FrameError::Io(error)) => {
                let (code, reason) = explain(&error);
                (LogLevel::Error, format!("Connection error: {reason}"), code)
            }
            Err(error) => (LogLevel::Error, format!("Connection error: {error}"), None),
        };
        let broker = self.broker.to_string();
        // Before it could be used once, a broken connection is one that could not be made.
        let opening = self.versions.get().is_none() && level == LogLevel::Error;
        // Who opens it tells of that.
        let (reason, level) = match opening {
            true => (NetError::Connect { broker, code, message: message.clone() }, LogLevel::Debug),
            false => (NetError::Closed { broker }, level),
        };
        if self.kill(reason) {
            self.log(level, message);
        }
    }

    /// Has a timer that is due before those of the requests that come next, for as long as requests come. For one that is earlier
    /// than all that it knows tokio wakes itself up: a system call and a look at all sockets, which each request would cost.
    async fn keep_pace(&self) {
        let Some(limit) = self.context.config.request_timeout else { return std::future::pending().await };
        loop {
            self.sent.notified().await;
            sleep(limit).await;
        }
    }

    async fn read_frames(&self, reader: impl tokio::io::AsyncRead + Unpin) -> Result<(), FrameError> {
        let mut frames = FrameReader::new(reader, self.context.config.max_frame, &self.received);
        while let Some(frame) = frames.next().await? {
            if let Err(reason) = self.deliver(frame) {
                self.log(LogLevel::Warn, reason);
                break;
            }
            if self.end_if_finished() {
                break;
            }
        }
        Ok(())
    }

    /// Hands an answer to its sender.
    ///
    /// # Errors
    ///
    /// No request is waiting for it, and all are answered, or it is none: we are out of step with the broker.
    fn deliver(&self, frame: Bytes) -> Result<(), String> {
        let correlation_id = frame.first_chunk().map(|id| i32::from_be_bytes(*id));
        let waiter = correlation_id.and_then(|id| Some((id, self.lock().waiting.remove(&id)?)));
        let Some((correlation_id, waiter)) = waiter else {
            let is_nobodys = correlation_id.is_some() && self.has_unanswered.load(Ordering::Relaxed);
            return if is_nobodys { Ok(()) } else { Err("Response without match".to_owned()) };
        };
        let Waiter { key, version, times, reply } = waiter;
        if reply.is_closed() {
            return Ok(());
        }
        let size = frame.len();
        let result = decode_response_header(key, version, frame)
            .and_then(|(_, body)| Response::decode(key, version, body))
            .map_err(|error| NetError::Decode { broker: self.broker.to_string(), api: key, error });
        if let Ok(response) = &result {
            self.admission.throttle(throttle_time(response, version));
        }
        self.emit_answered(key, version, correlation_id, times, size);
        let end = result.as_ref().map(|_| ()).map_err(ToString::to_string);
        // The sender may have given up this very moment.
        let _ = reply.send(result);
        end
    }

    /// `size`: bytes of the answer.
    fn emit_answered(&self, key: ApiKey, version: i16, correlation_id: i32, times: Times, size: usize) {
        self.context.events.emit_request(|client_id| NetworkEvent::Request {
            broker: self.broker.clone(),
            client_id,
            correlation_id,
            size,
            created_at: epoch_ms(times.created),
            sent_at: epoch_ms(times.sent),
            pending_duration: ms(times.sent - times.created),
            duration: ms(times.sent.elapsed()),
            api_name: key.name(),
            api_key: key.code(),
            api_version: version,
        });
    }

    pub(super) fn closed(&self) -> NetError {
        NetError::Closed { broker: self.broker.to_string() }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Kills a connection when dropped, unless told to forget.
pub(super) struct KillOnDrop<'a>(Option<&'a Connection>);

impl<'a> KillOnDrop<'a> {
    pub(super) fn new(connection: &'a Connection) -> KillOnDrop<'a> {
        KillOnDrop(Some(connection))
    }

    pub(super) fn forget(mut self) {
        self.0 = None;
    }
}

impl Drop for KillOnDrop<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.0 {
            connection.kill(connection.closed());
        }
    }
}

/// When `instant` was, on the wall clock.
fn epoch_ms(instant: Instant) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    ms(now.saturating_sub(instant.elapsed()))
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// So many timeouts in a row without a byte received end a connection.
const SILENT_TIMEOUTS: u32 = 2;
