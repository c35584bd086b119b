//! A consumer and what it has of the world beside the network: JavaScript's memory, its lanes, and a task that decodes.
//!
//! ```text
//!  driver task    requests out, answers in, timers            locks for microseconds
//!  decode task    fills slabs from raw bytes                   works outside the lock
//!  JS thread      take, finish, seek, pause, commit            locks for microseconds
//! ```
//!
//! All three call the same machine, so a seek or a revocation is in force for the very next `take`.

mod client;
mod decode;
mod handle;
#[cfg(test)]
mod tests;

pub(super) use client::ConsumerClient;
pub use client::{Cells, Host, SlabMemory};
pub use handle::{ConsumerHandle, Taken};
