//! AlterClientQuotas (key 49): the controller sets and removes quotas (KIP-546).

use super::describe_client_quotas::{QuotaEntity, decode_entity};
use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak.
pub const VERSIONS: VersionRange = VersionRange { min: 0, max: 1 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 1;

/// AlterClientQuotas request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AlterClientQuotasRequest {
    /// Per entity.
    pub entries: Vec<QuotaChanges>,
    /// Check only, change nothing.
    pub validate_only: bool,
}

/// What changes for one entity.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct QuotaChanges {
    /// Whose quotas.
    pub entity: QuotaEntity,
    /// Key → value; `None` = removed.
    pub ops: Vec<(String, Option<f64>)>,
}

/// AlterClientQuotas response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AlterClientQuotasResponse {
    /// KIP-219 throttle.
    pub throttle_time_ms: i32,
    /// Per entity.
    pub entries: Vec<AlteredQuotas>,
}

/// What became of one entity's changes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AlteredQuotas {
    /// The result.
    pub error: ErrorCode,
    /// The broker's words.
    pub error_message: Option<String>,
    /// Whose quotas.
    pub entity: QuotaEntity,
}

impl AlterClientQuotasRequest {
    pub(crate) fn encode(&self, _version: i16, out: &mut Writer) {
        out.array(&self.entries, |out, entry| {
            out.array(&entry.entity, |out, (entity_type, name)| {
                out.string(entity_type);
                out.nullable_string(name);
            });
            out.array(&entry.ops, |out, (key, value)| {
                out.string(key);
                out.f64(value.unwrap_or(0.0));
                out.bool(value.is_none());
            });
        });
        out.bool(self.validate_only);
        out.tags();
    }
}

impl AlterClientQuotasResponse {
    pub(crate) fn decode(
        _version: i16,
        input: &mut Reader,
    ) -> Result<AlterClientQuotasResponse, DecodeError> {
        let response = AlterClientQuotasResponse {
            throttle_time_ms: input.i32()?,
            entries: input.array(5, |input| {
                Ok(AlteredQuotas {
                    error: input.error()?,
                    error_message: input.nullable_string()?,
                    entity: decode_entity(input)?,
                })
            })?,
        };
        input.tags()?;
        Ok(response)
    }
}
