//! The engine. Rooms and what each may know: see `ARCHITECTURE.md`; the law is `__test__/unit/layers.test.js`.

pub mod clients;
pub mod cluster;
pub mod delivery;
pub mod fetch;
pub mod group;
pub mod machine;
pub mod offsets;
pub mod produce;
pub mod protocol;
pub mod records;
pub mod transaction;

#[cfg(feature = "runtime")]
pub mod network;
#[cfg(feature = "runtime")]
pub mod runtime;

#[cfg(test)]
pub(crate) mod testing;
