//! SaslHandshake (key 17): choose the mechanism.

use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak; v1 = SaslAuthenticate frames follow.
pub const VERSIONS: VersionRange = VersionRange { min: 0, max: 1 };
/// Never flexible.
pub const FIRST_FLEXIBLE: i16 = i16::MAX;

/// SaslHandshake request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SaslHandshakeRequest {
    /// Upper case.
    pub mechanism: String,
}

/// SaslHandshake response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SaslHandshakeResponse {
    /// The result.
    pub error: ErrorCode,
    /// What the broker has enabled.
    pub mechanisms: Vec<String>,
}

impl SaslHandshakeRequest {
    pub(crate) fn encode(&self, _version: i16, out: &mut Writer) {
        out.string(&self.mechanism);
    }
}

impl SaslHandshakeResponse {
    pub(crate) fn decode(_version: i16, input: &mut Reader) -> Result<SaslHandshakeResponse, DecodeError> {
        Ok(SaslHandshakeResponse { error: input.error()?, mechanisms: input.strings()? })
    }
}
