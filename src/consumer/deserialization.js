// @ts-check
'use strict'

/**
 * Keys and values as the program wants them, before a handler gets the message: by one of Kafka's own formats, or by a function, of a
 * schema registry for instance. `null` stays `null`: it means that there is no key, or that the record is a tombstone.
 *
 * What cannot be read fails, is left out, or is the program's to decide, by `onDeserializationError`. What fails in a function is
 * tried again as what fails in a handler is: the registry may be down. Bytes that are not of the format stay so: that is the end of
 * the consumer at once. A record that is left out counts as handled.
 */

const { TextDecoder } = require('node:util')

const { show } = require('../utils/show')
const { isThenable } = require('../utils/thenable')
const { readable } = require('../utils/thrown')
const { KafkaJSDeserializationError, KafkaJSNonRetriableError } = require('../errors')

/** @typedef {import('../..').KafkaMessage} KafkaMessage */
/** @typedef {'key' | 'value'} Part */
/** @typedef {InstanceType<typeof KafkaJSDeserializationError>} Failure */
/** @typedef {(record: { topic: string, partition: number, headers: any, data: Buffer }) => any} Deserializer */

/** @param {string} name @param {number} size @param {Buffer} data */
const exactly = (name, size, data) => {
  if (data.length !== size) {
    throw new TypeError(`${name} has ${size} bytes, received ${data.length}`)
  }
  return data
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** A BOM is text, and bytes that are no UTF-8 are an error: nothing is silently another text than what was written. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const textOf = data => utf8.decode(data)

/** The formats of Kafka's own serializers, big-endian, and JSON. @type {Record<string, (data: Buffer) => any>} */
const BY_NAME = {
  string: textOf,
  json: data => JSON.parse(textOf(data)),
  int32: data => exactly('an int32', 4, data).readInt32BE(),
  int64: data => exactly('an int64', 8, data).readBigInt64BE(),
  double: data => exactly('a double', 8, data).readDoubleBE(),
  uuid: data => {
    const text = textOf(data)
    if (!UUID.test(text)) throw new TypeError(`${show(text)} is no UUID`)
    return text
  }
}

const ON_ERROR = ['fail', 'skip']

/**
 * @param {string} name of the option
 * @param {any} deserializer
 * @returns {Deserializer | null}
 */
const resolve = (name, deserializer) => {
  if (deserializer == null || typeof deserializer === 'function') return deserializer ?? null
  const read = Object.hasOwn(BY_NAME, deserializer) ? BY_NAME[deserializer] : null
  if (read === null) {
    const known = Object.keys(BY_NAME).map(one => `"${one}"`)
    throw new KafkaJSNonRetriableError(
      `Consumer ${name} has to be a function or one of ${known.join(', ')}, received ${show(deserializer)}`
    )
  }
  return ({ data }) => {
    try {
      return read(data)
    } catch (error) {
      throw new KafkaJSNonRetriableError(error)
    }
  }
}

class Deserialization {
  /**
   * @param {{ key: Deserializer | null, value: Deserializer | null, onError: any, logger: import('../..').Logger }} options
   */
  constructor({ key, value, onError, logger }) {
    this.key = key
    this.value = value
    this.onError = onError
    this.logger = logger
  }

  /**
   * Replaces key and value.
   * @param {string} topic
   * @param {number} partition
   * @param {any} message
   * @returns {any} the message, or null when it is to be left out; a promise of either when a deserializer returns one
   * @throws {Failure}
   */
  read(topic, partition, message) {
    const { key, value, headers } = message
    try {
      const newKey =
        this.key === null || key === null ? key : this.key({ topic, partition, headers, data: key })
      if (isThenable(newKey)) return this.readLater(topic, partition, message, newKey)
      message.key = newKey
    } catch (error) {
      return this.failed(topic, partition, message, 'key', key, error)
    }
    return this.readValue(topic, partition, message, value)
  }

  /** @private */
  async readLater(topic, partition, message, newKey) {
    const { key, value } = message
    try {
      message.key = await newKey
    } catch (error) {
      return this.failed(topic, partition, message, 'key', key, error)
    }
    return this.readValue(topic, partition, message, value)
  }

  /** @private */
  readValue(topic, partition, message, value) {
    if (this.value === null || value === null) return message
    try {
      const { headers } = message
      const newValue = this.value({ topic, partition, headers, data: value })
      if (isThenable(newValue)) return this.readValueLater(topic, partition, message, newValue)
      message.value = newValue
      return message
    } catch (error) {
      return this.failed(topic, partition, message, 'value', value, error)
    }
  }

  /** Not by `newValue.then()`: of what is no promise it may return anything. @private */
  async readValueLater(topic, partition, message, newValue) {
    const { value } = message
    try {
      message.value = await newValue
    } catch (error) {
      return this.failed(topic, partition, message, 'value', value, error)
    }
    return message
  }

  /**
   * One after another, so that a deserializer that fetches schemas does so once; up to the first that cannot be read.
   * @param {string} topic
   * @param {number} partition
   * @param {any[]} messages
   * @returns {Promise<{ readable: any[], unreadable: number, error: any }>} without those that are left out; `unreadable`: the number
   *   of the one that cannot be read, if there is an `error`
   */
  async readAll(topic, partition, messages) {
    const whole = []
    let i = 0
    try {
      for (; i < messages.length; i++) {
        const result = this.read(topic, partition, messages[i])
        const read = isThenable(result) ? await result : result
        if (read !== null) whole.push(read)
      }
    } catch (error) {
      return { readable: whole, unreadable: i, error }
    }
    return { readable: whole, unreadable: i, error: null }
  }

  /**
   * @param {string} topic
   * @param {number} partition
   * @param {any} message
   * @param {Part} part
   * @param {Buffer} data
   * @param {any} thrown
   * @returns {null | Promise<null>} the message is left out
   * @private
   */
  failed(topic, partition, message, part, data, thrown) {
    const { offset } = message
    const cause = readable(thrown, `${part}Deserializer`)
    const error = new KafkaJSDeserializationError(cause, { topic, partition, offset, part, data })
    if (typeof this.onError !== 'function') return this.decide(this.onError, error)
    const { timestamp, headers } = message
    const verdict = this.onError(error, { topic, partition, offset, timestamp, headers })
    return isThenable(verdict) ? this.decideLater(verdict, error) : this.decide(verdict, error)
  }

  /** @param {PromiseLike<any>} verdict @param {Failure} error @returns {Promise<null>} @private */
  async decideLater(verdict, error) {
    return this.decide(await verdict, error)
  }

  /** @param {any} verdict @param {Failure} error @returns {null} @private */
  decide(verdict, error) {
    if (verdict !== 'skip') {
      if (verdict !== 'fail') {
        error.message += `; onDeserializationError has to return "fail" or "skip", it returned ${show(verdict)}`
      }
      throw error
    }
    const { topic, partition, offset, part } = error
    this.logger.warn(`Left out, it cannot be read: ${error.message}`, {
      topic,
      partition,
      offset,
      part
    })
    return null
  }
}

/**
 * @param {{ keyDeserializer?: any, valueDeserializer?: any, onDeserializationError?: any }} options
 * @param {import('../..').Logger} logger
 * @returns {Deserialization | null} null: keys and values stay Buffers
 * @throws {KafkaJSNonRetriableError} for what is none
 */
const createDeserialization = (options, logger) => {
  const { keyDeserializer, valueDeserializer, onDeserializationError = 'fail' } = options
  const key = resolve('keyDeserializer', keyDeserializer)
  const value = resolve('valueDeserializer', valueDeserializer)
  if (typeof onDeserializationError !== 'function' && !ON_ERROR.includes(onDeserializationError)) {
    throw new KafkaJSNonRetriableError(
      `Consumer onDeserializationError has to be "fail", "skip" or a function, received ${show(onDeserializationError)}`
    )
  }
  if (key === null && value === null) return null
  return new Deserialization({ key, value, onError: onDeserializationError, logger })
}

module.exports = { Deserialization, createDeserialization }
