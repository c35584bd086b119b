// @ts-check
'use strict'

const {
  committed,
  createTopic,
  logEnd,
  produce,
  sharedCluster,
  uniqueName,
  withAdmin
} = require('../kafka/helpers')
const { startProducer } = require('../kafka/producer')
const {
  block,
  commitFor,
  createConsumer,
  numbered,
  numbers,
  startConsumer,
  upTo,
  waitFor
} = require('./support')

/** The first payloads of `eachMessage`. */
const payloads = async (topic, count) => {
  const all = /** @type {import('kafkajs').EachMessagePayload[]} */ ([])
  const { consumer } = await startConsumer({
    topics: [topic],
    handle: payload => all.push(payload)
  })
  await waitFor(() => all.length >= count)
  await consumer.disconnect()
  return all
}

/** The first messages. */
const messagesOf = async (topic, count) =>
  (await payloads(topic, count)).map(({ message }) => message)

describe('what a handler gets', () => {
  it('is a payload of five members', async () => {
    const topic = await createTopic()
    await produce(topic, [{ key: 'key', value: 'value', timestamp: '1700000000000' }])
    const [payload] = await payloads(topic, 1)
    expect(Object.keys(payload).sort()).toEqual([
      'heartbeat',
      'message',
      'partition',
      'pause',
      'topic'
    ])
    expect(payload).toMatchObject({ topic, partition: 0 })
  })

  it('is a message with the members of kafkajs', async () => {
    const topic = await createTopic()
    await produce(topic, [{ key: 'key', value: 'value', timestamp: '1700000000000' }])
    const [message] = await messagesOf(topic, 1)
    expect(message).toEqual({
      magicByte: 2,
      attributes: 0,
      timestamp: '1700000000000',
      offset: '0',
      key: Buffer.from('key'),
      value: Buffer.from('value'),
      headers: {},
      isControlRecord: false,
      batchContext: expect.objectContaining({
        firstOffset: '0',
        firstTimestamp: '1700000000000',
        maxTimestamp: '1700000000000',
        inTransaction: false,
        isControlBatch: false,
        lastOffsetDelta: 0,
        timestampType: 0,
        magicByte: 2
      })
    })
  })

  it('has null for no key and no value, and a Buffer of no bytes for empty ones', async () => {
    const topic = await createTopic()
    await produce(topic, [
      { key: null, value: null },
      { key: '', value: '' }
    ])
    const [tombstone, empty] = await messagesOf(topic, 2)
    expect(tombstone).toMatchObject({ key: null, value: null })
    expect(Buffer.isBuffer(empty.key)).toBe(true)
    expect(empty.key).toHaveLength(0)
    expect(empty.value).toHaveLength(0)
  })

  it('has headers: several of a name are an array, any name is a name', async () => {
    const topic = await createTopic()
    const headers = JSON.parse(
      '{ "single": "1", "many": ["1", "2", "3"], "__proto__": "p", "toString": "s", "empty": "" }'
    )
    await produce(topic, [{ value: 'v', headers }], { compression: 'lz4' })
    const [message] = await messagesOf(topic, 1)
    expect(Object.keys(message.headers).sort()).toEqual(Object.keys(headers).sort())
    expect(message.headers.single).toEqual(Buffer.from('1'))
    expect(message.headers.many).toEqual(['1', '2', '3'].map(text => Buffer.from(text)))
    expect(Object.getOwnPropertyDescriptor(message.headers, '__proto__')?.value).toEqual(
      Buffer.from('p')
    )
    expect(message.headers.toString).toEqual(Buffer.from('s'))
    expect(message.headers.empty).toEqual(Buffer.alloc(0))
    expect(message.headers instanceof Object).toBe(true)
  })

  it('has a null header', async () => {
    const topic = await createTopic()
    const producer = await startProducer(sharedCluster().brokers)
    await producer.send(topic, [{ value: 'v', headers: { none: null } }])
    await producer.close()
    const [message] = await messagesOf(topic, 1)
    expect(message.headers).toEqual({ none: null })
  })

  it('has the time of the log where the topic says so', async () => {
    const topic = await createTopic({ config: { 'message.timestamp.type': 'LogAppendTime' } })
    const before = Date.now()
    await produce(topic, [{ value: 'v', timestamp: '1000' }])
    const [message] = await messagesOf(topic, 1)
    expect(Number(message.timestamp)).toBeGreaterThanOrEqual(before)
    expect(Number(message.timestamp)).toBeLessThanOrEqual(Date.now())
  })

  it('may be kept and changed', async () => {
    const topic = await createTopic()
    await produce(topic, numbered(500))
    const kept = await messagesOf(topic, 500)
    kept[0].value?.fill(0x78)
    expect(String(kept[0].value)).toBe('x')
    expect(kept.slice(1).map(({ value }) => Number(value))).toEqual(upTo(500).slice(1))
    expect({ ...kept[0], more: 1 }).toMatchObject({ offset: '0', more: 1 })
  })

  it('is a megabyte if it has to be', async () => {
    const topic = await createTopic({ config: { 'max.message.bytes': '5000000' } })
    const value = 'x'.repeat(3_000_000)
    await produce(topic, [{ value }, { value: 'small' }])
    const [large, small] = await messagesOf(topic, 2)
    expect(large.value).toHaveLength(value.length)
    expect(String(small.value)).toBe('small')
  })
})

/** The log of partition 0 begins at `offset` from now on. */
const deleteRecordsBefore = (topic, offset) =>
  withAdmin(undefined, async admin => {
    // deleteTopicRecords() relies on metadata that an earlier call has loaded.
    await admin.fetchTopicOffsets(topic)
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset }] })
  })

describe('where a group begins', () => {
  it('with fromBeginning at the first message', async () => {
    const topic = await createTopic()
    await produce(topic, numbered(5))
    const { messages } = await startConsumer({ topics: [topic], fromBeginning: true })
    await waitFor(() => messages.length >= 5)
    expect(numbers(messages)).toEqual(upTo(5))
  })

  it('without it behind the last', async () => {
    const topic = await createTopic()
    await produce(topic, numbered(5))
    const { consumer, messages, groupId } = await startConsumer({
      topics: [topic],
      fromBeginning: false
    })
    let sent = 5
    // The position is looked up behind the join.
    await waitFor(async () => {
      await produce(topic, [{ value: String(sent++) }])
      return messages.length > 0
    })
    await consumer.disconnect()
    expect(messages[0].offset).toBeGreaterThanOrEqual(5)
    expect(Number(await committed(groupId, topic).then(offsets => offsets[0]))).toBeGreaterThan(5)
  })

  it('is a matter of each topic', async () => {
    const [old, fresh] = [await createTopic(), await createTopic()]
    await produce(old, numbered(3))
    await produce(fresh, numbered(3))
    const { consumer, messages } = await (async () => {
      const handled = /** @type {any[]} */ ([])
      const made = createConsumer()
      await made.subscribe({ topics: [old], fromBeginning: true })
      await made.subscribe({ topics: [fresh] })
      await made.run({
        eachMessage: async ({ topic, message }) => {
          handled.push([topic, message.offset])
        }
      })
      return { consumer: made, messages: handled }
    })()
    let sent = 3
    await waitFor(async () => {
      await produce(fresh, [{ value: String(sent++) }])
      return messages.some(([topic]) => topic === fresh) && messages.length >= 4
    })
    await consumer.disconnect()
    expect(messages.filter(([topic]) => topic === old).map(([, offset]) => offset)).toEqual([
      '0',
      '1',
      '2'
    ])
    expect(messages.filter(([topic, offset]) => topic === fresh && Number(offset) < 3)).toEqual([])
  })

  it('is where it was once it has committed', async () => {
    const topic = await createTopic()
    const groupId = uniqueName('group')
    await produce(topic, numbered(10))
    const first = await startConsumer({ topics: [topic], groupId })
    await waitFor(() => first.messages.length >= 10)
    await first.consumer.disconnect()
    await produce(topic, numbered(10, { first: 10 }))
    const second = await startConsumer({ topics: [topic], groupId })
    await waitFor(() => second.messages.length >= 10)
    await second.consumer.disconnect()
    expect(numbers(second.messages)).toEqual(upTo(20).slice(10))
  })

  it('is the first message that is left, when its position is gone and fromBeginning says so', async () => {
    const topic = await createTopic()
    const groupId = uniqueName('group')
    await produce(topic, numbered(10))
    await commitFor(groupId, topic, { 0: 2 })
    await deleteRecordsBefore(topic, '6')
    const { consumer, messages } = await startConsumer({ topics: [topic], groupId })
    await waitFor(() => messages.length >= 4)
    await consumer.disconnect()
    expect(numbers(messages)).toEqual([6, 7, 8, 9])
    expect(await committed(groupId, topic)).toEqual({ 0: '10' })
  })

  it('is the end, when its position is gone and fromBeginning is not given', async () => {
    const topic = await createTopic()
    const groupId = uniqueName('group')
    await produce(topic, numbered(10))
    await commitFor(groupId, topic, { 0: 2 })
    await deleteRecordsBefore(topic, '6')
    const { consumer, messages } = await startConsumer({
      topics: [topic],
      groupId,
      fromBeginning: false
    })
    let sent = 10
    await waitFor(async () => {
      await produce(topic, [{ value: String(sent++) }])
      return messages.length > 0
    })
    await consumer.disconnect()
    expect(messages[0].offset).toBeGreaterThanOrEqual(10)
  })

  it('is an error, when its position is gone and autoOffsetReset is none', async () => {
    const topic = await createTopic()
    const groupId = uniqueName('group')
    await produce(topic, numbered(10))
    await commitFor(groupId, topic, { 0: 2 })
    await deleteRecordsBefore(topic, '6')
    const { seen } = await startConsumer({ topics: [topic], groupId, autoOffsetReset: 'none' })
    const [crash] = await waitFor(() => seen.of('CRASH').length > 0 && seen.of('CRASH'))
    expect(crash).toMatchObject({ groupId, restart: false })
    expect(crash.error).toMatchObject({ name: 'KafkaJSOffsetOutOfRange', topic, partition: 0 })
    expect(await committed(groupId, topic)).toEqual({ 0: '2' })
  })

  it('is by fromBeginning, when nothing is committed, even if autoOffsetReset is none', async () => {
    const topic = await createTopic()
    await produce(topic, numbered(3))
    const { messages, seen } = await startConsumer({ topics: [topic], autoOffsetReset: 'none' })
    await waitFor(() => messages.length >= 3)
    expect(numbers(messages)).toEqual(upTo(3))
    expect(seen.of('CRASH')).toEqual([])
  })

  it('is by fromBeginning, when the committed offset is negative', async () => {
    const topic = await createTopic()
    const groupId = uniqueName('group')
    await produce(topic, numbered(3))
    // kafkajs writes a literal -2 into the group.
    await withAdmin(undefined, admin => admin.resetOffsets({ groupId, topic, earliest: true }))
    const { consumer, messages } = await startConsumer({ topics: [topic], groupId })
    await waitFor(() => messages.length >= 3)
    await consumer.disconnect()
    expect(numbers(messages)).toEqual(upTo(3))
    expect(await committed(groupId, topic)).toEqual({ 0: '3' })
  })
})

describe('handlers', () => {
  it('may be synchronous', async () => {
    const topic = await createTopic({ partitions: 2 })
    await produce(topic, numbered(200, { partitions: 2 }))
    const handled = /** @type {string[]} */ ([])
    const { consumer, groupId } = await startConsumer({
      topics: [topic],
      run: { eachMessage: /** @type {any} */ (({ message }) => void handled.push(message.offset)) }
    })
    await waitFor(() => handled.length >= 200)
    await consumer.disconnect()
    expect(await committed(groupId, topic)).toEqual({ 0: '100', 1: '100' })
  })

  it('that are slow, one after the other, leave the event loop to others', async () => {
    const topic = await createTopic()
    await produce(topic, numbered(100))
    const during = /** @type {number[]} */ ([])
    const { messages } = await startConsumer({ topics: [topic], handle: () => block(3) })
    const timer = setInterval(() => during.push(messages.length), 1)
    await waitFor(() => messages.length >= 100)
    clearInterval(timer)
    // How often is the machine's affair; that others had a turn in the middle is ours.
    expect(during.filter(handled => handled > 0 && handled < 100)).not.toEqual([])
  })

  it('go on through many answers of the broker', async () => {
    const topic = await createTopic()
    await produce(topic, numbered(2000))
    const { consumer, messages, groupId } = await startConsumer({
      topics: [topic],
      maxBytesPerPartition: 1024,
      maxBytes: 1024
    })
    await waitFor(() => messages.length >= 2000)
    await consumer.disconnect()
    expect(numbers(messages)).toEqual(upTo(2000))
    expect(await committed(groupId, topic)).toEqual(await logEnd(topic))
  })
})
