//! SCRAM (RFC 5802, RFC 7677), the client's side: three messages and the proof that the server knows the password too.
//! Pure: the nonce is given, the slow part is a function of its own.
//!
//! ```text
//! ClientFirst ──message──► server
//!   challenge ◄─server first─┘          nonce, salt and iterations are checked
//!      ├─ salted_password (slow)
//! ClientFinal ──message──► server
//!      verify ◄─server final─┘
//! ```

use std::fmt;
use std::num::NonZeroU32;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::{digest, hmac, pbkdf2};
use zeroize::Zeroizing;

/// The hash that gives the mechanism its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha512,
}

impl Hash {
    /// As kafkajs writes it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Hash::Sha256 => "SHA256",
            Hash::Sha512 => "SHA512",
        }
    }

    fn hmac(self) -> hmac::Algorithm {
        match self {
            Hash::Sha256 => hmac::HMAC_SHA256,
            Hash::Sha512 => hmac::HMAC_SHA512,
        }
    }

    fn digest(self) -> &'static digest::Algorithm {
        match self {
            Hash::Sha256 => &digest::SHA256,
            Hash::Sha512 => &digest::SHA512,
        }
    }

    fn pbkdf2(self) -> pbkdf2::Algorithm {
        match self {
            Hash::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
            Hash::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
        }
    }
}

/// What the server did wrong, in kafkajs's words where it has some.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ScramError {
    #[error("Invalid server first message")]
    ServerFirst,
    #[error("Invalid server nonce, it does not start with the client nonce")]
    Nonce,
    #[error("Requested iterations {0} is less than the minimum {MIN_ITERATIONS}")]
    TooFewIterations(u32),
    #[error("Requested iterations {0} is more than the maximum {MAX_ITERATIONS}")]
    TooManyIterations(u32),
    /// The server's own words.
    #[error("{0}")]
    Refused(String),
    #[error("Invalid server signature in server final message")]
    Signature,
}

/// The exchange before the server has spoken.
pub(super) struct ClientFirst {
    hash: Hash,
    nonce: String,
    bare: String,
}

impl ClientFirst {
    /// `nonce`: printable, without commas, never used before.
    pub(super) fn new(hash: Hash, username: &str, nonce: String) -> ClientFirst {
        let username = username.replace('=', "=3D").replace(',', "=2C");
        let bare = format!("n={username},r={nonce}");
        ClientFirst { hash, nonce, bare }
    }

    /// For the server.
    pub(super) fn message(&self) -> String {
        format!("{GS2_HEADER}{}", self.bare)
    }

    /// Takes the server's first message.
    pub(super) fn challenge(self, server_first: &[u8]) -> Result<Challenge, ScramError> {
        let server_first = std::str::from_utf8(server_first).map_err(|_| ScramError::ServerFirst)?;
        if let Some(refusal) = attribute(server_first, "e=") {
            return Err(ScramError::Refused(refusal.to_owned()));
        }
        // RFC 5802: an extension that must be understood, and is not.
        if attribute(server_first, "m=").is_some() {
            return Err(ScramError::ServerFirst);
        }
        let field = |name| attribute(server_first, name).ok_or(ScramError::ServerFirst);
        let nonce = field("r=")?;
        match nonce.strip_prefix(&self.nonce) {
            Some(theirs) if !theirs.is_empty() => {}
            _ => return Err(ScramError::Nonce),
        }
        let salt = STANDARD.decode(field("s=")?).map_err(|_| ScramError::ServerFirst)?;
        let iterations: NonZeroU32 = field("i=")?.parse().map_err(|_| ScramError::ServerFirst)?;
        match iterations.get() {
            few @ ..MIN_ITERATIONS => return Err(ScramError::TooFewIterations(few)),
            many if many > MAX_ITERATIONS => return Err(ScramError::TooManyIterations(many)),
            _ => {}
        }
        let without_proof = format!("c={},r={nonce}", STANDARD.encode(GS2_HEADER));
        let auth_message = format!("{},{server_first},{without_proof}", self.bare);
        Ok(Challenge { hash: self.hash, salt, iterations, without_proof, auth_message })
    }
}

/// What the server asks for.
#[derive(PartialEq)]
pub(super) struct Challenge {
    hash: Hash,
    pub(super) salt: Vec<u8>,
    pub(super) iterations: NonZeroU32,
    without_proof: String,
    auth_message: String,
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Challenge").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}

impl Challenge {
    /// Proves the password. `salted` is [`salted_password`] for this salt and these iterations.
    pub(super) fn answer(self, salted: &[u8]) -> ClientFinal {
        let salted = hmac::Key::new(self.hash.hmac(), salted);
        let client_key = hmac::sign(&salted, b"Client Key");
        let stored_key = digest::digest(self.hash.digest(), client_key.as_ref());
        let client_signature =
            hmac::sign(&hmac::Key::new(self.hash.hmac(), stored_key.as_ref()), self.auth_message.as_bytes());
        let proof: Vec<u8> =
            client_key.as_ref().iter().zip(client_signature.as_ref()).map(|(key, sign)| key ^ sign).collect();
        let server_key = hmac::sign(&salted, b"Server Key");
        ClientFinal {
            message: format!("{},p={}", self.without_proof, STANDARD.encode(proof)),
            server_key: hmac::Key::new(self.hash.hmac(), server_key.as_ref()),
            auth_message: self.auth_message,
        }
    }
}

/// Our last message, and what the server's must prove.
pub(super) struct ClientFinal {
    /// For the server.
    pub(super) message: String,
    server_key: hmac::Key,
    auth_message: String,
}

impl ClientFinal {
    /// Takes the server's last message. Compares in constant time.
    pub(super) fn verify(&self, server_final: &[u8]) -> Result<(), ScramError> {
        let server_final = std::str::from_utf8(server_final).map_err(|_| ScramError::Signature)?;
        if let Some(refusal) = attribute(server_final, "e=") {
            return Err(ScramError::Refused(refusal.to_owned()));
        }
        let signature = attribute(server_final, "v=").and_then(|signature| STANDARD.decode(signature).ok());
        let signature = signature.ok_or(ScramError::Signature)?;
        hmac::verify(&self.server_key, self.auth_message.as_bytes(), &signature)
            .map_err(|_| ScramError::Signature)
    }
}

/// PBKDF2: takes milliseconds to a second of a core.
pub(super) fn salted_password(
    hash: Hash,
    password: &str,
    salt: &[u8],
    iterations: NonZeroU32,
) -> Zeroizing<Vec<u8>> {
    let mut salted = Zeroizing::new(vec![0; hash.digest().output_len()]);
    pbkdf2::derive(hash.pbkdf2(), iterations, salt, password.as_bytes(), &mut salted);
    salted
}

fn attribute<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    message.split(',').find_map(|part| part.strip_prefix(name))
}

/// No channel binding, no authorization identity.
const GS2_HEADER: &str = "n,,";
/// RFC 7677's floor, and kafkajs's.
const MIN_ITERATIONS: u32 = 4096;
/// A hostile server must not make us compute for hours.
const MAX_ITERATIONS: u32 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 7677, section 3.
    const NONCE: &str = "rOprNGfwEbeRWgbNEkqO";
    const SERVER_FIRST: &str =
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    const CLIENT_FINAL: &str = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                                p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    const SERVER_FINAL: &str = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

    fn first(username: &str) -> ClientFirst {
        ClientFirst::new(Hash::Sha256, username, NONCE.to_owned())
    }

    fn answer(hash: Hash, server_first: &str) -> ClientFinal {
        let challenge =
            ClientFirst::new(hash, "user", NONCE.to_owned()).challenge(server_first.as_bytes()).unwrap();
        let salted = salted_password(hash, "pencil", &challenge.salt, challenge.iterations);
        challenge.answer(&salted)
    }

    #[test]
    fn the_exchange_of_rfc_7677() {
        assert_eq!(first("user").message(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let last = answer(Hash::Sha256, SERVER_FIRST);
        assert_eq!(last.message, CLIENT_FINAL);
        assert_eq!(last.verify(SERVER_FINAL.as_bytes()), Ok(()));
        // Extensions may follow.
        assert_eq!(last.verify(format!("{SERVER_FINAL},x=y").as_bytes()), Ok(()));
    }

    #[test]
    fn sha_512_makes_another_proof_of_its_own_size() {
        let last = answer(Hash::Sha512, SERVER_FIRST);
        let proof = last.message.rsplit_once("p=").unwrap().1;
        assert_eq!(STANDARD.decode(proof).unwrap().len(), 64);
        assert_eq!(last.verify(SERVER_FINAL.as_bytes()), Err(ScramError::Signature));
        let signature = hmac::sign(&last.server_key, last.auth_message.as_bytes());
        let server_final = format!("v={}", STANDARD.encode(signature));
        assert_eq!(last.verify(server_final.as_bytes()), Ok(()));
    }

    #[test]
    fn a_server_that_does_not_know_the_password_is_not_believed() {
        let last = answer(Hash::Sha256, SERVER_FIRST);
        let mut wrong = SERVER_FINAL.to_owned().into_bytes();
        wrong[5] ^= 1;
        for server_final in [&wrong[..], b"v=", b"", b"v=!", b"v=6rri", b"\xff"] {
            assert_eq!(last.verify(server_final), Err(ScramError::Signature));
        }
        let refused = last.verify(b"e=invalid-proof");
        assert_eq!(refused, Err(ScramError::Refused("invalid-proof".to_owned())));
    }

    #[test]
    fn a_username_is_escaped() {
        assert_eq!(first("a=b,c").message(), format!("n,,n=a=3Db=2Cc,r={NONCE}"));
    }

    #[test]
    fn the_servers_first_message_is_checked() {
        let with =
            |nonce: &str, iterations: &str| format!("r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i={iterations}");
        let ours_and_more = format!("{NONCE}more");
        for (server_first, error) in [
            (with("other", "4096"), ScramError::Nonce),
            (with(NONCE, "4096"), ScramError::Nonce),
            (with(&format!("x{ours_and_more}"), "4096"), ScramError::Nonce),
            (with(&ours_and_more, "4095"), ScramError::TooFewIterations(4095)),
            (with(&ours_and_more, "1000001"), ScramError::TooManyIterations(1_000_001)),
            (with(&ours_and_more, "0"), ScramError::ServerFirst),
            (with(&ours_and_more, "-1"), ScramError::ServerFirst),
            (with(&ours_and_more, "99999999999"), ScramError::ServerFirst),
            (format!("m=x,{SERVER_FIRST}"), ScramError::ServerFirst),
            (format!("r={ours_and_more},s=***,i=4096"), ScramError::ServerFirst),
            (format!("r={ours_and_more},i=4096"), ScramError::ServerFirst),
            ("e=unknown-user".to_owned(), ScramError::Refused("unknown-user".to_owned())),
            (String::new(), ScramError::ServerFirst),
        ] {
            assert_eq!(first("user").challenge(server_first.as_bytes()), Err(error), "{server_first}");
        }
    }

    proptest! {
        #[test]
        fn no_message_of_the_server_panics(message: Vec<u8>, text in "[rsiev=,a-z0-9+/]{0,80}") {
            let _ = first("user").challenge(&message);
            let _ = first("user").challenge(text.as_bytes());
        }
    }
}
