//! DeleteAcls (key 31): the controller deletes the rules that filters mean.

use super::acl::{Acl, AclFilter};
use super::{DecodeError, ErrorCode, Reader, Writer};

pub use super::acl::{FIRST_FLEXIBLE, VERSIONS};

/// DeleteAcls request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeleteAclsRequest {
    /// Which rules: those that one of them means.
    pub filters: Vec<AclFilter>,
}

/// DeleteAcls response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeleteAclsResponse {
    /// KIP-219 throttle.
    pub throttle_time_ms: i32,
    /// Per filter, in their order.
    pub filters: Vec<DeletedAcls>,
}

/// What became of the rules that one filter means.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeletedAcls {
    /// The result.
    pub error: ErrorCode,
    /// The broker's words.
    pub error_message: Option<String>,
    /// The rules.
    pub acls: Vec<DeletedAcl>,
}

/// What became of one rule.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeletedAcl {
    /// The result.
    pub error: ErrorCode,
    /// The broker's words.
    pub error_message: Option<String>,
    /// The rule.
    pub acl: Acl,
}

impl DeleteAclsRequest {
    pub(crate) fn encode(&self, _version: i16, out: &mut Writer) {
        out.array(&self.filters, |out, filter| filter.encode(out));
        out.tags();
    }
}

impl DeleteAclsResponse {
    pub(crate) fn decode(_version: i16, input: &mut Reader) -> Result<DeleteAclsResponse, DecodeError> {
        let response = DeleteAclsResponse {
            throttle_time_ms: input.i32()?,
            filters: input.array(5, |input| {
                Ok(DeletedAcls {
                    error: input.error()?,
                    error_message: input.nullable_string()?,
                    acls: input.array(11, |input| {
                        Ok(DeletedAcl {
                            error: input.error()?,
                            error_message: input.nullable_string()?,
                            acl: Acl::decode(input)?,
                        })
                    })?,
                })
            })?,
        };
        input.tags()?;
        Ok(response)
    }
}
