//! AlterUserScramCredentials (key 51): the controller gives users passwords and takes them away (KIP-554). A password does not
//! travel: only what SCRAM makes of it.

use bytes::Bytes;

use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak.
pub const VERSIONS: VersionRange = VersionRange { min: 0, max: 0 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 0;

/// AlterUserScramCredentials request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AlterUserScramCredentialsRequest {
    /// User and mechanism of each credential to delete.
    pub deletions: Vec<(String, i8)>,
    /// Credentials to make or to replace.
    pub upsertions: Vec<ScramCredential>,
}

/// One credential.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ScramCredential {
    /// The user.
    pub name: String,
    /// 1 = SCRAM-SHA-256, 2 = SCRAM-SHA-512.
    pub mechanism: i8,
    /// How often the password was hashed.
    pub iterations: i32,
    /// The salt.
    pub salt: Bytes,
    /// The salted password.
    pub salted_password: Bytes,
}

/// AlterUserScramCredentials response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AlterUserScramCredentialsResponse {
    /// KIP-219 throttle.
    pub throttle_time_ms: i32,
    /// Per user.
    pub users: Vec<AlteredUser>,
}

/// What became of one user's credentials.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AlteredUser {
    /// The user.
    pub name: String,
    /// The result.
    pub error: ErrorCode,
    /// The broker's words.
    pub error_message: Option<String>,
}

impl AlterUserScramCredentialsRequest {
    pub(crate) fn encode(&self, _version: i16, out: &mut Writer) {
        out.array(&self.deletions, |out, (name, mechanism)| {
            out.string(name);
            out.i8(*mechanism);
        });
        out.array(&self.upsertions, |out, credential| {
            out.string(&credential.name);
            out.i8(credential.mechanism);
            out.i32(credential.iterations);
            out.bytes(&credential.salt);
            out.bytes(&credential.salted_password);
        });
        out.tags();
    }
}

impl AlterUserScramCredentialsResponse {
    pub(crate) fn decode(
        _version: i16,
        input: &mut Reader,
    ) -> Result<AlterUserScramCredentialsResponse, DecodeError> {
        let response = AlterUserScramCredentialsResponse {
            throttle_time_ms: input.i32()?,
            users: input.array(5, |input| {
                Ok(AlteredUser {
                    name: input.string()?,
                    error: input.error()?,
                    error_message: input.nullable_string()?,
                })
            })?,
        };
        input.tags()?;
        Ok(response)
    }
}
