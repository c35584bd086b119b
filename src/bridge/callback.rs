//! A callback into JavaScript that can be let go of.

use std::sync::{Mutex, PoisonError};

/// A threadsafe function, until it is released. As long as it exists, V8 keeps the JavaScript function and all that this
/// refers to: the very object that holds it here as well, so that neither would ever be collected.
pub(super) struct Callback<F>(Mutex<Option<F>>);

impl<F> Callback<F> {
    pub(super) fn new(function: F) -> Callback<F> {
        Callback(Mutex::new(Some(function)))
    }

    /// Does nothing once it is released.
    pub(super) fn with(&self, call: impl FnOnce(&F)) {
        if let Some(function) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            call(function);
        }
    }

    /// What it was called with before still arrives. Idempotent.
    pub(super) fn release(&self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}
