//! The driver: gives the pure machines a clock, sockets, threads and memory, and decides nothing.
//!
//! One consumer = one [`Consumer`](crate::engine::clients::consumer::Consumer) machine behind a mutex, two tasks, and the
//! JavaScript thread:
//!
//! ```text
//!  driver task    requests out, answers in, timers            locks for microseconds
//!  decode task    fills slabs from raw bytes                   works outside the lock
//!  JS thread      take, finish, seek, pause, commit            locks for microseconds
//! ```
//!
//! All three call the same machine, so a seek or a revocation is in force for the very next `take`.

#![expect(clippy::disallowed_methods, reason = "this room is the one that reads the clock")]

mod decode;
mod driver;
mod executor;
mod handle;
pub mod queries;
mod shared;
#[cfg(test)]
mod tests;

pub use executor::spawn;
pub use handle::{ConsumerHandle, Taken};
pub use shared::{Cells, Host, SlabMemory, Waiter};
