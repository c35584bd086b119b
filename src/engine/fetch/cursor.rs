//! Where the fetching of one topic-partition stands.
//!
//! ```text
//!              assign                 set_position
//! Unassigned ──────────► Awaiting ──────────────────► Fetching
//!     ▲                    ▲  ▲   out of range, seek    │
//!     │                    │  └── to earliest/latest ───┤
//!     └────────────────────┴──────── unassign ──────────┘
//! ```

use std::time::Instant;

use crate::engine::cluster::Leader;
use crate::engine::cluster::Metadata;
use crate::engine::machine::Backoff;
use crate::engine::machine::TopicPartition;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::TopicId;
use crate::engine::records::Unreadable;

use super::Failure;
use super::source::Source;
use super::truncation::KnownEpoch;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum State {
    #[default]
    Unassigned,
    /// Assigned; the owner of the machine looks the position up.
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

/// The fetching of one slot. What is buffered for it belongs to `delivery`.
pub(super) struct Cursor {
    pub(super) state: State,
    /// See `truncation.rs`.
    pub(super) known_epoch: KnownEpoch,
    /// A failed handler's wait.
    pub(super) muted_until: Option<Instant>,
    /// A fetch error's wait.
    pub(super) backoff: Backoff,
    /// The Fetch for this slot that is under way. A state change clears it: its answer is then of no use.
    pub(super) in_flight: Option<Asked>,
    /// Behind the messages that are ready lies data that cannot be read.
    pub(super) poison: Option<Poison>,
    /// Behind everything that is buffered the log has no such offset.
    pub(super) out_of_range: bool,
    /// How often in a row it could not be read: the broker refused it, for a reason that should have passed by now, or what
    /// came was damaged.
    pub(super) refusals: u32,
    /// Since when it cannot be read, and how that was put last.
    pub(super) trouble: Option<(Instant, ErrorCode)>,
    /// What came last was damaged. Only sound records end that: an answer without any says nothing.
    pub(super) damaged: bool,
    /// The last answer with records: which broker's, to which request.
    pub(super) brought: Option<(i32, u64)>,
    /// The last answer named another leader (KIP-951), and we went there without waiting.
    pub(super) redirected: bool,
    /// What the metadata says of it; None without a leader.
    pub(super) place: Option<Place>,
    /// Which broker it is fetched from.
    pub(super) source: Source,
    /// High watermark and last stable offset, from the last answer; -1 before it.
    pub(super) log_end: (i64, i64),
    /// Where the delivery ends that has come back from a lane unresolved, if nothing has happened to the slot since then.
    pub(super) returned: Option<i64>,
}

/// Data that cannot be read, however often it is asked for.
#[derive(Debug)]
pub(super) struct Poison {
    pub(super) failure: Failure,
    /// What it is, if one can go on behind it.
    pub(super) batch: Option<Unreadable>,
}

impl Default for Cursor {
    fn default() -> Cursor {
        Cursor {
            state: State::Unassigned,
            known_epoch: KnownEpoch::NONE,
            muted_until: None,
            backoff: Backoff::default(),
            in_flight: None,
            poison: None,
            out_of_range: false,
            refusals: 0,
            trouble: None,
            damaged: false,
            brought: None,
            redirected: false,
            place: None,
            source: Source::default(),
            log_end: (-1, -1),
            returned: None,
        }
    }
}

impl Cursor {
    /// Moves to `state`; everything asked for, or found out about what was fetched, belongs to the past.
    pub(super) fn transition(&mut self, state: State) {
        self.state = state;
        self.known_epoch = KnownEpoch::NONE;
        self.poison = None;
        self.out_of_range = false;
        self.in_flight = None;
        self.muted_until = None;
        self.refusals = 0;
        self.trouble = None;
        self.damaged = false;
        self.returned = None;
    }

    /// What lies before `position` has been handed over. Without a new state, this is the only way in which the position moves.
    pub(super) fn hand_over(&mut self, next: i64) {
        if let State::Fetching { position, .. } = &mut self.state {
            *position = next;
        }
    }

    /// What was buffered from this offset on is given up, and is asked for again. A Fetch under way is for what lies behind
    /// that: taken in, its answer would hide the gap.
    pub(super) fn fetch_again(&mut self, from: i64) {
        if let State::Fetching { fetch_offset, .. } = &mut self.state {
            *fetch_offset = from;
            self.out_of_range = false;
            self.in_flight = None;
        }
    }

    /// Reads in the metadata where it lies.
    pub(super) fn locate(&mut self, partition: &TopicPartition, metadata: &Metadata) {
        let topic_id = metadata.topic_id(&partition.topic);
        self.place = metadata.leader(partition).map(|leader| Place { leader, topic_id });
    }

    /// The broker has answered as it should, or the records were sound.
    pub(super) fn recover(&mut self) {
        self.backoff.reset();
        self.refusals = 0;
        self.trouble = None;
        self.damaged = false;
    }

    /// It cannot be read now.
    pub(super) fn is_in_trouble(&mut self, now: Instant, code: ErrorCode) {
        let since = self.trouble.map_or(now, |(since, _)| since);
        self.trouble = Some((since, code));
    }

    /// May the next Fetch of its leader ask for this slot?
    pub(super) fn may_fetch(&self, now: Instant) -> bool {
        matches!(self.state, State::Fetching { .. })
            && self.in_flight.is_none()
            && self.poison.is_none()
            && !self.out_of_range
            && self.muted_until.is_none_or(|until| now >= until)
            && self.backoff.is_ready(now)
    }

    /// When a wait of this slot ends, if one is running.
    pub(super) fn wakes_at(&self, now: Instant) -> Option<Instant> {
        if !matches!(self.state, State::Fetching { .. }) {
            return None;
        }
        self.muted_until.into_iter().chain(self.backoff.ready_at()).filter(|at| *at > now).max()
    }
}
