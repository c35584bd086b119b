//! The producer id under which batches are numbered.
//!
//! ```text
//!            InitProducerId answered                 used up, or fenced
//!  Wanted ────────────────────────────► Known(id) ────────────────────────► Wanted
//!    │
//!    └── refused, and it need not be ──► Off
//! ```
//! That of a transactional producer is given, and asked of nobody.

use std::time::Instant;

use fastrand::Rng;

use crate::engine::machine::NetError;
use crate::engine::machine::RequestState;
use crate::engine::machine::Target;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Response;

use super::{Idempotence, Reason};

/// A producer id, and the epoch in which partitions begin that were not written under it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProducerId {
    /// The id.
    pub id: i64,
    /// Its epoch.
    pub epoch: i16,
}

impl ProducerId {
    /// The next epoch, while there is one.
    pub(super) fn raised(self) -> Option<ProducerId> {
        let epoch = self.epoch.checked_add(1).filter(|epoch| *epoch < i16::MAX)?;
        Some(ProducerId { epoch, ..self })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Off,
    Wanted,
    Known(ProducerId),
}

#[derive(Debug)]
pub(super) struct Identity {
    state: State,
    is_required: bool,
    /// By the `transaction` room, which knows when another one is needed.
    is_given: bool,
    request: RequestState,
}

impl Identity {
    pub(super) fn new(idempotence: Idempotence) -> Identity {
        let mut request = RequestState::default();
        let state = if idempotence == Idempotence::Off { State::Off } else { State::Wanted };
        if state == State::Wanted {
            request.want();
        }
        Identity { state, is_required: idempotence == Idempotence::Required, is_given: false, request }
    }

    /// One that is [set](Identity::set).
    pub(super) fn given() -> Identity {
        let request = RequestState::default();
        Identity { state: State::Wanted, is_required: true, is_given: true, request }
    }

    /// Batches are numbered as this producer's.
    pub(super) fn set(&mut self, producer: ProducerId) {
        self.state = State::Known(producer);
    }

    /// Is it [given](Identity::given)?
    pub(super) fn is_given(&self) -> bool {
        self.is_given
    }

    /// Are batches sent without numbers?
    pub(super) fn is_off(&self) -> bool {
        self.state == State::Off
    }

    pub(super) fn known(&self) -> Option<ProducerId> {
        match self.state {
            State::Known(id) => Some(id),
            _ => None,
        }
    }

    /// Nobody knows any more which numbers of this id and epoch a partition was written under. Partitions begin behind it from now
    /// on: what was the first number again would be taken for a repetition.
    pub(super) fn outlive(&mut self, of: ProducerId) {
        match self.known() {
            Some(known) if !self.is_given && known.id == of.id && known.epoch <= of.epoch => {
                match of.raised() {
                    Some(raised) => self.state = State::Known(raised),
                    None => self.expire(of.id),
                }
            }
            _ => {}
        }
    }

    /// This id is of no use any more.
    pub(super) fn expire(&mut self, id: i64) {
        if !self.is_given && self.known().is_some_and(|known| known.id == id) {
            self.state = State::Wanted;
            self.request.want();
        }
    }

    pub(super) fn poll(&mut self, now: Instant, id: u64) -> Option<Target> {
        self.request.is_due(now).then(|| self.request.send(now, id, ()))
    }

    pub(super) fn due_at(&self) -> Option<Instant> {
        self.request.due_at()
    }

    /// Takes in an answer, if it is one. `Some(Err)`: there will be no id, and what needs one fails.
    pub(super) fn handle_response(
        &mut self,
        now: Instant,
        id: u64,
        response: &Result<Response, NetError>,
        rng: &mut Rng,
    ) -> Option<Result<(), Reason>> {
        self.request.land(id)?;
        let reason = match response {
            Ok(Response::InitProducerId(answer)) if !answer.error.is_err() => {
                self.state =
                    State::Known(ProducerId { id: answer.producer_id, epoch: answer.producer_epoch });
                self.request.succeeded();
                return Some(Ok(()));
            }
            Ok(Response::InitProducerId(answer)) => Reason::Broker { code: answer.error, message: None },
            Ok(_) => Reason::Net(NetError::OutOfStep),
            Err(error) => Reason::Net(error.clone()),
        };
        let is_refused = match &reason {
            Reason::Broker { code, .. } => !code.retriable() && *code != ErrorCode::UNKNOWN_SERVER_ERROR,
            Reason::Net(error) => {
                matches!(
                    error,
                    NetError::UnsupportedApi { .. }
                        | NetError::Authentication { .. }
                        | NetError::Repelled { .. }
                )
            }
            _ => false,
        };
        if !is_refused {
            self.request.failed(now, rng);
            self.request.doubt();
            return Some(Ok(()));
        }
        if self.is_required {
            // What is sent later tries again.
            self.request.failed(now, rng);
            self.request.want();
            return Some(Err(reason));
        }
        self.state = State::Off;
        Some(Ok(()))
    }
}
