//! What the coordinator's answer to an OffsetCommit means, and what follows from it.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::engine::cluster::Failure;
use crate::engine::cluster::LogLevel;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::NetError;
use crate::engine::protocol::Response;
use crate::engine::protocol::offset_commit::OffsetCommitResponse;

use super::commit::{FLUSH_TRIES, InFlight, Manual, no_such_topic};
use super::machine::Offsets;
use super::{Event, Offset};

impl Offsets {
    pub(super) fn commit_answered(
        &mut self,
        now: Instant,
        flight: InFlight,
        response: Result<Response, NetError>,
    ) {
        let is_current = flight.epoch == self.epoch;
        let Outcome { committed, refused, verdict, unknown_topic } = read(&flight, response);
        if unknown_topic {
            // It was deleted, or made anew, or the coordinator has not heard of it yet.
            self.once(Event::RefreshMetadata);
        }
        if is_current {
            self.commits.ended_at = Some(now);
            self.note_committed(committed.iter().filter(|(partition, ..)| !flight.is_void(partition)));
        }
        let (void, refused): (Vec<_>, Vec<_>) =
            refused.into_iter().partition(|(partition, ..)| flight.is_void(partition));
        if !committed.is_empty() {
            let automatic = flight.manual.as_ref().is_none_or(|manual| manual.automatic);
            self.events.push_back(Event::Committed { automatic, offsets: committed });
        }
        let manual = match flight.manual {
            // Its log is gone, and the offset with it.
            Some(manual) if !manual.automatic && !void.is_empty() => {
                let partition = void.into_iter().next().map(|(partition, ..)| partition);
                self.done(manual.ticket, Err(no_such_topic(partition)));
                None
            }
            manual => manual,
        };
        match verdict {
            Verdict::Committed => {
                self.commits.backoff.reset();
                self.commits.last_at = Some(now);
                if let Some(manual) = manual {
                    self.done(manual.ticket, Ok(()));
                }
            }
            Verdict::Unknown(failure) => {
                self.commits.backoff.reset();
                self.commits.last_at = Some(now);
                let automatic = manual.as_ref().is_none_or(|manual| manual.automatic);
                if is_current && automatic && self.config.auto_commit {
                    self.note_refused(now, &refused, &failure);
                }
                if manual.is_some() {
                    self.requeue(now, manual, refused, failure, is_current);
                }
            }
            Verdict::Again(failure) => self.requeue(now, manual, refused, failure, is_current),
            Verdict::Moved(failure) => {
                // That an earlier one is gone is no news about the present one.
                if is_current {
                    self.once(Event::CoordinatorLost);
                }
                self.requeue(now, manual, refused, failure, is_current);
            }
            Verdict::Rebalance(failure, code) => {
                // Of an earlier generation we knew.
                if is_current {
                    self.once(Event::Rebalance(code));
                    self.commits.backoff.failed(now, &mut self.rng);
                }
                match manual {
                    Some(manual) => self.done(manual.ticket, Err(failure)),
                    None => {
                        self.tell_uncommitted(&failure);
                        // As long as the heartbeats find nothing wrong, we are members, and nobody else commits this.
                        self.commits.wanted |= is_current && self.commits.flush.is_none();
                    }
                }
            }
            Verdict::No(failure) => match manual {
                Some(manual) => self.done(manual.ticket, Err(failure)),
                None if failure == Failure::Stopped => {}
                None => self.once(Event::Failed(failure)),
            },
        }
        self.settle_flush();
    }

    fn note_committed<'a>(&mut self, committed: impl Iterator<Item = &'a Offset>) {
        for (partition, offset, _) in committed {
            self.commits.refusals.forget(partition);
            if let Some(state) = self.partitions.get_mut(partition) {
                state.committed = Some(*offset);
            }
        }
    }

    /// Nobody knows these partitions' topics. They wait together, and share the next request.
    fn note_refused(&mut self, now: Instant, refused: &[Offset], failure: &Failure) {
        let jitter = self.rng.fork();
        let mut given_up = false;
        for (partition, offset, _) in refused {
            let tries = self.commits.refusals.refused(now, partition, *offset, &mut jitter.clone());
            given_up |= tries == PARTITION_TRIES;
        }
        if given_up {
            self.tell_uncommitted(failure);
        }
    }

    /// Not now. What was refused goes back to where it came from.
    fn requeue(
        &mut self,
        now: Instant,
        manual: Option<Manual>,
        refused: Vec<Offset>,
        failure: Failure,
        is_current: bool,
    ) {
        // A try that went unanswered has taken too long already.
        let tries = if matches!(failure, Failure::Net(NetError::Timeout { .. })) { FLUSH_TRIES } else { 1 };
        match manual {
            None => self.commits.wanted = true,
            Some(mut manual) => {
                manual.tries += 1;
                let tries = if manual.automatic { FLUSH_TRIES } else { PARTITION_TRIES };
                let hopeless = !is_about_coordinator(&failure) && manual.tries >= tries
                    || manual.automatic && !is_current;
                if hopeless {
                    self.done(manual.ticket, Err(failure));
                } else {
                    manual.offsets = refused;
                    self.commits.manual.push_front(manual);
                }
            }
        }
        if !is_current {
            return;
        }
        self.commits.backoff.failed(now, &mut self.rng);
        if let Some(left) = &mut self.commits.flush {
            *left = left.saturating_sub(tries);
            if *left == 0 {
                self.end_flush();
            }
        }
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
}

/// From good to bad.
#[derive(Debug)]
enum Verdict {
    Committed,
    /// Nobody knows the topic.
    Unknown(Failure),
    /// Try again.
    Again(Failure),
    /// The coordinator is elsewhere; try again there.
    Moved(Failure),
    /// We are no member of this generation (any more).
    Rebalance(Failure, ErrorCode),
    /// Trying again will not help.
    No(Failure),
}

impl Verdict {
    fn severity(&self) -> u8 {
        match self {
            Verdict::Committed => 0,
            Verdict::Unknown(_) => 1,
            Verdict::Again(_) => 2,
            Verdict::Moved(_) => 3,
            Verdict::Rebalance(..) => 4,
            Verdict::No(_) => 5,
        }
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
            | ErrorCode::FENCED_INSTANCE_ID => Verdict::Rebalance(failure, code),
            ErrorCode::UNKNOWN_TOPIC_OR_PARTITION | ErrorCode::UNKNOWN_TOPIC_ID => {
                Verdict::Unknown(no_such_topic(Some(offset.0.clone())))
            }
            // Kafka says -1 for whatever it did not foresee.
            code if code.retriable() || code == ErrorCode::UNKNOWN_SERVER_ERROR => Verdict::Again(failure),
            _ => Verdict::No(failure),
        }
    }
}

/// Reads the answer to a commit.
fn read(flight: &InFlight, response: Result<Response, NetError>) -> Outcome {
    let verdict = match response {
        Ok(Response::OffsetCommit(answer)) => return read_partitions(flight, &answer),
        Ok(_) => Verdict::Again(Failure::Broker { code: ErrorCode::UNKNOWN_SERVER_ERROR, partition: None }),
        Err(NetError::ClientClosed) => Verdict::No(Failure::Stopped),
        Err(error @ (NetError::Authentication { .. } | NetError::UnsupportedApi { .. })) => {
            Verdict::No(Failure::Net(error))
        }
        Err(error) => Verdict::Moved(Failure::Net(error)),
    };
    Outcome { committed: Vec::new(), refused: flight.offsets.clone(), verdict, unknown_topic: false }
}

fn read_partitions(flight: &InFlight, answer: &OffsetCommitResponse) -> Outcome {
    let mut codes = BTreeMap::new();
    for topic in &answer.topics {
        let name = match topic.topic_id.is_zero() {
            true => Some(topic.name.as_str()),
            false => flight.topics.get(&topic.topic_id).map(|name| &**name),
        };
        let Some(name) = name else { continue };
        codes.extend(topic.partitions.iter().map(|p| ((name, p.partition), p.error)));
    }
    let mut outcome = Outcome {
        committed: Vec::new(),
        refused: Vec::new(),
        verdict: Verdict::Committed,
        unknown_topic: false,
    };
    for offset in &flight.offsets {
        let key = (&*offset.0.topic, offset.0.partition);
        // A partition that the answer leaves out is not known to be committed.
        let code = codes.get(&key).copied().unwrap_or(ErrorCode::UNKNOWN_SERVER_ERROR);
        outcome.unknown_topic |=
            matches!(code, ErrorCode::UNKNOWN_TOPIC_ID | ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
        outcome.verdict = outcome.verdict.or_worse(Verdict::of(code, offset));
        match code {
            ErrorCode::NONE => outcome.committed.push(offset.clone()),
            _ => outcome.refused.push(offset.clone()),
        }
    }
    outcome
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

/// Of a commit that a partition refuses: some seven seconds.
pub(super) const PARTITION_TRIES: u32 = 10;
