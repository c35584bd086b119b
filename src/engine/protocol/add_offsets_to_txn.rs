//! AddOffsetsToTxn (key 25): a consumer group whose offsets a transaction is about to commit.

use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak.
pub const VERSIONS: VersionRange = VersionRange { min: 0, max: 4 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 3;

/// AddOffsetsToTxn request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AddOffsetsToTxnRequest {
    /// Whose transaction.
    pub transactional_id: String,
    /// Its producer id.
    pub producer_id: i64,
    /// Its epoch.
    pub producer_epoch: i16,
    /// The group.
    pub group_id: String,
}

/// AddOffsetsToTxn response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AddOffsetsToTxnResponse {
    /// KIP-219 throttle (v1).
    pub throttle_time_ms: i32,
    /// The result.
    pub error: ErrorCode,
}

impl AddOffsetsToTxnRequest {
    pub(crate) fn encode(&self, _: i16, out: &mut Writer) {
        out.string(&self.transactional_id);
        out.i64(self.producer_id);
        out.i16(self.producer_epoch);
        out.string(&self.group_id);
        out.tags();
    }
}

impl AddOffsetsToTxnResponse {
    pub(crate) fn decode(_: i16, input: &mut Reader) -> Result<AddOffsetsToTxnResponse, DecodeError> {
        let response = AddOffsetsToTxnResponse { throttle_time_ms: input.i32()?, error: input.error()? };
        input.tags()?;
        Ok(response)
    }
}
