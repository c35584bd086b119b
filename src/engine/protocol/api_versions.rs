//! ApiVersions (key 18): what the broker speaks. The response header is always v0, and a broker that does not know
//! our version answers error 35 in the v0 body.

use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak.
pub const VERSIONS: VersionRange = VersionRange { min: 0, max: 4 };
/// What a connection begins with. Version 4 says more of the features, which nobody reads there, and a broker that does not know it may
/// close the connection instead of saying so (Azure Event Hubs).
pub const HANDSHAKE: i16 = 3;
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 3;
/// The feature that says which transactions the cluster speaks: from 2 on those of KIP-890.
pub const TRANSACTION_VERSION: &str = "transaction.version";

/// ApiVersions request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ApiVersionsRequest {
    /// KIP-511 (v3): matches `[A-Za-z0-9](?:[A-Za-z0-9\-.]*[A-Za-z0-9])?`.
    pub client_software_name: String,
    /// KIP-511 (v3).
    pub client_software_version: String,
}

/// ApiVersions response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ApiVersionsResponse {
    /// The result.
    pub error: ErrorCode,
    /// Raw key → versions; keys that we do not know are kept.
    pub apis: Vec<(i16, VersionRange)>,
    /// KIP-219 throttle (v1).
    pub throttle_time_ms: i32,
    /// KIP-584 (v3): features that the broker can have, and in which levels.
    pub supported_features: Vec<Feature>,
    /// KIP-584 (v3): features that the cluster has. Right as of this epoch, -1 when there is none.
    pub finalized_features_epoch: i64,
    /// See there: `max` is the level that is in force.
    pub finalized_features: Vec<Feature>,
}

/// One feature of the cluster: `transaction.version`, `group.version`, …
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// Lowest level.
    pub min: i16,
    /// Highest level.
    pub max: i16,
}

impl ApiVersionsRequest {
    pub(crate) fn encode(&self, version: i16, out: &mut Writer) {
        if version >= 3 {
            out.string(&self.client_software_name);
            out.string(&self.client_software_version);
        }
        out.tags();
    }
}

impl ApiVersionsResponse {
    /// The level of a feature that the cluster has, 0 when there is none.
    pub fn finalized_feature(&self, name: &str) -> i16 {
        let feature = self.finalized_features.iter().find(|feature| feature.name == name);
        feature.map_or(0, |feature| feature.max)
    }

    pub(crate) fn decode(version: i16, input: &mut Reader) -> Result<ApiVersionsResponse, DecodeError> {
        let error = input.error()?;
        let refused = error == ErrorCode::UNSUPPORTED_VERSION;
        let version = if refused { 0 } else { version };
        input.set_flexible(version >= FIRST_FLEXIBLE);

        let mut response = ApiVersionsResponse {
            error,
            apis: input.array(6, |input| {
                Ok((input.i16()?, VersionRange { min: input.i16()?, max: input.i16()? }))
            })?,
            throttle_time_ms: if version >= 1 { input.i32()? } else { 0 },
            supported_features: Vec::new(),
            finalized_features_epoch: -1,
            finalized_features: Vec::new(),
        };
        input.known_tags(|tag, input| {
            match tag {
                0 => {
                    response.supported_features = input.array(6, |input| {
                        Ok(Feature { name: input.string()?, min: input.i16()?, max: input.i16()? })
                    })?;
                }
                1 => response.finalized_features_epoch = input.i64()?,
                2 => {
                    response.finalized_features = input.array(6, |input| {
                        Ok(Feature { name: input.string()?, max: input.i16()?, min: input.i16()? })
                    })?;
                }
                _ => {}
            }
            Ok(())
        })?;
        Ok(response)
    }
}
