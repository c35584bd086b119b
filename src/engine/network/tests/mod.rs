//! The room as its users see it, over streams in memory and, where time matters, on a paused clock.

mod any;
mod connecting;
mod few;
mod outbox;
pub(in crate::engine) mod peer;
mod sasl;
mod sending;
mod tls;
mod unreachable;

use std::time::Duration;

use crate::engine::machine::NetError;
use crate::engine::machine::Target;
use crate::engine::network::Network;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::heartbeat::HeartbeatRequest;
use crate::engine::protocol::metadata::MetadataRequest;

/// A heartbeat of the group `group`.
fn heartbeat(group: &str) -> Request {
    HeartbeatRequest { group_id: group.to_owned(), ..HeartbeatRequest::default() }.into()
}

fn metadata() -> Request {
    MetadataRequest { topics: Some(Vec::new()), allow_auto_topic_creation: false }.into()
}

/// Sends from a task of its own.
fn send(
    network: &Network,
    to: Target,
    request: Request,
) -> tokio::task::JoinHandle<Result<Response, NetError>> {
    let network = network.clone();
    tokio::spawn(async move { network.send(to, request, Duration::ZERO).await })
}

fn closed(broker: &str) -> NetError {
    NetError::Closed { broker: broker.to_owned() }
}
