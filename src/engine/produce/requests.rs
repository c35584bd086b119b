//! Which batches go out, and where to.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::engine::cluster::{Leader, Metadata};
use crate::engine::machine::ConnectionKind;
use crate::engine::machine::Outbound;
use crate::engine::machine::Target;
use crate::engine::machine::TopicPartition;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::TopicId;
use crate::engine::protocol::init_producer_id::InitProducerIdRequest;
use crate::engine::protocol::produce::{ProducePartition, ProduceRequest, ProduceTopic};

use super::batch::Terms;
use super::machine::Produce;
use super::partition::Move;
use super::transactional::Membership;
use super::{Event, Reason};

/// What is out.
#[derive(Debug, Default)]
pub(super) struct Requests {
    next: u64,
    out: HashMap<u64, Sent>,
    /// How many are out to each node.
    per_node: HashMap<i32, usize>,
    /// The slot after the last one that was served: the next request begins there.
    cursor: usize,
}

/// A Produce that is out.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) node: i32,
    pub(super) acks: i16,
    pub(super) batches: Vec<SentBatch>,
}

#[derive(Debug, Clone)]
pub(super) struct SentBatch {
    pub(super) slot: usize,
    pub(super) batch: u64,
    pub(super) at: TopicPartition,
    pub(super) topic_id: TopicId,
    /// Who led when it was sent.
    pub(super) leader: Leader,
}

impl Requests {
    fn id(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// The request with this id, which is over.
    pub(super) fn land(&mut self, id: u64) -> Option<Sent> {
        let sent = self.out.remove(&id)?;
        if let Entry::Occupied(mut count) = self.per_node.entry(sent.node) {
            *count.get_mut() = count.get().saturating_sub(1);
            // Nodes come and go.
            if *count.get() == 0 {
                count.remove();
            }
        }
        Some(sent)
    }
}

/// A request that is being put together.
struct Draft {
    node: i32,
    size: usize,
    body: ProduceRequest,
    /// Of the topics in the body.
    names: Vec<Arc<str>>,
    sent: Sent,
}

impl Produce {
    pub(super) fn next_request(&mut self, now: Instant, view: &Metadata) -> Option<Outbound> {
        let id = self.requests.id();
        if let Some(to) = self.identity.poll(now, id) {
            let body = InitProducerIdRequest::default().into();
            return Some(Outbound { id, to, body, held: Duration::ZERO });
        }
        let cursor = self.requests.cursor;
        let slots: Vec<usize> =
            self.active.range(cursor..).chain(self.active.range(..cursor)).copied().collect();
        let mut draft: Option<Draft> = None;
        for slot in slots {
            let Some((place, leader)) = self.sendable(now, view, slot) else { continue };
            let Some(partition) = self.partitions.get_mut(slot) else { continue };
            let Some(batch) = partition.queue.get(place) else { continue };
            let (terms, size) = (batch.terms, batch.size());
            match &draft {
                None => {}
                Some(draft)
                    if draft.node == leader.node
                        && draft.body.acks == terms.acks
                        && draft.body.timeout_ms == terms.timeout_ms
                        && draft.size + size <= self.config.max_request_size => {}
                Some(_) => continue,
            }
            if draft.is_none() && self.requests.per_node.get(&leader.node) >= Some(&self.config.max_in_flight)
            {
                continue;
            }
            partition.number(place, &self.identity);
            let at = partition.at.clone();
            let Some(batch) = partition.queue.get_mut(place) else { continue };
            let Some(records) = batch.send() else { continue };
            let header = Bytes::copy_from_slice(&records.header(batch.sequence, self.membership.is_some()));
            let draft = draft.get_or_insert_with(|| Draft::new(leader.node, terms, self.membership.as_ref()));
            draft.size += size;
            let topic_id = view.topic_id(&at.topic);
            let out = ProducePartition { partition: at.partition, header, records: records.body().clone() };
            draft.add(&at, topic_id, out);
            draft.sent.batches.push(SentBatch { slot, batch: batch.id, at, topic_id, leader });
            self.requests.cursor = slot + 1;
        }
        let Draft { node, body, sent, .. } = draft?;
        *self.requests.per_node.entry(node).or_default() += 1;
        self.requests.out.insert(id, sent);
        // Replicas may take their time, which nothing else should wait for.
        let to = Target::Node(node, ConnectionKind::Produce);
        Some(Outbound { id, to, body: body.into(), held: Duration::ZERO })
    }

    /// Which batch of this partition may go out now, and to whom.
    fn sendable(&mut self, now: Instant, view: &Metadata, slot: usize) -> Option<(usize, Leader)> {
        let is_hurried = self.is_hurried();
        let partition = self.partitions.get_mut(slot)?;
        let leader = view.leader(&partition.at);
        partition.look(view.topic_id(&partition.at.topic), leader);
        let Move::Send(place) = partition.next_move(now, &self.identity, is_hurried, &self.config) else {
            return None;
        };
        let is_ready = partition.backoff.is_ready(now);
        let Some(leader) = leader else {
            if is_ready {
                partition.backoff.failed(now, &mut self.rng);
                partition.failed_on = None;
                self.nobody_leads(view, slot);
            }
            return None;
        };
        partition.absent_since = None;
        // A leader at which nothing has failed need not be spared.
        let is_new = partition.failed_on != Some(leader.node);
        if let Some(membership) = &mut self.membership
            && !membership.admits(slot, &partition.at)
        {
            return None;
        }
        (is_ready || is_new).then_some((place, leader))
    }

    /// The partition has no leader, or is none of the topic's. Then somebody has to know better, or its messages go elsewhere or fail.
    fn nobody_leads(&mut self, view: &Metadata, slot: usize) {
        self.refresh();
        let Some(partition) = self.partitions.get_mut(slot) else { return };
        let count = view.partition_count(&partition.at.topic);
        let is_there =
            usize::try_from(partition.at.partition).is_ok_and(|p| count.is_none_or(|count| p < count));
        if is_there {
            partition.absent_since = None;
            return;
        }
        let told = view.times_told(&partition.at.topic);
        let since = *partition.absent_since.get_or_insert(told);
        if told >= since + LOOKS {
            self.place_again(view, slot);
            let code = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
            self.fail_idle(slot, |_| Some(Reason::Broker { code, message: None }));
        }
    }

    /// KIP-951: where nodes are, and who leads.
    pub(super) fn tell_leader(&mut self, partition: TopicPartition, (node, epoch): (i32, i32)) {
        self.events.push_back(Event::LeaderMoved { partition, node, epoch });
    }
}

impl Draft {
    fn new(node: i32, Terms { acks, timeout_ms, .. }: Terms, membership: Option<&Membership>) -> Draft {
        let body = ProduceRequest {
            acks,
            timeout_ms,
            transactional_id: membership.map(|membership| membership.transactional_id.to_string()),
            transactions_v1: membership.is_some_and(|membership| membership.transactions_v1),
            topics: Vec::new(),
        };
        Draft { node, size: 0, body, names: Vec::new(), sent: Sent { node, acks, batches: Vec::new() } }
    }

    fn add(&mut self, at: &TopicPartition, topic_id: TopicId, partition: ProducePartition) {
        let topics = &mut self.body.topics;
        // All partitions of a topic share its name. There may be thousands of topics: to compare their texts would take long.
        let known = self.names.iter().rposition(|name| Arc::ptr_eq(name, &at.topic));
        match known.and_then(|at| topics.get_mut(at)) {
            Some(topic) => topic.partitions.push(partition),
            None => {
                self.names.push(at.topic.clone());
                let name = at.topic.to_string();
                topics.push(ProduceTopic { name, topic_id, partitions: vec![partition] });
            }
        }
    }
}

/// A partition that the metadata does not have fails after so many answers about its topic: the first look may have been an old one.
const LOOKS: u64 = 2;
