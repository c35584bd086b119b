// @ts-check
'use strict'

/**
 * First use with so many free file descriptors, and again with all that a process needs. Prints how `connect()` ends; nobody
 * listens where it connects to.
 */

const fs = require('node:fs')

const { Kafka, logLevel } = require('../../..')

const free = Number(process.argv[2])
const kafka = new Kafka({
  brokers: ['127.0.0.1:1'],
  logLevel: logLevel.NOTHING,
  retry: { retries: 1, initialRetryTime: 1 }
})

const connect = () => {
  const consumer = kafka.consumer({ groupId: 'g' })
  return consumer.connect().then(
    () => console.log('connected'),
    error => console.log(error.name, error.cause?.name, error.cause?.code)
  )
}

const taken = /** @type {number[]} */ ([])
const takeAll = () => {
  for (;;) {
    try {
      taken.push(fs.openSync('/dev/null', 'r'))
    } catch {
      return
    }
  }
}

const main = async () => {
  takeAll()
  for (const descriptor of taken.splice(0, free)) fs.closeSync(descriptor)
  await connect()
  for (const descriptor of taken.splice(0)) fs.closeSync(descriptor)
  await connect()
}

main()
