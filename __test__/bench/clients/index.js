'use strict'

/**
 * The clients there are: one file each. To add one, write its file, name it here and, when it comes
 * from a registry, add it to package.json in the folder above.
 */

/**
 * @typedef {object} ConsumeOptions
 * @property {string[]} brokers
 * @property {string} groupId a group that does not exist yet: read from the beginning
 * @property {string} topic
 * @property {string} api `eachMessage` (a callback per message), `eachBatch` (one for many), or one that a client has more
 * @property {(message: any) => void} handle called with every message: `{ key, value, headers }`
 * @property {() => void} endOfBatch called at the end of every callback with many messages
 */

/**
 * @typedef {object} Client
 * @property {string} manifest its package.json, from the folder above
 * @property {(codec: string) => Promise<any>} load the library; its time is not counted
 * @property {string[]} [more] what it has besides these, see `COMPARED` in `report.js`
 * @property {(library: any, options: ConsumeOptions) => Promise<() => Promise<void>>} consume
 *   connects, subscribes, starts; auto-commit as the library has it by default. Answers `disconnect`
 */

const CLIENTS = ['kafkars', 'kafkajs', 'kafkats']

module.exports = { CLIENTS }
