//! What the admin client asks: methods of `NativeClient`, a file for each area. Each makes a request of the engine's out of what
//! the facade gives, and objects of `native.d.ts` out of the answer: error codes are data, and the facade says what they mean.

#![allow(
    unreachable_pub,
    reason = "objects of JavaScript: arguments have to be as public as the methods, and answers look the same"
)]

mod cluster;
mod configs;
mod groups;
mod offsets;
mod partitions;
mod security;
mod topics;
mod transactions;

use napi::bindgen_prelude::{Array, Null, Object, ToNapiValue, Unknown};
use napi::{Env, Error, JsValue, Result, Status};

use crate::bridge::failure;
use crate::engine::clients::admin::Told;
use crate::engine::protocol::ErrorCode;

/// What one broker says of one topic, group, …
#[napi_derive::napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeResult {
    pub name: String,
    pub error_code: i32,
    pub error_message: Option<String>,
}

impl NativeResult {
    fn new(name: String, error: ErrorCode, error_message: Option<String>) -> NativeResult {
        NativeResult { name, error_code: code(error), error_message }
    }
}

/// A config, or another pair of a name and a value.
#[napi_derive::napi(object, object_to_js = false, use_nullable = true)]
pub struct NativeNamedValue {
    pub name: String,
    pub value: Option<String>,
}

/// What each broker has said of its parts: `NativeTold[]`.
fn told<'env, R, T: ToNapiValue>(
    env: &'env Env,
    answers: Vec<Told<R>>,
    convert: impl Fn(R) -> T,
) -> Result<Unknown<'env>> {
    let answers = answers.into_iter().map(|Told { broker, parts, answer }| {
        let mut object = Object::new(env)?;
        object.set("broker", broker)?;
        let parts = parts.into_iter().filter_map(|part| u32::try_from(part).ok());
        object.set("parts", parts.collect::<Vec<u32>>())?;
        match answer {
            Ok(answer) => {
                object.set("failure", Null)?;
                object.set("answer", convert(answer))?;
            }
            Err(why) => {
                object.set("failure", failure::failure(env, &why)?)?;
                object.set("answer", Null)?;
            }
        }
        Ok(object)
    });
    Ok(Array::from_vec(env, answers.collect::<Result<Vec<_>>>()?)?.to_unknown())
}

/// A list as an array.
fn list<'env, T: ToNapiValue>(env: &'env Env, items: impl Iterator<Item = T>) -> Result<Unknown<'env>> {
    items.collect::<Vec<T>>().into_unknown(env)
}

fn code(error: ErrorCode) -> i32 {
    i32::from(error.0)
}

/// An enum of the protocol; what is none, which the facade has refused, becomes one that brokers refuse.
fn byte(value: i32) -> i8 {
    i8::try_from(value).unwrap_or(-1)
}

/// A number of 64 bits, which crosses as text.
fn number(text: &str) -> Result<i64> {
    text.parse().map_err(|_| Error::new(Status::InvalidArg, format!("Invalid number {text}")))
}
