//! AddPartitionsToTxn (key 24): partitions that a transaction is about to write to.

use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak; from 4 on it is for brokers.
pub const VERSIONS: VersionRange = VersionRange { min: 0, max: 3 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 3;

/// AddPartitionsToTxn request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AddPartitionsToTxnRequest {
    /// Whose transaction.
    pub transactional_id: String,
    /// Its producer id.
    pub producer_id: i64,
    /// Its epoch.
    pub producer_epoch: i16,
    /// Per topic.
    pub topics: Vec<TxnTopic>,
}

/// One topic's partitions.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TxnTopic {
    /// Name.
    pub name: String,
    /// Its partitions.
    pub partitions: Vec<i32>,
}

/// AddPartitionsToTxn response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AddPartitionsToTxnResponse {
    /// KIP-219 throttle (v1).
    pub throttle_time_ms: i32,
    /// Per topic.
    pub topics: Vec<TxnTopicResult>,
}

/// One topic's results.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TxnTopicResult {
    /// Name.
    pub name: String,
    /// Per partition.
    pub partitions: Vec<TxnPartitionResult>,
}

/// One partition's result.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TxnPartitionResult {
    /// Partition.
    pub partition: i32,
    /// The result.
    pub error: ErrorCode,
}

impl AddPartitionsToTxnRequest {
    pub(crate) fn encode(&self, _: i16, out: &mut Writer) {
        out.string(&self.transactional_id);
        out.i64(self.producer_id);
        out.i16(self.producer_epoch);
        out.array(&self.topics, |out, topic| {
            out.string(&topic.name);
            out.i32s(&topic.partitions);
        });
        out.tags();
    }
}

impl AddPartitionsToTxnResponse {
    pub(crate) fn decode(_: i16, input: &mut Reader) -> Result<AddPartitionsToTxnResponse, DecodeError> {
        let response = AddPartitionsToTxnResponse {
            throttle_time_ms: input.i32()?,
            topics: input.array(3, TxnTopicResult::decode)?,
        };
        input.tags()?;
        Ok(response)
    }
}

impl TxnTopicResult {
    /// TxnOffsetCommit answers in the same words.
    pub(super) fn decode(input: &mut Reader) -> Result<TxnTopicResult, DecodeError> {
        Ok(TxnTopicResult {
            name: input.string()?,
            partitions: input.array(6, |input| {
                Ok(TxnPartitionResult { partition: input.i32()?, error: input.error()? })
            })?,
        })
    }
}
