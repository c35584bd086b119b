//! What the bridge holds: the consumer as the JavaScript thread sees it. Every method returns at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use crate::engine::clients::consumer::Assigned;
use crate::engine::clients::consumer::Consumer;
use crate::engine::clients::consumer::ConsumerConfig;
use crate::engine::clients::consumer::Event;
use crate::engine::clients::consumer::Necessity;
use crate::engine::delivery::Buffer;
use crate::engine::delivery::Outcome;
use crate::engine::delivery::SlotId;
use crate::engine::machine::Failure;
use crate::engine::machine::TopicPartition;
use crate::engine::network::Network;
use crate::engine::protocol::join_group::JoinGroupProtocol;
use crate::engine::protocol::metadata::MetadataResponse;

use super::executor;
use super::shared::{Cells, Host, Inner, Shared, SlabMemory, Waiter};
use super::{decode, driver};
use crate::engine::network::clock;

/// One membership, from join to leave.
#[derive(Clone)]
pub struct ConsumerHandle {
    shared: Arc<Shared>,
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
    /// Makes a consumer over an open network. It does nothing before [`ConsumerHandle::start`].
    pub fn new(
        config: ConsumerConfig,
        network: Network,
        cells: Box<dyn Cells>,
        host: Box<dyn Host>,
    ) -> ConsumerHandle {
        let (lanes, limit) = (config.fetch.delivery.lanes, config.max_decompressed_bytes);
        let consumer = Consumer::new(config, fastrand::u64(..));
        ConsumerHandle { shared: Arc::new(Shared::new(consumer, lanes, limit, cells, network, host)) }
    }

    /// Joins the group and starts to fetch.
    pub fn start(&self, metadata: &MetadataResponse, topics: BTreeMap<String, bool>) {
        let now = clock::now();
        let mut inner = self.shared.lock();
        if inner.started || inner.stopped || inner.closed {
            return;
        }
        inner.started = true;
        inner.consumer.seed_metadata(metadata);
        inner.consumer.start(now, topics);
        drop(inner);
        self.supervise(driver::run(self.shared.clone()));
        self.supervise(decode::run(self.shared.clone()));
    }

    /// Other topics from now on (name → `fromBeginning`): rejoins.
    pub fn set_topics(&self, topics: BTreeMap<String, bool>) {
        self.with(|inner, now| inner.consumer.start(now, topics));
    }

    /// Answers `ProtocolsNeeded`.
    pub fn protocols(&self, job: u64, answer: Result<Vec<JoinGroupProtocol>, String>) {
        self.with(|inner, now| inner.consumer.protocols(now, job, answer));
    }

    /// Answers `AssignmentNeeded`.
    pub fn assignments(&self, job: u64, answer: Result<Assigned, String>) {
        self.with(|inner, now| inner.consumer.assignments(now, job, answer));
    }

    /// Answers `Joined`.
    pub fn complete_join(&self) {
        self.with(|inner, _| inner.consumer.complete_join());
    }

    /// An empty slab; its number comes back from one [`ConsumerHandle::take`].
    pub fn give(&self, memory: Box<dyn SlabMemory>) -> u32 {
        let mut inner = self.shared.lock();
        let slab = inner.next_slab;
        inner.next_slab = inner.next_slab.wrapping_add(1);
        if !inner.closed && !inner.stopped {
            inner.slabs.insert(slab, memory);
            inner.consumer.give(slab);
        }
        slab
    }

    /// The next delivery for an idle lane.
    pub fn take(&self, lane: usize) -> Taken {
        let mut inner = self.shared.lock();
        let now = clock::now();
        let Some(delivery) = inner.consumer.take(now, lane) else {
            inner.armed = true;
            if inner.consumer.is_expired() {
                // The driver does not know yet when it has stood still, as we have.
                inner.write_cells();
                drop(inner);
                self.shared.driver.notify_one();
            }
            return Taken::Nothing;
        };
        if let Some(cells) = &mut inner.cells {
            cells.clear(lane);
        }
        let taken = match delivery.buffer {
            Buffer::Slab(slab) => {
                inner.slabs.remove(&slab);
                Taken::Slab(slab)
            }
            Buffer::Staged(bytes) => {
                let len = bytes.len();
                if let Some(place) = inner.staged.get_mut(lane) {
                    *place = Some(bytes);
                }
                Taken::Staged(len)
            }
            Buffer::Kept { number, .. } => Taken::Kept(number),
        };
        drop(inner);
        self.shared.decoder.notify_one();
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
        let mut inner = self.shared.lock();
        let now = clock::now();
        inner.read_cells(now);
        let kept = inner.consumer.finish(now, lane, outcome);
        if let Some(cells) = &mut inner.cells {
            cells.clear(lane);
        }
        drop(inner);
        self.shared.driver.notify_one();
        kept
    }

    /// `resolveOffset` beyond the reach of a cell.
    pub fn resolve(&self, lane: usize, next: i64) {
        self.with(|inner, now| {
            inner.consumer.resolve(now, lane, next);
            // What the cell says is older.
            if let Some(cells) = &mut inner.cells {
                cells.clear(lane);
            }
        });
    }

    /// See [`Consumer::resolve_returned`].
    pub fn resolve_returned(&self, slot: u32, next: i64) {
        self.with(|inner, _| inner.consumer.resolve_returned(SlotId(slot), next));
    }

    /// Makes `FetchStart` and `FetchEnd` events from now on.
    pub fn enable_fetch_events(&self) {
        self.shared.lock().fetch_events = true;
    }

    /// Takes in what the handlers have done so far, and shows them what they must heed by now.
    pub fn progress(&self) {
        self.with(|_, _| {});
    }

    /// See [`Consumer::seek`].
    pub fn seek(&self, partition: TopicPartition, offset: i64) {
        self.with(|inner, _| inner.consumer.seek(partition, offset));
    }

    /// See [`Consumer::pause`]. Some pause and resume at every message: nobody else is woken without need.
    pub fn pause(&self, topic: &str, partitions: Option<&[i32]>) {
        let mut inner = self.shared.lock();
        inner.consumer.pause(topic, partitions);
        inner.write_cells();
        let makes_room = inner.consumer.is_full();
        drop(inner);
        if makes_room {
            self.shared.driver.notify_one();
        }
    }

    /// See [`Consumer::resume`].
    pub fn resume(&self, topic: &str, partitions: Option<&[i32]>) {
        let mut inner = self.shared.lock();
        let passed_over = inner.consumer.resume(topic, partitions);
        inner.write_cells();
        let wake = inner.must_wake();
        drop(inner);
        if passed_over {
            self.shared.driver.notify_one();
        }
        if wake {
            self.shared.host.wake();
        }
    }

    /// See [`Consumer::paused`].
    pub fn paused(&self) -> Vec<TopicPartition> {
        self.shared.lock().consumer.paused()
    }

    /// See [`Consumer::uncommitted`].
    pub fn uncommitted(&self) -> Vec<(SlotId, i64)> {
        let mut inner = self.shared.lock();
        inner.read_cells(clock::now());
        inner.consumer.uncommitted()
    }

    /// See [`Consumer::commit`].
    ///
    /// # Errors
    /// Of this and the next two: nobody will call `done`, the consumer does not run.
    pub fn commit(
        &self,
        offsets: Option<Vec<(TopicPartition, i64, Option<String>)>>,
        done: Waiter,
    ) -> Result<(), Failure> {
        self.with_ticket(done, |consumer, _, ticket| consumer.commit(ticket, offsets))
    }

    /// May [`ConsumerHandle::commit_if_necessary`] have something to do? Else the cells say what has to happen before.
    pub fn is_commit_necessary(&self) -> bool {
        let mut inner = self.shared.lock();
        let now = clock::now();
        inner.read_cells(now);
        let Necessity::Later { wait, offsets } = inner.consumer.commit_necessity(now) else { return true };
        if let Some(cells) = &mut inner.cells {
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
    pub fn commit_if_necessary(&self, done: Waiter) -> Result<(), Failure> {
        self.with_ticket(done, |consumer, now, ticket| consumer.commit_if_necessary(now, ticket))
    }

    /// See [`Consumer::heartbeat`].
    ///
    /// # Errors
    /// See [`ConsumerHandle::commit`].
    pub fn heartbeat(&self, done: Waiter) -> Result<(), Failure> {
        self.with_ticket(done, |consumer, now, ticket| consumer.heartbeat(now, ticket))
    }

    /// See [`Consumer::stop`].
    pub fn stop(&self, done: impl FnOnce(Result<(), Failure>) + Send + 'static) {
        let mut inner = self.shared.lock();
        if !inner.is_running() {
            // A start that comes after this starts nothing.
            inner.stopped = true;
            drop(inner);
            done(Ok(()));
            return;
        }
        inner.stop_waiters.push(Box::new(done));
        inner.read_cells(clock::now());
        inner.consumer.stop(clock::now());
        inner.write_cells();
        drop(inner);
        self.shared.driver.notify_one();
    }

    /// Panics under the lock.
    #[cfg(test)]
    pub(super) fn break_down(&self) {
        let _inner = self.shared.lock();
        panic!("a test's panic");
    }

    /// The Node environment goes away. Blocks until its memory is safe.
    pub fn close(&self) {
        self.shared.close();
    }

    /// A command: with what the handlers have done so far, and its effect visible to them at once.
    fn with(&self, command: impl FnOnce(&mut Inner, Instant)) {
        let mut inner = self.shared.lock();
        let now = clock::now();
        inner.read_cells(now);
        command(&mut inner, now);
        inner.write_cells();
        let wake = inner.must_wake();
        drop(inner);
        self.shared.driver.notify_one();
        if wake {
            self.shared.host.wake();
        }
    }

    fn with_ticket(
        &self,
        done: Waiter,
        command: impl FnOnce(&mut Consumer, Instant, u64),
    ) -> Result<(), Failure> {
        let mut inner = self.shared.lock();
        if !inner.is_running() {
            return Err(Failure::Stopped);
        }
        let now = clock::now();
        inner.read_cells(now);
        let ticket = inner.next_ticket;
        inner.next_ticket += 1;
        inner.waiters.insert(ticket, done);
        command(&mut inner.consumer, now, ticket);
        drop(inner);
        self.shared.driver.notify_one();
        Ok(())
    }

    /// A panic of ours must end the consumer with a word, not leave it standing still.
    pub(super) fn supervise(&self, task: impl Future<Output = ()> + Send + 'static) {
        let shared = self.shared.clone();
        let supervised = executor::spawn(async move {
            if let Err(error) = tokio::spawn(task).await
                && error.is_panic()
            {
                let payload = error.into_panic();
                let text = payload.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
                shared.bug(text.unwrap_or("unknown"));
            }
        });
        if let Err(error) = supervised {
            self.shared.give_up(|host| host.event(Event::Crashed(Failure::Net(error))));
        }
    }
}
