//! InitProducerId (key 22): an id and an epoch to number batches under, alone or for a transactional id.

use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak. 3 = resumes an id and its epoch (KIP-360), 4 = PRODUCER_FENCED, 5 = TRANSACTION_ABORTABLE.
pub const VERSIONS: VersionRange = VersionRange { min: 0, max: 5 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 2;

/// InitProducerId request.
#[derive(Debug, Clone, PartialEq)]
pub struct InitProducerIdRequest {
    /// Null for a producer that is idempotent only.
    pub transactional_id: Option<String>,
    /// After how long an open transaction is aborted by the coordinator, ms.
    pub transaction_timeout_ms: i32,
    /// The id whose epoch is to be raised (v3), -1 for a new one.
    pub producer_id: i64,
    /// Its present epoch (v3), -1 for a new one.
    pub producer_epoch: i16,
}

/// InitProducerId response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct InitProducerIdResponse {
    /// KIP-219 throttle (v1).
    pub throttle_time_ms: i32,
    /// The result.
    pub error: ErrorCode,
    /// The id.
    pub producer_id: i64,
    /// Its epoch.
    pub producer_epoch: i16,
}

impl Default for InitProducerIdRequest {
    fn default() -> InitProducerIdRequest {
        InitProducerIdRequest {
            transactional_id: None,
            transaction_timeout_ms: i32::MAX,
            producer_id: -1,
            producer_epoch: -1,
        }
    }
}

impl InitProducerIdRequest {
    pub(crate) fn encode(&self, version: i16, out: &mut Writer) {
        out.nullable_string(&self.transactional_id);
        out.i32(self.transaction_timeout_ms);
        if version >= 3 {
            out.i64(self.producer_id);
            out.i16(self.producer_epoch);
        }
        out.tags();
    }
}

impl InitProducerIdResponse {
    pub(crate) fn decode(_: i16, input: &mut Reader) -> Result<InitProducerIdResponse, DecodeError> {
        let response = InitProducerIdResponse {
            throttle_time_ms: input.i32()?,
            error: input.error()?,
            producer_id: input.i64()?,
            producer_epoch: input.i16()?,
        };
        input.tags()?;
        Ok(response)
    }
}
