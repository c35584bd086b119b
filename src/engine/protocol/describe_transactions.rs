//! DescribeTransactions (key 65): how transactions stand, of their coordinator (KIP-664).

use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak.
pub const VERSIONS: VersionRange = VersionRange { min: 0, max: 0 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 0;

/// DescribeTransactions request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeTransactionsRequest {
    /// The transactional ids.
    pub transactional_ids: Vec<String>,
}

/// DescribeTransactions response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeTransactionsResponse {
    /// KIP-219 throttle.
    pub throttle_time_ms: i32,
    /// Per transactional id.
    pub transactions: Vec<DescribedTransaction>,
}

/// One transactional id.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribedTransaction {
    /// The result.
    pub error: ErrorCode,
    /// The id.
    pub transactional_id: String,
    /// `Ongoing`, `CompleteCommit`, …
    pub state: String,
    /// The producer's `transactionTimeout`, ms.
    pub timeout_ms: i32,
    /// When it began, ms; -1 = none is open.
    pub start_time_ms: i64,
    /// Its producer's id.
    pub producer_id: i64,
    /// Its producer's epoch.
    pub producer_epoch: i16,
    /// Topic → the partitions that are in it.
    pub topics: Vec<(String, Vec<i32>)>,
}

impl DescribeTransactionsRequest {
    pub(crate) fn encode(&self, _version: i16, out: &mut Writer) {
        out.strings(&self.transactional_ids);
        out.tags();
    }
}

impl DescribeTransactionsResponse {
    pub(crate) fn decode(
        _version: i16,
        input: &mut Reader,
    ) -> Result<DescribeTransactionsResponse, DecodeError> {
        let response = DescribeTransactionsResponse {
            throttle_time_ms: input.i32()?,
            transactions: input.array(28, |input| {
                Ok(DescribedTransaction {
                    error: input.error()?,
                    transactional_id: input.string()?,
                    state: input.string()?,
                    timeout_ms: input.i32()?,
                    start_time_ms: input.i64()?,
                    producer_id: input.i64()?,
                    producer_epoch: input.i16()?,
                    topics: input.array(3, |input| Ok((input.string()?, input.i32s()?)))?,
                })
            })?,
        };
        input.tags()?;
        Ok(response)
    }
}
