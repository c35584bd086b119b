// @ts-check
'use strict'

/** `onFailure` of `run()`: what becomes of messages whose handler fails. Not in kafkajs. */

const { committed, createTopic, logEnd, produce, uniqueName, waitFor } = require('../kafka/helpers')
const { createConsumer } = require('./support')
const { readLog } = require('../producer/support')

const HEADER = '__kafkars.errors.'

/** What the headers of a failed message say, without the stack. @param {{ headers: Record<string, any> }} letter */
const told = ({ headers }) =>
  Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => name !== `${HEADER}stacktrace` && name !== `${HEADER}timestamp`)
      .map(([name, value]) => [name.replace(HEADER, ''), String(value)])
  )

/**
 * @param {string} topic
 * @param {any} run
 * @param {any} [options] of the consumer
 */
const consume = async (topic, run, options = {}) => {
  const groupId = uniqueName('group')
  const consumer = createConsumer({
    groupId,
    maxWaitTimeInMs: 100,
    retry: { initialRetryTime: 10, retries: 5 },
    ...options
  })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run(run)
  return { consumer, groupId }
}

/** @param {string} topic @param {number} count */
const letters = async (topic, count) => {
  await waitFor(
    async () => Object.values(await logEnd(topic)).reduce((n, end) => n + +end, 0) >= count
  )
  return readLog(topic)
}

describe('onFailure', () => {
  it('tries again in place, then writes to the dead-letter topic, and goes on', async () => {
    const topic = await createTopic()
    const deadLetterTopic = await createTopic()
    await produce(topic, [
      { key: 'a', value: '0' },
      { key: 'b', value: 'bad', headers: { tenant: 'x', many: ['1', '2'] } },
      { key: 'c', value: '2' }
    ])
    const seen = /** @type {string[]} */ ([])
    const { groupId } = await consume(topic, {
      onFailure: { retries: 2, backoff: 5, deadLetterTopic },
      eachMessage: async ({ message }) => {
        const value = String(message.value)
        seen.push(value)
        if (value === 'bad') throw new Error('no such order')
      }
    })
    await waitFor(() => seen.includes('2'))
    expect(seen).toEqual(['0', 'bad', 'bad', 'bad', '2'])
    const [letter] = await letters(deadLetterTopic, 1)
    expect([letter.key, letter.value]).toEqual(['b', 'bad'])
    expect(letter.headers.many.map(String)).toEqual(['1', '2'])
    expect(told(letter)).toMatchObject({
      tenant: 'x',
      topic,
      partition: '0',
      offset: '1',
      group: groupId,
      attempts: '3',
      exception: 'Error',
      message: 'no such order'
    })
    await waitFor(async () => (await committed(groupId, topic))[0] === '3')
  })

  it('does not try again what cannot succeed, and leaves keys, values and tombstones as they were', async () => {
    const topic = await createTopic()
    const deadLetterTopic = await createTopic()
    await produce(topic, [{ key: 'k', value: '{"a":1' }, { value: null }, { value: '{"a":1}' }])
    const seen = /** @type {any[]} */ ([])
    await consume(
      topic,
      {
        onFailure: { deadLetterTopic },
        eachMessage: async ({ message }) => {
          seen.push(message.value.a)
        }
      },
      { valueDeserializer: 'json' }
    )
    await waitFor(() => seen.length === 1)
    const [broken, tombstone] = await letters(deadLetterTopic, 2)
    expect([broken.key, broken.value]).toEqual(['k', '{"a":1'])
    expect(told(broken)).toMatchObject({ attempts: '1', exception: 'KafkaJSDeserializationError' })
    expect(tombstone.value).toBe(null)
    expect(told(tombstone)).toMatchObject({ attempts: '1', exception: 'TypeError' })
  })

  it('sends of a batch only the message that no deserializer can read', async () => {
    const topic = await createTopic()
    const deadLetterTopic = await createTopic()
    await produce(
      topic,
      ['1', '2', '{', '[', '5'].map(value => ({ value }))
    )
    const batches = /** @type {any[]} */ ([])
    const { groupId } = await consume(
      topic,
      {
        onFailure: { deadLetterTopic },
        eachBatch: async ({ batch }) => {
          batches.push(batch.messages.map(({ value }) => value))
        }
      },
      { valueDeserializer: 'json' }
    )
    await waitFor(async () => (await committed(groupId, topic))[0] === '5')
    expect(batches).toEqual([[1, 2], [5]])
    const found = await letters(deadLetterTopic, 2)
    expect(found.map(({ value }) => value)).toEqual(['{', '['])
    expect(found.map(letter => told(letter).offset)).toEqual(['2', '3'])
  })

  it('lets messages wait in retry topics while their partition goes on', async () => {
    const topic = await createTopic()
    const deadLetterTopic = await createTopic()
    const values = Array.from({ length: 50 }, (_, i) => ({
      value: i % 10 === 3 ? `bad ${i}` : `${i}`
    }))
    await produce(topic, values)
    const seen = /** @type {{ value: string, topic: string, at: number, origin: any }[]} */ ([])
    const { groupId } = await consume(topic, {
      onFailure: {
        retries: 0,
        retryTopics: [400, { topic: uniqueName('again'), delay: 700 }],
        deadLetterTopic
      },
      eachMessage: async ({ topic: from, message, origin }) => {
        const value = String(message.value)
        seen.push({ value, topic: from, at: Date.now(), origin })
        // One of them succeeds at its third attempt.
        if (value.startsWith('bad') && !(value === 'bad 13' && origin?.attempts === 2)) {
          throw new Error('later')
        }
      }
    })
    const dead = await letters(deadLetterTopic, 4)
    expect(dead.map(({ value }) => value).sort()).toEqual(['bad 23', 'bad 3', 'bad 33', 'bad 43'])
    for (const letter of dead) {
      const { topic: from, offset, attempts } = told(letter)
      expect([from, `bad ${offset}`, attempts]).toEqual([topic, letter.value, '3'])
    }
    const first = seen.filter(entry => entry.topic === topic)
    expect(first.map(({ value }) => value)).toEqual(values.map(({ value }) => value))
    expect(first.every(({ origin }) => origin === undefined)).toBe(true)
    for (const offset of [3, 13, 23, 33, 43]) {
      const [one, two, three] = seen.filter(({ value }) => value === `bad ${offset}`)
      expect(two.topic).toBe(`${groupId}.retry.400`)
      expect(two.origin).toMatchObject({ topic, partition: 0, offset: `${offset}`, attempts: 1 })
      expect(three.origin).toMatchObject({ topic, partition: 0, offset: `${offset}`, attempts: 2 })
      // Not before their time. (The broker's clock is ours; timestamps are whole ms.)
      expect(two.at - one.at).toBeGreaterThanOrEqual(399)
      expect(three.at - two.at).toBeGreaterThanOrEqual(699)
    }
    await waitFor(async () => (await committed(groupId, topic))[0] === '50')
    const retryTopic = `${groupId}.retry.400`
    await waitFor(
      async () =>
        JSON.stringify(await committed(groupId, retryTopic)) ===
        JSON.stringify(await logEnd(retryTopic))
    )
  })

  it('moves no offset before the dead-letter topic has the message', async () => {
    const topic = await createTopic()
    // Brokers refuse it: nothing is as small as 14 bytes.
    const deadLetterTopic = await createTopic({ config: { 'max.message.bytes': '14' } })
    await produce(topic, [{ value: '0' }, { value: 'bad' }, { value: '2' }])
    let attempts = 0
    const { consumer, groupId } = await consume(topic, {
      onFailure: { retries: 0, deadLetterTopic },
      autoCommitInterval: 10,
      eachMessage: async ({ message }) => {
        if (String(message.value) !== 'bad') return
        attempts++
        throw new Error('no')
      }
    })
    await waitFor(() => attempts >= 3)
    await consumer.disconnect()
    expect((await committed(groupId, topic))[0]).toBe('1')
  })

  it('exactlyOnce commits the offset with the message, and nothing else has to', async () => {
    const topic = await createTopic({ partitions: 2 })
    const deadLetterTopic = await createTopic()
    await produce(topic, [
      { value: '0', partition: 0 },
      { value: 'bad 0', partition: 0 },
      { value: 'last', partition: 0 },
      { value: 'bad 1', partition: 1 },
      { value: 'last', partition: 1 }
    ])
    let release = () => {}
    const released = new Promise(resolve => (release = () => resolve(undefined)))
    const { groupId } = await consume(topic, {
      partitionsConsumedConcurrently: 2,
      onFailure: { retries: 0, deadLetterTopic, exactlyOnce: true },
      eachMessage: async ({ message }) => {
        const value = String(message.value)
        // Until then no batch ends, and what is handled is not committed by itself.
        if (value === 'last') await released
        if (value.startsWith('bad')) throw new Error('no')
      }
    })
    await waitFor(async () => {
      const offsets = await committed(groupId, topic)
      return offsets[0] === '2' && offsets[1] === '1'
    })
    release()
    // Behind the messages are the markers of their transactions.
    const dead = /** @type {string[]} */ ([])
    await consume(deadLetterTopic, {
      eachMessage: async ({ message }) => {
        dead.push(String(message.value))
      }
    })
    await waitFor(() => dead.length === 2)
    expect(dead.sort()).toEqual(['bad 0', 'bad 1'])
    await waitFor(async () => (await committed(groupId, topic))[0] === '3')
  })

  it('sends what is not resolved of a batch', async () => {
    const topic = await createTopic()
    const deadLetterTopic = await createTopic()
    await produce(topic, [{ value: '0' }, { value: '1' }, { value: 'bad' }, { value: '3' }])
    const sizes = /** @type {number[]} */ ([])
    const { groupId } = await consume(topic, {
      onFailure: { retries: 1, backoff: 5, deadLetterTopic },
      eachBatch: async ({ batch, resolveOffset }) => {
        sizes.push(batch.messages.length)
        for (const { value, offset } of batch.messages) {
          if (String(value) === 'bad') throw new Error('no')
          resolveOffset(offset)
        }
      }
    })
    const dead = await letters(deadLetterTopic, 2)
    expect(dead.map(({ value }) => value)).toEqual(['bad', '3'])
    expect(dead.map(letter => told(letter).offset)).toEqual(['2', '3'])
    expect(sizes).toEqual([4, 2])
    await waitFor(async () => (await committed(groupId, topic))[0] === '4')
  })

  it('when decides: again, to the dead-letter topic, left out, or as without onFailure', async () => {
    const topic = await createTopic()
    const deadLetterTopic = await createTopic()
    await produce(
      topic,
      ['skip', 'deadLetter', 'true', 'fail'].map(value => ({ value }))
    )
    const asked = /** @type {any[]} */ ([])
    const crashes = /** @type {any[]} */ ([])
    const seen = /** @type {string[]} */ ([])
    const consumer = createConsumer({
      groupId: uniqueName('group'),
      maxWaitTimeInMs: 100,
      retry: { initialRetryTime: 5, retries: 1, restartOnFailure: async () => false }
    })
    consumer.on(consumer.events.CRASH, ({ payload }) => crashes.push(payload.error))
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      onFailure: {
        retries: 1,
        backoff: () => 1,
        deadLetterTopic,
        when: async (error, { message, attempts, offset }) => {
          const value = String(message.value)
          asked.push([value, offset, attempts, error.message])
          return value === 'true' ? true : /** @type {any} */ (value)
        }
      },
      eachMessage: async ({ message }) => {
        seen.push(String(message.value))
        throw new Error('as ever')
      }
    })
    await waitFor(() => crashes.length === 1)
    expect(seen).toEqual(['skip', 'deadLetter', 'true', 'true', 'fail', 'fail'])
    expect(asked.slice(0, 4)).toEqual([
      ['skip', '0', 1, 'as ever'],
      ['deadLetter', '1', 1, 'as ever'],
      ['true', '2', 1, 'as ever'],
      ['true', '2', 2, 'as ever']
    ])
    expect(crashes[0]).toMatchObject({ name: 'KafkaJSNumberOfRetriesExceeded', message: 'as ever' })
    expect((await readLog(deadLetterTopic)).map(({ value }) => value)).toEqual([
      'deadLetter',
      'true'
    ])
  })

  it('makes the topics that are missing', async () => {
    const topic = await createTopic()
    const deadLetterTopic = uniqueName('dead')
    await produce(topic, [{ value: 'bad' }])
    await consume(topic, {
      onFailure: { retries: 0, retryTopics: [50], deadLetterTopic },
      eachMessage: async () => {
        throw new Error('no')
      }
    })
    expect(told((await letters(deadLetterTopic, 1))[0])).toMatchObject({ topic, attempts: '2' })
  })

  it.each([
    [{ retries: -1, deadLetterTopic: 'd' }, 'onFailure.retries must be 0 or greater, received -1'],
    [{ when: true }, 'onFailure.when has to be a function, received true'],
    [
      { retryTopics: [5] },
      'onFailure.retryTopics needs a deadLetterTopic, for what fails in the last of them'
    ],
    [{ retryTopics: 5 }, 'onFailure.retryTopics has to be a list of delays in ms, received 5'],
    [
      { retryTopics: [-5], deadLetterTopic: 'd' },
      'A delay of onFailure.retryTopics must be ms, 0 or greater, received -5'
    ],
    [
      { retryTopics: [{ topic: 'd', delay: 1 }], deadLetterTopic: 'd' },
      'onFailure names the topic "d" twice'
    ],
    [
      { exactlyOnce: true, deadLetterTopic: 'd' },
      'exactlyOnce commits offsets',
      { autoCommit: false }
    ],
    [{ deadLetterTopic: 7 }, 'onFailure.deadLetterTopic has to be the name of a topic, received 7']
  ])('refuses %j', async (onFailure, message, others = {}) => {
    const consumer = createConsumer({ groupId: uniqueName('group') })
    await expect(
      consumer.run({
        onFailure: /** @type {any} */ (onFailure),
        eachMessage: async () => {},
        .../** @type {any} */ (others)
      })
    ).rejects.toThrow(message)
  })
})
