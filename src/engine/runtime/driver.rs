//! The driver of any client: one task that sends the machine's requests, brings it the answers and the time, and passes on
//! what it tells. It decides nothing.
//!
//! ```text
//!  machine ── poll_request ──► a future per request ──► network
//!     ▲ ▲                             │
//!     │ └──────── handle_response ◄───┘
//!     ├────────── handle_timeout ◄──── clock
//!     └ poll_event ──► Client::event, under the lock: in the order in which it happened
//! ```
//! Requests are futures of the driver's own task: a task for each would be two hops more between a call of JavaScript's and the
//! socket, and two more on the way back. A call may do the first half of this itself, see [`direct`](super::direct).

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::sleep;

use crate::engine::machine::Machine;
use crate::engine::machine::NetError;
use crate::engine::machine::Outbound;
use crate::engine::network::Network;
use crate::engine::network::clock;
use crate::engine::protocol::Response;

use super::direct::Sent;
use super::executor;
use super::shared::Shared;

/// A machine with what it needs of the world beside the network. Everything but [`Client::carry_out`] and [`Client::fail`] is
/// called under the lock.
pub(super) trait Client: Send + Sized + 'static {
    /// The rules.
    type Machine: for<'a> Machine<View<'a> = (), Id: Send + 'static>;
    /// What is used without the lock.
    type Outside: Send + Sync + 'static;
    /// What one pass leaves to be done without the lock.
    type Chores: Send;

    /// What is driven.
    fn machine(&mut self) -> &mut Self::Machine;
    /// Nothing may happen any more: the driver leaves the machine alone, and ends.
    fn is_closed(&self) -> bool;
    /// The machine is about to be asked what is next.
    fn before(&mut self, now: Instant);
    /// The machine tells this. It is heard before another thread can get the lock: before the messages that an answer brought
    /// are decoded, for instance.
    fn event(&mut self, outside: &Self::Outside, network: &Network, event: <Self::Machine as Machine>::Event);
    /// The machine has told everything.
    fn after(&mut self) -> Self::Chores;
    /// See [`Client::Chores`]. Comes before the requests of the pass go out.
    fn carry_out(shared: &Arc<Shared<Self>>, chores: Self::Chores);
    /// Is there nothing left to drive? Then the task ends.
    fn ends(&mut self) -> bool;
    /// The driver slept from `since`, and is awake now; `due` is when it was to wake up at the latest.
    fn looked(&mut self, _since: Instant, _due: Option<Instant>, _now: Instant) {}
    /// There is no driver any more, and everything that waits for an answer gets one.
    fn fail(shared: &Shared<Self>, why: End);
}

/// Why there is no driver.
#[derive(Debug)]
pub enum End {
    /// A panic: our bug.
    Bug(String),
    /// The process has no threads for one.
    NoThreads(NetError),
}

pub(super) type Id<C> = <<C as Client>::Machine as Machine>::Id;
pub(super) type Answer<C> = (Id<C>, Result<Response, NetError>);

/// Starts the driver.
pub(super) fn start<C: Client>(shared: &Arc<Shared<C>>) {
    supervise(shared, run(shared.clone()));
}

/// A panic of ours must end the client with a word, not leave it standing still.
pub(super) fn supervise<C: Client>(shared: &Arc<Shared<C>>, task: impl Future<Output = ()> + Send + 'static) {
    let watched = shared.clone();
    let supervised = executor::spawn(async move {
        if let Err(error) = tokio::spawn(task).await
            && error.is_panic()
        {
            let payload = error.into_panic();
            let text = payload.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
            C::fail(&watched, End::Bug(text.unwrap_or("unknown").to_owned()));
        }
    });
    if let Err(error) = supervised {
        C::fail(shared, End::NoThreads(error));
    }
}

async fn run<C: Client>(shared: Arc<Shared<C>>) {
    let mut requests = FuturesUnordered::<Sent<C>>::new();
    let mut answer = None;
    loop {
        if shared.is_broken() {
            // The call itself has thrown into JavaScript, where the program may have caught that.
            C::fail(&shared, End::Bug("a call into the engine has panicked".to_owned()));
            return;
        }
        let since = clock::now();
        requests.extend(shared.direct.wake_up());
        // Not under the lock: this goes on with all that is under way.
        let others = std::iter::from_fn(|| requests.next().now_or_never().flatten());
        let answers: Vec<_> = answer.take().into_iter().chain(others).collect();
        let step = step(&shared, answers);
        requests.extend(
            step.requests.into_iter().map(|outbound| -> Sent<C> { Box::pin(send(&shared, outbound)) }),
        );
        C::carry_out(&shared, step.chores);
        if step.ends {
            // What was sent last goes out, and nobody waits for its answer.
            tokio::spawn(requests.for_each(|_| std::future::ready(())));
            return;
        }
        let timer = async {
            match step.timeout {
                // tokio's clock stands still while the computer sleeps: then an answer or a call wakes the driver.
                Some(at) => sleep(at.saturating_duration_since(clock::now())).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // First what is to be sent, last the sleep: a call that drives meanwhile comes behind it.
            biased;
            Some(next) = requests.next() => answer = Some(next),
            () = shared.driver.notified() => {}
            () = timer => {}
            () = shared.direct.sleep(step.timeout) => {}
        }
        shared.lock().looked(since, step.timeout, clock::now());
    }
}

/// What one pass over the machine asks for; carried out without the lock.
pub(super) struct Step<C: Client> {
    pub(super) requests: Vec<Outbound<Id<C>>>,
    pub(super) timeout: Option<Instant>,
    pub(super) chores: C::Chores,
    pub(super) ends: bool,
}

pub(super) fn step<C: Client>(shared: &Shared<C>, answers: Vec<Answer<C>>) -> Step<C> {
    let mut requests = Vec::new();
    let mut client = shared.lock();
    let client = &mut *client;
    let now = clock::now();
    for (id, response) in answers {
        client.machine().handle_response(now, id, response);
    }
    if client.is_closed() {
        return Step { requests, timeout: None, chores: client.after(), ends: true };
    }
    client.before(now);
    if client.machine().poll_timeout(now).is_some_and(|at| at <= now) {
        client.machine().handle_timeout(now);
    }
    while let Some(request) = client.machine().poll_request(now, ()) {
        requests.push(request);
    }
    while let Some(event) = client.machine().poll_event() {
        client.event(&shared.outside, &shared.network, event);
    }
    let chores = client.after();
    Step { requests, timeout: client.machine().poll_timeout(now), chores, ends: client.ends() }
}

/// Also a panic of the network's, which would be a bug of ours, is an answer: the machine must not wait for ever.
pub(super) fn send<C: Client>(
    shared: &Shared<C>,
    Outbound { id, to, body, held }: Outbound<Id<C>>,
) -> impl Future<Output = Answer<C>> + Send + use<C> {
    let network = shared.network.clone();
    async move {
        let response = AssertUnwindSafe(network.send(to, body, held)).catch_unwind().await;
        (id, response.unwrap_or(Err(NetError::OutOfStep)))
    }
}
