// @ts-check
'use strict'

/** Brokers that refuse what they are asked, and brokers that talk nonsense. The proxy answers in their place. */

const { family, longBlock } = require('../ci/soak')
const { committed, createTopic, produce } = require('../kafka/helpers')
const { API, framed, respond } = require('../kafka/protocol')
const {
  createKafka,
  distinct,
  numbered,
  startConsumer,
  upTo,
  useCluster,
  waitFor
} = require('./support')

const PARTITIONS = 2
const COUNT = 20

/** @type {import('../kafka').Cluster} */
let cluster
/** @type {import('../kafka/proxy').Proxy} */
let proxy
/** @type {string} with messages, for those that only read */
let topic

const fill = (name, count, first = 0) =>
  produce(name, numbered(count, { partitions: PARTITIONS, first }), { brokers: cluster.brokers })

const newTopic = async () => {
  const name = await createTopic({ partitions: PARTITIONS, brokers: cluster.brokers })
  await fill(name, COUNT)
  return name
}

useCluster({ proxied: true }, async own => {
  cluster = own
  proxy = cluster.proxies[0]
  topic = await newTopic()
})

/** @param {Partial<Parameters<typeof startConsumer>[0]>} [options] */
const start = options =>
  startConsumer({
    topics: [topic],
    kafka: createKafka({ brokers: cluster.listeners.proxied, requestTimeout: 10_000 }),
    // The group waits that long for a member that we do not know of any more: the one that we were.
    rebalanceTimeout: 3000,
    ...options
  })

/** Answers so many requests with a fault; tells how many it has answered. */
const refuse = (apiKey, fault, times = 2) => {
  const state = { refused: 0 }
  proxy.answer(
    apiKey,
    request => {
      state.refused++
      return respond(request, fault)
    },
    times
  )
  return state
}

const crashOf = async seen => {
  await waitFor(() => seen.of('CRASH').length > 0)
  return seen.of('CRASH')[0]
}

const expectAll = async ({ messages, seen }, count = COUNT) => {
  await waitFor(() => distinct(messages).length >= count)
  expect(distinct(messages)).toEqual(upTo(count))
  expect(seen.of('CRASH')).toEqual([])
}

/** @type {(names: [string, number][]) => [string, number][]} */
const codes = names => names

const AT_THE_START = codes([
  ['COORDINATOR_LOAD_IN_PROGRESS', 14],
  ['COORDINATOR_NOT_AVAILABLE', 15],
  ['NOT_COORDINATOR', 16]
])

describe.each([
  [
    'JoinGroup',
    API.JoinGroup,
    codes([
      ...AT_THE_START,
      ['UNKNOWN_MEMBER_ID', 25],
      ['REBALANCE_IN_PROGRESS', 27],
      ['GROUP_ID_NOT_FOUND', 69]
    ])
  ],
  [
    'SyncGroup',
    API.SyncGroup,
    codes([
      ...AT_THE_START,
      ['ILLEGAL_GENERATION', 22],
      ['INCONSISTENT_GROUP_PROTOCOL', 23],
      ['UNKNOWN_MEMBER_ID', 25],
      ['REBALANCE_IN_PROGRESS', 27]
    ])
  ],
  ['OffsetFetch', API.OffsetFetch, codes([...AT_THE_START, ['UNSTABLE_OFFSET_COMMIT', 88]])],
  [
    'FindCoordinator',
    API.FindCoordinator,
    codes([
      ['COORDINATOR_LOAD_IN_PROGRESS', 14],
      ['COORDINATOR_NOT_AVAILABLE', 15]
    ])
  ],
  [
    'ListOffsets',
    API.ListOffsets,
    codes([
      ['UNKNOWN_TOPIC_OR_PARTITION', 3],
      ['NOT_LEADER_OR_FOLLOWER', 6],
      ['FENCED_LEADER_EPOCH', 74],
      ['OFFSET_NOT_AVAILABLE', 78]
    ])
  ],
  [
    'Fetch',
    API.Fetch,
    codes([
      ['OFFSET_OUT_OF_RANGE', 1],
      ['CORRUPT_MESSAGE', 2],
      ['UNKNOWN_TOPIC_OR_PARTITION', 3],
      ['LEADER_NOT_AVAILABLE', 5],
      ['NOT_LEADER_OR_FOLLOWER', 6],
      ['REPLICA_NOT_AVAILABLE', 9],
      ['KAFKA_STORAGE_ERROR', 56],
      ['FENCED_LEADER_EPOCH', 74],
      ['UNKNOWN_LEADER_EPOCH', 75],
      ['OFFSET_NOT_AVAILABLE', 78],
      ['UNKNOWN_TOPIC_ID', 100],
      ['THROTTLING_QUOTA_EXCEEDED', 89],
      ['INCONSISTENT_TOPIC_ID', 103]
    ])
  ]
])('%s that is refused for a while', (_, apiKey, refusals) => {
  // Each request with the first, the middle and the last of its codes.
  const isAmongThree = name =>
    [0, refusals.length >> 1, refusals.length - 1].some(at => refusals[at][0] === name)
  family(refusals, isAmongThree)(
    'with %s (%i) is none of the user’s business',
    async (name, error) => {
      const state = refuse(apiKey, { error })
      await expectAll(await start())
      expect(state.refused).toBe(2)
    }
  )
})

describe('JoinGroup', () => {
  it('that is answered MEMBER_ID_REQUIRED over and over is repeated', async () => {
    const state = refuse(API.JoinGroup, { error: 79, memberId: 'somebody' }, 4)
    await expectAll(await start())
    expect(state.refused).toBe(4)
  })
})

describe('OffsetFetch', () => {
  it.each(AT_THE_START)('refused as a whole with %s (%i) is repeated', async (_, whole) => {
    const state = refuse(API.OffsetFetch, { whole })
    await expectAll(await start())
    expect(state.refused).toBe(2)
  })
})

describe('Fetch', () => {
  it.each([
    ['FETCH_SESSION_ID_NOT_FOUND', 70],
    ['INVALID_FETCH_SESSION_EPOCH', 71],
    ['FETCH_SESSION_TOPIC_ID_ERROR', 106],
    ['UNKNOWN_SERVER_ERROR', -1]
  ])('refused as a whole with %s (%i) is repeated', async (_, whole) => {
    const state = refuse(API.Fetch, { whole })
    await expectAll(await start())
    expect(state.refused).toBe(2)
  })

  it('sent to a leader of old does not go there', async () => {
    refuse(API.Fetch, { error: 6, leader: [77, 0] }, 1)
    await expectAll(await start())
  })

  it.each([
    ['a node that is nowhere', 77],
    ['a node that does not know of it', 1]
  ])('sent to %s by an epoch far ahead comes back', async (_, node) => {
    refuse(API.Fetch, { error: 6, leader: [node, 1000] }, 1)
    await expectAll(await start())
  })

  it('refused for one partition does not keep the others', async () => {
    refuse(API.Fetch, { error: partition => (partition === 0 ? 6 : 0) }, 5)
    await expectAll(await start())
  })
})

describe('Metadata', () => {
  it.each([
    ['UNKNOWN_TOPIC_OR_PARTITION', 3],
    ['LEADER_NOT_AVAILABLE', 5]
  ])('with %s (%i) is read again', async (_, error) => {
    const [host, port] = proxy.address.split(':')
    refuse(API.Metadata, { error, brokers: [{ id: 1, host, port: Number(port) }] })
    await expectAll(await start())
  })

  it('refused as a whole with REBOOTSTRAP_REQUIRED (129) is asked of the seeds', async () => {
    const name = await newTopic()
    let asked = 0
    const brokers = () => {
      asked++
      return cluster.listeners.proxied
    }
    const test = await start({ topics: [name], kafka: createKafka({ brokers }) })
    await expectAll(test)
    const before = asked
    const state = refuse(API.Metadata, { whole: 129 }, 2)
    refuse(API.Fetch, { whole: -1 }, 1)
    await waitFor(() => state.refused === 2)
    await fill(name, 10, COUNT)
    await expectAll(test, COUNT + 10)
    expect(asked).toBeGreaterThan(before)
    expect(test.seen.of('GROUP_JOIN')).toHaveLength(1)
  })
})

describe('a heartbeat', () => {
  it.each([
    ['COORDINATOR_LOAD_IN_PROGRESS', 14],
    ['COORDINATOR_NOT_AVAILABLE', 15],
    ['NOT_COORDINATOR', 16]
  ])('with %s (%i) is sent again, and nobody rejoins', async (_, error) => {
    const name = await newTopic()
    const test = await start({ topics: [name] })
    await expectAll(test)
    const state = refuse(API.Heartbeat, { error })
    await waitFor(() => state.refused === 2)
    await fill(name, 10, COUNT)
    await expectAll(test, COUNT + 10)
    const beats = test.seen.of('HEARTBEAT').length
    await waitFor(() => test.seen.of('HEARTBEAT').length > beats)
    expect(test.seen.of('GROUP_JOIN')).toHaveLength(1)
  })

  it.each([
    ['ILLEGAL_GENERATION', 22],
    ['UNKNOWN_MEMBER_ID', 25],
    ['REBALANCE_IN_PROGRESS', 27]
  ])('with %s (%i) makes the member join again', async (_, error) => {
    const name = await newTopic()
    const test = await start({ topics: [name] })
    await expectAll(test)
    refuse(API.Heartbeat, { error }, 1)
    await waitFor(() => test.seen.of('GROUP_JOIN').length === 2)
    await fill(name, 10, COUNT)
    await expectAll(test, COUNT + 10)
  })
})

describe('OffsetCommit', () => {
  const REFUSALS = codes([
    ['UNKNOWN_TOPIC_OR_PARTITION', 3],
    ['REQUEST_TIMED_OUT', 7],
    ['COORDINATOR_LOAD_IN_PROGRESS', 14],
    ['COORDINATOR_NOT_AVAILABLE', 15],
    ['NOT_COORDINATOR', 16],
    ['ILLEGAL_GENERATION', 22],
    ['UNKNOWN_MEMBER_ID', 25],
    ['REBALANCE_IN_PROGRESS', 27],
    ['GROUP_ID_NOT_FOUND', 69]
  ])

  it.each(REFUSALS)('refused for a while with %s (%i) comes through', async (_, error) => {
    const state = refuse(API.OffsetCommit, { error })
    const test = await start()
    await expectAll(test)
    await waitFor(() => state.refused === 2)
    await expectCommitted(test.groupId)
    expect(test.seen.of('CRASH')).toEqual([])
  })

  it('refused for one partition is repeated for that one', async () => {
    refuse(API.OffsetCommit, { error: partition => (partition === 0 ? 14 : 0) }, 1)
    const test = await start()
    await expectAll(test)
    await waitFor(async () => (await committed(test.groupId, topic, cluster.brokers))[0] === '10')
  })

  it.each([
    ['OFFSET_METADATA_TOO_LARGE', 12],
    ['INVALID_COMMIT_OFFSET_SIZE', 28],
    ['TOPIC_AUTHORIZATION_FAILED', 29],
    ['GROUP_AUTHORIZATION_FAILED', 30]
  ])('refused with %s (%i) is told to who asked for it', async (type, error) => {
    const { consumer, seen } = await start({ run: { autoCommit: false, eachMessage } })
    refuse(API.OffsetCommit, { error }, 1)
    const offsets = [{ topic, partition: 0, offset: '3' }]
    await expect(consumer.commitOffsets(offsets)).rejects.toMatchObject({
      name: 'KafkaJSNonRetriableError',
      cause: { name: 'KafkaJSProtocolError', type, code: error }
    })
    await consumer.commitOffsets(offsets)
    expect(seen.of('CRASH')).toEqual([])
  })

  it.each([
    ['ILLEGAL_GENERATION', 22],
    ['UNKNOWN_MEMBER_ID', 25],
    ['REBALANCE_IN_PROGRESS', 27]
  ])('with %s (%i) is told to who asked for it', async (type, error) => {
    const { consumer } = await start({ run: { autoCommit: false, eachMessage } })
    refuse(API.OffsetCommit, { error }, 1)
    const offsets = [{ topic, partition: 0, offset: '3' }]
    await expect(consumer.commitOffsets(offsets)).rejects.toMatchObject({
      name: 'KafkaJSNonRetriableError',
      cause: { name: 'KafkaJSProtocolError', type, code: error }
    })
  })

  it('by a coordinator that does not know the group is of a generation that it does not know', async () => {
    const { consumer, seen } = await start({ run: { autoCommit: false, eachMessage } })
    refuse(API.OffsetCommit, { error: 69 }, 1)
    const offsets = [{ topic, partition: 0, offset: '3' }]
    await expect(consumer.commitOffsets(offsets)).rejects.toMatchObject({
      cause: { type: 'ILLEGAL_GENERATION' }
    })
    expect(seen.of('CRASH')).toEqual([])
  })

  const eachMessage = async () => {}

  const expectCommitted = groupId =>
    waitFor(async () => {
      const offsets = Object.values(await committed(groupId, topic, cluster.brokers))
      return offsets.length === PARTITIONS && offsets.every(o => o === String(COUNT / PARTITIONS))
    })
})

describe('a refusal for good', () => {
  const CASES = /** @type {[string, number, string, number, number?][]} */ ([
    ['JoinGroup', API.JoinGroup, 'INCONSISTENT_GROUP_PROTOCOL', 23],
    ['JoinGroup', API.JoinGroup, 'INVALID_SESSION_TIMEOUT', 26],
    ['JoinGroup', API.JoinGroup, 'GROUP_AUTHORIZATION_FAILED', 30],
    ['JoinGroup', API.JoinGroup, 'GROUP_MAX_SIZE_REACHED', 81],
    ['JoinGroup', API.JoinGroup, 'FENCED_INSTANCE_ID', 82],
    ['SyncGroup', API.SyncGroup, 'GROUP_AUTHORIZATION_FAILED', 30],
    ['SyncGroup', API.SyncGroup, 'FENCED_INSTANCE_ID', 82],
    ['Heartbeat', API.Heartbeat, 'FENCED_INSTANCE_ID', 82],
    ['Heartbeat', API.Heartbeat, 'GROUP_AUTHORIZATION_FAILED', 30],
    ['OffsetCommit', API.OffsetCommit, 'OFFSET_METADATA_TOO_LARGE', 12],
    ['OffsetCommit', API.OffsetCommit, 'TOPIC_AUTHORIZATION_FAILED', 29],
    ['OffsetFetch', API.OffsetFetch, 'GROUP_AUTHORIZATION_FAILED', 30],
    ['OffsetFetch', API.OffsetFetch, 'TOPIC_AUTHORIZATION_FAILED', 29],
    ['OffsetFetch', API.OffsetFetch, 'UNSUPPORTED_VERSION', 35],
    ['ListOffsets', API.ListOffsets, 'TOPIC_AUTHORIZATION_FAILED', 29],
    ['ListOffsets', API.ListOffsets, 'UNSUPPORTED_FOR_MESSAGE_FORMAT', 43],
    ['Fetch', API.Fetch, 'TOPIC_AUTHORIZATION_FAILED', 29],
    ['Fetch', API.Fetch, 'UNSUPPORTED_COMPRESSION_TYPE', 76],
    ['Fetch', API.Fetch, 'INVALID_RECORD', 87],
    ['Fetch', API.Fetch, 'KAFKAJS_UNKNOWN_ERROR_CODE', 9999],
    ['JoinGroup', API.JoinGroup, 'KAFKAJS_UNKNOWN_ERROR_CODE', 9999]
  ])

  // The first code of each request.
  const isFirst = (api, _, type) => CASES.find(each => each[0] === api)?.[2] === type
  family(CASES, isFirst)(
    '%s (%i): %s (%i) is a crash without a restart',
    async (_, apiKey, type, error) => {
      refuse(apiKey, { error }, Infinity)
      const { seen } = await start()
      const crash = await crashOf(seen)
      const joined = apiKey !== API.JoinGroup && apiKey !== API.SyncGroup
      expectRefusal(crash, type, { joined })
      expect(seen.of('CRASH')).toHaveLength(1)
    }
  )

  it.each([
    ['JoinGroup', API.JoinGroup],
    ['SyncGroup', API.SyncGroup]
  ])('of a later %s (%i) is one as well', async (_, apiKey) => {
    const test = await start()
    await expectAll(test)
    refuse(apiKey, { error: 30 }, Infinity)
    refuse(API.Heartbeat, { error: 27 }, 1)
    const crash = await crashOf(test.seen)
    expectRefusal(crash, 'GROUP_AUTHORIZATION_FAILED', { joined: true })
  })

  // Not before it has gone on for half a minute: a broker that goes down closes, too.
  longBlock('at which the broker closes each time', () => {
    it.each([
      ['GroupCoordinator', API.FindCoordinator],
      ['JoinGroup', API.JoinGroup],
      ['Fetch', API.Fetch]
    ])('%s (%i) is a crash that names it', async (name, apiKey) => {
      proxy.answer(apiKey, () => void proxy.cut())
      const { seen } = await start()
      const { error, restart } = await crashOf(seen)
      expect(restart).toBe(false)
      expect(error.message).toMatch(
        RegExp(
          `^127\\.0\\.0\\.1:\\d+ closes the connection at each ${name} request, \\d+ times in 3\\d s: its log says why$`
        )
      )
      expect(seen.of('CRASH')).toHaveLength(1)
    })
  })

  /** As in kafkajs: as it is before the first join, wrapped after it. */
  const expectRefusal = ({ error, restart }, type, { joined }) => {
    expect(restart).toBe(false)
    const cause = joined ? error.cause : error
    expect(cause).toMatchObject({ name: 'KafkaJSProtocolError', type, retriable: false })
    expect(error).toMatchObject({
      name: joined ? 'KafkaJSNonRetriableError' : 'KafkaJSProtocolError',
      message: cause.message,
      retriable: false
    })
  }

  it('of FindCoordinator is a crash that says why', async () => {
    refuse(API.FindCoordinator, { error: 30 }, Infinity)
    const { seen } = await start()
    const { error, restart } = await crashOf(seen)
    expect(restart).toBe(false)
    expect(error).toMatchObject({
      name: 'KafkaJSGroupCoordinatorNotFound',
      cause: { type: 'GROUP_AUTHORIZATION_FAILED' }
    })
  })

  it('that may change (CORRUPT_MESSAGE) is a crash with a restart', async () => {
    refuse(API.Fetch, { error: 2 }, Infinity)
    const test = await start()
    const { error, restart } = await crashOf(test.seen)
    expect(restart).toBe(true)
    expect(error).toMatchObject({
      name: 'KafkaJSNumberOfRetriesExceeded',
      cause: { type: 'CORRUPT_MESSAGE' }
    })
    proxy.heal()
    await waitFor(() => distinct(test.messages).length >= COUNT)
  })
})

describe('a broker that talks nonsense', () => {
  const echo = ({ correlationId }) => {
    const id = Buffer.alloc(4)
    id.writeInt32BE(correlationId)
    return id
  }
  const NONSENSE = /** @type {[string, import('../kafka/proxy').Answer][]} */ ([
    ['no body', request => framed(echo(request))],
    ['counts that cannot be', r => framed(Buffer.concat([echo(r), Buffer.alloc(60, 0xff)]))],
    ['counts out of reach', r => framed(Buffer.concat([echo(r), Buffer.alloc(60, 0x7f)]))],
    ['half an answer', r => framed(respond(r, { error: 0 }).subarray(4, -3))],
    ['somebody else’s answer', r => respond({ ...r, correlationId: r.correlationId + 7 })],
    ['a frame of 2 GB', () => Buffer.from([0x7f, 0xff, 0xff, 0xff, 1, 2, 3, 4])],
    ['a negative length', () => Buffer.from([0xff, 0xff, 0xff, 0xf0, 1, 2, 3, 4])],
    ['another protocol', () => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')]
  ])
  const APIS = /** @type {[string, number][]} */ ([
    ['FindCoordinator', API.FindCoordinator],
    ['JoinGroup', API.JoinGroup],
    ['SyncGroup', API.SyncGroup],
    ['OffsetFetch', API.OffsetFetch],
    ['ListOffsets', API.ListOffsets],
    ['Fetch', API.Fetch]
  ])

  describe.each(APIS)('in %s', (api, apiKey) => {
    // Each nonsense in one request, two or one of them in each.
    const isItsTurn = what =>
      NONSENSE.findIndex(each => each[0] === what) % APIS.length ===
      APIS.findIndex(each => each[0] === api)
    family(NONSENSE, isItsTurn)('(%s) is left, and the consumer goes on', async (_what, answer) => {
      const state = { given: 0 }
      const nonsense = request => {
        state.given++
        return answer(request)
      }
      proxy.answer(apiKey, nonsense, 2)
      await expectAll(await start())
      expect(state.given).toBe(2)
    })
  })

  const ofTheCounts = what => what.startsWith('counts')
  family(NONSENSE, ofTheCounts)(
    'in Metadata (%s) is left, and the consumer goes on',
    async (_what, answer) => {
      const name = await newTopic()
      const test = await start({ topics: [name] })
      proxy.answer(API.Metadata, answer, 2)
      proxy.answer(API.Fetch, request => respond(request, { error: 6 }), 2)
      proxy.cut()
      await fill(name, 10, COUNT)
      await expectAll(test, COUNT + 10)
    }
  )

  family(NONSENSE, ofTheCounts)(
    'in Heartbeat and OffsetCommit (%s) is left',
    async (_what, answer) => {
      const name = await newTopic()
      const test = await start({ topics: [name] })
      await expectAll(test)
      proxy.answer(API.Heartbeat, answer, 2)
      proxy.answer(API.OffsetCommit, answer, 2)
      await fill(name, 10, COUNT)
      await expectAll(test, COUNT + 10)
      await waitFor(async () => {
        const offsets = Object.values(await committed(test.groupId, name, cluster.brokers))
        return offsets.every(offset => offset === String((COUNT + 10) / PARTITIONS))
      })
      expect(test.seen.of('CRASH')).toEqual([])
    }
  )
})
