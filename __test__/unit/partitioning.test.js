'use strict'

const { DefaultPartitioner } = require('../../src/producer/partitioners')
const { Partitioning } = require('../../src/producer/partitioning')

/** A cluster that has each topic that is asked for, with one partition. */
const createCluster = () => {
  const targetTopics = new Set()
  let reads = 0
  return {
    targetTopics,
    get reads() {
      return reads
    },
    brokerPool: {
      metadata: {},
      partitionsOf: topic => (targetTopics.has(topic) ? [{ partitionId: 0, leader: 1 }] : [])
    },
    addMultipleTargetTopics: async topics => {
      reads += 1
      for (const topic of topics) targetTopics.add(topic)
    },
    refreshMetadataIfNecessary: async () => {},
    findTopicPartitionMetadata(topic) {
      return this.brokerPool.partitionsOf(topic)
    }
  }
}

it('partitions of ever new topics are not all kept, and those in use are read again', async () => {
  const cluster = createCluster()
  const partitioner = DefaultPartitioner()
  const partitioning = new Partitioning({
    cluster: /** @type {any} */ (cluster),
    partitioner,
    retry: {}
  })
  const send = topic =>
    partitioning.send([{ topic, messages: [{ value: '' }] }], async ([{ messages }]) => messages)
  for (let n = 0; n < 2500; n++) {
    expect(await send(`topic-${n}`)).toEqual([{ value: '', partition: 0 }])
    await send('in use')
    expect(cluster.targetTopics.size).toBeLessThanOrEqual(1000)
  }
  expect(cluster.reads).toBeLessThan(2510)
})
