//! A group coordinator as brokers have it: it waits for the members, holds JoinGroup and SyncGroup back, and sends a member
//! that joins again with what it had back into the generation that there is, unless that is the leader.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::heartbeat::HeartbeatResponse;
use crate::engine::protocol::join_group::{JoinGroupMember, JoinGroupRequest, JoinGroupResponse};
use crate::engine::protocol::leave_group::LeaveGroupResponse;
use crate::engine::protocol::sync_group::{SyncGroupRequest, SyncGroupResponse};

use super::world::REBALANCE;

/// Which request an answer is for: its sender's and its own number.
pub(super) type Call = u64;

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Stable,
    /// Members have until then to join.
    Joining(Instant),
    /// The leader has until then to assign.
    Assigning(Instant),
}

#[derive(Debug)]
struct Member {
    instance: Option<String>,
    metadata: Bytes,
    assignment: Bytes,
    joining: Option<Call>,
    syncing: Option<Call>,
    heard: Instant,
}

pub(super) struct Coordinator {
    state: State,
    members: BTreeMap<String, Member>,
    leader: String,
    pub(super) generation: i32,
    next_member: u32,
    /// Answers that are ready.
    pub(super) answers: Vec<(Call, Response)>,
}

impl Coordinator {
    pub(super) fn new() -> Coordinator {
        Coordinator {
            state: State::Stable,
            members: BTreeMap::new(),
            leader: String::new(),
            generation: 0,
            next_member: 0,
            answers: Vec::new(),
        }
    }

    /// Is this a request for a coordinator? Then it is taken.
    pub(super) fn take(&mut self, now: Instant, call: Call, request: &Request) -> bool {
        match request {
            Request::JoinGroup(request) => self.join(now, call, request),
            Request::SyncGroup(request) => self.sync(now, call, request),
            Request::Heartbeat(request) => {
                let error = self.membership(now, &request.member_id, request.generation_id);
                let error = match self.state {
                    State::Joining(_) if error == ErrorCode::NONE => ErrorCode::REBALANCE_IN_PROGRESS,
                    _ => error,
                };
                let response = HeartbeatResponse { error, ..Default::default() };
                self.answers.push((call, Response::Heartbeat(response)));
            }
            Request::LeaveGroup(request) => {
                if self.members.remove(&request.member_id).is_some() {
                    self.rebalance(now);
                }
                self.answers.push((call, Response::LeaveGroup(LeaveGroupResponse::default())));
            }
            _ => return false,
        }
        self.step(now);
        true
    }

    /// When something happens by itself.
    pub(super) fn timeout(&self) -> Option<Instant> {
        let sessions = self.members.values().map(|member| member.heard + SESSION).min();
        let own = match self.state {
            State::Stable => None,
            State::Joining(until) | State::Assigning(until) => Some(until),
        };
        sessions.into_iter().chain(own).min()
    }

    pub(super) fn step(&mut self, now: Instant) {
        let expired = |member: &Member| {
            member.joining.is_none() && member.syncing.is_none() && now >= member.heard + SESSION
        };
        let before = self.members.len();
        self.members.retain(|_, member| !expired(member));
        if self.members.len() < before {
            self.rebalance(now);
        }
        match self.state {
            State::Stable => {}
            State::Joining(until) => {
                if now >= until {
                    self.members.retain(|_, member| member.joining.is_some());
                }
                if self.members.values().all(|member| member.joining.is_some()) {
                    self.gathered(now);
                }
            }
            State::Assigning(until) if now >= until => self.rebalance(now),
            State::Assigning(_) => {}
        }
    }

    fn join(&mut self, now: Instant, call: Call, request: &JoinGroupRequest) {
        let metadata = request.protocols[0].metadata.clone();
        if request.member_id.is_empty() {
            self.next_member += 1;
            let member_id = format!("m{}", self.next_member);
            let instance = request.group_instance_id.clone();
            let known =
                self.members.iter().find(|(_, member)| instance.is_some() && member.instance == instance);
            if let Some((old, _)) = known {
                let old = old.clone();
                return self.replace(now, call, &old, member_id, metadata);
            }
            if instance.is_none() {
                let error = ErrorCode::MEMBER_ID_REQUIRED;
                let response = JoinGroupResponse { member_id, error, ..Default::default() };
                return self.answers.push((call, Response::JoinGroup(response)));
            }
            self.add(now, member_id, instance, metadata, call);
        } else if let Some(member) = self.members.get_mut(&request.member_id) {
            member.heard = now;
            let is_same = member.metadata == metadata;
            member.metadata = metadata;
            let is_leader = self.leader == request.member_id;
            match self.state {
                State::Stable if is_leader || !is_same => self.rebalance(now),
                State::Assigning(_) if !is_same => self.rebalance(now),
                State::Joining(_) => {}
                State::Stable | State::Assigning(_) => {
                    return self.send_back(call, &request.member_id.clone(), false);
                }
            }
            if let Some(member) = self.members.get_mut(&request.member_id) {
                member.joining = Some(call);
            }
        } else {
            self.add(now, request.member_id.clone(), request.group_instance_id.clone(), metadata, call);
        }
    }

    fn add(&mut self, now: Instant, id: String, instance: Option<String>, metadata: Bytes, call: Call) {
        let joining = Some(call);
        let assignment = Bytes::new();
        self.members
            .insert(id, Member { instance, metadata, assignment, joining, syncing: None, heard: now });
        self.rebalance(now);
    }

    /// A static member is back (KIP-345): in a stable group all stays as it is, and a leader is told so (KIP-814).
    fn replace(&mut self, now: Instant, call: Call, old: &str, new: String, metadata: Bytes) {
        let mut member = self.members.remove(old).unwrap();
        let is_same = member.metadata == metadata;
        member.metadata = metadata;
        member.heard = now;
        let is_leader = self.leader == old;
        if is_leader {
            self.leader.clone_from(&new);
        }
        let stays = is_same && self.state == State::Stable;
        member.joining = (!stays).then_some(call);
        self.members.insert(new.clone(), member);
        if stays {
            self.send_back(call, &new, is_leader);
        } else {
            self.rebalance(now);
        }
    }

    /// Into the generation that there is.
    fn send_back(&mut self, call: Call, id: &str, skip_assignment: bool) {
        let members = if self.leader == id { self.described() } else { Vec::new() };
        let response = self.joined(id, members, skip_assignment);
        self.answers.push((call, response));
    }

    fn joined(&self, id: &str, members: Vec<JoinGroupMember>, skip_assignment: bool) -> Response {
        Response::JoinGroup(JoinGroupResponse {
            generation_id: self.generation,
            protocol_type: Some("consumer".into()),
            protocol_name: Some("RoundRobinAssigner".into()),
            leader: self.leader.clone(),
            member_id: id.to_owned(),
            members,
            skip_assignment,
            ..Default::default()
        })
    }

    fn described(&self) -> Vec<JoinGroupMember> {
        let members = self.members.iter().map(|(member_id, member)| JoinGroupMember {
            member_id: member_id.clone(),
            metadata: member.metadata.clone(),
            ..Default::default()
        });
        members.collect()
    }

    fn rebalance(&mut self, now: Instant) {
        if !matches!(self.state, State::Joining(_)) {
            self.state = State::Joining(now + REBALANCE);
            for member in self.members.values_mut() {
                if let Some(call) = member.syncing.take() {
                    self.answers.push((call, refused(ErrorCode::REBALANCE_IN_PROGRESS)));
                }
            }
        }
    }

    fn gathered(&mut self, now: Instant) {
        self.generation += 1;
        if !self.members.contains_key(&self.leader) {
            self.leader = self.members.keys().next().cloned().unwrap_or_default();
        }
        self.state = if self.members.is_empty() { State::Stable } else { State::Assigning(now + REBALANCE) };
        let described = self.described();
        for id in self.members.keys().cloned().collect::<Vec<_>>() {
            let members = if id == self.leader { described.clone() } else { Vec::new() };
            let response = self.joined(&id, members, false);
            let member = self.members.get_mut(&id).unwrap();
            member.heard = now;
            member.assignment = Bytes::new();
            self.answers.push((member.joining.take().unwrap(), response));
        }
    }

    fn sync(&mut self, now: Instant, call: Call, request: &SyncGroupRequest) {
        let error = self.membership(now, &request.member_id, request.generation_id);
        if error != ErrorCode::NONE {
            return self.answers.push((call, refused(error)));
        }
        self.members.get_mut(&request.member_id).unwrap().syncing = Some(call);
        match self.state {
            State::Joining(_) => self.answers.push((call, refused(ErrorCode::REBALANCE_IN_PROGRESS))),
            State::Assigning(_) if request.member_id == self.leader => {
                self.state = State::Stable;
                for share in &request.assignments {
                    if let Some(member) = self.members.get_mut(&share.member_id) {
                        member.assignment = share.assignment.clone();
                    }
                }
            }
            State::Assigning(_) | State::Stable => {}
        }
        if self.state == State::Stable {
            for member in self.members.values_mut() {
                if let Some(call) = member.syncing.take() {
                    let assignment = member.assignment.clone();
                    let response = SyncGroupResponse { assignment, ..Default::default() };
                    self.answers.push((call, Response::SyncGroup(response)));
                }
            }
        }
    }

    fn membership(&mut self, now: Instant, id: &str, generation: i32) -> ErrorCode {
        match self.members.get_mut(id) {
            None => ErrorCode::UNKNOWN_MEMBER_ID,
            Some(_) if generation != self.generation => ErrorCode::ILLEGAL_GENERATION,
            Some(member) => {
                member.heard = now;
                ErrorCode::NONE
            }
        }
    }
}

fn refused(error: ErrorCode) -> Response {
    Response::SyncGroup(SyncGroupResponse { error, ..Default::default() })
}

const SESSION: Duration = Duration::from_secs(10);
