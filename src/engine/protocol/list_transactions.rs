//! ListTransactions (key 66): the transactional ids that a broker coordinates (KIP-664).

use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak. 1 = by duration, 2 = by pattern.
pub const VERSIONS: VersionRange = VersionRange { min: 0, max: 2 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 0;

/// ListTransactions request.
#[derive(Debug, Clone, PartialEq)]
pub struct ListTransactionsRequest {
    /// Only those in one of these states; empty = in any.
    pub states: Vec<String>,
    /// Only those of these producers; empty = of any.
    pub producer_ids: Vec<i64>,
    /// Only those that are open for longer than this, ms (v1); -1 = all.
    pub duration_ms: i64,
    /// Only those whose id matches this expression of RE2 (v2).
    pub transactional_id_pattern: Option<String>,
}

impl Default for ListTransactionsRequest {
    fn default() -> ListTransactionsRequest {
        ListTransactionsRequest {
            states: Vec::new(),
            producer_ids: Vec::new(),
            duration_ms: -1,
            transactional_id_pattern: None,
        }
    }
}

/// ListTransactions response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListTransactionsResponse {
    /// KIP-219 throttle.
    pub throttle_time_ms: i32,
    /// The result.
    pub error: ErrorCode,
    /// States that were asked for and that the broker does not know.
    pub unknown_states: Vec<String>,
    /// Per transactional id.
    pub transactions: Vec<ListedTransaction>,
}

/// One transactional id.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListedTransaction {
    /// The id.
    pub transactional_id: String,
    /// Its producer's id.
    pub producer_id: i64,
    /// `Ongoing`, `CompleteCommit`, …
    pub state: String,
}

impl ListTransactionsRequest {
    /// The lowest version that can carry this request: older brokers would list more.
    pub fn min_version(&self) -> i16 {
        match (self.transactional_id_pattern.is_some(), self.duration_ms >= 0) {
            (true, _) => 2,
            (_, true) => 1,
            _ => VERSIONS.min,
        }
    }

    pub(crate) fn encode(&self, version: i16, out: &mut Writer) {
        out.strings(&self.states);
        out.i64s(&self.producer_ids);
        if version >= 1 {
            out.i64(self.duration_ms);
        }
        if version >= 2 {
            out.nullable_string(&self.transactional_id_pattern);
        }
        out.tags();
    }
}

impl ListTransactionsResponse {
    pub(crate) fn decode(_version: i16, input: &mut Reader) -> Result<ListTransactionsResponse, DecodeError> {
        let response = ListTransactionsResponse {
            throttle_time_ms: input.i32()?,
            error: input.error()?,
            unknown_states: input.strings()?,
            transactions: input.array(11, |input| {
                Ok(ListedTransaction {
                    transactional_id: input.string()?,
                    producer_id: input.i64()?,
                    state: input.string()?,
                })
            })?,
        };
        input.tags()?;
        Ok(response)
    }
}
