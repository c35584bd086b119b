//! Arrays of a thousand of the smallest elements that a broker can send. A `min_size` that is too large refuses them.

use kafka_protocol::messages as theirs;
use kafka_protocol::messages::{
    add_partitions_to_txn_response as their_add, alter_partition_reassignments_response as their_moved,
    consumer_group_describe_response as their_describe, consumer_group_heartbeat_response as their_beat,
    create_topics_response as their_created, delete_acls_response as their_deleted_acls,
    delete_records_response as their_records, delete_topics_response as their_deleted,
    describe_acls_response as their_acls, describe_client_quotas_response as their_quotas,
    describe_configs_response as their_configs, describe_groups_response::DescribedGroup,
    describe_log_dirs_response as their_dirs, describe_producers_response as their_producers,
    describe_transactions_response as their_transactions,
    describe_user_scram_credentials_response as their_users, elect_leaders_response as their_elected,
    fetch_response::FetchableTopicResponse, fetch_response::PartitionData,
    list_offsets_response::ListOffsetsTopicResponse, list_partition_reassignments_response as their_listed,
    metadata_response::MetadataResponseTopic, offset_commit_response::OffsetCommitResponseTopic,
    offset_delete_response as their_forgotten, offset_fetch_response::OffsetFetchResponseGroup,
    offset_fetch_response::OffsetFetchResponseTopic, offset_fetch_response::OffsetFetchResponseTopics,
    offset_for_leader_epoch_response::OffsetForLeaderTopicResult, produce_response as their_produce,
    share_group_describe_response as their_share, txn_offset_commit_response as their_txn_commit,
    write_txn_markers_response as their_written,
};

use super::*;

fn many<T: Clone + Default>() -> Vec<T> {
    vec![T::default(); 1000]
}

fn accepts<T: Message + Encodable>(key: ApiKey, theirs: impl Fn(i16) -> T) {
    for version in common_versions::<T>(key) {
        let mut body = BytesMut::new();
        theirs(version).encode(&mut body, version).unwrap();
        let result = Response::decode(key, version, body.freeze());
        assert!(result.is_ok(), "{key:?} v{version}: {result:?}");
    }
}

#[test]
fn brokers_and_versions() {
    accepts(ApiKey::Metadata, |_| theirs::MetadataResponse::default().with_brokers(many()));
    accepts(ApiKey::Metadata, |_| theirs::MetadataResponse::default().with_topics(many()));
    accepts(ApiKey::Metadata, |_| {
        let topic = MetadataResponseTopic::default().with_partitions(many());
        theirs::MetadataResponse::default().with_topics(vec![topic])
    });
    accepts(ApiKey::ApiVersions, |_| theirs::ApiVersionsResponse::default().with_api_keys(many()));
    accepts(ApiKey::ApiVersions, |version| {
        let theirs = theirs::ApiVersionsResponse::default();
        theirs.with_supported_features(since(version, 3, many())).with_finalized_features(since(
            version,
            3,
            many(),
        ))
    });
    accepts(ApiKey::SaslHandshake, |_| theirs::SaslHandshakeResponse::default().with_mechanisms(many()));
}

#[test]
fn fetch() {
    accepts(ApiKey::Fetch, |_| theirs::FetchResponse::default().with_responses(many()));
    accepts(ApiKey::Fetch, |_| {
        let topic = FetchableTopicResponse::default().with_partitions(many());
        theirs::FetchResponse::default().with_responses(vec![topic])
    });
    accepts(ApiKey::Fetch, |_| {
        let partition = PartitionData::default().with_aborted_transactions(Some(many()));
        let topic = FetchableTopicResponse::default().with_partitions(vec![partition]);
        theirs::FetchResponse::default().with_responses(vec![topic])
    });
    accepts(ApiKey::Fetch, |version| {
        theirs::FetchResponse::default().with_node_endpoints(since(version, 16, many()))
    });
}

#[test]
fn groups() {
    accepts(ApiKey::FindCoordinator, |version| {
        theirs::FindCoordinatorResponse::default().with_coordinators(since(version, 4, many()))
    });
    accepts(ApiKey::JoinGroup, |version| {
        let protocol_name = (version < 7).then(StrBytes::new);
        theirs::JoinGroupResponse::default().with_protocol_name(protocol_name).with_members(many())
    });
    accepts(ApiKey::LeaveGroup, |version| {
        theirs::LeaveGroupResponse::default().with_members(since(version, 3, many()))
    });
    accepts(ApiKey::DescribeGroups, |_| theirs::DescribeGroupsResponse::default().with_groups(many()));
    accepts(ApiKey::DescribeGroups, |_| {
        let group = DescribedGroup::default().with_members(many());
        theirs::DescribeGroupsResponse::default().with_groups(vec![group])
    });
}

#[test]
fn consumer_groups() {
    accepts(ApiKey::ConsumerGroupHeartbeat, |_| {
        let assignment = their_beat::Assignment::default().with_topic_partitions(many());
        theirs::ConsumerGroupHeartbeatResponse::default().with_assignment(Some(assignment))
    });
    let described = |group| theirs::ConsumerGroupDescribeResponse::default().with_groups(vec![group]);
    accepts(ApiKey::ConsumerGroupDescribe, |_| {
        theirs::ConsumerGroupDescribeResponse::default().with_groups(many())
    });
    accepts(ApiKey::ConsumerGroupDescribe, |_| {
        described(their_describe::DescribedGroup::default().with_members(many()))
    });
    accepts(ApiKey::ConsumerGroupDescribe, |_| {
        let assignment = their_describe::Assignment::default().with_topic_partitions(many());
        let member = their_describe::Member::default().with_assignment(assignment);
        described(their_describe::DescribedGroup::default().with_members(vec![member]))
    });
}

#[test]
fn offsets() {
    accepts(ApiKey::OffsetCommit, |_| theirs::OffsetCommitResponse::default().with_topics(many()));
    accepts(ApiKey::OffsetCommit, |_| {
        let topic = OffsetCommitResponseTopic::default().with_partitions(many());
        theirs::OffsetCommitResponse::default().with_topics(vec![topic])
    });
    accepts(ApiKey::OffsetFetch, |version| {
        let theirs = theirs::OffsetFetchResponse::default();
        if version >= 8 { theirs.with_groups(many()) } else { theirs.with_topics(many()) }
    });
    accepts(ApiKey::OffsetFetch, |version| {
        let theirs = theirs::OffsetFetchResponse::default();
        if version >= 8 {
            theirs.with_groups(vec![OffsetFetchResponseGroup::default().with_topics(many())])
        } else {
            theirs.with_topics(vec![OffsetFetchResponseTopic::default().with_partitions(many())])
        }
    });
    accepts(ApiKey::OffsetFetch, |version| {
        let topic = OffsetFetchResponseTopics::default().with_partitions(many());
        let group = OffsetFetchResponseGroup::default().with_topics(vec![topic]);
        theirs::OffsetFetchResponse::default().with_groups(since_or(version, 8, vec![group], vec![]))
    });
    accepts(ApiKey::ListOffsets, |_| theirs::ListOffsetsResponse::default().with_topics(many()));
    accepts(ApiKey::ListOffsets, |_| {
        let topic = ListOffsetsTopicResponse::default().with_partitions(many());
        theirs::ListOffsetsResponse::default().with_topics(vec![topic])
    });
    accepts(ApiKey::OffsetForLeaderEpoch, |_| {
        theirs::OffsetForLeaderEpochResponse::default().with_topics(many())
    });
    accepts(ApiKey::OffsetForLeaderEpoch, |_| {
        let topic = OffsetForLeaderTopicResult::default().with_partitions(many());
        theirs::OffsetForLeaderEpochResponse::default().with_topics(vec![topic])
    });
}

#[test]
fn topics() {
    accepts(ApiKey::CreateTopics, |_| theirs::CreateTopicsResponse::default().with_topics(many()));
    accepts(ApiKey::CreateTopics, |version| {
        let topic = their_created::CreatableTopicResult::default();
        let topic = topic.with_configs(Some(since(version, 5, many())));
        theirs::CreateTopicsResponse::default().with_topics(vec![topic])
    });
    accepts(ApiKey::DeleteTopics, |version| {
        let topic = |_| their_deleted::DeletableTopicResult::default().with_name(Some(Default::default()));
        let topics = if version >= 6 { many() } else { (0..1000).map(topic).collect() };
        theirs::DeleteTopicsResponse::default().with_responses(topics)
    });
    accepts(ApiKey::CreatePartitions, |_| theirs::CreatePartitionsResponse::default().with_results(many()));
}

#[test]
fn configs() {
    let described = |results| theirs::DescribeConfigsResponse::default().with_results(results);
    accepts(ApiKey::DescribeConfigs, |_| described(many()));
    accepts(ApiKey::DescribeConfigs, |_| {
        described(vec![their_configs::DescribeConfigsResult::default().with_configs(many())])
    });
    accepts(ApiKey::DescribeConfigs, |_| {
        let config = their_configs::DescribeConfigsResourceResult::default().with_synonyms(many());
        described(vec![their_configs::DescribeConfigsResult::default().with_configs(vec![config])])
    });
    accepts(ApiKey::AlterConfigs, |_| theirs::AlterConfigsResponse::default().with_responses(many()));
    accepts(ApiKey::IncrementalAlterConfigs, |_| {
        theirs::IncrementalAlterConfigsResponse::default().with_responses(many())
    });
}

#[test]
fn partitions() {
    accepts(ApiKey::DeleteRecords, |_| theirs::DeleteRecordsResponse::default().with_topics(many()));
    accepts(ApiKey::DeleteRecords, |_| {
        let topic = their_records::DeleteRecordsTopicResult::default().with_partitions(many());
        theirs::DeleteRecordsResponse::default().with_topics(vec![topic])
    });
    accepts(ApiKey::DescribeLogDirs, |_| theirs::DescribeLogDirsResponse::default().with_results(many()));
    let dir = |topics| {
        let dir = their_dirs::DescribeLogDirsResult::default().with_topics(topics);
        theirs::DescribeLogDirsResponse::default().with_results(vec![dir])
    };
    accepts(ApiKey::DescribeLogDirs, |_| dir(many()));
    accepts(ApiKey::DescribeLogDirs, |_| {
        dir(vec![their_dirs::DescribeLogDirsTopic::default().with_partitions(many())])
    });
    accepts(ApiKey::ElectLeaders, |_| {
        theirs::ElectLeadersResponse::default().with_replica_election_results(many())
    });
    accepts(ApiKey::ElectLeaders, |_| {
        let topic = their_elected::ReplicaElectionResult::default().with_partition_result(many());
        theirs::ElectLeadersResponse::default().with_replica_election_results(vec![topic])
    });
    let moved = |topics| theirs::AlterPartitionReassignmentsResponse::default().with_responses(topics);
    accepts(ApiKey::AlterPartitionReassignments, |_| moved(many()));
    accepts(ApiKey::AlterPartitionReassignments, |_| {
        moved(vec![their_moved::ReassignableTopicResponse::default().with_partitions(many())])
    });
    let listed = |topics| theirs::ListPartitionReassignmentsResponse::default().with_topics(topics);
    accepts(ApiKey::ListPartitionReassignments, |_| listed(many()));
    accepts(ApiKey::ListPartitionReassignments, |_| {
        listed(vec![their_listed::OngoingTopicReassignment::default().with_partitions(many())])
    });
    accepts(ApiKey::DescribeCluster, |_| theirs::DescribeClusterResponse::default().with_brokers(many()));
}

#[test]
fn groups_and_their_offsets() {
    accepts(ApiKey::ListGroups, |_| theirs::ListGroupsResponse::default().with_groups(many()));
    accepts(ApiKey::DeleteGroups, |_| theirs::DeleteGroupsResponse::default().with_results(many()));
    accepts(ApiKey::OffsetDelete, |_| theirs::OffsetDeleteResponse::default().with_topics(many()));
    accepts(ApiKey::OffsetDelete, |_| {
        let topic = their_forgotten::OffsetDeleteResponseTopic::default().with_partitions(many());
        theirs::OffsetDeleteResponse::default().with_topics(vec![topic])
    });
    let shared = |group| theirs::ShareGroupDescribeResponse::default().with_groups(vec![group]);
    accepts(ApiKey::ShareGroupDescribe, |_| {
        theirs::ShareGroupDescribeResponse::default().with_groups(many())
    });
    accepts(ApiKey::ShareGroupDescribe, |_| {
        shared(their_share::DescribedGroup::default().with_members(many()))
    });
}

#[test]
fn security() {
    accepts(ApiKey::DescribeAcls, |_| theirs::DescribeAclsResponse::default().with_resources(many()));
    accepts(ApiKey::DescribeAcls, |_| {
        let resource = their_acls::DescribeAclsResource::default().with_acls(many());
        theirs::DescribeAclsResponse::default().with_resources(vec![resource])
    });
    accepts(ApiKey::CreateAcls, |_| theirs::CreateAclsResponse::default().with_results(many()));
    accepts(ApiKey::DeleteAcls, |_| theirs::DeleteAclsResponse::default().with_filter_results(many()));
    accepts(ApiKey::DeleteAcls, |_| {
        let filter = their_deleted_acls::DeleteAclsFilterResult::default().with_matching_acls(many());
        theirs::DeleteAclsResponse::default().with_filter_results(vec![filter])
    });
    accepts(ApiKey::DescribeUserScramCredentials, |_| {
        theirs::DescribeUserScramCredentialsResponse::default().with_results(many())
    });
    accepts(ApiKey::DescribeUserScramCredentials, |_| {
        let user = their_users::DescribeUserScramCredentialsResult::default().with_credential_infos(many());
        theirs::DescribeUserScramCredentialsResponse::default().with_results(vec![user])
    });
    accepts(ApiKey::AlterUserScramCredentials, |_| {
        theirs::AlterUserScramCredentialsResponse::default().with_results(many())
    });
    let quotas = |entry| theirs::DescribeClientQuotasResponse::default().with_entries(Some(vec![entry]));
    accepts(ApiKey::DescribeClientQuotas, |_| {
        theirs::DescribeClientQuotasResponse::default().with_entries(Some(many()))
    });
    accepts(ApiKey::DescribeClientQuotas, |_| quotas(their_quotas::EntryData::default().with_entity(many())));
    accepts(ApiKey::DescribeClientQuotas, |_| quotas(their_quotas::EntryData::default().with_values(many())));
    accepts(ApiKey::AlterClientQuotas, |_| theirs::AlterClientQuotasResponse::default().with_entries(many()));
}

#[test]
fn open_transactions() {
    accepts(ApiKey::DescribeProducers, |_| theirs::DescribeProducersResponse::default().with_topics(many()));
    let topic = |partitions| their_producers::TopicResponse::default().with_partitions(partitions);
    accepts(ApiKey::DescribeProducers, |_| {
        theirs::DescribeProducersResponse::default().with_topics(vec![topic(many())])
    });
    accepts(ApiKey::DescribeProducers, |_| {
        let partition = their_producers::PartitionResponse::default().with_active_producers(many());
        theirs::DescribeProducersResponse::default().with_topics(vec![topic(vec![partition])])
    });
    accepts(ApiKey::DescribeTransactions, |_| {
        theirs::DescribeTransactionsResponse::default().with_transaction_states(many())
    });
    accepts(ApiKey::DescribeTransactions, |_| {
        let told = their_transactions::TransactionState::default().with_topics(many());
        theirs::DescribeTransactionsResponse::default().with_transaction_states(vec![told])
    });
    accepts(ApiKey::ListTransactions, |_| {
        theirs::ListTransactionsResponse::default().with_transaction_states(many())
    });
    accepts(ApiKey::WriteTxnMarkers, |_| theirs::WriteTxnMarkersResponse::default().with_markers(many()));
    accepts(ApiKey::WriteTxnMarkers, |_| {
        let marker = their_written::WritableTxnMarkerResult::default().with_topics(many());
        theirs::WriteTxnMarkersResponse::default().with_markers(vec![marker])
    });
    accepts(ApiKey::WriteTxnMarkers, |_| {
        let topic = their_written::WritableTxnMarkerTopicResult::default().with_partitions(many());
        let marker = their_written::WritableTxnMarkerResult::default().with_topics(vec![topic]);
        theirs::WriteTxnMarkersResponse::default().with_markers(vec![marker])
    });
}

#[test]
fn produce_and_transactions() {
    accepts(ApiKey::Produce, |_| theirs::ProduceResponse::default().with_responses(many()));
    let topic =
        |partitions| their_produce::TopicProduceResponse::default().with_partition_responses(partitions);
    accepts(ApiKey::Produce, |_| theirs::ProduceResponse::default().with_responses(vec![topic(many())]));
    accepts(ApiKey::Produce, |version| {
        let partition = their_produce::PartitionProduceResponse::default();
        let partition = partition.with_record_errors(since(version, 8, many()));
        theirs::ProduceResponse::default().with_responses(vec![topic(vec![partition])])
    });
    accepts(ApiKey::Produce, |version| {
        theirs::ProduceResponse::default().with_node_endpoints(since(version, 10, many()))
    });
    accepts(ApiKey::AddPartitionsToTxn, |_| {
        theirs::AddPartitionsToTxnResponse::default().with_results_by_topic_v3_and_below(many())
    });
    accepts(ApiKey::AddPartitionsToTxn, |_| {
        let topic = their_add::AddPartitionsToTxnTopicResult::default().with_results_by_partition(many());
        theirs::AddPartitionsToTxnResponse::default().with_results_by_topic_v3_and_below(vec![topic])
    });
    accepts(ApiKey::TxnOffsetCommit, |_| theirs::TxnOffsetCommitResponse::default().with_topics(many()));
    accepts(ApiKey::TxnOffsetCommit, |_| {
        let topic = their_txn_commit::TxnOffsetCommitResponseTopic::default().with_partitions(many());
        theirs::TxnOffsetCommitResponse::default().with_topics(vec![topic])
    });
}
