//! The pack task: batches in, compressed batches out. What is small is compressed beside the sockets, the rest on a thread of its
//! own.

use std::sync::Arc;

use crate::engine::clients::producer::PackJob;
use crate::engine::network::clock;
use crate::engine::records::Compressor;
use crate::engine::runtime::executor;
use crate::engine::runtime::shared::Shared;

use super::client::ProducerClient;

/// So many bytes are compressed beside the sockets: to hand them over would take longer.
const SMALL: usize = 2 * 1024;

pub(super) async fn run(shared: Arc<Shared<ProducerClient>>) {
    let mut compressor = Compressor::default();
    loop {
        let job = {
            let mut client = shared.lock();
            if client.closed {
                // The other one hears of it as well.
                shared.outside.packer.notify_one();
                return;
            }
            client.producer.poll_job(clock::now())
        };
        let Some(job) = job else {
            shared.outside.packer.notified().await;
            continue;
        };
        if job.len() <= SMALL {
            pack(&shared, &mut compressor, job);
            tokio::task::yield_now().await;
            continue;
        }
        // There may be another batch, for the other one.
        shared.outside.packer.notify_one();
        let shared = shared.clone();
        compressor = executor::work(async move {
            pack(&shared, &mut compressor, job);
            compressor
        })
        .await;
    }
}

fn pack(shared: &Shared<ProducerClient>, compressor: &mut Compressor, job: PackJob) {
    let packed = job.run(compressor);
    shared.lock().producer.handle_packed(clock::now(), packed);
    shared.driver.notify_one();
}
