//! kafkars: a Kafka consumer engine in Rust behind the kafkajs consumer API.
//!
//! This file is the map; it holds no code. `ARCHITECTURE.md` tells the story.
//!
//! ```text
//! engine::protocol   wire codec: primitives, one file per API, error codes          pure
//! engine::records    record batches: CRC, codecs, index, transaction filter         pure
//! engine::machine    what all machines share: targets, failures, back-off, log      pure
//! engine::cluster    metadata snapshot, coordinator lookup                          pure
//! engine::group      membership machine of the classic protocol                     pure
//! engine::offsets    committed and resolved offsets, reset, commit rules            pure
//! engine::fetch      positions, fetch sessions, buffers, pause                      pure
//! engine::consumer   the only room where the four machines meet                     pure
//! engine::network    TCP, TLS, SASL, framing                                        feature `runtime`
//! engine::runtime    tasks, clock, decode threads, hand-over queue                  feature `runtime`
//! bridge             napi: converts, decides nothing                                feature `node`
//! ```

pub mod engine;

#[cfg(feature = "node")]
mod bridge;
