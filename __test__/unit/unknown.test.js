'use strict'

jest.mock('../../src/native', () => ({ NativeSiblings: class {} }))
jest.mock('../../src/consumer/runner', () => jest.fn())

const native = require('../../src/native')
const createRunner = require('../../src/consumer/runner')
const { Kafka } = require('../..')
const config = { ...require('../../src/config'), ...require('../../src/consumer/arguments') }
const { KNOWN } = require('../../src/unknown')
const { createFakeRunner, createNativeClient, createWorld } = require('./support')

/** What is warned of when these options are used. */
const warnings = async ({ kafka = {}, consumer = {}, subscribe = {}, run = {} }) => {
  native.NativeClient = createNativeClient(createWorld())
  createRunner.mockReset().mockImplementation(createFakeRunner)
  const lines = []
  const logCreator = () => entry => lines.push(entry)
  const made = new Kafka({ brokers: ['b1:9092'], logCreator, ...kafka }).consumer({
    groupId: 'g',
    ...consumer
  })
  await made.subscribe({ topics: ['t'], ...subscribe })
  made.run({ eachMessage: async () => {}, ...run })
  return lines.filter(({ label }) => label === 'WARN').map(({ log }) => log.message)
}

it.each([
  [{ kafka: { broker: 1 } }, '"broker" of new Kafka() is ignored: did you mean "brokers"?'],
  [
    { kafka: { sessionTimeout: 1 } },
    '"sessionTimeout" of new Kafka() is ignored: it is an option of kafka.consumer()'
  ],
  [
    { kafka: { ssl: { rejectUnauthorised: 1 } } },
    '"rejectUnauthorised" of ssl is ignored: did you mean "rejectUnauthorized"?'
  ],
  [
    { kafka: { sasl: { mechanism: 'plain', username: 'u', password: 'p', realm: 1 } } },
    '"realm" of sasl is ignored'
  ],
  [{ kafka: { retry: { retrys: 1 } } }, '"retrys" of retry is ignored: did you mean "retries"?'],
  [
    { consumer: { sesionTimeout: 1 } },
    '"sesionTimeout" of kafka.consumer() is ignored: did you mean "sessionTimeout"?'
  ],
  [
    { consumer: { groupID: 1 } },
    '"groupID" of kafka.consumer() is ignored: did you mean "groupId"?'
  ],
  [
    { consumer: { fromBeginning: true } },
    '"fromBeginning" of kafka.consumer() is ignored: it is an option of consumer.subscribe()'
  ],
  [
    { consumer: { idempotent: true } },
    '"idempotent" of kafka.consumer() is ignored: it is an option of kafka.producer()'
  ],
  [
    { consumer: { retry: { retires: 1 } } },
    '"retires" of retry is ignored: did you mean "retries"?'
  ],
  [
    { subscribe: { fromBegining: 1 } },
    '"fromBegining" of consumer.subscribe() is ignored: did you mean "fromBeginning"?'
  ],
  [
    { run: { eachMesage: 1 } },
    '"eachMesage" of consumer.run() is ignored: did you mean "eachMessage"?'
  ],
  [{ run: { 'enable.auto.commit': 1 } }, '"enable.auto.commit" of consumer.run() is ignored']
])('%j is warned of', async (options, expected) => {
  expect(await warnings(options)).toEqual([`Unknown option ${expected}`])
})

it.each([
  [{}],
  [{ kafka: { brokr: undefined }, consumer: { a: undefined }, run: { b: undefined } }],
  [{ kafka: { ssl: true, sasl: null, retry: null }, consumer: { retry: null } }],
  [{ kafka: { sasl: { mechanism: 'mine', anything: 1, authenticationProvider: () => {} } } }],
  // One object for several, as libraries pass it: each name is given where it belongs, too.
  [
    {
      kafka: { groupId: 'g', clientId: 'c' },
      consumer: { clientId: 'c', fromBeginning: true, partitionsConsumedConcurrently: 2 },
      subscribe: { fromBeginning: true },
      run: { partitionsConsumedConcurrently: 2 }
    }
  ],
  [{ kafka: { consumerOptions: { groupId: 'g' }, producerOptions: {} } }]
])('%j is not', async options => {
  expect(await warnings(options)).toEqual([])
})

it('an object that is used again is not warned of again', async () => {
  const lines = []
  const kafka = new Kafka({ brokers: [], logCreator: () => entry => lines.push(entry) })
  const options = { groupId: 'g', unheard: 1 }
  kafka.consumer(options)
  kafka.consumer(options)
  expect(lines.map(({ namespace }) => namespace)).toEqual(['Consumer'])
})

it('what was given in the wrong place is told once, and what of its own has the same name does not count', async () => {
  native.NativeClient = createNativeClient(createWorld())
  createRunner.mockReset().mockImplementation(createFakeRunner)
  const messages = []
  const kafka = new Kafka({
    brokers: ['b1:9092'],
    sessionTimeout: 1,
    ssl: { sessionTimeout: 1 },
    logCreator:
      () =>
      ({ log }) =>
        messages.push(log.message)
  })
  for (const groupId of ['a', 'b']) {
    const consumer = kafka.consumer({ groupId })
    await consumer.subscribe({ topic: 't' })
    consumer.run({ eachMessage: async () => {} })
  }
  expect(messages.filter(message => message.includes('sessionTimeout'))).toHaveLength(1)
})

it('what is read is known', () => {
  const read = options => {
    const names = new Set()
    options(new Proxy({}, { get: (_, name) => void names.add(name) }))
    return [...names]
  }
  expect(KNOWN['new Kafka()']).toEqual(expect.arrayContaining(read(config.kafkaOptions)))
  expect(KNOWN['kafka.consumer()']).toEqual(expect.arrayContaining(read(config.consumerOptions)))
  expect(KNOWN['consumer.run()']).toEqual(expect.arrayContaining(read(config.runOptions)))
})
