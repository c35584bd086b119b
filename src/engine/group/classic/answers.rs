//! What the coordinator's answers, or their absence, do to the machine.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::engine::group::Event;
use crate::engine::group::search::Search;
use crate::engine::machine::AssignmentDelta;
use crate::engine::machine::Failure;
use crate::engine::machine::LogLevel;
use crate::engine::machine::NetError;
use crate::engine::machine::Owned;
use crate::engine::machine::Sent;
use crate::engine::machine::TopicPartition;
use crate::engine::machine::partitions_of;
use crate::engine::machine::seconds;
use crate::engine::protocol::ApiKey;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Response;
use crate::engine::protocol::consumer_protocol::Assignment;
use crate::engine::protocol::join_group::JoinGroupResponse;
use crate::engine::protocol::sync_group::SyncGroupResponse;

use super::errors::{Action, RequestError};
use super::machine::{Group, Timer};
use super::requests::{Asked, PROTOCOL_TYPE};
use super::state::{MemberState, Proof, Round};

impl Group {
    /// An answer of the current epoch.
    pub(super) fn answered(&mut self, now: Instant, sent: Sent<Asked>, response: Result<Response, NetError>) {
        let api = sent.about.api;
        if matches!(self.state, MemberState::Leaving { .. }) {
            return self.answered_while_leaving(now, api, response);
        }
        let refusal = match (api, response) {
            (ApiKey::JoinGroup, Ok(Response::JoinGroup(response))) => {
                return self.on_join(now, sent, response);
            }
            (ApiKey::SyncGroup, Ok(Response::SyncGroup(response))) if sent.about.beats => {
                match response.error {
                    // In a group that has become one of KIP-848 another protocol may count by now. It looks for the member, and at
                    // its generation, before that.
                    ErrorCode::NONE | ErrorCode::INCONSISTENT_GROUP_PROTOCOL => return self.on_proof(now),
                    code => RequestError::of(api, code),
                }
            }
            (ApiKey::SyncGroup, Ok(Response::SyncGroup(response))) => {
                return self.on_sync(now, sent, response);
            }
            (ApiKey::Heartbeat, Ok(Response::Heartbeat(response))) => match response.error {
                ErrorCode::NONE => return self.on_heartbeat(now, sent),
                code => RequestError::of(api, code),
            },
            (_, Ok(_)) => RequestError::of(api, ErrorCode::UNKNOWN_SERVER_ERROR),
            (_, Err(error)) => RequestError::of_network(error),
        };
        self.refused(now, sent, refusal);
    }

    /// Only the member id that a JoinGroup brings still matters, so that no member stays behind without a client.
    fn answered_while_leaving(&mut self, now: Instant, api: ApiKey, response: Result<Response, NetError>) {
        if let Ok(Response::JoinGroup(response)) = response {
            match response.error {
                ErrorCode::NONE | ErrorCode::MEMBER_ID_REQUIRED => self.member_id = response.member_id,
                ErrorCode::UNKNOWN_MEMBER_ID => self.member_id.clear(),
                _ => {}
            }
        }
        if api == ApiKey::LeaveGroup || self.member_id.is_empty() {
            self.departed(now);
        }
    }

    fn on_join(&mut self, now: Instant, sent: Sent<Asked>, response: JoinGroupResponse) {
        match response.error {
            ErrorCode::NONE => {}
            ErrorCode::MEMBER_ID_REQUIRED if !response.member_id.is_empty() => {
                let first = self.member_id.is_empty();
                self.member_id = response.member_id;
                self.generation_id = None;
                return if first && !self.again {
                    self.call.want_now();
                } else {
                    self.refused_round(now);
                };
            }
            code => return self.refused(now, sent, RequestError::of(ApiKey::JoinGroup, code)),
        }
        if response.protocol_type.as_deref().is_some_and(|kind| kind != PROTOCOL_TYPE) {
            return self.made_no_sense(now, inconsistent());
        }
        self.member_id = response.member_id;
        self.generation_id = Some(response.generation_id);
        self.alive(now);
        // The next generation has us. It waits as long for our SyncGroup.
        self.join_ends = self.join_ends.map(|_| now + self.config.rebalance_timeout);
        self.renewed(sent);
        self.beat_after_interval(now);
        if self.again {
            return self.prepare(now);
        }
        let protocol = response.protocol_name.unwrap_or_default();
        let round = Round { protocol: protocol.clone(), leader: response.leader };
        let members = response.members;
        if round.leader == self.member_id && response.skip_assignment {
            // A static leader that is back (KIP-814): the group keeps what it was assigned.
            self.events.push_back(Event::AssignmentKept { members });
            self.sync(round, Vec::new());
        } else if round.leader == self.member_id {
            let extra =
                vec![("generationId", response.generation_id.to_string()), ("topics", self.topics.join(","))];
            self.log(LogLevel::Debug, "Chosen as group leader", extra);
            self.transition(MemberState::Assigning { round });
            self.events.push_back(Event::AssignmentNeeded { job: self.epoch, protocol, members });
        } else {
            self.sync(round, Vec::new());
        }
    }

    fn on_sync(&mut self, now: Instant, sent: Sent<Asked>, response: SyncGroupResponse) {
        let (MemberState::Syncing { round, .. }, Some(generation_id)) = (&self.state, self.generation_id)
        else {
            return;
        };
        if response.error.is_err() {
            let refusal = RequestError::of(ApiKey::SyncGroup, response.error);
            return self.refused(now, sent, refusal);
        }
        if self.again {
            self.alive(now);
            return self.prepare(now);
        }
        let round = round.clone();
        if response.protocol_type.is_some_and(|kind| kind != PROTOCOL_TYPE)
            || response.protocol_name.is_some_and(|name| name != round.protocol)
        {
            return self.made_no_sense(now, inconsistent());
        }
        let assignment = match Assignment::decode(response.assignment) {
            Ok(assignment) => assignment.topics,
            Err(error) => {
                let broker = "The leader of the group".to_owned();
                let error = NetError::Decode { broker, api: ApiKey::SyncGroup, error };
                return self.made_no_sense(now, Failure::Net(error));
            }
        };
        self.transition(MemberState::Stable);
        self.protocol.clone_from(&round.protocol);
        let revoked = self.own(&assignment);
        self.noticed = None;
        self.reason = None;
        self.refusals = 0;
        self.vain.over();
        self.nonsense = 0;
        self.call.succeeded();
        self.alive(now);
        self.join_ends = None;
        self.renewed(sent);
        self.follow_up = self.is_cooperative().then_some(FIRST_FOLLOW_UP);
        self.beat_after_interval(now);
        let since = self.joining_since.take().unwrap_or(now);
        self.events.push_back(Event::Joined {
            duration: now.saturating_duration_since(since),
            is_leader: round.leader == self.member_id,
            leader_id: round.leader,
            member_id: self.member_id.clone(),
            generation_id,
            protocol: round.protocol,
            assignment,
        });
        if !revoked.is_empty() {
            self.revoke_these(Owned::Only(revoked));
            self.reason = Some("partitions are given back to be assigned to others".to_owned());
        }
    }

    /// This is assigned. What was owned before is owned until it is given back: returns what is to be.
    fn own(&mut self, assignment: &[(String, Vec<i32>)]) -> BTreeSet<TopicPartition> {
        let owned = self.owned.get_or_insert_default();
        let delta = AssignmentDelta::between(&*owned, partitions_of(assignment));
        owned.extend(delta.added);
        delta.revoked
    }

    /// The interval is counted from answer to answer, as users see it: one that was slow is not followed at once.
    fn on_heartbeat(&mut self, now: Instant, sent: Sent<Asked>) {
        self.alive(now);
        if !self.counts(now, self.proof == Proof::Given) {
            return self.doubted(now);
        }
        self.confirmed(sent);
        self.beat_after_interval(now);
        self.events.push_back(Event::Heartbeat);
    }

    /// Does an answer to Heartbeat show that the session is not over, should there be a doubt? Only that of a coordinator that has
    /// the group, and that others name.
    fn counts(&self, now: Instant, has_group: bool) -> bool {
        !self.is_doubtful(now) || has_group && self.is_named(now)
    }

    /// An answer to Heartbeat that counts.
    fn confirmed(&mut self, sent: Sent<Asked>) {
        self.search = Search::None;
        self.proof = Proof::Wanted;
        self.renewed(sent);
    }

    /// All is well, says somebody who may not know.
    fn doubted(&mut self, now: Instant) {
        if self.may_prove() {
            self.coordinator_lost(now);
            self.beat.want_now();
        } else {
            self.beat.want_at(now + self.config.own_interval());
        }
    }

    /// The coordinator knows us in this generation. Its session is another matter.
    fn on_proof(&mut self, now: Instant) {
        self.alive(now);
        self.proof = Proof::Given;
        self.beat.want_now();
    }

    fn refused(&mut self, now: Instant, sent: Sent<Asked>, refusal: RequestError) {
        let api = sent.about.api;
        let extra = vec![("error", refusal.message())];
        self.log(LogLevel::Debug, format!("{} was refused", api.name()), extra);
        if sent.about.beats {
            // While a JoinGroup or SyncGroup is outstanding, or about to be, its answer will say the same.
            if self.beats() {
                self.heartbeat_refused(now, sent, refusal);
            } else if self.beats_beside() {
                match refusal.action {
                    Action::Rejoin if !self.is_doubtful(now) => self.renewed(sent),
                    // What we have kept may be another member's already. (An ILLEGAL_GENERATION is older than the answer that
                    // comes: the next generation has begun.)
                    Action::ForgetMember => self.valid_until = Some(now),
                    _ => {}
                }
            }
        } else {
            self.join_refused(now, api, refusal);
        }
    }

    /// JoinGroup or SyncGroup was refused.
    fn join_refused(&mut self, now: Instant, api: ApiKey, refusal: RequestError) {
        self.tell_refusal(now, api, &refusal);
        if refusal.code().is_some() {
            // A coordinator that holds a SyncGroup for longer than the session is no less alive for it.
            self.alive(now);
        }
        match refusal.action {
            Action::Retry => {
                self.call.failed(now, &mut self.rng);
                self.try_again(now);
            }
            Action::FindCoordinator => {
                self.coordinator_lost(now);
                self.call.failed(now, &mut self.rng);
                if api == ApiKey::JoinGroup {
                    self.try_again(now);
                } else {
                    // A new coordinator does not know of this round.
                    self.prepare(now);
                }
            }
            // Without the id that should come with it, TakeMemberId is a refusal like the others.
            Action::Rejoin | Action::ForgetGeneration | Action::ForgetMember | Action::TakeMemberId => {
                self.forget(&refusal);
                self.refused_round(now);
            }
            Action::Fatal => self.fail(refusal.failure),
        }
    }

    fn tell_refusal(&mut self, now: Instant, api: ApiKey, refusal: &RequestError) {
        // Of a broker that cannot be reached the network tells.
        let is_told = matches!(refusal.failure, Failure::Net(NetError::Connect { .. }));
        if let Some(lasted) = self.vain.goes_on(now)
            && !is_told
        {
            let (name, group, lasted) = (api.name(), &self.config.group_id, seconds(lasted));
            let line =
                format!("{name} of group {group:?} fails for {lasted}, trying again: {}", refusal.told());
            self.log(LogLevel::Warn, line, Vec::new());
        }
    }

    fn heartbeat_refused(&mut self, now: Instant, sent: Sent<Asked>, refusal: RequestError) {
        match refusal.action {
            Action::Retry => self.beat_after_backoff(now),
            Action::FindCoordinator => {
                self.coordinator_lost(now);
                self.beat_after_backoff(now);
            }
            Action::Rejoin => {
                // To the coordinator we are alive. Unless we own something, we are rejoining or will be told by Sync.
                self.alive(now);
                self.note_rebalance();
                let is_heartbeat = sent.about.api == ApiKey::Heartbeat;
                if is_heartbeat && self.counts(now, true) {
                    self.confirmed(sent);
                } else if self.may_prove() {
                    if is_heartbeat {
                        self.coordinator_lost(now);
                    }
                    self.proof = Proof::Rebalance;
                    self.beat.want_now();
                }
                if matches!(self.state, MemberState::Stable) {
                    // To handlers of partitions that are kept nothing happens.
                    self.noticed = refusal.code().filter(|_| !self.is_cooperative());
                    self.rebalancing(ErrorCode::REBALANCE_IN_PROGRESS);
                    self.revoke(now);
                }
            }
            Action::ForgetGeneration | Action::ForgetMember => self.dropped(now, refusal),
            Action::TakeMemberId | Action::Fatal => self.fail(refusal.failure),
        }
    }

    /// A heartbeat has told that we are not a member of this generation any more.
    fn dropped(&mut self, now: Instant, refusal: RequestError) {
        let reason = refusal.message();
        match (refusal.action, &self.state) {
            (Action::ForgetMember, _) => {
                let words = "The coordinator is not aware of this member, re-joining the group";
                self.log_as("Runner", LogLevel::Error, words, vec![("error", reason.clone())]);
            }
            (_, MemberState::Stable) => self.rebalancing(ErrorCode::ILLEGAL_GENERATION),
            // It rejoins already.
            _ => {}
        }
        self.forget(&refusal);
        match self.state {
            MemberState::Stable | MemberState::Revoking { .. } => {
                self.noticed = refusal.code();
                self.prepare(now);
            }
            MemberState::Assigning { .. } | MemberState::Syncing { .. } => self.refused_round(now),
            // Preparing: the JoinGroup to come starts from what is forgotten now.
            _ => {}
        }
    }

    fn rebalancing(&mut self, code: ErrorCode) {
        self.events.push_back(Event::Rebalancing { member_id: self.member_id.clone(), code });
    }

    /// The generation is over for us, and with it what we own; perhaps the member, too.
    fn forget(&mut self, refusal: &RequestError) {
        let action = refusal.action;
        if matches!(action, Action::ForgetGeneration | Action::ForgetMember) {
            self.generation_id = None;
            self.lose(&refusal.message());
        }
        if action == Action::ForgetMember {
            self.member_id.clear();
        }
    }

    /// This round came to nothing. The first time that is ordinary (another member joined), and the group waits for us, so we
    /// join again at once; a coordinator that goes on refusing is asked with back-off.
    fn refused_round(&mut self, now: Instant) {
        self.refusals = self.refusals.saturating_add(1);
        if self.refusals > 1 {
            self.call.failed(now, &mut self.rng);
        }
        self.prepare(now);
    }

    /// An answer that no coordinator gives was damaged on the way, so the same request goes out again over another connection.
    /// When it is answered so again and again, it is what the coordinator says, and an end.
    fn made_no_sense(&mut self, now: Instant, failure: Failure) {
        self.nonsense = self.nonsense.saturating_add(1);
        if self.nonsense >= NONSENSE_TRIES {
            return self.fail(failure);
        }
        let error = RequestError { action: Action::Retry, failure }.message();
        self.log(
            LogLevel::Warn,
            "The coordinator's answer makes no sense, asking again",
            vec![("error", error)],
        );
        self.events.push_back(Event::Suspect);
        self.alive(now);
        self.call.failed(now, &mut self.rng);
        self.try_again(now);
    }

    /// The same request again, unless it is out of date by now.
    fn try_again(&mut self, now: Instant) {
        if self.again {
            self.prepare(now);
        } else {
            self.call.want();
        }
    }

    /// The coordinator has answered.
    fn alive(&mut self, now: Instant) {
        self.timers.set(Timer::Session, now + self.config.session_timeout);
        self.beat.succeeded();
    }

    /// The session was renewed, not before this was sent.
    fn renewed(&mut self, sent: Sent<Asked>) {
        let until = sent.at + self.config.session_timeout;
        // A JoinGroup that was held back is older than the heartbeats beside it.
        self.valid_until = self.valid_until.max(Some(until));
    }

    /// After the interval, but a third of the session before its end: that much of it may be gone when the answer is there.
    fn beat_after_interval(&mut self, now: Instant) {
        self.beat.space_until(Some(now + self.config.heartbeat_interval));
        // The end of a rebalance is not moved by heartbeats: to hurry would be to send one after the other.
        let is_moved = |end: &Instant| self.join_ends.is_none_or(|ends| *end < ends);
        let end = self.valid_until().filter(is_moved);
        let latest = end.map(|end| end - self.config.session_timeout / 3);
        let interval = self.config.own_interval();
        let follow_up = self.follow_up.filter(|soon| *soon < interval);
        let due = now + follow_up.unwrap_or(interval);
        self.follow_up = follow_up.map(|soon| soon * 2);
        self.beat.want_at(latest.map_or(due, |latest| latest.min(due)));
    }

    fn beat_after_backoff(&mut self, now: Instant) {
        self.beat.failed(now, &mut self.rng);
        self.beat.want_at(self.beat.backoff_until().unwrap_or(now));
    }

    /// No heartbeat was answered for as long as the coordinator would wait for one.
    pub(super) fn session_expired(&mut self, now: Instant) {
        let extra = vec![("sessionTimeout", self.config.session_timeout.as_millis().to_string())];
        self.log(LogLevel::Warn, "The coordinator has not answered for the session timeout", extra);
        self.coordinator_lost(now);
        self.beat.give_up();
        self.beat_after_backoff(now);
    }

    fn coordinator_lost(&mut self, now: Instant) {
        self.timers.clear(Timer::Session);
        self.search = Search::On(now);
        self.proof = Proof::Wanted;
        self.events.push_back(Event::CoordinatorLost);
    }
}

fn inconsistent() -> Failure {
    Failure::Broker { code: ErrorCode::INCONSISTENT_GROUP_PROTOCOL, partition: None }
}

/// Those that give partitions up join again as soon as their handlers are done, mostly at once; the others learn of that by a
/// heartbeat. So a cooperative member sends its first ones soon after a join: then after twice as long, up to the interval.
const FIRST_FOLLOW_UP: Duration = Duration::from_millis(50);
/// Some ten seconds.
const NONSENSE_TRIES: u32 = 13;
