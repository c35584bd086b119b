//! Brokers that allow an address few connections.

use std::time::Duration;

use kafka_protocol::messages as wire;
use tokio::task::JoinHandle;

use super::peer::{Peer, World};
use super::{closed, heartbeat, metadata, send};
use crate::engine::machine::ConnectionKind;
use crate::engine::machine::NetError;
use crate::engine::machine::Target;
use crate::engine::network::NetworkConfig;
use crate::engine::protocol::ApiKey;
use crate::engine::protocol::Response;
use crate::engine::protocol::fetch::FetchRequest;

type Sent = JoinHandle<Result<Response, NetError>>;

/// A Fetch that may be held for five seconds.
fn fetch(world: &World, to: Target) -> Sent {
    let network = world.network.clone();
    let request = FetchRequest { max_wait_ms: 5000, ..FetchRequest::default() };
    tokio::spawn(async move { network.send(to, request.into(), Duration::from_secs(5)).await })
}

/// Answers the next request here, which must be a Fetch; says how long it allowed to hold it, ms.
async fn answer_fetch(peer: &mut Peer, sent: Sent) -> i32 {
    let request = peer.request().await.unwrap();
    assert_eq!(request.key, ApiKey::Fetch);
    peer.reply(&request, wire::FetchResponse::default()).await;
    sent.await.unwrap().unwrap();
    request.decode::<wire::FetchRequest>().max_wait_ms
}

async fn answer_heartbeat(peer: &mut Peer, sent: Sent) {
    let request = peer.request().await.unwrap();
    assert_eq!(request.key, ApiKey::Heartbeat);
    peer.reply_heartbeat(&request, 0).await;
    sent.await.unwrap().unwrap();
}

async fn answer_metadata(peer: &mut Peer, sent: Sent) {
    let request = peer.request().await.unwrap();
    assert_eq!(request.key, ApiKey::Metadata);
    peer.reply_brokers(&request, &[]).await;
    sent.await.unwrap().unwrap();
}

/// A world and its connection for short requests.
async fn connected() -> (World, Peer) {
    let mut world = World::with_brokers(NetworkConfig::default());
    let sent = send(&world.network, Target::node(1), metadata());
    let mut node = world.welcome().await;
    answer_metadata(&mut node, sent).await;
    (world, node)
}

async fn refuse(world: &mut World) {
    drop(world.accept().await);
}

#[tokio::test(start_paused = true)]
async fn with_two_the_long_polls_are_short_and_heartbeats_go_alone() {
    let (mut world, mut node) = connected().await;
    let beat = send(&world.network, Target::coordinator(1), heartbeat("g"));
    let mut coordinator = world.welcome().await;
    answer_heartbeat(&mut coordinator, beat).await;

    for to in [Target::Node(1, ConnectionKind::Fetch), Target::Node(1, ConnectionKind::FetchExpress)] {
        let sent = fetch(&world, to);
        refuse(&mut world).await;
        assert_eq!(answer_fetch(&mut node, sent).await, 250);
    }
    for _ in 0..10 {
        let sent = fetch(&world, Target::Node(1, ConnectionKind::Fetch));
        assert_eq!(answer_fetch(&mut node, sent).await, 250);
    }
    let beat = send(&world.network, Target::coordinator(1), heartbeat("g"));
    answer_heartbeat(&mut coordinator, beat).await;
    assert_eq!(world.dial_count(), 4);
    let warnings = |line: &String| line.contains("max.connections.per.ip");
    assert_eq!(world.logs().into_iter().filter(warnings).count(), 2);
}

#[tokio::test(start_paused = true)]
async fn with_three_a_fetch_beside_the_long_poll_has_no_connection_of_its_own() {
    let (mut world, mut node) = connected().await;
    let beat = send(&world.network, Target::coordinator(1), heartbeat("g"));
    answer_heartbeat(&mut world.welcome().await, beat).await;
    let long = fetch(&world, Target::Node(1, ConnectionKind::Fetch));
    let mut fetching = world.welcome().await;
    assert_eq!(answer_fetch(&mut fetching, long).await, 5000);
    let express = fetch(&world, Target::Node(1, ConnectionKind::FetchExpress));
    refuse(&mut world).await;
    assert_eq!(answer_fetch(&mut node, express).await, 250);
    // Nobody shares the long poll's.
    let long = fetch(&world, Target::Node(1, ConnectionKind::Fetch));
    assert_eq!(answer_fetch(&mut fetching, long).await, 5000);
}

#[tokio::test(start_paused = true)]
async fn with_one_everything_goes_over_it() {
    let (mut world, mut node) = connected().await;
    let beat = send(&world.network, Target::coordinator(1), heartbeat("g"));
    refuse(&mut world).await;
    answer_heartbeat(&mut node, beat).await;
    let sent = fetch(&world, Target::Node(1, ConnectionKind::Fetch));
    refuse(&mut world).await;
    assert_eq!(answer_fetch(&mut node, sent).await, 250);
}

/// Whoever comes first after an outage may hold the places.
#[tokio::test(start_paused = true)]
async fn a_long_poll_is_short_as_well_when_others_use_its_connection() {
    let mut world = World::with_brokers(NetworkConfig::default());
    let sent = fetch(&world, Target::Node(1, ConnectionKind::Fetch));
    let mut fetching = world.welcome().await;
    assert_eq!(answer_fetch(&mut fetching, sent).await, 5000);
    let beat = send(&world.network, Target::coordinator(1), heartbeat("g"));
    refuse(&mut world).await;
    answer_heartbeat(&mut fetching, beat).await;
    let asked = send(&world.network, Target::Any, metadata());
    // The other broker may be asked as well; this one has no further connection to give.
    let peer = world.accept().await;
    if peer.broker == "one:9092" {
        drop(peer);
        answer_metadata(&mut fetching, asked).await;
    }
    let sent = fetch(&world, Target::Node(1, ConnectionKind::Fetch));
    assert_eq!(answer_fetch(&mut fetching, sent).await, 250);
}

#[tokio::test(start_paused = true)]
async fn what_is_done_without_is_tried_again_behind_the_requests() {
    let (mut world, mut node) = connected().await;
    let sent = fetch(&world, Target::Node(1, ConnectionKind::Fetch));
    refuse(&mut world).await;
    answer_fetch(&mut node, sent).await;
    for (seconds, dials) in [(7, 2), (6, 3), (14, 3), (12, 4)] {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let sent = fetch(&world, Target::Node(1, ConnectionKind::Fetch));
        assert_eq!(answer_fetch(&mut node, sent).await, 250);
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!(world.dial_count(), dials, "{seconds}");
        if dials > 2 && seconds != 14 {
            refuse(&mut world).await;
        }
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    let sent = fetch(&world, Target::Node(1, ConnectionKind::Fetch));
    assert_eq!(answer_fetch(&mut node, sent).await, 250);
    let mut own = world.welcome().await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    let sent = fetch(&world, Target::Node(1, ConnectionKind::Fetch));
    assert_eq!(answer_fetch(&mut own, sent).await, 5000);
}

#[tokio::test(start_paused = true)]
async fn when_the_last_connection_dies_the_next_request_opens_one() {
    let (mut world, mut node) = connected().await;
    let beat = send(&world.network, Target::coordinator(1), heartbeat("g"));
    refuse(&mut world).await;
    node.request().await.unwrap();
    drop(node);
    assert_eq!(beat.await.unwrap(), Err(closed("one:9092")));
    let beat = send(&world.network, Target::coordinator(1), heartbeat("g"));
    answer_heartbeat(&mut world.welcome().await, beat).await;
}
