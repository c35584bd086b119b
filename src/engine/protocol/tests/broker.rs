//! Metadata, ApiVersions, SaslHandshake, SaslAuthenticate.

use kafka_protocol::messages as theirs;
use kafka_protocol::messages::{
    api_versions_response as their_versions, metadata_request as their_metadata_request,
    metadata_response as their_metadata,
};

use super::api_versions::*;
use super::metadata::*;
use super::sasl_authenticate::*;
use super::sasl_handshake::*;
use super::*;

pub(super) fn samples(fill: Fill) -> Vec<Sample> {
    [metadata(fill), api_versions(fill), sasl_handshake(fill), sasl_authenticate(fill)]
        .into_iter()
        .flatten()
        .collect()
}

#[test]
fn responses_agree() {
    Fill::ALL.into_iter().flat_map(samples).for_each(|sample| sample.check());
}

#[test]
fn metadata_requests_agree() {
    for fill in Fill::ALL {
        let topics = fill.list([
            MetadataRequestTopic { topic_id: TopicId::ZERO, name: Some("by-name".into()) },
            MetadataRequestTopic { topic_id: ID, name: None },
        ]);
        let ours = MetadataRequest {
            topics: if let Fill::Null = fill { None } else { Some(topics) },
            allow_auto_topic_creation: false,
        };
        check_request(ours.clone(), |version| {
            let topic = |t: &MetadataRequestTopic| {
                // Below v10 there is no null, so a topic without a name has an empty one.
                let name = t.name.clone().or((version < 10).then(String::new));
                their_metadata_request::MetadataRequestTopic::default()
                    .with_topic_id(uuid(since(version, 10, t.topic_id)))
                    .with_name(maybe_name(&name))
            };
            theirs::MetadataRequest::default()
                .with_topics(ours.topics.as_ref().map(|topics| each(topics, topic)))
                .with_allow_auto_topic_creation(since_or(version, 4, false, true))
        });
    }
}

fn metadata_response(fill: Fill, version: i16) -> MetadataResponse {
    let topic_name = if version >= 12 { fill.maybe("topic") } else { Some(fill.text("topic")) };
    MetadataResponse {
        throttle_time_ms: since(version, 3, 21),
        brokers: fill.list([
            MetadataBroker {
                node_id: 1,
                host: fill.text("kafka-1.example"),
                port: 9092,
                rack: fill.maybe("rack-a"),
            },
            MetadataBroker::default(),
        ]),
        cluster_id: since(version, 2, fill.maybe("cluster")),
        controller_id: 1,
        topics: fill.list([
            MetadataTopic {
                error: ErrorCode::LEADER_NOT_AVAILABLE,
                name: topic_name,
                topic_id: since(version, 10, ID),
                is_internal: true,
                partitions: fill.list([
                    MetadataPartition {
                        error: ErrorCode::REPLICA_NOT_AVAILABLE,
                        partition: 5,
                        leader: 2,
                        leader_epoch: since_or(version, 7, 33, -1),
                        replicas: fill.list([1, 2, 3]),
                        isr: fill.list([2]),
                        offline_replicas: since(version, 5, fill.list([1, 3])),
                    },
                    MetadataPartition { leader_epoch: -1, ..Default::default() },
                ]),
            },
            MetadataTopic { name: Some(long_name()), ..Default::default() },
        ]),
        error: since(version, 13, ErrorCode(129)),
    }
}

fn metadata(fill: Fill) -> Vec<Sample> {
    let ids = |nodes: &[i32]| each(nodes, |&node| node.into());
    let partition = move |p: &MetadataPartition| {
        their_metadata::MetadataResponsePartition::default()
            .with_error_code(p.error.0)
            .with_partition_index(p.partition)
            .with_leader_id(p.leader.into())
            .with_leader_epoch(p.leader_epoch)
            .with_replica_nodes(ids(&p.replicas))
            .with_isr_nodes(ids(&p.isr))
            .with_offline_replicas(ids(&p.offline_replicas))
    };
    let broker = |b: &MetadataBroker| {
        their_metadata::MetadataResponseBroker::default()
            .with_node_id(b.node_id.into())
            .with_host(name(&b.host))
            .with_port(b.port)
            .with_rack(maybe_name(&b.rack))
    };
    let theirs = move |version| {
        let ours = metadata_response(fill, version);
        let topic = |t: &MetadataTopic| {
            their_metadata::MetadataResponseTopic::default()
                .with_error_code(t.error.0)
                .with_name(maybe_name(&t.name))
                .with_topic_id(uuid(t.topic_id))
                .with_is_internal(t.is_internal)
                .with_partitions(each(&t.partitions, partition))
                .with_topic_authorized_operations(since_or(version, 8, 0x0a0b, i32::MIN))
        };
        let cluster_operations = if (8..=10).contains(&version) { 0x0c0d } else { i32::MIN };
        theirs::MetadataResponse::default()
            .with_throttle_time_ms(ours.throttle_time_ms)
            .with_brokers(each(&ours.brokers, broker))
            .with_cluster_id(maybe_name(&ours.cluster_id))
            .with_controller_id(ours.controller_id.into())
            .with_topics(each(&ours.topics, topic))
            .with_cluster_authorized_operations(cluster_operations)
            .with_error_code(ours.error.0)
    };
    Sample::per_version(ApiKey::Metadata, theirs, move |version| {
        Response::Metadata(metadata_response(fill, version))
    })
}

#[test]
fn api_versions_requests_agree() {
    for fill in Fill::ALL {
        let ours = ApiVersionsRequest {
            client_software_name: fill.text("kafkars"),
            client_software_version: fill.text("2.3.0"),
        };
        check_request(ours.clone(), |version| {
            theirs::ApiVersionsRequest::default()
                .with_client_software_name(since(version, 3, name(&ours.client_software_name)))
                .with_client_software_version(since(version, 3, name(&ours.client_software_version)))
        });
    }
}

fn their_api_versions(ours: &ApiVersionsResponse) -> theirs::ApiVersionsResponse {
    let api = |(key, versions): &(i16, VersionRange)| {
        their_versions::ApiVersion::default()
            .with_api_key(*key)
            .with_min_version(versions.min)
            .with_max_version(versions.max)
    };
    theirs::ApiVersionsResponse::default()
        .with_error_code(ours.error.0)
        .with_api_keys(each(&ours.apis, api))
        .with_throttle_time_ms(ours.throttle_time_ms)
}

fn feature(min: i16, max: i16) -> Feature {
    Feature { name: "metadata.version".to_owned(), min, max }
}

fn api_versions(fill: Fill) -> Vec<Sample> {
    let full = move |version| ApiVersionsResponse {
        error: ErrorCode::NONE,
        apis: fill
            .list([(1, VersionRange { min: 4, max: 17 }), (9999, VersionRange { min: 0, max: i16::MAX })]),
        throttle_time_ms: since(version, 1, 77),
        supported_features: since(version, 3, fill.list([feature(1, 20)])),
        finalized_features_epoch: since_or(version, 3, 6, -1),
        finalized_features: since(version, 3, fill.list([feature(19, 20)])),
    };
    let theirs = move |version| {
        let supported = their_versions::SupportedFeatureKey::default()
            .with_name(name("metadata.version"))
            .with_min_version(1)
            .with_max_version(20);
        let finalized = their_versions::FinalizedFeatureKey::default()
            .with_name(name("metadata.version"))
            .with_max_version_level(20)
            .with_min_version_level(19);
        their_api_versions(&full(version))
            .with_supported_features(since(version, 3, fill.list([supported])))
            .with_finalized_features_epoch(since_or(version, 3, 6, -1))
            .with_finalized_features(since(version, 3, fill.list([finalized])))
    };
    Sample::per_version(ApiKey::ApiVersions, theirs, move |version| Response::ApiVersions(full(version)))
}

/// A broker that does not know the version refuses in v0, whatever was asked.
#[test]
fn a_refused_api_versions_is_read_as_v0() {
    for apis in [vec![], vec![(18, VersionRange { min: 0, max: 3 })]] {
        let ours = ApiVersionsResponse {
            error: ErrorCode::UNSUPPORTED_VERSION,
            apis,
            finalized_features_epoch: -1,
            ..ApiVersionsResponse::default()
        };
        let mut body = BytesMut::new();
        their_api_versions(&ours).encode(&mut body, 0).unwrap();
        for version in 0..=4 {
            let response = Response::decode(ApiKey::ApiVersions, version, body.clone().freeze());
            assert_eq!(response, Ok(Response::ApiVersions(ours.clone())), "asked in v{version}");
        }
    }
}

#[test]
fn sasl_requests_agree() {
    for fill in Fill::ALL {
        let ours = SaslHandshakeRequest { mechanism: fill.text("SCRAM-SHA-256") };
        check_request(ours.clone(), |_| {
            theirs::SaslHandshakeRequest::default().with_mechanism(name(&ours.mechanism))
        });
        let ours = SaslAuthenticateRequest { auth_bytes: fill.bytes(b"\0user\0password") };
        check_request(ours.clone(), |_| {
            theirs::SaslAuthenticateRequest::default().with_auth_bytes(ours.auth_bytes.clone())
        });
    }
}

fn sasl_handshake(fill: Fill) -> Vec<Sample> {
    let full = move || SaslHandshakeResponse {
        error: ErrorCode::UNSUPPORTED_SASL_MECHANISM,
        mechanisms: fill.list([fill.text("PLAIN"), fill.text("OAUTHBEARER")]),
    };
    let theirs = move |_| {
        theirs::SaslHandshakeResponse::default()
            .with_error_code(full().error.0)
            .with_mechanisms(each(&full().mechanisms, |m| name(m)))
    };
    Sample::per_version(ApiKey::SaslHandshake, theirs, move |_| Response::SaslHandshake(full()))
}

fn sasl_authenticate(fill: Fill) -> Vec<Sample> {
    let full = move |version| SaslAuthenticateResponse {
        error: ErrorCode::SASL_AUTHENTICATION_FAILED,
        error_message: fill.maybe("no"),
        auth_bytes: fill.bytes(b"v=signature"),
        session_lifetime_ms: since(version, 1, 3_600_000),
    };
    let theirs = move |version| {
        let ours = full(version);
        theirs::SaslAuthenticateResponse::default()
            .with_error_code(ours.error.0)
            .with_error_message(maybe_name(&ours.error_message))
            .with_auth_bytes(ours.auth_bytes)
            .with_session_lifetime_ms(ours.session_lifetime_ms)
    };
    Sample::per_version(ApiKey::SaslAuthenticate, theirs, move |version| {
        Response::SaslAuthenticate(full(version))
    })
}

#[test]
fn secrets_are_not_shown() {
    let request = SaslAuthenticateRequest { auth_bytes: Bytes::from_static(b"\0user\0hunter2") };
    assert!(!format!("{:?}", Request::from(request)).contains("hunter2"));
}
