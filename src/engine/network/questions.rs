//! What the network cannot know by itself and asks outside: an event carries the number of a question, and its answer comes
//! back by that number, or never.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// The questions of one kind that wait for their answers.
pub(super) struct Questions<A> {
    next: AtomicU64,
    waiting: Mutex<HashMap<u64, oneshot::Sender<A>>>,
}

impl<A> Questions<A> {
    pub(super) fn new() -> Questions<A> {
        Questions { next: AtomicU64::new(1), waiting: Mutex::default() }
    }

    /// Waits for ever: how long a connection may take to open is decided elsewhere. None: there will be no answer.
    pub(super) async fn ask(&self, emit: impl FnOnce(u64)) -> Option<A> {
        let question = self.next.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        self.waiting().insert(question, answer);
        let _forget = Forget { questions: self, question };
        emit(question);
        answered.await.ok()
    }

    /// Of no effect when the one that asked has stopped waiting.
    pub(super) fn answer(&self, question: u64, answer: A) {
        if let Some(waiting) = self.waiting().remove(&question) {
            // The connection may have been given up this very moment.
            let _ = waiting.send(answer);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<A>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Forget<'a, A> {
    questions: &'a Questions<A>,
    question: u64,
}

impl<A> Drop for Forget<'_, A> {
    fn drop(&mut self) {
        self.questions.waiting().remove(&self.question);
    }
}
