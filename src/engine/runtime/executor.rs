//! The threads of the engine: one small tokio runtime for the whole process, however many consumers and Node
//! environments (main thread, workers) use it.

use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;

use tokio::runtime::Builder;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::engine::machine::NetError;
use crate::engine::network::node_code;

/// Two threads: one may decompress while the other keeps sockets and heartbeats going.
const THREADS: usize = 2;

static RUNTIME: OnceLock<Runtime> = OnceLock::new();
static STARTING: Mutex<()> = Mutex::new(());

/// Runs a task on the engine's threads, which start with the first one.
///
/// # Errors
/// [`NetError::Connect`]: the process may have no more file descriptors or threads now. The next call tries again.
pub fn spawn<F>(task: F) -> Result<JoinHandle<F::Output>, NetError>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let runtime = runtime().map_err(|error| {
        let code = node_code(&error);
        let reason = code.map_or_else(String::new, |code| format!("{code} "));
        let message = format!("Connection error: the engine cannot start: {reason}{error}");
        NetError::Connect { broker: String::new(), code: code.map(Into::into), message }
    })?;
    Ok(runtime.spawn(task))
}

fn runtime() -> io::Result<&'static Runtime> {
    #[cfg(test)]
    if REFUSED.get() {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let _one_at_a_time = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let runtime = start()?;
    Ok(RUNTIME.get_or_init(|| runtime))
}

fn start() -> io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(THREADS).thread_name("kafkars").enable_all();
    probe_threads()?;
    // tokio panics without threads: another part of the process may have taken them since.
    catch_unwind(AssertUnwindSafe(|| builder.build()))
        .unwrap_or_else(|_| Err(io::ErrorKind::WouldBlock.into()))
}

/// May there be as many threads more as the runtime needs? It would panic, and leave those behind that it got.
fn probe_threads() -> io::Result<()> {
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let held = Mutex::new(held);
    thread::scope(|scope| {
        let probes = (0..THREADS).map(|_| {
            thread::Builder::new().spawn_scoped(scope, || {
                // Until `hold` is dropped.
                let _ = held.lock().map(|held| held.recv());
            })
        });
        let all = probes.collect::<io::Result<Vec<_>>>();
        drop(hold);
        all.map(drop)
    })
}

#[cfg(test)]
thread_local! {
    static REFUSED: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// What happens on this thread when the process can have no threads for us.
#[cfg(test)]
pub(super) fn without_threads<T>(call: impl FnOnce() -> T) -> T {
    REFUSED.set(true);
    let result = call();
    REFUSED.set(false);
    result
}
