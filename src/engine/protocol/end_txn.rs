//! EndTxn (key 26): commits or aborts a transaction.

use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak. 5 = KIP-890: the answer brings the id and the epoch of the next transaction.
pub const VERSIONS: VersionRange = VersionRange { min: 0, max: 5 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 3;
/// From this version on the coordinator raises the epoch with each transaction.
pub const FIRST_OF_TRANSACTIONS_V2: i16 = 5;

/// EndTxn request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EndTxnRequest {
    /// Whose transaction.
    pub transactional_id: String,
    /// Its producer id.
    pub producer_id: i64,
    /// Its epoch.
    pub producer_epoch: i16,
    /// Commit, or abort.
    pub committed: bool,
    /// The transaction was begun under `transaction.version` 0 or 1.
    pub transactions_v1: bool,
}

/// EndTxn response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EndTxnResponse {
    /// KIP-219 throttle (v1).
    pub throttle_time_ms: i32,
    /// The result.
    pub error: ErrorCode,
    /// The id for the next transaction (v5), -1 below.
    pub producer_id: i64,
    /// Its epoch (v5), -1 below.
    pub producer_epoch: i16,
}

impl EndTxnRequest {
    /// The highest version that can carry this request: v5 means the second transaction protocol.
    pub fn max_version(&self) -> i16 {
        if self.transactions_v1 { FIRST_OF_TRANSACTIONS_V2 - 1 } else { VERSIONS.max }
    }

    pub(crate) fn encode(&self, _: i16, out: &mut Writer) {
        out.string(&self.transactional_id);
        out.i64(self.producer_id);
        out.i16(self.producer_epoch);
        out.bool(self.committed);
        out.tags();
    }
}

impl EndTxnResponse {
    pub(crate) fn decode(version: i16, input: &mut Reader) -> Result<EndTxnResponse, DecodeError> {
        let has_next = version >= FIRST_OF_TRANSACTIONS_V2;
        let response = EndTxnResponse {
            throttle_time_ms: input.i32()?,
            error: input.error()?,
            producer_id: if has_next { input.i64()? } else { -1 },
            producer_epoch: if has_next { input.i16()? } else { -1 },
        };
        input.tags()?;
        Ok(response)
    }
}
