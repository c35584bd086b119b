//! Work that blocks, on a thread of its own.

use std::io;
use std::thread;

use tokio::sync::oneshot;

/// What `work` gives. Not by tokio's blocking threads: it panics when the process may have no more of them.
pub(super) async fn blocking<T: Send + 'static>(
    name: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let (tell, result) = oneshot::channel();
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        // The receiver may have given up waiting.
        let _ = tell.send(work());
    })?;
    result.await.map_err(|_| io::Error::other("a thread has panicked"))
}
