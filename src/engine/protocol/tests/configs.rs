//! DescribeConfigs, AlterConfigs, IncrementalAlterConfigs.

use kafka_protocol::messages as theirs;
use kafka_protocol::messages::{
    alter_configs_request as their_alter, alter_configs_response as their_altered,
    describe_configs_request as their_describe, describe_configs_response as their_described,
    incremental_alter_configs_request as their_change, incremental_alter_configs_response as their_changed,
};

use super::alter_configs::*;
use super::describe_configs::*;
use super::incremental_alter_configs::*;
use super::*;

pub(super) fn samples(fill: Fill) -> Vec<Sample> {
    let mut samples = described(fill);
    samples.extend(altered(fill));
    samples.extend(changed(fill));
    samples
}

#[test]
fn responses_agree() {
    Fill::ALL.into_iter().flat_map(samples).for_each(|sample| sample.check());
}

#[test]
fn describe_requests_agree() {
    for fill in Fill::ALL {
        let keys = fill.list([fill.text("retention.ms")]);
        let ours = DescribeConfigsRequest {
            resources: fill.list([DescribeConfigsResource {
                resource_type: 2,
                resource_name: fill.text(&long_name()),
                keys: if let Fill::Null = fill { None } else { Some(keys) },
            }]),
            include_synonyms: true,
            include_documentation: true,
        };
        check_request(ours.clone(), |version| {
            let resource = |resource: &DescribeConfigsResource| {
                their_describe::DescribeConfigsResource::default()
                    .with_resource_type(resource.resource_type)
                    .with_resource_name(name(&resource.resource_name))
                    .with_configuration_keys(resource.keys.as_ref().map(|keys| each(keys, |key| name(key))))
            };
            theirs::DescribeConfigsRequest::default()
                .with_resources(each(&ours.resources, resource))
                .with_include_synonyms(ours.include_synonyms)
                .with_include_documentation(since(version, 3, true))
        });
    }
}

fn described(fill: Fill) -> Vec<Sample> {
    let full = move |version| DescribeConfigsResponse {
        throttle_time_ms: 7,
        results: fill.list([DescribeConfigsResult {
            error: ErrorCode::TOPIC_AUTHORIZATION_FAILED,
            error_message: fill.maybe("no"),
            resource_type: 2,
            resource_name: fill.text("orders"),
            configs: fill.list([DescribedConfig {
                name: fill.text("retention.ms"),
                value: fill.maybe("1"),
                read_only: true,
                source: 5,
                is_sensitive: true,
                synonyms: fill.list([ConfigSynonym {
                    name: fill.text("log.retention.ms"),
                    value: fill.maybe("2"),
                    source: 4,
                }]),
                config_type: since(version, 3, 5),
                documentation: if version >= 3 { fill.maybe("how long") } else { None },
            }]),
        }]),
    };
    let theirs = move |version| {
        let ours = full(version);
        let synonym = |synonym: &ConfigSynonym| {
            their_described::DescribeConfigsSynonym::default()
                .with_name(name(&synonym.name))
                .with_value(maybe_name(&synonym.value))
                .with_source(synonym.source)
        };
        let config = |config: &DescribedConfig| {
            their_described::DescribeConfigsResourceResult::default()
                .with_name(name(&config.name))
                .with_value(maybe_name(&config.value))
                .with_read_only(config.read_only)
                .with_config_source(config.source)
                .with_is_sensitive(config.is_sensitive)
                .with_synonyms(each(&config.synonyms, synonym))
                .with_config_type(config.config_type)
                .with_documentation(maybe_name(&config.documentation))
        };
        let result = |result: &DescribeConfigsResult| {
            their_described::DescribeConfigsResult::default()
                .with_error_code(result.error.0)
                .with_error_message(maybe_name(&result.error_message))
                .with_resource_type(result.resource_type)
                .with_resource_name(name(&result.resource_name))
                .with_configs(each(&result.configs, config))
        };
        theirs::DescribeConfigsResponse::default()
            .with_throttle_time_ms(ours.throttle_time_ms)
            .with_results(each(&ours.results, result))
    };
    Sample::per_version(ApiKey::DescribeConfigs, theirs, move |version| {
        Response::DescribeConfigs(full(version))
    })
}

#[test]
fn alter_requests_agree() {
    for fill in Fill::ALL {
        let ours = AlterConfigsRequest {
            resources: fill.list([AlterConfigsResource {
                resource_type: 4,
                resource_name: fill.text("1"),
                configs: fill.list([(fill.text("a"), fill.maybe("1"))]),
            }]),
            validate_only: true,
        };
        check_request(ours.clone(), |_| {
            let config = |(config, value): &(String, Option<String>)| {
                their_alter::AlterableConfig::default().with_name(name(config)).with_value(maybe_name(value))
            };
            let resource = |resource: &AlterConfigsResource| {
                their_alter::AlterConfigsResource::default()
                    .with_resource_type(resource.resource_type)
                    .with_resource_name(name(&resource.resource_name))
                    .with_configs(each(&resource.configs, config))
            };
            theirs::AlterConfigsRequest::default()
                .with_resources(each(&ours.resources, resource))
                .with_validate_only(ours.validate_only)
        });
    }
}

#[test]
fn change_requests_agree() {
    for fill in Fill::ALL {
        let ours = IncrementalAlterConfigsRequest {
            resources: fill.list([IncrementalAlterConfigsResource {
                resource_type: 2,
                resource_name: fill.text("orders"),
                configs: fill.list([ConfigChange {
                    name: fill.text("cleanup.policy"),
                    operation: 2,
                    value: fill.maybe("compact"),
                }]),
            }]),
            validate_only: true,
        };
        check_request(ours.clone(), |_| {
            let config = |config: &ConfigChange| {
                their_change::AlterableConfig::default()
                    .with_name(name(&config.name))
                    .with_config_operation(config.operation)
                    .with_value(maybe_name(&config.value))
            };
            let resource = |resource: &IncrementalAlterConfigsResource| {
                their_change::AlterConfigsResource::default()
                    .with_resource_type(resource.resource_type)
                    .with_resource_name(name(&resource.resource_name))
                    .with_configs(each(&resource.configs, config))
            };
            theirs::IncrementalAlterConfigsRequest::default()
                .with_resources(each(&ours.resources, resource))
                .with_validate_only(ours.validate_only)
        });
    }
}

fn results(fill: Fill) -> Vec<AlterConfigsResult> {
    fill.list([AlterConfigsResult {
        error: ErrorCode(40),
        error_message: fill.maybe("no"),
        resource_type: 2,
        resource_name: fill.text("orders"),
    }])
}

fn altered(fill: Fill) -> Vec<Sample> {
    let full = move || AlterConfigsResponse { throttle_time_ms: 7, results: results(fill) };
    let theirs = move |_| {
        let result = |result: &AlterConfigsResult| {
            their_altered::AlterConfigsResourceResponse::default()
                .with_error_code(result.error.0)
                .with_error_message(maybe_name(&result.error_message))
                .with_resource_type(result.resource_type)
                .with_resource_name(name(&result.resource_name))
        };
        theirs::AlterConfigsResponse::default()
            .with_throttle_time_ms(7)
            .with_responses(each(&results(fill), result))
    };
    Sample::per_version(ApiKey::AlterConfigs, theirs, move |_| Response::AlterConfigs(full()))
}

fn changed(fill: Fill) -> Vec<Sample> {
    let full = move || IncrementalAlterConfigsResponse { throttle_time_ms: 7, results: results(fill) };
    let theirs = move |_| {
        let result = |result: &AlterConfigsResult| {
            their_changed::AlterConfigsResourceResponse::default()
                .with_error_code(result.error.0)
                .with_error_message(maybe_name(&result.error_message))
                .with_resource_type(result.resource_type)
                .with_resource_name(name(&result.resource_name))
        };
        theirs::IncrementalAlterConfigsResponse::default()
            .with_throttle_time_ms(7)
            .with_responses(each(&results(fill), result))
    };
    Sample::per_version(ApiKey::IncrementalAlterConfigs, theirs, move |_| {
        Response::IncrementalAlterConfigs(full())
    })
}
