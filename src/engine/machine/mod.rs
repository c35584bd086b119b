//! The words that all machines of the engine share: what a request is, where it goes and when ([`RequestState`]), timers, why
//! something failed, a line for the log and when it is said again ([`Reminder`]). Pure.
//!
//! [`Machine`] is the shape that all of them have:
//!
//! ```text
//! commands            user    → machine    named by what the user wants: `join`, `seek`, …
//! handle_response     network → machine    the answer to the request with this id, or why there is none
//! handle_timeout      clock   → machine    the instant that `poll_timeout` named has come
//! poll_request        machine → network    until None
//! poll_event          machine → its owner  until None
//! poll_timeout        machine → clock
//! ```

mod arena;
mod assignment;
mod backoff;
mod contract;
mod coordinator_key;
mod failure;
mod log;
mod net_error;
mod reminder;
mod request_state;
mod target;
mod timers;

use std::sync::Arc;
use std::time::Duration;

use crate::engine::protocol::Request;

pub use arena::Arena;
pub use assignment::{AssignmentDelta, Owned, by_topic, partitions_of};
pub use backoff::{Backoff, Pace, jittered};
pub use contract::Machine;
pub use coordinator_key::CoordinatorKey;
pub use failure::Failure;
pub use log::{Log, LogLevel};
pub use net_error::NetError;
pub use reminder::{Reminder, seconds};
pub use request_state::{RequestState, Sent};
pub use target::{ConnectionKind, Target};
pub(crate) use timers::timers;
pub use timers::{TimerKey, Timers};

/// A partition of a topic. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPartition {
    /// Topic name.
    pub topic: Arc<str>,
    /// Partition number.
    pub partition: i32,
}

/// Bytes of the largest answer. What announces itself as larger is taken for none, so no machine may ask for as much.
pub const LARGEST_ANSWER: i32 = 256 << 20;

/// A request that a machine wants to have sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Outbound<Id = u64> {
    /// What the machine tells its requests apart by; comes back in [`Machine::handle_response`].
    pub id: Id,
    /// Where to.
    pub to: Target,
    /// What.
    pub body: Request,
    /// How long the broker may hold the answer back on purpose (long poll, join); added to the request timeout.
    pub held: Duration,
}

impl<Id> Outbound<Id> {
    /// The same request under the id that the owner of the machine gives it.
    pub fn tagged<Tag>(self, tag: impl FnOnce(Id) -> Tag) -> Outbound<Tag> {
        let Outbound { id, to, body, held } = self;
        Outbound { id: tag(id), to, body, held }
    }
}
