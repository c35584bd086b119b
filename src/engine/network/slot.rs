//! The place of one connection: opened when needed, by one task for all who need it, and again when it has died.
//!
//! ```text
//!            connection()                    ok
//!   Idle ──────────────────► Opening ──────────────► Open
//!    ▲                          │ error                │ died, next connection()
//!    └──────────────────────────┴──────────────────────┘         any ── retire() ──► Retired
//!                                             renew()
//! ```

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::engine::protocol::ApiKey;
use crate::engine::protocol::NetError;
use crate::engine::protocol::Request;

use super::connection::Connection;
use super::context::Context;
use super::dial::{Address, connection_timeout};
use super::open::open;

/// A broker's address and how its last connection attempts went; shared by the slots of one broker.
pub(super) struct Host {
    pub(super) address: Address,
    attempts: Mutex<Attempts>,
}

#[derive(Default)]
struct Attempts {
    failures: u32,
    ready_at: Option<Instant>,
}

impl Host {
    pub(super) fn new(address: Address) -> Arc<Host> {
        Arc::new(Host { address, attempts: Mutex::default() })
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
        attempts.ready_at = Some(Instant::now() + base.mul_f64(0.8 + 0.4 * fastrand::f64()));
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
    state: Mutex<State>,
    /// Connections that still serve whom they have, after [`Slot::renew`].
    finishing: Mutex<Vec<Arc<Connection>>>,
    /// What the broker did not speak, as an earlier connection was told.
    doubted: Mutex<HashSet<ApiKey>>,
    /// When this slot last failed a request to any broker, in turns of the pool; 0 = its last one went well.
    pub(super) last_failure: AtomicU64,
    /// When this slot was last asked what any broker may answer, in turns of the pool.
    asked: Mutex<HashMap<ApiKey, u64>>,
}

enum State {
    Idle,
    Opening { outcome: watch::Receiver<Option<Outcome>>, task: AbortHandle },
    Open(Arc<Connection>),
    Retired(NetError),
}

type Outcome = Result<Arc<Connection>, NetError>;

impl Slot {
    pub(super) fn new(context: &Arc<Context>, host: &Arc<Host>) -> Arc<Slot> {
        Arc::new(Slot {
            context: context.clone(),
            host: host.clone(),
            state: Mutex::new(State::Idle),
            finishing: Mutex::default(),
            doubted: Mutex::default(),
            last_failure: AtomicU64::new(0),
            asked: Mutex::default(),
        })
    }

    /// The connection, opened if need be. During back-off this waits for its end.
    pub(super) async fn connection(self: &Arc<Self>) -> Outcome {
        let mut outcome = {
            let mut state = self.lock();
            match &*state {
                State::Open(connection) if connection.is_alive() => return Ok(connection.clone()),
                // Without a sender the task has panicked, a bug of ours: begin anew.
                State::Opening { outcome, .. } if outcome.has_changed().is_ok() => outcome.clone(),
                State::Retired(reason) => return Err(reason.clone()),
                State::Idle | State::Opening { .. } | State::Open(_) => {
                    let (tell, outcome) = watch::channel(None);
                    let task = self.context.spawn(self.clone().open(tell));
                    *state = State::Opening { outcome: outcome.clone(), task };
                    outcome
                }
            }
        };
        match outcome.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone().unwrap_or_else(|| Err(self.unopened())),
            Err(_) => Err(self.unopened()),
        }
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
            open(&self.context, &self.host.address, failures as usize).await
        };
        let outcome =
            timeout(limit, opening).await.unwrap_or_else(|_| Err(connection_timeout(&self.host.address)));
        let next = match &outcome {
            Ok(connection) => {
                self.host.succeeded();
                State::Open(connection.clone())
            }
            Err(_) => {
                self.host.failed();
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
        let mut state = self.lock();
        if let State::Open(connection) = &*state {
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
        matches!(&*self.lock(), State::Open(connection) if connection.is_alive())
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
