//! Failures as data: `NativeFailure` of `native.d.ts`. `errors.js` makes kafkajs's classes of it.

use napi::bindgen_prelude::Object;
use napi::{Env, Result};

use crate::engine::clients::producer::Reason;
use crate::engine::clients::producer::Trouble;
use crate::engine::machine::Failure;
use crate::engine::machine::NetError;
use crate::engine::machine::TopicPartition;
use crate::engine::protocol::find_coordinator::KeyType;

/// All keys are always there; null = none.
#[derive(Default)]
struct Fields<'a> {
    message: String,
    retriable: bool,
    code: Option<i32>,
    code_name: Option<&'a str>,
    broker: Option<&'a str>,
    partition: Option<&'a TopicPartition>,
    offset: Option<String>,
    api: Option<(&'a str, i16)>,
    api_version: Option<i16>,
    correlation_id: Option<i32>,
    /// createdAt, sentAt, pendingDuration.
    times: Option<[u64; 3]>,
}

/// A failure as an object.
pub(super) fn failure<'env>(env: &'env Env, failure: &Failure) -> Result<Object<'env>> {
    match failure {
        Failure::Broker { code, partition } => object(
            env,
            "protocol",
            Fields {
                message: code.message().into_owned(),
                retriable: code.retriable(),
                code: Some(i32::from(code.0)),
                partition: partition.as_ref(),
                ..Fields::default()
            },
        ),
        Failure::Refused { code, message } => {
            let (message, code) = (message.clone(), Some(i32::from(code.0)));
            object(env, "protocol", Fields { message, retriable: false, code, ..Fields::default() })
        }
        Failure::Net(error) => net_error(env, error),
        Failure::UnknownBroker(node) => {
            let message = format!("Broker {node} not found in the cached metadata");
            object(env, "unknown-broker", Fields { message, ..Fields::default() })
        }
        Failure::CoordinatorNotFound { key, cause } => {
            let message = format!("Failed to find the coordinator of {key}");
            let mut object = object(env, "coordinator-not-found", Fields { message, ..Fields::default() })?;
            let name = match key.kind {
                KeyType::Group => "groupId",
                KeyType::Transaction => "transactionalId",
            };
            object.set(name, &*key.id)?;
            object.set("cause", self::failure(env, cause)?)?;
            Ok(object)
        }
        Failure::OffsetOutOfRange(partition) => object(
            env,
            "offset-out-of-range",
            Fields {
                message: "The requested offset is not within the range of offsets maintained by the server"
                    .into(),
                partition: Some(partition),
                ..Fields::default()
            },
        ),
        Failure::Records { partition, offset, message } => object(
            env,
            "corrupt",
            Fields {
                message: message.to_string(),
                partition: Some(partition),
                offset: Some(offset.to_string()),
                ..Fields::default()
            },
        ),
        Failure::Callback(message) => {
            object(env, "callback", Fields { message: message.clone(), ..Fields::default() })
        }
        Failure::Bug(message) => bug(env, message),
        Failure::Stopped => {
            let message = "The consumer is stopping".to_owned();
            object(env, "closed-client", Fields { message, ..Fields::default() })
        }
    }
}

/// A failure of the network as an object.
pub(super) fn net_error<'env>(env: &'env Env, error: &NetError) -> Result<Object<'env>> {
    let fields = Fields { message: error.to_string(), retriable: true, ..Fields::default() };
    match error {
        NetError::Connect { broker, code, .. } => {
            let broker = (!broker.is_empty()).then_some(&**broker);
            object(env, "connection", Fields { broker, code_name: code.as_deref(), ..fields })
        }
        NetError::Closed { broker } => object(env, "closed", Fields { broker: Some(broker), ..fields }),
        NetError::Repelled { broker, .. } => {
            object(env, "closed", Fields { broker: Some(broker), retriable: false, ..fields })
        }
        NetError::Timeout {
            broker,
            api,
            key,
            version,
            correlation_id,
            created_at,
            sent_at,
            pending_duration,
        } => object(
            env,
            "timeout",
            Fields {
                broker: Some(broker),
                api: Some((api, *key)),
                api_version: Some(*version),
                correlation_id: Some(*correlation_id),
                times: Some([*created_at, *sent_at, *pending_duration]),
                ..fields
            },
        ),
        NetError::UnsupportedApi { api, key, .. } => {
            object(env, "unsupported-api", Fields { api: Some((api, *key)), retriable: false, ..fields })
        }
        NetError::Decode { broker, api, .. } => object(
            env,
            "connection",
            Fields { broker: Some(broker), api: Some((api.name(), *api as i16)), ..fields },
        ),
        NetError::Authentication { broker, code, .. } => {
            let kind = if code.is_some() { "protocol" } else { "authentication" };
            let code = code.map(|code| i32::from(code.0));
            object(env, kind, Fields { broker: Some(broker), code, retriable: false, ..fields })
        }
        NetError::ClientClosed => object(env, "closed-client", Fields { retriable: false, ..fields }),
        NetError::OutOfStep => object(env, "connection", fields),
        NetError::NoBroker => object(env, "no-broker", fields),
    }
}

/// Why messages were not written, as an object.
pub(super) fn reason<'env>(env: &'env Env, reason: &Reason) -> Result<Object<'env>> {
    match reason {
        Reason::Broker { code, message } => {
            let words = code.message();
            let message = message
                .as_ref()
                .map_or_else(|| words.clone().into_owned(), |said| format!("{words}: {said}"));
            let (retriable, code) = (code.retriable(), Some(i32::from(code.0)));
            object(env, "protocol", Fields { message, retriable, code, ..Fields::default() })
        }
        Reason::Net(error) => net_error(env, error),
        Reason::Compression(error) => {
            object(env, "invalid", Fields { message: error.to_string(), ..Fields::default() })
        }
        Reason::TimedOut => {
            let message = "The messages could not be sent within deliveryTimeout".to_owned();
            object(env, "expired", Fields { message, ..Fields::default() })
        }
        Reason::Aborted => {
            let message = "The transaction was aborted".to_owned();
            object(env, "aborted", Fields { message, ..Fields::default() })
        }
        Reason::Stopped => {
            let message = "The producer was disconnected before the messages were acknowledged".to_owned();
            object(env, "closed-client", Fields { message, ..Fields::default() })
        }
    }
}

/// Why a call about a transaction failed, as an object: which kind of trouble, and what is behind it.
pub(super) fn trouble<'env>(env: &'env Env, trouble: &Trouble) -> Result<Object<'env>> {
    let (kind, why) = match trouble {
        Trouble::Doomed(why) => ("doomed", Some(why)),
        Trouble::Fatal(why) => ("fatal", Some(why)),
        Trouble::Unanswered(why) => ("unanswered", Some(why)),
        Trouble::Misplaced => ("misplaced", None),
    };
    let mut object = Object::new(env)?;
    object.set("trouble", kind)?;
    if let Some(why) = why {
        object.set("failure", reason(env, why)?)?;
    }
    Ok(object)
}

/// A panic in the engine.
pub(super) fn bug<'env>(env: &'env Env, message: &str) -> Result<Object<'env>> {
    let message = format!("The engine has failed: {message}. This is a bug in kafkars: please report it");
    object(env, "bug", Fields { message, ..Fields::default() })
}

fn object<'env>(env: &'env Env, kind: &str, fields: Fields<'_>) -> Result<Object<'env>> {
    let mut object = Object::new(env)?;
    object.set("failure", kind)?;
    object.set("message", fields.message)?;
    object.set("retriable", fields.retriable)?;
    match fields.code_name {
        Some(name) => object.set("code", name)?,
        None => object.set("code", fields.code)?,
    }
    object.set("broker", fields.broker)?;
    object.set("topic", fields.partition.map(|p| p.topic.to_string()))?;
    object.set("partition", fields.partition.map(|p| p.partition))?;
    object.set("offset", fields.offset)?;
    object.set("apiName", fields.api.map(|(name, _)| name))?;
    object.set("apiKey", fields.api.map(|(_, key)| i32::from(key)))?;
    object.set("apiVersion", fields.api_version.map(i32::from))?;
    object.set("correlationId", fields.correlation_id)?;
    let [created_at, sent_at, pending_duration] = match fields.times {
        Some(times) => times.map(|ms| Some(ms as f64)),
        None => [None; 3],
    };
    object.set("createdAt", created_at)?;
    object.set("sentAt", sent_at)?;
    object.set("pendingDuration", pending_duration)?;
    object.set("groupId", napi::bindgen_prelude::Null)?;
    object.set("transactionalId", napi::bindgen_prelude::Null)?;
    object.set("cause", napi::bindgen_prelude::Null)?;
    Ok(object)
}
