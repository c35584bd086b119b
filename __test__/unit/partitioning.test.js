'use strict'

const { DefaultPartitioner } = require('../../src/producer/partitioners')
const { Partitioning } = require('../../src/producer/partitioning')

/** A cluster that has each topic that is asked for, with one partition, but for those that are deleted. */
const createCluster = () => {
  const targetTopics = new Set()
  const deleted = new Set()
  let reads = 0
  const read = async () => {
    reads += 1
    const missing = [...targetTopics].find(topic => deleted.has(topic))
    if (missing) throw Object.assign(new Error('deleted'), { topic: missing, retriable: false })
  }
  const cluster = {
    isOld: false,
    targetTopics,
    deleted,
    logger: { debug: () => {} },
    get reads() {
      return reads
    },
    brokerPool: {
      metadata: {},
      partitionsOf: topic => (targetTopics.has(topic) ? [{ partitionId: 0, leader: 1 }] : [])
    },
    addMultipleTargetTopics: async topics => {
      for (const topic of topics) targetTopics.add(topic)
      await read()
    },
    refreshMetadataIfNecessary: async () => (cluster.isOld ? read() : undefined),
    findTopicPartitionMetadata(topic) {
      return this.brokerPool.partitionsOf(topic)
    }
  }
  return cluster
}

it('partitions of ever new topics are not all kept, and those in use are read again', async () => {
  const cluster = createCluster()
  const partitioning = new Partitioning({
    cluster: /** @type {any} */ (cluster),
    createPartitioner: DefaultPartitioner,
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

describe('a topic that is deleted', () => {
  const setUp = async () => {
    const cluster = createCluster()
    const partitioning = new Partitioning({
      cluster: /** @type {any} */ (cluster),
      createPartitioner: DefaultPartitioner,
      retry: { retries: 0 }
    })
    const send = topic =>
      partitioning.send([{ topic, messages: [{ value: '' }] }], async ([{ messages }]) => messages)
    await send('gone')
    await send('kept')
    cluster.deleted.add('gone')
    return { cluster, send }
  }

  it('does not keep others from being sent to', async () => {
    const { cluster, send } = await setUp()
    expect(await send('new')).toEqual([{ value: '', partition: 0 }])
    expect([...cluster.targetTopics]).toEqual(['kept', 'new'])
    await expect(send('gone')).rejects.toMatchObject({ topic: 'gone' })
    expect(await send('newer')).toEqual([{ value: '', partition: 0 }])
  })

  it('does not keep the metadata of others from being read again', async () => {
    const { cluster, send } = await setUp()
    cluster.isOld = true
    const before = cluster.reads
    await Promise.all(Array.from({ length: 100 }, () => send('kept')))
    expect([cluster.reads - before, [...cluster.targetTopics]]).toEqual([1, ['kept']])
    await send('kept')
    expect(cluster.reads - before).toBe(2)
  })
})
