// @ts-check
'use strict'

/** Who may be a member: its program, the protocols that it has, and what it calls the settings that all members share. */

const { execFileSync, spawn } = require('node:child_process')
const path = require('node:path')

const { startJavaMember, watchMember } = require('../kafka/member')

/** @typedef {import('../kafka/member').Member} Member */
/** @typedef {import('../kafka/member').GroupProtocol} GroupProtocol */

/**
 * @typedef {object} MemberSettings
 * @property {string[]} brokers
 * @property {string} groupId
 * @property {string} topic
 * @property {GroupProtocol} protocol
 * @property {string} assignor       of an eager group: `RoundRobin` (kafkajs's), or a name of Kafka's
 * @property {number} heartbeat      ms; by KIP-848 the coordinator says
 * @property {number} session        ms; by KIP-848 the coordinator says
 * @property {number} metadataAge    ms
 * @property {string} [instanceId]   of a static member
 */

/**
 * @typedef {object} Client
 * @property {GroupProtocol[]} protocols
 * @property {string[]} assignors  for eager groups: `RoundRobin` is kafkajs's own
 * @property {boolean} commands   knows `join` and `slow`; else a member joins when it starts
 * @property {(settings: MemberSettings) => Promise<Member>} start
 */

const kafkajsApi = (/** @type {string} */ client) => (/** @type {MemberSettings} */ settings) => {
  const { brokers, groupId, topic, protocol, assignor, instanceId } = settings
  const ways = {
    eager: { partitionAssigners: [assignor] },
    cooperative: { partitionAssigners: ['cooperative-sticky'] },
    consumer: { groupProtocol: 'consumer' }
  }
  const options = {
    client,
    topic,
    kafka: { brokers, clientId: client, connectionTimeout: 10_000 },
    consumer: {
      groupId,
      ...(client !== 'kafkajs' && ways[protocol]),
      ...(instanceId && { groupInstanceId: instanceId }),
      ...(protocol !== 'consumer' && {
        sessionTimeout: settings.session,
        heartbeatInterval: settings.heartbeat
      }),
      rebalanceTimeout: REBALANCE,
      metadataMaxAge: settings.metadataAge,
      retry: { initialRetryTime: 50, retries: 10 }
    }
  }
  const program = path.join(__dirname, 'member.js')
  return watchMember(spawn(process.execPath, [program, JSON.stringify(options)]), client)
}

/** @param {MemberSettings} settings */
const java = ({ protocol, assignor, heartbeat, session, metadataAge, ...settings }) =>
  startJavaMember({
    ...settings,
    protocol,
    ...(protocol === 'eager' && { assignor }),
    config: {
      'metadata.max.age.ms': metadataAge,
      ...(protocol !== 'consumer' && {
        'session.timeout.ms': session,
        'heartbeat.interval.ms': heartbeat
      })
    }
  })

/** @param {MemberSettings} settings */
const librdkafka = settings => {
  const { brokers, groupId, topic, protocol, assignor, instanceId } = settings
  const classic = {
    'partition.assignment.strategy': protocol === 'cooperative' ? 'cooperative-sticky' : assignor,
    'session.timeout.ms': settings.session,
    'heartbeat.interval.ms': settings.heartbeat
  }
  const config = {
    'bootstrap.servers': brokers.join(','),
    'group.id': groupId,
    'auto.offset.reset': 'earliest',
    'auto.commit.interval.ms': 100,
    'topic.metadata.refresh.interval.ms': settings.metadataAge,
    ...(instanceId && { 'group.instance.id': instanceId }),
    ...(protocol === 'consumer' ? { 'group.protocol': 'consumer' } : classic)
  }
  const args = [path.join(__dirname, 'member.py'), JSON.stringify({ config, topic })]
  return watchMember(spawn(PYTHON, args), 'librdkafka')
}

/** What keeps librdkafka from being a member here. @returns {string | undefined} */
const librdkafkaIsMissing = () => {
  try {
    execFileSync(PYTHON, ['-c', 'import confluent_kafka'], { stdio: 'ignore' })
    return undefined
  } catch {
    return `librdkafka: ${PYTHON} has no confluent_kafka (pip install confluent-kafka)`
  }
}

const { PYTHON = 'python3' } = process.env

/** How long a rebalance may wait for a member, ms: for the slowest handler. */
const REBALANCE = 30_000

/** @type {GroupProtocol[]} */
const PROTOCOLS = ['eager', 'cooperative', 'consumer']

/** @type {Record<string, Client>} */
const CLIENTS = {
  kafkars: {
    protocols: PROTOCOLS,
    assignors: ['RoundRobin', 'range'],
    commands: true,
    start: kafkajsApi('kafkars')
  },
  kafkajs: {
    protocols: ['eager'],
    assignors: ['RoundRobin'],
    commands: true,
    start: kafkajsApi('kafkajs')
  },
  java: { protocols: PROTOCOLS, assignors: ['range'], commands: false, start: java },
  librdkafka: { protocols: PROTOCOLS, assignors: ['range'], commands: true, start: librdkafka }
}

/** The first assignor that all of them have. @param {string[]} clients @returns {string | undefined} */
const commonAssignor = ([first, ...others]) =>
  CLIENTS[first].assignors.find(name =>
    others.every(client => CLIENTS[client].assignors.includes(name))
  )

module.exports = { CLIENTS, PROTOCOLS, commonAssignor, librdkafkaIsMissing }
