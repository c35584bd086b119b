// @ts-check
'use strict'

/**
 * A member of a group of Kafka Streams (KIP-1071), as far as its coordinator can tell: it joins by one StreamsGroupHeartbeat, and is a
 * member for as long as its session lasts, 45 seconds.
 */

const { once } = require('node:events')
const net = require('node:net')

const { Writer, framed } = require('../kafka/protocol')

const STREAMS_GROUP_HEARTBEAT = 88

/**
 * @param {string} broker its coordinator, `host:port`
 * @param {{ groupId: string, memberId: string, subtopologies: { id: string, sourceTopics: string[] }[], leaves?: boolean }} member
 * @returns {Promise<{ errorCode: number }>}
 */
const beat = async (broker, { groupId, memberId, subtopologies, leaves = false }) => {
  const [host, port] = broker.split(':')
  const out = new Writer(true)
  const none = () => out.array([], () => {})
  out.int16(STREAMS_GROUP_HEARTBEAT)
  out.int16(0)
  out.int32(1)
  out.int16(-1) // no client id
  out.tags()
  out.string(groupId)
  out.string(memberId)
  out.int32(leaves ? -1 : 0) // its epoch
  out.int32(-1) // endpoint_information_epoch
  out.string(null) // static
  out.string('rack-1')
  out.int32(30_000) // rebalance_timeout_ms
  if (leaves) out.int8(-1)
  else {
    out.int8(1)
    out.int32(5) // topology_epoch
    out.array(subtopologies, ({ id, sourceTopics }) => {
      out.string(id)
      out.array(sourceTopics, topic => out.string(topic), false)
      for (let i = 0; i < 5; i++) none()
    })
    out.tags()
  }
  for (let i = 0; i < 3; i++) none() // the tasks that it has
  out.string('process-1')
  out.int8(-1) // no endpoint of its own
  none() // tags
  for (let i = 0; i < 2; i++) out.varint(0) // offsets: null
  out.int8(0)
  out.tags()
  const socket = net.connect(Number(port), host)
  try {
    socket.write(framed(out.bytes()))
    const [answer] = await once(socket, 'data')
    // Length, correlation id, tags, throttle.
    return { errorCode: answer.readInt16BE(13) }
  } finally {
    socket.destroy()
  }
}

module.exports = { beat }
