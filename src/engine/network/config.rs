//! What a [`Network`](super::Network) is told once, at its birth.

use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::engine::machine::LARGEST_ANSWER;

/// The options of the connections. The defaults are kafkajs's.
#[derive(Debug, Clone)]
pub struct NetworkConfig {
    /// Goes into every request header.
    pub client_id: String,
    /// TCP and TLS, for each address that is tried.
    pub connection_timeout: Duration,
    /// Bounds SASL; and, with twice the connection timeout, everything until a connection is usable: addresses, TLS, the
    /// broker's identity, ApiVersions and SASL together.
    pub authentication_timeout: Duration,
    /// KIP-368: authenticate again when no more than this is left of the session; see
    /// [`SaslConfig`].
    pub reauthentication_threshold: Duration,
    /// How long to wait for an answer, beyond what the broker may hold it back on purpose. None = for ever.
    pub request_timeout: Option<Duration>,
    /// How many unanswered requests one connection may have. None = any number.
    pub max_in_flight: Option<usize>,
    /// Ask outside for the addresses of names; see [`NetworkEvent::LookUp`](super::NetworkEvent::LookUp). Else the system.
    pub lookup: bool,
    /// TLS, or None for plain text.
    pub tls: Option<TlsConfig>,
    /// SASL, or None.
    pub sasl: Option<SaslConfig>,
    /// The largest response in bytes; anything larger is taken for garbage.
    pub max_frame: usize,
}

impl Default for NetworkConfig {
    fn default() -> NetworkConfig {
        NetworkConfig {
            client_id: "kafkajs".to_owned(),
            connection_timeout: Duration::from_secs(1),
            authentication_timeout: Duration::from_secs(10),
            reauthentication_threshold: Duration::from_secs(10),
            request_timeout: Some(Duration::from_secs(30)),
            max_in_flight: None,
            lookup: false,
            tls: None,
            sasl: None,
            max_frame: LARGEST_ANSWER as usize,
        }
    }
}

impl NetworkConfig {
    /// How long everything may take until a connection is usable: kafkajs's connect lock.
    pub(super) fn opening_timeout(&self) -> Duration {
        self.connection_timeout.saturating_mul(2).saturating_add(self.authentication_timeout)
    }
}

/// TLS as OpenSSL does it, which is as Node does it. Trust roots are the caller's business: none are built in.
#[derive(Clone)]
pub struct TlsConfig {
    /// Where all connections go instead of to the broker's host: a tunnel's end, a proxy that goes by the server name.
    pub host: Option<String>,
    /// The same of the port.
    pub port: Option<u16>,
    /// PEM, each with any number of certificates.
    pub ca: Vec<String>,
    /// Trust what OpenSSL trusts by itself, too: `SSL_CERT_FILE`, `SSL_CERT_DIR`, or its places for those.
    pub default_ca: bool,
    /// Our certificates (mutual TLS), PEM: each with its chain, leaf first, and for another kind of key.
    pub certs: Vec<String>,
    /// Their keys: PEM, not encrypted.
    pub keys: Vec<Zeroizing<String>>,
    /// Certificates with their keys, PKCS#12.
    pub pfx: Vec<Pfx>,
    /// The name to ask for and to check; None = the broker's host, or `host` where that is an IP address.
    pub servername: Option<String>,
    /// Verify the broker's certificate?
    pub reject_unauthorized: bool,
    /// Ask about the name of every broker, and not only where it is none of the certificate's alternative names; see
    /// [`NetworkEvent::CheckServerIdentity`](super::NetworkEvent::CheckServerIdentity).
    pub check_server_identity: bool,
    /// Is any certificate in `ca` a root, or those that signed themselves?
    pub allow_partial_trust_chain: bool,
    /// Lowest version.
    pub min_version: TlsVersion,
    /// Highest version.
    pub max_version: TlsVersion,
    /// OpenSSL's security level. None = its own, or that of its configuration.
    pub security_level: Option<u32>,
    /// Up to TLS 1.2, in OpenSSL's language of ciphers. None = its own.
    pub ciphers: Option<String>,
    /// TLS 1.3, names with colons between them. None = OpenSSL's own.
    pub cipher_suites: Option<String>,
    /// Groups for the key exchange, the same.
    pub groups: Option<String>,
    /// Signature algorithms, the same.
    pub signature_algorithms: Option<String>,
    /// The shortest modulus of Diffie and Hellman's that is good enough, in bits (TLS 1.2 and DHE).
    pub min_dh_size: u32,
    /// OpenSSL's `SSL_OP_` bits.
    pub options: u64,
    /// Application protocols to offer.
    pub alpn: Vec<String>,
}

impl Default for TlsConfig {
    fn default() -> TlsConfig {
        TlsConfig {
            host: None,
            port: None,
            ca: Vec::new(),
            default_ca: false,
            certs: Vec::new(),
            keys: Vec::new(),
            pfx: Vec::new(),
            servername: None,
            reject_unauthorized: true,
            check_server_identity: false,
            allow_partial_trust_chain: false,
            min_version: TlsVersion::V1_2,
            max_version: TlsVersion::V1_3,
            security_level: None,
            ciphers: None,
            cipher_suites: None,
            groups: None,
            signature_algorithms: None,
            min_dh_size: 1024,
            options: 0,
            alpn: Vec::new(),
        }
    }
}

/// A PKCS#12 file.
#[derive(Clone)]
pub struct Pfx {
    /// DER.
    pub bytes: Zeroizing<Vec<u8>>,
    /// Empty = none.
    pub passphrase: Zeroizing<String>,
}

impl fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConfig")
            .field("servername", &self.servername)
            .field("reject_unauthorized", &self.reject_unauthorized)
            .finish_non_exhaustive()
    }
}

/// A TLS version that we speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.0. OpenSSL speaks it at security level 0 alone.
    V1_0,
    /// TLS 1.1, the same.
    V1_1,
    /// TLS 1.2.
    V1_2,
    /// TLS 1.3.
    V1_3,
}

/// How to authenticate. PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 run here; for any other mechanism, and when there are no
/// credentials, the rounds are driven from outside, see
/// [`NetworkEvent::Authenticate`](super::NetworkEvent::Authenticate).
///
/// A broker that limits sessions (KIP-368) makes us authenticate again on the same connection, when
/// `reauthentication_threshold` is left of the lifetime, or at 85 % of it if the threshold is over half of it.
#[derive(Clone, Default)]
pub struct SaslConfig {
    /// Upper case.
    pub mechanism: String,
    /// What these authenticate with.
    pub credentials: Option<Credentials>,
    /// Ask outside whether there are others when a broker refuses them; see
    /// [`NetworkEvent::CredentialsRefused`](super::NetworkEvent::CredentialsRefused).
    pub may_change: bool,
}

/// Who authenticates.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// User name.
    pub username: String,
    /// Password.
    pub password: Zeroizing<String>,
    /// PLAIN: whom to act as, if not the user.
    pub authorization_identity: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

impl fmt::Debug for SaslConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaslConfig").field("mechanism", &self.mechanism).finish_non_exhaustive()
    }
}

/// An option that cannot work, found before anything is sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Invalid {field}: {message}")]
pub struct NetworkConfigError {
    /// The option as the user writes it: `ssl.ca`.
    pub field: &'static str,
    /// What is wrong, never a secret.
    pub message: String,
}
