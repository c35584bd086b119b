//! The member against answers given by hand, and against a model of the coordinator.

mod member;
mod model;
mod places;
mod world;
