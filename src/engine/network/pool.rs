//! Which connections there are: per node and kind, and the seed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::engine::machine::ConnectionKind;
use crate::engine::machine::NetError;
use crate::engine::machine::Target;
use crate::engine::protocol::ApiKey;
use crate::engine::protocol::metadata::MetadataBroker;

use super::context::Context;
use super::dial::Address;
use super::link::{Endpoint, Link};
use super::unreachable::Advertised;

/// The known brokers and their connections.
pub(super) struct Pool {
    context: Arc<Context>,
    brokers: BTreeMap<i32, Arc<Endpoint>>,
    links: HashMap<(i32, ConnectionKind), Arc<Link>>,
    /// Serves [`Target::Any`] beside the brokers. It is a broker's link as well when their addresses are equal.
    seed: Option<Arc<Link>>,
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
            links: HashMap::new(),
            seed: None,
            turns: 0,
            spread: fastrand::usize(..),
            closed: false,
        }
    }

    /// The seed's link at `address`; the one in use if there is one.
    pub(super) fn seed(&mut self, address: Address) -> Result<Arc<Link>, NetError> {
        if self.closed {
            return Err(NetError::ClientClosed);
        }
        let known =
            self.brokers.iter().find(|(_, endpoint)| endpoint.address == address).map(|(node, _)| *node);
        let link = match (known, &self.seed) {
            (Some(node), _) => self.link(node, ConnectionKind::General)?,
            (None, Some(seed)) if seed.endpoint.address == address && !seed.is_retired() => seed.clone(),
            (None, _) => Link::new(&self.context, &Endpoint::new(address, None), ConnectionKind::General),
        };
        self.replace_seed(Some(link.clone()));
        Ok(link)
    }

    /// See [`Network::update_brokers`](super::Network::update_brokers).
    pub(super) fn update(&mut self, brokers: &[MetadataBroker]) {
        self.replace(brokers.iter().filter_map(address_of).collect());
    }

    /// See [`Network::update_broker`](super::Network::update_broker).
    pub(super) fn update_one(&mut self, broker: &MetadataBroker) {
        self.replace(self.known().chain(address_of(broker)).collect());
    }

    /// See [`Network::add_brokers`](super::Network::add_brokers).
    pub(super) fn add(&mut self, brokers: &[MetadataBroker]) {
        self.replace(brokers.iter().filter_map(address_of).chain(self.known()).collect());
    }

    fn known(&self) -> impl Iterator<Item = (i32, Address)> {
        self.brokers.iter().map(|(node, endpoint)| (*node, endpoint.address.clone()))
    }

    fn replace(&mut self, listed: BTreeMap<i32, Address>) {
        if listed.is_empty() || self.closed {
            return;
        }
        let moved = |node: i32, endpoint: &Endpoint| listed.get(&node) != Some(&endpoint.address);
        self.links.retain(|(node, _), link| {
            let gone = moved(*node, &link.endpoint);
            if gone {
                link.retire(link.closed());
            }
            !gone
        });
        self.brokers.retain(|node, endpoint| !moved(*node, endpoint));
        if self.seed.as_ref().is_some_and(|seed| seed.is_retired()) {
            self.seed = None;
        }
        for (node, address) in listed {
            if self.brokers.contains_key(&node) {
                continue;
            }
            let seed = self
                .seed
                .iter()
                .find(|seed| seed.endpoint.address == address && !self.is_node(seed))
                .cloned();
            let endpoint = match &seed {
                Some(seed) => seed.endpoint.clone(),
                None => {
                    let bootstrap = self.seed.as_ref().map(|seed| seed.endpoint.address.clone());
                    let advertised = bootstrap.map(|bootstrap| Advertised { node, bootstrap });
                    Endpoint::new(address, advertised)
                }
            };
            self.brokers.insert(node, endpoint);
            if let Some(seed) = seed {
                self.links.insert((node, ConnectionKind::General), seed);
            }
        }
    }

    /// Where a request to `to` goes; to any broker: see [`Pool::any`].
    pub(super) fn route(&mut self, to: Target) -> Result<Arc<Link>, NetError> {
        match to {
            Target::Node(node, kind) => self.link(node, kind),
            Target::Any | Target::AnyOther | Target::AnyBut(_) => Err(NetError::NoBroker),
        }
    }

    /// See [`Network::renew`](super::Network::renew).
    pub(super) fn renew(&mut self, to: Target) {
        if let Target::Node(node, kind) = to
            && let Some(link) = self.links.get(&(node, kind))
        {
            link.renew();
        }
    }

    /// All brokers, the best for `question` first. As a rule those that did not fail, or failed longest ago; of those the
    /// connected ones; of those the one that was asked longest ago. For another one only the last rule counts, and a broker that
    /// has failed waits for [`TURNS_AFTER_FAILURE`] turns. One that is not to be asked comes last, behind a seed, which it may be.
    pub(super) fn any(&mut self, question: ApiKey, to: Target) -> Result<Vec<Arc<Link>>, NetError> {
        let nodes: Vec<i32> = self.brokers.keys().copied().collect();
        let mut links = nodes
            .iter()
            .map(|node| self.link(*node, ConnectionKind::General))
            .collect::<Result<Vec<_>, _>>()?;
        if !links.is_empty() {
            let first = self.spread % links.len();
            links.rotate_left(first);
        }
        // A seed is often a name for "some broker": the last resort, unless it is connected.
        let seed = self.seed.clone().filter(|seed| !self.is_node(seed));
        links.extend(seed.clone());
        let turns = self.turns;
        let shunned = match to {
            Target::AnyBut(node) => self.links.get(&(node, ConnectionKind::General)).cloned(),
            _ => None,
        };
        links.sort_by_cached_key(|link| {
            let failed = link.last_failure.load(Ordering::Relaxed);
            let asked = link.asked(question);
            let is_apart = !link.is_connected();
            if to == Target::Any {
                return (0, failed, is_apart, asked);
            }
            let is = |other: &Option<Arc<Link>>| other.as_ref().is_some_and(|other| Arc::ptr_eq(other, link));
            let shyness = if is(&shunned) { 2 } else { u8::from(shunned.is_some() && is(&seed)) };
            let since = if is_apart && is(&seed) { turns } else { asked };
            let penalty = if failed > 0 { failed + TURNS_AFTER_FAILURE } else { 0 };
            (shyness, since.max(penalty), is_apart, 0)
        });
        if self.closed {
            return Err(NetError::ClientClosed);
        }
        Ok(links)
    }

    /// A request to any broker goes to `link`.
    pub(super) fn asks(&mut self, link: &Link, question: ApiKey) {
        self.turns += 1;
        link.note_asked(question, self.turns);
    }

    /// A request to any broker failed at `link`: ask others first.
    pub(super) fn failed(&mut self, link: &Link) {
        self.turns += 1;
        link.note(Some(self.turns));
    }

    /// The brokers that we know are not the cluster's any more: closes every connection. There is none before the next
    /// [`Pool::seed`].
    pub(super) fn forget(&mut self) {
        self.clear(Link::closed);
    }

    /// Has every broker failed since it last answered, or is none known?
    pub(super) fn is_forsaken(&self) -> bool {
        let failed = |node: &i32| {
            let link = self.links.get(&(*node, ConnectionKind::General));
            link.is_some_and(|link| link.last_failure.load(Ordering::Relaxed) > 0)
        };
        !self.closed && self.brokers.keys().all(failed)
    }

    pub(super) fn is_connected(&self) -> bool {
        self.links.values().chain(&self.seed).any(|link| link.is_connected())
    }

    /// Closes everything, for good.
    pub(super) fn close(&mut self) {
        self.closed = true;
        self.clear(|_| NetError::ClientClosed);
    }

    /// Closes everything; a request that waits for an answer gets `reason`.
    fn clear(&mut self, reason: impl Fn(&Link) -> NetError) {
        self.brokers.clear();
        for link in self.links.drain().map(|(_, link)| link).chain(self.seed.take()) {
            link.retire(reason(&link));
        }
    }

    fn link(&mut self, node: i32, kind: ConnectionKind) -> Result<Arc<Link>, NetError> {
        if self.closed {
            return Err(NetError::ClientClosed);
        }
        let endpoint = self.brokers.get(&node).ok_or(NetError::NoBroker)?;
        Ok(self.links.entry((node, kind)).or_insert_with(|| Link::new(&self.context, endpoint, kind)).clone())
    }

    fn replace_seed(&mut self, seed: Option<Arc<Link>>) {
        let before = std::mem::replace(&mut self.seed, seed);
        if let Some(before) = before
            && !self.is_node(&before)
            && !self.seed.as_ref().is_some_and(|seed| Arc::ptr_eq(seed, &before))
        {
            before.retire(before.closed());
        }
    }

    fn is_node(&self, link: &Arc<Link>) -> bool {
        self.links.values().any(|other| Arc::ptr_eq(other, link))
    }
}

/// None for an address that cannot be connected to: without a host, or with a port that is none.
fn address_of(broker: &MetadataBroker) -> Option<(i32, Address)> {
    let port = u16::try_from(broker.port).ok().filter(|port| *port != 0)?;
    (!broker.host.is_empty()).then(|| (broker.node_id, Address { host: broker.host.clone(), port }))
}

/// For so many turns the others are asked instead of a broker that failed: it may be frozen, and each attempt at it takes
/// time. It must be few: of two brokers, the other may be the one that is cut off and knows nothing.
const TURNS_AFTER_FAILURE: u64 = 2;
