//! The threads of the engine: small tokio runtimes for the whole process, however many consumers and Node
//! environments (main thread, workers) use it.

use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;

use tokio::runtime::Builder;
use tokio::runtime::EnterGuard;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::engine::machine::NetError;
use crate::engine::network::node_code;

/// Sockets, timers and drivers. One thread: tokio wakes a second one up for every answer that comes, only to look whether there
/// is work for it.
const IO_THREADS: usize = 1;
/// What takes more than some tens of microseconds: decompression. Each has a runtime of its own, for the same reason.
const WORK_THREADS: usize = 2;

struct Threads {
    io: Runtime,
    work: Vec<Worker>,
}

/// A thread for work.
struct Worker {
    runtime: Runtime,
    /// How much is under way there.
    load: AtomicUsize,
}

/// Counts as load of a thread while it lives, whatever becomes of the work.
struct Load(&'static AtomicUsize);

impl Load {
    fn on(worker: &'static Worker) -> Load {
        worker.load.fetch_add(1, Ordering::Relaxed);
        Load(&worker.load)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

static THREADS: OnceLock<Threads> = OnceLock::new();
static STARTING: Mutex<()> = Mutex::new(());

/// Runs a task beside the sockets, on the engine's threads, which start with the first one.
///
/// # Errors
/// [`NetError::Connect`]: the process may have no more file descriptors or threads now. The next call tries again.
pub fn spawn<F>(task: F) -> Result<JoinHandle<F::Output>, NetError>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let threads = threads().map_err(|error| {
        let code = node_code(&error);
        let reason = code.map_or_else(String::new, |code| format!("{code} "));
        let message = format!("Connection error: the engine cannot start: {reason}{error}");
        NetError::Connect { broker: String::new(), code: code.map(Into::into), message }
    })?;
    Ok(threads.io.spawn(task))
}

/// For what sends a request without being a task: while this lives, tokio knows where its timers and tasks belong. None: there are no threads yet.
pub(super) fn enter() -> Option<EnterGuard<'static>> {
    THREADS.get().map(|threads| threads.io.enter())
}

/// Does what takes long on a thread for that, not beside the sockets. Its panic is the caller's.
pub(super) async fn work<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    // There are threads: one of them is here.
    let Ok(threads) = threads() else { return work.await };
    let least = threads.work.iter().min_by_key(|worker| worker.load.load(Ordering::Relaxed));
    let Some(worker) = least else { return work.await };
    let load = Load::on(worker);
    let loaded = async move {
        let _load = load;
        work.await
    };
    match worker.runtime.spawn(loaded).await {
        Ok(done) => done,
        Err(error) => resume_unwind(error.into_panic()),
    }
}

fn threads() -> io::Result<&'static Threads> {
    #[cfg(test)]
    if REFUSED.get() {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    if let Some(threads) = THREADS.get() {
        return Ok(threads);
    }
    let _one_at_a_time = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(threads) = THREADS.get() {
        return Ok(threads);
    }
    probe_threads()?;
    let io = start(Builder::new_multi_thread().worker_threads(IO_THREADS).enable_all())?;
    let worker = |_| {
        // Without sockets and timers, which would cost descriptors.
        let runtime = start(Builder::new_multi_thread().worker_threads(1))?;
        Ok(Worker { runtime, load: AtomicUsize::new(0) })
    };
    let work = (0..WORK_THREADS).map(worker).collect::<io::Result<_>>()?;
    let threads = Threads { io, work };
    Ok(THREADS.get_or_init(|| threads))
}

fn start(builder: &mut Builder) -> io::Result<Runtime> {
    builder.thread_name("kafkars");
    // tokio panics without threads: another part of the process may have taken them since.
    catch_unwind(AssertUnwindSafe(|| builder.build()))
        .unwrap_or_else(|_| Err(io::ErrorKind::WouldBlock.into()))
}

/// May there be as many threads more as the runtimes need? They would panic, and leave those behind that they got.
fn probe_threads() -> io::Result<()> {
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let held = Mutex::new(held);
    thread::scope(|scope| {
        let probes = (0..IO_THREADS + WORK_THREADS).map(|_| {
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
