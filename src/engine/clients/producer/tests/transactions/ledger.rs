//! Programs that do anything, a cluster that fails anyhow, and a ledger of what was told: what counts in the end is what was told to count.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::engine::clients::producer::{Producer, Trouble};
use crate::engine::testing::soak::cases;

use super::program::offsets;
use super::world::World;
use super::{MS, PARTITIONS, SECOND};

/// Storms; `SEEDS` in the environment asks for more.
const CASES: u32 = 400;
/// Within which a call is answered, and a send: their patience, and a look at the clock.
const CALL: Duration = Duration::from_secs(61);
const SEND: Duration = Duration::from_secs(125);
/// After which the coordinator aborts a transaction.
const TRANSACTION: Duration = Duration::from_secs(20);

/// What a program was told of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// It is not ended, was aborted, or is about to be.
    Nothing,
    Committed,
    /// All of it may count, or nothing.
    InDoubt,
}

#[derive(Debug)]
struct Entry {
    told: Told,
    /// Only an abort is left.
    is_refused: bool,
    /// By ticket.
    sends: BTreeMap<u64, Vec<u64>>,
    offsets: BTreeMap<u64, i64>,
}

/// What a program is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Idle,
    Beginning(u64),
    Open,
    /// By a commit?
    Ending(u64, bool),
    /// Nothing is asked any more.
    Dead,
}

struct User {
    stage: Stage,
    /// The transactions that it has begun.
    entries: Vec<Entry>,
    /// When it has asked for what is not answered.
    asked: BTreeMap<u64, (Duration, Duration)>,
    /// Calls that have no place.
    misplaced: BTreeSet<u64>,
}

struct Ledger {
    world: World,
    users: Vec<User>,
    next_value: u64,
    next_offset: i64,
}

impl Ledger {
    fn new(is_v2: bool, seed: u64) -> Ledger {
        let mut world = World::new(is_v2, seed);
        world.model.transaction_timeout = TRANSACTION;
        world.model.largest = [1, 2, usize::MAX][world.rng.usize(0..3)];
        let mut ledger = Ledger { world, users: Vec::new(), next_value: 0, next_offset: 0 };
        ledger.join();
        ledger
    }

    fn join(&mut self) {
        if !self.users.is_empty() {
            self.world.begin_program();
        }
        let (entries, asked, misplaced) = (Vec::new(), BTreeMap::new(), BTreeSet::new());
        self.users.push(User { stage: Stage::Idle, entries, asked, misplaced });
    }

    /// A call of this program.
    fn call(&mut self, of: usize, call: impl FnOnce(&mut Producer, Instant, u64)) -> u64 {
        let at = self.world.at();
        let program = &mut self.world.programs[of];
        let ticket = program.ticket();
        call(&mut program.producer, at, ticket);
        self.users[of].asked.insert(ticket, (self.world.now, CALL));
        ticket
    }

    /// It ends, whatever it is about.
    fn leave(&mut self, of: usize) {
        let at = self.world.at();
        let user = &mut self.users[of];
        if let Stage::Ending(_, true) = user.stage {
            user.entries.last_mut().unwrap().told = Told::InDoubt;
        }
        user.stage = Stage::Dead;
        user.asked.clear();
        let within = MS * self.world.rng.u32(0..3000);
        self.world.programs[of].producer.close(at, within);
        self.world.turn();
        self.run_for(within + MS);
        let program = &self.world.programs[of];
        assert!(program.is_closed, "it does not end");
        assert_eq!(program.producer.memory(), 0, "its sends are answered");
    }

    /// What a program does next, whatever it has heard.
    fn act(&mut self, of: usize) {
        match self.users[of].stage {
            Stage::Idle => {
                // As the member that it is now.
                self.world.programs[of].group.generation_id = self.world.model.generation;
                let ticket = self.call(of, Producer::begin_transaction);
                self.users[of].stage = Stage::Beginning(ticket);
            }
            Stage::Open => match self.world.rng.u32(0..12) {
                0..5 => self.send(of),
                5..7 => self.send_offsets(of),
                7..9 => self.end(of, true),
                9 => self.end(of, false),
                10 => self.misplace(of, Producer::begin_transaction),
                _ => {}
            },
            Stage::Ending(..) if self.world.rng.u32(0..4) == 0 => {
                let calls =
                    [Producer::begin_transaction, Producer::commit_transaction, Producer::abort_transaction];
                let call = calls[self.world.rng.usize(0..3)];
                self.misplace(of, call);
            }
            Stage::Beginning(_) | Stage::Ending(..) | Stage::Dead => {}
        }
        self.world.turn();
    }

    fn misplace(&mut self, of: usize, call: fn(&mut Producer, Instant, u64)) {
        // As the facade does, until it has heard.
        self.hear(of);
        if matches!(self.users[of].stage, Stage::Open | Stage::Ending(..)) {
            let ticket = self.call(of, call);
            self.users[of].misplaced.insert(ticket);
        }
    }

    fn send(&mut self, of: usize) {
        let end = self.next_value + self.world.rng.u64(1..5);
        let values: Vec<u64> = (self.next_value..end).collect();
        self.next_value = end;
        let at = self.world.at();
        let ticket = self.world.programs[of].send(at, &values);
        let user = &mut self.users[of];
        user.asked.insert(ticket, (self.world.now, SEND));
        user.entries.last_mut().unwrap().sends.insert(ticket, values);
    }

    fn send_offsets(&mut self, of: usize) {
        self.next_offset += 1;
        let group = self.world.programs[of].group.clone();
        let offsets = offsets(group, self.next_offset);
        let ticket = self.call(of, |producer, now, ticket| producer.send_offsets(now, ticket, offsets));
        self.users[of].entries.last_mut().unwrap().offsets.insert(ticket, self.next_offset);
    }

    fn end(&mut self, of: usize, commits: bool) {
        let end = if commits { Producer::commit_transaction } else { Producer::abort_transaction };
        let ticket = self.call(of, end);
        self.users[of].stage = Stage::Ending(ticket, commits);
    }

    /// What a program has been answered.
    fn hear(&mut self, of: usize) {
        let now = self.world.now;
        let is_replaced = self.users.len() > 1;
        let program = &self.world.programs[of];
        let user = &mut self.users[of];
        user.asked.retain(|ticket, (since, within)| {
            let is_answered = program.answers.contains_key(ticket) || program.sent.contains_key(ticket);
            assert!(
                is_answered || now <= *since + *within,
                "call {ticket} is not answered after {:?}",
                now - *since
            );
            !is_answered
        });
        user.misplaced.retain(|ticket| match program.answers.get(ticket) {
            None => true,
            // Who is fenced, or was doomed by then, may hear of that.
            Some(answer) => {
                assert!(answer.is_err(), "{ticket} has no place");
                false
            }
        });
        let answer = match user.stage {
            Stage::Beginning(ticket) | Stage::Ending(ticket, _) => program.answers.get(&ticket).cloned(),
            _ => None,
        };
        let Some(answer) = answer else { return };
        let told = |user: &mut User, told| user.entries.last_mut().unwrap().told = told;
        user.stage = match (user.stage, answer) {
            (Stage::Beginning(_), Ok(())) => {
                let (sends, offsets) = (BTreeMap::new(), BTreeMap::new());
                user.entries.push(Entry { told: Told::Nothing, is_refused: false, sends, offsets });
                Stage::Open
            }
            (Stage::Ending(_, true), Ok(())) => {
                told(user, Told::Committed);
                Stage::Idle
            }
            (Stage::Ending(_, false), Ok(())) => Stage::Idle,
            (Stage::Ending(_, true), Err(Trouble::Doomed(_))) => {
                user.entries.last_mut().unwrap().is_refused = true;
                Stage::Open
            }
            (Stage::Ending(_, true), Err(Trouble::Unanswered(_))) => {
                told(user, Told::InDoubt);
                Stage::Idle
            }
            (_, Err(Trouble::Unanswered(_))) => Stage::Idle,
            (stage, Err(Trouble::Fatal(reason))) => {
                if let Stage::Ending(_, true) = stage {
                    told(user, Told::InDoubt);
                }
                let is_fenced = !self.world.model.is_v2 && self.world.model.fences > 0;
                assert!(is_replaced || is_fenced, "fatal without a cause: {reason:?}");
                Stage::Dead
            }
            (stage, answer) => panic!("{stage:?} was answered {answer:?}"),
        };
    }

    fn run_for(&mut self, time: Duration) {
        self.world.run_for(time);
        (0..self.users.len()).for_each(|of| self.hear(of));
    }

    /// Goes on until the last program, or a successor, has committed another transaction; returns when nothing is under way.
    fn calm_down(&mut self) {
        self.world.faults = 0;
        let last = self.next_value;
        for _ in 0..4000 {
            let of = self.users.len() - 1;
            match self.users[of].stage {
                Stage::Dead => self.join(),
                Stage::Open => {
                    let entry = self.users[of].entries.last().unwrap();
                    match entry.sends.len() {
                        _ if entry.is_refused => self.end(of, false),
                        0 => self.send(of),
                        _ => self.end(of, true),
                    }
                    self.world.turn();
                }
                Stage::Idle if self.is_committed(of, last) => break,
                _ => self.act(of),
            }
            self.run_for(50 * MS);
        }
        let of = self.users.len() - 1;
        assert!(self.is_committed(of, last), "no transaction comes about: {:?}", self.users[of].stage);
        // Whatever is late has arrived, and whatever was given up is over.
        self.run_for(130 * SECOND);
    }

    /// Has the program committed a value from `first` on?
    fn is_committed(&self, of: usize, first: u64) -> bool {
        self.users[of].entries.iter().any(|entry| {
            entry.told == Told::Committed && entry.sends.values().flatten().any(|value| *value >= first)
        })
    }

    fn judge(&self) {
        let model = &self.world.model;
        assert!(!model.is_open(), "readers wait");
        for program in &self.world.programs {
            assert_eq!(program.producer.memory(), 0, "memory");
            assert!(program.producer.is_idle());
        }
        let mut times: BTreeMap<u64, usize> = BTreeMap::new();
        for partition in 0..PARTITIONS {
            let log = model.committed(partition);
            assert!(log.is_sorted(), "partition {partition}: {log:?}");
            log.into_iter().for_each(|value| *times.entry(value).or_default() += 1);
        }
        for (user, program) in self.users.iter().zip(&self.world.programs) {
            for entry in &user.entries {
                let values = entry.sends.values().flatten();
                let counts = values.map(|value| times.get(value).copied().unwrap_or(0));
                let offset = entry.offsets.values().last().map(|offset| model.history.contains(offset));
                let all: BTreeSet<usize> = counts.chain(offset.map(usize::from)).collect();
                let is_true = match entry.told {
                    Told::Nothing => all.iter().all(|times| *times == 0),
                    Told::Committed => all.iter().all(|times| *times == 1),
                    Told::InDoubt => all.len() < 2 && all.iter().all(|times| *times < 2),
                };
                assert!(is_true, "{entry:?}: {all:?} times");
                let are_sent = || entry.sends.keys().all(|ticket| program.sent[ticket]);
                assert!(entry.told != Told::Committed || are_sent(), "{entry:?}");
            }
        }
    }
}

fn storm(is_v2: bool, seed: u64) {
    let mut ledger = Ledger::new(is_v2, seed);
    for _ in 0..80 {
        if ledger.world.rng.u32(0..12) == 0 {
            match ledger.world.rng.u32(0..8) {
                // Another one with its name, while it goes on; or nobody, for longer than anybody waits.
                0 => ledger.join(),
                1 => {
                    ledger.world.faults = 1;
                    ledger.run_for(65 * SECOND);
                    ledger.world.faults = 0;
                }
                2 => ledger.run_for(TRANSACTION + SECOND),
                3 => ledger.world.model.generation += 1,
                4 => {
                    ledger.leave(ledger.users.len() - 1);
                    ledger.join();
                }
                _ => ledger.world.disturb(),
            }
        }
        for of in 0..ledger.users.len() {
            ledger.act(of);
        }
        let time = MS * ledger.world.rng.u32(1..100);
        ledger.run_for(time);
    }
    ledger.calm_down();
    ledger.judge();
}

#[test]
fn what_was_told_to_count_counts_and_nothing_else() {
    let seeds =
        std::env::var("SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(u64::from(cases(CASES)));
    for seed in 0..seeds {
        let run = std::panic::AssertUnwindSafe(|| storm(seed % 2 == 1, seed));
        if let Err(panic) = std::panic::catch_unwind(run) {
            eprintln!("seed {seed}");
            std::panic::resume_unwind(panic);
        }
    }
}
