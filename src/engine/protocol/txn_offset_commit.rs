//! TxnOffsetCommit (key 28): offsets of a consumer group that count when the transaction is committed.

use super::add_partitions_to_txn::TxnTopicResult;
use super::offset_commit::OffsetCommitTopic;
use super::{DecodeError, Reader, VersionRange, Writer};

/// Versions that we speak. 2 = leader epoch, 3 = the member, so that it can be fenced (KIP-447), 5 = KIP-890.
pub const VERSIONS: VersionRange = VersionRange { min: 0, max: 5 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 3;
/// From this version on the group joins the transaction by itself, without AddOffsetsToTxn.
pub const FIRST_OF_TRANSACTIONS_V2: i16 = 5;

/// TxnOffsetCommit request.
#[derive(Debug, Clone, PartialEq)]
pub struct TxnOffsetCommitRequest {
    /// Whose transaction.
    pub transactional_id: String,
    /// The group.
    pub group_id: String,
    /// The transaction's producer id.
    pub producer_id: i64,
    /// Its epoch.
    pub producer_epoch: i16,
    /// The consumer's generation (v3), -1 when unknown.
    pub generation_id: i32,
    /// Its member id (v3), empty when unknown.
    pub member_id: String,
    /// Static membership (v3).
    pub group_instance_id: Option<String>,
    /// Per topic, by name.
    pub topics: Vec<OffsetCommitTopic>,
    /// The transaction was begun under `transaction.version` 0 or 1.
    pub transactions_v1: bool,
}

/// TxnOffsetCommit response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TxnOffsetCommitResponse {
    /// KIP-219 throttle (v1).
    pub throttle_time_ms: i32,
    /// Per topic.
    pub topics: Vec<TxnTopicResult>,
}

impl Default for TxnOffsetCommitRequest {
    fn default() -> TxnOffsetCommitRequest {
        TxnOffsetCommitRequest {
            transactional_id: String::new(),
            group_id: String::new(),
            producer_id: -1,
            producer_epoch: -1,
            generation_id: -1,
            member_id: String::new(),
            group_instance_id: None,
            topics: Vec::new(),
            transactions_v1: false,
        }
    }
}

impl TxnOffsetCommitRequest {
    /// The highest version that can carry this request: v5 means the second transaction protocol.
    pub fn max_version(&self) -> i16 {
        if self.transactions_v1 { FIRST_OF_TRANSACTIONS_V2 - 1 } else { VERSIONS.max }
    }

    pub(crate) fn encode(&self, version: i16, out: &mut Writer) {
        out.string(&self.transactional_id);
        out.string(&self.group_id);
        out.i64(self.producer_id);
        out.i16(self.producer_epoch);
        if version >= 3 {
            out.i32(self.generation_id);
            out.string(&self.member_id);
            out.nullable_string(&self.group_instance_id);
        }
        out.array(&self.topics, |out, topic| {
            out.string(&topic.name);
            out.array(&topic.partitions, |out, partition| partition.encode(version >= 2, out));
        });
        out.tags();
    }
}

impl TxnOffsetCommitResponse {
    pub(crate) fn decode(_: i16, input: &mut Reader) -> Result<TxnOffsetCommitResponse, DecodeError> {
        let response = TxnOffsetCommitResponse {
            throttle_time_ms: input.i32()?,
            topics: input.array(3, TxnTopicResult::decode)?,
        };
        input.tags()?;
        Ok(response)
    }
}
