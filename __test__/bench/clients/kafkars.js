'use strict'

const { consume, joined } = require('./kafkajs-api')

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

/** @type {import('./index').Client} */
module.exports = {
  manifest: '../../package.json',
  load: async () => require('../../../index.js'),
  pulls: true,
  consume: async (library, options) => {
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
