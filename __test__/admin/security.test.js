// @ts-check
'use strict'

/** ACLs, users and quotas, on a broker that holds its clients to them. */

const kafkajs = require('kafkajs')
const { createTopic, uniqueName } = require('../kafka/helpers')
const { runJavaTool } = require('../kafka/javaTool')
const {
  WITH_ACLS,
  createAdmin,
  createKafka,
  errorOf,
  eventually,
  useCluster
} = require('./support')

const {
  AclOperationTypes: { ALL, ANY, READ, WRITE, DESCRIBE },
  AclPermissionTypes: { ALLOW, DENY },
  AclResourceTypes: { TOPIC },
  ResourcePatternTypes: { LITERAL, PREFIXED, MATCH }
} = kafkajs
const SHA_256 = 1
const SHA_512 = 2

/** @type {any} */
let admin
/** @type {any} */
let observer
/** @type {import('../kafka').Cluster} */
let cluster

useCluster(
  {
    config: { ...WITH_ACLS, 'allow.everyone.if.no.acl.found': false }
  },
  started => {
    cluster = started
    const { brokers } = started
    admin = createAdmin({ brokers })
    observer = new kafkajs.Kafka({ brokers, logLevel: 0 }).admin()
  }
)

afterAll(() => observer.disconnect())

const clientOf = (username, password, mechanism = 'scram-sha-256') =>
  /** @type {any} */ (
    createKafka({
      brokers: cluster.listeners.saslSsl,
      ssl: { ca: [cluster.ca] },
      sasl: /** @type {any} */ ({ mechanism, username, password }),
      retry: { retries: 0 }
    })
  )

const rule = (topic, more = {}) => ({
  resourceType: TOPIC,
  resourceName: topic,
  resourcePatternType: LITERAL,
  principal: 'User:alice',
  host: '*',
  operation: WRITE,
  permissionType: ALLOW,
  ...more
})

const filterOf = (resourceName, more = {}) => ({
  resourceType: TOPIC,
  resourceName,
  resourcePatternType: LITERAL,
  operation: ANY,
  permissionType: 1,
  ...more
})

describe('ACLs', () => {
  it('are written, hold their user to them, and are read as kafkajs reads them', async () => {
    const topic = await createTopic({ brokers: cluster.brokers })
    const alice = clientOf('alice', cluster.users.alice).admin({ retry: { retries: 0 } })
    const asked = () => alice.fetchTopicMetadata({ topics: [topic] })
    const error = await errorOf(asked())
    expect(error).toMatchObject({ type: 'TOPIC_AUTHORIZATION_FAILED', topic })
    const acl = [
      rule(topic, { operation: DESCRIBE }),
      rule(topic, { operation: READ, host: '10.0.0.1' })
    ]
    expect(await admin.createAcls({ acl })).toBe(true)
    await eventually(asked)
    const described = await admin.describeAcls(filterOf(topic))
    expect(described).toEqual(await observer.describeAcls(filterOf(topic)))
    expect(described.resources).toHaveLength(1)
    expect(described.resources[0]).toMatchObject({
      resourceName: topic,
      resourcePatternType: LITERAL
    })
    expect(described.resources[0].acls).toHaveLength(2)
    await alice.disconnect()
  })

  it('by prefix match what is named', async () => {
    const prefix = uniqueName('prefix')
    await admin.createAcls({
      acl: [rule(prefix, { resourcePatternType: PREFIXED, permissionType: DENY })]
    })
    await eventually(async () => {
      const { resources } = await admin.describeAcls(
        filterOf(`${prefix}-x`, { resourcePatternType: MATCH })
      )
      expect(resources).toEqual([
        {
          resourceType: TOPIC,
          resourceName: prefix,
          resourcePatternType: PREFIXED,
          acls: [{ principal: 'User:alice', host: '*', operation: WRITE, permissionType: DENY }]
        }
      ])
    })
  })

  it('are deleted by filters, which say what they have deleted', async () => {
    const topic = uniqueName('topic')
    await admin.createAcls({ acl: [rule(topic), rule(topic, { operation: READ })] })
    const { filterResponses } = await admin.deleteAcls({
      filters: [filterOf(topic, { operation: READ }), filterOf(uniqueName('nothing'))]
    })
    expect(filterResponses).toEqual([
      {
        errorCode: 0,
        errorMessage: null,
        matchingAcls: [{ errorCode: 0, errorMessage: null, ...rule(topic, { operation: READ }) }]
      },
      { errorCode: 0, errorMessage: null, matchingAcls: [] }
    ])
    await eventually(async () => {
      const { resources } = await observer.describeAcls(filterOf(topic))
      expect(resources.flatMap(({ acls }) => acls)).toHaveLength(1)
    })
  })

  it('that make no sense are refused by the broker, and named', async () => {
    const wrong = rule('')
    const error = await errorOf(admin.createAcls({ acl: [wrong] }))
    expect(error).toMatchObject({ type: 'INVALID_REQUEST', acl: wrong })
    expect(error.brokerMessage).toEqual(expect.any(String))
  })

  it('are refused in the words of kafkajs', async () => {
    const right = rule('t')
    const wrong = [
      ['createAcls', { acl: 'x' }],
      ['createAcls', { acl: [] }],
      ...['principal', 'host', 'resourceName'].map(key => [
        'createAcls',
        { acl: [{ ...right, [key]: 1 }] }
      ]),
      ...['operation', 'resourcePatternType', 'permissionType', 'resourceType'].flatMap(key => [
        ['createAcls', { acl: [{ ...right, [key]: 99 }] }],
        ['describeAcls', { ...filterOf('t'), [key]: 99 }],
        ['deleteAcls', { filters: [{ ...filterOf('t'), [key]: 99 }] }]
      ]),
      ...['principal', 'host', 'resourceName'].flatMap(key => [
        ['describeAcls', { ...filterOf('t'), [key]: null }],
        ['deleteAcls', { filters: [{ ...filterOf('t'), [key]: null }] }]
      ]),
      ['deleteAcls', { filters: 'x' }],
      ['deleteAcls', { filters: [] }]
    ]
    for (const [method, options] of wrong) {
      const [ours, theirs] = await Promise.all(
        [admin, observer].map(client => errorOf(client[/** @type {any} */ (method)](options)))
      )
      expect([ours.name, ours.message]).toEqual([theirs.name, theirs.message])
    }
  })

  it('an admin client that may not is told so', async () => {
    const alice = clientOf('alice', cluster.users.alice).admin({ retry: { retries: 0 } })
    expect(await errorOf(alice.createAcls({ acl: [rule('t', { operation: ALL })] }))).toMatchObject(
      {
        type: 'CLUSTER_AUTHORIZATION_FAILED'
      }
    )
    const group = uniqueName('group')
    expect(await errorOf(alice.fetchOffsets({ groupId: group }))).toMatchObject({
      type: 'GROUP_AUTHORIZATION_FAILED',
      groupId: group
    })
    expect(await errorOf(alice.describeGroups([group]))).toMatchObject({
      type: 'GROUP_AUTHORIZATION_FAILED',
      groupId: group
    })
    expect((await errorOf(alice.deleteGroups([group]))).groups).toEqual([
      expect.objectContaining({ groupId: group, errorCode: 30 })
    ])
    await alice.disconnect()
  })
})

describe('users of SCRAM', () => {
  it.each([
    [SHA_256, 'scram-sha-256'],
    [SHA_512, 'scram-sha-512']
  ])('get passwords, log in by them, and lose them: %i', async (mechanism, name) => {
    const user = uniqueName('user')
    const password = 'pässword'
    expect(
      await admin.alterUserScramCredentials({
        upsertions: [{ user, mechanism, password, iterations: 8192 }]
      })
    ).toBeUndefined()
    await eventually(async () => {
      const { users } = await admin.describeUserScramCredentials({ users: [user] })
      expect(users).toEqual([{ user, credentials: [{ mechanism, iterations: 8192 }] }])
    })
    const logIn = async secret => {
      const client = clientOf(user, secret, name).admin({ retry: { retries: 0 } })
      try {
        await client.connect()
      } finally {
        await client.disconnect()
      }
    }
    await eventually(() => logIn(password))
    expect((await errorOf(logIn('other'))).name).toBe('KafkaJSSASLAuthenticationError')
    await admin.alterUserScramCredentials({ deletions: [{ user, mechanism }] })
    await eventually(async () => {
      const { users } = await admin.describeUserScramCredentials({ users: [user] })
      expect(users).toEqual([{ user, credentials: [] }])
    })
    const { users } = await admin.describeUserScramCredentials()
    expect(users.map(({ user: found }) => found)).toContain('alice')
  })

  it('that have nothing to lose are an error that names them', async () => {
    const user = uniqueName('user')
    const error = await errorOf(
      admin.alterUserScramCredentials({ deletions: [{ user, mechanism: SHA_256 }] })
    )
    expect([error.name, error.message]).toEqual([
      'KafkaJSAggregateError',
      'Errors altering SCRAM credentials'
    ])
    expect(error.errors).toEqual([expect.objectContaining({ type: 'RESOURCE_NOT_FOUND', user })])
  })

  it.each([
    [{ upsertions: [{ user: '', mechanism: 1, password: 'x' }] }, 'Invalid user '],
    [
      { upsertions: [{ user: 'u', mechanism: 3, password: 'x' }] },
      'Invalid SCRAM mechanism 3 of user "u"'
    ],
    [{ upsertions: [{ user: 'u', mechanism: 1, password: '' }] }, 'Invalid password of user "u"'],
    [
      { upsertions: [{ user: 'u', mechanism: 1, password: 'secret', iterations: 5 }] },
      'Invalid iterations 5 of user "u", they have to be between 4096 and 16384'
    ]
  ])('are refused without their passwords: %#', async (options, message) => {
    const error = await errorOf(admin.alterUserScramCredentials(options))
    expect([error.name, error.message]).toEqual(['KafkaJSNonRetriableError', message])
  })
})

describe('quotas', () => {
  it('are set, seen by the command-line tool, read and removed', async () => {
    const [user, clientId] = [uniqueName('user'), uniqueName('client')]
    const entity = { user, clientId }
    const values = { producer_byte_rate: 2048, request_percentage: 12.5 }
    expect(await admin.alterClientQuotas({ quotas: [{ entity, values }] })).toBeUndefined()
    await eventually(async () => {
      const { quotas } = await admin.describeClientQuotas({ entity: { user } })
      expect(quotas).toEqual([{ entity, values }])
    })
    const said = await runJavaTool('kafka.admin.ConfigCommand', [
      '--bootstrap-server',
      cluster.brokers.join(','),
      '--describe',
      '--entity-type',
      'users',
      '--entity-name',
      user,
      '--entity-type',
      'clients',
      '--entity-name',
      clientId
    ])
    expect(said).toMatch(/producer_byte_rate=2048/)
    await admin.alterClientQuotas({ quotas: [{ entity, values: { producer_byte_rate: null } }] })
    await eventually(async () => {
      const { quotas } = await admin.describeClientQuotas({ entity: { user: true, clientId } })
      expect(quotas).toEqual([{ entity, values: { request_percentage: 12.5 } }])
    })
  })

  it('have defaults, and are only checked when that is asked for', async () => {
    const entity = { user: null }
    const values = { consumer_byte_rate: 1e9 }
    await admin.alterClientQuotas({ quotas: [{ entity, values }], validateOnly: true })
    await admin.alterClientQuotas({ quotas: [{ entity, values }] })
    await eventually(async () => {
      const { quotas } = await admin.describeClientQuotas({ entity: { user: null }, strict: true })
      expect(quotas).toEqual([{ entity, values }])
    })
    await admin.alterClientQuotas({ quotas: [{ entity, values: { consumer_byte_rate: null } }] })
  })

  it('that the broker does not know are an error that names whose they are', async () => {
    const entity = { user: uniqueName('user') }
    const error = await errorOf(
      admin.alterClientQuotas({ quotas: [{ entity, values: { odd: 1 } }] })
    )
    expect(error.name).toBe('KafkaJSAggregateError')
    expect(error.errors).toEqual([expect.objectContaining({ type: 'INVALID_REQUEST', entity })])
  })
})
