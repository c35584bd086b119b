//! The shape of a machine, as a type.

use std::time::Instant;

use crate::engine::protocol::Response;

use super::{NetError, Outbound};

/// A state machine without I/O: answers and time go in, requests and events come out. What a machine's owner wants of it
/// (`join`, `seek`, …) are methods of its own, called commands here.
///
/// An owner feeds a machine in this order, and begins again at 1 whenever something has happened:
///
/// 1. any commands; [`handle_response`](Machine::handle_response) for each answer that has come;
///    [`handle_timeout`](Machine::handle_timeout), if the instant of step 4 is over;
/// 2. [`poll_request`](Machine::poll_request) until it returns `None`;
/// 3. [`poll_event`](Machine::poll_event) until it returns `None`;
/// 4. [`poll_timeout`](Machine::poll_timeout), once; then the owner waits for an answer, a command or that instant.
///
/// A command that an event of step 3 leads to counts as something that has happened: without going back to step 2, the
/// requests that it makes due would wait for the next answer or timer.
///
/// No method waits, reads a clock or calls back into its owner, so commands are allowed between any two of these calls,
/// between two polls as well. `now` never goes back from call to call.
pub trait Machine {
    /// What the machine's requests are told apart by: a number of its own, or, where a machine is made of machines, a tag
    /// that says which of them has asked.
    type Id: Copy;

    /// What the machine must be shown of its surroundings to make a request: the cluster's metadata, its coordinator. `()`
    /// where it knows by itself, as every client does.
    type View<'a>;

    /// What has happened, or what the owner has to do.
    type Event;

    /// Takes in the answer to the request with this id, or why there is none.
    ///
    /// Each request that [`poll_request`](Machine::poll_request) has returned gets exactly one answer, in any order. The
    /// answer to a request that the machine has given up, or of which it does not know, changes nothing: each machine drops
    /// it in one place.
    fn handle_response(&mut self, now: Instant, id: Self::Id, response: Result<Response, NetError>);

    /// Takes notice of the time: what was to happen by `now` happens.
    ///
    /// Must be called when the instant of [`poll_timeout`](Machine::poll_timeout) has come, and may be called at any other
    /// time.
    fn handle_timeout(&mut self, now: Instant);

    /// Returns the next request to send, and takes it for sent. `None` until something happens, or `view` changes.
    fn poll_request(&mut self, now: Instant, view: Self::View<'_>) -> Option<Outbound<Self::Id>>;

    /// Returns the next event, oldest first.
    fn poll_event(&mut self) -> Option<Self::Event>;

    /// Returns when [`handle_timeout`](Machine::handle_timeout) is to be called next; `None` where only an answer or a command
    /// can help.
    ///
    /// Every timer that runs is in it, and every request that waits for its time: a machine has nothing else that would tell
    /// its owner. An instant that is over already asks for a call at once, and the call leaves no such instant behind, or its
    /// owner would be kept busy: what only waits for an answer has no timer.
    fn poll_timeout(&self, now: Instant) -> Option<Instant>;
}
