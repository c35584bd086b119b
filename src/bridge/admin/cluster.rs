//! The cluster itself: its brokers, its features.

use napi::bindgen_prelude::{Object, ToNapiValue};
use napi::{Env, Result};
use napi_derive::napi;

use crate::bridge::client::NativeClient;
use crate::engine::clients::admin::{describe_cluster, describe_features};
use crate::engine::protocol::api_versions::Feature;
use crate::engine::protocol::describe_cluster::DescribedBroker;

use super::code;

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeCluster {
    pub error_code: i32,
    pub error_message: Option<String>,
    pub cluster_id: String,
    pub controller_id: i32,
    pub brokers: Vec<NativeClusterBroker>,
}

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeClusterBroker {
    pub node_id: i32,
    pub host: String,
    pub port: i32,
    pub rack: Option<String>,
    pub is_fenced: bool,
}

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeFeatures {
    pub error_code: i32,
    pub supported: Vec<NativeFeature>,
    pub finalized: Vec<NativeFeature>,
    pub finalized_epoch: String,
    pub apis: Vec<NativeApi>,
}

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeFeature {
    pub name: String,
    pub min: i32,
    pub max: i32,
}

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeApi {
    pub key: i32,
    pub min: i32,
    pub max: i32,
}

#[napi]
impl NativeClient {
    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn describe_cluster<'env>(
        &self,
        env: &'env Env,
        include_fenced_brokers: bool,
    ) -> Result<Object<'env>> {
        self.call(env, describe_cluster(include_fenced_brokers), |env, cluster| {
            let broker = |DescribedBroker { node_id, host, port, rack, is_fenced }| NativeClusterBroker {
                node_id,
                host,
                port,
                rack,
                is_fenced,
            };
            let answer = NativeCluster {
                error_code: code(cluster.error),
                error_message: cluster.error_message,
                cluster_id: cluster.cluster_id,
                controller_id: cluster.controller_id,
                brokers: cluster.brokers.into_iter().map(broker).collect(),
            };
            answer.into_unknown(env)
        })
    }

    /// What a broker speaks, too.
    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn describe_features<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        self.call(env, describe_features(), |env, answer| {
            let feature =
                |Feature { name, min, max }| NativeFeature { name, min: i32::from(min), max: i32::from(max) };
            let apis = answer.apis.into_iter().map(|(key, range)| NativeApi {
                key: i32::from(key),
                min: i32::from(range.min),
                max: i32::from(range.max),
            });
            let features = NativeFeatures {
                error_code: code(answer.error),
                supported: answer.supported_features.into_iter().map(feature).collect(),
                finalized: answer.finalized_features.into_iter().map(feature).collect(),
                finalized_epoch: answer.finalized_features_epoch.to_string(),
                apis: apis.collect(),
            };
            features.into_unknown(env)
        })
    }
}
