//! The calls of the admin client. Its driver runs while there are calls.

use std::sync::Arc;
use std::time::Instant;

use crate::engine::clients::admin::{Admin, Call, Event};
use crate::engine::machine::Failure;
use crate::engine::machine::NetError;
use crate::engine::network::Network;

use super::driver::{self, Client, End};
use super::metadata::SharedMetadata;
use super::shared::{Shared, Tickets, Waiter};

/// The admin client over the connections of a client. A cheap handle.
#[derive(Clone)]
pub struct AdminHandle {
    shared: Arc<Shared<AdminClient>>,
}

impl AdminHandle {
    /// An admin client over an open network. What its calls learn of the cluster goes into `metadata`.
    pub fn new(network: Network, metadata: SharedMetadata) -> AdminHandle {
        let client =
            AdminClient { admin: Admin::default(), tickets: Tickets::new(), running: false, broken: None };
        AdminHandle { shared: Arc::new(Shared::new(client, network, metadata)) }
    }

    /// Begins a call; `done` is called once, perhaps under the lock: it must not call the client.
    pub fn call<C: Call>(&self, call: C, done: impl FnOnce(Result<C::Answer, Failure>) + Send + 'static) {
        // A ticket is only ever answered by its own call.
        let typed = |answer: Box<dyn std::any::Any + Send>| {
            answer.downcast().map(|answer| *answer).map_err(|_| Failure::Net(NetError::OutOfStep))
        };
        let done: Waiter<_> = Box::new(move |result| done(result.and_then(typed)));
        if self.shared.is_broken() {
            AdminClient::fail(&self.shared, End::Bug("a call into the engine has panicked".to_owned()));
        }
        let mut client = self.shared.lock();
        if let Some(failure) = client.broken.clone() {
            drop(client);
            done(Err(failure));
            return;
        }
        let ticket = client.tickets.issue(done);
        client.admin.call(ticket, call);
        let has_driver = std::mem::replace(&mut client.running, true);
        drop(client);
        if has_driver {
            self.shared.driver.notify_one();
        } else {
            driver::start(&self.shared);
        }
    }

    /// Panics under the lock.
    #[cfg(test)]
    pub(super) fn break_down(&self) {
        let _client = self.shared.lock();
        panic!("a test's panic");
    }
}

pub(super) struct AdminClient {
    admin: Admin,
    tickets: Tickets<Box<dyn std::any::Any + Send>>,
    /// There is a driver.
    running: bool,
    /// We have panicked: every call fails with this.
    broken: Option<Failure>,
}

impl Client for AdminClient {
    type Machine = Admin;
    type Outside = SharedMetadata;
    type Chores = ();

    fn machine(&mut self) -> &mut Admin {
        &mut self.admin
    }

    fn is_closed(&self) -> bool {
        self.broken.is_some()
    }

    fn before(&mut self, _now: Instant) {}

    fn event(&mut self, metadata: &SharedMetadata, network: &Network, event: Event) {
        match event {
            Event::Metadata(answer) => {
                if metadata.learn(&answer) {
                    network.add_brokers(&answer.brokers);
                } else {
                    network.update_brokers(&answer.brokers);
                }
            }
            Event::Broker(broker) => network.update_broker(&broker),
            Event::Done { ticket, result } => self.tickets.answer(ticket, result),
        }
    }

    fn after(&mut self) {}

    fn carry_out(_: &Arc<Shared<AdminClient>>, (): ()) {}

    fn ends(&mut self) -> bool {
        self.running = !self.admin.is_idle();
        !self.running
    }

    fn fail(shared: &Shared<AdminClient>, why: End) {
        let mut client = shared.lock();
        let failure = match why {
            End::Bug(message) => {
                let failure = Failure::Bug(message);
                client.broken.get_or_insert(failure).clone()
            }
            End::NoThreads(error) => Failure::Net(error),
        };
        client.admin = Admin::default();
        client.running = false;
        let calls = client.tickets.take();
        drop(client);
        calls.for_each(|done| done(Err(failure.clone())));
    }
}
