//! Which sends are not answered yet, and what is known of them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::{Answer, Event, FailedPart, FailedSend, Row};

/// A send of which something is still to be decided.
#[derive(Debug)]
struct Pending {
    ticket: i32,
    /// Shares in batches, topics that wait for metadata, and the hand-over while it lasts.
    parts: usize,
    rows: Vec<Row>,
    failed: Vec<FailedPart>,
}

/// The sends, by a number that grows from call to call.
#[derive(Debug, Default)]
pub(super) struct SendTable {
    /// The number of the first one in `pending`.
    first: u64,
    /// In the order of their numbers; None: answered before an earlier one.
    pending: VecDeque<Option<Pending>>,
    /// Those before `first` that are not answered while most of what came later is: a partition may stand still for minutes.
    stragglers: BTreeMap<u64, Pending>,
    /// How many of them are not answered.
    open: usize,
    /// Tickets of flushes, and the first number that each does not wait for.
    flushes: VecDeque<(i32, u64)>,
}

impl SendTable {
    /// A send comes in; it stays open until [`SendTable::end_part`] was called once for this, and once per part.
    pub(super) fn begin(&mut self, ticket: i32) -> u64 {
        let number = self.next();
        self.open += 1;
        self.pending.push_back(Some(Pending { ticket, parts: 1, rows: Vec::new(), failed: Vec::new() }));
        number
    }

    pub(super) fn add_part(&mut self, number: u64) {
        if let Some(pending) = self.get_mut(number) {
            pending.parts += 1;
        }
    }

    /// A part is written. Two halves of what was one batch make one row: their offsets follow each other.
    pub(super) fn written(&mut self, number: u64, row: Option<Row>) {
        let (Some(pending), Some(row)) = (self.get_mut(number), row) else { return };
        // While it is sent to, a topic has one name, which is not to be compared letter by letter: there may be thousands of rows.
        let is_same = |known: &&mut Row| {
            known.partition.partition == row.partition.partition
                && Arc::ptr_eq(&known.partition.topic, &row.partition.topic)
        };
        match pending.rows.iter_mut().find(is_same) {
            Some(known) if known.base_offset < 0 || row.base_offset < 0 => known.base_offset = -1,
            Some(known) => known.base_offset = known.base_offset.min(row.base_offset),
            None => pending.rows.push(row),
        }
    }

    pub(super) fn failed(&mut self, number: u64, part: FailedPart) {
        if let Some(pending) = self.get_mut(number) {
            pending.failed.push(part);
        }
    }

    /// A part has ended. The last one ends the send.
    pub(super) fn end_part(&mut self, number: u64, events: &mut VecDeque<Event>) {
        let Some(pending) = self.get_mut(number) else { return };
        pending.parts = pending.parts.saturating_sub(1);
        if pending.parts > 0 {
            return;
        }
        if let Some(Pending { ticket, rows, failed, .. }) = self.remove(number) {
            events.push_back(Event::Answer(match failed.is_empty() {
                true => Answer::Sent { ticket, rows },
                false => Answer::Failed(Box::new(FailedSend { ticket, failed, rows })),
            }));
            self.end_flushes(events);
        }
    }

    /// Ends in [`Answer::Flushed`] when all sends so far are answered.
    pub(super) fn flush(&mut self, ticket: i32, events: &mut VecDeque<Event>) {
        self.flushes.push_back((ticket, self.next()));
        self.end_flushes(events);
    }

    /// Does anybody wait for all that was sent?
    pub(super) fn is_flushing(&self) -> bool {
        !self.flushes.is_empty()
    }

    /// What the open sends take, their messages aside.
    pub(super) fn memory(&self) -> usize {
        self.open * SEND_MEMORY
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open == 0
    }

    fn end_flushes(&mut self, events: &mut VecDeque<Event>) {
        while let Some(&(ticket, until)) = self.flushes.front()
            && until <= self.stragglers.keys().next().copied().unwrap_or(self.first)
        {
            self.flushes.pop_front();
            events.push_back(Event::Answer(Answer::Flushed(ticket)));
        }
    }

    /// The number that the next send will have.
    fn next(&self) -> u64 {
        self.first + self.pending.len() as u64
    }

    fn place(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.first)?).ok()
    }

    fn get_mut(&mut self, number: u64) -> Option<&mut Pending> {
        match self.place(number) {
            Some(place) => self.pending.get_mut(place)?.as_mut(),
            None => self.stragglers.get_mut(&number),
        }
    }

    fn remove(&mut self, number: u64) -> Option<Pending> {
        let pending = match self.place(number) {
            Some(place) => self.pending.get_mut(place)?.take(),
            None => self.stragglers.remove(&number),
        };
        self.open -= usize::from(pending.is_some());
        while self.is_sparse() || matches!(self.pending.front(), Some(None)) {
            if let Some(Some(straggler)) = self.pending.pop_front() {
                self.stragglers.insert(self.first, straggler);
            }
            self.first += 1;
        }
        pending
    }

    /// Is most of it answered, and kept for what came before?
    fn is_sparse(&self) -> bool {
        let open = self.open - self.stragglers.len();
        self.pending.len() > SPARSE.max(2 * open)
    }
}

/// So many places are not worth the trouble.
const SPARSE: usize = 1024;

/// About what a send takes beside its messages, here and as a promise in JavaScript: many small ones would take many times their bytes.
pub(super) const SEND_MEMORY: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    fn table(sends: i32) -> SendTable {
        let mut table = SendTable::default();
        for ticket in 0..sends {
            assert_eq!(table.begin(ticket), u64::from(ticket.unsigned_abs()));
        }
        table
    }

    /// A partition without a leader, and others that go on.
    #[test]
    fn a_send_that_is_not_answered_keeps_nothing_of_those_behind_it() {
        let mut events = VecDeque::new();
        let mut table = table(3);
        let (mut first, mut last) = (3, 3);
        table.flush(-1, &mut events);
        for ticket in 3..200_000 {
            last = table.begin(ticket);
            // Some hundreds are on their way.
            if ticket > 500 {
                table.end_part(first, &mut events);
                first += 1;
            }
            assert!(table.pending.len() <= SPARSE + 1 && table.stragglers.len() <= 3, "{ticket}");
        }
        assert_eq!(events.len() as u64, first - 3);
        assert!(!events.contains(&Event::Answer(Answer::Flushed(-1))));
        table.flush(-2, &mut events);
        (first..=last).for_each(|number| table.end_part(number, &mut events));
        assert_eq!(table.memory(), 3 * SEND_MEMORY);
        events.clear();
        for number in [1, 0, 2] {
            assert!(events.iter().all(|event| matches!(event, Event::Answer(Answer::Sent { .. }))));
            table.end_part(number, &mut events);
        }
        assert!(table.is_empty());
        let sent = [1, 0, 2].map(|ticket| Answer::Sent { ticket, rows: Vec::new() });
        let answers = sent.into_iter().chain([-1, -2].map(Answer::Flushed));
        assert_eq!(events.into_iter().collect::<Vec<_>>(), answers.map(Event::Answer).collect::<Vec<_>>());
    }
}
