//! What goes to the socket, in order. Who sends a small request writes it itself, if nothing waits before it: to wake the connection's
//! task up for that, which lives on another thread than JavaScript, costs more than the write. The rest the task writes.
//!
//! ```text
//!                nothing is queued, small, plain TCP ──► try_write ──► socket
//!  put ── lock ──┤                                           │ what does not fit, an error
//!                └────────────────── queue ◄─────────────────┘
//!                                      └──► task ──► socket
//! ```
//! The lock is held over `try_write`, which never waits, and over the decision, so requests leave in the order of their `put`s. While
//! anything is queued, what the task is writing included, all goes by the queue. `try_write` leaves no waker behind: the task's is its own.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::io::{AsyncRead, AsyncWriteExt, WriteHalf};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::{mpsc, oneshot};
use zeroize::Zeroizing;

use crate::engine::protocol::Request;

use super::dial::{BoxStream, Wire};

/// A request's bytes.
pub(super) enum Frame {
    Plain(Vec<u8>),
    /// They are wiped when they are not needed any more, which costs too much for messages.
    Secret(Zeroizing<Vec<u8>>),
}

impl Frame {
    pub(super) fn of(request: &Request, bytes: Vec<u8>) -> Frame {
        if request.is_secret() { Frame::Secret(Zeroizing::new(bytes)) } else { Frame::Plain(bytes) }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Frame::Plain(bytes) => bytes,
            Frame::Secret(bytes) => bytes,
        }
    }
}

/// A request on its way to the task.
struct Outgoing {
    frame: Frame,
    /// So many bytes of it are written.
    from: usize,
    /// Told when it is written, where that is all the answer there will be.
    written: Option<oneshot::Sender<()>>,
}

/// The senders' side.
pub(super) struct Outbox(Mutex<State>);

struct State {
    /// Where a sender may write. Not its own: the socket closes with the task. None: the bytes have to be made first (TLS).
    socket: Option<Weak<OwnedWriteHalf>>,
    /// Requests that the task has not written yet.
    queued: usize,
    /// To the task; an error is that of a sender's write, and the task ends with it.
    queue: mpsc::UnboundedSender<io::Result<Outgoing>>,
}

/// The task's side.
pub(super) struct Writer {
    half: Half,
    queue: mpsc::UnboundedReceiver<io::Result<Outgoing>>,
}

enum Half {
    Socket(Arc<OwnedWriteHalf>),
    Stream(WriteHalf<BoxStream>),
}

pub(super) type Reader = Box<dyn AsyncRead + Send + Unpin>;

/// The ends of a fresh stream.
pub(super) fn split(wire: Wire) -> (Reader, Outbox, Writer) {
    let (queue, queued) = mpsc::unbounded_channel();
    let (reader, half, socket): (Reader, _, _) = match wire {
        Wire::Socket(socket) => {
            let (reader, writer) = socket.into_split();
            let writer = Arc::new(writer);
            let senders = Arc::downgrade(&writer);
            (Box::new(reader), Half::Socket(writer), Some(senders))
        }
        Wire::Stream(stream) => {
            let (reader, writer) = tokio::io::split(stream);
            (Box::new(reader), Half::Stream(writer), None)
        }
    };
    (reader, Outbox(Mutex::new(State { socket, queued: 0, queue })), Writer { half, queue: queued })
}

impl Outbox {
    /// Sends this, and tells `written` when the socket has it. That the task has ended is not seen here.
    pub(super) fn put(&self, frame: Frame, written: Option<oneshot::Sender<()>>) {
        let mut state = self.lock();
        let outgoing = match state.write(frame.bytes()) {
            Ok(from) if from == frame.bytes().len() => {
                drop(state);
                tell(written);
                return;
            }
            Ok(from) => Ok(Outgoing { frame, from, written }),
            Err(error) => Err(error),
        };
        state.queued += 1;
        // The task may have ended: then nobody reads this.
        let _ = state.queue.send(outgoing);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// How much of this is written now, without waiting.
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        if self.queued > 0 || bytes.len() > SMALL {
            return Ok(0);
        }
        let Some(socket) = self.socket.as_ref().and_then(Weak::upgrade) else { return Ok(0) };
        match socket.try_write(bytes) {
            Err(error) if may_go_on(&error) => Ok(0),
            result => result,
        }
    }
}

impl Writer {
    /// Writes what is put into `outbox`, for ever.
    pub(super) async fn run(mut self, outbox: &Outbox) -> io::Result<()> {
        while let Some(outgoing) = self.queue.recv().await {
            let Outgoing { frame, from, written } = outgoing?;
            let rest = frame.bytes().get(from..).unwrap_or_default();
            match &mut self.half {
                Half::Socket(socket) => write_all(socket, rest).await?,
                Half::Stream(stream) => {
                    stream.write_all(rest).await?;
                    stream.flush().await?;
                }
            }
            outbox.lock().queued -= 1;
            tell(written);
        }
        Ok(())
    }
}

async fn write_all(socket: &OwnedWriteHalf, mut rest: &[u8]) -> io::Result<()> {
    while !rest.is_empty() {
        match socket.try_write(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => rest = rest.get(written..).unwrap_or_default(),
            Err(error) if may_go_on(&error) => socket.writable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn may_go_on(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

fn tell(written: Option<oneshot::Sender<()>>) {
    if let Some(written) = written {
        // Its receiver may have given up.
        let _ = written.send(());
    }
}

/// What a sender writes itself has at most so many bytes: to copy more takes longer than to wake the task.
const SMALL: usize = 16 << 10;
