//! What the log says: of a look-up that goes on without success what is looked for, for how long, what brokers answer, what
//! the likely cause is and what to do; and of topics that come and go.

use std::time::Duration;

use crate::engine::machine::CoordinatorKey;
use crate::engine::machine::Log;
use crate::engine::machine::LogLevel;
use crate::engine::machine::seconds;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::find_coordinator::KeyType;
use crate::engine::protocol::metadata::MetadataPartition;

/// Nobody names the coordinator of `key`. `why` = the last answer, or why there was none; `brokers` = how many are known.
pub(super) fn coordinator(
    key: &CoordinatorKey,
    waited: Duration,
    why: &str,
    code: Option<ErrorCode>,
    brokers: usize,
) -> String {
    let line = format!("Failed to find the coordinator of {key}{}, trying again: {why}", since(waited));
    let (topic, setting) = match key.kind {
        KeyType::Group => ("__consumer_offsets", "offsets.topic.replication.factor"),
        KeyType::Transaction => ("__transaction_state", "transaction.state.log.replication.factor"),
    };
    match code {
        Some(ErrorCode::COORDINATOR_NOT_AVAILABLE) if !waited.is_zero() => format!(
            "{line}: the topic {topic} cannot be created, or its partition has no leader. Known brokers: {brokers}; \
             {setting} of the brokers (3 where it is not set) must not be above that"
        ),
        _ => line,
    }
}

/// No broker tells the metadata.
pub(super) fn metadata(waited: Duration, why: &str) -> String {
    format!("Failed to refresh the metadata{}, trying again: {why}", since(waited))
}

/// We subscribe to these topics, and brokers answer this about them.
pub(super) fn missing(waited: Duration, topics: &[(&str, ErrorCode)], may_be_created: bool) -> String {
    let named = topics.iter().map(|(name, code)| match *code {
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION => format!("{name:?} does not exist"),
        code => format!("{name:?} cannot be read ({})", code.name()),
    });
    let remedy = match may_be_created {
        true => {
            "create it; the brokers do not do it by themselves (auto.create.topics.enable), or cannot at present (no \
                 controller, too few brokers)"
        }
        false => "create it, or set allowAutoTopicCreation",
    };
    format!("Topic {}{}: {remedy}", some_of(named), since(waited))
}

/// These partitions have no leader.
pub(super) fn leaderless(waited: Duration, partitions: &[(&str, &MetadataPartition)]) -> String {
    let named = partitions.iter().map(|(topic, partition)| {
        let replicas: Vec<_> = partition.replicas.iter().map(i32::to_string).collect();
        format!("{topic:?} partition {} (replicas on brokers {})", partition.partition, replicas.join(", "))
    });
    format!("No leader of {}{}: are these brokers up?", some_of(named), since(waited))
}

/// A line does not grow with the cluster.
fn some_of(named: impl ExactSizeIterator<Item = String>) -> String {
    let more = named.len().saturating_sub(SHOWN);
    let mut list = named.take(SHOWN).collect::<Vec<_>>().join(", ");
    if more > 0 {
        list.push_str(&format!(" and {more} more"));
    }
    list
}

fn since(waited: Duration) -> String {
    if waited.is_zero() { String::new() } else { format!(" for {}", seconds(waited)) }
}

pub(super) fn log(level: LogLevel, message: String) -> Log {
    Log { level, namespace: "Cluster", message, extra: Vec::new() }
}

/// Nobody should have topics without knowing, those with a misspelt name for instance.
pub(super) fn creation(topic: &str) -> Log {
    let message = format!("Topic {topic:?} did not exist and was created (allowAutoTopicCreation)");
    let extra = vec![("topic", topic.to_owned())];
    Log { level: LogLevel::Info, namespace: "Cluster", message, extra }
}

/// Its partitions stay assigned, and wait for it to come back.
pub(super) fn deletion(topic: &str) -> Log {
    let message = format!("Topic {topic} does not exist any more, waiting for it to come back");
    let extra = vec![("topic", topic.to_owned())];
    Log { level: LogLevel::Warn, namespace: "Cluster", message, extra }
}

const SHOWN: usize = 3;
