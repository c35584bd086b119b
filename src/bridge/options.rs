//! Options as they come from the facade (`native.d.ts`), and what the engine makes of them.

use std::time::Duration;

use napi::bindgen_prelude::{Status, Uint8Array};
use napi::{Error, Result};
use napi_derive::napi;

use crate::engine::clients::consumer::ConsumerConfig;
use crate::engine::clients::consumer::GroupProtocol;
use crate::engine::clients::consumer::HooksGiven;
use crate::engine::clients::consumer::Offered;
use crate::engine::clients::consumer::Place;
use crate::engine::clients::consumer::ResetPolicy;
use crate::engine::clients::producer::ClusterConfig;
use crate::engine::clients::producer::GroupMetadata;
use crate::engine::clients::producer::Idempotence;
use crate::engine::clients::producer::Partitioner;
use crate::engine::clients::producer::ProduceConfig;
use crate::engine::clients::producer::ProducerConfig;
use crate::engine::clients::producer::TransactionConfig;
use crate::engine::delivery::DeliveryConfig;
use crate::engine::fetch::FetchConfig;
use crate::engine::group::assignors::Assignor;
use crate::engine::machine::Pace;
use crate::engine::network::NetworkConfig;
use crate::engine::network::Pfx;
use crate::engine::network::TlsConfig;
use crate::engine::network::TlsVersion;
use crate::engine::network::{Credentials, SaslConfig};

#[napi(object, object_to_js = false, use_nullable = true)]
pub struct NativeClientOptions {
    pub client_id: String,
    pub connection_timeout: f64,
    pub authentication_timeout: f64,
    pub reauthentication_threshold: f64,
    pub request_timeout: f64,
    pub max_in_flight_requests: Option<u32>,
    pub lookup: bool,
    pub tls: Option<NativeTls>,
    pub sasl: Option<NativeSasl>,
}

#[napi(object, object_to_js = false, use_nullable = true)]
pub struct NativeTls {
    pub host: Option<String>,
    pub port: Option<u16>,
    pub ca: Vec<String>,
    pub default_ca: bool,
    pub certs: Vec<String>,
    pub keys: Vec<String>,
    pub pfx: Vec<NativePfx>,
    pub servername: Option<String>,
    pub reject_unauthorized: bool,
    pub check_server_identity: bool,
    pub allow_partial_trust_chain: bool,
    pub min_version: String,
    pub max_version: String,
    pub security_level: Option<u32>,
    pub ciphers: String,
    pub cipher_suites: Option<String>,
    pub groups: Option<String>,
    pub signature_algorithms: Option<String>,
    pub min_dh_size: u32,
    pub options: f64,
    pub alpn: Vec<String>,
    pub configuration: Option<String>,
    pub section: String,
}

#[napi(object, object_to_js = false, use_nullable = true)]
pub struct NativePfx {
    pub bytes: Uint8Array,
    pub passphrase: String,
}

#[napi(object, object_to_js = false, use_nullable = true)]
pub struct NativeSasl {
    pub mechanism: String,
    pub username: Option<String>,
    pub password: Option<String>,
    pub authorization_identity: Option<String>,
}

impl NativeSasl {
    /// None: JavaScript authenticates.
    pub(super) fn credentials(&self) -> Option<Credentials> {
        Some(Credentials {
            username: self.username.clone()?,
            password: self.password.clone()?.into(),
            authorization_identity: self.authorization_identity.clone(),
        })
    }
}

#[napi(object, object_to_js = false, use_nullable = true)]
pub struct NativeProducerOptions {
    pub idempotence: String,
    pub partitioner: String,
    pub retries: f64,
    pub retry_time: f64,
    pub pace: Option<NativePace>,
    pub delivery_timeout: f64,
    pub linger: f64,
    pub batch_size: f64,
    pub buffer_memory: f64,
    pub max_request_size: f64,
    pub max_in_flight_requests: Option<u32>,
    pub metadata_max_age: f64,
    pub allow_auto_topic_creation: bool,
    pub transactional_id: Option<String>,
    pub transaction_timeout: f64,
}

/// Waits between attempts.
#[napi(object, object_to_js = false)]
pub struct NativePace {
    pub first: f64,
    pub longest: f64,
    pub multiplier: f64,
    pub jitter: f64,
}

/// A consumer group, and the member of it that has read.
#[napi(object, object_to_js = false, use_nullable = true)]
pub struct NativeGroupMetadata {
    pub group_id: String,
    pub generation_id: i32,
    pub member_id: String,
    pub group_instance_id: Option<String>,
}

#[napi(object, object_to_js = false, use_nullable = true)]
pub struct NativeConsumerOptions {
    pub group_id: String,
    pub group_instance_id: Option<String>,
    pub session_timeout: f64,
    pub rebalance_timeout: f64,
    pub heartbeat_interval: f64,
    pub max_poll_interval: f64,
    pub metadata_max_age: f64,
    pub allow_auto_topic_creation: bool,
    pub max_bytes_per_partition: f64,
    pub min_bytes: f64,
    pub max_bytes: f64,
    pub max_wait_time_in_ms: f64,
    pub max_queued_bytes: f64,
    pub max_decompressed_bytes: f64,
    pub read_uncommitted: bool,
    pub rack_id: String,
    pub check_crcs: bool,
    pub sets_aside: bool,
    pub auto_offset_reset: Option<String>,
    pub auto_offset_reset_duration: Option<f64>,
    pub auto_commit: bool,
    pub auto_commit_interval: Option<f64>,
    pub auto_commit_threshold: Option<f64>,
    pub keeps_finished: bool,
    pub lanes: u32,
    pub assignors: Vec<String>,
    pub group_protocol: String,
    pub group_remote_assignor: Option<String>,
    pub hooks: NativeHooks,
}

#[napi(object, object_to_js = false, use_nullable = true)]
pub struct NativeHooks {
    pub assigned: bool,
    pub revoked: bool,
    pub lost: bool,
}

#[napi(object, object_to_js = false, use_nullable = true)]
pub struct NativeTopic {
    pub topic: String,
    pub from_beginning: bool,
}

#[napi(object, object_to_js = false, use_nullable = true)]
pub struct NativePattern {
    pub regex: String,
    pub from_beginning: bool,
}

#[napi(object, use_nullable = true)]
pub struct NativeTopicPartitions {
    pub topic: String,
    pub partitions: Vec<i32>,
}

#[napi(object, object_to_js = false, use_nullable = true)]
pub struct NativeStart {
    pub topic: String,
    pub partition: i32,
    pub offset: Option<String>,
}

#[napi(object, use_nullable = true)]
pub struct NativeOffset {
    pub topic: String,
    pub partition: i32,
    pub offset: String,
    pub metadata: Option<String>,
    pub leader_epoch: Option<i32>,
}

impl NativeClientOptions {
    pub(super) fn into_config(self) -> NetworkConfig {
        NetworkConfig {
            client_id: self.client_id,
            connection_timeout: millis(self.connection_timeout),
            authentication_timeout: millis(self.authentication_timeout),
            reauthentication_threshold: millis(self.reauthentication_threshold),
            request_timeout: (self.request_timeout > 0.0).then(|| millis(self.request_timeout)),
            max_in_flight: self.max_in_flight_requests.map(|max| max as usize),
            lookup: self.lookup,
            tls: self.tls.map(NativeTls::into_config),
            sasl: self.sasl.map(|sasl| SaslConfig {
                credentials: sasl.credentials(),
                mechanism: sasl.mechanism,
                may_change: true,
            }),
            ..NetworkConfig::default()
        }
    }
}

impl NativeTls {
    pub(super) fn into_config(self) -> TlsConfig {
        let pfx = |NativePfx { bytes, passphrase }| Pfx {
            bytes: bytes.to_vec().into(),
            passphrase: passphrase.into(),
        };
        TlsConfig {
            host: self.host,
            port: self.port,
            ca: self.ca,
            default_ca: self.default_ca,
            certs: self.certs,
            keys: self.keys.into_iter().map(Into::into).collect(),
            pfx: self.pfx.into_iter().map(pfx).collect(),
            servername: self.servername,
            reject_unauthorized: self.reject_unauthorized,
            check_server_identity: self.check_server_identity,
            allow_partial_trust_chain: self.allow_partial_trust_chain,
            min_version: tls_version(&self.min_version),
            max_version: tls_version(&self.max_version),
            security_level: self.security_level,
            ciphers: Some(self.ciphers),
            cipher_suites: self.cipher_suites,
            groups: self.groups,
            signature_algorithms: self.signature_algorithms,
            min_dh_size: self.min_dh_size,
            options: self.options as u64,
            alpn: self.alpn,
        }
    }
}

impl NativeConsumerOptions {
    pub(super) fn into_config(self) -> ConsumerConfig {
        ConsumerConfig {
            group_id: self.group_id,
            group_instance_id: self.group_instance_id,
            group_protocol: group_protocol(&self.group_protocol),
            group_remote_assignor: self.group_remote_assignor,
            assignors: self.assignors.into_iter().map(offered).collect(),
            session_timeout: millis(self.session_timeout),
            rebalance_timeout: millis(self.rebalance_timeout),
            heartbeat_interval: millis(self.heartbeat_interval),
            max_poll_interval: millis(self.max_poll_interval),
            hooks: HooksGiven {
                assigned: self.hooks.assigned,
                revoked: self.hooks.revoked,
                lost: self.hooks.lost,
            },
            metadata_max_age: millis(self.metadata_max_age),
            allow_auto_topic_creation: self.allow_auto_topic_creation,
            auto_offset_reset: reset_policy(
                self.auto_offset_reset.as_deref(),
                self.auto_offset_reset_duration,
            ),
            auto_commit: self.auto_commit,
            max_decompressed_bytes: self.max_decompressed_bytes as usize,
            auto_commit_interval: self.auto_commit_interval.map(millis),
            auto_commit_threshold: self.auto_commit_threshold.map(|n| n.max(0.0) as u64),
            keeps_finished: self.keeps_finished,
            fetch: FetchConfig {
                max_wait: millis(self.max_wait_time_in_ms),
                min_bytes: self.min_bytes as i32,
                max_bytes: self.max_bytes as i32,
                max_bytes_per_partition: self.max_bytes_per_partition as i32,
                read_committed: !self.read_uncommitted,
                check_crcs: self.check_crcs,
                rack_id: self.rack_id,
                follower_max_age: millis(self.metadata_max_age),
                sets_aside: self.sets_aside,
                delivery: DeliveryConfig {
                    max_queued_bytes: self.max_queued_bytes as usize,
                    lanes: self.lanes as usize,
                },
            },
        }
    }
}

fn reset_policy(name: Option<&str>, duration: Option<f64>) -> ResetPolicy {
    match (name, duration) {
        (_, Some(duration)) => ResetPolicy::To(Place::Within(millis(duration))),
        (Some("earliest"), _) => ResetPolicy::To(Place::Earliest),
        (Some("latest"), _) => ResetPolicy::To(Place::Latest),
        (Some(_), _) => ResetPolicy::None,
        (None, None) => ResetPolicy::ByTopic,
    }
}

impl NativeProducerOptions {
    pub(super) fn into_config(self) -> ProducerConfig {
        let usual = ProduceConfig::default();
        ProducerConfig {
            produce: ProduceConfig {
                idempotence: match &*self.idempotence {
                    "required" => Idempotence::Required,
                    "if-allowed" => Idempotence::IfAllowed,
                    _ => Idempotence::Off,
                },
                partitioner: match &*self.partitioner {
                    "legacy" => Partitioner::Legacy,
                    _ => Partitioner::Default,
                },
                // Any number of them that JavaScript can count.
                retries: self.retries as u32,
                topic_retries: self.retries as u32,
                retry_time: millis(self.retry_time),
                pace: self.pace.map_or(usual.pace, |pace| Pace {
                    first: millis(pace.first),
                    longest: millis(pace.longest),
                    multiplier: pace.multiplier,
                    jitter: pace.jitter.clamp(0.0, 1.0),
                }),
                delivery_timeout: millis(self.delivery_timeout),
                linger: millis(self.linger),
                batch_size: self.batch_size as usize,
                buffer_memory: self.buffer_memory as usize,
                max_request_size: self.max_request_size as usize,
                max_in_flight: self
                    .max_in_flight_requests
                    .map_or(usual.max_in_flight, |most| usual.max_in_flight.min(most as usize).max(1)),
                ..usual
            },
            cluster: ClusterConfig {
                metadata_max_age: millis(self.metadata_max_age),
                allow_auto_topic_creation: self.allow_auto_topic_creation,
            },
            transaction: self.transactional_id.map(|transactional_id| TransactionConfig {
                transactional_id: transactional_id.into(),
                transaction_timeout: millis(self.transaction_timeout),
                // A coordinator that is lost is found again in less.
                patience: millis(self.transaction_timeout).max(PATIENCE),
            }),
        }
    }
}

impl NativeGroupMetadata {
    pub(super) fn into_group(self) -> GroupMetadata {
        let NativeGroupMetadata { group_id, generation_id, member_id, group_instance_id } = self;
        GroupMetadata { group_id: group_id.into(), generation_id, member_id, group_instance_id }
    }
}

/// How long a call about a transaction is repeated at least, however short its timeout.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is no name of an assignor of the engine's stands for one of the facade's, by how it rebalances.
fn offered(name: String) -> Offered {
    let of_facade = if name == "cooperative" { Offered::COOPERATIVE } else { Offered::EAGER };
    Assignor::from_name(&name).map_or(of_facade, Offered::Engine)
}

/// The classic one for what the facade should not have let through.
fn group_protocol(name: &str) -> GroupProtocol {
    match name {
        "consumer" => GroupProtocol::Consumer,
        "auto" => GroupProtocol::Auto,
        "manual" => GroupProtocol::Manual,
        _ => GroupProtocol::Classic,
    }
}

/// An offset as users write it.
pub(super) fn offset(text: &str) -> Result<i64> {
    text.parse().map_err(|_| Error::new(Status::InvalidArg, format!("Invalid offset {text}")))
}

/// Milliseconds as JavaScript counts them; negative and NaN become 0, far too long becomes a month.
pub(super) fn millis(ms: f64) -> Duration {
    const MONTH: f64 = 30.0 * 24.0 * 3600.0 * 1000.0;
    Duration::from_millis(ms.clamp(0.0, MONTH) as u64)
}

/// The highest for what the facade should not have let through.
fn tls_version(name: &str) -> TlsVersion {
    match name {
        "TLSv1" => TlsVersion::V1_0,
        "TLSv1.1" => TlsVersion::V1_1,
        "TLSv1.2" => TlsVersion::V1_2,
        _ => TlsVersion::V1_3,
    }
}
