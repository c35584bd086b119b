// @ts-check
'use strict'

const { MemberMetadata } = require('../assignerProtocol')

/**
 * What a member of the group subscribes to; null if that cannot be read. An assigner may write what it likes into its members'
 * metadata: then only that assigner can read their topics.
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
