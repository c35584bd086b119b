// @ts-check
'use strict'

/** Pending calls end where the process has other globals than Node's: jsdom, a window of Electron's. */

/** As jsdom's: it knows no `throwIfAborted`, and Node's `setMaxListeners` does not know it. */
class OtherController {
  signal = { aborted: false, addEventListener() {}, removeEventListener() {} }
  abort() {}
}

const NodeController = global.AbortController
beforeEach(() => {
  global.AbortController = /** @type {any} */ (OtherController)
  jest.resetModules()
})
afterEach(() => {
  global.AbortController = NodeController
})

it('disconnect() ends what is under way without the global AbortController', async () => {
  const { Kafka, logLevel } = require('../..')
  const kafka = new Kafka({
    brokers: () => new Promise(() => {}),
    logLevel: logLevel.NOTHING
  })
  for (const client of [kafka.consumer({ groupId: 'group' }), kafka.producer(), kafka.admin()]) {
    const connecting = client.connect().catch(error => error)
    await null
    await client.disconnect()
    expect(await connecting).toMatchObject({ name: 'KafkaJSNonRetriableError' })
  }
})

it('an abort is heard once, by all, also by those who look later', async () => {
  const { createAbort, unlessAborted } = require('../../src/utils/interruption')
  const { signal, abort } = createAbort()
  const never = () => new Promise(() => {})
  const waiting = [1, 2].map(() => unlessAborted(signal, never).catch(error => error))
  expect(await unlessAborted(signal, async () => 'done')).toBe('done')
  signal.throwIfAborted()
  const reason = new Error('over')
  abort(reason)
  abort(new Error('again'))
  expect(await Promise.all(waiting)).toEqual([reason, reason])
  expect(signal.aborted && signal.reason).toBe(reason)
  expect(() => signal.throwIfAborted()).toThrow(reason)
  await expect(unlessAborted(signal, never)).rejects.toBe(reason)
})
