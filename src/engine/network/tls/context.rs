//! From the configuration to what all connections share: whom to trust, what to offer, what to show.

use openssl::error::ErrorStack;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{
    Ssl, SslContext, SslContextBuilder, SslMethod, SslMode, SslOptions, SslRef, SslVerifyMode, SslVersion,
};
use openssl::x509::X509;
use openssl::x509::store::{X509Store, X509StoreBuilder};
use openssl::x509::verify::X509VerifyFlags;

use crate::engine::network::config::{NetworkConfigError, TlsConfig, TlsVersion};

use super::verdict::of_material;

type Result<T> = std::result::Result<T, NetworkConfigError>;

/// Makes the client's side of connections.
pub(super) struct Context {
    context: SslContext,
    identity: Identity,
}

impl Context {
    pub(super) fn new(config: &TlsConfig) -> Result<Context> {
        refuse_nul(config)?;
        let builder = SslContextBuilder::new(SslMethod::tls_client());
        let mut builder = builder.map_err(|stack| invalid("ssl", of_material(&stack)))?;
        builder.set_mode(
            SslMode::AUTO_RETRY | SslMode::ENABLE_PARTIAL_WRITE | SslMode::ACCEPT_MOVING_WRITE_BUFFER,
        );
        // Without renegotiation a certificate cannot change after it was judged. A peer that closes without close_notify is no error here,
        // because a frame that is cut short is noticed by its length.
        let always = SslOptions::NO_RENEGOTIATION | SslOptions::IGNORE_UNEXPECTED_EOF;
        builder.set_options(always | SslOptions::from_bits_retain(config.options));
        offer(&mut builder, config)?;
        let mut identity = Identity::read(config)?;
        builder.set_cert_store(trust(config, &identity)?);
        // The callback lets each objection pass, so OpenSSL verifies on and keeps the last objection, as in Node. `Tls::shake_hands` asks
        // for it.
        match config.reject_unauthorized {
            true => builder.set_verify_callback(SslVerifyMode::PEER, |_, _| true),
            false => builder.set_verify(SslVerifyMode::NONE),
        }
        identity.issuers.clear();
        let context = Context { context: builder.build(), identity };
        context.identity.prove(&context.context)?;
        Ok(context)
    }

    /// A connection to `servername`, of which IP addresses are not told to the peer.
    pub(super) fn connection(&self, servername: &str) -> std::result::Result<Ssl, ErrorStack> {
        let mut ssl = Ssl::new(&self.context)?;
        self.identity.show(&mut ssl).map_err(|(_, stack)| stack)?;
        if servername.parse::<std::net::IpAddr>().is_err() && !servername.contains('\0') {
            ssl.set_hostname(servername)?;
        }
        Ok(ssl)
    }
}

/// Versions, ciphers, groups, signatures.
fn offer(builder: &mut SslContextBuilder, config: &TlsConfig) -> Result<()> {
    let in_field = |field| move |stack: ErrorStack| invalid(field, of_material(&stack));
    if let Some(level) = config.security_level {
        builder.set_security_level(level);
    }
    if config.min_version > config.max_version {
        return Err(invalid("ssl.minVersion", "it is above ssl.maxVersion"));
    }
    builder.set_min_proto_version(Some(number(config.min_version))).map_err(in_field("ssl.minVersion"))?;
    builder.set_max_proto_version(Some(number(config.max_version))).map_err(in_field("ssl.maxVersion"))?;
    if let Some(suites) = &config.cipher_suites {
        builder.set_ciphersuites(suites).map_err(in_field("ssl.ciphers"))?;
    }
    if let Some(ciphers) = &config.ciphers {
        // OpenSSL objects to a list that is about TLS 1.3 alone, and takes it nevertheless.
        let result = builder.set_cipher_list(ciphers);
        if !ciphers.is_empty() {
            result.map_err(in_field("ssl.ciphers"))?;
        }
    }
    if let Some(groups) = &config.groups {
        builder.set_groups_list(groups).map_err(in_field("ssl.ecdhCurve"))?;
    }
    if let Some(algorithms) = &config.signature_algorithms {
        builder.set_sigalgs_list(algorithms).map_err(in_field("ssl.sigalgs"))?;
    }
    if !config.alpn.is_empty() {
        let mut list = Vec::new();
        for protocol in &config.alpn {
            let length =
                u8::try_from(protocol.len()).map_err(|_| invalid("ssl.ALPNProtocols", "one is too long"))?;
            list.push(length);
            list.extend_from_slice(protocol.as_bytes());
        }
        builder.set_alpn_protos(&list).map_err(in_field("ssl.ALPNProtocols"))?;
    }
    Ok(())
}

fn number(version: TlsVersion) -> SslVersion {
    match version {
        TlsVersion::V1_0 => SslVersion::TLS1,
        TlsVersion::V1_1 => SslVersion::TLS1_1,
        TlsVersion::V1_2 => SslVersion::TLS1_2,
        TlsVersion::V1_3 => SslVersion::TLS1_3,
    }
}

/// Those whom the configuration names. Without verification they may be any old text, and still lead to our own issuer.
fn trust(config: &TlsConfig, identity: &Identity) -> Result<X509Store> {
    let in_ca = |stack: ErrorStack| invalid("ssl.ca", of_material(&stack));
    let mut store = X509StoreBuilder::new().map_err(in_ca)?;
    let mut is_empty = true;
    for pem in &config.ca {
        for certificate in certificates(pem) {
            store.add_cert(certificate).map_err(in_ca)?;
            is_empty = false;
        }
    }
    for issuer in &identity.issuers {
        store.add_cert(issuer.clone()).map_err(in_ca)?;
    }
    if config.default_ca {
        store.set_default_paths().map_err(in_ca)?;
        is_empty = false;
    }
    if is_empty && config.reject_unauthorized {
        return Err(invalid("ssl.ca", "no usable certificate, so no broker could be trusted"));
    }
    if config.allow_partial_trust_chain {
        store.set_flags(X509VerifyFlags::PARTIAL_CHAIN).map_err(in_ca)?;
    }
    Ok(store.build())
}

/// The certificates in a text. A system's list may hold one that is not quite by the book: the others must still work.
fn certificates(pem: &str) -> Vec<X509> {
    let mut found = Vec::new();
    let mut rest = pem;
    while let Some(end) = rest.find(END) {
        let after = rest.get(end + END.len()..).unwrap_or_default();
        let line = after.find('\n').map_or(after.len(), |at| at + 1);
        let (block, others) = rest.split_at(rest.len() - after.len() + line);
        found.extend(X509::stack_from_pem(block.as_bytes()).unwrap_or_default());
        rest = others;
    }
    found
}

/// What we show of ourselves: certificates with their chains, each for its kind of key, as Node adds them.
struct Identity {
    chains: Vec<Chain>,
    keys: Vec<PKey<Private>>,
    /// Certificates that came with ours in a file, and are trusted as in Node.
    issuers: Vec<X509>,
}

/// A certificate, its issuers, and its key if it came with one.
struct Chain {
    field: &'static str,
    certificate: X509,
    issuers: Vec<X509>,
    key: Option<PKey<Private>>,
}

impl Identity {
    fn read(config: &TlsConfig) -> Result<Identity> {
        let mut chains = Vec::new();
        for pem in &config.certs {
            let mut found = X509::stack_from_pem(pem.as_bytes())
                .map_err(|stack| invalid("ssl.cert", of_material(&stack)))?
                .into_iter();
            let certificate = found.next().ok_or_else(|| invalid("ssl.cert", "no certificate in PEM"))?;
            chains.push(Chain { field: "ssl.key", certificate, issuers: found.collect(), key: None });
        }
        let mut keys = Vec::new();
        for pem in &config.keys {
            // With a passphrase, or OpenSSL would ask the terminal for it.
            let key = PKey::private_key_from_pem_passphrase(pem.as_bytes(), b"");
            keys.push(key.map_err(|_| invalid("ssl.key", "no private key in PEM, or an encrypted one"))?);
        }
        if keys.is_empty() && !chains.is_empty() {
            return Err(invalid("ssl.key", "it is missing, and ssl.cert is given"));
        }
        if chains.is_empty() && !keys.is_empty() {
            return Err(invalid("ssl.cert", "it is missing, and ssl.key is given"));
        }
        let mut trusted = Vec::new();
        for pfx in &config.pfx {
            let in_pfx =
                |stack: ErrorStack| invalid("ssl.pfx", format_args!("cannot be read: {}", of_pfx(&stack)));
            let parsed =
                Pkcs12::from_der(&pfx.bytes).map_err(in_pfx)?.parse2(&pfx.passphrase).map_err(in_pfx)?;
            let issuers: Vec<X509> = parsed.ca.into_iter().flatten().collect();
            trusted.extend(issuers.iter().cloned());
            match (parsed.cert, parsed.pkey) {
                (Some(certificate), Some(key)) => {
                    chains.push(Chain { field: "ssl.pfx", certificate, issuers, key: Some(key) });
                }
                _ => return Err(invalid("ssl.pfx", "cannot be read: it has no certificate with its key")),
            }
        }
        Ok(Identity { chains, keys, issuers: trusted })
    }

    /// Certificates first: one that comes later makes OpenSSL forget the key.
    fn show(&self, ssl: &mut SslRef) -> std::result::Result<(), (&'static str, ErrorStack)> {
        let (files, texts): (Vec<_>, Vec<_>) = self.chains.iter().partition(|chain| chain.key.is_some());
        for chain in texts {
            chain.show(ssl)?;
        }
        for key in &self.keys {
            ssl.set_private_key(key).map_err(|stack| ("ssl.key", stack))?;
        }
        for chain in files {
            chain.show(ssl)?;
        }
        Ok(())
    }

    /// Finds out whether that will work.
    fn prove(&self, context: &SslContext) -> Result<()> {
        let mut ssl = Ssl::new(context).map_err(|stack| invalid("ssl", of_material(&stack)))?;
        self.show(&mut ssl).map_err(|(field, stack)| {
            let is_mismatch = stack.errors().iter().any(|error| error.reason_code() == KEY_VALUES_MISMATCH);
            match is_mismatch && field == "ssl.key" {
                true => foreign_key(),
                false => invalid(field, of_material(&stack)),
            }
        })?;
        // OpenSSL compares no key with a certificate of another kind: none would be shown, and nobody would know why.
        let mut texts = self.chains.iter().filter(|chain| chain.key.is_none()).peekable();
        let is_used = texts.peek().is_none() || texts.any(|chain| chain.fits(&self.keys));
        if is_used { Ok(()) } else { Err(foreign_key()) }
    }
}

fn foreign_key() -> NetworkConfigError {
    invalid("ssl.key", "it does not belong to ssl.cert")
}

impl Chain {
    /// Is the certificate's key among these?
    fn fits(&self, keys: &[PKey<Private>]) -> bool {
        let public = self.certificate.public_key();
        public.is_ok_and(|public| keys.iter().any(|key| public.public_eq(key)))
    }

    fn show(&self, ssl: &mut SslRef) -> std::result::Result<(), (&'static str, ErrorStack)> {
        let mut show = || {
            ssl.set_certificate(&self.certificate)?;
            for issuer in &self.issuers {
                ssl.add_chain_cert(issuer.clone())?;
            }
            match &self.key {
                Some(key) => ssl.set_private_key(key),
                None => Ok(()),
            }
        };
        show().map_err(|stack| (self.field, stack))
    }
}

/// OpenSSL says little about a wrong passphrase.
fn of_pfx(stack: &ErrorStack) -> String {
    let is_wrong = stack.errors().iter().any(|error| error.reason_code() == MAC_VERIFY_FAILURE);
    if is_wrong { "the passphrase is wrong".to_owned() } else { of_material(stack) }
}

/// NUL would end a string early in C, and the wrappers panic.
fn refuse_nul(config: &TlsConfig) -> Result<()> {
    let texts = [
        ("ssl.ciphers", &config.ciphers),
        ("ssl.ciphers", &config.cipher_suites),
        ("ssl.ecdhCurve", &config.groups),
        ("ssl.sigalgs", &config.signature_algorithms),
        ("ssl.servername", &config.servername),
    ];
    let texts = texts.into_iter().filter_map(|(field, text)| Some((field, text.as_deref()?)));
    let passphrases = config.pfx.iter().map(|pfx| ("ssl.passphrase", pfx.passphrase.as_str()));
    match texts.chain(passphrases).find(|(_, text)| text.contains('\0')) {
        Some((field, _)) => Err(invalid(field, "it has a NUL character in it")),
        None => Ok(()),
    }
}

pub(super) fn invalid(field: &'static str, message: impl ToString) -> NetworkConfigError {
    NetworkConfigError { field, message: message.to_string() }
}

const END: &str = "-----END ";
/// `X509_R_KEY_VALUES_MISMATCH`
const KEY_VALUES_MISMATCH: i32 = 116;
/// `PKCS12_R_MAC_VERIFY_FAILURE`
const MAC_VERIFY_FAILURE: i32 = 113;
