//! From an address to a connection that can be used: stream, ApiVersions, SASL.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::machine::NetError;
use crate::engine::protocol::ApiKey;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Response;
use crate::engine::protocol::VersionRange;
use crate::engine::protocol::api_versions::ApiVersionsRequest;

use super::connection::{Connection, KillOnDrop};
use super::context::Context;
use super::deadline::within;
use super::dial::{Address, connect_error};
use super::sasl::{Sasl, keep_authenticated};
use crate::engine::machine::LogLevel;

/// Opens a connection, the first to this broker or one more. Dropping the future closes whatever is half open.
pub(super) async fn open(
    context: &Arc<Context>,
    address: &Address,
    attempt: usize,
    is_first: bool,
) -> Result<Arc<Connection>, NetError> {
    context.events.log(LogLevel::Debug, &address.broker(), "Connecting");
    let stream = context.dialer.dial(address, attempt).await.inspect_err(|error| {
        context.events.log(LogLevel::Error, &address.broker(), error.to_string());
    })?;
    let connection = Connection::start(context, address.clone(), stream);
    let unfinished = KillOnDrop::new(&connection);
    connection.set_versions(negotiate(&connection).await.inspect_err(|error| {
        if is_first && let NetError::Closed { .. } = error {
            connection.log(
                LogLevel::Warn,
                "The broker closed a new connection: is this a listener with TLS, or not a Kafka listener?",
            );
        }
    })?);
    if let Some(sasl) = &context.sasl
        && let Some(lifetime) = authenticate(sasl, &connection).await?
    {
        context.spawn(keep_authenticated(connection.clone(), lifetime));
    }
    unfinished.forget();
    Ok(connection)
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
        connection.log(LogLevel::Error, message.clone());
        Err(NetError::Connect { broker: connection.address().broker(), code: None, message })
    })
}

/// KIP-35/511: asks in our highest version; a broker that does not know it answers error 35 with what it does know.
async fn negotiate(connection: &Connection) -> Result<HashMap<i16, VersionRange>, NetError> {
    let request = ApiVersionsRequest {
        client_software_name: env!("CARGO_PKG_NAME").to_owned(),
        client_software_version: env!("CARGO_PKG_VERSION").to_owned(),
    }
    .into();
    let ours = ApiKey::ApiVersions.versions();
    let mut version = ours.max;
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
