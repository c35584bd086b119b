// @ts-check
'use strict'

/** The timer of `heartbeat()`, in a process where timers are not Node's: jsdom's, those of an Electron window, a test's fake ones. */

const { setTimeout: pause } = require('node:timers/promises')
const { createCells } = require('../../src/consumer/cells')
const { Heartbeats } = require('../../src/consumer/heartbeats')

const INTERVAL = 20

it('needs none of the global timers', async () => {
  const globals = ['setTimeout', 'clearTimeout'].map(name =>
    jest.spyOn(global, /** @type {any} */ (name)).mockReturnValue(/** @type {any} */ (1))
  )
  let asked = 0
  const heartbeats = new Heartbeats(
    /** @type {any} */ ({
      engine: { heartbeat: () => asked++ },
      questions: { ask: async () => {} },
      cells: createCells(1),
      turn: { isDue: () => false },
      interval: INTERVAL,
      asked: {}
    })
  )
  try {
    heartbeats.start()
    heartbeats.seen()
    await heartbeats.heartbeat()
    expect(asked).toBe(0)
    while (!heartbeats.isDue) await pause(INTERVAL)
    await heartbeats.heartbeat()
    expect(asked).toBe(1)
  } finally {
    heartbeats.end()
    for (const spy of globals) spy.mockRestore()
  }
})
