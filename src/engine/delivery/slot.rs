//! One topic-partition: what is buffered for it, and which lane handles it.
//!
//! ```text
//!            poll_decode                   decoded, all read
//!  Nothing ──────────────► Decoding ──────────────────────────► Nothing
//!                            ▲    │ decoded, something is left
//!                poll_decode │    ▼
//!                            └── Open ──── shed ──────────────► Nothing
//! ```
//! [`Slot::void`] leads from everywhere to `Nothing`.

use std::collections::VecDeque;

use crate::engine::machine::TopicPartition;
use crate::engine::records::BatchReader;
use crate::engine::records::FetchedRecords;

/// The number of a topic-partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotId(pub u32);

impl SlotId {
    /// Slots are numbered from 0 on without gaps: its place in a table.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What is between the queue and the ready deliveries. See the module's documentation.
#[derive(Default)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one per partition; a box would be made for each delivery"
)]
pub(super) enum Reading {
    #[default]
    Nothing,
    Open(Open),
    /// A [`super::DecodeJob`] has it.
    Decoding {
        /// The first offset that its delivery stands for.
        start: i64,
        bytes: usize,
        /// From [`Open::needs`].
        needs: Option<usize>,
    },
}

/// An answer that is partly read, or about to be.
pub(super) struct Open {
    pub(super) reader: BatchReader,
    /// Its raw bytes, which count until nothing is left of it.
    pub(super) bytes: usize,
    /// The next message alone needs a buffer of this size.
    pub(super) needs: Option<usize>,
}

pub(super) struct Slot {
    pub(super) partition: TopicPartition,
    pub(super) assigned: bool,
    epoch: u32,
    /// The epoch in which it was assigned.
    since: u32,
    pub(super) paused: bool,
    /// It is being given up: nothing of it is asked for, decoded or handed out any more.
    pub(super) draining: bool,
    /// Raw answers, oldest first.
    pub(super) queue: VecDeque<FetchedRecords>,
    pub(super) reading: Reading,
    /// Decoded deliveries that wait for a lane.
    pub(super) ready: usize,
    /// The lane that handles this slot.
    pub(super) lane: Option<usize>,
}

impl Slot {
    pub(super) fn new(partition: TopicPartition) -> Slot {
        Slot {
            partition,
            assigned: false,
            epoch: 0,
            since: 0,
            paused: false,
            draining: false,
            queue: VecDeque::new(),
            reading: Reading::Nothing,
            ready: 0,
            lane: None,
        }
    }

    pub(super) fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The one place where late results are told from current ones.
    pub(super) fn is_current(&self, epoch: u32) -> bool {
        self.epoch == epoch
    }

    /// It is assigned again: what lanes still do in it belongs to an assignment that is over.
    pub(super) fn assign(&mut self) {
        self.assigned = true;
        self.since = self.epoch;
    }

    /// Is this epoch of the assignment that there is now? A seek ends an epoch, and no assignment.
    pub(super) fn is_of_assignment(&self, epoch: u32) -> bool {
        self.assigned && epoch.wrapping_sub(self.since).cast_signed() >= 0
    }

    /// A new epoch: everything buffered or under way belongs to the past. Returns the raw bytes given up.
    pub(super) fn void(&mut self) -> usize {
        let freed = self.queued_bytes();
        self.epoch = self.epoch.wrapping_add(1);
        self.queue.clear();
        self.reading = Reading::Nothing;
        self.ready = 0;
        freed
    }

    /// Paused, or about to go?
    pub(super) fn is_held(&self) -> bool {
        self.paused || self.draining
    }

    /// Raw bytes, those that are being decoded included.
    pub(super) fn queued_bytes(&self) -> usize {
        let reading = match &self.reading {
            Reading::Nothing => 0,
            Reading::Open(Open { bytes, .. }) | Reading::Decoding { bytes, .. } => *bytes,
        };
        reading + self.queue.iter().map(|fetched| fetched.records.len()).sum::<usize>()
    }

    /// Takes out what is to be decoded next; not while a job is under way.
    pub(super) fn open(&mut self) -> Option<Open> {
        match std::mem::take(&mut self.reading) {
            Reading::Open(open) => Some(open),
            Reading::Nothing => {
                let fetched = self.queue.pop_front()?;
                let bytes = fetched.records.len();
                Some(Open { reader: BatchReader::new(fetched), bytes, needs: None })
            }
            decoding @ Reading::Decoding { .. } => {
                self.reading = decoding;
                None
            }
        }
    }

    /// Gives up what is queued, but not what a decode job has. Returns the first offset that is given up.
    pub(super) fn shed(&mut self) -> Option<i64> {
        let mut first = self.queue.front().map(|fetched| fetched.fetch_offset);
        if let Reading::Open(Open { reader, .. }) = &self.reading {
            first = Some(reader.next_offset());
            self.reading = Reading::Nothing;
        }
        self.queue.clear();
        first
    }

    /// Has everything that was pushed been handled?
    pub(super) fn is_drained(&self) -> bool {
        self.has_read_all() && self.is_handled()
    }

    /// Has everything that was pushed been decoded?
    pub(super) fn has_read_all(&self) -> bool {
        self.queue.is_empty() && matches!(self.reading, Reading::Nothing)
    }

    /// Has everything that was decoded been handled?
    pub(super) fn is_handled(&self) -> bool {
        self.ready == 0 && self.lane.is_none()
    }

    /// Is there room for another answer? One may wait behind the one being decoded, or about to be.
    pub(super) fn has_room(&self) -> bool {
        self.queue.len() + usize::from(!matches!(self.reading, Reading::Nothing)) <= 1
    }
}
