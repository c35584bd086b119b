'use strict'

/**
 * Consume, transform, produce, in a process of its own: what is read of a partition is written to the partition of the same number
 * of another topic, with how far it was read, in one transaction. What it does stands in its ledger (`journal.js`):
 *
 *   kind  time  ...
 *   j     when  partitions             joined: these are ours, and what was before is over
 *   c     when  restart message        a crash of the consumer
 *   n     when  what                   counted: how a transaction has ended
 *   t     when  partition from to began as  one is committed: the offsets that it was about, and the generation that was told
 *   e     when  text                   an error at length
 *
 * Arguments: a JSON object { brokers, input, output, groupId, mode, group, transactionalId, ledger, seed }. Commands come as messages:
 * `stop`.
 *
 *   batch       a producer for the process
 *   partition   a producer for each partition, whoever has it: three transactions beside each other
 *   message     transactions of one message
 */

const { setTimeout: pause } = require('node:timers/promises')

const library = require('../..')
const { consumerOptions, createKafka } = require('./clients')
const { startJournal } = require('./journal')
const { AGAIN } = require('./members')
const { random } = require('./random')

const { brokers, input, output, groupId, mode, group, transactionalId, ledger, seed } = JSON.parse(
  process.argv[2]
)
const { below, between, chance } = random(seed)
const { write, logCreator } = startJournal(ledger)

const kafka = createKafka(library, { brokers, clientId: 'transformer', logCreator })
const consumer = kafka.consumer(consumerOptions(groupId, group))

consumer.on(consumer.events.GROUP_JOIN, ({ payload: { memberAssignment } }) =>
  write('j', (memberAssignment[input] ?? []).join(','))
)
consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) =>
  // One that is told to end does not begin again.
  write('c', restart || stopping, `${error.name}: ${error.message}`)
)

let stopping = false

/** By transactional id. @type {Map<string, Promise<import('../..').Producer>>} */
const producers = new Map()

/** The producer of a partition. @param {number} partition */
const producerOf = partition => {
  const id = mode === 'partition' ? `${input}-${partition}` : transactionalId
  const known = producers.get(id)
  if (known) return known
  const start = async () => {
    const producer = kafka.producer({
      transactionalId: id,
      transactionTimeout: 10_000,
      metadataMaxAge: 5000
    })
    await producer.connect()
    return producer
  }
  const started = start()
  producers.set(id, started)
  started.catch(() => producers.delete(id))
  return started
}

/** How a transaction has ended, in few words. @param {string} what @param {any} error */
const count = (what, error) => {
  const { cause, name, type } = error ?? {}
  write('n', error ? `${what}: ${cause?.type ?? type ?? cause?.name ?? name}` : what)
  if (error) write('e', `${what}: ${error.stack} ${cause?.stack ?? ''}`.replace(/\s+/g, ' '))
}

/** For the journal. */
const generation = () => {
  try {
    return consumer.groupMetadata().generationId
  } catch {
    return 'none'
  }
}

/** What one transaction is about. @param {number} partition @param {any[]} messages in their order */
const transform = async (partition, messages) => {
  const producer = await producerOf(partition)
  const transaction = await producer.transaction().catch(error => {
    count('not begun', error)
    // Another one has our id.
    if (!error.retriable) process.exit(AGAIN)
    throw error
  })
  const began = Date.now()
  const offset = String(BigInt(messages[messages.length - 1].offset) + 1n)
  let isEnding = false
  try {
    const rest = [...messages]
    while (rest.length > 0) {
      const some = rest.splice(0, between(1, 30))
      const copies = some.map(({ key, value }) => ({ key, value, partition }))
      const sent = transaction.send({ topic: output, messages: copies })
      if (chance(0.5)) await sent
      // commit() waits for it, and fails with it.
      else sent.catch(() => {})
      if (chance(1 / 20)) await pause(below(20))
    }
    if (chance(1 / 40)) throw new Error('Not now')
    const topics = [{ topic: input, partitions: [{ partition, offset }] }]
    await transaction.sendOffsets({ consumer, topics })
    isEnding = true
    await transaction.commit()
    count('committed')
    write('t', partition, messages[0].offset, offset, began, generation())
  } catch (error) {
    if (isEnding && !transaction.isActive()) {
      // It may have been committed: only a new beginning, from what the group has committed, is right.
      count('unsure', error)
      process.exit(AGAIN)
    }
    count('aborted', error)
    if (transaction.isActive()) {
      await transaction.abort().catch(late => {
        // Another one has our id, or nobody answers.
        count('abort failed', late)
        process.exit(AGAIN)
      })
    }
    throw error
  }
}

const eachBatch = async ({ batch, resolveOffset, isRunning, isStale }) => {
  const { partition, messages } = batch
  for (let first = 0; first < messages.length && isRunning() && !isStale();) {
    const some = messages.slice(first, first + between(1, 300))
    await transform(partition, some)
    first += some.length
    resolveOffset(some[some.length - 1].offset)
  }
}

const MODES = {
  batch: { eachBatch, eachBatchAutoResolve: false },
  partition: { eachBatch, eachBatchAutoResolve: false, partitionsConsumedConcurrently: 3 },
  message: { eachMessage: ({ partition, message }) => transform(partition, [message]) }
}

const main = async () => {
  await consumer.subscribe({ topics: [input], fromBeginning: true })
  await consumer.run({ ...MODES[mode], autoCommit: false })
}

process.on('message', async () => {
  stopping = true
  await consumer.disconnect()
  for (const started of producers.values()) await (await started).disconnect()
  process.exit(0)
})

/** Until there is a broker to subscribe with. */
const insist = () =>
  main().catch(async error => {
    if (stopping) return
    write('c', true, `subscribe(): ${error.name}: ${error.message}`)
    await pause(500)
    return insist()
  })
insist()
