//! IncrementalAlterConfigs (key 44, KIP-339): changes what is named, and nothing else.

use super::alter_configs::AlterConfigsResult;
use super::{DecodeError, Reader, VersionRange, Writer};

/// Versions that we speak.
pub const VERSIONS: VersionRange = VersionRange { min: 0, max: 1 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 1;

/// IncrementalAlterConfigs request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct IncrementalAlterConfigsRequest {
    /// Of what.
    pub resources: Vec<IncrementalAlterConfigsResource>,
    /// Check only, change nothing.
    pub validate_only: bool,
}

/// One topic, broker, …
#[derive(Debug, Clone, PartialEq, Default)]
pub struct IncrementalAlterConfigsResource {
    /// As in DescribeConfigs.
    pub resource_type: i8,
    /// As in DescribeConfigs.
    pub resource_name: String,
    /// What to change.
    pub configs: Vec<ConfigChange>,
}

/// A change of one config.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConfigChange {
    /// Its name.
    pub name: String,
    /// 0 set, 1 delete, 2 append to a list, 3 subtract from a list.
    pub operation: i8,
    /// Null only with "delete".
    pub value: Option<String>,
}

/// IncrementalAlterConfigs response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct IncrementalAlterConfigsResponse {
    /// KIP-219 throttle.
    pub throttle_time_ms: i32,
    /// Per resource.
    pub results: Vec<AlterConfigsResult>,
}

impl IncrementalAlterConfigsRequest {
    pub(crate) fn encode(&self, _version: i16, out: &mut Writer) {
        out.array(&self.resources, |out, resource| {
            out.i8(resource.resource_type);
            out.string(&resource.resource_name);
            out.array(&resource.configs, |out, config| {
                out.string(&config.name);
                out.i8(config.operation);
                out.nullable_string(&config.value);
            });
        });
        out.bool(self.validate_only);
        out.tags();
    }
}

impl IncrementalAlterConfigsResponse {
    pub(crate) fn decode(
        _version: i16,
        input: &mut Reader,
    ) -> Result<IncrementalAlterConfigsResponse, DecodeError> {
        let response = IncrementalAlterConfigsResponse {
            throttle_time_ms: input.i32()?,
            results: input.array(6, AlterConfigsResult::decode)?,
        };
        input.tags()?;
        Ok(response)
    }
}
