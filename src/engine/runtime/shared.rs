//! What the tasks of one client and the JavaScript thread share: the client behind its lock, and the network.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use tokio::sync::Notify;

use crate::engine::machine::Failure;
use crate::engine::network::Network;

use super::direct::Direct;
use super::driver::Client;

/// See the module's documentation.
pub(super) struct Shared<C: Client> {
    client: Mutex<C>,
    /// Wakes the driver.
    pub(super) driver: Notify,
    pub(super) direct: Direct<C>,
    pub(super) network: Network,
    pub(super) outside: C::Outside,
}

impl<C: Client> Shared<C> {
    pub(super) fn new(client: C, network: Network, outside: C::Outside) -> Shared<C> {
        Shared { client: Mutex::new(client), driver: Notify::new(), direct: Direct::new(), network, outside }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, C> {
        // A panic under the lock is reported as our bug and ends the client; the data is still sound to read.
        self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a call panicked in the middle of the machine? Tasks are supervised; calls of JavaScript's are not.
    pub(super) fn is_broken(&self) -> bool {
        self.client.is_poisoned()
    }
}

/// Called once with how a call ended; perhaps under the lock, so it must not call the client.
pub type Waiter<T = ()> = Box<dyn FnOnce(Result<T, Failure>) + Send>;

/// The calls that wait for an event with their number.
pub(super) struct Tickets<T> {
    next: u64,
    waiters: HashMap<u64, Waiter<T>>,
}

impl<T> Tickets<T> {
    pub(super) fn new() -> Tickets<T> {
        Tickets { next: 0, waiters: HashMap::new() }
    }

    /// The number under which `waiter` is answered.
    pub(super) fn issue(&mut self, waiter: Waiter<T>) -> u64 {
        let ticket = self.next;
        self.next += 1;
        self.wait(ticket, waiter);
        ticket
    }

    /// `waiter` is answered under a number of the caller's own.
    pub(super) fn wait(&mut self, ticket: u64, waiter: Waiter<T>) {
        self.waiters.insert(ticket, waiter);
    }

    pub(super) fn answer(&mut self, ticket: u64, result: Result<T, Failure>) {
        if let Some(waiter) = self.waiters.remove(&ticket) {
            waiter(result);
        }
    }

    /// All that wait, to be answered without the lock: there will be no event any more.
    pub(super) fn take(&mut self) -> impl Iterator<Item = Waiter<T>> + use<T> {
        std::mem::take(&mut self.waiters).into_values()
    }
}
