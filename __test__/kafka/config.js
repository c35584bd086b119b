// @ts-check
/**
 * `server.properties` of one node, and what stands beside it: certificates, and the mark of a formatted
 * log directory.
 */
const fs = require('node:fs')
const path = require('node:path')

const { USERS } = require('./fetch')

/** The listeners for clients; CONTROLLER is the brokers' own. */
const PROTOCOLS = {
  PLAINTEXT: 'PLAINTEXT',
  SSL: 'SSL',
  SASL_SSL: 'SASL_SSL',
  OAUTH: 'SASL_PLAINTEXT',
  /** Advertises the port of a fault proxy instead of its own. */
  PROXIED: 'PLAINTEXT'
}

/**
 * @typedef {object} NodePlan
 * @property {number} id
 * @property {string} directory
 * @property {Record<string, number>} ports      by listener name, CONTROLLER included
 * @property {number} [proxyPort]                what PROXIED advertises; without it there is no such listener
 */

/**
 * @typedef {object} ClusterPlan
 * @property {string} clusterId
 * @property {NodePlan[]} nodes
 * @property {string} ca                         PEM
 * @property {import('./certificates').Issued} server
 * @property {Record<string, string | number | boolean>} config  overrides
 */

/**
 * Writes all that the node's first start needs.
 *
 * @param {ClusterPlan} cluster
 * @param {NodePlan} node
 * @param {string} template a formatted log directory
 * @returns {string} the path of its `server.properties`
 */
const prepareNode = (cluster, node, template) => {
  const data = path.join(node.directory, 'data')
  fs.cpSync(template, data, { recursive: true })
  const meta = { version: 1, 'cluster.id': cluster.clusterId, 'node.id': node.id }
  fs.writeFileSync(path.join(data, 'meta.properties'), toProperties(meta))

  const files = {
    'ca.pem': cluster.ca,
    'server.pem': cluster.server.key + cluster.server.cert,
    'log4j2.xml': LOG4J2,
    'server.properties': toProperties({ ...properties(cluster, node), ...cluster.config })
  }
  for (const [name, content] of Object.entries(files)) {
    fs.writeFileSync(path.join(node.directory, name), content)
  }
  return path.join(node.directory, 'server.properties')
}

/**
 * @param {ClusterPlan} cluster
 * @param {NodePlan} node
 */
const properties = ({ nodes }, { id, directory, ports, proxyPort }) => {
  const replicas = nodes.length
  const file = (/** @type {string} */ name) => path.join(directory, name).replaceAll('\\', '/')
  const at = (/** @type {string} */ listener, port = ports[listener]) =>
    `${listener}://127.0.0.1:${port}`
  const listeners = Object.keys(ports)
  const forClients = listeners.filter(listener => listener !== 'CONTROLLER')
  const advertised = forClients.map(listener =>
    listener === 'PROXIED' ? at(listener, proxyPort) : at(listener)
  )
  return {
    'process.roles': 'broker,controller',
    'node.id': id,
    'broker.rack': `rack-${id}`,
    'controller.quorum.voters': nodes
      .map(node => `${node.id}@127.0.0.1:${node.ports.CONTROLLER}`)
      .join(','),
    'controller.listener.names': 'CONTROLLER',
    listeners: listeners.map(listener => at(listener)).join(','),
    'advertised.listeners': advertised.join(','),
    'listener.security.protocol.map': ['CONTROLLER:PLAINTEXT']
      .concat(Object.entries(PROTOCOLS).map(entry => entry.join(':')))
      .join(','),
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': file('data'),

    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': file('server.pem'),
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': file('ca.pem'),
    'ssl.client.auth': 'requested',
    ...sasl('sasl_ssl', {
      PLAIN: plainUsers(),
      'SCRAM-SHA-256': 'org.apache.kafka.common.security.scram.ScramLoginModule required;',
      'SCRAM-SHA-512': 'org.apache.kafka.common.security.scram.ScramLoginModule required;'
    }),
    // Unsecured JSON Web Tokens (`alg: none`) of any `sub`: what the server accepts unless told otherwise.
    ...sasl('oauth', {
      OAUTHBEARER:
        'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required ' +
        'unsecuredLoginStringClaim_sub="broker";'
    }),

    // Tests wait for all of these: groups form at once, the dead are noticed soon.
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 1000,
    'group.consumer.assignment.interval.ms': 0,
    'group.consumer.min.heartbeat.interval.ms': 100,
    'group.consumer.heartbeat.interval.ms': 500,
    'group.consumer.min.session.timeout.ms': 1000,
    'group.consumer.session.timeout.ms': 6000,
    'broker.heartbeat.interval.ms': 500,
    // Nobody waits for the only broker's end; one that is starved for a while must not be taken for dead.
    'broker.session.timeout.ms': replicas > 1 ? 6000 : 18_000,
    'controller.quorum.fetch.timeout.ms': 4000,
    'controlled.shutdown.retry.backoff.ms': 200,
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': 500,
    'log.initial.task.delay.ms': 1000,
    'log.cleaner.backoff.ms': 500,
    'log.segment.delete.delay.ms': 1000,

    // Small, as all that runs here shares one machine.
    'offsets.topic.num.partitions': 3,
    'transaction.state.log.num.partitions': 3,
    'share.coordinator.state.topic.num.partitions': 3,
    'num.network.threads': 2,
    'num.io.threads': 4,
    'background.threads': 2,
    'log.cleaner.dedupe.buffer.size': 8 * 1024 * 1024,

    'offsets.topic.replication.factor': replicas,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': 1,
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': 1,
    'default.replication.factor': replicas,
    'num.partitions': 1,
    'auto.create.topics.enable': true,
    'replica.selector.class': 'org.apache.kafka.common.replica.RackAwareReplicaSelector'
  }
}

/**
 * @param {string} listener
 * @param {Record<string, string>} mechanisms each with its JAAS entry
 */
const sasl = (listener, mechanisms) => {
  const prefix = `listener.name.${listener}`
  const entries = Object.entries(mechanisms).map(([mechanism, jaas]) => [
    `${prefix}.${mechanism.toLowerCase()}.sasl.jaas.config`,
    jaas
  ])
  return {
    [`${prefix}.sasl.enabled.mechanisms`]: Object.keys(mechanisms).join(','),
    ...Object.fromEntries(entries)
  }
}

const plainUsers = () => {
  const users = Object.entries(USERS).map(([name, password]) => `user_${name}="${password}"`)
  return `org.apache.kafka.common.security.plain.PlainLoginModule required ${users.join(' ')};`
}

/** @param {Record<string, string | number | boolean>} entries */
const toProperties = entries =>
  Object.entries(entries)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')

/** Everything to stdout, which the supervisor appends to the node's one log file. */
const LOG4J2 = `<Configuration status="warn">
  <Appenders>
    <Console name="stdout">
      <PatternLayout pattern="%d{HH:mm:ss,SSS} %p %c{1}: %m%n"/>
    </Console>
  </Appenders>
  <Loggers>
    <Root level="info"><AppenderRef ref="stdout"/></Root>
  </Loggers>
</Configuration>
`

module.exports = { PROTOCOLS, prepareNode }
