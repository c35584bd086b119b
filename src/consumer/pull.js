// @ts-check
'use strict'

/**
 * The methods of a consumer that is pulled: one message, many, an async iterator, streams. The first question joins the group, or
 * begins with what is assigned.
 */

const { Readable } = require('node:stream')
const { ReadableStream } = require('node:stream/web')
const clock = require('./clock')
const { placeOf } = require('../utils/offsets')
const { unknownOption } = require('../unknown')
const { within } = require('../utils/timers')
const { toPartition } = require('../utils/partition')
const { show, showEntry } = require('../utils/show')
const { fail, listOf, number, optionsOf } = require('../config')

/** @typedef {import('./puller').Puller} Puller */

const KNOWN = {
  getOne: ['timeout', 'partitions'],
  getMany: ['timeout', 'maxRecords', 'partitions']
}

/**
 * @param {{ puller: Puller, start: () => Promise<void>, logger: import('../..').Logger }} parts `start`: reads, unless it does already; rejects for a consumer that
 *   is pushed
 */
const createPull = ({ puller, start, logger }) => {
  const seen = { getOne: new Set(KNOWN.getOne), getMany: new Set(KNOWN.getMany) }
  /** What nobody knows is warned of once: programs ask again and again. @param {'getOne' | 'getMany'} method @param {any} options */
  const look = (method, options) => {
    for (const name in options) {
      if (seen[method].has(name) || options[name] === undefined) continue
      seen[method].add(name)
      logger.warn(unknownOption(`consumer.${method}()`, name, KNOWN[method]))
    }
  }

  /**
   * Begins to read. The group may take long to be joined: that goes on when the time is over.
   * @param {number} timeout ms
   * @returns {Promise<number>} what is left of it
   */
  const startWithin = async timeout => {
    const until = clock.now() + timeout
    /** @type {{ error: any } | null} */
    let failed = null
    await within(
      timeout,
      start().catch(error => void (failed = { error }))
    )
    if (failed !== null) throw /** @type {{ error: any }} */ (failed).error
    return Math.max(0, until - clock.now())
  }

  /**
   * One call at a time, also while the group is joined.
   * @param {number} [timeout] ms
   */
  const begin = async (timeout = Infinity) => {
    puller.claim()
    try {
      return await startWithin(timeout)
    } finally {
      puller.isAsked = false
    }
  }

  /** Most calls find that it reads already. @param {number} [timeout] ms */
  const begun = timeout => (puller.runner?.state === 'running' ? timeout : begin(timeout))

  const getOne = async (options = {}) => {
    const { timeout, wanted } = pullOptions('getOne', options)
    look('getOne', options)
    return puller.getOne({ timeout: await begun(timeout), wanted })
  }

  const getMany = async (options = {}) => {
    const { timeout, wanted, maxRecords } = pullOptions('getMany', options)
    look('getMany', options)
    return puller.getMany({ timeout: await begun(timeout), wanted, maxRecords })
  }

  /** The same for all that iterate: the messages are handed out once. Ends with the run, whoever ends that. */
  const iterator = () => {
    const { stops } = puller
    let hasEnded = false
    let waiting = 0
    const isOver = () => hasEnded || puller.stops !== stops
    /** Who waits for a message at this moment takes none with him: it would count as handled. */
    const end = async () => {
      // What is in hand now is another's.
      const isLate = isOver()
      hasEnded = true
      if (waiting > 0) puller.endWait()
      if (!isLate) await puller.giveUp()
    }
    const wait = async () => {
      waiting++
      try {
        return await puller.getOne({ isOver })
      } finally {
        waiting--
      }
    }
    const slow = async () => {
      if (!isOver()) await start()
      const value = isOver() ? null : await wait()
      return value === null || hasEnded ? { value: undefined, done: true } : { value, done: false }
    }
    return {
      next() {
        const value = isOver() ? null : puller.quick()
        return value === null ? slow() : Promise.resolve({ value, done: false })
      },
      async return(value) {
        await end()
        return { value, done: true }
      },
      async throw(error) {
        await end()
        throw error
      },
      [Symbol.asyncIterator]() {
        return this
      }
    }
  }

  /** Nothing is read ahead: what lies in a stream's buffer would count as handled. */
  const stream = () => {
    const messages = iterator()
    return new Readable({
      objectMode: true,
      highWaterMark: 0,
      read() {
        messages.next().then(
          ({ value, done }) => this.push(done ? null : value),
          error => this.destroy(error)
        )
      },
      destroy(error, callback) {
        messages.return(undefined).then(
          () => callback(error),
          other => callback(error ?? other)
        )
      }
    })
  }

  const readableStream = () => {
    const messages = iterator()
    return new ReadableStream(
      {
        async pull(controller) {
          const { value, done } = await messages.next()
          if (done) controller.close()
          else controller.enqueue(value)
        },
        async cancel() {
          await messages.return(undefined)
        }
      },
      { highWaterMark: 0 }
    )
  }

  return { getOne, getMany, stream, readableStream, iterator }
}

/**
 * @param {'getOne' | 'getMany'} method
 * @param {any} options
 */
const pullOptions = (method, options) => {
  const place = `consumer.${method}()`
  const { timeout, maxRecords, partitions } = optionsOf(place, options, '{ timeout: 1000 }')
  const wait = number({ timeout }, undefined)
  // It would count as 0, and a loop that asks would not wait.
  if (Number(timeout) < 0) {
    fail(`timeout of ${place} must be ms, 0 or greater, received ${show(timeout)}`)
  }
  const most = number({ maxRecords }, undefined)
  if (most !== undefined && !(most >= 1)) {
    fail(`maxRecords of ${place} must be at least 1, received ${show(maxRecords)}`)
  }
  return {
    timeout: wait,
    maxRecords: most === undefined ? undefined : Math.floor(most),
    wanted: partitions === undefined ? undefined : among(place, partitions)
  }
}

/** @param {string} place @param {any} partitions @returns {(topic: string, partition: number) => boolean} */
const among = (place, partitions) => {
  const wanted = new Set(
    listOf(place, partitions, '[{ topic: "orders", partition: 0 }]').flatMap(entry => {
      const { topic, partition, partitions: numbers = [partition] } = entry ?? {}
      const known = Array.isArray(numbers) ? numbers.map(toPartition) : [null]
      if (!topic || known.includes(null)) {
        fail(
          `Invalid partition of ${place}: expected { topic: "orders", partition: 0 }, received ${showEntry(entry)}`
        )
      }
      return known.map(one => placeOf({ topic, partition: /** @type {number} */ (one) }))
    })
  )
  return (topic, partition) => wanted.has(placeOf({ topic, partition }))
}

module.exports = { createPull }
