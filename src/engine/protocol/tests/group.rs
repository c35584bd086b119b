//! FindCoordinator, JoinGroup, SyncGroup, Heartbeat, LeaveGroup, DescribeGroups.

use kafka_protocol::messages as theirs;
use kafka_protocol::messages::{
    describe_groups_response as their_describe, find_coordinator_response as their_find,
    join_group_request as their_join_request, join_group_response as their_join,
    leave_group_request as their_leave_request, leave_group_response as their_leave,
    sync_group_request as their_sync_request,
};

use super::describe_groups::*;
use super::find_coordinator::*;
use super::heartbeat::*;
use super::join_group::*;
use super::leave_group::*;
use super::sync_group::*;
use super::*;

pub(super) fn samples(fill: Fill) -> Vec<Sample> {
    [
        find_coordinator(fill),
        join_group(fill),
        sync_group(fill),
        heartbeat(),
        leave_group(fill),
        describe_groups(fill),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[test]
fn responses_agree() {
    Fill::ALL.into_iter().flat_map(samples).for_each(|sample| sample.check());
}

#[test]
fn find_coordinator_requests_agree() {
    for (fill, key_type) in
        Fill::ALL.into_iter().flat_map(|fill| [(fill, KeyType::Group), (fill, KeyType::Transaction)])
    {
        let several =
            FindCoordinatorRequest { key_type, keys: fill.list([fill.text("grüppe"), "two".to_owned()]) };
        let one = FindCoordinatorRequest { key_type, keys: vec![fill.text("grüppe")] };
        for ours in [several, one] {
            check_request(ours.clone(), |version| {
                let theirs = theirs::FindCoordinatorRequest::default().with_key_type(key_type as i8);
                match version {
                    4.. => theirs.with_coordinator_keys(ours.keys.iter().map(|key| name(key)).collect()),
                    _ => theirs.with_key(name(&ours.keys[0])),
                }
            });
        }
    }
}

#[test]
fn several_coordinators_need_a_version_that_has_them() {
    let lowest = |key_type, keys: &[&str]| {
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        Request::from(FindCoordinatorRequest { key_type, keys }).min_version()
    };
    assert_eq!(lowest(KeyType::Group, &["a"]), 0);
    assert_eq!(lowest(KeyType::Transaction, &["a"]), 1);
    assert_eq!(lowest(KeyType::Group, &["a", "b"]), 4);
    assert_eq!(lowest(KeyType::Transaction, &["a", "b"]), 4);
}

fn find_coordinator(fill: Fill) -> Vec<Sample> {
    let one = FoundCoordinator {
        key: fill.text("grüppe"),
        error: ErrorCode::COORDINATOR_NOT_AVAILABLE,
        error_message: fill.maybe("nobody"),
        node_id: 3,
        host: fill.text("kafka-3.example"),
        port: 9092,
    };
    let two = FoundCoordinator { key: "two".to_owned(), node_id: 4, port: 9093, ..Default::default() };
    let several = fill.list([one.clone(), two]);
    let (ours, ours_of_several) = (one.clone(), several.clone());
    let theirs = move |version| {
        let theirs = theirs::FindCoordinatorResponse::default().with_throttle_time_ms(since(version, 1, 11));
        if version >= 4 {
            let coordinator = |found: &FoundCoordinator| {
                their_find::Coordinator::default()
                    .with_key(name(&found.key))
                    .with_node_id(found.node_id.into())
                    .with_host(name(&found.host))
                    .with_port(found.port)
                    .with_error_code(found.error.0)
                    .with_error_message(maybe_name(&found.error_message))
            };
            theirs.with_coordinators(several.iter().map(coordinator).collect())
        } else {
            theirs
                .with_error_code(one.error.0)
                .with_error_message(since(version, 1, maybe_name(&one.error_message)))
                .with_node_id(one.node_id.into())
                .with_host(name(&one.host))
                .with_port(one.port)
        }
    };
    Sample::per_version(ApiKey::FindCoordinator, theirs, move |version| {
        let only = FoundCoordinator {
            key: String::new(),
            error_message: since(version, 1, ours.error_message.clone()),
            ..ours.clone()
        };
        Response::FindCoordinator(FindCoordinatorResponse {
            throttle_time_ms: since(version, 1, 11),
            coordinators: if version >= 4 { ours_of_several.clone() } else { vec![only] },
        })
    })
}

#[test]
fn an_answer_without_coordinators_tells_of_none() {
    let body = Bytes::from_static(&[0, 0, 0, 0, 1, 0]);
    let answer = Response::decode(ApiKey::FindCoordinator, 4, body).unwrap();
    assert_eq!(answer, Response::FindCoordinator(FindCoordinatorResponse::default()));
}

#[test]
fn join_group_requests_agree() {
    for fill in Fill::ALL {
        let ours = JoinGroupRequest {
            group_id: fill.text("group"),
            session_timeout_ms: 30_000,
            rebalance_timeout_ms: 60_000,
            member_id: fill.text("member-1"),
            group_instance_id: fill.maybe("instance-1"),
            protocol_type: fill.text("consumer"),
            protocols: fill.list([
                JoinGroupProtocol { name: fill.text("range"), metadata: fill.bytes(&[0, 1]) },
                JoinGroupProtocol { name: fill.text("sticky"), metadata: fill.bytes(&[7; 200]) },
            ]),
            reason: fill.maybe("because"),
        };
        check_request(ours.clone(), |version| {
            let protocol = |p: &JoinGroupProtocol| {
                their_join_request::JoinGroupRequestProtocol::default()
                    .with_name(name(&p.name))
                    .with_metadata(p.metadata.clone())
            };
            theirs::JoinGroupRequest::default()
                .with_group_id(name(&ours.group_id))
                .with_session_timeout_ms(ours.session_timeout_ms)
                .with_rebalance_timeout_ms(since_or(version, 1, ours.rebalance_timeout_ms, -1))
                .with_member_id(name(&ours.member_id))
                .with_group_instance_id(since(version, 5, maybe_name(&ours.group_instance_id)))
                .with_protocol_type(name(&ours.protocol_type))
                .with_protocols(each(&ours.protocols, protocol))
                .with_reason(since(version, 8, maybe_name(&ours.reason)))
        });
    }
}

fn join_group(fill: Fill) -> Vec<Sample> {
    let full = move |version| JoinGroupResponse {
        throttle_time_ms: since(version, 2, 5),
        error: ErrorCode::MEMBER_ID_REQUIRED,
        generation_id: 12,
        protocol_type: since(version, 7, fill.maybe("consumer")),
        protocol_name: if version >= 7 { fill.maybe("range") } else { Some(fill.text("range")) },
        leader: fill.text("member-1"),
        skip_assignment: since(version, 9, true),
        member_id: fill.text("member-2"),
        members: fill.list([
            JoinGroupMember {
                member_id: fill.text("member-1"),
                group_instance_id: since(version, 5, fill.maybe("instance-1")),
                metadata: fill.bytes(&[0, 3, 0]),
            },
            JoinGroupMember::default(),
        ]),
    };
    let theirs = move |version| {
        let ours = full(version);
        let member = |m: &JoinGroupMember| {
            their_join::JoinGroupResponseMember::default()
                .with_member_id(name(&m.member_id))
                .with_group_instance_id(maybe_name(&m.group_instance_id))
                .with_metadata(m.metadata.clone())
        };
        theirs::JoinGroupResponse::default()
            .with_throttle_time_ms(ours.throttle_time_ms)
            .with_error_code(ours.error.0)
            .with_generation_id(ours.generation_id)
            .with_protocol_type(maybe_name(&ours.protocol_type))
            .with_protocol_name(maybe_name(&ours.protocol_name))
            .with_leader(name(&ours.leader))
            .with_skip_assignment(ours.skip_assignment)
            .with_member_id(name(&ours.member_id))
            .with_members(each(&ours.members, member))
    };
    Sample::per_version(ApiKey::JoinGroup, theirs, move |version| Response::JoinGroup(full(version)))
}

#[test]
fn sync_group_requests_agree() {
    for fill in Fill::ALL {
        let ours = SyncGroupRequest {
            group_id: fill.text("group"),
            generation_id: 12,
            member_id: fill.text("member-1"),
            group_instance_id: fill.maybe("instance-1"),
            protocol_type: fill.maybe("consumer"),
            protocol_name: fill.maybe("range"),
            assignments: fill.list([SyncGroupAssignment {
                member_id: fill.text("member-1"),
                assignment: fill.bytes(&[0, 0, 1]),
            }]),
        };
        check_request(ours.clone(), |version| {
            let assignment = |a: &SyncGroupAssignment| {
                their_sync_request::SyncGroupRequestAssignment::default()
                    .with_member_id(name(&a.member_id))
                    .with_assignment(a.assignment.clone())
            };
            theirs::SyncGroupRequest::default()
                .with_group_id(name(&ours.group_id))
                .with_generation_id(ours.generation_id)
                .with_member_id(name(&ours.member_id))
                .with_group_instance_id(since(version, 3, maybe_name(&ours.group_instance_id)))
                .with_protocol_type(since(version, 5, maybe_name(&ours.protocol_type)))
                .with_protocol_name(since(version, 5, maybe_name(&ours.protocol_name)))
                .with_assignments(each(&ours.assignments, assignment))
        });
    }
}

fn sync_group(fill: Fill) -> Vec<Sample> {
    let full = move |version| SyncGroupResponse {
        throttle_time_ms: since(version, 1, 6),
        error: ErrorCode::REBALANCE_IN_PROGRESS,
        protocol_type: since(version, 5, fill.maybe("consumer")),
        protocol_name: since(version, 5, fill.maybe("range")),
        assignment: fill.bytes(&[0, 0, 9]),
    };
    let theirs = move |version| {
        let ours = full(version);
        theirs::SyncGroupResponse::default()
            .with_throttle_time_ms(ours.throttle_time_ms)
            .with_error_code(ours.error.0)
            .with_protocol_type(maybe_name(&ours.protocol_type))
            .with_protocol_name(maybe_name(&ours.protocol_name))
            .with_assignment(ours.assignment)
    };
    Sample::per_version(ApiKey::SyncGroup, theirs, move |version| Response::SyncGroup(full(version)))
}

#[test]
fn heartbeat_requests_agree() {
    for fill in Fill::ALL {
        let ours = HeartbeatRequest {
            group_id: fill.text("group"),
            generation_id: i32::MAX,
            member_id: fill.text("member-1"),
            group_instance_id: fill.maybe("instance-1"),
        };
        check_request(ours.clone(), |version| {
            theirs::HeartbeatRequest::default()
                .with_group_id(name(&ours.group_id))
                .with_generation_id(ours.generation_id)
                .with_member_id(name(&ours.member_id))
                .with_group_instance_id(since(version, 3, maybe_name(&ours.group_instance_id)))
        });
    }
}

fn heartbeat() -> Vec<Sample> {
    let full = |version| HeartbeatResponse {
        throttle_time_ms: since(version, 1, 8),
        error: ErrorCode::ILLEGAL_GENERATION,
    };
    let theirs = move |version| {
        theirs::HeartbeatResponse::default()
            .with_throttle_time_ms(full(version).throttle_time_ms)
            .with_error_code(full(version).error.0)
    };
    Sample::per_version(ApiKey::Heartbeat, theirs, move |version| Response::Heartbeat(full(version)))
}

#[test]
fn leave_group_requests_agree() {
    for (fill, several) in Fill::ALL.into_iter().flat_map(|fill| [(fill, false), (fill, true)]) {
        let ours = LeaveGroupRequest {
            group_id: fill.text("group"),
            member_id: fill.text("member-1"),
            group_instance_id: fill.maybe("instance-1"),
            reason: fill.maybe("going home"),
            others: if several { fill.list([(fill.text("member-2"), None)]) } else { Vec::new() },
        };
        check_request(ours.clone(), |version| {
            let theirs = theirs::LeaveGroupRequest::default().with_group_id(name(&ours.group_id));
            match version {
                3.. => {
                    let first = (ours.member_id.clone(), ours.group_instance_id.clone());
                    let members: Vec<_> = std::iter::once(first).chain(ours.others.clone()).collect();
                    theirs.with_members(each(&members, |(member_id, instance_id)| {
                        their_leave_request::MemberIdentity::default()
                            .with_member_id(name(member_id))
                            .with_group_instance_id(maybe_name(instance_id))
                            .with_reason(since(version, 5, maybe_name(&ours.reason)))
                    }))
                }
                _ => theirs.with_member_id(name(&ours.member_id)),
            }
        });
    }
}

#[test]
fn a_name_that_only_later_versions_have_is_never_left_out() {
    let named = |member_id: &str, instance: Option<&str>| {
        let (member_id, group_instance_id) = (member_id.to_owned(), instance.map(str::to_owned));
        LeaveGroupRequest { member_id, group_instance_id, ..Default::default() }.min_version()
    };
    assert_eq!([named("m", None), named("m", Some("i")), named("", Some("i"))], [0, 0, 3]);
}

/// The member's error counts when the top-level one is NONE: tried with either in place.
fn leave_group(fill: Fill) -> Vec<Sample> {
    let both =
        [(ErrorCode::NONE, ErrorCode::UNKNOWN_MEMBER_ID), (ErrorCode::NOT_COORDINATOR, ErrorCode::NONE)];
    both.into_iter()
        .flat_map(|(top, member)| {
            let theirs = move |version| {
                let member_id = || fill.text("member-1");
                let member = their_leave::MemberResponse::default()
                    .with_member_id(name(&member_id()))
                    .with_group_instance_id(maybe_name(&fill.maybe("instance-1")))
                    .with_error_code(member.0);
                theirs::LeaveGroupResponse::default()
                    .with_throttle_time_ms(since(version, 1, 4))
                    .with_error_code(top.0)
                    .with_members(since(version, 3, fill.list([member])))
            };
            Sample::per_version(ApiKey::LeaveGroup, theirs, move |version| {
                let folded = version >= 3 && !top.is_err() && !fill.list([()]).is_empty();
                let left = LeftMember {
                    member_id: fill.text("member-1"),
                    group_instance_id: fill.maybe("instance-1"),
                    error: member,
                };
                Response::LeaveGroup(LeaveGroupResponse {
                    throttle_time_ms: since(version, 1, 4),
                    error: if folded { member } else { top },
                    members: since(version, 3, fill.list([left])),
                })
            })
        })
        .collect()
}

#[test]
fn describe_groups_requests_agree() {
    for fill in Fill::ALL {
        let ours = DescribeGroupsRequest { groups: fill.list([fill.text("a"), long_name()]) };
        check_request(ours.clone(), |_| {
            theirs::DescribeGroupsRequest::default().with_groups(each(&ours.groups, |g| name(g)))
        });
    }
}

fn describe_groups(fill: Fill) -> Vec<Sample> {
    let full = move |version| DescribeGroupsResponse {
        throttle_time_ms: since(version, 1, 2),
        groups: fill.list([
            DescribedGroup {
                error: ErrorCode::GROUP_AUTHORIZATION_FAILED,
                group_id: fill.text("group"),
                state: fill.text("Stable"),
                protocol_type: fill.text("consumer"),
                protocol: fill.text("range"),
                members: fill.list([DescribedGroupMember {
                    member_id: fill.text("member-1"),
                    group_instance_id: since(version, 4, fill.maybe("instance-1")),
                    client_id: fill.text("client"),
                    client_host: fill.text("/127.0.0.1"),
                    metadata: fill.bytes(&[1]),
                    assignment: fill.bytes(&[2, 3]),
                }]),
            },
            DescribedGroup::default(),
        ]),
    };
    let member = |m: &DescribedGroupMember| {
        their_describe::DescribedGroupMember::default()
            .with_member_id(name(&m.member_id))
            .with_group_instance_id(maybe_name(&m.group_instance_id))
            .with_client_id(name(&m.client_id))
            .with_client_host(name(&m.client_host))
            .with_member_metadata(m.metadata.clone())
            .with_member_assignment(m.assignment.clone())
    };
    let theirs = move |version| {
        let ours = full(version);
        let group = |g: &DescribedGroup| {
            their_describe::DescribedGroup::default()
                .with_error_code(g.error.0)
                .with_group_id(name(&g.group_id))
                .with_group_state(name(&g.state))
                .with_protocol_type(name(&g.protocol_type))
                .with_protocol_data(name(&g.protocol))
                .with_members(each(&g.members, member))
                .with_authorized_operations(since_or(version, 3, 0x0d0c, i32::MIN))
        };
        theirs::DescribeGroupsResponse::default()
            .with_throttle_time_ms(ours.throttle_time_ms)
            .with_groups(each(&ours.groups, group))
    };
    Sample::per_version(ApiKey::DescribeGroups, theirs, move |version| {
        Response::DescribeGroups(full(version))
    })
}
