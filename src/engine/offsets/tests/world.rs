//! The machine, its owner, its brokers and the time.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::engine::cluster::Metadata;
use crate::engine::machine::Failure;
use crate::engine::machine::LogLevel;
use crate::engine::machine::Machine;
use crate::engine::machine::NetError;
use crate::engine::machine::Outbound;
use crate::engine::machine::Owned;
use crate::engine::machine::Target;
use crate::engine::machine::TopicPartition;
use crate::engine::offsets::Event;
use crate::engine::offsets::Member;
use crate::engine::offsets::Offset;
use crate::engine::offsets::Offsets;
use crate::engine::offsets::OffsetsConfig;
use crate::engine::offsets::ResetPolicy;
use crate::engine::offsets::View;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::TopicId;
use crate::engine::protocol::list_offsets::{
    ListOffsetsRequest, ListOffsetsResponse, ListOffsetsResponsePartition, ListOffsetsResponseTopic,
};
use crate::engine::protocol::metadata::{MetadataPartition, MetadataResponse, MetadataTopic};
use crate::engine::protocol::offset_commit::OffsetCommitPartition;
use crate::engine::protocol::offset_commit::{
    OffsetCommitRequest, OffsetCommitResponse, OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use crate::engine::protocol::offset_fetch::{
    OffsetFetchRequest, OffsetFetchResponse, OffsetFetchResponsePartition, OffsetFetchResponseTopic,
};

/// The longest that the machine waits before it tries again.
pub(super) const PATIENCE: Duration = Duration::from_millis(1_200);

/// Its node.
pub(super) const COORDINATOR: i32 = 9;

pub(super) struct World {
    pub(super) offsets: Offsets,
    pub(super) now: Instant,
    pub(super) metadata: Metadata,
    pub(super) coordinator_known: bool,
    /// Sent and not answered, oldest first.
    pub(super) in_flight: Vec<Outbound>,
    /// What came since it was last looked at.
    pub(super) events: Vec<Event>,
    pub(super) generation_id: i32,
    /// A member by KIP-848.
    pub(super) by_epoch: bool,
    /// What is assigned.
    pub(super) ours: Vec<TopicPartition>,
    /// Commits that were on their way when their generation ended.
    written_off: Vec<u64>,
}

pub(super) fn config() -> OffsetsConfig {
    OffsetsConfig {
        group_id: "group".into(),
        read_committed: true,
        auto_commit: true,
        auto_commit_interval: None,
        auto_commit_threshold: None,
        keeps_finished: false,
        reset: ResetPolicy::ByTopic,
    }
}

pub(super) fn manual() -> OffsetsConfig {
    OffsetsConfig { auto_commit: false, ..config() }
}

impl World {
    pub(super) fn uncommitted(&self) -> Vec<(TopicPartition, i64)> {
        self.offsets.uncommitted().map(|(partition, offset)| (partition.clone(), offset)).collect()
    }

    pub(super) fn new() -> World {
        World::with(config())
    }

    #[expect(clippy::disallowed_methods, reason = "any instant will do to start from")]
    pub(super) fn with(config: OffsetsConfig) -> World {
        let mut world = World {
            offsets: Offsets::new(config, 7),
            now: Instant::now(),
            metadata: Metadata::default(),
            coordinator_known: true,
            in_flight: Vec::new(),
            events: Vec::new(),
            generation_id: 0,
            by_epoch: false,
            ours: Vec::new(),
            written_off: Vec::new(),
        };
        world.lead(&[1, 1, 2]);
        world
    }

    /// Partitions 0 and 1, whose group has committed 10 in each.
    pub(super) fn consuming(config: OffsetsConfig) -> World {
        let mut world = World::with(config);
        world.assign(&[0, 1], false);
        world.answer_fetch(&[(0, 10), (1, 10)]);
        world.events.clear();
        world
    }

    // ---- the owner

    pub(super) fn assign(&mut self, partitions: &[i32], from_beginning: bool) {
        self.generation_id += 1;
        self.ours = partitions.iter().map(|partition| t(*partition)).collect();
        let assigned = self.ours.iter().map(|partition| (partition.clone(), from_beginning)).collect();
        let member = self.member();
        self.write_off();
        self.offsets.member_changed(self.now, None);
        self.offsets.unassign(&Owned::All);
        self.offsets.member_changed(self.now, Some(member));
        self.offsets.assign(assigned);
        self.settle();
    }

    /// Another generation in which these are added and the others kept.
    pub(super) fn add(&mut self, partitions: &[i32]) {
        self.next_generation();
        self.ours.extend(partitions.iter().map(|partition| t(*partition)));
        self.offsets.assign(partitions.iter().map(|partition| (t(*partition), false)).collect());
        self.settle();
    }

    /// Another generation, nothing else.
    pub(super) fn next_generation(&mut self) {
        self.generation_id += 1;
        self.offsets.member_changed(self.now, Some(self.member()));
        self.settle();
    }

    /// These go, the others are kept.
    pub(super) fn remove(&mut self, partitions: &[i32]) {
        let removed: BTreeSet<_> = partitions.iter().map(|partition| t(*partition)).collect();
        self.ours.retain(|partition| !removed.contains(partition));
        self.offsets.unassign(&Owned::Only(removed));
        self.settle();
    }

    fn member(&self) -> Member {
        Member {
            by_epoch: self.by_epoch,
            generation_id: self.generation_id,
            member_id: "member".into(),
            group_instance_id: Some("instance".into()),
        }
    }

    pub(super) fn revoke_all(&mut self) {
        self.write_off();
        self.ours.clear();
        self.offsets.member_changed(self.now, None);
        self.offsets.unassign(&Owned::All);
        self.settle();
    }

    fn write_off(&mut self) {
        let commits = self.in_flight.iter().filter(|sent| matches!(sent.body, Request::OffsetCommit(_)));
        self.written_off.extend(commits.map(|sent| sent.id));
    }

    pub(super) fn resolve(&mut self, partition: i32, next: i64) {
        self.offsets.resolved(&t(partition), next, Some(6));
        self.settle();
    }

    /// A transaction has committed this.
    pub(super) fn transacted(&mut self, partition: i32, offset: i64) {
        self.offsets.committed_elsewhere(&t(partition), offset);
        self.settle();
    }

    pub(super) fn batch_end(&mut self) {
        self.offsets.batch_end();
        self.settle();
    }

    pub(super) fn seek(&mut self, partition: i32, offset: i64) {
        self.offsets.sought(&t(partition), offset);
        self.settle();
    }

    pub(super) fn flush(&mut self) {
        self.offsets.flush(Owned::All);
        self.settle();
    }

    pub(super) fn commit(&mut self, ticket: u64, offsets: Option<Vec<Offset>>) {
        self.offsets.commit(ticket, offsets);
        self.settle();
    }

    pub(super) fn send_commits(&mut self) {
        self.offsets.send_commits();
        self.settle();
    }

    pub(super) fn looks_in(&self) -> Option<Duration> {
        self.offsets.next_look(self.now).map(|at| at - self.now)
    }

    /// Makes `leaders` lead partitions 0, 1, …; -1 = nobody.
    pub(super) fn lead(&mut self, leaders: &[i32]) {
        let partitions = leaders.iter().zip(0..).map(|(&leader, partition)| MetadataPartition {
            partition,
            leader,
            leader_epoch: 4,
            ..Default::default()
        });
        let partitions = partitions.collect();
        let topic = MetadataTopic { name: Some("t".into()), partitions, ..Default::default() };
        self.metadata.apply(&MetadataResponse { topics: vec![topic], ..Default::default() });
    }

    /// The topic has this id from now on; another one than before = it was made anew, and the owner says so.
    pub(super) fn identify(&mut self, id: u8) {
        let topic_id = TopicId([id; 16]);
        let topic = MetadataTopic { name: Some("t".into()), topic_id, ..Default::default() };
        let change = self.metadata.apply(&MetadataResponse { topics: vec![topic], ..Default::default() });
        self.lead(&[1, 1, 2]);
        for topic in change.recreated {
            self.offsets.recreated(&topic);
        }
        self.settle();
    }

    /// The events since the last look.
    pub(super) fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Partition and offset of each position since the last look; the other events are dropped.
    pub(super) fn positions(&mut self) -> Vec<(i32, i64)> {
        let position = |event| match event {
            Event::Position { partition, offset, .. } => Some((partition.partition, offset)),
            _ => None,
        };
        self.events().into_iter().filter_map(position).collect()
    }

    /// How each commit with a ticket ended since the last look; the other events are dropped.
    pub(super) fn done(&mut self) -> Vec<(u64, Result<(), ErrorCode>)> {
        let done = |event| match event {
            Event::CommitDone { ticket, result: Ok(()) } => Some((ticket, Ok(()))),
            Event::CommitDone { ticket, result: Err(Failure::Broker { code, .. }) } => {
                Some((ticket, Err(code)))
            }
            Event::CommitDone { ticket, result: Err(other) } => panic!("{ticket}: {other:?}"),
            _ => None,
        };
        self.events().into_iter().filter_map(done).collect()
    }

    pub(super) fn failures(&mut self) -> Vec<Failure> {
        let failed = |event| match event {
            Event::Failed(failure) => Some(failure),
            _ => None,
        };
        self.events().into_iter().filter_map(failed).collect()
    }

    /// Has this event come since the last look?
    pub(super) fn has(&self, event: &Event) -> bool {
        self.events.contains(event)
    }

    pub(super) fn warnings(&self) -> usize {
        let is_warning = |event: &&Event| matches!(event, Event::Log(log) if log.level == LogLevel::Warn);
        self.events.iter().filter(is_warning).count()
    }

    // ---- the brokers

    /// Is nothing in flight?
    pub(super) fn is_quiet(&self) -> bool {
        self.in_flight.is_empty()
    }

    /// The first request in flight of this kind.
    pub(super) fn index_of(&self, kind: &str) -> Option<usize> {
        self.in_flight.iter().position(|sent| sent.body.key().name() == kind)
    }

    fn take(&mut self, kind: &str) -> Outbound {
        let Some(at) = self.index_of(kind) else { panic!("no {kind} among {:?}", self.in_flight) };
        self.in_flight.remove(at)
    }

    pub(super) fn sent_commit(&self) -> &OffsetCommitRequest {
        match self.index_of("OffsetCommit").map(|at| &self.in_flight[at].body) {
            Some(Request::OffsetCommit(request)) => request,
            _ => panic!("no OffsetCommit among {:?}", self.in_flight),
        }
    }

    /// Partition and offset of what the OffsetCommit in flight carries.
    pub(super) fn committing(&self) -> Vec<(i32, i64)> {
        let topics = self.sent_commit().topics.iter();
        topics.flat_map(|topic| topic.partitions.iter().map(|p| (p.partition, p.offset))).collect()
    }

    pub(super) fn sent_list(&self) -> &ListOffsetsRequest {
        match self.index_of("ListOffsets").map(|at| &self.in_flight[at].body) {
            Some(Request::ListOffsets(request)) => request,
            _ => panic!("no ListOffsets among {:?}", self.in_flight),
        }
    }

    /// Partition and timestamp of what the ListOffsets in flight asks.
    pub(super) fn listing(&self) -> Vec<(i32, i64)> {
        let topics = self.sent_list().topics.iter();
        topics.flat_map(|topic| topic.partitions.iter().map(|p| (p.partition, p.timestamp))).collect()
    }

    /// What the OffsetFetch in flight asks.
    pub(super) fn fetching(&self) -> Vec<i32> {
        match self.index_of("OffsetFetch").map(|at| &self.in_flight[at].body) {
            Some(Request::OffsetFetch(request)) => fetch_partitions(request),
            _ => panic!("no OffsetFetch among {:?}", self.in_flight),
        }
    }

    /// The OffsetFetch is answered with these partitions and committed offsets, and no others.
    pub(super) fn answer_fetch(&mut self, committed: &[(i32, i64)]) {
        let outbound = self.take("OffsetFetch");
        let response = spelled(&outbound.body, committed_are(committed));
        self.hand(outbound, Ok(response));
    }

    /// The OffsetFetch is answered with this offset of partition 0, and this metadata.
    pub(super) fn answer_fetch_with(&mut self, offset: i64, metadata: &str) {
        let outbound = self.take("OffsetFetch");
        let metadata = Some(metadata.to_owned());
        let found = OffsetFetchResponsePartition { offset, leader_epoch: 3, metadata, ..Default::default() };
        let response = spelled(&outbound.body, fetched(vec![found]));
        self.hand(outbound, Ok(response));
    }

    /// Partition, offset and metadata of what the OffsetCommit in flight carries.
    pub(super) fn noting(&self) -> Vec<(i32, i64, Option<String>)> {
        let topics = self.sent_commit().topics.iter();
        let noted = |p: &OffsetCommitPartition| (p.partition, p.offset, p.metadata.clone());
        topics.flat_map(|topic| topic.partitions.iter().map(noted)).collect()
    }

    /// The OffsetFetch is answered with this error for every partition.
    pub(super) fn refuse_fetch(&mut self, error: ErrorCode) {
        let outbound = self.take("OffsetFetch");
        let response = refusal(&outbound.body, error);
        self.hand(outbound, Ok(response));
    }

    pub(super) fn answer_list(&mut self, found: &[(i32, i64)]) {
        let outbound = self.take("ListOffsets");
        self.hand(outbound, Ok(found_are(found)));
    }

    pub(super) fn refuse_list(&mut self, error: ErrorCode) {
        let outbound = self.take("ListOffsets");
        let response = refusal(&outbound.body, error);
        self.hand(outbound, Ok(response));
    }

    /// The OffsetCommit is answered with NONE for every partition.
    pub(super) fn answer_commit(&mut self) {
        self.refuse_commit(ErrorCode::NONE);
    }

    pub(super) fn refuse_commit(&mut self, error: ErrorCode) {
        let outbound = self.take("OffsetCommit");
        let response = refusal(&outbound.body, error);
        self.hand(outbound, Ok(response));
    }

    /// The OffsetCommit is answered with these codes, and no others.
    pub(super) fn answer_commit_with(&mut self, codes: &[(i32, ErrorCode)]) {
        let outbound = self.take("OffsetCommit");
        let response = spelled(&outbound.body, commit_codes(codes.iter().copied()));
        self.hand(outbound, Ok(response));
    }

    /// The first request of this kind gets no answer.
    pub(super) fn cut(&mut self, kind: &str, error: NetError) {
        let outbound = self.take(kind);
        self.hand(outbound, Err(error));
    }

    pub(super) fn hand(&mut self, outbound: Outbound, response: Result<Response, NetError>) {
        self.offsets.handle_response(self.now, outbound.id, response);
        self.settle();
    }

    // ---- time

    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        let mut wakes = 0;
        while let Some(at) = self.offsets.poll_timeout(self.now).filter(|at| *at <= end) {
            wakes += 1;
            assert!(wakes < 1_000, "a busy loop");
            self.now = at;
            self.offsets.handle_timeout(at);
            self.settle();
        }
        self.now = end;
        self.settle();
    }

    pub(super) fn pass_ms(&mut self, millis: u64) {
        self.pass(Duration::from_millis(millis));
    }

    /// What the driver does after every step, and what must hold then.
    pub(super) fn settle(&mut self) {
        let coordinator = self.coordinator_known.then_some(COORDINATOR);
        let view = View { metadata: &self.metadata, coordinator, only_commits: false };
        while let Some(outbound) = self.offsets.poll_request(self.now, view) {
            self.check(&outbound);
            self.in_flight.push(outbound);
        }
        self.events.extend(std::iter::from_fn(|| self.offsets.poll_event()));
        if let Some(at) = self.offsets.poll_timeout(self.now) {
            assert!(at > self.now, "a timer that has rung already: a busy loop");
        }
        let is_live = |sent: &&Outbound| {
            matches!(sent.body, Request::OffsetCommit(_)) && !self.written_off.contains(&sent.id)
        };
        assert!(self.in_flight.iter().filter(is_live).count() <= 1, "{:?}", self.in_flight);
    }

    fn check(&self, outbound: &Outbound) {
        match &outbound.body {
            Request::OffsetCommit(request) => {
                assert_eq!(outbound.to, Target::coordinator(COORDINATOR));
                assert!(self.coordinator_known);
                assert!(!self.ours.is_empty(), "a commit as a member of nothing");
                assert_eq!(request.generation_id, self.generation_id);
                assert!(!request.topics.is_empty());
                for partition in request.topics.iter().flat_map(|topic| &topic.partitions) {
                    assert!(partition.offset >= 0, "{request:?}");
                }
            }
            Request::OffsetFetch(request) => {
                assert_eq!(outbound.to, Target::coordinator(COORDINATOR));
                assert!(self.coordinator_known);
                assert!(request.require_stable);
                for partition in fetch_partitions(request) {
                    assert!(self.ours.contains(&t(partition)));
                }
            }
            Request::ListOffsets(request) => {
                for partition in request.topics.iter().flat_map(|topic| &topic.partitions) {
                    let leader = self.metadata.leader(&t(partition.partition)).unwrap();
                    assert_eq!(outbound.to, Target::node(leader.node));
                    assert_eq!(partition.current_leader_epoch, leader.epoch);
                }
            }
            other => panic!("not a request about offsets: {other:?}"),
        }
    }
}

// ---- what they say

pub(super) fn t(partition: i32) -> TopicPartition {
    TopicPartition { topic: "t".into(), partition }
}

pub(super) fn offset(partition: i32, offset: i64) -> Offset {
    (t(partition), offset, None)
}

pub(super) fn fetch_partitions(request: &OffsetFetchRequest) -> Vec<i32> {
    request.topics.iter().flatten().flat_map(|topic| topic.partitions.clone()).collect()
}

pub(super) fn committed_are(committed: &[(i32, i64)]) -> Response {
    let partitions = committed.iter().map(|&(partition, offset)| OffsetFetchResponsePartition {
        partition,
        offset,
        leader_epoch: 3,
        ..Default::default()
    });
    fetched(partitions.collect())
}

fn fetched(partitions: Vec<OffsetFetchResponsePartition>) -> Response {
    let topics = vec![OffsetFetchResponseTopic { name: "t".into(), partitions, ..Default::default() }];
    Response::OffsetFetch(OffsetFetchResponse { topics, ..Default::default() })
}

pub(super) fn found_are(found: &[(i32, i64)]) -> Response {
    let partitions = found.iter().map(|&(partition, offset)| ListOffsetsResponsePartition {
        partition,
        offset,
        ..Default::default()
    });
    listed(partitions.collect())
}

fn listed(partitions: Vec<ListOffsetsResponsePartition>) -> Response {
    let topics = vec![ListOffsetsResponseTopic { name: "t".into(), partitions }];
    Response::ListOffsets(ListOffsetsResponse { topics, ..Default::default() })
}

pub(super) fn commit_codes(codes: impl Iterator<Item = (i32, ErrorCode)>) -> Response {
    let partitions = codes.map(|(partition, error)| OffsetCommitResponsePartition { partition, error });
    let topics = vec![OffsetCommitResponseTopic {
        name: "t".into(),
        partitions: partitions.collect(),
        ..Default::default()
    }];
    Response::OffsetCommit(OffsetCommitResponse { topics, ..Default::default() })
}

/// The answer that carries this error for every partition of the request.
pub(super) fn refusal(request: &Request, error: ErrorCode) -> Response {
    let response = match request {
        Request::OffsetCommit(request) => {
            let partitions = request.topics.iter().flat_map(|topic| &topic.partitions);
            commit_codes(partitions.map(|p| (p.partition, error)))
        }
        Request::OffsetFetch(request) => {
            let partitions = fetch_partitions(request).into_iter();
            let refused = |partition| {
                let offset = -1;
                OffsetFetchResponsePartition { partition, offset, error, ..Default::default() }
            };
            fetched(partitions.map(refused).collect())
        }
        Request::ListOffsets(request) => {
            let partitions = request.topics.iter().flat_map(|topic| &topic.partitions);
            let refused = |partition| {
                let offset = -1;
                ListOffsetsResponsePartition { partition, offset, error, ..Default::default() }
            };
            listed(partitions.map(|p| refused(p.partition)).collect())
        }
        other => panic!("not a request about offsets: {other:?}"),
    };
    spelled(request, response)
}

/// As the version has it in which the request goes out: with its topic's id instead of the name from v10 on.
pub(super) fn spelled(request: &Request, mut response: Response) -> Response {
    let by_id = |version: i16| request.max_version() >= version;
    match (request, &mut response) {
        (Request::OffsetCommit(asked), Response::OffsetCommit(answer)) if by_id(10) => {
            for (topic, asked) in answer.topics.iter_mut().zip(&asked.topics) {
                (topic.name, topic.topic_id) = (String::new(), asked.topic_id);
            }
        }
        (Request::OffsetFetch(asked), Response::OffsetFetch(answer)) if by_id(10) => {
            for (topic, asked) in answer.topics.iter_mut().zip(asked.topics.iter().flatten()) {
                (topic.name, topic.topic_id) = (String::new(), asked.topic_id);
            }
        }
        _ => {}
    }
    response
}

pub(super) fn closed() -> NetError {
    NetError::Closed { broker: "broker:9092".into() }
}

pub(super) fn timed_out() -> NetError {
    let broker = "broker:9092".into();
    NetError::Timeout {
        broker,
        api: "OffsetCommit",
        key: 8,
        version: 9,
        correlation_id: 1,
        created_at: 1,
        sent_at: 1,
        pending_duration: 0,
    }
}

pub(super) fn refused() -> NetError {
    NetError::Authentication { broker: "broker:9092".into(), message: "no".into(), code: None }
}
