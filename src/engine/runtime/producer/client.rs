//! The producer as its driver sees it: the machine, and what JavaScript has still to hear.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Notify;

use crate::engine::clients::producer::Answer;
use crate::engine::clients::producer::Event;
use crate::engine::clients::producer::News;
use crate::engine::clients::producer::Producer;
use crate::engine::clients::producer::Reason;
use crate::engine::clients::producer::Trouble;
use crate::engine::machine::Log;
use crate::engine::network::Network;
use crate::engine::network::clock;
use crate::engine::runtime::driver::{Client, End};
use crate::engine::runtime::shared::Shared;
use crate::engine::runtime::siblings::{Sibling, Siblings};

/// The other side of the boundary. It is told under the lock and must not call the producer.
pub trait ProducerHost: Send + Sync + 'static {
    /// There are answers to take.
    fn wake(&self);
    /// For the user's log.
    fn log(&self, log: Log);
    /// There will be no answers any more: a task of the engine has panicked, which is our bug, or there are no threads.
    fn broken(&self, why: End);
}

/// Called once with how something ended; perhaps under the lock, so it must not call the producer.
pub(super) type Waiter<T> = Box<dyn FnOnce(T) + Send>;

pub(in crate::engine::runtime) struct ProducerClient {
    pub(super) producer: Producer,
    pub(super) answers: Vec<Answer>,
    /// JavaScript is woken, and has not come yet.
    pub(super) woken: bool,
    /// There is a driver.
    pub(super) running: bool,
    /// Nothing may happen any more.
    pub(super) closed: bool,
    pub(super) waiters: Waiters,
    pub(super) next_ticket: u64,
    /// To be told to the siblings.
    pub(super) news: Vec<News>,
}

/// The calls that wait.
#[derive(Default)]
pub(super) struct Waiters {
    pub(super) identify: Vec<Waiter<Result<(), Reason>>>,
    /// About transactions, by ticket.
    pub(super) transact: HashMap<u64, Waiter<Result<(), Trouble>>>,
    pub(super) close: Vec<Waiter<()>>,
}

impl Waiters {
    /// There will be no event any more.
    fn stopped(self) {
        self.identify.into_iter().for_each(|waiter| waiter(Err(Reason::Stopped)));
        self.transact.into_values().for_each(|waiter| waiter(Err(Trouble::Fatal(Reason::Stopped))));
        self.close.into_iter().for_each(|waiter| waiter(()));
    }
}

/// What is used without the lock.
pub(in crate::engine::runtime) struct Outside {
    pub(super) host: Box<dyn ProducerHost>,
    /// There may be something to compress, or nothing ever again.
    pub(super) packer: Notify,
    pub(super) siblings: Siblings,
}

/// What a pass of the driver leaves to be done.
pub(in crate::engine::runtime) struct Chores {
    wake: bool,
    /// Are the tasks that compress to look?
    pack: bool,
    news: Vec<News>,
}

impl ProducerClient {
    /// Must JavaScript be woken? It is, then.
    pub(super) fn must_wake(&mut self) -> bool {
        !self.closed && !self.answers.is_empty() && !std::mem::replace(&mut self.woken, true)
    }
}

impl Client for ProducerClient {
    type Machine = Producer;
    type Outside = Outside;
    type Chores = Chores;

    fn machine(&mut self) -> &mut Producer {
        &mut self.producer
    }

    fn is_closed(&self) -> bool {
        self.closed
    }

    fn before(&mut self, _now: Instant) {}

    fn event(&mut self, outside: &Outside, network: &Network, event: Event) {
        match event {
            Event::Answer(answer) => self.answers.push(answer),
            Event::Identified(result) => {
                let waiters = std::mem::take(&mut self.waiters.identify);
                waiters.into_iter().for_each(|waiter| waiter(result.clone()));
            }
            Event::Transacted { ticket, result } => {
                if let Some(waiter) = self.waiters.transact.remove(&ticket) {
                    waiter(result);
                }
            }
            Event::Closed => {
                self.closed = true;
                std::mem::take(&mut self.waiters).stopped();
            }
            Event::Brokers(brokers) => network.update_brokers(&brokers),
            Event::News(news) => self.news.push(news),
            Event::Log(log) => outside.host.log(log),
        }
    }

    fn after(&mut self) -> Chores {
        // The last answers are told although nothing will happen any more.
        let wake = !self.answers.is_empty() && !std::mem::replace(&mut self.woken, true);
        let pack = self.closed || self.producer.compresses();
        Chores { wake, pack, news: std::mem::take(&mut self.news) }
    }

    fn carry_out(shared: &Arc<Shared<ProducerClient>>, Chores { wake, pack, news }: Chores) {
        let outside = &shared.outside;
        if pack {
            outside.packer.notify_one();
        }
        if wake {
            outside.host.wake();
        }
        news.iter().for_each(|news| outside.siblings.tell(news));
    }

    fn ends(&mut self) -> bool {
        self.closed
    }

    /// The host hears of it once, and answers all that waits for it.
    fn fail(shared: &Shared<ProducerClient>, why: End) {
        let mut client = shared.lock();
        let is_first = !std::mem::replace(&mut client.closed, true);
        client.answers.clear();
        let waiters = std::mem::take(&mut client.waiters);
        drop(client);
        if is_first {
            shared.outside.host.broken(why);
        }
        waiters.stopped();
        shared.outside.packer.notify_one();
    }
}

impl Sibling for Shared<ProducerClient> {
    fn hear(&self, news: &News) {
        if self.is_broken() {
            return;
        }
        let mut client = self.lock();
        if client.running && !client.closed {
            client.producer.hear(clock::now(), news);
            drop(client);
            self.driver.notify_one();
        }
    }
}
