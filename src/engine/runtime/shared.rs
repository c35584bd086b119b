//! What the driver, the decoder and the JavaScript thread share.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Instant;

use tokio::sync::Notify;

use crate::engine::clients::consumer::Consumer;
use crate::engine::clients::consumer::Event;
use crate::engine::machine::Failure;
use crate::engine::network::Network;

/// Memory of V8's that the engine may write into until the delivery in it is taken.
pub trait SlabMemory: Send {
    /// All of it.
    fn bytes(&mut self) -> &mut [u8];
}

/// The Int32 cells that JavaScript and the engine share. Only touched under the lock.
pub trait Cells: Send {
    /// The next offset to read in this lane's delivery, relative to its base offset; None = nothing resolved yet.
    fn resolved(&self, lane: usize) -> Option<i32>;
    /// The lane begins a new delivery.
    fn clear(&mut self, lane: usize);
    /// See `delivery::LANE_STOP` and its neighbours.
    fn set_flags(&mut self, lane: usize, flags: i32);
    /// What the user's `heartbeat()` rejects with (a broker error code), 0 for nothing.
    fn set_group_error(&mut self, code: i32);
    /// Bytes that the next slab should have.
    fn set_slab_size(&mut self, bytes: usize);
    /// How far off the next commit by interval (ms) and by threshold (offsets) is, at least; `i32::MAX` for none.
    fn set_commit_distance(&mut self, wait: i32, offsets: i32);
}

/// The other side of the boundary. What it is told under the lock comes in the order in which it happened: it must not call the
/// consumer.
pub trait Host: Send + Sync + 'static {
    /// An idle lane may find something to take.
    fn wake(&self);
    /// For the facade.
    fn event(&self, event: Event);
    /// A task of the engine has panicked: our bug.
    fn bug(&self, message: String);
}

/// Called once with how a commit or a stop ended; perhaps under the lock, so it must not call the consumer.
pub type Waiter = Box<dyn FnOnce(Result<(), Failure>) + Send>;

pub(super) struct Shared {
    inner: Mutex<Inner>,
    /// The decoder has stopped writing into a slab.
    written: Condvar,
    pub(super) driver: Notify,
    pub(super) decoder: Notify,
    pub(super) network: Network,
    pub(super) host: Box<dyn Host>,
    pub(super) max_decompressed_bytes: usize,
}

pub(super) struct Inner {
    pub(super) consumer: Consumer,
    pub(super) cells: Option<Box<dyn Cells>>,
    pub(super) slabs: HashMap<u32, Box<dyn SlabMemory>>,
    pub(super) next_slab: u32,
    /// Per lane: a delivery that `take_staged` will copy out.
    pub(super) staged: Vec<Option<Vec<u8>>>,
    /// A `take` found nothing: the next delivery must wake JavaScript.
    pub(super) armed: bool,
    /// Does anybody listen to fetch events? They are many.
    pub(super) fetch_events: bool,
    /// The decoder is writing into a slab right now.
    pub(super) writing: bool,
    /// The Node environment is going: no slab and no cell may be touched any more.
    pub(super) closed: bool,
    pub(super) waiters: HashMap<u64, Waiter>,
    pub(super) next_ticket: u64,
    pub(super) stop_waiters: Vec<Waiter>,
    pub(super) started: bool,
    pub(super) stopped: bool,
}

impl Shared {
    pub(super) fn new(
        consumer: Consumer,
        lanes: usize,
        max_decompressed_bytes: usize,
        cells: Box<dyn Cells>,
        network: Network,
        host: Box<dyn Host>,
    ) -> Shared {
        let inner = Inner {
            consumer,
            cells: Some(cells),
            slabs: HashMap::new(),
            next_slab: 0,
            staged: vec![None; lanes],
            armed: false,
            fetch_events: false,
            writing: false,
            closed: false,
            waiters: HashMap::new(),
            next_ticket: 0,
            stop_waiters: Vec::new(),
            started: false,
            stopped: false,
        };
        Shared {
            inner: Mutex::new(inner),
            written: Condvar::new(),
            driver: Notify::new(),
            decoder: Notify::new(),
            network,
            host,
            max_decompressed_bytes,
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic under the lock is reported as our bug and ends the consumer; the data is still sound to read.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has somebody panicked in the middle of the machine? Tasks are supervised; what JavaScript calls is not.
    pub(super) fn is_broken(&self) -> bool {
        self.inner.is_poisoned()
    }

    /// We have panicked: the host hears of our bug.
    pub(super) fn bug(&self, message: &str) {
        self.give_up(|host| host.bug(message.to_owned()));
    }

    /// Ends everything, and tells the host why, once.
    pub(super) fn give_up(&self, tell: impl FnOnce(&dyn Host)) {
        let first = !std::mem::replace(&mut self.lock().closed, true);
        if first {
            tell(&*self.host);
        }
        self.abandon();
    }

    /// Nothing will happen any more, and everybody who waits hears of it.
    pub(super) fn abandon(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        let commits = std::mem::take(&mut inner.waiters);
        let stops = std::mem::take(&mut inner.stop_waiters);
        drop(inner);
        commits.into_values().for_each(|waiter| waiter(Err(Failure::Stopped)));
        stops.into_iter().for_each(|waiter| waiter(Ok(())));
        self.close();
    }

    /// The Node environment goes away: returns when nothing of its memory is or will be touched.
    pub(super) fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        while inner.writing {
            inner = self.written.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
        inner.cells = None;
        inner.slabs.clear();
        inner.waiters.clear();
        inner.stop_waiters.clear();
        drop(inner);
        self.driver.notify_one();
        self.decoder.notify_one();
    }
}

/// The decoder writes into a slab as long as this lives, whatever becomes of the decoder or of other tasks.
pub(super) struct Writing(Arc<Shared>);

impl Writing {
    /// `inner` is what `shared` guards.
    pub(super) fn begin(shared: &Arc<Shared>, inner: &mut Inner) -> Writing {
        inner.writing = true;
        Writing(shared.clone())
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.0.lock().writing = false;
        self.0.written.notify_all();
    }
}

impl Inner {
    /// Is there a driver that will answer?
    pub(super) fn is_running(&self) -> bool {
        self.started && !self.stopped && !self.closed
    }

    /// Reads what the handlers have done since the last time.
    pub(super) fn read_cells(&mut self, now: Instant) {
        self.consumer.check_session(now);
        let Some(cells) = &self.cells else { return };
        for lane in 0..self.staged.len() {
            if let Some(delta) = cells.resolved(lane) {
                self.consumer.progress(now, lane, delta);
            }
        }
    }

    /// Shows the handlers what they must heed.
    pub(super) fn write_cells(&mut self) {
        let Some(cells) = &mut self.cells else { return };
        for (lane, flags) in self.consumer.lane_flags().enumerate() {
            cells.set_flags(lane, flags);
        }
        let error = self.consumer.pending_error().map_or(0, |code| i32::from(code.0));
        cells.set_group_error(error);
        cells.set_slab_size(self.consumer.slab_size());
    }

    /// Must JavaScript be woken? Disarms.
    pub(super) fn must_wake(&mut self) -> bool {
        self.armed && self.consumer.has_ready() && std::mem::take(&mut self.armed)
    }
}
