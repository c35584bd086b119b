// @ts-check
'use strict'

/** `keyDeserializer`, `valueDeserializer`, `onDeserializationError`. */

const { committed, createTopic, produce, waitFor } = require('../kafka/helpers')
const { SOON, createConsumer, pause, rejection, watch } = require('./support')

/** @param {(string | null)[]} values of partition 0 */
const topicOf = async values => {
  const topic = await createTopic()
  await produce(
    topic,
    values.map((value, i) => ({ key: `k${i}`, value, headers: { schema: '1' } }))
  )
  return topic
}

/** Runs until it is told enough. @param {any} options @param {any} run */
const consume = async (topic, options, run) => {
  const groupId = `${topic}-group`
  const consumer = createConsumer({ groupId, ...options })
  const seen = watch(consumer)
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run(run)
  return { consumer, seen, groupId }
}

/** A consumer whose handler writes down what it gets. @param {any} options */
const eachMessage = async (topic, options) => {
  const got = /** @type {any[]} */ ([])
  const running = await consume(topic, options, {
    eachMessage: async ({ message: { key, value } }) => void got.push([key, value])
  })
  return { ...running, got }
}

/** Disconnects, and tells what the group has of partition 0. */
const end = async ({ consumer, groupId }, topic) => {
  await consumer.disconnect()
  const offsets = await committed(groupId, topic)
  return Number(offsets[0])
}

describe('deserializers', () => {
  it('read keys and values by the name of a format or by an async function', async () => {
    const topic = await topicOf(['{"total":1}', null, '{"total":3}'])
    const running = await eachMessage(topic, {
      keyDeserializer: 'string',
      valueDeserializer: async ({ topic: of, partition, headers, data }) => {
        await pause(5)
        return { of, partition, schema: String(headers.schema), ...JSON.parse(String(data)) }
      }
    })
    await waitFor(() => running.got.length === 3)
    const from = { of: topic, partition: 0, schema: '1' }
    expect(running.got).toEqual([
      ['k0', { ...from, total: 1 }],
      ['k1', null],
      ['k2', { ...from, total: 3 }]
    ])
    expect(await end(running, topic)).toBe(3)
  })

  it('read the messages of a batch before its handler is called', async () => {
    const topic = await topicOf(['1', '{', '3'])
    const batches = /** @type {any[]} */ ([])
    const running = await consume(
      topic,
      { valueDeserializer: 'json', onDeserializationError: 'skip' },
      {
        eachBatch: async ({ batch }) => {
          batches.push(...batch.messages.map(({ offset, value }) => [offset, value]))
        }
      }
    )
    await waitFor(() => batches.length === 2)
    expect(batches).toEqual([
      ['0', 1],
      ['2', 3]
    ])
    expect(await end(running, topic)).toBe(3)
  })

  it('end a batch before the message that they cannot read', async () => {
    const topic = await topicOf(['1', '2', '{', '4'])
    const batches = /** @type {any[]} */ ([])
    const running = await consume(
      topic,
      { valueDeserializer: 'json' },
      {
        eachBatch: async ({ batch }) => {
          batches.push(batch.messages.map(({ value }) => value))
        }
      }
    )
    await waitFor(() => running.seen.of('CRASH').length > 0)
    expect(batches).toEqual([[1, 2]])
    expect(running.seen.of('CRASH')[0].error).toMatchObject({ topic, partition: 0, offset: '2' })
    expect(await end(running, topic)).toBe(2)
  })

  for (const [what, values, handed] of /** @type {const} */ ([
    ['at the end of a batch', ['1', '{'], [[1]]],
    ['when nothing else is in the batch', ['{', '{'], []]
  ])) {
    it(`leave out what no handler can resolve, ${what}`, async () => {
      const topic = await topicOf(values)
      const batches = /** @type {any[]} */ ([])
      const running = await consume(
        topic,
        { valueDeserializer: 'json', onDeserializationError: 'skip' },
        {
          eachBatchAutoResolve: false,
          eachBatch: async ({ batch, resolveOffset }) => {
            batches.push(batch.messages.map(({ value }) => value))
            for (const { offset } of batch.messages) resolveOffset(offset)
          }
        }
      )
      await waitFor(async () => Number((await committed(running.groupId, topic))[0]) === 2)
      expect(batches).toEqual(handed)
    })
  }

  it('that cannot read are the end, by default, and nothing is passed over', async () => {
    const topic = await topicOf(['1', '{', '3'])
    const running = await eachMessage(topic, { valueDeserializer: 'json' })
    await waitFor(() => running.seen.of('CRASH').length > 0)
    const [{ error, restart }] = running.seen.of('CRASH')
    expect(restart).toBe(false)
    expect(error).toMatchObject({
      name: 'KafkaJSDeserializationError',
      topic,
      partition: 0,
      offset: '1',
      part: 'value',
      data: Buffer.from('{')
    })
    expect(running.got.map(([, value]) => value)).toEqual([1])
    expect(await end(running, topic)).toBe(1)
  })

  it('are left out by "skip", also when nothing else is there', async () => {
    const topic = await topicOf(['{', '{'])
    const running = await eachMessage(topic, {
      valueDeserializer: 'json',
      onDeserializationError: 'skip'
    })
    await waitFor(async () => Number((await committed(running.groupId, topic))[0]) === 2)
    expect(running.got).toEqual([])
  })

  it('that are functions are tried again: the registry may be down', async () => {
    const topic = await topicOf(['a', 'b'])
    let isDown = true
    let tries = 0
    const running = await eachMessage(topic, {
      valueDeserializer: async ({ data }) => {
        tries++
        if (isDown && String(data) === 'b') throw new Error('the registry is down')
        return String(data).toUpperCase()
      }
    })
    await waitFor(() => tries >= 3)
    isDown = false
    await waitFor(() => running.got.length === 2)
    expect(running.got.map(([, value]) => value)).toEqual(['A', 'B'])
    expect(running.seen.of('CRASH')).toEqual([])
  })

  it('may hand what they cannot read to the program, bytes and all', async () => {
    const topic = await topicOf(['1', '{', '3'])
    const letters = /** @type {any[]} */ ([])
    const running = await eachMessage(topic, {
      valueDeserializer: 'json',
      onDeserializationError: async (error, { topic: of, partition, offset }) => {
        await pause(5)
        letters.push([of, partition, offset, String(error.data)])
        return 'skip'
      }
    })
    await waitFor(() => running.got.length === 2)
    expect(running.got.map(([, value]) => value)).toEqual([1, 3])
    expect(letters).toEqual([[topic, 0, '1', '{']])
    expect(await end(running, topic)).toBe(3)
  })
})

describe('deserializers of a consumer that is pulled', () => {
  const name = 'KafkaJSDeserializationError'

  /** @param {string} topic @param {any} options @returns {Promise<any>} */
  const puller = async (topic, options) => {
    const consumer = createConsumer({ groupId: `${topic}-group`, ...options })
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    return consumer
  }
  const slowJson = async ({ data }) => {
    await pause(1)
    return JSON.parse(String(data))
  }
  const values = messages => messages.map(({ value }) => value)

  for (const [kind, valueDeserializer] of /** @type {const} */ ([
    ['a format', 'json'],
    ['an async function', slowJson]
  ])) {
    it(`${kind}: what cannot be read is not handed out, and not passed over`, async () => {
      const topic = await topicOf(['1', '{', '3'])
      const consumer = await puller(topic, { valueDeserializer })
      expect((await consumer.getOne()).value).toBe(1)
      expect(await rejection(consumer.getOne())).toMatchObject({ name, offset: '1' })
      expect(await rejection(consumer.getOne())).toMatchObject({ name, offset: '1' })
      await consumer.commitOffsets()
      expect(Number((await committed(`${topic}-group`, topic))[0])).toBe(1)
      consumer.seek({ topic, partition: 0, offset: '2' })
      expect((await consumer.getOne()).value).toBe(3)
      await consumer.getOne({ timeout: 0 })
      expect(await end({ consumer, groupId: `${topic}-group` }, topic)).toBe(3)
    })

    it(`${kind}: getMany() hands out what is before it, of each partition`, async () => {
      const topic = await createTopic({ partitions: 2 })
      const all = ['1', '2', '{', '4'].map(value => ({ value, partition: 0 }))
      await produce(topic, [...all, ...['5', '6'].map(value => ({ value, partition: 1 }))])
      const consumer = await puller(topic, { valueDeserializer })
      const got = /** @type {any[]} */ ([])
      const errors = /** @type {any[]} */ ([])
      await waitFor(async () => {
        try {
          for (const { messages } of await consumer.getMany({ timeout: SOON })) {
            got.push(...values(messages))
          }
        } catch (error) {
          errors.push(error)
          consumer.seek({ topic, partition: 0, offset: '3' })
        }
        return got.length === 5
      })
      expect(got.sort()).toEqual([1, 2, 4, 5, 6])
      expect(errors).toHaveLength(1)
      expect(errors[0]).toMatchObject({ name, topic, partition: 0, offset: '2' })
    })
  }

  it('that are left out are no answer: getMany() waits for others', async () => {
    const topic = await topicOf(['{', '{'])
    const consumer = await puller(topic, {
      valueDeserializer: 'json',
      onDeserializationError: 'skip'
    })
    expect(await consumer.getMany({ timeout: SOON })).toEqual([])
    const waiting = consumer.getMany()
    await pause(100)
    await produce(topic, [{ value: '1' }])
    expect((await waiting).map(({ messages }) => values(messages))).toEqual([[1]])
    await consumer.getMany({ timeout: 0 })
    expect(await end({ consumer, groupId: `${topic}-group` }, topic)).toBe(3)
  })

  it('end an iteration, and the next one begins with the same message', async () => {
    const topic = await topicOf(['1', '{', '3'])
    const consumer = await puller(topic, { valueDeserializer: 'json' })
    const iterate = async () => {
      const got = /** @type {any[]} */ ([])
      try {
        for await (const { value } of consumer) got.push(value)
      } catch (error) {
        got.push(error.name)
      }
      return got
    }
    expect(await iterate()).toEqual([1, name])
    expect(await iterate()).toEqual([name])
    expect(await end({ consumer, groupId: `${topic}-group` }, topic)).toBe(1)
  })

  it('do not let a call wait for longer than it was to, when they leave out what there is', async () => {
    const topic = await topicOf(['{'])
    const consumer = await puller(topic, {
      valueDeserializer: slowJson,
      onDeserializationError: 'skip'
    })
    expect(await consumer.getOne({ timeout: SOON })).toBe(null)
  })

  it('are not overtaken by another call', async () => {
    const topic = await topicOf(['0', '1', '2'])
    const consumer = await puller(topic, { valueDeserializer: slowJson })
    expect((await consumer.getOne()).value).toBe(0)
    const first = consumer.getOne()
    const second = rejection(consumer.getOne())
    expect((await first).value).toBe(1)
    expect(await second).toMatchObject({ name: 'KafkaJSNonRetriableError' })
    expect((await consumer.getOne()).value).toBe(2)
  })
})
