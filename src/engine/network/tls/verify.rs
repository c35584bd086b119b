//! Whether to believe the broker's certificate, and why not, in Node's codes and words.

use std::fmt;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme};

use super::der::is_self_issued;
use super::{NetworkConfigError, invalid};

/// Verifies the chain up to one of `roots`, and the name.
pub(super) fn strict(
    roots: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, NetworkConfigError> {
    let mut store = RootCertStore::empty();
    // A system's list may hold a root that is not quite by the book; the others must still work.
    store.add_parsable_certificates(roots.iter().cloned());
    let webpki = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider)
        .build()
        .map_err(|_| invalid("ssl.ca", "no usable certificate, so no broker could be trusted"))?;
    Ok(Arc::new(Strict { webpki, roots }))
}

/// Believes any certificate (`rejectUnauthorized: false`).
pub(super) fn lenient(provider: Arc<CryptoProvider>) -> Arc<dyn ServerCertVerifier> {
    Arc::new(Lenient { schemes: provider.signature_verification_algorithms.supported_schemes() })
}

/// Why a certificate was refused; travels through rustls inside its error.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Refusal {
    /// The refusal inside an error of rustls, if it is one.
    pub(super) fn of(error: &Error) -> Option<&Refusal> {
        match error {
            Error::InvalidCertificate(CertificateError::Other(OtherError(inner))) => inner.downcast_ref(),
            _ => None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}

#[derive(Debug)]
struct Strict {
    webpki: Arc<WebPkiServerVerifier>,
    roots: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Strict {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict =
            self.webpki.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let verdict = match verdict {
            // A self-signed broker certificate that is itself in `ca`: OpenSSL is content, and `openssl req -x509`
            // marks it as a CA. webpki objects to nothing else by then, but has not looked at the name.
            Err(error) if is_ca_as_end_entity(&error) && self.roots.contains(end_entity) => {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)
                    .map(|()| ServerCertVerified::assertion())
            }
            verdict => verdict,
        };
        verdict.map_err(|error| explain(error, end_entity, intermediates, server_name))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.webpki.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.webpki.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.webpki.supported_verify_schemes()
    }
}

/// rustls passes webpki's own error on under no name of its own.
fn is_ca_as_end_entity(error: &Error) -> bool {
    matches!(error, Error::InvalidCertificate(CertificateError::Other(OtherError(inner)))
        if inner.to_string() == "CaUsedAsEndEntity")
}

fn explain(
    error: Error,
    end_entity: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    server_name: &ServerName<'_>,
) -> Error {
    let Error::InvalidCertificate(reason) = &error else { return error };
    let (code, message) = match reason {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            ("CERT_HAS_EXPIRED", "certificate has expired".to_owned())
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ("CERT_NOT_YET_VALID", "certificate is not yet valid".to_owned())
        }
        CertificateError::NotValidForName => ("ERR_TLS_CERT_ALTNAME_INVALID", wrong_name(server_name, &[])),
        CertificateError::NotValidForNameContext { presented, .. } => {
            ("ERR_TLS_CERT_ALTNAME_INVALID", wrong_name(server_name, presented))
        }
        _ if is_self_issued(end_entity) => {
            ("DEPTH_ZERO_SELF_SIGNED_CERT", untrusted("self-signed certificate"))
        }
        CertificateError::UnknownIssuer => match intermediates {
            [.., last] if is_self_issued(last) => {
                ("SELF_SIGNED_CERT_IN_CHAIN", untrusted("self-signed certificate in certificate chain"))
            }
            [_, ..] => {
                ("UNABLE_TO_GET_ISSUER_CERT_LOCALLY", untrusted("unable to get local issuer certificate"))
            }
            [] => ("UNABLE_TO_VERIFY_LEAF_SIGNATURE", untrusted("unable to verify the first certificate")),
        },
        _ => return error,
    };
    Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(Refusal { code, message }))))
}

/// Node's words, and what to do: what is missing is nearly always this.
fn untrusted(words: &str) -> String {
    format!("{words}: a CA that is not a public one belongs into ssl.ca")
}

fn wrong_name(server_name: &ServerName<'_>, presented: &[String]) -> String {
    let asked = server_name.to_str();
    let names: Vec<_> = presented.iter().map(|name| alternative_name(name)).collect();
    let reason = if let ServerName::IpAddress(_) = server_name {
        let addresses: Vec<_> = names.iter().filter_map(|name| name.strip_prefix("IP Address:")).collect();
        format!("IP: {asked} is not in the cert's list: {}", addresses.join(", "))
    } else {
        let names = match &*names {
            [] => "none (a common name alone does not count)".to_owned(),
            names => names.join(", "),
        };
        format!("Host: {asked}. is not in the cert's altnames: {names}")
    };
    format!("Hostname/IP does not match certificate's altnames: {reason}")
}

/// rustls's `DnsName("b")` and `IpAddress(::1)` as Node writes them.
fn alternative_name(name: &str) -> String {
    let within = |start| name.strip_prefix(start).and_then(|rest| rest.strip_suffix(')'));
    match (within("DnsName("), within("IpAddress(")) {
        (Some(dns), _) => format!("DNS:{}", dns.trim_matches('"')),
        (_, Some(ip)) => format!("IP Address:{ip}"),
        _ => name.to_owned(),
    }
}

#[derive(Debug)]
struct Lenient {
    schemes: Vec<SignatureScheme>,
}

/// Who believes any certificate gains nothing from checking that the peer holds its key.
impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}
