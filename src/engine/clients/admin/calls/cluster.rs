//! The cluster itself.

use crate::engine::clients::admin::call::Recipient;
use crate::engine::protocol::api_versions::{ApiVersionsRequest, ApiVersionsResponse};
use crate::engine::protocol::describe_cluster::{DescribeClusterRequest, DescribeClusterResponse};

use super::Ask;

/// Its brokers, those that are fenced included where brokers tell of them.
pub fn describe_cluster(include_fenced_brokers: bool) -> Ask<DescribeClusterResponse> {
    Ask::new(Recipient::Any, DescribeClusterRequest { include_fenced_brokers })
}

/// What a broker speaks, and which features its cluster has.
pub fn describe_features() -> Ask<ApiVersionsResponse> {
    let request = ApiVersionsRequest {
        client_software_name: env!("CARGO_PKG_NAME").to_owned(),
        client_software_version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    Ask::new(Recipient::Any, request)
}
