//! The user's rebalance hooks, and the ledger of their calls.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::engine::clients::consumer::ConsumerConfig;
use crate::engine::clients::consumer::Hook;
use crate::engine::clients::consumer::HooksGiven;
use crate::engine::machine::TopicPartition;

use super::world::*;

/// A hook at work.
struct Call {
    job: u64,
    hook: Hook,
    partitions: BTreeSet<i32>,
    /// None = never.
    until: Option<Instant>,
}

pub(super) struct Listener {
    pub(super) given: HooksGiven,
    /// How long each hook takes; none = for ever.
    pub(super) takes: [Option<Duration>; 3],
    /// This hook throws.
    pub(super) throws: Option<Hook>,
    /// Where Assigned seeks to, by partition.
    pub(super) seeks: BTreeMap<i32, i64>,
    /// Revoked commits these: partition → ticket and offset.
    pub(super) commits: BTreeMap<i32, (u64, i64)>,
    /// All calls: what, of which, and how many messages had been delivered.
    pub(super) calls: Vec<(Hook, Vec<i32>, usize)>,
    running: Option<Call>,
    /// What we were told to have, and nothing since.
    ours: BTreeSet<i32>,
}

impl Default for Listener {
    fn default() -> Listener {
        Listener {
            given: HooksGiven::default(),
            takes: [Some(Duration::ZERO); 3],
            throws: None,
            seeks: BTreeMap::new(),
            commits: BTreeMap::new(),
            calls: Vec::new(),
            running: None,
            ours: BTreeSet::new(),
        }
    }
}

pub(super) const ALL: HooksGiven = HooksGiven { assigned: true, revoked: true, lost: true };

impl Listener {
    pub(super) fn ends_at(&self) -> Option<Instant> {
        self.running.as_ref()?.until
    }

    pub(super) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// A message is handed out only behind the end of Assigned, and before Revoked.
    pub(super) fn may_handle(&self, partition: i32) {
        if !self.given.assigned {
            return;
        }
        assert!(self.ours.contains(&partition), "a message of {partition}: {:?}", self.calls);
        let running = self.running.as_ref().filter(|call| call.partitions.contains(&partition));
        assert!(running.is_none(), "a message of {partition} beside its hook: {:?}", self.calls);
    }

    /// The calls without what had been delivered.
    pub(super) fn story(&self) -> Vec<(Hook, Vec<i32>)> {
        self.calls.iter().map(|(hook, partitions, _)| (*hook, partitions.clone())).collect()
    }
}

impl World {
    pub(super) fn with_hooks(config: ConsumerConfig, given: HooksGiven, seed: u64) -> World {
        let mut world = World::with(ConsumerConfig { hooks: given, ..config }, seed);
        world.listener.given = given;
        world
    }

    /// As [`World::running`], with all hooks.
    pub(super) fn listening() -> World {
        let mut world = World::with_hooks(config(), ALL, 7);
        world.append_all(10);
        world.start();
        world.run(Duration::from_secs(2));
        world.assert_all_committed();
        world
    }

    pub(super) fn hook_needed(&mut self, job: u64, hook: Hook, partitions: &[TopicPartition]) {
        let now = self.now;
        let delivered = self.delivered.len();
        let numbers: BTreeSet<i32> = partitions.iter().map(|partition| partition.partition).collect();
        let listener = &mut self.listener;
        assert!(listener.running.is_none(), "two hooks at once: {:?}, {hook:?}", listener.calls);
        assert!(!numbers.is_empty());
        for number in &numbers {
            let is_news = match hook {
                Hook::Assigned => listener.ours.insert(*number),
                Hook::Revoked | Hook::Lost => listener.ours.remove(number),
            };
            let knows = listener.given == ALL;
            assert!(is_news || !knows, "{hook:?} of {number} twice: {:?}", listener.calls);
        }
        listener.calls.push((hook, numbers.iter().copied().collect(), delivered));
        let takes = listener.takes[hook as usize];
        let until = takes.map(|takes| now + takes);
        listener.running = Some(Call { job, hook, partitions: numbers.clone(), until });
        if hook == Hook::Revoked && listener.given.assigned {
            let busy = self.lanes.iter().flatten().find(|lane| numbers.contains(&lane.partition));
            assert!(busy.is_none_or(|lane| lane.until.is_none()), "a handler at work beside Revoked");
        }
        for number in numbers {
            if hook == Hook::Assigned
                && let Some(offset) = self.listener.seeks.get(&number)
            {
                self.consumer.seek(tp(number), *offset);
            }
            if hook == Hook::Revoked
                && let Some((ticket, offset)) = self.listener.commits.get(&number).copied()
            {
                self.explicit(number, offset);
                self.consumer.commit(ticket, Some(vec![(tp(number), offset, None)]));
            }
        }
        if takes == Some(Duration::ZERO) {
            self.end_hook();
        }
    }

    /// The hook that would never end does.
    pub(super) fn finish_hook(&mut self) {
        if let Some(call) = &mut self.listener.running {
            call.until = Some(self.now);
        }
        self.happen();
    }

    /// The hook ends, if it is time.
    pub(super) fn end_hook(&mut self) {
        let now = self.now;
        let is_due = |call: &mut Call| call.until.is_some_and(|until| until <= now);
        let Some(call) = self.listener.running.take_if(is_due) else { return };
        let throws = self.listener.throws == Some(call.hook);
        let result = if throws { Err("thrown".to_owned()) } else { Ok(()) };
        self.consumer.hook_done(now, call.job, result);
    }
}
