// @ts-check
'use strict'

/** Connects step by step as a client would, and says what works. */

const dns = require('node:dns/promises')
const net = require('node:net')
const { setTimeout: pause } = require('node:timers/promises')
const tls = require('node:tls')
const { UsageError } = require('../options')
const { adviceFor } = require('../advice')

/** @type {import('../index').Command} */
module.exports = {
  summary: 'Connects step by step, says what works, and names the likely cause of what does not.',
  usage: '[--topic NAME]',
  options: { topic: { type: 'string', help: 'reads this one; default: the first that there is' } },
  examples: [
    'kafkars doctor --brokers kafka.example.com:9093 --ssl',
    'KAFKARS_SASL_PASSWORD=… kafkars doctor -b host:9094 --ssl --sasl-mechanism scram-sha-512 --sasl-username me'
  ],
  async run({ kafka, config, values, out }) {
    const report = createReport(out)
    const seeds = typeof config.brokers === 'function' ? await config.brokers() : config.brokers
    if (!Array.isArray(seeds)) throw new UsageError('brokers: not a list')
    const step = { config, report }
    const reached = []
    for (const seed of seeds) if (await reach(step, seed)) reached.push(seed)
    if (reached.length > 0) await ask({ kafka, topic: values.topic, ...step })
    else report.note('No broker was reached, so nothing was asked of one.')
    report.end()
    return reached.length === 0 ? 3 : report.failures > 0 ? 1 : 0
  }
}

/** DNS, TCP and TLS of one address. @returns {Promise<boolean>} */
const reach = async ({ config, report }, address) => {
  const { host, port } = split(address)
  const { connectionTimeout: timeout, ssl } = config
  const found = await report.step(`DNS ${host}`, async () => {
    const addresses = net.isIP(host) ? [{ address: host }] : await dns.lookup(host, { all: true })
    return addresses.map(entry => entry.address).join(', ')
  })
  if (!found) return false
  const socket = await report.step(`TCP ${address}`, () =>
    connected(net.connect({ host, port }), 'connect', timeout)
  )
  if (!socket) return false
  if (!ssl) {
    socket.destroy()
    return true
  }
  const options = ssl === true ? {} : ssl
  const servername = options.servername ?? (net.isIP(host) ? '' : host)
  const isSecured = await report.step(`TLS ${address}`, async () => {
    const secure = tls.connect({ ...options, socket, servername })
    try {
      await connected(secure, 'secureConnect', timeout)
      const { subject, issuer, valid_to: until } = secure.getPeerCertificate()
      return `${secure.getProtocol()}, certificate of ${subject?.CN}, by ${issuer?.CN}, until ${until}`
    } finally {
      secure.destroy()
    }
  })
  return isSecured !== null
}

/** What a client asks: the cluster, its brokers, a coordinator, a topic. */
const ask = async ({ kafka, topic, config, report }) => {
  const admin = /** @type {any} */ (kafka.admin())
  try {
    const sasl = config.sasl ? `SASL ${String(config.sasl.mechanism).toUpperCase()} and ` : ''
    const isConnected = await report.step(`${sasl}API versions`, async () => {
      await admin.connect()
      const { features } = await admin.describeFeatures()
      const level = name => features.find(feature => feature.name === name)?.level
      const known = [
        level('metadata.version') && `metadata.version ${level('metadata.version')}`,
        level('group.version') && 'groups of KIP-848'
      ].filter(Boolean)
      return known.join(', ') || 'a broker before Kafka 2.7, or with ZooKeeper'
    })
    if (!isConnected) return
    const cluster = await report.step('Metadata', async () => {
      const { brokers, clusterId } = await admin.describeCluster()
      return Object.assign(new String(`cluster ${clusterId}, ${count(brokers.length, 'broker')}`), {
        brokers
      })
    })
    for (const { nodeId, host, port } of cluster?.brokers ?? []) {
      await report.step(
        `Advertised address of broker ${nodeId}: ${host}:${port}`,
        async () => {
          const socket = net.connect({ host, port })
          await connected(socket, 'connect', config.connectionTimeout)
          socket.destroy()
          return 'can be reached'
        },
        { advertised: host }
      )
    }
    await report.step('Coordinator', async () => {
      const consumer = kafka.consumer({ groupId: 'kafkars-doctor' })
      try {
        await consumer.connect()
        await consumer.describeGroup()
        return 'groups can be coordinated'
      } finally {
        await consumer.disconnect()
      }
    })
    const topics = await report.step('Topics', async () => {
      const names = await admin.listTopics()
      return Object.assign(new String(count(names.length, 'topic')), { names })
    })
    const name = topic ?? topics?.names.find(each => !each.startsWith('__'))
    if (name !== undefined) {
      await report.step(`Fetch from topic ${name}`, () => fetch(kafka, admin, name))
    }
  } finally {
    await admin.disconnect()
  }
}

/** How long a message is waited for, ms. */
const LONGEST_FETCH = 15_000

const fetch = async (kafka, admin, topic) => {
  const offsets = await admin.fetchTopicOffsets(topic)
  const messages = offsets.reduce(
    (sum, { low, high }) => sum + Number(BigInt(high) - BigInt(low)),
    0
  )
  if (messages === 0) return `${count(offsets.length, 'partition')}, empty: nothing to fetch`
  const consumer = kafka.consumer({ groupId: `kafkars-doctor-${process.pid}-${Date.now()}` })
  try {
    await consumer.subscribe({ topic, fromBeginning: true })
    const first = await new Promise((resolve, reject) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error))
      consumer
        .run({ autoCommit: false, eachMessage: async message => resolve(message) })
        .catch(reject)
      pause(LONGEST_FETCH, null, { ref: false }).then(resolve)
    })
    if (first === null) throw new Error(`no message within ${LONGEST_FETCH / 1000} s`)
    return `partition ${first.partition}, offset ${first.message.offset}`
  } finally {
    await consumer.disconnect()
  }
}

/** @param {import('../output').Output} out */
const createReport = out => {
  const report = {
    failures: 0,
    /**
     * @param {string} name
     * @param {() => Promise<any>} work its result is what is told
     * @param {{ advertised?: string }} [about]
     * @returns {Promise<any>} null when it has failed
     */
    step: async (name, work, about = {}) => {
      const begun = performance.now()
      try {
        const result = await work()
        const ms = Math.round(performance.now() - begun)
        const text = typeof result === 'string' || result instanceof String ? String(result) : ''
        if (out.isJson) out.json({ step: name, ok: true, ms, detail: text })
        else {
          out.line(`${out.good('ok')}    ${name}${text && `: ${text}`} ${out.faint(`(${ms} ms)`)}`)
        }
        return result
      } catch (e) {
        report.failures++
        const advice = adviceFor(e, about)
        if (out.isJson) {
          out.json({
            step: name,
            ok: false,
            error: e.message,
            code: e.code ?? e.type ?? null,
            advice
          })
        } else {
          out.line(`${out.bad('failed')} ${name}: ${e.message}`)
          if (advice) out.line(`       ${advice}`)
        }
        return null
      }
    },
    note: text => out.isJson || out.line(text),
    end: () => {
      if (out.isJson) return
      out.line(
        report.failures === 0
          ? out.good('All is well.')
          : out.bad(`${count(report.failures, 'step')} failed.`)
      )
    }
  }
  return report
}

/** The socket, when it tells this within `ms`; otherwise it is not waited for by the process either. */
const connected = (socket, event, ms) =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      const error = new Error(`no answer within ${ms} ms`)
      socket.destroy(Object.assign(error, { code: 'ETIMEDOUT' }))
    }, ms)
    socket.once(event, () => {
      clearTimeout(timer)
      resolve(socket)
    })
    socket.once('error', error => {
      clearTimeout(timer)
      reject(error)
    })
  })

/** @param {string} address */
const split = address => {
  const match = /^\[?([^\]]*?)\]?:(\d+)$/.exec(address)
  if (!match) throw new UsageError(`Broker "${address}": not host:port`)
  return { host: match[1], port: Number(match[2]) }
}

const count = (n, what) => `${n} ${what}${n === 1 ? '' : 's'}`
