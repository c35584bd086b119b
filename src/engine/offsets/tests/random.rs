//! Anything may happen in any order. A broker that keeps what it was given, and a ledger of what was ever resolved,
//! must agree after every step.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use crate::engine::machine::NetError;
use crate::engine::machine::Outbound;
use crate::engine::machine::Owned;
use crate::engine::offsets::Event;
use crate::engine::offsets::Offset;
use crate::engine::offsets::OffsetsConfig;
use crate::engine::offsets::Reset;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::testing::soak::cases;

use super::world::*;

const END: i64 = 1_000;

#[derive(Debug, Clone)]
enum Step {
    /// The handler goes on by so many messages.
    Resolve(i32, i64),
    BatchEnd,
    Seek(i32, i64),
    Reset(i32, Reset),
    Commit(i32),
    CommitAll,
    Flush,
    Assign(Vec<i32>),
    Revoke,
    /// The membership goes on in the next generation.
    NextGeneration,
    /// A join is under way, in which all is kept.
    Rejoin(bool),
    /// This one is given up in good order, the others are kept: flushed, and gone at the end of that or after its time.
    GiveUp(i32),
    Coordinator(bool),
    Lead(i32),
    /// Answers one of the requests in flight.
    Answer(usize, Answer),
    Pass(u64),
}

#[derive(Debug, Clone)]
enum Answer {
    Fine,
    /// A code for one partition, the others are fine.
    Partly(i32, ErrorCode),
    /// One partition is left out.
    Without(i32),
    Refused(ErrorCode),
    /// The request has its effect, its answer is lost.
    Lost(NetError),
    Unanswered(NetError),
}

fn codes() -> impl Strategy<Value = ErrorCode> {
    prop::sample::select(vec![
        ErrorCode::NOT_COORDINATOR,
        ErrorCode::COORDINATOR_NOT_AVAILABLE,
        ErrorCode::COORDINATOR_LOAD_IN_PROGRESS,
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
        ErrorCode::NOT_LEADER_OR_FOLLOWER,
        ErrorCode::UNSTABLE_OFFSET_COMMIT,
        ErrorCode::REQUEST_TIMED_OUT,
        ErrorCode::REBALANCE_IN_PROGRESS,
        ErrorCode::ILLEGAL_GENERATION,
        ErrorCode::STALE_MEMBER_EPOCH,
        ErrorCode::UNKNOWN_MEMBER_ID,
        ErrorCode::FENCED_MEMBER_EPOCH,
        ErrorCode::UNKNOWN_SERVER_ERROR,
    ])
}

fn cuts() -> impl Strategy<Value = NetError> {
    prop::sample::select(vec![closed(), timed_out(), NetError::NoBroker])
}

fn answers() -> impl Strategy<Value = Answer> {
    prop_oneof![
        12 => Just(Answer::Fine),
        3 => (0..3, codes()).prop_map(|(partition, code)| Answer::Partly(partition, code)),
        2 => (0..3).prop_map(Answer::Without),
        3 => codes().prop_map(Answer::Refused),
        1 => cuts().prop_map(Answer::Lost),
        2 => cuts().prop_map(Answer::Unanswered),
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    let resets = prop::sample::select(vec![Reset::ByPolicy, Reset::Earliest, Reset::Latest]);
    prop_oneof![
        20 => (0..3, 1i64..6).prop_map(|(partition, by)| Step::Resolve(partition, by)),
        8 => Just(Step::BatchEnd),
        2 => (0..3, 0i64..50).prop_map(|(partition, to)| Step::Seek(partition, to)),
        2 => (0..3, resets).prop_map(|(partition, how)| Step::Reset(partition, how)),
        2 => (0..3).prop_map(Step::Commit),
        2 => Just(Step::CommitAll),
        1 => Just(Step::Flush),
        2 => prop::collection::btree_set(0..3, 1..4).prop_map(|set| Step::Assign(set.into_iter().collect())),
        1 => Just(Step::Revoke),
        1 => Just(Step::NextGeneration),
        1 => any::<bool>().prop_map(Step::Rejoin),
        1 => (0..3).prop_map(Step::GiveUp),
        3 => any::<bool>().prop_map(Step::Coordinator),
        2 => prop::sample::select(vec![-1, 1, 2]).prop_map(Step::Lead),
        25 => (0usize..4, answers()).prop_map(|(index, answer)| Step::Answer(index, answer)),
        10 => (0u64..400).prop_map(Step::Pass),
    ]
}

/// What happens to a group of whose messages nobody handles any more.
fn faults() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => Just(Step::NextGeneration),
        1 => any::<bool>().prop_map(Step::Rejoin),
        1 => (0..3).prop_map(Step::GiveUp),
        2 => any::<bool>().prop_map(Step::Coordinator),
        1 => prop::sample::select(vec![-1, 1, 2]).prop_map(Step::Lead),
        15 => (0usize..4, answers()).prop_map(|(index, answer)| Step::Answer(index, answer)),
        8 => (0u64..400).prop_map(Step::Pass),
    ]
}

/// What is true, whatever the machine believes.
struct Model {
    world: World,
    /// What the broker has, per partition.
    group: BTreeMap<i32, i64>,
    /// Where the handler of each partition of ours has come; None while its position is being looked up.
    reading: BTreeMap<i32, Option<i64>>,
    /// Where they have come by themselves, or were sent, since their partitions are ours.
    handled: BTreeMap<i32, i64>,
    /// Everything that was ever resolved or sought, per partition.
    ledger: BTreeSet<(i32, i64)>,
    /// Partitions whose user has gone back.
    backwards: BTreeSet<i32>,
    next_ticket: u64,
    open_tickets: BTreeSet<u64>,
}

impl Model {
    /// One that commits by itself, also after so many ms or offsets.
    fn committing(interval: Option<u64>, threshold: Option<u64>) -> Model {
        Model::new(OffsetsConfig {
            auto_commit_interval: interval.map(Duration::from_millis),
            auto_commit_threshold: threshold,
            ..config()
        })
    }

    fn new(config: OffsetsConfig) -> Model {
        Model {
            world: World::with(config),
            group: BTreeMap::from([(0, 10), (1, 10)]),
            reading: BTreeMap::new(),
            handled: BTreeMap::new(),
            ledger: BTreeSet::new(),
            backwards: BTreeSet::new(),
            next_ticket: 0,
            open_tickets: BTreeSet::new(),
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Resolve(partition, by) => {
                if let Some(Some(at)) = self.reading.get_mut(&partition) {
                    *at += by;
                    self.ledger.insert((partition, *at));
                    self.handled.insert(partition, *at);
                    let next = *at;
                    self.world.resolve(partition, next);
                }
            }
            Step::BatchEnd => self.world.batch_end(),
            Step::Seek(partition, to) => {
                if let Some(at) = self.reading.get_mut(&partition) {
                    *at = Some(to);
                    self.handled.insert(partition, to);
                    self.ledger.insert((partition, to));
                    self.backwards.insert(partition);
                    self.world.seek(partition, to);
                }
            }
            Step::Reset(partition, how) => {
                if let Some(at) = self.reading.get_mut(&partition) {
                    *at = None;
                    self.backwards.insert(partition);
                    self.world.offsets.reset(&t(partition), how);
                    self.world.settle();
                }
            }
            Step::Commit(partition) => {
                if let Some(Some(at)) = self.reading.get(&partition).copied() {
                    self.ledger.insert((partition, at));
                    self.commit(Some(vec![offset(partition, at)]));
                }
            }
            Step::CommitAll => self.commit(None),
            Step::Flush => self.world.flush(),
            Step::Assign(partitions) => {
                if !self.open_tickets.is_empty() {
                    // Handlers may begin again before a commit that has waited for this generation.
                    self.backwards.extend(0..3);
                }
                self.reading = partitions.iter().map(|partition| (*partition, None)).collect();
                self.handled.clear();
                self.world.assign(&partitions, true);
            }
            Step::Revoke => {
                self.reading.clear();
                self.handled.clear();
                self.world.revoke_all();
            }
            Step::NextGeneration => {
                if !self.reading.is_empty() {
                    self.world.next_generation();
                }
            }
            Step::Rejoin(is_under_way) => {
                self.world.offsets.set_rejoining(is_under_way);
                self.world.settle();
            }
            Step::GiveUp(partition) => self.give_up(partition),
            Step::Coordinator(known) => {
                self.world.coordinator_known = known;
                self.world.settle();
            }
            Step::Lead(leader) => {
                self.world.lead(&[1, leader, 2]);
                self.world.settle();
            }
            Step::Answer(index, answer) => {
                if index < self.world.in_flight.len() {
                    let outbound = self.world.in_flight.remove(index);
                    self.answer(outbound, answer);
                }
            }
            Step::Pass(millis) => self.world.pass_ms(millis),
        }
        self.look();
    }

    fn give_up(&mut self, partition: i32) {
        if self.reading.len() < 2 || !self.reading.contains_key(&partition) {
            return;
        }
        self.world.offsets.flush(Owned::Only([t(partition)].into()));
        self.world.settle();
        for _ in 0..20 {
            if self.world.has(&Event::Flushed) {
                break;
            }
            if let Some(at) = self.world.index_of("OffsetCommit") {
                let outbound = self.world.in_flight.remove(at);
                self.answer(outbound, Answer::Refused(ErrorCode::REBALANCE_IN_PROGRESS));
            }
            self.world.pass_ms(100);
        }
        self.reading.remove(&partition);
        self.handled.remove(&partition);
        self.world.remove(&[partition]);
    }

    fn commit(&mut self, offsets: Option<Vec<Offset>>) {
        self.next_ticket += 1;
        self.open_tickets.insert(self.next_ticket);
        self.world.commit(self.next_ticket, offsets);
    }

    fn answer(&mut self, outbound: Outbound, answer: Answer) {
        let fine = |partition: i32| match &answer {
            Answer::Fine | Answer::Lost(_) => true,
            Answer::Partly(other, _) | Answer::Without(other) => *other != partition,
            Answer::Refused(_) | Answer::Unanswered(_) => false,
        };
        let code = match &answer {
            Answer::Partly(_, code) | Answer::Refused(code) => *code,
            _ => ErrorCode::NONE,
        };
        let is_left_out = |partition: i32| matches!(answer, Answer::Without(other) if other == partition);
        let response = match &outbound.body {
            Request::OffsetCommit(request) => {
                let partitions: Vec<(i32, i64)> = request
                    .topics
                    .iter()
                    .flat_map(|topic| topic.partitions.iter().map(|p| (p.partition, p.offset)))
                    .collect();
                // Of an earlier generation: the broker is not taken in.
                let is_stale = request.generation_id != self.world.generation_id;
                for (partition, offset) in &partitions {
                    assert!(self.ledger.contains(&(*partition, *offset)), "never resolved");
                    if !is_stale && fine(*partition) {
                        let before = self.group.insert(*partition, *offset);
                        let is_back = before.is_some_and(|before| *offset < before);
                        assert!(!is_back || self.backwards.contains(partition), "went back by itself");
                    }
                }
                let answered = partitions.iter().filter(|(partition, _)| !is_left_out(*partition));
                commit_codes(answered.map(|(partition, _)| match (is_stale, fine(*partition)) {
                    (true, _) => (*partition, ErrorCode::ILLEGAL_GENERATION),
                    (false, true) => (*partition, ErrorCode::NONE),
                    (false, false) => (*partition, code),
                }))
            }
            Request::OffsetFetch(request) if code == ErrorCode::NONE => {
                let asked = fetch_partitions(request).into_iter().filter(|p| !is_left_out(*p));
                let committed = |partition| (partition, self.group.get(&partition).copied().unwrap_or(-1));
                committed_are(&asked.map(committed).collect::<Vec<_>>())
            }
            Request::ListOffsets(request) if code == ErrorCode::NONE => {
                let partitions = request.topics.iter().flat_map(|topic| &topic.partitions);
                let asked = partitions.filter(|p| !is_left_out(p.partition));
                let found = asked.map(|p| (p.partition, if p.timestamp == -1 { END } else { 0 }));
                found_are(&found.collect::<Vec<_>>())
            }
            request => refusal(request, code),
        };
        let response: Result<Response, NetError> = match answer {
            Answer::Lost(error) | Answer::Unanswered(error) => Err(error),
            _ => Ok(response),
        };
        self.world.hand(outbound, response);
    }

    fn look(&mut self) {
        for event in self.world.events() {
            match event {
                Event::Position { partition, offset, .. } => {
                    let at = self.reading.get_mut(&partition.partition).unwrap();
                    assert_eq!(*at, None, "a position that nobody waits for");
                    *at = Some(offset);
                }
                Event::CommitDone { ticket, .. } => assert!(self.open_tickets.remove(&ticket), "twice"),
                Event::Committed { offsets, .. } => {
                    for (partition, offset, _) in offsets {
                        assert!(self.ledger.contains(&(partition.partition, offset)));
                    }
                }
                Event::Failed(failure) => panic!("{failure:?}"),
                _ => {}
            }
        }
    }

    /// Everybody is well for long enough.
    fn calm(&mut self) {
        self.world.coordinator_known = true;
        self.world.offsets.set_rejoining(false);
        self.world.lead(&[1, 1, 2]);
        for _ in 0..30 {
            self.world.settle();
            while !self.world.in_flight.is_empty() {
                let outbound = self.world.in_flight.remove(0);
                self.answer(outbound, Answer::Fine);
                self.look();
            }
            self.world.pass_ms(200);
        }
        self.look();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(600), failure_persistence: None, ..ProptestConfig::default() })]

    /// Only what was resolved is committed, nothing goes back by itself, and in the end every position is known,
    /// nobody waits for a commit, and a flush leaves nothing uncommitted.
    #[test]
    fn the_group_knows_what_was_resolved_and_nothing_else(
        interval in prop::option::of(10u64..200),
        threshold in prop::option::of(1u64..20),
        steps in prop::collection::vec(steps(), 1..150),
    ) {
        let mut model = Model::committing(interval, threshold);
        model.step(Step::Assign(vec![0, 1, 2]));
        for step in steps {
            model.step(step);
        }
        if model.world.ours.is_empty() {
            model.step(Step::Assign(vec![0, 1, 2]));
        }
        model.calm();
        prop_assert!(model.reading.values().all(Option::is_some), "{:?}", model.reading);
        prop_assert!(model.open_tickets.is_empty(), "{:?}", model.open_tickets);

        for partition in 0..3 {
            model.step(Step::Resolve(partition, 5));
        }
        model.world.flush();
        for _ in 0..2 {
            while let Some(at) = model.world.index_of("OffsetCommit") {
                prop_assert!(!model.world.has(&Event::Flushed), "too early");
                let outbound = model.world.in_flight.remove(at);
                model.answer(outbound, Answer::Fine);
            }
        }
        prop_assert!(model.world.has(&Event::Flushed));
        prop_assert_eq!(model.world.uncommitted(), []);
        for (partition, at) in &model.reading {
            prop_assert_eq!(model.group.get(partition).copied(), *at);
        }
    }

    /// What was handled is committed in the end, whatever became of the commit before, although nothing is handled behind it: the end
    /// of a batch is told once.
    #[test]
    fn what_was_handled_is_committed_although_nothing_follows(
        interval in prop::option::of(10u64..200),
        threshold in prop::option::of(1u64..20),
        steps in prop::collection::vec(steps(), 1..100),
        faults in prop::collection::vec(faults(), 0..60),
    ) {
        let mut model = Model::committing(interval, threshold);
        model.step(Step::Assign(vec![0, 1, 2]));
        for step in steps {
            // The owner has no flush of all that is not followed by the end of the membership.
            let is_end = matches!(step, Step::Flush);
            model.step(step);
            if is_end {
                model.step(Step::Revoke);
            }
        }
        model.step(Step::BatchEnd);
        for fault in faults {
            model.step(fault);
        }
        model.calm();
        prop_assert_eq!(model.world.uncommitted(), []);
        for (partition, at) in &model.handled {
            prop_assert_eq!(model.group.get(partition), Some(at), "{}", partition);
        }
    }

    /// Without autoCommit the group hears of nothing that it was not told to hear.
    #[test]
    fn without_auto_commit_only_tickets_commit(
        interval in prop::option::of(10u64..200),
        steps in prop::collection::vec(steps(), 1..100),
    ) {
        let mut model = Model::new(OffsetsConfig {
            auto_commit: false,
            auto_commit_interval: interval.map(Duration::from_millis),
            ..config()
        });
        let group = model.group.clone();
        model.step(Step::Assign(vec![0, 1, 2]));
        for step in steps.into_iter().filter(|step| !matches!(step, Step::Commit(_) | Step::CommitAll)) {
            model.step(step);
        }
        model.calm();
        prop_assert_eq!(model.group, group);
    }
}
