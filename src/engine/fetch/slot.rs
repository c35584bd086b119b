//! One topic-partition: its state, position and buffers.
//!
//! ```text
//!              assign                 set_position
//! Unassigned ──────────► Awaiting ──────────────────► Fetching
//!     ▲                    ▲  ▲   out of range, seek    │
//!     │                    │  └── to earliest/latest ───┤
//!     └────────────────────┴──────── unassign ──────────┘
//! ```

use std::collections::VecDeque;
use std::time::Instant;

use crate::engine::cluster::Leader;
use crate::engine::cluster::Metadata;
use crate::engine::machine::Backoff;
use crate::engine::machine::TopicPartition;
use crate::engine::protocol::TopicId;
use crate::engine::records::BatchReader;
use crate::engine::records::FetchedRecords;

use super::Failure;
use super::source::Source;
use super::truncation::UNKNOWN_EPOCH;

/// The number of a topic-partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotId(pub u32);

impl SlotId {
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Unassigned,
    /// Assigned; somebody looks the position up.
    Awaiting,
    Fetching {
        /// Next offset to hand over.
        position: i64,
        /// Next offset to ask a broker for: behind everything that is buffered.
        fetch_offset: i64,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) request: u64,
    pub(super) node: i32,
    pub(super) offset: i64,
    /// Of the leader, as far as we knew; negative if we did not.
    pub(super) leader_epoch: i32,
}

/// Where a partition lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) leader: Leader,
    pub(super) topic_id: TopicId,
}

pub(super) struct Slot {
    pub(super) partition: TopicPartition,
    pub(super) state: State,
    pub(super) epoch: u32,
    /// Of the last record that was fetched, or [`UNKNOWN_EPOCH`]; see `truncation.rs`.
    pub(super) leader_epoch: i32,
    pub(super) paused: bool,
    /// A failed handler's or a fetch error's wait.
    pub(super) muted_until: Option<Instant>,
    pub(super) backoff: Backoff,
    /// Raw answers, oldest first.
    pub(super) queue: VecDeque<FetchedRecords>,
    /// What is being decoded; None while a [`super::DecodeJob`] has it.
    pub(super) reader: Option<BatchReader>,
    /// Raw bytes of that, until nothing is left of it.
    pub(super) reading: usize,
    pub(super) decoding: bool,
    /// The next message alone needs a buffer of this size.
    pub(super) needs: Option<usize>,
    /// Decoded deliveries that wait for a lane.
    pub(super) ready: usize,
    /// The lane that handles this slot.
    pub(super) lane: Option<usize>,
    /// The Fetch for this slot that is under way. A state change clears it: its answer is then nobody's.
    pub(super) in_flight: Option<Asked>,
    /// Behind the messages that are ready lies data that cannot be read.
    pub(super) poison: Option<Failure>,
    /// Behind everything that is buffered the log has no such offset.
    pub(super) out_of_range: bool,
    /// How often in a row it could not be read: the broker refused it, for a reason that should have passed by now, or what
    /// came was damaged.
    pub(super) refusals: u32,
    /// What came last was damaged. Only sound records end that: an answer without any says nothing.
    pub(super) damaged: bool,
    /// The last answer with records: which broker's, to which request.
    pub(super) brought: Option<(i32, u64)>,
    /// The last answer named another leader (KIP-951), and we went there without waiting.
    pub(super) redirected: bool,
    /// What the metadata says of it; None without a leader.
    pub(super) place: Option<Place>,
    /// Whom it is fetched from.
    pub(super) source: Source,
    /// The last delivery that came back from a lane unresolved: the epoch since then, and where it ends.
    pub(super) returned: Option<(u32, i64)>,
}

impl Slot {
    pub(super) fn new(partition: TopicPartition) -> Slot {
        Slot {
            partition,
            state: State::Unassigned,
            epoch: 0,
            leader_epoch: UNKNOWN_EPOCH,
            paused: false,
            muted_until: None,
            backoff: Backoff::default(),
            queue: VecDeque::new(),
            reader: None,
            reading: 0,
            decoding: false,
            needs: None,
            ready: 0,
            lane: None,
            in_flight: None,
            poison: None,
            out_of_range: false,
            refusals: 0,
            damaged: false,
            brought: None,
            redirected: false,
            place: None,
            source: Source::default(),
            returned: None,
        }
    }

    /// The one place where late results are told from current ones.
    pub(super) fn is_current(&self, epoch: u32) -> bool {
        self.epoch == epoch
    }

    /// Moves to `state`; everything buffered or under way belongs to the past. Returns the raw bytes given up.
    pub(super) fn transition(&mut self, state: State) -> usize {
        let freed = self.queued_bytes();
        self.epoch = self.epoch.wrapping_add(1);
        self.state = state;
        self.leader_epoch = UNKNOWN_EPOCH;
        self.queue.clear();
        self.reader = None;
        self.reading = 0;
        self.decoding = false;
        self.needs = None;
        self.ready = 0;
        self.poison = None;
        self.out_of_range = false;
        self.in_flight = None;
        self.muted_until = None;
        self.refusals = 0;
        self.damaged = false;
        freed
    }

    /// Reads in the metadata where it lies.
    pub(super) fn locate(&mut self, metadata: &Metadata) {
        let topic_id = metadata.topic_id(&self.partition.topic);
        self.place = metadata.leader(&self.partition).map(|leader| Place { leader, topic_id });
    }

    /// The broker has answered as it should, or the records were sound.
    pub(super) fn recover(&mut self) {
        self.backoff.reset();
        self.refusals = 0;
        self.damaged = false;
    }

    pub(super) fn is_assigned(&self) -> bool {
        self.state != State::Unassigned
    }

    /// Raw bytes, those that are being decoded included.
    pub(super) fn queued_bytes(&self) -> usize {
        self.reading + self.queue.iter().map(|fetched| fetched.records.len()).sum::<usize>()
    }

    /// Has everything that was fetched been handled?
    pub(super) fn is_drained(&self) -> bool {
        self.queue.is_empty() && self.reader.is_none() && !self.decoding && self.is_handled()
    }

    /// Has everything that was decoded been handled?
    pub(super) fn is_handled(&self) -> bool {
        self.ready == 0 && self.lane.is_none()
    }

    /// Gives up the raw bytes, to ask for them again; not those that a decode job has. Returns how many. A Fetch under way
    /// is for what lies behind them: taken in, its answer would hide the gap.
    pub(super) fn shed(&mut self) -> usize {
        let reader = self.reader.take().map(|reader| reader.next_offset());
        let first = reader.or(self.queue.front().map(|fetched| fetched.fetch_offset));
        self.shed_from(first)
    }

    /// The same, when the first offset to be asked for again is known.
    pub(super) fn shed_from(&mut self, first: Option<i64>) -> usize {
        let before = self.queued_bytes();
        if let (Some(first), State::Fetching { fetch_offset, .. }) = (first, &mut self.state) {
            *fetch_offset = first;
            self.out_of_range = false;
            self.in_flight = None;
        }
        self.queue.clear();
        if !self.decoding {
            self.reading = 0;
            self.needs = None;
        }
        before - self.queued_bytes()
    }

    /// Should the next Fetch of its leader ask for this slot? One answer may wait behind the one being decoded, or
    /// about to be.
    pub(super) fn wants_fetch(&self, now: Instant) -> bool {
        let answers = self.queue.len() + usize::from(self.decoding || self.reader.is_some());
        matches!(self.state, State::Fetching { .. })
            && !self.paused
            && self.in_flight.is_none()
            && self.poison.is_none()
            && !self.out_of_range
            && answers <= 1
            && self.muted_until.is_none_or(|until| now >= until)
            && self.backoff.is_ready(now)
    }

    /// When a wait of this slot ends, if one is running.
    pub(super) fn wakes_at(&self, now: Instant) -> Option<Instant> {
        if !matches!(self.state, State::Fetching { .. }) || self.paused {
            return None;
        }
        self.muted_until.into_iter().chain(self.backoff.ready_at()).filter(|at| *at > now).max()
    }
}
