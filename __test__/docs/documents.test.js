// @ts-check
'use strict'

/**
 * Each block of JavaScript in the documents is run, as it is printed, on the run's broker: what it makes connects, its handler gets a message,
 * its listeners for signals end it. Addresses, groups and topics are replaced by those of the run.
 */

const { EventEmitter } = require('node:events')
const channels = require('node:diagnostics_channel')
const fs = require('node:fs')
const http = require('node:http')
const kafkajs = require('kafkajs')
const kafkars = require('../..')
const { createMetrics } = require('../../src/prometheus')
const { createTopic, produce, sharedCluster, uniqueName, waitFor } = require('../kafka/helpers')
const { allBlocks } = require('./blocks')
const { failuresOf, pattern, showsFailures } = require('./failures')

/** Programs of another project, which is run by `npm run test:ecosystem`. */
const ELSEWHERE = ["require('kafkajs-original')"]

const programs = allBlocks().filter(
  ({ language, code }) => language === 'js' && !ELSEWHERE.some(text => code.includes(text))
)
const blocks = programs.filter(block => !showsFailures(block))
const failures = programs.filter(showsFailures).flatMap(failuresOf)

/** What blocks take for granted, but for clients. */
const given = () => ({
  handle: async () => {},
  charge: async () => {},
  invoice: () => ({ value: 'an invoice' }),
  quarantine: async () => {},
  registry: { decode: async (/** @type {Buffer} */ data) => JSON.parse(String(data)) },
  store: {
    offsets: async (/** @type {string} */ _, /** @type {number[]} */ partitions) =>
      partitions.map(partition => [partition, '0']),
    flush: async () => {}
  }
})

/** The topics of the documents, by the names that they have in this run. @type {Map<string, Promise<string>>} */
const topics = new Map()

/** @param {string} name */
const topicOf = name => {
  const known = topics.get(name)
  if (known) return known
  const made = createTopic({ partitions: 2 }).then(async topic => {
    const value = JSON.stringify({ total: 3 })
    await produce(topic, [{ key: 'customer-1', value, partition: 0 }])
    return topic
  })
  topics.set(name, made)
  return made
}

/** A cluster of one broker. */
const REPLICAS = 1

/** An argument of a call, with the names of this run. @param {any} value @param {string} [key] @returns {Promise<any>} */
const inThisRun = async (value, key) => {
  if (typeof value === 'string' && (key === 'topic' || key === 'topics')) return topicOf(value)
  if (key === 'replicationFactor' && value <= 3) return REPLICAS
  if (Array.isArray(value)) return Promise.all(value.map(one => inThisRun(one, key)))
  if (value === null || typeof value !== 'object' || !isPlain(value)) return value
  // A resource of an admin client.
  const named = value.type === kafkars.ConfigResourceTypes.TOPIC
  const entries = Object.entries(value).map(async ([name, one]) => [
    name,
    await inThisRun(one, named && name === 'name' ? 'topic' : name)
  ])
  return Object.fromEntries(await Promise.all(entries))
}

/** Neither a Buffer nor a RegExp. @param {object} value */
const isPlain = value => Object.getPrototypeOf(value) === Object.prototype

/** kafkars, whose clients belong to the run: to its broker, and to those that are disconnected in the end. */
const createPackage = () => {
  const clients = /** @type {any[]} */ ([])
  const counts = { handled: 0 }

  class Kafka extends kafkars.Kafka {
    /** @param {any} config */
    constructor({ ssl: _ssl, sasl: _sasl, ...config }) {
      super({ ...config, brokers: sharedCluster().brokers, logLevel: kafkars.logLevel.NOTHING })
    }
    /** @param {any} config @returns {any} */
    consumer(config) {
      const named = 'groupId' in config ? { groupId: uniqueName(config.groupId) } : {}
      const consumer = super.consumer({ ...config, ...named })
      clients.push(consumer)
      const { subscribe, run, assign } = consumer
      const messages = consumer[Symbol.asyncIterator].bind(consumer)
      consumer.subscribe = async options =>
        subscribe({ ...(await inThisRun(options)), fromBeginning: true })
      consumer.assign = async (/** @type {any} */ partitions) => assign(await inThisRun(partitions))
      consumer.run = options => run(counting(options))
      // One message is enough of a loop without an end.
      consumer[Symbol.asyncIterator] = async function* () {
        for await (const message of { [Symbol.asyncIterator]: messages }) return yield message
      }
      return consumer
    }
    /** @param {any} [config] @returns {any} */
    producer(config) {
      const producer = super.producer(config)
      clients.push(producer)
      const { send, sendBatch } = producer
      producer.send = async record => send(/** @type {any} */ (await inThisRun(record)))
      producer.sendBatch = async batch => sendBatch(await inThisRun(batch))
      return producer
    }
    /** @param {any} [config] @returns {any} */
    admin(config) {
      const admin = /** @type {any} */ (super.admin(config))
      clients.push(admin)
      for (const [name, method] of Object.entries(admin)) {
        if (typeof method !== 'function' || ['on', 'logger'].includes(name)) continue
        admin[name] = async (/** @type {any} */ argument) => method(await inThisRun(argument))
      }
      return admin
    }
  }

  /** @param {any} config of `run()` */
  const counting = config => {
    const counted = { ...config }
    for (const name of ['eachMessage', 'eachBatch']) {
      if (!config?.[name]) continue
      counted[name] = async (/** @type {any} */ payload) => {
        await config[name](payload)
        counts.handled++
      }
    }
    return counted
  }
  return { clients, counts, kafkars: { ...kafkars, Kafka } }
}

/** A process that a program may listen to and end. */
const createProcess = () => {
  const events = new EventEmitter()
  const exits = /** @type {number[]} */ ([])
  const fake = Object.create(process, {
    env: { value: { ...process.env, PASSWORD: 'a secret' } },
    on: { value: events.on.bind(events) },
    once: { value: events.once.bind(events) },
    exit: { value: (/** @type {number} */ code = 0) => void exits.push(code) }
  })
  return { fake, events, exits }
}

const AsyncFunction = /** @type {any} */ ((async () => {}).constructor)

/** Names that a block declares itself. @param {string} code */
const declared = code =>
  new Set(
    [...code.matchAll(/\b(?:const|let|using|class) (?:\{([^}]*)\}|(\w+))/g)].flatMap(
      ([, list, name]) =>
        name ? [name] : list.split(',').map(one => one.trim().split(':').pop()?.trim() ?? '')
    )
  )

/** As in a thread that the program has started. */
const fakeThreads = { isMainThread: false, Worker: class {} }

/** A certificate that only the documents have. */
const fakeFiles = {
  ...fs,
  readFileSync: (/** @type {any} */ file, /** @type {any} */ ...rest) =>
    String(file).startsWith('/etc/kafka/') ? 'a certificate' : fs.readFileSync(file, ...rest)
}

/** What a block subscribes to is for as long as the block runs. */
const createChannels = () => {
  const ends = /** @type {(() => void)[]} */ ([])
  const subscribe = (/** @type {string} */ name, /** @type {any} */ listener) => {
    channels.subscribe(name, listener)
    ends.push(() => channels.unsubscribe(name, listener))
  }
  const tracingChannel = (/** @type {string} */ name) => {
    const channel = channels.tracingChannel(name)
    const subscribeAll = (/** @type {any} */ listeners) => {
      channel.subscribe(listeners)
      ends.push(() => channel.unsubscribe(listeners))
    }
    return { subscribe: subscribeAll }
  }
  const own = { ...channels, subscribe, tracingChannel }
  /** It subscribes, too. */
  const createOwnMetrics = () => {
    const metrics = createMetrics()
    ends.push(metrics.end)
    return metrics
  }
  const prometheus = { createMetrics: createOwnMetrics }
  return { channels: own, prometheus, end: () => ends.forEach(end => end()) }
}

/** What a block serves is on a free port, for as long as the block runs: another run may have the one that is printed. */
const createHttp = () => {
  const servers = /** @type {Promise<http.Server>[]} */ ([])
  const createServer = (/** @type {any} */ listener) => ({
    listen: () =>
      servers.push(
        new Promise(resolve => {
          const server = http.createServer(listener).listen(0, '127.0.0.1', () => resolve(server))
        })
      )
  })
  /** Each of them answers. */
  const ask = async () => {
    for await (const server of servers) {
      const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
      expect(await fetch(`http://127.0.0.1:${port}`)).toMatchObject({ status: 200 })
    }
  }
  const end = async () => (await Promise.all(servers)).forEach(server => server.close())
  return { http: { ...http, createServer }, ask, end }
}

/** A module, as the body of a function. @param {string} code */
const withoutImports = code => code.replace(/^import (.+) from (.+)$/gm, 'const $1 = require($2)')

/** @param {string} code */
const reading = code => /\.run\(/.test(code) && /\beach(Message|Batch)\b/.test(code)

/** @param {import('./blocks').Block} block */
const run = async block => {
  const code = withoutImports(block.code)
  const made = createPackage()
  const { fake, events, exits } = createProcess()
  const own = createChannels()
  const serving = createHttp()
  /** @param {string} name */
  const load = name => {
    if (name === 'kafkars') return made.kafkars
    if (name === 'kafkajs') return kafkajs
    if (name === 'node:fs') return fakeFiles
    if (name === 'kafkars/prometheus') return own.prometheus
    if (name === 'node:diagnostics_channel') return own.channels
    if (name === 'node:http') return serving.http
    if (name === 'node:worker_threads') return fakeThreads
    return require(name)
  }
  const kafka = new made.kafkars.Kafka({ clientId: 'documents' })
  /** @type {Record<string, any>} */
  const scope = { require: load, process: fake, __filename, ...given(), kafka }
  const declares = declared(code)
  for (const client of /** @type {const} */ (['consumer', 'producer', 'admin'])) {
    if (declares.has(client) || !new RegExp(`\\b${client}\\b`).test(code)) continue
    scope[client] = kafka[client]({ groupId: 'documents' })
    await scope[client].connect()
  }
  if (scope.consumer && reading(code) && !/\.(subscribe|assign)\(/.test(code)) {
    await scope.consumer.subscribe({ topic: 'orders' })
  }
  const names = Object.keys(scope).filter(name => !declares.has(name))
  try {
    await new AsyncFunction(...names, code)(...names.map(name => scope[name]))
    await serving.ask()
    await waitFor(() => !reading(code) || made.counts.handled > 0)
    const [signal] = events.eventNames()
    if (signal) {
      const [consumer] = made.clients
      const ended = new Promise(resolve => consumer.on('consumer.disconnect', resolve))
      events.emit(signal)
      await ended
    }
    expect(exits.filter(status => status !== 0)).toEqual([])
    return made
  } finally {
    await Promise.all(made.clients.map(client => client.disconnect()))
    own.end()
    await serving.end()
  }
}

// What the blocks print.
beforeAll(() => {
  for (const method of /** @type {const} */ (['log', 'error'])) {
    jest.spyOn(console, method).mockImplementation(() => {})
  }
})
afterAll(() => jest.restoreAllMocks())

it.each(blocks.map(block => [`${block.page}:${block.line}`, block]))('%s', async (_, block) => {
  await run(block)
})

test('a program goes on when its import is changed as the README shows', async () => {
  const [{ code }] = allBlocks().filter(({ language }) => language === 'diff')
  const changes = code.trim().split('\n')
  const [before, after] = ['-', '+'].map(sign =>
    changes.filter(line => line.startsWith(sign)).map(line => line.slice(1))
  )
  expect([before.length, after.length, changes.length]).toEqual([1, 1, 2])
  for (const [line, { Kafka }] of /** @type {[string, any][]} */ ([
    [before[0], kafkajs],
    [after[0], kafkars]
  ])) {
    const load = (/** @type {string} */ name) => ({ kafkajs, kafkars })[name]
    expect(new Function('require', `${line}\nreturn Kafka`)(load)).toBe(Kafka)
  }
})

test('there are some, and the README has a whole program', () => {
  expect(blocks.length).toBeGreaterThan(15)
  const [first] = blocks.filter(({ page }) => page === 'README.md')
  expect(first.code.split('\n').length).toBeLessThan(25)
  for (const part of ['consumer.crash', 'SIGTERM', 'disconnect()', 'subscribe', 'eachMessage']) {
    expect(first.code).toContain(part)
  }
})

describe('what fails as it is printed', () => {
  /** Names of the documents → those of this run. @type {Map<string, string>} */
  const names = new Map()
  /** @type {any[]} */
  const clients = []
  /** @type {Record<string, any>} */
  const scope = { ...kafkars }

  beforeAll(async () => {
    const options = { logLevel: kafkars.logLevel.NOTHING }
    const kafka = new kafkars.Kafka({ ...options, brokers: sharedCluster().brokers })
    const nowhere = { ...options, brokers: ['127.0.0.1:1'], retry: { retries: 0 } }
    const consumer = kafka.consumer({ groupId: uniqueName('billing') })
    const topic = await topicOf('orders')
    await consumer.subscribe({ topics: [topic] })
    const joined = new Promise(resolve => consumer.on('consumer.group_join', resolve))
    await consumer.run({ eachMessage: async () => {} })
    await joined
    const { groupId } = await consumer.describeGroup()
    names.set('orders', topic).set('billing', groupId)
    scope.unreachable = new kafkars.Kafka(nowhere).admin()
    scope.admin = renaming(kafka.admin())
    clients.push(consumer, scope.unreachable, scope.admin)
  })

  afterAll(() => Promise.all(clients.map(client => client.disconnect())))

  /** An admin client that is called with the names of the documents. @param {any} admin */
  const renaming = admin => {
    const calls = Object.entries(admin).map(([name, method]) => [
      name,
      (/** @type {any[]} */ ...args) => method(...args.map(inRun))
    ])
    return { ...admin, ...Object.fromEntries(calls.filter(([name]) => name !== 'events')) }
  }

  /** @param {any} value @returns {any} */
  const inRun = value => {
    if (typeof value === 'string') return names.get(value) ?? value
    if (Array.isArray(value)) return value.map(inRun)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, inRun(one)]))
  }

  /** @param {any} value @returns {any} as the documents have it */
  const inDocuments = value => {
    if (typeof value !== 'string') return value
    return [...names].reduce((text, [name, own]) => text.replaceAll(own, name), value)
  }

  /** @param {string} code @returns {Promise<any>} the error that it throws, or has found */
  const errorOf = async code => {
    const program = new AsyncFunction(
      ...Object.keys(scope),
      `${code}\nreturn typeof error === 'undefined' ? undefined : error`
    )
    return program(...Object.values(scope)).catch((/** @type {any} */ error) => error)
  }

  it.each(failures.map(failure => [`${failure.page}:${failure.line} ${failure.calls}`, failure]))(
    '%s',
    async (_, { code, name, message, has }) => {
      const error = await errorOf(code)
      expect(error).toBeInstanceOf(Error)
      // What people see; `message` is what programs compare with kafkajs's.
      const [head] = error.stack.split('\n    at ', 1)
      const text = `${error.name}: ${error.message}`
      const seen = head.startsWith(text) ? head : text
      expect(inDocuments(seen)).toMatch(pattern(`${name}: ${message}`))
      const found = Object.keys(has).map(key => [key, inDocuments(error[key])])
      const said = Object.entries(has).map(([key, value]) => [
        key,
        typeof value === 'string' ? expect.stringMatching(pattern(value)) : value
      ])
      expect(Object.fromEntries(found)).toEqual(Object.fromEntries(said))
    }
  )

  test('there is one for each method of an admin client', () => {
    const methods = Object.keys(scope.admin).filter(name => !['events', 'logger'].includes(name))
    const shown = failures.filter(({ page }) => page.endsWith('admin.md')).map(({ calls }) => calls)
    expect(methods.filter(name => !shown.includes(name))).toEqual([])
  })
})
