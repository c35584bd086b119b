//! TLS over streams in memory, against a server of another make (rustls) with certificates made on the spot. What Node does
//! with the same certificates is seen in `__test__/bridge/tls.test.js`.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    PKCS_ED25519, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::ring::cipher_suite::{
    TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS13_CHACHA20_POLY1305_SHA256,
};
use rustls::crypto::ring::kx_group::SECP384R1;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use zeroize::Zeroizing;

use crate::engine::machine::NetError;
use crate::engine::network::dial::{Address, BoxStream};
use crate::engine::network::events::Events;
use crate::engine::network::identity::Identities;
use crate::engine::network::tls::Tls;
use crate::engine::network::{
    Network, NetworkConfig, NetworkEvent, Pfx, TlsConfig, TlsVersion, UnknownIdentity,
};

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

/// A key of another kind than those of [`identity`].
fn ed25519() -> String {
    KeyPair::generate_for(&PKCS_ED25519).unwrap().serialize_pem()
}

type Outcome = Result<(), (Option<Cow<'static, str>>, String)>;

/// A name, and the chain that was shown with it.
type Asked = (String, Vec<Bytes>);

/// What is asked about names, and what is said to it.
struct Outside {
    identities: Arc<Identities>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Outside {
    fn saying(verdict: Result<(), UnknownIdentity>) -> Outside {
        let (tell, mut events) = mpsc::unbounded_channel();
        let events_out = Events::new("", move |event| tell.send(event).unwrap());
        let identities = Arc::new(Identities::new(events_out));
        let asked = Arc::<Mutex<Vec<_>>>::default();
        let (answering, asking) = (identities.clone(), asked.clone());
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                let NetworkEvent::CheckServerIdentity { check, servername, chain } = event else { panic!() };
                asking.lock().unwrap().push((servername, chain));
                answering.answer(check, verdict.clone());
            }
        });
        Outside { identities, asked }
    }

    fn names(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|(name, _)| name.clone()).collect()
    }
}

fn stranger() -> UnknownIdentity {
    UnknownIdentity { message: "a stranger".to_owned(), code: Some("ESTRANGER".to_owned()) }
}

/// Shakes hands as `host` with a broker that holds `broker`, and says something both ways. Names that are not the
/// certificate's own are refused.
async fn connect(tls: &TlsConfig, host: &str, broker: &Identity, clients: Option<&Ca>) -> Outcome {
    let tls = Tls::new(tls, Outside::saying(Err(stranger())).identities).unwrap();
    connect_with(&tls, host, Arc::new(server(broker, clients))).await
}

/// The same, with a judge of names.
async fn connect_judged(tls: &TlsConfig, host: &str, broker: &Identity, outside: &Outside) -> Outcome {
    let tls = Tls::new(tls, outside.identities.clone()).unwrap();
    connect_with(&tls, host, Arc::new(server(broker, None))).await
}

fn server(broker: &Identity, clients: Option<&Ca>) -> ServerConfig {
    server_with(ring::default_provider(), broker, clients)
}

fn server_with(provider: CryptoProvider, broker: &Identity, clients: Option<&Ca>) -> ServerConfig {
    let provider = Arc::new(provider);
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
    builder.with_single_cert(broker.chain.clone(), key.into()).unwrap()
}

async fn connect_with(tls: &Tls, host: &str, server: Arc<ServerConfig>) -> Outcome {
    let (ours, theirs) = tokio::io::duplex(1 << 10);
    let serving = tokio::spawn(async move {
        let Ok(mut stream) = TlsAcceptor::from(server).accept(theirs).await else { return };
        let mut asked = [0; 4];
        if stream.read_exact(&mut asked).await.is_ok() {
            stream.write_all(&asked).await.unwrap();
            stream.shutdown().await.unwrap();
        }
    });
    let address = Address { host: host.to_owned(), port: 9093 };
    let identified = async {
        let stream = tls.shake_hands(&address, ours).await?;
        tls.identify(&address, stream).await
    };
    let result = match identified.await {
        Ok(stream) => echo(stream).await,
        Err(NetError::Connect { code, message, broker }) => {
            assert_eq!(broker, address.broker());
            Err((code, message))
        }
        Err(other) => panic!("{other:?}"),
    };
    serving.await.unwrap();
    result
}

async fn echo(mut stream: BoxStream) -> Outcome {
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
    format!(
        "Connection error: {words}: ssl.ca has to have the CA that has signed it, unless that is a public one"
    )
}

fn trusting(pem: &str) -> TlsConfig {
    TlsConfig { ca: vec![pem.to_owned()], ..TlsConfig::default() }
}

fn code(result: Outcome) -> Cow<'static, str> {
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

    for host in ["elsewhere", "10.0.0.1"] {
        let refused = (Some("ESTRANGER".into()), "Connection error: a stranger".to_owned());
        assert_eq!(connect(&config, host, &broker, None).await, Err(refused), "{host}");
    }
    let named = TlsConfig { servername: Some("broker.example".to_owned()), ..config };
    assert_eq!(connect(&named, "10.0.0.1", &broker, None).await, Ok(()));

    let (code_, message) =
        connect(&trusting(&other.pem()), "broker.example", &broker, None).await.unwrap_err();
    assert_eq!(code_.unwrap(), "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
    assert_eq!(message, untrusted("unable to verify the first certificate"));
    let mut with_root = broker;
    with_root.chain.push(ours.der().clone());
    let (code_, message) =
        connect(&trusting(&other.pem()), "broker.example", &with_root, None).await.unwrap_err();
    assert_eq!(code_.unwrap(), "SELF_SIGNED_CERT_IN_CHAIN");
    assert_eq!(message, untrusted("self-signed certificate in certificate chain"));
}

#[tokio::test]
async fn a_certificate_has_its_time() {
    let ca = ca("ours");
    let expired = identity(Some(&ca), &["b"], |params| params.not_after = date_time_ymd(2020, 1, 1));
    let result = connect(&trusting(&ca.pem()), "b", &expired, None).await;
    assert_eq!(
        result,
        Err((Some("CERT_HAS_EXPIRED".into()), "Connection error: certificate has expired".to_owned()))
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
        assert_eq!(code(connect(&listed, "c", &broker, None).await), "ESTRANGER");
        assert_eq!(
            code(connect(&trusting(&expired.chain_pem), "b", &expired, None).await),
            "CERT_HAS_EXPIRED"
        );
        let unlisted = connect(&trusting(&strange.pem()), "b", &broker, None).await;
        let message = untrusted("self-signed certificate");
        assert_eq!(unlisted, Err((Some("DEPTH_ZERO_SELF_SIGNED_CERT".into()), message)));
    }
}

#[tokio::test]
async fn only_a_name_that_is_not_in_the_certificate_is_asked_about() {
    let ca = ca("ours");
    let broker = identity(Some(&ca), &["broker.example", "127.0.0.1"], |_| {});
    let nameless = identity(Some(&ca), &[], |_| {});
    let config = trusting(&ca.pem());
    let outside = Outside::saying(Ok(()));
    for host in ["broker.example", "127.0.0.1"] {
        assert_eq!(connect_judged(&config, host, &broker, &outside).await, Ok(()));
    }
    assert_eq!(outside.names(), [""; 0]);
    assert_eq!(connect_judged(&config, "elsewhere", &broker, &outside).await, Ok(()));
    assert_eq!(connect_judged(&config, "broker", &nameless, &outside).await, Ok(()));
    assert_eq!(outside.names(), ["elsewhere", "broker"]);
}

#[tokio::test]
async fn every_name_is_asked_about_if_wanted_and_as_it_was_given() {
    let ca = ca("ours");
    let mut broker = identity(Some(&ca), &["broker.example"], |_| {});
    broker.chain.push(ca.der().clone());
    let config = TlsConfig { check_server_identity: true, ..trusting(&ca.pem()) };
    let outside = Outside::saying(Ok(()));
    for host in ["broker.example", "10.0.0.1", "[::1]"] {
        assert_eq!(connect_judged(&config, host, &broker, &outside).await, Ok(()));
    }
    let named = TlsConfig { servername: Some("Kafka.Example".to_owned()), ..config.clone() };
    assert_eq!(connect_judged(&named, "10.0.0.1", &broker, &outside).await, Ok(()));
    assert_eq!(outside.names(), ["broker.example", "10.0.0.1", "::1", "Kafka.Example"]);
    let chain: Vec<Bytes> = broker.chain.iter().map(|der| Bytes::copy_from_slice(der)).collect();
    assert!(outside.asked.lock().unwrap().iter().all(|(_, shown)| *shown == chain));

    let strict = Outside::saying(Err(stranger()));
    let refused = connect_judged(&config, "broker.example", &broker, &strict).await;
    assert_eq!(refused, Err((Some("ESTRANGER".into()), "Connection error: a stranger".to_owned())));
}

#[tokio::test]
async fn a_certificate_that_is_not_in_order_is_not_asked_about() {
    let (ours, other) = (ca("ours"), ca("other"));
    let broker = identity(Some(&ours), &["b"], |_| {});
    let expired = identity(Some(&ours), &["b"], |params| params.not_after = date_time_ymd(2020, 1, 1));
    let client = identity(Some(&ours), &["b"], |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    let outside = Outside::saying(Ok(()));
    for check_server_identity in [false, true] {
        for host in ["b", "elsewhere"] {
            for (identity, ca) in [(&broker, &other), (&expired, &ours), (&client, &ours)] {
                let config = TlsConfig { check_server_identity, ..trusting(&ca.pem()) };
                connect_judged(&config, host, identity, &outside).await.unwrap_err();
            }
        }
    }
    assert_eq!(outside.names(), [""; 0]);
}

#[tokio::test]
async fn without_an_answer_there_is_no_connection() {
    let ca = ca("ours");
    let server = Arc::new(server(&identity(Some(&ca), &["elsewhere"], |_| {}), None));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let accepting = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = TlsAcceptor::from(server).accept(stream).await.unwrap();
        let mut heard = Vec::new();
        let _ = stream.read_to_end(&mut heard).await;
        heard
    });
    let (tell, mut events) = mpsc::unbounded_channel();
    let config = NetworkConfig {
        tls: Some(trusting(&ca.pem())),
        authentication_timeout: Duration::ZERO,
        ..NetworkConfig::default()
    };
    let network = Network::new(config, move |event| drop(tell.send(event))).unwrap();
    let error = network.connect_seed("127.0.0.1", port).await.unwrap_err();
    assert_eq!(error.error.to_string(), "Connection timeout");
    assert_eq!(accepting.await.unwrap(), b"");
    let check = loop {
        match events.recv().await.unwrap() {
            NetworkEvent::CheckServerIdentity { check, .. } => break check,
            _ => continue,
        }
    };
    // Too late.
    network.server_identity(check, Ok(()));
    assert!(!network.is_connected());
}

#[tokio::test]
async fn reject_unauthorized_false_believes_anybody() {
    let expired = identity(None, &["other"], |params| params.not_after = date_time_ymd(2020, 1, 1));
    for version in [TlsVersion::V1_2, TlsVersion::V1_3] {
        let config = TlsConfig {
            ca: vec!["not even PEM".to_owned()],
            reject_unauthorized: false,
            check_server_identity: true,
            min_version: version,
            max_version: version,
            ..TlsConfig::default()
        };
        assert_eq!(connect(&config, "b", &expired, None).await, Ok(()), "{version:?}");
    }
}

#[tokio::test]
async fn only_the_suites_and_groups_that_are_wanted_are_offered() {
    let ca = ca("ours");
    let broker = identity(Some(&ca), &["b"], |_| {});
    let server = Arc::new(server_with(
        CryptoProvider {
            cipher_suites: vec![TLS13_CHACHA20_POLY1305_SHA256, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256],
            kx_groups: vec![SECP384R1],
            ..ring::default_provider()
        },
        &broker,
        None,
    ));
    let text = |text: Option<&str>| text.map(str::to_owned);
    for (cipher_suites, groups, is_common) in [
        (None, None, true),
        (Some("TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256"), Some("X25519:P-384"), true),
        (Some("TLS_AES_128_GCM_SHA256"), None, false),
        (None, Some("X25519"), false),
    ] {
        let config =
            TlsConfig { cipher_suites: text(cipher_suites), groups: text(groups), ..trusting(&ca.pem()) };
        let tls = Tls::new(&config, Outside::saying(Err(stranger())).identities).unwrap();
        let result = connect_with(&tls, "b", server.clone()).await;
        assert_eq!(result.is_ok(), is_common, "{cipher_suites:?} {groups:?} {result:?}");
    }
    for (ciphers, is_common) in [
        ("ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256", true),
        ("ECDHE-ECDSA-AES256-GCM-SHA384", false),
    ] {
        let config =
            TlsConfig { ciphers: text(Some(ciphers)), max_version: TlsVersion::V1_2, ..trusting(&ca.pem()) };
        let tls = Tls::new(&config, Outside::saying(Err(stranger())).identities).unwrap();
        let result = connect_with(&tls, "b", server.clone()).await;
        assert_eq!(result.is_ok(), is_common, "{ciphers} {result:?}");
    }
}

#[tokio::test]
async fn a_client_certificate_is_shown_when_there_is_one() {
    let (ca, clients) = (ca("brokers"), ca("clients"));
    let broker = identity(Some(&ca), &["b"], |_| {});
    let client = identity(Some(&clients), &["me"], |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    let config = TlsConfig {
        certs: vec![client.chain_pem.clone()],
        keys: vec![Zeroizing::new(client.key.serialize_pem())],
        ..trusting(&ca.pem())
    };
    assert_eq!(connect(&config, "b", &broker, Some(&clients)).await, Ok(()));
    let (_, message) = connect(&trusting(&ca.pem()), "b", &broker, Some(&clients)).await.unwrap_err();
    assert!(message.contains("certificate required"), "{message}");
}

#[tokio::test]
async fn other_certificates_are_for_the_connections_that_come() {
    let (old, new) = (ca("old"), ca("new"));
    let broker = identity(Some(&new), &["127.0.0.1"], |_| {});
    let acceptor = TlsAcceptor::from(Arc::new(server(&broker, None)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    // Hangs up behind the handshake.
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let _ = acceptor.accept(stream).await;
        }
    });
    let (told, mut events) = mpsc::unbounded_channel();
    let config = NetworkConfig { tls: Some(trusting(&old.pem())), ..NetworkConfig::default() };
    let network = Network::new(config, move |event| drop(told.send(event))).unwrap();

    let error = network.connect_seed("127.0.0.1", port).await.unwrap_err();
    assert!(format!("{error:?}").contains("unable to"), "{error:?}");
    let told: Vec<NetworkEvent> = std::iter::from_fn(|| events.try_recv().ok()).collect();
    assert!(told.contains(&NetworkEvent::NotOpened));
    assert!(network.set_tls(&trusting("no certificate")).is_err());
    network.set_tls(&trusting(&new.pem())).unwrap();
    let error = network.connect_seed("127.0.0.1", port).await.unwrap_err();
    assert!(!format!("{error:?}").contains("unable to"), "{error:?}");
}

#[tokio::test]
async fn a_peer_without_tls_is_named_as_such() {
    let ca = ca("ours");
    for (said, code_) in [(&b""[..], "ECONNRESET"), (b"\0\0\0\x0ahello hello hello", "EPROTO")] {
        let (ours, mut theirs) = tokio::io::duplex(4 << 10);
        theirs.write_all(said).await.unwrap();
        theirs.shutdown().await.unwrap();
        let address = Address { host: "b".to_owned(), port: 9092 };
        let tls = Tls::new(&trusting(&ca.pem()), Outside::saying(Ok(())).identities).unwrap();
        let Err(error) = tls.shake_hands(&address, ours).await else { panic!() };
        let NetError::Connect { code, message, .. } = error else { panic!() };
        assert_eq!(code.unwrap(), code_);
        assert!(message.contains("is this a listener with TLS?"), "{message}");
    }
}

#[test]
fn unusable_material_is_refused_at_birth_and_named() {
    let ca = ca("ours");
    let (one, two) = (identity(Some(&ca), &["a"], |_| {}), identity(Some(&ca), &["b"], |_| {}));
    let good = trusting(&ca.pem());
    let keys = |identity: &Identity| vec![Zeroizing::new(identity.key.serialize_pem())];
    let certs = |text: &str| vec![text.to_owned()];
    let text = |text: &str| Some(text.to_owned());
    let pfx = |bytes: &[u8]| vec![Pfx { bytes: bytes.to_vec().into(), passphrase: String::new().into() }];
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    for (field, config) in [
        ("ssl.ca", TlsConfig::default()),
        ("ssl.ca", trusting("rubbish")),
        ("ssl.ca", trusting("-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n")),
        ("ssl.ca", trusting("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")),
        ("ssl.key", TlsConfig { certs: certs(&one.chain_pem), ..good.clone() }),
        ("ssl.cert", TlsConfig { keys: keys(&one), ..good.clone() }),
        ("ssl.cert", TlsConfig { certs: certs("rubbish"), keys: keys(&one), ..good.clone() }),
        ("ssl.key", TlsConfig { certs: certs(&one.chain_pem), keys: keys(&two), ..good.clone() }),
        // Of another kind, which OpenSSL and Node keep beside the certificate and never use.
        (
            "ssl.key",
            TlsConfig { certs: certs(&one.chain_pem), keys: vec![Zeroizing::new(ed25519())], ..good.clone() },
        ),
        (
            "ssl.key",
            TlsConfig {
                certs: certs(&one.chain_pem),
                keys: vec![Zeroizing::new(encrypted.to_owned())],
                ..good.clone()
            },
        ),
        ("ssl.pfx", TlsConfig { pfx: pfx(b""), ..good.clone() }),
        ("ssl.pfx", TlsConfig { pfx: pfx(b"rubbish"), ..good.clone() }),
        ("ssl.servername", TlsConfig { servername: text("a\0b"), ..good.clone() }),
        ("ssl.servername", TlsConfig { servername: Some("a".repeat(300)), ..good.clone() }),
        ("ssl.ciphers", TlsConfig { cipher_suites: text("a\0b"), ..good.clone() }),
        ("ssl.ciphers", TlsConfig { ciphers: text("nonsense"), ..good.clone() }),
        ("ssl.ecdhCurve", TlsConfig { groups: text("nonsense"), ..good.clone() }),
        ("ssl.sigalgs", TlsConfig { signature_algorithms: text("nonsense"), ..good.clone() }),
        ("ssl.ALPNProtocols", TlsConfig { alpn: vec!["a".repeat(300)], ..good.clone() }),
        (
            "ssl.minVersion",
            TlsConfig { min_version: TlsVersion::V1_3, max_version: TlsVersion::V1_2, ..good.clone() },
        ),
    ] {
        let config = NetworkConfig { tls: Some(config), ..NetworkConfig::default() };
        let Err(error) = Network::new(config, |_| {}) else { panic!("{field}") };
        assert_eq!(error.field, field, "{error}");
    }
    // One bad certificate among good ones is overlooked, as in a system's list.
    let mixed = format!("{}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", ca.pem());
    let config = NetworkConfig { tls: Some(trusting(&mixed)), ..NetworkConfig::default() };
    assert!(Network::new(config, |_| {}).is_ok());
}
