//! DescribeUserScramCredentials (key 50): which users have passwords, and of which kind (KIP-554).

use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak.
pub const VERSIONS: VersionRange = VersionRange { min: 0, max: 0 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 0;

/// DescribeUserScramCredentials request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeUserScramCredentialsRequest {
    /// Their names; null = of all users.
    pub users: Option<Vec<String>>,
}

/// DescribeUserScramCredentials response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeUserScramCredentialsResponse {
    /// KIP-219 throttle.
    pub throttle_time_ms: i32,
    /// The result for the whole question.
    pub error: ErrorCode,
    /// The broker's words.
    pub error_message: Option<String>,
    /// Per user.
    pub users: Vec<DescribedUser>,
}

/// One user.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribedUser {
    /// Their name.
    pub name: String,
    /// The result.
    pub error: ErrorCode,
    /// The broker's words.
    pub error_message: Option<String>,
    /// Mechanism (1 = SCRAM-SHA-256, 2 = SCRAM-SHA-512) and iterations of each credential.
    pub credentials: Vec<(i8, i32)>,
}

impl DescribeUserScramCredentialsRequest {
    pub(crate) fn encode(&self, _version: i16, out: &mut Writer) {
        out.nullable_array(&self.users, |out, name| out.string(name));
        out.tags();
    }
}

impl DescribeUserScramCredentialsResponse {
    pub(crate) fn decode(
        _version: i16,
        input: &mut Reader,
    ) -> Result<DescribeUserScramCredentialsResponse, DecodeError> {
        let response = DescribeUserScramCredentialsResponse {
            throttle_time_ms: input.i32()?,
            error: input.error()?,
            error_message: input.nullable_string()?,
            users: input.array(6, |input| {
                Ok(DescribedUser {
                    name: input.string()?,
                    error: input.error()?,
                    error_message: input.nullable_string()?,
                    credentials: input.array(6, |input| Ok((input.i8()?, input.i32()?)))?,
                })
            })?,
        };
        input.tags()?;
        Ok(response)
    }
}
