//! Anything may happen in any order; the promises that [`World`] checks hold, and a calm afterwards brings the machine
//! to where its owner wants it.

use std::time::Duration;

use proptest::prelude::*;

use crate::engine::group::Event;
use crate::engine::machine::Machine;
use crate::engine::machine::NetError;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::heartbeat::HeartbeatResponse;
use crate::engine::protocol::leave_group::LeaveGroupResponse;

use super::world::*;

#[derive(Debug, Clone)]
enum Step {
    Join(&'static [&'static str]),
    Rejoin,
    /// Does what was asked for.
    Obey,
    /// Answers a job that was never asked for, or long ago.
    StaleJob(u64),
    Revoked,
    CallbackError,
    Leave,
    Lost,
    /// Answers one of the requests in flight.
    Answer(usize, Answer),
    CoordinatorFound,
    Pass(u64),
}

#[derive(Debug, Clone)]
enum Answer {
    Fine { leads: bool },
    Refused(ErrorCode),
    Unanswered(NetError),
}

fn answers() -> impl Strategy<Value = Answer> {
    prop_oneof![
        12 => any::<bool>().prop_map(|leads| Answer::Fine { leads }),
        8 => prop::sample::select(vec![
            ErrorCode::COORDINATOR_LOAD_IN_PROGRESS,
            ErrorCode::COORDINATOR_NOT_AVAILABLE,
            ErrorCode::NOT_COORDINATOR,
            ErrorCode::REBALANCE_IN_PROGRESS,
            ErrorCode::REBALANCE_IN_PROGRESS,
            ErrorCode::ILLEGAL_GENERATION,
            ErrorCode::UNKNOWN_MEMBER_ID,
        ]).prop_map(Answer::Refused),
        3 => prop::sample::select(vec![closed(), timed_out(), NetError::NoBroker]).prop_map(Answer::Unanswered),
    ]
}

/// What a member survives.
fn steps() -> impl Strategy<Value = Step> {
    const TOPICS: [&[&str]; 3] = [&["orders"], &["payments"], &["orders", "payments"]];
    prop_oneof![
        4 => prop::sample::select(&TOPICS[..]).prop_map(Step::Join),
        2 => Just(Step::Rejoin),
        20 => Just(Step::Obey),
        1 => (0u64..40).prop_map(Step::StaleJob),
        1 => Just(Step::Revoked),
        2 => Just(Step::Lost),
        25 => (0usize..3, answers()).prop_map(|(index, answer)| Step::Answer(index, answer)),
        2 => Just(Step::Answer(0, Answer::Refused(ErrorCode::MEMBER_ID_REQUIRED))),
        6 => Just(Step::CoordinatorFound),
        10 => (1u64..4_000).prop_map(Step::Pass),
        1 => (20_000u64..100_000).prop_map(Step::Pass),
    ]
}

/// What it does not.
fn ends() -> impl Strategy<Value = Step> {
    prop::sample::select(vec![
        Step::Leave,
        Step::CallbackError,
        Step::Answer(0, Answer::Refused(ErrorCode::FENCED_INSTANCE_ID)),
        Step::Answer(0, Answer::Unanswered(NetError::ClientClosed)),
    ])
}

impl World {
    fn step(&mut self, step: Step, generation: &mut i32) {
        match step {
            Step::Join(topics) => self.join(topics),
            Step::Rejoin => self.rejoin(),
            Step::Obey => self.obey(),
            Step::StaleJob(job) => {
                let current = match self.asked {
                    Some(Asked::Protocols(job) | Asked::Assignments(job)) => Some(job),
                    _ => None,
                };
                if current != Some(job) {
                    self.group.protocols(self.now, job, Err("stale".into()));
                    self.group.assignments(self.now, job, Err("stale".into()));
                    self.advance(Duration::ZERO);
                }
            }
            Step::Revoked => self.revoked(),
            Step::CallbackError => match self.asked {
                Some(Asked::Protocols(job)) => {
                    self.group.protocols(self.now, job, Err("broken".into()));
                    self.advance(Duration::ZERO);
                }
                Some(Asked::Assignments(job)) => {
                    self.group.assignments(self.now, job, Err("broken".into()));
                    self.advance(Duration::ZERO);
                }
                _ => {}
            },
            Step::Leave => self.leave(),
            Step::Lost => self.lost(),
            Step::Answer(index, answer) => {
                if let Some(outbound) = self.in_flight.get(index) {
                    let response = match answer {
                        Answer::Fine { leads } => Ok(fine(&outbound.body, leads, generation)),
                        Answer::Refused(ErrorCode::MEMBER_ID_REQUIRED)
                            if !matches!(outbound.body, Request::JoinGroup(_)) =>
                        {
                            return;
                        }
                        Answer::Refused(code) => Ok(refusal(&outbound.body, code)),
                        Answer::Unanswered(error) => Err(error),
                    };
                    self.answer(index, response);
                }
            }
            Step::CoordinatorFound => self.found(),
            Step::Pass(millis) => self.advance(Duration::from_millis(millis)),
        }
    }

    fn obey(&mut self) {
        match self.asked {
            Some(Asked::Protocols(_)) => self.give_protocols(),
            Some(Asked::Assignments(_)) => self.give_assignments(),
            Some(Asked::Revoke) => self.revoked(),
            None => {}
        }
    }

    /// Everybody is well for long enough: the owner obeys, the coordinator answers.
    fn calm(&mut self, generation: &mut i32) {
        for _ in 0..100 {
            self.found();
            self.obey();
            if let Some(outbound) = self.in_flight.first() {
                let response = Ok(fine(&outbound.body, true, generation));
                self.answer(0, response);
            } else {
                self.advance(Duration::from_millis(500));
            }
        }
    }
}

fn fine(request: &Request, leads: bool, generation: &mut i32) -> Response {
    match request {
        Request::JoinGroup(request) => {
            *generation += 1;
            let mut response = if leads { leader(*generation) } else { follower(*generation) };
            // A new member gets a new id.
            if request.member_id.is_empty() {
                response.member_id = format!("member-new-{generation}");
            } else {
                response.member_id.clone_from(&request.member_id);
            }
            if leads {
                response.leader.clone_from(&response.member_id);
            }
            Response::JoinGroup(response)
        }
        Request::SyncGroup(_) => Response::SyncGroup(synced()),
        Request::Heartbeat(_) => Response::Heartbeat(HeartbeatResponse::default()),
        Request::LeaveGroup(_) => Response::LeaveGroup(LeaveGroupResponse::default()),
        other => panic!("not a request of a group: {other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_storm_ends_in_a_stable_member(
        instance in prop::option::of(Just("static-1")),
        steps in prop::collection::vec(steps(), 1..150),
    ) {
        let mut world = World::with_instance(instance);
        let mut generation = 0;
        world.join(&["orders"]);
        for step in steps {
            world.step(step, &mut generation);
        }
        world.join(&["orders"]);
        world.events();
        world.calm(&mut generation);
        prop_assert!(world.group.is_stable(), "{:?}", world.group);
        prop_assert_eq!(world.group.pending_error(), None);
        prop_assert!(world.group.membership().is_some());
        let recent = world.events();
        prop_assert!(recent.contains(&Event::Heartbeat), "{recent:?}");
    }

    #[test]
    fn a_storm_can_always_be_left(
        instance in prop::option::of(Just("static-1")),
        steps in prop::collection::vec(prop_oneof![30 => steps(), 1 => ends()], 1..100),
        coordinator_answers in any::<bool>(),
    ) {
        let mut world = World::with_instance(instance);
        let mut generation = 0;
        world.join(&["orders"]);
        for step in steps {
            world.step(step, &mut generation);
        }
        world.leave();
        if coordinator_answers {
            world.calm(&mut generation);
        } else {
            world.advance(Duration::from_secs(5));
        }
        prop_assert_eq!(world.events().iter().filter(|event| **event == Event::Left).count(), 1);
        prop_assert_eq!(world.group.poll_timeout(world.now), None);
    }
}
