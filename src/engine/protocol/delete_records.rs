//! DeleteRecords (key 21): a leader forgets the records before an offset.

use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak.
pub const VERSIONS: VersionRange = VersionRange { min: 0, max: 2 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 2;

/// DeleteRecords request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeleteRecordsRequest {
    /// Per topic.
    pub topics: Vec<DeleteRecordsTopic>,
    /// How long the broker may wait for the replicas, ms.
    pub timeout_ms: i32,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeleteRecordsTopic {
    /// Topic.
    pub name: String,
    /// Partition → the offset of the first record to keep, -1 = none of those that all replicas have.
    pub partitions: Vec<(i32, i64)>,
}

/// DeleteRecords response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeleteRecordsResponse {
    /// KIP-219 throttle.
    pub throttle_time_ms: i32,
    /// Per topic.
    pub topics: Vec<DeleteRecordsTopicResult>,
}

/// What became of one topic.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeleteRecordsTopicResult {
    /// Topic.
    pub name: String,
    /// Per partition.
    pub partitions: Vec<DeleteRecordsResult>,
}

/// What became of one partition.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeleteRecordsResult {
    /// Partition.
    pub partition: i32,
    /// Where it begins now.
    pub low_watermark: i64,
    /// The result.
    pub error: ErrorCode,
}

impl DeleteRecordsRequest {
    pub(crate) fn encode(&self, _version: i16, out: &mut Writer) {
        out.array(&self.topics, |out, topic| {
            out.string(&topic.name);
            out.array(&topic.partitions, |out, (partition, offset)| {
                out.i32(*partition);
                out.i64(*offset);
            });
        });
        out.i32(self.timeout_ms);
        out.tags();
    }
}

impl DeleteRecordsResponse {
    pub(crate) fn decode(_version: i16, input: &mut Reader) -> Result<DeleteRecordsResponse, DecodeError> {
        let response = DeleteRecordsResponse {
            throttle_time_ms: input.i32()?,
            topics: input.array(3, |input| {
                Ok(DeleteRecordsTopicResult {
                    name: input.string()?,
                    partitions: input.array(14, |input| {
                        Ok(DeleteRecordsResult {
                            partition: input.i32()?,
                            low_watermark: input.i64()?,
                            error: input.error()?,
                        })
                    })?,
                })
            })?,
        };
        input.tags()?;
        Ok(response)
    }
}
