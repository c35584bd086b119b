'use strict'

/**
 * A member of the group, in a process of its own. What it has handled stands in its ledger (`journal.js`) before the handler
 * returns:
 *
 *   kind  time  ...
 *   m     when  partition offset id    a message is handled
 *   j     when  partitions             joined: these are ours, and what was before is over
 *   s     when  partition              a seek: its offsets may go back
 *   f     when  partition              a handler failed: the same
 *   c     when  restart message        a crash
 *
 * Arguments: a JSON object { brokers, topic, groupId, mode, protocol, ledger, seed }. Commands come as messages: `pause`, `seek`,
 * `stop`.
 */

const { setTimeout: pause } = require('node:timers/promises')

const library = require(process.env.CLIENT === 'kafkajs' ? 'kafkajs' : '../..')
const { consumerOptions, createKafka } = require('./clients')
const { startJournal } = require('./journal')
const { random } = require('./random')

const { brokers, topic, groupId, mode, protocol, ledger, seed } = JSON.parse(process.argv[2])
const { below, chance } = random(seed)
const { write, logCreator } = startJournal(ledger)

const kafka = createKafka(library, { brokers, clientId: 'member', logCreator })
const consumer = kafka.consumer({
  ...consumerOptions(groupId, protocol),
  ...(mode === 'pulledManual' && { autoCommit: false })
})

/** Next offsets by partition of what is ours. @type {Map<number, bigint>} */
const next = new Map()
/** Of `next`, what is not committed. Mode `manual` only. */
const dirty = new Set()

consumer.on(consumer.events.GROUP_JOIN, ({ payload: { memberAssignment } }) => {
  const partitions = memberAssignment[topic] ?? []
  write('j', partitions.join(','))
  next.clear()
  dirty.clear()
  for (const partition of partitions) next.set(partition, -1n)
})
consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) =>
  write('c', restart, `${error.name}: ${error.message}`)
)

const handled = (partition, { offset, value }) => {
  write('m', partition, offset, value.toString('latin1').split(' ', 1)[0])
  next.set(partition, BigInt(offset) + 1n)
  dirty.add(partition)
}

/** Handlers are slow now and then, and fail now and then. */
const work = async partition => {
  if (chance(1 / 40)) await pause(below(5))
  if (chance(1 / 3000)) {
    write('f', partition)
    throw new Error('Not now')
  }
}

const eachMessage = async ({ partition, message }) => {
  await work(partition)
  handled(partition, message)
}

const eachBatch = async ({ batch, resolveOffset, heartbeat, isRunning, isStale }) => {
  for (const message of batch.messages) {
    if (!isRunning() || isStale()) break
    await work(batch.partition)
    handled(batch.partition, message)
    resolveOffset(message.offset)
    if (chance(1 / 20)) await heartbeat()
  }
}

const commit = async () => {
  const offsets = [...dirty].map(partition => ({
    topic,
    partition,
    offset: String(next.get(partition))
  }))
  dirty.clear()
  if (offsets.length === 0) return
  await consumer.commitOffsets(offsets).catch(() => {
    // Whoever has them now reads them again; if we still do, we say it again.
    for (const { partition } of offsets) if (next.has(partition)) dirty.add(partition)
  })
}

const MODES = {
  message: { eachMessage },
  // Whoever leaves a batch early must not have the rest of it resolved.
  batch: { eachBatch, eachBatchAutoResolve: false },
  concurrent: { eachMessage, partitionsConsumedConcurrently: 3 },
  manual: { eachMessage, autoCommit: false },
  parallel: {
    messagesConsumedConcurrently: 20,
    eachMessage: async ({ partition, message }) => {
      await work(partition)
      // Those of other keys may have been later ones.
      write('s', partition)
      handled(partition, message)
    }
  }
}

/** A way to pull: until an iterator ends because a message fails, or because of trouble. */
const PULLED = {
  pulled: async () => {
    for await (const message of consumer) await take(message)
  },
  many: async () => {
    for (;;) {
      for (const { partition, messages } of await consumer.getMany({ maxRecords: MANY })) {
        for (const message of messages) await insistOn({ ...message, partition })
      }
    }
  },
  stream: async () => {
    for await (const message of consumer.stream()) await take(message)
  },
  pulledManual: async () => {
    for (;;) {
      const message = await consumer.getOne()
      if (message) await insistOn(message)
    }
  }
}
/** As many as a member may have in hand, see `ledger.js`. */
const MANY = 20

/** The iterator ends with what fails, which comes again. */
const take = async message => {
  await work(message.partition)
  handled(message.partition, message)
}

/** Who asks for more has handled what was asked for. */
const insistOn = message => take(message).catch(() => insistOn(message))

const pull = async () => {
  while (!stopping) {
    try {
      await PULLED[mode]()
    } catch (error) {
      if (stopping) return
      if (error.message === 'Not now') for (const partition of next.keys()) write('f', partition)
      else write('c', true, `${mode}: ${error.name}: ${error.message}`)
    }
  }
}

/** Of what is pulled, all that is handled. */
const commitPulled = () => consumer.commitOffsets().catch(() => {})

const COMMANDS = {
  pause: async () => {
    const paused = [...next.keys()].filter(() => chance(0.5))
    const topics = [{ topic, partitions: paused }]
    consumer.pause(topics)
    await pause(below(2000))
    consumer.resume(topics)
  },
  seek: async () => {
    const known = [...next].filter(([, offset]) => offset > 0n)
    if (known.length === 0) return
    const [partition, offset] = known[below(known.length)]
    const back = BigInt(below(50))
    write('s', partition)
    consumer.seek({ topic, partition, offset: String(offset > back ? offset - back : 0n) })
  },
  stop: async () => {
    stopping = true
    clearInterval(committing)
    if (mode === 'manual') await commit()
    if (mode === 'pulledManual') await commitPulled()
    await consumer.disconnect()
    process.exit(0)
  }
}

let committing
let running = false
/** What has not been joined by then is not to be. */
let stopping = false
const main = async () => {
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  if (PULLED[mode]) pull()
  else await consumer.run(MODES[mode])
  running = true
  if (mode === 'manual') committing = setInterval(commit, 200)
  if (mode === 'pulledManual') committing = setInterval(commitPulled, 200)
}

process.on('message', name => {
  // There is nothing to pause yet.
  if (!running && name !== 'stop') return
  COMMANDS[name]().catch(error => write('u', String(error.stack)))
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
