// @ts-check
'use strict'

const { optionsOf } = require('../config')
const { withMeant } = require('./misspelt')

/**
 * `send` and `sendBatch` of a producer and of its transactions, where kafkajs has them and tracers look for them: Instana replaces what
 * this file exports, Sentry rewrites the source of `sendBatch`, an async function by this name that `send` calls as well.
 *
 * @param {{
 *   deliver: (batch: any) => Promise<import('../..').RecordMetadata[]>,
 *   look: (record: any) => void
 * }} options `look`: at what a `send()` has been given
 * @returns {{
 *   send: (record: any) => Promise<import('../..').RecordMetadata[]>,
 *   sendBatch: (batch: any) => Promise<import('../..').RecordMetadata[]>
 * }}
 */
module.exports = ({ deliver, look }) => {
  const sendBatch = async batch => deliver(batch)

  // No async function: that would be another promise for every send.
  const send = record => {
    try {
      const example = '{ topic: "orders", messages: [{ value: "…" }] }'
      optionsOf('producer.send()', record, example, 'Invalid topic')
      const { topic, messages, acks, timeout, compression, compressionLevel } = record
      look(record)
      const topicMessages = [{ topic, messages }]
      const sent = sendBatch({ topicMessages, acks, timeout, compression, compressionLevel })
      if (topic !== undefined && messages !== undefined) return sent
      return sent.catch(error => Promise.reject(withMeant(error, record)))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  return { send, sendBatch }
}
