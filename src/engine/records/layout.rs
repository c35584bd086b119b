//! Where things lie in a slab that holds one delivery. JavaScript mirrors these constants.
//!
//! Positions are bytes from the start of the slab; all numbers are little endian.
//!
//! ```text
//! 0      header, 128 bytes
//!          i32 at   0 message count        4 index position        8 header table position   12 header count
//!                  16 names position      20 name count           24 batch table position    28 batch count
//!          i64 at  32 baseOffset          40 baseTimestamp        48 firstOffset             56 lastOffset
//!                  64 nextOffset          72 highWatermark        80 fetchOffset             88 (free)
//!              96.. of the runtime (slot, epoch); never written here
//! 128    record bytes: ranges of the batches as they came (decompressed)
//! then, at a multiple of 8:
//!        batch table: 64 bytes for each batch that contributed messages; one that came in two runs is listed twice
//!          i32 firstMessage, i32 messageCount, i64 firstOffset (base offset), i64 firstTimestamp, i64 maxTimestamp,
//!          i64 producerId, i32 partitionLeaderEpoch, i32 lastOffsetDelta, i32 firstSequence, i32 producerEpoch,
//!          i32 attributes, i32 magic
//!        index: 8 × i32 for each message
//!          keyPos, keyLen (-1 null), valPos, valLen (-1 null), firstHeader, headerCount,
//!          offsetDelta (from baseOffset), timestampDelta (from baseTimestamp; below NEAREST the timestamp is entry
//!          timestampDelta - i32::MIN of the far timestamps)
//!        far timestamps: i64 for each run of equal ones that are further from baseTimestamp than 32 bits can say
//!        header table: 3 × i32 for each header: nameId, valPos, valLen (-1 null)
//!        names: 2 × i32 for each name: pos, len of its first occurrence in the record bytes. Mostly distinct; a
//!          delivery with very many names may list one twice.
//! ```

/// Bytes of the header; the record bytes start here.
pub const HEADER_BYTES: usize = 128;
/// Bytes per entry of the batch table.
pub const BATCH_BYTES: usize = 64;
/// Bytes per message in the index.
pub const INDEX_BYTES: usize = 32;
/// Bytes per far timestamp.
pub const FAR_TIMESTAMP_BYTES: usize = 8;
/// The lowest timestamp delta, ms. What is lower says where among the far timestamps the message's own is: a batch may be of
/// any times, a backfill beside what is live, -1 beside either, and no distance must end a delivery.
pub const NEAREST: i32 = -(1 << 30);
/// Bytes per entry of the header table.
pub const HEADER_ENTRY_BYTES: usize = 12;
/// Bytes per header name.
pub const NAME_BYTES: usize = 8;

/// i32: how many messages.
pub const MESSAGE_COUNT_AT: usize = 0;
/// i32: position of the index.
pub const INDEX_AT: usize = 4;
/// i32: position of the header table.
pub const HEADER_TABLE_AT: usize = 8;
/// i32: entries of the header table.
pub const HEADER_COUNT_AT: usize = 12;
/// i32: position of the names.
pub const NAMES_AT: usize = 16;
/// i32: how many names.
pub const NAME_COUNT_AT: usize = 20;
/// i32: position of the batch table.
pub const BATCH_TABLE_AT: usize = 24;
/// i32: entries of the batch table.
pub const BATCH_COUNT_AT: usize = 28;
/// i64: what the offset deltas of the index add to.
pub const BASE_OFFSET_AT: usize = 32;
/// i64: what the timestamp deltas of the index add to, ms.
pub const BASE_TIMESTAMP_AT: usize = 40;
/// i64: kafkajs's `batch.firstOffset()`.
pub const FIRST_OFFSET_AT: usize = 48;
/// i64: kafkajs's `batch.lastOffset()`.
pub const LAST_OFFSET_AT: usize = 56;
/// i64: where the next delivery goes on.
pub const NEXT_OFFSET_AT: usize = 64;
/// i64: the partition's high watermark when the fetch was answered.
pub const HIGH_WATERMARK_AT: usize = 72;
/// i64: the offset that was asked for.
pub const FETCH_OFFSET_AT: usize = 80;
/// From here to [`HEADER_BYTES`] the header belongs to the runtime.
pub const RUNTIME_AT: usize = 96;

/// What the start of the tables is a multiple of.
const TABLE_ALIGNMENT: usize = 8;
/// Bytes that aligning the tables costs at worst.
pub(super) const TABLE_PADDING: usize = TABLE_ALIGNMENT - 1;

/// Where the tables start when the data ends at `end`.
pub(super) fn tables_at(end: usize) -> usize {
    end.next_multiple_of(TABLE_ALIGNMENT)
}

/// A position or count as the slab holds it. Slabs are cut to `i32::MAX` bytes, so it never saturates.
#[inline(always)]
pub(super) fn int(value: usize) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

/// The two words of an i64, low one first.
pub(super) fn words(value: i64) -> [i32; 2] {
    let [a, b, c, d, e, f, g, h] = value.to_le_bytes();
    [i32::from_le_bytes([a, b, c, d]), i32::from_le_bytes([e, f, g, h])]
}

/// Writes table rows at `at`; answers where they end.
pub(super) fn write_rows<const N: usize>(slab: &mut [u8], at: usize, rows: &[[i32; N]]) -> usize {
    let words = rows.as_flattened();
    let end = at + 4 * words.len();
    if let Some(room) = slab.get_mut(at..end) {
        for (to, word) in room.as_chunks_mut().0.iter_mut().zip(words) {
            *to = word.to_le_bytes();
        }
    }
    end
}
