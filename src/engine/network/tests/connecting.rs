//! Opening connections, which ones, and opening them again.

use std::sync::atomic::Ordering;
use std::time::Duration;

use kafka_protocol::messages as wire;
use tokio::task::JoinHandle;

use super::peer::{Peer, Received, World, api_versions, broker};
use super::{closed, heartbeat, metadata, send};
use crate::engine::machine::ConnectionKind;
use crate::engine::machine::NetError;
use crate::engine::machine::Target;
use crate::engine::network::{NetworkConfig, NetworkEvent, SeedError};
use crate::engine::protocol::ApiKey;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Response;
use crate::engine::protocol::fetch::{FetchRequest, FetchTopic};
use crate::engine::protocol::metadata::MetadataResponse;

#[tokio::test]
async fn versions_are_asked_for_downwards() {
    // What a broker lists when it refuses version 3, and what it must be asked in next.
    for (listed, next) in [(Some((0, 2)), 2), (None, 0), (Some((0, 9)), 0)] {
        let mut world = World::with_brokers(NetworkConfig::default());
        let sent = send(&world.network, Target::node(1), metadata());
        let mut peer = world.accept().await;
        let first = peer.request().await.unwrap();
        assert_eq!((first.key, first.version), (ApiKey::ApiVersions, 3));
        let refusal = api_versions(|key| listed.filter(|_| key == ApiKey::ApiVersions)).with_error_code(35);
        peer.reply_in(&first, 0, refusal).await;
        let second = peer.request().await.unwrap();
        assert_eq!((second.key, second.version), (ApiKey::ApiVersions, next));
        peer.reply(&second, api_versions(|_| Some((0, 5)))).await;
        let request = peer.request().await.unwrap();
        assert_eq!((request.key, request.version), (ApiKey::Metadata, 5));
        peer.reply_brokers(&request, &[]).await;
        sent.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_broker_that_refuses_every_version_is_a_connection_error() {
    let mut world = World::with_brokers(NetworkConfig::default());
    let sent = send(&world.network, Target::node(1), metadata());
    let mut peer = world.accept().await;
    while let Some(request) = peer.request().await {
        peer.reply_in(&request, 0, api_versions(|_| None).with_error_code(35)).await;
    }
    assert!(matches!(sent.await.unwrap(), Err(NetError::Connect { .. })));
}

#[tokio::test]
async fn a_fetch_without_topic_ids_stays_below_version_13_and_a_missing_api_has_a_name() {
    let mut world = World::with_brokers(NetworkConfig::default());
    let topics = vec![FetchTopic { name: "t".to_owned(), ..FetchTopic::default() }];
    let sent = send(
        &world.network,
        Target::Node(1, ConnectionKind::Fetch),
        FetchRequest { topics, ..FetchRequest::default() }.into(),
    );
    let mut peer = world.accept().await;
    let request = peer.request().await.unwrap();
    peer.reply(&request, api_versions(|key| (key != ApiKey::Heartbeat).then_some((0, 99)))).await;
    let fetch = peer.request().await.unwrap();
    assert_eq!((fetch.key, fetch.version), (ApiKey::Fetch, 12));
    peer.reply(&fetch, wire::FetchResponse::default()).await;
    sent.await.unwrap().unwrap();

    // It may have been damaged on the way: to be believed, it is said on two connections.
    let missing = send(&world.network, Target::Node(1, ConnectionKind::Fetch), heartbeat("g"));
    let mut peer = world.accept().await;
    let request = peer.request().await.unwrap();
    peer.reply(&request, api_versions(|key| (key != ApiKey::Heartbeat).then_some((0, 99)))).await;
    let unsupported = Err(NetError::UnsupportedApi { api: "Heartbeat", key: 12, theirs: None });
    assert_eq!(missing.await.unwrap(), unsupported);
    let missing =
        world.network.send(Target::Node(1, ConnectionKind::Fetch), heartbeat("g"), Duration::ZERO).await;
    assert_eq!((missing, world.dial_count()), (unsupported, 2));
}

#[tokio::test]
async fn an_api_that_is_missing_does_not_fail_others_that_wait_for_the_connection() {
    let mut world = World::with_brokers(NetworkConfig::default());
    let missing = send(&world.network, Target::node(1), heartbeat("g"));
    let others: Vec<_> = (0..3).map(|_| send(&world.network, Target::node(1), metadata())).collect();
    // The first, on whose behalf another is asked, and the other.
    for _ in 0..2 {
        let mut peer = world.accept().await;
        tokio::spawn(async move {
            while let Some(request) = peer.request().await {
                match request.key {
                    ApiKey::ApiVersions => {
                        let listed = api_versions(|key| (key != ApiKey::Heartbeat).then_some((0, 99)));
                        peer.reply(&request, listed).await;
                    }
                    _ => peer.reply_brokers(&request, &[(1, "one")]).await,
                }
            }
        });
    }
    assert!(matches!(missing.await.unwrap(), Err(NetError::UnsupportedApi { key: 12, .. })));
    for other in others {
        assert!(matches!(other.await.unwrap(), Ok(Response::Metadata(_))));
    }
}

#[tokio::test]
async fn an_api_that_is_missing_on_one_connection_is_asked_for_on_another() {
    let mut world = World::with_brokers(NetworkConfig::default());
    let sent = send(&world.network, Target::coordinator(1), heartbeat("g"));
    let mut peer = world.accept().await;
    let request = peer.request().await.unwrap();
    peer.reply(&request, api_versions(|key| Some(if key == ApiKey::Heartbeat { (4, 1) } else { (0, 99) })))
        .await;
    let mut peer = world.welcome().await;
    let request = peer.request().await.unwrap();
    peer.reply_heartbeat(&request, 0).await;
    assert!(sent.await.unwrap().is_ok());
}

#[tokio::test]
async fn the_seed_teaches_the_brokers_and_becomes_one_of_them() {
    let mut world = World::new(NetworkConfig::default());
    assert!(!world.network.is_connected());
    let nowhere = world.network.send(Target::Any, metadata(), Duration::ZERO).await;
    assert_eq!(nowhere, Err(NetError::NoBroker));

    let network = world.network.clone();
    let connected = tokio::spawn(async move { network.connect_seed("one", 9092).await });
    let mut seed = world.welcome().await;
    let request = seed.request().await.unwrap();
    assert_eq!(request.decode::<wire::MetadataRequest>().topics, Some(vec![]));
    seed.reply_brokers(&request, &[(1, "one"), (2, "two")]).await;
    assert_eq!(connected.await.unwrap().unwrap().brokers, [broker(1, "one"), broker(2, "two")]);
    assert!(world.network.is_connected());

    // Any and Node(1) share the seed's connection; a fetch does not.
    for to in [Target::Any, Target::node(1)] {
        let sent = send(&world.network, to, metadata());
        let request = seed.request().await.unwrap();
        seed.reply_brokers(&request, &[]).await;
        sent.await.unwrap().unwrap();
    }
    assert_eq!(world.dial_count(), 1);
    let _sent = send(&world.network, Target::Node(1, ConnectionKind::Fetch), FetchRequest::default().into());
    let mut fetching = world.welcome().await;
    assert_eq!(fetching.broker, "one:9092");
    assert_eq!(fetching.request().await.unwrap().key, ApiKey::Fetch);
}

#[tokio::test]
async fn each_kind_has_a_connection_and_unknown_targets_have_none() {
    let mut world = World::with_brokers(NetworkConfig::default());
    for to in
        [Target::node(1), Target::Node(1, ConnectionKind::Fetch), Target::coordinator(1), Target::node(2)]
    {
        let sent = send(&world.network, to, heartbeat("g"));
        let mut peer = world.welcome().await;
        let request = peer.request().await.unwrap();
        peer.reply_heartbeat(&request, 0).await;
        sent.await.unwrap().unwrap();
    }
    assert_eq!(world.dial_count(), 4);
    for to in [Target::node(3), Target::coordinator(-1)] {
        let sent = world.network.send(to, metadata(), Duration::ZERO).await;
        assert_eq!(sent, Err(NetError::NoBroker), "{to:?}");
    }
}

#[tokio::test]
async fn many_senders_share_one_attempt_and_its_failure() {
    let mut world = World::with_brokers(NetworkConfig::default());
    let sent: Vec<_> = (0..10).map(|_| send(&world.network, Target::node(1), metadata())).collect();
    let peer = world.accept().await;
    drop(peer);
    for sent in sent {
        assert_eq!(sent.await.unwrap(), Err(closed("one:9092")));
    }
    assert_eq!(world.dial_count(), 1);
}

#[tokio::test]
async fn an_attempt_outlives_the_sender_that_began_it() {
    let mut world = World::with_brokers(NetworkConfig::default());
    let first = send(&world.network, Target::node(1), metadata());
    let mut peer = world.accept().await;
    let second = send(&world.network, Target::node(1), metadata());
    first.abort();
    let _ = first.await;
    peer.welcome().await;
    let request = peer.request().await.unwrap();
    peer.reply_brokers(&request, &[]).await;
    second.await.unwrap().unwrap();
    assert_eq!(world.dial_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn reconnecting_backs_off_from_50_ms_to_1_s_and_starts_anew_after_success() {
    let mut world = World::with_brokers(NetworkConfig::default());
    world.refuse.store(true, Ordering::Relaxed);
    for _ in 0..8 {
        let refused = world.network.send(Target::node(1), metadata(), Duration::ZERO).await;
        assert!(matches!(refused, Err(NetError::Connect { code: Some(code), .. }) if code == "ECONNREFUSED"));
    }
    let dials = world.dials.lock().unwrap().clone();
    for (failures, pair) in dials.windows(2).enumerate() {
        let base = Duration::from_millis((50 << failures).min(1000));
        let wait = pair[1] - pair[0];
        // Two ms of grain in the clock's timers; the wait is never longer than the connection timeout, 1 s.
        assert!(
            wait >= base.mul_f64(0.8) && wait <= base.mul_f64(1.2) + Duration::from_millis(2),
            "{wait:?}"
        );
    }

    // The back-off belongs to the broker, not to one of its connections; others are not affected.
    world.refuse.store(false, Ordering::Relaxed);
    let before = tokio::time::Instant::now();
    let _sent = send(&world.network, Target::coordinator(1), heartbeat("g"));
    let peer = world.welcome().await;
    assert!(before.elapsed() >= Duration::from_millis(800));
    drop(peer);
    let before = tokio::time::Instant::now();
    let _sent = send(&world.network, Target::node(1), metadata());
    world.welcome().await;
    assert!(before.elapsed() < Duration::from_millis(5));
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_accepts_and_says_nothing_is_given_up() {
    let config = NetworkConfig { request_timeout: None, ..NetworkConfig::default() };
    let mut world = World::with_brokers(config);
    let sent = send(&world.network, Target::node(1), metadata());
    let mut peer = world.accept().await;
    let NetError::Connect { message, .. } = sent.await.unwrap().unwrap_err() else { panic!() };
    assert_eq!(message, "Connection timeout");
    // The half-open connection went with the attempt.
    assert!(peer.request().await.is_some());
    assert!(peer.request().await.is_none());
}

#[tokio::test]
async fn one_broker_that_is_named_touches_no_other() {
    let mut world = World::with_brokers(NetworkConfig::default());
    let ask = |node| send(&world.network, Target::node(node), metadata());
    let sent = [ask(1), ask(2)];
    let mut peers = [world.welcome().await, world.welcome().await];
    for peer in &mut peers {
        peer.request().await.unwrap();
    }
    assert_eq!(
        world.network.send(Target::node(7), metadata(), Duration::ZERO).await,
        Err(NetError::NoBroker)
    );
    // Those that are known stay where they are.
    world.network.add_brokers(&[broker(1, "elsewhere"), broker(7, "seven")]);
    let seven = send(&world.network, Target::node(7), metadata());
    let _seven = world.welcome().await;
    assert!(!sent.iter().any(JoinHandle::is_finished));
    world.network.update_broker(&broker(1, "elsewhere"));
    let [one, two] = sent;
    assert_eq!(one.await.unwrap(), Err(closed("one:9092")));
    assert!(!two.is_finished() && !seven.is_finished());
}

#[tokio::test]
async fn a_node_that_moves_gets_a_new_connection_and_a_vanished_one_none() {
    let mut world = World::with_brokers(NetworkConfig::default());
    let sent = [
        send(&world.network, Target::node(1), metadata()),
        send(&world.network, Target::node(2), metadata()),
    ];
    let mut peers = [world.welcome().await, world.welcome().await];
    for peer in &mut peers {
        peer.request().await.unwrap();
    }
    world.network.update_brokers(&[]);
    assert!(world.network.is_connected());
    world.network.update_brokers(&[broker(1, "elsewhere")]);
    let [one, two] = sent;
    assert_eq!(one.await.unwrap(), Err(closed("one:9092")));
    assert_eq!(two.await.unwrap(), Err(closed("two:9092")));
    for peer in &mut peers {
        assert!(peer.request().await.is_none());
    }
    assert!(!world.network.is_connected());

    let _sent = send(&world.network, Target::node(1), metadata());
    assert_eq!(world.welcome().await.broker, "elsewhere:9092");
    let gone = world.network.send(Target::node(2), metadata(), Duration::ZERO).await;
    assert_eq!(gone, Err(NetError::NoBroker));
}

#[tokio::test(start_paused = true)]
async fn any_goes_elsewhere_after_a_failure() {
    let mut world = World::with_brokers(NetworkConfig::default());
    let mut asked = Vec::new();
    for _ in 0..4 {
        let sent = send(&world.network, Target::Any, metadata());
        let mut peer = world.welcome().await;
        peer.request().await.unwrap();
        asked.push(peer.broker.clone());
        drop(peer);
        assert!(matches!(sent.await.unwrap(), Err(NetError::Closed { .. })));
    }
    assert_ne!(asked[0], asked[1]);
    assert_eq!(asked[..2], asked[2..]);

    // A broker that takes the connection and says nothing was not asked either.
    let sent = send(&world.network, Target::Any, metadata());
    let silent = world.accept().await;
    let mut peer = world.welcome().await;
    assert_ne!(peer.broker, silent.broker);
    let request = peer.request().await.unwrap();
    peer.reply_brokers(&request, &[]).await;
    sent.await.unwrap().unwrap();
    drop((silent, peer));
    tokio::time::sleep(Duration::from_millis(1)).await;

    // What cannot be reached was not asked: the same request goes on to the next.
    world.refuse.store(true, Ordering::Relaxed);
    let before = world.dial_count();
    let refused = world.network.send(Target::Any, metadata(), Duration::ZERO).await;
    assert!(matches!(refused, Err(NetError::Connect { .. })));
    assert_eq!(world.dial_count(), before + 2);
}

#[tokio::test(start_paused = true)]
async fn any_goes_elsewhere_when_a_broker_is_silent() {
    let mut world = World::with_brokers(NetworkConfig { request_timeout: None, ..NetworkConfig::default() });
    let sent = send(&world.network, Target::Any, metadata());
    let mut silent = world.welcome().await;
    silent.request().await.unwrap();
    let mut peer = world.welcome().await;
    assert_ne!(peer.broker, silent.broker);
    let request = peer.request().await.unwrap();
    // The last one that could be asked is given the time that it needs.
    tokio::time::sleep(Duration::from_secs(60)).await;
    peer.reply_brokers(&request, &[]).await;
    sent.await.unwrap().unwrap();

    let _sent = send(&world.network, Target::Any, metadata());
    peer.request().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn when_no_broker_can_be_reached_the_seeds_are_asked_for_and_help() {
    let mut world = World::with_brokers(NetworkConfig::default());
    // One of two brokers fails, the other may not.
    let sent = send(&world.network, Target::Any, metadata());
    drop(world.welcome().await);
    assert!(sent.await.unwrap().is_err());
    assert_eq!(unreachable(&mut world), 0);
    let sent = send(&world.network, Target::Any, metadata());
    let mut peer = world.welcome().await;
    let request = peer.request().await.unwrap();
    peer.reply_brokers(&request, &[]).await;
    sent.await.unwrap().unwrap();

    drop(peer);
    world.refuse.store(true, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(1)).await;
    for _ in 0..2 {
        let sent = world.network.send(Target::Any, metadata(), Duration::ZERO).await;
        assert!(matches!(sent, Err(NetError::Connect { .. })));
        assert_eq!(unreachable(&mut world), 1);
    }

    world.refuse.store(false, Ordering::Relaxed);
    let (seeding, mut peer, request) = seeding(&mut world).await;
    peer.reply_brokers(&request, &[(7, "new")]).await;
    seeding.await.unwrap().unwrap();
    let sent = send(&world.network, Target::Any, metadata());
    let request = peer.request().await.unwrap();
    peer.reply_brokers(&request, &[]).await;
    sent.await.unwrap().unwrap();
    assert_eq!(unreachable(&mut world), 0);
}

/// Brokers whose knowledge is not ours any more, or a proxy before another cluster: KIP-1102.
#[tokio::test(start_paused = true)]
async fn a_broker_that_says_so_makes_us_begin_again_with_the_seeds() {
    let mut world = World::with_brokers(NetworkConfig::default());
    let waiting = send(&world.network, Target::coordinator(1), heartbeat("g"));
    let mut coordinator = world.welcome().await;
    coordinator.request().await.unwrap();
    let sent = send(&world.network, Target::Any, metadata());
    let mut peer = world.welcome().await;
    let request = peer.request().await.unwrap();
    peer.reply(&request, rebootstrap()).await;
    let Response::Metadata(answer) = sent.await.unwrap().unwrap() else { panic!() };
    assert_eq!(answer.error, ErrorCode::REBOOTSTRAP_REQUIRED);
    assert_eq!(waiting.await.unwrap(), Err(closed("one:9092")));
    assert!(!world.network.is_connected());
    assert_eq!(unreachable(&mut world), 1);
    let sent = world.network.send(Target::Any, metadata(), Duration::ZERO).await;
    assert_eq!(sent, Err(NetError::NoBroker));
    assert_eq!(unreachable(&mut world), 1, "until somebody has connected to a seed");

    let (seeding, mut peer, request) = seeding(&mut world).await;
    peer.reply_brokers(&request, &[(7, "new")]).await;
    seeding.await.unwrap().unwrap();
    assert_eq!(
        world.network.send(Target::node(1), metadata(), Duration::ZERO).await,
        Err(NetError::NoBroker)
    );
}

#[tokio::test(start_paused = true)]
async fn a_seed_that_cannot_tell_the_brokers_is_none() {
    let mut world = World::new(NetworkConfig::default());
    let (seeding, mut peer, request) = seeding(&mut world).await;
    peer.reply(&request, rebootstrap()).await;
    assert!(matches!(seeding.await.unwrap(), Err(SeedError { error: NetError::Connect { .. }, .. })));
    assert!(!world.network.is_connected());
}

#[tokio::test(start_paused = true)]
async fn a_seed_that_closes_has_answered_before_or_not() {
    let mut world = World::new(NetworkConfig::default());
    let (seeding, peer, _) = seeding(&mut world).await;
    drop(peer);
    let behind_versions = SeedError { error: closed("seed:9092"), has_answered: true };
    assert_eq!(seeding.await.unwrap(), Err(behind_versions));

    let network = world.network.clone();
    let seeding = tokio::spawn(async move { network.connect_seed("seed", 9092).await });
    let mut peer = world.accept().await;
    peer.request().await.unwrap();
    drop(peer);
    assert_eq!(seeding.await.unwrap(), Err(closed("seed:9092").into()));
}

type Seeding = JoinHandle<Result<MetadataResponse, SeedError>>;

/// Somebody connects to a seed, which is asked for the brokers.
async fn seeding(world: &mut World) -> (Seeding, Peer, Received) {
    let network = world.network.clone();
    let seeding = tokio::spawn(async move { network.connect_seed("seed", 9092).await });
    let mut peer = world.welcome().await;
    let request = peer.request().await.unwrap();
    (seeding, peer, request)
}

/// How often the seeds were asked for.
fn unreachable(world: &mut World) -> usize {
    world.events().iter().filter(|event| **event == NetworkEvent::Unreachable).count()
}

fn rebootstrap() -> wire::MetadataResponse {
    wire::MetadataResponse::default().with_error_code(129)
}

#[tokio::test]
async fn close_ends_everything_wherever_it_waits() {
    let config = NetworkConfig { max_in_flight: Some(1), ..NetworkConfig::default() };
    let mut world = World::with_brokers(config);
    let answered = send(&world.network, Target::node(1), metadata());
    let mut peer = world.welcome().await;
    peer.request().await.unwrap();
    let queued = send(&world.network, Target::node(1), metadata());
    let opening = send(&world.network, Target::node(2), metadata());
    let mut silent = world.accept().await;
    silent.request().await.unwrap();

    tokio::join!(world.network.close(), world.network.close());
    for waiting in [answered, queued, opening] {
        assert_eq!(waiting.await.unwrap(), Err(NetError::ClientClosed));
    }
    assert!(peer.request().await.is_none());
    assert!(silent.request().await.is_none());
    for to in [Target::Any, Target::node(1)] {
        let late = world.network.send(to, metadata(), Duration::ZERO).await;
        assert_eq!(late, Err(NetError::ClientClosed));
    }
    assert_eq!(world.network.connect_seed("one", 9092).await, Err(NetError::ClientClosed.into()));
    world.network.update_brokers(&[broker(1, "one")]);
    assert_eq!(world.dial_count(), 2);
    world.network.close().await;
}

#[tokio::test]
async fn the_last_handle_dropped_closes_too() {
    let mut world = World::with_brokers(NetworkConfig::default());
    let sent = send(&world.network, Target::node(1), metadata());
    let mut peer = world.welcome().await;
    let request = peer.request().await.unwrap();
    peer.reply_brokers(&request, &[]).await;
    sent.await.unwrap().unwrap();
    drop(world);
    assert!(peer.request().await.is_none());
}

#[tokio::test]
async fn a_broker_may_close_an_idle_connection() {
    let mut world = World::with_brokers(NetworkConfig::default());
    for _ in 0..3 {
        let sent = send(&world.network, Target::node(1), metadata());
        let mut peer = world.welcome().await;
        let request = peer.request().await.unwrap();
        peer.reply_brokers(&request, &[]).await;
        sent.await.unwrap().unwrap();
        drop(peer);
        while world.network.is_connected() {
            tokio::task::yield_now().await;
        }
    }
    let errors = |event: &NetworkEvent| matches!(event, NetworkEvent::Log { level, .. } if *level as u8 <= 2);
    assert!(!world.events().iter().any(errors));
}

/// A heartbeat that is sent a second after another, to brokers that do this with each connection: how often until it is in vain.
async fn repelled<F: Future<Output = ()>>(world: &mut World, broker: impl Fn(Peer) -> F) -> Option<usize> {
    for sent_before in 0..60 {
        let sent = send(&world.network, Target::node(1), heartbeat("g"));
        broker(world.accept().await).await;
        match sent.await.unwrap() {
            Err(NetError::Closed { .. }) => {}
            Err(NetError::Repelled { api: "Heartbeat", .. }) => return Some(sent_before),
            other => panic!("{other:?}"),
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    None
}

#[tokio::test(start_paused = true)]
async fn a_request_at_which_brokers_close_each_time_is_in_vain() {
    let mut world = World::with_brokers(NetworkConfig::default());
    let closes = async |mut peer: Peer| {
        peer.welcome().await;
        peer.request().await.unwrap();
    };
    assert_eq!(repelled(&mut world, closes).await, Some(30));
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_closes_before_it_has_answered_may_be_going_down() {
    let mut world = World::with_brokers(NetworkConfig::default());
    let closes = async |mut peer: Peer| {
        peer.request().await.unwrap();
    };
    assert_eq!(repelled(&mut world, closes).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_was_ever_answered_is_not_in_vain() {
    let mut world = World::with_brokers(NetworkConfig::default());
    let sent = send(&world.network, Target::node(1), heartbeat("g"));
    let mut peer = world.welcome().await;
    let request = peer.request().await.unwrap();
    peer.reply_heartbeat(&request, 0).await;
    sent.await.unwrap().unwrap();
    drop(peer);
    let closes = async |mut peer: Peer| {
        peer.welcome().await;
        peer.request().await.unwrap();
    };
    assert_eq!(repelled(&mut world, closes).await, None);
}
