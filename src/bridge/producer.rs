//! `NativeProducer`: sends in, answers out, many at a time.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use napi::bindgen_prelude::{Buffer, Either, Function, Object, Status, Uint8ArraySlice, Unknown};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Error, JsValue, Result};
use napi_derive::napi;

use crate::engine::clients::producer::Answer;
use crate::engine::clients::producer::FailedPart;
use crate::engine::clients::producer::FailedSend;
use crate::engine::clients::producer::Offsets;
use crate::engine::clients::producer::Row;
use crate::engine::machine::Log;
use crate::engine::protocol::offset_commit::{OffsetCommitPartition, OffsetCommitTopic};
use crate::engine::runtime::End;
use crate::engine::runtime::ProducerHandle;
use crate::engine::runtime::ProducerHost;
use crate::engine::runtime::Transact;

use super::callback::Callback;
use super::client::NativeClient;
use super::options::{self, NativeGroupMetadata, NativeOffset, NativeProducerOptions, millis};
use super::panic::caught;
use super::teardown::{Close, at_teardown};
use super::{events, failure, promise};

/// What crosses to the facade at once.
enum Told {
    Wake,
    Log(Log),
    Broken(End),
}

/// Weak: keeps no process alive. Called once for any number of answers.
type Notify = ThreadsafeFunction<Told, Unknown<'static>, Heard, Status, false, true>;

/// What JavaScript hears: [`WAKE`], or an event.
type Heard = Either<f64, Object<'static>>;

/// There are answers to take.
const WAKE: f64 = -1.0;

#[derive(Clone)]
struct JsHost {
    notify: Arc<Callback<Notify>>,
}

impl JsHost {
    fn notify(&self, told: Told) {
        self.notify.with(|notify| {
            notify.call(told, ThreadsafeFunctionCallMode::NonBlocking);
        });
    }
}

impl ProducerHost for JsHost {
    fn wake(&self) {
        self.notify(Told::Wake);
    }

    fn log(&self, log: Log) {
        self.notify(Told::Log(log));
    }

    fn broken(&self, why: End) {
        self.notify(Told::Broken(why));
    }
}

struct OpenProducer(ProducerHandle);

impl Close for OpenProducer {
    fn close(&self) {
        self.0.abandon();
    }
}

/// Releases the callback when dropped: also with a producer that never closes.
struct Release(JsHost);

impl Drop for Release {
    fn drop(&mut self) {
        self.0.notify.release();
    }
}

/// Topics by the numbers that they have in answers, which begin anew when there are very many of them.
#[derive(Default)]
struct Topics {
    numbers: HashMap<Arc<str>, i32>,
    names: Vec<Arc<str>>,
}

impl Topics {
    /// Forgets all of them, if they are many. Says whether it has.
    fn forget_many(&mut self) -> bool {
        let are_many = self.names.len() >= MOST_TOPICS;
        if are_many {
            self.names.clear();
            self.numbers.clear();
        }
        are_many
    }

    fn number(&mut self, name: &Arc<str>) -> i32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = i32::try_from(self.names.len()).unwrap_or(i32::MAX);
        self.names.push(name.clone());
        self.numbers.insert(name.clone(), number);
        number
    }
}

#[napi]
pub struct NativeProducer {
    handle: ProducerHandle,
    client: super::client::Shared,
    /// Released by `close`.
    host: JsHost,
    topics: RefCell<Topics>,
    /// Answers on their way.
    words: RefCell<Words>,
    /// Found by the teardown hook as long as this lives.
    _open: Rc<dyn Close>,
}

#[napi]
impl NativeProducer {
    #[napi(constructor, catch_unwind)]
    pub fn new(
        env: Env,
        client: &NativeClient,
        options: NativeProducerOptions,
        notify: Function<'_, Heard, Unknown<'static>>,
    ) -> Result<NativeProducer> {
        let notify: Notify = notify
            .build_threadsafe_function::<Told>()
            .weak::<true>()
            .callee_handled::<false>()
            .build_callback(|context| {
                caught(|| match context.value {
                    Told::Wake => Ok(Either::A(WAKE)),
                    told => event(&context.env, told).map(events::extend).map(Either::B),
                })
            })?;
        let client = client.shared();
        let host = JsHost { notify: Arc::new(Callback::new(notify)) };
        let network = client.network().clone();
        let handle =
            ProducerHandle::new(options.into_config(), network, client.metadata(), Box::new(host.clone()));
        let open: Rc<dyn Close> = Rc::new(OpenProducer(handle.clone()));
        at_teardown(&env, &open)?;
        Ok(NativeProducer {
            handle,
            client,
            host,
            topics: RefCell::default(),
            words: RefCell::default(),
            _open: open,
        })
    }

    #[napi(catch_unwind)]
    pub fn start(&self) {
        self.handle.start(self.client.metadata());
    }

    /// The whole turn counts as taken when the producer is closed: nothing of it will be answered.
    #[napi(catch_unwind)]
    pub fn submit(&self, turn: Uint8ArraySlice<'_>, length: u32) -> Result<u32> {
        let turn = turn.get(..length as usize).unwrap_or(&turn);
        match self.handle.submit(turn) {
            Some(Ok(submitted)) => Ok(u32::try_from(submitted.bytes).unwrap_or(u32::MAX)),
            Some(Err(error)) => Err(Error::new(Status::InvalidArg, error.to_string())),
            None => Ok(length),
        }
    }

    /// Writes the answers into this memory, and returns how many bytes they take. An object instead where that is not enough, or where
    /// something has failed: memory of its own costs more than all the rest of a wake-up.
    #[napi(ts_return_type = "unknown", catch_unwind)]
    pub fn answers<'env>(
        &self,
        env: &'env Env,
        mut into: Uint8ArraySlice<'_>,
    ) -> Result<Either<u32, Object<'env>>> {
        let busy = |error: std::cell::BorrowMutError| Error::from_reason(error.to_string());
        let mut topics = self.topics.try_borrow_mut().map_err(busy)?;
        let mut words = self.words.try_borrow_mut().map_err(busy)?;
        words.0.clear();
        if topics.forget_many() {
            words.head(RENUMBERED, 0, 0, 0);
        }
        let mut failures = Vec::new();
        for answer in self.handle.answers() {
            match answer {
                Answer::Sent { ticket, rows } => words.sent(ticket, &rows, &mut topics, 0),
                Answer::Failed(failed) => {
                    let FailedSend { ticket, failed, rows } = *failed;
                    failures.push(failed_parts(env, failed)?);
                    words.sent(ticket, &rows, &mut topics, failures.len());
                }
                Answer::Flushed(ticket) => words.head(FLUSHED, ticket, 0, 0),
                Answer::Room => words.head(ROOM, 0, 0, 0),
            }
        }
        // SAFETY: this is the JavaScript thread, whose memory it is, and no JavaScript runs while the slice is in use.
        #[expect(unsafe_code, reason = "JavaScript gives the memory to be written into")]
        let into = unsafe { into.as_mut() };
        if let Some(into) = into.get_mut(..words.0.len()).filter(|_| failures.is_empty()) {
            into.copy_from_slice(&words.0);
            return Ok(Either::A(u32::try_from(words.0.len()).unwrap_or(u32::MAX)));
        }
        let mut object = Object::new(env)?;
        object.set("words", Buffer::from(std::mem::take(&mut words.0)))?;
        object.set("failures", failures)?;
        Ok(Either::B(object))
    }

    /// The name behind a number in the answers.
    #[napi(catch_unwind)]
    pub fn topic(&self, number: i32) -> Option<String> {
        let topics = self.topics.try_borrow().ok()?;
        topics.names.get(usize::try_from(number).ok()?).map(ToString::to_string)
    }

    #[napi(catch_unwind)]
    pub fn flush(&self, ticket: i32) {
        self.handle.flush(ticket);
    }

    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn identify<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let (settle, promise) = promise::later(env, |env, result| match result {
            Ok(()) => Ok(None),
            Err(reason) => failure::reason(env, &reason).map(|reason| Some(reason.to_unknown())),
        })?;
        self.handle.identify(settle);
        Ok(promise)
    }

    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn begin_transaction<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        self.transact(env, Transact::Begin)
    }

    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn send_offsets<'env>(
        &self,
        env: &'env Env,
        group: NativeGroupMetadata,
        offsets: Vec<NativeOffset>,
    ) -> Result<Object<'env>> {
        let topics = by_topic(offsets)?;
        self.transact(env, Transact::SendOffsets(Offsets { group: group.into_group(), topics }))
    }

    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn commit_transaction<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        self.transact(env, Transact::Commit)
    }

    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn abort_transaction<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        self.transact(env, Transact::Abort)
    }

    /// Resolves with null, or with why not.
    fn transact<'env>(&self, env: &'env Env, what: Transact) -> Result<Object<'env>> {
        let (settle, promise) = promise::later(env, |env, result| match result {
            Ok(()) => Ok(None),
            Err(trouble) => failure::trouble(env, &trouble).map(|trouble| Some(trouble.to_unknown())),
        })?;
        self.handle.transact(what, settle);
        Ok(promise)
    }

    #[napi(ts_return_type = "Promise<void>", catch_unwind)]
    pub fn close<'env>(&self, env: &'env Env, within: f64) -> Result<Object<'env>> {
        let release = Release(self.host.clone());
        let (settle, promise) = promise::later(env, move |_, ()| {
            drop(release);
            Ok(None)
        })?;
        self.handle.close(millis(within), settle);
        Ok(promise)
    }
}

/// Each topic once, in the order in which they come.
fn by_topic(offsets: Vec<NativeOffset>) -> Result<Vec<OffsetCommitTopic>> {
    let mut topics: Vec<OffsetCommitTopic> = Vec::new();
    for NativeOffset { topic, partition, offset, metadata, leader_epoch } in offsets {
        let offset = options::offset(&offset)?;
        let leader_epoch = leader_epoch.unwrap_or(-1);
        let row = OffsetCommitPartition { partition, offset, leader_epoch, metadata };
        match topics.iter_mut().find(|known| known.name == topic) {
            Some(known) => known.partitions.push(row),
            None => {
                topics.push(OffsetCommitTopic { name: topic, partitions: vec![row], ..Default::default() });
            }
        }
    }
    Ok(topics)
}

fn event(env: &Env, told: Told) -> Result<Object<'_>> {
    let mut object = Object::new(env)?;
    match told {
        Told::Log(log) => {
            return events::log_line(env, log.level as i32, log.namespace, log.message, log.extra);
        }
        Told::Broken(End::Bug(message)) => {
            object.set("type", "broken")?;
            object.set("error", failure::bug(env, &message)?)?;
        }
        Told::Broken(End::NoThreads(error)) => {
            object.set("type", "broken")?;
            object.set("error", failure::net_error(env, &error)?)?;
        }
        // Not worth an object.
        Told::Wake => {}
    }
    Ok(object)
}

fn failed_parts<'env>(env: &'env Env, parts: Vec<FailedPart>) -> Result<Vec<Object<'env>>> {
    let parts = parts.into_iter().map(|FailedPart { topic, partition, messages, reason, may_be_written }| {
        let mut object = Object::new(env)?;
        object.set("topic", topic.to_string())?;
        object.set("partition", partition)?;
        let messages = messages.into_iter().flat_map(|range| [range.start, range.end]);
        object.set("messages", messages.collect::<Vec<u32>>())?;
        object.set("failure", failure::reason(env, &reason)?)?;
        object.set("mayBeWritten", may_be_written)?;
        Ok(object)
    });
    parts.collect()
}

/// Answers as `src/producer/answers.js` reads them: little-endian Int32.
///
/// ```text
/// head   kind, ticket, rows, number of the failure from 1 on (0 = none)
/// row    topic, partition, then base offset, time of appending and start of the log, two words each, the low one first
/// ```
#[derive(Default)]
struct Words(Vec<u8>);

impl Words {
    fn head(&mut self, kind: i32, ticket: i32, rows: usize, failure: usize) {
        let [rows, failure] = [rows, failure].map(|n| i32::try_from(n).unwrap_or(i32::MAX));
        for word in [kind, ticket, rows, failure] {
            self.0.extend_from_slice(&word.to_le_bytes());
        }
    }

    fn sent(&mut self, ticket: i32, rows: &[Row], topics: &mut Topics, failure: usize) {
        self.head(SENT, ticket, rows.len(), failure);
        for Row { partition, base_offset, log_append_time, log_start_offset } in rows {
            for word in [topics.number(&partition.topic), partition.partition] {
                self.0.extend_from_slice(&word.to_le_bytes());
            }
            for long in [base_offset, log_append_time, log_start_offset] {
                self.0.extend_from_slice(&long.to_le_bytes());
            }
        }
    }
}

const SENT: i32 = 0;
const FLUSHED: i32 = 1;
const ROOM: i32 = 2;
/// The numbers of topics in what follows have nothing to do with those before.
const RENUMBERED: i32 = 3;

/// Topics whose names are kept.
const MOST_TOPICS: usize = 1000;
