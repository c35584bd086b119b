//! What a [`Network`](super::Network) is told once, at its birth.

use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

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
            tls: None,
            sasl: None,
            max_frame: 256 << 20,
        }
    }
}

impl NetworkConfig {
    /// How long everything may take until a connection is usable: kafkajs's connect lock.
    pub(super) fn opening_timeout(&self) -> Duration {
        self.connection_timeout.saturating_mul(2).saturating_add(self.authentication_timeout)
    }
}

/// TLS material, as text. Trust roots are the caller's business: none are built in.
#[derive(Clone)]
pub struct TlsConfig {
    /// Where all connections go instead of to the broker's host: a tunnel's end, a proxy that goes by the server name.
    pub host: Option<String>,
    /// The same of the port.
    pub port: Option<u16>,
    /// PEM, each with one certificate or more.
    pub ca: Vec<String>,
    /// Our certificate chain, PEM, leaf first (mutual TLS).
    pub cert: Option<String>,
    /// Its key: PKCS#8, PKCS#1 or SEC1 PEM, not encrypted.
    pub key: Option<Zeroizing<String>>,
    /// The name to ask for and to check; None = the broker's host, or `host` where that is an IP address.
    pub servername: Option<String>,
    /// Verify the broker's certificate?
    pub reject_unauthorized: bool,
    /// Ask about the name of every broker, and not only where it is none of the certificate's alternative names; see
    /// [`NetworkEvent::CheckServerIdentity`](super::NetworkEvent::CheckServerIdentity).
    pub check_server_identity: bool,
    /// Lowest version.
    pub min_version: Option<TlsVersion>,
    /// Highest version.
    pub max_version: Option<TlsVersion>,
    /// The cipher suites to offer, by their numbers at IANA, best first; empty = all that we have.
    pub cipher_suites: Vec<u16>,
    /// The same of groups for the key exchange.
    pub groups: Vec<u16>,
    /// Application protocols to offer.
    pub alpn: Vec<String>,
}

impl Default for TlsConfig {
    fn default() -> TlsConfig {
        TlsConfig {
            host: None,
            port: None,
            ca: Vec::new(),
            cert: None,
            key: None,
            servername: None,
            reject_unauthorized: true,
            check_server_identity: false,
            min_version: None,
            max_version: None,
            cipher_suites: Vec::new(),
            groups: Vec::new(),
            alpn: Vec::new(),
        }
    }
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
    /// TLS 1.2.
    V1_2,
    /// TLS 1.3.
    V1_3,
}

/// How to authenticate. PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 run here; for any other mechanism, and when there is no
/// username or password, the rounds are driven from outside, see
/// [`NetworkEvent::Authenticate`](super::NetworkEvent::Authenticate).
///
/// A broker that limits sessions (KIP-368) makes us authenticate again on the same connection, when
/// `reauthentication_threshold` is left of the lifetime, or at 85 % of it if the threshold is over half of it.
#[derive(Clone, Default)]
pub struct SaslConfig {
    /// Upper case.
    pub mechanism: String,
    /// User name.
    pub username: Option<String>,
    /// Password.
    pub password: Option<Zeroizing<String>>,
    /// PLAIN: whom to act as, if not the user.
    pub authorization_identity: Option<String>,
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
