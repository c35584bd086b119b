//! What is told of brokers to which no connection can be opened: each cause once, then as a [`Reminder`] says. Attempts are
//! many, by several links at once, and all but those lines are for the curious.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::engine::machine::NetError;
use crate::engine::machine::Reminder;
use crate::engine::machine::seconds;

use super::dial::Address;

/// The addresses of one network that could not be reached lately.
#[derive(Default)]
pub(super) struct Unreachable {
    reminders: Mutex<HashMap<Address, Reminder>>,
}

impl Unreachable {
    /// A connection to this address could not be opened. Returns for how long that has been so, when it is to be told.
    pub(super) fn failed(&self, now: Instant, address: &Address) -> Option<Duration> {
        let mut reminders = self.reminders.lock().unwrap_or_else(PoisonError::into_inner);
        // Clusters name addresses, and may name ever new ones.
        if reminders.len() >= REMEMBERED && !reminders.contains_key(address) {
            reminders.clear();
        }
        reminders.entry(address.clone()).or_default().goes_on(now)
    }

    /// There is a connection to this address.
    pub(super) fn reached(&self, address: &Address) {
        let mut reminders = self.reminders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reminder) = reminders.get_mut(address) {
            reminder.over();
        }
    }
}

/// Where an address comes from that nobody has configured: the cluster names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Advertised {
    /// The broker that is to be there.
    pub(super) node: i32,
    /// The configured address that has answered.
    pub(super) bootstrap: Address,
}

impl Advertised {
    /// The error of a connection to this address, which was never reached. That the configured address can be reached and the
    /// one that the cluster names cannot is the most frequent mistake in `advertised.listeners`.
    pub(super) fn explain(&self, address: &Address, error: NetError) -> NetError {
        let NetError::Connect { broker, code, message } = error else { return error };
        let (bootstrap, node, name) = (self.bootstrap.broker(), self.node, address.broker());
        let reason = code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
        let message = format!(
            "{message}: bootstrap address {bootstrap} answered, and the cluster calls broker {node} \"{name}\", which cannot \
             be reached from here{reason}: check advertised.listeners of that broker"
        );
        NetError::Connect { broker, code, message }
    }
}

/// The line of an error that has lasted for so long.
pub(super) fn line(error: &str, lasted: Duration) -> String {
    if lasted.is_zero() { error.to_owned() } else { format!("{error} (for {})", seconds(lasted)) }
}

const REMEMBERED: usize = 1_000;
