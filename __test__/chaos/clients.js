'use strict'

/** What all processes of a chaos run are alike in, whatever they do with their messages. */

/** By KIP-848 the coordinator says the same. */
const TIMES = { sessionTimeout: 6000, heartbeatInterval: 500 }
/** What of the options makes a member of the group by this protocol. */
const PROTOCOLS = {
  eager: TIMES,
  cooperative: { ...TIMES, partitionAssigners: ['CooperativeSticky'] },
  consumer: { groupProtocol: 'consumer' }
}

/**
 * @param {any} library
 * @param {{ brokers: string[], clientId: string, logCreator: any }} options
 */
const createKafka = ({ Kafka, logLevel }, options) =>
  new Kafka({ requestTimeout: 3000, logLevel: logLevel.WARN, ...options })

/** Of a member of this group. @param {string} groupId @param {keyof typeof PROTOCOLS} protocol */
const consumerOptions = (groupId, protocol) => ({
  groupId,
  ...PROTOCOLS[protocol],
  rebalanceTimeout: 8000,
  metadataMaxAge: 5000,
  retry: { initialRetryTime: 50, maxRetryTime: 1000, retries: 5 }
})

module.exports = { consumerOptions, createKafka }
