//! `NativeClient`: the connections to a cluster.

use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use napi::bindgen_prelude::{Buffer, Function, Object, Status, Unknown};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Error, JsValue, Result};
use napi_derive::napi;

use crate::engine::clients::admin::Call;
use crate::engine::clients::admin::FindCoordinator;
use crate::engine::clients::admin::ListGroupOffsets;
use crate::engine::clients::admin::ListOffsets;
use crate::engine::clients::admin::ReadMetadata;
use crate::engine::machine::Failure;
use crate::engine::network::Network;
use crate::engine::network::NetworkEvent;
use crate::engine::network::SeedError;
use crate::engine::network::Unauthenticated;
use crate::engine::network::UnknownIdentity;
use crate::engine::network::UnknownName;
use crate::engine::runtime;
use crate::engine::runtime::AdminHandle;
use crate::engine::runtime::SharedMetadata;
use crate::engine::runtime::Siblings;

use super::callback::Callback;
use super::events;
use super::options::{NativeClientOptions, NativeSasl, NativeTls, NativeTopicPartitions};
use super::panic::caught;
use super::promise;
use super::teardown::{Close, at_teardown};
use super::{answers, failure, openssl};

/// Weak: does not keep the process alive.
type Notify = ThreadsafeFunction<NetworkEvent, Unknown<'static>, Object<'static>, Status, false, true>;

/// Releases the callback when dropped: also with a task that never ran.
struct Release(Arc<Callback<Notify>>);

impl Drop for Release {
    fn drop(&mut self) {
        self.0.release();
    }
}

/// What a client and its consumers share.
#[derive(Clone)]
pub(super) struct Shared {
    network: Network,
    admin: AdminHandle,
    metadata: SharedMetadata,
}

impl Shared {
    fn new(network: Network, siblings: Siblings) -> Shared {
        let metadata = SharedMetadata::new(siblings);
        Shared { admin: AdminHandle::new(network.clone(), metadata.clone()), network, metadata }
    }

    pub(super) fn network(&self) -> &Network {
        &self.network
    }

    /// What was learned of the cluster by `connect` and by questions.
    pub(super) fn metadata(&self) -> &SharedMetadata {
        &self.metadata
    }
}

impl Close for Shared {
    fn close(&self) {
        let network = self.network.clone();
        // Without threads there are no connections.
        let _ = runtime::spawn(async move { network.close().await });
    }
}

/// What the clients of one `Kafka` have in common: what one finds out about the cluster, the others hear.
#[napi]
#[derive(Default)]
pub struct NativeSiblings {
    siblings: Siblings,
}

#[napi]
impl NativeSiblings {
    #[napi(constructor, catch_unwind)]
    pub fn new() -> NativeSiblings {
        NativeSiblings::default()
    }
}

#[napi]
pub struct NativeClient {
    shared: Shared,
    /// Released by `close`.
    notify: Arc<Callback<Notify>>,
    /// Found by the teardown hook as long as this lives.
    _open: Rc<dyn Close>,
}

#[napi]
impl NativeClient {
    #[napi(constructor, catch_unwind)]
    pub fn new(
        env: Env,
        options: NativeClientOptions,
        notify: Function<'_, Object<'static>, Unknown<'static>>,
        siblings: &NativeSiblings,
    ) -> Result<NativeClient> {
        let notify: Notify = notify
            .build_threadsafe_function::<NetworkEvent>()
            .weak::<true>()
            .callee_handled::<false>()
            .build_callback(|context| {
                caught(|| events::network_event(&context.env, context.value).map(events::extend))
            })?;
        let notify = Arc::new(Callback::new(notify));
        let callback = notify.clone();
        if let Some(tls) = &options.tls {
            openssl::configure(tls.configuration.clone(), tls.section.clone())?;
        }
        let network = Network::new(options.into_config(), move |event| {
            callback.with(|notify| {
                notify.call(event, ThreadsafeFunctionCallMode::NonBlocking);
            });
        });
        let network = network.map_err(|error| Error::new(Status::InvalidArg, error.to_string()))?;
        let shared = Shared::new(network, siblings.siblings.clone());
        let open: Rc<dyn Close> = Rc::new(shared.clone());
        at_teardown(&env, &open)?;
        Ok(NativeClient { shared, notify, _open: open })
    }

    pub(super) fn shared(&self) -> Shared {
        self.shared.clone()
    }

    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn connect<'env>(&self, env: &'env Env, host: String, port: u16) -> Result<Object<'env>> {
        let shared = self.shared.clone();
        let work = async move {
            shared.network.connect_seed(&host, port).await.map(|answer| shared.metadata.connected(answer))
        };
        promise::spawn(env, work, |env, result| match result {
            Ok(()) => Ok(None),
            Err(SeedError { error, has_answered }) => {
                let mut failure = failure::net_error(env, &error)?;
                failure.set("hasAnswered", has_answered)?;
                Ok(Some(failure.to_unknown()))
            }
        })
    }

    #[napi(catch_unwind)]
    pub fn is_connected(&self) -> bool {
        self.shared.network.is_connected()
    }

    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn metadata<'env>(
        &self,
        env: &'env Env,
        topics: Option<Vec<String>>,
        allow_auto_topic_creation: bool,
    ) -> Result<Object<'env>> {
        self.call(env, ReadMetadata::new(topics, allow_auto_topic_creation), answers::metadata)
    }

    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn find_coordinator<'env>(&self, env: &'env Env, group_id: String) -> Result<Object<'env>> {
        self.call(env, FindCoordinator::new(group_id), |env, found| {
            Ok(answers::broker(env, found)?.to_unknown())
        })
    }

    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn list_offsets<'env>(
        &self,
        env: &'env Env,
        topics: Vec<NativeTopicPartitions>,
        timestamp: String,
        read_committed: bool,
    ) -> Result<Object<'env>> {
        let invalid = |_| Error::new(Status::InvalidArg, format!("Invalid timestamp {timestamp}"));
        let timestamp = timestamp.parse().map_err(invalid)?;
        let topics = topics.into_iter().map(|t| (t.topic, t.partitions)).collect();
        self.call(env, ListOffsets::new(topics, timestamp, read_committed), |env, found| {
            answers::offsets(env, found.into_iter().map(|(partition, offset)| (partition, offset, None)))
        })
    }

    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn offset_fetch<'env>(
        &self,
        env: &'env Env,
        group_id: String,
        topics: Vec<NativeTopicPartitions>,
    ) -> Result<Object<'env>> {
        let topics = topics.into_iter().map(|t| (t.topic, t.partitions)).collect();
        self.call(env, ListGroupOffsets::new(group_id, topics), answers::committed)
    }

    #[napi(catch_unwind)]
    pub fn set_request_events(&self, on: bool) {
        self.shared.network.request_events(on);
    }

    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn sasl_authenticate<'env>(
        &self,
        env: &'env Env,
        session: f64,
        bytes: Buffer,
    ) -> Result<Object<'env>> {
        let network = self.shared.network.clone();
        let bytes = Bytes::copy_from_slice(&bytes);
        let work =
            async move { network.sasl_authenticate(session as u64, bytes).await.map_err(Failure::Net) };
        promise::spawn(env, work, |env, result| settled(env, result, answers::bytes))
    }

    #[napi(catch_unwind)]
    pub fn authenticated(&self, session: f64, error: Option<String>, retriable: bool) {
        let result = error.map_or(Ok(()), |message| Err(Unauthenticated { message, retriable }));
        self.shared.network.authenticated(session as u64, result);
    }

    /// For the connections that are opened from now on.
    #[napi(catch_unwind)]
    pub fn set_tls(&self, tls: NativeTls) -> Result<()> {
        let set = self.shared.network.set_tls(&tls.into_config());
        set.map_err(|error| Error::new(Status::InvalidArg, error.to_string()))
    }

    /// What there is by now; null: nothing that can be used.
    #[napi(catch_unwind)]
    pub fn credentials(&self, refusal: f64, sasl: Option<NativeSasl>) {
        let credentials = sasl.and_then(|sasl| sasl.credentials());
        self.shared.network.credentials(refusal as u64, credentials);
    }

    #[napi(catch_unwind)]
    pub fn server_identity(&self, check: f64, error: Option<String>, code: Option<String>) {
        let verdict = error.map_or(Ok(()), |message| Err(UnknownIdentity { message, code }));
        self.shared.network.server_identity(check as u64, verdict);
    }

    /// What is no address is none of the answer.
    #[napi(catch_unwind)]
    pub fn addresses(
        &self,
        lookup: f64,
        addresses: Vec<String>,
        error: Option<String>,
        code: Option<String>,
    ) {
        let addresses = addresses.iter().filter_map(|address| address.parse().ok()).collect();
        let answer = error.map_or(Ok(addresses), |message| Err(UnknownName { message, code }));
        self.shared.network.addresses(lookup as u64, answer);
    }

    #[napi(ts_return_type = "Promise<void>", catch_unwind)]
    pub fn close<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let network = self.shared.network.clone();
        let release = Release(self.notify.clone());
        let work = async move {
            network.close().await;
            drop(release);
        };
        promise::spawn(env, work, |_, ()| Ok(None))
    }
}

impl NativeClient {
    /// A promise of what `convert` makes of the call's answer, or of the failure as data.
    pub(super) fn call<'env, C: Call>(
        &self,
        env: &'env Env,
        call: C,
        convert: impl for<'a> FnOnce(&'a Env, C::Answer) -> Result<Unknown<'a>> + Send + 'static,
    ) -> Result<Object<'env>> {
        let (settle, promise) = promise::later(env, move |env, result| settled(env, result, convert))?;
        self.shared.admin.call(call, settle);
        Ok(promise)
    }
}

/// The answer, or the failure as data.
fn settled<'env, T>(
    env: &'env Env,
    result: std::result::Result<T, Failure>,
    convert: impl FnOnce(&'env Env, T) -> Result<Unknown<'env>>,
) -> Result<Option<Unknown<'env>>> {
    match result {
        Ok(value) => convert(env, value).map(Some),
        Err(error) => failure::failure(env, &error).map(|error| Some(error.to_unknown())),
    }
}
