//! What is asked, when, and of whom.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::machine::CoordinatorKey;
use crate::engine::machine::Outbound;
use crate::engine::machine::RequestState;
use crate::engine::machine::Target;
use crate::engine::machine::TopicPartition;
use crate::engine::machine::by_topic;
use crate::engine::protocol::Request;
use crate::engine::protocol::add_offsets_to_txn::AddOffsetsToTxnRequest;
use crate::engine::protocol::add_partitions_to_txn::{AddPartitionsToTxnRequest, TxnTopic};
use crate::engine::protocol::api_versions::ApiVersionsRequest;
use crate::engine::protocol::end_txn::EndTxnRequest;
use crate::engine::protocol::init_producer_id::InitProducerIdRequest;
use crate::engine::protocol::txn_offset_commit::TxnOffsetCommitRequest;

use super::machine::Transaction;
use super::state::{Ending, OffsetsCall, Protocol, Started, State};
use super::{Event, Offsets, View};

/// What the transaction's coordinator is asked; one thing at a time.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Asked {
    /// Which protocol it speaks.
    Features,
    /// Who we are.
    Producer,
    /// To take these partitions into the transaction.
    Partitions(Vec<TopicPartition>),
    /// To take this group into the transaction.
    Group(Arc<str>),
    /// To end the transaction.
    End,
}

impl Transaction {
    /// Ends a transaction of which the coordinator knows nothing.
    pub(super) fn advance(&mut self, now: Instant, is_settled: bool) {
        if let State::Ending(Ending { transaction, .. }) = &self.state
            && transaction.started == Started::No
            && is_settled
            && transaction.offsets.is_empty()
        {
            self.ended(now);
        }
    }

    pub(super) fn next_request(&mut self, now: Instant, view: View<'_>) -> Option<Outbound> {
        if let Some(asked) = self.question(view.is_settled)
            && let Some(node) = self.coordinator(view, self.key.clone())
        {
            want(&mut self.request);
            if self.request.is_due(now) {
                let body = self.body(&asked)?;
                return Some(self.outbound(now, node, body, asked));
            }
        }
        let group = self.offsets_to_commit()?;
        let node = self.coordinator(view, CoordinatorKey::group(&group))?;
        want(&mut self.commit);
        if !self.commit.is_due(now) {
            return None;
        }
        let (ticket, body) = self.offsets_body()?;
        let id = self.id();
        self.commit.send(now, id, ticket);
        Some(Outbound { id, to: Target::coordinator(node), body, held: Duration::ZERO })
    }

    fn outbound(&mut self, now: Instant, node: i32, body: Request, asked: Asked) -> Outbound {
        // From now on the coordinator may know of the transaction, whether or not it answers.
        if let (Asked::Partitions(_) | Asked::Group(_), Some(open)) = (&asked, self.state.growing())
            && open.started == Started::No
        {
            open.started = Started::Perhaps;
        }
        let id = self.id();
        self.request.send(now, id, asked);
        Outbound { id, to: Target::coordinator(node), body, held: Duration::ZERO }
    }

    /// What the transaction's coordinator is to be asked next.
    fn question(&self, is_settled: bool) -> Option<Asked> {
        match &self.state {
            State::Initializing { .. } if self.protocol.is_none() => Some(Asked::Features),
            State::Initializing { .. } => Some(Asked::Producer),
            State::Open(open) | State::Ending(Ending { committed: true, transaction: open, .. })
                if !open.wanted().is_empty() =>
            {
                Some(Asked::Partitions(open.wanted()))
            }
            State::Open(open) | State::Ending(Ending { committed: true, transaction: open, .. })
                if open.group_to_add().is_some() =>
            {
                open.group_to_add().cloned().map(Asked::Group)
            }
            // Nothing may be written behind the end: what is out is waited for.
            State::Ending(Ending { transaction, .. }) => {
                let is_complete = transaction.offsets.is_empty() && !self.commit.is_in_flight();
                (is_settled && is_complete).then_some(Asked::End)
            }
            _ => None,
        }
    }

    /// The group of the first offsets that are not committed, if the transaction's coordinator knows of it.
    fn offsets_to_commit(&self) -> Option<Arc<str>> {
        let open = self.state.grown()?;
        if open.group_to_add().is_some() {
            return None;
        }
        self.group().cloned()
    }

    /// The node of a coordinator; where it is not known, it is looked for.
    fn coordinator(&mut self, view: View<'_>, key: CoordinatorKey) -> Option<i32> {
        let node = (view.coordinator)(&key);
        if node.is_none() && self.looked_for.insert(key.clone()) {
            self.events.push_back(Event::CoordinatorWanted(key));
        }
        node
    }

    fn body(&self, asked: &Asked) -> Option<Request> {
        let transactional_id = self.config.transactional_id.to_string();
        // Only InitProducerId goes out without one.
        let (producer_id, producer_epoch) = self.producer.map_or((-1, -1), |p| (p.id, p.epoch));
        Some(match asked {
            Asked::Features => ApiVersionsRequest {
                client_software_name: "kafkars".to_owned(),
                client_software_version: env!("CARGO_PKG_VERSION").to_owned(),
            }
            .into(),
            Asked::Producer => InitProducerIdRequest {
                transactional_id: Some(transactional_id),
                transaction_timeout_ms: i32::try_from(self.config.transaction_timeout.as_millis())
                    .unwrap_or(i32::MAX),
                producer_id,
                producer_epoch,
            }
            .into(),
            Asked::Partitions(partitions) => {
                let topics = by_topic(partitions)
                    .into_iter()
                    .map(|(name, partitions)| TxnTopic { name, partitions })
                    .collect();
                AddPartitionsToTxnRequest { transactional_id, producer_id, producer_epoch, topics }.into()
            }
            Asked::Group(group) => AddOffsetsToTxnRequest {
                transactional_id,
                producer_id,
                producer_epoch,
                group_id: group.to_string(),
            }
            .into(),
            Asked::End => {
                let State::Ending(Ending { transaction, committed, .. }) = &self.state else { return None };
                EndTxnRequest {
                    transactional_id,
                    producer_id,
                    producer_epoch,
                    committed: *committed,
                    transactions_v1: transaction.protocol == Protocol::V1,
                }
                .into()
            }
        })
    }

    fn offsets_body(&mut self) -> Option<(u64, Request)> {
        let producer = self.producer?;
        let open = self.state.growing()?;
        if open.protocol == Protocol::V2 {
            open.started = Started::Yes;
        }
        let transactions_v1 = open.protocol == Protocol::V1;
        let OffsetsCall { ticket, offsets: Offsets { group, topics }, .. } = open.offsets.front()?;
        let body = TxnOffsetCommitRequest {
            transactional_id: self.config.transactional_id.to_string(),
            group_id: group.group_id.to_string(),
            producer_id: producer.id,
            producer_epoch: producer.epoch,
            generation_id: group.generation_id,
            member_id: group.member_id.clone(),
            group_instance_id: group.group_instance_id.clone(),
            topics: topics.clone(),
            transactions_v1,
        };
        Some((*ticket, body.into()))
    }

    fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }
}

/// A request that waits for its time already goes on waiting.
fn want<About>(request: &mut RequestState<About>) {
    if !request.is_wanted() && !request.is_in_flight() {
        request.want();
    }
}
