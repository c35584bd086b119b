//! The machine on virtual time, with a decoder, lanes, slabs and brokers that keep real logs and fetch sessions.
//! [`world::World`] checks the room's promises after every step, whatever a test is about.

mod answers;
mod damage;
mod delivery;
mod followers;
mod pausing;
mod random;
mod spacing;
mod truncation;
mod world;
