//! The coordinator of a classic group, as Kafka has it: members join until all are there, and the leader's word is given to each.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::engine::group::assignors::Assignor;
use crate::engine::protocol::heartbeat::{HeartbeatRequest, HeartbeatResponse};
use crate::engine::protocol::join_group::{JoinGroupMember, JoinGroupRequest, JoinGroupResponse};
use crate::engine::protocol::leave_group::{LeaveGroupRequest, LeaveGroupResponse, LeftMember};
use crate::engine::protocol::sync_group::{SyncGroupRequest, SyncGroupResponse};
use crate::engine::protocol::{ErrorCode, Request, Response};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Phase {
    #[default]
    Empty,
    /// JoinGroups are held until all members have sent one.
    Preparing,
    /// SyncGroups are held until the leader has sent one.
    Completing,
    Stable,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Coordinator {
    pub(super) phase: Phase,
    pub(super) generation: i32,
    pub(super) leader: String,
    pub(super) members: BTreeMap<String, Member>,
    /// Who is told what, by what has just been taken.
    answers: Vec<Answer>,
}

/// A response to the request of this id of this client.
pub(super) type Answer = (usize, u64, Response);

#[derive(Debug, Clone, Default)]
pub(super) struct Member {
    pub(super) client: usize,
    pub(super) metadata: Bytes,
    pub(super) assignment: Bytes,
    /// The JoinGroup or SyncGroup that is held.
    pub(super) held: Option<u64>,
}

/// Of a request whose connection has broken: nobody hears its answer.
pub(super) const UNHEARD: u64 = 0;

impl Coordinator {
    /// Takes a request of the client, whose new member would have this id.
    pub(super) fn handle(&mut self, client: usize, new_id: &str, id: u64, request: &Request) -> Vec<Answer> {
        match request {
            Request::JoinGroup(request) => self.join(client, new_id, id, request),
            Request::SyncGroup(request) => self.sync(client, id, request),
            Request::Heartbeat(request) => {
                let error = self.beat(request);
                let response = HeartbeatResponse { error, ..Default::default() };
                self.answers.push((client, id, Response::Heartbeat(response)));
            }
            Request::LeaveGroup(LeaveGroupRequest { member_id, .. }) => {
                self.remove(member_id);
                let left = LeftMember { member_id: member_id.clone(), ..Default::default() };
                let response = LeaveGroupResponse { members: vec![left], ..Default::default() };
                self.answers.push((client, id, Response::LeaveGroup(response)));
            }
            other => panic!("{other:?}"),
        }
        self.told()
    }

    fn told(&mut self) -> Vec<Answer> {
        std::mem::take(&mut self.answers).into_iter().filter(|(_, id, _)| *id != UNHEARD).collect()
    }

    fn join(&mut self, client: usize, new_id: &str, id: u64, request: &JoinGroupRequest) {
        let is_new = request.member_id.is_empty();
        let member_id = if is_new { new_id } else { &request.member_id };
        if !is_new && !self.members.contains_key(member_id) {
            let response = JoinGroupResponse { error: ErrorCode::UNKNOWN_MEMBER_ID, ..Default::default() };
            return self.answers.push((client, id, Response::JoinGroup(response)));
        }
        let member = self.members.entry(member_id.to_owned()).or_default();
        let metadata = request.protocols[0].metadata.clone();
        let is_changed = std::mem::replace(&mut member.metadata, metadata.clone()) != metadata;
        member.client = client;
        let is_leader = self.leader == member_id;
        match self.phase {
            Phase::Completing if !is_new && !is_changed => {}
            Phase::Stable if !is_new && !is_changed && !is_leader => {}
            Phase::Preparing => {
                member.held = Some(id);
                return self.complete_join();
            }
            _ => {
                self.prepare();
                self.hold(member_id, id);
                return self.complete_join();
            }
        }
        // It has not heard the answer that it was given.
        let response = self.joined(member_id);
        self.answers.push((client, id, response));
    }

    fn hold(&mut self, member_id: &str, id: u64) {
        if let Some(member) = self.members.get_mut(member_id) {
            member.held = Some(id);
        }
    }

    fn sync(&mut self, client: usize, id: u64, request: &SyncGroupRequest) {
        let error = match self.members.get(&request.member_id) {
            None => ErrorCode::UNKNOWN_MEMBER_ID,
            Some(_) if request.generation_id != self.generation => ErrorCode::ILLEGAL_GENERATION,
            Some(_) if self.phase == Phase::Preparing => ErrorCode::REBALANCE_IN_PROGRESS,
            Some(_) => ErrorCode::NONE,
        };
        if error.is_err() {
            let response = SyncGroupResponse { error, ..Default::default() };
            return self.answers.push((client, id, Response::SyncGroup(response)));
        }
        self.hold(&request.member_id, id);
        if self.phase == Phase::Completing && self.leader == request.member_id {
            for (member_id, member) in &mut self.members {
                let share = request.assignments.iter().find(|share| share.member_id == *member_id);
                member.assignment = share.map(|share| share.assignment.clone()).unwrap_or_default();
            }
            self.phase = Phase::Stable;
        }
        if self.phase == Phase::Stable {
            for member in self.members.values_mut() {
                let Some(id) = member.held.take() else { continue };
                let assignment = member.assignment.clone();
                let response = SyncGroupResponse { assignment, ..Default::default() };
                self.answers.push((member.client, id, Response::SyncGroup(response)));
            }
        }
    }

    fn beat(&self, request: &HeartbeatRequest) -> ErrorCode {
        match self.members.get(&request.member_id) {
            None => ErrorCode::UNKNOWN_MEMBER_ID,
            Some(_) if request.generation_id != self.generation => ErrorCode::ILLEGAL_GENERATION,
            Some(_) if self.phase == Phase::Preparing => ErrorCode::REBALANCE_IN_PROGRESS,
            Some(_) => ErrorCode::NONE,
        }
    }

    /// It leaves, or its session is over.
    pub(super) fn expel(&mut self, member_id: &str) -> Vec<Answer> {
        self.remove(member_id);
        self.told()
    }

    fn remove(&mut self, member_id: &str) {
        if self.members.remove(member_id).is_none() {
            return;
        }
        if self.phase != Phase::Preparing {
            self.prepare();
        }
        self.complete_join();
    }

    /// Another generation is to begin: SyncGroups are not held any longer.
    fn prepare(&mut self) {
        self.phase = Phase::Preparing;
        for member in self.members.values_mut() {
            let Some(id) = member.held.take() else { continue };
            let response =
                SyncGroupResponse { error: ErrorCode::REBALANCE_IN_PROGRESS, ..Default::default() };
            self.answers.push((member.client, id, Response::SyncGroup(response)));
        }
    }

    fn complete_join(&mut self) {
        if self.members.values().any(|member| member.held.is_none()) {
            return;
        }
        self.generation += 1;
        if !self.members.contains_key(&self.leader) {
            self.leader = self.members.keys().next().cloned().unwrap_or_default();
        }
        self.phase = if self.members.is_empty() { Phase::Empty } else { Phase::Completing };
        let held = self
            .members
            .iter_mut()
            .filter_map(|(member_id, member)| Some((member_id.clone(), member.client, member.held.take()?)));
        for (member_id, client, id) in held.collect::<Vec<_>>() {
            let response = self.joined(&member_id);
            self.answers.push((client, id, response));
        }
    }

    fn joined(&self, member_id: &str) -> Response {
        let member = |(member_id, member): (&String, &Member)| JoinGroupMember {
            member_id: member_id.clone(),
            group_instance_id: None,
            metadata: member.metadata.clone(),
        };
        let members =
            if self.leader == member_id { self.members.iter().map(member).collect() } else { vec![] };
        Response::JoinGroup(JoinGroupResponse {
            generation_id: self.generation,
            protocol_name: Some(Assignor::CooperativeSticky.name().to_owned()),
            leader: self.leader.clone(),
            member_id: member_id.to_owned(),
            members,
            ..Default::default()
        })
    }
}
