//! Options that suit tests. What a test is about it sets itself.

use std::time::Duration;

use crate::engine::delivery::DeliveryConfig;
use crate::engine::fetch::FetchConfig;

/// Room for a megabyte.
pub(crate) fn delivery(lanes: usize) -> DeliveryConfig {
    DeliveryConfig { max_queued_bytes: 1 << 20, lanes }
}

/// Long polls of a second, small partitions.
pub(crate) fn fetch(lanes: usize) -> FetchConfig {
    FetchConfig {
        max_wait: Duration::from_secs(1),
        min_bytes: 1,
        max_bytes: 1 << 20,
        max_bytes_per_partition: 4_000,
        read_committed: false,
        check_crcs: true,
        rack_id: String::new(),
        follower_max_age: Duration::from_secs(300),
        delivery: delivery(lanes),
    }
}
