//! What the bridge holds: the producer as the JavaScript thread sees it. Every method returns at once.

use std::sync::{Arc, MutexGuard};
use std::time::{Duration, Instant};

use crate::engine::clients::producer::Answer;
use crate::engine::clients::producer::Producer;
use crate::engine::clients::producer::ProducerConfig;
use crate::engine::clients::producer::Reason;
use crate::engine::clients::producer::Submitted;
use crate::engine::clients::producer::{Offsets, Trouble};
use crate::engine::network::Network;
use crate::engine::network::clock;
use crate::engine::records::turn::TurnError;
use crate::engine::runtime::SharedMetadata;
use crate::engine::runtime::direct;
use crate::engine::runtime::driver;
use crate::engine::runtime::driver::{Client, End};
use crate::engine::runtime::shared::Shared;

use super::client::{Outside, ProducerClient, ProducerHost, Waiters};
use super::pack;

/// Batches that may be compressed at the same time.
const PACK_TASKS: usize = 2;
/// A turn of at most so many bytes is sent from the call itself, if nothing else is under way.
const SMALL_TURN: usize = 4 << 10;

/// What users want of a transaction.
#[derive(Debug)]
pub enum Transact {
    /// See [`Producer::begin_transaction`].
    Begin,
    /// See [`Producer::send_offsets`].
    SendOffsets(Offsets),
    /// See [`Producer::commit_transaction`].
    Commit,
    /// See [`Producer::abort_transaction`].
    Abort,
}

/// A producer over the connections of a client. A cheap handle.
#[derive(Clone)]
pub struct ProducerHandle {
    shared: Arc<Shared<ProducerClient>>,
}

impl ProducerHandle {
    /// Makes a producer over an open network, which hears what its siblings find out. It does nothing before
    /// [`ProducerHandle::start`].
    pub fn new(
        config: ProducerConfig,
        network: Network,
        metadata: &SharedMetadata,
        host: Box<dyn ProducerHost>,
    ) -> ProducerHandle {
        let client = ProducerClient {
            producer: Producer::new(config, fastrand::u64(..)),
            answers: Vec::new(),
            woken: false,
            running: false,
            closed: false,
            waiters: Waiters::default(),
            next_ticket: 0,
            news: Vec::new(),
        };
        let siblings = metadata.siblings().clone();
        let outside = Outside { host, packer: tokio::sync::Notify::new(), siblings };
        let shared = Arc::new(Shared::new(client, network, outside));
        metadata.siblings().add(&shared);
        ProducerHandle { shared }
    }

    /// Begins: from now on there is a driver. What the connections know of the cluster is known already.
    pub fn start(&self, metadata: &SharedMetadata) {
        let mut client = self.shared.lock();
        if client.running || client.closed {
            return;
        }
        client.running = true;
        client.producer.seed_metadata(&metadata.latest());
        drop(client);
        driver::start(&self.shared);
        for _ in 0..PACK_TASKS {
            driver::supervise(&self.shared, pack::run(self.shared.clone()));
        }
    }

    /// Takes in the sends of a turn, as far as there is room for them; the rest is to be submitted again at [`Answer::Room`]. None:
    /// the producer is closed.
    ///
    /// # Errors
    ///
    /// The bytes are no turn; then none of the sends is taken.
    pub fn submit(&self, turn: &[u8]) -> Option<Result<Submitted, TurnError>> {
        let (is_lone, result) = self.change(|client, now| {
            // What is more keeps JavaScript from its next sends, and waits for the engine no longer than for what is out.
            let is_lone =
                turn.len() <= SMALL_TURN && client.producer.is_idle() && !client.producer.compresses();
            (is_lone, client.producer.submit(now, turn))
        })?;
        match is_lone {
            true => direct::drive(&self.shared),
            false => self.shared.driver.notify_one(),
        }
        Some(result)
    }

    /// Everything that was answered since the last call.
    pub fn answers(&self) -> Vec<Answer> {
        let mut client = self.shared.lock();
        client.woken = false;
        std::mem::take(&mut client.answers)
    }

    /// Ends in [`Answer::Flushed`] when everything that was submitted before is answered.
    pub fn flush(&self, ticket: i32) {
        self.with(|client, now| client.producer.flush(now, ticket));
    }

    /// Calls `done` when it is known whether batches are numbered; perhaps under the lock, so it must not call the producer.
    pub fn identify(&self, done: impl FnOnce(Result<(), Reason>) + Send + 'static) {
        let mut client = self.lock();
        if client.closed {
            drop(client);
            done(Err(Reason::Stopped));
        } else if client.producer.is_identified() {
            drop(client);
            done(Ok(()));
        } else {
            client.waiters.identify.push(Box::new(done));
        }
    }

    /// Does this; then calls `done`, perhaps under the lock, so it must not call the producer. When the producer ends first,
    /// it is told [`Reason::Stopped`].
    pub fn transact(&self, what: Transact, done: impl FnOnce(Result<(), Trouble>) + Send + 'static) {
        let mut client = self.lock();
        if client.closed {
            drop(client);
            done(Err(Trouble::Fatal(Reason::Stopped)));
            return;
        }
        let (ticket, now) = (client.next_ticket, clock::now());
        client.next_ticket += 1;
        client.waiters.transact.insert(ticket, Box::new(done));
        match what {
            Transact::Begin => client.producer.begin_transaction(now, ticket),
            Transact::SendOffsets(offsets) => client.producer.send_offsets(now, ticket, offsets),
            Transact::Commit => client.producer.commit_transaction(now, ticket),
            Transact::Abort => client.producer.abort_transaction(now, ticket),
        }
        drop(client);
        self.shared.driver.notify_one();
    }

    /// Takes no more sends, and goes on with those before for at most `within`; then calls `done`. What was answered is to be taken
    /// after that.
    pub fn close(&self, within: Duration, done: impl FnOnce(()) + Send + 'static) {
        let mut client = self.lock();
        if client.closed || !client.running {
            client.closed = true;
            drop(client);
            done(());
            return;
        }
        client.waiters.close.push(Box::new(done));
        client.producer.close(clock::now(), within);
        drop(client);
        self.shared.driver.notify_one();
    }

    /// The Node environment goes away.
    pub fn abandon(&self) {
        let mut client = self.shared.lock();
        client.closed = true;
        client.answers.clear();
        client.waiters = Waiters::default();
        drop(client);
        self.shared.driver.notify_one();
        self.shared.outside.packer.notify_one();
    }

    /// Panics under the lock.
    #[cfg(test)]
    pub(super) fn break_down(&self) {
        let _client = self.shared.lock();
        panic!("a test's panic");
    }

    /// The client, which is closed if a call has panicked in the middle of the machine.
    fn lock(&self) -> MutexGuard<'_, ProducerClient> {
        if self.shared.is_broken() {
            ProducerClient::fail(&self.shared, End::Bug("a call into the engine has panicked".to_owned()));
        }
        self.shared.lock()
    }

    /// Calls the machine, and the driver afterwards. None: it is closed.
    fn with<T>(&self, call: impl FnOnce(&mut ProducerClient, Instant) -> T) -> Option<T> {
        let result = self.change(call)?;
        self.shared.driver.notify_one();
        Some(result)
    }

    /// Calls the machine. None: it is closed.
    fn change<T>(&self, call: impl FnOnce(&mut ProducerClient, Instant) -> T) -> Option<T> {
        let mut client = self.lock();
        if client.closed {
            return None;
        }
        let result = call(&mut client, clock::now());
        let wake = client.must_wake();
        drop(client);
        if wake {
            self.shared.outside.host.wake();
        }
        Some(result)
    }
}
