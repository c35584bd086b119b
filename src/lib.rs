//! kafkars: a Kafka client engine in Rust behind the kafkajs API.
//!
//! This file is the map; it holds no code. `ARCHITECTURE.md` tells the story.
//!
//! ```text
//! engine::protocol   wire codec: primitives, one file per API, error codes          pure
//! engine::records    record batches: CRC, codecs, index, transaction filter         pure
//! engine::machine    what all machines share: targets, failures, back-off, log      pure
//! engine::cluster    metadata snapshot, coordinator lookup                          pure
//! engine::group      membership: the classic protocol and that of KIP-848           pure
//! engine::offsets    committed and resolved offsets, reset, commit rules            pure
//! engine::delivery   from fetched bytes to lanes: queue, decoding, slabs, pauses    pure
//! engine::fetch      positions, leaders, fetch sessions                             pure
//! engine::clients    the only rooms where machines meet: consumer                   pure
//! engine::network    TCP, TLS, SASL, framing                                        feature `runtime`
//! engine::runtime    tasks, clock, the decode task, the lock                        feature `runtime`
//! bridge             napi: converts, decides nothing                                feature `node`
//! ```

pub mod engine;

#[cfg(feature = "node")]
mod bridge;
