//! Calls to a producer on real threads: each is answered, whatever becomes of the brokers and of us.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::engine::clients::producer::{Idempotence, ProduceConfig, ProducerConfig};
use crate::engine::clients::producer::{Reason, TransactionConfig, Trouble};
use crate::engine::cluster::ClusterConfig;
use crate::engine::machine::Log;
use crate::engine::runtime::SharedMetadata;
use crate::engine::runtime::driver::End;
use crate::engine::runtime::tests::{LONG, silent_network};

use super::{ProducerHandle, ProducerHost, Transact};

/// Nobody.
struct Deaf;

impl ProducerHost for Deaf {
    fn wake(&self) {}
    fn log(&self, _: Log) {}
    fn broken(&self, _: End) {}
}

/// One that waits for a broker.
fn producer() -> ProducerHandle {
    let config = ProducerConfig {
        produce: ProduceConfig { idempotence: Idempotence::Required, ..ProduceConfig::default() },
        cluster: ClusterConfig {
            metadata_max_age: Duration::from_secs(300),
            allow_auto_topic_creation: false,
        },
        transaction: Some(TransactionConfig {
            transactional_id: "t".into(),
            transaction_timeout: Duration::from_secs(60),
            patience: Duration::from_secs(60),
        }),
    };
    let metadata = SharedMetadata::default();
    let producer = ProducerHandle::new(config, silent_network(), &metadata, Box::new(Deaf));
    producer.start(&metadata);
    producer
}

/// A callback that is dropped hangs up.
fn identify(producer: &ProducerHandle) -> Receiver<Result<(), Reason>> {
    let (tell, heard) = channel();
    producer.identify(move |result| {
        let _ = tell.send(result);
    });
    heard
}

fn begin(producer: &ProducerHandle) -> Receiver<Result<(), Trouble>> {
    let (tell, heard) = channel();
    producer.transact(Transact::Begin, move |result| {
        let _ = tell.send(result);
    });
    heard
}

#[test]
fn one_that_is_closed_answers_what_waits() {
    let producer = producer();
    let (known, begun) = (identify(&producer), begin(&producer));
    let (tell, closed) = channel();
    producer.close(Duration::ZERO, move |()| {
        let _ = tell.send(());
    });
    closed.recv_timeout(LONG).unwrap();
    for known in [known, identify(&producer)] {
        assert_eq!(known.recv_timeout(LONG), Ok(Err(Reason::Stopped)));
    }
    for begun in [begun, begin(&producer)] {
        assert_eq!(begun.recv_timeout(LONG), Ok(Err(Trouble::Fatal(Reason::Stopped))));
    }
}

#[test]
fn one_that_is_broken_answers_what_waits_and_what_comes() {
    let producer = producer();
    let (known, begun) = (identify(&producer), begin(&producer));
    assert!(catch_unwind(AssertUnwindSafe(|| producer.break_down())).is_err());
    let (tell, closed) = channel();
    producer.close(LONG, move |()| {
        let _ = tell.send(());
    });
    closed.recv_timeout(LONG).unwrap();
    for known in [identify(&producer), known] {
        assert_eq!(known.recv_timeout(LONG), Ok(Err(Reason::Stopped)));
    }
    assert_eq!(begun.recv_timeout(LONG), Ok(Err(Trouble::Fatal(Reason::Stopped))));
}
