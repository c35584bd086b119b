//! API keys, the versions that we speak, and the two enums that carry any request and any response.

use bytes::Bytes;

use super::error::DecodeError;
use super::primitives::{Reader, Writer};
use super::*;

/// An inclusive range of versions of one API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionRange {
    /// Lowest version.
    pub min: i16,
    /// Highest version.
    pub max: i16,
}

impl VersionRange {
    /// The highest version that both sides speak. `None` when there is none, or when the broker does not list the
    /// API at all (`theirs` is `None`).
    pub fn negotiate(self, theirs: Option<VersionRange>) -> Option<i16> {
        let theirs = theirs?;
        let highest = self.max.min(theirs.max);
        (highest >= self.min.max(theirs.min)).then_some(highest)
    }
}

/// The body of a response of one API.
pub trait Body: Sized {
    /// The body, if the response is of this API.
    fn of(response: Response) -> Option<Self>;
}

macro_rules! apis {
    ($( $variant:ident = $key:literal, $module:ident :: $request:ident => $response:ident, $kafkajs:literal; )*) => {
        /// The numeric key of an API, as it stands in the request header.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(i16)]
        pub enum ApiKey { $(
            #[doc = concat!("API key ", stringify!($key), ".")]
            $variant = $key,
        )* }

        impl ApiKey {
            /// Every API that we speak.
            pub const ALL: &'static [ApiKey] = &[ $( ApiKey::$variant, )* ];

            /// The name that kafkajs gives this API in its network events.
            pub fn name(self) -> &'static str { match self { $( ApiKey::$variant => $kafkajs, )* } }

            /// The versions that we speak.
            pub fn versions(self) -> VersionRange { match self { $( ApiKey::$variant => $module::VERSIONS, )* } }

            /// The first version with compact types and tagged fields.
            pub fn first_flexible(self) -> i16 { match self { $( ApiKey::$variant => $module::FIRST_FLEXIBLE, )* } }

            /// Has `version` compact types and tagged fields?
            pub fn is_flexible(self, version: i16) -> bool { version >= self.first_flexible() }

            /// The key's number.
            pub fn code(self) -> i16 { match self { $( ApiKey::$variant => $key, )* } }
        }

        /// Any request body.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Request { $(
            #[doc = concat!("See [`", stringify!($module), "`].")]
            $variant($module::$request),
        )* }

        /// Any response body.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Response { $(
            #[doc = concat!("See [`", stringify!($module), "`].")]
            $variant($module::$response),
        )* }

        impl Request {
            /// Which API this is.
            pub fn key(&self) -> ApiKey { match self { $( Request::$variant(_) => ApiKey::$variant, )* } }

            /// The highest version that can carry this request: topics without an id must go by name, transactions of
            /// the first protocol must not look like those of the second.
            pub fn max_version(&self) -> i16 {
                match self {
                    Request::Produce(body) => body.max_version(),
                    Request::Fetch(body) => body.max_version(),
                    Request::OffsetCommit(body) => body.max_version(),
                    Request::OffsetFetch(body) => body.max_version(),
                    Request::EndTxn(body) => body.max_version(),
                    Request::TxnOffsetCommit(body) => body.max_version(),
                    other => other.key().versions().max,
                }
            }

            /// The lowest version that can carry this request.
            pub fn min_version(&self) -> i16 {
                match self {
                    Request::FindCoordinator(body) => body.min_version(),
                    Request::LeaveGroup(body) => body.min_version(),
                    Request::ListGroups(body) => body.min_version(),
                    Request::OffsetFetch(body) => body.min_version(),
                    Request::ListTransactions(body) => body.min_version(),
                    Request::Metadata(body) => body.min_version(),
                    Request::ListOffsets(body) => body.min_version(),
                    Request::ElectLeaders(body) => body.min_version(),
                    Request::DescribeCluster(body) => body.min_version(),
                    other => other.key().versions().min,
                }
            }

            /// Will the broker answer? It does not answer a Produce that wants no acknowledgement.
            pub fn is_answered(&self) -> bool {
                !matches!(self, Request::Produce(body) if body.acks == 0)
            }

            /// May there be a secret in it, which is not to be left in memory?
            pub fn is_secret(&self) -> bool {
                matches!(self, Request::SaslAuthenticate(_))
            }

            /// About how long the body is, where that is worth knowing before it is written; else 0.
            pub fn size_hint(&self) -> usize {
                match self {
                    Request::Produce(body) => body.size_hint(),
                    _ => 0,
                }
            }

            /// Writes the body in `version`, which must lie within [`ApiKey::versions`].
            pub fn encode(&self, version: i16, out: &mut Writer) {
                out.set_flexible(self.key().is_flexible(version));
                match self { $( Request::$variant(body) => body.encode(version, out), )* }
            }
        }

        impl Response {
            /// Which API this is.
            pub fn key(&self) -> ApiKey { match self { $( Response::$variant(_) => ApiKey::$variant, )* } }

            /// Reads a body (behind the response header) of `key` in `version`.
            pub fn decode(key: ApiKey, version: i16, body: Bytes) -> Result<Response, DecodeError> {
                let mut input = Reader::new(body);
                input.set_flexible(key.is_flexible(version));
                match key { $(
                    ApiKey::$variant => $module::$response::decode(version, &mut input).map(Response::$variant),
                )* }
            }
        }

        $(
            impl From<$module::$request> for Request {
                fn from(body: $module::$request) -> Request { Request::$variant(body) }
            }

            impl Body for $module::$response {
                fn of(response: Response) -> Option<$module::$response> {
                    match response {
                        Response::$variant(body) => Some(body),
                        _ => None,
                    }
                }
            }
        )*
    };
}

apis! {
    Produce = 0, produce::ProduceRequest => ProduceResponse, "Produce";
    Fetch = 1, fetch::FetchRequest => FetchResponse, "Fetch";
    ListOffsets = 2, list_offsets::ListOffsetsRequest => ListOffsetsResponse, "ListOffsets";
    Metadata = 3, metadata::MetadataRequest => MetadataResponse, "Metadata";
    OffsetCommit = 8, offset_commit::OffsetCommitRequest => OffsetCommitResponse, "OffsetCommit";
    OffsetFetch = 9, offset_fetch::OffsetFetchRequest => OffsetFetchResponse, "OffsetFetch";
    FindCoordinator = 10, find_coordinator::FindCoordinatorRequest => FindCoordinatorResponse, "GroupCoordinator";
    JoinGroup = 11, join_group::JoinGroupRequest => JoinGroupResponse, "JoinGroup";
    Heartbeat = 12, heartbeat::HeartbeatRequest => HeartbeatResponse, "Heartbeat";
    LeaveGroup = 13, leave_group::LeaveGroupRequest => LeaveGroupResponse, "LeaveGroup";
    SyncGroup = 14, sync_group::SyncGroupRequest => SyncGroupResponse, "SyncGroup";
    DescribeGroups = 15, describe_groups::DescribeGroupsRequest => DescribeGroupsResponse, "DescribeGroups";
    ListGroups = 16, list_groups::ListGroupsRequest => ListGroupsResponse, "ListGroups";
    SaslHandshake = 17, sasl_handshake::SaslHandshakeRequest => SaslHandshakeResponse, "SaslHandshake";
    ApiVersions = 18, api_versions::ApiVersionsRequest => ApiVersionsResponse, "ApiVersions";
    CreateTopics = 19, create_topics::CreateTopicsRequest => CreateTopicsResponse, "CreateTopics";
    DeleteTopics = 20, delete_topics::DeleteTopicsRequest => DeleteTopicsResponse, "DeleteTopics";
    DeleteRecords = 21, delete_records::DeleteRecordsRequest => DeleteRecordsResponse, "DeleteRecords";
    InitProducerId = 22, init_producer_id::InitProducerIdRequest => InitProducerIdResponse, "InitProducerId";
    OffsetForLeaderEpoch = 23, offset_for_leader_epoch::OffsetForLeaderEpochRequest => OffsetForLeaderEpochResponse, "OffsetForLeaderEpoch";
    AddPartitionsToTxn = 24, add_partitions_to_txn::AddPartitionsToTxnRequest => AddPartitionsToTxnResponse, "AddPartitionsToTxn";
    AddOffsetsToTxn = 25, add_offsets_to_txn::AddOffsetsToTxnRequest => AddOffsetsToTxnResponse, "AddOffsetsToTxn";
    EndTxn = 26, end_txn::EndTxnRequest => EndTxnResponse, "EndTxn";
    WriteTxnMarkers = 27, write_txn_markers::WriteTxnMarkersRequest => WriteTxnMarkersResponse, "WriteTxnMarkers";
    TxnOffsetCommit = 28, txn_offset_commit::TxnOffsetCommitRequest => TxnOffsetCommitResponse, "TxnOffsetCommit";
    DescribeAcls = 29, describe_acls::DescribeAclsRequest => DescribeAclsResponse, "DescribeAcls";
    CreateAcls = 30, create_acls::CreateAclsRequest => CreateAclsResponse, "CreateAcls";
    DeleteAcls = 31, delete_acls::DeleteAclsRequest => DeleteAclsResponse, "DeleteAcls";
    DescribeConfigs = 32, describe_configs::DescribeConfigsRequest => DescribeConfigsResponse, "DescribeConfigs";
    AlterConfigs = 33, alter_configs::AlterConfigsRequest => AlterConfigsResponse, "AlterConfigs";
    DescribeLogDirs = 35, describe_log_dirs::DescribeLogDirsRequest => DescribeLogDirsResponse, "DescribeLogDirs";
    SaslAuthenticate = 36, sasl_authenticate::SaslAuthenticateRequest => SaslAuthenticateResponse, "SaslAuthenticate";
    CreatePartitions = 37, create_partitions::CreatePartitionsRequest => CreatePartitionsResponse, "CreatePartitions";
    DeleteGroups = 42, delete_groups::DeleteGroupsRequest => DeleteGroupsResponse, "DeleteGroups";
    ElectLeaders = 43, elect_leaders::ElectLeadersRequest => ElectLeadersResponse, "ElectLeaders";
    IncrementalAlterConfigs = 44, incremental_alter_configs::IncrementalAlterConfigsRequest => IncrementalAlterConfigsResponse, "IncrementalAlterConfigs";
    AlterPartitionReassignments = 45, alter_partition_reassignments::AlterPartitionReassignmentsRequest => AlterPartitionReassignmentsResponse, "AlterPartitionReassignments";
    ListPartitionReassignments = 46, list_partition_reassignments::ListPartitionReassignmentsRequest => ListPartitionReassignmentsResponse, "ListPartitionReassignments";
    OffsetDelete = 47, offset_delete::OffsetDeleteRequest => OffsetDeleteResponse, "OffsetDelete";
    DescribeClientQuotas = 48, describe_client_quotas::DescribeClientQuotasRequest => DescribeClientQuotasResponse, "DescribeClientQuotas";
    AlterClientQuotas = 49, alter_client_quotas::AlterClientQuotasRequest => AlterClientQuotasResponse, "AlterClientQuotas";
    DescribeUserScramCredentials = 50, describe_user_scram_credentials::DescribeUserScramCredentialsRequest => DescribeUserScramCredentialsResponse, "DescribeUserScramCredentials";
    AlterUserScramCredentials = 51, alter_user_scram_credentials::AlterUserScramCredentialsRequest => AlterUserScramCredentialsResponse, "AlterUserScramCredentials";
    DescribeCluster = 60, describe_cluster::DescribeClusterRequest => DescribeClusterResponse, "DescribeCluster";
    DescribeProducers = 61, describe_producers::DescribeProducersRequest => DescribeProducersResponse, "DescribeProducers";
    DescribeTransactions = 65, describe_transactions::DescribeTransactionsRequest => DescribeTransactionsResponse, "DescribeTransactions";
    ListTransactions = 66, list_transactions::ListTransactionsRequest => ListTransactionsResponse, "ListTransactions";
    ConsumerGroupHeartbeat = 68, consumer_group_heartbeat::ConsumerGroupHeartbeatRequest => ConsumerGroupHeartbeatResponse, "ConsumerGroupHeartbeat";
    ConsumerGroupDescribe = 69, consumer_group_describe::ConsumerGroupDescribeRequest => ConsumerGroupDescribeResponse, "ConsumerGroupDescribe";
    ShareGroupDescribe = 77, share_group_describe::ShareGroupDescribeRequest => ShareGroupDescribeResponse, "ShareGroupDescribe";
    StreamsGroupDescribe = 89, streams_group_describe::StreamsGroupDescribeRequest => StreamsGroupDescribeResponse, "StreamsGroupDescribe";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negotiates_the_highest_common_version() {
        let range = |min, max| VersionRange { min, max };
        assert_eq!(range(4, 17).negotiate(Some(range(0, 18))), Some(17));
        assert_eq!(range(4, 17).negotiate(Some(range(4, 11))), Some(11));
        assert_eq!(range(4, 17).negotiate(Some(range(17, 20))), Some(17));
    }

    #[test]
    fn no_common_version_is_none() {
        let range = |min, max| VersionRange { min, max };
        assert_eq!(range(4, 17).negotiate(Some(range(0, 3))), None);
        assert_eq!(range(4, 17).negotiate(Some(range(18, 20))), None);
        assert_eq!(range(4, 17).negotiate(Some(range(9, 8))), None, "a range of nothing");
        assert_eq!(range(4, 17).negotiate(None), None, "not listed");
    }
}
