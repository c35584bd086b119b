//! Deliveries under a supplier that is not `fetch`, see [`supplier::Supplier`]. How positions follow deliveries is tested in `fetch`.

mod handover;
mod more;
mod pausing;
mod promises;
mod random;
mod supplier;
