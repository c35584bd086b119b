//! The driver: gives the pure machines a clock, sockets, threads and memory, and decides nothing.
//!
//! One client (a consumer, an admin client) = one machine behind a mutex, a driver task, and the JavaScript thread: both call
//! the same machine. What only one kind of client has is in a part of its own.
//!
//! ```text
//! driver     any machine: requests out, answers in, timers     consumer   slabs, lanes, the decode task
//! shared     the lock; calls that wait                         producer   answers, the pack tasks
//! executor   the threads of the process                        admin      calls of the admin client
//! siblings   what a client of a `Kafka` tells the others       metadata   what its calls learn, for consumers
//! ```

#![expect(clippy::disallowed_methods, reason = "this room is the one that reads the clock")]

mod admin;
mod consumer;
mod direct;
mod driver;
mod executor;
mod metadata;
mod producer;
mod shared;
mod siblings;
#[cfg(test)]
mod tests;

pub use admin::AdminHandle;
pub use consumer::{Cells, ConsumerHandle, Host, SlabMemory, Taken};
pub use driver::End;
pub use executor::spawn;
pub use metadata::SharedMetadata;
pub use producer::{ProducerHandle, ProducerHost, Transact};
pub use shared::Waiter;
pub use siblings::Siblings;
