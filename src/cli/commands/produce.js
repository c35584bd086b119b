// @ts-check
'use strict'

/** Lines of standard input become messages. */

const { createInterface } = require('node:readline')
const { UsageError } = require('../options')

/** What is sent at once, messages. */
const BATCH = 1000

/** How long a line waits for others at the most, ms: it may come from a program that has nothing more to say for an hour. */
const LINGER = 50

/** @type {import('../index').Command} */
module.exports = {
  summary: 'Sends each line of standard input as a message, or each JSON object.',
  usage: 'TOPIC [--key-separator TEXT] [--json]',
  most: 1,
  changes: true,
  ends: true,
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
    /** Those before. */
    let sending = Promise.resolve()
    /** @type {NodeJS.Timeout | undefined} */
    let timer
    const flush = () => {
      clearTimeout(timer)
      timer = undefined
      const messages = batch
      batch = []
      const send = async () => {
        await producer.send({ topic, messages, compression })
        sent += messages.length
      }
      if (messages.length > 0) sending = sending.then(send)
      return sending
    }
    try {
      await producer.connect()
      // Not before: what it reads while nobody iterates is lost.
      const lines = createInterface({ input: process.stdin, crlfDelay: Infinity })
      signal.addEventListener('abort', () => lines.close(), { once: true })
      if (process.stdin.isTTY) out.note('Each line is a message; Ctrl-D ends it.')
      // A failure is the end, also while nothing is read; whoever waits for it next tells it.
      const flushInTime = () => void flush().catch(() => lines.close())
      for await (const line of lines) {
        number++
        if (values.json && line.trim() === '') continue
        try {
          batch.push(toMessage(line, number))
        } catch (e) {
          // What stands before it is sent.
          await flush()
          throw e
        }
        if (batch.length >= BATCH) await flush()
        else timer ??= setTimeout(flushInTime, LINGER)
      }
      await flush()
    } finally {
      clearTimeout(timer)
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
    const message = JSON.parse(line)
    // Anything else would delete what has its key, or has none.
    if (typeof message !== 'object' || message === null || !('value' in message)) {
      throw new Error('it is no object with a "value" (null deletes)')
    }
    const { key, value, headers, partition, timestamp } = message
    const time = timestamp === undefined ? undefined : timeOf(timestamp)
    if (time === 'NaN') throw new Error(`timestamp ${timestamp} is no time`)
    return {
      key: toBytes(key),
      value: toBytes(value),
      ...(headers && { headers: Object.fromEntries(Object.entries(headers).map(toHeader)) }),
      ...(Number.isInteger(partition) && { partition }),
      ...(time !== undefined && { timestamp: time })
    }
  } catch (e) {
    throw new UsageError(`Line ${number} is no message: ${e.message}`)
  }
}

/** Milliseconds, also as text, and whatever a Date is made of. @param {any} timestamp */
const timeOf = timestamp =>
  /^-?\d+$/.test(timestamp) ? String(timestamp) : String(new Date(timestamp).getTime())

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
