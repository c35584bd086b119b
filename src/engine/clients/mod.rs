//! The clients of a cluster, each a machine made of machines: the only rooms where those meet. Pure.

pub mod admin;
pub mod consumer;
pub mod producer;
