//! SaslAuthenticate (key 36): one round of the mechanism.

use bytes::Bytes;

use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak; v1 = session lifetime (KIP-368).
pub const VERSIONS: VersionRange = VersionRange { min: 0, max: 2 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 2;

/// SaslAuthenticate request.
#[derive(Clone, PartialEq, Default)]
pub struct SaslAuthenticateRequest {
    /// The client's message. Secret: `Debug` does not show it.
    pub auth_bytes: Bytes,
}

impl std::fmt::Debug for SaslAuthenticateRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SaslAuthenticateRequest { .. }")
    }
}

/// SaslAuthenticate response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SaslAuthenticateResponse {
    /// The result.
    pub error: ErrorCode,
    /// The broker's words.
    pub error_message: Option<String>,
    /// The server's message.
    pub auth_bytes: Bytes,
    /// When to authenticate again, in ms; 0 = never (v1).
    pub session_lifetime_ms: i64,
}

impl SaslAuthenticateRequest {
    pub(crate) fn encode(&self, _version: i16, out: &mut Writer) {
        out.bytes(&self.auth_bytes);
        out.tags();
    }
}

impl SaslAuthenticateResponse {
    pub(crate) fn decode(version: i16, input: &mut Reader) -> Result<SaslAuthenticateResponse, DecodeError> {
        let response = SaslAuthenticateResponse {
            error: input.error()?,
            error_message: input.nullable_string()?,
            auth_bytes: input.bytes()?,
            session_lifetime_ms: if version >= 1 { input.i64()? } else { 0 },
        };
        input.tags()?;
        Ok(response)
    }
}
