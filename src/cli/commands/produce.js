// @ts-check
'use strict'

/** Lines of standard input become messages. */

const { createInterface } = require('node:readline')
const { UsageError } = require('../options')

/** What is sent at once, messages. */
const BATCH = 1000

/** @type {import('../index').Command} */
module.exports = {
  summary: 'Sends each line of standard input as a message, or each JSON object.',
  usage: 'TOPIC [--key-separator TEXT] [--json]',
  most: 1,
  options: {
    'key-separator': {
      type: 'string',
      short: 'k',
      help: 'what stands before it in a line is the key'
    },
    compression: { type: 'string', help: 'gzip, snappy, lz4, zstd; default: none' }
  },
  examples: [
    'echo hello | kafkars produce greetings',
    'kafkars produce orders --key-separator : < orders.txt',
    `echo '{"key":"a","value":"1","headers":{"x":"y"}}' | kafkars produce orders --json`
  ],
  async run({ kafka, values, args: [topic], out, process, signal }) {
    const compression = compressionOf(values.compression)
    const toMessage = values.json ? fromJson : fromLine(values['key-separator'])
    const producer = kafka.producer()
    let sent = 0
    let number = 0
    let batch = []
    const flush = async () => {
      if (batch.length === 0) return
      const messages = batch
      batch = []
      await producer.send({ topic, messages, compression })
      sent += messages.length
    }
    try {
      await producer.connect()
      // Not before: what it reads while nobody iterates is lost.
      const lines = createInterface({ input: process.stdin, crlfDelay: Infinity })
      signal.addEventListener('abort', () => lines.close(), { once: true })
      for await (const line of lines) {
        number++
        if (values.json && line.trim() === '') continue
        batch.push(toMessage(line, number))
        // What comes slowly, from a terminal for instance, goes at once.
        if (batch.length >= BATCH || process.stdin.isTTY) await flush()
      }
      await flush()
    } finally {
      await producer.disconnect()
      if (sent > 0) out.note(`${sent} ${sent === 1 ? 'message' : 'messages'} sent to ${topic}`)
    }
  }
}

const COMPRESSION = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 }

const compressionOf = (name = 'none') => {
  if (!Object.hasOwn(COMPRESSION, name)) {
    throw new UsageError(`--compression ${name}: not one of ${Object.keys(COMPRESSION).join(', ')}`)
  }
  return COMPRESSION[name]
}

/** @param {string | undefined} separator */
const fromLine = separator => line => {
  const at = separator ? line.indexOf(separator) : -1
  return at < 0 || !separator
    ? { value: line }
    : { key: line.slice(0, at), value: line.slice(at + separator.length) }
}

/** As `tail` prints them: what says where a message was is left out. */
const fromJson = (line, number) => {
  try {
    const { key, value, headers, partition, timestamp } = JSON.parse(line)
    const time = timestamp === undefined ? undefined : String(new Date(timestamp).getTime())
    if (time === 'NaN') throw new Error(`timestamp ${timestamp} is no time`)
    return {
      key: toBytes(key),
      value: toBytes(value) ?? null,
      ...(headers && { headers: Object.fromEntries(Object.entries(headers).map(toHeader)) }),
      ...(Number.isInteger(partition) && { partition }),
      ...(time !== undefined && { timestamp: time })
    }
  } catch (e) {
    throw new UsageError(`Line ${number} is no message: ${e.message}`)
  }
}

const toHeader = ([name, value]) => [
  name,
  Array.isArray(value) ? value.map(toBytes) : toBytes(value)
]

/** What is no text is written as JSON, but for what `tail` writes for bytes. */
const toBytes = value => {
  if (value == null || typeof value === 'string') return value
  if (typeof value.base64 === 'string' && Object.keys(value).length === 1) {
    return Buffer.from(value.base64, 'base64')
  }
  return JSON.stringify(value)
}
