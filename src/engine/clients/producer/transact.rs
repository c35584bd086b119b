//! Transactions of a producer: between its messages and their coordinators.

use std::time::{Duration, Instant};

use crate::engine::machine::Machine;
use crate::engine::machine::Outbound;
use crate::engine::transaction;
use crate::engine::transaction::Offsets;
use crate::engine::transaction::View;

use super::Event;
use super::machine::Producer;

/// After [`Producer::close`], while there is a transaction to abort.
#[derive(Debug)]
pub(super) struct Closing {
    /// For how long that is tried.
    pub(super) until: Instant,
    /// Are all messages answered?
    is_settled: bool,
    is_told: bool,
}

impl Producer {
    /// Begins a transaction, to which everything belongs that is sent until its end. Ends in [`Event::Transacted`].
    pub fn begin_transaction(&mut self, now: Instant, ticket: u64) {
        if let Some(transaction) = &mut self.transaction {
            transaction.begin(now, ticket);
        }
        self.route(now);
    }

    /// Commits offsets with the transaction. Ends in [`Event::Transacted`].
    pub fn send_offsets(&mut self, now: Instant, ticket: u64, offsets: Offsets) {
        if let Some(transaction) = &mut self.transaction {
            transaction.send_offsets(now, ticket, offsets);
        }
        self.route(now);
    }

    /// Commits the transaction when all that was sent is written. Ends in [`Event::Transacted`].
    pub fn commit_transaction(&mut self, now: Instant, ticket: u64) {
        if let Some(transaction) = &mut self.transaction {
            transaction.commit(now, ticket);
        }
        self.route(now);
    }

    /// Aborts the transaction. Ends in [`Event::Transacted`].
    pub fn abort_transaction(&mut self, now: Instant, ticket: u64) {
        if let Some(transaction) = &mut self.transaction {
            transaction.abort(now, ticket);
        }
        self.route(now);
    }

    pub(super) fn transaction_event(&mut self, event: transaction::Event) {
        match event {
            transaction::Event::CoordinatorWanted(key) => self.cluster.look_up(&key),
            transaction::Event::CoordinatorLost(key) => self.cluster.coordinator_lost(&key),
            transaction::Event::Begun { producer, transactions_v1 } => {
                self.produce.begin_transaction(producer, transactions_v1);
            }
            transaction::Event::Joined(partitions) => self.produce.joined(&partitions),
            transaction::Event::Over(reason) => self.produce.end_transaction(reason),
            transaction::Event::Answered { ticket, result } => {
                self.events.push_back(Event::Transacted { ticket, result });
            }
            transaction::Event::Log(log) => self.events.push_back(Event::Log(log)),
        }
    }

    pub(super) fn transaction_request(&mut self, now: Instant) -> Option<Outbound> {
        let Producer { transaction, cluster, produce, .. } = self;
        let coordinator = |key: &_| cluster.coordinator(key);
        let view = View { coordinator: &coordinator, is_settled: produce.is_idle() };
        let request = transaction.as_mut()?.poll_request(now, view);
        self.route(now);
        request
    }

    pub(super) fn close_transaction(&mut self, now: Instant, within: Duration) {
        if let Some(transaction) = &mut self.transaction
            && self.closing.is_none()
        {
            transaction.close(now);
            self.closing = Some(Closing { until: now + within, is_settled: false, is_told: false });
        }
    }

    /// All messages are answered, and none is taken any more.
    pub(super) fn messages_closed(&mut self) {
        match &mut self.closing {
            Some(closing) => closing.is_settled = true,
            None => self.events.push_back(Event::Closed),
        }
    }

    /// Tells of the end when the transaction has ended, too.
    pub(super) fn end_of_life(&mut self) {
        let is_at_rest = self.transaction.as_ref().is_none_or(transaction::Transaction::is_at_rest);
        if let Some(closing) = &mut self.closing
            && closing.is_settled
            && is_at_rest
            && !std::mem::replace(&mut closing.is_told, true)
        {
            self.events.push_back(Event::Closed);
        }
    }

    /// The transaction has had its time: its coordinator will abort it by itself.
    pub(super) fn close_at(&mut self, now: Instant) {
        if let Some(closing) = &mut self.closing
            && closing.until <= now
            && !std::mem::replace(&mut closing.is_told, true)
        {
            self.events.push_back(Event::Closed);
        }
    }
}
