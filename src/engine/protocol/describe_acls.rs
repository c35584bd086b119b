//! DescribeAcls (key 29): the rules that a filter means.

use super::acl::AclFilter;
use super::{DecodeError, ErrorCode, Reader, Writer};

pub use super::acl::{FIRST_FLEXIBLE, VERSIONS};

/// DescribeAcls request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeAclsRequest {
    /// Which rules.
    pub filter: AclFilter,
}

/// DescribeAcls response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeAclsResponse {
    /// KIP-219 throttle.
    pub throttle_time_ms: i32,
    /// The result.
    pub error: ErrorCode,
    /// The broker's words.
    pub error_message: Option<String>,
    /// Per resource.
    pub resources: Vec<DescribedResource>,
}

/// The rules of one resource.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribedResource {
    /// As in [`Acl`](super::acl::Acl).
    pub resource_type: i8,
    /// As in [`Acl`](super::acl::Acl).
    pub resource_name: String,
    /// As in [`Acl`](super::acl::Acl).
    pub pattern_type: i8,
    /// The rules.
    pub acls: Vec<DescribedAcl>,
}

/// One rule of a resource.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribedAcl {
    /// As in [`Acl`](super::acl::Acl).
    pub principal: String,
    /// As in [`Acl`](super::acl::Acl).
    pub host: String,
    /// As in [`Acl`](super::acl::Acl).
    pub operation: i8,
    /// As in [`Acl`](super::acl::Acl).
    pub permission_type: i8,
}

impl DescribeAclsRequest {
    pub(crate) fn encode(&self, _version: i16, out: &mut Writer) {
        self.filter.encode(out);
        out.tags();
    }
}

impl DescribeAclsResponse {
    pub(crate) fn decode(_version: i16, input: &mut Reader) -> Result<DescribeAclsResponse, DecodeError> {
        let response = DescribeAclsResponse {
            throttle_time_ms: input.i32()?,
            error: input.error()?,
            error_message: input.nullable_string()?,
            resources: input.array(5, |input| {
                Ok(DescribedResource {
                    resource_type: input.i8()?,
                    resource_name: input.string()?,
                    pattern_type: input.i8()?,
                    acls: input.array(5, |input| {
                        Ok(DescribedAcl {
                            principal: input.string()?,
                            host: input.string()?,
                            operation: input.i8()?,
                            permission_type: input.i8()?,
                        })
                    })?,
                })
            })?,
        };
        input.tags()?;
        Ok(response)
    }
}
