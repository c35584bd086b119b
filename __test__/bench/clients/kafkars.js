'use strict'

const { subscribe, tracingChannel } = require('node:diagnostics_channel')
const { consume, joined, push } = require('./kafkajs-api')

/** How often it is scraped, and tells its lag, when it is observed, ms. */
const OBSERVED = 1000

/**
 * The loops of a program that pulls. They end when the consumer is disconnected.
 * @type {Record<string, (consumer: any, options: import('./index').ConsumeOptions) => Promise<void>>}
 */
const LOOPS = {
  'for await': async (consumer, { handle }) => {
    for await (const message of consumer) handle(message)
  },
  getMany: async (consumer, { handle, endOfBatch }) => {
    for (;;) {
      for (const { messages } of await consumer.getMany()) {
        for (const message of messages) handle(message)
        endOfBatch()
      }
    }
  }
}

/** With all that can be heard of a consumer, but of single messages; and a scrape each second. @type {import('./index').Client['consume']} */
const observed = async (library, options) => {
  let heard = 0
  const hear = () => void heard++
  const { createMetrics } = require('../../../src/prometheus')
  const { events } = require('../../../src/consumer/instrumentationEvents')
  const all = [...Object.values(events), events.LAG, events.STALLED]
  for (const event of all) subscribe(`kafkars:${event}`, hear)
  const { metrics } = createMetrics()
  const scrapes = setInterval(metrics, OBSERVED)
  const consumer = await joined(library, options, { lagInterval: OBSERVED })
  consumer.on(consumer.events.STALLED, hear)
  const disconnect = await push(consumer, options)
  return async () => {
    clearInterval(scrapes)
    if (heard === 0) throw new Error('nothing was heard of an observed consumer')
    await disconnect()
  }
}

/** With a subscriber to each call of the handler. @type {import('./index').Client['consume']} */
const traced = (library, options) => {
  const hear = () => {}
  const subscribers = { start: hear, end: hear, asyncStart: hear, asyncEnd: hear, error: hear }
  tracingChannel('kafkars:consumer.handle').subscribe(subscribers)
  return consume(library, options)
}

const WATCHED = /** @type {Record<string, import('./index').Client['consume']>} */ ({
  observed,
  traced
})

/** @type {import('./index').Client} */
module.exports = {
  manifest: '../../package.json',
  load: async () => require('../../../index.js'),
  more: [...Object.keys(LOOPS), 'eachMessage observed', 'eachBatch observed', 'eachMessage traced'],
  consume: async (library, options) => {
    const [api, how] = options.api.split(' ')
    if (WATCHED[how]) return WATCHED[how](library, { ...options, api })
    const loop = LOOPS[options.api]
    if (!loop) return consume(library, options)
    const consumer = await joined(library, options)
    let ending = false
    loop(consumer, options).catch(error => {
      if (ending) return
      console.error(error)
      process.exit(1)
    })
    return async () => {
      ending = true
      await consumer.disconnect()
    }
  }
}
