//! The tokio side on real threads, most of it with a network that never comes up: whoever waits is answered, whatever happens.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kafka_protocol::messages as wire;

use crate::engine::clients::consumer::Consumer;
use crate::engine::clients::consumer::ConsumerConfig;
use crate::engine::clients::consumer::Epochs;
use crate::engine::clients::consumer::Event;
use crate::engine::clients::consumer::GroupMembershipOperation;
use crate::engine::clients::consumer::GroupProtocol;
use crate::engine::fetch::FetchConfig;
use crate::engine::machine::Failure;
use crate::engine::machine::NetError;
use crate::engine::machine::TopicPartition;
use crate::engine::network::clock;
use crate::engine::network::tests::peer::{World, broker, text};
use crate::engine::network::{Address, Dial, Wire};
use crate::engine::network::{Network, NetworkConfig};
use crate::engine::protocol::ApiKey;
use crate::engine::protocol::metadata::{MetadataPartition, MetadataResponse, MetadataTopic};
use crate::engine::testing;
use crate::engine::testing::encode::{TestBatch, TestRecord};

use super::client::{Cells, ConsumerClient, Host, SlabMemory, Writing};
use super::handle::{ConsumerHandle, Taken};
use crate::engine::runtime::driver;
use crate::engine::runtime::executor;
use crate::engine::runtime::shared::{Shared, Waiter};
use crate::engine::runtime::{SharedMetadata, Siblings};

/// How a commit or a stop ended.
type Ended = Result<(), Failure>;

const LONG: Duration = Duration::from_secs(20);

struct NoDialer;

impl Dial for NoDialer {
    fn dial<'a>(
        &'a self,
        _address: &'a Address,
        _attempt: usize,
    ) -> Pin<Box<dyn Future<Output = Result<Wire, NetError>> + Send + 'a>> {
        Box::pin(async { Err(NetError::NoBroker) })
    }
}

struct NoCells;

impl Cells for NoCells {
    fn resolved(&self, _lane: usize) -> Option<i32> {
        None
    }
    fn clear(&mut self, _lane: usize) {}
    fn set_flags(&mut self, _lane: usize, _flags: i32) {}
    fn set_group_error(&mut self, _code: i32) {}
    fn set_slab_size(&mut self, _bytes: usize) {}
    fn set_commit_distance(&mut self, _wait: i32, _offsets: i32) {}
}

/// Tells the test what it hears.
struct TestHost(Sender<String>);

impl Host for TestHost {
    fn wake(&self) {}

    fn event(&self, event: Event) {
        if let Event::Crashed(failure) = event {
            let _ = self.0.send(format!("crashed: {failure:?}"));
        }
    }

    fn bug(&self, message: String) {
        let _ = self.0.send(format!("bug: {message}"));
    }
}

struct TestSlab(Vec<u8>);

impl SlabMemory for TestSlab {
    fn bytes(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

fn config() -> ConsumerConfig {
    ConsumerConfig {
        session_timeout: LONG,
        rebalance_timeout: LONG,
        heartbeat_interval: LONG,
        max_poll_interval: LONG,
        metadata_max_age: LONG,
        fetch: FetchConfig { max_wait: LONG, max_bytes_per_partition: 1 << 20, ..testing::config::fetch(1) },
        ..testing::config::consumer(1)
    }
}

fn network() -> Network {
    Network::with_dialer(NetworkConfig::default(), |_| {}, NoDialer, clock::now)
}

fn consumer() -> (ConsumerHandle, Receiver<String>) {
    consumer_beside(&SharedMetadata::default())
}

fn consumer_beside(metadata: &SharedMetadata) -> (ConsumerHandle, Receiver<String>) {
    let (tell, heard) = channel();
    let host = Box::new(TestHost(tell));
    (ConsumerHandle::new(config(), network(), metadata, Box::new(NoCells), host), heard)
}

fn start(handle: &ConsumerHandle) {
    handle.start(&Default::default(), BTreeMap::from([("t".to_owned(), true)]), None);
}

/// A callback, and where its result arrives. A callback that is dropped hangs up.
fn waiter() -> (Waiter, Receiver<Ended>) {
    let (tell, heard) = channel();
    (Box::new(move |result| drop(tell.send(result))), heard)
}

fn offset() -> Option<Vec<(TopicPartition, i64, Option<String>)>> {
    Some(vec![(TopicPartition { topic: "t".into(), partition: 0 }, 5, None)])
}

#[test]
fn every_stop_and_every_commit_is_answered() {
    let (handle, _heard) = consumer();
    start(&handle);
    let (commit, committed) = waiter();
    assert_eq!(handle.commit(1, offset(), Epochs::new(), commit), Ok(()));
    let (if_necessary, unnecessary) = waiter();
    assert_eq!(handle.commit_if_necessary(2, if_necessary), Ok(()));
    assert_eq!(unnecessary.recv_timeout(LONG), Ok(Ok(())));
    let stops: Vec<_> = (0..2)
        .map(|_| {
            let (stop, stopped) = waiter();
            handle.stop(GroupMembershipOperation::Default, stop);
            stopped
        })
        .collect();
    for stopped in stops {
        assert_eq!(stopped.recv_timeout(LONG), Ok(Ok(())));
    }
    assert_eq!(committed.recv_timeout(LONG), Ok(Err(Failure::Stopped)), "it waited for a generation");
    // And afterwards.
    assert_eq!(handle.commit(1, offset(), Epochs::new(), waiter().0), Err(Failure::Stopped));
    let (stop, stopped) = waiter();
    handle.stop(GroupMembershipOperation::Default, stop);
    assert_eq!(stopped.recv_timeout(LONG), Ok(Ok(())));
}

#[test]
fn before_the_start_nobody_waits_for_a_driver_that_does_not_run() {
    let (handle, _heard) = consumer();
    assert_eq!(handle.commit(1, offset(), Epochs::new(), waiter().0), Err(Failure::Stopped));
    let (stop, stopped) = waiter();
    handle.stop(GroupMembershipOperation::Default, stop);
    assert_eq!(stopped.recv_timeout(LONG), Ok(Ok(())));
    start(&handle);
    assert_eq!(
        handle.commit(1, offset(), Epochs::new(), waiter().0),
        Err(Failure::Stopped),
        "stopped is stopped"
    );
}

#[test]
fn a_panic_is_our_bug_and_leaves_nobody_waiting() {
    let (handle, heard) = consumer();
    start(&handle);
    let (commit, committed) = waiter();
    assert_eq!(handle.commit(1, offset(), Epochs::new(), commit), Ok(()));
    driver::supervise(handle.shared(), async { panic!("a test's panic") });
    let bug = std::iter::from_fn(|| heard.recv_timeout(LONG).ok()).find(|line| line.starts_with("bug"));
    assert_eq!(bug.as_deref(), Some("bug: a test's panic"));
    assert_eq!(committed.recv_timeout(LONG), Ok(Err(Failure::Stopped)));
    let (stop, stopped) = waiter();
    handle.stop(GroupMembershipOperation::Default, stop);
    assert_eq!(stopped.recv_timeout(LONG), Ok(Ok(())));
}

#[test]
fn a_panic_of_a_call_under_the_lock_ends_the_consumer_with_a_word() {
    let (handle, heard) = consumer();
    start(&handle);
    let (commit, committed) = waiter();
    assert_eq!(handle.commit(1, offset(), Epochs::new(), commit), Ok(()));
    assert!(catch_unwind(AssertUnwindSafe(|| handle.break_down())).is_err());
    handle.pause("t", None);
    let bugs = || std::iter::from_fn(|| heard.recv_timeout(LONG).ok()).find(|line| line.starts_with("bug"));
    assert_eq!(bugs().as_deref(), Some("bug: a call into the engine has panicked"));
    assert_eq!(committed.recv_timeout(LONG), Ok(Err(Failure::Stopped)));
    let (stop, stopped) = waiter();
    handle.stop(GroupMembershipOperation::Default, stop);
    assert_eq!(stopped.recv_timeout(LONG), Ok(Ok(())));
}

#[test]
fn without_threads_a_consumer_crashes_and_leaves_no_call_waiting() {
    let (handle, heard) = consumer();
    executor::without_threads(|| start(&handle));
    assert!(heard.recv_timeout(LONG).unwrap().starts_with("crashed: Net(Connect"));
    assert!(heard.try_recv().is_err(), "told once");
    assert_eq!(handle.commit(1, offset(), Epochs::new(), waiter().0), Err(Failure::Stopped));
    assert_eq!(handle.heartbeat(3, waiter().0), Err(Failure::Stopped));
    let (stop, stopped) = waiter();
    handle.stop(GroupMembershipOperation::Default, stop);
    assert_eq!(stopped.recv_timeout(LONG), Ok(Ok(())));
}

#[test]
fn a_consumer_hears_of_the_cluster_while_it_runs() {
    let metadata = SharedMetadata::default();
    let (handle, _heard) = consumer_beside(&metadata);
    assert!(!metadata.learn(&Default::default()), "not before the start");
    start(&handle);
    assert!(metadata.learn(&Default::default()));
    let (stop, stopped) = waiter();
    handle.stop(GroupMembershipOperation::Default, stop);
    assert_eq!(stopped.recv_timeout(LONG), Ok(Ok(())));
    assert!(!metadata.learn(&Default::default()), "not after the end");
}

fn shared() -> Arc<Shared<ConsumerClient>> {
    let consumer = Consumer::new(config(), 1);
    let (tell, _heard) = channel();
    Arc::new(Shared::of_consumer(
        consumer,
        1,
        1 << 20,
        Box::new(NoCells),
        network(),
        Siblings::default(),
        Box::new(TestHost(tell)),
    ))
}

#[test]
fn closing_waits_for_the_writer_though_another_task_has_panicked() {
    let shared = shared();
    shared.lock().slabs.insert(0, Box::new(TestSlab(vec![0; 8])));
    let writing = Writing::begin(&shared, &mut shared.lock());
    let (tell, closed) = channel();
    let threads: Vec<_> = [Shared::abandon, Shared::close]
        .into_iter()
        .map(|how| {
            let (shared, tell) = (shared.clone(), tell.clone());
            std::thread::spawn(move || {
                how(&shared);
                let _ = tell.send(());
            })
        })
        .collect();
    while !shared.lock().closed {
        std::thread::yield_now();
    }
    assert!(closed.try_recv().is_err(), "while somebody writes");
    assert!(shared.lock().writing);
    drop(writing);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert!(shared.lock().slabs.is_empty() && shared.lock().cells.is_none());
}

#[test]
fn a_decoder_that_panics_writes_no_more() {
    let shared = shared();
    let writing = Writing::begin(&shared, &mut shared.lock());
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _writing = writing;
        let _inner = shared.lock();
        panic!("under the lock");
    }));
    assert!(panicked.is_err());
    assert!(!shared.lock().writing);
    shared.close();
}

/// Tells at each wake-up of JavaScript whether this broker was asked something meanwhile.
struct WatchingHost {
    tell: Sender<bool>,
    broker: Arc<Mutex<Option<std::net::TcpStream>>>,
}

impl Host for WatchingHost {
    fn wake(&self) {
        let broker = self.broker.lock().unwrap();
        let asked = broker.as_ref().is_some_and(|socket| socket.peek(&mut [0]).is_ok());
        let _ = self.tell.send(asked);
    }

    fn event(&self, _event: Event) {}

    fn bug(&self, message: String) {
        panic!("{message}");
    }
}

#[test]
fn a_small_answer_is_handed_over_before_the_next_one_is_asked_for() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _entered = runtime.enter();
    let mut world = World::over_tcp(NetworkConfig::default());
    let (tell, heard) = channel();
    let config =
        ConsumerConfig { group_protocol: GroupProtocol::Manual, group_id: String::new(), ..config() };
    let watched = Arc::<Mutex<_>>::default();
    let host = Box::new(WatchingHost { tell, broker: watched.clone() });
    let metadata = SharedMetadata::default();
    let handle = ConsumerHandle::new(config, world.network.clone(), &metadata, Box::new(NoCells), host);
    assert_eq!(handle.take(0), Taken::Nothing, "the lane waits");
    let partition = MetadataPartition { leader: 1, leader_epoch: -1, ..Default::default() };
    let topic =
        MetadataTopic { name: Some("t".into()), partitions: vec![partition], ..MetadataTopic::default() };
    let metadata = MetadataResponse {
        brokers: vec![broker(1, "one")],
        topics: vec![topic],
        ..MetadataResponse::default()
    };
    handle.assign(&metadata, vec![(TopicPartition { topic: "t".into(), partition: 0 }, Some(0))]);
    runtime.block_on(async {
        // Where the brokers are is asked of one that was named, records of the leader.
        let mut named = world.welcome().await;
        let request = named.request().await.unwrap();
        let topic = wire::metadata_response::MetadataResponseTopic::default()
            .with_name(Some(wire::TopicName(text("t"))))
            .with_partitions(vec![
                wire::metadata_response::MetadataResponsePartition::default()
                    .with_leader_id(1.into())
                    .with_leader_epoch(-1),
            ]);
        let one = wire::metadata_response::MetadataResponseBroker::default()
            .with_node_id(1.into())
            .with_host(text("one"))
            .with_port(9092);
        let answer = wire::MetadataResponse::default().with_brokers(vec![one]).with_topics(vec![topic]);
        named.reply(&request, answer).await;
        let mut leader = world.welcome().await;
        let first = leader.request().await.unwrap();
        assert_eq!(first.key, ApiKey::Fetch);
        assert!(heard.try_recv().is_err(), "nothing has come");
        let records = TestBatch::of(vec![TestRecord { value: Some(vec![7; 100]), ..TestRecord::default() }]);
        let partition =
            wire::fetch_response::PartitionData::default().with_records(Some(records.encode().into()));
        let topic = wire::fetch_response::FetchableTopicResponse::default()
            .with_topic(wire::TopicName(text("t")))
            .with_partitions(vec![partition]);
        *watched.lock().unwrap() = leader.socket.take();
        leader.reply(&first, wire::FetchResponse::default().with_responses(vec![topic])).await;
        assert_eq!(leader.request().await.map(|next| next.key), Some(ApiKey::Fetch));
        assert_eq!(heard.try_recv(), Ok(false), "woken before the broker was asked for more");
        assert_ne!(handle.take(0), Taken::Nothing);
    });
}
