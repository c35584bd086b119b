//! A batch, from its first record to its end.
//!
//! ```text
//!            close           poll_job            handle_packed
//!  Open ─────────────► Closed ────────► Packing ───────────────► Closed (packed)
//!                        │ ▲
//!           poll_request │ │ to be tried again, unchanged
//!                        ▼ │
//!                      InFlight ──────► ended: taken out of its partition's queue
//! ```

use std::ops::Range;
use std::time::Instant;

use crate::engine::records::turn::Compression;
use crate::engine::records::{BatchWriter, CompressError, Compressor, Records, Sequence, Written};

use super::Reason;
use super::partition::End;
use super::verdict::Doubt;

/// What sends must agree in to share a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) acks: i16,
    pub(super) timeout_ms: i32,
    pub(super) compression: Option<Compression>,
}

/// A send's records in a batch; they lie together, behind those of the shares before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Share {
    /// The send's number.
    pub(super) send: u64,
    pub(super) records: i32,
    /// Which messages of the send they are.
    pub(super) messages: Spans,
}

/// Numbers of messages, in order. They follow each other as a rule, which takes no memory of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spans {
    last: Range<u32>,
    before: Vec<Range<u32>>,
}

impl Spans {
    /// One message.
    pub(super) fn new(number: u32) -> Spans {
        Spans { last: number..number.saturating_add(1), before: Vec::new() }
    }

    /// One more, behind the others.
    pub(super) fn push(&mut self, number: u32) {
        if self.last.end == number {
            self.last.end += 1;
        } else {
            let last = std::mem::replace(&mut self.last, number..number.saturating_add(1));
            self.before.push(last);
        }
    }

    pub(super) fn to_vec(&self) -> Vec<Range<u32>> {
        let mut ranges = self.before.clone();
        ranges.push(self.last.clone());
        ranges
    }

    /// The first `at` of them, and the others; there are more than `at`, which is above 0.
    fn split(&self, mut at: u32) -> (Spans, Spans) {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for Range { start, end } in self.to_vec() {
            let middle = start + at.min(end - start);
            at -= middle - start;
            for (half, range) in [(&mut first, start..middle), (&mut second, middle..end)] {
                if !range.is_empty() {
                    half.push(range);
                }
            }
        }
        let spans = |mut ranges: Vec<Range<u32>>| {
            let last = ranges.pop().unwrap_or_default();
            Spans { last, before: ranges }
        };
        (spans(first), spans(second))
    }
}

#[derive(Debug)]
pub(super) enum State {
    Open(BatchWriter),
    /// `packed` = compressed, once it is.
    Closed {
        plain: Records,
        packed: Option<Records>,
    },
    Packing {
        plain: Records,
    },
    InFlight {
        plain: Records,
        packed: Option<Records>,
    },
    /// Between two states.
    Moving,
}

#[derive(Debug)]
pub(super) struct Batch {
    /// Unique in the machine.
    pub(super) id: u64,
    pub(super) terms: Terms,
    pub(super) state: State,
    /// When its first message was sent.
    pub(super) created: Instant,
    pub(super) shares: Vec<Share>,
    /// Has the program said of any of its messages that it goes to this partition?
    pub(super) is_bound: bool,
    /// Under which number it was sent; it keeps it until its partition's epoch is raised.
    pub(super) sequence: Option<Sequence>,
    /// How many attempts have failed.
    pub(super) failures: u32,
    /// Of all its attempts.
    pub(super) doubt: Doubt,
    /// Why the last attempt failed.
    pub(super) last_failure: Option<Reason>,
}

impl Batch {
    pub(super) fn new(id: u64, terms: Terms, writer: BatchWriter, now: Instant) -> Batch {
        Batch {
            id,
            terms,
            state: State::Open(writer),
            created: now,
            shares: Vec::new(),
            is_bound: false,
            sequence: None,
            failures: 0,
            doubt: Doubt::No,
            last_failure: None,
        }
    }

    /// How it ends if it is given up now.
    pub(super) fn end(&self) -> End {
        if self.doubt > Doubt::No { End::Unknown } else { End::NotWritten }
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    pub(super) fn is_in_flight(&self) -> bool {
        matches!(self.state, State::InFlight { .. })
    }

    /// May it be given up? What is out, or is being compressed, is waited for.
    pub(super) fn is_idle(&self) -> bool {
        matches!(self.state, State::Open(_) | State::Closed { .. })
    }

    /// May its messages go to other partitions? Nobody wants them in this one, and none of them is there.
    pub(super) fn may_move(&self) -> bool {
        self.is_idle() && !self.is_bound && self.doubt == Doubt::No
    }

    /// Must it be compressed before it can be sent?
    pub(super) fn is_to_be_packed(&self) -> bool {
        self.terms.compression.is_some()
            && matches!(self.state, State::Open(_) | State::Closed { packed: None, .. })
    }

    /// Bytes of its records.
    pub(super) fn size(&self) -> usize {
        match &self.state {
            State::Open(writer) => writer.len(),
            State::Closed { plain, .. } | State::Packing { plain } | State::InFlight { plain, .. } => {
                plain.body().len()
            }
            State::Moving => 0,
        }
    }

    /// How many records it has.
    pub(super) fn count(&self) -> i32 {
        self.shares.iter().map(|share| share.records).sum()
    }

    /// Takes no more records.
    pub(super) fn close(&mut self) {
        self.state = match self.take() {
            State::Open(writer) => State::Closed { plain: writer.close(), packed: None },
            other => other,
        };
    }

    /// Is being compressed: returns what.
    pub(super) fn pack(&mut self) -> Option<(Records, Compression)> {
        self.close();
        let compression = self.terms.compression?;
        let (state, job) = match self.take() {
            State::Closed { plain, packed: None } => (State::Packing { plain: plain.clone() }, Some(plain)),
            other => (other, None),
        };
        self.state = state;
        job.map(|plain| (plain, compression))
    }

    /// Is compressed.
    pub(super) fn packed(&mut self, packed: Option<Records>) {
        self.state = match self.take() {
            State::Packing { plain } => State::Closed { plain, packed },
            other => other,
        };
    }

    /// Goes out: returns what.
    pub(super) fn send(&mut self) -> Option<Records> {
        self.close();
        let (state, records) = match self.take() {
            State::Closed { plain, packed } => {
                let records = packed.clone().unwrap_or_else(|| plain.clone());
                (State::InFlight { plain, packed }, Some(records))
            }
            other => (other, None),
        };
        self.state = state;
        records
    }

    /// Its attempt has failed.
    pub(super) fn back(&mut self) {
        self.state = match self.take() {
            State::InFlight { plain, packed, .. } => State::Closed { plain, packed },
            other => other,
        };
    }

    /// Each of its records, once it is closed.
    pub(super) fn records(&self) -> impl Iterator<Item = Written<'_>> {
        let plain = match &self.state {
            State::Closed { plain, .. } => Some(plain),
            _ => None,
        };
        plain.into_iter().flat_map(Records::iter)
    }

    /// Its records, as they were before compression.
    pub(super) fn into_records(self) -> Option<Records> {
        match self.state {
            State::Closed { plain, .. } | State::Packing { plain } | State::InFlight { plain, .. } => {
                Some(plain)
            }
            State::Open(writer) => Some(writer.close()),
            State::Moving => None,
        }
    }

    /// Two batches of about half of the sends each, or of half of the messages where it is one send's. `id`: of the second,
    /// which is not there where there is nothing to divide.
    pub(super) fn split(mut self, id: u64) -> (Batch, Option<Batch>) {
        self.back();
        let half = self.count() / 2;
        let mut at = 0;
        for share in &self.shares {
            if at > 0 && at + share.records > half {
                break;
            }
            at += share.records;
        }
        if at >= self.count() {
            at = half;
        }
        let State::Closed { plain, .. } = &self.state else { return (self, None) };
        let Some((first, second)) = plain.split(at) else { return (self, None) };
        let (of_first, of_second) = split_shares(std::mem::take(&mut self.shares), at);
        let half = |id, records: Records, shares| Batch {
            id,
            state: State::Closed { plain: records, packed: None },
            shares,
            sequence: None,
            failures: 0,
            last_failure: self.last_failure.clone(),
            ..self
        };
        (half(self.id, first, of_first), Some(half(id, second, of_second)))
    }

    fn take(&mut self) -> State {
        std::mem::replace(&mut self.state, State::Moving)
    }
}

/// The shares of the first `at` records, and of the others.
fn split_shares(shares: Vec<Share>, at: i32) -> (Vec<Share>, Vec<Share>) {
    let (mut first, mut second, mut left) = (Vec::new(), Vec::new(), at);
    for share in shares {
        let here = share.records.min(left);
        left -= here;
        if here == share.records {
            first.push(share);
        } else if here == 0 {
            second.push(share);
        } else {
            let (before, behind) = share.messages.split(here.unsigned_abs());
            first.push(Share { send: share.send, records: here, messages: before });
            second.push(Share { send: share.send, records: share.records - here, messages: behind });
        }
    }
    (first, second)
}

/// Records to be compressed, which takes its time: to be done where nothing waits for it.
#[derive(Debug)]
pub struct PackJob {
    pub(super) place: (usize, u64),
    pub(super) records: Records,
    pub(super) compression: Compression,
}

/// A [`PackJob`] that is done.
#[derive(Debug)]
pub struct Packed {
    pub(super) place: (usize, u64),
    pub(super) result: Result<Records, CompressError>,
}

impl PackJob {
    /// How many bytes there are to compress.
    #[expect(clippy::len_without_is_empty, reason = "there is something in every batch")]
    pub fn len(&self) -> usize {
        self.records.body().len()
    }

    /// Compresses. Give the result to [`Produce::handle_packed`](super::Produce::handle_packed).
    pub fn run(self, compressor: &mut Compressor) -> Packed {
        Packed { place: self.place, result: self.records.compress(compressor, self.compression) }
    }
}
