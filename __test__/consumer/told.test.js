// @ts-check
'use strict'

/**
 * What the log tells while something does not come about, which is no error yet: what is waited for, since when, the likely cause
 * and what to do; not more than once in ten seconds, and nothing in a healthy run.
 */

const net = require('node:net')
const { createTopic, produce, sharedCluster, uniqueName, waitFor } = require('../kafka/helpers')
const support = require('./support')

const { createConsumer, createKafka, logLevel, numbered, startConsumer, together } = support
const { useCluster } = support

const listen = () => {
  const lines = /** @type {any[]} */ ([])
  const kafka = options =>
    createKafka({
      logLevel: logLevel.INFO,
      logCreator: () => entry => lines.push(entry),
      ...options
    })
  /** @param {string | RegExp} message @param {string} [label] @returns {any[]} */
  const of = (message, label) =>
    lines.filter(
      line => line.log.message.match(message) && (label === undefined || line.label === label)
    )
  return { lines, kafka, of }
}

/** Of lines of one cause: none within ten seconds after another. */
const expectReminders = lines => {
  const times = lines.map(({ log }) => Date.parse(log.timestamp))
  expect(times.length).toBeGreaterThan(1)
  for (let at = 1; at < times.length; at++) {
    expect(times[at] - times[at - 1]).toBeGreaterThanOrEqual(9_900)
  }
}

const handler = { eachMessage: async () => {} }

/**
 * A cluster that cannot be reached where it says it is: the same broker, whose answers call it by a name that there is none of.
 * @param {string} broker
 */
const misadvertised = async broker => {
  const [host, port] = broker.split(':')
  const server = net.createServer(client => {
    const upstream = net.connect(Number(port), host)
    client.on('error', () => upstream.destroy()).pipe(upstream)
    upstream.on('error', () => client.destroy())
    upstream.on('end', () => client.end())
    // Of the same length, so that no length on the wire changes.
    upstream.on('data', data =>
      client.write(
        Buffer.from(data.toString('latin1').replaceAll('127.0.0.1', 'a.invalid'), 'latin1')
      )
    )
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  const { port: own } = /** @type {net.AddressInfo} */ (server.address())
  return { broker: `127.0.0.1:${own}`, close: () => server.close() }
}

/** @type {string[]} */
let withoutOffsets
useCluster({ config: { 'offsets.topic.replication.factor': 3 }, coordinators: false }, cluster => {
  withoutOffsets = cluster.brokers
})

const SPECS = {
  'a coordinator that there cannot be is told again, with the setting': async () => {
    const { kafka, of } = listen()
    const topic = await createTopic({ brokers: withoutOffsets })
    const groupId = uniqueName('group')
    const consumer = createConsumer({ kafka: kafka({ brokers: withoutOffsets }), groupId })
    await consumer.subscribe({ topics: [topic] })
    consumer.run(handler).catch(() => {})
    const about = `Failed to find the coordinator of group "${groupId}"`
    await waitFor(() => of(about, 'WARN').length === 2)
    const [, { log }] = of(about)
    expect(log.message).toMatch(/for 1\d s, trying again: GROUP_COORDINATOR_NOT_AVAILABLE: /)
    expect(log.message).toContain('__consumer_offsets cannot be created')
    expect(log.message).toContain('Known brokers: 1; offsets.topic.replication.factor')
    expectReminders(of(about))
  },

  'a name of the cluster that cannot be reached is told once, and again': async () => {
    const { kafka, lines, of } = listen()
    const { broker, close } = await misadvertised(sharedCluster().brokers[0])
    const topic = await createTopic()
    const consumer = createConsumer({ kafka: kafka({ brokers: [broker] }) })
    await consumer.subscribe({ topics: [topic] })
    consumer.run(handler).catch(() => {})
    await waitFor(() => of('a.invalid', 'ERROR').length === 2)
    const [{ log }] = of('a.invalid')
    expect(log.message).toContain(
      `bootstrap address ${broker} answered, and the cluster calls broker `
    )
    expect(log.message).toMatch(/"a\.invalid:\d+", which cannot be reached from here \(E\w+\)/)
    expect(log.message).toContain('check advertised.listeners')
    expectReminders(of('a.invalid', 'ERROR'))
    expect(lines.filter(({ label }) => label === 'ERROR')).toHaveLength(2)
    close()
    await consumer.disconnect()
  },

  'a member for which there is no partition is told so, once': async () => {
    const { kafka, of } = listen()
    const topic = await createTopic()
    const { groupId } = await startConsumer({ topics: [topic], kafka: kafka() })
    await startConsumer({ topics: [topic], groupId, kafka: kafka() })
    await waitFor(() => of('has no partitions').length > 0)
    const [{ label, log }] = of('has no partitions')
    expect(label).toBe('INFO')
    expect(log.message).toContain(
      `This member of group "${groupId}" has no partitions: its topics have 1`
    )
    expect(log.groupId).toBe(groupId)
  },

  'a handler that disconnect() waits for is named': async () => {
    const { kafka, of } = listen()
    const topic = await createTopic()
    await produce(topic, numbered(1))
    let end = () => {}
    let begun = false
    const hanging = new Promise(resolve => (end = () => resolve(undefined)))
    const handle = () => {
      begun = true
      return hanging
    }
    const { consumer } = await startConsumer({
      topics: [topic],
      kafka: kafka(),
      handle,
      // How long the spec lasts if the handler is never let go.
      rebalanceTimeout: 20_000,
      maxPollInterval: 20_000
    })
    await waitFor(() => begun)
    const disconnected = consumer.disconnect()
    await waitFor(() => of('Stopping waits for').length > 0)
    const [{ label, log }] = of('Stopping waits for')
    expect(label).toBe('WARN')
    expect(log.message).toContain(
      `waits for the handler of "${topic}" partition 0 (no progress for `
    )
    expect(log.message).toMatch(/, for \d+ s more at the longest$/)
    end()
    await disconnected
  },

  'a topic that does not exist is named': async () => {
    const topic = uniqueName('missing')
    const consumer = createConsumer({ allowAutoTopicCreation: false })
    await expect(consumer.subscribe({ topics: [topic] })).rejects.toMatchObject({
      name: 'KafkaJSProtocolError',
      type: 'UNKNOWN_TOPIC_OR_PARTITION',
      code: 3,
      retriable: true,
      message: `This server does not host this topic-partition: topic "${topic}" does not exist: create it, or set allowAutoTopicCreation`
    })
  },

  'a topic that a subscription creates is told': async () => {
    const { kafka, of } = listen()
    const topic = uniqueName('created')
    const consumer = createConsumer({ kafka: kafka(), allowAutoTopicCreation: true })
    await consumer.subscribe({ topics: [topic] })
    await consumer.subscribe({ topics: [topic] })
    const told = of(`Topic "${topic}" did not exist and was created`)
    expect(told.map(({ label }) => label)).toEqual(['INFO'])
  },

  'a topic that a send creates is told, once': async () => {
    const { kafka, of } = listen()
    const topic = uniqueName('created')
    const producer = kafka().producer()
    await producer.connect()
    for (const value of ['a', 'b']) await producer.send({ topic, messages: [{ value }] })
    await waitFor(() => of(`Topic "${topic}" did not exist and was created`).length > 0)
    const told = of(`Topic "${topic}" did not exist and was created`)
    expect(told.map(({ label, log }) => [label, log.topic])).toEqual([['INFO', topic]])
    await producer.disconnect()
  },

  'a pattern that matches nothing, and a seek of a partition of nobody, are told': async () => {
    const { kafka, of } = listen()
    const topic = await createTopic()
    await produce(topic, numbered(1))
    const test = await startConsumer({ topics: [topic, /^no such topic$/], kafka: kafka() })
    expect(of(/No topic matches \/\^no such topic\$\/ by now/).map(({ label }) => label)).toEqual([
      'WARN'
    ])
    await waitFor(() => test.messages.length === 1)
    test.consumer.seek({ topic, partition: 7, offset: '1' })
    test.consumer.seek({ topic, partition: 7, offset: '2' })
    const says = `seek() of "${topic}" partition 7 to offset 1`
    await waitFor(() => of(/^seek/).length > 0)
    expect(of(/^seek/).map(({ log }) => log.message)).toEqual([expect.stringContaining(says)])
  },

  'a plain run tells no more than that of kafkajs': async () => {
    const topic = await createTopic()
    await produce(topic, numbered(3))
    const run = async ({ Kafka, logLevel: levels }) => {
      const lines = /** @type {string[]} */ ([])
      const logCreator = () => entry => lines.push(entry.log.message)
      const { brokers } = sharedCluster()
      const kafka = new Kafka({ brokers, logLevel: levels.INFO, logCreator })
      const consumer = kafka.consumer({ groupId: uniqueName('group'), maxWaitTimeInMs: 200 })
      let seen = 0
      await consumer.connect()
      await consumer.subscribe({ topics: [topic], fromBeginning: true })
      await consumer.run({ eachMessage: async () => void seen++ })
      await waitFor(() => seen === 3)
      await consumer.disconnect()
      return lines
    }
    const [ours, theirs] = await Promise.all([run(require('../..')), run(require('kafkajs'))])
    expect(ours.length).toBeGreaterThan(0)
    expect(ours.length).toBeLessThanOrEqual(theirs.length)
  }
}

// The longest waits for more than ten seconds itself.
together(SPECS, 60_000)
