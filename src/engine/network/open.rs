//! From an address to a connection that can be used: stream, ApiVersions, SASL.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::engine::machine::NetError;
use crate::engine::protocol::ApiKey;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Response;
use crate::engine::protocol::VersionRange;
use crate::engine::protocol::api_versions::{ApiVersionsRequest, HANDSHAKE};

use super::connection::{Connection, KillOnDrop};
use super::context::Context;
use super::deadline::within;
use super::dial::connect_error;
use super::events::NetworkEvent;
use super::link::Endpoint;
use super::sasl::{Sasl, keep_authenticated};
use super::unreachable::line;
use crate::engine::machine::LogLevel;

/// Opens a connection, the first to this broker or one more. Dropping the future closes whatever is half open.
pub(super) async fn open(
    context: &Arc<Context>,
    endpoint: &Endpoint,
    attempt: usize,
    is_first: bool,
) -> Result<Arc<Connection>, NetError> {
    let credentials = context.sasl.as_ref().and_then(Sasl::credentials);
    let opened = try_open(context, endpoint, attempt, is_first).await;
    // A broker that refuses our certificate just hangs up (TLS 1.3).
    if context.config.tls.is_some()
        && let Err(NetError::Connect { .. } | NetError::Closed { .. }) = &opened
    {
        context.events.emit(NetworkEvent::NotOpened);
    }
    match (&opened, &context.sasl, credentials) {
        // The broker has closed that connection, and the credentials are others by now.
        (Err(NetError::Authentication { .. }), Some(sasl), Some(refused)) if sasl.has_others(&refused) => {
            try_open(context, endpoint, attempt, is_first).await
        }
        _ => opened,
    }
}

async fn try_open(
    context: &Arc<Context>,
    endpoint: &Endpoint,
    attempt: usize,
    is_first: bool,
) -> Result<Arc<Connection>, NetError> {
    let address = &endpoint.address;
    context.events.log(LogLevel::Debug, &address.broker(), "Connecting");
    let wire = context.dialer.dial(address, attempt).await.map_err(|error| {
        let error = endpoint.explain(error);
        tell_failure(context, endpoint, LogLevel::Error, &error.to_string());
        error
    })?;
    let connection = Connection::start(context, address.clone(), wire);
    let unfinished = KillOnDrop::new(&connection);
    let negotiated = negotiate(&connection).await;
    // One that is too many for a broker is told of by the link that does without.
    match &negotiated {
        Err(NetError::Closed { .. }) if is_first => {
            let what = "The broker closed a new connection before it has answered: it or a proxy is going down, or this is \
                        a listener with TLS, or no Kafka listener";
            tell_failure(context, endpoint, LogLevel::Warn, what);
        }
        Err(error @ NetError::Connect { .. }) if is_first => {
            tell_failure(context, endpoint, LogLevel::Error, &error.to_string());
        }
        Ok(_) | Err(_) => {}
    }
    connection.set_versions(negotiated?);
    if let Some(sasl) = &context.sasl {
        let authenticated = authenticate(sasl, &connection).await;
        // A refusal is told by who has met with it.
        if let Err(error @ (NetError::Connect { .. } | NetError::Closed { .. })) = &authenticated {
            tell_failure(context, endpoint, LogLevel::Error, &error.to_string());
        }
        if let Some(lifetime) = authenticated? {
            context.spawn(keep_authenticated(connection.clone(), lifetime));
        }
    }
    unfinished.forget();
    context.unreachable.reached(address);
    Ok(connection)
}

/// Links to a broker that is down try it all the time, and one line tells of that. Each attempt at a configured address that was
/// never reached is one of a `connect()`, and has a line of its own, as in kafkajs.
fn tell_failure(context: &Context, endpoint: &Endpoint, level: LogLevel, failure: &str) {
    let address = &endpoint.address;
    let lasted = context.unreachable.failed(Instant::now().into_std(), address);
    let level = if lasted.is_some() || endpoint.is_seed() { level } else { LogLevel::Debug };
    context.events.log(level, &address.broker(), line(failure, lasted.unwrap_or_default()));
}

/// Within `authenticationTimeout`: a broker or a token provider may never answer. Running out of time is no verdict on the
/// credentials, so the error is one of the connection.
async fn authenticate(sasl: &Sasl, connection: &Arc<Connection>) -> Result<Option<Duration>, NetError> {
    let limit = connection.context().config.authentication_timeout;
    within(limit, sasl.authenticate(connection)).await.unwrap_or_else(|_| {
        let limit = limit.as_millis();
        let message = format!(
            "Connection timeout: SASL authentication did not end within authenticationTimeout ({limit} ms)"
        );
        Err(NetError::Connect { broker: connection.address().broker(), code: None, message })
    })
}

/// KIP-35/511: a broker that does not know the version answers error 35 with what it does know.
async fn negotiate(connection: &Connection) -> Result<HashMap<i16, VersionRange>, NetError> {
    let request = ApiVersionsRequest {
        client_software_name: env!("CARGO_PKG_NAME").to_owned(),
        client_software_version: env!("CARGO_PKG_VERSION").to_owned(),
    }
    .into();
    let ours = ApiKey::ApiVersions.versions();
    let mut version = HANDSHAKE;
    loop {
        let Response::ApiVersions(answer) = connection.send_now(&request, version).await? else {
            return Err(connection.closed());
        };
        let versions: HashMap<i16, VersionRange> = answer.apis.into_iter().collect();
        match answer.error {
            ErrorCode::NONE => return Ok(versions),
            ErrorCode::UNSUPPORTED_VERSION if version > 0 => {
                let listed = versions.get(&ApiKey::ApiVersions.code()).copied();
                version = ours.negotiate(listed).filter(|listed| *listed < version).unwrap_or(0);
            }
            error => return Err(connect_error(connection.address(), None, error.message())),
        }
    }
}
