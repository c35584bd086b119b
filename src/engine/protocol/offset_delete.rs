//! OffsetDelete (key 47): a coordinator forgets what a group has committed (KIP-496).

use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak.
pub const VERSIONS: VersionRange = VersionRange { min: 0, max: 0 };
/// Never flexible.
pub const FIRST_FLEXIBLE: i16 = i16::MAX;

/// OffsetDelete request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetDeleteRequest {
    /// The group.
    pub group_id: String,
    /// Topic → partitions.
    pub topics: Vec<(String, Vec<i32>)>,
}

/// OffsetDelete response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetDeleteResponse {
    /// The result for the whole group.
    pub error: ErrorCode,
    /// KIP-219 throttle.
    pub throttle_time_ms: i32,
    /// Topic → partition and its result.
    pub topics: Vec<(String, Vec<(i32, ErrorCode)>)>,
}

impl OffsetDeleteRequest {
    pub(crate) fn encode(&self, _version: i16, out: &mut Writer) {
        out.string(&self.group_id);
        out.array(&self.topics, |out, (topic, partitions)| {
            out.string(topic);
            out.i32s(partitions);
        });
    }
}

impl OffsetDeleteResponse {
    pub(crate) fn decode(_version: i16, input: &mut Reader) -> Result<OffsetDeleteResponse, DecodeError> {
        Ok(OffsetDeleteResponse {
            error: input.error()?,
            throttle_time_ms: input.i32()?,
            topics: input.array(6, |input| {
                Ok((input.string()?, input.array(6, |input| Ok((input.i32()?, input.error()?)))?))
            })?,
        })
    }
}
