// @ts-check
'use strict'

/** @typedef {import('../native').NativeGroup} NativeGroup */

/**
 * What kafkajs tells of a group.
 * @param {NativeGroup} group
 * @returns {any} `GroupDescription` and `errorCode`
 */
const toDescription = ({ errorCode, groupId, state, protocolType, protocol, members }) => ({
  errorCode,
  groupId,
  state,
  protocolType,
  protocol,
  members: Array.from(members, toMember)
})

/** @param {NativeGroup['members'][number]} member */
const toMember = member => ({
  memberId: member.memberId,
  ...(member.groupInstanceId !== null && { groupInstanceId: member.groupInstanceId }),
  clientId: member.clientId,
  clientHost: member.clientHost,
  memberMetadata: Buffer.from(member.memberMetadata),
  memberAssignment: Buffer.from(member.memberAssignment)
})

module.exports = { toDescription }
