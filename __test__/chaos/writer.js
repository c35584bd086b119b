'use strict'

/**
 * Many producers in a process of their own. What they send, and what they are told of it, stands in their ledger (`journal.js`); so that
 * a SIGKILL leaves nothing acknowledged that is not there:
 *
 *   kind  time  ...
 *   s     when  producer first count   these are sent: `<producer>:<first>`, `<producer>:<first + 1>` …
 *   a     when  producer first         they are acknowledged
 *   x     when  producer first numbers doubt error  these of them are not, counted from 0, and the others are; with a doubt (1) they
 *                                      may be written nevertheless
 *   d     when                         everything is disconnected, so everything has been told
 *
 * A producer is called after the process, with a letter for its kind and a number.
 *
 * Arguments: a JSON object { brokers, topic, partitions, producers, name, ledger, seed }. Commands come as messages: `block`, `stop`;
 * SIGTERM says `stop` as well.
 */

const { setTimeout: pause } = require('node:timers/promises')

const library = require('../..')
const { createKafka } = require('./clients')
const { startJournal } = require('./journal')
const { random } = require('./random')

const { brokers, topic, partitions, producers, name, ledger, seed } = JSON.parse(process.argv[2])
const { below, between, chance, pick } = random(seed)
const { write, logCreator } = startJournal(ledger)

const kafka = createKafka(library, { brokers, clientId: 'writer', logCreator })

const retry = { initialRetryTime: 50, maxRetryTime: 1000 }
/** By letter. All but the last one number their batches. */
const KINDS = {
  i: { idempotent: true, retry },
  d: { metadataMaxAge: 5000, retry: { ...retry, retries: 20 } },
  t: { idempotent: true, retry, deliveryTimeout: 5000 },
  n: { idempotent: false, retry: { ...retry, retries: 20 } }
}
const { CompressionTypes } = library
const CODECS = [CompressionTypes.None, CompressionTypes.None, CompressionTypes.LZ4]
const FILLER = 'All that glitters is not gold. '.repeat(3)

let stopping = false

/** @param {import('../..').Producer} producer @param {string} id */
const produce = async (producer, id) => {
  for (let next = 0; !stopping;) {
    const [first, count] = [next, chance(0.5) ? 1 : between(2, 30)]
    next += count
    // The producer's choice now and then; with the same key it is the same partition.
    const to = chance(0.7) ? { partition: below(partitions) } : chance(0.5) ? { key: id } : {}
    const messages = Array.from({ length: count }, (_, n) => ({
      ...to,
      value: `${id}:${first + n} ${FILLER}`
    }))
    write('s', id, first, count)
    const batch = { topic, messages }
    const settings = { acks: -1, compression: pick(CODECS) }
    const sent = chance(0.8)
      ? producer.send({ ...batch, ...settings })
      : producer.sendBatch({ topicMessages: [batch], ...settings })
    const told = sent.then(
      () => write('a', id, first),
      error => {
        const text = `${error.name}: ${error.message}`.replace(/\s+/g, ' ')
        const all = [{ messages: messages.map((_, n) => n), mayBeWritten: false }]
        for (const { messages: numbers, mayBeWritten } of error.failed ?? all) {
          write('x', id, first, numbers.join(), Number(mayBeWritten), text)
        }
      }
    )
    if (chance(0.5)) await told
    await pause(between(20, 400))
  }
}

/** Until there is a broker. @param {import('../..').Producer} producer */
const connect = async producer => {
  for (;;) {
    try {
      return await producer.connect()
    } catch (error) {
      if (stopping) return
      write('c', true, `connect(): ${error.name}: ${error.message}`)
      await pause(500)
    }
  }
}

const all = Array.from({ length: producers }, (_, n) => {
  const kind = Object.keys(KINDS)[n % 4]
  return { id: `${name}${kind}${n}`, producer: kafka.producer(KINDS[kind]) }
})
for (const { id, producer } of all) {
  connect(producer)
    .then(() => produce(producer, id))
    .catch(error => write('u', String(error.stack).replace(/\s+/g, ' ')))
}

const stop = async () => {
  if (stopping) return
  stopping = true
  await Promise.all(all.map(({ producer }) => producer.disconnect()))
  // What has rejected by now is told in this turn.
  await pause(0)
  write('d')
  process.exit(0)
}

process.on('SIGTERM', stop)
process.on('message', command => {
  if (command === 'stop') return stop()
  // As a program that computes, without taking our cores.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, between(3, 30) * 1000)
})
