//! Which connections there are: per node and kind, and the seed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::engine::machine::NetError;
use crate::engine::machine::Target;
use crate::engine::protocol::ApiKey;
use crate::engine::protocol::metadata::MetadataBroker;

use super::context::Context;
use super::dial::Address;
use super::slot::{Host, Kind, Slot};

/// The known brokers and their connections.
pub(super) struct Pool {
    context: Arc<Context>,
    brokers: BTreeMap<i32, Arc<Host>>,
    slots: HashMap<(i32, Kind), Arc<Slot>>,
    /// Serves [`Target::Any`] beside the brokers. Is a broker's slot as well when the addresses are equal.
    seed: Option<Arc<Slot>>,
    /// Counts what happens to requests to any broker: who was asked when, who failed when.
    turns: u64,
    /// Where this client begins among equally good brokers, so that not all clients ask the first.
    spread: usize,
    closed: bool,
}

impl Pool {
    pub(super) fn new(context: Arc<Context>) -> Pool {
        Pool {
            context,
            brokers: BTreeMap::new(),
            slots: HashMap::new(),
            seed: None,
            turns: 0,
            spread: fastrand::usize(..),
            closed: false,
        }
    }

    /// The seed's slot at `address`; the one in use if there is one.
    pub(super) fn seed(&mut self, address: Address) -> Result<Arc<Slot>, NetError> {
        if self.closed {
            return Err(NetError::ClientClosed);
        }
        let known = self.brokers.iter().find(|(_, host)| host.address == address).map(|(node, _)| *node);
        let slot = match (known, &self.seed) {
            (Some(node), _) => self.slot(node, Kind::Node)?,
            (None, Some(seed)) if seed.host.address == address && !seed.is_retired() => seed.clone(),
            (None, _) => Slot::new(&self.context, &Host::new(address), Kind::Node),
        };
        self.replace_seed(Some(slot.clone()));
        Ok(slot)
    }

    /// See [`Network::update_brokers`](super::Network::update_brokers).
    pub(super) fn update(&mut self, brokers: &[MetadataBroker]) {
        let listed: BTreeMap<i32, Address> = brokers.iter().filter_map(address_of).collect();
        if listed.is_empty() || self.closed {
            return;
        }
        let moved = |node: i32, host: &Host| listed.get(&node) != Some(&host.address);
        self.slots.retain(|(node, _), slot| {
            let gone = moved(*node, &slot.host);
            if gone {
                slot.retire(slot.closed());
            }
            !gone
        });
        self.brokers.retain(|node, host| !moved(*node, host));
        if self.seed.as_ref().is_some_and(|seed| seed.is_retired()) {
            self.seed = None;
        }
        for (node, address) in listed {
            if self.brokers.contains_key(&node) {
                continue;
            }
            let seed =
                self.seed.iter().find(|seed| seed.host.address == address && !self.is_node(seed)).cloned();
            let host = seed.as_ref().map_or_else(|| Host::new(address), |seed| seed.host.clone());
            self.brokers.insert(node, host);
            if let Some(seed) = seed {
                self.slots.insert((node, Kind::Node), seed);
            }
        }
    }

    /// Where a request to `to` goes; [`Target::Any`] and [`Target::AnyOther`] are [`Pool::any`]'s.
    pub(super) fn route(&mut self, to: Target) -> Result<Arc<Slot>, NetError> {
        let (node, kind) = place(to).ok_or(NetError::NoBroker)?;
        self.slot(node, kind)
    }

    /// See [`Network::renew`](super::Network::renew).
    pub(super) fn renew(&mut self, to: Target) {
        if let Some(slot) = place(to).and_then(|place| self.slots.get(&place)) {
            slot.renew();
        }
    }

    /// All brokers, the best for `question` first. As a rule those that did not fail, or failed longest ago; of those the
    /// connected ones; of those whoever was asked longest ago. With `other` just that: who has failed waits for some turns.
    pub(super) fn any(&mut self, question: ApiKey, other: bool) -> Result<Vec<Arc<Slot>>, NetError> {
        let nodes: Vec<i32> = self.brokers.keys().copied().collect();
        let mut slots =
            nodes.iter().map(|node| self.slot(*node, Kind::Node)).collect::<Result<Vec<_>, _>>()?;
        if !slots.is_empty() {
            let first = self.spread % slots.len();
            slots.rotate_left(first);
        }
        // A seed is often a name for "some broker": the last resort, unless it is connected.
        let seed = self.seed.clone().filter(|seed| !self.is_node(seed));
        slots.extend(seed.clone());
        let turns = self.turns;
        slots.sort_by_cached_key(|slot| {
            let failed = slot.last_failure.load(Ordering::Relaxed);
            let asked = slot.asked(question);
            let is_apart = !slot.is_connected();
            if !other {
                return (failed, is_apart, asked);
            }
            let is_seed = is_apart && seed.as_ref().is_some_and(|seed| Arc::ptr_eq(seed, slot));
            let since = if is_seed { turns } else { asked };
            let penalty = if failed > 0 { failed + TURNS_AFTER_FAILURE } else { 0 };
            (since.max(penalty), is_apart, 0)
        });
        if self.closed {
            return Err(NetError::ClientClosed);
        }
        Ok(slots)
    }

    /// A request to any broker goes to `slot`.
    pub(super) fn asks(&mut self, slot: &Slot, question: ApiKey) {
        self.turns += 1;
        slot.note_asked(question, self.turns);
    }

    /// A request to any broker failed at `slot`: ask others first.
    pub(super) fn failed(&mut self, slot: &Slot) {
        self.turns += 1;
        slot.note(Some(self.turns));
    }

    /// Nothing that we know is true any more: closes every connection, until somebody connects to a seed.
    pub(super) fn forget(&mut self) {
        self.clear(Slot::closed);
    }

    /// Has every broker failed since it last answered, or is none known?
    pub(super) fn is_forsaken(&self) -> bool {
        let failed = |node: &i32| {
            let slot = self.slots.get(&(*node, Kind::Node));
            slot.is_some_and(|slot| slot.last_failure.load(Ordering::Relaxed) > 0)
        };
        !self.closed && self.brokers.keys().all(failed)
    }

    pub(super) fn is_connected(&self) -> bool {
        self.slots.values().chain(&self.seed).any(|slot| slot.is_connected())
    }

    /// Closes everything, for good.
    pub(super) fn close(&mut self) {
        self.closed = true;
        self.clear(|_| NetError::ClientClosed);
    }

    /// Closes everything; `reason` is what those who wait for an answer get.
    fn clear(&mut self, reason: impl Fn(&Slot) -> NetError) {
        self.brokers.clear();
        for slot in self.slots.drain().map(|(_, slot)| slot).chain(self.seed.take()) {
            slot.retire(reason(&slot));
        }
    }

    fn slot(&mut self, node: i32, kind: Kind) -> Result<Arc<Slot>, NetError> {
        if self.closed {
            return Err(NetError::ClientClosed);
        }
        let host = self.brokers.get(&node).ok_or(NetError::NoBroker)?;
        Ok(self.slots.entry((node, kind)).or_insert_with(|| Slot::new(&self.context, host, kind)).clone())
    }

    fn replace_seed(&mut self, seed: Option<Arc<Slot>>) {
        let before = std::mem::replace(&mut self.seed, seed);
        if let Some(before) = before
            && !self.is_node(&before)
            && !self.seed.as_ref().is_some_and(|seed| Arc::ptr_eq(seed, &before))
        {
            before.retire(before.closed());
        }
    }

    fn is_node(&self, slot: &Arc<Slot>) -> bool {
        self.slots.values().any(|other| Arc::ptr_eq(other, slot))
    }
}

/// None when it is for the caller to say which node that is.
fn place(to: Target) -> Option<(i32, Kind)> {
    match to {
        Target::Node(node) => Some((node, Kind::Node)),
        Target::Fetch(node) => Some((node, Kind::Fetch)),
        Target::FetchExpress(node) => Some((node, Kind::FetchExpress)),
        Target::Coordinator(node) => Some((node, Kind::Coordinator)),
        Target::Any | Target::AnyOther => None,
    }
}

/// None for an address that nobody can connect to.
fn address_of(broker: &MetadataBroker) -> Option<(i32, Address)> {
    let port = u16::try_from(broker.port).ok().filter(|port| *port != 0)?;
    (!broker.host.is_empty()).then(|| (broker.node_id, Address { host: broker.host.clone(), port }))
}

/// For so many turns the others are asked instead of one that failed: it may be frozen, and each attempt at it takes its
/// time. It must be few: whoever remains may be the one that knows nothing.
const TURNS_AFTER_FAILURE: u64 = 2;
