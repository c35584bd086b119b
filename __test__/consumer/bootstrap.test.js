// @ts-check
'use strict'

/** What becomes of a consumer when its brokers are elsewhere, all of them at once (KIP-899). */

const { startCluster } = require('../kafka')
const { createTopic, produce, uniqueName } = require('../kafka/helpers')
const { createKafka, distinct, numbered, startConsumer, upTo, waitFor } = require('./support')

it('no broker is where it was: the list of brokers is asked again', async () => {
  const topic = uniqueName('topic')
  // Another cluster is not what one would call a move, but nobody else has all addresses changed so thoroughly.
  const old = await startCluster()
  const next = await startCluster()
  try {
    const [before] = old.brokers
    const [after] = next.brokers
    let asked = 0
    const brokers = () => {
      asked++
      return old.nodes[0].running ? [before] : [after]
    }
    await createTopic({ topic, brokers: [before] })
    await produce(topic, numbered(5), { brokers: [before] })
    await createTopic({ topic, brokers: [after] })
    const tests = await Promise.all([
      startConsumer({ topics: [topic], kafka: createKafka({ brokers }) }),
      startConsumer({ topics: [topic], kafka: createKafka({ brokers: [before, after] }) })
    ])
    const all = (/** @type {number} */ count) =>
      waitFor(() => tests.every(({ messages }) => messages.length >= count))
    await all(5)
    const askedBefore = asked
    await old.nodes[0].kill9()
    await produce(topic, numbered(5, { first: 5 }), { brokers: [after] })
    await all(10)
    expect(asked).toBeGreaterThan(askedBefore)
    for (const { messages, seen } of tests) {
      // It may have read some before it hears that it is no member there: then they come once more.
      expect(distinct(messages)).toEqual(upTo(10))
      expect(seen.of('CRASH').filter(({ restart }) => !restart)).toEqual([])
    }
  } finally {
    await Promise.all([old.stop(), next.stop()])
  }
})
