// @ts-check
/**
 * A member of a group that is Kafka's own client, to stand beside ours: eager and cooperative, and by KIP-848. It is a Java
 * process, Kafka's `VerifiableConsumer`, which tells line by line what it is assigned, has read and has committed. Other
 * programs that speak its language are members as well: `watchMember`.
 *
 * ```js
 * const member = await startJavaMember({ brokers, groupId: 'g', topic: 't', protocol: 'cooperative' })
 * await waitFor(() => member.partitions().length === 3)
 * await member.stop()
 * ```
 */
const { spawn } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const readline = require('node:readline')

const { fetchKafka } = require('./fetch')
const { JVM } = require('./java')

/** Of members. @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set()
const killAll = () => running.forEach(child => child.kill('SIGKILL'))
// A spec that fails leaves its members behind; and in Jest, `process` is a copy, which no 'exit' reaches.
if (typeof afterAll === 'function') afterAll(killAll)
else process.once('exit', killAll)

/** @typedef {'eager' | 'cooperative' | 'consumer'} GroupProtocol the last one is that of KIP-848 */

/**
 * @typedef {object} JavaMemberOptions
 * @property {string[]} brokers
 * @property {string} groupId
 * @property {string} topic
 * @property {GroupProtocol} [protocol]                   default eager
 * @property {string} [assignor]
 *   `range`, `roundrobin`, `sticky` or `cooperative-sticky`, or a class; by KIP-848 the name of one of the coordinator's.
 *   Default: `range`, for a cooperative member `cooperative-sticky`, by KIP-848 the coordinator's choice
 * @property {string} [instanceId]                        of a static member
 * @property {boolean} [autoCommit]                       default: it commits, and waits for that, after every poll
 * @property {Record<string, string | number>} [config]   further settings of Kafka's consumer
 */

/**
 * @typedef {object} Member
 * @property {{ name: string, timestamp: number, [field: string]: any }[]} events
 *   all that it has said so far: `startup_complete`, `partitions_assigned` and `partitions_revoked` (`partitions`),
 *   `record_data` (`topic`, `partition`, `offset`, `key`, `value`), `records_consumed` (`count`, `partitions`),
 *   `offsets_committed` (`offsets`, `success`), `shutdown_complete`
 * @property {(name: string) => any[]} of                 the events of that name
 * @property {() => number[]} partitions                  of its topic that are its own now, in order
 * @property {() => { partition: number, offset: number, value: string }[]} records   that it has read, in its order
 * @property {(line: string) => void} tell                a command; Kafka's program knows none
 * @property {() => boolean} isRunning
 * @property {() => string} errors                        what it has said beside its events
 * @property {() => Promise<void>} stop                   leaves the group, and commits before it does
 * @property {() => Promise<void>} kill                   does neither
 */

/**
 * @param {JavaMemberOptions} options
 * @returns {Promise<Member>} it has started; a second later it joins
 */
const startJavaMember = async options => {
  const { java, classpath, archive } = await fetchKafka()
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kafkars-member-'))
  const settings = path.join(directory, 'member.properties')
  fs.writeFileSync(settings, propertiesOf(settingsOf(options)))
  const flags = [
    ...JVM,
    `-XX:SharedArchiveFile=${archive}`,
    // Java warns of an archive that does not fit on the stream of the events.
    '-Xlog:disable',
    '-Dlog4j2.level=ERROR'
  ]
  const tool = ['-cp', classpath, 'org.apache.kafka.tools.VerifiableConsumer']
  const child = spawn(java, [
    ...flags,
    ...tool,
    ...argumentsOf(options),
    '--command-config',
    settings
  ])
  child.once('close', () => fs.rmSync(directory, { recursive: true, force: true }))
  return watchMember(child, 'The Java member')
}

/**
 * A process that tells what it does in the language of Kafka's `VerifiableConsumer`, see `Member`.
 *
 * @param {import('node:child_process').ChildProcessWithoutNullStreams} child
 * @param {string} title for errors
 * @returns {Promise<Member>} it has said `startup_complete`
 */
const watchMember = async (child, title) => {
  const ended = new Promise(resolve => child.once('close', resolve))
  running.add(child)
  child.once('close', () => running.delete(child))
  const errors = /** @type {string[]} */ ([])
  child.stderr.on('data', data => errors.push(String(data)))
  child.stdin.on('error', () => {}) // its end is known by `isRunning`

  const events = /** @type {Member['events']} */ ([])
  const own = /** @type {Set<number>} */ (new Set())
  const started = new Promise(resolve => {
    readline.createInterface({ input: child.stdout }).on('line', line => {
      const event = eventOf(line)
      if (!event) return void errors.push(`${line}\n`)
      events.push(event)
      const { name, partitions = [] } = event
      if (name === 'startup_complete') resolve(undefined)
      if (name === 'partitions_assigned') for (const { partition } of partitions) own.add(partition)
      if (name === 'partitions_revoked') {
        for (const { partition } of partitions) own.delete(partition)
      }
    })
  })
  const refused = ended.then(() => {
    throw new Error(`${title} ended: ${errors.join('')}`)
  })
  await Promise.race([started, refused])

  const of = (/** @type {string} */ name) => events.filter(event => event.name === name)
  /** @param {NodeJS.Signals} signal */
  const end = async signal => {
    child.kill(signal)
    await ended
  }
  return {
    events,
    of,
    partitions: () => [...own].sort((a, b) => a - b),
    records: () => of('record_data'),
    tell: line => void child.stdin.write(`${line}\n`),
    isRunning: () => running.has(child),
    errors: () => errors.join(''),
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL')
  }
}

/** What is logged comes on the same stream, and whoever is killed ends in the middle of a line. @param {string} line */
const eventOf = line => {
  try {
    return line.startsWith('{') ? JSON.parse(line) : undefined
  } catch {
    return undefined
  }
}

/** @param {JavaMemberOptions} options */
const argumentsOf = ({
  brokers,
  groupId,
  topic,
  protocol = 'eager',
  assignor = protocol === 'cooperative' ? 'cooperative-sticky' : undefined,
  instanceId,
  autoCommit = false
}) => [
  ...[
    '--bootstrap-server',
    brokers.join(','),
    '--group-id',
    groupId,
    '--topic',
    topic,
    '--verbose'
  ],
  ...['--group-protocol', protocol === 'consumer' ? 'CONSUMER' : 'CLASSIC'],
  ...(assignor && protocol === 'consumer' ? ['--group-remote-assignor', assignor] : []),
  ...(assignor && protocol !== 'consumer'
    ? ['--assignment-strategy', ASSIGNORS[assignor] ?? assignor]
    : []),
  ...(instanceId ? ['--group-instance-id', instanceId] : []),
  ...(autoCommit ? ['--enable-autocommit'] : [])
]

/** It notices the others soon; by KIP-848 the coordinator says how often it is asked. @param {JavaMemberOptions} options */
const settingsOf = ({ protocol, config = {} }) => ({
  ...(protocol !== 'consumer' && { 'heartbeat.interval.ms': 500 }),
  ...config
})

/** @param {Record<string, string | number>} config */
const propertiesOf = config =>
  Object.entries(config)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')

/** The names that members tell each other, and the classes that Java wants. @type {Record<string, string>} */
const ASSIGNORS = Object.fromEntries(
  Object.entries({
    range: 'Range',
    roundrobin: 'RoundRobin',
    sticky: 'Sticky',
    'cooperative-sticky': 'CooperativeSticky'
  }).map(([name, title]) => [name, `org.apache.kafka.clients.consumer.${title}Assignor`])
)

module.exports = { startJavaMember, watchMember }
