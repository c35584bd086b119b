// @ts-check
'use strict'

const native = require('../native')

/**
 * The clients of one `Kafka`, as far as they know each other: what one finds out about the cluster the others hear (in the engine), and
 * what a transaction commits is also that of the consumers of the group that run.
 *
 * @typedef {{ groupId: string, generationId: number, memberId: string, groupInstanceId: string | null }} GroupMetadata
 * @typedef {object} Member
 * @property {(offset: { topic: string, partition: number, offset: string }) => void} markCommitted
 * @property {(offset: { topic: string, partition: number, offset: string }) => number | null} epochBefore the leader epoch of the message
 *   before this offset (KIP-320); null: it does not know
 * @property {(topics: { topic: string, partitions: { partition: number }[] }[]) => GroupMetadata | null} metadataFor null: it is no
 *   member, or does not have all of these
 * @property {(topics: { topic: string, partitions: { partition: number }[] }[]) => GroupMetadata} metadata the same; throws instead
 * @property {(topic: string, partition: any) => boolean} hadOnce has it, or had it once?
 */
class Members {
  constructor() {
    /** @type {Map<string, Set<Member>>} */
    this.byGroup = new Map()
    /** @type {import('../native').NativeSiblings | null} */
    this.native = null
  }

  /** The engine's part; made when it is first needed. */
  get siblings() {
    return (this.native ??= new native.NativeSiblings())
  }

  /** @param {string} groupId @param {Member} member */
  add(groupId, member) {
    const members = this.byGroup.get(groupId) ?? new Set()
    this.byGroup.set(groupId, members.add(member))
  }

  /** @param {string} groupId @param {Member} member */
  delete(groupId, member) {
    const members = this.byGroup.get(groupId)
    if (members?.delete(member) && members.size === 0) this.byGroup.delete(groupId)
  }

  /** @param {string} groupId @returns {Member[]} */
  of(groupId) {
    return [...(this.byGroup.get(groupId) ?? [])]
  }
}

module.exports = { Members }
