//! The link to one broker for one kind of requests: holds the connection, which is opened when it is first needed, by one
//! task for all requests that wait for it, and again after it has died.
//!
//! ```text
//!            connection()                    ok
//!   Idle ──────────────────► Opening ──────────────► Open
//!    ▲                          │ error                │ died, next connection()
//!    └──────────────────────────┴──────────────────────┘         any ── retire() ──► Retired
//!                                             renew()
//! ```
//! A broker may allow an address few connections (`max.connections.per.ip`), and closes those beyond at once. A link whose
//! connection cannot be opened while another link to the same broker has one does without: its requests go over that other
//! connection, and its own is tried again later, while they do.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};

use crate::engine::machine::ConnectionKind;
use crate::engine::machine::LogLevel;
use crate::engine::machine::NetError;
use crate::engine::machine::jittered;
use crate::engine::protocol::ApiKey;
use crate::engine::protocol::Request;

use super::connection::Connection;
use super::context::Context;
use super::deadline::within;
use super::dial::{Address, connection_timeout};
use super::open::open;
use super::unreachable::Advertised;

/// A broker's address and how its last connection attempts went; shared by the links to one broker.
pub(super) struct Endpoint {
    pub(super) address: Address,
    /// Who names this address, if nobody has configured it.
    advertised: Option<Advertised>,
    attempts: Mutex<Attempts>,
    links: Mutex<Vec<Weak<Link>>>,
}

#[derive(Default)]
struct Attempts {
    failures: u32,
    ready_at: Option<Instant>,
    /// There was a connection.
    reached: bool,
}

impl Endpoint {
    pub(super) fn new(address: Address, advertised: Option<Advertised>) -> Arc<Endpoint> {
        Arc::new(Endpoint { address, advertised, attempts: Mutex::default(), links: Mutex::default() })
    }

    /// Has the user configured this address, and was it never reached? Then only `connect()` tries it.
    pub(super) fn is_seed(&self) -> bool {
        self.advertised.is_none() && !self.lock().reached
    }

    /// The error of a connection that could not be opened, with its likely cause.
    pub(super) fn explain(&self, error: NetError) -> NetError {
        match &self.advertised {
            Some(advertised) if !self.lock().reached => advertised.explain(&self.address, error),
            _ => error,
        }
    }

    /// The failures in a row, and when the next attempt may begin.
    fn next_attempt(&self) -> (u32, Option<Instant>) {
        let attempts = self.lock();
        (attempts.failures, attempts.ready_at)
    }

    /// KIP-144: 50 ms to 1 s, doubling, ±20 %.
    fn failed(&self) {
        let mut attempts = self.lock();
        let base = FIRST_BACKOFF.saturating_mul(1 << attempts.failures.min(10)).min(LONGEST_BACKOFF);
        attempts.failures = attempts.failures.saturating_add(1);
        attempts.ready_at = Some(Instant::now() + jittered(base, fastrand::f64()));
    }

    /// The link whose connection serves requests of this kind best, of the other links that have one.
    fn stand_in(&self, kind: ConnectionKind) -> Option<Arc<Link>> {
        let links = self.links();
        kind.stand_ins().iter().find_map(|other| links.iter().find(|link| link.serves(*other)).cloned())
    }

    fn links(&self) -> Vec<Arc<Link>> {
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        links.retain(|link| link.strong_count() > 0);
        links.iter().filter_map(Weak::upgrade).collect()
    }

    /// Only a connection that could be used is a success: ApiVersions and SASL included.
    fn succeeded(&self) {
        *self.lock() = Attempts { reached: true, ..Attempts::default() };
    }

    fn lock(&self) -> MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// See the module.
pub(super) struct Link {
    context: Arc<Context>,
    pub(super) endpoint: Arc<Endpoint>,
    kind: ConnectionKind,
    state: Mutex<State>,
    /// Set when its connection could last not be opened although another link had one.
    without: Mutex<Option<Without>>,
    /// Connections that [`Link::renew`] has replaced, while requests in flight on them are not answered yet.
    finishing: Mutex<Vec<Arc<Connection>>>,
    /// The APIs that the broker does not speak by what one connection was told; a second one was asked then.
    doubted: Mutex<HashSet<ApiKey>>,
    /// When this link last failed a request to any broker, in turns of the pool; 0 = its last one went well.
    pub(super) last_failure: AtomicU64,
    /// When this link was last asked what any broker may answer, in turns of the pool.
    asked: Mutex<HashMap<ApiKey, u64>>,
}

/// How long a link does without a connection of its own.
#[derive(Clone, Copy)]
struct Without {
    until: Instant,
    times: u32,
}

enum State {
    Idle,
    Opening { outcome: watch::Receiver<Option<Outcome>>, task: AbortHandle },
    Open(Arc<Connection>),
    Retired(NetError),
}

type Outcome = Result<Arc<Connection>, NetError>;

impl Link {
    pub(super) fn new(context: &Arc<Context>, endpoint: &Arc<Endpoint>, kind: ConnectionKind) -> Arc<Link> {
        let link = Arc::new(Link {
            context: context.clone(),
            endpoint: endpoint.clone(),
            kind,
            state: Mutex::new(State::Idle),
            without: Mutex::default(),
            finishing: Mutex::default(),
            doubted: Mutex::default(),
            last_failure: AtomicU64::new(0),
            asked: Mutex::default(),
        });
        endpoint.links.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&link));
        link
    }

    /// The connection, opened if need be, or one that stands in for it. During back-off this waits for its end.
    pub(super) async fn connection(self: &Arc<Self>) -> Outcome {
        let without = *self.without();
        let stand_in = without.and_then(|_| self.stand_in());
        let is_due = without.is_none_or(|without| Instant::now() >= without.until) || stand_in.is_none();
        let mut outcome = {
            let mut state = self.lock();
            // The broker still answers what is in flight on an expired SASL session, and nothing that comes later.
            if matches!(&*state, State::Open(connection) if connection.is_expired()) {
                self.set_aside(&mut state);
            }
            match &*state {
                State::Open(connection) if connection.is_usable() => return Ok(connection.clone()),
                // Without a sender the task has panicked, a bug of ours: begin anew.
                State::Opening { outcome, .. } if outcome.has_changed().is_ok() => outcome.clone(),
                State::Retired(reason) => return Err(reason.clone()),
                State::Idle | State::Opening { .. } | State::Open(_) if is_due => {
                    let (tell, outcome) = watch::channel(None);
                    let task = self.context.spawn(self.clone().open(tell));
                    *state = State::Opening { outcome: outcome.clone(), task };
                    outcome
                }
                State::Idle | State::Opening { .. } | State::Open(_) => watch::channel(None).1,
            }
        };
        if let Some(connection) = stand_in {
            return Ok(connection);
        }
        let outcome = match outcome.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone().unwrap_or_else(|| Err(self.unopened())),
            Err(_) => Err(self.unopened()),
        };
        match (outcome, *self.without()) {
            (Err(error), Some(_)) => self.stand_in().ok_or(error),
            (outcome, _) => outcome,
        }
    }

    /// Do requests of several kinds go over the connection that this link uses? A request that the broker holds back there
    /// delays all of them.
    pub(super) fn is_shared(&self) -> bool {
        let stands_in = |other: &Arc<Link>| {
            let stand_in = other.without().and_then(|_| self.endpoint.stand_in(other.kind));
            stand_in.is_some_and(|link| std::ptr::eq(&*link, self))
        };
        self.without().is_some() || self.endpoint.links().iter().any(stands_in)
    }

    fn stand_in(&self) -> Option<Arc<Connection>> {
        match &*self.endpoint.stand_in(self.kind)?.lock() {
            State::Open(connection) => Some(connection.clone()),
            _ => None,
        }
    }

    /// Is this the link of this kind, and has it a connection?
    fn serves(&self, kind: ConnectionKind) -> bool {
        self.kind == kind && self.is_connected()
    }

    /// Its connection could not be opened. Does it do without one, because another link to this broker has one?
    fn refused(&self, error: &NetError) -> bool {
        let may_be_few = matches!(error, NetError::Connect { .. } | NetError::Closed { .. });
        if !may_be_few || self.endpoint.stand_in(self.kind).is_none() {
            *self.without() = None;
            return false;
        }
        let times = self.without().map_or(0, |without| without.times);
        let wait = FIRST_WITHOUT.saturating_mul(1 << times.min(10)).min(LONGEST_WITHOUT);
        let until = Instant::now() + jittered(wait, fastrand::f64());
        *self.without() = Some(Without { until, times: times.saturating_add(1) });
        let level = if times == 0 { LogLevel::Warn } else { LogLevel::Debug };
        let message = format!(
            "The broker takes no further connection, going on with those there are (max.connections.per.ip?): {error}"
        );
        self.context.events.log(level, &self.endpoint.address.broker(), message);
        true
    }

    fn without(&self) -> MutexGuard<'_, Option<Without>> {
        self.without.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection, for this request. ApiVersions is asked once per connection, and its answer may have been damaged on the
    /// way: that a broker does not speak an API counts when two connections were told so.
    pub(super) async fn connection_for(self: &Arc<Self>, request: &Request) -> Outcome {
        let connection = self.lasting_connection().await?;
        let is_news = || self.doubted.lock().unwrap_or_else(PoisonError::into_inner).insert(request.key());
        if connection.version_for(request).is_err() && is_news() {
            self.renew();
            return self.lasting_connection().await;
        }
        Ok(connection)
    }

    /// One that nobody has put aside: another request that waited for it may have, before this one had its turn. That happens once for
    /// each API.
    async fn lasting_connection(self: &Arc<Self>) -> Outcome {
        loop {
            let connection = self.connection().await?;
            if !connection.is_finishing() {
                return Ok(connection);
            }
        }
    }

    /// The task behind `Opening`. It is not a part of any request that waits for it, because each of them may stop waiting.
    async fn open(self: Arc<Self>, tell: watch::Sender<Option<Outcome>>) {
        let (failures, ready_at) = self.endpoint.next_attempt();
        let limit = self.context.config.opening_timeout();
        let opening = async {
            if let Some(ready_at) = ready_at {
                let wait = ready_at.saturating_duration_since(Instant::now());
                sleep(wait.min(self.context.config.connection_timeout)).await;
            }
            let is_first = self.endpoint.stand_in(self.kind).is_none();
            open(&self.context, &self.endpoint, failures as usize, is_first).await
        };
        let outcome =
            within(limit, opening).await.unwrap_or_else(|_| Err(connection_timeout(&self.endpoint.address)));
        let next = match &outcome {
            Ok(connection) => {
                self.endpoint.succeeded();
                *self.without() = None;
                State::Open(connection.clone())
            }
            Err(error) => {
                if !self.refused(error) {
                    self.endpoint.failed();
                }
                State::Idle
            }
        };
        let retired = {
            let mut state = self.lock();
            match &*state {
                State::Retired(reason) => Some(reason.clone()),
                _ => {
                    *state = next;
                    None
                }
            }
        };
        let outcome = match (retired, outcome) {
            (None, outcome) => outcome,
            (Some(reason), outcome) => {
                if let Ok(connection) = outcome {
                    connection.kill(reason.clone());
                }
                Err(reason)
            }
        };
        tell.send_replace(Some(outcome));
    }

    /// The next request gets another connection; this one closes when everything in flight on it has been answered.
    pub(super) fn renew(&self) {
        self.set_aside(&mut self.lock());
    }

    fn set_aside(&self, state: &mut State) {
        if let State::Open(connection) = state {
            connection.finish();
            let mut finishing = self.finishing();
            finishing.retain(|connection| connection.is_alive());
            finishing.push(connection.clone());
            *state = State::Idle;
        }
    }

    /// Closes the connection and opens no other. A request that waits gets `reason`.
    pub(super) fn retire(&self, reason: NetError) {
        for connection in self.finishing().drain(..) {
            connection.kill(reason.clone());
        }
        let before = std::mem::replace(&mut *self.lock(), State::Retired(reason.clone()));
        match before {
            State::Open(connection) => {
                connection.kill(reason);
            }
            State::Opening { task, .. } => task.abort(),
            State::Idle | State::Retired(_) => {}
        }
    }

    pub(super) fn is_connected(&self) -> bool {
        matches!(&*self.lock(), State::Open(connection) if connection.is_usable())
    }

    pub(super) fn is_retired(&self) -> bool {
        matches!(&*self.lock(), State::Retired(_))
    }

    /// The turn at which this broker was last asked this; 0 = never.
    pub(super) fn asked(&self, question: ApiKey) -> u64 {
        self.turns().get(&question).copied().unwrap_or(0)
    }

    pub(super) fn note_asked(&self, question: ApiKey, turn: u64) {
        self.turns().insert(question, turn);
    }

    fn finishing(&self) -> MutexGuard<'_, Vec<Arc<Connection>>> {
        self.finishing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turns(&self) -> MutexGuard<'_, HashMap<ApiKey, u64>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how a request to any broker went here. `failure` = the turn at which it failed.
    pub(super) fn note(&self, failure: Option<u64>) {
        self.last_failure.store(failure.unwrap_or(0), Ordering::Relaxed);
    }

    pub(super) fn closed(&self) -> NetError {
        NetError::Closed { broker: self.endpoint.address.broker() }
    }

    /// The opening task ended without an outcome: it was aborted.
    fn unopened(&self) -> NetError {
        match &*self.lock() {
            State::Retired(reason) => reason.clone(),
            _ => self.closed(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const LONGEST_BACKOFF: Duration = Duration::from_secs(1);
/// A connection that was refused beside others is tried again after so long, and after twice that each time.
const FIRST_WITHOUT: Duration = Duration::from_secs(10);
const LONGEST_WITHOUT: Duration = Duration::from_secs(300);
