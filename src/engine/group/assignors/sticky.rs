//! `sticky`: as balanced as subscriptions allow, and everybody keeps what it may keep.
//!
//! ```text
//!  keep what you have ──► give away what nobody has ──► level ──► send home ──► nearer
//!                          to the least loaded           until nobody has two      into the racks of
//!                          (first within its rack)       more than needs be        those who read it
//! ```
//!
//! *Level* is where the balance comes from. A partition of A's may go to B, and one of B's to C, where A has two more than C
//! and nothing that C subscribes to: so the shortest chain of such moves is looked for. When the fullest member has none, it
//! and all that can be reached from it are as level as they can be, for good: nobody else that is no fuller can improve on them. Each
//! chain lowers the sum of the squares of loads, so there is an end, whatever the members subscribe to.
//!
//! Members by load are kept per *audience*, the topics with the same subscribers, as these are alike for all of this: with
//! equal subscriptions there is one.

use std::collections::{BTreeMap, BTreeSet};

use super::claims::Claims;
use super::input::{Input, Owners};

/// `may_move_for_racks`: may a member lose a partition only because it can be read in the rack of another?
pub(super) fn assign(input: &Input, claims: &Claims, may_move_for_racks: bool) -> Owners {
    let mut shares = Shares::new(input, claims);
    shares.keep();
    shares.fill();
    shares.level(Movable::Guests);
    shares.level(Movable::All);
    shares.send_home();
    if shares.rack_aware {
        shares.nearer(if may_move_for_racks { Movable::All } else { Movable::Guests });
    }
    shares.owners
}

/// What a step may move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Movable {
    /// Partitions that are not where they were before.
    Guests,
    /// All partitions.
    All,
}

/// See [`self`].
struct Audience {
    members: Vec<usize>,
    /// Load and number of each member.
    by_load: BTreeSet<(usize, usize)>,
}

struct Shares<'a> {
    input: &'a Input<'a>,
    rack_aware: bool,
    audiences: Vec<Audience>,
    /// The audience of each topic.
    audience_of: Vec<usize>,
    /// The audiences that each member is in.
    audiences_of: Vec<Vec<usize>>,
    /// Who has each partition now.
    owners: Owners,
    /// Who had it before and may have it again.
    homes: Owners,
    loads: Vec<usize>,
    /// What each member has, by audience.
    held: Vec<BTreeMap<usize, Held>>,
}

/// What a member has of an audience's topics; never nothing at all.
#[derive(Debug, Clone, Default)]
struct Held {
    /// What was its own before.
    own: BTreeSet<usize>,
    /// What was not.
    guests: BTreeSet<usize>,
}

impl Held {
    fn has(&self, movable: Movable) -> bool {
        movable == Movable::All || !self.guests.is_empty()
    }

    fn movable(&self, movable: Movable) -> impl Iterator<Item = usize> {
        let own = (movable == Movable::All).then_some(&self.own);
        self.guests.iter().chain(own.into_iter().flatten()).copied()
    }
}

/// A partition of this audience goes from one member to another.
#[derive(Clone, Copy)]
struct Step {
    from: usize,
    audience: usize,
    to: usize,
}

impl<'a> Shares<'a> {
    fn new(input: &'a Input<'a>, claims: &Claims) -> Shares<'a> {
        let members = input.members.len();
        let mut known: BTreeMap<&[usize], usize> = BTreeMap::new();
        let mut audiences = Vec::new();
        let mut audiences_of = vec![Vec::new(); members];
        let mut audience = |subscribers: &'a Vec<usize>| {
            *known.entry(subscribers).or_insert_with(|| {
                let number = audiences.len();
                subscribers.iter().for_each(|&member| audiences_of[member].push(number));
                let by_load = subscribers.iter().map(|&member| (0, member)).collect();
                audiences.push(Audience { members: subscribers.clone(), by_load });
                number
            })
        };
        let audience_of = input.topics.iter().map(|topic| audience(&topic.subscribers)).collect();
        let home = |(partition, owner): (usize, &Option<usize>)| {
            owner.filter(|&owner| input.may_have(owner, partition))
        };
        Shares {
            input,
            rack_aware: input.racks_matter(0..members, 0..input.partitions.len()),
            audiences,
            audience_of,
            audiences_of,
            owners: vec![None; input.partitions.len()],
            homes: claims.owners.iter().enumerate().map(home).collect(),
            loads: vec![0; members],
            held: vec![BTreeMap::new(); members],
        }
    }

    fn audience(&self, partition: usize) -> usize {
        self.audience_of[self.input.partitions[partition].topic]
    }

    fn fits(&self, member: usize, partition: usize) -> bool {
        !self.rack_aware || self.input.racks_match(member, partition)
    }

    fn set_load(&mut self, member: usize, load: usize) {
        for &audience in &self.audiences_of[member] {
            let by_load = &mut self.audiences[audience].by_load;
            by_load.remove(&(self.loads[member], member));
            by_load.insert((load, member));
        }
        self.loads[member] = load;
    }

    fn give(&mut self, partition: usize, member: usize) {
        let audience = self.audience(partition);
        let held = self.held[member].entry(audience).or_default();
        let is_own = self.homes[partition] == Some(member);
        let _ = if is_own { held.own.insert(partition) } else { held.guests.insert(partition) };
        self.owners[partition] = Some(member);
        self.set_load(member, self.loads[member] + 1);
    }

    fn take(&mut self, partition: usize) {
        let audience = self.audience(partition);
        let Some(member) = self.owners[partition].take() else { return };
        if let Some(held) = self.held[member].get_mut(&audience) {
            let _ = held.own.remove(&partition) || held.guests.remove(&partition);
            if held.own.is_empty() && held.guests.is_empty() {
                self.held[member].remove(&audience);
            }
        }
        self.set_load(member, self.loads[member].saturating_sub(1));
    }

    fn keep(&mut self) {
        for partition in 0..self.owners.len() {
            if let Some(home) = self.homes[partition] {
                self.give(partition, home);
            }
        }
    }

    /// What nobody has goes to the least loaded, first what only few may have. Racks come first.
    fn fill(&mut self) {
        let mut left: Vec<usize> =
            (0..self.owners.len()).filter(|&partition| self.owners[partition].is_none()).collect();
        left.sort_by_key(|&partition| self.audiences[self.audience(partition)].members.len());
        if self.rack_aware {
            left.retain(|&partition| {
                let mut by_load = self.audiences[self.audience(partition)].by_load.iter();
                let fitting = by_load.find(|(_, member)| self.fits(*member, partition)).copied();
                fitting.into_iter().for_each(|(_, member)| self.give(partition, member));
                fitting.is_none()
            });
        }
        for partition in left {
            let least = self.audiences[self.audience(partition)].by_load.first().copied();
            least.into_iter().for_each(|(_, member)| self.give(partition, member));
        }
    }

    /// First what nobody will miss: if there is a balance without taking anything from anybody, that is the one.
    fn level(&mut self, movable: Movable) {
        let mut open: BTreeSet<(usize, usize)> =
            self.loads.iter().enumerate().map(|(member, load)| (*load, member)).collect();
        while let Some(&(load, _)) = open.last() {
            let fullest: Vec<usize> = open.range((load, 0)..).map(|(_, member)| *member).collect();
            match self.chain(&fullest, load, movable) {
                Ok(chain) => {
                    for &step in &chain {
                        self.follow(step);
                    }
                    let (Some(first), Some(last)) = (chain.first(), chain.last()) else { return };
                    open.remove(&(load, first.from));
                    open.insert((self.loads[first.from], first.from));
                    if open.remove(&(self.loads[last.to] - 1, last.to)) {
                        open.insert((self.loads[last.to], last.to));
                    }
                }
                Err(reached) => reached.into_iter().for_each(|member| {
                    open.remove(&(self.loads[member], member));
                }),
            }
        }
    }

    /// The shortest chain of moves from one of the `fullest` to a member that has at least two less than their `most`, to the
    /// least loaded where there are several; or all that can be reached from them.
    fn chain(&self, fullest: &[usize], most: usize, movable: Movable) -> Result<Vec<Step>, Vec<usize>> {
        let mut came_by: BTreeMap<usize, Option<Step>> =
            fullest.iter().map(|&member| (member, None)).collect();
        let mut asked = vec![false; self.audiences.len()];
        let mut last = fullest.to_vec();
        while !last.is_empty() {
            let mut further = Vec::new();
            for &from in &last {
                let held = self.held[from].iter().filter(|(_, held)| held.has(movable));
                let new = held.filter(|(audience, _)| !std::mem::replace(&mut asked[**audience], true));
                further.extend(new.map(|(audience, _)| (from, *audience)));
            }
            let first = |&(from, audience): &(usize, usize)| {
                let &(load, to) = self.audiences[audience].by_load.first()?;
                (load + 2 <= most).then_some((load, Step { from, audience, to }))
            };
            let best = further.iter().filter_map(first).min_by_key(|(load, _)| *load);
            if let Some((_, step)) = best {
                let back = |step: &Step| came_by.get(&step.from).copied().flatten();
                let mut chain: Vec<Step> = std::iter::successors(Some(step), back).collect();
                chain.reverse();
                return Ok(chain);
            }
            last.clear();
            for (from, audience) in further {
                for &to in &self.audiences[audience].members {
                    came_by.entry(to).or_insert_with(|| {
                        last.push(to);
                        Some(Step { from, audience, to })
                    });
                }
            }
        }
        Err(came_by.into_keys().collect())
    }

    /// Moves the partition whose move is the least to be regretted.
    fn follow(&mut self, Step { from, audience, to }: Step) {
        let Some(held) = self.held[from].get(&audience) else { return };
        let regret = |&partition: &usize| {
            let racks = match (self.fits(from, partition), self.fits(to, partition)) {
                (true, false) => 2,
                (false, true) => 0,
                _ => 1,
            };
            (self.homes[partition] != Some(to), racks, std::cmp::Reverse(partition))
        };
        let own = || {
            if self.rack_aware {
                held.own.iter().copied().min_by_key(regret)
            } else {
                held.own.last().copied()
            }
        };
        if let Some(partition) = held.guests.iter().copied().min_by_key(regret).or_else(own) {
            self.take(partition);
            self.give(partition, to);
        }
    }

    /// Detours may have moved what need not have moved: it goes back where that leaves all loads as they are, or two members
    /// swap.
    fn send_home(&mut self) {
        for partition in 0..self.owners.len() {
            let (Some(owner), Some(home)) = (self.owners[partition], self.homes[partition]) else { continue };
            if owner == home || (self.fits(owner, partition) && !self.fits(home, partition)) {
                continue;
            }
            if self.loads[home] < self.loads[owner] {
                self.take(partition);
                self.give(partition, home);
            } else if let Some(guest) = self.guest(home, owner) {
                self.take(partition);
                self.take(guest);
                self.give(partition, home);
                self.give(guest, owner);
            }
        }
    }

    /// A partition that `host` has, that was not its own and that `other` may have instead.
    fn guest(&self, host: usize, other: usize) -> Option<usize> {
        let is_no_loss = |guest: &usize| self.fits(other, *guest) >= self.fits(host, *guest);
        self.shared(host, other, Movable::Guests).find(is_no_loss)
    }

    /// What `member` has and `other` may have.
    fn shared(&self, member: usize, other: usize, movable: Movable) -> impl Iterator<Item = usize> {
        let shared = self.held[member]
            .iter()
            .filter(move |(audience, _)| self.audiences[**audience].members.binary_search(&other).is_ok());
        shared.flat_map(move |(_, held)| held.movable(movable))
    }

    /// What is in another rack than its owner goes to a member in one of its racks, where that leaves all loads as they are;
    /// or two members swap, if the other partition comes nearer too, or at least no further away and not from its home. As
    /// each step brings something nearer and none the other way, there is an end; and as it may make room for one that was
    /// passed over, all are gone through until nothing moves: what is left then is left alone the next time.
    fn nearer(&mut self, movable: Movable) {
        while self.bring_nearer(movable) {}
    }

    /// Goes through all partitions once. Has any moved?
    fn bring_nearer(&mut self, movable: Movable) -> bool {
        let mut has_moved = false;
        for partition in 0..self.owners.len() {
            let Some(owner) = self.owners[partition] else { continue };
            if self.fits(owner, partition)
                || (movable == Movable::Guests && self.homes[partition] == Some(owner))
            {
                continue;
            }
            let members = &self.audiences[self.audience(partition)].by_load;
            let near = members.iter().filter(|(_, member)| self.fits(*member, partition));
            let load = self.loads[owner];
            let lighter = near.clone().next().filter(|(other, _)| *other < load);
            if let Some(&(_, member)) = lighter {
                self.take(partition);
                self.give(partition, member);
                has_moved = true;
                continue;
            }
            let swaps = near.flat_map(|&(_, member)| {
                self.shared(member, owner, movable).map(move |other| (member, other))
            });
            let fair =
                swaps.filter(|&(member, other)| match (self.fits(member, other), self.fits(owner, other)) {
                    (false, true) => true,
                    (true, false) => false,
                    _ => self.homes[other] != Some(member),
                });
            let swap = fair.min_by_key(|&(member, other)| {
                (self.homes[other] != Some(owner), self.homes[other] == Some(member))
            });
            if let Some((member, other)) = swap {
                self.take(partition);
                self.take(other);
                self.give(partition, member);
                self.give(other, owner);
                has_moved = true;
            }
        }
        has_moved
    }
}
