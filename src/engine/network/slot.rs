//! The place of one connection: opened when needed, by one task for all who need it, and again when it has died.
//!
//! ```text
//!            connection()                    ok
//!   Idle ──────────────────► Opening ──────────────► Open
//!    ▲                          │ error                │ died, next connection()
//!    └──────────────────────────┴──────────────────────┘         any ── retire() ──► Retired
//!                                             renew()
//! ```
//! A broker may allow an address few connections (`max.connections.per.ip`), and closes those beyond at once. One that cannot be
//! opened while another to the same broker stands is done without: its requests go over that one, and it is tried again
//! later, behind their backs.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};

use crate::engine::machine::NetError;
use crate::engine::machine::jittered;
use crate::engine::protocol::ApiKey;
use crate::engine::protocol::Request;

use super::connection::Connection;
use super::context::Context;
use super::deadline::within;
use super::dial::{Address, connection_timeout};
use super::open::open;
use crate::engine::machine::LogLevel;

/// What a connection to a node is for, see [`Target`](crate::engine::machine::Target).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Node,
    Fetch,
    FetchExpress,
    Coordinator,
}

impl Kind {
    /// Over whose connections its requests may go, the best first: where nothing is held back for long.
    fn stand_ins(self) -> [Kind; 3] {
        match self {
            Kind::Node => [Kind::Coordinator, Kind::FetchExpress, Kind::Fetch],
            Kind::Coordinator => [Kind::Node, Kind::FetchExpress, Kind::Fetch],
            Kind::Fetch => [Kind::Node, Kind::FetchExpress, Kind::Coordinator],
            Kind::FetchExpress => [Kind::Node, Kind::Fetch, Kind::Coordinator],
        }
    }
}

/// A broker's address and how its last connection attempts went; shared by the slots of one broker.
pub(super) struct Host {
    pub(super) address: Address,
    attempts: Mutex<Attempts>,
    slots: Mutex<Vec<Weak<Slot>>>,
}

#[derive(Default)]
struct Attempts {
    failures: u32,
    ready_at: Option<Instant>,
}

impl Host {
    pub(super) fn new(address: Address) -> Arc<Host> {
        Arc::new(Host { address, attempts: Mutex::default(), slots: Mutex::default() })
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

    /// Whose connection stands and serves best for requests of this kind.
    fn stand_in(&self, kind: Kind) -> Option<Arc<Slot>> {
        let slots = self.slots();
        kind.stand_ins().into_iter().find_map(|other| slots.iter().find(|slot| slot.serves(other)).cloned())
    }

    fn slots(&self) -> Vec<Arc<Slot>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.retain(|slot| slot.strong_count() > 0);
        slots.iter().filter_map(Weak::upgrade).collect()
    }

    /// Only a connection that could be used is a success: ApiVersions and SASL included.
    fn succeeded(&self) {
        *self.lock() = Attempts::default();
    }

    fn lock(&self) -> MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// See the module.
pub(super) struct Slot {
    context: Arc<Context>,
    pub(super) host: Arc<Host>,
    kind: Kind,
    state: Mutex<State>,
    /// Its last opening failed where another connection stood.
    without: Mutex<Option<Without>>,
    /// Connections that still serve whom they have, after [`Slot::renew`].
    finishing: Mutex<Vec<Arc<Connection>>>,
    /// What the broker did not speak, as an earlier connection was told.
    doubted: Mutex<HashSet<ApiKey>>,
    /// When this slot last failed a request to any broker, in turns of the pool; 0 = its last one went well.
    pub(super) last_failure: AtomicU64,
    /// When this slot was last asked what any broker may answer, in turns of the pool.
    asked: Mutex<HashMap<ApiKey, u64>>,
}

/// Being done without.
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

impl Slot {
    pub(super) fn new(context: &Arc<Context>, host: &Arc<Host>, kind: Kind) -> Arc<Slot> {
        let slot = Arc::new(Slot {
            context: context.clone(),
            host: host.clone(),
            kind,
            state: Mutex::new(State::Idle),
            without: Mutex::default(),
            finishing: Mutex::default(),
            doubted: Mutex::default(),
            last_failure: AtomicU64::new(0),
            asked: Mutex::default(),
        });
        host.slots.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&slot));
        slot
    }

    /// The connection, opened if need be, or one that stands in for it. During back-off this waits for its end.
    pub(super) async fn connection(self: &Arc<Self>) -> Outcome {
        let without = *self.without();
        let stand_in = without.and_then(|_| self.stand_in());
        let is_due = without.is_none_or(|without| Instant::now() >= without.until) || stand_in.is_none();
        let mut outcome = {
            let mut state = self.lock();
            // It has what is in flight, which is still answered; nothing more would be.
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

    /// Do requests of several kinds go over the same connection as its own? What is held back there holds up all.
    pub(super) fn is_shared(&self) -> bool {
        let stands_in = |other: &Arc<Slot>| {
            let stand_in = other.without().and_then(|_| self.host.stand_in(other.kind));
            stand_in.is_some_and(|slot| std::ptr::eq(&*slot, self))
        };
        self.without().is_some() || self.host.slots().iter().any(stands_in)
    }

    fn stand_in(&self) -> Option<Arc<Connection>> {
        match &*self.host.stand_in(self.kind)?.lock() {
            State::Open(connection) => Some(connection.clone()),
            _ => None,
        }
    }

    /// Has it a connection, and is that of this kind?
    fn serves(&self, kind: Kind) -> bool {
        self.kind == kind && self.is_connected()
    }

    /// It could not be opened. Is there another connection to this broker, so that it can be done without?
    fn refused(&self, error: &NetError) -> bool {
        let may_be_few = matches!(error, NetError::Connect { .. } | NetError::Closed { .. });
        if !may_be_few || self.host.stand_in(self.kind).is_none() {
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
        self.context.events.log(level, &self.host.address.broker(), message);
        true
    }

    fn without(&self) -> MutexGuard<'_, Option<Without>> {
        self.without.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection, for this request. What a broker speaks may have been damaged on its way, and nobody asks again: that it
    /// does not speak an API is true when it has said so twice.
    pub(super) async fn connection_for(self: &Arc<Self>, request: &Request) -> Outcome {
        let connection = self.connection().await?;
        let is_news = || self.doubted.lock().unwrap_or_else(PoisonError::into_inner).insert(request.key());
        if connection.version_for(request).is_err() && is_news() {
            self.renew();
            return self.connection().await;
        }
        Ok(connection)
    }

    /// The task behind `Opening`. It belongs to nobody who waits: any of them may stop waiting.
    async fn open(self: Arc<Self>, tell: watch::Sender<Option<Outcome>>) {
        let (failures, ready_at) = self.host.next_attempt();
        let limit = self.context.config.opening_timeout();
        let opening = async {
            if let Some(ready_at) = ready_at {
                let wait = ready_at.saturating_duration_since(Instant::now());
                sleep(wait.min(self.context.config.connection_timeout)).await;
            }
            let is_first = self.host.stand_in(self.kind).is_none();
            open(&self.context, &self.host.address, failures as usize, is_first).await
        };
        let outcome =
            within(limit, opening).await.unwrap_or_else(|_| Err(connection_timeout(&self.host.address)));
        let next = match &outcome {
            Ok(connection) => {
                self.host.succeeded();
                *self.without() = None;
                State::Open(connection.clone())
            }
            Err(error) => {
                if !self.refused(error) {
                    self.host.failed();
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

    /// The next sender gets another connection; this one serves those that it has, and closes.
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

    /// Closes the connection and opens no other. Whoever waits gets `reason`.
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

    /// The turn at which it was last asked this; 0 = never.
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
        NetError::Closed { broker: self.host.address.broker() }
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
