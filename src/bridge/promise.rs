//! A future of the engine as a JavaScript promise that always resolves: failures cross as data.

use std::future::Future;

use napi::bindgen_prelude::{Object, Unknown};
use napi::sys::napi_value;
use napi::{Env, JsValue, Result};

use crate::engine::runtime;

use super::failure;
use super::panic::caught;

type Resolver = Box<dyn FnOnce(Env) -> Result<napi_value> + Send>;

/// The other end of a promise.
pub(super) type Deferred = napi::JsDeferred<napi_value, Resolver>;

/// A pending promise.
pub(super) fn pending(env: &Env) -> Result<(Deferred, Object<'_>)> {
    env.create_deferred::<napi_value, Resolver>()
}

/// Settles the promise with what `convert` makes on the JavaScript thread.
pub(super) fn settle<T: Send + 'static>(
    deferred: Deferred,
    value: T,
    convert: impl for<'a> FnOnce(&'a Env, T) -> Result<Object<'a>> + Send + 'static,
) {
    deferred.resolve(Box::new(move |env| caught(|| convert(&env, value).map(|object| object.raw()))));
}

/// Settles the promise with null.
pub(super) fn settle_null(deferred: Deferred) {
    deferred.resolve(Box::new(|env| raw_null(&env)));
}

/// Runs `work` on the engine's threads and converts its result on the JavaScript thread. Settles with a failure when there
/// cannot be threads.
pub(super) fn spawn<'env, T: Send + 'static>(
    env: &'env Env,
    work: impl Future<Output = T> + Send + 'static,
    convert: impl for<'a> FnOnce(&'a Env, T) -> Result<Option<Unknown<'a>>> + Send + 'static,
) -> Result<Object<'env>> {
    let (deferred, promise) = pending(env)?;
    let unstarted = deferred.clone();
    let task = async move { resolve(deferred, work.await, convert) };
    if let Err(error) = runtime::spawn(task) {
        settle(unstarted, error, |env, error| failure::net_error(env, &error));
    }
    Ok(promise)
}

/// A promise, and what settles it with what `convert` makes on the JavaScript thread.
pub(super) fn later<'env, T: Send + 'static>(
    env: &'env Env,
    convert: impl for<'a> FnOnce(&'a Env, T) -> Result<Option<Unknown<'a>>> + Send + 'static,
) -> Result<(impl FnOnce(T) + Send + 'static, Object<'env>)> {
    let (deferred, promise) = pending(env)?;
    Ok((move |value| resolve(deferred, value, convert), promise))
}

fn resolve<T: Send + 'static>(
    deferred: Deferred,
    value: T,
    convert: impl for<'a> FnOnce(&'a Env, T) -> Result<Option<Unknown<'a>>> + Send + 'static,
) {
    deferred.resolve(Box::new(move |env| match caught(|| convert(&env, value))? {
        Some(object) => Ok(object.raw()),
        None => raw_null(&env),
    }));
}

fn raw_null(env: &Env) -> Result<napi_value> {
    use napi::bindgen_prelude::{Null, ToNapiValue};
    // SAFETY: called on the JavaScript thread with a live env, inside the settle callback's handle scope.
    #[expect(unsafe_code, reason = "napi has no safe way to a bare null")]
    unsafe {
        <Null as ToNapiValue>::to_napi_value(env.raw(), Null)
    }
}
