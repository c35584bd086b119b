// @ts-check
/**
 * The real-broker fixture: Apache Kafka in KRaft mode on loopback, one or three nodes, each with a listener for
 * every way to connect.
 *
 * ```js
 * const cluster = await startCluster({ brokers: 3 })
 * const kafka = new Kafka({ brokers: cluster.brokers })
 * await cluster.nodes[0].kill9()
 * await cluster.nodes[0].restart()
 * await cluster.stop()
 * ```
 *
 * No broker survives the process that started it, see `supervisor.js`.
 */
const crypto = require('node:crypto')
const fs = require('node:fs')
const { execFile } = require('node:child_process')
const path = require('node:path')
const { promisify } = require('node:util')

const { createAuthority } = require('./certificates')
const { PROTOCOLS, prepareNode } = require('./config')
const { RUNS, USERS, fetchKafka, once } = require('./fetch')
const { BRIEF, JVM } = require('./java')
const { BrokerNode } = require('./node')
const { freePorts } = require('./ports')
const { startProxy } = require('./proxy')
const { waitUntilReady } = require('./ready')

const execute = promisify(execFile)

/**
 * What a spec needs to connect. It goes through JSON from Jest's global set-up to the specs.
 *
 * @typedef {object} ClusterDescription
 * @property {string[]} brokers                  the PLAINTEXT listeners, `host:port`
 * @property {Listeners} listeners               `host:port` of every node
 * @property {string} ca                         PEM: the authority of the brokers' certificates
 * @property {string} otherCa                    PEM: one that has signed nothing here
 * @property {string} clientCert                 PEM: the brokers accept it and do not insist on one
 * @property {string} clientKey                  PEM
 * @property {Record<string, string>} users      name → password, for PLAIN and SCRAM
 */

/**
 * @typedef {object} Listeners
 * @property {string[]} plaintext
 * @property {string[]} ssl
 * @property {string[]} saslSsl   PLAIN, SCRAM-SHA-256, SCRAM-SHA-512
 * @property {string[]} oauth     OAUTHBEARER with unsecured tokens, no TLS
 * @property {string[]} proxied   no TLS; all traffic goes through `cluster.proxies`; empty unless asked for
 */

/**
 * @typedef {object} ClusterParts
 * @property {BrokerNode[]} nodes
 * @property {import('./proxy').Proxy[]} proxies   one per node, if asked for
 * @property {string} logDir                       a folder per node: `broker.log`, `server.properties`
 * @property {() => Promise<void>} ready  resolves once all nodes that run serve again
 * @property {() => Promise<void>} stop
 *
 * @typedef {ClusterDescription & ClusterParts} Cluster
 */

/**
 * @typedef {object} ClusterOptions
 * @property {1 | 3} [brokers]      how many nodes, default 1
 * @property {Record<string, string | number | boolean>} [config]  over the fixture's own broker settings
 * @property {Record<string, number>} [features]  levels below the newest, as { 'transaction.version': 1 }
 * @property {boolean} [coordinators]  false: there are to be none, so they are not waited for
 * @property {boolean} [proxied]    adds the PROXIED listener and its fault proxies
 * @property {boolean} [lasting]    it will work for minutes, and is to be as fast as it can
 */

/**
 * @param {ClusterOptions} [options]
 * @returns {Promise<Cluster>}
 */
const startCluster = async (options = {}) => {
  const distribution = await fetchKafka()
  removeOldRuns()
  for (let attempt = 1; ; attempt++) {
    try {
      const { archive } = distribution
      await once(path.dirname(archive), directory => recordClasses(distribution, directory))
      const flags = [`-XX:SharedArchiveFile=${archive}`, ...(options.lasting ? [] : BRIEF)]
      return await tryStart(distribution, options, flags)
    } catch (error) {
      // Between the choice of a port and the broker's start somebody else may have taken it.
      const { message } = /** @type {Error} */ (error)
      if (attempt === 3 || !/address already in use/i.test(message)) throw error
    }
  }
}

/**
 * Half of a broker's start is Java loading its classes: one broker runs for the archive that later ones load
 * them from. An archive that does not fit, or a Java that knows none, costs nothing but the gain.
 *
 * @param {import('./fetch').Distribution} distribution
 * @param {string} directory
 */
const recordClasses = async (distribution, directory) => {
  const archive = path.join(directory, path.basename(distribution.archive))
  const cluster = await tryStart(distribution, {}, [
    `-XX:ArchiveClassesAtExit=${archive}`,
    ...BRIEF
  ])
  await cluster.nodes[0].stop()
  await cluster.stop()
}

/**
 * @param {import('./fetch').Distribution} distribution
 * @param {ClusterOptions} options
 * @param {string[]} flags for Java
 * @returns {Promise<Cluster>}
 */
const tryStart = async ({ java, classpath, template }, options, flags) => {
  const { brokers: count = 1, config = {}, coordinators = true, proxied = false } = options
  fs.mkdirSync(RUNS, { recursive: true })
  const logDir = fs.mkdtempSync(path.join(RUNS, 'cluster-'))
  const plans = await planNodes(logDir, count, proxied)

  const authority = createAuthority('kafkars test authority')
  const server = authority.issue({ name: 'broker', hosts: ['127.0.0.1', 'localhost'] })
  const client = authority.issue({ name: 'client' })
  const clusterId = crypto.randomBytes(16).toString('base64url')
  const plan = { clusterId, nodes: plans, ca: authority.cert, server, config }

  const ready = async () => {
    const running = nodes.filter(node => node.running)
    await waitUntilReady(
      running.map(node => `127.0.0.1:${plans[nodes.indexOf(node)].ports.PLAINTEXT}`),
      { ids: running.map(({ id }) => id), coordinators, check: () => assertAlive(nodes) }
    )
  }
  const readyAgain = () => ready().catch(error => Promise.reject(withLogs(error, nodes)))
  /** @type {BrokerNode[]} */
  const nodes = plans.map(nodePlan => {
    const properties = prepareNode(plan, nodePlan, template)
    const { id, directory } = nodePlan
    const log4j = `-Dlog4j2.configurationFile=${path.join(directory, 'log4j2.xml')}`
    const command = [
      java,
      '-Xmx512m',
      ...JVM,
      ...flags,
      log4j,
      '-cp',
      classpath,
      'kafka.Kafka',
      properties
    ]
    return new BrokerNode({ id, directory, command, ready: readyAgain })
  })
  /** @type {import('./proxy').Proxy[]} */
  const proxies = []
  const end = async () => {
    await Promise.all([
      ...nodes.map(node => node.destroy()),
      ...proxies.map(proxy => proxy.close())
    ])
  }

  try {
    for (const { ports, proxyPort } of plans) {
      if (!proxyPort) continue
      proxies.push(await startProxy({ port: proxyPort, target: ports.PROXIED, kafka: true }))
    }
    await Promise.all(nodes.map(node => node.start()))
    await ready()
    const { PLAINTEXT } = plans[0].ports
    for (const [feature, level] of Object.entries(options.features ?? {})) {
      const to = ['--bootstrap-server', `127.0.0.1:${PLAINTEXT}`, 'downgrade']
      const command = ['org.apache.kafka.tools.FeatureCommand', ...to]
      await execute(java, [
        ...BRIEF,
        '-cp',
        classpath,
        ...command,
        '--feature',
        `${feature}=${level}`
      ])
    }
  } catch (error) {
    await end()
    throw withLogs(/** @type {Error} */ (error), nodes)
  }

  const at = (/** @type {string} */ listener) =>
    plans.map(({ ports }) => `127.0.0.1:${ports[listener]}`)
  return {
    brokers: at('PLAINTEXT'),
    listeners: {
      plaintext: at('PLAINTEXT'),
      ssl: at('SSL'),
      saslSsl: at('SASL_SSL'),
      oauth: at('OAUTH'),
      proxied: plans.flatMap(({ proxyPort }) => (proxyPort ? [`127.0.0.1:${proxyPort}`] : []))
    },
    ca: authority.cert,
    otherCa: createAuthority('kafkars other authority').cert,
    clientCert: client.cert,
    clientKey: client.key,
    users: { ...USERS },
    nodes,
    proxies,
    logDir,
    ready: readyAgain,
    stop: async () => {
      await end()
      if (nodes.some(({ crashed }) => crashed)) {
        throw withLogs(new Error('A broker ended although nobody stopped it'), nodes)
      }
      fs.rmSync(logDir, { recursive: true, force: true })
    }
  }
}

/**
 * @param {string} logDir
 * @param {number} count
 * @param {boolean} proxied
 * @returns {Promise<import('./config').NodePlan[]>}
 */
const planNodes = async (logDir, count, proxied) => {
  const names = Object.keys(PROTOCOLS).filter(name => name !== 'PROXIED' || proxied)
  const listeners = [...names, 'CONTROLLER']
  const free = await freePorts(count * (listeners.length + 1))
  const take = () => /** @type {number} */ (free.pop())
  return Array.from({ length: count }, (_, index) => {
    const directory = path.join(logDir, `broker-${index + 1}`)
    fs.mkdirSync(directory)
    return {
      id: index + 1,
      directory,
      ports: Object.fromEntries(listeners.map(name => [name, take()])),
      ...(proxied ? { proxyPort: take() } : {})
    }
  })
}

/** @param {BrokerNode[]} nodes */
const assertAlive = nodes => {
  const dead = nodes.filter(({ crashed }) => crashed)
  if (dead.length > 0) {
    throw new Error(`Broker ${dead.map(({ id }) => id).join(', ')} did not start`)
  }
}

/**
 * @param {Error} error
 * @param {BrokerNode[]} nodes
 */
const withLogs = (error, nodes) => {
  const logs = nodes.map(({ logFile }) => [logFile, ...excerpt(logFile)].join('\n  '))
  return new Error([error.message, ...logs].join('\n'), { cause: error })
}

/**
 * What a broker had to say in the end: its first error and what came of it, or else its last lines.
 *
 * @param {string} logFile
 */
const excerpt = logFile => {
  const log = fs.existsSync(logFile) ? fs.readFileSync(logFile, 'utf8') : ''
  const lines = log.split('\n').filter(line => line !== '' && !/^\s+(at |\.\.\. )/.test(line))
  const first = lines.findIndex(line => line.includes(' ERROR '))
  return first < 0 ? lines.slice(-EXCERPT) : lines.slice(first, first + EXCERPT)
}

/** The logs of failures are worth a day. A controller writes twice a second: what is up is never that old. */
const removeOldRuns = () => {
  const yesterday = Date.now() - 24 * 60 * 60 * 1000
  for (const name of fs.existsSync(RUNS) ? fs.readdirSync(RUNS) : []) {
    const run = path.join(RUNS, name)
    if (newest(run) < yesterday) fs.rmSync(run, { recursive: true, force: true })
  }
}

/**
 * @param {string} directory
 * @returns {number} when anything in it was last written
 */
const newest = directory => {
  const times = [directory, ...filesIn(directory)].map(
    file => fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0
  )
  return Math.max(...times)
}

/** @param {string} directory @returns {string[]} */
const filesIn = directory => {
  try {
    const names = fs.readdirSync(directory, { recursive: true })
    return names.map(name => path.join(directory, String(name)))
  } catch (error) {
    // Its own run removes it at this moment.
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return []
    throw error
  }
}

const EXCERPT = 20

module.exports = { startCluster }
