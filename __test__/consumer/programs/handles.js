'use strict'

/**
 * Consumes until `count` messages and disconnects; prints what Jest's --detectOpenHandles would then call open.
 * Arguments: a JSON object { brokers, topic, groupId, count }.
 */

const { createHook } = require('node:async_hooks')
const { setImmediate: nextTurn } = require('node:timers/promises')
const { Kafka, logLevel } = require('../../kafka/client')

const { brokers, topic, groupId, count } = JSON.parse(process.argv[2])

/** As with Jest; `CustomGC` is napi-rs's own, once per process. */
const UNCOUNTED = new Set(['PROMISE', 'CustomGC'])

/** @type {Map<number, { type: string, resource: any }>} */
const open = new Map()
const hook = createHook({
  init(id, type, _, resource) {
    if (!UNCOUNTED.has(type)) open.set(id, { type, resource })
  },
  destroy: id => open.delete(id)
})

/** As Jest sees it: what does not say that it keeps nothing alive does so. */
const kinds = () =>
  [...open.values()]
    .filter(({ resource }) => !('hasRef' in resource) || resource.hasRef())
    .map(({ type }) => type)

const main = async () => {
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING })
  hook.enable()
  const consumer = kafka.consumer({ groupId })
  let handled = 0
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await new Promise(resolve => {
    consumer.run({ eachMessage: async () => ++handled === count && resolve() })
  })
  await consumer.disconnect()
  // What is being closed is gone some turns later.
  for (let turn = 0; turn < 1000 && kinds().length > 1; turn++) await nextTurn()
  hook.disable()
  // The turn of this loop is one itself.
  console.log(
    `open: ${kinds()
      .filter(type => type !== 'Immediate')
      .join(', ')}`
  )
}

main()
