//! What is told of brokers that cannot be reached, and how often.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::peer::World;
use super::{metadata, sasl, send};
use crate::engine::machine::NetError;
use crate::engine::machine::Target;
use crate::engine::network::NetworkConfig;

impl World {
    /// For so many seconds broker 1 is asked again and again, in vain. Returns the errors that were told.
    async fn asks_in_vain(&mut self, seconds: u64) -> Vec<String> {
        self.refuse.store(true, Ordering::Relaxed);
        let end = tokio::time::Instant::now() + Duration::from_secs(seconds);
        while tokio::time::Instant::now() < end {
            let sent = self.network.send(Target::node(1), metadata(), Duration::ZERO).await;
            assert!(matches!(sent, Err(NetError::Connect { .. })), "{sent:?}");
        }
        self.errors()
    }

    /// The bootstrap address has answered that broker 1 is at `host`.
    async fn bootstrapped(host: &str) -> World {
        let mut world = World::new(NetworkConfig::default());
        let network = world.network.clone();
        let connected = tokio::spawn(async move { network.connect_seed("boot", 9092).await });
        let mut seed = world.welcome().await;
        let request = seed.request().await.unwrap();
        seed.reply_brokers(&request, &[(1, host)]).await;
        connected.await.unwrap().unwrap();
        world
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_only_the_cluster_knows_is_told_once_and_every_half_minute() {
    let mut world = World::bootstrapped("inside").await;
    let told = world.asks_in_vain(75).await;
    assert_eq!(told.len(), 4, "{told:?}");
    let says = "Connection error: connect ECONNREFUSED: bootstrap address boot:9092 answered, and the cluster calls broker 1 \
                \"inside:9092\", which cannot be reached from here (ECONNREFUSED): check advertised.listeners of that broker";
    assert_eq!(told[0], says);
    assert!(told[3].starts_with(says) && told[3].contains(" (for 7"), "{told:?}");
    assert!(world.dial_count() > 50);
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_was_reached_before_is_merely_down() {
    let mut world = World::bootstrapped("inside").await;
    let sent = send(&world.network, Target::node(1), metadata());
    let mut peer = world.welcome().await;
    let request = peer.request().await.unwrap();
    peer.reply_brokers(&request, &[]).await;
    sent.await.unwrap().unwrap();
    drop(peer);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let told = world.asks_in_vain(15).await;
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told[0], "Connection error: connect ECONNREFUSED");
}

#[tokio::test(start_paused = true)]
async fn so_is_one_at_the_bootstrap_address() {
    let mut world = World::bootstrapped("boot").await;
    world.network.renew(Target::node(1));
    let told = world.asks_in_vain(5).await;
    assert_eq!(told, ["Connection error: connect ECONNREFUSED"]);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_while_it_is_opened_is_told_as_often() {
    let mut world = World::bootstrapped("inside").await;
    let end = tokio::time::Instant::now() + Duration::from_secs(75);
    while tokio::time::Instant::now() < end {
        let sent = send(&world.network, Target::node(1), metadata());
        // No answer begins so. One that is reset breaks as well.
        world.accept().await.write(&(-1_i32).to_be_bytes()).await;
        let sent = sent.await.unwrap();
        assert!(matches!(sent, Err(NetError::Connect { .. })), "{sent:?}");
    }
    let told = world.errors();
    assert_eq!(told.len(), 4, "{} {:?}", told.len(), told.first());
    assert!(told[0].starts_with("Connection error: ") && !told[0].contains(" (for"), "{told:?}");
    assert!(told[3].contains(" (for 7"), "{told:?}");
    assert!(world.dial_count() > 50);
}

#[tokio::test(start_paused = true)]
async fn so_is_one_that_breaks_while_it_authenticates() {
    let mut world = World::with_brokers(sasl::config("PLAIN"));
    drop(sasl::authenticated(&mut world).await);
    let end = tokio::time::Instant::now() + Duration::from_secs(75);
    let mut is_silent = false;
    while tokio::time::Instant::now() < end {
        let sent = send(&world.network, Target::node(1), metadata());
        let mut peer = world.welcome().await;
        peer.request().await.unwrap();
        // Now it closes, now it says nothing more.
        is_silent = !is_silent;
        let peer = is_silent.then_some(peer);
        sent.await.unwrap().unwrap_err();
        drop(peer);
    }
    let told = world.errors();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].ends_with("authenticationTimeout (10000 ms)"), "{told:?}");
    assert!(told[1].ends_with(" (for 10 s)") && told[2].ends_with(" (for 44 s)"), "{told:?}");
}
