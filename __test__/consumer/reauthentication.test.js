// @ts-check
'use strict'

/** Sessions that end every few seconds (KIP-368), under load. On a cluster of its own. */

const { Kafka, ScramMechanisms, logLevel } = require('../..')
const { connections, unsecuredToken } = require('../kafka/connections')
const { committed, createTopic, logEnd, observer, uniqueName } = require('../kafka/helpers')
const {
  createKafka,
  distinct,
  isLetIn,
  pause,
  startConsumer,
  together,
  upTo,
  useCluster,
  waitFor
} = require('./support')

const SESSION = 16_000
/** Nearly half of a session is left then: who is late by seconds is not too late, ms. */
const THRESHOLD = SESSION / 2 - 100
const DURATION = 1.5 * SESSION
const PARTITIONS = 3

/** @type {import('../kafka').Cluster} */
let cluster

useCluster({ config: { 'connections.max.reauth.ms': SESSION } }, lent => (cluster = lent))

/** Writes numbers, steadily, until the time is over. @param {string} topic */
const writeFor = async (topic, duration) => {
  const producer = observer(cluster.brokers).producer()
  await producer.connect()
  const end = performance.now() + duration
  let count = 0
  while (performance.now() < end) {
    const messages = Array.from({ length: 20 }, () => ({
      value: String(count++),
      partition: count % PARTITIONS
    }))
    await producer.send({ topic, messages })
    await pause(20)
  }
  await producer.disconnect()
  return count
}

/** @param {any} options of `new Kafka()` */
const consumeThroughSessions = async options => {
  const { brokers } = cluster
  const topic = await createTopic({ partitions: PARTITIONS, brokers })
  const connecting = /** @type {any[]} */ ([])
  const kafka = createKafka({
    ...options,
    logLevel: 5,
    logCreator:
      () =>
      ({ label, log }) => {
        if (log.message === 'Connecting' || label === 'ERROR') connecting.push(log.message)
      }
  })
  const { consumer, groupId, messages, seen } = await startConsumer({ topics: [topic], kafka })
  const [connected, authenticated] = [connecting.length, authentications(seen)]
  const written = await writeFor(topic, DURATION)
  await waitFor(() => messages.length >= written)
  const later = connecting.slice(connected)
  const renewals = authentications(seen) - authenticated
  await consumer.disconnect()

  expect(distinct(messages)).toEqual(upTo(written))
  expect(messages).toHaveLength(written)
  expect(await committed(groupId, topic, brokers)).toEqual(await logEnd(topic, brokers))
  expect(seen.of('GROUP_JOIN')).toHaveLength(1)
  expect(seen.of('CRASH')).toEqual([])
  // Since it has joined: connections that were opened, errors, and how often the broker was asked to authenticate us.
  return { later, renewals }
}

/** How often the broker was asked to authenticate us. */
const authentications = seen =>
  seen.of('REQUEST').filter(({ apiName }) => apiName === 'SaslAuthenticate').length

/** @param {'plain' | 'scram512'} mechanism @param {number} reauthenticationThreshold */
const keepsConnections = async (mechanism, reauthenticationThreshold) => {
  const { later, renewals } = await consumeThroughSessions({
    ...connections(cluster)[mechanism],
    reauthenticationThreshold
  })
  // One for fetches is opened when there is something to fetch.
  expect(later.filter(message => message !== 'Connecting')).toEqual([])
  expect(later.length).toBeLessThanOrEqual(2)
  expect(renewals).toBeGreaterThanOrEqual(2)
}

const givesTokens = async () => {
  const provider = jest.fn(async () => ({ value: unsecuredToken() }))
  const { later, renewals } = await consumeThroughSessions({
    brokers: cluster.listeners.oauth,
    reauthenticationThreshold: THRESHOLD,
    sasl: { mechanism: 'oauthbearer', oauthBearerProvider: provider }
  })
  expect(later.filter(message => message !== 'Connecting')).toEqual([])
  expect(renewals).toBeGreaterThanOrEqual(2)
  expect(provider.mock.calls.length).toBeGreaterThan(renewals)
}

const isInterrupted = async () => {
  const topic = await createTopic({ brokers: cluster.brokers })
  const errors = /** @type {string[]} */ ([])
  const renewals = /** @type {Promise<any>[]} */ ([])
  let slow = false
  const renew = async () => {
    await pause(500)
    return { value: unsecuredToken() }
  }
  const oauthBearerProvider = async () => {
    if (!slow) return { value: unsecuredToken() }
    renewals.push(renew())
    return renewals[renewals.length - 1]
  }
  const kafka = createKafka({
    brokers: cluster.listeners.oauth,
    reauthenticationThreshold: THRESHOLD,
    sasl: { mechanism: 'oauthbearer', oauthBearerProvider },
    logLevel: 1,
    logCreator:
      () =>
      ({ log }) =>
        errors.push(log.message)
  })
  const { consumer } = await startConsumer({ topics: [topic], kafka })
  slow = true
  await waitFor(() => renewals.length > 0)
  await consumer.disconnect()
  await Promise.all(renewals)
  // What comes of a token that comes too late.
  await pause(100)
  expect(errors).toEqual([])
}

const outlivesItsProvider = async () => {
  const { brokers } = cluster
  const topic = await createTopic({ partitions: PARTITIONS, brokers })
  let down = false
  const refused = jest.fn()
  const oauthBearerProvider = async () => {
    if (!down) return { value: unsecuredToken() }
    refused()
    throw new Error('the identity provider is down')
  }
  const kafka = createKafka({
    brokers: cluster.listeners.oauth,
    reauthenticationThreshold: THRESHOLD,
    sasl: { mechanism: 'oauthbearer', oauthBearerProvider }
  })
  const { messages, seen } = await startConsumer({ topics: [topic], kafka })
  const before = await writeFor(topic, 200)
  await waitFor(() => messages.length === before)
  down = true
  await waitFor(() => refused.mock.calls.length >= 3)
  down = false
  const after = await writeFor(topic, 200)
  await waitFor(() => messages.length >= before + after)
  expect(messages).toHaveLength(before + after)
  expect(seen.of('CRASH')).toEqual([])
}

/** Through our own admin client: kafkajs's cannot. @param {string} user @param {string} password */
const setPassword = async (user, password) => {
  const admin = new Kafka({ brokers: cluster.brokers, logLevel: logLevel.NOTHING }).admin()
  const mechanism = ScramMechanisms.SCRAM_SHA_512
  await admin.connect()
  await admin.alterUserScramCredentials({ upsertions: [{ user, mechanism, password }] })
  await admin.disconnect()
  // The broker learns of it a moment later.
  await waitFor(() => letsIn({ username: user, password }))
}

/** Whether the broker does. @param {{ username: string, password: string }} who */
const letsIn = who => {
  const { scram512 } = connections(cluster)
  return isLetIn({ ...scram512, sasl: { ...scram512.sasl, ...who } })
}

/**
 * A password is changed while sessions last, and the next authentication of each connection is by the new one.
 *
 * @param {any} sasl its `password` is 'before'
 * @param {() => void} change makes it 'behind'
 */
const followsPassword = async (sasl, change) => {
  const { brokers } = cluster
  const topic = await createTopic({ partitions: PARTITIONS, brokers })
  await setPassword(sasl.username, 'before')
  const kafka = createKafka({ ...connections(cluster).scram512, sasl })
  const { consumer, messages, seen } = await startConsumer({ topics: [topic], kafka })
  const [producer, admin] = [kafka.producer(), kafka.admin()]
  await Promise.all([producer.connect(), admin.connect()])

  await setPassword(sasl.username, 'behind')
  change()
  let written = 0
  for (const end = performance.now() + DURATION; performance.now() < end; await pause(100)) {
    await producer.send({ topic, messages: [{ value: String(written++) }] })
    await admin.fetchTopicOffsets(topic)
  }
  await waitFor(() => messages.length >= written)
  await Promise.all([consumer.disconnect(), producer.disconnect(), admin.disconnect()])
  expect(messages).toHaveLength(written)
  expect(seen.of('CRASH')).toEqual([])
  expect(seen.of('GROUP_JOIN')).toHaveLength(1)
  expect(await letsIn({ username: sasl.username, password: 'before' })).toBe(false)
}

const followsWhatIsWritten = () => {
  const sasl = { mechanism: 'scram-sha-512', username: uniqueName('user'), password: 'before' }
  return followsPassword(sasl, () => (sasl.password = 'behind'))
}

const asksTheGetter = () => {
  let current = 'before'
  const sasl = {
    mechanism: 'scram-sha-512',
    username: uniqueName('user'),
    get password() {
      return current
    }
  }
  return followsPassword(sasl, () => (current = 'behind'))
}

together(
  {
    'with plain: the connections stay, nothing is lost, nobody rejoins': () =>
      keepsConnections('plain', THRESHOLD),
    // Longer than the session, as the default is for short ones.
    'with scram512: the connections stay, nothing is lost, nobody rejoins': () =>
      keepsConnections('scram512', 2 * SESSION),
    'with oauthbearer: a token for each': givesTokens,
    'a password that is changed, and written into sasl, is the next one': followsWhatIsWritten,
    'a password that is changed, and that a getter of sasl knows, is the next one': asksTheGetter,
    'that disconnect() interrupts is no error': isInterrupted,
    'a provider of tokens that fails for longer than a session costs time and no message':
      outlivesItsProvider
  },
  120_000
)
