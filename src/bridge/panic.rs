//! Panics of ours on the JavaScript thread. Exports have napi's `catch_unwind`; what napi calls back (events, the ends of
//! promises) has not, and a panic there would abort the process.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use napi::{Error, Result};

/// A panic becomes an error: napi throws it as an uncaught exception, or rejects the promise with it.
pub(super) fn caught<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    // What `work` had in hands is dropped with it.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| Err(Error::from_reason(message(&*payload))))
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("panic");
    format!("The bridge has failed: {text}. This is a bug in kafkars: please report it")
}
