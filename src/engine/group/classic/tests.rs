//! The machine on virtual time, against a coordinator that says what the test wants. [`world::World`] checks the
//! room's promises after every step, whatever a test is about.

mod cooperative;
mod joining;
mod leaving;
mod member;
mod model;
mod random;
mod refusals;
mod session;
mod world;
