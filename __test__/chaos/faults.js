// @ts-check
'use strict'

/**
 * What can go wrong, with brokers, links and members. Each ends with everything well again, as far as the fault is concerned: only one broker at a time is
 * away for good, so that what is acknowledged stands on two others.
 */

const { setTimeout: pause } = require('node:timers/promises')

const { API, framed, respond } = require('../kafka/protocol')
const { PRODUCE, failPartitions } = require('../kafka/produced')
const { damaged, stale } = require('./changes')

/**
 * @typedef {object} World
 * @property {import('../kafka').Cluster} cluster
 * @property {import('./members').Members} members
 * @property {ReturnType<typeof import('./random').random>} rng
 * @property {Codes} codes
 * @property {() => Promise<number>} leader       of some partition: a broker's id
 * @property {(of?: 'transactions') => Promise<number>} coordinator  of the group, or of a transactional id
 * @property {() => Promise<void>} grow           one more partition
 * @property {(partition: number) => Promise<void>} [moveLeader]
 * @property {(rate: number | null) => Promise<void>} [quota]  bytes in a second that producers may send; null: no quota
 */

/** Errors, by API, that clients get over without anybody's help. @typedef {[key: number, codes: number[]][]} Codes */

/** @param {World} world @param {number} id */
const node = ({ cluster }, id) =>
  /** @type {import('../kafka/node').BrokerNode} */ (cluster.nodes.find(each => each.id === id))

/** @param {World} world @param {number} id */
const killed = async (world, id) => {
  await node(world, id).kill9()
  await pause(world.rng.between(500, 8000))
  await node(world, id).restart()
}

/** @param {World} world @param {number} id */
const frozen = async (world, id) => {
  await node(world, id).sigstop()
  await pause(world.rng.between(2000, 15_000))
  await node(world, id).sigcont()
}

/** @param {World} world @param {(proxy: import('../kafka/proxy').Proxy) => void} misbehave @param {number} longest ms */
const onSomeLinks = async ({ cluster, rng }, misbehave, longest) => {
  const all = rng.chance(0.4)
  for (const proxy of all ? cluster.proxies : [rng.pick(cluster.proxies)]) misbehave(proxy)
  await pause(rng.between(500, longest))
  for (const proxy of cluster.proxies) await proxy.heal()
}

/** Of a group. @type {Codes} */
const CODES = [
  [API.JoinGroup, [14, 15, 16, 25, 27]],
  [API.SyncGroup, [15, 16, 22, 25, 27]],
  [API.Heartbeat, [14, 15, 16, 22, 25, 27]],
  [API.OffsetCommit, [3, 7, 14, 15, 16, 22, 25, 27]],
  [API.OffsetFetch, [14, 15, 16, 88]],
  [API.FindCoordinator, [14, 15]],
  [API.ListOffsets, [3, 5, 6, 74, 75, 78]],
  [API.Fetch, [3, 5, 6, 9, 56, 74, 75, 78, 100, 103]]
]

/** Of what is written. @type {Codes} */
const PRODUCE_CODES = [
  [API.Produce, [3, 5, 6, 7, 13, 19, 20, 56, 74, 75, 89, 100]],
  [API.InitProducerId, [7, 14, 15, 16, 51]]
]

/** Of transactions: 120 says that only an abort helps. @type {Codes} */
const TRANSACTION_CODES = [
  [API.AddPartitionsToTxn, [3, 14, 15, 16, 51, 120]],
  [API.AddOffsetsToTxn, [14, 15, 16, 51, 120]],
  [API.TxnOffsetCommit, [3, 7, 14, 15, 16, 22, 25, 27, 120]],
  [API.EndTxn, [14, 15, 16, 51, 120]]
]

/** @param {import('../kafka/protocol').Request} request */
const echo = ({ correlationId }) => {
  const id = Buffer.alloc(4)
  id.writeInt32BE(correlationId)
  return id
}

/** What no broker says. @type {((request: import('../kafka/protocol').Request) => Buffer)[]} */
const NONSENSE = [
  request => framed(echo(request)),
  request => framed(Buffer.concat([echo(request), Buffer.alloc(60, 0xff)])),
  request => framed(Buffer.concat([echo(request), Buffer.alloc(60, 0x7f)])),
  () => framed(Buffer.alloc(20, 1)),
  () => Buffer.from([0x7f, 0xff, 0xff, 0xff, 1, 2, 3, 4]),
  () => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')
]

/** @typedef {Record<string, (world: World) => Promise<any>>} Faults */

/** @type {Faults} */
const BROKERS = {
  'a broker is killed': world => killed(world, world.rng.between(1, 3)),
  'a leader is killed': async world => killed(world, await world.leader()),
  'the coordinator is killed': async world => killed(world, await world.coordinator()),
  'a broker freezes': world => frozen(world, world.rng.between(1, 3)),
  'the coordinator freezes': async world => frozen(world, await world.coordinator()),
  'all brokers freeze': async ({ cluster, rng }) => {
    for (const each of cluster.nodes) await each.sigstop()
    await pause(rng.between(1000, 8000))
    for (const each of cluster.nodes) await each.sigcont()
  },
  'the brokers restart one by one': async ({ cluster }) => {
    for (const each of cluster.nodes) await each.restart()
  },
  'the topic grows': world => world.grow()
}

/** @type {Faults} */
const LINKS = {
  'connections are cut': async ({ cluster, rng }) => {
    for (let times = rng.between(1, 8); times > 0; times--) {
      const reset = rng.chance(0.5)
      for (const proxy of cluster.proxies) proxy.cut({ after: rng.below(20_000), reset })
      await pause(rng.below(700))
    }
    for (const proxy of cluster.proxies) await proxy.heal()
  },
  'links stall': world => onSomeLinks(world, proxy => proxy.stall(), 9000),
  'answers stall': world => onSomeLinks(world, proxy => proxy.stall('toClient'), 9000),
  'links are slow': world =>
    onSomeLinks(world, proxy => proxy.delay(world.rng.between(20, 300)), 6000),
  'links give a byte at a time': world => onSomeLinks(world, proxy => proxy.fragment(1), 4000),
  'links refuse': world =>
    onSomeLinks(
      world,
      proxy => {
        proxy.refuse()
        proxy.cut()
      },
      6000
    ),
  'brokers answer with errors': async world => {
    const [key, codes] = world.rng.pick(world.codes)
    const error = world.rng.pick(codes)
    const times = world.rng.between(1, 30)
    await onSomeLinks(world, proxy => proxy.answer(key, r => respond(r, { error }), times), 5000)
  },
  'records are damaged on the way': async world => {
    const change = damaged(world.rng)
    await onSomeLinks(
      world,
      proxy => proxy.mutate(API.Fetch, change, world.rng.between(1, 5)),
      5000
    )
  },
  'brokers have old metadata': world =>
    onSomeLinks(world, proxy => proxy.mutate(API.Metadata, stale()), 8000),
  'brokers talk nonsense': async world => {
    const [key] = world.rng.pick(world.codes)
    const nonsense = world.rng.pick(NONSENSE)
    await onSomeLinks(world, proxy => proxy.answer(key, nonsense, world.rng.between(1, 5)), 4000)
  }
}

/** Of what is on its way from those who write. @type {Faults} */
const WRITES = {
  'requests are cut': async ({ cluster, rng }) => {
    for (let times = rng.between(1, 8); times > 0; times--) {
      for (const proxy of cluster.proxies) {
        proxy.cut({ after: rng.below(20_000), reset: rng.chance(0.5), direction: 'toBroker' })
      }
      await pause(rng.below(700))
    }
    for (const proxy of cluster.proxies) await proxy.heal()
  },
  'what is written is refused': async world => {
    const error = world.rng.pick([7, 20])
    const change = failPartitions(() => error)
    const times = world.rng.between(1, 10)
    await onSomeLinks(world, proxy => proxy.mutate(PRODUCE, change, times), 5000)
  }
}

/** @type {Faults} */
const MEMBERS = {
  'a member joins': async ({ members }) => (members.size < 5 ? members.join() : members.leave()),
  'a member leaves': async ({ members }) => (members.size > 2 ? members.leave() : members.join()),
  'a member is killed': async ({ members }) => {
    members.kill()
    await pause(500)
    members.join()
  },
  // Its session is six seconds long.
  'a member freezes': async ({ members, rng }) => members.freeze(rng.between(500, 12_000))
}

/** What is put to the test: its members' own faults, and those of others that there are beside them. */

const CONSUMERS = {
  members: {
    ...MEMBERS,
    'a member pauses': async ({ members }) => members.command('pause'),
    'a member seeks': async ({ members }) => members.command('seek')
  }
}

/** Of `transformer.js`. */
const TRANSFORMERS = {
  members: {
    ...MEMBERS,
    // The coordinator ends the transaction of the first one for the second.
    'a member freezes and is replaced': async ({ members, rng }) =>
      members.size < 5
        ? members.replace(rng.between(500, 12_000))
        : members.freeze(rng.between(500, 12_000))
  },
  brokers: {
    'the coordinator of transactions is killed': async world =>
      killed(world, await world.coordinator('transactions')),
    'the coordinator of transactions freezes': async world =>
      frozen(world, await world.coordinator('transactions'))
  },
  links: WRITES
}

/** Of `writer.js`. */
const WRITERS = {
  members: {
    'a program is killed': async ({ members }) => {
      members.kill()
      members.join()
    },
    'a program is told to end': async ({ members }) => {
      members.join()
      await members.leave('SIGTERM')
    },
    'a program freezes': async ({ members, rng }) => members.freeze(rng.between(500, 12_000)),
    'an event loop is blocked': async ({ members }) => members.command('block')
  },
  brokers: {
    'a leader moves': ({ rng, moveLeader }) => moveLeader?.(rng.below(12)),
    'there is a quota': async ({ rng, quota }) => {
      await quota?.(rng.between(2000, 30_000))
      await pause(rng.between(1000, 8000))
      await quota?.(null)
    }
  },
  links: WRITES
}

/**
 * @typedef {object} Lane
 * @property {Faults} faults               one after the other
 * @property {[number, number]} rest       between two of them, ms
 */

/** Side by side. @param {{ members: Faults, brokers?: Faults, links?: Faults }} own @returns {Lane[]} */
const lanesOf = ({ members, brokers, links }) => [
  { faults: { ...BROKERS, ...brokers }, rest: [500, 3000] },
  { faults: { ...LINKS, ...links }, rest: [500, 4000] },
  { faults: members, rest: [1000, 8000] }
]

module.exports = {
  CODES,
  CONSUMERS,
  PRODUCE_CODES,
  TRANSACTION_CODES,
  TRANSFORMERS,
  WRITERS,
  lanesOf
}
