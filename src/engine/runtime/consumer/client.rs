//! The consumer as its driver sees it: the machine, the memory of JavaScript's, and who waits for what.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::PoisonError;
use std::time::Instant;

use tokio::sync::Notify;

use crate::engine::clients::consumer::Consumer;
use crate::engine::clients::consumer::Event;
use crate::engine::clients::consumer::News;
use crate::engine::machine::Failure;
use crate::engine::network::Network;
use crate::engine::network::clock;
use crate::engine::protocol::metadata::MetadataResponse;
use crate::engine::records::Decompressor;
use crate::engine::runtime::driver::{Client, End};
use crate::engine::runtime::shared::{Shared, Tickets, Waiter};
use crate::engine::runtime::siblings::{Sibling, Siblings};

use super::decode;

/// Slab that one record may need that is not compressed, whatever the limit of those that are.
const LARGEST_DELIVERY: usize = 1 << 30;

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

pub(in crate::engine::runtime) struct ConsumerClient {
    pub(super) consumer: Consumer,
    pub(super) cells: Option<Box<dyn Cells>>,
    pub(super) slabs: HashMap<u32, Box<dyn SlabMemory>>,
    pub(super) next_slab: u32,
    /// Per lane: a delivery that `take_staged` will copy out.
    pub(super) staged: Vec<Option<Vec<u8>>>,
    /// A `take` found nothing: the next delivery must wake JavaScript.
    pub(super) armed: bool,
    /// Are fetch events wanted? They are many.
    pub(super) fetch_events: bool,
    /// Are commits to be told of? Some programs commit after every message.
    pub(super) commit_events: bool,
    /// Of who decodes next; None while somebody does.
    pub(super) codecs: Option<Box<Decompressor>>,
    /// The decoder is writing into a slab right now.
    pub(super) writing: bool,
    /// The Node environment is going: no slab and no cell may be touched any more.
    pub(super) closed: bool,
    pub(super) tickets: Tickets<()>,
    pub(super) stop_waiters: Vec<Waiter>,
    pub(super) started: bool,
    pub(super) stopped: bool,
    /// To be told to the siblings.
    news: Vec<News>,
}

/// What is used without the lock.
pub(in crate::engine::runtime) struct Outside {
    /// The decoder has stopped writing into a slab.
    written: Condvar,
    pub(super) decoder: Notify,
    pub(super) host: Box<dyn Host>,
    siblings: Siblings,
}

/// What a pass of the driver leaves to be done.
pub(in crate::engine::runtime) struct Chores {
    wake: bool,
    /// New data, a new position, the end: the decoder looks for itself.
    decode: bool,
    news: Vec<News>,
}

impl Client for ConsumerClient {
    type Machine = Consumer;
    type Outside = Outside;
    type Chores = Chores;

    fn machine(&mut self) -> &mut Consumer {
        &mut self.consumer
    }

    fn is_closed(&self) -> bool {
        self.closed
    }

    fn before(&mut self, now: Instant) {
        self.consumer.set_wall_clock(now, clock::unix_ms());
        self.read_cells(now);
    }

    fn event(&mut self, outside: &Outside, network: &Network, event: Event) {
        match event {
            Event::Brokers(brokers) => network.update_brokers(&brokers),
            Event::News(news) => self.news.push(news),
            Event::Renew(target) => network.renew(target),
            Event::CommitDone { ticket, result } => self.tickets.answer(ticket, result),
            Event::HeartbeatDone { ticket } => self.tickets.answer(ticket, Ok(())),
            Event::Stopped => {
                self.stopped = true;
                std::mem::take(&mut self.stop_waiters).into_iter().for_each(|waiter| waiter(Ok(())));
            }
            Event::FetchStart { .. } | Event::FetchEnd { .. } if !self.fetch_events => {}
            Event::Committed { .. } if !self.commit_events => {}
            event => outside.host.event(event),
        }
    }

    fn after(&mut self) -> Chores {
        let news = std::mem::take(&mut self.news);
        if self.closed {
            return Chores { wake: false, decode: true, news };
        }
        self.write_cells();
        Chores { wake: self.must_wake(), decode: self.stopped || self.consumer.may_decode(), news }
    }

    /// A small answer is decoded here: JavaScript is on its way to it when the next one is asked for, and that does not wait for another
    /// task, or another thread.
    fn carry_out(shared: &Arc<Shared<ConsumerClient>>, Chores { wake, decode, news }: Chores) {
        if decode && decode::small_ones(shared) {
            shared.outside.decoder.notify_one();
        }
        if wake {
            shared.outside.host.wake();
        }
        news.iter().for_each(|news| shared.outside.siblings.tell(news));
    }

    fn ends(&mut self) -> bool {
        self.stopped
    }

    fn looked(&mut self, since: Instant, due: Option<Instant>, now: Instant) {
        self.consumer.looked(since, due, now);
    }

    /// The host hears of it once.
    fn fail(shared: &Shared<ConsumerClient>, why: End) {
        let first = !std::mem::replace(&mut shared.lock().closed, true);
        if first {
            let host = &shared.outside.host;
            match why {
                End::Bug(message) => host.bug(message),
                End::NoThreads(error) => host.event(Event::Crashed(Failure::Net(error))),
            }
        }
        shared.abandon();
    }
}

impl Shared<ConsumerClient> {
    pub(super) fn of_consumer(
        consumer: Consumer,
        lanes: usize,
        max_decompressed_bytes: usize,
        cells: Box<dyn Cells>,
        network: Network,
        siblings: Siblings,
        host: Box<dyn Host>,
    ) -> Shared<ConsumerClient> {
        let codecs = Decompressor::new(max_decompressed_bytes).with_largest_delivery(LARGEST_DELIVERY);
        let client = ConsumerClient {
            consumer,
            cells: Some(cells),
            slabs: HashMap::new(),
            next_slab: 0,
            staged: vec![None; lanes],
            armed: false,
            fetch_events: false,
            commit_events: false,
            codecs: Some(Box::new(codecs)),
            writing: false,
            closed: false,
            tickets: Tickets::new(),
            stop_waiters: Vec::new(),
            started: false,
            stopped: false,
            news: Vec::new(),
        };
        let (written, decoder) = (Condvar::new(), Notify::new());
        Shared::new(client, network, Outside { written, decoder, host, siblings })
    }

    /// Nothing will happen any more, and every call that waits hears of it.
    pub(super) fn abandon(&self) {
        let mut client = self.lock();
        client.closed = true;
        let calls = client.tickets.take();
        let stops = std::mem::take(&mut client.stop_waiters);
        drop(client);
        calls.for_each(|waiter| waiter(Err(Failure::Stopped)));
        stops.into_iter().for_each(|waiter| waiter(Ok(())));
        self.close();
    }

    /// The Node environment goes away: returns when nothing of its memory is or will be touched.
    pub(super) fn close(&self) {
        let mut client = self.lock();
        client.closed = true;
        while client.writing {
            client = self.outside.written.wait(client).unwrap_or_else(PoisonError::into_inner);
        }
        client.cells = None;
        client.slabs.clear();
        drop(client.tickets.take());
        client.stop_waiters.clear();
        drop(client);
        self.driver.notify_one();
        self.outside.decoder.notify_one();
    }
}

impl Sibling for Shared<ConsumerClient> {
    fn hear(&self, news: &News) {
        if self.is_broken() {
            return;
        }
        let mut client = self.lock();
        if client.is_running() {
            client.consumer.hear(clock::now(), news);
            drop(client);
            self.driver.notify_one();
        }
    }
}

/// The decoder writes into a slab as long as this lives, whatever becomes of the decoder or of other tasks.
pub(super) struct Writing(Arc<Shared<ConsumerClient>>);

impl Writing {
    /// `client` is what `shared` guards.
    pub(super) fn begin(shared: &Arc<Shared<ConsumerClient>>, client: &mut ConsumerClient) -> Writing {
        client.writing = true;
        Writing(shared.clone())
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.0.lock().writing = false;
        self.0.outside.written.notify_all();
    }
}

impl ConsumerClient {
    /// Is there a driver that will answer?
    pub(super) fn is_running(&self) -> bool {
        self.started && !self.stopped && !self.closed
    }

    /// JavaScript has asked a broker, and this is the answer. Is it of use to this consumer?
    pub(in crate::engine::runtime) fn learned(&mut self, now: Instant, answer: &MetadataResponse) -> bool {
        self.is_running() && self.consumer.learned(now, answer)
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
        let wake = self.armed && self.consumer.has_ready() && std::mem::take(&mut self.armed);
        if wake {
            self.consumer.woken();
        }
        wake
    }
}
