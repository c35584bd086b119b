/** The fixture itself, tried with kafkajs: what fails here fails everywhere. */
const { execFileSync, spawn } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const readline = require('node:readline')
const { Kafka, logLevel } = require('kafkajs')

const { startCluster } = require('.')
const { createAuthority } = require('./certificates')
const { connections, unsecuredToken } = require('./connections')
const {
  ADMIN_TIMEOUT,
  committed,
  createTopic,
  logEnd,
  produce,
  sharedCluster,
  uniqueName,
  waitFor,
  withAdmin
} = require('./helpers')
const { PRODUCE, failPartitions } = require('./produced')
const { lives } = require('./ports')
const { startProducer } = require('./producer')

const NOT_LEADER_FOR_PARTITION = 6

/** A second, the default, is little for a handshake on a busy machine. */
const PATIENT = { logLevel: logLevel.NOTHING, connectionTimeout: 20_000 }

/**
 * @param {object} options of `new Kafka`
 * @param {string} topic
 * @param {number} count
 */
const consume = async (options, topic, count) => {
  const groupId = uniqueName('group')
  const kafka = new Kafka({ ...options, ...PATIENT })
  // A short poll, as `disconnect` waits for the one that is on its way.
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100 })
  const messages = /** @type {import('kafkajs').KafkaMessage[]} */ ([])
  let crash
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    crash = payload.error
  })
  try {
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      eachMessage: async ({ message }) => {
        messages.push(message)
      }
    })
    await waitFor(() => {
      if (crash) throw crash
      return messages.length >= count
    })
  } finally {
    await consumer.disconnect()
  }
  return { groupId, messages }
}

/** @param {{ value: Buffer | null }[]} messages */
const values = messages => messages.map(({ value }) => String(value))

describe('every way to connect', () => {
  const cluster = sharedCluster()
  const ways = Object.entries(connections(cluster))

  it.each(ways)('%s', async (_, options) => {
    const topic = await createTopic()
    await produce(topic, [{ key: 'k', value: 'v' }])
    const { messages, groupId } = await consume(options, topic, 1)
    expect(values(messages)).toEqual(['v'])
    expect(await committed(groupId, topic)).toEqual({ 0: '1' })
  })

  it.each([
    ['an authority that signed nothing', { ssl: { ca: [cluster.otherCa] } }, /certificate/],
    ['no authority', { ssl: true }, /certificate/]
  ])('SSL refuses %s', async (_, options, message) => {
    const kafka = new Kafka({
      brokers: cluster.listeners.ssl,
      ...PATIENT,
      retry: { retries: 0 },
      ...options
    })
    await expect(kafka.admin().connect()).rejects.toThrow(message)
  })

  it('SSL refuses a client certificate of another authority', async () => {
    const client = createAuthority('somebody else').issue({ name: 'client' })
    const { brokers, ssl } = connections(cluster).mutualTls
    const kafka = new Kafka({
      brokers,
      ssl: { ...ssl, cert: client.cert, key: client.key },
      ...PATIENT,
      retry: { retries: 0 }
    })
    const admin = kafka.admin()
    await expect(admin.connect()).rejects.toThrow()
    await admin.disconnect()
  })

  it.each(['plain', 'scram-sha-256', 'scram-sha-512'])(
    '%s refuses a bad password',
    async mechanism => {
      const { brokers, ssl } = connections(cluster).plain
      const sasl = /** @type {any} */ ({ mechanism, username: 'alice', password: 'wrong' })
      const kafka = new Kafka({
        brokers,
        ssl,
        sasl,
        ...PATIENT,
        retry: { retries: 0 }
      })
      await expect(kafka.admin().connect()).rejects.toThrow(/SASL|Authentication failed/)
    }
  )

  it('OAUTHBEARER refuses an expired token', async () => {
    const oauthBearerProvider = async () => ({ value: unsecuredToken({ lifetime: -60 }) })
    const kafka = new Kafka({
      brokers: cluster.listeners.oauth,
      sasl: { mechanism: 'oauthbearer', oauthBearerProvider },
      ...PATIENT,
      retry: { retries: 0 }
    })
    const admin = kafka.admin()
    // kafkajs looks away when the token is refused, and the next request fails.
    await expect(admin.connect().then(() => admin.listTopics())).rejects.toThrow()
    await admin.disconnect()
  })
})

describe('producing', () => {
  it('gzip goes through kafkajs', async () => {
    const topic = await createTopic({ partitions: 2 })
    await produce(topic, [{ value: 'a', partition: 1 }], { compression: 'gzip' })
    expect(await logEnd(topic)).toEqual({ 0: '0', 1: '1' })
  })

  it.each([
    ['snappy', 'Snappy'],
    ['lz4', 'LZ4'],
    ['zstd', 'ZSTD']
  ])('%s arrives as such', async (compression, name) => {
    const topic = await createTopic()
    await produce(topic, [{ key: 'k', value: 'v', headers: { h: ['1', '2'] } }], { compression })
    expect(await logEnd(topic)).toEqual({ 0: '1' })
    // kafkajs has no such codec, and says which one it lacks.
    await expect(consume({ brokers: sharedCluster().brokers }, topic, 1)).rejects.toThrow(
      `${name} compression not implemented`
    )
  })

  it('waits for a partition that is still to come', async () => {
    const topic = await createTopic()
    const messages = [0, 1, 1].map(partition => ({ partition, value: 'v' }))
    const produced = produce(topic, messages)
    // Until then kafkajs writes to what there is, and drops the rest.
    await waitFor(async () => (await logEnd(topic))[0] === '1')
    await withAdmin(undefined, admin =>
      admin.createPartitions({ topicPartitions: [{ topic, count: 2 }], timeout: ADMIN_TIMEOUT })
    )
    await produced
    expect(await logEnd(topic)).toEqual({ 0: '1', 1: '2' })
  })

  it('Kafka’s own producer commits, aborts and leaves open', async () => {
    const { brokers } = sharedCluster()
    const topic = await createTopic()
    const producer = await startProducer(brokers, { 'transactional.id': uniqueName('transaction') })
    const { offsets, transactions } = await producer.generate({
      topic,
      count: 10,
      valueBytes: 20,
      prefix: 'n',
      transactions: ['commit', 'abort'],
      perTransaction: 4
    })
    // Each transaction ends with a marker, which takes an offset.
    expect(transactions).toEqual([
      { outcome: 'commit', offsets: { 0: [0, 3] } },
      { outcome: 'abort', offsets: { 0: [5, 8] } },
      { outcome: 'commit', offsets: { 0: [10, 11] } }
    ])
    expect(offsets).toEqual({ 0: [0, 11] })
    await producer.begin()
    await producer.send(topic, [{ value: 'open' }])
    await producer.kill()

    const { messages } = await consume({ brokers }, topic, 6)
    const numbers = values(messages).map(value => value.split(' ')[0])
    expect(numbers).toEqual(['n0', 'n1', 'n2', 'n3', 'n8', 'n9'])
    expect(messages[0].value).toHaveLength(20)
    // Two records and a marker after the second transaction; the open one holds the end back.
    expect(await logEnd(topic)).toEqual({ 0: '13' })
  })

  it('generates in bulk, round robin over the partitions', async () => {
    const topic = await createTopic({ partitions: 3 })
    const producer = await startProducer(sharedCluster().brokers, { 'compression.type': 'lz4' })
    await producer.generate({ topic, count: 30_000, valueBytes: 100 })
    await producer.close()
    expect(await logEnd(topic)).toEqual({ 0: '10000', 1: '10000', 2: '10000' })
  })
})

describe('a cluster of three', () => {
  /** @type {import('.').Cluster} */
  let cluster

  beforeAll(async () => {
    cluster = await startCluster({ brokers: 3, proxied: true })
  })
  afterAll(() => cluster.stop())

  const leader = async (/** @type {string} */ topic) => {
    const { topics } = await withAdmin(cluster.brokers, admin =>
      admin.fetchTopicMetadata({ topics: [topic] })
    )
    return topics[0].partitions[0].leader
  }

  it('goes on without a killed node, and with it again', async () => {
    const { brokers, nodes } = cluster
    const topic = await createTopic({ replicationFactor: 3, brokers })
    await produce(topic, [{ value: 'before' }], { brokers })
    const first = await leader(topic)
    const node = nodes[first - 1]
    await node.kill9()
    expect(node.pid).toBe(0)
    await waitFor(async () => (await leader(topic)) !== first)
    await produce(topic, [{ value: 'meanwhile' }], { brokers })
    await node.restart()
    await produce(topic, [{ value: 'after' }], { brokers })
    const { messages } = await consume({ brokers: [brokers[first - 1]] }, topic, 3)
    expect(values(messages)).toEqual(['before', 'meanwhile', 'after'])
  })

  it('freezes and thaws a node', async () => {
    const [node] = cluster.nodes
    const state = () => String(execFileSync('ps', ['-o', 'state=', '-p', String(node.pid)]))
    await node.sigstop()
    expect(state()).toMatch(/^T/)
    await node.sigcont()
    expect(state()).not.toMatch(/^T/)
  })

  it('the PROXIED listeners lead through the proxies', async () => {
    const { proxies, listeners } = cluster
    expect(proxies.map(({ address }) => address)).toEqual(listeners.proxied)
    const topic = await createTopic({ brokers: listeners.proxied })
    for (const proxy of proxies) proxy.fragment(7)
    await produce(topic, [{ value: 'v' }], { brokers: listeners.proxied })
    const { messages } = await consume({ brokers: listeners.proxied }, topic, 1)
    expect(values(messages)).toEqual(['v'])
    await Promise.all(proxies.map(proxy => proxy.heal()))
  })

  it('writes nothing twice while one leader is slow and another refuses', async () => {
    const { proxies, listeners, brokers } = cluster
    const topic = await createTopic({ partitions: 3, brokers })
    const { topics } = await withAdmin(brokers, admin =>
      admin.fetchTopicMetadata({ topics: [topic] })
    )
    const [slow, refusing] = topics[0].partitions.map(row => proxies[row.leader - 1])
    slow.delay(1000)
    refusing.mutate(
      PRODUCE,
      failPartitions(() => NOT_LEADER_FOR_PARTITION),
      1
    )
    const messages = [0, 1, 2, 0, 1, 2].map(partition => ({ partition, value: 'v' }))
    await produce(topic, messages, { brokers: listeners.proxied })
    await Promise.all(proxies.map(proxy => proxy.heal()))
    expect(await logEnd(topic, brokers)).toEqual({ 0: '2', 1: '2', 2: '2' })
  })
})

describe('a broker that ends by itself', () => {
  it('fails the start, with the reason and the place of the log', async () => {
    const { message } = await startCluster({ config: { 'num.io.threads': -1 } }).catch(e => e)
    const [problem, logFile, ...log] = message.split('\n')
    expect(problem).toBe('Broker 1 did not start')
    expect(log.join('\n')).toContain('Invalid value -1 for configuration num.io.threads')
    expect(fs.readFileSync(logFile, 'utf8')).toContain('num.io.threads')
    fs.rmSync(path.join(logFile, '..', '..'), { recursive: true })
  })

  it('can be started again, and then fails nothing', async () => {
    const cluster = await startCluster()
    const [node] = cluster.nodes
    process.kill(node.pid, 'SIGKILL')
    await waitFor(() => !node.running)
    expect(node.crashed).toBe(true)
    await node.restart()
    await cluster.stop()
  })

  it('fails the stop', async () => {
    const cluster = await startCluster()
    const [{ pid, logFile }] = cluster.nodes
    process.kill(pid, 'SIGKILL')
    await waitFor(() => cluster.nodes[0].pid === 0)
    await expect(cluster.stop()).rejects.toThrow('A broker ended although nobody stopped it')
    expect(fs.existsSync(logFile)).toBe(true)
    fs.rmSync(cluster.logDir, { recursive: true })
  })
})

describe('nothing is left behind', () => {
  const START = `
    const { startCluster } = require(${JSON.stringify(__dirname)})
    startCluster().then(({ nodes, logDir }) => console.log(JSON.stringify([nodes[0].pid, logDir])))
  `
  /** @param {string[]} command that runs the rest of its arguments */
  const start = async ([command, ...args]) => {
    const parent = spawn(command, [...args, process.execPath, '-e', START], { detached: true })
    const [line] = await once(readline.createInterface({ input: parent.stdout }), 'line')
    const [pid, logDir] = JSON.parse(line)
    return { parent, pid, logDir }
  }

  it.each(/** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGKILL']))('after %s', async signal => {
    const { parent, pid, logDir } = await start(['env'])
    expect(lives(pid)).toBe(true)
    parent.kill(signal)
    await waitFor(() => !lives(pid))
    await waitFor(() => !fs.existsSync(path.join(logDir, 'broker-1', 'data')))
    fs.rmSync(logDir, { recursive: true })
  })

  it('of a frozen broker either', async () => {
    const { parent, pid, logDir } = await start(['env'])
    process.kill(pid, 'SIGSTOP')
    parent.kill('SIGKILL')
    await waitFor(() => !lives(pid))
    fs.rmSync(logDir, { recursive: true, force: true })
  })

  // Where Node says which descriptors it inherited.
  const onLinux = process.platform === 'linux' ? it : it.skip
  onLinux('no descriptor of the caller lives on in a broker', async () => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kafkars-'))
    const lock = path.join(directory, 'lock')
    const hold = `exec 9>${lock} 200>${lock}; flock 9; exec "$@"`
    const { parent, pid, logDir } = await start(['bash', '-c', hold, 'bash'])
    const descriptors = fs.readdirSync(`/proc/${pid}/fd`).map(fd => {
      try {
        return fs.readlinkSync(`/proc/${pid}/fd/${fd}`)
      } catch {
        return '' // closed in between
      }
    })
    expect(descriptors).not.toContain(lock)
    parent.kill('SIGKILL')
    await once(parent, 'exit')
    // Free at once, while supervisor and broker may still be on their way out.
    execFileSync('flock', ['--nonblock', lock, 'true'])
    fs.rmSync(directory, { recursive: true })
    await waitFor(() => !lives(pid))
    fs.rmSync(logDir, { recursive: true, force: true })
  })
})
