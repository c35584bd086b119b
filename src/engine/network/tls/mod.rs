//! TLS over a TCP stream: rustls with ring. Nothing is trusted but what the configuration brings.

mod der;
mod verify;

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::SupportedProtocolVersion;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::version::{TLS12, TLS13};
use tokio::io::BufReader;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::engine::protocol::NetError;

use super::config::{NetworkConfigError, TlsConfig, TlsVersion};
use super::dial::{Address, BoxStream, Stream, connect_error, node_code};
use super::identity::{Identities, UnknownIdentity};
use verify::Refusal;

/// Wraps streams as the configuration says.
pub(super) struct Tls {
    connector: TlsConnector,
    host: Option<String>,
    port: Option<u16>,
    servername: Option<String>,
    names: Names,
    identities: Arc<Identities>,
}

impl Tls {
    pub(super) fn new(config: &TlsConfig, identities: Arc<Identities>) -> Result<Tls, NetworkConfigError> {
        let provider = Arc::new(provider(config)?);
        let verifier = if config.reject_unauthorized {
            verify::strict(certificates("ssl.ca", &config.ca)?, provider.clone())?
        } else {
            verify::lenient(provider.clone())
        };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions(config)?)
            .map_err(|_| invalid("ssl.ciphers", "none of them is of the TLS versions that may be used"))?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut client = match (&config.cert, &config.key) {
            (Some(cert), Some(key)) => {
                let chain = certificates("ssl.cert", std::slice::from_ref(cert))?;
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|error| match error {
                    PemError::NoItemsFound => {
                        invalid("ssl.key", "no private key in PEM, or an encrypted one")
                    }
                    error => invalid("ssl.key", error),
                })?;
                builder.with_client_auth_cert(chain, key).map_err(|error| match error {
                    rustls::Error::InconsistentKeys(_) => {
                        invalid("ssl.key", "it does not belong to ssl.cert")
                    }
                    error => invalid("ssl.key", error),
                })?
            }
            (None, None) => builder.with_no_client_auth(),
            (Some(_), None) => return Err(invalid("ssl.key", "it is missing, and ssl.cert is given")),
            (None, Some(_)) => return Err(invalid("ssl.cert", "it is missing, and ssl.key is given")),
        };
        client.alpn_protocols = config.alpn.iter().map(|protocol| protocol.clone().into_bytes()).collect();
        let servername = config.servername.clone().filter(|name| !name.is_empty());
        if let Some(name) = &servername {
            ServerName::try_from(name.as_str()).map_err(|error| invalid("ssl.servername", error))?;
        }
        let names = match (config.reject_unauthorized, config.check_server_identity) {
            (false, _) => Names::Any,
            (true, false) => Names::OfCertificate,
            (true, true) => Names::Outside,
        };
        Ok(Tls {
            connector: TlsConnector::from(Arc::new(client)),
            host: config.host.clone(),
            port: config.port,
            servername,
            names,
            identities,
        })
    }

    /// Where to connect for the broker at `address`.
    pub(super) fn endpoint(&self, address: &Address) -> Address {
        Address {
            host: self.host.clone().unwrap_or_else(|| address.host.clone()),
            port: self.port.unwrap_or(address.port),
        }
    }

    /// The handshake.
    pub(super) async fn shake_hands<S: Stream>(
        &self,
        address: &Address,
        stream: S,
    ) -> Result<Unidentified<S>, NetError> {
        let name = self.name(address)?;
        // rustls reads 4 KiB at a time.
        let stream = BufReader::with_capacity(READ_BUFFER, stream);
        match self.connector.connect(name, stream).await {
            Ok(stream) => Ok(Unidentified(stream)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(connect_error(
                address,
                Some("ECONNRESET"),
                "Client network socket disconnected before secure TLS connection was established: \
                 is this a listener with TLS?",
            )),
            Err(error) => {
                let (code, reason) = explain(&error);
                Err(connect_error(address, code, reason))
            }
        }
    }

    /// Makes sure that the broker goes by the name we know it by; what rustls does not find in the certificate is asked
    /// outside.
    pub(super) async fn identify<S: Stream + 'static>(
        &self,
        address: &Address,
        Unidentified(stream): Unidentified<S>,
    ) -> Result<BoxStream, NetError> {
        let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let is_known = match self.names {
            Names::Any => true,
            Names::OfCertificate => verify::is_for(chain, &self.name(address)?),
            Names::Outside => false,
        };
        if !is_known {
            self.identities.check(self.servername(address), chain).await.map_err(
                |UnknownIdentity { message, code }| {
                    let message = format!("Connection error: {message}");
                    NetError::Connect { broker: address.broker(), code: code.map(Into::into), message }
                },
            )?;
        }
        Ok(Box::new(stream))
    }

    /// As in Node below kafkajs: an IP address is nobody's name if there is a better one.
    fn servername<'a>(&'a self, address: &'a Address) -> &'a str {
        let host = address.bare_host();
        let instead = self.host.as_deref().filter(|_| host.parse::<IpAddr>().is_ok());
        self.servername.as_deref().or(instead).unwrap_or(host)
    }

    fn name(&self, address: &Address) -> Result<ServerName<'static>, NetError> {
        let name = self.servername(address);
        ServerName::try_from(name.to_owned())
            .map_err(|error| connect_error(address, None, format_args!("{error}: {name}")))
    }
}

/// Whose names are believed.
enum Names {
    Any,
    OfCertificate,
    Outside,
}

/// A stream to a peer with a certificate that is in order, whosoever it is: [`Tls::identify`] comes next.
pub(super) struct Unidentified<S>(TlsStream<BufReader<S>>);

/// Node's code and words for what broke a stream, with TLS or without.
pub(super) fn explain(error: &io::Error) -> (Option<&'static str>, String) {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidMessage(_)) => {
            (Some("EPROTO"), "what came back is not TLS: is this a listener with TLS?".to_owned())
        }
        Some(error) => match Refusal::of(error) {
            Some(refusal) => (Some(refusal.code), refusal.message.clone()),
            None => (None, error.to_string()),
        },
        None => match node_code(error) {
            Some(code) => (Some(code), format!("read {code}")),
            None => (None, error.to_string()),
        },
    }
}

fn certificates(
    field: &'static str,
    pems: &[String],
) -> Result<Vec<CertificateDer<'static>>, NetworkConfigError> {
    let mut found = Vec::new();
    for pem in pems {
        let before = found.len();
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            found.push(certificate.map_err(|error| invalid(field, error))?);
        }
        if found.len() == before {
            return Err(invalid(field, "no certificate in PEM"));
        }
    }
    Ok(found)
}

/// ring, restricted to the suites and groups of the configuration, in their order.
fn provider(config: &TlsConfig) -> Result<CryptoProvider, NetworkConfigError> {
    let ring = ring::default_provider();
    let cipher_suites =
        chosen("ssl.ciphers", &config.cipher_suites, ring.cipher_suites, |suite| suite.suite().into())?;
    let kx_groups = chosen("ssl.ecdhCurve", &config.groups, ring.kx_groups, |group| group.name().into())?;
    Ok(CryptoProvider { cipher_suites, kx_groups, ..ring })
}

/// Those of `ours` that are `wanted`; all if nothing is.
fn chosen<T: Copy>(
    field: &'static str,
    wanted: &[u16],
    ours: Vec<T>,
    number: impl Fn(&T) -> u16,
) -> Result<Vec<T>, NetworkConfigError> {
    if wanted.is_empty() {
        return Ok(ours);
    }
    let find = |wanted: &u16| {
        let found = ours.iter().find(|one| number(one) == *wanted).copied();
        found.ok_or_else(|| invalid(field, format_args!("{wanted:#06x} is unknown")))
    };
    wanted.iter().map(find).collect()
}

fn versions(config: &TlsConfig) -> Result<Vec<&'static SupportedProtocolVersion>, NetworkConfigError> {
    let lowest = config.min_version.unwrap_or(TlsVersion::V1_2);
    let highest = config.max_version.unwrap_or(TlsVersion::V1_3);
    let versions: Vec<_> = [(TlsVersion::V1_3, &TLS13), (TlsVersion::V1_2, &TLS12)]
        .into_iter()
        .filter(|(version, _)| (lowest..=highest).contains(version))
        .map(|(_, version)| version)
        .collect();
    if versions.is_empty() {
        return Err(invalid("ssl.minVersion", "it is above ssl.maxVersion"));
    }
    Ok(versions)
}

fn invalid(field: &'static str, message: impl ToString) -> NetworkConfigError {
    NetworkConfigError { field, message: message.to_string() }
}

/// Zeroed memory that the system only provides when it is used: an idle connection does not pay.
const READ_BUFFER: usize = 256 << 10;
