//! What the coordinator's answers, or their absence, do to the machine.

use std::time::{Duration, Instant};

use crate::engine::group::Event;
use crate::engine::group::search::Search;
use crate::engine::machine::Failure;
use crate::engine::machine::LogLevel;
use crate::engine::machine::NetError;
use crate::engine::machine::Sent;
use crate::engine::machine::seconds;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Response;
use crate::engine::protocol::consumer_group_heartbeat::ConsumerGroupHeartbeatResponse;

use super::machine::{ConsumerGroup, SESSION_INTERVALS};
use super::state::State;
use super::told::Told;

impl ConsumerGroup {
    pub(super) fn answered(&mut self, now: Instant, sent: Sent<Told>, response: Result<Response, NetError>) {
        match response {
            Ok(Response::ConsumerGroupHeartbeat(answer)) if answer.error.is_err() => {
                self.refused(now, answer.error, answer.error_message);
            }
            Ok(Response::ConsumerGroupHeartbeat(answer)) => self.taken(now, sent, answer),
            Ok(_) => self.unanswered(now, NetError::OutOfStep),
            Err(error) => self.unanswered(now, error),
        }
    }

    fn taken(&mut self, now: Instant, sent: Sent<Told>, answer: ConsumerGroupHeartbeatResponse) {
        let is_leaving = matches!(self.state, State::Leaving { .. });
        self.may_be_known = !is_leaving;
        if is_leaving {
            self.departed(now);
            return;
        }
        if answer.member_epoch <= 0 {
            self.unanswered(now, NetError::OutOfStep);
            return;
        }
        self.beat.succeeded();
        self.nonsense = 0;
        if self.is_doubtful(now) && !self.search.is_fresh(now, self.interval * SESSION_INTERVALS) {
            return self.doubted(now);
        }
        self.told = sent.about;
        self.is_telling = false;
        if let Ok(interval @ 1..) = u64::try_from(answer.heartbeat_interval_ms) {
            self.interval = Duration::from_millis(interval).clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL);
        }
        self.search = Search::None;
        self.valid_until = Some(sent.at + self.interval * SESSION_INTERVALS);
        if self.state == State::Joining {
            self.newcomer_until = Some(now + self.interval * NEWCOMER_INTERVALS);
        }
        self.beat.space_until(Some(now + self.interval));
        if !self.beat.is_wanted() {
            let is_newcomer = self.newcomer_until.is_some_and(|until| now < until);
            let beats = if is_newcomer { NEWCOMER_BEATS } else { BEATS };
            self.beat.want_at(now + self.interval / beats);
        }
        if answer.member_epoch != self.epoch {
            self.epoch = answer.member_epoch;
            self.events.push_back(Event::EpochChanged);
        }
        self.vain.over();
        self.events.push_back(Event::Heartbeat);
        if answer.assignment.is_some_and(|assignment| self.target.set(&assignment)) {
            self.told.awaits_owned();
            self.joining_since.get_or_insert(now);
        }
        let is_asked = self.ask_for_names();
        match self.state {
            // What is being given up comes first; `revoked` takes the newer target up.
            State::Revoking { .. } => {}
            // `learn` does it.
            _ if is_asked => {}
            State::Joining | State::Acknowledging | State::Stable => self.reconcile(now),
            State::Idle | State::Leaving { .. } | State::Left | State::Failed => {}
        }
    }

    /// All is well, says somebody who may not know: one that stood still while its successor was chosen does. So another broker is
    /// asked who the coordinator is, and that one everything anew.
    fn doubted(&mut self, now: Instant) {
        self.told = Told::default();
        self.coordinator_lost(now);
        self.beat.want_now();
    }

    fn refused(&mut self, now: Instant, code: ErrorCode, message: Option<String>) {
        self.told = Told::default();
        let is_leaving = matches!(self.state, State::Leaving { .. });
        match code {
            ErrorCode::NOT_COORDINATOR | ErrorCode::COORDINATOR_NOT_AVAILABLE => {
                self.coordinator_lost(now);
                self.try_again(now, code.message());
            }
            ErrorCode::COORDINATOR_LOAD_IN_PROGRESS => self.try_again(now, code.message()),
            // Whatever it is: the coordinator has no member to keep.
            _ if is_leaving => {
                self.may_be_known = false;
                self.departed(now);
            }
            ErrorCode::UNRELEASED_INSTANCE_ID | ErrorCode::FENCED_MEMBER_EPOCH
                if self.state == State::Joining && self.may_be_known =>
            {
                self.give_place_back(now);
            }
            // One that was left without a word, by an earlier process for instance, is kept until the session is over.
            ErrorCode::UNRELEASED_INSTANCE_ID => self.try_again(now, code.message()),
            // The metadata says the same, and by it the owner decides.
            ErrorCode::TOPIC_AUTHORIZATION_FAILED => self.try_again(now, code.message()),
            ErrorCode::FENCED_MEMBER_EPOCH | ErrorCode::UNKNOWN_MEMBER_ID | ErrorCode::GROUP_ID_NOT_FOUND => {
                self.fenced(now, code);
            }
            code => {
                let failure = match message {
                    Some(message) => Failure::Refused { code, message },
                    None => Failure::Broker { code, partition: None },
                };
                if code == ErrorCode::UNSUPPORTED_VERSION {
                    self.unsupported(failure);
                } else {
                    self.fail(failure);
                }
            }
        }
    }

    /// Our partitions may be somebody else's: they are lost, and we join as a member that owns nothing.
    fn fenced(&mut self, now: Instant, code: ErrorCode) {
        let was_joining = self.state == State::Joining;
        self.log(
            LogLevel::Warn,
            "The coordinator does not take us for a member any more, joining again",
            vec![("error", code.message().into_owned())],
        );
        if !was_joining {
            self.rebalancing(code);
        }
        self.lose(&code.message());
        self.noticed = Some(ErrorCode::UNKNOWN_MEMBER_ID);
        self.begin(now);
        if was_joining {
            self.back_off(now);
        }
    }

    fn unanswered(&mut self, now: Instant, error: NetError) {
        self.told = Told::default();
        let is_unsent = matches!(error, NetError::Connect { .. } | NetError::NoBroker);
        self.may_be_known |= !is_unsent && !matches!(self.state, State::Leaving { .. });
        match error {
            NetError::UnsupportedApi { .. }
            | NetError::Authentication { .. }
            | NetError::Repelled { .. }
            | NetError::ClientClosed
                if matches!(self.state, State::Leaving { .. }) =>
            {
                self.departed(now);
            }
            NetError::UnsupportedApi { .. } => self.unsupported(Failure::Net(error)),
            NetError::Authentication { .. } | NetError::Repelled { .. } | NetError::ClientClosed => {
                self.fail(Failure::Net(error));
            }
            NetError::OutOfStep | NetError::Decode { .. } if self.nonsense >= NONSENSE_TRIES => {
                self.fail(Failure::Net(error));
            }
            NetError::OutOfStep | NetError::Decode { .. } => {
                self.nonsense += 1;
                self.events.push_back(Event::Suspect);
                self.try_again(now, error);
            }
            NetError::Connect { .. }
            | NetError::Closed { .. }
            | NetError::Timeout { .. }
            | NetError::NoBroker => {
                self.coordinator_lost(now);
                self.try_again(now, error);
            }
        }
    }

    /// No answer for as long as a session may be: the coordinator is frozen, or the way to it.
    pub(super) fn fall_silent(&mut self, now: Instant) {
        self.give_up();
        self.told = Told::default();
        self.coordinator_lost(now);
        self.try_again(now, "The coordinator has not answered for three heartbeat intervals");
    }

    fn coordinator_lost(&mut self, now: Instant) {
        self.search = Search::On(now);
        self.events.push_back(Event::CoordinatorLost);
    }

    /// May the session be over?
    fn is_doubtful(&self, now: Instant) -> bool {
        self.valid_until().is_some_and(|until| until <= now)
    }

    /// What a [`Reminder`](crate::engine::machine::Reminder) has told is for everybody, the rest for the curious.
    fn try_again(&mut self, now: Instant, why: impl std::fmt::Display) {
        let told = self.vain.goes_on(now);
        let level = if told.is_some() { LogLevel::Warn } else { LogLevel::Debug };
        let lasted = told.filter(|lasted| !lasted.is_zero()).map(seconds);
        let lasted = lasted.map_or_else(String::new, |lasted| format!(" for {lasted}"));
        let message = format!("The heartbeat was not taken{lasted}, trying again");
        self.log(level, message, vec![("error", why.to_string())]);
        self.back_off(now);
    }

    fn back_off(&mut self, now: Instant) {
        self.beat.failed(now, &mut self.rng);
        self.beat.want_at(self.beat.backoff_until().unwrap_or(now));
    }

    /// The broker does not know this protocol, or has it switched off (`group.version`).
    fn unsupported(&mut self, failure: Failure) {
        self.is_unsupported = true;
        self.fail(failure);
    }

    fn fail(&mut self, failure: Failure) {
        self.owned.clear();
        self.beat.cancel();
        self.transition(State::Failed);
        self.events.push_back(Event::Failed(failure));
    }
}

/// Heartbeats in an interval of the broker's. It says how long a member may be silent; but only an answer tells a member that another has left,
/// and until then nobody reads what that one had. With one in an interval the last of many members hears of it an interval later.
const BEATS: u32 = 4;
/// What a newcomer is to own the others give up at their next heartbeats, and only an answer to one of its own tells it of that. So
/// it sends so many at first.
const NEWCOMER_BEATS: u32 = 5;
/// For as long: by then all have had a heartbeat, also when the coordinator has assigned an interval after we came.
const NEWCOMER_INTERVALS: u32 = 2;
/// Some ten seconds.
const NONSENSE_TRIES: u32 = 13;
/// A coordinator cannot make us a busy loop.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(10);
/// Nor forget us: Kafka's own upper bound is below that.
const LONGEST_INTERVAL: Duration = Duration::from_secs(600);
