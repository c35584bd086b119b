// @ts-check
'use strict'

/** Programs of random calls, the same for both libraries: a seed decides. */

const { random: createRandom } = require('../../chaos/random')
const parts = require('./parts')
const { fresh, list, lit, lits, named, object } = parts

/** @typedef {import('./parts').Part} Part */
/**
 * @typedef {object} Step
 * @property {string} text as a program would write it
 * @property {string} method
 * @property {(world: import('./world').World) => any} run
 *
 * @typedef {object} Program
 * @property {'producer' | 'admin'} client
 * @property {Part} options of the client
 * @property {Step[]} steps
 */

/** How many of the parts are odd. */
const ODDITY = 0.25

/** @param {number} seed */
const createDice = seed => {
  const random = createRandom(seed)
  const { chance, pick, between } = random
  return {
    ...random,
    /** @param {import('./parts').Pool} pool */
    from: pool => pick(chance(ODDITY) ? pool.odd : pool.good),
    /** @template T @param {number} probability @param {() => T} part */
    maybe: (probability, part) => (chance(probability) ? part() : undefined),
    /** @param {() => Part} part @param {number} [probability] */
    or: (part, probability = ODDITY * 0.2) => (chance(probability) ? pick(parts.WRONG) : part()),
    /** @param {number} low @param {number} high @param {() => Part} part */
    some: (low, high, part) => list(Array.from({ length: between(low, high) }, part))
  }
}

/** @typedef {ReturnType<typeof createDice>} Dice */

/** @param {'producer' | 'admin'} on @param {string} method @param {Part[]} args @returns {Step} */
const call = (on, method, ...args) => ({
  text: `${on}.${method}(${args.map(({ text }) => text).join(', ')})`,
  method,
  run: world => world.call(world.client, method, args)
})

const RETRY = fresh('{ initialRetryTime: 10, retries: 2 }', () => ({
  initialRetryTime: 10,
  retries: 2
}))

/** Without a key and a partition, chance decides where a message goes. @param {Dice} dice @param {boolean} isOfThree */
const message = (dice, isOfThree) => {
  const { chance, from, maybe, or, pick } = dice
  return or(
    () =>
      object({
        key: maybe(0.4, () => from(parts.KEYS)),
        value: chance(0.05 * ODDITY) ? undefined : from(parts.VALUES),
        headers: maybe(0.3, () => from(parts.HEADERS)),
        timestamp: maybe(0.3, () => from(parts.TIMESTAMPS)),
        partition: isOfThree
          ? pick(parts.PARTITIONS.good)
          : maybe(0.1, () => pick([lit(0), ...parts.PARTITIONS.odd]))
      }),
    0.02
  )
}

/** @param {Dice} dice */
const topicMessages = dice => {
  const { chance, from, or, pick, some } = dice
  const topic = chance(0.85) ? pick(parts.TOPICS.good) : from(parts.TOPICS)
  const isOfThree = topic.text === '<three>'
  return {
    topic,
    messages: or(() => some(chance(0.1) ? 0 : 1, 3, () => message(dice, isOfThree)))
  }
}

/** @param {Dice} dice */
const terms = ({ maybe, from }) => ({
  acks: maybe(0.3, () => from(parts.ACKS)),
  timeout: maybe(0.2, () => from(parts.TIMEOUTS)),
  compression: maybe(0.3, () => from(parts.COMPRESSIONS))
})

/** @param {Dice} dice */
const record = dice => dice.or(() => object({ ...topicMessages(dice), ...terms(dice) }), 0.03)

/** @param {Dice} dice */
const batch = dice => {
  const { chance, or, some } = dice
  const entry = () => or(() => object(topicMessages(dice)), 0.03)
  return or(
    () =>
      object({
        topicMessages: or(() => some(chance(0.15) ? 0 : 1, 3, entry), 0.03),
        ...terms(dice)
      }),
    0.03
  )
}

const NO_LISTENER = [fresh('() => {}', () => () => {}), ...parts.WRONG]

/** @param {Dice} dice @param {'producer' | 'admin'} client */
const on = ({ pick }, client) =>
  call(
    client,
    'on',
    pick([...parts.WRONG, ...lits(`${client}.connect`, 'consumer.connect', 'CONNECT')]),
    pick(NO_LISTENER)
  )

/** @returns {Step} */
const sendWhileItEnds = () => ({
  text: 'producer.disconnect(), and a send() before it is over',
  method: 'send',
  run: async ({ client, name }) => {
    const end = client.disconnect()
    const late = { topic: name('one'), messages: [{ value: 'late' }] }
    return client.send(late).finally(() => end)
  }
})

/** Sends, and what is around them. @param {number} seed @returns {Program} */
const producerProgram = seed => {
  const dice = createDice(seed)
  const { between, below, chance, maybe, pick } = dice
  const steps = chance(0.9) ? [call('producer', 'connect')] : []
  for (let left = between(3, 8); left > 0; left--) {
    const roll = below(100)
    if (roll < 60) steps.push(call('producer', 'send', record(dice)))
    else if (roll < 90) steps.push(call('producer', 'sendBatch', batch(dice)))
    else if (roll < 92) steps.push(call('producer', 'disconnect'))
    else if (roll < 94) steps.push(call('producer', 'connect'))
    else if (roll < 95) steps.push(call('producer', 'transaction'))
    else if (roll < 96) steps.push(call('producer', 'isIdempotent'))
    else if (roll < 97) steps.push(sendWhileItEnds())
    else steps.push(on(dice, 'producer'))
  }
  const options = object({ idempotent: maybe(0.2, () => pick(lits(true, false))), retry: RETRY })
  return { client: 'producer', options, steps }
}

/** @param {Dice} dice */
const offsets = dice => {
  const { chance, from, maybe, or, pick, some } = dice
  const entry = () =>
    object({
      partition: pick([...parts.PARTITIONS.good, lit(undefined), lit(-1)]),
      offset: from(parts.OFFSETS),
      metadata: maybe(0.3, () => pick(lits('m', null, '', undefined)))
    })
  const topic = () => object({ topic: named('three'), partitions: or(() => some(0, 2, entry)) })
  return or(() =>
    object({
      consumerGroupId: chance(0.05) ? undefined : named('group'),
      topics: chance(0.05) ? undefined : or(() => some(0, 2, topic))
    })
  )
}

/** Transactions, in any order. @param {number} seed @returns {Program} */
const transactionProgram = seed => {
  const dice = createDice(seed)
  const { below, between, chance, maybe, pick } = dice
  let last = 0
  const begin = () => {
    const slot = last++
    return {
      text: `t${slot} = await producer.transaction()`,
      method: 'transaction',
      run: async world => {
        world.transactions[slot] = await world.client.transaction()
        return Object.keys(world.transactions[slot]).sort()
      }
    }
  }
  const of = (/** @type {string} */ method, /** @type {Part[]} */ ...args) => {
    const slot = chance(0.85) ? last - 1 : below(last)
    return {
      text: `t${slot}.${method}(${args.map(({ text }) => text).join(', ')})`,
      method,
      run: world => {
        const transaction = world.transactions[slot]
        return transaction ? world.call(transaction, method, args) : 'none'
      }
    }
  }
  const steps = [call('producer', 'connect'), begin()]
  for (let left = between(4, 10); left > 0; left--) {
    const roll = below(100)
    if (roll < 22) steps.push(begin())
    else if (roll < 45) steps.push(of('send', record(dice)))
    else if (roll < 52) steps.push(of('sendBatch', batch(dice)))
    else if (roll < 68) steps.push(of('commit'))
    else if (roll < 82) steps.push(of('abort'))
    else if (roll < 92) steps.push(of('sendOffsets', offsets(dice)))
    else if (roll < 95) steps.push(of('isActive'))
    else if (roll < 98) steps.push(call('producer', 'send', record(dice)))
    else steps.push(call('producer', 'connect'))
  }
  const options = object({
    transactionalId: chance(0.95) ? named('tx') : pick(lits('', null, 0)),
    idempotent: maybe(0.3, () => pick(lits(true, false))),
    maxInFlightRequests: maybe(0.3, () => lit(1)),
    retry: RETRY
  })
  return { client: 'producer', options, steps }
}

module.exports = { call, createDice, on, producerProgram, RETRY, transactionProgram }
