// @ts-check
'use strict'

/** Which groups there are. */

/** @type {import('../index').Command} */
module.exports = {
  summary: 'The groups: states, types, how many members.',
  usage: '[--state STATE]… [--type TYPE]…',
  options: {
    state: { type: 'string', multiple: true, help: 'only in this state: Stable, Empty, …' },
    type: {
      type: 'string',
      multiple: true,
      help: 'only of this type: classic, consumer, share, streams'
    }
  },
  examples: ['kafkars groups', 'kafkars groups --state Empty | cut -f1'],
  async run({ kafka, values: { state = [], type = [] }, out }) {
    const admin = /** @type {any} */ (kafka.admin())
    try {
      const { groups: listed } = await admin.listGroups({ states: state, types: type })
      const ids = listed.map(({ groupId }) => groupId).sort()
      const { groups } = await admin.describeGroups(ids)
      const known = new Map(listed.map(group => [group.groupId, group]))
      const rows = groups.map(group => ({
        groupId: group.groupId,
        state: known.get(group.groupId).state ?? group.state,
        type: known.get(group.groupId).type ?? group.type,
        protocolType: known.get(group.groupId).protocolType,
        protocol: group.protocol,
        members: group.members.length
      }))
      if (out.isJson) return out.json(rows)
      out.table(
        ['GROUP', 'STATE', 'TYPE', 'PROTOCOL', 'MEMBERS'],
        rows.map(row => [row.groupId, row.state, row.type, row.protocol, row.members])
      )
    } finally {
      await admin.disconnect()
    }
  }
}
