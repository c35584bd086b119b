'use strict'

/** Whether a handler is told from everybody else, however its functions came about. */

const { setTimeout: pause } = require('node:timers/promises')
const Handlers = require('../../src/consumer/handlers')

/** What TypeScript makes of an async function for a target before ES2017. */
const compiled =
  generator =>
  (...args) =>
    new Promise((resolve, reject) => {
      const steps = generator(...args)
      const adopt = value => (value instanceof Promise ? value : Promise.resolve(value))
      const step = ({ done, value }) => (done ? resolve(value) : adopt(value).then(go, fail))
      const go = value => {
        try {
          step(steps.next(value))
        } catch (e) {
          reject(e)
        }
      }
      const fail = error => {
        try {
          step(steps.throw(error))
        } catch (e) {
          reject(e)
        }
      }
      go(undefined)
    })

/** Runs the handler as a lane does, and somebody else beside it; both ask. */
const ask = async create => {
  let handlers = /** @type {any} */ (null)
  const answers = []
  const handler = create(() => answers.push(handlers.areCalling()))
  handlers = new Handlers(handler)
  const outside = async () => {
    await pause(5)
    return handlers.areCalling()
  }
  const other = outside()
  await handlers.named(async () => {
    await handler({})
  })()
  return { inside: answers, outside: [await other, await outside()] }
}

const HANDLERS = {
  'an async function': areCalling => async () => {
    areCalling()
    await pause(1)
    areCalling()
  },
  'an async function that is bound': areCalling =>
    async function () {
      areCalling()
      await pause(1)
      areCalling()
    }.bind(null),
  'a function that calls one': areCalling => {
    const handle = async () => {
      areCalling()
      await pause(1)
      areCalling()
    }
    return payload => handle(payload)
  },
  'a function compiled to a generator': areCalling =>
    compiled(function* () {
      areCalling()
      yield pause(1)
      areCalling()
    }),
  'a function with a promise of its own making': areCalling => () =>
    new Promise(resolve => {
      areCalling()
      setTimeout(() => resolve(areCalling()), 1)
    })
}

describe.each(Object.entries(HANDLERS))('%s', (_, create) => {
  it('is known, behind an await too; and nobody else is taken for it', async () => {
    expect(await ask(create)).toEqual({ inside: [true, true], outside: [false, false] })
  })

  it('is known where the program leaves frames out of its stacks', async () => {
    const before = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace')
    const prepareStackTrace = error => String(error)
    Error.prepareStackTrace = prepareStackTrace
    const known = await ask(create)
    expect(Error.prepareStackTrace).toBe(prepareStackTrace)
    if (before) Object.defineProperty(Error, 'prepareStackTrace', before)
    else delete Error.prepareStackTrace
    expect(known).toEqual({ inside: [true, true], outside: [false, false] })
  })
})

it('asking leaves Error as it was', async () => {
  const before = Object.getOwnPropertyDescriptors(Error)
  new Handlers(async () => {}).areCalling()
  expect(Object.getOwnPropertyDescriptors(Error)).toEqual(before)
})
