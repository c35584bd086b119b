// @ts-check
'use strict'

/**
 * An admin client of a large cluster: three brokers that the test plays, 10,000 topics, 1,000 groups. What is asked of all of them is one
 * round of requests, and nothing of it stays in memory.
 */

const { fork } = require('node:child_process')
const { once } = require('node:events')
const net = require('node:net')
const path = require('node:path')
const { Kafka, logLevel } = require('../..')
const { Reader, Writer, framed, readRequest } = require('../kafka/protocol')

const TOPICS = Array.from({ length: 10_000 }, (_, i) => `a-topic-with-a-usual-name-${i}`)
const GROUPS = Array.from({ length: 1000 }, (_, i) => `a-group-with-a-usual-name-${i}`)
const NODES = [1, 2, 3]

/** Group i is coordinated, topic i led by this node. @param {number} i */
const nodeOf = i => NODES[i % NODES.length]

const [METADATA, FIND_COORDINATOR, DESCRIBE_GROUPS, LIST_GROUPS, API_VERSIONS] = [3, 10, 15, 16, 18]

/** The only version of each that these brokers speak. */
const VERSIONS = {
  [METADATA]: 5,
  [FIND_COORDINATOR]: 4,
  [DESCRIBE_GROUPS]: 4,
  [LIST_GROUPS]: 2,
  [API_VERSIONS]: 0
}

/** @type {net.Server[]} */
let servers
/** @type {import('../..').Admin} */
let admin
/** What the brokers were asked: node and API. @type {string[]} */
let asked = []

const portOf = node => /** @type {net.AddressInfo} */ (servers[node - 1].address()).port

/** Of one partition each. */
const writeTopics = () => {
  const out = new Writer(false)
  out.array(TOPICS, topic => {
    const leader = nodeOf(Number(topic.split('-').pop()))
    out.int16(0)
    out.string(topic)
    out.int8(0)
    out.array([0], partition => {
      out.int16(0)
      out.int32(partition)
      out.int32(leader)
      out.array([leader], node => out.int32(node), false)
      out.array([leader], node => out.int32(node), false)
      out.array([], () => {}, false)
    })
  })
  return out.bytes()
}

/** @type {Buffer | undefined} */
let topicsWritten
const allTopics = () => (topicsWritten ??= writeTopics())

/** By API. @type {Record<number, (out: Writer, node: number, request: import('../kafka/protocol').Request) => void>} */
const ANSWERS = {
  [API_VERSIONS]: out => {
    out.int16(0)
    out.array(Object.entries(VERSIONS), ([key, version]) => {
      out.int16(Number(key))
      out.int16(version)
      out.int16(version)
    })
  },
  [METADATA]: (out, _, request) => {
    const count = new Reader(request).int32()
    out.int32(0)
    out.array(NODES, node => {
      out.int32(node)
      out.string('127.0.0.1')
      out.int32(portOf(node))
      out.string(null)
    })
    out.string('large')
    out.int32(1)
    // None named: all of them.
    if (count === -1) out.raw(allTopics())
    else out.int32(0)
  },
  [FIND_COORDINATOR]: (out, _, request) => {
    const read = new Reader(request)
    read.int8()
    const keys = read.array(() => read.string(), false)
    out.int32(0)
    out.array(keys, key => {
      const node = nodeOf(GROUPS.indexOf(key))
      out.string(key)
      out.int32(node)
      out.string('127.0.0.1')
      out.int32(portOf(node))
      out.int16(0)
      out.string(null)
    })
  },
  [DESCRIBE_GROUPS]: (out, _, request) => {
    const read = new Reader(request)
    const groups = read.array(() => read.string(), false)
    out.int32(0)
    out.array(groups, group => {
      out.int16(0)
      out.string(group)
      for (const text of ['Empty', 'consumer', 'range']) out.string(text)
      out.array([], () => {})
      out.int32(-(2 ** 31))
    })
  },
  [LIST_GROUPS]: (out, node) => {
    out.int32(0)
    out.int16(0)
    out.array(
      GROUPS.filter((_, i) => nodeOf(i) === node),
      group => {
        out.string(group)
        out.string('consumer')
      }
    )
  }
}

/** @param {number} node @param {Buffer} frame */
const answer = (node, frame) => {
  const request = readRequest(frame)
  const { key, version, correlationId } = request
  const isFlexible = key === FIND_COORDINATOR
  const out = new Writer(isFlexible)
  out.int32(correlationId)
  if (isFlexible) out.tags()
  if (key === API_VERSIONS && version > 0) {
    // UNSUPPORTED_VERSION, and which one is.
    out.int16(35)
    out.array([0], () => [API_VERSIONS, 0, 0].forEach(value => out.int16(value)))
    return framed(out.bytes())
  }
  if (key !== API_VERSIONS) asked.push(`${node} ${key}`)
  ANSWERS[key](out, node, request)
  out.tags()
  return framed(out.bytes())
}

/** @param {number} node */
const broker = node =>
  net.createServer(socket => {
    let rest = Buffer.alloc(0)
    socket.on('error', () => {})
    socket.on('data', chunk => {
      rest = Buffer.concat([rest, chunk])
      while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
        const end = 4 + rest.readInt32BE(0)
        socket.write(answer(node, rest.subarray(4, end)))
        rest = rest.subarray(end)
      }
    })
  })

beforeAll(async () => {
  servers = NODES.map(broker)
  await Promise.all(servers.map(server => once(server.listen(0, '127.0.0.1'), 'listening')))
  const brokers = [`127.0.0.1:${portOf(1)}`]
  admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
})

afterAll(async () => {
  await admin.disconnect()
  for (const server of servers) server.close()
})

/** What a call has asked, without the node where any would do. @param {() => Promise<any>} call */
const requestsOf = async call => {
  asked = []
  const answered = await call()
  const any = [METADATA, FIND_COORDINATOR]
  const requests = asked.map(one => {
    const [node, key] = one.split(' ').map(Number)
    return any.includes(key) ? `any ${key}` : `${node} ${key}`
  })
  return { answered, requests: requests.sort() }
}

const ofAll = key => NODES.map(node => `${node} ${key}`)

it('10,000 topics are listed by one request', async () => {
  const { answered, requests } = await requestsOf(() => admin.listTopics())
  expect(answered).toEqual(TOPICS)
  expect(requests).toEqual([`any ${METADATA}`])
})

it('10,000 topics are described by one request', async () => {
  const { answered, requests } = await requestsOf(() => admin.fetchTopicMetadata())
  expect(answered.topics.map(({ name }) => name)).toEqual(TOPICS)
  expect(requests).toEqual([`any ${METADATA}`])
})

it('1,000 groups are listed by one request to each broker', async () => {
  const { answered, requests } = await requestsOf(() => admin.listGroups())
  expect(answered.groups.map(({ groupId }) => groupId).sort()).toEqual([...GROUPS].sort())
  expect(requests).toEqual([...ofAll(LIST_GROUPS), `any ${METADATA}`].sort())
})

it('1,000 groups are described by one request to each coordinator, whom one request has found', async () => {
  const { answered, requests } = await requestsOf(() => admin.describeGroups(GROUPS))
  expect(answered.groups.map(({ groupId, state }) => [groupId, state])).toEqual(
    GROUPS.map(group => [group, 'Empty'])
  )
  expect(requests).toEqual([...ofAll(DESCRIBE_GROUPS), `any ${FIND_COORDINATOR}`].sort())
})

it('nothing of it stays', async () => {
  const program = path.join(__dirname, 'programs/large.js')
  // V8 keeps the room that young objects have had; that of Node 24 dozens of megabytes.
  const execArgv = ['--expose-gc', '--max-semi-space-size=1']
  const child = fork(program, [`127.0.0.1:${portOf(1)}`, ...GROUPS], { execArgv })
  const [[grown], [code]] = await Promise.all([once(child, 'message'), once(child, 'exit')])
  expect(code).toBe(0)
  // An answer about all topics is a megabyte.
  expect(grown).toBeLessThan(32 * 2 ** 20)
})
