//! What kafka-protocol does not know yet: responses as Kafka's own classes (4.3.1) have written them.

use super::describe_log_dirs::*;
use super::streams_group_describe::*;
use super::*;

pub(super) fn samples(fill: Fill) -> Vec<Sample> {
    vec![streams(fill), log_dirs(fill)]
}

#[test]
fn responses_agree() {
    Fill::ALL.into_iter().flat_map(samples).for_each(|sample| sample.check());
}

#[test]
fn requests_agree() {
    let body = |request: Request, version| {
        let mut out = Writer::new();
        request.encode(version, &mut out);
        out.into_bytes()
    };
    let groups = vec!["a".into(), "b".into()];
    assert_eq!(body(StreamsGroupDescribeRequest { groups }.into(), 0), bytes("03026102620000"));
    assert_eq!(body(DescribeLogDirsRequest { topics: None }.into(), 5), bytes("0000"));
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn streams(fill: Fill) -> Sample {
    let body = match fill {
        Fill::Full => {
            "0000000203001e036e6f0667726f757007537461626c650000000c0000000b010000000302023003\
             076f72646572730662696c6c73020573696e6b02086368616e676573000000040002020261026200\
             000206616761696e00000004000202026102620000000002096d656d6265722d310000000a0b696e\
             7374616e63652d31077261636b2d3107636c69656e740b2f3132372e302e302e3100000003087072\
             6f6365737301026800500002026b0276000202300000000100000000000000070002023000000001\
             00000000000000090002023003000000010000000b0002023003000000020000000c000202300300\
             0000030000000d000002023003000000040000000e0002023003000000050000000f000202300300\
             000006000000100000010000000d0c0000000001010000000000000000ff01800000000000"
        }
        Fill::Null => {
            "0000000203001e0001010000000c0000000bff02010000000a000001010000000301ff02026b0276\
             00020230000000010000000000000007000202300000000100000000000000090002023003000000\
             010000000b0002023003000000020000000c0002023003000000030000000d000002023003000000\
             040000000e0002023003000000050000000f000202300300000006000000100000010000000d0c00\
             00000001010000000000000000ff01800000000000"
        }
        Fill::Empty => "000000020100",
    };
    let tasks = |active, standby, warmup| {
        let ids = |first| vec![TaskIds { subtopology_id: "0".into(), partitions: vec![first, first + 10] }];
        Tasks { active: ids(active), standby: ids(standby), warmup: ids(warmup) }
    };
    let topology = Topology {
        epoch: 3,
        subtopologies: vec![Subtopology {
            subtopology_id: "0".into(),
            source_topics: vec!["orders".into(), "bills".into()],
            repartition_sink_topics: vec!["sink".into()],
            state_changelog_topics: vec!["changes".into()],
            repartition_source_topics: vec!["again".into()],
        }],
    };
    let group = DescribedStreamsGroup {
        error: ErrorCode::GROUP_AUTHORIZATION_FAILED,
        error_message: fill.maybe("no"),
        group_id: fill.text("group"),
        state: fill.text("Stable"),
        group_epoch: 12,
        assignment_epoch: 11,
        topology: if let Fill::Null = fill { None } else { Some(topology) },
        members: vec![StreamsGroupMember {
            member_id: fill.text("member-1"),
            member_epoch: 10,
            group_instance_id: fill.maybe("instance-1"),
            rack_id: fill.maybe("rack-1"),
            client_id: fill.text("client"),
            client_host: fill.text("/127.0.0.1"),
            topology_epoch: 3,
            process_id: fill.text("process"),
            assignment: tasks(1, 2, 3),
            target: tasks(4, 5, 6),
            is_classic: true,
        }],
    };
    let groups = fill.list([group, DescribedStreamsGroup::default()]);
    Sample {
        key: ApiKey::StreamsGroupDescribe,
        version: 0,
        body: bytes(body).into(),
        expected: Response::StreamsGroupDescribe(StreamsGroupDescribeResponse {
            throttle_time_ms: 2,
            groups,
        }),
    }
}

fn log_dirs(fill: Fill) -> Sample {
    let body = match fill {
        Fill::Full => {
            "00000004001f020038062f6461746102076f72646572730200000003000000000000004d00000000\
             0000000501000000000000000003840000000000000064010000"
        }
        Fill::Null => {
            "00000004001f0200380102010200000003000000000000004d000000000000000501000000000000\
             000003840000000000000064010000"
        }
        Fill::Empty => "00000004001f0100",
    };
    let partition = LogDirPartition { partition: 3, size: 77, offset_lag: 5, is_future: true };
    let log_dirs = fill.list([LogDir {
        error: ErrorCode::KAFKA_STORAGE_ERROR,
        path: fill.text("/data"),
        topics: vec![(fill.text("orders"), vec![partition])],
        total_bytes: 900,
        usable_bytes: 100,
        is_cordoned: Some(true),
    }]);
    let error = ErrorCode::CLUSTER_AUTHORIZATION_FAILED;
    Sample {
        key: ApiKey::DescribeLogDirs,
        version: 5,
        body: bytes(body).into(),
        expected: Response::DescribeLogDirs(DescribeLogDirsResponse { throttle_time_ms: 4, error, log_dirs }),
    }
}
