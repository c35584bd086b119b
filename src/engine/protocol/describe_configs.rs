//! DescribeConfigs (key 32): what topics, brokers, … are configured to.

use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak. 3 = types and documentation.
pub const VERSIONS: VersionRange = VersionRange { min: 1, max: 4 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 4;

/// DescribeConfigs request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeConfigsRequest {
    /// Of what.
    pub resources: Vec<DescribeConfigsResource>,
    /// Where else a value is set, too.
    pub include_synonyms: bool,
    /// What each config is for, too (v3).
    pub include_documentation: bool,
}

/// One topic, broker, …
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeConfigsResource {
    /// 2 topic, 4 broker, 8 broker's loggers, 16 client metrics, 32 group.
    pub resource_type: i8,
    /// Its name: a topic, a node id, …
    pub resource_name: String,
    /// Which ones; null = all.
    pub keys: Option<Vec<String>>,
}

/// DescribeConfigs response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeConfigsResponse {
    /// KIP-219 throttle.
    pub throttle_time_ms: i32,
    /// Per resource.
    pub results: Vec<DescribeConfigsResult>,
}

/// One resource.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeConfigsResult {
    /// The result.
    pub error: ErrorCode,
    /// The broker's words.
    pub error_message: Option<String>,
    /// As in the request.
    pub resource_type: i8,
    /// As in the request.
    pub resource_name: String,
    /// What it is configured to.
    pub configs: Vec<DescribedConfig>,
}

/// One config.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribedConfig {
    /// Its name.
    pub name: String,
    /// Its value; null when it is sensitive.
    pub value: Option<String>,
    /// It cannot be changed.
    pub read_only: bool,
    /// 1 topic, 2 dynamic broker, 3 dynamic default broker, 4 static broker, 5 default, 6 dynamic broker logger, …
    pub source: i8,
    /// A password or the like.
    pub is_sensitive: bool,
    /// Where else it is set, by precedence.
    pub synonyms: Vec<ConfigSynonym>,
    /// 1 boolean, 2 string, 3 int, 4 short, 5 long, 6 double, 7 list, 8 class, 9 password (v3); 0 = not told.
    pub config_type: i8,
    /// What it is for (v3).
    pub documentation: Option<String>,
}

/// The same config, set elsewhere.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConfigSynonym {
    /// Its name there.
    pub name: String,
    /// Its value there.
    pub value: Option<String>,
    /// As of the config.
    pub source: i8,
}

impl DescribeConfigsRequest {
    pub(crate) fn encode(&self, version: i16, out: &mut Writer) {
        out.array(&self.resources, |out, resource| {
            out.i8(resource.resource_type);
            out.string(&resource.resource_name);
            out.nullable_strings(&resource.keys);
        });
        out.bool(self.include_synonyms);
        if version >= 3 {
            out.bool(self.include_documentation);
        }
        out.tags();
    }
}

impl DescribeConfigsResponse {
    pub(crate) fn decode(version: i16, input: &mut Reader) -> Result<DescribeConfigsResponse, DecodeError> {
        let response = DescribeConfigsResponse {
            throttle_time_ms: input.i32()?,
            results: input.array(7, |input| {
                Ok(DescribeConfigsResult {
                    error: input.error()?,
                    error_message: input.nullable_string()?,
                    resource_type: input.i8()?,
                    resource_name: input.string()?,
                    configs: input.array(9, |input| DescribedConfig::decode(version, input))?,
                })
            })?,
        };
        input.tags()?;
        Ok(response)
    }
}

impl DescribedConfig {
    fn decode(version: i16, input: &mut Reader) -> Result<DescribedConfig, DecodeError> {
        Ok(DescribedConfig {
            name: input.string()?,
            value: input.nullable_string()?,
            read_only: input.bool()?,
            source: input.i8()?,
            is_sensitive: input.bool()?,
            synonyms: input.array(4, |input| {
                Ok(ConfigSynonym {
                    name: input.string()?,
                    value: input.nullable_string()?,
                    source: input.i8()?,
                })
            })?,
            config_type: if version >= 3 { input.i8()? } else { 0 },
            documentation: if version >= 3 { input.nullable_string()? } else { None },
        })
    }
}
