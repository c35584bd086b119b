//! The threads of the engine: one small tokio runtime for the whole process, however many consumers and Node
//! environments (main thread, workers) use it.

use std::future::Future;
use std::sync::OnceLock;

use tokio::runtime::Builder;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

/// Two threads: one may decompress while the other keeps sockets and heartbeats going.
const THREADS: usize = 2;

static RUNTIME: OnceLock<Option<Runtime>> = OnceLock::new();

/// Runs a task on the engine's threads. None when the process cannot have threads.
pub fn spawn<F>(task: F) -> Option<JoinHandle<F::Output>>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let runtime = RUNTIME.get_or_init(|| {
        Builder::new_multi_thread().worker_threads(THREADS).thread_name("kafkars").enable_all().build().ok()
    });
    Some(runtime.as_ref()?.spawn(task))
}
