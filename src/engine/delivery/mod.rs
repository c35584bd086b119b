//! From fetched bytes to a handler: queue, decoding, lanes. Pure.
//!
//! A partition's data goes through four places, each bounded:
//!
//! ```text
//!             push            poll_decode, decoded           take           finish
//!  supplier ────────► queue ──────────────────────► ready ────────► lane ────────────► supplier: resolved, returned
//!           raw bytes         slabs, decoded          ▲              │ one handler,
//!                                                     └──── kept ◄───┘ one partition
//! ```
//!
//! [`Deliveries`] is a part of a **supplier**: the machine that gets records from brokers and knows what has become of them.
//! `fetch` is one, with positions. Another could acquire records and acknowledge them (KIP-932). Delivery asks nothing of
//! its supplier and never calls it: the supplier pushes, passes the calls of the lanes on, and learns from what they return.
//!
//! | call | tells the supplier | `fetch` then |
//! |---|---|---|
//! | [`wants`](Deliveries::wants) | the queue of this slot has room: ask for more | asks the leader |
//! | [`decoded`](Deliveries::decoded) | [`Verdict`]: a delivery is ready, or the data cannot be read from `next` on | asks for `next` again, or gives up |
//! | [`take`](Deliveries::take) | `start..next_offset` is in a lane | moves the position behind it |
//! | [`progress`](Deliveries::progress), [`resolve`](Deliveries::resolve) | everything before this offset is resolved | may commit it |
//! | [`finish`](Deliveries::finish) | [`Finished`]: resolved, kept, or returned from this offset on | moves the position back to it |
//! | [`shed_paused`](Deliveries::shed_paused) | from this offset on, what was queued is given up | asks for it again |
//! | [`void`](Deliveries::void) | the number of what JavaScript kept in vain | tells JavaScript |
//!
//! What is given up is told by the first offset of it, as the supplier pushes in the order of offsets. A supplier that pushed something
//! behind what lies before it (what a share group gets back may come later) voids the slot instead.
//!
//! * A **slot** is the number of a topic-partition; slots are never reused for another one. The supplier may keep a table of
//!   its own by [`SlotId::index`].
//! * Each slot has an **epoch**. The supplier ends it with [`void`](Deliveries::void) (a seek, a returned delivery, a partition
//!   that goes): everything of the slot that is buffered is dropped, its lane is told. A decoded job or a lane's result that
//!   comes later is of an older epoch and has no effect: `Slot::is_current` is the one place where that is found out. A supplier
//!   has to see to its own late answers.
//! * A **lane** is one of the handlers that may run at once. A slot is in at most one lane, and its deliveries are taken in
//!   the order in which their data was pushed.
//! * **Pausing** ends no epoch: what is buffered waits, and a lane that stops leaves the rest of its delivery to be taken
//!   after the pause, see `kept`. [`suspend`](Deliveries::suspend) stops all lanes for a rebalance or for the end.
//! * A message that does not fit a slab gets a buffer of its own. One that is larger than messages may be is damage.

mod decode;
mod deliveries;
mod kept;
mod lanes;
mod pauses;
mod slabs;
mod slot;
#[cfg(test)]
pub(crate) mod tests;

pub use decode::{DecodeJob, Decoded, Verdict};
pub use deliveries::Deliveries;
pub use lanes::{Delivery, Finished, LANE_CLOSING, LANE_STALE, LANE_STOP, Outcome};
pub use slabs::{Buffer, MAX_MESSAGES};
pub use slot::SlotId;

/// What a [`DecodeJob`] is expected to be.
pub use crate::engine::records::Estimate;

/// What bounds the deliveries of one consumer.
#[derive(Debug, Clone, Copy)]
pub struct DeliveryConfig {
    /// Raw bytes buffered over all partitions, up to the end of their decoding, and what is kept during pauses: beyond this
    /// the supplier should ask for nothing more, and nothing more is kept. As much again may be decoded and wait for a lane.
    pub max_queued_bytes: usize,
    /// Handlers at once.
    pub lanes: usize,
}
