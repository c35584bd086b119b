/** Compile-only: every type of kafkajs exists here under the same name, and values pass both ways. */

import * as kafkajs from 'kafkajs'
import * as kafkars from '../..'

type Both<A, B> = [A] extends [B] ? ([B] extends [A] ? true : 'ours lacks') : 'ours has too much'
/** We take more, as values. */
type Takes<A, B> = [B] extends [A] ? true : 'ours lacks'
/** What we make can be more, as what methods of kafkajs's types return. */
type Gives<A, B> = [A] extends [B] ? true : 'ours lacks'
declare function check<T extends true>(): T

check<Both<kafkars.Without<any, any>, kafkajs.Without<any, any>>>()
check<Both<kafkars.XOR<any, any>, kafkajs.XOR<any, any>>>()
// Its consumers may have other types of keys and values.
check<Gives<kafkars.Kafka, kafkajs.Kafka>>()
check<Gives<typeof kafkars.Kafka, typeof kafkajs.Kafka>>()
check<Both<kafkars.BrokersFunction, kafkajs.BrokersFunction>>()
check<Both<kafkars.SaslAuthenticationRequest, kafkajs.SaslAuthenticationRequest>>()
check<Both<kafkars.SaslAuthenticationResponse<any>, kafkajs.SaslAuthenticationResponse<any>>>()
check<Both<kafkars.Authenticator, kafkajs.Authenticator>>()
check<Both<kafkars.SaslAuthenticateArgs<any>, kafkajs.SaslAuthenticateArgs<any>>>()
check<Both<kafkars.AuthenticationProviderArgs, kafkajs.AuthenticationProviderArgs>>()
check<Both<kafkars.Mechanism, kafkajs.Mechanism>>()
check<Both<kafkars.KafkaConfig, kafkajs.KafkaConfig>>()
check<Both<kafkars.ISocketFactoryArgs, kafkajs.ISocketFactoryArgs>>()
check<Both<kafkars.ISocketFactory, kafkajs.ISocketFactory>>()
check<Both<kafkars.OauthbearerProviderResponse, kafkajs.OauthbearerProviderResponse>>()
check<Both<kafkars.SASLMechanismOptionsMap, kafkajs.SASLMechanismOptionsMap>>()
check<Both<kafkars.SASLMechanism, kafkajs.SASLMechanism>>()
check<Both<kafkars.SASLMechanismOptions<any>, kafkajs.SASLMechanismOptions<any>>>()
check<Both<kafkars.SASLOptions, kafkajs.SASLOptions>>()
check<Both<kafkars.ProducerConfig, kafkajs.ProducerConfig>>()
check<Both<kafkars.Message, kafkajs.Message>>()
check<Both<kafkars.PartitionerArgs, kafkajs.PartitionerArgs>>()
check<Both<kafkars.ICustomPartitioner, kafkajs.ICustomPartitioner>>()
check<Both<kafkars.DefaultPartitioner, kafkajs.DefaultPartitioner>>()
check<Both<kafkars.LegacyPartitioner, kafkajs.LegacyPartitioner>>()
check<Both<typeof kafkars.Partitioners, typeof kafkajs.Partitioners>>()
check<Both<kafkars.PartitionMetadata, kafkajs.PartitionMetadata>>()
check<Both<kafkars.IHeaders, kafkajs.IHeaders>>()
// Assigners go by name as well.
check<Takes<kafkars.ConsumerConfig, kafkajs.ConsumerConfig>>()
check<Both<kafkars.PartitionAssigner, kafkajs.PartitionAssigner>>()
check<Both<kafkars.CoordinatorMetadata, kafkajs.CoordinatorMetadata>>()
check<Both<kafkars.Cluster, kafkajs.Cluster>>()
check<Both<kafkars.Assignment, kafkajs.Assignment>>()
check<Both<kafkars.GroupMember, kafkajs.GroupMember>>()
check<Both<kafkars.GroupMemberAssignment, kafkajs.GroupMemberAssignment>>()
check<Both<kafkars.GroupState, kafkajs.GroupState>>()
check<Both<kafkars.Assigner, kafkajs.Assigner>>()
check<Both<kafkars.RetryOptions, kafkajs.RetryOptions>>()
check<Both<kafkars.AdminConfig, kafkajs.AdminConfig>>()
check<Both<kafkars.ITopicConfig, kafkajs.ITopicConfig>>()
check<Both<kafkars.ITopicPartitionConfig, kafkajs.ITopicPartitionConfig>>()
check<Both<kafkars.ITopicMetadata, kafkajs.ITopicMetadata>>()
check<Both<kafkars.ReplicaAssignment, kafkajs.ReplicaAssignment>>()
check<Both<kafkars.PartitionReassignment, kafkajs.PartitionReassignment>>()
check<Both<kafkars.AclResourceTypes, kafkajs.AclResourceTypes>>()
check<Both<typeof kafkars.AclResourceTypes, typeof kafkajs.AclResourceTypes>>()
check<Both<kafkars.ConfigResourceTypes, kafkajs.ConfigResourceTypes>>()
check<Both<typeof kafkars.ConfigResourceTypes, typeof kafkajs.ConfigResourceTypes>>()
check<Both<kafkars.ConfigSource, kafkajs.ConfigSource>>()
check<Both<typeof kafkars.ConfigSource, typeof kafkajs.ConfigSource>>()
check<Both<kafkars.AclPermissionTypes, kafkajs.AclPermissionTypes>>()
check<Both<typeof kafkars.AclPermissionTypes, typeof kafkajs.AclPermissionTypes>>()
check<Both<kafkars.AclOperationTypes, kafkajs.AclOperationTypes>>()
check<Both<typeof kafkars.AclOperationTypes, typeof kafkajs.AclOperationTypes>>()
check<Both<kafkars.ResourcePatternTypes, kafkajs.ResourcePatternTypes>>()
check<Both<typeof kafkars.ResourcePatternTypes, typeof kafkajs.ResourcePatternTypes>>()
check<Both<kafkars.ResourceConfigQuery, kafkajs.ResourceConfigQuery>>()
check<Both<kafkars.ConfigEntries, kafkajs.ConfigEntries>>()
check<Both<kafkars.ConfigSynonyms, kafkajs.ConfigSynonyms>>()
check<Both<kafkars.DescribeConfigResponse, kafkajs.DescribeConfigResponse>>()
check<Both<kafkars.IResourceConfigEntry, kafkajs.IResourceConfigEntry>>()
check<Both<kafkars.IResourceConfig, kafkajs.IResourceConfig>>()
check<Both<kafkars.ValueOf<any>, kafkajs.ValueOf<any>>>()
check<Both<kafkars.AdminEvents, kafkajs.AdminEvents>>()
check<Both<kafkars.InstrumentationEvent<any>, kafkajs.InstrumentationEvent<any>>>()
check<
  Both<
    kafkars.RemoveInstrumentationEventListener<any>,
    kafkajs.RemoveInstrumentationEventListener<any>
  >
>()
check<Both<kafkars.ConnectEvent, kafkajs.ConnectEvent>>()
check<Both<kafkars.DisconnectEvent, kafkajs.DisconnectEvent>>()
check<Both<kafkars.RequestEvent, kafkajs.RequestEvent>>()
check<Both<kafkars.RequestTimeoutEvent, kafkajs.RequestTimeoutEvent>>()
check<Both<kafkars.RequestQueueSizeEvent, kafkajs.RequestQueueSizeEvent>>()
check<Both<kafkars.SeekEntry, kafkajs.SeekEntry>>()
check<Both<kafkars.FetchOffsetsPartition, kafkajs.FetchOffsetsPartition>>()
check<Both<kafkars.Acl, kafkajs.Acl>>()
check<Both<kafkars.AclResource, kafkajs.AclResource>>()
check<Both<kafkars.AclEntry, kafkajs.AclEntry>>()
check<Both<kafkars.DescribeAclResource, kafkajs.DescribeAclResource>>()
check<Both<kafkars.DescribeAclResponse, kafkajs.DescribeAclResponse>>()
check<Both<kafkars.AclFilter, kafkajs.AclFilter>>()
check<Both<kafkars.MatchingAcl, kafkajs.MatchingAcl>>()
check<Both<kafkars.DeleteAclFilterResponses, kafkajs.DeleteAclFilterResponses>>()
check<Both<kafkars.DeleteAclResponse, kafkajs.DeleteAclResponse>>()
check<
  Both<kafkars.ListPartitionReassignmentsResponse, kafkajs.ListPartitionReassignmentsResponse>
>()
check<Both<kafkars.OngoingTopicReassignment, kafkajs.OngoingTopicReassignment>>()
check<Both<kafkars.OngoingPartitionReassignment, kafkajs.OngoingPartitionReassignment>>()
// Ours has more methods.
check<Gives<kafkars.Admin, kafkajs.Admin>>()
// Ours has more.
check<
  Both<Pick<typeof kafkars.PartitionAssigners, 'roundRobin'>, typeof kafkajs.PartitionAssigners>
>()
check<Both<kafkars.ISerializer<any>, kafkajs.ISerializer<any>>>()
check<Both<kafkars.MemberMetadata, kafkajs.MemberMetadata>>()
check<Both<kafkars.MemberAssignment, kafkajs.MemberAssignment>>()
check<Both<typeof kafkars.AssignerProtocol, typeof kafkajs.AssignerProtocol>>()
check<Both<kafkars.logLevel, kafkajs.logLevel>>()
check<Both<typeof kafkars.logLevel, typeof kafkajs.logLevel>>()
check<Both<kafkars.LogEntry, kafkajs.LogEntry>>()
check<Both<kafkars.LoggerEntryContent, kafkajs.LoggerEntryContent>>()
check<Both<kafkars.logCreator, kafkajs.logCreator>>()
check<Both<kafkars.Logger, kafkajs.Logger>>()
check<Both<kafkars.BrokerMetadata, kafkajs.BrokerMetadata>>()
check<Both<kafkars.ApiVersions, kafkajs.ApiVersions>>()
check<Both<kafkars.Broker, kafkajs.Broker>>()
check<Both<kafkars.MessageSetEntry, kafkajs.MessageSetEntry>>()
check<Both<kafkars.RecordBatchEntry, kafkajs.RecordBatchEntry>>()
check<Both<kafkars.KafkaMessage, kafkajs.KafkaMessage>>()
check<Takes<kafkars.ProducerRecord, kafkajs.ProducerRecord>>()
check<Both<kafkars.RecordMetadata, kafkajs.RecordMetadata>>()
check<Both<kafkars.TopicMessages, kafkajs.TopicMessages>>()
check<Takes<kafkars.ProducerBatch, kafkajs.ProducerBatch>>()
check<Both<kafkars.PartitionOffset, kafkajs.PartitionOffset>>()
check<Both<kafkars.TopicOffsets, kafkajs.TopicOffsets>>()
check<Both<kafkars.Offsets, kafkajs.Offsets>>()
check<Both<kafkars.Sender, kafkajs.Sender>>()
check<Both<kafkars.ProducerEvents, kafkajs.ProducerEvents>>()
check<Gives<kafkars.Producer, kafkajs.Producer>>()
check<Both<kafkars.Transaction, kafkajs.Transaction>>()
check<Both<kafkars.ConsumerGroup, kafkajs.ConsumerGroup>>()
check<Both<kafkars.MemberDescription, kafkajs.MemberDescription>>()
check<Both<kafkars.ConsumerGroupState, kafkajs.ConsumerGroupState>>()
check<Both<kafkars.GroupDescription, kafkajs.GroupDescription>>()
check<Both<kafkars.GroupDescriptions, kafkajs.GroupDescriptions>>()
check<Both<kafkars.TopicPartitions, kafkajs.TopicPartitions>>()
check<Both<kafkars.TopicPartition, kafkajs.TopicPartition>>()
check<Both<kafkars.TopicPartitionOffset, kafkajs.TopicPartitionOffset>>()
check<Both<kafkars.TopicPartitionOffsetAndMetadata, kafkajs.TopicPartitionOffsetAndMetadata>>()
check<Both<kafkars.Batch, kafkajs.Batch>>()
check<Both<kafkars.GroupOverview, kafkajs.GroupOverview>>()
check<Both<kafkars.DeleteGroupsResult, kafkajs.DeleteGroupsResult>>()
check<Both<kafkars.ConsumerEvents, kafkajs.ConsumerEvents>>()
check<Both<kafkars.ConsumerHeartbeatEvent, kafkajs.ConsumerHeartbeatEvent>>()
check<Both<kafkars.ConsumerCommitOffsetsEvent, kafkajs.ConsumerCommitOffsetsEvent>>()
check<Both<kafkars.IMemberAssignment, kafkajs.IMemberAssignment>>()
check<Both<kafkars.ConsumerGroupJoinEvent, kafkajs.ConsumerGroupJoinEvent>>()
check<Both<kafkars.ConsumerFetchStartEvent, kafkajs.ConsumerFetchStartEvent>>()
check<Both<kafkars.ConsumerFetchEvent, kafkajs.ConsumerFetchEvent>>()
check<Both<kafkars.IBatchProcessEvent, kafkajs.IBatchProcessEvent>>()
check<Both<kafkars.ConsumerStartBatchProcessEvent, kafkajs.ConsumerStartBatchProcessEvent>>()
check<Both<kafkars.ConsumerEndBatchProcessEvent, kafkajs.ConsumerEndBatchProcessEvent>>()
check<Both<kafkars.ConsumerCrashEvent, kafkajs.ConsumerCrashEvent>>()
check<Both<kafkars.ConsumerRebalancingEvent, kafkajs.ConsumerRebalancingEvent>>()
check<
  Both<
    kafkars.ConsumerReceivedUnsubcribedTopicsEvent,
    kafkajs.ConsumerReceivedUnsubcribedTopicsEvent
  >
>()
check<Both<kafkars.OffsetsByTopicPartition, kafkajs.OffsetsByTopicPartition>>()
check<Both<kafkars.EachMessagePayload, kafkajs.EachMessagePayload>>()
check<Both<kafkars.EachBatchPayload, kafkajs.EachBatchPayload>>()
check<Both<kafkars.ConsumerEachMessagePayload, kafkajs.ConsumerEachMessagePayload>>()
check<Both<kafkars.ConsumerEachBatchPayload, kafkajs.ConsumerEachBatchPayload>>()
check<Both<kafkars.EachBatchHandler, kafkajs.EachBatchHandler>>()
check<Both<kafkars.EachMessageHandler, kafkajs.EachMessageHandler>>()
check<Both<kafkars.ConsumerRunConfig, kafkajs.ConsumerRunConfig>>()
check<Both<kafkars.ConsumerSubscribeTopic, kafkajs.ConsumerSubscribeTopic>>()
check<Both<kafkars.ConsumerSubscribeTopics, kafkajs.ConsumerSubscribeTopics>>()
check<Gives<kafkars.Consumer, kafkajs.Consumer>>()
check<Both<kafkars.CompressionTypes, kafkajs.CompressionTypes>>()
check<Both<typeof kafkars.CompressionTypes, typeof kafkajs.CompressionTypes>>()
check<Both<typeof kafkars.CompressionCodecs, typeof kafkajs.CompressionCodecs>>()
check<Both<kafkars.KafkaJSError, kafkajs.KafkaJSError>>()
check<Both<typeof kafkars.KafkaJSError, typeof kafkajs.KafkaJSError>>()
check<Both<kafkars.KafkaJSNonRetriableError, kafkajs.KafkaJSNonRetriableError>>()
check<Both<typeof kafkars.KafkaJSNonRetriableError, typeof kafkajs.KafkaJSNonRetriableError>>()
check<Both<kafkars.KafkaJSProtocolError, kafkajs.KafkaJSProtocolError>>()
check<Both<typeof kafkars.KafkaJSProtocolError, typeof kafkajs.KafkaJSProtocolError>>()
check<Both<kafkars.KafkaJSAggregateError, kafkajs.KafkaJSAggregateError>>()
check<Both<typeof kafkars.KafkaJSAggregateError, typeof kafkajs.KafkaJSAggregateError>>()
check<Both<kafkars.KafkaJSOffsetOutOfRange, kafkajs.KafkaJSOffsetOutOfRange>>()
check<Both<typeof kafkars.KafkaJSOffsetOutOfRange, typeof kafkajs.KafkaJSOffsetOutOfRange>>()
check<
  Both<
    kafkars.KafkaJSAlterPartitionReassignmentsError,
    kafkajs.KafkaJSAlterPartitionReassignmentsError
  >
>()
check<
  Both<
    typeof kafkars.KafkaJSAlterPartitionReassignmentsError,
    typeof kafkajs.KafkaJSAlterPartitionReassignmentsError
  >
>()
check<Both<kafkars.KafkaJSNumberOfRetriesExceeded, kafkajs.KafkaJSNumberOfRetriesExceeded>>()
check<
  Both<typeof kafkars.KafkaJSNumberOfRetriesExceeded, typeof kafkajs.KafkaJSNumberOfRetriesExceeded>
>()
check<Both<kafkars.KafkaJSConnectionError, kafkajs.KafkaJSConnectionError>>()
check<Both<typeof kafkars.KafkaJSConnectionError, typeof kafkajs.KafkaJSConnectionError>>()
check<Both<kafkars.KafkaJSRequestTimeoutError, kafkajs.KafkaJSRequestTimeoutError>>()
check<Both<typeof kafkars.KafkaJSRequestTimeoutError, typeof kafkajs.KafkaJSRequestTimeoutError>>()
check<Both<kafkars.KafkaJSMetadataNotLoaded, kafkajs.KafkaJSMetadataNotLoaded>>()
check<Both<typeof kafkars.KafkaJSMetadataNotLoaded, typeof kafkajs.KafkaJSMetadataNotLoaded>>()
check<Both<kafkars.KafkaJSTopicMetadataNotLoaded, kafkajs.KafkaJSTopicMetadataNotLoaded>>()
check<
  Both<typeof kafkars.KafkaJSTopicMetadataNotLoaded, typeof kafkajs.KafkaJSTopicMetadataNotLoaded>
>()
check<
  Both<kafkars.KafkaJSStaleTopicMetadataAssignment, kafkajs.KafkaJSStaleTopicMetadataAssignment>
>()
check<
  Both<
    typeof kafkars.KafkaJSStaleTopicMetadataAssignment,
    typeof kafkajs.KafkaJSStaleTopicMetadataAssignment
  >
>()
check<Both<kafkars.KafkaJSServerDoesNotSupportApiKey, kafkajs.KafkaJSServerDoesNotSupportApiKey>>()
check<
  Both<
    typeof kafkars.KafkaJSServerDoesNotSupportApiKey,
    typeof kafkajs.KafkaJSServerDoesNotSupportApiKey
  >
>()
check<Both<kafkars.KafkaJSBrokerNotFound, kafkajs.KafkaJSBrokerNotFound>>()
check<Both<typeof kafkars.KafkaJSBrokerNotFound, typeof kafkajs.KafkaJSBrokerNotFound>>()
check<Both<kafkars.KafkaJSPartialMessageError, kafkajs.KafkaJSPartialMessageError>>()
check<Both<typeof kafkars.KafkaJSPartialMessageError, typeof kafkajs.KafkaJSPartialMessageError>>()
check<Both<kafkars.KafkaJSSASLAuthenticationError, kafkajs.KafkaJSSASLAuthenticationError>>()
check<
  Both<typeof kafkars.KafkaJSSASLAuthenticationError, typeof kafkajs.KafkaJSSASLAuthenticationError>
>()
check<Both<kafkars.KafkaJSGroupCoordinatorNotFound, kafkajs.KafkaJSGroupCoordinatorNotFound>>()
check<
  Both<
    typeof kafkars.KafkaJSGroupCoordinatorNotFound,
    typeof kafkajs.KafkaJSGroupCoordinatorNotFound
  >
>()
check<Both<kafkars.KafkaJSNotImplemented, kafkajs.KafkaJSNotImplemented>>()
check<Both<typeof kafkars.KafkaJSNotImplemented, typeof kafkajs.KafkaJSNotImplemented>>()
check<Both<kafkars.KafkaJSTimeout, kafkajs.KafkaJSTimeout>>()
check<Both<typeof kafkars.KafkaJSTimeout, typeof kafkajs.KafkaJSTimeout>>()
check<Both<kafkars.KafkaJSLockTimeout, kafkajs.KafkaJSLockTimeout>>()
check<Both<typeof kafkars.KafkaJSLockTimeout, typeof kafkajs.KafkaJSLockTimeout>>()
check<
  Both<
    kafkars.KafkaJSUnsupportedMagicByteInMessageSet,
    kafkajs.KafkaJSUnsupportedMagicByteInMessageSet
  >
>()
check<
  Both<
    typeof kafkars.KafkaJSUnsupportedMagicByteInMessageSet,
    typeof kafkajs.KafkaJSUnsupportedMagicByteInMessageSet
  >
>()
check<Both<kafkars.KafkaJSDeleteGroupsError, kafkajs.KafkaJSDeleteGroupsError>>()
check<Both<typeof kafkars.KafkaJSDeleteGroupsError, typeof kafkajs.KafkaJSDeleteGroupsError>>()
check<Both<kafkars.KafkaJSDeleteTopicRecordsError, kafkajs.KafkaJSDeleteTopicRecordsError>>()
check<
  Both<typeof kafkars.KafkaJSDeleteTopicRecordsError, typeof kafkajs.KafkaJSDeleteTopicRecordsError>
>()
check<Both<kafkars.KafkaJSDeleteGroupsErrorGroups, kafkajs.KafkaJSDeleteGroupsErrorGroups>>()
check<
  Both<kafkars.KafkaJSDeleteTopicRecordsErrorTopic, kafkajs.KafkaJSDeleteTopicRecordsErrorTopic>
>()
check<
  Both<
    kafkars.KafkaJSDeleteTopicRecordsErrorPartition,
    kafkajs.KafkaJSDeleteTopicRecordsErrorPartition
  >
>()
check<Both<kafkars.KafkaJSErrorMetadata, kafkajs.KafkaJSErrorMetadata>>()
check<Both<kafkars.KafkaJSOffsetOutOfRangeMetadata, kafkajs.KafkaJSOffsetOutOfRangeMetadata>>()
check<
  Both<
    kafkars.KafkaJSNumberOfRetriesExceededMetadata,
    kafkajs.KafkaJSNumberOfRetriesExceededMetadata
  >
>()
check<Both<kafkars.KafkaJSConnectionErrorMetadata, kafkajs.KafkaJSConnectionErrorMetadata>>()
check<
  Both<kafkars.KafkaJSRequestTimeoutErrorMetadata, kafkajs.KafkaJSRequestTimeoutErrorMetadata>
>()
check<
  Both<kafkars.KafkaJSTopicMetadataNotLoadedMetadata, kafkajs.KafkaJSTopicMetadataNotLoadedMetadata>
>()
check<
  Both<
    kafkars.KafkaJSStaleTopicMetadataAssignmentMetadata,
    kafkajs.KafkaJSStaleTopicMetadataAssignmentMetadata
  >
>()
check<
  Both<
    kafkars.KafkaJSServerDoesNotSupportApiKeyMetadata,
    kafkajs.KafkaJSServerDoesNotSupportApiKeyMetadata
  >
>()

// The check can fail.
// @ts-expect-error
check<Both<kafkars.ConsumerRunConfig, kafkajs.ProducerConfig>>()
