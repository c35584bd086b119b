//! The machine, its owner, its coordinator and the time.

use std::time::{Duration, Instant};

use crate::engine::group::Event;
use crate::engine::group::Group;
use crate::engine::group::GroupConfig;
use crate::engine::group::GroupMembershipOperation;
use crate::engine::group::assignors::RebalanceProtocol;
use crate::engine::group::classic::state::MemberState;
use crate::engine::machine::Machine;
use crate::engine::machine::NetError;
use crate::engine::machine::Outbound;
use crate::engine::machine::Owned;
use crate::engine::machine::Target;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::consumer_protocol::Assignment;
use crate::engine::protocol::heartbeat::{HeartbeatRequest, HeartbeatResponse};
use crate::engine::protocol::join_group::{
    JoinGroupMember, JoinGroupProtocol, JoinGroupRequest, JoinGroupResponse,
};
use crate::engine::protocol::leave_group::{LeaveGroupRequest, LeaveGroupResponse};
use crate::engine::protocol::sync_group::{SyncGroupAssignment, SyncGroupRequest, SyncGroupResponse};

pub(super) const SESSION: Duration = Duration::from_secs(30);
pub(super) const REBALANCE: Duration = Duration::from_secs(60);
pub(super) const INTERVAL: Duration = Duration::from_secs(3);
pub(super) const MEMBER: &str = "member-1";

pub(super) fn config() -> GroupConfig {
    GroupConfig {
        group_id: "group".to_owned(),
        group_instance_id: None,
        session_timeout: SESSION,
        rebalance_timeout: REBALANCE,
        heartbeat_interval: INTERVAL,
        rebalance_protocol: RebalanceProtocol::Eager,
    }
}

/// What the owner has been asked for and has not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Protocols(u64),
    Assignments(u64),
    Revoke,
}

/// Its node.
pub(super) const COORDINATOR: i32 = 1;

pub(super) struct World {
    pub(super) group: Group,
    pub(super) now: Instant,
    /// Is the coordinator known? CoordinatorLost says no, [`World::found`] yes.
    pub(super) found: bool,
    /// Sent and not answered, oldest first.
    pub(super) in_flight: Vec<Outbound>,
    pub(super) asked: Option<Asked>,
    /// What came since it was last looked at, log lines left out.
    events: Vec<Event>,
    owns: bool,
    /// Our assignors are cooperative.
    cooperative: bool,
    left: bool,
    failed: bool,
    /// Heartbeats that CoordinatorLost has written off.
    given_up: Vec<u64>,
    /// What `leave` says.
    pub(super) operation: GroupMembershipOperation,
    /// SyncGroups that stand in for a heartbeat, because the session may be over.
    proofs: Vec<u64>,
    /// LeaveGroups sent.
    pub(super) leaves: usize,
    /// Times that the clock woke the machine.
    pub(super) wakes: usize,
}

impl World {
    pub(super) fn new() -> World {
        World::with_instance(None)
    }

    pub(super) fn with_instance(instance: Option<&str>) -> World {
        World::with(instance, RebalanceProtocol::Eager)
    }

    #[expect(clippy::disallowed_methods, reason = "any instant will do to start from")]
    fn with(instance: Option<&str>, rebalance_protocol: RebalanceProtocol) -> World {
        let config =
            GroupConfig { group_instance_id: instance.map(Into::into), rebalance_protocol, ..config() };
        World {
            group: Group::new(config, 7),
            now: Instant::now(),
            found: true,
            in_flight: Vec::new(),
            asked: None,
            events: Vec::new(),
            owns: false,
            cooperative: rebalance_protocol == RebalanceProtocol::Cooperative,
            left: false,
            failed: false,
            given_up: Vec::new(),
            proofs: Vec::new(),
            operation: GroupMembershipOperation::Default,
            leaves: 0,
            wakes: 0,
        }
    }

    /// A follower in generation 1 that got partitions 0 and 1 of `orders`.
    pub(super) fn stable() -> World {
        let mut world = World::new();
        world.make_stable();
        world
    }

    /// A follower in generation 1 of a cooperative group that got partitions 0 and 1 of `orders`.
    pub(super) fn cooperative() -> World {
        let mut world = World::with(None, RebalanceProtocol::Cooperative);
        world.join(&["orders"]);
        world.rejoins(1, &[0, 1]);
        world.events();
        world
    }

    /// From ProtocolsNeeded to Joined with these partitions, in a cooperative group.
    pub(super) fn rejoins(&mut self, generation_id: i32, partitions: &[i32]) {
        self.give_protocols();
        self.answer_join(cooperative_follower(generation_id));
        self.answer_sync(synced_cooperatively(partitions));
    }

    pub(super) fn make_stable(&mut self) {
        self.join(&["orders"]);
        self.finish_join();
    }

    /// From ProtocolsNeeded to Joined, as a follower.
    pub(super) fn finish_join(&mut self) {
        self.give_protocols();
        self.answer_join(follower(1));
        self.answer_sync(synced());
        assert!(matches!(self.events().last(), Some(Event::Joined { .. })));
        assert!(self.group.is_stable());
    }

    // ---- the owner

    pub(super) fn join(&mut self, topics: &[&str]) {
        self.group.join(self.now, topics.iter().map(|topic| (*topic).to_owned()).collect());
        self.settle();
    }

    pub(super) fn rejoin(&mut self) {
        self.group.rejoin(self.now, "the partition count of a topic has changed");
        self.settle();
    }

    pub(super) fn give_protocols(&mut self) {
        let Some(Asked::Protocols(job)) = self.asked.take() else { panic!("nobody asked for protocols") };
        let protocols = if self.cooperative { cooperative_protocols() } else { protocols() };
        self.group.protocols(self.now, job, Ok(protocols));
        self.settle();
    }

    pub(super) fn give_assignments(&mut self) {
        let Some(Asked::Assignments(job)) = self.asked.take() else { panic!("nobody asked for assignments") };
        self.group.assignments(self.now, job, Ok(assignments()));
        self.settle();
    }

    pub(super) fn revoked(&mut self) {
        if self.asked == Some(Asked::Revoke) {
            self.asked = None;
            self.owns = self.cooperative;
        }
        self.group.revoked(self.now);
        self.settle();
    }

    pub(super) fn ask_for_heartbeat(&mut self) {
        self.group.heartbeat(self.now);
        self.settle();
    }

    pub(super) fn leave(&mut self) {
        self.asked = None;
        self.owns = false;
        self.group.leave(self.now, self.operation);
        self.settle();
    }

    pub(super) fn lost(&mut self) {
        self.asked = None;
        self.group.lost(self.now, "no progress");
        self.settle();
    }

    pub(super) fn found(&mut self) {
        self.found = true;
        self.settle();
    }

    /// The events since the last look.
    pub(super) fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    // ---- the coordinator

    /// The only request in flight.
    fn only(&mut self) -> Outbound {
        assert_eq!(self.in_flight.len(), 1, "{:?}", self.in_flight);
        self.in_flight[0].clone()
    }

    pub(super) fn sent_join(&mut self) -> JoinGroupRequest {
        match self.only().body {
            Request::JoinGroup(request) => request,
            other => panic!("expected JoinGroup, found {other:?}"),
        }
    }

    pub(super) fn sent_sync(&mut self) -> SyncGroupRequest {
        match self.only().body {
            Request::SyncGroup(request) => request,
            other => panic!("expected SyncGroup, found {other:?}"),
        }
    }

    pub(super) fn sent_heartbeat(&mut self) -> HeartbeatRequest {
        match self.only().body {
            Request::Heartbeat(request) => request,
            other => panic!("expected Heartbeat, found {other:?}"),
        }
    }

    pub(super) fn sent_leave(&mut self) -> LeaveGroupRequest {
        match self.only().body {
            Request::LeaveGroup(request) => request,
            other => panic!("expected LeaveGroup, found {other:?}"),
        }
    }

    pub(super) fn answer_join(&mut self, response: JoinGroupResponse) {
        self.sent_join();
        self.answer(0, Ok(Response::JoinGroup(response)));
    }

    pub(super) fn answer_sync(&mut self, response: SyncGroupResponse) {
        self.sent_sync();
        self.answer(0, Ok(Response::SyncGroup(response)));
    }

    pub(super) fn answer_heartbeat(&mut self, error: ErrorCode) {
        self.sent_heartbeat();
        self.answer(0, Ok(Response::Heartbeat(HeartbeatResponse { error, ..Default::default() })));
    }

    pub(super) fn answer_leave(&mut self, error: ErrorCode) {
        self.sent_leave();
        self.answer(0, Ok(Response::LeaveGroup(LeaveGroupResponse { error, ..Default::default() })));
    }

    /// Refuses the only request in flight.
    pub(super) fn refuse(&mut self, error: ErrorCode) {
        let body = self.only().body;
        self.answer(0, Ok(refusal(&body, error)));
    }

    /// The request at `index` gets this answer.
    pub(super) fn answer(&mut self, index: usize, response: Result<Response, NetError>) {
        let outbound = self.in_flight.remove(index);
        self.group.handle_response(self.now, outbound.id, response);
        self.settle();
    }

    // ---- time

    /// Lets time pass; the machine is woken when it asked to be.
    pub(super) fn advance(&mut self, by: Duration) {
        let end = self.now + by;
        let before = self.wakes;
        while let Some(at) = self.group.poll_timeout(self.now).filter(|at| *at <= end) {
            self.now = at;
            self.wakes += 1;
            assert!(self.wakes - before < 1_000, "busy loop");
            self.group.handle_timeout(self.now);
            self.settle();
        }
        self.now = end;
        self.group.handle_timeout(self.now);
        self.settle();
    }

    // ---- the promises

    /// What a driver does after each step: events, requests, timer; and what must hold then.
    fn settle(&mut self) {
        loop {
            while let Some(event) = self.group.poll_event() {
                self.see(event);
            }
            let coordinator = self.found.then_some(COORDINATOR);
            let Some(outbound) = self.group.poll_request(self.now, coordinator) else { break };
            self.see_request(outbound);
        }
        while let Some(event) = self.group.poll_event() {
            self.see(event);
        }
        if let Some(at) = self.group.poll_timeout(self.now) {
            assert!(at > self.now, "a timer that has rung already: busy loop");
        }
        assert!(self.has_prospects(), "stuck: {:?}", self.group);
        assert!(!(self.group.is_stable() && self.group.is_rebalancing()));
        if self.left || self.failed {
            assert_eq!(self.group.membership(), None);
        }
    }

    /// Is there anything that will move the machine on, or nothing that it should do?
    fn has_prospects(&self) -> bool {
        let rests = !self.group.is_rebalancing() && !self.group.is_stable();
        rests
            || !self.found
            || !self.in_flight.is_empty()
            || self.asked.is_some()
            || self.group.poll_timeout(self.now).is_some()
    }

    fn see(&mut self, event: Event) {
        assert!(!self.left, "after Left: {event:?}");
        match &event {
            Event::ProtocolsNeeded { job, .. } => {
                assert!(!self.owns || self.cooperative, "a join while the partitions are still ours");
                self.asked = Some(Asked::Protocols(*job));
            }
            Event::AssignmentNeeded { job, .. } => self.asked = Some(Asked::Assignments(*job)),
            Event::Revoke { partitions } => {
                assert!(self.owns, "nothing to revoke");
                assert_eq!(*partitions != Owned::All, self.cooperative);
                assert_ne!(self.asked, Some(Asked::Revoke), "revoked twice");
                self.asked = Some(Asked::Revoke);
            }
            Event::Lost { .. } => {
                assert!(self.owns, "nothing to lose");
                self.owns = false;
            }
            Event::Joined { .. } => {
                assert!(!self.owns || self.cooperative, "assigned twice");
                assert!(self.group.membership().is_some());
                self.owns = true;
            }
            Event::CoordinatorLost => {
                self.found = false;
                let given_up = self.in_flight.iter().filter(|sent| self.beats(sent)).map(|sent| sent.id);
                self.given_up.extend(given_up.collect::<Vec<_>>());
            }
            Event::Left => self.left = true,
            Event::Failed(_) => {
                self.failed = true;
                self.asked = None;
                self.owns = false;
            }
            Event::Heartbeat | Event::Suspect | Event::AssignmentKept { .. } | Event::Rebalancing { .. } => {}
            Event::Log(_) => return,
            Event::EpochChanged | Event::TopicsUnknown(_) => panic!("a member of KIP-848: {event:?}"),
        }
        self.events.push(event);
    }

    fn see_request(&mut self, outbound: Outbound) {
        let may_be_beside = matches!(outbound.body, Request::LeaveGroup(_) | Request::Heartbeat(_));
        if matches!(outbound.body, Request::SyncGroup(_))
            && !matches!(self.group.state, MemberState::Syncing { .. })
        {
            self.proofs.push(outbound.id);
        }
        let is_call = |sent: &Outbound| is_call(sent) && !self.proofs.contains(&sent.id);
        let beside = may_be_beside && self.in_flight.iter().any(is_call);
        let to = if beside { Target::node(COORDINATOR) } else { Target::coordinator(COORDINATOR) };
        assert_eq!(outbound.to, to, "behind a request that is held back it would wait");
        assert!(!self.left, "after Left: {outbound:?}");
        assert!(
            !self.failed || matches!(outbound.body, Request::LeaveGroup(_)),
            "after Failed: {outbound:?}"
        );
        if let Request::LeaveGroup(request) = &outbound.body {
            assert!(!request.member_id.is_empty());
            self.leaves += 1;
        }
        self.in_flight.push(outbound);
        assert!(self.in_flight.iter().filter(|sent| is_call(sent)).count() <= 1, "{:?}", self.in_flight);
        let is_beat = |sent: &&Outbound| self.beats(sent) && !self.given_up.contains(&sent.id);
        assert!(self.in_flight.iter().filter(is_beat).count() <= 1, "{:?}", self.in_flight);
    }

    fn beats(&self, sent: &Outbound) -> bool {
        matches!(sent.body, Request::Heartbeat(_)) || self.proofs.contains(&sent.id)
    }
}

// ---- what they say

pub(super) fn protocols() -> Vec<JoinGroupProtocol> {
    vec![JoinGroupProtocol { name: "RoundRobinAssigner".into(), metadata: "subscription".into() }]
}

pub(super) fn cooperative_protocols() -> Vec<JoinGroupProtocol> {
    vec![JoinGroupProtocol { name: "cooperative-sticky".into(), metadata: "subscription".into() }]
}

pub(super) fn assignments() -> Vec<SyncGroupAssignment> {
    vec![SyncGroupAssignment { member_id: MEMBER.into(), assignment: "assignment".into() }]
}

/// Generation `generation_id`, led by somebody else.
pub(super) fn follower(generation_id: i32) -> JoinGroupResponse {
    JoinGroupResponse {
        generation_id,
        protocol_type: Some("consumer".into()),
        protocol_name: Some("RoundRobinAssigner".into()),
        leader: "member-0".into(),
        member_id: MEMBER.into(),
        ..Default::default()
    }
}

/// Generation `generation_id`, led by us.
pub(super) fn leader(generation_id: i32) -> JoinGroupResponse {
    let member = JoinGroupMember { member_id: MEMBER.into(), ..Default::default() };
    JoinGroupResponse { leader: MEMBER.into(), members: vec![member], ..follower(generation_id) }
}

/// The same with these partitions of `orders`, by the assignor of KIP-429.
pub(super) fn synced_cooperatively(partitions: &[i32]) -> SyncGroupResponse {
    let topics = vec![("orders".to_owned(), partitions.to_vec())];
    SyncGroupResponse {
        protocol_name: Some("cooperative-sticky".into()),
        assignment: Assignment { topics, ..Default::default() }.encode(),
        ..synced()
    }
}

/// As [`follower`].
pub(super) fn cooperative_follower(generation_id: i32) -> JoinGroupResponse {
    JoinGroupResponse { protocol_name: Some("cooperative-sticky".into()), ..follower(generation_id) }
}

pub(super) fn synced() -> SyncGroupResponse {
    let topics = vec![("orders".to_owned(), vec![0, 1])];
    SyncGroupResponse {
        protocol_type: Some("consumer".into()),
        protocol_name: Some("RoundRobinAssigner".into()),
        assignment: Assignment { topics, ..Default::default() }.encode(),
        ..Default::default()
    }
}

/// The answer to `request` that carries `error` and nothing else; a member id where Kafka sends one.
pub(super) fn refusal(request: &Request, error: ErrorCode) -> Response {
    match request {
        Request::JoinGroup(request) => {
            let member_id = match error {
                ErrorCode::MEMBER_ID_REQUIRED => MEMBER.to_owned(),
                _ => request.member_id.clone(),
            };
            Response::JoinGroup(JoinGroupResponse { error, member_id, ..Default::default() })
        }
        Request::SyncGroup(_) => Response::SyncGroup(SyncGroupResponse { error, ..Default::default() }),
        Request::Heartbeat(_) => Response::Heartbeat(HeartbeatResponse { error, ..Default::default() }),
        Request::LeaveGroup(_) => Response::LeaveGroup(LeaveGroupResponse { error, ..Default::default() }),
        other => panic!("not a request of a group: {other:?}"),
    }
}

fn is_call(sent: &Outbound) -> bool {
    matches!(sent.body, Request::JoinGroup(_) | Request::SyncGroup(_))
}

pub(super) fn closed() -> NetError {
    NetError::Closed { broker: "broker:9092".into() }
}

pub(super) fn timed_out() -> NetError {
    let broker = "broker:9092".into();
    NetError::Timeout {
        broker,
        api: "JoinGroup",
        key: 11,
        version: 9,
        correlation_id: 1,
        created_at: 1,
        sent_at: 1,
        pending_duration: 0,
    }
}
