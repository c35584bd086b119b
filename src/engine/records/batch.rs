//! The header of a record batch (magic 2, KIP-98): 61 bytes before the records.

use super::error::{Codec, RecordError};

/// What a batch says of itself. Message sets of magic 0 and 1 are put into the same words (see `legacy.rs`).
#[derive(Debug, Clone)]
pub(super) struct Batch {
    pub(super) base_offset: i64,
    pub(super) leader_epoch: i32,
    pub(super) magic: i8,
    pub(super) attributes: i16,
    pub(super) last_offset_delta: i32,
    pub(super) first_timestamp: i64,
    pub(super) max_timestamp: i64,
    pub(super) producer_id: i64,
    pub(super) producer_epoch: i16,
    pub(super) base_sequence: i32,
    pub(super) record_count: usize,
}

/// The entry at the front of `bytes`: a batch, or a message of the old format.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) base_offset: i64,
    pub(super) magic: i8,
    /// Bytes of the whole entry.
    pub(super) length: usize,
}

impl Frame {
    /// `None` when the entry is cut, as the last one of a fetch may be.
    pub(super) fn peek(bytes: &[u8]) -> Result<Option<Frame>, RecordError> {
        let Some(head) = bytes.first_chunk::<MAGIC_END>() else { return Ok(None) };
        let mut fields = BigEndian(head);
        let base_offset = i64::from_be_bytes(fields.next());
        let length = i32::from_be_bytes(fields.next());
        let _epoch_or_crc: [u8; 4] = fields.next();
        let magic = i8::from_be_bytes(fields.next());
        let invalid = |what, value: i32| {
            Err(RecordError::InvalidBatch { offset: base_offset, what, value: value.into() })
        };
        let minimum = match magic {
            0 => LEGACY_V0_OVERHEAD,
            1 => LEGACY_V1_OVERHEAD,
            2 => BATCH_OVERHEAD,
            _ => return invalid("magic", magic.into()),
        };
        let total = match usize::try_from(length) {
            Ok(length) => length.saturating_add(LOG_OVERHEAD),
            Err(_) => return invalid("length", length),
        };
        if total < minimum {
            return invalid("length", length);
        }
        Ok((bytes.len() >= total).then_some(Frame { base_offset, magic, length: total }))
    }
}

impl Batch {
    /// Reads the header of a whole batch of magic 2 and, if told so, checks its CRC. `None`: too short to be one.
    pub(super) fn read(bytes: &[u8], check_crc: bool) -> Result<Option<Batch>, RecordError> {
        let Some(head) = bytes.first_chunk::<BATCH_OVERHEAD>() else { return Ok(None) };
        let mut fields = BigEndian(head);
        let base_offset = i64::from_be_bytes(fields.next());
        let _length: [u8; 4] = fields.next();
        let leader_epoch = i32::from_be_bytes(fields.next());
        let magic = i8::from_be_bytes(fields.next());
        let crc = u32::from_be_bytes(fields.next());
        if check_crc {
            let actual = crc32c::crc32c(bytes.get(CRC_START..).unwrap_or_default());
            if actual != crc {
                return Err(RecordError::CrcMismatch { offset: base_offset, expected: crc, actual });
            }
        }
        let attributes = i16::from_be_bytes(fields.next());
        let last_offset_delta = i32::from_be_bytes(fields.next());
        let first_timestamp = i64::from_be_bytes(fields.next());
        let max_timestamp = i64::from_be_bytes(fields.next());
        let producer_id = i64::from_be_bytes(fields.next());
        let producer_epoch = i16::from_be_bytes(fields.next());
        let base_sequence = i32::from_be_bytes(fields.next());
        let record_count = i32::from_be_bytes(fields.next());

        let invalid = |what, value: i64| Err(RecordError::InvalidBatch { offset: base_offset, what, value });
        if last_offset_delta < 0 {
            return invalid("last offset delta", last_offset_delta.into());
        }
        if !are_offsets(base_offset, last_offset_delta) {
            return invalid("base offset", base_offset);
        }
        let Ok(record_count) = usize::try_from(record_count) else {
            return invalid("record count", record_count.into());
        };
        Ok(Some(Batch {
            base_offset,
            leader_epoch,
            magic,

            attributes,
            last_offset_delta,
            first_timestamp,
            max_timestamp,
            producer_id,
            producer_epoch,
            base_sequence,
            record_count,
        }))
    }

    /// The offset that ends the batch, which compaction may have removed.
    pub(super) fn last_offset(&self) -> i64 {
        self.base_offset + i64::from(self.last_offset_delta)
    }

    /// How the records are compressed, if they are.
    pub(super) fn codec(&self) -> Result<Option<Codec>, RecordError> {
        Ok(Some(match self.attributes & CODEC_MASK {
            0 => return Ok(None),
            1 => Codec::Gzip,
            2 => Codec::Snappy,
            3 => Codec::Lz4,
            4 => Codec::Zstd,
            id => {
                let (offset, value) = (self.base_offset, id.into());
                return Err(RecordError::InvalidBatch { offset, what: "compression codec", value });
            }
        }))
    }

    pub(super) fn is_log_append_time(&self) -> bool {
        self.attributes & LOG_APPEND_TIME != 0
    }

    pub(super) fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL != 0
    }

    pub(super) fn is_control(&self) -> bool {
        self.attributes & CONTROL != 0
    }

    pub(super) fn has_producer_id(&self) -> bool {
        self.producer_id >= 0
    }
}

/// The leader epochs that the batches of one answer can have. Those of a log never go down, and no leader writes a later one than
/// its own. The checksum does not cover them: one that cannot be was damaged on the way.
#[derive(Debug, Clone, Copy)]
pub struct LeaderEpochs {
    /// Of the record before the next batch; -1 when we do not know.
    pub least: i32,
    /// Of the leader that was asked.
    pub last: i32,
}

impl LeaderEpochs {
    /// Whatever there is.
    pub const ANY: LeaderEpochs = LeaderEpochs { least: -1, last: i32::MAX };

    /// The next batch's, or -1 if it cannot be.
    pub(super) fn next(&mut self, epoch: i32) -> i32 {
        if !(self.least..=self.last).contains(&epoch) {
            return -1;
        }
        self.least = epoch;
        epoch
    }
}

/// The offset after the last complete batch, and the batch's leader epoch (-1 in the old formats, and if it cannot be), from the
/// headers alone: where to fetch next while these records wait to be read. `None` when there is no complete batch. Stops at the first
/// header that cannot be; reading will say why.
pub fn end_offset(records: &[u8], mut epochs: LeaderEpochs) -> Option<(i64, i32)> {
    let mut end = None;
    let mut rest = records;
    while let Ok(Some(frame)) = Frame::peek(rest) {
        let (entry, tail) = rest.split_at_checked(frame.length)?;
        let last = match frame.magic {
            2 => Batch::read(entry, false)
                .ok()
                .flatten()
                .map(|batch| (batch.last_offset(), epochs.next(batch.leader_epoch))),
            _ => Some((frame.base_offset, -1)).filter(|(offset, _)| are_offsets(*offset, 0)),
        };
        let Some((last, leader_epoch)) = last else { break };
        end = end.max(Some((last + 1, leader_epoch)));
        rest = tail;
    }
    end
}

/// May a batch be here? There must be room for its offsets and for the position behind it. Not for what its records
/// say: their deltas are anything until they are found to lie within the batch.
pub(super) fn are_offsets(base_offset: i64, last_offset_delta: i32) -> bool {
    base_offset >= 0 && base_offset < i64::MAX - i64::from(last_offset_delta)
}

/// Fields off the front of a header of known size. The sizes of a header's fields add up to its own, so the zeroes
/// for "nothing left" are never read.
struct BigEndian<'a>(&'a [u8]);

impl BigEndian<'_> {
    fn next<const N: usize>(&mut self) -> [u8; N] {
        let Some((field, rest)) = self.0.split_first_chunk() else { return [0; N] };
        self.0 = rest;
        *field
    }
}

/// Base offset and length: what comes before the bytes that the length counts.
pub(super) const LOG_OVERHEAD: usize = 12;
/// Bytes of a batch before its records.
pub const BATCH_OVERHEAD: usize = 61;
/// The CRC covers everything from here, the attributes, on.
const CRC_START: usize = 21;
/// The magic lies at the same place in all formats; the entry can be told apart up to here.
const MAGIC_END: usize = 17;
/// Offset, size, CRC, magic, attributes, key length, value length.
const LEGACY_V0_OVERHEAD: usize = LOG_OVERHEAD + 4 + 1 + 1 + 4 + 4;
/// The same and a timestamp.
const LEGACY_V1_OVERHEAD: usize = LEGACY_V0_OVERHEAD + 8;

const CODEC_MASK: i16 = 0b111;
const LOG_APPEND_TIME: i16 = 1 << 3;
pub(super) const TRANSACTIONAL: i16 = 1 << 4;
const CONTROL: i16 = 1 << 5;
