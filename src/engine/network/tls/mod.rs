//! TLS over a TCP stream: OpenSSL, as in Node. Nothing is trusted but what the configuration brings.

mod context;
mod names;
mod verdict;

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use openssl::pkey::Id;
use openssl::x509::X509VerifyResult;
use tokio::io::BufReader;
use tokio_openssl::SslStream;

use crate::engine::machine::NetError;

use super::config::{NetworkConfigError, TlsConfig};
use super::dial::{Address, BoxStream, Stream};
use super::identity::{Identities, UnknownIdentity};
use context::{Context, invalid};
use verdict::Reason;

/// How streams are wrapped now: not at all, or by what has taken the place of what was before. Open connections keep theirs.
#[derive(Clone, Default)]
pub(super) struct Wrapping(Arc<RwLock<Option<Arc<Tls>>>>);

impl Wrapping {
    pub(super) fn current(&self) -> Option<Arc<Tls>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn replace(&self, tls: Tls) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(tls));
    }
}

/// Wraps streams as the configuration says.
pub(super) struct Tls {
    context: Context,
    host: Option<String>,
    port: Option<u16>,
    servername: Option<String>,
    names: Names,
    min_dh_size: u32,
    identities: Arc<Identities>,
}

impl Tls {
    pub(super) fn new(config: &TlsConfig, identities: Arc<Identities>) -> Result<Tls, NetworkConfigError> {
        let context = Context::new(config)?;
        let servername = config.servername.clone().filter(|name| !name.is_empty());
        if let Some(name) = &servername {
            let proof = context.connection(name);
            proof.map_err(|_| invalid("ssl.servername", "it is too long to be a name"))?;
        }
        let names = match (config.reject_unauthorized, config.check_server_identity) {
            (false, _) => Names::Any,
            (true, false) => Names::OfCertificate,
            (true, true) => Names::Outside,
        };
        Ok(Tls {
            context,
            host: config.host.clone(),
            port: config.port,
            servername,
            names,
            min_dh_size: config.min_dh_size,
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

    /// The handshake, and whether the certificate is in order.
    pub(super) async fn shake_hands<S: Stream>(
        &self,
        address: &Address,
        stream: S,
    ) -> Result<Unidentified<S>, NetError> {
        // OpenSSL reads the header and the body of each record by themselves: the buffer makes one system call of both.
        let stream = BufReader::with_capacity(READ_BUFFER, stream);
        let ssl = self.context.connection(self.servername(address));
        let stream = ssl.and_then(|ssl| SslStream::new(ssl, stream));
        let mut stream = stream.map_err(|stack| failure(address, (None, verdict::of_material(&stack))))?;
        if let Err(error) = Pin::new(&mut stream).connect().await {
            let reason = match verdict::is_end(&error) {
                true => (Some("ECONNRESET".into()), DISCONNECTED.to_owned()),
                false => verdict::of_tls(&error),
            };
            return Err(failure(address, reason));
        }
        if self.names.matter() {
            // Verification itself lets everything pass, see `Context`.
            let verdict = match stream.ssl().peer_certificate() {
                Some(_) => stream.ssl().verify_result(),
                None => X509VerifyResult::APPLICATION_VERIFICATION,
            };
            if verdict != X509VerifyResult::OK {
                return Err(failure(address, verdict::of_certificate(verdict)));
            }
        }
        let bits = stream.ssl().peer_tmp_key().ok().filter(|key| key.id() == Id::DH).map(|key| key.bits());
        if let Some(bits) = bits.filter(|bits| *bits < self.min_dh_size) {
            let message = format!("DH parameter size {bits} is less than {}", self.min_dh_size);
            return Err(failure(address, (Some("ERR_TLS_DH_PARAM_SIZE".into()), message)));
        }
        Ok(Unidentified(stream))
    }

    /// Makes sure that the broker goes by the name we know it by; what is not found in the certificate is asked outside.
    pub(super) async fn identify<S: Stream + 'static>(
        &self,
        address: &Address,
        Unidentified(stream): Unidentified<S>,
    ) -> Result<BoxStream, NetError> {
        let servername = self.servername(address);
        let is_known = match self.names {
            Names::Any => true,
            Names::OfCertificate => {
                stream.ssl().peer_certificate().is_some_and(|own| names::is_for(&own, servername))
            }
            Names::Outside => false,
        };
        if !is_known {
            let chain = stream.ssl().peer_cert_chain().into_iter().flatten();
            let chain: Vec<Bytes> = chain.filter_map(|one| one.to_der().ok()).map(Bytes::from).collect();
            let UnknownIdentity { message, code } = match self.identities.check(servername, chain).await {
                Ok(()) => return Ok(Box::new(stream)),
                Err(unknown) => unknown,
            };
            return Err(failure(address, (code.map(Into::into), message)));
        }
        Ok(Box::new(stream))
    }

    /// As in Node below kafkajs: an IP address is not sent as the server's name (SNI) if there is a better one.
    fn servername<'a>(&'a self, address: &'a Address) -> &'a str {
        let host = address.bare_host();
        let instead = self.host.as_deref().filter(|_| host.parse::<IpAddr>().is_ok());
        self.servername.as_deref().or(instead).unwrap_or(host)
    }
}

fn failure(address: &Address, (code, reason): Reason) -> NetError {
    NetError::Connect { broker: address.broker(), code, message: format!("Connection error: {reason}") }
}

/// Whose names are believed.
enum Names {
    Any,
    OfCertificate,
    Outside,
}

impl Names {
    /// Is there any point in a name, and in a certificate?
    fn matter(&self) -> bool {
        !matches!(self, Names::Any)
    }
}

/// A stream to a peer with a certificate that is in order, whosoever it is: [`Tls::identify`] comes next.
pub(super) struct Unidentified<S>(SslStream<BufReader<S>>);

const DISCONNECTED: &str = "Client network socket disconnected before secure TLS connection was established: is this a listener with TLS?";

/// Node's code and words for what broke a stream, with TLS or without.
pub(super) fn explain(error: &io::Error) -> Reason {
    verdict::of_stream(error)
}

/// Zeroed memory that the system only provides when it is used: an idle connection does not pay.
const READ_BUFFER: usize = 256 << 10;
