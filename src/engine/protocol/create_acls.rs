//! CreateAcls (key 30): the controller writes rules down.

use super::acl::Acl;
use super::{DecodeError, ErrorCode, Reader, Writer};

pub use super::acl::{FIRST_FLEXIBLE, VERSIONS};

/// CreateAcls request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CreateAclsRequest {
    /// The rules.
    pub acls: Vec<Acl>,
}

/// CreateAcls response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CreateAclsResponse {
    /// KIP-219 throttle.
    pub throttle_time_ms: i32,
    /// Per rule, in their order: the result, and the broker's words.
    pub results: Vec<(ErrorCode, Option<String>)>,
}

impl CreateAclsRequest {
    pub(crate) fn encode(&self, _version: i16, out: &mut Writer) {
        out.array(&self.acls, |out, acl| acl.encode(out));
        out.tags();
    }
}

impl CreateAclsResponse {
    pub(crate) fn decode(_version: i16, input: &mut Reader) -> Result<CreateAclsResponse, DecodeError> {
        let response = CreateAclsResponse {
            throttle_time_ms: input.i32()?,
            results: input.array(4, |input| Ok((input.error()?, input.nullable_string()?)))?,
        };
        input.tags()?;
        Ok(response)
    }
}
