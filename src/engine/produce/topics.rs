//! The topics that are sent to: their partitions, and what waits until these are known.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use crate::engine::cluster::Metadata;
use crate::engine::machine::TopicPartition;

use super::Choice;
use super::batch::Terms;

/// What all parts of a send have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin {
    /// The send's number.
    pub(super) send: u64,
    pub(super) terms: Terms,
    /// Bytes of the whole send: it joins an open batch if there is room for all of it.
    pub(super) size: usize,
}

/// Messages of a topic whose partitions are not known.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) origin: Origin,
    /// The number in its send of the first message.
    pub(super) first: u32,
    /// How many messages.
    pub(super) count: u32,
    /// As they were handed over.
    pub(super) bytes: Box<[u8]>,
    pub(super) since: Instant,
}

#[derive(Debug)]
pub(super) struct Topic {
    pub(super) name: Arc<str>,
    /// Is its metadata asked for?
    pub(super) is_wanted: bool,
    /// The version of the metadata that the next two are from.
    seen: Option<u64>,
    count: u32,
    available: Vec<i32>,
    /// Counts the messages without key and partition.
    pub(super) turn: u32,
    /// The slot of each partition that was sent to; those that the metadata does not have are strays.
    slots: Vec<Option<usize>>,
    strays: HashMap<i32, usize>,
    pub(super) waiting: VecDeque<Waiting>,
    pub(super) used_at: Instant,
    /// How many answers in a row did not know it.
    pub(super) absences: u32,
}

impl Topic {
    pub(super) fn new(name: &str, turn: u32, now: Instant) -> Topic {
        Topic {
            name: name.into(),
            is_wanted: false,
            seen: None,
            count: 0,
            available: Vec::new(),
            turn,
            slots: Vec::new(),
            strays: HashMap::new(),
            waiting: VecDeque::new(),
            used_at: now,
            absences: 0,
        }
    }

    /// Looks at the metadata, if they have changed. Returns whether the topic's partitions are known.
    pub(super) fn look(&mut self, view: &Metadata) -> bool {
        if self.seen != Some(view.version()) {
            self.seen = Some(view.version());
            let partitions = view.partitions(&self.name);
            self.count = u32::try_from(partitions.len()).unwrap_or(u32::MAX);
            self.available.clear();
            let mut at = TopicPartition { topic: self.name.clone(), partition: 0 };
            for partition in partitions {
                at.partition = partition;
                if view.leader(&at).is_some() {
                    self.available.push(partition);
                }
            }
            if self.count > 0 {
                self.absences = 0;
            }
        }
        self.count > 0
    }

    pub(super) fn choice(&self) -> Choice<'_> {
        Choice { count: self.count, available: &self.available }
    }

    pub(super) fn slot(&self, partition: i32) -> Option<usize> {
        let known = usize::try_from(partition).ok().and_then(|index| self.slots.get(index));
        known.copied().flatten().or_else(|| self.strays.get(&partition).copied())
    }

    pub(super) fn add_slot(&mut self, partition: i32, slot: usize) {
        match usize::try_from(partition) {
            // A number that the user has chosen sizes no table.
            Ok(index) if partition.unsigned_abs() < self.count => {
                if index >= self.slots.len() {
                    self.slots.resize(index + 1, None);
                }
                if let Some(place) = self.slots.get_mut(index) {
                    *place = Some(slot);
                }
            }
            _ => {
                self.strays.insert(partition, slot);
            }
        }
    }

    /// The slots of all partitions that were sent to.
    pub(super) fn all_slots(&self) -> impl Iterator<Item = usize> {
        self.slots.iter().copied().flatten().chain(self.strays.values().copied())
    }
}
