// @ts-check
'use strict'

/**
 * How long a partition is silent when its leader is killed: kafkars and kafkajs beside each other, on the same log.
 *
 *   node __test__/chaos/failover.js [--rounds 5]
 *
 * The floor is what the cluster needs to elect another leader and Kafka's own producer to find it.
 */

const { setTimeout: pause } = require('node:timers/promises')

const kafkajs = require('kafkajs')
const kafkars = require('../..')
const { startCluster } = require('../kafka')
const { createTopic, uniqueName, waitFor, withAdmin } = require('../kafka/helpers')
const { startProducer } = require('../kafka/producer')
const { optionsOf } = require('../usage')

const PARTITIONS = 6
const CLIENTS = { kafkars, kafkajs }

/** When each partition was last heard of, and its longest silence, ms. */
class Silence {
  #last = new Map()
  #longest = new Map()

  /** @param {number} partition */
  heard(partition) {
    const now = performance.now()
    const silence = now - (this.#last.get(partition) ?? now)
    this.#last.set(partition, now)
    this.#longest.set(partition, Math.max(silence, this.#longest.get(partition) ?? 0))
  }

  reset() {
    this.#longest.clear()
  }

  /** @param {number[]} partitions */
  longest(partitions) {
    return Math.round(Math.max(...partitions.map(partition => this.#longest.get(partition) ?? NaN)))
  }

  /** @param {number[]} partitions @param {number} since */
  isOver(partitions, since) {
    return partitions.every(partition => (this.#last.get(partition) ?? 0) > since)
  }
}

const main = async () => {
  const options = { rounds: /** @type {const} */ ({ type: 'string', default: '5' }) }
  const rounds = Number(optionsOf('node __test__/chaos/failover.js [--rounds 5]', options).rounds)
  const cluster = await startCluster({ brokers: 3 })
  const { brokers, nodes } = cluster
  const topic = await createTopic({
    partitions: PARTITIONS,
    config: { 'min.insync.replicas': '2' },
    brokers
  })
  /** @type {Record<string, Silence>} */
  const heard = { producer: new Silence() }
  const consumers = []
  for (const [name, { Kafka, logLevel }] of Object.entries(CLIENTS)) {
    const silence = (heard[name] = new Silence())
    const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING })
    const consumer = kafka.consumer({ groupId: uniqueName(name) })
    consumers.push(consumer)
    await consumer.subscribe({ topic })
    await consumer.run({ eachMessage: async ({ partition }) => silence.heard(partition) })
  }
  let running = true
  // One producer per partition: a send waits for its slowest partition.
  const producing = Array.from({ length: PARTITIONS }, async (_, partition) => {
    const config = { 'request.timeout.ms': 1000, 'linger.ms': 0, 'retry.backoff.ms': 20 }
    const producer = await startProducer(brokers, config)
    while (running) {
      await producer.send(topic, [{ value: 'x', partition }]).then(
        () => heard.producer.heard(partition),
        () => {}
      )
      await pause(20)
    }
    await producer.close()
  })
  const all = Array.from({ length: PARTITIONS }, (_, partition) => partition)
  const everybodyIsBack = (partitions, since) =>
    waitFor(() => Object.values(heard).every(silence => silence.isOver(partitions, since)), {
      timeout: 120_000
    })
  await everybodyIsBack(all, 0)

  for (let round = 0; round < rounds; round++) {
    const node = nodes[round % nodes.length]
    await pause(3000)
    const metadata = await withAdmin(brokers, admin =>
      admin.fetchTopicMetadata({ topics: [topic] })
    )
    const led = metadata.topics[0].partitions.filter(({ leader }) => leader === node.id)
    const partitions = led.map(({ partitionId }) => partitionId)
    for (const silence of Object.values(heard)) silence.reset()
    await node.kill9()
    const since = performance.now()
    await pause(1000)
    await everybodyIsBack(partitions, since + 500)
    await pause(500)
    const figures = Object.entries(heard).map(
      ([name, silence]) => `${name} ${silence.longest(partitions)} ms`
    )
    console.log(`${partitions.length} partitions lost their leader: silent for`, figures.join(', '))
    await node.restart()
    // Leaders go home, so that every broker leads when its turn comes.
    await pause(8000)
  }
  running = false
  await Promise.all(producing)
  await Promise.all(consumers.map(consumer => consumer.disconnect()))
  await cluster.stop()
}

main().catch(error => {
  console.error(error)
  process.exit(1)
})
