//! What has a coordinator of its own.

use std::fmt;
use std::sync::Arc;

use crate::engine::protocol::find_coordinator::KeyType;

/// What has a coordinator.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CoordinatorKey {
    /// A group or a transaction.
    pub kind: KeyType,
    /// Its group id or transactional id.
    pub id: Arc<str>,
}

impl CoordinatorKey {
    /// The group with this id.
    pub fn group(id: &str) -> CoordinatorKey {
        CoordinatorKey { kind: KeyType::Group, id: id.into() }
    }

    /// The transactions with this transactional id.
    pub fn transaction(id: &str) -> CoordinatorKey {
        CoordinatorKey { kind: KeyType::Transaction, id: id.into() }
    }
}

impl fmt::Display for CoordinatorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            KeyType::Group => write!(f, "group {:?}", self.id),
            KeyType::Transaction => write!(f, "transactional id {:?}", self.id),
        }
    }
}
