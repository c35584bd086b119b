//! DeleteGroups (key 42): a coordinator forgets groups without members, their offsets included.

use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak.
pub const VERSIONS: VersionRange = VersionRange { min: 0, max: 2 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 2;

/// DeleteGroups request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeleteGroupsRequest {
    /// The groups.
    pub groups: Vec<String>,
}

/// DeleteGroups response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeleteGroupsResponse {
    /// KIP-219 throttle.
    pub throttle_time_ms: i32,
    /// Group → its result.
    pub results: Vec<(String, ErrorCode)>,
}

impl DeleteGroupsRequest {
    pub(crate) fn encode(&self, _version: i16, out: &mut Writer) {
        out.strings(&self.groups);
        out.tags();
    }
}

impl DeleteGroupsResponse {
    pub(crate) fn decode(_version: i16, input: &mut Reader) -> Result<DeleteGroupsResponse, DecodeError> {
        let response = DeleteGroupsResponse {
            throttle_time_ms: input.i32()?,
            results: input.array(4, |input| Ok((input.string()?, input.error()?)))?,
        };
        input.tags()?;
        Ok(response)
    }
}
