//! KIP-219: how long a response asks us to be quiet.

use std::time::Duration;

use crate::engine::protocol::Response;

/// The time for which the connection must be mute. Zero in the versions where the broker delayed the response instead.
pub(super) fn throttle_time(response: &Response, version: i16) -> Duration {
    let (since, ms) = match response {
        Response::Produce(r) => (6, r.throttle_time_ms),
        Response::Fetch(r) => (8, r.throttle_time_ms),
        Response::ListOffsets(r) => (3, r.throttle_time_ms),
        Response::Metadata(r) => (6, r.throttle_time_ms),
        Response::OffsetCommit(r) => (4, r.throttle_time_ms),
        Response::OffsetFetch(r) => (4, r.throttle_time_ms),
        Response::FindCoordinator(r) => (2, r.throttle_time_ms),
        Response::JoinGroup(r) => (3, r.throttle_time_ms),
        Response::Heartbeat(r) => (2, r.throttle_time_ms),
        Response::LeaveGroup(r) => (2, r.throttle_time_ms),
        Response::SyncGroup(r) => (2, r.throttle_time_ms),
        Response::DescribeGroups(r) => (2, r.throttle_time_ms),
        Response::CreateTopics(r) => (3, r.throttle_time_ms),
        Response::DeleteTopics(r) => (2, r.throttle_time_ms),
        Response::CreatePartitions(r) => (1, r.throttle_time_ms),
        Response::DeleteRecords(r) => (1, r.throttle_time_ms),
        Response::DescribeConfigs(r) => (2, r.throttle_time_ms),
        Response::AlterConfigs(r) => (1, r.throttle_time_ms),
        Response::IncrementalAlterConfigs(r) => (0, r.throttle_time_ms),
        Response::DescribeLogDirs(r) => (1, r.throttle_time_ms),
        Response::ElectLeaders(r) => (0, r.throttle_time_ms),
        Response::AlterPartitionReassignments(r) => (0, r.throttle_time_ms),
        Response::ListPartitionReassignments(r) => (0, r.throttle_time_ms),
        Response::DescribeCluster(r) => (0, r.throttle_time_ms),
        Response::ConsumerGroupHeartbeat(r) => (0, r.throttle_time_ms),
        Response::ConsumerGroupDescribe(r) => (0, r.throttle_time_ms),
        Response::InitProducerId(r) => (1, r.throttle_time_ms),
        Response::AddPartitionsToTxn(r) => (1, r.throttle_time_ms),
        Response::AddOffsetsToTxn(r) => (1, r.throttle_time_ms),
        Response::EndTxn(r) => (1, r.throttle_time_ms),
        Response::TxnOffsetCommit(r) => (1, r.throttle_time_ms),
        Response::ListGroups(r) => (2, r.throttle_time_ms),
        Response::DeleteGroups(r) => (1, r.throttle_time_ms),
        Response::ShareGroupDescribe(r) => (0, r.throttle_time_ms),
        Response::StreamsGroupDescribe(r) => (0, r.throttle_time_ms),
        Response::OffsetDelete(r) => (0, r.throttle_time_ms),
        Response::DescribeAcls(r) => (1, r.throttle_time_ms),
        Response::CreateAcls(r) => (1, r.throttle_time_ms),
        Response::DeleteAcls(r) => (1, r.throttle_time_ms),
        Response::DescribeClientQuotas(r) => (0, r.throttle_time_ms),
        Response::AlterClientQuotas(r) => (0, r.throttle_time_ms),
        Response::DescribeUserScramCredentials(r) => (0, r.throttle_time_ms),
        Response::AlterUserScramCredentials(r) => (0, r.throttle_time_ms),
        Response::DescribeProducers(r) => (0, r.throttle_time_ms),
        Response::DescribeTransactions(r) => (0, r.throttle_time_ms),
        Response::ListTransactions(r) => (0, r.throttle_time_ms),
        Response::ApiVersions(r) => (2, r.throttle_time_ms),
        Response::OffsetForLeaderEpoch(_)
        | Response::SaslHandshake(_)
        | Response::SaslAuthenticate(_)
        | Response::WriteTxnMarkers(_) => {
            return Duration::ZERO;
        }
    };
    if version < since {
        return Duration::ZERO;
    }
    Duration::from_millis(u64::try_from(ms).unwrap_or(0)).min(LONGEST)
}

/// Brokers do not count back further than their windows, eleven seconds by default; a damaged number could say weeks.
const LONGEST: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::protocol::fetch::FetchResponse;
    use crate::engine::protocol::offset_commit::OffsetCommitResponse;
    use crate::engine::protocol::produce::ProduceResponse;

    #[test]
    fn only_where_the_broker_answers_before_it_throttles() {
        let fetch = |ms| Response::Fetch(FetchResponse { throttle_time_ms: ms, ..FetchResponse::default() });
        assert_eq!(throttle_time(&fetch(1500), 7), Duration::ZERO);
        assert_eq!(throttle_time(&fetch(1500), 8), Duration::from_millis(1500));
        assert_eq!(throttle_time(&fetch(-1), 17), Duration::ZERO);
        assert_eq!(throttle_time(&fetch(i32::MAX), 17), LONGEST);
        let commit = OffsetCommitResponse { throttle_time_ms: 20, ..OffsetCommitResponse::default() };
        assert_eq!(throttle_time(&Response::OffsetCommit(commit.clone()), 3), Duration::ZERO);
        assert_eq!(throttle_time(&Response::OffsetCommit(commit), 4), Duration::from_millis(20));
        let produce =
            Response::Produce(ProduceResponse { throttle_time_ms: 20, ..ProduceResponse::default() });
        assert_eq!(throttle_time(&produce, 5), Duration::ZERO);
        assert_eq!(throttle_time(&produce, 6), Duration::from_millis(20));
    }
}
