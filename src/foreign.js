// @ts-check
'use strict'

/**
 * How other clients call what has another name here: who comes from one of them brings its options along. By the names of Java and
 * librdkafka (`auto.offset.reset`), and of some other packages.
 */

/** @type {Record<string, Record<string, string>>} by the place where ours belongs */
const FOREIGN = {
  'new Kafka()': {
    'bootstrap.servers': 'brokers',
    'metadata.broker.list': 'brokers',
    bootstrapServers: 'brokers',
    bootstrapBrokers: 'brokers',
    kafkaHost: 'brokers',
    hosts: 'brokers',
    servers: 'brokers',
    'client.id': 'clientId',
    'request.timeout.ms': 'requestTimeout',
    'socket.timeout.ms': 'requestTimeout',
    'security.protocol': 'ssl" and "sasl',
    tls: 'ssl',
    'ssl.ca.location': 'ssl.ca',
    'ssl.certificate.location': 'ssl.cert',
    'ssl.key.location': 'ssl.key',
    'sasl.mechanism': 'sasl.mechanism',
    'sasl.mechanisms': 'sasl.mechanism',
    'sasl.username': 'sasl.username',
    'sasl.password': 'sasl.password',
    'sasl.jaas.config': 'sasl'
  },
  'kafka.consumer()': {
    'group.id': 'groupId',
    group: 'groupId',
    'group.instance.id': 'groupInstanceId',
    'group.protocol': 'groupProtocol',
    'group.remote.assignor': 'groupRemoteAssignor',
    'partition.assignment.strategy': 'partitionAssigners',
    'auto.offset.reset': 'autoOffsetReset',
    'enable.auto.commit': 'autoCommit',
    'auto.commit.interval.ms': 'autoCommitInterval',
    'session.timeout.ms': 'sessionTimeout',
    'heartbeat.interval.ms': 'heartbeatInterval',
    'max.poll.interval.ms': 'maxPollInterval',
    'isolation.level': 'readUncommitted',
    'fetch.min.bytes': 'minBytes',
    'fetch.max.bytes': 'maxBytes',
    'fetch.max.wait.ms': 'maxWaitTimeInMs',
    'fetch.wait.max.ms': 'maxWaitTimeInMs',
    'max.partition.fetch.bytes': 'maxBytesPerPartition',
    'metadata.max.age.ms': 'metadataMaxAge',
    'client.rack': 'rackId',
    'check.crcs': 'checkCrcs'
  },
  'kafka.producer()': {
    partitioner: 'createPartitioner',
    'enable.idempotence': 'idempotent',
    'transactional.id': 'transactionalId',
    'transaction.timeout.ms': 'transactionTimeout',
    'linger.ms': 'linger',
    'batch.size': 'batchSize',
    'buffer.memory': 'bufferMemory',
    'max.block.ms': 'maxBlock',
    'delivery.timeout.ms': 'deliveryTimeout',
    'max.request.size': 'maxRequestSize',
    'message.max.bytes': 'maxRequestSize',
    'compression.type': 'compression',
    'compression.codec': 'compression',
    'max.in.flight.requests.per.connection': 'maxInFlightRequests',
    'max.in.flight': 'maxInFlightRequests'
  }
}

/** @param {string} place @param {string} name @returns {string | null} ours */
const ownNameOf = (place, name) =>
  Object.hasOwn(FOREIGN[place] ?? {}, name) ? FOREIGN[place][name] : null

module.exports = { FOREIGN, ownNameOf }
