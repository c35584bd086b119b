//! Admin calls on real threads: each is answered, whatever becomes of the brokers, the threads and us.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::engine::clients::admin::FindCoordinator;
use crate::engine::clients::admin::ReadMetadata;
use crate::engine::machine::Failure;
use crate::engine::machine::NetError;
use crate::engine::network::NetworkEvent;
use crate::engine::network::clock;
use crate::engine::network::{Address, Dial, Wire};
use crate::engine::network::{Network, NetworkConfig};
use crate::engine::protocol::metadata::MetadataBroker;
use crate::engine::protocol::metadata::MetadataResponse;
use crate::engine::protocol::metadata::MetadataTopic;

use super::{AdminHandle, SharedMetadata, executor};

pub(super) const LONG: Duration = Duration::from_secs(20);

/// Of a broker that never takes a connection.
struct Silence;

impl Dial for Silence {
    fn dial<'a>(
        &'a self,
        _address: &'a Address,
        _attempt: usize,
    ) -> Pin<Box<dyn Future<Output = Result<Wire, NetError>> + Send + 'a>> {
        Box::pin(std::future::pending())
    }
}

fn network(events: impl Fn(NetworkEvent) + Send + Sync + 'static) -> Network {
    Network::with_dialer(NetworkConfig::default(), events, Silence, clock::now)
}

fn admin(network: &Network) -> AdminHandle {
    AdminHandle::new(network.clone(), SharedMetadata::default())
}

/// A broker that a call waits for.
pub(super) fn silent_network() -> Network {
    let network = network(|_| {});
    network.update_brokers(&[MetadataBroker { node_id: 1, host: "h".into(), port: 9, rack: None }]);
    network
}

/// A callback that is dropped hangs up.
fn read(admin: &AdminHandle) -> Receiver<Result<MetadataResponse, Failure>> {
    let (tell, heard) = channel();
    admin.call(ReadMetadata::new(None, false), move |result| drop(tell.send(result)));
    heard
}

#[test]
fn calls_one_after_the_other_and_beside_each_other_are_answered() {
    let admin = admin(&network(|_| {}));
    for calls in [1, 3, 1] {
        let (tell, heard) = channel();
        let calls: Vec<_> = (0..calls).map(|_| read(&admin)).collect();
        admin.call(FindCoordinator::new("g".into()), move |result| drop(tell.send(result)));
        for answered in calls {
            assert_eq!(answered.recv_timeout(LONG), Ok(Err(Failure::Net(NetError::NoBroker))));
        }
        assert_eq!(heard.recv_timeout(LONG), Ok(Err(Failure::Net(NetError::NoBroker))));
    }
}

#[test]
fn a_client_that_is_closed_answers_what_waits() {
    let network = silent_network();
    let admin = admin(&network);
    let waiting = read(&admin);
    let (tell, closed) = channel();
    drop(executor::spawn(async move {
        network.close().await;
        let _ = tell.send(());
    }));
    assert_eq!(waiting.recv_timeout(LONG), Ok(Err(Failure::Net(NetError::ClientClosed))));
    closed.recv_timeout(LONG).unwrap();
    assert_eq!(read(&admin).recv_timeout(LONG), Ok(Err(Failure::Net(NetError::ClientClosed))));
}

#[test]
fn without_threads_a_call_fails_and_the_next_one_tries_again() {
    let admin = admin(&network(|_| {}));
    let failed = executor::without_threads(|| read(&admin));
    assert!(matches!(failed.try_recv(), Ok(Err(Failure::Net(NetError::Connect { .. })))));
    assert_eq!(read(&admin).recv_timeout(LONG), Ok(Err(Failure::Net(NetError::NoBroker))));
}

#[test]
fn a_panic_while_a_request_is_sent_is_an_answer() {
    // The network tells that no broker can be reached, in the task that sends.
    let admin = admin(&network(|_| panic!("a test's panic")));
    assert_eq!(read(&admin).recv_timeout(LONG), Ok(Err(Failure::Net(NetError::OutOfStep))));
}

#[test]
fn a_panic_under_the_lock_fails_the_calls_that_wait_and_those_that_come() {
    let admin = admin(&silent_network());
    let waiting = read(&admin);
    assert!(catch_unwind(AssertUnwindSafe(|| admin.break_down())).is_err());
    for call in [read(&admin), waiting, read(&admin)] {
        assert!(matches!(call.recv_timeout(LONG), Ok(Err(Failure::Bug(_)))));
    }
}

#[test]
fn an_answer_about_brokers_only_takes_no_topics_away() {
    let metadata = SharedMetadata::default();
    let answer = |controller_id, topics: &[&str]| MetadataResponse {
        controller_id,
        topics: topics
            .iter()
            .map(|name| MetadataTopic { name: Some((*name).to_owned()), ..Default::default() })
            .collect(),
        ..Default::default()
    };
    metadata.connected(answer(1, &[]));
    assert!(!metadata.learn(&answer(2, &["t"])), "no consumer runs");
    metadata.learn(&answer(3, &[]));
    assert_eq!(metadata.latest(), answer(3, &["t"]));
    metadata.learn(&answer(4, &["u"]));
    assert_eq!(metadata.latest(), answer(4, &["u"]));
}
