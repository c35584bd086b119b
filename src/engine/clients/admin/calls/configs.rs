//! Configs: those of a broker are its own business, all others any broker's.

use crate::engine::clients::admin::call::Recipient;
use crate::engine::protocol::alter_configs::{
    AlterConfigsRequest, AlterConfigsResource, AlterConfigsResponse,
};
use crate::engine::protocol::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResponse,
};
use crate::engine::protocol::incremental_alter_configs::{
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResource, IncrementalAlterConfigsResponse,
};

use super::Spread;
use super::spread::at;

/// What these are configured to.
pub fn describe_configs(
    resources: Vec<DescribeConfigsResource>,
    include_synonyms: bool,
    include_documentation: bool,
) -> Spread<DescribeConfigsResponse> {
    let to = resources.iter().map(|resource| recipient(resource.resource_type, &resource.resource_name));
    Spread::new(to.collect(), move |parts| DescribeConfigsRequest {
        resources: at(&resources, parts).cloned().collect(),
        include_synonyms,
        include_documentation,
    })
}

/// Replaces all that these are configured to.
pub fn alter_configs(
    resources: Vec<AlterConfigsResource>,
    validate_only: bool,
) -> Spread<AlterConfigsResponse> {
    let to = resources.iter().map(|resource| recipient(resource.resource_type, &resource.resource_name));
    Spread::new(to.collect(), move |parts| AlterConfigsRequest {
        resources: at(&resources, parts).cloned().collect(),
        validate_only,
    })
}

/// Changes some of what these are configured to.
pub fn incremental_alter_configs(
    resources: Vec<IncrementalAlterConfigsResource>,
    validate_only: bool,
) -> Spread<IncrementalAlterConfigsResponse> {
    let to = resources.iter().map(|resource| recipient(resource.resource_type, &resource.resource_name));
    Spread::new(to.collect(), move |parts| IncrementalAlterConfigsRequest {
        resources: at(&resources, parts).cloned().collect(),
        validate_only,
    })
}

/// A name that is no node id, "" for instance, means all brokers: then any may answer.
fn recipient(resource_type: i8, name: &str) -> Recipient {
    match (resource_type, name.parse()) {
        (BROKER | BROKER_LOGGER, Ok(node)) => Recipient::Broker(node),
        _ => Recipient::Any,
    }
}

const BROKER: i8 = 4;
const BROKER_LOGGER: i8 = 8;
