//! ElectLeaders (key 43): the controller elects leaders, the preferred ones or any.

use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak. 1 = unclean elections (KIP-460).
pub const VERSIONS: VersionRange = VersionRange { min: 0, max: 2 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 2;

/// ElectLeaders request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ElectLeadersRequest {
    /// Any replica where no in-sync one is alive, at the price of what it does not have (v1). Else the preferred ones.
    pub unclean: bool,
    /// Topic → partitions; null = all.
    pub topics: Option<Vec<(String, Vec<i32>)>>,
    /// How long the broker may wait for the elections, ms.
    pub timeout_ms: i32,
}

/// ElectLeaders response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ElectLeadersResponse {
    /// KIP-219 throttle.
    pub throttle_time_ms: i32,
    /// Of the whole request (v1).
    pub error: ErrorCode,
    /// Topic → partitions.
    pub topics: Vec<(String, Vec<PartitionOutcome>)>,
}

/// What became of one partition. AlterPartitionReassignments tells it in the same words.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PartitionOutcome {
    /// Partition.
    pub partition: i32,
    /// The result.
    pub error: ErrorCode,
    /// The broker's words.
    pub error_message: Option<String>,
}

impl ElectLeadersRequest {
    /// The lowest version that can carry this request.
    pub fn min_version(&self) -> i16 {
        if self.unclean { 1 } else { VERSIONS.min }
    }

    pub(crate) fn encode(&self, version: i16, out: &mut Writer) {
        if version >= 1 {
            out.i8(i8::from(self.unclean)); // election_type
        }
        out.nullable_array(&self.topics, |out, (topic, partitions)| {
            out.string(topic);
            out.i32s(partitions);
        });
        out.i32(self.timeout_ms);
        out.tags();
    }
}

impl ElectLeadersResponse {
    pub(crate) fn decode(version: i16, input: &mut Reader) -> Result<ElectLeadersResponse, DecodeError> {
        let response = ElectLeadersResponse {
            throttle_time_ms: input.i32()?,
            error: if version >= 1 { input.error()? } else { ErrorCode::NONE },
            topics: decode_outcomes(input)?,
        };
        input.tags()?;
        Ok(response)
    }
}

pub(super) fn decode_outcomes(
    input: &mut Reader,
) -> Result<Vec<(String, Vec<PartitionOutcome>)>, DecodeError> {
    input.array(3, |input| {
        let topic = input.string()?;
        let partitions = input.array(8, |input| {
            Ok(PartitionOutcome {
                partition: input.i32()?,
                error: input.error()?,
                error_message: input.nullable_string()?,
            })
        })?;
        Ok((topic, partitions))
    })
}
