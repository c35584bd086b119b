//! `NativeConsumer`: one membership.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use napi::bindgen_prelude::{
    BigInt64Array, BigInt64ArraySlice, Buffer, Either, Function, Int32Array, Object, Status, Uint8Array,
    Unknown,
};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Error, Result};
use napi_derive::napi;

use crate::engine::clients::consumer::Assigned;
use crate::engine::clients::consumer::Epochs;
use crate::engine::clients::consumer::Event;
use crate::engine::clients::consumer::Pattern;
use crate::engine::delivery::Outcome;
use crate::engine::group::GroupMembershipOperation;
use crate::engine::machine::Failure;
use crate::engine::machine::TopicPartition;
use crate::engine::protocol::join_group::JoinGroupProtocol;
use crate::engine::protocol::sync_group::SyncGroupAssignment;
use crate::engine::runtime::ConsumerHandle;
use crate::engine::runtime::Host;
use crate::engine::runtime::Taken;
use crate::engine::runtime::Waiter;

use super::callback::Callback;
use super::client::NativeClient;
use super::events::{self, ConsumerEvent};
use super::health::{NativeHealth, NativeProgress};
use super::memory::{SharedCells, Slab};
use super::options::{
    NativeConsumerOptions, NativeOffset, NativePattern, NativeStart, NativeTopic, NativeTopicPartitions,
    offset,
};
use super::panic::caught;
use super::promise;
use super::teardown::{Close, at_teardown};

/// Weak: neither keeps the process alive. Nothing is ever called per message.
type Notify = ThreadsafeFunction<ConsumerEvent, Unknown<'static>, Heard, Status, false, true>;

/// What JavaScript hears: the number of a question that is answered, [`WAKE`], or an event.
type Heard = Either<f64, Object<'static>>;

#[derive(Clone)]
struct JsHost {
    notify: Arc<Callback<Notify>>,
}

impl JsHost {
    fn notify(&self, event: ConsumerEvent) {
        self.notify.with(|notify| {
            notify.call(event, ThreadsafeFunctionCallMode::NonBlocking);
        });
    }

    fn release(&self) {
        self.notify.release();
    }
}

impl Host for JsHost {
    fn wake(&self) {
        self.notify(ConsumerEvent::Wake);
    }

    fn event(&self, event: Event) {
        self.notify(ConsumerEvent::Engine(event));
    }

    fn bug(&self, message: String) {
        self.notify(ConsumerEvent::Bug(message));
    }
}

struct OpenConsumer(ConsumerHandle);

impl Close for OpenConsumer {
    fn close(&self) {
        self.0.close();
    }
}

#[napi]
pub struct NativeConsumer {
    handle: ConsumerHandle,
    client: super::client::Shared,
    /// Released by `stop`.
    host: JsHost,
    started: bool,
    /// Of the next question.
    ticket: Cell<u64>,
    /// Found by the teardown hook as long as this lives.
    _open: Rc<dyn Close>,
}

#[napi(object)]
pub struct NativeProtocol {
    pub name: String,
    pub metadata: Buffer,
}

#[napi(object)]
pub struct NativeAssignment {
    pub member_id: String,
    pub assignment: Buffer,
}

#[napi]
impl NativeConsumer {
    #[napi(constructor, catch_unwind)]
    pub fn new(
        env: Env,
        client: &NativeClient,
        options: NativeConsumerOptions,
        cells: Int32Array,
        notify: Function<'_, Heard, Unknown<'static>>,
    ) -> Result<NativeConsumer> {
        let config = options.into_config();
        let cells = SharedCells::new(cells, config.fetch.delivery.lanes)
            .ok_or_else(|| Error::new(Status::InvalidArg, "cells: too short for this many lanes"))?;
        // One for everything, so that it is heard in the order in which it happened: see "What is told" in ARCHITECTURE.md.
        let notify = notify
            .build_threadsafe_function::<ConsumerEvent>()
            .weak::<true>()
            .callee_handled::<false>()
            .build_callback(|context| {
                caught(|| match context.value {
                    ConsumerEvent::Wake => Ok(Either::A(WAKE)),
                    ConsumerEvent::Answered { ticket, failure: None } => Ok(Either::A(ticket as f64)),
                    event => events::consumer_event(&context.env, event).map(events::extend).map(Either::B),
                })
            })?;
        let client = client.shared();
        let host = JsHost { notify: Arc::new(Callback::new(notify)) };
        let network = client.network().clone();
        let handle =
            ConsumerHandle::new(config, network, client.metadata(), Box::new(cells), Box::new(host.clone()));
        let open: Rc<dyn Close> = Rc::new(OpenConsumer(handle.clone()));
        at_teardown(&env, &open)?;
        Ok(NativeConsumer { handle, client, host, started: false, ticket: Cell::new(0), _open: open })
    }

    /// Joins; called again: other topics.
    #[napi(catch_unwind)]
    pub fn start(&mut self, topics: Vec<NativeTopic>, pattern: Option<NativePattern>) {
        let pattern =
            pattern.map(|NativePattern { regex, from_beginning }| Pattern { regex, from_beginning });
        let topics: BTreeMap<String, bool> =
            topics.into_iter().map(|topic| (topic.topic, topic.from_beginning)).collect();
        if std::mem::replace(&mut self.started, true) {
            self.handle.set_topics(topics, pattern);
        } else {
            self.handle.start(&self.client.metadata().latest(), topics, pattern);
        }
    }

    /// Instead of `start`, and again whenever others are to be read.
    #[napi(catch_unwind)]
    pub fn assign(&mut self, partitions: Vec<NativeStart>) -> Result<()> {
        self.started = true;
        let partitions = partitions.into_iter().map(|NativeStart { topic, partition, offset }| {
            let offset = offset.map(|offset| self::offset(&offset)).transpose()?;
            Ok((TopicPartition { topic: topic.into(), partition }, offset))
        });
        self.handle.assign(&self.client.metadata().latest(), partitions.collect::<Result<Vec<_>>>()?);
        Ok(())
    }

    /// Of each assigned partition; null = not known.
    #[napi(catch_unwind)]
    pub fn progresses(&self) -> Vec<NativeProgress> {
        self.handle.progresses().into_iter().map(NativeProgress::from).collect()
    }

    /// How it is, now. Nobody is asked.
    #[napi(catch_unwind)]
    pub fn health(&self) -> NativeHealth {
        self.handle.health().into()
    }

    #[napi(catch_unwind)]
    pub fn complete_protocols(&self, job: f64, error: Option<String>, protocols: Vec<NativeProtocol>) {
        let protocols = protocols.into_iter().map(|protocol| JoinGroupProtocol {
            name: protocol.name,
            metadata: Bytes::copy_from_slice(&protocol.metadata),
        });
        self.handle.protocols(job as u64, error.map_or_else(|| Ok(protocols.collect()), Err));
    }

    #[napi(catch_unwind)]
    pub fn complete_assign(
        &self,
        job: f64,
        error: Option<String>,
        assignments: Vec<NativeAssignment>,
        seen: Vec<NativeTopicPartitions>,
    ) {
        let shares = assignments.into_iter().map(|assignment| SyncGroupAssignment {
            member_id: assignment.member_id,
            assignment: Bytes::copy_from_slice(&assignment.assignment),
        });
        let shares = shares.collect();
        let seen = seen.into_iter().map(|seen| (seen.topic, seen.partitions)).collect();
        self.handle.assignments(job as u64, error.map_or(Ok(Assigned { shares, seen }), Err));
    }

    #[napi(catch_unwind)]
    pub fn complete_join(&self) {
        self.handle.complete_join();
    }

    /// `error`: what the hook has thrown.
    #[napi(catch_unwind)]
    pub fn complete_hook(&self, job: f64, error: Option<String>) {
        self.handle.hook_done(job as u64, error.map_or(Ok(()), Err));
    }

    // ---- hand-over: once per delivery

    #[napi(catch_unwind)]
    pub fn give(&self, slab: Uint8Array) -> u32 {
        self.handle.give(Box::new(Slab(slab)))
    }

    /// A slab number, -1 for nothing, -(n + 1) for n staged bytes, n + [`KEPT`] for what is kept under n.
    #[napi(catch_unwind)]
    pub fn take(&self, lane: u32) -> i64 {
        number_of(self.handle.take(lane as usize))
    }

    /// As `take`, for a lane that has not finished with what it has: more of the same partition.
    #[napi(catch_unwind)]
    pub fn take_more(&self, lane: u32) -> i64 {
        number_of(self.handle.take_more(lane as usize))
    }

    #[napi(catch_unwind)]
    pub fn take_staged(&self, lane: u32, mut into: Uint8Array) {
        let Some(staged) = self.handle.take_staged(lane as usize) else { return };
        // SAFETY: the facade has made this array for this call and hands it to nobody else before it returns.
        #[expect(unsafe_code, reason = "see the proof above")]
        let into = unsafe { into.as_mut() };
        if let Some(into) = into.get_mut(..staged.len()) {
            into.copy_from_slice(&staged);
        }
    }

    #[napi(catch_unwind)]
    pub fn slot(&self, slot: u32) -> Option<NativeTopicPartitions> {
        let TopicPartition { topic, partition } = self.handle.slot(slot)?;
        Some(NativeTopicPartitions { topic: topic.to_string(), partitions: vec![partition] })
    }

    /// `backoff`: ms; negative when no handler has seen the rest. Returns the number to keep that under, or null.
    #[napi(catch_unwind)]
    pub fn finish(&self, lane: u32, backoff: f64) -> Option<u32> {
        let wait = Duration::from_millis(backoff.clamp(0.0, 1e9) as u64);
        let outcome = match wait.is_zero() {
            _ if backoff < 0.0 => Outcome::Stopped,
            true => Outcome::Done,
            false => Outcome::Again(wait),
        };
        self.handle.finish(lane as usize, outcome)
    }

    #[napi(catch_unwind)]
    pub fn resolve(&self, lane: u32, next: String) -> Result<()> {
        self.handle.resolve(lane as usize, offset(&next)?);
        Ok(())
    }

    /// `next`: the next offset to read, -1 when it is no news; then what is finished behind it, as `from, to, from, to …`.
    #[napi(catch_unwind)]
    pub fn finished(&self, lane: u32, offsets: BigInt64Array) {
        let (next, ranges) = offsets.split_first().map_or((-1, &[][..]), |(next, ranges)| (*next, ranges));
        let ranges = ranges.chunks_exact(2).filter_map(|range| Some((*range.first()?, *range.last()?)));
        self.handle.finished(lane as usize, (next >= 0).then_some(next), ranges.collect());
    }

    /// What is finished in this lane's partition beyond its position, in the same form; null when nothing is.
    #[napi(catch_unwind)]
    pub fn finished_beyond(&self, lane: u32) -> Option<BigInt64Array> {
        let ranges = self.handle.finished_beyond(lane as usize);
        let offsets: Vec<i64> = ranges.into_iter().flat_map(|(from, to)| [from, to]).collect();
        (!offsets.is_empty()).then(|| BigInt64Array::new(offsets))
    }

    #[napi(catch_unwind)]
    pub fn resolve_returned(&self, slot: u32, next: String) -> Result<()> {
        self.handle.resolve_returned(slot, offset(&next)?);
        Ok(())
    }

    // ---- commands

    #[napi(catch_unwind)]
    pub fn seek(&self, topic: String, partition: i32, offset: String) -> Result<()> {
        let offset = self::offset(&offset)?;
        self.handle.seek(TopicPartition { topic: topic.into(), partition }, offset);
        Ok(())
    }

    #[napi(catch_unwind)]
    pub fn pause(&self, topic: String, partitions: Option<Vec<i32>>) {
        self.handle.pause(&topic, partitions.as_deref());
    }

    #[napi(catch_unwind)]
    pub fn resume(&self, topic: String, partitions: Option<Vec<i32>>) {
        self.handle.resume(&topic, partitions.as_deref());
    }

    #[napi(catch_unwind)]
    pub fn paused(&self) -> Vec<NativeTopicPartitions> {
        events::partitions_by_topic(self.handle.paused())
    }

    /// Slots and offsets by turns; returns how many numbers there are, more than fit perhaps.
    #[napi(catch_unwind)]
    pub fn uncommitted(&self, mut into: BigInt64ArraySlice<'_>) -> u32 {
        let offsets = self.handle.uncommitted();
        let numbers = offsets.iter().flat_map(|(slot, offset)| [i64::from(slot.0), *offset]);
        // SAFETY: the facade has made this array for this call, and nobody else looks at it before it returns.
        #[expect(unsafe_code, reason = "see the proof above")]
        let into = unsafe { into.as_mut() };
        into.iter_mut().zip(numbers).for_each(|(place, number)| *place = number);
        offsets.len() as u32 * 2
    }

    #[napi(catch_unwind)]
    pub fn mark_committed(&self, entry: NativeOffset) -> Result<()> {
        let NativeOffset { topic, partition, offset: next, .. } = entry;
        self.handle.mark_committed(&TopicPartition { topic: topic.into(), partition }, offset(&next)?);
        Ok(())
    }

    #[napi(catch_unwind)]
    pub fn epoch_before(&self, topic: String, partition: i32, before: String) -> Result<Option<i32>> {
        let partition = TopicPartition { topic: topic.into(), partition };
        Ok(self.handle.epoch_before(&partition, offset(&before)?))
    }

    /// As whom the consumer commits, and what is assigned to it; null while it is no member.
    #[napi(ts_return_type = "unknown", catch_unwind)]
    pub fn membership<'env>(&self, env: &'env Env) -> Result<Option<Object<'env>>> {
        let Some((membership, assignment)) = self.handle.membership() else { return Ok(None) };
        let mut object = Object::new(env)?;
        object.set("generationId", membership.generation_id)?;
        object.set("memberId", membership.member_id)?;
        object.set("groupInstanceId", membership.group_instance_id)?;
        object.set("assignment", events::partitions_by_topic(assignment))?;
        Ok(Some(object))
    }

    // ---- questions: the number under which `notify` hears the answer, or why there will be none

    #[napi(catch_unwind)]
    pub fn commit<'env>(
        &self,
        env: &'env Env,
        offsets: Option<Vec<NativeOffset>>,
    ) -> Result<Either<f64, Object<'env>>> {
        let epochs = offsets.iter().flatten().filter_map(|offset| {
            let NativeOffset { topic, partition, leader_epoch, .. } = offset;
            Some((TopicPartition { topic: topic.as_str().into(), partition: *partition }, (*leader_epoch)?))
        });
        let epochs: Epochs = epochs.collect();
        let offsets = offsets.map(to_offsets).transpose()?;
        self.ask(env, |ticket, answered| self.handle.commit(ticket, offsets, epochs, answered))
    }

    #[napi(catch_unwind)]
    pub fn send_commits(&self) {
        self.handle.send_commits();
    }

    #[napi(catch_unwind)]
    pub fn is_commit_necessary(&self) -> bool {
        self.handle.is_commit_necessary()
    }

    #[napi(catch_unwind)]
    pub fn commit_if_necessary<'env>(&self, env: &'env Env) -> Result<Either<f64, Object<'env>>> {
        self.ask(env, |ticket, answered| self.handle.commit_if_necessary(ticket, answered))
    }

    /// Answered when no heartbeat is outstanding.
    #[napi(catch_unwind)]
    pub fn heartbeat<'env>(&self, env: &'env Env) -> Result<Either<f64, Object<'env>>> {
        self.ask(env, |ticket, answered| self.handle.heartbeat(ticket, answered))
    }

    /// Fetch events are only told after this, which JavaScript calls for the first listener.
    #[napi(catch_unwind)]
    pub fn enable_fetch_events(&self) {
        self.handle.enable_fetch_events();
    }

    /// The same of commits.
    #[napi(catch_unwind)]
    pub fn enable_commit_events(&self) {
        self.handle.enable_commit_events();
    }

    /// Reads the cells now, and writes what they should say by now.
    #[napi(catch_unwind)]
    pub fn progress(&self) {
        self.handle.progress();
    }

    #[napi(ts_return_type = "Promise<void>", catch_unwind)]
    pub fn stop<'env>(&self, env: &'env Env, leave_group: Option<bool>) -> Result<Object<'env>> {
        let (deferred, promise) = promise::pending(env)?;
        let host = self.host.clone();
        let leave = match leave_group {
            None => GroupMembershipOperation::Default,
            Some(true) => GroupMembershipOperation::LeaveGroup,
            Some(false) => GroupMembershipOperation::RemainInGroup,
        };
        self.handle.stop(leave, move |_| {
            host.release();
            promise::settle_null(deferred);
        });
        Ok(promise)
    }
}

impl NativeConsumer {
    fn ask<'env>(
        &self,
        env: &'env Env,
        begin: impl FnOnce(u64, Waiter) -> std::result::Result<(), Failure>,
    ) -> Result<Either<f64, Object<'env>>> {
        let ticket = self.ticket.get();
        self.ticket.set(ticket + 1);
        let host = self.host.clone();
        let answered = move |result: std::result::Result<(), Failure>| {
            host.notify(ConsumerEvent::Answered { ticket, failure: result.err() })
        };
        match begin(ticket, Box::new(answered)) {
            Ok(()) => Ok(Either::A(ticket as f64)),
            Err(failure) => super::failure::failure(env, &failure).map(Either::B),
        }
    }
}

impl Drop for NativeConsumer {
    fn drop(&mut self) {
        // Collected without `stop()`: JavaScript, which held the callback too, cannot hear of anything any more.
        self.handle.close();
    }
}

/// There may be something to take.
const WAKE: f64 = -1.0;
/// Slab numbers are below it.
const KEPT: i64 = 1 << 32;

fn number_of(taken: Taken) -> i64 {
    match taken {
        Taken::Slab(slab) => i64::from(slab),
        Taken::Nothing => -1,
        Taken::Staged(len) => -(len as i64) - 1,
        Taken::Kept(number) => KEPT + i64::from(number),
    }
}

fn to_offsets(entries: Vec<NativeOffset>) -> Result<Vec<(TopicPartition, i64, Option<String>)>> {
    let convert = |NativeOffset { topic, partition, offset: next, metadata, .. }: NativeOffset| {
        Ok((TopicPartition { topic: topic.into(), partition }, offset(&next)?, metadata))
    };
    entries.into_iter().map(convert).collect()
}
