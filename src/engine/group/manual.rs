//! Partitions that the user assigns: nobody's group decides about them, and no coordinator is asked for them. The words are those of
//! a membership, so that a consumer gives up what is taken from it and begins with what is added as it always does.
//!
//! ```text
//!  Idle ──assign──► Assigned ──assign, without some of them──► Revoking
//!                     ▲  ▲                                        │ revoked
//!                     │  └────────────────────────────────────────┘
//!                     └──── assign, with others ────┘                   leave, from anywhere ──► Left
//! ```
//! Commits go by the group's id, without a member or a generation: the coordinator takes them as long as the group has no members
//! (simple commits).

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use crate::engine::machine::Machine;
use crate::engine::machine::NetError;
use crate::engine::machine::Outbound;
use crate::engine::machine::Owned;
use crate::engine::machine::TopicPartition;
use crate::engine::machine::by_topic;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Response;

use super::{Event, GroupMembershipOperation, Membership};

/// See the module's documentation.
#[derive(Debug)]
pub struct ManualAssignment {
    /// Is there a group to commit to?
    commits: bool,
    state: State,
    owned: BTreeSet<TopicPartition>,
    wanted: BTreeSet<TopicPartition>,
    /// What our owner gives up.
    going: BTreeSet<TopicPartition>,
    events: VecDeque<Event>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Assigned,
    Revoking,
    Left,
}

impl ManualAssignment {
    /// Nothing is assigned. `commits`: there is a group to commit to.
    pub fn new(commits: bool) -> ManualAssignment {
        let (owned, wanted, going, events) = Default::default();
        ManualAssignment { commits, state: State::Idle, owned, wanted, going, events }
    }

    /// These, and no others. Ends in [`Event::Joined`]; in between, [`Event::Revoke`] asks for those that go.
    pub fn assign(&mut self, partitions: impl IntoIterator<Item = TopicPartition>) {
        self.wanted = partitions.into_iter().collect();
        match self.state {
            State::Idle | State::Assigned => self.go_on(),
            // `revoked` will see it.
            State::Revoking | State::Left => {}
        }
    }

    /// What is revoked is released.
    pub fn revoked(&mut self, _now: Instant) {
        if self.state == State::Revoking {
            // Not all that is not wanted by now: handlers of what was taken away since are still at work.
            let gone = std::mem::take(&mut self.going);
            self.owned.retain(|partition| !gone.contains(partition));
            self.go_on();
        }
    }

    /// Ends in [`Event::Left`], at once.
    pub fn leave(&mut self, _now: Instant, _: GroupMembershipOperation) {
        if self.state != State::Left {
            self.state = State::Left;
            self.events.push_back(Event::Left);
        }
    }

    /// Nobody can take the partitions away.
    pub fn lost(&mut self, _now: Instant, _reason: &str) {}

    /// There is no session.
    pub fn heartbeat(&mut self, _now: Instant) {}

    fn go_on(&mut self) {
        let gone: BTreeSet<TopicPartition> = self.owned.difference(&self.wanted).cloned().collect();
        if !gone.is_empty() {
            self.state = State::Revoking;
            self.going.clone_from(&gone);
            self.events.push_back(Event::Revoke { partitions: Owned::Only(gone) });
            return;
        }
        self.state = State::Assigned;
        self.owned.clone_from(&self.wanted);
        self.events.push_back(Event::Joined {
            duration: Duration::ZERO,
            is_leader: false,
            leader_id: String::new(),
            member_id: String::new(),
            generation_id: NO_GENERATION,
            protocol: String::new(),
            assignment: by_topic(&self.owned),
        });
    }

    // ---- questions

    /// As whom to commit; None while there is nothing to commit to.
    pub fn membership(&self) -> Option<Membership> {
        let is_member = self.commits && matches!(self.state, State::Assigned | State::Revoking);
        is_member.then(|| Membership {
            generation_id: NO_GENERATION,
            by_epoch: false,
            member_id: String::new(),
            group_instance_id: None,
        })
    }

    /// Nobody else is given what we own.
    pub fn valid_until(&self) -> Option<Instant> {
        None
    }

    /// Assigned, and nothing is on its way?
    pub fn is_stable(&self) -> bool {
        self.state == State::Assigned
    }

    /// There are no heartbeats.
    pub fn is_beating(&self) -> bool {
        false
    }

    /// There are no generations.
    pub fn is_rebalancing(&self) -> bool {
        false
    }

    /// Nothing that a `heartbeat()` should reject with.
    pub fn pending_error(&self) -> Option<ErrorCode> {
        None
    }
}

impl Machine for ManualAssignment {
    type Id = u64;
    type View<'a> = Option<i32>;
    type Event = Event;

    fn handle_response(&mut self, _now: Instant, _id: u64, _response: Result<Response, NetError>) {}

    fn handle_timeout(&mut self, _now: Instant) {}

    fn poll_request(&mut self, _now: Instant, _coordinator: Option<i32>) -> Option<Outbound> {
        None
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn poll_timeout(&self, _now: Instant) -> Option<Instant> {
        None
    }
}

/// The generation of a commit that comes from no member.
const NO_GENERATION: i32 = -1;

#[cfg(test)]
mod tests {
    use super::*;

    fn tp(partition: i32) -> TopicPartition {
        TopicPartition { topic: "t".into(), partition }
    }

    fn assignment(event: Option<Event>) -> Vec<i32> {
        match event {
            Some(Event::Joined { assignment, .. }) => {
                assignment.into_iter().flat_map(|(_, numbers)| numbers).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any instant will do")]
    fn what_goes_is_given_up_before_what_comes_is_taken() {
        let now = Instant::now();
        let mut group = ManualAssignment::new(true);
        assert!(group.membership().is_none());
        group.assign([tp(0), tp(1)]);
        assert_eq!(assignment(group.poll_event()), [0, 1]);
        assert_eq!(group.membership().map(|member| member.generation_id), Some(-1));
        group.assign([tp(1), tp(2)]);
        let gone = Owned::Only([tp(0)].into_iter().collect());
        assert_eq!(group.poll_event(), Some(Event::Revoke { partitions: gone }));
        group.assign([tp(1), tp(3)]);
        assert_eq!(group.poll_event(), None, "not before the first are released");
        group.revoked(now);
        assert_eq!(assignment(group.poll_event()), [1, 3]);
        group.leave(now, GroupMembershipOperation::Default);
        assert_eq!((group.poll_event(), group.poll_event()), (Some(Event::Left), None));
        assert!(group.membership().is_none());
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any instant will do")]
    fn what_is_taken_away_while_others_go_is_given_up_behind_them() {
        let now = Instant::now();
        let mut group = ManualAssignment::new(true);
        group.assign([tp(0), tp(1)]);
        group.poll_event();
        group.assign([tp(1)]);
        let gone = |partition| Some(Event::Revoke { partitions: Owned::Only([tp(partition)].into()) });
        assert_eq!(group.poll_event(), gone(0));
        group.assign([tp(0), tp(2)]);
        group.revoked(now);
        assert_eq!(group.poll_event(), gone(1));
        group.revoked(now);
        assert_eq!(assignment(group.poll_event()), [0, 2]);
    }

    #[test]
    fn without_a_group_there_is_nobody_to_commit_as() {
        let mut group = ManualAssignment::new(false);
        group.assign([tp(0)]);
        assert_eq!(assignment(group.poll_event()), [0]);
        assert!(group.membership().is_none());
    }
}
