//! Options that suit tests. What a test is about it sets itself.

use std::time::Duration;

use crate::engine::clients::consumer::{ConsumerConfig, GroupProtocol, HooksGiven, Offered, ResetPolicy};
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

/// A dynamic member of group `g` by the classic protocol, with an assignor of the facade's, that commits by itself.
pub(crate) fn consumer(lanes: usize) -> ConsumerConfig {
    ConsumerConfig {
        group_protocol: GroupProtocol::Classic,
        group_remote_assignor: None,
        assignors: vec![Offered::EAGER],
        group_id: "g".into(),
        group_instance_id: None,
        session_timeout: Duration::from_secs(30),
        rebalance_timeout: Duration::from_secs(60),
        heartbeat_interval: Duration::from_secs(1),
        max_poll_interval: Duration::from_secs(300),
        hooks: HooksGiven::default(),
        metadata_max_age: Duration::from_secs(300),
        allow_auto_topic_creation: false,
        auto_offset_reset: ResetPolicy::ByTopic,
        max_decompressed_bytes: 1 << 20,
        auto_commit: true,
        auto_commit_interval: None,
        auto_commit_threshold: None,
        keeps_finished: false,
        fetch: fetch(lanes),
    }
}
