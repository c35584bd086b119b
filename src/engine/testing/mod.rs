//! What the tests of more than one room need.

pub(crate) mod allocation;
pub(crate) mod broker;
pub(crate) mod config;
pub(crate) mod encode;
pub(crate) mod exploration;
pub(crate) mod soak;
pub(crate) mod turns;
