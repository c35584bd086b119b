//! Configs: read, replaced, changed.

use napi::bindgen_prelude::Object;
use napi::{Env, Result};
use napi_derive::napi;

use crate::bridge::client::NativeClient;
use crate::engine::clients::admin::{alter_configs, describe_configs, incremental_alter_configs};
use crate::engine::protocol::alter_configs::{AlterConfigsResource, AlterConfigsResult};
use crate::engine::protocol::describe_configs::{
    ConfigSynonym, DescribeConfigsResource, DescribeConfigsResult, DescribedConfig,
};
use crate::engine::protocol::incremental_alter_configs::{ConfigChange, IncrementalAlterConfigsResource};

use super::{NativeNamedValue, byte, code, told};

#[napi(object, object_to_js = false, use_nullable = true)]
pub struct NativeConfigQuery {
    #[napi(js_name = "type")]
    pub resource_type: i32,
    pub name: String,
    pub keys: Option<Vec<String>>,
}

#[napi(object, object_to_js = false, use_nullable = true)]
pub struct NativeConfig {
    #[napi(js_name = "type")]
    pub resource_type: i32,
    pub name: String,
    pub configs: Vec<NativeNamedValue>,
}

#[napi(object, object_to_js = false, use_nullable = true)]
pub struct NativeConfigChanges {
    #[napi(js_name = "type")]
    pub resource_type: i32,
    pub name: String,
    pub configs: Vec<NativeConfigChange>,
}

#[napi(object, object_to_js = false, use_nullable = true)]
pub struct NativeConfigChange {
    pub name: String,
    pub operation: i32,
    pub value: Option<String>,
}

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeResource {
    pub error_code: i32,
    pub error_message: Option<String>,
    pub resource_type: i32,
    pub resource_name: String,
    pub configs: Vec<NativeConfigEntry>,
}

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeConfigEntry {
    pub name: String,
    pub value: Option<String>,
    pub read_only: bool,
    pub source: i32,
    pub is_sensitive: bool,
    pub synonyms: Vec<NativeConfigSynonym>,
    pub config_type: i32,
    pub documentation: Option<String>,
}

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeConfigSynonym {
    pub name: String,
    pub value: Option<String>,
    pub source: i32,
}

#[napi]
impl NativeClient {
    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn describe_configs<'env>(
        &self,
        env: &'env Env,
        resources: Vec<NativeConfigQuery>,
        include_synonyms: bool,
        include_documentation: bool,
    ) -> Result<Object<'env>> {
        let resources = resources.into_iter().map(|resource| DescribeConfigsResource {
            resource_type: byte(resource.resource_type),
            resource_name: resource.name,
            keys: resource.keys,
        });
        let call = describe_configs(resources.collect(), include_synonyms, include_documentation);
        self.call(env, call, |env, answers| {
            told(env, answers, |answer| answer.results.into_iter().map(described).collect::<Vec<_>>())
        })
    }

    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn alter_configs<'env>(
        &self,
        env: &'env Env,
        resources: Vec<NativeConfig>,
        validate_only: bool,
    ) -> Result<Object<'env>> {
        let resources = resources.into_iter().map(|resource| AlterConfigsResource {
            resource_type: byte(resource.resource_type),
            resource_name: resource.name,
            configs: resource.configs.into_iter().map(|config| (config.name, config.value)).collect(),
        });
        self.call(env, alter_configs(resources.collect(), validate_only), |env, answers| {
            told(env, answers, |answer| answer.results.into_iter().map(altered).collect::<Vec<_>>())
        })
    }

    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn incremental_alter_configs<'env>(
        &self,
        env: &'env Env,
        resources: Vec<NativeConfigChanges>,
        validate_only: bool,
    ) -> Result<Object<'env>> {
        let change = |NativeConfigChange { name, operation, value }| ConfigChange {
            name,
            operation: byte(operation),
            value,
        };
        let resources = resources.into_iter().map(|resource| IncrementalAlterConfigsResource {
            resource_type: byte(resource.resource_type),
            resource_name: resource.name,
            configs: resource.configs.into_iter().map(change).collect(),
        });
        self.call(env, incremental_alter_configs(resources.collect(), validate_only), |env, answers| {
            told(env, answers, |answer| answer.results.into_iter().map(altered).collect::<Vec<_>>())
        })
    }
}

fn described(result: DescribeConfigsResult) -> NativeResource {
    let synonym = |ConfigSynonym { name, value, source }| NativeConfigSynonym {
        name,
        value,
        source: i32::from(source),
    };
    let config = |config: DescribedConfig| NativeConfigEntry {
        name: config.name,
        value: config.value,
        read_only: config.read_only,
        source: i32::from(config.source),
        is_sensitive: config.is_sensitive,
        synonyms: config.synonyms.into_iter().map(synonym).collect(),
        config_type: i32::from(config.config_type),
        documentation: config.documentation,
    };
    NativeResource {
        error_code: code(result.error),
        error_message: result.error_message,
        resource_type: i32::from(result.resource_type),
        resource_name: result.resource_name,
        configs: result.configs.into_iter().map(config).collect(),
    }
}

fn altered(result: AlterConfigsResult) -> NativeResource {
    NativeResource {
        error_code: code(result.error),
        error_message: result.error_message,
        resource_type: i32::from(result.resource_type),
        resource_name: result.resource_name,
        configs: Vec::new(),
    }
}
