// @ts-check
'use strict'

/** First use when its parent lets it have no more threads, and again when it may. Prints how `connect()` ends. */

const { readFile } = require('node:fs/promises')

const { Kafka, logLevel } = require('../../..')
const native = require('../../../src/native')

const kafka = new Kafka({
  brokers: [process.argv[2]],
  logLevel: logLevel.NOTHING,
  retry: { retries: 1, initialRetryTime: 1 }
})

const connect = () =>
  kafka
    .consumer({ groupId: 'g' })
    .connect()
    .then(
      () => 'connected',
      error => `${error.cause?.name} ${error.cause?.code}`
    )

/** The parent does something to this process. */
const ask = what =>
  new Promise(resolve => {
    process.once('message', resolve)
    process.send?.(what)
  })

const main = async () => {
  // Node's own threads, and the addon.
  await readFile(__filename)
  void native.NativeClient
  if (process.getuid?.() === 0) {
    process.setgid?.(65534)
    process.setuid?.(65534)
  }
  await ask('none')
  process.send?.(await connect())
  await ask('many')
  process.send?.(await connect())
  process.disconnect?.()
}

main()
