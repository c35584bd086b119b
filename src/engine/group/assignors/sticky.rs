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

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::claims::Claims;
use super::input::{Input, Owners};

pub(super) fn assign(input: &Input, claims: &Claims) -> Owners {
    let mut shares = Shares::new(input, claims);
    shares.keep();
    shares.fill();
    shares.level();
    shares.send_home();
    if shares.rack_aware {
        shares.nearer();
    }
    shares.owners
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
    held: Vec<BTreeMap<usize, Vec<usize>>>,
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
        self.owners[partition] = Some(member);
        self.held[member].entry(audience).or_default().push(partition);
        self.set_load(member, self.loads[member] + 1);
    }

    fn take(&mut self, partition: usize) {
        let audience = self.audience(partition);
        let Some(member) = self.owners[partition].take() else { return };
        if let Some(held) = self.held[member].get_mut(&audience) {
            held.retain(|other| *other != partition);
            if held.is_empty() {
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

    fn level(&mut self) {
        let mut open: BTreeSet<(usize, usize)> =
            self.loads.iter().enumerate().map(|(member, load)| (*load, member)).collect();
        while let Some(&(load, fullest)) = open.last() {
            match self.chain(fullest) {
                Ok(chain) => {
                    for &step in &chain {
                        self.follow(step);
                    }
                    let Some(last) = chain.last() else { return };
                    open.remove(&(load, fullest));
                    open.insert((self.loads[fullest], fullest));
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

    /// The shortest chain of moves from `fullest` to a member that has at least two less; or all that can be reached from it.
    fn chain(&self, fullest: usize) -> Result<Vec<Step>, Vec<usize>> {
        let mut came_by: BTreeMap<usize, Option<Step>> = BTreeMap::from([(fullest, None)]);
        let mut asked = vec![false; self.audiences.len()];
        let mut queue = VecDeque::from([fullest]);
        while let Some(from) = queue.pop_front() {
            let audiences = self.held[from].keys().copied();
            for audience in audiences {
                if std::mem::replace(&mut asked[audience], true) {
                    continue;
                }
                for &(load, to) in &self.audiences[audience].by_load {
                    if came_by.contains_key(&to) {
                        continue;
                    }
                    let step = Step { from, audience, to };
                    if load + 2 <= self.loads[fullest] {
                        let before = std::iter::successors(Some(step), |step| {
                            came_by.get(&step.from).copied().flatten()
                        });
                        let mut chain: Vec<Step> = before.collect();
                        chain.reverse();
                        return Ok(chain);
                    }
                    came_by.insert(to, Some(step));
                    queue.push_back(to);
                }
            }
        }
        Err(came_by.into_keys().collect())
    }

    /// Moves the partition whose move is the least to be regretted.
    fn follow(&mut self, Step { from, audience, to }: Step) {
        let Some(held) = self.held[from].get(&audience) else { return };
        let regret = |&&partition: &&usize| {
            let home = match self.homes[partition] {
                Some(home) if home == from => 2,
                Some(home) if home == to => 0,
                _ => 1,
            };
            let racks = match (self.fits(from, partition), self.fits(to, partition)) {
                (true, false) => 2,
                (false, true) => 0,
                _ => 1,
            };
            (home, racks, std::cmp::Reverse(partition))
        };
        if let Some(&partition) = held.iter().min_by_key(regret) {
            self.take(partition);
            self.give(partition, to);
        }
    }

    /// Detours may have moved what need not have moved: it goes back where that leaves all loads as they are, or two members
    /// swap.
    fn send_home(&mut self) {
        for partition in 0..self.owners.len() {
            let (Some(owner), Some(home)) = (self.owners[partition], self.homes[partition]) else { continue };
            if owner == home || self.fits(owner, partition) > self.fits(home, partition) {
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
        let is_guest = |guest: &usize| {
            self.homes[*guest] != Some(host) && self.fits(other, *guest) >= self.fits(host, *guest)
        };
        self.shared(host, other).find(is_guest)
    }

    /// What `member` has and `other` may have.
    fn shared(&self, member: usize, other: usize) -> impl Iterator<Item = usize> {
        let shared = self.held[member]
            .iter()
            .filter(move |(audience, _)| self.audiences[**audience].members.binary_search(&other).is_ok());
        shared.flat_map(|(_, held)| held).copied()
    }

    /// What is in another rack than its owner goes to a member in one of its racks, where that leaves all loads as they are;
    /// or two members swap, if the other partition comes nearer too, or at least no further away and not from its home. As
    /// each step brings something nearer and none the other way, what this leaves is left alone the next time.
    fn nearer(&mut self) {
        for partition in 0..self.owners.len() {
            let Some(owner) = self.owners[partition] else { continue };
            if self.fits(owner, partition) {
                continue;
            }
            let members = &self.audiences[self.audience(partition)].by_load;
            let mut near = members.iter().filter(|(_, member)| self.fits(*member, partition));
            let load = self.loads[owner];
            let lighter = near.clone().next().filter(|(other, _)| *other < load);
            if let Some(&(_, member)) = lighter {
                self.take(partition);
                self.give(partition, member);
                continue;
            }
            let swap = near.find_map(|&(_, member)| {
                let is_fair = |other: &usize| match (self.fits(member, *other), self.fits(owner, *other)) {
                    (false, true) => true,
                    (true, false) => false,
                    _ => self.homes[*other] != Some(member),
                };
                self.shared(member, owner).find(is_fair).map(|other| (member, other))
            });
            if let Some((member, other)) = swap {
                self.take(partition);
                self.take(other);
                self.give(partition, member);
                self.give(other, owner);
            }
        }
    }
}
