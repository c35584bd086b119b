//! Who a broker is: whether its certificate, which is in order, may go by the name that we know it by. A user's
//! `ssl.checkServerIdentity` says so, and Node's where the name is not plainly in there: outside, after the handshake and
//! before a byte of Kafka. An event asks, [`Identities::answer`] answers. Without an answer there is no connection.

use bytes::Bytes;

use super::events::{Events, NetworkEvent};
use super::questions::Questions;

/// Why a broker is not the one that we wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownIdentity {
    /// What users are told.
    pub message: String,
    /// The error's code, if it has one (`ERR_TLS_CERT_ALTNAME_INVALID`).
    pub code: Option<String>,
}

/// The questions of one network about it.
pub(super) struct Identities {
    events: Events,
    questions: Questions<Result<(), UnknownIdentity>>,
}

impl Identities {
    pub(super) fn new(events: Events) -> Identities {
        Identities { events, questions: Questions::new() }
    }

    /// May the holder of `chain` (DER) go by `servername`?
    pub(super) async fn check(&self, servername: &str, chain: Vec<Bytes>) -> Result<(), UnknownIdentity> {
        let servername = servername.to_owned();
        let emit = |check| self.events.emit(NetworkEvent::CheckServerIdentity { check, servername, chain });
        let nobody = || UnknownIdentity { message: "nobody knows the broker".to_owned(), code: None };
        self.questions.ask(emit).await.unwrap_or_else(|| Err(nobody()))
    }

    pub(super) fn answer(&self, check: u64, verdict: Result<(), UnknownIdentity>) {
        self.questions.answer(check, verdict);
    }
}
