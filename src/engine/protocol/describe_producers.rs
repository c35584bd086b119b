//! DescribeProducers (key 61): who writes to a partition, and which transactions are open there (KIP-664).

use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak.
pub const VERSIONS: VersionRange = VersionRange { min: 0, max: 0 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 0;

/// DescribeProducers request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeProducersRequest {
    /// Topic → partitions.
    pub topics: Vec<(String, Vec<i32>)>,
}

/// DescribeProducers response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeProducersResponse {
    /// KIP-219 throttle.
    pub throttle_time_ms: i32,
    /// Topic → its partitions.
    pub topics: Vec<(String, Vec<PartitionProducers>)>,
}

/// The producers of one partition.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PartitionProducers {
    /// The partition.
    pub partition: i32,
    /// The result.
    pub error: ErrorCode,
    /// The broker's words.
    pub error_message: Option<String>,
    /// Those that the leader remembers.
    pub producers: Vec<ProducerState>,
}

/// One producer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProducerState {
    /// Its id.
    pub producer_id: i64,
    /// Its epoch.
    pub producer_epoch: i32,
    /// Of the last record, -1 when there is none.
    pub last_sequence: i32,
    /// Of the last record, ms; -1 when there is none.
    pub last_timestamp: i64,
    /// Of the coordinator that wrote the last marker, -1 when there is none.
    pub coordinator_epoch: i32,
    /// Where its open transaction begins; -1 = none is open.
    pub current_txn_start_offset: i64,
}

impl DescribeProducersRequest {
    pub(crate) fn encode(&self, _version: i16, out: &mut Writer) {
        out.array(&self.topics, |out, (topic, partitions)| {
            out.string(topic);
            out.i32s(partitions);
        });
        out.tags();
    }
}

impl DescribeProducersResponse {
    pub(crate) fn decode(
        _version: i16,
        input: &mut Reader,
    ) -> Result<DescribeProducersResponse, DecodeError> {
        let response = DescribeProducersResponse {
            throttle_time_ms: input.i32()?,
            topics: input
                .array(3, |input| Ok((input.string()?, input.array(9, PartitionProducers::decode)?)))?,
        };
        input.tags()?;
        Ok(response)
    }
}

impl PartitionProducers {
    fn decode(input: &mut Reader) -> Result<PartitionProducers, DecodeError> {
        Ok(PartitionProducers {
            partition: input.i32()?,
            error: input.error()?,
            error_message: input.nullable_string()?,
            producers: input.array(37, |input| {
                Ok(ProducerState {
                    producer_id: input.i64()?,
                    producer_epoch: input.i32()?,
                    last_sequence: input.i32()?,
                    last_timestamp: input.i64()?,
                    coordinator_epoch: input.i32()?,
                    current_txn_start_offset: input.i64()?,
                })
            })?,
        })
    }
}
