//! On virtual time, with answers by hand.

mod commits;
mod deltas;
mod epochs;
mod finished;
mod flushes;
mod ids;
mod positions;
mod random;
mod refused;
mod world;
