//! Requests and answers on an open connection.

use std::time::Duration;

use kafka_protocol::messages as wire;

use super::peer::{Peer, World};
use super::{closed, heartbeat, metadata, send};
use crate::engine::machine::ConnectionKind;
use crate::engine::machine::NetError;
use crate::engine::machine::Target;
use crate::engine::network::{NetworkConfig, NetworkEvent};
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::consumer_group_heartbeat::ConsumerGroupHeartbeatRequest;
use crate::engine::protocol::produce::{ProducePartition, ProduceRequest, ProduceResponse, ProduceTopic};

const TO: Target = Target::coordinator(1);

/// A world with one open, idle connection.
async fn connected(config: NetworkConfig) -> (World, Peer) {
    used(World::with_brokers(config)).await
}

async fn used(mut world: World) -> (World, Peer) {
    let sent = send(&world.network, TO, heartbeat("first"));
    let mut peer = world.welcome().await;
    let request = peer.request().await.unwrap();
    peer.reply_heartbeat(&request, 0).await;
    sent.await.unwrap().unwrap();
    (world, peer)
}

fn error_of(response: Result<Response, NetError>) -> ErrorCode {
    match response {
        Ok(Response::Heartbeat(answer)) => answer.error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn answers_find_their_senders_in_any_order() {
    for world in [World::with_brokers, World::over_tcp] {
        answers_find_their_senders(world(NetworkConfig::default())).await;
    }
}

async fn answers_find_their_senders(world: World) {
    let (world, mut peer) = used(world).await;
    let sent: Vec<_> = (0..200).map(|n| send(&world.network, TO, heartbeat(&n.to_string()))).collect();
    let mut requests = Vec::new();
    for _ in 0..200 {
        requests.push(peer.request().await.unwrap());
    }
    fastrand::Rng::with_seed(11).shuffle(&mut requests);
    for request in &requests {
        let group = request.decode::<wire::HeartbeatRequest>().group_id.to_string();
        peer.reply_heartbeat(request, group.parse().unwrap()).await;
    }
    for (n, sent) in sent.into_iter().enumerate() {
        assert_eq!(error_of(sent.await.unwrap()), ErrorCode(n as i16));
    }
    assert_eq!(world.dial_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_is_dropped_and_the_connection_stays() {
    let (world, mut peer) = connected(NetworkConfig::default()).await;
    let network = world.network.clone();
    let held = Duration::from_secs(5);
    let before = tokio::time::Instant::now();
    let sent = tokio::spawn(async move { network.send(TO, heartbeat("slow"), held).await });
    let late = peer.request().await.unwrap();
    let error = sent.await.unwrap().unwrap_err();
    let NetError::Timeout {
        api, key, version, correlation_id, created_at, sent_at, pending_duration, ..
    } = error
    else {
        panic!()
    };
    assert!(created_at > 1_600_000_000_000, "on the wall clock");
    assert_eq!((sent_at - created_at, pending_duration), (0, 0));
    assert_eq!((api, key, version, correlation_id), ("Heartbeat", 12, 4, late.correlation_id));
    assert_eq!(before.elapsed().as_secs(), 35);

    let sent = send(&world.network, TO, heartbeat("quick"));
    let request = peer.request().await.unwrap();
    peer.reply_heartbeat(&late, 1).await;
    peer.reply_heartbeat(&request, 2).await;
    assert_eq!(error_of(sent.await.unwrap()), ErrorCode(2));
    assert_eq!(world.dial_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn answers_that_are_read_after_a_stand_of_the_process_are_in_time() {
    let (mut world, mut peer) = connected(NetworkConfig::default()).await;
    let sent = send(&world.network, TO, heartbeat("before"));
    let request = peer.request().await.unwrap();
    // Timers ring before anything is read.
    tokio::time::advance(Duration::from_secs(3600)).await;
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    peer.reply_heartbeat(&request, 3).await;
    assert_eq!(error_of(sent.await.unwrap()), ErrorCode(3));
    let is_timeout = |event: &NetworkEvent| matches!(event, NetworkEvent::RequestTimeout { .. });
    assert!(!world.events().iter().any(is_timeout));
    assert_eq!(world.dial_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_sends_not_a_byte_is_closed_and_a_slow_one_is_not() {
    let (mut world, mut peer) = connected(NetworkConfig::default()).await;
    for _ in 0..5 {
        let sent = send(&world.network, TO, heartbeat("slow"));
        let late = peer.request().await.unwrap();
        assert!(matches!(sent.await.unwrap(), Err(NetError::Timeout { .. })));
        peer.reply_heartbeat(&late, 0).await;
        // Let the late answer arrive before the next request goes out.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(world.network.is_connected());

    for _ in 0..2 {
        let sent = world.network.send(TO, heartbeat("silent"), Duration::ZERO).await;
        assert!(matches!(sent, Err(NetError::Timeout { .. })));
    }
    assert!(!world.network.is_connected());
    let _sent = send(&world.network, TO, heartbeat("again"));
    world.welcome().await;
    assert_eq!(world.dial_count(), 2);
}

#[tokio::test(start_paused = true)]
async fn without_a_request_timeout_a_request_waits() {
    let config = NetworkConfig { request_timeout: None, ..NetworkConfig::default() };
    let (world, mut peer) = connected(config).await;
    let sent = send(&world.network, TO, heartbeat("patient"));
    let request = peer.request().await.unwrap();
    tokio::time::sleep(Duration::from_secs(86_400)).await;
    peer.reply_heartbeat(&request, 7).await;
    assert_eq!(error_of(sent.await.unwrap()), ErrorCode(7));
}

#[tokio::test]
async fn a_connection_that_dies_takes_all_its_waiters_along_and_the_next_send_reconnects() {
    for world in [World::with_brokers, World::over_tcp] {
        a_connection_dies(world(NetworkConfig::default())).await;
    }
}

async fn a_connection_dies(world: World) {
    let (mut world, mut peer) = used(world).await;
    let sent: Vec<_> = (0..5).map(|_| send(&world.network, TO, heartbeat("g"))).collect();
    for _ in 0..5 {
        peer.request().await.unwrap();
    }
    drop(peer);
    for sent in sent {
        assert_eq!(sent.await.unwrap(), Err(closed("one:9092")));
    }
    let sent = send(&world.network, TO, heartbeat("g"));
    let mut peer = world.welcome().await;
    let request = peer.request().await.unwrap();
    peer.reply_heartbeat(&request, 3).await;
    assert_eq!(error_of(sent.await.unwrap()), ErrorCode(3));
}

#[tokio::test]
async fn a_dropped_send_harms_nobody() {
    let config = NetworkConfig { max_in_flight: Some(2), ..NetworkConfig::default() };
    let (world, mut peer) = connected(config).await;
    for _ in 0..10 {
        let dropped = send(&world.network, TO, heartbeat("dropped"));
        let nobodys = peer.request().await.unwrap();
        dropped.abort();
        let _ = dropped.await;
        let sent = send(&world.network, TO, heartbeat("kept"));
        let request = peer.request().await.unwrap();
        peer.reply_heartbeat(&nobodys, 1).await;
        peer.reply_heartbeat(&request, 2).await;
        assert_eq!(error_of(sent.await.unwrap()), ErrorCode(2));
    }
    assert_eq!(world.dial_count(), 1);
}

#[tokio::test]
async fn what_is_not_kafka_closes_the_connection() {
    let unasked = [0, 0, 0, 6, 0, 0, 0x77, 0, 0, 0];
    for (garbage, logged) in
        [(&b"HTTP/1.1 400 Bad Request\r\n"[..], "a server of HTTP"), (&unasked, "without match")]
    {
        let (mut world, mut peer) = connected(NetworkConfig::default()).await;
        let sent = send(&world.network, TO, heartbeat("g"));
        peer.request().await.unwrap();
        peer.write(garbage).await;
        assert_eq!(sent.await.unwrap(), Err(closed("one:9092")));
        assert!(peer.request().await.is_none());
        assert!(world.logs().iter().any(|line| line.contains(logged)), "{logged}");
    }
}

#[tokio::test]
async fn an_unreadable_answer_ends_the_connection() {
    let (mut world, mut peer) = connected(NetworkConfig::default()).await;
    let unlucky = send(&world.network, TO, heartbeat("g"));
    let request = peer.request().await.unwrap();
    let other = send(&world.network, TO, metadata());
    peer.request().await.unwrap();
    let mut frame = vec![0, 0, 0, 6];
    frame.extend_from_slice(&request.correlation_id.to_be_bytes());
    frame.extend_from_slice(&[0, 0]);
    peer.write(&frame).await;
    assert!(matches!(unlucky.await.unwrap(), Err(NetError::Decode { .. })));
    assert_eq!(other.await.unwrap(), Err(closed("one:9092")));
    assert!(peer.request().await.is_none());
    assert!(world.logs().iter().any(|line| line.contains("unreadable Heartbeat response")));
}

#[tokio::test]
async fn a_connection_that_is_renewed_serves_whom_it_has_and_closes() {
    let (mut world, mut old) = connected(NetworkConfig::default()).await;
    let held = [send(&world.network, TO, heartbeat("a")), send(&world.network, TO, heartbeat("b"))];
    let requests = [old.request().await.unwrap(), old.request().await.unwrap()];
    world.network.renew(TO);
    let sent = send(&world.network, TO, heartbeat("c"));
    let mut new = world.welcome().await;
    let request = new.request().await.unwrap();
    new.reply_heartbeat(&request, 3).await;
    assert_eq!(error_of(sent.await.unwrap()), ErrorCode(3));
    for (request, code) in requests.iter().zip(1..) {
        old.reply_heartbeat(request, code).await;
    }
    for (held, code) in held.into_iter().zip(1..) {
        assert_eq!(error_of(held.await.unwrap()), ErrorCode(code));
    }
    assert!(old.request().await.is_none(), "closed");

    // The end does not wait for it.
    let held = send(&world.network, TO, heartbeat("d"));
    new.request().await.unwrap();
    world.network.renew(TO);
    world.network.update_brokers(&[super::peer::broker(2, "two")]);
    assert_eq!(held.await.unwrap(), Err(closed("one:9092")));
    world.network.update_brokers(&[super::peer::broker(1, "one")]);
    let sent = send(&world.network, TO, heartbeat("e"));
    let mut new = world.welcome().await;
    let request = new.request().await.unwrap();
    new.reply_heartbeat(&request, 3).await;
    sent.await.unwrap().unwrap();

    // One on which nothing is in flight closes at once; one that is not there is no matter.
    world.network.renew(TO);
    assert!(new.request().await.is_none());
    world.network.renew(TO);
    world.network.renew(Target::Node(7, ConnectionKind::Fetch));
    assert!(!world.network.is_connected());
    assert_eq!(world.dial_count(), 3);
}

/// Of a member of a group of KIP-848.
fn member_heartbeat() -> Request {
    let (group_id, member_id) = ("g".to_owned(), "m".to_owned());
    ConsumerGroupHeartbeatRequest {
        group_id,
        member_id,
        member_epoch: 1,
        group_instance_id: None,
        rack_id: None,
        rebalance_timeout_ms: -1,
        topics: None,
        topic_regex: None,
        server_assignor: None,
        owned: None,
    }
    .into()
}

#[tokio::test(start_paused = true)]
async fn a_throttled_connection_is_mute_but_for_heartbeats() {
    let (mut world, mut peer) = connected(NetworkConfig::default()).await;
    let sent = send(&world.network, TO, metadata());
    let request = peer.request().await.unwrap();
    peer.reply(&request, wire::MetadataResponse::default().with_throttle_time_ms(60_000)).await;
    sent.await.unwrap().unwrap();

    let before = tokio::time::Instant::now();
    let muted = send(&world.network, TO, metadata());
    tokio::task::yield_now().await;
    let beating = send(&world.network, TO, heartbeat("g"));
    let beat = peer.request().await.unwrap();
    assert_eq!(beat.key.name(), "Heartbeat");
    peer.reply_heartbeat(&beat, 0).await;
    beating.await.unwrap().unwrap();
    let beating = send(&world.network, TO, member_heartbeat());
    let beat = peer.request().await.unwrap();
    assert_eq!(beat.key.name(), "ConsumerGroupHeartbeat");
    peer.reply(&beat, wire::ConsumerGroupHeartbeatResponse::default()).await;
    beating.await.unwrap().unwrap();
    assert_eq!(before.elapsed().as_secs(), 0);

    // The wait does not count against the request timeout of 30 s.
    let request = peer.request().await.unwrap();
    assert_eq!(before.elapsed().as_secs(), 60);
    peer.reply_brokers(&request, &[]).await;
    muted.await.unwrap().unwrap();
    let told = |world: &mut World| world.logs().iter().filter(|line| line.contains("asks to wait")).count();
    assert_eq!(told(&mut world), 1);

    // It is told again, but not each time.
    for (time, times) in [(20_000, 1), (999, 0), (1_000, 0), (15_000, 0), (1_000, 1)] {
        let sent = send(&world.network, TO, metadata());
        let request = peer.request().await.unwrap();
        peer.reply(&request, wire::MetadataResponse::default().with_throttle_time_ms(time)).await;
        sent.await.unwrap().unwrap();
        assert_eq!(told(&mut world), times, "{time}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_than_max_in_flight_go_out_and_the_queue_is_reported() {
    let config = NetworkConfig { max_in_flight: Some(2), ..NetworkConfig::default() };
    let (mut world, mut peer) = connected(config).await;
    world.network.request_events(true);
    let sent: Vec<_> = (0..4).map(|n| send(&world.network, TO, heartbeat(&n.to_string()))).collect();
    let first = peer.request().await.unwrap();
    let second = peer.request().await.unwrap();
    let blocked = tokio::time::timeout(Duration::from_millis(20), peer.request()).await;
    assert!(blocked.is_err(), "the third must wait");
    for request in [first, second] {
        peer.reply_heartbeat(&request, 0).await;
        let next = peer.request().await.unwrap();
        peer.reply_heartbeat(&next, 0).await;
    }
    for sent in sent {
        sent.await.unwrap().unwrap();
    }
    let sizes: Vec<usize> = world
        .events()
        .into_iter()
        .filter_map(|event| match event {
            NetworkEvent::RequestQueueSize { queue_size, .. } => Some(queue_size),
            _ => None,
        })
        .collect();
    assert_eq!(sizes, [1, 2, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn request_events_tell_what_kafkajs_tells_and_only_when_asked() {
    let (mut world, mut peer) = connected(NetworkConfig::default()).await;
    assert!(!world.events().iter().any(|event| matches!(event, NetworkEvent::Request { .. })));

    world.network.request_events(true);
    let sent = send(&world.network, TO, heartbeat("g"));
    let request = peer.request().await.unwrap();
    tokio::time::sleep(Duration::from_millis(250)).await;
    peer.reply_heartbeat(&request, 0).await;
    sent.await.unwrap().unwrap();
    let NetworkEvent::Request {
        broker, client_id, correlation_id, size, duration, api_name, api_key, ..
    } = world.event().await
    else {
        panic!()
    };
    assert_eq!((&*broker, &*client_id, correlation_id), ("one:9092", "kafkajs", request.correlation_id));
    // Correlation id, header tags, throttle time, error, tags.
    assert_eq!((size, api_name, api_key), (4 + 1 + 4 + 2 + 1, "Heartbeat", 12));
    assert!((250..260).contains(&duration), "{duration}");

    let sent = world.network.send(TO, heartbeat("g"), Duration::ZERO).await;
    assert!(sent.is_err());
    let NetworkEvent::RequestTimeout { api_name, api_version, .. } = world.event().await else { panic!() };
    assert_eq!((api_name, api_version), ("Heartbeat", 4));
}

fn produce(acks: i16) -> Request {
    ProduceRequest { acks, timeout_ms: 1000, ..ProduceRequest::default() }.into()
}

#[tokio::test]
async fn a_request_that_gets_no_answer_is_answered_when_it_is_written() {
    let (mut world, mut peer) = connected(NetworkConfig::default()).await;
    world.network.request_events(true);
    let answer = send(&world.network, TO, produce(0)).await.unwrap();
    assert_eq!(answer, Ok(Response::Produce(ProduceResponse::default())));
    assert_eq!(peer.request().await.unwrap().decode::<wire::ProduceRequest>().acks, 0);
    let events = world.events();
    let sizes = events.iter().filter_map(|event| match event {
        NetworkEvent::Request { api_name: "Produce", size, .. } => Some(*size),
        _ => None,
    });
    assert_eq!(sizes.collect::<Vec<_>>(), [0]);

    // The next answer is that of the next request.
    let sent = send(&world.network, TO, heartbeat("next"));
    let request = peer.request().await.unwrap();
    peer.reply_heartbeat(&request, 3).await;
    assert_eq!(error_of(sent.await.unwrap()), ErrorCode(3));
}

/// As Azure Event Hubs does.
#[tokio::test]
async fn an_answer_to_a_request_that_gets_none_is_nobodys() {
    let (world, mut peer) = connected(NetworkConfig::default()).await;
    send(&world.network, TO, produce(0)).await.unwrap().unwrap();
    let unanswered = peer.request().await.unwrap();
    let sent = send(&world.network, TO, heartbeat("next"));
    let request = peer.request().await.unwrap();
    peer.reply(&unanswered, wire::ProduceResponse::default()).await;
    peer.reply_heartbeat(&request, 3).await;
    assert_eq!(error_of(sent.await.unwrap()), ErrorCode(3));
    assert_eq!(world.dial_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_produce_that_is_late_must_not_be_written_behind_its_repetition() {
    let (mut world, mut peer) = connected(NetworkConfig::default()).await;
    let (late, other) = (send(&world.network, TO, produce(-1)), send(&world.network, TO, heartbeat("other")));
    peer.request().await.unwrap();
    peer.request().await.unwrap();
    let error = late.await.unwrap().unwrap_err();
    assert!(matches!(error, NetError::Timeout { api: "Produce", .. }), "{error:?}");
    assert_eq!(other.await.unwrap(), Err(closed("one:9092")));
    assert!(peer.request().await.is_none(), "the connection is closed");
    let again = send(&world.network, TO, produce(0));
    world.welcome().await.request().await.unwrap();
    again.await.unwrap().unwrap();
}

/// A broker that stands still takes no more bytes, and neither closes nor answers.
#[tokio::test(start_paused = true)]
async fn a_request_that_gets_no_answer_is_not_written_for_ever() {
    let (world, mut peer) = connected(NetworkConfig::default()).await;
    let before = tokio::time::Instant::now();
    let records = bytes::Bytes::from(vec![0; 1 << 20]);
    let partition = ProducePartition { partition: 0, header: bytes::Bytes::new(), records };
    let topics =
        vec![ProduceTopic { name: "t".to_owned(), partitions: vec![partition], ..Default::default() }];
    let large = ProduceRequest { acks: 0, topics, ..ProduceRequest::default() };
    let sent = [large.into(), produce(0)].map(|request| send(&world.network, TO, request));
    let [first, second] = sent;
    let error = first.await.unwrap().unwrap_err();
    assert!(matches!(error, NetError::Timeout { api: "Produce", .. }), "{error:?}");
    assert_eq!(before.elapsed().as_secs(), 30);
    // What is sent again over another connection must not be overtaken by what is in this one.
    assert!(second.await.unwrap().is_err());
    assert!(peer.request().await.is_none());
}
