'use strict'

/** Work that a wake-up begins ahead of a turn's immediates keeps the event loop no longer than any other. */

const { setImmediate } = require('node:timers')
const { Turn } = require('../../src/consumer/turn')

const immediates = async (/** @type {number} */ count) => {
  for (let i = 0; i < count; i++) await new Promise(resolve => setImmediate(resolve))
}

const createTurn = () => new Turn(() => {})

/** In the phase in which sockets and the engine are heard. */
const inPoll = (/** @type {() => any} */ work) =>
  new Promise((resolve, reject) => {
    require('node:fs').stat(__filename, () => {
      try {
        resolve(work())
      } catch (error) {
        reject(error)
      }
    })
  })

it('begins once ahead of the immediates', async () => {
  const turn = createTurn()
  expect(await inPoll(() => [turn.beginEarly(), turn.beginEarly()])).toEqual([true, false])
  await immediates(2)
  expect(await inPoll(() => turn.beginEarly())).toBe(true)
})

it('not ahead of lanes that wait for theirs', async () => {
  const turn = createTurn()
  const begun = await inPoll(() => {
    turn.next()
    return turn.beginEarly()
  })
  expect(begun).toBe(false)
})

it.each([
  ['the next turn, when it began early', true, ['immediate', 'lane', 'of the next turn']],
  ['the immediates of this turn, when it did not', false, ['lane', 'immediate', 'of the next turn']]
])('lanes wait for %s', async (_, isEarly, order) => {
  const turn = createTurn()
  /** @type {string[]} */
  const seen = []
  const over = await inPoll(() => {
    if (isEarly) turn.beginEarly()
    const lane = turn.next().then(() => seen.push('lane'))
    setImmediate(() => {
      seen.push('immediate')
      setImmediate(() => seen.push('of the next turn'))
    })
    return { lane }
  })
  await over.lane
  await immediates(2)
  expect(seen).toEqual(order)
})
