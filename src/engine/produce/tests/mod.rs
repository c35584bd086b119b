//! The machine on virtual time, against a model of brokers that knows sequences as they do.

mod batches;
mod brokers;
mod failures;
mod points;
mod random;
mod sequences;
mod unused;
mod world;
