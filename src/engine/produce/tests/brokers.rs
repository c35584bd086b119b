//! A cluster of brokers: logs, leaders, and what a broker remembers of producers (KIP-98).

use std::collections::HashMap;
use std::time::Duration;

use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::TopicId;
use crate::engine::protocol::metadata::{MetadataBroker, MetadataPartition, MetadataResponse, MetadataTopic};
use crate::engine::protocol::produce::{
    ProduceRequest, ProduceResponse, ProduceResponsePartition, ProduceResponseTopic,
};
use crate::engine::testing::broker::read_batch;
use crate::engine::testing::encode::TestRecord;

/// A batch as a broker remembers it.
#[derive(Debug, Clone, Copy)]
struct Remembered {
    base: i32,
    last: i32,
    offset: i64,
}

#[derive(Debug, Clone, Default)]
struct Producer {
    epoch: i16,
    batches: Vec<Remembered>,
}

#[derive(Debug, Default)]
pub(super) struct ModelPartition {
    pub(super) leader: i32,
    pub(super) epoch: i32,
    /// Records, in order.
    pub(super) log: Vec<TestRecord>,
    /// When each of them was written.
    pub(super) times: Vec<Duration>,
    /// The sizes of the batches that it came in.
    pub(super) batches: Vec<usize>,
    producers: HashMap<i64, Producer>,
}

#[derive(Debug, Default)]
pub(super) struct ModelTopic {
    pub(super) id: u32,
    pub(super) partitions: Vec<ModelPartition>,
}

impl ModelTopic {
    fn id(&self) -> TopicId {
        TopicId(u128::from(self.id).to_be_bytes())
    }
}

#[derive(Debug, Default)]
pub(super) struct Brokers {
    pub(super) nodes: Vec<i32>,
    pub(super) topics: HashMap<String, ModelTopic>,
    /// What time it is.
    pub(super) clock: Duration,
    next_topic: u32,
    pub(super) next_producer: i64,
    /// Batches of more bytes are MESSAGE_TOO_LARGE.
    pub(super) largest: Option<usize>,
    /// Errors tell the leader (KIP-951).
    pub(super) hints: bool,
}

impl Brokers {
    pub(super) fn new(nodes: i32) -> Brokers {
        Brokers { nodes: (1..=nodes).collect(), next_producer: 1000, ..Brokers::default() }
    }

    /// A topic whose partitions are led by the nodes in turn.
    pub(super) fn create(&mut self, name: &str, partitions: usize) {
        self.next_topic += 1;
        let id = self.next_topic;
        self.topics.insert(name.to_owned(), ModelTopic { id, partitions: vec![] });
        for _ in 0..partitions {
            self.add_partition(name);
        }
    }

    pub(super) fn add_partition(&mut self, topic: &str) {
        let topic = self.topics.get_mut(topic).unwrap();
        let leader = self.nodes[topic.partitions.len() % self.nodes.len()];
        topic.partitions.push(ModelPartition { leader, epoch: 1, ..Default::default() });
    }

    pub(super) fn partition(&mut self, topic: &str, partition: i32) -> Option<&mut ModelPartition> {
        self.topics.get_mut(topic)?.partitions.get_mut(usize::try_from(partition).ok()?)
    }

    pub(super) fn move_leader(&mut self, topic: &str, partition: i32, to: i32) {
        if let Some(partition) = self.partition(topic, partition) {
            partition.leader = to;
            partition.epoch += 1;
        }
    }

    /// The values of a log.
    pub(super) fn values(&self, topic: &str, partition: usize) -> Vec<String> {
        let log = &self.topics[topic].partitions[partition].log;
        log.iter().map(|record| String::from_utf8(record.value.clone().unwrap()).unwrap()).collect()
    }

    pub(super) fn metadata<'a>(&self, topics: impl Iterator<Item = &'a str>) -> MetadataResponse {
        let topic = |name: &str| {
            let Some(topic) = self.topics.get(name) else {
                let error = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
                return MetadataTopic { error, name: Some(name.to_owned()), ..Default::default() };
            };
            let partition = |(n, p): (usize, &ModelPartition)| MetadataPartition {
                partition: i32::try_from(n).unwrap(),
                leader: p.leader,
                leader_epoch: p.epoch,
                ..Default::default()
            };
            MetadataTopic {
                name: Some(name.to_owned()),
                topic_id: topic.id(),
                partitions: topic.partitions.iter().enumerate().map(partition).collect(),
                ..Default::default()
            }
        };
        let broker =
            |node: &i32| MetadataBroker { node_id: *node, host: "h".into(), port: 1, ..Default::default() };
        MetadataResponse {
            brokers: self.nodes.iter().map(broker).collect(),
            topics: topics.map(topic).collect(),
            ..Default::default()
        }
    }

    /// What this node makes of a request. `refuse`: with this code, without writing.
    pub(super) fn produce(
        &mut self,
        node: i32,
        request: &ProduceRequest,
        refuse: Option<ErrorCode>,
    ) -> ProduceResponse {
        let mut topics = Vec::new();
        for topic in &request.topics {
            let id = self.topics.get(&topic.name).map(ModelTopic::id);
            let mut partitions = Vec::new();
            for out in &topic.partitions {
                let batch = [&out.header[..], &out.records].concat();
                let hints = self.hints;
                let (largest, clock) = (self.largest, self.clock);
                let model = self.partition(&topic.name, out.partition);
                let mut row = ProduceResponsePartition {
                    partition: out.partition,
                    base_offset: -1,
                    log_append_time_ms: -1,
                    ..Default::default()
                };
                let result = match (refuse, id, model) {
                    (Some(code), ..) => Err(code),
                    (_, Some(id), _) if id != topic.topic_id => Err(ErrorCode::UNKNOWN_TOPIC_ID),
                    (.., None) => Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
                    (.., Some(model)) if model.leader != node => {
                        row.current_leader = hints.then_some((model.leader, model.epoch));
                        Err(ErrorCode::NOT_LEADER_OR_FOLLOWER)
                    }
                    (.., Some(_)) if largest.is_some_and(|largest| batch.len() > largest) => {
                        Err(ErrorCode::MESSAGE_TOO_LARGE)
                    }
                    (.., Some(model)) => model.append(batch, clock),
                };
                match result {
                    Ok(offset) => row.base_offset = offset,
                    Err(code) => row.error = code,
                }
                partitions.push(row);
            }
            let (name, topic_id) = (String::new(), topic.topic_id);
            topics.push(ProduceResponseTopic { name, topic_id, partitions });
        }
        ProduceResponse { topics, ..Default::default() }
    }
}

impl ModelPartition {
    fn append(&mut self, batch: Vec<u8>, clock: Duration) -> Result<i64, ErrorCode> {
        let decoded = read_batch(batch);
        let row = &decoded.batches[0];
        let [_, last_delta, base, epoch, ..] = row.words;
        let last = base.wrapping_add(last_delta) & i32::MAX;
        let offset = i64::try_from(self.log.len()).unwrap();
        if row.producer_id >= 0 {
            let epoch = i16::try_from(epoch).unwrap();
            let known = self.producers.get(&row.producer_id);
            if let Some(known) = known {
                if epoch < known.epoch {
                    return Err(ErrorCode::INVALID_PRODUCER_EPOCH);
                }
                if epoch == known.epoch {
                    if let Some(same) = known.batches.iter().find(|b| (b.base, b.last) == (base, last)) {
                        return Ok(same.offset);
                    }
                    let next = known.batches.last().map_or(0, |b| b.last.wrapping_add(1) & i32::MAX);
                    if base != next {
                        return Err(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER);
                    }
                } else if base != 0 {
                    return Err(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER);
                }
            }
            let producer = self.producers.entry(row.producer_id).or_default();
            if epoch > producer.epoch {
                *producer = Producer { epoch, batches: vec![] };
            }
            producer.batches.push(Remembered { base, last, offset });
            if producer.batches.len() > 5 {
                producer.batches.remove(0);
            }
        }
        self.batches.push(decoded.messages.len());
        self.times.extend(decoded.messages.iter().map(|_| clock));
        self.log.extend(decoded.messages);
        Ok(offset)
    }

    /// The broker has lost what it knew of producers.
    pub(super) fn forget_producers(&mut self) {
        self.producers.clear();
    }
}
