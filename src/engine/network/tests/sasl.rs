//! Authentication, first and again, against a broker played by the test.

use std::num::NonZeroU32;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use kafka_protocol::messages as wire;
use ring::{hmac, pbkdf2};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::peer::{Peer, World, text};
use super::{closed, heartbeat, metadata, send};
use crate::engine::machine::NetError;
use crate::engine::machine::Target;
use crate::engine::network::{Credentials, NetworkConfig, NetworkEvent, SaslConfig, Unauthenticated};
use crate::engine::protocol::ApiKey;
use crate::engine::protocol::ErrorCode;

const PASSWORD: &str = "s3cret-s3cret";

pub(super) fn config(mechanism: &str) -> NetworkConfig {
    let credentials = Some(credentials(PASSWORD));
    let sasl = SaslConfig { mechanism: mechanism.to_owned(), credentials, may_change: false };
    NetworkConfig { sasl: Some(sasl), ..NetworkConfig::default() }
}

fn credentials(password: &str) -> Credentials {
    Credentials {
        username: "user".to_owned(),
        password: Zeroizing::new(password.to_owned()),
        authorization_identity: None,
    }
}

fn refused(message: &str) -> NetError {
    NetError::Authentication { broker: "one:9092".to_owned(), message: message.to_owned(), code: None }
}

fn given_up(message: &str) -> Unauthenticated {
    Unauthenticated { message: message.to_owned(), retriable: false }
}

fn with_code(code: i16, message: &str) -> NetError {
    let code = Some(ErrorCode(code));
    NetError::Authentication { broker: "one:9092".to_owned(), message: message.to_owned(), code }
}

impl Peer {
    /// Takes the handshake, offering these mechanisms.
    async fn shake_hands(&mut self, offered: &[&str], error: i16) {
        let request = self.request().await.unwrap();
        assert_eq!((request.key, request.version), (ApiKey::SaslHandshake, 1));
        let mechanisms = offered.iter().map(|mechanism| text(mechanism)).collect();
        let answer =
            wire::SaslHandshakeResponse::default().with_error_code(error).with_mechanisms(mechanisms);
        self.reply(&request, answer).await;
    }

    /// One round: the client's message, and what `answer` makes of it.
    async fn round(&mut self, answer: impl FnOnce(&[u8]) -> wire::SaslAuthenticateResponse) {
        let request = self.request().await.unwrap();
        assert_eq!(request.key, ApiKey::SaslAuthenticate);
        let message = request.decode::<wire::SaslAuthenticateRequest>().auth_bytes;
        self.reply(&request, answer(&message)).await;
    }

    async fn plain(&mut self, lifetime_ms: i64) {
        self.shake_hands(&["PLAIN"], 0).await;
        self.round(|message| {
            assert_eq!(message, format!("\0user\0{PASSWORD}").as_bytes());
            wire::SaslAuthenticateResponse::default().with_session_lifetime_ms(lifetime_ms)
        })
        .await;
    }

    async fn serve(&mut self) {
        let request = self.request().await.unwrap();
        self.reply_brokers(&request, &[]).await;
    }
}

fn refusal(message: &str) -> wire::SaslAuthenticateResponse {
    wire::SaslAuthenticateResponse::default().with_error_code(58).with_error_message(Some(text(message)))
}

fn saying(message: impl Into<Vec<u8>>) -> wire::SaslAuthenticateResponse {
    wire::SaslAuthenticateResponse::default().with_auth_bytes(Bytes::from(message.into()))
}

/// A connection whose session lasts a minute, over which one request was answered.
pub(super) async fn authenticated(world: &mut World) -> Peer {
    let sent = send(&world.network, Target::node(1), metadata());
    let mut peer = world.welcome().await;
    peer.plain(60_000).await;
    peer.serve().await;
    sent.await.unwrap().unwrap();
    peer
}

#[tokio::test]
async fn plain() {
    let mut world = World::with_brokers(config("PLAIN"));
    let sent = send(&world.network, Target::node(1), metadata());
    let mut peer = world.welcome().await;
    peer.plain(0).await;
    peer.serve().await;
    sent.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_refusal_is_final_and_in_the_brokers_words() {
    let mut world = World::with_brokers(config("PLAIN"));
    let sent = send(&world.network, Target::node(1), metadata());
    let mut peer = world.welcome().await;
    peer.shake_hands(&["PLAIN"], 0).await;
    peer.round(|_| refusal("Invalid username or password")).await;
    let message = "SASL PLAIN authentication failed: Invalid username or password";
    assert_eq!(sent.await.unwrap(), Err(refused(message)));
    assert!(peer.request().await.is_none());
    assert_eq!(world.dial_count(), 1);
    let logs = world.logs();
    assert!(logs.iter().any(|line| line == message));
    assert!(!logs.iter().any(|line| line.contains(PASSWORD)));
}

fn changing(mechanism: &str) -> NetworkConfig {
    let config = config(mechanism);
    let sasl = config.sasl.map(|sasl| SaslConfig { may_change: true, ..sasl });
    NetworkConfig { sasl, ..config }
}

async fn refusal_event(world: &mut World) -> u64 {
    loop {
        if let NetworkEvent::CredentialsRefused { refusal } = world.event().await {
            return refusal;
        }
    }
}

impl Peer {
    /// Refuses the password, and hangs up as brokers do.
    async fn refuse_plain(mut self) {
        self.shake_hands(&["PLAIN"], 0).await;
        self.round(|_| refusal("Invalid username or password")).await;
    }

    /// Lets who has this password in.
    async fn admit(&mut self, password: &str) {
        self.shake_hands(&["PLAIN"], 0).await;
        let expected = format!("\0user\0{password}");
        self.round(|message| {
            assert_eq!(message, expected.as_bytes());
            wire::SaslAuthenticateResponse::default()
        })
        .await;
        self.serve().await;
    }
}

#[tokio::test]
async fn a_password_that_is_another_one_by_now_takes_the_place_of_the_one_that_is_refused() {
    let mut world = World::with_brokers(changing("PLAIN"));
    let sent = send(&world.network, Target::node(1), metadata());
    let mut peer = world.welcome().await;
    peer.admit(PASSWORD).await;
    sent.await.unwrap().unwrap();

    // Both are refused before the program has said anything.
    let first = send(&world.network, Target::node(2), metadata());
    world.welcome().await.refuse_plain().await;
    let refusal = refusal_event(&mut world).await;
    drop(peer);
    let second = send(&world.network, Target::node(1), metadata());
    world.welcome().await.refuse_plain().await;
    let late = refusal_event(&mut world).await;
    world.network.credentials(refusal, Some(credentials("changed")));
    world.welcome().await.admit("changed").await;
    first.await.unwrap().unwrap();
    world.network.credentials(late, Some(credentials("changed")));
    world.welcome().await.admit("changed").await;
    second.await.unwrap().unwrap();
    assert_eq!(world.errors(), [""; 0]);
}

#[tokio::test]
async fn a_password_that_has_not_changed_is_refused_for_good() {
    for given in [Some(credentials(PASSWORD)), None] {
        let mut world = World::with_brokers(changing("PLAIN"));
        let sent = send(&world.network, Target::node(1), metadata());
        world.welcome().await.refuse_plain().await;
        let refusal = refusal_event(&mut world).await;
        world.network.credentials(refusal, given);
        let message = "SASL PLAIN authentication failed: Invalid username or password";
        assert_eq!(sent.await.unwrap(), Err(refused(message)));
        assert_eq!(world.dial_count(), 1);
        assert_eq!(world.errors(), [message]);
    }
}

#[tokio::test]
async fn a_second_refusal_of_one_attempt_is_final() {
    let mut world = World::with_brokers(changing("PLAIN"));
    let sent = send(&world.network, Target::node(1), metadata());
    for password in ["another", "and another"] {
        world.welcome().await.refuse_plain().await;
        let refusal = refusal_event(&mut world).await;
        world.network.credentials(refusal, Some(credentials(password)));
    }
    let message = "SASL PLAIN authentication failed: Invalid username or password";
    assert_eq!(sent.await.unwrap(), Err(refused(message)));
    assert_eq!(world.dial_count(), 2);
}

#[tokio::test(start_paused = true)]
async fn who_authenticates_again_with_a_changed_password_goes_on_over_another_connection() {
    let mut world = World::with_brokers(changing("PLAIN"));
    authenticated(&mut world).await.refuse_plain().await;
    let refusal = refusal_event(&mut world).await;
    world.network.credentials(refusal, Some(credentials("changed")));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!world.network.is_connected());
    let sent = send(&world.network, Target::node(1), metadata());
    world.welcome().await.admit("changed").await;
    sent.await.unwrap().unwrap();
    assert_eq!(world.errors(), [""; 0]);
}

#[tokio::test]
async fn the_mechanism_must_be_offered() {
    for (offered, error, expected) in [
        (
            &["GSSAPI"][..],
            33,
            with_code(
                33,
                "The broker does not support the requested SASL mechanism: PLAIN was asked for, this listener offers GSSAPI",
            ),
        ),
        (&[], 34, with_code(34, "Request is not valid given the current SASL state")),
        (&["GSSAPI"], 0, refused("SASL PLAIN mechanism is not supported by the server")),
    ] {
        let mut world = World::with_brokers(config("PLAIN"));
        let sent = send(&world.network, Target::node(1), metadata());
        let mut peer = world.welcome().await;
        peer.shake_hands(offered, error).await;
        assert_eq!(sent.await.unwrap(), Err(expected));
    }
}

#[tokio::test]
async fn without_credentials_any_mechanism_is_driven_from_outside() {
    let sasl = SaslConfig { mechanism: "PLAIN".to_owned(), ..SaslConfig::default() };
    let mut world = World::with_brokers(NetworkConfig { sasl: Some(sasl), ..NetworkConfig::default() });
    let sent = send(&world.network, Target::node(1), metadata());
    let mut peer = world.welcome().await;
    peer.shake_hands(&["PLAIN"], 0).await;
    let session = authenticate_event(&mut world, "PLAIN").await;
    world.network.authenticated(session, Ok(()));
    peer.serve().await;
    sent.await.unwrap().unwrap();
}

/// The server's half of SCRAM, written down from the RFC once more.
async fn serve_scram(peer: &mut Peer, mechanism: &str, honest: bool) {
    let (pbkdf2, hmac_) = match mechanism {
        "SCRAM-SHA-256" => (pbkdf2::PBKDF2_HMAC_SHA256, hmac::HMAC_SHA256),
        _ => (pbkdf2::PBKDF2_HMAC_SHA512, hmac::HMAC_SHA512),
    };
    let mut salted = vec![0; hmac_.digest_algorithm().output_len()];
    pbkdf2::derive(pbkdf2, NonZeroU32::new(4096).unwrap(), b"salt", PASSWORD.as_bytes(), &mut salted);
    let sign = |key: &[u8], text: &[u8]| hmac::sign(&hmac::Key::new(hmac_, key), text);

    peer.shake_hands(&[mechanism], 0).await;
    let mut auth_message = String::new();
    peer.round(|first| {
        let bare = std::str::from_utf8(first).unwrap().strip_prefix("n,,").unwrap();
        let nonce = bare.strip_prefix("n=user,r=").unwrap();
        assert!(nonce.len() >= 24);
        let server_first = format!("r={nonce}server,s={},i=4096", STANDARD.encode("salt"));
        auth_message = format!("{bare},{server_first},c=biws,r={nonce}server");
        saying(server_first)
    })
    .await;
    peer.round(|last| {
        let (_, proof) = std::str::from_utf8(last).unwrap().rsplit_once(",p=").unwrap();
        let client_key = sign(&salted, b"Client Key");
        let stored = ring::digest::digest(hmac_.digest_algorithm(), client_key.as_ref());
        let signature = sign(stored.as_ref(), auth_message.as_bytes());
        let expected: Vec<u8> =
            client_key.as_ref().iter().zip(signature.as_ref()).map(|(key, sign)| key ^ sign).collect();
        assert_eq!(STANDARD.decode(proof).unwrap(), expected);
        let key = if honest { sign(&salted, b"Server Key") } else { sign(b"guess", b"Server Key") };
        saying(format!("v={}", STANDARD.encode(sign(key.as_ref(), auth_message.as_bytes()))))
    })
    .await;
}

#[tokio::test]
async fn scram_proves_the_password_both_ways() {
    for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-512"] {
        let mut world = World::with_brokers(config(mechanism));
        // The second connection finds the salted password in the cache.
        for to in [Target::node(1), Target::node(2)] {
            let sent = send(&world.network, to, metadata());
            let mut peer = world.welcome().await;
            serve_scram(&mut peer, mechanism, true).await;
            peer.serve().await;
            sent.await.unwrap().unwrap();
        }
    }
}

#[tokio::test]
async fn a_scram_server_that_does_not_know_the_password_gets_no_request() {
    let mut world = World::with_brokers(config("SCRAM-SHA-512"));
    let sent = send(&world.network, Target::node(1), metadata());
    let mut peer = world.welcome().await;
    serve_scram(&mut peer, "SCRAM-SHA-512", false).await;
    assert!(peer.request().await.is_none());
    let message = "SASL SCRAM SHA512 authentication failed: Invalid server signature in server final message";
    assert_eq!(sent.await.unwrap(), Err(refused(message)));
}

async fn authenticate_event(world: &mut World, expected: &str) -> u64 {
    loop {
        if let NetworkEvent::Authenticate { session, host, port, mechanism } = world.event().await {
            assert_eq!((host.as_str(), port, mechanism.as_str()), ("one", 9092, expected));
            return session;
        }
    }
}

#[tokio::test]
async fn another_mechanism_is_driven_from_outside() {
    let mut world = World::with_brokers(config("OAUTHBEARER"));
    let sent = send(&world.network, Target::node(1), metadata());
    let mut peer = world.welcome().await;
    peer.shake_hands(&["OAUTHBEARER"], 0).await;
    let session = authenticate_event(&mut world, "OAUTHBEARER").await;
    for n in [1, 2] {
        let network = world.network.clone();
        let round =
            tokio::spawn(async move { network.sasl_authenticate(session, Bytes::from(vec![n])).await });
        peer.round(|message| saying([message, message].concat())).await;
        assert_eq!(round.await.unwrap().unwrap(), vec![n, n]);
    }
    world.network.authenticated(session, Ok(()));
    peer.serve().await;
    sent.await.unwrap().unwrap();

    let over = world.network.sasl_authenticate(session, Bytes::new()).await;
    assert!(matches!(over, Err(NetError::Authentication { .. })));
    world.network.authenticated(session, Err(given_up("too late")));
    assert!(world.network.is_connected());
}

#[tokio::test]
async fn outside_failures_keep_their_words_and_a_lost_connection_is_none() {
    let mut world = World::with_brokers(config("OAUTHBEARER"));
    let sent = send(&world.network, Target::node(1), metadata());
    let mut peer = world.welcome().await;
    peer.shake_hands(&["OAUTHBEARER"], 0).await;
    let session = authenticate_event(&mut world, "OAUTHBEARER").await;
    let network = world.network.clone();
    let round = tokio::spawn(async move { network.sasl_authenticate(session, Bytes::new()).await });
    peer.round(|_| refusal("bad token")).await;
    assert_eq!(round.await.unwrap(), Err(with_code(58, "bad token")));
    world.network.authenticated(session, Err(given_up("SASL OAUTHBEARER authentication failed: bad token")));
    assert_eq!(sent.await.unwrap(), Err(refused("SASL OAUTHBEARER authentication failed: bad token")));

    let sent = send(&world.network, Target::node(1), metadata());
    let mut peer = world.welcome().await;
    peer.shake_hands(&["OAUTHBEARER"], 0).await;
    let session = authenticate_event(&mut world, "OAUTHBEARER").await;
    drop(peer);
    let round = world.network.sasl_authenticate(session, Bytes::new()).await;
    assert!(round.is_err());
    world.network.authenticated(session, Err(given_up("Closed connection")));
    assert_eq!(sent.await.unwrap(), Err(closed("one:9092")));
}

#[tokio::test]
async fn a_token_that_cannot_be_had_is_no_refusal() {
    let mut world = World::with_brokers(config("OAUTHBEARER"));
    for (retriable, expected) in [
        (true, NetError::Connect { broker: "one:9092".to_owned(), code: None, message: "down".to_owned() }),
        (false, refused("down")),
    ] {
        let sent = send(&world.network, Target::node(1), metadata());
        let mut peer = world.welcome().await;
        peer.shake_hands(&["OAUTHBEARER"], 0).await;
        let session = authenticate_event(&mut world, "OAUTHBEARER").await;
        world.network.authenticated(session, Err(Unauthenticated { retriable, ..given_up("down") }));
        assert_eq!(sent.await.unwrap(), Err(expected));
    }
}

#[tokio::test]
async fn a_broker_that_closes_behind_its_refusal_does_not_outrun_the_words_for_it() {
    let mut world = World::with_brokers(config("OAUTHBEARER"));
    let mut sent = send(&world.network, Target::node(1), metadata());
    let mut peer = world.welcome().await;
    peer.shake_hands(&["OAUTHBEARER"], 0).await;
    let session = authenticate_event(&mut world, "OAUTHBEARER").await;
    let network = world.network.clone();
    let round = tokio::spawn(async move { network.sasl_authenticate(session, Bytes::new()).await });
    // The refusal and the end arrive together.
    peer.round(|_| refusal("expired")).await;
    drop(peer);
    assert_eq!(round.await.unwrap(), Err(with_code(58, "expired")));
    let early = tokio::time::timeout(Duration::from_millis(20), &mut sent).await;
    assert!(early.is_err(), "{early:?}");
    world.network.authenticated(
        session,
        Err(Unauthenticated {
            retriable: true,
            ..given_up("SASL OAUTHBEARER authentication failed: expired")
        }),
    );
    assert_eq!(sent.await.unwrap(), Err(refused("SASL OAUTHBEARER authentication failed: expired")));
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_authenticates_again_before_its_session_ends() {
    let mut world = World::with_brokers(config("PLAIN"));
    let mut peer = authenticated(&mut world).await;
    let mut before = Instant::now();
    for _ in 0..3 {
        peer.plain(60_000).await;
        assert_eq!(before.elapsed().as_secs(), 50);
        before = Instant::now();
    }
    // A broker may cease to limit sessions.
    peer.plain(0).await;
    let quiet = tokio::time::timeout(Duration::from_secs(3600), peer.request()).await;
    assert!(quiet.is_err());
    assert_eq!(world.dial_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_again_is_heard_over_another_connection() {
    let mut world = World::with_brokers(config("PLAIN"));
    let mut peer = authenticated(&mut world).await;
    tokio::time::sleep(Duration::from_secs(51)).await;
    let waiting = send(&world.network, Target::node(1), metadata());
    peer.shake_hands(&["PLAIN"], 0).await;
    peer.round(|_| refusal("Cannot change principals during re-authentication")).await;
    assert_eq!(waiting.await.unwrap(), Err(closed("one:9092")));
    assert!(peer.request().await.is_none());
    assert!(!world.network.is_connected());

    let mut peer = authenticated(&mut world).await;
    peer.shake_hands(&["PLAIN"], 0).await;
    peer.round(|_| refusal("expired")).await;
    assert!(peer.request().await.is_none());

    // Credentials that let nobody in.
    let sent = send(&world.network, Target::node(1), metadata());
    let mut peer = world.welcome().await;
    peer.shake_hands(&["PLAIN"], 0).await;
    peer.round(|_| refusal("expired")).await;
    assert_eq!(sent.await.unwrap(), Err(refused("SASL PLAIN authentication failed: expired")));
}

#[tokio::test(start_paused = true)]
async fn re_authentication_has_the_connection_to_itself() {
    let mut world = World::with_brokers(config("PLAIN"));
    let held = send(&world.network, Target::node(1), heartbeat("held"));
    let mut peer = world.welcome().await;
    peer.plain(60_000).await;
    let in_flight = peer.request().await.unwrap();
    assert_eq!(in_flight.key, ApiKey::Heartbeat);

    // Due after 50 s; the request is in flight until 55 s, and later ones wait behind the authentication.
    tokio::time::sleep(Duration::from_secs(25)).await;
    peer.reply_heartbeat(&in_flight, 0).await;
    held.await.unwrap().unwrap();
    let held = send(&world.network, Target::node(1), heartbeat("held"));
    let in_flight = peer.request().await.unwrap();
    tokio::time::sleep(Duration::from_secs(28)).await;
    let waiting = send(&world.network, Target::node(1), metadata());
    assert!(tokio::time::timeout(Duration::from_secs(1), peer.request()).await.is_err());
    peer.reply_heartbeat(&in_flight, 0).await;
    held.await.unwrap().unwrap();
    peer.plain(60_000).await;
    peer.serve().await;
    waiting.await.unwrap().unwrap();
    assert_eq!(world.dial_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ended_in_a_computers_sleep_gets_no_request() {
    let mut world = World::with_brokers(config("PLAIN"));
    let held = send(&world.network, Target::node(1), heartbeat("held"));
    let mut peer = world.welcome().await;
    peer.plain(60_000).await;
    let in_flight = peer.request().await.unwrap();
    *world.asleep.lock().unwrap() = Duration::from_secs(59);
    let early = send(&world.network, Target::node(1), metadata());
    peer.serve().await;
    early.await.unwrap().unwrap();

    *world.asleep.lock().unwrap() = Duration::from_secs(60);
    assert!(!world.network.is_connected());
    let sent = send(&world.network, Target::node(1), metadata());
    let mut fresh = world.welcome().await;
    fresh.plain(60_000).await;
    fresh.serve().await;
    sent.await.unwrap().unwrap();
    // The old connection still has what it was asked, and closes.
    peer.reply_heartbeat(&in_flight, 0).await;
    held.await.unwrap().unwrap();
    assert!(peer.request().await.is_none());
    assert_eq!(world.errors(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ends_while_a_request_stands_at_the_door_does_not_get_it() {
    let mut world = World::with_brokers(NetworkConfig { max_in_flight: Some(1), ..config("PLAIN") });
    let held = send(&world.network, Target::node(1), heartbeat("held"));
    let mut peer = world.welcome().await;
    peer.plain(60_000).await;
    let in_flight = peer.request().await.unwrap();
    let waiting = send(&world.network, Target::node(1), metadata());
    tokio::time::sleep(Duration::from_secs(1)).await;
    *world.asleep.lock().unwrap() = Duration::from_secs(60);
    peer.reply_heartbeat(&in_flight, 0).await;
    held.await.unwrap().unwrap();
    assert_eq!(waiting.await.unwrap(), Err(closed("one:9092")));
    let again = send(&world.network, Target::node(1), metadata());
    let mut fresh = world.welcome().await;
    fresh.plain(60_000).await;
    fresh.serve().await;
    again.await.unwrap().unwrap();
    assert!(peer.request().await.is_none());
}

#[tokio::test]
async fn close_does_not_wait_for_an_authentication() {
    let mut world = World::with_brokers(config("OAUTHBEARER"));
    let sent = send(&world.network, Target::node(1), metadata());
    let mut peer = world.welcome().await;
    peer.shake_hands(&["OAUTHBEARER"], 0).await;
    let session = authenticate_event(&mut world, "OAUTHBEARER").await;
    world.network.close().await;
    assert_eq!(sent.await.unwrap(), Err(NetError::ClientClosed));
    assert!(world.network.sasl_authenticate(session, Bytes::new()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn close_in_the_middle_of_a_re_authentication_is_no_error() {
    let mut world = World::with_brokers(config("PLAIN"));
    let mut peer = authenticated(&mut world).await;
    peer.shake_hands(&["PLAIN"], 0).await;
    assert_eq!(peer.request().await.unwrap().key, ApiKey::SaslAuthenticate);
    world.network.close().await;
    assert_eq!(world.errors(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn who_does_not_answer_has_the_authentication_timeout() {
    for mechanism in ["PLAIN", "OAUTHBEARER"] {
        let mut world = World::with_brokers(NetworkConfig { request_timeout: None, ..config(mechanism) });
        let start = Instant::now();
        let sent = send(&world.network, Target::node(1), metadata());
        let mut peer = world.welcome().await;
        peer.shake_hands(&[mechanism], 0).await;
        let message =
            "Connection timeout: SASL authentication did not end within authenticationTimeout (10000 ms)";
        let broker = "one:9092".to_owned();
        let expected = NetError::Connect { broker, code: None, message: message.to_owned() };
        assert_eq!(sent.await.unwrap(), Err(expected));
        assert_eq!(start.elapsed().as_secs(), 10);
    }
}

#[test]
fn debug_shows_no_secret() {
    let shown = format!("{:?}", config("PLAIN"));
    assert!(shown.contains("PLAIN") && !shown.contains(PASSWORD), "{shown}");
}
