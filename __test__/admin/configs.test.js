// @ts-check
'use strict'

/** Configs are read, replaced and changed. */

const { createTopic, uniqueName } = require('../kafka/helpers')
const { createAdmin, createObserver, errorOf, eventually } = require('./support')

const TOPIC = 2
const BROKER = 4
const BROKER_LOGGER = 8
const DELETE = 1
const APPEND = 2
const SUBTRACT = 3

const admin = createAdmin()
const observer = createObserver()

/** What kafkajs sees that is set on the topic itself. */
const configsOf = async topic => {
  const { resources } = await observer.describeConfigs({
    resources: [{ type: TOPIC, name: topic }],
    includeSynonyms: false
  })
  const own = resources[0].configEntries.filter(({ isDefault }) => !isDefault)
  return Object.fromEntries(own.map(({ configName, configValue }) => [configName, configValue]))
}

const entries = configs => Object.entries(configs).map(([name, value]) => ({ name, value }))

describe('describeConfigs()', () => {
  it('tells of topics and brokers what kafkajs tells', async () => {
    const name = await createTopic({ config: { 'retention.ms': '12345' } })
    const asked = {
      resources: [
        { type: TOPIC, name, configNames: ['retention.ms', 'cleanup.policy'] },
        { type: BROKER, name: '1' }
      ],
      includeSynonyms: true
    }
    const [ours, theirs] = [
      await admin.describeConfigs(asked),
      await observer.describeConfigs(asked)
    ]
    expect(ours.resources).toEqual(theirs.resources)
    const [{ configEntries }] = ours.resources
    expect(configEntries).toContainEqual({
      configName: 'retention.ms',
      configValue: '12345',
      readOnly: false,
      isDefault: false,
      configSource: 1,
      isSensitive: false,
      configSynonyms: expect.arrayContaining([
        { configName: 'retention.ms', configValue: '12345', configSource: 1 }
      ])
    })
  })

  it('tells all configs when no names are given, of loggers too', async () => {
    const name = await createTopic()
    const { resources } = await admin.describeConfigs({
      resources: [
        { type: TOPIC, name, configNames: [] },
        { type: BROKER_LOGGER, name: '1' }
      ]
    })
    expect(resources.map(({ resourceType }) => resourceType)).toEqual([TOPIC, BROKER_LOGGER])
    for (const { configEntries } of resources) expect(configEntries.length).toBeGreaterThan(10)
  })

  it('tells what a config is for', async () => {
    const name = await createTopic()
    const { resources } = await admin.describeConfigs({
      resources: [{ type: TOPIC, name, configNames: ['retention.ms'] }],
      includeDocumentation: true
    })
    const [{ documentation, configType }] = resources[0].configEntries
    expect(documentation).toMatch(/retention/)
    expect(configType).toBe(5)
  })

  it('rejects with the error of a topic that does not exist', async () => {
    const resources = [{ type: TOPIC, name: uniqueName('nope') }]
    const error = await errorOf(admin.describeConfigs({ resources }))
    expect([error.name, error.type]).toEqual(['KafkaJSProtocolError', 'UNKNOWN_TOPIC_OR_PARTITION'])
  })

  it('tells a resource that is named twice twice, each time what was asked for', async () => {
    const topic = await createTopic()
    const named = name => ({ type: TOPIC, name: topic, configNames: [name] })
    const { resources } = await admin.describeConfigs({
      resources: [named('retention.ms'), named('cleanup.policy')]
    })
    expect(resources.map(({ configEntries }) => configEntries[0].configName)).toEqual([
      'retention.ms',
      'cleanup.policy'
    ])
  })

  it.each(['99', 'kafka-1'])('rejects with a broker that does not exist: %s', async name => {
    const resource = { type: BROKER, name, configEntries: [] }
    for (const asked of [
      admin.describeConfigs({ resources: [resource] }),
      admin.alterConfigs({ resources: [resource] })
    ]) {
      const error = await errorOf(asked)
      expect([error.name, error.message]).toEqual([
        'KafkaJSBrokerNotFound',
        `Broker ${name} not found in the cached metadata`
      ])
    }
  })

  it.each([
    [{ resources: 'a' }, 'Invalid resources array a'],
    [{ resources: [] }, 'Resources array cannot be empty'],
    [
      { resources: [{ type: 1999, name: 'a' }] },
      'Invalid resource type 1999: {"type":1999,"name":"a"}'
    ],
    [
      { resources: [{ type: 2, name: null }] },
      'Invalid resource name null: {"type":2,"name":null}'
    ],
    [{ resources: [{ type: 2, name: '' }] }, 'Invalid resource name : {"type":2,"name":""}'],
    [
      { resources: [{ type: 2, name: 'a', configNames: 123 }] },
      'Invalid resource configNames 123: {"type":2,"name":"a","configNames":123}'
    ]
  ])('refuses %j', async (options, message) => {
    const error = await errorOf(admin.describeConfigs(options))
    expect([error.name, error.message]).toEqual(['KafkaJSNonRetriableError', message])
  })
})

describe('alterConfigs()', () => {
  it('replaces all that a topic is configured to', async () => {
    const name = await createTopic({ config: { 'retention.ms': '1', 'cleanup.policy': 'compact' } })
    const configEntries = entries({ 'cleanup.policy': 'delete', 'segment.bytes': '2000000' })
    const altered = await admin.alterConfigs({ resources: [{ type: TOPIC, name, configEntries }] })
    expect(altered).toEqual({
      resources: [{ errorCode: 0, errorMessage: null, resourceType: TOPIC, resourceName: name }]
    })
    await eventually(async () => {
      const configs = await configsOf(name)
      expect(configs).toMatchObject({ 'cleanup.policy': 'delete', 'segment.bytes': '2000000' })
      expect(configs).not.toHaveProperty(['retention.ms'])
    })
  })

  it('changes nothing when it only validates, or when it is refused', async () => {
    const name = await createTopic({ config: { 'retention.ms': '1' } })
    const of = value => [{ type: TOPIC, name, configEntries: entries({ 'retention.ms': value }) }]
    await admin.alterConfigs({ validateOnly: true, resources: of('2') })
    const error = await errorOf(admin.alterConfigs({ resources: of('x') }))
    expect([error.name, error.type]).toEqual(['KafkaJSProtocolError', 'INVALID_CONFIG'])
    expect(await configsOf(name)).toMatchObject({ 'retention.ms': '1' })
  })

  it('names the topic, and has the words of the broker', async () => {
    const name = await createTopic()
    const resources = [{ type: TOPIC, name, configEntries: entries({ 'retention.ms': 'x' }) }]
    const error = await errorOf(admin.alterConfigs({ resources }))
    expect([error.topic, error.message]).toEqual([name, 'Configuration is invalid'])
    expect(error.brokerMessage).toMatch(/retention\.ms/)
  })

  it('refuses a resource that is named twice, which no broker answers', async () => {
    const name = await createTopic()
    const of = value => ({ type: TOPIC, name, configEntries: entries({ 'retention.ms': value }) })
    const resources = [of('1000'), of('2000')]
    for (const method of ['alterConfigs', 'incrementalAlterConfigs']) {
      const error = await errorOf(admin[method]({ resources }))
      expect([error.name, error.message]).toEqual([
        'KafkaJSNonRetriableError',
        `Invalid resources array, it cannot have multiple entries for the same resource: ${JSON.stringify(resources[1])}`
      ])
    }
  })

  it.each([
    [
      { resources: [{ type: 2, name: 'a', configEntries: 123 }] },
      'Invalid resource configEntries 123: {"type":2,"name":"a","configEntries":123}'
    ],
    [
      { resources: [{ type: 2, name: 'a', configEntries: [{ name: 'b', value: 1 }] }] },
      'Invalid resource config value: {"type":2,"name":"a","configEntries":[{"name":"b","value":1}]}'
    ]
  ])('refuses %j', async (options, message) => {
    const error = await errorOf(admin.alterConfigs(options))
    expect([error.name, error.message]).toEqual(['KafkaJSNonRetriableError', message])
  })
})

describe('incrementalAlterConfigs()', () => {
  it('changes what is named, and nothing else', async () => {
    const name = await createTopic({
      config: { 'retention.ms': '1', 'segment.bytes': '2000000', 'cleanup.policy': 'delete' }
    })
    const change = configEntries =>
      admin.incrementalAlterConfigs({ resources: [{ type: TOPIC, name, configEntries }] })
    await change([
      { name: 'max.message.bytes', value: '1000' },
      { name: 'retention.ms', operation: DELETE },
      { name: 'cleanup.policy', value: 'compact', operation: APPEND }
    ])
    await eventually(async () => {
      const configs = await configsOf(name)
      expect(configs).toMatchObject({
        'max.message.bytes': '1000',
        'segment.bytes': '2000000',
        'cleanup.policy': 'delete,compact'
      })
      expect(configs).not.toHaveProperty(['retention.ms'])
    })
    await change([{ name: 'cleanup.policy', value: 'delete', operation: SUBTRACT }])
    await eventually(async () => {
      expect(await configsOf(name)).toMatchObject({ 'cleanup.policy': 'compact' })
    })
  })

  it('refuses an operation that there is not, by name', async () => {
    const configEntries = [{ name: 'a', value: 'b', operation: 9 }]
    const resources = [{ type: TOPIC, name: 'a', configEntries }]
    const error = await errorOf(admin.incrementalAlterConfigs({ resources }))
    expect(error.message).toMatch(/^Invalid config operation 9: /)
  })
})
