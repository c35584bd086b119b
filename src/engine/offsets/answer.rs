//! What the coordinator's answer to an OffsetCommit means, and what follows from it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use crate::engine::machine::Failure;
use crate::engine::machine::LogLevel;
use crate::engine::machine::NetError;
use crate::engine::machine::TopicPartition;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Response;
use crate::engine::protocol::offset_commit::OffsetCommitResponse;

use super::commit::{GATHERING, InFlight, Manual, SPACING, no_such_topic};
use super::finished::is_note;
use super::flush::FLUSH_TRIES;
use super::machine::Offsets;
use super::{Event, Offset};

impl Offsets {
    pub(super) fn commit_answered(
        &mut self,
        now: Instant,
        mut flight: InFlight,
        response: Result<Response, NetError>,
    ) {
        let is_current = !flight.is_stray;
        let answer = Answer::to(&flight, response);
        let Outcome { committed, refused, verdict, unknown_topic, note_refused } =
            answer.about(&flight.offsets);
        if note_refused && self.note_limit > 0 {
            self.stop_noting();
            self.log(LogLevel::Warn, NOTE_REFUSED.to_owned(), Vec::new());
        }
        if unknown_topic {
            // It was deleted, or made anew, or the coordinator has not heard of it yet.
            self.once(Event::RefreshMetadata);
        }
        if is_current {
            self.commits.request.space_until(Some(now + SPACING));
            let counts = |partition: &TopicPartition| {
                !flight.is_void(partition) && self.is_ours_since(partition, flight.epoch)
            };
            let committed: Vec<&Offset> =
                committed.iter().filter(|(partition, ..)| counts(partition)).collect();
            // A user who has chosen offsets is told of the failure, and chooses again.
            let is_chosen = flight.manual.iter().any(|manual| !manual.automatic);
            let is_doubtful = verdict.is_doubtful() && !note_refused && !is_chosen;
            let in_doubt = refused.iter().filter(|(partition, ..)| is_doubtful && counts(partition));
            let in_doubt: Vec<&Offset> = in_doubt.collect();
            self.note_committed(&committed);
            for (partition, ..) in in_doubt {
                if let Some(state) = self.partitions.get_mut(partition) {
                    state.in_doubt = true;
                }
            }
        }
        let riders = std::mem::take(&mut flight.manual);
        if is_current && !riders.is_empty() && !self.commits.manual.is_empty() {
            self.commits.gathers_until = Some(now + GATHERING);
        }
        let mut waits = Waits::default();
        if riders.is_empty() {
            let outcome = answer.about(&flight.offsets);
            self.rider_answered(now, &flight, None, outcome, &mut waits);
        }
        for manual in riders {
            let outcome = answer.about(&manual.offsets);
            self.rider_answered(now, &flight, Some(manual), outcome, &mut waits);
        }
        for manual in waits.riders.into_iter().rev() {
            self.commits.manual.push_front(manual);
        }
        if waits.backoff && is_current {
            self.commits.request.failed(now, &mut self.rng);
        }
        if is_current && let Some(flush) = &mut self.commits.flush {
            flush.tries = flush.tries.saturating_sub(waits.tries);
            if flush.tries == 0 {
                self.end_flush();
            }
        }
        self.settle_flush();
    }

    /// What the answer means for one of those that travelled in the request; None = for what was committed by itself.
    fn rider_answered(
        &mut self,
        now: Instant,
        flight: &InFlight,
        manual: Option<Manual>,
        outcome: Outcome,
        waits: &mut Waits,
    ) {
        let is_current = !flight.is_stray;
        let Outcome { committed, refused, verdict, .. } = outcome;
        let (void, refused): (Vec<_>, Vec<_>) =
            refused.into_iter().partition(|(partition, ..)| flight.is_void(partition));
        if !committed.is_empty() {
            let automatic = manual.as_ref().is_none_or(|manual| manual.automatic);
            let ticket = manual.as_ref().map(|manual| manual.ticket);
            self.events.push_back(Event::Committed { ticket, automatic, offsets: committed });
        }
        let manual = match manual {
            // Its log is gone, and the offset with it.
            Some(manual) if !manual.automatic && !void.is_empty() => {
                let partition = void.into_iter().next().map(|(partition, ..)| partition);
                self.give_up(manual, no_such_topic(partition));
                None
            }
            manual => manual,
        };
        match verdict {
            Verdict::Committed => {
                self.commits.request.succeeded();
                self.commits.last_at = Some(now);
                if let Some(manual) = manual {
                    self.done(manual.ticket, Ok(()));
                }
            }
            Verdict::Unknown(failure) => {
                self.commits.request.succeeded();
                self.commits.last_at = Some(now);
                let automatic = manual.as_ref().is_none_or(|manual| manual.automatic);
                if is_current && automatic && self.config.auto_commit {
                    self.note_refused(now, &refused, &failure);
                }
                if manual.is_some() {
                    self.requeue(manual, refused, failure, is_current, waits);
                }
            }
            Verdict::Again(failure) => self.requeue(manual, refused, failure, is_current, waits),
            // Our epoch has changed on the coordinator, and the answer that tells it is on its way, or was lost: then the next
            // heartbeat tells. The commit goes out again in the new one, see `Offsets::member_changed`.
            Verdict::Stale(failure) => {
                let waited = waits.backoff;
                self.requeue(manual, refused, failure, is_current, waits);
                waits.backoff = waited || !self.has_moved_on(flight);
            }
            Verdict::Moved(failure) => {
                // A coordinator that was asked in an earlier generation may have been replaced since: its absence says
                // nothing about the present one.
                if is_current {
                    self.once(Event::CoordinatorLost);
                }
                self.requeue(manual, refused, failure, is_current, waits);
            }
            // The membership goes on in a newer generation. Whether each partition was kept is found out when this is sent again.
            Verdict::Rebalance(failure) if is_current && self.has_moved_on(flight) => {
                self.requeue(manual, refused, failure, is_current, waits);
                waits.backoff = false;
            }
            // It will go on, and what is kept through it is committed in the next generation.
            Verdict::Rebalance(failure)
                if is_current && self.is_rejoining && is_about_generation(&failure) =>
            {
                self.commits.is_overtaken = true;
                self.requeue(manual, refused, failure, is_current, waits);
                waits.backoff = false;
            }
            Verdict::Rebalance(failure) => {
                // The heartbeat will tell of the rebalance; that an earlier membership is over was known.
                waits.backoff |= is_current;
                match manual {
                    Some(manual) => self.give_up(manual, failure),
                    None => {
                        self.tell_uncommitted(&failure);
                        // As long as heartbeats are answered well we are a member, and no other one commits these
                        // partitions: the commit is tried again. A flush does not wait for that.
                        self.commits.wanted |= is_current;
                        waits.tries = FLUSH_TRIES;
                    }
                }
            }
            Verdict::No(failure) => match manual {
                Some(manual) => self.give_up(manual, failure),
                None if failure == Failure::Stopped => {}
                None => self.once(Event::Failed(failure)),
            },
        }
    }

    /// Was it sent in an earlier generation than the present one?
    fn has_moved_on(&self, flight: &InFlight) -> bool {
        self.member.as_ref().is_some_and(|member| member.generation_id != flight.generation_id)
    }

    fn note_committed(&mut self, committed: &[&Offset]) {
        for (partition, offset, note) in committed {
            self.commits.unknown_topics.forget(partition);
            self.took(partition, *offset, note.as_deref());
        }
    }

    /// The coordinator does not know the topics of these partitions. They wait together, and share the next request.
    fn note_refused(&mut self, now: Instant, refused: &[Offset], failure: &Failure) {
        let jitter = self.rng.fork();
        let mut given_up = false;
        for (partition, offset, _) in refused {
            let tries = self.commits.unknown_topics.refused(now, partition, *offset, &mut jitter.clone());
            given_up |= tries == PARTITION_TRIES;
        }
        if given_up {
            self.tell_uncommitted(failure);
        }
    }

    /// Not now. What was refused goes back to where it came from.
    fn requeue(
        &mut self,
        manual: Option<Manual>,
        refused: Vec<Offset>,
        failure: Failure,
        is_current: bool,
        waits: &mut Waits,
    ) {
        // A request that timed out has taken so long that a flush must not try again.
        let tries = if matches!(failure, Failure::Net(NetError::Timeout { .. })) { FLUSH_TRIES } else { 1 };
        waits.backoff = true;
        waits.tries = waits.tries.max(tries);
        match manual {
            None => self.commits.wanted = true,
            Some(mut manual) => {
                manual.tries += 1;
                let tries = if manual.automatic { FLUSH_TRIES } else { PARTITION_TRIES };
                let hopeless = !is_about_coordinator(&failure) && manual.tries >= tries
                    || manual.automatic && !is_current;
                if hopeless {
                    self.give_up(manual, failure);
                } else {
                    manual.offsets = refused.into_iter().map(|offset| self.within_limit(offset)).collect();
                    waits.riders.push(manual);
                }
            }
        }
    }

    /// Without a note of ours if the brokers take none.
    fn within_limit(&self, (partition, offset, note): Offset) -> Offset {
        let note = note.filter(|note| self.note_limit > 0 || !is_note(note));
        (partition, offset, note)
    }

    fn tell_uncommitted(&mut self, failure: &Failure) {
        let Failure::Broker { code, partition } = failure else { return };
        let message =
            format!("Offsets were not committed, their messages may come again: {}", code.message());
        let mut extra = vec![("error", code.name().to_owned())];
        extra.extend(partition.iter().map(|partition| ("topic", partition.topic.to_string())));
        self.log(LogLevel::Warn, message, extra);
    }
}

/// Which of the commits in a request have to be tried again, and what that costs.
#[derive(Debug, Default)]
struct Waits {
    riders: Vec<Manual>,
    backoff: bool,
    /// Of those that a flush has left.
    tries: u32,
}

/// An answer, partition by partition.
#[derive(Debug)]
struct Outcome {
    /// What the coordinator took.
    committed: Vec<Offset>,
    /// What it did not.
    refused: Vec<Offset>,
    /// The worst of what it said.
    verdict: Verdict,
    /// The coordinator does not know a topic.
    unknown_topic: bool,
    /// A note of ours is too long for it.
    note_refused: bool,
}

/// From good to bad.
#[derive(Debug)]
enum Verdict {
    Committed,
    /// The coordinator does not know the topic.
    Unknown(Failure),
    /// Try again.
    Again(Failure),
    /// Try again in a newer epoch (KIP-848).
    Stale(Failure),
    /// The coordinator is elsewhere; try again there.
    Moved(Failure),
    /// We are no member of this generation (any more).
    Rebalance(Failure),
    /// Trying again will not help.
    No(Failure),
}

impl Verdict {
    fn severity(&self) -> u8 {
        match self {
            Verdict::Committed => 0,
            Verdict::Unknown(_) => 1,
            Verdict::Again(_) => 2,
            Verdict::Stale(_) => 3,
            Verdict::Moved(_) => 4,
            Verdict::Rebalance(_) => 5,
            Verdict::No(_) => 6,
        }
    }

    /// May the coordinator have taken it nevertheless?
    fn is_doubtful(&self) -> bool {
        matches!(self, Verdict::Again(_) | Verdict::Moved(_))
    }

    fn or_worse(self, other: Verdict) -> Verdict {
        if other.severity() > self.severity() { other } else { self }
    }

    fn of(code: ErrorCode, offset: &Offset) -> Verdict {
        let code = match code {
            // Its word for that since v9: a coordinator that knows nothing of the group, as after a loss or in another
            // cluster, knows no generation of it. To v8 it says ILLEGAL_GENERATION, and that is what users know.
            ErrorCode::GROUP_ID_NOT_FOUND => ErrorCode::ILLEGAL_GENERATION,
            code => code,
        };
        let failure = Failure::Broker { code, partition: Some(offset.0.clone()) };
        match code {
            ErrorCode::NONE => Verdict::Committed,
            ErrorCode::NOT_COORDINATOR
            | ErrorCode::COORDINATOR_NOT_AVAILABLE
            | ErrorCode::REQUEST_TIMED_OUT => Verdict::Moved(failure),
            ErrorCode::REBALANCE_IN_PROGRESS
            | ErrorCode::ILLEGAL_GENERATION
            | ErrorCode::UNKNOWN_MEMBER_ID
            | ErrorCode::FENCED_MEMBER_EPOCH
            | ErrorCode::FENCED_INSTANCE_ID => Verdict::Rebalance(failure),
            ErrorCode::STALE_MEMBER_EPOCH => Verdict::Stale(failure),
            ErrorCode::UNKNOWN_TOPIC_OR_PARTITION | ErrorCode::UNKNOWN_TOPIC_ID => {
                Verdict::Unknown(no_such_topic(Some(offset.0.clone())))
            }
            // It goes out again without, see `Offsets::stop_noting`.
            code if is_note_refused(code, offset) => Verdict::Again(failure),
            // Kafka says -1 for whatever it did not foresee.
            code if code.retriable() || code == ErrorCode::UNKNOWN_SERVER_ERROR => Verdict::Again(failure),
            _ => Verdict::No(failure),
        }
    }
}

/// What came back for a request: a code for each partition, or one verdict about all of it.
enum Answer {
    Codes(BTreeMap<TopicPartition, ErrorCode>),
    All(NetError),
    Nonsense,
}

impl Answer {
    fn to(flight: &InFlight, response: Result<Response, NetError>) -> Answer {
        match response {
            Ok(Response::OffsetCommit(answer)) => Answer::Codes(codes(flight, &answer)),
            Ok(_) => Answer::Nonsense,
            Err(error) => Answer::All(error),
        }
    }

    /// What it says of these, some or all of those that the request had.
    fn about(&self, offsets: &[Offset]) -> Outcome {
        let verdict = match self {
            Answer::Codes(codes) => return read_partitions(offsets, codes),
            Answer::Nonsense => {
                Verdict::Again(Failure::Broker { code: ErrorCode::UNKNOWN_SERVER_ERROR, partition: None })
            }
            Answer::All(NetError::ClientClosed) => Verdict::No(Failure::Stopped),
            Answer::All(error @ (NetError::Authentication { .. } | NetError::UnsupportedApi { .. })) => {
                Verdict::No(Failure::Net(error.clone()))
            }
            Answer::All(error) => Verdict::Moved(Failure::Net(error.clone())),
        };
        let (committed, refused) = (Vec::new(), offsets.to_vec());
        Outcome { committed, refused, verdict, unknown_topic: false, note_refused: false }
    }
}

fn codes(flight: &InFlight, answer: &OffsetCommitResponse) -> BTreeMap<TopicPartition, ErrorCode> {
    let mut codes = BTreeMap::new();
    for topic in &answer.topics {
        let name: Option<Arc<str>> = match topic.topic_id.is_zero() {
            true => Some(topic.name.as_str().into()),
            false => flight.topics.get(&topic.topic_id).cloned(),
        };
        let Some(name) = name else { continue };
        let partitions = topic.partitions.iter();
        codes.extend(
            partitions.map(|p| (TopicPartition { topic: name.clone(), partition: p.partition }, p.error)),
        );
    }
    codes
}

fn read_partitions(offsets: &[Offset], codes: &BTreeMap<TopicPartition, ErrorCode>) -> Outcome {
    let mut outcome = Outcome {
        committed: Vec::new(),
        refused: Vec::new(),
        verdict: Verdict::Committed,
        unknown_topic: false,
        note_refused: false,
    };
    for offset in offsets {
        // A partition that the answer leaves out is not known to be committed.
        let code = codes.get(&offset.0).copied().unwrap_or(ErrorCode::UNKNOWN_SERVER_ERROR);
        outcome.unknown_topic |=
            matches!(code, ErrorCode::UNKNOWN_TOPIC_ID | ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
        outcome.note_refused |= is_note_refused(code, offset);
        outcome.verdict = outcome.verdict.or_worse(Verdict::of(code, offset));
        match code {
            ErrorCode::NONE => outcome.committed.push(offset.clone()),
            _ => outcome.refused.push(offset.clone()),
        }
    }
    outcome
}

/// Is what we have written beside the offset too long for the broker (`offset.metadata.max.bytes`)?
fn is_note_refused(code: ErrorCode, (.., note): &Offset) -> bool {
    code == ErrorCode::OFFSET_METADATA_TOO_LARGE && note.as_deref().is_some_and(is_note)
}

/// The coordinator will be well some day. A deleted topic will not.
fn is_about_coordinator(failure: &Failure) -> bool {
    match failure {
        Failure::Broker { code, .. } => matches!(
            *code,
            ErrorCode::COORDINATOR_LOAD_IN_PROGRESS
                | ErrorCode::COORDINATOR_NOT_AVAILABLE
                | ErrorCode::NOT_COORDINATOR
                | ErrorCode::REQUEST_TIMED_OUT
        ),
        _ => true,
    }
}

/// The generation is over; the member may be one of the next.
fn is_about_generation(failure: &Failure) -> bool {
    match failure {
        Failure::Broker { code, .. } => {
            matches!(*code, ErrorCode::REBALANCE_IN_PROGRESS | ErrorCode::ILLEGAL_GENERATION)
        }
        _ => false,
    }
}

const NOTE_REFUSED: &str = "The broker takes no metadata of this length with offsets (offset.metadata.max.bytes): what handlers have finished \
                            out of order will be repeated after a restart";
/// Of a commit that a partition refuses: some seven seconds.
pub(super) const PARTITION_TRIES: u32 = 10;
