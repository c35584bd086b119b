//! TLS over streams in memory, against a rustls server with certificates made on the spot.

use std::sync::Arc;

use base64::Engine;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use zeroize::Zeroizing;

use crate::engine::network::dial::{Address, BoxStream};
use crate::engine::network::tls::Tls;
use crate::engine::network::{Network, NetworkConfig, TlsConfig, TlsVersion};
use crate::engine::protocol::NetError;

type Ca = CertifiedIssuer<'static, KeyPair>;

/// A broker's or a client's identity.
struct Identity {
    chain: Vec<CertificateDer<'static>>,
    chain_pem: String,
    key: KeyPair,
}

fn ca(name: &str) -> Ca {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate for `names`, changed by `change`, signed by `ca` or by itself.
fn identity(ca: Option<&Ca>, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Identity {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, "broker");
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let certificate = match ca {
        Some(ca) => params.signed_by(&key, ca).unwrap(),
        None => params.self_signed(&key).unwrap(),
    };
    Identity { chain: vec![certificate.der().clone()], chain_pem: certificate.pem(), key }
}

/// Shakes hands as `host` with a broker that holds `broker`, and says something both ways.
async fn connect(
    tls: &TlsConfig,
    host: &str,
    broker: &Identity,
    clients: Option<&Ca>,
) -> Result<(), (Option<&'static str>, String)> {
    let (ours, theirs) = tokio::io::duplex(1 << 10);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(ca) => {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(ca.der().clone()).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
    };
    let key = PrivatePkcs8KeyDer::from(broker.key.serialize_der());
    let server = builder.with_single_cert(broker.chain.clone(), key.into()).unwrap();
    let serving = tokio::spawn(async move {
        let mut stream = TlsAcceptor::from(Arc::new(server)).accept(theirs).await?;
        let mut asked = [0; 4];
        stream.read_exact(&mut asked).await?;
        stream.write_all(&asked).await?;
        stream.shutdown().await
    });
    let address = Address { host: host.to_owned(), port: 9093 };
    let result = match Tls::new(tls).unwrap().wrap(&address, ours).await {
        Ok(stream) => echo(stream).await,
        Err(NetError::Connect { code, message, broker }) => {
            assert_eq!(broker, address.broker());
            Err((code, message))
        }
        Err(other) => panic!("{other:?}"),
    };
    let _ = serving.await.unwrap();
    result
}

async fn echo(mut stream: BoxStream) -> Result<(), (Option<&'static str>, String)> {
    let mut heard = [0; 4];
    let said = async {
        stream.write_all(b"ping").await?;
        stream.flush().await?;
        stream.read_exact(&mut heard).await
    };
    said.await.map_err(|error| (None, error.to_string()))?;
    assert_eq!(&heard, b"ping");
    Ok(())
}

fn untrusted(words: &str) -> String {
    format!("Connection error: {words}: a CA that is not a public one belongs into ssl.ca")
}

fn trusting(pem: &str) -> TlsConfig {
    TlsConfig { ca: vec![pem.to_owned()], ..TlsConfig::default() }
}

fn code(result: Result<(), (Option<&'static str>, String)>) -> &'static str {
    result.unwrap_err().0.unwrap()
}

#[tokio::test]
async fn a_certificate_must_be_for_the_broker_and_from_a_trusted_ca() {
    let (ours, other) = (ca("ours"), ca("other"));
    let broker = identity(Some(&ours), &["broker.example", "127.0.0.1", "::1"], |_| {});
    let config = trusting(&ours.pem());
    for host in ["broker.example", "127.0.0.1", "::1", "[::1]"] {
        assert_eq!(connect(&config, host, &broker, None).await, Ok(()), "{host}");
    }
    // Several certificates in one text, and texts beside it.
    let several =
        TlsConfig { ca: vec![other.pem(), format!("{}\n{}", other.pem(), ours.pem())], ..config.clone() };
    assert_eq!(connect(&several, "broker.example", &broker, None).await, Ok(()));

    let (code_, message) = connect(&config, "elsewhere", &broker, None).await.unwrap_err();
    assert_eq!(code_, Some("ERR_TLS_CERT_ALTNAME_INVALID"));
    assert!(
        message.starts_with(
            "Connection error: Hostname/IP does not match certificate's altnames: Host: elsewhere. is not in the \
             cert's altnames: DNS:broker.example, IP Address:127.0.0.1, IP Address:"
        ),
        "{message}"
    );
    let (code_, message) = connect(&config, "10.0.0.1", &broker, None).await.unwrap_err();
    assert_eq!(code_, Some("ERR_TLS_CERT_ALTNAME_INVALID"));
    assert!(message.contains("altnames: IP: 10.0.0.1 is not in the cert's list: 127.0.0.1, "), "{message}");
    let named = TlsConfig { servername: Some("broker.example".to_owned()), ..config };
    assert_eq!(connect(&named, "10.0.0.1", &broker, None).await, Ok(()));

    let (code_, message) =
        connect(&trusting(&other.pem()), "broker.example", &broker, None).await.unwrap_err();
    assert_eq!(code_, Some("UNABLE_TO_VERIFY_LEAF_SIGNATURE"));
    assert_eq!(message, untrusted("unable to verify the first certificate"));
    let mut with_root = broker;
    with_root.chain.push(ours.der().clone());
    let (code_, message) =
        connect(&trusting(&other.pem()), "broker.example", &with_root, None).await.unwrap_err();
    assert_eq!(code_, Some("SELF_SIGNED_CERT_IN_CHAIN"));
    assert_eq!(message, untrusted("self-signed certificate in certificate chain"));
}

#[tokio::test]
async fn a_certificate_has_its_time() {
    let ca = ca("ours");
    let expired = identity(Some(&ca), &["b"], |params| params.not_after = date_time_ymd(2020, 1, 1));
    let result = connect(&trusting(&ca.pem()), "b", &expired, None).await;
    assert_eq!(
        result,
        Err((Some("CERT_HAS_EXPIRED"), "Connection error: certificate has expired".to_owned()))
    );
    let future = identity(Some(&ca), &["b"], |params| params.not_before = date_time_ymd(2090, 1, 1));
    assert_eq!(code(connect(&trusting(&ca.pem()), "b", &future, None).await), "CERT_NOT_YET_VALID");
}

#[tokio::test]
async fn a_self_signed_certificate_is_trusted_when_it_is_listed_itself() {
    let as_ca = |params: &mut CertificateParams| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let strange = ca("strange");
    for (broker, expired) in [
        (
            identity(None, &["b"], |_| {}),
            identity(None, &["b"], |params| params.not_after = date_time_ymd(2020, 1, 1)),
        ),
        (
            // As `openssl req -x509` makes them.
            identity(None, &["b"], as_ca),
            identity(None, &["b"], |params| {
                as_ca(params);
                params.not_after = date_time_ymd(2020, 1, 1);
            }),
        ),
    ] {
        let listed = trusting(&broker.chain_pem);
        assert_eq!(connect(&listed, "b", &broker, None).await, Ok(()));
        assert_eq!(code(connect(&listed, "c", &broker, None).await), "ERR_TLS_CERT_ALTNAME_INVALID");
        assert_eq!(
            code(connect(&trusting(&expired.chain_pem), "b", &expired, None).await),
            "CERT_HAS_EXPIRED"
        );
        let unlisted = connect(&trusting(&strange.pem()), "b", &broker, None).await;
        let message = untrusted("self-signed certificate");
        assert_eq!(unlisted, Err((Some("DEPTH_ZERO_SELF_SIGNED_CERT"), message)));
    }
}

#[tokio::test]
async fn reject_unauthorized_false_believes_anybody() {
    let expired = identity(None, &["other"], |params| params.not_after = date_time_ymd(2020, 1, 1));
    for version in [TlsVersion::V1_2, TlsVersion::V1_3] {
        let config = TlsConfig {
            ca: vec!["not even PEM".to_owned()],
            reject_unauthorized: false,
            min_version: Some(version),
            max_version: Some(version),
            ..TlsConfig::default()
        };
        assert_eq!(connect(&config, "b", &expired, None).await, Ok(()), "{version:?}");
    }
}

#[tokio::test]
async fn a_client_certificate_is_shown_when_there_is_one() {
    let (ca, clients) = (ca("brokers"), ca("clients"));
    let broker = identity(Some(&ca), &["b"], |_| {});
    let client = identity(Some(&clients), &["me"], |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    for key in [client.key.serialize_pem(), sec1_pem(&client.key)] {
        let config = TlsConfig {
            cert: Some(client.chain_pem.clone()),
            key: Some(Zeroizing::new(key)),
            ..trusting(&ca.pem())
        };
        assert_eq!(connect(&config, "b", &broker, Some(&clients)).await, Ok(()));
    }
    let (_, message) = connect(&trusting(&ca.pem()), "b", &broker, Some(&clients)).await.unwrap_err();
    assert!(message.contains("CertificateRequired"), "{message}");
}

/// The same key without its PKCS#8 wrapping: SEQUENCE { 0, algorithm, OCTET STRING { this } }.
fn sec1_pem(key: &KeyPair) -> String {
    let pkcs8 = key.serialize_der();
    let start = (4..pkcs8.len()).find(|at| pkcs8[*at] == 0x04 && pkcs8[at + 2] == 0x30).unwrap() + 2;
    let length = usize::from(pkcs8[start + 1]) + 2;
    let text = base64::engine::general_purpose::STANDARD.encode(&pkcs8[start..start + length]);
    format!("-----BEGIN EC PRIVATE KEY-----\n{text}\n-----END EC PRIVATE KEY-----\n")
}

#[tokio::test]
async fn a_peer_without_tls_is_named_as_such() {
    let ca = ca("ours");
    for (said, code_) in [(&b""[..], "ECONNRESET"), (b"\0\0\0\x0ahello hello hello", "EPROTO")] {
        let (ours, mut theirs) = tokio::io::duplex(4 << 10);
        theirs.write_all(said).await.unwrap();
        theirs.shutdown().await.unwrap();
        let address = Address { host: "b".to_owned(), port: 9092 };
        let Err(error) = Tls::new(&trusting(&ca.pem())).unwrap().wrap(&address, ours).await else { panic!() };
        let NetError::Connect { code, message, .. } = error else { panic!() };
        assert_eq!(code, Some(code_));
        assert!(message.contains("is this a listener with TLS?"), "{message}");
    }
}

#[test]
fn unusable_material_is_refused_at_birth_and_named() {
    let ca = ca("ours");
    let (one, two) = (identity(Some(&ca), &["a"], |_| {}), identity(Some(&ca), &["b"], |_| {}));
    let good = trusting(&ca.pem());
    let key = |identity: &Identity| Some(Zeroizing::new(identity.key.serialize_pem()));
    let text = |text: &str| Some(text.to_owned());
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    for (field, config) in [
        ("ssl.ca", TlsConfig::default()),
        ("ssl.ca", trusting("rubbish")),
        ("ssl.ca", trusting("-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n")),
        ("ssl.ca", trusting("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")),
        ("ssl.key", TlsConfig { cert: text(&one.chain_pem), ..good.clone() }),
        ("ssl.cert", TlsConfig { key: key(&one), ..good.clone() }),
        ("ssl.cert", TlsConfig { cert: text("rubbish"), key: key(&one), ..good.clone() }),
        ("ssl.key", TlsConfig { cert: text(&one.chain_pem), key: key(&two), ..good.clone() }),
        (
            "ssl.key",
            TlsConfig {
                cert: text(&one.chain_pem),
                key: Some(Zeroizing::new(encrypted.to_owned())),
                ..good.clone()
            },
        ),
        ("ssl.servername", TlsConfig { servername: text("a b"), ..good.clone() }),
        (
            "ssl.minVersion",
            TlsConfig {
                min_version: Some(TlsVersion::V1_3),
                max_version: Some(TlsVersion::V1_2),
                ..good.clone()
            },
        ),
    ] {
        let config = NetworkConfig { tls: Some(config), ..NetworkConfig::default() };
        let Err(error) = Network::new(config, |_| {}) else { panic!("{field}") };
        assert_eq!(error.field, field, "{error}");
    }
    // One bad certificate among good ones is overlooked, as in a system's list.
    let mixed = format!("{}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", ca.pem());
    assert!(Tls::new(&trusting(&mixed)).is_ok());
}
