//! What holds for deliveries, whichever the source.

mod promises;
