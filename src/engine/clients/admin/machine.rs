//! The calls that run.

use std::any::Any;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::engine::machine::Failure;
use crate::engine::machine::Machine;
use crate::engine::machine::NetError;
use crate::engine::machine::Outbound;
use crate::engine::machine::Target;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;

use super::Event;
use super::call::{Call, Run, Running};

/// See the module's documentation.
#[derive(Default)]
pub struct Admin {
    /// By ticket.
    calls: BTreeMap<u64, Box<dyn Running>>,
    outbox: Outbox,
}

impl Admin {
    /// Begins a call. Answered by [`Event::Done`] with this ticket.
    pub fn call(&mut self, ticket: u64, call: impl Call) {
        let mut run = Run::new(call);
        self.outbox.ticket = ticket;
        let progress = run.begin(&mut self.outbox);
        self.calls.insert(ticket, Box::new(run));
        self.settle(ticket, progress);
    }

    /// Is no call under way, and is everything told?
    pub fn is_idle(&self) -> bool {
        self.calls.is_empty() && self.outbox.events.is_empty()
    }

    fn settle(&mut self, ticket: u64, progress: Result<Option<Box<dyn Any + Send>>, Failure>) {
        if let Some(result) = progress.transpose() {
            self.calls.remove(&ticket);
            // Answers to its requests that are under way are dropped; its requests that are not are not sent.
            self.outbox.asked.retain(|_, asked| *asked != ticket);
            let asked = &self.outbox.asked;
            self.outbox.requests.retain(|request| asked.contains_key(&request.id));
            self.outbox.events.push_back(Event::Done { ticket, result });
        }
    }
}

impl Machine for Admin {
    type Id = u64;
    type View<'a> = ();
    type Event = Event;

    fn handle_response(&mut self, _now: Instant, id: u64, response: Result<Response, NetError>) {
        // An answer tells of the cluster also when its call has ended meanwhile, by the error of another request.
        match &response {
            Ok(Response::Metadata(metadata)) if !metadata.error.is_err() => {
                self.outbox.events.push_back(Event::Metadata(metadata.clone()));
            }
            Ok(Response::FindCoordinator(answer)) => {
                let found = answer.coordinators.iter().filter(|found| !found.error.is_err());
                self.outbox.events.extend(found.map(super::calls::broker).map(Event::Broker));
            }
            _ => {}
        }
        let Some(ticket) = self.outbox.asked.remove(&id) else { return };
        let Some(call) = self.calls.get_mut(&ticket) else { return };
        self.outbox.ticket = ticket;
        let progress = call.answered(id, response, &mut self.outbox);
        self.settle(ticket, progress);
    }

    /// Calls have no timers: each request has the network's.
    fn handle_timeout(&mut self, _now: Instant) {}

    fn poll_request(&mut self, _now: Instant, (): ()) -> Option<Outbound> {
        self.outbox.requests.pop_front()
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.outbox.events.pop_front()
    }

    fn poll_timeout(&self, _now: Instant) -> Option<Instant> {
        None
    }
}

/// What the calls want to have sent and told.
#[derive(Default)]
pub(super) struct Outbox {
    /// Of the call that is at work.
    ticket: u64,
    next_id: u64,
    requests: VecDeque<Outbound>,
    /// Which call waits for the answer to a request.
    asked: HashMap<u64, u64>,
    events: VecDeque<Event>,
}

impl Outbox {
    /// `held`: how long the broker may take on purpose. Returns the request's number.
    pub(super) fn ask(&mut self, to: Target, body: Request, held: Duration) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.asked.insert(id, self.ticket);
        self.requests.push_back(Outbound { id, to, body, held });
        id
    }
}
