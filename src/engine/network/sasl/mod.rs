//! SASL: the handshake (v1), then rounds in SaslAuthenticate frames; once when a connection opens, and again while it
//! lives when the broker limits sessions (KIP-368).
//!
//! PLAIN and SCRAM run here. Of any other mechanism this room knows nothing, nor of what to do without credentials: an
//! event names the session, rounds come through [`Sasl::round`], and [`Sasl::finish`] says how it ended.

mod credentials;
mod reauthentication;
mod scram;

use std::collections::HashMap;
use std::io;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::engine::machine::NetError;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Response;
use crate::engine::protocol::sasl_authenticate::SaslAuthenticateRequest;
use crate::engine::protocol::sasl_handshake::SaslHandshakeRequest;

use super::config::{Credentials, SaslConfig};
use super::connection::Connection;
use super::dial::{connect_error, node_code};
use super::events::NetworkEvent;
use super::threads::blocking;
use crate::engine::machine::LogLevel;
pub(super) use credentials::Known;
use credentials::{Holder, Salted};
use scram::{ClientFirst, Hash, ScramError, salted_password};

pub(super) use reauthentication::keep_authenticated;

/// Why an authentication that was driven from outside came to nothing.
#[derive(Debug)]
pub struct Unauthenticated {
    /// What users are told.
    pub message: String,
    /// May another attempt go better? Not after a refusal of the broker, whatever this says.
    pub retriable: bool,
}

/// The credentials of one network, and the sessions that are driven from outside.
pub(super) struct Sasl {
    mechanism: String,
    /// None: authentications are driven from outside.
    holder: Option<Holder>,
    sessions: Mutex<HashMap<u64, OutsideSession>>,
    next_session: AtomicU64,
}

struct OutsideSession {
    session: Arc<Session>,
    done: oneshot::Sender<Result<(), Unauthenticated>>,
}

impl Sasl {
    pub(super) fn new(SaslConfig { mechanism, credentials, may_change }: SaslConfig) -> Sasl {
        let holder = credentials.map(|credentials| Holder::new(credentials, may_change));
        Sasl { mechanism, holder, sessions: Mutex::default(), next_session: AtomicU64::new(1) }
    }

    /// Authenticates a connection on which nothing else is going on. Returns the session's lifetime, if limited.
    pub(super) async fn authenticate(
        &self,
        connection: &Arc<Connection>,
    ) -> Result<Option<Duration>, NetError> {
        let session = Arc::new(Session::new(connection.clone(), namespace(&self.mechanism)));
        let known = self.credentials();
        let Err(error) = self.converse(&session, known.as_deref()).await else {
            let lifetime = session.lifetime();
            connection.authenticated(lifetime);
            return Ok(lifetime);
        };
        if session.is_refused() && self.renew(known.as_ref(), connection).await {
            session.log(LogLevel::Warn, &format!("{error}: the program has other credentials by now"));
            return Err(error);
        }
        // The end of a connection is told by who has opened it.
        let level = match error {
            NetError::ClientClosed | NetError::Connect { .. } | NetError::Closed { .. } => LogLevel::Debug,
            _ => LogLevel::Error,
        };
        session.log(level, &error.to_string());
        Err(error)
    }

    /// What the next authentication is made with. None: it is driven from outside.
    pub(super) fn credentials(&self) -> Option<Arc<Known>> {
        self.holder.as_ref().map(Holder::current)
    }

    /// Are these not the current ones any more?
    pub(super) fn has_others(&self, refused: &Arc<Known>) -> bool {
        self.holder.as_ref().is_some_and(|holder| holder.has_others(refused))
    }

    async fn renew(&self, refused: Option<&Arc<Known>>, connection: &Connection) -> bool {
        match (&self.holder, refused) {
            (Some(holder), Some(refused)) => holder.renew(refused, &connection.context().events).await,
            _ => false,
        }
    }

    /// What the program has said to a refusal.
    pub(super) fn given(&self, refusal: u64, credentials: Option<Credentials>) {
        if let Some(holder) = &self.holder {
            holder.given(refusal, credentials);
        }
    }

    /// One round of a session that is driven from outside.
    pub(super) async fn round(&self, session: u64, bytes: Bytes) -> Result<Bytes, NetError> {
        let session = self.sessions().get(&session).map(|outside| outside.session.clone());
        match session {
            Some(session) => session.round(bytes).await?.map_err(|refusal| NetError::Authentication {
                broker: session.connection.address().broker(),
                message: refusal.message,
                code: Some(refusal.code),
            }),
            None => Err(NetError::Authentication {
                broker: String::new(),
                message: "The connection to authenticate is closed".to_owned(),
                code: None,
            }),
        }
    }

    /// The end of a session that is driven from outside.
    pub(super) fn finish(&self, session: u64, result: Result<(), Unauthenticated>) {
        if let Some(outside) = self.sessions().remove(&session) {
            // The connection may have died meanwhile.
            let _ = outside.done.send(result);
        }
    }

    async fn converse(&self, session: &Arc<Session>, known: Option<&Known>) -> Result<(), NetError> {
        let mechanism = self.mechanism.as_str();
        session.handshake(mechanism).await?;
        match (mechanism, known) {
            ("PLAIN", Some(known)) => self.plain(session, &known.credentials).await,
            ("SCRAM-SHA-256", Some(known)) => self.scram(session, Hash::Sha256, known).await,
            ("SCRAM-SHA-512", Some(known)) => self.scram(session, Hash::Sha512, known).await,
            _ => self.outside(session).await,
        }
    }

    async fn plain(&self, session: &Session, credentials: &Credentials) -> Result<(), NetError> {
        let Credentials { username, password, authorization_identity } = credentials;
        let identity = authorization_identity.as_deref().unwrap_or_default();
        let message = [identity, username, password].join("\0").into_bytes();
        session.log(LogLevel::Debug, "Authenticate with SASL PLAIN");
        let answer = session.round(Bytes::from_owner(Zeroizing::new(message))).await?;
        match answer {
            Ok(_) => {
                session.log(LogLevel::Debug, "SASL PLAIN authentication successful");
                Ok(())
            }
            Err(SaslError { message, .. }) => {
                Err(session.failed(format!("SASL PLAIN authentication failed: {message}")))
            }
        }
    }

    async fn scram(&self, session: &Session, hash: Hash, known: &Known) -> Result<(), NetError> {
        let failed = |reason: String| {
            session.failed(format!("SASL SCRAM {} authentication failed: {reason}", hash.name()))
        };
        let invalid = |error: ScramError| failed(error.to_string());
        let refused = |error: SaslError| failed(error.message);

        let first = ClientFirst::new(hash, &known.credentials.username, nonce().map_err(failed)?);
        session.log(LogLevel::Debug, "Exchanging first client message");
        let server_first = session.round(first.message().into()).await?.map_err(refused)?;
        let challenge = first.challenge(&server_first).map_err(invalid)?;
        let no_thread = |error| {
            let reason = format_args!("SCRAM needs a thread: {error}");
            connect_error(session.connection.address(), node_code(&error), reason)
        };
        let salted = self.salted(hash, known, &challenge.salt, challenge.iterations).await;
        let salted = salted.map_err(no_thread)?;
        let last = challenge.answer(&salted);
        session.log(LogLevel::Debug, "Sending final message");
        let server_final = session.round(last.message.clone().into()).await?.map_err(refused)?;
        last.verify(&server_final).map_err(invalid)?;
        session.log(LogLevel::Debug, &format!("SASL SCRAM {} authentication successful", hash.name()));
        Ok(())
    }

    async fn salted(
        &self,
        hash: Hash,
        known: &Known,
        salt: &[u8],
        iterations: NonZeroU32,
    ) -> io::Result<Zeroizing<Vec<u8>>> {
        let cache = || known.salted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &*cache()
            && known.salt == salt
            && known.iterations == iterations
        {
            return Ok(known.password.clone());
        }
        let (password, salt) = (known.credentials.password.clone(), salt.to_vec());
        let computing = blocking("kafkars-scram", move || {
            let password = salted_password(hash, &password, &salt, iterations);
            Salted { salt, iterations, password }
        });
        let salted = computing.await?;
        let password = salted.password.clone();
        *cache() = Some(salted);
        Ok(password)
    }

    async fn outside(&self, session: &Arc<Session>) -> Result<(), NetError> {
        let id = self.next_session.fetch_add(1, Ordering::Relaxed);
        let (done, mut outcome) = oneshot::channel();
        self.sessions().insert(id, OutsideSession { session: session.clone(), done });
        let _forget = ForgetSession { sasl: self, id };
        let address = session.connection.address();
        session.connection.context().events.emit(NetworkEvent::Authenticate {
            session: id,
            host: address.host.clone(),
            port: address.port,
            mechanism: self.mechanism.clone(),
        });
        let outcome = tokio::select! {
            biased;
            reason = session.connection.died() => match reason {
                // A broker closes the connection right behind its refusal. JavaScript has the refusal and makes an error of it, which
                // tells more than the closed connection does: so that error is waited for.
                NetError::Closed { .. } if session.ended_refused().await => outcome.await,
                // A connection that broke says nothing about the credentials, so the error is that of the connection, whatever JavaScript
                // rejects with.
                reason => return Err(reason),
            },
            outcome = &mut outcome => outcome,
        };
        match outcome {
            Ok(Ok(())) => Ok(()),
            // The broker has refused nothing: the token provider could not give a token this time.
            Ok(Err(Unauthenticated { message, retriable: true })) if !session.is_refused() => {
                Err(NetError::Connect { broker: address.broker(), code: None, message })
            }
            Ok(Err(Unauthenticated { message, .. })) => Err(session.failed(message)),
            Err(_) => Err(session.connection.closed()),
        }
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<u64, OutsideSession>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct ForgetSession<'a> {
    sasl: &'a Sasl,
    id: u64,
}

impl Drop for ForgetSession<'_> {
    fn drop(&mut self) {
        self.sasl.sessions().remove(&self.id);
    }
}

/// The broker's refusal of a round.
struct SaslError {
    code: ErrorCode,
    message: String,
}

/// One authentication of one connection.
struct Session {
    connection: Arc<Connection>,
    /// Of its log lines.
    namespace: &'static str,
    lifetime_ms: AtomicI64,
    /// Whether the broker has refused a round: it will not go on.
    refused: AtomicBool,
    /// Held during a round.
    talking: tokio::sync::Mutex<()>,
}

impl Session {
    fn new(connection: Arc<Connection>, namespace: &'static str) -> Session {
        Session {
            connection,
            namespace,
            lifetime_ms: AtomicI64::new(0),
            refused: AtomicBool::new(false),
            talking: tokio::sync::Mutex::default(),
        }
    }

    fn log(&self, level: LogLevel, message: &str) {
        let broker = self.connection.address().broker();
        self.connection.context().events.log_as(self.namespace, level, &broker, message);
    }

    async fn handshake(&self, mechanism: &str) -> Result<(), NetError> {
        let request = SaslHandshakeRequest { mechanism: mechanism.to_owned() }.into();
        let version = self.connection.version_for(&request)?;
        let Response::SaslHandshake(answer) = self.connection.send_now(&request, version).await? else {
            return Err(self.connection.closed());
        };
        if answer.error.is_err() {
            let mut message = answer.error.message().into_owned();
            if answer.error == ErrorCode::UNSUPPORTED_SASL_MECHANISM {
                let offered = answer.mechanisms.join(", ");
                message = format!("{message}: {mechanism} was asked for, this listener offers {offered}");
            }
            return Err(NetError::Authentication {
                broker: self.connection.address().broker(),
                message,
                code: Some(answer.error),
            });
        }
        if !answer.mechanisms.iter().any(|enabled| enabled == mechanism) {
            return Err(self.failed(format!("SASL {mechanism} mechanism is not supported by the server")));
        }
        Ok(())
    }

    /// The broker's answer.
    async fn round(&self, auth_bytes: Bytes) -> Result<Result<Bytes, SaslError>, NetError> {
        let _talking = self.talking.lock().await;
        let request = SaslAuthenticateRequest { auth_bytes }.into();
        let version = self.connection.version_for(&request)?;
        let Response::SaslAuthenticate(answer) = self.connection.send_now(&request, version).await? else {
            return Err(self.connection.closed());
        };
        self.lifetime_ms.store(answer.session_lifetime_ms, Ordering::Relaxed);
        self.refused.store(answer.error.is_err(), Ordering::Relaxed);
        let code = answer.error;
        if !code.is_err() {
            return Ok(Ok(answer.auth_bytes));
        }
        let message = match answer.error_message {
            Some(message) if code == ErrorCode::SASL_AUTHENTICATION_FAILED && !message.is_empty() => message,
            _ => code.message().into_owned(),
        };
        Ok(Err(SaslError { code, message }))
    }

    fn is_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }

    /// On a dead connection: was its last word a refusal? The request that waits for that answer may not have read it yet.
    async fn ended_refused(&self) -> bool {
        let _over = self.talking.lock().await;
        self.is_refused()
    }

    fn lifetime(&self) -> Option<Duration> {
        let ms = u64::try_from(self.lifetime_ms.load(Ordering::Relaxed)).ok()?;
        (ms > 0).then(|| Duration::from_millis(ms))
    }

    fn failed(&self, message: impl Into<String>) -> NetError {
        let broker = self.connection.address().broker();
        NetError::Authentication { broker, message: message.into(), code: None }
    }
}

/// kafkajs's.
fn namespace(mechanism: &str) -> &'static str {
    match mechanism {
        "PLAIN" => "SaslAuthenticator-PLAIN",
        "SCRAM-SHA-256" => "SaslAuthenticator-SCRAM-SHA-256",
        "SCRAM-SHA-512" => "SaslAuthenticator-SCRAM-SHA-512",
        "OAUTHBEARER" => "SaslAuthenticator-OAUTHBEARER",
        "AWS" => "SaslAuthenticator-AWS",
        _ => "SaslAuthenticator",
    }
}

fn nonce() -> Result<String, String> {
    let mut random = [0; 24];
    SystemRandom::new().fill(&mut random).map_err(|_| "the system gives no random numbers".to_owned())?;
    Ok(URL_SAFE_NO_PAD.encode(random))
}
