//! Which broker coordinates which group or transaction: many at once, each found, lost and looked up again by itself.
//!
//! ```text
//!            look_up               poll_request              a node
//!  (absent) ─────────► wanted ─────────────────► asked ─────────────────► Known(node)
//!                        ▲                        │ │ no use asking again      │
//!                        ├──── error, left out ───┘ └──────► (absent)          │
//!                        └───────────────────────── lost ◄─────────────────────┘
//! ```
//! The keys of one type that are due together share one request (KIP-699). A broker that is too old for that makes us ask for
//! each key by itself, from then on and of all brokers: in a cluster that is being upgraded, either way works.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::engine::machine::CoordinatorKey;
use crate::engine::machine::Failure;
use crate::engine::machine::NetError;
use crate::engine::machine::Reminder;
use crate::engine::machine::RequestState;
use crate::engine::machine::Target;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::find_coordinator::FindCoordinatorRequest;
use crate::engine::protocol::find_coordinator::FindCoordinatorResponse;
use crate::engine::protocol::find_coordinator::FoundCoordinator;
use crate::engine::protocol::metadata::MetadataBroker;

use super::machine::SPACING;

/// What became of a look-up.
#[derive(Debug, PartialEq)]
pub(super) enum Lookup {
    /// This broker is the coordinator.
    Found { key: CoordinatorKey, broker: MetadataBroker },
    /// To be asked again. `told` = for how long it was in vain, when that is worth a line.
    Again { key: CoordinatorKey, why: String, code: Option<ErrorCode>, told: Option<Duration> },
    /// Asking again will not help.
    Failed { key: CoordinatorKey, failure: Failure },
}

#[derive(Debug, Default)]
struct Coordinator {
    /// The node, while it is believed in.
    node: Option<i32>,
    /// The one that is not believed in any more: others are asked.
    former: Option<i32>,
    request: RequestState,
    /// It is looked for in vain.
    missing: Reminder,
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub(super) struct Coordinators {
    keys: BTreeMap<CoordinatorKey, Coordinator>,
    /// A broker was too old to be asked for several keys at once.
    one_by_one: bool,
}

impl Coordinators {
    /// The coordinator of `key` is to be found, unless it is known or being looked up.
    pub(super) fn look_up(&mut self, key: &CoordinatorKey) {
        let coordinator = self.keys.entry(key.clone()).or_default();
        if coordinator.node.is_none() && !coordinator.request.is_in_flight() {
            coordinator.request.want();
        }
    }

    /// The coordinator of `key` has moved, or does not answer: to be found again, by another broker's word. Not by its own, if
    /// there is another one: who stood still while a successor was chosen takes itself for the coordinator.
    pub(super) fn lost(&mut self, key: &CoordinatorKey) {
        let coordinator = self.keys.entry(key.clone()).or_default();
        coordinator.former = coordinator.node.take().or(coordinator.former);
        coordinator.request.doubt();
    }

    /// Not needed any more. An answer that is on its way changes nothing.
    pub(super) fn forget(&mut self, key: &CoordinatorKey) {
        self.keys.remove(key);
    }

    /// Nothing is looked up any more.
    pub(super) fn cancel(&mut self) {
        for coordinator in self.keys.values_mut() {
            coordinator.request.cancel();
        }
    }

    /// The node, while it is believed in.
    pub(super) fn node(&self, key: &CoordinatorKey) -> Option<i32> {
        self.keys.get(key)?.node
    }

    /// When the next look-up is due by itself.
    pub(super) fn due_at(&self) -> Option<Instant> {
        self.keys.values().filter_map(|coordinator| coordinator.request.due_at()).min()
    }

    /// The next request, which goes out under this id.
    pub(super) fn poll(&mut self, now: Instant, id: u64) -> Option<(Target, FindCoordinatorRequest)> {
        let mut to = Target::Any;
        let mut request: Option<FindCoordinatorRequest> = None;
        for (key, coordinator) in &mut self.keys {
            let fits = match &request {
                None => true,
                Some(request) => !self.one_by_one && request.key_type == key.kind,
            };
            if fits && coordinator.request.is_due(now) {
                let others_first = coordinator.request.attempts() < OTHERS_FIRST;
                let former = coordinator.former.filter(|_| others_first);
                if coordinator.request.send(now, id, ()) == Target::AnyOther
                    && !matches!(to, Target::AnyBut(_))
                {
                    to = former.map_or(Target::AnyOther, Target::AnyBut);
                }
                let new = || FindCoordinatorRequest { key_type: key.kind, keys: Vec::new() };
                request.get_or_insert_with(new).keys.push(key.id.to_string());
            }
        }
        Some((to, request?))
    }

    /// Takes the request with this id for answered: the keys that it asked for and that are still wanted, none when it is not
    /// one of ours.
    pub(super) fn land(&mut self, id: u64) -> Vec<CoordinatorKey> {
        let landed = self.keys.iter_mut().filter_map(|(key, coordinator)| {
            coordinator.request.land(id)?;
            Some(key.clone())
        });
        landed.collect()
    }

    /// The answer to a request that asked for these.
    pub(super) fn answered(
        &mut self,
        now: Instant,
        keys: Vec<CoordinatorKey>,
        answer: FindCoordinatorResponse,
        rng: &mut Rng,
    ) -> Vec<Lookup> {
        let mut found = answer.coordinators;
        // The older versions do not say whose coordinator they tell.
        if let ([key], [only]) = (&keys[..], &mut found[..])
            && only.key.is_empty()
        {
            only.key = key.id.to_string();
        }
        let mut told: BTreeMap<String, FoundCoordinator> =
            found.into_iter().map(|coordinator| (coordinator.key.clone(), coordinator)).collect();
        // Keys that failed together wait as long as each other, and share the next request.
        let jitter = rng.fork();
        let mut lookups = Vec::with_capacity(keys.len());
        for key in keys {
            let mut jitter = jitter.clone();
            lookups.push(match told.remove(&*key.id) {
                Some(found) => self.told(now, key, found, &mut jitter),
                None => self.again(now, key, "the answer leaves it out".to_owned(), None, &mut jitter),
            });
        }
        lookups
    }

    /// There is no answer to a request that asked for these.
    pub(super) fn unanswered(
        &mut self,
        now: Instant,
        keys: Vec<CoordinatorKey>,
        error: &NetError,
        rng: &mut Rng,
    ) -> Vec<Lookup> {
        if asks_too_much(&keys, error) {
            self.one_by_one = true;
            for key in &keys {
                if let Some(coordinator) = self.keys.get_mut(key) {
                    coordinator.request.want();
                }
            }
            return Vec::new();
        }
        let jitter = rng.fork();
        let mut lookups = Vec::with_capacity(keys.len());
        for key in keys {
            lookups.push(self.again(now, key, error.told(), None, &mut jitter.clone()));
        }
        lookups
    }

    fn told(&mut self, now: Instant, key: CoordinatorKey, found: FoundCoordinator, rng: &mut Rng) -> Lookup {
        match found.error {
            ErrorCode::NONE => {
                let FoundCoordinator { node_id, host, port, .. } = found;
                let coordinator = self.keys.entry(key.clone()).or_default();
                coordinator.node = Some(node_id);
                coordinator.former = None;
                coordinator.missing.over();
                coordinator.request.succeeded();
                coordinator.request.space_until(Some(now + SPACING));
                coordinator.request.cancel();
                Lookup::Found { key, broker: MetadataBroker { node_id, host, port, rack: None } }
            }
            code @ (ErrorCode::GROUP_AUTHORIZATION_FAILED
            | ErrorCode::INVALID_GROUP_ID
            | ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED) => {
                self.keys.remove(&key);
                let cause = Box::new(Failure::Broker { code, partition: None });
                let failure = Failure::CoordinatorNotFound { key: key.clone(), cause };
                Lookup::Failed { key, failure }
            }
            code => self.again(now, key, code.name().to_owned(), Some(code), rng),
        }
    }

    fn again(
        &mut self,
        now: Instant,
        key: CoordinatorKey,
        why: String,
        code: Option<ErrorCode>,
        rng: &mut Rng,
    ) -> Lookup {
        let coordinator = self.keys.entry(key.clone()).or_default();
        coordinator.request.failed(now, rng);
        coordinator.request.doubt();
        Lookup::Again { key, why, code, told: coordinator.missing.goes_on(now) }
    }
}

/// So often the others are asked, before the word of the one that was lost is better than none: while a successor is chosen they may
/// have no answer.
const OTHERS_FIRST: u32 = 4;

/// Does a broker that knows no several keys refuse them?
pub(super) fn asks_too_much(keys: &[CoordinatorKey], error: &NetError) -> bool {
    keys.len() > 1 && matches!(error, NetError::UnsupportedApi { .. })
}
