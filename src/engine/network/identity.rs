//! Who a broker is: whether its certificate, which is in order, may go by the name that we know it by. A user's
//! `ssl.checkServerIdentity` says so, and Node's where rustls does not find the name: outside, after the handshake and before
//! a byte of Kafka. An event asks, [`Identities::answer`] answers. Without an answer there is no connection.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use rustls::pki_types::CertificateDer;
use tokio::sync::oneshot;

use super::events::{Events, NetworkEvent};

/// Why a broker is not the one that we wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownIdentity {
    /// What users are told.
    pub message: String,
    /// The error's code, if it has one (`ERR_TLS_CERT_ALTNAME_INVALID`).
    pub code: Option<String>,
}

/// The questions of one network that wait for their answers.
pub(super) struct Identities {
    events: Events,
    next_check: AtomicU64,
    waiting: Mutex<HashMap<u64, oneshot::Sender<Result<(), UnknownIdentity>>>>,
}

impl Identities {
    pub(super) fn new(events: Events) -> Identities {
        Identities { events, next_check: AtomicU64::new(1), waiting: Mutex::default() }
    }

    /// May the holder of `chain` go by `servername`? Waits for ever: how long a connection may take to open is decided
    /// elsewhere.
    pub(super) async fn check(
        &self,
        servername: &str,
        chain: &[CertificateDer<'_>],
    ) -> Result<(), UnknownIdentity> {
        let check = self.next_check.fetch_add(1, Ordering::Relaxed);
        let (answer, verdict) = oneshot::channel();
        self.waiting().insert(check, answer);
        let _forget = ForgetCheck { identities: self, check };
        self.events.emit(NetworkEvent::CheckServerIdentity {
            check,
            servername: servername.to_owned(),
            chain: chain.iter().map(|certificate| Bytes::copy_from_slice(certificate)).collect(),
        });
        let nobody = || UnknownIdentity { message: "nobody knows the broker".to_owned(), code: None };
        verdict.await.unwrap_or_else(|_| Err(nobody()))
    }

    /// The answer to an event; of no effect when nobody waits for it any more.
    pub(super) fn answer(&self, check: u64, verdict: Result<(), UnknownIdentity>) {
        if let Some(answer) = self.waiting().remove(&check) {
            // The connection may have been given up this very moment.
            let _ = answer.send(verdict);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<Result<(), UnknownIdentity>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct ForgetCheck<'a> {
    identities: &'a Identities,
    check: u64,
}

impl Drop for ForgetCheck<'_> {
    fn drop(&mut self) {
        self.identities.waiting().remove(&self.check);
    }
}
