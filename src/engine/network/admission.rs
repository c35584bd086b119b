//! Which requests may go out on a connection now: KIP-219 mutes it, `max_in_flight` limits it, re-authentication takes it whole.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

use crate::engine::machine::LogLevel;
use crate::engine::protocol::Request;

use super::events::{Events, NetworkEvent};

/// The shortest throttle that is told of, and how long nothing is said of the next ones.
const TELLING: Duration = Duration::from_secs(1);
const SILENCE: Duration = Duration::from_secs(30);

#[derive(Default)]
struct Muted {
    until: Option<Instant>,
    told: Option<Instant>,
}

/// The door of one connection.
pub(super) struct Admission {
    /// One permit per request in flight.
    places: Semaphore,
    /// All of them: nothing is in flight, and nothing starts.
    all: u32,
    muted: Mutex<Muted>,
    queued: AtomicUsize,
    broker: Arc<str>,
    events: Events,
}

impl Admission {
    pub(super) fn new(max_in_flight: Option<usize>, broker: Arc<str>, events: Events) -> Admission {
        let all =
            max_in_flight.and_then(|max| u32::try_from(max).ok()).unwrap_or(UNLIMITED).clamp(1, UNLIMITED);
        Admission {
            places: Semaphore::new(all as usize),
            all,
            muted: Mutex::default(),
            queued: AtomicUsize::new(0),
            broker,
            events,
        }
    }

    /// Waits for a place in flight and, unless it is a heartbeat, for the end of a throttle: a throttled member must
    /// not be thrown out of its group for being quiet. Keep the permit as long as the answer is awaited.
    pub(super) async fn admit(&self, request: &Request) -> Option<SemaphorePermit<'_>> {
        let heartbeat = matches!(request, Request::Heartbeat(_) | Request::ConsumerGroupHeartbeat(_));
        let muted_until = || self.muted().until.filter(|until| !heartbeat && *until > Instant::now());
        if muted_until().is_none()
            && let Ok(permit) = self.places.try_acquire()
        {
            return Some(permit);
        }
        let _queued = Queued::enter(self);
        loop {
            while let Some(until) = muted_until() {
                sleep_until(until).await;
            }
            let permit = self.places.acquire().await.ok();
            if muted_until().is_none() {
                return permit;
            }
        }
    }

    /// Waits until no request is in flight, and keeps new ones back until the permit is dropped.
    pub(super) async fn quiesce(&self) -> Option<SemaphorePermit<'_>> {
        self.places.acquire_many(self.all).await.ok()
    }

    /// Mutes the connection from now on.
    pub(super) fn throttle(&self, time: Duration) {
        if time.is_zero() {
            return;
        }
        let now = Instant::now();
        let mut muted = self.muted();
        muted.until = muted.until.max(Some(now + time));
        // Who waits for a quota sees nothing but that it is slow.
        if time >= TELLING && muted.told.is_none_or(|told| told + SILENCE <= now) {
            muted.told = Some(now);
            drop(muted);
            let message = format!(
                "The broker asks to wait {} ms before the next request: a quota of this client or its user is used up",
                time.as_millis()
            );
            self.events.log(LogLevel::Warn, &self.broker, message);
        }
    }

    fn muted(&self) -> MutexGuard<'_, Muted> {
        self.muted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that waits at the door, for kafkajs's queue size event.
struct Queued<'a>(&'a Admission);

impl Queued<'_> {
    fn enter(admission: &Admission) -> Queued<'_> {
        let before = admission.queued.fetch_add(1, Ordering::Relaxed);
        let queued = Queued(admission);
        queued.tell(before + 1);
        queued
    }

    fn tell(&self, queue_size: usize) {
        self.0.events.emit_request(|client_id| NetworkEvent::RequestQueueSize {
            broker: self.0.broker.clone(),
            client_id,
            queue_size,
        });
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        let before = self.0.queued.fetch_sub(1, Ordering::Relaxed);
        self.tell(before.saturating_sub(1));
    }
}

/// More than anybody sends at once.
const UNLIMITED: u32 = 1 << 20;
