//! A call that drives the machine itself. To wake the driver's thread up takes longer than most requests take to be made and written: a lone
//! request of JavaScript's goes from the call to the socket, and the engine's thread is woken by the answer.
//!
//! ```text
//!  call ──► machine ──► step ──► request, polled once with the driver's waker ──► socket
//!                                       │
//!                                       └── `sent` ──► the driver's set, when an answer (or anything else) wakes the driver
//! ```
//! Nothing is lost on that way:
//!
//! - A call drives only while the driver sleeps, which is while `driver` has its waker. Else it leaves a permit in [`Shared::driver`], which
//!   the driver finds before it sleeps. It falls asleep and wakes up under this lock, and a call holds it from that question until its
//!   requests lie in `sent`: so they are there when the driver looks, whatever woke it, the answer to one of them included.
//! - Each request was polled with the waker of the driver's task, and is polled by the driver's set when it is there, which takes over its
//!   wake-ups. A request that has ended at once wakes the driver by a permit.
//! - The driver sleeps until `due` at the latest, which is written when it falls asleep. A timeout of the machine's that is earlier now
//!   wakes it by a permit, as does the end; a later one may: it looks once in vain.
//! - A panic in the machine leaves a permit, too: the driver finds the client's lock poisoned.
//!
//! One call at a time: while its requests lie in `sent`, another one wakes the driver. Whether a request may pass one that the driver has
//! made and not yet sent is the caller's question: a send does this when nothing of its producer's is out; a consumer has one commit out at a
//! time.
//! Locks are taken in this order: this, client.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use super::driver::{Answer, Client, send, step};
use super::executor;
use super::shared::Shared;

/// A request that is under way.
pub(super) type Sent<C> = Pin<Box<dyn Future<Output = Answer<C>> + Send>>;

/// Between calls and the driver.
pub(super) struct Direct<C: Client>(Mutex<State<C>>);

struct State<C: Client> {
    /// Of the driver, while it sleeps.
    driver: Option<Waker>,
    /// When it wakes up by itself.
    due: Option<Instant>,
    /// For the driver.
    sent: Vec<Sent<C>>,
}

impl<C: Client> Direct<C> {
    pub(super) fn new() -> Direct<C> {
        Direct(Mutex::new(State { driver: None, due: None, sent: Vec::new() }))
    }

    /// The driver is awake: what calls have sent is its own now.
    pub(super) fn wake_up(&self) -> Vec<Sent<C>> {
        let mut state = self.lock();
        state.driver = None;
        std::mem::take(&mut state.sent)
    }

    /// The driver sleeps, at most until `due`. Ends when a call's requests are to be taken over and the driver is polled, by an answer for
    /// instance.
    pub(super) async fn sleep(&self, due: Option<Instant>) {
        std::future::poll_fn(|context| {
            let mut state = self.lock();
            if !state.sent.is_empty() {
                return Poll::Ready(());
            }
            state.driver = Some(context.waker().clone());
            state.due = due;
            Poll::Pending
        })
        .await;
    }

    fn lock(&self) -> MutexGuard<'_, State<C>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// After a call that may have made the machine want a request, a small one: sends it from here if that goes without waiting, and else
/// wakes the driver.
pub(super) fn drive<C: Client>(shared: &Arc<Shared<C>>) {
    let is_done = catch_unwind(AssertUnwindSafe(|| try_to(shared)));
    if !matches!(is_done, Ok(true)) {
        shared.driver.notify_one();
    }
    if let Err(panic) = is_done {
        resume_unwind(panic);
    }
}

/// Is there nothing for the driver to do?
fn try_to<C: Client>(shared: &Arc<Shared<C>>) -> bool {
    let (Some(_runtime), Ok(mut state)) = (executor::enter(), shared.direct.0.try_lock()) else {
        return false;
    };
    let Some(driver) = state.driver.clone().filter(|_| state.sent.is_empty() && !shared.is_broken()) else {
        return false;
    };
    let step = step(shared, Vec::new());
    let is_earlier = step.timeout.is_some_and(|at| state.due.is_none_or(|due| at < due));
    let mut is_done = !is_earlier && !step.ends;
    for outbound in step.requests {
        let mut request: Sent<C> = Box::pin(send(shared, outbound));
        if let Poll::Ready(answer) = request.as_mut().poll(&mut Context::from_waker(&driver)) {
            is_done = false;
            request = Box::pin(std::future::ready(answer));
        }
        state.sent.push(request);
    }
    drop(state);
    C::carry_out(shared, step.chores);
    is_done
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{HashMap, VecDeque};
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::thread;
    use std::time::Duration;

    use crate::engine::machine::{Machine, NetError, Outbound, Target};
    use crate::engine::network::tests::peer::World;
    use crate::engine::network::{Network, NetworkConfig, clock};
    use crate::engine::protocol::Response;
    use crate::engine::protocol::heartbeat::HeartbeatRequest;
    use crate::engine::runtime::driver::{self, End};
    use crate::engine::runtime::tests::LONG;

    /// A client that asks what it is told to ask.
    #[derive(Default)]
    struct Asking {
        machine: Asks,
        waiters: HashMap<u64, Sender<bool>>,
        /// Passes on other threads than the engine's.
        direct: usize,
    }

    #[derive(Default)]
    struct Asks {
        next: u64,
        requests: VecDeque<(u64, Target)>,
        rings: Option<(Instant, u64)>,
        events: VecDeque<(u64, bool)>,
        breaks: bool,
    }

    impl Asks {
        fn ask(&mut self, id: u64, to: Target) {
            self.requests.push_back((id, to));
        }
    }

    impl Machine for Asks {
        type Id = u64;
        type View<'a> = ();
        type Event = (u64, bool);

        fn handle_response(&mut self, _: Instant, id: u64, response: Result<Response, NetError>) {
            self.events.push_back((id, response.is_ok()));
        }

        fn handle_timeout(&mut self, _: Instant) {
            self.events.extend(self.rings.take().map(|(_, id)| (id, true)));
        }

        fn poll_request(&mut self, _: Instant, (): ()) -> Option<Outbound> {
            assert!(!self.breaks, "a test's panic");
            let (id, to) = self.requests.pop_front()?;
            Some(Outbound { id, to, body: HeartbeatRequest::default().into(), held: Duration::ZERO })
        }

        fn poll_event(&mut self) -> Option<(u64, bool)> {
            self.events.pop_front()
        }

        fn poll_timeout(&self, _: Instant) -> Option<Instant> {
            self.rings.map(|(at, _)| at)
        }
    }

    impl Client for Asking {
        type Machine = Asks;
        type Outside = ();
        type Chores = ();

        fn machine(&mut self) -> &mut Asks {
            &mut self.machine
        }
        fn is_closed(&self) -> bool {
            false
        }
        fn before(&mut self, _: Instant) {
            self.direct += usize::from(thread::current().name() != Some("kafkars"));
        }
        fn event(&mut self, (): &(), _: &Network, (id, is_ok): (u64, bool)) {
            self.waiters.remove(&id).unwrap().send(is_ok).unwrap();
        }
        fn after(&mut self) {}
        fn carry_out(_: &Arc<Shared<Asking>>, (): ()) {}
        fn ends(&mut self) -> bool {
            false
        }
        fn fail(shared: &Shared<Asking>, _: End) {
            shared.lock().waiters.clear();
        }
    }

    type Way = fn(&Arc<Shared<Asking>>);

    fn call(shared: &Arc<Shared<Asking>>, way: Way, command: impl FnOnce(&mut Asks, u64)) -> Receiver<bool> {
        let (tell, answer) = channel();
        let mut client = shared.lock();
        let id = client.machine.next;
        client.machine.next += 1;
        client.waiters.insert(id, tell);
        command(&mut client.machine, id);
        drop(client);
        way(shared);
        answer
    }

    fn wake(shared: &Arc<Shared<Asking>>) {
        shared.driver.notify_one();
    }

    const BROKER: Target = Target::coordinator(1);
    const NOBODY: Target = Target::coordinator(9);

    /// A client with a driver, and a broker that answers.
    fn asking() -> (tokio::runtime::Runtime, Arc<Shared<Asking>>) {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let mut world = World::over_tcp(NetworkConfig::default());
        let shared = Arc::new(Shared::new(Asking::default(), world.network.clone(), ()));
        runtime.spawn(async move {
            let mut peer = world.welcome().await;
            while let Some(request) = peer.request().await {
                peer.reply_heartbeat(&request, 0).await;
            }
        });
        driver::start(&shared);
        (runtime, shared)
    }

    fn until_asleep(shared: &Shared<Asking>) {
        while shared.direct.lock().driver.is_none() {
            thread::yield_now();
        }
    }

    #[test]
    fn a_call_drives_while_the_driver_sleeps() {
        let (_runtime, shared) = asking();
        for n in 1..50 {
            until_asleep(&shared);
            let answer = call(&shared, drive, |machine, id| machine.ask(id, BROKER));
            assert_eq!(shared.lock().direct, n);
            assert_eq!(answer.recv_timeout(LONG), Ok(true));
        }
    }

    #[test]
    fn what_ends_at_once_and_what_comes_due_earlier_wake_the_driver() {
        let (_runtime, shared) = asking();
        for _ in 0..50 {
            until_asleep(&shared);
            let refused = call(&shared, drive, |machine, id| machine.ask(id, NOBODY));
            assert_eq!(refused.recv_timeout(LONG), Ok(false));
            until_asleep(&shared);
            let rings = call(&shared, drive, |machine, id| {
                machine.rings = Some((clock::now() + Duration::from_millis(1), id));
            });
            assert_eq!(rings.recv_timeout(LONG), Ok(true));
        }
    }

    #[test]
    fn a_panic_is_the_calls_and_the_end_of_the_client() {
        let (_runtime, shared) = asking();
        until_asleep(&shared);
        let answer = call(&shared, |_| {}, |_, _| {});
        shared.lock().machine.breaks = true;
        assert!(catch_unwind(AssertUnwindSafe(|| drive(&shared))).is_err());
        assert!(
            answer
                .recv_timeout(LONG)
                .is_err_and(|error| error == std::sync::mpsc::RecvTimeoutError::Disconnected)
        );
    }

    #[test]
    fn calls_of_many_threads_are_all_answered() {
        let (_runtime, shared) = asking();
        let threads = (0..4).map(|seed| {
            let shared = shared.clone();
            thread::spawn(move || {
                let mut random = fastrand::Rng::with_seed(seed);
                for _ in 0..2000 {
                    let several = 1 + usize::from(random.u8(..) < 64);
                    let answers: Vec<_> = (0..several)
                        .map(|_| {
                            let way: Way = if random.u8(..) < 192 { drive } else { wake };
                            let to = if random.u8(..) < 240 { BROKER } else { NOBODY };
                            (to, call(&shared, way, |machine, id| machine.ask(id, to)))
                        })
                        .collect();
                    for (to, answer) in answers {
                        assert_eq!(answer.recv_timeout(LONG), Ok(to == BROKER));
                    }
                }
            })
        });
        threads.collect::<Vec<_>>().into_iter().for_each(|thread| thread.join().unwrap());
        assert!(shared.lock().direct > 0);
    }
}
