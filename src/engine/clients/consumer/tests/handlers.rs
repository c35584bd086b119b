//! The handlers: each has a lane, takes its time for a message, and may fail or hang.

use std::time::{Duration, Instant};

use crate::engine::clients::consumer::GroupProtocol;
use crate::engine::delivery::Buffer;
use crate::engine::delivery::LANE_STOP;
use crate::engine::delivery::Outcome;
use crate::engine::testing::broker::VALUE;
use crate::engine::testing::encode::decode;

use super::cluster::EAGER;
use super::world::{SESSION, World, tp};

/// A handler at work on one message.
pub(super) struct Lane {
    pub(super) partition: i32,
    /// Of which log these are, see [`Log::made`](crate::engine::testing::broker::Log::made).
    made: u8,
    stamp: u32,
    base: i64,
    next: i64,
    offsets: Vec<i64>,
    at: usize,
    /// When it is through with the current message; None = never.
    pub(super) until: Option<Instant>,
}

/// How long a handler of [`at_work`] has a message.
pub(super) const MESSAGE: Duration = Duration::from_millis(300);

/// Two handlers in the middle of a message of partitions 0 and 1, with more behind it.
pub(super) fn at_work(mut world: World) -> World {
    world.handler = Some(MESSAGE);
    world.append(0, 40);
    world.append(1, 40);
    world.run(Duration::from_secs(1));
    assert_eq!(world.lanes.iter().flatten().count(), 2);
    world
}

/// What the lane is told that is at work in this partition.
pub(super) fn flags(world: &World, partition: i32) -> i32 {
    let lane = world.lanes.iter().position(|lane| lane.as_ref().is_some_and(|l| l.partition == partition));
    world.consumer.lane_flags().nth(lane.expect("a handler is at work")).unwrap()
}

/// What handlers have had of this partition.
pub(super) fn delivered(world: &World, partition: i32) -> Vec<i64> {
    let of = world.delivered.iter().filter(|(other, _)| *other == partition);
    of.map(|(_, offset)| *offset).collect()
}

impl World {
    /// The handler in this lane is through with its message.
    pub(super) fn work(&mut self, index: usize) {
        let Some(lane) = &mut self.lanes[index] else { return };
        if lane.until.is_none_or(|until| until > self.now) {
            return;
        }
        if self.failures > 0 && self.rng.u32(0..self.failures) == 0 {
            let is_current = lane.made == self.cluster.logs[&lane.partition].made;
            if let Some(offset) = lane.offsets.get(lane.at).filter(|_| is_current) {
                self.ledger.failed(lane.partition, lane.stamp, *offset);
            }
            self.lanes[index] = None;
            let wait = Duration::from_millis(self.rng.u64(0..200));
            self.consumer.finish(self.now, index, Outcome::Again(wait));
            return;
        }
        let next = lane.offsets.get(lane.at).map_or(lane.next, |offset| offset + 1);
        if lane.made == self.cluster.logs[&lane.partition].made {
            let handled = self.handled.entry(lane.partition).or_default();
            *handled = (*handled).max(next);
        }
        lane.at += 1;
        let is_last = lane.at >= lane.offsets.len();
        let resolved = if is_last { lane.next } else { next };
        self.consumer.progress(self.now, index, i32::try_from(resolved - lane.base).unwrap());
        // As a lane does when it has been away.
        self.consumer.check_session(self.now);
        let flags = self.consumer.lane_flags().nth(index).unwrap();
        if is_last || flags & LANE_STOP != 0 {
            let lane = self.lanes[index].take().unwrap();
            let outcome = if is_last { Outcome::Done } else { Outcome::Stopped };
            if let Some(number) = self.consumer.finish(self.now, index, outcome) {
                self.kept.insert(number, lane);
            }
        } else {
            lane.until = self.handler.map(|time| self.now + time);
            self.deliver(index);
        }
    }

    /// The current message of this lane reaches its handler.
    fn deliver(&mut self, index: usize) {
        let Some(lane) = &self.lanes[index] else { return };
        let Some(&offset) = lane.offsets.get(lane.at) else { return };
        let session = self.renewed.map(|renewed| self.now - renewed);
        // Nobody takes away what the user has assigned.
        let is_safe = self.consumer.config.group_protocol == GroupProtocol::Manual
            || session.is_some_and(|session| session < SESSION);
        assert!(is_safe, "a message after the session: {session:?}");
        let Lane { partition, made, .. } = *lane;
        self.listener.may_handle(partition);
        assert!(!self.consumer.paused().contains(&tp(partition)), "{partition} is paused");
        self.delivered.push((partition, offset));
        let handled = self.handled.get(&partition).copied().unwrap_or(0);
        let holes = self.holes.contains(&partition) || self.ledger.is_kept;
        assert!(holes || offset <= handled, "{partition}: {offset} after {handled}");
        self.write_down(partition, made, offset);
    }

    pub(super) fn take(&mut self, index: usize) -> bool {
        let Some(delivery) = self.consumer.take(self.now, index) else { return false };
        let is_eager = self.cluster.protocol == EAGER;
        assert!(!(self.joining && is_eager), "a delivery between revocation and assignment");
        assert_eq!(self.stopped, 0);
        let partition = self.consumer.slot(delivery.slot).unwrap().partition;
        assert!(self.consumer.assignment().contains(&tp(partition)));
        let mut others = self.lanes.iter().flatten();
        assert!(others.all(|lane| lane.partition != partition), "a partition in two lanes");
        let bytes = match delivery.buffer {
            Buffer::Slab(slab) => {
                self.consumer.give(slab);
                self.memory.get(&slab).unwrap().clone()
            }
            Buffer::Staged(bytes) => bytes,
            Buffer::Kept { number, .. } => {
                let mut lane = self.kept.remove(&number).expect("what is kept");
                lane.until = self.handler.map(|time| self.now + time);
                self.lanes[index] = Some(lane);
                self.deliver(index);
                return true;
            }
        };
        let decoded = decode(&bytes);
        let first = decoded.messages.iter().find_map(|message| message.value.as_ref()?.first());
        self.lanes[index] = Some(Lane {
            partition,
            made: first.map_or(self.cluster.logs[&partition].made, |value| value - VALUE),
            stamp: self.ledger.stamp(partition),
            base: delivery.summary.base_offset,
            next: delivery.summary.next_offset,
            offsets: decoded.messages.iter().map(|message| message.offset).collect(),
            at: 0,
            until: self.handler.map(|time| self.now + time),
        });
        self.deliver(index);
        true
    }

    /// Handlers that hang go on.
    pub(super) fn release(&mut self) {
        self.handler = Some(Duration::from_millis(1));
        for lane in self.lanes.iter_mut().flatten() {
            lane.until = Some(self.now);
        }
        self.happen();
    }
}
