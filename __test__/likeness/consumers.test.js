// @ts-check
'use strict'

/**
 * Random programs that use a consumer, on kafkajs and on kafkars: whatever they can see (messages, what calls return and throw, events,
 * log lines, what is committed in the end) has to be the same. `PROGRAMS=7-7` plays that one.
 */

const { inspect } = require('node:util')
const kafkajs = require('kafkajs')
const kafkars = require('../..')
const { SOAK } = require('../ci/soak')
const { sharedCluster, uniqueName, withAdmin } = require('../kafka/helpers')
const { play } = require('./consumers/play')
const { programOf } = require('./consumers/program')
const { fill, own, write } = require('./consumers/topics')
const { differences, isVoid } = require('./consumers/views')

const [FIRST, LAST] = (process.env.PROGRAMS ?? (SOAK ? '1-500' : '1-40')).split('-').map(Number)
/** They wait most of their time. */
const AT_ONCE = 15

/** @type {Record<string, string>} */
let topics

beforeAll(async () => {
  topics = await fill()
})

/** @param {any} library @param {number} seed */
const playOn = async (library, seed) => {
  const program = programOf(seed)
  const groupId = uniqueName('group')
  const { brokers } = sharedCluster()
  const names = { ...topics, ...(await own(program.kind)) }
  const seen = await play(library, program, { brokers, topics: names, groupId, write })
  const [{ partitions }] = await withAdmin(undefined, admin =>
    admin.fetchOffsets({ groupId, topics: [names[program.kind]] })
  )
  return [...seen, { kind: 'committed', partitions }]
}

/**
 * How the client differs from kafkajs: each time, and where kafkajs is always the same.
 * @param {number} seed
 */
const differencesOf = async seed => {
  const program = programOf(seed)
  const compare = async () => {
    const [theirs, ours] = await Promise.all([playOn(kafkajs, seed), playOn(kafkars, seed)])
    return { theirs, found: isVoid(theirs) ? [] : differences(theirs, ours, program) }
  }
  const { theirs, found } = await compare()
  if (found.length === 0) return []
  const again = await compare()
  const chance = differences(theirs, again.theirs, program).map(({ view }) => view)
  const views = again.found.map(({ view }) => view)
  return found.filter(({ view }) => views.includes(view) && !chance.includes(view))
}

/** @param {number} seed @param {{ view: string, one: string, other: string }[]} found */
const complaint = (seed, found) => {
  const program = inspect(programOf(seed), { depth: 9, breakLength: 120 })
  const views = found.map(({ view, one, other }) =>
    [view, `  kafkajs: ${one}`, `  kafkars: ${other}`].join('\n')
  )
  // Of errors, their text will do.
  return [program.replace(/\n +at .*/g, ''), ...views].join('\n')
}

it('a program sees the same', async () => {
  const seeds = Array.from({ length: LAST - FIRST + 1 }, (_, i) => FIRST + i)
  const suspects = /** @type {number[]} */ ([])
  const work = async () => {
    for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
      if ((await differencesOf(seed)).length > 0) suspects.push(seed)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  const complaints = /** @type {string[]} */ ([])
  // Once more, with no other one beside it.
  for (const seed of suspects) {
    const found = await differencesOf(seed)
    if (found.length > 0) complaints.push(complaint(seed, found))
  }
  expect(complaints.join('\n\n')).toBe('')
}, 1_200_000)
