//! The machines of a producer, together: what one of them tells reaches the other.

mod transactions;

use std::time::{Duration, Instant};

use crate::engine::cluster::News;
use crate::engine::machine::ConnectionKind;
use crate::engine::machine::Machine;
use crate::engine::machine::NetError;
use crate::engine::machine::Outbound;
use crate::engine::machine::Target;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::TopicId;
use crate::engine::protocol::init_producer_id::InitProducerIdResponse;
use crate::engine::protocol::metadata::{MetadataBroker, MetadataPartition, MetadataResponse, MetadataTopic};
use crate::engine::protocol::produce::{
    ProduceRequest, ProduceResponse, ProduceResponsePartition, ProduceResponseTopic,
};
use crate::engine::testing::encode::TestRecord;
use crate::engine::testing::turns::TestSend;

use super::{
    Answer, ClusterConfig, Event, Idempotence, ProduceConfig, Producer, ProducerConfig, Reason, Tag,
};

/// Three brokers, of which one leads; answers come at once, unless they are withheld.
struct World {
    now: Instant,
    producer: Producer,
    /// Topics that exist, with one partition each.
    topics: Vec<&'static str>,
    /// Topics with this at the beginning of their name exist as well.
    prefix: Option<&'static str>,
    leader: i32,
    leader_epoch: i32,
    /// What Produce requests are answered: by the node that gets them.
    produced: fn(leader: i32, node: i32) -> Result<ErrorCode, NetError>,
    is_reachable: bool,
    offset: i64,
    events: Vec<Event>,
    asked: Vec<Request>,
}

fn config() -> ProducerConfig {
    ProducerConfig {
        produce: ProduceConfig { retries: 5, topic_retries: 5, ..ProduceConfig::default() },
        cluster: ClusterConfig {
            metadata_max_age: Duration::from_secs(300),
            allow_auto_topic_creation: true,
        },
        transaction: None,
    }
}

impl World {
    #[expect(clippy::disallowed_methods, reason = "where virtual time begins")]
    fn new(config: ProducerConfig) -> World {
        World {
            now: Instant::now(),
            producer: Producer::new(config, 7),
            topics: vec!["t"],
            prefix: None,
            leader: 1,
            leader_epoch: 0,
            produced: |leader, node| {
                Ok(if leader == node { ErrorCode::NONE } else { ErrorCode::NOT_LEADER_OR_FOLLOWER })
            },
            is_reachable: true,
            offset: 0,
            events: Vec::new(),
            asked: Vec::new(),
        }
    }

    fn send(&mut self, ticket: i32, topic: &str) {
        let turn = send(ticket, topic);
        assert_eq!(self.producer.submit(self.now, &turn).unwrap().sends, 1);
        self.turn();
    }

    fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        self.turn();
        while let Some(at) = self.producer.poll_timeout(self.now).filter(|at| *at <= end) {
            self.now = at.max(self.now);
            self.producer.handle_timeout(self.now);
            self.turn();
        }
        self.now = end;
    }

    fn turn(&mut self) {
        loop {
            let mut is_idle = true;
            while let Some(request) = self.producer.poll_request(self.now, ()) {
                is_idle = false;
                let tag = request.id;
                let answer = self.answer(request);
                self.producer.handle_response(self.now, tag, answer);
            }
            while let Some(event) = self.producer.poll_event() {
                self.events.push(event);
            }
            if is_idle {
                return;
            }
        }
    }

    fn answer(&mut self, Outbound { to, body, .. }: Outbound<Tag>) -> Result<Response, NetError> {
        self.asked.push(body.clone());
        if !self.is_reachable {
            return Err(NetError::NoBroker);
        }
        match body {
            Request::Metadata(request) => {
                let asked = request.topics.unwrap_or_default();
                let names = asked.into_iter().filter_map(|topic| topic.name);
                Ok(Response::Metadata(self.metadata(names.collect())))
            }
            Request::InitProducerId(_) => Ok(Response::InitProducerId(InitProducerIdResponse {
                producer_id: 9,
                ..InitProducerIdResponse::default()
            })),
            Request::Produce(request) => {
                let Target::Node(node, ConnectionKind::Produce) = to else { panic!("a Produce to {to:?}") };
                (self.produced)(self.leader, node).map(|error| self.produce(&request, error))
            }
            other => panic!("nobody asked for {other:?}"),
        }
    }

    fn metadata(&self, names: Vec<String>) -> MetadataResponse {
        let broker = |node_id| MetadataBroker { node_id, host: "h".to_owned(), port: 9092, rack: None };
        let topics = names.into_iter().map(|name| {
            let is_one_of_many = self.prefix.is_some_and(|prefix| name.starts_with(prefix));
            let exists = is_one_of_many || self.topics.contains(&&*name);
            let partition = MetadataPartition {
                leader: self.leader,
                leader_epoch: self.leader_epoch,
                ..MetadataPartition::default()
            };
            MetadataTopic {
                name: Some(name),
                error: if exists { ErrorCode::NONE } else { ErrorCode::UNKNOWN_TOPIC_OR_PARTITION },
                topic_id: if exists { TopicId([1; 16]) } else { TopicId::ZERO },
                partitions: if exists { vec![partition] } else { Vec::new() },
                ..MetadataTopic::default()
            }
        });
        MetadataResponse {
            cluster_id: Some("c".to_owned()),
            brokers: (0..3).map(broker).collect(),
            topics: topics.collect(),
            ..MetadataResponse::default()
        }
    }

    fn produce(&mut self, request: &ProduceRequest, error: ErrorCode) -> Response {
        let topics = request.topics.iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|partition| {
                self.offset += i64::from(!error.is_err());
                ProduceResponsePartition {
                    partition: partition.partition,
                    error,
                    base_offset: self.offset - 1,
                    ..ProduceResponsePartition::default()
                }
            });
            ProduceResponseTopic {
                name: topic.name.clone(),
                topic_id: topic.topic_id,
                partitions: partitions.collect(),
            }
        });
        Response::Produce(ProduceResponse { topics: topics.collect(), ..ProduceResponse::default() })
    }

    /// Tickets of sends that are answered: well, and with an error.
    fn answered(&self) -> (Vec<i32>, Vec<(i32, Reason)>) {
        let sent = self.events.iter().filter_map(|event| match event {
            Event::Answer(Answer::Sent { ticket, .. }) => Some(*ticket),
            _ => None,
        });
        let failed = self.events.iter().filter_map(|event| match event {
            Event::Answer(Answer::Failed(failed)) => Some((failed.ticket, failed.failed[0].reason.clone())),
            _ => None,
        });
        (sent.collect(), failed.collect())
    }
}

/// One message without a partition.
fn send(ticket: i32, topic: &str) -> Vec<u8> {
    let topics = vec![(topic.to_owned(), vec![(-1, TestRecord::default())])];
    TestSend { ticket, topics, ..TestSend::default() }.encode()
}

fn unknown() -> Reason {
    Reason::Broker { code: ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, message: None }
}

#[test]
fn a_send_asks_for_its_topic_and_for_a_number_and_goes_to_the_leader() {
    let mut world = World::new(config());
    world.send(1, "t");
    assert_eq!(world.answered(), (vec![1], vec![]));
    assert!(world.events.iter().any(|event| matches!(event, Event::Brokers(brokers) if brokers.len() == 3)));
    assert!(world.events.contains(&Event::Identified(Ok(()))));
    let metadata = world.asked.iter().filter(|request| matches!(request, Request::Metadata(_))).count();
    world.send(2, "t");
    assert_eq!(world.answered().0, [1, 2]);
    let later = world.asked.iter().filter(|request| matches!(request, Request::Metadata(_))).count();
    assert_eq!(metadata, later, "the topic is known");
}

#[test]
fn a_leader_that_has_moved_is_found_and_nothing_is_lost() {
    let mut world = World::new(config());
    world.send(1, "t");
    world.leader = 2;
    world.send(2, "t");
    world.run_for(Duration::from_secs(5));
    assert_eq!(world.answered(), (vec![1, 2], vec![]));
}

#[test]
fn a_topic_that_does_not_exist_fails_its_sends_and_is_not_asked_for_any_more() {
    let mut world = World::new(config());
    world.send(1, "nowhere");
    world.send(2, "t");
    assert_eq!(world.answered().0, [2], "others are not held up");
    world.run_for(Duration::from_secs(10));
    assert_eq!(world.answered(), (vec![2], vec![(1, unknown())]));
    let asked = world.asked.len();
    world.run_for(Duration::from_secs(60));
    assert_eq!(world.asked.len(), asked, "nobody asks for it");
    world.topics.push("nowhere");
    world.send(3, "nowhere");
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.answered().0, [2, 3], "until it is sent to again");
}

#[test]
fn a_topic_that_is_being_created_is_waited_for() {
    let mut world = World::new(config());
    world.send(1, "new");
    world.run_for(Duration::from_millis(300));
    world.topics.push("new");
    world.run_for(Duration::from_secs(2));
    assert_eq!(world.answered(), (vec![1], vec![]));
}

#[test]
fn what_is_tried_for_a_time_is_not_given_up_by_the_number_of_attempts() {
    let mut config = config();
    config.produce.retry_time = Duration::from_secs(20);
    let mut world = World::new(config);
    world.send(1, "t");
    world.produced = |_, _| Ok(ErrorCode::NOT_LEADER_OR_FOLLOWER);
    world.send(2, "t");
    world.run_for(Duration::from_secs(19));
    assert_eq!(world.answered(), (vec![1], vec![]));
    world.run_for(Duration::from_secs(5));
    assert_eq!(world.answered().1.len(), 1);
}

#[test]
fn closing_ends_in_time_when_nobody_can_be_reached() {
    let mut config = config();
    config.produce.retries = u32::MAX;
    let mut world = World::new(config);
    world.send(1, "t");
    world.is_reachable = false;
    world.send(2, "t");
    world.producer.close(world.now, Duration::from_secs(3));
    world.run_for(Duration::from_millis(2900));
    assert!(!world.events.contains(&Event::Closed));
    world.run_for(Duration::from_millis(200));
    assert_eq!(world.answered(), (vec![1], vec![(2, Reason::Stopped)]));
    assert!(world.events.contains(&Event::Closed));
}

#[test]
fn closing_waits_for_a_send_without_messages_no_longer_than_for_its_topic() {
    let mut world = World::new(config());
    let topics = vec![("t".to_owned(), Vec::new())];
    let turn = TestSend { ticket: 1, topics, ..TestSend::default() }.encode();
    world.producer.submit(world.now, &turn).unwrap();
    world.producer.close(world.now, Duration::from_secs(3));
    world.turn();
    assert_eq!(world.answered(), (vec![1], vec![]));
    assert!(world.events.contains(&Event::Closed));
}

#[test]
fn a_refused_authentication_fails_what_waits() {
    let mut config = config();
    config.produce.idempotence = Idempotence::Off;
    let mut world = World::new(config);
    let error =
        NetError::Authentication { broker: "h:9092".to_owned(), message: "no".to_owned(), code: None };
    let turn = send(1, "t");
    world.producer.submit(world.now, &turn).unwrap();
    let request = world.producer.poll_request(world.now, ()).unwrap();
    world.producer.handle_response(world.now, request.id, Err(error.clone()));
    world.turn();
    assert_eq!(world.answered().1, [(1, Reason::Net(error))]);
    world.send(2, "t");
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.answered().0, [2], "and what is sent later is tried");
}

/// One message of so many bytes.
fn large(ticket: i32, size: usize) -> Vec<u8> {
    let record = TestRecord { value: Some(vec![b'x'; size]), ..TestRecord::default() };
    TestSend { ticket, topics: vec![("t".to_owned(), vec![(-1, record)])], ..TestSend::default() }.encode()
}

#[test]
fn a_broker_that_is_gone_is_done_without() {
    let mut world = World::new(config());
    world.send(1, "t");
    world.produced = |leader, node| match node {
        1 => Err(NetError::Closed { broker: "h:9092".to_owned() }),
        _ => Ok(if leader == node { ErrorCode::NONE } else { ErrorCode::NOT_LEADER_OR_FOLLOWER }),
    };
    world.send(2, "t");
    world.run_for(Duration::from_millis(300));
    assert_eq!(world.answered(), (vec![1], vec![]), "it still leads");
    world.leader = 2;
    world.run_for(Duration::from_secs(5));
    assert_eq!(world.answered(), (vec![1, 2], vec![]));
}

#[test]
fn what_nobody_answers_is_no_more_than_the_buffer_and_goes_on_later() {
    for was_connected in [true, false] {
        let mut config = config();
        config.produce.retries = u32::MAX;
        config.produce.buffer_memory = 1 << 20;
        let mut world = World::new(config);
        if was_connected {
            world.send(0, "t");
        }
        world.is_reachable = false;
        let taken = (1..10_000)
            .take_while(|ticket| {
                let turn = large(*ticket, 2000);
                let submitted = world.producer.submit(world.now, &turn).unwrap();
                world.run_for(Duration::from_millis(10));
                submitted.sends == 1
            })
            .count();
        assert!((350..525).contains(&taken), "{taken}");
        assert!(world.producer.memory() <= 1 << 20);
        world.run_for(Duration::from_secs(60));
        assert!(!world.events.contains(&Event::Answer(Answer::Room)));
        world.is_reachable = true;
        world.run_for(Duration::from_secs(10));
        assert!(world.events.contains(&Event::Answer(Answer::Room)));
        assert_eq!(world.answered().0.len(), taken + usize::from(was_connected));
        assert_eq!(world.producer.memory(), 0);
    }
}

#[test]
fn what_nobody_answers_fails_when_its_time_is_over() {
    let mut config = config();
    config.produce.retries = u32::MAX;
    config.produce.delivery_timeout = Duration::from_secs(20);
    let mut world = World::new(config);
    world.send(1, "t");
    world.is_reachable = false;
    world.send(2, "t");
    world.run_for(Duration::from_secs(19));
    assert_eq!(world.answered(), (vec![1], vec![]));
    world.run_for(Duration::from_secs(2));
    assert_eq!(world.answered().1.iter().map(|(ticket, _)| *ticket).collect::<Vec<_>>(), [2]);
    assert_eq!(world.producer.memory(), 0);
}

#[test]
fn metadata_that_is_refused_for_a_while_is_waited_for() {
    let mut world = World::new(config());
    world.topics = Vec::new();
    world.send(1, "t");
    world.is_reachable = false;
    world.run_for(Duration::from_millis(500));
    world.is_reachable = true;
    world.topics = vec!["t"];
    world.run_for(Duration::from_secs(10));
    assert_eq!(world.answered(), (vec![1], vec![]));
}

#[test]
fn a_producer_that_stood_still_goes_on() {
    let mut world = World::new(config());
    world.send(1, "t");
    // No timer rang for so long, and the event loop has handed nothing over.
    world.now += Duration::from_secs(30);
    world.send(2, "t");
    world.now += Duration::from_secs(3600);
    world.send(3, "t");
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.answered(), (vec![1, 2, 3], vec![]));
}

/// Each is asked for once, and none for ever.
#[test]
fn a_program_that_goes_on_to_ever_new_topics_asks_for_each_of_them() {
    let mut config = config();
    config.produce.most_topics = 100;
    let mut world = World::new(config);
    world.prefix = Some("topic-");
    let many = 1_000;
    let mut asked = 0;
    for ticket in 1..=many {
        world.send(ticket, &format!("topic-{ticket}"));
        world.run_for(Duration::from_millis(1));
        assert_eq!(world.answered(), (vec![ticket], vec![]));
        world.events.clear();
        for request in world.asked.drain(..) {
            let Request::Metadata(request) = request else { continue };
            asked += request.topics.map_or(0, |topics| topics.len());
        }
    }
    assert!(asked <= many as usize + 1, "{asked}");
    assert!(world.producer.cluster.metadata().topic_count() <= 100);
    assert!(world.producer.cluster.watched().len() <= 100);
}

#[test]
fn a_leader_that_another_client_has_found_is_written_to_at_once() {
    let mut world = World::new(config());
    world.send(1, "t");
    (world.leader, world.leader_epoch) = (2, 1);
    let news = News::of(&world.metadata(vec!["t".to_owned()])).unwrap();
    world.producer.hear(world.now, &news);
    world.asked.clear();
    world.send(2, "t");
    assert_eq!(world.answered(), (vec![1, 2], vec![]));
    assert!(matches!(world.asked[..], [Request::Produce(_)]), "{:?}", world.asked);
}

#[test]
fn a_leader_that_was_found_is_told_to_the_other_clients() {
    let mut world = World::new(config());
    let is_news = |event: &&Event| matches!(event, Event::News(_));
    world.send(1, "t");
    assert_eq!(world.events.iter().filter(is_news).count(), 0, "what it has heard first is no news");
    (world.leader, world.leader_epoch) = (2, 1);
    world.send(2, "t");
    world.run_for(Duration::from_secs(5));
    assert_eq!(world.answered(), (vec![1, 2], vec![]));
    assert_eq!(world.events.iter().filter(is_news).count(), 1);
}
