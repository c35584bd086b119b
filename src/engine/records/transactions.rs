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

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;
    use crate::engine::testing::encode::{TestBatch, TestRecord};

    const PRODUCER: i64 = 9;

    fn skips(filter: &mut TransactionFilter, batch: &TestBatch) -> bool {
        let bytes = batch.encode();
        let header = Batch::read(&bytes, true).unwrap().unwrap();
        filter.skips(&header, bytes.get(61..).unwrap())
    }

    fn data(offset: i64, transactional: bool) -> TestBatch {
        let batch = TestBatch::of(vec![TestRecord { offset, ..TestRecord::default() }]);
        TestBatch { transactional, producer_id: PRODUCER, ..batch }
    }

    fn inside_aborted() -> TransactionFilter {
        let mut filter =
            TransactionFilter::new(vec![AbortedTransaction { producer_id: PRODUCER, first_offset: 5 }]);
        assert!(!skips(&mut filter, &data(4, true)));
        assert!(skips(&mut filter, &data(5, true)));
        filter
    }

    #[test]
    fn an_abort_marker_ends_the_transaction() {
        let mut filter = inside_aborted();
        skips(&mut filter, &TestBatch::marker(6, PRODUCER, false));
        assert!(!skips(&mut filter, &data(7, true)));
    }

    #[test]
    fn nothing_else_does() {
        let mut not_a_marker = TestBatch::marker(6, PRODUCER, false);
        not_a_marker.control = false;
        let mut compressed = TestBatch::marker(6, PRODUCER, false);
        compressed.codec = 1;
        let mut short_key = TestBatch::marker(6, PRODUCER, false);
        short_key.records[0].key = Some(vec![0, 0, 0]);
        let mut no_key = TestBatch::marker(6, PRODUCER, false);
        no_key.records[0].key = None;
        let others = [TestBatch::marker(6, PRODUCER, true), TestBatch::marker(6, PRODUCER + 1, false)];
        for batch in others.into_iter().chain([not_a_marker, compressed, short_key, no_key]) {
            let mut filter = inside_aborted();
            skips(&mut filter, &batch);
            assert!(skips(&mut filter, &data(7, true)), "{batch:?}");
        }
    }

    #[test]
    fn only_transactional_batches_of_that_producer_are_skipped() {
        let mut filter = inside_aborted();
        assert!(!skips(&mut filter, &data(6, false)));
        assert!(!skips(&mut filter, &TestBatch { producer_id: PRODUCER + 1, ..data(6, true) }));
        assert!(!skips(&mut filter, &TestBatch { producer_id: -1, ..data(6, true) }));
        assert!(skips(&mut filter, &data(6, true)));
    }

    #[test]
    fn a_marker_may_end_a_transaction_without_data() {
        // There are no records before the marker: they were compacted away, or lie before what was fetched.
        let aborted = AbortedTransaction { producer_id: PRODUCER, first_offset: 2 };
        let mut filter = TransactionFilter::new(vec![aborted]);
        skips(&mut filter, &TestBatch::marker(6, PRODUCER, false));
        assert!(!skips(&mut filter, &data(7, true)));
    }
}
