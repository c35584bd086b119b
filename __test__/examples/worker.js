'use strict'

/**
 * A worker: jobs that fail for a moment are tried again, jobs that fail for good go to a dead letter topic.
 *
 *     throws, attempts left ──► the consumer backs off and delivers the same job again
 *     throws, none left     ──► dead letter topic, with the reason in its headers; the job is settled
 *     resolves              ──► settled
 *
 * While a job is being retried the jobs behind it in its partition wait: their order is kept.
 *
 *     KAFKA_BROKERS=localhost:9092 TOPICS='^jobs\\.' DEAD_LETTERS=dead-jobs node worker.js
 *
 * Shows: a RegExp subscription, `retry` with `restartOnFailure`, `autoCommitThreshold`, `heartbeat` in a long job,
 * CRASH and COMMIT_OFFSETS events, an idempotent producer beside the consumer.
 */

const { setTimeout: sleep } = require('node:timers/promises')

const { Kafka, logLevel } = require('../../index.js')

const {
  KAFKA_BROKERS = 'localhost:9092',
  TOPICS = '^jobs\\.',
  DEAD_LETTERS = 'dead-jobs',
  GROUP_ID = 'worker',
  /** ends after so many settled jobs; without it the worker runs until it is killed */
  JOBS
} = process.env

const brokers = KAFKA_BROKERS.split(',')
const ATTEMPTS = 3

/** The job was at fault and will never succeed. */
class PoisonError extends Error {}

/**
 * What can be done. A job is `{ "task": name, … }`.
 * @type {Record<string, (job: any, context: { attempt: number, heartbeat: () => Promise<void> }) => any>}
 */
const TASKS = {
  add: ({ a, b }) => a + b,

  /** A service that is down for the first `failures` attempts. */
  call: ({ failures }, { attempt }) => {
    if (attempt <= failures) throw new Error(`503 at attempt ${attempt}`)
    return 'called'
  },

  /** Long work says that it is alive between its steps. */
  render: async ({ steps }, { heartbeat }) => {
    for (let step = 0; step < steps; step++) {
      await sleep(20)
      await heartbeat()
    }
    return `${steps} steps`
  }
}

/** Runs jobs and remembers how often each was tried. */
class Worker {
  settled = 0
  succeeded = 0
  retried = 0
  dead = 0

  /** @type {Map<string, number>} attempts of the jobs that have failed and are not settled */
  #attempts = new Map()
  #producer

  /** @param {import('../..').Producer} producer */
  constructor(producer) {
    this.#producer = producer
  }

  /**
   * Settles the message or throws, and then wants to see it again.
   * @param {import('../..').EachMessagePayload} payload
   */
  async handle({ topic, partition, message, heartbeat }) {
    const id = `${topic}/${partition}/${message.offset}`
    const attempt = (this.#attempts.get(id) ?? 0) + 1
    try {
      await run(message, { attempt, heartbeat })
      this.succeeded += 1
    } catch (error) {
      if (attempt < ATTEMPTS && !(error instanceof PoisonError)) {
        this.#attempts.set(id, attempt)
        this.retried += 1
        throw error
      }
      await this.#bury({ topic, partition, message, error: /** @type {Error} */ (error), attempt })
      this.dead += 1
    }
    this.#attempts.delete(id)
    this.settled += 1
  }

  /**
   * @param {object} failed
   * @param {string} failed.topic
   * @param {number} failed.partition
   * @param {import('../..').KafkaMessage} failed.message
   * @param {Error} failed.error
   * @param {number} failed.attempt
   */
  async #bury({ topic, partition, message, error, attempt }) {
    const { key, value, headers, offset } = message
    await this.#producer.send({
      topic: DEAD_LETTERS,
      messages: [
        {
          key,
          value,
          headers: {
            ...headers,
            'dlq-source': `${topic}/${partition}/${offset}`,
            'dlq-error': error.message,
            'dlq-attempts': String(attempt)
          }
        }
      ]
    })
  }
}

/**
 * @param {import('../..').KafkaMessage} message
 * @param {{ attempt: number, heartbeat: () => Promise<void> }} context
 */
const run = async ({ value }, context) => {
  const job = parse(value)
  if (!Object.hasOwn(TASKS, job.task)) throw new PoisonError(`no such task: ${job.task}`)
  return TASKS[job.task](job, context)
}

/** @param {Buffer | null} value */
const parse = value => {
  try {
    return JSON.parse(String(value))
  } catch {
    throw new PoisonError('not JSON')
  }
}

const main = async () => {
  const logging = new Kafka({ clientId: 'worker', brokers, logLevel: logLevel.WARN })
  const producer = logging.producer({ idempotent: true })
  await producer.connect()
  const worker = new Worker(producer)

  // Retries are this program's daily bread: its own counters tell of them, not the log.
  const kafka = new Kafka({ clientId: 'worker', brokers, logLevel: logLevel.NOTHING })
  const consumer = kafka.consumer({
    groupId: GROUP_ID,
    maxWaitTimeInMs: 500,
    retry: {
      initialRetryTime: 50,
      maxRetryTime: 500,
      retries: 10,
      restartOnFailure: async () => true
    }
  })
  let crashes = 0
  let commits = 0
  consumer.on(consumer.events.CRASH, () => (crashes += 1))
  consumer.on(consumer.events.COMMIT_OFFSETS, () => (commits += 1))

  await consumer.connect()
  await consumer.subscribe({ topics: [new RegExp(TOPICS)], fromBeginning: true })
  await new Promise((resolve, reject) => {
    consumer
      .run({
        autoCommitThreshold: 5,
        eachMessage: async payload => {
          await worker.handle(payload)
          if (worker.settled === Number(JOBS)) resolve(undefined)
        }
      })
      .catch(reject)
  })
  await consumer.disconnect()
  await producer.disconnect()
  const { settled, succeeded, retried, dead } = worker
  return { settled, succeeded, retried, dead, crashes, committed: commits > 0 }
}

main().then(
  result => console.log(JSON.stringify(result)),
  error => {
    console.error(error)
    process.exit(1)
  }
)
