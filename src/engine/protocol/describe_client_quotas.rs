//! DescribeClientQuotas (key 48): what users and clients may use (KIP-546).

use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak.
pub const VERSIONS: VersionRange = VersionRange { min: 0, max: 1 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 1;

/// Whom a quota is for: the type (`user`, `client-id`, `ip`) and the name of each part; `None` = the default of that type.
pub type QuotaEntity = Vec<(String, Option<String>)>;

/// DescribeClientQuotas request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeClientQuotasRequest {
    /// Which entities: all of these.
    pub components: Vec<QuotaFilter>,
    /// Leave out entities that have parts which no filter names.
    pub strict: bool,
}

/// Which parts of entities.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct QuotaFilter {
    /// `user`, `client-id`, `ip`.
    pub entity_type: String,
    /// Their name.
    pub name: QuotaName,
}

/// Which names.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum QuotaName {
    /// This one.
    Exact(String),
    /// The default of the type.
    Default,
    /// Any that is not the default.
    #[default]
    Any,
}

/// DescribeClientQuotas response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeClientQuotasResponse {
    /// KIP-219 throttle.
    pub throttle_time_ms: i32,
    /// The result.
    pub error: ErrorCode,
    /// The broker's words.
    pub error_message: Option<String>,
    /// Per entity.
    pub entries: Vec<QuotaEntry>,
}

/// The quotas of one entity.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct QuotaEntry {
    /// Whose.
    pub entity: QuotaEntity,
    /// Key → value: `producer_byte_rate`, …
    pub values: Vec<(String, f64)>,
}

impl DescribeClientQuotasRequest {
    pub(crate) fn encode(&self, _version: i16, out: &mut Writer) {
        out.array(&self.components, |out, component| {
            out.string(&component.entity_type);
            let (match_type, name) = match &component.name {
                QuotaName::Exact(name) => (0, Some(name.clone())),
                QuotaName::Default => (1, None),
                QuotaName::Any => (2, None),
            };
            out.i8(match_type);
            out.nullable_string(&name);
        });
        out.bool(self.strict);
        out.tags();
    }
}

impl DescribeClientQuotasResponse {
    pub(crate) fn decode(
        _version: i16,
        input: &mut Reader,
    ) -> Result<DescribeClientQuotasResponse, DecodeError> {
        let response = DescribeClientQuotasResponse {
            throttle_time_ms: input.i32()?,
            error: input.error()?,
            error_message: input.nullable_string()?,
            entries: input.array(3, |input| {
                Ok(QuotaEntry {
                    entity: decode_entity(input)?,
                    values: input.array(10, |input| Ok((input.string()?, input.f64()?)))?,
                })
            })?,
        };
        input.tags()?;
        Ok(response)
    }
}

pub(super) fn decode_entity(input: &mut Reader) -> Result<QuotaEntity, DecodeError> {
    input.array(3, |input| Ok((input.string()?, input.nullable_string()?)))
}
