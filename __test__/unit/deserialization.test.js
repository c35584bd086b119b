// @ts-check
'use strict'

const { createDeserialization } = require('../../src/consumer/deserialization')

/** @type {any} */
const logger = { warn: jest.fn() }
beforeEach(() => logger.warn.mockClear())

/** @param {any} [more] */
const message = more => ({
  offset: '7',
  timestamp: '1700000000000',
  headers: { schema: Buffer.from('1') },
  key: Buffer.from('k'),
  value: Buffer.from('{"total":3}'),
  ...more
})

/** @param {any} options */
const create = options => /** @type {any} */ (createDeserialization(options, logger))

/** @param {any} options @param {any} [of] */
const read = (options, of) => create(options).read('orders', 2, message(of))

/** @param {() => any} call @returns {any} */
const thrown = call => {
  try {
    call()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

describe('deserializers', () => {
  it('are none when none is given', () => {
    expect(create({})).toBe(null)
    expect(create({ keyDeserializer: null, valueDeserializer: undefined })).toBe(null)
  })

  const big = Buffer.alloc(8)
  big.writeBigInt64BE(-(2n ** 62n))
  const double = Buffer.alloc(8)
  double.writeDoubleBE(-0.5)
  const uuid = '123e4567-e89b-12d3-a456-426614174000'

  it.each([
    ['string', Buffer.from('\ufeffgrün'), '\ufeffgrün'],
    ['json', Buffer.from('[1,null]'), [1, null]],
    ['int32', Buffer.from([0xff, 0xff, 0xff, 0xfe]), -2],
    ['int64', big, -(2n ** 62n)],
    ['double', double, -0.5],
    ['uuid', Buffer.from(uuid), uuid]
  ])('%s reads what its serializer in Java has written', (name, data, expected) => {
    expect(read({ valueDeserializer: name }, { value: data }).value).toEqual(expected)
    expect(read({ keyDeserializer: name }, { key: data }).key).toEqual(expected)
  })

  it.each([
    ['string', Buffer.from([0x61, 0xff]), /encod/i],
    ['json', Buffer.from('{'), /JSON/],
    ['int32', Buffer.alloc(5), /an int32 has 4 bytes, received 5/],
    ['int64', Buffer.alloc(4), /an int64 has 8 bytes, received 4/],
    ['double', Buffer.alloc(0), /a double has 8 bytes, received 0/],
    ['uuid', Buffer.from('orders'), /"orders" is no UUID/]
  ])('%s names what it cannot read, for good', (name, data, text) => {
    const error = thrown(() => read({ valueDeserializer: name }, { value: data }))
    expect(error).toMatchObject({
      name: 'KafkaJSDeserializationError',
      retriable: false,
      topic: 'orders',
      partition: 2,
      offset: '7',
      part: 'value',
      data
    })
    expect(error.message).toMatch(
      'The value of the message at offset 7 of partition 2 of topic "orders" cannot be read: '
    )
    expect(error.message).toMatch(text)
  })

  it('leave null alone', () => {
    const never = jest.fn()
    const { key, value } = read(
      { keyDeserializer: never, valueDeserializer: never },
      { key: null, value: null }
    )
    expect([key, value]).toEqual([null, null])
    expect(never).not.toHaveBeenCalled()
  })

  it('that are functions get the record, and may be async', async () => {
    const value = jest.fn(async ({ data }) => JSON.parse(String(data)))
    const key = jest.fn(async ({ data }) => `${data}!`)
    const result = await read({ keyDeserializer: key, valueDeserializer: value })
    expect(result).toMatchObject({ key: 'k!', value: { total: 3 } })
    const { headers } = message()
    expect(value).toHaveBeenCalledWith({
      topic: 'orders',
      partition: 2,
      headers,
      data: message().value
    })
    expect(key).toHaveBeenCalledWith({
      topic: 'orders',
      partition: 2,
      headers,
      data: message().key
    })
  })

  it('that are functions may be tried again, unless the error says otherwise', async () => {
    const cause = new Error('the registry is down')
    const sync = thrown(() =>
      read({
        valueDeserializer: () => {
          throw cause
        }
      })
    )
    expect(sync).toMatchObject({ retriable: true, part: 'value', cause })
    await expect(
      read({ keyDeserializer: async () => Promise.reject(cause) })
    ).rejects.toMatchObject({ retriable: true, part: 'key', cause })
    const final = thrown(() =>
      read({
        keyDeserializer: () => {
          throw Object.assign(new Error('no schema'), { retriable: false })
        }
      })
    )
    expect(final).toMatchObject({ retriable: false, part: 'key' })
  })

  it.each([
    [{ valueDeserializer: 'avro' }, /valueDeserializer.*"string", "json".*received "avro"/],
    [{ keyDeserializer: 'toString' }, /keyDeserializer.*received "toString"/],
    [{ keyDeserializer: 7 }, /keyDeserializer.*received 7/],
    [
      { onDeserializationError: 'ignore' },
      /onDeserializationError.*"fail", "skip".*received "ignore"/
    ]
  ])('%j is refused', (options, text) => {
    expect(() => create(options)).toThrow(text)
  })
})

describe('onDeserializationError', () => {
  const bad = { valueDeserializer: 'int32' }

  it('skip leaves out, with a warning', () => {
    expect(read({ ...bad, onDeserializationError: 'skip' })).toBe(null)
    expect(logger.warn).toHaveBeenCalledWith(expect.stringMatching(/^Left out.*offset 7/), {
      topic: 'orders',
      partition: 2,
      offset: '7',
      part: 'value'
    })
  })

  it('may be a function, sync or async, that sees error and message', async () => {
    const decide = jest.fn(() => 'skip')
    expect(read({ ...bad, onDeserializationError: decide })).toBe(null)
    const { headers, timestamp } = message()
    expect(decide).toHaveBeenCalledWith(
      expect.objectContaining({ name: 'KafkaJSDeserializationError', data: message().value }),
      { topic: 'orders', partition: 2, offset: '7', timestamp, headers }
    )
    expect(await read({ ...bad, onDeserializationError: async () => 'skip' })).toBe(null)
    await expect(read({ ...bad, onDeserializationError: async () => 'fail' })).rejects.toThrow(
      'an int32 has 4 bytes'
    )
  })

  it('that returns something else fails, and says so', () => {
    expect(() => read({ ...bad, onDeserializationError: () => true })).toThrow(
      /has to return "fail" or "skip", it returned true/
    )
  })

  it('leaves single messages out of a batch', async () => {
    const deserialization = create({ valueDeserializer: 'json', onDeserializationError: 'skip' })
    const values = ['1', '{', '3']
    const messages = values.map((value, i) =>
      message({ offset: String(i), value: Buffer.from(value) })
    )
    const { readable, error } = await deserialization.readAll('orders', 0, messages)
    expect(error).toBe(null)
    expect(readable.map(({ offset, value }) => [offset, value])).toEqual([
      ['0', 1],
      ['2', 3]
    ])
  })

  it('says at which message of a batch it is over', async () => {
    const deserialization = create({ valueDeserializer: 'json' })
    const messages = ['1', '2', '{', '4'].map(value => message({ value: Buffer.from(value) }))
    const { readable, unreadable, error } = await deserialization.readAll('orders', 0, messages)
    expect(readable.map(({ value }) => value)).toEqual([1, 2])
    expect([unreadable, error.name]).toEqual([2, 'KafkaJSDeserializationError'])
  })
})

it('what is awaited need not be a promise', async () => {
  /** Of these, `then()` returns nothing. */
  const later = /** @type {any} */ (value => ({ then: resolve => void resolve(value) }))
  const options = { keyDeserializer: () => later('key'), valueDeserializer: () => later('value') }
  expect(await read(options)).toMatchObject({ key: 'key', value: 'value' })
  const unreadable = () => ({ then: (_, reject) => void reject(new Error('no schema')) })
  const onDeserializationError = () => later('skip')
  expect(await read({ valueDeserializer: unreadable, onDeserializationError })).toBe(null)
})
