//! A producer and what it has of the world beside the network: answers that JavaScript has not heard yet, and tasks that compress.
//!
//! ```text
//!  driver task    requests out, answers in, timers       locks for microseconds
//!  pack tasks     compress batches                        work outside the lock
//!  JS thread      submit: writes messages into batches    locks for as long as that takes
//! ```
//!
//! Answers wait in one list until JavaScript takes them all at once: it is woken once for any number of them.

mod client;
mod handle;
mod pack;
#[cfg(test)]
mod tests;

pub use client::ProducerHost;
pub use handle::{ProducerHandle, Transact};
