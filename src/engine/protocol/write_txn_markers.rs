//! WriteTxnMarkers (key 27): a partition's leader ends a transaction there. Coordinators send it; an administrator does where a
//! transaction hangs (KIP-664).

use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak: those of brokers that tell which transactions hang. 2 = of which protocol the transaction is (KIP-1228), which
/// only its coordinator knows.
pub const VERSIONS: VersionRange = VersionRange { min: 1, max: 1 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 1;

/// WriteTxnMarkers request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WriteTxnMarkersRequest {
    /// The markers.
    pub markers: Vec<TxnMarker>,
}

/// One marker.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TxnMarker {
    /// Whose transaction.
    pub producer_id: i64,
    /// Its epoch.
    pub producer_epoch: i16,
    /// Committed, or aborted.
    pub commit: bool,
    /// Topic → partitions.
    pub topics: Vec<(String, Vec<i32>)>,
    /// The coordinator's: a leader refuses an older one than it has seen.
    pub coordinator_epoch: i32,
}

/// WriteTxnMarkers response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WriteTxnMarkersResponse {
    /// Per marker.
    pub markers: Vec<WrittenMarker>,
}

/// What became of one marker.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WrittenMarker {
    /// Whose.
    pub producer_id: i64,
    /// Topic → partition and its result.
    pub topics: Vec<(String, Vec<(i32, ErrorCode)>)>,
}

impl WriteTxnMarkersRequest {
    pub(crate) fn encode(&self, _version: i16, out: &mut Writer) {
        out.array(&self.markers, |out, marker| {
            out.i64(marker.producer_id);
            out.i16(marker.producer_epoch);
            out.bool(marker.commit);
            out.array(&marker.topics, |out, (topic, partitions)| {
                out.string(topic);
                out.i32s(partitions);
            });
            out.i32(marker.coordinator_epoch);
        });
        out.tags();
    }
}

impl WriteTxnMarkersResponse {
    pub(crate) fn decode(_version: i16, input: &mut Reader) -> Result<WriteTxnMarkersResponse, DecodeError> {
        let response = WriteTxnMarkersResponse {
            markers: input.array(10, |input| {
                Ok(WrittenMarker {
                    producer_id: input.i64()?,
                    topics: input.array(3, |input| {
                        Ok((input.string()?, input.array(7, |input| Ok((input.i32()?, input.error()?)))?))
                    })?,
                })
            })?,
        };
        input.tags()?;
        Ok(response)
    }
}
