//! Each error, of each request.

use std::time::Duration;

use crate::engine::group::Event;
use crate::engine::machine::Failure;
use crate::engine::machine::Machine;
use crate::engine::machine::NetError;
use crate::engine::protocol::ApiKey;
use crate::engine::protocol::DecodeError;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Response;
use crate::engine::protocol::leave_group::LeaveGroupResponse;

use super::world::*;

const FATAL: [ErrorCode; 9] = [
    ErrorCode::GROUP_AUTHORIZATION_FAILED,
    ErrorCode::INVALID_GROUP_ID,
    ErrorCode::INVALID_SESSION_TIMEOUT,
    ErrorCode::INCONSISTENT_GROUP_PROTOCOL,
    ErrorCode::GROUP_MAX_SIZE_REACHED,
    ErrorCode::FENCED_INSTANCE_ID,
    ErrorCode::UNSUPPORTED_VERSION,
    ErrorCode::UNKNOWN_SERVER_ERROR,
    ErrorCode(4242),
];

/// A world whose only request in flight is JoinGroup (as a former member), SyncGroup or Heartbeat.
fn waiting_for(api: ApiKey) -> World {
    let mut world = World::stable();
    match api {
        ApiKey::JoinGroup | ApiKey::SyncGroup => {
            world.rejoin();
            world.revoked();
            world.give_protocols();
            if api == ApiKey::SyncGroup {
                world.answer_join(follower(2));
            }
        }
        _ => world.advance(INTERVAL),
    }
    world.events();
    assert_eq!(world.in_flight[0].body.key(), api);
    world
}

const APIS: [ApiKey; 3] = [ApiKey::JoinGroup, ApiKey::SyncGroup, ApiKey::Heartbeat];

#[test]
fn fatal_codes_end_the_machine() {
    for api in APIS {
        for code in FATAL {
            if (api, code) == (ApiKey::SyncGroup, ErrorCode::INCONSISTENT_GROUP_PROTOCOL) {
                continue;
            }
            let mut world = waiting_for(api);
            world.refuse(code);
            let failed = Event::Failed(Failure::Broker { code, partition: None });
            assert_eq!(world.events(), [failed], "{api:?} {code:?}");
            world.advance(SESSION * 2);
            assert_eq!(world.events(), []);
            assert!(world.in_flight.is_empty());
            assert_eq!(world.group.poll_timeout(world.now), None);
        }
    }
    // Only JoinGroup can ask for a member id.
    for api in [ApiKey::SyncGroup, ApiKey::Heartbeat] {
        let mut world = waiting_for(api);
        world.refuse(ErrorCode::MEMBER_ID_REQUIRED);
        assert!(matches!(world.events()[..], [Event::Failed(_)]));
    }
}

#[test]
fn errors_of_the_network_that_will_not_pass_end_the_machine() {
    let broker = || "broker:9092".to_owned();
    let errors = [
        NetError::Authentication { broker: broker(), message: "no".into(), code: None },
        NetError::UnsupportedApi { api: "JoinGroup", key: 11, theirs: None },
        NetError::ClientClosed,
    ];
    for api in APIS {
        for error in &errors {
            let mut world = waiting_for(api);
            world.answer(0, Err(error.clone()));
            assert_eq!(world.events(), [Event::Failed(Failure::Net(error.clone()))], "{api:?}");
        }
    }
}

#[test]
fn errors_of_the_network_that_may_pass_ask_for_the_coordinator() {
    let connect = NetError::Connect {
        broker: "broker:9092".into(),
        code: Some("ECONNREFUSED".into()),
        message: "no".into(),
    };
    let broker = "broker:9092".to_owned();
    let unreadable = NetError::Decode { broker, api: ApiKey::JoinGroup, error: DecodeError::NotUtf8 };
    for api in APIS {
        for error in [closed(), timed_out(), connect.clone(), unreadable.clone(), NetError::NoBroker] {
            let mut world = waiting_for(api);
            world.answer(0, Err(error));
            assert_eq!(world.events()[0], Event::CoordinatorLost, "{api:?}");
            assert!(world.group.membership().is_some(), "member id and generation are kept");
        }
    }
}

#[test]
fn the_wrong_coordinator_is_left_for_the_right_one() {
    for api in APIS {
        for code in [ErrorCode::NOT_COORDINATOR, ErrorCode::COORDINATOR_NOT_AVAILABLE] {
            let mut world = waiting_for(api);
            world.refuse(code);
            assert_eq!(world.events()[0], Event::CoordinatorLost, "{api:?} {code:?}");
            assert!(world.in_flight.is_empty());
            world.found();
            if api == ApiKey::SyncGroup {
                world.give_protocols();
            }
            world.advance(Duration::from_millis(150));
            match api {
                ApiKey::Heartbeat => assert_eq!(world.sent_heartbeat().generation_id, 1),
                _ => assert_eq!(world.sent_join().member_id, MEMBER),
            }
        }
    }
}

#[test]
fn refused_rounds_keep_or_drop_the_member_id() {
    let cases = [
        (ErrorCode::REBALANCE_IN_PROGRESS, MEMBER),
        (ErrorCode::ILLEGAL_GENERATION, MEMBER),
        (ErrorCode::UNKNOWN_MEMBER_ID, ""),
        (ErrorCode::GROUP_ID_NOT_FOUND, ""),
    ];
    for api in [ApiKey::JoinGroup, ApiKey::SyncGroup] {
        for (code, member_id) in cases {
            let mut world = waiting_for(api);
            world.refuse(code);
            let events = world.events();
            assert!(matches!(&events[..], [Event::ProtocolsNeeded { .. }]), "{api:?} {code:?} {events:?}");
            world.give_protocols();
            assert_eq!(world.sent_join().member_id, member_id, "{api:?} {code:?}");
        }
    }
}

#[test]
fn a_group_that_changes_its_protocol_between_join_and_sync_is_joined_again() {
    // A KIP-848 member has come: of a group of that kind the first assignor of each member counts, not the common one.
    let mut world = waiting_for(ApiKey::SyncGroup);
    world.refuse(ErrorCode::INCONSISTENT_GROUP_PROTOCOL);
    assert!(matches!(world.events()[..], [Event::ProtocolsNeeded { .. }]));
    world.give_protocols();
    assert_eq!(world.sent_join().member_id, MEMBER);
    // If it is really inconsistent, this says so.
    world.refuse(ErrorCode::INCONSISTENT_GROUP_PROTOCOL);
    assert!(matches!(world.events()[..], [Event::Failed(_)]));
}

#[test]
fn a_member_of_a_group_that_is_gone_joins_as_a_new_one() {
    let mut world = waiting_for(ApiKey::Heartbeat);
    world.refuse(ErrorCode::GROUP_ID_NOT_FOUND);
    assert!(world.events().iter().any(|event| matches!(event, Event::Lost { .. })));
    world.give_protocols();
    assert_eq!(world.sent_join().member_id, "");
}

#[test]
fn an_answer_of_the_wrong_kind_is_fatal_rather_than_a_standstill() {
    for api in APIS {
        let mut world = waiting_for(api);
        world.answer(0, Ok(Response::LeaveGroup(LeaveGroupResponse::default())));
        assert!(matches!(world.events()[..], [Event::Failed(_)]), "{api:?}");
    }
}
