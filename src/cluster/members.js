// @ts-check
'use strict'

/**
 * The consumers of one `Kafka` that run, by their group: what a transaction commits is theirs as well.
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
