//! The machine on virtual time, against a coordinator and leaders that say what the test wants. [`world::World`] checks
//! the room's promises after every step, whatever a test is about.

mod commits;
mod lookups;
mod random;
mod world;
