'use strict'

/**
 * What a person sees who makes a mistake that needs no broker to be found: the error names the value and what to do, and no
 * connection was attempted for it. Those that need one are in `__test__/consumer/mistakes.test.js`.
 */

jest.mock('../../src/native', () => ({ NativeSiblings: class {} }))

const native = require('../../src/native')
const { Kafka, ...errors } = require('../..')
const { createNativeClient, createWorld } = require('./support')

/** A byte more than the wire can hold. */
const LONG = 'x'.repeat(32768)
const SECRET = 'correct-horse'
/** Characters. kafkajs's list of its events has so many. */
const LONGEST = 510

/**
 * @typedef {object} Row
 * @property {any} [kafka] options of `new Kafka()`, beside valid ones; a row without `does` connects
 * @property {any} [consumer] options of `kafka.consumer()`, beside valid ones
 * @property {(consumer: any, kafka: any) => any} [does] the mistake, unless it is in the options
 * @property {string} [is] the name of the error
 * @property {string[]} says parts of what its stack begins with, in this order: of its message, and of what that goes on with
 * @property {string} [saysNot]
 * @property {string[]} [warns] or there is no error, but these warnings, each once
 */

const BROKERS = 'it has to be a list like ["localhost:9092"], or a function that returns one'
const CREDENTIALS = 'Invalid username or password: '
const handler = async () => {}

const connect = consumer => consumer.connect()
const subscribe = argument => consumer => consumer.subscribe(argument)

const run = config => consumer => consumer.run(config)

/** @param {string} method @param {any[]} args */
const admin =
  (method, ...args) =>
  (_, kafka) =>
    kafka.admin()[method](...args)

/** The handler that is none keeps it from running. */
const runMisspelt = options => async consumer => {
  await expect(consumer.run({ eachMessage: 1, ...options })).rejects.toThrow('eachMessage')
}

/** @type {Record<string, Row>} */
// prettier-ignore
const MISTAKES = {
  'no options': { does: () => new Kafka(), is: 'TypeError', says: ['new Kafka() takes an object, { brokers:', 'received undefined'] },
  'a text for options': { does: () => new Kafka('h:9092'), says: ['new Kafka() takes an object', 'received "h:9092"'] },

  'no brokers': { kafka: { brokers: undefined }, says: ['brokers should not be null', BROKERS] },
  'brokers by another name': { kafka: { brokers: undefined, broker: ['h:9092'] }, says: ['brokers should not be null', 'did you mean it by "broker"?'] },
  'brokers that are a text': { kafka: { brokers: 'h:9092' }, says: ['received "h:9092"', 'did you mean ["h:9092"]?'] },
  'brokers that are a list in a text': { kafka: { brokers: 'a:1, b:2' }, says: ['received "a:1, b:2"', 'did you mean ["a:1", "b:2"]?'] },
  'brokers that are an object': { kafka: { brokers: { h: 9092 } }, says: ['brokers has to be a list', 'received an object'] },
  'no broker in the list': { kafka: { brokers: [] }, says: ['brokers array is empty', BROKERS] },
  'a broker that is none': { kafka: { brokers: [9092] }, says: ['broker at index 0 is invalid "number"', 'expected "host:port", received 9092'] },
  'a broker without a port': { kafka: { brokers: ['h'] }, says: ['broker at index 0', 'expected "host:port", received "h"', 'the port is missing'] },
  'a broker with an odd port': { kafka: { brokers: ['h:70000'] }, says: ['received "h:70000"', 'a number from 1 to 65535'] },
  'the URL of a schema registry': { kafka: { brokers: ['http://localhost:8081'] }, says: ['expected "host:port", received "http://localhost:8081"', 'leave out the scheme'] },
  'a broker that is a URL': { kafka: { brokers: ['kafka://h:9092'] }, says: ['expected "host:port", received "kafka://h:9092"', 'leave out the scheme'] },
  'a broker that is a URL with a password': { kafka: { brokers: [`kafka://u:${SECRET}@h:9092`] }, says: ['received "kafka://…@h:9092"'] },
  'a broker that is a list': { kafka: { brokers: ['a:1,b:2'] }, says: ['received "a:1,b:2"', 'an entry of its own'] },
  'a broker that is an IPv6 address without brackets': { kafka: { brokers: ['::1:9092'] }, says: ['received "::1:9092"', 'in brackets, "[::1]:9092"'] },
  'a function that returns no brokers': { kafka: { brokers: async () => 'h:9092' }, says: ['brokers has to be a list', 'received "h:9092"'] },
  'a broker without a port beside one with it': { kafka: { brokers: ['h', 'h:9092'] }, does: connect, says: [], warns: ['Broker left out: broker at index 0 is invalid: expected "host:port", received "h": the port is missing (9092 is the usual one)'] },

  'a mechanism that is missing': { kafka: { sasl: {} }, is: 'TypeError', says: ['sasl.mechanism has to be a text', 'received undefined'] },
  'a mechanism by another name': { kafka: { sasl: { mecanism: 'plain' } }, is: 'TypeError', says: ['sasl.mechanism has to be a text', 'did you mean it by "mecanism"?'] },
  'sasl that is a text': { kafka: { sasl: SECRET }, is: 'TypeError', says: ['sasl has to be an object with a mechanism, received a string'] },
  'a user for a username': { kafka: { sasl: { mechanism: 'plain', user: 'u', password: SECRET } }, is: 'KafkaJSSASLAuthenticationError', says: [CREDENTIALS, 'sasl.username is undefined (no broker was asked)', 'did you mean it by "user"?'] },
  'a password that is not set': { kafka: { sasl: { mechanism: 'scram-sha-256', username: 'u', password: undefined } }, is: 'KafkaJSSASLAuthenticationError', says: [CREDENTIALS, 'sasl.password is undefined'] },

  'a path for a CA': { kafka: { ssl: { ca: './ca.pem' } }, says: ['ssl.ca is "./ca.pem", which looks like the path of a file', 'fs.readFileSync(path)'] },
  'a path for a certificate': { kafka: { ssl: { cert: '/etc/kafka/client.crt', key: '' } }, says: ['ssl.cert is "/etc/kafka/client.crt"', 'the path of a file'] },
  'a path for a key': { kafka: { ssl: { key: 'C:\\kafka\\client.key' } }, says: ['ssl.key cannot be read', 'looks like the path of a file'] },
  'a path for a pfx': { kafka: { ssl: { pfx: 'client.p12' } }, says: ['ssl.pfx is a text which looks like the path of a file'] },

  'a clientId that is too long': { kafka: { clientId: LONG }, says: ['Invalid clientId: 32768 bytes, at most 32767 are possible: "xxx'] },
  'a groupId that is too long': { consumer: { groupId: LONG }, says: ['Invalid groupId: 32768 bytes'] },
  'a groupId of long letters': { consumer: { groupId: 'ü'.repeat(16384) }, says: ['Invalid groupId: 32768 bytes'] },
  'a groupInstanceId that is too long': { consumer: { groupInstanceId: LONG }, says: ['Invalid groupInstanceId: 32768 bytes'] },
  'a rackId that is too long': { consumer: { rackId: LONG }, says: ['Invalid rackId: 32768 bytes'] },
  'a topic that is too long': { does: subscribe({ topics: [LONG] }), says: ['Invalid topic: 32768 bytes'] },
  'a topic that is too long, in a commit': { does: c => c.commitOffsets([{ topic: LONG, partition: 0, offset: '1' }]), says: ['Invalid topic: 32768 bytes'] },

  'no groupId': { consumer: { groupId: undefined }, says: ['Consumer groupId must be a non-empty string.'] },
  'no options of a consumer': { does: (_, kafka) => kafka.consumer(), says: ['Consumer groupId must be a non-empty string.'] },
  'a groupId by another name': { consumer: { groupId: undefined, groupID: 'g' }, says: ['groupId must be a non-empty string', 'Did you mean it by "groupID"?'] },

  'no argument of subscribe()': { does: subscribe(), is: 'TypeError', says: ['consumer.subscribe() takes an object, { topics: ["orders"] }, received undefined'] },
  'a text for a subscription': { does: subscribe('orders'), says: ['consumer.subscribe() takes an object', 'received "orders"'] },
  'topics by another name': { does: subscribe({ topcis: ['t'] }), says: ['Missing required argument "topics"', 'did you mean it by "topcis"?'] },
  'topics that are a text': { does: subscribe({ topics: 't' }), says: ['Argument "topics" must be an array, received "t"'] },
  'a handler for the options of run()': { does: run(handler), says: ['consumer.run() takes an object, { eachMessage:', 'received a function'] },
  'a handler that is no function': { does: run({ eachMessage: 'handle' }), says: ['eachMessage has to be a function, received "handle"'] },
  'a handler that is a promise': { does: run({ eachBatch: handler() }), says: ['eachBatch has to be a function, received a promise (await it)'] },
  'an offset that is no list': { does: c => c.commitOffsets({ topic: 't', partition: 0, offset: '1' }), is: 'TypeError', says: ['consumer.commitOffsets() takes a list, [{ topic:', 'received an object'] },
  'a pause that is no list': { does: async c => c.pause({ topic: 't' }), is: 'TypeError', says: ['consumer.pause() takes a list', 'received an object'] },
  'a resume that is no list': { does: async c => c.resume('t'), is: 'TypeError', says: ['consumer.resume() takes a list', 'received "t"'] },
  'a seek to nowhere': { does: async c => c.seek(), is: 'TypeError', says: ['consumer.seek() takes an object', 'received undefined'] },

  'a heartbeatInterval above the sessionTimeout': { consumer: { heartbeatInterval: 40000 }, says: ['heartbeatInterval (40000) must be lower than sessionTimeout (30000)'] },
  'a rebalanceTimeout that no member could keep': { consumer: { rebalanceTimeout: 0 }, says: ['rebalanceTimeout (0) must be greater than 0'] },
  'a time with a unit': { consumer: { sessionTimeout: '30s' }, says: ['sessionTimeout', 'expected a number received 30s'] },
  'an autoOffsetReset as in other clients': { consumer: { autoOffsetReset: 'smallest' }, says: ['autoOffsetReset must be "earliest", "latest", "none", { duration: 3600000 } (ms) or not given', 'fromBeginning', '"smallest"'] },
  'an autoOffsetReset and a fromBeginning that contradict each other': { consumer: { autoOffsetReset: 'latest' }, does: c => c.subscribe({ topics: ['t'], fromBeginning: true }), says: ['fromBeginning: true of consumer.subscribe() contradicts autoOffsetReset: "latest"', 'leave one of them out'] },
  'a groupProtocol that there is not': { consumer: { groupProtocol: 'new' }, says: ['groupProtocol must be "classic", "consumer" or "auto", received "new"'] },
  'an option that the broker decides': { consumer: { groupProtocol: 'consumer', sessionTimeout: 10000 }, says: ['sessionTimeout cannot be set when groupProtocol is "consumer"', 'group.consumer.session.timeout.ms'] },
  'an assignor of the broker for a group that assigns': { consumer: { groupRemoteAssignor: 'range' }, says: ['groupRemoteAssignor cannot be set when groupProtocol is "classic"'] },
  'a hook that is no function': { consumer: { onPartitionsAssigned: 'log' }, says: ['onPartitionsAssigned has to be a function, received "log"'] },
  'a limit that is too high': { consumer: { maxDecompressedBytes: 3e9 }, says: ['maxDecompressedBytes (3000000000)', 'at most 2147483647'] },
  'a deserializer that nobody knows': { consumer: { valueDeserializer: 'avro' }, says: ['valueDeserializer', 'avro'] },
  'a socketFactory': { kafka: { socketFactory: () => {} }, says: ['"socketFactory" is not supported', 'advertised listeners'] },
  'a secureContext': { kafka: { ssl: { secureContext: {} } }, says: ['secureContext'] },
  'an offset that is none': { does: async c => c.seek({ topic: 't', partition: 0, offset: 'last' }), says: ['offset', 'last'] },
  'a negative offset to commit': { does: c => c.commitOffsets([{ topic: 't', partition: 0, offset: '-1' }]), says: ['Offset must not be a negative number'] },
  'handlers at once that are none': { does: run({ eachMessage: handler, partitionsConsumedConcurrently: 0 }), says: ['partitionsConsumedConcurrently', '0'] },

  'an object for a clientId': { kafka: { clientId: { name: 'shop' } }, says: ['Invalid clientId: expected a text, received an object'] },
  'an object for a groupId': { consumer: { groupId: { name: 'g' } }, says: ['Invalid groupId: expected a text, received an object'] },
  'a function for a transactionalId': { does: async (_, kafka) => kafka.producer({ transactionalId: () => 'x' }), says: ['Invalid transactionalId: expected a text, received a function'] },
  'null for the options of a producer': { does: (_, kafka) => kafka.producer(null), is: 'TypeError', says: ['kafka.producer() takes an object', 'received null'] },
  'null for the options of an admin client': { does: (_, kafka) => kafka.admin(null), is: 'TypeError', says: ['kafka.admin() takes an object', 'received null'] },
  'no argument of createTopics()': { does: admin('createTopics'), is: 'TypeError', says: ['admin.createTopics() takes an object, { topics, ', 'received undefined'] },
  'a list for the argument of createTopics()': { does: admin('createTopics', [{ topic: 't' }]), says: ['Invalid topics array undefined: admin.createTopics() takes an object', 'received an array'] },
  'a text for the argument of deleteTopics()': { does: admin('deleteTopics', 't'), says: ['Invalid topics array undefined: admin.deleteTopics() takes an object, { topics, timeout }', 'received "t"'] },
  'a text for a resource': { does: admin('describeConfigs', { resources: ['t'] }), says: ['Invalid resource type undefined: "t"'] },
  'a text for the argument of fetchTopicMetadata()': { does: admin('fetchTopicMetadata', 't'), says: ['admin.fetchTopicMetadata() takes an object, { topics }, received "t"'] },
  'topics that are texts': { does: admin('createTopics', { topics: ['t'] }), says: ['the topic names have to be a valid string', 'expected { topic: "orders" }, received "t"'] },
  'a topic by another name': { does: admin('createTopics', { topics: [{ name: 't' }] }), says: ['the topic names have to be a valid string', 'received topic: undefined'] },
  'a number of partitions that is none': { does: admin('createTopics', { topics: [{ topic: 't', numPartitions: 'three' }] }), says: ['Invalid numPartitions for topic "t" "three"'] },
  'a replica that is none': { does: admin('createTopics', { topics: [{ topic: 't', replicaAssignment: [{ partition: 0, replicas: ['a'] }] }] }), says: ['Invalid replica for topic "t" "a"'] },
  'a setting that is a number': { does: admin('createTopics', { topics: [{ topic: 't', configEntries: [{ name: 'retention.ms', value: 5 }] }] }), says: ['topic "t"', '"value" property', 'a text, received 5'] },
  'a timeout with a unit': { does: admin('deleteTopics', { topics: ['t'], timeout: '5s' }), says: ['Invalid timeout "5s"'] },
  'no count of partitions': { does: admin('createPartitions', { topicPartitions: [{ topic: 't' }] }), says: ['Invalid count for topic "t" undefined'] },
  'the name of a kind of resource': { does: admin('describeConfigs', { resources: [{ type: 'topic', name: 't' }] }), says: ['Invalid resource type topic', 'ConfigResourceTypes'] },
  'a setting of a number, to alter': { does: admin('alterConfigs', { resources: [{ type: 2, name: 't', configEntries: [{ name: 'retention.ms', value: 5 }] }] }), says: ['Invalid resource config value', 'the value of "retention.ms" has to be a text, received 5'] },
  'a day for a timestamp': { does: admin('fetchTopicOffsetsByTimestamp', 't', '2026-01-01'), says: ['Invalid timestamp "2026-01-01"', 'a Date, or milliseconds since 1970'] },
  'an object for a topic': { does: admin('fetchTopicOffsets', { topic: 't' }), says: ['Invalid topic an object, expected its name'] },
  'a text for the ids of groups': { does: admin('describeGroups', 'g'), is: 'TypeError', says: ['groupIds has to be an array, received "g"'] },
  'an object for the id of a group': { does: admin('groupLag', { groupId: 'g' }), says: ['Invalid groupId an object'] },
  'texts for node ids': { does: admin('describeLogDirs', { brokers: ['1'] }), says: ['Invalid brokers', 'a list of node ids'] },
  'partitions of disks that are none': { does: admin('describeLogDirs', { topics: [{ topic: 't', partitions: 0 }] }), says: ['Invalid partitions of topic "t": 0'] },
  'a partition and a half to elect': { does: admin('electLeaders', { topics: [{ topic: 't', partitions: [1.5] }] }), says: ['Invalid partition array: 1.5 for topic: t'] },
  'the name of a mechanism of SCRAM': { does: admin('alterUserScramCredentials', { upsertions: [{ user: 'u', mechanism: 'scram-sha-512', password: SECRET }] }), says: ['Invalid SCRAM mechanism scram-sha-512 of user "u"', 'ScramMechanisms'] },
  'the name of an operation of ACLs': { does: admin('describeAcls', { operation: 'read' }), says: ['Invalid operation type read', 'AclOperationTypes'] },
  'a misspelt option of an admin client': { does: async (_, kafka) => kafka.admin({ rety: {} }), says: [], warns: ['Unknown option "rety" of kafka.admin() is ignored: did you mean "retry"?'] },
  'the topic of fetchOffsets(), as of old': { does: (_, kafka) => expect(kafka.admin().fetchOffsets({ groupId: '', topic: 't' })).rejects.toThrow('Invalid groupId'), says: [], warns: ['Unknown option "topic" of admin.fetchOffsets() is ignored: did you mean "topics"?'] },

  'requests that time out at once': { kafka: { requestTimeout: -1 }, says: ['Invalid requestTimeout, expected a number from 1 on, received -1'] },
  'no request at a time': { consumer: { maxInFlightRequests: 0 }, says: ['Invalid maxInFlightRequests, expected a number from 1 on, received 0'] },
  'no request of a producer at a time': { does: async (_, kafka) => kafka.producer({ maxInFlightRequests: '0' }), says: ['Invalid maxInFlightRequests, expected a number from 1 on, received 0'] },
  'no room for what is read': { consumer: { maxQueuedBytes: 0 }, says: ['Invalid maxQueuedBytes, expected a number from 1 on, received 0'] },
  'a time that is a list': { consumer: { sessionTimeout: [] }, says: ['Invalid sessionTimeout, expected a number received an array'] },
  'a size that is a symbol': { consumer: { maxBytes: Symbol('all') }, says: ['Invalid maxBytes, expected a number received Symbol(all)'] },
  'a linger below nothing': { does: async (_, kafka) => kafka.producer({ linger: -1 }), says: ['Invalid linger, expected a number from 0 on, received -1'] },
  'a linger without end': { does: async (_, kafka) => kafka.producer({ linger: Infinity }), says: ['Producer linger (Infinity) must be lower than deliveryTimeout (120000)'] },
  'a wait for room below nothing': { does: async (_, kafka) => kafka.producer({ maxBlock: -1 }), says: ['Invalid maxBlock, expected a number from 0 on, received -1'] },
  'a logger for a logCreator': { kafka: { logCreator: console }, is: 'TypeError', says: ['logCreator has to be a function that returns a logger, received an object'] },
  'a logCreator that returns nothing': { kafka: { logCreator: () => {} }, is: 'TypeError', says: ['logCreator has to return a function, which is called with each entry, received undefined'] },
  'a clientId that is no number': { kafka: { clientId: NaN }, says: ['Invalid clientId: expected a text, received NaN'] },
  'a groupId that is true': { consumer: { groupId: true }, says: ['Invalid groupId: expected a text, received true'] },
  'no assigner': { consumer: { partitionAssigners: [] }, says: ['Invalid partitionAssigners, expected an array of functions', 'received []'] },
  'a wait for messages below nothing': { does: c => c.getMany({ timeout: -1 }), says: ['timeout of consumer.getMany() must be ms, 0 or greater, received -1'] },
  'a wait for a message that is none': { does: c => c.getOne({ timeout: 'a while' }), says: ['Invalid timeout, expected a number received a while'] },
  'a partition to pull that is none': { does: c => c.getMany({ partitions: [{ topic: 't', partition: 'first' }] }), says: ['Invalid partition of consumer.getMany(): expected { topic: "orders", partition: 0 }', 'received { topic: "t", partition: "first" }'] },
  'a partition to pull that is a number': { does: c => c.getOne({ partitions: [0] }), says: ['Invalid partition of consumer.getOne()', 'received 0'] },
  'a delay without end': { does: run({ eachMessage: handler, onFailure: { retryTopics: [Infinity], deadLetterTopic: 'd' } }), says: ['A delay of onFailure.retryTopics must be ms, 0 or greater, received Infinity'] },

  'a variable for the host of a broker that is not set': { kafka: { brokers: [`${undefined}:9092`] }, says: ['received "undefined:9092"', 'is a variable of the environment not set?'] },
  'a variable for the port of a broker that is not set': { kafka: { brokers: [`h:${undefined}`] }, says: ['received "h:undefined"', 'is a variable of the environment not set?'] },
  'a broker without a port whose name begins with that of nothing': { kafka: { brokers: ['nullarbor.example.com'] }, says: ['received "nullarbor.example.com"', 'the port is missing'] },
  'an object in a text for a broker': { kafka: { brokers: [`${{}}`] }, says: ['received "[object Object]"', 'a value that is not there'] },
  'a broker that is an object': { kafka: { brokers: [{ host: 'h', port: 9092 }] }, says: ['broker at index 0 is invalid "object"', 'did you mean "h:9092"?'] },
  'a list in the list of brokers': { kafka: { brokers: [['h:9092']] }, says: ['broker at index 0', 'a list in the list'] },
  'a broker that is a list with semicolons': { kafka: { brokers: ['a:1;b:2'] }, says: ['received "a:1;b:2"', 'an entry of its own'] },
  'a broker that is a list with spaces': { kafka: { brokers: ['a:1 b:2'] }, says: ['received "a:1 b:2"', 'an entry of its own'] },
  'a broker in quotation marks': { kafka: { brokers: ['"h:9092"'] }, says: ['broker at index 0', 'leave out the quotation marks'] },
  'brokers that are JSON': { kafka: { brokers: '["h:9092"]' }, says: ['brokers has to be a list', 'JSON.parse() makes the list of it'] },
  'brokers that are a list with semicolons': { kafka: { brokers: 'a:1; b:2' }, says: ['received "a:1; b:2"', 'did you mean ["a:1", "b:2"]?'] },
  'the name of other clients for brokers': { kafka: { brokers: undefined, 'bootstrap.servers': 'h:9092' }, says: ['brokers should not be null', 'did you mean it by "bootstrap.servers"?'] },
  "the options in an object of Confluent's client": { consumer: { groupId: undefined, kafkaJS: { groupId: 'g' } }, says: ['groupId must be a non-empty string', 'Did you mean it by "kafkaJS"?'] },

  'a number for a CA': { kafka: { ssl: { ca: 1 } }, says: ['ssl.ca has to be a text or a Buffer, received 1'] },
  'a CA that is not there': { kafka: { ssl: { ca: [undefined] } }, says: ['ssl.ca has to be a text or a Buffer, received undefined'] },
  'a text that is no key': { kafka: { ssl: { key: SECRET } }, says: ['ssl.key cannot be read: it is no PEM'] },
  'a number for a servername': { kafka: { ssl: { servername: 5 } }, says: ['ssl.servername has to be a name, received 5'] },
  'a number for a pfx': { kafka: { ssl: { pfx: 5 } }, says: ['ssl.pfx has to be a Buffer, received 5'] },

  'an assigner whose name nobody knows': { consumer: { partitionAssigners: ['rnge'] }, says: ['expected each to be a function that makes an assigner or a name', 'received "rnge"', 'did you mean "range"?'] },
  'the class of an assignor of Java': { consumer: { partitionAssigners: ['org.apache.kafka.clients.consumer.CooperativeStickyAssignor'] }, says: ['did you mean "cooperative-sticky"?'] },
  'a text for the list of assigners': { consumer: { partitionAssigners: 'range' }, says: ['expected an array of functions', 'received "range"', 'did you mean "range"?'] },
  'a class that makes no assigner': { consumer: { partitionAssigners: [() => class {}] }, says: ['has to return an assigner', 'it returned a function'] },
  'a function that makes no assigner': { consumer: { partitionAssigners: [() => {}] }, says: ['has to return an assigner, { name, version, protocol, assign }, it returned undefined'] },
  'no groupInstanceId': { consumer: { groupInstanceId: '' }, says: ['groupInstanceId must be a non-empty string, received ""'] },
  'an event by another name': { does: async c => c.on('consumer.crashed', handler), says: ['Event name should be one of', 'received "consumer.crashed"', 'did you mean consumer.events.CRASH?'] },
  'an event that there is not': { does: async c => c.on(c.events.CRASHED, handler), says: ['Event name should be one of', 'received undefined'] },
  'a variable for a topic that is not set': { does: subscribe({ topics: [undefined] }), says: ['the topic name has to be a String or a RegExp', 'is a variable of the environment not set?'] },
  'an object for a topic of a subscription': { does: subscribe({ topics: [{ topic: 't' }] }), says: ['the topic name has to be a String or a RegExp', 'received an object'] },
  'a list for "topic"': { does: subscribe({ topic: ['a', 'b'] }), says: ['the topic name has to be a String or a RegExp', '{ topics: ["orders", "payments"] }'] },
  'a text in the list of pause()': { does: async c => c.pause(['t']), says: ['Invalid topic t', 'expected { topic: "orders", partitions: [0] }, received "t"'] },
  'partitions to assign by the name of pause()': { does: c => c.assign([{ topic: 't', partitions: [0] }]), says: ['Invalid partition of consumer.assign()', 'received { topic: "t", partitions: an array }'] },
  'a word for the offset of a seek': { does: async c => c.seek({ topic: 't', partition: 0, offset: 'earliest' }), says: ['Invalid offset, expected a long received earliest', 'consumer.seekToBeginning()'] },
  'a word for the end, of a seek': { does: async c => c.seek({ topic: 't', partition: 0, offset: 'latest' }), says: ['received latest', 'consumer.seekToEnd()'] },
  'a day for the offset of a seek': { does: async c => c.seek({ topic: 't', partition: 0, offset: '2026-01-01' }), says: ['received 2026-01-01', 'for a time, offset has to be a Date'] },
  'onFailure that is a text': { does: run({ eachMessage: handler, onFailure: 'dead' }), says: ['onFailure of consumer.run() takes an object', 'received "dead"'] },
  'the transaction of a dead-letter topic that there is not': { does: run({ eachMessage: handler, onFailure: { exactlyOnce: true } }), says: ['onFailure.exactlyOnce needs a deadLetterTopic'] },

  'acks of an idempotent producer, beside messages by another name': { does: (_, kafka) => kafka.producer({ idempotent: true }).send({ topic: 't', message: [], acks: 1 }), says: [`leave it out, or set idempotent: false`], saysNot: 'did you mean' },
  'an option of a consumer in new Kafka()': { kafka: { sessionTimeout: 10000 }, does: runMisspelt({}), says: [], warns: ['Unknown option "sessionTimeout" of new Kafka() is ignored: it is an option of kafka.consumer()'] },
  'a misspelt option of ssl': { kafka: { ssl: { rejectUnauthorised: false } }, does: connect, says: [], warns: ['Unknown option "rejectUnauthorised" of ssl is ignored: did you mean "rejectUnauthorized"?'] },
  'a number for retry': { kafka: { retry: 5 }, does: connect, says: [], warns: ['retry takes an object, { retries: 5 }, received 5: it is ignored'] },
  'a misspelt option of retry': { kafka: { retry: { retrys: 1 } }, does: connect, says: [], warns: ['Unknown option "retrys" of retry is ignored: did you mean "retries"?'] },
  'a misspelt option of a producer': { does: async (_, kafka) => kafka.producer({ idempotant: true }), says: [], warns: ['Unknown option "idempotant" of kafka.producer() is ignored: did you mean "idempotent"?'] },
  'a text for the options of a producer': { does: async (_, kafka) => kafka.producer('orders'), says: [], warns: ['kafka.producer() takes an object, { idempotent: true }, received "orders": it is ignored'] },
  'a text for the options of an admin client': { does: async (_, kafka) => kafka.admin('ops'), says: [], warns: ['kafka.admin() takes an object, { retry: { retries: 3 } }, received "ops": it is ignored'] },
  'what came before for the argument of describeCluster()': { does: async (_, kafka) => { const client = kafka.admin(); for (let i = 0; i < 2; i++) await Promise.resolve(['t']).then(client.describeCluster); await client.disconnect() }, says: [], warns: ['admin.describeCluster() takes an object, { includeFencedBrokers }, received an array: it is ignored'] },
  'a misspelt option of a consumer': { consumer: { sessionTimeOut: 1 }, does: connect, says: [], warns: ['Unknown option "sessionTimeOut" of kafka.consumer() is ignored: did you mean "sessionTimeout"?'] },
  'a misspelt fromBeginning': { does: subscribe({ topics: ['t'], fromBegining: true }), says: [], warns: ['Unknown option "fromBegining" of consumer.subscribe() is ignored: did you mean "fromBeginning"?'] },
  'a misspelt autoCommit': { does: runMisspelt({ autocommit: false }), says: [], warns: ['Unknown option "autocommit" of consumer.run() is ignored: did you mean "autoCommit"?'] },
  'a misspelt handler': { does: runMisspelt({ eachMesage: handler }), says: [], warns: ['Unknown option "eachMesage" of consumer.run() is ignored: did you mean "eachMessage"?'] },

  'options of other clients': { kafka: { 'security.protocol': 'sasl_ssl', tls: true }, consumer: { 'auto.offset.reset': 'earliest', 'enable.auto.commit': false }, does: connect, says: [], warns: ['Unknown option "security.protocol" of new Kafka() is ignored: did you mean "ssl" and "sasl"?', 'Unknown option "tls" of new Kafka() is ignored: did you mean "ssl"?', 'Unknown option "auto.offset.reset" of kafka.consumer() is ignored: did you mean "autoOffsetReset"?', 'Unknown option "enable.auto.commit" of kafka.consumer() is ignored: did you mean "autoCommit"?'] },
  'options of other producers': { does: async (_, kafka) => kafka.producer({ partitioner: () => 0, 'enable.idempotence': true }), says: [], warns: ['Unknown option "partitioner" of kafka.producer() is ignored: did you mean "createPartitioner"?', 'Unknown option "enable.idempotence" of kafka.producer() is ignored: did you mean "idempotent"?'] },
  'what belongs into ssl, sasl and retry': { kafka: { ca: 'x', username: 'u', retries: 3 }, does: connect, says: [], warns: ['Unknown option "ca" of new Kafka() is ignored: it belongs into "ssl"', 'Unknown option "username" of new Kafka() is ignored: it belongs into "sasl"', 'Unknown option "retries" of new Kafka() is ignored: it belongs into "retry"'] },
  'an object of options in the options': { kafka: { kafkaJS: {} }, does: connect, says: [], warns: ['Unknown option "kafkaJS" of new Kafka() is ignored: what is in it belongs here'] },
  'two letters that are swapped': { consumer: { rackdI: 'a' }, does: connect, says: [], warns: ['Unknown option "rackdI" of kafka.consumer() is ignored: did you mean "rackId"?'] },
  'a dead-letter topic beside onFailure': { does: runMisspelt({ deadLetterTopic: 'd' }), says: [], warns: ['Unknown option "deadLetterTopic" of consumer.run() is ignored: it belongs into "onFailure"'] },
  'no subscription': { does: async c => (c.run({ eachMessage: handler }).catch(() => {}), c.disconnect()), says: [], warns: ['Nothing to read: consumer.subscribe() was not called before, nor consumer.assign()'] },
  'no subscription, and a pull': { does: async c => (c.getOne({ timeout: 1 }).catch(() => {}), c.disconnect()), says: [], warns: ['Nothing to read: consumer.subscribe() was not called before, nor consumer.assign()'] },
  'an option of getMany() that there is not': { does: async c => (c.getMany({ maxMessages: 5, timeout: 1 }).catch(() => {}), c.disconnect()), says: [], warns: expect.arrayContaining(['Unknown option "maxMessages" of consumer.getMany() is ignored']) },
  'an option of getOne() that is undefined, and one that is no option': { does: async c => (c.getOne({ max: undefined, timeout: 1 }).catch(() => {}), c.getOne({ limit: 5 }).catch(() => {}), c.getOne({ limit: 5 }).catch(() => {}), c.disconnect()), says: [], warns: ['Nothing to read: consumer.subscribe() was not called before, nor consumer.assign()', 'Unknown option "limit" of consumer.getOne() is ignored'] },
  'a beginning for assign()': { consumer: { groupId: null }, does: async c => c.assign([{ topic: 't', partition: 0, fromBeginning: true }]), says: [], warns: ['Unknown option "fromBeginning" of consumer.assign() is ignored: offset: "earliest" begins with the first message'] },
  'a time for assign()': { consumer: { groupId: null }, does: async c => c.assign([{ topic: 't', partition: 0, timestamp: 5 }]), says: [], warns: ['Unknown option "timestamp" of consumer.assign() is ignored: for a time, offset has to be a Date'] },
  'a logLevel that is none': { kafka: { logLevel: 'loud' }, does: connect, says: [], warns: ['logLevel of new Kafka() is "loud", which counts as INFO: expected one of logLevel (NOTHING, ERROR, WARN, INFO, DEBUG)'] },
  'a text for false': { kafka: { enforceRequestTimeout: 'false' }, does: connect, says: [], warns: ['enforceRequestTimeout of new Kafka() is "false", which counts as true: expected true or false'] },
  'a text for no TLS': { kafka: { ssl: 'false' }, does: async () => {}, says: [], warns: ['ssl of new Kafka() is "false", which counts as true: expected true or false'] },
  'a text for no verification': { kafka: { ssl: { rejectUnauthorized: 'no' } }, does: async () => {}, says: [], warns: ['rejectUnauthorized of ssl is "no", which counts as true: expected true or false'] },
  'a promise for a flag': { consumer: { readUncommitted: Promise.resolve(false) }, does: connect, says: [], warns: ['readUncommitted of kafka.consumer() is a promise (await it), which counts as true: expected true or false'] },
  'a text for false, in a subscription': { does: subscribe({ topics: ['t'], fromBeginning: 'false' }), says: [], warns: ['fromBeginning of consumer.subscribe() is "false", which counts as true: expected true or false'] },
  'a text for false, in run()': { does: runMisspelt({ autoCommit: '0' }), says: [], warns: ['autoCommit of consumer.run() is "0", which counts as true: expected true or false'] },
  'a text for false, of a producer': { does: async (_, kafka) => kafka.producer({ allowAutoTopicCreation: 'off' }), says: [], warns: ['allowAutoTopicCreation of kafka.producer() is "off", which counts as true: expected true or false'] },
  'no time to connect': { kafka: { connectionTimeout: 0 }, does: connect, says: [], warns: ['connectionTimeout of new Kafka() is 0, which counts as 1: expected a number from that on'] },
  'retries below nothing': { kafka: { retry: { retries: -1 } }, does: connect, says: [], warns: ['retries of retry is -1, which counts as 0: expected a number from that on'] },
  'a first wait without end': { kafka: { retry: { initialRetryTime: Infinity } }, does: connect, says: [], warns: ['initialRetryTime of retry is Infinity, which counts as 2147483647: expected a number up to that'] },
  'more chance than there is': { kafka: { retry: { factor: 20 } }, does: connect, says: [], warns: ['factor of retry is 20, which counts as 1: expected a number up to that'] },
  'false for a function': { consumer: { retry: { restartOnFailure: false } }, does: connect, says: [], warns: ['restartOnFailure of retry is false, which counts for nothing: expected a function that says whether a consumer that has crashed begins anew'] },
  'a wait below nothing': { consumer: { maxWaitTimeInMs: -1 }, does: connect, says: [], warns: ['maxWaitTimeInMs of kafka.consumer() is -1, which counts as 0: expected a number from that on'] },
  'an answer without a byte': { consumer: { maxBytes: '0', maxBytesPerPartition: -1 }, does: connect, says: [], warns: ['maxBytes of kafka.consumer() is "0", which counts as 1: expected a number from that on', 'maxBytesPerPartition of kafka.consumer() is -1, which counts as 1: expected a number from that on'] },
  'an age below nothing': { does: async (_, kafka) => kafka.producer({ metadataMaxAge: -1 }), says: [], warns: ['metadataMaxAge of kafka.producer() is -1, which counts as 0: expected a number from that on'] },
  'a commit below nothing': { does: runMisspelt({ autoCommitInterval: -1 }), says: [], warns: ['autoCommitInterval of consumer.run() is -1, which counts as 0: expected a number from that on'] },
  'a text for false, of an admin client': { does: (_, kafka) => expect(kafka.admin().createTopics({ topics: [], validateOnly: 'false' })).rejects.toThrow(), says: [], warns: ['validateOnly of admin.createTopics() is "false", which counts as true: expected true or false'] },
  'a time below nothing, of an admin client': { does: (_, kafka) => expect(kafka.admin().deleteTopics({ topics: 't', timeout: -1 })).rejects.toThrow(), says: [], warns: ['timeout of admin.deleteTopics() is -1, which counts as 0: expected a number from that on'] },
  'options of a send() that are undefined': { does: (_, kafka) => expect(kafka.producer().send({ topic: 't', messages: [{ value: 'v', keys: undefined }], ack: undefined })).rejects.toThrow(), says: [], warns: [] },
  'a listener that is no function': { does: async c => c.on(c.events.CRASH, undefined)(), says: [], warns: ['consumer.on() takes an event and a function, received undefined: nothing is called'] },
  'no topics, and a run': { does: async c => (await c.subscribe({ topics: [] }), c.run({ eachMessage: handler }).catch(() => {}), c.disconnect()), says: [], warns: ['consumer.subscribe() got an empty list: it has subscribed to nothing'] },
  'no topics': { does: subscribe({ topics: [] }), says: [], warns: ['consumer.subscribe() got an empty list: it has subscribed to nothing'] },
  'no handler': { does: async c => (c.run({}).catch(() => {}), c.disconnect()), says: [], warns: ['consumer.run() got neither eachMessage nor eachBatch: this consumer joins its group, and reads nothing'] }
}

/** @param {Row} row */
const make = async ({ kafka: ofKafka, consumer: ofConsumer, does = connect }) => {
  const world = createWorld()
  native.NativeClient = createNativeClient(world)
  const logs = /** @type {any[]} */ ([])
  const logCreator = () => entry => logs.push(entry)
  let error = null
  try {
    const kafka = new Kafka({ brokers: ['h:9092'], logCreator, ...ofKafka })
    const consumer = kafka.consumer({ groupId: 'g', ...ofConsumer })
    await does(consumer, kafka)
    await consumer.disconnect()
  } catch (e) {
    error = e
  }
  return { error, logs, attempts: world.connects.length }
}

describe.each(Object.entries(MISTAKES).filter(([, { warns }]) => !warns))('%s', (_, row) => {
  const { is = 'KafkaJSNonRetriableError', says, saysNot } = row

  it('is an error that says so', async () => {
    const { error, logs, attempts } = await make(row)
    expect(error).toMatchObject({ name: is })
    if (is !== 'TypeError') expect(error).toBeInstanceOf(errors.KafkaJSNonRetriableError)
    let at = 0
    const [seen] = error.stack.split('\n    at ', 1)
    for (const part of says) {
      expect(seen.slice(at)).toContain(part)
      at = seen.indexOf(part, at) + part.length
    }
    if (saysNot !== undefined) expect(seen).not.toContain(saysNot)
    expect(error.stack).toContain(error.message)
    expect(error.message.length).toBeLessThan(LONGEST)
    expect(error.helpUrl).toMatch(/\/docs\/troubleshooting\.md#[a-z-]+$/)
    expect(attempts).toBe(0)
    expect(`${error.stack}${JSON.stringify(logs)}`).not.toContain(SECRET)
  })
})

it.each(Object.entries(MISTAKES).filter(([, { warns }]) => warns))(
  '%s is warned of, once',
  async (_, row) => {
    const { logs } = await make(row)
    const warnings = logs.filter(({ label }) => label === 'WARN').map(({ log }) => log.message)
    expect(warnings).toEqual(row.warns)
  }
)

test('there are as many as people make', () => {
  expect(Object.keys(MISTAKES).length).toBeGreaterThanOrEqual(60)
})
