//! Record batches, both ways: from the bytes of a Fetch response to *deliveries* that JavaScript reads with typed arrays, and
//! from the sends that JavaScript hands over to the batches of a Produce request. Pure.
//!
//! ```text
//! FetchedRecords ─ BatchReader ──────────────────────────────────────────────► slab
//!                  │ batch.rs         header, CRC-32C                           │ layout.rs   where things lie
//!                  │ transactions.rs  READ_COMMITTED filter                     │ delivery.rs data, then tables
//!                  │ codec/           gzip, snappy, lz4, zstd, bounded          │ tables.rs   index: the inner loop
//!                  │ record.rs        one record (magic 2)                      └ names.rs    header names, once
//!                  └ legacy.rs        message sets (magic 0 and 1)
//! ```
//!
//! ```text
//! turn ─► Send ─► Message ─► BatchWriter ─► Records ─► header, body
//!         turn.rs            writer.rs                codec/compress.rs
//! ```
//!
//! One pass, nothing allocated per record: the bytes of the records are copied into the slab with one `memcpy` per
//! contiguous range, the parser reads them there, and what it learns goes into an index of Int32 behind them.
//! Every number in a batch is distrusted: the parser never panics and allocates no more than a small multiple of
//! what it was given, decompression no more than the limit of its [`Decompressor`].

#![deny(clippy::indexing_slicing, clippy::cast_possible_truncation)]

pub mod layout;
pub mod turn;

mod batch;
mod codec;
mod delivery;
mod error;
mod legacy;
mod names;
mod reader;
mod record;
mod tables;
mod transactions;
mod unreadable;
mod varint;
mod writer;

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "tests")]
pub(crate) mod tests;

pub use batch::{BATCH_OVERHEAD, LeaderEpochs, end_offset};
pub use codec::{CompressError, Compressor, Decompressor};
pub use delivery::Summary;
pub use error::{Codec, CodecError, RecordError};
pub use reader::{BatchReader, Estimate, FetchedRecords, Fill};
pub use unreadable::Unreadable;
pub use writer::{BatchWriter, Records, Sequence, Written};
