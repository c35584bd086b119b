//! Which of the brokers is asked what any of them may answer.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kafka_protocol::messages as wire;
use tokio::task::AbortHandle;

use super::metadata;
use super::peer::{Peer, World};
use crate::engine::machine::Target;
use crate::engine::network::NetworkConfig;
use crate::engine::protocol::ApiKey;
use crate::engine::protocol::Request;
use crate::engine::protocol::find_coordinator::FindCoordinatorRequest;

/// Brokers that answer whatever they are asked.
struct Answering {
    world: World,
    serving: HashMap<String, AbortHandle>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Answering {
    fn new() -> Answering {
        let world = World::with_brokers(NetworkConfig::default());
        Answering { world, serving: HashMap::new(), asked: Arc::default() }
    }

    /// Who was asked in the end?
    async fn ask(&mut self, to: Target, request: Request) -> String {
        let network = self.world.network.clone();
        let answer = network.send(to, request, Duration::ZERO);
        tokio::pin!(answer);
        loop {
            tokio::select! {
                answer = &mut answer => {
                    answer.unwrap();
                    return self.asked.lock().unwrap().last().unwrap().clone();
                }
                peer = self.world.accept() => {
                    let broker = peer.broker.clone();
                    let serving = tokio::spawn(serve(peer, self.asked.clone()));
                    self.serving.insert(broker, serving.abort_handle());
                }
            }
        }
    }

    async fn ask_another(&mut self) -> String {
        self.ask(Target::AnyOther, metadata()).await
    }
}

async fn serve(mut peer: Peer, asked: Arc<Mutex<Vec<String>>>) {
    peer.welcome().await;
    while let Some(request) = peer.request().await {
        asked.lock().unwrap().push(peer.broker.clone());
        match request.key {
            ApiKey::Metadata => peer.reply_brokers(&request, &[]).await,
            _ => peer.reply(&request, found()).await,
        }
    }
}

fn found() -> wire::FindCoordinatorResponse {
    wire::FindCoordinatorResponse::default().with_coordinators(vec![Default::default()])
}

/// A broker that is cut off from its controllers answers as well as the others.
#[tokio::test(start_paused = true)]
async fn a_question_that_is_asked_again_goes_to_another_broker() {
    let mut brokers = Answering::new();
    let mut leaders = vec![brokers.ask(Target::Any, metadata()).await];
    let mut coordinators = Vec::new();
    for _ in 0..5 {
        leaders.push(brokers.ask_another().await);
        // Two questions in step with each other must not share the brokers out between them.
        let request = FindCoordinatorRequest::of_group("g");
        coordinators.push(brokers.ask(Target::AnyOther, request.into()).await);
    }
    for asked in [leaders, coordinators] {
        assert!(asked.windows(2).all(|pair| pair[0] != pair[1]), "{asked:?}");
    }
    assert_eq!(brokers.world.dial_count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_failed_is_passed_over_for_a_while_and_not_for_ever() {
    let mut brokers = Answering::new();
    let one = brokers.ask_another().await;
    let two = brokers.ask_another().await;
    brokers.serving[&one].abort();
    tokio::time::sleep(Duration::from_millis(1)).await;
    brokers.world.refuse.store(true, Ordering::Relaxed);
    let dials = brokers.world.dial_count();
    for _ in 0..3 {
        assert_eq!(brokers.ask_another().await, two);
    }
    assert_eq!(brokers.world.dial_count(), dials + 1);
    brokers.world.refuse.store(false, Ordering::Relaxed);
    let mut later = Vec::new();
    for _ in 0..3 {
        later.push(brokers.ask_another().await);
    }
    assert!(later.contains(&one), "{later:?}");
}

/// What it says of itself is in doubt.
#[tokio::test(start_paused = true)]
async fn a_broker_that_is_not_to_be_asked_is_asked_when_there_is_no_other_one() {
    let mut brokers = Answering::new();
    brokers.ask(Target::node(1), metadata()).await;
    for _ in 0..3 {
        assert_eq!(brokers.ask(Target::AnyBut(1), metadata()).await, "two:9092");
    }
    brokers.serving["two:9092"].abort();
    tokio::time::sleep(Duration::from_millis(1)).await;
    brokers.world.refuse.store(true, Ordering::Relaxed);
    assert_eq!(brokers.ask(Target::AnyBut(1), metadata()).await, "one:9092");
}

#[tokio::test(start_paused = true)]
async fn who_has_no_complaint_asks_the_connected_ones_in_turn() {
    let mut brokers = Answering::new();
    for _ in 0..5 {
        brokers.ask(Target::Any, metadata()).await;
    }
    assert_eq!(brokers.world.dial_count(), 1);
    brokers.ask_another().await;
    let mut asked = Vec::new();
    for _ in 0..4 {
        asked.push(brokers.ask(Target::Any, metadata()).await);
    }
    assert!(asked.windows(2).all(|pair| pair[0] != pair[1]), "{asked:?}");
    assert_eq!(brokers.world.dial_count(), 2);
}
