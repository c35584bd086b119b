//! READ_COMMITTED: which batches belong to transactions that were aborted (KIP-98).
//!
//! The broker lists the aborted transactions that overlap a fetch. One begins at its first offset and ends at the
//! producer's next ABORT marker; everything transactional that the producer wrote in between is not to be seen.

use std::collections::HashSet;

use super::batch::Batch;
use super::record::{Current, Format};
use crate::engine::protocol::fetch::AbortedTransaction;

/// Follows the batches of one fetch in order.
#[derive(Debug)]
pub(super) struct TransactionFilter {
    /// Not begun yet; by first offset, the next one last.
    pending: Vec<AbortedTransaction>,
    /// Producers inside an aborted transaction.
    aborting: HashSet<i64>,
}

impl TransactionFilter {
    /// The list may come in any order (Redpanda's does).
    pub(super) fn new(mut aborted: Vec<AbortedTransaction>) -> TransactionFilter {
        aborted.sort_unstable_by_key(|transaction| std::cmp::Reverse(transaction.first_offset));
        TransactionFilter { pending: aborted, aborting: HashSet::new() }
    }

    /// Must the records of `batch` be skipped? `body` is what follows its header.
    pub(super) fn skips(&mut self, batch: &Batch, body: &[u8]) -> bool {
        if !batch.has_producer_id() {
            return false;
        }
        while let Some(next) = self.pending.pop_if(|next| next.first_offset <= batch.last_offset()) {
            self.aborting.insert(next.producer_id);
        }
        if self.aborting.is_empty() {
            return false;
        }
        if batch.is_control() {
            if is_abort_marker(batch, body) {
                self.aborting.remove(&batch.producer_id);
            }
            return true;
        }
        batch.is_transactional() && self.aborting.contains(&batch.producer_id)
    }
}

/// Control records are never compressed; their key is a version and a type, both i16. Anything else ends no transaction.
fn is_abort_marker(batch: &Batch, body: &[u8]) -> bool {
    let format = Current { base_timestamp: 0, same_timestamp: false };
    let (Ok(None), Some(record)) = (batch.codec(), format.read(body, 0)) else { return false };
    let length = usize::try_from(record.key.length).unwrap_or(0);
    let key = body.get(record.key.at as usize..).and_then(|key| key.get(..length));
    matches!(key, Some([_, _, high, low, ..]) if i16::from_be_bytes([*high, *low]) == ABORT)
}

const ABORT: i16 = 0;
