// @ts-check
'use strict'

/** What the engine tells of a consumer, in the words of users. */

const { healthOf, lookAt } = require('../../src/consumer/health')
const { Puller } = require('../../src/consumer/puller')

const NOW = 1_000_000

/** @param {string | null} reason @param {object} [more] @returns {any} */
const engineWait = (reason, more) =>
  reason && {
    reason,
    lasted: null,
    topic: null,
    partition: null,
    broker: null,
    error: null,
    ...more
  }

/** @param {any} wait @param {string} [topic] */
const progressing = (wait, topic = 't') => ({
  progress: { topic, partition: 1, position: '5', committed: '5', highWatermark: '9', lastStableOffset: '7' }, // prettier-ignore
  isPaused: false,
  wait
})

/** @param {object} told of the engine @param {object} [more] @returns {any} */
const runnerOf = (told, more) => ({
  groupId: 'g',
  puller: null,
  recovery: null,
  readUncommitted: false,
  engine: {
    health: () => ({
      state: 'running',
      memberId: 'm',
      generationId: 3,
      lastHeartbeat: null,
      lastProgress: 40,
      wait: null,
      partitions: [],
      ...told
    })
  },
  ...more
})

/** What one partition waits for. @param {any} wait @param {object} [more] of the runner @returns {any} */
const waitOf = (wait, more) =>
  lookAt(runnerOf({ partitions: [progressing(wait)] }, more), NOW).partitions[0].wait

it('times are those of the wall, and the lag is that of what may be read', () => {
  const runner = runnerOf({ partitions: [progressing(null)] })
  const { lastProgress, lastHeartbeat, partitions } = lookAt(runner, NOW)
  expect([lastProgress, lastHeartbeat, partitions[0].lag]).toEqual([NOW - 40, null, '2'])
  expect(lookAt({ ...runner, readUncommitted: true }, NOW).partitions[0].lag).toBe('4')
  expect(waitOf(engineWait('handler', { lasted: 70, topic: 'u', partition: 2 }))).toEqual({
    reason: 'handler',
    message: 'The handler of "u" partition 2 is at work',
    since: NOW - 70,
    topic: 'u',
    partition: 2,
    broker: null,
    error: null
  })
})

it('who pulls is no handler, and a retry topic waits for its time', () => {
  const [pulled, retried] = [
    { puller: new Puller() },
    { recovery: { levels: new Map([['t', 0]]) } }
  ]
  for (const reason of ['handler', 'taker']) {
    expect(waitOf(engineWait(reason)).reason).toBe('handler')
    expect(waitOf(engineWait(reason), pulled).reason).toBe('pull')
  }
  expect(waitOf(engineWait('back-off')).reason).toBe('back-off')
  expect(waitOf(engineWait('back-off'), retried).reason).toBe('delay')
})

it('what is set aside because nobody asks for it is not paused', () => {
  const puller = new Puller()
  puller.aside.put(/** @type {any} */ ({ pause() {} }), { topic: 't', partition: 1 })
  const told = { partitions: [{ ...progressing(engineWait('messages')), isPaused: true }] }
  const [partition] = lookAt(runnerOf(told, { puller }), NOW).partitions
  expect(partition).toMatchObject({ isPaused: false, wait: { reason: 'pull', partition: 1 } })
  puller.aside.forget([{ topic: 't', partitions: [1] }])
  const [paused] = lookAt(runnerOf(told, { puller }), NOW).partitions
  expect(paused).toMatchObject({ isPaused: true, wait: { reason: 'messages' } })
})

it('every reason has a sentence, with the names that are known', () => {
  const messageOf = (reason, more) => waitOf(engineWait(reason, more)).message
  expect(messageOf('fetch', { broker: 2, error: 'E' })).toBe(
    'Broker 2 does not give what is asked for of "t" partition 1: E'
  )
  expect(messageOf('coordinator')).toBe('The coordinator of group "g" is not known')
  expect(messageOf('coordinator', { broker: 4 })).toBe(
    'Broker 4, the coordinator of group "g", has not answered'
  )
  const rest = ['group', 'session', 'commit', 'assigner', 'hook', 'position', 'leader', 'messages']
  expect(new Set(rest.map(reason => messageOf(reason))).size).toBe(rest.length)
})

it('a consumer that does not run says how it has ended', () => {
  const lifecycle = more =>
    /** @type {any} */ ({ session: null, restart: null, groupId: '', ...more })
  const stateOf = more => healthOf(lifecycle(more), NOW).state
  expect(healthOf(lifecycle(), NOW)).toMatchObject({ state: 'stopped', groupId: null })
  expect(stateOf({ restart: { cancelled: false } })).toBe('crashed')
  expect(stateOf({ restart: { cancelled: true } })).toBe('stopped')
  expect(stateOf({ restart: { cancelled: false, timer: {} } })).toBe('restarting')
  expect(stateOf({ session: { runner: null } })).toBe('connecting')
  expect(stateOf({ session: { runner: runnerOf({}), isEnding: true } })).toBe('stopping')
})

it('who commits by no name is no member', () => {
  const told = { memberId: '', generationId: -1 }
  const session = { runner: runnerOf(told), isEnding: false }
  const health = healthOf(/** @type {any} */ ({ session, restart: null, groupId: 'g' }), NOW)
  expect(health).toMatchObject({ memberId: null, generationId: null, state: 'running' })
})
