'use strict'

/** What the text of an error goes on with, of what a test can hardly have: ports that others have as a rule, a disk that is full. */

const { neighbourAt, unconnected } = require('../../src/protocol/remedies')
const { createErrorFromCode } = require('../../src/protocol/error')

const refused = broker => ({
  message: `Connection error: connect ECONNREFUSED ${broker}`,
  code: 'ECONNREFUSED',
  broker
})

describe('a port that somebody else has, as a rule', () => {
  it.each([
    ['2181', 'ZooKeeper'],
    ['8081', 'a schema registry'],
    ['8083', 'Kafka Connect']
  ])('%s is that of %s', (port, name) => {
    const hint = `port ${port} is that of ${name}, as a rule: brokers have another, often 9092`
    expect(neighbourAt(`kafka.example.com:${port}`)).toBe(hint)
    expect(unconnected(refused(`127.0.0.1:${port}`))).toMatch(/nobody listens there.*; port /)
    expect(unconnected(refused(`127.0.0.1:${port}`))).toContain(hint)
  })

  it('and of all others nothing is said', () => {
    for (const broker of ['h:9092', 'h:12181', '[::2181]:9092', null, undefined]) {
      expect(neighbourAt(broker)).toBeNull()
    }
  })
})

test('an address of IPv6 is named once, in brackets', () => {
  const said = unconnected({ ...refused('[::1]:9092'), broker: '::1:9092' })
  expect(said).toBe('nobody listens there: is the port right, and is the broker up?')
  const late = unconnected({ message: 'Connection timeout', broker: '::1:9092' })
  expect(late).toMatch(/^broker \[::1\]:9092: nothing has answered/)
})

test('a disk that is full or broken', () => {
  const { message, type, retriable } = createErrorFromCode(56, { topic: 'orders', partition: 3 })
  expect({ type, retriable }).toEqual({ type: 'KAFKA_STORAGE_ERROR', retriable: true })
  expect(message).toBe(
    'Disk error when trying to access log file on the disk: the disk of the broker that leads partition 3 of topic "orders" is full or has failed, which the log of that broker says: make room there, or let another replica lead'
  )
  expect(createErrorFromCode(56).message).toBe(
    'Disk error when trying to access log file on the disk'
  )
})
