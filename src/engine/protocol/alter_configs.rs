//! AlterConfigs (key 33): replaces all that a topic, broker, … is configured to. What is not named falls back to its default.

use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak.
pub const VERSIONS: VersionRange = VersionRange { min: 0, max: 2 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 2;

/// AlterConfigs request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AlterConfigsRequest {
    /// Of what.
    pub resources: Vec<AlterConfigsResource>,
    /// Check only, change nothing.
    pub validate_only: bool,
}

/// One topic, broker, …
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AlterConfigsResource {
    /// As in DescribeConfigs.
    pub resource_type: i8,
    /// As in DescribeConfigs.
    pub resource_name: String,
    /// Name → value.
    pub configs: Vec<(String, Option<String>)>,
}

/// AlterConfigs response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AlterConfigsResponse {
    /// KIP-219 throttle.
    pub throttle_time_ms: i32,
    /// Per resource.
    pub results: Vec<AlterConfigsResult>,
}

/// What became of one resource.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AlterConfigsResult {
    /// The result.
    pub error: ErrorCode,
    /// The broker's words.
    pub error_message: Option<String>,
    /// As in the request.
    pub resource_type: i8,
    /// As in the request.
    pub resource_name: String,
}

impl AlterConfigsRequest {
    pub(crate) fn encode(&self, _version: i16, out: &mut Writer) {
        out.array(&self.resources, |out, resource| {
            out.i8(resource.resource_type);
            out.string(&resource.resource_name);
            out.array(&resource.configs, |out, (name, value)| {
                out.string(name);
                out.nullable_string(value);
            });
        });
        out.bool(self.validate_only);
        out.tags();
    }
}

impl AlterConfigsResponse {
    pub(crate) fn decode(_version: i16, input: &mut Reader) -> Result<AlterConfigsResponse, DecodeError> {
        let response = AlterConfigsResponse {
            throttle_time_ms: input.i32()?,
            results: input.array(6, AlterConfigsResult::decode)?,
        };
        input.tags()?;
        Ok(response)
    }
}

impl AlterConfigsResult {
    /// IncrementalAlterConfigs answers the same.
    pub(super) fn decode(input: &mut Reader) -> Result<AlterConfigsResult, DecodeError> {
        Ok(AlterConfigsResult {
            error: input.error()?,
            error_message: input.nullable_string()?,
            resource_type: input.i8()?,
            resource_name: input.string()?,
        })
    }
}
