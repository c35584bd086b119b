//! Whether to believe the broker's certificate, and why not, in Node's codes and words.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme};

use super::der::is_self_issued;
use super::{NetworkConfigError, invalid};

/// Verifies the chain up to one of `roots`; whose it is, is another question.
pub(super) fn strict(
    roots: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, NetworkConfigError> {
    let mut store = RootCertStore::empty();
    // A system's list may hold a root that is not quite by the book; the others must still work.
    store.add_parsable_certificates(roots.iter().cloned());
    if store.is_empty() {
        return Err(invalid("ssl.ca", "no usable certificate, so no broker could be trusted"));
    }
    Ok(Arc::new(Strict { roots, store, algorithms: provider.signature_verification_algorithms }))
}

/// Is this chain's first certificate for `name`, by its alternative names?
pub(super) fn is_for(chain: &[CertificateDer<'_>], name: &ServerName<'_>) -> bool {
    let end_entity = chain.first().and_then(|first| ParsedCertificate::try_from(first).ok());
    end_entity.is_some_and(|end_entity| verify_server_name(&end_entity, name).is_ok())
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
    roots: Vec<CertificateDer<'static>>,
    store: RootCertStore,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Strict {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict = verify_server_cert_signed_by_trust_anchor(
            &ParsedCertificate::try_from(end_entity)?,
            &self.store,
            intermediates,
            now,
            self.algorithms.all,
        );
        match verdict {
            Ok(()) => Ok(ServerCertVerified::assertion()),
            // A self-signed broker certificate that is itself in `ca`: OpenSSL is content, and `openssl req -x509`
            // marks it as a CA. webpki objects to nothing else by then.
            Err(error) if is_ca_as_end_entity(&error) && self.roots.contains(end_entity) => {
                Ok(ServerCertVerified::assertion())
            }
            Err(error) => Err(explain(error, end_entity, intermediates)),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// rustls passes webpki's own error on under no name of its own.
fn is_ca_as_end_entity(error: &Error) -> bool {
    matches!(error, Error::InvalidCertificate(CertificateError::Other(OtherError(inner)))
        if inner.to_string() == "CaUsedAsEndEntity")
}

fn explain(error: Error, end_entity: &CertificateDer<'_>, intermediates: &[CertificateDer<'_>]) -> Error {
    let Error::InvalidCertificate(reason) = &error else { return error };
    let (code, message) = match reason {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            ("CERT_HAS_EXPIRED", "certificate has expired".to_owned())
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ("CERT_NOT_YET_VALID", "certificate is not yet valid".to_owned())
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
