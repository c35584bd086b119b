//! The driver task: requests out, answers and timers in, events on to the host.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::engine::consumer::Event;
use crate::engine::consumer::Tag;
use crate::engine::machine::NetError;
use crate::engine::machine::Outbound;
use crate::engine::protocol::Response;

use super::shared::{Shared, Waiter};
use crate::engine::network::clock;

type Answer = (Tag, Result<Response, NetError>);

pub(super) async fn run(shared: Arc<Shared>) {
    let (answers, mut answered) = mpsc::unbounded_channel::<Answer>();
    loop {
        if shared.is_broken() {
            // The call itself has thrown; whoever made it may have caught that.
            shared.bug("a call into the engine has panicked");
            return;
        }
        let since = clock::now();
        let step = step(&shared);
        for (tag, outbound) in step.requests {
            send(&shared, &answers, tag, outbound);
        }
        step.done.into_iter().for_each(|done| done());
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
            answer = answered.recv() => {
                let mut next = answer;
                while let Some((tag, response)) = next {
                    shared.lock().consumer.handle_response(clock::now(), tag, response);
                    next = answered.try_recv().ok();
                }
            }
            () = timer => {}
            () = shared.driver.notified() => {}
        }
        shared.lock().consumer.looked(since, step.timeout, clock::now());
    }
}

/// What one pass over the machine asks for; carried out without the lock.
#[derive(Default)]
struct Step {
    requests: Vec<(Tag, Outbound)>,
    done: Vec<Box<dyn FnOnce() + Send>>,
    timeout: Option<Instant>,
    wake: bool,
    /// New data, a new position, the end: the decoder looks for itself.
    decode: bool,
    over: bool,
}

fn step(shared: &Arc<Shared>) -> Step {
    let now = clock::now();
    let mut step = Step::default();
    let mut inner = shared.lock();
    let inner = &mut *inner;
    if inner.closed {
        step.over = true;
        step.decode = true;
        return step;
    }
    inner.read_cells(now);
    if inner.consumer.poll_timeout(now).is_some_and(|at| at <= now) {
        inner.consumer.handle_timeout(now);
    }
    while let Some(request) = inner.consumer.poll_request(now) {
        step.requests.push(request);
    }
    while let Some(event) = inner.consumer.poll_event() {
        match event {
            Event::Brokers(brokers) => shared.network.update_brokers(&brokers),
            Event::Renew(target) => shared.network.renew(target),
            Event::CommitDone { ticket, result } => {
                if let Some(waiter) = inner.waiters.remove(&ticket) {
                    step.done.push(Box::new(move || waiter(result)));
                }
            }
            Event::HeartbeatDone { ticket } => {
                if let Some(waiter) = inner.waiters.remove(&ticket) {
                    step.done.push(Box::new(move || waiter(Ok(()))));
                }
            }
            Event::Stopped => {
                inner.stopped = true;
                step.over = true;
                let waiters: Vec<Waiter> = std::mem::take(&mut inner.stop_waiters);
                step.done.push(Box::new(move || waiters.into_iter().for_each(|waiter| waiter(Ok(())))));
            }
            Event::FetchStart { .. } | Event::FetchEnd { .. } if !inner.fetch_events => {}
            event => {
                let shared = shared.clone();
                step.done.push(Box::new(move || shared.host.event(event)));
            }
        }
    }
    inner.write_cells();
    step.timeout = inner.consumer.poll_timeout(now);
    step.wake = inner.must_wake();
    step.decode = step.over || inner.consumer.may_decode();
    step
}

fn send(shared: &Arc<Shared>, answers: &mpsc::UnboundedSender<Answer>, tag: Tag, outbound: Outbound) {
    let network = shared.network.clone();
    let answers = answers.clone();
    tokio::spawn(async move {
        let response = network.send(outbound.to, outbound.body, outbound.held).await;
        // The driver is gone when the consumer has stopped: nobody wants the answer.
        let _ = answers.send((tag, response));
    });
}
