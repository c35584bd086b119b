//! The machine, the group's coordinator, the partitions' leader and the time.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::engine::cluster::Metadata;
use crate::engine::cluster::Outbound;
use crate::engine::cluster::TopicPartition;
use crate::engine::offsets::Event;
use crate::engine::offsets::Member;
use crate::engine::offsets::Offsets;
use crate::engine::offsets::OffsetsConfig;
use crate::engine::offsets::ResetPolicy;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::NetError;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::list_offsets::LATEST;
use crate::engine::protocol::list_offsets::ListOffsetsResponse;
use crate::engine::protocol::list_offsets::ListOffsetsResponsePartition;
use crate::engine::protocol::list_offsets::ListOffsetsResponseTopic;
use crate::engine::protocol::metadata::MetadataPartition;
use crate::engine::protocol::metadata::MetadataResponse;
use crate::engine::protocol::metadata::MetadataTopic;
use crate::engine::protocol::offset_commit::OffsetCommitResponse;
use crate::engine::protocol::offset_commit::OffsetCommitResponsePartition;
use crate::engine::protocol::offset_commit::OffsetCommitResponseTopic;
use crate::engine::protocol::offset_fetch::OffsetFetchResponse;
use crate::engine::protocol::offset_fetch::OffsetFetchResponsePartition;
use crate::engine::protocol::offset_fetch::OffsetFetchResponseTopic;

/// The log of every partition.
pub(super) const START: i64 = 10;
pub(super) const END: i64 = 100;

pub(super) struct World {
    pub(super) offsets: Offsets,
    pub(super) now: Instant,
    pub(super) found: bool,
    pub(super) in_flight: Vec<Outbound>,
    /// What the group has committed, by partition of `t`.
    pub(super) committed: BTreeMap<i32, i64>,
    pub(super) positions: Vec<(i32, i64)>,
    pub(super) events: Vec<Event>,
    /// What handlers have finished, by partition: nothing else may be committed automatically.
    pub(super) resolved: BTreeMap<i32, i64>,
    /// Automatic or explicit OffsetCommits sent, with the time of each.
    pub(super) commits: Vec<(Instant, BTreeMap<i32, i64>)>,
    /// The explicit ones' offsets, which need not be resolved.
    pub(super) explicit: Vec<(i32, i64)>,
    metadata: Metadata,
}

pub(super) fn config() -> OffsetsConfig {
    OffsetsConfig {
        group_id: "g".into(),
        read_committed: true,
        auto_commit: true,
        auto_commit_interval: None,
        auto_commit_threshold: None,
        reset: ResetPolicy::ByTopic,
    }
}

pub(super) fn member(generation_id: i32) -> Member {
    Member { generation_id, member_id: "me".into(), group_instance_id: None }
}

pub(super) fn tp(partition: i32) -> TopicPartition {
    TopicPartition { topic: "t".into(), partition }
}

pub(super) fn closed() -> NetError {
    NetError::Closed { broker: "broker:9092".into() }
}

impl World {
    pub(super) fn new() -> World {
        World::with(config())
    }

    #[expect(clippy::disallowed_methods, reason = "any instant will do to start from")]
    pub(super) fn with(config: OffsetsConfig) -> World {
        let mut world = World {
            offsets: Offsets::new(config, 7),
            now: Instant::now(),
            found: true,
            in_flight: Vec::new(),
            committed: BTreeMap::new(),
            positions: Vec::new(),
            events: Vec::new(),
            resolved: BTreeMap::new(),
            commits: Vec::new(),
            explicit: Vec::new(),
            metadata: Metadata::default(),
        };
        world.set_leader(1);
        world
    }

    /// A member with these partitions at their positions.
    pub(super) fn at_work(config: OffsetsConfig, partitions: &[i32]) -> World {
        let mut world = World::with(config);
        world.assign(1, partitions, true);
        world.answer_all();
        assert_eq!(world.positions.len(), partitions.len());
        world.positions.clear();
        world.events.clear();
        world
    }

    pub(super) fn set_leader(&mut self, leader: i32) {
        let partitions = (0..4).map(|partition| MetadataPartition {
            partition,
            leader,
            leader_epoch: -1,
            ..Default::default()
        });
        let partitions = partitions.collect();
        let topic = MetadataTopic { name: Some("t".into()), partitions, ..Default::default() };
        self.metadata.apply(&MetadataResponse { topics: vec![topic], ..Default::default() });
    }

    pub(super) fn assign(&mut self, generation: i32, partitions: &[i32], from_beginning: bool) {
        let partitions = partitions.iter().map(|p| (tp(*p), from_beginning)).collect();
        self.resolved.clear();
        self.offsets.assign(self.now, partitions, member(generation));
        self.settle();
    }

    pub(super) fn resolve(&mut self, partition: i32, next: i64) {
        self.offsets.resolved(self.now, &tp(partition), next);
        self.resolved.insert(partition, next);
        self.settle();
    }

    pub(super) fn batch_end(&mut self) {
        self.offsets.batch_end();
        self.settle();
    }

    pub(super) fn seek(&mut self, partition: i32, offset: i64) {
        self.offsets.sought(&tp(partition), offset);
        self.resolved.insert(partition, offset);
        self.settle();
    }

    pub(super) fn commit(&mut self, ticket: u64, offsets: Option<&[(i32, i64)]>) {
        self.explicit.extend(offsets.unwrap_or_default());
        let offsets = offsets.map(|offsets| offsets.iter().map(|(p, o)| (tp(*p), *o, None)).collect());
        self.offsets.commit(ticket, offsets);
        self.settle();
    }

    pub(super) fn revoke(&mut self) {
        self.resolved.clear();
        self.offsets.revoke_all();
        self.settle();
    }

    /// How the commit with this ticket has ended, if it has.
    pub(super) fn done(&self, ticket: u64) -> Option<bool> {
        let mut ends = self.events.iter().filter_map(|event| match event {
            Event::CommitDone { ticket: of, result } if *of == ticket => Some(result.is_ok()),
            _ => None,
        });
        let end = ends.next();
        assert_eq!(ends.next(), None, "a promise settles once");
        end
    }

    pub(super) fn saw(&self, event: &Event) -> bool {
        self.events.contains(event)
    }

    // ---- the brokers

    pub(super) fn names(&self) -> Vec<&'static str> {
        self.in_flight.iter().map(|outbound| outbound.body.key().name()).collect()
    }

    pub(super) fn answer(&mut self, index: usize, response: Result<Response, NetError>) {
        let outbound = self.in_flight.remove(index);
        self.offsets.handle_response(self.now, outbound.id, response);
        self.settle();
    }

    /// The truth.
    pub(super) fn answer_well(&mut self, index: usize) {
        let body = self.in_flight[index].body.clone();
        let response = self.respond(&body, |_| ErrorCode::NONE);
        self.answer(index, Ok(response));
    }

    /// The truth, but for partitions that get an error.
    pub(super) fn answer_with(&mut self, index: usize, error: impl Fn(i32) -> ErrorCode) {
        let body = self.in_flight[index].body.clone();
        let response = self.respond(&body, error);
        self.answer(index, Ok(response));
    }

    pub(super) fn answer_all(&mut self) {
        while !self.in_flight.is_empty() {
            self.answer_well(0);
        }
    }

    fn respond(&mut self, request: &Request, error: impl Fn(i32) -> ErrorCode) -> Response {
        match request {
            Request::OffsetFetch(request) => {
                assert!(request.require_stable);
                let mut topics = Vec::new();
                for topic in request.topics.as_ref().unwrap() {
                    let partitions = topic.partitions.iter().map(|p| OffsetFetchResponsePartition {
                        partition: *p,
                        offset: self.committed.get(p).copied().unwrap_or(-1),
                        error: error(*p),
                        ..Default::default()
                    });
                    let partitions = partitions.collect();
                    topics.push(OffsetFetchResponseTopic { name: topic.name.clone(), partitions });
                }
                Response::OffsetFetch(OffsetFetchResponse { topics, ..Default::default() })
            }
            Request::ListOffsets(request) => {
                let mut topics = Vec::new();
                for topic in &request.topics {
                    let partitions = topic.partitions.iter().map(|asked| ListOffsetsResponsePartition {
                        partition: asked.partition,
                        offset: if asked.timestamp == LATEST { END } else { START },
                        error: error(asked.partition),
                        ..Default::default()
                    });
                    let partitions = partitions.collect();
                    topics.push(ListOffsetsResponseTopic { name: topic.name.clone(), partitions });
                }
                Response::ListOffsets(ListOffsetsResponse { topics, ..Default::default() })
            }
            Request::OffsetCommit(request) => {
                let mut topics = Vec::new();
                for topic in &request.topics {
                    let mut partitions = Vec::new();
                    for asked in &topic.partitions {
                        let (partition, error) = (asked.partition, error(asked.partition));
                        if !error.is_err() {
                            self.committed.insert(partition, asked.offset);
                        }
                        partitions.push(OffsetCommitResponsePartition { partition, error });
                    }
                    topics.push(OffsetCommitResponseTopic { name: topic.name.clone(), partitions });
                }
                Response::OffsetCommit(OffsetCommitResponse { topics, ..Default::default() })
            }
            other => panic!("not a request of offsets: {other:?}"),
        }
    }

    // ---- time

    pub(super) fn advance(&mut self, by: Duration) {
        let end = self.now + by;
        let mut wakes = 0;
        while let Some(at) = self.offsets.poll_timeout(self.now).filter(|at| *at <= end) {
            wakes += 1;
            assert!(wakes < 1000, "busy loop");
            self.now = at;
            self.offsets.handle_timeout(self.now);
            self.settle();
        }
        self.now = end;
        self.settle();
    }

    // ---- the promises

    pub(super) fn settle(&mut self) {
        loop {
            while let Some(outbound) = self.offsets.poll_request(self.now, &self.metadata, self.found) {
                self.see_request(outbound);
            }
            let Some(event) = self.offsets.poll_event() else { break };
            match event {
                Event::Position { partition, offset } => self.positions.push((partition.partition, offset)),
                Event::CoordinatorLost => {
                    self.found = false;
                    self.events.push(Event::CoordinatorLost);
                }
                event => self.events.push(event),
            }
        }
        let timeout = self.offsets.poll_timeout(self.now);
        assert!(timeout.is_none_or(|at| at > self.now), "a timer that has rung already: busy loop");
    }

    fn see_request(&mut self, outbound: Outbound) {
        if let Request::OffsetCommit(request) = &outbound.body {
            let other = |other: &&Outbound| matches!(other.body, Request::OffsetCommit(_));
            // One that a revocation has overtaken may still be out.
            assert!(self.in_flight.iter().filter(other).count() <= 1, "{:?}", self.in_flight);
            assert_eq!(request.member_id, "me");
            let mut offsets = BTreeMap::new();
            for topic in &request.topics {
                for p in &topic.partitions {
                    assert!(p.offset >= 0);
                    let is_resolved = self.resolved.get(&p.partition) == Some(&p.offset);
                    assert!(is_resolved || self.explicit.contains(&(p.partition, p.offset)), "{p:?}");
                    assert_eq!(offsets.insert(p.partition, p.offset), None);
                }
            }
            self.commits.push((self.now, offsets));
        }
        self.in_flight.push(outbound);
    }
}
