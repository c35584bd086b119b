//! Who authenticates: what the program has said, until a broker refuses it and the program says something else. A password
//! that is changed while programs run, or a token in its place, is only known to be out of date by that.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zeroize::Zeroizing;

use crate::engine::network::config::Credentials;
use crate::engine::network::events::{Events, NetworkEvent};
use crate::engine::network::questions::Questions;

/// Credentials, and what was computed of them.
pub(in crate::engine::network) struct Known {
    pub(super) credentials: Credentials,
    /// What PBKDF2 gave last: brokers of one cluster give a user the same salt.
    pub(super) salted: Mutex<Option<Salted>>,
}

impl Known {
    fn new(credentials: Credentials) -> Arc<Known> {
        Arc::new(Known { credentials, salted: Mutex::new(None) })
    }
}

pub(super) struct Salted {
    pub(super) salt: Vec<u8>,
    pub(super) iterations: NonZeroU32,
    pub(super) password: Zeroizing<Vec<u8>>,
}

/// Has the credentials of one network.
pub(super) struct Holder {
    current: Mutex<Arc<Known>>,
    may_change: bool,
    questions: Questions<Option<Credentials>>,
}

impl Holder {
    pub(super) fn new(credentials: Credentials, may_change: bool) -> Holder {
        Holder { current: Mutex::new(Known::new(credentials)), may_change, questions: Questions::new() }
    }

    pub(super) fn current(&self) -> Arc<Known> {
        self.lock().clone()
    }

    /// Has the program others than these, which were refused? Then they are the current ones.
    pub(super) async fn renew(&self, refused: &Arc<Known>, events: &Events) -> bool {
        // Of several connections that are refused at once, one is the first to ask.
        if self.has_others(refused) {
            return true;
        }
        if !self.may_change {
            return false;
        }
        let emit = |refusal| events.emit(NetworkEvent::CredentialsRefused { refusal });
        if let Some(Some(given)) = self.questions.ask(emit).await {
            let mut current = self.lock();
            if current.credentials != given {
                *current = Known::new(given);
            }
        }
        self.has_others(refused)
    }

    pub(super) fn has_others(&self, refused: &Arc<Known>) -> bool {
        !Arc::ptr_eq(&self.lock(), refused)
    }

    pub(super) fn given(&self, refusal: u64, credentials: Option<Credentials>) {
        self.questions.answer(refusal, credentials);
    }

    fn lock(&self) -> MutexGuard<'_, Arc<Known>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
