//! The whole consumer on virtual time: a scripted coordinator, brokers with logs, a network with latency, handlers that
//! take time and fail. [`world::World`] keeps the ledger and checks the promises after every step.

mod assigned;
mod assignors;
mod cluster;
mod consumer_protocol;
mod cooperative;
mod coordinator;
mod guard;
mod handlers;
mod health;
mod hooks;
mod kip848;
mod learning;
mod ledger;
mod listener;
mod network;
mod overdue;
mod ownership;
mod partitions;
mod random;
mod rebalancing;
mod session;
mod stopping;
mod storm;
mod truncation;
mod waiting;
mod world;
