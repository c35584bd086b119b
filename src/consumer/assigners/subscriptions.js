// @ts-check
'use strict'

const { MemberMetadata } = require('../assignerProtocol')

/**
 * What a member of the group subscribes to; null if that cannot be read. An assigner may write what it likes into its members'
 * metadata: then it knows their topics, and nobody else does.
 *
 * @param {Buffer} memberMetadata
 * @returns {string[] | null}
 */
const topicsOf = memberMetadata => {
  try {
    return MemberMetadata.decode(memberMetadata).topics
  } catch {
    return null
  }
}

module.exports = { topicsOf }
