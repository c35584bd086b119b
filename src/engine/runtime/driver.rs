//! The driver task: requests out, answers and timers in, events on to the host.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::engine::clients::consumer::Event;
use crate::engine::clients::consumer::Tag;
use crate::engine::machine::Machine;
use crate::engine::machine::NetError;
use crate::engine::machine::Outbound;
use crate::engine::network::clock;
use crate::engine::protocol::Response;

use super::shared::Shared;

type Answer = (Tag, Result<Response, NetError>);

pub(super) async fn run(shared: Arc<Shared>) {
    let (answers, mut answered) = mpsc::unbounded_channel::<Answer>();
    let mut answer = None;
    loop {
        if shared.is_broken() {
            // The call itself has thrown; whoever made it may have caught that.
            shared.bug("a call into the engine has panicked");
            return;
        }
        let since = clock::now();
        let answers_now = answer.take().into_iter().chain(std::iter::from_fn(|| answered.try_recv().ok()));
        let step = step(&shared, answers_now);
        for outbound in step.requests {
            send(&shared, &answers, outbound);
        }
        if step.decode {
            shared.decoder.notify_one();
        }
        if step.wake {
            shared.host.wake();
        }
        if step.over {
            return;
        }
        let timer = async {
            match step.timeout {
                // Its own clock may be behind: whoever sleeps is woken by what comes, or by a `take`.
                Some(at) => sleep(at.saturating_duration_since(clock::now())).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            next = answered.recv() => answer = next,
            () = timer => {}
            () = shared.driver.notified() => {}
        }
        shared.lock().consumer.looked(since, step.timeout, clock::now());
    }
}

/// What one pass over the machine asks for; carried out without the lock.
#[derive(Default)]
struct Step {
    requests: Vec<Outbound<Tag>>,
    timeout: Option<Instant>,
    wake: bool,
    /// New data, a new position, the end: the decoder looks for itself.
    decode: bool,
    over: bool,
}

/// The host hears what has happened before anybody else can get the lock: before the messages that came with it are decoded.
fn step(shared: &Shared, answers: impl Iterator<Item = Answer>) -> Step {
    let mut step = Step::default();
    let mut inner = shared.lock();
    let inner = &mut *inner;
    let now = clock::now();
    for (tag, response) in answers {
        inner.consumer.handle_response(now, tag, response);
    }
    if inner.closed {
        step.over = true;
        step.decode = true;
        return step;
    }
    inner.read_cells(now);
    if inner.consumer.poll_timeout(now).is_some_and(|at| at <= now) {
        inner.consumer.handle_timeout(now);
    }
    while let Some(request) = inner.consumer.poll_request(now, ()) {
        step.requests.push(request);
    }
    while let Some(event) = inner.consumer.poll_event() {
        match event {
            Event::Brokers(brokers) => shared.network.update_brokers(&brokers),
            Event::Renew(target) => shared.network.renew(target),
            Event::CommitDone { ticket, result } => {
                if let Some(waiter) = inner.waiters.remove(&ticket) {
                    waiter(result);
                }
            }
            Event::HeartbeatDone { ticket } => {
                if let Some(waiter) = inner.waiters.remove(&ticket) {
                    waiter(Ok(()));
                }
            }
            Event::Stopped => {
                inner.stopped = true;
                step.over = true;
                std::mem::take(&mut inner.stop_waiters).into_iter().for_each(|waiter| waiter(Ok(())));
            }
            Event::FetchStart { .. } | Event::FetchEnd { .. } if !inner.fetch_events => {}
            Event::Committed { .. } if !inner.commit_events => {}
            event => shared.host.event(event),
        }
    }
    inner.write_cells();
    step.timeout = inner.consumer.poll_timeout(now);
    step.wake = inner.must_wake();
    step.decode = step.over || inner.consumer.may_decode();
    step
}

fn send(shared: &Arc<Shared>, answers: &mpsc::UnboundedSender<Answer>, outbound: Outbound<Tag>) {
    let network = shared.network.clone();
    let answers = answers.clone();
    tokio::spawn(async move {
        let response = network.send(outbound.to, outbound.body, outbound.held).await;
        // The driver is gone when the consumer has stopped: nobody wants the answer.
        let _ = answers.send((outbound.id, response));
    });
}
