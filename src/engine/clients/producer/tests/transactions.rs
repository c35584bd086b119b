//! Consume, transform, produce: a program that reads numbers, writes them, and commits how far it has read with them. Whatever
//! happens to it, to its requests and to its coordinators, a reader of committed messages gets each number once, in order.

mod broker;
mod ledger;
mod life;
mod losses;
mod model;
mod program;
mod refusals;
mod storms;
mod world;

use std::time::Duration;

use crate::engine::clients::producer::Reason;
use crate::engine::protocol::ErrorCode;

use world::World;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const PARTITIONS: usize = 3;

fn all_committed(world: &World) -> Vec<u64> {
    let mut all: Vec<u64> = (0..PARTITIONS).flat_map(|partition| world.model.committed(partition)).collect();
    all.sort_unstable();
    all
}

fn broker(code: ErrorCode) -> Reason {
    Reason::Broker { code, message: None }
}

/// Both protocols.
fn both(test: impl Fn(World)) {
    for is_v2 in [false, true] {
        test(World::new(is_v2, 7));
    }
}
