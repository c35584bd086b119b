//! What the bridge holds: the consumer as the JavaScript thread sees it. Every method returns at once.

use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard};
use std::time::Instant;

use crate::engine::clients::consumer::Assigned;
use crate::engine::clients::consumer::Consumer;
use crate::engine::clients::consumer::ConsumerConfig;
use crate::engine::clients::consumer::Epochs;
use crate::engine::clients::consumer::GroupMembershipOperation;
use crate::engine::clients::consumer::Health;
use crate::engine::clients::consumer::Membership;
use crate::engine::clients::consumer::Necessity;
use crate::engine::clients::consumer::Pattern;
use crate::engine::clients::consumer::Progress;
use crate::engine::clients::consumer::Range;
use crate::engine::delivery::Buffer;
use crate::engine::delivery::Delivery;
use crate::engine::delivery::Outcome;
use crate::engine::delivery::SlotId;
use crate::engine::machine::Failure;
use crate::engine::machine::TopicPartition;
use crate::engine::network::Network;
use crate::engine::network::clock;
use crate::engine::protocol::join_group::JoinGroupProtocol;
use crate::engine::protocol::metadata::MetadataResponse;
use crate::engine::runtime::SharedMetadata;
use crate::engine::runtime::direct;
use crate::engine::runtime::driver;
use crate::engine::runtime::shared::{Shared, Waiter};

use super::client::{Cells, ConsumerClient, Host, SlabMemory};
use super::decode;

/// One membership, from join to leave.
#[derive(Clone)]
pub struct ConsumerHandle {
    shared: Arc<Shared<ConsumerClient>>,
}

/// What [`ConsumerHandle::take`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// The delivery lies in this slab, which is JavaScript's again.
    Slab(u32),
    /// A delivery of this many bytes waits for [`ConsumerHandle::take_staged`].
    Staged(usize),
    /// What JavaScript keeps under this number goes on.
    Kept(u32),
    /// Nothing now; [`Host::wake`] will be called when there is.
    Nothing,
}

impl ConsumerHandle {
    /// Makes a consumer over an open network, which hears what is learned of the cluster elsewhere. It does nothing before
    /// [`ConsumerHandle::start`].
    pub fn new(
        config: ConsumerConfig,
        network: Network,
        metadata: &SharedMetadata,
        cells: Box<dyn Cells>,
        host: Box<dyn Host>,
    ) -> ConsumerHandle {
        let (lanes, limit) = (config.fetch.delivery.lanes, config.max_decompressed_bytes);
        let consumer = Consumer::new(config, fastrand::u64(..));
        let siblings = metadata.siblings().clone();
        let shared = Shared::of_consumer(consumer, lanes, limit, cells, network, siblings, host);
        let shared = Arc::new(shared);
        metadata.bring_to(&shared);
        ConsumerHandle { shared }
    }

    /// Joins the group and starts to fetch.
    pub fn start(
        &self,
        metadata: &MetadataResponse,
        topics: BTreeMap<String, bool>,
        pattern: Option<Pattern>,
    ) {
        let now = clock::now();
        let mut client = self.shared.lock();
        if client.started || client.stopped || client.closed {
            return;
        }
        client.started = true;
        client.consumer.seed_metadata(metadata);
        client.consumer.start(now, topics, pattern);
        drop(client);
        driver::start(&self.shared);
        driver::supervise(&self.shared, decode::run(self.shared.clone()));
    }

    /// Reads these partitions, see [`Consumer::assign`]. The first time it starts.
    pub fn assign(&self, metadata: &MetadataResponse, partitions: Vec<(TopicPartition, Option<i64>)>) {
        let mut client = self.shared.lock();
        if client.stopped || client.closed {
            return;
        }
        let is_first = !std::mem::replace(&mut client.started, true);
        if is_first {
            client.consumer.seed_metadata(metadata);
        }
        client.consumer.assign(clock::now(), partitions);
        drop(client);
        if is_first {
            driver::start(&self.shared);
            driver::supervise(&self.shared, decode::run(self.shared.clone()));
        }
        self.shared.driver.notify_one();
    }

    /// How far each assigned partition is, see [`Consumer::progresses`].
    pub fn progresses(&self) -> Vec<Progress> {
        let mut client = self.shared.lock();
        client.read_cells(clock::now());
        client.consumer.progresses()
    }

    /// See [`Consumer::health`].
    pub fn health(&self) -> Health {
        let mut client = self.shared.lock();
        let now = clock::now();
        client.read_cells(now);
        client.consumer.health(now)
    }

    /// Other topics from now on (name → `fromBeginning`): rejoins.
    pub fn set_topics(&self, topics: BTreeMap<String, bool>, pattern: Option<Pattern>) {
        self.with(|client, now| client.consumer.start(now, topics, pattern));
    }

    /// Answers `ProtocolsNeeded`.
    pub fn protocols(&self, job: u64, answer: Result<Vec<JoinGroupProtocol>, String>) {
        self.with(|client, now| client.consumer.protocols(now, job, answer));
    }

    /// Answers `AssignmentNeeded`.
    pub fn assignments(&self, job: u64, answer: Result<Assigned, String>) {
        self.with(|client, now| client.consumer.assignments(now, job, answer));
    }

    /// Answers `Joined`.
    pub fn complete_join(&self) {
        self.with(|client, _| client.consumer.complete_join());
    }

    /// Answers `HookNeeded`: the hook has ended; `Err` = what it has thrown.
    pub fn hook_done(&self, job: u64, result: Result<(), String>) {
        self.with(|client, now| client.consumer.hook_done(now, job, result));
    }

    /// An empty slab; its number comes back from one [`ConsumerHandle::take`].
    pub fn give(&self, memory: Box<dyn SlabMemory>) -> u32 {
        let mut client = self.shared.lock();
        let slab = client.next_slab;
        client.next_slab = client.next_slab.wrapping_add(1);
        if !client.closed && !client.stopped {
            client.slabs.insert(slab, memory);
            client.consumer.give(slab);
        }
        slab
    }

    /// The next delivery for an idle lane.
    pub fn take(&self, lane: usize) -> Taken {
        let mut client = self.shared.lock();
        let now = clock::now();
        let taken = client.consumer.take(now, lane);
        self.hand_over(client, lane, taken, true)
    }

    /// As [`ConsumerHandle::take`], for a lane that has not finished with what it has. See [`Consumer::take_more`].
    pub fn take_more(&self, lane: usize) -> Taken {
        let mut client = self.shared.lock();
        let taken = client.consumer.take_more(clock::now(), lane);
        self.hand_over(client, lane, taken, false)
    }

    fn hand_over(
        &self,
        mut client: MutexGuard<'_, ConsumerClient>,
        lane: usize,
        delivery: Option<Delivery>,
        is_new: bool,
    ) -> Taken {
        let Some(delivery) = delivery else {
            client.armed = true;
            if client.consumer.is_expired() {
                // The driver does not know yet when it has stood still, as we have.
                client.write_cells();
                drop(client);
                self.shared.driver.notify_one();
            }
            return Taken::Nothing;
        };
        if is_new && let Some(cells) = &mut client.cells {
            cells.clear(lane);
        }
        let taken = match delivery.buffer {
            Buffer::Slab(slab) => {
                client.slabs.remove(&slab);
                Taken::Slab(slab)
            }
            Buffer::Staged(bytes) => {
                let len = bytes.len();
                if let Some(place) = client.staged.get_mut(lane) {
                    *place = Some(bytes);
                }
                Taken::Staged(len)
            }
            Buffer::Kept { number, .. } => Taken::Kept(number),
        };
        // The handler waits for this call: a thread is only woken when there is work for it.
        let may_decode = client.consumer.may_decode();
        drop(client);
        if may_decode {
            self.shared.outside.decoder.notify_one();
        }
        taken
    }

    /// The bytes that [`Taken::Staged`] announced.
    pub fn take_staged(&self, lane: usize) -> Option<Vec<u8>> {
        self.shared.lock().staged.get_mut(lane)?.take()
    }

    /// Which partition a slot is.
    pub fn slot(&self, slot: u32) -> Option<TopicPartition> {
        self.shared.lock().consumer.slot(SlotId(slot)).cloned()
    }

    /// The lane is idle again. Returns the number under which the rest of the delivery is to be kept, if it is.
    pub fn finish(&self, lane: usize, outcome: Outcome) -> Option<u32> {
        let mut client = self.shared.lock();
        let now = clock::now();
        client.read_cells(now);
        let kept = client.consumer.finish(now, lane, outcome);
        if let Some(cells) = &mut client.cells {
            cells.clear(lane);
        }
        drop(client);
        direct::drive(&self.shared);
        kept
    }

    /// See [`Consumer::finished`].
    pub fn finished(&self, lane: usize, next: Option<i64>, finished: Vec<Range>) {
        self.with(|client, now| client.consumer.finished(now, lane, next, finished));
    }

    /// See [`Consumer::finished_beyond`].
    pub fn finished_beyond(&self, lane: usize) -> Vec<Range> {
        self.shared.lock().consumer.finished_beyond(lane).to_vec()
    }

    /// `resolveOffset` beyond the reach of a cell.
    pub fn resolve(&self, lane: usize, next: i64) {
        self.with(|client, now| {
            client.consumer.resolve(now, lane, next);
            // What the cell says is older.
            if let Some(cells) = &mut client.cells {
                cells.clear(lane);
            }
        });
    }

    /// See [`Consumer::resolve_returned`].
    pub fn resolve_returned(&self, slot: u32, next: i64) {
        self.with(|client, _| client.consumer.resolve_returned(SlotId(slot), next));
    }

    /// Makes `FetchStart` and `FetchEnd` events from now on.
    pub fn enable_fetch_events(&self) {
        self.shared.lock().fetch_events = true;
    }

    /// Tells of `Committed` from now on.
    pub fn enable_commit_events(&self) {
        self.shared.lock().commit_events = true;
    }

    /// Takes in what the handlers have done so far, and shows them what they must heed by now.
    pub fn progress(&self) {
        self.with(|_, _| {});
    }

    /// See [`Consumer::seek`].
    pub fn seek(&self, partition: TopicPartition, offset: i64) {
        self.with(|client, _| client.consumer.seek(partition, offset));
    }

    /// See [`Consumer::pause`]. Some programs pause and resume at every message: the driver is only woken when it has something
    /// to do.
    pub fn pause(&self, topic: &str, partitions: Option<&[i32]>) {
        let mut client = self.shared.lock();
        client.consumer.pause(topic, partitions);
        client.write_cells();
        let makes_room = client.consumer.is_crowded();
        drop(client);
        if makes_room {
            self.shared.driver.notify_one();
        }
    }

    /// See [`Consumer::resume`].
    pub fn resume(&self, topic: &str, partitions: Option<&[i32]>) {
        let mut client = self.shared.lock();
        let passed_over = client.consumer.resume(topic, partitions);
        client.write_cells();
        let wake = client.must_wake();
        drop(client);
        if passed_over {
            self.shared.driver.notify_one();
        }
        if wake {
            self.shared.outside.host.wake();
        }
    }

    /// See [`Consumer::paused`].
    pub fn paused(&self) -> Vec<TopicPartition> {
        self.shared.lock().consumer.paused()
    }

    /// See [`Consumer::uncommitted`].
    pub fn uncommitted(&self) -> Vec<(SlotId, i64)> {
        let mut client = self.shared.lock();
        client.read_cells(clock::now());
        client.consumer.uncommitted()
    }

    /// See [`Consumer::epoch_before`].
    pub fn epoch_before(&self, partition: &TopicPartition, offset: i64) -> Option<i32> {
        self.shared.lock().consumer.epoch_before(partition, offset)
    }

    /// See [`Consumer::mark_committed`].
    pub fn mark_committed(&self, partition: &TopicPartition, offset: i64) {
        self.shared.lock().consumer.mark_committed(partition, offset);
    }

    /// See [`Consumer::membership`]; with [what it owns](Consumer::owned).
    pub fn membership(&self) -> Option<(Membership, Vec<TopicPartition>)> {
        let client = self.shared.lock();
        let membership = client.consumer.membership()?;
        Some((membership, client.consumer.owned()))
    }

    /// See [`Consumer::commit_with`]. `ticket` is the caller's number for it, used once: `Committed` tells whose commit it was. It goes
    /// out with whatever wakes the driver next, [`ConsumerHandle::send_commits`] at the latest: so commits travel together.
    ///
    /// # Errors
    /// Of this and the next two: the consumer does not run, and `done` will not be called.
    pub fn commit(
        &self,
        ticket: u64,
        offsets: Option<Vec<(TopicPartition, i64, Option<String>)>>,
        epochs: Epochs,
        done: Waiter,
    ) -> Result<(), Failure> {
        self.with_ticket(ticket, done, |consumer, _| consumer.commit_with(ticket, offsets, epochs))
    }

    /// Sends what [`ConsumerHandle::commit`] was given: the caller has heard of all answers that there were.
    pub fn send_commits(&self) {
        self.shared.lock().consumer.send_commits();
        direct::drive(&self.shared);
    }

    /// May [`ConsumerHandle::commit_if_necessary`] have something to do? Else the cells say what has to happen before.
    pub fn is_commit_necessary(&self) -> bool {
        let mut client = self.shared.lock();
        let now = clock::now();
        client.read_cells(now);
        let Necessity::Later { wait, offsets } = client.consumer.commit_necessity(now) else { return true };
        if let Some(cells) = &mut client.cells {
            let wait = wait.map_or(i32::MAX, |wait| i32::try_from(wait.as_millis()).unwrap_or(i32::MAX));
            let offsets = offsets.map_or(i32::MAX, |offsets| i32::try_from(offsets).unwrap_or(i32::MAX));
            cells.set_commit_distance(wait, offsets);
        }
        false
    }

    /// See [`Consumer::commit_if_necessary`].
    ///
    /// # Errors
    /// See [`ConsumerHandle::commit`].
    pub fn commit_if_necessary(&self, ticket: u64, done: Waiter) -> Result<(), Failure> {
        self.with_ticket(ticket, done, |consumer, now| consumer.commit_if_necessary(now, ticket))?;
        self.shared.driver.notify_one();
        Ok(())
    }

    /// See [`Consumer::heartbeat`].
    ///
    /// # Errors
    /// See [`ConsumerHandle::commit`].
    pub fn heartbeat(&self, ticket: u64, done: Waiter) -> Result<(), Failure> {
        self.with_ticket(ticket, done, |consumer, now| consumer.heartbeat(now, ticket))?;
        self.shared.driver.notify_one();
        Ok(())
    }

    /// See [`Consumer::stop`].
    pub fn stop(
        &self,
        leave: GroupMembershipOperation,
        done: impl FnOnce(Result<(), Failure>) + Send + 'static,
    ) {
        let mut client = self.shared.lock();
        if !client.is_running() {
            // A start that comes after this starts nothing.
            client.stopped = true;
            drop(client);
            done(Ok(()));
            return;
        }
        client.stop_waiters.push(Box::new(done));
        client.read_cells(clock::now());
        client.consumer.stop(clock::now(), leave);
        client.write_cells();
        drop(client);
        self.shared.driver.notify_one();
    }

    #[cfg(test)]
    pub(super) fn shared(&self) -> &Arc<Shared<ConsumerClient>> {
        &self.shared
    }

    /// Panics under the lock.
    #[cfg(test)]
    pub(super) fn break_down(&self) {
        let _client = self.shared.lock();
        panic!("a test's panic");
    }

    /// The Node environment goes away. Blocks until its memory is safe.
    pub fn close(&self) {
        self.shared.close();
    }

    /// A command: with what the handlers have done so far, and its effect visible to them at once.
    fn with(&self, command: impl FnOnce(&mut ConsumerClient, Instant)) {
        let mut client = self.shared.lock();
        let now = clock::now();
        client.read_cells(now);
        command(&mut client, now);
        client.write_cells();
        let wake = client.must_wake();
        drop(client);
        self.shared.driver.notify_one();
        if wake {
            self.shared.outside.host.wake();
        }
    }

    fn with_ticket(
        &self,
        ticket: u64,
        done: Waiter,
        command: impl FnOnce(&mut Consumer, Instant),
    ) -> Result<(), Failure> {
        let mut client = self.shared.lock();
        if !client.is_running() {
            return Err(Failure::Stopped);
        }
        let now = clock::now();
        client.read_cells(now);
        client.tickets.wait(ticket, done);
        command(&mut client.consumer, now);
        Ok(())
    }
}
