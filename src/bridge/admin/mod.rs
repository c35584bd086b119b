//! What the admin client asks: methods of `NativeClient`, a file for each area. Each makes a request of the engine's out of what
//! the facade gives, and objects of `native.d.ts` out of the answer: error codes are data, and the facade says what they mean.

mod topics;

use napi::Env;
use napi::Result;
use napi::bindgen_prelude::{ToNapiValue, Unknown};

use crate::engine::protocol::ErrorCode;

/// What one broker says of one topic, group, …
#[napi_derive::napi(object, object_from_js = false, use_nullable = true)]
pub(super) struct NativeResult {
    pub name: String,
    pub error_code: i32,
    pub error_message: Option<String>,
}

impl NativeResult {
    fn new(name: String, error: ErrorCode, error_message: Option<String>) -> NativeResult {
        NativeResult { name, error_code: code(error), error_message }
    }
}

/// A list as an array.
fn list<'env, T: ToNapiValue>(env: &'env Env, items: impl Iterator<Item = T>) -> Result<Unknown<'env>> {
    items.collect::<Vec<T>>().into_unknown(env)
}

fn code(error: ErrorCode) -> i32 {
    i32::from(error.0)
}
