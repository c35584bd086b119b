//! DescribeCluster (key 60, KIP-700): the brokers, those that are fenced included.

use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak. 1 = brokers or controllers, 2 = fenced brokers.
pub const VERSIONS: VersionRange = VersionRange { min: 0, max: 2 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 0;

/// DescribeCluster request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeClusterRequest {
    /// Brokers that the controller has shut out, too (v2).
    pub include_fenced_brokers: bool,
}

/// DescribeCluster response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeClusterResponse {
    /// KIP-219 throttle.
    pub throttle_time_ms: i32,
    /// The result.
    pub error: ErrorCode,
    /// The broker's words.
    pub error_message: Option<String>,
    /// The cluster's id.
    pub cluster_id: String,
    /// The controller, or a broker that speaks for it; -1 when unknown.
    pub controller_id: i32,
    /// The brokers.
    pub brokers: Vec<DescribedBroker>,
}

/// One broker.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribedBroker {
    /// Node id.
    pub node_id: i32,
    /// Host.
    pub host: String,
    /// Port.
    pub port: i32,
    /// Rack.
    pub rack: Option<String>,
    /// Shut out by the controller (v2).
    pub is_fenced: bool,
}

impl DescribeClusterRequest {
    /// The lowest version that can carry this request: below v2 the answer would leave out what is asked for.
    pub fn min_version(&self) -> i16 {
        if self.include_fenced_brokers { FIRST_WITH_FENCED } else { VERSIONS.min }
    }

    pub(crate) fn encode(&self, version: i16, out: &mut Writer) {
        out.bool(false); // include_cluster_authorized_operations
        if version >= 1 {
            out.i8(1); // endpoint_type: brokers
        }
        if version >= FIRST_WITH_FENCED {
            out.bool(self.include_fenced_brokers);
        }
        out.tags();
    }
}

impl DescribeClusterResponse {
    pub(crate) fn decode(version: i16, input: &mut Reader) -> Result<DescribeClusterResponse, DecodeError> {
        let throttle_time_ms = input.i32()?;
        let error = input.error()?;
        let error_message = input.nullable_string()?;
        if version >= 1 {
            input.i8()?; // endpoint_type
        }
        let response = DescribeClusterResponse {
            throttle_time_ms,
            error,
            error_message,
            cluster_id: input.string()?,
            controller_id: input.i32()?,
            brokers: input.array(11, |input| {
                Ok(DescribedBroker {
                    node_id: input.i32()?,
                    host: input.string()?,
                    port: input.i32()?,
                    rack: input.nullable_string()?,
                    is_fenced: if version >= 2 { input.bool()? } else { false },
                })
            })?,
        };
        input.i32()?; // cluster_authorized_operations
        input.tags()?;
        Ok(response)
    }
}

/// KIP-1073.
const FIRST_WITH_FENCED: i16 = 2;
